"""The counter in the chain: when it is attested, when it is raised, and that recording never waits for it."""

from pathlib import Path

import pytest

from hal.drivers.files import DirectoryStorage
from sealing import ticks
from sealing.counters import FileCounter
from sealing.errors import BadSignatureError, MalformedError, StorageFaultError, TokenError, WriterStateError
from sealing.records import Anchor, AnchorKind, CounterKind, Event, Fault, RecordType, Tick
from sealing.suites import SUITE_1
from sealing.ticks import Attested
from sealing.verifier import verify_chain
from sealing.writer import ChainWriter
from tests.support import chains
from tests.support.clocks import ManualClock
from tests.support.faulty_storage import FaultyStorage
from tests.support.forging import records_of
from tests.support.recordings import trust

PLACE = bytes(range(32))
PERIOD_SECONDS = 300


def file_counter(folder: Path) -> FileCounter:
    return FileCounter(folder / "counter", SUITE_1, chains.identity().signer)


class SilentCounter:
    """A chip that has come off its bus."""

    kind = CounterKind.FILE

    def __init__(self, inner: FileCounter) -> None:
        self.inner = inner
        self.answers = False

    def attest(self, binding: bytes) -> Attested:
        self._answer()
        return self.inner.attest(binding)

    def advance(self) -> None:
        self._answer()
        self.inner.advance()

    def _answer(self) -> None:
        if not self.answers:
            raise TokenError("no answer")


def ticks_of(spool: Path) -> list[Tick]:
    bodies = (record.read.body for path in sorted(spool.glob("*.evs")) for record in records_of(path))
    return [body for body in bodies if isinstance(body, Tick)]


def types_of(path: Path) -> list[RecordType]:
    return [record.read.type for record in records_of(path)]


