# SPDX-License-Identifier: Apache-2.0
"""Real echo requests between many machines at once, in one process.

Each machine lends a raw ICMP socket that was opened in its namespace; its
kernel resolves, routes, sends and answers as it would for ping(8). Thousands
of pairs take as long as the slowest answer.
"""
import collections
import itertools
import selectors
import socket
import struct
import threading
import time

import frames
import netns

_SOL_RAW, _ICMP_FILTER, _ICMP6_FILTER = 255, 1, 1
_identifiers = itertools.count(1)


class Result:
    """What became of each (machine, address) pair."""

    def __init__(self, pairs):
        self.sent = {pair: 0 for pair in pairs}
        self.received = {pair: 0 for pair in pairs}
        self.first_reply_s = {}

    def answered(self):
        """Pairs with at least one reply."""
        return [p for p, n in self.received.items() if n]

    def silent(self):
        """Pairs with none."""
        return [p for p, n in self.received.items() if not n]

    def __str__(self):
        return (f"{len(self.answered())} of {len(self.sent)} pairs answered, "
                f"{sum(self.received.values())} replies to "
                f"{sum(self.sent.values())} requests")


def icmp_socket(namespace, version):
    """A raw socket in the namespace that sees echo replies only."""
    if version == 4:
        sock = netns.open_socket(namespace, socket.AF_INET, socket.SOCK_RAW,
                                 socket.IPPROTO_ICMP)
        # A set bit is a type not wanted.
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", ~1 & 0xffffffff))
    else:
        sock = netns.open_socket(namespace, socket.AF_INET6, socket.SOCK_RAW,
                                 socket.IPPROTO_ICMPV6)
        blocked = [0xffffffff] * 8
        blocked[129 >> 5] &= ~(1 << (129 & 31)) & 0xffffffff
        sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER,
                        struct.pack("=8I", *blocked))
    sock.setblocking(False)
    return sock


def _request(version, identifier, sequence, token):
    data = token.to_bytes(8, "big") + b"vxfabric lab"
    if version == 4:
        return frames.icmp_echo(identifier, sequence, data)
    # The kernel fills in the checksum of ICMPv6.
    return struct.pack("!BBHHH", 128, 0, 0, identifier, sequence) + data


class _Round:
    """The state of one ping_many()."""

    def __init__(self, pairs, wanted):
        self.identifier = next(_identifiers) & 0xffff
        self.pairs = list(dict.fromkeys(pairs))
        self.wanted = wanted
        self.n_open = len(self.pairs)
        self.result = Result(self.pairs)
        self.selector = selectors.DefaultSelector()
        self.sockets = {}
        self.started = time.monotonic()

    def socket_of(self, machine, version):
        """The machine's socket, opened at its first use."""
        key = (machine, version)
        if key not in self.sockets:
            sock = icmp_socket(machine.namespace, version)
            self.sockets[key] = sock
            self.selector.register(sock, selectors.EVENT_READ, key)
        return self.sockets[key]

    def send(self, index):
        """One more request of a pair; what the kernel refuses to send (no
        route, no neighbour) counts as sent and not answered."""
        pair = self.pairs[index]
        version = 6 if ":" in pair[1] else 4
        packet = _request(version, self.identifier,
                          self.result.sent[pair] & 0xffff, index)
        self.result.sent[pair] += 1
        try:
            self.socket_of(pair[0], version).sendto(packet, (pair[1], 0))
        except OSError:
            pass

    def send_all(self):
        """One request of each pair, replies taken in meanwhile."""
        for index in range(len(self.pairs)):
            self.send(index)
            if index % 32 == 31:
                self.receive(0)

    def has_answer(self, index):
        """Whether a pair has answered."""
        return self.result.received[self.pairs[index]] > 0

    def receive(self, wait_s):
        """Takes in what arrives within wait_s."""
        for key, _ in self.selector.select(max(wait_s, 0)):
            while True:
                try:
                    data, source = key.fileobj.recvfrom(2048)
                except OSError:
                    break
                self.take(key.data, data, source[0].split("%")[0])

    def take(self, owner, data, source):
        """Counts a reply if it answers a request of this round."""
        machine, version = owner
        if version == 4:
            data = data[(data[0] & 15) * 4:]
        if len(data) < 16 or data[0] != (0 if version == 4 else 129):
            return
        identifier, = struct.unpack("!H", data[4:6])
        index = int.from_bytes(data[8:16], "big")
        if identifier != self.identifier or index >= len(self.pairs):
            return
        pair = self.pairs[index]
        if pair != (machine, source):
            return
        self.result.received[pair] += 1
        self.n_open -= self.result.received[pair] == self.wanted
        self.result.first_reply_s.setdefault(
            pair, time.monotonic() - self.started)

    def receive_until(self, end):
        """Takes in replies until a time, or until none is outstanding."""
        while self.n_open and time.monotonic() < end:
            self.receive(end - time.monotonic())

    def close(self):
        """Closes the sockets."""
        self.selector.close()
        for sock in self.sockets.values():
            sock.close()


