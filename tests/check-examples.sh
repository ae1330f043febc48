#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What examples say is what works.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"
cd "$srcdir" || exit 99
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
unit=examples/host-join/vxfabric-host-join.service

sed -n '/path: .*host-join\.service/,/^runcmd/p' \
    examples/host-join/cloud-init.yaml | sed -e '1,2d' -e '/^runcmd/d' \
    -e 's/^      //' > "$tmp/unit"
verdict "cloud-init writes the unit as it is in the file beside it" "$(
    diff "$unit" "$tmp/unit" 2>&1)"

if command -v systemd-analyze >/dev/null; then
    mkdir "$tmp/units"
    for file in examples/*/*.service; do
        # Programs and units that are not on this machine are left out.
        sed -e 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' -e '/^Requires=/d' \
            "$file" > "$tmp/units/${file##*/}"
    done
    # A drop-in, with as much of the unit as it needs.
    { printf '[Service]\nType=forking\nExecStart=/bin/true\n'
      sed -e 's|/usr/lib/frr/frrinit.sh|/bin/true|' \
          examples/systemd/frr.service.d/vxfabric.conf
    } > "$tmp/units/frr.service"
    verdict "units are clean to systemd-analyze" "$(
        systemd-analyze verify --man=no --recursive-errors=no \
            "$tmp"/units/*.service 2>&1 | grep -F "$tmp")"
fi

verdict "examples/vxfabric.conf has every key of vxfabric.conf(5), and its default" "$(
    sed -n 's/^\.It Ic \([a-z_]*\)$/\1/p' man/vxfabric.conf.5 |
        while read -r key; do
            grep -qE "^#?$key =" examples/vxfabric.conf || echo "$key"
        done)"

verdict "hooks are shell or Python that parses" "$(
    sh -n examples/hooks/log 2>&1
    for file in examples/hooks/inventory examples/hooks/receiver.py; do
        "${PYTHON3:-python3}" -c \
            'import ast, sys; ast.parse(open(sys.argv[1]).read())' \
            "$file" 2>&1
    done)"

# An event may come twice, and late.
register() {
    INVENTORY=$tmp/inventory "${PYTHON3:-python3}" -B \
        examples/hooks/inventory <<EOF
{"seq":$1,"time":"2026-01-31T12:00:00.000Z","event":"$2","object":"h1",
 "text":"","data":{"name":"h1","zone":"z1","vtep":"192.0.2.7"},"test":false}
EOF
}
verdict "the inventory keeps the newest event, however often they come" "$(
    for event in "5 host-join" "7 host-down" "7 host-down" "6 host-active"
    do
        # shellcheck disable=SC2086
        register $event >/dev/null || echo "failed at $event"
    done
    grep -q '"state": "down"' "$tmp/inventory/h1.json" &&
        grep -q '"vtep": "192.0.2.7"' "$tmp/inventory/h1.json" ||
        cat "$tmp/inventory/h1.json")"
done_testing
