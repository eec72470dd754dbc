"""What the voice must not guess is written out; the real espeak-ng then reads it right."""

import pytest

from capture.voice.errors import ReadingError
from capture.voice.language import Language
from capture.voice.reading import SURNAME_READINGS, SpokenOfficer, check_reading, name_reading, speakable, spell
from capture.voice.synthesiser import EspeakSynthesiser

HOMOPHONES = {
    "单": "善",
    "仇": "求",
    "曾": "增",
    "解": "谢",
    "查": "渣",
    "任": "人",
    "华": "化",
    "区": "欧",
    "缪": "妙",
    "朴": "瓢",
    "尉迟": "玉池",
    "令狐": "零湖",
    "盖": "钙",
    "翟": "宅",
    "覃": "琴",
}
"""Surname → characters that everybody reads like it."""


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("2026年11月21日", "二零二六年十一月二十一日"),
        ("于10:32中断", "于十点三十二分中断"),
        ("于09:05中断", "于九点零五分中断"),
        ("10点32分", "十点三十二分"),
        ("证号34010012", "证号三四零一零零一二"),
        ("证号：1234", "证号：一二三四"),
        ("皖D12345", "皖 D 一二三四五"),
        ("编号AB-007", "编号 A  B 零零七"),
        ("电量8%", "电量百分之八"),
        ("电量7.5%", "电量百分之七点五"),
        ("剩余2分钟", "剩余两分钟"),
        ("剩余90分钟", "剩余九十分钟"),
        ("2月2日", "二月二日"),
        ("版本1.25", "版本一点二五"),
        ("序列0071", "序列零零七一"),
        ("１２人", "十二人"),
    ],
)
def test_numbers_are_written_as_they_are_to_be_read(text: str, spoken: str) -> None:
    assert speakable(text) == spoken


@pytest.mark.parametrize("text", ["2026年10:32证号34010012", "皖D12345", "电量8%", "剩余90分钟"])
def test_no_digit_is_left_for_the_voice_to_guess(text: str) -> None:
    assert not any(sign.isdigit() for sign in speakable(text))


def test_a_text_with_nothing_special_stays_as_it_is() -> None:
    assert speakable("请说明中断原因。") == "请说明中断原因。"


def test_plates_are_spelled_sign_by_sign() -> None:
    assert spell("皖D1-2").split() == ["皖", "D", "一二"]


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_cannot_be_said(text: str) -> None:
    with pytest.raises(ReadingError, match="empty"):
        speakable(text)


@pytest.mark.parametrize("text", ["执法人员×××", "执法人员＊＊＊", "执法人员{officers}"])
def test_an_open_name_slot_is_never_read_out(text: str) -> None:
    with pytest.raises(ReadingError, match="open slot"):
        speakable(text)


def test_a_stated_reading_goes_before_the_table() -> None:
    assert name_reading(SpokenOfficer("单某", "1", "dan1 mou3")).strip() == "dan1 mou3"
    assert name_reading(SpokenOfficer("单某", "1")).strip() == "shan4 某"


def test_a_reading_with_u_umlaut_is_taken_in_both_spellings() -> None:
    assert check_reading("吕某", "lü3 mou3") == "lü3 mou3"
    assert check_reading("吕某", "lu:3 mou3") == "lü3 mou3"


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        ("shan", "not pinyin"),
        ("shan4", "1 syllables for 2 characters"),
        ("shan4 mou3 mou3", "3 syllables"),
        ("善 某", "not pinyin"),
    ],
)
def test_a_wrong_reading_is_refused_with_what_is_wrong(reading: str, message: str) -> None:
    with pytest.raises(ReadingError, match=message):
        name_reading(SpokenOfficer("单某", "1", reading))


@pytest.mark.parametrize("name", ["", "  ", "某" * 17])
def test_a_name_that_cannot_be_spoken_is_refused(name: str) -> None:
    with pytest.raises(ReadingError, match="cannot be spoken"):
        name_reading(SpokenOfficer(name, "1"))


def test_only_the_surname_is_read_as_a_surname() -> None:
    assert name_reading(SpokenOfficer("李单", "1")) == "李单"
    assert name_reading(SpokenOfficer("单于某", "1")).split() == ["chan2", "yu2", "某"]


@pytest.mark.parametrize("surname", sorted(HOMOPHONES))
def test_the_voice_reads_polyphonic_surnames_as_names(espeak: EspeakSynthesiser, surname: str) -> None:
    officer = SpokenOfficer(f"{surname}某", "1")
    read = espeak.phonemes(speakable(f"执法人员{officer.name}。", [officer]), Language.CHINESE)
    assert read == espeak.phonemes(f"执法人员{HOMOPHONES[surname]}某。", Language.CHINESE)


def test_every_reading_of_the_table_is_taken_by_the_voice(espeak: EspeakSynthesiser) -> None:
    for surname, reading in SURNAME_READINGS.items():
        assert check_reading(surname, reading) == reading
    read = espeak.phonemes(" ".join(SURNAME_READINGS.values()), Language.CHINESE)
    assert "(en)" not in read


@pytest.mark.parametrize(("word", "alike"), [("重新", "虫新"), ("更换", "耕换"), ("执法行为", "执法形围")])
def test_words_of_the_trade_are_read_right(espeak: EspeakSynthesiser, word: str, alike: str) -> None:
    read = espeak.phonemes(speakable(f"{word}。"), Language.CHINESE)
    assert read == espeak.phonemes(f"{alike}。", Language.CHINESE)


def test_a_year_is_not_read_in_thousands(espeak: EspeakSynthesiser) -> None:
    read = espeak.phonemes(speakable("2026年"), Language.CHINESE)
    assert read == espeak.phonemes("二零二六年", Language.CHINESE)
    assert read != espeak.phonemes("2026年", Language.CHINESE)
