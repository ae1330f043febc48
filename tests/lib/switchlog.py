# SPDX-License-Identifier: Apache-2.0
"""Which OpenFlow messages a switch received, by its own log.

ovs-vswitchd writes every message of its controller connections, those inside
a bundle too, when told so (vconn at level dbg, without rate limit). Unlike
`ovs-ofctl snoop` it drops none, and it names no more than what really came
over the wire: nothing that the controller thinks it has sent.
"""
import collections
import os
import re

TABLE_EPOCH = 253
_START = re.compile(r"^\d{4}-\d\d-\d\dT")
_RECEIVED = re.compile(r"\|vconn\|DBG\|tcp:\S+: received: (OFP\w+)")
_FLOW_MOD = re.compile(r"OFPT_FLOW_MOD \([^)]*\) \([^)]*\): (\w+)"
                       r"(?: table:(\d+))?(?: (\S+))?")
_GROUP_MOD = re.compile(r"OFPT_GROUP_MOD \([^)]*\) \([^)]*\):\s*(\w+)"
                        r".*?\bgroup_id=(\d+)")
_BUCKET = re.compile(r"bucket_id:(\d+)")
_METER_MOD = re.compile(r"OFPT_METER_MOD \([^)]*\) \([^)]*\):?\s*(\w+)")
_NO_MATCH = ("cookie:", "cookie=", "actions=", "send_flow", "check_overlap",
             "reset_counts", "idle_timeout", "hard_timeout", "importance=",
             "out_", "buf:", "no_packet", "no_byte")


class Messages:
    """What one switch was sent, both bridges together."""

    def __init__(self):
        self.kinds = collections.Counter()      # OFPT_BARRIER_REQUEST: n
        self.flows = collections.Counter()      # ("ADD", table, match): n
        self.epochs = collections.Counter()     # the same of table 253
        self.groups = collections.Counter()     # ("ADD", group): n
        # Of INSERT_BUCKET and ADD: ("INSERT_BUCKET", group, bucket): n
        self.buckets = collections.Counter()
        self.meters = collections.Counter()     # "ADD": n

    @property
    def n_mods(self):
        """Modifications of flows, groups and meters; no epoch rows."""
        return sum(sum(c.values()) for c in (self.flows, self.groups,
                                             self.meters))

    @property
    def n_epochs(self):
        """Modifications of the epoch row."""
        return sum(self.epochs.values())

    def __str__(self):
        return (f"{sum(self.flows.values())} flow, "
                f"{sum(self.groups.values())} group, "
                f"{sum(self.meters.values())} meter modifications, "
                f"{self.n_epochs} of epoch rows; messages: "
                + ", ".join(f"{kind[5:].lower()} {n}" for kind, n in
                            sorted(self.kinds.items())))

    def take(self, kind, text):
        """One message, its first line and those that belong to it."""
        self.kinds[kind] += 1
        found = _FLOW_MOD.search(text)
        if found:
            command, table, match = found.groups()
            if match is None or match.startswith(_NO_MATCH):
                match = ""
            key = (command, int(table or 0), match.rstrip(","))
            where = self.epochs if key[1] == TABLE_EPOCH else self.flows
            where[key] += 1
        elif "OFPT_GROUP_MOD" in text:
            found = _GROUP_MOD.search(text)
            if not found:
                raise ValueError(f"not understood: {text}")
            key = (found.group(1), int(found.group(2)))
            self.groups[key] += 1
            for number in _BUCKET.findall(text.split(",bucket=", 1)[-1]):
                self.buckets[(*key, int(number))] += 1
        elif "OFPT_METER_MOD" in text:
            found = _METER_MOD.search(text)
            self.meters[found.group(1) if found else text] += 1


class SwitchLog:
    """The log of a host's ovs-vswitchd from now on."""

    def __init__(self, host):
        self.host = host
        self.path = os.path.join(host.folder, "ovs-vswitchd.log")
        self.at = 0
        host.appctl("vlog/set", "vconn:file:dbg")
        host.appctl("vlog/disable-rate-limit", "vconn")
        self.mark()

    def mark(self):
        """Forgets what was until now."""
        self.at = os.path.getsize(self.path)

    def messages(self):
        """What the switch has received since the mark."""
        seen = Messages()
        kind, lines = None, []
        with open(self.path, encoding="utf-8", errors="replace") as file:
            file.seek(self.at)
            for line in file:
                if _START.match(line):
                    if kind:
                        seen.take(kind, "".join(lines))
                    found = _RECEIVED.search(line)
                    kind, lines = found and found.group(1), [line]
                elif kind:
                    lines.append(line)
        if kind:
            seen.take(kind, "".join(lines))
        return seen

    def close(self):
        """The log as it was."""
        self.host.appctl("vlog/set", "vconn:file:info")
