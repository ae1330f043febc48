# SPDX-License-Identifier: Apache-2.0
"""vxgatewayd with the real FRR, a customer's edge (CE) and a fake
controller: what is announced arrives, what is learned is reported, and
nothing is lost when one of them is away."""
import json
import os
import re
import signal
import socket
import time

import pytest

import netns
from fake_controller import FakeController
from frr import Box, Frr, Router, as_unit, kernel_routes
from lab import BIN
from netns import LabError, wait_until

L3VNI = 5001
VRF = f"vx{L3VNI}"
UNDERLAY = "192.0.2.1"


def tenant(vni=L3VNI):
    """Value of a tenant's entry."""
    return {"vrf": f"vx{vni}", "vni": vni, "rd": None,
            "import": [f"65001:{vni}"], "export": [f"65001:{vni}"],
            "mtu": 1450,
            "leg": {"iface_id": f"t{vni}/_router/g1",
                    "mac": "0a:00:00:00:00:01",
                    "ips": ["169.254.64.2/18", "fd76:7866:6162::2/64"],
                    "gateways": ["169.254.64.1", "fd76:7866:6162::1"]}}


def prefix(name, text):
    """Value of a prefix's entry."""
    return {"tenant": name, "prefix": text, "why": "subnet",
            "object": f"{name}/web/{text}"}


def peering(peer, local, families, **more):
    """Value of a tenant's peering."""
    return {"gateway": "g1", "peer": peer, "peer_as": 65100,
            "local_as": None, "families": families, "device": "ce1",
            "local": local, "bfd": False, "hold": 9, "communities":
            ["65001:77"], "med": 50, "import": [], "export": [], **more}


class Gateway:
    """A machine with FRR and vxgatewayd."""

    def __init__(self, lab):
        self.lab = lab
        name = lab.namespace("gw")
        netns.ip_batch([f"netns add {name}"])
        with netns.inside(name):
            netns.prepare()
        netns.ip_batch(["link set lo up", f"addr add {UNDERLAY}/32 dev lo"],
                       name)
        self.box = Box(lab, "gw")
        self.frr = Frr(self.box, netns_vrfs=True)
        self.controller = FakeController(lab.path("api.sock"))
        self.daemon = None

    def start(self, *options, without=()):
        """Starts vxgatewayd, without some capabilities."""
        self.box.spawn("vxgatewayd", as_unit([
            os.environ.get("VXGATEWAYD", os.path.join(BIN, "vxgatewayd")),
            "--server", f"unix:{self.controller.path}", "--name", "g1",
            "--zserv", self.frr.zserv, "--vty-dir",
            self.frr.vty_dir("bgpd"), "--reflector-vty-dir",
            self.frr.vty_dir("reflector"), "--run-dir",
            os.path.join(self.box.folder, "vxgw"), "--log-level", "debug",
            "--metrics", f"unix:{self.box.folder}/metrics.sock",
            "--ovsdb", "none", *options], without))
        wait_until(self.is_running, 30,
                   lambda: self.box.output("vxgatewayd", 60), 0.02)

    def is_running(self):
        """It has begun: there is no room for a second one."""
        with socket.socket(socket.AF_UNIX) as sock:
            try:
                sock.connect(f"{self.box.folder}/metrics.sock")
            except OSError:
                self.box.check_alive("vxgatewayd")
                return False
        return True

    def stop(self, *args):
        """Ends it; refuses to go on if it ended otherwise."""
        return self.box.stop("vxgatewayd", *args)


LINK = ["172.16.1.1/30", "fd00:16::1/64"]
# What each test begins with.
BASE = {
    ("gateway", "g1"): {"name": "g1", "as": 65001, "router_id": UNDERLAY,
                        "vtep": UNDERLAY, "host": "gw1"},
    ("tenant", "acme"): tenant(),
    ("peering", "acme/ce1"): peering("172.16.1.2", LINK, ["ipv4"]),
    ("peering", "acme/ce6"): peering("fd00:16::2", LINK, ["ipv6"]),
    ("prefix", "acme 10.0.0.0/24"): prefix("acme", "10.0.0.0/24"),
    ("prefix", "acme fd00:10::/64"): prefix("acme", "fd00:10::/64"),
}


