"""By when what was recorded has to be handed over, as the unit counts, shows and says it (R20)."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from agent.due import FILES_MAX, DueBook, DueStanding, rules_by_hash
from agent.profile import load_profile
from agent.status import _due
from capture import effects as fx
from capture import events as ev
from capture.shell.speaking import Speech, voice_facts
from capture.states import State
from capture.voice.cache import VoiceCache
from capture.voice.language import Language
from capture.voice.phrases import PromptBook
from sealing.records import DockChange, PromptKind, SessionEnd, SessionStart
from sealing.writer import ChainWriter
from tests.support.chains import SESSION, snapshot, start_writer
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.unit.capture_session.script import Driver

HOUR_NS = 3600 * 10**9
CST = timezone(timedelta(hours=8))


class Unit:
    """A unit that records under an agency's profile, one chain for all."""

    def __init__(self, spool: Path, name: str, reason: str | None = None) -> None:
        self.profile = load_profile(name)
        self.clock = ManualClock()
        self.spool = spool
        self.writer: ChainWriter = start_writer(spool, self.clock)
        self.reason = reason
        self.labels: tuple[str, ...] = ("case-number", "handler", "party")
        self.department: str | None = "稽查科"
        self.receipted: frozenset[int] = frozenset()
        self.book = DueBook(spool, rules_by_hash(self.profile), lambda: self.receipted)

    def record(self, session: bytes = SESSION, minutes: int = 30) -> int:
        """One recording; gives the civil time of its end."""
        state = replace(snapshot(self.clock.now.boot_id), profile_id="x", profile_hash=self.profile.hash)
        state = replace(state, labels_given=self.labels or None, department=self.department)
        self.writer.set_state(replace(state, session_id=session, due_rule=self.reason, away=self.reason is not None))
        self.writer.roll_ledger("session-start")
        self.writer.seal(SessionStart(session, 1, "x", self.profile.hash, 10**9, 1, 10**9))
        self.clock.advance(minutes * 60)
        ended = self.writer.seal(SessionEnd(session, "button", 1, 30, 48_000, 0, 0, 0, 0, 10**9, 10**9))
        self.writer.set_state(replace(state, session_id=None, due_rule=self.reason))
        return ended.utc_ns

    def dock(self) -> int:
        return self.writer.seal(DockChange(docked=True)).utc_ns


@pytest.mark.requirement("R20", "all")
@pytest.mark.parametrize(
    ("name", "hours"),
    [("huainan", 4), ("dalian-jinpu", 4), ("wuhu", 24), ("inner-mongolia", 24)],
)
def test_r20_hours_run_from_the_end_of_the_recording(tmp_path: Path, name: str, hours: int) -> None:
    """HN 14, DL 18 («第一时间», the agency's hours), WU A2-9, NM 22."""
    unit = Unit(tmp_path, name)
    ended = unit.record()
    assert unit.book.look() == DueStanding(sessions=1, due_utc_ns=ended + hours * HOUR_NS)


