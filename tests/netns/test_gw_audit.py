# SPDX-License-Identifier: Apache-2.0
"""`netctl audit` of gateways, against the real FRR: what somebody changes in
zebra and in the configurations of bgpd and of the reflector is listed, all of
it and nothing else; --repair puts it right; a gateway that is away, or does
not answer, is named."""
import json
import signal
import time

import pytest

import intent
from gwlab import UPSTREAM, GwLab
from netns import wait_until
from zclient import ZebraClient

STRAY = "198.18.7.0/24"
PARTS = ["zebra", "bgpd", "reflector", "speaker", "kernel"]


@pytest.fixture(scope="module", name="gw")
def _gw(make_lab):
    lab = make_lab(1)
    gw = GwLab(lab, tenants=("red",), gateways=2)
    for gateway in gw.gateways:     # what is changed is not put right unasked
        gateway.extra = ("--audit-interval", "0")
    gw.build("--set", "audit_interval=0")
    settled(gw)
    return gw


def settled(gw):
    """Back when bgpd was made to subscribe to zebra, as it is after each
    start: with that what it announces and nobody wants is taken back."""
    def waiting():
        items = gw.lab.netctl_json("bgp", "show")["items"]
        return [i["gateway"] for i in items if not (
            i.get("counters") or {}).get("bgpd_resubscribed_total")]

    wait_until(lambda: not waiting(), 60,
               lambda: f"subscriptions of {waiting()}\n{gw.report()}", 0.2)


