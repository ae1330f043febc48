# SPDX-License-Identifier: Apache-2.0
"""What has to be true of a fabric that is quiet (see churn.py): statuses as
what is plugged says, rows as intent says, machines that reach each other,
memory that does not grow."""
import collections
import json
import os
import re

import intent
import netns
import pipeline


def place_of(port, seen):
    """Where a port is by intent: a migrating one is not yet where it
    goes."""
    return seen.get("migrate_from") or port.host


def expected_status(port, seen):
    """What a port has to say, all hosts being active: (status, words of the
    reason). seen: the port as the API shows it."""
    where = {s.host.name for s in port.sockets}
    place = place_of(port, seen)
    if place and place in where:
        return "active", ()
    if place and where:
        return "pending", (place, *where) if len(where) == 1 else (place,)
    if place:
        return "pending", ("no interface", place)
    if where:
        return "active", ()
    return "pending", ("no ",)


def wrong_statuses(churn, api):
    """Ports that do not say what they have to say."""
    found = []
    seen = {intent.path_of("ports", p): p for p in api.items("/v1/ports")}
    for path in seen.keys() - churn.ports.keys():
        found.append(f"{path} is there, but was deleted")
    for path, port in churn.ports.items():
        if path not in seen:
            found.append(f"{path} is not there, but was acknowledged")
            continue
        have = port.seen = seen[path]
        status, words = expected_status(port, have)
        where = {s.host.name for s in port.sockets}
        if have["status"] != status or not all(
                w in have["reason"] for w in words):
            found.append(f"{port}: \"{have['status']}: {have['reason']}\", "
                         f"ought to be {status} {words}")
        elif status == "active" and not port.host and (
                have["located"] not in where):
            found.append(f"{port}: located on {have['located']}")
        elif have["host"] != port.host:
            found.append(f"{port}: its host is {have['host']}")
        elif (have.get("migrate_from") and port.host in where
              and not have.get("migrate_hold")):
            found.append(f"{port}: still migrates: {have.get('migration')}")
    return found


def wait_statuses(churn, deadline_s=60):
    """Until every port's status is right; those that stay wrong."""
    last = []
    with intent.Api(churn.lab.api) as api:
        def right():
            last[:] = wrong_statuses(churn, api)
            return not last

        try:
            netns.wait_until(right, deadline_s, "", 0.25)
        except netns.LabError:
            pass
    return last


def has_audit(churn):
    """Whether this controller can be asked for an audit."""
    return churn.lab.http("GET", "/v1/audit")[0] == 200


def audit(churn):
    """What `netctl audit` finds; nothing is repaired."""
    done = churn.lab.netctl("-o", "json", "audit", check=False, timeout=300)
    if done.returncode == 0:
        return []
    try:
        items = json.loads(done.stdout)
        items = items.get("items", items) if isinstance(items, dict) \
            else items
        return [json.dumps(item) for item in items] or [done.stderr]
    except ValueError:
        return [f"exit {done.returncode}: {done.stdout}{done.stderr}"]


def drift_told(churn):
    """What audits found all the while, by the controllers' log; nobody
    touched a switch, so it is their own doing."""
    with open(churn.lab.path("vxfabricd.log"), encoding="utf-8",
              errors="replace") as log:
        return [line.strip() for line in log if ": drift: " in line]


def wait_realized(churn, deadline_s=60):
    """Every host has confirmed what is committed."""
    with intent.Api(churn.lab.api) as api:
        revision = api.get("/healthz")["revision"]
        netns.wait_until(lambda: all(
            h["realized_revision"] >= revision
            for h in api.items("/v1/hosts")), deadline_s,
            lambda: f"revision {revision}: {api.items('/v1/hosts')}", 0.1)


def wrong_rows(churn, deadline_s=20):
    """Rows of unicast forwarding that intent does not say, by this test's
    own reckoning: tier 2 has each port that is elsewhere, tier 1 each that is
    plugged here. What a move or the grace time leaves goes soon."""
    last = []

    def right():
        last[:] = look_at_rows(churn)
        return not last

    try:
        netns.wait_until(right, deadline_s, "", 0.5)
    except netns.LabError:
        pass
    return last


