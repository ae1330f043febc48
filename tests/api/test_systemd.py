# SPDX-License-Identifier: Apache-2.0
"""What vxfabricd tells systemd (sd_notify(3)): that it is ready, how it is,
that it lives, that it stops."""
import os
import socket
import time

import pytest

import intent
from conftest import Controller

DEADLINE_S = 60


class Systemd:
    """The end of $NOTIFY_SOCKET that systemd has."""

    def __init__(self, path):
        self.notes = []
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind("\0" + path[1:] if path[0] == "@" else path)

    def take(self, timeout_s):
        """One more note, or none in that time."""
        self.sock.settimeout(timeout_s)
        try:
            self.notes.append(self.sock.recv(4096).decode())
        except TimeoutError:
            return False
        return True

    def wait(self, wanted):
        """Back when a note has that line; those before it are kept."""
        end = time.monotonic() + DEADLINE_S
        n = 0
        while True:
            for note in self.notes[n:]:
                if wanted in note.split("\n"):
                    return note
            n = len(self.notes)
            assert self.take(max(0.01, end - time.monotonic())), \
                f"no {wanted} in {self.notes}"


@pytest.fixture(params=["path", "abstract"])
def systemd(request, tmp_path):
    """Somebody listens, at a path or under an abstract name."""
    path = (f"{tmp_path}/notify" if request.param == "path"
            else f"@vxfabric-test-{os.getpid()}")
    one = Systemd(path)
    one.path = path
    yield one
    one.sock.close()


def start(monkeypatch, path, **watchdog):
    """A controller that systemd has started."""
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    for name, value in watchdog.items():
        monkeypatch.setenv(name, value)
    controller = Controller()
    controller.start()
    return controller


def test_it_says_that_it_is_ready_how_it_is_and_that_it_stops(systemd,
                                                              monkeypatch):
    """One line of status as hosts come; no watchdog that nobody asked for."""
    controller = start(monkeypatch, systemd.path)
    try:
        note = systemd.wait("READY=1")
        assert "STATUS=0 of 0 hosts are active" in note.split("\n")
        assert systemd.notes == [note]
        with intent.Api(controller.api) as api:
            for path, body in (("/v1/zones/z1", {}),
                               ("/v1/hosts/h1", {"zone": "z1"})):
                status, reply = api.call("PUT", path, body)
                assert status < 300, reply
        systemd.wait("STATUS=0 of 1 hosts are active")
        assert controller.stop() == 0
        systemd.wait("STOPPING=1")
        assert not any("WATCHDOG" in note for note in systemd.notes)
    finally:
        controller.close()


def test_the_watchdog_hears_of_it_while_its_loop_turns(systemd, monkeypatch):
    """Twice in the time that systemd waits."""
    controller = start(monkeypatch, systemd.path, WATCHDOG_USEC="400000")
    try:
        systemd.wait("READY=1")
        for _ in range(3):
            del systemd.notes[:]
            systemd.wait("WATCHDOG=1")
    finally:
        controller.close()


def test_the_watchdog_of_another_process_is_not_its_own(tmp_path,
                                                        monkeypatch):
    """WATCHDOG_PID says whose it is."""
    systemd = Systemd(f"{tmp_path}/notify")
    controller = start(monkeypatch, f"{tmp_path}/notify",
                       WATCHDOG_USEC="100000", WATCHDOG_PID="1")
    try:
        systemd.wait("READY=1")
        with intent.Api(controller.api) as api:
            assert api.call("PUT", "/v1/zones/z1", {})[0] < 300
            assert api.call("PUT", "/v1/hosts/h1", {"zone": "z1"})[0] < 300
        systemd.wait("STATUS=0 of 1 hosts are active")
        assert not any("WATCHDOG" in note for note in systemd.notes)
    finally:
        controller.close()
        systemd.sock.close()
