"""Counters over holes, parts of chains, residual cases, contents: what a verdict says where it cannot know all."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sealing.findings import Code, Severity
from sealing.framing import file_name
from sealing.picture import render_picture
from sealing.report import ChainError, Report, Standing
from sealing.suites import SUITE_1
from sealing.timeline import render_timeline
from sealing.trust import HEADS_FOLDER, RECEIPTS_FOLDER, Trust, TrustError
from sealing.verifier import Asked, examine_chain, verify_chain
from tests.support import chains
from tests.support.clocks import ManualClock
from tests.support.forging import Raw, rewrite
from tests.support.recordings import trust
from tests.support.stamping import Store

PART = Asked(part=True)


def three_shifts(tmp_path: Path, third_counter: str) -> Report:
    """The middle one is gone; the third may show another counter."""
    spool, clock = tmp_path / "spool", ManualClock()
    spool.mkdir()
    for number in (0, 1):
        chains.shift(spool, clock, number, tmp_path / "counter")
    middle = sorted(spool.glob("*.evs"))[3:6]
    chains.shift(spool, clock, 2, tmp_path / third_counter)
    for path in middle:
        path.unlink()
    return examine_chain([spool], trust())


def test_ticks_that_went_with_missing_records_are_counted(tmp_path: Path) -> None:
    """SF-43: the counter says that they were there."""
    report = three_shifts(tmp_path, "counter")
    assert set(report.verdicts) == {"GAP", "ROLLBACK"}
    rollback = next(each for each in report.findings if each.code is Code.ROLLBACK)
    assert "2 TICKs went with records that are missing" in rollback.detail


def test_a_tick_that_may_be_among_unreadable_records_is_not_called_gone(tmp_path: Path) -> None:
    """SF-43: what cannot be read may have been anything, beside a hole too."""
    clock = ManualClock()
    for number in (0, 1):
        chains.shift(tmp_path, clock, number, tmp_path / "counter")
    (tmp_path / file_name(2)).unlink()
    rewrite(
        tmp_path / file_name(3), lambda found: [*found[:1], Raw(found[1].header[:-64] + bytes(64), b""), *found[2:]]
    )
    assert set(examine_chain([tmp_path], trust()).verdicts) == {"GAP", "BAD_SIGNATURE"}


def test_a_counter_does_not_go_back_over_a_hole(tmp_path: Path) -> None:
    """SF-43: a hole hides how often it was raised, not that it was set back."""
    report = three_shifts(tmp_path, "another-counter")
    assert set(report.verdicts) == {"GAP", "ROLLBACK"}
    rollback = next(each for each in report.findings if each.code is Code.ROLLBACK)
    assert "before records are missing" in rollback.detail


def test_an_unclean_stop_says_how_much_can_be_missing_there(tmp_path: Path) -> None:
    """Catalogue row R1: a tail cut off behind the last TICK, and a power cut pretended: intact, never clean."""
    spool, clock = tmp_path / "spool", ManualClock()
    spool.mkdir()
    chains.shift(spool, clock, 0, tmp_path / "counter", orderly=False)
    max(spool.glob("*.evs")).unlink()
    chains.shift(spool, clock, 1, tmp_path / "counter")
    report = examine_chain([spool], trust())
    (stop,) = [each for each in report.findings if each.code is Code.UNCLEAN_STOP]
    assert "at most 300 s of footage can have come behind it unseen" in stop.detail
    assert (report.intact, report.standing) == (True, Standing.REMARKS)


def test_an_unclean_stop_without_a_counter_is_bounded_by_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    chains.start_writer(tmp_path, clock).abandon()
    clock.reboot("boot-2")
    chains.start_writer(tmp_path, clock).halt("stop")
    (stop,) = examine_chain([tmp_path], trust()).findings
    assert stop.code is Code.UNCLEAN_STOP
    assert "no counter bounds" in stop.detail


def test_row_57_a_part_is_a_part_and_never_whole(film_copy: Path) -> None:
    """What is here is judged in full, and the range is named."""
    for number in (1, 2, 6, 7, 8, 9):
        (film_copy / file_name(number)).unlink()
    report = verify_chain([film_copy], trust(), asked=PART)
    assert report.verdicts == ("PARTIAL", "TAIL_OPEN")
    first, last = report.first_sequence, report.last_sequence
    (partial,) = [each for each in report.findings if each.code is Code.PARTIAL]
    assert partial.severity is Severity.WARNING
    assert f"records {first} to {last} " in partial.detail
    assert report.standing is Standing.PART
    with pytest.raises(ChainError):
        verify_chain([film_copy], trust())


@pytest.mark.parametrize(
    ("gone", "zh", "en"),
    [
        ((), "完整：与封存时一致", "intact: as it was sealed\n"),
        ((9,), "另有说明，见文末", "intact: as it was sealed, with remarks"),
        ((1, 2), "部分：第 ", "this is not the whole chain"),
        ((4,), "不完整", "NOT intact"),
    ],
    ids=str,
)
def test_only_what_has_nothing_to_remark_is_called_whole(
    film_copy: Path, gone: tuple[int, ...], zh: str, en: str
) -> None:
    """Residual cases are told in the first line of the page, and in the picture."""
    for number in gone:
        (film_copy / file_name(number)).unlink()
    report = examine_chain([film_copy], trust(), asked=Asked(part=1 in gone))
    assert zh in render_timeline(report)
    assert en in render_timeline(report, "en")
    assert ("✓ 核验完整" in render_picture(report)) == (report.standing is Standing.CLEAN) == (not gone)


def test_a_hole_inside_a_part_is_a_gap(film_copy: Path) -> None:
    for number in (1, 2, 4):
        (film_copy / file_name(number)).unlink()
    assert set(examine_chain([film_copy], trust(), asked=PART).verdicts) == {"PARTIAL", "GAP"}


def test_a_whole_chain_is_no_part(film_copy: Path) -> None:
    assert examine_chain([film_copy], trust(), asked=PART).verdicts == ()


def test_a_beginning_without_its_end_is_a_part(film_copy: Path) -> None:
    (film_copy / file_name(9)).unlink()
    assert set(examine_chain([film_copy], trust(), asked=PART).verdicts) == {"PARTIAL", "TAIL_OPEN"}


def test_every_payload_opens_with_a_recipients_key(film_copy: Path) -> None:
    """SF-22, SF-21: both recipients, and somebody who is none learns nothing and spoils nothing."""
    for key in (chains.agency().custodian, chains.agency().escrow, chains.Agency().custodian):
        assert examine_chain([film_copy], trust(), asked=Asked(recipient_keys=(key,))).verdicts == ()


def headed(tmp_path: Path, *heads: tuple[int, bytes]) -> Trust:
    """A trust folder with heads that the store signed."""
    store = Store()
    folder = tmp_path / "trust"
    (folder / HEADS_FOLDER).mkdir(parents=True)
    (folder / "agency-ca.pem").write_bytes(chains.agency().certificate().public_bytes(Encoding.PEM))
    (folder / "store-receipt.pem").write_bytes(store.certificate.public_bytes(Encoding.PEM))
    for sequence, digest in heads:
        statement = store.statement("unit-0001", sequence, digest, 10**18)
        (folder / HEADS_FOLDER / f"{sequence}.head").write_bytes(statement)
    return Trust.load(folder)


def test_a_head_that_the_store_has_seen_agrees(film_copy: Path, tmp_path: Path) -> None:
    plain = examine_chain([film_copy], trust())
    last = plain.files[4]
    assert last.head_hash is not None
    assert last.last_sequence is not None
    report = examine_chain([film_copy], headed(tmp_path, (last.last_sequence, bytes.fromhex(last.head_hash))))
    assert report.verdicts == ()
    assert report.witnessed_sequence == last.last_sequence


def test_row_17_a_head_behind_the_end_is_a_missing_tail(film_copy: Path, tmp_path: Path) -> None:
    report = examine_chain([film_copy], headed(tmp_path, (10_000, bytes(32))))
    assert report.verdicts == ("TAIL_MISSING_VS_WITNESS",)


def test_row_31_another_record_than_the_store_has_seen_is_a_fork(film_copy: Path, tmp_path: Path) -> None:
    report = examine_chain([film_copy], headed(tmp_path, (7, bytes(32))))
    assert [(each.code, each.place.sequence) for each in report.findings] == [(Code.FORK_VS_WITNESS, 7)]


def test_a_head_of_another_store_is_refused(tmp_path: Path) -> None:
    headed(tmp_path, (7, bytes(32)))
    other = Store().statement("unit-0001", 7, bytes(32), 1)
    (tmp_path / "trust" / HEADS_FOLDER / "8.head").write_bytes(other)
    with pytest.raises(TrustError, match="no head of this store"):
        Trust.load(tmp_path / "trust")


@pytest.mark.parametrize(("folder", "name"), [(HEADS_FOLDER, "1.head"), (RECEIPTS_FOLDER, "1.receipt")])
def test_words_of_a_store_need_the_stores_certificate(tmp_path: Path, folder: str, name: str) -> None:
    headed(tmp_path)
    (tmp_path / "trust" / "store-receipt.pem").unlink()
    (tmp_path / "trust" / folder).mkdir(exist_ok=True)
    (tmp_path / "trust" / folder / name).write_bytes(b"")
    with pytest.raises(TrustError, match="give both or neither"):
        Trust.load(tmp_path / "trust")


def test_a_payload_under_another_key_does_not_open(tmp_path: Path) -> None:
    """SF-21: catalogue row 40; a unit that wraps one key and encrypts under another."""
    writer = chains.start_writer(tmp_path)
    writer.open_footage(chains.run_facts())
    assert writer._output.file is not None
    writer._output.file._cipher = SUITE_1.cipher(b"k" * 32, b"s" * 16)
    writer.append_fragment(chains.fragment(0), chains.media(0))
    writer.close_footage(chains.close_facts(1))
    writer.halt("stop")
    assert examine_chain([tmp_path], trust()).verdicts == ()
    report = examine_chain([tmp_path], trust(), asked=Asked(recipient_keys=(chains.agency().escrow,)))
    assert [(each.code, each.place.file, each.place.sequence) for each in report.findings] == [
        (Code.UNDECRYPTABLE, file_name(2), 5)
    ]
