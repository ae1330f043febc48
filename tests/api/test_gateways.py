# SPDX-License-Identifier: Apache-2.0
"""Feeds and reports of gateways, with a gateway that is none and without
hosts: what needs a host's confirmation waits for ever here."""
import json
import os
import signal
import time

import pytest

import intent
from conftest import Controller
from fake_gateway import FakeGateway, UnixConnection
from netns import wait_until


class Fabric(Controller):
    """A controller with two gateways, and tenants to serve."""

    def call(self, method, path, body=None, want=None):
        """JSON of the answer."""
        with intent.Api(self.api, timeout=20) as api:
            status, reply = api.call(method, path, body)
        assert (status == want if want else status < 300), (path, reply)
        return reply

    def put(self, path, **body):
        """PUT that has to be taken."""
        return self.call("PUT", path, body)

    def build(self):
        """Two gateways; tenant acme with a peering at each."""
        self.put("/v1/zones/z1")
        for i in (1, 2):
            self.put(f"/v1/hosts/gw{i}", zone="z1", vtep=f"10.9.0.{i}")
            self.put(f"/v1/gateways/g{i}", host=f"gw{i}")
        self.put("/v1/tenants/acme")
        self.put("/v1/tenants/acme/networks/web")
        self.put("/v1/tenants/acme/networks/web/subnets/10.0.0.0%2F24",
                 announce=True)
        for i in (1, 2):
            self.put(f"/v1/tenants/acme/peerings/ce{i}", gateway=f"g{i}",
                     peer=f"172.16.{i}.2", peer_as=65100,
                     local=[f"172.16.{i}.1/30"], device="ce0",
                     families=["ipv4"], password="secret")
        return self

    def kill(self):
        """As a crash would."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def gateway(self, name, **options):
        """A fake one that has read all it is told."""
        return FakeGateway(self.unix_path, name,
                           **options).open().wait_sync(30)

    def route(self, prefix, tenant="acme"):
        """Next hops and origin of a route, None if it is not there."""
        where = f"/v1/tenants/{tenant}/routes/" + prefix.replace("/", "%2F")
        with intent.Api(self.api, timeout=20) as api:
            status, reply = api.call("GET", where)
        return None if status == 404 else (reply.get("origin"),
                                           reply["via"])

    def until(self, condition, deadline_s=5):
        """Waits for something to become true."""
        wait_until(condition, deadline_s, self.log)

    def leg(self, gateway, tenant="acme"):
        """Addresses of a gateway's leg."""
        return self.call("GET", f"/v1/tenants/{tenant}/networks/_router"
                         f"/ports/{gateway}")["ips"]

    def bgp(self, query=""):
        """GET /v1/bgp, by gateway."""
        return {item["gateway"]: item for item
                in self.call("GET", f"/v1/bgp{query}")["items"]}


@pytest.fixture
def fabric():
    """A running controller with gateways."""
    one = Fabric()
    try:
        one.start()
        yield one.build()
    finally:
        one.close()


def test_a_gateway_is_told_itself_its_sessions_and_its_tenants(fabric):
    one = fabric.gateway("g1")
    try:
        assert one.has("gateway", "g1")["vtep"] == "10.9.0.1"
        assert one.has("gateway", "g1")["fellows"] == ["10.9.0.2"]
        fabric.put("/v1/gateways/g2", host="gw2", router_id="192.0.2.2")
        fabric.until(lambda: one.has("gateway", "g1")["fellows"]
                     == ["192.0.2.2"], 10)
        assert one.has("gateway", "g2") is None
        tenant = one.wait("tenant", "acme")
        vni = tenant["vni"]
        assert tenant["vrf"] == f"vx{vni}"
        assert tenant["import"] == tenant["export"] == [f"64512:{vni}"]
        assert sorted(tenant["subnets"]) == [
            "10.0.0.0/24", "169.254.64.0/18", "fd76:7866:6162::/64"]
        assert tenant["leg"]["iface_id"] == "vxg:acme:g1"
        assert tenant["leg"]["gateways"] == ["169.254.64.1",
                                             "fd76:7866:6162::1"]
        ips = [ip.split("/")[0] for ip in tenant["leg"]["ips"]]
        assert ips == fabric.leg("g1")
        peering = one.has("peering", "acme/ce1")
        assert peering["password"] == "secret"
        assert one.has("peering", "acme/ce2") is None
        item = fabric.bgp()["g1"]
        assert item["announced"][0]["prefix"] == "10.0.0.0/24"
        # There is no host that could connect the leg.
        assert item["announced"][0]["state"] == "withheld"
        assert "leg" in item["announced"][0]["reason"]
    finally:
        one.close()


