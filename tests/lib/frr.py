# SPDX-License-Identifier: Apache-2.0
"""FRR of its own in a namespace: zebra, bgpd, a reflector (`bgpd -Z`) and bfdd
as children, with their files and sockets in a folder of the lab, never the
system's.

    box = Box(lab, "gw1")               a namespace, and its own /run/netns
    frr = Frr(box, netns_vrfs=True)
    frr.write("zebra", ["vrf t1", " vni 5001", "exit-vrf"])
    frr.start("zebra")
    frr.json("bgpd", "show bgp summary json")

`zebra -n` takes EVERY file in /run/netns for a VRF, so a box has a mount
namespace with an empty one. What is made there is found from outside under
box.netns_path(NAME).
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess

import netns
from netns import LabError, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

DAEMONS = "/usr/lib/frr"
REFLECTOR_PORT = 1179
# How long zebra keeps the routes of its predecessor: `zebra -K`.
KEEP_S = 120
NETLINK_BUFFER = 90000000


class Box:
    """A namespace whose processes have a /run/netns of their own."""

    def __init__(self, lab, name, namespace=None):
        self.lab = lab
        self.name = name
        self.namespace = namespace or lab.namespace(name)
        self.folder = lab.path(f"{name}-frr")
        os.makedirs(self.folder, exist_ok=True)
        shutil.chown(self.folder, "frr", "frr")
        self.processes = {}
        # Ends with the namespace: destroy() of the lab ends what is in it.
        self.anchor = subprocess.Popen(
            netns.command(self.namespace, [
                # In a chroot / is no mount, but /run is.
                "unshare", "-m", "--propagation", "unchanged", "sh", "-c",
                "{ mount --make-rslave / || mount --make-rslave /run; }"
                " && mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns"
                " && echo ready && exec tail -f /dev/null >/dev/null"]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        if self.anchor.stdout.readline() != "ready\n":
            raise LabError(f"{name}: no mount namespace of its own")
        self.anchor.stdout.close()

    def command(self, argv, vrf=None):
        """argv as it runs in the box, or in one of its VRF namespaces."""
        path = (self.netns_path(vrf) if vrf
                else netns.path_of(self.namespace))
        return ["nsenter", f"--mount=/proc/{self.anchor.pid}/ns/mnt",
                f"--net={path}", f"--root=/proc/{self.anchor.pid}/root",
                "--", *map(str, argv)]

    def run(self, *argv, vrf=None, **kwargs):
        """Runs a command in the box."""
        return netns.run(self.command(argv, vrf), **kwargs)

    def ip(self, lines, vrf=None):
        """Lines of `ip -batch` in the box."""
        self.run("ip", "-batch", "-", vrf=vrf, input="\n".join(lines) + "\n")

    def netns_path(self, name):
        """A namespace that was made in the box, as netns.inside() takes it."""
        return f"/proc/{self.anchor.pid}/root{netns.RUN_NETNS}/{name}"

    def netns_names(self):
        """The namespaces that were made in the box."""
        return sorted(os.listdir(
            f"/proc/{self.anchor.pid}/root{netns.RUN_NETNS}"))

    def add_netns(self, name):
        """A namespace in the box, as vxgatewayd makes one for a tenant."""
        self.run("ip", "netns", "add", name)
        with netns.inside(self.netns_path(name)):
            netns.prepare()
            netns.sysctl({"net/ipv4/ip_forward": 1,
                          "net/ipv6/conf/all/forwarding": 1,
                          "net/ipv4/conf/all/rp_filter": 0,
                          "net/ipv4/icmp_ratemask": 0})
        netns.ip_batch(["link set lo up"], self.netns_path(name))

    # -- processes

    def spawn(self, name, argv, env=None):
        """Starts a program under a name; its output goes to NAME.out."""
        with open(os.path.join(self.folder, f"{name}.out"), "ab") as out:
            self.processes[name] = subprocess.Popen(
                self.command(argv), stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, env=env, start_new_session=True)
        return self.processes[name]

    def check_alive(self, name):
        """Refuses to go on with a program that has ended by itself."""
        status = self.processes[name].poll()
        if status is not None:
            raise LabError(f"{name} in {self.name} ended with {status}:\n"
                           f"{self.output(name)}")

    def output(self, name, lines=30):
        """What a program said last."""
        text = ""
        for suffix in ("out", "log"):
            try:
                with open(os.path.join(self.folder, f"{name}.{suffix}"),
                          encoding="utf-8", errors="replace") as file:
                    text += "".join(file.readlines()[-lines:])
            except OSError:
                pass
        return text

    def stop(self, name, number=signal.SIGTERM, deadline_s=60):
        """Ends a program with a signal; its exit status."""
        process = self.processes.pop(name)
        process.send_signal(number)
        return process.wait(deadline_s)

    def crashed(self):
        """Programs that have ended by themselves: {name: status}."""
        return {name: process.returncode
                for name, process in self.processes.items()
                if process.poll() is not None}


def as_unit(argv, without=()):
    """vxgatewayd with what its systemd unit leaves it, and no more."""
    with open(os.path.join(TOP, "examples/systemd/vxgatewayd.service"),
              encoding="utf-8") as file:
        allowed = re.search(r"^CapabilityBoundingSet=(.*)$", file.read(),
                            re.M)[1].split()
    names = ["-all"] + [f"+{name[4:].lower()}" for name in allowed
                        if name not in without]
    return ["setpriv", f"--bounding-set={','.join(names)}",
            "--no-new-privs", *argv]


class Vty:
    """A conversation with a daemon over its VTY socket, as vtysh has one."""

    def __init__(self, path, timeout_s=30):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout_s)
        self.sock.connect(path)
        self.say("enable")

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.sock.close()

    def say(self, command):
        """(text, status); status 0 is well."""
        self.sock.sendall(command.encode() + b"\0")
        data = b""
        while len(data) < 4 or data[-4:-1] != b"\0\0\0":
            more = self.sock.recv(1 << 20)
            if not more:
                raise LabError(f"VTY closed at \"{command}\"")
            data += more
        return data[:-4].decode("utf-8", "replace"), data[-1]

    def ask(self, command):
        """The answer to what has to go well."""
        text, status = self.say(command)
        if status:
            raise LabError(f"\"{command}\": {status} {text}")
        return text

    def configure(self, lines):
        """Lines of configuration, each of which has to be taken."""
        self.ask("configure terminal")
        for line in lines:
            self.ask(line.strip())
        self.ask("end")


class Frr:
    """The daemons of one machine. Their names: zebra, bgpd, reflector,
    bfdd. netns_vrfs: VRFs are the namespaces of the box."""

    def __init__(self, box, netns_vrfs=False, keep_s=KEEP_S):
        self.box = box
        self.netns_vrfs = netns_vrfs
        self.keep_s = keep_s
        self.zserv = os.path.join(box.folder, "zserv.api")
        for folder in (self.vty_dir("bgpd"), self.vty_dir("reflector")):
            os.makedirs(folder, exist_ok=True)
            shutil.chown(folder, "frr", "frr")
        for name in ("zebra", "bgpd", "reflector", "bfdd"):
            self.write(name, [])

    def vty_dir(self, name):
        """Where a daemon has its VTY socket."""
        return os.path.join(self.box.folder,
                            "vty-reflector" if name == "reflector" else "vty")

    def conf(self, name):
        """The configuration file of a daemon."""
        return os.path.join(self.box.folder, f"{name}.conf")

    def write(self, name, lines):
        """Writes a daemon's configuration file."""
        with open(self.conf(name), "w", encoding="ascii") as file:
            file.write("\n".join([f"hostname {self.box.name}", *lines, ""]))
        shutil.chown(self.conf(name), "frr", "frr")

    def argv(self, name):
        """The command line of a daemon."""
        program = "bgpd" if name == "reflector" else name
        words = [os.path.join(DAEMONS, program),
                 "--vty_socket", self.vty_dir(name),
                 "-f", self.conf(name), "-P", "0",
                 "-i", os.path.join(self.box.folder, f"{name}.pid"),
                 "--log", f"file:{self.box.folder}/{name}.log",
                 "--log-level", "info"]
        if name == "reflector":
            return words + ["-Z", "-p", str(REFLECTOR_PORT)]
        words += ["-z", self.zserv]
        if name == "zebra":
            words += ["-s", str(NETLINK_BUFFER)]
            words += ["-r", "-K", str(self.keep_s)] if self.keep_s else []
            words += ["-n"] if self.netns_vrfs else []
        if name == "bfdd":
            words += ["--bfdctl",
                      os.path.join(self.box.folder, "bfdd.sock")]
        return words

    def start(self, *names, deadline_s=60):
        """Starts daemons; back when they answer."""
        for name in names:
            for path in (self._vty_path(name),
                         *([self.zserv] if name == "zebra" else ())):
                if os.path.exists(path):
                    os.unlink(path)
            self.box.spawn(name, self.argv(name))
            wait_until(lambda who=name: self._answers(who), deadline_s,
                       lambda who=name: f"{who} in {self.box.name} to answer:"
                       f"\n{self.box.output(who)}")

    def _vty_path(self, name):
        program = "bgpd" if name == "reflector" else name
        return os.path.join(self.vty_dir(name), f"{program}.vty")

    def _answers(self, name):
        self.box.check_alive(name)
        try:
            with self.vty(name):
                return name != "zebra" or os.path.exists(self.zserv)
        except OSError:
            return False

    def stop(self, name, number=signal.SIGTERM):
        """Ends a daemon with a signal; its exit status."""
        return self.box.stop(name, number)

    # -- talking to them

    def vty(self, name):
        """A conversation with a daemon."""
        return Vty(self._vty_path(name))

    def show(self, name, command):
        """What a daemon says to a command."""
        with self.vty(name) as vty:
            return vty.ask(command)

    def json(self, name, command):
        """The same, decoded; {} for nothing."""
        text = self.show(name, command).strip()
        return json.loads(text) if text else {}

    def configure(self, name, lines):
        """Gives a daemon lines of configuration while it runs."""
        with self.vty(name) as vty:
            vty.configure(lines)

    def established(self, name="bgpd", vrf=None):
        """Peers whose session is up."""
        where = f" vrf {vrf}" if vrf else ""
        found = self.json(name, f"show bgp{where} neighbors json")
        return sorted(peer for peer, facts in found.items()
                      if isinstance(facts, dict)
                      and facts.get("bgpState") == "Established")

    def routes(self, vrf=None, family=4):
        """{prefix: facts of its routes} as zebra has them."""
        where = f" vrf {vrf}" if vrf else ""
        kind = "ip" if family == 4 else "ipv6"
        return self.json("zebra", f"show {kind} route{where} json")

    def bgp_routes(self, vrf=None, family=4, name="bgpd"):
        """{prefix: paths} of unicast as a bgpd has them."""
        where = f"vrf {vrf} " if vrf else ""
        found = self.json(name, f"show bgp {where}ipv{family} unicast json")
        return found.get("routes", {})


