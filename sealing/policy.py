"""The device policy: what the agency allows its units, and which of them it no longer believes.

Rules of this module: values in, values out; the document around it is `agency_document`'s matter. A policy speaks of
all times: each set of rules says from when to when it holds, so that footage of last year is judged by last year's
rules (`FORMAT.md`, section 12).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sealing import encoding
from sealing.agency_document import KIND_POLICY, AgencyDocument, verify_document
from sealing.encoding import Plain
from sealing.errors import MalformedError, PolicyError
from sealing.findings import Code
from sealing.limits import (
    CBOR_ITEMS_MAX,
    DOCUMENT_BYTES_MAX,
    HASH_BYTES,
    INTEGER_MAX,
    KEY_ID_BYTES,
    LIST_ITEMS_MAX,
    RECIPIENTS_MAX,
    RECIPIENTS_MIN,
)
from sealing.records import Boot, Open

POLICY_FILE: Final = "policy.cose"
"""Name of the document in a trust folder and on a unit."""
_VERSION: Final = 1
_FIELDS: Final = (1, 2, 3)
_NEEDED: Final = frozenset({1, 3, 4})
_OPTIONAL: Final = frozenset({2, 5, 6, 7})
_REVOCATION_PARTS: Final = 2

Fault = tuple[Code, str]
"""A verdict and what it is about."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for a time."""

    from_utc_ns: int
    until_utc_ns: int | None
    """First moment at which they hold no longer; None: they hold on."""
    suites: frozenset[int]
    recipients: frozenset[bytes]
    """Key ids of everybody to whom a content key is wrapped: these and no others."""
    tick_seconds: int | None = None
    """Longest interval between TICKs that a unit may promise; None: no counter is asked for."""
    alive_seconds: int | None = None
    """Longest silence that a unit may promise; None: no sign of life is asked for."""
    anchor_seconds: int | None = None
    """Longest time that footage may wait for an ANCHOR; None: none is asked for."""

    def hold_at(self, utc_ns: int) -> bool:
        """Whether a moment lies in their time."""
        return self.from_utc_ns <= utc_ns and (self.until_utc_ns is None or utc_ns < self.until_utc_ns)


@dataclass(frozen=True, slots=True)
class UnitPolicy:
    """A policy whose signature was verified."""

    number: int
    issued_utc_ns: int
    digest: bytes
    """Of the document that carries it."""
    rules: tuple[Rules, ...]
    revocations: Mapping[bytes, int] = field(default_factory=dict)
    """SHA-256 of device certificates (DER), and from when on they count no longer, UTC in ns."""

    @classmethod
    def read(cls, data: bytes, agency_ca_ders: Sequence[bytes]) -> UnitPolicy:
        """Read a signed policy.

        Raises:
            DocumentError: It is not a document of the agency, or not a policy.
            PolicyError: Its contents are malformed.
        """
        return cls.of(verify_document(data, KIND_POLICY, agency_ca_ders))

    @classmethod
    def of(cls, document: AgencyDocument) -> UnitPolicy:
        """Take a policy out of its document (SF-51).

        Raises:
            PolicyError: Its contents are malformed.
        """
        try:
            rules, revocations = _contents(document.payload)
        except MalformedError as error:
            raise PolicyError(
                f"device policy number {document.number}: {error}; the agency has to sign it anew"
            ) from error
        return cls(document.number, document.issued_utc_ns, document.digest, rules, revocations)

    def rules_at(self, utc_ns: int) -> tuple[Rules, ...]:
        """Rules that may have been in force at a moment; while units get new ones, old and new hold (SF-52).

        Where none is for that moment, those that began last before it; where none had begun, those that begin first.
        """
        found = tuple(each for each in self.rules if each.hold_at(utc_ns))
        if found:
            return found
        begun = [each.from_utc_ns for each in self.rules if each.from_utc_ns <= utc_ns]
        chosen = max(begun) if begun else min(each.from_utc_ns for each in self.rules)
        return tuple(each for each in self.rules if each.from_utc_ns == chosen)

    def judge_open(self, body: Open, utc_ns: int) -> tuple[Fault, ...]:
        """Hold a file's OPEN to the rules (SF-52)."""
        return self._judge(body.suite, frozenset(wrap.recipient for wrap in body.wraps), utc_ns)

    def judge_boot(self, body: Boot, utc_ns: int) -> tuple[Fault, ...]:
        """Hold what a run of the agent promises to the rules (SF-54)."""
        rules = self.rules_at(utc_ns)
        promised = (
            ("TICK", body.tick_seconds, [each.tick_seconds for each in rules]),
            ("ALIVE", body.alive_seconds, [each.alive_seconds for each in rules]),
        )
        return tuple(
            (Code.STALE, f"the run promises {name} {_each(said)}; the policy asks for it {_each(_laxest(wanted))}")
            for name, said, wanted in promised
            if not any(limit is None or (said is not None and said <= limit) for limit in wanted)
        )

    def anchor_ns_at(self, utc_ns: int) -> int | None:
        """Longest time that footage of a moment may wait for an ANCHOR; None: for ever."""
        limit = _laxest([each.anchor_seconds for each in self.rules_at(utc_ns)])
        return None if limit is None else limit * 1_000_000_000

    def revoked_ns(self, certificate_der: bytes) -> int | None:
        """From when on a device certificate counts no longer, UTC in ns; None where it was not revoked (SF-53)."""
        return self.revocations.get(hashlib.sha256(certificate_der).digest())

    def _judge(self, suite: int, recipients: frozenset[bytes], utc_ns: int) -> tuple[Fault, ...]:
        allowing = [each for each in self.rules_at(utc_ns) if suite in each.suites]
        if not allowing:
            return ((Code.SUITE_FORBIDDEN, f"the agency's policy does not allow suite {suite} at that time"),)
        if any(recipients == each.recipients for each in allowing):
            return ()
        wanted = allowing[-1].recipients
        unknown, missing = recipients - wanted, wanted - recipients
        parts = [f"{_names(unknown)} not named there"] * bool(unknown) + [f"{_names(missing)} missing"] * bool(missing)
        detail = f"the content key is not wrapped to the recipients of the agency's policy: {', '.join(parts)}"
        return ((Code.RECIPIENT_MISMATCH, detail),)


