# SPDX-License-Identifier: Apache-2.0
"""Any sequence of changes of routes, policies, subnets, ports, zones and
interfaces: after each few of them packets do what the oracle says of what
there is then, and at the end the bridges hold what a full compile says."""
import os
import random
import time

import faults
import intent
import netns
import pipeline
import pytest
from netns import wait_until
from reach import judge, wait_realized
from routed import (NETWORKS, TENANTS, ZONES, address_of, build,
                    host_of, mac_of, plain, slash, the_oracle, whole_matrix)

SEED = int(os.environ.get("VXFABRIC_TEST_SEED", "0")) or (
    int.from_bytes(os.urandom(4), "big") or 1)
ROUNDS = int(os.environ.get("VXFABRIC_TEST_ROUNDS", "5"))
CHANGES = 25            # a round
PROBES = 4000           # of the whole matrix, by chance
PREFIXES = {
    4: ("0.0.0.0/0", "10.0.0.0/8", "10.9.0.0/16", "10.9.1.0/24",
        "10.9.1.1/32", "10.0.1.128/25", "10.0.1.21/32", "10.0.4.0/24",
        "10.10.0.0/16", "192.0.0.0/8", "10.0.1.0/24"),
    6: ("::/0", "fd00::/16", "fd99::/32", "fd99::1/128",
        "fd00:0:0:2::16/128", "fd00:0:0:4::/64", "2001:db8::/32",
        "fd00:0:0:2::/64"),
}


@pytest.fixture(scope="module")
def fabric(make_lab):
    """As in the test of reachability."""
    return build(make_lab, "--set", "grace_ms=0")


