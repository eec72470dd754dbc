"""What a profile makes true of one recording, held against its sealed bodies; asks nothing of who sealed them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from agent.profile import load_profile
from capture.profile import MACHINE_CAUSES, CaptureProfile, ExemptionGround
from sealing.records import (
    Break,
    BreakOrigin,
    Event,
    Fragment,
    Mark,
    Prompt,
    PromptKind,
    Resume,
    SessionEnd,
    VoicePurpose,
    VoiceWindow,
)

Body = TypeVar("Body")


@dataclass(frozen=True)
class Rules:
    """What a recording is judged by."""

    name: str
    profile: CaptureProfile
    grounds: tuple[ExemptionGround, ...]

    @property
    def allowed_causes(self) -> frozenset[str]:
        """Codes of causes for which the text lets a recording break off."""
        entries = [each for each in self.profile.interruptions.causes if each.allowed]
        return frozenset({each.code for each in entries} | {code for each in entries for code in each.covers}) | {
            each.code for each in self.grounds if each.stops
        }

    @property
    def announced_causes(self) -> frozenset[str]:
        """What an officer may choose from when a break is announced."""
        entries = {each.code for each in self.profile.interruptions.causes if each.announced}
        return frozenset(entries | {each.code for each in self.grounds if each.stops} | {"unclassified"})

    @property
    def explains(self) -> bool:
        """Whether the text wants a break explained when the recording goes on."""
        return self.profile.interruptions.explanation is not None


def shipped_rules(name: str) -> Rules:
    """The rules of a shipped profile."""
    shipped = load_profile(name).profile
    return Rules(name, shipped.capture, shipped.grounds)


def judge_rules(session: Sequence[object], rules: Rules) -> None:
    """Judge the bodies of one recording, from its SESSION_START to its SESSION_END."""
    judge_breaks(session, rules)
    judge_explanations(session, rules)
    judge_exemptions(session, rules)
    judge_duties(session, rules)


def of(session: Iterable[object], kind: type[Body]) -> list[Body]:
    """The bodies of a kind."""
    return [body for body in session if isinstance(body, kind)]


def judge_breaks(session: Sequence[object], rules: Rules) -> None:
    """Each cause is one that there can be, and is allowed or flagged as the text has it (R8)."""
    for body in of(session, Break):
        assert body.cause_allowed == (body.cause in rules.allowed_causes), f"{body.cause}: allowed={body.cause_allowed}"
        if body.origin is BreakOrigin.ANNOUNCED:
            assert body.cause in rules.announced_causes, f"{body.cause} is not in the menu of {rules.name}"
        else:
            assert body.cause in MACHINE_CAUSES, f"the unit found {body.cause}"
    flagged = sum(body.code == "break-unclassified" for body in of(session, Event))
    assert flagged == sum(body.cause == "unclassified" for body in of(session, Break))


def judge_explanations(session: Sequence[object], rules: Rules) -> None:
    """Where the text wants breaks explained, each that was resumed has one last window, heard or missing; else none."""
    resumed = [body.break_sequence for body in of(session, Resume)]
    windows = [body for body in of(session, VoiceWindow) if body.purpose is VoicePurpose.EXPLANATION]
    last = Counter(body.break_sequence for body in windows if body.final)
    if not rules.explains:
        assert not windows, f"{rules.name} asks for no explanation"
        return
    assert last == Counter(resumed), f"resumed {resumed}, explained {dict(last)}"
    missing = sum(body.final and not body.accepted for body in windows)
    unresumed = len(of(session, Break)) - len(resumed)
    (end,) = of(session, SessionEnd)
    assert end.unexplained_breaks == missing + unresumed, f"{end.unexplained_breaks} != {missing} + {unresumed}"


def judge_exemptions(session: Sequence[object], rules: Rules) -> None:
    """An exemption names a ground of the text; a memo is asked for behind one alone (R11)."""
    exemptions = [dict(body.values) for body in of(session, Event) if body.code == "exemption"]
    assert all(1 <= values["ground"] <= len(rules.grounds) for values in exemptions)
    grounds = [values for values in exemptions if "break" not in values]
    memos = [body for body in of(session, VoiceWindow) if body.purpose is VoicePurpose.MEMO]
    assert len(memos) <= len(grounds), f"{len(memos)} memos for {len(grounds)} exemptions"


def judge_duties(session: Sequence[object], rules: Rules) -> None:
    """What the text has not is not asked (CS-4)."""
    profile = rules.profile
    kinds = {body.kind for body in of(session, Prompt)}
    purposes = {body.purpose for body in of(session, VoiceWindow)}
    assert profile.notice is not None or PromptKind.NOTICE not in kinds
    assert profile.notice is not None or not any(body.before_notice for body in of(session, Fragment))
    assert profile.statement is not None or VoicePurpose.STATEMENT not in purposes
    assert profile.marks.reminders or PromptKind.REMINDER not in kinds
    assert rules.explains or PromptKind.REASON_REQUEST not in kinds
    categories = {None, *(each.code for each in profile.marks.categories)}
    assert {body.category for body in of(session, Mark)} <= categories
