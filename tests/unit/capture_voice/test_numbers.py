"""Numbers and times as words."""

import pytest

from capture.voice.errors import ReadingError
from capture.voice.numbers import digits_zh, hour_zh, minute_en, minute_zh, number_en, number_zh, quantity_zh, time_zh


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "零"),
        (2, "二"),
        (10, "十"),
        (11, "十一"),
        (20, "二十"),
        (32, "三十二"),
        (100, "一百"),
        (105, "一百零五"),
        (110, "一百一十"),
        (119, "一百一十九"),
        (1001, "一千零一"),
        (1010, "一千零一十"),
        (2026, "二千零二十六"),
        (10_000, "一万"),
        (10_001, "一万零一"),
        (123_456, "十二万三千四百五十六"),
        (99_999_999, "九千九百九十九万九千九百九十九"),
    ],
)
def test_quantities_are_read_in_mandarin(number: int, words: str) -> None:
    assert number_zh(number) == words


@pytest.mark.parametrize("number", [-1, 100_000_000])
def test_a_quantity_outside_the_range_is_refused_with_its_limits(number: int) -> None:
    with pytest.raises(ReadingError, match="between 0 and 99999999"):
        number_zh(number)


def test_two_things_are_counted_with_liang() -> None:
    assert quantity_zh(2) == "两"
    assert quantity_zh(12) == "十二"


def test_digits_are_read_one_by_one() -> None:
    assert digits_zh("20260") == "二零二六零"


@pytest.mark.parametrize(
    ("hour", "minute", "words"),
    [
        (10, 32, "十点三十二分"),
        (2, 5, "两点零五分"),
        (0, 0, "零点整"),
        (23, 59, "二十三点五十九分"),
        (12, 10, "十二点十分"),
    ],
)
def test_times_of_day_are_read_as_people_say_them(hour: int, minute: int, words: str) -> None:
    assert time_zh(hour, minute) == words


@pytest.mark.parametrize(("hour", "minute"), [(24, 0), (-1, 0), (0, 60)])
def test_what_is_no_time_of_day_is_refused(hour: int, minute: int) -> None:
    with pytest.raises(ReadingError, match="no time of day"):
        time_zh(hour, minute)


def test_every_hour_and_minute_differs_from_every_other() -> None:
    assert len({hour_zh(hour) for hour in range(24)}) == 24
    assert len({minute_zh(minute) for minute in range(60)}) == 60


def test_english_numbers() -> None:
    assert [number_en(number) for number in (0, 13, 40, 99, 105, 240)] == [
        "zero",
        "thirteen",
        "forty",
        "ninety-nine",
        "one hundred and five",
        "two hundred and forty",
    ]
    assert (minute_en(0), minute_en(5), minute_en(32)) == ("hundred hours", "oh five", "thirty-two")
