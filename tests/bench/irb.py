#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asymmetric against symmetric IRB, by hand on real Open vSwitch.

    make bench-irb [IRB_ARGS='--rounds N']

Needs root. Two hosts, a tenant with two networks and 1,000 endpoints, and on
each host a bridge of each kind, which routes between the networks:

  asymmetric  the source host routes, resolves (VNI, IP) to a MAC and sends
              the frame with the destination's VNI; there it is switched.
  symmetric   the source host routes to (L3VNI, IP) and sends the frame with
              the L3VNI; the destination host routes again.
  short       asymmetric, but (VNI, IP) leads to MAC and host in one row, so
              that networks a host has no port of need no row per MAC there.

What doc/decisions/irb.md decides from: throughput, set-up cost of a flow on
both hosts, rows per host.
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"),
    os.path.dirname(os.path.abspath(__file__))]

import bare  # noqa: E402  (needs the path above)
import lab as lab_module  # noqa: E402
import measure  # noqa: E402
from measure import log, median  # noqa: E402

VNIS = (1000, 2000)
L3VNI = 9000
PER_NETWORK = 500
KINDS = {"asymmetric": 4790, "symmetric": 4791, "short": 4792}
GATEWAY = bare.GATEWAY_MAC


def prefix_of(network):
    """The network's subnet."""
    return f"10.{network}.0.0/16"


def ip_of(network, n):
    """Address of an endpoint."""
    return f"10.{network}.{n // 250}.{n % 250 + 2}"


def mac_of(network, n):
    """MAC of an endpoint."""
    return f"02:00:00:{network:02x}:{n >> 8:02x}:{n & 255:02x}"


def vtep_of(number):
    """VTEP of a host of the lab, by its number."""
    return str(lab_module.UNDERLAY[256 + number])


def router_of(number):
    """Router MAC of a host, as symmetric IRB has it."""
    return f"02:00:5e:01:00:{number:02x}"


class Host:
    """What one host needs to know: its number, and the number of the host
    of every endpoint (network, n)."""

    def __init__(self, number, where, taps, networks=(0, 1)):
        self.number = number
        self.where = where
        self.taps = taps            # {(network, n): ofport}
        self.networks = networks    # present here

    def edge(self):
        """Who are you: the same in both kinds."""
        rows = ["table=2,priority=0,actions=goto_table:5",
                "table=0,priority=0,actions=drop"]
        for (network, n), port in self.taps.items():
            rows += [
                f"table=0,priority=100,in_port={port},actions="
                f"set_field:{VNIS[network]}->reg0,goto_table:1",
                f"table=1,priority=100,in_port={port},ip,"
                f"dl_src={mac_of(network, n)},nw_src={ip_of(network, n)},"
                "actions=goto_table:2",
                f"table=5,priority=100,reg0={VNIS[network]},"
                f"dl_dst={mac_of(network, n)},actions=output:{port}"]
        return rows

    def fdb(self, networks):
        """Remote endpoints by MAC."""
        return [f"table=5,priority=100,reg0={VNIS[network]},"
                f"dl_dst={mac_of(network, n)},actions="
                + bare.to_tunnel(VNIS[network], vtep_of(host))
                for (network, n), host in self.where.items()
                if host != self.number and network in networks]

    def routes(self):
        """Routing at the source: TTL, source MAC, the destination's VNI."""
        rows = self.edge() + [
            f"table=0,priority=100,in_port={bare.VXLAN_OFPORT},actions="
            "move:NXM_NX_TUN_ID[0..23]->NXM_NX_REG0[0..23],goto_table:5"]
        for here in self.networks:
            rows += [
                f"table=2,priority=116,reg0={VNIS[here]},dl_dst={GATEWAY},ip,"
                f"nw_dst={prefix_of(there)},actions=dec_ttl,"
                f"set_field:{GATEWAY}->eth_src,"
                f"set_field:{VNIS[there]}->reg0,goto_table:3"
                for there in (0, 1)]
        return rows

    def adjacency(self, network, n, then):
        """(VNI, IP) to MAC, and on."""
        return (f"table=3,priority=100,reg0={VNIS[network]},ip,"
                f"nw_dst={ip_of(network, n)},actions="
                f"set_field:{mac_of(network, n)}->eth_dst,{then}")

    def asymmetric(self):
        """The destination's VNI on the wire."""
        return self.routes() + self.fdb((0, 1)) + [
            self.adjacency(*key, "goto_table:5") for key in self.where]

    def short(self):
        """The same, without a row per MAC for what is only routed to."""
        return self.routes() + self.fdb(self.networks) + [
            self.adjacency(*key, "goto_table:5" if host == self.number
                           else bare.to_tunnel(VNIS[key[0]], vtep_of(host)))
            for key, host in self.where.items()]

    def symmetric(self):
        """Routing at both ends, the L3VNI between them."""
        rows = self.edge() + self.fdb(self.networks) + [
            f"table=0,priority=110,in_port={bare.VXLAN_OFPORT},"
            f"tun_id={L3VNI},actions=set_field:{L3VNI}->reg1,goto_table:3",
            f"table=0,priority=100,in_port={bare.VXLAN_OFPORT},actions="
            "move:NXM_NX_TUN_ID[0..23]->NXM_NX_REG0[0..23],goto_table:5"]
        rows += [f"table=2,priority=116,reg0={VNIS[here]},dl_dst={GATEWAY},ip"
                 f",actions=set_field:{L3VNI}->reg1,goto_table:3"
                 for here in self.networks]
        for (network, n), host in self.where.items():
            row = (f"table=3,priority=100,reg1={L3VNI},ip,"
                   f"nw_dst={ip_of(network, n)},actions=dec_ttl,")
            if host == self.number:
                rows.append(row + f"set_field:{GATEWAY}->eth_src,"
                            f"set_field:{mac_of(network, n)}->eth_dst,"
                            f"set_field:{VNIS[network]}->reg0,goto_table:5")
            else:
                rows.append(
                    row + f"set_field:{router_of(self.number)}->eth_src,"
                    f"set_field:{router_of(host)}->eth_dst,"
                    + bare.to_tunnel(L3VNI, vtep_of(host)))
        return rows


