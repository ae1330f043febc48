#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The table of gateways' restarts: packets lost, what is stale, crashes.

    make loss-gateways [LOSS_ARGS='--rounds N --only PROCESS ...']

See tests/lib/gwrestarts.py for what a round is. Exit status 1 if anything
was lost, stale after 30 s, or has crashed; how zebra falls at its own end on
SIGTERM is counted apart. Needs root.
"""
import argparse
import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))), "lib"))

from gwlab import GwLab  # noqa: E402  (needs the path above)
from gwrestarts import HOW, PROCESSES, Restarts  # noqa: E402
from lab import Lab  # noqa: E402


def main():
    """Runs the rows; exit status 0 if all was kept."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=PROCESSES,
                        default=PROCESSES)
    args = parser.parse_args()
    with Lab() as lab:
        lab.add_hosts(2)
        gw = GwLab(lab, gateways=args.gateways).build()
        restarts = Restarts(gw)
        for process in args.only:
            for how in HOW:
                restarts.run(process, how, args.rounds)
                print(restarts.table()[-1], flush=True)
        print()
        print("\n".join(restarts.table() + restarts.remarks()))
        complaints = restarts.complaints()
        print("\n".join(complaints) or "nothing lost, stale or crashed")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
