"""What a recorder's hardware must offer: the ports that the rest of the agent sees.

Rules of this module: Protocols only, at most five methods each; every method states its unit, whether it blocks, on
which thread it works and what it raises. A driver set implements all of them (`hal/DRIVERS.md`); the importable suite
in `hal.conformance` proves it.

Time and waiting. All waiting of the agent goes through `Clock.wait`, never through `time.sleep` or a bare
`threading` wait: a simulated clock can then advance exactly when everybody waits, and a real clock costs nothing.
A thread that lives by this rule enters `Clock.participate()` first thing and stays in it until it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from hal.unfitted import NoClockCheck, NoHeat
from hal.values import (
    AudioBlock,
    BatteryReading,
    ButtonEdge,
    CameraSettings,
    ClockComparison,
    ClockReading,
    DockReading,
    EncodedFrame,
    HeatReading,
    LampPattern,
    MicrophoneSettings,
    PartDescription,
    Playback,
    SoundClip,
    StorageReading,
    VibrationPattern,
)


class Signal(Protocol):
    """A flag that one thread raises and another waits for, made by `Clock.signal`."""

    def set(self) -> None:
        """Raise the flag and wake every waiter. Never blocks; any thread; idempotent."""
        ...

    def clear(self) -> None:
        """Lower the flag. Never blocks; any thread."""
        ...

    def is_set(self) -> bool:
        """Tell whether the flag is up. Never blocks; any thread."""
        ...


class Clock(Protocol):
    """Time, and the only way to wait for it."""

    def read(self) -> ClockReading:
        """Read civil and monotonic time together. Under 1 ms; any thread; raises nothing."""
        ...

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME in nanoseconds. Never blocks; any thread; raises nothing."""
        ...

    def signal(self) -> Signal:
        """Make a lowered flag that `wait` of this clock understands."""
        ...

    def wait(self, signal: Signal, timeout_seconds: float | None = None) -> bool:
        """Block the calling thread until the flag is up or the time has passed.

        Args:
            signal: A flag made by this clock's `signal`.
            timeout_seconds: Seconds of this clock's time; None waits for the flag alone.

        Returns:
            Whether the flag was up when the wait ended.
        """
        ...

    def participate(self) -> AbstractContextManager[None]:
        """Declare, while the context is open, that the calling thread waits by this clock only.

        A real clock does nothing. A simulated one lets time go on only while every participant is in `wait`.
        """
        ...


class Battery(Protocol):
    """A pack that can say how much it holds."""

    def read(self) -> BatteryReading:
        """Measure the pack now. Returns in under 50 ms; any thread.

        Raises:
            TransientHardwareError: The gauge did not answer; try again.
            PermanentHardwareError: No gauge is fitted.
        """
        ...


class StorageFile(Protocol):
    """One append-only file on the evidence medium, used by one thread at a time."""

    @property
    def name(self) -> str:
        """The file's name inside the spool."""
        ...

    def append(self, data: bytes | memoryview) -> None:
        """Append all of `data` with one write. Blocks as long as the medium does.

        A view is the caller's again on return: what it shows may change then.

        Raises:
            StorageFullError: No room; a part may stand in the file, the caller truncates nothing.
            OSError: The medium failed (EIO, EROFS, a short write); as above.
        """
        ...

    def sync(self) -> None:
        """Put everything appended on the medium (fdatasync). Blocks as long as the medium does.

        Raises:
            OSError: The medium failed; what was appended since the last sync must count as lost.
        """
        ...

    def close(self) -> None:
        """Give the handle back. Idempotent; does not sync."""
        ...


class Storage(Protocol):
    """The evidence medium: one flat directory of append-only files (the spool)."""

    def usage(self) -> StorageReading:
        """Measure the medium. Under 50 ms; any thread.

        Raises:
            PermanentHardwareError: The medium is gone.
        """
        ...

    def create(self, name: str) -> StorageFile:
        """Make a new empty file; the directory entry is on the medium when it returns.

        Raises:
            FileExistsError: The name is taken (files are never reopened for writing).
            StorageFullError: No room.
            OSError: The medium failed.
        """
        ...

    def names(self) -> Sequence[str]:
        """Names of all files in the spool, sorted. Raises OSError when the medium failed."""
        ...

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        """Read up to `length_bytes` from `offset_bytes`; shorter only at the end.

        What it returns is on the medium (DR-38): bytes that a process left unsynced when it was killed are synced
        first, and bytes that the medium refused are not given from memory. Otherwise recovery would build on a record
        that the next power cut takes away. Raises OSError.
        """
        ...

    def replace(self, name: str, new_name: str | None) -> None:
        """Rename a file, or unlink it when `new_name` is None; durable when it returns. Raises OSError."""
        ...


class CameraSink(Protocol):
    """Where a camera delivers. Called on the driver's own thread: must return at once and never raise."""

    def frame(self, frame: EncodedFrame) -> None:
        """Take the next access unit, in capture order."""
        ...

    def fault(self, reason: str) -> None:
        """Learn that the camera stopped delivering and will not go on without `stop` and `start`."""
        ...


