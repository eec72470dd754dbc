"""The attacks of the catalogue on files: each is named with its kind, file, sequence number and place."""

import shutil
from dataclasses import replace
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from sealing import records as r
from sealing.errors import NotSealedError
from sealing.findings import Code, Finding
from sealing.framing import PREFIX_BYTES, encode_prefix, file_name
from sealing.keys import FileKeySigner
from sealing.limits import MAGIC
from sealing.oids import EKU_LINK
from sealing.report import ChainError, Report
from sealing.suites import SUITE_1
from sealing.trust import Trust
from sealing.verifier import verify_chain
from tests.support.chains import Agency, agency, identity, start_writer
from tests.support.clocks import ManualClock
from tests.support.forging import Raw, records_of, rewrite, signed
from tests.support.recordings import Scene, film, trust

FOOTAGE = file_name(3)
SECOND_FOOTAGE = file_name(4)
NEXT_LEDGER = file_name(5)


def refused(spool: Path, trusted: Trust | None = None) -> Report:
    with pytest.raises(ChainError) as error:
        verify_chain([spool], trusted or trust())
    return error.value.report


def first(spool: Path, trusted: Trust | None = None) -> Finding:
    fault = refused(spool, trusted).first_fault
    assert fault is not None
    return fault


def codes(report: Report) -> set[Code]:
    return {finding.code for finding in report.findings}


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def offset_of(path: Path, index: int) -> int:
    return len(MAGIC) + sum(len(record.data) for record in records_of(path)[:index])


@pytest.mark.requirement("R10", "all")
@pytest.mark.requirement("R12", "all")
def test_row_1_a_bit_of_a_payload_spoils_that_fragment_alone(film_copy: Path) -> None:
    path = film_copy / FOOTAGE
    record = records_of(path)[1]
    flip(path, offset_of(path, 2) - 1)
    report = refused(film_copy)
    assert codes(report) == {Code.PAYLOAD_MODIFIED}
    place = report.findings[0].place
    assert (place.file, place.sequence, place.offset_bytes) == (FOOTAGE, record.read.sequence, offset_of(path, 1))


def test_row_2_a_bit_of_a_signed_header(film_copy: Path) -> None:
    path = film_copy / FOOTAGE
    flip(path, offset_of(path, 1) + PREFIX_BYTES + 90)
    fault = first(film_copy)
    assert fault.code in {Code.BAD_SIGNATURE, Code.MALFORMED}
    assert fault.place.file == FOOTAGE


def test_row_3_a_bit_of_a_signature(film_copy: Path) -> None:
    path = film_copy / FOOTAGE
    record = records_of(path)[1]
    flip(path, offset_of(path, 1) + PREFIX_BYTES + len(record.header) - 1)
    report = refused(film_copy)
    assert codes(report) == {Code.BAD_SIGNATURE}
    assert report.findings[0].place.sequence == record.read.sequence


def test_row_4_payloads_of_two_records_swapped(film_copy: Path) -> None:
    def swap(found: list[Raw]) -> list[Raw]:
        one, other = found[1], found[3]
        assert one.payload != other.payload
        assert len(one.payload) == len(other.payload)
        return [found[0], Raw(one.header, other.payload), found[2], Raw(other.header, one.payload), *found[4:]]

    rewrite(film_copy / FOOTAGE, swap)
    report = refused(film_copy)
    assert codes(report) == {Code.PAYLOAD_MODIFIED}
    assert len(report.findings) == 2


def test_row_5_two_records_swapped(film_copy: Path) -> None:
    rewrite(film_copy / FOOTAGE, lambda found: [found[0], found[2], found[1], *found[3:]])
    assert first(film_copy).code is Code.REPLAY_OR_REORDER
    assert Code.GAP not in codes(refused(film_copy))


@pytest.mark.parametrize("index", [1, 2, 3])
@pytest.mark.requirement("R10", "all")
def test_row_6_a_record_dropped(film_copy: Path, index: int) -> None:
    missing = records_of(film_copy / FOOTAGE)[index].read.sequence
    rewrite(film_copy / FOOTAGE, lambda found: found[:index] + found[index + 1 :])
    fault = first(film_copy)
    assert (fault.code, fault.place.file, fault.place.sequence) == (Code.GAP, FOOTAGE, missing)


