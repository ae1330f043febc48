# SPDX-License-Identifier: Apache-2.0
"""What vxgatewayd configures of FRR, on the real daemons: all of it is taken,
a second look finds nothing to do, sessions that are not concerned stay up,
and what an operator has is as it was when ours has gone. frr_driver is the
code without its daemon; gw_driver makes the VRFs."""
import json
import re
import signal
import time

import frr
import gwdrive
import netns
import pytest
from zclient import ZebraClient

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


# Of the gateway's device, in each VRF.
ADDRESSES = ["172.16.1.1/30", "fd00:16::1/64"]
# Two tenants, each with the session of its edge.
WANT = ["vrf 51 acme", f"peering ce1 {CE} import=10.0.0.0/8",
        "vrf 52 bcme", f"peering ce1 {CE}"]
# Waiting costs nothing when it holds.
SOON = 60
MANY = 200


class Gateway:
    """A gateway's machine with FRR, and one customer's edge per VRF."""

    def __init__(self, lab):
        self.lab = lab
        self.router = frr.Router(lab, "g1", ["192.0.2.1/32"],
                                 netns_vrfs=True)
        self.box, self.frr = self.router.box, self.router.frr
        self.kernel = gwdrive.Kernel(self.box)
        self.configs = []
        self.edges = {}         # VNI: router
        self.before = None      # what bgpd runs with, without ours

    def settle(self):
        """frr_driver of bgpd, with which it has been made as WANT says, and
        the sessions are up. Each test begins so, whatever was before."""
        for vni in {51, 52} - set(self.edges):
            self.edges[vni] = self.add_ce(vni)
        config = self.config("bgpd")
        apply(config, WANT)
        for vni in (51, 52):
            self.wait_up(vni)
        return config

    def wait_up(self, vni):
        """Back when the session of a VRF is established."""
        netns.wait_until(lambda: self.is_up(vni), SOON,
                         lambda: str(self.neighbor(vni)))

    def wait_routes(self, vni, *prefixes, family=4):
        """The routes of a VRF, when these are among them."""
        routes = []

        def look():
            routes[:] = [self.frr.bgp_routes(f"vx{vni}", family)]
            return set(prefixes) <= set(routes[0])
        netns.wait_until(look, SOON, lambda: f"{prefixes} in {routes[0]}")
        return routes[0]

    def wait_no_route(self, vni, prefix):
        """Back when a VRF has no such route."""
        netns.wait_until(
            lambda: prefix not in self.frr.bgp_routes(f"vx{vni}"), SOON,
            f"{prefix} to go")

    def reflector_with(self, lines):
        """The reflector's driver, where an operator has these lines and we
        have none."""
        config = self.config("reflector")
        config.want(["as 0"])
        config.plan(apply=True)
        if "router bgp" in self.running("reflector"):
            self.frr.configure("reflector", [f"no router bgp {AS}"])
        self.frr.configure("reflector", lines)
        return config

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
        self.set_addresses(vni, *ADDRESSES)
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

    def set_addresses(self, vni, *addresses):
        """Back when zebra knows that the device of a VRF has these, and has
        told bgpd."""
        def has():
            with self.frr.vty("zebra") as vty:
                shown, status = vty.say(f"show interface vrf vx{vni} json")
            return set() if status else {
                a["address"] for a in json.loads(shown).get(
                    f"ce{vni}", {}).get("ipAddresses", [])
                if not a["address"].startswith("fe80:")}

        self.kernel.say(f"vrf {vni} 02:00:00:00:00:01 1450 0 "
                        f"169.254.64.2/18,fd76:7866:6162::2/64 "
                        f"ce{vni}={','.join(addresses)}")
        netns.wait_until(lambda: has() == set(addresses), SOON,
                         lambda: f"{has()} to be {addresses}")

    def restart_session(self, vni, peer):
        """Back when a session has come up anew."""
        before = self.neighbor(vni, peer).get("connectionsEstablished", 0)
        self.frr.show("bgpd", f"clear bgp vrf vx{vni} {peer}")
        netns.wait_until(
            lambda: self.is_up(vni, peer) and self.neighbor(vni, peer)[
                "connectionsEstablished"] > before, SOON,
            lambda: str(self.neighbor(vni, peer)))

    def config(self, kind):
        """frr_driver of a daemon."""
        program = "bgpd" if kind == "reflector" else kind
        one = gwdrive.Config(self.box, kind,
                             f"{self.frr.vty_dir(kind)}/{program}.vty")
        self.configs.append(one)
        return one

    def running(self, name):
        """What a daemon runs with, but for the line that is left there."""
        return self.frr.show(name, "show running-config").replace(
            "bgp route-map delay-timer 1\n", "")

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
    one.before = one.running("bgpd")
    yield one
    one.close()


