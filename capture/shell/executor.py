"""Carrying out effects: each becomes an order to the thread that owns the part.

Rules of this module: used by the session's thread alone; nothing here waits. No effect is decided upon here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from capture import effects as fx
from capture.events import BreakSealed, CheckoutSealed, Event, Timer
from capture.shell.camera import CameraKeeper, Start, Stop
from capture.shell.intake import Begin, Forget, Locate, MediaQueue, Noticed
from capture.shell.microphone import MicrophoneReader
from capture.shell.panel import Panel
from capture.shell.seals import Seals
from capture.shell.voice import VoiceDesk
from capture.shell.watch import Probe, Watch
from hal.ports import Clock
from sealing.records import Break
from sealing.references import RecordReference

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """The desks of the recorder's threads."""

    clock: Clock
    seals: Seals
    queue: MediaQueue
    camera: CameraKeeper
    microphone: MicrophoneReader
    voice: VoiceDesk
    watch: Watch
    panel: Panel


class Executor:
    """Carries out effects, in order.

    Args:
        parts: Who gets the orders.
        post: Where answers go. Never blocks.
    """

    def __init__(self, parts: Parts, post: Callable[[Event], None]) -> None:
        self._parts = parts
        self._post = post
        self._timers: dict[Timer, int] = {}

    @property
    def next_deadline_ns(self) -> int | None:
        """When the next timer runs out."""
        return min(self._timers.values(), default=None)

    def timers_due(self, now_ns: int) -> tuple[Timer, ...]:
        """Timers that have run out; each is told once."""
        due = tuple(sorted(timer for timer, at_ns in self._timers.items() if at_ns <= now_ns))
        for timer in due:
            del self._timers[timer]
        return due

    def carry_out(self, effect: fx.Effect) -> None:
        """Give the order that an effect stands for. Never blocks."""
        match effect:
            case fx.SetState() | fx.Seal() | fx.RollLedger():
                self._seal(effect)
            case fx.StartCapture() | fx.StopCapture() | fx.EndRun():
                self._capture(effect)
            case fx.DropHeld() | fx.BeginRun() | fx.NoticeOver() | fx.LocateMark():
                self._media(effect)
            case fx.Speak() | fx.Hush():
                self._speak(effect)
            case fx.OpenWindow() | fx.CloseWindow() | fx.DropWindow():
                self._parts.watch.order(effect)
            case fx.Measure():
                self._parts.voice.chirp()
                self._parts.watch.order(effect)
            case fx.GiveCue() | fx.ShowState():
                self._show(effect)
            case fx.SetTimer():
                self._timers[effect.timer] = self._parts.clock.boottime_ns() + round(effect.seconds * _SECOND_NS)
            case fx.ClearTimer():
                self._timers.pop(effect.timer, None)

    def begin_probe(self, probe: Probe) -> None:
        """Let the parts run for a check without a recording. Any thread; never blocks."""
        self._parts.microphone.start()
        self._parts.camera.order(Start())
        self._parts.voice.chirp()
        self._parts.watch.order(probe)

    def end_probe(self) -> None:
        """Stop the parts behind a check without a recording. Any thread; never blocks."""
        self._capture(fx.StopCapture())
        self._media(fx.DropHeld())

    def _seal(self, effect: fx.SetState | fx.Seal | fx.RollLedger) -> None:
        match effect:
            case fx.SetState():
                self._parts.seals.set_state(effect.snapshot)
            case fx.RollLedger():
                self._parts.seals.roll_ledger(effect.reason)
            case fx.Seal():
                self._parts.seals.seal(effect.body, effect.private, self._answering(effect))

    def _answering(self, effect: fx.Seal) -> Callable[[RecordReference], None] | None:
        body, post = effect.body, self._post
        if effect.answer is fx.Answer.CHECKOUT_SEALED:
            return lambda reference: post(CheckoutSealed(reference.sequence))
        if isinstance(body, Break):
            return lambda reference: post(BreakSealed(reference.sequence, body.session_id, body.number))
        return None

    def _capture(self, effect: fx.StartCapture | fx.StopCapture | fx.EndRun) -> None:
        parts = self._parts
        match effect:
            case fx.StartCapture():
                parts.microphone.start()
                parts.camera.order(Start())
            case fx.StopCapture():
                parts.microphone.stop()
                parts.camera.order(Stop(None))
            case fx.EndRun():
                restart = effect.camera is fx.CameraOrder.RESTART
                parts.camera.order(Stop(effect.reason, restart))
                if not restart:
                    parts.microphone.stop()

    def _media(self, effect: fx.DropHeld | fx.BeginRun | fx.NoticeOver | fx.LocateMark) -> None:
        queue = self._parts.queue
        match effect:
            case fx.DropHeld():
                queue.order(Forget())
            case fx.BeginRun():
                queue.order(Begin(effect))
            case fx.NoticeOver():
                queue.order(Noticed(effect.at_boottime_ns))
            case fx.LocateMark():
                queue.order(Locate(effect))

    def _speak(self, effect: fx.Speak | fx.Hush) -> None:
        if isinstance(effect, fx.Speak):
            self._parts.voice.say(effect)
        else:
            self._parts.voice.hush()

    def _show(self, effect: fx.GiveCue | fx.ShowState) -> None:
        if isinstance(effect, fx.ShowState):
            self._parts.panel.show(effect.state)
            return
        tone = self._parts.panel.tone(effect.cue)
        self._parts.panel.answer(effect.cue, self._parts.clock.boottime_ns())
        if tone is not None:
            self._parts.voice.sound(tone)
