# SPDX-License-Identifier: Apache-2.0
"""vxfabricd is killed at random moments while several callers write, and what
it acknowledged is there each time it is back: nothing is lost, nothing is
half there, nothing is there twice, and the fabric ends up right.

    VXFABRIC_TEST_CRASHES=N   kills, 100 unless given
    VXFABRIC_TEST_SEED=N      to repeat a run, as far as time lets
"""
import http.client
import os
import random
import re
import signal
import threading
import time

import intent
import pytest
from lab import LabError
from netns import wait_until

CRASHES = int(os.environ.get("VXFABRIC_TEST_CRASHES", "100"))
SEED = int(os.environ.get("VXFABRIC_TEST_SEED", "0")) or (
    int.from_bytes(os.urandom(4), "big") or 1)
WRITERS = 4
NETWORKS = 3        # of each writer
PORTS = 12          # in each network, at most
LONGEST_S = 0.25    # from the start of a round to its kill
# Now and then, so that switches are back and bundles under way.
LONG_EVERY, LONG_S = 10, 2.5

pytestmark = pytest.mark.slow


class Writer:
    """A caller that owns a tenant: it alone writes there, so it knows what
    has to be there, up to the one request whose reply a crash ate."""

    def __init__(self, address, number, seed):
        self.address = address
        self.tenant = f"t{number}"
        self.random = random.Random(seed * 1000 + number)
        self.known = {}         # path -> object as acknowledged
        self.doubt = None       # (ops, expected paths) without a reply
        self.n_acked = self.n_refused = self.n_batches = 0
        self.n_unknown = 0
        self.refused_paths = set()
        self.stop = threading.Event()
        self.failure = None
        self.serial = 0

    # -- what to say

    def _network(self):
        return f"net{self.random.randrange(NETWORKS)}"

    def _below(self, network):
        prefix = intent.path(self.tenant, network) + "/"
        return [p for p in self.known if p.startswith(prefix)]

    def _ports(self, network):
        return [p for p in self._below(network) if "/ports/" in p]

    def _create_network(self, network):
        return [intent.put(intent.path(self.tenant)),
                intent.put(intent.path(self.tenant, network)),
                intent.put(intent.path(self.tenant, network,
                                       subnet="10.0.0.0/24"), route=False),
                intent.put(intent.path(self.tenant, network,
                                       subnet="fd00::/64"), route=False)]

    def _port(self, network, number):
        return intent.put(
            intent.path(self.tenant, network, port=f"p{number}"),
            host=self.random.choice(("h1", "h2")),
            description=f"{self.tenant} {self.serial}")

    def _next(self):
        """Operations; more than one go as a batch."""
        self.serial += 1
        network = self._network()
        ports = self._ports(network)
        if intent.path(self.tenant, network) not in self.known:
            return self._create_network(network)
        dice = self.random.random()
        if dice < 0.35:
            return [self._port(network, self.random.randrange(PORTS))]
        if dice < 0.55:
            numbers = self.random.sample(range(PORTS), 6)
            return [self._port(network, n) for n in numbers]
        if dice < 0.70 and ports:
            return [intent.delete(self.random.choice(ports))]
        if dice < 0.75:
            # Ports first, then the subnets, then the network, all or none.
            below = self._below(network)
            return [intent.delete(p) for p in ports] + [
                intent.delete(p) for p in below if "/subnets/" in p] + [
                intent.delete(intent.path(self.tenant, network))]
        if dice < 0.85 and ports:
            return self._to_be_refused(network, ports)
        return [intent.put(intent.path(self.tenant, network),
                           description=f"turn {self.serial}")]

    def _to_be_refused(self, network, ports):
        """A batch whose last operation takes another port's MAC: none of it
        may be seen."""
        taken = self.known[self.random.choice(ports)]["mac"]
        fresh = [intent.put(intent.path(
            self.tenant, network, port=f"refused{self.serial}-{i}"))
            for i in range(2)]
        fresh[1]["body"]["mac"] = taken
        self.refused_paths.update(op["path"] for op in fresh)
        return fresh

    # -- saying it

    def run(self):
        """Writes until told to stop or until the controller is gone."""
        try:
            with intent.Api(self.address, timeout=20) as api:
                while not self.stop.is_set():
                    self._one(api)
        except (OSError, http.client.HTTPException):
            pass
        except Exception as failure:    # pylint: disable=broad-except
            self.failure = failure

    def _one(self, api):
        ops = self._next()
        self.doubt = ops
        if len(ops) == 1:
            op = ops[0]
            status, answer = api.call(op["op"], op["path"], op.get("body"))
            answers = [answer]
        else:
            status, answer = api.call("POST", "/v1/batch", ops)
            answers = answer.get("results", answer.get("items")) \
                if isinstance(answer, dict) else answer
            self.n_batches += 1
        self.doubt = None
        if any(op["path"] in self.refused_paths for op in ops):
            assert status == 409, (status, answer)
            self.n_refused += 1
            return
        assert 200 <= status < 300, (status, answer, ops)
        self.n_acked += 1
        for op, result in zip(ops, answers or [None] * len(ops)):
            self._acknowledged(op, result)

    def _acknowledged(self, op, result):
        if op["op"] == "DELETE":
            self.known.pop(op["path"], None)
            return
        body = result.get("body", result) if isinstance(result, dict) else {}
        seen = {k: v for k, v in body.items() if k not in intent.RUNTIME}
        # What a batch does not say about an object is not compared.
        self.known[op["path"]] = seen or dict(op["body"])

    # -- judging

    def check(self, export):
        """What of this writer is there is what was acknowledged; takes in
        what became of the request in doubt."""
        mine = {p: o for p, o in export.items()
                if p.startswith(f"/v1/tenants/{self.tenant}/")
                or p == f"/v1/tenants/{self.tenant}"}
        doubt, self.doubt = self.doubt or [], None
        in_doubt = {op["path"] for op in doubt}
        for where, want in self.known.items():
            if where not in in_doubt:
                assert where in mine, f"lost: {where} {want}"
                have = {k: mine[where].get(k) for k in want}
                assert have == want, (where, want, mine[where])
        extra = set(mine) - set(self.known) - in_doubt
        assert not extra, f"never acknowledged: {sorted(extra)}"
        if doubt:
            self._resolve(doubt, mine)
        ghosts = self.refused_paths & set(mine)
        assert not ghosts, f"refused, but there: {sorted(ghosts)}"

    def _resolve(self, doubt, mine):
        """A request without a reply happened as a whole or not at all."""
        verdicts = {self._happened(op, mine) for op in doubt} - {None}
        assert len(verdicts) < 2, ("half a batch", doubt,
                                   {op["path"]: mine.get(op["path"])
                                    for op in doubt})
        self.n_unknown += 1
        for op in doubt:
            where = op["path"]
            if where in mine:
                self.known[where] = mine[where]
            else:
                self.known.pop(where, None)

    def _happened(self, op, mine):
        """True, False, or None if it would look the same either way."""
        before, now = self.known.get(op["path"]), mine.get(op["path"])
        if op["op"] == "DELETE":
            return now is None if before is not None else None
        if now is None:
            return False
        if before is None:
            return True
        wanted = op["body"].get("description")
        if wanted is None or before.get("description") == wanted:
            return None
        return now["description"] == wanted


