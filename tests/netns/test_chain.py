# SPDX-License-Identifier: Apache-2.0
"""Chains of service machines: client, firewall, cache, server, two of each
service, and every flow sees the same firewall and the same cache both ways.
One that dies loses its flows to the other within seconds, or they stop."""
import collections
import ipaddress
import select
import socket
import struct
import time

import intent
import netns
import pytest
from ears import Ears
from lab import link_local
from netns import LabError, wait_until
from oracle import Oracle, Packet, read_intent
from reach import TCP, UDP, Matrix, Senders, judge, wait_realized

TENANT = "acme"
NETWORKS = {
    "client": ("10.1.0.0/24", "fd01::/64"),
    "fw": ("10.2.0.0/24", "fd02::/64"),
    "cache": ("10.3.0.0/24", "fd03::/64"),
    "server": ("10.4.0.0/24", "fd04::/64"),
}
MACHINES = (("client", 11, "h1"), ("server", 11, "h4"), ("fw", 11, "h2"),
            ("fw", 12, "h3"), ("cache", 11, "h3"), ("cache", 12, "h4"))
SERVICES = ("fw", "cache")
PORT = 7777
MOVES_WITHIN_S = 3.0


def address_of(network, number, family):
    subnet = ipaddress.ip_network(NETWORKS[network][family == 6])
    return f"{subnet[number]}/{subnet.prefixlen}"


def plain(address):
    return address.split("/")[0]


def legs():
    """(from the network, source, destination, next hops): there by firewall
    and cache, back by cache and firewall."""
    return (("client", "client", "server", "fw"),
            ("fw", "client", "server", "cache"),
            ("server", "server", "client", "cache"),
            ("cache", "server", "client", "fw"))


def policies(fail):
    """All four of both families, as operations."""
    ops = []
    for family in (4, 6):
        for number, (network, src, dst, hops) in enumerate(legs()):
            ops.append(intent.put(
                f"/v1/tenants/{TENANT}/policies/{network}-{dst}-{family}",
                priority=100 * family + number, fail=fail,
                match={"network": network,
                       "src": NETWORKS[src][family == 6],
                       "dst": NETWORKS[dst][family == 6]},
                action={"type": "via", "via": [
                    plain(address_of(hops, n, family)) for n in (11, 12)]}))
    return ops


def intend(api):
    ops = [intent.put(intent.path(TENANT))]
    for network, subnets in NETWORKS.items():
        ops.append(intent.put(intent.path(TENANT, network)))
        ops += [intent.put(intent.path(TENANT, network, subnet=cidr))
                for cidr in subnets]
    ops += [intent.put(
        intent.path(TENANT, network, port=f"{network}{n}"), host=host,
        ips=[plain(address_of(network, n, f)) for f in (4, 6)],
        mac=f"02:00:00:00:{list(NETWORKS).index(network):02x}:{n:02x}",
        iface_id=f"{network}{n}", guard=network not in SERVICES)
        for network, n, host in MACHINES]
    api.batch(ops + policies("closed"))


def make_router(machine, network):
    """Default routes; a service forwards."""
    with netns.inside(machine.namespace):
        # Its own routes, not those of router advertisements.
        netns.sysctl({"net/ipv6/conf/eth0/accept_ra": 0})
        netns.sysctl({f"net/ipv4/conf/{where}/{name}": 0
                      for where in ("all", "eth0")
                      for name in ("send_redirects", "rp_filter")})
        netns.sysctl({"net/ipv4/icmp_ratemask": 0})
        if network in SERVICES:
            netns.sysctl({"net/ipv4/ip_forward": 1,
                          "net/ipv6/conf/all/forwarding": 1})
    netns.ip_batch([
        f"route replace {default} via {plain(address_of(network, 1, f))}"
        for f, default in ((4, "0.0.0.0/0"), (6, "::/0"))],
        machine.namespace)


def plug(lab, chosen):
    """Machines of (network, number, host)."""
    made = lab.plug([
        {"host": lab.hosts[host], "iface_id": f"{network}{n}",
         "mac": f"02:00:00:00:{list(NETWORKS).index(network):02x}:{n:02x}",
         "ips": [address_of(network, n, f) for f in (4, 6)]}
        for network, n, host in chosen])
    for machine, (network, n, _) in zip(made, chosen):
        machine.key = (TENANT, network, f"{network}{n}")
        make_router(machine, network)
    return made


def port_path(machine):
    return intent.path(*machine.key[:2], port=machine.key[2])


@pytest.fixture(scope="module")
def fabric(make_lab):
    """Four hosts in two zones with the chain over them."""
    lab = make_lab(4)
    lab.start_controller()
    for n, host in enumerate(lab.hosts.values()):
        host.join(f"z{n // 2 + 1}")
    with intent.Api(lab.api) as api:
        api.wait_hosts(lab.hosts)
        intend(api)
        lab.by_name = {m.key[2]: m for m in plug(lab, MACHINES)}
        api.wait_ports(map(port_path, lab.by_name.values()))
        wait_realized(api)
    return lab


