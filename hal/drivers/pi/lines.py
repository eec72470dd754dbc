"""GPIO lines by gpiozero: inputs with settled changes, outputs (DR-31, DR-33).

Rules of this module: the pin library's thread only stamps and hands over; one worker settles all inputs and calls
whoever listens. The pin factory is handed in.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hal.drivers.common.debounce import Change, Debouncer
from hal.drivers.system_clock import read_together
from hal.errors import DriverSetError
from hal.mailbox import Mailbox, MailboxFullError
from hal.ports import Clock
from hal.worker import Worker

if TYPE_CHECKING:
    from gpiozero.pins import Factory

log = logging.getLogger(__name__)

_SECOND_NS = 1_000_000_000
_SETTLE_NS = 15_000_000
_IDLE_SECONDS = 1.0
_JOIN_SECONDS = 1.0
_EDGES_MAX = 4096


def open_pin_factory() -> Factory:
    """The factory of this board: lgpio, as on every Pi.

    Raises:
        DriverSetError: gpiozero or lgpio is missing, or the board has no GPIO that they know.
    """
    try:
        from gpiozero.pins.lgpio import LGPIOFactory

        return LGPIOFactory()
    except (ImportError, OSError, RuntimeError) as error:
        raise DriverSetError(f"GPIO does not open: {error}; install the extra pi, and be in the group gpio") from error
    except Exception as error:
        # lgpio and gpiozero raise classes of their own, which are known only where they are installed.
        raise DriverSetError(f"GPIO does not open: {type(error).__name__}: {error}") from error


class InputLine:
    """One input.

    Args:
        factory: The pin factory.
        clock: The unit's clock.
        pin: GPIO number.
        active_low: Whether the line is pulled to ground when active.
        settle_ns: How long a level has to hold.
    """

    def __init__(
        self, factory: Factory, clock: Clock, pin: int, *, active_low: bool, settle_ns: int = _SETTLE_NS
    ) -> None:
        from gpiozero import InputDevice

        self._clock = clock
        self._factory = factory
        self._active_low = active_low
        self._settle_ns = settle_ns
        self._since_ns = 0
        """No edge is older than the watch for it."""
        self._heard_ns = 0
        self._device = InputDevice(pin, pull_up=active_low, pin_factory=factory)
        self._debouncer = Debouncer(bool(self._device.is_active), settle_ns)
        self._take: Callable[[InputLine, bool, int], None] | None = None
        self.on_change: Callable[[Change], None] | None = None
        """Called on the panel's thread with every settled change."""

    @property
    def active(self) -> bool:
        """The settled level."""
        return self._debouncer.active

    @property
    def due_ns(self) -> int | None:
        """When the line has to be looked at next: edges that are read late come in a row, and none may be missing."""
        due_ns = self._debouncer.due_ns
        return None if due_ns is None else max(due_ns, self._heard_ns + self._settle_ns)

    def watch(self, take: Callable[[InputLine, bool, int], None]) -> None:
        """Give raw edges with their times to `take`, on the library's thread."""
        self._take = take
        self._since_ns = self._clock.boottime_ns()
        pin = self._device.pin
        pin.edges = "both"
        # gpiozero keeps a weak reference; the line lives as long as its panel.
        pin.when_changed = self._edge
        self.look()

    def look(self) -> None:
        """Hand over the level as it is now, as an edge: what moved before the watch, or while no edge was taken."""
        if self._take is not None:
            self._take(self, bool(self._device.is_active), self._clock.boottime_ns())

    def feed(self, active: bool, at_ns: int) -> None:
        """Take a raw edge; what had settled before it is reported first. On the panel's thread."""
        self._report(self._debouncer.settle(at_ns))
        self._debouncer.edge(active, at_ns)
        self._heard_ns = self._clock.boottime_ns()

    def settle(self, now_ns: int) -> None:
        """Report what has settled. On the panel's thread."""
        due_ns = self.due_ns
        if due_ns is not None and now_ns >= due_ns:
            self._report(self._debouncer.settle(now_ns))

    def _report(self, change: Change | None) -> None:
        if change is not None and self.on_change is not None:
            self.on_change(change)

    def close(self) -> None:
        """Give the pin back."""
        self._device.pin.when_changed = None
        self._device.close()

    def _edge(self, ticks: float, state: int) -> None:
        """However late it is read, an edge keeps the time that the kernel stamped it with."""
        age_ns, now_ns = read_together(lambda: self._age_ns(ticks), self._clock.boottime_ns)
        at_ns = now_ns - age_ns
        if not self._since_ns <= at_ns <= now_ns:
            # A stamp of another axis than the library says, as kernels before 5.7 gave.
            at_ns = now_ns
        if self._take is not None:
            self._take(self, bool(state) != self._active_low, at_ns)

    def _age_ns(self, ticks: float) -> int:
        return round(float(self._factory.ticks_diff(self._factory.ticks(), ticks)) * _SECOND_NS)


class Panel:
    """Settles all inputs on one thread.

    Args:
        clock: The unit's clock.
        lines: The inputs; the panel closes them.
    """

    def __init__(self, clock: Clock, lines: Sequence[InputLine]) -> None:
        self._clock = clock
        self._lines = lines
        self._edges: Mailbox[tuple[InputLine, bool, int] | None] = Mailbox(clock, _EDGES_MAX)
        self._missed = threading.Event()
        self._worker = Worker("panel", clock, self._body)

    def start(self) -> None:
        """Begin to listen."""
        self._worker.start()
        for line in self._lines:
            line.watch(self._take)

    def close(self) -> None:
        """Stop listening and give the pins back."""
        self._worker.request_stop()
        self._hand_over(None)
        self._worker.join(_JOIN_SECONDS)
        for line in self._lines:
            line.close()

    def _take(self, line: InputLine, active: bool, at_ns: int) -> None:
        self._hand_over((line, active, at_ns))

    def _hand_over(self, edge: tuple[InputLine, bool, int] | None) -> None:
        try:
            self._edges.put(edge)
        except MailboxFullError:
            # Thousands of edges wait: a line that swings freely. What it settles on is read when it is quiet again.
            self._missed.set()
            log.warning("panel: edges come faster than they can be looked at; check the wiring")

    def _body(self, worker: Worker) -> None:
        while not worker.stop.is_set():
            worker.beat()
            edge = self._edges.get(self._idle_seconds())
            if edge is not None:
                line, active, at_ns = edge
                line.feed(active, at_ns)
            if len(self._edges) == 0:
                self._quiet()

    def _quiet(self) -> None:
        """Every edge that came has been looked at."""
        if self._missed.is_set():
            self._missed.clear()
            for line in self._lines:
                line.look()
        now_ns = self._clock.boottime_ns()
        for line in self._lines:
            line.settle(now_ns)

    def _idle_seconds(self) -> float:
        due = [line.due_ns for line in self._lines if line.due_ns is not None]
        if not due:
            return _IDLE_SECONDS
        return max(0.0, (min(due) - self._clock.boottime_ns()) / _SECOND_NS)