def check_unique(export):
    """No number and no address was given out twice."""
    vnis, macs, ips = [], [], []
    for where, item in export.items():
        if "/ports/" in where:
            network = (item["tenant"], item["network"])
            macs.append((network, item["mac"]))
            ips += [(network, ip) for ip in item["ips"]]
        elif "vni" in item:
            vnis.append(item["vni"])
    for taken in (vnis, macs, ips):
        assert len(taken) == len(set(taken))
    revisions = [item["revision"] for item in export.values()]
    return max(revisions, default=0)


def check_the_judge(writer, export):
    """That it would see what it looks for."""
    where = next(p for p in writer.known if p.count("/") > 4)
    lost = {p: o for p, o in export.items() if p != where}
    changed = dict(export, **{where: dict(export[where], revision=1)})
    ghost = dict(export, **{intent.path(writer.tenant, "ghost"): {}})
    for wrong in (lost, changed, ghost):
        with pytest.raises(AssertionError):
            writer.check(wrong)
    ports = [p for p in export if "/ports/" in p]
    twice = dict(export, **{ports[0] + "x": export[ports[0]]})
    with pytest.raises(AssertionError):
        check_unique(twice)


@pytest.fixture(scope="module")
def fabric(make_lab):
    """Two hosts; a stable tenant whose machines are plugged all along, and
    interfaces for some of what the writers come and go with."""
    lab = make_lab(2)
    lab.start_controller()
    intent.join_all(lab)
    with intent.Api(lab.api) as api:
        api.put("/v1/tenants/calm")
        api.put("/v1/tenants/calm/networks/web")
        api.put("/v1/tenants/calm/networks/web/subnets/10.0.0.0%2F24")
        for n in (1, 2):
            api.put(f"/v1/tenants/calm/networks/web/ports/vm{n}",
                    host=f"h{n}", mac=f"02:00:00:00:00:{n:02x}",
                    ips=[f"10.0.0.{n + 1}"], iface_id=f"calm-{n}")
        lab.calm = [host.plug(f"calm-{n}", f"02:00:00:00:00:{n:02x}",
                              [f"10.0.0.{n + 1}/24"])
                    for n, host in enumerate(lab.hosts.values(), 1)]
        api.wait_ports([f"/v1/tenants/calm/networks/web/ports/vm{n}"
                        for n in (1, 2)])
    return lab


