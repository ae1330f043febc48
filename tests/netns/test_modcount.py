# SPDX-License-Identifier: Apache-2.0
"""What one route or policy costs the switches does not depend on how many
ports the tenant has: counted at the switches, with 100 and with 10,000."""
import time

import intent
import pytest
from netns import wait_until
from reach import wait_realized
from switchlog import SwitchLog

TENANT = "acme"
NETWORKS = 4
SIZES = (100, 10000)
ROUTES = f"/v1/tenants/{TENANT}/routes/"
POLICIES = f"/v1/tenants/{TENANT}/policies/"


def via(*hops):
    return {"type": "via", "via": list(hops)}


# What is added, and deleted again, one after the other.
CHANGES = {
    "a route": (ROUTES + "10.200.0.0%2F16", {"via": ["10.1.0.10"]}),
    "a route over 2 next hops": (
        ROUTES + "10.201.0.0%2F16", {"via": ["10.1.0.10", "10.2.0.11"]}),
    "an IPv6 route": (ROUTES + "fd77::%2F32", {"via": ["fd01::a"]}),
    "a policy that drops ports": (POLICIES + "drop", {
        "priority": 10, "action": {"type": "drop"},
        "match": {"src": "10.1.0.0/16", "proto": "tcp",
                  "dport": "80-90,443"}}),
    "a policy by 2 next hops": (POLICIES + "via", {
        "priority": 20, "action": via("10.1.0.10", "10.2.0.11"),
        "match": {"network": "n3", "dst": "10.4.0.0/16"}}),
    "a policy that marks": (POLICIES + "mark", {
        "priority": 30, "action": {"type": "dscp", "dscp": 46},
        "match": {"dst": "10.4.0.0/16"}}),
}


def port_op(number):
    """The n-th port: networks and hosts in turn."""
    network, n = number % NETWORKS + 1, number // NETWORKS + 10
    return intent.put(
        intent.path(TENANT, f"n{network}", port=f"p{number}"),
        mac=f"02:00:00:{network:02x}:{n >> 8:02x}:{n & 255:02x}",
        ips=[f"10.{network}.{n >> 8}.{n & 255}", f"fd{network:02}::{n:x}"],
        host=f"h{number // NETWORKS % 4 + 1}", iface_id=f"p{number}")


@pytest.fixture(scope="module")
def fabric(make_lab):
    """Four hosts in two zones, a tenant with networks and no ports."""
    lab = make_lab(4)
    lab.start_controller("--set", "probe_ms=1000")
    for n, host in enumerate(lab.hosts.values()):
        host.join(f"z{n // 2 + 1}")
    with intent.Api(lab.api, 120) as api:
        api.wait_hosts(lab.hosts)
        ops = [intent.put(intent.path(TENANT))]
        for n in range(1, NETWORKS + 1):
            ops += [intent.put(intent.path(TENANT, f"n{n}")),
                    intent.put(intent.path(TENANT, f"n{n}",
                                           subnet=f"10.{n}.0.0/16")),
                    intent.put(intent.path(TENANT, f"n{n}",
                                           subnet=f"fd{n:02}::/64"))]
        api.batch(ops)
    return lab


def plug(lab):
    """An interface for the first port of each network and each host."""
    wanted = []
    for number in range(4 * NETWORKS):
        body = port_op(number)["body"]
        wanted.append({"host": lab.hosts[body["host"]], "mac": body["mac"],
                       "iface_id": body["iface_id"],
                       "ips": [f"{body['ips'][0]}/16",
                               f"{body['ips'][1]}/64"]})
    lab.plug(wanted)
    return [port_op(n)["path"] for n in range(4 * NETWORKS)]


def quiet(logs, looks=8):
    """{host: Messages} once no more are written; logs are a bit late."""
    seen = []

    def same():
        seen.append({one.host.name: one.messages() for one in logs})
        return len({tuple(m.n_mods for m in one.values())
                    for one in seen[-looks:]}) == 1 and len(seen) >= looks

    wait_until(same, 10, "the switches to be left alone", 0.03)
    return seen[-1]


def count(lab, api, logs):
    """{change: {host: (flows, groups)}} of adding and of deleting each."""
    found = {}
    for title, (where, body) in CHANGES.items():
        for verb in ("PUT", "DELETE"):
            for one in logs:
                one.mark()
            started = time.monotonic()
            api.ask(verb, where, body if verb == "PUT" else None)
            wait_realized(api)
            took = time.monotonic() - started
            seen = quiet(logs)
            found[title, verb] = (
                {name: (sum(m.flows.values()), sum(m.groups.values()))
                 for name, m in seen.items()}, took)
    assert len(lab.hosts) == len(logs)
    return found


def test_routes_and_policies_cost_the_same_with_100_and_10000_ports(
        fabric, figures):
    results, have = {}, 0
    logs = []
    try:
        with intent.Api(fabric.api, 120) as api:
            for size in SIZES:
                api.batches([port_op(n) for n in range(have, size)])
                if not have:
                    paths = plug(fabric)
                have = size
                api.wait_ports(paths, deadline_s=60)
                wait_realized(api, 120)
                logs = logs or [SwitchLog(h) for h in fabric.hosts.values()]
                results[size] = count(fabric, api, logs)
    finally:
        for one in logs:
            one.close()
    for what in results[SIZES[0]]:
        (few, few_s), (many, many_s) = (results[n][what] for n in SIZES)
        title, verb = what
        figures(f"{'add' if verb == 'PUT' else 'delete'} {title}: "
                f"{sum(f for f, _ in few.values())} flow and "
                f"{sum(g for _, g in few.values())} group modifications on 4 "
                f"hosts with {SIZES[0]} ports ({few_s * 1000:.0f} ms), "
                f"{sum(f for f, _ in many.values())} and "
                f"{sum(g for _, g in many.values())} with {SIZES[1]} "
                f"({many_s * 1000:.0f} ms)")
        assert few == many, what
        assert 0 < sum(f for f, _ in few.values()) <= 200, (what, few)
