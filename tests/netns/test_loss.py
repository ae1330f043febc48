# SPDX-License-Identifier: Apache-2.0
"""A short version of the loss table, so that it keeps working, and that what
it promises is seen to be kept; the whole of it is `make loss`."""
import os
import sys
import threading
import types

import netns

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "loss"))

import streams  # noqa: E402  (needs the path above)
import table  # noqa: E402


def test_restarts_cost_no_more_than_promised(figures, capsys):
    status = table.main(["--rounds", "1", "--switch-rounds", "1",
                         "--ports", "50", "--brief"])
    for line in capsys.readouterr().out.splitlines():
        figures(line)
    assert status == 0


def test_the_judge_sees_what_is_lost(make_lab):
    """Two namespaces on the underlay, and a wire that is cut for 100 ms."""
    lab = make_lab(0)
    one, two = (types.SimpleNamespace(namespace=name, ipv4=address)
                for name, address in (lab.add_stranger() for _ in "12"))
    with streams.Traffic([(streams.SAME, one, two)]) as traffic:
        netns.ip_batch(["link set x2 down"], lab.underlay)
        threading.Event().wait(0.1)     # the fault itself
        netns.ip_batch(["link set x2 up"], lab.underlay)
    count = traffic.counts[streams.SAME]
    assert 90 <= count.lost <= 1500, count
    assert count.lost - 20 <= count.gap_ms <= count.lost + 20, count
    assert not count.twice and not count.socket_drops, count
