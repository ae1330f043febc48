# SPDX-License-Identifier: Apache-2.0
"""`netctl host join` and `leave` against a real Open vSwitch; the controller
is tests/lib/ovsdb_driver.c, which says "active" once both bridges are up."""
import json

import lab as lab_module
import netns
import pytest
from netns import wait_until
from test_ovsdb_real import Driver

CONTROLLER = lab_module.CONTROLLER


@pytest.fixture(scope="module")
def world(make_lab):
    """A lab with one host that has not joined, and no controller yet."""
    lab = make_lab(1)
    host = lab.hosts["h1"]
    host.vsctl("set", "Interface", "br-phy", "mtu_request=1600")
    return lab, host


def ids(host):
    """external_ids of the Open_vSwitch row."""
    out = host.vsctl("--no-wait", "--format=json", "--columns=external_ids",
                     "list", "Open_vSwitch", ".")
    return dict(json.loads(out)["data"][0][0][1])


def managers(host):
    """Targets of the managers, sorted."""
    return sorted(host.vsctl("--no-wait", "get-manager").split())


def join(host, *extra, zone="z1", controller=CONTROLLER):
    """The command's result, never an exception."""
    return host.netctl("-o", "json",
                       *host.join_command(zone, controller=controller),
                       *extra, check=False)


def test_what_would_be_written_is_shown_and_not_written(world):
    _lab, host = world
    done = join(host, "--dry-run")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["vtep"] == host.vtep and shown["device"] == "br-phy"
    assert shown["mtu"] == 1600 and shown["operations"]
    assert "vxfabric-zone" not in ids(host) and not managers(host)


def test_without_a_controller_it_is_exit_3_and_written(world):
    _lab, host = world
    host.vsctl("--no-wait", "set-manager", "ptcp:6641:127.0.0.1")
    done = join(host, "--wait=1")
    assert done.returncode == 3, done.stderr
    assert "has not reached a controller" in done.stderr
    assert ids(host) | {
        "vxfabric-name": "h1", "vxfabric-zone": "z1", "system-id": "h1",
        "vxfabric-vtep": host.vtep, "vxfabric-mtu": "1600",
        "vxfabric-datapath": "netdev"} == ids(host)
    assert managers(host) == ["ptcp:6641:127.0.0.1",
                              f"tcp:{CONTROLLER}:6640"]


def test_a_second_run_changes_nothing(world):
    _lab, host = world
    done = join(host, "--wait=0")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["changed"] is False


def test_another_controller_replaces_ours_and_keeps_the_others(world):
    _lab, host = world
    for controller in ("172.31.9.9", CONTROLLER):
        done = join(host, "--wait=0", controller=controller)
        assert done.returncode == 0, done.stderr
        assert managers(host) == ["ptcp:6641:127.0.0.1",
                                  f"tcp:{controller}:6640"]


def test_it_waits_until_the_controller_says_active(world):
    lab, host = world
    driver = Driver(lab, host)
    try:
        done = join(host, "--wait=20", zone="z2")
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        assert shown["status"] == "active" and shown["changed"] is True
        assert host.ofport("vx0") == 65002
        # And says so again, of what it finds.
        done = join(host, zone="z2")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["changed"] is False
        driver.status("refused: VTEP is taken by host \"h9\"")
        wait_until(lambda: ids(host)["vxfabric-status"].startswith("ref"), 5,
                   "the refusal")
        done = join(host, zone="z2")
        assert done.returncode == 1
        assert "is refused: VTEP is taken by host" in done.stderr
        driver.status("joining: MTU probe")
        wait_until(lambda: ids(host)["vxfabric-status"].startswith("join"), 5,
                   "the status")
        done = join(host, "--wait=1", zone="z2")
        assert done.returncode == 4
        assert "joining: MTU probe" in done.stderr
    finally:
        driver.stop()


@pytest.mark.parametrize("extra,message", [
    (["--tenant-mtu", "1560"], "tenants' 1560 bytes need 1610"),
    (["--vtep", "192.0.2.77"], "no device of this machine has"),
    (["--vtep", "127.0.0.1"], "no address that tunnels can use"),
    (["--db", "unix:/nonexistent"], "cannot reach Open vSwitch"),
])
def test_what_cannot_work_is_refused_with_the_way_out(world, extra, message):
    _lab, host = world
    before = ids(host), managers(host)
    done = join(host, *extra)
    assert done.returncode == 1 and message in done.stderr
    assert done.stdout == "" and (ids(host), managers(host)) == before