@pytest.mark.requirement("R10", "all")
def test_row_7_a_record_twice(film_copy: Path) -> None:
    rewrite(film_copy / FOOTAGE, lambda found: [*found[:2], found[1], *found[2:]])
    report = refused(film_copy)
    assert codes(report) == {Code.REPLAY_OR_REORDER}
    assert report.findings[0].place.sequence == records_of(film_copy / FOOTAGE)[1].read.sequence


@pytest.mark.parametrize("number", [2, 3, 5, 8])
@pytest.mark.requirement("R10", "all")
def test_row_8_a_file_dropped(film_copy: Path, number: int) -> None:
    sequence = records_of(film_copy / file_name(number))[0].read.sequence
    (film_copy / file_name(number)).unlink()
    fault = first(film_copy)
    assert (fault.code, fault.place.sequence) == (Code.GAP, sequence)
    assert fault.place.file == file_name(number + 1)


def test_row_9_a_whole_recording_dropped(tmp_path: Path) -> None:
    film(tmp_path, 1, 200)
    clock = ManualClock()
    clock.advance(7200)
    writer = start_writer(tmp_path, clock)
    writer.halt("stop")
    for number in range(2, 10):
        (tmp_path / file_name(number)).unlink()
    assert first(tmp_path).code is Code.GAP


def test_row_10_the_beginning_dropped(film_copy: Path) -> None:
    (film_copy / file_name(1)).unlink()
    fault = first(film_copy)
    assert (fault.code, fault.place.file, fault.place.sequence) == (Code.HEAD_MISSING, file_name(2), 1)


@pytest.mark.requirement("R10", "all")
def test_row_11_files_renamed(film_copy: Path) -> None:
    one, other, aside = film_copy / FOOTAGE, film_copy / SECOND_FOOTAGE, film_copy / "aside"
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    fault = first(film_copy)
    assert (fault.code, fault.place.file) == (Code.REPLAY_OR_REORDER, FOOTAGE)
    assert Code.GAP not in codes(refused(film_copy))


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.requirement("R10", "all")
def test_row_12_a_record_of_an_outsider_inserted_or_put_in_place(film_copy: Path, keep: bool) -> None:
    key = ed25519.Ed25519PrivateKey.generate()

    def insert(found: list[Raw]) -> list[Raw]:
        forged = signed(found[2].read, found[2].payload, key)
        return [*found[:2], forged, *(found[2:] if keep else found[3:])]

    rewrite(film_copy / FOOTAGE, insert)
    report = refused(film_copy)
    assert codes(report) == {Code.BAD_SIGNATURE}
    assert report.findings[0].place.file == FOOTAGE


