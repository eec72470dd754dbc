"""The counter along the chain, and what a run promised to seal (step 17 of `FORMAT.md`, section 8).

Rules of this module: no I/O; only records that carry the chain on come here. Where the chain has a hole, nobody
knows how often the counter was raised in it: a value behind it may be any but a lower one. The store, which has every
file, counts through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sealing import ticks
from sealing.cose import PublicKey
from sealing.errors import SealingError
from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.records import Boot, CounterKind, Epoch, Fragment, Halt, Open, Tick
from sealing.suites import Suite
from sealing.verifier_links import Hole

_NS: Final = 1_000_000_000
_GRACE_NS: Final = 60 * _NS
"""What a stalled medium or a slow chip may add to a promised time."""


@dataclass(frozen=True, slots=True)
class TailFacts:
    """How far the end of the chain can be trusted to be its end, and why."""

    counter: str | None
    """Kind of the unit's counter: `file`, `tpm-nv`; None where the chain has none."""
    tick_sequence: int | None
    """Record of the last TICK."""
    tick_value: int | None
    records_behind: int
    """Records here behind it: what only an orderly end or a witness vouches for."""
    missing_seconds_max: int | None
    """Longest stretch of footage that can have stood behind it unseen; None where nothing bounds it."""
    zh: str
    en: str
    """All of it in words."""


@dataclass(frozen=True, slots=True)
class _Jump:
    """The counter was raised more than once from one TICK here to the next, and something stands between them."""

    after: int
    """Record of the TICK before."""
    sequence: int
    breaks: int
    """How often the reading lost the thread between them: by missing records, or by others that say nothing."""
    place: Place
    detail: str


