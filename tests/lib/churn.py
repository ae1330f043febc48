# SPDX-License-Identifier: Apache-2.0
"""Random life of a fabric: ports come, go, move, are plugged and unplugged,
while hosts and the controller fail and come back; and, once it is quiet, what
has to be true.

    Churn        picks and carries out one thing after another (one thread)
    Sockets      machines made before, to be plugged as any port
    Faults       what is broken at the moment, and until when
    judge.py     what ought to be

Requests to the API go one after the other and are repeated until they are
answered, so that a controller that is killed in the middle leaves no doubt:
all of them are idempotent.
"""
import collections
import http.client
import itertools
import os
import random
import signal
import time

import faults
import intent
import netns
from lab import Machine
from netns import LabError

TENANTS, NETWORKS = 3, 4
PREFIX4, PREFIX6 = 16, 64


class Down(Exception):
    """No controller to talk to."""


class Port:
    """A port as it was acknowledged, and what is plugged."""

    def __init__(self, tenant, network, name, host):
        self.tenant, self.network, self.name = tenant, network, name
        self.path = intent.path(tenant, network, port=name)
        self.host = host            # intent, or None
        self.body = {}              # last acknowledged
        self.seen = {}              # last looked at
        self.sockets = []           # plugged, the newest last
        self.busy = False           # a request is on its way
        self.exists = False
        self.serial = 0

    def __repr__(self):
        return f"<{self.path} host={self.host} plugged={self.sockets}>"


class Socket(Machine):
    """A machine that is there all along and becomes what is plugged."""

    def __init__(self, host, namespace, tap):
        super().__init__(host, namespace, None, None, [], tap)
        self.port = None

    def __repr__(self):
        return f"{self.tap}@{self.host.name}"

    def become(self, port):
        """Takes over the addresses of the port."""
        body = port.body
        self.iface_id, self.mac = body["iface_id"], body["mac"]
        self.ips = list(body["ips"])
        self.port = port
        lines = ["link set eth0 down", "addr flush dev eth0",
                 f"link set eth0 address {self.mac}", "link set eth0 up"]
        for ip in self.ips:
            lines.append(f"addr add {ip}/{PREFIX6} dev eth0 nodad"
                         if ":" in ip else
                         f"addr add {ip}/{PREFIX4} dev eth0")
        netns.ip_batch(lines, self.namespace)


def make_sockets(lab, per_host):
    """{host name: [Socket]}"""
    found, batch, numbers = {}, [], itertools.count(1)
    for host in lab.hosts.values():
        mine = found[host.name] = []
        for _ in range(per_host):
            number = next(numbers)
            one = Socket(host, lab.namespace(f"s{number}"), f"tap{number}")
            mine.append(one)
            batch += [f"netns add {one.namespace}",
                      f"link add {one.tap} netns {host.namespace} mtu 1450"
                      f" type veth peer name eth0 netns {one.namespace}"
                      " mtu 1450"]
    netns.ip_batch(batch)
    for host in lab.hosts.values():
        with netns.inside(host.namespace):
            for one in found[host.name]:
                netns.as_tap(one.tap)
        netns.ip_batch((f"link set {s.tap} up" for s in found[host.name]),
                       host.namespace)
        for one in found[host.name]:
            with netns.inside(one.namespace):
                netns.prepare()
                netns.tx_checksum_off("eth0")
            netns.ip_batch(["link set lo up",
                            "link set eth0 addrgenmode none"],
                           one.namespace)
    return found