@pytest.fixture(name="gateway")
def _gateway(machine):
    """The machine with no more and no less than what is in BASE, whatever
    the tests before have left."""
    controller = machine.controller
    if machine.box.crashed() == {"bgpd": -9}:       # by vxgatewayd
        machine.box.processes.pop("bgpd")
    for name in ("zebra", "bgpd", "reflector"):
        if name not in machine.box.processes:
            machine.frr.start(name)
    if "vxgatewayd" not in machine.box.processes:
        machine.start()
    if not controller.server:
        controller.start(new_epoch=True)
    for key in {*controller.entries, *BASE}:
        if controller.entries.get(key, (0, None))[1] != BASE.get(key):
            controller.set(*key, BASE.get(key))
    controller.sync()
    controller.wait_acked(120)
    wait_established(machine)
    for text, family in (("10.0.0.0/24", 4), ("fd00:10::/64", 6)):
        # Not what the CE keeps of a session before.
        wait_until(lambda t=text, f=family: any(
            not path.get("stale") for path in ce_has(machine, t, f) or []),
            120, lambda t=text: f"{t} at the CE", 0.1)
    return machine


@pytest.fixture(scope="module", name="machine")
def _machine(make_lab):
    lab = make_lab(0)
    one = Gateway(lab)
    one.ce = Router(lab, "ce", ["203.0.113.1/32", "2001:db8:1::1/128"])
    netns.ip_batch([
        f"link add ce1 netns {one.box.namespace} mtu 1450 type veth peer "
        f"name gw1 netns {one.ce.namespace}"])
    one.ce.box.ip(["addr add 172.16.1.2/30 dev gw1",
                   "addr add fd00:16::2/64 dev gw1 nodad",
                   "link set gw1 up"])
    one.ce.start([], [
        "router bgp 65100", " bgp router-id 172.16.1.2",
        " no bgp ebgp-requires-policy", " bgp graceful-restart",
        " neighbor 172.16.1.1 remote-as 65001",
        " neighbor 172.16.1.1 timers 1 9",
        " neighbor 172.16.1.1 timers connect 1",
        " neighbor fd00:16::1 remote-as 65001",
        " neighbor fd00:16::1 timers connect 1",
        " address-family ipv4 unicast",
        "  network 203.0.113.1/32", "  network 198.51.100.0/24",
        "  no neighbor fd00:16::1 activate", " exit-address-family",
        " address-family ipv6 unicast",
        "  network 2001:db8:1::1/128",
        "  neighbor fd00:16::1 activate", " exit-address-family"])
    one.frr.start("zebra", "bgpd", "reflector")
    for key, value in BASE.items():
        one.controller.set(*key, value)
    one.controller.sync()
    one.start()
    yield one
    if "vxgatewayd" in one.box.processes:
        one.stop()
    if one.controller.server:
        one.controller.stop()


def ce_has(gateway, text, family=4):
    """The path of a prefix at the CE."""
    return gateway.ce.frr.bgp_routes(family=family).get(text)


def wait_ce(gateway, text, there=True, family=4, deadline_s=60):
    wait_until(lambda: bool(ce_has(gateway, text, family)) == there,
               deadline_s, lambda: f"{text} at the CE to be {there}:\n"
               + gateway.box.output("vxgatewayd", 60), 0.1)


def test_announced_prefix_arrives_at_the_ce(gateway):
    wait_ce(gateway, "10.0.0.0/24")
    wait_ce(gateway, "fd00:10::/64", family=6)
    gateway.controller.wait_acked()
    found = ce_has(gateway, "10.0.0.0/24")[0]
    assert found["metric"] == 50, found
    detail = gateway.ce.frr.json(
        "bgpd", "show bgp ipv4 unicast 10.0.0.0/24 json")
    assert "65001:77" in json.dumps(detail), detail
    routes = kernel_routes(gateway.box.netns_path(VRF))
    assert "via 169.254.64.1 dev leg" in routes["10.0.0.0/24"], routes


def test_what_the_ce_says_is_reported(gateway):
    def said():
        return sorted(item["prefix"]
                      for item in gateway.controller.learned("route"))
    want = ["198.51.100.0/24", "2001:db8:1::1/128", "203.0.113.1/32"]
    # FRR announces a network only if it has a route; it has one to its lo.
    want.remove("198.51.100.0/24")
    wait_until(lambda: said() == want, 60, lambda: f"{want}: {said()}\n"
               + gateway.box.output("vxgatewayd", 60), 0.1)
    wait_until(lambda: gateway.controller.fulls > 0, 60,
               "a report in full")

    def sessions():
        return {(s["peering"], s["family"], s["state"])
                for s in gateway.controller.last()["sessions"]}
    wait_until(lambda: sessions() == {
        ("acme/ce1", "ipv4", "established"),
        ("acme/ce6", "ipv6", "established")}, 60,
        lambda: f"both sessions: {sessions()}", 0.1)


