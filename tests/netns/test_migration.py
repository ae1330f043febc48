# SPDX-License-Identifier: Apache-2.0
"""A VM moves from host to host, live: its peers never lose it, nothing comes
twice, and everybody is told where it is."""
import signal
import struct
import threading
import time

import frames
import intent
import netns
import pytest
from ears import Ears, Voices
from faults import flows_text
from netns import wait_until

WEB = intent.path("red", "web")
VM = intent.path("red", "web", port="vm")
MAC = "02:00:00:00:00:99"
IPS = ["10.0.0.99", "fd00::99"]
MARK = b"vxfabric migration"
SPACING_S = 0.001
GRACE = ["--set", "grace_ms=3000"]
# One time in five a frame was lost when rows of the two bridges of a host did
# not wait for each other.
MOVES = ["h2", "h1", "h2", "h3", "h1", "h2", "h1", "h2"]
# How long after the interface the controller is killed.
KILLS_MS = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 25, 30, 35, 40,
            60, 80]


def mac_of(number):
    return f"02:00:00:00:00:{number:02x}"


@pytest.fixture(scope="module")
def fabric(make_lab):
    """Three hosts with a neighbour each; the VM's port is made per test."""
    lab = make_lab(3)
    lab.start_controller(*GRACE)
    intent.join_all(lab)
    lab.neighbours = lab.plug([
        {"host": host, "iface_id": f"n{n}", "mac": mac_of(n),
         "ips": [f"10.0.0.1{n}/24", f"fd00::1{n}/64"]}
        for n, host in enumerate(lab.hosts.values(), 1)])
    with intent.Api(lab.api) as api:
        api.put(intent.path("red"))
        api.put(WEB)
        for cidr in ("10.0.0.0/24", "fd00::/64"):
            api.put(intent.path("red", "web", subnet=cidr))
        for n in (1, 2, 3):
            api.put(f"{WEB}/ports/n{n}", mac=mac_of(n), iface_id=f"n{n}",
                    ips=[f"10.0.0.1{n}", f"fd00::1{n}"], host=f"h{n}")
        api.wait_ports([f"{WEB}/ports/n{n}" for n in (1, 2, 3)])
    return lab


@pytest.fixture
def api(fabric):
    """A fresh connection."""
    with intent.Api(fabric.api) as one:
        yield one


def plug_vm(fabric, name):
    return fabric.hosts[name].plug("vm", MAC, [f"{IPS[0]}/24",
                                               f"{IPS[1]}/64"])


@pytest.fixture
def vm(fabric, api):
    """The VM on h1; gone after, wherever it is."""
    before = list(fabric.machines)
    machine = plug_vm(fabric, "h1")
    api.put(VM, mac=MAC, ips=IPS, iface_id="vm", host="h1")
    api.wait_ports([VM])
    yield machine
    fabric.unplug([m for m in fabric.machines if m not in before])
    with intent.Api(fabric.api) as fresh:       # it may be another controller
        fresh.ask("DELETE", VM + "?wait=10")


def patch(api, **members):
    """The port, when the change is real."""
    status, answer = api.call("PATCH", VM + "?wait=10", members)
    assert status == 200, (status, answer)
    return answer


def arrived(api, host="h2"):
    def look():
        port = api.get(VM)
        assert port["host"] == host
        return not port["migrate_from"]
    wait_until(look, 10, "the port to arrive", 0.005)


def number_of(frame):
    return struct.unpack("!I", frame[frame.index(MARK) + len(MARK):][:4])[0]


def numbered(sender, dst_mac, number):
    payload = frames.udp(9, 9, MARK + struct.pack("!I", number))
    return frames.ethernet(
        dst_mac, sender.mac, 0x0800,
        frames.ipv4(sender.ipv4, IPS[0] if dst_mac == MAC
                    else "255.255.255.255", 17, payload))


class Traffic:
    """Numbered frames of every neighbour to the VM, in turn, while something
    else goes on; then what arrived where, number by number."""

    def __init__(self, neighbours, dst_mac=MAC):
        self.neighbours = neighbours
        self.dst_mac = dst_mac
        self.number = 0
        self.heard = {}

    def run(self, action, machines):
        """action runs in a thread; machines listen, those that it returns
        from the moment they are there (what comes to them before is heard
        when they are: their sockets are opened by the action)."""
        thread = threading.Thread(target=action)
        with Voices([m.namespace for m in self.neighbours]) as voices:
            thread.start()
            end = None
            while end is None or time.monotonic() < end:
                sender = self.neighbours[self.number % len(self.neighbours)]
                voices.send(sender.namespace, numbered(
                    sender, self.dst_mac, self.number))
                self.number += 1
                for ears in list(machines):
                    ears.listen(SPACING_S)
                if end is None and not thread.is_alive():
                    end = time.monotonic() + 0.3
        thread.join()
        for ears in machines:
            ears.listen(0.3)
            for machine, frame in ears.heard:
                self.heard.setdefault(number_of(frame), []).append(machine)

    def lost(self):
        return [n for n in range(self.number) if n not in self.heard]

    def around_the_lost(self):
        """Where the frames beside the lost ones were heard, by sender."""
        near = {n + off for n in self.lost() for off in range(-9, 10)}
        return [(n, self.neighbours[n % len(self.neighbours)].host.name,
                 [m.host.name for m in self.heard.get(n, [])])
                for n in sorted(near) if 0 <= n < self.number]

    def twice(self):
        return [n for n, where in self.heard.items() if len(where) > 1]


