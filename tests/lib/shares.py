# SPDX-License-Identifier: Apache-2.0
"""Which tests with packets go to which of the processes that run them side by
side. Mostly these tests wait, so there are more processes than processors.

A file is a share: its tests use the same lab, in order. What measures (packets
lost, time without an answer) or computes for many seconds is one share
together, so that no two of these run at a time. What takes longest starts
first, so that the end is not spent waiting for it. A file that is not named
here is a short one.
"""

MEASURING = (
    "test_gw_restarts.py",
    "test_loss.py",
    "test_gateways.py",
    "test_lab.py",
    "test_migration.py",
)
# Seconds of a machine that had little else to do.
LONG = ("test_gw_frr.py", "test_churn.py", "test_scale.py",
        "test_reachability.py", "test_lifecycle.py", "test_chain.py",
        "test_many_networks.py", "test_hooks.py", "test_routed_rows.py",
        "test_zebra.py", "test_hosts.py", "test_crash.py",
        "test_quickstart.py", "test_audit.py", "test_bgp_speaker.py",
        "test_isolation.py", "test_locality.py", "test_routed_changes.py")


def share_of(nodeid):
    """Name of the share of a test; it has no meaning to anybody else."""
    file = nodeid.partition("::")[0].rpartition("/")[2]
    return "measuring" if file in MEASURING else file


def in_order(items):
    """The tests, those of the longest shares first."""
    order = {"measuring": -1, **{name: n for n, name in enumerate(LONG)}}
    return sorted(items, key=lambda item: order.get(share_of(item.nodeid),
                                                    len(LONG)))


def scheduler(config, log):
    """What pytest-xdist asks."""
    from xdist.scheduler import LoadFileScheduling

    class Shares(LoadFileScheduling):
        """Hands out shares instead of files."""

        def _split_scope(self, nodeid):
            return share_of(nodeid)

    return Shares(config, log)
