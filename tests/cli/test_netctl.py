# SPDX-License-Identifier: Apache-2.0
"""What netctl asks the controller, what it prints and how it exits."""
import json
import os
import subprocess
import threading
import time

import pytest

import conftest
import fake_api
from fake_api import error

VM1 = {"name": "vm1", "tenant": "acme", "network": "web", "vni": 7,
       "mac": "0a:00:00:00:00:01", "ips": ["10.0.0.2", "fd00::2"],
       "host": "h1", "iface_id": "acme/web/vm1", "status": "active",
       "reason": "", "revision": 12, "guard": True, "description": ""}
VM1_PATH = "/v1/tenants/acme/networks/web/ports/vm1"


def test_add_is_a_put_that_refuses_a_different_object(api, netctl):
    api.replies[f"PUT {VM1_PATH}"] = (201, VM1)
    done = netctl("port", "add", "acme/web/vm1", "--host", "h1",
                  "--mac=0a:00:00:00:00:01", "--ip", "10.0.0.2", "--ip",
                  "fd00::2", "--iface-id", "x", "--no-guard",
                  "--description", 'a "b"')
    assert (done.status, done.err) == (0, "")
    request, = api.requests
    assert request.body == {
        "host": "h1", "mac": "0a:00:00:00:00:01",
        "ips": ["10.0.0.2", "fd00::2"], "iface_id": "x", "guard": False,
        "description": 'a "b"'}
    assert request.headers["If-None-Match"] == "*"
    assert request.query == ""
    assert done.out.splitlines()[1].split()[:3] == [
        "acme/web/vm1", "7", "0a:00:00:00:00:01"]


def test_add_with_may_exist_is_a_plain_put(api, netctl):
    api.replies[f"PUT {VM1_PATH}"] = (200, VM1)
    assert netctl("port", "add", "acme/web/vm1", "--may-exist").status == 0
    assert "If-None-Match" not in api.requests[0].headers
    assert api.requests[0].raw == b"{}"


def test_set_sends_only_what_was_given_and_clears_with_nothing(api, netctl):
    api.replies[f"PATCH {VM1_PATH}"] = (200, VM1)
    netctl("port", "set", "acme/web/vm1", "--host", "", "--if-match", "12")
    netctl("port", "set", "acme/web/vm1", "--no-host", "--guard")
    netctl("port", "set", "acme/web/vm1", "--no-ip")
    assert [r.body for r in api.requests] == [
        {"host": None}, {"host": None, "guard": True}, {"ips": []}]
    assert api.requests[0].headers["If-Match"] == '"12"'


def test_set_of_a_match_or_an_action_replaces_all_of_it(api, netctl):
    path = "/v1/tenants/acme/policies/fw"
    api.replies[f"PATCH {path}"] = (200, {"name": "fw"})
    netctl("policy", "set", "acme", "fw", "--match", "dport=22,proto=tcp")
    netctl("policy", "set", "acme/fw", "--match", "")
    netctl("policy", "set", "acme/fw", "--action", "drop")
    nothing = dict.fromkeys(["src", "dst", "proto", "sport", "dport", "dscp",
                             "network"])
    assert [r.body for r in api.requests] == [
        {"match": dict(nothing, dport="22", proto="tcp")},
        {"match": nothing},
        {"action": {"type": "drop", "via": None, "dscp": None,
                    "rate_kbps": None}}]


@pytest.mark.parametrize("words", [
    ("--match", "sport"), ("--match", "port=80"), ("--match", "src="),
    ("--match", "=x"), ("--match", "src=a,src=b"), ("--match", "80,src=a"),
    ("--action", "via"), ("--action", "via:"), ("--action", "drop:1"),
    ("--action", ""), ("--action", "type:x")])
def test_a_match_or_action_that_is_none_is_not_sent(api, netctl, words):
    done = netctl("policy", "add", "acme", "p", *words)
    assert done.status == 2
    assert words[0] in done.err
    assert not api.requests


def test_a_policy_reads_as_it_is_written(api, netctl):
    api.replies["GET /v1/tenants/acme/policies"] = (200, {"items": [
        {"tenant": "acme", "name": "fw", "priority": 10, "match": {
            "src": "10.0.0.0/24", "dst": None, "proto": "tcp",
            "dport": "80-90,443", "dscp": 0},
         "action": {"type": "via", "via": ["10.0.0.9", "10.0.0.10"],
                    "dscp": None}, "fail": "open", "status": "active",
         "reason": ""},
        {"tenant": "acme", "name": "p", "priority": 2,
         "match": {"src": None}, "action": {"type": "drop", "via": None},
         "fail": "open", "status": "active", "reason": ""}], "next": None})
    lines = netctl("policy", "list", "acme").out.splitlines()
    assert lines[1].split()[:6] == [
        "acme", "fw", "10", "src=10.0.0.0/24,proto=tcp,dport=80-90,443,dscp=0",
        "via:10.0.0.9,10.0.0.10", "open"]
    assert lines[2].split()[:6] == ["acme", "p", "2", "-", "drop", "open"]


@pytest.mark.parametrize("options", [
    ("--host", "h2", "--migrate-from", "h1", "--migrate-end"),
    ("--host", "h1", "--no-host"), ("--guard", "--no-guard"),
    ("--ip", "10.0.0.7", "--no-ip")])
