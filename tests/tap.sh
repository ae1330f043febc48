# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# TAP for the check-*.sh: verdict "name" "what is wrong, empty if nothing".
tap_number=0
tap_failed=0

verdict() {
    tap_number=$((tap_number + 1))
    if [ -z "$2" ]; then
        echo "ok $tap_number - $1"
    else
        echo "not ok $tap_number - $1"
        printf '%s\n' "$2" | sed 's/^/#   /'
        tap_failed=1
    fi
}

done_testing() {
    echo "1..$tap_number"
    exit $tap_failed
}

srcdir=${srcdir:-$(dirname "$0")/..}
