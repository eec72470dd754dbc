"""Borders of fragments, files and runs, decided from packets alone."""

import pytest

from capture.errors import MediaLimitError
from capture.media.limits import GROUP_BYTES_MAX, GROUP_FRAMES_MAX, FileLimits
from capture.media.segmenter import CloseFile, MuxAudio, MuxVideo, OpenFile, Order, Segmenter
from capture.media.values import AudioPacket, Tracks, VideoPacket

FPS = 30


def picture(index: int, size: int = 100, group: int = FPS) -> VideoPacket:
    return VideoPacket(bytes(size), 90_000 + index * 3_000, index % group == 0, index, index)


def sound(index: int, size: int = 10) -> AudioPacket:
    return AudioPacket(bytes(size), 48_000 + index * 1_024, index)


def sounds_until(seconds: float) -> range:
    return range(int(seconds * 48_000 / 1_024))


def told(orders: list[Order]) -> list[str]:
    """Orders in short: v3 and a7 are packets by their times, the rest by name."""
    words = []
    for order in orders:
        match order:
            case OpenFile(tracks, new_run):
                words.append(f"open{'+sound' if tracks.audio else ''}{' new' if new_run else ''}")
            case MuxVideo(packet):
                words.append(f"v{packet.number}")
            case MuxAudio(packet):
                words.append(f"a{packet.captured_boottime_ns}")
            case CloseFile(reason):
                words.append(f"close {reason}")
    return words


def test_file_opens_with_the_first_sound() -> None:
    segmenter = Segmenter(FileLimits())
    assert segmenter.video(picture(0)) == []
    assert segmenter.video(picture(1)) == []
    assert told(segmenter.audio(sound(0))) == ["open+sound new", "v0", "v1", "a0"]
    assert told(segmenter.video(picture(2))) == ["v2"]


def test_file_opens_without_sound_when_none_came_for_the_first_group_and_the_hold() -> None:
    segmenter = Segmenter(FileLimits())
    early = [order for index in range(37) for order in segmenter.video(picture(index))]
    assert early == []
    orders = told(segmenter.video(picture(37)))
    assert orders == ["open new", *[f"v{index}" for index in range(38)]]


def test_border_waits_for_sound_to_come_past_it() -> None:
    segmenter = Segmenter(FileLimits())
    segmenter.video(picture(0))
    for index in range(1, 30):
        segmenter.video(picture(index))
    for index in sounds_until(0.95):
        segmenter.audio(sound(index))
    assert segmenter.video(picture(30)) == []
    assert segmenter.video(picture(31)) == []
    assert told(segmenter.audio(sound(46))) == ["a46"]
    assert told(segmenter.audio(sound(47))) == ["v30", "v31", "a47"]


def test_border_waits_no_longer_than_the_hold() -> None:
    segmenter = Segmenter(FileLimits())
    segmenter.video(picture(0))
    segmenter.audio(sound(0))
    quiet = [segmenter.video(picture(index)) for index in range(30, 37)]
    assert quiet == [[]] * 7
    assert told(segmenter.video(picture(37))) == [f"v{index}" for index in range(30, 38)]
    assert told(segmenter.audio(sound(1))) == ["a1"]


def test_border_is_decided_by_time_when_no_picture_follows() -> None:
    segmenter = Segmenter(FileLimits())
    segmenter.video(picture(0))
    segmenter.audio(sound(0))
    segmenter.video(picture(30))
    assert segmenter.tick(1_000_000_000) == []
    assert segmenter.tick(1_190_000_000) == []
    assert told(segmenter.tick(1_200_000_000)) == ["v30"]
    assert segmenter.tick(9_000_000_000) == []


def run_of(segmenter: Segmenter, frames: int, *, sound_until: float, size: int = 100) -> list[Order]:
    orders: list[Order] = []
    spoken = 0
    for index in range(frames):
        orders += segmenter.video(picture(index, size))
        while spoken * 1_024 / 48_000 <= index / FPS and spoken * 1_024 / 48_000 < sound_until:
            orders += segmenter.audio(sound(spoken))
            spoken += 1
        if segmenter.audio_has_died:
            segmenter.audio_ended()
    return orders


def ends(orders: list[Order]) -> list[str]:
    return [word for word in told(orders) if word[0] not in "va"]


def test_full_file_ends_at_a_key_frame_and_the_run_goes_on() -> None:
    orders = run_of(Segmenter(FileLimits(seconds=2)), 150, sound_until=99)
    assert ends(orders) == ["open+sound new", "close time", "open+sound", "close time", "open+sound"]
    words = told(orders)
    assert words[words.index("open+sound") + 1] == "v60"


