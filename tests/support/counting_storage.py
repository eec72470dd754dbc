"""An evidence medium that takes everything, counts it and keeps nothing."""

from collections.abc import Sequence

from hal.values import StorageReading


class CountingStorage:
    """`hal.ports.Storage` for measurements of the writer alone; nothing can be read back."""

    def __init__(self) -> None:
        self.bytes = 0
        self.appends = 0
        self._names: list[str] = []

    def usage(self) -> StorageReading:
        return StorageReading(1 << 50, 1 << 49, writable=True, life_percent=None)

    def create(self, name: str) -> "CountingFile":
        self._names.append(name)
        return CountingFile(self, name)

    def names(self) -> Sequence[str]:
        return tuple(self._names)

    def read(self, name: str, offset_bytes: int, length_bytes: int) -> bytes:
        raise AssertionError(f"{name} was counted, not kept")

    def replace(self, name: str, new_name: str | None) -> None:
        raise AssertionError(f"{name} was counted, not kept")


class CountingFile:
    """`hal.ports.StorageFile` that counts."""

    def __init__(self, storage: CountingStorage, name: str) -> None:
        self._storage = storage
        self.name = name

    def append(self, data: bytes | memoryview) -> None:
        self._storage.bytes += len(data)
        self._storage.appends += 1

    def sync(self) -> None:
        """Nothing to put anywhere."""

    def close(self) -> None:
        """Nothing to give back."""
