# SPDX-License-Identifier: Apache-2.0
"""Our BGP speaker against a reflector (`bgpd -Z`) and, behind it, GoBGP: what
it announces arrives there bit for bit, goes again, and comes back from there.
bgp_driver is the speaker; no controller, no gateway daemon."""
import ipaddress
import json
import os
import subprocess

import frr
import gobgp
import netns
import pytest

TESTS = os.environ.get("VXFABRIC_TESTS") or os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__)))), "build", "tests")
OUR_AS, THEIR_AS = 65001, 65002
SPEAKER, REFLECTOR = "192.0.2.1", "192.0.2.9"
FRR_FAMILIES = ("ipv4 unicast", "ipv6 unicast", "ipv4 vpn", "ipv6 vpn",
                "ipv4 flowspec", "ipv6 flowspec", "l2vpn evpn")
FLOWSPEC = {4: "flowspec4", 6: "flowspec6"}
ROUTES = (
    "vpn 65001:1 10.1.0.0/16 16 -- nh=192.0.2.1 rt=65001:1 rt=65001:77"
    " community=65001:7 large=65001:0:7",
    "vpn 192.0.2.1:7 2001:db8:1::/48 17 -- nh=192.0.2.1 rt=70000:1",
    "mac 65001:7 02:00:00:00:00:05 10.0.0.5 7 5001 -- nh=192.0.2.1"
    " rt=65001:7 encap mobility=3",
    "mac 65001:7 02:00:00:00:00:06 - 7 0 -- nh=192.0.2.1 rt=65001:7 encap"
    " sticky=1",
    "imet 65001:7 192.0.2.1 -- nh=192.0.2.1 rt=65001:7 encap"
    " pmsi=7,192.0.2.1",
    "prefix 192.0.2.1:5001 10.2.0.0/16 5001 -- nh=192.0.2.1 rt=65001:5001"
    " encap rmac=02:aa:00:00:00:01",
    "prefix 192.0.2.1:5001 2001:db8:2::/48 5001 -- nh=192.0.2.1"
    " rt=65001:5001 encap rmac=02:aa:00:00:00:01",
    "ip 10.9.0.0/16 -- nh=192.0.2.1 med=5",
    "ip 2001:db8:9::/48 -- nh=192.0.2.1",
)


