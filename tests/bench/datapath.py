#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the two-tier pipeline costs against a single bridge set up by hand.

    make bench-datapath [DATAPATH_ARGS='--rounds N --more N --only TEXT']

Needs root. Three hosts in two zones; both pipelines live in the same
ovs-vswitchd, each with machines of its own. Per case (same host, cross host,
cross zone, routed, routed past policies) the throughput of TCP streams and
the CPU time of the main threads per new flow, taken in turn, round after
round; what is printed is the median of the ratios of neighbours, and between
what the true one is with 95 % (order statistics of the pairs). While an aim is
in there, rounds go on: one short stream says next to nothing. CPU time per Mbit
is there too: where others want the processor, it says the same with less noise.

By hand means: one bridge, classification, source guard (a tenant's switch
without it would not be one), and only the tables of that case. Aims:
throughput >= 0.97, set-up <= 1.25. Exit status 1 if one is missed or a case
could not be taken.
"""
import argparse
import math
import os
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"),
    os.path.dirname(os.path.abspath(__file__))]

import bare  # noqa: E402  (needs the path above)
import fabric as fabric_module  # noqa: E402
import lab as lab_module  # noqa: E402
import measure  # noqa: E402
from measure import log, median  # noqa: E402

AIM_RATE, AIM_COST = 0.97, 1.25
STREAMS, STREAM_MS = 6, 400     # of each side in a round
RATE, WORK, COST = range(3)     # what is taken
UDP_PORT = 4790
VNI = {"web": 1000, "app": 2000}
SUBNET = {"web": "10.1.0.0/24", "app": "10.2.0.0/24"}
GATEWAY = {"web": "10.1.0.1", "app": "10.2.0.1"}
# Who is where: name, network, host, last byte of the address.
PLACES = (("one", "web", "h1", 11), ("two", "web", "h1", 12),
          ("three", "web", "h2", 13), ("four", "web", "h3", 14),
          ("five", "app", "h2", 15))
CASES = (("same host", "one", "two", "acme"),
         ("cross host", "one", "three", "acme"),
         ("cross zone", "one", "four", "acme"),
         ("routed, cross host", "one", "five", "acme"),
         ("routed, 20 policies", "one", "five", "corp"))
# None of them concerns the traffic here, each has to be looked at.
POLICIES = [(100 + n, f"{6000 + 100 * n}-{6057 + 100 * n}")
            for n in range(20)]


def mac_of(last):
    """MAC of a machine."""
    return f"02:00:00:00:01:{last:02x}"


def ip_of(network, last):
    """Address of a machine."""
    return SUBNET[network].replace("0/24", str(last))


class Product:
    """The tenants acme and corp in vxfabric; only corp has policies."""

    def __init__(self, lab):
        self.fabric = fabric_module.Fabric(lab, ("z1", "z1", "z2"))
        self.missing = {}
        for tenant in ("acme", "corp"):
            for network, subnet in SUBNET.items():
                self.fabric.network(tenant, network, subnet)
            for name, network, host, last in PLACES:
                self.fabric.port(f"{tenant}/{network}/{name}",
                                 lab.hosts[host], mac_of(last),
                                 ip_of(network, last) + "/24",
                                 gateway=GATEWAY[network])
        try:
            for priority, ports in POLICIES:
                self.fabric.try_to(
                    "policy", "add", "corp", f"p{priority}", "--priority",
                    priority, "--match",
                    f"src={SUBNET['web']},dst={SUBNET['app']},proto=udp,"
                    f"dport={ports}", "--action", "drop")
            self.fabric.settled("corp", "policies")
        except fabric_module.Missing as why:
            self.missing["corp"] = str(why)
        self.fabric.settle()

    def ends(self, case):
        """(source, target) of a case; Missing if they cannot talk."""
        _, source, target, tenant = case
        if tenant in self.missing:
            raise fabric_module.Missing(self.missing[tenant])
        where = {name: f"{tenant}/{network}/{name}"
                 for name, network, _, _ in PLACES}
        one, two = (self.fabric.machines[where[n]] for n in (source, target))
        if not one.ping(two.ipv4):
            raise fabric_module.Missing(f"{one} does not reach {two}")
        return one, two


class ByHand:
    """One bridge per host, and the machines of all cases on it."""

    def __init__(self, lab):
        self.bridges = {name: bare.Bridge(host, "br-hand", UDP_PORT)
                        for name, host in lab.hosts.items()}
        self.machines, self.ports = {}, {}
        for name, network, host, last in PLACES:
            machine = self.bridges[host].plug(
                f"hand-{name}", mac_of(last), [ip_of(network, last) + "/24"],
                gateway=GATEWAY[network])
            self.machines[name] = machine
            self.ports[name] = self.bridges[host].port_of(machine)
            bare.know(machine, [(GATEWAY[network], bare.GATEWAY_MAC)] + [
                (ip_of(net, n), mac_of(n)) for _, net, _, n in PLACES
                if net == network and n != last])

    def rows(self, host, case):
        """The flows of one host in one case."""
        is_routed = case[0].startswith("routed")
        rows = ["table=0,priority=0,actions=drop",
                f"table=0,priority=100,in_port={bare.VXLAN_OFPORT},actions="
                "move:NXM_NX_TUN_ID[0..23]->NXM_NX_REG0[0..23],goto_table:5"]
        for name, network, home, last in PLACES:
            vni, mac, ip = VNI[network], mac_of(last), ip_of(network, last)
            if home == host:
                port = self.ports[name]
                rows += [
                    f"table=0,priority=100,in_port={port},actions="
                    f"set_field:{vni}->reg0,goto_table:1",
                    f"table=1,priority=100,in_port={port},ip,dl_src={mac},"
                    f"nw_src={ip},actions=goto_table:{2 if is_routed else 5}",
                    f"table=5,priority=100,reg0={vni},dl_dst={mac},actions="
                    f"output:{port}"]
            else:
                vtep = self.bridges[home].host.vtep
                rows.append(f"table=5,priority=100,reg0={vni},dl_dst={mac},"
                            f"actions={bare.to_tunnel(vni, vtep)}")
            if is_routed:
                rows.append(f"table=4,priority=100,reg0={vni},ip,nw_dst={ip},"
                            f"actions=set_field:{mac}->eth_dst,goto_table:5")
        return rows + (self.routing(case) if is_routed else [])

    @staticmethod
    def routing(case):
        """Policies, if the case has some, and the routes."""
        rows = ["table=2,priority=0,actions=goto_table:3",
                "table=3,priority=0,actions=goto_table:5"]
        for here in VNI:
            rows += [
                f"table=3,priority=124,reg0={VNI[here]},"
                f"dl_dst={bare.GATEWAY_MAC},ip,nw_dst={SUBNET[there]},"
                f"actions=dec_ttl,set_field:{bare.GATEWAY_MAC}->eth_src,"
                f"set_field:{VNI[there]}->reg0,goto_table:4"
                for there in VNI]
        if case[3] == "corp":
            for priority, ports in POLICIES:
                rows += [
                    f"table=2,priority={1000 + priority},reg0={VNI['web']},"
                    f"udp,nw_src={SUBNET['web']},nw_dst={SUBNET['app']},"
                    f"tp_dst={mask},actions=drop"
                    for mask in bare.port_masks(*map(int, ports.split("-")))]
        return rows

    def ends(self, case):
        """(source, target); the bridges have that case's flows then."""
        for name, bridge in self.bridges.items():
            bridge.load(self.rows(name, case))
        one, two = self.machines[case[1]], self.machines[case[2]]
        if not one.ping(two.ipv4):
            raise lab_module.LabError(f"by hand {one} does not reach {two}")
        return one, two


