# SPDX-License-Identifier: Apache-2.0
"""Rows of routing, policies and budgets on a real Open vSwitch, without a
controller: it takes all of them, tells them back the same, and routes,
selects, limits and drops as doc/pipeline.md says."""
import collections
import time

import frames
import netns
import pytest

from test_of_real import Driver, bridges, caught

BRIDGES = ("br-tenant", "br-fabric")
GATEWAY = "02:76:78:66:61:62"
LINK_LOCAL = "fe80::76:78ff:fe66:6162"
# Two tenants with the same addresses: (web, db, router).
TENANTS = {"a": (101, 102, 900001), "b": (201, 202, 900002)}
SUBNETS = (("10.0.0", "fd00:0:0:1::"), ("10.1.0", "fd00:0:0:2::"))


class Net:
    """The machines of one tenant: name -> machine."""

    def __init__(self, tenant):
        self.tenant = tenant
        self.vnis = TENANTS[tenant][:2]
        self.router = TENANTS[tenant][2]
        self.machines = {}

    def make(self, lab, hosts, names):
        """Machines on the hosts: web and fw are in one subnet, db in the
        other."""
        specs, places = [], []
        for h, host in enumerate(hosts, 1):
            for n, name in enumerate(names):
                subnet = int(name == "db")
                v4, v6 = SUBNETS[subnet]
                places.append((f"{name}{h}", subnet))
                specs.append(dict(
                    host=host, iface_id=f"{self.tenant}-{name}{h}",
                    mac=f"02:00:00:00:{subnet:02x}:{10 * h + n:02x}",
                    ips=[f"{v4}.{10 * h + n}/24", f"{v6}{10 * h + n}/64"]))
        for (name, subnet), machine in zip(places, lab.plug(specs)):
            machine.subnet, machine.free = subnet, name.startswith("fw")
            self.machines[name] = machine
            v4, v6 = SUBNETS[subnet]
            machine.run("ip", "route", "add", "default", "via", f"{v4}.254")
            machine.run("ip", "-6", "route", "add", "default", "via",
                        f"{v6}fe")

    def vni_of(self, machine):
        return self.vnis[machine.subnet]

    def hop(self, machine):
        """As a word of rowtalk."""
        return f"{machine.ipv4},{machine.mac},{self.vni_of(machine)}"

    def lines(self, host):
        """What rowtalk makes this tenant's rows on a host of."""
        yield f"segment {self.vnis[0]} {self.router} six"
        yield f"segment {self.vnis[1]} {self.router} six mtu=1300 small"
        oid = 1000 * self.vnis[0]
        for n, vni in enumerate(self.vnis):
            yield f"network {vni}"
            yield from self.buckets(host, vni)
            yield (f"subnet {vni} {self.router} {oid} {SUBNETS[n][0]}.0/24"
                   f" {SUBNETS[n][0]}.254")
            yield (f"subnet {vni} {self.router} {oid + 1} {SUBNETS[n][1]}/64"
                   f" {SUBNETS[n][1]}fe")
            oid += 2
        for machine in self.machines.values():
            oid += 1
            vni, what = self.vni_of(machine), (
                f"{oid} {machine.mac} {' '.join(machine.ips)}")
            yield f"neigh {vni} {what}"
            if machine.host is host:
                guard = "free" if machine.free else "guard"
                yield (f"tap {vni} {host.ofport(machine.tap)} {guard} {what}")
            else:
                yield f"adj {vni} {what}"
                yield (f"fdb {vni} {oid} {machine.host.number}"
                       f" {machine.mac}")

    def buckets(self, host, vni):
        """Where broadcast goes."""
        return [f"bum {vni} {other.number}" for other in host.others]


def tell(it, *lines):
    """Everything, and the lines on top, of which both tiers take theirs."""
    for host in it.hosts.values():
        words = ["base"] + [f"vtep {h.number} {h.vtep}" for h in host.others]
        for net in it.nets.values():
            words += net.lines(host)
        for bridge in BRIDGES:
            driver = it.drivers[host.name, bridge]
            driver("forget")
            for line in words + list(lines):
                driver(line)
            driver("dump 255")
            driver("repair")
            assert driver.diff() == []


