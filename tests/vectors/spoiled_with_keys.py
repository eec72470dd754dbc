"""Rows that need a unit: stolen keys, clocks, counters, certificates, a unit gone wrong."""

import shutil
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519

from sealing import records as r
from sealing.counters import FileCounter
from sealing.framing import RecordHeader, file_name
from sealing.identity import SoftwareFacts
from sealing.suites import SUITE_1
from sealing.ticks import Attested
from sealing.writer import ChainWriter
from tests.support import chains
from tests.support.chains import Agency, agency, start_writer
from tests.support.clocks import ManualClock
from tests.support.forging import Raw, records_of, resigned, rewrite
from tests.support.recordings import film
from tests.vectors.cases import FOOTAGE, case

NS = 10**9


def key_of(writer: ChainWriter) -> ed25519.Ed25519PrivateKey:
    """What a thief of the running unit's memory gets."""
    key = writer._output._sealer._epoch._key
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    return key


@case("0", "good-chain")
def good_chain(folder: Path) -> None:
    film(folder, 1, 200)


@case("0b", "good-chain-with-a-counter")
def good_chain_with_a_counter(folder: Path) -> None:
    clock = ManualClock()
    for number in (0, 1):
        chains.shift(folder, clock, number, folder / "counter")
    (folder / "counter").unlink()


@case("13", "self-made-unit", "UNTRUSTED_KEY")
def self_made_unit(folder: Path) -> None:
    start_writer(folder, unit=Agency().identity()).halt("stop")


@case("18", "tail-cut-before-the-next-tick", "ROLLBACK", "UNCLEAN_STOP")
def tail_cut_before_the_next_tick(folder: Path) -> None:
    clock = ManualClock()
    chains.shift(folder, clock, 0, folder / "counter")
    rewrite(max(folder.glob("*.evs")), lambda found: found[:1])
    chains.shift(folder, clock, 1, folder / "counter")
    (folder / "counter").unlink()


@case("R1", "tail-behind-the-last-tick-cut-off", "UNCLEAN_STOP")
def tail_behind_the_last_tick(folder: Path) -> None:
    clock = ManualClock()
    chains.shift(folder, clock, 0, folder / "counter")
    chains.shift(folder, clock, 1, folder / "counter", orderly=False)
    max(folder.glob("*.evs")).unlink()
    chains.shift(folder, clock, 1, folder / "counter")
    (folder / "counter").unlink()


@case("8c", "file-dropped-with-a-tick", "GAP", "ROLLBACK")
def file_dropped_with_a_tick(folder: Path) -> None:
    clock = ManualClock()
    for number in (0, 1):
        chains.shift(folder, clock, number, folder / "counter")
    (folder / file_name(3)).unlink()
    (folder / "counter").unlink()


@case("8d", "file-dropped-without-a-tick", "GAP")
def file_dropped_without_a_tick(folder: Path) -> None:
    clock = ManualClock()
    for number in (0, 1):
        chains.shift(folder, clock, number, folder / "counter")
    (folder / file_name(2)).unlink()
    (folder / "counter").unlink()


@case("20", "last-file-removed-and-recorded-on", "ROLLBACK", "UNCLEAN_STOP")
def last_file_removed(folder: Path) -> None:
    clock = ManualClock()
    chains.shift(folder, clock, 0, folder / "counter")
    max(folder.glob("*.evs")).unlink()
    chains.shift(folder, clock, 1, folder / "counter")
    (folder / "counter").unlink()


@case("22b", "older-image-restored-and-nobody-saw", "ROLLBACK")
def older_image_restored(folder: Path) -> None:
    clock = ManualClock()
    image = folder / "image"
    chains.shift(folder, clock, 0, folder / "counter")
    shutil.copytree(folder, image, ignore=shutil.ignore_patterns("image", "counter"))
    chains.shift(folder, clock, 1, folder / "counter")
    for path in folder.glob("*.evs"):
        path.unlink()
    for path in image.iterdir():
        path.rename(folder / path.name)
    image.rmdir()
    chains.shift(folder, clock, 1, folder / "counter")
    (folder / "counter").unlink()


@case("23", "power-cut-inside-a-record", "UNCLEAN_STOP")
def power_cut(folder: Path) -> None:
    clock = ManualClock()
    writer = start_writer(folder, clock)
    writer.seal(r.DockChange(docked=True))
    writer.abandon()
    path = folder / file_name(1)
    path.write_bytes(path.read_bytes()[:-9])
    clock.reboot("boot-2")
    start_writer(folder, clock).halt("stop")


@case("23b", "power-cut-while-a-file-is-made", "UNCLEAN_STOP")
def power_cut_while_a_file_is_made(folder: Path) -> None:
    clock = ManualClock()
    start_writer(folder, clock).abandon()
    (folder / file_name(2)).write_bytes(b"\x89EV")
    clock.reboot("boot-2")
    start_writer(folder, clock).halt("stop")


@case("24", "clock-set-back", "CLOCK_INCONSISTENT")
def clock_set_back(folder: Path) -> None:
    clock = ManualClock()
    writer = start_writer(folder, clock)
    writer.seal(r.DockChange(docked=True))
    clock.now = replace(clock.now, utc_ns=clock.now.utc_ns - 60 * NS)
    writer.seal(r.Fault("clock", "none", present=False))
    clock.advance(61)
    writer.seal(r.DockChange(docked=False))
    writer.halt("stop")


@case("24b", "clock-step-sealed")
def clock_step_sealed(folder: Path) -> None:
    clock = ManualClock()
    writer = start_writer(folder, clock)
    clock.now = replace(clock.now, utc_ns=clock.now.utc_ns - 60 * NS)
    writer.seal(r.DockChange(docked=True))
    writer.seal(r.ClockStep(-60 * NS, "rtc", "network"))
    writer.halt("stop")


