from dataclasses import replace

import numpy as np
import pytest

from capture.errors import AudioBlockError
from capture.media.audio_encoder import AacEncoder
from capture.media.audio_frames import FrameAssembler, PcmFrame, from_moment
from hal.values import AudioBlock
from tests.support.media_source import START_NS, listen

ZERO_NS = START_NS - 1_000_000_000


def ramp(first: int, count: int, lost: int = 0) -> AudioBlock:
    """Samples that carry their own number."""
    values = (np.arange(first, first + count) % 30_000 + 1).astype("<i2")
    return AudioBlock(values.tobytes(), first, START_NS + first * 1_000_000_000 // 48_000, lost)


def samples(frames: list[PcmFrame]) -> list[int]:
    return [int(value) for frame in frames for value in np.frombuffer(frame.samples, "<i2")]


def test_blocks_of_any_length_become_frames_of_1024() -> None:
    assembler = FrameAssembler(ZERO_NS)
    frames = [
        frame
        for first, count in ((0, 1), (1, 960), (961, 3_000), (3_961, 135))
        for frame in assembler.add(ramp(first, count))
    ]
    assert [frame.pts for frame in frames] == [48_000 + 1_024 * index for index in range(4)]
    assert samples(frames) == list(range(1, 4_097))
    assert assembler.flush() == []


def test_flush_fills_the_last_frame_and_says_how_much() -> None:
    assembler = FrameAssembler(ZERO_NS)
    assert assembler.add(ramp(0, 1_000)) == []
    (frame,) = assembler.flush()
    assert frame.padding_samples == 24
    assert samples([frame])[-25:] == [1_000, *[0] * 24]


def test_small_loss_is_filled_and_nothing_behind_it_moves() -> None:
    assembler = FrameAssembler(ZERO_NS)
    frames = assembler.add(ramp(0, 500)) + assembler.add(ramp(600, 1_448, lost=100))
    assert [(frame.pts, frame.lost_before, frame.padding_samples) for frame in frames] == [
        (48_000, 100, 100),
        (49_024, 0, 0),
    ]
    assert samples(frames) == [*range(1, 501), *[0] * 100, *range(601, 2_049)]


def test_large_loss_fills_the_begun_frame_and_the_next_starts_later() -> None:
    assembler = FrameAssembler(ZERO_NS)
    frames = assembler.add(ramp(0, 1_000)) + assembler.add(ramp(6_000, 1_024, lost=5_000))
    assert [(frame.pts, frame.lost_before, frame.padding_samples) for frame in frames] == [
        (48_000, 5_000, 24),
        (54_000, 0, 0),
    ]
    assert samples(frames[1:]) == list(range(6_001, 7_025))


def test_loss_between_two_frames_is_told_with_the_later_one() -> None:
    assembler = FrameAssembler(ZERO_NS)
    frames = assembler.add(ramp(0, 1_024)) + assembler.add(ramp(2_024, 1_024, lost=1_000))
    assert [(frame.pts, frame.lost_before, frame.padding_samples) for frame in frames] == [
        (48_000, 0, 0),
        (50_024, 1_000, 0),
    ]


@pytest.mark.parametrize("data", [b"", b"\x01", bytes(2 * 48_001)])
def test_malformed_block_changes_nothing(data: bytes) -> None:
    assembler = FrameAssembler(ZERO_NS)
    assembler.add(ramp(0, 1_000))
    with pytest.raises(AudioBlockError, match="s16le mono"):
        assembler.add(AudioBlock(data, 1_000, START_NS))
    assert samples(assembler.add(ramp(1_000, 24))) == list(range(1, 1_025))


def test_only_what_was_captured_from_the_moment_on_is_kept() -> None:
    block = ramp(0, 960)
    assert from_moment(block, START_NS) is block
    assert from_moment(block, START_NS + 20_000_000) is None
    kept = from_moment(replace(block, lost_samples=7), START_NS + 10_000_000)
    assert kept is not None
    assert (kept.first_sample, kept.sample_count, kept.lost_samples) == (480, 480, 0)
    assert kept.captured_boottime_ns == START_NS + 10_000_000
    assert np.frombuffer(kept.samples, "<i2")[0] == 481


def test_encoder_gives_one_priming_packet_and_then_each_frames_time() -> None:
    assembler = FrameAssembler(ZERO_NS)
    frames = [frame for block in listen(0.5) for frame in assembler.add(block)] + assembler.flush()
    with AacEncoder(96_000) as encoder:
        packets = [packet for frame in frames for packet in encoder.encode(frame)] + encoder.flush()
    assert len(packets) == len(frames) + 1
    assert [packet.priming_samples for packet in packets] == [1_024] + [0] * len(frames)
    assert [packet.pts for packet in packets] == [48_000 - 1_024, *[frame.pts for frame in frames]]
    assert [packet.padding_samples for packet in packets[1:]] == [frame.padding_samples for frame in frames]
    assert packets[0].captured_boottime_ns == pytest.approx(START_NS - 1_024 * 1e9 / 48_000, abs=2)
    assert packets[1].end_pts == 48_000 + 1_024


def test_encoder_that_got_nothing_gives_nothing() -> None:
    with AacEncoder(96_000) as encoder:
        assert encoder.flush() == []
