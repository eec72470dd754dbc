"""A second verifier, written from FORMAT.md alone: suites 1 and 2, counters of the kind `file`, no code of the product.

Not here: suite 3, counters of a TPM, RFC 3161 tokens.
"""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.x509.oid import ExtensionOID

from tests.vectors.second_contents import Contents
from tests.vectors.second_decoder import (
    MAGIC,
    BadBytesError,
    BorderError,
    Decoder,
    Envelope,
    ForbiddenError,
    frames,
    need,
)
from tests.vectors.second_media import Footage
from tests.vectors.second_records import Fault, File, Record, digest, file_id, read
from tests.vectors.second_times import Clocks, Ticks
from tests.vectors.second_trust import ARC, Anchors, Given, Policy, usages


class SecondVerifier:
    """All steps over one folder."""

    def __init__(self, folder: Path, given: Given) -> None:
        self.given, self.authority = given, given.authority
        self.contents, self.anchors = Contents(given.key), Anchors(given)
        self.policy = Policy(given.policy) if given.policy else None
        self.holes: list[tuple[int, int]] = []
        self.gap = False
        """The record that was placed last stands behind a GAP and nothing else."""
        self.freed: dict[int, int] = {}
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
        ended = last == ["HALT", "CLOSE"]
        if self.files and not ended and not self.files[-1].stop:
            self.say("TAIL_OPEN", self.files[-1], self.placed[-1] if self.placed else None)
        self.by_others()
        self.name_part(ended=ended)
        return self.faults

    def name_part(self, *, ended: bool) -> None:
        """Step 1, for a caller who knows that it is a part."""
        if not self.given.part:
            return
        missing = [each for each in self.faults if each.code in {"HEAD_MISSING", "TAIL_MISSING_VS_WITNESS"}]
        self.faults = [each for each in self.faults if each not in missing]
        if missing or not ended:
            self.say("PARTIAL", self.files[0], self.placed[0])

    def by_others(self) -> None:
        """Steps 16, 18 and 20: what only the whole tells."""
        for sequence in self.anchors.wrong():
            self.say("CLOCK_WRONG", *self.where[sequence])
        mine = [each for each in self.given.receipts if each[3] == self.device_id]
        heads = [each for each in self.given.heads if each[3] == self.device_id]
        last = self.expected - 1 + self.stand_ins
        if max([each[7] for each in mine] + [each[5] for each in heads], default=0) > last:
            self.say("TAIL_MISSING_VS_WITNESS", self.files[-1], offset=len(self.files[-1].data))
        for head in heads:
            here = self.where.get(head[5])
            if here is not None and here[1].hash != head[6]:
                self.say("FORK_VS_WITNESS", *here)
        for file in self.files:
            placed = [record for record in file.records if record is not None and record.believed]
            if file.end_at and placed:
                self.held_against(file, placed, [each for each in mine if each[7] <= last])
        self.distrust(mine, heads)

    def held_against(self, file: File, placed: list[Record], receipts: list[dict[int, Any]]) -> None:
        here = (file_id(file), placed[0].sequence, placed[-1].sequence, placed[-1].hash)
        for each in receipts:
            shares = each[6] <= here[2] and here[1] <= each[7]
            if shares and (each[4], each[6], each[7], each[8]) != here:
                self.say("FORK_VS_WITNESS", file, placed[0])

    def distrust(self, receipts: list[dict[int, Any]], heads: list[dict[int, Any]]) -> None:
        """SF-53: files of a revoked unit that nobody else vouches for."""
        ends = {(last.sequence, last.hash) for file in self.files for last in file.records[-1:] if last is not None}
        points = [*self.anchors.tokens, *((each[7], each[9]) for each in receipts if (each[7], each[8]) in ends)]
        points += [(each[5], each[7]) for each in heads if self.has(each[5], each[6])]
        for file in self.files:
            opening = file.record(0)
            mine = [record for record in file.records if record is not None and record.believed]
            revoked = self.policy.revoked_at(opening.body["device_certificate"]) if self.policy and opening else None
            if revoked is None or opening is None or not mine:
                continue
            first, last = mine[0].sequence, mine[-1].sequence
            good = [s for s, utc in points if utc < revoked and s >= last and self.unbroken(first, s)]
            if not good:
                self.say("UNTRUSTED_KEY", file, opening)

    def has(self, sequence: int, record_hash: bytes) -> bool:
        return sequence in self.where and self.where[sequence][1].hash == record_hash

    def unbroken(self, first: int, sequence: int) -> bool:
        between = [(low, high) for low, high in self.holes if first <= high and low <= sequence]
        named = [[at for begin, at in self.freed.items() if low <= begin <= high] for low, high in between]
        return all(at and max(at) <= sequence for at in named)

    def end(self, file: File, follower: File | None) -> None:
        """Steps 2 and 3: where the file ends, and what stands behind."""
        first, second = (follower.record(0), follower.record(1)) if follower else (None, None)
        at, named, tolerated = file.stopped_at, 0, False
        if file.stop == "NOT_SEALED":
            return self.say("NOT_SEALED", file)
        file.end_at = 0 if file.stop else at
        if first and second and first.kind == "OPEN" and first.body["origin"] in ("start", "fault"):
            goes_on = [n for n, r in enumerate(file.records) if r and r.hash == first.head[4]]
            if goes_on and second.kind in ("BOOT", "TORN"):
                del file.records[goes_on[0] + 1 :]
                file.end_at = at = file.raws[goes_on[0]].end
                if second.body["torn_file"] == file.number and second.body["torn_bytes"]:
                    named, tolerated = second.body["torn_bytes"], second.kind == "TORN"
                    if len(file.data) - at == named and digest(file.data[at:]) == second.body["torn_hash"]:
                        return None
        closes = [n for n, r in enumerate(file.records) if r and r.kind == "CLOSE"]
        if closes and closes[0] + 1 < len(file.records):
            file.end_at = at = file.raws[closes[0]].end
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
        if record.body["suite"] not in (1, 2):
            return self.say("SUITE_FORBIDDEN", file, record)
        for code in self.contents.opened(record.head, record.body):
            self.say(code, file, record)
        try:
            with warnings.catch_warnings(action="ignore"):
                certificate = x509.load_der_x509_certificate(record.body["device_certificate"])
            key = certificate.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return self.say("UNTRUSTED_KEY", file, record)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return self.say("UNTRUSTED_KEY", file, record)
        self.device_key = key
        try:
            self.trusted(certificate, record.head)
            if record.body["suite"] not in allowed(certificate):
                self.say("SUITE_FORBIDDEN", file, record)
        except (ValueError, TypeError, BadBytesError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
            self.say("UNTRUSTED_KEY", file, record)
        if record.head[7] < certificate.not_valid_before_utc.timestamp() * 10**9:
            self.say("CLOCK_WRONG", file, record)
        self.certify(file, record)
        return None

    def trusted(self, certificate: x509.Certificate, head: dict[int, Any]) -> None:
        certificate.verify_directly_issued_by(self.authority)
        need(head[7] <= certificate.not_valid_after_utc.timestamp() * 10**9, "ended")
        policies = certificate.extensions.get_extension_for_oid(ExtensionOID.CERTIFICATE_POLICIES).value
        names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        assert isinstance(policies, x509.CertificatePolicies)
        assert isinstance(names, x509.SubjectAlternativeName)
        need(usages(certificate) == [f"{ARC}.1.1"], "usage")
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
            suite = record.body["suite"] if record.kind == "OPEN" else before[3]
            need((facts[1], facts[2], facts[3]) == (1, head[5], suite), "facts")
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
        """Steps 9 to 15 and 17 to 19, for one file."""
        opening = file.record(0)
        self.contents.cipher = None
        if opening is not None and opening.kind == "OPEN":
            self.contents.opened(opening.head, opening.body)
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
            else:
                self.look_inside(file, record)
            self.structure(file, index, record)
            self.deletion(file, record)
            self.where[record.sequence] = (file, record)
            for code in self.clocks.found(record.head):
                self.say(code, *self.where[self.clocks.blamed or record.sequence])
            found = self.footage.found(record.kind, record.body, record.sequence)
            for code in [*found, *ticks.found(record.kind, record.head, record.body, gap=self.gap)]:
                self.say(code, file, record)
            self.judge_by_policy(file, record)
            self.placed.append(record)
        self.stand_ins += file.torn

    def look_inside(self, file: File, record: Record) -> None:
        """Step 15, for one payload."""
        for code in self.contents.payload(record.head, record.raw.payload):
            self.say(code, file, record)

    def judge_by_policy(self, file: File, record: Record) -> None:
        """Steps 18 and 19, for one record."""
        for code in self.anchors.found(record.kind, record.head, record.body, record.hash):
            self.say(code, file, record)
        if self.policy is None:
            return
        for code in self.policy.found(record.kind, record.head, record.body):
            self.say(code, file, record)
        late = self.policy.waits(record.kind, record.head)
        if late is not None:
            self.say("STALE", *self.where[late])

    def follows(self, file: File, record: Record) -> bool:
        """Step 9: sequence and previous hash, over holes that DELETE names."""
        head, begin, self.gap = record.head, self.expected, False
        while self.expected < head[3] and (hole := self.hole()):
            self.holes.append((hole["first_sequence"], hole["last_sequence"]))
            self.expected, self.last_hash = hole["last_sequence"] + 1, hole["head_after"]
            self.epoch_number = hole["epoch_after"]
            self.say("PRUNED", file, record)
            self.footage.lose()
        if head[3] < self.expected:
            self.say("REPLAY_OR_REORDER", file, record)
            return False
        lacking = [n for n in range(self.expected, head[3]) if n not in self.present]
        missing = head[3] > self.expected
        self.holes += [(self.expected, head[3] - 1)] * missing
        if missing and len(lacking) > self.stand_ins:
            self.say("GAP" if self.began or self.expected > 1 else "HEAD_MISSING", file, record)
            freed = any(begin <= hole["first_sequence"] < head[3] for hole in self.pruned)
            self.gap = not freed and not self.stand_ins and len(lacking) == head[3] - begin and begin > 1
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
        if record.kind == "DELETE":
            self.freed[record.body["first_sequence"]] = record.sequence
            begun = self.placed[0].sequence if self.given.part and self.placed else 0
            if record.body["receipt_hash"] not in self.receipts and record.body["last_sequence"] >= begun - 1:
                self.say("POLICY_VIOLATION", file, record)


def allowed(certificate: x509.Certificate) -> set[int]:
    """SF-37: suites that the certificate names, suite 1 where it names none."""
    try:
        found = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(f"{ARC}.4.1")).value
    except x509.ExtensionNotFound:
        return {1}
    assert isinstance(found, x509.UnrecognizedExtension)
    data = found.value
    need(data[:1] == b"\x30" and data[1] == len(data) - 2 and len(data) % 3 == 2, "list of suites")
    need(all(data[at : at + 2] == b"\x02\x01" for at in range(2, len(data), 3)), "list of suites")
    return set(data[4::3])


def verify(folder: Path, authority: x509.Certificate, *, part: bool = False) -> list[Fault]:
    """What is wrong with the sealed files of a folder, judged by what lies beside them, else by a certificate alone."""
    return SecondVerifier(folder, Given.beside(folder, authority, part=part)).verify()
