# SPDX-License-Identifier: Apache-2.0
"""What a clumsy or hostile caller sends: each gets its clear error (status,
code, field, a message that names the object or value) and changes nothing."""
import concurrent.futures
import json

import intent
import pytest
from lab import request

WEB = "/v1/tenants/acme/networks/web"
VM1, VM3 = f"{WEB}/ports/vm1", f"{WEB}/ports/vm3"
NET2 = "/v1/tenants/acme/networks/net2"
ROUTE = "/v1/tenants/acme/routes/10.9.0.0%2F16"
POLICY = "/v1/tenants/acme/policies/fw"
P2 = "/v1/tenants/acme/policies/p2"
DROP = {"type": "drop"}
PUT, GET, DELETE, POST = "PUT", "GET", "DELETE", "POST"


@pytest.fixture(scope="module")
def api(controller):
    """A connection to a controller that has something to lose."""
    with intent.Api(controller.api) as one:
        one.put("/v1/zones/z1")
        one.put("/v1/zones/empty")
        one.put("/v1/hosts/h1", zone="z1", vtep="192.0.2.1", mtu=1600,
                system_id="one")
        one.put("/v1/tenants/acme", quota_ports=4)
        one.put("/v1/tenants/other", quota_networks=1)
        one.put("/v1/tenants/other/networks/only", vni=777)
        one.put(WEB, vni=100)
        one.put(f"{WEB}/subnets/10.0.0.0%2F24")
        one.put(f"{WEB}/subnets/10.1.0.0%2F30", ranges=[])
        one.put(f"{WEB}/subnets/fd00::%2F64")
        one.put(VM1, mac="02:00:00:00:00:01", ips=["10.0.0.10", "fd00::10"],
                host="h1")
        one.put(f"{WEB}/ports/vm2", mac="02:00:00:00:00:02",
                ips=["10.0.0.11"])
        one.put(ROUTE, via=["10.0.0.10"])
        one.put(POLICY, priority=5, match={"network": "web"},
                action={"type": "via", "via": ["10.0.0.11"]})
        one.put("/v1/zones/z1", border_hosts=["h1"])
        yield one


def nested(depth):
    return b'{"description":' + b"[" * depth + b"]" * depth + b"}"


