# SPDX-License-Identifier: Apache-2.0
"""Tenants that look the same to the last bit: 4 hosts, 3 tenants with equal
subnets, MACs and addresses, 60 ports. Everybody reaches everybody of the own
tenant and nobody else, whatever is forged and from wherever it comes.

That nothing arrives is listened for at every tap at once. A true frame sent
last over the same way is the fence: a switch keeps the order of a port, so
when the fence has arrived, all that went before it has arrived or never will.
"""
import collections
import ipaddress
import struct
import time

import frames
import intent
import netns
import pipeline
import pytest
from ears import Ears, Voices

TENANTS = ("red", "green", "blue")
PER_TENANT = 20
GOOD, EVIL = b"vxGOOD", b"vxEVIL"
UNUSED_MAC, UNUSED4, UNUSED6 = "02:00:00:00:77:77", "10.0.0.250", "fd00::250"


def mac_of(number):
    return f"02:00:00:00:00:{number:02x}"


def ips_of(number):
    return [f"10.0.0.{number}", f"fd00::{number:x}"]


def intend(api):
    """Three tenants' intent in one batch."""
    ops = []
    for tenant in TENANTS:
        ops += [intent.put(intent.path(tenant)),
                intent.put(intent.path(tenant, "web")),
                intent.put(intent.path(tenant, "web", subnet="10.0.0.0/24"),
                           gateway=None),
                intent.put(intent.path(tenant, "web", subnet="fd00::/64"),
                           gateway=None)]
        ops += [intent.put(intent.path(tenant, "web", port=f"vm{n}"),
                           mac=mac_of(n), ips=ips_of(n),
                           host=f"h{(n - 1) % 4 + 1}",
                           iface_id=f"{tenant}-vm{n}")
                for n in range(1, PER_TENANT + 1)]
    api.batch(ops)


