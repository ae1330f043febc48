#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ports per second through the API, and how long one port takes.

    make bench-ports [BENCH_ARGS='--ports N --singles N']

Needs root: it makes a lab of two hosts.
Measured, with real Open vSwitch on both hosts:
  * a batch of N ports over two hosts, until the reply (durable) and until
    both hosts have confirmed every row of it (realized_revision);
  * one port whose interface is plugged: `netctl port add --wait`, and the same
    PUT over a connection that stays open, until the port is active;
  * the same port until a machine on the other host has had the answer to a
    ping, asked for every millisecond from the reply of the PUT on;
  * the floor, in the same run: as many rows as the batch made, sent by hand
    with `ovs-ofctl bundle`, to both hosts at once.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))

import intent  # noqa: E402  (needs the path above)
import lab as lab_module  # noqa: E402
import netns  # noqa: E402
import pipeline  # noqa: E402

WEB = "/v1/tenants/bench/networks/web"


def rows_in_all(lab):
    """Rows on both bridges of all hosts."""
    return sum(len(host.flows(bridge)) for host in lab.hosts.values()
               for bridge in pipeline.BRIDGES)


def mac_of(number):
    return f"02:00:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:" \
           f"{number & 255:02x}"


def ip_of(number):
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def port_op(number, prefix):
    """A port on one of the two hosts."""
    return intent.put(f"{WEB}/ports/{prefix}{number}",
                      host=f"h{number % 2 + 1}", mac=mac_of(number),
                      ips=[ip_of(number)], iface_id=f"{prefix}{number}")


def wait_realized(api, revision):
    """Both hosts have confirmed the revision."""
    netns.wait_until(lambda: all(h["realized_revision"] >= revision
                                 for h in api.items("/v1/hosts")), 60,
                     f"revision {revision} realized", 0.001)


def batches(lab, api, count, rounds=5):
    """[(seconds to the reply, seconds until realized, rows)]"""
    found = []
    for turn in range(rounds):
        ops = [port_op(100000 + turn * count + n, f"b{turn}-")
               for n in range(count)]
        before = rows_in_all(lab)
        started = time.monotonic()
        _, answer = api.batch(ops)
        replied = time.monotonic() - started
        wait_realized(api, answer["revision"])
        done = time.monotonic() - started
        found.append((replied, done, rows_in_all(lab) - before))
        _, answer = api.batch([intent.delete(op["path"]) for op in ops])
        wait_realized(api, answer["revision"])
    return found


def floor(lab, rows, rounds=5):
    """Seconds to put that many rows into both hosts by hand."""
    found = []
    per_host = rows // len(lab.hosts)
    hosts = list(lab.hosts.values())
    for host in hosts:
        host.vsctl("--may-exist", "add-br", "br-floor", "--", "set", "Bridge",
                   "br-floor", "datapath_type=netdev", "fail_mode=secure",
                   "protocols=OpenFlow15")
    text = "\n".join(
        f"table=30,priority=100,reg0=5,dl_dst={mac_of(n)},actions="
        "set_field:5->tun_id,set_field:172.31.1.1->tun_dst,output:1"
        for n in range(per_host))
    for host in hosts:
        with open(os.path.join(host.folder, "floor"), "w",
                  encoding="ascii") as file:
            file.write(text + "\n")
    for _ in range(rounds):
        started = time.monotonic()
        running = [subprocess.Popen(
            netns.command(host.namespace, [
                "ovs-ofctl", "-O", "OpenFlow15", "--bundle", "add-flows",
                "br-floor", os.path.join(host.folder, "floor")]),
            env=host.env) for host in hosts]
        for process in running:
            if process.wait():
                raise lab_module.LabError("ovs-ofctl failed")
        found.append(time.monotonic() - started)
        for host in hosts:
            host.ofctl("del-flows", "br-floor")
    for host in hosts:
        host.vsctl("del-br", "br-floor")
    return found


