"""DR-10 to DR-15: the evidence medium."""

# ruff: noqa: S101 -- assert is how a test speaks, and expected values are literals

from __future__ import annotations

import pytest

from hal.conformance.rig import Fate, Rig, RigConformance
from hal.errors import StorageFullError
from hal.ports import Hardware

_TRIES = 6


class StorageConformance(RigConformance):
    """Append-only files in one flat directory."""

    def test_what_is_appended_and_synced_is_read_back(self, hardware: Hardware) -> None:
        """DR-10: every byte, in order, over several appends."""
        file = hardware.storage.create("00000001.evs")
        assert file.name == "00000001.evs"
        parts = [bytes([number]) * (1 << number) for number in range(16)]
        for part in parts:
            file.append(part)
        file.sync()
        assert hardware.storage.read("00000001.evs", 0, 1 << 20) == b"".join(parts)
        file.close()

    def test_a_file_is_made_once_and_only_here(self, hardware: Hardware) -> None:
        """DR-11: a taken name and a path are refused, and nothing is lost by trying."""
        file = hardware.storage.create("00000001.evs")
        file.append(b"kept")
        with pytest.raises(FileExistsError):
            hardware.storage.create("00000001.evs")
        file.close()
        for name in ("../00000002.evs", "folder/00000002.evs"):
            with pytest.raises(OSError):  # noqa: PT011 -- which errno is the driver's affair
                hardware.storage.create(name)
        assert list(hardware.storage.names()) == ["00000001.evs"]
        assert hardware.storage.read("00000001.evs", 0, 9) == b"kept"

    def test_a_read_is_short_only_at_the_end(self, hardware: Hardware) -> None:
        """DR-12: any stretch can be read; behind the end there is nothing."""
        file = hardware.storage.create("00000001.evs")
        file.append(bytes(range(100)))
        file.close()
        read = hardware.storage.read
        assert read("00000001.evs", 10, 20) == bytes(range(10, 30))
        assert read("00000001.evs", 90, 20) == bytes(range(90, 100))
        assert read("00000001.evs", 100, 20) == b""
        with pytest.raises(OSError):  # noqa: PT011 -- which errno is the driver's affair
            read("00000002.evs", 0, 1)

    def test_files_are_listed_renamed_and_freed(self, hardware: Hardware) -> None:
        """DR-13: names come sorted; a new name holds the old bytes; a freed file is gone."""
        storage = hardware.storage
        for number in (3, 1, 2):
            file = storage.create(f"0000000{number}.evs")
            file.append(bytes([number]))
            file.close()
        assert list(storage.names()) == ["00000001.evs", "00000002.evs", "00000003.evs"]
        storage.replace("00000002.evs", "00000002.torn")
        storage.replace("00000001.evs", None)
        assert list(storage.names()) == ["00000002.torn", "00000003.evs"]
        assert storage.read("00000002.torn", 0, 9) == b"\x02"

    def test_usage_falls_with_what_is_written(self, hardware: Hardware) -> None:
        """DR-14: the agent may plan by `free_bytes`; closing twice harms nothing."""
        fell_bytes = list[int]()
        while not any(fell > 0 for fell in fell_bytes):
            # Somebody else on the same medium may free as much in this very moment, but not each time.
            assert len(fell_bytes) < _TRIES, f"free_bytes fell by {fell_bytes} when 8 MiB were written"
            before = hardware.storage.usage()
            file = hardware.storage.create(f"{len(fell_bytes):08d}.evs")
            file.append(bytes(8 << 20))
            file.sync()
            file.close()
            file.close()
            after = hardware.storage.usage()
            assert after.writable
            assert after.total_bytes == before.total_bytes
            assert 0 <= after.free_bytes <= after.total_bytes
            fell_bytes.append(before.free_bytes - after.free_bytes)

    def test_a_full_medium_says_so(self, rig: Rig, hardware: Hardware) -> None:
        """DR-15: StorageFullError, which is an OSError, and the file keeps what it had."""
        file = hardware.storage.create("00000001.evs")
        file.append(b"kept")
        file.sync()
        rig.do(Fate.FILL_STORAGE)
        with pytest.raises(StorageFullError) as full:
            file.append(bytes(16 << 20))
        assert isinstance(full.value, OSError)
        assert hardware.storage.read("00000001.evs", 0, 4) == b"kept"
        file.close()
