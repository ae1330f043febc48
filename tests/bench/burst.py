#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A tenant in burst next to another tenant's traffic inside its zone.

    make burst [BURST_ARGS='--rounds N --by-hand']

Needs root. Three hosts, h1 and h2 in one zone, h3 in another. The victim has
a machine on h1 and one on h2: a TCP stream of a constant rate between them,
and 1,000 small datagrams a second that are echoed. The aggressor has machines
on all three and sends from h1, as fast as its wire takes it:

  broadcasts      small frames for all of its network
  cross-zone      large packets to h3
  short flows     small packets, every one with other ports, through its
                  router and past its policies if this build has them

The victim's loss, throughput and latency while nobody else sends (quiet),
under each of these without budgets, and with them, in turn, round after
round. With budgets throughput stays within 10 % of the quiet value, or the
exit status is 1.

All switches of the lab forward with one thread each and share two cores with
the generators. The switches and the victim go first there, the aggressor gets
what is left: more than enough to drown a switch. --by-hand takes the same
with a bridge set up by hand, which is what Open vSwitch can do at best.
"""
import argparse
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

WITHIN = 0.90           # of the quiet throughput
RATE_MBIT, PROBE_PPS, PROBE_SIZE = 200, 1000, 200
UDP_PORT = 4790
IDLE = 19               # the aggressor's nice value
# name, tenant, network, host, last byte
PLACES = (("v1", "calm", "web", "h1", 11), ("v2", "calm", "web", "h2", 12),
          ("a1", "loud", "web", "h1", 21), ("a2", "loud", "web", "h2", 22),
          ("a3", "loud", "web", "h3", 23), ("a4", "loud", "app", "h2", 24))
SUBNET = {"web": "10.1.0.0/24", "app": "10.2.0.0/24"}
GATEWAY = {"web": "10.1.0.1", "app": "10.2.0.1"}
POLICIES = [(100 + n, f"{1000 + 600 * n}-{1357 + 600 * n}")
            for n in range(100)]
# What the aggressor may do at most.
BUDGET_PPS, BUDGET_BUM_PPS, BUDGET_CROSS_KBPS = 2000, 100, 20000


def mac_of(last):
    """MAC of a machine."""
    return f"02:00:00:00:02:{last:02x}"


def ip_of(network, last):
    """Address of a machine."""
    return SUBNET[network].replace("0/24", str(last))


class Product:
    """Both tenants in vxfabric."""

    def __init__(self, lab):
        # Every port has a budget of BUM by default: not here, so that
        # "without budgets" is without any.
        self.fabric = fabric_module.Fabric(
            lab, ("z1", "z1", "z2"), "--set", "port_bum_pps=0")
        self.hosts = list(lab.hosts.values())
        self.notes = []
        for tenant in ("calm", "loud"):
            for network, subnet in SUBNET.items():
                self.fabric.network(tenant, network, subnet)
        for name, tenant, network, host, last in PLACES:
            self.fabric.port(f"{tenant}/{network}/{name}", lab.hosts[host],
                             mac_of(last), ip_of(network, last) + "/24",
                             gateway=GATEWAY[network])
        self.machines = {path.split("/")[2]: m
                         for path, m in self.fabric.machines.items()}
        self.try_all([
            ("policy", "add", "loud", f"p{priority}", "--priority", priority,
             "--match", f"src={SUBNET['web']},dst={SUBNET['app']},proto=udp,"
             f"dport={ports}", "--action", "drop")
            for priority, ports in POLICIES])
        self.fabric.settle()
        one, other = self.machines["a1"], self.machines["a4"]
        self.short = other if one.ping(other.ipv4) else self.machines["a2"]
        if self.short is not other:
            self.notes.append("this build does not route: short flows stay "
                              "in their network")

    def try_all(self, commands):
        """What this build does not know is noted."""
        for words in commands:
            try:
                self.fabric.try_to(*words)
            except fabric_module.Missing as why:
                if str(why) not in self.notes:
                    self.notes.append(str(why))
                return

    def told(self):
        """What the controller says of it."""
        return self.fabric.say("top", "bursts").stdout.splitlines()

    def budgets(self, on):
        """The aggressor's: of each port, of its BUM, across zones."""
        pps, bum, cross = ((BUDGET_PPS, BUDGET_BUM_PPS, BUDGET_CROSS_KBPS)
                           if on else (0, 0, 0))
        self.try_all([("port", "set", "loud/web/a1", "--rate-pps", pps,
                       "--bum-pps", bum, "--wait"),
                      ("tenant", "set", "loud", "--budget-kbps", cross,
                       "--wait")])


