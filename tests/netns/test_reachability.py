# SPDX-License-Identifier: Apache-2.0
"""Who reaches whom, over networks, with policies and static routes, from zone
to zone: 4 hosts in 2 zones, 3 tenants that use the same addresses, v4 and v6.
An oracle says from intent alone where each packet comes by; packets have to
agree, whether zones talk directly or by their border hosts."""
import collections
import re
import select
import signal
import socket
import struct
import time

import faults
import intent
import netns
import pipeline
import pytest
from netns import wait_until
from oracle import may_talk
from ping import Pinging
from reach import Matrix, judge, wait_realized
from routed import (NETWORKS, OPTIONS, ZONES, address_of, build, plain,
                    the_oracle, whole_matrix)
from switchlog import SwitchLog

BORDERS = {"z1": ["h2"], "z2": ["h3", "h4"]}


@pytest.fixture(scope="module")
def fabric(make_lab):
    """The lab with everything in it, cross-zone direct."""
    return build(make_lab)


@pytest.fixture
def api(fabric):
    """A fresh connection."""
    with intent.Api(fabric.api) as one:
        yield one


def both_ways(matrix):
    """(machine, address) of pings that have to be answered."""
    by_key = {m.key: m for m in matrix.machines}
    oracle, found = matrix.oracle, []
    for probe in matrix.probes:
        packet, (way, *more) = probe.packet, probe.ways
        if packet.proto not in (1, 58) or packet.dscp or more:
            continue
        back = []
        if way.end == "gateway":
            found.append((probe.machine, str(packet.dst)))
        elif (way.end == "delivered" and packet.dst
              in oracle.by_key[way.stops[-1].port].ips):
            owner = way.stops[-1].port
            back = oracle.journeys(owner, type(packet)(
                packet.dst, packet.src, packet.proto))
        if back and all(one.end == "delivered" and one.stops[-1].port
                        == probe.machine.key for one in back):
            found.append((probe.machine, str(packet.dst)))
    assert {m.key[0] for m, _ in found} == {k[0] for k in by_key}
    return found


def set_zone(fabric, zone, path):
    """As an operator types it."""
    words = [w for b in BORDERS[zone] for w in ("--border-host", b)]
    fabric.netctl("zone", "set", zone, "--path", path,
                  *(words if path == "border" else []))


def set_mode(fabric, api, **paths):
    for zone, path in paths.items():
        set_zone(fabric, zone, path)
    wait_realized(api)


# -- The matrix


def test_the_oracle_finds_every_kind_of_end(fabric, api):
    matrix = whole_matrix(fabric, api)
    ends = {way.end for probe in matrix.probes for way in probe.ways}
    assert ends == {"delivered", "gateway", "policy", "no route", "no host",
                    "no router", "no next hop", "back"}, ends
    # None of this shows in a matrix where everything is delivered.
    assert {len(p.ways) for p in matrix.probes} >= {1, 2, 3}


def test_kernels_ping_each_other_and_the_gateway(fabric, api, figures):
    pairs = both_ways(whole_matrix(fabric, api))
    started = time.monotonic()
    result = fabric.ping_many(pairs, deadline_s=20)
    figures(f"{result} in {time.monotonic() - started:.1f} s")
    assert not result.silent(), (len(result.silent()), result.silent()[:10])


def test_packets_agree_with_the_oracle_where_zones_talk_directly(
        fabric, api, figures):
    judge(whole_matrix(fabric, api), figures, "direct")


def test_packets_agree_with_the_oracle_by_border_hosts(fabric, api, figures):
    set_mode(fabric, api, z1="border", z2="border")
    judge(whole_matrix(fabric, api), figures, "both zones by their borders")


def test_a_port_that_is_new_behind_two_borders_is_proven(fabric, api):
    """Probes of the other zone pass a group, in the datapath a second
    time."""
    set_mode(fabric, api, z1="border", z2="border")
    machine = next(m for m in fabric.machines if m.host.name == "h3"
                   and m.key[1] == "db")
    tenant, network, port = machine.key
    path = intent.path(tenant, network, port=port)
    body = {k: v for k, v in api.get(path).items() if k in (
        "mac", "guard", "iface_id", "host", "ips")}
    api.ask("DELETE", path)
    wait_realized(api)
    api.put(path, **body)
    api.wait_ports([path], deadline_s=30)


def test_hosts_of_other_zones_get_packets_of_borders_only(fabric, api,
                                                          figures):
    set_mode(fabric, api, z1="border", z2="border")
    seen = legs(fabric, both_ways(whole_matrix(fabric, api)))
    zones, hosts = api.items("/v1/zones"), api.items("/v1/hosts")
    wrong = {leg: n for leg, n in seen.items()
             if not may_talk(zones, hosts, *leg)}
    across = {leg: n for leg, n in seen.items()
              if ZONES[leg[0]] != ZONES[leg[1]]}
    figures("VXLAN packets across zones: " + ", ".join(
        f"{a} to {b} {n}" for (a, b), n in sorted(across.items())))
    assert across and not wrong, (wrong, seen)