def test_router_networks_and_legs_follow_who_serves_a_tenant(fabric):
    fabric.until(lambda: fabric.leg("g1") and fabric.leg("g2"), 5)
    assert fabric.leg("g1") != fabric.leg("g2")
    fabric.call("DELETE", "/v1/tenants/acme/peerings/ce1")
    fabric.until(lambda: [port["name"] for port in fabric.call(
        "GET", "/v1/tenants/acme/networks/_router/ports")["items"]]
        == ["g2"], 5)
    fabric.call("DELETE", "/v1/tenants/acme/peerings/ce2")
    fabric.until(lambda: [net["name"] for net in fabric.call(
        "GET", "/v1/tenants/acme/networks")["items"]] == ["web"], 5)


def test_a_leg_carries_what_the_tenants_networks_send(fabric):
    one = fabric.gateway("g1")
    try:
        assert one.wait("tenant", "acme")["mtu"] == 1450
        fabric.put("/v1/tenants/acme/networks/jumbo", mtu=8900)
        fabric.until(lambda: one.has("tenant", "acme")["mtu"] == 8900)
        fabric.call("DELETE", "/v1/tenants/acme/networks/jumbo")
        fabric.until(lambda: one.has("tenant", "acme")["mtu"] == 1450)
    finally:
        one.close()


def test_a_gateway_that_goes_takes_all_that_was_made_for_it(fabric):
    one = fabric.gateway("g1")
    try:
        one.learn({"type": "route", "tenant": "acme",
                   "prefix": "0.0.0.0/0"})
        assert fabric.route("0.0.0.0/0")[0] == "learned"
        fabric.call("POST", "/v1/batch", [
            intent.delete(f"/v1/tenants/acme/peerings/ce{i}")
            for i in (1, 2)] + [intent.delete(f"/v1/gateways/g{i}")
                                for i in (1, 2)])
        assert one.ended.wait(5)
        assert "removed" in one.lines[-1][1]["error"]["message"]
        fabric.until(lambda: [net["name"] for net in fabric.call(
            "GET", "/v1/tenants/acme/networks")["items"]] == ["web"])
        assert fabric.route("0.0.0.0/0") is None
        assert fabric.bgp() == {}
    finally:
        one.close()


def test_a_reader_resumes_where_it_was_and_hears_of_what_is_gone(fabric):
    one = fabric.gateway("g1")
    one.close()
    fabric.put("/v1/tenants/acme/peerings/ce3", gateway="g1",
               peer="172.16.3.2", peer_as=65100, local=["172.16.3.1/30"],
               device="ce3", families=["ipv4"])
    fabric.call("DELETE", "/v1/tenants/acme/peerings/ce1")
    mark = len(one.lines)
    one.open().wait_sync()
    try:
        assert not one.lines[mark][1]["hello"]["full"]
        assert one.keys("peering") == ["acme/ce3"]
        told = [line["key"] for _, line in one.lines[mark:]
                if line.get("type") == "peering"]
        assert sorted(told) == ["acme/ce1", "acme/ce3"]
        mark = len(one.lines)
        fabric.until(lambda: len(one.lines) > mark)
        assert one.lines[mark][1] == {"sync": one.seq}
    finally:
        one.close()
    other = FakeGateway(fabric.unix_path, "g1")
    other.epoch, other.seq = "0123", 7
    other.open().wait_sync()
    try:
        assert other.lines[0][1]["hello"]["full"]
        assert other.keys("peering") == ["acme/ce3"]
    finally:
        other.close()


def test_learned_routes_go_by_the_legs_of_all_who_know_them(fabric):
    one, two = fabric.gateway("g1"), fabric.gateway("g2")
    route = {"type": "route", "tenant": "acme", "prefix": "0.0.0.0/0"}
    try:
        status, reply = one.learn(dict(route, peering="acme/ce1"))
        assert status == 200 and reply["revision"]
        assert fabric.route("0.0.0.0/0") == ("learned",
                                             [fabric.leg("g1")[0]])
        two.learn(route)
        both = sorted([fabric.leg("g1")[0], fabric.leg("g2")[0]])
        assert fabric.route("0.0.0.0/0") == ("learned", both)
        one.report(gone=[route])
        assert fabric.route("0.0.0.0/0")[1] == [fabric.leg("g2")[0]]
        two.learn()
        assert fabric.route("0.0.0.0/0") is None
    finally:
        one.close()
        two.close()