def test_row_12_an_outsider_may_not_borrow_the_key_id(film_copy: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    rewrite(film_copy / FOOTAGE, lambda found: [*found[:2], signed(found[2].read, found[2].payload, key, bytes(16))])
    assert first(film_copy).code is Code.BAD_SIGNATURE


def test_row_13_a_chain_of_a_self_made_unit(tmp_path: Path) -> None:
    start_writer(tmp_path, unit=Agency().identity()).halt("stop")
    fault = first(tmp_path)
    assert (fault.code, fault.place.file, fault.place.sequence) == (Code.UNTRUSTED_KEY, file_name(1), 1)


def test_a_link_certificate_seals_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    monkeypatch.setattr("tests.support.chains.EKU_DEVICE", EKU_LINK)
    certificate = agency().device_certificate("unit-0001", key.public_key())
    unit = replace(identity(), signer=FileKeySigner(key), certificate_der=certificate)
    start_writer(tmp_path, unit=unit).halt("stop")
    fault = first(tmp_path)
    assert fault.code is Code.UNTRUSTED_KEY
    assert "link certificate" in fault.detail


def test_a_certificate_is_for_one_unit(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = agency().device_certificate("unit-0002", key.public_key())
    unit = replace(identity(), signer=FileKeySigner(key), certificate_der=certificate)
    monkey = replace(unit, device_id="unit-0002")
    start_writer(tmp_path, unit=monkey).halt("stop")
    assert verify_chain([tmp_path], trust()).device_id == "unit-0002"
    rewrite(tmp_path / file_name(1), lambda found: [Raw(each.header.replace(b"0002", b"0001"), b"") for each in found])
    assert Code.UNTRUSTED_KEY in codes(refused(tmp_path))


def test_row_14_a_file_of_another_unit_of_the_agency(film_copy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    clock = ManualClock()
    scene = Scene(start_writer(other, clock, unit=agency().identity("unit-0002")), clock)
    scene.press()
    scene.begin_run()
    scene.record(1)
    scene.finish()
    shutil.copy(other / FOOTAGE, film_copy / FOOTAGE)
    fault = first(film_copy)
    assert (fault.code, fault.place.file) == (Code.WRONG_DEVICE, FOOTAGE)


def test_row_15_an_older_file_of_the_unit(film_copy: Path) -> None:
    shutil.copy(film_copy / FOOTAGE, film_copy / file_name(6))
    fault = first(film_copy)
    assert (fault.code, fault.place.file) == (Code.REPLAY_OR_REORDER, file_name(6))


def test_row_16_a_tail_cut_at_a_border_is_open(film_copy: Path) -> None:
    """A residual: without a witness or a counter nobody can tell; the verdict says so and does not call it closed."""
    last = film_copy / file_name(9)
    rewrite(last, lambda found: found[:-1])
    report = verify_chain([film_copy], trust())
    assert codes(report) == {Code.TAIL_OPEN}


def test_row_19_a_cut_inside_a_record(film_copy: Path) -> None:
    last = film_copy / file_name(9)
    place = offset_of(last, len(records_of(last)) - 1)
    last.write_bytes(last.read_bytes()[:-5])
    fault = first(film_copy)
    assert (fault.code, fault.place.file, fault.place.offset_bytes) == (Code.TORN_TAIL, last.name, place)


@pytest.mark.parametrize("cut_records", [1, 2])
def test_a_file_in_the_middle_cut_at_a_border(film_copy: Path, cut_records: int) -> None:
    rewrite(film_copy / FOOTAGE, lambda found: found[:-cut_records])
    assert first(film_copy).code is Code.GAP


@pytest.mark.parametrize("algorithm", [b"\x01\x28", b"\x01\x26"])
def test_row_34_another_algorithm(film_copy: Path, algorithm: bytes) -> None:
    def change(found: list[Raw]) -> list[Raw]:
        assert b"\x01\x32" in found[1].header[:24]
        return [found[0], Raw(found[1].header.replace(b"\x01\x32", algorithm, 1), found[1].payload), *found[2:]]

    rewrite(film_copy / FOOTAGE, change)
    assert first(film_copy).code in {Code.BAD_SIGNATURE, Code.SUITE_FORBIDDEN, Code.MALFORMED}


def test_row_34_a_suite_that_policy_does_not_allow(film_copy: Path) -> None:
    """SF-37."""
    fault = first(film_copy, replace(trust(), suites=frozenset({2})))
    assert (fault.code, fault.place.sequence) == (Code.SUITE_FORBIDDEN, 1)


def test_row_35_something_in_the_unprotected_header(film_copy: Path) -> None:
    """SF-5."""

    def add(found: list[Raw]) -> list[Raw]:
        parts = cbor2.loads(found[1].header).value
        parts = list(parts)
        parts[1] = {99: b"x"}
        return [found[0], Raw(b"\xd2" + cbor2.dumps(parts, canonical=True), found[1].payload), *found[2:]]

    sequence = records_of(film_copy / FOOTAGE)[1].read.sequence
    rewrite(film_copy / FOOTAGE, add)
    fault = first(film_copy)
    assert (fault.code, fault.place.file, fault.place.sequence) == (Code.MALFORMED, FOOTAGE, sequence)


def test_row_36_bytes_behind_a_header(film_copy: Path) -> None:
    """SF-2."""
    rewrite(film_copy / FOOTAGE, lambda found: [found[0], Raw(found[1].header + b"\x00", found[1].payload), *found[2:]])
    assert first(film_copy).code is Code.MALFORMED


@pytest.mark.parametrize(("header", "payload"), [(65_537, 0), (0, 0), (100, 67_108_865), (2**32 - 1, 2**32 - 1)])
def test_row_37_length_fields_out_of_range(film_copy: Path, header: int, payload: int) -> None:
    """SF-10."""
    path = film_copy / FOOTAGE
    data, place = bytearray(path.read_bytes()), offset_of(path, 2)
    data[place : place + 8] = header.to_bytes(4, "big") + payload.to_bytes(4, "big")
    path.write_bytes(data)
    fault = first(film_copy)
    assert (fault.code, fault.place.file, fault.place.offset_bytes) == (Code.MALFORMED, FOOTAGE, place)


def test_row_37_length_fields_that_move_the_border(film_copy: Path) -> None:
    """SF-12: framing and header have to agree."""
    path = film_copy / FOOTAGE
    record = records_of(path)[1]
    data, place = bytearray(path.read_bytes()), offset_of(path, 1)
    data[place : place + 8] = encode_prefix(len(record.header), len(record.payload) - 1)
    path.write_bytes(data)
    assert first(film_copy).code is Code.MALFORMED


@pytest.mark.parametrize("garbage", [b"\x00", b"garbage behind the end", bytes(5_000)])
@pytest.mark.parametrize("number", [3, 9])
def test_row_38_bytes_behind_the_end(film_copy: Path, garbage: bytes, number: int) -> None:
    path = film_copy / file_name(number)
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(garbage)
    fault = first(film_copy)
    assert (fault.code, fault.place.file, fault.place.offset_bytes) == (Code.TORN_TAIL, path.name, size)


def test_row_39_a_wrapped_key_replaced(film_copy: Path) -> None:
    path = film_copy / FOOTAGE
    opened = records_of(path)[0]
    assert isinstance(opened.read.body, r.Open)
    wrapped = opened.read.body.wraps[0].wrapped
    data = path.read_bytes()
    path.write_bytes(data.replace(wrapped, bytes(len(wrapped))))
    fault = first(film_copy)
    assert (fault.code, fault.place.sequence) == (Code.BAD_SIGNATURE, opened.read.sequence)


def test_row_48_a_header_that_claims_gigabytes_takes_no_memory(tmp_path: Path) -> None:
    """The reader bounds a length before it reads by it."""
    start_writer(tmp_path).halt("stop")
    path = tmp_path / file_name(1)
    with path.open("ab") as file:
        file.write(b"\xff\xff\xff\xff" * 2)
    assert first(tmp_path).code is Code.TORN_TAIL


def test_row_50_a_certificate_that_had_ended(tmp_path: Path) -> None:
    clock = ManualClock(utc_ns=2_100_000_000 * 10**9)
    start_writer(tmp_path, clock).halt("stop")
    fault = first(tmp_path)
    assert fault.code is Code.UNTRUSTED_KEY
    assert "ended on" in fault.detail


def test_a_clock_before_the_certificate_is_told(tmp_path: Path) -> None:
    start_writer(tmp_path, ManualClock(utc_ns=10**18)).halt("stop")
    assert codes(verify_chain([tmp_path], trust())) == {Code.CLOCK_WRONG}


@pytest.mark.requirement("R10", "all")
@pytest.mark.requirement("R13", "all")
def test_row_53_a_file_freed_without_a_receipt(tmp_path: Path) -> None:
    """SF-33: nobody but a unit gone wrong can sign this; the verifier names it all the same."""
    film(tmp_path, 1, 200)
    report = verify_chain([tmp_path], trust())
    facts = report.files[2]
    clock = ManualClock()
    clock.advance(7200)
    writer = start_writer(tmp_path, clock)
    found = records_of(tmp_path / FOOTAGE)
    body = r.Delete(
        file_number=3,
        file_id=bytes.fromhex(facts.file_id or ""),
        first_sequence=facts.first_sequence or 0,
        last_sequence=facts.last_sequence or 0,
        hash_before=found[0].read.previous_hash,
        head_after=found[-1].hash,
        receipt_hash=bytes(32),
        epoch_after=1,
        boot_after=1,
    )
    reference = writer._output.append(body)
    writer.halt("stop")
    (tmp_path / FOOTAGE).unlink()
    fault = first(tmp_path)
    assert (fault.code, fault.place.sequence) == (Code.POLICY_VIOLATION, reference.sequence)


def test_a_magic_byte_of_one_file(film_copy: Path) -> None:
    flip(film_copy / FOOTAGE, 0)
    fault = first(film_copy)
    assert (fault.code, fault.place.file, fault.place.offset_bytes) == (Code.NOT_SEALED, FOOTAGE, 0)


def test_many_faults_alike_are_counted_not_listed(film_copy: Path) -> None:
    target = film_copy / file_name(10)
    shutil.copy(film_copy / FOOTAGE, target)
    report = refused(film_copy)
    assert len(report.findings) <= 25
    assert SUITE_1.number == 1


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(NotSealedError):
        verify_chain([], trust())
