# SPDX-License-Identifier: Apache-2.0
"""FlowSpec out: policies arrive at the upstream as what they say, and go with
them. FlowSpec in: rules of a trusted upstream are enforced in the tenant
concerned, and refused where nobody's announced prefix is meant."""
import ipaddress
import os
import random
import struct

import pytest

import gobgp
import intent
import netns
from gwlab import FABRIC_AS, GwLab
from netns import wait_until
from oracle import PROTOCOLS, protocol
from test_gateways import settle

N_POLICIES = 100
SEED = int(os.environ.get("VXFABRIC_TEST_SEED", "0")) or (
    random.SystemRandom().randrange(1, 1 << 31))
DST, SRC, PROTO, DPORT, SPORT, DSCP = 1, 2, 3, 5, 6, 11
RATE, REDIRECT, MARK, REDIRECT_IP = 6, 8, 9, 12
# What a policy's next hop can be: the web machines of every tenant.
HOPS = ("10.0.0.11", "10.0.0.12")
SOLO = ("10.0.60.0/24", "fd00:0:0:60::/64")


@pytest.fixture(scope="module", name="gw")
def _gw(make_lab):
    lab = make_lab(2)
    gw = GwLab(lab, tenants=("red", "green"), gateways=1).build()
    add_solo(gw)
    gw.everything_pings()
    return gw


@pytest.fixture(name="api")
def _api(gw):
    """What a test has left, because it failed, is none of the next one's."""
    with intent.Api(gw.lab.api) as api:
        yield api
        api.batch([
            intent.delete(f"/v1/tenants/{tenant}/policies/{p['name']}")
            for tenant in gw.tenants
            for p in api.items(f"/v1/tenants/{tenant}/policies")
            if "origin" not in p])
    for version in (4, 6):
        gw.upstream.delete(f"flowspec{version}", "all")


def add_solo(gw):
    """A network whose addresses only the tenant red has."""
    path = intent.path("red", "solo", port="solo11")
    with intent.Api(gw.lab.api) as api:
        api.batch([
            intent.put(intent.path("red", "solo")),
            *(intent.put(intent.path("red", "solo", subnet=cidr), route=True,
                         announce=True) for cidr in SOLO),
            intent.put(path, mac="02:00:00:00:60:11", host="h2",
                       iface_id="red-solo11", ips=solo_addresses())])
        gw.solo = gw.compute[1].plug(
            "red-solo11", "02:00:00:00:60:11",
            [f"{ip}/{cidr.split('/')[1]}"
             for ip, cidr in zip(solo_addresses(), SOLO)])
        netns.ip_batch(
            [f"route replace default via {ipaddress.ip_network(c)[1]}"
             for c in SOLO], gw.solo.namespace)
        api.wait_ports([path])


def solo_addresses():
    return [str(ipaddress.ip_network(c)[11]) for c in SOLO]


# -- out

def make_policy(gw, rng, number):
    """A policy for FlowSpec, and what it is to be at the upstream: (family,
    {component: value}, action)."""
    version = rng.choice((4, 6))
    match, want = {}, {}
    sides = rng.choice((("dst",), ("dst",), ("src",), ("dst", "src"),
                        ("dst", "src")))
    for member in sides:
        prefix = random_prefix(rng, version,
                               number if member == sides[0] else 200)
        match[member] = want[DST if member == "dst" else SRC] = prefix
    if rng.random() < 0.7:
        names = [n for n in PROTOCOLS
                 if n != ("icmp6" if version == 4 else "icmp")]
        match["proto"] = rng.choice([*names, "tcp", "udp", "47", "89"])
        want[PROTO] = ((protocol(match["proto"]),) * 2,)
        if match["proto"] in ("tcp", "udp", "sctp"):
            for member, component in (("dport", DPORT), ("sport", SPORT)):
                if rng.random() < 0.5:
                    want[component] = random_ranges(rng)
                    match[member] = ",".join(
                        f"{a}-{b}" if a != b else str(a)
                        for a, b in want[component])
    if rng.random() < 0.3:
        match["dscp"] = rng.choice((0, 63, rng.randrange(64)))
        want[DSCP] = ((match["dscp"],) * 2,)
    action, told = random_action(gw, rng, version, tenant_of(number))
    return ({"priority": number, "match": match, "action": action,
             "where": ["flowspec"]}, (version, want, told))


def random_prefix(rng, version, number):
    """Overlaps that of no other number."""
    if version == 4:
        length = rng.randrange(8, 33)
        base = (number << 24) + rng.randrange(1 << 24)
        return str(ipaddress.IPv4Network((base, length), strict=False))
    length = rng.randrange(32, 129)
    base = (0xfd550000 + number << 96) + rng.randrange(1 << 96)
    return str(ipaddress.IPv6Network((base, length), strict=False))