@pytest.fixture
def api(fabric):
    """A fresh connection."""
    with intent.Api(fabric.api) as one:
        yield one


class Flows:
    """Flows of the client to the server; which services saw which flow, in
    which direction, and when a flow was last answered. TCP: a SYN, which the
    server's kernel refuses. UDP: the server sends back what it gets."""

    def __init__(self, lab, count, family=4, proto=TCP, first=20000):
        self.lab = lab
        self.family, self.proto, self.first = family, proto, first
        self.client, self.server = (lab.by_name[n] for n in ("client11",
                                                             "server11"))
        self.addresses = [ipaddress.ip_address(plain(address_of(
            n, 11, family))) for n in ("client", "server")]
        # flow: {(direction, service): packets}
        self.seen = {n: collections.Counter() for n in range(count)}
        self.answered = {}      # flow: when
        self.gaps = {}          # flow: longest time without an answer
        self.n_heard = 0        # packets that came to the server

    def __enter__(self):
        self.senders = Senders()
        self.ears = Ears(self.lab.machines, self.is_ours)
        self.echo = netns.open_socket(
            self.server.namespace,
            socket.AF_INET if self.family == 4 else socket.AF_INET6,
            socket.SOCK_DGRAM)
        self.echo.bind(("" if self.family == 4 else "::", PORT))
        self.echo.setblocking(False)
        return self

    def __exit__(self, *_exc):
        self.ears.__exit__()
        self.senders.__exit__()
        self.echo.close()

    def is_ours(self, frame):
        """TCP or UDP of the flows' family, whatever port."""
        if self.family == 4:
            return frame[12:14] == b"\x08\0" and frame[23] == self.proto
        return frame[12:14] == b"\x86\xdd" and frame[20] == self.proto

    def send(self, flows):
        """One packet of each of these flows."""
        for count, flow in enumerate(flows):
            self.senders.send(self.client, Packet(
                *self.addresses, self.proto, self.first + flow, PORT), b"")
            if count % 16 == 15:
                self.turn(0)

    def turn(self, wait_s):
        """Takes in what there is, or comes first within wait_s; how many
        frames."""
        self.ears.listen(wait_s)
        now, n_heard = time.monotonic(), len(self.ears.heard)
        for machine, frame in self.ears.heard:
            self._take(machine, frame, now)
        if self.ears.heard and self.proto == UDP:
            self._send_back()
        self.ears.heard.clear()
        return n_heard

    def _send_back(self):
        while select.select([self.echo], [], [], 0)[0]:
            data, peer = self.echo.recvfrom(2048)
            self.echo.sendto(data, peer)

    def _take(self, machine, frame, now):
        at = 34 if self.family == 4 else 54
        sport, dport = struct.unpack("!HH", frame[at:at + 4])
        there = dport == PORT
        flow = (sport if there else dport) - self.first
        if flow not in self.seen:
            return
        if machine is self.client:
            last = self.answered.get(flow, now)
            self.gaps[flow] = max(self.gaps.get(flow, 0), now - last)
            self.answered[flow] = now
        elif machine is self.server:
            self.n_heard += there
        else:
            self.seen[flow]["there" if there else "back",
                            machine.key[2]] += 1

    def exchange(self, flows, deadline_s=20):
        """Sends a packet of each until each was answered, and nothing is on
        its way any more."""
        before = dict(self.answered)
        end = time.monotonic() + deadline_s
        left = list(flows)
        while left:
            if time.monotonic() > end:
                raise LabError(f"{len(left)} flows are not answered: "
                               f"{left[:5]}: "
                               f"{[self.seen[n] for n in left[:5]]}")
            self.send(left)
            again = time.monotonic() + 0.5
            while left and time.monotonic() < again:
                self.turn(0.02)
                left = [n for n in left
                        if self.answered.get(n) == before.get(n)]
        self.drain()

    def drain(self, quiet_s=0.1, deadline_s=3):
        """Takes in what comes until nothing does for a while."""
        end = time.monotonic() + deadline_s
        while self.turn(quiet_s) and time.monotonic() < end:
            pass

    def forget(self):
        """From now on counted anew."""
        for one in self.seen.values():
            one.clear()
        self.gaps.clear()

    def path_of(self, flow):
        """(services there, services back), each sorted."""
        return tuple(tuple(sorted(name for way, name in self.seen[flow]
                                  if way == direction))
                     for direction in ("there", "back"))