class Driver:
    """bgp_driver in a namespace."""

    def __init__(self, namespace, peer, port, *options, local="127.0.0.2"):
        self.process = subprocess.Popen(
            netns.command(namespace, [
                os.path.join(TESTS, "netns", "bgp_driver"), local, peer,
                str(port), str(OUR_AS), str(OUR_AS), SPEAKER, *options]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def answer(self):
        """Lines of data and the words after ok."""
        lines = []
        while True:
            line = self.process.stdout.readline()
            assert line, "bgp_driver has ended"
            verdict, _, rest = line.strip().partition(" ")
            if verdict == "ok":
                return lines, rest
            if verdict == "error":
                raise netns.LabError(rest)
            lines.append(line.strip())

    def __call__(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.answer()

    def status(self):
        """{name: value}"""
        text, _, error = self("status")[1].partition(" error=")
        return dict(word.split("=", 1) for word in text.split()) | {
            "error": error}

    def wait(self, deadline_s=30, **wanted):
        """Back when the status has these values."""
        netns.wait_until(
            lambda: {k: v for k, v in self.status().items() if k in wanted}
            == {k: str(v) for k, v in wanted.items()},
            deadline_s, lambda: f"{wanted}: {self.status()}", 0.02)
        return self.status()

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


@pytest.fixture(scope="module")
def world(make_lab):
    """Two namespaces: speaker and reflector; GoBGP."""
    it = make_lab(0)
    for name in ("r", "g"):
        namespace = it.namespace(name)
        netns.ip_batch([f"netns add {namespace}"])
        with netns.inside(namespace):
            netns.prepare()
        netns.ip_batch(["link set lo up"], namespace)
    it.r, it.g = (frr.Box(it, name) for name in ("r", "g"))
    netns.ip_batch([f"link add wire netns {it.r.namespace} type veth"
                    f" peer name wire netns {it.g.namespace}"])
    it.r.ip([f"addr add {SPEAKER}/32 dev lo", "addr add 10.0.1.1/30 dev wire",
             "link set wire up"])
    it.g.ip(["addr add 10.0.1.2/30 dev wire", "link set wire up"])
    it.frr = frr.Frr(it.r)
    it.frr.write("reflector", reflector_conf())
    it.frr.start("reflector")
    it.gobgp = gobgp.GoBgp(it.g, THEIR_AS, "192.0.2.2")
    it.gobgp.add_neighbor("10.0.1.1", OUR_AS, gobgp.FAMILIES, passive=True,
                          multihop=True)
    it.gobgp.start()
    it.gobgp.wait_established(["10.0.1.1"])
    return it


def reflector_conf():
    lines = [
        f"router bgp {OUR_AS}", f"bgp router-id {REFLECTOR}",
        f"bgp cluster-id {REFLECTOR}", "no bgp default ipv4-unicast",
        "no bgp ebgp-requires-policy",
        f"neighbor 127.0.0.2 remote-as {OUR_AS}",
        "neighbor 127.0.0.2 passive",
        f"neighbor 10.0.1.2 remote-as {THEIR_AS}",
        "neighbor 10.0.1.2 ebgp-multihop 2",
        "neighbor 10.0.1.2 update-source 10.0.1.1",
        "neighbor 10.0.1.2 timers connect 1"]
    for family in FRR_FAMILIES:
        lines += [f"address-family {family}", "neighbor 127.0.0.2 activate",
                  "neighbor 127.0.0.2 route-reflector-client",
                  "neighbor 10.0.1.2 activate", "exit-address-family"]
    return lines


@pytest.fixture(name="speaker")
def fixture_speaker(world):
    """A session with the reflector, all families, nothing announced."""
    drivers = []

    def make(*options):
        drivers.append(Driver(world.r.namespace, SPEAKER,
                              frr.REFLECTOR_PORT, *options))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.close()
    for family in gobgp.FAMILIES:
        netns.wait_until(lambda f=family: not world.gobgp.table(f), 30,
                         f"GoBGP to forget {family}", 0.1)


# --- GoBGP's JSON as bytes.

def prefix_bytes(value, family, offset):
    """length, [offset], pattern"""
    prefix = ipaddress.ip_network(value, strict=False)
    bits = prefix.prefixlen - offset
    number = (int(prefix.network_address) << offset) & (
        (1 << prefix.max_prefixlen) - 1)
    pattern = number.to_bytes(prefix.max_prefixlen // 8, "big")
    head = [prefix.prefixlen] + ([offset] if family == 6 else [])
    return bytes(head) + pattern[:(bits + 7) // 8]


def flow_bytes(components, family):
    """Components as on the wire, in hex."""
    out = b""
    for component in components:
        out += bytes([component["type"]])
        value = component["value"]
        if component["type"] in (1, 2):
            out += prefix_bytes(value["prefix"], family,
                                component.get("offset", 0))
            continue
        for item in value:
            size = 1 << ((item["op"] >> 4) & 3)
            out += bytes([item["op"]]) + item["value"].to_bytes(size, "big")
    return out.hex()


def flows_of(bgp):
    """{(family, hex): path} of FlowSpec as GoBGP holds it."""
    return {(name, flow_bytes(path["nlri"]["value"], family)): path
            for family, name in FLOWSPEC.items()
            for paths in bgp.table(name).values() for path in paths}


def told(lines):
    """{(family, hex): communities in hex} of the driver's lines."""
    return {tuple(words[:2]): words[2].split(",") if words[2] else []
            for words in (line.split(" ", 3) for line in lines)}


# --- Tests.

def test_all_families_arrive_behind_the_reflector(world, speaker):
    """Labels, RD, RT, communities, router MAC, mobility, PMSI."""
    driver = speaker()
    for number, route in enumerate(ROUTES, 1):
        driver(f"set {number} {route}")
    driver("complete")
    status = driver.wait(state="established", done=len(ROUTES), complete=127)
    assert status["malformed"] == "0"
    bgp = world.gobgp
    netns.wait_until(lambda: len(bgp.table("evpn")) == 5
                     and bgp.table("vpnv4") and bgp.table("vpnv6")
                     and bgp.table("ipv4") and bgp.table("ipv6"), 10,
                     lambda: {f: bgp.table(f) for f in gobgp.FAMILIES}, 0.1)
    [path] = bgp.table("vpnv4")["65001:1:10.1.0.0/16"]
    assert path["nlri"]["labels"] == [16]
    assert path["nlri"]["rd"] == {"type": 0, "admin": 65001, "assigned": 1}
    assert gobgp.route_targets(path) == ["65001:1", "65001:77"]
    assert gobgp.communities(path) == ["65001:7"]
    assert gobgp.attribute(path, 32)["value"] == [
        {"ASN": 65001, "LocalData1": 0, "LocalData2": 7}]
    [path] = bgp.table("vpnv6")["192.0.2.1:7:2001:db8:1::/48"]
    assert path["nlri"]["labels"] == [17]
    assert gobgp.route_targets(path) == ["1.4464:1"]    # 70000
    assert "10.9.0.0/16" in bgp.table("ipv4")
    assert "2001:db8:9::/48" in bgp.table("ipv6")
    check_evpn(bgp.table("evpn"))


def check_evpn(table):
    """Types 2, 3 and 5 as they were announced."""
    [path] = table["[type:macadv][rd:65001:7][etag:0]"
                   "[mac:02:00:00:00:00:05][ip:10.0.0.5]"]
    assert path["nlri"]["value"]["labels"] == [7, 5001]
    assert gobgp.next_hop(path) == SPEAKER
    assert gobgp.route_targets(path) == ["65001:7"]
    assert {"type": 3, "subtype": 12, "tunnel_type": 8} in (
        gobgp.extended(path))
    assert {"type": 6, "subtype": 0, "sequence": 3, "is_sticky": False} in (
        gobgp.extended(path))
    [path] = table["[type:macadv][rd:65001:7][etag:0]"
                   "[mac:02:00:00:00:00:06][ip:<nil>]"]
    assert {"type": 6, "subtype": 0, "sequence": 1, "is_sticky": True} in (
        gobgp.extended(path))
    [path] = table["[type:multicast][rd:65001:7][etag:0][ip:192.0.2.1]"]
    pmsi = gobgp.attribute(path, 22)
    assert (pmsi["tunnel-type"], pmsi["label"], pmsi["tunnel-id"]) == (
        6, 7, SPEAKER)
    for prefix in ("10.2.0.0/16", "2001:db8:2::/48"):
        [path] = table["[type:Prefix][rd:192.0.2.1:5001][etag:0]"
                       f"[prefix:{prefix}]"]
        assert path["nlri"]["value"]["label"] == 5001
        assert {"type": 6, "subtype": 3, "mac": "02:aa:00:00:00:01"} in (
            gobgp.extended(path))


def test_random_policies_arrive_bit_exact_and_go(world, speaker, figures):
    """100 rules of both families, with actions, through bgpd -Z."""
    driver = speaker()
    rules = told(driver("flows 100 42 policy")[0])
    driver("complete")
    driver.wait(state="established", done=100, unsent=0)
    netns.wait_until(lambda: set(flows_of(world.gobgp)) == set(rules), 20,
                     lambda: set(flows_of(world.gobgp)) ^ set(rules), 0.1)
    check_communities(flows_of(world.gobgp), rules)
    driver("unflows 50 42 policy")
    rest = dict(rules)
    for gone in told(driver("unflows 50 42 policy")[0]):
        del rest[gone]
    netns.wait_until(lambda: set(flows_of(world.gobgp)) == set(rest), 20,
                     "the first half to go", 0.1)
    driver("unflows 100 42 policy")
    netns.wait_until(lambda: not flows_of(world.gobgp), 20, "all to go", 0.1)
    assert driver.status()["up"] == "1"
    figures(f"100 policies in {len(rules)} rules, bit-exact at GoBGP behind"
            " bgpd -Z, withdrawn")


def test_the_reflector_takes_rules_at_the_edges(world, speaker):
    """Of each there is at least one path, and the session stays."""
    rules = (
        "0.0.0.0/0 - -", "::/0 - -", "10.0.0.1/32 0 -", "10.0.0.2/32 255 -",
        "10.0.0.3/32 6 0-65535", "10.0.0.4/32 6 0-1023",
        "10.0.0.5/32 17 1024-65535", "10.0.0.6/32 6 0", "10.0.0.7/32 6 65535",
        "10.0.0.8/32 0-255 -", "2001:db8::1/128 58 -",
        "10.0.0.9/32 6 1,3,5,7,9", "10.0.0.10/32 6 1-2,4-5,65535",
        "fd00::/127 6 1-65534")
    driver = speaker()
    driver("complete")
    driver.wait(state="established")
    for number, rule in enumerate(rules, 1):
        driver(f"set {number} flow {rule} -- rate=0 rt=65001:1")
    netns.wait_until(lambda: len(flows_of(world.gobgp)) == len(rules), 10,
                     lambda: flows_of(world.gobgp).keys(), 0.1)
    assert driver.status()["up"] == "1"
    for number, rule in enumerate(rules, 20):
        driver(f"unset {number} flow {rule}")


def test_the_reflector_loses_the_address_of_ipv6_redirection(world, speaker):
    """It is in an attribute of its own, 25, which bgpd 8.4.4 does not pass
    on: the rule arrives without its action. vxgatewayd refuses such rules; a
    reflector that makes this test fail needs no refusal."""
    driver = speaker()
    driver("complete")
    driver("set 1 flow fd00:55::/64 6 80 -- redirect-ip=fd00::9 rt=65001:1")
    netns.wait_until(lambda: flows_of(world.gobgp), 30, "the rule", 0.1)
    [path] = flows_of(world.gobgp).values()
    assert not gobgp.attribute(path, 25)


def check_communities(paths, rules):
    """Those that GoBGP shows in a way that can be turned back."""
    for key, expected in rules.items():
        shown = gobgp.extended(paths[key])
        targets = [c for c in expected if c[:4] in ("0002", "0202")]
        assert len(gobgp.route_targets(paths[key])) == len(targets)
        for community in expected:
            if community[:4] == "8009":
                assert {"type": 128, "subtype": 9,
                        "value": int(community[-2:], 16)} in shown
            if community == "8006000000000000":
                assert {"type": 128, "subtype": 6, "as": 0,
                        "rate": 0} in shown
            if community[:4] == "010c":
                address = ipaddress.ip_address(bytes.fromhex(
                    community[4:12]))
                assert any(c.get("value", "").startswith(f"{address}:")
                           for c in shown if c["type"] == 1)


def test_what_others_say_comes_back(world, speaker):
    """VPN, EVPN and FlowSpec out of GoBGP; our own routes are not heard."""
    driver = speaker()
    driver("set 1 flow 10.55.0.0/24 6 80,443,1000-2000 -- rate=0 rt=65001:1")
    driver("complete")
    driver.wait(state="established", complete=127)
    bgp = world.gobgp
    words = {
        "vpnv4": "10.70.0.0/16 label 77 rd 65002:1 rt 65002:1"
                 " nexthop 10.0.1.2",
        "evpn": "macadv 02:00:00:00:09:09 10.0.0.99 etag 0 label 70 rd"
                " 65002:7 rt 65002:7 encap vxlan nexthop 198.51.100.9",
        "flowspec4": "match destination 10.71.0.0/24 protocol tcp"
                     " destination-port ==80 then discard",
    }
    for family, line in words.items():
        bgp.add(family, *line.split())
    expected = (
        "vpnv4 65002:1 10.70.0.0/16", "label=77", "rt:65002:1", "as=65002",
        "evpn [2] 65002:7 02:00:00:00:09:09 10.0.0.99 vni 70",
        "nh=198.51.100.9", "encap:vxlan",
        "flowspec4 dst 10.71.0.0/24 proto 6 dport 80", "rate:0")
    netns.wait_until(lambda: all(e in "\n".join(driver("heard")[0])
                                 for e in expected), 10,
                     lambda: driver("heard")[0], 0.1)
    assert len(driver("heard")[0]) == 3
    for family, line in words.items():
        bgp.delete(family, *line.split())
    netns.wait_until(lambda: not driver("heard")[0], 10, "all to go", 0.1)
    assert driver.status()["malformed"] == "0"


def vpn_prefixes(world):
    return {key.rsplit(":", 1)[1] for key in world.gobgp.table("vpnv4")}


def test_a_restart_of_the_speaker_keeps_what_is_announced(world, speaker,
                                                          figures):
    """Graceful restart: routes stay at the peer while the session is away;
    those not told again go with End-of-RIB, not before."""
    driver = speaker("restart=60")
    for number in range(1, 4):
        driver(f"set {number} vpn 65001:1 10.{number}.0.0/16 16 --"
               " nh=192.0.2.1 rt=65001:1")
    driver("complete")
    driver.wait(state="established", done=3)
    everything = {"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"}
    netns.wait_until(lambda: vpn_prefixes(world) == everything, 10,
                     lambda: vpn_prefixes(world), 0.1)
    driver("free")
    again = speaker("restart=60")
    started = float(again.status()["now"])
    again("set 1 vpn 65001:1 10.1.0.0/16 16 -- nh=192.0.2.1 rt=65001:1")
    took = float(again.wait(state="established", done=1)["now"]) - started
    figures(f"a restarted speaker is back after {took:.0f} ms")
    again("set 2 vpn 65001:1 10.4.0.0/16 16 -- nh=192.0.2.1 rt=65001:1")
    netns.wait_until(lambda: vpn_prefixes(world)
                     == everything | {"10.4.0.0/16"}, 10,
                     lambda: vpn_prefixes(world), 0.1)
    again("complete")
    netns.wait_until(lambda: vpn_prefixes(world)
                     == {"10.1.0.0/16", "10.4.0.0/16"}, 10,
                     lambda: vpn_prefixes(world), 0.1)
    again("stop bye")
    netns.wait_until(lambda: not vpn_prefixes(world), 10, "all to go", 0.1)


def test_a_restart_of_the_reflector_is_survived(world, speaker):
    """What was heard stays, stale, until the reflector has told all again;
    what we announce is there again."""
    driver = speaker("stale=60", "settle=20")
    driver("set 1 vpn 65001:1 10.1.0.0/16 16 -- nh=192.0.2.1 rt=65001:1")
    driver("complete")
    world.gobgp.add("vpnv4", *"10.70.0.0/16 label 77 rd 65002:1 rt 65002:1"
                    " nexthop 10.0.1.2".split())
    driver.wait(state="established", learned=1, complete=127)
    world.frr.stop("reflector", 9)
    driver.wait(state="idle", stale=1)
    assert "stale" in driver("heard")[0][0]
    world.frr.start("reflector")
    # The reflector ends its RIB before GoBGP is there again.
    status = driver.wait(state="established", up=2, stale=0, complete=127,
                         deadline_s=60)
    assert (status["learned"], status["lost"]) == ("1", "0")
    netns.wait_until(lambda: "10.1.0.0/16" in vpn_prefixes(world), 30,
                     lambda: vpn_prefixes(world), 0.1)
    world.gobgp.delete("vpnv4", *"10.70.0.0/16 label 77 rd 65002:1 rt"
                       " 65002:1 nexthop 10.0.1.2".split())


def test_100k_routes_leave_and_arrive(world, speaker, figures):
    """VPNv4, 100 RDs: time until bgpd -Z has all, and has none."""
    driver = speaker()
    # Not on to GoBGP, which would only be in the way.
    world.frr.configure("reflector", [f"router bgp {OUR_AS}",
                                      "neighbor 10.0.1.2 shutdown"])
    driver("complete")
    driver.wait(state="established")

    def count():
        found = world.frr.json("reflector", "show bgp ipv4 vpn summary json")
        return found.get("ipRoutes") or found["peers"]["127.0.0.2"]["pfxRcd"]

    started = float(driver.status()["now"])
    took_ms = float(driver("many 100000")[1])
    netns.wait_until(lambda: count() == 100000, 60, count, 0.05)
    there = float(driver.status()["now"]) - started
    status = driver.wait(done=100000)
    sent = float(status["done_ms"]) - started
    started = float(driver.status()["now"])
    driver("many-unset 100000")
    netns.wait_until(lambda: count() == 0, 60, count, 0.05)
    gone = float(driver.status()["now"]) - started
    world.frr.configure("reflector", [f"router bgp {OUR_AS}",
                                      "no neighbor 10.0.1.2 shutdown"])
    figures(f"100,000 VPNv4 routes: taken in {took_ms:.0f} ms, sent in"
            f" {sent:.0f} ms, at bgpd -Z in {there:.0f} ms, withdrawn in"
            f" {gone:.0f} ms, {status['updates_out']} messages")


@pytest.mark.parametrize("password", ["", "secret"])
def test_any_rule_arrives_at_gobgp_itself(world, figures, password):
    """Without a reflector: all that the codec can say, with and without TCP
    MD5; and a wrong password is no session."""
    box = frr.Box(world, "g", world.g.namespace)
    bgp = gobgp.GoBgp(box, OUR_AS, "192.0.2.3", port=2179)
    bgp.run = lambda *argv, **kw: box.run("gobgp", "-p", 50052, *argv, **kw)
    bgp.add_neighbor("10.0.1.1", OUR_AS, gobgp.FAMILIES, passive=True,
                     password=password)
    start_second(bgp)
    options = [f"password={password}"] if password else []
    driver = Driver(world.r.namespace, "10.0.1.2", 2179, *options,
                    local="10.0.1.1")
    try:
        rules = told(driver("flows 300 7 any")[0])
        driver.wait(state="established", unsent=0)
        netns.wait_until(lambda: len(flows_of(bgp)) >= len(rules), 20,
                         lambda: set(rules) - set(flows_of(bgp)), 0.1)
        assert set(flows_of(bgp)) == set(rules)
        driver("set 999 flow fd00:55::/64 6 80 -- redirect-ip=fd00::9")
        netns.wait_until(lambda: len(flows_of(bgp)) > len(rules), 10,
                         "the rule that redirects", 0.1)
        [path] = [p for k, p in flows_of(bgp).items() if k not in rules]
        assert "fd00::9" in str(gobgp.attribute(path, 25))
        figures(f"{len(rules)} rules of every kind at GoBGP, bit-exact"
                + (", over TCP MD5" if password else ""))
        if password:
            wrong = Driver(world.r.namespace, "10.0.1.2", 2179,
                           "password=wrong", local="10.0.1.1")
            wrong.wait(error="no answer within 5 s", deadline_s=15)
            wrong.close()
    finally:
        driver.close()
        box.stop("gobgpd2")


def start_second(bgp):
    """gobgpd beside the other one in the same namespace."""

    path = os.path.join(bgp.box.folder, "gobgpd2.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump(bgp.settings, file)
    bgp.box.spawn("gobgpd2", ["gobgpd", "-t", "json", "-f", path, "-p",
                              "--pprof-disable",
                              "--api-hosts=127.0.0.1:50052"])
    netns.wait_until(lambda: bgp.run("global", check=False).returncode == 0,
                     15, "the second gobgpd to answer", 0.1)
