# SPDX-License-Identifier: Apache-2.0
"""Labs for the tests: made once per module, removed also when a test fails,
is interrupted or is told to stop."""
import os
import signal
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))

import lab as lab_module  # noqa: E402  (needs the path above)
from figures import figures, pytest_terminal_summary  # noqa: E402,F401


def pytest_configure(config):
    """A SIGTERM unwinds like a Ctrl-C, so that fixtures clean up."""
    config.addinivalue_line("markers", "slow: left out by ./check --quick")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A shell starts what it puts into the background deaf to SIGINT, and
    # that is inherited: tests that interrupt somebody want it heard.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def make_lab():
    """Function that makes a lab with that many hosts."""
    labs = []

    def make(hosts=2, **kwargs):
        one = lab_module.Lab(f"vxl{os.getpid()}n{len(labs)}", **kwargs)
        labs.append(one)
        one.add_hosts(hosts)
        return one

    yield make
    for one in labs:
        one.close()
