# SPDX-License-Identifier: Apache-2.0
"""Gateways, peerings and what is announced, on the command line."""
import json

import pytest

from fake_api import error

GATEWAY = {"name": "g1", "host": "gw1", "as": 65001, "router_id": None,
           "status": "building", "reason": "3 entries to go",
           "n_sessions": 2, "n_established": 1, "as_in_force": 65001,
           "router_id_in_force": "192.0.2.1", "revision": 4}
UP1 = {"name": "up1", "gateway": "g1", "peer": "10.0.1.2", "peer_as": 65002,
       "families": ["vpnv4", "evpn"], "status": "established", "reason": "",
       "received": 3, "sent": 2, "revision": 5}
CE1 = dict(UP1, name="ce1", tenant="acme", peer="172.16.1.2",
           families=["ipv4"], status="active", reason="no route to host")

CASES = [
    ("gateway add g1 --host gw1", "PUT", "/v1/gateways/g1", {"host": "gw1"}),
    ("gateway set g1 --as 4200000000 --router-id 192.0.2.1", "PATCH",
     "/v1/gateways/g1", {"as": 4200000000, "router_id": "192.0.2.1"}),
    ("gateway set g1 --no-as --no-router-id", "PATCH", "/v1/gateways/g1",
     {"as": None, "router_id": None}),
    ("subnet set acme/web 10.0.0.0/24 --announce --host-routes", "PATCH",
     "/v1/tenants/acme/networks/web/subnets/10.0.0.0%2F24",
     {"announce": True, "host_routes": True}),
    ("subnet set acme/web 10.0.0.0/24 --no-announce --no-host-routes",
     "PATCH", "/v1/tenants/acme/networks/web/subnets/10.0.0.0%2F24",
     {"announce": False, "host_routes": False}),
    ("route add acme 203.0.113.0/24 --via 10.0.0.5 --announce", "PUT",
     "/v1/tenants/acme/routes/203.0.113.0%2F24",
     {"via": ["10.0.0.5"], "announce": True}),
    ("route set acme 203.0.113.0/24 --no-announce", "PATCH",
     "/v1/tenants/acme/routes/203.0.113.0%2F24", {"announce": False}),
    ("peering add up1 --gateway g1 --peer 10.0.1.2 --peer-as 65002 "
     "--local-as 65001 --family vpnv4 --family vpnv6 --family evpn "
     "--family flowspec", "PUT", "/v1/peerings/up1",
     {"gateway": "g1", "peer": "10.0.1.2", "peer_as": 65002,
      "local_as": 65001,
      "families": ["vpnv4", "vpnv6", "evpn", "flowspec"]}),
    ("peering add acme/ce1 --gateway g1 --device eth2 --local 172.16.1.1/30 "
     "--peer 172.16.1.2 --peer-as 65100 --family ipv4 --family ipv6", "PUT",
     "/v1/tenants/acme/peerings/ce1",
     {"gateway": "g1", "device": "eth2", "local": ["172.16.1.1/30"],
      "peer": "172.16.1.2", "peer_as": 65100,
      "families": ["ipv4", "ipv6"]}),
    ("peering set up1 --source 10.0.1.1 --flowspec-in --bfd --hold 30 "
     "--multihop 2 --family vpnv4,evpn", "PATCH", "/v1/peerings/up1",
     {"source": "10.0.1.1", "flowspec_in": True, "bfd": True, "hold": 30,
      "multihop": 2, "families": ["vpnv4", "evpn"]}),
    ("peering set acme/ce1 --community no-export --community 65001:100 "
     "--med 0 --local-pref 200 --prefix-limit 10 --import 0.0.0.0/0 "
     "--export 10.0.0.0/8 --export fd00::/8 --password x --readvertise",
     "PATCH",
     "/v1/tenants/acme/peerings/ce1",
     {"communities": ["no-export", "65001:100"], "med": 0,
      "local_pref": 200, "prefix_limit": 10, "import": ["0.0.0.0/0"],
      "export": ["10.0.0.0/8", "fd00::/8"], "password": "x",
      "readvertise": True}),
    ("peering set acme/ce1 --no-community --no-import --no-export "
     "--no-password --no-bfd --med= --hold= --no-readvertise", "PATCH",
     "/v1/tenants/acme/peerings/ce1",
     {"communities": [], "import": [], "export": [], "password": None,
      "bfd": False, "med": None, "hold": None, "readvertise": False}),
    ("policy add acme p --priority 1 --match dst=10.0.0.0/24 --action "
     "gateway --where hosts,gateway,flowspec", "PUT",
     "/v1/tenants/acme/policies/p",
     {"priority": 1, "match": {"dst": "10.0.0.0/24"},
      "action": {"type": "gateway"},
      "where": ["hosts", "gateway", "flowspec"]}),
    ("policy set acme p --where hosts --where gateway", "PATCH",
     "/v1/tenants/acme/policies/p", {"where": ["hosts", "gateway"]}),
    ("tenant add acme --rd 65001:1 --import-rt 65001:1 --import-rt 65001:2 "
     "--export-rt 192.0.2.1:7", "PUT", "/v1/tenants/acme",
     {"rd": "65001:1", "import_rts": ["65001:1", "65001:2"],
      "export_rts": ["192.0.2.1:7"]}),
    ("tenant set acme --rd= --no-import-rt --no-export-rt", "PATCH",
     "/v1/tenants/acme",
     {"rd": None, "import_rts": [], "export_rts": []}),
    ("tenant set acme --no-rd", "PATCH", "/v1/tenants/acme", {"rd": None}),
    ("network add acme/web --no-evpn --rt 65001:7", "PUT",
     "/v1/tenants/acme/networks/web", {"evpn": False, "rts": ["65001:7"]}),
    ("network set acme/web --evpn --no-rt", "PATCH",
     "/v1/tenants/acme/networks/web", {"evpn": True, "rts": []}),
]


