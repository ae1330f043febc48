#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a reconnect costs the switches, at size.

    make scale [SCALE_ARGS='--ports N --plugged N --loss PERCENT --seed N']

Needs root: it makes a lab of four hosts. 10,000 ports of several tenants and
networks, some of them plugged; then every host reconnects because the
controller restarts, is killed, or because OpenFlow was cut: the hosts are
right, so not one modification of a flow or group may be sent. Then 1 % of the
flows, some groups and some buckets are deleted by hand, while the controller
is away and while it is there: exactly these may be sent.

Counted at the switches: ovs-vswitchd logs every message that it receives
(tests/lib/switchlog.py). Rows are compared with those before, all of them.
Exit status 1 if anything else was sent, or if a row is not as it was.
"""
import argparse
import collections
import contextlib
import os
import random
import re
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))

import faults  # noqa: E402  (needs the path above)
import intent  # noqa: E402
import lab as lab_module  # noqa: E402
import netns  # noqa: E402
import pipeline  # noqa: E402
from switchlog import SwitchLog  # noqa: E402

HOSTS = 4
# Networks by size, as parts of all ports: few large ones, many small ones.
SIZES = ((1, 0.2), (8, 0.4), (40, 0.24), (160, 0.16))
OPTIONS = ("--set", "probe_ms=1000")
# How long nothing may come, once all is said to be done.
WATCH_S = 5
MAC, IPS = "02:00:{:02x}:{:02x}:{:02x}:{:02x}", ("10.0.{}.{}", "fd00::{:x}")


def log(text):
    """A line of the report."""
    print(text, flush=True)


def describe(n_ports):
    """The ports, as keyword arguments of a PUT with their path."""
    found, network = [], 0
    for count, part in SIZES:
        for _ in range(count):
            network += 1
            size = max(1, round(n_ports * part / count))
            # Small networks are not everywhere.
            spread = HOSTS if size > 20 else 2
            for n in range(2, size + 2):
                found.append({
                    "tenant": f"t{network % 7}", "network": f"n{network}",
                    "name": f"p{n}",
                    "host": f"h{(network + n % spread) % HOSTS + 1}",
                    "mac": MAC.format(network >> 8, network & 255, n >> 8,
                                      n & 255),
                    "ips": [IPS[0].format(n >> 8, n & 255),
                            IPS[1].format(n)],
                    "iface_id": f"n{network}-p{n}"})
    return found[:n_ports]


def commit(api, ports):
    """All of it, in batches."""
    ops, seen = [], set()
    for port in ports:
        tenant, network = port["tenant"], port["network"]
        if tenant not in seen:
            ops.append(intent.put(intent.path(tenant)))
            seen.add(tenant)
        if network not in seen:
            ops += [intent.put(intent.path(tenant, network)),
                    intent.put(intent.path(tenant, network,
                                           subnet="10.0.0.0/16"),
                               route=False),
                    intent.put(intent.path(tenant, network,
                                           subnet="fd00::/64"),
                               route=False)]
            seen.add(network)
        ops.append(intent.put(
            intent.path(tenant, network, port=port["name"]),
            **{k: v for k, v in port.items()
               if k not in ("tenant", "network", "name")}))
    api.batches(ops, 1000)
    return len(ops), len(seen)


class Scale:
    """The lab, what its switches hold when right, and the verdict."""

    def __init__(self, lab, options):
        self.lab = lab
        self.options = options
        self.random = random.Random(options.seed)
        self.hosts = list(lab.hosts.values())
        self.failures = []
        self.rows, self.groups, self.logs, self.plugged = {}, {}, {}, []

    def check(self, right, text):
        """Counts what is wrong."""
        if not right:
            self.failures.append(text)
            log(f"    WRONG: {text}")

    # -- making it

    def load(self):
        """Intent, interfaces, and the rows that they make."""
        ports = describe(self.options.ports)
        with intent.Api(self.lab.api, 300) as api:
            started = time.monotonic()
            n_ops, n_objects = commit(api, ports)
            committed = time.monotonic() - started
            self.wait_realized(api)
            log(f"{len(ports)} ports, {n_objects} tenants and networks "
                f"({n_ops} operations) over {HOSTS} hosts: committed in "
                f"{committed:.1f} s, realized everywhere after "
                f"{time.monotonic() - started:.1f} s")
            self.plug(ports)
            started = time.monotonic()
            api.wait_ports(self.plugged, deadline_s=120)
            log(f"{len(self.plugged)} of them plugged; active "
                f"{time.monotonic() - started:.2f} s after the last")
        self.wait_active()
        self.remember()

    def plug(self, ports):
        """Interfaces for some of every size, the same number per host."""
        chosen = []
        for host in self.hosts:
            mine = [p for p in ports if p["host"] == host.name]
            chosen += self.random.sample(mine, min(
                len(mine), self.options.plugged // HOSTS))
        for start in range(0, len(chosen), 100):
            self.lab.plug([
                dict(host=self.lab.hosts[p["host"]], mac=p["mac"],
                     iface_id=p["iface_id"], ips=[
                         f"{p['ips'][0]}/16", f"{p['ips'][1]}/64"])
                for p in chosen[start:start + 100]])
        self.plugged = [intent.path(p["tenant"], p["network"],
                                    port=p["name"]) for p in chosen]

    def wait_realized(self, api):
        """Every host has confirmed all that is committed."""
        revision = api.get("/healthz")["revision"]
        netns.wait_until(
            lambda: all(h["realized_revision"] >= revision
                        for h in api.items("/v1/hosts")), 120,
            lambda: f"revision {revision}: {api.items('/v1/hosts')}", 0.02)

    def wait_active(self):
        """Every host is active and every plugged port too; seconds."""
        started = time.monotonic()
        with intent.Api(self.lab.api, 300) as api:
            api.wait_hosts(self.lab.hosts, deadline_s=120)
            self.wait_realized(api)
            hosts = time.monotonic() - started
            api.wait_ports(self.plugged, deadline_s=60)
        return hosts, time.monotonic() - started

    # -- looking at it

    def look(self):
        """Rows and groups of all bridges."""
        where = [(h, b) for h in self.hosts for b in pipeline.BRIDGES]
        return ({(h.name, b): faults.flows_of(h, b) for h, b in where},
                {(h.name, b): faults.groups_of(h, b) for h, b in where})

    def remember(self):
        """What is there now is right."""
        self.rows, self.groups = self.look()
        for host in self.hosts:
            log(f"  {host.name}: " + "; ".join(
                f"{b} {len(self.rows[host.name, b])} rows, "
                f"{len(self.groups[host.name, b])} groups"
                for b in pipeline.BRIDGES))

    def is_whole(self):
        """Every row and bucket is as it was, and no other is there."""
        rows, groups = self.look()
        return groups == self.groups and all(
            {k: f.text for k, f in rows[w].items()}
            == {k: f.text for k, f in self.rows[w].items()} for w in rows)

    def check_whole(self):
        """The same, as a verdict."""
        rows, groups = self.look()
        for where, want in self.rows.items():
            have = rows[where]
            differ = [k for k in want.keys() | have.keys()
                      if k not in want or k not in have
                      or want[k].text != have[k].text]
            self.check(not differ, f"{where}: {len(differ)} rows differ: "
                       f"{differ[:3]}")
            self.check(groups[where] == self.groups[where],
                       f"{where}: groups differ")

    @contextlib.contextmanager
    def counted(self, title, lose=False):
        """What comes in this block, and for a while after it, is what was
        lost at its begin; nothing by default."""
        log(title)
        for one in self.logs.values():
            one.mark()
        expected = self.lose() if lose else None
        yield
        end = time.monotonic() + WATCH_S
        netns.wait_until(lambda: time.monotonic() >= end, WATCH_S + 1,
                         "the end of the watch", 0.2)
        total = epochs = 0
        for name, one in self.logs.items():
            seen = one.messages()
            total += seen.n_mods
            epochs += seen.n_epochs
            if self.options.verbose:
                log(f"    {name}: {seen}")
            self.judge(name, seen, (expected or {}).get(name, ([], {}, [])))
        log(f"    modifications received by the switches: {total}, "
            f"of epoch rows: {epochs}")
        self.check_whole()
        if not expected:
            self.check(not epochs, f"{epochs} epoch rows written for hosts "
                       "that are right")

    def judge(self, name, seen, expected):
        """One host's messages."""
        flows, buckets, groups = expected
        want = collections.Counter(("ADD", *key) for key in flows)
        extra = list((seen.flows - want).elements())
        missing = list((want - seen.flows).elements())
        self.check(not extra, f"{name} got {len(extra)} flow modifications "
                   f"too many, such as {extra[:3]}")
        self.check(not missing, f"{name} did not get {len(missing)} rows "
                   f"back, such as {missing[:3]}")
        made = {k: n for k, n in seen.groups.items()
                if k[0] != "INSERT_BUCKET"}
        want = dict(collections.Counter(("ADD", group) for group in groups))
        self.check(made == want, f"{name} got groups {made}, lost {want}")
        got = {k[1:]: n for k, n in seen.buckets.items()}
        self.check(got == dict(buckets), f"{name} got buckets {got}, lost "
                   f"{dict(buckets)}")
        self.check(not seen.meters, f"{name} got meters: {seen.meters}")

    # -- losing rows

    def lose(self):
        """Deletes rows, groups and buckets of every bridge; what each host
        has lost: flows, Counter of (group, bucket), groups."""
        lost = {}
        for host in self.hosts:
            mine = lost[host.name] = ([], collections.Counter(), [])
            for bridge in pipeline.BRIDGES:
                self.lose_of(host, bridge, *mine)
        log(f"    deleted by hand: {sum(len(f) for f, _, _ in lost.values())}"
            " flows (those of deleted groups included), "
            f"{sum(len(g) for _, _, g in lost.values())} groups, "
            f"{sum(sum(b.values()) for _, b, _ in lost.values())} buckets "
            "(those of deleted groups included)")
        return lost

    def lose_of(self, host, bridge, flows, buckets, groups):
        """The same for one bridge; adds to the lists."""
        rows = self.rows[host.name, bridge]
        all_groups = self.groups[host.name, bridge]
        gone = set(self.random.sample(sorted(rows), max(
            1, int(len(rows) * self.options.loss / 100))))
        chosen = self.random.sample(sorted(
            number for number, text in all_groups.items()
            if faults.bucket_ids(text)), 2 * self.options.groups)
        whole, parts = chosen[::2], [
            (n, self.random.choice(faults.bucket_ids(all_groups[n])))
            for n in chosen[1::2]]
        # In one bundle, so that nobody repairs one half before the other.
        faults.lose(host, bridge, [rows[k] for k in gone], whole, parts)
        groups += whole
        buckets.update(parts)
        buckets.update((n, one) for n in whole
                       for one in faults.bucket_ids(all_groups[n]))
        flows += gone | {key for key, flow in rows.items() if set(
            re.findall(r"group:(\d+)", flow.text)) & {
                str(n) for n in whole}}