def test_options_that_contradict_each_other_are_refused(api, netctl,
                                                        options):
    done = netctl("port", "set", "acme/web/vm1", *options)
    assert done.status == 2 and "contradict each other" in done.err
    assert not api.requests


def test_set_of_nothing_is_a_usage_error(api, netctl):
    done = netctl("port", "set", "acme/web/vm1")
    assert done.status == 2 and "nothing to set" in done.err
    assert not api.requests


def test_each_kind_goes_to_its_own_path_with_its_own_members(api, netctl):
    cases = [
        ("zone add z1", "/v1/zones/z1", {}),
        ("host add h1 --zone z1 --vtep 192.0.2.1 --system-id s --mtu 1500",
         "/v1/hosts/h1", {"zone": "z1", "vtep": "192.0.2.1",
                          "system_id": "s", "mtu": 1500}),
        ("tenant add acme --router --quota-networks 3 --quota-ports 0",
         "/v1/tenants/acme", {"router": True, "quota_networks": 3,
                              "quota_ports": 0}),
        ("tenant add acme --router-vni 99", "/v1/tenants/acme",
         {"router_vni": 99}),
        ("network add acme/web --vni 16777215 --mtu 1400",
         "/v1/tenants/acme/networks/web", {"vni": 16777215, "mtu": 1400}),
        ("subnet add acme/web 10.0.0.0/24 --gateway none "
         "--range 10.0.0.10-10.0.0.20 --range 10.0.0.30-10.0.0.40",
         "/v1/tenants/acme/networks/web/subnets/10.0.0.0%2F24",
         {"gateway": "none", "ranges": [
             {"first": "10.0.0.10", "last": "10.0.0.20"},
             {"first": "10.0.0.30", "last": "10.0.0.40"}]}),
        ("subnet add acme/web/fd00::/64",
         "/v1/tenants/acme/networks/web/subnets/fd00%3A%3A%2F64", {}),
        ("subnet add acme/web 10.0.0.0/24 --no-route",
         "/v1/tenants/acme/networks/web/subnets/10.0.0.0%2F24",
         {"route": False}),
        ("route add acme 10.9.0.0/16 --via 10.0.0.5 --via 10.0.0.6",
         "/v1/tenants/acme/routes/10.9.0.0%2F16",
         {"via": ["10.0.0.5", "10.0.0.6"]}),
        ("route add acme/::/0 --via fd00::5",
         "/v1/tenants/acme/routes/%3A%3A%2F0", {"via": ["fd00::5"]}),
        ("policy add acme fw --priority 10 --match "
         "src=10.0.0.0/24,dst=10.1.0.0/24,proto=tcp,dport=80-90,443,dscp=3 "
         "--action via:10.0.0.9,10.0.0.10 --where hosts --fail closed",
         "/v1/tenants/acme/policies/fw",
         {"priority": 10, "match": {
             "src": "10.0.0.0/24", "dst": "10.1.0.0/24", "proto": "tcp",
             "dport": "80-90,443", "dscp": 3},
          "action": {"type": "via", "via": ["10.0.0.9", "10.0.0.10"]},
          "where": ["hosts"], "fail": "closed"}),
        ("policy add acme/p2 --priority 1 --action rate:1000 --match "
         "proto=47,network=web", "/v1/tenants/acme/policies/p2",
         {"priority": 1, "action": {"type": "rate", "rate_kbps": 1000},
          "match": {"proto": 47, "network": "web"}}),
        ("policy add acme p3 --priority 1 --action dscp:0",
         "/v1/tenants/acme/policies/p3",
         {"priority": 1, "action": {"type": "dscp", "dscp": 0}}),
        ("policy add acme p3 --priority 1 --action gateway",
         "/v1/tenants/acme/policies/p3",
         {"priority": 1, "action": {"type": "gateway"}}),
        ("zone add z1 --path border --border-host h1 --border-host h2 "
         "--budget-kbps 5", "/v1/zones/z1",
         {"path": "border", "border_hosts": ["h1", "h2"], "budget_kbps": 5}),
        ("tenant add acme --budget-kbps 7", "/v1/tenants/acme",
         {"budget_kbps": 7}),
        ("network add acme/web --path direct --bum-pps 9",
         "/v1/tenants/acme/networks/web", {"path": "direct", "bum_pps": 9}),
        ("port add acme/web/vm1 --rate-kbps 1 --rate-pps 2 --bum-pps 3",
         VM1_PATH, {"rate_kbps": 1, "rate_pps": 2, "bum_pps": 3}),
    ]
    for line, path, body in cases:
        api.requests.clear()
        api.replies = {f"PUT {path}": (201, {"name": "x", "revision": 1})}
        done = netctl(*line.split())
        assert (done.status, done.err) == (0, ""), line
        assert api.requests[0].body == body, line


def test_a_name_is_escaped_in_the_path(api, netctl):
    netctl("tenant", "show", "a b?c%d")
    assert api.requests[0].path == "/v1/tenants/a%20b%3Fc%25d"


@pytest.mark.parametrize("name", ["vm1", "acme/vm1", "acme/web/vm1/x",
                                  "acme//vm1", "/web/vm1", "acme/web/", ""])
def test_a_port_name_has_three_parts(api, netctl, name):
    done = netctl("port", "show", name)
    assert done.status == 2
    assert "TENANT/NETWORK/PORT" in done.err
    assert not api.requests


