"""A second verifier, written from FORMAT.md alone: suite 1, counters of the kind `file`, no code of the product.

Not here: recipient keys (step 15), receipts and tokens of a store (steps 16 and 18), counters of a TPM.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.x509.oid import ExtensionOID

from tests.vectors.second_decoder import (
    MAGIC,
    NUMBERS,
    BadBytesError,
    BorderError,
    Decoder,
    Envelope,
    ForbiddenError,
    Raw,
    body,
    frames,
    need,
)
from tests.vectors.second_media import Footage
from tests.vectors.second_times import Clocks, Ticks

ARC = "2.25.140274052557584419817123936319623862829"
HEADER_KINDS = {1: int, 2: int, 3: int, 4: bytes, 5: str, 6: int, 7: int, 8: int, 9: int, 12: int, 13: str, 14: int}
NEVER_WITH_PAYLOAD = {"BOOT", "EPOCH", "OPEN", "CLOSE", "TICK", "ANCHOR", "RECEIPT", "DELETE", "HALT", "TORN"}


@dataclass
class Record:
    """One record whose bytes are of the format."""

    raw: Raw
    envelope: Envelope
    head: dict[int, Any]
    kind: str
    body: dict[str, Any]
    believed: bool = False

    @property
    def sequence(self) -> int:
        return int(self.head[3])

    @property
    def hash(self) -> bytes:
        return digest(self.raw.header)


@dataclass
class File:
    """One file, and what of it could be read."""

    number: int
    name: str
    data: bytes
    raws: list[Raw]
    stopped_at: int
    stop: str
    torn: bool = False
    records: list[Record | None] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)

    def record(self, index: int) -> Record | None:
        return self.records[index] if index < len(self.records) else None


@dataclass(frozen=True)
class Fault:
    """One finding and where it is."""

    code: str
    file: str
    sequence: int | None
    offset: int


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def read(raw: Raw) -> Record:
    """Step 4: envelope, header, body, payload rule."""
    envelope = Envelope.read(raw.header)
    head = Decoder.whole(envelope.payload)
    need(isinstance(head, dict) and set(head) - {11} == set(range(1, 15)) - {11}, "keys of the header")
    need((11 in head) == (head[12] != 0), "payload hash or length")
    if head[12] != len(raw.payload):
        raise BorderError("framing and header name other lengths")
    need(isinstance(head.get(11, bytes(32)), bytes) and len(head.get(11, bytes(32))) == 32, "payload hash")
    need(all(type(head[key]) is kind for key, kind in HEADER_KINDS.items()), "types of the header")
    need(head[1] == 1 and len(head[4]) == 32 and head[2] in NUMBERS, "version, previous hash or type")
    need(min(head[3], head[6], head[9]) >= 1 and min(head[7], head[8]) >= 0 and head[14] >= -1, "ranges")
    need(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", head[5]), "device id")
    need(head[13] in {"network", "store", "rtc", "unset"}, "time source")
    kind = NUMBERS[head[2]]
    need(bool(raw.payload) if kind == "FRAGMENT" else not (raw.payload and kind in NEVER_WITH_PAYLOAD), "payload rule")
    return Record(raw, envelope, head, kind, body(kind, head[10]))


class SecondVerifier:
    """Steps 1 to 14 and 17 over one folder."""

    def __init__(self, folder: Path, authority: x509.Certificate) -> None:
        self.authority = authority
        self.faults: list[Fault] = []
        self.files = [self.load(path) for path in sorted(folder.glob("*.evs"))]
        self.device_id = next((r.head[5] for _, r in self.all() if r is not None), "")
        self.device_key: ec.EllipticCurvePublicKey | None = None
        self.epoch: dict[int, Any] = {}
        self.expected, self.last_hash, self.stand_ins = 1, bytes(32), 0
        self.began = False
        self.epoch_number = 0
        self.receipts: set[bytes] = set()
        self.placed: list[Record] = []
        self.where: dict[int, tuple[File, Record]] = {}
        self.footage, self.clocks = Footage(), Clocks()

    def all(self) -> Iterator[tuple[File, Record | None]]:
        return ((file, record) for file in self.files for record in file.records)

    def say(self, code: str, file: File, record: Record | None = None, offset: int = 0) -> None:
        self.faults.append(
            Fault(code, file.name, record.sequence if record else None, record.raw.offset if record else offset)
        )

    def load(self, path: Path) -> File:
        data = path.read_bytes()
        if data[:8] != MAGIC:
            return File(int(path.stem), path.name, data, [], 0, "NOT_SEALED")
        raws, at, stop = frames(data)
        file = File(int(path.stem), path.name, data, raws, at, stop)
        for raw in raws:
            try:
                file.records.append(read(raw))
            except BorderError:
                del file.raws[len(file.records) :]
                return replace(file, stopped_at=raw.offset, stop="MALFORMED")
            except BadBytesError as error:
                code = "SUITE_FORBIDDEN" if isinstance(error, ForbiddenError) else "MALFORMED"
                file.refused[len(file.records)] = code
                file.records.append(None)
        return file

    def verify(self) -> list[Fault]:
        """All that is wrong, file by file."""
        dropped = {n for _, r in self.all() if r and r.kind in ("BOOT", "TORN") for n in r.body["dropped_files"]}
        self.files = [file for file in self.files if file.number not in dropped]
        for file, follower in zip(self.files, [*self.files[1:], None], strict=True):
            self.end(file, follower)
        for file in self.files:
            for record in file.records:
                if record is not None:
                    record.believed = self.believe(file, record)
        self.pruned = [r.body for _, r in self.all() if r and r.believed and r.kind == "DELETE"]
        self.present = {r.sequence for _, r in self.all() if r and r.believed}
        ticks = Ticks(self.device_key)
        for file in self.files:
            self.place_file(file, ticks)
        last = [record.kind for record in self.placed[-2:]]
        for code in self.clocks.end():
            self.say(code, self.files[-1], self.placed[-1])
        if self.files and last != ["HALT", "CLOSE"] and not self.files[-1].stop:
            self.say("TAIL_OPEN", self.files[-1], self.placed[-1] if self.placed else None)
        return self.faults

    def end(self, file: File, follower: File | None) -> None:
        """Steps 2 and 3: where the file ends, and what stands behind."""
        first, second = (follower.record(0), follower.record(1)) if follower else (None, None)
        at, named, tolerated = file.stopped_at, 0, False
        if file.stop == "NOT_SEALED":
            return self.say("NOT_SEALED", file)
        if first and second and first.kind == "OPEN" and first.body["origin"] in ("start", "fault"):
            goes_on = [n for n, r in enumerate(file.records) if r and r.hash == first.head[4]]
            if goes_on and second.kind in ("BOOT", "TORN"):
                del file.records[goes_on[0] + 1 :]
                at = file.raws[goes_on[0]].end
                if second.body["torn_file"] == file.number and second.body["torn_bytes"]:
                    named, tolerated = second.body["torn_bytes"], second.kind == "TORN"
                    if len(file.data) - at == named and digest(file.data[at:]) == second.body["torn_hash"]:
                        return None
        closes = [n for n, r in enumerate(file.records) if r and r.kind == "CLOSE"]
        if closes and closes[0] + 1 < len(file.records):
            at = file.raws[closes[0]].end
            del file.records[closes[0] + 1 :]
        behind = len(file.data) > at
        if (behind or named) and tolerated:
            self.say("TORN_CHANGED", file, offset=at)
        elif file.stop == "MALFORMED" and not closes:
            self.say("MALFORMED", file, offset=at)
            file.torn = True
        elif behind or named or not file.raws:
            self.say("TORN_TAIL", file, offset=at)
            file.torn = file.stop == "TORN_TAIL" and not closes
        return None

    def believe(self, file: File, record: Record) -> bool:
        """Steps 5 to 8: device, certificates, epoch, signature."""
        head = record.head
        if head[5] != self.device_id:
            self.say("WRONG_DEVICE", file, record)
            return False
        if record.kind == "OPEN":
            self.admit(file, record)
        if not self.epoch:
            self.say("UNTRUSTED_KEY", file, record)
            return False
        if head[6] != self.epoch[4]:
            self.say("EPOCH_ORDER", file, record)
            return False
        key = load_der_public_key(self.epoch[8])
        if not record.envelope.check(key, digest(self.epoch[8])[:16], "evs1 record"):
            self.say("BAD_SIGNATURE", file, record)
            return False
        if record.kind == "EPOCH":
            self.certify(file, record)
        return True

    def admit(self, file: File, record: Record) -> None:
        """Step 6: the unit's certificate; then the epoch's."""
        if record.body["suite"] != 1:
            return self.say("SUITE_FORBIDDEN", file, record)
        try:
            certificate = x509.load_der_x509_certificate(record.body["device_certificate"])
            key = certificate.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return self.say("UNTRUSTED_KEY", file, record)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return self.say("UNTRUSTED_KEY", file, record)
        self.device_key = key
        try:
            self.trusted(certificate, record.head)
        except (ValueError, TypeError, BadBytesError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
            self.say("UNTRUSTED_KEY", file, record)
        if record.head[7] < certificate.not_valid_before_utc.timestamp() * 10**9:
            self.say("CLOCK_WRONG", file, record)
        self.certify(file, record)
        return None

    def trusted(self, certificate: x509.Certificate, head: dict[int, Any]) -> None:
        certificate.verify_directly_issued_by(self.authority)
        need(head[7] <= certificate.not_valid_after_utc.timestamp() * 10**9, "ended")
        usage = certificate.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value
        policies = certificate.extensions.get_extension_for_oid(ExtensionOID.CERTIFICATE_POLICIES).value
        names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        assert isinstance(usage, x509.ExtendedKeyUsage)
        assert isinstance(policies, x509.CertificatePolicies)
        assert isinstance(names, x509.SubjectAlternativeName)
        need([oid.dotted_string for oid in usage] == [f"{ARC}.1.1"], "usage")
        need(any(p.policy_identifier.dotted_string in {f"{ARC}.2.{n}" for n in (1, 2, 3)} for p in policies), "policy")
        need(f"urn:recorder:unit:{head[5]}" in names.get_values_for_type(x509.UniformResourceIdentifier), "name")

    def certify(self, file: File, record: Record) -> None:
        """Step 7: SF-17 and SF-18; the epoch in force from here on."""
        certified, head, key = record.body["epoch_certificate"], record.head, self.device_key
        assert key is not None
        try:
            envelope = Envelope.read(certified)
            facts = Decoder.whole(envelope.payload)
            need(isinstance(facts, dict) and set(facts) == set(range(1, 9)), "epoch certificate")
            spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            need(envelope.check(key, digest(spki)[:16], "evs1 epoch"), "not by the device key")
            before, self.epoch = self.epoch, facts
            need((facts[1], facts[2], facts[3]) == (1, head[5], 1), "facts")
            if record.kind == "EPOCH" or record.body["origin"] == "start":
                need((facts[5], facts[6], facts[7]) == (head[9], head[3], head[4]), "bound elsewhere")
            else:
                need(facts[6] < head[3] and (not before or before == facts or facts[4] != before[4]), "another")
        except (BadBytesError, ValueError):
            return self.say("EPOCH_MISBOUND", file, record)
        if record.kind == "EPOCH" and facts[4] != before[4] + 1:
            self.say("EPOCH_ORDER", file, record)
        return None

    def place_file(self, file: File, ticks: Ticks) -> None:
        """Steps 9 to 14 and 17, for one file."""
        for index, record in enumerate(file.records):
            if record is None or not record.believed:
                self.stand_ins += 1
                if record is None:
                    self.say(file.refused[index], file, offset=file.raws[index].offset)
                continue
            if not self.follows(file, record):
                continue
            if record.raw.payload and digest(record.raw.payload) != record.head[11]:
                self.say("PAYLOAD_MODIFIED", file, record)
            self.structure(file, index, record)
            self.deletion(file, record)
            self.where[record.sequence] = (file, record)
            for code in self.clocks.found(record.head):
                self.say(code, *self.where[self.clocks.blamed or record.sequence])
            found = self.footage.found(record.kind, record.body, record.sequence)
            for code in [*found, *ticks.found(record.kind, record.head, record.body)]:
                self.say(code, file, record)
            self.placed.append(record)
        self.stand_ins += file.torn

    def follows(self, file: File, record: Record) -> bool:
        """Step 9: sequence and previous hash, over holes that DELETE names."""
        head = record.head
        while self.expected < head[3] and (hole := self.hole()):
            self.expected, self.last_hash = hole["last_sequence"] + 1, hole["head_after"]
            self.epoch_number = hole["epoch_after"]
            self.say("PRUNED", file, record)
            self.footage.lose()
        if head[3] < self.expected:
            self.say("REPLAY_OR_REORDER", file, record)
            return False
        lacking = [n for n in range(self.expected, head[3]) if n not in self.present]
        missing = head[3] > self.expected
        if missing and len(lacking) > self.stand_ins:
            self.say("GAP" if self.began or self.expected > 1 else "HEAD_MISSING", file, record)
        elif not missing and not self.stand_ins and head[4] != self.last_hash:
            self.say("REPLAY_OR_REORDER", file, record)
        if missing or self.stand_ins:
            self.footage.lose()
            self.epoch_number = 0
        self.expected, self.last_hash, self.stand_ins, self.began = head[3] + 1, record.hash, 0, True
        return True

    def hole(self) -> dict[str, Any] | None:
        return next((hole for hole in self.pruned if hole["first_sequence"] == self.expected), None)

    def structure(self, file: File, index: int, record: Record) -> None:
        """Step 11."""
        opening = file.record(0)
        if index == 0 and record.kind == "OPEN" and record.body["file_number"] != file.number:
            self.say("REPLAY_OR_REORDER", file, record)
        if (index == 0) != (record.kind == "OPEN"):
            self.say("MALFORMED", file, record)
        if index == 0 and record.kind == "OPEN" and record.body["origin"] == "next":
            before = self.placed[-1] if self.placed else None
            if before and before.sequence + 1 == record.sequence and before.kind != "CLOSE":
                self.say("MALFORMED", file, record)
        wanted = {"start": "BOOT", "fault": "TORN"}.get(opening.body["origin"]) if opening and index == 1 else None
        if record.kind != wanted and (wanted or record.kind in ("BOOT", "TORN")):
            self.say("MALFORMED", file, record)
        self.beginning(file, record)

    def beginning(self, file: File, record: Record) -> None:
        """Step 11 for what begins anew, with the epoch numbers of step 7."""
        if record.kind == "TORN":
            self.say("MEDIUM_FAULT", file, record)
        starts = record.kind == "OPEN" and record.body["origin"] == "start"
        if starts and self.epoch_number and record.head[6] != self.epoch_number + 1:
            self.say("EPOCH_ORDER", file, record)
        self.epoch_number = record.head[6]
        if record.kind == "BOOT":
            ended = [each.kind for each in self.placed[-3:-1]] == ["HALT", "CLOSE"] or record.sequence == 2
            if not record.body["clean"]:
                self.say("UNCLEAN_STOP", file, record)
            elif not ended and len(self.placed) > 2 and self.placed[-3].sequence == record.sequence - 3:
                self.say("MALFORMED", file, record)

    def deletion(self, file: File, record: Record) -> None:
        """Step 14."""
        if record.kind == "RECEIPT":
            self.receipts.add(record.body["receipt_hash"])
        if record.kind == "OPEN":
            self.receipts.update(record.body["ledger_receipts"])
        if record.kind == "DELETE" and record.body["receipt_hash"] not in self.receipts:
            self.say("POLICY_VIOLATION", file, record)


def verify(folder: Path, authority: x509.Certificate) -> list[Fault]:
    """What is wrong with the sealed files of a folder, judged by the agency's certificate alone."""
    return SecondVerifier(folder, authority).verify()
