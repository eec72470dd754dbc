"""Writes the scenario of the demo's day for a profile.

Rules of this module: pure text. What a profile does not ask for is neither waited for nor said; every line can be read
by a person, and by `recorder-sim check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hw_sim.demo.rules import Cause, Language, Rules
from hw_sim.demo.words import TALK

_HOLD = "2.3 s"
_PREFERRED = ("bad-weather", "change-of-place", "other-objective", "other")
"""Causes that officers announce; the others are found by the machine as a rule."""


@dataclass(frozen=True, slots=True)
class Course:
    """How long plain recording goes on in the first session."""

    pauses_seconds: tuple[float, float, float] = (6.0, 3.0, 3.0)
    """Before the camera's break, before the announced break, before the end."""
    film_seconds: tuple[float, float, float] | None = None
    """Places in a long film at which the same three things happen, instead of pauses."""


def day(rules: Rules, course: Course, language: Language) -> str:
    """Write the whole day.

    Args:
        rules: What the profile asks for.
        course: How long it lasts.
        language: What officers and unit speak.

    Returns:
        A scenario.
    """
    return "\n".join(_Day(rules, course, language).lines()) + "\n"


class _Day:
    def __init__(self, rules: Rules, course: Course, language: Language) -> None:
        self._rules = rules
        self._course = course
        self._talk = TALK[language]

    def lines(self) -> Iterator[str]:
        yield f"# A day of two officers with the rules of {self._rules.profile}, written by recorder-sim demo."
        yield from self._checkout()
        yield "after 1 s: press record"
        yield from self._opening()
        yield from self._camera_break()
        yield from self._announced_break()
        yield from self._plain(2)
        yield from self._finish()
        yield ""
        yield "# The second session loses its power."
        yield "after 4 s: press record"
        yield from self._opening()
        yield "after 5 s: power cut for 25 s"
        yield from self._resumption(0, self._talk.power_reason)
        yield "after 4 s"
        yield from self._finish()
        yield "after 3 s: dock"

    def _checkout(self) -> Iterator[str]:
        yield f'wait outside for words "{self._talk.checked_out}" within 10 min    # recorder checkout'

    def _opening(self) -> Iterator[str]:
        """Preflight, notice and statement, in the order of the profile; the lamp tells when all is done."""
        rules = self._rules
        if rules.statement == "first":
            yield from self._statement()
        if rules.notice:
            yield 'wait for lamp "notice"'
            if rules.notice_by_officer:
                yield from self._answered("after 1 s", 0, self._talk.statement)
        if rules.statement == "during":
            yield from self._statement()
        yield 'wait for lamp "recording"'

    def _statement(self) -> Iterator[str]:
        yield f'wait for words "{self._talk.statement_request}"'
        yield from self._answered("after 800 ms", 0, self._talk.statement)

    def _answered(self, when: str, officer: int, words: str) -> Iterator[str]:
        yield f'{when}: {self._talk.officers[officer]} says "{words}"'

    def _camera_break(self) -> Iterator[str]:
        yield from self._plain(0, self._talk.inspection)
        yield "unplug camera"
        yield "after 4 s: plug camera"
        yield from self._resumption(0, self._talk.camera_reason)

    def _announced_break(self) -> Iterator[str]:
        steps, cause = _chosen(self._rules.causes)
        before, after = self._talk.other_pause
        if cause is not None and cause.code in self._talk.pauses:
            before, after = self._talk.pauses[cause.code]
        yield "after 1.5 s: press mark"
        yield from self._plain(1)
        yield f"hold mark {_HOLD}"
        yield f'wait for words "{self._talk.choose_cause}"'
        yield from self._answered("after 500 ms", 1, before)
        for _ in range(steps):
            yield "after 1 s: press mark"
        if steps and cause is not None:
            yield f'wait for words "{cause.words}"'
        yield "after 1 s: press record"
        yield f'wait for words "{self._talk.press_to_resume}"'
        yield "after 5 s: press record"
        yield from self._resumption(1, after)

    def _resumption(self, officer: int, reason: str) -> Iterator[str]:
        yield f'wait for words "{self._talk.resumed}"'
        if self._rules.explanation:
            yield f'wait for words "{self._talk.reason_request}"'
            yield from self._answered("after 800 ms", officer, reason)
        yield 'wait for lamp "recording"'

    def _plain(self, place: int, words: str | None = None) -> Iterator[str]:
        """Plain recording; an officer speaks in it when there are words."""
        film, pause = self._course.film_seconds, self._course.pauses_seconds[place]
        if words is not None:
            yield from self._answered("after 3 s", 1, words)
        if film is None:
            yield f"after {pause:g} s"
        else:
            yield f"wait for film at {film[place]:g} s within 1 h"

    def _finish(self) -> Iterator[str]:
        yield f"hold record {_HOLD}"
        yield 'wait for lamp "idle"'


def _chosen(causes: tuple[Cause, ...]) -> tuple[int, Cause | None]:
    """Which cause is announced, and how many steps of the menu lead to it."""
    codes = [cause.code for cause in causes]
    for code in _PREFERRED:
        if code in codes and codes.index(code) > 0:
            return codes.index(code), causes[codes.index(code)]
    return (0, causes[0]) if causes else (0, None)
