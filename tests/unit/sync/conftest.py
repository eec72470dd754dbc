"""A store and a unit for every test that wants them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.docks import StoreOnDisk, UnitOnDisk, make_unit, opened_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreOnDisk]:
    with opened_store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def unit(store: StoreOnDisk, tmp_path: Path) -> UnitOnDisk:
    return make_unit(store.authority, store.ledger, tmp_path / "unit")
