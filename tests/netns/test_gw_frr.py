# SPDX-License-Identifier: Apache-2.0
"""What vxgatewayd configures of FRR, on the real daemons: all of it is taken,
a second look finds nothing to do, sessions that are not concerned stay up,
and what an operator has is as it was when ours has gone. frr_driver is the
code without its daemon; gw_driver makes the VRFs."""
import re
import signal
import time

import frr
import gwdrive
import netns
import pytest

AS = 65001
BASE = ["as 65001", "router-id 192.0.2.1", "vtep 192.0.2.1", "restart 120"]
CE = "peer=172.16.1.2 as=65100 af=ipv4+ipv6 hold=3"
OPERATORS_BGPD = """
router bgp 64900 vrf OPER
 bgp router-id 192.0.2.99
 neighbor 10.99.0.2 remote-as 64901
 address-family ipv4 unicast
  neighbor 10.99.0.2 route-map OPERATORS in
  redistribute static
 exit-address-family
exit
ip prefix-list OPERATORS seq 5 permit 10.0.0.0/8 le 24
route-map OPERATORS permit 10
 match ip address prefix-list OPERATORS
 set local-preference 300
exit
""".strip().splitlines()
OPERATORS_REFLECTOR = """
router bgp 65001
 bgp router-id 192.0.2.1
 neighbor 10.99.0.2 remote-as 64901
 neighbor 10.99.0.2 description of the operator
 address-family ipv4 unicast
  neighbor 10.99.0.2 route-map OPERATORS out
 exit-address-family
exit
route-map OPERATORS permit 10
exit
""".strip().splitlines()


class Gateway:
    """A gateway's machine with FRR, and one customer's edge per VRF."""

    def __init__(self, lab):
        self.lab = lab
        self.router = frr.Router(lab, "g1", ["192.0.2.1/32"],
                                 netns_vrfs=True)
        self.box, self.frr = self.router.box, self.router.frr
        self.kernel = gwdrive.Kernel(self.box)
        self.configs = []

    def add_ce(self, vni, asn=65100):
        """A VRF and, at its device, an edge that announces 10.VNI.0.0/16 and
        more."""
        name = f"ce{vni}"
        ce = frr.Router(self.lab, name, [f"10.{vni}.0.1/16",
                                         f"192.168.{vni}.1/24",
                                         f"fd00:{vni}::1/64"])
        netns.ip_batch([f"link add {name} type veth peer name gw0 netns "
                        f"{ce.namespace}"], self.router.namespace)
        netns.ip_batch(["link set gw0 up", "addr add 172.16.1.2/30 dev gw0",
                        "addr add fd00:16::2/64 dev gw0 nodad"], ce.namespace)
        self.kernel.say(f"vrf {vni} 02:00:00:00:00:01 1450 0 "
                        f"169.254.64.2/18,fd76:7866:6162::2/64 "
                        f"{name}=172.16.1.1/30,fd00:16::1/64")
        self.kernel.wait_for(f"device {vni} {name} 1")
        ce.start([], [f"router bgp {asn}", " no bgp ebgp-requires-policy",
                      f" neighbor 172.16.1.1 remote-as {AS}",
                      " neighbor 172.16.1.1 timers 1 3",
                      " neighbor 172.16.1.1 timers connect 1",
                      " address-family ipv4 unicast",
                      "  redistribute connected",
                      " exit-address-family",
                      " address-family ipv6 unicast",
                      "  redistribute connected",
                      "  neighbor 172.16.1.1 activate",
                      " exit-address-family", "exit"])
        return ce

    def config(self, kind):
        """frr_driver of a daemon."""
        program = "bgpd" if kind == "reflector" else kind
        one = gwdrive.Config(self.box, kind,
                             f"{self.frr.vty_dir(kind)}/{program}.vty")
        self.configs.append(one)
        return one

    def running(self, name):
        """What a daemon runs with."""
        return self.frr.show(name, "show running-config")

    def neighbor(self, vni, peer="172.16.1.2"):
        """Facts of a session of a VRF."""
        return self.frr.json("bgpd", f"show bgp vrf vx{vni} neighbors "
                             f"{peer} json").get(peer, {})

    def is_up(self, vni, peer="172.16.1.2"):
        """Whether the session of a VRF is established."""
        return self.neighbor(vni, peer).get("bgpState") == "Established"

    def close(self):
        """Ends the drivers."""
        for one in [self.kernel, *self.configs]:
            one.close()


def apply(config, lines):
    """Makes it so, and finds it so; the commands and conflicts."""
    config.want([*BASE, *lines])
    commands, conflicts = config.plan(apply=True)
    again, _ = config.plan()
    assert again == []
    return commands, conflicts