@pytest.mark.parametrize("line, method, path, body", CASES,
                         ids=lambda x: None)
def test_each_line_becomes_its_request(api, netctl, line, method, path,
                                       body):
    api.replies[f"{method} {path}"] = (200, {"name": "x", "revision": 1})
    done = netctl(*line.split())
    assert (done.status, done.err) == (0, "")
    assert api.requests[0].body == body


def test_a_password_may_come_from_a_file_or_standard_input(api, netctl,
                                                           tmp_path):
    api.replies["PATCH /v1/peerings/up1"] = (200, UP1)
    file = tmp_path / "password"
    file.write_text("geheim\nnot this\n")
    line = ("peering", "set", "up1", "--password-file")
    assert netctl(*line, str(file)).status == 0
    assert netctl(*line, "-", stdin="another\r\n").status == 0
    assert [r.body for r in api.requests] == [
        {"password": "geheim"}, {"password": "another"}]
    api.requests.clear()
    for source, stdin in ((str(tmp_path / "no"), ""), ("-", ""),
                          ("-", "\nx\n")):
        done = netctl(*line, source, stdin=stdin)
        assert done.status == 2 and "--password-file" in done.err, done.err
    done = netctl(*line, str(file), "--password", "x")
    assert done.status == 2 and "contradict" in done.err
    assert not api.requests


def test_a_name_without_a_slash_is_the_fabrics(api, netctl):
    api.replies["GET /v1/peerings/up1"] = (200, UP1)
    api.replies["GET /v1/tenants/acme/peerings/ce1"] = (200, CE1)
    api.replies["DELETE /v1/peerings/up1"] = (200, {"revision": 9})
    assert "established" in netctl("peering", "show", "up1").out
    assert "no route" in netctl("peering", "show", "acme/ce1").out
    assert netctl("peering", "del", "up1").status == 0
    done = netctl("peering", "show", "nobody")
    assert done.err == ("netctl: peering nobody: there is no such thing; "
                        "that of a tenant is named TENANT/nobody\n")
    for name in ("a/b/c", "acme/", "/ce1", ""):
        done = netctl("peering", "show", name)
        assert done.status == 2 and "TENANT/NAME" in done.err, name


def test_nothing_to_set_says_where_to_look(api, netctl):
    done = netctl("peering", "set", "up1")
    assert done.status == 2
    assert "netctl peering set --help" in done.err
    assert not api.requests


