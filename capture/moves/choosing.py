"""Choosing from a menu while the recording goes on: a mark's category (CS-16), the ground of an exemption (CS-17).

Rules of this module: nothing waits for a choice. A mark stands on the chain before it has a category; an exemption is
sealed when its ground is confirmed, and the spoken memo comes behind it. A menu that nobody confirms is withdrawn.
"""

from __future__ import annotations

from capture.cues import Cue
from capture.effects import Hush, Phrase, SetTimer
from capture.events import (
    BreakPressed,
    CategoryPressed,
    CauseConfirmed,
    CauseStepped,
    Exempted,
    GroundPressed,
    MarkLocated,
    Timer,
    TimerFired,
)
from capture.moves import duties
from capture.states import MEMO_WINDOW_SECONDS, Ask, Menu, State
from capture.turn import IllegalEventError, Turn
from sealing.records import Event, Mark, PromptKind, VoicePurpose

EXEMPTION = "exemption"
"""Code of the event that an exemption is sealed as."""
_OPENING = {Menu.CATEGORY: Phrase.CATEGORY_MENU, Menu.GROUND: Phrase.GROUND_MENU}
_ENTRY = {Menu.CATEGORY: Phrase.CATEGORY, Menu.GROUND: Phrase.CAUSE}


def category_pressed(turn: Turn, _event: CategoryPressed) -> None:
    """Offer the categories for the last mark, where the profile has any and a mark was set."""
    _open(turn, Menu.CATEGORY, wanted=turn.session.marks > 0)


def ground_pressed(turn: Turn, _event: GroundPressed) -> None:
    """Offer the grounds of the text; where it has none, there is no exemption (R11)."""
    _open(turn, Menu.GROUND, wanted=True)


def stepped(turn: Turn, _event: CauseStepped) -> None:
    """Offer the next entry."""
    entries = _entries(turn)
    turn.note(menu_index=(turn.session.menu_index + 1) % len(entries))
    turn.cue(Cue.STEP)
    turn.do(Hush())
    _offer(turn, _ENTRY)


def confirmed(turn: Turn, _event: CauseConfirmed) -> None:
    """Take the entry that was offered last."""
    menu, chosen = turn.session.menu, _entries(turn)[turn.session.menu_index]
    turn.note(menu=None)
    turn.cue(Cue.CONFIRMED)
    turn.do(Hush())
    if menu is Menu.GROUND:
        _exempt(turn, chosen)
    else:
        _categorise(turn, chosen)
        duties.next_duty(turn)


def withdrawn(turn: Turn, _event: BreakPressed) -> None:
    """The officer thought better of it."""
    _withdraw(turn)


def timer(turn: Turn, event: TimerFired) -> None:
    """Nobody confirmed: as if withdrawn. The pulse goes on."""
    if event.timer is Timer.ANNOUNCE:
        _withdraw(turn)
    else:
        duties.pulse(turn, event)


def exempted(turn: Turn, event: Exempted) -> None:
    """Seal the exemption, and ask for the memo: it is on the recording."""
    duties.drop_duty(turn)
    _exempt(turn, event.ground)


def exempted_without_memo(turn: Turn, event: Exempted) -> None:
    """Seal the exemption; nothing is being recorded that could hold a memo."""
    _seal_exemption(turn, event.ground)
    turn.cue(Cue.CONFIRMED)


def refused(turn: Turn, _event: object) -> None:
    """Answer a gesture that nothing can come of now."""
    turn.cue(Cue.REFUSED)


def seal_mark(turn: Turn, located: MarkLocated, category: str | None) -> None:
    """Seal a mark at its frame; a second time under its number to give it its category."""
    turn.seal(
        Mark(
            session_id=turn.session.session_id,
            number=located.number,
            frame=located.frame,
            media_time_ns=located.media_time_ns,
            pressed_boottime_ns=located.pressed_boottime_ns,
            category=category,
        )
    )


def _open(turn: Turn, menu: Menu, *, wanted: bool) -> None:
    entries = turn.machine.rules.mark_categories if menu is Menu.CATEGORY else turn.machine.rules.grounds
    if not wanted or not entries:
        turn.cue(Cue.REFUSED)
        turn.say(PromptKind.STATUS, Phrase.REFUSED)
        return
    duties.drop_duty(turn)
    turn.note(menu=menu, menu_index=0)
    turn.go(State.CHOOSING)
    turn.cue(Cue.ANNOUNCE)
    _offer(turn, _OPENING)


def _entries(turn: Turn) -> tuple[str, ...]:
    rules = turn.machine.rules
    return rules.mark_categories if turn.session.menu is Menu.CATEGORY else rules.grounds


def _offer(turn: Turn, phrases: dict[Menu, Phrase]) -> None:
    menu = turn.session.menu or Menu.CATEGORY
    turn.say(PromptKind.STATUS, phrases[menu], cause=_entries(turn)[turn.session.menu_index])
    turn.do(SetTimer(Timer.ANNOUNCE, turn.machine.rules.announce_timeout_seconds))


def _withdraw(turn: Turn) -> None:
    turn.note(menu=None)
    turn.cue(Cue.WITHDRAWN)
    turn.do(Hush())
    turn.say(PromptKind.STATUS, Phrase.BREAK_WITHDRAWN)
    duties.next_duty(turn)


def _categorise(turn: Turn, category: str) -> None:
    session = turn.session
    located = session.last_mark
    if located is not None and located.number == session.marks:
        seal_mark(turn, located, category)
    else:
        turn.note(mark_categories=(*session.mark_categories, (session.marks, category)))


def _exempt(turn: Turn, ground: str) -> None:
    _seal_exemption(turn, ground)
    turn.go(State.STATEMENT)
    duties.ask(turn, Ask(VoicePurpose.MEMO, PromptKind.STATEMENT_REQUEST, Phrase.MEMO_REQUEST, MEMO_WINDOW_SECONDS))


def _seal_exemption(turn: Turn, ground: str) -> None:
    """The ground by its place in the profile's list, from 1: an EVENT counts, and the OPEN names the profile."""
    session, grounds = turn.machine.session, turn.machine.rules.grounds
    if ground not in grounds:
        raise IllegalEventError(f"ground {ground!r} is not in the profile, which has {', '.join(grounds) or 'none'}")
    place = grounds.index(ground) + 1
    body = Event(EXEMPTION, None if session is None else session.session_id, (("ground", place),))
    turn.seal(body, {"ground": ground})