@pytest.fixture(scope="module")
def it(make_lab):
    """Two hosts, two tenants with a router each: web1, fw1, db1 on h1, web2,
    fw2, db2 on h2."""
    lab = make_lab(2)
    hosts = list(lab.hosts.values())
    lab.nets, lab.drivers = {}, {}
    for host in hosts:
        bridges(host)
        host.others = [h for h in hosts if h is not host]
    for tenant in TENANTS:
        net = lab.nets[tenant] = Net(tenant)
        net.make(lab, hosts, ("web", "fw", "db"))
    try:
        for host in hosts:
            for bridge in BRIDGES:
                lab.drivers[host.name, bridge] = Driver(host, bridge)
        tell(lab)
        yield lab
    finally:
        for driver in lab.drivers.values():
            driver.close()


def test_every_pair_of_a_tenant_reaches_each_other_across_subnets(it):
    for net in it.nets.values():
        machines = net.machines.values()
        pairs = [(a, ip) for a in machines for b in machines if a is not b
                 for ip in b.ips]
        result = it.ping_many(pairs, deadline_s=8)
        assert not result.silent(), result


def test_the_gateway_answers_pings_on_all_of_its_addresses(it):
    for net in it.nets.values():
        for machine in net.machines.values():
            v4, v6 = SUBNETS[machine.subnet]
            for address in (f"{v4}.254", f"{v6}fe",
                            f"{SUBNETS[1 - machine.subnet][0]}.254"):
                assert machine.ping(address), (machine, address)
        done = machine.run("ping", "-c1", "-W3", f"{LINK_LOCAL}%eth0",
                           check=False)
        assert done.returncode == 0, done.stdout


def tcp4(src, dst, ports):
    """A segment of a connection; its checksum is not looked at."""
    segment = (ports[0].to_bytes(2, "big") + ports[1].to_bytes(2, "big")
               + bytes(8) + b"\x50\x10" + bytes(6))
    return frames.ethernet(GATEWAY, src.mac, 0x0800,
                           frames.ipv4(src.ipv4, dst, 6, segment))


def udp4(src, dst, *, ttl=64, ports=(1000, 2000), size=20, tos=None):
    """From a machine to an address, to the gateway's MAC."""
    packet = frames.ipv4(src.ipv4, dst, 17, frames.udp(*ports, bytes(size)),
                         ttl)
    return frames.ethernet(GATEWAY, src.mac, 0x0800, packet)


def is_udp_to(address, ports=None, proto=17):
    def match(frame):
        return (frame[12:14] == b"\x08\x00" and frame[23] == proto
                and frame[30:34] == frames.ip_bytes(address)
                and (not ports or frame[34:38] == ports[0].to_bytes(2, "big")
                     + ports[1].to_bytes(2, "big")))
    return match


def test_a_hop_is_counted_once_and_the_source_is_the_gateway(it):
    machines = it.nets["a"].machines
    for target in ("db1", "db2"):
        with machines[target].capture() as capture:
            machines["web1"].send(udp4(machines["web1"],
                                       machines[target].ipv4, ttl=2))
            frame = capture.wait_for(is_udp_to(machines[target].ipv4), 5)
        assert frame and frame[22] == 1
        assert frame[:12] == frames.mac_bytes(machines[target].mac) + \
            frames.mac_bytes(GATEWAY)
        assert frames.checksum(frame[14:34]) == 0


@pytest.mark.parametrize("what", ["ttl", "no-route", "too-big", "unreach",
                                  "solicitation", "alive", "no-host"])
def test_what_takes_words_goes_to_the_controller(it, what):
    machines = it.nets["a"].machines
    web = machines["web1"]
    tier = "br-fabric" if what == "no-host" else "br-tenant"
    driver = it.drivers[web.host.name, tier]
    frame = {
        "ttl": lambda: udp4(web, machines["db1"].ipv4, ttl=1),
        "no-route": lambda: udp4(web, "198.51.100.1"),
        "too-big": lambda: udp4(web, machines["db2"].ipv4, size=1280),
        "unreach": lambda: udp4(web, "10.0.0.254"),
        "solicitation": lambda: frames.nd(
            133, web.mac, web.ipv6, bytes(4), dst_mac="33:33:00:00:00:02",
            dst_ip="ff02::2"),
        "alive": lambda: frames.arp(2, web.mac, web.ipv4, "10.0.0.254",
                                    target_mac=GATEWAY, eth_dst=GATEWAY),
        "no-host": lambda: udp4(web, "10.1.0.99"),
    }[what]()
    before, _ = caught(driver)
    web.send(frame)
    netns.wait_until(lambda: caught(driver)[0] == before + 1, 5, what)


