"""Cut tails, restored images, replayed counters and false clocks: what counter, promises and anchors tell."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sealing.counters import FileCounter
from sealing.identity import SoftwareFacts
from sealing.keys import FileKeySigner
from sealing.records import Anchor, AnchorKind, Event
from sealing.references import RecordReference
from sealing.suites import SUITE_1
from sealing.timetokens import anchor_of_stamp, anchor_of_statement
from sealing.verifier import examine_chain
from tests.support import chains
from tests.support.clocks import ManualClock
from tests.support.recordings import trust
from tests.support.stamping import Stamper, Store

NS = 10**9


def counter(folder: Path) -> FileCounter:
    return FileCounter(folder / "counter", SUITE_1, chains.identity().signer)


def two_minutes(folder: Path, clock: ManualClock, number: int) -> None:
    """One start with so much footage."""
    chains.shift(folder / "spool", clock, number, folder / "counter", seconds=120)


def found(folder: Path) -> set[str]:
    return set(examine_chain([folder / "spool"], trust()).verdicts)


def test_row_18_a_cut_tail_shows_at_the_next_start(tmp_path: Path) -> None:
    """SF-43: the counter of the unit went on, its chain did not."""
    clock = ManualClock()
    two_minutes(tmp_path, clock, 0)
    newest = max((tmp_path / "spool").iterdir())
    newest.unlink()
    chains.start_writer(tmp_path / "spool", clock, counter=counter(tmp_path)).halt("stop")
    report = examine_chain([tmp_path / "spool"], trust())
    assert report.verdicts == ("UNCLEAN_STOP", "ROLLBACK")
    fault = report.first_fault
    assert fault is not None
    assert "TICK before" in fault.detail


def test_row_22_an_older_image_of_the_card_that_records_on(tmp_path: Path) -> None:
    """The counter here stands for one on another chip: it is not restored."""
    clock = ManualClock()
    two_minutes(tmp_path, clock, 0)
    shutil.copytree(tmp_path / "spool", tmp_path / "image")
    two_minutes(tmp_path, clock, 1)
    shutil.rmtree(tmp_path / "spool")
    (tmp_path / "image").rename(tmp_path / "spool")
    two_minutes(tmp_path, clock, 1)
    assert found(tmp_path) == {"ROLLBACK"}


def test_a_counter_that_was_restored_with_the_card_says_nothing(tmp_path: Path) -> None:
    """The residual case of a file counter is stated, not called clean."""
    clock = ManualClock()
    two_minutes(tmp_path, clock, 0)
    report = examine_chain([tmp_path / "spool"], trust())
    assert not report.verdicts
    assert "takes this counter back too" in report.tail.en


def test_a_lower_counter_is_a_rollback(tmp_path: Path) -> None:
    clock = ManualClock()
    two_minutes(tmp_path, clock, 0)
    (tmp_path / "counter").write_text("0\n")
    two_minutes(tmp_path, clock, 1)
    assert found(tmp_path) == {"ROLLBACK"}


def test_rows_30_31_33_a_counter_attested_for_another_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thief of the epoch key rewrites the tail: he has to replay an attestation that is bound elsewhere."""
    attested = []
    fresh = FileCounter.attest

    def replayed(self: FileCounter, binding: bytes) -> object:
        attested.append(fresh(self, binding))
        return attested[0]

    monkeypatch.setattr(FileCounter, "attest", replayed)
    two_minutes(tmp_path, ManualClock(), 0)
    report = examine_chain([tmp_path / "spool"], trust())
    assert report.verdicts == ("COUNTER_MISBOUND",)
    fault = report.first_fault
    assert fault is not None
    assert "another place" in fault.detail


def test_a_counter_under_another_key_is_misbound(tmp_path: Path) -> None:
    signer = chains.agency().identity().signer
    assert isinstance(signer, FileKeySigner)
    foreign = FileCounter(tmp_path / "counter", SUITE_1, signer)
    chains.start_writer(tmp_path / "spool", counter=foreign).halt("stop")
    assert found(tmp_path) == {"COUNTER_MISBOUND"}


def test_row_59_silence_longer_than_promised_is_stale(tmp_path: Path) -> None:
    """SF-45."""
    clock = ManualClock()
    promising = SoftwareFacts("0.1.0", "test", simulated=True, alive_seconds=60)
    writer = chains.start_writer(tmp_path / "spool", clock, software=promising)
    clock.advance(100)
    writer.seal(Event("in time", None, ()))
    clock.advance(130)
    writer.seal(Event("late", None, ()))
    writer.halt("stop")
    report = examine_chain([tmp_path / "spool"], trust())
    assert report.verdicts == ("STALE",)
    assert report.intact
    assert "130 s" in report.findings[0].detail


