# SPDX-License-Identifier: Apache-2.0
"""A gateway with many tenants: what a restart of vxgatewayd finds stays as it
is."""
import signal

import pytest

from gwlab import GwLab
from netns import wait_until
from ping import Pinging

TENANTS = tuple(f"t{n:02d}" for n in range(1, 17))


@pytest.fixture(scope="module", name="gw")
def _gw(make_lab):
    return GwLab(make_lab(1), tenants=TENANTS, gateways=1,
                 upstream=False).build()


def text_of(gw):
    return lambda: gw.gateways[0].box.output("vxgatewayd", 80)


def legs(gw):
    """{port: (UUID of its interface, OpenFlow port)} of all legs."""
    found = {}
    for line in gw.gateways[0].host.vsctl(
            "--bare", "--format=csv", "--no-headings", "--columns="
            "name,_uuid,ofport", "list", "Interface").splitlines():
        name, uuid, ofport = line.split(",")
        if name.startswith("vl"):
            found[name] = uuid, ofport
    return found


def test_a_restart_leaves_the_legs_of_many_tenants(gw, figures):
    gateway = gw.gateways[0]
    pairs = gw.everything_pings(TENANTS[:1] + TENANTS[-3:])
    before = legs(gw)
    assert len(before) == len(TENANTS), before
    for number in (signal.SIGKILL, signal.SIGTERM):
        mark = gateway.box.output("vxgatewayd", 10000).count("is ready")
        with Pinging(pairs, interval_s=0.02) as pinging:
            pinging.go_on(10)
            gateway.stop("vxgatewayd", number)
            pinging.go_on(10)
            gateway.start("vxgatewayd")
            wait_until(lambda m=mark: gateway.box.output(
                "vxgatewayd", 10000).count("is ready") >= m + len(TENANTS),
                60, text_of(gw), 0.1)
            pinging.go_on(150)
        figures(f"vxgatewayd with {len(TENANTS)} tenants: {pinging}, "
                f"{len(set(before.items()) - set(legs(gw).items()))} legs "
                "made anew")
        assert legs(gw) == before
        assert not sum(pinging.lost.values()), str(pinging)


def test_a_leg_of_nobody_is_swept(gw):
    gateway = gw.gateways[0]
    gateway.stop("vxgatewayd", signal.SIGKILL)
    gateway.host.vsctl("add-port", "br-tenant", "vl4711")
    gateway.start("vxgatewayd")
    wait_until(lambda: "vl4711" not in legs(gw), 60, text_of(gw), 0.1)


def test_nothing_has_crashed(gw):
    assert not gw.crashed(), gw.crashed()
