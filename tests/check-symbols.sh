#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the archives define and call: the core calls nothing that acts, our
# names carry our prefixes, and none is one of libopenvswitch's thousands.
# Runs in the build folder.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"
nm=${NM:-nm}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

archives=$(ls src/*/libvx*.a ovs-glue/lib*.a bgp/lib*.a 2>/dev/null)

# "archive.a member.o name" of defined or undefined globals; names of the
# compiler and its sanitizers left out.
defined() { $nm -g -A --defined-only "$@" 2>/dev/null | symbols; }
undefined() { $nm -g -A --undefined-only "$@" 2>/dev/null | symbols; }
symbols() {
    sed -E 's/^([^:]*):([^:]*):.* ([^ ]+)$/\1 \2 \3/' |
        grep -vE ' (__asan|__ubsan|__odr_asan|__sanitizer|__sanitizer_cov|__start___|__stop___|_GLOBAL_OFFSET_TABLE_|__sancov)'
}

# Pure, or allocation: no clock, no randomness, no I/O, no locale, no errno.
cat > "$tmp/allowed" <<'EOF'
__assert_fail
__ctype_b_loc
__ctype_tolower_loc
__errno_location
__stack_chk_fail
abort
bcmp
bsearch
calloc
free
inet_ntop
inet_pton
malloc
memchr
memcmp
memcpy
memmem
memmove
memrchr
memset
qsort
qsort_r
realloc
snprintf
strcasecmp
strchr
strcmp
strcpy
strcspn
strdup
strlen
strncasecmp
strncmp
strnlen
strpbrk
strrchr
strspn
strstr
strtol
strtoll
strtoul
strtoull
vsnprintf
EOF
{
    cat "$tmp/allowed"
    sed 's/.*/__&_chk/' "$tmp/allowed"
    sed 's/.*/__isoc23_&/' "$tmp/allowed"
    defined src/core/libvxcore.a | cut -d' ' -f3
    defined src/lib/libvxlib.a | cut -d' ' -f3 | grep -vE '^vx_(log|clock)'
} | sort -u > "$tmp/may-call"

verdict "the archives can be read" "$(
    defined src/lib/libvxlib.a | grep -q ' vx_xmalloc$' ||
        echo "$nm finds no vx_xmalloc in src/lib/libvxlib.a")"

verdict "the core calls only itself, the leaf helpers and pure libc" "$(
    undefined src/core/libvxcore.a | while read -r archive member name; do
        grep -qxF -e "$name" "$tmp/may-call" || echo "$member calls $name"
    done | sort -u)"

verdict "the core has no variable that lives on between two calls" "$(
    $nm -A src/core/libvxcore.a 2>/dev/null |
        grep -E ' [bBcC] ' |
        grep -vE ' (__asan|__ubsan|__odr_asan|__sancov|\.L)' |
        sed -E 's/^[^:]*:([^:]*):.* ([^ ]+)$/\1 keeps \2/')"

verdict "exported names begin with the prefix of their folder" "$(
    for archive in $archives; do
        case $archive in
        src/*) prefix=vx_ ;;
        ovs-glue/*) prefix=og_ ;;
        bgp/*) prefix=bg_ ;;
        esac
        defined "$archive" | grep -v " $prefix" |
            sed -E 's/^([^ ]*) ([^ ]*) (.*)/\1: \2 exports \3/'
    done)"

if [ -n "${OVS_SOURCE:-}" ]; then
    $nm -g --defined-only "$OVS_SOURCE"/lib/.libs/*.a 2>/dev/null |
        awk 'NF == 3 { print $3 }' | sort -u > "$tmp/theirs"
    # shellcheck disable=SC2086
    defined $archives | cut -d' ' -f3 | sort -u > "$tmp/ours"
    n=$(wc -l < "$tmp/theirs")
    problem=$(comm -12 "$tmp/ours" "$tmp/theirs")
    [ "$n" -gt 1000 ] || problem="only $n symbols found in libopenvswitch"
    verdict "no exported name is also one of libopenvswitch" "$problem"
fi
done_testing