def endpoints(n_hosts, homes=None):
    """{(network, n): host number}; the homes by hand, the rest in turn."""
    where = {(network, n): n % n_hosts + 1 for network in (0, 1)
             for n in range(PER_NETWORK)}
    where.update(homes or {})
    return where


def count_rows():
    """Rows of a host that routing needs, without those of its own taps'
    guard: 1,000 endpoints over 10 hosts."""
    where = endpoints(10)
    lines = [("rows on one of 10 hosts, 100 endpoints there", *KINDS)]
    for text, networks in (("both networks present", (0, 1)),
                           ("one network present", (0,))):
        home = Host(1, {k: h for k, h in where.items() if h != 1
                        or k[0] in networks}, {}, networks)
        lines.append((text, *(len(getattr(home, kind)()) for kind in KINDS)))
    measure.table(lines)


class Pair:
    """One kind of IRB on both hosts, and the two machines."""

    def __init__(self, lab, kind, homes):
        self.kind = kind
        self.hosts = list(lab.hosts.values())
        self.ends = []
        for number, host in enumerate(self.hosts):
            bridge = bare.Bridge(host, f"br-{kind[:4]}", KINDS[kind])
            key = (number, 0)
            gateway = f"10.{number}.255.254"
            machine = bridge.plug(f"{kind}{number}", mac_of(*key),
                                  [f"{ip_of(*key)}/16"], gateway=gateway)
            bare.know(machine, [(gateway, GATEWAY)])
            self.ends.append(machine)
            rows = Host(number + 1, endpoints(2, homes),
                        {key: bridge.port_of(machine)})
            bridge.load(getattr(rows, kind)())

    def check(self):
        """Both ways, and how many hops a packet takes: its TTL."""
        there = self.ends[0].run("ping", "-c", "2", "-W", "2",
                                 self.ends[1].ipv4).stdout
        return 64 - int(there.split("ttl=")[1].split()[0])


def run(options):
    """Measures and prints."""
    homes = {(0, 0): 1, (1, 0): 2}
    with lab_module.Lab(f"vxi{os.getpid()}") as lab:
        hosts = lab.add_hosts(2)
        bare.warm(hosts)
        measure.favour(hosts)
        pairs = [Pair(lab, kind, homes) for kind in KINDS]
        hops = {p.kind: p.check() for p in pairs}
        rates = {p.kind: [] for p in pairs}
        costs = {p.kind: [] for p in pairs}
        with measure.sinks([p.ends[1] for p in pairs]):
            for turn in range(options.rounds):
                for pair in pairs[turn % 3:] + pairs[:turn % 3]:
                    one, two = pair.ends
                    rates[pair.kind].append(measure.throughput(one, two))
                    costs[pair.kind].append(measure.set_up(
                        one, two, hosts))
    lines = [("", "TCP Mbit/s", "set-up us, source", "destination", "sum",
              "TTL taken")]
    total = {}
    for kind in KINDS:
        one, two = (median([c[i] for c in costs[kind]]) for i in (0, 1))
        total[kind] = (median(rates[kind]), median([sum(c) for c in
                                                    costs[kind]]))
        lines.append((kind, f"{median(rates[kind]):.0f}", f"{one:.1f}",
                      f"{two:.1f}", f"{total[kind][1]:.1f}", hops[kind]))
    for kind in ("asymmetric", "short"):
        lines.append((f"{kind} / symmetric", *(
            f"{total[kind][i] / total['symmetric'][i]:.2f}"
            if text else "" for text, i in (
                (1, 0), (0, 0), (0, 0), (1, 1), (0, 0)))))
    log(f"Medians of {options.rounds} rounds in turn; CPU of both "
        "ovs-vswitchd main threads per new 5-tuple")
    measure.table(lines)
    count_rows()


def main():
    """Reads the options."""
    parser = argparse.ArgumentParser(
        description="Asymmetric against symmetric IRB.")
    parser.add_argument("--rounds", type=int, default=7)
    run(parser.parse_args())
    return 0


if __name__ == "__main__":
    sys.exit(main())