def test_show_as_json_is_the_object_of_the_api(api, netctl):
    api.replies[f"GET {VM1_PATH}"] = (200, VM1)
    done = netctl("-o", "json", "port", "show", "acme/web/vm1")
    assert done.status == 0 and json.loads(done.out) == VM1


def test_show_as_table_has_a_line_for_each_member(api, netctl):
    api.replies[f"GET {VM1_PATH}"] = (200, VM1)
    lines = netctl("port", "show", "acme/web/vm1").out.splitlines()
    assert ["IPS", "10.0.0.2,fd00::2"] in [line.split() for line in lines]
    assert ["IFACE-ID", "acme/web/vm1"] in [line.split() for line in lines]
    assert ["REASON", "-"] in [line.split() for line in lines]


def page_by_name(items):
    def reply(request):
        query = dict(q.split("=") for q in request.query.split("&"))
        start = int(query.get("after", "t0")[1:])
        last = start + 2 >= len(items)
        return 200, {"items": items[start:start + 2],
                     "next": None if last else f"t{start + 2}"}
    return reply


def test_list_follows_the_pages_and_gives_one_list(api, netctl):
    ports = [dict(VM1, name=f"vm{i}") for i in range(5)]
    api.replies["GET /v1/ports"] = page_by_name(ports)
    done = netctl("port", "list", "-o", "json")
    assert json.loads(done.out) == {"items": ports}
    assert len(api.requests) == 3
    assert netctl("port", "list", "-oname").out.split() == [
        f"acme/web/vm{i}" for i in range(5)]


def test_an_empty_list_is_a_list(api, netctl):
    api.replies["GET /v1/zones"] = (200, {"items": [], "next": None})
    assert json.loads(netctl("zone", "list", "-o", "json").out) == {
        "items": []}
    assert netctl("zone", "list", "-o", "yaml").out == "items: []\n"
    assert netctl("zone", "list").out.split()[0] == "NAME"
    assert netctl("zone", "list", "-o", "name").out == ""


def test_list_of_a_scope_with_filters(api, netctl):
    for path in ("/v1/tenants/acme/ports", "/v1/tenants/acme/networks",
                 "/v1/tenants/acme/networks/web/ports", "/v1/hosts"):
        api.replies[f"GET {path}"] = (200, {"items": []})
    for line in ("port list acme --status down --host h1",
                 "port list acme/web", "network list acme",
                 "host list --zone z1 --system-id s",
                 "port list acme --ip fd00::1 --mac 0a:00:00:00:00:01 "
                 "--iface-id x/y", "network list acme --vni 7"):
        assert netctl(*line.split()).status == 0
    assert "status=down&host=h1" in api.requests[0].query
    assert "zone=z1&system_id=s" in api.requests[3].query
    assert ("ip=fd00%3A%3A1&mac=0a%3A00%3A00%3A00%3A00%3A01&iface_id=x%2Fy"
            in api.requests[4].query)
    assert "vni=7" in api.requests[5].query


def test_a_list_that_does_not_end_is_an_error(api, netctl):
    api.replies["GET /v1/zones"] = (200, {"items": [{"name": "z"}],
                                          "next": "again"})
    done = netctl("zone", "list", "-o", "json")
    assert done.status == 1 and "does not end" in done.err


def test_del_prints_nothing_and_minds_if_exists(api, netctl):
    api.replies["DELETE /v1/zones/z1"] = (200, {"revision": 3})
    done = netctl("zone", "del", "z1")
    assert (done.status, done.out, done.err) == (0, "", "")
    done = netctl("zone", "del", "z2")
    assert done.status == 1
    assert done.err == "netctl: zone z2: there is no such thing\n"
    assert netctl("zone", "del", "z2", "--if-exists").status == 0


HOST = {"name": "h1", "zone": "z1", "draining": True, "status": "draining",
        "reason": "1 port is left", "n_ports": 1, "revision": 4}


def test_del_of_a_host_by_force_says_so(api, netctl):
    api.replies["DELETE /v1/hosts/h1"] = (200, {"revision": 3})
    assert netctl("host", "del", "h1", "--force").status == 0
    assert api.requests[0].query == "force=1"
    assert netctl("zone", "del", "z1", "--force").status == 2


def test_drain_lists_what_is_left_and_undo_shows_the_host(api, netctl):
    api.replies["PATCH /v1/hosts/h1"] = (200, HOST)
    api.replies["GET /v1/ports"] = (200, {"items": [VM1], "next": None})
    done = netctl("host", "drain", "h1", "-o", "name")
    assert (done.status, done.out) == (0, "acme/web/vm1\n")
    assert done.err == "netctl: host h1 is draining: 1 port is left\n"
    patch, ports = api.requests
    assert patch.body == {"draining": True}
    assert "host=h1" in ports.query
    done = netctl("host", "drain", "h1", "--wait=1")
    assert done.status == 4 and "1 port is left" in done.err
    del api.requests[:]
    done = netctl("host", "drain", "h1", "--undo")
    assert done.status == 0 and "h1" in done.out
    assert [r.body for r in api.requests] == [{"draining": False}]
    done = netctl("host", "drain", "h2")
    assert done.status == 1 and "h2" in done.err


