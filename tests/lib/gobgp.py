# SPDX-License-Identifier: Apache-2.0
"""GoBGP as the peer outside: gobgpd as a child in a namespace, and what it
holds, as `gobgp -j` tells it."""
import json
import os

import netns
from netns import LabError, wait_until

FAMILIES = {
    "ipv4": ("ipv4-unicast", "ipv4"), "ipv6": ("ipv6-unicast", "ipv6"),
    "vpnv4": ("l3vpn-ipv4-unicast", "vpnv4"),
    "vpnv6": ("l3vpn-ipv6-unicast", "vpnv6"),
    "evpn": ("l2vpn-evpn", "evpn"),
    "flowspec4": ("ipv4-flowspec", "ipv4-flowspec"),
    "flowspec6": ("ipv6-flowspec", "ipv6-flowspec"),
}
API_PORT = 50051


class GoBgp:
    """gobgpd in a Box. It connects to its neighbors, and is found at
    port 179."""

    def __init__(self, box, asn, router_id, port=179):
        self.box = box
        self.settings = {
            "global": {"config": {"as": asn, "router-id": router_id,
                                  "port": port}},
            "neighbors": []}

    def add_neighbor(self, address, peer_as, families, port=179, **more):
        """A neighbor of these families. more: password, hold_s, multihop,
        source, passive, restart_s (graceful restart)."""
        neighbor = {
            "config": {"neighbor-address": address, "peer-as": peer_as},
            "transport": {"config": {"remote-port": port}},
            "timers": {"config": {"connect-retry": 1,
                                  "idle-hold-time-after-reset": 1,
                                  "hold-time": more.get("hold_s", 9),
                                  "keepalive-interval":
                                      more.get("hold_s", 9) / 3}},
            "afi-safis": []}
        if more.get("password"):
            neighbor["config"]["auth-password"] = more["password"]
        if more.get("source"):
            neighbor["transport"]["config"]["local-address"] = more["source"]
        if more.get("passive"):
            neighbor["transport"]["config"]["passive-mode"] = True
        if more.get("multihop"):
            neighbor["ebgp-multihop"] = {"config": {
                "enabled": True, "multihop-ttl": 8}}
        if more.get("restart_s"):
            neighbor["graceful-restart"] = {"config": {
                "enabled": True, "restart-time": more["restart_s"]}}
        for family in families:
            safi = {"config": {"afi-safi-name": FAMILIES[family][0]}}
            if more.get("restart_s"):
                safi["mp-graceful-restart"] = {"config": {"enabled": True}}
            neighbor["afi-safis"].append(safi)
        self.settings["neighbors"].append(neighbor)

    def start(self, deadline_s=60):
        """Starts gobgpd; back when it answers."""
        path = os.path.join(self.box.folder, "gobgpd.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump(self.settings, file, indent=1)
        # First: gobgpd ends when it cannot listen on 127.0.0.1 at once.
        netns.ip_batch(["link set lo up"], self.box.namespace)
        self.box.spawn("gobgpd", [
            "gobgpd", "-t", "json", "-f", path, "--pprof-disable", "-p",
            f"--api-hosts=127.0.0.1:{API_PORT}"])

        def answers():
            self.box.check_alive("gobgpd")
            return self.run("global", check=False).returncode == 0

        wait_until(answers, deadline_s, lambda: "gobgpd to answer:\n"
                   + self.box.output("gobgpd"), 0.05)

    def run(self, *argv, **kwargs):
        """gobgp with these words."""
        return self.box.run("gobgp", "-p", API_PORT, *argv, **kwargs)

    def json(self, *argv):
        """What `gobgp -j` prints, decoded; None for nothing."""
        text = self.run("-j", *argv).stdout.strip()
        try:
            return json.loads(text) if text else None
        except ValueError:
            raise LabError(f"gobgp {argv}: {text[:500]}") from None

    def established(self):
        """Neighbors whose session is up, sorted."""
        return sorted(
            n["state"]["neighbor_address"] for n in self.json("neighbor")
            if n["state"].get("session_state") == 6)

    def wait_established(self, addresses, deadline_s=120):
        """Back when the sessions with these neighbors are up."""
        wait_until(lambda: set(addresses) <= set(self.established()),
                   deadline_s, lambda: f"sessions with {addresses}: "
                   f"{self.established()}", 0.1)

    def table(self, family):
        """{prefix as gobgp prints it: [paths]} of a family."""
        found = self.json("global", "rib", "-a", FAMILIES[family][1]) or {}
        return {key: paths if isinstance(paths, list) else [paths]
                for key, paths in found.items()}

    def add(self, family, *words):
        """Originates a route: the words of `gobgp global rib add`."""
        self.run("global", "rib", "add", "-a", FAMILIES[family][1], *words)

    def delete(self, family, *words):
        """Takes it back."""
        self.run("global", "rib", "del", "-a", FAMILIES[family][1], *words)


def attribute(path, number):
    """A path attribute of gobgp's JSON by its number; None if absent."""
    return next((a for a in path.get("attrs", ()) if a["type"] == number),
                None)


def next_hop(path):
    """The next hop of a path, of MP_REACH_NLRI where there is one."""
    for number, key in ((14, "nexthop"), (3, "nexthop")):
        found = attribute(path, number)
        if found and found.get(key):
            return found[key]
    return None


def communities(path):
    """Plain communities as "AS:N"."""
    found = attribute(path, 8)
    return sorted(f"{c >> 16}:{c & 0xffff}"
                  for c in (found or {}).get("communities") or ())


def extended(path):
    """Extended communities as gobgp's dicts."""
    return (attribute(path, 16) or {}).get("value") or []


def route_targets(path):
    """Route targets as "AS:N", sorted."""
    return sorted(c["value"] for c in extended(path)
                  if c.get("type") in (0, 1, 2) and c.get("subtype") == 2)
