# SPDX-License-Identifier: Apache-2.0
"""What gateways are told follows what switches have confirmed: a real fabric,
and a gateway that only reads its feed and reports."""
import json
import signal
import threading
import time

import pytest

import intent
from fake_gateway import FakeGateway, UnixConnection
from netns import wait_until

WEB = "/v1/tenants/acme/networks/web"


def mac_of(number):
    """MAC of a machine."""
    return f"02:00:00:00:00:{number:02x}"


class Feed:
    """Three hosts, the last of them a gateway of acme, which has EVPN."""

    def __init__(self, lab):
        self.lab = lab
        lab.start_controller()
        intent.join_all(lab)
        self.hosts = list(lab.hosts.values())
        self.unix = lab.api.split(":", 1)[1]
        with intent.Api(lab.api) as api:
            api.put("/v1/gateways/g1", host=self.hosts[2].name)
            api.put("/v1/tenants/acme")
            api.put(WEB)
            for cidr in ("10.0.0.0/24", "fd00::/64"):
                api.put(intent.path("acme", "web", subnet=cidr),
                        announce=True, host_routes=True)
            api.put("/v1/peerings/up1", gateway="g1", peer="172.31.250.9",
                    peer_as=65002, families=["vpnv4", "evpn"])
        self.machines = {}
        for number in (11, 12):
            self.plug(number, self.hosts[number - 11])
        self.vni = self.get(WEB)["vni"]
        self.plug_leg()

    def plug_leg(self):
        """What vxgatewayd does: until its leg is connected nothing of the
        tenant is announced."""
        path = "/v1/tenants/acme/networks/_router/ports/g1"
        with intent.Api(self.lab.api) as api:
            leg = wait_until(lambda: api.call("GET", path)[0] == 200
                             and api.get(path), 30, "the leg of acme")
        self.hosts[2].plug(leg["iface_id"], leg["mac"],
                           [f"{ip}/{18 if '.' in ip else 64}"
                            for ip in leg["ips"]])

    def get(self, path):
        """JSON of the answer."""
        with intent.Api(self.lab.api) as api:
            return api.get(path)

    def put(self, path, **body):
        """PUT that has to be taken."""
        with intent.Api(self.lab.api) as api:
            return api.put(path, **body)

    def delete(self, path):
        """DELETE that has to be taken."""
        with intent.Api(self.lab.api) as api:
            return api.ask("DELETE", path)

    def plug(self, number, host):
        """A machine with its port."""
        name = f"vm{number}"
        self.put(f"{WEB}/ports/{name}", mac=mac_of(number), iface_id=name,
                 ips=[f"10.0.0.{number}", f"fd00::{number:x}"])
        self.machines[number] = host.plug(
            name, mac_of(number),
            [f"10.0.0.{number}/24", f"fd00::{number:x}/64"])

    def gateway(self, **options):
        """One that has read all it is told."""
        return FakeGateway(self.unix, "g1", **options).open().wait_sync(30)


@pytest.fixture(scope="module", name="feed")
def _feed(make_lab):
    return Feed(make_lab(3))


@pytest.fixture(name="one")
def _one(feed):
    one = feed.gateway()
    yield one
    one.close()


def test_prefixes_and_endpoints_are_told_when_their_rows_are_confirmed(
        feed, one):
    one.wait("prefix", "acme 10.0.0.0/24")
    one.wait("prefix", "acme 10.0.0.11/32")
    one.wait("prefix", "acme fd00::c/128")
    endpoint = one.wait("endpoint", f"{feed.vni} {mac_of(11)}")
    assert endpoint["ips"] == ["10.0.0.11", "fd00::b"]
    vteps = {key.split()[1] for key in one.keys("vtep")}
    assert endpoint["vtep"] in vteps and len(vteps) == 2
    item = feed.get("/v1/bgp")["items"][0]
    wait_until(lambda: {i["state"] for i in feed.get(
        "/v1/bgp")["items"][0]["announced"]} == {"announced"}, 5,
        lambda: str(item))


