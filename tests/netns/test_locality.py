# SPDX-License-Identifier: Apache-2.0
"""What hosts count is what machines have sent: a known number of bytes by
class, over restarts of switches and changes of rows."""
import json
import os
import re
import socket

import intent
import netns
import pytest
from netns import wait_until

WEB = "/v1/tenants/acme/networks/web"
SIZE = 1014                     # of a frame
MACHINES = {                    # name: (host, number)
    "a": ("h1", 11), "b": ("h1", 12), "c": ("h2", 13), "d": ("h3", 14),
}
CLASSES = ("local", "zone", "cross")


def mac(number):
    return f"02:00:00:00:01:{number:02x}"


@pytest.fixture(scope="module")
def fabric(make_lab):
    """h1 and h2 in z1, h3 in z2; two machines on h1, one on the others."""
    lab = make_lab(3)
    for name in ("burst-start", "burst-end"):
        os.makedirs(lab.path("hooks.d", name), 0o755)
        hook = lab.path("hooks.d", name, "10-tell")
        with open(hook, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\n(cat; echo) >>{lab.path(name)}.told\n")
        os.chmod(hook, 0o755)
    lab.start_controller("--set", "counters_interval=1", "--set",
                         "probe_ms=1000", "--set", "audit_interval=0",
                         "--set", "port_bum_pps=0",
                         "--set", f"hooks_dir={lab.path('hooks.d')}")
    for name, zone in (("h1", "z1"), ("h2", "z1"), ("h3", "z2")):
        lab.hosts[name].join(zone)
    with intent.Api(lab.api) as api:
        api.wait_hosts(lab.hosts)
        api.put("/v1/tenants/acme")
        api.put("/v1/tenants/quiet")
        api.put(WEB)
        api.put(f"{WEB}/subnets/10.1.0.0%2F24")
        for name, (host, k) in MACHINES.items():
            api.put(f"{WEB}/ports/{name}", mac=mac(k), ips=[f"10.1.0.{k}"],
                    iface_id=name, host=host)
        lab.vms = {name: lab.hosts[host].plug(name, mac(k),
                                              [f"10.1.0.{k}/24"])
                   for name, (host, k) in MACHINES.items()}
        api.wait_ports([f"{WEB}/ports/{name}" for name in MACHINES])
    return lab


def stream(src, dst, count, address=None):
    """That many frames of SIZE, none lost: the sender is never more than a
    few ahead."""
    data = bytes(SIZE - 14 - 20 - 8)
    receivers = [netns.open_socket(vm.namespace, socket.AF_INET,
                                   socket.SOCK_DGRAM)
                 for vm in (dst if isinstance(dst, list) else [dst])]
    sender = netns.open_socket(src.namespace, socket.AF_INET,
                               socket.SOCK_DGRAM)
    try:
        for receiver in receivers:
            receiver.bind(("", 9000))
            receiver.settimeout(10)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for start in range(0, count, 16):
            n = min(16, count - start)
            for _ in range(n):
                sender.sendto(data, (address or dst.ipv4, 9000))
            for receiver in receivers:
                for _ in range(n):
                    receiver.recv(2048)
    finally:
        for one in receivers + [sender]:
            one.close()


def top(lab, *argv):
    """netctl -o json top locality."""
    return json.loads(lab.netctl("-o", "json", "top", "locality",
                                 *argv).stdout)


def by_class(lab, zone=None):
    """Bytes of the network in the zone (else in all)."""
    found = dict.fromkeys(CLASSES, 0)
    for item in top(lab, "--tenant", "acme")["items"]:
        if zone in (None, item["zone"]):
            for name in CLASSES:
                found[name] += item[f"{name}_bytes"]
    return found


def expect(lab, before, want, zone="z1", tolerance=0.03):
    """Within ten seconds the classes have grown by want frames, and a few
    per cent; and by no more."""
    now = {}

    def grown():
        now.update({name: value - before[name]
                    for name, value in by_class(lab, zone).items()})
        return all(now[name] >= SIZE * frames * 0.99
                   for name, frames in want.items())

    wait_until(grown, 10, lambda: f"{want} frames of {SIZE}, counted {now}")
    again = by_class(lab, zone)
    for name in CLASSES:
        bytes_ = SIZE * want.get(name, 0)
        got = again[name] - before[name]
        assert got <= bytes_ * (1 + tolerance) + 2000, (name, bytes_, got)
    return again


def test_bytes_are_counted_by_how_far_they_go(fabric, figures):
    lab, vms = fabric, fabric.vms
    before = by_class(lab, "z1")
    stream(vms["a"], vms["b"], 800)
    stream(vms["a"], vms["c"], 400)
    stream(vms["a"], vms["d"], 200)
    want = {"local": 800, "zone": 400, "cross": 200}
    after = expect(lab, before, want)
    figures("locality, frames sent against bytes counted: " + ", ".join(
        f"{name} {frames * SIZE} / {after[name] - before[name]}"
        for name, frames in want.items()))


def test_what_comes_in_is_not_local(fabric):
    lab, vms = fabric, fabric.vms
    z1, z2 = by_class(lab, "z1"), by_class(lab, "z2")
    stream(vms["d"], vms["a"], 500)
    expect(lab, z2, {"cross": 500}, "z2")
    assert by_class(lab, "z1")["local"] - z1["local"] < SIZE * 10


def test_each_copy_of_a_broadcast_counts_where_it_leaves(fabric):
    # Open vSwitch's own tunnels count the header of one copy with the next.
    lab, vms = fabric, fabric.vms
    before = by_class(lab, "z1")
    stream(vms["a"], [vms["c"], vms["d"]], 200, "10.1.0.255")
    expect(lab, before, {"zone": 200, "cross": 200}, tolerance=0.06)
    # ... and what stays beside it is counted still, at both ends.
    before = by_class(lab, "z1")
    stream(vms["c"], [vms["a"], vms["b"], vms["d"]], 100, "10.1.0.255")
    stream(vms["b"], vms["a"], 300)
    expect(lab, before, {"local": 300, "zone": 100, "cross": 100},
           tolerance=0.06)


def test_the_table_has_shares_and_the_api_has_totals(fabric):
    lab = fabric
    doc = top(lab)
    assert doc["complete"] and doc["left_out"] == 0
    for name in CLASSES:
        assert doc["totals"][f"{name}_bytes"] == sum(
            item[f"{name}_bytes"] for item in doc["items"])
    assert {item["zone"] for item in doc["items"]} == {"z1", "z2"}
    table = lab.netctl("top", "locality").stdout
    assert re.search(r"acme +web +z1 .* %", table), table
    assert "(all)" in table
    assert top(lab, "--tenant", "quiet")["items"] == []
    assert lab.netctl("top", "locality", "--tenant", "nobody",
                      check=False).returncode == 1


def metrics(lab):
    """{series: value}"""
    with intent.Api(lab.api) as api:
        api.connection.request("GET", "/metrics")
        text = api.connection.getresponse().read().decode()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in text.splitlines() if not line.startswith("#")}


