# SPDX-License-Identifier: Apache-2.0
"""Packets sent from many machines at once, and where they came by: what a
test holds against the oracle.

A probe is a packet with a number in it. The machine's kernel sends it (a raw
socket with its own header), so it looks up the route and resolves the
neighbour as for any program. Every tap is listened to, so it is known where
a packet came by on its way, with its TTL and DSCP there, and what a router
answered to whom.

That a packet arrives nowhere is believed when all those have arrived that
were sent after it.
"""
import collections
import dataclasses
import ipaddress
import itertools
import socket
import struct
import time

import frames
import netns
import oracle as oracle_module
from ears import Ears
from netns import LabError, wait_until
from oracle import DELIVERED, EXPIRED, GATEWAY, Packet, Stop

MARK = b"vxP!"
_matrices = itertools.count()
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
ERRORS = {(4, 11): "time exceeded", (6, 3): "time exceeded",
          (4, 3): "unreachable", (6, 1): "unreachable",
          (6, 2): "too big"}


@dataclasses.dataclass(eq=False)
class Probe:
    """One packet, what the oracle says of it, and what was seen."""
    machine: object
    packet: Packet
    ways: list
    number: int = 0
    sent: int = 0
    stops: collections.Counter = dataclasses.field(
        default_factory=collections.Counter)
    answers: set = dataclasses.field(default_factory=set)

    @property
    def arrives(self):
        """Whether something of it is to be seen anywhere."""
        return any(way.stops or self._answer(way) for way in self.ways)

    def _answer(self, way):
        """What comes back to the sender for sure, and from where."""
        if way.end == GATEWAY and self.packet.proto in (ICMP, ICMP6):
            return ("echo", str(way.by))
        if way.end == EXPIRED:
            return ("time exceeded", str(way.by))
        return None

    def is_done(self):
        """Whether all of one of its ways was seen."""
        return any(set(way.stops) == set(self.stops)
                   and self._answer(way) in (None, *self.answers)
                   for way in self.ways)

    def is_wrong(self):
        """Something was seen that is on none of its ways, or twice."""
        ways = [way for way in self.ways
                if set(self.stops) <= set(way.stops)]
        return (not ways or any(n > self.sent for n in self.stops.values())
                or bool({a for a in self.answers if a[0] == "echo"}
                        - {self._answer(way) for way in ways}
                        - {self._own_echo()}))

    def _own_echo(self):
        """The machine that is pinged answers, too."""
        return ("echo", str(self.packet.dst))

    def __str__(self):
        packet = self.packet
        ways = " or ".join(
            f"{' > '.join(map(_stop, way.stops))} [{way.end}]"
            for way in self.ways)
        return (f"{self.machine.key} {packet.src} -> {packet.dst} proto "
                f"{packet.proto} ports {packet.sport} {packet.dport} ttl "
                f"{packet.ttl}: wanted {ways}; seen "
                f"{' > '.join(map(_stop, self.stops)) or 'nowhere'}"
                f"{' answers ' + str(self.answers) if self.answers else ''}")


def _stop(stop):
    return f"{'/'.join(stop.port)} ttl {stop.ttl} dscp {stop.dscp}"


def layer4(packet, data):
    """The packet's ICMP, TCP or UDP with data behind it."""
    if packet.proto == ICMP:
        return frames.icmp_echo(1, 1, data)
    if packet.proto == ICMP6:
        return frames.icmpv6_echo(str(packet.src), str(packet.dst), 1, 1,
                                  data)
    ports = struct.pack("!HH", packet.sport, packet.dport)
    if packet.proto == TCP:         # a SYN, its data behind it
        body = ports + struct.pack("!IIBBHHH", 1, 0, 5 << 4, 2, 1024, 0, 0)
        at = 16
    else:
        body = ports + struct.pack("!HH", 8 + len(data), 0)
        at = 6
    body += data
    pseudo = packet.src.packed + packet.dst.packed + struct.pack(
        "!II", len(body), packet.proto)
    value = frames.checksum(pseudo + body)
    return body[:at] + struct.pack("!H", value or 0xffff) + body[at + 2:]


