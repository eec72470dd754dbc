"""Each shipped profile through the code that obeys it: a test for each rule, five agencies for each test (R1–R20)."""

from dataclasses import replace

import pytest

from agent.control_wire import CheckoutRequest, OfficerEntry
from agent.errors import AssignmentError
from agent.handover import handover_of
from agent.profile import Profile, load_profile, shipped_profiles
from capture import effects as fx
from capture import events as ev
from capture.profile import CaptureProfile
from capture.shell.speaking import voice_facts
from capture.states import State
from capture.voice.language import Language
from capture.voice.phrases import PromptBook
from sealing.records import (
    Break,
    CheckVerdict,
    ClockStep,
    Mark,
    Preflight,
    Prompt,
    PromptKind,
    SessionEnd,
    SessionStart,
)
from sync.alerts import AlertKind, alert_of
from sync.deadlines import DueKind, Period, due_time
from sync.deadlines import TransferFacts as Facts
from sync.rules import rules_of_profile
from sync.secrecy import Cargo, Line, may_leave
from tests.support.rules import profile_bytes
from tests.unit.capture_session.script import ASSIGNMENT, Driver, machine, result

EACH = pytest.mark.parametrize("name", shipped_profiles())
FIRST = OfficerEntry(name="张某", certificate_number="A001")
HOUR_NS = 3600 * 10**9
MIDDAY_UTC_NS = 1_772_510_400 * 10**9
"""2026-03-03, a Tuesday, 12:00 in China."""


def profile_of(name: str) -> Profile:
    return load_profile(name).profile


def capture_of(name: str) -> CaptureProfile:
    return profile_of(name).capture


@EACH
@pytest.mark.requirement("R1", "each")
def test_r1_a_failed_check_is_sealed_first_said_and_stops_nothing(name: str) -> None:
    driver = Driver(machine(capture_of(name)))
    driver.start(result(("battery", CheckVerdict.FAIL)))
    assert driver.sealed(Preflight)[0].verdict is CheckVerdict.FAIL
    assert driver.all(fx.BeginRun)
    assert fx.Phrase.PREFLIGHT in [speak.phrase for speak in driver.all(fx.Speak)]
    driver.until(State.RECORDING)


@EACH
@pytest.mark.requirement("R2", "each")
def test_r2_a_session_says_to_whom_the_unit_was_handed_or_that_it_was_not(name: str) -> None:
    unattributed = Driver(machine(capture_of(name)))
    unattributed.record()
    assert unattributed.sealed(SessionStart)[0].checkout_sequence is None
    assert fx.Phrase.NOT_CHECKED_OUT in [speak.phrase for speak in unattributed.all(fx.Speak)]
    driver = Driver(machine(capture_of(name)))
    driver.feed(ev.CheckedOut(ASSIGNMENT))
    driver.feed(ev.CheckoutSealed(41))
    driver.record()
    assert driver.sealed(SessionStart)[0].checkout_sequence == 41


@EACH
@pytest.mark.requirement("R3", "each")
@pytest.mark.requirement("R19", "each")
def test_r3_r19_each_activity_of_the_text_can_be_named_and_none_other(name: str) -> None:
    profile = profile_of(name)
    assert profile.activities.categories
    for category in profile.activities.categories:
        handover = handover_of(CheckoutRequest(officers=(FIRST,), category=category.code), profile)
        assert handover.assignment.category == category.code
    unnamed = handover_of(CheckoutRequest(officers=(FIRST,)), profile)
    assert "category-unknown" in [remark.code for remark in unnamed.remarks]
    with pytest.raises(AssignmentError, match="is not in the profile"):
        handover_of(CheckoutRequest(officers=(FIRST,), category="private"), profile)


@EACH
@pytest.mark.requirement("R3", "each")
def test_r3_what_the_unit_is_for_stands_where_the_text_says_it(name: str) -> None:
    """HN 4; WU A2-17(三); DL 5; WH and NM have no such article."""
    said = profile_of(name).activities.only_for
    assert (said is not None) is (name in {"huainan", "wuhu", "dalian-jinpu"})


@EACH
@pytest.mark.requirement("R4", "each")
def test_r4_the_notice_names_the_officers_and_is_sealed_with_its_words(name: str) -> None:
    capture = capture_of(name)
    book = PromptBook(voice_facts(capture, ASSIGNMENT, Language.CHINESE))
    driver = Driver(machine(capture))
    driver.record()
    spoken = [prompt for prompt in driver.sealed(Prompt) if prompt.kind is PromptKind.NOTICE]
    utterance = book.notice()
    if capture.notice is None:
        assert (utterance, spoken) == (None, [])
        return
    assert utterance is not None
    slot = capture.notice.name_slot
    words = capture.notice.wording if slot is None else capture.notice.wording.replace(f"{slot}、{slot}", "甲某、乙某")
    assert book.text(utterance) == words
    assert [prompt.heard for prompt in spoken] == [True]


