# SPDX-License-Identifier: Apache-2.0
"""A gateway with many tenants: what a restart of vxgatewayd finds stays as it
is, and what a peering takes along leaves when BGP has told the peer."""
import signal
import time

import pytest

import intent
from ears import Ears
from gwlab import GwLab, STATIC
from netns import wait_until
from ping import Pinging

TENANTS = tuple(f"t{n:02d}" for n in range(1, 17))
SAID_S = 2                      # a peer has heard


@pytest.fixture(scope="module", name="gw")
def _gw(make_lab):
    return GwLab(make_lab(1), tenants=TENANTS, gateways=1,
                 upstream=False).build()


@pytest.fixture(name="api")
def _api(gw):
    with intent.Api(gw.lab.api) as api:
        yield api


def text_of(gw):
    return lambda: gw.gateways[0].box.output("vxgatewayd", 80)


def legs(gw):
    """{port: (UUID of its interface, OpenFlow port)} of all legs."""
    found = {}
    for line in gw.gateways[0].host.vsctl(
            "--bare", "--format=csv", "--no-headings", "--columns="
            "name,_uuid,ofport", "list", "Interface").splitlines():
        name, uuid, ofport = line.split(",")
        if name.startswith("vl"):
            found[name] = uuid, ofport
    return found


def devices(gw, tenant):
    """Names of what is in the tenant's VRF, if there is one."""
    lines = gw.gateways[0].box.run(
        "ip", "-br", "link", vrf=gw.gateways[0].vrf_name(tenant), check=False)
    return {line.split("@")[0].split()[0]
            for line in lines.stdout.splitlines()}


def has(gw, tenant):
    """Whether the CE has anything from the gateway, be it stale."""
    ce = gw.ces[tenant].frr
    return bool(ce.established() or STATIC in ce.bgp_routes())


def peering(tenant):
    return f"/v1/tenants/{tenant}/peerings/ce1"


def put_peering(gw, api, tenant, **more):
    api.batch([gw.ce_op(tenant, gw.gateways[0], **more)])


def delete_tenant(gw, api, tenant):
    api.batch([intent.delete(op["path"])
               for op in reversed(gw.tenant_ops(tenant))])


def wait_hears(gw, tenant):
    """Back when the CE has a session and routes that are not stale."""
    def look():
        paths = gw.ces[tenant].frr.bgp_routes().get(STATIC, [])
        return any(not p.get("stale") for p in paths)
    wait_until(look, 60, text_of(gw), 0.05)


def wait_told(gw, tenant, begun):
    """Back when the CE has nothing any more, which is soon."""
    wait_until(lambda: not has(gw, tenant), 60, text_of(gw), 0.02)
    took = time.monotonic() - begun
    assert took < SAID_S, (
        f"the CE of {tenant} has heard after {took:.1f} s\n" + text_of(gw)())
    return took


def dropped(gw, tenant):
    """How often the CE has lost its session."""
    found = gw.ces[tenant].frr.json("bgpd", "show bgp neighbors json")
    return found["172.16.1.1"]["connectionsDropped"]


def wait_dropped(gw, tenant, before, begun):
    """Back when the CE has lost it once more, which is soon."""
    wait_until(lambda: dropped(gw, tenant) > before, 60, text_of(gw), 0.02)
    took = time.monotonic() - begun
    assert took < SAID_S, (
        f"the CE of {tenant} has heard after {took:.1f} s\n" + text_of(gw)())
    return took


def wait_inside(gw, tenant, device, there=True, deadline_s=60):
    wait_until(lambda: (device in devices(gw, tenant)) == there, deadline_s,
               text_of(gw), 0.05)


