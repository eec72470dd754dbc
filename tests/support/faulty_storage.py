"""A medium that fails when a test wants it to: at the n-th operation, from it on, or until it is told to work again.

Two ways to fail. «Error»: the operation raises OSError, with or without having done a part of its work. «Power cut»:
the operation raises `PowerCutError`, and so does everything after it; the test then starts again on what is there.
"""

import errno
import os
from collections.abc import Callable, Sequence

from hal.ports import Storage, StorageFile
from hal.values import StorageReading


class PowerCutError(BaseException):
    """The power is gone: nobody may catch this and go on."""


class FaultyStorage:
    """Wraps a storage and counts its writing operations: create, append, sync, replace."""

    def __init__(self, inner: Storage) -> None:
        self._inner = inner
        self.operations: list[str] = []
        """Every writing operation that was asked for, by name."""
        self.unsynced: dict[str, int] = {}
        """Bytes appended to each file since its last sync."""
        self.on_refused_sync: Callable[[str], None] = lambda _: None
        """Called with the file whose bytes the medium has just refused."""
        self._fail_at: int | None = None
        self._fails_on = 1
        self._error: OSError | PowerCutError | None = None
        self._partial = 0.0
        self._always = False
        self._cut_after: int | None = None

    def fail_at(self, operation: int, code: str = "EIO", *, partial: float = 0.0, times: int = 1) -> None:
        """Let the n-th writing operation from now (from 1) raise, after a part of an append was done."""
        self._fail_at, self._fails_on = len(self.operations) + operation, times
        self._error, self._partial = _os_error(code), partial

    def cut_power_at(self, operation: int, partial: float = 0.0) -> None:
        """Let the power go at the n-th writing operation from now (from 1)."""
        self._fail_at, self._fails_on = len(self.operations) + operation, 1 << 62
        self._error, self._partial = PowerCutError(), partial

    def then_cut_power_after(self, operations: int) -> None:
        """Let the power go, too, at the n-th writing operation behind the one that was told to fail."""
        assert self._fail_at is not None
        self._cut_after = self._fail_at + operations

    def fail_everything(self, code: str) -> None:
        """Let every writing operation fail until `work_again`."""
        self._error, self._partial, self._always = _os_error(code), 0.0, True

    def work_again(self) -> None:
        """Let everything work."""
        self._error, self._fail_at, self._always = None, None, False

    def usage(self) -> StorageReading:
        return self._inner.usage()

    def create(self, name: str) -> StorageFile:
        self._step("create", lambda _: None)
        return _FaultyFile(self, self._inner.create(name))

    def names(self) -> Sequence[str]:
        return self._inner.names()

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        return self._inner.read(name, offset_bytes, length_bytes)

    def replace(self, name: str, new_name: str | None) -> None:
        self._step("replace", lambda _: None)
        self._inner.replace(name, new_name)

    def _step(self, operation: str, do_part: Callable[[float], None]) -> None:
        self.operations.append(operation)
        count = len(self.operations)
        if self._cut_after is not None and count >= self._cut_after:
            raise PowerCutError
        # Another thread may let it work again at any moment.
        error, fail_at = self._error, self._fail_at
        in_range = fail_at is not None and fail_at <= count < fail_at + self._fails_on
        if error is not None and (self._always or in_range):
            if fail_at == count:
                do_part(self._partial)
            raise error


class _FaultyFile:
    def __init__(self, storage: FaultyStorage, inner: StorageFile) -> None:
        self._storage = storage
        self._inner = inner

    @property
    def name(self) -> str:
        return self._inner.name

    def append(self, data: bytes | memoryview) -> None:
        self._storage._step("append", lambda part: self._append_part(data, part))
        self._inner.append(data)
        self._storage.unsynced[self.name] = self._storage.unsynced.get(self.name, 0) + len(data)

    def sync(self) -> None:
        self._storage._step("sync", lambda _: self._storage.on_refused_sync(self.name))
        self._inner.sync()
        self._storage.unsynced[self.name] = 0

    def close(self) -> None:
        self._inner.close()

    def _append_part(self, data: bytes | memoryview, part: float) -> None:
        length = int(len(data) * part)
        if length:
            self._inner.append(data[:length])


def _os_error(code: str) -> OSError:
    number = getattr(errno, code)
    return OSError(number, os.strerror(number))
