# SPDX-License-Identifier: Apache-2.0
"""A routed fabric: 4 hosts in 2 zones, 3 tenants that use the same addresses,
v4 and v6, several networks each, policies and static routes."""
import ipaddress

import intent
import netns
from oracle import Oracle, read_intent
from reach import Matrix, wait_realized

TENANTS = ("red", "green", "blue")
OPTIONS = ("--set", "probe_ms=1000", "--set", "vni_quarantine_s=0")
ZONES = {"h1": "z1", "h2": "z1", "h3": "z2", "h4": "z2"}
# Name: subnets, routed, numbers of its machines (of the address, too).
NETWORKS = {
    "web": (("10.0.0.0/24", "fd00:0:0:1::/64"), True, (11, 12, 13, 14)),
    "app": (("10.0.1.0/24", "fd00:0:0:2::/64"), True, (21, 22)),
    "db": (("10.0.2.0/23", "fd00:0:0:3::/64"), True, (31, 32)),
    "svc": (("10.0.9.0/24", "fd00:0:0:9::/64"), True, (41, 42)),
    "lan": (("10.0.4.0/24", "fd00:0:0:4::/64"), False, (51, 52)),
    # The addresses of web, and those of its machines, in a network apart.
    "twin": (("10.0.0.0/24", "fd00:0:0:1::/64"), False, (11, 12)),
}
FORWARDER = 41          # of svc: forwards; 42 keeps what it gets
PORTS = (("icmp", 0), ("tcp", 85), ("tcp", 91), ("tcp", 443), ("udp", 53),
         ("udp", 5500))
ELSEWHERE = ("10.9.1.1", "10.9.200.1", "10.10.1.1", "10.10.1.2",
             "fd99::1", "fd99:0:0:5::1", "10.0.1.200", "fd00:0:0:2::200",
             "192.0.2.1", "2001:db8::1")


def address_of(network, number, family):
    subnet = ipaddress.ip_network(NETWORKS[network][0][family == 6])
    return f"{subnet[number]}/{subnet.prefixlen}"


def mac_of(network, number):
    """The same in all tenants, of course."""
    return f"02:00:00:00:{list(NETWORKS).index(network):02x}:{number:02x}"


def plain(address):
    return address.split("/")[0]


HOP4, HOP6 = (plain(address_of("svc", FORWARDER, f)) for f in (4, 6))
KEEP4, KEEP6 = (plain(address_of("svc", 42, f)) for f in (4, 6))


def policy(priority, action, fail="open", **match):
    return {"priority": priority, "match": match, "action": action,
            "fail": fail}


def via(*hops):
    return {"type": "via", "via": list(hops)}


POLICIES = {
    "red": {
        "no-web": policy(100, {"type": "drop"}, src="10.0.0.0/24",
                         dst="10.0.1.0/24", proto="tcp", dport="80-90"),
        "but-11": policy(200, {"type": "dscp", "dscp": 10},
                         src="10.0.0.11/32", dst="10.0.1.0/24"),
        "mark": policy(90, {"type": "dscp", "dscp": 46}, proto="udp",
                       dst="10.0.2.0/23", dport="53,5000-5999"),
        "mark6": policy(91, {"type": "dscp", "dscp": 46}, proto="udp",
                        dst="fd00:0:0:3::/64", dport="1-5499"),
        "through": policy(80, via(HOP4), network="web", dst="10.0.2.0/23",
                          proto="tcp"),
        "through6": policy(81, via(HOP6), network="web", proto="tcp",
                           dst="fd00:0:0:3::/64", dport="0-440,442-500"),
    },
    "green": {
        "rate": policy(10, {"type": "rate", "rate_kbps": 1000000},
                       dst="10.0.0.0/16"),
        "no-icmp6": policy(20, {"type": "drop"}, proto="icmp6",
                           src="fd00:0:0:1::/64", dst="fd00:0:0:2::/64"),
        "marked": policy(30, {"type": "drop"}, dscp=12),
    },
    "blue": {
        "kept": policy(50, via(KEEP4), fail="closed", src="10.0.0.0/24",
                       dst="10.0.1.0/24", proto="icmp"),
        "kept6": policy(51, via(KEEP6, HOP6), fail="closed", proto="udp",
                        network="web", dst="fd00:0:0:2::/64"),
        "nobody": policy(60, via("10.0.9.77"), fail="closed",
                         network="app", dst="10.0.2.0/23", proto="udp"),
        "nobody-open": policy(61, via("10.0.9.78"), network="app",
                              dst="10.0.2.0/23", proto="tcp"),
        "no-db": policy(70, {"type": "drop"}, network="db"),
        "gateway": policy(40, {"type": "gateway"}, fail="closed",
                          dst="10.0.2.0/23", proto="tcp", dport="443"),
    },
}
ROUTES = {
    "red": {"10.9.0.0/16": [KEEP4]},
    "green": {"10.9.0.0/16": [KEEP4],
              "10.9.128.0/17": [plain(address_of("web", 13, 4))],
              "10.10.0.0/16": [KEEP4, plain(address_of("app", 21, 4)),
                               plain(address_of("db", 32, 4))],
              "fd99::/32": [KEEP6],
              "fd99:0:0:5::/64": [plain(address_of("app", 22, 6)),
                                  plain(address_of("web", 11, 6))]},
    "blue": {"0.0.0.0/0": [KEEP4], "::/0": [KEEP6],
             "10.9.1.0/24": ["10.0.9.79"]},
}


