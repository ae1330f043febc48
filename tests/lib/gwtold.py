# SPDX-License-Identifier: Apache-2.0
"""What an operator is told of the one gateway of a GwLab."""
from netns import wait_until


def gateway(gw):
    """What gateway list says."""
    found, = gw.lab.netctl_json("gateway", "list")["items"]
    return found


def shown(gw):
    """What bgp show says of the gateway."""
    found, = gw.lab.netctl_json("bgp", "show")["items"]
    return found


def row(gw, prefix):
    """Its row of bgp show; {} if there is none."""
    return next((a for a in shown(gw)["announced"]
                 if a["prefix"] == prefix), {})


def until(gw, what, text, deadline_s=30):
    """Back when that is so."""
    wait_until(what, deadline_s, lambda: f"{text}: {gateway(gw)}\n"
               f"{gw.lab.netctl('bgp', 'show').stdout}\n{gw.report()}", 0.2)


def active(gw):
    """Back when nothing is wrong."""
    until(gw, lambda: gateway(gw)["status"] == "active"
          and not gateway(gw)["reason"], "an active gateway", 60)
