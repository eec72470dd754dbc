"""The store killed at each named point of a commit and started again: nothing lost or twice, no false receipt."""

import os
from pathlib import Path

import pytest

from sync.unit.courier import Ending
from tests.support.docks import crash_spool, make_unit, opened_store
from tests.support.dying_store import POINTS
from tests.support.restarting import started_again
from tests.support.store_process import StoreProcess
from tests.system.sync.test_chaos import carry, check_nothing_lost

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(tmp_path: Path, point: str) -> None:
    """SY-13, SY-19, SY-22, SY-23."""
    directory = tmp_path / "store"
    with opened_store(directory) as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
    crash_spool(unit)
    process = StoreProcess(directory, dies_at=point)
    process.start()
    with started_again(process):
        assert carry(unit, process.url, seed=1) is Ending.ALL_RECEIPTED
    assert process.kills == 1
    assert process.stop() == os.EX_OK
    check_nothing_lost(directory, unit)
