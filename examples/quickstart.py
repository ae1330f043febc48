# SPDX-License-Identifier: Apache-2.0
"""The story that ./quickstart tells: two hosts, two tenants with the same
addresses, a gateway to the world, real packets. Every command of netctl is
printed as a person would type it; every claim is a ping."""
import argparse
import os
import shlex
import signal
import sys
import time
import types

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))

import frames  # noqa: E402  (needs the path above)
import gobgp  # noqa: E402
import gwlab  # noqa: E402
import lab as lab_module  # noqa: E402
import netns  # noqa: E402
from frr import Box  # noqa: E402
from netns import LabError, wait_until  # noqa: E402

PREFIX = "quickstart"
ZONE = "zone1"
TENANTS = ("acme", "globex")
SUBNETS = ("10.0.0.0/24", "fd00:10::/64")
# The world outside: a provider's router that is not FRR, and what is behind it.
OUR_AS, ISP_AS = 65001, 65010
WAN = (("172.16.1.1/30", "172.16.1.2"), ("fd16:1::1/64", "fd16:1::2"))
WORLD = ("198.51.100.1", "2001:db8:51::1")
DEFAULTS = ("0.0.0.0/0", "::/0")
BOLD, DIM, GREEN, RED, PLAIN = (
    ("\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m")
    if sys.stdout.isatty() else ("",) * 5)


class Story:
    """The lab, and what was shown so far."""

    def __init__(self, started):
        self.started = started
        self.lab = None
        self.passed = 0
        self.failed = 0

    def title(self, text):
        """A new chapter, with the time since the start."""
        print(f"\n{BOLD}== {text}{PLAIN} "
              f"{DIM}[{time.time() - self.started:.1f} s]{PLAIN}", flush=True)

    def netctl(self, *words, host=None):
        """Types a command of netctl and shows what it answers."""
        where = f"{host.name}" if host else "controller"
        print(f"{DIM}{where}{PLAIN} $ netctl {shlex.join(words)}", flush=True)
        done = (host or self.lab).netctl(*words)
        for line in (done.stdout + done.stderr).splitlines():
            print(f"    {line}")
        sys.stdout.flush()

    def claim(self, text, holds, detail=""):
        """A statement and whether it holds."""
        self.passed += bool(holds)
        self.failed += not holds
        mark = f"{GREEN}yes{PLAIN}" if holds else f"{RED}NO{PLAIN} "
        print(f"  {mark}  {text}{'  (' + detail + ')' if detail else ''}",
              flush=True)


def make_lab(story):
    """Underlay, hosts, controller."""
    story.title("A lab: an underlay, two compute hosts with Open vSwitch of "
                "their own")
    if os.path.isdir(os.path.join(lab_module.RUN, PREFIX)):
        print("  (takes the place of the one that was left running)")
    story.lab = lab = lab_module.Lab(PREFIX)
    for host in lab.add_hosts(2):
        print(f"  {host.name}: VTEP {host.vtep}, namespace {host.namespace}")
    story.title("The controller")
    command = lab.controller_command()
    command[0] = os.path.relpath(command[0], TOP)
    print(f"  {shlex.join(command)}")
    lab.start_controller()


def join_hosts(story):
    """Each host says where its controller is; that is all it is told."""
    story.title("The hosts join")
    story.netctl("zone", "add", ZONE)
    for host in story.lab.hosts.values():
        story.netctl(*host.join_command(ZONE), host=host)
    for host in story.lab.hosts.values():
        host.wait_for_bridge("br-tenant")


