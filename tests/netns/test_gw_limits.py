# SPDX-License-Identifier: Apache-2.0
"""vxgatewayd with the real FRR and peers that say too much: what is taken,
what is left out and said, and what a raised limit does; who the speaker says
to be, and how soon a changed filter acts."""
import re
import time

import netns
import pytest

from frr import Box, Router
from gobgp import GoBgp
from netns import wait_until
from test_gateway_daemon import Gateway, L3VNI, UNDERLAY, VRF, peering, \
    prefix, tenant

NEAR, FAR = "172.31.250.1", "172.31.250.2"
VNI = 7001
TAKEN = 5
SELF = {"name": "g1", "as": 65001, "router_id": UNDERLAY, "vtep": UNDERLAY,
        "host": "gw1"}
# A router id, and what the speaker there makes of it.
FELLOW, FELLOW_ID = "198.51.100.7", "127.245.100.7"
MACS = [f"0a:00:00:00:01:{n:02x}" for n in range(12)]
# A peer that was cut off is tried again after a minute: well below it.
SOON_S = 40


def uplink(**more):
    """Value of a fabric-wide peering."""
    return {"gateway": "g1", "peer": FAR, "peer_as": 65002,
            "local_as": None, "families": ["evpn"], "source": NEAR,
            "bfd": False, "hold": 9, "communities": [], "import": [],
            "export": [], **more}


def ce(**more):
    """Value of the tenant's peering."""
    return peering("172.16.1.2", ["172.16.1.1/30"], ["ipv4"], **more)


@pytest.fixture(scope="module")
def gateway(make_lab):
    lab = make_lab(0)
    one = Gateway(lab)
    one.ce = Router(lab, "ce", ["203.0.113.1/32"])
    outside = lab.namespace("outside")
    netns.ip_batch([f"netns add {outside}"])
    with netns.inside(outside):
        netns.prepare()
    netns.ip_batch([
        f"link add ce1 netns {one.box.namespace} mtu 1450 type veth peer "
        f"name gw1 netns {one.ce.namespace}",
        f"link add wan netns {one.box.namespace} type veth peer "
        f"name gw1 netns {outside}"])
    one.box.ip([f"addr add {NEAR}/30 dev wan", "link set wan up"])
    netns.ip_batch([f"addr add {FAR}/30 dev gw1", "link set gw1 up"],
                   outside)
    one.ce.box.ip(["addr add 172.16.1.2/30 dev gw1", "link set gw1 up"])
    one.ce.start([], [
        "router bgp 65100", " bgp router-id 172.16.1.2",
        " no bgp ebgp-requires-policy", " no bgp network import-check",
        " neighbor 172.16.1.1 remote-as 65001",
        " neighbor 172.16.1.1 timers 1 3",
        " neighbor 172.16.1.1 timers connect 1",
        " address-family ipv4 unicast", "  network 203.0.113.1/32",
        " exit-address-family"])
    one.gobgp = GoBgp(Box(lab, "outside", outside), 65002, FAR)
    one.gobgp.add_neighbor(NEAR, 65001, ["evpn"], port=1179)
    one.gobgp.start()
    one.frr.start("zebra", "bgpd", "reflector")
    controller = one.controller
    controller.set("gateway", "g1", SELF)
    controller.set("tenant", "acme", tenant())
    controller.set("network", "acme/web", {
        "tenant": "acme", "vni": VNI, "import": [f"65001:{VNI}"],
        "export": [f"65001:{VNI}"], "prefixes": ["10.0.0.0/24"]})
    controller.set("peering", "acme/ce1", ce(prefix_limit=TAKEN))
    controller.set("peering", "up1", uplink(prefix_limit=TAKEN))
    controller.set("prefix", "acme 10.0.0.0/24",
                   prefix("acme", "10.0.0.0/24"))
    controller.sync()
    one.start()
    yield one
    one.stop()
    controller.stop()


def session(gateway, name, family):
    """What the gateway reports of a session; {} if nothing."""
    return next((s for s in gateway.controller.last().get("sessions") or ()
                 if (s["peering"], s["family"]) == (name, family)), {})


def change(gateway, key, value):
    """A peering is another; back when that is carried out."""
    gateway.controller.set("peering", key, value)
    gateway.controller.sync()
    gateway.controller.wait_acked()


def endpoints(gateway):
    """MACs that are reported, sorted."""
    return sorted(item["mac"]
                  for item in gateway.controller.learned("endpoint"))


