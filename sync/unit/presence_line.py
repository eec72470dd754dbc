"""Keeps a connection to the broker open as long as a line is up, and says on it how the unit is (SY-53).

Rules of this module: what is said and when is decided by `presence`; here it is carried, and a connection that breaks
is made again after a wait. What fails costs the view of the fleet, never the transfer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hal.ports import Clock
from sync.backoff import Backoff
from sync.rules import Radio
from sync.unit.client import LinkError, RefusedError
from sync.unit.presence import Announcer

if TYPE_CHECKING:
    from sync.unit.broker_link import BrokerLink

log = logging.getLogger(__name__)


class PresenceLine:
    """The unit's presence at the broker; one thread.

    Args:
        link: The connection; whose last will is `last_will`.
        status: The agent's `status.json`.
        clock: The unit's.
        draw: A fresh random number from 0 to 1.
    """

    def __init__(self, link: BrokerLink, status: Path, clock: Clock, draw: Callable[[], float]) -> None:
        self._link = link
        self._status = status
        self._clock = clock
        self._draw = draw
        self._backoff = Backoff(base_seconds=5.0)
        self._announcer: Announcer | None = None
        self._box = ""
        self._failures = 0
        self._not_before_ns = 0

    def tend(self, radio: Radio) -> None:
        """Say what is due; connects where there is no connection, but not too often."""
        now_ns = self._clock.boottime_ns()
        if not self._link.is_open and now_ns < self._not_before_ns:
            return
        try:
            line = self._link.line()
            body = self._announcing().due(now_ns, line, radio)
            if body is not None:
                self._link.present(body)
            self._link.pump(0)
        except (LinkError, RefusedError) as error:
            self._failures += 1
            delay_seconds = self._backoff.delay_seconds(self._failures, self._draw())
            self._not_before_ns = now_ns + int(delay_seconds * 1e9)
            log.info("the unit's presence waits %.1f s: %s", delay_seconds, error)
        else:
            self._failures = 0

    def close(self) -> None:
        """Say goodbye, and drop the connection. Idempotent."""
        if self._link.is_open and self._announcer is not None and self._box == self._link.box:
            try:
                self._link.present(self._announcer.last_will)
            except (LinkError, RefusedError) as error:
                log.info("the broker says goodbye for the unit: %s", error)
        self._link.leave()

    def _announcing(self) -> Announcer:
        if self._announcer is None or self._box != self._link.box:
            self._announcer, self._box = Announcer(self._status, self._link.box), self._link.box
        return self._announcer


def last_will(status: Path) -> Callable[[str], bytes]:
    """What the broker is to say when a connection breaks, by the connection's box."""
    return lambda box: Announcer(status, box).last_will
