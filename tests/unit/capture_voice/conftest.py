"""The real voice, once for all tests of this folder."""

from collections.abc import Callable
from functools import cache

import pytest

from capture.voice.language import Language
from capture.voice.phrases import PromptBook, Utterance, VoiceFacts
from capture.voice.reading import SpokenOfficer
from capture.voice.samples import Samples, joined, to_analysis_rate
from capture.voice.synthesiser import EspeakSynthesiser
from capture.voice.wording import Words

NOTICE = "您好, 我们是某市执法人员×××、×××, 为保护您的合法权益, 监督我们的执法行为, 本次执法全程录音录像。"

Speech = Callable[[str], Samples]


@pytest.fixture(scope="session")
def espeak() -> EspeakSynthesiser:
    return EspeakSynthesiser()


@pytest.fixture(scope="session")
def book() -> PromptBook:
    officers = (SpokenOfficer("甲某", "34010001"), SpokenOfficer("单某", "34010002"))
    causes = (("weather", Words("天气情况恶劣", "bad weather")), ("place", Words("检查场所变化", "a change of place")))
    items = ("时间", "地点", "执法人员", "执法对象", "需要记录的执法环节")
    return PromptBook(VoiceFacts(officers=officers, notice=NOTICE, statement_items=items, causes=causes))


@pytest.fixture(scope="session")
def say(espeak: EspeakSynthesiser) -> Speech:
    """Speaks a Chinese text; 16 kHz."""

    @cache
    def speak(text: str) -> Samples:
        return to_analysis_rate(espeak.synthesise(text, Language.CHINESE))

    return speak


@pytest.fixture(scope="session")
def prompt(espeak: EspeakSynthesiser, book: PromptBook) -> Callable[[Utterance], Samples]:
    """A whole sentence of the book, joined as the unit joins it; 16 kHz."""
    spoken = {phrase.key: phrase.spoken for phrase in book.phrases}

    @cache
    def sentence(utterance: Utterance) -> Samples:
        parts = [espeak.synthesise(spoken[key], Language.CHINESE) for key in utterance]
        return to_analysis_rate(joined(parts, 0.08))

    return sentence