def test_a_list_of_all_has_both_kinds_and_that_of_a_tenant_its_own(api,
                                                                   netctl):
    for path, items in (("/v1/peerings", [UP1]),
                        ("/v1/tenant-peerings", [CE1]),
                        ("/v1/tenants/acme/peerings", [CE1])):
        api.replies[f"GET {path}"] = (200, {"items": items, "next": None})
    done = netctl("peering", "list", "--gateway", "g1")
    assert [line.split()[0] for line in done.out.splitlines()] == [
        "NAME", "up1", "acme/ce1"]
    assert "vpnv4,evpn" in done.out
    assert all("gateway=g1" in r.query for r in api.requests)
    assert [r.path for r in api.requests] == ["/v1/peerings",
                                              "/v1/tenant-peerings"]
    assert json.loads(netctl("-ojson", "peering", "list").out) == {
        "items": [UP1, CE1]}
    assert netctl("-oname", "peering", "list").out == "up1\nacme/ce1\n"
    api.requests.clear()
    assert netctl("-oname", "peering", "list", "acme").out == "acme/ce1\n"
    assert [r.path for r in api.requests] == ["/v1/tenants/acme/peerings"]


def test_half_a_list_is_no_list(api, netctl):
    api.replies["GET /v1/peerings"] = (200, {"items": [UP1], "next": None})
    done = netctl("-ojson", "peering", "list")
    assert done.status == 1
    with pytest.raises(ValueError):
        json.loads(done.out)


def test_gateways_are_listed_with_their_sessions(api, netctl):
    api.replies["GET /v1/gateways"] = (200, {"items": [GATEWAY],
                                             "next": None})
    head, row = netctl("gateway", "list", "--status",
                       "building").out.splitlines()
    assert head.split()[:4] == ["NAME", "HOST", "AS", "ROUTER-ID"]
    assert row.split()[:7] == ["g1", "gw1", "65001", "192.0.2.1", "2", "1",
                               "building"]
    assert "status=building" in api.requests[0].query


def test_status_shows_the_gateways(api, netctl):
    for plural in ("zones", "hosts", "tenants", "networks", "subnets",
                   "ports", "refused-hosts"):
        api.replies[f"GET /v1/{plural}"] = (200, {"items": []})
    api.replies["GET /v1"] = (200, {"version": "0.1"})
    api.replies["GET /healthz"] = (200, {"status": "ok", "revision": 12})
    api.replies["GET /v1/gateways"] = (200, {"items": [GATEWAY]})
    done = netctl("status")
    assert done.status == 0 and "3 entries to go" in done.out
    doc = json.loads(netctl("-ojson", "status").out)
    assert doc["gateways"] == [GATEWAY] and doc["counts"]["gateways"] == 1


def test_a_refusal_names_the_peering_and_the_way_out(api, netctl):
    api.replies["PUT /v1/tenants/acme/peerings/ce1"] = error(
        404, "not_found", "gateway", "no gateway \"g9\" for peering \"ce1\": "
        "add the gateway first")
    done = netctl("peering", "add", "acme/ce1", "--gateway", "g9")
    assert done.status == 1
    assert done.err == ("netctl: peering acme/ce1: no gateway \"g9\" for "
                        "peering \"ce1\": add the gateway first\n")


def test_an_origin_is_a_column_only_where_there_is_one(api, netctl):
    route = {"tenant": "acme", "name": "10.9.0.0/16", "via": ["10.0.0.5"],
             "announce": True, "status": "active", "reason": ""}
    learned = dict(route, name="0.0.0.0/0", origin="learned",
                   announce=False)
    api.replies["GET /v1/tenants/acme/routes"] = (
        200, {"items": [route], "next": None})
    head, row = netctl("route", "list", "acme").out.splitlines()
    assert head.split() == ["TENANT", "PREFIX", "VIA", "ANNOUNCE", "STATUS",
                            "REASON"]
    assert row.split() == ["acme", "10.9.0.0/16", "10.0.0.5", "yes",
                           "active", "-"]
    api.replies["GET /v1/tenants/acme/routes"] = (
        200, {"items": [route, learned], "next": None})
    head, row, other = netctl("route", "list", "acme").out.splitlines()
    assert head.split() == ["TENANT", "PREFIX", "VIA", "ANNOUNCE", "ORIGIN",
                            "STATUS", "REASON"]
    assert row.split()[4] == "-" and other.split()[4] == "learned"
    netctl("route", "list", "acme", "--origin", "learned")
    assert "origin=learned" in api.requests[-1].query