def machines(story):
    """What libvirt does: an interface on br-tenant with an iface-id. Returns
    {tenant: [machine, ...]}; the third of globex has an address of its own."""
    story.title("Virtual machines are plugged, with equal MACs and addresses")
    one, two = story.lab.hosts.values()
    wanted = []
    for tenant in TENANTS:
        for number, host in ((1, one), (2, two)):
            wanted.append((tenant, number, host, 10 + number))
    wanted.append(("globex", 3, two, 77))
    made = story.lab.plug([
        {"host": host, "iface_id": f"{tenant}-vm{number}",
         "mac": f"02:00:00:00:00:{address:02d}",
         "ips": [f"10.0.0.{address}/24", f"fd00:10::{address}/64"]}
        for tenant, number, host, address in wanted])
    of_tenant = {tenant: [] for tenant in TENANTS}
    for (tenant, *_), machine in zip(wanted, made):
        of_tenant[tenant].append(machine)
        print(f"  {machine.iface_id:<11} on {machine.host.name}  "
              f"{machine.mac}  {' '.join(machine.ips)}")
    return of_tenant


def describe(story, of_tenant):
    """The intent, in netctl. The last command of a port waits until every
    host that needs to know it has confirmed."""
    for tenant, mine in of_tenant.items():
        story.title(f"Tenant {tenant}: network, subnets, ports")
        story.netctl("tenant", "add", tenant)
        story.netctl("network", "add", f"{tenant}/web")
        for subnet in SUBNETS:
            story.netctl("subnet", "add", f"{tenant}/web", subnet)
        for number, machine in enumerate(mine, 1):
            addresses = [w for ip in machine.ips for w in ("--ip", ip)]
            story.netctl("port", "add", f"{tenant}/web/vm{number}",
                         "--host", machine.host.name, "--mac", machine.mac,
                         *addresses, "--iface-id", machine.iface_id,
                         "--wait=10")


def prove_reach(story, of_tenant):
    """Every machine of a tenant reaches every other one of it."""
    story.title("Within a tenant every machine reaches every other one")
    for tenant, mine in of_tenant.items():
        first, second = mine[:2]
        command = ["ping", "-c", "3", "-i", "0.2", "-W", "2", second.ipv4]
        print(f"  {first.iface_id} $ {shlex.join(command)}")
        for line in first.run(*command, check=False).stdout.splitlines():
            print(f"    {DIM}{line}{PLAIN}")
        pairs = [(a, ip) for a in mine for b in mine if a is not b
                 for ip in b.ips]
        for version, is_v6 in (("IPv4", False), ("IPv6", True)):
            wanted = [p for p in pairs if (":" in p[1]) == is_v6]
            result = story.lab.ping_many(wanted)
            story.claim(f"{tenant}: all {len(wanted)} directions answer, "
                        f"{version}", not result.silent(), str(result))


def prove_apart(story, of_tenant):
    """No machine reaches one of the other tenant: an address that only globex
    has, by its rules and by a frame with the true MAC written by hand."""
    story.title("Between tenants nothing passes")
    acme, globex = of_tenant["acme"], of_tenant["globex"]
    target = globex[2]
    result = story.lab.ping_count(
        [(m, ip) for m in acme for ip in target.ips], 5)
    story.claim(f"acme cannot ping {target.ipv4} and {target.ipv6} of globex",
                len(result.silent()) == len(result.sent), str(result))
    result = story.lab.ping_many([(m, ip) for m in globex[:2]
                                  for ip in target.ips])
    story.claim("globex can", not result.silent(), str(result))

    sender = acme[0]
    sent = [frames.ping(target.mac, sender.mac, sender.ipv4, target.ipv4,
                        data=b"from acme with a known MAC"),
            frames.arp(frames.ARP_REQUEST, sender.mac, sender.ipv4,
                       target.ipv4)]
    with target.capture() as seen:
        for frame in sent * 5:
            sender.send(frame)
        leaked = seen.wait_for(lambda frame: frame in sent, 0.5)
    story.claim("frames that acme forges for the MAC of a machine of globex "
                "do not arrive", leaked is None, f"{5 * len(sent)} sent")