def stream(one, two, hosts):
    """(Mbit/s, us of main threads per Mbit) of a short TCP stream."""
    before = sum(measure.main_thread_ns(host) for host in hosts)
    rate = measure.throughput(one, two, STREAM_MS)
    spent = sum(measure.main_thread_ns(host) for host in hosts) - before
    return rate, spent / 1000 / (rate * STREAM_MS / 1000)


def pairs_of(found, what):
    """Ratios of what was taken one right after the other."""
    return [a / b for a, b in zip(found["product"][what],
                                  found["hand"][what])]


def interval(pairs):
    """Between what their median is with 95 %."""
    pairs, half = sorted(pairs), 0.98 * math.sqrt(len(pairs))
    middle = (len(pairs) - 1) / 2
    return (pairs[max(0, math.floor(middle - half))],
            pairs[min(len(pairs) - 1, math.ceil(middle + half))])


def is_open(found, what):
    """Whether nobody can say yet on which side of its aim it is."""
    low, high = interval(pairs_of(found, what))
    return low < {RATE: AIM_RATE, COST: AIM_COST}[what] < high


def take(case, sides, options):
    """{side: ([Mbit/s], [us per Mbit], [us per new flow]): all hosts of the
    path}."""
    ends = {name: side.ends(case) for name, side in sides.items()}
    found = {name: ([], [], []) for name in sides}

    def flows(turn):
        for name in sorted(ends, reverse=turn % 2):
            one, two = ends[name]
            found[name][COST].append(sum(measure.set_up(
                one, two, dict.fromkeys((one.host, two.host)))))

    def streams():
        for again in range(STREAMS):
            for name in sorted(ends, reverse=again % 2):
                one, two = ends[name]
                rate, work = stream(one, two, dict.fromkeys(
                    (one.host, two.host)))
                found[name][RATE].append(rate)
                found[name][WORK].append(work)

    with measure.sinks([two for _, two in ends.values()]):
        for turn in range(options.rounds):
            flows(turn)
            streams()
        for turn in range(options.more):
            if is_open(found, COST):
                flows(turn)
            elif not is_open(found, RATE):
                break
            if is_open(found, RATE):
                streams()
    return found