def test_a_withdrawn_prefix_goes_and_is_acknowledged(gateway):
    gateway.controller.set("prefix", "acme 10.9.0.0/24",
                           prefix("acme", "10.9.0.0/24"))
    gateway.controller.sync()
    wait_ce(gateway, "10.9.0.0/24")
    gateway.controller.set("prefix", "acme 10.9.0.0/24", None)
    gateway.controller.sync()
    gateway.controller.wait_acked()
    wait_ce(gateway, "10.9.0.0/24", False)


def test_a_leg_without_addresses_has_its_routes_again(gateway):
    vrf = gateway.box.netns_path(VRF)
    wait_ce(gateway, "10.0.0.0/24")
    netns.ip_batch(["addr flush dev leg", "link set leg down",
                    "link set leg up"], vrf)
    for family, text in ((4, "10.0.0.0/24"), (6, "fd00:10::/64")):
        wait_until(lambda: text in kernel_routes(vrf, family), 60,
                   lambda: f"{text} to be in the VRF again:\n"
                   + gateway.box.output("vxgatewayd", 60), 0.1)
        wait_ce(gateway, text, family=family)


def test_a_leg_whose_addresses_are_flushed_has_all_again(gateway):
    """Up all the time: zebra believes in routes that the kernel has dropped,
    and the kernel makes no link-local address again."""
    vrf = gateway.box.netns_path(VRF)
    wait_ce(gateway, "10.0.0.0/24")
    wait_ce(gateway, "fd00:10::/64", family=6)
    netns.ip_batch(["addr flush dev leg"], vrf)

    def missing():
        routes = {**kernel_routes(vrf, 4), **kernel_routes(vrf, 6)}
        found = netns.run(netns.command(vrf, ["ip", "-br", "addr", "show",
                                              "leg"])).stdout
        return [text for text in ("10.0.0.0/24", "fd00:10::/64")
                if text not in routes] + [
            text for text in ("169.254.64.2/18", "fe80:") if text not in found]
    wait_until(lambda: not missing(), 30, lambda: f"{missing()}:\n"
               + gateway.box.output("vxgatewayd", 60), 0.1)
    wait_ce(gateway, "10.0.0.0/24")
    wait_ce(gateway, "fd00:10::/64", family=6)


def test_one_peering_that_bgpd_refuses_stops_no_other(gateway):
    """bgpd has no session with an address of the machine itself."""
    wait_until(lambda: is_up(gateway), 60, "the session")
    gateway.controller.set("peering", "acme/bad", {
        **peering("172.16.1.1", [], ["ipv4"]), "device": ""})
    gateway.controller.sync()

    def why():
        return {f["key"]: f["why"]
                for f in gateway.controller.last().get("failed", [])}
    wait_until(lambda: "172.16.1.1" in why().get("acme/bad", ""), 60,
               lambda: f"{why()}", 0.1)
    gateway.frr.stop("bgpd", 9)
    gateway.frr.start("bgpd")
    wait_until(lambda: is_up(gateway), 60,
               lambda: gateway.box.output("vxgatewayd", 60), 0.2)
    wait_ce(gateway, "10.0.0.0/24")
    wait_until(lambda: set(why()) == {"acme/bad"}, 60,
               lambda: f"{why()}", 0.1)
    gateway.controller.set("peering", "acme/bad", None)
    gateway.controller.sync()
    gateway.controller.wait_acked(60)
    wait_until(lambda: not why(), 60, lambda: f"{why()}", 0.1)


def test_bgpd_knows_the_link_local_address_of_a_device(gateway):
    """bgpd has no IPv6 session on a device without one; zebra misses those of
    a device that has just come into its VRF, now and then."""
    vrf = gateway.box.netns_path(VRF)
    netns.ip_batch(["link set ce1 down", "addr flush dev ce1",
                    "link set ce1 up"], vrf)

    def of_zebra():
        text = gateway.frr.show("zebra", f"show interface ce1 vrf {VRF}")
        return "inet6 fe80:" in text and "inet6 fd00:16::1" in text
    wait_until(of_zebra, 60, lambda: gateway.frr.show(
        "zebra", f"show interface ce1 vrf {VRF}"), 0.1)
    wait_ce(gateway, "fd00:10::/64", family=6, deadline_s=60)


def test_a_controller_that_is_away_costs_nothing(gateway):
    wait_ce(gateway, "10.0.0.0/24", deadline_s=60)
    gateway.controller.stop()
    gateway.stop()
    gateway.start()         # goes on with the last state
    pings = gateway.ce.box.run("true")
    assert pings.returncode == 0
    wait_until(lambda: re.search("goes on with the last state",
                                 gateway.box.output("vxgatewayd", 400)), 60,
               "the file of the last state to be read")
    assert ce_has(gateway, "10.0.0.0/24")
    gateway.controller.set("prefix", "acme 10.8.0.0/24",
                           prefix("acme", "10.8.0.0/24"))
    gateway.controller.start(new_epoch=True)
    gateway.controller.sync()
    wait_ce(gateway, "10.8.0.0/24")
    gateway.controller.wait_acked()
    assert ce_has(gateway, "10.0.0.0/24")