def test_a_host_behind_borders_knows_no_endpoint_of_other_zones(
        fabric, api, figures):
    set_mode(fabric, api, z1="border", z2="border")
    wait_until(lambda: not rows_about_others(fabric, api, "h1"), 10,
               lambda: "rows of h1 about others: "
               f"{rows_about_others(fabric, api, 'h1')[:5]}", 0.2)
    behind = pipeline.table_sizes(fabric.hosts["h1"])
    set_mode(fabric, api, z1="direct", z2="direct")
    assert rows_about_others(fabric, api, "h1")
    figures(f"h1, border: {pipeline.format_sizes(behind)}")
    figures("h1, direct: " + pipeline.format_sizes(
        pipeline.table_sizes(fabric.hosts["h1"])))


def test_packets_agree_with_the_oracle_where_one_zone_has_borders(
        fabric, api, figures):
    set_mode(fabric, api, z1="border", z2="direct")
    judge(whole_matrix(fabric, api), figures, "one zone by its borders")


def rows_about_others(fabric, api, name):
    """Rows of a host that name an endpoint which is in another zone."""
    vnis = {(n["tenant"], n["name"]): n["vni"]
            for n in api.items("/v1/networks")}
    near, far = set(), set()
    for port in api.items("/v1/ports"):
        vni = vnis[port["tenant"], port["network"]]
        side = near if ZONES[port["host"]] == ZONES[name] else far
        side.update((vni, word) for word in (port["mac"], *port["ips"]))
    found = []
    for bridge in pipeline.BRIDGES:
        for row in fabric.hosts[name].flows(bridge):
            # Next hops of routes and policies are named where they are used.
            if re.search(r" table=(40|42|30),", row) and \
                    bridge == "br-tenant":
                continue
            vni = re.search(r"reg0=(0x[0-9a-f]+)", row)
            words = set(re.findall(
                r"(?:dl_dst|arp_tpa|nw_dst|ipv6_dst|nd_target)=([^, ]+)",
                row))
            if vni and {(int(vni.group(1), 16), w) for w in words} & (
                    far - near):
                found.append(row)
    return found


def legs(fabric, pairs):
    """{(host, host): VXLAN packets} while the pairs ping each other."""
    by_vtep = {socket.inet_aton(h.vtep): h.name
               for h in fabric.hosts.values()}
    seen, socks = collections.Counter(), []
    try:
        for name in fabric.hosts:
            sock = netns.open_socket(fabric.underlay, socket.AF_PACKET,
                                     socket.SOCK_RAW, socket.htons(3))
            sock.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
            sock.bind((name, 3))
            sock.setblocking(False)
            socks.append(sock)
        assert not fabric.ping_many(pairs, deadline_s=20).silent()
        while select.select(socks, [], [], 0.1)[0]:
            for sock in select.select(socks, [], [], 0)[0]:
                frame, source = sock.recvfrom(64)
                if (source[2] != socket.PACKET_OUTGOING
                        and frame[12:14] == b"\x08\0" and frame[23] == 17
                        and frame[36:38] == struct.pack("!H", 4789)):
                    seen[by_vtep[frame[26:30]], by_vtep[frame[30:34]]] += 1
    finally:
        for sock in socks:
            sock.close()
    return seen


# -- Traceroute


def test_traceroute_shows_the_gateways_on_the_way(fabric, api, figures):
    set_mode(fabric, api, z1="direct", z2="direct")
    oracle = the_oracle(api)
    matrix = Matrix(fabric.machines, oracle)
    # Across hosts and zones; red's TCP from web to db goes by a machine.
    web = [m for m in fabric.machines if m.key[1] == "web"]
    for machine in web:
        for family in (4, 6):
            for ttl in (1, 2, 3):
                matrix.add(machine, plain(address_of("app", 22, family)),
                           "udp", sport=33000 + ttl, dport=33434, ttl=ttl)
            if machine.key[0] == "red":
                for ttl in (1, 2, 3, 4, 5):
                    matrix.add(machine,
                               plain(address_of("db", 31, family)), "tcp",
                               sport=33000 + ttl, dport=443, ttl=ttl)
    expired = [p for p in matrix.probes if p.ways[0].end == "expired"]
    assert {len(p.ways[0].stops) for p in expired} == {0, 1}
    judge(matrix, figures, "traceroute")
    figures(f"{len(expired)} packets whose TTL ended on the way: each was "
            "answered by the address that the oracle says")


def test_a_ping_with_ttl_1_is_answered_by_the_gateway(fabric, api, figures):
    matrix = Matrix(fabric.machines, the_oracle(api))
    for machine in fabric.machines:
        if NETWORKS[machine.key[1]][1]:
            for family in (4, 6):
                matrix.add(machine, plain(address_of("app", 21, family)),
                           "icmp", ttl=1)
                matrix.add(machine, plain(address_of(machine.key[1], 1,
                                                     family)), "icmp", ttl=1)
    judge(matrix, figures, "TTL 1")