# (what is wrong, method, path, body, status, code, field, words of message)
CASES = [
    # -- JSON that is none
    ("an unclosed object", PUT, VM3, b'{"mac":', 400, "invalid", "body",
     "malformed JSON"),
    ("a trailing comma", PUT, VM3, b'{"host":"h1",}', 400, "invalid", "body",
     "malformed"),
    ("two values", PUT, VM3, b"{} {}", 400, "invalid", "body", "follows"),
    ("single quotes", PUT, VM3, b"{'host':'h1'}", 400, "invalid", "body",
     "malformed"),
    ("a comment", PUT, VM3, b"{} // no", 400, "invalid", "body", "malformed"),
    ("a byte order mark", PUT, VM3, b"\xef\xbb\xbf{}", 400, "invalid",
     "body", "malformed"),
    ("UTF-16", PUT, VM3, "{}".encode("utf-16"), 400, "invalid", "body",
     "malformed"),
    ("invalid UTF-8", PUT, VM3, b'{"description":"\xc3\x28"}', 400,
     "invalid", "body", "UTF-8"),
    ("an overlong NUL", PUT, VM3, b'{"description":"\xc0\x80"}', 400,
     "invalid", "body", "UTF-8"),
    ("an escaped NUL", PUT, VM3, b'{"iface_id":"a\\u0000b"}', 400,
     "invalid", "body", "NUL"),
    ("a raw NUL", PUT, VM3, b'{"iface_id":"a\0b"}', 400, "invalid", "body",
     "control"),
    ("a lone surrogate", PUT, VM3, b'{"description":"\\ud800"}', 400,
     "invalid", "body", "surrogate"),
    ("a member twice", PUT, VM3, b'{"host":"h1","host":"h1"}', 400,
     "invalid", "host", "twice"),
    ("a member twice, once escaped", PUT, VM3,
     b'{"host":"h1","\\u0068ost":"h1"}', 400, "invalid", "host", "twice"),
    ("a leading zero", PUT, NET2, b'{"vni":01}', 400, "invalid", "body",
     "malformed"),
    ("NaN", PUT, NET2, b'{"vni":NaN}', 400, "invalid", "body", "malformed"),
    ("a number without end", PUT, NET2, b'{"vni":' + b"1" * 100 + b"}", 400,
     "invalid", None, ""),
    # -- JSON of another shape
    ("an array", PUT, VM3, b"[]", 400, "invalid", "body", "object"),
    ("a string", PUT, VM3, b'"vm3"', 400, "invalid", "body", "object"),
    ("null", PUT, VM3, b"null", 400, "invalid", "body", "object"),
    ("an unknown member", PUT, VM3, {"colour": "red"}, 400, "invalid",
     "colour", "colour"),
    ("a member with another case", PUT, VM3, {"Host": "h1"}, 400, "invalid",
     "Host", "Host"),
    ("a number for a string", PUT, VM3, {"mac": 5}, 400, "invalid", "mac",
     "string"),
    ("a string for a number", PUT, NET2, {"vni": "5"}, 400, "invalid", "vni",
     "number"),
    ("a fraction", PUT, NET2, b'{"vni":5.5}', 400, "invalid", "vni", ""),
    ("a boolean for a number", PUT, NET2, {"vni": True}, 400, "invalid",
     "vni", ""),
    ("a negative number", PUT, NET2, {"vni": -1}, 400, "invalid", "vni", ""),
    ("a string for a boolean", PUT, VM3, {"guard": "no"}, 400, "invalid",
     "guard", ""),
    ("a string for a list", PUT, VM3, {"ips": "10.0.0.20"}, 400, "invalid",
     "ips", ""),
    ("a list with a number", PUT, VM3, {"ips": [10]}, 400, "invalid", "ips",
     ""),
    ("an object for a string", PUT, VM3, {"host": {}}, 400, "invalid",
     "host", ""),
    ("another VNI than the network's", PUT, VM3, {"vni": 999}, 400,
     "invalid", "vni", "read-only"),
    ("another name than that of the path", PUT, VM3, {"name": "vm4"}, 400,
     "invalid", "name", "read-only"),
    ("an old revision in the body", PUT, VM1, {"revision": 1}, 412,
     "precondition_failed", None, "vm1"),
    # -- Too much
    ("too deep nesting", PUT, VM3, nested(17), 413, "too_large", "body",
     "nested"),
    ("far too deep nesting", PUT, VM3, nested(50000), 413, "too_large",
     "body", "nested"),
    ("a huge body", PUT, VM3, b'{"description":"' + b"x" * 300000 + b'"}',
     413, "too_large", "body", ""),
    ("too many members", PUT, VM3,
     {f"m{i}": i for i in range(100)}, 413, "too_large", "body", "members"),
    ("too long a description", PUT, VM3, {"description": "x" * 256}, 400,
     "invalid", "description", "255"),
    ("too many addresses", PUT, VM3,
     {"ips": [f"10.0.0.{n}" for n in range(20, 60)]}, 400, "invalid", "ips",
     "32"),
    ("too long an iface-id", PUT, VM3, {"iface_id": "x" * 256}, 400,
     "invalid", "iface_id", "255"),
    ("an iface-id with a newline", PUT, VM3, {"iface_id": "a\nb"}, 400,
     "invalid", "iface_id", "printable"),
    # -- Names and paths
    ("a name that begins with a dot", PUT, f"{WEB}/ports/.vm", {}, 400,
     "invalid", "name", ".vm"),
    ("a name with a space", PUT, f"{WEB}/ports/v%20m", {}, 400, "invalid",
     "name", "v m"),
    ("a name with a slash", PUT, f"{WEB}/ports/a%2Fb", {}, 400, "invalid",
     "name", "a/b"),
    ("a name with a NUL", PUT, f"{WEB}/ports/a%00b", {}, 400, "invalid",
     "path", "control"),
    ("a name in another script", PUT, f"{WEB}/ports/%D0%B0", {}, 400,
     "invalid", "name", ""),
    ("a name that is not UTF-8", PUT, f"{WEB}/ports/a%ff", {}, 400,
     "invalid", "name", ""),
    ("a name of 64 letters", PUT, f"{WEB}/ports/{'x' * 64}", {}, 400,
     "invalid", "name", "63"),
    ("a percent sign alone", PUT, f"{WEB}/ports/a%", {}, 400, "invalid",
     "path", "%25"),
    ("a wrong escape", PUT, f"{WEB}/ports/a%zz", {}, 400, "invalid", "path",
     "hexadecimal"),
    ("a path of 600 bytes", PUT, f"{WEB}/ports/{'x' * 600}", {}, 400,
     "invalid", "path", "511"),
    ("a path that climbs", PUT, "/v1/tenants/../tenants/evil", {}, 404,
     "not_found", "path", ""),
    ("an empty name", PUT, "/v1/tenants//networks/x", {}, 404, "not_found",
     "path", ""),
    ("an unknown collection", PUT, "/v1/tenant/evil", {}, 404, "not_found",
     "path", "/v1/tenant/evil"),
    ("another version", PUT, "/v2/tenants/evil", {}, 404, "not_found",
     "path", "/v2"),
    ("a port without its network in the path", PUT, "/v1/ports/vm3", {},
     None, None, None, ""),
    # -- Things that do not exist
    ("a tenant that does not exist", PUT, "/v1/tenants/nobody/networks/x", {},
     404, "not_found", "tenant", "nobody"),
    ("a network that does not exist", PUT,
     "/v1/tenants/acme/networks/none/ports/x", {}, 404, "not_found",
     "network", "none"),
    ("a host that does not exist", PUT, VM3, {"host": "h9"}, 404,
     "not_found", "host", "h9"),
    ("a zone that does not exist", PUT, "/v1/hosts/h2", {"zone": "z9"}, 404,
     "not_found", "zone", "z9"),
    ("a host without a zone", PUT, "/v1/hosts/h2", {}, 400, "invalid", "zone",
     "zone"),
    ("reading what is not there", GET, VM3, None, 404, "not_found", "name",
     "vm3"),
    ("deleting what is not there", DELETE, VM3, None, 404, "not_found",
     "name", "vm3"),
    # -- Addresses
    ("no CIDR", PUT, f"{WEB}/subnets/10.2.0.0", {}, 400, "invalid", "name",
     "10.2.0.0"),
    ("a CIDR with host bits", PUT, f"{WEB}/subnets/10.2.0.1%2F24", {}, 400,
     "invalid", "name", "10.2.0.1/24"),
    ("a CIDR of 33 bits", PUT, f"{WEB}/subnets/10.2.0.0%2F33", {}, 400,
     "invalid", "name", "10.2.0.0/33"),
    ("an IPv6 CIDR that is not canonical", PUT,
     f"{WEB}/subnets/fd00:0:0:1::%2F064", {}, 400, "invalid", "name", ""),
    ("a CIDR of letters", PUT, f"{WEB}/subnets/ten%2F24", {}, 400, "invalid",
     "name", "ten/24"),
    ("an overlapping subnet", PUT, f"{WEB}/subnets/10.0.0.128%2F25", {}, 409,
     "exists", "name", "10.0.0.0/24"),
    ("a multicast subnet", PUT, f"{WEB}/subnets/224.0.0.0%2F24", {}, 400,
     "invalid", "name", "multicast"),
    ("a link-local subnet", PUT, f"{WEB}/subnets/fe80::%2F64", {}, 400,
     "invalid", "name", "link-local"),
    ("a gateway outside the subnet", PUT, f"{WEB}/subnets/10.2.0.0%2F24",
     {"gateway": "10.3.0.1"}, 400, "invalid", "gateway", "10.3.0.1"),
    ("a range outside the subnet", PUT, f"{WEB}/subnets/10.2.0.0%2F24",
     {"ranges": [{"first": "10.2.0.5", "last": "10.3.0.1"}]}, 400, "invalid",
     "ranges", "10.3.0.1"),
    ("ranges that overlap", PUT, f"{WEB}/subnets/10.2.0.0%2F24",
     {"ranges": [{"first": "10.2.0.5", "last": "10.2.0.9"},
                 {"first": "10.2.0.9", "last": "10.2.0.20"}]}, 400,
     "invalid", "ranges", "overlap"),
    ("a range without an end", PUT, f"{WEB}/subnets/10.2.0.0%2F24",
     {"ranges": [{"first": "10.2.0.5"}]}, 400, "invalid", "ranges", "last"),
    ("an address outside the subnets", PUT, VM3, {"ips": ["192.168.1.1"]},
     400, "invalid", "ips", "192.168.1.1"),
    ("the network address", PUT, VM3, {"ips": ["10.0.0.0"]}, 400, "invalid",
     "ips", "10.0.0.0"),
    ("the broadcast address", PUT, VM3, {"ips": ["10.0.0.255"]}, 400,
     "invalid", "ips", "broadcast"),
    ("the gateway's address", PUT, VM3, {"ips": ["10.0.0.1"]}, 400,
     "invalid", "ips", "gateway"),
    ("no address", PUT, VM3, {"ips": ["10.0.0"]}, 400, "invalid", "ips",
     "10.0.0"),
    ("an address with a prefix", PUT, VM3, {"ips": ["10.0.0.20/24"]}, 400,
     "invalid", "ips", "10.0.0.20/24"),
    ("an address with a leading zero", PUT, VM3, {"ips": ["10.0.0.020"]},
     400, "invalid", "ips", ""),
    ("a multicast address", PUT, VM3, {"ips": ["224.0.0.1"]}, 400, "invalid",
     "ips", "224.0.0.1"),
    ("a duplicate address", PUT, VM3, {"ips": ["10.0.0.10"]}, 409, "exists",
     "ips", "vm1"),
    ("a duplicate address, written otherwise", PUT, VM3,
     {"ips": ["FD00:0::0010"]}, 409, "exists", "ips", "vm1"),
    ("an address twice", PUT, VM3, {"ips": ["10.0.0.20", "10.0.0.20"]}, 400,
     "invalid", "ips", "twice"),
    ("no MAC", PUT, VM3, {"mac": "02:00:00:00:00"}, 400, "invalid", "mac",
     ""),
    ("a multicast MAC", PUT, VM3, {"mac": "01:00:5e:00:00:01"}, 400,
     "invalid", "mac", "01:00:5e:00:00:01"),
    ("a zero MAC", PUT, VM3, {"mac": "00:00:00:00:00:00"}, 400, "invalid",
     "mac", "zero"),
    ("a duplicate MAC", PUT, VM3, {"mac": "02:00:00:00:00:01"}, 409,
     "exists", "mac", "vm1"),
    ("a taken iface-id", PUT, VM3, {"iface_id": "acme/web/vm1"}, 409,
     "exists", "iface_id", "vm1"),
    ("a taken VTEP", PUT, "/v1/hosts/h2",
     {"zone": "z1", "vtep": "192.0.2.1"}, 409, "exists", "vtep", "h1"),
    ("a taken system-id", PUT, "/v1/hosts/h2",
     {"zone": "z1", "system_id": "one"}, 409, "exists", "system_id", "h1"),
    ("a multicast VTEP", PUT, "/v1/hosts/h2",
     {"zone": "z1", "vtep": "239.0.0.1"}, 400, "invalid", "vtep",
     "239.0.0.1"),
    ("an underlay MTU too small for the networks", PUT, "/v1/hosts/h2",
     {"zone": "z1", "vtep": "192.0.2.2", "mtu": 1400}, 400, "invalid", "mtu",
     "1400"),
    ("a network MTU too big for a host", PUT, WEB, {"vni": 100, "mtu": 1580},
     400, "invalid", "mtu", "h1"),
    # -- Numbers
    ("a taken VNI", PUT, NET2, {"vni": 100}, 409, "exists", "vni",
     "acme/web"),
    ("another tenant's VNI", PUT, NET2, {"vni": 777}, 409, "exists", "vni",
     "777"),
    ("VNI 0", PUT, NET2, {"vni": 0}, 400, "invalid", "vni", ""),
    ("a VNI of 25 bits", PUT, NET2, {"vni": 1 << 24}, 400, "invalid", "vni",
     "16777215"),
    ("a VNI of 65 bits", PUT, NET2, {"vni": 1 << 65}, 400, "invalid", "vni",
     ""),
    ("another VNI for a network in use", PUT, WEB, {"vni": 101}, 409,
     "in_use", "vni", "web"),
    ("an MTU too small", PUT, NET2, {"mtu": 100}, 400, "invalid", "mtu",
     "576"),
    ("a network over quota", PUT, "/v1/tenants/other/networks/two", {}, 409,
     "exhausted", None, "other"),
    ("an exhausted subnet", POST, "/v1/batch", [
        intent.put("/v1/tenants/acme/networks/tiny"),
        intent.put("/v1/tenants/acme/networks/tiny/subnets/10.9.0.0%2F30"),
        intent.put("/v1/tenants/acme/networks/tiny/ports/a"),
        intent.put("/v1/tenants/acme/networks/tiny/ports/b")], 409,
     "exhausted", "ips", "tiny"),
    ("ports over quota", POST, "/v1/batch",
     [intent.put(f"{WEB}/ports/q{n}") for n in range(3)], 409, "exhausted",
     None, "acme"),
    # -- Routing, policies, zones, rates
    ("a subnet that is routed already", POST, "/v1/batch", [
        intent.put(NET2),
        intent.put(f"{NET2}/subnets/10.0.0.128%2F25")], 409, "exists",
     "route", "acme/web/10.0.0.0/24"),
    ("routing without a gateway", PUT, f"{WEB}/subnets/10.2.0.0%2F24",
     {"gateway": None, "route": True}, 400, "invalid", "route", "10.2.0.0"),
    ("no routing where a next hop lies", PUT,
     f"{WEB}/subnets/10.0.0.0%2F24", {"route": False}, 409, "in_use",
     "route", "10.9.0.0/16"),
    ("a route that is no prefix", PUT, "/v1/tenants/acme/routes/ten",
     {"via": ["10.0.0.10"]}, 400, "invalid", "name", "ten"),
    ("a route with host bits", PUT,
     "/v1/tenants/acme/routes/10.9.0.1%2F16", {"via": ["10.0.0.10"]}, 400,
     "invalid", "name", "10.9.0.1/16"),
    ("a route to nowhere", PUT, ROUTE, {"via": []}, 400, "invalid", "via",
     "1 to 16"),
    ("a route without next hops", PUT, ROUTE, {}, 400, "invalid", "via",
     "via"),
    ("17 next hops", PUT, ROUTE,
     {"via": [f"10.0.0.{n}" for n in range(20, 37)]}, 400, "invalid", "via",
     "16"),
    ("a next hop elsewhere", PUT, ROUTE, {"via": ["192.168.0.1"]}, 400,
     "invalid", "via", "192.168.0.1"),
    ("a next hop of the other family", PUT, ROUTE, {"via": ["fd00::10"]},
     400, "invalid", "via", "fd00::10"),
    ("the gateway as next hop", PUT, ROUTE, {"via": ["10.0.0.1"]}, 400,
     "invalid", "via", "gateway"),
    ("a next hop twice", PUT, ROUTE, {"via": ["10.0.0.9", "10.0.0.9"]}, 400,
     "invalid", "via", "twice"),
    ("a next hop that is a number", PUT, ROUTE, {"via": [10]}, 400,
     "invalid", "via", "strings"),
    ("a route that is a subnet", PUT,
     "/v1/tenants/acme/routes/10.0.0.0%2F24", {"via": ["10.0.0.10"]}, 409,
     "exists", "name", "10.0.0.0/24"),
    ("a policy without a priority", PUT, P2, {"action": DROP}, 400,
     "invalid", "priority", "priority"),
    ("a taken priority", PUT, P2, {"priority": 5, "action": DROP}, 409,
     "exists", "priority", "fw"),
    ("a priority too high", PUT, P2, {"priority": 30001, "action": DROP},
     400, "invalid", "priority", "30000"),
    ("an action that is text", PUT, P2, {"priority": 1, "action": "drop"},
     400, "invalid", "action", "object"),
    ("an unknown action", PUT, P2, {"priority": 1, "action": {"type": "x"}},
     400, "invalid", "action.type", "type"),
    ("an action of two kinds", PUT, P2,
     {"priority": 1, "action": {"type": "drop", "rate_kbps": 5}}, 400,
     "invalid", "action.rate_kbps", "rate"),
    ("a match with an unknown member", PUT, P2,
     {"priority": 1, "action": DROP, "match": {"vlan": 7}}, 400, "invalid",
     "match.vlan", "network"),
    ("a match of both families", PUT, P2,
     {"priority": 1, "action": DROP,
      "match": {"src": "10.0.0.0/8", "dst": "fd00::/8"}}, 400, "invalid",
     "match.dst", "family"),
    ("ports without a protocol", PUT, P2,
     {"priority": 1, "action": DROP, "match": {"dport": "80"}}, 400,
     "invalid", "match.dport", "tcp"),
    ("ports that overlap", PUT, P2,
     {"priority": 1, "action": DROP,
      "match": {"proto": "tcp", "dport": "80-90,85"}}, 400, "invalid",
     "match.dport", "overlap"),
    ("a range of ports backwards", PUT, P2,
     {"priority": 1, "action": DROP,
      "match": {"proto": "tcp", "dport": "90-80"}}, 400, "invalid",
     "match.dport", "90-80"),
    ("ports that multiply", PUT, P2,
     {"priority": 1, "action": DROP,
      "match": {"proto": "udp", "sport": "1-65534", "dport": "1-65534"}},
     400, "invalid", "match", "1024"),
    ("a network of nobody in a match", PUT, P2,
     {"priority": 1, "action": DROP, "match": {"network": "none"}}, 404,
     "not_found", "match.network", "none"),
    ("a border host of nowhere", PUT, "/v1/zones/z1",
     {"border_hosts": ["h9"]}, 404, "not_found", "border_hosts", "h9"),
    ("a border host of another zone", PUT, "/v1/zones/empty",
     {"border_hosts": ["h1"]}, 400, "invalid", "border_hosts", "z1"),
    ("an unknown path", PUT, "/v1/zones/z1", {"path": "detour"}, 400,
     "invalid", "path", "detour"),
    ("a rate beyond all lines", PUT, VM3, {"rate_kbps": 400000001}, 400,
     "invalid", "rate_kbps", "400000000"),
    ("a negative rate", PUT, VM3, {"rate_pps": -1}, 400, "invalid",
     "rate_pps", ""),
    ("the gateway's MAC", PUT, VM3, {"mac": "02:76:78:66:61:62"}, 400,
     "invalid", "mac", "gateway"),
    ("taking away a router in use", PUT, "/v1/tenants/acme",
     {"router": False}, 409, "in_use", "router_vni", "acme"),
    # -- What is in use
    ("deleting a border host", DELETE, "/v1/hosts/h1", None, 409, "in_use",
     None, "z1"),
    ("deleting a tenant with networks", DELETE, "/v1/tenants/other", None,
     409, "in_use", None, "only"),
    ("deleting a tenant with routes", DELETE, "/v1/tenants/acme", None,
     409, "in_use", None, "10.9.0.0/16"),
    ("deleting a network with ports", DELETE, WEB, None, 409, "in_use", None,
     "vm1"),
    ("deleting a subnet in use", DELETE, f"{WEB}/subnets/fd00::%2F64",
     None, 409, "in_use", None, "vm1"),
    ("deleting a subnet with a next hop", DELETE,
     f"{WEB}/subnets/10.0.0.0%2F24", None, 409, "in_use", None,
     "10.9.0.0/16"),
    ("deleting a zone with hosts", DELETE, "/v1/zones/z1", None, 409,
     "in_use", None, "h1"),
    # -- Methods and queries
    ("POST on an object", POST, VM3, {}, 405, "method_not_allowed", None,
     ""),
    ("PUT on a list", PUT, f"{WEB}/ports", {}, 405, "method_not_allowed",
     None, ""),
    ("DELETE on a list", DELETE, f"{WEB}/ports", None, 405,
     "method_not_allowed", None, ""),
    ("GET on batch", GET, "/v1/batch", None, 405, "method_not_allowed", None,
     ""),
    ("an unknown parameter", PUT, f"{VM3}?wat=1", {}, 400, "invalid", "wat",
     "wat"),
    ("a wait that is no number", PUT, f"{VM3}?wait=long", {}, 400, "invalid",
     "wait", "long"),
    ("a negative wait", PUT, f"{VM3}?wait=-1", {}, 400, "invalid", "wait",
     ""),
    ("a dry run that is neither", PUT, f"{VM3}?dry_run=maybe", {}, 400,
     "invalid", "dry_run", ""),
    ("a limit of zero", GET, "/v1/ports?limit=0", None, 400, "invalid",
     "limit", ""),
    ("a page after nonsense", GET, "/v1/ports?after=%00", None, 400,
     "invalid", None, ""),
    # -- Batches
    ("a batch that is an object", POST, "/v1/batch", {}, 400, "invalid",
     "body", "array"),
    ("a batch of numbers", POST, "/v1/batch", [1], 400, "invalid", "[0]",
     ""),
    ("a batch without a path", POST, "/v1/batch", [{"op": "PUT"}], 400,
     "invalid", "[0].path", "path"),
    ("a batch with another verb", POST, "/v1/batch",
     [{"op": "PATCH", "path": VM3}], 400, "invalid", "[0].op", "PATCH"),
    ("a batch with a body to delete", POST, "/v1/batch",
     [{"op": "DELETE", "path": VM1, "body": {"host": "h1"}}], 400, "invalid",
     "[0].body", ""),
    ("a batch with an unknown member", POST, "/v1/batch",
     [{"op": "PUT", "path": VM3, "wait": 5}], 400, "invalid", "[0].wait",
     "wait"),
    ("a batch with revision 0", POST, "/v1/batch",
     [{"op": "PUT", "path": VM1, "if_match": 0}], 400, "invalid",
     "[0].if_match", "if_match"),
    ("a batch with an old revision", POST, "/v1/batch",
     [intent.put("/v1/tenants/new"),
      {"op": "PUT", "path": VM1, "if_match": 1}], 412,
     "precondition_failed", "[1]", "vm1"),
    ("a batch on a list", POST, "/v1/batch",
     [{"op": "PUT", "path": f"{WEB}/ports"}], None, None, "[0].path", ""),
    ("a batch whose last operation is wrong", POST, "/v1/batch",
     [intent.put("/v1/tenants/new"), intent.put(VM3),
      intent.put(f"{WEB}/ports/vm4", mac="02:00:00:00:00:01")], 409,
     "exists", "mac", "vm1"),
    ("a batch that deletes too early", POST, "/v1/batch",
     [intent.delete(f"{WEB}/ports/vm2"), intent.delete(WEB)], 409, "in_use",
     None, "vm1"),
    ("a batch of too many operations", POST, "/v1/batch",
     [intent.put("/v1/zones/empty")] * 20001, 413, "too_large", None,
     "20000"),
    ("a batch of too many bytes", POST, "/v1/batch",
     b"[" + b" " * (8 << 20) + b"]", 413, "too_large", "body", ""),
]


