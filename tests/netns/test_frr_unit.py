# SPDX-License-Identifier: Apache-2.0
"""FRR as frr.service runs it on a gateway: watchfrr and the daemons of
examples/frr-daemons, started by FRR's own script in a namespace with a /run
and an /etc/frr of its own, and ended by the commands of the drop-in."""
import os
import re
import subprocess

import pytest

import netns
from frr import TOP
from lab import kill_and_wait
from netns import wait_until

DROP_IN = os.path.join(TOP, "examples/systemd/frr.service.d/vxfabric.conf")
OPTIONS = os.path.join(TOP, "examples/frr-daemons")
SCRIPT = "/usr/lib/frr/frrinit.sh"
RUNS = ("watchfrr", "zebra", "bgpd", "bfdd", "staticd")


def stop_commands():
    """What systemd runs to stop frr.service with the drop-in: (shell text,
    whether it may fail)."""
    with open(DROP_IN, encoding="utf-8") as file:
        words = re.findall(r"^ExecStop=(.*)$", file.read(), re.M)
    assert words[0] == "", "the unit's own commands have to go first"
    return [(word.lstrip("-").replace("$$", "$"), word.startswith("-"))
            for word in words[1:]]


class Machine:
    """A network namespace with a /run and an /etc/frr of its own."""

    def __init__(self, name):
        self.name = name
        netns.ip_batch([f"netns add {name}"])
        netns.ip_batch(["link set lo up"], name)
        with open("/etc/frr/daemons", encoding="utf-8") as file:
            daemons = file.read()
        with open(OPTIONS, encoding="utf-8") as file:
            daemons += file.read()
        self.anchor = subprocess.Popen(
            netns.command(name, [
                "unshare", "-m", "--propagation", "unchanged", "sh", "-c",
                # In a chroot / is no mount, but /run is.
                "{ mount --make-rslave / || mount --make-rslave /run; }"
                " && mount -t tmpfs tmpfs /run && mkdir /run/netns"
                " && mount -t tmpfs tmpfs /etc/frr"
                " && echo ready && exec tail -f /dev/null >/dev/null"]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            text=True, start_new_session=True)
        assert self.anchor.stdout.readline() == "ready\n"
        self.run("cat > /etc/frr/daemons", input=daemons)
        self.run("cat > /etc/frr/frr.conf",
                 input="log file /run/frr/frr.log informational\n")
        self.run("touch /etc/frr/vtysh.conf; chown -R frr:frr /etc/frr")

    def run(self, text, **kwargs):
        """A shell command in it."""
        return netns.run(
            ["nsenter", f"--mount=/proc/{self.anchor.pid}/ns/mnt",
             f"--net={netns.path_of(self.name)}", "--", "sh", "-c", text],
            **kwargs)

    def running(self):
        """{program: pid} of FRR."""
        found = {}
        for pid in netns.pids_in(self.name):
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                found[file.read().strip()] = pid
        return {name: pid for name, pid in found.items() if name in RUNS}

    def log(self):
        """What the daemons said."""
        return self.run("cat /run/frr/frr.log", check=False).stdout

    def close(self):
        """Ends what is left."""
        kill_and_wait(netns.pids_in(self.name))
        self.anchor.wait()
        self.anchor.stdout.close()
        netns.delete([self.name])


@pytest.fixture(name="machine")
def _machine():
    machine = Machine(f"vxl{os.getpid()}frr")
    yield machine
    machine.close()


def test_the_drop_in_ends_frr_without_a_crash_and_leaves_nothing(machine):
    machine.run(f"{SCRIPT} start")
    machine.run("ip netns add vx1")         # a VRF
    wait_until(lambda: set(RUNS) <= set(machine.running()), 30,
               lambda: f"{machine.running()} to be {RUNS}: {machine.log()}")
    wait_until(lambda: " vx1 " in machine.run(
        "vtysh -c 'show vrf'", check=False).stdout, 30, machine.log)
    for text, may_fail in stop_commands():
        machine.run(text, check=not may_fail)
    # Each by itself, not the last one for all: nothing was to be waited for.
    assert not machine.running(), machine.log()
    assert "Received signal" not in machine.log()
    # ... and it starts again after that.
    machine.run(f"{SCRIPT} start")
    wait_until(lambda: set(RUNS) <= set(machine.running()), 30, machine.log)


def test_it_stops_what_is_stopped_in_part(machine):
    machine.run(f"{SCRIPT} start")
    wait_until(lambda: set(RUNS) <= set(machine.running()), 30, machine.log)
    kill_and_wait([machine.running()["watchfrr"]])
    kill_and_wait([machine.running()["zebra"]])
    for text, may_fail in stop_commands():
        machine.run(text, check=not may_fail)
    assert not machine.running(), machine.log()
