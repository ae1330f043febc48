# SPDX-License-Identifier: Apache-2.0
"""A stand-in for a switch that is a VTEP of its own and speaks EVPN: FRR with
the kernel's VXLAN on the underlay, and bare-metal machines behind it, some in
a network of the fabric, some in a subnet of the tenant's that only the switch
has.

    Vtep(lab, "tor", "172.31.251.1", asn=65003)
        .add_network(vni)               a bridge with the network's VXLAN
        .add_machine(vni, ...)          a machine in it
        .add_router(l3vni)              the tenant's VRF: a namespace
        .add_routed(l3vni, ...)         a machine behind that
        .start(peers)
"""
import ipaddress

import netns
from frr import Router, make_router

VXLAN_PORT = 4789


class Metal:
    """A machine behind the switch: a namespace with eth0."""

    def __init__(self, namespace, mac, ips):
        self.namespace = namespace
        self.mac = mac
        self.ips = [ip.split("/")[0] for ip in ips]

    def __repr__(self):
        return f"<metal {self.ips[0]}>"


class Vtep(Router):
    """The switch."""

    def __init__(self, lab, name, address, asn):
        namespace, _ = lab.add_stranger(address)
        super().__init__(lab, name, namespace=namespace, netns_vrfs=True)
        self.address = address
        self.asn = asn
        self.networks = []
        self.routers = {}           # L3VNI: name of its VRF
        self.n_machines = 0

    def _vxlan(self, vni):
        return (f"link add vx{vni} type vxlan id {vni} dstport {VXLAN_PORT}"
                f" local {self.address} nolearning")

    def add_network(self, vni):
        """The network has its bridge here."""
        self.networks.append(vni)
        netns.ip_batch([
            f"link add br{vni} type bridge forward_delay 0 mcast_snooping 0",
            self._vxlan(vni),
            f"link set vx{vni} mtu 1450 master br{vni} addrgenmode none",
            f"link set br{vni} addrgenmode none", f"link set br{vni} up",
            f"link set vx{vni} up"], self.namespace)

    def add_machine(self, vni, mac, ips, gateways=()):
        """A machine in the network."""
        metal, port = self._machine(self.namespace, mac, ips, gateways)
        netns.ip_batch([f"link set {port} master br{vni} up"],
                       self.namespace)
        return metal

    def _machine(self, inside, mac, ips, gateways):
        self.n_machines += 1
        port = f"bm{self.n_machines}"
        name = self.lab.namespace(f"{self.name}-{port}")
        netns.ip_batch([
            f"netns add {name}",
            f"link add {port} netns {netns_id(inside)} mtu 1450 type veth"
            f" peer name eth0 netns {name} mtu 1450 address {mac}"])
        with netns.inside(name):
            netns.prepare()
            netns.tx_checksum_off("eth0")
        with netns.inside(inside):
            netns.tx_checksum_off(port)
        netns.ip_batch(
            ["link set lo up", "link set eth0 up",
             *(f"addr add {ip} dev eth0" + (" nodad" if ":" in ip else "")
               for ip in ips),
             *(f"route add default via {ip}" for ip in gateways)], name)
        return Metal(name, mac, ips), port

    def add_router(self, l3vni):
        """The tenant's VRF: its VXLAN is made on the underlay and moved into
        a namespace, for so zebra finds its way."""
        vrf = f"t{l3vni}"
        self.routers[l3vni] = vrf
        self.box.add_netns(vrf)
        path = self.box.netns_path(vrf)
        make_router(path)
        netns.ip_batch([self._vxlan(l3vni),
                        f"link set vx{l3vni} netns {path}"], self.namespace)
        netns.ip_batch([
            f"link add br{l3vni} type bridge stp_state 0",
            f"link set br{l3vni} up",
            f"link set vx{l3vni} mtu 1450 master br{l3vni} addrgenmode none",
            f"link set vx{l3vni} up"], path)

    def add_routed(self, l3vni, mac, ips):
        """A machine of a subnet that is here only; the switch is the first
        address of it."""
        path = self.box.netns_path(self.routers[l3vni])
        routers = [ipaddress.ip_interface(ip).network[1] for ip in ips]
        metal, port = self._machine(path, mac, ips, routers)
        netns.ip_batch(
            [f"link set {port} up",
             *(f"addr add {router}/{ip.split('/')[1]} dev {port}"
               + (" nodad" if router.version == 6 else "")
               for router, ip in zip(routers, ips))], path)
        return metal

    def bgp_lines(self, peers, peer_as):
        """bgpd's configuration: sessions with reflectors, all VNIs, routes
        of the VRFs; route targets as the fabric makes them."""
        lines = [f"router bgp {self.asn}", f" bgp router-id {self.address}",
                 " no bgp ebgp-requires-policy",
                 " no bgp default ipv4-unicast"]
        for peer in peers:
            lines += [f" neighbor {peer} remote-as {peer_as}",
                      f" neighbor {peer} port 1179",
                      f" neighbor {peer} timers 1 9",
                      f" neighbor {peer} timers connect 1"]
        lines += [" address-family l2vpn evpn"]
        lines += [f"  neighbor {peer} activate" for peer in peers]
        lines += ["  advertise-all-vni"]
        for vni in self.networks:
            lines += [f"  vni {vni}",
                      f"   route-target import {peer_as}:{vni}",
                      f"   route-target export {self.asn}:{vni}",
                      "  exit-vni"]
        lines += [" exit-address-family", "exit"]
        for vni, vrf in self.routers.items():
            lines += [f"router bgp {self.asn} vrf {vrf}",
                      f" bgp router-id {self.address}"]
            for version in (4, 6):
                lines += [f" address-family ipv{version} unicast",
                          "  redistribute connected",
                          " exit-address-family"]
            lines += [" address-family l2vpn evpn",
                      "  advertise ipv4 unicast", "  advertise ipv6 unicast",
                      f"  route-target import {peer_as}:{vni}",
                      f"  route-target export {self.asn}:{vni}",
                      " exit-address-family", "exit"]
        return lines

    def begin(self, peers, peer_as):
        """Starts FRR with sessions to these reflectors."""
        zebra = []
        for vni, vrf in self.routers.items():
            zebra += [f"vrf {vrf}", f" vni {vni}", "exit-vrf"]
        self.start(zebra, self.bgp_lines(peers, peer_as))

    def macs(self, vni):
        """{MAC: facts} of a network, as zebra has them."""
        found = self.frr.json("zebra", f"show evpn mac vni {vni} json")
        return found.get("macs", {})


def netns_id(namespace):
    """A namespace as `ip` takes it."""
    return namespace
