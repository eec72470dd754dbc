from dataclasses import replace

from capture.media.frame_intake import FrameIntake, Refusal, Taken
from capture.media.limits import FRAME_BYTES_MAX, RECENT_FRAMES
from capture.media.values import VideoPacket
from hal.values import EncodedFrame

KEY = b"\x00\x00\x01\x67\x42\x00\x1e\x00\x00\x01\x68\xce\x00\x00\x01\x65\x88"
OTHER_KEY = KEY.replace(b"\x1e", b"\x1f")
PICTURE = b"\x00\x00\x01\x41\x9a"
ZERO_NS = 1_000_000_000


def frame(sequence: int, at_ns: int, data: bytes | None = None) -> EncodedFrame:
    key = data in {KEY, OTHER_KEY}
    return EncodedFrame(data or PICTURE, ZERO_NS + at_ns, key, sequence)


def taken(result: Taken | Refusal) -> VideoPacket:
    assert isinstance(result, Taken)
    return result.packet


def begun() -> FrameIntake:
    intake = FrameIntake(next_frame=100)
    assert taken(intake.take(frame(5, 10_000, KEY), ZERO_NS)).number == 100
    return intake


def test_first_frame_must_be_a_key_frame_and_is_missing_nothing() -> None:
    intake = FrameIntake(0)
    assert intake.waiting
    assert intake.last is None
    assert intake.take(frame(3, 0), ZERO_NS) is Refusal.UNDECODABLE
    assert taken(intake.take(frame(9, 1, KEY), ZERO_NS)).dropped_before == 0
    assert not intake.waiting


def test_times_are_90_khz_session_time() -> None:
    assert taken(begun().take(frame(6, 1_000_000_000), ZERO_NS)).pts == 90_000


def test_missing_numbers_of_the_sensor_are_dropped_pictures() -> None:
    assert taken(begun().take(frame(9, 20_000), ZERO_NS)).dropped_before == 3


def test_refused_frame_counts_as_missing() -> None:
    intake = begun()
    assert intake.take(frame(6, 9_999), ZERO_NS) is Refusal.BACKWARD
    assert taken(intake.take(frame(7, 20_000), ZERO_NS)).dropped_before == 1
    assert intake.take(frame(8, 30_000, bytes(FRAME_BYTES_MAX + 1)), ZERO_NS) is Refusal.OVERSIZED


def test_frames_of_one_moment_stand_one_tick_apart() -> None:
    intake = begun()
    first, second = (taken(intake.take(frame(6 + index, 50_000_000), ZERO_NS)) for index in range(2))
    assert second.pts == first.pts + 1


def test_other_parameter_sets_are_another_stream() -> None:
    result = begun().take(frame(6, 20_000, OTHER_KEY), ZERO_NS)
    assert isinstance(result, Taken)
    assert result.restarted


def test_count_that_begins_anew_is_another_stream_from_its_key_frame_on() -> None:
    intake = begun()
    assert intake.take(frame(0, 20_000), ZERO_NS) is Refusal.UNDECODABLE
    assert intake.take(frame(7, 30_000), ZERO_NS) is Refusal.UNDECODABLE
    result = intake.take(frame(30, 40_000, KEY), ZERO_NS)
    assert isinstance(result, Taken)
    assert result.restarted
    assert result.packet.dropped_before == 30
    follower = intake.take(frame(31, 50_000), ZERO_NS)
    assert isinstance(follower, Taken)
    assert not follower.restarted


def test_a_count_that_begins_anew_at_its_key_frame_or_twice_is_missing_nothing_that_is_known() -> None:
    assert taken(begun().take(frame(0, 20_000, KEY), ZERO_NS)).dropped_before == 0
    intake = begun()
    assert intake.take(frame(4, 20_000), ZERO_NS) is Refusal.UNDECODABLE
    assert taken(intake.take(frame(2, 30_000, KEY), ZERO_NS)).dropped_before == 0


def test_new_run_waits_for_its_key_frame_and_is_no_restart() -> None:
    intake = begun()
    intake.begin_run()
    assert intake.take(frame(50, 20_000), ZERO_NS) is Refusal.UNDECODABLE
    result = intake.take(frame(60, 30_000, OTHER_KEY), ZERO_NS)
    assert result == Taken(replace(taken(result), number=101, dropped_before=0), restarted=False)


def test_moments_are_found_by_time_and_bounded() -> None:
    intake = begun()
    for index in range(RECENT_FRAMES):
        intake.take(frame(6 + index, 1_000_000 * (index + 1)), ZERO_NS)
    assert intake.at(ZERO_NS + 10_000) is None
    moment = intake.at(ZERO_NS + 5_999_999)
    assert moment is not None
    assert moment.number == 105
    assert intake.last is not None
    assert intake.last.number == 100 + RECENT_FRAMES


def test_rewound_numbers_are_given_again() -> None:
    intake = begun()
    intake.take(frame(6, 20_000), ZERO_NS)
    intake.rewind(101)
    assert intake.last is not None
    assert intake.last.number == 100
    assert taken(intake.take(frame(7, 30_000), ZERO_NS)).number == 101
