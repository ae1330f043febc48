# SPDX-License-Identifier: Apache-2.0
"""What the restart of one process of a gateway, or of the controller, costs
flows between VMs and CEs, and whether anything stale is left.

In each round the process ends (stopped: SIGTERM; killed: SIGKILL), is away
for a second, in which one announced prefix is withdrawn and the CE withdraws
one of its own, and is started again, while VMs and CEs of all tenants ping
each other. Then all peers, and all that forwards to the CE, are to have heard
of it, within STALE_S. The prefixes come back before the next round.
"""
import dataclasses
import ipaddress
import os
import signal
import time

import intent
import ping as pinger
from frr import kernel_routes
from gwlab import CE_AS, CE_OWN, STATIC, announced_prefixes
from netns import LabError, wait_until
from routed import slash

# "frr" is what frr.service runs, all at once.
PROCESSES = ("zebra", "bgpd", "frr", "reflector", "vxgatewayd", "vxfabricd")
HOW = {"stopped": signal.SIGTERM, "killed": signal.SIGKILL}
# What is stopped as examples/systemd/frr.service.d says: zebra first.
FRR = ("zebra", "bfdd", "bgpd")
STALE_S = 30
AWAY_ROUNDS = 50                # of pings, 20 ms each
# zebra 8.4 with VRFs that are namespaces frees a table twice at its end: on
# SIGTERM, after "Terminating on signal", it falls in zebra_finalize(), now and
# then before, in zebra_ns_early_shutdown(), with or without anybody connected
# (doc/decisions/gateways.md). Counted in a column of its own; falling at any
# other time is a crash.
FALLS_AT_END = (-signal.SIGSEGV, -signal.SIGABRT)


@dataclasses.dataclass
class Round:
    """What one restart cost."""
    lost: int
    sent: int
    gap_ms: float
    settled_s: float            # from the start on; None: not within STALE_S
    stale: str                  # what was left
    crashed: str
    own_end: str = ""           # how zebra fell at its own end


