"""Rows for which nobody needs a key: bytes, records and files of a good chain changed, moved, dropped."""

import shutil
from pathlib import Path
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ed25519

from sealing import records as r
from sealing.framing import encode_prefix, file_name
from tests.support.chains import agency, start_writer
from tests.support.clocks import ManualClock
from tests.support.forging import Raw, records_of, rewrite, signed
from tests.support.recordings import Scene
from tests.vectors.cases import FOOTAGE, LAST, SECOND_FOOTAGE, edit, flipped, offset_of, spoiled
from tests.vectors.witnesses import give_key


@spoiled("1", "payload-bit", "PAYLOAD_MODIFIED")
def payload_bit(folder: Path) -> None:
    edit(folder / FOOTAGE, 1, lambda each: Raw(each.header, flipped(each.payload, -1)))


@spoiled("2", "header-bit", "BAD_SIGNATURE")
def header_bit(folder: Path) -> None:
    def turn(each: Raw) -> Raw:
        previous = each.read.previous_hash
        return Raw(each.header.replace(previous, flipped(previous, 7)), each.payload)

    edit(folder / FOOTAGE, 1, turn)


@spoiled("3", "signature-bit", "BAD_SIGNATURE")
def signature_bit(folder: Path) -> None:
    edit(folder / FOOTAGE, 1, lambda each: Raw(flipped(each.header, -1), each.payload))


@spoiled("4", "payloads-swapped", "PAYLOAD_MODIFIED")
def payloads_swapped(folder: Path) -> None:
    one, other = (records_of(folder / FOOTAGE)[index].payload for index in (1, 3))
    edit(folder / FOOTAGE, 1, lambda each: Raw(each.header, other))
    edit(folder / FOOTAGE, 3, lambda each: Raw(each.header, one))


@spoiled("5", "records-swapped", "REPLAY_OR_REORDER")
def records_swapped(folder: Path) -> None:
    rewrite(folder / FOOTAGE, lambda found: [found[0], found[2], found[1], *found[3:]])


@spoiled("6", "record-dropped", "GAP")
def record_dropped(folder: Path) -> None:
    rewrite(folder / FOOTAGE, lambda found: [*found[:2], *found[3:]])


@spoiled("7", "record-twice", "REPLAY_OR_REORDER")
def record_twice(folder: Path) -> None:
    rewrite(folder / FOOTAGE, lambda found: [*found[:2], found[1], *found[2:]])


@spoiled("8", "file-dropped", "GAP")
def file_dropped(folder: Path) -> None:
    (folder / FOOTAGE).unlink()


@spoiled("9", "recording-dropped", "GAP")
def recording_dropped(folder: Path) -> None:
    clock = ManualClock()
    clock.advance(7200)
    start_writer(folder, clock).halt("stop")
    for number in range(2, 10):
        (folder / file_name(number)).unlink()


@spoiled("10", "beginning-dropped", "HEAD_MISSING")
def beginning_dropped(folder: Path) -> None:
    (folder / file_name(1)).unlink()


@spoiled("11", "files-renamed", "REPLAY_OR_REORDER")
def files_renamed(folder: Path) -> None:
    (folder / FOOTAGE).rename(folder / "aside")
    (folder / SECOND_FOOTAGE).rename(folder / FOOTAGE)
    (folder / "aside").rename(folder / SECOND_FOOTAGE)


