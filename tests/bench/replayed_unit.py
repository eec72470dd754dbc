"""A unit whose camera plays back what was encoded beforehand: what is left is the agent's own work.

Run as a program it records for a while at the speed of real time with the whole agent on the machine's own clock and
disk, and prints what that took as JSON. A process of its own, so that its memory is the agent's.
"""

from __future__ import annotations

import json
import pickle
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np

from agent.assembly import make_directories, prepare
from agent.daemon import Agent
from capture.states import State
from hal.drivers.files import DirectoryStorage
from hal.drivers.system_clock import SystemClock
from hal.ports import ButtonSink, CameraSink, Hardware, Signal
from hal.values import (
    AudioBlock,
    BatteryReading,
    ButtonEdge,
    ButtonName,
    CameraSettings,
    DockReading,
    EncodedFrame,
    LampPattern,
    MicrophoneSettings,
    PartDescription,
    Playback,
    SoundClip,
    VibrationPattern,
)
from hal.worker import Worker
from sealing.framing import open_header
from sealing.reader import SealedFile
from sealing.records import Body, Fragment, SessionStart
from tests.support.provisioned_unit import provision

SECOND_NS = 1_000_000_000
BLOCK_SECONDS = 0.02
WARM_UP_SECONDS = 5.0
TIMEOUT_SECONDS = 60.0


class ReplayedCamera:
    """Delivers encoded frames again and again, in real time, on a thread of its own."""

    def __init__(self, clock: SystemClock, frames: Sequence[EncodedFrame], rate: Fraction) -> None:
        self._clock, self._frames, self._rate = clock, frames, rate
        self._worker: Worker | None = None

    def describe(self) -> PartDescription:
        return PartDescription("camera", "replay")

    def start(self, settings: CameraSettings, sink: CameraSink) -> CameraSettings:
        self._worker = Worker("replay", self._clock, lambda worker: self._deliver(worker, sink))
        self._worker.start()
        return settings

    def stop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.request_stop()
            worker.join(5)

    def _deliver(self, worker: Worker, sink: CameraSink) -> None:
        begin, number = self._clock.boottime_ns(), 0
        while not worker.stop.is_set():
            due = begin + round(number * SECOND_NS / self._rate)
            self._clock.wait(worker.stop, max(0.0, (due - self._clock.boottime_ns()) / SECOND_NS))
            frame = self._frames[number % len(self._frames)]
            sink.frame(replace(frame, captured_boottime_ns=self._clock.boottime_ns(), sensor_sequence=number))
            number += 1


class HummingMicrophone:
    """Delivers a quiet noise in real time."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock, self._never = clock, clock.signal()
        self._sample, self._begin = 0, 0
        noise = np.random.default_rng(1).normal(0, 300, 960).astype("<i2")
        self._noise = noise.tobytes()

    def describe(self) -> PartDescription:
        return PartDescription("microphone", "hum")

    def start(self, settings: MicrophoneSettings) -> None:
        self._sample, self._begin = 0, self._clock.boottime_ns()

    def read(self, timeout_seconds: float) -> AudioBlock | None:
        first = self._sample
        taken = self._begin + first * SECOND_NS // 48_000
        ready = taken + round(BLOCK_SECONDS * SECOND_NS)
        self._clock.wait(self._never, max(0.0, (ready - self._clock.boottime_ns()) / SECOND_NS))
        self._sample += 960
        return AudioBlock(self._noise, first, taken)

    def stop(self) -> None:
        pass


class PatientSpeaker:
    """Takes as long as the clip is."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock

    def play(self, clip: SoundClip, stop: Signal) -> Playback:
        begin = self._clock.boottime_ns()
        stopped = self._clock.wait(stop, clip.duration_ns / SECOND_NS)
        return Playback(begin, self._clock.boottime_ns(), not stopped)


