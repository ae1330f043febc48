# SPDX-License-Identifier: Apache-2.0
"""Tenant routes of a gateway: time until a VPNv4 peer has them all, and has
none again, in the same run on the same zebra and bgpd:
  ours     zebra_driver, the session of vxgatewayd alone; each route confirmed
  kernel   `ip -batch` into each VRF, and bgpd redistributes kernel routes
  staticd  FRR's own configuration, read at its start; of fewer routes, since
           its time grows with the square of them
Needs root and frr.  sharpd, FRR's own generator, is not built in Debian.

    gateway_routes.py [--vrfs 100] [--routes 100000] [--static 400]"""
import argparse
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("lib", "netns"):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), folder))

import frr as frr_module  # noqa: E402
import lab as lab_module  # noqa: E402
import netns  # noqa: E402
from test_zebra import Client  # noqa: E402

DEADLINE_S = 240


def vrf_names(args):
    return [f"v{i}" for i in range(args.vrfs)]


def gateway(lab, args):
    """A box with the VRFs, zebra and bgpd, which exports them all."""
    namespace = lab.namespace("gw")
    netns.ip_batch([f"netns add {namespace}"])
    netns.ip_batch(["link set lo up"], namespace)
    frr_module.make_router(namespace)
    box = frr_module.Box(lab, "gw", namespace)
    frr = frr_module.Frr(box, netns_vrfs=True)
    lines = ["router bgp 65001", " bgp router-id 192.0.2.1",
             " no bgp ebgp-requires-policy", " no bgp default ipv4-unicast",
             " neighbor 10.9.0.2 remote-as 65002",
             " neighbor 10.9.0.2 timers connect 1",
             " address-family ipv4 vpn", "  neighbor 10.9.0.2 activate",
             " exit-address-family"]
    for number, name in enumerate(vrf_names(args), 1):
        lines += [f"router bgp 65001 vrf {name}",
                  " bgp router-id 192.0.2.1",
                  " address-family ipv4 unicast",
                  "  redistribute openfabric", "  redistribute static",
                  "  redistribute kernel",
                  "  label vpn export auto",
                  f"  rd vpn export 65001:{number}",
                  f"  rt vpn both 65001:{number}", "  export vpn",
                  " exit-address-family"]
    frr.write("bgpd", lines)
    return box, frr, namespace


def peer(lab, namespace):
    """A bgpd that takes all VPNv4 routes."""
    router = frr_module.Router(lab, "peer")
    netns.ip_batch([f"link add vp0 type veth peer name vp1 netns "
                    f"{os.path.basename(router.namespace)}",
                    "addr add 10.9.0.1/24 dev vp0", "link set vp0 up"],
                   namespace)
    netns.ip_batch(["addr add 10.9.0.2/24 dev vp1", "link set vp1 up"],
                   router.namespace)
    router.frr.write("bgpd", [
        "router bgp 65002", " bgp router-id 192.0.2.2",
        " no bgp ebgp-requires-policy", " no bgp default ipv4-unicast",
        " neighbor 10.9.0.1 remote-as 65001",
        " neighbor 10.9.0.1 timers connect 1",
        " address-family ipv4 vpn", "  neighbor 10.9.0.1 activate",
        " exit-address-family"])
    router.frr.start("zebra", "bgpd")
    return router


def received(router):
    """VPNv4 prefixes the peer has."""
    found = router.frr.json("bgpd", "show bgp ipv4 vpn summary json")
    peers = found.get("peers", {})
    return sum(p.get("pfxRcd", 0) for p in peers.values())


def until(router, count, since):
    netns.wait_until(lambda: received(router) == count, DEADLINE_S,
                     lambda: f"{count} at the peer, {received(router)} are",
                     interval_s=0.05)
    return time.monotonic() - since


def memory_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file
                    if line.startswith("VmRSS"))


