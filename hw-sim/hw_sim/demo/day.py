"""The demo from its first to its last step.

Rules of this module: the order of the steps, and the tables at the end; each step stands in a module of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.text import Text

from hw_sim.demo import proof, transfer
from hw_sim.demo.agency import Agency, agency, options_of
from hw_sim.demo.comparison import Compared
from hw_sim.demo.folder import OutFolder
from hw_sim.demo.length import length_of
from hw_sim.demo.living import hand_over, live
from hw_sim.demo.programs import wait_until
from hw_sim.demo.rules import Language
from hw_sim.demo.script import day
from hw_sim.demo.telling import Both, Telling
from hw_sim.demo.transfer import MIB
from hw_sim.demo.unit import Option
from hw_sim.demo.witness import Witness
from hw_sim.scenario import Scenario, parse

ACTIVITY = "DEMO-ACTIVITY-1"
_REST_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for on the command line."""

    out: Path
    video: Path | None = None
    profile: str = "huainan"
    seconds: float | None = None
    language: Language = "zh"
    options: Mapping[str, Option] = field(default_factory=dict)
    """More options of the simulated world: size and rate of the picture, faults of parts."""


def play(wishes: Wishes, telling: Telling) -> bool:
    """Play the whole demo.

    Args:
        wishes: What was asked for.
        telling: Where it is told.

    Returns:
        Whether everything that was sealed is what really happened.

    Raises:
        SimulationError: It cannot go on; the message says why and what to do.
    """
    out = OutFolder(wishes.out)
    length = length_of(wishes.video, wishes.seconds)
    out.prepare()
    shown = "drawn scene" if wishes.video is None else wishes.video.name
    telling.title(Both("执法记录仪演示", "The recorder's whole job on a simulated unit"), shown)
    if length.remark is not None:
        telling.say(f"  {telling.words(length.remark)}")
    with agency(out, wishes.profile, wishes.language, telling) as ready:
        scenario_file = out.work / "scenario.txt"
        scenario_file.write_text(day(ready.rules, length.course, wishes.language), encoding="utf-8")
        scenario = parse(scenario_file.read_text(encoding="utf-8"), scenario_file.name)
        ready.unit.configure(options_of(ready.unit.world, scenario_file, wishes.video, wishes.options))
        _at_work(ready, scenario, out, telling)
        found = _in_the_office(ready, out, telling)
    _tables(out, found, telling)
    return all(each.holds for each in found)


def _at_work(ready: Agency, scenario: Scenario, out: OutFolder, telling: Telling) -> None:
    """From the press to free space."""
    unit, witness = ready.unit, Witness(ready.unit.world, telling)
    hand_over(ready, witness, telling, ACTIVITY)
    begun = telling.seconds
    live(ready, scenario, witness, telling)
    telling.done(Both("两次录制完成，已放入底座", "both sessions recorded, unit docked"), "", telling.seconds - begun)
    wait_until(unit.at_rest, _REST_SECONDS, "closing what was sealed at the dock")
    size = out.take_sealed(unit.spool)
    count = len(list(out.sealed.iterdir()))
    files = telling.short(Both(f"{count} 个文件", f"{count} files"))
    telling.done(Both("封存文件已留副本", "sealed files copied"), f"{size / MIB:.1f} MiB, {files}")
    receipts = transfer.upload(ready, telling)
    transfer.await_space(ready, receipts, size, telling)
    code = unit.stop()
    if code != 0:
        raise unit.agent.failed(f"ended with exit code {code} when it was told to stop")


def _in_the_office(ready: Agency, out: OutFolder, telling: Telling) -> tuple[Compared, ...]:
    """Verify, open, compare."""
    out.take_trust_and_keys(ready.store.directory)
    ready.store.export_receipts(out.receipts)
    out.keep_receipts_of_sealed()
    report = proof.verify(ready, out, telling)
    proof.require_evidence(ready, out, telling)
    proof.verify_freed(ready, out, telling)
    proof.open_all(ready, out, telling)
    proof.tell_truth(ready, out)
    return proof.compared(ready, out, report)


def _tables(out: OutFolder, found: Sequence[Compared], telling: Telling) -> None:
    rows = [(telling.words(each.what), each.really, each.sealed, _sign(each.holds)) for each in found]
    heads = (Both("对照", "Compared"), Both("实际", "Really"), Both("封存", "Sealed"), Both("", ""))
    telling.table(Both("与模拟世界的真实情况对照", "Against what really happened in the world"), heads, rows)
    places = [(str(path.relative_to(out.root)), telling.words(what)) for path, what in _places(out) if path.exists()]
    telling.table(Both(f"结果在 {out.root}", "Results"), (Both("位置", "Where"), Both("内容", "What")), places)
    telling.say(f"{telling.seconds:.0f} s")


def _sign(holds: bool) -> Text:
    return Text("✓", "green") if holds else Text("✗", "bold red")


def _places(out: OutFolder) -> tuple[tuple[Path, Both], ...]:
    return (
        (out.session_video, Both("第一次录制，按中断分章节", "the first session, chapters at its breaks")),
        (out.sessions, Both("每次录制、每个不间断段的 MP4，事件原文", "every session and run as MP4, events in words")),
        (out.timeline_text, Both("时间线", "timeline")),
        (out.timeline_picture, Both("时间线图", "timeline as a picture")),
        (out.timeline_bitmap, Both("同上，位图", "the same as a bitmap")),
        (out.verification, Both("核验结果", "result of the verification")),
        (out.comparison, Both("以上对照", "the comparison above")),
        (out.simulation, Both("模拟世界的真实情况", "what really happened in the simulated world")),
        (out.sealed, Both("释放前的封存文件", "the sealed files before any was freed")),
        (out.trust, Both("核验所需证书与回执", "certificates and receipts for `recorder verify sealed --trust trust`")),
        (out.keys, Both("演示用接收方私钥", "the demo's recipient keys for `recorder open`")),
        (out.work, Both("设备、存储服务、日志、场景", "unit, store, logs and scenario, as they were")),
    )