@pytest.mark.requirement("R20", "wuhan")
def test_r20_wuhan_counts_two_working_days_to_the_days_end(tmp_path: Path) -> None:
    """WH 26¶2: by the calendar in the profile."""
    unit = Unit(tmp_path, "wuhan")
    ended = unit.record()
    due = unit.book.look().due_utc_ns
    assert due is not None
    local = datetime.fromtimestamp(due // 10**9, CST)
    assert (local.hour, local.minute) == (0, 0)
    assert due > ended + 24 * HOUR_NS


@pytest.mark.requirement("R20", "huainan", "dalian-jinpu", "wuhan", "inner-mongolia")
@pytest.mark.parametrize("name", ["huainan", "dalian-jinpu", "wuhan", "inner-mongolia"])
def test_r20_the_away_exception_runs_from_the_return_to_the_dock(tmp_path: Path, name: str) -> None:
    """HN 14, DL 18, NM 22¶2: 24 hours; WH 26¶3: one working day."""
    unit = Unit(tmp_path, name, reason="away")
    unit.record()
    assert unit.book.look() == DueStanding(sessions=1, awaiting_return=1)
    unit.clock.advance(40 * 3600)
    returned = unit.dock()
    found = unit.book.look()
    assert found.due_utc_ns is not None
    assert found.awaiting_return == 0
    assert (found.due_utc_ns == returned + 24 * HOUR_NS) is (name != "wuhan")
    assert found.due_utc_ns > returned


@pytest.mark.requirement("R20", "wuhu")
def test_r20_wuhu_has_no_exception_and_the_normal_limit_runs_whatever_is_claimed(tmp_path: Path) -> None:
    """WU A2-9."""
    unit = Unit(tmp_path, "wuhu", reason="away")
    ended = unit.record()
    assert unit.book.look() == DueStanding(sessions=1, due_utc_ns=ended + 24 * HOUR_NS, refused_claims=1)


def test_what_has_its_receipts_is_not_owed_any_more_and_the_earliest_counts(tmp_path: Path) -> None:
    unit = Unit(tmp_path, "wuhu")
    first = unit.record()
    unit.clock.advance(3600)
    second = unit.record(bytes(reversed(SESSION)))
    assert unit.book.look() == DueStanding(sessions=2, due_utc_ns=first + 24 * HOUR_NS)
    unit.receipted = frozenset({1, 2})
    assert unit.book.look() == DueStanding(sessions=1, due_utc_ns=second + 24 * HOUR_NS)
    unit.writer.halt("stop")
    unit.receipted = frozenset({1, 2, 3})
    assert unit.book.look() == DueStanding()


def test_a_look_reads_so_many_files_and_no_more_and_the_next_ones_the_rest(tmp_path: Path) -> None:
    """Eight hours are 480 files: 2.6 s of CPU on a desktop in one look, and the heartbeat waits 30 s."""
    unit = Unit(tmp_path, "wuhu")
    ended = [unit.record(bytes([number]) * 16, minutes=1) for number in range(2 * FILES_MAX + 5)]
    unread = [unit.book.look().unread_files for _ in range(3)]
    assert unread[0] >= FILES_MAX
    assert unread == [unread[0], unread[0] - FILES_MAX, 0]
    assert unit.book.standing == DueStanding(sessions=len(ended), due_utc_ns=ended[0] + 24 * HOUR_NS)


def test_what_is_recorded_is_read_while_it_is_made_but_for_the_open_file(tmp_path: Path) -> None:
    unit = Unit(tmp_path, "wuhu")
    first = unit.record()
    unit.record(bytes(reversed(SESSION)))
    assert unit.book.look(recording=True) == DueStanding(sessions=1, due_utc_ns=first + 24 * HOUR_NS)
    assert unit.book.look() == DueStanding(sessions=2, due_utc_ns=first + 24 * HOUR_NS)


def test_a_file_that_cannot_be_read_keeps_no_other_waiting(tmp_path: Path) -> None:
    unit = Unit(tmp_path, "wuhu")
    for number in range(FILES_MAX + 5):
        unit.record(bytes([number]) * 16, minutes=1)
    for path in sorted(tmp_path.glob("*.evs"))[:FILES_MAX]:
        path.write_bytes(b"no evidence")
    unit.book.look()
    assert unit.book.look().sessions >= 4


def test_a_spool_that_cannot_be_read_leaves_the_count_of_before(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    unit = Unit(tmp_path / "spool", "wuhu")
    unit.record()
    before = unit.book.look()
    (tmp_path / "spool").rename(tmp_path / "gone")
    assert unit.book.look() == before


def test_the_status_shows_the_time_in_words_and_whether_it_is_over() -> None:
    due = DueStanding(sessions=1, due_utc_ns=START_UTC_NS)
    shown = _due(due, START_UTC_NS + 1)
    assert shown["overdue"] is True
    assert shown["due_local"] == f"{datetime.fromtimestamp(START_UTC_NS // 10**9, CST):%F %H:%M}"
    assert _due(DueStanding(), START_UTC_NS)["due_local"] is None


def spoken(tmp_path: Path, due_utc_ns: int, now_utc_ns: int) -> str:
    facts = voice_facts(load_profile("wuhu").profile.capture, None, Language.CHINESE)
    speech = Speech(VoiceCache(tmp_path), PromptBook(facts), CST)
    wish = fx.Speak(1, PromptKind.STATUS, fx.Phrase.DUE, at_utc_ns=due_utc_ns)
    return speech.book.text(speech.utterance(wish, now_utc_ns))


AT_NOON_NS = int(datetime(2026, 5, 6, 12, 0, tzinfo=CST).timestamp()) * 10**9


@pytest.mark.requirement("R20", "all")
@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (4, "录制资料应于今日十六点整前移交。"),
        (24, "录制资料应于明日十二点整前移交。"),
        (36, "录制资料应于明日二十三点五十九分前移交。"),
        (60, "录制资料应于后日二十三点五十九分前移交。"),
        (84, "录制资料应于三日后二十三点五十九分前移交。"),
        (-1, "录制资料已逾期未移交，请立即移交。"),
    ],
)
def test_r20_the_due_time_is_spoken_by_day_hour_and_minute_cs_32(tmp_path: Path, hours: int, words: str) -> None:
    """CS-32: a day's end is said as that day's last minute."""
    assert spoken(tmp_path, AT_NOON_NS + hours * HOUR_NS, AT_NOON_NS) == words


@pytest.mark.requirement("R20", "all")
def test_r20_the_due_time_is_said_between_recordings_only_cs_32() -> None:
    """CS-32."""
    driver = Driver()
    driver.feed(ev.DueTold(5))
    speak = driver.last(fx.Speak)
    assert (speak.phrase, speak.at_utc_ns) == (fx.Phrase.DUE, 5)
    driver.record()
    before = len(driver.all(fx.Speak))
    driver.feed(ev.DueTold(6))
    assert len(driver.all(fx.Speak)) == before
    assert driver.state() is State.RECORDING
