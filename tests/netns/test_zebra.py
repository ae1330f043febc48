# SPDX-License-Identifier: Apache-2.0
"""The zebra session against a real zebra: routes into VRFs that are network
namespaces, what it says about them, what BGP has learned, rules, and restarts
of zebra, bgpd and of the client. zebra_driver is the client; no gateway
program. What a version that is not known looks like is played by a socket."""
import os
import signal
import socket
import struct
import subprocess
import threading

import frr as frr_module
import lab as lab_module
import netns
import pytest

TESTS = os.environ.get("VXFABRIC_TESTS") or os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__)))), "build", "tests")
MANY = 20000


class Client:
    """zebra_driver and what it has said."""

    def __init__(self, path, instance=0, stale_s=120, quiet=False):
        self.lines = []
        self.news = threading.Condition()
        self.process = subprocess.Popen(
            [os.path.join(TESTS, "netns", "zebra_driver"), path,
             str(instance), str(stale_s), *(["quiet"] if quiet else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line.strip())
                self.news.notify_all()

    def say(self, *lines):
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def find(self, start, since=0):
        with self.news:
            return [line for line in self.lines[since:]
                    if line.startswith(start)]

    def mark(self):
        """The number of lines until now."""
        with self.news:
            return len(self.lines)

    def wait(self, start, since=0, deadline_s=10):
        """The first line that begins so, said after `since` lines."""
        with self.news:
            ok = self.news.wait_for(
                lambda: any(line.startswith(start)
                            for line in self.lines[since:]), deadline_s)
            if not ok:
                raise netns.LabError(
                    f"not within {deadline_s} s: \"{start}\"; said: "
                    + "\n".join(self.lines[since:][-30:]))
        return self.find(start, since)[0]

    def counters(self):
        since = self.mark()
        self.say("counters")
        words = self.wait("counters", since).split()[1:]
        return dict(zip(words[::2], map(int, words[1::2])))

    def close(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait(10)
        self.reader.join(10)
        self.process.stdin.close()
        self.process.stdout.close()


class Gateway:
    """A box with zebra and two tenants, t1 and t2, each with a leg."""

    def __init__(self, lab):
        self.lab = lab
        namespace = lab.namespace("gw")
        netns.ip_batch([f"netns add {namespace}"])
        netns.ip_batch(["link set lo up", "link add e10 type veth peer e11",
                        "link set e10 up", "link set e11 up",
                        "addr add 192.0.2.1/24 dev e10"], namespace)
        frr_module.make_router(namespace)
        self.namespace = namespace
        self.box = frr_module.Box(lab, "gw", namespace)
        self.frr = frr_module.Frr(self.box, netns_vrfs=True)
        self.clients = []

    def add_tenant(self, name):
        self.box.add_netns(name)
        with_peer = [f"link add leg type veth peer far{name}",
                     "link set leg up", f"link set far{name} up",
                     "addr add 169.254.64.2/18 dev leg"]
        netns.ip_batch(with_peer, self.box.netns_path(name))

    def client(self, **kwargs):
        client = Client(self.frr.zserv, **kwargs)
        self.clients.append(client)
        return client

    def installed(self, vrf):
        """Prefixes of ours in the kernel of a VRF."""
        out = self.box.run("ip", "route", "show", "proto", "openfabric",
                           vrf=vrf).stdout
        out += self.box.run("ip", "-6", "route", "show", "proto",
                            "openfabric", vrf=vrf).stdout
        words = [line.replace("blackhole ", "").split()[0]
                 for line in out.splitlines() if line.strip()]
        return sorted(words)

    def close_clients(self):
        for client in self.clients:
            if client.process.poll() is None:
                client.close()
        self.clients = []


@pytest.fixture(name="gateway", scope="module")
def fixture_gateway():
    lab = lab_module.Lab(f"zapi{os.getpid()}")
    try:
        gateway = Gateway(lab)
        gateway.frr.start("zebra")
        gateway.add_tenant("t1")
        gateway.add_tenant("t2")
        yield gateway
        gateway.close_clients()
    finally:
        lab.close()


@pytest.fixture(autouse=True)
def fixture_no_client_left(request):
    yield
    if "gateway" in request.fixturenames:
        gateway = request.getfixturevalue("gateway")
        gateway.close_clients()
        assert not gateway.box.crashed(), gateway.box.output("zebra")


def via_leg(vrf, prefix, token, tag=0, via="169.254.64.1"):
    return f"set {vrf} {prefix} {via} leg 0 {tag} {token}"


def fresh(gateway, **kwargs):
    """A client that is up, of a zebra that holds nothing of ours."""
    client = gateway.client(**kwargs)
    client.wait("state up FRR 8.2 to 9.0 netns", deadline_s=15)
    client.wait("vrf t1 there")
    client.wait("vrf t2 there")
    client.say("whole")
    client.wait("audited")
    netns.wait_until(lambda: not gateway.installed("t1")
                     and not gateway.installed("t2"), 10,
                     "the VRFs to be empty")
    return client


def test_routes_come_into_the_vrf_and_go_again(gateway):
    client = fresh(gateway)
    client.say(via_leg("t1", "10.50.0.0/24", 1),
               via_leg("t2", "10.50.0.0/24", 2),
               "set t1 fd00:50::/64 - - 0 7 3")
    client.wait("confirmed 3")
    client.wait("route t1 10.50.0.0/24 installed")
    client.wait("route t2 10.50.0.0/24 installed")
    assert gateway.installed("t1") == ["10.50.0.0/24", "fd00:50::/64"]
    assert gateway.installed("t2") == ["10.50.0.0/24"]
    client.say("unset t1 10.50.0.0/24 4")
    client.wait("route t1 10.50.0.0/24 gone")
    client.wait("confirmed 4")
    assert gateway.installed("t1") == ["fd00:50::/64"]
    assert client.counters()["unanswered"] == 0
    assert client.counters()["undecoded"] == 0
    client.say("unset t1 fd00:50::/64 5", "unset t2 10.50.0.0/24 6")
    client.wait("confirmed 6")


def test_what_cannot_be_is_told_with_the_reason(gateway):
    client = fresh(gateway)
    client.say("set t1 169.254.64.0/18 - - 0 0 1")      # it is connected
    line = client.wait("route t1 169.254.64.0/18 failed")
    assert "connected" in line
    client.say("set t1 10.9.0.0/16 203.0.113.9 - 0 0 2")
    line = client.wait("route t1 10.9.0.0/16 failed")
    assert "next hop" in line
    client.say("set t9 10.9.0.0/16 - - 0 0 3",
               "set t1 10.8.0.0/16 - noleg 0 0 4")
    assert "VRF" in client.wait("route t9 10.9.0.0/16 failed", 0, 15)
    assert "interface" in client.wait("route t1 10.8.0.0/16 failed", 0, 15)
    client.wait("confirmed 4")
    # The better route goes: ours comes into force by itself.
    gateway.box.ip(["route add 10.7.0.0/16 via 169.254.64.9 dev leg"],
                   vrf="t1")
    client.say(via_leg("t1", "10.7.0.0/16", 5))
    client.wait("route t1 10.7.0.0/16 failed")
    gateway.box.ip(["route del 10.7.0.0/16 via 169.254.64.9 dev leg"],
                   vrf="t1")
    client.wait("route t1 10.7.0.0/16 installed")


def test_flaps_end_as_wanted(gateway):
    client = fresh(gateway)
    for round_number in range(20):
        client.say(*(via_leg("t1", f"10.{n}.0.0/16", round_number * 2 + 1)
                     for n in range(1, 9)))
        client.say(*(f"unset t1 10.{n}.0.0/16 {round_number * 2 + 2}"
                     for n in range(1, 9)))
    client.say(via_leg("t1", "10.1.0.0/16", 100), via_leg("t1", "10.2.0.0/16",
                                                         101))
    client.wait("confirmed 101", deadline_s=20)
    assert gateway.installed("t1") == ["10.1.0.0/16", "10.2.0.0/16"]


def test_a_vrf_that_is_made_later_or_anew_gets_its_routes(gateway):
    client = fresh(gateway)
    client.say(via_leg("t3", "10.50.0.0/24", 1))
    gateway.add_tenant("t3")
    client.wait("vrf t3 there")
    client.wait("confirmed 1")
    assert gateway.installed("t3") == ["10.50.0.0/24"]
    since = client.mark()
    gateway.box.run("ip", "netns", "del", "t3")
    client.wait("vrf t3 gone", since)
    gateway.add_tenant("t3")
    client.wait("vrf t3 there", since)
    netns.wait_until(lambda: gateway.installed("t3") == ["10.50.0.0/24"],
                     10, "the route to be in the new VRF")
    since = client.mark()
    gateway.box.run("ip", "netns", "del", "t3")
    client.wait("vrf t3 gone", since)


def test_a_leg_that_is_made_anew_gets_its_routes(gateway):
    client = fresh(gateway)
    client.say(via_leg("t2", "10.51.0.0/24", 1))
    client.wait("confirmed 1")
    path = gateway.box.netns_path("t2")
    netns.ip_batch(["link del leg"], path)
    netns.wait_until(lambda: not gateway.installed("t2"), 10, "no route")
    netns.ip_batch(["link add leg type veth peer fart2", "link set leg up",
                    "link set fart2 up", "addr add 169.254.64.2/18 dev leg"],
                   path)
    netns.wait_until(lambda: gateway.installed("t2") == ["10.51.0.0/24"],
                     10, "the route to be back")


def test_a_leg_that_goes_down_and_up_has_its_routes_again(gateway):
    client = fresh(gateway)
    client.say(via_leg("t2", "10.52.0.0/24", 1), via_leg(
        "t2", "fd00:52::/64", 2, via="fe80::1"))
    client.wait("confirmed 2")
    path = gateway.box.netns_path("t2")
    for _ in range(3):
        netns.ip_batch(["link set leg down"], path)
        netns.wait_until(lambda: not gateway.installed("t2"), 10, "no route")
        since = client.mark()
        netns.ip_batch(["link set leg up"], path)
        netns.wait_until(lambda: gateway.installed("t2")
                         == ["10.52.0.0/24", "fd00:52::/64"], 10,
                         "the routes to be back")
        client.wait("route t2 10.52.0.0/24 installed", since)
        client.wait("route t2 fd00:52::/64 installed", since)


def test_the_client_restarts_and_no_route_goes(gateway):
    client = fresh(gateway)
    client.say(*(via_leg("t1", f"10.60.{n}.0/24", n + 1) for n in range(4)))
    client.wait("confirmed 4")
    client.close()
    assert len(gateway.installed("t1")) == 4
    client = gateway.client()
    client.wait("state up", deadline_s=15)
    client.say(*(via_leg("t1", f"10.60.{n}.0/24", n + 1) for n in range(3)))
    client.wait("confirmed 3")
    # Not whole yet: the fourth may still be wanted.
    assert len(gateway.installed("t1")) == 4
    client.say("whole")
    client.wait("audited")
    netns.wait_until(lambda: gateway.installed("t1") == [
        f"10.60.{n}.0/24" for n in range(3)], 5,
        "the route that is wanted no more to go")
    since = client.mark()
    client.say("audit")
    assert client.wait("audited", since) == "audited 3 0 0"


def test_an_audit_finds_strays_and_what_goes_comes_back(gateway):
    client = fresh(gateway)
    client.say(via_leg("t1", "10.61.0.0/24", 1))
    client.wait("confirmed 1")
    # Another client of the same kind: what it does is not ours.
    since = client.mark()
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(gateway.frr.zserv)
        other.sendall(bytes.fromhex(
            "0013fe060000000000121a0000000000000000"))
        ids = vrf_ids(other, 3)
        head = struct.pack(">HBBIH", 27, 254, 6, ids["t1"], 9)
        other.sendall(head + bytes.fromhex("1a000000000001000000000102180a3d"
                                           "00"))
        add = bytes.fromhex("1a0000000000010000000101021809090900010000"
                            "0000060001")
        add = add.replace(bytes.fromhex("000100000000060001"),
                          b"\0\1" + struct.pack(">I", ids["t1"])
                          + bytes.fromhex("060001"))
        other.sendall(struct.pack(">HBBIH", 10 + len(add), 254, 6,
                                  ids["t1"], 8) + add)
        # zebra has told us that ours went, and we have said it again.
        client.wait("route t1 10.61.0.0/24 installed", since)
        both = ["10.61.0.0/24", "9.9.9.0/24"]
        netns.wait_until(lambda: gateway.installed("t1") == both, 5,
                         lambda: f"a stray: {gateway.installed('t1')}")
        since = client.mark()
        client.say("audit")
        assert client.wait("audited", since) == "audited 2 1 0"
        netns.wait_until(lambda: gateway.installed("t1") == both[:1], 5,
                         "the stray to go")


def vrf_ids(sock, count):
    """{name: id} of the first VRF_ADDs on a connection."""
    ids, data = {}, b""
    sock.settimeout(5)
    while len(ids) < count:
        data += sock.recv(65536)
        while len(data) >= 10:
            size, _, _, vrf_id, number = struct.unpack(">HBBIH", data[:10])
            if len(data) < size:
                break
            if number == 33:
                ids[data[50:86].rstrip(b"\0").decode()] = vrf_id
            data = data[size:]
    return ids


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_zebra_restarts_and_all_is_said_again(gateway, number):
    client = fresh(gateway)
    client.say(*(via_leg("t1", f"10.62.{n}.0/24", n + 1) for n in range(3)))
    client.say(via_leg("t2", "10.62.0.0/24", 4))
    client.wait("confirmed 4")
    since = client.mark()
    gateway.frr.stop("zebra", number)
    client.wait("state away", since)
    client.say("unset t1 10.62.2.0/24 5", via_leg("t1", "10.62.9.0/24", 6))
    gateway.frr.start("zebra")
    client.wait("state up", since, 20)
    client.wait("confirmed 6", since, 20)
    client.wait("audited", since, 20)
    expected = ["10.62.0.0/24", "10.62.1.0/24", "10.62.9.0/24"]
    netns.wait_until(lambda: gateway.installed("t1") == expected, 10,
                     lambda: f"{gateway.installed('t1')}")
    assert gateway.installed("t2") == ["10.62.0.0/24"]
    since = client.mark()
    client.say("audit")
    assert client.wait("audited", since) == "audited 4 0 0"


def test_many_routes_are_confirmed_and_withdrawn(gateway):
    client = fresh(gateway, quiet=True)
    before = client.counters()["sent"]
    client.say(f"many t1 10.64.0.0 {MANY // 2} 1",
               f"many t2 10.64.0.0 {MANY // 2} 2")
    client.wait("confirmed 2", deadline_s=30)
    counters = client.counters()
    assert counters["installed"] == MANY
    assert counters["unanswered"] == 0
    assert counters["sent"] == before + MANY
    client.say(f"none t1 10.64.0.0 {MANY // 2} 3",
               f"none t2 10.64.0.0 {MANY // 2} 4")
    client.wait("confirmed 4", deadline_s=30)
    assert client.counters()["installed"] == 0
    netns.wait_until(lambda: not gateway.installed("t1"), 10, "no route")


def rules(gateway):
    """Lines of `ip rule` that are ours."""
    out = gateway.box.run("ip", "rule").stdout
    return [line for line in out.splitlines() if line.startswith("3")
            and "main" not in line and "default" not in line]


def test_rules_come_with_their_table_and_go_with_the_client(gateway):
    client = gateway.client(instance=1, stale_s=0)
    client.wait("state up", deadline_s=15)
    client.say("policy acme/p 300 e10 10.1.0.0/16 10.2.0.0/16 192.0.2.9 e10"
               " 70000")
    client.wait("rule acme/p installed")
    assert len(rules(gateway)) == 1
    assert "lookup 70000" in rules(gateway)[0]
    out = gateway.box.run("ip", "route", "get", "10.2.0.1", "from",
                          "10.1.0.1", "iif", "e10", check=False)
    assert "via 192.0.2.9" in out.stdout, out.stdout + out.stderr
    since = client.mark()
    client.say("policy acme/p 301 e10 10.1.0.0/16 - 192.0.2.8 e10 70000")
    client.wait("rule acme/p installed", since)
    netns.wait_until(lambda: [r.split(":")[0] for r in rules(gateway)]
                     == ["301"], 5, lambda: f"{rules(gateway)}")
    client.say("nopolicy acme/p")
    client.wait("rule acme/p gone", since)
    assert not rules(gateway)
    client.say("policy acme/q 300 e10 10.1.0.0/16 - 192.0.2.9 e10 70001")
    client.wait("rule acme/q installed")
    client.close()
    netns.wait_until(lambda: not rules(gateway), 5, "the rules to go")


def test_a_version_that_is_not_known_is_refused_by_name(gateway):
    path = os.path.join(gateway.box.folder, "strange.api")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        client = Client(path)
        gateway.clients.append(client)
        conn, _ = listener.accept()
        with conn:
            probe = conn.recv(100)
            assert probe[8:10] == b"\xff\xfe"
            # FRR 8.1 answers with 121.
            conn.sendall(struct.pack(">HBBIH", 14, 254, 6,
                                     struct.unpack(">I", probe[4:8])[0], 121)
                         + b"\1\0\0\0")
            line = client.wait("state refused")
        assert "121" in line
        assert "FRR 8.2 to 9.0, 9.1, 10.0 and 10.1, 10.2 to 10.7" in line


def test_what_bgp_learns_is_told_and_kept_over_restarts(gateway):
    """An FRR outside announces two prefixes to bgpd in t1."""
    router = frr_module.Router(gateway.lab, "ce", ["198.51.100.1/32",
                                                    "198.51.100.129/32"])
    path = gateway.box.netns_path("t1")
    netns.ip_batch(["link add ce type veth peer tmpce"], path)
    netns.run(["nsenter", f"--net={path}", "--", "ip", "link", "set", "tmpce",
               "netns", netns.path_of(router.namespace)])
    netns.ip_batch(["addr add 172.16.1.1/30 dev ce", "link set ce up"], path)
    netns.ip_batch(["addr add 172.16.1.2/30 dev tmpce", "link set tmpce up"],
                   router.namespace)
    router.frr.write("bgpd", [
        "router bgp 65100", " bgp router-id 172.16.1.2",
        " no bgp ebgp-requires-policy", " bgp graceful-restart",
        " neighbor 172.16.1.1 remote-as 65001",
        " neighbor 172.16.1.1 timers connect 1",
        " address-family ipv4 unicast", "  network 198.51.100.1/32",
        "  network 198.51.100.129/32", "  exit-address-family"])
    router.frr.start("zebra", "bgpd")
    gateway.frr.write("bgpd", [
        "router bgp 65001 vrf t1", " bgp router-id 172.16.1.1",
        " no bgp ebgp-requires-policy",
        " neighbor 172.16.1.2 remote-as 65100",
        " neighbor 172.16.1.2 timers connect 1",
        " address-family ipv4 unicast", "  redistribute openfabric",
        "  exit-address-family"])
    client = fresh(gateway)
    client.wait("whole t1")
    client.say(via_leg("t1", "10.50.0.0/24", 1))
    gateway.frr.start("bgpd")
    client.wait("learned t1 198.51.100.129/32", deadline_s=20)
    line = client.wait("learned t1 198.51.100.1/32", deadline_s=20)
    assert line.endswith("via 172.16.1.2")
    netns.wait_until(lambda: "10.50.0.0/24" in router.frr.bgp_routes(), 10,
                     "the CE to have our route")

    # bgpd restarts: what it had learned is not gone meanwhile.
    since = client.mark()
    gateway.frr.stop("bgpd", signal.SIGKILL)
    client.wait("closed bgp 0", since)
    gateway.frr.start("bgpd")
    netns.wait_until(lambda: gateway.frr.established(vrf="t1"), 20, "a peer")
    netns.wait_until(lambda: client.counters()["stale"] == 0
                     and client.counters()["learned"] >= 1, 20, "all again")
    assert not client.find("gone", since)

    # What BGP withdraws goes at once, but for the hold after bgpd's end.
    client.say("endhold")
    since = client.mark()
    with router.frr.vty("bgpd") as vty:
        vty.configure(["router bgp 65100", "address-family ipv4 unicast",
                       "no network 198.51.100.129/32"])
    client.wait("gone t1 198.51.100.129/32", since, 15)

    # So does zebra.
    since = client.mark()
    gateway.frr.stop("zebra", signal.SIGKILL)
    client.wait("state away", since)
    assert client.counters()["stale"] >= 1
    gateway.frr.start("zebra")
    client.wait("state up", since, 20)
    netns.wait_until(lambda: client.counters()["stale"] == 0, 20,
                     "bgpd to have come back")
    assert client.counters()["learned"] >= 1
    assert not client.find("gone", since)

    gateway.frr.stop("bgpd", signal.SIGKILL)
