"""What the unit can say, and of which clips a sentence is made."""

import re

import pytest

from capture.preflight import CAPTION, CHECKS
from capture.voice.errors import ReadingError
from capture.voice.language import Language
from capture.voice.phrases import PromptBook, VoiceFacts, with_names
from capture.voice.reading import SpokenOfficer
from capture.voice.wording import CHECK_DEGRADED, CHECK_NAMES, FIXED, MACHINE_CAUSES, Line, Words

from .conftest import NOTICE

OFFICERS = (SpokenOfficer("甲某", "34010001"), SpokenOfficer("单某", "34010002"))


def test_every_line_has_words_in_both_languages() -> None:
    assert set(FIXED) == set(Line)
    assert all(words.zh and words.en for words in FIXED.values())
    assert not any(re.search(r"[\u4e00-\u9fff]", words.en) for words in FIXED.values())


def test_the_marker_at_the_break_names_its_cause(book: PromptBook) -> None:
    assert book.text(book.break_marker("camera-fault")) == "摄像头故障，录制中断。"


def test_the_resume_marker_is_joined_from_time_and_cause(book: PromptBook) -> None:
    marker = book.resume_marker(10, 32, "camera-fault")
    assert book.text(marker) == "录制于十点三十二分因摄像头故障中断，现恢复录制。"
    assert len(marker) == 5


def test_every_time_of_day_and_every_cause_can_be_spoken_from_rendered_clips(book: PromptBook) -> None:
    rendered = {phrase.key for phrase in book.phrases}
    causes = (*MACHINE_CAUSES, *book.cause_codes())
    for hour in range(24):
        assert set(book.resume_marker(hour, hour * 2, causes[hour % len(causes)], days_ago=hour % 3)) <= rendered
    for minute in range(60):
        assert set(book.resume_marker(0, minute, "crash")) <= rendered
    for cause in causes:
        assert set(book.break_marker(cause) + book.cause_name(cause) + book.resume_marker(0, 0, cause)) <= rendered


def test_a_break_of_another_day_is_not_spoken_as_one_of_today(book: PromptBook) -> None:
    assert "昨日十点" in book.text(book.resume_marker(10, 0, "power-loss", days_ago=1))
    assert "此前某日" in book.text(book.resume_marker(10, 0, "power-loss", days_ago=4))


def test_an_unknown_cause_is_spoken_as_not_stated(book: PromptBook) -> None:
    assert "未说明的原因" in book.text(book.resume_marker(9, 5, "no-such-cause"))


@pytest.mark.parametrize(
    ("ground", "spoken"),
    [
        ("因天气等自然原因无法使用的", "因天气等自然原因无法使用的情形中断，"),
        ("涉及个人隐私及商业秘密的", "因涉及个人隐私及商业秘密的情形中断，"),
        ("天气情况恶劣", "因天气情况恶劣中断，"),
    ],
)
def test_a_ground_of_a_text_makes_a_sentence_with_its_marker(ground: str, spoken: str) -> None:
    """WU A2-16, HN 7: grounds are clauses; one «因» is enough."""
    book = PromptBook(VoiceFacts(causes=(("ground", Words(ground, "a ground")),)))
    assert spoken in book.text(book.resume_marker(9, 5, "ground"))
    assert book.text(book.cause_name("ground")) == f"{ground}。", "the menu has the text's own words"


def test_the_menu_has_the_profile_s_causes_in_its_order(book: PromptBook) -> None:
    assert book.cause_codes() == ("weather", "place")
    assert book.text(book.cause_name("weather")) == "天气情况恶劣。"


def test_a_profile_s_words_replace_those_of_the_same_code() -> None:
    own = PromptBook(VoiceFacts(causes=(("battery", Words("电量不足以继续", "too little charge")),)))
    assert own.text(own.break_marker("battery")) == "电量不足以继续，录制中断。"


@pytest.mark.requirement("R4", "all")
def test_the_notice_is_the_profile_s_wording_with_the_names_in_it(book: PromptBook) -> None:
    utterance = book.notice()
    assert utterance is not None
    assert book.text(utterance) == NOTICE.replace("×××、×××", "甲某、单某")
    spoken = next(phrase.spoken for phrase in book.phrases if phrase.key == "notice")
    assert "shan4 某" in spoken


