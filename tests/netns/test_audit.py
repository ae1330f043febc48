# SPDX-License-Identifier: Apache-2.0
"""Somebody changes what hosts hold for the fabric, by hand: all of it is
found, told in words of intent and put right, and nothing else is touched."""
import json
import random
import re
import threading
import time

import intent
import pytest
from netns import wait_until

NETWORKS = 4
PORTS = 12                      # per network, half of them on each host
SEED = 4711


def mac_of(network, number):
    return f"02:00:00:00:{network:02x}:{number:02x}"


def ip_of(network, number):
    return f"10.{network}.0.{10 + number}"


def web(network):
    return f"/v1/tenants/acme/networks/n{network}"


@pytest.fixture(scope="module")
def fabric(make_lab):
    """Two hosts, four networks; in each a machine on either host, and ports
    whose machines are not there."""
    lab = make_lab(2)
    lab.start_controller("--set", "probe_ms=1000", "--set",
                         "audit_interval=0")
    intent.join_all(lab)
    with intent.Api(lab.api) as api:
        api.put("/v1/tenants/acme")
        for k in range(NETWORKS):
            api.put(web(k))
            api.put(f"{web(k)}/subnets/10.{k}.0.0%2F24")
            for i in range(1, PORTS + 1):
                api.put(f"{web(k)}/ports/p{i}", mac=mac_of(k, i),
                        ips=[ip_of(k, i)], iface_id=f"n{k}p{i}",
                        host="h1" if i % 2 else "h2")
        hosts = list(lab.hosts.values())
        lab.machines = {
            (k, i): hosts[i - 1].plug(f"n{k}p{i}", mac_of(k, i),
                                      [f"{ip_of(k, i)}/24"])
            for k in range(NETWORKS) for i in (1, 2)}
        api.wait_ports([f"{web(k)}/ports/p{i}" for k, i in lab.machines])
    return lab


def audit(lab, *argv):
    """netctl audit: (exit status, the report)."""
    done = lab.netctl("audit", "-o", "json", *argv, check=False)
    assert done.returncode in (0, 4), done
    return done.returncode, json.loads(done.stdout)


def rows(host, bridge):
    """All a bridge holds, as text without counters."""
    flows = {re.sub(r" (duration|n_packets|n_bytes|idle_age|hard_age)="
                    r"[^ ]*,?", "", f)
             for f in host.flows(bridge) if "table=253" not in f}
    groups = {",".join(sorted(line.strip().split(",bucket=")))
              for line in host.ofctl("dump-groups", bridge).splitlines()
              if "group_id" in line}
    meters = {line.strip() for line in host.ofctl(
        "dump-meters", bridge).splitlines() if "meter=" in line}
    return flows | groups | meters


def everything(lab):
    return {(h.name, b): rows(h, b) for h in lab.hosts.values()
            for b in ("br-tenant", "br-fabric")}


def pairs(lab, networks):
    return [(lab.machines[k, a], ip_of(k, b)) for k in networks
            for a, b in ((1, 2), (2, 1))]


def test_what_was_left_alone_is_found_to_be_right(fabric, figures):
    status, report = audit(fabric)
    assert status == 0 and not report["items"], report
    assert all(h["result"] == "ok" for h in report["hosts"])
    total = sum(h["rows"] for h in report["hosts"])
    assert total > 200
    figures(f"audit of two hosts, {total} rows: "
            f"{[h['took_ms'] for h in report['hosts']]} ms")


