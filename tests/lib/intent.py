# SPDX-License-Identifier: Apache-2.0
"""Intent through the API: what the tests and benchmarks say to vxfabricd, on
one connection that stays open."""
import json
import time
import urllib.parse

import lab as lab_module
from netns import LabError, wait_until

# Facts of the moment, which no change of intent is behind.
RUNTIME = ("status", "reason", "reachable_at", "located",
           "realized_revision", "n_ports", "hops", "counters", "mobility",
           "in_force", "seen", "acked", "behind", "n_sessions", "n_established", "since",
           "received", "sent")


def path(tenant=None, network=None, subnet=None, port=None):
    """/v1/tenants/acme/networks/web/ports/vm1"""
    words = []
    for kind, name in (("tenants", tenant), ("networks", network),
                       ("subnets", subnet), ("ports", port)):
        if name is not None:
            words += [kind, urllib.parse.quote(name, safe="")]
    return "/v1/" + "/".join(words)


def put(where, /, **body):
    """An operation of a batch."""
    return {"op": "PUT", "path": where, "body": body}


def delete(where):
    """An operation of a batch."""
    return {"op": "DELETE", "path": where}


class Refused(Exception):
    """The API said no."""

    def __init__(self, what, status, answer):
        super().__init__(f"{what}: {status} {answer}")
        self.status = status
        self.error = answer["error"] if isinstance(answer, dict) else {}


class Api:
    """A connection to the API of a controller."""

    def __init__(self, address, timeout=60):
        self.connection = lab_module.connect_api(address, timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.connection.close()

    def call(self, method, where, body=None, headers=None):
        """(status, answer), whatever it is."""
        return lab_module.request(self.connection, method, where, body,
                                  headers)

    def ask(self, method, where, body=None, headers=None):
        """The answer to what has to go well."""
        status, answer = self.call(method, where, body, headers)
        if not 200 <= status < 300:
            raise Refused(f"{method} {where}", status, answer)
        return answer

    def get(self, where):
        """The object."""
        return self.ask("GET", where)

    def put(self, where, /, **body):
        """Creates or updates the object, and returns it."""
        return self.ask("PUT", where, body)

    def batch(self, ops, query=""):
        """(status, answer) of an atomic batch that has to go well."""
        status, answer = self.call("POST", "/v1/batch" + query, ops)
        if status not in (200, 201, 202):
            raise Refused(f"batch of {len(ops)}", status, answer)
        return status, answer

    def batches(self, ops, size=1000):
        """Many operations, in batches of at most `size`."""
        for start in range(0, len(ops), size):
            self.batch(ops[start:start + size])

    def items(self, where, limit=1000):
        """All of a list, page by page."""
        found, after = [], ""
        mark = "&" if "?" in where else "?"
        while True:
            page = self.get(f"{where}{mark}limit={limit}{after}")
            found += page["items"]
            if not page.get("next"):
                return found
            after = "&after=" + urllib.parse.quote(page["next"], safe="")

    def export(self):
        """All intent there is, {path: object without facts of run time}."""
        found = {}
        for kind in ("zones", "hosts", "tenants", "networks", "subnets",
                     "ports", "routes", "policies", "gateways", "peerings",
                     "tenant-peerings"):
            for item in self.items(f"/v1/{kind}"):
                found[path_of(kind, item)] = {
                    k: v for k, v in item.items() if k not in RUNTIME}
        return found

    def wait_ports(self, paths, status="active", deadline_s=60):
        """Polls until every port of these paths has the status; seconds it
        took."""
        started = time.monotonic()
        left = list(paths)
        last = {}

        def arrived():
            while left:
                last.clear()
                last.update(self.get(left[-1]))
                if last["status"] != status:
                    return False
                left.pop()
            return True

        wait_until(arrived, deadline_s, lambda: (
            f"{len(left)} ports to be {status}: {json.dumps(last)}"))
        return time.monotonic() - started

    def wait_hosts(self, names, status="active", deadline_s=60):
        """Polls until every host has the status."""
        def arrived():
            seen.clear()
            seen.update({h["name"]: (h["status"], h["reason"])
                         for h in self.items("/v1/hosts")})
            return all(seen.get(n, ("",))[0] == status for n in names)

        seen = {}
        wait_until(arrived, deadline_s,
                   lambda: f"hosts to be {status}: {seen}", 0.05)


def path_of(kind, item):
    """The path of an object as a list shows it."""
    if kind in ("zones", "hosts", "gateways", "peerings"):
        return f"/v1/{kind}/{item['name']}"
    if kind == "tenant-peerings":
        return f"/v1/tenants/{item['tenant']}/peerings/{item['name']}"
    if kind in ("routes", "policies"):
        name = urllib.parse.quote(item["name"], "")
        return f"/v1/tenants/{item['tenant']}/{kind}/{name}"
    names = {"tenant": item.get("tenant", item["name"])}
    if kind != "tenants":
        names["network"] = item.get("network", item["name"])
    if kind in ("subnets", "ports"):
        names[kind[:-1]] = item["name"]
    return path(**names)


def join_all(lab, zone="zone1", deadline_s=60):
    """All hosts of a lab join; back when they are active."""
    for host in lab.hosts.values():
        host.join(zone)
    with Api(lab.api) as api:
        api.wait_hosts(lab.hosts, deadline_s=deadline_s)


def new_log_lines(lab, mark, deadline_s, wanted, what):
    """Lines of the controller's log from byte `mark` on, once wanted(lines)
    is true."""
    def look():
        with open(lab.path("vxfabricd.log"), "rb") as file:
            file.seek(mark)
            lines = file.read().decode("utf-8", "replace").splitlines()
        return lines if wanted(lines) else None

    try:
        return wait_until(look, deadline_s, what, 0.05)
    except LabError as late:
        raise LabError(f"{late}\n{lab.log_tail()}") from None
