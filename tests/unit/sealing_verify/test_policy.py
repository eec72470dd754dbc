"""The agency's device policy: suites, recipients, promised intervals, revoked units."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.serialization import Encoding

from sealing import records as r
from sealing.agency_document import KIND_POLICY, KIND_PROFILE, AgencyDocument, sign_document
from sealing.encoding import encode
from sealing.errors import DocumentError, PolicyError
from sealing.findings import Code, Finding, Severity
from sealing.framing import file_name
from sealing.identity import SealingPolicy, SoftwareFacts
from sealing.keys import FileKeySigner
from sealing.limits import RECIPIENTS_MIN
from sealing.policy import POLICY_FILE, Rules, UnitPolicy, encode_policy
from sealing.receipts import Receipt
from sealing.timetokens import Statement, anchor_of_statement
from sealing.trust import AGENCY_CA_FILE, Trust, TrustError
from sealing.verifier import examine_chain
from sealing.wraps import Recipient
from sealing.writer import ChainWriter
from tests.support import chains, policies, stamping
from tests.support.chains import agency, identity, start_writer
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.support.forging import records_of

NS = 10**9
HOUR = 3600 * NS


def judged(
    folder: Path, policy: UnitPolicy, store: stamping.Store | None = None, *receipts: Receipt
) -> tuple[Finding, ...]:
    certificate = None if store is None else store.certificate
    trust = Trust((agency().certificate(),), certificate, receipts=receipts, policy=policy)
    return tuple(each for each in examine_chain([folder], trust).findings if each.code is not Code.TAIL_OPEN)


def sealed(folder: Path, **options: object) -> ChainWriter:
    folder.mkdir(exist_ok=True)
    writer = start_writer(folder, **options)  # type: ignore[arg-type]  # as named
    writer.seal(r.DockChange(docked=True))
    return writer


def test_a_chain_that_keeps_the_policy_is_clean(tmp_path: Path) -> None:
    """SF-52, and the report names the policy."""
    sealed(tmp_path).halt("stop")
    trust = Trust((agency().certificate(),), policy=policies.policy())
    report = examine_chain([tmp_path], trust)
    assert report.findings == ()
    assert report.policy is not None
    assert report.policy.number == 1


def test_a_suite_that_the_policy_does_not_allow_is_named(tmp_path: Path) -> None:
    """SF-52: catalogue row 34; the unit's certificate allows suite 1, the agency's policy of the day does not."""
    sealed(tmp_path).halt("stop")
    found = judged(tmp_path, policies.policy([policies.rules(suites=frozenset({2}))]))
    assert [(each.code, each.place.file, each.place.sequence) for each in found] == [
        (Code.SUITE_FORBIDDEN, file_name(1), 1)
    ]


def test_an_unknown_recipient_is_named(tmp_path: Path) -> None:
    """SF-52: catalogue row 60; somebody put a third recipient into the unit's folder."""
    stranger = Recipient("stranger", chains.public_der(x25519.X25519PrivateKey.generate()))
    sealed(tmp_path, chain_policy=SealingPolicy((*agency().recipients, stranger), reserve_bytes=0)).halt("stop")
    (found,) = judged(tmp_path, policies.policy())
    assert found.code is Code.RECIPIENT_MISMATCH
    assert next(iter(policies.key_ids([stranger]))).hex() in found.detail


def test_a_missing_recipient_is_named(tmp_path: Path) -> None:
    """SF-52: catalogue row 60."""
    stranger = Recipient("stranger", chains.public_der(x25519.X25519PrivateKey.generate()))
    sealed(tmp_path, chain_policy=SealingPolicy((agency().recipients[0], stranger), reserve_bytes=0)).halt("stop")
    (found,) = judged(tmp_path, policies.policy())
    assert found.code is Code.RECIPIENT_MISMATCH
    assert "missing" in found.detail
    assert "not named" in found.detail


def test_old_footage_is_judged_by_the_rules_of_its_time(tmp_path: Path) -> None:
    """SF-52: yesterday's recipients were right yesterday."""
    stranger = frozenset({bytes(16), bytes(range(16))})
    sealed(tmp_path).halt("stop")
    changed = [
        policies.rules(until_utc_ns=START_UTC_NS + HOUR),
        policies.rules(START_UTC_NS + HOUR, recipients=stranger),
    ]
    assert judged(tmp_path, policies.policy(changed)) == ()
    too_early = [policies.rules(until_utc_ns=START_UTC_NS), policies.rules(START_UTC_NS, recipients=stranger)]
    assert [each.code for each in judged(tmp_path, policies.policy(too_early))] == [Code.RECIPIENT_MISMATCH]