BGP = {"items": [
    {"gateway": "g1", "connected": True, "state": "active", "reason": "",
     "seen": "2026-11-22T12:00:00.000Z", "acked": 17, "behind": 0,
     "sessions": [
         {"peering": "acme/ce1", "peer": "172.16.1.2",
          "families": {"ipv4": {"received": 3, "sent": 2},
                       "ipv6": {"received": 1, "sent": 5}},
          "state": "established", "since": "2026-11-22T11:00:00.000Z",
          "error": ""}],
     "announced": [
         {"tenant": "acme", "prefix": "10.0.0.0/24", "why": "subnet",
          "object": "acme/web/10.0.0.0/24", "state": "announced",
          "reason": "", "families": ["ipv4", "vpnv4"]},
         {"tenant": "acme", "prefix": "10.0.1.0/24", "why": "subnet",
          "object": "acme/db/10.0.1.0/24", "state": "withheld",
          "reason": "host gw1 has not confirmed revision 9",
          "families": ["ipv4"]}],
     "learned": [
         {"tenant": "acme", "prefix": "0.0.0.0/0", "peering": "ce1",
          "type": "route", "used": False,
          "reason": "route 0.0.0.0/0 of an operator is there"}],
     "counts": {"announced": 1, "withheld": 1}},
    {"gateway": "g2", "connected": False, "state": "down",
     "reason": "it has never reported", "seen": None, "acked": 0,
     "behind": 4, "sessions": [], "announced": [], "learned": [],
     "counts": {}}], "next": None}


def test_bgp_show_says_what_is_announced_and_withheld_and_why(api, netctl):
    api.replies["GET /v1/bgp"] = (200, BGP)
    done = netctl("bgp", "show")
    assert (done.status, done.err) == (0, "")
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[1][:6] == ["g1", "yes", "active",
                            "2026-11-22T12:00:00.000Z", "17", "0"]
    assert lines[2][:6] == ["g2", "no", "down", "-", "0", "4"]
    assert "it has never reported" in done.out
    assert ["g1", "acme/ce1", "172.16.1.2", "ipv4,ipv6", "established",
            "2026-11-22T11:00:00.000Z", "4", "7", "-"] in lines
    assert ["g1", "acme", "10.0.0.0/24", "ipv4,vpnv4", "subnet",
            "acme/web/10.0.0.0/24", "announced", "-"] in lines
    assert "withheld" in done.out
    assert "host gw1 has not confirmed revision 9" in done.out
    assert "of an operator is there" in done.out
    assert json.loads(netctl("-ojson", "bgp", "show").out) == BGP
    assert netctl("-oname", "bgp", "show").out == "g1\ng2\n"
    assert not api.requests[0].query


def test_bgp_show_of_a_tenant_asks_for_it_only(api, netctl):
    api.replies["GET /v1/bgp"] = (200, {"items": [], "next": None})
    done = netctl("-ojson", "bgp", "show", "a&b")
    assert done.status == 0
    assert json.loads(done.out) == {"items": [], "next": None}
    assert api.requests[0].query == "tenant=a%26b"
    assert netctl("bgp", "show").out.splitlines()[0].split()[0] == "GATEWAY"