@pytest.fixture(scope="module")
def gateway(make_lab):
    """One gateway for all tests."""
    lab = make_lab(hosts=0)
    one = Gateway(lab)
    one.frr.write("bgpd", OPERATORS_BGPD)
    one.frr.write("reflector", OPERATORS_REFLECTOR)
    one.frr.start("zebra", "bgpd", "reflector")
    yield one
    one.close()


def test_sessions_come_up_and_take_what_the_filters_say(gateway):
    gateway.before = gateway.running("bgpd")
    gateway.add_ce(51)
    gateway.add_ce(52)
    config = gateway.config("bgpd")
    apply(config, ["vrf 51 acme", f"peering ce1 {CE} import=10.0.0.0/8 "
                   "local-pref=250", "vrf 52 bcme", f"peering ce1 {CE}"])
    for vni in (51, 52):
        netns.wait_until(lambda v=vni: gateway.is_up(v), 20,
                         lambda v=vni: str(gateway.neighbor(v)))
    netns.wait_until(lambda: "192.168.52.0/24" in gateway.frr.bgp_routes(
        "vx52"), 10, "routes of the second edge")
    routes = netns.wait_until(lambda: gateway.frr.bgp_routes("vx51"), 10,
                              "routes of the first edge")
    assert "10.51.0.0/16" in routes and "192.168.51.0/24" not in routes
    assert routes["10.51.0.0/16"][0]["locPrf"] == 250
    # In the kernel of its VRF only.
    assert "10.51.0.0/16" in netns.wait_until(
        lambda: frr.kernel_routes(gateway.box.netns_path("vx51"),
                                  proto="bgp"), 10, "kernel routes")
    # What the tenant has itself is not taken, nor what is in it.
    lines = ["vrf 51 acme", f"peering ce1 {CE} import=10.0.0.0/8 "
             "local-pref=250", "vrf 52 bcme"]
    apply(config, [*lines, "subnet 192.168.0.0/16", f"peering ce1 {CE}"])
    netns.wait_until(lambda: "192.168.52.0/24" not in gateway.frr.bgp_routes(
        "vx52"), 10, "routes in a subnet of the tenant to go")
    assert "10.52.0.0/16" in gateway.frr.bgp_routes("vx52")
    apply(config, [*lines, f"peering ce1 {CE}"])
    netns.wait_until(lambda: "192.168.52.0/24" in gateway.frr.bgp_routes(
        "vx52"), 10, "them to come back")
    # Nothing that the edge said is said to it again.
    assert gateway.frr.json("bgpd", "show bgp vrf vx52 ipv4 neighbors "
                            "172.16.1.2 advertised-routes json").get(
                                "advertisedRoutes", {}) == {}
    # IPv6 was not imported: the filter names IPv4 only.
    assert gateway.frr.bgp_routes("vx51", 6) == {}
    netns.wait_until(lambda: "fd00:52::/64" in gateway.frr.bgp_routes(
        "vx52", 6), 10, "IPv6 routes of the second edge")


def test_other_changes_leave_sessions_up(gateway):
    config = gateway.config("bgpd")
    first = gateway.neighbor(51)["connectionsEstablished"]
    commands, _ = apply(config, [
        "vrf 51 acme", f"peering ce1 {CE} import=10.0.0.0/8+192.168.0.0/16 "
        "local-pref=260 communities=65001:7 med=5 limit=77",
        "peering ce2 peer=172.16.9.2 as=65101 af=ipv4",
        "vrf 52 bcme", f"peering ce1 {CE}", "vrf 53 ccme"])
    assert "neighbor 172.16.1.2 maximum-prefix 77 restart 1" in commands
    assert not any("172.16.1.2" in c and "remote-as" in c for c in commands)
    netns.wait_until(lambda: "192.168.51.0/24" in gateway.frr.bgp_routes(
        "vx51"), 15, "what the filter lets in now")
    assert gateway.neighbor(51)["connectionsEstablished"] == first
    assert gateway.is_up(51) and gateway.is_up(52)
    # And back: fewest commands again, no session lost.
    commands, _ = apply(config, [
        "vrf 51 acme", f"peering ce1 {CE} import=10.0.0.0/8",
        "vrf 52 bcme", f"peering ce1 {CE}"])
    assert "no router bgp 65001 vrf vx53" in commands
    assert "no neighbor 172.16.9.2" in commands
    assert gateway.neighbor(51)["connectionsEstablished"] == first
    text = gateway.running("bgpd")
    assert "vx-51-ce2" not in text and "vx53" not in text


