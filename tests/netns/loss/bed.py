# SPDX-License-Identifier: Apache-2.0
"""Where loss is measured: two hosts, three machines with streams between
them, and ports enough for the tables not to be empty.

A bed is managed by vxfabricd, or bare: set up by it, and then left alone with
the same flows and groups, and without controller."""
import http.client
import os
import re
import signal
import subprocess
import threading

import intent
import lab as lab_module
import netns
from faults import flows_text
from netns import wait_until
from streams import CROSS, SAME

HERE = os.path.dirname(os.path.abspath(__file__))
BRIDGES = ("br-tenant", "br-fabric")
# A flow that names a meter cannot be restored by ovs-ctl (doc/restarts.md):
# no budgets here, and no routed subnet.
OPTIONS = ("--set", "port_bum_pps=0")
WEB = "/v1/tenants/acme/networks/web"
EPOCH = "table=253"     # a fact about the switch, not a row of the pipeline


def in_order_of_buckets(line):
    """A group of which all buckets are used has them in no order."""
    head, *buckets = line.split(",bucket=")
    return ",bucket=".join([head] + sorted(buckets))


def mac_of(number):
    return f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"


def ip_of(number):
    number += 10        # beyond the gateway
    return f"10.0.{number >> 8}.{number & 255}"


class Writer(threading.Thread):
    """Ports of the streams' network come and go without a pause, also while
    the controller does: there is always something on its way to both
    hosts."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.lab = lab
        self.over = threading.Event()
        self.n_done = 0

    def __enter__(self):
        self.start()
        wait_until(lambda: self.n_done > 20, 10, "ports to come and go")
        return self

    def __exit__(self, *_exc):
        self.over.set()
        self.join(30)

    def run(self):
        """Until told to stop."""
        while not self.over.is_set():
            try:
                with intent.Api(self.lab.api, timeout=10) as api:
                    while not self.over.is_set():
                        self._one(api, self.n_done % 64)
                        self.n_done += 1
            except (OSError, http.client.HTTPException):
                self.over.wait(0.01)

    @staticmethod
    def _one(api, n):
        name, number = f"{WEB}/ports/fleeting{n}", 20000 + n
        if api.call("GET", name)[0] == 200:
            api.call("DELETE", name)
        else:
            status, answer = api.call("PUT", name, {
                "mac": mac_of(number), "ips": [ip_of(number)],
                "host": f"h{n % 2 + 1}", "iface_id": f"fleeting{n}"})
            assert status in (200, 201, 202, 503), answer

    def tidy(self):
        """None of them is left."""
        with intent.Api(self.lab.api) as api:
            for n in range(64):
                api.call("DELETE", f"{WEB}/ports/fleeting{n}")


class Bed:
    """The lab with everything in it. vm1 and vm2 are on h1, vm3 on h2."""

    def __init__(self, prefix, ports=200, again_ms=None, **lab):
        """again_ms: after how long the hosts repeat a question for a
        neighbour's MAC that was not answered (1 s unless told)."""
        self.lab = lab_module.Lab(prefix, **{"management": True, **lab})
        self.programs = [self.lab.program]
        self.again_ms = again_ms
        try:
            self._make(ports)
        except BaseException:
            self.lab.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.lab.close()

    def _make(self, ports):
        self.h1, self.h2 = self.lab.add_hosts(2)
        self.lab.start_controller(*OPTIONS)
        intent.join_all(self.lab)
        for host in (self.h1, self.h2):
            if self.again_ms:
                with netns.inside(host.namespace):
                    netns.sysctl({"net/ipv4/neigh/br-phy/retrans_time_ms":
                                  self.again_ms})
        where = {1: self.h1, 2: self.h1, 3: self.h2}
        with intent.Api(self.lab.api) as api:
            api.batch([intent.put("/v1/tenants/acme"), intent.put(WEB),
                       intent.put(f"{WEB}/subnets/10.0.0.0%2F16", route=False)])
            api.batches([intent.put(
                f"{WEB}/ports/vm{n}", mac=mac_of(n), ips=[ip_of(n)],
                host=where.get(n, self.lab.hosts[f"h{n % 2 + 1}"]).name,
                iface_id=f"vm{n}") for n in range(1, 4 + ports)])
            self.machines = self.lab.plug([
                dict(host=host, iface_id=f"vm{n}", mac=mac_of(n),
                     ips=[f"{ip_of(n)}/16"]) for n, host in where.items()])
            self.plugged = [f"{WEB}/ports/vm{n}" for n in where]
            api.wait_ports(self.plugged)
        one, two, three = self.machines
        self.pairs = [(SAME, one, two), (CROSS, one, three),
                      (CROSS, three, two)]
        result = self.lab.ping_many([(a, b.ipv4) for _, a, b in self.pairs])
        assert not result.silent(), result
        self.rows_before = {h: self.rows(h) for h in (self.h1, self.h2)}

    def rows(self, host):
        """Flows and groups of the pipeline, as text."""
        return sorted(
            in_order_of_buckets(line.strip()) for bridge in BRIDGES for command in (
                ("--no-stats", "--no-names", "dump-flows"), ("dump-groups",))
            for line in host.ofctl(*command, bridge).splitlines()
            if ("actions=" in line or "group_id=" in line)
            and EPOCH not in line)

    def check_rows(self, host):
        """They are what they were, without having been asked to be."""
        now, before = self.rows(host), self.rows_before[host]
        assert now == before, (
            f"{host.name} differs: {sorted(set(now) ^ set(before))[:10]}")

    def log_mark(self):
        """Where the controller's log ends."""
        return os.path.getsize(self.lab.path("vxfabricd.log"))

    def wait_in_order(self, mark, n_bridges, deadline_s=40):
        """That many bridges have connected since the mark, and everything
        is active."""
        intent.new_log_lines(
            self.lab, mark, deadline_s, lambda lines: sum(
                "OpenFlow connection is up" in line
                for line in lines) >= n_bridges,
            f"{n_bridges} bridges to connect")
        with intent.Api(self.lab.api) as api:
            api.wait_hosts(self.lab.hosts, deadline_s=deadline_s)
            api.wait_ports(self.plugged, deadline_s=deadline_s)

    # -- faults; each comes back when all is well again

    def restart_controller(self, number=signal.SIGTERM, away_s=0.0):
        """vxfabricd goes and comes back, perhaps as another build."""
        mark = self.log_mark()
        self.lab.stop_controller(number)
        # The time it is away is the fault itself: nothing to poll for.
        threading.Event().wait(away_s)
        self.lab.start_controller(*OPTIONS)
        self.wait_in_order(mark, 4)

    def restart_controller_busy(self, number, away_s):
        """The same, while ports come and go."""
        with Writer(self.lab) as writer:
            self.restart_controller(number, away_s)
            done = writer.n_done
            wait_until(lambda: writer.n_done > done + 20, 20, "more ports")
        writer.tidy()
        for host in (self.h1, self.h2):
            wait_until(lambda h=host: self.rows(h) == self.rows_before[h],
                       20, f"the rows of {host.name} as they were", 0.1)

    def upgrade(self, away_s=0.0):
        """The other build takes over; its version must be seen."""
        self.programs.append(self.programs.pop(0))
        self.lab.program = self.programs[0]
        self.restart_controller(away_s=away_s)
        said = netns.run([self.lab.program, "--version"]).stdout.split()[-1]
        with intent.Api(self.lab.api) as api:
            assert f'version="{said}"' in api.get("/metrics"), said

    def restart_database(self, controller=True):
        """ovsdb-server of h1 goes and comes back."""
        mark = self.log_mark()
        self.h1.stop("ovsdb-server")
        self.h1.start_database_server()
        if not controller:
            wait_until(lambda: os.path.exists(self.h1.db), 10, "ovsdb-server")
            self.h1.wait_for_switch()
            return
        intent.new_log_lines(
            self.lab, mark, 40, lambda lines: any(
                "OVSDB connection from" in line and line.endswith("is up")
                for line in lines), "OVSDB of h1 to connect")
        self.h1.wait_for_switch()
        self.wait_in_order(mark, 0)

    def restart_switch(self):
        """ovs-vswitchd of h1 goes and comes back, empty; vxfabricd loads
        it."""
        mark = self.log_mark()
        self.h1.stop("ovs-vswitchd")
        self.h1.start_switch(wait=False)
        self.wait_in_order(mark, 2)

    def restart_switch_saved(self, controller):
        """The same, with flows saved and restored as ovs-ctl does."""
        host, script = self.h1, os.path.join(self.h1.folder, "flows.sh")
        sockets = [os.path.join(host.folder, f"{b}.mgmt")
                   for b in ("br-phy", *BRIDGES)]
        mark = self.log_mark()
        self._ovs_flows("save", script)
        self._ovs_flows("wait")     # ovs-ctl does that while it is away
        host.stop("ovs-vswitchd")
        for path in sockets:
            assert not os.path.exists(path), path
        host.start_switch(wait=False)
        wait_until(lambda: all(map(os.path.exists, sockets)), 20,
                   "the bridges", 0.001)
        self._ovs_flows("restore", script)
        if controller:
            self.wait_in_order(mark, 2)
            # What it found restored it has left alone, but for the one
            # meter of each bridge, which ovs-save does not save.
            said = intent.new_log_lines(self.lab, mark, 1, bool, "a log")
            fought = [line for line in said for n in re.findall(
                r"\b(\d+) differences", line)
                if int(n) > 1]
            assert not fought, fought

    def _ovs_flows(self, *argv):
        done = subprocess.run(
            netns.command(self.h1.namespace,
                          [os.path.join(HERE, "ovs-flows.sh"), *argv]),
            env=self.h1.env, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise netns.LabError(f"ovs-flows {argv}: {done.stdout}")

    # -- without controller

    def make_bare(self):
        """Takes the controller away and leaves flows and groups."""
        self.lab.stop_controller()
        for host in (self.h1, self.h2):
            host.vsctl("del-manager")
            # The last controller goes, and all flows with it: they come back
            # from what was saved.
            saved = {b: (host.ofctl("dump-groups", b),
                         "\n".join(host.flows(b))) for b in BRIDGES}
            for bridge, (groups, _) in saved.items():
                host.vsctl("del-controller", bridge)
                groups = "\n".join(groups.splitlines()[1:])
                host.ofctl("del-groups", bridge)
                host.ofctl("add-groups", bridge, "-", input=groups + "\n")
                host.ofctl("replace-flows", bridge, "-",
                           input=flows_text(saved[bridge][1]))
            self.check_rows(host)