def crash_once(lab, writers, chance):
    """One round: writers write, the controller dies, and comes back."""
    threads = [threading.Thread(target=w.run, daemon=True) for w in writers]
    for thread in threads:
        thread.start()
    longest = LONGEST_S if chance.randrange(LONG_EVERY) else LONG_S
    # The random moment itself: no condition to poll for.
    threading.Event().wait(chance.uniform(0, longest))
    lab.stop_controller(signal.SIGKILL)
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    for writer in writers:
        if writer.failure:
            raise writer.failure
    lab.start_controller(deadline_s=20)


def test_nothing_acknowledged_is_lost_over_a_hundred_kills(fabric, figures):
    print(f"  VXFABRIC_TEST_SEED={SEED}")
    chance = random.Random(SEED)
    writers = [Writer(fabric.api, n, SEED) for n in range(WRITERS)]
    started = time.monotonic()
    highest = 0
    for number in range(CRASHES):
        crash_once(fabric, writers, chance)
        with intent.Api(fabric.api) as api:
            export = api.export()
            revision = api.get("/healthz")["revision"]
        try:
            for writer in writers:
                writer.check(export)
            assert max(check_unique(export), highest) <= revision
            highest = revision
        except AssertionError as wrong:
            raise AssertionError(f"after kill {number + 1} of seed {SEED}: "
                                 f"{wrong}") from wrong
    check_the_judge(writers[0], export)
    objects = sum(len(w.known) for w in writers)
    figures(f"seed {SEED}: {CRASHES} kills in "
            f"{time.monotonic() - started:.1f} s, "
            f"{sum(w.n_acked for w in writers)} requests acknowledged "
            f"({sum(w.n_batches for w in writers)} batches), "
            f"{sum(w.n_refused for w in writers)} refused, "
            f"{sum(w.n_unknown for w in writers)} without a reply; "
            f"{objects} objects at the end, none lost, none half there")
    assert sum(w.n_acked for w in writers) > CRASHES