def ping_many(pairs, *, deadline_s=5.0, interval_s=0.2, window=512):
    """Pings every (machine, address) pair until each has answered once:
    asks the silent ones again after interval_s, gives up after deadline_s. At
    most `window` requests are in flight, so that a thousand machines asking
    for each other at once do not drown the one thread of a userspace switch.
    """
    state = _Round(pairs, 1)
    waiting = collections.deque(range(len(state.pairs)))
    in_flight = collections.deque()     # (when to ask again, index)
    end = time.monotonic() + deadline_s
    try:
        while state.n_open and time.monotonic() < end:
            now = time.monotonic()
            while in_flight and (in_flight[0][0] <= now
                                 or state.has_answer(in_flight[0][1])):
                _, index = in_flight.popleft()
                if not state.has_answer(index):
                    waiting.append(index)
            if waiting and len(in_flight) < window:
                index = waiting.popleft()
                state.send(index)
                in_flight.append((now + interval_s, index))
                state.receive(0)
            else:
                state.receive(min(end, in_flight[0][0]) - now)
        return state.result
    finally:
        state.close()


def ping_count(pairs, count, *, interval_s=0.1, grace_s=1.0):
    """Pings every (machine, address) pair exactly `count` times and waits
    grace_s after the last request for replies: what a test for silence, or
    for loss, wants."""
    state = _Round(pairs, count)
    try:
        for number in range(count):
            next_round = time.monotonic() + interval_s
            state.send_all()
            if number + 1 < count:
                while time.monotonic() < next_round:
                    state.receive(next_round - time.monotonic())
        state.receive_until(time.monotonic() + grace_s)
        return state.result
    finally:
        state.close()


class Pinging:
    """Pings of some pairs at a steady pace while something is done:

        with Pinging(pairs) as pinging:
            ...
        assert not pinging.lost
    """

    def __init__(self, pairs, interval_s=0.02, longest_s=120):
        self.pairs = pairs
        self.interval_s = interval_s
        self.end = time.monotonic() + longest_s
        self.result = self.error = None
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.lost, self.sent, self.gap_s = {}, 0, 0
        self.rounds = 0

    def go_on(self, rounds, deadline_s=120):
        """Back when each pair was pinged that many times more."""
        enough = self.rounds + rounds
        netns.wait_until(lambda: self.rounds >= enough or self.error,
                         deadline_s, f"{rounds} rounds of pings")

    def _run(self):
        state = _Round(self.pairs, 1 << 30)
        last = dict.fromkeys(state.pairs, time.monotonic())
        before = dict(state.result.received)
        try:
            while not self.stop.is_set() and time.monotonic() < self.end:
                due = time.monotonic() + self.interval_s
                state.send_all()
                while time.monotonic() < due:
                    state.receive(due - time.monotonic())
                self.rounds += 1
                now = time.monotonic()
                for pair, n in state.result.received.items():
                    if n != before[pair]:
                        self.gap_s = max(self.gap_s, now - last[pair])
                        last[pair], before[pair] = now, n
            state.receive_until(time.monotonic() + 1)
            result = state.result
            self.sent = sum(result.sent.values())
            self.lost = {p: result.sent[p] - n
                         for p, n in result.received.items()
                         if n != result.sent[p]}
        except Exception as error:      # pylint: disable=broad-except
            self.error = error
        finally:
            state.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_exc):
        self.stop.set()
        self.thread.join()
        if self.error:
            raise self.error

    def __str__(self):
        return (f"{sum(self.lost.values())} of {self.sent} pings of "
                f"{len(self.pairs)} pairs lost, longest gap "
                f"{self.gap_s * 1000:.0f} ms")
