# SPDX-License-Identifier: Apache-2.0
"""Several fabric-wide peers at one gateway: what begins in the fabric reaches
all of them, what one of them says reaches no other. Three GoBGP: two of other
ASes, one of the fabric's own, whose AS path is empty; all families."""
import pytest

import gobgp
import intent
from frr import Box
from gwlab import FABRIC_AS, GOBGP_FAMILIES, GwLab
from netns import wait_until
from test_gateways import settle

# AS of each, and whether its FlowSpec is trusted.
PEERS = {"172.31.250.9": (65002, True), "172.31.250.10": (65003, True),
         "172.31.250.11": (FABRIC_AS, True)}
# As the reflector names the families.
COUNTED = {"vpnv4": "ipv4Vpn", "vpnv6": "ipv6Vpn", "evpn": "l2VpnEvpn",
           "flowspec4": "ipv4Flowspec", "flowspec6": "ipv6Flowspec"}
NEW = ("10.0.70.0/24", "fd00:0:0:70::/64")


@pytest.fixture(scope="module", name="gw")
def _gw(make_lab):
    lab = make_lab(2)
    gw = GwLab(lab, tenants=("red",), gateways=1, upstream=False).build()
    gw.peers = {}
    for address, (asn, _) in PEERS.items():
        namespace, _ = lab.add_stranger(address)
        peer = GoBgp(gw, address, asn, namespace)
        gw.peers[address] = peer
    with intent.Api(lab.api) as api:
        api.batch([intent.put(
            f"/v1/peerings/up{n}", gateway="g1", peer=address, peer_as=asn,
            local_as=FABRIC_AS, hold=9, flowspec_in=trusted,
            families=["vpnv4", "vpnv6", "evpn", "flowspec"])
            for n, (address, (asn, trusted)) in enumerate(PEERS.items())])
        gw.web_vni = api.get(intent.path("red", "web"))["vni"]
    for peer in gw.peers.values():
        peer.wait_established([gw.gateways[0].vtep], 60)
    speak(gw)
    return gw


class GoBgp(gobgp.GoBgp):
    """One of the peers, with what it says of each family."""

    def __init__(self, gw, address, asn, namespace):
        n = list(PEERS).index(address) + 1
        super().__init__(Box(gw.lab, f"peer{n}", namespace), asn, address)
        self.add_neighbor(gw.gateways[0].vtep, FABRIC_AS, GOBGP_FAMILIES,
                          port=1179)
        self.start()
        self.address = address
        self.asn = asn
        self.number = n

    def words(self, gw):
        """[(family, words of `gobgp global rib add`)]"""
        n, l3, l2 = self.number, gw.l3vni("red"), gw.web_vni
        rd = ("rd", f"{self.asn}:{900 + n}")
        to_vrf = ("rt", f"{FABRIC_AS}:{l3}")
        to_web = ("rt", f"{FABRIC_AS}:{l2}")
        hop = ("nexthop", self.address)
        mac = f"02:00:00:00:98:0{n}"
        evpn = ("encap", "vxlan")
        return [
            ("vpnv4", (f"198.51.{100 + n}.0/24", "label", str(100 + n), *rd,
                       *to_vrf, *hop)),
            ("vpnv6", (f"2001:db8:{n}::/64", "label", str(100 + n), *rd,
                       *to_vrf, *hop)),
            ("evpn", ("macadv", mac, f"10.0.0.{150 + n}", "etag", "0",
                      "label", str(l2), *rd, *to_web, *evpn, *hop)),
            ("evpn", ("multicast", self.address, "etag", "0", *rd, *to_web,
                      *evpn, *hop)),
            *(("evpn", ("prefix", prefix, "etag", "0", "label", str(l3), *rd,
                        *to_vrf, *evpn, "router-mac", mac, *hop))
              for prefix in (f"10.8{n}.0.0/24", f"fd80:{n}::/64")),
            ("flowspec4", ("match", "destination", f"10.0.0.{60 + n}/32",
                           "protocol", "udp", "then", "discard")),
            ("flowspec6", ("match", "destination",
                           f"fd00:0:0:1::{60 + n}/128", "protocol", "17",
                           "then", "discard"))]

    def told(self):
        """{family: keys} of what the gateway has told it, and nothing
        else."""
        return {family: {key for key, paths in self.table(family).items()
                         for path in paths if is_heard(path)}
                for family in GOBGP_FAMILIES}

    def said(self):
        """{family: keys} of what it says itself."""
        return {family: {key for key, paths in self.table(family).items()
                         for path in paths if not is_heard(path)}
                for family in GOBGP_FAMILIES}