def test_drain_waits_until_nothing_is_left(api, netctl):
    left = [[VM1], [VM1], []]
    api.replies["PATCH /v1/hosts/h1"] = (200, HOST)
    api.replies["GET /v1/ports"] = lambda _request: (200, {
        "items": left.pop(0) if left else [], "next": None})
    done = netctl("host", "drain", "h1", "--wait")
    assert done.status == 0 and not left
    assert done.err == "netctl: host h1 is draining: 0 ports are left\n"


def test_reset_forgets_what_the_host_told(api, netctl):
    api.replies["PATCH /v1/hosts/h1"] = (200, HOST)
    done = netctl("host", "reset", "h1")
    assert done.status == 0 and "h1" in done.out
    assert api.requests[0].body == {"system_id": None, "vtep": None,
                                    "mtu": None, "datapath": None}
    assert netctl("host", "reset", "h2").status == 1


def test_a_refusal_names_the_object_and_says_why(api, netctl):
    api.replies[f"PUT {VM1_PATH}"] = error(
        409, "exists", "ips", "10.0.0.2 already belongs to port acme/web/a")
    done = netctl("port", "add", "acme/web/vm1", "--ip", "10.0.0.2")
    assert done.status == 1 and done.out == ""
    assert done.err == ("netctl: port acme/web/vm1: 10.0.0.2 already belongs "
                        "to port acme/web/a\n")
    api.replies[f"PUT {VM1_PATH}"] = error(
        412, "precondition_failed", "",
        "port acme/web/vm1 already exists and differs")
    done = netctl("port", "add", "acme/web/vm1")
    assert done.status == 1
    assert done.err == ('netctl: port acme/web/vm1 already exists and differs; '
                        '"set" changes it, --may-exist replaces it\n')


@pytest.mark.parametrize("status, reply", [
    (502, b"<html>bad gateway</html>"), (500, None), (404, {"x": 1}),
    (301, None), (403, [])])
def test_an_error_without_reason_is_still_an_error(api, netctl, status,
                                                   reply):
    api.replies["GET /v1/zones/z"] = (status, reply)
    done = netctl("zone", "show", "z")
    assert done.status == 1 and str(status) in done.err


def test_a_reply_that_is_no_json_is_no_controller(api, netctl):
    for reply in (b"hello", b"{", b'"x"', b"[1"):
        api.replies["GET /v1/zones/z"] = (200, reply)
        assert netctl("zone", "show", "z").status == 3
    api.replies["GET /v1/zones"] = (200, {"no": "items"})
    assert netctl("zone", "list").status == 3


def test_nobody_listening_is_exit_status_3(tmp_path, netctl):
    for addr in (f"unix:{tmp_path}/nothing", "tcp:127.0.0.1:1"):
        done = netctl("-s", addr, "port", "list")
        assert done.status == 3 and addr in done.err


def test_a_silent_controller_is_given_up(api, netctl):
    over = threading.Event()
    api.replies["PUT /v1/zones/z"] = lambda r: over.wait(10) and None
    start = time.monotonic()
    done = netctl("--timeout", "1", "zone", "add", "z")
    over.set()
    assert done.status == 3 and time.monotonic() - start < 5
    assert "not known" in done.err


def test_wait_asks_to_wait_and_tells_committed_from_realized(api, netctl):
    api.replies[f"PUT {VM1_PATH}"] = (200, VM1)
    assert netctl("port", "add", "acme/web/vm1", "--wait=5").status == 0
    assert api.requests[0].query == "wait=5"
    assert netctl("port", "add", "acme/web/vm1", "--wait").status == 0
    assert api.requests[1].query == "wait=30"
    api.replies[f"PUT {VM1_PATH}"] = (202, dict(
        VM1, status="pending", reason="no interface"))
    done = netctl("-o", "json", "port", "add", "acme/web/vm1", "--wait=1")
    assert done.status == 4
    assert json.loads(done.out)["status"] == "pending"
    assert "pending, no interface" in done.err


def test_dry_run_prints_the_plan_and_no_object(api, netctl):
    plan = {"dry_run": True, "created": 1, "changed": 0, "deleted": 0,
            "unchanged": 0, "results": [VM1],
            "hosts": [{"name": "h1", "flows_added": 9, "flows_removed": 0}]}
    api.replies[f"PUT {VM1_PATH}"] = (200, plan)
    done = netctl("port", "add", "acme/web/vm1", "--dry-run", "-o", "json")
    assert api.requests[0].query == "dry_run=1"
    assert done.status == 0 and json.loads(done.out) == plan
    assert netctl("port", "add", "acme/web/vm1",
                  "--dry-run").out.splitlines() == [
        "created 1, changed 0, deleted 0, unchanged 0",
        "HOST  FLOWS-ADDED  FLOWS-REMOVED", "h1    9            0"]


@pytest.mark.parametrize("line, hint", [
    ("prot list", "port"), ("port lst", "list"), ("nework list", "network"),
    ("port add a/b/c --hots h", "--host"), ("-o jsn port list", "json"),
    ("port list --stauts down", "--status"), ("statsu", "status"),
    ("port create", "add"), ("port delete", "del"), ("port rm", "del"),
    ("port get", "show"), ("port ls", "list")])
def test_a_slip_gets_a_suggestion(netctl, line, hint):
    done = netctl(*line.split())
    assert done.status == 2
    assert f'did you mean "{hint}"' in done.err