class PressedButtons:
    """Buttons that this program presses."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self._sink: ButtonSink | None = None

    def subscribe(self, sink: ButtonSink) -> None:
        self._sink = sink

    def fitted(self) -> Sequence[str]:
        return [name.value for name in ButtonName]

    def press(self, seconds: float) -> None:
        assert self._sink is not None
        self._sink.edge(ButtonEdge(ButtonName.RECORD, pressed=True, at_boottime_ns=self._clock.boottime_ns()))
        self._clock.wait(self._clock.signal(), seconds)
        self._sink.edge(ButtonEdge(ButtonName.RECORD, pressed=False, at_boottime_ns=self._clock.boottime_ns()))


class Quiet:
    """Battery, lamps, motor and dock of a unit on the desk."""

    def show(self, pattern: LampPattern) -> None: ...

    def pulse(self, pattern: VibrationPattern) -> None: ...


class FullBattery:
    def read(self) -> BatteryReading:
        return BatteryReading(95.0, 4100, charging=False, draw_mw=2500.0, capacity_mwh=15_000.0)


class NoDock:
    def read(self) -> DockReading:
        return DockReading(docked=False, changed_boottime_ns=0)


@dataclass(frozen=True)
class Costs:
    """What the recording took."""

    cpu_share: float
    """CPU seconds of the whole process per second of recording."""
    memory_mb: float
    """Resident set while recording."""
    memory_peak_mb: float
    press_to_frame_ms: float
    """From the first edge of the press to the moment at which the first kept frame was taken."""
    threads: int


@contextmanager
def running(agent: Agent) -> Iterator[None]:
    agent.start()
    try:
        yield
    finally:
        agent.stop()


def measure(frames: Sequence[EncodedFrame], rate: Fraction, seconds: float, folder: Path) -> Costs:
    """Record `seconds` with the whole agent."""
    unit = provision(folder / "unit")
    prepared = prepare(unit.config)
    make_directories(prepared.paths)
    clock = SystemClock()
    buttons = PressedButtons(clock)
    quiet = Quiet()
    hardware = Hardware(
        driver_set="bench",
        simulated=True,
        clock=clock,
        battery=FullBattery(),
        storage=DirectoryStorage(prepared.paths.spool),
        camera=ReplayedCamera(clock, frames, rate),
        microphone=HummingMicrophone(clock),
        speaker=PatientSpeaker(clock),
        buttons=buttons,
        indicators=quiet,
        vibration=quiet,
        dock=NoDock(),
    )
    agent = Agent(prepared, hardware)
    with running(agent):
        costs = _record(agent, buttons, clock, seconds)
    return replace(costs, press_to_frame_ms=_press_to_frame_ms(prepared.paths.spool))


def _record(agent: Agent, buttons: PressedButtons, clock: SystemClock, seconds: float) -> Costs:
    buttons.press(0.1)
    _await(agent, clock, State.RECORDING)
    pause = clock.signal()
    clock.wait(pause, WARM_UP_SECONDS)
    cpu, wall = time.process_time(), clock.boottime_ns()
    clock.wait(pause, seconds)
    cpu, wall = time.process_time() - cpu, clock.boottime_ns() - wall
    memory, threads = _resident_mb(), threading.active_count()
    buttons.press(2.5)
    _await(agent, clock, State.IDLE)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Costs(cpu / (wall / SECOND_NS), memory, peak, 0.0, threads)


def _await(agent: Agent, clock: SystemClock, wanted: State) -> None:
    end = clock.boottime_ns() + round(TIMEOUT_SECONDS * SECOND_NS)
    while not agent.summary().startswith(wanted.value):
        if clock.boottime_ns() > end:
            raise TimeoutError(f"the agent is {agent.summary()}, not {wanted.value}, after {TIMEOUT_SECONDS} s")
        clock.wait(clock.signal(), 0.05)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024 / 1024


def _press_to_frame_ms(spool: Path) -> float:
    pressed = None
    for path in sorted(spool.glob("*.evs")):
        for body in _bodies(path):
            match body:
                case SessionStart(pressed_boottime_ns=at):
                    pressed = at
                case Fragment(captured_boottime_ns=at) if pressed is not None:
                    return (at - pressed) / 1e6
    raise ValueError(f"{spool} holds no fragment of a session")


def _bodies(path: Path) -> Iterator[Body]:
    with SealedFile(path) as file:
        file.check_magic()
        while (record := file.next_record()) is not None:
            yield open_header(record.header)[1].body


def main(source: IO[bytes]) -> None:
    """Read frames, rate and seconds from a pickle that the bench made, print the costs."""
    frames, rate, seconds = pickle.load(source)  # noqa: S301 - made by the bench itself, a moment ago
    with tempfile.TemporaryDirectory(prefix="recorder-bench-", dir="build") as folder, redirect_stdout(sys.stderr):
        costs = measure(frames, rate, seconds, Path(folder))
    print(json.dumps(costs.__dict__))


if __name__ == "__main__":
    main(sys.stdin.buffer)
