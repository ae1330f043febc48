# SPDX-License-Identifier: Apache-2.0
"""What the pipeline takes for granted about Open vSwitch, shown with flows
written by hand: no controller is involved. Two bridges joined by a patch pair,
the VNI crossing it in pkt_mark (doc/pipeline.md)."""
import frames
import pytest
from lab import Capture
from netns import wait_until

VNI_A, VNI_B = 0xabcdef, 5
SUBNET, SUBNET6 = "10.0.0", "fd00::"
PATCH, VXLAN = 1000, 1001
TAKE_MARK = ("move:NXM_NX_PKT_MARK[]->NXM_NX_REG0[],"
             "move:NXM_NX_PKT_MARK[]->NXM_NX_TUN_ID[0..31],")
CLEAR_MARK = "set_field:0->pkt_mark,"


def bridges(host, vxlan_options="remote_ip=flow options:key=flow"
            " options:local_ip=flow"):
    """br-tenant and br-fabric as a join makes them: one transaction."""
    words = ""
    for name, ours, theirs in (("br-tenant", "t-fabric", "f-tenant"),
                               ("br-fabric", "f-tenant", "t-fabric")):
        words += (f" -- add-br {name} -- set Bridge {name}"
                  f" datapath_type=netdev fail_mode=secure"
                  f" protocols=OpenFlow15"
                  f" -- add-port {name} {ours} -- set Interface {ours}"
                  f" type=patch options:peer={theirs} ofport_request={PATCH}")
    words += (f" -- add-port br-fabric vx0 -- set Interface vx0 type=vxlan"
              f" ofport_request={VXLAN} options:{vxlan_options}")
    host.vsctl(*words.split())


def tenant_flows(host, networks):
    """Tier 1: who are you, where to."""
    flows = [f"table=0,in_port={PATCH},actions=move:NXM_NX_PKT_MARK[]->"
             "NXM_NX_REG0[],set_field:0->pkt_mark,goto_table:12",
             "table=10,priority=0,actions=goto_table:11",
             "table=11,actions=move:NXM_NX_REG0[]->NXM_NX_PKT_MARK[],"
             f"output:{PATCH}"]
    for vni, machines in networks.items():
        local = [m for m in machines if m.host is host]
        ports = [host.ofport(m.tap) for m in local]
        for machine, port in zip(local, ports):
            flows.append(f"table=0,in_port={port},actions="
                         f"set_field:{vni}->reg0,goto_table:10")
            flows += [f"table={t},reg0={vni},dl_dst={machine.mac},"
                      f"actions=output:{port}" for t in (10, 12)]
        flows.append(
            f"table=12,reg0={vni},dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,"
            f"actions={','.join(f'output:{p}' for p in ports)}")
    host.ofctl("--bundle", "add-flows", "br-tenant", "-",
               input="\n".join(flows))


def fabric_flows(host, networks, entry=TAKE_MARK + CLEAR_MARK):
    """Tier 2: how to get there. entry: what is done on arrival from tier 1."""
    flows = [f"table=0,in_port={PATCH},actions={entry}goto_table:20",
             f"table=0,in_port={VXLAN},actions=move:NXM_NX_TUN_ID[0..31]->"
             f"NXM_NX_PKT_MARK[],output:{PATCH}"]
    groups = []
    for vni, machines in networks.items():
        far = [m for m in machines if m.host is not host]
        for machine in far:
            flows.append(f"table=20,reg0={vni},dl_dst={machine.mac},actions="
                         f"set_field:{host.vtep}->tun_src,set_field:"
                         f"{machine.host.vtep}->tun_dst,output:{VXLAN}")
        buckets = ",".join(
            f"bucket=actions=set_field:{host.vtep}->tun_src,"
            f"set_field:{peer}->tun_dst,output:{VXLAN}"
            for peer in sorted({m.host.vtep for m in far}))
        groups.append(f"group_id={vni},type=all,{buckets}")
        flows.append(f"table=20,reg0={vni},dl_dst=01:00:00:00:00:00/"
                     f"01:00:00:00:00:00,actions=group:{vni}")
    host.ofctl("--may-create", "mod-group", "br-fabric", "-",
               input="\n".join(groups))
    host.ofctl("--bundle", "replace-flows", "br-fabric", "-",
               input="\n".join(flows))


def machines_of(hosts, tenant):
    """A machine per host; each tenant uses the same MACs and addresses."""
    return [h.plug(f"{tenant}-vm{h.number}", f"02:00:00:00:00:{h.number:02x}",
                   [f"{SUBNET}.{h.number}/24", f"{SUBNET6}{h.number}/64"])
            for h in hosts]