def restart(scale, number):
    """The controller ends with a signal and comes back."""
    scale.lab.stop_controller(number)
    started = time.monotonic()
    scale.lab.start_controller(*OPTIONS, *scale.options.extra, deadline_s=60)
    ready = time.monotonic() - started
    hosts, ports = scale.wait_active()
    log(f"    API after {ready:.2f} s, hosts active after "
        f"{ready + hosts:.2f} s, ports after {ready + ports:.2f} s")


def cut(scale):
    """OpenFlow of all hosts is cut until the controller has noticed it of
    each bridge."""
    with intent.Api(scale.lab.api) as api:
        for host in scale.hosts:
            faults.cut(host, faults.OPENFLOW)
        try:
            netns.wait_until(
                lambda: "\nvxfabric_openflow_connections 0\n"
                in api.get("/metrics"), 30, "all connections to end", 0.05)
        finally:
            for host in scale.hosts:
                faults.mend(host, faults.OPENFLOW)
    hosts, ports = scale.wait_active()
    log(f"    hosts active again after {hosts:.2f} s, ports after "
        f"{ports:.2f} s")


def lost_while_away(scale):
    """Rows go while there is no controller."""
    scale.lab.stop_controller()
    with scale.counted(f"{scale.options.loss} % of the flows lost while the "
                       "controller is away", lose=True):
        scale.lab.start_controller(*OPTIONS, *scale.options.extra,
                                   deadline_s=60)
        scale.wait_active()
        wait_whole(scale)


