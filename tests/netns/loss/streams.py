# SPDX-License-Identifier: Apache-2.0
"""UDP streams between machines, and what became of their packets.

A packet is lost when its number never arrived, whatever the reason: the
switch, the kernel, or a receiver whose buffer was full (which is said, since
that would be the measurement's own fault)."""
import dataclasses
import itertools
import json
import os
import select
import signal
import subprocess
import threading
import time

import netns
from netns import LabError, wait_until

TOOL = os.path.join(os.environ.get("VXFABRIC_TESTS", "tests"), "netns",
                    "loss", "udp_stream")
INTERVAL_US = 1000
WARM_UP = 300           # packets before the fault
COOL_DOWN = 300         # packets after recovery
QUIET_S = 0.2           # no packet for that long: what comes is there
SAME, CROSS = "same host", "cross host"

_ports = itertools.count(20000)


@dataclasses.dataclass
class Count:
    """What became of the packets of some streams."""
    sent: int = 0
    lost: int = 0
    twice: int = 0
    reordered: int = 0
    run: int = 0            # most lost in a row, that is also: for how many ms
    gap_ms: float = 0       # longest time in which nothing arrived
    gap_at: float = 0       # when that began, seconds since the epoch
    late: int = 0           # sent more than an interval after their time
    late_max_ms: float = 0
    socket_drops: int = 0   # at the receiver: not the fabric's

    def add(self, other):
        """Sums, maxima."""
        for name in ("sent", "lost", "twice", "reordered", "late",
                     "socket_drops"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.gap_ms > self.gap_ms:
            self.gap_ms, self.gap_at = other.gap_ms, other.gap_at
        self.run = max(self.run, other.run)
        self.late_max_ms = max(self.late_max_ms, other.late_max_ms)


class Stream:
    """From one machine to another. One of them may be a Mover: it has
    somewhere else where it may go on."""

    def __init__(self, kind, source, target):
        self.kind = kind
        self.source = source
        self.target = target
        self.port = next(_ports)
        self.receiver = self.sender = None
        self.first_us = 0

    def __repr__(self):
        return f"{self.source} to {self.target}"

    def _spawn(self, machine, *argv):
        there = getattr(machine, "elsewhere", None)
        if there:
            argv += (os.path.join(netns.RUN_NETNS, there),)
        return subprocess.Popen(
            netns.command(machine.namespace, [TOOL, *map(str, argv)]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def _line(self, process, deadline_s=10):
        if not select.select([process.stdout], [], [], deadline_s)[0]:
            raise LabError(f"{self}: udp_stream says nothing")
        return process.stdout.readline()

    def listen(self):
        """Starts the receiver."""
        self.receiver = self._spawn(self.target, "receive", self.port)
        if self._line(self.receiver) != b"ready\n":
            raise LabError(f"{self}: no receiver")

    def send(self):
        """Starts the sender."""
        self.sender = self._spawn(self.source, "send", self.target.ipv4,
                                  self.port, INTERVAL_US)

    def look(self, number=signal.SIGUSR1):
        """What the receiver has seen so far."""
        self.receiver.send_signal(number)
        return json.loads(self._line(self.receiver))

    def move(self):
        """The machine that moves does so."""
        for machine, process in ((self.source, self.sender),
                                 (self.target, self.receiver)):
            if hasattr(machine, "elsewhere"):
                process.send_signal(signal.SIGUSR2)

    def finish(self):
        """Ends both; the Count."""
        self.sender.send_signal(signal.SIGTERM)
        sent = json.loads(self._line(self.sender))
        self.sender.wait(5)
        last = [-1, 0]

        def quiet():
            n = self.look()["received"]
            if n != last[0]:
                last[:] = [n, time.monotonic()]
            return time.monotonic() - last[1] > QUIET_S

        wait_until(quiet, 10, "the last packets", 0.05)
        seen = self.look(signal.SIGTERM)
        self.receiver.wait(5)
        return Count(
            sent=sent["sent"], lost=sent["sent"] - seen["received"],
            run=max((n for _, n in seen["holes"]), default=0),
            twice=seen["twice"], reordered=seen["reordered"],
            gap_ms=seen["gap_us"] / 1000, gap_at=seen["gap_at_us"] / 1e6,
            late=sent["late"], late_max_ms=sent["late_max_us"] / 1000,
            socket_drops=seen["socket_drops"])

    def kill(self):
        """After a failure: nothing stays."""
        for process in (self.sender, self.receiver):
            if process:
                if process.poll() is None:
                    process.kill()
                    process.wait(5)
                process.stdout.close()


class Traffic:
    """Streams that run over a fault:

        with Traffic(streams) as traffic:   # warm when the block begins
            ...the fault, until all is well again...
        traffic.counts                      # {SAME: Count, CROSS: Count}

    The block's end lets them go on for COOL_DOWN packets, which have to
    arrive: a stream that has not recovered is an error."""

    def __init__(self, streams):
        """streams: (kind, source, target)."""
        self.streams = [Stream(*s) for s in streams]
        self.counts = {kind: Count() for kind in (SAME, CROSS)}

    def __enter__(self):
        try:
            for stream in self.streams:
                stream.listen()
            for stream in self.streams:
                stream.send()
            self._arrive(WARM_UP)
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, failed, *_exc):
        try:
            if not failed:
                self._arrive(COOL_DOWN)
                for stream in self.streams:
                    self.counts[stream.kind].add(stream.finish())
        finally:
            self._kill()

    def _kill(self):
        for stream in self.streams:
            stream.kill()

    def _arrive(self, count, deadline_s=30):
        """Until each stream has got that many numbers further."""
        before = {s: s.look()["highest"] for s in self.streams}
        threading.Event().wait(count * INTERVAL_US / 1e6)
        for stream in self.streams:
            wait_until(
                lambda s=stream: s.look()["highest"] >= before[s] + count,
                deadline_s, f"packets from {stream}", 0.02)