def test_file_ends_before_the_next_group_would_be_too_much() -> None:
    orders = run_of(Segmenter(FileLimits(bytes=7_500)), 100, sound_until=0, size=100)
    assert ends(orders) == ["open new", "close full", "open"]


def test_sound_belongs_to_the_group_it_begins_in() -> None:
    words = told(run_of(Segmenter(FileLimits()), 70, sound_until=99))
    assert words.index("a46") < words.index("v30") < words.index("a47")


def test_dead_sound_ends_the_file_at_the_next_key_frame() -> None:
    segmenter = Segmenter(FileLimits())
    orders = run_of(segmenter, 200, sound_until=1.5)
    words = told(orders)
    assert ends(orders) == ["open+sound new", "close tracks", "open new"]
    assert words[words.index("open new") + 1] == "v120"
    assert not segmenter.audio_is_live


def test_full_file_waits_while_its_sound_stalls() -> None:
    orders = run_of(Segmenter(FileLimits(seconds=3)), 200, sound_until=2.9)
    assert ends(orders) == ["open+sound new", "close tracks", "open new"]


def test_sound_that_comes_begins_a_run_with_all_of_it() -> None:
    segmenter = Segmenter(FileLimits())
    orders = run_of(segmenter, 45, sound_until=0)
    for index in (70, 71):
        orders += segmenter.audio(sound(index))
    for index in range(45, 61):
        orders += segmenter.video(picture(index))
    assert ends(orders) == ["open new", "close tracks", "open+sound new"]
    assert told(orders)[-4:] == ["open+sound new", "v60", "a70", "a71"]


def test_sound_of_a_new_encoder_never_goes_into_the_old_ones_file() -> None:
    segmenter = Segmenter(FileLimits())
    run_of(segmenter, 45, sound_until=1.4)
    segmenter.audio_ended()
    assert segmenter.audio(sound(68)) == []
    orders = [order for index in range(45, 61) for order in segmenter.video(picture(index))]
    assert ends(orders) == ["close tracks", "open+sound new"]


def test_finish_lets_everything_out() -> None:
    segmenter = Segmenter(FileLimits())
    segmenter.video(picture(0))
    segmenter.audio(sound(0))
    segmenter.video(picture(30))
    segmenter.video(picture(31))
    assert told(segmenter.finish("stop")) == ["v30", "v31", "close stop"]
    assert segmenter.finish("stop") == []


def test_finish_inside_the_first_group_opens_the_file_for_it() -> None:
    segmenter = Segmenter(FileLimits())
    segmenter.video(picture(0))
    assert told(segmenter.finish("stop")) == ["open new", "v0", "close stop"]


def test_sound_that_never_met_a_key_frame_is_counted() -> None:
    segmenter = Segmenter(FileLimits())
    run_of(segmenter, 45, sound_until=0)
    segmenter.audio(sound(70))
    assert told(segmenter.finish("stop")) == ["close stop"]
    assert segmenter.refused_audio_packets == 1


def test_sound_far_ahead_of_the_picture_is_refused_and_counted() -> None:
    segmenter = Segmenter(FileLimits())
    segmenter.video(picture(0))
    segmenter.audio(sound(0))
    assert segmenter.audio(sound(240)) == []
    assert segmenter.refused_audio_packets == 1


def test_key_frames_alone_are_groups_of_one() -> None:
    segmenter = Segmenter(FileLimits())
    orders = [order for index in range(60) for order in segmenter.video(picture(index, group=1))]
    orders += segmenter.finish("stop")
    assert told(orders) == ["open new", *[f"v{index}" for index in range(60)], "close stop"]
    assert OpenFile(Tracks(audio=False), new_run=True) in orders


def test_group_without_an_end_is_refused_by_count_and_by_bytes() -> None:
    segmenter = Segmenter(FileLimits())
    for index in range(GROUP_FRAMES_MAX):
        segmenter.video(picture(index, group=10_000))
    with pytest.raises(MediaLimitError, match="set the encoder's group of pictures to one second"):
        segmenter.video(picture(GROUP_FRAMES_MAX, group=10_000))
    segmenter = Segmenter(FileLimits())
    segmenter.video(picture(0))
    with pytest.raises(MediaLimitError):
        segmenter.video(picture(1, GROUP_BYTES_MAX))
