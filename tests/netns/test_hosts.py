# SPDX-License-Identifier: Apache-2.0
"""Hosts that join, join again, pretend to be another, go and come back; and
what ports say of themselves meanwhile."""
import os
import signal

import frames  # noqa: F401  (tests/lib is on the path)
import intent
import netns
import pytest
from lab import CONTROLLER
from netns import wait_until

WEB = "/v1/tenants/acme/networks/web"


def mac_of(number):
    return f"02:00:00:00:00:{number:02x}"


def plug(host, name, number):
    """A machine of acme/web with the address 10.0.0.<number>."""
    return host.plug(name, mac_of(number),
                     [f"10.0.0.{number}/24", f"fd00::{number:x}/64"])


def port(api, name, number, **more):
    """The port of it."""
    return api.put(f"{WEB}/ports/{name}", mac=mac_of(number),
                   ips=[f"10.0.0.{number}", f"fd00::{number:x}"],
                   iface_id=name, **more)


def status_of(api, name):
    """(status, reason) of a port."""
    seen = api.get(f"{WEB}/ports/{name}")
    return seen["status"], seen["reason"]


def wait_status(api, name, status, *words, deadline_s=20):
    """Until the port has the status, with the words in its reason."""
    def arrived():
        seen = status_of(api, name)
        return seen[0] == status and all(w in seen[1] for w in words)

    wait_until(arrived, deadline_s, lambda: f"port {name} to be {status} "
               f"({words}), is {status_of(api, name)}", 0.02)
    return status_of(api, name)[1]


@pytest.fixture(scope="module")
def fabric(make_lab):
    """Three hosts; h1 and h2 have joined. Two plugged ports, vm1 and vm2."""
    lab = make_lab(3)
    lab.start_controller("--set", "probe_ms=1000", "--set", "grace_ms=0")
    h1, h2, _ = lab.hosts.values()
    for host in (h1, h2):
        host.join("zone1")
    with intent.Api(lab.api) as api:
        api.wait_hosts(["h1", "h2"])
        api.put("/v1/tenants/acme")
        api.put(WEB)
        api.put(f"{WEB}/subnets/10.0.0.0%2F24")
        api.put(f"{WEB}/subnets/fd00::%2F64")
        port(api, "vm1", 11, host="h1")
        port(api, "vm2", 12, host="h2")
        lab.vm1, lab.vm2 = plug(h1, "vm1", 11), plug(h2, "vm2", 12)
        api.wait_ports([f"{WEB}/ports/vm1", f"{WEB}/ports/vm2"])
    return lab


@pytest.fixture
def api(fabric):
    """A fresh connection, since the controller comes and goes."""
    with intent.Api(fabric.api) as one:
        yield one


def both_ways(lab):
    one, two = lab.vm1, lab.vm2
    return [(one, ip) for ip in two.ips] + [(two, ip) for ip in one.ips]


def assert_reach(lab):
    result = lab.ping_many(both_ways(lab), deadline_s=10)
    assert not result.silent(), result


def external_ids(host):
    out = host.vsctl("--no-wait", "get", "Open_vSwitch", ".", "external_ids")
    return out.strip()


# -- Joining


def test_joining_twice_changes_nothing(fabric, api):
    host = fabric.hosts["h1"]
    before, rows = api.export(), external_ids(host)
    flows = {b: len(host.flows(b)) for b in ("br-tenant", "br-fabric")}
    done = host.join("zone1")
    assert done.returncode == 0
    assert api.export() == before
    assert external_ids(host) == rows
    assert {b: len(host.flows(b)) for b in flows} == flows
    assert_reach(fabric)


def test_joining_an_unreachable_controller_exits_3(fabric):
    host = fabric.hosts["h3"]
    try:
        for controller in ("172.31.99.99", f"{CONTROLLER}:1"):
            done = host.netctl(*host.join_command("zone1", controller),
                               "--wait=1", check=False)
            assert done.returncode == 3, (done.returncode, done.stderr)
            assert controller in done.stderr, done.stderr
    finally:
        leave(host)


