# SPDX-License-Identifier: Apache-2.0
"""What vxgatewayd does to its machine, on a real kernel and a real Open
vSwitch: VRFs, legs and CE devices come, stay as they are, are put right when
somebody changes them, and go. gw_driver is the code without its daemon."""
import re
import subprocess
import time

import frr
import gwdrive
import netns
import ovs
import pytest

MAC = "02:00:00:00:50:01"
LEG = "169.254.64.2/18,fd76:7866:6162::2/64"


def vrf(vni, *devices, mtu=1450, mac=MAC, leg=LEG):
    """The line that wants a VRF."""
    return " ".join(["vrf", str(vni), mac, str(mtu), "0", leg, *devices])


class Machine:
    """A gateway's machine, and a customer's edge that will be plugged in."""

    def __init__(self, lab, name):
        self.router = frr.Router(lab, name)
        self.ce = frr.Router(lab, f"{name}ce", ["10.77.0.1/32"])
        self.box = self.router.box
        self.driver = None

    def start(self, *argv):
        """A new driver, as vxgatewayd starts."""
        self.stop()
        self.driver = gwdrive.Kernel(self.box, *argv)
        return self.driver

    def stop(self):
        """Kills it."""
        if self.driver:
            self.driver.close()
        self.driver = None

    def plug_ce(self, device="ce1", alias=None):
        """A device appears on the gateway whose other end is the edge's."""
        netns.ip_batch([f"link add {device} type veth peer name p{device} "
                        f"netns {self.ce.namespace}"],
                       self.router.namespace)
        netns.ip_batch([f"link set p{device} up",
                        f"addr add 172.16.1.2/30 dev p{device}",
                        f"addr add fd00:16::2/64 dev p{device} nodad"],
                       self.ce.namespace)
        if alias:
            netns.ip_batch([f"link set {device} alias {alias}"],
                           self.router.namespace)

    def links(self, name=None):
        """{device: line} of a VRF, or of the gateway's own namespace."""
        text = self.box.run("ip", "-d", "-o", "addr", vrf=name).stdout
        text += self.box.run("ip", "-d", "-o", "link", vrf=name).stdout
        found = {}
        for line in text.splitlines():
            key = re.match(r"\d+: ([^:@ ]+)", line).group(1)
            found[key] = found.get(key, "") + line + "\n"
        return found

    def setting(self, path, name=None):
        """A value below /proc/sys/net."""
        return self.box.run("cat", f"/proc/sys/net/{path}",
                            vrf=name).stdout.strip()


@pytest.fixture(scope="module")
def machine(make_lab):
    """One machine for all tests; each uses VNIs of its own."""
    lab = make_lab(hosts=0)
    one = Machine(lab, "g1")
    yield one
    one.stop()


def test_a_vrf_is_made_with_its_leg_and_forwards(machine):
    driver = machine.start()
    driver.say(vrf(16777215))
    driver.wait_for("vrf 16777215 1")
    inside = machine.links("vx16777215")
    assert set(inside) == {"lo", "leg"}
    assert f"link/ether {MAC}" in inside["leg"]
    assert "mtu 1450" in inside["leg"]
    assert "169.254.64.2/18" in inside["leg"]
    assert "fd76:7866:6162::2/64" in inside["leg"]
    assert "tentative" not in inside["leg"]
    outside = machine.links()["vl16777215"]
    assert "mtu 1450" in outside and "inet" not in outside
    for path, value in (("ipv4/ip_forward", "1"),
                        ("ipv6/conf/all/forwarding", "1"),
                        ("ipv4/conf/leg/rp_filter", "0"),
                        ("ipv4/conf/all/rp_filter", "0"),
                        ("ipv4/conf/leg/send_redirects", "0"),
                        ("ipv6/conf/leg/accept_ra", "0"),
                        ("ipv6/conf/leg/accept_dad", "0")):
        assert machine.setting(path, "vx16777215") == value, path
    features = machine.box.run("ethtool", "-k", "leg", vrf="vx16777215")
    assert "tx-checksumming: off" in features.stdout


