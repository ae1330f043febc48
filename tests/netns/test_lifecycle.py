# SPDX-License-Identifier: Apache-2.0
"""Hosts that drain, go, move, swap addresses, are installed anew, fall silent
and come back; and what their ports and their peers see of it."""
import json
import os
import signal

import intent
import netns
import pytest
from lab import CONTROLLER, UNDERLAY
from netns import wait_until

WEB = "/v1/tenants/acme/networks/web"
NEW_VTEP = str(UNDERLAY[1000])


def mac_of(number):
    return f"02:00:00:00:00:{number:02x}"


def port(api, name, number, **more):
    return api.put(f"{WEB}/ports/{name}", mac=mac_of(number),
                   ips=[f"10.0.0.{number}"], iface_id=name, **more)


def plug(host, name, number):
    return host.plug(name, mac_of(number), [f"10.0.0.{number}/24"])


def seen(api, name):
    one = api.get(f"{WEB}/ports/{name}")
    return one["status"], one["reason"]


def wait_port(api, name, status, *words, deadline_s=30):
    wait_until(lambda: seen(api, name)[0] == status
               and all(w in seen(api, name)[1] for w in words), deadline_s,
               lambda: f"port {name} to be {status} {words}, is "
               f"{seen(api, name)}", 0.05)


@pytest.fixture(scope="module")
def fabric(make_lab):
    """Three hosts with a machine each, vm1 to vm3; vm3 may be anywhere."""
    lab = make_lab(3)
    events = lab.path("events")
    hooks = lab.path("hooks")
    folder = os.path.join(hooks, "host-drain")
    os.makedirs(folder)
    with open(os.path.join(folder, "note"), "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\ncat >> {events}; echo >> {events}\n")
    os.chmod(file.name, 0o755)
    lab.events = events
    lab.start_controller("--set", "probe_ms=1000", "--set",
                         f"hooks_dir={hooks}")
    lab.vms = {}
    with intent.Api(lab.api) as api:
        for host in lab.hosts.values():
            host.join("z1")
        api.wait_hosts(["h1", "h2", "h3"])
        api.put("/v1/tenants/acme")
        api.put(WEB)
        api.put(f"{WEB}/subnets/10.0.0.0%2F24")
        for i, name in enumerate(("vm1", "vm2", "vm3")):
            port(api, name, 11 + i, **({} if i == 2
                                       else {"host": f"h{1 + i}"}))
            lab.vms[name] = plug(lab.hosts[f"h{1 + i}"], name, 11 + i)
        api.wait_ports([f"{WEB}/ports/{name}" for name in lab.vms])
    return lab


@pytest.fixture
def api(fabric):
    with intent.Api(fabric.api) as one:
        yield one


def assert_reach(lab, *names):
    """All of them (or the named) reach each other."""
    vms = [lab.vms[n] for n in names or lab.vms]
    result = lab.ping_many([(a, b.ipv4) for a in vms for b in vms
                            if a is not b], deadline_s=10)
    assert not result.silent(), result


def addresses_of(lab, name):
    """Rows on the other hosts that have this address."""
    return [f for host in lab.hosts.values()
            for f in host.flows("br-fabric")
            if f"tun_src={name}," in f or f"tun_src={name} " in f
            or f"set_field:{name}->tun_dst" in f]


def status_id(host):
    return host.vsctl("--no-wait", "--if-exists", "get", "Open_vSwitch", ".",
                      "external_ids:vxfabric-status").strip().strip('"')


# -- Drain


def test_a_draining_host_takes_no_new_ports_and_keeps_its_own(fabric, api):
    h2 = fabric.hosts["h2"]
    done = fabric.netctl("host", "drain", "h2")
    assert "1 port is left" in done.stderr and "acme/web/vm2" in done.stdout
    host = api.get("/v1/hosts/h2")
    assert (host["status"], host["draining"]) == ("draining", True)
    assert host["reason"] == "1 port is left"
    done = fabric.netctl("port", "add", "acme/web/new", "--host", "h2",
                         check=False)
    assert done.returncode == 1 and "draining" in done.stderr, done.stderr
    api.put("/v1/hosts/h2", zone="z1")          # not by accident
    assert api.get("/v1/hosts/h2")["vtep"] == h2.vtep
    assert h2.join("z1", "--wait=20").returncode == 0
    api.wait_hosts(["h2"], status="draining")
    assert_reach(fabric)

    def told():
        if not os.path.exists(fabric.events):
            return False
        with open(fabric.events, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.strip()]

    wait_until(told, 10, "host-drain to reach its hook")
    (event,) = told()
    assert event["object"] == "h2" and event["data"]["n_ports"] == 1