def test_joining_with_a_wrong_option_is_refused_before_anything(fabric):
    host = fabric.hosts["h3"]
    before = external_ids(host)
    for words, status in ((["--colour", "red"], 2),
                          (["--datapath", "quantum"], 2),
                          (["--controller", "tcp:controller.example"], 2),
                          (["--vtep", "not-an-address"], 1),
                          (["--vtep", "192.0.2.99"], 1)):
        done = host.join("zone1", *words, check=False)
        assert done.returncode == status, (words, done.returncode,
                                           done.stderr)
        assert words[1] in done.stderr or words[0] in done.stderr
        assert external_ids(host) == before, words


def test_an_mtu_too_small_for_tenants_is_refused(fabric, api):
    host = fabric.hosts["h3"]
    try:
        host.vsctl("set", "Interface", "br-phy", "mtu_request=1400")
        wait_until(lambda: "mtu 1400" in netns.run(
            netns.command(host.namespace, ["ip", "link", "show",
                                           "br-phy"])).stdout,
            5, "the MTU of br-phy")
        done = host.join("zone1", check=False)
        assert done.returncode == 1, (done.returncode, done.stderr)
        assert "1400 bytes" in done.stderr and "1500" in done.stderr
        assert "h3" not in {h["name"] for h in api.items("/v1/hosts")}
    finally:
        host.vsctl("set", "Interface", "br-phy", "mtu_request=1600")
        leave(host)
    wait_until(lambda: "mtu 1600" in netns.run(
        netns.command(host.namespace, ["ip", "link", "show",
                                       "br-phy"])).stdout,
        5, "the MTU of br-phy")


def leave(host):
    """Out of the fabric again, with the system-id that it had before."""
    host.netctl("host", "leave", "--db", f"unix:{host.db}", "--purge")
    host.vsctl("--no-wait", "set", "Open_vSwitch", ".",
               f"external_ids:system-id={host.name}")
    assert not host.has_bridge("br-tenant")
    assert "vxfabric" not in external_ids(host)


def refused_join(fabric, api, words, *argv, prepare=None):
    """h3 joins as somebody it is not: exit 1, the reason on stderr and in
    the controller's log, nothing changed for the others."""
    host = fabric.hosts["h3"]
    before = api.export()
    try:
        if prepare:
            prepare(host)
        done = host.join("zone1", *argv, check=False)
        assert done.returncode == 1, (done.returncode, done.stderr)
        for word in words:
            assert word in done.stderr, done.stderr
        with open(fabric.path("vxfabricd.log"), encoding="utf-8") as log:
            said = [line for line in log if "refused" in line]
        assert any(all(w in line for w in words) for line in said), said
        assert api.export() == before
        assert not host.has_bridge("br-tenant")
        assert_reach(fabric)
    finally:
        leave(host)


def test_a_second_host_with_the_same_name_is_refused(fabric, api):
    refused_join(fabric, api, ["h1"], "--name", "h1")


def test_a_second_host_with_the_same_system_id_is_refused(fabric, api):
    refused_join(fabric, api, ["system-id", "h1"], prepare=lambda host:
                 host.vsctl("--no-wait", "set", "Open_vSwitch", ".",
                            "external_ids:system-id=h1"))


def test_a_second_host_with_the_same_vtep_is_refused(fabric, api):
    taken = fabric.hosts["h1"].vtep
    host = fabric.hosts["h3"]

    def prepare(_host):
        # Not on the wire, where it would be in h1's way.
        netns.ip_batch([f"addr add {taken}/32 dev lo"], host.namespace)

    try:
        refused_join(fabric, api, [taken, "h1"], "--vtep", taken,
                     prepare=prepare)
    finally:
        netns.ip_batch([f"addr del {taken}/32 dev lo"], host.namespace)


