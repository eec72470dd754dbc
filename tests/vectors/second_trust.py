"""What others say of a chain: receipts, heads, anchors (steps 16 and 18), the agency's policy (steps 19 and 20).

Read from FORMAT.md, sections 7, 8, 11 and 12, alone. RFC 3161 tokens are not read here.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtensionOID

from tests.vectors.second_decoder import BadBytesError, Decoder, Envelope, need

ARC = "2.25.140274052557584419817123936319623862829"
NS = 10**9
REACH = 4096
TOLERANCE_NS = 5 * NS
DOCUMENT_MAX = 65_536


@dataclass
class Given:
    """All that a caller brings along."""

    authority: x509.Certificate
    store: x509.Certificate | None = None
    receipts: list[dict[int, Any]] = field(default_factory=list)
    heads: list[dict[int, Any]] = field(default_factory=list)
    policy: dict[int, Any] | None = None
    key: ec.EllipticCurvePrivateKey | None = None
    part: bool = False

    @classmethod
    def beside(cls, folder: Path, authority: x509.Certificate, *, part: bool = False) -> "Given":
        """What lies in a folder of files beside them."""
        own, trust = cls(authority, part=part), folder / "trust"
        if (folder / "recipient-key.pem").exists():
            key = load_pem_private_key((folder / "recipient-key.pem").read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            own.key = key
        if (trust / "agency-ca.pem").exists():
            own.authority = x509.load_pem_x509_certificate((trust / "agency-ca.pem").read_bytes())
        if (trust / "store-receipt.pem").exists():
            own.store = x509.load_pem_x509_certificate((trust / "store-receipt.pem").read_bytes())
            need(usages(own.store) == [f"{ARC}.1.3"], "not a receipt certificate")
        for path in sorted(trust.glob("receipts/*.receipt")):
            own.receipts.append(own.by_store(path.read_bytes(), "evs1 receipt", set(range(1, 13))))
        for path in sorted(trust.glob("heads/*.head")):
            own.heads.append(own.by_store(path.read_bytes(), "recorder witness", set(range(1, 8))))
        if (trust / "policy.cose").exists():
            own.policy = document((trust / "policy.cose").read_bytes(), "policy", own.authority)
        return own

    def by_store(self, data: bytes, purpose: str, keys: set[int]) -> dict[int, Any]:
        """A word of the store; its kid says nothing."""
        need(self.store is not None, "no store")
        assert self.store is not None
        envelope = Envelope.read(data)
        need(envelope.check(self.store.public_key(), envelope.key_id, purpose), "not the store's")
        fields = Decoder.whole(envelope.payload)
        need(isinstance(fields, dict) and set(fields) == keys and fields[1] == 1, "fields")
        return dict(fields)


def usages(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value
    assert isinstance(found, x509.ExtendedKeyUsage)
    return [oid.dotted_string for oid in found]


def spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def document(data: bytes, kind: str, authority: x509.Certificate) -> dict[int, Any]:
    """SF-49: the payload of a document that the agency signed."""
    need(len(data) <= DOCUMENT_MAX, "too long")
    envelope = Envelope.read(data)
    fields = Decoder.whole(envelope.payload)
    need(isinstance(fields, dict) and set(fields) == set(range(1, 7)), "fields of a document")
    need((fields[1], fields[2]) == (1, kind) and fields[3] >= 1, "kind or number")
    certificate = x509.load_der_x509_certificate(fields[6])
    if spki(certificate) != spki(authority):
        need(usages(certificate) == [f"{ARC}.1.5"], "not for documents")
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise BadBytesError("not the agency's") from error
    begin, end = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
    need(begin * NS <= fields[4] < (end + 1) * NS, "outside of the certificate's life")
    kid = hashlib.sha256(spki(certificate)).digest()[:16]
    need(envelope.check(certificate.public_key(), kid, "agency document"), "signature of a document")
    payload = Decoder.whole(fields[5])
    need(isinstance(payload, dict) and set(payload) == {1, 2, 3} and payload[2], "a policy")
    return dict(payload)


class Policy:
    """Section 12: what the agency allowed when."""

    def __init__(self, payload: dict[int, Any]) -> None:
        self.rules: list[dict[int, Any]] = payload[2]
        self.revoked: dict[bytes, int] = dict(payload[3])
        self.waiting: tuple[int, int] | None = None

    def at(self, utc: int) -> list[dict[int, Any]]:
        """Rules that hold at a moment."""
        found = [each for each in self.rules if each[1] <= utc and (2 not in each or utc < each[2])]
        begun = [each[1] for each in self.rules if each[1] <= utc]
        chosen = max(begun) if begun else min(each[1] for each in self.rules)
        return found or [each for each in self.rules if each[1] == chosen]

    def found(self, kind: str, head: dict[int, Any], body: dict[str, Any]) -> list[str]:
        """Codes of what is wrong with a record."""
        rules = self.at(head[7])
        if kind == "OPEN":
            allowing = [each for each in rules if body["suite"] in each[3]]
            recipients = sorted(wrap["recipient"] for wrap in body["wraps"])
            if not allowing:
                return ["SUITE_FORBIDDEN"]
            return [] if any(recipients == each[4] for each in allowing) else ["RECIPIENT_MISMATCH"]
        if kind == "BOOT":
            said = {5: body["tick_seconds"], 6: body["alive_seconds"]}
            kept = (any(_keeps(said[key], each.get(key)) for each in rules) for key in said)
            return ["STALE" for each in kept if not each]
        return []

    def waits(self, kind: str, head: dict[int, Any]) -> int | None:
        """SF-54: sequence number of footage that waits too long for an ANCHOR."""
        if kind == "ANCHOR":
            self.waiting = None
        elif kind == "FRAGMENT" and self.waiting is None:
            limits = [each.get(7) for each in self.at(head[7])]
            if None not in limits:
                self.waiting = (head[3], head[7] + NS * max(limit for limit in limits if limit is not None))
        if self.waiting is not None and head[7] > self.waiting[1]:
            late, self.waiting = self.waiting[0], (self.waiting[0], 1 << 63)
            return late
        return None

    def revoked_at(self, certificate: bytes) -> int | None:
        return self.revoked.get(hashlib.sha256(certificate).digest())


def _keeps(said: int | None, limit: int | None) -> bool:
    return limit is None or (said is not None and said <= limit)


class Anchors:
    """Step 18, with the tokens of a store."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.seen: dict[int, dict[str, Any]] = {}
        self.tokens: list[tuple[int, int]] = []
        self.bounds: dict[int, list[tuple[int, int]]] = {}

    def found(self, kind: str, head: dict[int, Any], body: dict[str, Any], record_hash: bytes) -> list[str]:
        codes = self.judge(head, body) if kind == "ANCHOR" else []
        self.seen[head[3]] = {"head": head, "hash": record_hash}
        return codes

    def judge(self, head: dict[int, Any], body: dict[str, Any]) -> list[str]:
        sequence, named = body["sequence"], self.seen.get(body["sequence"])
        oldest = sorted(self.seen)[-REACH:][0] if len(self.seen) >= REACH else 0
        if sequence >= head[3] or sequence < oldest or (named and named["hash"] != body["record_hash"]):
            return ["TIME_TOKEN_REPLAY"]
        if body["kind"] != "store" or self.given.store is None:
            return []
        try:
            said = self.given.by_store(body["token"], "recorder witness", set(range(1, 8)))
        except BadBytesError:
            return ["TIME_TOKEN_REPLAY"]
        token = (said[3], said[5], said[6], said[7])
        if token != (head[5], sequence, body["record_hash"], body["utc_ns"]):
            return ["TIME_TOKEN_REPLAY"]
        return self.bind(head, body, named)

    def bind(self, head: dict[int, Any], body: dict[str, Any], named: dict[str, Any] | None) -> list[str]:
        low, high, codes = body["utc_ns"] - head[8], 1 << 63, []
        if named is not None:
            self.tokens.append((body["sequence"], body["utc_ns"]))
            if named["head"][9] == head[9]:
                high = body["utc_ns"] - named["head"][8]
            elif named["head"][7] > body["utc_ns"] + TOLERANCE_NS:
                codes = ["CLOCK_WRONG"]
        self.bounds.setdefault(head[9], []).append((low, high))
        return codes

    def wrong(self) -> list[int]:
        """Sequence numbers of records whose utc no anchor of their run allows, the first of each run."""
        found: dict[int, int] = {}
        for sequence, each in self.seen.items():
            head = each["head"]
            slack, offset = TOLERANCE_NS + max(head[14], 0), head[7] - head[8]
            bounds = self.bounds.get(head[9], [])
            if any(offset < low - slack or offset > high + slack for low, high in bounds):
                found.setdefault(head[9], sequence)
        return list(found.values())
