"""Beginnings and ends of files: which record may stand where (step 11 of `FORMAT.md`, section 8).

Rules of this module: no I/O; only records whose signature held and that carry the chain on come here.
"""

from __future__ import annotations

from collections.abc import Callable

from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.records import Boot, Close, FileKind, FileOrigin, Fragment, Open, RecordType, Torn

_WITHOUT_PAYLOAD = frozenset(
    {
        RecordType.BOOT,
        RecordType.EPOCH,
        RecordType.OPEN,
        RecordType.CLOSE,
        RecordType.TICK,
        RecordType.ANCHOR,
        RecordType.RECEIPT,
        RecordType.DELETE,
        RecordType.HALT,
        RecordType.TORN,
    }
)
_SECOND = {FileOrigin.START: RecordType.BOOT, FileOrigin.FAULT: RecordType.TORN}
_SECOND_ONLY = frozenset(_SECOND.values())


def payload_fault(header: RecordHeader) -> str | None:
    """Say what is wrong with a record's having or not having a payload (SF-36); None where nothing is."""
    if header.type is RecordType.FRAGMENT and header.payload_length == 0:
        return "a FRAGMENT without a payload"
    if header.type in _WITHOUT_PAYLOAD and header.payload_length:
        return f"a payload on {header.type.name}, which has none"
    return None


class Borders:
    """Follows files and their records.

    Args:
        findings: Where faults go.
        bound: Says how much can be missing where the chain just ended.
    """

    def __init__(self, findings: Findings, bound: Callable[[], str]) -> None:
        self._findings = findings
        self._bound = bound
        self._last: RecordType | None = None
        self._before_last: RecordType | None = None
        self._generation = 0
        self._open: Open | None = None
        self._known_before_open = False
        self._stopped_in_order = False
        self.grades: set[bool] = set()
        """What BOOT records say of being simulated."""

    @property
    def halted(self) -> bool:
        """Whether the last two records are the orderly end of the agent (SF-40)."""
        return (self._before_last, self._last) == (RecordType.HALT, RecordType.CLOSE)

    def begin_file(self) -> None:
        """Forget the file before: its OPEN says nothing of this one."""
        self._open = None

    def record(self, header: RecordHeader, index: int, place: Place, generation: int) -> None:
        """Check a record against those before it.

        Args:
            header: The record.
            index: Its position in the file, from 0.
            place: Where it stands.
            generation: `Links.generation`: what came before is unknown where it changed.
        """
        known = generation == self._generation
        self._generation = generation
        if index == 0:
            self._first(header, place, known=known)
        else:
            self._later(header, index, place, known=known)
        body = header.body
        if isinstance(body, Boot):
            self._boot(header, body, place)
        if isinstance(body, Torn):
            detail = f"the medium failed ({body.code}) while file {body.torn_file} was written"
            self._findings.add(Code.MEDIUM_FAULT, place, detail)
        self._before_last, self._last = self._last, header.type

    def _first(self, header: RecordHeader, place: Place, *, known: bool) -> None:
        body = header.body
        self._open = body if isinstance(body, Open) else None
        self._known_before_open = known
        self._stopped_in_order = self.halted
        if not isinstance(body, Open):
            self._malformed(place, f"the file begins with {header.type.name}, not with OPEN")  # SF-16
            return
        if body.origin is FileOrigin.NEXT and known and self._last is not RecordType.CLOSE:
            self._malformed(place, "the file before does not end with CLOSE")  # SF-31
        if (body.kind is FileKind.FOOTAGE) is not (body.run is not None):
            self._malformed(place, f"a {body.kind} file {'with' if body.run else 'without'} facts of a run")
        if body.kind is FileKind.FOOTAGE and body.ledger_receipts:
            self._malformed(place, "a footage file names receipts of ledger files")  # SF-34
        if body.origin is FileOrigin.START and body.kind is not FileKind.LEDGER:
            self._malformed(place, "a start opens a footage file")  # SF-29

    def _later(self, header: RecordHeader, index: int, place: Place, *, known: bool) -> None:
        if isinstance(header.body, Open):
            self._malformed(place, "OPEN inside a file")
        if known and self._last is RecordType.CLOSE:
            self._malformed(place, f"{header.type.name} behind CLOSE")  # SF-16
        if known and self._last is RecordType.HALT and not isinstance(header.body, Close):
            self._malformed(place, f"{header.type.name} behind HALT, where only CLOSE may stand")  # SF-40
        wanted = None if self._open is None or index != 1 else _SECOND.get(self._open.origin)
        if wanted is not None and header.type is not wanted:
            self._malformed(place, f"{header.type.name} where {wanted.name} has to stand")  # SF-29, SF-30, SF-31
        if self._open is not None and wanted is None and header.type in _SECOND_ONLY:
            self._malformed(place, f"{header.type.name} where none may stand")
        if isinstance(header.body, Fragment) and self._open is not None and self._open.kind is not FileKind.FOOTAGE:
            self._malformed(place, "FRAGMENT in a ledger file")

    def _boot(self, header: RecordHeader, body: Boot, place: Place) -> None:
        self.grades.add(body.simulated)
        if body.boot_number != header.boot_number:
            self._malformed(place, f"BOOT {body.boot_number} in boot {header.boot_number}")
        untrue = body.clean and self._known_before_open and (body.torn_bytes or not self._stopped_in_order)
        if untrue and header.sequence > _FIRST_BOOT:  # SF-40
            self._malformed(place, "BOOT claims a clean stop, and the records before it show none")
        if not body.clean:
            detail = f"the agent had stopped without an orderly end ({body.reason}); {self._bound()}"
            self._findings.add(Code.UNCLEAN_STOP, place, detail)

    def _malformed(self, place: Place, detail: str) -> None:
        self._findings.add(Code.MALFORMED, place, detail)


_FIRST_BOOT = 2
"""Sequence number of the BOOT of a chain's first start."""
