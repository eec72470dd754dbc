"""Any video file as the camera's scene: what a person might hand over, made here with real encoders."""

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from hal.values import CameraSettings, EncodedFrame
from hw_sim.media import frame_code
from hw_sim.media.camera import SimCamera
from hw_sim.media.errors import VideoFileError
from hw_sim.media.pictures import Moment, plane
from hw_sim.media.stage import Stage
from hw_sim.media.video_file import VideoFile
from hw_sim.media.video_pictures import VideoPictures, inner_size
from hw_sim.media.video_sound import VideoSound
from tests.unit.hw_sim_media.support import (
    SECOND_NS,
    ClipSpec,
    KeepingSink,
    SmallWorld,
    call,
    decoded,
    make_clip,
    numbers,
    tone,
)

ASKED = CameraSettings()


def filmed(path: Path, seconds: float) -> tuple[CameraSettings, list[EncodedFrame]]:
    """What a camera delivers that looks at a file for so long."""
    world, sink = SmallWorld(), KeepingSink()
    camera = SimCamera(world, VideoPictures(VideoFile(path)), Stage())
    in_force = camera.start(ASKED, sink)
    world.clock.step_by(seconds)
    call(world, camera.close)
    return in_force, sink.frames


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("plain.mp4", ClipSpec()),
        ("film.mp4", ClipSpec(frames=48, rate=Fraction(24_000, 1001))),
        ("ntsc.mkv", ClipSpec(rate=Fraction(30_000, 1001))),
        ("pal.mov", ClipSpec(642, 362, frames=50, rate=Fraction(25))),
        ("fast.mp4", ClipSpec(320, 240, frames=120, rate=Fraction(60))),
        ("portrait.mp4", ClipSpec(360, 640)),
        ("old.avi", ClipSpec(codec="mpeg4", frames=50, rate=Fraction(25))),
        ("camera.avi", ClipSpec(codec="mjpeg", pixel_format="yuvj420p")),
        ("web.webm", ClipSpec(160, 90, codec="libvpx")),
        ("broadcast.ts", ClipSpec(codec="mpeg2video", frames=50, rate=Fraction(25))),
        ("chroma.mp4", ClipSpec(pixel_format="yuv444p")),
        ("deep.mp4", ClipSpec(codec="libx265", pixel_format="yuv420p10le", frames=30)),
    ],
)
def test_every_picture_of_a_clip_is_filmed_once_at_its_own_size_and_rate(
    tmp_path: Path, name: str, spec: ClipSpec
) -> None:
    in_force, frames = filmed(make_clip(tmp_path / name, spec), spec.frames / float(spec.rate) + 0.1)
    assert (in_force.width_pixels, in_force.height_pixels) == (spec.width, spec.height)
    assert in_force.frames_per_second == spec.rate
    assert len(frames) > 0.8 * spec.frames
    assert numbers(frames) == list(range(len(frames)))


def test_a_short_clip_repeats_without_a_double_or_missing_picture(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "short.mp4", ClipSpec(frames=17, rate=Fraction(30_000, 1001)))
    _, frames = filmed(path, 6.0)
    assert numbers(frames) == [place % 17 for place in range(len(frames))]


def test_a_varying_rate_is_filmed_at_a_steady_one(tmp_path: Path) -> None:
    times = list(range(0, 1000, 40)) + list(range(1000, 2000, 100)) + list(range(2000, 3000, 40))
    path = make_clip(tmp_path / "phone.mp4", ClipSpec(frames=len(times), times_ms=times))
    in_force, frames = filmed(path, 3.1)
    assert in_force.frames_per_second == 20
    for place, number in enumerate(numbers(frames)):
        assert number is not None
        due_ms = place * 50
        following = times[number + 1] if number + 1 < len(times) else 3_000
        assert times[number] - 26 <= due_ms <= following + 1


@pytest.mark.parametrize(("rate", "expected"), [(Fraction(5), 30), (Fraction(120), 30), (Fraction(10), 10)])
def test_rates_that_no_recorder_has_are_filmed_as_asked(tmp_path: Path, rate: Fraction, expected: int) -> None:
    path = make_clip(tmp_path / "odd.mp4", ClipSpec(frames=int(rate) * 2, rate=rate))
    in_force, frames = filmed(path, 1.9)
    assert in_force.frames_per_second == expected
    for place, number in enumerate(numbers(frames)):
        assert number == pytest.approx(place * float(rate) / expected, abs=max(1.0, float(rate) / expected / 2))


