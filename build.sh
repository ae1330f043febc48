#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs what is missing, configures and builds; the programs are then in
# build/bin/. Quick when nothing changed.
#
#   ./build.sh [--dir DIR] [--deps-only] [CONFIGURE-ARGUMENT...]
#
# DIR is another build folder (default build). Arguments given once are
# remembered by that folder; others given later configure it again.
# Needs root only where a package of deps/debian.txt is missing.
set -eu

dir=build
deps_only=
while [ $# -gt 0 ]; do
    case $1 in
    --dir) dir=$2; shift 2 ;;
    --dir=*) dir=${1#--dir=}; shift ;;
    --deps-only) deps_only=yes; shift ;;
    -h|--help) sed -n '3,/^set/s/^# \{0,1\}//p' "$0" | sed '$d'; exit 0 ;;
    *) break ;;
    esac
done
cd "$(dirname "$0")"
top=$(pwd)

say() { printf '%s\n' "build.sh: $*"; }
die() { printf '%s\n' "build.sh: $*" >&2; exit 1; }

missing_packages() {
    sed 's/#.*//' deps/debian.txt | while read -r package rest; do
        [ -n "$package" ] || continue
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" \
                 2>/dev/null) || status=absent
        [ "$status" = installed ] || printf '%s ' "$package"
    done
}

# A package must not start its daemon here: the lab runs its own, and on a
# machine that is only for building, none is wanted.
policy=/usr/sbin/policy-rc.d
restore_policy() {
    [ -z "${policy_made:-}" ] || rm -f "$policy"
    policy_made=
}
forbid_daemons() {
    [ ! -e "$policy" ] || return 0
    policy_made=yes
    trap restore_policy EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    printf '#!/bin/sh\n# Of build.sh of vxfabric, while it installs.\nexit 101\n' \
        > "$policy"
    chmod 755 "$policy"
}

install_packages() {
    [ "$(id -u)" = 0 ] ||
        die "missing packages, and only root can install them:
  apt-get install $1"
    say "installing: $1"
    forbid_daemons
    export DEBIAN_FRONTEND=noninteractive
    apt="apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120"
    # The lists of a machine that stands there for a while name files that the
    # mirror no longer has, so: try, and refresh them when that fails.
    if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 ||
       ! $apt install --no-install-recommends $1; then
        $apt update
        $apt install --no-install-recommends $1
    fi
    restore_policy
}

if command -v dpkg-query >/dev/null 2>&1; then
    missing=$(missing_packages)
    [ -z "$missing" ] || install_packages "$missing"
fi
[ -z "$deps_only" ] || exit 0

mkdir -p "$dir"
exec 8> "$dir/.build-lock"
flock 8

if [ ! -f configure ] || [ ! -f Makefile.in ] ||
   [ ! -f build-aux/tap-driver.sh ] || [ configure.ac -nt configure ]; then
    say "autoreconf"
    autoreconf -fi
fi
args="$*"
if [ ! -f "$dir/Makefile" ] ||
   { [ -n "$args" ] &&
     [ "$args" != "$(cat "$dir/.configure-args" 2>/dev/null)" ]; }; then
    say "configure $args"
    if ! (cd "$dir" && "$top/configure" "$@" > configure.out 8>&-); then
        rm -f "$dir/Makefile"
        die "configure failed; details are in $dir/config.log"
    fi
    printf '%s\n' "$args" > "$dir/.configure-args"
    sed -n '/^  vxfabric [0-9]/,/^  installs to/p' "$dir/configure.out"
fi
make -s --no-print-directory -C "$dir" -j"$(nproc)" all 8>&-
say "programs are in $dir/bin"