def test_a_report_is_taken_up_to_the_prefix_limit(fabric):
    one = fabric.gateway("g1")
    ce = {"gateway": "g1", "peer": "172.16.1.2", "peer_as": 65100,
          "device": "ce1", "local": ["172.16.1.1/30"], "families": ["ipv4"]}
    where = "/v1/tenants/acme/peerings/ce1"
    routes = [{"type": "route", "tenant": "acme", "peering": "acme/ce1",
               "prefix": f"192.0.{i}.0/24"} for i in range(5)]

    def taken():
        return [i["prefix"] for i in fabric.bgp()["g1"]["learned"]
                if i["used"]]

    def refused():
        return [i for i in fabric.bgp()["g1"]["learned"] if not i["used"]]
    before = fabric.call("GET", where)
    fabric.put(where, **dict(ce, prefix_limit=3))
    try:
        one.learn(*routes)
        assert taken() == [r["prefix"] for r in routes[:3]]
        assert len(refused()) == 2
        assert "more than 3 prefixes" in refused()[0]["reason"], refused()
        assert fabric.route("192.0.4.0/24") is None
        # Room for one, and then for all.
        one.report(gone=routes[:1])
        assert len(taken()) == 3 and len(refused()) == 1
        fabric.put(where, **dict(ce, prefix_limit=10))
        fabric.until(lambda: fabric.route("192.0.4.0/24"), 5)
        assert len(taken()) == 4
        # All others in one report, which is less than both together.
        fabric.put(where, **dict(ce, prefix_limit=4))
        one.learn(*[dict(r, prefix=r["prefix"].replace("192.0", "198.51"))
                    for r in routes[:4]])
        fabric.until(lambda: len(taken()) == 4 and not refused()
                     and all(p.startswith("198.51") for p in taken()), 5)
    finally:
        one.learn()
        one.close()
        fabric.put(where, **{k: before[k] for k in (*ce, "prefix_limit")})


def test_a_report_names_only_peerings_of_its_gateway(fabric):
    one = fabric.gateway("g1")
    routes = [{"type": "route", "tenant": "acme", "peering": name,
               "prefix": f"192.0.{i}.0/24"}
              for i, name in enumerate(("acme/ce2", "acme/nobody", "up1"))]
    try:
        one.learn(*routes)
        items = fabric.bgp()["g1"]["learned"]
        assert len(items) == 3 and not any(i["used"] for i in items), items
        for item, route in zip(items, routes):
            assert f"no peering \"{route['peering']}\"" in item["reason"]
            assert fabric.route(route["prefix"]) is None
    finally:
        one.learn()
        one.close()


def test_an_operators_route_wins_and_the_learned_one_comes_back(fabric):
    one = fabric.gateway("g1")
    route = {"type": "route", "tenant": "acme", "prefix": "192.0.2.0/24"}
    try:
        one.learn(route)
        assert fabric.route("192.0.2.0/24")[0] == "learned"
        where = "/v1/tenants/acme/routes/192.0.2.0%2F24"
        fabric.put(where, via=["10.0.0.7"])
        assert fabric.route("192.0.2.0/24") == (None, ["10.0.0.7"])
        one.learn(route)
        assert fabric.route("192.0.2.0/24") == (None, ["10.0.0.7"])
        item = fabric.bgp()["g1"]["learned"][0]
        assert not item["used"] and "operator" in item["reason"]
        fabric.call("DELETE", where)
        fabric.until(lambda: fabric.route("192.0.2.0/24") == (
            "learned", [fabric.leg("g1")[0]]), 5)
    finally:
        one.close()


def test_learned_routes_outlive_the_controller(fabric):
    one, two = fabric.gateway("g1"), fabric.gateway("g2")
    routes = [{"type": "route", "tenant": "acme",
               "prefix": f"192.0.{i}.0/24"} for i in range(4)]
    try:
        one.learn(*routes)
        two.learn(*routes)
        before = fabric.route("192.0.0.0/24")
        assert len(before[1]) == 2
        fabric.kill()
        one.close()
        two.close()
        fabric.start()
        assert fabric.route("192.0.0.0/24") == before
        # One has said what it knows, the other not yet.
        one.open().wait_sync(30)
        assert one.lines[-1][1].get("sync") is not None
        one.learn(*routes[:2])
        assert fabric.route("192.0.0.0/24") == before
        leg = [fabric.leg("g2")[0]]
        fabric.until(lambda: fabric.route("192.0.3.0/24")[1] == leg, 5)
        two.open().wait_sync(30)
        two.learn(*routes[:2])
        fabric.until(lambda: fabric.route("192.0.3.0/24") is None, 5)
        assert fabric.route("192.0.0.0/24") == before
    finally:
        one.close()
        two.close()


