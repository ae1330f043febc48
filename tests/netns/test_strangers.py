# SPDX-License-Identifier: Apache-2.0
"""Hosts that come back with rows of networks that are no more, and clones:
neither may cost a tenant its isolation or a host its switches."""
import os
import shutil
import signal
import time

import frames
import netns
from netns import wait_until


def rule(host, verb, port):
    """Cuts a host off from a port of the controller, or lets it through."""
    netns.run(netns.command(host.namespace, [
        "ip", "rule", verb, "pref", "10", "ipproto", "tcp",
        "dport", str(port), "prohibit"]))


def tenant(lab, name, vni, ports):
    """A tenant with one network of this VNI and its ports."""
    lab.netctl("tenant", "add", name)
    lab.netctl("network", "add", f"{name}/web", "--vni", str(vni))
    lab.netctl("subnet", "add", f"{name}/web", "10.0.0.0/24")
    for host, machine, address in ports:
        lab.netctl("port", "add", f"{name}/web/{machine.iface_id}",
                   "--host", host.name, "--mac", machine.mac,
                   "--ip", address, "--iface-id", machine.iface_id,
                   "--wait=10")


def test_a_host_with_stale_rows_reaches_nobody_before_it_is_in_order(
        make_lab, figures):
    lab = make_lab(3)
    lab.start_controller("--set", "vni_quarantine_s=1", "--set",
                         "probe_ms=500")
    h1, h2, h3 = lab.hosts.values()
    for host in (h1, h2, h3):
        host.join("z1")
    a1 = h1.plug("a1", "02:00:00:00:00:11", ["10.0.0.11/24"])
    a3 = h3.plug("a3", "02:00:00:00:00:13", ["10.0.0.13/24"])
    tenant(lab, "acme", 5, [(h1, a1, "10.0.0.11"), (h3, a3, "10.0.0.13")])
    for port in (6640, 6653):
        rule(h3, "add", port)
    wait_until(lambda: lab.netctl_json("host", "show", "h3")["status"]
               == "down", 20, "h3 to be down")
    h1.unplug(a1)
    for words in (["port", "del", "acme/web/a1"],
                  ["port", "del", "acme/web/a3"],
                  ["subnet", "del", "acme/web", "10.0.0.0/24"],
                  ["network", "del", "acme/web"]):
        lab.netctl(*words)
    deadline = time.monotonic() + 3     # the quarantine is 1 s: it is the
    while time.monotonic() < deadline:  # host that has not confirmed
        taken = lab.netctl("network", "add", "acme/again", "--vni", "5",
                           check=False)
        assert taken.returncode == 1 and "quarantine" in taken.stderr
    lab.netctl("host", "del", "h3")
    lab.netctl("tenant", "add", "globex")
    wait_until(lambda: lab.netctl("network", "add", "globex/web", "--vni",
                                  "5", check=False).returncode == 0,
               20, "VNI 5 to leave its quarantine")
    lab.netctl("subnet", "add", "globex/web", "10.0.0.0/24")
    g1 = h1.plug("g1", "02:00:00:00:00:11", ["10.0.0.11/24"])
    lab.netctl("port", "add", "globex/web/g1", "--host", "h1", "--mac",
               g1.mac, "--ip", "10.0.0.11", "--iface-id", "g1", "--wait=10")
    unicast = frames.ping(g1.mac, a3.mac, "10.0.0.13", "10.0.0.11",
                          data=b"LEAK")
    broadcast = frames.ethernet(
        "ff:ff:ff:ff:ff:ff", a3.mac, 0x0800, frames.ipv4(
            "10.0.0.13", "10.0.0.255", 17, frames.udp(1, 2, b"LEAK")))
    sent = 0

    def back():
        nonlocal sent
        for frame in (unicast, broadcast):
            a3.send(frame)
        sent += 2
        assert not capture.wait_for(lambda f: b"LEAK" in f, 0.01), \
            f"a frame of acme reached globex after {sent} were sent"
        found = lab.netctl("host", "show", "h3", "-o", "json", check=False)
        return found.returncode == 0 and '"active"' in found.stdout

    with g1.capture() as capture:
        rule(h3, "del", 6640)   # first only its OVSDB gets through
        for _ in range(100):
            assert not back()
        rule(h3, "del", 6653)
        wait_until(back, 30, "h3 to be back")
        for _ in range(20):
            back()
    figures(f"{sent} frames of a stale host, 0 arrived")


def test_a_clone_of_a_host_does_not_get_its_connections(make_lab):
    lab = make_lab(2)
    lab.start_controller()
    h1, h2 = lab.hosts.values()
    h1.join("z1")
    h2.stop("ovs-vswitchd")
    h2.stop("ovsdb-server")
    wait_until(lambda: not os.path.exists(h2.db), 5, "the socket to go")
    shutil.copy(os.path.join(h1.folder, "conf.db"),
                os.path.join(h2.folder, "conf.db"))
    h2.start_database_server()
    wait_until(lambda: os.path.exists(h2.db), 5, "the database")
    h2.vsctl("--no-wait", "set", "Bridge", "br-phy",
             f"other-config:hwaddr={h2.phy_mac}")
    h2.start_switch()
    wait_until(lambda: "a clone?" in lab.log_tail(200), 30,
               "the clone's OpenFlow to be refused")
    wait_until(lambda: "already connected" in h2.vsctl(
        "get", "Open_vSwitch", ".", "external_ids:vxfabric-status"), 30,
        "the clone to be told why")
    assert "replaced by a newer" not in lab.log_tail(200)
    assert lab.netctl_json("host", "show", "h1")["status"] == "active"
    shown = lab.netctl("status").stdout
    assert "refused" in shown and "already connected" in shown


def test_what_a_host_reads_of_itself_is_true_after_its_database_restarts(
        make_lab):
    lab = make_lab(1)
    lab.start_controller("--set", "probe_ms=500")
    (h1,) = lab.hosts.values()
    h1.join("z1")
    h1.stop("ovsdb-server", signal.SIGKILL)
    if os.path.exists(h1.db):
        os.unlink(h1.db)
    h1.start_database_server()
    wait_until(lambda: os.path.exists(h1.db), 5, "the database")
    wait_until(lambda: h1.vsctl(
        "--no-wait", "get", "Open_vSwitch", ".",
        "external_ids:vxfabric-status").strip() == "active", 30,
        "the status to be \"active\"")
    assert h1.join("z1", "--wait=20").returncode == 0
