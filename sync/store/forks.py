"""Forked chains: what the store holds of both sides, and the folder that proves it to anybody (SY-32, SY-17).

Rules of this module: reads everything, changes nothing. Both sides are verified before a folder is written: what the
store cannot prove it does not export.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from sealing.errors import SealingError
from sealing.fork_proof import ForkProofError, ShownRecord, find_record, judge_record, prove_fork, write_record
from sealing.framing import file_name, open_header
from sealing.reader import CutOffError, SealedFile
from sealing.records import Open
from sealing.suites import suite
from sealing.trust import AGENCY_CA_FILE, HEADS_FOLDER, RECEIPTS_FOLDER, STORE_RECEIPT_FILE
from sync.errors import StoreError
from sync.inbox import receipt_name, statement_name
from sync.store.content import Content
from sync.store.fork_words import README
from sync.store.intake import Intake
from sync.store.register import Register, Seen
from sync.store.vault import Name
from sync.witness import Witnessed

FORK_CODE: Final = "fork"
_SIDES: Final = ("one", "other")
_SOURCES: Final = ("promised", "told", "parked")
"""What the store has signed for comes first."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the records that stand for one number."""

    record_hash: bytes
    source: str
    """promised, parked or told."""
    file: Name | None = None
    """The file that it stands in, where the store has it."""
    told: Seen | None = None
    """What the unit told and the store answered, where it did."""


@dataclass(frozen=True, slots=True)
class FoundFork:
    """Two or more records for one number of one unit."""

    device_id: str
    sequence: int
    sides: tuple[Side, ...]


