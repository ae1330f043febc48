# SPDX-License-Identifier: Apache-2.0
"""What ./check runs: every test there is, summed up.

Each step is a command whose output is read as it comes: what the automake
harness and pytest count is taken over, failures and a sign of life are shown, all
of it is kept in build/check-*.log. A step that ends badly without naming a
failed test, and one that ran no test at all, each count as one failure.
"""
import os
import re
import signal
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JOBS = str(os.cpu_count() or 2)
HARNESS = re.compile(r"^(PASS|FAIL|XFAIL|XPASS|SKIP|ERROR): (.*)")
PYTEST = re.compile(r"^(\S*::.*?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b")
# One of several processes.
WORKER = re.compile(r"^\[gw\d+\] (?:\[[ \d]+%\] )?"
                    r"(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (\S*::.*)")
# Their own sums: exact also where lines of two tests ran into each other.
HARNESS_SUM = re.compile(r"^# (PASS|FAIL|XFAIL|XPASS|SKIP|ERROR): +(\d+)$")
PYTEST_SUM = re.compile(r"^=+ ((?:\d+ \w+(?:, )?)+) in [0-9.]+s.* =+$")
GOOD = {"PASS", "PASSED", "XFAIL"}
SKIPPED = {"SKIP", "SKIPPED"}


class Step:
    """One command, and what its output says about tests."""

    def __init__(self, title, argv, *, log, limit_s, is_test=True,
                 whole=False, beside=False):
        self.beside = beside
        self.title = title
        self.argv = argv
        self.log = os.path.join(TOP, "build", f"check-{log}.log")
        self.limit_s = limit_s
        self.is_test = is_test
        self.whole = whole
        self.passed = self.failed = self.skipped = 0
        self.sums = {}
        self.shown = time.monotonic()
        self.process = None
        self.timed_out = False

    def run(self):
        """Runs it; whether all was well."""
        print(f"== {self.title}", flush=True)
        started = time.monotonic()
        os.makedirs(os.path.dirname(self.log), exist_ok=True)
        # In a session of its own, so that a step that hangs ends whole.
        self.process = subprocess.Popen(
            self.argv, cwd=TOP, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)
        timer = threading.Timer(self.limit_s, self._time_out)
        timer.start()
        last = []
        try:
            with open(self.log, "w", encoding="utf-8") as log:
                for line in self.process.stdout:
                    log.write(line)
                    self._take(line.rstrip("\n"))
                    last = (last + [line])[-25:]
            status = self.process.wait()
        except BaseException:
            self._end(signal.SIGTERM)
            self.process.wait(30)
            raise
        finally:
            timer.cancel()
        self._judge(status, last)
        what = f"{self.title}: " if self.beside else ""
        print(f"   {what}{self.summary()} in "
              f"{time.monotonic() - started:.1f} s", flush=True)
        return not self.failed

    def end_beside(self):
        """Ends it if it runs beside others."""
        if self.beside and self.process:
            self._end(signal.SIGTERM)

    def _end(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def _time_out(self):
        self.timed_out = True
        self._end(signal.SIGTERM)
        threading.Timer(20, self._end, (signal.SIGKILL,)).start()

    def _take(self, line):
        if not self.is_test and line.startswith("build"):
            print(f"   {line}", flush=True)
        match = HARNESS.match(line)
        if self.whole or self._take_sum(line):
            return
        if match:
            word, name = match.groups()
        else:
            match = WORKER.match(line)
            if match:
                word, name = match.groups()
            else:
                match = PYTEST.match(line)
                if not match:
                    return
                name, word = match.groups()
        if word in GOOD:
            self.passed += 1
        elif word in SKIPPED:
            self.skipped += 1
            print(f"   skipped: {name}", flush=True)
        else:
            self.failed += 1
            print(f"   FAILED: {name}", flush=True)
        if time.monotonic() - self.shown > 5:
            self.shown = time.monotonic()
            print(f"   ... {self.passed + self.failed} tests so far",
                  flush=True)

    def _take_sum(self, line):
        match = HARNESS_SUM.match(line)
        if match:
            self.sums[match[1]] = int(match[2])
            return True
        match = PYTEST_SUM.match(line)
        for part in match[1].split(", ") if match else ():
            number, word = part.split()
            self.sums[word] = int(number)
        return match is not None

    def _judge(self, status, last):
        def total(*words):
            return sum(self.sums.get(word, 0) for word in words)

        if self.sums:
            self.passed = total("PASS", "XFAIL", "passed", "xfailed")
            self.failed = total("FAIL", "XPASS", "ERROR", "failed", "error",
                                "errors", "xpassed")
            self.skipped = total("SKIP", "skipped")
        if self.timed_out:
            self.failed += 1
            print(f"   FAILED: no end within {self.limit_s} s")
        elif status and not self.failed:
            self.failed += 1
            print(f"   FAILED: exit status {status}; its last lines:")
            print("".join(f"     {line}" for line in last), end="")
        elif self.whole:
            self.passed = 1
        elif self.is_test and not self.passed + self.failed:
            self.failed += 1
            print("   FAILED: no test ran")
        if self.failed:
            print(f"   all output: {os.path.relpath(self.log, TOP)}")

    def summary(self):
        """The step in a few words."""
        if not self.is_test:
            return "failed" if self.failed else "done"
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def make(folder, *words):
    """make, quietly, in a build folder."""
    return ["make", "-s", "--no-print-directory", "-C", folder, f"-j{JOBS}",
            *words]


def steps(quick):
    """(needed by the next, step) in order."""
    netns = "-v --tb=short" + (" -m 'not slow'" if quick else "")
    yield True, Step("Build", ["./build.sh"], log="build", limit_s=900,
                     is_test=False)
    yield False, Step("Tests without root", make("build", "check"),
                      log="unit", limit_s=300)
    if not quick:
        sanitized = Step("Build with AddressSanitizer and UBSan",
                         ["./build.sh", "--dir", "build-san",
                          "--enable-sanitizers"],
                         log="build-san", limit_s=600, is_test=False)
        yield False, sanitized
        if not sanitized.failed:
            yield False, Step("The same tests under the sanitizers",
                              make("build-san", "check", "check-api",
                                   f"PYTEST_ARGS={netns}"),
                              log="sanitizers", limit_s=600)
    if not quick:
        # Beside the rest, which mostly waits: at the lowest priority.
        yield False, Step("A release tarball builds and passes its tests",
                          ["nice", "-n", "19", *make("build", "distcheck")],
                          log="distcheck", limit_s=900, whole=True,
                          beside=True)
    yield False, Step("Tests of the API, with callers of every kind",
                      make("build", "check-api",
                           f"PYTEST_ARGS={netns}"), log="api", limit_s=300)
    yield False, Step("Tests with packets, on real Open vSwitch",
                      make("build", "check-netns", f"PYTEST_ARGS={netns}"),
                      log="netns", limit_s=900)


def main():
    """Runs the steps; exit status 0 if every test passed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    done, beside = [], []
    try:
        for needed, step in steps("--quick" in sys.argv[1:]):
            done.append(step)
            if step.beside:
                beside.append(threading.Thread(target=step.run))
                beside[-1].start()
            elif not step.run() and needed:
                break
        for thread in beside:
            thread.join()
    except KeyboardInterrupt:
        print("interrupted")
        done[-1].failed += 1
        for step in done:
            step.end_beside()
    passed = sum(s.passed for s in done)
    failed = sum(s.failed for s in done)
    print(f"== All of it in {time.monotonic() - started:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