@pytest.mark.parametrize("line", [
    "", "port", "port add", "port show a/b/c d", "port list a/b c",
    "port add a/b/c --mac", "port list --status", "zone add z --wait=x",
    "network add a/b --vni x", "network add a/b --vni -1",
    "network add a/b --vni 1.5", "network add a/b --vni 99999999999999999999",
    "subnet add a/b 10.0.0.0/24 --range 10.0.0.1", "-x", "--version=1",
    "-s host:1 zone list", "-s tcp:example.org:80 zone list",
    "-s tcp:127.0.0.1 zone list", "-s tcp:127.0.0.1:0 zone list",
    "-s tls:127.0.0.1:1 zone list", "-s unix: zone list",
    "--timeout 0 zone list", "watch --since x", "apply", "completion zsh",
    "zone set z --if-match x --description y"])
def test_what_is_not_understood_is_exit_status_2(api, netctl, line):
    done = netctl(*line.split())
    assert done.status == 2, done.err
    assert done.err.startswith("netctl: ") and done.err.count("\n") == 1
    assert not api.requests


def test_words_after_two_dashes_are_no_options(api, netctl):
    netctl("zone", "show", "--", "-z")
    assert api.requests[0].path == "/v1/zones/-z"


def test_help_at_every_level_needs_no_controller(netctl):
    for line in ("--help", "port --help", "port add --help", "apply -h",
                 "help", "help port add"):
        done = netctl("-s", "unix:/nowhere", *line.split())
        assert done.status == 0 and done.out.startswith("Usage: netctl")
        assert max(map(len, done.out.splitlines())) < 80
    assert netctl("--version").out.startswith("netctl (vxfabric) ")


def test_tcp_works_as_the_unix_socket_does():
    with fake_api.serving(fake_api.FakeTcpApi()) as server:
        server.replies["GET /v1/zones"] = (200, {"items": []})
        netctl = conftest.Netctl("unix:/nowhere")
        addr = f"tcp:127.0.0.1:{server.server_address[1]}"
        assert netctl("-s", addr, "zone", "list").status == 0


def test_output_that_cannot_be_written_is_not_success(api, netctl):
    api.replies["GET /v1/zones"] = (200, {"items": []})
    with open("/dev/full", "w") as full:
        done = subprocess.run([conftest.NETCTL, "zone", "list"], stdout=full,
                              env=netctl.env, stderr=subprocess.PIPE,
                              check=False)
    assert done.returncode == 1 and b"could not be written" in done.stderr


def test_what_drives_a_terminal_is_escaped(api, netctl):
    evil = {"name": "z", "description": "\x1b[2J\n\u009bx", "revision": 1}
    api.replies["GET /v1/zones"] = (200, {"items": [evil]})
    for form in ("table", "json", "yaml", "name"):
        out = netctl("-o", form, "zone", "list").out
        assert "\x1b" not in out and "\u009b" not in out


# --- apply

def test_apply_sends_a_batch_as_it_is(api, netctl, tmp_path):
    api.replies["POST /v1/batch"] = (200, {"revision": 9})
    text = '[{"op":"PUT","path":"/v1/zones/z","body":{}}, \n {"op":"DELETE"}]'
    (tmp_path / "f").write_text(text)
    assert netctl("apply", "-f", str(tmp_path / "f")).status == 0
    assert netctl("apply", "-f", "-", stdin=text).status == 0
    assert [r.raw.decode() for r in api.requests] == [text, text]
    api.replies["POST /v1/batch"] = (200, {"revision": 9,
                                           "results": [{}, {}]})
    assert netctl("apply", "-f", "-",
                  stdin=text).out == "revision 9, operations 2\n"


def test_apply_makes_puts_of_a_declarative_document(api, netctl):
    api.replies["POST /v1/batch"] = (200, {"revision": 9})
    netctl("apply", "-f", "-", "--dry-run", stdin=json.dumps({"items": [
        {"path": "/v1/zones/z", "body": {"description": "x"}},
        {"path": "/v1/zones/y", "op": "DELETE"}]}))
    assert api.requests[0].query == "dry_run=1"
    assert api.requests[0].body == [
        {"path": "/v1/zones/z", "body": {"description": "x"}, "op": "PUT"},
        {"path": "/v1/zones/y", "op": "DELETE"}]


@pytest.mark.parametrize("text, why", [
    ("", "line 1: not JSON"), ("[\n{]", "line 2: not JSON"),
    ("{}", "neither"), ("3", "neither"), ("[] []", "not JSON"),
    ('{"items":[{"path":"/v1/zones/z"},{}]}', "items[1]"),
    ('{"items":[3]}', "items[0]"), ("[" * 5000, "not JSON"),
    ("[" + " " * (8 << 20) + "]", "larger than")],
    ids=["empty", "line", "object", "number", "rest", "item", "item-type",
         "deep", "large"])
def test_apply_refuses_what_is_no_batch(api, netctl, text, why):
    done = netctl("apply", "-f", "-", stdin=text)
    assert done.status == 1 and why in done.err
    assert not api.requests


def test_apply_tells_which_operation_is_at_fault(api, netctl):
    api.replies["POST /v1/batch"] = error(400, "invalid", "[3].body.mtu",
                                          "99 is too small")
    done = netctl("apply", "-f", "-", stdin="[]")
    assert done.status == 1
    assert done.err == "netctl: [3].body.mtu: 99 is too small\n"
    done = netctl("apply", "-f", "/no/such/file")
    assert done.status == 1 and "/no/such/file" in done.err