class Forks:
    """Finds and exports forks.

    Args:
        intake: The store, open.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._register = Register(intake.ledger)

    def found(self) -> tuple[FoundFork, ...]:
        """Every fork that the store can name: by what was told, and by what was parked for it.

        Raises:
            OSError: Content cannot be read.
        """
        places: dict[tuple[str, int], dict[bytes, Side]] = {}
        for fork in self._register.forks():
            sides = places.setdefault((fork.device_id, fork.sequence), {})
            sides.update({each: self._side(fork.device_id, fork.sequence, each) for each in fork.hashes})
        for parked in self._intake.ledger.parked():
            if parked.code == FORK_CODE:
                for sequence, sides in self._against(Name(parked.device_id, parked.file_id)):
                    places.setdefault((parked.device_id, sequence), {}).update(sides)
        return tuple(FoundFork(*place, tuple(sides.values())) for place, sides in sorted(places.items()))

    def export(self, device_id: str, sequence: int, folder: Path) -> FoundFork:
        """Write both sides into a new folder, with all that a stranger needs to believe them.

        Args:
            device_id: The unit.
            sequence: The number that stands twice.
            folder: Must not exist, or be empty.

        Raises:
            StoreError: There is no such fork here, the folder is in use, or the store cannot prove both sides.
            OSError: It cannot be written.
        """
        fork = next((each for each in self.found() if (each.device_id, each.sequence) == (device_id, sequence)), None)
        if fork is None:
            raise StoreError(f"no fork at record {sequence} of {device_id}; see `recorder-store forks`")
        if folder.exists() and any(folder.iterdir()):
            raise StoreError(f"{folder} is not empty; name a new folder")
        with TemporaryDirectory(prefix="fork-") as scratch:
            proved = list(self._proved(fork, Path(scratch)))
            if len(proved) < len(_SIDES):
                raise StoreError(
                    f"record {sequence} of {device_id}: the store has not both sides with their signatures"
                )
            prove_fork(proved[0][1], proved[1][1], self._intake.trust)
            folder.mkdir(parents=True, exist_ok=True)
            for name, (_, shown, file) in zip(_SIDES, proved, strict=False):
                _write_side(folder / name, shown, file)
            self._write_said(folder / "witness", proved[0][0])
        self._write_trust(folder)
        facts = _facts(fork, [side for side, _, _ in proved[: len(_SIDES)]])
        (folder / "fork.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        (folder / "README.txt").write_text(README.format(**facts), encoding="utf-8")
        return fork

    def _side(self, device_id: str, sequence: int, record_hash: bytes) -> Side:
        told = next(
            (
                one
                for seen_as in Witnessed
                for one in self._register.witnessed(seen_as, device_id)
                if (one.sequence, one.record_hash, one.proved) == (sequence, record_hash, True)
            ),
            None,
        )
        row = self._promised(device_id, sequence)
        if row is not None and self._hashes(row, self._intake.vault.content(row)).get(sequence) == record_hash:
            return Side(record_hash, "promised", row, told)
        return Side(record_hash, "told", None, told)

    def _promised(self, device_id: str, sequence: int) -> Name | None:
        for row in self._intake.ledger.files(device_id):
            if row["first_sequence"] <= sequence <= row["last_sequence"]:
                return Name(device_id, row["file_id"].hex())
        return None

    def _against(self, parked: Name) -> Iterator[tuple[int, dict[bytes, Side]]]:
        """The first number at which a parked file contradicts what was promised, and what was told."""
        mine = self._hashes(parked, self._intake.vault.parked_content(parked))
        for row in self._intake.ledger.files(parked.device_id):
            held = Name(parked.device_id, row["file_id"].hex())
            shared = [one for one in mine if row["first_sequence"] <= one <= row["last_sequence"]]
            theirs = self._hashes(held, self._intake.vault.content(held)) if shared else {}
            differing = next((one for one in shared if theirs.get(one, mine[one]) != mine[one]), None)
            if differing is not None:
                both = (Side(theirs[differing], "promised", held), Side(mine[differing], "parked", parked))
                yield differing, {side.record_hash: side for side in both}
                break
        for told in self._register.witnessed(Witnessed.HEAD, parked.device_id):
            if told.proved and mine.get(told.sequence, told.record_hash) != told.record_hash:
                both = (Side(told.record_hash, "told", None, told), Side(mine[told.sequence], "parked", parked))
                yield told.sequence, {side.record_hash: side for side in both}

    def _hashes(self, name: Name, content: Content) -> dict[int, bytes]:
        """Hash of every record of a file, as far as it can be read, by number."""
        with TemporaryDirectory(prefix="fork-") as scratch:
            path = _fetched(content, Path(scratch) / f"{name.file_id}.evs")
            return {} if path is None else _hashes(path)

    def _proved(self, fork: FoundFork, scratch: Path) -> Iterator[tuple[Side, ShownRecord, Path | None]]:
        """The sides whose signatures hold; a file is preferred to what was told of it."""
        for side in sorted(fork.sides, key=lambda each: _SOURCES.index(each.source)):
            path = None if side.file is None else self._file(side, scratch)
            shown = None if path is None else find_record(path, fork.sequence)
            if shown is None and side.told is not None and side.told.record and side.told.opening:
                shown = ShownRecord(side.told.opening, side.told.record)
            if shown is None:
                continue
            try:
                judge_record(shown, self._intake.trust)
            except ForkProofError:
                continue
            yield side, shown, path

    def _file(self, side: Side, scratch: Path) -> Path | None:
        name, vault = side.file, self._intake.vault
        if name is None:
            return None
        content = vault.parked_content(name) if side.source == "parked" else vault.content(name)
        return _fetched(content, scratch / f"{name.file_id}.evs")

    def _write_said(self, folder: Path, side: Side) -> None:
        """What the store itself has signed about a side: a receipt, a statement."""
        if side.told is not None:
            (folder / HEADS_FOLDER).mkdir(parents=True, exist_ok=True)
            name = statement_name(side.told.sequence, Witnessed.HEAD)
            (folder / HEADS_FOLDER / name).write_bytes(side.told.statement)
        receipt = None if side.file is None else self._receipt(side.file)
        if receipt is not None:
            (folder / RECEIPTS_FOLDER).mkdir(parents=True, exist_ok=True)
            (folder / RECEIPTS_FOLDER / receipt_name(receipt[0])).write_bytes(receipt[1])

    def _receipt(self, name: Name) -> tuple[int, bytes] | None:
        rows = self._intake.ledger.files(name.device_id)
        found = (row for row in rows if row["file_id"].hex() == name.file_id)
        return next(((row["file_number"], row["receipt"]) for row in found), None)

    def _write_trust(self, folder: Path) -> None:
        trust = self._intake.trust
        cas = b"".join(each.public_bytes(Encoding.PEM) for each in trust.agency_cas)
        for name in ("trust", "witness"):
            (folder / name).mkdir(exist_ok=True)
            (folder / name / AGENCY_CA_FILE).write_bytes(cas)
            if trust.store_receipt is not None:
                (folder / name / STORE_RECEIPT_FILE).write_bytes(trust.store_receipt.public_bytes(Encoding.PEM))


def _fetched(content: Content, path: Path) -> Path | None:
    if content.size_bytes() is None:
        return None
    with path.open("wb") as file:
        for piece in content.pieces():
            file.write(piece)
    return path


def _hashes(path: Path) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    try:
        with SealedFile(path) as file:
            file.check_magic()
            used = None
            while (record := file.next_record()) is not None:
                header = open_header(record.header)[1]
                if isinstance(header.body, Open):
                    used = suite(header.body.suite)
                if used is not None:
                    found[header.sequence] = used.digest(record.header)
    except CutOffError:
        return found
    except SealingError:
        return {}
    return found


def _write_side(folder: Path, shown: ShownRecord, file: Path | None) -> None:
    folder.mkdir()
    write_record(folder, shown)
    if file is not None:
        opened = open_header(shown.opening)[1].body
        number = opened.file_number if isinstance(opened, Open) else 0
        shutil.copyfile(file, folder / file_name(number))


def _facts(fork: FoundFork, sides: list[Side]) -> dict[str, object]:
    return {
        "device_id": fork.device_id,
        "sequence": fork.sequence,
        "one": sides[0].record_hash.hex(),
        "one_source": sides[0].source,
        "other": sides[1].record_hash.hex(),
        "other_source": sides[1].source,
    }