def test_what_leads_nowhere_is_answered_with_unreachable(fabric, api):
    for tenant, target in (("red", "192.0.2.1"), ("red", "2001:db8::1"),
                           ("red", "10.0.1.200"), ("red", "fd00:0:0:2::200"),
                           ("red", "10.0.1.1"), ("red", "fd00:0:0:2::1")):
        machine = next(m for m in fabric.machines if m.key[:2] == (tenant,
                                                                   "web"))
        matrix = Matrix(fabric.machines, the_oracle(api))
        matrix.add(machine, target, "udp", sport=1000, dport=33434)
        gateways = {plain(address_of("web", 1, f)) for f in (4, 6)} | {target}

        def told(one=matrix):
            one.run(deadline_s=0, linger_s=0.3)
            return any(a == "unreachable" and ip in gateways
                       for a, ip in one.probes[0].answers)

        wait_until(told, 10, lambda one=matrix: f"unreachable for {target}: "
                   f"{one.probes[0]}")


# -- Changes under traffic


def some_pairs(fabric, api, count=24):
    """Routed pings that are answered, some of each tenant, across zones."""
    oracle = the_oracle(api)
    host = {p.key: p.host for p in oracle.ports}
    owner = {(p.tenant, str(ip)): p for p in oracle.ports for ip in p.ips
             if NETWORKS[p.key[1]][1]}
    pairs = [(m, ip) for m, ip in both_ways(whole_matrix(fabric, api))
             if (m.key[0], ip) in owner
             and owner[m.key[0], ip].network != m.key[:2]
             and ZONES[host[owner[m.key[0], ip].key]]
             != ZONES[host[m.key]]]
    found = pairs[::max(1, len(pairs) // count)]
    assert len(found) >= count
    assert not fabric.ping_many(found, deadline_s=10).silent()
    return found


def test_pings_go_on_while_zones_change_how_they_talk(fabric, api, figures):
    set_mode(fabric, api, z1="direct", z2="direct")
    with Pinging(some_pairs(fabric, api)) as pinging:
        for paths in ({"z1": "border"}, {"z2": "border"}, {"z1": "direct"},
                      {"z1": "border"}, {"z2": "direct"}, {"z1": "direct"}):
            set_mode(fabric, api, **paths)
            pinging.go_on(10)
    figures(f"6 changes between direct and border: {pinging}")
    assert pinging.gap_s < 1, pinging


# -- Restarts


def wait_active(api, fabric):
    api.wait_hosts(fabric.hosts, deadline_s=60)
    wait_realized(api)
    api.wait_ports(fabric.port_paths, deadline_s=30)


@pytest.mark.parametrize("number", (signal.SIGKILL, signal.SIGTERM))
def test_a_new_controller_sends_no_row_and_no_ping_is_lost(fabric, number,
                                                           figures):
    with intent.Api(fabric.api) as api:
        set_mode(fabric, api, z1="border", z2="direct")
        pairs = some_pairs(fabric, api)
        # A zone that has changed its path is settled after 2 s.
        settle(api, fabric, looks=15)
    logs = [SwitchLog(h) for h in fabric.hosts.values()]
    try:
        with Pinging(pairs) as pinging:
            fabric.stop_controller(number)
            fabric.start_controller(*OPTIONS, deadline_s=30)
            with intent.Api(fabric.api) as api:
                wait_active(api, fabric)
                settle(api, fabric)
        sent = sum(one.messages().n_mods for one in logs)
        epochs = sum(one.messages().n_epochs for one in logs)
        figures(f"{number.name}: {sent} modifications, {epochs} of epoch "
                f"rows; {pinging}")
        assert not sent, [str(one.messages()) for one in logs]
        assert not pinging.lost, pinging
    finally:
        for one in logs:
            one.close()


def settle(api, fabric, looks=6):
    """The rows of all bridges are the same for some looks."""
    seen = []

    def quiet():
        seen.append({(h.name, b): faults.flows_of(h, b)
                     for h in fabric.hosts.values()
                     for b in pipeline.BRIDGES})
        return len(seen) >= looks and seen[-looks:] == [seen[-1]] * looks

    wait_realized(api)
    wait_until(quiet, 30, "the switches to be left alone", 0.2)


def test_after_a_restart_of_a_switch_all_is_as_it_was(fabric, api, figures):
    # Taps may get other numbers; what is in tier 2 does not depend on them.
    before = {(h.name, "br-fabric"): set(faults.flows_of(h, "br-fabric"))
              for h in fabric.hosts.values()}
    for name in ("h2", "h4"):       # a border and one of the direct zone
        fabric.hosts[name].restart_switch(signal.SIGKILL)
    started = time.monotonic()
    where = [(n, "br-fabric") for n in ("h2", "h4")]
    wait_until(lambda: all(set(faults.flows_of(fabric.hosts[n], b))
                           == before[n, b] for n, b in where), 30,
               "rows of tier 2 as before", 0.1)
    wait_active(api, fabric)
    figures(f"all rows back {time.monotonic() - started:.2f} s after "
            "ovs-vswitchd of h2 and h4 was killed and started")
    judge(whole_matrix(fabric, api), figures, "after that")