def wait_for(gateway, what, text, deadline_s=SOON_S):
    wait_until(what, deadline_s, lambda: f"{text}: "
               f"{gateway.controller.last().get('sessions')}, "
               f"{endpoints(gateway)}\n"
               + gateway.box.output("vxgatewayd", 60), 0.1)


def is_told(gateway, n_over):
    """The session is up and says how many are left out."""
    found = session(gateway, "up1", "evpn")
    return found.get("state") == "established" and (
        f", {n_over} of them are left out" in found["error"]
        if n_over else not found["error"])


def test_more_types_2_than_the_limit_are_left_out_and_said(gateway):
    gateway.gobgp.wait_established([NEAR])
    for mac in MACS:
        gateway.gobgp.add(
            "evpn", "macadv", mac, "0.0.0.0", "etag", "0", "label",
            str(VNI), "rd", "65002:1", "rt", f"65001:{VNI}", "encap",
            "vxlan")
    wait_for(gateway, lambda: is_told(gateway, len(MACS) - TAKEN),
             "the rest to be left out")
    assert len(endpoints(gateway)) == TAKEN
    items = gateway.controller.learned("endpoint")
    assert {item.get("peering") for item in items} == {"up1"}, items
    unused = gateway.controller.last()["unused"]
    assert len([u for u in unused if "more than 5 prefixes" in u["why"]]) \
        == len(MACS) - TAKEN, unused


def test_who_goes_makes_room(gateway):
    gone = endpoints(gateway)[0]
    gateway.gobgp.delete(
        "evpn", "macadv", gone, "0.0.0.0", "etag", "0", "label",
        str(VNI), "rd", "65002:1")
    wait_for(gateway, lambda: is_told(gateway, len(MACS) - TAKEN - 1)
             and len(endpoints(gateway)) == TAKEN
             and gone not in endpoints(gateway), "another to be taken")


def test_a_raised_limit_takes_the_rest_at_once(gateway):
    change(gateway, "up1", uplink(prefix_limit=100))
    wait_for(gateway, lambda: is_told(gateway, 0)
             and len(endpoints(gateway)) == len(MACS) - 1, "all to be taken")
    change(gateway, "up1", uplink(prefix_limit=3))
    wait_for(gateway, lambda: is_told(gateway, len(MACS) - 1 - 3)
             and len(endpoints(gateway)) == 3, "three to be taken")


def test_a_session_cut_off_for_its_prefixes_is_back_when_it_may(gateway):
    def state():
        return session(gateway, "acme/ce1", "ipv4").get("state")
    wait_for(gateway, lambda: state() == "established", "the session")
    gateway.ce.frr.configure("bgpd", [
        "router bgp 65100", "address-family ipv4 unicast",
        *(f"network 198.51.100.{n}/32" for n in range(2 * TAKEN)), "end"])
    wait_for(gateway, lambda: state() == "idle" and "more than 5 prefixes"
             in session(gateway, "acme/ce1", "ipv4")["error"],
             "the session to be cut off")
    began = time.monotonic()
    change(gateway, "acme/ce1", ce(prefix_limit=50))
    wait_for(gateway, lambda: state() == "established"
             and not session(gateway, "acme/ce1", "ipv4")["error"]
             and len(gateway.controller.learned("route")) == 2 * TAKEN + 1,
             "the session to be back")
    print(f"back {time.monotonic() - began:.1f} s after the limit was raised")


def test_a_changed_filter_acts_soon(gateway):
    def there():
        return "10.0.0.0/24" in gateway.ce.frr.bgp_routes()
    wait_until(there, SOON_S, "the prefix at the CE", 0.05)
    for daemon in ("bgpd", "reflector"):
        assert "\nbgp route-map delay-timer 1\n" in gateway.frr.show(
            daemon, "show running-config"), daemon
    change(gateway, "acme/ce1", ce(prefix_limit=50,
                                   export=["192.0.2.0/24"]))
    began = time.monotonic()
    wait_until(lambda: not there(), SOON_S, "the prefix to go", 0.05)
    print(f"gone {time.monotonic() - began:.1f} s after the filter was "
          "acknowledged")


