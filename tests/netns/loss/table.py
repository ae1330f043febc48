#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The loss table: what restarts cost, in packets.

    make loss [LOSS_ARGS='--rounds N --switch-rounds N --only WORD ...']

UDP streams of a packet per millisecond, one between two machines of a host
and one in each direction between hosts, run over every fault and over the
recovery from it. Printed per kind of restart: packets sent, packets of which
the number never arrived, most of them in a row (a packet is a millisecond),
and the longest time in which nothing arrived; median and maximum of rounds.

Promised, and exit status 1 where it is not kept: nothing is lost when
vxfabricd or ovsdb-server restart, nothing arrives twice, and a restart of
ovs-vswitchd costs at most what it costs a bare switch with the same flows
and groups, saved and restored by Open vSwitch's own tools. The rounds of the
switch that vxfabricd loads and those of the bare one alternate. A machine that
migrates is away for a fraction of a second, and nothing reaches it twice.

Needs root: it makes labs of two hosts.
"""
import argparse
import os
import random
import signal
import statistics
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(os.path.dirname(HERE)),
                                   "lib")]

from bed import Bed, ip_of, mac_of  # noqa: E402  (needs the path above)
from mover import NUMBER, Mover  # noqa: E402
from streams import CROSS, SAME, Count, Traffic  # noqa: E402

LATE_SHARE = 0.02       # of packets a millisecond late: no constant rate
BY_CHANCE = 1.4         # times the median of what is the same
FEW_ROUNDS = 3          # of which a median, or a share, says little
BLACKOUT_MS = 250       # of a migration, on a machine that has much to do


class Row:
    """A kind of restart."""

    def __init__(self, kind):
        self.kind = kind
        self.rounds = []        # {SAME: Count, CROSS: Count} each
        self.failure = None

    def total(self, kind):
        """Over all rounds."""
        count = Count()
        for one in self.rounds:
            count.add(one[kind])
        return count

    def both(self):
        """Over all rounds and streams."""
        count = self.total(SAME)
        count.add(self.total(CROSS))
        return count

    def lost(self):
        """Packets lost per round."""
        return [one[SAME].lost + one[CROSS].lost for one in self.rounds]

    def gaps(self):
        """Longest time in which nothing arrived, per round, ms."""
        return [max(one[SAME].gap_ms, one[CROSS].gap_ms)
                for one in self.rounds]

    def runs(self):
        """Most packets of a stream lost in a row, per round; a packet is a
        millisecond, and other than a gap it is nothing that came late."""
        return [max(one[SAME].run, one[CROSS].run) for one in self.rounds]

    def run(self, bed, fault, mover=None):
        """One round: fault(), or with a machine that moves fault(traffic)."""
        with Traffic(mover.pairs() if mover else bed.pairs) as traffic:
            started = time.time()
            fault(*([traffic] if mover else []))
            took = time.time() - started
        for host in () if mover else (bed.h1, bed.h2):
            bed.check_rows(host)
        self.rounds.append(traffic.counts)
        worst = max(traffic.counts.values(), key=lambda c: c.gap_ms)
        print(f"  {self.kind}: round {len(self.rounds)}, lost "
              f"{self.lost()[-1]} (in a row {self.runs()[-1]}), longest gap {worst.gap_ms:.0f} ms "
              f"({(worst.gap_at - started) * 1000:+.0f} ms after the fault "
              f"began), all well after {took * 1000:.0f} ms", flush=True)


HEADINGS = ("fault", "rounds", "sent", "lost same host",
            "lost cross host", "lost per round", "lost in a row",
            "longest gap ms", "twice", "sent late")


def cells(row):
    """A row as it is printed."""
    both, lost, gaps, runs = row.both(), row.lost(), row.gaps(), row.runs()
    return (row.kind, str(len(row.rounds)), f"{both.sent:,}",
            str(row.total(SAME).lost), str(row.total(CROSS).lost),
            f"{statistics.median(lost):g} (max {max(lost)})"
            if lost else "-",
            f"{statistics.median(runs):g} (max {max(runs)})"
            if runs else "-",
            f"{statistics.median(gaps):.1f} (max {max(gaps):.1f})"
            if gaps else "-", str(both.twice),
            f"{both.late} (max {both.late_max_ms:.1f} ms)")


def print_table(rows):
    """All rows, in columns."""
    lines = [HEADINGS] + [cells(r) for r in rows]
    widths = [max(len(line[i]) for line in lines)
              for i in range(len(HEADINGS))]
    for number, line in enumerate(lines):
        print("  ".join(c.ljust(w) if i == 0 else c.rjust(w)
                        for i, (c, w) in enumerate(zip(line, widths))))
        if number == 0:
            print("  ".join("-" * w for w in widths))


class Table:
    """The rows, by name, and what is promised about them."""

    def __init__(self, args):
        self.args = args
        self.rows = {}
        self.broken = []

    def wanted(self, name):
        """Whether the row was asked for."""
        if self.args.brief and name in (DATABASE_1, DATABASE_1_BARE, INBAND):
            return False
        return not self.args.only or any(w in name for w in self.args.only)

    def row(self, name):
        """The row of that name; it appears where it is first asked for."""
        return self.rows.setdefault(name, Row(name))

    def promise(self, kept, text):
        """Notes what was not kept."""
        if not kept:
            self.broken.append(text)

    def judge(self):
        """All promises."""
        for row in self.rows.values():
            both, lost = row.both(), sum(row.lost())
            self.promise(both.late <= both.sent * LATE_SHARE * (
                             1 if len(row.rounds) >= FEW_ROUNDS else 5),
                         f"{row.kind}: the sender did not keep its rate")
            self.promise(not both.socket_drops,
                         f"{row.kind}: the receiver could not keep up")
            self.promise(not both.twice, f"{row.kind}: packets came twice")
            if row.kind in HITLESS:
                self.promise(not lost, f"{row.kind}: {lost} packets lost, "
                             "0 promised")
            if row.kind in (MOVED, CALLED):
                self.promise(max(row.runs()) <= BLACKOUT_MS, f"{row.kind}: "
                             f"blackout of {max(row.runs())} ms")
        for kind, bare in (LOADED, BARE), (TUNED, BARE):
            if {kind, bare} <= set(self.rows):
                mine, its = (sum(self.rows[k].lost()) for k in (kind, bare))
                self.promise(mine <= its, f"{kind}: {mine} packets lost, "
                             f"{bare}: {its}")
        # The same thing twice, so they differ by chance, either way.
        for kind, bare in (SAVED, BARE), (DATABASE_1, DATABASE_1_BARE):
            if {kind, bare} <= set(self.rows):
                mine, its = (statistics.median(self.rows[k].lost())
                             for k in (kind, bare))
                chance = BY_CHANCE if (self.args.switch_rounds
                                       >= FEW_ROUNDS) else 2 * BY_CHANCE
                self.promise(mine <= its * chance, f"{kind}: {mine} "
                             f"packets lost per round, {bare}: {its}")


TERM, KILL = "vxfabricd (TERM)", "vxfabricd (kill -9)"
BUSY = "vxfabricd (kill -9), ports come and go"
UPGRADE = "vxfabricd (other build)"
DATABASE = "ovsdb-server"
DATABASE_1 = "ovsdb-server, one thread"
DATABASE_1_BARE = "ovsdb-server, one thread, bare"
BARE = "ovs-vswitchd, bare, ovs-save"
LOADED = "ovs-vswitchd, vxfabricd loads"
SAVED = "ovs-vswitchd, vxfabricd, ovs-save"
TUNED = "ovs-vswitchd, vxfabricd in band, ARP 50 ms"
INBAND = "ovs-vswitchd, vxfabricd in band"
MOVED = "migration, interface appears"
CALLED = "migration, ended by a call"
HITLESS = (TERM, KILL, BUSY, UPGRADE, DATABASE)


def controller_rows(table, bed, chance):
    """Restarts that nobody should notice."""
    args = table.args

    def away():
        return chance.uniform(0, 0.3)

    faults = [(TERM, args.rounds, lambda: bed.restart_controller(
                  signal.SIGTERM, away())),
              (KILL, args.rounds, lambda: bed.restart_controller(
                  signal.SIGKILL, away())),
              (BUSY, args.rounds, lambda: bed.restart_controller_busy(
                  signal.SIGKILL, away()))]
    if args.other_build:
        bed.programs = [bed.lab.program, args.other_build]
        faults.append((UPGRADE, args.switch_rounds,
                       lambda: bed.upgrade(away())))
    for kind, rounds, fault in faults:
        if table.wanted(kind):
            for _ in range(rounds):
                table.row(kind).run(bed, fault)


def thread_rows(table):
    """A switch whose packets do not wait for its thread that talks to
    ovsdb-server, as they would not with a kernel datapath."""
    if table.wanted(DATABASE):
        with Bed(f"loss{os.getpid()}t", table.args.ports,
                 threads=True) as bed:
            for _ in range(table.args.switch_rounds):
                table.row(DATABASE).run(bed, bed.restart_database)


def switch_rows(table, bed):
    """Restarts on a host beside the same ones on a bare one."""
    faults = ((DATABASE_1_BARE, lambda b: b.restart_database(False)),
              (DATABASE_1, lambda b: b.restart_database()),
              (BARE, lambda b: b.restart_switch_saved(False)),
              (LOADED, lambda b: b.restart_switch()),
              (SAVED, lambda b: b.restart_switch_saved(True)))
    if not any(table.wanted(kind) for kind, _ in faults):
        return
    with Bed(f"{bed.lab.prefix}b", table.args.ports) as bare:
        bare.make_bare()
        assert bare.rows(bare.h1) == bed.rows(bed.h1), "not the same rows"
        for _ in range(table.args.switch_rounds):
            for kind, fault in faults:
                where = bare if kind in (BARE, DATABASE_1_BARE) else bed
                if table.wanted(kind):
                    table.row(kind).run(where, lambda f=fault, b=where: f(b))


def inband_rows(table):
    """The controller is reached through the switch that restarts."""
    for kind, again_ms in (TUNED, 50), (INBAND, None):
        if table.wanted(kind):
            with Bed(f"loss{os.getpid()}i", table.args.ports,
                     again_ms=again_ms, management=False) as bed:
                for _ in range(table.args.switch_rounds):
                    table.row(kind).run(bed, bed.restart_switch)


def migration_rows(table, bed):
    """A machine that runs on another host from one moment to the next: what
    is lost is the fabric's doing alone."""
    if not any(map(table.wanted, (MOVED, CALLED))):
        return
    one, _, three = bed.machines
    mover = Mover(bed, mac_of(NUMBER), ip_of(NUMBER), [one, three])
    for kind, move in (MOVED, mover.move_by_interface), (
            CALLED, mover.move_by_call):
        for _ in range(table.args.rounds if table.wanted(kind) else 0):
            table.row(kind).run(bed, move, mover)


