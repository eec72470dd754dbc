"""Text as espeak-ng's Mandarin voice reads it right.

Rules of this module: pure functions and tables. Left alone the voice reads years and numbers of badges, plates and
serials as quantities, times as two numbers, and most polyphonic surnames by their commoner reading. What it must not
guess is written out in Chinese characters, or as pinyin with tone digits, which the voice `cmn-latn-pinyin` accepts
inside Chinese text.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from capture.voice.errors import ReadingError
from capture.voice.names import CHARACTER_READINGS, GIVEN_NAME_READINGS, SURNAME_READINGS
from capture.voice.numbers import digits_zh, number_zh, quantity_zh, time_zh
from capture.voice.pinyin import is_syllable, spelled_for_voice

WORD_READINGS = {
    "重新": "chong2 xin1",
    "更换": "geng1 huan4",
    "更正": "geng1 zheng4",
    "变更": "bian4 geng1",
    "行为": "xing2 wei2",
    "调取": "diao4 qu3",
    "重复": "chong2 fu4",
}
"""Words of this trade that the voice of espeak-ng 1.51 misreads."""

NAME_SLOT = "×××"
"""Stands in a notice for one name, where nothing else is said to."""
OPEN_SLOT = re.compile(r"[×＊*]{2}|[{}]")
"""What is left of a slot that nothing filled; never read out."""
_SYLLABLE = re.compile(r"[a-z]{1,6}[1-5]")
_NAME_MAX = 32
"""Names of some peoples take two dozen characters."""
_TIME = re.compile(r"(?<![\d:：])([01]?\d|2[0-3])[:：]([0-5]\d)(?![\d:：])")
_POINT_TIME = re.compile(r"(?<!\d)([01]?\d|2[0-3])点([0-5]?\d)分")
_YEAR = re.compile(r"(?<![A-Za-z\d])(\d{4})(?=年)")
_PERCENT = re.compile(r"(\d+)(?:\.(\d+))?\s*[%％]")
_SERIAL = re.compile(r"[A-Za-z\d](?:[A-Za-z\d\-]*[A-Za-z\d])?")
_BEFORE_SERIAL = re.compile(r"(?:号|号码|编号|证号|警号|车牌|尾号|代码)[为是:：]?\s*$")
_LARGEST_QUANTITY_DIGITS = 4
_DECIMAL = re.compile(r"(?<![A-Za-z\d.])(\d+)\.(\d+)(?![A-Za-z\d.])")
_FULL_WIDTH = str.maketrans({0xFEE0 + ord(sign): sign for sign in string.digits + string.ascii_letters})
_MEASURES = "分秒时点个位次月日天条项名只件度"


@dataclass(frozen=True, slots=True)
class SpokenOfficer:
    """An officer as the unit has to say him or her."""

    name: str
    certificate_number: str
    reading: str | None = None
    """Pinyin with tone digits, one syllable for each character ("shan4 li4 hua2"), where the name needs it."""


def check_reading(name: str, reading: str) -> str:
    """Check a stated reading and give it in the form that the voice takes.

    Raises:
        ReadingError: A syllable is not pinyin with a tone digit, or their number is not that of the characters.
    """
    syllables = unicodedata.normalize("NFKC", reading).lower().split()
    wrong = [syllable for syllable in syllables if not is_syllable(syllable)]
    if wrong:
        raise ReadingError(f"reading {reading!r} of {name!r}: {wrong[0]!r} is not pinyin with a tone digit such as li4")
    characters = sum(map(_is_chinese, name))
    if characters != len(syllables):
        raise ReadingError(
            f"reading {reading!r} of {name!r} has {len(syllables)} syllables for {characters} characters: give one each"
        )
    return " ".join(map(spelled_for_voice, syllables))


def _is_chinese(sign: str) -> bool:
    """Whether a sign is a Chinese character, rare ones and those without a code of their own included."""
    return sign == "〇" or (sign >= "\u3400" and unicodedata.category(sign) in {"Lo", "Cn", "Co"})


def name_reading(officer: SpokenOfficer) -> str:
    """Give an officer's name as the voice has to get it.

    Raises:
        ReadingError: The name is empty, too long or in no script that the voice reads, or its reading is wrong.
    """
    name = unicodedata.normalize("NFKC", officer.name.strip())
    if not name or len(name) > _NAME_MAX:
        raise ReadingError(f"name {officer.name!r} cannot be spoken: it needs 1 to {_NAME_MAX} characters")
    if officer.reading:
        return f" {check_reading(name, officer.reading)} "
    for length in (2, 1):
        known = SURNAME_READINGS.get(name[:length])
        if known is not None and len(name) > length:
            return f"{_for_voice(known)}{_given(name[length:])}"
    return _given(name)


def _given(name: str) -> str:
    return "".join(_for_voice(known) if (known := GIVEN_NAME_READINGS.get(sign)) else sign for sign in name)


def _for_voice(reading: str) -> str:
    return f" {' '.join(map(spelled_for_voice, reading.split()))} "


def spell(serial: str) -> str:
    """Read a badge, plate or serial number sign by sign: «皖D12345» → «皖 D 一二三四五»."""
    signs = unicodedata.normalize("NFKC", serial)
    parts = [digits_zh(sign) if sign in string.digits else f" {sign.upper()} " for sign in signs if sign != "-"]
    return "".join(parts)


def with_readings(text: str, officers: Sequence[SpokenOfficer]) -> str:
    """Put each officer's reading in the place of the name, in a text of any language.

    Raises:
        ReadingError: As `name_reading`.
    """
    for officer in sorted(officers, key=lambda one: len(one.name), reverse=True):
        text = text.replace(officer.name, name_reading(officer))
    return text


def speakable(text: str, officers: Sequence[SpokenOfficer] = ()) -> str:
    """Rewrite Chinese text so that the voice reads it right.

    Args:
        text: What is to be said.
        officers: Whose names in the text are to be read as `name_reading` says.

    Raises:
        ReadingError: The text is empty, or a name slot (×××) is still open.
    """
    spoken = with_readings(_checked(text).translate(_FULL_WIDTH), officers)
    for word, reading in (*WORD_READINGS.items(), *CHARACTER_READINGS.items()):
        spoken = spoken.replace(word, _for_voice(reading))
    return _numbers(spoken).strip()


def in_characters(text: str) -> str:
    """Write out the numbers of a Chinese text, and leave names and words to a voice that does not read pinyin.

    Raises:
        ReadingError: As `speakable`.
    """
    return _numbers(_checked(text).translate(_FULL_WIDTH)).strip()


def _checked(text: str) -> str:
    if not text.strip():
        raise ReadingError("there is nothing to say: the text is empty")
    if OPEN_SLOT.search(text):
        raise ReadingError(f"text {text!r} still has an open slot: fill in the officers' names first")
    return text


def _numbers(text: str) -> str:
    text = _TIME.sub(lambda found: time_zh(int(found[1]), int(found[2])), text)
    text = _POINT_TIME.sub(lambda found: time_zh(int(found[1]), int(found[2])), text)
    text = _YEAR.sub(lambda found: digits_zh(found[1]), text)
    text = _PERCENT.sub(_percent, text)
    text = _DECIMAL.sub(lambda found: f"{number_zh(int(found[1]))}点{digits_zh(found[2])}", text)
    return _SERIAL.sub(_serial_or_quantity, text)


def _percent(found: re.Match[str]) -> str:
    fraction = f"点{digits_zh(found[2])}" if found[2] else ""
    return f"百分之{number_zh(int(found[1]))}{fraction}"


def _serial_or_quantity(found: re.Match[str]) -> str:
    sign, text = found[0], found.string
    if _SYLLABLE.fullmatch(sign):
        return sign
    if not sign.isdigit():
        return spell(sign) if sign.isupper() or any(one.isdigit() for one in sign) else sign
    counted = len(sign) <= _LARGEST_QUANTITY_DIGITS and not (len(sign) > 1 and sign.startswith("0"))
    if not counted or _BEFORE_SERIAL.search(text[: found.start()]):
        return digits_zh(sign)
    measured = text[found.end() : found.end() + 1] in _MEASURES and found.end() < len(text)
    return quantity_zh(int(sign)) if measured and text[found.end()] not in "月日" else number_zh(int(sign))