def lost_while_there(scale):
    """Rows go under the controller's eyes: the audit finds them."""
    with intent.Api(scale.lab.api) as api:
        has_audit = api.call("GET", "/v1/audit")[0] == 200
    with scale.counted(
            f"{scale.options.loss} % of the flows lost while the controller "
            "is there" + ("" if has_audit else ", and no audit: found at "
                          "the next reconnect"), lose=True):
        if not has_audit:
            cut(scale)
        wait_whole(scale)


def wait_whole(scale, deadline_s=300):
    """All rows are back; says how long it took."""
    started = time.monotonic()
    with contextlib.suppress(netns.LabError):
        netns.wait_until(scale.is_whole, deadline_s, "all rows", 0.5)
        log(f"    all rows back after {time.monotonic() - started:.1f} s "
            "(looked for every few seconds)")


def measure(lab, options):
    """All of it; the failures."""
    scale = Scale(lab, options)
    scale.load()
    log(f"vxfabricd: {memory_mib(lab):.0f} MiB")
    scale.logs = {h.name: SwitchLog(h) for h in scale.hosts}
    # Whatever is written once all is quiet has been written.
    with intent.Api(lab.api) as api:
        settle(api, scale)
    with scale.counted("controller told to stop, and started again"):
        restart(scale, signal.SIGTERM)
    with scale.counted("controller killed, and started again"):
        restart(scale, signal.SIGKILL)
    with scale.counted("OpenFlow of all hosts cut, and back"):
        cut(scale)
    lost_while_away(scale)
    with intent.Api(lab.api) as api:
        settle(api, scale)
    lost_while_there(scale)
    with intent.Api(lab.api) as api:
        late = [line.split()[1] for line in api.get("/metrics").splitlines()
                if line.startswith("vxfabric_loop_late_max_seconds ")]
    log(f"vxfabricd: {memory_mib(lab):.0f} MiB, its loop was at most "
        f"{late[0]} s late")
    return scale.failures


