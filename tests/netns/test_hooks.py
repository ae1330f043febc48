# SPDX-License-Identifier: Apache-2.0
"""Events of real hosts and ports reach hooks: each change of state once,
across restarts and kill -9 of the controller, and what happened meanwhile."""
import json
import os
import signal

import frames  # noqa: F401  (tests/lib is on the path)
import intent
import pytest
from netns import wait_until

WEB = "/v1/tenants/acme/networks/web"
NAMES = ("host-join", "host-active", "host-down", "port-active", "port-down")


class World:
    """A lab whose controller has a hook for each event that writes it
    down."""

    def __init__(self, lab):
        self.lab = lab
        self.hooks = lab.path("hooks.d")
        self.out = lab.path("told")
        for name in NAMES:
            folder = os.path.join(self.hooks, name)
            os.makedirs(folder, 0o755)
            path = os.path.join(folder, "10-tell")
            with open(path, "w", encoding="ascii") as file:
                file.write(f"#!/bin/sh\ncat >>{self.out}\n")
            os.chmod(path, 0o755)

    def start(self):
        self.lab.start_controller("--set", "probe_ms=1000", "--set",
                                  f"hooks_dir={self.hooks}")

    def told(self):
        """(event, object) of all that hooks saw, in order of seq; what came
        twice counts once."""
        try:
            with open(self.out, encoding="utf-8") as file:
                events = [json.loads(line) for line in file]
        except FileNotFoundError:
            return []
        by_seq = {event["seq"]: event for event in events}
        return [by_seq[seq] for seq in sorted(by_seq)]

    def short(self):
        return [(event["event"], event["object"]) for event in self.told()]

    def wait(self, *want, deadline_s=20):
        """Until exactly these were told, in any order."""
        wait_until(lambda: sorted(self.short()) == sorted(want), deadline_s,
                   lambda: f"{sorted(want)}, told are {self.short()}\n"
                           f"{self.lab.log_tail()}")


@pytest.fixture(scope="module")
def world(make_lab):
    """Two hosts, not joined yet."""
    lab = make_lab(2)
    one = World(lab)
    one.start()
    return one


def test_each_change_of_state_is_told_once(world):
    lab = world.lab
    h1, h2 = lab.hosts.values()
    h1.join("zone1")
    h2.join("zone1")
    want = [("host-join", "h1"), ("host-join", "h2"), ("host-active", "h1"),
            ("host-active", "h2")]
    world.wait(*want)
    joined = [e for e in world.told() if e["event"] == "host-join"]
    assert {e["data"]["zone"] for e in joined} == {"zone1"}
    active = [e for e in world.told() if e["event"] == "host-active"]
    assert all(e["data"]["vtep"] and e["data"]["status"] == "active"
               for e in active)
    # Joining again as before is nothing new.
    h1.join("zone1")

    with intent.Api(lab.api) as api:
        api.put("/v1/tenants/acme")
        api.put(WEB)
        api.put(f"{WEB}/subnets/10.0.0.0%2F24")
        api.put(f"{WEB}/ports/vm1", mac="02:00:00:00:00:01",
                ips=["10.0.0.11"], iface_id="vm1")
    machine = h1.plug("vm1", "02:00:00:00:00:01", ["10.0.0.11/24"])
    want.append(("port-active", "acme/web/vm1"))
    world.wait(*want)
    port = world.told()[-1]["data"]
    assert port["mac"] == "02:00:00:00:00:01" and port["located"] == "h1"

    # A restart and a crash tell nothing again.
    for number in (signal.SIGTERM, signal.SIGKILL):
        lab.stop_controller(number)
        world.start()
        with intent.Api(lab.api) as api:
            api.wait_hosts(["h1", "h2"])
            wait_until(lambda: api.get(f"{WEB}/ports/vm1")["status"]
                       == "active", 20, "port active again")
        assert sorted(world.short()) == sorted(want)

    h1.unplug(machine)
    want.append(("port-down", "acme/web/vm1"))
    world.wait(*want, deadline_s=60)    # also: not within the first 20 s
    h1.plug("vm1", "02:00:00:00:00:01", ["10.0.0.11/24"])
    want.append(("port-active", "acme/web/vm1"))
    world.wait(*want)

    # A host that goes while nobody looks is told when somebody does.
    lab.stop_controller()
    h1.stop("ovs-vswitchd")
    world.start()
    want += [("host-down", "h1"), ("port-down", "acme/web/vm1")]
    world.wait(*want, deadline_s=60)
    h1.start_switch()
    want += [("host-active", "h1"), ("port-active", "acme/web/vm1")]
    world.wait(*want, deadline_s=60)
    order = [name for name, obj in world.short() if obj == "h1"]
    assert order == ["host-join", "host-active", "host-down", "host-active"]
