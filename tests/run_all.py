# SPDX-License-Identifier: Apache-2.0
"""What ./check runs: every test there is, summed up.

Each step is a command whose output is read as it comes: what the automake
harness and pytest count is taken over, failures and a sign of life are shown, all
of it is kept in build/check-*.log. A step that ends badly without naming a
failed test, and one that ran no test at all, each count as one failure.

Of a log perhaps only the last part is kept where this runs, so each failure
comes with its reason in a few lines (tests/reasons.py), and all of them are
named again at the end.

The tests with packets mostly wait. So the steps go in two rows: one with what
measures time, and beside it, at the lowest priority, what computes.
"""
import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback

import reasons

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# One more than processors: some tests wait.
JOBS = str((os.cpu_count() or 2) + 1)
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
SIGN_OF_LIFE_S = 15
# Failures of a step that are explained, and failures listed at the end.
EXPLAINED = 15
LISTED = 60


class Step:
    """One command, and what its output says about tests."""

    def __init__(self, name, title, argv, *, limit_s, is_test=True,
                 whole=False, folder="build", nice=0):
        self.name = name
        self.title = title
        self.argv = ["nice", "-n", str(nice), *argv] if nice else argv
        self.log = os.path.join(TOP, "build", f"check-{name}.log")
        self.limit_s = limit_s
        self.is_test = is_test
        self.whole = whole
        self.reasons = reasons.Reasons(os.path.join(TOP, folder))
        self.passed = self.failed = self.skipped = 0
        self.problems = []      # (test, or what went wrong; why, shortly)
        self.sums = {}
        self.shown = time.monotonic()
        self.process = None
        self.cpu_s = 0
        self.timed_out = self.interrupted = False

    def say(self, *lines):
        """Lines of this step, in one piece: another may be talking, too."""
        print("\n".join(f"   {self.name}: {line}" for line in lines),
              flush=True)

    def run(self):
        """Runs it; whether all was well."""
        if self.interrupted:
            return False
        print(f"== {self.name}: {self.title}", flush=True)
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
                    last = (last + [line.rstrip("\n")])[-25:]
            status = self._wait()
        except BaseException:
            self._signal(signal.SIGTERM)
            self.process.wait(30)
            raise
        finally:
            timer.cancel()
        self._judge(status, last)
        self.say(f"{self.summary()} in {time.monotonic() - started:.0f} s"
                 f" ({self.cpu_s:.0f} s of one processor)")
        return not self.failed

    def _wait(self):
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_s = used.ru_utime + used.ru_stime
        return self.process.returncode

    def interrupt(self):
        """Ends it and all that it has started, or keeps it from starting."""
        self.interrupted = True
        if self.process and self.process.returncode is None:
            self._signal(signal.SIGTERM)

    def _signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def _time_out(self):
        self.timed_out = True
        self._signal(signal.SIGTERM)
        threading.Timer(20, self._signal, (signal.SIGKILL,)).start()

    def _take(self, line):
        self.reasons.take(line)
        if not self.is_test and line.startswith("build"):
            self.say(line)
        word, name = _result(line)
        if self._take_sum(line) or not word:
            return
        if word in GOOD:
            self.passed += 1
        elif word in SKIPPED:
            self.skipped += 1
            if not self.whole:
                self.say(f"skipped: {name}")
        else:
            self.failed += 1
            self.problems.append([name, ""])
            self.say(f"FAILED: {name}")
        if time.monotonic() - self.shown > SIGN_OF_LIFE_S:
            self.shown = time.monotonic()
            self.say(f"... {self.passed + self.failed} tests so far")

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

        if self.sums and not self.whole:
            self.passed = total("PASS", "XFAIL", "passed", "xfailed")
            self.failed = total("FAIL", "XPASS", "ERROR", "failed", "error",
                                "errors", "xpassed")
            self.skipped = total("SKIP", "skipped")
        self._say_why()
        if self.timed_out:
            self.fail(f"no end within {self.limit_s} s; its last lines:",
                       last)
        elif status and not self.failed:
            self.fail(f"exit status {status}; its last lines:", last)
        elif self.is_test and not self.passed + self.failed:
            self.fail("no test ran", [])
        if self.whole:
            self.passed, self.failed = ((0, 1) if self.failed else (1, 0))
        if self.failed:
            self.say(f"all output: {os.path.relpath(self.log, TOP)}")

    def fail(self, what, last):
        """Counts a failure that no test is named for."""
        self.failed += 1
        self.problems.append([f"{self.title}: {what.split(';')[0]}", ""])
        self.say(f"FAILED: {what}", *(f"  {reasons.cut(t)}" for t in last))

    def _say_why(self):
        """Of each failed test, now that the logs are whole."""
        found = self.reasons.of_pytest()
        for name in found:
            if not any(_is_same(name, test) for test, _ in self.problems):
                self.problems.append([name, ""])
        for number, problem in enumerate(self.problems):
            name = problem[0]
            lines = next((found[one] for one in found if _is_same(one, name)),
                         None) or self.reasons.of_harness(name)
            problem[1] = reasons.in_a_word(lines)
            if number < EXPLAINED:
                self.say(f"why {name} failed:",
                         *(f"  {text}" for text in lines))

    def summary(self):
        """The step in a few words."""
        if not self.is_test:
            return "failed" if self.failed else "done"
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def _is_same(block, test):
    """Whether what pytest heads a block of lines with is about the test."""
    name = re.sub(r"^ERROR (at \w+ of|collecting) ", "", block)
    return name.replace("::", ".") == \
        test.partition("::")[2].strip().replace("::", ".")