def revision_of(api):
    return api.get("/healthz")["revision"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].replace(" ", "_"))
def test_a_wrong_request_gets_its_error_and_changes_nothing(api, case):
    _, method, path, body, status, code, field, words = case
    before, revision = api.export(), revision_of(api)
    got, answer = api.call(method, path, body)
    print(f"  {method} {path[:60]} -> {got} {str(answer)[:300]}")
    assert isinstance(answer, dict) and set(answer) == {"error"}, answer
    error = answer["error"]
    assert {"code", "field", "message"} <= set(error), error
    assert set(error) <= {"code", "field", "message", "index"}, error
    if status:
        assert (got, error["code"]) == (status, code), error
    assert 400 <= got < 500, (got, error)
    if field is not None:
        assert field in error["field"], error
    assert words in error["message"], error
    assert error["message"] and "\n" not in error["message"], error
    assert api.export() == before
    assert revision_of(api) == revision


def test_the_cases_are_many_and_distinct(figures):
    assert len({c[0] for c in CASES}) == len(CASES) > 120
    figures(f"{len(CASES)} wrong requests in the table")


def test_a_refused_batch_names_the_operation_at_fault(api):
    status, answer = api.call(POST, "/v1/batch", [
        intent.put(VM3), intent.put(f"{WEB}/ports/vm4", host="h9")])
    assert status == 404
    assert answer["error"]["index"] == 1, answer