def test_a_restart_leaves_the_legs_of_many_tenants(gw, figures):
    gateway = gw.gateways[0]
    pairs = gw.everything_pings(TENANTS[:1] + TENANTS[-3:])
    before = legs(gw)
    assert len(before) == len(TENANTS), before
    for number in (signal.SIGKILL, signal.SIGTERM):
        mark = gateway.box.output("vxgatewayd", 10000).count("is ready")
        with Pinging(pairs, interval_s=0.02) as pinging:
            pinging.go_on(10)
            gateway.stop("vxgatewayd", number)
            pinging.go_on(10)
            gateway.start("vxgatewayd")
            wait_until(lambda m=mark: gateway.box.output(
                "vxgatewayd", 10000).count("is ready") >= m + len(TENANTS),
                60, text_of(gw), 0.1)
            pinging.go_on(150)
        figures(f"vxgatewayd with {len(TENANTS)} tenants: {pinging}, "
                f"{len(set(before.items()) - set(legs(gw).items()))} legs "
                "made anew")
        assert legs(gw) == before
        assert not sum(pinging.lost.values()), str(pinging)


def test_a_leg_of_nobody_is_swept(gw):
    gateway = gw.gateways[0]
    gateway.stop("vxgatewayd", signal.SIGKILL)
    gateway.host.vsctl("add-port", "br-tenant", "vl4711")
    gateway.start("vxgatewayd")
    wait_until(lambda: "vl4711" not in legs(gw), 60, text_of(gw), 0.1)


def test_a_peering_that_goes_says_so_before_its_device_does(gw, api,
                                                            figures):
    tenant, device = TENANTS[0], f"ce-{TENANTS[0]}"
    wait_hears(gw, tenant)
    begun = time.monotonic()
    api.ask("DELETE", peering(tenant))
    took = wait_told(gw, tenant, begun)
    wait_inside(gw, tenant, device, False)
    figures(f"peering del: the CE has nothing after {took:.2f} s, the device "
            f"has left after {time.monotonic() - begun:.2f} s")
    put_peering(gw, api, tenant)
    wait_hears(gw, tenant)


def test_a_peering_deleted_and_added_at_once_is_there(gw, api):
    tenant, device = TENANTS[1], f"ce-{TENANTS[1]}"
    for _ in range(4):
        wait_hears(gw, tenant)
        api.ask("DELETE", peering(tenant))
        put_peering(gw, api, tenant)
    wait_hears(gw, tenant)
    wait_inside(gw, tenant, device)
    wait_until(lambda: gw.ces[tenant].frr.established(), 60, text_of(gw), 0.1)


def test_a_tenant_that_goes_says_so(gw, api):
    tenant = TENANTS[2]
    vrf = gw.gateways[0].vrf_name(tenant)
    wait_hears(gw, tenant)
    begun = time.monotonic()
    delete_tenant(gw, api, tenant)
    wait_told(gw, tenant, begun)
    wait_inside(gw, tenant, f"ce-{tenant}", False)
    # Empty for a second before it goes: zebra is to have no route in hand.
    empty = time.monotonic()
    wait_until(lambda: vrf not in gw.gateways[0].box.netns_names(), 60,
               text_of(gw), 0.05)
    assert time.monotonic() - empty > 0.3, text_of(gw)()


def test_a_device_that_gets_another_tenant_leaves_the_first_in_peace(gw,
                                                                     api):
    one, two = TENANTS[3:5]
    device = f"ce-{one}"
    wait_hears(gw, one)
    wait_hears(gw, two)
    before = [dropped(gw, tenant) for tenant in (one, two)]
    begun = time.monotonic()
    api.batch([intent.delete(peering(one)), intent.delete(peering(two)),
               gw.ce_op(two, gw.gateways[0], device=device,
                        peer_as=65100 + TENANTS.index(one) + 1)])
    for tenant, number in zip((one, two), before):
        wait_dropped(gw, tenant, number, begun)
    wait_inside(gw, two, device)
    assert device not in devices(gw, one)
    wait_hears(gw, one)             # of the other tenant
    assert f"ce-{two}" not in devices(gw, two)


def test_a_peering_that_gets_another_device_says_so(gw, api):
    tenant, other = TENANTS[5], "ce-other"
    gateway = gw.gateways[0]
    gateway.box.ip([f"link add {other} type veth peer name other"])
    wait_hears(gw, tenant)
    begun = time.monotonic()
    put_peering(gw, api, tenant, device=other)
    wait_told(gw, tenant, begun)
    wait_inside(gw, tenant, other)
    wait_inside(gw, tenant, f"ce-{tenant}", False)
    put_peering(gw, api, tenant)
    wait_hears(gw, tenant)