def test_a_third_host_joins_after_all_its_refusals(fabric, api):
    done = fabric.hosts["h3"].join("zone2")
    assert done.returncode == 0
    api.wait_hosts(["h1", "h2", "h3"])
    assert api.get("/v1/hosts/h3")["vtep"] == fabric.hosts["h3"].vtep
    assert api.get("/v1/hosts/h3")["zone"] == "zone2"


# -- Where a port is


def test_an_interface_on_a_host_that_is_not_the_ports_binds_nothing(fabric,
                                                                    api):
    port(api, "strict", 30, host="h1")
    machine = plug(fabric.hosts["h2"], "strict", 30)
    try:
        reason = wait_status(api, "strict", "pending", "h2")
        assert "strict" in reason and "h1" in reason, reason
        done = fabric.ping_count([(machine, fabric.vm1.ipv4),
                                  (machine, fabric.vm2.ipv4)], 3, grace_s=0.2)
        assert done.silent() == list(done.sent), done
        # Intent follows the interface: now it is right.
        port(api, "strict", 30, host="h2")
        wait_status(api, "strict", "active")
        assert machine.ping(fabric.vm1.ipv4)
    finally:
        fabric.unplug([machine])
        api.ask("DELETE", f"{WEB}/ports/strict")


def test_a_port_without_host_follows_its_interface(fabric, api):
    port(api, "roam", 31)
    reason = wait_status(api, "roam", "pending", "no host")
    assert "roam" in reason
    machine = plug(fabric.hosts["h1"], "roam", 31)
    wait_status(api, "roam", "active")
    assert api.get(f"{WEB}/ports/roam")["located"] == "h1"
    assert fabric.vm2.ping(machine.ipv4)
    fabric.unplug([machine])
    wait_status(api, "roam", "pending", "no interface", "h1")
    machine = plug(fabric.hosts["h3"], "roam", 31)
    wait_status(api, "roam", "active")
    assert api.get(f"{WEB}/ports/roam")["located"] == "h3"
    assert fabric.vm2.ping(machine.ipv4)
    fabric.roaming = machine


def test_a_location_survives_the_controller(fabric):
    fabric.stop_controller()
    for host in fabric.hosts.values():  # nobody to tell it anew
        host.vsctl("--no-wait", "set", "Open_vSwitch", ".",
                   "external_ids:lab=x")
    fabric.start_controller("--set", "probe_ms=1000", "--set", "grace_ms=0")
    with intent.Api(fabric.api) as api:
        assert api.get(f"{WEB}/ports/roam")["located"] == "h3"
        api.wait_hosts(fabric.hosts)
        wait_status(api, "roam", "active")
    assert fabric.vm1.ping(fabric.roaming.ipv4)


def rows_of(fabric, mac):
    """How many rows of any bridge know the MAC."""
    return sum(mac in flow for host in fabric.hosts.values()
               for bridge in ("br-tenant", "br-fabric")
               for flow in host.flows(bridge))


def test_unplugging_and_deleting_remove_the_rows(fabric, api):
    machine, mac = fabric.roaming, mac_of(31)
    assert rows_of(fabric, mac) > 3
    fabric.unplug([machine])
    wait_status(api, "roam", "pending")
    wait_until(lambda: not any(mac in flow for flow in fabric.hosts[
        "h3"].flows("br-tenant")), 10, "tier 1 without the port")
    assert rows_of(fabric, mac), "tier 2 keeps what is located"
    api.ask("DELETE", f"{WEB}/ports/roam")
    wait_until(lambda: rows_of(fabric, mac) == 0, 10, "no row of the port")
    assert_reach(fabric)


# -- Restarts


def wait_active_again(fabric, deadline_s=40):
    with intent.Api(fabric.api) as api:
        api.wait_hosts(fabric.hosts, deadline_s=deadline_s)
        api.wait_ports([f"{WEB}/ports/vm1", f"{WEB}/ports/vm2"],
                       deadline_s=deadline_s)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL],
                         ids=["asked", "killed"])