def test_a_port_that_may_be_anywhere_waits_until_the_drain_ends(fabric, api):
    h2 = fabric.hosts["h2"]
    port(api, "free", 30)
    machine = plug(h2, "free", 30)
    wait_port(api, "free", "pending", "h2", "draining")
    fabric.netctl("host", "drain", "h2", "--undo")
    wait_port(api, "free", "active")
    assert api.get(f"{WEB}/ports/free")["located"] == "h2"
    assert api.get("/v1/hosts/h2")["status"] == "active"
    fabric.unplug([machine])
    api.ask("DELETE", f"{WEB}/ports/free")


# -- Zone and address


def rows(host):
    """How many, without the epoch, which comes and goes."""
    return len([f for f in host.flows("br-tenant") if "table=253" not in f])


def test_a_change_of_zone_loses_nothing(fabric, api):
    h3 = fabric.hosts["h3"]
    before = rows(h3)
    assert h3.join("z2", "--wait=20").returncode == 0
    assert api.get("/v1/hosts/h3")["zone"] == "z2"
    api.wait_hosts(["h3"])
    assert rows(h3) == before
    assert_reach(fabric)
    api.wait_ports([f"{WEB}/ports/{name}" for name in fabric.vms])


def set_address(host, old, new):
    netns.ip_batch([f"addr del {old}/{UNDERLAY.prefixlen} dev br-phy",
                    f"addr add {new}/{UNDERLAY.prefixlen} dev br-phy"],
                   host.namespace)


def test_a_host_moves_to_another_address(fabric, api):
    h2 = fabric.hosts["h2"]
    old = h2.vtep
    set_address(h2, old, NEW_VTEP)
    assert h2.join("z1", "--vtep", NEW_VTEP, "--wait=40").returncode == 0
    api.wait_hosts(["h1", "h2", "h3"])
    wait_until(lambda: not addresses_of(fabric, old), 10,
               "the old address to be gone everywhere")
    assert addresses_of(fabric, NEW_VTEP)
    api.wait_ports([f"{WEB}/ports/{name}" for name in fabric.vms])
    assert_reach(fabric)
    set_address(h2, NEW_VTEP, old)
    assert h2.join("z1", "--vtep", old, "--wait=40").returncode == 0
    api.wait_ports([f"{WEB}/ports/{name}" for name in fabric.vms])
    assert_reach(fabric)


def test_two_hosts_swap_their_addresses(fabric, api):
    h1, h2 = fabric.hosts["h1"], fabric.hosts["h2"]
    for a, b in ((h1.vtep, h2.vtep), (h2.vtep, h1.vtep)):
        for host in (h1, h2):
            netns.ip_batch(["addr flush dev br-phy"], host.namespace)
        for host, address in ((h1, b), (h2, a)):
            netns.ip_batch([f"addr add {address}/{UNDERLAY.prefixlen} dev "
                            "br-phy"], host.namespace)
        # Whoever is first is refused for the moment.
        h1.join("z1", "--vtep", b, "--wait=0")
        h2.join("z1", "--vtep", a, "--wait=0")
        wait_until(lambda: [api.get(f"/v1/hosts/{h}")["vtep"]
                            for h in ("h1", "h2")] == [b, a], 60,
                   "the addresses on record to be those of the hosts")
        api.wait_hosts(["h1", "h2"])
        wait_until(lambda: status_id(h1) == status_id(h2) == "active", 10,
                   "both to be told")
        api.wait_ports([f"{WEB}/ports/{name}" for name in fabric.vms],
                       deadline_s=60)
        assert_reach(fabric)


# -- Away and back


def wait_down(api, name, *words):
    wait_until(lambda: api.get(f"/v1/hosts/{name}")["status"] == "down", 30,
               lambda: f"{name} down: {api.get('/v1/hosts/' + name)}", 0.05)
    reason = api.get(f"/v1/hosts/{name}")["reason"]
    assert all(w in reason for w in words), reason


def test_a_host_that_falls_silent_is_down_and_its_traffic_goes_on(fabric,
                                                                  api):
    h2 = fabric.hosts["h2"]
    netns.ip_batch([f"route add blackhole {CONTROLLER}/32"], h2.namespace)
    try:
        wait_down(api, "h2", "no OVSDB connection")
        wait_port(api, "vm2", "down", "h2")
        wait_port(api, "vm1", "degraded", "h2")
        assert_reach(fabric)
        port(api, "late", 40, host="h2")        # what it misses meanwhile
    finally:
        netns.ip_batch([f"route del blackhole {CONTROLLER}/32"],
                       h2.namespace)
    api.wait_hosts(["h2"], deadline_s=60)
    api.wait_ports([f"{WEB}/ports/{name}" for name in fabric.vms],
                   deadline_s=30)
    assert_reach(fabric)
    api.ask("DELETE", f"{WEB}/ports/late")


