# SPDX-License-Identifier: Apache-2.0
"""Gateways, peerings and what is announced: what clumsy and hostile callers
send, what is kept, and that a password never comes out again."""
import json
import os
import re

import intent
import pytest

PUT, GET, PATCH, DELETE, POST = "PUT", "GET", "PATCH", "DELETE", "POST"
ACME, OTHER = "/v1/tenants/acme", "/v1/tenants/other"
WEB = f"{ACME}/networks/web"
SUBNET = f"{WEB}/subnets/10.0.0.0%2F24"
ROUTE = f"{ACME}/routes/203.0.113.0%2F24"
G1, G2, G3 = "/v1/gateways/g1", "/v1/gateways/g2", "/v1/gateways/g3"
UP1, UP2 = "/v1/peerings/up1", "/v1/peerings/up2"
CE1, CE2 = f"{ACME}/peerings/ce1", f"{ACME}/peerings/ce2"
P1 = f"{ACME}/policies/p1"
DROP = {"type": "drop"}
SECRET = "Geh3im!"

FABRIC = {"gateway": "g1", "peer": "10.0.1.3", "peer_as": 65002,
          "families": ["vpnv4"]}
SITE = {"gateway": "g1", "peer": "172.16.2.2", "peer_as": 65100,
        "families": ["ipv4"], "device": "eth3", "local": ["172.16.2.1/30"]}


@pytest.fixture(scope="module")
def api(controller):
    """A connection to a controller with two gateways."""
    with intent.Api(controller.api) as one:
        one.put("/v1/zones/z1")
        for number in (1, 2, 3):
            one.put(f"/v1/hosts/gw{number}", zone="z1",
                    vtep=f"192.0.2.{number}", mtu=1600)
        one.put(ACME)
        one.put(OTHER)
        one.put(WEB)
        one.put(SUBNET, announce=True, host_routes=True)
        one.put(f"{WEB}/ports/vm1", ips=["10.0.0.5"])
        one.put(ROUTE, via=["10.0.0.5"], announce=True)
        one.ask(PUT, P1, policy(priority=5, where=["hosts"]))
        one.put(G1, host="gw1", **{"as": 65001})
        one.put(G2, host="gw2", router_id="192.0.2.99")
        one.put(UP1, gateway="g1", peer="10.0.1.2", peer_as=65002,
                local_as=65001, families=["vpnv4", "vpnv6", "evpn",
                                          "flowspec"],
                password=SECRET, flowspec_in=True)
        one.put(CE1, gateway="g1", device="eth2", local=["172.16.1.1/30"],
                peer="172.16.1.2", peer_as=65100, families=["ipv4"],
                password=SECRET, communities=["no-export", "65001:100"],
                **{"import": ["0.0.0.0/0"]})
        yield one


def site(**more):
    return dict(SITE, **more)


def fabric(**more):
    return dict(FABRIC, **more)


def policy(**more):
    return dict({"priority": 9, "action": DROP}, **more)


