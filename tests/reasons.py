# SPDX-License-Identifier: Apache-2.0
"""Why tests failed, in a few lines each: from what pytest prints after its
last test, and from the logs that the automake harness leaves behind.

Part of tests/run_all.py; never decides whether a test passed.
"""
import glob
import os
import re

LINES = 15
WIDTH = 300
SECTION = re.compile(r"^=+ (FAILURES|ERRORS) =+$")
BLOCK = re.compile(r"^__+ (.+?) __+$")
# In such a block: where it went wrong, and what.
PLACE = re.compile(r"^\S+:\d+: in ")
DIED = re.compile(r"crashed while running '[^']*?::(.*)'")
# In a log of the harness, what says more than its last lines: what the
# sanitizers, assert() and the C library print.
LOUD = re.compile(r"Sanitizer|runtime error:|Assertion|\*\*\*")


def cut(text, width=WIDTH):
    """The text, not longer than that."""
    return text if len(text) <= width else f"{text[:width - 3]}..."


def in_a_word(lines):
    """The one of such lines that says most."""
    for line in lines:
        if re.match(r"E +\S", line):
            return cut(line, 160)
    return cut(" ".join(line.lstrip("# ") for line in lines[:2]), 160)


class Reasons:
    """What a step's output says about failures.

    folders: build folders (patterns) where the harness leaves TEST.log."""

    def __init__(self, *folders):
        self.folders = folders
        self.inside = False
        self.blocks = {}
        self.block = None

    def take(self, line):
        """One line of output, in order."""
        if SECTION.match(line):
            self.inside = True
            self.block = None
        elif self.inside and line.startswith("==="):
            self.inside = False
        elif self.inside:
            match = BLOCK.match(line)
            if match:
                self.block = self.blocks.setdefault(match[1], [])
            elif self.block is not None and line.strip():
                self._take_inside(line)

    def _take_inside(self, line):
        died = DIED.search(line)
        if died:        # its block is headed by the file
            self.block = self.blocks.setdefault(died[1], [])
        self.block.append(line)

    def of_pytest(self):
        """{test as pytest names it there: lines}, in its order."""
        return {name: _short(lines) for name, lines in self.blocks.items()
                if not name.endswith(".py") or any(
                    line.startswith("E ") for line in lines)}

    def of_harness(self, result):
        """Lines about a result, "tests/unit/test_x 3 - name" or
        "tests/unit/test_x - what is wrong with all of it"."""
        match = re.match(r"(\S+?)(?: (\d+))?(?: -|$)", result)
        log = self._log(match[1]) if match else None
        if log is None:
            return []
        if match[2]:
            lines = _diagnostics(log, match[2])
        else:
            lines = []
        if not lines:
            loud = [n for n, line in enumerate(log) if LOUD.search(line)]
            lines = (log[loud[0]:] if loud else log[-LINES:])
        return [cut(line) for line in lines[:LINES]]

    def _log(self, test):
        for folder in self.folders:
            for path in glob.glob(os.path.join(folder, f"{test}.log")):
                with open(path, encoding="utf-8", errors="replace") as file:
                    return [line.rstrip() for line in file if line.strip()]
        return None


def _short(lines):
    errors = [line for line in lines if re.match(r"E( |$)", line)]
    if not errors:      # of a worker that died, say
        return [cut(line) for line in lines[-LINES:]]
    places = [line for line in lines if PLACE.match(line)]
    return [cut(line) for line in places[-1:] + errors[:LINES]]


def _diagnostics(log, number):
    """Comments that follow "not ok NUMBER"."""
    found = []
    at = -1
    for n, line in enumerate(log):
        if re.match(rf"not ok {number}\b", line):
            at = n
    for line in log[at + 1:] if at >= 0 else ():
        if re.match(r"(not )?ok \d|1\.\.\d", line):
            break
        # What the harness itself says of the test is known.
        if not re.match(r"(PASS|FAIL|ERROR|SKIP|XFAIL|XPASS): ", line):
            found.append(line)
    return found