class Tamperer:
    """Changes rows of network 0 and the base, never those that networks 1 to
    3 live by; knows what it did."""

    def __init__(self, lab, seed):
        self.lab = lab
        self.random = random.Random(seed)
        self.done = 0
        with intent.Api(lab.api) as api:
            self.vni = api.get(web(0))["vni"]

    def mine(self, host, bridge):
        """Flows of network 0, by match."""
        return sorted(f for f in host.flows(bridge)
                      if f"reg0={self.vni:#x}," in f
                      or f"{mac_of(0, 1)}" in f or f"{mac_of(0, 2)}" in f)

    @staticmethod
    def match_of(flow):
        table = re.search(r"table=(\d+)", flow)
        rest = re.search(r"(priority=\S+) actions=", flow).group(1)
        return f"table={table.group(1) if table else 0},{rest}"

    def delete_flows(self, host, bridge, count):
        for flow in self.random.sample(self.mine(host, bridge), count):
            host.ofctl("--strict", "del-flows", bridge, self.match_of(flow))
            self.done += 1

    def change_actions(self, host, bridge):
        flow = self.random.choice(self.mine(host, bridge))
        cookie = re.search(r"cookie=(0x[0-9a-f]+)", flow).group(1)
        host.ofctl("add-flow", bridge, f"cookie={cookie},"
                   f"{self.match_of(flow)} actions=note:01.02")
        self.done += 1

    def change_cookie(self, host, bridge):
        flow = self.random.choice(self.mine(host, bridge))
        actions = flow.split("actions=")[1]
        host.ofctl("add-flow", bridge, f"cookie=0x1234,"
                   f"{self.match_of(flow)} actions={actions}")
        self.done += 1

    def change_priority(self, host, bridge):
        flow = self.random.choice(self.mine(host, bridge))
        match = self.match_of(flow)
        host.ofctl("--strict", "del-flows", bridge, match)
        actions = flow.split("actions=")[1]
        match = re.sub(r"priority=\d+", "priority=77", match)
        host.ofctl("add-flow", bridge, f"{match} actions={actions}")
        self.done += 2

    def add_foreign(self, host, bridge):
        host.ofctl("add-flow", bridge,
                   f"table=77,priority=5,reg0={self.vni},tcp,tp_dst=22 "
                   "actions=drop")
        host.ofctl("add-flow", bridge, "table=253,priority=3,ip "
                   "actions=drop")
        host.ofctl("add-group", bridge,
                   "group_id=4000000,type=select,bucket=actions=drop")
        host.ofctl("add-meter", bridge,
                   "meter=9,pktps,bands=type=drop,rate=5")
        self.done += 4

    def change_buckets(self, host, bridge):
        out = host.ofctl("dump-groups", bridge, str(self.vni))
        bucket = self.random.choice(re.findall(r"bucket_id:(\d+)", out))
        host.ofctl("remove-buckets", bridge,
                   f"group_id={self.vni},command_bucket_id={bucket}")
        host.ofctl("insert-buckets", bridge,
                   f"group_id={self.vni},command_bucket_id=last,"
                   "bucket=bucket_id:700,actions=drop")
        self.done += 2

    def delete_group(self, host, bridge):
        """Its flows go with it."""
        host.ofctl("del-groups", bridge, f"group_id={self.vni}")
        self.done += 2

    def delete_meter(self, host):
        host.ofctl("del-meter", "br-tenant", "meter=controller")
        self.done += 1

    def everything(self):
        h1, h2 = self.lab.hosts.values()
        for host in (h1, h2):
            for bridge in ("br-tenant", "br-fabric"):
                self.change_actions(host, bridge)
                self.change_cookie(host, bridge)
                self.change_priority(host, bridge)
                self.add_foreign(host, bridge)
                self.delete_flows(host, bridge, 3)
        self.change_buckets(h1, "br-fabric")
        self.change_buckets(h2, "br-tenant")
        self.delete_group(h1, "br-tenant")
        self.delete_meter(h2)


def count_losses(lab, networks, seconds):
    """Pings of machines that have nothing to do with it, 100 a second."""
    result = {}

    def run():
        result["done"] = lab.ping_count(pairs(lab, networks),
                                        int(seconds * 100), interval_s=0.01)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, result