def test_rules_overlap_while_units_get_new_ones(tmp_path: Path) -> None:
    """SF-52: one whole set of rules has to be kept, not a part of each."""
    one, other = policies.rules(), policies.rules(suites=frozenset({2}), recipients=frozenset({bytes(16), b"r" * 16}))
    held = policies.policy([one, other])
    sealed(tmp_path).halt("stop")
    opened = records_of(tmp_path / file_name(1))[0].read.body
    assert isinstance(opened, r.Open)

    def codes(suite: int, recipients: frozenset[bytes]) -> list[Code]:
        wraps = tuple(r.KeyWrap(each, b"key") for each in sorted(recipients))
        return [code for code, _ in held.judge_open(replace(opened, suite=suite, wraps=wraps), START_UTC_NS)]

    assert codes(1, one.recipients) == codes(2, other.recipients) == []
    assert codes(1, other.recipients) == [Code.RECIPIENT_MISMATCH]
    assert codes(3, one.recipients) == [Code.SUITE_FORBIDDEN]


def test_a_moment_without_rules_falls_to_its_neighbours() -> None:
    """SF-52: a unit whose clock was never set is judged by the first rules, one in a pause by the last before it."""
    first, second = policies.rules(100, until_utc_ns=200), policies.rules(300, suites=frozenset({2}))
    held = policies.policy([second, first])
    assert held.rules_at(0) == (first,)
    assert held.rules_at(150) == (first,)
    assert held.rules_at(250) == (first,)
    assert held.rules_at(300) == (second,)


@pytest.mark.parametrize(
    ("promised", "wanted"),
    [((None, 60), (300, 60)), ((600, 60), (300, 60)), ((300, None), (300, 60)), ((300, 600), (300, 60))],
    ids=str,
)
def test_promises_below_the_policy_are_stale(promised: tuple[int | None, int | None], wanted: tuple[int, int]) -> None:
    """SF-54: catalogue row 59."""
    boot = r.Boot(1, True, None, 0, None, (), "1", "test", False, "boot-1", "first-start", promised[1], promised[0])
    held = policies.policy([policies.rules(tick_seconds=wanted[0], alive_seconds=wanted[1])])
    assert [code for code, _ in held.judge_boot(boot, 0)] == [Code.STALE]
    assert policies.policy().judge_boot(boot, 0) == ()
    kept = replace(boot, tick_seconds=wanted[0], alive_seconds=wanted[1])
    assert held.judge_boot(kept, 0) == ()


def test_a_run_without_the_counter_that_the_policy_asks_for_is_stale(tmp_path: Path) -> None:
    """SF-54: a warning at BOOT."""
    sealed(tmp_path, software=SoftwareFacts("1", "test", simulated=True, alive_seconds=60)).halt("stop")
    (found,) = judged(tmp_path, policies.policy([policies.rules(tick_seconds=300, alive_seconds=60)]))
    assert (found.code, found.severity, found.place.sequence) == (Code.STALE, Severity.WARNING, 2)


def footage(writer: ChainWriter, clock: ManualClock, seconds: int = 3) -> None:
    writer.open_footage(chains.run_facts())
    for each in range(seconds):
        clock.advance(1)
        writer.append_fragment(chains.fragment(each), chains.media(each, 50))
    writer.close_footage(chains.close_facts(seconds))


def anchored(writer: ChainWriter, clock: ManualClock, store: stamping.Store) -> None:
    """The store has seen the last record, and says so now."""
    reference = writer.seal(r.DockChange(docked=True))
    token = store.statement("unit-0001", reference.sequence, reference.hash, clock.now.utc_ns)
    clock.advance(1)
    writer.seal_anchor(anchor_of_statement(token, store.key.public_key(), "unit-0001"))


def test_footage_that_waits_too_long_for_an_anchor_is_stale(tmp_path: Path) -> None:
    """SF-54: catalogue row 59."""
    clock, store = ManualClock(), stamping.Store()
    writer = sealed(tmp_path, clock=clock)
    footage(writer, clock)
    clock.advance(3_601)
    anchored(writer, clock, store)
    writer.halt("stop")
    strict, lax = (policies.policy([policies.rules(anchor_seconds=limit)]) for limit in (3_600, 3_610))
    (found,) = judged(tmp_path, strict, store)
    assert (found.code, found.place.file, found.place.sequence) == (Code.STALE, file_name(2), 6)
    assert judged(tmp_path, lax, store) == ()


