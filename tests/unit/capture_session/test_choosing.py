"""A mark's category, the notice for another party, and exemptions with their spoken memo (CS-15 to CS-17)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.profile import load_profile, shipped_profiles
from capture import effects as fx
from capture import events as ev
from capture.cues import Cue
from capture.profile import CaptureProfile, ExemptionGround
from capture.states import Machine, SessionRules, State
from capture.turn import IllegalEventError
from sealing.records import Break, BreakOrigin, Event, Mark, Prompt, PromptKind, VoicePurpose, VoiceWindow
from tests.unit.capture_session.script import BOOT, Driver, profile

CATEGORIES = {
    "categories": [
        {"code": "scene", "zh": "现场环境", "en": "the scene"},
        {"code": "persons", "zh": "当事人言行", "en": "persons"},
    ]
}
GROUNDS = (
    ExemptionGround(code="secrets", zh="涉及国家秘密的", en="secrets", stops=True),
    ExemptionGround(code="emergency", zh="情况紧急的", en="emergency"),
)


def recording(policy: CaptureProfile | None = None, grounds: tuple[ExemptionGround, ...] = GROUNDS) -> Driver:
    """A driver that records plainly."""
    rules = SessionRules.of(policy or profile(marks=CATEGORIES), grounds)
    driver = Driver(Machine(rules, "sample", b"\x01" * 32, BOOT))
    driver.record()
    return driver


def mark(driver: Driver, frame: int = 100) -> None:
    driver.feed(ev.MarkPressed(driver.now_ns))
    located(driver, frame)


def located(driver: Driver, frame: int = 100) -> None:
    driver.feed(ev.MarkLocated(driver.session.marks, frame, 5_000, driver.now_ns))


def events(driver: Driver, code: str) -> list[Event]:
    return [body for body in driver.sealed(Event) if body.code == code]


def last_words(driver: Driver) -> tuple[fx.Phrase, str | None]:
    speak = driver.last(fx.Speak)
    return speak.phrase, speak.cause


@pytest.mark.requirement("R7", "all")
def test_a_mark_is_sealed_at_once_and_again_with_the_category_that_is_confirmed_cs_16() -> None:
    """CS-16: R7."""
    driver = recording()
    mark(driver, frame=100)
    driver.feed(ev.CategoryPressed(driver.now_ns))
    assert driver.state() is State.CHOOSING
    assert last_words(driver) == (fx.Phrase.CATEGORY_MENU, "scene")
    driver.feed(ev.CauseStepped(driver.now_ns))
    assert last_words(driver) == (fx.Phrase.CATEGORY, "persons")
    driver.feed(ev.CauseConfirmed(driver.now_ns))
    assert driver.state() is State.RECORDING
    assert [(each.number, each.frame, each.category) for each in driver.sealed(Mark)] == [
        (1, 100, None),
        (1, 100, "persons"),
    ]
    assert driver.session.marks == 1


def test_a_category_confirmed_before_the_frame_is_found_goes_with_the_frame_cs_16() -> None:
    """CS-16."""
    driver = recording()
    driver.feed(ev.MarkPressed(driver.now_ns))
    driver.feed(ev.CategoryPressed(driver.now_ns))
    driver.feed(ev.CauseConfirmed(driver.now_ns))
    assert driver.sealed(Mark) == []
    located(driver, frame=77)
    assert [(each.number, each.frame, each.category) for each in driver.sealed(Mark)] == [(1, 77, "scene")]


def test_a_mark_by_command_has_its_category_at_once_whatever_is_being_chosen_cs_16() -> None:
    """CS-16, CS-12."""
    driver = recording()
    driver.feed(ev.BreakPressed(driver.now_ns))
    assert driver.state() is State.ANNOUNCING
    driver.feed(ev.MarkPressed(driver.now_ns, "persons"))
    located(driver, frame=12)
    assert [(each.frame, each.category) for each in driver.sealed(Mark)] == [(12, "persons")]


@pytest.mark.parametrize("marks", [{}, CATEGORIES])
def test_without_categories_or_without_a_mark_the_gesture_is_refused_and_told_cs_16(marks: dict[str, object]) -> None:
    """CS-16."""
    driver = recording(profile(marks=marks))
    if not marks:
        mark(driver)
    made = driver.feed(ev.CategoryPressed(driver.now_ns))
    assert fx.GiveCue(Cue.REFUSED) in made
    assert last_words(driver) == (fx.Phrase.REFUSED, None)
    assert driver.state() is State.RECORDING


def test_a_menu_that_nobody_confirms_is_withdrawn_and_the_mark_stands_cs_16() -> None:
    """CS-16."""
    for close in (ev.BreakPressed(0), ev.TimerFired(ev.Timer.ANNOUNCE)):
        driver = recording()
        mark(driver)
        driver.feed(ev.CategoryPressed(driver.now_ns))
        driver.feed(close)
        assert driver.state() is State.RECORDING
        assert [each.category for each in driver.sealed(Mark)] == [None]
        assert driver.session.menu is None


def test_the_pulse_goes_on_while_something_is_chosen() -> None:
    driver = recording()
    driver.feed(ev.GroundPressed(driver.now_ns))
    assert fx.GiveCue(Cue.STILL_RECORDING) in driver.feed(ev.TimerFired(ev.Timer.PULSE))
    assert driver.state() is State.CHOOSING


def test_a_camera_that_is_lost_puts_the_menu_away_and_breaks_off() -> None:
    driver = recording()
    driver.feed(ev.GroundPressed(driver.now_ns))
    driver.lose_camera()
    assert driver.state() is State.INTERRUPTED
    assert driver.session.menu is None
    assert driver.sealed(Break)[0].cause == "camera-fault"


@pytest.mark.requirement("R11", "huainan", "wuhu", "dalian-jinpu")
def test_the_exemption_is_sealed_before_the_memo_is_asked_for_and_its_window_behind_it_cs_17() -> None:
    """CS-17: R11."""
    driver = recording()
    driver.feed(ev.GroundPressed(driver.now_ns))
    assert last_words(driver) == (fx.Phrase.GROUND_MENU, "secrets")
    driver.feed(ev.CauseStepped(driver.now_ns))
    made = driver.feed(ev.CauseConfirmed(driver.now_ns))
    kinds = [type(effect) for effect in made if isinstance(effect, fx.Seal | fx.Speak)]
    assert kinds == [fx.Seal, fx.Speak]
    (exemption,) = events(driver, "exemption")
    assert (exemption.session_id, exemption.values) == (driver.session.session_id, (("ground", 2),))
    assert driver.last(fx.Seal).private == {"ground": "emergency"}
    driver.spoken()
    assert driver.last(fx.OpenWindow).purpose is VoicePurpose.MEMO
    driver.answered()
    assert driver.state() is State.RECORDING
    window = driver.sealed(VoiceWindow)[-1]
    assert (window.purpose, window.accepted, window.final) == (VoicePurpose.MEMO, True, True)
    assert driver.sealed(Break) == []


@pytest.mark.requirement("R11", "huainan", "wuhu", "dalian-jinpu")
def test_a_break_on_a_ground_of_the_text_makes_its_exemption_behind_the_break_cs_17() -> None:
    """CS-17: R11."""
    driver = recording()
    causes = driver.machine.rules.announced_causes
    driver.announce(steps=causes.index("secrets"))
    broken, exemption, reason = driver.order()[-3:]
    assert isinstance(broken, Break)
    assert isinstance(exemption, Event)
    assert isinstance(reason, VoiceWindow)
    assert (broken.cause, broken.cause_allowed, exemption.code) == ("secrets", True, "exemption")
    assert dict(exemption.values) == {"ground": 1, "break": broken.number}
    assert [seal.private for seal in driver.all(fx.Seal) if seal.body == exemption] == [{"ground": "secrets"}]
    other = recording()
    other.announce()
    assert events(other, "exemption") == []


def test_a_memo_that_nobody_speaks_is_sealed_so_and_not_asked_for_twice_cs_17() -> None:
    """CS-17."""
    driver = recording()
    driver.feed(ev.Exempted("secrets", driver.now_ns))
    driver.spoken()
    driver.answered(accepted=False)
    assert driver.state() is State.RECORDING
    window = driver.sealed(VoiceWindow)[-1]
    assert (window.purpose, window.accepted, window.final) == (VoicePurpose.MEMO, False, True)
    assert driver.session.unexplained == 0


BORDERS: dict[str, Callable[[int], ev.Event]] = {
    "break": ev.BreakPressed,
    "finish": ev.FinishPressed,
    "camera": lambda at_ns: ev.CaptureLost("camera-fault", at_ns),
    "chain": lambda _at_ns: ev.SealingLost("the medium fails"),
    "stop": lambda _at_ns: ev.StopRequested(),
    "another": lambda at_ns: ev.Exempted("emergency", at_ns),
}


@pytest.mark.parametrize("asked", [False, True], ids=["being asked for", "being listened to"])
@pytest.mark.parametrize("border", BORDERS)
def test_a_memo_that_another_border_cuts_off_is_sealed_as_missing_cs_17(border: str, *, asked: bool) -> None:
    """CS-17, CS-10: once, at the time at which it was wanted."""
    driver = recording()
    wanted_ns = driver.now_ns
    driver.feed(ev.Exempted("secrets", wanted_ns))
    if asked:
        driver.spoken()
    driver.feed(BORDERS[border](wanted_ns + 5_000_000_000))
    (memo,) = [window for window in driver.sealed(VoiceWindow) if window.purpose is VoicePurpose.MEMO]
    assert (memo.accepted, memo.final, memo.break_sequence) == (False, True, None)
    assert memo.opened_media_time_ns == memo.closed_media_time_ns == wanted_ns - (driver.session.zero_boottime_ns or 0)


def test_an_exemption_during_an_explanation_lets_the_explanation_be_asked_for_again_cs_17() -> None:
    """CS-17, CS-10."""
    driver = recording()
    driver.lose_camera()
    driver.frame()
    driver.spoken(heard=True)
    assert driver.state() is State.RESUMING
    driver.feed(ev.Exempted("secrets", driver.now_ns))
    driver.until(State.RECORDING)
    purposes = [window.purpose for window in driver.sealed(VoiceWindow)]
    assert purposes[-2:] == [VoicePurpose.MEMO, VoicePurpose.EXPLANATION]
    assert driver.session.unexplained == 0


def test_between_recordings_and_in_a_break_the_exemption_stands_without_a_memo_cs_17() -> None:
    """CS-17: R11, «made on the unit or later»."""
    idle = Driver(Machine(SessionRules.of(profile(), GROUNDS), "sample", b"\x01" * 32, BOOT))
    idle.feed(ev.Exempted("emergency", idle.now_ns))
    assert [(each.session_id, each.values) for each in events(idle, "exemption")] == [(None, (("ground", 2),))]
    assert idle.all(fx.OpenWindow) == []
    broken = recording()
    broken.announce()
    broken.feed(ev.Exempted("secrets", broken.now_ns))
    assert events(broken, "exemption")[0].session_id == broken.session.session_id
    assert broken.state() is State.INTERRUPTED


@pytest.mark.parametrize("state", [State.STARTING, State.FINISHING, State.ANNOUNCING, State.CHOOSING])
def test_an_exemption_that_comes_at_a_bad_moment_is_refused_and_nothing_is_sealed_cs_17(state: State) -> None:
    """CS-17: whoever asked by command hears of it."""
    driver = Driver(Machine(SessionRules.of(profile(), GROUNDS), "sample", b"\x01" * 32, BOOT))
    if state is State.STARTING:
        driver.press()
    else:
        driver.record()
        presses: dict[State, ev.Event] = {
            State.FINISHING: ev.FinishPressed(driver.now_ns),
            State.ANNOUNCING: ev.BreakPressed(driver.now_ns),
            State.CHOOSING: ev.GroundPressed(driver.now_ns),
        }
        driver.feed(presses[state])
    assert driver.state() is state
    with pytest.raises(IllegalEventError, match="an exemption is taken"):
        driver.feed(ev.Exempted("secrets", driver.now_ns))
    assert events(driver, "exemption") == []


@pytest.mark.requirement("R11", "wuhan")
def test_a_profile_without_grounds_refuses_the_gesture_cs_17() -> None:
    """CS-17: WH has no list of exemptions."""
    driver = recording(grounds=())
    made = driver.feed(ev.GroundPressed(driver.now_ns))
    assert fx.GiveCue(Cue.REFUSED) in made
    assert driver.state() is State.RECORDING
    with pytest.raises(IllegalEventError, match="ground 'secrets' is not in the profile, which has none"):
        driver.feed(ev.Exempted("secrets", driver.now_ns))
    assert events(driver, "exemption") == []


def test_secrecy_stops_a_recording_only_where_the_text_lets_it_stop_cs_17() -> None:
    """CS-17: R8, R11."""
    driver = recording()
    causes = driver.machine.rules.announced_causes
    assert causes == ("equipment", "weather", "lunch", "secrets", "unclassified")
    driver.announce(steps=3)
    (broken,) = driver.sealed(Break)
    assert (broken.cause, broken.cause_allowed, broken.origin) == ("secrets", True, BreakOrigin.ANNOUNCED)


STOPPING = {
    "huainan": ("secrets-privacy", "emergency", "objective-cause"),
    "wuhu": ("privacy-trade-secret", "natural-cause", "obstruction", "force-majeure"),
    "dalian-jinpu": ("force-majeure",),
    "wuhan": (),
    "inner-mongolia": (),
}
"""HN 7, WU A2-16, DL 9 let a recording stop; NM 5 lets it not begin; WH has no list."""


@pytest.mark.parametrize("name", shipped_profiles())
@pytest.mark.requirement("R11", "all")
def test_each_texts_grounds_and_no_others_are_in_the_menu_of_the_announced_break(name: str) -> None:
    """HN 7, WU A2-16, DL 9: R8, R11; no secrecy or privacy in DL's, WH's and NM's."""
    loaded = load_profile(name).profile
    own = tuple(cause.code for cause in loaded.capture.interruptions.causes)
    rules = SessionRules.of(loaded.capture, loaded.grounds)
    assert rules.announced_causes == (*own, *STOPPING[name], "unclassified")
    assert set(STOPPING[name]) <= rules.allowed_causes
    refused = not loaded.grounds
    driver = recording(loaded.capture, loaded.grounds)
    driver.feed(ev.GroundPressed(driver.now_ns))
    assert (driver.state() is State.RECORDING) is refused
    assert refused is (name == "wuhan")


