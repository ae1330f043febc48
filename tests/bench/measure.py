# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of the datapath share: traffic between machines, what
it cost ovs-vswitchd, and how figures are said.

One machine carries everything, and not alone: a figure by itself means
little. So each is taken of all candidates in turn, round after round, and
what counts is the ratio of medians.
"""
import contextlib
import json
import os
import re
import select
import signal
import statistics
import subprocess

import netns
from netns import LabError

TOOL = os.path.join(os.environ.get("VXFABRIC_TESTS", "tests"), "bench",
                    "traffic")
PORT = 5001             # of the sink; its echo is at the next one
N_FLOWS = 16000         # new flows of one measurement
FLOWS_PPS = 8000        # slow enough for all to arrive
FLOW_SIZE = 46          # bytes of IP: the smallest frame
TRIES = 4               # another builder took the machine: once more


# What is measured goes first where others want the processor too.
FAVOURED = -10


def favour(hosts):
    """The switches go before what else runs on this machine, as on a host
    that keeps cores for them."""
    for host in hosts:
        pid = host.processes["ovs-vswitchd"].pid
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.setpriority(os.PRIO_PROCESS, int(thread), FAVOURED - 5)


def log(text=""):
    """A line of the report."""
    print(text, flush=True)


def median(values):
    """Median, or None of nothing."""
    return statistics.median(values) if values else None


def table(lines, indent="  "):
    """Columns that line up; the first one to the left."""
    widths = [max(len(str(row[i])) for row in lines)
              for i in range(len(lines[0]))]
    for row in lines:
        log(indent + "  ".join(
            str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))).rstrip())


class Process:
    """The traffic tool inside a machine."""

    def __init__(self, machine, *argv, nice=FAVOURED):
        self.name = f"traffic {argv[0]} in {machine}"
        self.process = subprocess.Popen(
            netns.command(machine.namespace, [
                "nice", "-n", str(nice), TOOL, *map(str, argv)]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def line(self, deadline_s=30):
        """The next line it prints."""
        if not select.select([self.process.stdout], [], [], deadline_s)[0]:
            raise LabError(f"{self.name} says nothing")
        said = self.process.stdout.readline()
        if not said:
            raise LabError(f"{self.name} ended with {self.process.wait(5)}")
        return said.decode().strip()

    def result(self, deadline_s=30):
        """Its line of JSON, at the end."""
        answer = json.loads(self.line(deadline_s))
        self.process.wait(10)
        self.process.stdout.close()
        return answer

    def stop(self):
        """Asks one that runs for ever to end; its line."""
        self.process.send_signal(signal.SIGTERM)
        return self.result()

    def kill(self):
        """Nothing of it stays."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(5)
        self.process.stdout.close()


class Sink:
    """Where traffic ends: one for each machine that gets some."""

    def __init__(self, machine):
        self.machine = machine
        self.process = Process(machine, "sink", PORT)
        if self.process.line() != "ready":
            raise LabError(f"no sink in {machine}")

    def datagrams(self):
        """UDP datagrams since the last time."""
        self.process.process.send_signal(signal.SIGUSR1)
        return json.loads(self.process.line())["datagrams"]

    def close(self):
        """Ends it."""
        self.process.kill()


@contextlib.contextmanager
def sinks(machines):
    """A sink in each of the machines."""
    made = []
    try:
        for machine in machines:
            made.append(Sink(machine))
        yield {sink.machine: sink for sink in made}
    finally:
        for sink in made:
            sink.close()


def main_thread_ns(host):
    """CPU time of the main thread of ovs-vswitchd: in the userspace datapath
    without poll mode threads it translates, installs and forwards."""
    pid = host.processes["ovs-vswitchd"].pid
    with open(f"/proc/{pid}/task/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


def throughput(source, target, span_ms=1500, mbit=0):
    """Mbit/s of one TCP stream, as the receiver read it."""
    said = Process(source, "bulk", target.ipv4, PORT, span_ms,
                   mbit).result()
    return said["bytes"] * 8 / max(said["us"], 1)


def _set_up_once(source, target, sink, hosts, n_flows):
    for host in hosts:
        host.appctl("upcall/disable-megaflows")
        host.appctl("revalidator/purge")
    sink.datagrams()
    before = [main_thread_ns(host) for host in hosts]
    Process(source, "flows", target.ipv4, PORT, n_flows, FLOWS_PPS,
            FLOW_SIZE).result()
    last, now = -1, 0
    while now != last:
        last, now = now, now + sink.datagrams()
    after = [main_thread_ns(host) for host in hosts]
    for host in hosts:
        host.appctl("upcall/enable-megaflows")
        host.appctl("revalidator/purge")
    return [(b - a) / 1000 / n_flows for a, b in zip(before, after)], now


def set_up(source, target, sink, hosts, n_flows=N_FLOWS):
    """Microseconds of main threads per new flow, by host. Without megaflows
    each flow is translated and installed; the figure includes what its one
    packet costs. Packets that are lost on the way would make it smaller: then
    it is taken again, and the last time with a word about it. The flows are
    gone afterwards."""
    for attempt in range(TRIES):
        costs, arrived = _set_up_once(source, target, sink, hosts, n_flows)
        if arrived >= 0.995 * n_flows:
            break
        if attempt == TRIES - 1:
            log(f"  note: {source} to {target}: {arrived} of {n_flows} "
                "flows arrived")
    return costs


def megaflows(host):
    """Flows in the datapath now."""
    return [line for line in host.appctl("dpctl/dump-flows").splitlines()
            if "actions:" in line]


def masks(host):
    """Masks of the datapath's flows: a packet that is in no cache is looked
    for under one after the other."""
    found = set()
    for line in host.appctl("dpctl/dump-flows", "-m").splitlines():
        if "actions:" in line:
            found.add(_mask_of(line.split(", packets:")[0]))
    return found


def _mask_of(match):
    # in_port(1),eth(src=02:..,dst=02:../ff:..),ipv4(...,ttl=64/0,...)
    match = re.sub(r"^ufid:[^,]*, ", "", match)
    return re.sub(r"=[^/,()]*", "=", match)
