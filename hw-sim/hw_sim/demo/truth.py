"""What `simulation.json` says of the sessions: when the camera really gave pictures, and how many.

Rules of this module: pure; reads the document of `hw_sim.simulation`, knows nothing of what was sealed.
"""

from __future__ import annotations

from dataclasses import dataclass

from hw_sim.demo.documents import Document


@dataclass(frozen=True, slots=True)
class Shot:
    """One stretch of the camera from start to stop."""

    captured_utc_ns: tuple[int, ...]
    """True civil time of each picture that was given."""
    cut_short: bool
    """The power went, or the process was killed, before the camera was stopped."""

    @property
    def first_utc_ns(self) -> int:
        """Of its first picture."""
        return self.captured_utc_ns[0]

    @property
    def last_utc_ns(self) -> int:
        """Of its last picture."""
        return self.captured_utc_ns[-1]


def shots(simulation: Document) -> tuple[Shot, ...]:
    """Every stretch in which the camera gave a picture, in order of time.

    Raises:
        DemoError: The document is not as expected.
    """
    zero_utc_ns = _zeros(simulation)
    found = []
    for run in simulation["frames"]["runs"].items():
        zero_ns = zero_utc_ns[run["boot_id"].text()]
        times = tuple(zero_ns + each.number() for each in run["captured_boottime_ns"].items())
        if times:
            found.append(Shot(times, cut_short=run.get("stopped") is None))
    return tuple(sorted(found, key=lambda shot: shot.first_utc_ns))


def _zeros(simulation: Document) -> dict[str, int]:
    """Boot id → true civil time at which its CLOCK_BOOTTIME was 0."""
    starts = [each for each in simulation["power"].items() if each["on"].flag()]
    return {each["boot_id"].text(): each["utc_ns"].number() - each["boottime_ns"].number() for each in starts}
