# SPDX-License-Identifier: Apache-2.0
"""zebra, bgpd, the reflector, vxgatewayd and vxfabricd, each stopped and
killed alone, and all of FRR together: flows between VMs and CEs lose nothing, nothing stale stays.
`make loss-gateways` does ten rounds of each."""
import pytest

from gwlab import GwLab
from gwrestarts import HOW, PROCESSES, Restarts

ROUNDS = 1

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", name="restarts")
def _restarts(make_lab):
    gw = GwLab(make_lab(2)).build()
    gw.everything_pings()
    return Restarts(gw)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("process", PROCESSES)
def test_a_restart_costs_nothing(restarts, process, how, figures):
    row = restarts.run(process, how, ROUNDS)
    figures(restarts.table()[-1])
    assert not [r.stale for r in row if r.stale]
    assert not [r.crashed for r in row if r.crashed]
    assert not sum(r.lost for r in row), restarts.gw.report()
