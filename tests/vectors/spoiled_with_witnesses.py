"""Rows that somebody besides the unit can tell: a store, a time token, the agency's policy, a recipient."""

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, x25519

from sealing import records as r
from sealing.counters import FileCounter
from sealing.framing import RecordHeader, file_name
from sealing.identity import DeviceIdentity, SealingPolicy, SoftwareFacts
from sealing.keys import FileKeySigner
from sealing.suites import SUITE_1
from sealing.wraps import Recipient
from sealing.writer import ChainWriter
from tests.support import chains, policies
from tests.support.chains import DEVICE_ID, agency, identity, start_writer
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.support.forging import Raw, records_of, resigned, rewrite
from tests.support.stamping import Store
from tests.vectors.cases import FOOTAGE, LAST, case, spoiled
from tests.vectors.spoiled_with_keys import key_of
from tests.vectors.witnesses import anchored, entrust, give_key, receipts_for

NS = 10**9
DAY = 86_400 * NS


def footage(writer: ChainWriter, clock: ManualClock, first: int = 0, run: int = 1) -> None:
    """Five seconds of it, in a file of their own."""
    writer.open_footage(chains.run_facts(run, 30 * first, 48_000 * first))
    for each in range(first, first + 5):
        clock.advance(1)
        writer.append_fragment(chains.fragment(each), chains.media(each, 50))
    writer.close_footage(chains.close_facts(first + 5))


@spoiled("17", "tail-cut-that-a-store-holds", "TAIL_OPEN", "TAIL_MISSING_VS_WITNESS")
def tail_that_a_store_holds(folder: Path) -> None:
    store = Store()
    entrust(folder, store, receipts=receipts_for(folder, store, START_UTC_NS + DAY))
    for path in (folder / LAST, folder / file_name(8)):
        path.unlink()


@spoiled("17b", "tail-cut-behind-a-head-that-was-seen", "TAIL_OPEN", "TAIL_MISSING_VS_WITNESS")
def tail_behind_a_head(folder: Path) -> None:
    store = Store()
    seen = records_of(folder / LAST)[-2]
    head = store.statement(DEVICE_ID, seen.read.sequence, seen.hash, START_UTC_NS + DAY)
    entrust(folder, store, heads=[head])
    rewrite(folder / LAST, lambda found: found[:-2])


@case("21", "last-file-removed-that-a-store-holds", "UNCLEAN_STOP", "FORK_VS_WITNESS")
def last_file_removed(folder: Path) -> None:
    clock, store = ManualClock(), Store()
    writer = start_writer(folder, clock)
    footage(writer, clock)
    writer.halt("stop")
    receipts = receipts_for(folder, store, START_UTC_NS + DAY)
    max(folder.glob("*.evs")).unlink()
    clock.reboot("boot-2")
    start_writer(folder, clock).halt("stop")
    entrust(folder, store, receipts=receipts)


@case("22", "older-image-restored-that-a-store-outran", "ROLLBACK", "FORK_VS_WITNESS")
def older_image_restored(folder: Path) -> None:
    clock, store, image = ManualClock(), Store(), folder / "image"
    chains.shift(folder, clock, 0, folder / "counter")
    shutil.copytree(folder, image, ignore=shutil.ignore_patterns("image", "counter"))
    chains.shift(folder, clock, 1, folder / "counter")
    receipts = receipts_for(folder, store, START_UTC_NS + DAY)
    for path in folder.glob("*.evs"):
        path.unlink()
    for path in image.iterdir():
        path.rename(folder / path.name)
    image.rmdir()
    chains.shift(folder, clock, 1, folder / "counter")
    (folder / "counter").unlink()
    entrust(folder, store, receipts=receipts)


@case("25", "back-dated-and-anchored-later", "CLOCK_WRONG")
def back_dated(folder: Path) -> None:
    clock, store = ManualClock(), Store()
    writer = start_writer(folder, clock)
    footage(writer, clock)
    anchored(writer, clock, store, clock.now.utc_ns + 10 * DAY)
    writer.halt("stop")
    entrust(folder, store)