def settle(fabric):
    """Back when the switches have taken in what came and went: they run one
    after the other what is asked of them and what the kernel tells.  And they
    forget what they did with frames to the VM when it was there the last time,
    seconds ago: Open vSwitch confirms rows before its cache of flows follows
    them (doc/pipeline.md, What the rows cannot see)."""
    for host in fabric.hosts.values():
        for _ in range(2):
            host.appctl("version")
        host.appctl("revalidator/purge")
        host.appctl("revalidator/wait")


def move_once(fabric, api, vm, target, meanwhile=lambda: None):
    """The VM's traffic while it moves, told to whom, and where it is then.
    meanwhile is called when the interface is there.

    The namespace, the interface and the listener are there before: while Open
    vSwitch takes in an interface its userspace datapath may drop packets of
    tunnels (doc/restarts.md), and here the fabric's own doing is looked at."""
    old = vm.host.name
    answer = patch(api, host=target, migrate_from=old)
    assert (answer["status"], answer["migrate_from"]) == ("active", old)
    assert "prepared" in answer["migration"]
    new = fabric.plug([{"host": fabric.hosts[target], "iface_id": "",
                        "mac": MAC, "ips": [f"{IPS[0]}/24", f"{IPS[1]}/64"]
                        }])[0]
    settle(fabric)
    traffic = Traffic(fabric.neighbours)
    ears = [Ears([vm, new], lambda frame: MARK in frame)]
    told = Ears(fabric.neighbours, lambda frame: (
        frame[6:12] == frames.mac_bytes(MAC)))

    def move():
        new.host.vsctl("set", "Interface", new.tap,
                       "external_ids:iface-id=vm")
        meanwhile()
        with intent.Api(fabric.api) as other:
            arrived(other, target)

    try:
        traffic.run(move, ears)
        told.listen(0.5)
    finally:
        for one in ears + [told]:
            one.__exit__()
    return traffic, told, new


def test_live_migrations_lose_nothing_and_double_nothing(fabric, api, vm,
                                                         figures):
    sent = 0
    for target in MOVES:
        traffic, told, new = move_once(fabric, api, vm, target)
        sent += traffic.number
        assert not traffic.twice()
        assert not traffic.lost(), traffic.around_the_lost()
        for machine in (vm, new):
            assert any(machine in who for who in traffic.heard.values())
        # Everybody was told, by ARP and by ND.
        for machine in fabric.neighbours:
            kinds = {frame[12:14] for who, frame in told.heard
                     if who is machine}
            assert {b"\x08\x06", b"\x86\xdd"} <= kinds, (machine, kinds)
        fabric.unplug([vm])
        vm = new
    figures(f"{sent} frames during {len(MOVES)} moves, none lost or twice")
    done = fabric.ping_many([(m, ip) for m in fabric.neighbours
                             for ip in IPS])
    assert not done.silent(), done
    assert api.get(VM)["status"] == "active"


def test_the_old_place_ends_with_its_interface_or_the_grace_time(fabric, api,
                                                                 vm):
    def rows():
        return [row for row in fabric.hosts["h1"].flows("br-tenant")
                if MAC in row]

    assert rows()
    patch(api, host="h2", migrate_from="h1")
    begun = time.monotonic()
    plug_vm(fabric, "h2")
    arrived(api)
    here = rows()
    took = time.monotonic() - begun
    assert [row for row in here if "in_port=65001" in row], (
        f"after {took:.2f} s: {here}")
    wait_until(lambda: not rows(), 10, "the old place to end")
    assert vm in fabric.machines
    done = fabric.ping_many([(m, IPS[0]) for m in fabric.neighbours[:1]])
    assert done is not None