# --- watch

def line(revision, op, name):
    return json.dumps({"revision": revision, "op": op,
                       "path": f"/v1/zones/{name}"}).encode() + b"\n"


def test_watch_resumes_a_broken_stream_without_loss_or_repeat(api, netctl):
    streams = [
        [line(5, "PUT", "a"), line(6, "PUT", "b"), line(6, "PUT", "c"),
         line(6, "PUT", "d")[:9]],
        [line(6, "PUT", "b"), line(6, "PUT", "c"), line(6, "PUT", "d"),
         b'{"revision":6,"op":"heartbeat"}\n'],
        [line(7, "DELETE", "a")],
    ]
    api.replies["GET /v1/watch"] = lambda r: (
        (200, streams.pop(0)) if streams
        else error(410, "gone", "since", "revision 6 is no longer kept"))
    done = netctl("watch", "--since", "4", "-o", "json")
    told = [(e["revision"], e["path"][-1])
            for e in map(json.loads, done.out.splitlines())]
    assert told == [(5, "a"), (6, "b"), (6, "c"), (6, "d"), (7, "a")]
    assert [r.query for r in api.requests] == [
        "since=4", "since=5", "since=6", "since=6"]
    assert done.status == 1 and "no longer kept" in done.err
    assert done.err.count("lost the controller") == 3


def test_watch_prints_a_line_for_each_event(api, netctl):
    status = {"revision": 2, "op": "status", "path": VM1_PATH,
              "status": "pending", "reason": "no interface"}
    event = {"revision": 2, "op": "event", "event": "vni-exhaustion",
             "free": 0}
    streams = [[line(1, "PUT", "a") + json.dumps(status).encode() + b"\n",
                json.dumps(event).encode() + b"\n"]]
    api.replies["GET /v1/watch"] = lambda r: (
        (200, streams.pop()) if streams else error(403, "forbidden", "", "x"))
    assert netctl("watch").out.splitlines() == [
        "1  PUT  zone a",
        "2  status  port acme/web/vm1  pending: no interface",
        "2  event  vni-exhaustion free=0"]


def test_watch_tells_why_the_controller_ended_the_stream(api, netctl):
    ended = json.dumps(error(0, "busy", "", "too slow")[1]).encode() + b"\n"
    streams = [[line(1, "PUT", "a"), ended], [line(2, "PUT", "b")]]
    api.replies["GET /v1/watch"] = lambda r: (
        (200, streams.pop(0)) if streams
        else error(403, "forbidden", "", "x"))
    done = netctl("watch", "-oname")
    assert done.out.split() == ["a", "b"] and "too slow" in done.err


def test_watch_of_nobody_is_told_at_once(netctl, tmp_path):
    assert netctl("-s", f"unix:{tmp_path}/no", "watch").status == 3


# --- status, completion

def lists(api, **items):
    for plural in ("zones", "hosts", "tenants", "networks", "subnets",
                   "ports", "gateways", "refused-hosts"):
        api.replies[f"GET /v1/{plural}"] = (
            200, {"items": items.get(plural, [])})


def test_status_names_what_is_not_active(api, netctl):
    api.replies["GET /v1"] = (200, {"version": "0.1"})
    api.replies["GET /healthz"] = (200, {"status": "ok", "revision": 12})
    lists(api, hosts=[{"name": "h1", "status": "active"}], ports=[
        VM1, dict(VM1, name="vm2", status="pending", reason="no host")])
    out = netctl("status").out
    assert "acme/web/vm2" in out and "acme/web/vm1" not in out
    assert "active 1" in out and "pending 1" in out and "h1" in out
    doc = json.loads(netctl("status", "-o", "json").out)
    assert doc["counts"]["ports"] == 2
    assert doc["port_states"] == {"active": 1, "pending": 1}
    assert doc["controller"] == {"status": "ok", "revision": 12,
                                 "version": "0.1"}


def test_status_of_a_sick_controller_is_shown_and_not_success(api, netctl):
    api.replies["GET /v1"] = (200, {"version": "0.1"})
    api.replies["GET /healthz"] = (503, {"status": "unhealthy",
                                         "reason": "disk full"})
    lists(api)
    done = netctl("status")
    assert done.status == 1 and "disk full" in done.out


def completions(netctl, *words):
    return netctl("__complete", *words).out.splitlines()


def test_completion_knows_the_table_and_the_names(api, netctl):
    lists(api, tenants=[{"name": "acme"}, {"name": "bolt"}],
          hosts=[{"name": "h1"}])
    api.replies["GET /v1/tenants/acme/networks"] = (
        200, {"items": [{"tenant": "acme", "name": "web"}]})
    api.replies["GET /v1/tenants/acme/networks/web/ports"] = (
        200, {"items": [VM1]})
    api.replies["GET /v1/tenants/acme/networks/web/subnets"] = (
        200, {"items": [{"tenant": "acme", "network": "web",
                         "name": "10.0.0.0/24"}]})
    assert completions(netctl, "po") == ["port", "policy"]
    assert completions(netctl, "policy", "add", "") == ["acme", "bolt"]
    assert completions(netctl, "policy", "add", "acme", "x", "--fail", "") == [
        "open", "closed"]
    assert completions(netctl, "port", "s") == ["set", "show"]
    assert completions(netctl, "-o", "") == ["table", "json", "yaml", "name"]
    assert "--iface-id" in completions(netctl, "port", "add", "--i")
    assert completions(netctl, "port", "show", "") == ["acme/", "bolt/"]
    assert completions(netctl, "port", "show", "acme/") == ["acme/web/"]
    assert completions(netctl, "port", "show", "acme/web/") == [
        "acme/web/vm1"]
    assert completions(netctl, "port", "add", "acme/web/") == []
    assert completions(netctl, "port", "add", "a/b/c", "--host", "") == ["h1"]
    assert completions(netctl, "subnet", "del", "acme/web", "") == [
        "10.0.0.0/24"]
    assert completions(netctl, "network", "show", "acme/w") == ["acme/web"]
    assert "--zone" in completions(netctl, "host", "join", "--")