def test_the_fabric_converges_after_the_kills(fabric, figures):
    started = time.monotonic()
    with intent.Api(fabric.api) as api:
        api.wait_hosts(fabric.hosts, deadline_s=40)
        api.wait_ports([f"/v1/tenants/calm/networks/web/ports/vm{n}"
                        for n in (1, 2)])
        hosts = time.monotonic() - started
        ports = [p for p in api.items("/v1/ports") if p["tenant"] != "calm"]
    one, two = fabric.calm
    result = fabric.ping_many([(one, two.ipv4), (two, one.ipv4)])
    assert not result.silent(), result
    # What the kills left behind carries new machines, too.
    chosen = ports[:6]
    fabric.plug([{"host": fabric.hosts[p["host"]], "iface_id": p["iface_id"],
                  "mac": p["mac"], "ips": [
                      f"{ip}/{64 if ':' in ip else 24}" for ip in p["ips"]]}
                 for p in chosen])
    with intent.Api(fabric.api) as api:
        api.wait_ports([intent.path(p["tenant"], p["network"],
                                    port=p["name"]) for p in chosen])
    figures(f"hosts active and calm ports back after {hosts:.1f} s, "
            f"{len(chosen)} of the writers' {len(ports)} ports plugged and "
            "active")


def test_a_controller_after_that_finds_both_bridges_right(fabric, figures):
    """What the switches hold is what a fresh controller would install: it
    compares them with a full compile, and finds no difference."""
    fabric.stop_controller()
    with open(fabric.path("vxfabricd.log"), "rb") as log:
        mark = log.seek(0, os.SEEK_END)
    fabric.start_controller()
    lines = intent.new_log_lines(
        fabric, mark, 40, lambda found: sum(
            "differences" in line or "was not touched" in line
            for line in found) >= 4,
        "both bridges of both hosts compared")
    said = [line for line in lines if "differences" in line
            or "was not touched" in line]
    assert all(" 0 differences" in line or "not touched" in line
               for line in said), said
    # By another way: a row for each port that is elsewhere, and no other.
    with intent.Api(fabric.api) as api:
        api.wait_hosts(fabric.hosts)
        ports = api.items("/v1/ports")
    for host in fabric.hosts.values():
        present = {p["vni"] for p in ports if p["host"] == host.name}
        want = {(p["vni"], p["mac"]) for p in ports
                if p["host"] != host.name and p["vni"] in present}
        found = {(int(m.group(1), 16), m.group(2)) for m in (
            re.search(r"reg0=0x([0-9a-f]+),dl_dst=([0-9a-f:]{17}) ", row)
            for row in host.flows("br-fabric", "table=30")) if m}
        assert found == want, found ^ want
    figures(f"{len(said)} bridges compared, no difference; the rows of "
            f"{len(ports)} ports looked up by hand")


def test_a_second_controller_on_the_same_state_says_so_and_stops(fabric):
    argv = fabric.controller_command()
    argv[argv.index("--run-dir") + 1] = fabric.path("run2")
    argv = [a.replace(fabric.path("run") + "/", fabric.path("run2") + "/")
            for a in argv]
    os.makedirs(fabric.path("run2"), exist_ok=True)
    done = intent.lab_module.netns.run(
        intent.lab_module.netns.command(fabric.underlay, argv), check=False,
        timeout=20)
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert fabric.state_dir in done.stderr, done.stderr
    with intent.Api(fabric.api) as api:
        assert api.call("GET", "/healthz")[0] == 200
    assert wait_until(lambda: fabric.controller.poll() is None, 1, "alive")


def test_a_second_kill_while_it_starts_loses_nothing_either(fabric):
    with intent.Api(fabric.api) as api:
        before = api.export()
    fabric.stop_controller(signal.SIGKILL)
    chance = random.Random(SEED)
    for _ in range(5):
        try:
            fabric.start_controller(deadline_s=chance.uniform(0.001, 0.05))
        except LabError:
            pass
        fabric.stop_controller(signal.SIGKILL)
    fabric.start_controller()
    with intent.Api(fabric.api) as api:
        assert api.export() == before