def slash(text):
    return text.replace("/", "%2F")


def intend(api):
    """All of it in one batch."""
    ops = []
    for tenant in TENANTS:
        ops.append(intent.put(intent.path(tenant)))
        for network, (subnets, route, numbers) in NETWORKS.items():
            ops.append(intent.put(intent.path(tenant, network)))
            ops += [intent.put(intent.path(tenant, network, subnet=cidr),
                               route=route) for cidr in subnets]
            ops += [intent.put(
                intent.path(tenant, network, port=f"{network}{n}"),
                mac=mac_of(network, n), iface_id=f"{tenant}-{network}{n}",
                guard=network != "svc", host=host_of(tenant, network, n),
                ips=[plain(address_of(network, n, f)) for f in (4, 6)])
                for n in numbers]
        ops += [intent.put(f"/v1/tenants/{tenant}/routes/{slash(prefix)}",
                           via=hops)
                for prefix, hops in ROUTES[tenant].items()]
        ops += [intent.put(f"/v1/tenants/{tenant}/policies/{name}", **body)
                for name, body in POLICIES[tenant].items()]
    api.batch(ops)


def host_of(tenant, network, number):
    """Spread, and differently for each tenant."""
    step = {"web": 1, "app": 2, "db": 2, "svc": 1, "lan": 3, "twin": 2}
    index = (number % 10 - 1) * step[network] + len(network)
    return f"h{(index + TENANTS.index(tenant)) % 4 + 1}"


def plug(lab):
    """All machines; what their kernels need to be routers and hosts."""
    wanted = [(tenant, network, n) for tenant in TENANTS
              for network, (_, _, numbers) in NETWORKS.items()
              for n in numbers]
    machines = lab.plug([
        {"host": lab.hosts[host_of(*one)], "mac": mac_of(*one[1:]),
         "iface_id": f"{one[0]}-{one[1]}{one[2]}",
         "ips": [address_of(*one[1:], f) for f in (4, 6)]}
        for one in wanted])
    for machine, (tenant, network, n) in zip(machines, wanted):
        machine.key = (tenant, network, f"{network}{n}")
        make_host(machine, [plain(address_of(network, 1, f))
                            for f in (4, 6)], n == FORWARDER)
    return machines


def make_host(machine, gateways, forwards=False):
    """Its default routes, and whether it forwards."""
    with netns.inside(machine.namespace):
        # Its own routes, not those of router advertisements.
        netns.sysctl({"net/ipv6/conf/eth0/accept_ra": 0})
        netns.sysctl({f"net/ipv4/conf/{where}/{name}": 0
                      for where in ("all", "eth0")
                      for name in ("send_redirects", "rp_filter")})
        netns.sysctl({"net/ipv4/icmp_ratemask": 0})
        if forwards:
            netns.sysctl({"net/ipv4/ip_forward": 1,
                          "net/ipv6/conf/all/forwarding": 1})
    netns.ip_batch([
        f"route replace {'::/0' if ':' in ip else '0.0.0.0/0'} via {ip}"
        for ip in gateways], machine.namespace)


def build(make_lab, *options):
    """The lab with everything in it, zones talk directly. Its machines have a
    key, (tenant, network, port), as in the oracle."""
    lab = make_lab(4)
    lab.options = [*OPTIONS, *options]
    lab.start_controller(*lab.options)
    for name, zone in ZONES.items():
        lab.hosts[name].join(zone)
    with intent.Api(lab.api) as api:
        api.wait_hosts(lab.hosts)
        intend(api)
        plug(lab)
        lab.port_paths = [intent.path(t, n, port=p)
                          for t, n, p in (m.key for m in lab.machines)]
        api.wait_ports(lab.port_paths)
        wait_realized(api)
    return lab


def the_oracle(api, **kwargs):
    """Of what the API says now."""
    forwards = [(t, "svc", f"svc{FORWARDER}") for t in TENANTS]
    return Oracle(read_intent(api), forwards=forwards, **kwargs)


def whole_matrix(fabric, api, oracle=None):
    """Every machine to every address of its tenant and some of nobody, with
    every protocol."""
    oracle = oracle or the_oracle(api)
    matrix = Matrix(fabric.machines, oracle)
    addresses = {t: dict.fromkeys(
        [str(ip) for p in oracle.ports if p.tenant == t for ip in p.ips]
        + [str(s.gateway) for s in oracle.subnets if s.network[0] == t]
        + list(ELSEWHERE)) for t in TENANTS}
    for count, machine in enumerate(fabric.machines):
        if (machine.key not in oracle.by_key
                or machine.key in oracle.unplugged):
            continue
        for target in addresses[machine.key[0]]:
            for proto, dport in PORTS:
                ports = {"sport": 20000 + len(matrix.probes) % 997,
                         "dport": dport} if dport else {}
                matrix.add(machine, target, proto, **ports,
                           dscp=12 if count % 5 == 4 else 0)
    return matrix
