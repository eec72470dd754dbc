"""What the unit's ears make of real recordings: people who speak, a street, and the unit's own words between them.

Explanations, each judged by the recorder's own window: sentences and a few words over a real street at 10, 0, −5 dB;
announcers and the half of the street that nothing was tuned on; Mandarin by two people, each in lines of their own, and
by the synthesiser; and what is heard while nobody speaks. Whoever is not heard is asked a second time, as the recorder
does: the same words, as loud, at another moment of the street.
Prompts: the unit's notice (its own voice) and passages read by people (as an agency's clips would be), through a small
loudspeaker and a hard room, which are computed; and, for the absence, everything but the prompt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add

import numpy as np

from capture.shell.voice import OwnWords
from capture.voice.activity import SpeechDetector
from capture.voice.heard import prove_heard
from capture.voice.language import Language
from capture.voice.loudness import normalised
from capture.voice.reading import speakable
from capture.voice.samples import ANALYSIS_RATE_HZ, Samples, to_analysis_rate
from capture.voice.synthesiser import find_synthesiser
from tests.bench import mandarin
from tests.bench.measurement import Measurement, at_least, at_most, figure
from tests.bench.proportion import Proportion, counted
from tests.bench.recordings import (
    ANNOUNCERS_HELD_OUT,
    ANNOUNCERS_TUNED_ON,
    STREET_HELD_OUT,
    STREET_TUNED_ON,
    NoRecordingsError,
    announcements,
    speech,
    street,
    street_parts,
)
from tests.bench.surroundings import CLIPPING, WINDOW_SAMPLES, music_plays, nobody_speaks, wind
from tests.support.listening import SECOND_NS, STARTED_NS, listened
from tests.unit.capture_voice.acoustics import convolved, generator, played, rms, room

SNR_DB = (10, 0, -5)
HARDEST_DB = min(SNR_DB)
SENTENCE_SECONDS = 3.5
"""From here on a passage is a sentence; what is shorter are digits and commands of two or three words."""
SHORTEST_SECONDS = 2.0
LEAD_SECONDS = 2.5
"""Of the street alone, before somebody speaks; the first second lies before the window."""
TAIL_SECONDS = 2.5
SPOKEN_RMS = 0.07
FAR_AWAY_RMS = 0.007
FEW_WORDS_REACHED = 90
OVER_WORDS_REACHED = 92
"""What is reached, not what is wished for: 95."""
TAKES = 4
FEWER_TAKES = 2
LATER_MOMENT = 20_000
"""Another moment of the street than any of the first prompts'."""
NOTICE_TAKES = 12
ANNOUNCEMENTS = 60
FEWER = 20
NOTICE = "您好，我们是执法人员甲某、乙某，为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像。"
TERSE = (
    "电池没电了。",
    "更换电池。",
    "存储卡满了。",
    "设备自动关机。",
    "摄像头故障。",
    "当事人阻挠。",
    "下雨了。",
    "换了地方。",
)
SOURCES = "of Debian's packages, named with their licences in tests/bench/recordings.py and mandarin.py"


def measure() -> list[Measurement]:
    """Shares of windows and prompts that are judged right."""
    try:
        passages, parts = speech(), street_parts()
    except NoRecordingsError as error:
        return [figure("speech: recordings", 0, "files", str(error))]
    sentences, words = _by_length(passages)
    return [
        figure("speech: recordings", len(sentences) + len(words) + len(parts), "files", SOURCES),
        *_sentences(sentences, parts),
        *_few_words(words, parts),
        *_mandarin(),
        *_harder_than_a_street(),
        *_refused(),
        *_prompts([_clean(sentence) for sentence in sentences], parts),
    ]


def _sentences(sentences: Sequence[Samples], parts: Sequence[Samples]) -> list[Measurement]:
    found = [
        _claim(
            f"explanation accepted at {db} dB", _accepted(sentences, parts, db), 95, "sentences by people in a street"
        )
        for db in SNR_DB
    ]
    held_out = _accepted(_by_length(speech(held_out=True))[0], street_parts(STREET_HELD_OUT), HARDEST_DB)
    name = f"explanation accepted at {HARDEST_DB} dB, held out"
    return [*found, _claim(name, held_out, 95, "voices and street that nothing was tuned on")]