# (what is wrong, method, path, body, status, code, field, words of message)
CASES = [
    ("a gateway without a host", PUT, G3, {}, 400, "invalid", "host",
     "needs"),
    ("a gateway on no host", PUT, G3, {"host": "h9"}, 404, "not_found",
     "host", "h9"),
    ("a second gateway on a host", PUT, G3, {"host": "gw1"}, 409, "exists",
     "host", "g1"),
    ("a gateway with AS 0", PUT, G3, {"host": "gw3", "as": 0}, 400,
     "invalid", "as", "1 to"),
    ("a gateway with AS_TRANS", PUT, G3, {"host": "gw3", "as": 23456}, 400,
     "invalid", "as", "23456"),
    ("a gateway with a long AS", PUT, G3, {"host": "gw3", "as": 1 << 32},
     400, "invalid", "as", "4294967295"),
    ("an IPv6 router id", PUT, G3, {"host": "gw3", "router_id": "fd00::1"},
     400, "invalid", "router_id", "IPv4"),
    ("a taken router id", PUT, G3,
     {"host": "gw3", "router_id": "192.0.2.99"}, 409, "exists", "router_id",
     "g2"),
    ("a status given to a gateway that is not there", PUT, G3,
     {"host": "gw3", "colour": "red"}, 400, "invalid", "colour",
     "router_id"),
    ("a gateway with peerings", DELETE, G1, None, 409, "in_use", None,
     "2 peerings"),
    ("a host with a gateway", DELETE, "/v1/hosts/gw2", None, 409, "in_use",
     None, "g2"),
    ("a peering of no gateway", PUT, UP2, fabric(gateway="g9"), 404,
     "not_found", "gateway", "g9"),
    ("a peering without a gateway", PUT, UP2, {}, 400, "invalid", "gateway",
     "needs"),
    ("a peering without a peer", PUT, UP2, {"gateway": "g1"}, 400,
     "invalid", "peer", "needs"),
    ("a peering without an AS", PUT, UP2,
     {"gateway": "g1", "peer": "10.0.1.9"}, 400, "invalid", "peer_as",
     "needs"),
    ("a peering without families", PUT, UP2,
     {"gateway": "g1", "peer": "10.0.1.9", "peer_as": 1}, 400, "invalid",
     "families", "needs"),
    ("a peering with no family", PUT, UP2, fabric(families=[]), 400,
     "invalid", "families", "empty"),
    ("an unknown family", PUT, UP2, fabric(families=["ipx"]), 400,
     "invalid", "families", "ipx"),
    ("a family that is a number", PUT, UP2, fabric(families=[4]), 400,
     "invalid", "families", "strings"),
    ("too many families", PUT, UP2, fabric(families=["evpn"] * 5), 400,
     "invalid", "families", "4"),
    ("unicast with the fabric", PUT, UP2, fabric(families=["ipv4"]), 400,
     "invalid", "families", "TENANT/NAME"),
    ("EVPN with a tenant", PUT, CE2, site(families=["evpn"]), 400,
     "invalid", "families", "tenant"),
    ("a peer that is a name", PUT, UP2, fabric(peer="router"), 400,
     "invalid", "peer", "router"),
    ("a multicast peer", PUT, UP2, fabric(peer="224.0.0.1"), 400, "invalid",
     "peer", "224.0.0.1"),
    ("a taken peer", PUT, UP2, fabric(peer="10.0.1.2"), 409, "exists",
     "peer", "up1"),
    ("a peer's AS 0", PUT, UP2, fabric(peer_as=0), 400, "invalid",
     "peer_as", "1 to"),
    ("a negative AS", PUT, UP2, fabric(local_as=-1), 400, "invalid",
     "local_as", ""),
    ("a device of the fabric", PUT, UP2, fabric(device="eth1"), 400,
     "invalid", "device", "tenant's"),
    ("a filter of the fabric", PUT, UP2, fabric(export=["10.0.0.0/8"]), 400,
     "invalid", "export", "tenant's"),
    ("FlowSpec from a tenant", PUT, CE2, site(flowspec_in=True), 400,
     "invalid", "flowspec_in", "fabric"),
    ("a source of a tenant's", PUT, CE2, site(source="10.0.0.1"), 400,
     "invalid", "source", "fabric"),
    ("FlowSpec without the family", PUT, UP2, fabric(flowspec_in=True), 400,
     "invalid", "flowspec_in", "families"),
    ("a device without an address", PUT, CE2, site(local=[]), 400,
     "invalid", "local", "together"),
    ("an address without a device", PUT, CE2, site(device=None), 400,
     "invalid", "device", "together"),
    ("a device with a slash", PUT, CE2, site(device="../eth0"), 400,
     "invalid", "device", "../eth0"),
    ("a device with a command", PUT, CE2, site(device="e;reboot"), 400,
     "invalid", "device", "e;reboot"),
    ("a long device", PUT, CE2, site(device="e" * 16), 400, "invalid",
     "device", "15"),
    ("a taken device", PUT, CE2, site(device="eth2"), 409, "exists",
     "device", "ce1"),
    ("a device of another tenant", PUT, f"{OTHER}/peerings/x",
     site(device="eth2"), 409, "exists", "device", "ce1"),
    ("an address without a length", PUT, CE2, site(local=["172.16.2.1"]),
     400, "invalid", "local", "ADDRESS/LENGTH"),
    ("an address with a length too long", PUT, CE2,
     site(local=["172.16.2.1/33"]), 400, "invalid", "local", "/33"),
    ("the network itself as address", PUT, CE2,
     site(local=["172.16.2.0/30"]), 400, "invalid", "local", "172.16.2.0"),
    ("a peer that is not on the link", PUT, CE2, site(peer="172.16.3.2"),
     400, "invalid", "peer", "multihop"),
    ("five addresses", PUT, CE2,
     site(local=[f"172.16.2.{n}/24" for n in range(1, 6)]), 400, "invalid",
     "local", "4"),
    ("a password with a blank", PUT, CE2, site(password="a b"), 400,
     "invalid", "password", "printable"),
    ("a password with a newline", PUT, CE2,
     site(password="a\nno router bgp"), 400, "invalid", "password",
     "printable"),
    ("a long password", PUT, CE2, site(password="x" * 81), 400, "invalid",
     "password", "80"),
    ("an empty password", PUT, CE2, site(password=""), 400, "invalid",
     "password", "80"),
    ("a password that is a number", PUT, CE2, site(password=7), 400,
     "invalid", "password", "string"),
    ("a claim that there is a password", PATCH, CE1,
     {"password_set": False}, None, None, None, ""),
    ("a short hold time", PUT, CE2, site(hold=2), 400, "invalid", "hold",
     "3 to"),
    ("256 hops", PUT, CE2, site(multihop=256), 400, "invalid", "multihop",
     "255"),
    ("a community with a large AS", PUT, CE2, site(communities=["65536:1"]),
     400, "invalid", "communities", "no-export"),
    ("17 communities", PUT, CE2,
     site(communities=[f"1:{n}" for n in range(17)]), 400, "invalid",
     "communities", "16"),
    ("a community twice", PUT, CE2, site(communities=["1:1", "1:1"]), 400,
     "invalid", "communities", "twice"),
    ("a metric too large", PUT, CE2, site(med=1 << 32), 400, "invalid",
     "med", ""),
    ("no prefixes at all", PUT, CE2, site(prefix_limit=0), 400, "invalid",
     "prefix_limit", "1 to"),
    ("a filter with host bits", PUT, CE2, {**site(), "import":
                                           ["10.0.0.1/8"]}, 400, "invalid",
     "import", "host bits"),
    ("a filter that is an address", PUT, CE2, site(export=["10.0.0.1"]),
     400, "invalid", "export", "10.0.0.1"),
    ("1025 filters", PUT, CE2,
     site(export=[f"10.{n >> 8}.{n & 255}.0/24" for n in range(1025)]), 400,
     "invalid", "export", "1024"),
    ("a peering of nobody", PUT, "/v1/tenants/nobody/peerings/x", site(),
     404, "not_found", None, "nobody"),
    ("a gateway of a tenant", PUT, f"{ACME}/gateways/g1", {}, 404,
     "not_found", "path", "gateways"),
    ("a tenant's peering without its tenant", GET, "/v1/tenant-peerings/ce1",
     None, 404, "not_found", "path", ""),
    ("peerings of a network", GET, f"{WEB}/peerings", None, 404,
     "not_found", "path", ""),
    ("a POST to peerings", POST, "/v1/peerings", {}, 405, None, None, ""),
    ("a peering with a bad name", PUT, "/v1/peerings/_up", fabric(), 400,
     "invalid", "name", "_up"),
    # -- Distinguishers and targets
    ("an RD that is none", PATCH, ACME, {"rd": "65001"}, 400, "invalid",
     "rd", "65001:1"),
    ("an RD of nothing", PATCH, ACME, {"rd": "0:0"}, 400, "invalid", "rd",
     "0:0"),
    ("an RD with a large AS and number", PATCH, ACME,
     {"rd": "4200000000:65536"}, 400, "invalid", "rd", "4200000000"),
    ("an RD of IPv6", PATCH, ACME, {"rd": "fd00::1:5"}, 400, "invalid",
     "rd", "fd00"),
    ("a number for an RD", PATCH, ACME, {"rd": 65001}, 400, "invalid", "rd",
     "string"),
    ("a target that is none", PATCH, ACME, {"import_rts": ["x:1"]}, 400,
     "invalid", "import_rts", "x:1"),
    ("a target twice", PATCH, ACME, {"export_rts": ["1:1", "1:1"]}, 400,
     "invalid", "export_rts", "twice"),
    ("17 targets", PATCH, ACME,
     {"export_rts": [f"1:{n}" for n in range(17)]}, 400, "invalid",
     "export_rts", "16"),
    ("targets of a network that are text", PATCH, WEB, {"rts": "1:1"}, 400,
     "invalid", "rts", "array"),
    ("EVPN that is text", PATCH, WEB, {"evpn": "no"}, 400, "invalid",
     "evpn", "true or false"),
    # -- What is announced
    ("an announced subnet that is not routed", PUT,
     f"{WEB}/subnets/10.5.0.0%2F24", {"announce": True, "route": False},
     400, "invalid", "announce", "routed"),
    ("host routes without the subnet", PATCH, SUBNET, {"announce": False},
     400, "invalid", "host_routes", "announce"),
    ("announce that is a number", PATCH, ROUTE, {"announce": 1}, 400,
     "invalid", "announce", "true or false"),
    # -- Where
    ("a place of nobody", PUT, P1, policy(where=["moon"]), 400, "invalid",
     "where", "moon"),
    ("nowhere", PUT, P1, policy(where=[]), 400, "invalid", "where",
     "empty"),
    ("where that is a number", PUT, P1, policy(where=5), 400, "invalid",
     "where", "array"),
    ("where with an object", PUT, P1, policy(where=[{}]), 400, "invalid",
     "where", "array"),
    ("FlowSpec about everything", PUT, P1, policy(where=["flowspec"]), 400,
     "invalid", "where", "dst"),
    ("a policy sent to peers that they have no word for", PUT, P1,
     policy(where=["flowspec"], match={"dst": "10.0.0.0/24"},
            action={"type": "via", "via": ["10.0.0.5", "10.0.0.6"]}), 400,
     "invalid", "where", "one next hop"),
    # -- What is the controller's own
    ("an origin of one's own", PUT, f"{ACME}/networks/n2",
     {"origin": "system"}, 400, "invalid", "origin", "read-only"),
    ("a network with the router's name", PUT, f"{ACME}/networks/_router",
     {}, None, None, None, ""),
    ("a subnet of the routers", PUT, f"{WEB}/subnets/169.254.64.0%2F24", {},
     400, "invalid", None, "169.254.64.0"),
    ("the mobility of a port", PUT, f"{WEB}/ports/vm9",
     {"mobility": 5, "gateway": "g1"}, 400, "invalid", "gateway",
     "gateway"),
    # -- Lists
    ("peerings of no gateway", GET, "/v1/peerings?gateway=g9", None, 404,
     "not_found", None, "g9"),
    ("peerings in a state of nobody", GET, "/v1/tenant-peerings?status=up",
     None, 400, "invalid", "status", "established"),
    ("gateways in a state of nobody", GET, "/v1/gateways?status=joining",
     None, 400, "invalid", "status", "building"),
    ("an origin of nobody", GET, "/v1/routes?origin=me", None, 400,
     "invalid", "origin", "learned"),
    ("gateways by origin", GET, "/v1/gateways?origin=system", None, 400,
     "invalid", "origin", ""),
    ("the peerings of no tenant", GET, "/v1/tenants/nobody/peerings", None,
     404, "not_found", None, "nobody"),
    # -- Batches
    ("a batch with a bad peering", POST, "/v1/batch",
     [intent.put(UP2, **FABRIC), intent.put(CE2, **site(hold=1))], 400,
     "invalid", "[1].body.hold", "3 to"),
    ("a batch with a taken peer", POST, "/v1/batch",
     [intent.put(UP2, **FABRIC),
      intent.put("/v1/peerings/up3", **FABRIC)], 409, "exists", "[1].peer",
     "up2"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].replace(" ", "_"))