@case("26", "time-token-of-another-record", "TIME_TOKEN_REPLAY")
def token_of_another_record(folder: Path) -> None:
    clock, store = ManualClock(), Store()
    writer = start_writer(folder, clock)
    other, own = (writer.seal(r.DockChange(docked=docked)) for docked in (True, False))
    token = store.statement(DEVICE_ID, other.sequence, other.hash, clock.now.utc_ns)
    writer.seal_anchor(r.Anchor(r.AnchorKind.STORE, own.sequence, own.hash, clock.now.utc_ns, token))
    writer.halt("stop")
    entrust(folder, store)


@case("26b", "good-chain-with-an-anchor")
def good_chain_with_an_anchor(folder: Path) -> None:
    clock, store = ManualClock(), Store()
    writer = start_writer(folder, clock)
    footage(writer, clock)
    anchored(writer, clock, store)
    writer.halt("stop")
    entrust(folder, store, receipts=receipts_for(folder, store, START_UTC_NS + DAY))


@case("31", "live-thief-rewrites-what-a-store-has-seen", "FORK_VS_WITNESS")
def live_thief(folder: Path) -> None:
    store, writer = Store(), start_writer(folder)
    seen = writer.seal(r.Event("something", None, ()))
    stolen = key_of(writer)
    writer.halt("stop")
    path = folder / file_name(1)
    before = records_of(path)[1].hash
    rewrite(path, lambda found: [*found[:2], *resigned(found[2:], stolen, _harmless, before)])
    entrust(folder, store, heads=[store.statement(DEVICE_ID, seen.sequence, seen.hash, START_UTC_NS + DAY)])


def _harmless(header: RecordHeader) -> RecordHeader:
    return replace(header, body=r.Event("nothing", None, ())) if isinstance(header.body, r.Event) else header


@spoiled("34d", "suite-that-the-policy-does-not-allow", "SUITE_FORBIDDEN")
def suite_not_allowed(folder: Path) -> None:
    entrust(folder, policy=policies.signed_policy([policies.rules(suites=frozenset({2, 3}))]))


@case("40", "encrypted-under-another-key", "UNDECRYPTABLE")
def encrypted_under_another_key(folder: Path) -> None:
    writer = start_writer(folder)
    writer.open_footage(chains.run_facts())
    assert writer._output.file is not None
    writer._output.file._cipher = SUITE_1.cipher(b"k" * 32, b"s" * 16)
    writer.append_fragment(chains.fragment(0), chains.media(0, 50))
    writer.close_footage(chains.close_facts(1))
    writer.halt("stop")
    give_key(folder)


@case("40b", "another-key-wrapped-than-committed-to", "UNDECRYPTABLE")
def another_key_wrapped(folder: Path) -> None:
    writer = start_writer(folder)
    writer.roll_ledger("dock")
    writer.seal(r.DockChange(docked=True))
    stolen = key_of(writer)
    writer.halt("stop")
    (first, second) = (records_of(folder / file_name(number))[0].read.body for number in (1, 2))
    assert isinstance(first, r.Open)
    assert isinstance(second, r.Open)

    def committed(header: RecordHeader) -> RecordHeader:
        body = header.body
        return replace(header, body=replace(body, commitment=first.commitment)) if isinstance(body, r.Open) else header

    rewrite(folder / file_name(2), lambda found: resigned(found, stolen, committed, found[0].read.previous_hash))
    give_key(folder)


