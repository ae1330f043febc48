# SPDX-License-Identifier: Apache-2.0
"""What an operator is told of gateways, against the real FRR: which daemon is
away, what is withdrawn only in words, what a filter keeps from which peer."""
import signal

import pytest

from gwlab import STATIC, GwLab
from gwtold import active, gateway, row, shown, until
from netns import ip_batch, wait_until


@pytest.fixture(scope="module", name="gw")
def _gw(make_lab):
    gw = GwLab(make_lab(1), tenants=("red",), gateways=1, bfd=True)
    # What is ended here stays so.
    return gw.build()


def test_a_dead_zebra_is_told_and_what_is_not_withdrawn_for_it(gw):
    active(gw)
    one = gw.gateways[0]
    one.stop("zebra", signal.SIGKILL)
    until(gw, lambda: "zebra: not connected" in gateway(gw)["reason"],
          "a reason", 5)
    assert gateway(gw)["status"] == "degraded"
    assert shown(gw)["state"] == "degraded"
    assert "zebra: not connected" in shown(gw)["reason"]
    gw.lab.netctl("route", "set", "red", STATIC, "--no-announce")
    until(gw, lambda: row(gw, STATIC).get("state") == "withdrawing", "a row")
    assert "has not withdrawn it yet" in row(gw, STATIC)["reason"]
    assert "zebra: not connected" in row(gw, STATIC)["reason"]
    assert STATIC in gw.ce_routes("red")
    one.start("zebra")
    until(gw, lambda: one.watch() is not None and not row(gw, STATIC),
          "no row", 60)
    until(gw, lambda: one.watch() is not None
          and STATIC not in gw.ce_routes("red"), "the CE without it", 60)
    gw.lab.netctl("route", "set", "red", STATIC, "--announce")
    until(gw, lambda: one.watch() is not None
          and row(gw, STATIC).get("state") == "announced", "a row again", 60)
    gw.wait_sessions()
    active(gw)


def test_what_bgpd_refuses_is_told_whatever_zebra_does(gw):
    """Its peer is an address of the gateway, which the API cannot know."""
    def reason():
        return next(s["error"] for s in shown(gw)["sessions"]
                    if s["peering"] == "red/own")

    def is_back():
        assert reason().startswith("conflict: "), reason()
        one.watch()
        return (one.box.output("vxgatewayd", 1000).count(again) > before
                and "zebra" not in gateway(gw)["reason"])

    active(gw)
    one = gw.gateways[0]
    again = "bgpd has subscribed to zebra again"
    before = one.box.output("vxgatewayd", 1000).count(again)
    ip_batch(["addr add 198.18.5.5/32 dev lo"], one.vrf_of("red"))
    wait_until(lambda: any(
        a["address"] == "198.18.5.5/32" for a in one.frr.json(
            "zebra", f"show interface vrf {one.vrf_name('red')} json")[
                "lo"]["ipAddresses"]), 10, "zebra to know the address")
    gw.lab.netctl("peering", "add", "red/own", "--gateway", one.name,
                  "--peer", "198.18.5.5", "--peer-as", "65140",
                  "--family", "ipv4", "--multihop", "2")
    until(gw, lambda: "red/own" in str(shown(gw)["sessions"])
          and reason().startswith("conflict: "), "why")
    assert "local system as neighbor" in reason()
    one.stop("zebra", signal.SIGKILL)
    one.start("zebra")
    until(gw, is_back, "zebra and bgpd to be together again", 60)
    gw.lab.netctl("peering", "del", "red/own")
    ip_batch(["addr del 198.18.5.5/32 dev lo"], one.vrf_of("red"))
    gw.wait_sessions()
    active(gw)