def parse(argv):
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20,
                        help="restarts of vxfabricd of each kind")
    parser.add_argument("--switch-rounds", type=int, default=5,
                        help="restarts of Open vSwitch of each kind")
    parser.add_argument("--ports", type=int, default=200,
                        help="ports beside those with streams")
    parser.add_argument("--only", action="append", metavar="WORD",
                        help="only rows with the word in their name")
    parser.add_argument("--brief", action="store_true",
                        help="without rows of which little is promised")
    parser.add_argument("--other-build", metavar="PROGRAM",
                        help="the vxfabricd to upgrade to, and back")
    parser.add_argument("--seed", type=int,
                        default=random.SystemRandom().getrandbits(32))
    return parser.parse_args(argv)


def main(argv=None):
    """The table, and the exit status."""
    args = parse(argv)
    table = Table(args)
    print(f"seed {args.seed}, load {os.getloadavg()[0]:.1f}", flush=True)
    with Bed(f"loss{os.getpid()}", args.ports) as bed:
        controller_rows(table, bed, random.Random(args.seed))
        switch_rows(table, bed)
        migration_rows(table, bed)
    thread_rows(table)
    inband_rows(table)
    table.judge()
    print()
    print_table(table.rows.values())
    for text in table.broken:
        print(f"NOT KEPT: {text}")
    return 1 if table.broken else 0


if __name__ == "__main__":
    sys.exit(main())