def ip_packet(packet, data):
    """The whole packet, header included."""
    payload = layer4(packet, data)
    if packet.src.version == 4:
        head = struct.pack(
            "!BBHHHBBH4s4s", 0x45, packet.dscp << 2, 20 + len(payload), 0,
            0x4000, packet.ttl, packet.proto, 0, packet.src.packed,
            packet.dst.packed)
        return head + payload       # the kernel adds the checksum
    return struct.pack("!IHBB16s16s", 6 << 28 | packet.dscp << 22,
                       len(payload), packet.proto, packet.ttl,
                       packet.src.packed, packet.dst.packed) + payload


class Seen:
    """What there is to know of a frame with a probe in it."""

    def __init__(self, frame):
        self.version = 4 if frame[12:14] == b"\x08\0" else 6
        ip = frame[14:]
        if self.version == 4:
            self.dscp, self.ttl, self.proto = ip[1] >> 2, ip[8], ip[9]
            self.src, self.dst = ip[12:16], ip[16:20]
            self.payload = ip[(ip[0] & 15) * 4:]
        else:
            self.dscp = struct.unpack("!H", ip[:2])[0] >> 6 & 63
            self.proto, self.ttl = ip[6], ip[7]
            self.src, self.dst = ip[8:24], ip[24:40]
            self.payload = ip[40:]
        at = frame.find(MARK) + len(MARK)
        self.matrix, self.number = struct.unpack("!II", frame[at:at + 8])

    @property
    def error(self):
        """"time exceeded" or "unreachable" if it is such a message."""
        if self.proto in (ICMP, ICMP6):
            return ERRORS.get((self.version, self.payload[0]))
        return None

    @property
    def is_echo_reply(self):
        """Whether it is one."""
        return (self.proto, self.payload[0]) in ((ICMP, 0), (ICMP6, 129))

    @property
    def source(self):
        """Its source as text."""
        return str(ipaddress.ip_address(self.src))


def has_mark(frame):
    """Whether a probe is in it."""
    return MARK in frame


class Senders:
    """A raw socket per machine and family, opened at its first use."""

    def __init__(self):
        self.sockets = {}

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        for sock in self.sockets.values():
            sock.close()

    def send(self, machine, packet, data):
        """False if the kernel would not."""
        version = packet.src.version
        sock = self.sockets.get((machine, version))
        if not sock:
            sock = netns.open_socket(
                machine.namespace,
                socket.AF_INET if version == 4 else socket.AF_INET6,
                socket.SOCK_RAW, socket.IPPROTO_RAW)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            sock.setblocking(False)
            self.sockets[machine, version] = sock
        try:
            sock.sendto(ip_packet(packet, data), (str(packet.dst), 0))
            return True
        except OSError:
            return False        # no neighbour: sent, and not arrived


