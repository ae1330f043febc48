# SPDX-License-Identifier: Apache-2.0
"""Who hears what a gateway announces is told as it is, against the real FRR:
also with a bgpd or a reflector that is dead, and of what is withdrawn
meanwhile. Without BFD: a CE that hears of a dead bgpd by BFD first forgets
all at once."""
import signal

import pytest

from gwlab import STATIC, GwLab
from gwtold import active, row, until


@pytest.fixture(scope="module", name="gw")
def _gw(make_lab):
    return GwLab(make_lab(1), tenants=("red",), gateways=1).build()


def heard_by_all(gw):
    """A row, when all peers are known to hear it, and the CE has heard."""
    active(gw)
    until(gw, lambda: STATIC in gw.ce_routes("red"), "the CE to hear")
    until(gw, lambda: row(gw, "10.0.0.0/24")["families"]
          == ["ipv4", "vpnv4", "evpn"], "all families")
    return row(gw, "10.0.0.0/24")


def test_a_dead_bgpd_announces_nothing_and_withdraws_nothing(gw):
    """Its peers go on with what it has told them (graceful restart)."""
    before = heard_by_all(gw)
    one = gw.gateways[0]
    one.stop("bgpd", signal.SIGKILL)
    until(gw, lambda: row(gw, "10.0.0.0/24")["families"]
          == ["vpnv4", "evpn"], "the families that are left", 5)
    found = row(gw, "10.0.0.0/24")
    assert found["state"] == "announced"
    assert found["reason"].startswith("no session with red/ce1 (bgpd: ")
    gw.lab.netctl("route", "set", "red", STATIC, "--no-announce")
    until(gw, lambda: row(gw, STATIC).get("state") == "withdrawing", "a row")
    assert "bgpd: " in row(gw, STATIC)["reason"]
    assert STATIC in gw.ce_routes("red")
    one.start("bgpd")
    # Not before the CE is without it.
    until(gw, lambda: not row(gw, STATIC), "no row", 60)
    assert STATIC not in gw.ce_routes("red")
    gw.lab.netctl("route", "set", "red", STATIC, "--announce")
    until(gw, lambda: row(gw, STATIC).get("state") == "announced", "a row")
    gw.wait_sessions()
    assert heard_by_all(gw) == before


def test_what_is_withdrawn_is_gone_when_peers_have_waited_enough(gw):
    heard_by_all(gw)
    one = gw.gateways[0]
    one.stop("bgpd", signal.SIGKILL)
    gw.lab.netctl("route", "set", "red", STATIC, "--no-announce")
    until(gw, lambda: row(gw, STATIC).get("state") == "withdrawing", "a row")
    until(gw, lambda: not row(gw, STATIC), "no row", 45)
    assert STATIC not in gw.ce_routes("red")
    gw.lab.netctl("route", "set", "red", STATIC, "--announce")
    one.start("bgpd")
    gw.wait_sessions()
    active(gw)


def test_what_bgpd_does_not_hear_after_a_restart_of_zebra_is_not_gone(gw):
    """It goes on announcing that for some ten seconds."""
    heard_by_all(gw)
    one = gw.gateways[0]
    one.stop("zebra", signal.SIGKILL)
    one.start("zebra")
    gw.lab.netctl("route", "set", "red", STATIC, "--no-announce")
    until(gw, lambda: row(gw, STATIC).get("state") == "withdrawing", "a row")
    assert STATIC in gw.ce_routes("red")
    until(gw, lambda: not row(gw, STATIC), "no row", 60)
    assert STATIC not in gw.ce_routes("red")
    gw.lab.netctl("route", "set", "red", STATIC, "--announce")
    gw.wait_sessions()
    active(gw)


def test_a_dead_reflector_leaves_the_tenants_own_peers(gw):
    before = heard_by_all(gw)
    one = gw.gateways[0]
    one.stop("reflector", signal.SIGKILL)
    until(gw, lambda: row(gw, "10.0.0.0/24")["families"] == ["ipv4"],
          "the family that is left", 5)
    found = row(gw, "10.0.0.0/24")
    assert found["state"] == "announced"
    assert found["reason"].startswith("no session with up1 (reflector: ")
    one.stop("bgpd", signal.SIGKILL)
    until(gw, lambda: row(gw, "10.0.0.0/24")["state"] == "waiting",
          "nobody to hear it", 5)
    found = row(gw, "10.0.0.0/24")
    assert found["families"] == [] and "up1" in found["reason"]
    assert {w["peering"] for w in found["withheld"]} == {"red/ce1", "up1"}
    one.start("reflector", "bgpd")
    gw.wait_sessions()
    until(gw, lambda: row(gw, "10.0.0.0/24") == before, "all again", 60)
    active(gw)