def test_zebra_comes_back_and_changes_go_on(gateway):
    gateway.controller.set("prefix", "acme 10.8.0.0/24",
                           prefix("acme", "10.8.0.0/24"))
    gateway.controller.sync()
    wait_ce(gateway, "10.8.0.0/24")
    gateway.frr.stop("zebra", 9)
    gateway.controller.set("prefix", "acme 10.8.0.0/24", None)
    gateway.controller.set("prefix", "acme 10.7.0.0/24",
                           prefix("acme", "10.7.0.0/24"))
    gateway.controller.sync()
    gateway.frr.start("zebra")
    wait_ce(gateway, "10.7.0.0/24", deadline_s=60)
    assert ce_has(gateway, "10.0.0.0/24")
    wait_ce(gateway, "10.8.0.0/24", False, deadline_s=60)


def test_bgpd_comes_back_with_its_configuration(gateway):
    gateway.frr.stop("bgpd", 9)
    gateway.frr.start("bgpd")
    def is_up():
        try:
            return "172.16.1.2" in gateway.frr.established(vrf=VRF)
        except LabError:
            return False        # the VRF is not configured yet
    wait_until(is_up, 60, lambda: gateway.box.output("vxgatewayd", 60), 0.2)
    wait_ce(gateway, "10.0.0.0/24")
    wait_until(lambda: gateway.controller.learned("route"), 60,
               "what the CE says to be reported")


def spare(gateway):
    """The spare copies of learned routes in the kernel."""
    path = gateway.box.netns_path(VRF)
    return {p: line for family in (4, 6)
            for p, line in kernel_routes(path, family, "118").items()}


def wait_spare(gateway, want, deadline_s=90):
    wait_until(lambda: sorted(spare(gateway)) == want, deadline_s,
               lambda: f"{want}: {spare(gateway)}\n"
               + gateway.box.output("vxgatewayd", 60), 0.1)


def wait_established(gateway):
    def is_up():
        try:
            return {"172.16.1.2", "fd00:16::2"} <= set(
                gateway.frr.established(vrf=VRF))
        except (LabError, OSError):
            return False
    wait_until(is_up, 90, lambda: gateway.box.output("vxgatewayd", 60), 0.2)


def ce_network(gateway, said):
    """The CE announces 203.0.113.1/32, or does not."""
    gateway.ce.frr.configure("bgpd", [
        "router bgp 65100", "address-family ipv4 unicast",
        f"{'' if said else 'no '}network 203.0.113.1/32"])


LEARNED = ["2001:db8:1::1", "203.0.113.1"]


def test_a_learned_route_has_a_spare_copy_that_goes_with_it(gateway):
    wait_established(gateway)
    wait_spare(gateway, LEARNED)
    assert "via 172.16.1.2 dev ce1" in spare(gateway)["203.0.113.1"]
    used = netns.run(gateway.box.command(
        ["ip", "route", "get", "203.0.113.1"], VRF)).stdout
    assert "172.16.1.2" in used, used
    ce_network(gateway, False)
    wait_spare(gateway, LEARNED[:1])
    wait_until(lambda: "203.0.113.1/32" not in [
        i["prefix"] for i in gateway.controller.learned("route")], 60,
        "the controller to hear of it")
    ce_network(gateway, True)
    wait_spare(gateway, LEARNED)


def stop_unheard(gateway):
    """bgpd is stopped while zebra is busy: when zebra sees to it, bgpd's
    withdrawals come with its end, and are lost."""
    zebra, bgpd = (gateway.box.processes[n] for n in ("zebra", "bgpd"))
    zebra.send_signal(signal.SIGSTOP)
    try:
        bgpd.terminate()
        bgpd.wait(30)
    finally:
        zebra.send_signal(signal.SIGCONT)
    assert gateway.frr.stop("bgpd") == 0


@pytest.mark.parametrize("stop", [lambda g: g.frr.stop("bgpd"), stop_unheard],
                         ids=["heard", "unheard"])