@pytest.mark.requirement("R4", "huainan", "wuhu", "dalian-jinpu", "inner-mongolia")
def test_the_notice_is_said_again_with_its_proof_for_another_party_cs_15() -> None:
    """CS-15: R4."""
    driver = recording()
    over_before = driver.all(fx.NoticeOver)
    driver.feed(ev.NoticePressed(driver.now_ns))
    assert driver.state() is State.NOTICE
    speak = driver.last(fx.Speak)
    assert (speak.phrase, speak.proof) == (fx.Phrase.NOTICE, True)
    driver.spoken(heard=True)
    assert driver.state() is State.RECORDING
    prompts = [prompt for prompt in driver.sealed(Prompt) if prompt.kind is PromptKind.NOTICE]
    assert [prompt.repetition for prompt in prompts] == [0, 0]
    assert len(events(driver, "notice-repeated")) == 1
    assert driver.all(fx.NoticeOver) == over_before


def test_a_repeated_notice_that_is_not_heard_is_said_once_more_and_flagged_cs_15() -> None:
    """CS-15, CS-6."""
    driver = recording()
    driver.feed(ev.NoticePressed(driver.now_ns))
    driver.spoken(heard=False)
    driver.spoken(heard=False)
    assert len(events(driver, "notice-not-heard")) == 1
    assert driver.state() is State.RECORDING


