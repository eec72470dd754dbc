"""What each record changes in what the unit knows after a restart, field by field (CS-9)."""

from dataclasses import replace

import pytest

from capture import effects as fx
from capture import events as ev
from capture.moves.standing import held_assignment
from capture.resume import LastKnown, PendingBreak, Resumption, SealedBody, fold, plan, replay, settled
from capture.states import State, snapshot
from hal.values import ClockReading, TimeSource
from sealing.records import (
    Break,
    BreakOrigin,
    CheckVerdict,
    Preflight,
    Prompt,
    PromptKind,
    Resume,
    SessionEnd,
    SessionStart,
    StateSnapshot,
    VoicePurpose,
    VoiceWindow,
)
from tests.unit.capture_session.script import BOOT, CIVIL_OFFSET_NS, SECOND_NS, SESSION_ID, Driver, machine, profile

IDLE = snapshot(machine())
RECORDING = replace(
    IDLE,
    state="recording",
    session_id=b"an earlier one!!",
    session_number=4,
    session_zero_boottime_ns=50 * SECOND_NS,
    run=3,
    next_frame=900,
    next_sample=1_440_000,
    media_time_ns=30 * SECOND_NS,
    marks=2,
    breaks=2,
    unexplained_breaks=1,
    dropped_frames=7,
    notice_done=True,
    statement_done=True,
)
PENDING = PendingBreak(70, 2, "camera-fault", BreakOrigin.MACHINE, 80 * SECOND_NS, None, resumed=True)


def folded(before: StateSnapshot, *bodies: object) -> LastKnown:
    return fold(before, 0, [SealedBody(900 + place, 0, 0, body) for place, body in enumerate(bodies)])


def window(purpose: VoicePurpose, *, final: bool = True, accepted: bool = True) -> VoiceWindow:
    return VoiceWindow(SESSION_ID, purpose, 0, 1, accepted, 2_000, 1_000, 0, None, final)


def notice(*, heard: bool, repetition: int) -> Prompt:
    return Prompt(SESSION_ID, PromptKind.NOTICE, 0, 1, 0, 1, True, bytes(32), heard, None, None, None, repetition)


def test_a_new_session_begins_with_nothing_counted_cs_9() -> None:
    """CS-9."""
    start = SessionStart(SESSION_ID, 5, "sample", b"\x01" * 32, 90 * SECOND_NS, None, 89 * SECOND_NS)
    begun = folded(RECORDING, start)
    assert begun.snapshot == replace(
        IDLE, state="starting", session_id=SESSION_ID, session_number=5, session_zero_boottime_ns=89 * SECOND_NS
    )
    assert (begun.preflight_done, begun.started, begun.finishing, begun.pending) == (False, True, False, None)


def test_an_end_leaves_nothing_open_cs_9() -> None:
    """CS-9."""
    end = SessionEnd(SESSION_ID, "button", 3, 900, 1_440_000, 2, 2, 1, 7, 0, 30 * SECOND_NS)
    ended = folded(replace(RECORDING, break_sequence=70, break_cause="crash", break_origin="machine"), end).snapshot
    assert (ended.state, ended.session_id, ended.session_zero_boottime_ns) == ("idle", None, None)
    assert (ended.break_sequence, ended.break_cause, ended.break_origin) == (None, None, None)


@pytest.mark.parametrize("blocked", [True, False])
def test_the_checks_are_done_unless_they_blocked_the_start_cs_9(blocked: bool) -> None:
    """CS-9."""
    known = folded(replace(RECORDING, state="starting"), Preflight(SESSION_ID, CheckVerdict.FAIL, (), blocked))
    assert known.preflight_done is not blocked
    assert known.snapshot.state == "recording"


@pytest.mark.parametrize(
    ("heard", "repetition", "done"), [(True, 0, True), (False, 1, True), (True, 1, True), (False, 0, False)]
)
def test_a_notice_is_done_when_it_was_heard_or_said_twice_cs_9(heard: bool, repetition: int, done: bool) -> None:
    """CS-9."""
    before = replace(RECORDING, notice_done=False)
    assert folded(before, notice(heard=heard, repetition=repetition)).snapshot.notice_done is done


@pytest.mark.parametrize(
    ("purpose", "statement", "told"),
    [
        (VoicePurpose.STATEMENT, True, False),
        (VoicePurpose.NOTICE_BY_OFFICER, False, True),
        (VoicePurpose.BREAK_REASON, False, False),
        (VoicePurpose.MEMO, False, False),
    ],
)
@pytest.mark.parametrize("accepted", [True, False])
def test_a_last_window_settles_its_duty_heard_or_not_cs_9(
    purpose: VoicePurpose, statement: bool, told: bool, accepted: bool
) -> None:
    """CS-9: nobody is asked a third time after a restart."""
    owing = replace(RECORDING, statement_done=False, notice_done=False)
    now = folded(owing, window(purpose, accepted=accepted)).snapshot
    assert now == replace(owing, statement_done=statement, notice_done=told)
    assert folded(owing, window(purpose, final=False)).snapshot == owing


