# SPDX-License-Identifier: Apache-2.0
"""A port is active when probes from other hosts have come to its host: what
is proven, what is missed by name, and that no machine sees or sends one."""
import datetime
import re

import frames
import intent
import netns
import pytest
from netns import wait_until

WEB = "/v1/tenants/acme/networks/web"
ALONE = "/v1/tenants/acme/networks/alone"
ETH_PROBE = 0x88b5


def mac_of(number):
    return f"02:00:00:00:00:{number:02x}"


def plug(host, name, number):
    return host.plug(name, mac_of(number),
                     [f"10.0.0.{number}/24", f"fd00::{number:x}/64"])


def put(api, name, number, query="", web=WEB, **more):
    """(status, port) of a PUT."""
    return api.call("PUT", f"{web}/ports/{name}{query}", {
        "mac": mac_of(number), "iface_id": name,
        "ips": [f"10.0.0.{number}", f"fd00::{number:x}"], **more})


def time_of(port):
    """reachable_at, in seconds; None if it is not known."""
    text = port["reachable_at"]
    return text and datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


def counters(fabric):
    """Metrics of probes by name."""
    _, text = fabric.http("GET", "/metrics")
    return {name: float(value) for name, value in re.findall(
        r"^vxfabric_(probe\w+|ports_probed\{.*?\}) ([0-9.]+)$", text, re.M)}


@pytest.fixture(scope="module")
def fabric(make_lab):
    """Three hosts, a machine on each in one network; all active."""
    lab = make_lab(3)
    lab.start_controller("--set", "probe_ms=1000")
    intent.join_all(lab)
    with intent.Api(lab.api) as api:
        api.put(intent.path("acme"))
        for network in ("web", "alone"):
            api.put(intent.path("acme", network))
            for cidr in ("10.0.0.0/24", "fd00::/64"):
                api.put(intent.path("acme", network, subnet=cidr),
                        route=network == "web")
        lab.vms = {}
        for n in (1, 2, 3):
            assert put(api, f"vm{n}", 10 + n, host=f"h{n}")[0] == 201
            lab.vms[n] = plug(lab.hosts[f"h{n}"], f"vm{n}", 10 + n)
        api.wait_ports([f"{WEB}/ports/vm{n}" for n in (1, 2, 3)])
    return lab


@pytest.fixture
def api(fabric):
    with intent.Api(fabric.api) as one:
        yield one


@pytest.fixture
def fresh(fabric):
    """An interface "fresh" on h2, its port does not exist; gone after."""
    machine = plug(fabric.hosts["h2"], "fresh", 20)
    yield machine
    with intent.Api(fabric.api) as api:
        api.call("DELETE", f"{WEB}/ports/fresh")
    fabric.unplug([m for m in (machine,) if m in fabric.machines])


def cut(host, peer, is_cut=True):
    """Tunnel packets of the peer do not get to the host any more."""
    match = f"udp,nw_src={peer.vtep},tp_dst={frames.VXLAN_PORT}"
    if is_cut:
        host.ofctl("add-flow", "br-phy",
                   f"priority=1000,{match},actions=drop")
    else:
        host.ofctl("del-flows", "br-phy", match)


def test_a_port_is_proven_before_it_is_active(fabric, api, fresh, figures):
    before = counters(fabric)
    status, port = put(api, "fresh", 20, "?wait=10", host="h2")
    assert status == 201 and port["status"] == "active", port
    assert abs(time_of(port) - netns.time.time()) < 60
    shown = fabric.netctl_json("port", "show", "acme/web/fresh")
    assert shown["reachable_at"] == port["reachable_at"]
    after = counters(fabric)
    assert after["probes_answered_total"] >= (
        before["probes_answered_total"] + 2)    # h1 and h3
    took = after["probe_seconds_sum"] / after["probe_seconds_count"]
    figures(f"{after['probes_answered_total']:.0f} probes of "
            f"{after['probes_sent_total']:.0f} have come, on average after "
            f"{took * 1000:.1f} ms")


def test_a_watcher_is_told_since_when(fabric, api, fresh):
    with intent.Api(fabric.api) as watcher:
        watcher.connection.request("GET", "/v1/watch")
        stream = watcher.connection.getresponse()
        while intent.json.loads(stream.readline())["op"] != "live":
            pass
        put(api, "fresh", 20, host="h2")
        seen = []
        while not seen or seen[-1]["status"] != "active":
            line = intent.json.loads(stream.readline())
            if (line["op"], line.get("path")) == ("status",
                                                  f"{WEB}/ports/fresh"):
                seen.append(line)
    assert all("reachable_at" not in line for line in seen[:-1]), seen
    assert seen[-1]["reachable_at"] == (
        api.get(f"{WEB}/ports/fresh")["reachable_at"])


def test_a_port_whose_network_is_nowhere_else_is_reachable_at_once(
        fabric, api):
    machine = plug(fabric.hosts["h1"], "alone", 30)
    status, port = put(api, "alone", 30, "?wait=10", ALONE, host="h1")
    assert status == 201 and port["reachable_at"], port
    fabric.unplug([machine])
    wait_until(lambda: api.get(f"{ALONE}/ports/alone")["reachable_at"]
               is None, 10, "what is known to be forgotten")
    api.ask("DELETE", f"{ALONE}/ports/alone")