def test_sessions_come_up_and_take_what_the_filters_say(gateway):
    config = gateway.settle()
    apply(config, ["vrf 51 acme", f"peering ce1 {CE} import=10.0.0.0/8 "
                   "local-pref=250", "vrf 52 bcme", f"peering ce1 {CE}"])
    gateway.wait_routes(52, "192.168.52.0/24")
    netns.wait_until(
        lambda: [r["locPrf"] for r in gateway.wait_routes(
            51, "10.51.0.0/16")["10.51.0.0/16"]] == [250], SOON,
        "the local preference")
    assert "192.168.51.0/24" not in gateway.frr.bgp_routes("vx51")
    # In the kernel of its VRF only.
    netns.wait_until(
        lambda: "10.51.0.0/16" in frr.kernel_routes(
            gateway.box.netns_path("vx51"), proto="bgp"), SOON,
        "kernel routes")
    # What the tenant has itself is not taken, nor what is in it.
    lines = ["vrf 51 acme", f"peering ce1 {CE} import=10.0.0.0/8 "
             "local-pref=250", "vrf 52 bcme"]
    apply(config, [*lines, "subnet 192.168.0.0/16", f"peering ce1 {CE}"])
    gateway.wait_no_route(52, "192.168.52.0/24")
    assert "10.52.0.0/16" in gateway.frr.bgp_routes("vx52")
    apply(config, [*lines, f"peering ce1 {CE}"])
    gateway.wait_routes(52, "192.168.52.0/24")
    # Nothing that the edge said is said to it again.
    assert gateway.frr.json("bgpd", "show bgp vrf vx52 ipv4 neighbors "
                            "172.16.1.2 advertised-routes json").get(
                                "advertisedRoutes", {}) == {}
    # IPv6 was not imported: the filter names IPv4 only.
    gateway.wait_routes(52, "fd00:52::/64", family=6)
    assert gateway.frr.bgp_routes("vx51", 6) == {}


def test_other_changes_leave_sessions_up(gateway):
    config = gateway.settle()
    first = gateway.neighbor(51)["connectionsEstablished"]
    commands, _ = apply(config, [
        "vrf 51 acme", f"peering ce1 {CE} import=10.0.0.0/8+192.168.0.0/16 "
        "local-pref=260 communities=65001:7 med=5 limit=77",
        "peering ce2 peer=172.16.9.2 as=65101 af=ipv4",
        "vrf 52 bcme", f"peering ce1 {CE}", "vrf 53 ccme"])
    assert "neighbor 172.16.1.2 maximum-prefix 77 restart 1" in commands
    assert not any("172.16.1.2" in c and "remote-as" in c for c in commands)
    # What the filter lets in now.
    gateway.wait_routes(51, "192.168.51.0/24")
    assert gateway.neighbor(51)["connectionsEstablished"] == first
    assert gateway.is_up(51) and gateway.is_up(52)
    # And back: fewest commands again, no session lost.
    commands, _ = apply(config, WANT)
    assert "no router bgp 65001 vrf vx53" in commands
    assert "no neighbor 172.16.9.2" in commands
    assert gateway.neighbor(51)["connectionsEstablished"] == first
    text = gateway.running("bgpd")
    assert "vx-51-ce2" not in text and "vx53" not in text