def test_a_profile_without_a_notice_refuses_to_repeat_it_cs_15() -> None:
    """CS-15: WH has no notice."""
    driver = recording(load_profile("wuhan").profile.capture)
    assert fx.GiveCue(Cue.REFUSED) in driver.feed(ev.NoticePressed(driver.now_ns))
    assert events(driver, "notice-repeated") == []


def test_while_something_is_being_asked_the_notice_waits_for_another_press_cs_15() -> None:
    """CS-15, CS-8: the press is answered."""
    driver = Driver()
    driver.start()
    assert driver.state() is State.NOTICE
    assert fx.GiveCue(Cue.REFUSED) in driver.feed(ev.NoticePressed(driver.now_ns))


def menu(driver: Driver) -> list[str | None]:
    """What the menu offers, entry by entry, once round."""
    driver.feed(ev.MenuPressed(driver.now_ns))
    offered = [last_words(driver)[1]]
    while True:
        driver.feed(ev.CauseStepped(driver.now_ns))
        if last_words(driver)[1] == offered[0]:
            return offered
        offered.append(last_words(driver)[1])


def choose(driver: Driver, entry: str) -> None:
    driver.feed(ev.MenuPressed(driver.now_ns))
    while last_words(driver)[1] != entry:
        driver.feed(ev.CauseStepped(driver.now_ns))
    driver.feed(ev.CauseConfirmed(driver.now_ns))


