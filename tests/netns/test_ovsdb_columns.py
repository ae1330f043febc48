# SPDX-License-Identifier: Apache-2.0
"""Columns of a host's OVSDB that work past the rows of the bridges (mirrors,
limits of tables, spanning trees, VLANs of ports), set by hand: put right at
once and told, and no flow is lost by that."""
import json
import re
import time

import intent
import pytest
from ears import Ears
from netns import wait_until

RED = "/v1/tenants/red/networks/web"
SPY = "/v1/tenants/spy/networks/web"


@pytest.fixture(scope="module")
def fabric(make_lab):
    """Two hosts; red has a machine on either, the spy one on h1."""
    lab = make_lab(2)
    lab.start_controller("--set", "probe_ms=1000")
    intent.join_all(lab)
    h1, h2 = lab.hosts.values()
    with intent.Api(lab.api) as api:
        for web in (RED, SPY):
            api.put(web.split("/networks")[0])
            api.put(web)
            api.put(f"{web}/subnets/10.0.0.0%2F24")
        lab.red = []
        for i, host in enumerate((h1, h2), 1):
            plug_one(lab, api, host, i)
        api.put(f"{SPY}/ports/p9", mac="02:00:00:00:00:09",
                ips=["10.0.0.19"], iface_id="spy", host="h1")
        lab.spy = h1.plug("spy", "02:00:00:00:00:09", ["10.0.0.19/24"])
        api.wait_ports([f"{RED}/ports/p1", f"{RED}/ports/p2",
                        f"{SPY}/ports/p9"])
    return lab


def plug_one(lab, api, host, number):
    mac, ip = f"02:00:00:00:00:{number:02x}", f"10.0.0.{10 + number}"
    api.put(f"{RED}/ports/p{number}", mac=mac, ips=[ip],
            iface_id=f"red{number}", host=host.name)
    lab.red.append(host.plug(f"red{number}", mac, [f"{ip}/24"]))


def of_red(frame):
    """IPv4 from red's machines, whose MACs end in 1 and 2."""
    return (frame[12:14] == b"\x08\x00"
            and frame[6:12] in (b"\2\0\0\0\0\1", b"\2\0\0\0\0\2"))


def mirror(lab):
    lab.hosts["h1"].vsctl(
        "--no-wait", "--", "--id=@p", "get", "Port", lab.spy.tap, "--",
        "--id=@m", "create", "Mirror", "name=m", "select_all=true",
        "output_port=@p", "--", "set", "Bridge", "br-tenant", "mirrors=@m")


def column(host, table, row, name):
    return host.vsctl("--no-wait", "--if-exists", "get", table, row,
                      name).strip()


def told(lab):
    out = lab.netctl("audit", "-o", "json", "h1", "--known", "--all",
                     check=False).stdout
    items = [f for f in json.loads(out)["items"] if f["kind"] == "ovsdb"]
    assert not [f for f in items if f["state"] == "open"], items
    return [f["row"] for f in items]


def ping(lab):
    one, two = lab.red[:2]
    assert not lab.ping_many([(one, two.ipv4), (two, one.ipv4)],
                             deadline_s=5).silent()


def heard(lab, wait_s):
    """What the spy hears of red's pings."""
    with Ears([lab.spy], of_red) as ears:
        ping(lab)
        ears.listen(wait_s)
        return ears.heard


def start(lab):
    lab.start_controller("--set", "probe_ms=1000")
    with intent.Api(lab.api) as api:
        api.wait_hosts(["h1", "h2"])


def ages(host):
    """When the rows of both bridges were made, by what they are; the epoch
    row is written anew."""
    now, made = time.monotonic(), {}
    for bridge in ("br-tenant", "br-fabric"):
        for flow in host.flows(bridge):
            if "table=253," in flow:
                continue
            age = float(re.search(r"duration=([0-9.]+)s", flow).group(1))
            what = re.search(r"(table=\d+,)?.*?(priority=.*)", flow)
            made[bridge, what.group(1), what.group(2)] = now - age
    return made


def lost(before, after):
    """Rows that are gone or were made anew."""
    return [k for k in before if k not in after or after[k] > before[k] + 1]