def test_changes_are_made_in_place(machine):
    driver = machine.start()
    driver.say(vrf(7, leg="169.254.64.7/18"))
    driver.wait_for("vrf 7 1")
    before = machine.links("vx7")["leg"].split(":")[0]
    driver.say(vrf(7, mtu=8950, mac="02:00:00:00:00:99",
                   leg="169.254.64.8/18"))
    netns.wait_until(lambda: "02:00:00:00:00:99" in machine.links(
        "vx7")["leg"], 60, "the new MAC")
    leg = netns.wait_until(
        lambda: "169.254.64.8/18" in machine.links("vx7")["leg"]
        and machine.links("vx7")["leg"], 60, "the new address")
    assert "mtu 8950" in leg and "169.254.64.7" not in leg
    assert leg.split(":")[0] == before


def test_a_restart_touches_nothing_and_loses_no_packet(machine):
    machine.plug_ce("ce1")
    want = [vrf(100, "ce1=172.16.1.1/30,fd00:16::1/64"), vrf(101)]
    driver = machine.start()
    driver.say(*want, "sync")
    driver.wait_for("device 100 ce1 1")
    driver.wait_for("vrf 101 1")
    # What other tests have left goes a second after the rest.
    netns.wait_until(lambda: driver.counts()["dirty"] == 0 and
                     set(machine.box.netns_names()) == {"vx100", "vx101"},
                     60, machine.box.netns_names)
    before = machine.links("vx100"), machine.links("vx101")
    with subprocess.Popen(
            netns.command(machine.ce.namespace, [
                "ping", "-q", "-i", "0.005", "-c", "400", "172.16.1.1"]),
            stdout=subprocess.PIPE, text=True) as ping:
        for _ in range(3):
            driver = machine.start()
            driver.say(*want, "sync")
            driver.wait_for("vrf 100 1")
            driver.wait_for("vrf 101 1")
        counts = driver.counts()
        said = ping.communicate(timeout=60)[0]
    assert counts["operations"] == 0 and counts["failures"] == 0
    assert "400 received, 0% packet loss" in said, said
    assert (machine.links("vx100"), machine.links("vx101")) == before


@pytest.mark.parametrize("device, state", (("ce2", "up"), ("ce7", "down")))
@pytest.mark.parametrize("how", ("the peering goes", "the VRF goes",
                                 "it goes to another VRF"))
def test_a_device_goes_back_as_it_came(machine, device, state, how):
    machine.plug_ce(device, alias="of-the-operator")
    netns.ip_batch([f"link set {device} {state}"], machine.router.namespace)
    driver = machine.start()
    driver.say(vrf(102, f"{device}=172.16.1.1/30"))
    driver.wait_for(f"device 102 {device} 1")
    assert device not in machine.links()
    assert ",UP" in machine.links("vx102")[device]
    if how == "it goes to another VRF":
        driver.say(vrf(102), vrf(114, f"{device}=172.16.1.1/30"))
        driver.wait_for(f"device 114 {device} 1")
        driver = machine.start()        # which knows only what it finds
        driver.say(vrf(102), vrf(114))
    elif how == "the VRF goes":
        driver.say("rmvrf 102")
    else:
        driver.say(vrf(102))
    netns.wait_until(
        lambda: "alias of-the-operator" in machine.links().get(device, ""),
        60, f"{device} outside, with its alias")
    back = machine.links()[device]
    assert "172.16.1.1" not in back
    assert (",UP" in back) == (state == "up"), back
    netns.ip_batch([f"link del {device}"], machine.router.namespace)


