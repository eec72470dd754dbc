"""Afterwards somebody holds the disk, the device key file, the counter file and the present epoch's key.

What he rewrites with the epoch key alone breaks at the next epoch. With a device key that is a file he can seal a whole
other past: it verifies by itself, of the grade SOFT at best, and whatever left the unit before contradicts it.
"""

from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519

from sealing.counters import FileCounter
from sealing.framing import RecordHeader
from sealing.keys import EpochIssuer
from sealing.receipts import DURABLE_FSYNC, FIRST_PREVIOUS_RECEIPT, Receipt
from sealing.records import Event, Open
from sealing.report import Report
from sealing.suites import SUITE_1
from sealing.verifier import examine_chain
from sealing.writer import ChainWriter
from tests.support import chains
from tests.support.clocks import ManualClock
from tests.support.forging import records_of, resigned, write
from tests.support.recordings import trust

CODE = "what happened"


def past(spool: Path, code: str) -> ChainWriter:
    """Two runs of the agent, the second with what somebody would like otherwise; and a third that goes on."""
    clock = ManualClock()
    spool.parent.mkdir(exist_ok=True)
    counter = FileCounter(spool.parent / "counter", SUITE_1, chains.identity().signer)
    for number, happened in enumerate(("nothing", code), 1):
        before = chains.start_writer(spool, clock, counter=counter)
        before.seal(Event(happened, None, ()))
        before.halt("stop")
        clock.reboot(f"boot-{number + 1}")
    return chains.start_writer(spool, clock, counter=counter)


def receipts(report: Report) -> tuple[Receipt, ...]:
    """What a store has signed for the files of a chain."""
    return tuple(
        Receipt(
            store_id="store",
            device_id=chains.DEVICE_ID,
            file_id=bytes.fromhex(facts.file_id or ""),
            size_bytes=facts.size_bytes,
            first_sequence=facts.first_sequence or 0,
            last_sequence=facts.last_sequence or 0,
            head_hash=bytes.fromhex(facts.head_hash or ""),
            received_utc_ns=1,
            receipt_number=number,
            previous_receipt_hash=FIRST_PREVIOUS_RECEIPT,
            durability=DURABLE_FSYNC,
        )
        for number, facts in enumerate(report.files, 1)
    )


def lie(header: RecordHeader) -> RecordHeader:
    if isinstance(header.body, Event):
        return replace(header, body=Event("what he would like", None, ()))
    return header


def test_the_epoch_key_and_the_disk_rewrite_no_earlier_epoch(tmp_path: Path) -> None:
    writer = past(tmp_path / "spool", CODE)
    stolen = writer._output._sealer._epoch._key
    assert isinstance(stolen, ed25519.Ed25519PrivateKey)
    writer.halt("stop")
    second = tmp_path / "spool" / "00000002.evs"
    write(second, resigned(records_of(second), stolen, lie))
    report = examine_chain([tmp_path / "spool"], trust())
    assert report.first_fault is not None
    assert report.first_fault.place.file == second.name
    assert "BAD_SIGNATURE" in report.verdicts


def test_with_the_device_key_file_too_the_next_epoch_still_tells(tmp_path: Path) -> None:
    """He certifies a new key for the old epoch; what comes behind it names another hash, and its key is gone."""
    writer = past(tmp_path / "spool", CODE)
    writer.halt("stop")
    second = tmp_path / "spool" / "00000002.evs"
    found = records_of(second)
    begin = found[0].read
    signer = chains.identity().signer
    fresh = EpochIssuer(SUITE_1, chains.DEVICE_ID, signer).issue(
        epoch=begin.epoch,
        boot_number=begin.boot_number,
        sequence=begin.sequence,
        previous_hash=begin.previous_hash,
    )
    key = fresh._key
    assert isinstance(key, ed25519.Ed25519PrivateKey)

    def introduced(header: RecordHeader) -> RecordHeader:
        if isinstance(header.body, Open):
            return replace(header, body=replace(header.body, epoch_certificate=fresh.encoded))
        return lie(header)

    write(second, resigned(found, key, introduced, begin.previous_hash))
    report = examine_chain([tmp_path / "spool"], trust())
    assert not report.intact
    # The TICK of that epoch was attested for the record that is gone; the file behind names the old hash.
    assert {"REPLAY_OR_REORDER", "EPOCH_MISBOUND"} & set(report.verdicts)


def test_a_whole_other_past_is_contradicted_by_what_left_the_unit(tmp_path: Path) -> None:
    """With a key file everything can be sealed anew: only the store's receipts tell, and they do."""
    past(tmp_path / "true" / "spool", CODE).halt("stop")
    past(tmp_path / "false" / "spool", "what he would like").halt("stop")
    signed = receipts(examine_chain([tmp_path / "true" / "spool"], trust()))
    alone = examine_chain([tmp_path / "false" / "spool"], trust())
    assert alone.intact, (
        "nothing in the files themselves can tell: the report says the grade, and that no store was asked"
    )
    assert alone.witnessed_sequence is None
    held = examine_chain([tmp_path / "false" / "spool"], replace(trust(), receipts=signed))
    assert "FORK_VS_WITNESS" in held.verdicts
    assert not examine_chain([tmp_path / "true" / "spool"], replace(trust(), receipts=signed)).findings
