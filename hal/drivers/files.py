"""The spool as a directory of a real file system.

Rules of this module: files are only ever created, appended to, read, renamed and unlinked; nothing is reopened for
writing, truncated or rewritten. What a call promises to be on the medium is synced before it returns, the directory
entry included.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from hal.errors import PermanentHardwareError, StorageFullError
from hal.values import StorageReading

_FILE_MODE: Final = 0o640
_DIRECTORY_MODE: Final = 0o750
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def forget_pages(descriptor: int) -> None:
    """Let the kernel forget what it holds of a file in memory, but for what waits to be written. Raises OSError."""
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


class DirectoryStorage:
    """An evidence medium that is a directory (`hal.ports.Storage`).

    Args:
        directory: The spool; made with mode 0750 when it is not there (its parent has to be).
        forget: Makes the next read of a file come from the medium.

    Raises:
        PermanentHardwareError: The directory cannot be made.
    """

    def __init__(self, directory: Path, forget: Callable[[int], None] = forget_pages) -> None:
        self._directory = directory
        self._forget = forget
        self._believed: set[str] = set()
        """Files of which memory holds nothing that the medium has refused."""
        try:
            directory.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
        except OSError as error:
            raise PermanentHardwareError(f"spool {directory} cannot be made: {error}; check its parent") from error

    def usage(self) -> StorageReading:
        """Measure the medium; `free_bytes` is what an unprivileged writer may still use.

        Raises:
            PermanentHardwareError: The directory is gone.
        """
        try:
            found = os.statvfs(self._directory)
        except OSError as error:
            raise PermanentHardwareError(f"spool {self._directory} is gone: {error}") from error
        return StorageReading(
            total_bytes=found.f_blocks * found.f_frsize,
            free_bytes=found.f_bavail * found.f_frsize,
            writable=not found.f_flag & os.ST_RDONLY and os.access(self._directory, os.W_OK),
            life_percent=None,
        )

    def create(self, name: str) -> DirectoryFile:
        """Make a new empty file with mode 0640 (less the umask); its directory entry is durable on return.

        Raises:
            FileExistsError: The name is taken.
            StorageFullError: No room.
            OSError: The medium failed.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(self._path(name), flags, _FILE_MODE)
        except OSError as error:
            raise _translated(error) from error
        self._believed.add(name)
        file = DirectoryFile(name, descriptor, self._believed.discard)
        try:
            self._sync_directory()
        except OSError:
            file.close()
            raise
        return file

    def names(self) -> Sequence[str]:
        """Names of all regular files, sorted. Raises OSError."""
        with os.scandir(self._directory) as entries:
            return sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        """Read up to `length_bytes` from `offset_bytes`, as the medium has it (DR-38); shorter only at the end.

        Raises:
            OSError: The medium failed.
        """
        descriptor = os.open(self._path(name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            self._sync_what_was_left(name, descriptor)
            self._believe(name, descriptor)
            return _read_all(descriptor, offset_bytes, length_bytes)
        finally:
            os.close(descriptor)

    def _sync_what_was_left(self, name: str, descriptor: int) -> None:
        """A killed process leaves bytes that only memory holds; for a file without any this costs next to nothing."""
        try:
            os.fdatasync(descriptor)
        except OSError:
            self._believed.discard(name)
            raise

    def _believe(self, name: str, descriptor: int) -> None:
        """See to it that what memory holds of a file is what the medium holds.

        After a write that failed the kernel keeps the pages and takes them for written; who opens the file later is not
        even told (fsync(2), «BUGS»). Whether that befell a process before this one cannot be known.
        """
        if name not in self._believed:
            self._forget(descriptor)
            self._believed.add(name)

    def replace(self, name: str, new_name: str | None) -> None:
        """Rename a file, or unlink it when `new_name` is None; durable when it returns. Raises OSError."""
        if new_name is None:
            self._path(name).unlink()
        else:
            self._path(name).rename(self._path(new_name))
        self._believed.discard(name)
        self._sync_directory()

    def _path(self, name: str) -> Path:
        if Path(name).name != name or name in {"", ".", ".."}:
            raise OSError(errno.EINVAL, "a file of the spool is named without a path", name)
        return self._directory / name

    def _sync_directory(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class DirectoryFile:
    """One append-only file of a directory (`hal.ports.StorageFile`). Made by `DirectoryStorage.create`.

    Args:
        name: Its name.
        descriptor: Open for appending.
        doubt: Told the name when the medium has refused what was appended.
    """

    def __init__(self, name: str, descriptor: int, doubt: Callable[[str], None] = lambda _: None) -> None:
        self._name = name
        self._descriptor: int | None = descriptor
        self._doubt = doubt

    @property
    def name(self) -> str:
        """The file's name inside the spool."""
        return self._name

    def append(self, data: bytes | memoryview) -> None:
        """Append all of `data` with one write.

        Raises:
            StorageFullError: No room; a part may stand in the file.
            OSError: The medium failed, or took only a part.
        """
        try:
            written = os.write(self._open(), data)
        except OSError as error:
            raise _translated(error) from error
        if written != len(data):
            # A file system that takes a part has, as a rule, no room for the rest; the next write would say so.
            raise StorageFullError(errno.ENOSPC, f"{written} of {len(data)} bytes were taken", self._name)

    def sync(self) -> None:
        """Put everything appended on the medium (fdatasync).

        Raises:
            OSError: The medium failed; what was appended since the last sync must count as lost.
        """
        try:
            os.fdatasync(self._open())
        except OSError as error:
            self._doubt(self._name)
            raise _translated(error) from error

    def close(self) -> None:
        """Give the handle back. Idempotent; does not sync."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _open(self) -> int:
        if self._descriptor is None:
            raise OSError(errno.EBADF, "the file was closed", self._name)
        return self._descriptor


def _read_all(descriptor: int, offset_bytes: int, length_bytes: int) -> bytes:
    parts: list[bytes] = []
    while length_bytes > 0:
        part = os.pread(descriptor, length_bytes, offset_bytes)
        if not part:
            break
        parts.append(part)
        offset_bytes += len(part)
        length_bytes -= len(part)
    return b"".join(parts)


def _translated(error: OSError) -> OSError:
    if error.errno in _NO_ROOM:
        return StorageFullError(error.errno, error.strerror, error.filename)
    return error