def test_a_port_without_a_machine_is_withheld_with_the_reason(feed, one):
    feed.put(f"{WEB}/ports/vm20", mac=mac_of(20), ips=["10.0.0.20"])
    seen = []

    def withheld():
        seen[:] = [item for item in feed.get("/v1/bgp")["items"][0][
            "announced"] if item["prefix"] == "10.0.0.20/32"]
        return seen and seen[0]["state"] == "withheld"

    wait_until(withheld, 5, lambda: str(seen))
    assert "not active" in seen[0]["reason"]
    assert one.has("prefix", "acme 10.0.0.20/32") is None
    feed.plug(20, feed.hosts[0])
    one.wait("prefix", "acme 10.0.0.20/32")
    feed.hosts[0].unplug(feed.machines.pop(20))
    one.wait("prefix", "acme 10.0.0.20/32", there=False)
    feed.delete(f"{WEB}/ports/vm20")


def test_a_machine_that_moves_is_told_anew_with_a_higher_number(feed, one):
    key = f"{feed.vni} {mac_of(12)}"
    before = one.wait("endpoint", key)
    feed.hosts[1].unplug(feed.machines.pop(12))
    feed.machines[12] = feed.hosts[0].plug(
        "vm12", mac_of(12), ["10.0.0.12/24", "fd00::c/64"])
    wait_until(lambda: (one.has("endpoint", key) or before)["vtep"]
               != before["vtep"], 15, lambda: str(one.has("endpoint", key)))
    assert one.has("endpoint", key)["seq"] > before["seq"]
    one.wait("vtep", f"{feed.vni} {before['vtep']}", there=False)


def test_a_route_is_announced_while_it_leads_somewhere(feed, one):
    path = intent.path("acme") + "/routes/203.0.113.0%2F24"
    key = "acme 203.0.113.0/24"

    def withheld(reason):
        seen = [item for item in feed.get("/v1/bgp")["items"][0]["announced"]
                if item["prefix"] == "203.0.113.0/24"]
        return (seen and seen[0]["state"] == "withheld"
                and reason in seen[0]["reason"] and not one.has("prefix", key))

    feed.put(path, via=["10.0.0.21"], announce=True)
    wait_until(lambda: withheld("no port has"), 5, "withheld")
    feed.put(f"{WEB}/ports/vm21", mac=mac_of(21), ips=["10.0.0.21"])
    wait_until(lambda: withheld("alive"), 5, "withheld")
    feed.plug(21, feed.hosts[0])
    one.wait("prefix", key)
    feed.hosts[0].unplug(feed.machines.pop(21))
    one.wait("prefix", key, there=False)
    wait_until(lambda: withheld("alive"), 5, "withheld")
    feed.delete(path)
    feed.delete(f"{WEB}/ports/vm21")


class Watching:
    """Lines of the watch."""

    def __init__(self, feed):
        self.lines = []
        self.connection = UnixConnection(feed.unix, 30)
        self.connection.request("GET", "/v1/watch")
        self.sock = self.connection.sock
        self.response = self.connection.getresponse()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        """The thread."""
        try:
            for line in iter(self.response.readline, b""):
                self.lines.append(json.loads(line))
        except (OSError, ValueError, AttributeError):
            pass

    def where(self, **members):
        """Index of the first line with these members."""
        for index, line in enumerate(self.lines):
            if all(line.get(name) == value
                   for name, value in members.items()):
                return index
        return None


def test_the_journal_has_announced_after_verified_and_withdrawn_before_removed(
        feed, one):
    path = intent.path("acme") + "/routes/198.51.100.0%2F24"
    watching = Watching(feed)
    wait_until(lambda: watching.where(op="live") is not None, 5, "live")
    feed.put(path, via=["10.0.0.11"], announce=True)
    one.wait("prefix", "acme 198.51.100.0/24")
    one.report()
    feed.delete(path)
    key = "acme 198.51.100.0/24"
    wait_until(lambda: watching.where(op="DELETE", path=path) is not None, 5,
               lambda: str(watching.lines))
    order = [watching.where(op="PUT", path=path),
             watching.where(event="route-announced", object=key),
             watching.where(event="route-withdrawn", object=key),
             watching.where(op="DELETE", path=path)]
    assert None not in order and order == sorted(order), watching.lines
    assert one.has("prefix", key) is None
    watching.sock.shutdown(2)