def test_a_held_migration_ends_by_the_call_only(fabric, api, vm):
    patch(api, host="h2", migrate_from="h1", migrate_hold=True)
    new = plug_vm(fabric, "h2")
    wait_until(lambda: "waits for the call" in api.get(VM)["migration"], 10,
               "the target to be ready")
    with Ears([vm, new], lambda frame: MARK in frame) as ears, \
            Voices([m.namespace for m in fabric.neighbours]) as voices:
        for n, sender in enumerate(fabric.neighbours):
            voices.send(sender.namespace, numbered(sender, MAC, n))
            voices.send(sender.namespace, numbered(
                sender, "ff:ff:ff:ff:ff:ff", 10 + n))
        ears.until(lambda: len(ears.heard) >= 6, 5, "six frames")
        ears.listen(0.3)
        assert {m for m, _ in ears.heard} == {vm} and len(ears.heard) == 6
    out = fabric.netctl("port", "set", "red/web/vm", "--migrate-end",
                        "--wait")
    assert out.returncode == 0
    assert not api.get(VM)["migrate_from"]
    fabric.unplug([vm])
    done = fabric.ping_many([(m, ip) for m in fabric.neighbours
                             for ip in IPS])
    assert not done.silent(), done


def test_a_migration_that_is_given_up_changes_nothing(fabric, api, vm):
    patch(api, host="h2", migrate_from="h1", migrate_hold=True)
    new = plug_vm(fabric, "h2")
    patch(api, host="h1", migrate_from=None)
    done = fabric.ping_many([(m, ip) for m in fabric.neighbours
                             for ip in IPS])
    assert not done.silent(), done
    assert not [row for row in fabric.hosts["h2"].flows("br-tenant")
                if MAC in row]
    assert new in fabric.machines


def test_a_port_on_its_way_counts_where_it_goes_and_where_it_is(fabric, api,
                                                               vm):
    def seen(host):
        ports = {p["name"] for p in api.items(f"/v1/ports?host={host}")}
        return ports, api.get(f"/v1/hosts/{host}")["reason"]

    patch(api, host="h2", migrate_from="h1", migrate_hold=True)
    try:
        for host, own in (("h1", "n1"), ("h2", "n2")):
            done = fabric.netctl("host", "drain", host)
            assert "2 ports are left" in done.stderr, done.stderr
            assert seen(host) == ({"vm", own}, "2 ports are left")
        plug_vm(fabric, "h2")
        patch(api, migrate_from=None)
        assert seen("h1") == ({"n1"}, "1 port is left")
        assert seen("h2") == ({"vm", "n2"}, "2 ports are left")
    finally:
        for host in ("h1", "h2"):
            fabric.netctl("host", "drain", host, "--undo")
    api.wait_hosts(fabric.hosts)


@pytest.fixture
def twins(fabric, api):
    """Two ports that have a network, and h1, to themselves."""
    before = list(fabric.machines)
    lone = intent.path("red", "lone")
    ports = [f"{lone}/ports/t{n}" for n in (1, 2)]
    fabric.plug([{"host": fabric.hosts["h1"], "iface_id": f"t{n}",
                  "mac": mac_of(0xa0 + n), "ips": [f"10.9.0.{n}/24"]}
                 for n in (1, 2)])
    api.put(lone)
    for n, port in enumerate(ports, 1):
        api.put(port, mac=mac_of(0xa0 + n), iface_id=f"t{n}", host="h1")
    api.wait_ports(ports)
    yield ports
    fabric.unplug([m for m in fabric.machines if m not in before])
    for port in ports:
        api.ask("DELETE", port + "?wait=10")
    api.ask("DELETE", lone + "?wait=10")


def test_a_dry_run_in_the_grace_time_leaves_all_as_it_is(fabric, api, twins):
    """Both have left h1 and are still heard there; what stays there of their
    network for a while is not to be mistaken for what the dry run made."""
    for port in twins:
        api.ask("PATCH", port + "?wait=10",
                {"host": "h2", "migrate_from": "h1"})
    fabric.plug([{"host": fabric.hosts["h2"], "iface_id": f"t{n}",
                  "mac": mac_of(0xa0 + n), "ips": [f"10.9.0.{n}/24"]}
                 for n in (1, 2)])
    wait_until(lambda: not any(api.get(port)["migrate_from"]
                               for port in twins), 10, "both to arrive", 0.01)
    plan = api.batch([
        intent.put(port, mac=mac_of(0xa0 + n), iface_id=f"t{n}", host="h1")
        for n, port in enumerate(twins, 1)], "?dry_run=1")[1]
    assert plan["changed"] == 2, plan
    report = fabric.netctl_json("audit", check=False)
    assert not report["items"], report["items"][:5]