# -- Preconditions


def test_of_puts_that_race_with_if_match_exactly_one_wins(controller, api,
                                                          figures):
    zone = "/v1/zones/race"
    api.put(zone, description="start")
    losers = 0

    def race(args):
        connection, number, revision = args
        return number, request(connection.connection, PUT, zone,
                               {"description": f"racer {number}"},
                               {"If-Match": f'"{revision}"'})

    racers = [intent.Api(controller.api) for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for turn in range(20):
            revision = api.get(zone)["revision"]
            replies = list(pool.map(race, [
                (r, f"{turn}-{i}", revision) for i, r in enumerate(racers)]))
            won = [n for n, (status, _) in replies if status == 200]
            lost = [a["error"] for _, (status, a) in replies if status == 412]
            assert len(won) == 1 and len(lost) == 7, replies
            assert all(e["code"] == "precondition_failed"
                       and "race" in e["message"] for e in lost), lost
            losers += len(lost)
            now = api.get(zone)
            assert now["description"] == f"racer {won[0]}"
            assert now["revision"] > revision
    for racer in racers:
        racer.connection.close()
    figures(f"20 races of 8 PUTs with If-Match: 20 won, {losers} got 412")
    api.ask(DELETE, zone)


@pytest.mark.parametrize("value, status", [
    ("999999", 412), ('"999999"', 412), ("0", 400), ("-1", 400),
    ("abc", 400), ('"', 400), ("1, 2", 400), ("18446744073709551616", 400),
    ("W/\"5\"", 400)])
def test_a_wrong_if_match_changes_nothing(api, value, status):
    before = api.export()
    got, answer = api.call(PUT, VM1, {"description": "changed"},
                           {"If-Match": value})
    assert got == status, answer
    assert answer["error"]["message"]
    assert api.export() == before


def test_if_none_match_refuses_what_is_there(api):
    before = api.export()
    status, answer = api.call(PUT, "/v1/zones/z1",
                              {"description": "mine"},
                              {"If-None-Match": "*"})
    assert status in (409, 412), answer
    assert "z1" in answer["error"]["message"]
    assert api.export() == before


def test_the_same_body_twice_is_no_change(api):
    first = api.put(VM1, mac="02:00:00:00:00:01",
                    ips=["10.0.0.10", "fd00::10"], host="h1")
    revision = revision_of(api)
    second = api.put(VM1, mac="02:00:00:00:00:01",
                     ips=["fd00::10", "10.0.0.10"], host="h1")
    assert second == first
    assert revision_of(api) == revision


def test_what_get_answers_can_be_put_back(api):
    revision = revision_of(api)
    for path in ("/v1/zones/z1", "/v1/hosts/h1", "/v1/tenants/acme", WEB,
                 f"{WEB}/subnets/10.0.0.0%2F24", VM1, ROUTE, POLICY):
        body = api.get(path)
        status, answer = api.call(PUT, path, body)
        assert status == 200, (path, answer)
        assert answer == body
    assert revision_of(api) == revision


def test_a_dry_run_changes_nothing(api):
    before, revision = api.export(), revision_of(api)
    status, answer = api.call(PUT, f"{VM3}?dry_run=1", {})
    assert status == 200, answer
    json.dumps(answer)
    assert api.export() == before
    assert revision_of(api) == revision
