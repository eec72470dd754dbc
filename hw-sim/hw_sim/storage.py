"""The evidence medium: a real directory behind a disk with a quota, that stalls, fails, fills and loses power.

Rules of this module: what was appended and not synced is lost, wholly or in part, when the power goes; what was synced
never is. The driver has no setters; `Medium` is the world's side.
"""

from __future__ import annotations

import errno
import os
import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from hal.errors import PermanentHardwareError, StorageFullError
from hal.values import StorageReading
from hw_sim.civil import NANOSECONDS
from hw_sim.clock import SimClock
from hw_sim.errors import SimulationError

OPERATIONS = ("append", "sync", "create", "read", "replace", "names")
"""Tags by which one operation can be made to fail."""


class Medium:
    """The disk as the world has it.

    Args:
        directory: Where the files really are; made when absent.
        clock: The world's clock: a slow disk takes the world's time.
        quota_bytes: Size of the disk.
        sync_seconds: World time that one sync takes.
        seed: Decides how much of an unsynced tail survives a loss of power.

    Raises:
        PermanentHardwareError: The directory cannot be made or read.
    """

    def __init__(
        self,
        directory: Path,
        clock: SimClock,
        quota_bytes: int = 32 << 30,
        *,
        sync_seconds: float = 0.004,
        seed: int = 0,
    ) -> None:
        self.directory = directory
        self.clock = clock
        self.quota_bytes = quota_bytes
        self.sync_seconds = sync_seconds
        self.read_only = False
        self.gone = False
        self.lock = threading.Lock()
        self.unsettled_files: dict[str, MediumFile] = {}
        self._random = random.Random(seed)
        self._stalled_until_ns = 0
        self._failures: deque[tuple[str, int]] = deque()
        self._cut: tuple[str, Callable[[], None]] | None = None
        self._other_bytes = 0
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._sizes = {entry.name: entry.stat().st_size for entry in os.scandir(directory) if entry.is_file()}
        except OSError as error:
            raise PermanentHardwareError(f"spool {directory} cannot be used: {error}; check its path") from error

    @property
    def used_bytes(self) -> int:
        """Bytes on the disk, those of others included."""
        return sum(self._sizes.values()) + self._other_bytes

    def stall(self, seconds: float) -> None:
        """Let every write and sync of the next `seconds` wait until they are over."""
        self._stalled_until_ns = max(self._stalled_until_ns, self.clock.world_ns + round(seconds * NANOSECONDS))

    def fill(self, free_bytes: int) -> None:
        """Let something else fill the disk so that `free_bytes` are left."""
        with self.lock:
            self._other_bytes = max(0, self.quota_bytes - sum(self._sizes.values()) - free_bytes)

    def fail_next(self, operation: str, error: int) -> None:
        """Let the next `operation` (of `OPERATIONS`) fail with an errno; several queue up.

        Raises:
            SimulationError: There is no such operation.
        """
        if operation not in OPERATIONS:
            raise SimulationError(f"no storage operation {operation!r}; there are {', '.join(OPERATIONS)}")
        with self.lock:
            self._failures.append((operation, error))

    def recover(self) -> None:
        """Work again: what was still to fail does not, a stall is over, writes are taken."""
        with self.lock:
            self._failures.clear()
            self._stalled_until_ns = 0
            self.read_only = False

    def cut_during(self, operation: str, cut_power: Callable[[], None]) -> None:
        """Let the power go in the middle of the next `append`, `sync` or `create`."""
        self._cut = (operation, cut_power)

    def takes_cut(self, operation: str) -> Callable[[], None] | None:
        """What cuts the power in the middle of this operation, when it is the one."""
        if self._cut is None or self._cut[0] != operation:
            return None
        cut_power, self._cut = self._cut[1], None
        return cut_power

    def some_of(self, data: bytes | memoryview) -> bytes | memoryview:
        """The part of a write that reached the medium before the power went."""
        return data[: self._random.randint(0, len(data))]

    def lose_power(self) -> None:
        """Nothing is written any more, and each unsynced tail is cut somewhere."""
        with self.lock:
            self.gone = True
            for name, file in self.unsettled_files.items():
                kept = file.synced_bytes + self._random.randint(0, file.size_bytes - file.synced_bytes)
                os.truncate(self.directory / name, kept)

    def admit(self, operation: str, name: str, write_bytes: int = 0, *, writes: bool = False) -> None:
        """Let an operation pass: wait out a stall, then raise what is wrong with the disk."""
        while writes and (late_ns := self._stalled_until_ns - self.clock.world_ns) > 0:
            self.clock.sleep(late_ns / NANOSECONDS)
        with self.lock:
            if self.gone:
                raise OSError(errno.ENODEV, "the medium is gone", name)
            if writes and self.read_only:
                raise OSError(errno.EROFS, "the medium has become read-only", name)
            if self._failures and self._failures[0][0] == operation:
                _raise(self._failures.popleft()[1], name)
            if writes and self.used_bytes + write_bytes > self.quota_bytes:
                raise StorageFullError(errno.ENOSPC, f"no room for {write_bytes} bytes", name)

    def grew(self, name: str, size_bytes: int) -> None:
        """Account a file's size; under the lock."""
        self._sizes[name] = size_bytes

    def forget(self, name: str, new_name: str | None) -> None:
        """Account a file's removal or renaming; under the lock."""
        size_bytes = self._sizes.pop(name, 0)
        unsettled = self.unsettled_files.pop(name, None)
        if new_name is not None:
            self._sizes[new_name] = size_bytes
            if unsettled is not None:
                self.unsettled_files[new_name] = unsettled