def test_a_switch_that_restarts_gets_its_rows_again(fabric, number, figures):
    host = fabric.hosts["h1"]
    started = netns.time.monotonic()
    host.restart_switch(number)
    wait_until(lambda: len(host.flows("br-fabric")) > 10
               and len(host.flows("br-tenant")) > 10, 40,
               "rows on the restarted switch", 0.05)
    wait_active_again(fabric)
    assert_reach(fabric)
    figures(f"ovs-vswitchd restarted ({signal.Signals(number).name}): all "
            f"active after {netns.time.monotonic() - started:.1f} s")


def test_rows_that_somebody_changed_are_right_after_a_reconnect(fabric):
    host = fabric.hosts["h1"]
    host.ofctl("del-flows", "br-fabric", "table=30")
    host.ofctl("add-flow", "br-tenant", "table=0,priority=999,actions=drop")
    host.restart_switch()
    wait_active_again(fabric)
    assert_reach(fabric)
    assert not [f for f in host.flows("br-tenant") if "priority=999" in f]


def is_verdict(line):
    """What the controller finds when a bridge connects."""
    return "differences" in line or "was not touched" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL],
                         ids=["asked", "killed"])
def test_traffic_goes_on_while_the_controller_is_away(fabric, number,
                                                      figures):
    fabric.stop_controller(number)
    done = fabric.ping_count(both_ways(fabric), 10, interval_s=0.02,
                             grace_s=1)
    assert sum(done.received.values()) == 40, done
    with open(fabric.path("vxfabricd.log"), "rb") as log:
        mark = log.seek(0, os.SEEK_END)
    started = netns.time.monotonic()
    fabric.start_controller("--set", "probe_ms=1000", "--set", "grace_ms=0")
    done = fabric.ping_count(both_ways(fabric), 50, interval_s=0.02,
                             grace_s=1)
    wait_active_again(fabric)
    took = netns.time.monotonic() - started
    lines = intent.new_log_lines(
        fabric, mark, 30, lambda found: sum(
            is_verdict(line) for line in found) >= 6,
        "all six bridges compared")
    said = [line for line in lines if is_verdict(line)]
    assert all(" 0 differences" in line or "not touched" in line
               for line in said), said
    assert sum(done.received.values()) == 200, done
    figures(f"controller gone ({signal.Signals(number).name}) and back: 240 "
            f"of 240 echo requests answered, all active after {took:.1f} s, "
            f"{sum('not touched' in line for line in said)} of 6 bridges "
            "believed, the others compared, 0 differences")


# -- What a port says


def test_every_status_comes_with_its_reason(fabric, api):
    h2 = fabric.hosts["h2"]
    # pending: a host that never joined
    api.put("/v1/hosts/h9", zone="zone1")
    port(api, "p1", 40, host="h9")
    reason = wait_status(api, "p1", "pending", "h9")
    assert "host join" in reason
    api.ask("DELETE", f"{WEB}/ports/p1")
    api.ask("DELETE", "/v1/hosts/h9")
    # pending: no interface
    port(api, "p2", 41, host="h1")
    wait_status(api, "p2", "pending", "p2", "h1")
    api.ask("DELETE", f"{WEB}/ports/p2")
    assert status_of(api, "vm1") == ("active", "")
    # down and degraded: a host that is away
    h2.stop("ovs-vswitchd", signal.SIGKILL)
    try:
        wait_status(api, "vm2", "down", "h2")
        wait_status(api, "vm1", "degraded", "h2")
        seen = api.get("/v1/hosts/h2")
        assert seen["status"] != "active" and seen["reason"], seen
    finally:
        h2.start_switch()
    wait_active_again(fabric)


