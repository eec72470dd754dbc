"""What a spool holds, and what was promised of it: bytes that the medium confirmed before the power went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sealing.framing import RecordHeader, open_header
from sealing.reader import CutOffError, SealedFile
from sealing.records import Fragment
from sealing.report import Report
from sealing.trust import Trust
from sealing.verifier import verify_chain

Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Placed:
    """A record and where it ends in its file."""

    file: str
    end_bytes: int
    header: RecordHeader


def records(spool: Path) -> Iterator[Placed]:
    """Every whole record, in the chain's order."""
    for path in sorted(spool.glob("*.evs")):
        with SealedFile(path) as file:
            file.check_magic()
            while (header := _next(file)) is not None:
                yield Placed(path.name, file.next_offset_bytes, header)


def bodies(spool: Path, kind: type[Body]) -> list[Body]:
    """Every body of a kind, in the chain's order."""
    return [placed.header.body for placed in records(spool) if isinstance(placed.header.body, kind)]


def _next(file: SealedFile) -> RecordHeader | None:
    try:
        record = file.next_record()
    except CutOffError:
        return None
    return None if record is None else open_header(record.header)[1]


@dataclass
class Promises:
    """What the unit's storage said was on the medium, over all its starts."""

    kept: dict[str, bytes] = field(default_factory=dict)
    """Each file's beginning as it was found when it was looked at last."""
    fragments: int = 0
    """Fragments among what was promised and found, in all."""

    def hold(self, spool: Path, synced: dict[str, int], trust: Trust) -> Report:
        """Check that everything promised is there, is what it was before, and verifies."""
        for name, beginning in self.kept.items():
            assert (spool / name).read_bytes()[: len(beginning)] == beginning, f"{name} was changed"
        for name, size in synced.items():
            data = (spool / name).read_bytes()
            assert len(data) >= size, f"{name}: {size} bytes were on the medium, {len(data)} are"
            self.kept[name] = data[: max(size, len(self.kept.get(name, b"")))]
        report = verify_chain([spool], trust)
        verified = {placed.header.sequence for placed in records(spool)}
        assert report.last_sequence == max(verified)
        promised = [placed for placed in records(spool) if placed.end_bytes <= len(self.kept.get(placed.file, b""))]
        self.fragments = sum(isinstance(placed.header.body, Fragment) for placed in promised)
        return report
