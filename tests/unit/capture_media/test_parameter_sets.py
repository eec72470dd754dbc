"""Streams of encoders other than the one that most tests use."""

import io

import av
import pytest

from capture.errors import ParameterSetError
from capture.media.parameter_sets import nal_units, parameter_sets
from capture.media.template import VideoTemplate
from tests.support.media_output import Keeper, feed, pipeline_into, play
from tests.support.media_source import delivered, film
from tests.support.media_source import reframed as reframed_frames

SPS, PPS, IDR = b"\x67\x64\x00\x1f\xac", b"\x68\xee\x3c", b"\x65\x88\x84"


def test_units_are_split_at_start_codes_of_both_lengths() -> None:
    data = b"\x00\x00\x00\x01" + SPS + b"\x00\x00\x01" + PPS + b"\x00\x00\x00\x01" + IDR
    assert nal_units(data) == [SPS, PPS, IDR]
    assert nal_units(data, headers_only=True) == [SPS, PPS]


def test_bytes_without_a_start_code_hold_no_unit() -> None:
    assert nal_units(b"") == []
    assert nal_units(b"\x00\x00\x02\x65") == []


def test_profile_and_level_come_from_the_stream() -> None:
    sets = parameter_sets(b"\x00\x00\x01".join([b"", SPS, PPS, IDR]))
    assert sets.sps[0][1:4] == bytes((100, 0, 31))
    assert sets.sps == (SPS,)
    assert sets.pps == (PPS,)


@pytest.mark.parametrize("units", [[IDR], [SPS, IDR], [PPS, IDR], [b"\x67\x64", PPS, IDR]])
def test_missing_parameter_set_is_an_error_that_names_the_remedy(units: list[bytes]) -> None:
    with pytest.raises(ParameterSetError, match="must repeat both"):
        parameter_sets(b"".join(b"\x00\x00\x01" + unit for unit in units))


@pytest.mark.parametrize("sps", [b"\x67\x64\x00\x1f\x00\x00\x02\x01", b"\x67\x42\x00\x1e\x80"])
def test_parameter_sets_without_a_size_make_no_template(sps: bytes) -> None:
    with pytest.raises(ParameterSetError, match="no size"):
        VideoTemplate(b"".join(b"\x00\x00\x00\x01" + unit for unit in (sps, b"\x68\xee", IDR)))


@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
def test_header_says_the_profile_that_the_encoder_used(profile: str) -> None:
    frames = film(45, profile=profile)
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    feed(pipeline, keeper, list(delivered(frames, [])))
    pipeline.end_run("stop")
    sets = parameter_sets(frames[0].data)
    at = keeper.files[0].header.index(b"avcC") + 4
    avcc = keeper.files[0].header[at:]
    assert avcc[1:4] == sets.sps[0][1:4]
    assert avcc[1] == {"baseline": 66, "main": 77, "high": 100}[profile]
    assert sets.sps[0] in avcc
    assert sets.pps[0] in avcc
    assert play(keeper.files).numbers == list(range(45))


def test_stream_with_delimiters_and_short_start_codes_plays_whole() -> None:
    keeper = Keeper()
    pipeline = pipeline_into(keeper)
    feed(pipeline, keeper, list(delivered(reframed_frames(film(45)), [])))
    pipeline.end_run("stop")
    assert play(keeper.files).numbers == list(range(45))


def test_template_knows_the_cropped_size_and_gives_its_demuxer_back() -> None:
    with VideoTemplate(film(1, size=(642, 362))[0].data) as template:
        assert (template.width_pixels, template.height_pixels) == (642, 362)
        with av.open(io.BytesIO(), mode="w", format="mp4") as container:
            stream = container.add_stream_from_template(template.stream)
            assert stream.codec_context.width == 642
    template.close()
