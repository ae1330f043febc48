#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who may include whom: lib <- core <- {store, api, ovs-glue, bgp} <- daemons;
# the shell that daemons share sees lib, the CLI lib and api only. And who alone may include a foreign header.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"
cd "$srcdir" || exit 99

# FILE:LINE:included name, of all #include lines in a folder.
includes() {
    find "$1" -maxdepth 1 -name '*.[ch]' | sort | xargs -r grep -nE \
        '^[[:space:]]*#[[:space:]]*include' /dev/null |
        sed -E 's/#[[:space:]]*include[[:space:]]*[<"]([^>"]*)[>"].*/\1/'
}

# includes_only FOLDER LAYER...
includes_only() {
    folder=$1
    shift
    foreign=$(echo "$*" | tr ' ' '|')
    verdict "$folder includes no layer but: $*" "$(
        includes "$folder" |
        grep -E ':(lib|shell|core|store|api|daemon|gateway|cli|ovs-glue|bgp)/' |
        grep -vE ":($foreign)/")"
}

# only_in HEADER-PATTERN NAME FOLDER...
only_in() {
    pattern=$1 name=$2
    shift 2
    verdict "$name is included only in: $*" "$(
        for folder in src/lib src/shell src/core src/store src/api \
            src/daemon src/gateway src/cli ovs-glue bgp; do
            case " $* " in *" $folder "*) continue ;; esac
            includes "$folder" | grep -E "[: ]$pattern"
        done)"
}

includes_only src/lib lib
includes_only src/shell lib shell
includes_only src/core lib core
includes_only src/store lib core store
includes_only src/api lib core api
includes_only ovs-glue lib core ovs-glue
includes_only bgp lib core bgp
includes_only src/cli lib api cli
includes_only src/daemon lib core store api ovs-glue bgp shell daemon
includes_only src/gateway lib core api ovs-glue bgp shell gateway
only_in 'sqlite3\.h' sqlite3.h src/store
only_in 'openvswitch/' openvswitch/ ovs-glue
only_in '(cjson/)?cJSON\.h' cJSON.h src/api src/cli src/gateway
only_in 'curl/' curl/ src/cli src/shell
only_in 'openssl/' openssl/ src/daemon
only_in 'netlink/' netlink/ src/cli src/gateway
only_in 'event2/' event2/ src/api src/shell src/daemon src/gateway ovs-glue bgp

# A header with a foreign type in it is private: its own folder includes it.
verdict "no folder shows a type of libevent, SQLite, cJSON or OVS to another" "$(
    for folder in src/lib src/shell src/core src/store src/daemon; do
        includes "$folder" |
            grep -E '\.h:[0-9]+:.*(event2/|sqlite3|cJSON|openvswitch/)' |
            while IFS=: read -r header rest; do
                grep -lE "#include \"${header#src/}\"" \
                    $(find src ovs-glue bgp -name '*.[ch]') |
                    grep -v "^$folder/" | sed "s|\$| includes $header|"
            done
    done)"
verdict "ovs-glue includes Open vSwitch's config.h, never ours" "$(
    includes ovs-glue | grep -E ':"?vxconfig\.h')"
done_testing
