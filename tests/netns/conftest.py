# SPDX-License-Identifier: Apache-2.0
"""Labs for the tests: made once per module, removed also when a test fails,
is interrupted or is told to stop."""
import os
import signal
import sys
import types

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))

import lab as lab_module  # noqa: E402  (needs the path above)
import shares  # noqa: E402
from figures import figures, pytest_terminal_summary  # noqa: E402,F401


def pytest_configure(config):
    """A SIGTERM unwinds like a Ctrl-C, so that fixtures clean up."""
    config.addinivalue_line("markers", "slow: left out by ./check --quick")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A shell starts what it puts into the background deaf to SIGINT, and
    # that is inherited: tests that interrupt somebody want it heard.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """What takes longest comes first."""
    items[:] = shares.in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests are handed out by shares."""
    return shares.scheduler(config, log)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_newgateway(gateway):
    """What -v would ask a new worker is said in its place. execnet 1.9 runs
    the first thing it is asked for in the worker's main thread, and the next
    one too only if it comes late enough: tests that were the second thing ran
    in another thread now and then, where signal.signal() fails."""
    gateway._cache_rinfo = types.SimpleNamespace(
        executable=sys.executable, version_info=sys.version_info[:5],
        platform=sys.platform, cwd=os.getcwd(), pid=None)


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
