"""Labels that are missing, as the unit names, counts, shows and says them (R22, CS-36)."""

from datetime import datetime
from pathlib import Path

import pytest

from agent.cli.labels import status_rows
from agent.cli.surroundings import Surroundings
from agent.config import Language as ConfigLanguage
from agent.control_wire import CheckoutRequest, OfficerEntry
from agent.due import DueStanding, LabelWords
from agent.errors import AssignmentError
from agent.handover import handover_of
from agent.profile import load_profile
from agent.status import _due, _plain
from agent.voices import spoken_labels
from capture import effects as fx
from capture import events as ev
from capture.shell.speaking import Speech, voice_facts
from capture.voice.cache import VoiceCache
from capture.voice.language import Language
from capture.voice.phrases import PromptBook
from sealing.records import PromptKind
from tests.support.clocks import START_UTC_NS
from tests.unit.agent.test_due import AT_NOON_NS, CST, HOUR_NS, Unit
from tests.unit.capture_session.script import Driver

FIRST = OfficerEntry(name="甲某", certificate_number="A001")
CASE = LabelWords("case-number", "案号", "case number")
HANDLER = LabelWords("handler", "承办人姓名", "name of the handler")
DEPARTMENT = LabelWords("department", "科室", "department")


@pytest.mark.parametrize(
    ("name", "given", "zh", "en"),
    [
        (
            "wuhan",
            {"fields": {"party": "甲某药房"}},
            "尚缺标签：案号、承办人姓名，应随录制资料按期补齐",
            "labels missing: case number, name of the handler; due with the recordings",
        ),
        ("wuhan", {"fields": {"party": "甲某药房", "case-number": "2026-18", "handler": "乙某"}}, None, None),
        ("wuhu", {}, "尚缺标签：科室", "labels missing: department"),
        ("wuhu", {"department": "稽查科"}, None, None),
        ("huainan", {}, None, None),
        ("inner-mongolia", {}, None, None),
    ],
)
@pytest.mark.requirement("R22", "huainan", "wuhu", "wuhan", "inner-mongolia")
def test_check_out_names_the_labels_that_were_not_given_cs_36(
    name: str, given: dict[str, object], zh: str | None, en: str | None
) -> None:
    """CS-36: WH 26¶2, WU A2-10; the other texts want none."""
    request = CheckoutRequest.model_validate({"officers": (FIRST,), **given})
    said = [(one.zh, one.en) for one in handover_of(request, load_profile(name).profile).remarks]
    assert [one for one in said if "标签" in one[0]] == ([] if zh is None else [(zh, en)])


@pytest.mark.requirement("R22", "huainan", "wuhu", "dalian-jinpu", "wuhan", "inner-mongolia")
def test_a_department_is_taken_where_the_text_keeps_footage_by_it_and_nowhere_else() -> None:
    """WU A2-10."""
    request = CheckoutRequest(officers=(FIRST,), department="稽查科")
    assert handover_of(request, load_profile("wuhu").profile).assignment.department == "稽查科"
    for name in ("huainan", "wuhan", "dalian-jinpu", "inner-mongolia"):
        with pytest.raises(AssignmentError, match="--department '稽查科': leave it out"):
            handover_of(request, load_profile(name).profile)


def test_the_unit_counts_what_is_missing_until_the_recording_is_handed_over_cs_36(tmp_path: Path) -> None:
    """CS-36, WH 26¶2: each label once, due with the earliest recording that lacks one."""
    unit = Unit(tmp_path, "wuhan")
    unit.labels = ("party", "handler")
    unit.record()
    first = unit.book.look()
    assert (first.labels_missing, first.labels_due_utc_ns) == ((CASE,), first.due_utc_ns)
    unit.clock.advance(3 * 24 * 3600)
    unit.labels = ("party",)
    unit.record(b"session-00000009")
    both = unit.book.look()
    assert (both.labels_missing, both.labels_due_utc_ns) == ((CASE, HANDLER), first.due_utc_ns)
    unit.writer.halt("stop")
    unit.receipted = frozenset(range(1, 9))
    assert unit.book.look() == DueStanding()


def test_what_another_recording_still_owes_does_not_move_the_labels_time(tmp_path: Path) -> None:
    unit = Unit(tmp_path, "wuhan")
    unit.record()
    unit.clock.advance(3 * 24 * 3600)
    unit.labels = ()
    unit.record(b"session-00000009")
    found = unit.book.look()
    assert found.due_utc_ns is not None
    assert found.labels_due_utc_ns is not None
    assert found.labels_due_utc_ns > found.due_utc_ns


