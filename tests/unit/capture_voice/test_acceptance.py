"""The acceptance tables of the voice: every row a street, every column a loudness of it (R4, R5, R8)."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from capture.voice.activity import SpeechDetector
from capture.voice.heard import prove_heard
from capture.voice.phrases import Utterance
from capture.voice.samples import ANALYSIS_RATE_HZ, Samples
from tests.support.listening import listened

from .acoustics import NOISES, generator, microphone, rms

Prompt = Callable[[Utterance], Samples]
Speech = Callable[[str], Samples]

pytestmark = pytest.mark.system

NOTICE = ("notice",)
MARKER = ("resume.at", "hour:10", "minute:32", "because:camera-fault", "resume.now")
BREAK = ("broken:camera-fault",)
OTHERS: tuple[Utterance, ...] = (("officer:0",), ("statement.request",), ("reason.again",), ("break.choose",))
REASONS = (
    "刚才电池没有电了，所以录像中断了三分钟，现在已经更换电池，继续执法。",
    "我们在药房门口等待当事人的时候，设备自动关机了。",
    "因为存储卡已满，更换存储卡之后恢复录制。",
    "设备自动关机，现在恢复录制。",
    "电池没电了，刚刚更换了电池。",
)
WINDOW = 15 * ANALYSIS_RATE_HZ


@pytest.mark.parametrize("sentence", [NOTICE, MARKER, BREAK], ids=["notice", "resume marker", "break marker"])
@pytest.mark.parametrize("kind", ["pink", "traffic"])
@pytest.mark.parametrize("snr_db", [20, 10, 0, -5, -10])
def test_what_was_played_is_heard(prompt: Prompt, sentence: Utterance, kind: str, snr_db: float) -> None:
    reference = prompt(sentence)
    results = [prove_heard(reference, microphone(reference, kind, snr_db, seed * 0.1, seed)) for seed in range(3)]
    assert [result.heard for result in results] == [True] * 3
    assert [result.delay_ms for result in results] == pytest.approx([0, 100, 200], abs=3)


@pytest.mark.parametrize("sentence", [NOTICE, MARKER, BREAK], ids=["notice", "resume marker", "break marker"])
@pytest.mark.parametrize("other", OTHERS, ids=lambda other: other[0])
def test_what_was_not_played_is_not_heard(prompt: Prompt, sentence: Utterance, other: Utterance) -> None:
    reference = prompt(sentence)
    fitted = np.resize(prompt(other), reference.size).astype(np.float32)
    for (kind, snr_db), seed in product((("pink", 20), ("traffic", 0)), range(2)):
        assert not prove_heard(reference, microphone(fitted, kind, snr_db, seed * 0.1, seed)).heard


@pytest.mark.parametrize("sentence", [NOTICE, MARKER, BREAK], ids=["notice", "resume marker", "break marker"])
@pytest.mark.parametrize("kind", sorted(NOISES))
def test_the_street_alone_is_not_heard(prompt: Prompt, sentence: Utterance, kind: str) -> None:
    reference = prompt(sentence)
    for seed in range(6):
        noise = NOISES[kind](reference.size + 12_800, generator(seed)) * 0.1
        assert not prove_heard(reference, noise.astype(np.float32)).heard


@pytest.mark.parametrize("text", REASONS)
@pytest.mark.parametrize("kind", ["pink", "traffic"])
def test_an_explanation_is_accepted_in_every_street(say: Speech, text: str, kind: str) -> None:
    detector, speech = SpeechDetector(), say(text)
    spoken = np.zeros(WINDOW)
    spoken[3 * ANALYSIS_RATE_HZ :][: speech.size] = speech / rms(speech) * 0.07
    for snr_db in (20, 10, 5, 0, -5):
        noise = NOISES[kind](WINDOW, generator(snr_db + 10)) * 0.07 * 10 ** (-snr_db / 20)
        closed = listened((spoken + noise).astype(np.float32), detector)
        assert closed.accepted, f"{snr_db} dB: {closed.speech_ms} ms, longest {closed.longest_run_ms} ms"


@pytest.mark.parametrize("kind", sorted(NOISES))
def test_no_street_is_taken_for_an_explanation(kind: str) -> None:
    detector = SpeechDetector()
    for seed, dbfs in product(range(3), (-40, -25, -12)):
        noise = np.clip(NOISES[kind](WINDOW, generator(seed)) * 10 ** (dbfs / 20), -1, 1)
        assert not listened(noise.astype(np.float32), detector).accepted
