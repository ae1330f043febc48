# SPDX-License-Identifier: Apache-2.0
"""netctl against a fake controller. Needs no root and no network but
loopback; NETCTL names the program."""
import os
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import fake_api  # noqa: E402  (needs the path above)

NETCTL = os.environ.get("NETCTL", "bin/netctl")


class Tap:
    """Prints a TAP line per test, for automake."""

    def __init__(self, out):
        self.out = out
        self.number = 0

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.outcome == "passed":
            return
        self.number += 1
        name = report.nodeid.split("::")[-1].replace("_", " ")
        verdict = "not ok" if report.failed else "ok"
        skip = " # SKIP" if report.skipped else ""
        print(f"{verdict} {self.number} - {name}{skip}", file=self.out)
        if report.failed:
            for line in report.longreprtext.splitlines():
                print(f"#   {line}", file=self.out)

    def pytest_sessionfinish(self):
        print(f"1..{self.number}", file=self.out, flush=True)


def pytest_configure(config):
    fd = os.environ.get("NETCTL_TAP_FD")
    if fd:
        config.pluginmanager.register(Tap(os.fdopen(int(fd), "w")))


class Result:
    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr


class Netctl:
    def __init__(self, server):
        self.server = server
        self.env = dict(os.environ, NETCTL_SERVER=server, http_proxy="x:1")

    def __call__(self, *words, stdin=""):
        return Result(subprocess.run(
            [NETCTL, *words], input=stdin, env=self.env, timeout=30,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=False))


@pytest.fixture
def api(tmp_path):
    with fake_api.serving(fake_api.FakeApi(str(tmp_path / "api"))) as server:
        yield server


@pytest.fixture
def netctl(api):
    return Netctl(f"unix:{api.server_address}")
