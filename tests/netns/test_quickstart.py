# SPDX-License-Identifier: Apache-2.0
"""./quickstart as a person runs it: its claims hold, and nothing is left."""
import os
import signal
import subprocess
import sys

import lab as lab_module
import netns
import pytest

STORY = os.path.join(lab_module.TOP, "examples", "quickstart.py")


def story(*options, **kwargs):
    """The story without the build, which is done."""
    return subprocess.Popen(
        [sys.executable, "-B", STORY, *options], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env=dict(
            os.environ, VXFABRIC_BIN=lab_module.BIN), **kwargs)


def left_behind():
    """Namespaces and folders of the quickstart."""
    return [n for n in netns.names() if n.startswith("quickstart-")] + [
        p for p in (os.path.join(lab_module.RUN, "quickstart"),
                    os.path.join(lab_module.STATE, "quickstart"))
        if os.path.exists(p)]


@pytest.fixture(autouse=True)
def _no_other_quickstart():
    """A lab that a person keeps is not taken away by a test."""
    if left_behind():
        pytest.skip("a quickstart lab is running: ./quickstart --stop")
    yield
    lab_module.destroy("quickstart")


def test_all_claims_hold_and_nothing_is_left():
    process = story()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    assert "claims hold" in out and "$ netctl port add acme/web/vm1" in out
    assert left_behind() == []


def test_keep_leaves_a_lab_that_can_be_used_and_stopped():
    process = story("--keep")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    env = dict(os.environ, NETCTL_SERVER="unix:" + os.path.join(
        lab_module.RUN, "quickstart", "run", "api.sock"))
    ports = netns.run([os.path.join(lab_module.BIN, "netctl"), "-o", "name",
                       "port", "list"], env=env).stdout.split()
    ports = [p for p in ports if "/_router/" not in p]
    assert "acme/web/vm1" in ports and len(ports) == 5
    stop = story("--stop")
    assert "removed" in stop.communicate(timeout=20)[0]
    assert left_behind() == []


def test_an_interrupted_story_leaves_nothing():
    process = story()
    for line in process.stdout:
        if "The hosts join" in line:
            process.send_signal(signal.SIGINT)
            break
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert left_behind() == []


def test_a_controller_that_does_not_start_is_reported_and_nothing_is_left(
        tmp_path):
    for program in ("vxfabricd", "netctl"):
        os.symlink("/bin/false", tmp_path / program)
    done = subprocess.run(
        [sys.executable, "-B", STORY], text=True, timeout=60, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=dict(os.environ, VXFABRIC_BIN=str(tmp_path)))
    assert done.returncode == 1
    assert "vxfabricd ended with 1" in done.stdout
    assert left_behind() == []
