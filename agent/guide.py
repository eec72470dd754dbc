"""The officers' sheet: one page of paper that says what to press, what the lamp means and what to say when.

Rules of this module: pure; a profile in, words out. Everything is read from the tables that the unit itself obeys
(gestures, lamps, spoken sentences, the profile): what a text does not have does not stand on its agency's sheet (PR-3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agent import guide_words as said
from agent.profile import LoadedProfile, Profile
from capture.gestures import ONE_BUTTON, Meaning, Mode, Presses
from capture.profile import Moment, Speaker
from capture.states import SessionRules
from capture.voice.wording import (
    BREAK_MARKER,
    CAUSE_IN_MARKER,
    CHECK_FAILED,
    FIXED,
    MACHINE_CAUSES,
    NOW_RESUMING,
    OFFICER,
    OTHER_CAUSE,
    RECORDED_AT,
    REPORT,
    STATEMENT_REQUEST,
    Line,
    Words,
)
from hal.values import LampPattern
from sync.profile import Limit

MILLISECONDS = 1000


class Part(StrEnum):
    """Whose part a line of a step is."""

    DO = "do"
    UNIT_SAYS = "unit-says"
    YOU_SAY = "you-say"
    NOTE = "note"
    RULE = "rule"
    """The agency's text, in its own words."""


@dataclass(frozen=True, slots=True)
class Press:
    """One thing that can be wanted, and how it is pressed on both layouts."""

    mode: Mode
    when: Words
    wanted: Words
    two_buttons: Words | None
    one_button: Words | None


@dataclass(frozen=True, slots=True)
class Lamp:
    """One thing that the lamp can show."""

    pattern: LampPattern
    colour: Words
    looks: Words
    """Colour and blinking, in words."""
    means: Words


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an officer's day."""

    title: Words
    lines: tuple[tuple[Part, Words], ...]


@dataclass(frozen=True, slots=True)
class Guide:
    """Everything on the sheet."""

    agency: Words
    regulation: str
    profile_id: str
    profile_hash: bytes
    presses: tuple[Press, ...]
    lamps: tuple[Lamp, ...]
    steps: tuple[Step, ...]
    warnings: tuple[tuple[Words, Words], ...]
    """What the unit says → what to do."""


def guide_of(loaded: LoadedProfile) -> Guide:
    """Read the sheet of one agency from its profile.

    Args:
        loaded: The profile.
    """
    profile = loaded.profile
    head = profile.profile
    return Guide(
        agency=Words(head.agency, head.agency_en),
        regulation=head.regulation + (f" {head.document_number}" if head.document_number else ""),
        profile_id=head.id,
        profile_hash=loaded.hash,
        presses=tuple(_presses(profile)),
        lamps=tuple(_lamps(profile)),
        steps=tuple(_steps(profile)),
        warnings=tuple(_warnings(profile)),
    )


def _presses(profile: Profile) -> Iterator[Press]:
    hold = _number(profile.capture.gestures.hold_ms / MILLISECONDS)
    offered, signals = _offered(profile), profile.capture.signals.table()
    entries = [words for meaning, words in said.MENU_ENTRIES.items() if offered.get(meaning, True)]
    listed = Words("、".join(each.zh for each in entries), ", ".join(each.en for each in entries))
    for (mode, meaning), wanted in said.MEANINGS.items():
        if not offered.get(meaning, True):
            continue
        words = _filled(wanted, entries=listed) if meaning is Meaning.MENU else wanted
        two, one = (_pressed(table, mode, meaning, hold) for table in (signals.two_buttons, ONE_BUTTON))
        yield Press(mode, said.MODES[mode], words, two, one)


def _offered(profile: Profile) -> dict[Meaning, bool]:
    """What depends on the profile; everything else is always there."""
    rules = SessionRules.of(profile.capture, profile.grounds)
    return {
        Meaning.NOTICE: rules.notice,
        Meaning.CATEGORY: bool(rules.mark_categories),
        Meaning.GROUND: bool(rules.grounds),
    }


def _pressed(table: Presses, mode: Mode, meaning: Meaning, hold: Words) -> Words | None:
    for (where, button, movement), wanted in table.items():
        if where is mode and wanted is meaning:
            return _filled(said.MOVEMENTS[movement], button=said.BUTTONS[button], hold=hold)
    return None


def _lamps(profile: Profile) -> Iterator[Lamp]:
    for state, pattern in profile.capture.signals.table().lamps.items():
        on, off = (_number(each / MILLISECONDS) for each in (pattern.on_ms, pattern.off_ms))
        looks = said.STEADY if pattern.off_ms == 0 else said.BLINKING
        colour = said.COLOURS[pattern.colour]
        yield Lamp(pattern, colour, _filled(looks, colour=colour, on=on, off=off), said.STATES[state])