def test_completion_without_controller_is_silent(netctl, tmp_path):
    done = netctl("__complete", "-s", f"unix:{tmp_path}/no", "port", "show",
                  "")
    assert (done.status, done.out, done.err) == (0, "", "")


def test_the_bash_script_completes_in_bash(api, netctl, tmp_path):
    lists(api, tenants=[{"name": "acme"}])
    bin_dir = os.path.dirname(os.path.abspath(conftest.NETCTL))
    env = dict(netctl.env, PATH=f"{bin_dir}:{os.environ['PATH']}")
    script = ('eval "$(netctl completion bash)"; compopt() { :; }; '
              'COMP_LINE="netctl port show a"; COMP_POINT=${#COMP_LINE}; '
              '_netctl; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script], env=env, text=True,
                          stdout=subprocess.PIPE, check=True)
    assert done.stdout == "acme/\n"


RUN = {"id": 7, "hook": "host-active/10-log", "state": "dead", "seq": 3,
       "event": "host-active", "object": "h1", "attempts": 12,
       "event_time": "2026-01-31T12:00:00.000Z",
       "time": "2026-01-31T12:18:00.000Z", "result": "exit status 1",
       "output": "no\x1b[31m"}


def test_hook_log_asks_with_its_filters_and_names_runs(api, netctl):
    api.replies["GET /v1/hook-runs"] = (200, {"items": [RUN], "next": None})
    done = netctl("hook", "log", "--state", "dead", "--hook",
                  "http://x/y?z")
    assert done.status == 0 and "exit status 1" in done.out
    assert "state=dead" in api.requests[0].query
    assert "hook=http%3A%2F%2Fx%2Fy%3Fz" in api.requests[0].query
    assert netctl("hook", "log", "-o", "name").out == "7\n"


def test_hook_retry_dead_retries_each_oldest_first(api, netctl):
    api.replies["GET /v1/hook-runs"] = (200, {
        "items": [dict(RUN, id=number) for number in (9, 8, 7)],
        "next": None})
    for number in (7, 9):       # 8 is gone meanwhile: 404
        api.replies[f"POST /v1/hook-runs/{number}/retry"] = (
            202, {"id": number, "state": "waiting"})
    assert netctl("hook", "retry", "dead").status == 0
    assert [request.path.split("/")[3] for request in api.requests[1:]] == [
        "7", "8", "9"]


def test_hook_test_tells_the_event_and_refuses_what_the_api_refuses(
        api, netctl):
    api.replies["POST /v1/hooks/drift/test"] = (
        202, {"seq": 5, "event": "drift", "runs": 2})
    done = netctl("hook", "test", "drift")
    assert done.status == 0 and "runs: 2" in done.out
    assert netctl("hook", "test", "nothing").status == 1
    assert netctl("hook", "test").status == 2


FINDING = {"id": 3, "host": "h1", "bridge": "br-fabric", "kind": "flow",
           "what": "missing", "state": "open", "object": "port acme/web/vm1",
           "row": "table=30 actions=drop", "found": "", "times": 1,
           "since": "2026-01-31T12:00:00.000Z",
           "seen": "2026-01-31T12:00:00.000Z", "over": None}


def report(found, repaired=0, result="ok"):
    left = found - repaired
    return {"complete": True, "left_out": 0, "next": None,
            "items": [dict(FINDING, state="open" if left else "repaired")
                      for _ in range(found)],
            "hosts": [{"host": "h1", "state": "idle", "result": result,
                       "audited": None, "took_ms": 3, "rows": 50,
                       "found": found, "repaired": repaired, "open": left}]}


def test_audit_exits_with_what_it_finds(api, netctl):
    api.replies["POST /v1/audit"] = (200, report(0))
    done = netctl("audit", "h1")
    assert done.status == 0 and "0 differences" in done.err
    assert "host=h1" in api.requests[0].query
    assert "wait=60" in api.requests[0].query
    api.replies["POST /v1/audit"] = (200, report(1))
    done = netctl("audit")
    assert done.status == 4 and "port acme/web/vm1" in done.out
    assert "repair" not in api.requests[1].query
    api.replies["POST /v1/audit"] = (200, report(1, 1))
    done = netctl("audit", "--repair", "--wait", "5")
    assert done.status == 0 and "1 repaired, 0 left" in done.err
    assert "repair=1" in api.requests[2].query
    assert "wait=5" in api.requests[2].query
    api.replies["POST /v1/audit"] = (200, report(
        0, result="br-tenant is not connected"))
    done = netctl("audit")
    assert done.status == 1 and "not connected" in done.err
    api.replies["POST /v1/audit"] = (202, dict(report(0), complete=False))
    assert netctl("audit").status == 1