class ByHand:
    """The same on one bridge per host: meters at the tap and at the
    tunnel."""

    VNI = {("calm", "web"): 1000, ("loud", "web"): 2000,
           ("loud", "app"): 3000}

    def __init__(self, lab):
        self.notes = []
        self.hosts = list(lab.hosts.values())
        self.bridges = {name: bare.Bridge(host, "br-hand", UDP_PORT)
                        for name, host in lab.hosts.items()}
        self.machines, self.ports = {}, {}
        for name, _, network, host, last in PLACES:
            machine = self.bridges[host].plug(
                name, mac_of(last), [ip_of(network, last) + "/24"],
                gateway=GATEWAY[network])
            self.machines[name] = machine
            self.ports[name] = self.bridges[host].port_of(machine)
        for name, tenant, network, _, _ in PLACES:
            bare.know(self.machines[name], [
                (GATEWAY[network], bare.GATEWAY_MAC)] + [
                (ip_of(network, last), mac_of(last))
                for other, t, n, _, last in PLACES
                if (t, n) == (tenant, network) and other != name])
        for name, bridge in self.bridges.items():
            self.groups(name, bridge)
        self.short = self.machines["a4"]
        self.budgets(False)

    def groups(self, host, bridge):
        """BUM, and the meters."""
        for key, vni in self.VNI.items():
            buckets = [f"bucket=output:{self.ports[n]}"
                       for n, t, w, h, _ in PLACES
                       if (t, w) == key and h == host]
            buckets += ["bucket=" + bare.to_tunnel(
                vni, self.bridges[h].host.vtep) for h in sorted(
                    {h for _, t, w, h, _ in PLACES
                     if (t, w) == key and h != host})]
            bridge.host.ofctl("add-group", bridge.name, ",".join(
                [f"group_id={vni},type=all", *buckets]))
        for number, unit, rate in ((1, "pktps", BUDGET_PPS),
                                   (2, "pktps", BUDGET_BUM_PPS),
                                   (3, "kbps", BUDGET_CROSS_KBPS)):
            bridge.host.ofctl(
                "add-meter", bridge.name, f"meter={number},{unit},burst,"
                f"bands=type=drop,rate={rate},burst_size={rate // 10}")

    @staticmethod
    def told():
        """Nobody counts here."""
        return []

    def budgets(self, on):
        """Meters at the tap of the aggressor, and towards h3."""
        for name, bridge in self.bridges.items():
            bridge.load(self.rows(name, on))

    def rows(self, host, on):
        """The flows of one host."""
        rows = ["table=0,priority=0,actions=drop",
                f"table=0,priority=100,in_port={bare.VXLAN_OFPORT},actions="
                "move:NXM_NX_TUN_ID[0..23]->NXM_NX_REG0[0..23],goto_table:5",
                "table=2,priority=0,actions=goto_table:5",
                f"table=2,priority=100,reg0=2000,dl_dst={bare.GATEWAY_MAC},"
                "ip,actions=goto_table:3",
                "table=3,priority=0,actions=goto_table:4"]
        for priority, ports in POLICIES:
            rows += [f"table=3,priority={priority},udp,"
                     f"nw_src={SUBNET['web']},nw_dst={SUBNET['app']},"
                     f"tp_dst={mask},actions=drop"
                     for mask in bare.port_masks(*map(int,
                                                      ports.split("-")))]
        for vni in self.VNI.values():
            rows.append(f"table=5,priority=90,reg0={vni},dl_dst=01:00:00:00:"
                        f"00:00/01:00:00:00:00:00,actions=group:{vni}")
        for name, tenant, network, home, last in PLACES:
            vni, mac = self.VNI[tenant, network], mac_of(last)
            meter = on and tenant == "loud"
            ip = ip_of(network, last)
            if home == host:
                rows += self.tap(self.ports[name], (vni, mac, ip), meter)
            else:
                limit = "meter:3," if meter and home == "h3" else ""
                rows.append(
                    f"table=5,priority=100,reg0={vni},dl_dst={mac},actions="
                    + limit + bare.to_tunnel(vni,
                                             self.bridges[home].host.vtep))
            if (tenant, network) == ("loud", "app"):
                rows.append(
                    f"table=4,priority=100,ip,nw_dst={ip},actions=dec_ttl,"
                    f"set_field:{bare.GATEWAY_MAC}->eth_src,set_field:{mac}"
                    f"->eth_dst,set_field:{vni}->reg0,goto_table:5")
        return rows

    @staticmethod
    def tap(port, who, meter):
        """Rows of a tap."""
        vni, mac, ip = who
        first, bum = ("meter:1,", "meter:2,") if meter else ("", "")
        return [
            f"table=0,priority=100,in_port={port},actions={first}"
            f"set_field:{vni}->reg0,goto_table:1",
            f"table=1,priority=110,in_port={port},ip,dl_src={mac},"
            f"nw_src={ip},dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,"
            f"actions={bum}goto_table:5",
            f"table=1,priority=100,in_port={port},ip,dl_src={mac},"
            f"nw_src={ip},actions=goto_table:2",
            f"table=5,priority=100,reg0={vni},dl_dst={mac},"
            f"actions=output:{port}"]