def test_a_path_that_is_cut_is_named_until_it_is_mended(fabric, api, fresh):
    h1, h2 = fabric.hosts["h1"], fabric.hosts["h2"]
    cut(h2, h1)
    try:
        status, port = put(api, "fresh", 20, "?wait=1", host="h2")
        assert status == 202 and port["status"] == "building", port
        assert port["reason"] == 'waiting for a probe from host "h1"'
        assert port["reachable_at"] is None
        wait_until(lambda: api.get(f"{WEB}/ports/fresh")["status"]
                   == "degraded", 10, "the probe to be late")
        port = api.get(f"{WEB}/ports/fresh")
        assert ('no probe gets from host "h1" to host "h2"'
                in port["reason"]), port
        assert 'no probe gets from host "h1" to host "h2"' in (
            fabric.log_tail(50))
        assert counters(fabric)['ports_probed{state="late"}'] == 1
        for name in ("vm1", "vm2", "vm3"):      # nobody else is blamed
            assert api.get(f"{WEB}/ports/{name}")["status"] == "active"
    finally:
        cut(h2, h1, False)
    api.wait_ports([f"{WEB}/ports/fresh"], deadline_s=5)
    assert api.get(f"{WEB}/ports/fresh")["reachable_at"]
    assert counters(fabric)['ports_probed{state="late"}'] == 0


def test_a_port_that_moves_is_proven_again(fabric, api, fresh):
    _, port = put(api, "fresh", 20, "?wait=10", host="h2")
    first = time_of(port)
    fabric.hosts["h2"].unplug(fresh)
    machine = plug(fabric.hosts["h3"], "fresh", 20)
    h2, h3 = fabric.hosts["h2"], fabric.hosts["h3"]
    cut(h3, h2)
    try:
        _, port = put(api, "fresh", 20, "?wait=1", host="h3")
        assert port["status"] == "building", port
    finally:
        cut(h3, h2, False)
    api.wait_ports([f"{WEB}/ports/fresh"], deadline_s=5)
    assert time_of(api.get(f"{WEB}/ports/fresh")) > first
    h3.unplug(machine)


def probe_frames(capture):
    return [f for f in capture.seen
            if int.from_bytes(f[12:14], "big") == ETH_PROBE]


@pytest.mark.parametrize("guard", [True, False])
def test_a_machine_neither_sees_nor_sends_a_probe(fabric, api, fresh, guard):
    vm1, vm2 = fabric.vms[1], fabric.vms[2]
    put(api, "vm1", 11, "?wait=10", host="h1", guard=guard)
    captures = [vm.capture() for vm in (*fabric.vms.values(), fresh)]
    before = counters(fabric)["probes_answered_total"]
    status, _ = put(api, "fresh", 20, "?wait=10", host="h2")
    assert status == 201
    assert counters(fabric)["probes_answered_total"] >= before + 2
    frame = frames.ethernet(vm2.mac, vm1.mac, ETH_PROBE, b"VXP1" + bytes(40))
    for dst in (vm2.mac, frames.BROADCAST, fresh.mac):
        vm1.send(frames.mac_bytes(dst) + frame[6:])
        vm1.send(frames.mac_bytes(dst) + frame[6:12] + b"\x81\0\0\x05"
                 + frame[12:])
    honest = frames.ping(vm2.mac, vm1.mac, vm1.ipv4, vm2.ipv4)
    vm1.send(honest)
    assert captures[1].wait_for(lambda f: f[:42] == honest[:42], 5)
    for capture in captures:
        capture.wait_for(lambda f: False, 0.05)
        assert not probe_frames(capture)
        capture.sock.close()
    put(api, "vm1", 11, "?wait=10", host="h1", guard=True)


def test_ports_that_were_there_are_looked_at_in_the_background(fabric, api,
                                                               fresh):
    put(api, "fresh", 20, "?wait=10", host="h2")
    paths = [f"{WEB}/ports/{name}" for name in ("vm1", "vm2", "vm3",
                                                "fresh")]
    h1, h2 = fabric.hosts["h1"], fabric.hosts["h2"]
    for peer in (h1, fabric.hosts["h3"]):
        cut(h2, peer)           # the paths to h2 fail, and nobody is blamed
    try:
        fabric.stop_controller()
        started = netns.time.time()
        fabric.start_controller("--set", "probe_ms=1000")
        with intent.Api(fabric.api) as again:
            again.wait_ports(paths, deadline_s=30)
            wait_until(lambda: all(again.get(paths[n])["reachable_at"]
                                   for n in (0, 2)), 10, "two to be proven")
            assert time_of(again.get(paths[0])) > started
            wait_until(lambda: counters(fabric)["probes_lost_total"] >= 4,
                       10, "probes to h2 to be lost")
            for n in (1, 3):
                port = again.get(paths[n])
                assert port["status"] == "active", port
                assert port["reachable_at"] is None, port
    finally:
        for peer in (h1, fabric.hosts["h3"]):
            cut(h2, peer, False)