@pytest.fixture(scope="module")
def fabric(make_lab):
    """Two hosts, two tenants that look the same, flows in place."""
    lab = make_lab(2)
    hosts = list(lab.hosts.values())
    for host in hosts:
        bridges(host)
    lab.networks = {VNI_A: machines_of(hosts, "a"),
                    VNI_B: machines_of(hosts, "b")}
    for host in hosts:
        tenant_flows(host, lab.networks)
        fabric_flows(host, lab.networks)
    return lab


def ping_both(lab, vni, deadline_s=5.0):
    """Each machine of a network pings the other one by v4 and v6."""
    one, two = lab.networks[vni]
    return lab.ping_many([(a, ip) for a, b in ((one, two), (two, one))
                          for ip in b.ips], deadline_s=deadline_s)


def test_a_24_bit_vni_crosses_the_patch_in_pkt_mark(fabric):
    result = ping_both(fabric, VNI_A)
    assert not result.silent(), result


def test_two_tenants_with_the_same_addresses_both_work(fabric):
    for vni in (VNI_A, VNI_B):
        result = ping_both(fabric, vni)
        assert not result.silent(), (vni, result)


def test_a_broadcast_stays_in_its_network(fabric):
    (sender, mine), (_, other) = fabric.networks.values()
    frame = frames.ethernet(frames.BROADCAST, sender.mac, 0x88b5,
                            b"only for tenant a")
    with mine.capture() as own, other.capture() as foreign:
        sender.send(frame)
        assert own.wait_for(lambda f: f == frame, 5)
        assert not foreign.wait_for(lambda f: f == frame, 0.3)


def test_the_vni_on_the_wire_is_the_one_in_the_mark(fabric):
    sender, receiver = fabric.networks[VNI_A]
    want = (VNI_A << 8).to_bytes(4, "big")

    def is_ours(frame):
        return (frame[12:14] == b"\x08\x00" and frame[23] == 17
                and frame[36:38] == frames.VXLAN_PORT.to_bytes(2, "big")
                and frame[46:50] == want)

    with Capture(receiver.host.namespace, "eth0") as wire:
        assert sender.ping(receiver.ipv4)
        assert wire.wait_for(is_ours, 5)


def test_registers_do_not_cross_the_patch(fabric):
    sender, receiver = fabric.networks[VNI_A]
    host = sender.host
    packet = (f"in_port={host.ofport(sender.tap)},dl_src={sender.mac},"
              f"dl_dst={receiver.mac}")
    assert "tnl_push" in host.appctl("ofproto/trace", "br-tenant", packet)
    try:
        # Tier 1 has the VNI in reg0; tier 2 would find it there.
        fabric_flows(host, fabric.networks, entry=CLEAR_MARK)
        trace = host.appctl("ofproto/trace", "br-tenant", packet)
        assert "Datapath actions: drop" in trace, trace
    finally:
        fabric_flows(host, fabric.networks)
    assert not ping_both(fabric, VNI_A).silent()


def test_a_mark_left_set_makes_native_tunnelling_drop(fabric):
    sender, receiver = fabric.networks[VNI_A]
    host = sender.host
    try:
        fabric_flows(host, fabric.networks, entry=TAKE_MARK)
        # The switch may go on for a moment with what it has cached.
        wait_until(lambda: fabric.ping_count([(sender, receiver.ipv4)], 3,
                                             grace_s=0.3).silent(), 10,
                   "tunnelling to drop")
    finally:
        fabric_flows(host, fabric.networks)
    assert not ping_both(fabric, VNI_A).silent()


def test_egress_pkt_mark_is_a_net_under_a_mark_left_set(fabric):
    sender, receiver = fabric.networks[VNI_A]
    host = sender.host
    try:
        fabric_flows(host, fabric.networks, entry=TAKE_MARK)
        host.vsctl("set", "Interface", "vx0", "options:egress_pkt_mark=0")
        assert sender.ping(receiver.ipv4)
    finally:
        host.vsctl("remove", "Interface", "vx0", "options",
                   "egress_pkt_mark")
        fabric_flows(host, fabric.networks)
    assert not ping_both(fabric, VNI_A).silent()


def test_a_restarted_switch_has_no_flows_and_keeps_its_ports(fabric):
    sender = fabric.networks[VNI_A][0]
    host = sender.host
    before = host.ofport(sender.tap)
    host.restart_switch()
    assert host.flows("br-tenant") == []
    assert host.flows("br-fabric") == []
    assert host.ofport(sender.tap) == before
    tenant_flows(host, fabric.networks)
    fabric_flows(host, fabric.networks)
    assert not ping_both(fabric, VNI_A).silent()
