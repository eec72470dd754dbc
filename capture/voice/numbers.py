"""Numbers, digits and times of day as words, in Mandarin and English.

Rules of this module: pure functions of their arguments.
"""

from __future__ import annotations

from capture.voice.errors import ReadingError

_DIGITS_ZH = "零一二三四五六七八九"
_UNITS_ZH = ("", "十", "百", "千")
_LARGEST_ZH = 99_999_999
_MYRIAD = 10_000
_ONES_EN = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS_EN = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_LARGEST_EN = 999
_TEN = 10
_TWENTY = 20
_HUNDRED = 100
_HOURS = 24
_MINUTES = 60


def digits_zh(digits: str) -> str:
    """Read ASCII digits one by one: «2026» → «二零二六»."""
    return "".join(_DIGITS_ZH[int(digit)] for digit in digits)


def number_zh(number: int) -> str:
    """Read a number as a quantity: 32 → «三十二», 105 → «一百零五».

    Raises:
        ReadingError: The number is negative or above 99 999 999.
    """
    if not 0 <= number <= _LARGEST_ZH:
        raise ReadingError(f"number {number} cannot be read: it must lie between 0 and {_LARGEST_ZH}")
    high, low = divmod(number, _MYRIAD)
    if high == 0:
        return _below_myriad_zh(low) or _DIGITS_ZH[0]
    link = "零" if 0 < low < _MYRIAD // _TEN else ""
    return f"{_below_myriad_zh(high)}万{link}{_below_myriad_zh(low) if low else ''}"


def _below_myriad_zh(number: int) -> str:
    words = ""
    pending_zero = False
    for power in (3, 2, 1, 0):
        digit = number // 10**power % 10
        if digit == 0:
            pending_zero = bool(words)
            continue
        words += ("零" if pending_zero else "") + _DIGITS_ZH[digit] + _UNITS_ZH[power]
        pending_zero = False
    return words.removeprefix("一") if words.startswith("一十") else words


def quantity_zh(number: int) -> str:
    """Read a number in front of a measure word: 2 → «两», all others as `number_zh`."""
    return "两" if number == 2 else number_zh(number)  # noqa: PLR2004 - the one number with a second word


def hour_zh(hour: int) -> str:
    """Read an hour of the day: 14 → «十四点», 2 → «两点», 0 → «零点»."""
    _check_time(hour, 0)
    return f"{quantity_zh(hour)}点"


def minute_zh(minute: int) -> str:
    """Read the minutes behind an hour: 32 → «三十二分», 5 → «零五分», 0 → «整»."""
    _check_time(0, minute)
    if minute == 0:
        return "整"
    return f"{'零' if minute < _TEN else ''}{number_zh(minute)}分"


def time_zh(hour: int, minute: int) -> str:
    """Read a time of day: 10:32 → «十点三十二分»."""
    return hour_zh(hour) + minute_zh(minute)


def number_en(number: int) -> str:
    """Read a number from 0 to 999 in English: 105 → "one hundred and five".

    Raises:
        ReadingError: The number lies outside.
    """
    if not 0 <= number <= _LARGEST_EN:
        raise ReadingError(f"number {number} cannot be read in English: it must lie between 0 and {_LARGEST_EN}")
    hundreds, rest = divmod(number, _HUNDRED)
    if hundreds == 0:
        return _below_hundred_en(rest)
    tail = f" and {_below_hundred_en(rest)}" if rest else ""
    return f"{_ONES_EN[hundreds]} hundred{tail}"


def _below_hundred_en(number: int) -> str:
    if number < _TWENTY:
        return _ONES_EN[number]
    tens, ones = divmod(number, _TEN)
    return _TENS_EN[tens] + (f"-{_ONES_EN[ones]}" if ones else "")


def hour_en(hour: int) -> str:
    """Read an hour of the day in English, 24 hours: 14 → "fourteen"."""
    _check_time(hour, 0)
    return number_en(hour)


def minute_en(minute: int) -> str:
    """Read the minutes behind an hour: 32 → "thirty-two", 5 → "oh five", 0 → "hundred hours"."""
    _check_time(0, minute)
    if minute == 0:
        return "hundred hours"
    return f"oh {number_en(minute)}" if minute < _TEN else number_en(minute)


def _check_time(hour: int, minute: int) -> None:
    if not (0 <= hour < _HOURS and 0 <= minute < _MINUTES):
        raise ReadingError(f"{hour}:{minute:02} is no time of day: hours go from 0 to 23, minutes from 0 to 59")
