"""An agency's own clips and engine: checked whole, before the built-in voice, as loud as everything else (R4)."""

import hashlib
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from capture.profile import CaptureProfile
from capture.settings import CHINA
from capture.shell.wardrobe import VoiceSettings, Wardrobe
from capture.voice.agency_voice import AgencyVoice
from capture.voice.cache import VoiceCache
from capture.voice.errors import AgencyVoiceError, SynthesisError, VoiceUnavailableError
from capture.voice.language import Language
from capture.voice.loudness import TOLERANCE_LU, TRUE_PEAK_MAX_DBTP, measure
from capture.voice.phrases import PromptBook, VoiceFacts
from capture.voice.reading import SpokenOfficer
from capture.voice.samples import Samples, from_s16, to_s16
from tests.unit.capture_voice.test_cache import THREE, Whistler

HEAD = '[voice]\nschema_version = 1\nid = "own-voice"\nlicence = "ours"\n'
Change = Callable[[Path], None]


def tone(seconds: float = 1.0, level: float = 0.1, rate: int = 24_000, hertz: float = 330.0) -> Samples:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def save(path: Path, samples: Samples, rate: int = 24_000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(to_s16(samples))
    return path


def clip(path: Path, words: str = "甲") -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f'[[clips]]\nwords = "{words}"\nfile = "{path.name}"\nsha256 = "{digest}"\n'


@pytest.fixture(name="folder")
def folder_fixture(tmp_path: Path) -> Path:
    """One clip, for the words 甲."""
    folder = tmp_path / "agency"
    folder.mkdir()
    (folder / "voice.toml").write_text(HEAD + clip(save(folder / "one.wav", tone())), "utf-8")
    return folder


def loaded(folder: Path) -> AgencyVoice:
    voice = AgencyVoice.load(folder)
    assert voice is not None
    return voice


def test_a_folder_without_a_description_gives_nothing(tmp_path: Path) -> None:
    assert AgencyVoice.load(tmp_path) is None


@pytest.mark.requirement("R4", "all")
def test_an_agencys_clip_is_spoken_before_the_synthesiser_and_equally_loud(folder: Path, tmp_path: Path) -> None:
    cache, whistler = VoiceCache(tmp_path / "voice", loaded(folder)), Whistler()
    cache.render(THREE, whistler)
    assert whistler.asked == ["乙丙", "丁"]
    spoken = from_s16(cache.joined(("a",)).clip.samples)
    assert spoken.size == 48_000
    peak = np.argmax(np.abs(np.fft.rfft(spoken)))
    assert peak == pytest.approx(330, abs=1)
    loudness = measure(spoken)
    assert loudness.integrated_lufs == pytest.approx(-16, abs=TOLERANCE_LU)
    assert loudness.true_peak_dbtp <= TRUE_PEAK_MAX_DBTP


def test_words_that_the_agency_has_recorded_meanwhile_are_rendered_anew(folder: Path, tmp_path: Path) -> None:
    VoiceCache(tmp_path / "voice").render(THREE, Whistler())
    cache = VoiceCache(tmp_path / "voice", loaded(folder))
    assert [phrase.text for phrase in cache.missing(THREE)] == ["甲"]
    report = cache.render(THREE, Whistler())
    assert (report.rendered, report.reused, report.removed) == (1, 2, 1)
    assert cache.missing(THREE) == ()


def test_the_first_clip_that_fails_ends_a_rendering_whose_progress_was_told(tmp_path: Path) -> None:
    first = PromptBook(VoiceFacts()).phrases[0]
    settings = VoiceSettings(tmp_path / "voice", synthesiser=lambda: Whistler(fails_at=first.spoken))
    told: list[tuple[int, int]] = []
    wardrobe = Wardrobe(settings, CaptureProfile(), CHINA)
    assert not wardrobe.render_missing(lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == [0]
    assert told[0][1] > 300


def test_an_engine_speaks_its_languages_and_the_built_in_voice_the_others(folder: Path) -> None:
    sound = save(folder / "said.wav", tone())
    program = f"import sys; sys.stdin.read(); sys.stdout.buffer.write(open({str(sound)!r}, 'rb').read())"
    command = ", ".join(f"'''{part}'''" for part in (sys.executable, "-c", program))
    (folder / "voice.toml").write_text(f"{HEAD}[engine]\ncommand = [{command}]\n", "utf-8")
    whistler = Whistler()
    synthesiser = loaded(folder).synthesiser(whistler)
    assert synthesiser.identity.endswith("; whistler 1")
    assert synthesiser.synthesise("说明", Language.CHINESE).size == pytest.approx(48_000, abs=1_000)
    assert whistler.asked == []
    synthesiser.synthesise("words", Language.ENGLISH)
    assert whistler.asked == ["words"]


@pytest.mark.parametrize("program", ["no-such-program", "false", "true"])
def test_an_engine_that_fails_is_named(folder: Path, program: str) -> None:
    (folder / "voice.toml").write_text(f'{HEAD}[engine]\ncommand = ["{program}"]\n', "utf-8")
    with pytest.raises(SynthesisError, match=f"engine '{program}' did not speak '甲'"):
        loaded(folder).synthesiser(Whistler()).synthesise("甲", Language.CHINESE)


def test_an_engine_gets_characters_and_no_pinyin(folder: Path, tmp_path: Path) -> None:
    """R4: what espeak-ng needs of names, an engine would spell out."""
    sound, heard = save(folder / "said.wav", tone()), tmp_path / "heard.txt"
    program = (
        f"import sys; open({str(heard)!r}, 'a').write(sys.stdin.read() + chr(10));"
        f"sys.stdout.buffer.write(open({str(sound)!r}, 'rb').read())"
    )
    command = ", ".join(f"'''{part}'''" for part in (sys.executable, "-c", program))
    (folder / "voice.toml").write_text(f"{HEAD}[engine]\ncommand = [{command}]\n", "utf-8")
    voice, officers = loaded(folder), (SpokenOfficer("单某晨", "A01", "shan4 mou3 chen2"),)
    book = PromptBook(VoiceFacts(officers=officers, notice="我们是执法人员×××。"))
    phrases = [phrase for phrase in book.phrases if phrase.key in {"notice", "officer:0"}]
    VoiceCache(tmp_path / "voice", voice).render(phrases, voice.synthesiser(Whistler()))
    assert heard.read_text("utf-8").splitlines() == ["我们是执法人员单某晨。", "执法人员单某晨，证号  A  零一。"]


def neural(folder: Path, model: bytes) -> None:
    """An engine that gives the model for an answer: here it is a WAV."""
    program = "import sys; sys.stdin.read(); sys.stdout.buffer.write(open(sys.argv[1], 'rb').read())"
    command = ", ".join(f"'''{part}'''" for part in (sys.executable, "-c", program, "{folder}/voice.onnx"))
    digest = hashlib.sha256(model).hexdigest()
    (folder / "voice.toml").write_text(
        f'{HEAD}[engine]\ncommand = [{command}]\nfiles = [{{ file = "voice.onnx", sha256 = "{digest}" }}]\n', "utf-8"
    )


def test_a_neural_voices_files_are_named_and_found_in_the_folder(folder: Path) -> None:
    model = save(folder / "voice.onnx", tone()).read_bytes()
    neural(folder, model)
    assert loaded(folder).synthesiser(Whistler()).synthesise("说明", Language.CHINESE).size > 40_000


@pytest.mark.parametrize(
    ("spoil", "message"), [(b"other", "is not the file that voice.toml names"), (None, "cannot be")]
)
def test_a_neural_voice_with_other_files_than_named_is_refused(folder: Path, spoil: bytes | None, message: str) -> None:
    neural(folder, b"model")
    if spoil is not None:
        (folder / "voice.onnx").write_bytes(spoil)
    with pytest.raises(AgencyVoiceError, match=f"voice.onnx: {message}"):
        AgencyVoice.load(folder)


@pytest.mark.parametrize("program", ["no-such-program", "false"])
def test_where_the_engine_fails_the_built_in_voice_says_everything(folder: Path, tmp_path: Path, program: str) -> None:
    """R4: a unit whose model is gone speaks; it does not only sound tones, and it can be handed over."""
    (folder / "voice.toml").write_text(f'{HEAD}[engine]\ncommand = ["{program}"]\n', "utf-8")
    voice, whistler = loaded(folder), Whistler()
    cache = VoiceCache(tmp_path / "voice", voice)
    voices = (voice.synthesiser(whistler), whistler)
    assert cache.render_by_first(THREE, voices, lambda _done, _total: None, may_lack=()).rendered == 3
    assert (whistler.asked, cache.missing(THREE)) == (["甲", "乙丙", "丁"], ())
    with pytest.raises(SynthesisError, match="whistle 乙丙"):
        cache.render_by_first(
            (*THREE[:1], THREE[1]),
            (Whistler("a", "乙丙"), Whistler("b", "乙丙")),
            lambda _done, _total: None,
            may_lack=(),
        )


def described(text: str) -> Change:
    def change(folder: Path) -> None:
        (folder / "voice.toml").write_text(text, "utf-8")

    return change


def recorded(samples: Samples, rate: int = 24_000, channels: int = 1) -> Change:
    def change(folder: Path) -> None:
        (folder / "voice.toml").write_text(HEAD + clip(save(folder / "one.wav", samples, rate, channels)), "utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "one.wav").write_bytes(b"RIFF"), "is not the file that voice.toml names"),
        (lambda folder: (folder / "one.wav").unlink(), "one.wav: cannot be read"),
        (described("[voice"), "not a TOML file"),
        (described("a = " + "[" * 20_000), "not a TOML file"),
        (described(HEAD + "colour = 1\n"), "voice.colour: Extra inputs"),
        (described(HEAD.replace("licence", "#")), "voice.licence: Field required"),
        (described(HEAD + '[[clips]]\nwords = "甲"\nfile = "../x.wav"\nsha256 = "0"\n'), "clips.0.file: String should"),
        (lambda folder: described((folder / "voice.toml").read_text() + clip(folder / "one.wav"))(folder), "twice"),
        (recorded(tone(rate=8_000), rate=8_000), "1 channels of 16 bits at 8000 Hz; save it as one channel"),
        (recorded(np.repeat(tone(), 2), channels=2), "2 channels"),
        (recorded(tone(seconds=0.05)), "0.05 s long"),
        (recorded(tone(level=0.001)), "level -63 dBFS"),
        (recorded(np.clip(tone(level=3.0), -1, 1)), "of 1000 samples at full scale"),
    ],
)
def test_what_is_wrong_is_refused_with_file_place_and_remedy(folder: Path, change: Change, message: str) -> None:
    change(folder)
    with pytest.raises(AgencyVoiceError, match=message):
        AgencyVoice.load(folder)


def test_a_wrong_folder_leaves_the_unit_its_built_in_voice(folder: Path, tmp_path: Path) -> None:
    (folder / "one.wav").unlink()
    asked: list[bool] = []

    def built_in() -> Whistler:
        asked.append(True)
        raise VoiceUnavailableError("no program here")

    wardrobe = Wardrobe(VoiceSettings(tmp_path / "voice", synthesiser=built_in, agency=folder), CaptureProfile(), CHINA)
    assert not wardrobe.render_missing()
    assert asked == [True]