def test_a_peer_that_sends_too_much_is_idle_and_tried_again(gateway):
    config = gateway.config("bgpd")
    lines = ["vrf 51 acme", f"peering ce1 {CE} import=10.0.0.0/8",
             "vrf 52 bcme"]

    def state():
        facts = gateway.frr.json("bgpd", "show bgp vrf all summary json")
        return facts["vx52"]["ipv4Unicast"]["peers"]["172.16.1.2"]["state"]
    apply(config, [*lines, f"peering ce1 {CE} limit=1"])
    # As the status of the peering reads it.
    netns.wait_until(lambda: state() == "Idle (PfxCt)", 15, state)
    apply(config, [*lines, f"peering ce1 {CE}"])
    netns.wait_until(lambda: gateway.is_up(52), 75, state)


def test_a_restarted_gateway_finds_its_lines(gateway):
    config = gateway.config("bgpd")
    config.want([*BASE, "vrf 51 acme", f"peering ce1 {CE} import=10.0.0.0/8",
                 "vrf 52 bcme", f"peering ce1 {CE}"])
    assert config.plan() == ([], [])


def test_an_operators_neighbor_is_left_alone(gateway):
    config = gateway.config("bgpd")
    gateway.frr.configure("bgpd", [
        "router bgp 65001 vrf vx52", "neighbor 172.16.8.2 remote-as 65108",
        "neighbor 172.16.8.2 shutdown", "neighbor 172.16.1.2 weight 7"])
    want = ["vrf 51 acme", f"peering ce1 {CE} import=10.0.0.0/8",
            "vrf 52 bcme", f"peering ce1 {CE}"]
    commands, conflicts = apply(config, want)
    assert commands == [] and conflicts == []
    commands, conflicts = apply(config, [
        *want, "peering ce8 peer=172.16.8.2 as=65108 af=ipv4"])
    assert commands == [] and "ce8" in conflicts[0]
    # The tenant goes, the block stays for what is the operator's in it.
    apply(config, want[:2])
    text = gateway.running("bgpd")
    assert "neighbor 172.16.8.2 shutdown" in text
    assert "router bgp 65001 vrf vx52" in text
    assert "bcme/ce1" not in text
    gateway.frr.configure("bgpd", ["router bgp 65001 vrf vx52",
                                   "no neighbor 172.16.8.2"])
    apply(config, want[:2])
    assert "vx52" not in gateway.running("bgpd")
    apply(config, want)


def test_routes_outlive_a_bgpd_that_is_killed(gateway, figures):
    want = ["vrf 51 acme", f"peering ce1 {CE} import=10.0.0.0/8",
            "vrf 52 bcme", f"peering ce1 {CE}"]

    def routes():
        return sorted(frr.kernel_routes(gateway.box.netns_path("vx51"),
                                        proto="bgp"))
    before = netns.wait_until(routes, 10, "kernel routes")
    gateway.frr.stop("bgpd", signal.SIGKILL)
    assert routes() == before
    # It comes back without our lines, and gets them.
    gateway.frr.start("bgpd")
    assert routes() == before
    apply(gateway.config("bgpd"), want)

    start, gone = time.monotonic(), []

    def is_back():
        if routes() != before:
            gone.append(time.monotonic())
        return gateway.is_up(51) and gateway.frr.bgp_routes("vx51")
    netns.wait_until(is_back, 20, "the session")
    netns.wait_until(lambda: routes() == before, 5, "the routes")
    figures(f"bgpd killed and configured anew: its session is back after "
            f"{time.monotonic() - start:.1f} s, its kernel routes were away "
            f"for {gone[-1] - gone[0] if gone else 0:.1f} s")


def test_a_password_and_local_as_are_told_and_taken_back(gateway):
    config = gateway.config("bgpd")
    line = "peering x peer=172.16.7.2 as=65107 af=ipv4"
    apply(config, ["vrf 51 acme", f"{line} password=a|b!c#d\"e'f local-as="
                   "65055 bfd=1 multihop=4"])
    apply(config, ["vrf 51 acme", f"{line} password=other local-as=65056"])
    text = gateway.running("bgpd")
    assert "bfd" not in text and "ebgp-multihop" not in text
    apply(config, ["vrf 51 acme", line])
    text = gateway.running("bgpd")
    assert "password" not in text and "local-as" not in text
    config.want([*BASE, "vrf 51 acme", f"{line} password=wh?at"])
    _, conflicts = config.plan(apply=True)
    assert "takes no password" in conflicts[0] and "wh?at" not in str(
        conflicts)