def test_metrics_are_the_same_sums(fabric):
    lab = fabric
    want = by_class(lab, "z1")
    found = metrics(lab)
    for name in CLASSES:
        series = f'vxfabric_bytes_total{{zone="z1",class="{name}"}}'
        assert abs(found[series] - want[name]) <= 2000
    assert found['vxfabric_tenant_bytes_total'
                 '{tenant="acme",class="cross"}'] > 0
    assert found["vxfabric_counts_total"] > 0
    assert found["vxfabric_bursts_active"] == 0


def test_a_row_that_is_made_anew_is_not_counted_twice(fabric):
    lab, vms = fabric, fabric.vms
    before = by_class(lab, "z1")
    stream(vms["a"], vms["c"], 100)
    mid = expect(lab, before, {"zone": 100})
    h1 = lab.hosts["h1"]
    h1.ofctl("del-flows", "br-fabric", "table=60")
    lab.netctl("audit", "h1", "--repair", check=False)
    # The switch has the row before its cache of flows knows of it.
    wait_until(lambda: vms["a"].ping(vms["c"].ipv4, deadline_s=1), 20,
               "a to reach c again")
    stream(vms["a"], vms["c"], 50)
    expect(lab, mid, {"zone": 50})


def test_a_switch_that_restarts_counts_from_zero_and_nothing_is_lost(fabric):
    lab, vms = fabric, fabric.vms
    before = by_class(lab, "z1")
    stream(vms["a"], vms["c"], 100)
    mid = expect(lab, before, {"zone": 100})
    lab.hosts["h1"].restart_switch()
    with intent.Api(lab.api) as api:
        api.wait_hosts(["h1"], deadline_s=30)
        api.wait_ports([f"{WEB}/ports/a"])
    wait_until(lambda: vms["a"].ping(vms["c"].ipv4, deadline_s=1), 20,
               "a to reach c again")
    stream(vms["a"], vms["c"], 300)
    expect(lab, mid, {"zone": 300})


