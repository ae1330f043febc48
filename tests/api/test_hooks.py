# SPDX-License-Identifier: Apache-2.0
"""Events to executables and webhooks, with a real vxfabricd: what is slow,
fails, forks or floods; kill -9 at the worst moment; who may write."""
import hashlib
import hmac
import http.server
import json
import os
import subprocess
import threading
import time

import pytest

import intent
import lab as lab_module
from conftest import Controller
from netns import wait_until

SECRET = b"a secret of more than sixteen bytes"


class Hooked(Controller):
    """A controller with a hooks.d of its own."""

    def __init__(self, *extra):
        super().__init__("--set", "hook_backoff_ms=100", *extra)
        self.hooks = os.path.join(self.folder, "hooks.d")
        self.out = os.path.join(self.folder, "out")
        os.mkdir(self.hooks, 0o755)
        self.extra += ("--set", f"hooks_dir={self.hooks}")

    def hook(self, name, script, mode=0o755):
        """Writes hooks.d/NAME; $OUT is where it may write."""
        path = os.path.join(self.hooks, name)
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nOUT={self.out}\n{script}\n")
        os.chmod(path, mode)
        return path

    def call(self, method, path, body=None, want=None):
        """Status and JSON of a request."""
        with intent.Api(self.api, timeout=10) as api:
            status, reply = api.call(method, path, body)
        if want:
            assert status == want, reply
        return reply

    def metrics(self):
        """What Prometheus reads."""
        with intent.Api(self.api, timeout=10) as api:
            api.connection.request("GET", "/metrics")
            return api.connection.getresponse().read().decode()

    def test(self, event):
        """A test event; its seq."""
        return self.call("POST", f"/v1/hooks/{event}/test", {}, 202)["seq"]

    def runs(self, **query):
        """Runs, newest first."""
        text = "&".join(f"{key}={value}" for key, value in query.items())
        return self.call("GET", f"/v1/hook-runs?{text}", want=200)["items"]

    def wait_runs(self, count, **query):
        """Runs as soon as there are so many."""
        wait_until(lambda: len(self.runs(**query)) >= count, 20,
                   lambda: f"{self.runs()}\n{self.log()}")
        return self.runs(**query)

    def lines(self):
        """What hooks wrote to $OUT."""
        try:
            with open(self.out, encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def kill(self):
        """As a crash would."""
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def hooked(request):
    """A controller that the test starts, with options of the marker."""
    marker = request.node.get_closest_marker("options")
    one = Hooked(*(marker.args if marker else ()))
    try:
        yield one
    finally:
        one.close()


def options(**keys):
    """--set for each."""
    words = [word for key, value in keys.items()
             for word in ("--set", f"{key}={value}")]
    return pytest.mark.options(*words)


def alive(pid):
    """Whether a process is there and not a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_hook_gets_the_event_and_nothing_else(hooked):
    hooked.hook("drift/10-a", "cat >>$OUT; echo >>$OUT; env | sort >>$OUT\n"
                "ls /proc/self/fd | wc -l >>$OUT; pwd; echo to stderr >&2")
    hooked.start()
    seq = hooked.test("drift")
    run, = hooked.wait_runs(1, state="done")
    event, _, *rest = hooked.lines()
    event = json.loads(event)
    assert event["seq"] == seq and event["event"] == "drift"
    assert event["test"] is True and event["object"] == "test"
    names = {line.split("=")[0] for line in rest if "=" in line}
    assert names == {"PATH", "LANG", "NETCTL_SERVER", "PWD",
                     "VXFABRIC_ATTEMPT", "VXFABRIC_EVENT",
                     "VXFABRIC_OBJECT", "VXFABRIC_RUN", "VXFABRIC_SEQ"}
    assert rest[-1] == "4"          # 0, 1, 2 and the one of ls itself
    assert run["output"] == "/\nto stderr\n" and run["attempts"] == 1
    assert run["result"] == "exit status 0"


def test_hooks_run_in_the_order_of_their_names(hooked):
    for name in ("20-b", "10-a", "30-c"):
        hooked.hook(f"drift/{name}", f"sleep 0.1; echo {name} >>$OUT")
    hooked.hook("drift/15-no.dpkg-old", "echo no >>$OUT")
    hooked.hook("drift/README", "echo no >>$OUT", 0o644)
    hooked.start()
    hooked.test("drift")
    hooked.test("drift")
    hooked.wait_runs(6, state="done")
    assert hooked.lines() == ["10-a", "20-b", "30-c"] * 2
    states = {hook["name"]: hook["state"]
              for hook in hooked.call("GET", "/v1/hooks")["items"]}
    assert states == {"drift/10-a": "ok", "drift/20-b": "ok",
                      "drift/30-c": "ok", "drift/README": "disabled"}


@options(hook_attempts=3)
def test_what_fails_is_retried_and_then_a_dead_letter(hooked):
    hooked.hook("drift/10-fail", "echo $VXFABRIC_ATTEMPT >>$OUT; echo why\n"
                "[ -e $OUT.good ] || exit 7")
    hooked.hook("drift/20-good", "echo good >>$OUT")
    hooked.start()
    hooked.test("drift")
    dead, = hooked.wait_runs(1, state="dead")
    assert dead["result"] == "exit status 7" and dead["output"] == "why\n"
    assert dead["attempts"] == 3
    assert sorted(hooked.lines()) == ["1", "2", "3", "good"]
    # Dead letters survive a restart, and live again when told to.
    hooked.stop()
    hooked.start()
    assert [run["id"] for run in hooked.runs(state="dead")] == [dead["id"]]
    open(f"{hooked.out}.good", "w", encoding="ascii").close()
    hooked.call("POST", f"/v1/hook-runs/{dead['id']}/retry", {}, 202)
    assert hooked.wait_runs(2, state="done")[1]["id"] == dead["id"]
    assert hooked.runs(state="dead") == []


@options(hook_timeout_s=1, hook_attempts=1)
def test_a_slow_hook_is_ended_with_all_it_started(hooked):
    hooked.hook("drift/10-slow", "trap '' TERM\n"
                "(trap '' TERM; while :; do sleep 1; done) &\n"
                "echo $! >>$OUT; echo $$ >>$OUT\nwhile :; do sleep 1; done")
    hooked.start()
    hooked.test("drift")
    wait_until(lambda: len(hooked.lines()) == 2, 5, hooked.log)
    began = time.monotonic()
    while not hooked.runs(state="dead"):    # and all the time it answers
        asked = time.monotonic()
        hooked.call("GET", "/healthz", want=200)
        assert time.monotonic() - asked < 0.5
        assert time.monotonic() - began < 10
    dead, = hooked.runs(state="dead")
    assert "not done after 1000 ms" in dead["result"]
    wait_until(lambda: not any(alive(pid) for pid in hooked.lines()), 5,
               "their end")


def test_children_that_a_hook_leaves_behind_are_ended(hooked):
    hooked.hook("drift/10-fork", "for i in 1 2 3 4 5; do\n"
                "sleep 600 & echo $! >>$OUT; done; echo done")
    hooked.start()
    hooked.test("drift")
    run, = hooked.wait_runs(1, state="done")
    assert run["output"] == "done\n"
    assert len(hooked.lines()) == 5
    wait_until(lambda: not any(alive(pid) for pid in hooked.lines()), 5,
               "their end")


def test_a_hook_that_prints_megabytes_is_read_and_cut(hooked):
    hooked.hook("drift/10-flood",
                "head -c 20000000 /dev/zero | tr '\\0' x; echo end >>$OUT")
    hooked.start()
    hooked.test("drift")
    run, = hooked.wait_runs(1, state="done")
    assert hooked.lines() == ["end"] and run["output"] == "x" * 4096
    assert "printed 20000000 bytes" in run["result"]


@options(hook_jobs=3)
def test_no_more_hooks_run_at_once_than_allowed(hooked):
    for i in range(8):
        for event in ("drift", "vni-low"):
            hooked.hook(f"{event}/{i}", "echo + >>$OUT; sleep 0.1\n"
                        "echo - >>$OUT")
    hooked.start()
    for event in ("drift", "vni-low"):
        hooked.test(event)
    hooked.wait_runs(16, state="done")
    running = peak = 0
    for line in hooked.lines():
        running += 1 if line == "+" else -1
        peak = max(peak, running)
    assert running == 0 and 1 <= peak <= 3


@options(hook_attempts=2)
def test_what_others_may_write_is_refused(hooked):
    hooked.hook("drift/10-world", "echo bad >>$OUT", 0o757)
    hooked.hook("host-down/10-a", "echo bad >>$OUT")
    os.chmod(os.path.join(hooked.hooks, "host-down"), 0o777)
    hooked.start()
    hooked.test("drift")
    hooked.test("host-down")
    dead, = hooked.wait_runs(1, state="dead")
    assert "world-writable" in dead["result"]
    hooks = {hook["name"]: hook
             for hook in hooked.call("GET", "/v1/hooks")["items"]}
    assert hooks["drift/10-world"]["state"] == "refused"
    assert "world-writable" in hooks["host-down"]["reason"]
    assert hooked.lines() == []
    # A dead letter, so it is not lost: mended and tried again.
    os.chmod(os.path.join(hooked.hooks, "drift/10-world"), 0o755)
    hooked.call("POST", f"/v1/hook-runs/{dead['id']}/retry", {}, 202)
    hooked.wait_runs(1, state="done")
    assert hooked.lines() == ["bad"]


def test_a_hook_that_is_gone_is_a_dead_letter_at_once(hooked):
    path = hooked.hook("drift/10-slow", "exit 1")
    hooked.start()
    hooked.test("drift")
    wait_until(lambda: hooked.runs()[0]["attempts"], 5, hooked.log)
    os.unlink(path)
    dead, = hooked.wait_runs(1, state="dead")
    assert "No such file" in dead["result"] and dead["attempts"] < 12


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_controller_that_dies_before_the_hook_ran_runs_it_after(hooked,
                                                                  how):
    """The event is acknowledged, its second hook not started yet."""
    hooked.hook("drift/10-first", "echo first $VXFABRIC_SEQ >>$OUT\n"
                "[ -e $OUT.go ] || exec sleep 60")
    hooked.hook("drift/20-second", "echo second $VXFABRIC_SEQ >>$OUT")
    hooked.start()
    seq = hooked.test("drift")
    wait_until(hooked.lines, 5, hooked.log)
    getattr(hooked, how)()
    open(f"{hooked.out}.go", "w", encoding="ascii").close()
    hooked.start()
    hooked.wait_runs(2, state="done")
    # At least once: the first ran twice, under the same number.
    assert hooked.lines() == [f"first {seq}"] * 2 + [f"second {seq}"]
    assert hooked.test("drift") > seq


def test_no_event_is_lost_whenever_the_controller_is_killed(hooked):
    """kill -9 right after the answer, twenty times."""
    hooked.hook("drift/10-a", "echo $VXFABRIC_SEQ >>$OUT")
    seqs = []
    for _ in range(20):
        hooked.start()
        seqs.append(hooked.test("drift"))
        hooked.kill()
    hooked.start()
    wait_until(lambda: set(map(str, seqs)) <= set(hooked.lines()), 20,
               hooked.log)
    assert seqs == sorted(set(seqs))
    events = hooked.call("GET", "/v1/events?limit=1000")["items"]
    assert [event["seq"] for event in events] == seqs


@options(events_kept=100, hook_runs_kept=10)
def test_what_is_kept_is_bounded(hooked):
    hooked.hook("drift/10-a", "exit 0")
    hooked.start()
    for _ in range(700):
        hooked.test("drift")
    wait_until(lambda: not hooked.runs(state="waiting", limit=1)
               and not hooked.runs(state="running", limit=1), 30,
               hooked.log)
    for _ in range(300):
        hooked.test("host-drain")
    events = hooked.call("GET", "/v1/events?limit=1000")["items"]
    runs = hooked.runs(limit=1000)
    assert 100 <= len(events) <= 100 + 300 and events[-1]["seq"] == 1000
    assert 10 <= len(runs) <= 10 + 300
    page = hooked.call("GET", "/v1/events?since=995&limit=3")
    assert [item["seq"] for item in page["items"]] == [996, 997, 998]
    assert page["next"] == "998"


@options(hook_queue=3, hook_jobs=1)
def test_a_full_queue_makes_dead_letters_not_losses(hooked):
    hooked.hook("drift/10-a", "[ -e $OUT.go ] || exec sleep 60")
    hooked.start()
    for _ in range(5):
        hooked.test("drift")
    dead = hooked.wait_runs(2, state="dead")
    assert all("queue was full" in run["result"] for run in dead)
    assert "vxfabric_hook_overflow_total 2" in hooked.metrics()


@options(vni_ranges="10-30", vni_low=5)
def test_vnis_that_run_low_are_an_event_once(hooked):
    hooked.hook("vni-low/10-a", "cat >>$OUT; echo >>$OUT")
    hooked.start()
    hooked.call("PUT", "/v1/tenants/t", {}, 201)
    for i in range(21):
        hooked.call("PUT", f"/v1/tenants/t/networks/n{i}", {}, 201)
    hooked.call("PUT", "/v1/tenants/t/networks/over", {}, 409)
    hooked.call("PUT", "/v1/tenants/t/networks/over", {}, 409)
    hooked.wait_runs(1, state="done")
    hooked.stop()
    hooked.start()
    events = hooked.call("GET", "/v1/events")["items"]
    assert [event["event"] for event in events].count("vni-low") == 1
    # Who is refused again and again is told of once a minute.
    assert [event["event"]
            for event in events].count("vni-exhaustion") == 1


def test_requests_that_make_no_sense_are_refused(hooked):
    hooked.start()
    for method, path, status in (
            ("POST", "/v1/hooks/nothing/test", 404),
            ("GET", "/v1/hooks/drift/test", 405),
            ("POST", "/v1/hook-runs/1/retry", 404),
            ("POST", "/v1/hook-runs/x/retry", 404),
            ("POST", "/v1/hook-runs/99999999999999999999/retry", 404),
            ("GET", "/v1/hook-runs?state=odd", 400),
            ("GET", "/v1/hook-runs?limit=0", 400),
            ("GET", "/v1/events?since=x", 400),
            ("GET", "/v1/events?nonsense=1", 400),
            ("DELETE", "/v1/hooks", 405)):
        body = {} if method == "POST" else None
        hooked.call(method, path, body, status)


# --- Webhooks.

class Receiver(http.server.ThreadingHTTPServer):
    """Checks signatures, answers what it is told to."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), ReceiverHandler)
        self.got, self.statuses, self.errors = [], [], []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class ReceiverHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        stamp = self.headers["X-Vxfabric-Timestamp"]
        want = hmac.new(SECRET, stamp.encode() + b"." + body,
                        hashlib.sha256).hexdigest()
        if self.headers["X-Vxfabric-Signature"] != f"v1={want}":
            self.server.errors.append("signature")
        if abs(time.time() - int(stamp)) > 60:
            self.server.errors.append("timestamp")
        status = self.server.statuses.pop(0) if self.server.statuses else 204
        self.server.got.append((json.loads(body), dict(self.headers),
                                status))
        self.send_response(status)
        self.end_headers()
        if status != 204:
            self.wfile.write(b"no, thanks")


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.shutdown()
    server.server_close()


def secret_file(hooked, mode=0o600):
    path = os.path.join(hooked.folder, "secret")
    with open(path, "wb") as file:
        file.write(SECRET + b"\n")
    os.chmod(path, mode)
    return path


def test_a_webhook_is_signed_and_retried(hooked, receiver):
    path = secret_file(hooked)
    hooked.extra += ("--set", f"webhook={receiver.url} {path} drift vni-low",
                     "--set", "hook_backoff_ms=100")
    receiver.statuses = [500, 302]
    hooked.start()
    hooked.test("drift")
    hooked.test("host-down")            # not asked for
    hooked.test("vni-low")
    hooked.wait_runs(2, state="done")
    assert not receiver.errors
    assert [status for _, _, status in receiver.got].count(204) == 2
    assert {body["event"] for body, _, _ in receiver.got} == {"drift",
                                                              "vni-low"}
    first = [headers for body, headers, _ in receiver.got
             if body["event"] == "drift"]
    assert len({headers["X-Vxfabric-Run"] for headers in first}) == 1
    hook, = hooked.call("GET", "/v1/hooks")["items"]
    assert hook["name"] == receiver.url and hook["type"] == "webhook"
    assert hook["events"] == "drift,vni-low" and hook["done"] == 2


def test_a_webhook_that_is_away_holds_up_no_executable(hooked, receiver):
    path = secret_file(hooked)
    receiver.shutdown()
    receiver.server_close()
    hooked.extra += ("--set", f"webhook={receiver.url} {path}")
    hooked.hook("drift/10-a", "echo $VXFABRIC_SEQ >>$OUT")
    hooked.start()
    seqs = [str(hooked.test("drift")) for _ in range(20)]
    wait_until(lambda: hooked.lines() == seqs, 10, hooked.log)
    waiting = hooked.wait_runs(1, hook=receiver.url)
    assert "connect" in waiting[-1]["result"].lower()


def test_a_secret_that_others_can_read_is_refused(hooked, receiver):
    path = secret_file(hooked, 0o644)
    hooked.extra += ("--set", f"webhook={receiver.url} {path}",
                     "--set", "hook_attempts=1")
    hooked.start()
    hooked.test("drift")
    dead, = hooked.wait_runs(1, state="dead")
    assert "chmod" in dead["result"] and not receiver.got
    assert SECRET.decode() not in hooked.log()


# --- netctl.

@options(hook_attempts=1)
def test_netctl_lists_tests_and_retries(hooked):
    def netctl(*words):
        return subprocess.run(
            [os.path.join(lab_module.BIN, "netctl"), "-s", hooked.api,
             *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, timeout=20, check=False)

    hooked.hook("drift/10-a", "[ -e $OUT.good ]")
    hooked.start()
    for _ in range(3):
        assert netctl("hook", "test", "drift").returncode == 0
    hooked.wait_runs(3, state="dead")
    table = netctl("hook", "list").stdout
    assert "drift/10-a" in table and "exec" in table
    log = json.loads(netctl("hook", "log", "--state", "dead", "-o",
                            "json").stdout)["items"]
    assert [run["id"] for run in log] == [3, 2, 1]
    assert netctl("hook", "log", "-o", "name").stdout.split() == ["3", "2",
                                                                  "1"]
    open(f"{hooked.out}.good", "w", encoding="ascii").close()
    assert netctl("hook", "retry", "2").returncode == 0
    assert hooked.wait_runs(1, state="done")[0]["id"] == 2
    assert netctl("hook", "retry", "dead").returncode == 0
    hooked.wait_runs(3, state="done")
    refused = netctl("hook", "retry", "77")
    assert refused.returncode == 1 and "77" in refused.stderr
    refused = netctl("hook", "test", "nothing")
    assert refused.returncode == 1 and "nothing" in refused.stderr
    assert subprocess.run(
        [os.path.join(lab_module.BIN, "netctl"), "__complete", "hook",
         "test", "d"], stdout=subprocess.PIPE, text=True,
        check=True).stdout == "drift\n"
