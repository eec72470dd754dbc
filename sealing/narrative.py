"""What a record says to a person: one line for the timeline.

Rules of this module: pure; a record in, words out. Only the clear part of records is used, so that a timeline needs no
key and names nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

from sealing.framing import RecordHeader
from sealing.labels import Words, duration, figure_words, words
from sealing.records import (
    Anchor,
    AnchorKind,
    Boot,
    Break,
    Checkin,
    Checkout,
    CheckResult,
    CheckVerdict,
    ClockStep,
    DockChange,
    Event,
    Fault,
    Halt,
    Mark,
    Preflight,
    Prompt,
    Resume,
    SessionEnd,
    SessionStart,
    Torn,
    VoicePurpose,
    VoiceWindow,
)
from sealing.report import Level
from sealing.standing_faults import is_restated

_MS = 1_000_000
_BAD_EVENTS = frozenset({"notice-not-heard", "break-unclassified", "officers-too-few"})
_AT_WILL = frozenset({VoicePurpose.BREAK_REASON, VoicePurpose.MEMO})
"""What an officer may say and need not: who keeps silent then has left out nothing."""


@dataclass(frozen=True, slots=True)
class Line:
    """What to tell."""

    text: Words
    level: Level = Level.PLAIN
    lasted_ns: int = 0
    """The happening began that long before the record was sealed."""


def line_of(header: RecordHeader) -> Line | None:  # noqa: C901, PLR0911, PLR0912 - one arm per kind of record
    """Tell a record; None for those that say nothing to a person by themselves."""
    match header.body:
        case Boot() as body:
            return _boot(body)
        case Checkout() as body:
            return _checkout(body)
        case Anchor() as body:
            return _anchor(body)
        case Checkin():
            return Line(Words("设备归还", "Unit given back"))
        case SessionStart() as body:
            return _start(body)
        case Preflight() as body:
            return _preflight(body)
        case Prompt() as body:
            return _prompt(body)
        case VoiceWindow() as body:
            return _window(body)
        case Mark() as body:
            return _mark(body)
        case Break() as body:
            return _break(body)
        case Resume() as body:
            return _resume(body)
        case SessionEnd() as body:
            return _end(body)
        case DockChange() as body:
            return Line(Words("放入底座", "Docked") if body.docked else Words("取出底座", "Undocked"))
        case Fault() as body:
            return _fault(body)
        case Event() as body if not is_restated(body):
            level = Level.BAD if body.code in _BAD_EVENTS else Level.PLAIN
            return Line(words("event", body.code), level)
        case ClockStep() as body:
            return _clock(body)
        case Torn() as body:
            text = Words(f"存储介质故障 ({body.code})，换用新文件", f"Medium failed ({body.code}), new file")
            return Line(text, Level.BAD)
        case Halt():
            return Line(Words("程序正常停止", "Agent stopped in order"))
        case _:
            return None


def _mark(body: Mark) -> Line:
    kind = words("mark", body.category or "")
    zh, en = (f"（{kind.zh}）", f" ({kind.en})") if body.category else ("", "")
    return Line(Words(f"标记 {body.number}{zh}", f"Mark {body.number}{en}"), Level.NOTABLE)


def _boot(body: Boot) -> Line:
    why = words("boot", body.reason)
    zh = f"程序启动（第 {body.boot_number} 次，{why.zh}；版本 {body.software_version}）"
    en = f"Agent started (start {body.boot_number}, {why.en}; version {body.software_version})"
    return Line(Words(zh, en), Level.PLAIN if body.clean else Level.BAD)


def _checkout(body: Checkout) -> Line:
    count, ids = len(body.officer_ids), "、".join(body.officer_ids)
    away = ("，外出执法", ", away") if body.away else ("", "")
    keeper = ("", "") if body.keeper_id is None else (f"，保管人 {body.keeper_id}", f", keeper {body.keeper_id}")
    kept = ("", "") if body.department is None else (f"，科室 {body.department}", f", department {body.department}")
    zh = f"设备领用：{count} 名执法人员（证号 {ids}）{away[0]}{keeper[0]}{kept[0]}"
    en = f"Checked out to {count} officers (certificates {', '.join(body.officer_ids)}){away[1]}{keeper[1]}{kept[1]}"
    return Line(Words(zh, en))


def _start(body: SessionStart) -> Line:
    if body.checkout_sequence is None:
        return Line(Words("按下录制键（未领用）", "Record pressed (unit not checked out)"), Level.BAD)
    return Line(Words("按下录制键", "Record pressed"), Level.NOTABLE)


def _preflight(body: Preflight) -> Line:
    verdict = words("verdict", body.verdict.value)
    told = [_check(check) for check in body.checks]
    zh, en = "；".join(each.zh for each in told), "; ".join(each.en for each in told)
    level = {CheckVerdict.PASS: Level.GOOD, CheckVerdict.DEGRADED: Level.NOTABLE}.get(body.verdict, Level.BAD)
    return Line(Words(f"自检{verdict.zh}：{zh}", f"Checks {verdict.en}: {en}"), level)


def _check(check: CheckResult) -> Words:
    name, verdict = words("check", check.check), words("verdict", check.verdict.value)
    if check.verdict is not CheckVerdict.PASS:
        name = Words(f"{name.zh}{verdict.zh}", f"{name.en} {verdict.en}")
    if check.unit == "ok":
        return Words(name.zh + ("正常" if check.verdict is CheckVerdict.PASS else ""), name.en)
    figure = figure_words(check.figure, check.unit)
    return Words(name.zh + figure.zh, name.en + figure.en)


def _prompt(body: Prompt) -> Line:
    kind = words("prompt", body.kind.value)
    again = ("（重复）", " (again)") if body.repetition else ("", "")
    lasted = body.ended_boottime_ns - body.started_boottime_ns
    length = duration(lasted)
    text = Words(f"{kind.zh}{again[0]}，{length.zh}", f"{kind.en}{again[1]}, {length.en}")
    level = Level.PLAIN
    if body.heard is not None:
        proof = "" if body.agreement_permille is None else f" {body.agreement_permille / 10:.0f}%"
        heard = (f"，录音中已确认{proof}", f", heard on the track{proof}")
        unheard = ("，录音中未能确认", ", not found on the track")
        zh, en = heard if body.heard else unheard
        text = Words(text.zh + zh, text.en + en)
        level = Level.GOOD if body.heard else Level.BAD
    if not body.complete:
        text = Words(f"{text.zh}（未播完）", f"{text.en} (broken off)")
    return Line(text, level, lasted)


def _window(body: VoiceWindow) -> Line:
    purpose = words("window", body.purpose.value)
    lasted = body.closed_media_time_ns - body.opened_media_time_ns
    speech = duration(body.speech_ms * _MS)
    if body.accepted:
        text = Words(f"{purpose.zh}：有人说话 {speech.zh}", f"{purpose.en}: somebody spoke, {speech.en}")
        return Line(text, Level.GOOD, lasted)
    if body.final:
        level = Level.PLAIN if body.purpose in _AT_WILL else Level.BAD
        return Line(Words(f"{purpose.zh}：没有听到", f"{purpose.en}: nothing heard"), level, lasted)
    text = Words(f"{purpose.zh}：没有听到，再次询问", f"{purpose.en}: nothing heard, asked again")
    return Line(text, Level.NOTABLE, lasted)


def _break(body: Break) -> Line:
    cause, origin = words("cause", body.cause), words("origin", body.origin.value)
    outside = ("", "") if body.cause_allowed else ("，不在允许的原因之列", ", not among the allowed causes")
    zh = f"中断 {body.number}：{cause.zh}（{origin.zh}{outside[0]}）"
    en = f"Break {body.number}: {cause.en} ({origin.en}{outside[1]})"
    return Line(Words(zh, en), Level.BAD)


def _resume(body: Resume) -> Line:
    length = duration(body.duration_ns)
    about = ("", "") if body.duration_certain else ("约 ", "about ")
    how = ("自动", "by itself") if body.automatic else ("按键", "by the button")
    zh = f"恢复录制（{how[0]}），中断 {about[0]}{length.zh}"
    en = f"Recording resumed ({how[1]}) after {about[1]}{length.en}"
    return Line(Words(zh, en), Level.NOTABLE)


def _end(body: SessionEnd) -> Line:
    why = words("end", body.reason)
    zh = f"录制结束（{why.zh}）：{body.frames} 帧，标记 {body.marks}，中断 {body.breaks}"
    en = f"Recording ended ({why.en}): {body.frames} frames, {body.marks} marks, {body.breaks} breaks"
    if body.unexplained_breaks:
        zh += f"（{body.unexplained_breaks} 次未说明）"
        en += f" ({body.unexplained_breaks} not explained)"
    return Line(Words(zh, en), Level.NOTABLE)


def _fault(body: Fault) -> Line:
    part, code = words("part", body.part), words("cause", body.code)
    if body.present and body.code == f"{body.part}-fault":
        return Line(Words(f"{part.zh}故障", f"Fault of the {part.en}"), Level.BAD)
    if body.present:
        return Line(Words(f"{part.zh}故障：{code.zh}", f"Fault of the {part.en}: {code.en}"), Level.BAD)
    return Line(Words(f"{part.zh}恢复正常", f"The {part.en} works again"), Level.GOOD)


def _anchor(body: Anchor) -> Line:
    if body.kind is AnchorKind.STORE:
        return Line(
            Words(f"存储平台为第 {body.sequence} 条记录签注时间", f"The store put its time on record {body.sequence}")
        )
    return Line(
        Words(f"时间戳机构为第 {body.sequence} 条记录签注时间", f"A time authority stamped record {body.sequence}")
    )


def _clock(body: ClockStep) -> Line:
    step = f"{body.step_ns / 1e9:+.3f}"
    before, after = words("source", body.source_before), words("source", body.source_after)
    zh, en = f"校正时钟 {step} 秒（{before.zh} → {after.zh}）", f"Clock moved by {step} s ({before.en} to {after.en})"
    return Line(Words(zh, en), Level.NOTABLE)
