"""A store and a unit of one agency, set up and at work: what a demo and a scenario have in common.

Rules of this module: order of the commands, and what is told about each; the day itself is `day`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from hw_sim.demo.documents import read
from hw_sim.demo.folder import OutFolder
from hw_sim.demo.programs import Programs
from hw_sim.demo.rules import Language, Rules, rules_of
from hw_sim.demo.store import Store
from hw_sim.demo.telling import Both, Telling
from hw_sim.demo.unit import DEVICE_ID, Officer, Option, Unit
from hw_sim.demo.words import TALK
from hw_sim.pacer import real_utc_ns

_NS = 1_000_000_000
_BEIJING = timezone(timedelta(hours=8))
CERTIFICATES = ("ZF-0001", "ZF-0002")
"""Placeholders, as the names are."""


@dataclass(frozen=True, slots=True)
class Agency:
    """What stands ready."""

    programs: Programs
    store: Store
    unit: Unit
    rules: Rules
    language: Language

    def officers(self) -> tuple[Officer, ...]:
        """The two of the day."""
        talk = TALK[self.language]
        return tuple(
            Officer(name, number, reading)
            for name, number, reading in zip(talk.officers, CERTIFICATES, talk.readings, strict=True)
        )


@contextmanager
def agency(out: OutFolder, profile: str, language: Language, telling: Telling) -> Iterator[Agency]:
    """Make a store, serve it, take a unit in; ends what was started.

    Args:
        out: Everything is made in its work folder; it is prepared.
        profile: Id or path of a profile.
        language: What unit and officers speak.
        telling: Where the steps are told.

    Raises:
        DemoError: A command failed.
    """
    logs = out.work / "logs"
    logs.mkdir()
    programs = Programs(logs)
    shown = programs.run("recorder", "profile", "show", profile, "--json")
    rules = rules_of(read(shown.output, "recorder profile show --json"), language)
    telling.say(f"  {rules.agency}（{rules.profile}）" if language == "zh" else f"  {rules.agency} ({rules.profile})")
    store, unit = Store(programs, out.work / "store"), Unit(programs, out.unit, language)
    with telling.step(Both("机关建立存储服务和证书", "the agency makes its store and its CA")):
        store.make()
    with store.served():
        with telling.step(Both("设备注册到机关", "the unit becomes the agency's")) as step:
            request, bundle = unit.request(), out.work / "enrolment.bundle"
            store.enrol(request, bundle)
            unit.install(bundle, profile)
            step.detail = f"{DEVICE_ID} ← {store.url}"
        try:
            yield Agency(programs, store, unit, rules, language)
        finally:
            unit.stop()


def options_of(world: Path, scenario: Path, video: Path | None, more: Mapping[str, Option]) -> dict[str, Option]:
    """The options of the simulated world."""
    options: dict[str, Option] = {
        "world_directory": str(world),
        "scenario": str(scenario.absolute()),
        "speed": "max",
        "start_utc": nine_before(real_utc_ns()),
    }
    if video is not None:
        options["video"] = str(video.absolute())
    return options | dict(more)


def nine_before(utc_ns: int) -> str:
    """The last nine o'clock of a morning in Beijing: a day's work, and never before the unit's certificates begin."""
    now = datetime.fromtimestamp(utc_ns // _NS, UTC).astimezone(_BEIJING)
    nine = now.replace(hour=9, minute=0, second=0)
    return (nine if nine <= now else nine - timedelta(days=1)).isoformat()