def test_a_peer_that_sends_too_much_is_idle_and_tried_again(gateway):
    config = gateway.settle()
    gateway.wait_routes(52, "10.52.0.0/16", "192.168.52.0/24")

    def state():
        facts = gateway.frr.json("bgpd", "show bgp vrf all summary json")
        return facts["vx52"]["ipv4Unicast"]["peers"]["172.16.1.2"]["state"]
    apply(config, [*WANT[:3], f"peering ce1 {CE} limit=1"])
    # As the status of the peering reads it.
    netns.wait_until(lambda: state() == "Idle (PfxCt)", SOON, state)
    apply(config, WANT)
    # After a minute.
    netns.wait_until(lambda: gateway.is_up(52), 60 + SOON, state)


def test_a_restarted_gateway_finds_its_lines(gateway):
    gateway.settle()
    config = gateway.config("bgpd")
    config.want([*BASE, *WANT])
    assert config.plan() == ([], [])


def test_an_operators_neighbor_is_left_alone(gateway):
    config = gateway.settle()
    gateway.frr.configure("bgpd", [
        "router bgp 65001 vrf vx52", "neighbor 172.16.8.2 remote-as 65108",
        "neighbor 172.16.8.2 shutdown", "neighbor 172.16.1.2 weight 7"])
    commands, conflicts = apply(config, WANT)
    assert commands == [] and conflicts == []
    commands, conflicts = apply(config, [
        *WANT, "peering ce8 peer=172.16.8.2 as=65108 af=ipv4"])
    assert commands == [] and "ce8" in conflicts[0]
    # The tenant goes, the block stays for what is the operator's in it.
    apply(config, WANT[:2])
    text = gateway.running("bgpd")
    assert "neighbor 172.16.8.2 shutdown" in text
    assert "router bgp 65001 vrf vx52" in text
    assert "bcme/ce1" not in text
    gateway.frr.configure("bgpd", ["router bgp 65001 vrf vx52",
                                   "no neighbor 172.16.8.2"])
    apply(config, WANT[:2])
    assert "vx52" not in gateway.running("bgpd")


def test_routes_outlive_a_bgpd_that_is_killed(gateway, figures):
    gateway.settle()

    def routes():
        return sorted(frr.kernel_routes(gateway.box.netns_path("vx51"),
                                        proto="bgp"))
    netns.wait_until(lambda: "10.51.0.0/16" in routes(), SOON,
                     "kernel routes")
    before = routes()
    gateway.frr.stop("bgpd", signal.SIGKILL)
    assert routes() == before
    # It comes back without our lines, and gets them.
    gateway.frr.start("bgpd")
    assert routes() == before
    apply(gateway.config("bgpd"), WANT)

    start, gone = time.monotonic(), []

    def is_back():
        if routes() != before:
            gone.append(time.monotonic())
        return gateway.is_up(51) and gateway.frr.bgp_routes("vx51")
    netns.wait_until(is_back, SOON, "the session")
    netns.wait_until(lambda: routes() == before, SOON, "the routes")
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
    apply(config, [])


def test_removal_leaves_bgpd_as_it_was(gateway):
    config = gateway.settle()
    assert gateway.running("bgpd") != gateway.before
    apply(config, [])
    assert gateway.running("bgpd") == gateway.before


def test_zebra_loses_vrfs_that_are_gone(gateway):
    def of_ours():
        return re.findall(r"^vrf vx6[12]$", gateway.running("zebra"), re.M)

    config = gateway.config("bgpd")
    for vni in (61, 62):
        gateway.kernel.say(f"vrf {vni} 02:00:00:00:00:01 1450 0 "
                           "169.254.64.2/18,fd76:7866:6162::2/64")
        gateway.kernel.wait_for(f"vrf {vni} 1", 60)
    apply(config, ["vrf 61 acme", "vrf 62 bcme"])
    netns.wait_until(lambda: len(of_ours()) == 2, SOON, "zebra to see them")
    apply(config, [])
    for vni in (61, 62):
        gateway.kernel.say(f"rmvrf {vni}")
        gateway.kernel.wait_for(f"vrf {vni} 0 gone", 60)
    netns.wait_until(lambda: "/vx6" not in gateway.running("zebra"), SOON,
                     "zebra to see it")
    apply(gateway.config("zebra"), [])
    assert not of_ours()


