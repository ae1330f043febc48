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


def received(machine):
    """Packets that came in at the machine's eth0 since it was made."""
    said = machine.run("cat", "/proc/net/dev").stdout
    return int(re.search(r"eth0:\s*\d+\s+(\d+)", said).group(1))


def send_flows(source, target, hosts, *, n_flows=N_FLOWS, port=PORT,
               pps=FLOWS_PPS):
    """(CPU time of the main threads in microseconds per flow, by host;
    packets that arrived) of n_flows datagrams with ports of their own."""
    first = last = received(target)
    before = [main_thread_ns(host) for host in hosts]
    Process(source, "flows", target.ipv4, port, n_flows, pps,
            FLOW_SIZE).result()
    now = received(target)
    while now != last:
        last, now = now, received(target)
    costs = [(main_thread_ns(host) - ns) / 1000 / n_flows
             for host, ns in zip(hosts, before)]
    return costs, now - first


@contextlib.contextmanager
def without_megaflows(hosts):
    """Every flow is translated and installed; none is left afterwards."""
    for host in hosts:
        host.appctl("upcall/disable-megaflows")
        host.appctl("revalidator/purge")
    try:
        yield
    finally:
        for host in hosts:
            host.appctl("upcall/enable-megaflows")
            host.appctl("revalidator/purge")


def send_until_whole(once, expected, what):
    """once() is send_flows(): its answer. Packets that a busy machine loses
    make CPU time smaller: then it is taken again, and the last time with a
    word about it. More than expected is no loss, and is left to the caller."""
    for attempt in range(TRIES):
        costs, arrived = once()
        if arrived >= 0.995 * expected:
            break
        if attempt == TRIES - 1:
            log(f"  note: {what}: {arrived} of {expected} flows arrived")
    return costs, arrived


def set_up(source, target, hosts, *, expected=None, **flows):
    """Microseconds of main threads per new flow, by host: translation,
    installation and what its one packet costs. expected: how many arrive, if
    not all; the rest as in send_flows()."""
    hosts = list(hosts)

    def once():
        with without_megaflows(hosts):
            return send_flows(source, target, hosts, **flows)

    if expected is None:
        expected = flows.get("n_flows", N_FLOWS)
    return send_until_whole(once, expected, f"{source} to {target}")[0]


def ports_of(number):
    """(source port, destination port) of a flow with port=0: what
    traffic.c makes of its number."""
    pair = number * 2654435761 & 0xffffffff
    return pair & 0xffff, pair >> 16


def megaflows(machine):
    """Flows of the datapath, with their masks, for what a machine sends."""
    host = machine.host
    port = re.search(rf"port (\d+): {machine.tap}\b",
                     host.appctl("dpctl/show")).group(1)
    found = []
    for line in host.appctl("dpctl/dump-flows", "-m", "--names",
                            check=False).splitlines():
        if "actions:" in line and re.search(
                rf"in_port\(({port}|{machine.tap})\)", line):
            found.append(line)
    return found


def masks(flows):
    """Distinct masks of such flows: a packet that is in no cache is looked
    for under one after the other."""
    return {_mask_of(line.split(", packets:")[0]) for line in flows}


def _mask_of(match):
    # in_port(1),eth(src=02:..,dst=02:../ff:..),ipv4(...,ttl=64/0,...)
    match = re.sub(r"^ufid:[^,]*,\s*", "", match)
    return re.sub(r"=[^/,()]*", "=", match)
