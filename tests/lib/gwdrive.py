# SPDX-License-Identifier: Apache-2.0
"""gw_driver and frr_driver: the parts of vxgatewayd that touch its machine,
without a controller."""
import os
import select
import subprocess
import time

import netns

TESTS = os.environ.get("VXFABRIC_TESTS") or os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__)))), "build", "tests")


class Driver:
    """A driver in a box (frr.Box): lines in, lines out."""

    def __init__(self, box, program, *argv):
        self.lines = []         # all that it has said
        self.rest = b""
        self.process = subprocess.Popen(
            box.command([os.path.join(TESTS, "netns", program), *argv]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)

    def say(self, *commands):
        """Sends lines; back at once."""
        for command in commands:
            self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def _read(self, wait_s):
        ready, _, _ = select.select([self.process.stdout], [], [], wait_s)
        if ready:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise netns.LabError("the driver has ended:\n"
                                     + "\n".join(self.lines[-20:]))
            *whole, self.rest = (self.rest + data).split(b"\n")
            self.lines += [line.decode().strip() for line in whole]

    def drain(self):
        """All that it has said, as far as it is there."""
        while True:
            before = len(self.lines)
            self._read(0)
            if len(self.lines) == before:
                return self.lines

    def wait_for(self, start, deadline_s=60, since=0):
        """The first line from `since` on that begins so."""
        end = time.monotonic() + deadline_s
        while True:
            for line in self.lines[since:]:
                if line.startswith(start):
                    return line
            if time.monotonic() > end:
                raise netns.LabError(f"no \"{start}\" within {deadline_s} s:\n"
                                     + "\n".join(self.lines[-20:]))
            self._read(0.05)

    def ask(self, command, deadline_s=300):
        """Sends a line and returns what it says up to its ok."""
        since = len(self.drain())
        self.say(command)
        end = time.monotonic() + deadline_s
        at = since
        while True:
            for line in self.lines[at:]:
                at += 1
                if line == "ok" or line.startswith(("ok ", "error")):
                    said = self.lines[since:at]
                    if line.startswith("error"):
                        raise netns.LabError(line)
                    return [one for one in said if one != "ok"]
            if time.monotonic() > end:
                raise netns.LabError(f"no answer to {command}")
            self._read(0.05)

    def close(self):
        """Ends it as a crash would: nothing is cleaned up."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()


class Kernel(Driver):
    """gw_driver."""

    def __init__(self, box, ovsdb="-"):
        super().__init__(box, "gw_driver", "netns", "-", ovsdb)

    def counts(self):
        """Its counters."""
        line = self.ask("counts")[-1]
        return {key: int(value) for key, value in (
            word.split("=") for word in line.split()[1:])}


class Config(Driver):
    """frr_driver."""

    def __init__(self, box, kind, path):
        super().__init__(box, "frr_driver", kind, path)

    def want(self, lines):
        """What is wanted from now on."""
        self.say("clear", *lines)

    def plan(self, apply=False):
        """(commands, conflicts)."""
        said = self.ask("apply" if apply else "plan")
        return ([line[8:] for line in said if line.startswith("command ")],
                [line[9:] for line in said if line.startswith("conflict ")])