def test_a_wrong_request_gets_its_error_and_changes_nothing(api, case):
    _, method, path, body, status, code, field, words = case
    before = api.export()
    got, answer = api.call(method, path, body)
    print(f"  {method} {path[:60]} -> {got} {str(answer)[:300]}")
    assert isinstance(answer, dict) and set(answer) == {"error"}, answer
    error = answer["error"]
    if status:
        assert got == status, error
    if code:
        assert error["code"] == code, error
    assert 400 <= got < 500, (got, error)
    if field is not None:
        assert field in error["field"], error
    assert words in error["message"], error
    assert error["message"] and "\n" not in error["message"], error
    assert api.export() == before


def test_the_cases_are_distinct(figures):
    assert len({c[0] for c in CASES}) == len(CASES) > 80
    figures(f"{len(CASES)} wrong requests about gateways")


def test_what_get_answers_can_be_put_back(api):
    revision = api.get("/healthz")["revision"]
    for path in (G1, G2, UP1, CE1, ACME, WEB, SUBNET, ROUTE, P1):
        body = api.get(path)
        status, answer = api.call(PUT, path, body)
        assert status == 200, (path, answer)
        assert answer == body
    assert api.get("/healthz")["revision"] == revision


def test_a_password_never_comes_out_again(controller, api):
    seen = [api.get(path) for path in
            (UP1, CE1, "/v1/peerings", "/v1/tenant-peerings",
             f"{ACME}/peerings", "/v1/events")]
    assert seen[0]["password_set"] and seen[1]["password_set"]
    status, answer = api.call(PUT, f"{UP1}?dry_run=1", api.get(UP1))
    assert status == 200
    seen.append(answer)
    status, answer = api.call(PATCH, UP1, {"password": SECRET + " x"})
    assert status == 400
    seen.append(answer)
    revision = api.get("/healthz")["revision"]
    with intent.Api(controller.api) as watcher:
        connection = watcher.connection
        connection.request("GET", "/v1/watch?since=0")
        reply = connection.getresponse()
        lines = []
        while not lines or lines[-1].get("revision", 0) < revision:
            lines.append(json.loads(reply.readline()))
    seen.append(lines)
    assert any("ce1" in json.dumps(line) for line in lines)
    assert SECRET not in json.dumps(seen)
    with open(f"{controller.folder}/log", encoding="utf-8") as log:
        assert SECRET not in log.read()


