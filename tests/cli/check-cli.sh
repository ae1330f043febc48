#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# netctl against a fake controller: exit codes, what is asked, what is
# printed. pytest, told as TAP.
: "${srcdir:=$(dirname "$0")/../..}"
exec 3>&1
NETCTL=${NETCTL:-$PWD/bin/netctl} NETCTL_TAP_FD=3 \
    exec "${PYTHON3:-/usr/bin/python3}" -B -m pytest --tb=short -q \
    -p no:cacheprovider "$srcdir/tests/cli" >/dev/null