def test_building_is_seen_on_the_way_to_active(fabric, api):
    """A watcher sees a plugged port become active, by way of building unless
    it was too quick to be told."""
    with intent.Api(fabric.api) as watcher:
        watcher.connection.request("GET", "/v1/watch")
        stream = watcher.connection.getresponse()
        while intent.json.loads(stream.readline())["op"] != "live":
            pass
        port(api, "fresh", 42, host="h3")
        machine = plug(fabric.hosts["h3"], "fresh", 42)
        seen = []
        while not seen or seen[-1] != "active":
            line = intent.json.loads(stream.readline())
            if (line["op"], line.get("path")) == (
                    "status", f"{WEB}/ports/fresh"):
                assert (line["status"] == "active") == (not line["reason"])
                assert ("reachable_at" in line) == (line["status"] == "active")
                if seen[-1:] != [line["status"]]:   # for another reason
                    seen.append(line["status"])
    assert seen in (["pending", "building", "active"],
                    ["building", "active"], ["pending", "active"]), seen
    fabric.unplug([machine])
    api.ask("DELETE", f"{WEB}/ports/fresh")


def test_active_waits_for_the_confirmation_of_every_host(fabric, api):
    """A switch that is stopped holds its connection and confirms nothing."""
    h2 = fabric.hosts["h2"]
    process = h2.processes["ovs-vswitchd"]
    port(api, "there", 44, host="h2")       # the network is on h2 as well
    machine = plug(fabric.hosts["h1"], "slow", 43)
    process.send_signal(signal.SIGSTOP)
    try:
        status, seen = api.call(
            "PUT", f"{WEB}/ports/slow?wait=1",
            {"mac": mac_of(43), "ips": ["10.0.0.43"], "iface_id": "slow",
             "host": "h1"})
        assert (status, seen["status"]) == (202, "building"), seen
        assert "confirmation" in seen["reason"]
    finally:
        process.send_signal(signal.SIGCONT)
    wait_status(api, "slow", "active")
    fabric.unplug([machine])
    for name in ("slow", "there"):
        api.ask("DELETE", f"{WEB}/ports/{name}")


def test_wait_exits_0_when_active_and_4_when_not_in_time(fabric, api):
    machine = plug(fabric.hosts["h1"], "w1", 50)
    done = fabric.netctl("port", "add", "acme/web/w1", "--host", "h1",
                         "--mac", mac_of(50), "--ip", "10.0.0.50",
                         "--iface-id", "w1", "--wait=10", check=False)
    assert done.returncode == 0, done.stderr
    assert status_of(api, "w1")[0] == "active"
    done = fabric.netctl("port", "add", "acme/web/w2", "--host", "h1",
                         "--mac", mac_of(51), "--ip", "10.0.0.51",
                         "--iface-id", "w2", "--wait=1", check=False)
    assert done.returncode == 4, (done.returncode, done.stderr)
    assert "w2" in done.stderr, done.stderr
    assert status_of(api, "w2")[0] == "pending"
    # The same, waiting already when the interface comes.
    status, answer = api.call("PUT", f"{WEB}/ports/w2?wait=1", {
        "mac": mac_of(51), "ips": ["10.0.0.51"], "iface_id": "w2",
        "host": "h1"})
    assert status == 202, answer
    fabric.unplug([machine])
    for name in ("w1", "w2"):
        api.ask("DELETE", f"{WEB}/ports/{name}")


def test_a_host_with_ports_cannot_be_deleted_and_one_without_goes(fabric,
                                                                  api):
    done = fabric.netctl("host", "del", "h1", check=False)
    assert done.returncode == 1 and "acme/web/vm1" in done.stderr, done.stderr
    h3 = fabric.hosts["h3"]
    h3.vsctl("--no-wait", "del-manager")
    fabric.netctl("host", "del", "h3")
    assert "h3" not in {h["name"] for h in api.items("/v1/hosts")}
    # The others forget its VTEP.
    for name in ("h1", "h2"):
        wait_until(lambda h=fabric.hosts[name]: not any(
            f"tun_src={h3.vtep} " in f or f"tun_src={h3.vtep}," in f
            for f in h.flows("br-fabric", "table=5")), 10, "no row of h3")
    assert_reach(fabric)