def test_lists_are_of_the_fabric_of_a_tenant_or_of_all_tenants(api):
    def names(path):
        return [item["name"] for item in api.get(path)["items"]]

    assert names("/v1/gateways") == ["g1", "g2"]
    assert names("/v1/gateways?host=gw2") == ["g2"]
    assert names("/v1/peerings") == ["up1"]
    assert names("/v1/tenant-peerings") == ["ce1"]
    assert names(f"{ACME}/peerings") == ["ce1"]
    assert names(f"{OTHER}/peerings") == []
    assert names("/v1/peerings?gateway=g1") == ["up1"]
    assert names("/v1/peerings?gateway=g2") == []
    page = api.get("/v1/gateways?limit=1")
    assert page["next"] == "g1"
    assert [i["name"] for i in
            api.get("/v1/gateways?limit=1&after=g1")["items"]] == ["g2"]


def test_the_routers_network_says_whose_it_is_and_is_not_changed(api):
    router = f"{ACME}/networks/_router"
    network = api.get(router)
    assert network["origin"] == "system"
    assert network["vni"] == api.get(ACME)["router_vni"]
    leg = api.get(f"{router}/ports/g1")
    assert leg["origin"] == "system" and leg["host"] == "gw1"
    assert not leg["guard"]
    names = [n["name"] for n in
             api.get(f"{ACME}/networks?origin=operator")["items"]]
    assert names == ["web"]
    names = [p["name"] for p in api.get("/v1/ports?origin=system")["items"]]
    assert "g1" in names and "vm1" not in names
    for method, path, body in ((PATCH, router, {"mtu": 1400}),
                               (DELETE, router, None),
                               (PUT, f"{router}/ports/x", {}),
                               (PATCH, f"{router}/ports/g1",
                                {"guard": True}),
                               (DELETE, f"{router}/ports/g1", None)):
        status, answer = api.call(method, path, body)
        assert 400 <= status < 500, (method, path, answer)
        assert "router" in answer["error"]["message"] or \
            "system" in answer["error"]["message"] or \
            "controller" in answer["error"]["message"], answer