def make_outside(story):
    """A machine of the provider, and a wire to it: GoBGP, which announces
    default routes and knows nothing of the fabric."""
    lab = story.lab
    namespace = lab.namespace("isp")
    netns.ip_batch([f"netns add {namespace}"])
    with netns.inside(namespace):
        netns.prepare()
    box = Box(lab, "isp", namespace)
    host = lab.hosts["gw1"]
    netns.ip_batch([f"link add wan0 type veth peer name wan netns "
                    f"{box.namespace}"], host.namespace)
    netns.ip_batch(
        ["link set wan up", "link set lo up"]
        + [f"addr add {peer}/{ours.split('/')[1]} dev wan"
           + (" nodad" if ":" in peer else "") for ours, peer in WAN]
        + [f"addr add {ip} dev lo" + (" nodad" if ":" in ip else "")
           for ip in WORLD], box.namespace)
    for namespace, device in ((host.namespace, "wan0"),
                              (box.namespace, "wan")):
        with netns.inside(namespace):
            netns.tx_checksum_off(device)
    isp = gobgp.GoBgp(box, ISP_AS, WAN[0][1])
    isp.add_neighbor(WAN[0][0].split("/")[0], OUR_AS, ("ipv4", "ipv6"))
    isp.start()
    for family, prefix, (_, peer) in zip(("ipv4", "ipv6"), DEFAULTS, WAN):
        isp.add(family, prefix, "nexthop", peer)
    return isp


def heard(isp):
    """{prefix: next hop} that the provider has from us."""
    return {prefix: gobgp.next_hop(paths[0])
            for family in ("ipv4", "ipv6")
            for prefix, paths in isp.table(family).items()
            if prefix not in DEFAULTS}


def open_gateway(story):
    """A third host that runs FRR and vxgatewayd. Returns the provider."""
    story.title("A gateway: a host that also runs FRR and vxgatewayd, and a "
                "provider's router (GoBGP) outside")
    lab = story.lab
    host = lab.add_hosts(1, ["gw1"])[0]
    story.netctl(*host.join_command(ZONE), host=host)
    host.wait_for_bridge("br-tenant")
    isp = make_outside(story)
    gateway = gwlab.Gateway(types.SimpleNamespace(lab=lab, tenants=()), 1)
    command = gateway.command()
    command[0] = os.path.relpath(command[0], TOP)
    print(f"  {DIM}gw1{PLAIN} $ zebra -n -r -K 120; bgpd; bgpd -Z -p 1179")
    print(f"  {DIM}gw1{PLAIN} $ {shlex.join(command)}")
    gateway.start()
    story.netctl("gateway", "add", "g1", "--host", "gw1", "--as", str(OUR_AS))
    for subnet in SUBNETS:
        story.netctl("subnet", "set", "acme/web", subnet, "--announce")
    story.netctl("peering", "add", "acme/isp", "--gateway", "g1", "--device",
                 "wan0", "--local", WAN[0][0], "--local", WAN[1][0],
                 "--peer", WAN[0][1], "--peer-as", str(ISP_AS),
                 "--family", "ipv4", "--family", "ipv6")
    return isp


def prove_gateway(story, isp, of_tenant):
    """What was announced, what came back, and packets."""
    story.title("The provider hears acme's prefixes, and acme its default "
                "route")
    wait_until(lambda: set(heard(isp)) == set(SUBNETS), 30,
               lambda: f"the provider has {heard(isp)}")
    for prefix, hop in sorted(heard(isp).items()):
        print(f"  isp $ gobgp global rib: {prefix} via {hop}")
    story.claim("exactly acme's announced prefixes arrive at the provider",
                set(heard(isp)) == set(SUBNETS))
    # As its router would; a next hop may be link-local.
    netns.ip_batch([f"route add {prefix} via {hop} dev wan"
                    for prefix, hop in heard(isp).items()], isp.box.namespace)
    wait_until(lambda: story.lab.netctl("-o", "name", "route", "list", "acme"
                                        ).stdout.split() == [
        f"acme/{p}" for p in DEFAULTS], 20, lambda: "no default route: "
        + story.lab.netctl("route", "list", "acme").stdout)
    story.netctl("route", "list", "acme")
    story.netctl("bgp", "show", "acme")
    for machine in (*of_tenant["acme"], *of_tenant["globex"][:1]):
        netns.ip_batch([f"route replace default via {ip}"
                        for ip in ("10.0.0.1", "fd00:10::1")],
                       machine.namespace)
    pairs = [(m, ip) for m in of_tenant["acme"] for ip in WORLD]
    result = story.lab.ping_many(pairs, deadline_s=10)
    story.claim("every machine of acme reaches the world outside, IPv4 and "
                "IPv6", not result.silent(), str(result))
    result = story.lab.ping_count(
        [(of_tenant["globex"][0], ip) for ip in WORLD], 3)
    story.claim("globex, with the same addresses and no peering, does not",
                len(result.silent()) == len(result.sent), str(result))