@pytest.fixture
def shift(tmp_path: Path) -> tuple[Path, stamping.Store]:
    """Footage, then the store's time over all of it, then more records."""
    clock, store, folder = ManualClock(), stamping.Store(), tmp_path / "spool"
    writer = sealed(folder, clock=clock)
    footage(writer, clock)
    anchored(writer, clock, store)
    writer.roll_ledger("dock")
    clock.advance(600)
    writer.seal(r.DockChange(docked=False))
    writer.halt("stop")
    return folder, store


def revoked(seconds: int) -> UnitPolicy:
    return policies.policy(revocations={identity().certificate_der: START_UTC_NS + seconds * NS})


def test_what_was_anchored_before_the_revocation_stays_good(shift: tuple[Path, stamping.Store]) -> None:
    """SF-53: catalogue row 50. The files in front of the token's record are there in time, the later ones are not."""
    folder, store = shift
    found = judged(folder, revoked(300), store)
    assert [(each.code, each.place.file) for each in found] == [
        (Code.UNTRUSTED_KEY, file_name(3)),
        (Code.UNTRUSTED_KEY, file_name(4)),
    ]


def test_a_unit_that_was_revoked_before_is_not_trusted(shift: tuple[Path, stamping.Store]) -> None:
    """SF-53: catalogue row 50; every file, at its OPEN."""
    folder, store = shift
    found = judged(folder, revoked(0), store)
    assert [each.code for each in found] == [Code.UNTRUSTED_KEY] * 4
    assert {each.place.offset_bytes for each in found} == {8}


def test_a_unit_says_nothing_about_its_own_time(shift: tuple[Path, stamping.Store]) -> None:
    """SF-53: without the store's certificate nobody vouches, whatever the records say about when they were sealed."""
    folder, _ = shift
    assert [each.code for each in judged(folder, revoked(10**6))] == [Code.UNTRUSTED_KEY] * 4


def test_a_receipt_of_an_earlier_time_vouches_too(shift: tuple[Path, stamping.Store]) -> None:
    """SF-53: for the file whose head it names, and for all before it."""
    folder, store = shift
    facts = examine_chain([folder], Trust((agency().certificate(),))).files
    last = facts[-1]
    assert last.file_id is not None
    assert last.head_hash is not None
    assert last.last_sequence is not None
    receipt = Receipt(
        "store", "unit-0001", bytes.fromhex(last.file_id), last.size_bytes, last.first_sequence or 0,
        last.last_sequence, bytes.fromhex(last.head_hash), START_UTC_NS + 700 * NS, 1, bytes(32), "fsync-1",
    )  # fmt: skip
    assert judged(folder, revoked(701), store, receipt) == ()
    assert {each.place.file for each in judged(folder, revoked(700), store, receipt)} == {file_name(3), file_name(4)}
    other = replace(receipt, head_hash=bytes(32))
    assert Code.UNTRUSTED_KEY in {each.code for each in judged(folder, revoked(701), store, other)}


def test_a_head_that_the_store_has_seen_in_time_vouches_too(shift: tuple[Path, stamping.Store]) -> None:
    """SF-53: of a record that is here, and of no other."""
    folder, store = shift
    last = examine_chain([folder], Trust((agency().certificate(),))).files[-1]
    assert last.head_hash is not None
    assert last.last_sequence is not None
    head = Statement("unit-0001", last.last_sequence, bytes.fromhex(last.head_hash), START_UTC_NS + 700 * NS)
    trust = Trust((agency().certificate(),), store.certificate, heads=(head,), policy=revoked(701))
    assert examine_chain([folder], trust).verdicts == ()
    foreign = replace(trust, heads=(replace(head, record_hash=bytes(32)),))
    assert "UNTRUSTED_KEY" in examine_chain([folder], foreign).verdicts
    late = replace(trust, policy=revoked(700))
    assert "UNTRUSTED_KEY" in examine_chain([folder], late).verdicts


def test_hashes_do_not_vouch_over_a_hole_that_was_bridged_later(shift: tuple[Path, stamping.Store]) -> None:
    """SF-53: who has the key can write a DELETE for a past that never was; it counts only if it was there in time."""
    folder, store = shift
    (folder / file_name(2)).unlink()
    found = {(each.code, each.place.file) for each in judged(folder, revoked(300), store)}
    assert (Code.UNTRUSTED_KEY, file_name(1)) in found


def test_another_units_certificate_is_not_meant(shift: tuple[Path, stamping.Store]) -> None:
    """SF-53: a certificate is named by its hash."""
    folder, store = shift
    assert judged(folder, policies.policy(revocations={b"another certificate": 0}), store) == ()


