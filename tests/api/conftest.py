# SPDX-License-Identifier: Apache-2.0
"""A controller without hosts and without root, for tests of the API alone."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))

import intent  # noqa: E402  (needs the path above)
import lab as lab_module  # noqa: E402
from figures import figures, pytest_terminal_summary  # noqa: E402,F401
from netns import LabError, wait_until  # noqa: E402


def pytest_configure(config):
    """A SIGTERM unwinds like a Ctrl-C, so that fixtures clean up."""
    config.addinivalue_line("markers", "slow: left out by ./check --quick")
    config.addinivalue_line("markers", "options: of the controller")
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def free_ports(count):
    """TCP ports that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


class Controller:
    """vxfabricd in a folder of its own."""

    def __init__(self, *extra):
        self.folder = tempfile.mkdtemp(prefix="vxfabric-api-")
        self.unix_path = os.path.join(self.folder, "run", "api.sock")
        self.api = f"unix:{self.unix_path}"
        self.extra = extra
        self.process = None
        os.mkdir(os.path.join(self.folder, "run"))
        os.mkdir(os.path.join(self.folder, "state"))

    def start(self):
        """Starts it; back when it answers."""
        port, ovsdb, openflow = free_ports(3)
        self.tcp = ("127.0.0.1", port)
        self.ovsdb = ("127.0.0.1", ovsdb)
        self.openflow = ("127.0.0.1", openflow)
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(lab_module.BIN, "vxfabricd"),
                 "--state-dir", os.path.join(self.folder, "state"),
                 "--run-dir", os.path.join(self.folder, "run"),
                 "--api", self.api, "--api", f"tcp:127.0.0.1:{port}",
                 "--ovsdb", f"tcp:127.0.0.1:{ovsdb}",
                 "--openflow", f"tcp:127.0.0.1:{openflow}", *self.extra],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self.answers, 10, self.log)

    def answers(self):
        """Whether it is healthy."""
        if self.process.poll() is not None:
            raise LabError(f"vxfabricd ended with {self.process.returncode}:"
                           f"\n{self.log()}")
        try:
            with intent.Api(self.api, timeout=5) as api:
                return api.call("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def memory_kb(self):
        """Its resident memory."""
        with open(f"/proc/{self.process.pid}/status",
                  encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file
                        if line.startswith("VmRSS:"))

    def memory_limit_kb(self):
        """What a crowd of callers may cost; AddressSanitizer keeps what was
        freed for a while, 256 MB of it."""
        with open(f"/proc/{self.process.pid}/maps",
                  encoding="ascii") as file:
            return (512 if "libasan" in file.read() else 64) * 1024

    def log(self):
        """Last lines it logged."""
        with open(os.path.join(self.folder, "log"), encoding="utf-8",
                  errors="replace") as file:
            return "".join(file.readlines()[-20:])

    def stop(self):
        """Ends it; its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(10)

    def close(self):
        """Ends it and removes its folder."""
        try:
            if self.process and self.process.poll() is None:
                self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def controller():
    """A running controller."""
    one = Controller()
    try:
        one.start()
        yield one
    finally:
        one.close()