@pytest.mark.parametrize(("accepted", "missing"), [(True, 1), (False, 2)])
def test_a_last_explanation_ends_the_break_and_counts_where_it_is_missing_cs_9(accepted: bool, missing: int) -> None:
    """CS-9."""
    before = replace(RECORDING, state="resuming", break_sequence=70, break_cause="crash", break_origin="machine")
    after = folded(before, window(VoicePurpose.EXPLANATION, accepted=accepted))
    assert (after.pending, after.snapshot.unexplained_breaks) == (None, missing)
    assert folded(before, window(VoicePurpose.EXPLANATION, final=False)).pending is not None


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "recording"),
        ({"preflight_done": False}, "starting"),
        ({"finishing": True}, "finishing"),
        ({"pending": PENDING}, "resuming"),
        ({"pending": replace(PENDING, resumed=False)}, "interrupted"),
        ({"pending": PENDING, "finishing": True}, "finishing"),
        ({"pending": PENDING, "preflight_done": False}, "starting"),
    ],
)
def test_the_next_file_opens_with_what_the_records_came_to_cs_9(changes: dict[str, object], state: str) -> None:
    """CS-9."""
    known = replace(LastKnown(RECORDING, 0), **changes)  # type: ignore[arg-type]
    written = settled(known)
    assert written.state == state
    pending = known.pending
    assert written.break_sequence == (None if pending is None else 70)
    assert written.break_cause == (None if pending is None else "camera-fault")
    assert written.break_origin == (None if pending is None else "machine")
    assert settled(LastKnown(replace(IDLE, state="idle"), 0, preflight_done=False)).state == "idle"


def test_the_writer_gets_the_snapshot_brought_up_to_date_cs_9() -> None:
    """CS-9: nothing behind the OPEN leaves it as it was."""
    assert replay(RECORDING, ()) == RECORDING


@pytest.mark.parametrize(("cause", "taken_as"), [("battery", "battery"), (None, "crash")])
def test_a_break_that_the_open_names_keeps_its_cause_cs_9(cause: str | None, taken_as: str) -> None:
    """CS-9."""
    pending = folded(replace(RECORDING, break_sequence=70, break_cause=cause)).pending
    assert pending is not None
    assert pending.cause == taken_as
    assert (pending.last_frame_boottime_ns, pending.last_frame_utc_ns) == (80 * SECOND_NS, None)


def reading(away_ns: int, boot: str = "boot-two") -> ClockReading:
    return ClockReading(away_ns, 20 * SECOND_NS, TimeSource.RTC, 0, boot)


@pytest.mark.parametrize(
    ("away_ns", "automatic"), [(0, True), (120 * SECOND_NS, True), (120 * SECOND_NS + 1, False), (-1, False)]
)
def test_the_limit_for_resuming_by_itself_belongs_to_it_cs_9(away_ns: int, automatic: bool) -> None:
    """CS-9."""
    resumption = plan(LastKnown(RECORDING, 0), "power-loss", reading(away_ns), 120.0)
    assert resumption is not None
    assert resumption.automatic is automatic
    assert resumption.civil_offset_ns == away_ns - 20 * SECOND_NS


@pytest.mark.parametrize(
    ("away_ns", "believed_ns"),
    [
        (0, 0),
        (SECOND_NS, SECOND_NS),
        (-1, 0),
        (7 * 86_400 * SECOND_NS, 7 * 86_400 * SECOND_NS),
        (8 * 86_400 * SECOND_NS, 0),
    ],
)
def test_session_time_grows_by_the_time_away_up_to_a_week_cs_9(away_ns: int, believed_ns: int) -> None:
    """CS-9."""
    resumption = plan(LastKnown(RECORDING, 0), "power-loss", reading(away_ns), 120.0)
    assert resumption is not None
    assert resumption.session_zero_boottime_ns == (20 - 30) * SECOND_NS - believed_ns


def taken_up(kept: StateSnapshot, *, same_boot: bool) -> Driver:
    """A machine that takes up a session of which no frame stands behind the last OPEN."""
    driver = Driver()
    zero_ns = 50 * SECOND_NS if same_boot else -10 * SECOND_NS
    resumption = Resumption(LastKnown(kept, 0), "crash", True, same_boot, zero_ns, CIVIL_OFFSET_NS)
    driver.feed(ev.Recovered(resumption, driver.now_ns))
    return driver