def audit(gw, *argv):
    """netctl audit: (exit status, the report, what was said)."""
    done = gw.lab.netctl("audit", "-o", "json", *argv, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def of(report, name):
    """A gateway's line of a report."""
    found, = [g for g in report["gateways"] if g["gateway"] == name]
    return found


def clean(gw, *argv):
    """The report, as soon as an audit finds nothing."""
    last = []

    def look():
        last[:] = audit(gw, *argv)
        return last[0] == 0

    wait_until(look, 40, lambda: f"a clean audit: {json.dumps(last)[:3000]}\n"
               f"{gw.report()}", 0.5)
    return last[1]


def differences(report):
    """What differs in gateways: (gateway, part, what, row, found)."""
    return sorted((f["gateway"], f["kind"], f["what"], f["row"], f["found"])
                  for f in report["items"] if f["gateway"])


def test_every_part_of_every_gateway_is_compared(gw):
    report = clean(gw)
    assert [g["gateway"] for g in report["gateways"]] == ["g1", "g2"]
    for name in ("g1", "g2"):
        one = of(report, name)
        assert one["result"] == "ok" and one["audited"], one
        assert [p["part"] for p in one["parts"]] == PARTS
        for part in one["parts"]:
            assert part["result"] == "ok", part
            assert part["rows"] > 0, part
        assert sum(p["rows"] for p in one["parts"]) == one["rows"]
    assert len(report["hosts"]) == 3
    only = clean(gw, "--gateway", "g2")
    assert [g["gateway"] for g in only["gateways"]] == ["g2"]
    assert not only["hosts"]
    both = clean(gw, "gw1")
    assert [g["gateway"] for g in both["gateways"]] == ["g1"]
    assert [h["host"] for h in both["hosts"]] == ["gw1"]
    assert not clean(gw, "h1")["gateways"]


def test_what_is_changed_by_hand_is_listed_and_put_right(gw):
    clean(gw)
    one, vrf = gw.gateways[0], gw.gateways[0].vrf_name("red")
    peer = gw.link(one)[1][0].split("/")[0]
    # Another client of our kind stays connected: when it goes, zebra takes
    # all routes of this kind.
    stranger = ZebraClient(one.frr.zserv)
    wait_until(lambda: stranger.poll() and vrf in stranger.vrfs, 10,
               "VRFs of zebra")
    vrf_id = stranger.vrfs[vrf]
    stranger.add(vrf_id, STRAY)
    one.frr.configure("bgpd", [
        f"router bgp 65001 vrf {vrf}", f"neighbor {peer} timers 20 60",
        f"neighbor {peer} ebgp-multihop 7"])
    one.frr.configure("reflector", [
        "router bgp 65001", f"no neighbor {UPSTREAM} timers"])
    wait_until(lambda: STRAY in one.frr.routes(vrf=vrf), 15,
               "the stray route in zebra")
    block = f"router bgp 65001 vrf {vrf}"
    wanted = [
        ("g1", "bgpd", "altered", f"{block}: neighbor {peer} timers 3 9",
         f"neighbor {peer} timers 20 60"),
        ("g1", "bgpd", "foreign", f"{block}: neighbor {peer} ebgp-multihop 7",
         ""),
        ("g1", "reflector", "missing",
         f"router bgp 65001: neighbor {UPSTREAM} timers 3 9", ""),
        ("g1", "zebra", "foreign", f"route {STRAY} in {vrf}", ""),
    ]
    for _ in range(2):              # looking changes nothing
        status, report, _ = audit(gw)
        assert status == 4
        assert differences(report) == wanted, json.dumps(report["gateways"])
    found = {f["kind"]: f for f in report["items"]}
    assert found["zebra"]["object"] == "tenant red"
    assert found["bgpd"]["object"] == "peering red/ce1"
    assert found["reflector"]["object"] == "peering up1"
    assert {f["state"] for f in report["items"]} == {"open"}
    assert {f["host"] for f in report["items"]} == {"gw1"}
    line = of(report, "g1")
    assert (line["found"], line["repaired"], line["open"]) == (4, 0, 4)
    assert of(report, "g2")["found"] == 0
    table = gw.lab.netctl("audit", check=False).stdout
    assert table.split()[1] == "GATEWAY"
    assert STRAY in table and f"neighbor {peer} timers 20 60" in table

    status, report, said = audit(gw, "--repair")
    assert status == 0, (report, said, gw.report())
    assert differences(report) == wanted
    assert {f["state"] for f in report["items"]} == {"repaired"}
    assert of(report, "g1")["repaired"] == 4
    stranger.close()
    # All routes went with it, and are said again.
    report = clean(gw)
    assert not differences(report)
    assert STRAY not in one.frr.routes(vrf=vrf)
    running = one.frr.show("bgpd", "show running-config")
    assert f"neighbor {peer} timers 3 9" in running
    assert "ebgp-multihop" not in running
    _, known, _ = audit(gw, "--known", "--all", "--gateway", "g1")
    assert set(wanted) <= set(differences(known))
    assert not [f for f in known["items"] if f["state"] == "open"]


def test_flowspec_rules_are_counted_as_the_reflector_counts_them(gw):
    clean(gw)
    rows = of(clean(gw, "--gateway", "g1"), "g1")["rows"]
    rules = [("10.0.0.0/24", {"type": "drop"}),
             ("10.0.1.0/24", {"type": "rate", "rate_kbps": 8000}),
             ("fd00:0:0:1::/64", {"type": "drop"})]
    with intent.Api(gw.lab.api) as api:
        api.batch([intent.put(
            f"/v1/tenants/red/policies/p{n}", priority=100 + n,
            match={"dst": dst, "proto": "udp", "dport": "1000-1010"},
            action=action, where=["hosts", "flowspec"])
            for n, (dst, action) in enumerate(rules)])
    wait_until(lambda: of(clean(gw, "--gateway", "g1"), "g1")["rows"]
               >= rows + len(rules), 30, gw.report, 0.5)
    assert not differences(clean(gw))


def test_a_password_is_not_told(gw):
    clean(gw)
    one, vrf = gw.gateways[0], gw.gateways[0].vrf_name("red")
    peer = gw.link(one)[1][0].split("/")[0]
    one.frr.configure("bgpd", [f"router bgp 65001 vrf {vrf}",
                               f"neighbor {peer} password hush-hush"])
    status, report, _ = audit(gw)
    assert status == 4
    row, = [f["row"] for f in report["items"]]
    assert row.endswith(f"neighbor {peer} password (hidden)")
    assert "hush" not in json.dumps(report)
    assert audit(gw, "--repair")[0] == 0
    clean(gw)


def test_a_gateway_that_is_away_is_named(gw):
    report = clean(gw)
    seen = of(report, "g2")["audited"]
    two = gw.gateways[1]
    two.stop("vxgatewayd")
    try:
        status, report, said = audit(gw)
        assert status == 1
        line = of(report, "g2")
        assert "not connected" in line["result"], line
        assert line["audited"] == seen
        assert f"last look at {seen}" in said
        assert "audit of gateway g2" in said
        assert of(report, "g1")["result"] == "ok"
    finally:
        two.start("vxgatewayd")
    settled(gw)
    clean(gw)


def test_a_gateway_that_does_not_answer_is_named_in_time(gw):
    clean(gw)
    two = gw.gateways[1]
    process = two.box.processes["vxgatewayd"]
    process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        status, report, said = audit(gw)
        assert time.monotonic() - began < 30
        assert status == 1
        assert "not " in of(report, "g2")["result"]
        assert "audit of gateway g2: not " in said
        assert of(report, "g1")["result"] == "ok"
    finally:
        process.send_signal(signal.SIGCONT)
    clean(gw)


def test_a_bgpd_that_is_stopped_is_told_as_such(gw):
    clean(gw)
    two = gw.gateways[1]
    two.stop("reflector")
    try:
        status, report, _ = audit(gw, "--gateway", "g2")
        assert status == 1
        parts = {p["part"]: p["result"] for p in of(report, "g2")["parts"]}
        assert parts["reflector"] != "ok" and parts["speaker"] != "ok"
        assert parts["zebra"] == parts["bgpd"] == parts["kernel"] == "ok"
    finally:
        two.start("reflector")
    clean(gw)
    assert not gw.crashed()
