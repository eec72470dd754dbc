"""Trying the evidence medium by writing to it as a recording does, for `recorder doctor`.

Rules of this module: one scratch file of its own name, which is no file of the chain; it is removed at the end, and one
that a cut left behind is removed first. No other file is touched.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import Final

from agent.doctor_values import Finding, Outcome
from hal.errors import HardwareError
from hal.ports import Hardware, StorageFile
from hal.values import CameraSettings

SCRATCH_NAME: Final = "doctor.tmp"
WRITE_SECONDS: Final = 60
LONGEST_SECONDS_MAX: Final = 5.0
"""A recording outlives such a stall in memory; a longer one becomes a break."""
_P99_SECONDS_MAX: Final = 1.0
"""One second of recording has to be on the medium within a second."""
_PERCENT: Final = 100
_RESERVE_SHARE: Final = 2
"""Free room that has to be there, in sizes of the trial."""
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Syncs:
    """How long each second of recording took to reach the medium."""

    seconds: tuple[float, ...]

    @property
    def p99_seconds(self) -> float:
        """99 of 100 were at least as quick."""
        ordered = sorted(self.seconds)
        return ordered[max(0, -(-len(ordered) * 99 // _PERCENT) - 1)]

    @property
    def longest_seconds(self) -> float:
        """The slowest."""
        return max(self.seconds)


def try_storage(hardware: Hardware, write_seconds: int) -> Finding:
    """Write as much as a recording of so many seconds, paced like one, each second synced.

    Args:
        hardware: Its medium and its clock.
        write_seconds: At least 1.
    """
    piece = os.urandom(CameraSettings().bitrate_bps // 8)
    try:
        usage = hardware.storage.usage()
        if not usage.writable:
            return Finding("storage", Outcome.FAIL, "the medium is read-only")
        if usage.free_bytes < _RESERVE_SHARE * len(piece) * write_seconds:
            return Finding("storage", Outcome.FAIL, f"full: {usage.free_bytes >> 20} MiB are free")
        syncs = _written(hardware, piece, write_seconds)
    except (HardwareError, OSError) as error:
        return Finding("storage", Outcome.FAIL, _words(error))
    life = "" if usage.life_percent is None else f", {usage.life_percent:.0f} % of its life left"
    return judged(syncs, f", {usage.free_bytes >> 20} MiB free{life}")


def judged(syncs: Syncs, more: str = "") -> Finding:
    """Judge the times; pure."""
    figure = (
        f"{len(syncs.seconds)} s written: 99 % within {syncs.p99_seconds * 1000:.0f} ms, "
        f"longest fdatasync {syncs.longest_seconds * 1000:.0f} ms{more}"
    )
    if syncs.longest_seconds > LONGEST_SECONDS_MAX:
        return Finding("storage", Outcome.FAIL, figure)
    slow = syncs.p99_seconds > _P99_SECONDS_MAX
    return Finding("storage", Outcome.DEGRADED if slow else Outcome.PASS, figure)


def _written(hardware: Hardware, piece: bytes, write_seconds: int) -> Syncs:
    storage = hardware.storage
    if SCRATCH_NAME in storage.names():
        storage.replace(SCRATCH_NAME, None)
    file = storage.create(SCRATCH_NAME)
    try:
        return Syncs(tuple(_one_second(hardware, file, piece) for _ in range(write_seconds)))
    finally:
        file.close()
        storage.replace(SCRATCH_NAME, None)


def _one_second(hardware: Hardware, file: StorageFile, piece: bytes) -> float:
    """Write a second's bytes, sync them, and rest for what is left of the second; gives how long it took."""
    clock = hardware.clock
    began_ns = clock.boottime_ns()
    file.append(piece)
    file.sync()
    took_seconds = (clock.boottime_ns() - began_ns) / _NS
    if took_seconds < 1:
        clock.wait(clock.signal(), 1 - took_seconds)
    return took_seconds


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return f"writing failed: {errno.errorcode.get(error.errno, error.errno)} {error.strerror}"
    return f"writing failed: {error}"
