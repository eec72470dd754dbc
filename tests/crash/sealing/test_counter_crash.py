"""Power cuts and faults at every step of a day with a counter: none of them looks like a rollback."""

from pathlib import Path

import pytest

from sealing.counters import FileCounter
from sealing.errors import StorageFaultError, TokenError
from sealing.identity import DeviceIdentity
from sealing.records import CounterKind, Event, Fault
from sealing.suites import SUITE_1
from sealing.ticks import Attested
from sealing.verifier import examine_chain
from sealing.writer import ChainWriter
from tests.support import chains
from tests.support.clocks import ManualClock
from tests.support.faulty_storage import FaultyStorage, PowerCutError
from tests.support.forging import records_of
from tests.support.memory_storage import MemoryStorage
from tests.support.recordings import trust

ATTEMPTS = 8
UNCLEAN = {"UNCLEAN_STOP", "TAIL_OPEN", "MEDIUM_FAULT", "TORN_CHANGED"}


class CutCounter:
    """A counter whose unit loses power at its n-th call, before or after the chip did it."""

    kind = CounterKind.FILE

    def __init__(self, inner: FileCounter, cut_at: int, *, done: bool) -> None:
        self.inner = inner
        self.calls = 0
        self.cut_at = cut_at
        self.done = done

    def attest(self, binding: bytes) -> Attested:
        self._step(lambda: self.inner.attest(binding))
        return self.inner.attest(binding)

    def advance(self) -> None:
        self._step(self.inner.advance)
        self.inner.advance()

    def _step(self, operation: object) -> None:
        self.calls += 1
        if self.calls == self.cut_at:
            if self.done and callable(operation):
                operation()
            raise PowerCutError


def file_counter(folder: Path) -> FileCounter:
    return FileCounter(folder / "counter", SUITE_1, chains.identity().signer)


def day(writer: ChainWriter, clock: ManualClock, start: int = 0) -> None:
    writer.seal(Event("day", None, ()))
    writer.open_footage(chains.run_facts(start + 1, 30 * 3 * start, 48_000 * 3 * start))
    for number in range(3 * start, 3 * start + 3):
        clock.advance(200)
        writer.append_fragment(chains.fragment(number), chains.media(number, 300))
    writer.close_footage(chains.close_facts(3 * start + 3))
    writer.halt("stop")


def stubbornly(step: object) -> None:
    assert callable(step)
    for attempt in range(ATTEMPTS):
        try:
            step()
        except StorageFaultError:
            assert attempt < ATTEMPTS - 1, "the medium works again, and the step does not"
        else:
            return


def verdicts(medium: MemoryStorage, folder: Path) -> set[str]:
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, data in medium.files.items():
        (folder / name).write_bytes(data)
    return set(examine_chain([folder], trust()).verdicts)


def go_on(medium: MemoryStorage, clock: ManualClock, folder: Path) -> set[str]:
    """Start again on what is there, end in order, and judge the whole chain."""
    clock.reboot("boot-2")
    chains.start_writer(medium, clock, counter=file_counter(folder)).halt("stop")
    return verdicts(medium, folder / "judged")


@pytest.mark.parametrize("kept", [0.0, 1.0])
def test_power_cuts_at_every_operation_of_the_medium(tmp_path: Path, kept: float) -> None:
    """SF-43: the counter is raised behind the sync, so no cut leaves it ahead of the chain."""
    operation = 0
    while True:
        operation += 1
        folder = tmp_path / f"{operation}"
        folder.mkdir()
        medium, clock = MemoryStorage(), ManualClock()
        storage = FaultyStorage(medium)
        storage.cut_power_at(operation, partial=0.5)
        try:
            day(chains.start_writer(storage, clock, counter=file_counter(folder)), clock)
        except PowerCutError:
            medium.lose_unsynced(kept)
            assert go_on(medium, clock, folder) <= UNCLEAN, f"operation {operation}"
        else:
            break
    assert operation > 20


@pytest.mark.parametrize("done", [False, True])
def test_power_cuts_at_every_call_of_the_counter(tmp_path: Path, done: bool) -> None:
    call = 0
    while True:
        call += 1
        folder = tmp_path / f"{call}"
        folder.mkdir()
        medium, clock = MemoryStorage(), ManualClock()
        counter = CutCounter(file_counter(folder), call, done=done)
        try:
            day(chains.start_writer(medium, clock, counter=counter), clock)
        except PowerCutError:
            assert go_on(medium, clock, folder) <= UNCLEAN, f"call {call}"
        else:
            break
    assert call > 6


def test_faults_at_every_operation_of_the_medium(tmp_path: Path) -> None:
    reference = FaultyStorage(MemoryStorage())
    clock = ManualClock()
    (tmp_path / "0").mkdir()
    day(chains.start_writer(reference, clock, counter=file_counter(tmp_path / "0")), clock)
    for operation in range(len(reference.operations) - 12, 0, -1):
        folder = tmp_path / f"{operation}"
        folder.mkdir()
        medium, clock = MemoryStorage(), ManualClock()
        storage = FaultyStorage(medium)
        started: list[ChainWriter] = []
        counter = file_counter(folder)
        storage.fail_at(operation)
        stubbornly(lambda: started.append(chains.start_writer(storage, clock, counter=counter)))  # noqa: B023
        writer = started[0]
        stubbornly(lambda: writer.seal(Event("day", None, ())))  # noqa: B023
        stubbornly(lambda: writer.open_footage(chains.run_facts()))  # noqa: B023
        clock.advance(400)
        stubbornly(lambda: writer.append_fragment(chains.fragment(0), chains.media(0, 300)))  # noqa: B023
        stubbornly(lambda: writer.close_footage(chains.close_facts(1)))  # noqa: B023
        stubbornly(lambda: writer.halt("stop"))  # noqa: B023
        assert verdicts(medium, folder / "judged") <= UNCLEAN, f"operation {operation}"


class SilentSigner:
    """A token that was pulled out."""

    def __init__(self) -> None:
        self.inner = chains.identity().signer
        self.algorithm = self.inner.algorithm
        self.gone = False

    def public_key_der(self) -> bytes:
        return self.inner.public_key_der()

    def sign(self, message: bytes) -> bytes:
        if self.gone:
            raise TokenError("the token is gone")
        return self.inner.sign(message)


def test_recording_goes_on_under_the_old_epoch_while_the_token_is_gone(tmp_path: Path) -> None:
    """SF-42, and its exception: evidence first, and the chain says why."""
    signer, clock = SilentSigner(), ManualClock()
    unit = DeviceIdentity(chains.DEVICE_ID, signer, chains.identity().certificate_der)
    writer = chains.start_writer(tmp_path, clock, unit=unit)
    signer.gone = True
    for _ in range(3):
        clock.advance(650)
        writer.seal(Event("without token", None, ()))
    signer.gone = False
    clock.advance(650)
    writer.seal(Event("with token", None, ()))
    writer.halt("stop")
    headers = [record.read for path in sorted(tmp_path.glob("*.evs")) for record in records_of(path)]
    faults = [header.body for header in headers if isinstance(header.body, Fault)]
    assert faults == [Fault("device-key", "no-answer", True), Fault("device-key", "no-answer", False)]
    assert [header.epoch for header in headers if isinstance(header.body, Event)] == [1, 1, 1, 2]
    assert not examine_chain([tmp_path], trust()).findings