UPLINK = ("uplink up1 peer=10.0.1.2 as=65002 af=vpnv4+vpnv6+evpn+flowspec "
          "source=10.0.1.1")


def test_the_reflector_of_an_operator_is_left_as_it_was(gateway):
    config = gateway.reflector_with(OPERATORS_REFLECTOR)
    before = gateway.running("reflector")
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


@pytest.mark.parametrize("lines", (
    [], ["bgp router-id 192.0.2.1"], ["bgp router-id 192.0.2.77"],
    ["no bgp default ipv4-unicast", "bgp graceful-restart"]),
    ids=lambda lines: " ".join(lines) or "empty")
def test_an_operators_block_without_neighbors_is_left_as_it_was(gateway,
                                                                lines):
    config = gateway.reflector_with([f"router bgp {AS}", *lines])
    before = gateway.running("reflector")
    _, conflicts = apply(config, [UPLINK])
    assert not conflicts
    text = gateway.running("reflector")
    assert "neighbor 10.0.1.2 remote-as" in text
    # Without one no session would be opened; what there is stays.
    assert re.findall(r"^ bgp router-id .*", text, re.M) == [
        f" {line}" for line in lines if "router-id" in line] or [
            " bgp router-id 192.0.2.1"]
    # Another gateway's AS: it is not ours to remove.
    config.want([*BASE, "as 65009", UPLINK])
    _, conflicts = config.plan(apply=True)
    assert "operator" in conflicts[0]
    assert gateway.running("reflector") == before
    apply(config, [UPLINK])
    config.want(["as 0"])
    config.plan(apply=True)
    assert gateway.running("reflector") == before