def _steps(profile: Profile) -> Iterator[Step]:
    yield Step(Words("领用", "Check-out"), tuple(_checking_out(profile)))
    yield Step(Words("开始", "Start"), tuple(_starting(profile)))
    if profile.capture.notice is not None:
        yield Step(Words("告知", "Notice"), tuple(_notice(profile)))
    if profile.capture.statement is not None:
        yield Step(Words("语音说明", "Statement"), tuple(_statement(profile)))
    if profile.capture.marks.key_content:
        yield Step(Words("重点", "Key content"), tuple(_key_content(profile)))
    yield Step(Words("中断", "Break"), tuple(_breaking(profile)))
    yield Step(Words("恢复", "Resume"), tuple(_resuming(profile)))
    yield Step(Words("结束", "End"), tuple(_ending(profile)))
    yield Step(Words("入座移交", "Dock"), tuple(_docking(profile)))


def _checking_out(profile: Profile) -> Iterator[tuple[Part, Words]]:
    example = _filled(OFFICER, name=_same("×××"), number=_same("××"))
    yield Part.UNIT_SAYS, _joined(FIXED[Line.CHECKED_OUT], example)
    yield (
        Part.DO,
        Words("听清姓名、证号；不对的，当场更正。", "Listen to names and numbers; have a slip mended at once."),
    )
    if profile.custody is not None and profile.custody.wearing:
        yield Part.RULE, _same(profile.custody.wearing.rstrip("。") + "。")


def _starting(profile: Profile) -> Iterator[tuple[Part, Words]]:
    begins = profile.capture.recording.begins
    if begins:
        yield Part.RULE, _same(f"{begins}。")
    yield (
        Part.DO,
        Words("按一下录制键，两秒内有灯光和提示音。", "Press record; lamp and tone answer within two seconds."),
    )
    yield Part.UNIT_SAYS, _joined(FIXED[Line.PREFLIGHT_GOOD], FIXED[Line.STARTED])
    if profile.capture.preflight.blocking:
        yield Part.UNIT_SAYS, FIXED[Line.PREFLIGHT_BLOCKED]


def _notice(profile: Profile) -> Iterator[tuple[Part, Words]]:
    notice = profile.capture.notice
    if notice is None:
        return
    wording = Words(notice.wording, notice.wording_en or notice.wording)
    if notice.speaker is Speaker.OFFICER:
        yield Part.UNIT_SAYS, FIXED[Line.NOTICE_BY_OFFICER]
        yield Part.YOU_SAY, wording
    else:
        yield Part.UNIT_SAYS, wording
        yield (
            Part.DO,
            Words("播报时不要说话，设备要听到播报才算告知。", "Be silent meanwhile: the unit has to hear it."),
        )


def _statement(profile: Profile) -> Iterator[tuple[Part, Words]]:
    statement = profile.capture.statement
    if statement is None:
        return
    english = statement.items_en or statement.items
    items = Words(_listed(statement.items), ", ".join(english))
    if statement.moment is Moment.FIRST:
        yield Part.NOTE, Words("开始录制后先做这一步。", "This comes first.")
    yield Part.UNIT_SAYS, _filled(STATEMENT_REQUEST, items=items)
    spoken = "；".join(f"{item}……" for item in statement.items)
    yield Part.YOU_SAY, Words(f"{spoken}。", "; ".join(f"{item} …" for item in english) + ".")
    yield Part.NOTE, _within(statement.window_seconds)


def _key_content(profile: Profile) -> Iterator[tuple[Part, Words]]:
    yield Part.RULE, _same("；".join(item.rstrip("。；") for item in profile.capture.marks.key_content) + "。")
    yield Part.DO, Words("录到时按一下标记键。", "Mark it when it is in the picture.")


def _breaking(profile: Profile) -> Iterator[tuple[Part, Words]]:
    yield (
        Part.DO,
        Words("按键见上表；选择原因，同时说出原因。", "Presses: see above. Choose the cause, and say it aloud."),
    )
    two, one = FIXED[Line.TWO_BUTTONS], FIXED[Line.ONE_BUTTON]
    choosing = Words(f"{two.zh}（一个按键的设备：{one.zh}）", f"{two.en} (With one button: {one.en})")
    yield Part.UNIT_SAYS, _joined(FIXED[Line.CHOOSE_CAUSE], choosing)
    yield Part.NOTE, _choices(profile)
    cause = _same("……")
    yield Part.UNIT_SAYS, _joined(_filled(BREAK_MARKER, cause=cause), FIXED[Line.PRESS_TO_RESUME])
    report_to = profile.capture.interruptions.report_to
    if report_to:
        yield Part.NOTE, Words("确实无法继续录制的：", "If the recording cannot go on:")
        yield Part.UNIT_SAYS, _filled(REPORT, addressee=_same(report_to))
    if profile.cannot_continue is not None and profile.cannot_continue.written_explanation:
        yield (
            Part.DO,
            Words("无法继续录制的，事后书面说明情况。", "Explain in writing afterwards why it could not go on."),
        )


