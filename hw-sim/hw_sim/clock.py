"""Lock-step time: the world's clock moves only while every participant waits for it.

Rules of this module: nothing here knows of batteries, disks or cameras; no participant ever sees time move while it
runs; who is due at the same instant is woken one after the other, in the order in which they began to wait, so that a
run repeats.

How it works. `_running` counts the participants that are not parked in `wait`. Parking lowers it, waking raises it,
both under the one lock, so there is no instant at which a woken thread is not counted. Whoever brings it to 0 moves
the time to the earliest deadline and wakes its owner: at once (`"max"`), when real time has come as far (a rate), or
up to the horizon that `step_to` set (`"stepped"`). A thread that does not participate may wait too: it is woken on
time but does not hold the time.
"""

from __future__ import annotations

import faulthandler
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from heapq import heappop, heappush
from typing import Literal

from hal.ports import Signal
from hal.values import ClockReading
from hw_sim.civil import NANOSECONDS, CivilTime, PerfectTime
from hw_sim.errors import ClockStalledError, SimulationError
from hw_sim.memory import Numbers
from hw_sim.pacer import Pacer
from hw_sim.parking import SimSignal, Waiter

Speed = float | Literal["max", "stepped"]


class SimClock:
    """The world's clock: `hal.ports.Clock` in lock-step.

    Args:
        speed: A factor of real time (1.0 is real), `"max"` (as fast as the machine can) or `"stepped"` (only
            `step_to` moves it).
        civil: What the unit's own clock says of the time.
        boot_id: Kernel boot id of this boot.
        booted_world_ns: World time at which CLOCK_BOOTTIME was 0.
        memory: `memory[0]` is the world's time in nanoseconds; a shared page outlives a killed process.
        stall_seconds: Real seconds without any progress, while some participant runs, that count as a stall.
    """

    def __init__(
        self,
        speed: Speed = "max",
        *,
        civil: CivilTime | None = None,
        boot_id: str = "00000000-0000-4000-8000-000000000001",
        booted_world_ns: int = 0,
        memory: Numbers | None = None,
        stall_seconds: float = 240.0,
    ) -> None:
        self.boot_id = boot_id
        self._civil = civil or PerfectTime()
        self._booted_world_ns = booted_world_ns
        self._memory: Numbers = [0] if memory is None else memory
        self._now_ns = self._memory[0]
        self._stall_seconds = stall_seconds
        self._lock = threading.Lock()
        self._local = threading.local()
        self._running = 0
        self._held = False
        self._tickets = 0
        self._due: list[tuple[int, int, Waiter]] = []
        self._parked: set[Waiter] = set()
        self._horizon_ns: int | None = None
        self._stepper: Waiter | None = None
        self._failure: str | None = None
        self._pacer: Pacer | None = None
        self._speed: Speed = speed
        self._set_speed(speed)

    # -- hal.ports.Clock ---------------------------------------------------------------------------------------------

    def read(self) -> ClockReading:
        """Read the unit's civil time and CLOCK_BOOTTIME together."""
        now_ns = self.world_ns
        utc_ns, source, uncertainty_ns = self._civil.utc(now_ns)
        return ClockReading(utc_ns, now_ns - self._booted_world_ns, source, uncertainty_ns, self.boot_id)

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME in nanoseconds: the world's time since the unit was switched on."""
        return self.world_ns - self._booted_world_ns

    def signal(self) -> SimSignal:
        """Make a lowered flag."""
        return SimSignal(self)

    def wait(self, signal: Signal, timeout_seconds: float | None = None) -> bool:
        """Park the calling thread until the flag is up or the world's time has come.

        Returns:
            Whether the flag was up when the wait ended.

        Raises:
            ClockStalledError: A participant stands still; every stack was written to stderr.
            SimulationError: The flag belongs to another clock.
        """
        if not isinstance(signal, SimSignal) or signal.clock is not self:
            raise SimulationError(f"{signal!r} was not made by this clock; make it with Clock.signal()")
        waiter = self._waiter()
        with self._lock:
            if self._failure is not None:
                raise ClockStalledError(self._failure)
            if signal.up:
                return True
            if timeout_seconds is not None and timeout_seconds <= 0:
                return False
            self._park(waiter, signal, timeout_seconds)
        self._await_gate(waiter)
        if self._failure is not None:
            raise ClockStalledError(self._failure)
        return waiter.outcome

    def participate(self) -> AbstractContextManager[None]:
        """Let the world's time wait for the calling thread while the context is open; may nest."""
        return self._participation(counted=False)

    # -- what only the world uses ------------------------------------------------------------------------------------

    @property
    def world_ns(self) -> int:
        """The world's own time in nanoseconds; goes on over power cycles."""
        if self._running == 0 and self._pacer is not None:
            with self._lock:
                self._catch_up()
        return self._now_ns

    @property
    def speed(self) -> Speed:
        """The speed in force."""
        return self._speed

    def set_speed(self, speed: Speed) -> None:
        """Change how the world's time follows real time; any thread."""
        with self._lock:
            self._catch_up()
            self._let_go()
            old = self._set_speed(speed)
            if self._running == 0:
                self._advance()
        if old is not None:
            old.close()

    def sleep(self, seconds: float) -> None:
        """Wait for the world's time alone."""
        self.wait(self.signal(), seconds)

    def hold(self) -> None:
        """Let no time pass before the first thread from outside the world takes part, waits, steps or sets a speed.

        Or a pack drains at `"max"` between a world's opening and its first participant: minutes on a slow machine.
        """
        with self._lock:
            if not self._held:
                self._held = True
                self._running += 1

    def spawn(self, name: str, body: Callable[[], None]) -> threading.Thread:
        """Start a participating thread; no time passes before its first wait. End it by a signal and `join` it."""
        with self._lock:
            self._catch_up()
            self._running += 1

        def run() -> None:
            with self._participation(counted=True):
                body()

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread

    def join(self, thread: threading.Thread) -> None:
        """Wait for the real end of a thread that was told to end, without holding the time."""
        with self.outside():
            thread.join()

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Let time go on without the calling thread while it blocks in something else than this clock."""
        waiter = self._waiter()
        gating = waiter.gating
        if gating:
            self._leave(waiter)
        try:
            yield
        finally:
            if gating:
                self._enter(waiter)

    def step_to(self, world_ns: int) -> None:
        """Move the time on to `world_ns` and return when every participant waits for something later.

        Only for `"stepped"`, and only from a thread that does not participate. With the present time as argument
        it waits until everybody has parked.

        Raises:
            SimulationError: The clock is not stepped, the caller participates, or the time lies in the past.
            ClockStalledError: A participant stands still.
        """
        waiter = self._waiter()
        if self._speed != "stepped" or waiter.gating or world_ns < self._now_ns:
            raise SimulationError(f"cannot step to {world_ns} ns: clock is {self._speed} at {self._now_ns} ns")
        with self._lock:
            self._let_go()
            self._horizon_ns = world_ns
            self._stepper = waiter
            if self._running == 0:
                self._advance()
        self._await_gate(waiter)
        if self._failure is not None:
            raise ClockStalledError(self._failure)

    def step_by(self, seconds: float) -> None:
        """Move the time on by `seconds`; see `step_to`."""
        self.step_to(self._now_ns + round(seconds * NANOSECONDS))

    def settle(self) -> None:
        """Wait until every participant has parked; no time passes."""
        self.step_to(self._now_ns)

    def close(self) -> None:
        """Stop following real time; joins the pacer. The clock runs on at the machine's speed."""
        self.set_speed("max")

    # -- for SimSignal and Pacer -------------------------------------------------------------------------------------

    def raise_signal(self, signal: SimSignal) -> None:
        """Raise a flag and un-park its waiters in one step."""
        with self._lock:
            signal.up = True
            if signal.waiters:
                self._catch_up()
                for waiter in signal.waiters:
                    self._wake(waiter, outcome=True)
                signal.waiters.clear()

    def on_real_time(self) -> None:
        """The pacer's moment has come: move on if everybody still waits."""
        with self._lock:
            if self._running == 0:
                self._advance()

    # -- inside, all under the lock except where said ----------------------------------------------------------------

    def _waiter(self) -> Waiter:
        try:
            waiter: Waiter = self._local.waiter
        except AttributeError:
            waiter = self._local.waiter = Waiter()
        return waiter

    @contextmanager
    def _participation(self, *, counted: bool) -> Iterator[None]:
        waiter = self._waiter()
        waiter.nesting += 1
        if counted:
            waiter.gating = True
        elif waiter.nesting == 1:
            self._enter(waiter)
        try:
            yield
        finally:
            waiter.nesting -= 1
            if waiter.nesting == 0:
                self._leave(waiter)

    def _enter(self, waiter: Waiter) -> None:
        """Takes the lock itself."""
        with self._lock:
            self._catch_up()
            waiter.gating = True
            self._running += 1
            self._let_go()

    def _let_go(self) -> None:
        if self._held:
            self._held = False
            self._running -= 1

    def _leave(self, waiter: Waiter) -> None:
        """Takes the lock itself."""
        with self._lock:
            waiter.gating = False
            self._running -= 1
            if self._running == 0:
                self._advance()

    def _park(self, waiter: Waiter, signal: SimSignal, timeout_seconds: float | None) -> None:
        self._tickets += 1
        waiter.ticket = self._tickets
        waiter.signal = signal
        signal.waiters.append(waiter)
        self._parked.add(waiter)
        if timeout_seconds is not None:
            self._catch_up()
            heappush(self._due, (self._now_ns + int(timeout_seconds * NANOSECONDS), waiter.ticket, waiter))
        if waiter.gating:
            self._running -= 1
        else:
            self._let_go()
        if self._running == 0:
            self._advance()

    def _wake(self, waiter: Waiter, *, outcome: bool) -> None:
        waiter.outcome = outcome
        waiter.signal = None
        waiter.ticket = 0
        self._parked.discard(waiter)
        if waiter.gating:
            self._running += 1
        waiter.gate.release()

    def _advance(self) -> None:
        """Nobody runs: go to the next deadlines until somebody does."""
        while self._running == 0:
            due_ns = self._earliest()
            if due_ns is None or (self._horizon_ns is not None and due_ns > self._horizon_ns):
                self._arrive()
                return
            if self._pacer is not None and not self._pacer.reached(due_ns):
                self._pacer.arm(due_ns)
                return
            self._set_now(due_ns)
            waiter = heappop(self._due)[2]
            if waiter.signal is not None:
                waiter.signal.waiters.remove(waiter)
            self._wake(waiter, outcome=False)

    def _arrive(self) -> None:
        """Nothing is due before the horizon: a stepped clock stands on it and the stepper goes on."""
        if self._horizon_ns is not None:
            self._set_now(self._horizon_ns)
        self._release_stepper()

    def _release_stepper(self) -> None:
        if self._stepper is not None:
            self._stepper.gate.release()
            self._stepper = None

    def _earliest(self) -> int | None:
        while self._due:
            due_ns, ticket, waiter = self._due[0]
            if waiter.ticket == ticket:
                return due_ns
            heappop(self._due)
        return None

    def _set_now(self, now_ns: int) -> None:
        if now_ns > self._now_ns:
            self._now_ns = now_ns
            self._memory[0] = now_ns

    def _catch_up(self) -> None:
        """While everybody waits, real time goes on: bring the world's time up to it, never past a deadline."""
        if self._running == 0 and self._pacer is not None:
            now_ns = self._pacer.now_ns()
            due_ns = self._earliest()
            self._set_now(now_ns if due_ns is None else min(now_ns, due_ns))

    def _set_speed(self, speed: Speed) -> Pacer | None:
        if isinstance(speed, (int, float)) and not speed > 0:
            raise SimulationError(f"speed {speed} must be above 0, or 'max' or 'stepped'")
        old, self._pacer = self._pacer, None
        self._speed = speed
        self._horizon_ns = self._now_ns if speed == "stepped" else None
        if not isinstance(speed, str):
            self._pacer = Pacer(float(speed), self._now_ns, self.on_real_time)
        return old

    def _await_gate(self, waiter: Waiter) -> None:
        """Block for real, without the lock, and watch that somebody makes progress meanwhile."""
        seen, still = -1, 0
        patience = self._stall_seconds / 4
        while not waiter.gate.acquire(timeout=patience):
            still = still + 1 if seen == self._tickets and self._running > 0 else 0
            seen = self._tickets
            if still >= 4:  # noqa: PLR2004 -- four quarters of stall_seconds
                self._stall()

    def _stall(self) -> None:
        with self._lock:
            if self._failure is None:
                self._failure = (
                    f"no participant made progress for {self._stall_seconds} s of real time at world time "
                    f"{self._now_ns} ns; the stacks on stderr show which thread blocks outside Clock.wait"
                )
                faulthandler.dump_traceback(file=sys.__stderr__ or sys.stderr, all_threads=True)
            waiters = list(self._parked)
            for waiter in waiters:
                if waiter.signal is not None:
                    waiter.signal.waiters.remove(waiter)
                self._wake(waiter, outcome=False)
            self._release_stepper()