def burst(machine, sent, rate, size, count):
    """Sends the frames at once: what a meter lets through is its burst, and
    its rate for as long as that took. count() says how many came."""
    start = time.monotonic()
    for frame in sent:
        machine.send(frame)
    took = time.monotonic() - start
    n = count()
    assert 0.3 * size <= n <= 1.1 * (size + rate * (took + 0.1)) + 2, (n, took)
    assert n < 0.9 * len(sent), (n, took)


def test_a_port_cannot_flood_the_controller(it):
    web = it.nets["a"].machines["web1"]
    driver = it.drivers["h1", "br-tenant"]
    before, _ = caught(driver)
    seen = []

    def settled():
        seen.append(caught(driver)[0])
        return seen[-5:] == seen[-1:] * 5
    burst(web, [udp4(web, "198.51.100.1", ports=(n, 7)) for n in range(300)],
          20, 35, lambda: netns.wait_until(settled, 10, "quiet")
          and seen[-1] - before)


def flows_seen(it, net, hops, sender, n, address="10.9.0.1"):
    """(source port -> name of the hop), of n flows."""
    captures = {name: net.machines[name].capture() for name in hops}
    for port in range(n):
        sender.send(tcp4(sender, address, (5000 + port, 80)))
    found = {}

    def all_there():
        for name, capture in captures.items():
            capture.wait_for(lambda f: False, 0.05)
            for frame in capture.seen:
                if is_udp_to(address, proto=6)(frame):
                    found[int.from_bytes(frame[34:36], "big")] = name
        return len(found) == n
    netns.wait_until(all_there, 10, lambda: f"{len(found)} of {n}")
    for capture in captures.values():
        capture.sock.close()
    return found


def test_several_next_hops_share_the_flows_and_hosts_agree(it):
    net = it.nets["a"]
    hops = ("fw1", "fw2")
    words = " ".join(net.hop(net.machines[name]) for name in hops)
    tell(it, f"route {net.router} 77 5 10.9.0.0/16 {words}")
    first = flows_seen(it, net, hops, net.machines["web1"], 200)
    counts = collections.Counter(first.values())
    assert min(counts.values()) > 50, counts
    assert first == flows_seen(it, net, hops, net.machines["web1"], 200)
    tell(it, f"route {net.router} 77 5 10.9.0.0/16"
         f" {net.hop(net.machines['fw2'])}")
    assert set(flows_seen(it, net, hops, net.machines["web1"], 20).values()) \
        == {"fw2"}


def test_both_directions_of_a_flow_take_the_same_next_hop(it):
    net = it.nets["a"]
    web, db = net.machines["web1"], net.machines["db2"]
    words = " ".join(net.hop(net.machines[n]) for n in ("fw1", "fw2"))
    tell(it, f"policy {net.router} 78 6 20 via dst={SUBNETS[1][0]}.0/24"
         f" vni={net.vnis[0]} src={web.ipv4}/32 {words}",
         f"policy {net.router} 79 7 19 via src={SUBNETS[1][0]}.0/24"
         f" dst={web.ipv4}/32 vni={net.vnis[1]} {words}")
    seen = {}
    captures = {n: net.machines[n].capture() for n in ("fw1", "fw2")}
    for port in range(60):
        web.send(tcp4(web, db.ipv4, (5000 + port, 80)))
        db.send(tcp4(db, web.ipv4, (80, 5000 + port)))

    def all_there():
        for name, capture in captures.items():
            capture.wait_for(lambda f: False, 0.05)
            for f in capture.seen:
                if f[12:14] == b"\x08\x00" and f[23] == 6 and \
                        f[:6] == frames.mac_bytes(net.machines[name].mac):
                    ports = (f[34:36], f[36:38])
                    forward = f[36:38] == b"\0\x50"
                    seen[forward, ports[0 if forward else 1]] = name
        return len(seen) == 120
    netns.wait_until(all_there, 10, lambda: f"{len(seen)} of 120")
    for capture in captures.values():
        capture.sock.close()
    for (forward, port), name in seen.items():
        assert seen[not forward, port] == name
    assert len(set(seen.values())) == 2