def test_a_bgpd_that_is_stopped_takes_no_learned_route_with_it(gateway, stop):
    path = gateway.box.netns_path(VRF)
    wait_established(gateway)
    wait_spare(gateway, LEARNED)
    wait_until(lambda: "203.0.113.1" in kernel_routes(path, 4, "bgp"), 60,
               "the route of BGP")
    stop(gateway)
    # zebra may or may not have it still: this is for the one without.
    assert sorted(spare(gateway)) == LEARNED
    # What the CE says no more meanwhile goes, too: a while after the start.
    ce_network(gateway, False)
    gateway.frr.start("bgpd")
    wait_established(gateway)
    wait_spare(gateway, LEARNED[:1])
    told = [i["prefix"] for i in gateway.controller.learned("route")]
    assert "2001:db8:1::1/128" in told, told
    wait_until(lambda: "203.0.113.1" not in kernel_routes(path, 4, "bgp"), 30,
               "the route of BGP to go")
    ce_network(gateway, True)
    wait_spare(gateway, LEARNED)


def test_a_spare_copy_of_an_earlier_time_goes_and_no_other(gateway):
    gateway.stop()
    gateway.box.ip(["route add 192.0.2.128/25 via 172.16.1.2 proto 118 "
                    "metric 4194304000",
                    "route add 192.0.2.64/26 via 172.16.1.2 proto 118 "
                    "metric 100"], vrf=VRF)
    gateway.start()
    wait_spare(gateway, sorted(["192.0.2.64/26", *LEARNED]))
    gateway.box.ip(["route del 192.0.2.64/26 proto 118"], vrf=VRF)


def test_what_is_withdrawn_once_bgpd_is_back_goes_at_once(gateway):
    """The time for which routes of a bgpd that was away are kept is for those
    that it has not said again."""
    vrf = gateway.box.netns_path(VRF)
    text = "203.0.113.1/32"

    def learned():
        return text in [i["prefix"]
                        for i in gateway.controller.learned("route")]
    wait_until(learned, 60, f"{text} to be learned", 0.1)
    gateway.frr.stop("bgpd", 9)
    gateway.frr.start("bgpd")
    wait_established(gateway)
    wait_until(lambda: "203.0.113.1" in kernel_routes(vrf, proto="bgp"), 60,
               "bgpd to say it again", 0.1)
    family = ["router bgp 65100", "address-family ipv4 unicast"]
    gateway.ce.frr.configure("bgpd", [*family, "no network 203.0.113.1/32"])
    began = time.monotonic()
    wait_until(lambda: not learned(), 60,
               lambda: gateway.box.output("vxgatewayd", 40), 0.1)
    assert time.monotonic() - began < 12
    gateway.ce.frr.configure("bgpd", [*family, "network 203.0.113.1/32"])
    wait_until(learned, 60, f"{text} to be learned again", 0.1)


def has_learned(gateway, text="203.0.113.1/32"):
    """What the controller has been told, and what the VRF's kernel has: of
    BGP, and as a spare copy."""
    vrf = gateway.box.netns_path(VRF)
    ip = text.split("/")[0]
    return {name for name, there in {
        "controller": text in [i["prefix"] for i in
                               gateway.controller.learned("route")],
        "bgp": ip in kernel_routes(vrf, 4, "bgp"),
        "spare": ip in kernel_routes(vrf, 4, "118")}.items() if there}


def wait_learned(gateway, there, deadline_s=60):
    """Seconds that it took until it is everywhere, or nowhere."""
    want = {"controller", "bgp", "spare"} if there else set()
    began = time.monotonic()
    wait_until(lambda: has_learned(gateway) == want, deadline_s,
               lambda: f"{want}: {has_learned(gateway)}\n"
               + gateway.box.output("vxgatewayd", 60), 0.1)
    return time.monotonic() - began


def bgpd_is_client(gateway):
    """bgpd is connected to zebra."""
    text = gateway.frr.show("zebra", "show zebra client summary")
    return re.search(r"^bgp ", text, re.M) is not None


def ce_session(gateway, there):
    """The CE has its IPv4 session, or has shut it down."""
    gateway.ce.frr.configure("bgpd", [
        "router bgp 65100",
        f"{'no ' if there else ''}neighbor 172.16.1.1 shutdown"])


@pytest.mark.parametrize("change", [ce_network, ce_session])
def test_what_is_withdrawn_before_bgpd_is_zebras_client_again_goes(
        gateway, change, figures):
    """Nobody tells zebra, which has it from the kernel."""
    wait_established(gateway)
    wait_learned(gateway, True)
    gateway.frr.stop("zebra", 9)
    gateway.frr.start("zebra")
    wait_until(lambda: "203.0.113.1/32" in gateway.frr.show(
        "zebra", f"show ip route vrf {VRF} bgp"), 20,
        "zebra to have read the kernel's routes", 0.05)
    try:
        change(gateway, False)
        assert not bgpd_is_client(gateway)
        took = wait_learned(gateway, False, 25)
    finally:
        change(gateway, True)
    figures(f"{change.__name__}: gone {took:.1f} s after the withdrawal")
    wait_established(gateway)
    wait_learned(gateway, True)