@case("50c", "certificate-ended-since")
def certificate_ended_since(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    ended = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    certificate = agency().device_certificate(DEVICE_ID, key.public_key(), ended=ended)
    start_writer(folder, unit=DeviceIdentity(DEVICE_ID, FileKeySigner(key), certificate)).halt("stop")


def _revoked(folder: Path, revoked_utc_ns: int, *, with_store: bool) -> None:
    clock, store = ManualClock(), Store()
    writer = start_writer(folder, clock)
    footage(writer, clock)
    anchored(writer, clock, store)
    writer.halt("stop")
    policy = policies.signed_policy(revocations={identity().certificate_der: revoked_utc_ns})
    receipts = receipts_for(folder, store, START_UTC_NS + 3600 * NS)
    entrust(folder, store, receipts=receipts if with_store else (), policy=policy)


@case("50d", "revoked-before", "UNTRUSTED_KEY")
def revoked_before(folder: Path) -> None:
    _revoked(folder, START_UTC_NS - DAY, with_store=True)


@case("50e", "revoked-afterwards-receipted-before")
def revoked_afterwards(folder: Path) -> None:
    _revoked(folder, START_UTC_NS + DAY, with_store=True)


@case("50f", "revoked-afterwards-end-not-vouched-for", "UNTRUSTED_KEY")
def revoked_afterwards_without_a_word(folder: Path) -> None:
    _revoked(folder, START_UTC_NS + DAY, with_store=False)


@spoiled("57", "part-of-a-chain-said-to-be-one", "PARTIAL", "TAIL_OPEN", part=True)
def part_of_a_chain(folder: Path) -> None:
    for number in (1, 2, 6, 7, 8, 9):
        (folder / file_name(number)).unlink()


@spoiled("57c", "part-of-a-chain-with-a-hole", "PARTIAL", "GAP", part=True)
def part_with_a_hole(folder: Path) -> None:
    for number in (1, 2, 5):
        (folder / file_name(number)).unlink()


@case("58", "cloned-unit", "FORK_VS_WITNESS")
def cloned_unit(folder: Path) -> None:
    clock, store, clone = ManualClock(), Store(), folder / "clone"
    start_writer(folder, clock).halt("stop")
    shutil.copytree(folder, clone, ignore=shutil.ignore_patterns("clone"))
    for spool, boot in ((clone, "boot-2"), (folder, "boot-3")):
        clock.reboot(boot)
        writer = start_writer(spool, clock)
        footage(writer, clock)
        writer.halt("stop")
    entrust(folder, store, receipts=receipts_for(clone, store, START_UTC_NS + DAY))
    shutil.rmtree(clone)


@case("59b", "promised-counter-that-is-not-there", "STALE")
def promised_counter(folder: Path) -> None:
    counter = FileCounter(folder / "counter", SUITE_1, identity().signer)
    writer = start_writer(folder, counter=counter)
    stolen = key_of(writer)
    writer.halt("stop")
    (folder / "counter").unlink()

    def without_ticks(found: list[Raw]) -> list[Raw]:
        kept = [each for each in found if not isinstance(each.read.body, r.Tick)]
        numbers = iter(range(3, len(kept) + 1))
        renumbered = resigned(kept[2:], stolen, lambda header: replace(header, sequence=next(numbers)), kept[1].hash)
        return [*kept[:2], *renumbered]

    rewrite(folder / file_name(1), without_ticks)


@case("59c", "footage-that-waits-for-an-anchor", "STALE")
def footage_that_waits(folder: Path) -> None:
    clock, store = ManualClock(), Store()
    writer = start_writer(folder, clock)
    footage(writer, clock)
    clock.advance(7_200)
    anchored(writer, clock, store)
    writer.halt("stop")
    entrust(folder, store, policy=policies.signed_policy([policies.rules(anchor_seconds=3_600)]))


@case("59d", "promises-below-the-policy", "STALE")
def promises_below_the_policy(folder: Path) -> None:
    software = SoftwareFacts("0.1.0", "test", simulated=True, alive_seconds=600)
    start_writer(folder, software=software).halt("stop")
    entrust(folder, policy=policies.signed_policy([policies.rules(tick_seconds=300, alive_seconds=60)]))


def _sealed_to(folder: Path, *recipients: Recipient) -> None:
    start_writer(folder, chain_policy=SealingPolicy(recipients, reserve_bytes=0)).halt("stop")
    entrust(folder, policy=policies.signed_policy())


def _stranger() -> Recipient:
    return Recipient("stranger", chains.public_der(x25519.X25519PrivateKey.generate()))


@case("60", "recipient-that-nobody-allowed", "RECIPIENT_MISMATCH")
def unknown_recipient(folder: Path) -> None:
    _sealed_to(folder, *agency().recipients, _stranger())


@case("60b", "recipient-missing", "RECIPIENT_MISMATCH")
def missing_recipient(folder: Path) -> None:
    _sealed_to(folder, agency().recipients[0], _stranger())


@spoiled("60c", "recipients-of-yesterday")
def recipients_of_yesterday(folder: Path) -> None:
    today = START_UTC_NS + DAY
    strangers = policies.key_ids([_stranger(), _stranger()])
    held = [policies.rules(until_utc_ns=today), policies.rules(today, recipients=strangers)]
    entrust(folder, policy=policies.signed_policy(held))
    assert (folder / FOOTAGE).exists()