def test_policies_drop_and_mark_by_ranges_of_ports(it):
    net = it.nets["a"]
    web, db = net.machines["web1"], net.machines["db2"]
    tell(it, f"policy {net.router} 80 8 30 drop proto=17 dport=80-90",
         f"policy {net.router} 81 9 29 dscp:46 proto=17 dport=70-100")
    for tenant, expect in (("a", True), ("b", False)):
        web = it.nets[tenant].machines["web1"]
        db = it.nets[tenant].machines["db2"]
        with db.capture() as capture:
            for port in (69, 70, 79, 80, 85, 90, 91, 100, 101):
                web.send(udp4(web, db.ipv4, ports=(1, port)))
            assert capture.wait_for(is_udp_to(db.ipv4, (1, 101)), 5)
            got = {int.from_bytes(f[36:38], "big"): f[15] >> 2
                   for f in capture.seen if is_udp_to(db.ipv4)(f)}
        if expect:
            assert got == {69: 0, 70: 46, 79: 46, 91: 46, 100: 46, 101: 0}
        else:
            assert len(got) == 9 and set(got.values()) == {0}


def test_budgets_of_a_port_hold_in_both_directions_and_for_broadcast(it):
    net = it.nets["a"]
    web, peer, other = (net.machines[n] for n in ("web1", "web2", "fw1"))
    ofport = web.host.ofport(web.tap)
    # The tap's rows again, with limits: in place of those without.
    lines = ["limits 0 100 20", f"tap {net.vnis[0]} {ofport} guard 1"
             f" {web.mac} {' '.join(web.ips)}"]
    original = net.machines.pop("web1")
    try:
        host1 = it.hosts["h1"]
        driver = it.drivers["h1", "br-tenant"]
        driver("forget")
        words = ["base"] + [w for n in it.nets.values()
                            for w in n.lines(host1)] + lines
        for line in words:
            driver(line)
        driver("dump 255")
        driver("repair")
        assert driver.diff() == []
    finally:
        net.machines["web1"] = original
    try:
        for sender, receiver, dst in ((web, other, other.mac),
                                      (other, web, web.mac),
                                      (other, web, frames.BROADCAST),
                                      (web, peer, frames.BROADCAST)):
            frame = frames.ethernet(dst, sender.mac, 0x0800, frames.ipv4(
                sender.ipv4, "10.0.0.255", 17, frames.udp(3, 4, bytes(8))))
            rate, size = ((20, 10) if sender is web and receiver is peer
                          else (100, 100))
            with receiver.capture() as capture:
                burst(sender, [frame] * (4 * size + 200), rate, size,
                      lambda: capture.wait_for(lambda f: False, 0.5)
                      or len([f for f in capture.seen
                              if f[:14] == frame[:14]]))
    finally:
        tell(it)


# --- Zones: h1 is in zone 1, of which h2 and h3 are the borders, h2 the one
# that replicates; h4 is in zone 2, which is direct.

FROM_ZONE, FROM_CROSS = 0x2000000, 0x3000000
ZONE_OF = {"h1": 1, "h2": 1, "h3": 1, "h4": 2}
BORDERS = ("h2", "h3")


