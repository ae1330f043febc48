# zebra and BGP codecs and sessions. Nothing is built here yet.
