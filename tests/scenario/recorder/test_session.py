"""A recording from check-out to its end, on the simulator, read back by the verifier and the opener."""

from __future__ import annotations

from sealing.records import Checkout, Preflight, SessionEnd, SessionStart
from tests.scenario.recorder.unit import OFFICERS, Place, Unit, bodies, verified


def test_a_whole_session_is_sealed_and_verifies(place: Place) -> None:
    with Unit(place) as unit:
        unit.recorder.checkout(OFFICERS)
        unit.wait(8)
        unit.press()
        unit.wait_for("recording")
        unit.wait(5)
        unit.hold()
        unit.wait_for("idle")
    report = verified(place.spool)
    assert report.intact
    (end,) = bodies(place.spool, SessionEnd)
    assert len(bodies(place.spool, Checkout)) == len(bodies(place.spool, SessionStart)) == 1
