# SPDX-License-Identifier: Apache-2.0
"""Faults of hosts, for tests and benchmarks: cut connections and lost rows."""
import collections
import re

import netns

OVSDB, OPENFLOW = 6640, 6653
_COUNTED = re.compile(r" (?:duration|n_packets|n_bytes|idle_age|hard_age)="
                      r"[^,]*,")
_ROW = re.compile(r"cookie=(0x[0-9a-f]+),(?:.*?) table=(\d+),(.*?) ?actions=")


def cut(host, port):
    """What the host sends to that port of the controller is lost from now
    on, without a word: both ends learn it by their probes."""
    netns.run(netns.command(host.namespace, [
        "ip", "rule", "add", "priority", "1", "ipproto", "tcp", "dport",
        str(port), "blackhole"]))


def mend(host, port):
    """Undoes cut()."""
    netns.run(netns.command(host.namespace, [
        "ip", "rule", "del", "priority", "1", "ipproto", "tcp", "dport",
        str(port)]), check=False)


Flow = collections.namedtuple("Flow", "table match cookie text")


def flows_of(host, bridge):
    """{(table, match): Flow} of a bridge; the epoch row is left out."""
    found = {}
    for line in host.flows(bridge):
        text = _COUNTED.sub("", line)
        cookie, table, match = _ROW.search(text).groups()
        if int(table) != 253:
            flow = Flow(int(table), match.strip().rstrip(","), cookie, text)
            found[flow.table, flow.match] = flow
    return found


def flows_text(dumped):
    """Lines of dump-flows without what add-flow does not take."""
    lines = []
    for line in dumped.splitlines():
        words = [w for w in line.split(" ") if not w.startswith(
            ("duration=", "n_packets=", "n_bytes=", "idle_age=",
             "hard_age="))]
        lines.append(" ".join(words))
    return "\n".join(lines) + "\n"


def groups_of(host, bridge):
    """{group: text with its buckets sorted} of a bridge."""
    found = {}
    for line in host.ofctl("dump-groups", bridge).splitlines():
        number = re.search(r"group_id=(\d+)", line)
        if number:
            head, *buckets = line.strip().split(",bucket=")
            found[int(number.group(1))] = ",bucket=".join(
                [head, *sorted(buckets)])
    return found


def bucket_ids(group_text):
    """Numbers of the buckets of a group as groups_of() has it."""
    return [int(n) for n in re.findall(r"bucket_id:(\d+)", group_text)]


def lose(host, bridge, flows, groups=(), buckets=()):
    """Deletes these flows, groups (and with them the flows that use them),
    and (group, bucket) and no other, in one bundle."""
    lines = []
    for flow in flows:
        match = f",{flow.match}" if flow.match else ""
        lines.append(f"flow delete_strict table={flow.table}{match}\n")
    lines += [f"group remove_bucket group_id={group},"
              f"command_bucket_id={bucket}\n" for group, bucket in buckets]
    lines += [f"group delete group_id={group}\n" for group in groups]
    host.ofctl("bundle", bridge, "-", input="".join(lines))
