# SPDX-License-Identifier: Apache-2.0
"""One Open vSwitch of its own in a namespace: ovsdb-server and ovs-vswitchd
as children with their files in a folder of the lab, never the system's."""
import os
import re
import shutil
import signal
import subprocess
import time

import netns
from netns import LabError, wait_until

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class OvsHost:
    """A namespace with its Open vSwitch."""

    def __init__(self, name, namespace, folder, phy_mac, phy_mtu):
        self.name = name
        self.namespace = namespace
        self.folder = folder
        self.db = os.path.join(folder, "db.sock")
        self.phy_mac = phy_mac
        self.phy_mtu = phy_mtu
        self.processes = {}
        self.port_columns = []      # more columns of taps and of the uplink
        self.settings = []          # more columns of Open_vSwitch
        self.env = dict(os.environ, OVS_RUNDIR=folder, OVS_LOGDIR=folder,
                        OVS_DBDIR=folder, OVS_SYSCONFDIR=folder)

    def use_threads(self):
        """Packets are forwarded by a thread of their own (AF_XDP, poll
        mode), as in a kernel datapath they would be, and not by the thread
        that also talks to ovsdb-server. To be said before finish_start()."""
        self.settings = ["other_config:pmd-maxsleep=500"]
        self.port_columns = ["type=afxdp", "options:xdp-mode=generic",
                             "options:n_rxq=1"]

    # -- processes

    def _spawn(self, name, argv):
        with open(os.path.join(self.folder, f"{name}.out"), "ab") as out:
            self.processes[name] = subprocess.Popen(
                netns.command(self.namespace, argv), env=self.env,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True)

    def _check_alive(self, name):
        process = self.processes[name]
        if process.poll() is not None:
            with open(os.path.join(self.folder, f"{name}.out"),
                      encoding="utf-8", errors="replace") as file:
                raise LabError(f"{name} on {self.name} ended with "
                               f"{process.returncode}:\n{file.read()[-2000:]}")

    def start_database(self):
        """Starts ovsdb-server on a fresh database."""
        os.makedirs(self.folder, exist_ok=True)
        shutil.copy(self._empty_database(), os.path.join(self.folder,
                                                         "conf.db"))
        self.start_database_server()

    def start_database_server(self):
        """Starts ovsdb-server on the database that is there."""
        self._spawn("ovsdb-server", [
            "ovsdb-server", os.path.join(self.folder, "conf.db"),
            f"--remote=punix:{self.db}",
            "--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
            f"--unixctl={self.folder}/ovsdb-server.ctl",
            f"--log-file={self.folder}/ovsdb-server.log", "-vconsole:off",
            "--no-chdir"])

    def _empty_database(self):
        # Made once per lab: ovsdb-tool takes longer than a copy.
        path = os.path.join(os.path.dirname(self.folder), "empty.db")
        if not os.path.exists(path):
            netns.run(["ovsdb-tool", "create", path, SCHEMA])
        return path

    def _database_ready(self):
        self._check_alive("ovsdb-server")
        return netns.listens(self.db)

    def start_switch(self, wait=True):
        """Starts ovs-vswitchd."""
        wait_until(self._database_ready, 10, f"database of {self.name}")
        self._spawn("ovs-vswitchd", [
            "ovs-vswitchd", f"unix:{self.db}",
            f"--unixctl={self.folder}/ovs-vswitchd.ctl",
            f"--log-file={self.folder}/ovs-vswitchd.log", "-vconsole:off",
            "--no-chdir"])
        if wait:
            self.wait_for_switch()

    def wait_for_switch(self, deadline_s=20):
        """Back when ovs-vswitchd has taken in its configuration."""
        self.vsctl(f"--timeout={deadline_s}", "set", "Open_vSwitch", ".",
                   f"external_ids:lab=ready-{time.monotonic_ns()}")

    def finish_start(self, addresses):
        """Names the system as ovs-ctl would, and makes br-phy."""
        self.vsctl(
            "--no-wait", "init", "--", "set", "Open_vSwitch", ".",
            f"external_ids:system-id={self.name}",
            f"external_ids:hostname={self.name}", *self.settings)
        # The kernel sees what arrives at eth0 too. A MAC of its own for br-phy
        # and deafness of eth0 keep it from answering everything twice.
        with netns.inside(self.namespace):
            netns.sysctl({"net/ipv4/conf/eth0/arp_ignore": 1,
                          "net/ipv6/conf/eth0/disable_ipv6": 1})
        self.vsctl(
            "--", "add-br", "br-phy",
            "--", "set", "Bridge", "br-phy", "datapath_type=netdev",
            "fail_mode=standalone", f"other-config:hwaddr={self.phy_mac}",
            "--", "set", "Interface", "br-phy",
            f"mtu_request={self.phy_mtu}",
            "--", "add-port", "br-phy", "eth0",
            "--", "set", "Interface", "eth0", "ofport_request=1",
            *self.port_columns)
        netns.ip_batch(["link set br-phy up", *addresses], self.namespace)

    def stop(self, name, number=signal.SIGTERM, deadline_s=10):
        """Ends "ovs-vswitchd" or "ovsdb-server" with a signal."""
        process = self.processes.pop(name)
        process.send_signal(number)
        return process.wait(deadline_s)

    def restart_switch(self, number=signal.SIGTERM):
        """ovs-vswitchd goes and comes back, with no flows."""
        self.stop("ovs-vswitchd", number)
        self.start_switch()

    # -- talking to it

    def tool(self, *argv, **kwargs):
        """Runs a command of Open vSwitch against this one."""
        return netns.run(netns.command(self.namespace, map(str, argv)),
                         env=self.env, **kwargs).stdout

    def vsctl(self, *argv, **kwargs):
        """ovs-vsctl; waits for ovs-vswitchd unless told --no-wait."""
        return self.tool("ovs-vsctl", f"--db=unix:{self.db}", *argv, **kwargs)

    def ofctl(self, *argv, **kwargs):
        """ovs-ofctl, OpenFlow 1.5."""
        return self.tool("ovs-ofctl", "-O", "OpenFlow15", *argv, **kwargs)

    def appctl(self, *argv, **kwargs):
        """ovs-appctl to ovs-vswitchd."""
        return self.tool("ovs-appctl", "-t",
                         f"{self.folder}/ovs-vswitchd.ctl", *argv, **kwargs)

    def frames_lost(self):
        """Frames that ovs-vswitchd has not handled since it was started, for
        want of time: a socket of it was full when they came, or what looks
        at its flows held it up."""
        sockets = netns.run(netns.command(
            self.namespace, ["ss", "-0", "-n", "-m", "-O", "-H"])).stdout
        return sum(map(int, re.findall(r",d(\d+)\)", sockets)
                       + re.findall(r"failed upcall: (\d+)", self.appctl(
                           "dpif-netdev/pmd-stats-show"))))

    def flows(self, bridge, *match):
        """Flows of a bridge as text lines, without the heading."""
        out = self.ofctl("--no-names", "dump-flows", bridge, *match)
        return [line.strip() for line in out.splitlines()
                if "actions=" in line]

    def ofport(self, interface):
        """OpenFlow port of an interface."""
        return int(self.vsctl("get", "Interface", interface, "ofport"))

    def has_bridge(self, bridge):
        """Whether the bridge is in the database."""
        return self.tool("ovs-vsctl", f"--db=unix:{self.db}", "--no-wait",
                         "--bare", "--columns=name", "find", "Bridge",
                         f"name={bridge}").strip() == bridge

    def wait_for_bridge(self, bridge, deadline_s=15):
        """The controller makes the bridges when the host joins."""
        wait_until(lambda: self.has_bridge(bridge), deadline_s,
                   f"{bridge} on {self.name}", interval_s=0.05)

    def add_interfaces(self, rows):
        """rows: (bridge, interface, iface-id, mac), as libvirt plugs them;
        a few hundred in one transaction."""
        for bridge in {row[0] for row in rows}:
            self.wait_for_bridge(bridge)
        for start in range(0, len(rows), 250):
            argv = []
            for bridge, interface, iface_id, mac in rows[start:start + 250]:
                argv += ["--", "add-port", bridge, interface,
                         "--", "set", "Interface", interface,
                         f'external_ids:iface-id="{iface_id}"',
                         f'external_ids:attached-mac="{mac}"',
                         *self.port_columns]
            self.vsctl(*argv)

    def delete_interfaces(self, interfaces):
        """Takes interfaces off their bridges."""
        argv = []
        for interface in interfaces:
            argv += ["--", "--if-exists", "del-port", interface]
        if argv:
            self.vsctl(*argv)