def is_heard(path):
    return path.get("neighbor-ip", "<nil>") not in ("<nil>", "0.0.0.0", "::",
                                                    "")


def leaks(gw):
    """[(who heard it, family, key)] of what other peers say, in any
    family."""
    said = {peer: peer.said() for peer in gw.peers.values()}
    return [(one.address, family, key) for one in gw.peers.values()
            for family, keys in one.told().items() for key in keys
            for other in gw.peers.values()
            if other is not one and key in said[other][family]]


def taken(gw, peer):
    """{family: how many routes of the peer the reflector has}"""
    facts = gw.gateways[0].frr.json(
        "reflector", f"show bgp neighbors {peer.address} json")
    families = facts.get(peer.address, {}).get("addressFamilyInfo", {})
    return {family: families.get(name, {}).get("acceptedPrefixCounter", 0)
            for family, name in COUNTED.items()}


def has_news(gw, peer):
    """Whether what began here after all that has reached the peer: the last
    thing of each family."""
    told = peer.told()
    return {"vpnv4": any(NEW[0] in key for key in told["vpnv4"]),
            "vpnv6": any(NEW[1] in key for key in told["vpnv6"]),
            "evpn": all(any(p.split("/")[0] in key for key in told["evpn"])
                        for p in NEW),
            "flowspec4": any(NEW[0] in key for key in told["flowspec4"]),
            "flowspec6": any(NEW[1] in key for key in told["flowspec6"])}


def wait_news(gw):
    """Back when all peers have what began here; meanwhile nothing leaks."""
    def look():
        assert not leaks(gw)
        return all(all(has_news(gw, peer).values())
                   for peer in gw.peers.values())

    wait_until(look, 60, lambda: "\n".join(
        f"{p.address}: {has_news(gw, p)}" for p in gw.peers.values())
        + gw.report(), 0.1)


def speak(gw):
    """All peers say what they have; then something begins here, in all
    families, which comes behind all that."""
    for peer in gw.peers.values():
        for family, words in peer.words(gw):
            peer.add(family, *words)
        assert all(peer.said().values()), peer.said()
        settle(lambda p=peer: taken(gw, p), n_said(peer), 60)
    with intent.Api(gw.lab.api) as api:
        api.batch([
            intent.put(intent.path("red", "new")),
            *(intent.put(intent.path("red", "new", subnet=cidr), route=True,
                         announce=True) for cidr in NEW),
            *(intent.put(f"/v1/tenants/red/policies/new{n}", priority=5 + n,
                         match={"dst": cidr, "proto": "tcp"},
                         action={"type": "drop"}, where=["flowspec"])
              for n, cidr in enumerate(NEW))])


def n_said(peer):
    return {family: len(keys) for family, keys in peer.said().items()}


def test_what_one_peer_says_reaches_no_other(gw, figures):
    wait_news(gw)
    peers = list(gw.peers.values())
    settle(lambda: [p.told() == peers[0].told() for p in peers],
           [True] * len(peers))
    assert not leaks(gw)
    figures(f"{len(peers)} peers say "
            f"{sum(sum(n_said(p).values()) for p in peers)} routes of 5 "
            "families, none reaches another; "
            f"{sum(map(len, peers[0].told().values()))} that begin here "
            "reach all")


def test_nothing_leaks_while_the_reflector_starts_again(gw):
    gateway = gw.gateways[0]
    gateway.stop("reflector")
    gateway.start("reflector")
    for peer in gw.peers.values():
        peer.wait_established([gateway.vtep], 60)
    wait_news(gw)
    for peer in gw.peers.values():
        settle(lambda p=peer: taken(gw, p), n_said(peer), 60)
    wait_news(gw)


def test_nothing_leaks_while_vxgatewayd_starts_again(gw):
    gateway = gw.gateways[0]
    gateway.stop("vxgatewayd")
    gateway.start("vxgatewayd")
    with intent.Api(gw.lab.api) as api:
        api.put("/v1/peerings/up1", **{
            **gw_peering(api, "up1"), "communities": ["65001:7"]})
    wait_news(gw)
    assert not gw.crashed()


def gw_peering(api, name):
    """What was put of a peering."""
    return {key: value
            for key, value in api.get(f"/v1/peerings/{name}").items()
            if key in ("gateway", "peer", "peer_as", "local_as", "hold",
                       "families", "flowspec_in")}