@case("27", "key-of-an-old-epoch", "EPOCH_ORDER", "TAIL_OPEN")
def key_of_an_old_epoch(folder: Path) -> None:
    clock = ManualClock()
    writer = start_writer(folder, clock)
    stolen = key_of(writer)
    writer.halt("stop")
    start_writer(folder, clock).halt("stop")

    def forge(found: list[Raw]) -> list[Raw]:
        return [*found[:2], *resigned(found[2:], stolen, lambda header: replace(header, epoch=1))]

    rewrite(folder / file_name(2), forge)


def _rewritten(folder: Path, number: int) -> None:
    clock = ManualClock()
    start_writer(folder, clock).halt("stop")
    writer = start_writer(folder, clock)
    stolen = key_of(writer)
    writer.halt("stop")
    rewrite(folder / file_name(1), lambda found: resigned(found, stolen, lambda header: replace(header, epoch=number)))


@case("28", "present-key-rewrites-an-old-epoch", "BAD_SIGNATURE")
def rewrites_under_the_old_number(folder: Path) -> None:
    _rewritten(folder, 1)


@case("29", "present-key-rewrites-under-the-new-number", "EPOCH_ORDER")
def rewrites_under_the_new_number(folder: Path) -> None:
    _rewritten(folder, 2)


@case("30", "live-thief-rewrites-the-tail", "COUNTER_MISBOUND")
def live_thief_rewrites_the_tail(folder: Path) -> None:
    writer = start_writer(folder, counter=FileCounter(folder / "counter", SUITE_1, chains.identity().signer))
    writer.seal(r.Event("something", None, ()))
    stolen = key_of(writer)
    writer.halt("stop")
    (folder / "counter").unlink()

    def harmless(header: RecordHeader) -> RecordHeader:
        return replace(header, body=r.Event("nothing", None, ())) if isinstance(header.body, r.Event) else header

    def forge(found: list[Raw]) -> list[Raw]:
        return [*found[:3], *resigned(found[3:], stolen, harmless, found[2].hash)]

    rewrite(folder / file_name(1), forge)


@case("33", "counter-attested-for-another-place", "COUNTER_MISBOUND")
def counter_attested_elsewhere(folder: Path) -> None:
    first: list[bytes] = []

    class Replaying(FileCounter):
        """Gives its first attestation for ever."""

        def attest(self, binding: bytes) -> Attested:
            first.append(binding)
            return super().attest(first[0])

    counter = Replaying(folder / "counter", SUITE_1, chains.identity().signer)
    start_writer(folder, counter=counter).halt("stop")
    (folder / "counter").unlink()


@case("32", "epoch-certificate-used-elsewhere", "EPOCH_MISBOUND", "HEAD_MISSING")
def epoch_certificate_used_elsewhere(folder: Path) -> None:
    writer = start_writer(folder)
    stolen = key_of(writer)
    writer.halt("stop")

    def move(header: RecordHeader) -> RecordHeader:
        return replace(header, sequence=header.sequence + 1)

    rewrite(folder / file_name(1), lambda found: resigned(found, stolen, move))


@case("34c", "unknown-suite", "SUITE_FORBIDDEN", "UNTRUSTED_KEY", "TAIL_OPEN")
def unknown_suite(folder: Path) -> None:
    writer = start_writer(folder)
    stolen = key_of(writer)
    writer.halt("stop")

    def other(header: RecordHeader) -> RecordHeader:
        if not isinstance(header.body, r.Open):
            return header
        return replace(header, body=replace(header.body, suite=99))

    rewrite(folder / file_name(1), lambda found: resigned(found, stolen, other, bytes(32)))


@case("49", "card-in-another-recorder", "WRONG_DEVICE")
def card_in_another_recorder(folder: Path) -> None:
    film(folder, 1, 200)
    other = folder / "other"
    other.mkdir()
    start_writer(other, unit=agency().identity("unit-0002")).halt("stop")
    (other / file_name(1)).rename(folder / file_name(10))
    shutil.rmtree(other)


@case("50", "certificate-had-ended", "UNTRUSTED_KEY")
def certificate_had_ended(folder: Path) -> None:
    start_writer(folder, ManualClock(utc_ns=2_100_000_000 * NS)).halt("stop")


@case("50b", "clock-before-the-certificate", "CLOCK_WRONG")
def clock_before_the_certificate(folder: Path) -> None:
    start_writer(folder, ManualClock(utc_ns=NS**2)).halt("stop")


@case("53", "freed-without-a-receipt", "POLICY_VIOLATION", "PRUNED")
def freed_without_a_receipt(folder: Path) -> None:
    film(folder, 1, 200)
    found = records_of(folder / FOOTAGE)
    clock = ManualClock()
    clock.advance(7200)
    writer = start_writer(folder, clock)
    body = r.Delete(
        file_number=3,
        file_id=bytes(32),
        first_sequence=found[0].read.sequence,
        last_sequence=found[-1].read.sequence,
        hash_before=found[0].read.previous_hash,
        head_after=found[-1].hash,
        receipt_hash=bytes(32),
        epoch_after=1,
        boot_after=1,
    )
    writer._output.append(body)
    writer.halt("stop")
    (folder / FOOTAGE).unlink()


@case("59", "silence-longer-than-promised", "STALE")
def silence_longer_than_promised(folder: Path) -> None:
    clock = ManualClock()
    promising = SoftwareFacts("0.1.0", "test", simulated=True, alive_seconds=60)
    writer = start_writer(folder, clock, software=promising)
    clock.advance(130)
    writer.seal(r.Event("late", None, ()))
    writer.halt("stop")
