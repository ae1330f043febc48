#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Minutes of random life on four hosts, and what is left of it.

    make churn [MINUTES=30] [CHURN_ARGS='--seed N --ports N --rate N --keep']

Needs root: it makes a lab of four hosts. Ports are added, deleted, moved,
plugged and unplugged all the time, while hosts lose OVSDB, OpenFlow, their
link, ovs-vswitchd or ovsdb-server for seconds. For the first KILLS of the time
the controller is killed and restarted as well; then it lives through all of
it, first until what is bounded is full, then its memory is looked at every 10
seconds.

At the end, when all is mended: every port's status is what is really plugged,
the audit finds nothing, neither this controller's nor that of a fresh start,
which looks at every row; rows of unicast forwarding are those of this test's
own reckoning; machines reach each other; and memory is flat: over the last
MEASURED of the time its least squares line rises by less than FLAT_PERCENT,
and the end is within FRESH_PERCENT of what a fresh start with the same intent
needs, and what is bounded but fills with time (FILLS_KIB: 4 MiB of lines of
the watch ring and 1 MiB of their index, 4 MiB of pages of SQLite, and 3 MiB
of holes in the heap, where comparisons of whole switches have been: of 16.8 MB
malloc said after 20 minutes that 13.2 were in use). Exit status 1 otherwise.
"""
import argparse
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))

import churn as churn_module  # noqa: E402  (needs the path above)
import intent  # noqa: E402
import judge  # noqa: E402
import lab as lab_module  # noqa: E402

HOSTS = 4
KILLS, MEASURED = 0.3, 0.35
FLAT_PERCENT, FRESH_PERCENT, FILLS_KIB = 3, 10, 12288
OPTIONS = ("--set", "probe_ms=1000", "--set", "vni_quarantine_s=5",
           "--set", "grace_ms=2000", "--set", "audit_interval=15",
           "--set", "audit_repair=no")


def log(text):
    """A line of the report."""
    print(text, flush=True)


def say_counts(churn):
    """What has happened."""
    for name, counts in (("done", churn.count), ("broken",
                                                 churn.faults.count)):
        log(f"  {name}: " + ", ".join(
            f"{kind} {n}" for kind, n in sorted(counts.items())))
    log(f"  slowest request {churn.slowest[0]:.2f} s: {churn.slowest[1]}")


def run(churn, seconds, per_second, kill):
    """All of the life; the samples of its last part."""
    memory = judge.Memory(churn.lab)
    kinds = set(churn_module.Faults.KINDS)
    calm = {k for k in kinds if "controller" not in k}
    churn.live(seconds * KILLS, per_second=per_second,
               faults_on=kinds if kill else calm)
    churn.faults.end_all()
    pid = churn.lab.controller.pid
    log(f"no more kills: {len(churn.ports)} ports, "
        f"{memory.now_kib() / 1024:.1f} MiB")
    churn.live(seconds * (1 - KILLS - MEASURED), per_second=per_second,
               faults_on=calm)
    log(f"measured from now on: {len(churn.ports)} ports, "
        f"{memory.now_kib() / 1024:.1f} MiB")
    churn.live(seconds * MEASURED, per_second=per_second, tick=memory.tick,
               faults_on=calm)
    if churn.lab.controller.pid != pid:
        churn.refused.append("the controller is another")
    return memory


def judge_memory(memory, end_kib, fresh_kib):
    """Figures and failures."""
    kib = [k for _, k in memory.samples] or [end_kib]
    rise = memory.growth_kib()
    percent = 100 * rise / (sum(kib) / len(kib))
    log(f"memory, {len(kib)} samples: first "
        f"{kib[0] / 1024:.1f}, lowest {min(kib) / 1024:.1f}, highest "
        f"{max(kib) / 1024:.1f}, last {kib[-1] / 1024:.1f} MiB; line rises "
        f"by {rise:.0f} KiB ({percent:.1f} %)")
    log("  MiB: " + " ".join(f"{k / 1024:.1f}" for k in kib))
    log(f"  quiet at the end {end_kib / 1024:.1f} MiB; a fresh start with "
        f"the same intent {fresh_kib / 1024:.1f} MiB")
    failures = []
    # In less than five minutes the watch ring is not full.
    if len(kib) >= 30 and percent > FLAT_PERCENT:
        failures.append(f"memory rises by {percent:.1f} %")
    if end_kib > fresh_kib * (1 + FRESH_PERCENT / 100) + FILLS_KIB:
        failures.append(f"memory is {end_kib} KiB, fresh {fresh_kib} KiB")
    return failures


def metrics(churn, *names):
    """Lines of the metrics that begin so."""
    with intent.Api(churn.lab.api) as api:
        return [line.replace("vxfabric_", "", 1)
                for line in api.get("/metrics").splitlines()
                if line.startswith(tuple(f"vxfabric_{n}" for n in names))]


def check(churn, memory):
    """Everything that has to be true; the failures."""
    failures = [f"refused: {text}" for text in churn.refused]
    started = time.monotonic()
    churn.quiesce()
    wrong = judge.wait_statuses(churn)
    log(f"quiet, and every status right after "
        f"{time.monotonic() - started:.1f} s" if not wrong else
        f"{len(wrong)} statuses stay wrong")
    failures += [f"status: {text}" for text in wrong]
    judge.wait_realized(churn)
    if judge.has_audit(churn):
        found = judge.audit(churn)
        log(f"audit: {len(found)} findings")
        failures += [f"audit: {text}" for text in found]
        told = judge.drift_told(churn)
        log(f"  {len(told)} differences found by audits all the while")
        failures += [f"drift: {text}" for text in told]
    failures += [f"rows: {text}" for text in judge.wrong_rows(churn)]
    n_pairs, silent = judge.silent_pairs(churn, 400)
    log(f"pings: {n_pairs} pairs, {len(silent)} silent")
    failures += [f"silent: {pair}" for pair in silent]
    end_kib = memory.now_kib()
    log("  " + "; ".join(metrics(churn, "audits_total", "drift_found_total",
                                 "loop_late_max_seconds", "probes_")))
    failures += [f"fresh start: {text}" for text in
                 judge.differences_of_a_fresh_start(churn)]
    if not churn.lab.controller:
        return failures
    wrong = judge.wait_statuses(churn)
    failures += [f"status after a fresh start: {text}" for text in wrong]
    if wrong:
        churn.disconnect()
    failures += judge_memory(memory, end_kib, memory.now_kib())
    return failures


def life(lab, options):
    """All of it; the failures."""
    lab.add_hosts(HOSTS)
    lab.start_controller(*OPTIONS)
    intent.join_all(lab)
    churn = churn_module.Churn(lab, options.seed, ports=options.ports,
                               sockets=options.sockets, options=OPTIONS)
    churn.faults.often = options.often
    churn.populate()
    log(f"seed {options.seed}: {len(churn.ports)} ports, "
        f"{HOSTS * options.sockets} taps, {options.minutes:g} minutes")
    memory = run(churn, options.minutes * 60, options.rate,
                 not options.no_kill)
    say_counts(churn)
    return check(churn, memory)


def main():
    """Makes the lab, lives, judges, removes it."""
    parser = argparse.ArgumentParser(
        description="Minutes of random life on four hosts.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--ports", type=int, default=300)
    parser.add_argument("--sockets", type=int, default=30,
                        help="taps per host")
    parser.add_argument("--rate", type=float, default=10,
                        help="things per second")
    parser.add_argument("--no-kill", action="store_true",
                        help="one controller through both halves")
    parser.add_argument("--often", type=float, default=1,
                        help="how much more often than usual things break")
    parser.add_argument("--seed", type=int, default=int.from_bytes(
        os.urandom(3), "big"))
    parser.add_argument("--keep", action="store_true",
                        help="leave the lab running if something is wrong")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with lab_module.Lab(f"vxc{os.getpid()}") as lab:
        failures = life(lab, options)
        if failures and options.keep:
            lab.keep_running()
            log(f"kept: {lab.prefix}")
    log(f"{'FAILED' if failures else 'ok'}: seed {options.seed}, "
        f"{len(failures)} things wrong")
    for text in failures[:50]:
        log(f"  {text}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
