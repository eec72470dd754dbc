"""The session's thread: presses and events in, effects out (CS-1).

Rules of this module: one thread owns the machine; whatever happens comes through one queue, in order. Nothing here
blocks: every effect is an order to another thread. An event that the machine rejects is a fault of this program; it is
logged and the recording goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from capture import events as ev
from capture.gestures import Gesture, GestureReader, Meaning, Mode
from capture.session import advance
from capture.shell.executor import Executor
from capture.shell.panel import Panel
from capture.shell.watch import Probe
from capture.states import CAPTURING, Machine, State
from capture.turn import IllegalEventError
from hal.mailbox import Mailbox, MailboxFullError
from hal.ports import Clock, Signal
from hal.values import ButtonEdge
from hal.worker import Worker

log = logging.getLogger(__name__)

EVENTS_MAX = 4_096
IDLE_SECONDS = 1.0
_SECOND_NS = 1_000_000_000

_MODES = {
    State.IDLE: Mode.IDLE,
    State.ANNOUNCING: Mode.ANNOUNCING,
    State.CHOOSING: Mode.ANNOUNCING,
    State.INTERRUPTED: Mode.INTERRUPTED,
}
_PRESSES: dict[Meaning, Callable[[int], ev.Event]] = {
    Meaning.MARK: ev.MarkPressed,
    Meaning.CATEGORY: ev.CategoryPressed,
    Meaning.NOTICE: ev.NoticePressed,
    Meaning.GROUND: ev.GroundPressed,
    Meaning.MENU: ev.MenuPressed,
    Meaning.BREAK: ev.BreakPressed,
    Meaning.STEP: ev.CauseStepped,
    Meaning.CONFIRM: ev.CauseConfirmed,
    Meaning.FINISH: ev.FinishPressed,
    Meaning.RESUME: ev.ResumePressed,
}


@dataclass(slots=True)
class Reply:
    """What came of an event that somebody waits for."""

    done: Signal
    refused: IllegalEventError | None = None
    sequence: int | None = None
    """Of the record that the event sealed, where the event has an answer."""


@dataclass(frozen=True, slots=True)
class _Asked:
    event: ev.Event
    reply: Reply = field(repr=False)
    answered: bool
    """The reply waits for the sealed record."""


@dataclass(frozen=True, slots=True)
class _ProbeOver:
    """Stop the parts that ran for a check."""


Told = ev.Event | ButtonEdge | Probe | _ProbeOver | _Asked


class SessionRunner:
    """Owns the session machine.

    Args:
        machine: Its state at the start.
        clock: The unit's clock.
        gestures: Reads the buttons.
        panel: Lamps and vibration.
        executor: Carries out effects.
        new_session_id: Gives 16 fresh random bytes.
    """

    def __init__(
        self,
        machine: Machine,
        clock: Clock,
        gestures: GestureReader,
        panel: Panel,
        executor: Executor,
        new_session_id: Callable[[], bytes],
    ) -> None:
        self._clock = clock
        self._gestures = gestures
        self._panel = panel
        self._executor = executor
        self._new_session_id = new_session_id
        self._told: Mailbox[Told] = Mailbox(clock, EVENTS_MAX)
        self._checkout: Reply | None = None
        self.machine = machine
        """The machine as it stands; replaced whole, so that any thread may read it."""
        self.idle = clock.signal()
        self.idle.set()
        self.worker = Worker("session", clock, self._body)

    def post(self, event: ev.Event) -> None:
        """Tell the machine. Any thread; never blocks, never raises."""
        self._put(event)

    def edge(self, edge: ButtonEdge) -> None:
        """Take an edge of a button (`hal.ports.ButtonSink`)."""
        self._put(edge)

    def ask(self, event: ev.Event, *, answered: bool = False) -> Reply:
        """Tell the machine, and learn what came of it.

        Args:
            event: What happened.
            answered: The reply is done only when the event's record is on the medium.

        Returns:
            The reply; wait for its `done` by the clock.
        """
        reply = Reply(self._clock.signal())
        self._put(_Asked(event, reply, answered))
        return reply

    def probe(self, probe: Probe) -> None:
        """Run the checks without a recording, if none is open. A press meanwhile begins a recording all the same."""
        self._put(probe)

    def end_probe(self) -> None:
        """The checks without a recording are through."""
        self._put(_ProbeOver())

    def _put(self, item: Told) -> None:
        try:
            self._told.put(item)
        except MailboxFullError:
            log.critical("the session's thread is stuck: %s was lost", type(item).__name__)

    def _body(self, worker: Worker) -> None:
        self._panel.show(self.machine.state.value)
        while not worker.stop.is_set():
            worker.beat()
            item = self._told.get(self._pause())
            self._settle()
            if item is not None:
                self._take(item)
            if len(self._told) == 0:
                self._settle_gestures()

    def _take(self, item: Told) -> None:
        match item:
            case ButtonEdge():
                for gesture in self._gestures.edge(item, self._mode()):
                    self._mean(gesture)
            case _Asked():
                self._answer(item)
            case Probe():
                if self.machine.state is State.IDLE:
                    self._executor.begin_probe(item)
            case _ProbeOver():
                if self.machine.state is State.IDLE:
                    self._executor.end_probe()
            case _:
                self._tell(item)

    def _pause(self) -> float:
        deadlines = (
            self._gestures.next_deadline_ns(),
            self._panel.next_deadline_ns,
            self._executor.next_deadline_ns,
        )
        now_ns = self._clock.boottime_ns()
        due = [(deadline - now_ns) / _SECOND_NS for deadline in deadlines if deadline is not None]
        return max(0.0, min([IDLE_SECONDS, *due]))

    def _settle(self) -> None:
        """Let happen what is due by the passing of time."""
        now_ns = self._clock.boottime_ns()
        self._panel.settle(now_ns)
        for timer in self._executor.timers_due(now_ns):
            self._tell(ev.TimerFired(timer))

    def _settle_gestures(self) -> None:
        """Say what the passing of time means, once every edge of before is known.

        A finger that let go in time must not be taken for one that holds because this thread was held up: what was a
        press would end the recording.
        """
        for gesture in self._gestures.settle(self._clock.boottime_ns()):
            self._mean(gesture)

    def _mode(self) -> Mode:
        state = self.machine.state
        return _MODES.get(state, Mode.CAPTURING if state in CAPTURING else Mode.BUSY)

    def _mean(self, gesture: Gesture) -> None:
        if gesture.meaning is Meaning.START:
            self._tell(ev.StartPressed(gesture.at_boottime_ns, self._new_session_id()))
        else:
            self._tell(_PRESSES[gesture.meaning](gesture.at_boottime_ns))

    def _answer(self, asked: _Asked) -> None:
        if asked.answered:
            self._checkout = asked.reply
        try:
            self._step(asked.event)
        except IllegalEventError as error:
            asked.reply.refused = error
            self._checkout = None
            asked.reply.done.set()
            return
        if not asked.answered:
            asked.reply.done.set()

    def _tell(self, event: ev.Event) -> None:
        if isinstance(event, ev.CheckoutSealed) and self._checkout is not None:
            self._checkout.sequence = event.sequence
        try:
            self._step(event)
        except IllegalEventError as error:
            log.error("%s", error)  # noqa: TRY400 - the machine names the fault; a stack would not
        if isinstance(event, ev.CheckoutSealed) and self._checkout is not None:
            self._checkout.done.set()
            self._checkout = None

    def _step(self, event: ev.Event) -> None:
        before = self.machine
        self.machine, effects = advance(before, event)
        if self.machine.state is not before.state:
            log.info("%s -> %s by %s", before.state.value, self.machine.state.value, type(event).__name__)
        for effect in effects:
            self._executor.carry_out(effect)
        if self.machine.state is State.IDLE:
            self.idle.set()
        else:
            self.idle.clear()
