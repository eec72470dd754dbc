import struct

import pytest

from capture.errors import BoxError
from capture.media.boxes import boxes, child, children, complete_fragments_bytes, track_fragments


def box(kind: str, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind.encode()) + content


def traf(
    track: int,
    time: int,
    durations: list[int] | None,
    *,
    default: int | None = None,
    count: int = 0,
    version: int = 1,
) -> bytes:
    tfhd = struct.pack(">II", 0x020000 | (8 if default is not None else 0), track)
    tfhd += b"" if default is None else struct.pack(">I", default)
    tfdt = struct.pack(">B3xQ", 1, time) if version else struct.pack(">B3xI", 0, time)
    flags = 0x000205 if durations is None else 0x000305
    trun = struct.pack(">IIiI", flags, count if durations is None else len(durations), 0, 0)
    for index in range(count if durations is None else len(durations)):
        trun += b"" if durations is None else struct.pack(">I", durations[index])
        trun += struct.pack(">I", 99)
    return box("traf", box("tfhd", tfhd) + box("tfdt", tfdt) + box("trun", trun))


def fragment(*trafs: bytes) -> bytes:
    return box("moof", box("mfhd", bytes(8)) + b"".join(trafs)) + box("mdat", b"media")


def test_boxes_are_walked_in_order_with_their_sizes() -> None:
    walked = list(boxes(box("ftyp", b"isom") + box("free")))
    assert [(each.kind, bytes(each.content), each.size_bytes) for each in walked] == [
        ("ftyp", b"isom", 12),
        ("free", b"", 8),
    ]


def test_box_with_a_64_bit_size_is_read() -> None:
    large = struct.pack(">I4sQ", 1, b"mdat", 19) + b"abc"
    assert bytes(child(large, "mdat")) == b"abc"
    assert complete_fragments_bytes(large) == 19
    assert complete_fragments_bytes(large[:-1]) == 0
    assert complete_fragments_bytes(large[:12]) == 0


@pytest.mark.parametrize(
    "data", [b"\x00\x00\x00", box("moov")[:-1], struct.pack(">I4s", 7, b"moov"), struct.pack(">I4s", 9, b"moov")]
)
def test_box_that_reaches_beyond_the_bytes_is_an_error(data: bytes) -> None:
    with pytest.raises(BoxError):
        list(boxes(data))


def test_only_whole_fragments_are_complete() -> None:
    data = box("ftyp") + fragment(traf(1, 0, [1]))
    assert complete_fragments_bytes(data) == len(data)
    assert all(complete_fragments_bytes(data[:length]) == 0 for length in range(len(data)))
    assert complete_fragments_bytes(data + data[:20]) == len(data)


def test_bytes_that_are_no_boxes_are_an_error() -> None:
    with pytest.raises(BoxError, match="not a box file"):
        complete_fragments_bytes(b"\x00\x00\x00\x03moov")


def test_children_follow_the_path_and_child_wants_exactly_one() -> None:
    moov = box("moov", box("trak", box("tkhd", b"1")) + box("trak", box("tkhd", b"2")))
    assert [bytes(found) for found in children(moov, "moov", "trak", "tkhd")] == [b"1", b"2"]
    with pytest.raises(BoxError, match="2 boxes at moov/trak"):
        child(moov, "moov", "trak")
    with pytest.raises(BoxError, match="0 boxes at moof"):
        child(moov, "moof")


def test_times_come_from_base_and_durations_of_each_track() -> None:
    tracks = track_fragments(
        fragment(traf(1, 2**33, [3_000, 3_001, 2_999]), traf(2, 47_000, None, default=1_024, count=2, version=0))
    )
    assert tracks[1].decode_times == (2**33, 2**33 + 3_000, 2**33 + 6_001)
    assert tracks[1].end_time == 2**33 + 9_000
    assert tracks[2].decode_times == (47_000, 48_024)
    assert (tracks[1].count, tracks[2].count) == (3, 2)


def test_track_without_samples_is_not_there() -> None:
    assert track_fragments(fragment(traf(1, 0, [1]), traf(2, 0, []))).keys() == {1}


def test_samples_without_any_duration_are_an_error() -> None:
    with pytest.raises(BoxError, match="no duration"):
        track_fragments(fragment(traf(1, 0, None, count=1)))


def test_run_of_the_wrong_length_is_an_error() -> None:
    good = traf(1, 0, [1, 2])
    bad = good.replace(struct.pack(">II", 0x000305, 2), struct.pack(">II", 0x000305, 3))
    with pytest.raises(BoxError, match="a run of 3 samples"):
        track_fragments(fragment(bad))


def test_header_that_is_cut_is_an_error() -> None:
    cut = box("traf", box("tfhd", b"\x00\x02\x00\x00") + box("tfdt", bytes(8)))
    with pytest.raises(BoxError, match="ends before its field"):
        track_fragments(fragment(cut))