@pytest.mark.parametrize(
    ("frames", "same_boot", "last_frame", "ended_ns"),
    [
        (900, True, 899, 80 * SECOND_NS),
        (900, False, 899, None),
        (0, True, None, None),
        (1, True, 0, 80 * SECOND_NS),
    ],
)
def test_a_break_by_restart_names_the_last_frame_and_its_time_where_they_are_known_cs_9(
    frames: int, same_boot: bool, last_frame: int | None, ended_ns: int | None
) -> None:
    """CS-9: without a fragment behind the OPEN the session time reached is that of its last border."""
    driver = taken_up(replace(RECORDING, next_frame=frames), same_boot=same_boot)
    (broken,) = driver.sealed(Break)
    assert (broken.last_frame, broken.last_frame_boottime_ns) == (last_frame, ended_ns)
    assert broken.last_frame_utc_ns == (None if ended_ns is None else ended_ns + CIVIL_OFFSET_NS)
    assert (broken.number, broken.cause, broken.run, broken.media_time_ns) == (3, "crash", 3, 30 * SECOND_NS)


def test_a_break_of_unknown_length_is_sealed_as_such_cs_9() -> None:
    """CS-9: no time of before can be compared with one of now."""
    driver = taken_up(replace(RECORDING, next_frame=0), same_boot=False)
    driver.break_sealed()
    driver.frame()
    resumed = driver.order()[-1]
    assert (getattr(resumed, "duration_ns", None), getattr(resumed, "duration_certain", None)) == (0, False)


@pytest.mark.parametrize("same_boot", [True, False])
def test_no_break_is_shorter_than_nothing_cs_9(same_boot: bool) -> None:
    """CS-9: a clock that was set back makes no negative length."""
    pending = replace(PENDING, resumed=False, last_frame_boottime_ns=1 << 60, last_frame_utc_ns=1 << 62)
    driver = Driver()
    known = LastKnown(RECORDING, 0, pending=pending)
    driver.feed(ev.Recovered(Resumption(known, "crash", True, same_boot, 0, CIVIL_OFFSET_NS), driver.now_ns))
    driver.frame()
    (resumed,) = driver.sealed(Resume)
    assert (resumed.duration_ns, resumed.duration_certain) == (0, same_boot)


def test_an_explanation_that_a_restart_cut_off_is_missing_at_the_time_reached_cs_9() -> None:
    """CS-9."""
    driver = Driver()
    known = LastKnown(RECORDING, 0, pending=PENDING)
    driver.feed(ev.Recovered(Resumption(known, "crash", True, True, 50 * SECOND_NS, CIVIL_OFFSET_NS), driver.now_ns))
    (unheard,) = driver.sealed(VoiceWindow)
    assert (unheard.opened_media_time_ns, unheard.closed_media_time_ns) == (30 * SECOND_NS, 30 * SECOND_NS)
    assert (unheard.attempt, unheard.speech_ms, unheard.longest_run_ms) == (0, 0, 0)
    assert (unheard.accepted, unheard.final, unheard.break_sequence) == (False, True, 70)
    assert driver.session.unexplained == 2


def test_where_nothing_has_to_be_explained_a_restart_leaves_nothing_missing_r8() -> None:
    """WU has no article on explanations."""
    driver = Driver(machine(profile(interruptions={})))
    known = LastKnown(RECORDING, 0, pending=PENDING)
    driver.feed(ev.Recovered(Resumption(known, "crash", True, True, 50 * SECOND_NS, CIVIL_OFFSET_NS), driver.now_ns))
    assert driver.sealed(VoiceWindow) == []
    assert driver.session.unexplained == 1


def test_a_unit_that_nobody_checked_out_is_held_by_nobody_r2() -> None:
    assert held_assignment(LastKnown(replace(IDLE, officer_ids=("A001",)), 0)) is None


@pytest.mark.parametrize("automatic", [True, False])
def test_a_recording_taken_up_says_so_and_waits_for_what_it_has_to_cs_9(automatic: bool) -> None:
    """CS-9: lamp, pulse, and the camera or a press."""
    driver = Driver()
    resumption = Resumption(LastKnown(RECORDING, 0), "power-loss", automatic, False, 0, CIVIL_OFFSET_NS)
    made = driver.feed(ev.Recovered(resumption, driver.now_ns))
    assert driver.state() is State.INTERRUPTED
    assert fx.SetTimer(ev.Timer.PULSE, 60) in made
    assert (fx.StartCapture() in made) is automatic
    said = [(speak.phrase, speak.cause) for speak in driver.all(fx.Speak)]
    assert said == ([] if automatic else [(fx.Phrase.PRESS_TO_RESUME, "power-loss")])
    assert driver.machine.boot_id == BOOT