def _few_words(words: Sequence[Samples], parts: Sequence[Samples]) -> list[Measurement]:
    """Two or three words: the claim is that of the speakers and the street that nothing was tuned on."""
    street_unheard = street_parts(STREET_HELD_OUT)
    some, told = _announced(ANNOUNCERS_HELD_OUT, FEWER), "two announcers that nothing was tuned on"
    man, woman = (announcements(language, ANNOUNCEMENTS) for language in ANNOUNCERS_HELD_OUT)
    once, twice = zip(*(_asked(words, street_unheard, HARDEST_DB) for words in (man, woman)), strict=True)
    alone = (_accepted(words, street_unheard, HARDEST_DB, 1, over_words=True) for words in (man, woman))
    known = _accepted(_announced(ANNOUNCERS_TUNED_ON, FEWER), street_parts(STREET_TUNED_ON), HARDEST_DB, 1)
    synthetic = _accepted([_said(text) for text in TERSE], street_unheard, HARDEST_DB)
    name = f"a few words accepted at {HARDEST_DB} dB"
    return [
        *(
            _claim(f"a few words accepted at {db} dB, held out", _accepted(some, street_unheard, db, 1), 95, told)
            for db in SNR_DB[:-1]
        ),
        _claim(f"{name}, held out", _sum(once), FEW_WORDS_REACHED, told),
        _claim(f"{name} at the first or second prompt, held out", _sum(twice), 95, "the same words said again"),
        _claim(
            f"{name} over the words alone, held out", _sum(alone), OVER_WORDS_REACHED, "the street's bursts taken out"
        ),
        _line(f"{name}, tuned on", known, "two other announcers, the other half of the street"),
        _line(f"{name}, commands", _accepted(words, parts, HARDEST_DB), "digits and commands, pauses included"),
        _line(f"{name}, synthetic", synthetic, "Mandarin of 0.7 to 1.9 s by the synthesiser: no person"),
    ]


def _mandarin() -> list[Measurement]:
    """Two people; the street that nothing was tuned on."""
    parts = street_parts(STREET_HELD_OUT)
    return [
        line
        for speaker in mandarin.SPEAKERS
        for line in (
            *_mandarin_said(f"Mandarin, a {speaker}, sentences", mandarin.said(speaker, mandarin.SENTENCES), parts),
            *_mandarin_said(f"Mandarin, a {speaker}, a few words", mandarin.said(speaker, mandarin.FEW_WORDS), parts),
        )
    ]


def _mandarin_said(name: str, phrases: Sequence[Samples], parts: Sequence[Samples]) -> list[Measurement]:
    seconds = sorted(phrase.size / ANALYSIS_RATE_HZ for phrase in phrases)
    told = f"{seconds[0]:.1f} to {seconds[-1]:.1f} s, syllables recorded one by one"
    once, twice = _asked(phrases, parts, HARDEST_DB, FEWER_TAKES)
    return [
        *(_line(f"{name}, {db} dB", _accepted(phrases, parts, db, FEWER_TAKES), told) for db in SNR_DB[:-1]),
        _line(f"{name}, {HARDEST_DB} dB", once, told),
        _line(f"{name}, {HARDEST_DB} dB, first or second prompt", twice, told),
    ]


def _announced(languages: Sequence[str], count: int) -> list[Samples]:
    return [one for language in languages for one in announcements(language, count)]


