"""Civil time that was moved against monotonic time, however it was moved (CS-18)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capture import effects as fx
from capture.civil_time import CLOCK_STEP_NS, StepFinder
from capture.events import ClockStepped
from hal.values import ClockReading, TimeSource
from sealing.records import ClockStep
from sealing.verifier_times import TOLERANCE_NS
from tests.unit.capture_session.script import Driver

_SECOND_NS = 1_000_000_000
_UTC_NS = 1_900_000_000 * _SECOND_NS


def reading(at_seconds: float, moved_ns: int = 0, source: TimeSource = TimeSource.RTC) -> ClockReading:
    at_ns = round(at_seconds * _SECOND_NS)
    return ClockReading(_UTC_NS + at_ns + moved_ns, at_ns, source, 0, "boot")


def test_a_clock_that_runs_on_makes_no_step_cs_18() -> None:
    """CS-18."""
    finder = StepFinder(reading(0))
    assert [finder.look(reading(second)) for second in range(1, 100)] == [None] * 99


def test_what_is_moved_before_the_first_look_is_a_step_cs_18() -> None:
    """CS-18: words were rendered for minutes between the start of the chain and the first look."""
    finder = StepFinder(reading(0, 0, TimeSource.UNSET))
    found = finder.look(reading(130, -3_600 * _SECOND_NS, TimeSource.NETWORK))
    assert found == ClockStepped(-3_600 * _SECOND_NS, "unset", "network")
    assert finder.look(reading(131, -3_600 * _SECOND_NS, TimeSource.NETWORK)) is None


def test_another_source_is_told_with_what_it_moved_cs_18() -> None:
    """CS-18."""
    finder = StepFinder(reading(0))
    assert finder.look(reading(1, 20_000_000, TimeSource.NETWORK)) == ClockStepped(20_000_000, "rtc", "network")


def test_drift_is_followed_and_is_no_step_cs_18() -> None:
    """CS-18: a crystal that is off by 100 ppm, for a day."""
    finder = StepFinder(reading(0))
    assert all(finder.look(reading(second, second * 100_000)) is None for second in range(1, 86_400, 60))


def test_between_recordings_a_step_is_sealed_without_a_word_cs_18() -> None:
    """CS-18: the chain has times then, too."""
    driver = Driver()
    driver.feed(ClockStepped(-3_600 * _SECOND_NS, "rtc", "network"))
    assert driver.sealed(ClockStep) == [ClockStep(-3_600 * _SECOND_NS, "rtc", "network")]
    assert driver.all(fx.Speak) == []


@given(st.lists(st.integers(-CLOCK_STEP_NS, CLOCK_STEP_NS), max_size=60))
def test_however_small_the_steps_are_no_verifier_finds_them_unsealed_cs_18(steps_ns: list[int]) -> None:
    """CS-18: what was not sealed stays far inside of what counts as no step."""
    finder, moved_ns, sealed_ns = StepFinder(reading(0)), 0, 0
    for second, step_ns in enumerate(steps_ns, start=1):
        moved_ns += step_ns
        found = finder.look(reading(second, moved_ns))
        sealed_ns += 0 if found is None else found.step_ns
        assert abs(moved_ns - sealed_ns) <= CLOCK_STEP_NS + second * 1_000_000 < TOLERANCE_NS