def test_the_reflector_of_its_own_is_made_and_removed(gateway):
    config = gateway.reflector_with([])
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
    config = gateway.reflector_with([])
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
    netns.wait_until(lambda: facts().get("bgpState") == "Established", SOON,
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
    config = gateway.reflector_with([])
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
    netns.wait_until(lambda: all(said()), SOON, lambda: str(said()))
    gateway.frr.configure("reflector", [
        "router bgp 65001", "address-family ipv4 vpn",
        "network 203.0.113.0/24 rd 65001:9 label 17"])
    for one in heard:
        netns.wait_until(lambda o=one: "203.0.113.0/24" in o(), SOON,
                         one)
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


def wait_next_hop(edge, peer, prefix, ip):
    """Back when an edge has that from a peer as next hop of a prefix, beside
    a link-local address."""
    hops = []

    def has():
        found = edge.frr.bgp_routes(family=6 if ":" in prefix else 4)
        hops[:] = [hop["ip"] for path in found.get(prefix, [])
                   if path["peerId"] == peer for hop in path["nexthops"]
                   if hop.get("scope") != "link-local"]
        return hops == [ip]
    netns.wait_until(has, 20, lambda: f"{hops} to be {ip}")


@pytest.fixture(name="announced")
def _announced(gateway):
    """A prefix of each family, announced in VRF 51."""
    gateway.settle()
    zebra = ZebraClient(gateway.frr.zserv)
    prefixes = {4: "203.0.113.0/24", 6: "2001:db8:113::/48"}
    netns.wait_until(lambda: zebra.poll() and "vx51" in zebra.vrfs, SOON,
                     "the VRF")
    for prefix in prefixes.values():
        zebra.add(zebra.vrfs["vx51"], prefix)
    yield prefixes
    zebra.close()
    gateway.set_addresses(51, *ADDRESSES)


DEVICE = f"device=ce51 local={'+'.join(ADDRESSES)}"
BEHIND = ["peering dev peer=172.16.1.9 as=65109 af=ipv4 " + DEVICE]


@pytest.mark.parametrize("lines", (
    [f"peering ce1 {CE} {DEVICE}"], [f"peering ce1 {CE}", *BEHIND]),
    ids=("its own device", "another peering's"))
@pytest.mark.parametrize("when", ("comes after the session",
                                  "is away for a moment"))
def test_an_ipv4_session_carries_the_ipv6_address(gateway, announced, when,
                                                  lines):
    """Whatever bgpd knew of the device when the session came up."""
    edge = gateway.edges[51]
    apply(gateway.config("bgpd"), ["vrf 51 acme", *lines, *WANT[2:]])
    if when == "comes after the session":
        gateway.set_addresses(51, ADDRESSES[0])
        gateway.restart_session(51, "172.16.1.2")
    else:
        gateway.restart_session(51, "172.16.1.2")
        gateway.set_addresses(51, ADDRESSES[0])
    gateway.set_addresses(51, *ADDRESSES)
    wait_next_hop(edge, "172.16.1.1", announced[6], "fd00:16::1")
    wait_next_hop(edge, "172.16.1.1", announced[4], "172.16.1.1")


def test_an_ipv6_session_carries_the_ipv4_address(gateway, announced):
    edge = gateway.edges[51]
    edge.frr.configure("bgpd", [
        "router bgp 65100", "neighbor fd00:16::1 remote-as 65001",
        "neighbor fd00:16::1 timers 1 3",
        "neighbor fd00:16::1 timers connect 1",
        *[line for family in (4, 6) for line in (
            f"address-family ipv{family} unicast",
            "neighbor fd00:16::1 activate", "exit-address-family")]])
    gateway.set_addresses(51, ADDRESSES[1])
    apply(gateway.config("bgpd"), [
        "vrf 51 acme", "peering ce1 peer=fd00:16::2 as=65100 af=ipv4+ipv6 "
        f"hold=3 {DEVICE}", *WANT[2:]])
    netns.wait_until(lambda: gateway.is_up(51, "fd00:16::2"), SOON,
                     lambda: str(gateway.neighbor(51, "fd00:16::2")))
    gateway.set_addresses(51, *ADDRESSES)
    wait_next_hop(edge, "fd00:16::1", announced[4], "172.16.1.1")
    wait_next_hop(edge, "fd00:16::1", announced[6], "fd00:16::1")
    edge.frr.configure("bgpd", ["router bgp 65100",
                                "no neighbor fd00:16::1"])


def test_many_tenants_are_configured_at_once(gateway, figures):
    config = gateway.config("bgpd")
    want = [line for i in range(MANY) for line in (
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
    figures(f"{MANY} tenants: {len(commands)} commands to bgpd in "
            f"{made:.2f} s, compared again in {again * 1e3:.0f} ms")
    # How long it takes is a figure. Each commit copies and compares all that
    # is configured: there are few.
    assert len(commands) < MANY * 60
    assert commands.count("XFRR_end_configuration") < 2 + len(commands) / 1000


def test_lists_and_maps_together_are_what_they_are_one_by_one(gateway):
    config = gateway.config("bgpd")
    want = [line for i in range(5) for line in (
        f"vrf {700 + i} t{i}", f"subnet 10.{i}.0.0/16",
        f"peering ce {CE} import=10.0.0.0/8",
        "peering ce6 peer=fd00:16::2 as=65100 af=ipv6 hold=3")]
    ran = []
    for one_by_one in (0, 1):
        config.want([*BASE, f"one-by-one {one_by_one}", *want])
        commands, _ = config.plan(apply=True)
        assert ("XFRR_end_configuration" in commands) != bool(one_by_one)
        assert config.plan()[0] == []
        ran.append(gateway.running("bgpd"))
        apply(config, [])
        assert gateway.running("bgpd") == gateway.before
    assert ran[0] == ran[1]