def _harder_than_a_street() -> list[Measurement]:
    """Wind, sound that clips, and two people who talk far away and mean nobody; figures without a goal."""
    words = _announced(ANNOUNCERS_HELD_OUT, FEWER)
    parts, detector = street_parts(STREET_HELD_OUT), SpeechDetector()
    gusts = [wind(4 * WINDOW_SAMPLES, generator(5)).astype(np.float32)]
    loud = counted(
        listened(np.clip(_mixed(one, parts, 0, place) / SPOKEN_RMS * CLIPPING, -1, 1), detector).accepted
        for place, one in enumerate(words)
    )
    away = [_far_away(words[place], words[-1 - place], place) for place in range(FEWER)]
    quiet = counted(
        listened(_mixed(one, parts, SNR_DB[0], place, FAR_AWAY_RMS), detector).accepted
        for place, one in enumerate(away)
    )
    return [
        _line(
            "a few words accepted in wind at -10 dB", _accepted(words, gusts, -10, 1), "computed gusts, bass in bursts"
        ),
        _line("a few words accepted, clipping at 0 dB", loud, "words and street far over full scale"),
        _line("others who talk far away accepted", quiet, "two at a time in a hard room, 20 dB lower: somebody spoke"),
    ]


def _refused() -> list[Measurement]:
    detector = SpeechDetector()
    fooled = counted(listened(sound, detector).accepted for sound in nobody_speaks())
    played_on = counted(listened(sound, detector).accepted for sound in music_plays())
    told = "15 s each of street, weather, signals, handling; quiet, usual, loud, clipping; held out"
    return [
        at_most("noise taken for an explanation", fooled.percent, "%", f"{fooled}: {told}", 0),
        _line("music taken for an explanation", played_on, "pieces that may hold voices"),
        _line("own words taken for an explanation", _own_words(detector), "the notice and its echo, known to the unit"),
    ]


def _own_words(detector: SpeechDetector) -> Proportion:
    notice, parts = _notice(), street_parts(STREET_HELD_OUT)
    words = [
        OwnWords(
            STARTED_NS + SECOND_NS // 10, STARTED_NS + SECOND_NS // 10 + notice.size * SECOND_NS // ANALYSIS_RATE_HZ
        )
    ]
    sounds = (_overheard(notice, parts, take) for take in range(NOTICE_TAKES))
    return counted(listened(sound, detector, opened_seconds=0.0, own_words=words).accepted for sound in sounds)


def _overheard(notice: Samples, parts: Sequence[Samples], take: int) -> Samples:
    sound = np.concatenate([played(notice, 0.0, generator(take)), np.zeros(5 * ANALYSIS_RATE_HZ)])
    return np.clip(sound + street(parts, sound.size, 300 + take) * 0.02, -1, 1).astype(np.float32)


def _far_away(one: Samples, other: Samples, seed: int) -> Samples:
    size = max(one.size, other.size)
    both = np.resize(one, size) / rms(one) + np.resize(other, size) / rms(other)
    return convolved(both.astype(np.float64), room(generator(seed)))[:size].astype(np.float32)


def _by_length(passages: Sequence[Samples]) -> tuple[list[Samples], list[Samples]]:
    sentences = [passage for passage in passages if passage.size >= SENTENCE_SECONDS * ANALYSIS_RATE_HZ]
    words = [passage for passage in passages if passage.size >= SHORTEST_SECONDS * ANALYSIS_RATE_HZ]
    return sentences, [passage for passage in words if passage.size < SENTENCE_SECONDS * ANALYSIS_RATE_HZ]


def _sum(found: Iterable[Proportion]) -> Proportion:
    return reduce(add, found)


def _claim(name: str, found: Proportion, goal: float, told: str) -> Measurement:
    return at_least(name, found.percent, "%", f"{found}: {told}", goal)


def _line(name: str, found: Proportion, told: str) -> Measurement:
    return figure(name, found.percent, "%", f"{found}: {told}")


def _asked(
    passages: Sequence[Samples], parts: Sequence[Samples], snr_db: int, takes: int = 1
) -> tuple[Proportion, Proportion]:
    """Accepted when asked once; and when whoever is refused is asked again."""
    detector = SpeechDetector()
    moments = [(passage, 10 * place + take) for place, passage in enumerate(passages) for take in range(takes)]
    once = [listened(_mixed(passage, parts, snr_db, moment), detector).accepted for passage, moment in moments]
    twice = (
        accepted or listened(_mixed(passage, parts, snr_db, moment + LATER_MOMENT), detector).accepted
        for accepted, (passage, moment) in zip(once, moments, strict=True)
    )
    return counted(once), counted(twice)