def check_symmetric(flows, chosen):
    """Each by one firewall and one cache, the same both ways; {(firewall,
    cache): flows}."""
    used = collections.Counter()
    for flow in chosen:
        there, back = flows.path_of(flow)
        assert there == back and len(there) == 2, (flow, there, back)
        assert [n[:2] for n in there] == ["ca", "fw"], (flow, there)
        used[there[::-1]] += 1
    return used


@pytest.mark.parametrize("family, count", ((4, 1000), (6, 1000)))
def test_every_flow_sees_the_same_services_both_ways(fabric, figures, family,
                                                     count):
    started = time.monotonic()
    with Flows(fabric, count, family) as flows:
        flows.exchange(range(count))
        flows.forget()
        flows.exchange(range(count))
        used = check_symmetric(flows, range(count))
    figures(f"IPv{family}: {count} flows, each by one firewall and one cache,"
            " the same there and back: " + ", ".join(
                f"{'+'.join(pair)} {n}" for pair, n in sorted(used.items()))
            + f", in {time.monotonic() - started:.1f} s")
    # Each service has its share.
    for name in ("fw11", "fw12", "cache11", "cache12"):
        share = sum(n for pair, n in used.items() if name in pair)
        assert count * 0.2 <= share <= count * 0.8, (name, used)


@pytest.mark.parametrize("family", (4, 6))
def test_udp_sees_the_same_services_both_ways(fabric, figures, family):
    """Open vSwitch does not look at ports of UDP in a symmetric hash: all of
    two machines goes one way."""
    with Flows(fabric, 50, family, UDP) as flows:
        flows.exchange(range(50))
        flows.forget()
        flows.exchange(range(50))
        used = check_symmetric(flows, range(50))
    figures(f"IPv{family}: 50 UDP flows: {dict(used)}")


def test_traceroute_shows_services_and_gateways(fabric, api, figures):
    oracle = Oracle(read_intent(api), forwards=[
        m.key for m in fabric.machines if m.key[1] in SERVICES])
    matrix = Matrix(fabric.machines, oracle)
    for family in (4, 6):
        for ttl in range(1, 7):
            matrix.add(fabric.by_name["client11"],
                       plain(address_of("server", 11, family)), "udp",
                       sport=40000, dport=33434, ttl=ttl)
    judge(matrix, figures, "traceroute through the chain")
    said = [sorted(ip for error, ip in p.answers if error == "time exceeded")
            for p in matrix.probes]
    figures(f"hops: {said[:5]}, {said[6:11]}")


# -- A service dies


def lose_address(fabric, machine):
    """The machine is there and does not answer for its addresses."""
    netns.ip_batch(["addr flush dev eth0"], machine.namespace)

    def back():
        network, number = machine.key[1], int(machine.key[2][-2:])
        addresses = [address_of(network, number, f) for f in (4, 6)]
        addresses.append(f"{link_local(machine.mac)}/64")
        netns.ip_batch([
            f"addr add {ip}{' nodad' if ':' in ip else ''} dev eth0"
            for ip in addresses], machine.namespace)
        make_router(machine, network)
    return back


def lose_tap(fabric, machine):
    """Its interface goes."""
    host, tap = machine.host, machine.tap
    host.delete_interfaces([tap])

    def back():
        host.add_interfaces([("br-tenant", tap, machine.iface_id,
                              machine.mac)])
    return back