@pytest.mark.parametrize("controller,code,message", [
    ("127.0.0.1", 1, "give --vtep IP"),
    ("198.51.100.1", 1, "no route"),
    ("ctl.example", 2, "no IP address"),
    ("172.31.0.1:0", 2, "no port"),
    ("[fd31::1", 2, "no IP address"),
    ("[fd31::1]x", 2, "no IP address"),
])
def test_controllers_that_cannot_be(world, controller, code, message):
    _lab, host = world
    done = join(host, controller=controller)
    assert done.returncode == code and message in done.stderr, done.stderr


def test_an_ipv6_controller_gives_an_ipv6_vtep(world):
    _lab, host = world
    done = join(host, "--dry-run", controller="[fd31::1]")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["vtep"] == host.vtep6
    assert shown["controller"] == "tcp:[fd31::1]:6640"
    done = join(host, "--dry-run", "--tenant-mtu", "1540",
                controller="fd31::1")
    assert "need 1610" in done.stderr


def test_the_mtu_of_the_route_counts(world):
    _lab, host = world
    netns.ip_batch([f"route add {CONTROLLER}/32 dev br-phy mtu 1400"],
                   host.namespace)
    try:
        done = join(host)
        assert done.returncode == 1
        assert "the underlay takes 1400 bytes" in done.stderr
    finally:
        netns.ip_batch([f"route del {CONTROLLER}/32 dev br-phy"],
                       host.namespace)


def test_a_vtep_outside_the_userspace_datapath_is_warned_about(world):
    _lab, host = world
    netns.ip_batch(["link add v0 mtu 1600 type veth peer name v1",
                    "addr add 192.0.2.1/32 dev v0"], host.namespace)
    done = join(host, "--dry-run", "--vtep", "192.0.2.1")
    assert done.returncode == 0 and "warning: the VTEP address" in done.stderr
    done = join(host, "--dry-run")
    assert "warning" not in done.stderr


def test_a_system_id_is_made_where_there_is_none(world):
    _lab, host = world
    host.vsctl("--no-wait", "remove", "Open_vSwitch", ".", "external_ids",
               "system-id")
    join(host, "--wait=0", zone="z2")
    first = ids(host)["system-id"]
    assert len(first) == 36 and first[14] == "4"
    join(host, "--wait=0", zone="z2")
    assert ids(host)["system-id"] == first


def test_leave_takes_back_what_join_wrote(world):
    _lab, host = world
    done = host.netctl("host", "leave", "--db", f"unix:{host.db}")
    assert done.returncode == 0
    assert not [k for k in ids(host) if k.startswith("vxfabric")]
    assert managers(host) == ["ptcp:6641:127.0.0.1"]
    assert host.has_bridge("br-tenant")
    host.netctl("host", "leave", "--purge", "--db", f"unix:{host.db}")
    assert not host.has_bridge("br-tenant") and host.has_bridge("br-phy")
    done = host.netctl("-o", "json", "host", "leave", "--db",
                       f"unix:{host.db}")
    assert json.loads(done.stdout) == {"changed": False}


def host_rows(lab):
    """Hosts as the API lists them: name -> (zone, status)."""
    items = lab.netctl_json("host", "list")["items"]
    return {h["name"]: (h["zone"], h["status"]) for h in items}


def test_with_the_controller_a_host_joins_moves_and_comes_back(world):
    lab, host = world
    lab.start_controller()
    for zone in ("z1", "z1", "z2"):
        done = join(host, "--wait=20", zone=zone)
        assert done.returncode == 0, done.stderr
        assert host_rows(lab) == {"h1": (zone, "active")}
    lab.netctl("host", "del", "h1")
    wait_until(lambda: "refused" in ids(host).get("vxfabric-status", ""), 10,
               "the host to be told")
    done = join(host, "--wait=20", zone="z2")
    assert done.returncode == 0, done.stderr
    assert host_rows(lab) == {"h1": ("z2", "active")}
    lab.stop_controller()