def test_odd_sizes_lose_their_last_row_and_column(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "odd.mkv", ClipSpec(321, 181, codec="ffv1", pixel_format="yuv444p", frames=10))
    in_force, frames = filmed(path, 0.4)
    assert (in_force.width_pixels, in_force.height_pixels) == (320, 180)
    assert decoded(frames)[0].shape == (180, 320)


def test_large_pictures_are_scaled_into_what_was_asked(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "large.mp4", ClipSpec(2560, 1920, frames=4, rate=Fraction(10)))
    in_force, frames = filmed(path, 0.5)
    assert (in_force.width_pixels, in_force.height_pixels) == (1920, 1080)
    luma = decoded(frames)[0]
    assert luma[:, :230].max() < 24
    assert luma[:, -230:].max() < 24
    assert luma[600, 300:1600].min() > 60


def test_pictures_that_lie_on_their_side_are_set_upright(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "turned.mp4", ClipSpec(640, 360, frames=30, lumas={0: 90}))
    turn_clockwise(path)
    video = VideoFile(path)
    assert (video.facts.width_pixels, video.facts.height_pixels) == (360, 640)
    source = VideoPictures(video)
    source.begin(source.settings(ASKED))
    upright = plane(source.picture(Moment(SECOND_NS // 3, 0, 0)), 0)
    as_stored = np.rot90(upright, 1)
    source.close()
    assert upright.shape == (640, 360)
    assert frame_code.read(np.ascontiguousarray(as_stored)) == 10


def turn_clockwise(path: Path) -> None:
    """Write a display matrix for a quarter turn clockwise into the video track, as a phone held upright does."""
    data = bytearray(path.read_bytes())
    place = data.find(b"tkhd") + 4 + 4 + 20 + 16
    one = 0x10000
    assert struct.unpack_from(">9i", data, place) == (one, 0, 0, 0, one, 0, 0, 0, 0x40000000)
    struct.pack_into(">9i", data, place, 0, one, 0, -one, 0, 0, 360 * one, 0, 0x40000000)
    path.write_bytes(data)


def test_squeezed_pixels_become_square(tmp_path: Path) -> None:
    path = tmp_path / "dv.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 360, 288, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(64, 45)
        for number in range(5):
            frame = av.VideoFrame(360, 288, "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert VideoPictures(VideoFile(path)).settings(ASKED).width_pixels == 512


def test_a_still_picture_is_filmed_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    make_clip(path, ClipSpec(codec="png", pixel_format="rgb24", frames=1, rate=Fraction(1)))
    _, frames = filmed(path, 2.0)
    assert len(frames) > 40
    assert set(numbers(frames)) == {0}


def test_a_world_that_continues_goes_on_deep_in_a_long_film(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "long.mp4", ClipSpec(160, 120, frames=900))
    source = VideoPictures(VideoFile(path))
    source.begin(source.settings(ASKED))
    for number in (700, 701, 10, 899, 900, 1850):
        moment = Moment(round(number * SECOND_NS / 30), 0, 0)
        assert frame_code.read(plane(source.picture(moment), 0)) == number % 900
    source.close()


def test_a_file_that_was_cut_off_is_filmed_as_far_as_it_goes(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "whole.ts", ClipSpec(frames=90, codec="mpeg2video", rate=Fraction(30)))
    cut = tmp_path / "cut.ts"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    _, frames = filmed(cut, 4.0)
    assert len(frames) > 100
    seen = numbers(frames)
    assert seen[:30] == list(range(30))
    assert seen.count(0) >= 2


def test_a_damaged_film_repeats_from_where_it_breaks_off(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "whole.mp4", ClipSpec(frames=90))
    with (
        av.open(str(path)) as container,
        av.open(str(tmp_path / "damaged.mp4"), "w", options={"movflags": "faststart"}) as moved,
    ):
        (source,) = container.streams.video
        copy = moved.add_stream_from_template(source)
        for packet in container.demux(source):
            if packet.dts is not None:
                packet.stream = copy
                moved.mux(packet)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size * 2 // 3])
    _, frames = filmed(damaged, 6.0)
    assert numbers(frames).count(0) >= 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.mp4", None, "no such file"),
        ("empty.mp4", b"", "cannot be read as a video"),
        ("noise.mp4", bytes(range(256)) * 64, "cannot be read as a video"),
        ("letter.txt", b"dear reader\n" * 50, "holds no video|cannot be read"),
    ],
)
def test_what_is_no_video_is_refused_by_name(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VideoFileError, match=message) as raised:
        VideoFile(path)
    assert name in str(raised.value)


def test_a_song_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
    with pytest.raises(VideoFileError, match="holds no video"):
        VideoFile(path)


def test_a_directory_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(VideoFileError, match="no such file"):
        VideoFile(tmp_path)


def test_a_silent_film_says_so(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "silent.mp4", ClipSpec())
    assert not VideoFile(path).facts.has_sound
    assert not VideoSound(VideoFile(path)).read(0, 4_800).any()


SOUND = np.stack([tone(2.0, 1_000.0, 44_100, 0.5), tone(2.0, 1_000.0, 44_100, 0.3)])


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("stereo.mp4", ClipSpec(sound=SOUND)),
        ("mono.mkv", ClipSpec(sound=SOUND[:1], sound_codec="flac", sound_rate=44_100)),
        (
            "web.webm",
            ClipSpec(96, 64, codec="libvpx", sound=tone(2.0, 1_000.0)[None], sound_codec="libopus", sound_rate=48_000),
        ),
    ],
)
def test_sound_of_any_rate_becomes_48_khz_mono(tmp_path: Path, name: str, spec: ClipSpec) -> None:
    sound = VideoSound(VideoFile(make_clip(tmp_path / name, spec)))
    heard = np.concatenate([sound.read(first, 960) for first in range(0, 96_000, 960)])
    sound.close()
    middle = heard[24_000:72_000]
    assert int(np.argmax(np.abs(np.fft.rfft(middle)))) == 1_000
    assert 0.25 < np.abs(middle).max() < 0.65
    residue = middle - np.roll(middle, 48)
    assert np.abs(residue[48:]).max() < 0.02, "no click between blocks"