class Life:
    """Random changes; what the API refuses is no change."""

    def __init__(self, lab, chance):
        self.lab = lab
        self.chance = chance
        self.api = None
        self.unplugged = set()
        self.counts = {}
        self.refused = {}

    def turn(self):
        """One change."""
        what = self.chance.choice(
            (self.policy,) * 6 + (self.no_policy,) * 3 + (self.route,) * 5
            + (self.no_route,) * 2 + (self.subnet,) * 2 + (self.port,)
            + (self.no_port,) + (self.zone,) * 2 + (self.network,)
            + (self.unplug,) + (self.plug,) * 2)
        self.counts[what.__name__] = self.counts.get(what.__name__, 0) + 1
        what()

    def call(self, method, where, body=None):
        """May be refused, and nothing else."""
        status, answer = self.api.call(method, where, body)
        assert status < 500, (method, where, body, status, answer)
        if status >= 400:
            text = answer["error"]["message"]
            self.refused[text[:60]] = self.refused.get(text[:60], 0) + 1

    def tenant(self):
        return self.chance.choice(TENANTS)

    def hops(self, family):
        """Addresses of machines in routed networks, some of nobody."""
        networks = [n for n, (_, route, _) in NETWORKS.items() if route]
        found = set()
        for _ in range(self.chance.choice((1, 1, 1, 2, 3))):
            name = self.chance.choice(networks)
            number = self.chance.choice((*NETWORKS[name][2], 77))
            found.add(plain(address_of(name, number, family)))
        return sorted(found)

    def policy(self):
        chance, family = self.chance, self.chance.choice((4, 6))
        match = {}
        if chance.random() < 0.6:
            match["src"] = self.prefix(family)
        if chance.random() < 0.6:
            match["dst"] = self.prefix(family)
        if chance.random() < 0.3:
            match["network"] = chance.choice(list(NETWORKS))
        if chance.random() < 0.6:
            match["proto"] = chance.choice(
                ("tcp", "udp", "icmp" if family == 4 else "icmp6", "6"))
        if match.get("proto") in ("tcp", "udp"):
            for member, first, last in (("dport", 1, 6000),
                                        ("sport", 20000, 21000)):
                if chance.random() < 0.4:
                    a, b = sorted(chance.randrange(first, last)
                                  for _ in "12")
                    match[member] = chance.choice((f"{a}-{b}", f"{a}-{b}",
                                                   "85,443", "53"))
        if chance.random() < 0.15:
            match["dscp"] = chance.choice((0, 12))
        action = chance.choice((
            {"type": "drop"}, {"type": "dscp", "dscp": chance.choice((0, 10,
                                                                      46))},
            {"type": "rate", "rate_kbps": 1000000}, {"type": "gateway"},
            *({"type": "via", "via": self.hops(family)} for _ in "123")))
        self.call("PUT", f"/v1/tenants/{self.tenant()}/policies/"
                  f"p{chance.randrange(12)}",
                  {"priority": chance.randrange(1, 1000), "match": match,
                   "action": action,
                   "fail": chance.choice(("open", "closed"))})

    def prefix(self, family):
        network = self.chance.choice(list(NETWORKS))
        if self.chance.random() < 0.3:
            number = self.chance.choice(NETWORKS[network][2])
            return (f"{plain(address_of(network, number, family))}/"
                    f"{32 if family == 4 else 128}")
        return self.chance.choice((NETWORKS[network][0][family == 6],
                                   *PREFIXES[family][:3]))

    def no_policy(self):
        tenant = self.tenant()
        there = self.api.items(f"/v1/tenants/{tenant}/policies")
        if there:
            name = self.chance.choice(there)["name"]
            self.call("DELETE", f"/v1/tenants/{tenant}/policies/{name}")

    def route(self):
        family = self.chance.choice((4, 6))
        prefix = slash(self.chance.choice(PREFIXES[family]))
        self.call("PUT", f"/v1/tenants/{self.tenant()}/routes/{prefix}",
                  {"via": self.hops(family)})

    def no_route(self):
        tenant = self.tenant()
        there = self.api.items(f"/v1/tenants/{tenant}/routes")
        if there:
            name = slash(self.chance.choice(there)["name"])
            self.call("DELETE", f"/v1/tenants/{tenant}/routes/{name}")

    def subnet(self):
        network = self.chance.choice(list(NETWORKS))
        cidr = self.chance.choice(NETWORKS[network][0])
        self.call("PUT", intent.path(self.tenant(), network, subnet=cidr),
                  {"route": self.chance.random() < 0.7})

    def some_port(self):
        network = self.chance.choice(list(NETWORKS))
        return self.tenant(), network, self.chance.choice(
            NETWORKS[network][2])

    def port(self):
        tenant, network, n = self.some_port()
        self.call("PUT", intent.path(tenant, network, port=f"{network}{n}"),
                  {"mac": mac_of(network, n), "guard": network != "svc",
                   "iface_id": f"{tenant}-{network}{n}",
                   "host": host_of(tenant, network, n),
                   "ips": [plain(address_of(network, n, f))
                           for f in (4, 6)]})

    def no_port(self):
        tenant, network, n = self.some_port()
        self.call("DELETE", intent.path(tenant, network,
                                        port=f"{network}{n}"))

    def zone(self):
        zone = self.chance.choice(("z1", "z2"))
        hosts = [h for h, z in ZONES.items() if z == zone]
        self.call("PUT", f"/v1/zones/{zone}", {
            "path": self.chance.choice(("direct", "border", "border")),
            "border_hosts": self.chance.sample(
                hosts, self.chance.randrange(3))})

    def network(self):
        self.call("PATCH", intent.path(self.tenant(), self.chance.choice(
            list(NETWORKS))), {"path": self.chance.choice(
                (None, None, "direct", "border"))})

    def unplug(self):
        machine = self.chance.choice(self.lab.machines)
        if machine.key not in self.unplugged:
            machine.host.delete_interfaces([machine.tap])
            self.unplugged.add(machine.key)

    def plug(self):
        for machine in self.lab.machines:
            if machine.key in self.unplugged:
                self.unplugged.discard(machine.key)
                machine.host.add_interfaces([(
                    "br-tenant", machine.tap, machine.iface_id,
                    machine.mac)])
                return

    # -- afterwards

    def oracle(self):
        """Of what there is now."""
        return the_oracle(self.api, unplugged=self.unplugged)

    def settle(self):
        """All that is committed is realized; every port is active whose
        interface is there; every next hop is known to live, or not."""
        wait_realized(self.api)
        oracle = self.oracle()
        self.api.wait_ports([
            intent.path(t, n, port=p) for t, n, p in oracle.by_key
            if (t, n, p) not in self.unplugged], deadline_s=30)
        wait_until(lambda: not self.unsure(), 15, lambda: "health of hops: "
                   f"{self.unsure()}", 0.1)

    def unsure(self):
        """Next hops of which the API says something else."""
        oracle, wrong = self.oracle(), []
        for tenant in TENANTS:
            for kind in ("routes", "policies"):
                for one in self.api.items(f"/v1/tenants/{tenant}/{kind}"):
                    for hop in one["hops"]:
                        key = hop["port"] and tuple(
                            hop["port"].split("/")) or None
                        alive = (key in oracle.by_key
                                 and key not in oracle.dead)
                        if hop["alive"] != alive:
                            wrong.append((tenant, one["name"], hop))
        return wrong