def run_for(flows, chosen, seconds, every_s=0.1):
    """Traffic of the flows at a steady pace."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        due = time.monotonic() + every_s
        flows.send(chosen)
        while time.monotonic() < due:
            flows.turn(max(0, due - time.monotonic()))


def run_until(flows, chosen, done, deadline_s, what):
    """The same until done(); seconds."""
    started = time.monotonic()
    while not done():
        if time.monotonic() - started > deadline_s:
            raise LabError(f"not within {deadline_s} s: "
                           f"{what() if callable(what) else what}")
        run_for(flows, chosen, 0.1)
    return time.monotonic() - started


def hops_alive(api):
    """{address: alive} of all policies of the tenant."""
    return {hop["ip"]: hop["alive"]
            for policy in api.items(f"/v1/tenants/{TENANT}/policies")
            for hop in policy["hops"]}


def wait_alive(api, *addresses, alive=True):
    wait_until(lambda: all(hops_alive(api)[ip] is alive for ip in addresses),
               15, lambda: f"{addresses} alive {alive}: {hops_alive(api)}",
               0.1)


COUNT = 60


@pytest.mark.parametrize("family", (4, 6))
@pytest.mark.parametrize("lose", (lose_address, lose_tap))
@pytest.mark.parametrize("name", ("fw12", "cache11"))
def test_flows_of_a_dead_service_move_and_no_other(fabric, api, figures,
                                                   lose, name, family):
    machine, chosen = fabric.by_name[name], range(COUNT)
    other = f"{name[:-2]}{23 - int(name[-2:])}"
    address = plain(address_of(name[:-2], int(name[-2:]), family))
    with Flows(fabric, COUNT, family) as flows:
        flows.exchange(chosen)
        flows.forget()
        flows.exchange(chosen)
        check_symmetric(flows, chosen)
        before = {n: flows.path_of(n)[0] for n in chosen}
        moving = [n for n in chosen if name in before[n]]
        assert 0 < len(moving) < COUNT
        run_for(flows, chosen, 0.5)
        flows.forget()
        killed = time.monotonic()
        back = lose(fabric, machine)
        try:
            run_until(flows, chosen, lambda: all(
                flows.answered[n] > killed + 0.2 and flows.seen[n][
                    "there", other] for n in moving), 10,
                lambda: f"flows to move: {hops_alive(api)}")
            run_for(flows, chosen, 0.5)
            gap = max(flows.gaps[n] for n in moving)
            stayed = max(flows.gaps[n] for n in chosen if n not in moving)
            flows.forget()
            flows.exchange(chosen)
            check_symmetric(flows, chosen)
            for n in chosen:
                path = flows.path_of(n)[0]
                assert path == tuple(
                    other if one == name else one for one in before[n]), n
            wait_alive(api, address, alive=False)
        finally:
            back()
        wait_alive(api, address)
        flows.forget()
        run_until(flows, chosen, lambda: all(
            flows.path_of(n)[0] for n in chosen), 5, "packets of each flow")
        flows.forget()
        flows.exchange(chosen)
        after = {n: flows.path_of(n)[0] for n in chosen}
    figures(f"IPv{family}, {name} {lose.__name__.replace('_', 's its ', 1)}: "
            f"{len(moving)} flows without an answer for {gap:.2f} s, then by "
            f"{other}; {COUNT - len(moving)} others for at most "
            f"{stayed:.2f} s")
    assert gap < MOVES_WITHIN_S
    assert stayed < 1
    assert after == before


@pytest.mark.parametrize("family", (4, 6))
def test_without_any_living_hop_traffic_stops_or_goes_on_as_chosen(
        fabric, api, figures, family):
    machines = [fabric.by_name[n] for n in ("fw11", "fw12")]
    addresses = [plain(address_of("fw", n, family)) for n in (11, 12)]
    chosen = range(20)
    with Flows(fabric, len(chosen), family, first=30000) as flows:
        flows.exchange(chosen)
        back = [lose_address(fabric, m) for m in machines]
        try:
            wait_alive(api, *addresses, alive=False)
            stops = stopped(flows, chosen)
            api.batch(policies("open"))
            wait_realized(api)
            # Nothing leads from client to cache then: straight there, and
            # back by the cache, which nobody has to be on the way of.
            flows.forget()
            flows.exchange(chosen, deadline_s=5)
            for n in chosen:
                there, _ = flows.path_of(n)
                assert not there, there
            api.batch(policies("closed"))
            wait_realized(api)
            stopped(flows, chosen)
        finally:
            api.batch(policies("closed"))
            for one in back:
                one()
        started = time.monotonic()
        wait_alive(api, *addresses)
        flows.exchange(chosen)
    figures(f"IPv{family}: no firewall lives: fail closed, traffic ends "
            f"({stops} packets on their way at most); open, it goes by none; "
            f"back {time.monotonic() - started:.2f} s after the firewalls")


def stopped(flows, chosen):
    """Nothing comes to the server any more, however often it is sent; what
    came before that."""
    late = [0]

    def silent():
        before = flows.n_heard
        run_for(flows, chosen, 0.5)
        late[0] += flows.n_heard - before
        return flows.n_heard == before

    wait_until(silent, 5, "silence at the server", 0.001)
    return late[0]


@pytest.mark.slow
def test_flows_of_services_on_a_dead_host_move(fabric, api, figures):
    """fw12 and cache11 go with their host; all else is on others. That a host
    is gone is only believed after some time without a word of it."""
    host, chosen = fabric.hosts["h3"], range(COUNT)
    with Flows(fabric, COUNT) as flows:
        flows.exchange(chosen)
        run_for(flows, chosen, 0.5)
        flows.forget()
        killed = time.monotonic()
        netns.ip_batch(["link set eth0 down"], host.namespace)
        try:
            run_until(flows, chosen, lambda: all(
                flows.answered[n] > killed + 0.2 for n in chosen), 30,
                lambda: f"flows to move: {hops_alive(api)}")
            gap = max(flows.gaps[n] for n in chosen)
            flows.forget()
            flows.exchange(chosen)
            used = check_symmetric(flows, chosen)
            assert set(used) == {("fw11", "cache12")}, used
        finally:
            netns.ip_batch(["link set eth0 up"], host.namespace)
        api.wait_hosts(fabric.hosts, deadline_s=30)
    figures(f"a host with a firewall and a cache dies: no flow without an "
            f"answer for more than {gap:.2f} s")
    assert gap < 25
