"""What a hostile or a very old chain asks of the verifier rises with its size, not with the square of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.records import Delete, ReceiptSeal
from sealing.verifier_deletion import Deletion
from sealing.verifier_links import Hole, Links, settle
from sealing.verifier_policy import PolicyWatch
from tests.support import chains, policies
from tests.support.forging import records_of

MANY = 40_000
PLACE = Place("00000001.evs")
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def header(tmp_path: Path) -> RecordHeader:
    chains.start_writer(tmp_path).halt("stop")
    return records_of(tmp_path / "00000001.evs")[1].read


def delete(number: int, first: int) -> Delete:
    return Delete(number, bytes(32), first, first, bytes(32), bytes(32), bytes(32), 1, 1)


def test_every_second_record_dropped_and_shown_later(header: RecordHeader) -> None:
    """Nobody needs a key for that: SF-13."""
    findings, kept = Findings(), range(2, 2 * MANY, 2)
    links = Links(findings)
    for number in (*kept, *range(1, 2 * MANY, 2)):
        links.place(replace(header, sequence=number), bytes(32), PLACE)
    assert len(links.holes) == len(kept)
    assert settle(links.holes, {}, findings) == ()
    assert {each.code for each in findings.sorted()} == {Code.REPLAY_OR_REORDER}


def test_holes_that_deletions_only_claim_to_bridge(header: RecordHeader) -> None:
    """SF-33: each hole's own DELETE names another hash."""
    findings = Findings()
    holes = [Hole(2 * n, 2 * n, b"x" * 32, replace(header, sequence=2 * n + 1), PLACE) for n in range(1, MANY)]
    deletes = {2 * n: delete(n, 2 * n) for n in range(1, MANY)}
    assert settle(holes, deletes, findings) == ()
    (gap,) = {each.code for each in findings.sorted()}
    assert gap is Code.GAP


def test_a_unit_that_freed_for_years(header: RecordHeader) -> None:
    """SF-33: the RECEIPTs went with ledger files that were freed, too."""
    findings = Findings()
    deletion = Deletion(findings)
    for number in range(1, MANY):
        deletion.record(replace(header, sequence=10 * MANY + number, body=delete(number, 2 * number)), PLACE)
    holes = [Hole(2, 2 * MANY, None, replace(header, sequence=2 * MANY + 1, previous_hash=bytes(32)), PLACE)]
    bridged = settle(
        holes, {first: replace(body, last_sequence=first + 1) for first, body in deletion.deletes.items()}, findings
    )
    assert len(bridged) == MANY - 1
    deletion.settle(bridged, {})
    # The last one has no other freed file between itself and its DELETE, and no RECEIPT.
    assert [each.code for each in findings.sorted() if each.code is Code.POLICY_VIOLATION] == [Code.POLICY_VIOLATION]


def test_a_receipt_behind_a_deletion_is_no_receipt_before_it(header: RecordHeader) -> None:
    """SF-33."""
    findings = Findings()
    deletion = Deletion(findings)
    deletion.record(replace(header, sequence=10, body=delete(1, 2)), PLACE)
    deletion.record(replace(header, sequence=11, body=ReceiptSeal(1, bytes(32), bytes(32), "store", 1)), PLACE)
    deletion.settle((), {})
    assert [each.code for each in findings.sorted()] == [Code.POLICY_VIOLATION]


def test_a_revoked_unit_with_a_long_past(tmp_path: Path) -> None:
    """SF-53: thousands of files, holes and tokens; the last file alone has nobody who speaks for it."""
    chains.start_writer(tmp_path).halt("stop")
    opening = records_of(tmp_path / "00000001.evs")[0].read
    findings, count = Findings(), MANY // 20
    watch = PolicyWatch(policies.policy(revocations={chains.identity().certificate_der: 10}), findings)
    for number in range(1, count):
        watch.record(replace(opening, sequence=10 * number + 1), Place(f"{number:08d}.evs", 10 * number + 1, 8))
        watch.vouch(10 * number - 5, number % 10)
    holes = [Hole(10 * n, 10 * n, None, opening, PLACE) for n in range(1, count)]
    watch.settle((), {}, holes, {10 * n: 10 * n + 1 for n in range(1, count)})
    (found,) = findings.sorted()
    assert (found.code, found.place.sequence) == (Code.UNTRUSTED_KEY, 10 * (count - 1) + 1)
