# SPDX-License-Identifier: Apache-2.0
"""The OVSDB half of the controller (ovs-glue) with a real ovsdb-server and
ovs-vswitchd that dial out to it. tests/lib/ovsdb_driver.c is the controller:
sessions and plans, nothing else."""
import json
import os
import socket
import subprocess
import threading
import time

import lab as lab_module
import netns
import pytest
from netns import wait_until

CONTROLLER = lab_module.CONTROLLER
DRIVER = os.path.join(lab_module.BIN, "..", "tests", "lib", "ovsdb_driver")


class Driver:
    """The program and what it has printed: (ms, what, details)."""

    def __init__(self, lab, host, vtep=None):
        self.events = []
        self.process = subprocess.Popen(
            netns.command(lab.underlay, [
                DRIVER, CONTROLLER, "6640", "6653", vtep or host.vtep,
                "netdev"]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            ms, what, details = line.rstrip("\n").split(" ", 2)
            self.events.append((float(ms), what, details))

    def all(self, what):
        """Events of a kind."""
        return [e for e in self.events if e[1] == what]

    def wait(self, what, details=None, count=1, deadline_s=20):
        """The count-th event of the kind; its time in ms."""
        def found():
            return [e for e in self.all(what)
                    if details is None or e[2] == details][count - 1:count]

        wait_until(found, deadline_s,
                   lambda: f"{what} {details}; seen {self.events[-10:]}",
                   interval_s=0.002)
        return found()[0][0]

    def status(self, text):
        """Has the driver write this as the host's status."""
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def stop(self):
        """Ends it."""
        self.process.kill()
        self.process.wait(5)
        self.reader.join(5)
        self.process.stdout.close()
        self.process.stdin.close()


class Database:
    """A raw connection to the host's ovsdb-server."""

    def __init__(self, host):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(host.db)
        self.decoder = json.JSONDecoder()

    def transact(self, *operations):
        """Runs it; the reply's result."""
        self.sock.sendall(json.dumps({
            "method": "transact", "id": 1,
            "params": ["Open_vSwitch", *operations]}).encode())
        text = ""
        while True:
            text += self.sock.recv(1 << 20).decode()
            try:
                reply = self.decoder.raw_decode(text)[0]
            except ValueError:
                continue
            assert not reply["error"], reply
            assert not any(r and "error" in r for r in reply["result"]), reply
            return reply["result"]


def plug_operations(names):
    """Interfaces as a virtual switch plug-in makes them."""
    operations, ports = [], []
    for i, name in enumerate(names):
        operations += [
            {"op": "insert", "table": "Interface", "uuid-name": f"i{i}",
             "row": {"name": name, "type": "internal", "external_ids":
                     ["map", [["iface-id", f"vm-{name}"]]]}},
            {"op": "insert", "table": "Port", "uuid-name": f"p{i}",
             "row": {"name": name, "interfaces": ["named-uuid", f"i{i}"]}}]
        ports.append(["named-uuid", f"p{i}"])
    operations.append(
        {"op": "mutate", "table": "Bridge",
         "where": [["name", "==", "br-tenant"]],
         "mutations": [["ports", "insert", ["set", ports]]]})
    return operations


@pytest.fixture(scope="module")
def joined(make_lab):
    """A host whose ovsdb-server dials out, and the driver it finds."""
    lab = make_lab(1)
    host = lab.hosts["h1"]
    driver = Driver(lab, host)
    driver.wait("listening")
    host.vsctl("--no-wait", "--", "--id=@m", "create", "Manager",
               f'target="tcp:{CONTROLLER}:6640"', "max_backoff=1000",
               "inactivity_probe=5000", "--", "set", "Open_vSwitch", ".",
               "manager_options=@m")
    yield lab, host, driver
    driver.stop()


def test_bootstrap_is_one_transaction(joined):
    _lab, host, driver = joined
    driver.wait("ready", "h1")
    driver.wait("bootstrapped")
    driver.wait("openflow", "7678010000000001")
    driver.wait("openflow", "7678020000000001")
    # The one more that follows is the backoff, see the next test.
    plans = [e for e in driver.all("plan") if e[2] != "none"]
    assert plans[0][2].startswith("[{")
    assert "Bridge" not in "".join(e[2] for e in plans[1:])
    start = driver.all("ready")[0][0]
    print(f"\nready -> bootstrapped {driver.wait('bootstrapped') - start:.1f}"
          f" ms, -> both bridges connected "
          f"{driver.all('openflow')[1][0] - start:.1f} ms")
    assert host.ofport("vx0") == 65002
    assert host.ofport("vx-patch-f") == host.ofport("vx-patch-t") == 65001
    assert host.vsctl("get", "Bridge", "br-tenant", "datapath_id").strip() \
        == '"7678010000000001"'
    assert host.flows("br-tenant") == [], "fail_mode=secure"


def test_the_plan_comes_to_rest(joined):
    _lab, host, driver = joined

    def at_rest():
        return host.vsctl("--no-wait", "--bare", "--columns=max_backoff",
                          "list", "Controller").split() == ["1000", "1000"]

    wait_until(at_rest, 10, "max_backoff of connected controllers")
    driver.status("active")
    wait_until(lambda: "active" in host.vsctl(
        "get", "Open_vSwitch", ".", "external_ids:vxfabric-status"), 5,
        "the status to be written")
    wait_until(lambda: driver.events[-1][1:] in [("plan", "none"),
                                                 ("done", "ok")], 5, "rest")
    # The bridges, then the backoff, for both or one after the other.
    assert len([e for e in driver.all("plan") if e[2] != "none"]) <= 3


def test_damage_is_mended(joined):
    _lab, host, driver = joined
    n_plans = len(driver.all("bootstrapped"))
    host.vsctl("--no-wait", "del-port", "vx0")
    driver.wait("bootstrapped", count=n_plans + 1)
    assert host.ofport("vx0") == 65002


def test_a_plugged_interface_is_told_in_milliseconds(joined):
    _lab, host, driver = joined
    database = Database(host)
    took = []
    for n in range(20):
        start = time.monotonic() * 1e3
        database.transact(*plug_operations([f"one{n}"]))
        wait_until(lambda n=n: any(
            e[2].startswith(f"vm-one{n} ") for e in driver.all("iface")), 10,
            f"one{n} to be told", interval_s=0.001)
        took.append([e[0] for e in driver.all("iface")
                     if e[2].startswith(f"vm-one{n} ")][0] - start)
    took.sort()
    print(f"\nplug -> iface callback: median {took[10]:.1f} ms, "
          f"max {took[-1]:.1f} ms (n=20)")
    assert took[10] < 200


def test_200_interfaces_in_one_transaction(joined):
    _lab, host, driver = joined
    start = time.monotonic() * 1e3
    Database(host).transact(*plug_operations([f"t{n}" for n in range(200)]))

    def told():
        return [e for e in driver.all("iface") if e[2].startswith("vm-t")]

    wait_until(lambda: len(told()) >= 200, 30, "200 interfaces")
    print(f"\n200 interfaces: first {told()[0][0] - start:.0f} ms, "
          f"last {told()[-1][0] - start:.0f} ms")
    n_before = len(driver.all("iface"))
    host.vsctl(*" ".join(f"-- del-port t{n}" for n in range(200)).split())
    wait_until(lambda: len(driver.all("iface")) == n_before + 200, 30,
               "200 interfaces to go")
    assert all(e[2].endswith(" 0") for e in driver.all("iface")[n_before:])


def test_both_come_back_soon_after_a_restart(joined):
    lab, host, driver = joined
    for away_s in (0.0, 6.0):
        driver.stop()
        stopped = time.monotonic()
        wait_until(lambda s=stopped, a=away_s: time.monotonic() >= s + a,
                   away_s + 1, "the controller to be away")
        start = time.monotonic() * 1e3
        driver = Driver(lab, host)
        try:
            ovsdb = driver.wait("ready") - start
            driver.wait("openflow", count=2)
            bridges = driver.all("openflow")[1][0] - start
            print(f"\naway {away_s:.0f} s: OVSDB back after {ovsdb:.0f} ms, "
                  f"both bridges after {bridges:.0f} ms")
            assert max(ovsdb, bridges) < 2500
        finally:
            if away_s:
                driver.stop()


def test_an_ipv6_vtep_is_taken(make_lab):
    lab = make_lab(1)
    host = lab.hosts["h1"]
    driver = Driver(lab, host, vtep=host.vtep6)
    try:
        driver.wait("listening")
        host.vsctl("--no-wait", "set-manager", f"tcp:{CONTROLLER}:6640")
        driver.wait("bootstrapped")
        assert host.ofport("vx0") == 65002
        assert f'local_ip="{host.vtep6}"' in host.vsctl(
            "get", "Interface", "vx0", "options")
        assert host.vsctl("get", "Interface", "vx0", "error").strip() == "[]"
    finally:
        driver.stop()
