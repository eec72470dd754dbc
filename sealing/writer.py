"""The chain's writer: what it appends is on the medium when the call returns, or the chain is as it was before.

Rules of this module: owned by one thread. It decides in which file a record goes, keeps the reserve, receipts and
deletions in order, and never rewrites, truncates or skips. It ends footage only when told to; ledger files end by their
own rule (size, civil day, footage). After a StorageFaultError the same call may be made again: it goes on in a new
file (`FORMAT.md`, section 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, get_args

from hal.ports import Clock, Storage
from sealing import codec
from sealing.appender import FileInWriting
from sealing.catalogue import Catalogue
from sealing.chain_output import ChainOutput, FileFacts
from sealing.codec import Private
from sealing.ended_files import deletion_of, newest_ledger_receipts, refuse_other_bytes, spool_file_opened
from sealing.errors import BodyError, DeletionRefusedError, StorageFaultError, WriterStateError
from sealing.framing import file_name
from sealing.identity import DeviceIdentity, SealingPolicy, SoftwareFacts
from sealing.initsegment import InitSegment
from sealing.limits import LIST_ITEMS_MAX, PAYLOAD_BYTES_MAX, TAG_BYTES
from sealing.metronome import Metronome
from sealing.pending_break import PendingBreak
from sealing.records import (
    Anchor,
    Boot,
    Close,
    FileKind,
    Fragment,
    Halt,
    ReceiptSeal,
    RunFacts,
    SessionBody,
    StateSnapshot,
)
from sealing.recovery import Recovery, Replay, finish_deletions, recover, set_dropped_aside, spool_numbers
from sealing.references import RecordReference, SealedFile, StoreReceipt
from sealing.ticks import Counter

_DAY_NS: Final = 86_400 * 1_000_000_000
_SESSION_BODIES: Final = frozenset(get_args(SessionBody))


class ChainWriter:
    """Appends to the chain of one device. Made by `start`."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        identity: DeviceIdentity,
        policy: SealingPolicy,
        recovery: Recovery,
        receipted: Mapping[int, bytes],
        counter: Counter | None = None,
    ) -> None:
        self.recovery = recovery
        self.queue_high_water_bytes = 0
        """Set by the service; stands in every CLOSE."""
        self._storage = storage
        self._clock = clock
        self._identity = identity
        self._policy = policy
        self._output = ChainOutput(storage, clock, identity, policy, recovery)
        self._catalogue = Catalogue(spool_numbers(storage)[0], receipted)
        self._run: RunFacts | None = None
        self._run_position: tuple[tuple[bytes, int], int] | None = None
        self._next_media = (0, 0)
        self._init = InitSegment()
        self._ledger_receipts = newest_ledger_receipts(storage, self._catalogue)
        self._snapshot: StateSnapshot
        self._pending, self._halted = PendingBreak(), False
        self._metronome = Metronome(counter, self._output, clock, policy.tick_seconds)

    @classmethod
    def start(  # noqa: PLR0913 - the one place where all that a chain needs comes together
        cls,
        storage: Storage,
        clock: Clock,
        identity: DeviceIdentity,
        policy: SealingPolicy,
        software: SoftwareFacts,
        snapshot_for_new: StateSnapshot,
        *,
        replay: Replay,
        receipted: Mapping[int, bytes] | None = None,
        counter: Counter | None = None,
    ) -> ChainWriter:
        """Recover the spool, open a new ledger file and seal BOOT, and a TICK where there is a counter.

        Args:
            storage: The spool.
            clock: Stamps the records.
            identity: Whose chain it is.
            policy: Recipients, suite and limits.
            software: What BOOT says of the software.
            snapshot_for_new: State of a unit that has no chain yet.
            replay: Brings the last OPEN's snapshot up to date with the records behind it, for the new file's OPEN.
            receipted: Receipt hashes by file number, of all receipts that the agent keeps beside the spool.
            counter: The unit's monotonic counter; None where it has none.

        Raises:
            StorageFaultError: The medium failed; try again.
            PolicyError, SuiteError, KeyFileError: Policy or identity cannot be used.
        """
        identity.check()
        identity.check_suite(policy.check())
        boot_id = clock.read().boot_id
        recovery = recover(storage, identity, boot_id, by_watchdog=software.ended_by_watchdog)
        try:
            set_dropped_aside(storage, recovery.dropped_files)
            finish_deletions(storage, recovery)
            writer = cls(storage, clock, identity, policy, recovery, receipted or {}, counter)
        except OSError as error:
            raise StorageFaultError(f"the spool cannot be taken up: {error}; check the medium") from error
        found = recovery.snapshot
        writer.set_state(snapshot_for_new if found is None else replay(found, recovery.records))
        tick_seconds = None if counter is None else policy.tick_seconds
        writer._begin(FileKind.LEDGER, None, recovery.boot(software, boot_id, tick_seconds))
        writer._metronome.beat()
        if recovery.beside:  # SF-41: at each start, so that no cut between setting aside and sealing hides it
            writer.seal(recovery.foreign_files())
        return writer

    @property
    def last_sealed_ns(self) -> int:
        """Boottime of the last record."""
        return self._output.last_sealed_ns

    def set_state(self, snapshot: StateSnapshot) -> None:
        """Take the state that the next OPEN carries.

        Raises:
            BodyError: A value is outside its range.
        """
        codec.check_snapshot(snapshot)
        self._snapshot = snapshot

    def sealed_files(self) -> tuple[SealedFile, ...]:
        """All files of the spool that have ended, ascending."""
        return self._catalogue.files()

    def seal(self, body: SessionBody, private: Private | None = None) -> RecordReference:
        """Seal an event: into the footage file when one is open, else into a ledger file.

        Args:
            body: What stands in the clear.
            private: Names, words, free text; encrypted.

        Raises:
            BodyError: A value is outside its range; nothing was sealed.
            StorageFaultError: The medium failed; the event is not sealed, try again.
            WriterStateError: The writer has halted, or the body is one of the writer's own.
        """
        if type(body) not in _SESSION_BODIES:
            raise WriterStateError(f"{type(body).__name__} is sealed by the writer alone")
        clear = codec.encode_private(private) if private else b""
        codec.check_body(body)
        self._make_room_for_events()
        return self._pending.note(body, self._output.append(body, clear))

    def open_footage(self, run: RunFacts) -> int:
        """Open a footage file and return its number; a ledger file that is open ends first.

        Args:
            run: What the file carries; `run_file` is counted by the writer.

        Raises:
            ReserveReachedError: Only the reserve is left.
            StorageFaultError: The medium failed; try again.
            WriterStateError: Footage is open already, or the writer has halted.
        """
        self._refuse_after_halt()
        if self._run is not None:
            raise WriterStateError(f"run {self._run.run} has a footage file open; close it first")
        self._output.keep_reserve(0)
        file = self._begin_footage(run)
        self._metronome.beat_if_due()
        self._run, self._init = run, InitSegment()
        self._next_media = (run.first_frame, run.first_sample)
        return file.number

    def append_fragment(self, body: Fragment, data: bytes) -> RecordReference:
        """Encrypt and seal one fragment.

        Args:
            body: Its figures; `index` is counted by the writer (SF-38).
            data: One fMP4 fragment; the first of a file carries ftyp+moov in front.

        Raises:
            ReserveReachedError: Only the reserve is left; nothing was sealed.
            BodyError: A value is outside its range, or the fragment is too long.
            StorageFaultError: The medium failed; nothing was sealed. Try again: the run goes on in a new file.
            WriterStateError: No footage is open.
        """
        run = self._footage_in_force()
        if not 0 < len(data) <= PAYLOAD_BYTES_MAX - TAG_BYTES - self._init.length_bytes:
            raise BodyError(f"fragment of {len(data)} bytes; 1 to {PAYLOAD_BYTES_MAX - TAG_BYTES} can be sealed")
        self._output.keep_reserve(len(data))
        file = self._footage_file(run, body.first_frame, body.first_sample)
        self._metronome.beat_if_due()
        if file.fragments == 0:
            data = self._init.put_in_front(data)
        reference = self._output.append(replace(body, index=file.fragments), data)
        file.fragments += 1
        self._next_media = (body.first_frame + body.frame_count, body.first_sample + body.sample_count)
        return reference

    def close_footage(self, facts: Close) -> RecordReference:
        """End the footage file.

        Args:
            facts: How it ended; `fragments` and `queue_high_water_bytes` are filled in by the writer.

        Raises:
            BodyError, StorageFaultError: As `seal`.
            WriterStateError: No footage is open.
        """
        run = self._footage_in_force()
        codec.check_body(facts)
        file = self._footage_file(run, *self._next_media)
        facts = replace(facts, fragments=file.fragments, queue_high_water_bytes=self.queue_high_water_bytes)
        reference = self._end_file(facts)
        self._run = None
        return reference

    def roll_ledger(self, reason: str, *, for_news_alone: bool = False) -> None:
        """End the ledger file that is open, if one is; the next event opens another.

        Args:
            reason: Code that CLOSE gives.
            for_news_alone: Leave a file open that holds nothing but bookkeeping (SF-60).

        Raises:
            StorageFaultError: The medium failed; try again.
        """
        self._refuse_after_halt()
        if for_news_alone and not self._output.tells_news:
            return
        if self._output.file is not None and self._output.file.kind is FileKind.LEDGER:
            self._end_file(self._close_facts(reason))

    def seal_receipt(self, receipt: StoreReceipt) -> RecordReference | None:
        """Take a receipt that was checked against the unit's own disk.

        Returns:
            Where RECEIPT stands; None for a ledger file, whose receipt the next ledger OPEN names (SF-34).

        Raises:
            StorageFaultError: The medium failed; try again.
            WriterStateError: The file is open or not in the spool, or the receipt is for other bytes.
        """
        number = receipt.file_number
        if number not in self._catalogue:
            raise WriterStateError(f"file {number} is open or not in the spool; its receipt cannot be sealed")
        body = ReceiptSeal(number, receipt.file_id, receipt.receipt_hash, receipt.store_id, receipt.receipt_number)
        codec.check_body(body)
        behind = self._catalogue.behind(number) or (None if self._output.file is None else self._output.file.number)
        refuse_other_bytes(self._storage, receipt, behind, self._identity)
        reference = None
        if spool_file_opened(self._storage, number).kind is FileKind.LEDGER:
            self._ledger_receipts = (*self._ledger_receipts, receipt.receipt_hash)[-LIST_ITEMS_MAX:]
        else:
            self._make_room_for_events()
            reference = self._output.append(body)
        self._catalogue.set_receipt(number, receipt.receipt_hash)
        return reference

    def seal_anchor(self, anchor: Anchor) -> RecordReference:
        """Seal somebody else's time over one of the last records; whoever calls has judged the token (SF-46).

        Raises:
            WriterStateError: It does not name one of the last 4 096 records of this chain, or the writer has halted.
            BodyError, StorageFaultError: As `seal`.
        """
        codec.check_body(anchor)
        if not self._output.knows(anchor.sequence, anchor.record_hash):
            raise WriterStateError(f"the time token names record {anchor.sequence}, which is none of the last here")
        self._make_room_for_events()
        return self._output.append(anchor)

    def free_file(self, number: int, file_id: bytes | None = None) -> RecordReference:
        """Seal DELETE for a file with a receipt, and only then unlink it (SF-32); with a file id, only one of that id.

        Raises:
            DeletionRefusedError: It is open, the newest, another, without receipt, or other files need what it says.
            StorageFaultError: The medium failed; the file is there or DELETE is sealed. Try again.
        """
        receipt = self._catalogue.receipt_for_freeing(number)
        self._name_before_freeing(number, receipt)
        try:
            *held, own = deletion_of(self._storage, number, receipt, self._catalogue, self._identity, file_id)
            for body in held:
                self._make_room_for_events()
                self._output.append(body)
            self._make_room_for_events()
            reference = self._output.append(own)
            self._storage.replace(file_name(number), None)
        except OSError as error:
            raise StorageFaultError(f"file {number} cannot be freed: {error}") from error
        self._catalogue.remove(number)
        return reference

    def halt(self, reason: str) -> RecordReference:
        """End in order: footage that is open, HALT, CLOSE (SF-40). Nothing can be sealed afterwards.

        Raises:
            StorageFaultError: The medium failed; try again.
        """
        self._refuse_after_halt()
        if self._run is not None:
            self.close_footage(self._close_facts("stop"))
        self._make_room_for_events()
        self._metronome.beat()
        reference = self._output.append(Halt(reason))
        self._end_file(self._close_facts("stop"))
        self._halted = True
        return reference

    def abandon(self) -> None:
        """Give the open file back as it stands, sealing nothing: for a service that cannot go on."""
        self._output.abandon()
        self._halted = True

    def _name_before_freeing(self, number: int, receipt: bytes) -> None:
        """Let a ledger OPEN name the receipt before a DELETE rests on it (SF-34)."""
        if receipt in self._ledger_receipts:
            if self._run is not None:
                raise DeletionRefusedError(
                    f"the receipt of file {number} is named by the next ledger file; free it then"
                )
            self.roll_ledger("receipts")

    def _refuse_after_halt(self) -> None:
        if self._halted:
            raise WriterStateError("the chain was halted; nothing can be sealed until the next start")

    def _footage_in_force(self) -> RunFacts:
        self._refuse_after_halt()
        if self._run is None:
            raise WriterStateError("no footage file is open; open one first")
        return self._run

    def _make_room_for_events(self) -> None:
        """See to it that a file is open: footage, or a ledger file that is not due to end."""
        self._refuse_after_halt()
        file = self._output.file
        if file is not None and file.kind is FileKind.LEDGER:
            if file.synced_bytes >= self._policy.ledger_bytes:
                self.roll_ledger("ledger-full")
            elif file.opened_utc_ns // _DAY_NS != self._clock.read().utc_ns // _DAY_NS:
                self.roll_ledger("daily")
        if self._output.file is None:
            self._begin(FileKind.LEDGER, None)

    def _footage_file(self, run: RunFacts, first_frame: int, first_sample: int) -> FileInWriting:
        """The open footage file; after a fault, a new one in which the run goes on (SF-30)."""
        file = self._output.file
        if file is None or file.kind is FileKind.LEDGER:
            return self._begin_footage(replace(run, first_frame=first_frame, first_sample=first_sample))
        return file

    def _begin_footage(self, run: RunFacts) -> FileInWriting:
        key = (run.session_id, run.run)
        known = self._run_position
        position = known[1] + 1 if known is not None and known[0] == key else run.run_file
        self.roll_ledger("footage")
        file = self._begin(FileKind.FOOTAGE, replace(run, run_file=position))
        self._run_position = (key, position)
        return file

    def _begin(self, kind: FileKind, run: RunFacts | None, boot: Boot | None = None) -> FileInWriting:
        ledger = kind is FileKind.LEDGER
        facts = FileFacts(kind, run, self._pending.named_in(self._snapshot), self._ledger_receipts if ledger else ())
        file = self._output.begin(facts, boot)
        if ledger:
            self._ledger_receipts = ()
        self._note_ended()
        return file

    def _end_file(self, facts: Close) -> RecordReference:
        reference = self._output.close(facts)
        self._note_ended()
        return reference

    def _note_ended(self) -> None:
        if self._output.last_ended > 0:
            self._catalogue.add(self._output.last_ended)

    def _close_facts(self, reason: str) -> Close:
        file = self._output.file
        footage = file is not None and file.kind is FileKind.FOOTAGE
        next_frame, next_sample = self._next_media if footage or self._run is not None else (0, 0)
        fragments = file.fragments if file is not None else 0
        return Close(reason, fragments, next_frame, next_sample, 0, 0, self.queue_high_water_bytes)
