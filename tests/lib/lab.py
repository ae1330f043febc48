# SPDX-License-Identifier: Apache-2.0
"""A fabric on one machine: the lab of quickstart, the tests and benchmarks.

    underlay namespace        Linux bridge br0, 172.31.0.1: vxfabricd runs here
      |        |        |
    host h1   host h2   stranger...   a namespace each
      own ovsdb-server and ovs-vswitchd (userspace datapath), br-phy with the
      uplink in it and the VTEP address on it, as native tunnelling wants
      |
    machines (VMs)            a namespace each, eth0; the other end of the veth
                              is an interface of br-tenant with an iface-id

    with Lab() as lab:
        h1, h2 = lab.add_hosts(2)
        lab.start_controller()
        h1.join("zone1")
        vm = h1.plug("acme-web-vm1", "02:00:00:00:00:01", ["10.0.0.1/24"])

All names begin with the lab's prefix; its files are in its folder under
/run/vxfabric-lab, the controller's state under /var/tmp. The folder names the
process that the lab belongs to: what a killed run left behind is found and
removed by the next one (reap_stale).
"""
import http.client
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import netns
import ping as pinger
from netns import LabError, wait_until
from ovs import OvsHost

RUN = "/run/vxfabric-lab"
# What the controller keeps lies on a disk, where fsync costs what it costs.
STATE = "/var/tmp/vxfabric-lab"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BIN = os.environ.get("VXFABRIC_BIN") or os.path.join(TOP, "build", "bin")
UNDERLAY = ipaddress.ip_network("172.31.0.0/16")
UNDERLAY6 = ipaddress.ip_network("fd31::/64")
CONTROLLER = "172.31.0.1"
# A path between hosts and controller that no switch of the lab is on.
MANAGEMENT = ipaddress.ip_network("172.30.0.0/16")
UNDERLAY_MTU = 1600
API_PORT = 8080


def _start_time(pid):
    """When a process started, in ticks; None if there is none. With the pid
    it names a process for good."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def kill_and_wait(pids, deadline_s=5):
    """SIGTERM, then SIGKILL to those that stay."""
    alive = {pid: _start_time(pid) for pid in pids}

    def gone():
        for pid in [p for p, t in alive.items()
                    if t is None or _start_time(p) != t or _is_zombie(p)]:
            del alive[pid]
        return not alive

    for number, patience_s in ((signal.SIGTERM, 1), (signal.SIGKILL,
                                                     deadline_s)):
        for pid in list(alive):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        try:
            wait_until(gone, patience_s, lambda: f"end of {sorted(alive)}")
            return
        except LabError:
            if number == signal.SIGKILL:
                raise


def _is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def destroy(prefix):
    """Removes everything of the lab of that prefix, whoever made it."""
    mine = [n for n in netns.names() if n.startswith(prefix + "-")]
    pids = set()
    for name in mine:
        pids.update(netns.pids_in(name))
    if pids:
        kill_and_wait(pids)
    netns.delete(mine)
    for folder in (STATE, RUN):
        shutil.rmtree(os.path.join(folder, prefix), ignore_errors=True)


def owner_alive(prefix):
    """Whether the process that made the lab is there still."""
    try:
        with open(os.path.join(RUN, prefix, "owner"),
                  encoding="ascii") as file:
            pid, started = file.read().split()
    except (OSError, ValueError):
        return False
    return _start_time(pid) == started and not _is_zombie(pid)


def reap_stale():
    """Removes the labs whose process is no longer there, but not the kept
    ones. Returns their prefixes."""
    reaped = []
    try:
        prefixes = sorted(os.listdir(RUN))
    except FileNotFoundError:
        return reaped
    for prefix in prefixes:
        folder = os.path.join(RUN, prefix)
        if prefix.startswith(".") or os.path.exists(
                os.path.join(folder, "kept")):
            continue
        if not owner_alive(prefix):
            destroy(prefix)
            reaped.append(prefix)
    return reaped


def send_frame(namespace, frame, device="eth0"):
    """Puts a frame on a namespace's wire as it is."""
    with netns.open_socket(namespace, socket.AF_PACKET,
                           socket.SOCK_RAW) as sock:
        sock.bind((device, 0))
        sock.send(frame)