@pytest.mark.slow
@pytest.mark.parametrize("too", ["zebra alone", "vxgatewayd, too"])
def test_bgpd_is_ended_if_it_does_not_connect_to_zebra_again(gateway, too,
                                                             figures):
    """Once zebra has been away for half a minute bgpd tries but once a
    minute; a vxgatewayd that has not seen it sees who is older."""
    wait_established(gateway)
    wait_learned(gateway, True)
    gateway.frr.stop("zebra", 9)
    if too == "vxgatewayd, too":
        gateway.stop(9)
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > 33, 40, "bgpd to tire", 1)
    try:
        ce_network(gateway, False)
        gateway.frr.start("zebra")
        if too == "vxgatewayd, too":
            gateway.start()
        began = time.monotonic()
        wait_until(lambda: gateway.box.crashed() == {"bgpd": -9}, 30,
                   lambda: gateway.box.output("vxgatewayd", 60), 0.1)
        gateway.box.processes.pop("bgpd")
        gateway.frr.start("bgpd")
        wait_learned(gateway, False, 20)
        took = time.monotonic() - began
    finally:
        ce_network(gateway, True)
    figures(f"{too}: gone {took:.1f} s after zebra was there")
    assert took < 30, took
    wait_established(gateway)
    wait_learned(gateway, True)


def test_a_peering_made_before_bgpd_is_zebras_client_again_is_used(
        gateway, figures):
    """bgpd does not register its next hops then, nor later."""
    wait_established(gateway)
    wait_learned(gateway, True)
    gateway.controller.set("peering", "acme/ce1", None)
    gateway.controller.sync()
    gateway.controller.wait_acked(60)
    wait_learned(gateway, False, 60)
    gateway.frr.stop("zebra", 9)
    gateway.frr.start("zebra")
    began = time.monotonic()
    gateway.controller.set("peering", "acme/ce1", BASE["peering", "acme/ce1"])
    gateway.controller.sync()
    wait_established(gateway)
    assert not bgpd_is_client(gateway)
    wait_until(lambda: "203.0.113.1/32" in gateway.frr.bgp_routes(VRF), 20,
               "bgpd to hear the prefix", 0.05)
    assert not bgpd_is_client(gateway)
    wait_learned(gateway, True, 40)
    figures(f"learned {time.monotonic() - began:.1f} s after zebra's start")
    wait_established(gateway)


def test_what_is_withdrawn_while_bgpd_is_away_goes_when_it_is_back(
        gateway, figures):
    wait_established(gateway)
    wait_learned(gateway, True)
    gateway.frr.stop("bgpd", 9)
    try:
        ce_network(gateway, False)
        gateway.frr.start("bgpd")
        took = wait_learned(gateway, False, 20)
        told = [i["prefix"] for i in gateway.controller.learned("route")]
    finally:
        ce_network(gateway, True)
    figures(f"gone {took:.1f} s after bgpd was there again")
    assert "2001:db8:1::1/128" in told, told
    wait_learned(gateway, True)


def bfd_is_up(gateway):
    """Both sides have the session, and it is up."""
    for frr in (gateway.frr, gateway.ce.frr):
        try:
            peers = frr.json("bfdd", "show bfd peers json")
        except (LabError, OSError):
            return False
        if [p["status"] for p in peers or []] != ["up"]:
            return False
    return True


def test_bfd_goes_on_after_a_restart_of_zebra_or_bfdd(gateway):
    gateway.frr.start("bfdd")
    gateway.ce.frr.start("bfdd")
    gateway.ce.frr.configure("bgpd", ["router bgp 65100",
                                      "neighbor 172.16.1.1 bfd"])
    gateway.controller.set(
        "peering", "acme/ce1",
        peering("172.16.1.2", ["172.16.1.1/30", "fd00:16::1/64"], ["ipv4"],
                bfd=True))
    gateway.controller.sync()

    def wait(deadline_s=60):
        wait_until(lambda: bfd_is_up(gateway), deadline_s,
                   lambda: gateway.frr.show("bfdd", "show bfd peers")
                   + gateway.ce.frr.show("bfdd", "show bfd peers")
                   + gateway.box.output("vxgatewayd", 60), 0.2)

    wait()
    for name in ("zebra", "bfdd"):
        gateway.frr.stop(name, 9)
        gateway.frr.start(name)
        wait()
        wait_established(gateway)
    gateway.ce.frr.configure("bgpd", ["router bgp 65100",
                                      "no neighbor 172.16.1.1 bfd"])
    gateway.controller.set(
        "peering", "acme/ce1",
        peering("172.16.1.2", ["172.16.1.1/30", "fd00:16::1/64"],
                ["ipv4"]))
    gateway.controller.sync()
    gateway.controller.wait_acked()
    wait_established(gateway)


