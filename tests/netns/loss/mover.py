# SPDX-License-Identifier: Apache-2.0
"""A machine that is migrated live, there and back.

It has a namespace on each of two hosts, with the same MAC, addresses and
neighbours, as it would take them along in its memory; at any time it is in
one of them only (udp_stream's SIGUSR2). An interface in the switch is where
the hypervisor has plugged one."""
import subprocess

import intent
import netns
from netns import wait_until
from streams import CROSS, SAME

PORT = "/v1/tenants/acme/networks/web/ports/mover"
NUMBER = 30000
READY = "waits for the call"    # doc/api.md: a move with migrate_hold


class Mover:
    """On the first of the hosts at first."""

    def __init__(self, bed, mac, address, peers):
        self.bed = bed
        self.lab = bed.lab
        self.peers = peers
        self.ipv4 = address
        with intent.Api(self.lab.api) as api:
            api.put(PORT, mac=mac, ips=[address], host=bed.h1.name,
                    iface_id="mover")
            self.places = self.lab.plug([
                dict(host=host, iface_id="mover", mac=mac,
                     ips=[f"{address}/16"]) for host in (bed.h1, bed.h2)])
            bed.h2.delete_interfaces([self.places[1].tap])
            api.wait_ports([PORT])
        for place in self.places:
            netns.ip_batch((f"neigh replace {p.ipv4} lladdr {p.mac} dev eth0"
                            " nud permanent" for p in peers),
                           place.namespace)

    def __repr__(self):
        return f"the machine that moves, now on {self.host.name}"

    @property
    def host(self):
        """Where it runs."""
        return self.places[0].host

    @property
    def namespace(self):
        """Where it runs."""
        return self.places[0].namespace

    @property
    def elsewhere(self):
        """Where it will."""
        return self.places[1].namespace

    def pairs(self):
        """Streams from and to all peers, for Traffic."""
        found = []
        for peer in self.peers:
            kind = SAME if peer.host is self.host else CROSS
            found += [(kind, peer, self), (kind, self, peer)]
        return found

    def _plug(self):
        """The hypervisor plugs the target's interface; a process that ends
        when it is in the database."""
        target = self.places[1]
        return subprocess.Popen(
            netns.command(target.host.namespace, [
                "ovs-vsctl", f"--db=unix:{target.host.db}", "--no-wait",
                "--", "add-port", "br-tenant", target.tap,
                "--", "set", "Interface", target.tap,
                f'external_ids:iface-id="{target.iface_id}"',
                f'external_ids:attached-mac="{target.mac}"']),
            stdin=subprocess.DEVNULL)

    def _begin(self, api, **more):
        source, target = (place.host.name for place in self.places)
        api.ask("PATCH", PORT + "?wait=10", {
            "host": target, "migrate_from": source, **more})

    def _run_there(self, traffic):
        """It stops here, and goes on there: the moment itself."""
        for stream in traffic.streams:
            stream.move()

    def _arrived(self, api):
        """The port is where the machine is; the old interface goes."""
        def there():
            seen.update(api.get(PORT))
            return (seen["status"], seen["host"], seen["migrate_from"]) == (
                "active", self.places[1].host.name, None)

        seen = {}
        wait_until(there, 20, lambda: f"the port to arrive: {seen}", 0.02)
        self.host.delete_interfaces([self.places[0].tap])
        self.places.reverse()

    def move_by_interface(self, traffic):
        """The interface appears at the target when the machine starts to run
        there; vxfabric sees it and ends the move."""
        with intent.Api(self.lab.api) as api:
            self._begin(api)
            plugging = self._plug()
            self._run_there(traffic)
            assert plugging.wait(10) == 0
            self._arrived(api)

    def move_by_call(self, traffic):
        """The interface is plugged long before; the hypervisor's management
        says when the machine runs there."""
        with intent.Api(self.lab.api) as api:
            self._begin(api, migrate_hold=True)
            assert self._plug().wait(10) == 0
            self._wait_prepared(api)
            self._run_there(traffic)
            api.ask("PATCH", PORT, {"migrate_from": None})
            self._arrived(api)

    @staticmethod
    def _wait_prepared(api):
        seen = {}

        def prepared():
            seen.update(api.get(PORT))
            return READY in (seen["migration"] or "")

        wait_until(prepared, 10, lambda: f"the target to be ready: {seen}",
                   0.02)