def test_a_missing_department_has_no_time(tmp_path: Path) -> None:
    """WU A2-10 has no limit for it."""
    unit = Unit(tmp_path, "wuhu")
    unit.department = None
    unit.record()
    found = unit.book.look()
    assert (found.labels_missing, found.labels_due_utc_ns) == ((DEPARTMENT,), None)


@pytest.mark.parametrize(
    ("language", "rows"),
    [
        (ConfigLanguage.ZH, [("尚缺标签", "案号、承办人姓名"), ("标签补齐期限", "2026-01-01 08:00")]),
        (
            ConfigLanguage.EN,
            [("Labels missing", "case number, name of the handler"), ("Labels due by", "2026-01-01 08:00")],
        ),
    ],
)
def test_status_shows_what_is_missing_and_by_when_cs_36(language: ConfigLanguage, rows: list[tuple[str, str]]) -> None:
    """CS-36."""
    due = DueStanding(sessions=1, labels_missing=(CASE, HANDLER), labels_due_utc_ns=AT_NEW_YEAR_NS)
    shown = list(status_rows(_plain({"due": _due(due, START_UTC_NS)}), Surroundings(None, language)))
    assert [row for row in shown if row[0] in {name for name, _ in rows}] == rows


AT_NEW_YEAR_NS = int(datetime(2026, 1, 1, 8, 0, tzinfo=CST).timestamp()) * 10**9


def spoken(tmp_path: Path, name: str, language: Language, codes: tuple[str, ...], due_utc_ns: int | None) -> str:
    profile = load_profile(name).profile
    facts = voice_facts(profile.capture, None, language, labels=spoken_labels(profile))
    speech = Speech(VoiceCache(tmp_path), PromptBook(facts), CST)
    wish = fx.Speak(1, PromptKind.STATUS, fx.Phrase.LABELS, at_utc_ns=due_utc_ns, codes=codes)
    return speech.book.text(speech.utterance(wish, AT_NOON_NS))


@pytest.mark.parametrize(
    ("name", "codes", "hours", "words"),
    [
        (
            "wuhan",
            ("handler", "case-number"),
            36,
            "录制资料尚缺标签。案号。承办人姓名。标签应于明日二十三点五十九分前补齐。",
        ),
        ("wuhan", ("party",), -1, "录制资料尚缺标签。当事人姓名或者名称。标签已逾期未补，请立即补齐。"),
        ("wuhan", ("party",), None, "录制资料尚缺标签。当事人姓名或者名称。"),
        ("wuhu", ("department",), None, "录制资料尚缺标签。科室。"),
        ("wuhan", ("of-another-profile",), None, "录制资料尚缺标签。"),
    ],
)
def test_the_labels_that_are_missing_are_spoken_with_their_time_cs_36(
    tmp_path: Path, name: str, codes: tuple[str, ...], hours: int | None, words: str
) -> None:
    """CS-36."""
    due_utc_ns = None if hours is None else AT_NOON_NS + hours * HOUR_NS
    assert spoken(tmp_path, name, Language.CHINESE, codes, due_utc_ns) == words


def test_they_are_spoken_in_english_too(tmp_path: Path) -> None:
    said = spoken(tmp_path, "wuhan", Language.ENGLISH, ("party",), AT_NOON_NS + 4 * HOUR_NS)
    assert said.startswith("Recordings lack labels. name of the party. Labels have to be given by today,")


@pytest.mark.parametrize(("name", "count"), [("huainan", 0), ("wuhu", 1), ("wuhan", 3)])
def test_the_words_of_each_label_are_rendered_ahead(name: str, count: int) -> None:
    profile = load_profile(name).profile
    book = PromptBook(voice_facts(profile.capture, None, Language.CHINESE, labels=spoken_labels(profile)))
    assert len([phrase for phrase in book.phrases if phrase.key.startswith("label:")]) == count


@pytest.mark.parametrize(
    ("told", "phrases"),
    [
        (ev.DueTold(5, ("party",), 6), [(fx.Phrase.DUE, 5, ()), (fx.Phrase.LABELS, 6, ("party",))]),
        (ev.DueTold(None, ("party",)), [(fx.Phrase.LABELS, None, ("party",))]),
        (ev.DueTold(5), [(fx.Phrase.DUE, 5, ())]),
        (ev.DueTold(None), []),
    ],
)
def test_docked_the_unit_says_what_is_due_and_what_is_missing_cs_36(
    told: ev.DueTold, phrases: list[tuple[fx.Phrase, int | None, tuple[str, ...]]]
) -> None:
    """CS-36; nothing of it while it records."""
    driver = Driver()
    driver.feed(told)
    assert [(one.phrase, one.at_utc_ns, one.codes) for one in driver.all(fx.Speak)] == phrases
    driver.record()
    before = len(driver.all(fx.Speak))
    driver.feed(told)
    assert len(driver.all(fx.Speak)) == before