def renumber(gateway, vnis):
    """zebra finds the VRFs of tenants that are new, and numbers all of them
    another way after its next start: crashes, and comes back."""
    for vni in vnis:
        gateway.controller.set("tenant", f"t{vni}", tenant(vni))
    gateway.controller.sync()
    gateway.controller.wait_acked(60)

    def of_bgpd(name):
        vrfs = gateway.frr.json("bgpd", "show bgp vrfs json")["vrfs"]
        return vrfs.get(name, {}).get("vrfId", -1) >= 0
    wait_until(lambda: all(of_bgpd(f"vx{vni}") for vni in vnis), 60,
               "bgpd to know the new VRFs", 0.2)
    gateway.frr.stop("zebra", 9)
    gateway.frr.start("zebra")


def is_up(gateway):
    try:
        return "172.16.1.2" in gateway.frr.established(vrf=VRF)
    except LabError:
        return False            # the VRF is not configured (yet)


def test_a_bgpd_that_takes_one_vrf_for_another_is_ended(gateway):
    wait_until(lambda: is_up(gateway), 60, "the session")
    renumber(gateway, [5002, 5003])
    wait_until(lambda: gateway.box.crashed() == {"bgpd": -9}, 60,
               lambda: gateway.box.output("vxgatewayd", 60), 0.1)
    gateway.box.processes.pop("bgpd")
    gateway.frr.start("bgpd")
    wait_until(lambda: is_up(gateway), 60,
               lambda: gateway.box.output("vxgatewayd", 60), 0.2)
    wait_ce(gateway, "10.0.0.0/24")


def test_a_bgpd_that_cannot_be_ended_is_cut_off(gateway):
    """Its user is another one: that takes CAP_KILL."""
    gateway.stop()
    gateway.start(without=("CAP_KILL",))
    wait_until(lambda: is_up(gateway), 60, "the session")
    renumber(gateway, [5004, 5005])

    def why():
        return {f["key"]: f["why"]
                for f in gateway.controller.last().get("failed", [])}
    wait_until(lambda: "restart bgpd" in why().get("acme/ce1", ""), 60,
               lambda: f"{why()}\n" + gateway.box.output("vxgatewayd", 60),
               0.1)
    wait_until(lambda: "remote-as 65100" not in gateway.frr.show(
        "bgpd", "show running-config"), 60, "tenants' sessions to be gone",
        0.1)
    wait_ce(gateway, "10.0.0.0/24", False)
    assert not gateway.box.crashed(), gateway.box.crashed()
    gateway.frr.stop("bgpd", 9)
    gateway.frr.start("bgpd")
    wait_until(lambda: is_up(gateway), 60,
               lambda: gateway.box.output("vxgatewayd", 60), 0.2)
    wait_ce(gateway, "10.0.0.0/24")
    wait_until(lambda: not why(), 60, lambda: f"{why()}", 0.1)
    for vni in (5002, 5003, 5004, 5005):
        gateway.controller.set("tenant", f"t{vni}", None)
    gateway.controller.sync()
    gateway.controller.wait_acked(60)
    gateway.stop()
    gateway.start()             # with all that it may do


UPLINK = {"gateway": "g1", "peer": "192.0.2.99", "peer_as": 65002,
          "local_as": None, "families": ["vpnv4"], "source": UNDERLAY,
          "bfd": False, "hold": 9, "communities": [], "import": [],
          "export": []}


def watch_reflector(gateway):
    """Starts it again when vxgatewayd has ended it, as systemd does; whether
    it has VPN routes of the speaker's."""
    ended = gateway.box.crashed()
    assert ended in ({}, {"reflector": -9}), (
        f"{ended}\n" + gateway.box.output("reflector"))
    if ended:
        gateway.box.processes.pop("reflector")
        gateway.frr.start("reflector")
    try:
        return gateway.frr.show("reflector", "show bgp ipv4 vpn").count(
            "10.0.0.0/24") == 3
    except (LabError, OSError):
        return False


