# SPDX-License-Identifier: Apache-2.0
"""What a test reads out of the two bridges: how many rows and where, and how
many packets were dropped for which reason (doc/pipeline.md, cookies)."""
import collections
import re

BRIDGES = ("br-tenant", "br-fabric")
# In the order of enum vx_drop_reason.
REASONS = (None, "unknown-port", "tagged", "mac-spoof", "ip-spoof",
           "ip6-spoof", "arp-spoof", "nd-spoof", "router-adv", "ethertype",
           "own-probe", "not-local", "bad-mark", "unknown-vtep",
           "unknown-vni", "unknown-arp", "unknown-nd", "unknown-mac",
           "stray")
_FLOW = re.compile(r"cookie=0x([0-9a-f]+),.* table=(\d+), n_packets=(\d+),")


def drops(hosts):
    """{reason: packets} over all bridges of the hosts."""
    found = collections.Counter()
    for host in hosts:
        for bridge in BRIDGES:
            for flow in host.flows(bridge):
                cookie, _, packets = _FLOW.search(flow).groups()
                reason = int(cookie, 16) >> 48 & 0xff
                if reason:
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
