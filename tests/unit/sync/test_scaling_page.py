"""The model behind `docs/scaling.md`: nothing is lost on the way, and the page is what it says."""

from itertools import pairwise

import pytest

from tests.bench.arrivals import DAY_STEPS, STEP_SECONDS, Costs, Fleet, docked, longest_wait_hours, needs, served
from tests.bench.scaling_page import COSTS, PAGE, PICTURE, picture, with_table


def test_page_and_picture_are_those_of_their_costs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page
    assert PICTURE.read_text(encoding="utf-8") == picture()
    for told in (f"{COSTS.gateway_cpu_seconds_per_gib} CPU s/GiB", f"{COSTS.commits_per_second:.0f} commits/s"):
        assert told in page


def test_what_arrives_leaves_within_the_day_and_never_faster_than_it_can() -> None:
    arriving = [0.0] * DAY_STEPS
    arriving[DAY_STEPS - 1] = 30.0
    leaving = served(arriving, 0.1)
    assert sum(leaving) == pytest.approx(30)
    assert max(leaving) == pytest.approx(0.1 * STEP_SECONDS)
    assert longest_wait_hours(arriving, leaving) == pytest.approx(300 / 3600, abs=STEP_SECONDS / 3600)
    with pytest.raises(ValueError, match="more comes"):
        served(arriving, 30 / 86_401)


def test_nothing_waits_where_there_is_room() -> None:
    arriving = [1.0] * DAY_STEPS
    assert served(arriving, 1.0) == arriving
    assert longest_wait_hours(arriving, arriving) == 0


def test_every_unit_docks_once() -> None:
    fleet = Fleet(120)
    stations = docked(fleet)
    assert len(stations) == fleet.stations == 3
    assert sum(map(sum, stations)) == pytest.approx(120 * fleet.gib_per_day)
    assert docked(fleet) == stations
    assert docked(fleet, seed=2) != stations


def test_more_units_take_more_and_dearer_bytes_take_more_cores() -> None:
    found = [needs(Fleet(units), COSTS) for units in (50, 500, 2_000)]
    for small, large in pairwise(found):
        assert large.mean_gib_per_second > small.mean_gib_per_second
        assert large.cores >= small.cores
    dear = Costs(3 * COSTS.gateway_cpu_seconds_per_gib, 0.01, 100, 1000)
    assert needs(Fleet(2_000), dear).cores > 2 * found[-1].cores
    for one in found:
        assert sum(one.curve) * STEP_SECONDS == pytest.approx(one.fleet.units * one.fleet.gib_per_day)