def test_a_policy_is_in_force_where_it_has_been_taken_over(api):
    path = f"{ACME}/policies/told"
    api.ask(PUT, path, policy(priority=77, match={"dst": "10.0.0.0/24"},
                              where=["flowspec", "hosts"]))
    answer = api.get(path)
    assert answer["where"] == ["hosts", "flowspec"]
    assert answer["in_force"] == ["hosts"]      # no gateway is connected
    told = [item for gateway in api.get("/v1/bgp?tenant=acme")["items"]
            for item in gateway["announced"] if item["type"] == "policy"]
    assert told and all(item["state"] == "waiting" and item["reason"]
                        for item in told), told
    api.ask(DELETE, path)


# An object of each kind, and the name of its schema.
EACH = [("zone", "/v1/zones/z1"), ("host", "/v1/hosts/gw1"),
        ("tenant", ACME), ("network", WEB), ("subnet", SUBNET),
        ("port", f"{WEB}/ports/vm1"), ("route", ROUTE), ("policy", P1),
        ("gateway", G1), ("peering", CE1), ("fabric_peering", UP1)]
# Compared with what is there: these and "revision".
COMPARED = {"name", "tenant", "network", "cidr", "prefix", "vni", "num",
            "origin", "password_set"}


def documented():
    """Read-only members that doc/api.md says are ignored."""
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    with open(os.path.join(top, "doc/api.md"), encoding="utf-8") as file:
        text = file.read()
    return set(re.findall(
        r"`(\w+)`", text.split("the answer has what is true:\n")[1].split(
            "Anything else")[0].replace("(to set them: `as`, `router_id`)",
                                        "")))


