"""Writes down everything that the session machine wants, event by event: the course of a recording as a text.

What is compared as a whole leaves nothing out: no timer that is not cleared, no word too many, no number that is off.
Times are in seconds, civil times those since the driver's own zero; what is empty, zero or no is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from pathlib import Path

from capture import effects as fx
from capture import events as ev
from tests.unit.capture_session.script import SECOND_NS, Driver

FOLDER = Path(__file__).parent / "transcripts"
_IDENTITIES = frozenset({"session_id", "profile_id", "profile_hash", "clip_hash", "boot_id"})
_ONE_WORD = {fx.GiveCue: "cue", fx.SetTimer: "timer", fx.ClearTimer: "no timer", fx.ShowState: "show"}


@dataclass
class Writer(Driver):
    """A driver that writes down what happens and what is wanted."""

    lines: list[str] = field(default_factory=list)
    kept: dict[str, object] = field(default_factory=dict)

    def feed(self, event: ev.Event) -> tuple[fx.Effect, ...]:
        """Let one event happen, and write it down."""
        self.lines.append(f"> {_named(event, self)}")
        made = super().feed(event)
        self.lines += [f"  {line}" for effect in made for line in self._wanted(effect)]
        return made

    def _wanted(self, effect: fx.Effect) -> Iterator[str]:
        if isinstance(effect, fx.SetState):
            now = dict(_values(effect.snapshot, self))
            changed = [
                f"{name}={now.get(name, '-')}" for name in now | self.kept if now.get(name) != self.kept.get(name)
            ]
            self.kept = dict(now)
            yield f"keep {' '.join(changed)}"
        elif isinstance(effect, fx.Seal):
            private = f" private={dict(effect.private)}" if effect.private else ""
            answer = f" answer={effect.answer.value}" if effect.answer else ""
            yield f"seal {_named(effect.body, self)}{private}{answer}"
        else:
            said = " ".join(value for _, value in _values(effect, self)) if type(effect) in _ONE_WORD else None
            yield _named(effect, self) if said is None else f"{_ONE_WORD[type(effect)]} {said}"


def expected(name: str) -> str:
    """A transcript as it was read and found right."""
    return (FOLDER / f"{name}.txt").read_text("utf-8")


def _named(thing: object, driver: Driver) -> str:
    return " ".join([type(thing).__name__, *(f"{name}={value}" for name, value in _values(thing, driver))])


def _values(thing: object, driver: Driver) -> Iterator[tuple[str, str]]:
    assert is_dataclass(thing)
    for each in fields(thing):
        value = getattr(thing, each.name)
        if each.name not in _IDENTITIES and (value or isinstance(value, Enum)):
            yield each.name, _shown(each.name, value, driver)


def _shown(name: str, value: object, driver: Driver) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if name.endswith("_ns") and isinstance(value, int):
        since_ns = value - driver.civil_offset_ns if name.endswith("utc_ns") else value
        return f"{since_ns / SECOND_NS:g}s"
    if is_dataclass(value):
        return f"({_named(value, driver)})"
    if isinstance(value, tuple):
        return f"[{', '.join(_shown(name, each, driver) for each in value)}]"
    return str(value)
