# vxgatewayd, beside FRR on each gateway. Nothing is built here yet.
