# SPDX-License-Identifier: Apache-2.0
"""Who reaches whom, from intent alone: what the API says that networks,
subnets, ports, routes and policies are, and no flow. It shares nothing with
the compiler; the tests hold packets against it.

A packet is followed from machine to machine. Inside a network it is bridged.
What a machine sends to the gateway of a routed subnet is routed, once: by the
highest policy that matches, else by the longest prefix. What comes to a next
hop goes on from there if that machine forwards, as a packet of the network
that the next hop is in.
"""
import collections
import dataclasses
import ipaddress

# How a journey ends.
DELIVERED = "delivered"     # at the last stop, which has the address or not
GATEWAY = "gateway"         # the gateway itself is meant
POLICY = "policy"           # dropped by a policy
EXPIRED = "expired"         # TTL: time exceeded, from the address in `by`
NO_ROUTE = "no route"
NO_HOST = "no host"         # nobody of the network has the address
NO_ROUTER = "no router"     # its subnet is not routed: nobody to send it to
NO_HOP = "no next hop"      # none that lives, and fail closed
BACK = "back"               # the next hop is who sent it: goes nowhere

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmp6": 58, "sctp": 132}
WITH_PORTS = (6, 17, 132)

# Arrived at a port's tap, with what the packet looked like there.
Stop = collections.namedtuple("Stop", "port ttl dscp")
# stops: of Stop, in order. end: see above. by: address that speaks.
Journey = collections.namedtuple("Journey", "stops end by")


@dataclasses.dataclass(frozen=True)
class Packet:
    """As a machine sends it. proto is a number."""
    src: object
    dst: object
    proto: int
    sport: int = 0
    dport: int = 0
    dscp: int = 0
    ttl: int = 64


@dataclasses.dataclass
class Port:
    """A port; equal to its key (tenant, network, name)."""
    key: tuple
    mac: str
    ips: list
    host: str

    @property
    def tenant(self):
        """Name of its tenant."""
        return self.key[0]

    @property
    def network(self):
        """(tenant, network)"""
        return self.key[:2]


@dataclasses.dataclass
class Subnet:
    """A subnet; gateway None if it has none."""
    network: tuple
    prefix: object
    gateway: object
    route: bool


def address(text):
    """An ip_address of text."""
    return ipaddress.ip_address(text)


def in_ranges(number, text):
    """Whether a port number is in "80-90,443"."""
    for part in str(text).split(","):
        first, _, last = part.partition("-")
        if int(first) <= number <= int(last or first):
            return True
    return False


def protocol(value):
    """Number of "tcp", 6 or "6"."""
    return PROTOCOLS.get(value) or int(value)