def test_another_as_is_another_block(gateway):
    config = gateway.config("bgpd")
    apply(config, ["vrf 51 acme", f"peering ce1 {CE}"])
    config.want([*BASE, "as 65002", "vrf 51 acme", f"peering ce1 {CE}"])
    commands, _ = config.plan(apply=True)
    assert "no router bgp 65001 vrf vx51" in commands
    assert config.plan()[0] == []
    assert "router bgp 65001" not in gateway.running("bgpd")


def test_removal_leaves_bgpd_as_it_was(gateway):
    config = gateway.config("bgpd")
    apply(config, [])
    assert gateway.running("bgpd") == gateway.before


def test_zebra_loses_vrfs_that_are_gone(gateway):
    config = gateway.config("zebra")
    for vni in (51, 52):
        gateway.kernel.say(f"rmvrf {vni}")
        gateway.kernel.wait_for(f"vrf {vni} 0 gone")
    netns.wait_until(lambda: "netns" not in "".join(
        line for line in gateway.running("zebra").splitlines()
        if "vx5" in line), 10, "zebra to see it")
    apply(config, [])
    assert not re.search(r"^vrf vx5", gateway.running("zebra"), re.M)


UPLINK = ("uplink up1 peer=10.0.1.2 as=65002 af=vpnv4+vpnv6+evpn+flowspec "
          "source=10.0.1.1")


def test_the_reflector_of_an_operator_is_left_as_it_was(gateway):
    before = gateway.running("reflector")
    config = gateway.config("reflector")
    # Without a block of its own there, router-id and the like are ours.
    commands, conflicts = apply(config, [
        f"{UPLINK} communities=65001:1 med=3 import=10.0.0.0/8",
        "uplink up2 peer=10.0.3.2 as=65001 af=evpn+flowspec flowspec-in=1",
        "uplink up3 peer=fd00:3::2 as=65003 af=vpnv4 multihop=3",
        "uplink bad peer=10.99.0.2 as=64901 af=vpnv4"])
    assert len(conflicts) == 1 and conflicts[0].startswith("bad ")
    assert "no bgp default ipv4-unicast" not in commands
    # Ours carry no unicast, the operator's neighbor still does.
    facts = gateway.frr.json("reflector",
                             "show bgp ipv4 unicast summary json")
    peers = facts.get("ipv4Unicast", facts).get("peers", {})
    assert set(peers) == {"10.99.0.2"}
    apply(config, [UPLINK])
    text = gateway.running("reflector")
    assert "up2" not in text and "up3" not in text
    config.want(["as 0"])
    config.plan(apply=True)
    assert gateway.running("reflector") == before


def test_the_reflector_of_its_own_is_made_and_removed(gateway):
    config = gateway.config("reflector")
    gateway.frr.configure("reflector", ["no router bgp 65001"])
    before = gateway.running("reflector")
    apply(config, [UPLINK, "uplink up2 peer=10.0.3.2 as=65001 af=evpn"])
    text = gateway.running("reflector")
    assert "neighbor 127.0.0.2 passive" in text
    assert text.count("neighbor 127.0.0.2 route-reflector-client") == 5
    assert "neighbor 10.0.1.2 route-map vx-deny in" in text
    config.want(["as 0"])
    config.plan(apply=True)
    assert gateway.running("reflector") == before


def test_peers_of_the_reflector_come_up_and_stay(gateway):
    """A peer on the link, and one behind a loopback, as a route reflector
    client of nobody."""
    config = gateway.config("reflector")
    peer = frr.Router(gateway.lab, "up")
    netns.ip_batch([f"link add toup type veth peer name gw netns "
                    f"{peer.namespace}", "link set toup up",
                    "addr add 10.0.1.1/30 dev toup"],
                   gateway.router.namespace)
    netns.ip_batch(["link set gw up", "addr add 10.0.1.2/30 dev gw"],
                   peer.namespace)
    peer.frr.write("reflector", [
        "router bgp 65002", " bgp router-id 10.0.1.2",
        " no bgp ebgp-requires-policy", " no bgp default ipv4-unicast",
        " neighbor 10.0.1.1 remote-as 65001",
        f" neighbor 10.0.1.1 port {frr.REFLECTOR_PORT}",
        " neighbor 10.0.1.1 disable-connected-check",
        " neighbor 10.0.1.1 timers connect 1",
        *[line for family in ("ipv4 vpn", "ipv6 vpn", "l2vpn evpn",
                              "ipv4 flowspec", "ipv6 flowspec")
          for line in (f" address-family {family}",
                       "  neighbor 10.0.1.1 activate",
                       " exit-address-family")], "exit"])
    peer.frr.start("reflector")
    apply(config, [UPLINK])

    def facts():
        return gateway.frr.json(
            "reflector", "show bgp neighbors 10.0.1.2 json").get(
                "10.0.1.2", {})
    netns.wait_until(lambda: facts().get("bgpState") == "Established", 20,
                     lambda: str(facts()))
    count = facts()["connectionsEstablished"]
    apply(config, [f"{UPLINK} communities=65001:9 local-pref=7 limit=12",
                   "uplink up2 peer=10.0.3.2 as=65001 af=evpn"])
    apply(config, [f"{UPLINK} flowspec-in=1"])
    assert facts()["connectionsEstablished"] == count
    assert facts()["bgpState"] == "Established"


