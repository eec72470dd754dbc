"""Whether every thread still makes progress: what feeds the watchdog, or does not.

Rules of this module: pure; heartbeats in, names out. A stalled card is a break and no restart: the writer's allowance
is long, and so is everybody's who may wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

_NS = 1_000_000_000


class Beating(Protocol):
    """What is asked of a thread (`hal.worker.Worker`)."""

    name: str
    allowance_seconds: float

    @property
    def last_beat_ns(self) -> int:
        """CLOCK_BOOTTIME of its last heartbeat."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """How the threads are."""

    stalled: tuple[str, ...]
    """Silent for longer than they may be."""
    ended: tuple[str, ...]
    """Ended, though nobody asked them to."""

    @property
    def good(self) -> bool:
        """Whether the watchdog may be fed."""
        return not self.stalled and not self.ended


def health_of(threads: Iterable[Beating], now_ns: int) -> Health:
    """Judge heartbeats.

    Args:
        threads: All threads that should run.
        now_ns: CLOCK_BOOTTIME now.
    """
    listed = tuple(threads)
    return Health(
        stalled=tuple(
            thread.name
            for thread in listed
            if thread.alive and now_ns - thread.last_beat_ns > thread.allowance_seconds * _NS
        ),
        ended=tuple(thread.name for thread in listed if not thread.alive),
    )