def show_state(story):
    """What an operator looks at."""
    story.title("The state, as an operator sees it")
    for words in (("host", "list"), ("network", "list"), ("port", "list"),
                  ("gateway", "list"), ("peering", "list")):
        story.netctl(*words)
    for host in story.lab.hosts.values():
        counts = ", ".join(f"{bridge} {len(host.flows(bridge))} flows"
                           for bridge in ("br-tenant", "br-fabric"))
        print(f"  {host.name}: {counts}")


def say_how_to_play_on(story, of_tenant):
    """For --keep."""
    lab = story.lab
    netctl = os.path.join(os.path.relpath(lab_module.BIN, TOP), "netctl")
    one, two = of_tenant["acme"][:2]
    host = one.host
    print(f"""
{BOLD}The lab goes on running. Play on, from {TOP}:{PLAIN}
  export NETCTL_SERVER={lab.api}
  {netctl} port list
  {netctl} -o json port show acme/web/vm1
  {netctl} bgp show
  {netctl} watch
  ip netns exec {one.namespace} ping {two.ipv4}          # acme vm1 to vm2
  ovs-ofctl -O OpenFlow15 dump-flows unix:{host.folder}/br-tenant.mgmt
  tail {lab.path('vxfabricd.log')}
{BOLD}Stop it:{PLAIN}
  ./quickstart --stop""")


def tell(story, keep):
    """The whole story; exit status."""
    make_lab(story)
    join_hosts(story)
    of_tenant = machines(story)
    describe(story, of_tenant)
    prove_reach(story, of_tenant)
    prove_apart(story, of_tenant)
    isp = open_gateway(story)
    prove_gateway(story, isp, of_tenant)
    show_state(story)
    took = time.time() - story.started
    if story.failed:
        print(f"\n{RED}quickstart: {story.failed} of "
              f"{story.passed + story.failed} claims do not hold{PLAIN}")
        print(story.lab.log_tail())
        return 1
    print(f"\n{GREEN}quickstart: all {story.passed} claims hold{PLAIN}, "
          f"{took:.1f} s in all")
    if keep:
        story.lab.keep_running()
        say_how_to_play_on(story, of_tenant)
    return 0


def stop():
    """--stop: removes a lab left running."""
    there = os.path.isdir(os.path.join(lab_module.RUN, PREFIX))
    lab_module.destroy(PREFIX)
    print("quickstart: the lab is removed" if there
          else "quickstart: no lab was running")
    return 0


def main():
    """Tells the story and removes the lab, whatever happens."""
    parser = argparse.ArgumentParser(prog="quickstart")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("--started", type=float, default=time.time())
    options = parser.parse_args()
    if options.stop:
        return stop()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    story = Story(options.started)
    status = 1
    try:
        status = tell(story, options.keep)
    except LabError as error:
        print(f"\n{RED}quickstart: {error}{PLAIN}", file=sys.stderr)
        if story.lab:
            print(f"-- end of the controller's log\n{story.lab.log_tail()}",
                  file=sys.stderr)
    except KeyboardInterrupt:
        print("\nquickstart: interrupted", file=sys.stderr)
        status = 130
    finally:
        if story.lab and not story.lab.keep:
            story.lab.close()
            print("The lab is removed.")
    return status


if __name__ == "__main__":
    sys.exit(main())