class Ticks:
    """Follows the counter and the promises of BOOT.

    Args:
        findings: Where faults go.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._generation = 0
        self._last: Tick | None = None
        self._before_hole: Tick | None = None
        """Last TICK in front of the hole that the reading has just passed."""
        self._last_sequence = 0
        self._last_generation = 0
        self._jumps: list[_Jump] = []
        self._last_ns = 0
        """Boottime of the last TICK of this run, or of its BOOT."""
        self._restarted = False
        """The agent started without an orderly end since the last TICK."""
        self._boot: Boot | None = None
        self._waiting = False
        """BOOT promised a TICK that has not come."""
        self._head = 0
        self._heard_ns: int | None = None
        self._before: RecordHeader | None = None

    def record(
        self, header: RecordHeader, place: Place, generation: int, suite: Suite, device_key: PublicKey | None
    ) -> None:
        """Check a record against what the counter and the promises say."""
        if generation != self._generation:
            self._generation = generation
            self._before_hole = self._last or self._before_hole
            self._last, self._boot, self._heard_ns, self._waiting = None, None, None, False
        body = header.body
        if isinstance(body, Boot):
            self._start(header, body)
        self._check_silence(header, place)
        if isinstance(body, Tick):
            self._tick(header, body, place, suite, device_key)
        else:
            self._check_promise(header, place)
        self._head = header.sequence
        if not isinstance(body, Epoch):
            self._before = header

    def settle(self, holes: Sequence[Hole]) -> None:
        """Name TICKs that went with missing records, once the holes were judged (SF-43).

        Where anything else may have held them, a file that was freed or a record that cannot be read, nothing is said.
        """
        for jump in self._jumps:
            between = [hole for hole in holes if jump.after < hole.first and hole.last < jump.sequence]
            if len(between) == jump.breaks and all(hole.gone for hole in between):
                self._findings.add(Code.ROLLBACK, jump.place, jump.detail)

    def tail(self, *, ended_in_order: bool) -> TailFacts:
        """Say how much could be missing at the end (SF-43)."""
        promised = None if self._boot is None else self._boot.tick_seconds
        last = self._last
        if last is None:
            zh, en = "无计数器：末尾缺失多少无从界定", "no counter bounds what could be missing behind it"
            return TailFacts(None, None, None, 0, None, zh, en)
        zh, en = _said(last.value, self._last_sequence, promised, ended_in_order=ended_in_order)
        if last.counter is CounterKind.FILE:
            zh += "；计数器为文件，整卡还原会一并还原"
            en += "; a restored image of the whole medium takes this counter back too"
        behind = self._head - self._last_sequence
        return TailFacts(last.counter.value, self._last_sequence, last.value, behind, promised, zh, en)

    def _start(self, header: RecordHeader, body: Boot) -> None:
        self._boot, self._waiting = body, body.tick_seconds is not None
        self._last_ns, self._heard_ns = header.boottime_ns, None
        self._restarted = self._restarted or not body.clean

    def _check_silence(self, header: RecordHeader, place: Place) -> None:
        """SF-45: silence inside a run is never longer than promised."""
        heard, self._heard_ns = self._heard_ns, header.boottime_ns
        promised = None if self._boot is None else self._boot.alive_seconds
        if heard is None or promised is None:
            return
        silent_ns = header.boottime_ns - heard
        if silent_ns > promised * _NS + _GRACE_NS:
            detail = f"nothing was sealed for {silent_ns / _NS:.0f} s; the unit promised a sign each {promised} s"
            self._findings.add(Code.STALE, place, detail)

    def _check_promise(self, header: RecordHeader, place: Place) -> None:
        promised = None if self._boot is None else self._boot.tick_seconds
        body = header.body
        if promised is None or isinstance(body, Boot | Open | Epoch):
            return
        if self._waiting:
            self._waiting = False
            self._findings.add(Code.STALE, place, "no TICK stands at the start of this run, which promised one")
        elif isinstance(body, Halt) and not (self._before is not None and isinstance(self._before.body, Tick)):
            self._findings.add(Code.STALE, place, "no TICK stands at the end of this run, which promised one")
        elif isinstance(body, Fragment) and header.boottime_ns - self._last_ns > 2 * promised * _NS + _GRACE_NS:
            passed = (header.boottime_ns - self._last_ns) / _NS
            self._last_ns = header.boottime_ns
            self._findings.add(
                Code.STALE, place, f"{passed:.0f} s of footage without a TICK; {promised} s are promised"
            )

    def _tick(self, header: RecordHeader, body: Tick, place: Place, suite: Suite, device_key: PublicKey | None) -> None:
        self._waiting = False
        if device_key is not None:
            bound_to = ticks.binding(suite, header.device_id, header.sequence, header.previous_hash)
            try:
                ticks.verify_tick(body, bound_to, device_key)
            except SealingError as error:
                self._findings.add(Code.COUNTER_MISBOUND, place, str(error))
                return
        if self._last is not None:
            self._check_order(body, self._last, place)
        elif self._before_hole is not None:
            self._check_over_hole(header, body, self._before_hole, place)
        self._last, self._last_sequence, self._last_ns = body, header.sequence, header.boottime_ns
        self._last_generation = self._generation
        self._restarted = False

    def _check_over_hole(self, header: RecordHeader, body: Tick, before: Tick, place: Place) -> None:
        """SF-43: whatever happened in a hole, a counter does not go back."""
        if body.counter is not before.counter:
            detail = f"the counter was «{before.counter}» before records are missing and is «{body.counter}» now"
            self._findings.add(Code.COUNTER_MISBOUND, place, detail)
        elif body.value < before.value:
            detail = f"the counter stood at {before.value} before records are missing and stands at {body.value} now"
            self._findings.add(Code.ROLLBACK, place, detail)
        elif body.value > before.value + 1:
            gone = body.value - before.value - 1
            detail = f"{gone} TICKs went with records that are missing behind record {self._last_sequence}"
            breaks = self._generation - self._last_generation
            self._jumps.append(_Jump(self._last_sequence, header.sequence, breaks, place, detail))

    def _check_order(self, body: Tick, last: Tick, place: Place) -> None:
        """SF-43: raised by one from TICK to TICK; a power cut may keep it from being raised."""
        if body.counter is not last.counter:
            detail = f"the counter was «{last.counter}» up to record {self._last_sequence} and is «{body.counter}» now"
            self._findings.add(Code.COUNTER_MISBOUND, place, detail)
        elif body.value == last.value + 1 or (body.value == last.value and self._restarted):
            return
        elif body.value > last.value:
            detail = (
                f"the counter stands at {body.value}; the TICK before, record {self._last_sequence}, leaves it at "
                f"{last.value + 1}: records that followed that one are gone, or an older image of the unit was restored"
            )
            self._findings.add(Code.ROLLBACK, place, detail)
        else:
            detail = f"the counter went from {last.value} (record {self._last_sequence}) to {body.value}"
            self._findings.add(Code.ROLLBACK, place, detail)


def _said(value: int, sequence: int, promised: int | None, *, ended_in_order: bool) -> tuple[str, str]:
    zh, en = f"计数 {value}（第 {sequence} 条记录）", f"TICK {value} (record {sequence})"
    if ended_in_order:
        zh, en = (
            f"{zh}之后有序结束；此后的记录见下一计数",
            f"{en} stands at the orderly end; what came later shows in the next TICK",
        )
    elif promised is None:
        zh, en = (
            f"{zh}为最后一次，间隔未承诺，此后缺失无从界定",
            f"{en} is the last; no interval was promised, nothing bounds the rest",
        )
    else:
        zh = f"{zh}为最后一次，此后最多可能缺失 {promised} 秒录像"
        en = f"{en} is the last; at most {promised} s of footage can have come behind it unseen"
    return zh, en