@pytest.fixture(scope="module")
def fabric(make_lab):
    """The lab; lab.of[tenant] are its machines in order of number."""
    lab = make_lab(4)
    lab.start_controller()
    intent.join_all(lab)
    hosts = list(lab.hosts.values())
    with intent.Api(lab.api) as api:
        intend(api)
        made = lab.plug([
            {"host": hosts[(n - 1) % 4], "iface_id": f"{tenant}-vm{n}",
             "mac": mac_of(n),
             "ips": [f"10.0.0.{n}/24", f"fd00::{n:x}/64"]}
            for tenant in TENANTS for n in range(1, PER_TENANT + 1)])
        lab.of = {}
        for index, machine in enumerate(made):
            machine.tenant = TENANTS[index // PER_TENANT]
            machine.number = index % PER_TENANT + 1
            lab.of.setdefault(machine.tenant, []).append(machine)
        api.wait_ports([intent.path(t, "web", port=f"vm{n}")
                        for t in TENANTS for n in range(1, PER_TENANT + 1)])
        lab.vnis = {t: api.get(intent.path(t, "web"))["vni"]
                    for t in TENANTS}
    return lab


def heard_good(frame):
    return GOOD in frame


def is_arp(frame):
    return frame[12:14] == b"\x08\x06"


def truth(machine, token=b""):
    """A frame that everybody else of the network has to get."""
    frame = frames.arp(frames.ARP_REPLY, machine.mac, machine.ipv4,
                       machine.ipv4, target_mac=machine.mac)
    return (frame[:42] + GOOD + token).ljust(60, b"\0")


def fence(lab, ears, voices, senders, number):
    """Every sender's true broadcast has reached its whole network. A few
    senders at a time, since the sockets of a switch that gets no time hold
    some 270 frames. What is missing is sent again only if the switches say
    that they lost frames since: any other loss is one of the fabric. Sent
    later, it is the fence no less."""
    lost = frames_lost(lab)
    for first in range(0, len(senders), 8):
        of = {struct.pack("!BH", number, index): senders[index]
              for index in range(first, min(first + 8, len(senders)))}
        lost = fence_of(lab, ears, voices, of, lost)


def frames_lost(lab):
    return sum(host.frames_lost() for host in lab.hosts.values())


def fence_of(lab, ears, voices, senders, lost):
    """The fence of {token: sender}; what the switches have lost by now."""
    end = time.monotonic() + 20
    again = set(senders)
    open_ = {(other, token) for token, sender in senders.items()
             for other in lab.of[sender.tenant] if other is not sender}
    seen = 0

    def arrived():
        nonlocal seen
        for machine, frame in ears.heard[seen:]:
            if is_arp(frame):
                open_.discard((machine, frame[48:51]))
        seen = len(ears.heard)
        return not open_

    while True:
        for token in again:
            voices.send(senders[token].namespace,
                        truth(senders[token], token))
        if ears.within(arrived, 1):
            return lost
        now = frames_lost(lab)
        if time.monotonic() > end:
            raise netns.LabError(
                f"{len(open_)} copies of a true broadcast not heard, and the "
                f"switches have lost {now - lost} frames meanwhile: "
                f"{sorted(map(str, open_))[:3]}")
        again = {token for _, token in open_} if now > lost else set()
        lost = now


# -- Who reaches whom


def test_every_pair_in_a_tenant_pings_by_v4_and_v6(fabric, figures):
    pairs = [(a, ip) for machines in fabric.of.values() for a in machines
             for b in machines if a is not b for ip in b.ips]
    started = time.monotonic()
    result = fabric.ping_many(pairs, deadline_s=30)
    figures(f"{len(fabric.machines)} ports, {len(TENANTS)} tenants, 4 hosts: "
            f"{result} in {time.monotonic() - started:.1f} s")
    assert len(pairs) == 3 * 20 * 19 * 2
    assert not result.silent(), result.silent()[:10]


def echo_to(sender, number):
    """True echo requests of a machine to the addresses of a number, which a
    machine of each tenant has."""
    token = GOOD + struct.pack("!H", sender.index)
    for ip in ips_of(number):
        source = sender.ipv6 if ":" in ip else sender.ipv4
        yield frames.ping(mac_of(number), sender.mac, source, ip, data=token)


def collect(ears, machines, found):
    """(sender, receiver, version) of the echo requests heard so far."""
    for receiver, frame in ears.heard:
        at = frame.find(GOOD)
        version = 6 if frame[12:14] == b"\x86\xdd" else 4
        if not is_arp(frame):
            sender = machines[struct.unpack("!H", frame[at + 6:at + 8])[0]]
            if sender is not receiver:
                found.add((sender, receiver, version))
    ears.heard.clear()


def test_no_pair_across_tenants_exchanges_a_packet(fabric, figures):
    machines = fabric.machines
    for index, machine in enumerate(machines):
        machine.index = index
    wanted = {(a, b, v) for a in machines for b in machines for v in (4, 6)
              if a is not b and a.tenant == b.tenant}
    found, sent = set(), 0
    with Voices(m.namespace for m in machines) as voices, \
            Ears(machines, heard_good) as ears:
        # Every sender sends to every address, its own included: the twins of
        # two other tenants would be glad of each of these frames.
        todo = [(a, n) for a in machines for n in range(1, PER_TENANT + 1)]
        for _ in range(20):
            for count, (sender, number) in enumerate(todo):
                for frame in echo_to(sender, number):
                    voices.send(sender.namespace, frame)
                    sent += 1
                ears.listen(0.001 if count % 16 == 15 else 0)
            fence(fabric, ears, voices, machines, 1)
            collect(ears, machines, found)
            todo = sorted({(a, b.number) for a, b, _ in wanted - found},
                          key=lambda pair: (pair[0].index, pair[1]))
            if not todo:
                break
    across = {p for p in found if p[0].tenant != p[1].tenant}
    n_across = sum(2 for a in machines for b in machines
                   if a.tenant != b.tenant)
    figures(f"{sent} true frames to every address: {len(found & wanted)} of "
            f"{len(wanted)} pairs within a tenant heard each other, "
            f"{len(across)} of {n_across} across")
    assert wanted <= found, sorted(map(str, wanted - found))[:5]
    assert not across, sorted(map(str, across))[:5]


# -- Forgeries of a machine


def evil_arp(operation, sender_mac, sender_ip, target_ip, **kwargs):
    frame = frames.arp(operation, sender_mac, sender_ip, target_ip, **kwargs)
    return frame[:42] + EVIL.ljust(18, b"\0")


def option(kind, mac):
    return bytes([kind, 1]) + frames.mac_bytes(mac)


NONCE = b"\x0e\x01" + EVIL


def advertisement(me, target, link_layer, **kwargs):
    body = (struct.pack("!I", 0x20000000) + frames.ip_bytes(target)
            + option(2, link_layer) + NONCE)
    source = kwargs.pop("source", me.ipv6)
    return frames.nd(136, kwargs.pop("mac", me.mac), source, body, **kwargs)


def solicitation(me, target, link_layer, **kwargs):
    body = b"\0\0\0\0" + frames.ip_bytes(target) + option(1, link_layer)
    source = kwargs.pop("source", me.ipv6)
    return frames.nd(135, kwargs.pop("mac", me.mac), source, body + NONCE,
                     dst_mac=kwargs.pop("dst_mac", "33:33:ff:00:00:01"),
                     dst_ip=kwargs.pop("dst_ip", "ff02::1:ff00:1"), **kwargs)


def local_of(mac):
    octets = bytearray(frames.mac_bytes(mac))
    octets[0] ^= 2
    return str(ipaddress.IPv6Address(
        b"\xfe\x80" + bytes(6) + octets[:3] + b"\xff\xfe" + octets[3:]))


def forged_source_mac(me, victim, other):
    for mac in (other.mac, UNUSED_MAC, "03:00:00:00:00:01"):
        yield frames.ping(victim.mac, mac, me.ipv4, victim.ipv4, data=EVIL)
        yield frames.ping(victim.mac, mac, me.ipv6, victim.ipv6, data=EVIL)
        yield frames.ping(frames.BROADCAST, mac, me.ipv4, "10.0.0.255",
                          data=EVIL)


def forged_ipv4(me, victim, other):
    for source in (other.ipv4, victim.ipv4, UNUSED4, "0.0.0.0", "127.0.0.1",
                   "192.0.2.1", "255.255.255.255"):
        yield frames.ping(victim.mac, me.mac, source, victim.ipv4, data=EVIL)
    yield frames.ethernet(
        frames.BROADCAST, me.mac, frames.ETH_IPV4, frames.ipv4(
            other.ipv4, "255.255.255.255", 17, frames.udp(68, 67, EVIL)))
    yield frames.ethernet(      # the answer of a DHCP server, not a request
        frames.BROADCAST, me.mac, frames.ETH_IPV4, frames.ipv4(
            "0.0.0.0", "255.255.255.255", 17, frames.udp(67, 68, EVIL)))


def forged_ipv6(me, victim, other):
    for source in (other.ipv6, victim.ipv6, UNUSED6, local_of(other.mac),
                   "::1", "ff02::1"):
        yield frames.ping(victim.mac, me.mac, source, victim.ipv6, data=EVIL)
    yield frames.ping(victim.mac, me.mac, "::", victim.ipv6, data=EVIL)


def forged_arp(me, victim, other):
    for operation in (frames.ARP_REQUEST, frames.ARP_REPLY):
        for to in (frames.BROADCAST, victim.mac):
            for sender_mac, sender_ip, eth_src in (
                    (me.mac, other.ipv4, me.mac),
                    (me.mac, UNUSED4, me.mac),
                    (other.mac, me.ipv4, me.mac),
                    (other.mac, other.ipv4, me.mac),
                    (other.mac, other.ipv4, other.mac),
                    (me.mac, me.ipv4, other.mac)):
                yield evil_arp(operation, sender_mac, sender_ip, victim.ipv4,
                               eth_src=eth_src, eth_dst=to,
                               target_mac=victim.mac)
    yield evil_arp(frames.ARP_REPLY, me.mac, "0.0.0.0", victim.ipv4,
                   eth_dst=victim.mac)


def forged_na(me, victim, other):
    hop_by_hop = (0, b"\x3a\0\1\4\0\0\0\0")
    yield advertisement(me, other.ipv6, me.mac)
    yield advertisement(me, other.ipv6, me.mac, dst_mac=victim.mac,
                        dst_ip=victim.ipv6)
    yield advertisement(me, local_of(other.mac), me.mac)
    yield advertisement(me, UNUSED6, me.mac)
    yield advertisement(me, me.ipv6, other.mac)
    yield advertisement(me, me.ipv6, UNUSED_MAC)
    yield advertisement(me, other.ipv6, other.mac, source=other.ipv6)
    yield advertisement(me, other.ipv6, other.mac, source=other.ipv6,
                        mac=other.mac)
    yield advertisement(me, me.ipv6, me.mac, hop_limit=64)
    yield advertisement(me, me.ipv6, me.mac, code=1)
    yield advertisement(me, other.ipv6, me.mac, headers=hop_by_hop)
    head = struct.pack("!I", 0x20000000)
    for options in (option(2, me.mac) + option(2, other.mac),
                    option(1, other.mac) + option(2, other.mac)):
        yield frames.nd(136, me.mac, me.ipv6, head
                        + frames.ip_bytes(me.ipv6) + options + NONCE)


def forged_ns(me, victim, other):
    yield solicitation(me, victim.ipv6, other.mac)
    yield solicitation(me, victim.ipv6, UNUSED_MAC)
    yield solicitation(me, victim.ipv6, me.mac, source=other.ipv6)
    yield solicitation(me, victim.ipv6, other.mac, source=other.ipv6)
    yield solicitation(me, victim.ipv6, other.mac, source=other.ipv6,
                       mac=other.mac)
    yield solicitation(me, victim.ipv6, me.mac, hop_limit=64)
    yield solicitation(me, victim.ipv6, me.mac, code=1)
    yield solicitation(me, victim.ipv6, other.mac, dst_mac=victim.mac,
                       dst_ip=victim.ipv6)


def forged_router(me, victim, _other):
    prefix = (b"\x03\x04\x40\xc0" + struct.pack("!III", 9999, 9999, 0)
              + frames.ip_bytes("2001:db8:bad::"))
    life = struct.pack("!BBHII", 64, 0, 1800, 0, 0)
    own = local_of(me.mac)
    for to_mac, to_ip in (("33:33:00:00:00:01", "ff02::1"),
                          (victim.mac, victim.ipv6)):
        yield frames.nd(134, me.mac, own, life + prefix + NONCE,
                        dst_mac=to_mac, dst_ip=to_ip)
        yield frames.nd(137, me.mac, own, b"\0\0\0\0"
                        + frames.ip_bytes(me.ipv6)
                        + frames.ip_bytes(victim.ipv6) + NONCE,
                        dst_mac=to_mac, dst_ip=to_ip)
    yield frames.nd(134, me.mac, own, life + prefix + NONCE,
                    headers=(0, b"\x3a\0\1\4\0\0\0\0"))


def tagged_frames(me, victim, _other):
    plain = frames.ping(victim.mac, me.mac, me.ipv4, victim.ipv4, data=EVIL)
    arp = evil_arp(frames.ARP_REPLY, me.mac, me.ipv4, victim.ipv4)
    for frame in (plain, arp):
        for tci in (0, 1, 5, 100, 4095, 0xe000, 0xe001):
            yield frames.tagged(frame, tci)
        yield frames.tagged(frame, 7, 0x88a8)
        yield frames.tagged(frames.tagged(frame, 7), 8, 0x88a8)


def other_protocols(me, victim, _other):
    for ethertype in (0x88cc, 0x8847, 0x8863, 0x9000, 0x0842, 0x8035, 0x0026):
        for to in (victim.mac, frames.BROADCAST, "01:80:c2:00:00:0e"):
            yield frames.ethernet(to, me.mac, ethertype, EVIL)


FORGERIES = (forged_source_mac, forged_ipv4, forged_ipv6, forged_arp,
             forged_na, forged_ns, forged_router, tagged_frames,
             other_protocols)


def untrue(frame):
    return EVIL in frame or GOOD in frame


def drops_grow(hosts, before, count):
    """{reason: packets more than before}, once they are `count` at least;
    the statistics of the switches come late."""
    more = {}

    def grown():
        more.clear()
        more.update(pipeline.drops(hosts) - before)
        return sum(more.values()) >= count

    netns.wait_until(grown, 15, lambda: f"{count} drops counted, so far "
                     f"{sum(more.values())}: {more}", 0.2)
    return ", ".join(f"{reason} {n}" for reason, n in sorted(more.items()))


def test_nothing_that_a_machine_forges_arrives_anywhere(fabric, figures):
    hosts = list(fabric.hosts.values())
    before = pipeline.drops(hosts)
    sent = collections.Counter()
    arrived = []
    # One attacker per tenant and host; a victim here and one elsewhere.
    attackers = [m for m in fabric.machines if m.number <= 4]
    with Voices(m.namespace for m in attackers) as voices, \
            Ears(fabric.machines, untrue) as ears:
        for number, forge in enumerate(FORGERIES):
            for me in attackers:
                machines = fabric.of[me.tenant]
                for step in (4, 1):
                    victim = machines[(me.number - 1 + step) % PER_TENANT]
                    other = machines[(me.number + step + 1) % PER_TENANT]
                    for frame in forge(me, victim, other):
                        voices.send(me.namespace, frame)
                        sent[forge.__name__] += 1
                    ears.listen()
            fence(fabric, ears, voices, attackers, number)
            arrived += [(forge.__name__, m, f.hex()) for m, f in ears.heard
                        if EVIL in f]
            ears.heard.clear()
    figures(f"{sum(sent.values())} forged frames of {len(attackers)} "
            f"machines: {len(arrived)} arrived at any of "
            f"{len(fabric.machines)} taps "
            f"({', '.join(f'{k} {n}' for k, n in sent.items())})")
    assert not arrived, arrived[:5]
    figures("dropped and counted: "
            + drops_grow(hosts, before, sum(sent.values())))


def test_true_frames_of_every_kind_that_is_forged_do_arrive(fabric):
    me, victim = fabric.of["red"][0], fabric.of["red"][1]
    probes = [
        frames.ping(victim.mac, me.mac, me.ipv4, victim.ipv4, data=EVIL),
        frames.ping(victim.mac, me.mac, me.ipv6, victim.ipv6, data=EVIL),
        frames.ping(victim.mac, me.mac, local_of(me.mac), victim.ipv6,
                    data=EVIL),
        evil_arp(frames.ARP_REPLY, me.mac, me.ipv4, victim.ipv4),
        evil_arp(frames.ARP_REPLY, me.mac, me.ipv4, victim.ipv4,
                 eth_dst=victim.mac),
        advertisement(me, me.ipv6, me.mac),
        advertisement(me, local_of(me.mac), me.mac),
    ]
    with Ears([victim], untrue) as ears:
        for frame in probes:
            me.send(frame)
        ears.until(lambda: len({f for _, f in ears.heard}) == len(probes), 5,
                   lambda: f"{len(ears.heard)} of {len(probes)} true frames")


def malformed_na(me, other):
    """What Open vSwitch does not read as an advertisement: it sees no type in
    a fragment, and no option behind one without a length or in one that is
    too long. No receiver may read it as one either (RFC 6980, RFC 4861)."""
    head = struct.pack("!I", 0x60000000)
    evil = head + frames.ip_bytes(other.ipv6) + option(2, me.mac)
    for first, last in ((0, 1), (0, 0)):
        yield frames.nd(136, me.mac, me.ipv6, evil, headers=(
            44, struct.pack("!BBHI", 58, 0, first << 3 | last, 7)))
    mine = head + frames.ip_bytes(me.ipv6)
    for options in (b"\x0e\0" + bytes(6) + option(2, other.mac),
                    b"\2\2" + frames.mac_bytes(other.mac) + bytes(8)):
        yield frames.nd(136, me.mac, me.ipv6, mine + options)


def neighbours(machine):
    """{address: MAC} as the machine's kernel believes."""
    out = machine.run("ip", "-6", "neigh", "show", "dev", "eth0").stdout
    return {words[0]: words[2] for words in map(str.split, out.splitlines())
            if words[1] == "lladdr"}


def test_malformed_advertisements_fool_no_kernel(fabric):
    me, victim, other = fabric.of["red"][:3]
    pairs = [(victim, me.ipv6), (victim, other.ipv6)]
    assert not fabric.ping_many(pairs).silent()
    want = {me.ipv6: me.mac, other.ipv6: other.mac}
    assert want.items() <= neighbours(victim).items()
    with Voices([me.namespace]) as voices, \
            Ears(fabric.machines, untrue) as ears:
        for frame in malformed_na(me, other):
            voices.send(me.namespace, frame)
        fence(fabric, ears, voices, [me], 250)
    # Now its kernel has seen them, too: it answers what came later.
    assert not fabric.ping_many(pairs).silent()
    assert want.items() <= neighbours(victim).items(), neighbours(victim)


# -- VXLAN packets of strangers


def inner_frames(fabric, host, mark):
    """Frames as a peer would send them to the host: to each MAC it has, and
    to all."""
    machines = fabric.of["red"]
    local = [m for m in machines if m.host is host]
    source = next(m for m in machines if m.host is not host)
    for machine in local:
        yield frames.ping(machine.mac, source.mac, source.ipv4, machine.ipv4,
                          data=mark)
        yield frames.ping(machine.mac, source.mac, source.ipv6, machine.ipv6,
                          data=mark)
    frame = frames.arp(frames.ARP_REPLY, source.mac, source.ipv4,
                       source.ipv4)
    yield frame[:42] + mark.ljust(18, b"\0")
    body = (struct.pack("!I", 0x20000000) + frames.ip_bytes(source.ipv6)
            + option(2, source.mac) + b"\x0e\x01" + mark)
    yield frames.nd(136, source.mac, source.ipv6, body)
    yield frames.ping("33:33:00:00:00:01", source.mac, source.ipv6,
                      "ff02::1", data=mark)


def outer(host, source, vni, inner, mac="02:99:00:00:00:01"):
    """The VXLAN packet on the wire of the underlay."""
    payload = frames.udp(50000, frames.VXLAN_PORT, frames.vxlan(vni, inner))
    if ":" in source:
        packet = frames.ipv6(source, host.vtep6, 17, payload)
        return frames.ethernet(host.phy_mac, mac, frames.ETH_IPV6, packet)
    return frames.ethernet(host.phy_mac, mac, frames.ETH_IPV4,
                           frames.ipv4(source, host.vtep, 17, payload))


def known_vteps_packet(fabric, host, inner, vni=None):
    """What only a neighbour on the underlay that lies about its addresses can
    send: it arrives, since a VTEP is known by its address alone. The MAC is
    the peer's too: Open vSwitch learns from a tunnel packet where its sender
    is, and would send what is for the peer to a wrong one from then on."""
    peer = next(h for h in fabric.hosts.values() if h is not host)
    return outer(host, peer.vtep, fabric.vnis["red"] if vni is None else vni,
                 inner, peer.phy_mac)


def test_vxlan_packets_of_strangers_arrive_nowhere(fabric, figures):
    namespace, address = fabric.add_stranger()
    hosts = list(fabric.hosts.values())
    before = pipeline.drops(hosts)
    sent = 0
    unused_vni = max(fabric.vnis.values()) + 1000
    with Voices([namespace]) as voices, \
            Ears(fabric.machines, untrue) as ears, \
            netns.open_socket(namespace, netns.socket.AF_INET,
                              netns.socket.SOCK_DGRAM) as sock:
        for host in hosts:
            inners = list(inner_frames(fabric, host, EVIL))
            for vni in (*fabric.vnis.values(), unused_vni, 0, 0xffffff):
                for inner in inners:
                    # As a program without root would, from its own address.
                    sock.sendto(frames.vxlan(vni, inner),
                                (host.vtep, frames.VXLAN_PORT))
                    sent += 1
                    for source in (address, "172.31.200.200", host.vtep,
                                   "10.0.0.1", "192.0.2.7", "fd31::bad"):
                        voices.send(namespace, outer(host, source, vni,
                                                     inner))
                        sent += 1
                ears.listen(0.005)
            # A known VTEP that speaks of a network that is not here.
            for vni in (unused_vni, 0, 0xffffff):
                for inner in inners:
                    voices.send(namespace, known_vteps_packet(
                        fabric, host, inner, vni))
                    sent += 1
        # The fence, and the proof that such packets are well-formed.
        for host in hosts:
            local = next(m for m in fabric.of["red"] if m.host is host)
            far = next(m for m in fabric.of["red"] if m.host is not host)
            inner = frames.ping(local.mac, far.mac, far.ipv4, local.ipv4,
                                data=GOOD)
            voices.send(namespace, known_vteps_packet(fabric, host, inner))
        ears.until(lambda: len({m.host for m, f in ears.heard
                                if GOOD in f}) == len(hosts), 10,
                   "the packet with a known VTEP's address on every host")
    arrived = [(m, f.hex()) for m, f in ears.heard if EVIL in f]
    figures(f"{sent} VXLAN packets of strangers to {len(hosts)} VTEPs, with "
            f"the tenants' VNIs and MACs, unicast and to all: {len(arrived)} "
            "arrived")
    assert not arrived, arrived[:5]
    figures("dropped and counted: " + drops_grow(hosts, before, 1))


def test_what_came_by_a_tunnel_never_leaves_by_one(fabric):
    """Split horizon: a broadcast of a peer reaches this host's machines of
    the tenant, and no machine of another host or tenant."""
    namespace, _ = fabric.add_stranger()
    host = fabric.hosts["h1"]
    source = next(m for m in fabric.of["red"] if m.host.name == "h2")
    frame = frames.arp(frames.ARP_REPLY, source.mac, source.ipv4, source.ipv4)
    frame = frame[:42] + EVIL.ljust(18, b"\0")
    local = {m for m in fabric.of["red"] if m.host is host}
    with Voices([namespace]) as strangers, \
            Voices(m.namespace for m in fabric.of["red"]) as voices, \
            Ears(fabric.machines, untrue) as ears:
        strangers.send(namespace, known_vteps_packet(fabric, host, frame))
        ears.until(lambda: {m for m, f in ears.heard if EVIL in f} >= local,
                   5, "the broadcast at every machine of the host")
        fence(fabric, ears, voices, list(local), 200)
        heard = [m for m, f in ears.heard if EVIL in f]
    assert sorted(map(str, heard)) == sorted(map(str, local))


def test_the_fabric_still_works_after_all_that(fabric):
    pairs = [(a, ip) for machines in fabric.of.values() for a in machines
             for b in machines if a is not b for ip in b.ips]
    result = fabric.ping_many(pairs, deadline_s=10)
    assert not result.silent(), result