def test_sound_may_be_read_at_any_place(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    wave = np.repeat(rng.uniform(-0.5, 0.5, 90 * 100), 480).astype(np.float32)
    spec = ClipSpec(64, 64, frames=900, rate=Fraction(10), sound=wave[None], sound_rate=48_000, sound_codec="flac")
    sound = VideoSound(VideoFile(make_clip(tmp_path / "long.mkv", spec)))
    for first in (0, 960, 60 * 48_000, 60 * 48_000 + 960, 3 * 48_000, 89 * 48_000, 90 * 48_000 + 480, 30 * 48_000 - 7):
        place = first % wave.size
        assert np.allclose(sound.read(first, 960), np.take(wave, range(place, place + 960), mode="wrap"), atol=1e-3)
    sound.close()


def test_sound_that_is_shorter_than_the_pictures_is_followed_by_silence(tmp_path: Path) -> None:
    spec = ClipSpec(64, 64, frames=200, rate=Fraction(10), sound=SOUND, sound_codec="pcm_s16le")
    path = make_clip(tmp_path / "short.mov", replace(spec, sound=SOUND))
    sound = VideoSound(VideoFile(path))
    assert np.abs(sound.read(48_000, 960)).max() > 0.2
    for second in range(3, 20):
        assert not sound.read(second * 48_000, 960).any()
    assert np.abs(sound.read(21 * 48_000, 960)).max() > 0.2
    sound.close()


def test_sound_lies_where_its_time_stamps_say(tmp_path: Path) -> None:
    """Sound that begins after the picture, and sound with a hole in it, stay in step with the picture."""
    spec = ClipSpec(
        64,
        64,
        sound=tone(1.5, 1_000.0)[None],
        sound_rate=48_000,
        sound_codec="pcm_s16le",
        sound_starts={0: 14_400, 30_720: 9_600},
        frames=70,
    )
    sound = VideoSound(VideoFile(make_clip(tmp_path / "late.mkv", spec)))
    loud = np.abs(sound.read(0, 105_600)).reshape(-1, 480).max(axis=1) > 0.1
    sound.close()
    edges = (np.flatnonzero(np.diff(loud.astype(int))) + 1) / 100
    assert edges == pytest.approx([0.30, 0.30 + 0.64, 0.30 + 0.64 + 0.20, 2.00], abs=0.021)


def test_a_film_that_goes_missing_is_a_camera_fault(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "gone.mp4", ClipSpec(frames=15))
    world, sink = SmallWorld(), KeepingSink()
    camera = SimCamera(world, VideoPictures(VideoFile(path)), Stage())
    camera.start(ASKED, sink)
    path.unlink()
    world.clock.step_by(2.0)
    assert len(sink.faults) == 1
    assert "gone.mp4" in sink.faults[0]
    call(world, camera.close)


def test_letterbox_keeps_the_shape() -> None:
    assert inner_size(1920, 1080, 1920, 1080) == (1920, 1080)
    assert inner_size(3840, 2160, 1920, 1080) == (1920, 1080)
    assert inner_size(2160, 3840, 1920, 1080) == (608, 1080)
    assert inner_size(5000, 100, 1920, 1080) == (1920, 38)
    assert inner_size(20_000, 10, 1920, 1080) == (1920, 16)
