"""Text as espeak-ng's Mandarin voice reads it right.

Rules of this module: pure functions and tables. Left alone the voice reads years and numbers of badges, plates and
serials as quantities, times as two numbers, and most polyphonic surnames by their commoner reading. What it must not
guess is written out in Chinese characters, or as pinyin with tone digits, which the voice `cmn-latn-pinyin` accepts
inside Chinese text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from capture.voice.errors import ReadingError
from capture.voice.numbers import digits_zh, number_zh, quantity_zh, time_zh

SURNAME_READINGS = {
    "万俟": "mo4 qi2",
    "尉迟": "yu4 chi2",
    "长孙": "zhang3 sun1",
    "单于": "chan2 yu2",
    "澹台": "tan2 tai2",
    "宰父": "zai3 fu3",
    "单": "shan4",
    "仇": "qiu2",
    "曾": "zeng1",
    "解": "xie4",
    "查": "zha1",
    "任": "ren2",
    "华": "hua4",
    "朴": "piao2",
    "区": "ou1",
    "缪": "miao4",
    "乐": "yue4",
    "盖": "gai4",
    "翟": "zhai2",
    "覃": "qin2",
    "尉": "wei4",
    "折": "she2",
    "种": "chong2",
    "重": "chong2",
    "繁": "po2",
    "秘": "bi4",
    "冼": "xian3",
    "员": "yun4",
    "晁": "chao2",
    "黑": "he4",
    "洗": "xian3",
    "佴": "nai4",
    "牟": "mu4",
    "召": "shao4",
    "隗": "wei3",
    "逄": "pang2",
    "郇": "xun2",
    "郗": "xi1",
    "令狐": "ling2 hu2",
    "哈": "ha3",
    "那": "na1",
    "能": "nai4",
    "过": "guo1",
    "葛": "ge3",
    "宁": "ning4",
    "燕": "yan1",
    "应": "ying1",
    "于": "yu2",
    "纪": "ji3",
    "卜": "bu3",
    "柏": "bai3",
    "鲍": "bao4",
    "车": "che1",
    "褚": "chu3",
    "薄": "bo2",
    "殷": "yin1",
    "臧": "zang1",
    "訾": "zi1",
}
"""Readings of surnames that have more than one, or that the voice misreads. 盖, 覃, 翟, 乐, 宁 and others have two
living readings: an officer whose name is read otherwise states a `reading`."""

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

_SYLLABLE = re.compile(r"[a-zü]{1,6}[1-5]")
_CHINESE = re.compile(r"[\u3400-\u9fff〇]")
_NAME_MAX = 16
_TIME = re.compile(r"(?<![\d:：])([01]?\d|2[0-3])[:：]([0-5]\d)(?![\d:：])")
_POINT_TIME = re.compile(r"(?<!\d)([01]?\d|2[0-3])点([0-5]?\d)分")
_YEAR = re.compile(r"(?<![A-Za-z\d])(\d{4})(?=年)")
_PERCENT = re.compile(r"(\d+)(?:\.(\d+))?\s*[%％]")
_SERIAL = re.compile(r"[A-Za-z\d](?:[A-Za-z\d\-]*[A-Za-z\d])?")
_BEFORE_SERIAL = re.compile(r"(?:号|号码|编号|证号|警号|车牌|尾号|代码)[为是:：]?\s*$")
_LARGEST_QUANTITY_DIGITS = 4
_DECIMAL = re.compile(r"(?<![A-Za-z\d.])(\d+)\.(\d+)(?![A-Za-z\d.])")
_FULL_WIDTH = str.maketrans({0xFF10 + digit: str(digit) for digit in range(10)})
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
    syllables = reading.lower().replace("u:", "ü").split()
    wrong = [syllable for syllable in syllables if not _SYLLABLE.fullmatch(syllable)]
    if wrong:
        raise ReadingError(f"reading {reading!r} of {name!r}: {wrong[0]!r} is not pinyin with a tone digit such as li4")
    characters = len(_CHINESE.findall(name))
    if characters != len(syllables):
        raise ReadingError(
            f"reading {reading!r} of {name!r} has {len(syllables)} syllables for {characters} characters: give one each"
        )
    return " ".join(syllables)


def name_reading(officer: SpokenOfficer) -> str:
    """Give an officer's name as the voice has to get it.

    Raises:
        ReadingError: The name is empty, too long or in no script that the voice reads, or its reading is wrong.
    """
    name = officer.name.strip()
    if not name or len(name) > _NAME_MAX:
        raise ReadingError(f"name {officer.name!r} cannot be spoken: it needs 1 to {_NAME_MAX} characters")
    if officer.reading:
        return f" {check_reading(name, officer.reading)} "
    for length in (2, 1):
        known = SURNAME_READINGS.get(name[:length])
        if known is not None and len(name) > length:
            return f" {known} {name[length:]}"
    return name


def spell(serial: str) -> str:
    """Read a badge, plate or serial number sign by sign: «皖D12345» → «皖 D 一二三四五»."""
    parts = [digits_zh(sign) if sign.isdigit() else f" {sign.upper()} " for sign in serial if sign != "-"]
    return "".join(parts)


def speakable(text: str, officers: Sequence[SpokenOfficer] = ()) -> str:
    """Rewrite Chinese text so that the voice reads it right.

    Args:
        text: What is to be said.
        officers: Whose names in the text are to be read as `name_reading` says.

    Raises:
        ReadingError: The text is empty, or a name slot (×××) is still open.
    """
    if not text.strip():
        raise ReadingError("there is nothing to say: the text is empty")
    if re.search(r"[×＊*]{2}|\{", text):
        raise ReadingError(f"text {text!r} still has an open slot: fill in the officers' names first")
    spoken = text.translate(_FULL_WIDTH)
    for officer in sorted(officers, key=lambda one: len(one.name), reverse=True):
        spoken = spoken.replace(officer.name, name_reading(officer))
    for word, reading in WORD_READINGS.items():
        spoken = spoken.replace(word, f" {reading} ")
    return _numbers(spoken).strip()


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
