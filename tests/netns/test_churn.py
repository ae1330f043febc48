# SPDX-License-Identifier: Apache-2.0
"""A minute of `make churn` (tests/bench/run_churn.py): random life on four
hosts, and everything is right at the end.

    VXFABRIC_TEST_CHURN_S=N   seconds, 60 unless given
    VXFABRIC_TEST_SEED=N      to repeat a run, as far as time lets
"""
import os

import churn as churn_module
import intent
import judge
import pytest

SECONDS = float(os.environ.get("VXFABRIC_TEST_CHURN_S", "60"))
SEED = int(os.environ.get("VXFABRIC_TEST_SEED", "0")) or (
    int.from_bytes(os.urandom(3), "big") or 1)
OPTIONS = ("--set", "probe_ms=1000", "--set", "vni_quarantine_s=5",
           "--set", "grace_ms=2000", "--set", "audit_interval=15",
           "--set", "audit_repair=no")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def churn(make_lab):
    """Four hosts with 100 ports, after the churn."""
    print(f"  VXFABRIC_TEST_SEED={SEED}")
    lab = make_lab(4)
    lab.start_controller(*OPTIONS)
    intent.join_all(lab)
    one = churn_module.Churn(lab, SEED, ports=100, sockets=10,
                             options=OPTIONS)
    one.populate()
    one.live(SECONDS, per_second=8, faults_on=set(one.faults.KINDS))
    one.quiesce()
    return one


def test_every_status_is_what_is_plugged(churn, figures):
    wrong = judge.wait_statuses(churn)
    assert not wrong, wrong
    figures(f"seed {SEED}, {SECONDS:g} s: "
            f"{sum(churn.count.values())} things done "
            f"({dict(churn.count)}), "
            f"{sum(churn.faults.count.values())} broken "
            f"({dict(churn.faults.count)}); {len(churn.ports)} ports, every "
            "status right")


def test_no_request_was_refused(churn):
    assert not churn.refused, churn.refused


def test_the_audit_finds_nothing(churn):
    judge.wait_realized(churn)
    if not judge.has_audit(churn):
        pytest.skip("no audit")
    assert judge.audit(churn) == []
    assert judge.drift_told(churn) == []


def test_rows_of_unicast_are_those_of_intent(churn):
    assert judge.wrong_rows(churn) == []


def test_plugged_machines_reach_each_other(churn, figures):
    n_pairs, silent = judge.silent_pairs(churn, 400)
    figures(f"{n_pairs} pairs, {len(silent)} silent")
    assert not silent, silent


def test_a_fresh_start_finds_no_difference(churn):
    assert judge.differences_of_a_fresh_start(churn) == []
    assert judge.wait_statuses(churn) == []
