# netctl against a fake controller, no root (pytest, told as TAP).
TESTS += tests/cli/check-cli.sh