def test_remote_endpoints_become_ports_of_another_fabrics_host(fabric):
    vni = fabric.call("GET", "/v1/tenants/acme/networks/web")["vni"]
    one = fabric.gateway("g1")
    try:
        status, _ = one.learn(
            {"type": "vtep", "vni": vni, "vtep": "192.0.2.9"},
            {"type": "endpoint", "vni": vni, "mac": "02:00:00:00:09:01",
             "ips": ["10.0.0.99", "198.51.100.1"], "vtep": "192.0.2.9",
             "seq": 3},
            {"type": "vtep", "vni": vni, "vtep": "10.9.0.2"},
            {"type": "route5", "tenant": "acme", "prefix": "198.18.0.0/15",
             "vtep": "192.0.2.9", "mac": "02:00:00:00:09:ff"})
        assert status == 200
        port = fabric.call("GET", "/v1/tenants/acme/networks/web/ports/"
                           "evpn-020000000901")
        assert port["origin"] == "learned"
        assert port["host"] == "vtep-192.0.2.9"
        assert port["ips"] == ["10.0.0.99"] and port["mobility"] == 3
        shown = fabric.bgp("?tenant=acme")["g1"]["learned"]
        assert {item["type"] for item in shown} == {"endpoint", "vtep",
                                                    "route5"}
        assert {item["tenant"] for item in shown} == {"acme"}
        one.learn({"type": "route", "tenant": "zeta", "vni": 7,
                   "prefix": "198.51.100.0/24"}, full=False)
        fabric.put("/v1/tenants/abc")
        assert fabric.bgp("?tenant=abc")["g1"]["learned"] == []
        router = fabric.call("GET", "/v1/tenants/acme/networks/_router/"
                             "ports/vtep-192.0.2.9")
        assert router["mac"] == "02:00:00:00:09:ff"
        assert fabric.route("198.18.0.0/15") == ("learned",
                                                 [router["ips"][0]])
        one.learn()
        names = [host["name"] for host
                 in fabric.call("GET", "/v1/hosts")["items"]]
        assert names == ["gw1", "gw2"]
        assert fabric.route("198.18.0.0/15") is None
    finally:
        one.close()


def test_rules_of_peers_become_policies_of_the_tenant_concerned(fabric):
    rule = {"match": {"dst": "10.0.0.128/25", "proto": "udp",
                      "dport": "53"}, "action": {"type": "drop"}}
    other = {"match": {"dst": "10.1.0.0/24"}, "action": {"type": "drop"}}
    wide = {"match": {"dst": "10.0.0.0/24"}, "action": {"type": "drop"}}
    one = fabric.gateway("g1")
    try:
        one.learn(*[{"type": "flowspec", "tenant": "acme", "rule": what}
                    for what in (wide, rule, other)])
        policies = fabric.call("GET", "/v1/tenants/acme/policies")["items"]
        assert [policy["origin"] for policy in policies] == ["learned"] * 2
        by_match = {policy["match"]["dst"]: policy for policy in policies}
        assert (by_match["10.0.0.128/25"]["priority"]
                > by_match["10.0.0.0/24"]["priority"] >= 20000)
        refused = [item for item in fabric.bgp()["g1"]["learned"]
                   if not item["used"]]
        assert len(refused) == 1
        assert "does not announce" in refused[0]["reason"]
        one.report(gone=[{"type": "flowspec", "tenant": "acme",
                          "rule": wide}])
        policies = fabric.call("GET", "/v1/tenants/acme/policies")["items"]
        assert len(policies) == 1
    finally:
        one.close()


def rule_for(dst, tenant="acme"):
    """A rule of an upstream."""
    return {"type": "flowspec", "tenant": tenant,
            "rule": {"match": {"dst": dst}, "action": {"type": "drop"}}}