@EACH
@pytest.mark.requirement("R5", "each")
def test_r5_the_statement_is_asked_for_with_its_items_or_not_at_all(name: str) -> None:
    capture = capture_of(name)
    book = PromptBook(voice_facts(capture, None, Language.CHINESE))
    driver = Driver(machine(capture))
    driver.record()
    states = [effect.state for effect in driver.all(fx.ShowState)]
    request = book.statement_request()
    assert ("statement" in states) is (capture.statement is not None) is (request is not None)
    if capture.statement is not None and request is not None:
        assert all(item in book.text(request) for item in capture.statement.items)


@EACH
@pytest.mark.requirement("R6", "each")
def test_r6_frames_are_kept_from_the_press_to_the_end_and_their_numbers_go_on_over_a_break(name: str) -> None:
    driver = Driver(machine(capture_of(name)))
    driver.record()
    driver.lose_camera()
    driver.frame()
    driver.until(State.RECORDING)
    driver.finish()
    assert driver.state() is State.IDLE
    begun = driver.all(fx.BeginRun)
    (broken,) = driver.sealed(Break)
    (ended,) = driver.sealed(SessionEnd)
    assert [run.run for run in begun] == [1, 2]
    assert (broken.last_frame, ended.frames) == (299, 600)


@EACH
@pytest.mark.requirement("R7", "each")
def test_r7_the_key_content_can_be_called_to_mind_and_marked_at_the_frame(name: str) -> None:
    capture = capture_of(name)
    wanted = capture.model_copy(update={"marks": capture.marks.model_copy(update={"reminders": True})})
    driver = Driver(machine(wanted))
    driver.record()
    for _ in range(len(capture.marks.key_content) + 1):
        driver.feed(ev.TimerFired(ev.Timer.PULSE))
    said = [speak.number for speak in driver.all(fx.Speak) if speak.kind is PromptKind.REMINDER]
    assert said == list(range(len(capture.marks.key_content)))
    driver.feed(ev.MarkPressed(driver.now_ns))
    driver.feed(ev.MarkLocated(1, 77, 5_000_000_000, driver.now_ns))
    assert driver.sealed(Mark)[0].frame == 77


@EACH
@pytest.mark.requirement("R8", "each")
def test_r8_the_menu_is_the_texts_list_and_what_is_not_in_it_is_flagged(name: str) -> None:
    capture = capture_of(name)
    announced = [cause for cause in capture.interruptions.causes if cause.announced]
    for steps, cause in enumerate(announced):
        driver = Driver(machine(capture))
        driver.record()
        driver.announce(steps)
        (broken,) = driver.sealed(Break)
        assert (broken.cause, broken.cause_allowed) == (cause.code, cause.allowed)
    driver = Driver(machine(capture))
    driver.record()
    driver.announce(len(announced))
    (broken,) = driver.sealed(Break)
    assert (broken.cause, broken.cause_allowed) == ("unclassified", False)


@EACH
@pytest.mark.requirement("R8", "each")
def test_r8_every_break_that_the_machine_finds_is_marked_aloud_with_its_cause(name: str) -> None:
    for cause in ("camera-fault", "storage-full", "battery"):
        driver = Driver(machine(capture_of(name)))
        driver.record()
        driver.feed(ev.CaptureLost(cause, driver.now_ns))
        driver.run_ended()
        driver.break_sealed()
        (broken,) = driver.sealed(Break)
        assert broken.cause == cause
        if driver.state() is State.INTERRUPTED and cause != "camera-fault":
            driver.feed(ev.ResumePressed(driver.now_ns))
        driver.frame()
        driver.until(State.RECORDING)
        marker = next(speak for speak in driver.all(fx.Speak) if speak.phrase is fx.Phrase.RESUME_MARKER)
        assert marker.cause == cause


@EACH
@pytest.mark.requirement("R9", "each")
def test_r9_who_cannot_go_on_is_reported_to_whom_the_text_names(name: str) -> None:
    """HN 12, DL 14, NM 13 name a superior; WU and WH name nobody."""
    rules = rules_of_profile(profile_bytes(name))
    named = {"huainan": "所属部门负责人", "dalian-jinpu": "部门负责人", "inner-mongolia": "本单位负责人"}.get(name)
    driver = Driver(machine(capture_of(name)))
    driver.record()
    driver.lose_camera()
    driver.feed(ev.FinishPressed(driver.now_ns))
    (ended,) = driver.sealed(SessionEnd)
    assert ended.reason == "cannot-continue"
    assert rules.report_to == named
    assert alert_of(ended, rules) is (None if named is None else AlertKind.CANNOT_CONTINUE)
    assert rules.written_explanation is (name != "wuhu")


