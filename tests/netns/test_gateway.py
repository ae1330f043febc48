# SPDX-License-Identifier: Apache-2.0
"""The anycast gateway as machines see it: it answers pings, says why a packet
cannot go on, advertises itself, and finds out whether next hops live."""
import errno
import socket
import struct
import time

import intent
import netns
import pytest
from netns import wait_until

ACME = "/v1/tenants/acme"
GATEWAY = "02:76:78:66:61:62"
LINK_LOCAL = "fe80::76:78ff:fe66:6162"
NETWORKS = {"web": ("10.0.0", "fd00:1::", 1450),
            "db": ("10.1.0", "fd00:2::", 1300)}
WEB, DB = f"{ACME}/networks/web", f"{ACME}/networks/db"


def routes(machine, net):
    """Default routes, as cloud-init would set them."""
    v4, v6, _ = NETWORKS[net]
    machine.run("ip", "route", "add", "default", "via", f"{v4}.1")
    machine.run("ip", "-6", "route", "replace", "default", "via", f"{v6}1")


def plug(lab, host, net, number, gateway=True):
    """A port of the network and its machine on the host."""
    v4, v6, mtu = NETWORKS[net]
    name = f"{net}{number}"
    mac = f"02:00:00:00:{mtu & 255:02x}:{number:02x}"
    with intent.Api(lab.api) as api:
        api.put(f"{ACME}/networks/{net}/ports/{name}", mac=mac,
                ips=[f"{v4}.{number}", f"{v6}{number:x}"], iface_id=name)
        machine = lab.hosts[host].plug(
            name, mac, [f"{v4}.{number}/24", f"{v6}{number:x}/64"], mtu=1450)
        api.wait_ports([f"{ACME}/networks/{net}/ports/{name}"])
    if gateway:
        routes(machine, net)
    return machine


@pytest.fixture(scope="module")
def fabric(make_lab):
    """Two hosts; web10 and db10 on h1, web20 and db20 on h2."""
    lab = make_lab(2)
    lab.start_controller("--set", "grace_ms=1000")
    with intent.Api(lab.api) as api:
        intent.join_all(lab)
        api.put(ACME)
        for net, (v4, v6, mtu) in NETWORKS.items():
            api.put(f"{ACME}/networks/{net}", mtu=mtu)
            api.put(f"{ACME}/networks/{net}/subnets/{v4}.0%2F24")
            api.put(f"{ACME}/networks/{net}/subnets/{v6}%2F64")
    lab.vms = {}
    for host, number in (("h1", 16), ("h2", 32)):
        for net in NETWORKS:
            lab.vms[f"{net}@{host}"] = plug(lab, host, net, number)
    return lab


@pytest.fixture
def api(fabric):
    with intent.Api(fabric.api) as one:
        yield one


# -- errors, as a socket hears of them

IP_RECVERR, IPV6_RECVERR, MSG_ERRQUEUE = 11, 25, 0x2000
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PROBE = 10, 23, 3