def test_flowspec_of_a_gateway_that_is_silent_goes_and_comes_back_in_full():
    fabric = Fabric("--set", "flowspec_away_s=3")
    route = {"type": "route", "tenant": "acme", "prefix": "0.0.0.0/0"}

    def policies():
        return fabric.call("GET", "/v1/tenants/acme/policies")["items"]

    try:
        fabric.start()
        one = fabric.build().gateway("g1", acks=False)
        assert one.learn(rule_for("10.0.0.0/24"), route)[0] == 200
        assert len(policies()) == 1
        fabric.until(lambda: not policies(), 10)
        assert fabric.route("0.0.0.0/0")[0] == "learned"
        status, reply = one.report()
        assert status == 410 and "in full" in str(reply), reply
        assert not policies()
        assert one.learn(rule_for("10.0.0.0/24"), route)[0] == 200
        assert len(policies()) == 1
        one.close()
    finally:
        fabric.close()


def test_flowspec_for_what_another_tenant_has_is_refused_with_a_reason(
        fabric):
    one = fabric.gateway("g1")
    try:
        fabric.put("/v1/tenants/beta")
        fabric.put("/v1/tenants/beta/networks/web")
        fabric.put("/v1/tenants/beta/networks/web/subnets/10.7.0.0%2F24",
                   announce=True)
        one.learn(rule_for("10.7.0.0/24"), rule_for("10.0.0.0/16"))
        items = fabric.bgp()["g1"]["learned"]
        assert len(items) == 2
        for item in items:
            assert not item["used"]
            assert "does not announce its destination" in item["reason"]
        assert not fabric.call("GET", "/v1/tenants/acme/policies")["items"]
    finally:
        one.close()


def test_what_a_gateway_does_not_use_is_shown_with_its_reason(fabric):
    one = fabric.gateway("g1", acks=False)
    try:
        what = {"type": "route5", "path": "[5] 1:1 192.0.2.0/24",
                "why": "a \"router MAC\""}
        status, reply = one.report(unused=[what, {"type": "none"}, 7])
        assert (status, reply["left_out"]) == (200, 2)
        one.report()
        item = fabric.bgp()["g1"]
        assert item["counts"]["unused"] == 1
        shown, = item["learned"]
        assert shown["type"] == "route5" and not shown["used"]
        assert (shown["prefix"], shown["reason"]) == (what["path"],
                                                      what["why"])
        assert shown["tenant"] == ""
        assert not fabric.bgp("?tenant=acme")["g1"]["learned"]
        # Whose it may be: he sees it.
        fabric.put("/v1/tenants/beta")
        for tenants, owner in ((["acme"], "acme"), (["acme", "beta"], ""),
                               (["beta", "ac", "acmex", "a b", 7, ""], "")):
            assert one.report(unused=[{**what, "tenants": tenants}])[0] == 200
            assert fabric.bgp()["g1"]["learned"][0]["tenant"] == owner
            for name in ("acme", "beta"):
                assert [item["tenant"] for item in fabric.bgp(
                    f"?tenant={name}")["g1"]["learned"]] == (
                        [name] if name in tenants else [])
        for tenants in ("acme", 7, {"acme": 1}, ["x" * 300] * 300):
            assert one.report(unused=[{**what, "tenants": tenants}])[0] == 200
            assert fabric.bgp()["g1"]["learned"][0]["tenant"] == ""
        one.report(unused=[])
        assert not fabric.bgp()["g1"]["learned"]
        assert one.report(unused=[what] * 101)[0] == 400
        assert one.report(unused={})[0] == 400
    finally:
        one.close()


def test_sessions_and_failures_are_shown(fabric):
    one = fabric.gateway("g1")
    try:
        one.report(sessions=[
            {"peering": "acme/ce1", "family": "ipv4", "in": 3, "out": 1,
             "state": "established", "since": 1700000000000},
            {"peering": "acme/ce1", "family": "flowspec6", "in": 0,
             "state": "established"},
            {"peering": "up1", "state": "idle", "error": "no \"route\""}],
            failed=[{"type": "prefix", "key": "acme 10.0.0.0/24",
                     "why": "zebra says no"}], counters={"zebra": 1})
        item = fabric.bgp()["g1"]
        session = item["sessions"][0]
        assert session["families"] == {
            "ipv4": {"received": 3, "sent": 1},
            "flowspec6": {"received": 0, "sent": 0}}
        assert item["sessions"][1]["error"] == "no \"route\""
        assert session["peer"] == "172.16.1.2"
        assert item["connected"] and item["counters"] == {"zebra": 1}
        assert item["counts"]["failed"] == 1
        peering = fabric.call("GET", "/v1/tenants/acme/peerings/ce1")
        assert peering["status"] == "established"
        assert "password" not in peering
        assert fabric.call("GET", "/v1/gateways/g2")["status"] == "down"
        # Only words that are known.
        good = {"peering": "up1", "family": "evpn", "state": "idle"}
        status, reply = one.report(sessions=[
            {**good, "state": "<b>up</b>"}, good, {"peering": "up1"},
            {**good, "family": "ipv5"}, {**good, "state": "Established"}])
        assert (status, reply["left_out"]) == (200, 4)
        assert [s["state"] for s in fabric.bgp()["g1"]["sessions"]] == [
            "idle"]
    finally:
        one.close()
    fabric.until(lambda: not fabric.bgp()["g1"]["connected"])
    session, = fabric.bgp()["g1"]["sessions"]
    assert (session["state"], session["error"]) == (
        "unknown", "the gateway is not connected")