class ZonedNet(Net):
    """As the hosts of two zones see it."""

    def lines(self, host):
        seen = list(super().lines(host))
        if host.name == "h1":
            foreign = [m for m in self.machines.values()
                       if ZONE_OF[m.host.name] == 2]
            seen = [w for w in seen if not any(m.mac in w for m in foreign)]
            seen.insert(0, "view border=1")
        elif host.name in BORDERS:
            seen.insert(0, "view member transit" + (
                " designated" if host.name == "h2" else ""))
            for oid, machine in enumerate(self.machines.values(), 7000):
                if machine.host is host:
                    vni = self.vni_of(machine)
                    seen += [f"fdb {vni} {oid} 0 {machine.mac}",
                             f"adj {vni} {oid} {machine.mac}"
                             f" {' '.join(machine.ips)}"]
        else:
            for n, word in enumerate(seen):
                parts = word.split()
                if parts[0] == "fdb":
                    seen[n] = " ".join(parts[:3] + ["z1"] + parts[4:])
            seen.insert(0, "view member")
        return seen

    def buckets(self, host, vni):
        zone = [h for h in host.others
                if ZONE_OF[h.name] == 1 and ZONE_OF[host.name] == 1]
        words = [f"bum {vni} {h.number}" for h in zone]
        if host.name == "h4":
            words = [f"bum {vni} 2"]
        if host.name == "h2":
            words += [f"bum {vni} 4", f"bum {vni} 4 group={FROM_ZONE}",
                      f"bum {vni} 0 group={FROM_ZONE}",
                      f"bum {vni} 0 group={FROM_CROSS}"]
            words += [f"bum {vni} {h.number} group={FROM_CROSS}"
                      for h in zone]
        return words


@pytest.fixture(scope="module")
def zones(make_lab):
    """Four hosts in two zones, and machines on each."""
    lab = make_lab(4)
    hosts = list(lab.hosts.values())
    net = ZonedNet("a")
    lab.nets, lab.drivers = {"a": net}, {}
    for host in hosts:
        bridges(host)
        host.others = [h for h in hosts if h is not host]
    net.make(lab, hosts, ("web", "db"))
    try:
        for host in hosts:
            for bridge in BRIDGES:
                lab.drivers[host.name, bridge] = Driver(host, bridge)
            words = ["base", "zone 1 2 3"]
            words += [f"vtep {h.number} {h.vtep}"
                      + (" cross" if ZONE_OF[h.name] != ZONE_OF[host.name]
                         else "") for h in host.others]
            for bridge in BRIDGES:
                driver = lab.drivers[host.name, bridge]
                for line in words + list(net.lines(host)):
                    driver(line)
                driver("send")
                driver("dump 255")
                assert driver.diff() == []
        yield lab
    finally:
        for driver in lab.drivers.values():
            driver.close()


def test_all_reach_each_other_through_the_borders(zones):
    machines = zones.nets["a"].machines.values()
    result = zones.ping_many([(a, ip) for a in machines for b in machines
                              if a is not b for ip in b.ips], deadline_s=15)
    assert not result.silent(), result


def test_broadcast_reaches_each_machine_of_all_zones_once(zones):
    machines = zones.nets["a"].machines
    for sender in (machines[f"web{n}"] for n in (1, 2, 3, 4)):
        frame = frames.ethernet(frames.BROADCAST, sender.mac, 0x0800,
                                frames.ipv4(sender.ipv4, "10.0.0.255", 17,
                                            frames.udp(3, 4, b"once")))
        captures = {n: m.capture() for n, m in machines.items()
                    if m is not sender}
        sender.send(frame)
        for name, capture in captures.items():
            if name.startswith("web"):
                assert capture.wait_for(lambda f: f == frame, 5), (
                    sender, name)
        for name, capture in captures.items():
            capture.wait_for(lambda f: False, 0.2)
            assert capture.seen.count(frame) == name.startswith("web"), (
                sender, name)
            capture.sock.close()


def test_flows_to_another_zone_are_shared_by_its_borders(zones):
    machines = zones.nets["a"].machines
    web, db = machines["web1"], machines["db4"]
    before = {h: through(zones.hosts[h]) for h in BORDERS}
    for port in range(100):
        web.send(tcp4(web, db.ipv4, (6000 + port, 80)))
    netns.wait_until(
        lambda: sum(through(zones.hosts[h]) - before[h]
                    for h in BORDERS) >= 100, 10, "100 packets")
    for name in BORDERS:
        assert through(zones.hosts[name]) - before[name] > 20


def through(host):
    """Packets that went on to another zone."""
    return sum(int(line.split("n_packets=")[1].split(",")[0])
               for line in host.flows("br-fabric")
               if "table=60" in line and "reg1=0x2" in line
               and "priority=110" in line)
