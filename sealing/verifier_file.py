"""One pass over one file: framing, envelopes, signatures, payloads, and its end.

Rules of this module: steps 3, 4 and 10 of `FORMAT.md`, section 8, and the end of the file; what a record says is
checked by the followers in `Chain`. Only records whose signature held and that carry the chain on reach them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sealing.cose import Sign1
from sealing.errors import BadSignatureError, MalformedError, NotSealedError, SuiteError
from sealing.fileid import FileIdentity
from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.limits import RECORDS_PER_FILE_MAX
from sealing.reader import Beginning, CutOffError, SealedFile
from sealing.records import Boot, Close, Epoch, FileOrigin, Open, Torn
from sealing.report import FileFacts
from sealing.sessions import SessionBook
from sealing.trust import UntrustedDeviceError
from sealing.verifier_anchors import Anchors
from sealing.verifier_borders import Borders, payload_fault
from sealing.verifier_contents import Contents
from sealing.verifier_deletion import Deletion, FileEnds
from sealing.verifier_keys import Keys, Vouch
from sealing.verifier_links import Links
from sealing.verifier_media import Media
from sealing.verifier_policy import PolicyWatch
from sealing.verifier_stretches import Taken, Vouchers, take
from sealing.verifier_ticks import Ticks
from sealing.verifier_times import Times
from sealing.verifier_witness import Witness


@dataclass(frozen=True, slots=True)
class Chain:
    """Everything that follows the chain over all files."""

    findings: Findings
    links: Links
    keys: Keys
    borders: Borders
    media: Media
    times: Times
    ticks: Ticks
    anchors: Anchors
    policy: PolicyWatch
    contents: Contents
    witness: Witness
    deletion: Deletion
    book: SessionBook
    every_signature: bool
    """Each record has to answer for itself."""


@dataclass(slots=True)
class _Seen:
    """What a file turned out to be so far."""

    records: int = 0
    opened: Open | None = None
    first: RecordHeader | None = None
    last: RecordHeader | None = None
    head: bytes = b""
    identity: FileIdentity | None = None
    readable: bool = True
    """Framing held to the end."""
    end_bytes: int = 0
    """Where the records that count end."""


class FileWalk:
    """Walks one file.

    Args:
        chain: The followers.
        file: The opened file.
        number: Its number by its name.
        upcoming: Beginning of the next file, as it claims.
        last: No file follows.
    """

    def __init__(self, chain: Chain, file: SealedFile, number: int, upcoming: Beginning | None, *, last: bool) -> None:
        self._chain = chain
        self._file = file
        self._name = file.path.name
        self._number = number
        self._upcoming = upcoming
        self._is_last = last
        self._seen = _Seen()
        self._stop_sequence = _stop_sequence(upcoming)

    def run(self) -> tuple[FileFacts, FileEnds | None]:
        """Read the file to its end and say what it is."""
        self._chain.borders.begin_file()
        self._chain.media.begin_file()
        if self._begins_sealed():
            while self._some():
                pass
            self._check_end()
        return self._facts()

    def _begins_sealed(self) -> bool:
        try:
            self._file.check_magic()
        except NotSealedError as error:
            self._give_up(Code.NOT_SEALED, 0, str(error))
        except MalformedError as error:
            self._give_up(Code.MALFORMED, 0, str(error))
        self._seen.end_bytes = self._file.next_offset_bytes
        return self._seen.readable

    def _stopped(self) -> bool:
        """SF-27, SF-30: what stands behind the record before a start or a fault does not count."""
        last = self._seen.last
        return last is not None and last.sequence == self._stop_sequence

    def _some(self) -> bool:
        """Take some records and judge them; tells whether there are more."""
        ahead = take(self._file, self._chain.keys.suite if self._seen.records else None)
        vouchers = Vouchers(ahead.taken, every=self._chain.every_signature)
        for index, taken in enumerate(ahead.taken):
            if self._seen.records == RECORDS_PER_FILE_MAX:
                detail = f"more than {RECORDS_PER_FILE_MAX} records in a file"
                self._stop_at(Code.MALFORMED, taken.record.offset_bytes, detail)
            else:
                self._record(taken, partial(vouchers.vouch, index))
            if not self._seen.readable or self._stopped():
                return False
        if ahead.fault is not None:
            self._cannot_be_read(ahead.fault, self._file.next_offset_bytes)
        return not ahead.at_end

    def _cannot_be_read(self, fault: MalformedError, offset: int) -> None:
        """Step 3: where the next record begins is not known."""
        torn = self._closed or isinstance(fault, CutOffError)
        self._stop_at(Code.TORN_TAIL if torn else Code.MALFORMED, offset, str(fault))

    def _record(self, taken: Taken, vouch: Vouch) -> None:
        index, closed, record = self._seen.records, self._closed, taken.record
        self._seen.records += 1
        self._seen.end_bytes = record.end_bytes
        if taken.message is None or taken.header is None:  # step 4
            self._malformed(taken, closed=closed)
        elif taken.header.payload_length != record.payload_length:  # SF-12
            detail = f"framing says {record.payload_length} bytes of payload, the header {taken.header.payload_length}"
            self._give_up(Code.MALFORMED, record.offset_bytes, detail)
            self._chain.links.skip_unreadable()
        else:
            self._believe(taken, taken.message, taken.header, index, vouch)
        if self._seen.identity is not None:
            self._seen.identity.add_record(record.prefix, record.header)

    def _malformed(self, taken: Taken, *, closed: bool) -> None:
        place = Place(self._name, self._chain.links.position, taken.record.offset_bytes)
        if isinstance(taken.fault, SuiteError):
            code = Code.SUITE_FORBIDDEN
        else:
            code = Code.TORN_TAIL if closed else Code.MALFORMED
        self._chain.findings.add(code, place, str(taken.fault))
        self._chain.links.skip_unreadable()

    def _believe(self, taken: Taken, message: Sign1, header: RecordHeader, index: int, vouch: Vouch) -> None:
        chain, body, record = self._chain, header.body, taken.record
        # Until the signature holds, the header's own number is a claim.
        place = Place(self._name, chain.links.position, record.offset_bytes)
        try:
            chain.keys.check_device(header)
        except UntrustedDeviceError as error:
            chain.findings.add(Code.WRONG_DEVICE, place, str(error))
            chain.links.skip_unreadable()
            return
        if isinstance(body, Open) and index == 0:
            self._begin(header, body, place)
        try:
            chain.keys.check_signature(message, header, place, vouch)  # step 8
        except BadSignatureError:
            chain.links.skip_unreadable()
            return
        if header.sequence != place.sequence:
            place = Place(self._name, header.sequence, record.offset_bytes)
        fault = payload_fault(header)
        if fault is not None:
            chain.findings.add(Code.MALFORMED, place, fault)
        self._check_payload(taken, header, place)
        self._follow(taken, header, index, place)

    def _begin(self, header: RecordHeader, body: Open, place: Place) -> None:
        chain = self._chain
        if body.file_number != self._number:  # SF-16
            detail = f"the file calls itself number {body.file_number}"
            chain.findings.add(Code.REPLAY_OR_REORDER, place, detail)
        chain.keys.open_file(header, body, place, continues=chain.links.continues(header))
        chain.contents.open_file(header, body, place)
        self._seen.opened = body
        self._seen.identity = FileIdentity(chain.keys.suite)

    def _check_payload(self, taken: Taken, header: RecordHeader, place: Place) -> None:
        """Step 10; the record itself still counts, so that damage stays where it is."""
        if header.payload_hash is None:
            return
        record = taken.record
        found = taken.payload_digest or self._file.payload_hash(record, self._chain.keys.suite)
        if found != header.payload_hash:
            detail = f"the payload of {record.payload_length} bytes is not the one that was sealed"
            self._chain.findings.add(Code.PAYLOAD_MODIFIED, place, detail)
            return
        if self._chain.contents.opens:
            self._chain.contents.payload(header, self._file.payload(record), place)

    def _follow(self, taken: Taken, header: RecordHeader, index: int, place: Place) -> None:
        chain, seen = self._chain, self._seen
        digest = taken.digest or chain.keys.suite.digest(taken.record.header)
        carries_on = chain.links.place(header, digest, place)
        if isinstance(header.body, Epoch):
            chain.keys.next_epoch(header, header.body, place)
        seen.first = seen.first or header
        seen.last, seen.head = header, digest
        if carries_on:
            chain.keys.advance()
            chain.borders.record(header, index, place, chain.links.generation)
            chain.media.record(header, place, chain.links.generation)
            chain.times.record(header, place)
            chain.ticks.record(header, place, chain.links.generation, chain.keys.suite, chain.keys.device_key)
            chain.anchors.record(header, digest, place)
            chain.policy.record(header, place)
            chain.witness.record(header, digest, place)
            chain.deletion.record(header, place)
            chain.book.record(header, place)

    @property
    def _closed(self) -> bool:
        return self._seen.last is not None and isinstance(self._seen.last.body, Close)

    def _stop_at(self, code: Code, offset: int, detail: str) -> None:
        """A record that cannot be read on: it may stand for one that is expected, what is behind it is missing."""
        self._give_up(code, offset, detail)
        if not self._closed:
            self._chain.links.skip_unreadable()

    def _give_up(self, code: Code, offset: int, detail: str) -> None:
        self._chain.findings.add(code, Place(self._name, self._chain.links.position, offset), detail)
        self._seen.readable = False

    def _check_end(self) -> None:
        if not self._seen.readable:
            return
        if self._seen.records == 0:
            self._give_up(Code.TORN_TAIL, self._seen.end_bytes, "not one record in the file")
            return
        torn_bytes = self._file.size_bytes - self._seen.end_bytes
        claim = _torn_claim(self._upcoming, self._number)
        if torn_bytes or (claim is not None and claim.torn_bytes):
            self._check_torn(torn_bytes, claim)
        if self._is_last and not self._chain.borders.halted:
            place = Place(self._name, self._chain.links.position - 1, self._seen.end_bytes)
            tail = self._chain.ticks.tail(ended_in_order=False).en
            detail = f"the chain ends without an orderly stop; {tail}"
            self._chain.findings.add(Code.TAIL_OPEN, place, detail)

    def _check_torn(self, torn_bytes: int, claim: Boot | Torn | None) -> None:
        place = Place(self._name, self._chain.links.position, self._seen.end_bytes)
        if claim is None:
            detail = f"{torn_bytes} bytes behind the last record, and no BOOT or TORN accounts for them"
            self._chain.findings.add(Code.TORN_TAIL, place, detail)
            return
        hasher = self._chain.keys.suite.hasher()
        for piece in self._file.tail(self._seen.end_bytes):
            hasher.update(piece)
        if (claim.torn_bytes, claim.torn_hash) != (torn_bytes, hasher.digest()):
            code = Code.TORN_CHANGED if isinstance(claim, Torn) else Code.TORN_TAIL
            detail = f"{torn_bytes} bytes behind the last record are not the {claim.torn_bytes} bytes that were named"
            self._chain.findings.add(code, place, detail)

    def _facts(self) -> tuple[FileFacts, FileEnds | None]:
        seen, opened = self._seen, self._seen.opened
        file_id = self._file_id()
        run = None if opened is None else opened.run
        session = None if opened is None else opened.snapshot.session_id
        facts = FileFacts(
            name=self._name,
            number=self._number,
            file_id=None if file_id is None else file_id.hex(),
            kind="unknown" if opened is None else opened.kind.value,
            size_bytes=self._file.size_bytes,
            records=seen.records,
            first_sequence=None if seen.first is None else seen.first.sequence,
            last_sequence=None if seen.last is None else seen.last.sequence,
            head_hash=seen.head.hex() or None,
            closed=self._closed,
            torn_bytes=self._file.size_bytes - seen.end_bytes if seen.readable else 0,
            session_id=None if session is None else session.hex(),
            run=None if run is None else run.run,
        )
        if file_id is None or seen.first is None or seen.last is None:
            return facts, None
        first, last = seen.first, seen.last
        return facts, FileEnds(file_id, first.sequence, last.sequence, first.previous_hash, seen.head)

    def _file_id(self) -> bytes | None:
        seen = self._seen
        if seen.identity is None or not seen.readable:
            return None
        return seen.identity.digest_of_torn(self._file.size_bytes - seen.end_bytes, self._file.tail(seen.end_bytes))


def _stop_sequence(upcoming: Beginning | None) -> int | None:
    """Sequence number of the last record that counts, where the next file began after a stop or a fault (step 2)."""
    if upcoming is None or upcoming.opened.origin is FileOrigin.NEXT:
        return None
    return upcoming.header.sequence - 1


def _torn_claim(upcoming: Beginning | None, number: int) -> Boot | Torn | None:
    body = None if upcoming is None or upcoming.second is None else upcoming.second.body
    return body if isinstance(body, Boot | Torn) and body.torn_file == number else None
