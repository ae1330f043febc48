#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs what is missing, configures into build/ and builds. The programs are
# then in build/bin/. Quick when nothing changed.
set -eu
cd "$(dirname "$0")"
[ -x configure ] || autoreconf -fi
mkdir -p build
cd build
[ -f Makefile ] || ../configure "$@"
make -j"$(nproc)"
