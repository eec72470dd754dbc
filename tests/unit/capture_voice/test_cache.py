"""Clips are rendered beforehand, found again, replaced whole, and never made while recording."""

import hashlib
import json
import stat
from pathlib import Path

import numpy as np
import pytest

from capture.voice.cache import INDEX_NAME, VoiceCache
from capture.voice.errors import MissingClipError, SynthesisError, UnreadableError
from capture.voice.language import Language
from capture.voice.loudness import measure
from capture.voice.phrases import Phrase, PromptBook, VoiceFacts
from capture.voice.reading import SpokenOfficer
from capture.voice.samples import VOICE_RATE_HZ, Samples, from_s16
from capture.voice.sounds import Tone
from capture.voice.synthesiser import EspeakSynthesiser
from capture.voice.tones import tone


class Whistler:
    """A voice that whistles one note per character and counts what it was asked for."""

    def __init__(self, identity: str = "whistler 1", fails_at: str = "") -> None:
        self.identity = identity
        self.asked: list[str] = []
        self._fails_at = fails_at

    def synthesise(self, text: str, language: Language) -> Samples:
        if text == self._fails_at:
            raise SynthesisError(f"cannot whistle {text}")
        self.asked.append(text)
        time = np.arange(VOICE_RATE_HZ // 10) / VOICE_RATE_HZ
        notes = [0.2 * np.sin(2 * np.pi * (400 + ord(sign) % 800) * time) for sign in text]
        return np.concatenate(notes).astype(np.float32)


def phrase(key: str, text: str) -> Phrase:
    return Phrase(key, text, text, Language.CHINESE)


THREE = (phrase("a", "甲"), phrase("b", "乙丙"), phrase("c", "丁"))


def test_clips_are_joined_with_80_ms_between_them(tmp_path: Path) -> None:
    cache = VoiceCache(tmp_path)
    cache.render(THREE, Whistler())
    spoken = cache.joined(("a", "b"))
    samples = from_s16(spoken.clip.samples)
    assert spoken.text == "甲乙丙"
    assert samples.size == pytest.approx((0.1 + 0.08 + 0.2) * VOICE_RATE_HZ, abs=2)
    assert not np.any(samples[int(0.101 * VOICE_RATE_HZ) : int(0.179 * VOICE_RATE_HZ)])
    assert spoken.sha256 == hashlib.sha256(spoken.clip.samples).digest()
    assert spoken.spoken


def test_a_clip_has_the_wanted_loudness_on_disk(tmp_path: Path) -> None:
    cache = VoiceCache(tmp_path)
    cache.render(THREE, Whistler())
    assert measure(from_s16(cache.joined(("b",)).clip.samples)).integrated_lufs == pytest.approx(-16.0, abs=0.5)


def test_a_later_start_finds_the_clips_again_and_renders_nothing(tmp_path: Path) -> None:
    VoiceCache(tmp_path).render(THREE, Whistler())
    voice, cache = Whistler(), VoiceCache(tmp_path)
    assert cache.joined(("c",)).text == "丁"
    report = cache.render(THREE, voice)
    assert (report.rendered, report.reused, report.removed, voice.asked) == (0, 3, 0, [])


def test_only_what_is_new_is_rendered_and_what_nobody_needs_is_removed(tmp_path: Path) -> None:
    cache, voice = VoiceCache(tmp_path), Whistler()
    cache.render(THREE, voice)
    voice.asked.clear()
    report = cache.render((phrase("a", "甲"), phrase("b", "戊")), voice)
    assert (voice.asked, report.removed) == (["戊"], 2)
    assert cache.joined(("b",)).text == "戊"
    assert len(list(tmp_path.glob("*.wav"))) == 2
    assert "乙丙" not in (tmp_path / INDEX_NAME).read_text()


def test_another_voice_renders_everything_anew(tmp_path: Path) -> None:
    cache, voice = VoiceCache(tmp_path), Whistler("whistler 2")
    cache.render(THREE, Whistler("whistler 1"))
    assert cache.render(THREE, voice).rendered == 3


def test_a_key_with_other_words_counts_as_missing(tmp_path: Path) -> None:
    cache = VoiceCache(tmp_path)
    cache.render(THREE, Whistler())
    assert cache.missing(THREE) == ()
    other = phrase("a", "己")
    assert cache.missing((other, THREE[1])) == (other,)


@pytest.mark.parametrize("size", [None, 0, 44, 4_000])
def test_a_clip_whose_file_a_loss_of_power_took_counts_as_missing_at_the_next_start(
    tmp_path: Path, size: int | None
) -> None:
    VoiceCache(tmp_path).render(THREE, Whistler())
    index = json.loads((tmp_path / INDEX_NAME).read_text())
    path = tmp_path / next(clip["file"] for clip in index["clips"] if clip["key"] == "b")
    path.unlink() if size is None else path.write_bytes(path.read_bytes()[:size])
    later, voice = VoiceCache(tmp_path), Whistler()
    assert later.missing(THREE) == (THREE[1],)
    assert later.render(THREE, voice).rendered == 1
    assert later.missing(THREE) == ()
    assert later.joined(("b",)).spoken


class Unlettered(Whistler):
    """A voice that cannot read one text."""

    def synthesise(self, text: str, language: Language) -> Samples:
        if text == "乙丙":
            raise UnreadableError(f"cannot read {text}")
        return super().synthesise(text, language)


def test_words_that_cannot_be_read_are_left_out_only_where_the_unit_can_do_without_them(tmp_path: Path) -> None:
    cache = VoiceCache(tmp_path)
    with pytest.raises(UnreadableError):
        cache.render(THREE, Unlettered(), may_lack={"a", "c"})
    assert cache.missing(THREE) == THREE
    cache.render(THREE, Unlettered(), may_lack={"b"})
    assert cache.missing(THREE) == (THREE[1],)
    assert cache.joined(("a", "c")).spoken
    assert not cache.joined_or_tone(("b",)).spoken


def test_a_clip_that_was_never_rendered_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingClipError, match="'a' was never rendered: check the officers out again"):
        VoiceCache(tmp_path).joined(("a",))


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove", "empty"])
def test_a_damaged_clip_is_never_played_and_is_rendered_again(tmp_path: Path, damage: str) -> None:
    cache = VoiceCache(tmp_path)
    cache.render(THREE, Whistler())
    index = json.loads((tmp_path / INDEX_NAME).read_text())
    path = tmp_path / next(clip["file"] for clip in index["clips"] if clip["key"] == "b")
    data = path.read_bytes()
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes({"truncate": data[:-100], "flip": data[:-1] + bytes([data[-1] ^ 1]), "empty": b""}[damage])
    with pytest.raises(MissingClipError, match="'b'"):
        cache.joined(("a", "b"))
    assert cache.joined(("a",)).text == "甲"
    assert cache.render(THREE, Whistler()).rendered == 1
    assert cache.joined(("a", "b")).text == "甲乙丙"


