"""The watch: what has to be looked at again and again (R1, R8, R17).

Rules of this module: one thread, four looks a second; it finds out and says, the session machine decides.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from capture.civil_time import StepFinder
from capture.conditions import Condition, Glance, battery_must_end, conditions, figure_of, found_working, heat_must_end
from capture.effects import CloseWindow, DropWindow, Measure, OpenWindow
from capture.events import CaptureLost, ConditionChanged, Event, PreflightDone
from capture.preflight import PreflightResult, judge, judge_standing
from capture.profile import PreflightSection, WarningsSection
from capture.shell.camera import CameraKeeper
from capture.shell.glancing import Glances
from capture.shell.kept_drain import KeptDrain
from capture.shell.listening import ListeningWindow, opening_ns
from capture.shell.measuring import Measuring
from capture.shell.seals import Seals
from capture.shell.voice import VoiceDesk
from capture.states import BATTERY, OVERHEATING, STORAGE_FULL
from capture.voice.activity import SpeechDetector
from capture.voice.ring import RecentSound
from hal.mailbox import Mailbox
from hal.ports import Clock
from hal.values import ClockReading
from hal.worker import Worker

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
CHECK_SECONDS = 1.7
"""From the press to the judgement; the verdict follows within 2 s (CS-5)."""
SECOND_LOOK_NS = 1_000_000_000
STANDING_LOOK_NS = 30_000_000_000
_ORDERS_MAX = 128
_SECOND_NS = 1_000_000_000

Order = Measure | OpenWindow | CloseWindow | DropWindow


@dataclass(frozen=True, slots=True)
class Probe:
    """A check without a recording: who asked gets the result."""

    started_boottime_ns: int
    answer: Callable[[PreflightResult], None]


@dataclass(frozen=True, slots=True)
class Watched:
    """What the watch looks after."""

    camera: CameraKeeper
    """Is asked whether frames still come."""
    seals: Seals
    """Is told to try again what the writer refused."""
    voice: VoiceDesk
    """Knows when the unit itself spoke."""
    recent: RecentSound
    """What the microphone hears."""
    capturing: Callable[[], bool]
    """Tells whether footage is being kept."""
    conditions: Callable[[], frozenset[Condition]]
    """What the session machine knows to be wrong."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the profile draws its lines."""

    preflight: PreflightSection
    warnings: WarningsSection