def phases(side):
    """{name: what the aggressor runs}"""
    far = side.machines["a3"].ipv4
    return {"broadcasts": ("flood", "eth0", 0, 0, 60),
            "cross-zone": ("flows", far, 7000, 0, 0, 1400),
            "short flows": ("flows", side.short.ipv4, 0, 0, 0, 46)}


def victim(side, span_ms):
    """(Mbit/s, lost part, p99 in ms)"""
    one, two = side.machines["v1"], side.machines["v2"]
    probe = measure.Process(one, "stream", two.ipv4, measure.PORT, span_ms,
                            PROBE_PPS, PROBE_SIZE)
    rate = measure.throughput(one, two, span_ms, RATE_MBIT)
    seen = probe.result()
    return rate, 1 - seen["back"] / seen["sent"], seen["p99_us"] / 1000


class Take:
    """All that was measured."""

    def __init__(self, side, options):
        self.side = side
        self.options = options
        self.found = {}         # (phase, with budgets): [victim()]
        self.offered = {}       # the same: [packets a second]

    def forget(self):
        """What the last one has left in the datapath, or still to be
        revalidated, is not this one's."""
        for host in self.side.hosts:
            host.appctl("revalidator/purge")

    def quiet(self):
        """Nobody else sends."""
        self.forget()
        self.found.setdefault(("quiet", None), []).append(
            victim(self.side, self.options.span_ms))

    def under(self, phase, on):
        """The aggressor sends."""
        self.forget()
        attack = measure.Process(self.side.machines["a1"],
                                 *phases(self.side)[phase], nice=IDLE)
        try:
            self.found.setdefault((phase, on), []).append(
                victim(self.side, self.options.span_ms))
            said = attack.stop()
            self.offered.setdefault((phase, on), []).append(
                (said["sent"] - said["refused"]) * 1e6 / said["us"])
        finally:
            attack.kill()

    def run(self):
        """Round after round."""
        for turn in range(self.options.rounds):
            for on in ((False, True) if turn % 2 else (True, False)):
                self.side.budgets(on)
                self.quiet()
                for phase in phases(self.side):
                    self.under(phase, on)

    def report(self):
        """Prints the table; whether the aim is met."""
        lines = [("", "offered kpps", "victim Mbit/s", "of quiet", "lost %",
                  "p99 ms", "within 10 %")]
        quiet = median([r for r, _, _ in self.found["quiet", None]])
        right = True
        for (phase, on), values in sorted(
                self.found.items(), key=lambda item: (
                    list(phases(self.side)).index(item[0][0])
                    if item[0][0] != "quiet" else -1, item[0][1] or 0)):
            rate, lost, p99 = (median(list(v)) for v in zip(*values))
            holds = rate >= WITHIN * quiet
            right = right and (holds or not on)
            sent = self.offered.get((phase, on))
            lines.append((
                phase if on is None else
                f"{phase}, {'with' if on else 'no'} budgets",
                f"{median(sent) / 1000:.0f}" if sent else "",
                f"{rate:.0f}", f"{rate / quiet:.2f}", f"{100 * lost:.2f}",
                f"{p99:.1f}", "" if on is None else
                "yes" if holds else "NO" if on else "no"))
        measure.table(lines)
        return right


def run(options):
    """Measures and prints; the exit status."""
    with lab_module.Lab(f"vxu{os.getpid()}") as lab:
        bare.warm(lab.add_hosts(3))
        measure.favour(lab.hosts.values())
        side = ByHand(lab) if options.by_hand else Product(lab)
        one, two = side.machines["v1"], side.machines["v2"]
        if not one.ping(two.ipv4):
            raise lab_module.LabError(f"{one} does not reach {two}")
        take = Take(side, options)
        targets = {two, side.machines["a3"], side.short}
        with measure.sinks(targets):
            take.run()
        notes, bursts = list(side.notes), side.told()
    log(f"{'By hand' if options.by_hand else 'vxfabric'}: medians of "
        f"{options.rounds} rounds in turn; the victim asks for {RATE_MBIT} "
        f"Mbit/s; budgets of the aggressor: {BUDGET_PPS} pps a port, "
        f"{BUDGET_BUM_PPS} BUM pps, {BUDGET_CROSS_KBPS} kbps across zones")
    right = take.report()
    for text in notes:
        log(f"  not in this build: {text}")
    right = right and not notes
    if bursts:
        log("What the controller has noticed (netctl top bursts):")
        for text in bursts[:8]:
            log(f"  {text}")
    log("With budgets within 10 % of quiet: " + ("yes" if right else "NO"))
    return 0 if right else 1


def main():
    """Reads the options."""
    parser = argparse.ArgumentParser(
        description="A tenant in burst next to another one.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--span-ms", type=int, default=2000)
    parser.add_argument("--by-hand", action="store_true",
                        help="a bridge set up by hand instead of vxfabric")
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