def film(writer: ChainWriter, clock: ManualClock, seconds: int, step: int = 1) -> None:
    writer.open_footage(chains.run_facts())
    for number in range(seconds // step):
        clock.advance(step)
        writer.append_fragment(chains.fragment(number), chains.media(number))
    writer.close_footage(chains.close_facts(seconds // step))


def test_a_file_counter_counts_and_survives_its_process(tmp_path: Path) -> None:
    counter = file_counter(tmp_path)
    assert counter.attest(PLACE).value == 0
    counter.advance()
    counter.advance()
    assert file_counter(tmp_path).attest(PLACE).value == 2
    assert [path.name for path in tmp_path.iterdir()] == ["counter"]


@pytest.mark.parametrize("content", [b"", b"-1\n", b"x", b"9" * 33, b"1 2", b"9223372036854775807"])
def test_a_counter_file_without_a_count_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "counter").write_bytes(content)
    with pytest.raises(TokenError, match="holds no count"):
        file_counter(tmp_path).attest(PLACE)


def test_a_counter_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / ".counter.new").mkdir()
    with pytest.raises(TokenError, match="cannot be written"):
        file_counter(tmp_path).advance()


def test_an_attestation_holds_for_one_place_and_one_value_alone(tmp_path: Path) -> None:
    """SF-43."""
    found = file_counter(tmp_path).attest(PLACE)
    key = SUITE_1.device_key(chains.identity().signer.public_key_der())
    ticks.verify_tick(Tick(CounterKind.FILE, 0, found.attestation, None), PLACE, key)
    with pytest.raises(BadSignatureError, match="another place"):
        ticks.verify_tick(Tick(CounterKind.FILE, 0, found.attestation, None), bytes(32), key)
    with pytest.raises(BadSignatureError, match="says 0"):
        ticks.verify_tick(Tick(CounterKind.FILE, 1, found.attestation, None), PLACE, key)
    with pytest.raises(MalformedError):
        ticks.verify_tick(Tick(CounterKind.FILE, 0, found.attestation, bytes(64)), PLACE, key)
    with pytest.raises(MalformedError):
        ticks.verify_tick(Tick(CounterKind.TPM_NV, 0, found.attestation, None), PLACE, key)
    other = SUITE_1.device_key(chains.agency().identity().signer.public_key_der())
    with pytest.raises(BadSignatureError):
        ticks.verify_tick(Tick(CounterKind.FILE, 0, found.attestation, None), PLACE, other)


def test_ticks_stand_at_start_and_end_and_in_time_while_recording(tmp_path: Path) -> None:
    """SF-43: behind BOOT, each period of footage, in front of HALT; not while nothing is recorded."""
    clock, spool = ManualClock(), tmp_path / "spool"
    writer = chains.start_writer(spool, clock, counter=file_counter(tmp_path))
    clock.advance(2 * PERIOD_SECONDS)
    writer.seal(Event("idle", None, ()))
    film(writer, clock, 2 * PERIOD_SECONDS + 100, step=50)
    writer.halt("stop")
    assert types_of(spool / "00000001.evs")[:3] == [RecordType.OPEN, RecordType.BOOT, RecordType.TICK]
    assert types_of(spool / "00000003.evs")[-3:] == [RecordType.TICK, RecordType.HALT, RecordType.CLOSE]
    assert types_of(spool / "00000002.evs").count(RecordType.TICK) == 3
    assert [tick.value for tick in ticks_of(spool)] == [0, 1, 2, 3, 4]
    report = verify_chain([spool], trust())
    assert not report.findings
    assert (report.tail.counter, report.tail.tick_value, report.tail.missing_seconds_max) == ("file", 4, PERIOD_SECONDS)


def test_a_power_cut_before_the_counter_was_raised_is_no_rollback(tmp_path: Path) -> None:
    counter = SilentCounter(file_counter(tmp_path))
    counter.answers = True
    clock, spool = ManualClock(), tmp_path / "spool"
    chains.start_writer(spool, clock, counter=counter).abandon()
    (tmp_path / "counter").unlink()  # as if it had never been raised
    chains.start_writer(spool, clock, counter=counter).halt("stop")
    assert [tick.value for tick in ticks_of(spool)] == [0, 0, 1]
    assert verify_chain([spool], trust()).intact


def test_recording_goes_on_while_the_counter_does_not_answer(tmp_path: Path) -> None:
    counter = SilentCounter(file_counter(tmp_path))
    clock, spool = ManualClock(), tmp_path / "spool"
    writer = chains.start_writer(spool, clock, counter=counter)
    film(writer, clock, 10)
    counter.answers = True
    clock.advance(PERIOD_SECONDS)
    writer.halt("stop")
    bodies = [record.read.body for path in sorted(spool.glob("*.evs")) for record in records_of(path)]
    faults = [body for body in bodies if isinstance(body, Fault)]
    assert faults == [Fault("counter", "no-answer", True), Fault("counter", "no-answer", False)]
    assert len(ticks_of(spool)) == 1
    report = verify_chain([spool], trust())
    assert report.intact
    assert report.verdicts == ("STALE",)


def test_a_failing_medium_costs_no_count(tmp_path: Path) -> None:
    """SF-43: the counter is raised when its TICK is synced, and not before."""
    storage = FaultyStorage(DirectoryStorage(tmp_path / "spool"))
    clock = ManualClock()
    writer = chains.start_writer(storage, clock, counter=file_counter(tmp_path))
    clock.advance(PERIOD_SECONDS)
    storage.fail_at(6)
    for _ in range(4):
        try:
            writer.open_footage(chains.run_facts())
        except StorageFaultError:
            continue
        break
    writer.halt("stop")
    values = [tick.value for tick in ticks_of(tmp_path / "spool")]
    assert sorted(set(values)) == list(range(max(values) + 1))
    assert verify_chain([tmp_path / "spool"], trust()).intact


def test_an_anchor_names_one_of_the_last_records(tmp_path: Path) -> None:
    """SF-46, the writer's part; also over a restart."""
    clock = ManualClock()
    writer = chains.start_writer(tmp_path, clock)
    before = writer.seal(Event("seen", None, ()))
    anchor = Anchor(AnchorKind.STORE, before.sequence, before.hash, 1, b"token")
    assert writer.seal_anchor(anchor).sequence == before.sequence + 1
    with pytest.raises(WriterStateError, match="none of the last"):
        writer.seal_anchor(Anchor(AnchorKind.STORE, before.sequence, bytes(32), 1, b"token"))
    writer.abandon()
    again = chains.start_writer(tmp_path, clock)
    assert again.seal_anchor(anchor).sequence > before.sequence