def test_a_host_whose_connections_are_reset_comes_back(fabric, api):
    h2 = fabric.hosts["h2"]
    mark = os.path.getsize(fabric.path("vxfabricd.log"))
    netns.run(netns.command(fabric.underlay, ["ss", "-K", "dst", h2.vtep]))

    def lost_and_back():
        with open(fabric.path("vxfabricd.log"), encoding="utf-8") as log:
            log.seek(mark)
            text = log.read()
        return "h2: OVSDB connection is gone" in text \
            and "h2: host is active" in text

    if not netns.run(netns.command(fabric.underlay, [
            "ss", "-K", "dst", "127.0.0.9"]), check=False).returncode == 0:
        pytest.skip("this kernel does not let connections be reset")
    wait_until(lost_and_back, 30, "h2 to be lost and to come back")
    api.wait_hosts(["h2"], deadline_s=30)
    assert_reach(fabric)
    api.wait_ports([f"{WEB}/ports/{name}" for name in fabric.vms])


# -- Gone, and installed anew


def install_anew(host):
    """Empty database, new system-id, nothing of the old rows."""
    for name in ("ovs-vswitchd", "ovsdb-server"):
        host.stop(name, signal.SIGKILL)
    for name in os.listdir(host.folder):
        if name.endswith((".sock", ".ctl", ".mgmt", ".pid")):
            os.unlink(os.path.join(host.folder, name))
    host.start_database()
    host.start_switch()
    host.finish_start([f"addr replace {host.vtep}/{UNDERLAY.prefixlen} dev "
                       "br-phy"])
    host.vsctl("--no-wait", "set", "Open_vSwitch", ".",
               f"external_ids:system-id={host.name}-anew")


def test_a_host_that_was_installed_anew_is_itself_after_a_reset(fabric, api):
    h2 = fabric.hosts["h2"]
    fabric.unplug([fabric.vms.pop("vm2")])
    install_anew(h2)
    done = h2.join("z1", "--wait=20", check=False)
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert "netctl host reset h2" in done.stderr, done.stderr
    fabric.netctl("host", "reset", "h2")
    assert h2.join("z1", "--wait=30").returncode == 0
    api.wait_hosts(["h1", "h2", "h3"])
    assert api.get("/v1/hosts/h2")["system_id"] == "h2-anew"
    fabric.vms["vm2"] = plug(h2, "vm2", 12)     # the port waited for it
    api.wait_ports([f"{WEB}/ports/{name}" for name in fabric.vms],
                   deadline_s=30)
    assert_reach(fabric)


def test_a_machine_that_is_connected_when_its_host_is_reset_stays_out(
        fabric, api):
    h2 = fabric.hosts["h2"]
    fabric.netctl("host", "reset", "h2")
    wait_until(lambda: "was reset" in status_id(h2), 10, "h2 to be told")
    wait_until(lambda: not addresses_of(fabric, h2.vtep), 10,
               "nothing to lead to it")
    h2.vsctl("--no-wait", "--", "set", "Open_vSwitch", ".",
             "external_ids:unrelated=1")
    assert api.get("/v1/hosts/h2")["system_id"] is None
    assert h2.join("z1", "--wait=30").returncode == 0
    api.wait_ports([f"{WEB}/ports/{name}" for name in fabric.vms],
                   deadline_s=30)
    assert_reach(fabric)


def test_a_host_goes_by_force_with_all_that_leads_to_it(fabric, api):
    h3 = fabric.hosts["h3"]
    done = fabric.netctl("host", "del", "h3", check=False)
    assert done.returncode == 1, done.stderr
    assert "1 port that may be anywhere" in done.stderr, done.stderr
    assert "acme/web/vm3" in done.stderr, done.stderr
    done = fabric.netctl("host", "del", "h2", "--force", check=False)
    assert done.returncode == 1 and "vm2" in done.stderr, done.stderr
    fabric.netctl("host", "del", "h3", "--force")
    assert seen(api, "vm3")[0] == "pending"
    assert api.get(f"{WEB}/ports/vm3")["located"] is None
    others = [fabric.hosts["h1"], fabric.hosts["h2"]]
    wait_until(lambda: not any(
        h3.vtep in f or mac_of(13) in f
        for h in others for f in h.flows("br-fabric")), 10,
        "nothing of h3 on the others")
    wait_until(lambda: "deleted" in status_id(h3), 10, "h3 to be told")
    api.wait_ports([f"{WEB}/ports/{n}" for n in ("vm1", "vm2")])
    assert_reach(fabric, "vm1", "vm2")
    assert h3.join("z1", "--wait=30").returncode == 0
    api.wait_ports([f"{WEB}/ports/vm3"], deadline_s=30)
    assert_reach(fabric)
