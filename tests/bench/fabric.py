# SPDX-License-Identifier: Apache-2.0
"""The product's side of the benchmarks: intent by netctl, as a person types
it, and machines plugged where it says.

What a build does not have yet is no error here: the benchmark says which of
its cases could not be taken, and its exit status says that not all were."""
import intent
import netns
from netns import LabError

GATEWAY_MAC = "02:76:78:66:61:62"       # every routed network's, everywhere


class Missing(Exception):
    """This build cannot do that."""


class Fabric:
    """A controller with hosts in zones."""

    def __init__(self, lab, zones, *options):
        """zones: zone of each host of the lab, in order; options: more of
        vxfabricd."""
        self.lab = lab
        lab.start_controller(*options)
        for host, zone in zip(lab.hosts.values(), zones):
            host.join(zone)
        with intent.Api(lab.api) as api:
            api.wait_hosts(lab.hosts)
        self.machines = {}

    def say(self, *words):
        """A netctl command that has to go well."""
        return self.lab.netctl(*words)

    def try_to(self, *words):
        """A netctl command; Missing if this netctl does not know it."""
        done = self.lab.netctl(*words, check=False)
        if done.returncode == 2:
            raise Missing(f"netctl {' '.join(map(str, words[:2]))}: "
                          f"{(done.stderr or done.stdout).splitlines()[0]}")
        if done.returncode:
            raise LabError(f"netctl {' '.join(map(str, words))}: "
                           f"{done.stderr}")
        return done

    def network(self, tenant, network, subnet, *options):
        """A network with a subnet; the tenant too, if it is new."""
        self.say("tenant", "add", tenant, "--may-exist")
        self.say("network", "add", f"{tenant}/{network}", "--may-exist")
        self.say("subnet", "add", f"{tenant}/{network}", subnet,
                 "--may-exist", *options)

    def port(self, path, host, mac, address, **kwargs):
        """A port with a machine that runs; address with its length."""
        iface_id = path.replace("/", "-")
        self.say("port", "add", path, "--host", host.name, "--mac", mac,
                 "--ip", address.split("/")[0], "--iface-id", iface_id)
        machine = host.plug(iface_id, mac, [address], **kwargs)
        self.machines[path] = machine
        return machine

    def settle(self, deadline_s=60):
        """Back when all ports are active."""
        with intent.Api(self.lab.api) as api:
            api.wait_ports([intent.path(t, n, port=p) for t, n, p in (
                path.split("/") for path in self.machines)],
                deadline_s=deadline_s)

    def settled(self, tenant, kind):
        """Back when all routes or policies ("routes", "policies") of a
        tenant are active."""
        def arrived():
            with intent.Api(self.lab.api) as api:
                return all(item.get("status", "active") == "active"
                           for item in api.items(
                               f"/v1/tenants/{tenant}/{kind}"))

        netns.wait_until(arrived, 30, f"{kind} of {tenant} to be active")