def test_bgp_show_follows_the_pages_within_a_gateway(api, netctl):
    def page(gateway, prefixes, following):
        return {"items": [{
            "gateway": name, "sessions": [{"peering": "up1"}],
            "announced": [{"prefix": p} for p in prefixes], "learned": []}
            for name in gateway], "next": following}

    pages = {"": page(["g1"], ["10.0.0.0/24"], "g1 a"),
             "after=g1%20a": page(["g1"], ["10.0.1.0/24"], "g1 b"),
             "after=g1%20b": page(["g1", "g2"], ["10.0.2.0/24"], None)}
    api.replies["GET /v1/bgp"] = lambda r: (200, pages[r.query])
    doc = json.loads(netctl("-ojson", "bgp", "show").out)
    assert [(i["gateway"], [a["prefix"] for a in i["announced"]],
             len(i["sessions"])) for i in doc["items"]] == [
        ("g1", ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"], 1),
        ("g2", ["10.0.2.0/24"], 1)]
    assert doc["next"] is None
    api.replies["GET /v1/bgp"] = (200, page(["g1"], [], "again"))
    done = netctl("bgp", "show")
    assert done.status == 1 and "does not end" in done.err
    assert done.out == ""


def test_bgp_list_has_a_row_for_each_session(api, netctl):
    api.replies["GET /v1/bgp"] = (200, BGP)
    head, row = netctl("bgp", "list").out.splitlines()
    assert head.split()[:5] == ["GATEWAY", "PEERING", "PEER", "FAMILIES",
                                "STATE"]
    assert row.split()[:2] == ["g1", "acme/ce1"]
    session, = json.loads(netctl("-ojson", "bgp", "list").out)["items"]
    assert session == dict(BGP["items"][0]["sessions"][0], gateway="g1")
    assert netctl("-oname", "bgp", "list").out == "g1/acme/ce1\n"


@pytest.mark.parametrize("doc", [
    {}, {"items": None}, {"items": [None, 5, "x", {}]},
    {"items": [{"gateway": 5, "sessions": [1, {}, {"families": [1]},
                                           {"families": {"x": 1}}],
                "announced": {"a": 1}, "learned": "x", "counts": []}]},
    {"items": [{"gateway": "g\x1b[2J", "sessions": [
        {"peer": "\x1b]0;x\x07", "error": "\u202e\x9b"}]}]}])
def test_what_no_controller_says_breaks_nothing(api, netctl, doc):
    api.replies["GET /v1/bgp"] = (200, doc)
    for words in (("bgp", "show"), ("bgp", "list"), ("-oname", "bgp", "show"),
                  ("-oyaml", "bgp", "show")):
        done = netctl(*words)
        assert done.status in (0, 1), done.err
        assert "\x1b" not in done.out


def test_completion_knows_gateways(api, netctl):
    for path, items in (("/v1/gateways", [GATEWAY]), ("/v1/peerings", [UP1]),
                        ("/v1/tenants", [{"name": "acme"}]),
                        ("/v1/tenants/acme/peerings", [CE1])):
        api.replies[f"GET {path}"] = (200, {"items": items, "next": None})

    def complete(*words):
        return netctl("__complete", *words).out.splitlines()

    assert complete("g") == ["gateway"]
    assert complete("peering", "show", "") == ["up1", "acme/"]
    assert complete("peering", "show", "acme/") == ["acme/ce1"]
    assert complete("peering", "add", "") == ["acme/"]
    assert complete("peering", "list", "") == ["acme"]
    assert complete("bgp", "show", "") == ["acme"]
    assert complete("bgp", "") == ["show", "list"]
    assert complete("peering", "add", "x", "--gateway", "") == ["g1"]
    assert complete("peering", "add", "x", "--family", "ip") == ["ipv4",
                                                                 "ipv6"]
    assert "no-export" in complete("peering", "set", "x", "--community", "")
    assert complete("policy", "add", "a", "p", "--where", "") == [
        "hosts", "gateway", "flowspec"]
    assert complete("port", "list", "--origin", "l") == ["learned"]
    assert "--password-file" in complete("peering", "set", "x", "--pass")


@pytest.mark.parametrize("words, hint", [
    (("peer", "list"), "peering"), (("gateways", "lst"), "list"),
    (("peering", "add", "x", "--pere-as", "1"), "--peer-as"),
    (("bgp", "shw"), "show"), (("gateway", "create", "g1"), "add"),
    (("subnet", "set", "a/b", "c", "--anounce"), "--announce")])
def test_a_typing_error_gets_a_suggestion(api, netctl, words, hint):
    done = netctl(*words)
    assert done.status == 2 and f'did you mean "{hint}"' in done.err
    assert not api.requests


def test_help_tells_of_gateways_at_every_level(netctl):
    assert "gateway" in netctl("--help").out
    assert "TENANT/NAME" in netctl("peering", "--help").out
    out = netctl("peering", "add", "--help").out
    assert "--family FAMILY" in out and "--password-file" in out
    assert "[TENANT]" in netctl("bgp", "show", "--help").out
