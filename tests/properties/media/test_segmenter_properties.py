"""Whatever comes in whatever order: nothing is lost, nothing is twice, borders hold."""

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from capture.media.limits import AUDIO_HOLD_FULL_SECONDS, FileLimits
from capture.media.segmenter import CloseFile, MuxAudio, MuxVideo, OpenFile, Order, Segmenter
from capture.media.values import AudioPacket, VideoPacket

LIMITS = FileLimits(seconds=3.0, bytes=40_000)


@dataclass(frozen=True)
class Stretch:
    """A stretch of deliveries: pictures at a rate, sound late by some amount or not there at all."""

    groups: int
    frames_per_group: int
    frame_ticks: int
    sound: bool
    sound_late_ticks: int


stretches = st.lists(
    st.builds(
        Stretch,
        groups=st.integers(1, 5),
        frames_per_group=st.integers(1, 40),
        frame_ticks=st.integers(1_500, 9_000),
        sound=st.booleans(),
        sound_late_ticks=st.integers(0, 27_000),
    ),
    min_size=1,
    max_size=5,
)


def deliveries(plan: list[Stretch]) -> list[VideoPacket | AudioPacket]:
    """Packets in the order in which they arrive, 90 kHz arrival time."""
    timed: list[tuple[int, int, VideoPacket | AudioPacket]] = []
    time, number, spoken = 90_000, 0, 48_000
    for stretch in plan:
        begin = time
        for index in range(stretch.groups * stretch.frames_per_group):
            key = index % stretch.frames_per_group == 0
            timed.append((time, 0, VideoPacket(bytes(50), time, key, number, 0)))
            time, number = time + stretch.frame_ticks, number + 1
        spoken = max(spoken, begin * 48 // 90)
        while stretch.sound and spoken < time * 48 // 90:
            timed.append((spoken * 90 // 48 + stretch.sound_late_ticks, 1, AudioPacket(bytes(9), spoken, spoken)))
            spoken += 1_024
    return [packet for _, _, packet in sorted(timed, key=lambda each: each[:2])]


def ordered(packets: list[VideoPacket | AudioPacket]) -> list[VideoPacket | AudioPacket]:
    """Sound of a stretch that is less late may overtake; a track is in order all the same."""
    sounds = iter(sorted((packet for packet in packets if isinstance(packet, AudioPacket)), key=lambda each: each.pts))
    return [next(sounds) if isinstance(packet, AudioPacket) else packet for packet in packets]


def driven(packets: list[VideoPacket | AudioPacket]) -> tuple[Segmenter, list[tuple[int, Order]]]:
    """Orders, each with the time of the newest picture when it was given."""
    segmenter, orders, newest = Segmenter(LIMITS), [], 0
    for packet in packets:
        if isinstance(packet, VideoPacket):
            newest = packet.pts
            if segmenter.audio_has_died:
                segmenter.audio_ended()
            given_now = segmenter.video(packet)
        else:
            given_now = segmenter.audio(packet)
        orders += [(newest, order) for order in given_now]
    return segmenter, orders + [(newest, order) for order in segmenter.finish("stop")]


@given(stretches)
def test_every_packet_comes_out_once_in_its_tracks_order(plan: list[Stretch]) -> None:
    packets = ordered(deliveries(plan))
    segmenter, orders = driven(packets)
    pictures = [order.packet for _, order in orders if isinstance(order, MuxVideo)]
    sounds = [order.packet for _, order in orders if isinstance(order, MuxAudio)]
    assert pictures == [packet for packet in packets if isinstance(packet, VideoPacket)]
    given_sounds = [packet for packet in packets if isinstance(packet, AudioPacket)]
    assert [sound.pts for sound in sounds] == sorted({sound.pts for sound in sounds})
    assert len(sounds) + segmenter.refused_audio_packets == len(given_sounds)


@given(stretches)
def test_files_open_before_and_close_after_their_packets_and_begin_with_a_key_frame(plan: list[Stretch]) -> None:
    _, orders = driven(ordered(deliveries(plan)))
    sound: bool | None = None
    first = False
    for _, order in orders:
        match order:
            case OpenFile(tracks, _):
                assert sound is None
                sound, first = tracks.audio, True
            case MuxVideo(packet):
                assert sound is not None
                assert packet.keyframe or not first
                first = False
            case MuxAudio():
                assert sound is True
            case CloseFile():
                assert sound is not None
                assert not first
                sound = None
    assert sound is None


@given(stretches)
def test_a_run_keeps_its_tracks_and_the_first_file_begins_one(plan: list[Stretch]) -> None:
    _, orders = driven(ordered(deliveries(plan)))
    opened = [order for _, order in orders if isinstance(order, OpenFile)]
    assert opened[0].new_run
    for before, after in pairwise(opened):
        assert after.new_run or after.tracks == before.tracks


@given(stretches)
def test_no_key_frame_waits_longer_than_the_hold_and_one_picture(plan: list[Stretch]) -> None:
    packets = ordered(deliveries(plan))
    _, orders = driven(packets)
    opened = next(index for index, (_, order) in enumerate(orders) if isinstance(order, OpenFile))
    first_open_ticks = orders[opened][0]
    longest_frame = max(stretch.frame_ticks for stretch in plan)
    for newest, order in orders:
        if isinstance(order, MuxVideo) and order.packet.keyframe and order.packet.pts > first_open_ticks:
            assert newest - order.packet.pts <= AUDIO_HOLD_FULL_SECONDS * 90_000 + longest_frame