def test_what_is_in_force_by_default_is_shown(fabric):
    found = fabric.call("GET", "/v1/gateways/g1")
    assert (found["as"], found["router_id"]) == (None, None)
    assert (found["as_in_force"], found["router_id_in_force"]) == (
        64512, "10.9.0.1")
    fabric.put("/v1/gateways/g1", host="gw1", router_id="192.0.2.1",
               **{"as": 65009})
    found = fabric.call("GET", "/v1/gateways/g1")
    assert (found["as_in_force"], found["router_id_in_force"]) == (
        65009, "192.0.2.1")
    fabric.call("PATCH", "/v1/gateways/g1", {"as": None, "router_id": None})
    found = fabric.call("GET", "/v1/gateways/g1")
    assert (found["as_in_force"], found["router_id_in_force"]) == (
        64512, "10.9.0.1")


def test_filters_of_peerings_are_told_with_each_prefix(fabric):
    def row(prefix="10.0.0.0/24"):
        found, = [a for a in fabric.bgp()["g1"]["announced"]
                  if a["prefix"] == prefix]
        return found

    def peering(name, **more):
        fabric.call("PATCH", f"/v1/tenants/acme/peerings/{name}", more)

    assert row()["withheld"] == [] and row()["families"] == ["ipv4"]
    peering("ce1", export=["10.0.1.0/24", "fd00::/64"])
    reason = "not in the export list of acme/ce1"
    assert row()["withheld"] == [{"peering": "acme/ce1", "reason": reason}]
    assert row()["families"] == []
    # Others keep theirs; a fabric-wide peering has no such list.
    found, = fabric.bgp()["g2"]["announced"]
    assert found["withheld"] == [] and found["families"] == ["ipv4"]
    fabric.put("/v1/peerings/up1", gateway="g1", peer="10.9.0.9",
               peer_as=65002, families=["vpnv4"])
    assert row()["families"] == ["vpnv4"]
    assert len(row()["withheld"]) == 1
    peering("ce1", export=["10.0.0.0/16"])
    assert row()["withheld"] == []
    assert row()["families"] == ["ipv4", "vpnv4"]
    peering("ce1", export=["10.0.0.0/25"])      # longer than the prefix
    assert len(row()["withheld"]) == 1


def test_who_has_no_session_does_not_hear_and_why_is_said(fabric):
    def row():
        found, = [a for a in fabric.bgp()["g1"]["announced"]
                  if a["prefix"] == "10.0.0.0/24"]
        return found["families"], {w["peering"]: w["reason"]
                                   for w in found["withheld"]}

    def report(*sessions):
        one.report(sessions=[
            {"peering": peering, "family": family, "state": state,
             "error": "".join(error)}
            for peering, family, state, *error in sessions])

    fabric.put("/v1/peerings/up1", gateway="g1", peer="10.9.0.9",
               peer_as=65002, families=["vpnv4", "evpn", "flowspec"])
    one = fabric.gateway("g1")
    try:
        # What is not told of is as it may be.
        report()
        assert row() == (["ipv4", "vpnv4", "evpn"], {})
        # In no order: those of a peering are found all the same.
        report(*(("up1", family, "established")
                 for family in ("vpnv4", "evpn", "flowspec4")),
               ("acme/ce1", "", "idle", "bgpd: away"))
        assert row() == (["vpnv4", "evpn"],
                         {"acme/ce1": "no session: bgpd: away"})
        report(("acme/ce1", "ipv4", "established"),
               ("up1", "vpnv4", "established"), ("up1", "evpn", "unknown"))
        assert row() == (["ipv4", "vpnv4"], {
            "up1": "no session: the peer does not have the family"})
        report(("acme/ce1", "", "active"),
               ("up1", "", "idle", "reflector: away"))
        assert row() == ([], {"acme/ce1": "no session: active",
                              "up1": "no session: reflector: away"})
        # Filters come first.
        fabric.put("/v1/peerings/up2", gateway="g1", peer="10.9.0.8",
                   peer_as=65002, families=["vpnv4"])
        fabric.call("PATCH", "/v1/tenants/acme/peerings/ce1",
                    {"export": ["10.0.1.0/24"]})
        report(("acme/ce1", "", "active"), ("up1", "", "idle"),
               ("up2", "vpnv4", "established"))
        assert row() == (["vpnv4"], {
            "acme/ce1": "not in the export list of acme/ce1",
            "up1": "no session: idle"})
    finally:
        one.close()
    # FRR goes on without vxgatewayd; nobody knows how.
    fabric.until(lambda: not fabric.bgp()["g1"]["connected"])
    assert row()[0] == ["vpnv4", "evpn"]


