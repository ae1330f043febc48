# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# TAP for the check-*.sh: verdict "name" "what is wrong, empty if nothing".
tap_number=0

verdict() {
    tap_number=$((tap_number + 1))
    if [ -z "$2" ]; then
        echo "ok $tap_number - $1"
    else
        echo "not ok $tap_number - $1"
        printf '%s\n' "$2" | sed 's/^/#   /'
    fi
}

done_testing() {
    echo "1..$tap_number"
    exit 0      # the lines above say it; a status too would count twice
}

srcdir=${srcdir:-$(dirname "$0")/..}
