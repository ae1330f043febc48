#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A tenant's list of 1,000 policies with port ranges, and what it makes of
flows, megaflows and masks.

    make bench-policies [POLICIES_ARGS='--rules N --rounds N --seed N']

Needs root. Two hosts, two networks, one tenant; the same list in vxfabric and
on a bridge by hand, which has each rule as the fewest rows that are exactly
it, one table for all. Then, for both in turn:

  rows        flows that the list makes on a host
  megaflows,  entries of the datapath, and their distinct masks, after
  masks       thousands of flows with ports far apart: what one tenant can
              make the datapath hold
  us, warm    main threads per such flow, megaflows at work
  us, cold    the same with every flow translated and installed: the slow path
  us, other   the same for a second tenant that routes and has no policies: what
              the first one's list costs its neighbours

How many of the packets arrive is computed from the list by code of its own
here, and has to be what both let through. Exit status 1 if it is not, or if
vxfabric could not be taken or a slow path costs more than 1.25 of the other.
"""
import argparse
import ipaddress
import os
import random
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"),
    os.path.dirname(os.path.abspath(__file__))]

import bare  # noqa: E402  (needs the path above)
import fabric as fabric_module  # noqa: E402
import intent  # noqa: E402
import lab as lab_module  # noqa: E402
import measure  # noqa: E402
from measure import log, median  # noqa: E402

AIM_COST = 1.25
UDP_PORT = 4790
SUBNET = {"web": "10.1.0.0/16", "app": "10.2.0.0/16"}
GATEWAY = {"web": "10.1.0.1", "app": "10.2.0.1"}
# name, network, host, address, MAC
PLACES = (("one", "web", "h1", "10.1.33.7", "02:00:00:00:03:01"),
          ("two", "app", "h2", "10.2.44.9", "02:00:00:00:03:02"))
# Slow enough for the slower of the two to take them all.
FLOWS = {"n_flows": 6000, "pps": 1500, "port": 0}
TENANTS = ("acme", "calm")  # with the list, and without
TABLE = "table=30"          # of policies, in the product


class Rule:
    """One policy. Ports are (first, last) or None."""

    def __init__(self, number, rng):
        self.name = f"r{number}"
        self.priority = 30000 - number
        self.src = self.prefix(rng, "10.1.", PLACES[0][3])
        self.dst = self.prefix(rng, "10.2.", PLACES[1][3])
        self.proto = rng.choice(("udp", "udp", "tcp"))
        self.dport = self.range(rng)
        self.sport = self.range(rng) if rng.random() < 0.1 else None
        self.dscp = None if rng.random() < 0.4 else rng.randrange(1, 63)

    @staticmethod
    def prefix(rng, start, own):
        """One of three is around who talks here, the others anywhere."""
        address = own if rng.random() < 0.34 else (
            f"{start}{rng.randrange(256)}.{rng.randrange(256)}")
        length = rng.choice((16, 18, 20, 22, 24, 24, 28, 32))
        return str(ipaddress.ip_network(f"{address}/{length}", strict=False))

    @staticmethod
    def range(rng):
        """Ports, mostly few of them."""
        width = int(2 ** rng.uniform(0, 11))
        first = rng.randrange(1, 65536 - width)
        return first, first + width

    def hits(self, addresses, ports):
        """Whether a UDP packet matches."""
        return (self.proto == "udp"
                and all(ipaddress.ip_address(a) in ipaddress.ip_network(n)
                        for a, n in zip(addresses, (self.src, self.dst)))
                and all(r is None or r[0] <= p <= r[1]
                        for p, r in zip(ports, (self.sport, self.dport))))

    def masks(self):
        """(sport, dport) pairs of value/mask, or None for any."""
        return [(s, d) for s in self.side(self.sport)
                for d in self.side(self.dport)]

    @staticmethod
    def side(ports):
        """The masks of one range."""
        return bare.port_masks(*ports) if ports else [None]

    def body(self):
        """As the API wants it."""
        match = {"src": self.src, "dst": self.dst, "proto": self.proto,
                 "dport": "{}-{}".format(*self.dport)}
        if self.sport:
            match["sport"] = "{}-{}".format(*self.sport)
        action = ({"type": "drop"} if self.dscp is None else
                  {"type": "dscp", "dscp": self.dscp})
        return {"priority": self.priority, "match": match, "action": action}


def expected(rules, n_flows):
    """How many of the flows get through: the oracle."""
    addresses = PLACES[0][3], PLACES[1][3]
    near = [r for r in rules if r.proto == "udp" and all(
        ipaddress.ip_address(a) in ipaddress.ip_network(n)
        for a, n in zip(addresses, (r.src, r.dst)))]
    passed = 0
    for number in range(n_flows):
        ports = measure.ports_of(number)
        first = next((r for r in near if r.hits(addresses, ports)), None)
        passed += first is None or first.dscp is not None
    return passed


class Product:
    """The list in vxfabric."""

    def __init__(self, lab, rules):
        self.fabric = fabric_module.Fabric(lab, ("z1", "z1"))
        self.host = lab.hosts["h1"]
        for tenant in TENANTS:
            for network, subnet in SUBNET.items():
                self.fabric.network(tenant, network, subnet)
            for name, network, host, address, mac in PLACES:
                self.fabric.port(f"{tenant}/{network}/{name}",
                                 lab.hosts[host], mac, address + "/16",
                                 gateway=GATEWAY[network])
        with intent.Api(lab.api) as api:
            # One first: whether this build has policies at all.
            for chunk in (rules[:1], rules[1:]):
                try:
                    api.batches([intent.put(
                        f"/v1/tenants/acme/policies/{r.name}", **r.body())
                        for r in chunk], 500)
                except intent.Refused as why:
                    if why.status == 404 or chunk is rules:
                        raise fabric_module.Missing(str(why)) from None
                    raise
        self.fabric.settled("acme", "policies")
        self.fabric.settle()
        machines = list(self.fabric.machines.values())
        self.ends = dict(zip(TENANTS, (machines[:2], machines[2:])))
        for one, two in self.ends.values():
            if not one.ping(two.ipv4):
                raise fabric_module.Missing(f"{one} does not reach {two}")

    def rows(self):
        """Flows of the list on h1."""
        return len(self.host.flows("br-tenant", TABLE)) - 1


class ByHand:
    """The list on one bridge per host."""

    ROUTER = {"acme": 9000, "calm": 9001}
    VNI = {("acme", "web"): 1000, ("acme", "app"): 2000,
           ("calm", "web"): 3000, ("calm", "app"): 4000}

    def __init__(self, lab, rules):
        self.list = self.policies(rules)
        self.lab = lab
        self.bridges = {host: bare.Bridge(lab.hosts[host], "br-hand",
                                          UDP_PORT) for host in ("h1", "h2")}
        self.ends = {tenant: [] for tenant in TENANTS}
        for tenant in TENANTS:
            for name, network, host, address, mac in PLACES:
                machine = self.bridges[host].plug(
                    f"hand-{tenant}-{name}", mac, [address + "/16"],
                    gateway=GATEWAY[network])
                bare.know(machine, [(GATEWAY[network], bare.GATEWAY_MAC)])
                self.ends[tenant].append(machine)
        for host, bridge in self.bridges.items():
            bridge.load(self.pipeline(host, bridge) + self.list)
        for one, two in self.ends.values():
            if not one.ping(two.ipv4):
                raise lab_module.LabError(f"{one} does not reach {two}")

    def rows(self):
        """Flows of the list."""
        return len(self.list)

    @staticmethod
    def policies(rules):
        """Table 2."""
        rows = []
        for rule in rules:
            then = ("drop" if rule.dscp is None else
                    f"mod_nw_tos:{rule.dscp << 2},goto_table:3")
            for sport, dport in rule.masks():
                ports = "".join(
                    f"{field}={mask}," for field, mask in (
                        ("tp_src", sport), ("tp_dst", dport)) if mask)
                rows.append(
                    f"table=2,priority={rule.priority},{rule.proto},"
                    f"reg5=9000,nw_src={rule.src},nw_dst={rule.dst},{ports}"
                    f"actions={then}")
        return rows

    def pipeline(self, host, bridge):
        """The rest."""
        rows = ["table=0,priority=0,actions=drop",
                f"table=0,priority=100,in_port={bare.VXLAN_OFPORT},actions="
                "move:NXM_NX_TUN_ID[0..23]->NXM_NX_REG0[0..23],goto_table:5",
                "table=2,priority=0,actions=goto_table:3"]
        for tenant, machines in self.ends.items():
            for place, machine in zip(PLACES, machines):
                rows += self.of_machine(host, bridge, tenant,
                                        (*place, machine))
        return rows

    def of_machine(self, host, bridge, tenant, place):
        """Routes and rows of one machine; only who has policies meets
        their table."""
        _, network, home, address, mac, machine = place
        vni, router = self.VNI[tenant, network], self.ROUTER[tenant]
        rows = [
            f"table=3,priority=116,reg5={router},ip,"
            f"nw_dst={SUBNET[network]},actions=dec_ttl,"
            f"set_field:{bare.GATEWAY_MAC}->eth_src,"
            f"set_field:{vni}->reg0,goto_table:4",
            f"table=4,priority=100,reg0={vni},ip,nw_dst={address},"
            f"actions=set_field:{mac}->eth_dst,goto_table:5"]
        if home != host:
            vtep = self.lab.hosts[home].vtep
            return rows + [
                f"table=5,priority=100,reg0={vni},dl_dst={mac},actions="
                + bare.to_tunnel(vni, vtep)]
        port = bridge.port_of(machine)
        then = "goto_table:2" if tenant == "acme" else "goto_table:3"
        return rows + [
            f"table=0,priority=100,in_port={port},actions=set_field:"
            f"{vni}->reg0,set_field:{router}->reg5,goto_table:1",
            f"table=1,priority=100,in_port={port},ip,dl_src={mac},"
            f"nw_src={address},dl_dst={bare.GATEWAY_MAC},actions={then}",
            f"table=5,priority=100,reg0={vni},dl_dst={mac},"
            f"actions=output:{port}"]


class Figures:
    """What was measured of one side."""

    def __init__(self, side, wanted):
        self.side = side
        self.wanted = wanted
        self.warm, self.cold, self.other, self.wrong = [], [], [], []
        self.megaflows = self.masks = 0

    def take(self, hosts):
        """A round."""
        one, two = self.side.ends["acme"]

        def once():
            for host in hosts:
                host.appctl("revalidator/purge")
            return measure.send_flows(one, two, hosts, **FLOWS)

        costs, arrived = measure.send_until_whole(once, self.wanted,
                                                  f"{one}, warm")
        flows = measure.megaflows(one)
        if abs(arrived - self.wanted) > 0.005 * FLOWS["n_flows"]:
            self.wrong.append(arrived)
        self.warm.append(sum(costs))
        self.megaflows = max(self.megaflows, len(flows))
        self.masks = max(self.masks, len(measure.masks(flows)))
        self.cold.append(sum(measure.set_up(
            one, two, hosts, expected=self.wanted, **FLOWS)))
        self.other.append(sum(measure.set_up(*self.side.ends["calm"], hosts,
                                             **FLOWS)))

    def line(self, name):
        """A row of the table."""
        return (name, self.side.rows(), self.megaflows, self.masks,
                f"{median(self.warm):.1f}", f"{median(self.cold):.1f}",
                f"{median(self.other):.1f}")


def report(figures, options, wanted):
    """Prints; whether all is right."""
    log(f"{options.rules} policies with port ranges (seed {options.seed}), "
        f"{FLOWS['n_flows']} flows with ports far apart, {wanted} of them let through "
        f"by the list; medians of {options.rounds} rounds in turn")
    lines = [("", "rows", "megaflows", "masks", "us, warm", "us, cold",
              "us, other")]
    lines += [f.line(name) for name, f in figures.items()]
    right = True
    if len(figures) == 2:
        product, hand = figures["vxfabric"], figures["by hand"]
        cold = median([a / b for a, b in zip(product.cold, hand.cold)])
        warm = median([a / b for a, b in zip(product.warm, hand.warm)])
        other = median([a / b for a, b in zip(product.other, hand.other)])
        lines.append(("ratio", f"{product.side.rows() / hand.side.rows():.2f}",
                      f"{product.megaflows / hand.megaflows:.2f}",
                      f"{product.masks / hand.masks:.2f}",
                      f"{warm:.2f}", f"{cold:.2f}", f"{other:.2f}"))
        right = cold <= AIM_COST and other <= AIM_COST
    measure.table(lines)
    for name, figure in figures.items():
        if len(figure.wrong) > options.rounds // 2:
            log(f"  WRONG: {name} let {figure.wrong} through")
            right = False
    return right


def run(options):
    """Measures and prints; the exit status."""
    rng = random.Random(options.seed)
    rules = [Rule(n, rng) for n in range(options.rules)]
    wanted = expected(rules, FLOWS["n_flows"])
    with lab_module.Lab(f"vxp{os.getpid()}") as lab:
        hosts = lab.add_hosts(2)
        bare.warm(hosts)
        measure.favour(hosts)
        figures = {"by hand": Figures(ByHand(lab, rules), wanted)}
        missing = None
        try:
            figures["vxfabric"] = Figures(Product(lab, rules), wanted)
        except fabric_module.Missing as why:
            missing = why
        for turn in range(options.rounds):
            for name in sorted(figures, reverse=turn % 2):
                figures[name].take(hosts)
        right = report(figures, options, wanted)
    if missing:
        log(f"  vxfabric was not taken: {missing}")
    return 0 if right and not missing else 1


def main():
    """Reads the options."""
    parser = argparse.ArgumentParser(
        description="1,000 policies with port ranges.")
    parser.add_argument("--rules", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=4)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
