# SPDX-License-Identifier: Apache-2.0
"""A fabric with gateways, and the world outside: compute hosts h1, h2, ...,
gateways gw1, gw2 (each a fabric host with OVS, zebra, bgpd, a reflector, bfdd
and vxgatewayd), a GoBGP upstream, and per tenant a CE of FRR that is attached
to every gateway. All tenants use the same prefixes, and so do their CEs.

    upstream (GoBGP) ---- underlay ---- h1  h2  gw1  gw2
                                                 |    |   a wire per tenant
                                                 ce-red, ce-green, ...

A wire is a bridge in the namespace "wires": cutting it there leaves both ends
their carrier, so that only silence tells that a gateway is gone.
"""
import ipaddress
import os
import signal
import socket

import intent
import lab as lab_module
import netns
from frr import Box, Frr, Router, as_unit
from gobgp import GoBgp
from netns import wait_until
from routed import slash

TENANTS = ("red", "green", "blue")
FABRIC_AS, UPSTREAM_AS, CE_AS = 65001, 65002, 65100
UPSTREAM = "172.31.250.9"
UPLINK_FAMILIES = ("vpnv4", "vpnv6", "evpn", "flowspec")
GOBGP_FAMILIES = ("vpnv4", "vpnv6", "evpn", "flowspec4", "flowspec6")
OPTIONS = ("--set", "probe_ms=1000", "--set", "vni_quarantine_s=0")
# Name: subnets, announced, with host routes, (number of a VM, index of its
# host).
NETWORKS = {
    "web": (("10.0.0.0/24", "fd00:0:0:1::/64"), True, False,
            ((11, 0), (12, 1))),
    "app": (("10.0.1.0/24", "fd00:0:0:2::/64"), True, True, ((21, 1),)),
    "lan": (("10.0.4.0/24", "fd00:0:0:4::/64"), False, False, ((51, 0),)),
}
# What every CE has, and what only that of tenant number N has.
CE_PREFIXES = ("10.99.0.0/24", "fd99::/64")
CE_OWN = ("10.99.{0}.0/24", "fd99:{0}::/64")
STATIC = "203.0.113.0/24"       # of each tenant, via web11


def first(prefix):
    """The address that pings answer from in a prefix, "10.99.0.1"."""
    return str(ipaddress.ip_network(prefix)[1])


def announced_prefixes(n_hosts=2):
    """What the peers of a tenant are to hear, by family."""
    found = {4: {STATIC}, 6: set()}
    for subnets, announce, host_routes, machines in NETWORKS.values():
        for cidr in subnets if announce else ():
            net = ipaddress.ip_network(cidr)
            found[net.version].add(str(net))
            if host_routes:
                found[net.version] |= {
                    f"{net[number]}/{net.max_prefixlen}"
                    for number, host in machines if host < n_hosts}
    return found


class Gateway:
    """A gateway: its host, FRR and vxgatewayd."""

    def __init__(self, gwlab, number):
        self.gwlab = gwlab
        self.number = number
        self.name = f"g{number}"
        self.host = gwlab.lab.hosts[f"gw{number}"]
        self.box = Box(gwlab.lab, self.host.name, self.host.namespace)
        self.frr = Frr(self.box, netns_vrfs=True)
        self.daemons = ["zebra", "bfdd", "bgpd", "reflector"]
        self.extra = ()
        self.ended_bgpd = 0         # times

    def __repr__(self):
        return f"<{self.name}>"

    @property
    def vtep(self):
        """Its underlay address."""
        return self.host.vtep

    def command(self):
        """vxgatewayd with the options it has in the lab."""
        return [os.path.join(lab_module.BIN, "vxgatewayd"),
                "--server", self.gwlab.lab.api, "--name", self.name,
                "--zserv", self.frr.zserv,
                "--vty-dir", self.frr.vty_dir("bgpd"),
                "--reflector-vty-dir", self.frr.vty_dir("reflector"),
                "--run-dir", os.path.join(self.box.folder, "run"),
                "--ovsdb", f"unix:{self.host.db}", *self.extra]

    def start(self, *names):
        """Starts daemons of FRR and vxgatewayd; all of them by default."""
        for name in names or [*self.daemons, "vxgatewayd"]:
            if name != "vxgatewayd":
                self.frr.start(name)
                continue
            os.makedirs(os.path.join(self.box.folder, "run"), exist_ok=True)
            self.box.spawn(name, as_unit(self.command()))

    def stop(self, name, number=signal.SIGTERM):
        """Ends a daemon with a signal; its exit status."""
        return self.box.stop(name, number)

    def watch(self):
        """What watchfrr or systemd would do: a daemon that vxgatewayd has
        ended is started again. Returns how often bgpd was, so far."""
        for name in ("bgpd", "bfdd", "reflector"):
            process = self.box.processes.get(name)
            if process and process.poll() == -signal.SIGKILL:
                self.box.processes.pop(name)
                self.start(name)
                self.ended_bgpd += name == "bgpd"
        return self.ended_bgpd

    def vrf_of(self, tenant):
        """Path of the namespace that is the tenant's VRF here."""
        return self.box.netns_path(self.vrf_name(tenant))

    def vrf_name(self, tenant):
        """Name of the tenant's VRF."""
        return f"vx{self.gwlab.l3vni(tenant)}"

    def device(self, tenant):
        """The interface that leads to the tenant's CE."""
        return f"ce-{tenant}"

    def cut(self):
        """Nothing comes out of the gateway any more, nor goes in; both ends
        of every wire keep their carrier."""
        self._wires("down")

    def mend(self):
        """Its wires are whole again."""
        self._wires("up")

    def _wires(self, state):
        netns.ip_batch(
            [f"link set {self.number}g-{t} {state}"
             for t in self.gwlab.tenants], self.gwlab.wires)
        netns.ip_batch([f"link set {self.host.name} {state}"],
                       self.gwlab.lab.underlay)

    def kill(self):
        """The machine is gone at once: silence, then no process is left."""
        self.cut()
        for name in list(self.box.processes):
            self.stop(name, signal.SIGKILL)
        for name in list(self.host.processes):
            self.host.stop(name, signal.SIGKILL)
        os.unlink(self.host.db)