def singles(lab, api, count):
    """Seconds of each: netctl port add --wait, PUT ?wait=, PUT until the
    first ping is answered."""
    found = {"netctl port add --wait": [], "PUT ?wait=, kept connection": [],
             "PUT until pinged from the other host": []}
    by_cli, by_http, by_ping = found.values()
    hosts = list(lab.hosts.values())
    made = lab.plug([{"host": hosts[n % 2], "iface_id": f"s{n}",
                      "mac": mac_of(n), "ips": [f"{ip_of(n)}/8"]}
                     for n in range(1, count + 1)])
    watchers = lab.plug([{"host": host, "iface_id": f"keep{90000 + n}",
                          "mac": mac_of(90000 + n),
                          "ips": [f"{ip_of(90000 + n)}/8"]}
                         for n, host in enumerate(hosts)])
    # Else a question asked too early would be asked again after a second.
    for watcher in watchers:
        netns.ip_batch((f"neigh replace {m.ipv4} lladdr {m.mac} dev eth0"
                        " nud permanent" for m in made), watcher.namespace)
    for n in range(1, count + 1):
        started = time.monotonic()
        lab.netctl("port", "add", f"bench/web/s{n}", "--host",
                   f"h{n % 2 + 1}", "--mac", mac_of(n), "--ip", ip_of(n),
                   "--iface-id", f"s{n}", "--wait=10")
        by_cli.append(time.monotonic() - started)
        api.ask("DELETE", f"{WEB}/ports/s{n}?wait=10")
    for n in range(1, count + 1):
        started = time.monotonic()
        api.ask("PUT", f"{WEB}/ports/s{n}?wait=10", port_op(n, "s")["body"])
        by_http.append(time.monotonic() - started)
        api.ask("DELETE", f"{WEB}/ports/s{n}?wait=10")
    for n, machine in enumerate(made, 1):
        watcher = watchers[(n + 1) % 2]
        started = time.monotonic()
        api.ask("PUT", f"{WEB}/ports/s{n}", port_op(n, "s")["body"])
        done = lab.ping_many([(watcher, machine.ipv4)], interval_s=0.001)
        by_ping.append(time.monotonic() - started)
        if done.silent():
            raise lab_module.LabError(f"{machine} is never reached")
    return found


def quantile(values, part):
    """The smallest value that `part` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def table(lines):
    """Columns that line up."""
    widths = [max(len(str(row[i])) for row in lines)
              for i in range(len(lines[0]))]
    for row in lines:
        print("  " + "  ".join(str(cell).ljust(width) if i == 0 else
                               str(cell).rjust(width)
                               for i, (cell, width) in enumerate(
                                   zip(row, widths))))


def report(options, made, floors, one):
    """Prints it all."""
    n = options.ports
    reply = statistics.median(r for r, _, _ in made)
    done = statistics.median(d for _, d, _ in made)
    rows = statistics.median(c for _, _, c in made)
    least = statistics.median(floors)
    print(f"\nBatch of {n} ports over 2 hosts, median of {len(made)}; "
          f"{rows:.0f} rows in all")
    table([("", "seconds", "ports/s", "rows/s", "of the floor"),
           ("durable (reply)", f"{reply:.3f}", f"{n / reply:.0f}", "", ""),
           ("realized on both hosts", f"{done:.3f}", f"{n / done:.0f}",
            f"{rows / done:.0f}", f"{done / least:.1f} x"),
           ("floor: ovs-ofctl --bundle", f"{least:.3f}", "",
            f"{rows / least:.0f}", "1.0 x")])
    print(f"\nOne port, interface plugged, until it is active or pinged; "
          f"{options.singles} of each")
    table([("", "median ms", "p90 ms", "p99 ms", "max ms")] + [
        (name, *(f"{1000 * quantile(values, q):.1f}"
                 for q in (0.5, 0.9, 0.99)), f"{1000 * max(values):.1f}")
        for name, values in one.items()])


def main():
    """Makes the lab, measures, removes it."""
    parser = argparse.ArgumentParser(
        description="Ports per second, and latency of one port.")
    parser.add_argument("--ports", type=int, default=1000)
    parser.add_argument("--singles", type=int, default=100)
    options = parser.parse_args()
    with lab_module.Lab(f"vxb{os.getpid()}") as lab:
        lab.add_hosts(2)
        lab.start_controller()
        intent.join_all(lab)
        with intent.Api(lab.api) as api:
            api.put("/v1/tenants/bench")
            api.put(WEB)
            api.put(f"{WEB}/subnets/10.0.0.0%2F8", gateway=None)
            # Presence on both hosts before and during all of it.
            api.batch([port_op(90000 + n, "keep") for n in range(2)])
            one = singles(lab, api, options.singles)
            made = batches(lab, api, options.ports)
            floors = floor(lab, int(statistics.median(
                c for _, _, c in made)))
        report(options, made, floors, one)
    return 0


if __name__ == "__main__":
    sys.exit(main())