def test_a_gateway_that_has_lost_its_vtep_withdraws(gateway):
    def there():
        return "10.0.0.0/24" in gateway.ce.frr.bgp_routes()

    def failed():
        return [f["why"] for f in gateway.controller.last()["failed"]
                if f["type"] == "prefix"]
    change(gateway, "acme/ce1", ce(prefix_limit=50))
    wait_until(there, SOON_S, "the prefix at the CE", 0.05)
    gateway.box.ip([f"addr del {UNDERLAY}/32 dev lo"])
    wait_for(gateway, lambda: not there(), "the prefix to go")
    wait_for(gateway, lambda: "cut off" in "".join(failed()), "the reason")
    assert UNDERLAY in failed()[0], failed()
    assert gateway.frr.established(vrf=VRF) == ["172.16.1.2"]
    gateway.box.ip([f"addr add {UNDERLAY}/32 dev lo"])
    wait_for(gateway, lambda: there() and not failed(), "it to be back")


def answers(gateway, address, port):
    """Whether TCP from the fabric's end of the leg comes through: True,
    False (nobody listens) or None (silence, or refused on the way)."""
    done = gateway.box.run("/usr/bin/python3", "-c", f"""
import socket
try:
    socket.create_connection(({address!r}, {port}), 2)
    print("True")
except ConnectionRefusedError:
    print("False")
except OSError:
    print("None")""")
    return {"True": True, "False": False, "None": None}[done.stdout.strip()]


def test_tenants_do_not_reach_bgpd_in_their_vrf(gateway):
    end = f"vl{L3VNI}"
    gateway.box.ip([f"addr add 169.254.64.1/18 dev {end}",
                    f"route add 172.16.1.0/30 via 169.254.64.2 dev {end}"])
    try:
        # Another port nobody listens at, but it is answered.
        for address in ("169.254.64.2", "172.16.1.1"):
            assert answers(gateway, address, 178) is False, address
            assert answers(gateway, address, 179) is None, address
        # A tenant's own session with who is behind the VRF.
        gateway.ce.box.ip(["route add 169.254.64.0/18 via 172.16.1.1"])
        assert answers(gateway, "172.16.1.2", 179) is True
        # The fabric's end has no IPv6.
        rules = gateway.box.run("ip", "-6", "rule", vrf=VRF).stdout
        assert re.search("^10:\tnot from all iif leg ipproto tcp dport 179 "
                         "lookup local", rules, re.M), rules
        assert re.search("^20:\tfrom all to fd76:7866:6162::/64 iif leg "
                         "ipproto tcp dport 179 prohibit", rules, re.M), rules
    finally:
        gateway.box.ip([f"addr flush dev {end}"])


def test_another_fabric_of_our_as_is_heard_and_our_own_gateways_are_not(
        gateway):
    outside = gateway.lab.namespace("fellow")
    netns.ip_batch([f"netns add {outside}",
                    f"link add lan netns {gateway.box.namespace} type veth "
                    f"peer name gw1 netns {outside}"])
    gateway.box.ip(["addr add 172.31.251.1/30 dev lan", "link set lan up"])
    netns.ip_batch(["addr add 172.31.251.2/30 dev gw1", "link set gw1 up"],
                   outside)
    gobgp = GoBgp(Box(gateway.lab, "fellow", outside), 65001, FELLOW_ID)
    gobgp.add_neighbor("172.31.251.1", 65001, ["evpn"], port=1179)
    gobgp.start()
    change(gateway, "rr1", uplink(peer="172.31.251.2", peer_as=65001,
                                  source="172.31.251.1"))
    gobgp.wait_established(["172.31.251.1"])
    mac = "0a:00:00:00:02:01"
    gobgp.add("evpn", "macadv", mac, "0.0.0.0", "etag", "0", "label",
              str(VNI), "rd", "65001:9", "rt", f"65001:{VNI}", "encap",
              "vxlan")
    wait_for(gateway, lambda: mac in endpoints(gateway), "its MAC")
    # It is one of us.
    for fellows in ([FELLOW], []):
        gateway.controller.set("gateway", "g1", dict(SELF, fellows=fellows))
        gateway.controller.sync()
        wait_for(gateway, lambda there=not fellows:
                 (mac in endpoints(gateway)) == there, f"MAC by {fellows}")


def test_the_speaker_has_an_id_of_its_own(gateway):
    found = gateway.frr.json("reflector", "show bgp neighbors 127.0.0.2 json")
    assert found["127.0.0.2"]["remoteRouterId"] == "127.192.2.1", found
    assert VRF in gateway.box.netns_names()