def test_one_button_reaches_everything_that_two_reach_cs_35() -> None:
    """CS-35."""
    driver = recording()
    assert menu(driver) == ["break", "notice", "ground"]
    driver.feed(ev.BreakPressed(driver.now_ns))
    assert driver.state() is State.RECORDING
    mark(driver)
    assert menu(driver) == ["break", "notice", "category", "ground"]


@pytest.mark.parametrize(
    ("entry", "state", "phrase"),
    [
        ("break", State.ANNOUNCING, fx.Phrase.CAUSE_MENU),
        ("notice", State.NOTICE, fx.Phrase.NOTICE),
        ("category", State.CHOOSING, fx.Phrase.CATEGORY_MENU),
        ("ground", State.CHOOSING, fx.Phrase.GROUND_MENU),
    ],
)
def test_what_is_held_for_in_the_menu_is_done_cs_35(entry: str, state: State, phrase: fx.Phrase) -> None:
    """CS-35."""
    driver = recording()
    mark(driver)
    choose(driver, entry)
    assert (driver.state(), last_words(driver)[0]) == (state, phrase)


@pytest.mark.requirement("R7", "all")
@pytest.mark.requirement("R11", "huainan", "wuhu", "dalian-jinpu")
def test_one_button_gives_a_mark_its_category_and_an_exemption_its_ground_cs_35() -> None:
    """CS-35, CS-16, CS-17."""
    driver = recording()
    mark(driver, frame=50)
    choose(driver, "category")
    driver.feed(ev.CauseStepped(driver.now_ns))
    driver.feed(ev.CauseConfirmed(driver.now_ns))
    assert [(each.frame, each.category) for each in driver.sealed(Mark)] == [(50, None), (50, "persons")]
    choose(driver, "ground")
    driver.feed(ev.CauseConfirmed(driver.now_ns))
    assert driver.last(fx.Seal).private == {"ground": "secrets"}