class Churn:
    """The life of a lab whose hosts have joined."""

    def __init__(self, lab, seed, *, ports=300, sockets=20, options=()):
        self.lab = lab
        self.random = random.Random(seed)
        self.target = ports
        self.options = options
        self.sockets = make_sockets(lab, sockets)
        self.ports = {}             # path: Port, those that go included
        self.networks = set()       # (tenant, network) acknowledged
        self.requests = collections.deque()
        self.api = None
        self.count = collections.Counter()
        self.refused = []           # answers that should not have been
        self.slowest = (0, "")
        self.delayed = []           # (when, what to do)
        self.serial = 0
        self.faults = Faults(self)

    # -- requests

    def ask(self, method, where, body=None):
        """(status, answer), or Down."""
        started = time.monotonic()
        try:
            if not self.api:
                self.api = intent.Api(self.lab.api, timeout=30)
            status, answer = self.api.call(method, where, body)
        except (OSError, http.client.HTTPException) as error:
            self.disconnect()
            raise Down(str(error)) from None
        took = time.monotonic() - started
        self.slowest = max(self.slowest, (took, f"{method} {where}"))
        return status, answer

    def disconnect(self):
        """The connection is of no use any more."""
        if self.api:
            self.api.connection.close()
            self.api = None

    def later(self, method, where, body, done):
        """Queues a request; done(answer) once it is acknowledged."""
        self.requests.append((method, where, body, done))

    def flush(self):
        """Sends what is queued; whether nothing is left."""
        while self.requests:
            method, where, body, done = self.requests[0]
            try:
                status, answer = self.ask(method, where, body)
            except Down:
                return False
            if status in (429, 503):
                return False        # asked again
            self.requests.popleft()
            # The port of a move may still be on its way by another one.
            if not (200 <= status < 300
                    or (status == 404 and method == "DELETE")
                    or (status == 412 and "migrate_from" in (body or {}))):
                self.refused.append(f"{method} {where} {body}: {status} "
                                    f"{answer}")
            done(answer)
        return True

    # -- ports

    def idle(self, wanted=lambda port: True):
        """A port that exists and has no request under way."""
        found = [p for p in self.ports.values()
                 if p.exists and not p.busy and wanted(p)]
        return self.random.choice(found) if found else None

    def some_host(self, but=None):
        """A host's name; one that takes ports."""
        names = [n for n in self.lab.hosts
                 if n != but and f"drain {n}" not in self.faults.under_way]
        return self.random.choice(names or list(self.lab.hosts))

    def free_socket(self, host):
        """A socket of the host that is not plugged, if its OVSDB takes
        it."""
        found = [s for s in self.sockets[host] if not s.port]
        if not found or not self.faults.has_database(host):
            return None
        return self.random.choice(found)

    def put_port(self, port, **more):
        """Creates or changes a port; what is plugged follows."""
        body = {"description": f"turn {self.serial}", **more}
        if port.host:
            body["host"] = port.host

        def done(answer):
            port.busy = False
            if isinstance(answer, dict) and "mac" in answer:
                port.body, port.exists = answer, True

        port.busy = True
        self.later("PUT", port.path, body, done)

    def delete_port(self, port):
        """The port goes, plugged or not."""
        def done(_answer):
            self.ports.pop(port.path, None)
            port.exists = False
            for socket in list(port.sockets):
                self.unplug(socket)

        port.busy = True
        self.later("DELETE", port.path, None, done)

    def plug(self, socket, port):
        """The machine becomes the port's, and its tap is plugged."""
        socket.become(port)
        port.sockets.append(socket)
        socket.host.vsctl(
            "--no-wait", "--may-exist", "add-port", "br-tenant", socket.tap,
            "--", "set", "Interface", socket.tap,
            f'external_ids:iface-id="{socket.iface_id}"',
            f'external_ids:attached-mac="{socket.mac}"')

    def unplug(self, socket):
        """Power off; put off while the database is away."""
        if not self.faults.has_database(socket.host.name):
            self.faults.afterwards(socket.host.name,
                                   lambda: self.unplug(socket))
            return
        if socket.port:
            socket.host.vsctl("--no-wait", "--if-exists", "del-port",
                              "br-tenant", socket.tap)
            socket.port.sockets.remove(socket)
            socket.port = None

    # -- one thing after the other

    def step(self):
        """One thing, if there is something to be done."""
        self.serial += 1
        if not self.flush() and len(self.requests) > 50:
            return
        for name, weight in self.weights():
            if self.random.random() < weight:
                getattr(self, f"do_{name}")()
                self.count[name] += 1
                self.flush()
                return
        self.do_toggle()
        self.count["toggle"] += 1

    def weights(self):
        """What may happen, and how likely, one after the other."""
        room = 0.3 + 2 * (1 - len(self.ports) / self.target)
        room = min(max(room, 0), 1)
        return (("add", 0.5 * room), ("add_many", 0.03 * room),
                ("delete", 0.35 * (1 - room)), ("move", 0.15),
                ("roam", 0.1), ("change", 0.1), ("network", 0.03),
                ("misplace", 0.03), ("migrate", 0.1))

    def new_port(self):
        """A port that is not there yet, in a network that is."""
        if not self.networks:
            return None
        self.serial += 1
        tenant, network = self.random.choice(sorted(self.networks))
        host = self.some_host() if self.random.random() < 0.7 else None
        port = Port(tenant, network, f"p{self.serial}", host)
        self.ports[port.path] = port
        return port

    def do_add(self):
        """A port, sometimes with an interface right after."""
        port = self.new_port()
        if not port:
            self.do_network()
            return
        self.put_port(port)

    def do_add_many(self):
        """A batch."""
        ports = [self.new_port() for _ in range(self.random.randint(2, 20))]
        ports = [p for p in ports if p]
        for port in ports:
            port.busy = True

        def done(_answer):
            for port in ports:      # their addresses are in no batch's reply
                self.put_port(port)

        ops = [intent.put(p.path, **({"host": p.host} if p.host else {}))
               for p in ports]
        if ops:
            self.later("POST", "/v1/batch", ops, done)

    def do_delete(self):
        """A port goes."""
        port = self.idle()
        if port:
            self.delete_port(port)

    def do_toggle(self):
        """A port that is not plugged is, one that is no longer is."""
        port = self.idle()
        if port and port.sockets:
            self.unplug(port.sockets[-1])
        elif port:
            socket = self.free_socket(port.host or self.some_host())
            if socket:
                self.plug(socket, port)

    def do_move(self):
        """To another host, by intent; the interface goes along, before or
        after, or stays where it is for now."""
        port = self.idle(lambda p: p.host)
        goal = port and self.some_host(port.host)
        if not port or f"drain {goal}" in self.faults.under_way:
            return
        port.host = goal
        target = self.free_socket(port.host)
        order = self.random.randrange(3)
        old = list(port.sockets)
        if order == 0:
            for socket in old:
                self.unplug(socket)
        self.put_port(port)
        if order < 2 and target and old:
            self.plug(target, port)
        if order == 1:
            for socket in old:
                self.unplug(socket)

    def do_roam(self):
        """A port without host follows its interface."""
        port = self.idle(lambda p: not p.host and p.sockets)
        if not port:
            return
        old = port.sockets[-1]
        target = self.free_socket(self.some_host(old.host.name))
        if target and self.random.random() < 0.5:
            self.plug(target, port)     # both are there for a moment
            self.unplug(old)
        elif target:
            self.unplug(old)
            self.plug(target, port)

    def do_migrate(self):
        """Live, to another host: its interface comes before the request is
        answered, later or never; the old one goes, stays, or the move is
        given up."""
        port = self.idle(lambda p: p.host in {
            s.host.name for s in p.sockets})
        goal = port and self.some_host(port.host)
        target = port and self.free_socket(goal)
        if not target or f"drain {goal}" in self.faults.under_way:
            return
        old, leaving = port.host, port.sockets[-1]
        hold = self.random.random() < 0.2
        self.patch_port(port, host=goal, migrate_from=old,
                        **({"migrate_hold": True} if hold else {}))
        plan = self.random.choice(("now", "later", "later", "never", "back"))
        if plan == "now":
            self.plug(target, port)
        elif plan == "later":
            self.after(3, lambda: port.host == goal and not target.port
                       and self.faults.has_database(goal)
                       and self.plug(target, port), port)
        elif plan == "back":
            self.after(3, lambda: port.host == goal and self.patch_port(
                port, host=old, migrate_from=None), port)
            return
        if hold:
            self.after(5, lambda: port.host == goal and self.patch_port(
                port, migrate_from=None), port)
        self.after(6, lambda: leaving.port is port and self.unplug(leaving),
                   port)

    def patch_port(self, port, **body):
        """Changes members of a port."""
        def done(answer):
            port.busy = False
            if isinstance(answer, dict) and "mac" in answer:
                port.body = answer
            else:
                port.host = port.body["host"]

        port.busy = True
        port.host = body.get("host", port.host)
        self.later("PATCH", port.path, body, done)

    def after(self, most_s, what, port):
        """Does it some time within most_s, if the port is idle then."""
        def act():
            if port.exists and not port.busy:
                what()

        self.delayed.append((time.monotonic()
                             + self.random.uniform(0, most_s), act))

    def do_delayed(self, all_of_them=False):
        """What is due."""
        now = time.monotonic()
        due = [d for d in self.delayed if all_of_them or d[0] <= now]
        self.delayed = [d for d in self.delayed if d not in due]
        for _, what in due:
            what()

    def do_change(self):
        """Something else about a port."""
        port = self.idle()
        if port:
            self.patch_port(port, guard=self.random.random() < 0.8)

    def do_misplace(self):
        """An interface on a host where the port may not be."""
        port = self.idle(lambda p: p.host and not p.sockets)
        if port:
            socket = self.free_socket(self.some_host(port.host))
            if socket:
                self.plug(socket, port)

    def do_network(self):
        """A network comes, or one goes with all that is in it."""
        tenant = f"t{self.random.randrange(TENANTS)}"
        network = f"n{self.random.randrange(NETWORKS)}"
        key = tenant, network
        mine = [p for p in self.ports.values()
                if (p.tenant, p.network) == key]
        if key not in self.networks:
            self.make_network(tenant, network)
        elif not any(p.busy for p in mine) and (
                len(mine) < self.target / 8):
            for port in mine:
                self.delete_port(port)
            self.networks.discard(key)
            for subnet in ("10.0.0.0/16", "fd00::/64"):
                self.later("DELETE", intent.path(tenant, network,
                                                 subnet=subnet), None,
                           lambda _answer: None)
            self.later("DELETE", intent.path(tenant, network), None,
                       lambda _answer: None)

    def make_network(self, tenant, network):
        """A network of two subnets."""
        def done(_answer):
            self.networks.add((tenant, network))

        self.later("POST", "/v1/batch", [
            intent.put(intent.path(tenant)),
            intent.put(intent.path(tenant, network)),
            # The same prefix in all of them, so none is routed.
            intent.put(intent.path(tenant, network, subnet="10.0.0.0/16"),
                       route=False),
            intent.put(intent.path(tenant, network, subnet="fd00::/64"),
                       route=False)],
            done)

    # -- life

    def populate(self):
        """All networks and as many ports as there are on average."""
        for tenant in range(TENANTS):
            for network in range(NETWORKS):
                self.make_network(f"t{tenant}", f"n{network}")
        self.flush()
        while len(self.ports) < self.target:
            self.serial += 1
            self.do_add()
            self.flush()
        for _ in range(self.target):
            self.do_toggle()

    def live(self, seconds, *, per_second, faults_on=None, tick=None):
        """So many seconds; tick(now) once per step, faults of the kinds
        given."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            next_step = time.monotonic() + self.random.expovariate(per_second)
            self.faults.turn(faults_on)
            if tick:
                tick(time.monotonic())
            self.do_delayed()
            self.step()
            netns.wait_until(lambda t=next_step: time.monotonic() >= t, 60,
                             "the next step", 0.02)

    def quiesce(self, deadline_s=60):
        """No fault is left, nothing is on its way."""
        self.do_delayed(all_of_them=True)
        self.faults.end_all()
        netns.wait_until(self.flush, deadline_s, lambda:
                         f"{len(self.requests)} requests to be answered: "
                         f"{self.requests[0]}", 0.1)
        with intent.Api(self.lab.api) as api:
            api.wait_hosts(self.lab.hosts, deadline_s=deadline_s)


class Faults:
    """What is broken at the moment, at most one thing per host; and which
    hosts are being drained."""

    # kind: (mean seconds between two, shortest, longest)
    KINDS = {
        "ovsdb_cut": (25, 0.5, 10), "openflow_cut": (25, 0.5, 10),
        "both_cut": (40, 0.5, 10), "link_down": (40, 0.5, 8),
        "switch_restart": (40, 0, 3), "switch_killed": (40, 0, 3),
        "switch_frozen": (40, 0.5, 6), "database_restart": (60, 0, 3),
        "controller_killed": (90, 0, 3), "controller_restart": (180, 0, 3),
        "drain": (60, 2, 15),
    }

    def __init__(self, churn):
        self.churn = churn
        self.lab = churn.lab
        self.random = churn.random
        self.under_way = {}         # host name or "controller": (kind, end)
        self.put_off = collections.defaultdict(list)
        self.count = collections.Counter()
        self.next = {}
        self.often = 1              # how much more often than said

    def has_database(self, host):
        """Whether ovs-vsctl works there."""
        return self.under_way.get(host, ("",))[0] != "database_restart"

    def afterwards(self, host, what):
        """Done once the fault of the host is over."""
        self.put_off[host].append(what)

    def turn(self, kinds):
        """Ends what is over, starts what is due."""
        now = time.monotonic()
        for where, (kind, end) in list(self.under_way.items()):
            if now >= end:
                self.end(where, kind)
        for kind in kinds or ():
            mean, shortest, longest = self.KINDS[kind]
            mean /= self.often
            if kind not in self.next:
                self.next[kind] = now + self.random.expovariate(1 / mean)
            if now < self.next[kind]:
                continue
            self.next[kind] = now + self.random.expovariate(1 / mean)
            where = ("controller" if kind.startswith("controller")
                     else self.random.choice(list(self.lab.hosts)))
            if kind == "drain":
                where = f"drain {where}"
                # Some host has to take ports.
                if sum(w.startswith("drain ") for w in self.under_way) > 1:
                    continue
            if where not in self.under_way:
                self.start(where, kind)
                self.under_way[where] = (
                    kind, now + self.random.uniform(shortest, longest))
                self.count[kind] += 1

    def start(self, where, kind):
        """Breaks it."""
        if where == "controller":
            killed = "killed" in kind
            status = self.lab.stop_controller(
                signal.SIGKILL if killed else signal.SIGTERM, 60)
            self.churn.disconnect()
            if status and not killed:
                self.churn.refused.append(
                    f"vxfabricd told to stop ended with {status}: "
                    + self.lab.log_tail(60))
            return
        if kind == "drain":
            self.drain(where, True)
            return
        host = self.lab.hosts[where]
        if kind in ("ovsdb_cut", "both_cut"):
            faults.cut(host, faults.OVSDB)
        if kind in ("openflow_cut", "both_cut"):
            faults.cut(host, faults.OPENFLOW)
        elif kind == "link_down":
            netns.ip_batch([f"link set {where} down"], self.lab.underlay)
        elif kind in ("switch_restart", "switch_killed"):
            host.stop("ovs-vswitchd", signal.SIGKILL if "killed" in kind
                      else signal.SIGTERM)
        elif kind == "switch_frozen":
            host.processes["ovs-vswitchd"].send_signal(signal.SIGSTOP)
        elif kind == "database_restart":
            host.stop("ovsdb-server")

    def end(self, where, kind):
        """Mends it."""
        if where == "controller":
            self.lab.start_controller(*self.churn.options, deadline_s=30)
        elif kind == "drain":
            self.drain(where, False)
        else:
            self.mend(self.lab.hosts[where], kind)
        del self.under_way[where]
        for what in self.put_off.pop(where, ()):
            what()

    def drain(self, where, draining):
        """Not broken, but no place for new ports."""
        self.churn.later("PATCH", f"/v1/hosts/{where.split()[1]}",
                         {"draining": draining}, lambda _answer: None)

    def mend(self, host, kind):
        """The same for a host."""
        if kind in ("ovsdb_cut", "both_cut"):
            faults.mend(host, faults.OVSDB)
        if kind in ("openflow_cut", "both_cut"):
            faults.mend(host, faults.OPENFLOW)
        elif kind == "link_down":
            netns.ip_batch([f"link set {host.name} up"], self.lab.underlay)
        elif kind in ("switch_restart", "switch_killed"):
            host.start_switch(wait=False)
        elif kind == "switch_frozen":
            host.processes["ovs-vswitchd"].send_signal(signal.SIGCONT)
        elif kind == "database_restart":
            # A socket that is left over is no sign of life.
            if os.path.exists(host.db):
                os.unlink(host.db)
            host.start_database_server()
            netns.wait_until(lambda: netns.listens(host.db), 10,
                             f"database of {host.name}")

    def end_all(self):
        """Mends everything."""
        for where, (kind, _) in list(self.under_way.items()):
            self.end(where, kind)
        if self.put_off:
            raise LabError(f"left over: {self.put_off}")