def encode_policy(rules: Sequence[Rules], revocations: Mapping[bytes, int]) -> bytes:
    """Encode a policy, ready to be signed as a document of the kind `policy` (SF-51).

    Args:
        rules: What holds when; at least one.
        revocations: SHA-256 of device certificates (DER), and from when on they count no longer, UTC in ns.

    Raises:
        PolicyError: A value is outside its range.
    """
    listed: Plain = [[digest, revocations[digest]] for digest in sorted(revocations)]
    fields: dict[int, Plain] = {1: _VERSION, 2: [_plain(each) for each in rules], 3: listed}
    try:
        for each in _list(fields[2], LIST_ITEMS_MAX):
            _rules_of(each)
        _revocations_of(listed)
        return encoding.encode(fields)
    except MalformedError as error:
        raise PolicyError(f"device policy: {error}") from error


def _plain(rules: Rules) -> dict[int, Plain]:
    said: dict[int, Plain | None] = {
        1: rules.from_utc_ns,
        2: rules.until_utc_ns,
        3: sorted(rules.suites),
        4: sorted(rules.recipients),
        5: rules.tick_seconds,
        6: rules.alive_seconds,
        7: rules.anchor_seconds,
    }
    return {key: value for key, value in said.items() if value is not None}


def _contents(payload: bytes) -> tuple[tuple[Rules, ...], dict[bytes, int]]:
    plain = encoding.decode(payload, DOCUMENT_BYTES_MAX)
    if not isinstance(plain, dict) or tuple(plain) != _FIELDS or _count(plain[1], 1) != _VERSION:
        raise MalformedError("not version 1 with its three fields")
    rules = tuple(_rules_of(each) for each in _list(plain[2], LIST_ITEMS_MAX))
    if not rules:
        raise MalformedError("not one set of rules")
    return rules, _revocations_of(plain[3])


def _rules_of(plain: Plain) -> Rules:
    if not isinstance(plain, dict) or not _NEEDED <= set(plain) <= _NEEDED | _OPTIONAL:
        raise MalformedError("a set of rules lacks a field or has an unknown one")
    fields: dict[int, Plain] = {key: value for key, value in plain.items() if isinstance(key, int)}
    suites = [_count(each, 1) for each in _list(fields[3], LIST_ITEMS_MAX)]
    recipients = [_bytes(each, KEY_ID_BYTES) for each in _list(fields[4], RECIPIENTS_MAX)]
    if not suites or len(recipients) < RECIPIENTS_MIN:
        raise MalformedError(f"a set of rules without a suite, or with fewer than {RECIPIENTS_MIN} recipients")
    if sorted(set(suites)) != suites or sorted(set(recipients)) != recipients:
        raise MalformedError("suites or recipients are not in order, or one stands twice")
    begin, until, *limits = (_optional(fields, key, low) for key, low in ((1, 0), (2, 0), (5, 1), (6, 1), (7, 1)))
    return Rules(begin or 0, until, frozenset(suites), frozenset(recipients), *limits)


def _revocations_of(plain: Plain) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for each in _list(plain, CBOR_ITEMS_MAX):
        pair = _list(each, _REVOCATION_PARTS)
        if len(pair) != _REVOCATION_PARTS:
            raise MalformedError("a revocation is not a certificate's hash and a time")
        found[_bytes(pair[0], HASH_BYTES)] = _count(pair[1], 0)
    if len(found) != len(_list(plain, CBOR_ITEMS_MAX)) or sorted(found) != list(found):
        raise MalformedError("revocations are not in the order of their hashes, or one stands twice")
    return found


def _list(plain: Plain, longest: int) -> Sequence[Plain]:
    if not isinstance(plain, list) or len(plain) > longest:
        raise MalformedError(f"no list of at most {longest} entries where one belongs")
    return plain


def _optional(fields: Mapping[int, Plain], key: int, low: int) -> int | None:
    return _count(fields[key], low) if key in fields else None


def _count(plain: Plain, low: int) -> int:
    if type(plain) is not int or not low <= plain <= INTEGER_MAX:
        raise MalformedError(f"no integer from {low} where one belongs")
    return plain


def _bytes(plain: Plain, length: int) -> bytes:
    if not isinstance(plain, bytes) or len(plain) != length:
        raise MalformedError(f"no {length} bytes where they belong")
    return plain


def _laxest(limits: Sequence[int | None]) -> int | None:
    known = [each for each in limits if each is not None]
    return max(known) if len(known) == len(limits) else None


def _each(seconds: int | None) -> str:
    return "never" if seconds is None else f"each {seconds} s"


def _names(recipients: frozenset[bytes]) -> str:
    return ", ".join(sorted(each.hex() for each in recipients))
