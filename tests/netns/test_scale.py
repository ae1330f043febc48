# SPDX-License-Identifier: Apache-2.0
"""`make scale` (tests/bench/scale.py), at a size for every day: reconnects of
hosts that are right cost them no modification, and of hosts that lost rows
exactly these."""
import os
import sys

import netns
import pytest
from lab import TOP

pytestmark = pytest.mark.slow


def test_reconnects_send_nothing_but_what_was_lost(figures):
    done = netns.run([
        sys.executable, "-B", os.path.join(TOP, "tests", "bench", "scale.py"),
        "--ports", "600", "--plugged", "24", "--loss", "3",
        "--extra", "--set", "audit_interval=5"], check=False, timeout=400)
    for line in done.stdout.splitlines():
        figures(line)
    assert done.returncode == 0, done.stdout + done.stderr