class Errors:
    """A UDP socket of a machine that hears ICMP errors."""

    def __init__(self, machine, version, ttl=64):
        self.v6 = version == 6
        self.sock = netns.open_socket(
            machine.namespace,
            socket.AF_INET6 if self.v6 else socket.AF_INET, socket.SOCK_DGRAM)
        level = socket.IPPROTO_IPV6 if self.v6 else socket.IPPROTO_IP
        self.sock.setsockopt(level, IPV6_RECVERR if self.v6 else IP_RECVERR,
                             1)
        self.sock.setsockopt(level, IPV6_MTU_DISCOVER if self.v6
                             else IP_MTU_DISCOVER, PROBE)
        self.sock.setsockopt(level, socket.IPV6_UNICAST_HOPS if self.v6
                             else socket.IP_TTL, ttl)
        self.sock.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.sock.close()

    def read(self):
        """(type, code, info, offender), or None."""
        try:
            _, ancillary, _, _ = self.sock.recvmsg(2048, 1024, MSG_ERRQUEUE)
        except BlockingIOError:
            return None
        for _, _, data in ancillary:
            _, origin, kind, code, _, info, _ = struct.unpack("=IBBBBII",
                                                              data[:16])
            if origin in (2, 3):
                at = 24 if self.v6 else 20
                size = 16 if self.v6 else 4
                family = socket.AF_INET6 if self.v6 else socket.AF_INET
                return kind, code, info, socket.inet_ntop(
                    family, data[16:][at - 16:at - 16 + size])
        return None

    def send(self, address, port=33434, size=20):
        try:
            self.sock.sendto(bytes(size), (address, port))
        except OSError as error:        # an earlier one is told here, too
            if error.errno not in (errno.EHOSTUNREACH, errno.ENETUNREACH,
                                   errno.ECONNREFUSED, errno.EMSGSIZE):
                raise

    def ask(self, address, deadline_s=60, **kwargs):
        """Sends until an error comes; a packet of ours may be lost."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            self.send(address, **kwargs)
            try:
                found = []
                wait_until(lambda: found.append(self.read()) or found[-1],
                           0.5, "an error")
                return found[-1]
            except netns.LabError:
                pass
        return None


def error_of(machine, address, ttl=64, **kwargs):
    version = 6 if ":" in address else 4
    with Errors(machine, version, ttl) as sock:
        answer = sock.ask(address, **kwargs)
    return answer and (answer[0], answer[1], answer[3])


# -- pings

def test_the_gateway_answers_pings_on_every_host_and_of_both_networks(fabric):
    pairs = [(vm, f"{v4}.1") for vm in fabric.vms.values()
             for v4, _, _ in NETWORKS.values()]
    pairs += [(vm, f"{v6}1") for vm in fabric.vms.values()
              for _, v6, _ in NETWORKS.values()]
    result = fabric.ping_many(pairs, deadline_s=60)
    assert not result.silent()


def test_the_gateway_has_one_mac_everywhere_and_a_link_local_address(fabric):
    for vm in fabric.vms.values():
        vm.run("ping", "-6", "-c", "1", "-W", "3", f"{LINK_LOCAL}%eth0")
        neighbours = vm.run("ip", "neigh", "show", "dev", "eth0").stdout
        for line in neighbours.splitlines():
            if line.split()[0].endswith((".1", "::1")) or \
                    line.startswith(LINK_LOCAL):
                assert GATEWAY in line, line


def test_machines_of_two_networks_reach_each_other(fabric):
    vms = fabric.vms
    pairs = [(a, ip) for x, a in vms.items() for y, b in vms.items()
             if x != y for ip in (b.ipv4, b.ipv6)]
    assert not fabric.ping_many(pairs, deadline_s=60).silent()


# -- errors

def test_a_ttl_of_one_is_answered_by_the_gateway_of_the_sender(fabric):
    web, db = fabric.vms["web@h1"], fabric.vms["db@h2"]
    assert error_of(web, db.ipv4, ttl=1) == (11, 0, "10.0.0.1")
    assert error_of(web, db.ipv6, ttl=1) == (3, 0, "fd00:1::1")
    assert error_of(db, web.ipv4, ttl=1) == (11, 0, "10.1.0.1")


def test_two_hops_lead_to_a_machine_of_another_network(fabric):
    web, db = fabric.vms["web@h1"], fabric.vms["db@h2"]
    assert error_of(web, db.ipv4, ttl=2) == (3, 3, db.ipv4)
    assert error_of(web, db.ipv6, ttl=2) == (1, 4, db.ipv6)


def test_what_leads_nowhere_is_said(fabric):
    for vm in (fabric.vms["web@h1"], fabric.vms["web@h2"]):
        assert error_of(vm, "192.0.2.1") == (3, 0, "10.0.0.1")
        assert error_of(vm, "2001:db8::1") == (1, 0, "fd00:1::1")
        assert error_of(vm, "10.1.0.99") == (3, 1, "10.0.0.1")
        assert error_of(vm, "fd00:2::99") == (1, 3, "fd00:1::1")


def test_the_gateway_listens_to_nothing(fabric):
    vm = fabric.vms["web@h2"]
    assert error_of(vm, "10.0.0.1") == (3, 3, "10.0.0.1")
    assert error_of(vm, "10.1.0.1") == (3, 3, "10.1.0.1")
    assert error_of(vm, "fd00:1::1") == (1, 4, "fd00:1::1")


def test_what_is_too_big_for_the_network_it_goes_to_is_told_its_mtu(fabric):
    web = fabric.vms["web@h1"]
    for peer in (fabric.vms["db@h1"], fabric.vms["db@h2"]):
        for version, address, kind in ((4, peer.ipv4, (3, 4)),
                                       (6, peer.ipv6, (2, 0))):
            with Errors(web, version) as sock:
                answer = sock.ask(address, size=1380)
            assert answer and answer[:2] == kind
            assert answer[2] == 1300
        web.run("ip", "route", "flush", "cache")
        web.run("ip", "-6", "route", "flush", "cache")


def test_a_port_gets_no_more_answers_than_its_budget(fabric):
    web, db = fabric.vms["web@h1"], fabric.vms["db@h2"]
    with web.capture() as capture, Errors(web, 4, ttl=1) as sock:
        started = time.monotonic()
        while time.monotonic() - started < 2:
            sock.send(db.ipv4)
            sock.read()
            capture.wait_for(lambda f: False, 0.002)
        capture.wait_for(lambda f: False, 0.5)
        took = time.monotonic() - started
        n = sum(f[12:14] == b"\x08\x00" and f[23] == 1 and f[34] == 11
                for f in capture.seen)
    assert 20 <= n <= 40 + 20 * (took + 2), (n, took)
    # and another one is not kept from its own
    assert error_of(fabric.vms["db@h1"], web.ipv4, ttl=1)


# -- router advertisements

def listen_to_routers(machine):
    with netns.inside(machine.namespace):
        netns.sysctl({"net/ipv6/conf/eth0/accept_ra": 2,
                      "net/ipv6/conf/eth0/accept_ra_defrtr": 1,
                      "net/ipv6/conf/eth0/accept_ra_mtu": 1,
                      "net/ipv6/conf/eth0/accept_ra_pinfo": 1,
                      "net/ipv6/conf/eth0/autoconf": 1,
                      "net/ipv6/conf/eth0/router_solicitations": 3,
                      "net/ipv6/conf/eth0/router_solicitation_delay": 0})


def learned_route(machine):
    lines = machine.run("ip", "-6", "route", "show", "default").stdout
    return [line for line in lines.splitlines() if "proto ra" in line]


def mtu6(machine):
    with netns.inside(machine.namespace):
        with open("/proc/sys/net/ipv6/conf/eth0/mtu",
                  encoding="ascii") as file:
            return int(file.read())


def test_linux_learns_its_router_and_mtu_and_makes_up_no_address(fabric, api):
    vm = plug(fabric, "h1", "db", 64, gateway=False)
    listen_to_routers(vm)
    vm.run("ip", "link", "set", "eth0", "down")
    vm.run("ip", "link", "set", "eth0", "addrgenmode", "eui64")
    vm.run("ip", "link", "set", "eth0", "up")       # asks for routers
    vm.run("ip", "addr", "replace", "fd00:2::40/64", "dev", "eth0")
    wait_until(lambda: learned_route(vm), 60, "a default route")
    assert LINK_LOCAL in learned_route(vm)[0]
    assert mtu6(vm) == 1300
    addresses = vm.run("ip", "-6", "-o", "addr", "show", "dev", "eth0").stdout
    assert "dynamic" not in addresses
    assert vm.ping(fabric.vms["web@h2"].ipv6)
    # What changes is told to who is there.
    api.put(DB, mtu=1350)
    wait_until(lambda: mtu6(vm) == 1350, 60, "the new MTU")
    api.put(DB, mtu=1300)
    wait_until(lambda: mtu6(vm) == 1300, 60, "the old MTU")
    api.put(f"{DB}/subnets/fd00:2::%2F64", route=False)
    wait_until(lambda: not learned_route(vm), 60, "the end of the route")
    api.put(f"{DB}/subnets/fd00:2::%2F64", route=True)
    wait_until(lambda: learned_route(vm), 60, "the route again")
    # ... and who comes later hears of it without asking.
    late = plug(fabric, "h2", "db", 65, gateway=False)
    with late.capture() as capture:
        fabric.unplug([vm])
        api.put(DB, mtu=1340)
        frame = capture.wait_for(lambda f: f[12:14] == b"\x86\xdd"
                                 and f[20] == 58 and f[54] == 134, 60)
    assert frame and frame[21] == 255
    assert frame[22:38] == socket.inet_pton(socket.AF_INET6, LINK_LOCAL)
    assert struct.unpack(">H", frame[60:62])[0] == 65535
    api.put(DB, mtu=1300)


# -- next hops

def hops(api, prefix="10.9.0.0%2F16"):
    route = api.get(f"{ACME}/routes/{prefix}")
    return {h["ip"]: h["alive"] for h in route["hops"]}


def next_hop(lab, host, number):
    """The machine of that number in web, plugged if it is not."""
    name = f"web{number}"
    if name not in lab.vms:
        lab.vms[name] = plug(lab, host, "web", number)
    return lab.vms[name]


def metric(lab, name):
    text = lab.http("GET", "/metrics")[1]
    return next(float(line.split()[-1]) for line in text.splitlines()
                if line.startswith(name + " "))


def test_a_next_hop_that_falls_silent_is_found_out_and_comes_back(fabric,
                                                                  api):
    one = next_hop(fabric, "h1", 81)
    two = plug(fabric, "h2", "web", 82)
    api.put(f"{ACME}/routes/10.9.0.0%2F16", via=[one.ipv4, two.ipv4])
    alive = 'vxfabric_next_hops{health="alive"}'
    dead = 'vxfabric_next_hops{health="dead"}'
    answers = "vxfabric_next_hop_answers_total"
    wait_until(lambda: metric(fabric, alive) == 2, 60, "two next hops")
    before = metric(fabric, answers)
    wait_until(lambda: metric(fabric, answers) >= before + 6, 60, "answers")
    assert hops(api) == {one.ipv4: True, two.ipv4: True}
    one.run("ip", "link", "set", "eth0", "down")
    started = time.monotonic()
    wait_until(lambda: hops(api)[one.ipv4] is False, 60, "a dead next hop")
    took = time.monotonic() - started
    print(f"a silent next hop was dead after {took:.2f} s")
    assert took < 10, took
    wait_until(lambda: hops(api)[two.ipv4] is True
               and metric(fabric, dead) == 1, 60, lambda: hops(api))
    one.run("ip", "link", "set", "eth0", "up")
    wait_until(lambda: hops(api)[one.ipv4] is True, 60, "it is back")
    # Without its interface it is dead at once.
    fabric.unplug([two])
    started = time.monotonic()
    wait_until(lambda: hops(api)[two.ipv4] is False, 60, "a dead next hop")

    def told():
        events = [e["event"] for e in api.items("/v1/events")]
        return events.count("hop-down") >= 2 and "hop-up" in events

    wait_until(told, 60, "events")


def test_next_hops_of_ipv6_are_asked_by_neighbour_discovery(fabric, api):
    vm, prefix = fabric.vms["db@h2"], "fd09::%2F64"
    api.put(f"{ACME}/routes/{prefix}", via=[vm.ipv6])
    with vm.capture() as capture:
        question = capture.wait_for(
            lambda f: f[12:14] == b"\x86\xdd" and f[54] == 135
            and f[22:38] == socket.inet_pton(socket.AF_INET6, LINK_LOCAL), 60)
        assert question and question[78:86] == b"\1\1" + bytes.fromhex(
            GATEWAY.replace(":", ""))
    answers = "vxfabric_next_hop_answers_total"
    before = metric(fabric, answers)
    wait_until(lambda: metric(fabric, answers) >= before + 9, 60, "answers")
    assert hops(api, prefix) == {vm.ipv6: True}
    vm.run("ip", "link", "set", "eth0", "down")
    wait_until(lambda: hops(api, prefix) == {vm.ipv6: False}, 60, "its death")
    vm.run("ip", "link", "set", "eth0", "up")
    vm.run("ip", "addr", "replace", f"{vm.ipv6}/64", "dev", "eth0", "nodad")
    wait_until(lambda: hops(api, prefix) == {vm.ipv6: True}, 60, "its return")
    api.ask("DELETE", f"{ACME}/routes/{prefix}")


def test_a_controller_that_starts_finds_out_which_next_hops_live(fabric, api):
    living = next_hop(fabric, "h1", 81).ipv4
    wanted = {living: True, "10.0.0.83": False}         # nobody's
    api.put(f"{ACME}/routes/10.9.0.0%2F16", via=list(wanted))
    wait_until(lambda: hops(api) == wanted, 60, lambda: hops(api))
    fabric.stop_controller()
    fabric.start_controller("--set", "grace_ms=1000")
    with intent.Api(fabric.api) as again:
        again.wait_hosts(["h1", "h2"])
        wait_until(lambda: hops(again) == wanted, 60, lambda: hops(again))


def test_a_next_hop_keeps_its_health_while_its_host_is_away(fabric, api):
    next_hop(fabric, "h1", 81)
    api.put(f"{ACME}/routes/10.9.0.0%2F16", via=["10.0.0.81"])
    wait_until(lambda: hops(api) == {"10.0.0.81": True}, 60, "one next hop")
    host = fabric.hosts["h1"]
    hole = ["blackhole", f"{host.vtep}/32"]
    netns.run(netns.command(fabric.underlay, ["ip", "route", "add", *hole]))
    try:
        end = time.monotonic() + 4
        while time.monotonic() < end:
            assert hops(api) == {"10.0.0.81": True}
    finally:
        netns.run(netns.command(fabric.underlay, ["ip", "route", "del",
                                                  *hole]))