def random_ranges(rng):
    """Sorted, and with something between them, to the ends of what there is.
    Two ranges are four operators on the wire, and bgpd 8.4.4 takes five."""
    ends = rng.choice(((0,), (65535,), (rng.randrange(65536),),
                       sorted(rng.sample(range(65536), 2)),
                       (0, rng.randrange(65535)), (rng.randrange(1, 65535),
                                                   65535)))
    first = (ends[0], ends[-1])
    if first[1] > 40000 or rng.random() < 0.5:
        return (first,)
    last = first[1] + 2 + rng.randrange(20000)
    return (first, (last, last + rng.choice((0, rng.randrange(5000)))))


def random_action(gw, rng, version, tenant):
    """(of the policy, of the rule at the upstream)"""
    kinds = ["drop", "rate", "dscp", "gateway"]
    # An IPv6 address is not passed on by the reflector: see below.
    kind = rng.choice(kinds + (["via"] if version == 4 else []))
    if kind == "drop":
        return {"type": "drop"}, (RATE, 0)
    if kind == "rate":
        kbps = rng.randrange(1, 4000000)
        return {"type": "rate", "rate_kbps": kbps}, (RATE, kbps * 125)
    if kind == "dscp":
        dscp = rng.randrange(64)
        return {"type": "dscp", "dscp": dscp}, (MARK, dscp)
    if kind == "via":
        hop = rng.choice(HOPS)
        return {"type": "via", "via": [hop]}, (REDIRECT_IP, hop)
    return {"type": "gateway"}, (REDIRECT, route_target(gw, tenant))


def route_target(gw, tenant):
    """That of the tenant's VRF, where it has none of its own."""
    return f"{FABRIC_AS}:{gw.l3vni(tenant)}"


def ranges_of(terms):
    """The numbers that operators of RFC 8955 4.2.1.1 mean, as sorted ranges:
    here, terms joined by AND are one range."""
    found, first, last = [], 0, 0xffff
    for index, term in enumerate(terms):
        op, value = term["op"], term["value"]
        if not (index and op & 0x40):       # not AND with the one before
            first, last = 0, 0xffff
        low = value + (not op & 1) if op & 3 and not op & 4 else 0
        high = value - (not op & 1) if op & 5 and not op & 2 else 0xffff
        first, last = max(first, low), min(last, high)
        if index + 1 == len(terms) or not terms[index + 1]["op"] & 0x40:
            found.append((first, last))
    return tuple(sorted(found))


def decoded(path, version):
    """A rule as GoBGP decoded it, in the form of make_policy()."""
    want = {}
    for component in path["nlri"]["value"]:
        value = component["value"]
        want[component["type"]] = (
            str(ipaddress.ip_network(value["prefix"]))
            if isinstance(value, dict) else ranges_of(value))
    actions = []
    for community in gobgp.extended(path):
        kind, subtype = community["type"], community.get("subtype")
        if kind == 0x80 and subtype == RATE:
            actions.append((RATE, community["rate"]))
        elif kind == 0x80 and subtype == MARK:
            actions.append((MARK, community["value"]))
        elif kind in (0x80, 0x81, 0x82) and subtype == REDIRECT:
            actions.append((REDIRECT, community["value"]))
        elif kind == 1 and subtype == REDIRECT_IP:
            # RFC 4360: an address and a number, which is 0 (no copy).
            address, _, number = community["value"].rpartition(":")
            assert number == "0", community
            actions.append((REDIRECT_IP, address))
    assert len(actions) == 1, path
    return version, want, actions[0]


def at_upstream(gw):
    """All FlowSpec the upstream holds."""
    return [decoded(path, version) for version in (4, 6)
            for paths in gw.upstream.table(f"flowspec{version}").values()
            for path in paths]


def as_key(rule):
    version, want, action = rule
    if action[0] == RATE:       # on the wire: a float of 32 bits
        action = (RATE, *struct.unpack("f", struct.pack("f", action[1])))
    return version, tuple(sorted(want.items())), action


def compare(gw, want, deadline_s=60):
    """Polls until the upstream has exactly these."""
    want = sorted(map(as_key, want), key=repr)
    last = []

    def same():
        last[:] = [sorted(map(as_key, at_upstream(gw)), key=repr)]
        return last[0] == want

    def differ():
        return (f"missing {[r for r in want if r not in last[0]][:3]}\n"
                f"too many {[r for r in last[0] if r not in want][:3]}\n"
                f"{len(last[0])} of {len(want)}\n{gw.report()}")

    wait_until(same, deadline_s, differ, 0.2)


def tenant_of(number):
    return ("red", "green")[number % 2]


def policy_path(number):
    return f"/v1/tenants/{tenant_of(number)}/policies/fs{number}"


