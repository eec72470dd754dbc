"""What the chain tells after a restart, and how the recording goes on (CS-9)."""

from dataclasses import replace

import pytest

from capture import effects as fx
from capture import events as ev
from capture.moves.standing import held_assignment
from capture.resume import LastKnown, SealedBody, fold, plan
from capture.states import State, snapshot
from hal.values import ClockReading, TimeSource
from sealing.records import Break, BreakOrigin, Fragment, Preflight, Prompt, Resume, SessionEnd, VoiceWindow
from tests.unit.capture_session.script import ASSIGNMENT, BOOT, CIVIL_OFFSET_NS, SECOND_NS, Driver, result

LIMIT_SECONDS = 120.0


def fragment(first_frame: int, *, at_ns: int, media_ns: int, frames: int = 30) -> Fragment:
    first = media_ns * 9 // 100_000
    return Fragment(
        index=0,
        first_frame=first_frame,
        frame_count=frames,
        first_video_pts=first,
        last_video_pts=first + 3_000 * (frames - 1),
        first_sample=first_frame * 1_600,
        sample_count=frames * 1_600,
        first_audio_pts=0,
        dropped_frames=1,
        lost_samples=0,
        captured_boottime_ns=at_ns,
        before_notice=False,
    )


class Chain:
    """What the writer would have sealed: bodies behind the snapshot of the file that each went into."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.opened = snapshot(driver.machine)
        self.records: list[SealedBody] = []

    def open(self) -> None:
        """A new file: nothing before its OPEN is needed any more."""
        self.opened, self.records = snapshot(self.driver.machine), []

    def put(self, body: object) -> None:
        now_ns = self.driver.now_ns
        self.records.append(SealedBody(len(self.records) + 900, now_ns + CIVIL_OFFSET_NS, now_ns, body))

    def put_sealed(self, since: int) -> None:
        """Every body that the machine wanted sealed since so many effects."""
        for effect in self.driver.effects[since:]:
            if isinstance(effect, fx.Seal):
                self.put(effect.body)

    def fold(self) -> LastKnown:
        return fold(self.opened, self.driver.now_ns + CIVIL_OFFSET_NS, self.records)


def now(driver: Driver, away_seconds: float, boot: str = BOOT, source: TimeSource = TimeSource.RTC) -> ClockReading:
    later_ns = driver.now_ns + round(away_seconds * SECOND_NS)
    boottime_ns = later_ns if boot == BOOT else 20 * SECOND_NS
    return ClockReading(later_ns + CIVIL_OFFSET_NS, boottime_ns, source, 0, boot)


def restarted(known: LastKnown, reason: str, reading: ClockReading) -> Driver:
    """A fresh machine that has taken up what the chain told."""
    driver = Driver(now_ns=reading.boottime_ns, civil_offset_ns=reading.utc_ns - reading.boottime_ns)
    driver.machine = replace(
        driver.machine,
        boot_id=reading.boot_id,
        session_number=known.snapshot.session_number,
        assignment=held_assignment(known),
        checkout_sequence=known.snapshot.checkout_sequence,
    )
    resumption = plan(known, reason, reading, LIMIT_SECONDS)
    assert resumption is not None
    driver.feed(ev.Recovered(resumption, reading.boottime_ns))
    return driver


def crashed_while_recording() -> tuple[Driver, Chain]:
    driver = Driver()
    driver.feed(ev.CheckedOut(ASSIGNMENT))
    driver.feed(ev.CheckoutSealed(41))
    driver.record()
    chain = Chain(driver)
    chain.open()
    chain.opened = replace(chain.opened, run=1)
    first_ns = driver.now_ns
    driver.wait(1.2)
    chain.put(fragment(300, at_ns=first_ns, media_ns=12 * SECOND_NS))
    return driver, chain


def test_a_watchdogs_kill_resumes_like_a_crash_and_is_named_cs_9() -> None:
    driver, chain = crashed_while_recording()
    again = restarted(chain.fold(), "watchdog", now(driver, 40))
    (broken,) = again.sealed(Break)
    assert broken.cause == "watchdog"
    assert again.all(fx.StartCapture)


def test_a_crash_resumes_at_once_with_the_break_sealed_behind_the_last_frame_cs_9() -> None:
    driver, chain = crashed_while_recording()
    known = chain.fold()
    assert known.last_frame is not None
    assert known.last_frame.number == 329
    again = restarted(known, "crash", now(driver, 3))
    assert again.state() is State.INTERRUPTED
    (broken,) = again.sealed(Break)
    assert (broken.cause, broken.origin, broken.last_frame) == ("crash", BreakOrigin.MACHINE, 329)
    assert broken.last_frame_utc_ns == known.last_frame.utc_ns
    assert again.all(fx.StartCapture)
    again.break_sealed()
    again.wait(1)
    again.frame()
    (resumed,) = again.sealed(Resume)
    assert (resumed.run, resumed.first_frame, resumed.automatic, resumed.duration_certain) == (2, 330, True, True)
    assert resumed.media_time_ns == again.now_ns - (driver.session.zero_boottime_ns or 0)
    assert again.last(fx.Speak).phrase is fx.Phrase.RESUME_MARKER
    again.until(State.RECORDING)
    again.finish()
    assert again.state() is State.IDLE


def test_what_stood_before_the_crash_still_stands_cs_9() -> None:
    driver, chain = crashed_while_recording()
    again = restarted(chain.fold(), "crash", now(driver, 3))
    kept = snapshot(again.machine)
    assert kept.session_id == driver.session.session_id
    assert kept.officer_ids == ("A001", "A002")
    assert (kept.checkout_sequence, kept.activity_id) == (41, "activity-1")
    assert (kept.next_frame, kept.next_sample, kept.dropped_frames) == (330, 528_000, 1)
    assert kept.notice_done
    assert kept.session_zero_boottime_ns == driver.session.zero_boottime_ns


@pytest.mark.parametrize(
    ("away_seconds", "source", "automatic"),
    [
        (119, TimeSource.RTC, True),
        (121, TimeSource.RTC, False),
        (-50, TimeSource.RTC, False),
        (5, TimeSource.UNSET, False),
    ],
    ids=["short", "long", "clock-went-back", "nobody-vouches"],
)
def test_after_a_power_loss_the_time_away_decides_cs_9(
    away_seconds: float, source: TimeSource, *, automatic: bool
) -> None:
    driver, chain = crashed_while_recording()
    again = restarted(chain.fold(), "power-loss", now(driver, away_seconds, "boot-two", source))
    assert again.sealed(Break)[0].cause == "power-loss"
    assert bool(again.all(fx.StartCapture)) is automatic
    if not automatic:
        assert again.last(fx.Speak).phrase is fx.Phrase.PRESS_TO_RESUME
        again.break_sealed()
        again.feed(ev.ResumePressed(again.now_ns))
        again.frame()
        assert not again.sealed(Resume)[0].automatic


def test_session_time_goes_on_over_a_reboot_by_the_civil_time_away_cs_9() -> None:
    driver, chain = crashed_while_recording()
    reached_ns = chain.fold().snapshot.media_time_ns
    again = restarted(chain.fold(), "power-loss", now(driver, 60, "boot-two"))
    again.break_sealed()
    again.frame()
    (resumed,) = again.sealed(Resume)
    assert resumed.media_time_ns == reached_ns + 60 * SECOND_NS
    assert not resumed.duration_certain
    assert 60 * SECOND_NS <= resumed.duration_ns < 62 * SECOND_NS


@pytest.mark.parametrize("away_seconds", [-3_600, 30 * 24 * 3_600])
def test_an_unbelievable_time_away_never_turns_session_time_back(away_seconds: float) -> None:
    driver, chain = crashed_while_recording()
    reached_ns = chain.fold().snapshot.media_time_ns
    again = restarted(chain.fold(), "power-loss", now(driver, away_seconds, "boot-two"))
    again.break_sealed()
    again.feed(ev.ResumePressed(again.now_ns))
    again.frame()
    assert again.sealed(Resume)[0].media_time_ns == reached_ns


def broken(driver: Driver, *, announced: bool) -> Chain:
    chain = Chain(driver)
    before = len(driver.effects)
    if announced:
        driver.announce(1)
    else:
        driver.lose_camera()
    chain.open()
    chain.opened = replace(chain.opened, break_sequence=None, break_cause=None, break_origin=None)
    chain.put_sealed(before)
    return chain


def test_a_crash_during_a_camera_break_keeps_that_break_cs_9() -> None:
    driver = Driver()
    driver.record()
    chain = broken(driver, announced=False)
    again = restarted(chain.fold(), "crash", now(driver, 3))
    assert again.sealed(Break) == []
    assert again.session.gap is not None
    assert again.session.gap.cause == "camera-fault"
    again.frame()
    assert again.sealed(Resume)[0].break_sequence == again.session.gap.sequence
    assert again.sealed(Resume)[0].first_frame == 300


def test_an_announced_break_stays_announced_over_a_crash_cs_9() -> None:
    driver = Driver()
    driver.record()
    chain = broken(driver, announced=True)
    again = restarted(chain.fold(), "crash", now(driver, 3))
    assert again.all(fx.StartCapture) == []
    again.feed(ev.ResumePressed(again.now_ns))
    assert again.all(fx.StartCapture)


def test_a_break_known_from_the_snapshot_alone_is_taken_up_too_cs_9() -> None:
    driver = Driver()
    driver.record()
    sequence = driver.announce(1)
    chain = Chain(driver)
    chain.open()
    again = restarted(chain.fold(), "power-loss", now(driver, 3, "boot-two"))
    assert again.session.gap is not None
    assert (again.session.gap.sequence, again.session.gap.origin) == (sequence, BreakOrigin.ANNOUNCED)
    assert again.sealed(Break) == []


def test_an_explanation_cut_off_by_a_crash_is_sealed_as_missing_cs_9() -> None:
    driver = Driver()
    driver.record()
    chain = broken(driver, announced=False)
    before = len(driver.effects)
    driver.frame()
    driver.spoken()
    chain.put_sealed(before)
    again = restarted(chain.fold(), "crash", now(driver, 2))
    (window,) = again.sealed(VoiceWindow)
    assert (window.accepted, window.final) == (False, True)
    assert [body.cause for body in again.sealed(Break)] == ["crash"]
    assert again.session.unexplained == 1


def test_a_crash_before_the_checks_checks_again_cs_9() -> None:
    driver = Driver()
    driver.press()
    chain = Chain(driver)
    chain.open()
    driver.frame()
    chain.put_sealed(0)
    again = restarted(chain.fold(), "crash", now(driver, 2))
    assert again.state() is State.STARTING
    assert again.all(fx.Measure)
    again.frame()
    again.feed(ev.PreflightDone(result()))
    assert len(again.sealed(Preflight)) == 1
    assert again.state() is State.NOTICE


def test_a_crash_in_the_closing_words_ends_the_session_cs_9() -> None:
    driver, chain = crashed_while_recording()
    before = len(driver.effects)
    driver.feed(ev.FinishPressed(driver.now_ns))
    driver.spoken()
    chain.put_sealed(before)
    again = restarted(chain.fold(), "crash", now(driver, 2))
    assert again.state() is State.IDLE
    (ended,) = again.sealed(SessionEnd)
    assert (ended.reason, ended.breaks) == ("button", 1)


def test_no_open_session_means_nothing_to_resume() -> None:
    driver = Driver()
    driver.feed(ev.CheckedOut(ASSIGNMENT))
    driver.feed(ev.CheckoutSealed(41))
    driver.record()
    chain = Chain(driver)
    before = len(driver.effects)
    driver.finish()
    chain.put_sealed(before)
    known = chain.fold()
    assert plan(known, "crash", now(driver, 1), LIMIT_SECONDS) is None
    held = held_assignment(known)
    assert held is not None
    assert [officer.certificate_number for officer in held.officers] == ["A001", "A002"]
    assert all(officer.name == "" for officer in held.officers)


@pytest.mark.requirement("R20", "huainan", "dalian-jinpu", "wuhan", "inner-mongolia")
def test_the_reason_for_being_away_survives_a_crash_right_behind_the_check_out_r20() -> None:
    """R20: without it the normal limit would run after the restart."""
    driver = Driver()
    chain = Chain(driver)
    driver.feed(ev.CheckedOut(replace(ASSIGNMENT, away=True, due_rule="remote")))
    chain.put_sealed(0)
    kept = chain.fold().snapshot
    assert (kept.away, kept.due_rule, kept.checkout_sequence) == (True, "remote", 900)


def test_which_labels_were_given_survives_a_crash_though_nobody_can_read_them_sf_62() -> None:
    """SF-62: else every restart would ask for labels that came."""
    driver = Driver()
    chain = Chain(driver)
    driver.feed(ev.CheckedOut(replace(ASSIGNMENT, labels=(("party", "甲某药房"),), department="稽查科")))
    chain.put_sealed(0)
    known = chain.fold()
    assert (known.snapshot.labels_given, known.snapshot.department) == (("party",), "稽查科")
    held = held_assignment(known)
    assert held is not None
    assert (held.labels, held.labels_given, held.department) == ((), ("party",), "稽查科")
    driver.feed(ev.CheckedIn())
    chain.put_sealed(1)
    given_back = chain.fold().snapshot
    assert (given_back.labels_given, given_back.department) == (None, None)


def test_the_whole_life_of_a_session_folds_to_what_the_machine_knows_cs_9() -> None:
    driver = Driver()
    chain = Chain(driver)
    driver.feed(ev.CheckedOut(ASSIGNMENT))
    driver.record()
    driver.feed(ev.MarkPressed(driver.now_ns))
    driver.feed(ev.MarkLocated(1, 7, 0, driver.now_ns))
    driver.lose_camera()
    driver.frame()
    driver.until(State.RECORDING)
    chain.put_sealed(0)
    folded, known = chain.fold().snapshot, snapshot(driver.machine)
    assert (folded.session_id, folded.session_number) == (known.session_id, known.session_number)
    assert (folded.marks, folded.breaks, folded.run) == (1, 1, 1)
    assert folded.notice_done
    assert chain.fold().pending is None
    assert any(isinstance(record.body, Prompt) for record in chain.records)