def test_a_policy_survives_its_document() -> None:
    """SF-51."""
    held = (
        policies.rules(until_utc_ns=7, tick_seconds=300, alive_seconds=60, anchor_seconds=86_400),
        policies.rules(7, suites=frozenset({1, 2})),
    )
    revocations = {b"one certificate": 5, b"another": 9}
    ca = agency().certificate().public_bytes(Encoding.DER)
    signer, certificate = chains.clerk()
    payload = encode_policy(held, {hashlib.sha256(der).digest(): when for der, when in revocations.items()})
    found = UnitPolicy.read(sign_document(KIND_POLICY, 4, START_UTC_NS, payload, signer, certificate), [ca])
    assert (found.number, found.rules) == (4, held)
    assert {der: found.revoked_ns(der) for der in (*revocations, b"third")} == revocations | {b"third": None}


GOOD: dict[int, object] = {1: 0, 3: [1], 4: [bytes(16), b"r" * 16]}


@pytest.mark.parametrize(
    "payload",
    [
        b"no CBOR",
        {1: 2, 2: [GOOD], 3: []},
        {1: 1, 2: [], 3: []},
        {1: 1, 2: [GOOD]},
        {1: 1, 2: [GOOD], 3: [], 4: 0},
        {1: 1, 2: [GOOD | {8: 1}], 3: []},
        {1: 1, 2: [GOOD | {1: -1}], 3: []},
        {1: 1, 2: [GOOD | {1: True}], 3: []},
        {1: 1, 2: [GOOD | {3: []}], 3: []},
        {1: 1, 2: [GOOD | {3: [2, 1]}], 3: []},
        {1: 1, 2: [GOOD | {4: [bytes(16)] * RECIPIENTS_MIN}], 3: []},
        {1: 1, 2: [GOOD | {4: [bytes(16)]}], 3: []},
        {1: 1, 2: [GOOD | {4: [bytes(16), b"short"]}], 3: []},
        {1: 1, 2: [GOOD | {5: 0}], 3: []},
        {1: 1, 2: [GOOD], 3: [[bytes(32)]]},
        {1: 1, 2: [GOOD], 3: [[bytes(31), 0]]},
        {1: 1, 2: [GOOD], 3: [[bytes(32), 0], [bytes(32), 5]]},
        {1: 1, 2: [GOOD], 3: [[b"b" * 32, 0], [b"a" * 32, 5]]},
        {1: 1, 2: [GOOD], 3: [[bytes(32), -1]]},
        {1: 1, 2: [7], 3: []},
        {1: 1, 2: 7, 3: []},
    ],
    ids=str,
)
def test_a_malformed_policy_is_refused(payload: object) -> None:
    """SF-51."""
    data = payload if isinstance(payload, bytes) else encode(payload)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(PolicyError, match="number 5"):
        UnitPolicy.of(AgencyDocument(KIND_POLICY, 5, 0, data, bytes(32)))


def test_nobody_signs_a_policy_that_nobody_could_read() -> None:
    """SF-51."""
    with pytest.raises(PolicyError, match="fewer than 2"):
        encode_policy([Rules(0, None, frozenset({1}), frozenset({bytes(16)}))], {})
    with pytest.raises(PolicyError, match="32 bytes"):
        encode_policy([policies.rules()], {b"short": 0})


def trust_folder(tmp_path: Path, document: bytes) -> Path:
    (tmp_path / AGENCY_CA_FILE).write_bytes(agency().certificate().public_bytes(Encoding.PEM))
    (tmp_path / POLICY_FILE).write_bytes(document)
    return tmp_path


def test_the_trust_folder_holds_the_policy(tmp_path: Path) -> None:
    signer, certificate = chains.clerk()
    data = sign_document(KIND_POLICY, 2, START_UTC_NS, encode_policy([policies.rules()], {}), signer, certificate)
    policy = Trust.load(trust_folder(tmp_path, data)).policy
    assert policy is not None
    assert policy.number == 2


def test_a_policy_that_is_not_the_agencys_stops_the_verification(tmp_path: Path) -> None:
    """SF-49: rather no verdict than one under rules that somebody else made."""
    signer, certificate = chains.clerk(authority=chains.Agency())
    data = sign_document(KIND_POLICY, 2, START_UTC_NS, encode_policy([policies.rules()], {}), signer, certificate)
    with pytest.raises(TrustError, match=POLICY_FILE):
        Trust.load(trust_folder(tmp_path, data))


def test_a_profile_is_no_policy() -> None:
    """SF-49."""
    ca = agency().certificate().public_bytes(Encoding.DER)
    data = sign_document(KIND_PROFILE, 2, START_UTC_NS, b"", FileKeySigner(agency().key), ca)
    with pytest.raises(DocumentError, match="«profile»"):
        UnitPolicy.read(data, [ca])