class Watch:
    """Looks after checks, frames, windows, clock and writer.

    Args:
        clock: The unit's clock.
        limits: Thresholds of checks and warnings.
        measuring: Asks the parts.
        watched: What is looked after.
        post: Where the session machine hears of what was found. Never blocks.
        drain: What recordings before took of the pack.
    """

    def __init__(
        self,
        clock: Clock,
        limits: Thresholds,
        measuring: Measuring,
        watched: Watched,
        post: Callable[[Event], None],
        drain: KeptDrain,
    ) -> None:
        self._clock = clock
        self._limits = limits.preflight
        self._warnings = limits.warnings
        self._measuring = measuring
        self._camera = watched.camera
        self._seals = watched.seals
        self._voice = watched.voice
        self._recent = watched.recent
        self._capturing = watched.capturing
        self._known = watched.conditions
        self._glances = Glances(measuring, drain)
        self._post = post
        self._orders: Mailbox[Order | Probe] = Mailbox(clock, _ORDERS_MAX)
        self._due: list[Measure | Probe] = []
        self._windows: dict[int, ListeningWindow] = {}
        self._detector: SpeechDetector | None = None
        self._last_look_ns = 0
        self._last_standing_ns = -STANDING_LOOK_NS
        self._steps = StepFinder(clock.read())
        self.standing: PreflightResult | None = None
        """What the unit knows of itself without camera and sound; looked at twice a minute."""
        self.worker = Worker("watch", clock, self._body)

    def begin(self, taken_up: ClockReading) -> None:
        """Hold civil time against what it was when the chain was taken up: it may be set before the thread starts."""
        self._steps = StepFinder(taken_up)

    def order(self, order: Order | Probe) -> None:
        """Have it looked after. Never blocks."""
        self._orders.put(order)

    def _body(self, worker: Worker) -> None:
        while not worker.stop.is_set():
            worker.beat()
            order = self._orders.get(self._pause())
            now_ns = self._clock.boottime_ns()
            if order is not None:
                self._take(order, now_ns)
            self._camera.look()
            if self._capturing() or Condition.MEDIUM in self._known():
                self._tell({Condition.MEDIUM: not self._measuring.medium_works()}, None)
            self._advance_windows(now_ns)
            self._judge_due(now_ns)
            self._look_each_second(now_ns)

    def _pause(self) -> float:
        if any(window.is_behind for window in self._windows.values()):
            return 0.0
        now_ns = self._clock.boottime_ns()
        waits = [LOOK_SECONDS, *(max(0.0, (_judged_at(due) - now_ns) / _SECOND_NS) for due in self._due)]
        return min(waits)

    def _take(self, order: Order | Probe, now_ns: int) -> None:
        match order:
            case Measure() | Probe():
                self._due.append(order)
            case OpenWindow():
                opened_ns = opening_ns(now_ns, self._voice.own_words())
                window = ListeningWindow(order, opened_ns, self._recent, self._model())
                self._windows[order.window] = window
            case CloseWindow():
                if order.window in self._windows:
                    self._windows[order.window].end(now_ns)
            case DropWindow():
                self._windows.pop(order.window, None)

    def _model(self) -> SpeechDetector:
        """The speech model, loaded when the first window opens."""
        self._detector = self._detector or SpeechDetector()
        return self._detector

    def _advance_windows(self, now_ns: int) -> None:
        for number, window in list(self._windows.items()):
            closed = window.advance(now_ns, self._voice.own_words())
            if closed is not None:
                del self._windows[number]
                self._post(closed)

    def _judge_due(self, now_ns: int) -> None:
        due = [each for each in self._due if now_ns >= _judged_at(each)]
        self._due = [each for each in self._due if now_ns < _judged_at(each)]
        for each in due:
            measured = self._glances.measure(running=True)
            result = judge(measured, self._limits)
            log.info("checks: %s %s", result.verdict.value, ", ".join(result.failing()))
            if isinstance(each, Probe):
                each.answer(result)
            else:
                self._post(PreflightDone(result))
            self._tell(dict.fromkeys(found_working(measured, self._limits), False), None)

    def _look_each_second(self, now_ns: int) -> None:
        if now_ns - self._last_look_ns < SECOND_LOOK_NS:
            return
        self._last_look_ns = now_ns
        self._seals.retry()
        self._look_at_clock()
        if self._capturing():
            self._look_at_recording(now_ns)
        else:
            self._glances.pause()
        if now_ns - self._last_standing_ns >= STANDING_LOOK_NS:
            self._last_standing_ns = now_ns
            self.standing = judge_standing(self._glances.measure(running=self._capturing()), self._limits)

    def _look_at_recording(self, now_ns: int) -> None:
        glance = self._glances.glance(now_ns)
        if self._measuring.storage_is_full():
            log.error("the medium is full: the recording ends in order")
            self._post(CaptureLost(STORAGE_FULL, now_ns))
        elif battery_must_end(glance, self._warnings):
            log.error("the pack is nearly empty: the recording ends in order")
            self._post(CaptureLost(BATTERY, now_ns))
        elif heat_must_end(glance, self._warnings):
            log.error("the board is at %s °C: the recording ends in order", glance.temperature_celsius)
            self._post(CaptureLost(OVERHEATING, now_ns))
        else:
            self._tell(conditions(glance, self._limits, self._warnings), glance)

    def _tell(self, found: Mapping[Condition, bool], glance: Glance | None) -> None:
        """Post what the session machine does not know yet."""
        known = self._known()
        for condition, present in found.items():
            if (condition in known) is not present:
                log.warning("%s: %s", condition.value, "found" if present else "over")
                figure = None if glance is None else figure_of(condition, glance)
                self._post(ConditionChanged(condition, present, self._clock.boottime_ns(), figure))

    def _look_at_clock(self) -> None:
        step = self._steps.look(self._clock.read())
        if step is not None:
            log.warning(
                "clock moved by %d ms (%s, %s)", step.step_ns // 1_000_000, step.source_before, step.source_after
            )
            self._post(step)


def _judged_at(due: Measure | Probe) -> int:
    started_ns = due.started_boottime_ns if isinstance(due, Probe) else due.pressed_boottime_ns
    return started_ns + round(CHECK_SECONDS * _SECOND_NS)
