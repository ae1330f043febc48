# SPDX-License-Identifier: Apache-2.0
"""Bridges set up by hand: what the product is measured against.

One bridge per host with the taps and a VXLAN port of its own (another UDP
port than the product's, so that both live in one ovs-vswitchd and share all
that is not being compared), and the fewest flows that do the job.
"""
import os

VXLAN_OFPORT = 65002
GATEWAY_MAC = "02:00:5e:00:00:01"


class Bridge:
    """A bridge by hand on one host."""

    def __init__(self, host, name, udp_port):
        self.host = host
        self.name = name
        self.machines = []
        host.vsctl(
            "--", "add-br", name,
            "--", "set", "Bridge", name, "datapath_type=netdev",
            "fail_mode=secure", "protocols=OpenFlow15",
            "--", "add-port", name, f"vx-{name}",
            "--", "set", "Interface", f"vx-{name}", "type=vxlan",
            "options:remote_ip=flow", "options:key=flow",
            f"options:local_ip={host.vtep}",
            f"options:dst_port={udp_port}",
            f"ofport_request={VXLAN_OFPORT}")

    def plug(self, iface_id, mac, ips, **kwargs):
        """A machine on it."""
        machine = self.host.plug(iface_id, mac, ips, bridge=self.name,
                                 **kwargs)
        self.machines.append(machine)
        return machine

    def port_of(self, machine):
        """OpenFlow port of a machine's tap."""
        return self.host.ofport(machine.tap)

    def load(self, rows):
        """These rows and no others, at once."""
        path = os.path.join(self.host.folder, f"{self.name}.flows")
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(rows) + "\n")
        self.host.ofctl("--bundle", "replace-flows", self.name, path)


def to_tunnel(vni, vtep):
    """Actions: to another host."""
    return (f"set_field:{vni}->tun_id,set_field:{vtep}->tun_dst,"
            f"output:{VXLAN_OFPORT}")


def warm(hosts):
    """The first packet to a VTEP whose MAC is not known is lost: here it is
    a ping between the hosts."""
    for host in hosts:
        for other in hosts:
            if other is not host:
                host.tool("ping", "-c", "1", "-W", "5", other.vtep)


def know(machine, pairs):
    """Neighbours by hand: the bridges answer no ARP."""
    for ip, mac in pairs:
        machine.run("ip", "neigh", "replace", ip, "lladdr", mac, "dev",
                    "eth0", "nud", "permanent")


def port_masks(first, last):
    """The fewest value/mask pairs that are exactly the ports first..last."""
    found = []
    while first <= last:
        size = first & -first if first else 1 << 16
        while size > last - first + 1:
            size >>= 1
        found.append(f"0x{first:x}/0x{0x10000 - size & 0xffff:x}"
                     if size < 1 << 16 else "0/0")
        first += size
    return found