def look_at_rows(churn):
    """The same at this moment."""
    with intent.Api(churn.lab.api) as api:
        ports = api.items("/v1/ports")
    place = {}                      # (vni, mac): host
    present = collections.defaultdict(set)
    taps = collections.defaultdict(set)
    second = collections.defaultdict(set)
    for seen in ports:
        port = churn.ports[intent.path_of("ports", seen)]
        key = seen["vni"], seen["mac"]
        where = place_of(port, seen) or seen["located"]
        sockets = {s.host.name for s in port.sockets}
        if where:
            place[key] = where
            present[where].add(seen["vni"])
        if where in sockets:
            taps[where].add(key)
        if seen.get("migrate_from"):
            present[seen["host"]].add(seen["vni"])
        # A port that migrates has a tap at its other place as well.
        for name in sockets - {where}:
            second[name].add(key)
    found = []
    for host in churn.lab.hosts.values():
        name = host.name
        want = {key for key, at in place.items()
                if at != name and key[0] in present[name]}
        compare(found, f"{name}/br-fabric", want,
                rows_by_mac(host, "br-fabric", 30), set())
        compare(found, f"{name}/br-tenant", taps[name],
                rows_by_mac(host, "br-tenant", 50), second[name])
    return found


def compare(found, where, want, have, may):
    """Adds what is missing and what is too many."""
    missing, extra = want - have, have - want - may
    if missing or extra:
        found.append(f"{where}: missing {sorted(missing)[:3]}, too many "
                     f"{sorted(extra)[:3]}")


def rows_by_mac(host, bridge, table):
    """{(VNI, MAC)} of the unicast rows of a table."""
    return {(int(m.group(1), 16), m.group(2)) for m in (
        re.search(r"reg0=0x([0-9a-f]+),dl_dst=([0-9a-f:]{17}) ", row)
        for row in host.flows(bridge, f"table={table}")) if m}


def silent_pairs(churn, count):
    """(pairs asked, pairs that do not answer) of machines that are active in
    one network."""
    by_network = collections.defaultdict(list)
    for port in churn.ports.values():
        if expected_status(port, port.seen)[0] == "active":
            host = place_of(port, port.seen)
            for socket in port.sockets:
                if not host or socket.host.name == host:
                    by_network[port.tenant, port.network].append(socket)
                    break
    pairs = [(a, ip) for mine in by_network.values() for a in mine
             for b in mine if a is not b for ip in b.ips]
    pairs = churn.random.sample(pairs, min(count, len(pairs)))
    # What they remember of earlier owners of an address is their affair.
    for machine in {p[0] for p in pairs}:
        netns.ip_batch(["neigh flush all"], machine.namespace)
    if not pairs:
        return 0, []
    return len(pairs), churn.lab.ping_many(pairs, deadline_s=15).silent()


def differences_of_a_fresh_start(churn):
    """Restarts the controller; what its own full compile finds different on
    the switches. Afterwards there is one again only if all was well."""
    lab = churn.lab
    churn.disconnect()
    # A build with sanitizers would say so in its exit status.
    status = lab.stop_controller(deadline_s=60)
    if status:
        return [f"vxfabricd told to stop ended with {status}: "
                + lab.log_tail(60)]
    with open(lab.path("vxfabricd.log"), "rb") as log:
        mark = log.seek(0, os.SEEK_END)
    lab.start_controller("--set", "epoch=no", *churn.options,
                         deadline_s=30)
    with intent.Api(lab.api) as api:
        api.wait_hosts(lab.hosts, deadline_s=60)
    wait_realized(churn)
    lines = intent.new_log_lines(
        lab, mark, 60, lambda found: sum(
            "differences" in line for line in found) >= 2 * len(lab.hosts),
        "all bridges compared")
    return [line for line in lines if "differences" in line
            and " 0 differences" not in line] + (
                audit(churn) if has_audit(churn) else [])


class Memory:
    """Resident memory of the controller over time."""

    def __init__(self, lab, every_s=10):
        self.lab = lab
        self.every_s = every_s
        self.samples = []           # (when, KiB)
        self.due = 0

    def now_kib(self):
        """At this moment; 0 if there is no controller."""
        if not self.lab.controller:
            return 0
        # nsenter becomes vxfabricd, so the pid is its own.
        with open(f"/proc/{self.lab.controller.pid}/status",
                  encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0

    def tick(self, now):
        """Takes a sample if it is time."""
        if now >= self.due and self.lab.controller:
            self.due = now + self.every_s
            self.samples.append((now, self.now_kib()))

    def growth_kib(self):
        """What the samples' least squares line rises from the first to the
        last."""
        n = len(self.samples)
        if n < 3:
            return 0
        mean_x = sum(t for t, _ in self.samples) / n
        mean_y = sum(k for _, k in self.samples) / n
        over = sum((t - mean_x) * (k - mean_y) for t, k in self.samples)
        under = sum((t - mean_x) ** 2 for t, _ in self.samples)
        return over / under * (self.samples[-1][0] - self.samples[0][0])
