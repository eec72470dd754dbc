"""Driver sets are found by name and only by name."""

from __future__ import annotations

import pytest

from hal.errors import DriverSetError
from hal.registry import installed_driver_sets, load_driver_set


def test_names_come_sorted_and_once() -> None:
    names = installed_driver_sets()
    assert list(names) == sorted(set(names))


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(DriverSetError, match=r"hal\.driver_set = 'abacus': no such driver set; installed are: .*sim"):
        load_driver_set("abacus")