def test_changes_by_hand_are_found_explained_and_repaired(fabric, figures):
    before = everything(fabric)
    thread, loss = count_losses(fabric, range(1, NETWORKS), 8)
    tamperer = Tamperer(fabric, SEED)
    tamperer.everything()
    after = everything(fabric)
    status, report = audit(fabric)
    assert status == 4
    assert everything(fabric) == after, "an audit only looks"
    found = report["items"]
    kinds = {(f["kind"], f["what"]) for f in found}
    assert {("flow", "missing"), ("flow", "altered"), ("flow", "foreign"),
            ("group", "missing"), ("group", "foreign"),
            ("bucket", "missing"), ("bucket", "foreign"),
            ("meter", "missing"), ("meter", "foreign")} <= kinds, kinds
    # Each difference of the dumps is in the report, and no other.
    for key in before:
        gone, new = before[key] - after[key], after[key] - before[key]
        mine = [f for f in found if (f["host"], f["bridge"]) == key]
        flows = [f for f in mine if f["kind"] == "flow"]
        wanted = len([r for r in gone if "actions=" in r
                      and "group_id" not in r])
        there = len([r for r in new if "actions=" in r
                     and "group_id" not in r])
        assert sum(f["what"] != "foreign" for f in flows) == wanted, (
            key, gone, flows)
        # The row in table 253 is not in the dumps.
        assert sum(f["what"] != "missing" for f in flows) == there + 1, (
            key, new, flows)
    words = {f["object"] for f in found}
    assert any(w.startswith("port acme/n0/p") for w in words), words
    assert any(w.startswith("network acme/n0") for w in words), words
    assert not any("acme/n1" in w or "acme/n2" in w for w in words), words
    assert all(f["row"] and f["since"] and f["state"] == "open"
               for f in found)
    assert any("tp_dst=22" in f["row"] for f in found)
    # Found again, it is as old as before.
    since = {f["id"]: f["since"] for f in found}
    status, report = audit(fabric, "--repair")
    again = report["items"]
    assert status == 0, report
    assert {f["id"]: f["since"] for f in again} == since
    assert all(f["state"] == "repaired" and f["over"] for f in again)
    assert everything(fabric) == before
    status, report = audit(fabric)
    assert status == 0 and not report["items"], report
    thread.join()
    done = loss["done"]
    sent = len(pairs(fabric, range(1, NETWORKS))) * 800
    assert sum(done.received.values()) == sent, done
    reached = fabric.ping_many(pairs(fabric, range(NETWORKS)), deadline_s=5)
    assert not reached.silent(), reached
    figures(f"{tamperer.done} things changed by hand, {len(found)} rows "
            f"found, explained and repaired; {sent} of {sent} echo requests "
            "of other networks answered meanwhile")


def wait_epochs(lab):
    """Until all bridges say that they are as they ought to be."""
    wait_until(lambda: all("table=253" in " ".join(
        h.flows(b, "table=253")) for h in lab.hosts.values()
        for b in ("br-tenant", "br-fabric")), 20, "epoch rows")


def metric(lab, name, *labels):
    body = lab.http("GET", "/metrics")[1]
    text = body if isinstance(body, str) else body.decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith(name) and all(w in line for w in labels))


def test_changed_rows_of_ovsdb_are_put_right_and_told(fabric):
    """ovs-vswitchd flushes the flows when fail_mode changes."""
    h1 = fabric.hosts["h1"]
    before = everything(fabric)
    h1.vsctl("--no-wait", "set-fail-mode", "br-tenant", "standalone",
             "--", "set", "Interface", "vx0", "options:key=5")
    wait_until(lambda: h1.vsctl("--no-wait", "get-fail-mode",
                                "br-tenant").strip() == "secure", 10,
               "fail_mode to be put right")
    wait_until(lambda: everything(fabric) == before, 10, "the rows", 0.2)
    _, report = audit(fabric, "h1", "--known", "--all")
    told = [f["row"] for f in report["items"] if f["kind"] == "ovsdb"]
    assert any("br-tenant" in t and "standalone" in t for t in told), told
    assert any("vx0" in t and "key=5" in t for t in told), told
    assert not [f for f in report["items"] if f["state"] == "open"]
    with intent.Api(fabric.api) as api:
        api.wait_hosts(["h1", "h2"])