class Restarts:
    """Rounds in a GwLab with everything established."""

    def __init__(self, gw, gateway=None):
        self.gw = gw
        self.gateway = gateway or gw.gateways[0]
        self.api = intent.Api(gw.lab.api)
        self.tenant = gw.tenants[0]
        self.of_ce = CE_OWN[0].format(1)
        self.rows = {}

    def run(self, process, how, rounds):
        """Rounds of a row of the table; the list of them."""
        row = self.rows.setdefault((process, how), [])
        for _ in range(rounds):
            row.append(self.round(process, HOW[how]))
        return row

    def round(self, process, number):
        """One restart."""
        pairs = self.gw.everything_pings()
        crashed = ""
        with pinger.Pinging(pairs, interval_s=0.02) as pinging:
            pinging.go_on(25)
            crashed, own_end = self._end(process, number)
            if process != "vxfabricd":
                self._announce(False)
            pinging.go_on(AWAY_ROUNDS)
            self._start(process)
            started = time.monotonic()
            if process == "vxfabricd":
                self._announce(False)
            stale = self._wait_settled(False)
            settled = time.monotonic() - started
            pinging.go_on(100)
        self._announce(True)
        back = self._wait_settled(True)
        self.gw.wait_sessions()
        crashed += str(self.gw.crashed() or "")
        return Round(sum(pinging.lost.values()), pinging.sent,
                     pinging.gap_s * 1000,
                     None if stale else settled,
                     stale or (f"not back: {back}" if back else ""), crashed,
                     own_end)

    def _end(self, process, number):
        """Ends the process; (how it crashed, how it fell at its own end)."""
        if process == "frr":
            return self._end_frr(number), ""
        log = os.path.join(self.gateway.box.folder, f"{process}.log")
        before = os.path.getsize(log) if os.path.exists(log) else 0
        status = self._stop(process, number)
        if status in (0, -number):
            return "", ""
        if (process == "zebra" and number == signal.SIGTERM
                and status in FALLS_AT_END):
            with open(log, encoding="utf-8", errors="replace") as file:
                file.seek(before)
                text = file.read()
            # From then on it is ending. The trace that follows may be cut.
            if "Terminating on signal" in text:
                return "", signal.Signals(-status).name
        return f"{process} ended with {status}", ""

    def _end_frr(self, number):
        """Ends what frr.service runs; how it crashed. Stopped: zebra by
        SIGKILL, then the others by SIGINT, together."""
        names = [name for name in FRR if name in self.gateway.daemons]
        found = ""
        for name in names:
            if name == "zebra" or number == signal.SIGKILL:
                self.gateway.stop(name, signal.SIGKILL)
            else:
                status = self.gateway.stop(name, signal.SIGINT)
                found += f"{name} ended with {status} " if status else ""
        return found

    def _stop(self, process, number):
        if process == "vxfabricd":
            return self.gw.lab.stop_controller(number)
        return self.gateway.stop(process, number)

    def _start(self, process):
        if process == "vxfabricd":
            self.gw.lab.start_controller(*self.gw.lab.options)
            self.api = intent.Api(self.gw.lab.api)
        elif process == "frr":
            self.gateway.start(*(name for name in FRR
                                 if name in self.gateway.daemons))
        else:
            self.gateway.start(process)

    def _announce(self, wanted):
        self.api.put(f"/v1/tenants/{self.tenant}/routes/{slash(STATIC)}",
                     via=["10.0.0.11"], announce=wanted)
        self.gw.ces[self.tenant].frr.configure("bgpd", [
            f"router bgp {CE_AS + 1}", "address-family ipv4 unicast",
            f"{'' if wanted else 'no '}network {self.of_ce}"])

    # -- what is to be where

    def _wait_settled(self, with_static):
        """"" once everybody has what is announced and nothing else, within
        STALE_S; else what differs."""
        def settled():
            for gateway in self.gw.gateways:
                gateway.watch()
            return not self._differences(with_static)

        try:
            wait_until(settled, STALE_S, "", 0.2)
            return ""
        except LabError:
            return self._differences(with_static)

    def _differences(self, with_static):
        found = []
        for tenant in self.gw.tenants:
            want = announced_prefixes()
            if tenant == self.tenant and not with_static:
                want[4] -= {STATIC}
            heard = self.gw.ce_routes(tenant)
            # Both gateways have told it, or nobody has.
            told = {p for p, paths in heard.items() if len(paths)
                    == len(self.gw.gateways)}
            found += self._compare(f"CE of {tenant}", told,
                                   want[4] | want[6])
            found += self._compare(f"CE of {tenant}, at all", set(heard),
                                   want[4] | want[6])
            for gateway in self.gw.gateways:
                found += self._kernel(gateway, tenant, want)
        found += self._learned(with_static)
        found += self._upstream(with_static)
        return "; ".join(found)

    def _kernel(self, gateway, tenant, want):
        vrf = gateway.vrf_of(tenant)
        found = []
        for version in (4, 6):
            have = {as_prefix(p, version) for p in kernel_routes(
                vrf, version, "openfabric")}
            found += self._compare(
                f"kernel of {gateway.name}, {tenant}, IPv{version}", have,
                want[version])
        return found

    def _learned(self, there):
        """The CE's own prefix: in the kernel of each gateway, as BGP's and as
        a spare copy, and at the controller."""
        found = []
        want = {self.of_ce} if there else set()
        for gateway in self.gw.gateways:
            for proto in ("bgp", "118"):
                have = set(kernel_routes(gateway.vrf_of(self.tenant), 4,
                                         proto))
                found += self._compare(
                    f"{self.tenant}, {proto} of {gateway.name}",
                    have & {self.of_ce}, want)
        routes = self.api.get(f"/v1/tenants/{self.tenant}/routes")["items"]
        have = {r["prefix"] for r in routes}
        return found + self._compare("controller, learned",
                                     have & {self.of_ce}, want)

    def _upstream(self, with_static):
        if not self.gw.upstream:
            return []
        vni = self.gw.l3vni(self.tenant)
        have = {key for key in self.gw.upstream.table("vpnv4")
                if key.endswith(f":{STATIC}")
                and f":{vni & 0xffff}:" in key}
        want = {f"{g.vtep}:{vni & 0xffff}:{STATIC}"
                for g in self.gw.gateways} if with_static else set()
        return self._compare("upstream", have, want)

    @staticmethod
    def _compare(where, have, want):
        if have == want:
            return []
        return [f"{where}: stale {sorted(have - want)}, "
                f"missing {sorted(want - have)}"]

    # -- the table

    def table(self):
        """Lines of text."""
        lines = [f"{'process':<11} {'how':<8} {'rounds':>6} {'lost':>6} "
                 f"{'of':>8} {'worst gap':>10} {'settled':>9} "
                 f"{'stale':>6} {'crashes':>8} {'own end':>8}"]
        for (process, how), row in self.rows.items():
            settled = [r.settled_s for r in row if r.settled_s is not None]
            lines.append(
                f"{process:<11} {how:<8} {len(row):>6} "
                f"{sum(r.lost for r in row):>6} {sum(r.sent for r in row):>8} "
                f"{max(r.gap_ms for r in row):>7.0f} ms "
                f"{max(settled, default=0):>7.1f} s "
                f"{sum(bool(r.stale) for r in row):>6} "
                f"{sum(bool(r.crashed) for r in row):>8} "
                f"{sum(bool(r.own_end) for r in row):>8}")
        return lines

    def remarks(self):
        """What is to be known of the table."""
        fell = [r.own_end for r in self.rows.get(("zebra", "stopped"), ())
                if r.own_end]
        if not fell:
            return []
        return [f"own end: zebra fell {len(fell)} times "
                f"({', '.join(sorted(set(fell)))}) at its own end, after "
                "\"Terminating on signal\":",
                "  FRR before 8.5 with VRFs that are namespaces, with or "
                "without clients; see doc/decisions/gateways.md"]

    def complaints(self):
        """What was promised and not kept."""
        found = []
        for (process, how), row in self.rows.items():
            for number, one in enumerate(row, 1):
                for what, text in (("lost", one.lost), ("stale", one.stale),
                                   ("crashed", one.crashed)):
                    if text:
                        found.append(f"{process} {how}, round {number}: "
                                     f"{what}: {text}")
        return found


def as_prefix(text, version):
    """"default" and host routes as the kernel shows them, as prefixes."""
    if text == "default":
        return "0.0.0.0/0" if version == 4 else "::/0"
    return str(ipaddress.ip_network(text))