def test_audit_tells_gateways_and_names_those_away(api, netctl):
    gateway = {"gateway": "g1", "host": "gw1", "state": "idle",
               "result": "not answered within 10 s",
               "audited": "2026-01-31T12:00:00.000Z", "took_ms": 3,
               "rows": 5, "found": 0, "repaired": 0, "open": 0, "parts": []}
    api.replies["POST /v1/audit"] = (200, dict(report(0),
                                               gateways=[gateway]))
    done = netctl("audit")
    assert done.status == 1
    assert ("audit of gateway g1: not answered within 10 s; last look at "
            "2026-01-31T12:00:00.000Z") in done.err
    assert "1 host, 0 gateways audited, 55 rows" in done.err
    found = dict(FINDING, host="gw1", gateway="g1", bridge="", kind="zebra",
                 what="foreign", row="route 198.18.0.0/24 in vx7")
    api.replies["POST /v1/audit"] = (200, dict(
        report(0), items=[found], hosts=[],
        gateways=[dict(gateway, result="ok", found=1, open=1)]))
    done = netctl("audit", "--gateway", "g1")
    assert done.status == 4
    assert api.requests[1].query.startswith("gateway=g1")
    line = done.out.splitlines()[1]
    assert line.split()[:5] == ["gw1", "g1", "zebra", "zebra", "foreign"]
    assert "route 198.18.0.0/24 in vx7" in line
    assert "0 hosts, 1 gateway audited" in done.err
    done = netctl("audit", "gw1", "--gateway", "g1")
    assert done.status == 2 and "not both" in done.err


def test_audit_known_only_asks_what_is_known(api, netctl):
    api.replies["GET /v1/audit"] = (200, report(1))
    assert netctl("audit", "--known").status == 4
    assert api.requests[0].query == "state=open"
    assert netctl("audit", "--known", "--all", "h1").status == 4
    assert api.requests[1].query == "host=h1"
    assert netctl("audit", "--known", "--repair").status == 2


def traffic(local, zone, cross):
    return {"local_bytes": local, "zone_bytes": zone, "cross_bytes": cross,
            "local_bps": local * 8, "zone_bps": zone * 8,
            "cross_bps": cross * 8}


LOCALITY = {"items": [dict(traffic(7500000, 2000000, 500000), tenant="acme",
                           network="web", zone="z1"),
                      dict(traffic(0, 0, 0), tenant="acme", network="web",
                           zone="z2")],
            "totals": traffic(7500000, 2000000, 500000), "complete": True,
            "left_out": 0}


def test_top_locality_is_json_for_programs_and_shares_for_people(api, netctl):
    api.replies["GET /v1/locality"] = (200, LOCALITY)
    done = netctl("-o", "json", "top", "locality", "--tenant", "acme")
    assert done.status == 0 and json.loads(done.out) == LOCALITY
    assert api.requests[0].query == "tenant=acme"
    done = netctl("top", "locality", "--tenant", "acme", "--network", "web",
                  "--zone", "z1")
    assert api.requests[1].query == "tenant=acme&network=web&zone=z1"
    lines = done.out.splitlines()
    assert lines[0].split() == ["TENANT", "NETWORK", "ZONE", "BYTES", "LOCAL",
                                "IN-ZONE", "CROSS", "RATE", "CROSS-RATE"]
    assert lines[1].split("  ")[0] == "acme"
    assert "10 MB" in lines[1] and "75.0 %" in lines[1]
    assert "20.0 %" in lines[1] and "5.0 %" in lines[1]
    assert "80 Mbit/s" in lines[1] and "4.0 Mbit/s" in lines[1]
    assert lines[3].startswith("(all)")
    assert netctl("top", "locality", "acme").status == 2


def test_top_locality_says_when_hosts_did_not_answer(api, netctl):
    api.replies["GET /v1/locality"] = (200, dict(LOCALITY, complete=False))
    done = netctl("top", "locality")
    assert done.status == 0 and "not all hosts" in done.err
    api.replies["GET /v1/locality"] = (404, {"error": {
        "code": "not_found", "field": "name", "message": "no tenant"}})
    assert netctl("top", "locality", "--tenant", "x").status == 1


def test_top_bursts_tells_who_what_and_how_much(api, netctl):
    burst = {"id": 1, "state": "active", "kind": "port",
             "object": "acme/web/vm1", "tenant": "acme", "network": "web",
             "host": "h1", "zone": "z1", "budget": "out_kbps", "rate": 1000,
             "unit": "kbit/s", "dropped_packets": 812,
             "offered_packets": 1400, "offered_bytes": 2000000,
             "offered_bps": 1600000, "offered_pps": 140,
             "since": "2026-01-31T12:00:00.123Z",
             "last": "2026-01-31T12:00:10.123Z", "duration_ms": 10000}
    api.replies["GET /v1/bursts"] = (200, {"items": [burst], "next": None})
    line = netctl("top", "bursts").out.splitlines()[1]
    for part in ("acme/web/vm1", "out_kbps", "1.0 Mbit/s", "1.6 Mbit/s",
                 "812", "10 s"):
        assert part in line, (part, line)
    assert netctl("top", "bursts", "--active").status == 0
    assert api.requests[-1].query == "state=active"
    done = netctl("-o", "json", "top", "bursts")
    assert json.loads(done.out)["items"] == [burst]
