# SPDX-License-Identifier: Apache-2.0
"""What a test reads out of the two bridges: how many rows and where, and how
many packets were dropped for which reason (doc/pipeline.md, cookies)."""
import collections
import os
import re

BRIDGES = ("br-tenant", "br-fabric")
TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def _reasons():
    """Names in the order of enum vx_drop_reason: "unknown-port", ..."""
    with open(os.path.join(TOP, "src", "core", "pipeline.h"),
              encoding="utf-8") as file:
        names = re.findall(r"^    VX_DROP_(\w+),", file.read(), re.M)
    return [None] + [n.lower().replace("_", "-") for n in names]


REASONS = _reasons()
EPOCH = 0xfe        # kind of the cookie of the row that says what a bridge has
_FLOW = re.compile(r"cookie=0x([0-9a-f]+),.* table=(\d+), n_packets=(\d+),")


def drops(hosts):
    """{reason: packets} over all bridges of the hosts."""
    found = collections.Counter()
    for host in hosts:
        for bridge in BRIDGES:
            for flow in host.flows(bridge):
                cookie, _, packets = _FLOW.search(flow).groups()
                reason = int(cookie, 16) >> 48 & 0xff
                if reason and int(cookie, 16) >> 56 != EPOCH:
                    found[REASONS[reason]] += int(packets)
    return found


def table_sizes(host):
    """{bridge: {table: rows}}, groups as table "groups"."""
    found = {}
    for bridge in BRIDGES:
        sizes = collections.Counter()
        for flow in host.flows(bridge):
            sizes[int(_FLOW.search(flow).group(2))] += 1
        out = host.ofctl("dump-groups", bridge)
        sizes["groups"] = sum("group_id=" in line
                              for line in out.splitlines())
        found[bridge] = dict(sizes)
    return found


def format_sizes(sizes):
    """One line of table_sizes()."""
    return "; ".join(
        f"{bridge} {sum(n for t, n in tables.items() if t != 'groups')} rows"
        f" ({', '.join(f'{t}: {n}' for t, n in tables.items())})"
        for bridge, tables in sizes.items())