def test_what_an_export_list_keeps_back_is_told(gw):
    gw.lab.netctl("peering", "set", "red/ce1", "--export", "10.0.0.0/24")
    until(gw, lambda: [p for p in gw.ce_routes("red") if ":" not in p]
          == ["10.0.0.0/24"], "the CE to hear one")
    rows = {a["prefix"]: a for a in shown(gw)["announced"]
            if a["type"] == "prefix"}
    reason = "not in the export list of red/ce1"
    for prefix, one in rows.items():
        if prefix == "10.0.0.0/24":
            assert one["withheld"] == [] and "ipv4" in one["families"]
            continue
        assert one["withheld"] == [{"peering": "red/ce1", "reason": reason}]
        assert (one["state"], one["reason"]) == ("announced", reason)
        assert "vpnv4" in one["families"] or "vpnv6" in one["families"]
        assert not {"ipv4", "ipv6"} & set(one["families"])
    assert len(rows) > 3
    assert reason in gw.lab.netctl("bgp", "show").stdout
    gw.lab.netctl("peering", "set", "red/ce1", "--no-export")
    until(gw, lambda: len(gw.ce_routes("red")) == len(rows), "all again")
    assert not any(a["withheld"] for a in shown(gw)["announced"])


def test_a_bfdd_that_is_away_is_told_at_peerings_that_want_it(gw):
    def session(name):
        return next(s for s in shown(gw)["sessions"] if s["peering"] == name)

    one = gw.gateways[0]
    active(gw)
    one.stop("bfdd", signal.SIGKILL)
    until(gw, lambda: gateway(gw)["reason"].startswith("bfdd: "), "why", 10)
    until(gw, lambda: session("red/ce1")["state"] == "established",
          "the session without BFD", 60)
    assert session("red/ce1")["error"].startswith("bfdd: ")
    assert "without BFD" in gw.lab.netctl("peering", "list").stdout
    assert session("up1")["error"] == ""
    gw.lab.netctl("peering", "set", "red/ce1", "--no-bfd")
    active(gw)
    assert session("red/ce1")["error"] == ""
    gw.lab.netctl("peering", "set", "red/ce1", "--bfd")
    until(gw, lambda: session("red/ce1")["error"].startswith("bfdd: "),
          "why", 10)
    one.start("bfdd")
    until(gw, lambda: not session("red/ce1")["error"], "no reason", 30)
    gw.wait_sessions()
    active(gw)


def test_a_session_whose_bfd_is_down_says_so(gw):
    def error():
        return next((s["state"], s["error"]) for s in shown(gw)["sessions"]
                    if s["peering"] == "red/ce1")

    ce = gw.ces["red"]
    active(gw)
    ce.frr.stop("bfdd", signal.SIGKILL)
    until(gw, lambda: error()[0] == "established"
          and error()[1].startswith("BFD is not up"), "why", 60)
    assert gateway(gw)["status"] == "active"
    ce.frr.start("bfdd")
    gw.wait_sessions()
    until(gw, lambda: error() == ("established", ""), "no reason", 90)


@pytest.mark.parametrize("daemon, peering", [("bgpd", "red/ce1"),
                                             ("reflector", "up1")])
def test_reasons_name_the_daemon_that_is_away(gw, daemon, peering):
    one = gw.gateways[0]
    active(gw)
    one.stop(daemon, signal.SIGKILL)
    until(gw, lambda: gateway(gw)["status"] == "degraded", "the state", 10)
    assert gateway(gw)["reason"].startswith(f"{daemon}: ")
    until(gw, lambda: {s["peering"]: s["error"] for s in shown(gw)[
        "sessions"]}[peering].startswith(f"{daemon}: "), "an error", 10)
    one.start(daemon)
    gw.wait_sessions()
    active(gw)


def learned(gw, prefix):
    """Rows of what is learned of a prefix: (used, reason)."""
    return [(item["used"], item["reason"]) for item in shown(gw)["learned"]
            if prefix in item["prefix"]]


@pytest.mark.parametrize("count, well_known", [(940, ()),
                                               (1, ("no-advertise",))])
def test_a_type_5_with_any_communities_is_used(gw, count, well_known):
    vni = gw.l3vni("red")
    words = ("evpn", "prefix", "198.19.0.0/16", "etag", "0", "label",
             str(vni), "rd", "65002:11")
    active(gw)
    gw.upstream.add(
        *words, "rt", f"65001:{vni}", "encap", "vxlan", "router-mac",
        "02:00:00:00:99:78", "nexthop", "172.31.250.9", "community",
        ",".join([*well_known, *(f"65002:{n}" for n in range(count))]))
    until(gw, lambda: (True, "") in learned(gw, "198.19.0.0/16"), "a row")
    gw.upstream.delete(*words)
    until(gw, lambda: not learned(gw, "198.19.0.0/16"), "no row")