def line_of(case, found):
    """A row of the table, and whether both aims are met."""
    (rates, _, costs), (rates_hand, _, costs_hand) = (
        found["product"], found["hand"])

    def ratio(what):
        """Median of pairs, and between what it is."""
        pairs = pairs_of(found, what)
        low, high = interval(pairs)
        return median(pairs), f"{low:.2f}..{high:.2f}"

    (rate, rate_spread), (cost, cost_spread), (effort, _) = (
        ratio(RATE), ratio(COST), ratio(WORK))
    right = rate >= AIM_RATE and cost <= AIM_COST
    return (case[0], f"{median(rates):.0f}", f"{median(rates_hand):.0f}",
            f"{rate:.3f}", rate_spread, str(len(rates)), f"{effort:.2f}",
            f"{median(costs):.1f}", f"{median(costs_hand):.1f}",
            f"{cost:.2f}", cost_spread, "yes" if right else "NO"), right


def run(options):
    """Measures and prints; the exit status."""
    lines = [("", "Mbit/s", "by hand", "ratio", "95 %", "pairs", "us/Mbit",
              "us/flow", "by hand", "ratio", "95 %", "aims")]
    right, missing = True, []
    with lab_module.Lab(f"vxd{os.getpid()}") as lab:
        bare.warm(lab.add_hosts(3))
        measure.favour(lab.hosts.values())
        sides = {"product": Product(lab), "hand": ByHand(lab)}
        for case in CASES:
            if options.only not in case[0]:
                continue
            try:
                found = take(case, sides, options)
            except fabric_module.Missing as why:
                missing.append(f"{case[0]}: not taken: {why}")
                continue
            line, met = line_of(case, found)
            lines.append(line)
            right = right and met
    log(f"Medians of {options.rounds} rounds in turn ({STREAMS} streams of "
        f"{STREAM_MS} ms in each), and up to {options.more} more while an aim "
        "is within the 95 %; us: CPU of ovs-vswitchd's main threads, "
        "all hosts of the path, per Mbit (the ratio) and per new 5-tuple")
    measure.table(lines)
    for text in missing:
        log(f"  {text}")
    log(f"Aims: throughput >= {AIM_RATE}, set-up <= {AIM_COST}: "
        f"{'met' if right and not missing else 'NOT met by all'}")
    return 0 if right and not missing else 1


def main():
    """Reads the options."""
    parser = argparse.ArgumentParser(
        description="The product's datapath against a bridge by hand.")
    parser.add_argument("--rounds", type=int, default=9,
                        help="at least 2")
    parser.add_argument("--more", type=int, default=40, metavar="N",
                        help="as many more of a case whose figures say "
                        "nothing yet")
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="cases with this in their name")
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
