"""Choosing from a menu while the recording goes on.

A mark's category (CS-16), the ground of an exemption (CS-17), and what can be done at all, on one button (CS-35).

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
    MenuPressed,
    NoticePressed,
    Timer,
    TimerFired,
)
from capture.moves import breaking, duties, exempting
from capture.states import MEMO_WINDOW_SECONDS, Action, Ask, Menu, State
from capture.turn import Turn
from sealing.records import Mark, PromptKind, VoicePurpose

_OPENING = {
    Menu.CATEGORY: Phrase.CATEGORY_MENU,
    Menu.GROUND: Phrase.GROUND_MENU,
    Menu.ACTION: Phrase.ACTION_MENU,
}
_ENTRY = {Menu.CATEGORY: Phrase.CATEGORY, Menu.GROUND: Phrase.CAUSE, Menu.ACTION: Phrase.ACTION}


def category_pressed(turn: Turn, _event: CategoryPressed) -> None:
    """Offer the categories for the last mark, where the profile has any and a mark was set."""
    _open(turn, Menu.CATEGORY, wanted=turn.session.marks > 0)


def ground_pressed(turn: Turn, _event: GroundPressed) -> None:
    """Offer the grounds of the text; where it has none, there is no exemption (R11)."""
    _open(turn, Menu.GROUND, wanted=True)


def menu_pressed(turn: Turn, event: MenuPressed) -> None:
    """Offer what the profile lets be done now (CS-35); where that is a break alone, its causes at once."""
    actions = _actions(turn)
    if actions == (Action.BREAK.value,):
        breaking.break_pressed(turn, BreakPressed(event.at_boottime_ns))
        return
    turn.note(actions=actions)
    _show(turn, Menu.ACTION)


def stepped(turn: Turn, _event: CauseStepped) -> None:
    """Offer the next entry."""
    entries = _entries(turn)
    turn.note(menu_index=(turn.session.menu_index + 1) % len(entries))
    turn.cue(Cue.STEP)
    turn.do(Hush())
    _offer(turn, _ENTRY)


def confirmed(turn: Turn, event: CauseConfirmed) -> None:
    """Take the entry that was offered last."""
    menu, chosen = turn.session.menu, _entries(turn)[turn.session.menu_index]
    turn.note(menu=None)
    if menu is Menu.ACTION:
        turn.do(Hush())
        _act(turn, Action(chosen), event.at_boottime_ns)
        return
    turn.cue(Cue.CONFIRMED)
    turn.do(Hush())
    if menu is Menu.GROUND:
        _exempt(turn, chosen, event.at_boottime_ns)
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
    _exempt(turn, event.ground, event.at_boottime_ns)


def exempted_without_memo(turn: Turn, event: Exempted) -> None:
    """Seal the exemption; nothing is being recorded that could hold a memo."""
    exempting.seal_exemption(turn, event.ground)
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


def _actions(turn: Turn) -> tuple[str, ...]:
    rules, session = turn.machine.rules, turn.session
    offered = {
        Action.BREAK: True,
        # While something is being said or asked the notice waits (CS-15).
        Action.NOTICE: rules.notice and turn.machine.state is State.RECORDING,
        Action.CATEGORY: bool(rules.mark_categories) and session.marks > 0,
        Action.GROUND: bool(rules.grounds),
    }
    return tuple(action.value for action, wanted in offered.items() if wanted)


def _act(turn: Turn, action: Action, at_boottime_ns: int) -> None:
    match action:
        case Action.BREAK:
            breaking.break_pressed(turn, BreakPressed(at_boottime_ns))
        case Action.NOTICE:
            duties.notice_pressed(turn, NoticePressed(at_boottime_ns))
        case Action.CATEGORY:
            _show(turn, Menu.CATEGORY)
        case Action.GROUND:
            _show(turn, Menu.GROUND)


def _open(turn: Turn, menu: Menu, *, wanted: bool) -> None:
    entries = turn.machine.rules.mark_categories if menu is Menu.CATEGORY else turn.machine.rules.grounds
    if not wanted or not entries:
        turn.cue(Cue.REFUSED)
        turn.say(PromptKind.STATUS, Phrase.REFUSED)
        return
    _show(turn, menu)


def _show(turn: Turn, menu: Menu) -> None:
    duties.drop_duty(turn)
    turn.note(menu=menu, menu_index=0)
    turn.go(State.CHOOSING)
    turn.cue(Cue.ANNOUNCE)
    _offer(turn, _OPENING)


def _entries(turn: Turn) -> tuple[str, ...]:
    rules, menu = turn.machine.rules, turn.session.menu
    if menu is Menu.ACTION:
        return turn.session.actions
    return rules.mark_categories if menu is Menu.CATEGORY else rules.grounds


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


def _exempt(turn: Turn, ground: str, at_boottime_ns: int) -> None:
    exempting.seal_exemption(turn, ground)
    turn.go(State.STATEMENT)
    kind, phrase = PromptKind.STATEMENT_REQUEST, Phrase.MEMO_REQUEST
    memo = Ask(VoicePurpose.MEMO, kind, phrase, MEMO_WINDOW_SECONDS, asked_boottime_ns=at_boottime_ns)
    duties.ask(turn, memo)