# --- Budgets that drop.

def told(lab, name):
    """Events of that name that the hook was told of."""
    try:
        with open(lab.path(f"{name}.told"), encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.strip()]
    except FileNotFoundError:
        return []


def flood(src, dst, frames):
    """As fast as it goes; what is lost is lost."""
    data = bytes(SIZE - 14 - 20 - 8)
    sender = netns.open_socket(src.namespace, socket.AF_INET,
                               socket.SOCK_DGRAM)
    with sender:
        for _ in range(frames):
            sender.sendto(data, (dst.ipv4, 9001))


def active(lab):
    return json.loads(lab.netctl("-o", "json", "top", "bursts",
                                 "--active").stdout)["items"]


def test_a_burst_is_told_when_it_begins_and_when_it_is_over(fabric, figures):
    lab, vms = fabric, fabric.vms
    with intent.Api(lab.api) as api:
        api.ask("PATCH", f"{WEB}/ports/a", {"rate_kbps": 1000})
        lab.netctl("port", "set", "acme/web/a", "--wait")
        wait_until(lambda: lab.hosts["h1"].ofctl(
            "dump-meters", "br-tenant").count("kbps"), 10, "the meters of a")

        def begun():
            flood(vms["a"], vms["c"], 500)
            return told(lab, "burst-start")

        begin = wait_until(begun, 20, "the event burst-start")[0]
        assert begin["object"] == "acme/web/a"
        burst = begin["data"]
        assert burst["budget"] == "out_kbps" and burst["rate"] == 1000
        assert burst["host"] == "h1" and burst["zone"] == "z1"
        assert burst["tenant"] == "acme" and burst["network"] == "web"
        assert burst["dropped_packets"] > 0
        assert burst["offered_bps"] > 1000 * 1000
        assert active(lab)[0]["object"] == "acme/web/a"
        assert "acme/web/a" in lab.netctl("top", "bursts").stdout
        assert metrics(lab)["vxfabric_bursts_active"] == 1
        assert metrics(lab)[
            'vxfabric_burst_drops_total{kind="out_kbps"}'] > 0

        end = wait_until(lambda: told(lab, "burst-end"), 20,
                         "the event burst-end")[0]["data"]
        assert end["state"] == "over" and end["id"] == burst["id"]
        assert end["dropped_packets"] >= burst["dropped_packets"]
        assert end["duration_ms"] > 0
        assert not active(lab)
        assert len(told(lab, "burst-start")) == 1
        figures(f"burst: {end['dropped_packets']} of "
                f"{end['offered_packets']} packets dropped in "
                f"{end['duration_ms']} ms")
        api.ask("PATCH", f"{WEB}/ports/a", {"rate_kbps": 0})


# --- Policies, and traffic that is routed.

DB = "/v1/tenants/acme/networks/db"


@pytest.fixture(scope="module")
def routed(fabric):
    """A second network of the tenant: e on h1, f on h3; both are routed."""
    lab = fabric
    with intent.Api(lab.api) as api:
        api.put(DB)
        api.put(f"{DB}/subnets/10.2.0.0%2F24")
        for name, host, k in (("e", "h1", 21), ("f", "h3", 22)):
            api.put(f"{DB}/ports/{name}", mac=mac(k), ips=[f"10.2.0.{k}"],
                    iface_id=name, host=host)
            lab.vms[name] = lab.hosts[host].plug(name, mac(k),
                                                 [f"10.2.0.{k}/24"])
        api.wait_ports([f"{DB}/ports/{name}" for name in "ef"])
    for name, vm in lab.vms.items():
        number = "2" if name in "ef" else "1"
        vm.run("ip", "route", "replace", "default", "via",
               f"10.{number}.0.1")
    wait_until(lambda: lab.vms["a"].ping(lab.vms["f"].ipv4, deadline_s=1)
               and lab.vms["a"].ping(lab.vms["e"].ipv4, deadline_s=1), 20,
               "a to reach e and f")
    return lab