class Matrix:
    """Probes of many machines, sent and judged together."""

    def __init__(self, machines, oracle):
        self.machines = machines
        self.oracle = oracle
        self.probes = []
        self.id = next(_matrices)

    def add(self, machine, dst, proto, **more):
        """A probe from a machine to an address; proto "icmp" is that of the
        family."""
        dst = ipaddress.ip_address(str(dst))
        number = oracle_module.protocol(proto)
        if number == ICMP and dst.version == 6:
            number = ICMP6
        source = self.oracle.source_of(machine.key, dst.version)
        if source and source != dst:
            packet = Packet(source, dst, number, **more)
            self.probes.append(Probe(
                machine, packet, self.oracle.journeys(machine.key, packet),
                len(self.probes)))

    def keep(self, probes):
        """Forgets all but these."""
        self.probes = sorted(probes, key=lambda p: p.number)
        for number, probe in enumerate(self.probes):
            probe.number = number

    def ends(self):
        """{how it ends: probes}"""
        return collections.Counter(
            "/".join(sorted({way.end if not (
                way.end == DELIVERED and way.stops[-1].port[1] == "svc")
                else "to a next hop" for way in probe.ways}))
            for probe in self.probes)

    def run(self, deadline_s=20, again_s=1.0, linger_s=0):
        """Sends what has to arrive nowhere, then the rest, and that again
        that does not arrive; listens for linger_s more. Probes that were not
        as wanted."""
        first = [p for p in self.probes if not p.arrives]
        open_ = [p for p in self.probes if p.arrives]
        end = time.monotonic() + deadline_s
        with Senders() as senders, Ears(self.machines, has_mark) as ears:
            self._send(senders, ears, first)
            while True:
                self._send(senders, ears, open_)
                again = time.monotonic() + again_s
                while open_ and time.monotonic() < again:
                    ears.listen(0.02)
                    self._take(ears)
                    open_ = [p for p in open_ if not p.is_done()]
                if not open_ or time.monotonic() > end:
                    break
            # What is still on its way: some of each sender's once more.
            self._fence(senders, ears)
            self._linger(ears, time.monotonic() + linger_s, lambda: False)
        return [p for p in self.probes if p.is_wrong() or not p.is_done()]

    def _send(self, senders, ears, probes):
        for count, probe in enumerate(probes):
            probe.sent += 1
            senders.send(probe.machine, probe.packet,
                         MARK + struct.pack("!II", self.id, probe.number))
            if count % 24 == 23:
                ears.listen(0.002)
                if count % 240 == 239:
                    self._take(ears)

    def _fence(self, senders, ears):
        last = {p.machine: p for p in self.probes if p.stops and p.is_done()}
        wanted = {p: sum(p.stops.values()) for p in last.values()}
        self._send(senders, ears, wanted)
        self._linger(ears, time.monotonic() + 1, lambda: all(
            sum(p.stops.values()) > n for p, n in wanted.items()))

    def _linger(self, ears, end, done):
        while time.monotonic() < end and not done():
            ears.listen(0.02)
            self._take(ears)

    def _take(self, ears):
        for machine, frame in ears.heard:
            seen = Seen(frame)
            if seen.matrix != self.id:
                continue        # waited somewhere for a neighbour
            probe = self.probes[seen.number]
            if seen.error:
                # A machine that has no use for a packet says so, too.
                probe.answers.add((seen.error, seen.source))
            elif seen.is_echo_reply and machine is probe.machine:
                probe.answers.add(("echo", seen.source))
            elif not seen.is_echo_reply:
                probe.stops[Stop(machine.key, seen.ttl, seen.dscp)] += 1
        ears.heard.clear()


def wait_realized(api, deadline_s=30):
    """Every host has confirmed all that is committed."""
    revision = api.get("/healthz")["revision"]
    hosts = {}

    def confirmed():
        hosts.clear()
        hosts.update({h["name"]: h["realized_revision"]
                      for h in api.items("/v1/hosts")})
        return all(n >= revision for n in hosts.values())

    wait_until(confirmed, deadline_s,
               lambda: f"revision {revision} everywhere: {hosts}", 0.02)


def judge(matrix, figures, title, **kwargs):
    """Runs the matrix; says what it was; fails with the first that differ."""
    started = time.monotonic()
    wrong = matrix.run(**kwargs)
    ends = ", ".join(f"{end} {n}" for end, n in sorted(matrix.ends().items()))
    figures(f"{title}: {len(matrix.probes)} packets of "
            f"{len({p.machine for p in matrix.probes})} machines ({ends}): "
            f"{len(wrong)} not as the oracle says, "
            f"{sum(p.sent - 1 for p in matrix.probes)} sent again, in "
            f"{time.monotonic() - started:.1f} s")
    if wrong:
        text = "\n".join(map(str, wrong[:12]))
        raise LabError(f"{title}: {len(wrong)} packets went elsewhere:\n"
                       f"{text}")