def test_a_peering_deleted_while_vxgatewayd_is_away_says_so(gw, api,
                                                            figures):
    tenant, gone = TENANTS[6:8]
    gateway = gw.gateways[0]
    wait_hears(gw, tenant)
    wait_hears(gw, gone)
    gateway.stop("vxgatewayd", signal.SIGKILL)
    vrf = gateway.vrf_name(gone)
    api.ask("DELETE", peering(tenant))
    delete_tenant(gw, api, gone)
    begun = time.monotonic()
    gateway.start("vxgatewayd")
    # The session of a device that is taken out lives for the hold time, and
    # the routes for the restart time.
    for name in (tenant, gone):
        wait_until(lambda n=name: not has(gw, n), 60, text_of(gw), 0.05)
    took = time.monotonic() - begun
    assert took < 7, text_of(gw)()
    figures(f"the CEs have nothing {took:.2f} s after vxgatewayd's start")
    wait_inside(gw, tenant, f"ce-{tenant}", False)
    wait_until(lambda: vrf not in gateway.box.netns_names(), 60,
               text_of(gw), 0.1)
    put_peering(gw, api, tenant)
    wait_hears(gw, tenant)


def stays(gw, vrf, seconds):
    """The VRF's namespace is there for so long."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end or
               vrf not in gw.gateways[0].box.netns_names(), 60,
               text_of(gw), 0.05)
    assert vrf in gw.gateways[0].box.netns_names(), text_of(gw)()


@pytest.mark.parametrize("name", ("bgpd", "zebra"))
def test_one_that_does_not_answer_holds_no_device_but_the_vrf(gw, api, name):
    """zebra would fall over a namespace that goes while it, or bgpd, has
    something of it under way."""
    tenant, device = TENANTS[8], f"ce-{TENANTS[8]}"
    gateway = gw.gateways[0]
    vrf = gateway.vrf_name(tenant)
    wait_hears(gw, tenant)
    hangs = gateway.box.processes[name]
    hangs.send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        api.ask("DELETE", peering(tenant))
        wait_inside(gw, tenant, device, False)
        took = time.monotonic() - begun
        stays(gw, vrf, 4)
    finally:
        hangs.send_signal(signal.SIGCONT)
    assert took < 16 and (took > 8) == (name == "bgpd"), (
        f"{took:.1f} s\n" + text_of(gw)())
    wait_until(lambda: vrf not in gateway.box.netns_names(), 60,
               text_of(gw), 0.05)
    put_peering(gw, api, tenant)
    wait_hears(gw, tenant)


def test_a_vrf_goes_though_bgpd_was_killed_and_stays_away(gw, api):
    """zebra would keep the routes for 500 s."""
    tenant = TENANTS[9]
    gateway = gw.gateways[0]
    vrf = gateway.vrf_name(tenant)
    wait_hears(gw, tenant)
    wait_until(lambda: gateway.frr.routes(vrf), 60, text_of(gw))
    gateway.stop("bgpd", signal.SIGKILL)
    api.ask("DELETE", peering(tenant))
    wait_until(lambda: vrf not in gateway.box.netns_names(), 30,
               text_of(gw), 0.05)
    gateway.start("bgpd")
    put_peering(gw, api, tenant)
    wait_hears(gw, tenant)


def test_an_ipv6_address_that_is_put_back_is_the_next_hop_again(gw, api):
    """bgpd looks for it once, when the session comes up."""
    tenant = TENANTS[10]
    ours, _ = gw.link(gw.gateways[0])
    want = ours[1].split("/")[0]
    prefix = "fd00:0:0:1::/64"

    def hops():
        paths = gw.ces[tenant].frr.bgp_routes(family=6).get(prefix, [])
        return {hop["ip"] for path in paths for hop in path["nexthops"]
                if hop.get("scope") != "link-local"}

    wait_hears(gw, tenant)
    wait_until(lambda: hops() == {want}, 60, hops)
    put_peering(gw, api, tenant, local=[ours[0]])
    wait_until(lambda: hops() != {want}, 60, hops)
    put_peering(gw, api, tenant)
    wait_until(lambda: hops() == {want}, 20, hops)
    wait_hears(gw, tenant)


def is_echo_request(frame):
    """Of IPv4 or IPv6."""
    return (frame[12:14] == b"\x08\x00" and frame[23] == 1
            and frame[34] == 8) or (frame[12:14] == b"\x86\xdd"
                                    and frame[20] == 58 and frame[54] == 128)


def is_taken(api, ops):
    """A VNI is not given away before all have confirmed its last end."""
    try:
        api.batch(ops)
    except intent.Refused as refused:
        assert "quarantine" in str(refused), refused
        return False
    return True


def renamed(ops, old, new):
    """The same of a tenant that is called otherwise."""
    return [{**op, "path": op["path"].replace(f"/tenants/{old}/",
                                              f"/tenants/{new}/", 1)
             if "/tenants/" + old + "/" in op["path"]
             else op["path"].replace(f"/tenants/{old}", f"/tenants/{new}")}
            for op in ops]


@pytest.mark.parametrize("which, new, how", (
    (11, "another", "killed"), (12, None, "killed"), (13, "third", "hung")))
def test_a_vrf_that_another_tenant_gets_keeps_nothing_of_the_first(
        gw, api, which, new, how):
    """vxgatewayd is away meanwhile, and bgpd lets go of nothing. The tenant
    is another one though it has the name of the first."""
    tenant = TENANTS[which]
    new = new or tenant
    gateway = gw.gateways[0]
    vrf = gateway.vrf_name(tenant)
    wait_hears(gw, tenant)
    pairs = gw.everything_pings([tenant])
    ops = gw.tenant_ops(tenant)
    vni = api.get(intent.path(tenant))["router_vni"]
    hangs = [gateway.box.processes["bgpd"]]
    if how == "hung":
        hangs.append(gateway.box.processes["vxgatewayd"])
    else:
        gateway.stop("vxgatewayd", signal.SIGKILL)
    for process in hangs:
        process.send_signal(signal.SIGSTOP)
    try:
        delete_tenant(gw, api, tenant)
        changed = renamed(ops, tenant, new)
        changed[0]["body"] = {"router_vni": vni}
        for op in changed:
            if "/peerings/" in op["path"]:
                op["body"] = {**op["body"], "device": f"no-{tenant}"}
        wait_until(lambda: is_taken(api, changed), 30, text_of(gw), 0.1)
        # The leg is still the first one's, and so is what sends into it.
        with Ears([gw.vm(tenant)], is_echo_request) as ears, \
                Pinging(pairs, interval_s=0.02) as pinging:
            pinging.go_on(50)
            if how == "hung":
                hangs.pop().send_signal(signal.SIGCONT)
            else:
                gateway.start("vxgatewayd")
            wait_inside(gw, tenant, f"ce-{tenant}", False, 5)
            pinging.go_on(20)
            ears.listen()
        assert sum(pinging.lost.values()) == pinging.sent, pinging.lost
        assert not ears.heard, len(ears.heard)
    finally:
        for process in hangs:
            process.send_signal(signal.SIGCONT)
        if "vxgatewayd" not in gateway.box.processes:
            gateway.start("vxgatewayd")
    delete_tenant_ops = [intent.delete(op["path"]) for op in reversed(changed)]
    api.batch(delete_tenant_ops)
    wait_until(lambda: vrf not in gateway.box.netns_names(), 60,
               text_of(gw), 0.05)
    api.batch(ops)
    wait_hears(gw, tenant)


def test_nothing_has_crashed(gw):
    assert not gw.crashed(), "\n".join(
        [str(gw.crashed())] + [gw.gateways[0].box.output(name, 60)
                               for name in ("zebra", "bgpd")])