def _result(line):
    """(word, test) of a line that says how a test went, or (None, None)."""
    match = HARNESS.match(line) or WORKER.match(line)
    if match:
        return match[1], match[2].strip()
    match = PYTEST.match(line)
    return (match[2], match[1]) if match else (None, None)


def make(folder, *words):
    """make, quietly, in a build folder."""
    return ["make", "-s", "--no-print-directory", "-C", folder, f"-j{JOBS}",
            *words]


def rows(quick):
    """Two lists of (needed by the rest of its list, step), which run side by
    side. The second only computes, and steps back for the first."""
    netns = "-v --tb=short" + (" -m 'not slow'" if quick else "")
    first = [(False, Step(
        "netns", "Tests with packets, on real Open vSwitch",
        make("build", "check-netns", f"PYTEST_ARGS={netns}"), limit_s=900))]
    beside = [
        (False, Step("unit", "Tests without root, and of the API with callers"
                     " of every kind",
                     make("build", "-k", "check", "check-api",
                          f"PYTEST_ARGS={netns}"), limit_s=900, nice=10)),
    ]
    if quick:
        return first, beside
    return first, beside + [
        (False, Step("distcheck",
                     "A release tarball builds and passes its tests",
                     make("build", "distcheck"), limit_s=900, nice=19,
                     whole=True, folder="build/vxfabric-*/_build/sub")),
        (True, Step("build-san", "Build with AddressSanitizer and UBSan",
                    ["./build.sh", "--dir", "build-san",
                     "--enable-sanitizers"],
                    limit_s=900, nice=19, is_test=False)),
        (False, Step("sanitizers", "The same tests under the sanitizers",
                     make("build-san", "-k", "check", "check-api",
                          f"PYTEST_ARGS={netns}"),
                     limit_s=900, nice=10, folder="build-san")),
    ]


def run_row(steps):
    """Runs steps in order, up to one that fails and is needed."""
    for needed, step in steps:
        try:
            good = step.run()
        except Exception:
            traceback.print_exc()
            step.fail("this script is wrong", [])
            good = False
        if needed and not good:
            break


def end_with(done, started):
    """Says what came out of it all, the sum last; the exit status."""
    passed = sum(step.passed for step in done)
    failed = sum(step.failed for step in done)
    print(f"== All of it in {time.monotonic() - started:.0f} s")
    problems = [(step.name, *problem) for step in done
                for problem in step.problems]
    if problems:
        print("== What failed")
    for name, test, why in problems[:LISTED]:
        print(f"   {name}: {test}")
        if why:
            print(f"      {reasons.cut(why, 200)}")
    if problems[LISTED:]:
        print(f"   and {len(problems) - LISTED} more")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


def main():
    """Runs the steps; exit status 0 if every test passed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    build = Step("build", "Build", ["./build.sh"], limit_s=900,
                 is_test=False)
    done = [build]
    threads = []
    try:
        if build.run():
            both = rows("--quick" in sys.argv[1:])
            done += [step for row in both for _, step in row]
            threads = [threading.Thread(target=run_row, args=(row,),
                                        daemon=True) for row in both]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    except KeyboardInterrupt:
        for step in done:
            step.interrupt()
        for thread in threads:
            thread.join(60)
        build.fail("interrupted", [])
    return end_with(done, started)


if __name__ == "__main__":
    sys.exit(main())