def test_devices_come_back_when_a_vrf_goes(machine):
    machine.plug_ce("ce3")
    machine.plug_ce("ce4")
    driver = machine.start()
    driver.say(vrf(103, "ce3=172.16.1.1/30"))
    driver.wait_for("device 103 ce3 1")
    # An operator's own doing in there, which would be lost with it.
    netns.ip_batch([f"link set ce4 netns "
                    f"{machine.box.netns_path('vx103')}"],
                   machine.router.namespace)
    driver.say("rmvrf 103")
    driver.wait_for("vrf 103 0 gone")
    links = machine.links()
    assert "ce3" in links and "ce4" in links and "vl103" not in links
    assert "172.16.1.1" not in links["ce3"]
    assert "vx103" not in machine.box.netns_names()


def test_a_device_that_comes_later_is_taken(machine):
    driver = machine.start()
    driver.say(vrf(104, "ce5=172.16.1.1/30,fd00:16::1/64"))
    driver.wait_for("device 104 ce5 0 there is no such device")
    driver.wait_for("vrf 104 1")
    machine.plug_ce("ce5")
    driver.wait_for("device 104 ce5 1")
    assert "fd00:16::1/64" in machine.links("vx104")["ce5"]
    # It is pulled out and comes again.
    netns.ip_batch(["link del ce5"], machine.box.netns_path("vx104"))
    since = len(driver.lines)
    driver.wait_for("device 104 ce5 0", since=since)
    machine.plug_ce("ce5")
    driver.wait_for("device 104 ce5 1", since=since)


def test_a_device_of_two_is_the_first_ones(machine):
    machine.plug_ce("ce6")
    driver = machine.start()
    driver.say(vrf(105, "ce6=172.16.1.1/30"), vrf(106, "ce6=172.16.1.1/30"))
    driver.wait_for("device 105 ce6 1")
    driver.wait_for("device 106 ce6 0 another VRF")
    driver.wait_for("vrf 106 1")
    driver.say(vrf(105))
    driver.wait_for("device 106 ce6 1")
    assert "ce6" in machine.links("vx106")


@pytest.mark.parametrize("line", [
    "addr del 169.254.64.2/18 dev leg", "link set leg mtu 1300",
    "link set leg address 02:00:00:00:00:77", "link set leg down",
    "addr add 192.0.2.77/24 dev leg", "link del leg"])
def test_what_somebody_changes_is_put_right(machine, line):
    driver = machine.start()
    driver.say(vrf(107))
    driver.wait_for("vrf 107 1")
    netns.ip_batch([line], machine.box.netns_path("vx107"))
    driver.wait_for("note vx107 was changed")

    def is_right():
        leg = machine.links("vx107").get("leg", "")
        return (f"link/ether {MAC}" in leg and "mtu 1450" in leg
                and "169.254.64.2/18" in leg and "192.0.2.77" not in leg
                and "fd76:7866:6162::2/64" in leg and ",UP" in leg)
    netns.wait_until(is_right, 60, lambda: str(machine.links("vx107")))


def test_a_namespace_that_is_deleted_is_made_again(machine):
    driver = machine.start()
    driver.say(vrf(108))
    driver.wait_for("vrf 108 1")
    machine.box.run("ip", "netns", "del", "vx108")
    netns.wait_until(lambda: "vx108" in machine.box.netns_names()
                     and "169.254.64.2/18" in machine.links("vx108").get(
                         "leg", ""), 60, "vx108 again")
    assert "vl108" in machine.links()


def test_what_an_operator_has_is_not_touched(machine):
    machine.box.run("ip", "netns", "add", "vx109")
    netns.ip_batch(["link add vl110 type veth peer name other"],
                   machine.router.namespace)
    driver = machine.start()
    driver.say(vrf(109), vrf(110), "sync")
    assert "not ours" in driver.wait_for("vrf 109 0")
    assert "not ours" in driver.wait_for("vrf 110 0")
    assert set(machine.links("vx109")) == {"lo"}
    assert "other" in machine.links()
    # Out of the way, it goes on by itself.
    machine.box.run("ip", "netns", "del", "vx109")
    netns.ip_batch(["link del other"], machine.router.namespace)
    driver.wait_for("vrf 109 1")
    driver.wait_for("vrf 110 1")


