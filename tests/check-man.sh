#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages are good mdoc(7), and what they refer to is there.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"
cd "$srcdir" || exit 99

for page in man/*.[1-9]; do
    if command -v mandoc >/dev/null; then
        verdict "$page is clean to mandoc" "$(
            mandoc -Tlint -Wwarning "$page" 2>&1)"
    else
        tap_number=$((tap_number + 1))
        echo "ok $tap_number - $page is clean to mandoc # SKIP no mandoc"
    fi
done

verdict "our pages that pages refer to exist" "$(
    sed -nE 's/^\.Xr (netctl|vxfabric[^ ]*|vxgateway[^ ]*) ([0-9]).*/\1.\2/p' \
        man/*.[1-9] | sort -u | while read -r page; do
        [ -f "man/$page" ] || echo "man/$page"
    done)"

verdict "vxfabric.conf.5 has every key the controller takes" "$(
    grep -ohE '(strcmp\(key, |\{ )"[a-z][a-z_]+"[,)]' src/daemon/options.c |
        grep -oE '[a-z][a-z_]+"' | tr -d '"' | sort -u |
        while read -r key; do
            grep -q "^\.It Ic $key\$" man/vxfabric.conf.5 || echo "$key"
        done)"
verdict "vxfabricd.8 has every option the controller takes" "$(
    grep -oE '"(  -., |      )--[a-z-]+' src/daemon/options.c |
        grep -oE '[a-z]+(-[a-z]+)*$' | while read -r option; do
        grep -q "Fl -$option\\b" man/vxfabricd.8 || echo "--$option"
    done)"
verdict "vxgatewayd.8 has every option the gateway takes" "$(
    grep -oE '"(  -., |      )--[a-z-]+' src/gateway/options.c |
        grep -oE '[a-z]+(-[a-z]+)*$' | while read -r option; do
        grep -q "Fl -$option\\b" man/vxgatewayd.8 || echo "--$option"
    done)"
done_testing