def forget(lab):
    """What was found out before the changes. Machines: a gateway that is
    gone. Switches: the userspace datapath of Open vSwitch 3.1 may keep a
    cached flow when the rows behind it change while a packet of it is on its
    way up, for as long as it is used; rows are what is judged here."""
    for machine in lab.machines:
        netns.ip_batch(["neigh flush all"], machine.namespace)
    for host in lab.hosts.values():
        host.appctl("revalidator/purge")


def compare(lab):
    """A fresh controller's verdict on all bridges."""
    before = rows_of(lab)
    lab.stop_controller()
    with open(lab.path("vxfabricd.log"), "rb") as log:
        mark = log.seek(0, os.SEEK_END)
    lab.start_controller("--set", "epoch=no", *lab.options)
    lines = intent.new_log_lines(
        lab, mark, 30, lambda found: sum(
            "differences" in line for line in found) >= 8,
        "all bridges compared")
    found = [line for line in lines if "differences" in line
             and " 0 differences" not in line]
    if found:
        after = rows_of(lab)
        found += [f"{where}: had {row}" for where in before
                  for row in before[where] - after[where]]
        found += [f"{where}: has {row}" for where in before
                  for row in after[where] - before[where]]
    return found


def rows_of(lab):
    """{(host, bridge): rows as text}"""
    return {(h.name, b): {flow.text for flow in faults.flows_of(h, b)
                          .values()}
            for h in lab.hosts.values() for b in pipeline.BRIDGES}


def test_after_any_changes_packets_do_what_the_oracle_says(fabric, figures):
    print(f"  VXFABRIC_TEST_SEED={SEED}")
    chance = random.Random(SEED)
    life = Life(fabric, chance)
    started = time.monotonic()
    for number in range(ROUNDS):
        with intent.Api(fabric.api) as api:
            life.api = api
            for _ in range(CHANGES):
                life.turn()
            life.settle()
            forget(fabric)
            matrix = whole_matrix(fabric, api, life.oracle())
            if len(matrix.probes) > PROBES:
                matrix.keep(chance.sample(matrix.probes, PROBES))
            judge(matrix, figures, f"seed {SEED}, round {number}")
        if number % 5 == 4 or number == ROUNDS - 1:
            # A new controller takes every next hop for alive at first.
            with intent.Api(fabric.api) as api:
                life.api = api
                while life.unplugged:
                    life.plug()
                life.settle()
            said = compare(fabric)
            assert not said, f"seed {SEED}\n" + "\n".join(said[:60])
            with intent.Api(fabric.api) as api:
                api.wait_hosts(fabric.hosts)
    figures(f"seed {SEED}: {ROUNDS * CHANGES} changes {life.counts}, of "
            f"which refused: {sum(life.refused.values())}; no difference to "
            f"a full compile, {time.monotonic() - started:.1f} s")
    for text, n in sorted(life.refused.items()):
        print(f"  refused {n}: {text}")