class GwLab:
    """The fabric, its gateways, and the world outside."""

    def __init__(self, lab, tenants=TENANTS, gateways=2, **how):
        """how: bfd (False): CE sessions have BFD; hold (9): their hold time,
        which a machine that is busy may use up; upstream (True)."""
        self.lab = lab
        self.tenants = tenants
        self.how = dict({"bfd": False, "hold": 9, "upstream": True}, **how)
        self.compute = list(lab.hosts.values())
        lab.add_hosts(gateways, [f"gw{n + 1}" for n in range(gateways)])
        self.wires = lab.namespace("wires")
        netns.ip_batch([f"netns add {self.wires}"])
        with netns.inside(self.wires):
            netns.prepare()
        self.gateways = [Gateway(self, n + 1) for n in range(gateways)]
        self.ces = {}
        self.upstream = None
        self.vnis = {}
        self.vms = {}

    # -- the world outside

    def add_upstream(self):
        """GoBGP on the underlay, with a session to every gateway's
        reflector."""
        namespace, _ = self.lab.add_stranger(UPSTREAM)
        self.upstream = GoBgp(Box(self.lab, "outside", namespace),
                              UPSTREAM_AS, UPSTREAM)
        for gateway in self.gateways:
            self.upstream.add_neighbor(
                gateway.vtep, FABRIC_AS, GOBGP_FAMILIES, port=1179)
        self.upstream.start()

    @staticmethod
    def link(gateway):
        """Addresses of a gateway's wires, the same for all tenants: (of the
        gateway, of the CE), v4 and v6 each."""
        n = gateway.number
        return ((f"172.16.{n}.1/30", f"fd16:{n}::1/64"),
                (f"172.16.{n}.2/30", f"fd16:{n}::2/64"))

    def add_ce(self, tenant):
        """The tenant's CE, and its wires to all gateways."""
        index = self.tenants.index(tenant) + 1
        prefixes = [*CE_PREFIXES, *(p.format(index) for p in CE_OWN)]
        ce = Router(self.lab, f"ce-{tenant}", [
            f"{first(p)}/{p.split('/')[1]}" for p in prefixes])
        self.ces[tenant] = ce
        for gateway in self.gateways:
            self._wire(gateway, tenant, ce)
        lines = [f"router bgp {CE_AS + index}",
                 f" bgp router-id 192.0.2.{100 + index}",
                 " no bgp ebgp-requires-policy",
                 " no bgp network import-check",
                 " no bgp default ipv4-unicast"]
        peers = [self.link(g)[0][0].split("/")[0]
                 for g in self.gateways]
        for peer in peers:
            lines += [f" neighbor {peer} remote-as {FABRIC_AS}",
                      f" neighbor {peer} timers 1 {self.how['hold']}",
                      f" neighbor {peer} timers connect 1",
                      f" neighbor {peer} advertisement-interval 0"]
            lines += [f" neighbor {peer} bfd"] if self.how["bfd"] else []
        for version in (4, 6):
            lines += [f" address-family ipv{version} unicast",
                      f"  maximum-paths {len(peers)}",
                      *(f"  network {p}" for p in prefixes
                        if ipaddress.ip_network(p).version == version)]
            lines += [f"  neighbor {peer} activate" for peer in peers]
            lines += [" exit-address-family"]
        # What it sends itself comes from the site, not from the wire.
        zebra = []
        for version, kind, prefix in ((4, "ip", CE_PREFIXES[0]),
                                      (6, "ipv6", CE_PREFIXES[1])):
            zebra += [f"route-map site{version} permit 10",
                      f" set src {first(prefix)}", "exit",
                      f"{kind} protocol bgp route-map site{version}"]
        ce.start(zebra, lines, ["bfd"] if self.how["bfd"] else [])
        return ce

    def _wire(self, gateway, tenant, ce):
        n = gateway.number
        here, there = f"{n}g-{tenant}", f"{n}c-{tenant}"
        inner, outer = gateway.device(tenant), gateway.host.name
        netns.ip_batch([
            f"link add {n}b-{tenant} type bridge forward_delay 0"
            " mcast_snooping 0",
            f"link add {here} type veth peer name {inner}"
            f" netns {gateway.host.namespace}",
            f"link add {there} type veth peer name {outer}"
            f" netns {ce.namespace}",
            *(f"link set {end} master {n}b-{tenant} up"
              for end in (here, there)),
            f"link set {n}b-{tenant} up"], self.wires)
        for namespace, device in ((gateway.host.namespace, inner),
                                  (ce.namespace, outer),
                                  (self.wires, here), (self.wires, there)):
            with netns.inside(namespace):
                netns.tx_checksum_off(device)
        netns.ip_batch(
            [f"link set {outer} up"]
            + [f"addr add {a} dev {outer}" + (" nodad" if ":" in a else "")
               for a in self.link(gateway)[1]], ce.namespace)

    # -- intent

    def ops(self):
        """All intent, as operations of a batch."""
        found = [intent.put(f"/v1/gateways/{g.name}", host=g.host.name,
                            **{"as": FABRIC_AS}, router_id=g.vtep)
                 for g in self.gateways]
        if self.how["upstream"]:
            found += [intent.put(
                f"/v1/peerings/up{g.number}", gateway=g.name, peer=UPSTREAM,
                peer_as=UPSTREAM_AS, local_as=FABRIC_AS, hold=9,
                families=list(UPLINK_FAMILIES), flowspec_in=True)
                for g in self.gateways]
        for tenant in self.tenants:
            found += self.tenant_ops(tenant)
        return found

    def tenant_ops(self, tenant):
        """What a tenant has: networks, machines, its CE."""
        ops = [intent.put(intent.path(tenant))]
        for name, (subnets, announce, host_routes,
                   machines) in NETWORKS.items():
            ops.append(intent.put(intent.path(tenant, name)))
            ops += [intent.put(intent.path(tenant, name, subnet=cidr),
                               route=True, announce=announce,
                               host_routes=host_routes) for cidr in subnets]
            ops += [intent.put(
                intent.path(tenant, name, port=f"{name}{number}"),
                mac=self.mac(name, number), host=f"h{host + 1}",
                iface_id=f"{tenant}-{name}{number}", guard=False,
                ips=[str(ipaddress.ip_network(c)[number]) for c in subnets])
                for number, host in machines if host < len(self.compute)]
        ops.append(intent.put(
            f"/v1/tenants/{tenant}/routes/{slash(STATIC)}",
            via=["10.0.0.11"], announce=True))
        return ops + [self.ce_op(tenant, g) for g in self.gateways
                      if tenant in self.ces]

    def ce_op(self, tenant, gateway, **more):
        """The peering of a gateway with the tenant's CE."""
        index = self.tenants.index(tenant) + 1
        ours, theirs = self.link(gateway)
        body = {"gateway": gateway.name, "device": gateway.device(tenant),
                "local": list(ours), "peer": theirs[0].split("/")[0],
                "peer_as": CE_AS + index, "families": ["ipv4", "ipv6"],
                "hold": self.how["hold"], "bfd": self.how["bfd"],
                "communities": [f"65001:{100 + index}"], "med": 50 + index}
        body.update(more)
        return intent.put(
            f"/v1/tenants/{tenant}/peerings/ce{gateway.number}", **body)

    @staticmethod
    def mac(network, number):
        """The same in all tenants."""
        return f"02:00:00:00:{list(NETWORKS).index(network):02x}:{number:02x}"

    def l3vni(self, tenant):
        """VNI of the tenant's router."""
        if tenant not in self.vnis:
            with intent.Api(self.lab.api) as api:
                self.vnis[tenant] = api.get(intent.path(tenant))["router_vni"]
        return self.vnis[tenant]

    # -- all of it

    def build(self, *options):
        """Everything up to sessions that are established."""
        lab = self.lab
        lab.options = [*OPTIONS, *options]
        lab.start_controller(*lab.options)
        if self.how["upstream"]:
            self.add_upstream()
        for tenant in self.tenants:
            self.add_ce(tenant)
        for host in lab.hosts.values():
            host.join("zone1")
        with intent.Api(lab.api) as api:
            api.wait_hosts(lab.hosts)
            api.batch(self.ops())
            self.plug()
            for gateway in self.gateways:
                gateway.start()
            api.wait_ports([intent.path(*m.key[:2], port=m.key[2])
                            for m in self.vms.values()])
        self.wait_sessions()
        return self

    def plug(self):
        """The machines, with their routers as default routes."""
        wanted = [(tenant, name, number, host) for tenant in self.tenants
                  for name, (_, _, _, machines) in NETWORKS.items()
                  for number, host in machines if host < len(self.compute)]
        nets = {name: [ipaddress.ip_network(c) for c in subnets]
                for name, (subnets, *_) in NETWORKS.items()}
        machines = self.lab.plug([
            {"host": self.compute[host], "mac": self.mac(name, number),
             "iface_id": f"{tenant}-{name}{number}",
             "ips": [f"{net[number]}/{net.prefixlen}" for net in nets[name]]}
            for tenant, name, number, host in wanted])
        for machine, (tenant, name, number, _) in zip(machines, wanted):
            machine.key = (tenant, name, f"{name}{number}")
            self.vms[machine.key] = machine
            netns.ip_batch([f"route replace default via {net[1]}"
                            for net in nets[name]], machine.namespace)
            if number == 11:        # what the static route leads to
                netns.ip_batch([f"addr add {first(STATIC)}/32 dev lo"],
                               machine.namespace)

    def vm(self, tenant, name="web11"):
        """A machine."""
        return self.vms[tenant, name.rstrip("0123456789"), name]

    def report(self):
        """What the last lines of all that take part are."""
        parts = [self.lab.log_tail(15)]
        for gateway in self.gateways:
            for name in gateway.box.processes:
                parts.append(f"--- {name} on {gateway.name}\n"
                             + gateway.box.output(name, 12))
        return "\n".join(parts)

    def wait_sessions(self, gateways=None, deadline_s=120):
        """Back when the sessions of these gateways are established, as the
        peers see it."""
        gateways = gateways or self.gateways
        peers = {g: self.link(g)[0][0].split("/")[0] for g in gateways}

        def missing():
            down = [f"{t}: {g.name}" for t, ce in self.ces.items()
                    for g in gateways
                    if peers[g] not in ce.frr.established()]
            if self.upstream:
                up = self.upstream.established()
                down += [f"upstream: {g.name}" for g in gateways
                         if g.vtep not in up]
            return down

        wait_until(lambda: not missing(), deadline_s,
                   lambda: f"sessions: {missing()}\n{self.report()}", 0.2)

    # -- what peers hold

    def ce_routes(self, tenant):
        """{prefix: [(next hop, communities, MED)]} that the tenant's CE has
        heard, of both families."""
        found = {}
        for version in (4, 6):
            routes = self.ces[tenant].frr.bgp_routes(family=version)
            for prefix, paths in routes.items():
                heard = [p for p in paths if p.get("path")]
                if heard:
                    found[prefix] = heard
        return found

    def ce_pairs(self, tenant, machine=None):
        """(machine, address) pairs: VM to CE and back, v4 and v6."""
        machine = machine or self.vm(tenant)
        ce = self.ces[tenant]
        return ([(machine, first(p)) for p in CE_PREFIXES]
                + [(ce, ip) for ip in machine.ips])

    def everything_pings(self, tenants=None, deadline_s=120):
        """Back when VMs and CEs of these tenants reach each other."""
        pairs = [pair for t in tenants or self.tenants
                 for pair in self.ce_pairs(t)]
        last = []

        def look():
            last[:] = [self.lab.ping_many(pairs, deadline_s=2)]
            return not last[0].silent()

        wait_until(look, deadline_s, lambda: (
            f"{last[0]}: {last[0].silent()}\n{self.report()}"))
        return pairs

    def crashed(self):
        """What has ended by itself: {gateway or CE: {program: status}}."""
        boxes = {g.name: g.box for g in self.gateways}
        boxes |= {ce.name: ce.box for ce in self.ces.values()}
        return {name: box.crashed() for name, box in boxes.items()
                if box.crashed()}


def ifindex(namespace, device):
    """Index of an interface."""
    with netns.inside(namespace):
        return socket.if_nametoindex(device)