class Machine:
    """What a tenant runs: a namespace with one interface, eth0."""

    def __init__(self, host, namespace, iface_id, mac, ips, tap):
        self.host = host
        self.namespace = namespace
        self.iface_id = iface_id
        self.mac = mac
        self.ips = [str(ipaddress.ip_interface(ip).ip) for ip in ips]
        self.tap = tap

    def __repr__(self):
        return f"<{self.iface_id} on {self.host.name}>"

    @property
    def ipv4(self):
        """First IPv4 address."""
        return next(ip for ip in self.ips if ":" not in ip)

    @property
    def ipv6(self):
        """First IPv6 address."""
        return next(ip for ip in self.ips if ":" in ip)

    def run(self, *argv, **kwargs):
        """Runs a command in the machine."""
        return netns.run(netns.command(self.namespace, argv), **kwargs)

    def ping(self, address, *, deadline_s=5.0):
        """Whether the address answers within the deadline."""
        done = pinger.ping_many([(self, address)], deadline_s=deadline_s)
        return not done.silent()

    def send(self, frame):
        """Puts a frame on the machine's wire as it is."""
        send_frame(self.namespace, frame)

    def capture(self):
        """Starts to record what arrives at eth0; see Capture."""
        return Capture(self.namespace, "eth0")


class Capture:
    """Frames that arrived at an interface since it was made."""

    def __init__(self, namespace, device):
        self.sock = netns.open_socket(namespace, socket.AF_PACKET,
                                      socket.SOCK_RAW, socket.htons(3))
        self.sock.bind((device, 3))
        self.seen = []

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.sock.close()

    def wait_for(self, match, deadline_s):
        """First frame that arrived, and for which match(frame), within the
        deadline; None if there is none. Frames that went out do not count."""
        for frame in self.seen:
            if match(frame):
                return frame
        end = time.monotonic() + deadline_s
        while True:
            self.sock.settimeout(max(end - time.monotonic(), 0.000001))
            try:
                frame, address = self.sock.recvfrom(65536)
            except (BlockingIOError, socket.timeout):
                return None
            if address[2] != socket.PACKET_OUTGOING:
                self.seen.append(frame)
                if match(frame):
                    return frame


class Host(OvsHost):
    """A compute host: a namespace, its Open vSwitch, its machines."""

    def __init__(self, lab, name, number):
        self.lab = lab
        self.number = number
        self.vtep = str(UNDERLAY[256 + number])
        self.vtep6 = str(UNDERLAY6[256 + number])
        super().__init__(name, lab.namespace(name), lab.path(name),
                         f"02:76:78:00:{number >> 8:02x}:{number & 255:02x}",
                         UNDERLAY_MTU)
        self.machines = []

    def netctl(self, *argv, **kwargs):
        """netctl as a person types it on this host."""
        return self.lab.netctl(*argv, namespace=self.namespace, **kwargs)

    def join_command(self, zone, controller=None):
        """The words after `netctl`."""
        return ["host", "join", "--controller",
                f"tcp:{controller or self.lab.address}",
                "--zone", zone, "--name", self.name,
                "--db", f"unix:{self.db}", "--datapath", "netdev",
                *(["--vtep", self.vtep] if self.lab.management else [])]

    def join(self, zone, *extra, **kwargs):
        """`netctl host join` on this host."""
        return self.netctl(*self.join_command(zone), *extra, **kwargs)

    def plug(self, iface_id, mac, ips, **kwargs):
        """Makes a machine on this host; see Lab.plug."""
        return self.lab.plug([dict(host=self, iface_id=iface_id, mac=mac,
                                   ips=ips, **kwargs)])[0]

    def unplug(self, machine):
        """Powers a machine off: interface and namespace go."""
        self.lab.unplug([machine])