class Oracle:
    """forwards: keys of ports whose machine forwards. dead: keys of ports
    that are no living next hop, whatever the reason. unplugged: keys of
    ports without an interface; they are dead, too."""

    def __init__(self, intent, forwards=(), dead=(), unplugged=()):
        self.forwards = set(forwards)
        self.unplugged = set(unplugged)
        self.dead = set(dead) | self.unplugged
        self.ports = [
            Port((p["tenant"], p["network"], p["name"]), p["mac"],
                 [address(ip) for ip in p["ips"]], p.get("host"))
            for p in intent["ports"]]
        self.by_key = {p.key: p for p in self.ports}
        self.by_ip = {(p.network, ip): p for p in self.ports for ip in p.ips}
        self.subnets = [
            Subnet((s["tenant"], s["network"]),
                   ipaddress.ip_network(s["name"]),
                   address(s["gateway"]) if s.get("gateway") else None,
                   bool(s.get("route")))
            for s in intent["subnets"]]
        self.routes = [
            (r["tenant"], ipaddress.ip_network(r["name"]),
             [address(ip) for ip in r["via"]]) for r in intent["routes"]]
        self.policies = sorted(intent["policies"],
                               key=lambda p: -p["priority"])

    # -- questions

    def journeys(self, key, packet):
        """Every way that the packet of the port may take: more than one if
        there are several next hops."""
        return self._sent(self.by_key[key], packet, ())

    def source_of(self, key, family):
        """The address a port's machine sends from; None if it has none."""
        return next((ip for ip in self.by_key[key].ips
                     if ip.version == family), None)

    def gateway_of(self, key, family):
        """The gateway's address in the port's subnet, routed or not."""
        for subnet in self._subnets_of(self.by_key[key]):
            if subnet.prefix.version == family and subnet.gateway:
                return subnet
        return None

    # -- what a machine does

    def _subnets_of(self, port):
        return [s for s in self.subnets if s.network == port.network
                and any(ip in s.prefix for ip in port.ips)]

    def _sent(self, port, packet, stops):
        """The machine of the port sends it: to a neighbour, or to its
        gateway."""
        if any(packet.dst in s.prefix for s in self._subnets_of(port)):
            return self._bridged(port, packet, stops)
        subnet = self.gateway_of(port.key, packet.dst.version)
        if not subnet or not subnet.route:
            return [Journey(stops, NO_ROUTER, None)]
        return self._routed(port, subnet.gateway, packet, stops)

    def _bridged(self, port, packet, stops):
        owner = self.by_ip.get((port.network, packet.dst))
        if owner:
            return self._arrived(owner, packet, stops)
        if packet.dst in self._gateways(port.network):
            return [Journey(stops, GATEWAY, packet.dst)]
        return [Journey(stops, NO_HOST, None)]

    def _arrived(self, port, packet, stops):
        """At the tap of a port; a machine that forwards sends it on."""
        if port.key in self.unplugged:
            return [Journey(stops, NO_HOST, None)]
        stops += (Stop(port.key, packet.ttl, packet.dscp),)
        if (packet.dst in port.ips or port.key not in self.forwards
                or len(stops) > 16):
            return [Journey(stops, DELIVERED, None)]
        if packet.ttl <= 1:
            return [Journey(stops, EXPIRED, next(
                ip for ip in port.ips
                if ip.version == packet.dst.version))]
        return self._sent(port, dataclasses.replace(
            packet, ttl=packet.ttl - 1), stops)

    # -- what the router does

    def _gateways(self, network):
        return [s.gateway for s in self.subnets
                if s.network == network and s.route and s.gateway]

    def _routed(self, port, gateway, packet, stops):
        routed = [s for s in self.subnets
                  if s.network[0] == port.tenant and s.route]
        if packet.dst in [s.gateway for s in routed]:
            return [Journey(stops, GATEWAY, packet.dst)]
        if packet.ttl <= 1:
            return [Journey(stops, EXPIRED, gateway)]
        for policy in self.policies:
            if (policy["tenant"] == port.tenant
                    and matches(policy["match"], port, packet)
                    and of_its_hops(policy["action"], packet)):
                done, packet = self._act(port, policy, packet, stops)
                if done:
                    return done
                break
        return self._by_prefix(port, routed, packet, stops)

    def _act(self, port, policy, packet, stops):
        """(journeys or None, packet as it goes on)"""
        action = policy["action"]
        if action["type"] == "drop":
            return [Journey(stops, POLICY, None)], packet
        if action["type"] == "dscp":
            return None, dataclasses.replace(packet, dscp=action["dscp"])
        if action["type"] in ("via", "gateway"):
            hops = [address(ip) for ip in action.get("via") or ()]
            if set(hops) & {address(ip) for ip in port.ips}:
                return None, packet     # what its own next hops send on
            ways = self._to_hops(port, hops, packet, stops)
            if ways:
                return ways, packet
            if policy["fail"] == "closed":
                return [Journey(stops, NO_HOP, None)], packet
        return None, packet

    def _by_prefix(self, port, routed, packet, stops):
        """Longest prefix: subnets and static routes together."""
        found = [(s.prefix.prefixlen, s, None) for s in routed
                 if packet.dst in s.prefix]
        found += [(prefix.prefixlen, None, via)
                  for owner, prefix, via in self.routes
                  if owner == port.tenant and packet.dst in prefix]
        if not found:
            return [Journey(stops, NO_ROUTE, None)]
        _, subnet, via = max(found, key=lambda one: one[0])
        if not subnet:
            return (self._to_hops(port, via, packet, stops)
                    or [Journey(stops, NO_HOP, None)])
        owner = self.by_ip.get((subnet.network, packet.dst))
        if not owner:
            return [Journey(stops, NO_HOST, None)]
        return self._arrived(owner, dataclasses.replace(
            packet, ttl=packet.ttl - 1), stops)

    def _to_hops(self, sender, hops, packet, stops):
        """One way for each next hop that lives."""
        packet = dataclasses.replace(packet, ttl=packet.ttl - 1)
        ways = []
        for hop in (self._hop(sender.tenant, ip) for ip in hops):
            if hop is sender:
                ways.append(Journey(stops, BACK, None))
            elif hop and hop.key not in self.dead:
                ways += self._arrived(hop, packet, stops)
        return ways

    def _hop(self, tenant, ip):
        return next((self.by_ip.get((s.network, ip)) for s in self.subnets
                     if s.network[0] == tenant and s.route
                     and ip in s.prefix), None)


def matches(match, port, packet):
    """Whether all that a policy's match gives holds."""
    for member, value in (("src", packet.src), ("dst", packet.dst)):
        if match.get(member):
            prefix = ipaddress.ip_network(match[member])
            if value.version != prefix.version or value not in prefix:
                return False
    if match.get("network") and port.network[1] != match["network"]:
        return False
    if (match.get("proto") is not None
            and protocol(match["proto"]) != packet.proto):
        return False
    if match.get("dscp") is not None and match["dscp"] != packet.dscp:
        return False
    for member, value in (("sport", packet.sport), ("dport", packet.dport)):
        if match.get(member) and (packet.proto not in WITH_PORTS
                                  or not in_ranges(value, match[member])):
            return False
    return True


def of_its_hops(action, packet):
    """A policy with next hops concerns packets of their family."""
    hops = action.get("via") or ()
    return not hops or address(hops[0]).version == packet.dst.version


def read_intent(api):
    """All that the oracle asks for, as the API tells it."""
    found = {kind: api.items(f"/v1/{kind}")
             for kind in ("subnets", "ports")}
    for kind in ("routes", "policies"):
        found[kind] = [
            dict(item, tenant=tenant["name"])
            for tenant in api.items("/v1/tenants")
            for item in api.items(f"/v1/tenants/{tenant['name']}/{kind}")]
    return found


def may_talk(zones, hosts, one, other):
    """Whether a host may send VXLAN packets straight to another: within a
    zone always; across, only borders speak for a zone in border mode."""
    zone_of = {h["name"]: h["zone"] for h in hosts}
    if zone_of[one] == zone_of[other]:
        return True
    for name in (one, other):
        zone = next(z for z in zones if z["name"] == zone_of[name])
        borders = [b for b in zone.get("border_hosts") or ()
                   if zone_of.get(b) == zone["name"]]
        if zone.get("path") == "border" and borders and name not in borders:
            return False
    return True
