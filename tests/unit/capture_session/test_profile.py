"""The section `capture` of a profile: what loads, and what is refused with key, value and rule."""

import pytest
from pydantic import ValidationError

from capture.profile import MACHINE_CAUSES, CaptureProfile, Moment, Speaker
from capture.section import AGENCY_SETTING
from capture.states import SessionRules
from capture.voice.wording import MACHINE_CAUSES as WORDED
from tests.unit.capture_session.script import CAUSES, NOTICE, STATEMENT, profile


def test_an_empty_section_has_neither_notice_nor_statement_nor_explanation() -> None:
    rules = SessionRules.of(CaptureProfile())
    assert (rules.notice, rules.statement, rules.explanation_window_seconds) == (False, None, None)
    assert rules.announced_causes == ("unclassified",)
    assert (rules.blocking, rules.officers_least) == (False, None)


def test_rules_follow_the_profile() -> None:
    rules = SessionRules.of(profile(statement={**STATEMENT, "moment": "during"}, officers={"least": 2}))
    assert (rules.notice, rules.notice_by_officer, rules.statement) == (True, False, Moment.DURING)
    assert rules.announced_causes == ("equipment", "weather", "lunch", "unclassified")
    assert rules.allowed_causes == {"equipment", "weather", "camera-fault", "crash"}
    assert rules.officers_least == 2


def test_every_value_can_carry_its_clause() -> None:
    section = {
        "least": 2,
        "clauses": {"least": AGENCY_SETTING},
    }
    assert profile(officers=section).officers.clauses == {"least": AGENCY_SETTING}
    cause = {**CAUSES[0], "clauses": {"zh": "HN 12"}}
    assert profile(interruptions={"causes": [cause]}).interruptions.causes[0].clauses["zh"] == "HN 12"


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"unknown": 1}, "unknown"),
        ({"officers": {"least": 0}}, "officers.least"),
        ({"officers": {"clauses": {"most": "HN 8"}}}, "clauses names most"),
        ({"notice": {"wording": ""}}, "notice.wording"),
        ({"notice": {"wording": "没有名字", "name_slot": "×××"}}, "no name slot"),
        ({"notice": {"wording": "录音", "contains": "全程录音录像"}}, "must contain"),
        ({"notice": {**NOTICE, "speaker": "nobody"}}, "notice.speaker"),
        ({"statement": {"moment": "first", "items": []}}, "statement.items"),
        ({"statement": {**STATEMENT, "items_en": ["time"]}}, "items_en"),
        ({"interruptions": {"causes": [CAUSES[0], CAUSES[0]]}}, "each code may stand once"),
        (
            {"interruptions": {"causes": [CAUSES[0], {**CAUSES[1], "covers": ["crash"]}]}},
            "covered by one entry only",
        ),
        ({"interruptions": {"causes": [{**CAUSES[1], "covers": ["boredom"]}]}}, "covers names boredom"),
        ({"interruptions": {"causes": [{"code": "Bad Code", "zh": "x", "en": "y"}]}}, "causes.0.code"),
        ({"preflight": {"battery_percent_low": 5}}, "battery_percent_low"),
        ({"preflight": {"storage_minutes_low": 1}}, "storage_minutes_low"),
        ({"gestures": {"hold_ms": 10}}, "gestures.hold_ms"),
        ({"recording": {"frames_per_second": 500}}, "recording.frames_per_second"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_key_and_rule(sections: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        profile(**sections)
    text = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in refused.value.errors())
    assert message in text


def test_a_loaded_profile_cannot_be_changed() -> None:
    loaded = profile()
    with pytest.raises(ValidationError, match="frozen"):
        setattr(loaded, "notice", None)  # noqa: B010


def test_the_officer_may_be_the_speaker() -> None:
    loaded = profile(notice={**NOTICE, "speaker": "officer"})
    assert loaded.notice is not None
    assert loaded.notice.speaker is Speaker.OFFICER
    assert SessionRules.of(loaded).notice_by_officer


def test_every_machine_found_cause_has_words_of_its_own() -> None:
    assert set(WORDED) >= MACHINE_CAUSES
