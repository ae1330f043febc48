# SPDX-License-Identifier: Apache-2.0
"""EVPN with another fabric: a stand-in for a hardware VTEP (FRR with the
kernel's VXLAN) and GoBGP exchange types 2, 3 and 5 with us; its bare-metal
machines and our VMs reach each other in one network and across routers."""
import pytest

import gobgp
import intent
import netns
from gwlab import FABRIC_AS, GwLab
from netns import wait_until
from test_gateways import settle
from vtep import Vtep

TOR, TOR_AS = "172.31.251.1", 65003
METAL = ("10.0.0.200/24", "fd00:0:0:1::200/64")
METAL_MAC = "02:00:00:00:99:01"
ROUTED = ("10.77.0.2/24", "fd77::2/64")
ROUTED_MAC = "02:00:00:00:99:02"


@pytest.fixture(scope="module", name="gw")
def _gw(make_lab):
    lab = make_lab(2)
    gw = GwLab(lab, tenants=("red",)).build()
    with intent.Api(lab.api) as api:
        gw.web_vni = api.get(intent.path("red", "web"))["vni"]
        tor = Vtep(lab, "tor", TOR, TOR_AS)
        tor.add_network(gw.web_vni)
        gw.metal = tor.add_machine(gw.web_vni, METAL_MAC, METAL,
                                   ("10.0.0.1", "fd00:0:0:1::1"))
        tor.add_router(gw.l3vni("red"))
        gw.routed = tor.add_routed(gw.l3vni("red"), ROUTED_MAC, ROUTED)
        for gateway in gw.gateways:
            api.put(f"/v1/peerings/tor{gateway.number}",
                    gateway=gateway.name, peer=TOR, peer_as=TOR_AS,
                    local_as=FABRIC_AS, families=["evpn"], hold=9)
    gw.tor = tor
    tor.begin([g.vtep for g in gw.gateways], FABRIC_AS)
    wait_until(lambda: len(tor.frr.established()) == len(gw.gateways), 120,
               lambda: f"sessions of the switch: {tor.frr.established()}\n"
               f"{gw.report()}", 0.2)

    return gw


@pytest.fixture(name="api")
def _api(gw):
    with intent.Api(gw.lab.api) as api:
        yield api


def evpn(gw, kind):
    """[(NLRI, path)] of a type at the upstream."""
    return [(path["nlri"]["value"], path)
            for paths in gw.upstream.table("evpn").values()
            for path in paths if path["nlri"]["type"] == kind]


def test_the_upstream_hears_type_3_of_each_network_and_host(gw, api):
    vnis = {n["name"]: n["vni"] for n in api.items("/v1/networks")
            if n["tenant"] == "red" and n.get("origin") != "system"}
    places = {(vnis[name], m.host.vtep)
              for (_, name, _), m in gw.vms.items()}

    def look():
        return {(gobgp.attribute(path, 22)["label"], gobgp.next_hop(path))
                for _, path in evpn(gw, 3)} & {
            (vni, h.vtep) for vni in vnis.values() for h in gw.compute}

    settle(look, places)


def test_the_upstream_hears_type_2_of_each_port_at_its_host(gw, api):
    vnis = {n["name"]: n["vni"] for n in api.items("/v1/networks")
            if n["tenant"] == "red" and n.get("origin") != "system"}
    want = {(vnis[name], m.mac, ip, m.host.vtep)
            for (_, name, _), m in gw.vms.items() for ip in m.ips}

    def look():
        return {(nlri["labels"][0] if nlri.get("labels")
                 else nlri.get("label"), nlri["mac"].lower(), nlri["ip"],
                 gobgp.next_hop(path)) for nlri, path in evpn(gw, 2)
                if nlri["mac"].lower() in {w[1] for w in want}
                and nlri["ip"] in {w[2] for w in want}}

    settle(look, want)


def test_bare_metal_and_vms_ping_in_one_network(gw):
    pairs = [(gw.vm("red", name), ip) for name in ("web11", "web12")
             for ip in gw.metal.ips]
    pairs += [(gw.metal, ip) for name in ("web11", "web12")
              for ip in gw.vm("red", name).ips]
    result = gw.lab.ping_many(pairs, deadline_s=60)
    assert not result.silent(), f"{result.silent()}\n{gw.report()}"


def test_bare_metal_may_speak_first_and_ask_again(gw):
    """VMs answer its questions, who has the address, whether it is asked of
    all or, later, of them alone."""
    machine = gw.vm("red", "web12")
    for ip in machine.ips:
        in_metal(gw, "ip", "neigh", "flush", "dev", "eth0")
        machine.run("ip", "neigh", "flush", "dev", "eth0")
        assert gw.lab.ping_many([(gw.metal, ip)], deadline_s=60).answered()
        in_metal(gw, "ip", "neigh", "change", ip, "lladdr", machine.mac,
                 "dev", "eth0", "nud", "probe")
        wait_until(lambda a=ip: "REACHABLE" in in_metal(
            gw, "ip", "neigh", "show", a), 30,
            lambda a=ip: in_metal(gw, "ip", "neigh", "show", a), 0.1)


def in_metal(gw, *argv):
    """What a command in the bare-metal machine says."""
    return netns.run(netns.command(gw.metal.namespace, argv)).stdout