def test_a_migration_survives_the_controller(fabric, api, vm):
    """Begun before a crash, it goes on after it."""
    patch(api, host="h2", migrate_from="h1")
    fabric.stop_controller(signal.SIGKILL)
    fabric.start_controller(*GRACE)
    with intent.Api(fabric.api) as again:
        assert again.get(VM)["migrate_from"] == "h1"
        again.wait_hosts(fabric.hosts)
        plug_vm(fabric, "h2")
        arrived(again)
        fabric.unplug([vm])
        done = fabric.ping_many([(m, ip) for m in fabric.neighbours
                                 for ip in IPS])
        assert not done.silent(), done


def test_what_cannot_migrate_is_refused_by_name(fabric, api, vm):
    for body, status, said in (
            ({"host": "h3", "migrate_from": "h2"}, 412, "on host \"h1\""),
            ({"host": "h1", "migrate_from": "h1"}, 400, "the same host"),
            ({"host": None, "migrate_from": "h1"}, 400, "which host to"),
            ({"host": "h2", "migrate_from": "nowhere"}, 404, "nowhere")):
        got, answer = api.call("PATCH", VM, body)
        assert got == status, (body, got, answer)
        assert said in answer["error"]["message"], answer
    before = api.get(VM)["revision"]
    patch(api, host="h1")
    assert api.get(VM)["revision"] == before


def test_the_same_call_twice_is_one_migration(fabric, api, vm):
    first = patch(api, host="h2", migrate_from="h1")
    again = patch(api, host="h2", migrate_from="h1")
    assert first["revision"] == again["revision"]
    plug_vm(fabric, "h2")
    arrived(api)
    late = patch(api, host="h2", migrate_from="h1")
    assert late["migrate_from"] is None
    got, answer = api.call("DELETE", "/v1/hosts/h2", None)
    assert got == 409, answer
    netns.ip_batch(["neigh flush dev eth0"], fabric.neighbours[0].namespace)


def frames_lost(fabric):
    return sum(host.frames_lost() for host in fabric.hosts.values())


def killed_moves(fabric, vm, moves, figures):
    """Each of moves(vm, target) is the traffic of a move in which the
    controller was killed, and where the VM is then."""
    sent, excused, lost = 0, 0, []
    for n, move in enumerate(moves):
        dropped = frames_lost(fabric)
        traffic, new = move(vm, ["h2", "h3", "h1"][n % 3])
        dropped = frames_lost(fabric) - dropped
        sent += traffic.number
        assert not traffic.twice()
        # Open vSwitch says of itself what it had no time for.
        excused += min(len(traffic.lost()), dropped)
        if len(traffic.lost()) > dropped:
            lost.append((n, traffic.lost(), traffic.around_the_lost()))
        with intent.Api(fabric.api) as api:
            api.wait_hosts(fabric.hosts)
        fabric.unplug([vm])
        vm = new
    figures(f"{sent} frames during {len(moves)} moves, lost in {len(lost)}; "
            f"{excused} that ovs-vswitchd did not handle")
    assert not lost, "".join(f"\nmove {n} lost {numbers}: {around}"
                             for n, numbers, around in lost)


def test_a_controller_killed_at_a_move_costs_nothing(fabric, vm, figures):
    def killed_after(wait_s):
        def kill():
            threading.Event().wait(wait_s)      # to be in the middle of it
            fabric.stop_controller(signal.SIGKILL)
            fabric.start_controller()

        def move(machine, target):
            with intent.Api(fabric.api) as api:
                traffic, _, new = move_once(fabric, api, machine, target,
                                            kill)
            return traffic, new
        return move

    killed_moves(fabric, vm, [killed_after(ms / 1000) for ms in KILLS_MS],
                 figures)


def test_a_move_that_no_switch_has_heard_of_costs_nothing(fabric, vm,
                                                          figures):
    """The controller dies when the end of a move is durable and before any
    switch is told: the next one finds them as they were before."""
    def move(machine, target):
        with intent.Api(fabric.api) as api:
            patch(api, host=target, migrate_from=machine.host.name,
                  migrate_hold=True)
            new = plug_vm(fabric, target)
            wait_until(lambda: "waits for the call" in api.get(VM)[
                "migration"], 10, "the target to be ready")
            saved = [(host, bridge, flows_text("\n".join(host.flows(bridge))))
                     for host in fabric.hosts.values()
                     for bridge in ("br-tenant", "br-fabric")]
            patch(api, migrate_from=None)
        fabric.stop_controller(signal.SIGKILL)
        for host, bridge, flows in saved:
            host.ofctl("replace-flows", bridge, "-", input=flows)
        settle(fabric)
        traffic = Traffic(fabric.neighbours)

        def start():
            fabric.start_controller()
            with intent.Api(fabric.api) as api:
                api.wait_hosts(fabric.hosts)

        with Ears([machine, new], lambda frame: MARK in frame) as ears:
            traffic.run(start, [ears])
        return traffic, new

    killed_moves(fabric, vm, [move] * 12, figures)
