"""A time in every picture, put there and found again (CS-33)."""

import io
from fractions import Fraction

import av
import av.bitstream
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.media.frame_stamp import STAMP_UUID, FrameStamp, stamped, stamps
from capture.media.limits import FileLimits
from capture.media.parameter_sets import nal_units, parameter_sets
from capture.media.pipeline import MediaPipeline
from capture.media.values import CivilMoment, MediaSettings, Numbering
from tests.support.media_output import SESSION, Keeper, feed, play, stream
from tests.support.media_source import delivered, film, listen

START_CODE = b"\x00\x00\x01"
UTC_AHEAD_NS = 1_790_000_000_123_456_789

STAMPS = st.builds(
    FrameStamp,
    number=st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**16, 2**32, 0x0000_0300_0001_0002]),
    utc_ns=st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 1 << 40]),
    boottime_ns=st.integers(0, 2**64 - 1) | st.sampled_from([0, 3 << 16]),
    clock_trusted=st.booleans(),
)


@given(STAMPS)
def test_a_stamp_comes_back_whatever_its_numbers_and_hides_no_start_code_cs_33(stamp: FrameStamp) -> None:
    """CS-33: bytes that could pass for a start code are parted."""
    picture = film(1)[0].data
    marked = stamped(picture, stamp)
    assert stamps(marked) == (stamp,)
    assert len(nal_units(marked)) == len(nal_units(picture)) + 1
    message = next(unit for unit in nal_units(marked, headers_only=True) if STAMP_UUID.bytes in unit)
    assert not any(bad in message for bad in (b"\x00\x00\x00", START_CODE, b"\x00\x00\x02"))


def test_the_stamp_stands_behind_the_headers_and_takes_nothing_away() -> None:
    stamp = FrameStamp(7, UTC_AHEAD_NS, 5, clock_trusted=True)
    for frame in film(3):
        marked = stamped(frame.data, stamp)
        assert [unit for unit in nal_units(marked) if STAMP_UUID.bytes not in unit] == nal_units(frame.data)
        assert stamps(frame.data) == ()
        if frame.keyframe:
            assert parameter_sets(marked) == parameter_sets(frame.data)


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x01", b"\x00\x00\x00\x01\x09\xf0", b"\x00\x00\x01\x06\x05\x00\x80"])
def test_what_holds_no_slice_stays_as_it_came(data: bytes) -> None:
    assert stamped(data, FrameStamp(0, 0, 0, clock_trusted=False)) == data


def test_others_messages_are_passed_over() -> None:
    foreign = START_CODE + b"\x06\x05\x10" + bytes(range(1, 17)) + b"\x80" + START_CODE + b"\x65\x88"
    assert stamps(foreign) == ()
    stamp = FrameStamp(1, 2, 3, clock_trusted=False)
    assert stamps(stamped(foreign, stamp)) == (stamp,)


@pytest.mark.requirement("R17", "all")
def test_every_picture_of_a_film_says_when_it_was_taken_cs_33() -> None:
    """CS-33: read from the finished film's packets, by order and time; the pictures are what they were."""
    keeper = Keeper()
    settings = MediaSettings(SESSION, Fraction(30))
    pipeline = MediaPipeline(
        keeper,
        FileLimits(seconds=1.0),
        Numbering(),
        None,
        settings,
        civil_time=lambda boottime_ns: CivilMoment(UTC_AHEAD_NS + boottime_ns, trusted=boottime_ns % 2 == 0),
    )
    pipeline.begin_run()
    frames = film(75)
    feed(pipeline, keeper, list(delivered(frames, listen(2.5))))
    pipeline.end_run("stop")

    keeper.check_numbers()
    assert play(keeper.files).numbers == list(range(75))
    found = [stamp for unit in annex_b(stream(keeper.files)) for stamp in stamps(unit)]
    assert [stamp.number for stamp in found] == list(range(75))
    assert [stamp.boottime_ns for stamp in found] == [frame.captured_boottime_ns for frame in frames]
    assert all(stamp.utc_ns == UTC_AHEAD_NS + stamp.boottime_ns for stamp in found)
    assert all(stamp.clock_trusted is (stamp.boottime_ns % 2 == 0) for stamp in found)


def annex_b(movie: bytes) -> list[bytes]:
    """Pictures of a film, as an encoder gives them."""
    with av.open(io.BytesIO(movie), mode="r") as container:
        video = container.streams.video[0]
        turned = av.bitstream.BitStreamFilterContext("h264_mp4toannexb", video)
        packets = [out for packet in container.demux(video) for out in turned.filter(packet)]
    return [bytes(packet) for packet in packets if packet.size]