def test_a_gateway_is_waited_for_in_vain_once(feed, one):
    """While a subnet is withdrawn from a gateway that does not say that it
    has done so, another request brings what is to be withdrawn, too."""
    subnet = intent.path("acme", "web", subnet="10.0.0.0/24")
    routed = feed.get(subnet)["route"]
    machine = feed.hosts[0].plug("vm31", mac_of(31), ["10.0.0.31/24"])
    took = []

    def withdraw():
        start = time.monotonic()
        feed.put(subnet, route=routed)
        took.append(time.monotonic() - start)

    one.acks = False
    thread = threading.Thread(target=withdraw)
    thread.start()
    try:
        one.wait("prefix", "acme 10.0.0.0/24", there=False)
        feed.put(f"{WEB}/ports/vm31", mac=mac_of(31), iface_id="vm31",
                 ips=["10.0.0.31"])
        one.wait("prefix", "acme 10.0.0.31/32")
        thread.join()
        assert one.has("prefix", "acme 10.0.0.31/32") is None
        assert 1.5 < took[0] < 3.5, took
    finally:
        thread.join()
        one.acks = True
        one.report()
        feed.delete(f"{WEB}/ports/vm31")
        feed.put(subnet, announce=True, host_routes=True)
        feed.hosts[0].unplug(machine)
    one.wait("prefix", "acme 10.0.0.0/24")


def test_nothing_is_withdrawn_or_learned_anew_by_a_controller_that_is_killed(
        feed):
    one = feed.gateway()
    route = {"type": "route", "tenant": "acme", "prefix": "0.0.0.0/0"}
    where = intent.path("acme") + "/routes/0.0.0.0%2F0"
    try:
        feed.put(intent.path("acme") + "/routes/198.51.101.0%2F24",
                 via=["10.0.0.11"], announce=True)
        one.wait("prefix", "acme 198.51.101.0/24")
        assert one.learn(route)[0] == 200
        before = dict(one.entries)
        learned = feed.get(where)
        events = len(feed.get("/v1/events?limit=1000")["items"])
        feed.lab.stop_controller(signal.SIGKILL)
        one.close()
        feed.lab.start_controller()
        mark = len(one.lines)
        one.open()
        assert feed.get(where)["revision"] == learned["revision"]
        one.wait_sync(30)
        assert one.lines[mark][1]["hello"]["full"]
        assert one.entries == before
        assert not [line for _, line in one.lines[mark:]
                    if line.get("type") != "wait"
                    and line.get("value", 0) is None]
        one.learn(route)
        assert feed.get(where)["revision"] == learned["revision"]
        told = [item["event"] for item
                in feed.get("/v1/events?limit=1000")["items"][events:]]
        assert not [name for name in told if name.startswith("route-")]
    finally:
        one.close()


def test_a_hosts_absence_withdraws_nothing_for_a_while(feed, one):
    """The controller loses sight of a host, which forwards as before."""
    key = f"{feed.vni} {mac_of(11)}"
    one.wait("endpoint", key)
    host = feed.hosts[0]
    manager = host.vsctl("get-manager").strip()
    mark = len(one.lines)
    host.vsctl("del-manager")
    try:
        wait_until(lambda: feed.get(f"/v1/hosts/{host.name}")["status"]
                   == "down", 20, "down")
        start = time.monotonic()
        wait_until(lambda: time.monotonic() - start > 4, 5, "four seconds")
        assert one.has("endpoint", key)
    finally:
        host.vsctl("set-manager", manager)
    wait_until(lambda: feed.get(f"/v1/hosts/{host.name}")["status"]
               == "active", 30, "active")
    assert not [line for _, line in one.lines[mark:]
                if line.get("key") == key and line["value"] is None]
