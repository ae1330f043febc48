#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Limits of size and form of the sources, as CONTRIBUTING.md gives them.
. "${srcdir:-$(dirname "$0")/..}/tests/tap.sh"
cd "$srcdir" || exit 99

folders="src ovs-glue bgp tests"
# shellcheck disable=SC2086
c_files() { find $folders -name '*.[ch]' | sort; }
# shellcheck disable=SC2086
all_files() { { c_files; find $folders -name '*.py'; } | sort; }

verdict "no source file is longer than 1000 lines" "$(
    all_files | xargs wc -l |
        awk '$2 != "total" && $1 > 1000 { print $2 ": " $1 " lines" }')"

verdict "no function is longer than 100 lines" "$(
    c_files | xargs awk '
        FNR == 1 { inside = 0 }
        /^\{/ { start = FNR; inside = 1 }
        /^\}/ {
            if (inside && FNR - start - 1 > 100) {
                print FILENAME ":" start ": " FNR - start - 1 " lines"
            }
            inside = 0
        }')"

verdict "no line of C is wider than 79 columns" "$(
    c_files | xargs awk '
        length($0) > 79 { print FILENAME ":" FNR ": " length($0) }')"

verdict "C is indented with spaces and ends its lines cleanly" "$(
    c_files | xargs grep -nE "$(printf '\t')|[[:space:]]+\$" /dev/null |
        cut -c1-100 | head -n 20)"

verdict "every source file names its license in its first two lines" "$(
    all_files | while read -r file; do
        head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
            echo "$file"
    done)"

verdict "every header guards against a second inclusion" "$(
    find src ovs-glue bgp -name '*.h' | while read -r file; do
        grep -qE '^#ifndef VX_|^#ifndef OG_|^#ifndef BG_|^#pragma once' \
            "$file" || echo "$file"
    done)"

verdict "no test sleeps: it polls with a deadline" "$(
    # shellcheck disable=SC2046
    grep -nE '(^|[^a-z_])(time\.)?(u|nano)?sleep ?\(' $(
        find tests -name '*.py' -o -name '*.c') /dev/null | head -n 20)"
done_testing