class Lab:
    """Everything above, and its removal.

    management: hosts reach the controller on a network of its own, as in
    most data centres, instead of through br-phy, that is through the very
    ovs-vswitchd that is controlled.
    threads: see OvsHost.use_threads()."""

    def __init__(self, prefix=None, keep=False, management=False,
                 threads=False):
        if os.geteuid():
            raise LabError("the lab makes network namespaces: run as root")
        reap_stale()
        if prefix and owner_alive(prefix):
            raise LabError(f"the lab \"{prefix}\" is in use by another "
                           "process")
        self.prefix = prefix or f"vxl{os.getpid()}"
        self.keep = keep
        self.management = management
        self.threads = threads
        self.address = str(MANAGEMENT[1]) if management else CONTROLLER
        self.state_dir = os.path.join(STATE, self.prefix)
        self.hosts = {}
        self.machines = []
        self.strangers = 0
        self.controller = None
        self.program = os.path.join(BIN, "vxfabricd")
        self.serial = 0
        self.sysctls_before = {}
        destroy(self.prefix)
        self._claim()
        try:
            self._make_underlay()
        except BaseException:
            destroy(self.prefix)
            raise

    def _claim(self):
        # The folder appears with its owner in it, by a rename: another
        # process that looks for stale labs never sees one without.
        os.makedirs(RUN, exist_ok=True)
        fresh = tempfile.mkdtemp(prefix=".new-", dir=RUN)
        with open(os.path.join(fresh, "owner"), "w",
                  encoding="ascii") as file:
            file.write(f"{os.getpid()} {_start_time(os.getpid())}\n")
        os.chmod(fresh, 0o755)
        os.rename(fresh, self.path())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Removes everything, unless the lab is to be kept."""
        if self.keep:
            return
        destroy(self.prefix)
        netns.sysctl(self.sysctls_before)
        children = [self.controller] if self.controller else []
        for host in self.hosts.values():
            children += host.processes.values()
        for child in children:
            child.wait(5)

    def keep_running(self):
        """From now on only destroy(prefix) removes the lab."""
        self.keep = True
        with open(self.path("kept"), "w", encoding="ascii"):
            pass

    def namespace(self, name):
        """Full name of a namespace of this lab."""
        return f"{self.prefix}-{name}"

    def path(self, *parts):
        """A path in the folder of this lab."""
        return os.path.join(RUN, self.prefix, *parts)

    # -- underlay and hosts

    def _make_underlay(self):
        self.underlay = self.namespace("underlay")
        netns.ip_batch([f"netns add {self.underlay}"])
        with netns.inside(self.underlay):
            netns.prepare()
        netns.ip_batch([
            "link set lo up",
            f"link add br0 mtu {UNDERLAY_MTU} type bridge forward_delay 0"
            " mcast_snooping 0",
            f"addr add {CONTROLLER}/{UNDERLAY.prefixlen} dev br0",
            f"addr add {UNDERLAY6[1]}/{UNDERLAY6.prefixlen} dev br0 nodad",
            "link set br0 up"], self.underlay)
        with netns.inside(self.underlay):
            netns.tx_checksum_off("br0")
        if self.management:
            netns.ip_batch([
                "link add mgmt type bridge forward_delay 0 mcast_snooping 0",
                f"addr add {self.address}/{MANAGEMENT.prefixlen} dev mgmt",
                "link set mgmt up"], self.underlay)

    def _wire(self, names):
        """A namespace per name, its eth0 on the underlay bridge."""
        batch = []
        for name in names:
            batch += [
                f"netns add {self.namespace(name)}",
                f"link add {name} netns {self.underlay} mtu {UNDERLAY_MTU}"
                f" type veth peer name eth0 netns {self.namespace(name)}"
                f" mtu {UNDERLAY_MTU}"]
        netns.ip_batch(batch)
        netns.ip_batch((f"link set {name} master br0 up" for name in names),
                       self.underlay)
        for name in names:
            with netns.inside(self.namespace(name)):
                netns.prepare()
                netns.tx_checksum_off("eth0")
        with netns.inside(self.underlay):
            for name in names:
                netns.tx_checksum_off(name)

    def _wire_management(self, host):
        netns.ip_batch([
            f"link add m-{host.name} netns {self.underlay} type veth"
            f" peer name mgmt0 netns {host.namespace}"])
        netns.ip_batch([f"link set m-{host.name} master mgmt up"],
                       self.underlay)
        netns.ip_batch([
            f"addr add {MANAGEMENT[256 + host.number]}"
            f"/{MANAGEMENT.prefixlen} dev mgmt0",
            "link set mgmt0 up"], host.namespace)

    def add_hosts(self, count, names=None):
        """More hosts, h1, h2, ... or of these names, with Open vSwitch
        running; their list."""
        first = len(self.hosts) + 1
        names = names or [f"h{n}" for n in range(first, first + count)]
        hosts = [Host(self, name, n) for n, name in enumerate(names, first)]
        self._wire([h.name for h in hosts])
        for host in hosts:
            self.hosts[host.name] = host
            netns.ip_batch(["link set lo up", "link set eth0 up"],
                           host.namespace)
            if self.management:
                self._wire_management(host)
            if self.threads:
                host.use_threads()
            host.start_database()
        for host in hosts:
            host.start_switch(wait=False)
        for host in hosts:
            host.finish_start([
                f"addr add {host.vtep}/{UNDERLAY.prefixlen} dev br-phy",
                f"addr add {host.vtep6}/{UNDERLAY6.prefixlen} dev br-phy"
                " nodad"])
        return hosts

    def add_stranger(self, address=None):
        """A namespace on the underlay that is no host of the fabric: where
        hostile packets come from. Returns (namespace name, address)."""
        self.strangers += 1
        name = f"x{self.strangers}"
        address = address or str(UNDERLAY[65000 + self.strangers])
        self._wire([name])
        # The bridge does not learn there: a forged source moves nobody.
        netns.ip_batch([f"link set {name} type bridge_slave learning off"],
                       self.underlay)
        netns.ip_batch([
            "link set lo up", "link set eth0 up",
            f"addr add {address}/{UNDERLAY.prefixlen} dev eth0"],
            self.namespace(name))
        return self.namespace(name), address

    # -- machines

    def plug(self, wanted):
        """Makes machines, many at once, and returns them in order.

        wanted: dicts of host, iface_id, mac, ips ("10.0.0.1/24", ...) and
        optionally mtu (1450), gateway, bridge ("br-tenant"), dad (False).
        The interface carries external_ids:iface-id as libvirt would set it.
        """
        machines = []
        batch = []
        if len(self.machines) + len(wanted) > 30:
            self._make_room_for_neighbours()
        for want in wanted:
            self.serial += 1
            tap = f"tap{self.serial}"
            machine = Machine(want["host"], self.namespace(f"m{self.serial}"),
                              want["iface_id"], want["mac"], want["ips"], tap)
            machines.append(machine)
            mtu = want.get("mtu", 1450)
            batch += [
                f"netns add {machine.namespace}",
                f"link add {tap} netns {machine.host.namespace} mtu {mtu}"
                f" type veth peer name eth0 netns {machine.namespace}"
                f" mtu {mtu} address {machine.mac}"]
        netns.ip_batch(batch)
        by_host = {}
        for machine, want in zip(machines, wanted):
            by_host.setdefault(machine.host, []).append((machine, want))
            with netns.inside(machine.namespace):
                netns.prepare(want.get("dad", False))
                netns.tx_checksum_off("eth0")
            netns.ip_batch(_machine_addresses(machine, want),
                           machine.namespace)
        for host, pairs in by_host.items():
            with netns.inside(host.namespace):
                for machine, _ in pairs:
                    netns.as_tap(machine.tap)
            netns.ip_batch((f"link set {m.tap} up" for m, _ in pairs),
                           host.namespace)
            host.add_interfaces([
                (w.get("bridge", "br-tenant"), m.tap, m.iface_id, m.mac)
                for m, w in pairs])
            host.machines += [m for m, _ in pairs]
        self.machines += machines
        return machines

    def _make_room_for_neighbours(self):
        # The kernel counts the neighbours of all namespaces together and
        # refuses to resolve one more than gc_thresh3, 1024 by default.
        for family in ("ipv4", "ipv6"):
            for number, room in ((1, 65536), (2, 98304), (3, 131072)):
                name = f"net/{family}/neigh/default/gc_thresh{number}"
                try:
                    with open(f"/proc/sys/{name}", encoding="ascii") as file:
                        before = int(file.read())
                    if before < room:
                        netns.sysctl({name: room})
                        self.sysctls_before[name] = before
                except OSError:
                    pass    # not in the first namespace: not ours to change

    def unplug(self, machines):
        """Powers machines off."""
        by_host = {}
        for machine in machines:
            by_host.setdefault(machine.host, []).append(machine)
            machine.host.machines.remove(machine)
            self.machines.remove(machine)
        for host, mine in by_host.items():
            host.delete_interfaces([m.tap for m in mine])
        netns.ip_batch(f"netns del {m.namespace}" for m in machines)

    # -- controller

    @property
    def api(self):
        """ADDR of the controller's API."""
        return f"unix:{self.path('run', 'api.sock')}"

    def controller_command(self, *extra):
        """vxfabricd with the options it has in the lab."""
        return [self.program,
                "--state-dir", self.state_dir,
                "--run-dir", self.path("run"),
                "--api", self.api, "--api", f"tcp:{CONTROLLER}:{API_PORT}",
                "--ovsdb", f"tcp:{self.address}:6640",
                "--openflow", f"tcp:{self.address}:6653", *extra]

    def start_controller(self, *extra, deadline_s=60):
        """Starts vxfabricd in the underlay namespace; back when it answers.
        Its log is path("vxfabricd.log")."""
        for folder in (self.state_dir, self.path("run")):
            os.makedirs(folder, exist_ok=True)
        with open(self.path("vxfabricd.log"), "ab") as log:
            self.controller = subprocess.Popen(
                netns.command(self.underlay, self.controller_command(*extra)),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)

        def healthy():
            if self.controller.poll() is not None:
                raise LabError(
                    f"vxfabricd ended with {self.controller.returncode}:\n"
                    f"{self.log_tail()}")
            try:
                return self.http("GET", "/healthz")[0] == 200
            except OSError:
                return False

        wait_until(healthy, deadline_s,
                   lambda: f"vxfabricd to answer:\n{self.log_tail()}")
        return self.controller

    def stop_controller(self, number=signal.SIGTERM, deadline_s=60):
        """Ends vxfabricd with a signal (SIGKILL: a crash); exit status."""
        self.controller.send_signal(number)
        status = self.controller.wait(deadline_s)
        self.controller = None
        return status

    def log_tail(self, lines=20):
        """Last lines of the controller's log."""
        try:
            with open(self.path("vxfabricd.log"), encoding="utf-8",
                      errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return "(no log)"

    def netctl(self, *argv, check=True, namespace=None, timeout=60, **kwargs):
        """Runs netctl against this lab's controller."""
        env = dict(os.environ, NETCTL_SERVER=self.api)
        argv = [os.path.join(BIN, "netctl"), *map(str, argv)]
        return netns.run(netns.command(namespace, argv), check=check, env=env,
                         timeout=timeout, **kwargs)

    def netctl_json(self, *argv, **kwargs):
        """What `netctl -o json ...` prints, decoded."""
        return json.loads(self.netctl("-o", "json", *argv, **kwargs).stdout)

    def http(self, method, path, body=None, headers=None, timeout=60):
        """One API request; (status, decoded body or text)."""
        connection = connect_api(self.api, timeout)
        try:
            return request(connection, method, path, body, headers)
        finally:
            connection.close()

    # -- pings

    @staticmethod
    def ping_many(pairs, **kwargs):
        """See ping.ping_many; (machine, address) pairs."""
        return pinger.ping_many(pairs, **kwargs)

    @staticmethod
    def ping_count(pairs, count, **kwargs):
        """See ping.ping_count."""
        return pinger.ping_count(pairs, count, **kwargs)


def _machine_addresses(machine, want):
    lines = ["link set lo up"]
    if not want.get("dad", False):
        # A link-local address of the same form as the kernel's, at once.
        lines.append("link set eth0 addrgenmode none")
    lines.append("link set eth0 up")
    for address in want["ips"]:
        flag = " nodad" if ":" in address and not want.get("dad") else ""
        lines.append(f"addr add {address} dev eth0{flag}")
    if not want.get("dad", False):
        lines.append(f"addr add {link_local(machine.mac)}/64 dev eth0 nodad")
    if want.get("gateway"):
        lines.append(f"route add default via {want['gateway']}")
    return lines


def link_local(mac):
    """The EUI-64 link-local address of a MAC."""
    octets = bytes.fromhex(mac.replace(":", ""))
    packed = (b"\xfe\x80" + bytes(6) + bytes([octets[0] ^ 2]) + octets[1:3]
              + b"\xff\xfe" + octets[3:])
    return str(ipaddress.IPv6Address(packed))


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.unix_path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.unix_path)


def connect_api(address, timeout=60):
    """A connection to unix:PATH or tcp:IP:PORT that takes many requests."""
    kind, rest = address.split(":", 1)
    if kind == "unix":
        return _UnixConnection(rest, timeout)
    host, port = rest.rsplit(":", 1)
    return http.client.HTTPConnection(host, int(port), timeout=timeout)


def request(connection, method, path, body=None, headers=None):
    """One request; body is bytes, or something to encode as JSON."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, text