def test_what_does_not_work_is_the_reason_of_the_gateway(fabric):
    one = fabric.gateway("g1", acks=False)

    def state():
        found = fabric.call("GET", "/v1/gateways/g1")
        item = fabric.bgp()["g1"]
        assert (item["state"], item["reason"]) == (found["status"],
                                                   found["reason"])
        return found["status"], found["reason"]

    try:
        one.report(acked=10 ** 9)
        assert state() == ("active", "")
        zebra = "zebra: not connected: \"gone\""
        status, reply = one.report(acked=10 ** 9, troubles=[
            zebra, "bgpd: away", 7, "x" * 300, ""])
        assert (status, reply["left_out"]) == (200, 3)
        assert state() == ("degraded", f"{zebra}; bgpd: away")
        one.report(acked=10 ** 9)           # not told: as before
        assert state()[0] == "degraded"
        one.report(troubles=["bgpd: away"] * 8, acked=1)
        assert state()[0] == "degraded"
        assert "entries are not carried out yet" in state()[1]
        assert [g["name"] for g in fabric.call(
            "GET", "/v1/gateways?status=degraded")["items"]] == ["g1"]
        one.report(troubles=[], acked=10 ** 9)
        assert state() == ("active", "")
        assert one.report(troubles=["x"] * 9)[0] == 400
        assert one.report(troubles="x")[0] == 400
    finally:
        one.close()


def test_reports_that_are_none_are_refused(fabric):
    def post(body, where="g1"):
        connection = UnixConnection(fabric.unix_path, 30)
        connection.request("POST", f"/v1/gateways/{where}/report", body)
        status = connection.getresponse().status
        connection.close()
        return status

    boot = {"boot": "1"}
    assert post(json.dumps(boot)) == 200
    assert post(json.dumps(boot), "none") == 404
    for body in ("", "[]", "{}", "null", '{"boot":1}', "{\"boot\":\"1\"",
                 json.dumps({**boot, "full": "maybe"}),
                 json.dumps({**boot, "learned": {}}),
                 json.dumps({**boot, "failed": [{}] * 1001})):
        assert post(body) == 400, body
    assert post(" " * (1024 * 1024 + 1)) == 413
    one = FakeGateway(fabric.unix_path, "g1")
    bad = [{}, 1, None, "x", {"type": "route"},
           {"type": "route", "tenant": "acme", "prefix": "10.0.0.1/8"},
           {"type": "endpoint", "vni": 0, "mac": "02:00:00:00:00:01",
            "vtep": "192.0.2.1"},
           {"type": "vtep", "vni": 5, "vtep": "239.0.0.1"},
           {"type": "endpoint", "vni": 5, "mac": "ff:ff:ff:ff:ff:ff",
            "vtep": "192.0.2.1"},
           {"type": "flowspec", "tenant": "acme", "rule": []},
           {"type": "flowspec", "tenant": "acme",
            "rule": {"match": {"dst": 7}, "action": {"type": "via",
                                                     "via": [1]}}},
           {"type": "flowspec", "tenant": "acme",
            "rule": {"match": 1, "action": "drop"}}]
    status, reply = one.report(learned=bad, gone=bad)
    assert status == 200 and reply["left_out"] >= 20, reply
    one.report(learned=[{"type": "route", "tenant": "nobody",
                         "prefix": "10.0.0.0/8"}])
    item = fabric.bgp()["g1"]["learned"][0]
    assert not item["used"] and "no such tenant" in item["reason"]