class Camera(Protocol):
    """A camera with its encoder."""

    def describe(self) -> PartDescription:
        """Say what is fitted. Never blocks."""
        ...

    def start(self, settings: CameraSettings, sink: CameraSink) -> CameraSettings:
        """Begin to deliver encoded frames. Returns in under 2 s; the first frame may come later.

        Returns:
            The settings in force: a camera that cannot do what was asked says what it does instead.

        Raises:
            TransientHardwareError: The camera did not answer or is not plugged in; try again.
            PermanentHardwareError: No camera is fitted.
        """
        ...

    def stop(self) -> None:
        """Stop delivering; no sink call happens after it returns. Under 2 s; idempotent; raises nothing."""
        ...


class Microphone(Protocol):
    """A capture device that counts its samples."""

    def describe(self) -> PartDescription:
        """Say what is fitted. Never blocks."""
        ...

    def start(self, settings: MicrophoneSettings) -> None:
        """Begin to capture; the sample number starts at 0.

        Raises:
            TransientHardwareError: The device is busy or unplugged; try again.
            PermanentHardwareError: No microphone is fitted.
        """
        ...

    def read(self, timeout_seconds: float) -> AudioBlock | None:
        """Wait for the next block, on the reading thread, by the clock of the driver set.

        Returns:
            The block, or None when none came in time (a suspended or dead device).

        Raises:
            TransientHardwareError: The device went away; `stop` and `start` again.
        """
        ...

    def stop(self) -> None:
        """Stop capturing. Under 1 s; idempotent; raises nothing."""
        ...


class Speaker(Protocol):
    """A loudspeaker."""

    def play(self, clip: SoundClip, stop: Signal) -> Playback:
        """Play the clip to its end, or until `stop` is raised; blocks the calling thread that long.

        Raises:
            TransientHardwareError: The device is busy or unplugged.
            PermanentHardwareError: No loudspeaker is fitted.
        """
        ...


class ButtonSink(Protocol):
    """Where buttons report. Called on the driver's own thread: must return at once and never raise."""

    def edge(self, edge: ButtonEdge) -> None:
        """Take one debounced edge."""
        ...


class Buttons(Protocol):
    """The unit's buttons."""

    def subscribe(self, sink: ButtonSink) -> None:
        """Report every edge from now on to `sink`; replaces the sink before. Never blocks."""
        ...

    def fitted(self) -> Sequence[str]:
        """Values of `ButtonName` that exist on this unit."""
        ...


class Indicators(Protocol):
    """The unit's lamps, seen as one signal."""

    def show(self, pattern: LampPattern) -> None:
        """Show `pattern` until the next call. Never blocks.

        Raises:
            PermanentHardwareError: No lamp is fitted.
        """
        ...


class Vibration(Protocol):
    """The vibration motor."""

    def pulse(self, pattern: VibrationPattern) -> None:
        """Start the pattern and return at once; a newer pattern replaces a running one.

        Raises:
            PermanentHardwareError: No motor is fitted.
        """
        ...


class Dock(Protocol):
    """The sense line of the dock."""

    def read(self) -> DockReading:
        """Read the sense line. Never blocks; any thread. Raises TransientHardwareError."""
        ...


class ClockCheck(Protocol):
    """What civil time can be held against; a set that has nothing leaves `Hardware.clock_check` as it is."""

    def read(self) -> ClockComparison:
        """Compare now. Under 50 ms; any thread; raises nothing: what does not answer is None."""
        ...


class Heat(Protocol):
    """What the board says of its own heat and power; a set that has none leaves `Hardware.heat` as it is."""

    def read(self) -> HeatReading:
        """Measure now. Under 50 ms; any thread; raises nothing: a sensor that fails is one that is not there."""
        ...


@dataclass(frozen=True, slots=True)
class Hardware:
    """All of a unit's hardware: the only way in which any room gets a device."""

    driver_set: str
    """Name of the driver set, sealed in BOOT."""
    simulated: bool
    """Whether what it records is a simulation: sealed in BOOT, decides the grade."""
    clock: Clock
    battery: Battery
    storage: Storage
    camera: Camera
    microphone: Microphone
    speaker: Speaker
    buttons: Buttons
    indicators: Indicators
    vibration: Vibration
    dock: Dock
    heat: Heat = field(default_factory=NoHeat)
    clock_check: ClockCheck = field(default_factory=NoClockCheck)


class DriverSet(Protocol):
    """A way to reach one kind of hardware, found through the entry-point group `recorder.hal_drivers`."""

    def open(self, options: dict[str, str | int | float | bool], spool_directory: str) -> Hardware:
        """Open every part.

        Args:
            options: The table `[hal.options]` of the configuration, checked by the driver set.
            spool_directory: Where `Storage` keeps its files.

        Raises:
            DriverSetError: An option is unknown or wrong; the message names it and the remedy.
            HardwareError: A part that cannot be missing did not open.
        """
        ...

    def close(self) -> None:
        """Give every part back; joins the driver set's threads. Idempotent; raises nothing."""
        ...