def test_random_policies_arrive_as_they_are_and_are_withdrawn(
        gw, api, figures):
    print(f"  VXFABRIC_TEST_SEED={SEED}")
    rng = random.Random(SEED)
    made = {n: make_policy(gw, rng, n) for n in range(1, N_POLICIES + 1)}
    api.batch([intent.put(policy_path(n), **body)
               for n, (body, _) in made.items()])
    compare(gw, [want for _, want in made.values()])
    # Some change, some go.
    for n in rng.sample(sorted(made), 20):
        made[n] = make_policy(gw, rng, n)
    gone = rng.sample(sorted(made), 20)
    api.batch([intent.delete(policy_path(n)) for n in gone]
              + [intent.put(policy_path(n), **body)
                 for n, (body, _) in made.items() if n not in gone])
    compare(gw, [w for n, (_, w) in made.items() if n not in gone])
    api.batch([intent.delete(policy_path(n)) for n in made if n not in gone])
    compare(gw, [])
    versions = [want[0] for _, want in made.values()]
    redirects = [want[2][0] for _, want in made.values()
                 if want[2][0] in (REDIRECT, REDIRECT_IP)]
    figures(f"{len(made)} policies, {versions.count(6)} of IPv6, "
            f"{redirects.count(REDIRECT)} to a VRF, "
            f"{redirects.count(REDIRECT_IP)} to an address, at the upstream "
            "as they are; changed; withdrawn")


def rule_to(dst, action):
    """A rule of UDP to a prefix, as it is at the upstream."""
    return (6 if ":" in dst else 4, {DST: dst, PROTO: ((17, 17),)}, action)


@pytest.mark.parametrize("dst", SOLO)
def test_a_policy_that_changes_leaves_nothing_of_its_old_action(gw, api, dst):
    path, tenant = "/v1/tenants/red/policies/turns", "/v1/tenants/red"
    vrf = route_target(gw, "red")
    turns = [({"type": "gateway"}, (REDIRECT, vrf)),
             ({"type": "drop"}, (RATE, 0)),
             ({"type": "gateway"}, (REDIRECT, vrf)),
             ({"type": "dscp", "dscp": 46}, (MARK, 46))]
    if ":" not in dst:
        turns[2:2] = [({"type": "via", "via": [hop]}, (REDIRECT_IP, hop))
                      for hop in HOPS]
    for action, told in turns:
        api.put(path, priority=5, match={"dst": dst, "proto": "udp"},
                action=action, where=["flowspec"])
        compare(gw, [rule_to(dst, told)])
        settle(lambda: api.get(path)["in_force"], ["flowspec"])
    # To the tenant's VRF: by what its routes are told with.
    api.put(path, priority=5, match={"dst": dst, "proto": "udp"},
            action={"type": "gateway"}, where=["flowspec"])
    for targets in (["65001:4711", "192.0.2.7:9"], ["192.0.2.7:9"], []):
        api.put(tenant, export_rts=targets)
        compare(gw, [rule_to(dst, (REDIRECT,
                                   targets[0] if targets else vrf))])
    api.ask("DELETE", path)
    compare(gw, [])


def test_what_the_reflector_would_pass_on_without_its_action_is_not_told(
        gw, api):
    """bgpd 8.4.4 drops the attribute that has the address to redirect to, if
    that is of IPv6."""
    path = "/v1/tenants/red/policies/six"
    body = {"priority": 5, "match": {"dst": SOLO[1], "proto": "udp"},
            "where": ["flowspec"]}

    def look():
        return [(item["state"], "IPv6" in item["reason"])
                for gateway in api.get("/v1/bgp")["items"]
                for item in gateway["announced"]
                if item["type"] == "policy" and item["prefix"] == "six"]

    api.put(path, **body, action={"type": "drop"})
    compare(gw, [rule_to(SOLO[1], (RATE, 0))])
    hop = gw.vm("red").ipv6
    api.put(path, **body, action={"type": "via", "via": [hop]})
    settle(look, [("failed", True)])
    compare(gw, [])
    assert api.get(path)["in_force"] == []
    api.put(path, **body, action={"type": "gateway"})
    compare(gw, [rule_to(SOLO[1], (REDIRECT, route_target(gw, "red")))])
    settle(look, [("announced", False)])
    api.ask("DELETE", path)
    compare(gw, [])
    settle(look, [])


def test_more_ranges_than_the_reflector_takes_arrive_in_several_rules(
        gw, api):
    path = "/v1/tenants/red/policies/many"
    ranges = tuple((n * 100, n * 100 + 50) for n in range(1, 9))
    api.put(path, priority=5, action={"type": "drop"}, where=["flowspec"],
            match={"dst": "10.0.60.0/24", "proto": "tcp",
                   "dport": ",".join(f"{a}-{b}" for a, b in ranges)})

    def look():
        rules = at_upstream(gw)
        assert all(want[DST] == SOLO[0] and want[PROTO] == ((6, 6),)
                   for _, want, _ in rules)
        return tuple(sorted(r for _, want, _ in rules for r in want[DPORT]))

    settle(look, ranges)
    api.ask("DELETE", path)
    compare(gw, [])