def settle(_api, scale, quiet_s=8):
    """Back when no switch has been sent a modification for a while."""
    last = [time.monotonic(), None]

    def quiet():
        now = {n: (s.n_mods, s.n_epochs) for n, s in (
            (n, one.messages()) for n, one in scale.logs.items())}
        if now != last[1]:
            last[:] = [time.monotonic(), now]
        return time.monotonic() - last[0] > quiet_s

    for one in scale.logs.values():
        one.mark()
    netns.wait_until(quiet, 120, "the switches to be left alone", 0.5)


def memory_mib(lab):
    """Resident memory of the controller."""
    # nsenter has become vxfabricd by now.
    with open(f"/proc/{lab.controller.pid}/status",
              encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0


def main():
    """Makes the lab, measures, removes it."""
    parser = argparse.ArgumentParser(
        description="What a reconnect costs the switches, at size.")
    parser.add_argument("--ports", type=int, default=10000)
    parser.add_argument("--plugged", type=int, default=400)
    parser.add_argument("--loss", type=float, default=1, help="per cent")
    parser.add_argument("--groups", type=int, default=3,
                        help="groups, and buckets, to lose per bridge")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--extra", nargs=argparse.REMAINDER, default=[],
                        help="options for vxfabricd")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with lab_module.Lab(f"vxs{os.getpid()}") as lab:
        lab.add_hosts(HOSTS)
        lab.start_controller(*OPTIONS, *options.extra)
        intent.join_all(lab)
        failures = measure(lab, options)
    log(f"{'FAILED' if failures else 'ok'}: seed {options.seed}, "
        f"{len(failures)} things wrong")
    for text in failures:
        log(f"  {text}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