def test_the_notice_is_offered_only_when_nothing_else_is_said_or_asked_cs_35() -> None:
    """CS-35, CS-15."""
    driver = Driver()
    driver.start()
    assert driver.state() is State.NOTICE
    assert "notice" not in menu(Driver(driver.machine))


def test_where_a_break_is_all_there_is_its_causes_are_offered_at_once_cs_35() -> None:
    """CS-35."""
    driver = recording(profile(notice=None), grounds=())
    driver.feed(ev.MenuPressed(driver.now_ns))
    assert driver.state() is State.ANNOUNCING
    assert last_words(driver) == (fx.Phrase.CAUSE_MENU, "equipment")


def test_an_entry_that_comes_by_command_meanwhile_moves_nothing_cs_35() -> None:
    """CS-35: what was heard last is what is taken."""
    driver = recording()
    driver.feed(ev.MenuPressed(driver.now_ns))
    for _ in range(2):
        driver.feed(ev.CauseStepped(driver.now_ns))
    assert last_words(driver) == (fx.Phrase.ACTION, "ground")
    mark(driver)
    driver.feed(ev.CauseConfirmed(driver.now_ns))
    assert last_words(driver)[0] is fx.Phrase.GROUND_MENU


CATEGORIES_OF = {"huainan": 3, "wuhu": 1, "dalian-jinpu": 6, "wuhan": 6, "inner-mongolia": 7}


@pytest.mark.parametrize("name", shipped_profiles())
@pytest.mark.requirement("R7", "all")
def test_each_texts_key_content_are_its_categories_and_certificates_where_it_has_them_shown(name: str) -> None:
    """HN 10, DL 12, WH 19, NM 10: R7. «出示执法证件» is a mark for WU A3, DL 13, WH 14, NM 9(二), not for HN: R4."""
    marks = load_profile(name).profile.capture.marks
    words = [each.zh for each in marks.categories if each.code != "certificates-shown"]
    assert words == list(marks.key_content)
    shown = [each.clauses["zh"] for each in marks.categories if each.code == "certificates-shown"]
    expected = {"wuhu": ["WU A3 row 1"], "dalian-jinpu": ["DL 13"], "wuhan": ["WH 14"], "inner-mongolia": ["NM 9(二)"]}
    assert shown == expected.get(name, [])
    assert len(marks.categories) == CATEGORIES_OF[name]