def kernel_routes(namespace, family=4, proto=None):
    """{prefix: line} of a namespace's main table, as the kernel has it."""
    argv = ["ip", f"-{family}", "route", "show"]
    argv += ["proto", proto] if proto else []
    found = {}
    for line in netns.run(netns.command(namespace, argv)).stdout.splitlines():
        if line and not line[0].isspace():
            found[re.sub(r"^(blackhole|unreachable) ", "", line).split()[0]
                  ] = line.strip()
    return found


class Router:
    """A router of FRR in a namespace of its own: a customer's edge (CE), or
    a stand-in for a switch that speaks EVPN. It has addresses to ping on its
    lo, so it can be used like a machine of the lab."""

    def __init__(self, lab, name, addresses=(), netns_vrfs=False,
                 namespace=None):
        self.lab = lab
        self.name = name
        self.namespace = namespace or lab.namespace(name)
        if namespace is None:
            netns.ip_batch([f"netns add {self.namespace}"])
            with netns.inside(self.namespace):
                netns.prepare()
        make_router(self.namespace)
        netns.ip_batch(
            ["link set lo up"] + [f"addr add {a} dev lo"
                                  + (" nodad" if ":" in a else "")
                                  for a in addresses], self.namespace)
        self.ips = [a.split("/")[0] for a in addresses]
        self.box = Box(lab, name, self.namespace)
        self.frr = Frr(self.box, netns_vrfs=netns_vrfs)

    def __repr__(self):
        return f"<{self.name}>"

    def start(self, zebra, bgp, bfd=()):
        """Writes the configurations and starts the daemons."""
        self.frr.write("zebra", zebra)
        self.frr.write("bgpd", bgp)
        self.frr.write("bfdd", bfd)
        self.frr.start("zebra", *(["bfdd"] if bfd else []), "bgpd")


def make_router(namespace):
    """What a kernel needs to forward, and to answer all that ask."""
    with netns.inside(namespace):
        netns.sysctl({"net/ipv4/ip_forward": 1,
                      "net/ipv6/conf/all/forwarding": 1,
                      "net/ipv4/conf/all/rp_filter": 0,
                      "net/ipv4/conf/default/rp_filter": 0,
                      "net/ipv4/icmp_ratemask": 0,
                      "net/ipv4/fib_multipath_hash_policy": 1,
                      "net/ipv6/fib_multipath_hash_policy": 1})