def test_what_an_earlier_run_left_is_removed_by_sync(machine):
    driver = machine.start()
    driver.say(vrf(111), vrf(112))
    driver.wait_for("vrf 111 1")
    driver.wait_for("vrf 112 1")
    driver = machine.start()
    driver.say(vrf(112), "sync")
    driver.wait_for("vrf 111 0 gone")
    assert "vl111" not in machine.links()
    assert "vx111" not in machine.box.netns_names()
    assert "vx112" in machine.box.netns_names()


def test_ip_rules_are_read_back(machine):
    machine.box.ip(["rule add pref 1234 iif lo fwmark 7 lookup 4000000"])
    said = machine.start().ask("rules")
    assert "rule 4 1234 table 4000000 iif lo mark 7" in said


def test_routes_in_a_vrf_are_told(machine):
    driver = machine.start()
    driver.say(vrf(113))
    driver.wait_for("vrf 113 1")
    machine.box.ip(["route add 203.0.113.0/24 via 169.254.64.1 proto 201"],
                   vrf="vx113")
    driver.wait_for("route 113 203.0.113.0/24 201 1")
    machine.box.ip(["route del 203.0.113.0/24"], vrf="vx113")
    driver.wait_for("route 113 203.0.113.0/24 201 0")


@pytest.mark.slow
def test_400_vrfs_are_cheap(machine, figures):
    count = 400
    driver = machine.start()
    start = time.monotonic()
    driver.say(*[vrf(20000 + i) for i in range(count)])
    netns.wait_until(lambda: driver.counts()["ready"] == count, 120,
                     "400 VRFs", 0.2)
    made = time.monotonic() - start
    driver = machine.start()
    start = time.monotonic()
    driver.say(*[vrf(20000 + i) for i in range(count)])
    netns.wait_until(lambda: driver.counts()["ready"] == count, 60,
                     "400 VRFs again", 0.05)
    again = time.monotonic() - start
    assert driver.counts()["operations"] == 0
    with open(f"/proc/{driver.process.pid}/status", encoding="ascii") as file:
        rss = int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))
    start = time.monotonic()
    driver.say(*[f"rmvrf {20000 + i}" for i in range(count)])
    names = {f"vx{20000 + i}" for i in range(count)}
    netns.wait_until(lambda: not names & set(machine.box.netns_names()), 120,
                     "no VRF", 0.2)
    gone = time.monotonic() - start
    figures(f"400 VRFs made in {made:.1f} s, found again in "
            f"{again:.2f} s, removed in {gone:.1f} s, {rss} kB")
    assert again < 30 and rss < 200000


# --- Legs in a real Open vSwitch.

@pytest.fixture(scope="module")
def switch(machine):
    """Open vSwitch on the gateway's machine, with a bridge br-tenant."""
    lab = machine.router.lab
    host = ovs.OvsHost("g1", machine.router.namespace, lab.path("g1-ovs"),
                       "02:00:00:00:00:01", 1500)
    host.start_database()
    host.start_switch()
    make_bridge(host)
    yield host
    machine.stop()
    for name in list(host.processes):
        host.stop(name)


def make_bridge(host):
    """br-tenant, which forwards like any switch."""
    host.vsctl("add-br", "br-tenant", "--", "set", "Bridge", "br-tenant",
               "datapath_type=netdev")
    host.vsctl("--", "add-port", "br-tenant", "vl999999", "--", "set",
               "Interface", "vl999999", "type=internal")


def iface_id(host, name):
    """external_ids:iface-id of an interface, None if there is none."""
    said = host.vsctl("--if-exists", "get", "Interface", name,
                      "external_ids:iface-id", check=False)
    return said.strip().strip('"') or None