def test_a_gateway_gets_another_as_and_its_own_back(gateway):
    """bgpd 8.4 falls when its instance goes while it keeps VPN routes that
    were withdrawn, for two minutes, and tenants have the same prefixes."""
    controller = gateway.controller
    fellows = [5012, 5013]
    controller.set("peering", "up1", UPLINK)
    for vni in fellows:
        controller.set("tenant", f"t{vni}", tenant(vni))
        controller.set("prefix", f"t{vni} 10.0.0.0/24",
                       prefix(f"t{vni}", "10.0.0.0/24"))
    controller.sync()
    wait_until(lambda: watch_reflector(gateway), 60,
               lambda: gateway.box.output("vxgatewayd", 60), 0.2)
    own = BASE["gateway", "g1"]
    for value in ({**own, "as": 65055, "router_id": "192.0.2.77"}, own,
                  {**own, "as": 65056}, own):
        controller.set("gateway", "g1", value)
        controller.sync()

        def has_all(asn=value["as"]):
            there = watch_reflector(gateway)
            return there and f"router bgp {asn}\n" in gateway.frr.show(
                "reflector", "show running-config")
        wait_until(has_all, 60,
                   lambda: gateway.box.output("vxgatewayd", 60), 0.1)
    controller.wait_acked(60)
    assert not gateway.box.crashed(), gateway.box.crashed()
    for vni in fellows:
        controller.set("prefix", f"t{vni} 10.0.0.0/24", None)
        controller.set("tenant", f"t{vni}", None)
    controller.set("peering", "up1", None)
    controller.sync()
    controller.wait_acked(60)


def test_another_as_after_a_restart_of_zebra(gateway):
    """bgpd 8.4 takes itself for subscribed in an instance that is new."""
    controller, own = gateway.controller, BASE["gateway", "g1"]
    wait_established(gateway)

    def is_client():
        if gateway.box.crashed() == {"bgpd": -9}:   # VRFs have other numbers
            gateway.box.processes.pop("bgpd")
            gateway.frr.start("bgpd")
        return bgpd_is_client(gateway)
    for _ in range(2):              # the second time they have the same
        bgpd = gateway.box.processes["bgpd"].pid
        gateway.frr.stop("zebra", 9)
        gateway.frr.start("zebra")
        wait_until(is_client, 60, lambda: gateway.box.output(
            "vxgatewayd", 60), 0.2)
        wait_learned(gateway, True)
    assert gateway.box.processes["bgpd"].pid == bgpd
    other = {**own, "as": 65055, "router_id": "192.0.2.77"}
    for value, stays in ((other, True), (own, True), (other, False),
                         (own, True)):
        if not stays:           # a vxgatewayd that has not seen it
            gateway.stop(9)
            gateway.start()
        controller.set("gateway", "g1", value)
        controller.sync()

        def says(asn=value["as"]):
            there = gateway.frr.json("bgpd", f"show bgp vrf {VRF} json")
            return there.get("localAS", asn) == asn and all(
                prefix in gateway.frr.bgp_routes(VRF, family)
                for prefix, family in (("10.0.0.0/24", 4),
                                       ("fd00:10::/64", 6)))
        wait_until(lambda: f"router bgp {value['as']} vrf {VRF}\n" in
                   gateway.frr.show("bgpd", "show running-config"), 60,
                   "the AS", 0.1)
        if stays:               # else there and back before it was told
            wait_until(says, 60, lambda: gateway.frr.show(
                "bgpd", f"show bgp vrf {VRF} ipv4 unicast")
                + gateway.box.output("vxgatewayd", 200), 0.2)
    controller.wait_acked(60)
    wait_ce(gateway, "10.0.0.0/24")


def test_a_second_one_on_the_machine_is_refused(gateway):
    done = gateway.box.run(os.path.join(BIN, "vxgatewayd"), "--server",
                           "unix:/nowhere", "--name", "g2", "--run-dir",
                           os.path.join(gateway.box.folder, "two"),
                           check=False)
    assert done.returncode == 1, done
    assert "another vxgatewayd" in done.stdout + done.stderr, done


def test_metrics_are_served(gateway):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(f"{gateway.box.folder}/metrics.sock")
        sock.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = sock.makefile().read()
    assert "vxgateway_zebra_up 1" in text, text
    assert re.search(r"vxgateway_entries\{type=\"prefix\"\} 2", text), text


def test_a_tenant_that_goes_takes_its_vrf(gateway):
    for kind, key in list(gateway.controller.entries):
        if key.startswith("acme"):
            gateway.controller.set(kind, key, None)
    gateway.controller.sync()
    wait_until(lambda: VRF not in gateway.box.netns_names(), 60,
               lambda: gateway.box.output("vxgatewayd", 60), 0.2)
    wait_until(lambda: VRF not in gateway.frr.show(
        "bgpd", "show running-config"), 60, "bgpd to forget the VRF", 0.2)
    wait_until(lambda: VRF not in gateway.frr.show(
        "zebra", "show running-config"), 60, "zebra to forget the VRF", 0.2)
    # The device has come back.
    wait_until(lambda: "ce1" in gateway.box.run("ip", "-br", "link").stdout,
               60, "the device to be back")