def test_read_only_members_are_ignored_or_refused_by_name(api):
    schemas = api.get("/v1/openapi.json")["components"]["schemas"]
    ignored = set()
    for kind, path in EACH:
        before = api.get(path)
        # As GET answers it, and nothing has changed.
        assert api.call(PUT, path, before)[0] == 200, path
        for name, schema in schemas[kind]["properties"].items():
            if not schema.get("readOnly") or name == "revision":
                continue
            bodies = [(PATCH, {name: value}) for value in (7, "no", [{}])]
            bodies += [(PUT, {**before, name: value})
                       for value in (7, "no", False)]
            for method, body in bodies:
                if body[name] == before.get(name, ""):
                    continue
                status, answer = api.call(method, path, body)
                if name in COMPARED:
                    assert status == 400, (path, body)
                    assert answer["error"]["field"] == name
                    assert "read-only" in answer["error"]["message"]
                else:
                    assert status == 200, (path, body, answer)
                    assert answer.get(name) == before.get(name)
                    ignored.add(name)
        assert api.get(path) == before
    assert ignored == documented()


def test_if_match_and_a_batch_hold_for_peerings_too(api):
    revision = api.get(UP1)["revision"]
    status, _ = api.call(PATCH, UP1, {"hold": 30},
                         {"If-Match": f'"{revision - 1}"'})
    assert status == 412
    status, answer = api.call(PATCH, UP1, {"hold": 30},
                              {"If-Match": f'"{revision}"'})
    assert status == 200 and answer["hold"] == 30
    status, answer = api.batch([
        intent.put(UP2, **FABRIC), intent.put(CE2, **SITE),
        intent.delete(UP2), intent.delete(CE2)])
    assert status == 200
    assert answer["results"][2] == {"deleted": True, "path": UP2}
    status, answer = api.call(PUT, f"{UP2}?dry_run=1", FABRIC)
    assert status == 200 and answer["created"] == 1
    assert api.call(GET, UP2)[0] == 404


def test_settings_come_back_as_they_were_written_after_a_restart(
        controller, api):
    before = api.export()
    assert controller.stop() == 0
    controller.start()
    with intent.Api(controller.api) as again:
        after = again.export()
        for path in before:
            assert after.get(path) == before[path]
        assert set(after) == set(before)
