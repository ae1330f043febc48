# SPDX-License-Identifier: Apache-2.0
"""More networks on one host than 12 bits can count: 5,000 networks, each with
a port on h1 and one on h2. Interfaces exist for 100 of them."""
import os
import time

import intent
import pipeline
import pytest

NETWORKS = int(os.environ.get("VXFABRIC_TEST_NETWORKS", "5000"))
PLUGGED = min(100, NETWORKS)
MAC, IPS = "02:00:00:00:00:{:02x}", ("10.0.0.{}", "fd00::{}")

pytestmark = pytest.mark.slow


def plugged_numbers():
    """The first, the last, the middle and others evenly between."""
    numbers = {1 + i * (NETWORKS - 1) // (PLUGGED - 1)
               for i in range(PLUGGED)}
    numbers.discard(max(numbers - {1, NETWORKS}, key=lambda n: -abs(
        n - NETWORKS // 2)))
    return sorted(numbers | {NETWORKS // 2})


def intend(number):
    """A network, its subnets, and a port on each of two hosts."""
    name = f"n{number}"
    ops = [intent.put(intent.path("acme", name)),
           # The same prefix in all of them, so none is routed.
           intent.put(intent.path("acme", name, subnet="10.0.0.0/24"),
                      route=False),
           intent.put(intent.path("acme", name, subnet="fd00::/64"),
                      route=False)]
    for host in (1, 2):
        ops.append(intent.put(
            intent.path("acme", name, port=f"p{host}"),
            host=f"h{host}", mac=MAC.format(host + 9),
            ips=[ip.format(host + 9) for ip in IPS],
            iface_id=f"{name}-p{host}"))
    return ops


@pytest.fixture(scope="module")
def fabric(make_lab):
    """The hosts have joined; lab.took[what] are seconds."""
    lab = make_lab(2)
    lab.start_controller()
    intent.join_all(lab)
    lab.took = {}
    return lab


def wait_realized(lab, deadline_s):
    """Every host has confirmed all that is committed."""
    def realized():
        hosts = api.items("/v1/hosts")
        return len(hosts) == 2 and all(
            h["realized_revision"] >= revision for h in hosts)

    with intent.Api(lab.api) as api:
        revision = api.get("/healthz")["revision"]
        intent.wait_until(realized, deadline_s, lambda: (
            f"revision {revision} on every host: {api.items('/v1/hosts')}"),
            0.05)


def test_five_thousand_networks_are_taken_in(fabric, figures):
    started = time.monotonic()
    with intent.Api(fabric.api) as api:
        api.put("/v1/tenants/acme")
        ops = [op for n in range(1, NETWORKS + 1) for op in intend(n)]
        api.batches(ops, 1000)
        committed = time.monotonic() - started
        wait_realized(fabric, 120)
        realized = time.monotonic() - started
        vnis = [n["vni"] for n in api.items("/v1/networks")]
    figures(f"{NETWORKS} networks, {2 * NETWORKS} subnets, {2 * NETWORKS} "
            f"ports: committed in {committed:.1f} s ({len(ops)} operations "
            f"in batches of 1000), on both hosts after {realized:.1f} s")
    assert len(vnis) == len(set(vnis)) == NETWORKS


def test_the_plugged_ports_of_a_hundred_networks_become_active(fabric,
                                                               figures):
    numbers = plugged_numbers()
    assert {1, NETWORKS, NETWORKS // 2} <= set(numbers)
    started = time.monotonic()
    made = fabric.plug([
        {"host": host, "iface_id": f"n{n}-p{h}", "mac": MAC.format(h + 9),
         "ips": [f"{ip.format(h + 9)}/{bits}"
                 for ip, bits in zip(IPS, (24, 64))]}
        for n in numbers for h, host in enumerate(fabric.hosts.values(), 1)])
    plugged = time.monotonic() - started
    paths = [intent.path("acme", f"n{n}", port=f"p{h}")
             for n in numbers for h in (1, 2)]
    with intent.Api(fabric.api) as api:
        took = api.wait_ports(paths, deadline_s=60)
        counts = {}
        for port in api.items("/v1/ports"):
            counts[port["status"]] = counts.get(port["status"], 0) + 1
    fabric.pairs = list(zip(made[::2], made[1::2]))
    figures(f"{len(made)} interfaces plugged in {plugged:.1f} s, all active "
            f"{took:.2f} s after the last; ports by status: {counts}")
    assert counts == {"active": len(made), "pending": 2 * NETWORKS
                      - len(made)}


def test_traffic_passes_on_every_plugged_network(fabric, figures):
    pairs = [(x, ip) for a, b in fabric.pairs for x, y in ((a, b), (b, a))
             for ip in y.ips]
    started = time.monotonic()
    result = fabric.ping_many(pairs, deadline_s=30)
    figures(f"{len(fabric.pairs)} networks, both ways, v4 and v6: {result} "
            f"in {time.monotonic() - started:.1f} s")
    assert len(pairs) == 4 * PLUGGED
    assert not result.silent(), result.silent()[:10]


def test_tables_hold_what_the_networks_need_and_no_more(fabric, figures):
    for host in fabric.hosts.values():
        sizes = pipeline.table_sizes(host)
        figures(f"{host.name}: {pipeline.format_sizes(sizes)}")
        tenant, fabric_tables = (sizes[b] for b in pipeline.BRIDGES)
        # Tier 1 in proportion to the plugged ports, tier 2 to the networks.
        # One group of each tier is that of ECMP.
        assert tenant["groups"] <= NETWORKS + 1
        assert fabric_tables["groups"] == NETWORKS + 1
        assert NETWORKS < fabric_tables[6] < NETWORKS + 5
        assert 2 * PLUGGED <= tenant[0] < 2 * PLUGGED + 5


def test_a_controller_that_comes_back_finds_nothing_to_repair(fabric,
                                                              figures):
    started = time.monotonic()
    fabric.stop_controller()
    with open(fabric.path("vxfabricd.log"), "rb") as log:
        mark = log.seek(0, os.SEEK_END)
    fabric.start_controller("--set", "epoch=no", deadline_s=60)
    ready = time.monotonic() - started
    lines = intent.new_log_lines(
        fabric, mark, 60, lambda found: sum(
            "differences" in line for line in found) >= 4,
        "both bridges of both hosts compared")
    figures(f"restart: API after {ready:.1f} s, all bridges compared after "
            f"{time.monotonic() - started:.1f} s")
    said = [line for line in lines if "differences" in line]
    assert all(" 0 differences" in line for line in said), said
    with intent.Api(fabric.api) as api:
        api.wait_ports([intent.path("acme", f"n{n}", port=f"p{h}")
                        for n in plugged_numbers() for h in (1, 2)],
                       deadline_s=30)


def test_all_networks_go_again_and_leave_empty_tables(fabric, figures):
    started = time.monotonic()
    with intent.Api(fabric.api) as api:
        ops = [dict(op="DELETE", path=op["path"])
               for n in range(1, NETWORKS + 1) for op in reversed(intend(n))]
        api.batches(ops, 1000)
        wait_realized(fabric, 120)
    figures(f"{len(ops)} deletes, gone from both hosts in "
            f"{time.monotonic() - started:.1f} s")
    for host in fabric.hosts.values():
        sizes = pipeline.table_sizes(host)
        assert all(t["groups"] == 1 for t in sizes.values()), sizes
        rows = sum(n for t in sizes.values() for n in t.values())
        figures(f"{host.name}: {rows} rows are left")
        assert rows < 80, sizes