def _accepted(
    passages: Sequence[Samples], parts: Sequence[Samples], snr_db: int, takes: int = TAKES, *, over_words: bool = False
) -> Proportion:
    detector = SpeechDetector()
    return counted(
        listened(_mixed(passage, parts, snr_db, 10 * place + take, over_words=over_words), detector).accepted
        for place, passage in enumerate(passages)
        for take in range(takes)
    )


def _mixed(
    passage: Samples,
    parts: Sequence[Samples],
    snr_db: int,
    seed: int,
    level: float = SPOKEN_RMS,
    *,
    over_words: bool = False,
) -> Samples:
    """Somebody speaks in a street that lies so far below the speech.

    The street's level is that of the whole, its bursts meet words or pauses; or, where asked, of the words' own time.
    """
    begin = round(LEAD_SECONDS * ANALYSIS_RATE_HZ)
    spoken = slice(begin, begin + passage.size)
    sound = street(parts, spoken.stop + round(TAIL_SECONDS * ANALYSIS_RATE_HZ), seed)
    sound *= level * 10 ** (-snr_db / 20) / (rms(sound[spoken]) if over_words else 1.0)
    sound[spoken] += passage / rms(passage) * level
    return np.clip(sound, -1, 1).astype(np.float32)


def _said(text: str) -> Samples:
    return to_analysis_rate(normalised(find_synthesiser().synthesise(speakable(text, ()), Language.CHINESE)))


def _prompts(readings: Sequence[Samples], parts: Sequence[Samples]) -> list[Measurement]:
    notice = _notice()
    what = f"{NOTICE_TAKES} takes of the unit's own notice in the street"
    shares = {db: _percent(_heard(notice, parts, db, take) for take in range(NOTICE_TAKES)) for db in SNR_DB}
    heard = [at_least(f"notice heard at {db} dB", share, "%", what, 95) for db, share in shares.items()]
    said = f"{len(readings) * TAKES} takes of {len(readings)} sentences by people, as an agency's clips would be"
    for db in SNR_DB:
        share = _percent(_heard(one, parts, db, take) for one in readings for take in range(TAKES))
        heard.append(figure(f"agency's clip heard at {db} dB", share, "%", said))
    absent = [_heard_without(one, readings, parts, take) for one in (notice, *readings) for take in range(NOTICE_TAKES)]
    told = f"{len(absent)} takes: the street alone, or other people talking in it"
    return [*heard, at_most("prompt heard that was not played", _percent(absent), "%", told, 0)]


def _percent(outcomes: Iterable[bool]) -> float:
    return counted(outcomes).percent


def _heard(prompt: Samples, parts: Sequence[Samples], snr_db: int, take: int) -> bool:
    sound = played(prompt, take * 0.05, generator(take))
    level = rms(sound) * np.sqrt(sound.size / prompt.size)
    noise = street(parts, sound.size, 100 + take) * level * 10 ** (-snr_db / 20)
    return prove_heard(prompt, (sound + noise).astype(np.float32)).heard


def _heard_without(prompt: Samples, readings: Sequence[Samples], parts: Sequence[Samples], take: int) -> bool:
    size = played(prompt, 0.0, generator(take)).size
    sound = street(parts, size, 200 + take) * 0.05
    if take % 2:
        others = [passage for passage in readings if passage.size != prompt.size]
        sound = sound + np.resize(others[take % len(others)], size)
    return prove_heard(prompt, sound.astype(np.float32)).heard


def _notice() -> Samples:
    return _said(NOTICE)


def _clean(passage: Samples) -> Samples:
    return np.asarray(passage / rms(passage) * 0.1, dtype=np.float32)
