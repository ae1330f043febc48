# Manual pages, in mdoc(7). tests/check-man.sh lints them, test_cli.c holds
# netctl.8 to the command table.
dist_man_MANS += man/netctl.8 man/vxfabricd.8 man/vxgatewayd.8 man/vxfabric.conf.5 \
	man/vxfabric-api.7