def test_row_59_footage_without_ticks_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealing.metronome.Metronome.beat_if_due", lambda self: None)
    clock = ManualClock()
    writer = chains.start_writer(tmp_path / "spool", clock, counter=counter(tmp_path))
    writer.open_footage(chains.run_facts())
    for number in range(20):
        clock.advance(60)
        writer.append_fragment(chains.fragment(number), chains.media(number))
    writer.close_footage(chains.close_facts(20))
    writer.halt("stop")
    assert found(tmp_path) == {"STALE"}


def test_a_tail_without_an_end_names_its_bound(tmp_path: Path) -> None:
    chains.start_writer(tmp_path / "spool", counter=counter(tmp_path)).abandon()
    report = examine_chain([tmp_path / "spool"], trust())
    assert report.verdicts == ("TAIL_OPEN",)
    assert "at most 300 s of footage" in report.findings[0].detail
    assert report.tail.missing_seconds_max == 300
    other = tmp_path / "other"
    chains.start_writer(other).abandon()
    bare = examine_chain([other], trust())
    assert "no counter bounds" in bare.findings[0].detail
    assert bare.tail.counter is None


class Anchored:
    """A unit that talks to a store."""

    def __init__(self, folder: Path) -> None:
        self.spool = folder / "spool"
        self.clock = ManualClock()
        self.store = Store()
        self.writer = chains.start_writer(self.spool, self.clock)
        self.true_ns = self.clock.now.utc_ns

    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.true_ns += seconds * NS

    def event(self) -> RecordReference:
        return self.writer.seal(Event("event", None, ()))

    def anchor(self, seen: RecordReference, at_ns: int | None = None) -> Anchor:
        at_ns = self.true_ns if at_ns is None else at_ns
        token = self.store.statement(chains.DEVICE_ID, seen.sequence, seen.hash, at_ns)
        return anchor_of_statement(token, self.store.key.public_key(), chains.DEVICE_ID)

    def verdicts(self) -> tuple[str, ...]:
        self.writer.halt("stop")
        report = examine_chain([self.spool], replace(trust(), store_receipt=self.store.certificate))
        return report.verdicts


def test_an_anchored_chain_is_clean_and_says_up_to_where(tmp_path: Path) -> None:
    """SF-46."""
    unit = Anchored(tmp_path)
    unit.wait(100)
    seen = unit.event()
    unit.wait(3)
    unit.writer.seal_anchor(unit.anchor(seen))
    unit.wait(3_000)
    unit.event()
    unit.writer.halt("stop")
    known = examine_chain([unit.spool], replace(trust(), store_receipt=unit.store.certificate))
    assert not known.verdicts
    assert known.anchored_sequence == seen.sequence
    unknown = examine_chain([unit.spool], trust())
    assert not unknown.verdicts
    assert unknown.anchored_sequence is None


@pytest.mark.parametrize("hours", [-5, 5])
def test_row_25_a_recording_under_a_false_clock_anchored_later(tmp_path: Path, hours: int) -> None:
    unit = Anchored(tmp_path)
    unit.true_ns -= hours * 3_600 * NS
    unit.wait(60)
    seen = unit.event()
    unit.wait(10)
    unit.writer.seal_anchor(unit.anchor(seen))
    assert unit.verdicts() == ("CLOCK_WRONG",)


def test_row_26_a_token_taken_from_another_head(tmp_path: Path) -> None:
    unit = Anchored(tmp_path)
    first, second = unit.event(), unit.event()
    stolen = replace(unit.anchor(first), sequence=second.sequence, record_hash=second.hash)
    unit.writer.seal_anchor(stolen)
    assert unit.verdicts() == ("TIME_TOKEN_REPLAY",)


def test_an_anchor_that_names_no_record_of_the_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sealing.chain_output.ChainOutput.knows", lambda *_: True)
    unit = Anchored(tmp_path)
    seen = unit.event()
    unit.writer.seal_anchor(unit.anchor(replace(seen, hash=bytes(32))))
    assert unit.verdicts() == ("TIME_TOKEN_REPLAY",)


def test_a_time_stamping_authority_anchors_as_well(tmp_path: Path) -> None:
    stamper = Stamper(tmp_path)
    clock = ManualClock(utc_ns=(tmp_path / "key.pem").stat().st_mtime_ns)
    writer = chains.start_writer(tmp_path / "spool", clock)
    seen = writer.seal(Event("event", None, ()))
    anchor = anchor_of_stamp(stamper.token(seen.hash), seen.sequence, seen.hash, (stamper.certificate,))
    assert anchor.kind is AnchorKind.RFC_3161
    # The token has the machine's time, however long the machine took for it.
    clock.advance(2 + max(0, anchor.utc_ns - clock.now.utc_ns) / NS)
    writer.seal_anchor(anchor)
    writer.halt("stop")
    report = examine_chain([tmp_path / "spool"], replace(trust(), stampers=(stamper.certificate,)))
    assert not report.verdicts
    assert report.anchored_sequence == seen.sequence