class MediumFile:
    """One file being written: `hal.ports.StorageFile`."""

    def __init__(self, medium: Medium, name: str) -> None:
        self._medium = medium
        self._name = name
        self._descriptor = os.open(medium.directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        self.size_bytes = 0
        self.synced_bytes = 0
        with medium.lock:
            medium.unsettled_files[name] = self
            medium.grew(name, 0)

    @property
    def name(self) -> str:
        """The file's name inside the spool."""
        return self._name

    def append(self, data: bytes | memoryview) -> None:
        """Append all of `data` with one write."""
        self._medium.admit("append", self._name, len(data), writes=True)
        with self._medium.lock:
            self._refuse_when_closed()
            if self._medium.gone:
                raise OSError(errno.ENODEV, "the medium is gone", self._name)
            cut_power = self._medium.takes_cut("append")
            written = os.write(self._descriptor, data if cut_power is None else self._medium.some_of(data))
            self.size_bytes += written
            self._medium.grew(self._name, self.size_bytes)
        if cut_power is not None:
            cut_power()
        if written != len(data):
            raise OSError(errno.EIO, f"short write: {written} of {len(data)} bytes", self._name)

    def sync(self) -> None:
        """Put everything appended on the medium."""
        self._refuse_when_closed()
        size_bytes = self.size_bytes
        if self._medium.sync_seconds > 0:
            self._medium.clock.sleep(self._medium.sync_seconds)
        self._medium.admit("sync", self._name, writes=True)
        if (cut_power := self._medium.takes_cut("sync")) is not None:
            cut_power()
        os.fdatasync(self._descriptor)
        with self._medium.lock:
            if self._medium.gone:
                raise OSError(errno.ENODEV, "the medium is gone", self._name)
            self.synced_bytes = max(self.synced_bytes, size_bytes)

    def close(self) -> None:
        """Give the handle back; idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            with self._medium.lock:
                # Closing does not sync: an unsynced tail stays at stake.
                if self.synced_bytes == self.size_bytes:
                    self._medium.unsettled_files.pop(self._name, None)

    def _refuse_when_closed(self) -> None:
        if self._descriptor < 0:
            raise OSError(errno.EBADF, "the file is closed", self._name)


class SimStorage:
    """The evidence medium: `hal.ports.Storage`."""

    def __init__(self, medium: Medium) -> None:
        self._medium = medium

    def usage(self) -> StorageReading:
        """Measure the medium."""
        medium = self._medium
        if medium.gone:
            raise PermanentHardwareError(f"the medium under {medium.directory} is gone")
        real = os.statvfs(medium.directory)
        free_bytes = max(0, min(medium.quota_bytes - medium.used_bytes, real.f_bavail * real.f_frsize))
        return StorageReading(medium.quota_bytes, free_bytes, writable=not medium.read_only, life_percent=None)

    def create(self, name: str) -> MediumFile:
        """Make a new empty file."""
        path = self._path(name)
        self._medium.admit("create", name, writes=True)
        if path.exists():
            raise FileExistsError(errno.EEXIST, "files are never reopened for writing", name)
        file = MediumFile(self._medium, name)
        if (cut_power := self._medium.takes_cut("create")) is not None:
            cut_power()
        self._sync_directory()
        return file

    def names(self) -> Sequence[str]:
        """Names of all files in the spool, sorted."""
        self._medium.admit("names", str(self._medium.directory))
        return sorted(entry.name for entry in os.scandir(self._medium.directory) if entry.is_file())

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        """Read up to `length_bytes` from `offset_bytes`."""
        self._medium.admit("read", name)
        with self._path(name).open("rb") as file:
            file.seek(offset_bytes)
            return file.read(length_bytes)

    def replace(self, name: str, new_name: str | None) -> None:
        """Rename a file, or unlink it."""
        path = self._path(name)
        self._medium.admit("replace", name, writes=True)
        with self._medium.lock:
            if new_name is None:
                path.unlink()
            else:
                path.replace(self._path(new_name))
            self._medium.forget(name, new_name)
        self._sync_directory()

    def _path(self, name: str) -> Path:
        if not name or Path(name).name != name:
            raise OSError(errno.EINVAL, "the spool is one flat directory", name)
        return self._medium.directory / name

    def _sync_directory(self) -> None:
        descriptor = os.open(self._medium.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _raise(error: int, name: str) -> None:
    if error == errno.ENOSPC:
        raise StorageFullError(error, os.strerror(error), name)
    raise OSError(error, os.strerror(error), name)