def test_a_leg_is_a_port_of_the_tenants_bridge(machine, switch):
    driver = machine.start(f"unix:{switch.db}")
    driver.wait_for("ovsdb 1 1")
    driver.say(vrf(300))
    driver.wait_for("vrf 300 1")
    driver.say('leg 300 leg-of "acme"')
    port = driver.wait_for("leg 300 ").split()[2]
    assert switch.vsctl("get", "Interface", "vl300",
                        "ofport").strip() == port
    assert "vl300" in switch.vsctl("list-ports", "br-tenant")
    # What is not ours by name in br-tenant stays, until all is known.
    assert "vl999999" in switch.vsctl("list-ports", "br-tenant")
    driver.say("legsync")
    netns.wait_until(lambda: "vl999999" not in switch.vsctl(
        "list-ports", "br-tenant"), 60, "end of vl999999")
    assert "vl300" in switch.vsctl("list-ports", "br-tenant")


def test_packets_go_through_a_leg(machine, switch):
    driver = machine.start(f"unix:{switch.db}")
    driver.say(vrf(301, mac="02:00:00:00:50:02",
                   leg="169.254.64.9/18,fd76:7866:6162::9/64"))
    driver.wait_for("vrf 301 1")
    driver.say("leg 301 leg301")
    driver.wait_for("leg 301 ")
    # A machine in the tenant's network, seen from the leg.
    netns.ip_batch(["link add vm1 type veth peer name eth0 netns "
                    f"{machine.ce.namespace}", "link set vm1 up"],
                   machine.router.namespace)
    netns.ip_batch(["link set eth0 up", "addr add 169.254.64.20/18 dev eth0",
                    "addr add fd76:7866:6162::20/64 dev eth0 nodad"],
                   machine.ce.namespace)
    switch.vsctl("add-port", "br-tenant", "vm1")

    def reached(address):
        return "1 received" in netns.run(netns.command(
            machine.ce.namespace, ["ping", "-c", "1", "-W", "1", address]),
            check=False).stdout
    for address in ("169.254.64.9", "fd76:7866:6162::9"):
        netns.wait_until(lambda a=address: reached(a), 60, address)
    # The namespace is taken away, and with it the veth: made again, it
    # forwards again.
    machine.box.run("ip", "netns", "del", "vx301")
    netns.wait_until(lambda: "vx301" in machine.box.netns_names()
                     and "vl301" in machine.links(), 60, "vx301 again")
    netns.wait_until(lambda: reached("169.254.64.9"), 60, "the leg again")


def test_ports_of_legs_are_put_back(machine, switch):
    driver = machine.start(f"unix:{switch.db}")
    driver.say(vrf(302), vrf(303))
    driver.wait_for("vrf 303 1")
    driver.say("leg 302 one", "leg 303 two")
    driver.wait_for("leg 302 ")
    driver.wait_for("leg 303 ")
    since = len(driver.lines)
    switch.vsctl("del-port", "br-tenant", "vl302")
    netns.wait_until(lambda: iface_id(switch, "vl302") == "one", 60,
                     "vl302 again")
    switch.vsctl("set", "Interface", "vl303", "external_ids:iface-id=other")
    driver.wait_for("leg 303 0", since=since)
    netns.wait_until(lambda: iface_id(switch, "vl303") == "two", 60,
                     "its iface-id again")
    driver.say("rmleg 303")
    netns.wait_until(lambda: iface_id(switch, "vl303") is None, 60,
                     "end of vl303")
    assert iface_id(switch, "vl302") == "one"


def test_legs_survive_a_new_database(machine, switch):
    driver = machine.start(f"unix:{switch.db}")
    driver.say(vrf(304))
    driver.wait_for("vrf 304 1")
    driver.say("leg 304 three")
    driver.wait_for("leg 304 ")
    since = len(driver.lines)
    switch.stop("ovs-vswitchd")
    switch.stop("ovsdb-server")
    driver.wait_for("ovsdb 0", since=since)
    switch.start_database()
    switch.start_switch()
    driver.wait_for("ovsdb 1", since=since)
    make_bridge(switch)
    netns.wait_until(lambda: iface_id(switch, "vl304") == "three", 60,
                     "vl304 in the new database")