def test_a_tone_stands_in_for_missing_words_and_nothing_is_synthesised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = VoiceCache(tmp_path)
    spoken = cache.joined_or_tone(("resume.at", "hour:10"))
    assert not spoken.spoken
    assert spoken.clip.samples == tone(Tone.FAILED).samples
    assert "'resume.at' was never rendered" in caplog.text


def test_a_failed_rendering_leaves_the_clips_before_in_force(tmp_path: Path) -> None:
    cache = VoiceCache(tmp_path)
    cache.render(THREE, Whistler())
    with pytest.raises(SynthesisError):
        cache.render((phrase("a", "庚"), phrase("b", "辛")), Whistler(fails_at="辛"))
    assert cache.joined(("a", "b", "c")).text == "甲乙丙丁"
    assert VoiceCache(tmp_path).joined(("a",)).text == "甲"


def test_an_index_that_cannot_be_read_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    VoiceCache(tmp_path).render(THREE, Whistler())
    (tmp_path / INDEX_NAME).write_text('{"version": 1, "clips": 7}')
    cache = VoiceCache(tmp_path)
    assert "unusable" in caplog.text
    assert cache.render(THREE, Whistler()).rendered == 3
    assert cache.joined(("a",)).text == "甲"


def test_files_left_by_an_interrupted_rendering_are_neither_used_nor_kept(tmp_path: Path) -> None:
    (tmp_path / "0123.wav").write_bytes(b"half a clip")
    (tmp_path / "0123.wav.part").write_bytes(b"half")
    VoiceCache(tmp_path).render(THREE, Whistler())
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".wav", ".wav", ".wav"]


def test_progress_is_told_from_the_first_to_the_last_clip(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    VoiceCache(tmp_path).render(THREE, Whistler(), lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_names_on_disk_are_for_the_owner_and_group_only(tmp_path: Path) -> None:
    directory = tmp_path / "voice"
    VoiceCache(directory).render(THREE, Whistler())
    assert stat.S_IMODE(directory.stat().st_mode) & stat.S_IRWXO == 0


def test_a_check_out_renders_the_names_only(espeak: EspeakSynthesiser, tmp_path: Path) -> None:
    def clips(name: str) -> list[Phrase]:
        book = PromptBook(VoiceFacts(officers=(SpokenOfficer(name, "34010001"),), notice="执法人员×××，全程录音录像。"))
        wanted = ("notice", "officer:0", "resume.at", "hour:10", "minute:32", "because:camera-fault", "resume.now")
        return [one for one in book.phrases if one.key in wanted]

    cache = VoiceCache(tmp_path)
    assert cache.render(clips("甲某"), espeak).rendered == 7
    assert cache.render(clips("乙某"), espeak).rendered == 2
    assert cache.joined(("notice",)).text == "执法人员乙某，全程录音录像。"
    marker = cache.joined(("resume.at", "hour:10", "minute:32", "because:camera-fault", "resume.now"))
    assert 5.0 < marker.clip.duration_ns / 1e9 < 10.0


def test_what_is_forgotten_is_neither_said_nor_there_any_more(tmp_path: Path) -> None:
    cache = VoiceCache(tmp_path)
    cache.render(THREE, Whistler())
    assert cache.forget(("b", "nothing")) == 1
    assert cache.forget(("b",)) == 0
    for again in (cache, VoiceCache(tmp_path)):
        with pytest.raises(MissingClipError, match="'b' was never rendered"):
            again.joined(("b",))
        assert again.joined(("a", "c")).spoken
    assert len(list(tmp_path.glob("*.wav"))) == 2
    assert "乙丙" not in (tmp_path / INDEX_NAME).read_text(encoding="utf-8")
    assert tmp_path.stat().st_mode & 0o077 == 0