@spoiled("12a", "outsider-inserts", "BAD_SIGNATURE")
def outsider_inserts(folder: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    rewrite(folder / FOOTAGE, lambda found: [*found[:2], signed(found[2].read, found[2].payload, key), *found[2:]])


@spoiled("12b", "outsider-replaces", "BAD_SIGNATURE")
def outsider_replaces(folder: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    edit(folder / FOOTAGE, 2, lambda each: signed(each.read, each.payload, key))


@spoiled("14", "file-of-another-unit", "WRONG_DEVICE", "GAP")
def file_of_another_unit(folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    clock = ManualClock()
    scene = Scene(start_writer(other, clock, unit=agency().identity("unit-0002")), clock, fragment_bytes=200)
    scene.press()
    scene.begin_run()
    scene.record(1)
    scene.finish()
    shutil.copy(other / FOOTAGE, folder / FOOTAGE)
    shutil.rmtree(other)


@spoiled("15", "older-file-again", "REPLAY_OR_REORDER", "GAP")
def older_file_again(folder: Path) -> None:
    shutil.copy(folder / FOOTAGE, folder / file_name(6))


@spoiled("16", "tail-cut-at-a-border", "TAIL_OPEN")
def tail_cut(folder: Path) -> None:
    rewrite(folder / LAST, lambda found: found[:-1])


@spoiled("19", "cut-inside-a-record", "TORN_TAIL")
def cut_inside(folder: Path) -> None:
    (folder / LAST).write_bytes((folder / LAST).read_bytes()[:-5])


@spoiled("19b", "cut-inside-a-file-in-the-middle", "TORN_TAIL")
def cut_inside_a_file_in_the_middle(folder: Path) -> None:
    (folder / FOOTAGE).write_bytes((folder / FOOTAGE).read_bytes()[:-5])


@spoiled("34a", "algorithm-changed", "SUITE_FORBIDDEN")
def algorithm_changed(folder: Path) -> None:
    edit(folder / FOOTAGE, 1, lambda each: Raw(each.header.replace(b"\x01\x32", b"\x01\x26", 1), each.payload))


@spoiled("34b", "algorithm-of-the-other-key", "BAD_SIGNATURE")
def algorithm_of_the_other_key(folder: Path) -> None:
    edit(folder / FOOTAGE, 1, lambda each: Raw(each.header.replace(b"\x01\x32", b"\x01\x28", 1), each.payload))


def _parts(header: bytes) -> list[Any]:
    return list(cbor2.loads(header).value)


def _joined(parts: list[Any]) -> bytes:
    return b"\xd2" + cbor2.dumps(parts, canonical=True)


@spoiled("35", "unprotected-header", "MALFORMED")
def unprotected_header(folder: Path) -> None:
    def add(each: Raw) -> Raw:
        parts = _parts(each.header)
        return Raw(_joined([parts[0], {99: b"x"}, *parts[2:]]), each.payload)

    edit(folder / FOOTAGE, 1, add)


@spoiled("36", "bytes-behind-a-header", "MALFORMED")
def bytes_behind_a_header(folder: Path) -> None:
    edit(folder / FOOTAGE, 1, lambda each: Raw(each.header + b"\x00", each.payload))


@spoiled("37a", "length-out-of-range", "MALFORMED", "GAP")
def length_out_of_range(folder: Path) -> None:
    _overwrite(folder / FOOTAGE, 2, (65_537).to_bytes(4, "big"))


@spoiled("37b", "border-moved", "MALFORMED", "GAP")
def border_moved(folder: Path) -> None:
    record = records_of(folder / FOOTAGE)[1]
    _overwrite(folder / FOOTAGE, 1, encode_prefix(len(record.header), len(record.payload) - 1))


def _overwrite(path: Path, index: int, prefix: bytes) -> None:
    data, place = bytearray(path.read_bytes()), offset_of(path, index)
    data[place : place + len(prefix)] = prefix
    path.write_bytes(data)


@spoiled("38a", "garbage-behind-the-end", "TORN_TAIL")
def garbage_behind_the_end(folder: Path) -> None:
    (folder / LAST).write_bytes((folder / LAST).read_bytes() + b"garbage behind the end")


@spoiled("38b", "garbage-behind-a-file", "TORN_TAIL")
def garbage_behind_a_file(folder: Path) -> None:
    (folder / FOOTAGE).write_bytes((folder / FOOTAGE).read_bytes() + bytes(500))


@spoiled("39", "wrapped-key-replaced", "BAD_SIGNATURE", "UNDECRYPTABLE")
def wrapped_key_replaced(folder: Path) -> None:
    give_key(folder)
    opened = records_of(folder / FOOTAGE)[0].read.body
    assert isinstance(opened, r.Open)
    wrapped = opened.wraps[1].wrapped
    edit(folder / FOOTAGE, 0, lambda each: Raw(each.header.replace(wrapped, bytes(len(wrapped))), each.payload))


def _encoding(folder: Path, start: bytes, change: bytes) -> None:
    """Another encoding of the same header map; it fails before any signature is looked at."""

    def encode(each: Raw) -> Raw:
        parts = _parts(each.header)
        assert parts[2].startswith(start)
        return Raw(_joined([*parts[:2], change + parts[2][len(start) :], parts[3]]), each.payload)

    edit(folder / FOOTAGE, 1, encode)


@spoiled("48a", "cbor-key-twice", "MALFORMED")
def key_twice(folder: Path) -> None:
    _encoding(folder, b"\xae", b"\xaf\x01\x01")


@spoiled("48b", "cbor-true-for-1", "MALFORMED")
def true_for_one(folder: Path) -> None:
    _encoding(folder, b"\xae\x01\x01", b"\xae\x01\xf5")


@spoiled("48c", "cbor-longer-integer", "MALFORMED")
def longer_integer(folder: Path) -> None:
    _encoding(folder, b"\xae\x01\x01", b"\xae\x01\x18\x01")


@spoiled("48d", "cbor-indefinite-length", "MALFORMED")
def indefinite_length(folder: Path) -> None:
    def encode(each: Raw) -> Raw:
        parts = _parts(each.header)
        return Raw(_joined([*parts[:2], b"\xbf" + parts[2][1:] + b"\xff", parts[3]]), each.payload)

    edit(folder / FOOTAGE, 1, encode)


@spoiled("48e", "cbor-depth-bomb", "MALFORMED")
def depth_bomb(folder: Path) -> None:
    def encode(each: Raw) -> Raw:
        parts = _parts(each.header)
        return Raw(_joined([*parts[:2], b"\x81" * 2_000 + b"\x00", parts[3]]), each.payload)

    edit(folder / FOOTAGE, 1, encode)


@spoiled("48f", "cbor-claims-4-gib", "MALFORMED")
def claims_gigabytes(folder: Path) -> None:
    def encode(each: Raw) -> Raw:
        parts = _parts(each.header)
        return Raw(_joined([*parts[:2], b"\x5a\xff\xff\xff\xff", parts[3]]), each.payload)

    edit(folder / FOOTAGE, 1, encode)


@spoiled("48g", "framing-claims-4-gib", "MALFORMED", "GAP")
def framing_claims_gigabytes(folder: Path) -> None:
    _overwrite(folder / FOOTAGE, 2, b"\xff" * 8)


@spoiled("56", "sound-muted", "PAYLOAD_MODIFIED")
def sound_muted(folder: Path) -> None:
    edit(folder / FOOTAGE, 3, lambda each: Raw(each.header, bytes(len(each.payload))))


@spoiled("57b", "part-of-a-chain-given-as-a-whole", "HEAD_MISSING", "TAIL_OPEN")
def part_of_a_chain(folder: Path) -> None:
    for number in (1, 2, 6, 7, 8, 9):
        (folder / file_name(number)).unlink()


@spoiled("8b", "magic-bit", "NOT_SEALED", "GAP")
def magic_bit(folder: Path) -> None:
    (folder / FOOTAGE).write_bytes(flipped((folder / FOOTAGE).read_bytes(), 0))
