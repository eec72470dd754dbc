"""Holds what was sealed and opened against what really happened.

Rules of this module: pure. Every comparison says what was expected and what was found; one that does not hold makes
the demo fail. The sealed side comes from `recorder verify --json`, the opened side from the films themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hw_sim.demo.documents import Document
from hw_sim.demo.rules import Rules
from hw_sim.demo.telling import Both
from hw_sim.demo.truth import Shot

_MS = 1_000_000
_SECOND_NS = 1_000_000_000
EXACT_MS = 50.0
"""Largest error of a break's borders: a picture and a half at 30 in a second."""
LOST_SECONDS = 3.0
"""A loss of power costs at most the open group of pictures and what was queued and not yet synced."""
_EARLY_NS = 5 * _SECOND_NS


@dataclass(frozen=True, slots=True)
class Opened:
    """One film that was opened, as a player sees it."""

    session: int
    run: int | None
    """None: the film of the whole session."""
    frames: int
    rising: bool
    """No picture has the time of another one, or an earlier one than the picture before."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison."""

    what: Both
    really: str
    sealed: str
    holds: bool


def compare(rules: Rules, report: Document, shots: Sequence[Shot], opened: Sequence[Opened]) -> tuple[Compared, ...]:
    """Compare a whole day.

    Args:
        rules: What the profile asks for.
        report: The report of `recorder verify --json`.
        shots: When the camera really gave pictures.
        opened: The opened films.

    Raises:
        DemoError: The report is not as expected.
    """
    found: list[Compared] = []
    for session in report["sessions"].items():
        mine = [shot for shot in shots if _within(shot, session)]
        films = [film for film in opened if film.session == session["number"].number()]
        found += [*_frames(session, mine, films), *_breaks(session, mine), *_spoken(session, rules)]
    found.append(_everything(shots, report))
    return tuple(found)


def _within(shot: Shot, session: Document) -> bool:
    ended = session.get("ended_utc_ns")
    begun_ns = session["started_utc_ns"].number() - _EARLY_NS
    return begun_ns <= shot.first_utc_ns and (ended is None or shot.first_utc_ns <= ended.number())


def _everything(shots: Sequence[Shot], report: Document) -> Compared:
    """No picture of the day belongs to no session."""
    sessions = report["sessions"].items()
    outside = [shot for shot in shots if not any(_within(shot, session) for session in sessions)]
    count = sum(len(shot.captured_utc_ns) for shot in outside)
    return Compared(Both("录制之外的画面", "pictures outside all sessions"), str(count), "0", count == 0)


def _frames(session: Document, shots: Sequence[Shot], films: Sequence[Opened]) -> Iterator[Compared]:
    number = session["number"].number()
    given = sum(len(shot.captured_utc_ns) for shot in shots)
    sealed, opened = session["frames"].number(), sum(film.frames for film in films if film.run is not None)
    whole = sum(film.frames for film in films if film.run is None)
    lost, allowed = given - sealed, sum(_losable(shot) for shot in shots if shot.cut_short)
    told = str(sealed) if lost == 0 else f"{sealed} (−{lost})"
    yield Compared(
        Both(f"录制 {number}：帧数", f"session {number}: frames captured, opened"),
        str(given),
        f"{told} → {opened}",
        sealed == opened == whole and 0 <= lost <= allowed,
    )
    rising = all(film.rising for film in films)
    yield Compared(
        Both(f"录制 {number}：时间戳递增", f"session {number}: time stamps rise"),
        "✓",
        "✓" if rising else "✗",
        rising and bool(films),
    )


def _losable(shot: Shot) -> int:
    """Pictures that a loss of power may cost at most."""
    border_ns = shot.last_utc_ns - round(LOST_SECONDS * _SECOND_NS)
    return sum(at_ns > border_ns for at_ns in shot.captured_utc_ns)


def _breaks(session: Document, shots: Sequence[Shot]) -> Iterator[Compared]:
    number, sealed = session["number"].number(), session["breaks"].items()
    gaps = list(pairwise(shots))
    yield Compared(
        Both(f"录制 {number}：中断次数", f"session {number}: breaks"),
        str(len(gaps)),
        str(len(sealed)),
        len(gaps) == len(sealed),
    )
    for each, (before, after) in zip(sealed, gaps, strict=False):
        yield _one_break(number, each, before, after)


def _one_break(number: int, sealed: Document, before: Shot, after: Shot) -> Compared:
    begun_ms = (sealed["began_utc_ns"].number() - before.last_utc_ns) / _MS
    resumed = sealed.get("ended_utc_ns")
    ended_ms = None if resumed is None else (resumed.number() - after.first_utc_ns) / _MS
    least_ms = -LOST_SECONDS * 1000 if before.cut_short else -EXACT_MS
    good = least_ms <= begun_ms <= EXACT_MS and ended_ms is not None and abs(ended_ms) <= EXACT_MS
    place, cause = sealed["number"].number(), sealed["cause"].text()
    away = "–" if ended_ms is None else f"{ended_ms:+.1f}"
    return Compared(
        Both(f"录制 {number}：中断 {place}", f"session {number}: break {place}, {cause}"),
        f"{(after.first_utc_ns - before.last_utc_ns) / _SECOND_NS:.3f} s",
        f"{begun_ms:+.1f} / {away} ms",
        good,
    )


def _spoken(session: Document, rules: Rules) -> Iterator[Compared]:
    number = session["number"].number()
    notice, statement = session["notice"].text(), session["statement"].text()
    wanted = "heard" if rules.notice else "none"
    yield Compared(Both(f"录制 {number}：告知", f"session {number}: notice"), wanted, notice, notice == wanted)
    if rules.statement is not None:
        good = statement == "given"
        yield Compared(Both(f"录制 {number}：语音说明", f"session {number}: voice statement"), "given", statement, good)
    asked = session["breaks"].items()
    explained = sum(each.get("explained") is not None and each["explained"].flag() for each in asked)
    expected = len(asked) if rules.explanation else 0
    yield Compared(
        Both(f"录制 {number}：中断原因说明", f"session {number}: spoken reasons"),
        str(expected),
        str(explained),
        explained == expected,
    )
    reasons = [each["good"].flag() for each in session["spans"].items() if each["kind"].text() == "break-reason"]
    announced = sum(each["origin"].text() == "announced" for each in asked)
    if announced:
        yield Compared(
            Both(f"录制 {number}：宣布中断时说明", f"session {number}: reasons at the announcement"),
            str(announced),
            str(sum(reasons)),
            sum(reasons) == announced,
        )


def to_plain(compared: Sequence[Compared]) -> list[Mapping[str, str | bool]]:
    """Comparisons as plain values for JSON."""
    return [
        {"what": each.what.en, "zh": each.what.zh, "really": each.really, "sealed": each.sealed, "holds": each.holds}
        for each in compared
    ]
