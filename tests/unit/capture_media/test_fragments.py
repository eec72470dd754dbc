"""Muxer and ledger: what is sealed is what is in the bytes."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from capture.errors import MuxError
from capture.media.audio_encoder import AacEncoder
from capture.media.audio_frames import FrameAssembler
from capture.media.boxes import TrackFragment
from capture.media.fragment_ledger import FragmentLedger
from capture.media.fragment_muxer import MUXER_OPTIONS, FragmentMuxer
from capture.media.template import VideoTemplate
from capture.media.values import AudioPacket, MuxedFragment, Numbering, VideoPacket
from tests.support.media_source import START_NS, film, listen


def packets(count: int) -> list[VideoPacket]:
    return [
        VideoPacket(frame.data, 90_000 + 3_000 * index, frame.keyframe, index, frame.captured_boottime_ns)
        for index, frame in enumerate(film(count))
    ]


@pytest.fixture
def template() -> Iterator[VideoTemplate]:
    with VideoTemplate(film(1)[0].data) as made:
        yield made


def test_options_are_the_ones_that_the_format_rests_on() -> None:
    assert MUXER_OPTIONS == {
        "movflags": "frag_keyframe+delay_moov+default_base_moof+frag_discont+skip_trailer",
        "video_track_timescale": "90000",
        "max_interleave_delta": "200000",
    }


def test_fragment_comes_out_with_the_next_key_frame_and_the_last_on_close(template: VideoTemplate) -> None:
    muxer = FragmentMuxer(template.stream, None, 3_000)
    out = [(packet.number, muxer.video(packet)) for packet in packets(65)]
    assert [number for number, fragments in out if fragments] == [30, 60]
    (first,), (second,), (last,) = (fragments for _, fragments in [*out, (65, muxer.close())] if fragments)
    assert first.header_bytes > 0
    assert second.header_bytes == last.header_bytes == 0
    assert last.video is not None
    assert last.video.decode_times == tuple(90_000 + 3_000 * index for index in range(60, 65))
    assert last.video.end_time == 90_000 + 3_000 * 65
    assert muxer.close() == []


def test_sound_is_refused_where_the_file_has_none(template: VideoTemplate) -> None:
    muxer = FragmentMuxer(template.stream, None, 3_000)
    with pytest.raises(MuxError, match="opened without it"):
        muxer.audio(AudioPacket(b"\x00", 0, 0))


def test_time_that_goes_back_is_refused_by_the_muxer(template: VideoTemplate) -> None:
    muxer = FragmentMuxer(template.stream, None, 3_000)
    first, second = packets(2)
    muxer.video(first)
    with pytest.raises(MuxError, match="refused a packet"):
        muxer.video(replace(second, pts=first.pts - 1))


def test_sound_gap_stands_in_the_bytes(template: VideoTemplate) -> None:
    assembler = FrameAssembler(START_NS - 10**9)
    frames = [frame for block in listen(1.2) for frame in assembler.add(block)]
    with AacEncoder(96_000) as encoder:
        sound = [packet for frame in frames for packet in encoder.encode(frame)]
        muxer = FragmentMuxer(template.stream, encoder.stream, 3_000)
        for picture in packets(30):
            muxer.video(picture)
        for index, packet in enumerate(sound):
            muxer.audio(replace(packet, pts=48_000 + 1_024 * index + (9_000 if index > 10 else 0)))
    (fragment,) = muxer.close()
    assert fragment.audio is not None
    assert fragment.audio.decode_times[11] - fragment.audio.decode_times[10] == 10_024


@pytest.mark.parametrize("slew", [-1, 1])
def test_sound_that_comes_behind_its_fragment_stands_where_it_was_given(template: VideoTemplate, slew: int) -> None:
    """A microphone that dies: fragments go out without it, then the encoder gives the rest, a tick beside the grid."""
    times = [90_000 * 8 // 15 + 1_024 * index + slew * (index > 20) for index in range(22)]
    muxer = FragmentMuxer(template.stream, AacEncoder(96_000).stream, 3_000)
    *early, late = [AudioPacket(bytes(8), pts, 0) for pts in times]
    for packet in early:
        muxer.audio(packet)
    out = [fragment for picture in packets(50) for fragment in muxer.video(picture)]
    out += [*muxer.audio(late), *muxer.close()]
    in_bytes = [time for fragment in out if fragment.audio is not None for time in fragment.audio.decode_times]
    assert len(out) == 2
    assert in_bytes == times


def muxed(video: TrackFragment | None, audio: TrackFragment | None = None) -> MuxedFragment:
    return MuxedFragment(b"", 0, video, audio)


def noted(count: int) -> FragmentLedger:
    ledger = FragmentLedger(Numbering())
    for packet in packets(count):
        ledger.note_video(packet)
    return ledger


def test_ledger_counts_what_came_out_not_what_went_in() -> None:
    ledger = noted(3)
    body = ledger.fragment(muxed(TrackFragment(1, (90_000, 93_000), 96_000)), 0)
    assert (body.first_frame, body.frame_count, body.first_video_pts, body.last_video_pts) == (0, 2, 90_000, 93_000)
    assert ledger.next_frame == 2
    with pytest.raises(MuxError, match="1 pictures and 0 packets of sound are in no fragment"):
        ledger.begin_file()


@pytest.mark.parametrize(
    ("fragment", "message"),
    [
        (muxed(None), "without a single sample"),
        (muxed(TrackFragment(1, (90_000,) * 4, 0)), "says 4 pictures, 3 went"),
        (muxed(TrackFragment(1, (90_000, 93_001), 0)), "stands at 93001 in the bytes and was given 93000"),
        (muxed(None, TrackFragment(2, (48_000,), 0)), "says 1 packets of sound, 0 went"),
    ],
)
def test_bytes_that_differ_from_what_went_in_are_an_error(fragment: MuxedFragment, message: str) -> None:
    with pytest.raises(MuxError, match=message):
        noted(3).fragment(fragment, 0)


def test_frame_out_of_number_is_an_error() -> None:
    ledger = FragmentLedger(Numbering(next_frame=7))
    ledger.note_video(packets(1)[0])
    with pytest.raises(MuxError, match="frame 0 came out of the muxer where frame 7 was next"):
        ledger.fragment(muxed(TrackFragment(1, (90_000,), 93_000)), 0)
