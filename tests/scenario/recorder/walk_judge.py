"""What must be true of a walk's sealed files and of what a bystander perceived, whatever happened.

The judge never asks the recorder: it reads the chain, the world's truth and the rules of the profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from sealing.framing import RecordHeader
from sealing.records import (
    Boot,
    Break,
    BreakOrigin,
    Fragment,
    Mark,
    Prompt,
    PromptKind,
    Resume,
    SessionEnd,
    SessionStart,
    VoicePurpose,
    VoiceWindow,
)
from tests.scenario.recorder.walk_menus import judge_menus
from tests.scenario.recorder.walk_truth import Perceived, judge_frames
from tests.support.session_rules import Rules, judge_rules, of

SECOND_NS = 1_000_000_000
PTS_PER_SECOND = 90_000
FRAMES_PER_SECOND = 15
GAP_SECONDS = 0.6
"""Between two fragments without a break: one frame, and what a card's late start may take."""
TOLD_SECONDS = 8.0
"""Longest from the last frame of a run that broke off to the sign that it did."""
END_SECONDS = 25.0
"""Longest from the last frame to the end of a recording that no break precedes: the closing words, a stalled medium."""
ALERT_SECONDS = 12.0
RESTART_CAUSES = frozenset({"crash", "power-loss"})


def judge(records: Sequence[RecordHeader], world: Path, rules: Rules) -> None:
    """Raise AssertionError where something is not as it must be."""
    perceived = Perceived.of(world)
    judge_sessions(records)
    judge_gaps(records)
    judge_told(records, perceived)
    judge_markers(records)
    judge_frames(records, world)
    for session in sessions_of(records):
        judge_rules(session, rules)
        judge_end(session, rules)
        judge_reasons(session)
    judge_marks(records, perceived)
    judge_alerts(records, perceived, rules)
    judge_pack(records, perceived)
    judge_menus(records, perceived, rules)


def sessions_of(records: Iterable[RecordHeader]) -> Iterator[list[object]]:
    """The bodies of each session, from its start to its end."""
    held: list[object] = []
    for record in records:
        if held or isinstance(record.body, SessionStart):
            held.append(record.body)
        if isinstance(record.body, SessionEnd):
            yield held
            held = []


def judge_sessions(records: Iterable[RecordHeader]) -> None:
    """Every session ends; no footage stands outside of one or behind a break that nothing resumed."""
    session: SessionStart | None = None
    broken = False
    breaks = 0
    for record in records:
        match record.body:
            case SessionStart() as body:
                assert session is None, "a session begins inside another"
                session, broken, breaks = body, False, 0
            case Fragment():
                assert session is not None, "footage outside of a session"
                assert not broken, "footage behind a break without a RESUME"
            case Break():
                assert not broken, "a break inside a break"
                broken, breaks = True, breaks + 1
            case Resume():
                assert broken, "a resumption without a break"
                broken = False
            case SessionEnd() as body:
                assert session is not None, "an end without a beginning"
                assert body.session_id == session.session_id
                assert body.breaks == breaks, "the end counts other breaks than were sealed"
                session = None
            case _:
                pass
    assert session is None, "a session that nobody ended"


def judge_gaps(records: Sequence[RecordHeader]) -> None:
    """Never stops recording without a sealed cause: what stands apart in time has a BREAK or the officer's END."""
    said = (SessionStart, Fragment, Break, Resume, SessionEnd)
    kept = [record for record in records if isinstance(record.body, said)]
    for before, after in pairwise(kept):
        first, second = before.body, after.body
        if isinstance(first, Fragment) and isinstance(second, Fragment):
            dropped = second.dropped_frames * PTS_PER_SECOND / FRAMES_PER_SECOND
            apart = second.first_video_pts - first.last_video_pts
            assert apart <= GAP_SECONDS * PTS_PER_SECOND + dropped, f"{apart / PTS_PER_SECOND:.2f} s without a word"
        if isinstance(first, Fragment) and isinstance(second, SessionEnd) and after.boot_number == before.boot_number:
            apart_ns = second.media_time_ns - first.last_video_pts * 100_000 // 9
            assert apart_ns < END_SECONDS * SECOND_NS, f"ended {apart_ns / SECOND_NS:.1f} s behind its last frame"


def judge_told(records: Iterable[RecordHeader], perceived: Perceived) -> None:
    """Never silent about a break: the unit's lamp leaves «recording» at once, while it has power."""
    boot = ""
    for record in records:
        match record.body:
            case Boot() as body:
                boot = body.kernel_boot_id
            case Break() as body if body.cause not in RESTART_CAUSES and body.last_frame_boottime_ns is not None:
                at_ns = body.last_frame_boottime_ns
                assert perceived.not_recording(boot, at_ns, at_ns + round(TOLD_SECONDS * SECOND_NS)), (
                    f"nobody was told of break {body.number} ({body.cause})"
                )
            case _:
                pass


