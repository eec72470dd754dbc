"""Scenarios: what happens around a unit, written so that a person can read it.

Rules of this module: text in, steps out, or one clear error; pure. The grammar stands in `hw-sim/README.md`.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass

from hw_sim import conditions, moves
from hw_sim.clock import Speed
from hw_sim.conditions import Condition, Never
from hw_sim.errors import ScenarioError
from hw_sim.moves import Move
from hw_sim.wording import DURATION, NUMBER, QUOTED, seconds, statements, without_comment

WITHIN_SECONDS = 120.0
"""World time that a wait may take when it names no other."""
WITHIN_OUTSIDE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Let time pass."""


@dataclass(frozen=True, slots=True)
class Act:
    """Do something to the world."""

    move: Move


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until something is so."""

    condition: Condition
    outside: bool
    """Whether somebody outside the world has to act first: real time, then, or the world would run away."""
    within_seconds: float


@dataclass(frozen=True, slots=True)
class Expect:
    """Fail unless something is so."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class ChangeSpeed:
    """Let the world go on at another speed."""

    speed: Speed


@dataclass(frozen=True, slots=True)
class End:
    """Shut the unit down in order."""


Deed = Pause | Act | Wait | Expect | ChangeSpeed | End


@dataclass(frozen=True, slots=True)
class Step:
    """One statement."""

    line: int
    text: str
    deed: Deed
    after_seconds: float = 0.0
    """Since the step before was over."""
    at_seconds: float | None = None
    """Since the scenario began."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole scenario."""

    name: str
    steps: tuple[Step, ...]
    fingerprint: int
    """Tells scenarios apart, 48 bits."""

    def spoken(self) -> tuple[tuple[str, str], ...]:
        """Everything that people beside the unit will say: who, and the words."""
        pattern = next(form.pattern for form in moves.FORMS if form.shown.startswith("WHO"))
        found = (re.fullmatch(pattern, _without_time(step.text)) for step in self.steps)
        return tuple((match[1], match[2]) for match in found if match is not None)


def parse(text: str, name: str = "scenario") -> Scenario:
    """Read a scenario.

    Args:
        text: Its lines.
        name: What error messages call it, as a rule the file's name.

    Raises:
        ScenarioError: A line cannot be read; the message names it and the remedy.
    """
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), start=1):
        for statement in statements(without_comment(line)):
            try:
                steps.append(_step(number, statement))
            except ValueError as error:
                raise ScenarioError(f"{name}, line {number}: {statement!r}: {error}") from error
    _check_order(name, steps)
    digest = hashlib.sha256(text.encode()).digest()
    return Scenario(name, tuple(steps), int.from_bytes(digest[:6], "big"))


def _check_order(name: str, steps: list[Step]) -> None:
    if not steps:
        raise ScenarioError(f"{name}: nothing happens in it; write at least one statement, for example: press record")
    for step in steps[:-1]:
        if isinstance(step.deed, End):
            raise ScenarioError(f"{name}, line {step.line}: nothing can follow 'end'; remove it or what follows")


def _step(line: int, statement: str) -> Step:
    if found := re.fullmatch(rf"after\s+{DURATION}\s*(?::\s*(.+))?", statement):
        deed = _deed(found[2]) if found[2] else Pause()
        return Step(line, statement, deed, after_seconds=seconds(found[1]))
    if found := re.fullmatch(rf"at\s+{DURATION}\s*:\s*(.+)", statement):
        return Step(line, statement, _deed(found[2]), at_seconds=seconds(found[1]))
    return Step(line, statement, _deed(statement))


def _without_time(statement: str) -> str:
    return re.sub(rf"^(?:after|at)\s+{DURATION}\s*:\s*", "", statement)


def _deed(text: str) -> Deed:
    if text == "end":
        return End()
    if found := re.fullmatch(rf"speed\s+(?:(max)|(real)|{NUMBER})", text):
        return ChangeSpeed(_speed(found[3], at_most=found[1] is not None))
    if found := re.fullmatch(r"expect\s+(no\s+)?(.+)", text):
        expected = _condition(found[2])
        return Expect(Never(expected) if found[1] else expected)
    if found := re.fullmatch(rf"wait\s+(outside\s+)?for\s+(.+?)(?:\s+within\s+{DURATION})?", text):
        limit = WITHIN_OUTSIDE_SECONDS if found[1] else WITHIN_SECONDS
        return Wait(_condition(found[2]), bool(found[1]), seconds(found[3]) if found[3] else limit)
    move = moves.move(text)
    if move is None:
        raise ValueError(_remedy(text))
    return Act(move)


def _speed(factor: str | None, *, at_most: bool) -> Speed:
    if at_most:
        return "max"
    speed = 1.0 if factor is None else float(factor)
    if speed <= 0:
        raise ValueError("a world cannot stand still; write a speed above 0, real or max")
    return speed


def _condition(text: str) -> Condition:
    found = conditions.condition(text)
    if found is None:
        raise ValueError(f"nothing to wait for or expect; write {' or '.join(conditions.FORMS)}")
    return found


def _remedy(text: str) -> str:
    if not _QUOTES_CLOSED.fullmatch(text):
        return "a quotation mark is not closed; close it on the same line"
    known = [form.shown for form in moves.FORMS] + list(_OTHER_FORMS)
    near = difflib.get_close_matches(text, known, n=2, cutoff=0.3)
    same = [shown for shown in known if shown.split()[0] == text.split(maxsplit=1)[0]]
    offered = dict.fromkeys(same + near) or dict.fromkeys(known)
    return f"not understood; write {' or '.join(repr(shown) for shown in offered)}"


_QUOTES_CLOSED = re.compile(rf"(?:[^\"“「]|{QUOTED})*")
_OTHER_FORMS = (
    "after 12 s[: …]",
    "at 1:30: …",
    "wait [outside] for … [within 60 s]",
    "expect [no] …",
    "speed max|real|4",
    "end",
)