def test_a_mirror_to_a_tap_of_another_tenant_goes(fabric, figures):
    h1 = fabric.hosts["h1"]
    fabric.stop_controller()
    mirror(fabric)
    h1.wait_for_switch()
    assert heard(fabric, 1), "a mirror ought to copy"
    start(fabric)
    wait_until(lambda: column(h1, "Bridge", "br-tenant", "mirrors") == "[]",
               10, "the mirror of before to go")
    wait_until(lambda: not heard(fabric, 0.1), 5, "it to be silent")
    before, began = ages(h1), time.monotonic()
    mirror(fabric)
    wait_until(lambda: column(h1, "Bridge", "br-tenant", "mirrors") == "[]",
               10, "the mirror to go")
    took = time.monotonic() - began
    h1.wait_for_switch()
    wait_until(lambda: not heard(fabric, 0.1), 5, "the mirror to be silent")
    silent = time.monotonic() - began
    assert not heard(fabric, 0.5)
    wait_until(lambda: any("br-tenant: 1 mirrors" in t
                           for t in told(fabric)), 5, "the mirror to be told")
    assert not lost(before, ages(h1))
    wait_until(lambda: all("table=253" in " ".join(h1.flows(b, "table=253"))
                           for b in ("br-tenant", "br-fabric")), 10,
               "the epoch rows")
    figures(f"a mirror to another tenant's tap: gone after {took:.2f} s, "
            f"silent after {silent:.2f} s, {len(before)} flows kept")


def test_limits_of_tables_go_and_ports_become_active(fabric):
    h1 = fabric.hosts["h1"]
    fabric.stop_controller()
    tables = ",".join(f"{t}=@t" for t in range(60))
    h1.vsctl("--no-wait", "--", "--id=@t", "create", "Flow_Table",
             "flow_limit=1", "--", "set", "Bridge", "br-tenant",
             f"flow_tables={{{tables}}}", "--", "set", "Bridge", "br-fabric",
             f"flow_tables={{{tables}}}")
    h1.wait_for_switch()
    before = ages(h1)
    start(fabric)
    with intent.Api(fabric.api) as api:
        plug_one(fabric, api, h1, 3)
        api.wait_ports([f"{RED}/ports/p{i}" for i in (1, 2, 3)])
        for bridge in ("br-tenant", "br-fabric"):
            assert column(h1, "Bridge", bridge, "flow_tables") == "{}"
        h1.vsctl("--no-wait", "--", "--id=@t", "create", "Flow_Table",
                 "flow_limit=1", "--", "set", "Bridge", "br-tenant",
                 f"flow_tables={{{tables}}}")
        plug_one(fabric, api, h1, 4)
        api.wait_ports([f"{RED}/ports/p{i}" for i in (1, 2, 3, 4)])
    assert column(h1, "Bridge", "br-tenant", "flow_tables") == "{}"
    assert any("60 tables with limits" in t for t in told(fabric))
    assert not lost(before, ages(h1))


def test_other_columns_go_and_no_flow_with_them(fabric):
    h1 = fabric.hosts["h1"]
    before = ages(h1)
    h1.vsctl("--no-wait",
             "--", "set", "Bridge", "br-tenant", "stp_enable=true",
             "mcast_snooping_enable=true", "other_config:forward-bpdu=true",
             "--", "set", "Bridge", "br-fabric", "rstp_enable=true",
             "--", "set", "Port", fabric.spy.tap, "tag=7",
             "--", "set", "Port", "vx0", "trunks=1,2,3",
             "--", "set", "Port", "vx-patch-f", "vlan_mode=access")
    wanted = [("Bridge", "br-tenant", "stp_enable", "false"),
              ("Bridge", "br-tenant", "mcast_snooping_enable", "false"),
              ("Bridge", "br-fabric", "rstp_enable", "false"),
              ("Port", fabric.spy.tap, "tag", "[]"),
              ("Port", "vx0", "trunks", "[]"),
              ("Port", "vx-patch-f", "vlan_mode", "[]")]
    for table, row, name, value in wanted:
        wait_until(lambda t=table, r=row, n=name, v=value:
                   column(h1, t, r, n) == v, 10, f"{row} {name} {value}")
    assert "forward-bpdu" not in column(h1, "Bridge", "br-tenant",
                                        "other_config")
    h1.wait_for_switch()
    wait_until(lambda: len([t for t in told(fabric) if any(
        w in t for w in ("stp_enable true, rstp", "rstp_enable true",
                         "forward-bpdu=true", "tag 7", "3 trunks",
                         'vlan_mode "access"'))]) >= 6, 5, "all to be told")
    assert not lost(before, ages(h1))
    ping(fabric)