@pytest.mark.parametrize(
    ("wording", "slot"),
    [
        ("执法人员×××、×××，您好", "×××"),
        ("执法人员＊＊＊、＊＊＊，您好", "＊＊＊"),
        ("执法人员{officers}，您好", "×××"),
    ],
)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_all_officers_are_named_whatever_the_slots(wording: str, slot: str, count: int) -> None:
    names = "、".join(officer.name for officer in OFFICERS[:count])
    assert with_names(wording, OFFICERS[:count], slot) == f"执法人员{names}，您好"


@pytest.mark.parametrize("joint", [" and ", ", ", "、"])
def test_slots_of_either_language_take_the_names_once(joint: str) -> None:
    assert with_names(f"officers ×××{joint}××× of", OFFICERS[:2]) == "officers 甲某、单某 of"


def test_an_officer_s_name_is_never_taken_for_a_pattern() -> None:
    assert with_names("×××", (SpokenOfficer(r"\1某", "1"),)) == r"\1某"


def test_a_profile_without_notice_or_statement_asks_nothing() -> None:
    bare = PromptBook(VoiceFacts())
    keys = {phrase.key for phrase in bare.phrases}
    assert (bare.notice(), bare.statement_request(), bare.end_question(), bare.officers()) == (None, None, None, ())
    assert not keys & {"notice", "statement.request", "recording.end-question"}


@pytest.mark.requirement("R5", "wuhan", "inner-mongolia")
def test_the_statement_request_lists_the_profile_s_items(book: PromptBook) -> None:
    utterance = book.statement_request()
    assert utterance is not None
    assert book.text(utterance) == "请语音说明时间、地点、执法人员、执法对象和需要记录的执法环节。"


def test_officers_are_played_back_with_their_numbers_digit_by_digit(book: PromptBook) -> None:
    assert book.text(book.officers()) == "执法人员甲某，证号34010001。执法人员单某，证号34010002。"
    spoken = next(phrase.spoken for phrase in book.phrases if phrase.key == "officer:0")
    assert "三四零一零零零一" in spoken


def test_minutes_without_a_clip_of_their_own_are_rounded_down(book: PromptBook) -> None:
    assert book.text(book.minutes_left(95)) == "还可录制九十五分钟。"
    assert book.text(book.minutes_left(129)) == "还可录制一百二十分钟。"
    assert book.text(book.minutes_left(100_000)) == "还可录制二百四十分钟。"
    assert book.text(book.minutes_left(-3)) == "还可录制零分钟。"


def test_the_charge_is_spoken_in_percent(book: PromptBook) -> None:
    assert book.text(book.battery_at(8)) == "电量百分之八"
    assert book.text(book.battery_at(300)) == "电量百分之一百"


def test_every_check_of_the_preflight_has_words(book: PromptBook) -> None:
    assert [*CHECK_NAMES] == [*CHECKS, CAPTION] == [*CHECK_DEGRADED]
    assert book.text(book.check("speaker", failed=False)) == "没有听到扬声器的提示音。"
    for check in CHECK_NAMES:
        assert book.text(book.check(check, failed=True)).endswith("检查未通过。")
        assert book.text(book.check(check, failed=False)) != book.text(book.check(check, failed=True))


def test_english_is_spoken_throughout_but_the_notice_stays_in_the_agency_s_words() -> None:
    english = PromptBook(VoiceFacts(language=Language.ENGLISH, officers=OFFICERS, notice=NOTICE))
    assert english.text(english.resume_marker(14, 5, "battery")) == (
        "The recording at fourteen oh five was interrupted by low battery. It goes on now."
    )
    by_key = {phrase.key: phrase for phrase in english.phrases}
    assert by_key["notice"].language is Language.CHINESE
    assert by_key["officer:0"].spoken == "Officer 甲某, certificate 3 4 0 1 0 0 0 1."
    assert all(phrase.language is Language.ENGLISH for key, phrase in by_key.items() if key != "notice")


@pytest.mark.parametrize(
    "facts",
    [
        VoiceFacts(notice="我们是执法人员○○", name_slot="××", reminders=("本" * 2001,)),
        VoiceFacts(officers=(SpokenOfficer("甲某", "1", "jia3"),)),
        VoiceFacts(notice="执法人员＊＊＊", officers=OFFICERS),
    ],
)
def test_what_cannot_be_spoken_is_refused_before_anything_is_rendered(facts: VoiceFacts) -> None:
    with pytest.raises(ReadingError):
        PromptBook(facts)
