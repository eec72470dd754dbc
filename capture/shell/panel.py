"""Lamps and vibration (CS-8).

Rules of this module: used by one thread; a part that is missing or fails is logged once and never stops anything.
"""

from __future__ import annotations

import logging

from capture.cues import Cue
from capture.signals import OWN, SignalTable
from capture.voice.sounds import Tone
from hal.errors import HardwareError
from hal.ports import Hardware
from hal.values import LampPattern

log = logging.getLogger(__name__)

FLASH_NS = 800_000_000
AT_ONCE = frozenset({"interrupted", "fault"})
"""Nothing is kept: no flash of good news stands in front of that, however short it lasts."""


class Panel:
    """Shows the state, and answers in between.

    Args:
        hardware: Its indicators and its vibration motor are used.
        signals: What is shown and felt.
    """

    def __init__(self, hardware: Hardware, signals: SignalTable = OWN) -> None:
        self._signals = signals
        self._indicators = hardware.indicators
        self._vibration = hardware.vibration
        self._state = signals.lamps["idle"]
        self._until_ns: int | None = None
        self._complained = False

    @property
    def next_deadline_ns(self) -> int | None:
        """When `settle` has something to do, None when nothing is pending."""
        return self._until_ns

    def show(self, state: str) -> None:
        """Show a state from now on; behind a flash, unless nothing is being kept."""
        self._state = self._signals.lamps[state]
        if state in AT_ONCE:
            self._until_ns = None
        if self._until_ns is None:
            self._light(self._state)

    def answer(self, cue: Cue, now_ns: int) -> None:
        """Give a cue by vibration, and by the lamp for a moment where the cue has one."""
        answer = self._signals.cues[cue]
        try:
            self._vibration.pulse(answer.vibration(cue))
        except HardwareError as error:
            self._complain(error)
        if answer.lamp is not None:
            self._light(answer.lamp)
            self._until_ns = now_ns + FLASH_NS

    def tone(self, cue: Cue) -> Tone | None:
        """What is heard with a cue, None where nothing is."""
        return self._signals.cues[cue].tone

    def settle(self, now_ns: int) -> None:
        """Show the state again when a flash is over."""
        if self._until_ns is not None and now_ns >= self._until_ns:
            self._until_ns = None
            self._light(self._state)

    def _light(self, pattern: LampPattern) -> None:
        try:
            self._indicators.show(pattern)
        except HardwareError as error:
            self._complain(error)

    def _complain(self, error: HardwareError) -> None:
        if not self._complained:
            log.error("panel: %s", error)
            self._complained = True
