"""An evidence medium in memory that knows what was synced, so that a power cut can take the rest."""

import errno
from collections.abc import Sequence
from random import Random

from hal.values import StorageReading

_SECTOR_BYTES = 64
"""Smaller than any medium's, as the records of the tests are."""
_LOST = 0.4


class MemoryStorage:
    """`hal.ports.Storage` in memory."""

    def __init__(self, total_bytes: int = 1 << 32) -> None:
        self.files: dict[str, bytearray] = {}
        self.synced: dict[str, int] = {}
        self.total_bytes = total_bytes
        self.reads = 0
        """Calls of `read` so far."""
        self.reading_syncs = True
        """What is read lies on the medium, as after a start; not so where a page cache stands in between."""

    def usage(self) -> StorageReading:
        used = sum(map(len, self.files.values()))
        return StorageReading(self.total_bytes, self.total_bytes - used, writable=True, life_percent=None)

    def create(self, name: str) -> "MemoryFile":
        if name in self.files:
            raise FileExistsError(errno.EEXIST, "the name is taken", name)
        self.files[name] = bytearray()
        self.synced[name] = 0
        return MemoryFile(self, name)

    def names(self) -> Sequence[str]:
        return sorted(self.files)

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        self.reads += 1
        if name not in self.files:
            raise FileNotFoundError(errno.ENOENT, "no such file", name)
        if self.reading_syncs:
            self.synced[name] = len(self.files[name])
        return bytes(self.files[name][offset_bytes : offset_bytes + length_bytes])

    def replace(self, name: str, new_name: str | None) -> None:
        data = self.files.pop(name)
        synced = self.synced.pop(name)
        if new_name is not None:
            self.files[new_name], self.synced[new_name] = data, synced

    def forget_unsynced(self, name: str) -> None:
        """Do what a kernel does with pages that the medium refused: they count as written, and were not.

        What a reader finds who reads from the medium itself: the length is known, the bytes are not.
        """
        data, synced = self.files[name], self.synced[name]
        data[synced:] = bytes(len(data) - synced)

    def lose_unsynced(self, kept: float, *, zeros: bool = False) -> None:
        """Do what a power cut may: keep a part of what was not synced; the rest is gone, or reads as zeros."""
        for name, data in self.files.items():
            synced = self.synced[name]
            keep = synced + int((len(data) - synced) * kept)
            lost = len(data) - keep
            del data[keep:]
            if zeros:
                data.extend(bytes(lost))
            self.synced[name] = len(data)

    def lose_sectors(self, chance: Random) -> None:
        """Do what a power cut may do to a long append: any of its sectors is there or reads as zeros, in no order."""
        for name, data in self.files.items():
            for start in range(self.synced[name], len(data), _SECTOR_BYTES):
                if chance.random() < _LOST:
                    end = min(start + _SECTOR_BYTES, len(data))
                    data[start:end] = bytes(end - start)
            self.synced[name] = len(data)

    def copy(self) -> "MemoryStorage":
        """An independent medium with the same files."""
        other = MemoryStorage(self.total_bytes)
        other.files = {name: bytearray(data) for name, data in self.files.items()}
        other.synced = {name: len(data) for name, data in self.files.items()}
        return other


class MemoryFile:
    """`hal.ports.StorageFile` in memory."""

    def __init__(self, storage: MemoryStorage, name: str) -> None:
        self._storage = storage
        self.name = name

    def append(self, data: bytes | memoryview) -> None:
        self._storage.files[self.name].extend(data)

    def sync(self) -> None:
        self._storage.synced[self.name] = len(self._storage.files[self.name])

    def close(self) -> None:
        """Nothing to give back."""