def test_bare_metal_and_vms_ping_across_routers(gw):
    machines = [m for m in gw.vms.values() if m.key[1] != "lan"]
    pairs = [(m, ip) for m in machines for ip in gw.routed.ips]
    pairs += [(gw.routed, ip) for m in machines for ip in m.ips]
    result = gw.lab.ping_many(pairs, deadline_s=60)
    assert not result.silent(), f"{result.silent()}\n{gw.report()}"


def test_what_the_switch_has_is_shown_as_learned(gw, api):
    def look():
        ports = {p["mac"] for p in api.items("/v1/ports")
                 if p.get("origin") == "learned"}
        routes = {r["prefix"] for r in api.items("/v1/tenants/red/routes")
                  if r.get("origin") == "learned"}
        return (METAL_MAC in ports,
                {"10.77.0.0/24", "fd77::/64"} <= routes)

    settle(look, (True, True))


def test_a_vm_that_migrates_takes_its_type_2_along_with_a_higher_sequence(
        gw, api):
    machine = gw.vm("red", "web11")
    settle(lambda: gw.tor.macs(gw.web_vni).get(machine.mac, {}).get(
        "remoteVtep"), gw.compute[0].vtep)
    before = gw.tor.macs(gw.web_vni)[machine.mac]
    path = intent.path(*machine.key[:2], port=machine.key[2])
    body = api.get(path)
    with_moves = body["mobility"]
    gw.lab.unplug([machine])
    api.put(path, mac=machine.mac, ips=body["ips"], host="h2",
            iface_id=machine.iface_id, guard=False)
    moved = gw.compute[1].plug(machine.iface_id, machine.mac,
                               [f"{machine.ipv4}/24", f"{machine.ipv6}/64"])
    moved.key = machine.key
    gw.vms[machine.key] = moved
    api.wait_ports([path])
    assert api.get(path)["mobility"] == with_moves + 1

    def look():
        facts = gw.tor.macs(gw.web_vni).get(machine.mac)
        return facts and (facts["remoteVtep"], int(facts["remoteSequence"]))

    settle(look, (gw.compute[1].vtep, int(before["remoteSequence"]) + 1))
    pairs = [(gw.metal, ip) for ip in moved.ips]
    assert not gw.lab.ping_many(pairs, deadline_s=60).silent()


def test_what_gobgp_tells_becomes_part_of_the_fabric_and_goes_with_it(
        gw, api):
    rt = f"{FABRIC_AS}:{gw.web_vni}"
    mac, vtep = "02:00:00:00:99:77", "172.31.250.9"
    gw.upstream.add("evpn", "macadv", mac, "10.0.0.177", "etag", "0",
                    "label", str(gw.web_vni), "rd", "65002:7", "rt", rt,
                    "encap", "vxlan", "nexthop", vtep)
    l3 = gw.l3vni("red")
    gw.upstream.add("evpn", "prefix", "10.78.0.0/24", "etag", "0", "label",
                    str(l3), "rd", "65002:8", "rt", f"{FABRIC_AS}:{l3}",
                    "encap", "vxlan", "router-mac", "02:00:00:00:99:78",
                    "nexthop", vtep)

    def look():
        ports = {p["mac"]: p["ips"] for p in api.items("/v1/ports")
                 if p.get("origin") == "learned"}
        routes = {r["prefix"] for r in api.items("/v1/tenants/red/routes")
                  if r.get("origin") == "learned"}
        return ports.get(mac), "10.78.0.0/24" in routes

    settle(look, (["10.0.0.177"], True))
    gw.upstream.delete("evpn", "macadv", mac, "10.0.0.177", "etag", "0",
                       "label", str(gw.web_vni), "rd", "65002:7")
    gw.upstream.delete("evpn", "prefix", "10.78.0.0/24", "etag", "0",
                       "label", str(l3), "rd", "65002:8")
    settle(look, (None, False))


def test_routes_that_cannot_be_used_are_shown_with_the_reason(gw, api):
    """A group address as router MAC bgpd drops itself."""
    l3, rt = gw.l3vni("red"), f"{FABRIC_AS}:{gw.l3vni('red')}"
    bad = [("10.78.1.0/24", l3, (), "router MAC"),
           ("10.78.3.0/24", l3, ("router-mac", "00:00:00:00:00:00"),
            "router MAC"),
           ("10.78.4.0/24", 4242, ("router-mac", "02:00:00:00:99:78"),
            "VNI 4242")]

    def words(prefix, vni):
        return ("evpn", "prefix", prefix, "etag", "0", "label", str(vni),
                "rd", "65002:9")

    for prefix, vni, mac, _ in bad:
        gw.upstream.add(*words(prefix, vni), "rt", rt, "encap", "vxlan",
                        *mac, "nexthop", "172.31.250.9")

    def look():
        items = [item for query in ("", "?tenant=red")
                 for gateway in api.get(f"/v1/bgp{query}")["items"]
                 for item in gateway["learned"] if not item["used"]]
        # By both gateways, of all tenants and of the one.
        return [sum(prefix in item["prefix"] and why in item["reason"]
                    and item["type"] == "route5" and item["tenant"] == "red"
                    for item in items) == 4
                for prefix, _, _, why in bad]

    settle(look, [True] * len(bad))
    for prefix, vni, _, _ in bad:
        gw.upstream.delete(*words(prefix, vni))
    settle(look, [False] * len(bad))


def test_nothing_has_ended_by_itself(gw):
    assert not gw.crashed()