def flowspec(fabric, name="no-dns", priority=100):
    """An announced policy: the one thing that needs no host's confirmation."""
    fabric.put(f"/v1/tenants/acme/policies/{name}", priority=priority,
               match={"dst": "10.0.0.0/24", "proto": "udp"},
               action={"type": "drop"}, where=["hosts", "flowspec"])
    return f"/v1/tenants/acme/policies/{name}"


def timed(function, *args):
    """Seconds it took."""
    start = time.monotonic()
    function(*args)
    return time.monotonic() - start


def test_what_is_announced_is_withdrawn_before_it_is_removed(fabric):
    one = fabric.gateway("g1", acks=False)
    try:
        one.report()
        path = flowspec(fabric)
        one.wait("policy", "acme no-dns")
        one.report()
        # Nobody acknowledges: two seconds, and it is carried out.
        took = timed(fabric.call, "DELETE", path)
        assert 1.5 < took < 4
        assert one.has("policy", "acme no-dns") is None
        mark = [when for when, line in one.lines
                if line.get("key") == "acme no-dns"][-1]
        assert time.monotonic() - mark > 1.5
        # Who acknowledges is not waited for.
        path = flowspec(fabric)
        one.wait("policy", "acme no-dns")
        one.acks = True
        one.report()
        assert timed(fabric.call, "DELETE", path) < 1
        # What takes nothing away is not held, nor what nobody was told.
        one.acks = False
        path = flowspec(fabric)
        one.wait("policy", "acme no-dns")
        assert timed(fabric.put, "/v1/tenants/acme/networks/db") < 1
        assert timed(flowspec, fabric) < 1
        # A gateway that is away is not waited for.
        one.close()
        assert timed(fabric.call, "DELETE", path) < 1
    finally:
        one.close()


def test_a_removal_that_is_refused_is_announced_again(fabric):
    one = fabric.gateway("g1", acks=False)
    try:
        one.report()
        path = flowspec(fabric)
        one.wait("policy", "acme no-dns")
        revision = fabric.call("GET", path)["revision"]
        with intent.Api(fabric.api, timeout=20) as api:
            status, _ = api.call("DELETE", path, None,
                                 {"If-Match": f'"{revision + 100}"'})
        assert status == 412
        # It was not even withdrawn.
        assert one.has("policy", "acme no-dns")
        # Two at once: the second finds nothing to remove.
        ops = [intent.delete(path), intent.put("/v1/tenants/acme/networks/x"),
               {"op": "PUT", "path": "/v1/tenants/acme/networks/y",
                "body": {}, "if_none_match": "*"}]
        fabric.call("POST", "/v1/batch", ops)
        one.wait("policy", "acme no-dns", there=False)
    finally:
        one.close()


def test_a_stopped_controller_lets_go_of_what_it_holds(fabric):
    one = fabric.gateway("g1", acks=False)
    try:
        one.report()
        path = flowspec(fabric)
        one.wait("policy", "acme no-dns")
        connection = UnixConnection(fabric.unix_path, 10)
        connection.request("DELETE", path)
        one.wait("policy", "acme no-dns", there=False)
        assert fabric.stop() == 0
        connection.close()
        fabric.start()
        assert fabric.call("GET", path)["priority"] == 100
    finally:
        one.close()


def test_a_slow_reader_is_told_the_last_of_everything(fabric):
    """More than a connection takes at once, most of it changed meanwhile."""
    connection = UnixConnection(fabric.unix_path, 30)
    connection.request("GET", "/v1/gateways/g1/feed")
    ops = [intent.put(f"/v1/tenants/acme/policies/p{i}", priority=i + 1,
                      match={"dst": "10.0.0.0/24", "dport": str(i + 1),
                             "proto": "tcp"}, description="x" * 200,
                      action={"type": "drop"}, where=["flowspec"])
           for i in range(3000)]
    with intent.Api(fabric.api, timeout=20) as api:
        api.batches(ops)
        before = fabric.memory_kb()
        for turn in range(3):
            for i in range(0, 3000, 2):
                ops[i]["body"]["description"] = f"{turn}" * 200
            api.batches(ops)
    assert fabric.memory_kb() - before < fabric.memory_limit_kb()
    response = connection.getresponse()
    told = {}
    for line in iter(response.readline, b""):
        line = json.loads(line)
        if line.get("type") == "policy":
            told[line["key"]] = line["value"]["description"]
        if "sync" in line and len(told) == 3000 \
                and set(told.values()) == {"x" * 200, "2" * 200}:
            break
    assert told["acme p0"] == "2" * 200 and told["acme p1"] == "x" * 200
    connection.close()