def judge_markers(records: Sequence[RecordHeader]) -> None:
    """Every resumption is marked aloud, or broken off again before it could be."""
    told = [record.body for record in records if isinstance(record.body, (Resume, Prompt, Break, SessionEnd, Boot))]
    for place, body in enumerate(told):
        if isinstance(body, Resume):
            then = next(
                each
                for each in told[place + 1 :]
                if not isinstance(each, Prompt) or each.kind is PromptKind.RESUME_MARKER
            )
            assert not isinstance(then, Resume), "a resumption that nobody spoke of"


def judge_reasons(session: Sequence[object]) -> None:
    """What was said of each announced break is sealed, unless the process ended with it (R9, CS-10)."""
    spans: list[list[object]] = [[]]
    for body in session:
        if isinstance(body, Resume):
            spans.append([])
        spans[-1].append(body)
    for span in spans:
        announced = any(body.origin is BreakOrigin.ANNOUNCED for body in of(span, Break))
        heard = any(body.purpose is VoicePurpose.BREAK_REASON and body.final for body in of(span, VoiceWindow))
        assert heard or not announced or of(span, Boot), "a break was announced and nothing says what was heard of it"


def judge_end(session: Sequence[object], rules: Rules) -> None:
    """The end counts what stands before it, and says why the recording is over (R9, CS-10)."""
    (end,) = of(session, SessionEnd)
    breaks, resumed = of(session, Break), of(session, Resume)
    fragments, marks = of(session, Fragment), of(session, Mark)
    assert [body.number for body in breaks] == list(range(1, end.breaks + 1))
    assert end.frames == sum(body.frame_count for body in fragments)
    assert end.marks >= max((body.number for body in marks), default=0)
    assert end.dropped_frames >= sum(body.dropped_frames for body in fragments)
    stuck = len(breaks) > len(resumed)
    assert stuck or end.reason != "cannot-continue"
    if stuck and breaks[-1].origin is BreakOrigin.MACHINE and breaks[-1].cause not in RESTART_CAUSES:
        assert end.reason in {"cannot-continue", "stop", "button"}
    if stuck and end.reason == "cannot-continue" and breaks[-1].origin is BreakOrigin.ANNOUNCED:
        assert rules.explains
        assert breaks[-1].cause not in {ground.code for ground in rules.grounds}


def judge_marks(records: Iterable[RecordHeader], perceived: Perceived) -> None:
    """Each mark that was answered is on the chain, unless power or process ended at once behind it (CS-12)."""
    boot, marks = "", set[tuple[str, int]]()
    ended: list[tuple[str, int]] = list(perceived.ends)
    for record in records:
        if isinstance(record.body, Boot):
            boot = record.body.kernel_boot_id
        elif isinstance(record.body, Mark):
            marks.add((boot, record.body.pressed_boottime_ns))
    for on, at_ns in perceived.felt("mark"):
        near = any(on == boot_id and -SECOND_NS < at_ns - pressed < 4 * SECOND_NS for boot_id, pressed in marks)
        cut = any(on == boot_id and 0 <= end - at_ns < 20 * SECOND_NS for boot_id, end in ended)
        assert near or cut, f"a mark was answered at {at_ns / SECOND_NS:.1f} s and is not on the chain"


def judge_alerts(records: Sequence[RecordHeader], perceived: Perceived, rules: Rules) -> None:
    """A recording that cannot go on is reported at once: the unit says to whom, where the text names somebody (R9)."""
    addressee = rules.profile.interruptions.report_to
    boot = ""
    for record in records:
        if isinstance(record.body, Boot):
            boot = record.body.kernel_boot_id
        if not isinstance(record.body, SessionEnd) or record.body.reason != "cannot-continue" or addressee is None:
            continue
        from_ns, until_ns = record.body.ended_boottime_ns, record.boottime_ns + round(ALERT_SECONDS * SECOND_NS)
        if perceived.may_be_mute(boot, until_ns):
            continue
        assert perceived.said(addressee, boot, from_ns, until_ns), f"nobody heard that {addressee} has to be told"


def judge_pack(records: Iterable[RecordHeader], perceived: Perceived) -> None:
    """A pack that dies finds nothing that is still being recorded, while the medium works (R1, R8)."""
    boot, capturing = "", dict[str, bool]()
    for record in records:
        match record.body:
            case Boot() as body:
                boot = body.kernel_boot_id
                capturing.setdefault(boot, False)
            case Fragment():
                capturing[boot] = True
            case Break(cause=cause) if cause not in RESTART_CAUSES:
                capturing[boot] = False
            case SessionEnd():
                capturing[boot] = False
            case _:
                pass
    for dead in perceived.dead_packs:
        assert not capturing.get(dead), "the pack died under a recording"