def _choices(profile: Profile) -> Words:
    """The menu of the announced break, in its order; what the text does not allow is marked."""
    rules = SessionRules.of(profile.capture, profile.grounds)
    causes = {each.code: Words(each.zh, each.en) for each in profile.capture.interruptions.causes}
    grounds = {each.code: Words(each.zh, each.en) for each in profile.grounds}
    named = {**MACHINE_CAUSES, **causes, **grounds}
    listed = [
        named[code] if code in rules.allowed_causes or code == OTHER_CAUSE else _outside(named[code])
        for code in rules.announced_causes
    ]
    return Words("；".join(each.zh for each in listed) + "。", "; ".join(each.en for each in listed) + ".")


def _outside(cause: Words) -> Words:
    return Words(f"{cause.zh}（规定之外）", f"{cause.en} (not in the text)")


def _resuming(profile: Profile) -> Iterator[tuple[Part, Words]]:
    yield (
        Part.DO,
        Words(
            "按一下录制键；故障排除或短时断电后自动恢复。", "Press record; after a fault the unit resumes by itself."
        ),
    )
    at, cause = Words("×点×分", "××:××"), _same("……")
    clause = _filled(CAUSE_IN_MARKER, cause=cause)
    yield (
        Part.UNIT_SAYS,
        Words(
            f"{RECORDED_AT.zh}{at.zh}{clause.zh}{NOW_RESUMING.zh}",
            f"{RECORDED_AT.en} {at.en} {clause.en} {NOW_RESUMING.en}",
        ),
    )
    explanation = profile.capture.interruptions.explanation
    if explanation is None:
        return
    yield Part.UNIT_SAYS, FIXED[Line.REASON_REQUEST]
    yield (
        Part.YOU_SAY,
        Words("刚才因……中断录制，现在继续。", "The recording was interrupted because …; it goes on now."),
    )
    yield Part.NOTE, _within(explanation.window_seconds)


def _ending(profile: Profile) -> Iterator[tuple[Part, Words]]:
    recording = profile.capture.recording
    if recording.ends:
        yield Part.RULE, _same(f"{recording.ends}。")
    hold = _number(profile.capture.gestures.hold_ms / MILLISECONDS)
    yield Part.DO, _filled(Words("按住录制键 {hold} 秒。", "Hold record for {hold} s."), hold=hold)
    if recording.end_question:
        yield Part.UNIT_SAYS, _same(recording.end_question)
    yield Part.UNIT_SAYS, FIXED[Line.FINISHED]


def _docking(profile: Profile) -> Iterator[tuple[Part, Words]]:
    transfer = profile.sync.transfer
    start, limit = said.STARTS[transfer.normal.start], _limit(transfer.normal.limit)
    yield Part.NOTE, Words(f"{start.zh}，{limit.zh}。", f"{start.en.capitalize()}: {limit.en}.")
    if transfer.exception is not None:
        reasons = transfer.exception.reasons
        named = Words("、".join(each.zh for each in reasons), ", ".join(each.en for each in reasons))
        text = _filled(said.EXCEPTION, reasons=named, limit=_limit(transfer.exception.limit))
        yield Part.NOTE, Words(f"{text.zh}。", f"{text.en.capitalize()}.")
    yield Part.UNIT_SAYS, FIXED[Line.DOCKED]
    yield Part.DO, Words("听到下一句再取走。", "Leave it there until it says:")
    yield Part.UNIT_SAYS, FIXED[Line.ALL_UPLOADED]


def _warnings(profile: Profile) -> Iterator[tuple[Words, Words]]:
    alarms = profile.capture.warnings
    figures = {"battery": _number(alarms.battery_alarm_minutes), "storage": _number(alarms.storage_alarm_minutes)}
    if not profile.capture.preflight.blocking:
        yield _filled(CHECK_FAILED, check=said.WHICHEVER), said.CHECK_FAILS
    for line, remedy in said.WARNINGS.items():
        yield FIXED[line], _filled(remedy, **figures)


def _limit(limit: Limit) -> Words:
    if limit.working_days is not None:
        return _filled(said.WORKING_DAYS, count=_number(limit.working_days))
    if limit.at_once_hours is not None:
        return _filled(said.AT_ONCE, count=_number(limit.at_once_hours))
    return _filled(said.HOURS, count=_number(limit.hours or 0))


def _within(seconds: float) -> Words:
    count = _number(seconds)
    return _filled(
        Words("{count} 秒内说出；没有听到，会再问一次。", "Say it within {count} s; unheard, it is asked once more."),
        count=count,
    )


def _filled(words: Words, **slots: Words) -> Words:
    return Words(
        words.zh.format(**{name: slot.zh for name, slot in slots.items()}),
        words.en.format(**{name: slot.en for name, slot in slots.items()}),
    )


def _joined(*sentences: Words) -> Words:
    return Words("".join(each.zh for each in sentences), " ".join(each.en for each in sentences))


def _listed(items: tuple[str, ...]) -> str:
    return "、".join(items[:-1]) + ("和" if len(items) > 1 else "") + items[-1]


def _same(text: str) -> Words:
    return Words(text, text)


def _number(value: float) -> Words:
    return _same(f"{value:g}")