def ours(frr, router, args):
    client = Client(frr.zserv, quiet=True)
    names, each = vrf_names(args), args.routes // args.vrfs
    try:
        for name in names:
            client.wait(f"vrf {name} there", deadline_s=30)
        client.say("whole")
        client.wait("audited", deadline_s=30)
        idle_kb = memory_kb(client.process.pid)
        begin = time.monotonic()
        client.say(*(f"many {name} 10.64.0.0 {each} {i}"
                     for i, name in enumerate(names, 1)))
        client.wait(f"confirmed {args.vrfs}", deadline_s=DEADLINE_S)
        confirmed = time.monotonic() - begin
        has_all = until(router, each * args.vrfs, begin)
        used_kb = memory_kb(client.process.pid) - idle_kb
        begin = time.monotonic()
        client.say(*(f"none {name} 10.64.0.0 {each} {args.vrfs + i}"
                     for i, name in enumerate(names, 1)))
        client.wait(f"confirmed {2 * args.vrfs}", deadline_s=DEADLINE_S)
        gone = time.monotonic() - begin
        has_none = until(router, 0, begin)
    finally:
        client.close()
    print(f"ours     {args.routes:6} routes: peer has all {has_all:6.2f} s, "
          f"none {has_none:6.2f} s; confirmed {confirmed:.2f} s, gone "
          f"{gone:.2f} s; {used_kb} kB")


def prefixes(count):
    return [f"10.{64 + (i >> 16)}.{i >> 8 & 255}.{i & 255}/32"
            for i in range(count)]


def batch(box, args, verb):
    lines = "".join(f"route {verb} blackhole {prefix} proto 99\n"
                    for prefix in prefixes(args.routes // args.vrfs))
    for name in vrf_names(args):
        box.run("ip", "-batch", "-", vrf=name, input=lines)


def kernel(box, router, args):
    each = args.routes // args.vrfs
    begin = time.monotonic()
    batch(box, args, "add")
    has_all = until(router, each * args.vrfs, begin)
    begin = time.monotonic()
    batch(box, args, "del")
    has_none = until(router, 0, begin)
    print(f"kernel   {args.routes:6} routes: peer has all {has_all:6.2f} s, "
          f"none {has_none:6.2f} s")


def static(box, frr, router, args):
    names = vrf_names(args)[:4]
    each = args.static // len(names)
    path = os.path.join(box.folder, "staticd.conf")
    with open(path, "w", encoding="ascii") as file:
        for name in names:
            file.write(f"vrf {name}\n")
            file.writelines(f" ip route {prefix} blackhole\n"
                            for prefix in prefixes(each))
            file.write("exit-vrf\n")
    os.chmod(path, 0o644)
    begin = time.monotonic()
    box.spawn("staticd", [
        os.path.join(frr_module.DAEMONS, "staticd"), "-z", frr.zserv,
        "--vty_socket", frr.vty_dir("bgpd"), "-f", path,
        "-i", os.path.join(box.folder, "staticd.pid")])
    has_all = until(router, each * len(names), begin)
    begin = time.monotonic()
    box.stop("staticd", signal.SIGTERM)
    has_none = until(router, 0, begin)
    print(f"staticd  {each * len(names):6} routes: peer has all "
          f"{has_all:6.2f} s, none {has_none:6.2f} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vrfs", type=int, default=100)
    parser.add_argument("--routes", type=int, default=100000)
    parser.add_argument("--static", type=int, default=400)
    args = parser.parse_args()
    lab = lab_module.Lab(f"zapib{os.getpid()}")
    try:
        box, frr, namespace = gateway(lab, args)
        for name in vrf_names(args):
            box.run("ip", "netns", "add", name)
        frr.start("zebra")
        router = peer(lab, namespace)
        frr.start("bgpd")
        netns.wait_until(lambda: router.frr.established(), 30, "the session")
        print(f"{args.routes} routes in {args.vrfs} VRFs, "
              f"{os.cpu_count()} processors; load {os.getloadavg()[0]:.1f}")
        ours(frr, router, args)
        kernel(box, router, args)
        static(box, frr, router, args)
        crashed = {**box.crashed(), **router.box.crashed()}
        print(f"crashed: {crashed or 'none'}")
    finally:
        lab.close()


if __name__ == "__main__":
    try:
        main()
    except subprocess.SubprocessError as error:
        sys.exit(str(error))