@EACH
@pytest.mark.requirement("R11", "each")
def test_r11_the_store_knows_the_grounds_the_addressee_and_the_fields(name: str) -> None:
    """HN 7, WU A2-16, DL 9, NM 5¶3; WH has none."""
    section, rules = profile_of(name).exemption, rules_of_profile(profile_bytes(name))
    assert (section is None) is (rules.exemption is None) is (name == "wuhan")
    if section is not None and rules.exemption is not None:
        assert tuple(rules.exemption.grounds) == tuple(ground.code for ground in section.grounds)
        assert (rules.exemption.addressee, rules.exemption.fields) == (section.addressee, section.work_record_fields)


@EACH
@pytest.mark.requirement("R15", "each")
def test_r15_units_share_an_activity_by_its_id(name: str) -> None:
    profile = profile_of(name)
    given = [
        handover_of(CheckoutRequest(officers=(officer,), activity_id="act-7"), profile).assignment.activity_id
        for officer in (FIRST, OfficerEntry(name="李某", certificate_number="A002"))
    ]
    assert given == ["act-7", "act-7"]


@EACH
@pytest.mark.requirement("R16", "each")
def test_r16_a_label_is_of_the_text_and_keeps_footage_off_the_radio_where_the_agency_says_so(name: str) -> None:
    profile, rules = profile_of(name), rules_of_profile(profile_bytes(name))
    classes = [each.code for each in profile.secrecy.classes] if profile.secrecy else []
    for code in classes:
        assert handover_of(CheckoutRequest(officers=(FIRST,), label=code), profile).assignment.label == code
        kept_off = code in rules.radio.files_forbidden
        assert may_leave(Cargo.FILES, code, Line.RADIO, rules.radio) is not kept_off
        assert may_leave(Cargo.FILES, code, Line.WIRE, rules.radio)
    assert ("state-secret" in rules.radio.files_forbidden) is ("state-secret" in classes)
    with pytest.raises(AssignmentError, match="--label 'unheard-of' is not in the profile"):
        handover_of(CheckoutRequest(officers=(FIRST,), label="unheard-of"), profile)


@EACH
@pytest.mark.requirement("R17", "each")
def test_r17_a_step_of_the_clock_is_sealed_in_a_recording(name: str) -> None:
    driver = Driver(machine(capture_of(name)))
    driver.record()
    driver.feed(ev.ClockStepped(-90 * 10**9, "rtc", "network"))
    (step,) = driver.sealed(ClockStep)
    assert (step.step_ns, step.source_before, step.source_after) == (-90 * 10**9, "rtc", "network")
    assert driver.state() is State.RECORDING


@EACH
@pytest.mark.requirement("R18", "each")
def test_r18_the_time_for_a_repair_is_wuhus_alone(name: str) -> None:
    """WU A2-14; everywhere a fault is an alert."""
    rules = rules_of_profile(profile_bytes(name))
    assert rules.repair_hours == (24 if name == "wuhu" else None)


LIMITS = {
    "huainan": (Period(hours=4), Period(hours=24)),
    "wuhu": (Period(hours=24), None),
    "dalian-jinpu": (Period(hours=4), Period(hours=24)),
    "wuhan": (Period(working_days=2), Period(working_days=1)),
    "inner-mongolia": (Period(hours=24), Period(hours=24)),
}


@EACH
@pytest.mark.requirement("R20", "each")
def test_r20_due_times_are_those_of_the_text(name: str) -> None:
    """HN 14, WU A2-9, DL 18, WH 26, NM 22; the hours of 第一时间 are the agency's setting."""
    rules = rules_of_profile(profile_bytes(name))
    transfer = rules.sync.transfer.rule()
    assert (transfer.normal, transfer.exception) == LIMITS[name]
    ended = Facts(MIDDAY_UTC_NS)
    due = due_time(transfer, ended, rules.table())
    assert due.kind is DueKind.NORMAL
    hours = transfer.normal.hours
    assert due.due_utc_ns == MIDDAY_UTC_NS + (60 if hours is None else hours) * HOUR_NS, "two working days end at 24:00"
    away = replace(ended, exception_reason="remote", returned_utc_ns=MIDDAY_UTC_NS + 72 * HOUR_NS)
    claimed = due_time(transfer, away, rules.table())
    assert (claimed.kind, claimed.exception_refused) == (
        (DueKind.NORMAL, True) if name == "wuhu" else (DueKind.EXCEPTION, False)
    )