def of_network(lab, network, zone):
    """Bytes by class of what hosts of the zone sent into a network."""
    items = top(lab, "--tenant", "acme", "--network", network, "--zone",
                zone)["items"]
    return {name: sum(item[f"{name}_bytes"] for item in items)
            for name in CLASSES}


def test_what_is_routed_counts_where_it_goes(routed):
    lab, vms = routed, routed.vms
    before = of_network(lab, "db", "z1")
    stream(vms["a"], vms["e"], 200)
    stream(vms["a"], vms["f"], 100)
    now = {}

    def counted():
        now.update({name: value - before[name] for name, value
                    in of_network(lab, "db", "z1").items()})
        return (now["local"] >= SIZE * 200 * 0.99
                and now["cross"] >= SIZE * 100 * 0.99)

    wait_until(counted, 10, lambda: f"200 and 100 frames, counted {now}")
    assert now["local"] < SIZE * 210 and now["cross"] < SIZE * 110
    assert now["zone"] < SIZE * 5


def test_a_policy_tells_what_it_has_matched_on_all_hosts(routed):
    lab, vms = routed, routed.vms
    where = "/v1/tenants/acme/policies/mark"
    with intent.Api(lab.api) as api:
        api.ask("PUT", where + "?wait=10", {
            "priority": 100, "match": {"dst": "10.2.0.0/24", "proto": "udp"},
            "action": {"type": "dscp", "dscp": 10}})
        assert api.get(where)["counters"] == {"packets": 0, "bytes": 0}
        stream(vms["a"], vms["f"], 150)
        stream(vms["c"], vms["e"], 50)
        wait_until(lambda: top(lab)
                   and api.get(where)["counters"]["packets"] >= 200, 10,
                   lambda: f"200 packets, {api.get(where)}")
        counters = api.get(where)["counters"]
        assert counters == {"packets": 200, "bytes": 200 * SIZE}
        # A policy that changes goes on counting, and is not counted twice.
        api.ask("PATCH", where + "?wait=10", {
            "action": {"type": "dscp", "dscp": 12}})
        stream(vms["a"], vms["f"], 30)
        wait_until(lambda: top(lab)
                   and api.get(where)["counters"]["packets"] >= 230, 10,
                   lambda: f"230 packets, {api.get(where)}")
        assert api.get(where)["counters"]["packets"] == 230
    assert "230" in lab.netctl("policy", "list", "acme").stdout


def test_what_goes_by_borders_counts_once_where_it_comes_from(fabric):
    lab, vms = fabric, fabric.vms
    with intent.Api(lab.api) as api:
        api.put(f"{WEB}/ports/g", mac=mac(17), ips=["10.1.0.17"],
                iface_id="g", host="h2")
        vms["g"] = lab.hosts["h2"].plug("g", mac(17), ["10.1.0.17/24"])
        for zone, host in (("z1", "h2"), ("z2", "h3")):
            api.ask("PATCH", f"/v1/zones/{zone}?wait=10",
                    {"path": "border", "border_hosts": [host]})
        api.wait_ports([f"{WEB}/ports/{name}" for name in "acdg"])
        wait_until(lambda: vms["a"].ping(vms["d"].ipv4, deadline_s=1)
                   and vms["c"].ping(vms["g"].ipv4, deadline_s=1), 20,
                   "a to reach d by the borders")
        before = by_class(lab, "z1")
        stream(vms["a"], vms["d"], 200)         # h1 -> h2 -> h3
        stream(vms["d"], vms["c"], 300)         # h3 -> h2, to itself
        stream(vms["c"], vms["g"], 100)
        expect(lab, before, {"local": 100, "zone": 0, "cross": 200},
               tolerance=0.05)
        for zone in ("z1", "z2"):
            api.ask("PATCH", f"/v1/zones/{zone}?wait=10",
                    {"path": "direct", "border_hosts": []})