def add_speaking_peer(gateway, name, asn, link, prefix):
    """A fabric-wide peer that says a VPN route; what it hears."""
    peer = frr.Router(gateway.lab, name)
    netns.ip_batch([f"link add {name} type veth peer name gw netns "
                    f"{peer.namespace}", f"link set {name} up",
                    f"addr add {link}.1/30 dev {name}"],
                   gateway.router.namespace)
    netns.ip_batch(["link set gw up", f"addr add {link}.2/30 dev gw"],
                   peer.namespace)
    peer.frr.write("reflector", [
        f"router bgp {asn}", f" bgp router-id {link}.2",
        " no bgp ebgp-requires-policy", " no bgp default ipv4-unicast",
        f" neighbor {link}.1 remote-as 65001",
        f" neighbor {link}.1 port {frr.REFLECTOR_PORT}",
        f" neighbor {link}.1 disable-connected-check",
        f" neighbor {link}.1 timers connect 1",
        " address-family ipv4 vpn", f"  neighbor {link}.1 activate",
        f"  network {prefix} rd {asn}:1 label 16", " exit-address-family",
        "exit"])
    peer.frr.start("reflector")

    def heard():
        return peer.frr.show("reflector", "show bgp ipv4 vpn")
    return heard


def test_what_one_fabric_wide_peer_says_reaches_no_other(gateway):
    """Neither of another AS nor of our own, whose AS path is empty; what
    begins here does."""
    config = gateway.config("reflector")
    heard = [add_speaking_peer(gateway, "upa", 65003, "10.0.5",
                               "198.51.100.0/24"),
             add_speaking_peer(gateway, "upb", 65004, "10.0.6",
                               "198.51.101.0/24"),
             add_speaking_peer(gateway, "upc", 65001, "10.0.7",
                               "198.51.102.0/24")]
    apply(config, [f"uplink up{c} peer=10.0.{link}.2 as={asn} af=vpnv4 "
                   f"source=10.0.{link}.1" for c, link, asn in
                   (("a", 5, 65003), ("b", 6, 65004), ("c", 7, 65001))])

    def said():
        text = gateway.frr.show("reflector", "show bgp ipv4 vpn")
        return [f"198.51.{n}.0/24" in text for n in (100, 101, 102)]
    netns.wait_until(lambda: all(said()), 20, lambda: str(said()))
    gateway.frr.configure("reflector", [
        "router bgp 65001", "address-family ipv4 vpn",
        "network 203.0.113.0/24 rd 65001:9 label 17"])
    for one in heard:
        netns.wait_until(lambda o=one: "203.0.113.0/24" in o(), 15, one)
    for i, one in enumerate(heard):
        text = one()
        assert [f"198.51.{n}.0/24" in text for n in (100, 101, 102)] == [
            i == 0, i == 1, i == 2], text
    gateway.frr.configure("reflector", [
        "router bgp 65001", "address-family ipv4 vpn",
        "no network 203.0.113.0/24 rd 65001:9 label 17"])
    config.want(["as 0"])
    config.plan(apply=True)
    assert "vx-own" not in gateway.running("reflector")


def test_a_hundred_tenants_are_configured_at_once(gateway, figures):
    config = gateway.config("bgpd")
    want = [line for i in range(100) for line in (
        f"vrf {700 + i} t{i}", f"peering ce {CE} import=10.0.0.0/8")]
    start = time.monotonic()
    config.want([*BASE, *want])
    commands, _ = config.plan(apply=True)
    made = time.monotonic() - start
    start = time.monotonic()
    assert config.plan()[0] == []
    again = time.monotonic() - start
    apply(config, [])
    assert gateway.running("bgpd") == gateway.before
    figures(f"100 tenants: {len(commands)} commands to bgpd in {made:.2f} s,"
            f" compared again in {again * 1e3:.0f} ms")
    # bgpd looks at all maps again for each one that is made.
    assert made < 20 and again < 2
