# SPDX-License-Identifier: Apache-2.0
"""The lab itself: it works, and it never leaves anything behind."""
import os
import signal
import subprocess
import sys

import frames
import lab as lab_module
import netns
import pytest

LIB = os.path.dirname(lab_module.__file__)
MAKE_AND_WAIT = f"""
import signal, sys
sys.path.insert(0, {LIB!r})
import lab
with lab.Lab(sys.argv[1]) as one:
    one.add_hosts(1)
    print("ready", flush=True)
    signal.pause()
"""


def start_lab(prefix):
    """Another process that makes a lab and waits to be ended."""
    process = subprocess.Popen([sys.executable, "-B", "-c", MAKE_AND_WAIT,
                                prefix], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL)
    assert process.stdout.readline() == "ready\n"
    return process


def traces(prefix):
    """What there is of a lab: namespaces, folders, processes."""
    found = [n for n in netns.names() if n.startswith(prefix + "-")]
    found += [p for p in (os.path.join(lab_module.RUN, prefix),
                          os.path.join(lab_module.STATE, prefix))
              if os.path.exists(p)]
    done = netns.run(["ps", "-eo", "stat=,args="])
    return found + [line for line in done.stdout.splitlines()
                    if f"/{prefix}/" in line and not line.startswith("Z")]


def test_an_interrupted_lab_removes_itself():
    prefix = f"vxl{os.getpid()}int"
    process = start_lab(prefix)
    assert len(traces(prefix)) >= 4
    process.send_signal(signal.SIGINT)
    process.wait(10)
    assert traces(prefix) == []


def test_a_killed_lab_is_removed_by_the_next_one():
    prefix = f"vxl{os.getpid()}kill"
    process = start_lab(prefix)
    process.kill()
    process.wait(10)
    assert len(traces(prefix)) >= 4
    assert prefix in lab_module.reap_stale()
    assert traces(prefix) == []


def test_a_lab_in_use_is_left_alone():
    prefix = f"vxl{os.getpid()}used"
    process = start_lab(prefix)
    try:
        assert prefix not in lab_module.reap_stale()
        with pytest.raises(netns.LabError, match="in use"):
            lab_module.Lab(prefix)
        assert len(traces(prefix)) >= 4
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)
    assert traces(prefix) == []


def test_sixty_machines_on_a_learning_bridge_all_reach_each_other(make_lab):
    lab = make_lab(1)
    host, = lab.hosts.values()
    host.vsctl("add-br", "br-tenant", "--", "set", "Bridge", "br-tenant",
               "datapath_type=netdev")
    machines = lab.plug([
        {"host": host, "iface_id": f"vm/{n}", "mac": f"02:00:00:00:00:{n:02x}",
         "ips": [f"10.0.0.{n}/24", f"fd00::{n:x}/64"]} for n in range(1, 61)])
    result = lab.ping_many([(a, ip) for a in machines for b in machines
                            if a is not b for ip in b.ips], deadline_s=60)
    assert len(result.answered()) == 60 * 59 * 2, result
    assert host.vsctl("get", "Interface", machines[0].tap,
                      "external_ids:iface-id").strip() == '"vm/1"'
    host.unplug(machines[-1])
    done = lab.ping_count([(machines[0], machines[-1].ipv4)], 2, grace_s=0.2)
    assert done.silent(), done


def test_a_stranger_reaches_the_underlay_of_a_host(make_lab):
    lab = make_lab(1)
    host, = lab.hosts.values()
    namespace, address = lab.add_stranger()
    done = netns.run(netns.command(namespace, [
        "ping", "-c", "1", "-W", "2", host.vtep]))
    assert " 0% packet loss" in done.stdout
    assert address.startswith("172.31.")
    packet = frames.udp(50000, frames.VXLAN_PORT,
                        frames.vxlan(5, frames.arp(
                            frames.ARP_REQUEST, "02:00:00:00:00:01",
                            "10.0.0.1", "10.0.0.2")))
    frame = frames.ethernet(
        host.phy_mac, "02:99:00:00:00:01", frames.ETH_IPV4,
        frames.ipv4(address, host.vtep, 17, packet))
    with lab_module.Capture(host.namespace, "eth0") as wire:
        lab_module.send_frame(namespace, frame)
        assert wire.wait_for(lambda seen: seen == frame, 5)