def test_a_port_whose_host_lacks_its_rows_is_degraded_and_says_so(fabric):
    h1 = fabric.hosts["h1"]
    where = f"{web(2)}/ports/p1"
    flow = next(f for f in h1.flows("br-tenant") if mac_of(2, 1) in f)
    with intent.Api(fabric.api) as api:
        api.wait_ports([where])
        h1.ofctl("--strict", "del-flows", "br-tenant",
                 Tamperer.match_of(flow))
        assert audit(fabric, "h1")[0] == 4
        api.wait_ports([where], "degraded", 5)
        told = api.get(where)["reason"]
        assert "1 row is missing or altered on host \"h1\"" in told, told
        assert api.get(f"{web(1)}/ports/p1")["status"] == "active"
        assert audit(fabric, "h1", "--repair")[0] == 0
        api.wait_ports([where], "active", 5)


def test_an_epoch_row_that_somebody_deletes_is_written_again(fabric):
    wait_epochs(fabric)
    fabric.hosts["h1"].ofctl("del-flows", "br-fabric", "table=253")
    status, report = audit(fabric, "h1")
    assert status == 4
    said = [(f["bridge"], f["object"], f["what"], f["row"], f["found"])
            for f in report["items"]]
    assert [f[:3] for f in said] == [
        ("br-fabric", "base (epoch)", "missing")], said
    assert audit(fabric, "h1", "--repair")[0] == 0
    wait_epochs(fabric)
    status, report = audit(fabric, "h1")
    assert status == 0, report


def test_a_strange_port_on_br_fabric_is_told_and_goes_when_asked(fabric):
    h1 = fabric.hosts["h1"]
    h1.vsctl("--no-wait", "add-port", "br-fabric", "odd", "--", "set",
             "Interface", "odd", "type=internal")

    def told():
        return [f for f in audit(fabric, "h1")[1]["items"]
                if f["kind"] == "ovsdb"]

    wait_until(told, 5, "the port to be told", 0.1)
    found = told()[0]
    assert '"odd"' in found["row"] and found["what"] == "foreign", found
    status, _ = audit(fabric, "h1", "--repair")
    assert status == 0
    assert "odd" not in h1.vsctl("--no-wait", "list-ports", "br-fabric")


def restart(lab, *options):
    if lab.controller:
        lab.stop_controller()
    lab.start_controller("--set", "probe_ms=1000", *options)
    with intent.Api(lab.api) as api:
        api.wait_hosts(lab.hosts)


def test_untouched_switches_get_no_dump_and_no_message(fabric, figures):
    wait_epochs(fabric)
    restart(fabric, "--set", "audit_interval=0")
    assert metric(fabric, "vxfabric_host_epochs_total") == 4
    assert metric(fabric, "vxfabric_host_resyncs_total") == 0
    assert metric(fabric, "vxfabric_host_modifications_total") == 0
    figures("controller restarted: 4 bridges believed, 0 dumped, 0 flow "
            "modifications")


def test_what_an_epoch_hides_is_found_and_repaired_soon(fabric, figures):
    """Changed while the controller was away: the epoch still stands."""
    wait_epochs(fabric)
    before = everything(fabric)
    tamperer = Tamperer(fabric, SEED + 1)
    fabric.stop_controller()
    for host in fabric.hosts.values():
        tamperer.delete_flows(host, "br-fabric", 4)
    assert everything(fabric) != before
    started = time.monotonic()
    restart(fabric)
    wait_until(lambda: everything(fabric) == before, 15,
               "the repair of a continuous audit", 0.2)
    took = time.monotonic() - started
    assert metric(fabric, "vxfabric_drift_found_total", "flow") == \
        tamperer.done
    assert metric(fabric, "vxfabric_drift_repaired_total") == tamperer.done
    assert metric(fabric, "vxfabric_events_total", '"drift"') >= 1
    figures(f"{tamperer.done} flows deleted behind the epoch: repaired "
            f"{took:.1f} s after the start of the controller")


def test_a_bridge_that_lost_its_epoch_with_its_rows_is_dumped(fabric):
    wait_epochs(fabric)
    before = everything(fabric)
    fabric.stop_controller()
    fabric.hosts["h1"].ofctl("del-flows", "br-fabric")
    restart(fabric, "--set", "audit_interval=0")
    assert everything(fabric) == before
    assert metric(fabric, "vxfabric_host_resyncs_total", '"h1"') == 1
    assert metric(fabric, "vxfabric_host_epochs_total") == 3