def test_a_policy_tells_that_it_is_told_upstream(gw, api):
    path = "/v1/tenants/red/policies/told"
    api.put(path, priority=5, match={"dst": "10.0.60.0/24", "proto": "udp"},
            action={"type": "drop"}, where=["hosts", "flowspec"])
    settle(lambda: sorted(api.get(path)["in_force"]), ["flowspec", "hosts"])
    compare(gw, [(4, {DST: "10.0.60.0/24", PROTO: ((17, 17),)}, (RATE, 0))])
    api.ask("DELETE", path)
    compare(gw, [])


# -- in

def learned(api, tenant):
    """Policies of the tenant that came by BGP."""
    return [p for p in api.items(f"/v1/tenants/{tenant}/policies")
            if p.get("origin") == "learned"]


def test_a_rule_of_the_upstream_is_enforced_while_it_is_there(gw, api):
    v4, v6 = solo_addresses()
    inside, outside = gw.vm("red"), gw.ces["red"]
    pairs = [(inside, v4), (inside, v6), (outside, v4), (outside, v6)]
    assert not gw.lab.ping_many(pairs, deadline_s=60).silent()
    rule = ["match", "destination", f"{v4}/32", "protocol", "icmp"]
    gw.upstream.add("flowspec4", *rule, "then", "discard")
    settle(lambda: [p["match"]["dst"] for p in learned(api, "red")],
           [f"{v4}/32"])
    wait_until(lambda: set(gw.lab.ping_count(pairs, 2).silent())
               == {(inside, v4), (outside, v4)}, 60,
               "the rule to drop what it says", 0.1)
    assert not learned(api, "green")
    gw.upstream.delete("flowspec4", *rule, "then", "discard")
    settle(lambda: learned(api, "red"), [])
    assert not gw.lab.ping_many(pairs, deadline_s=60).silent()


def test_a_rule_for_ipv6_is_enforced_too(gw, api):
    v4, v6 = solo_addresses()
    machine = gw.vm("red")
    pairs = [(machine, v4), (machine, v6)]
    rule = ["match", "destination", f"{v6}/128", "protocol", "58"]
    gw.upstream.add("flowspec6", *rule, "then", "discard")
    wait_until(lambda: gw.lab.ping_count(pairs, 2).silent()
               == [(machine, v6)], 60, "the rule to drop", 0.1)
    gw.upstream.delete("flowspec6", *rule, "then", "discard")
    settle(lambda: learned(api, "red"), [])
    assert not gw.lab.ping_many(pairs, deadline_s=60).silent()


def refused(api, query=""):
    """Reasons why rules of the upstream are not used."""
    return [item["reason"] for item in api.get(f"/v1/bgp{query}")["items"][0][
        "learned"] if item["type"] == "flowspec" and not item["used"]]


@pytest.mark.parametrize("match, sees", (
    (["destination", "192.0.2.0/24"], []),              # nobody's
    (["destination", "10.0.4.51/32"], []),              # not announced
    (["destination", "10.0.0.0/24"], ["red", "green"]),     # of two tenants
    (["destination", "10.0.0.0/8"], []),        # more than is announced
    (["source", f"{SOLO[0]}"], []),                     # no destination
    (["destination", "10.0.60.11/32", "tcp-flags", "S"],
     ["red"]),                                          # not supported
), ids=lambda words: " ".join(words))
def test_a_rule_for_what_is_not_a_tenant_s_own_is_refused(gw, api, match,
                                                          sees):
    # One that is taken, behind it: when that is there, the other was seen.
    ours = ["match", "destination", "10.0.60.77/32"]
    gw.upstream.add("flowspec4", "match", *match, "then", "discard")
    gw.upstream.add("flowspec4", *ours, "then", "discard")
    settle(lambda: [p["match"]["dst"] for p in learned(api, "red")],
           ["10.0.60.77/32"])
    assert not learned(api, "green")
    # The tenants whose announced prefix is meant see it, and why.
    settle(lambda: [t for t in gw.tenants if refused(api, f"?tenant={t}")],
           sees)
    settle(lambda: len(refused(api)), 1)
    gw.upstream.delete("flowspec4", "match", *match, "then", "discard")
    gw.upstream.delete("flowspec4", *ours, "then", "discard")
    settle(lambda: learned(api, "red"), [])


def test_nothing_has_ended_by_itself(gw):
    assert not gw.crashed()
