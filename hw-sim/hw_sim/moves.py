"""What a scenario can do to the world: one row for each form of words.

Rules of this module: a move is a plain function of the world; it returns the world time at which it is over, or None
when it is over at once. Nothing here waits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hal.values import ButtonName, TimeSource
from hw_sim.civil import NANOSECONDS
from hw_sim.media.faults import Dead, Frozen
from hw_sim.wording import AMOUNT, DURATION, NUMBER, QUOTED, error_number, seconds, size_bytes
from hw_sim.world import World

Move = Callable[[World], int | None]
Match = re.Match[str]
HOTTEST_CELSIUS = 125


@dataclass(frozen=True, slots=True)
class Form:
    """One way to say a move."""

    shown: str
    """How the README and error messages write it."""
    pattern: str
    make: Callable[[Match], Move]


def move(text: str) -> Move | None:
    """Read a move; None when it has none of the `FORMS`.

    Raises:
        ValueError: It has the form of one and cannot be; the message says why.
    """
    for form in FORMS:
        if found := re.fullmatch(form.pattern, text):
            return form.make(found)
    return None


def _at_once(act: Callable[[World], None]) -> Move:
    def perform(world: World) -> None:
        act(world)

    return perform


def _press(found: Match) -> Move:
    return lambda world: world.press(ButtonName(found[1]))


def _hold(found: Match) -> Move:
    return lambda world: world.press(ButtonName(found[1]), seconds(found[2]))


def _say(found: Match) -> Move:
    def perform(world: World) -> int:
        return world.clock.world_ns + round(world.say(found[1], found[2]) * NANOSECONDS)

    return perform


def _plug(found: Match) -> Move:
    plugged, part = found[1] == "plug", found[2]

    def act(world: World) -> None:
        {"camera": world.plug_camera, "microphone": world.plug_microphone, "speaker": world.plug_speaker}[part](
            plugged=plugged
        )

    return _at_once(act)


def _cover(found: Match) -> Move:
    return _at_once(lambda world: world.cover_camera(covered=found[1] == "cover"))


def _freeze(found: Match) -> Move:
    how = Frozen.REPEATS if found[1] else Frozen.STOPS
    return _at_once(lambda world: world.freeze_camera(how))


def _microphone_life(found: Match) -> Move:
    how = {"dies": Dead.ZEROS, "falls silent": Dead.SILENT, "recovers": Dead.NO}[found[1]]
    return _at_once(lambda world: world.kill_microphone(how))


def _microphone_clock(found: Match) -> Move:
    ppm = float(found[1]) * (1 if found[2] == "fast" else -1)
    return _at_once(lambda world: world.detune_microphone(ppm))


def _losses(found: Match) -> Move:
    count, frames = int(found[2]), found[1] == "drop"
    return _at_once(lambda world: world.drop_frames(count) if frames else world.lose_samples(count))


def _delay(found: Match) -> Move:
    return _at_once(lambda world: world.delay_frame(seconds(found[1])))


def _dock(found: Match) -> Move:
    return _at_once(lambda world: world.move(docked=found[1] == "dock"))


def _network(found: Match) -> Move:
    return _at_once(lambda world: world.connect_network(up=found[1] == "up"))


def _battery(found: Match) -> Move:
    percent = float(found[1])
    if percent > 100:  # noqa: PLR2004 -- percent
        raise ValueError(f"a pack cannot hold {percent} %; write 0 to 100")
    return _at_once(lambda world: world.exchange_battery(percent))


def _heat(found: Match) -> Move:
    celsius = float(found[1])
    if celsius > HOTTEST_CELSIUS:
        raise ValueError(f"no board lives through {celsius:g} °C; write 0 to {HOTTEST_CELSIUS}")
    return _at_once(lambda world: world.heat_board(celsius))


def _supply(found: Match) -> Move:
    return _at_once(lambda world: world.weaken_supply(weak=found[1] == "weak"))


def _step_clock(found: Match) -> Move:
    step = seconds(found[2]) * (-1 if found[1] == "-" else 1)
    return _at_once(lambda world: world.step_clock(step))


def _clock_source(found: Match) -> Move:
    return _at_once(lambda world: world.set_clock_source(TimeSource(found[1])))


def _stall(found: Match) -> Move:
    return _at_once(lambda world: world.stall_storage(seconds(found[1])))


def _writable(found: Match) -> Move:
    return _at_once(lambda world: world.write_protect_storage(protected=found[1] == "read-only"))


def _fill(found: Match) -> Move:
    free_bytes = size_bytes(found[1], found[2])
    return _at_once(lambda world: world.fill_storage(free_bytes))


def _fail(found: Match) -> Move:
    error = error_number(found[2])
    return _at_once(lambda world: world.fail_storage(found[1], error))


def _cut(found: Match) -> Move:
    off = seconds(found[1]) if found[1] else 30.0
    return _at_once(lambda world: world.cut_power(off))


def _cut_during(found: Match) -> Move:
    off = seconds(found[2]) if found[2] else 30.0
    return _at_once(lambda world: world.cut_power_during(found[1], off))


def _note(found: Match) -> Move:
    return _at_once(lambda world: world.journal.note("note", words=found[1]))


FORMS = (
    Form("press record|mark", r"press\s+(record|mark)", _press),
    Form("hold record|mark 2 s", rf"hold\s+(record|mark)\s+(?:for\s+)?{DURATION}", _hold),
    Form('WHO says "…" (or WHO 说 "…")', rf"(\S+)\s*(?:says|说)[:：]?\s*{QUOTED}", _say),
    Form("plug|unplug camera|microphone|speaker", r"(plug|unplug)\s+(camera|microphone|speaker)", _plug),
    Form("cover|uncover camera", r"(cover|uncover)\s+camera", _cover),
    Form("freeze camera [repeating]", r"freeze\s+camera(\s+repeating)?", _freeze),
    Form("unfreeze camera", r"unfreeze\s+camera", lambda _: _at_once(lambda world: world.freeze_camera(Frozen.NO))),
    Form(
        "microphone dies|recovers, microphone falls silent",
        r"microphone\s+(dies|falls silent|recovers)",
        _microphone_life,
    ),
    Form("microphone runs 200 ppm fast|slow", rf"microphone\s+runs\s+{NUMBER}\s*ppm\s+(fast|slow)", _microphone_clock),
    Form("drop 5 frames, lose 480 samples", r"(drop|lose)\s+(\d+)\s+(?:frames?|samples?)", _losses),
    Form("delay a frame 80 ms", rf"delay\s+a\s+frame\s+{DURATION}", _delay),
    Form("dock, undock", r"(dock|undock)", _dock),
    Form("network up|down", r"network\s+(up|down)", _network),
    Form("battery 12 %", rf"battery\s+{NUMBER}\s*%", _battery),
    Form("heat 85 [°C]", rf"heat\s+{NUMBER}(?:\s*°?C)?", _heat),
    Form("supply weak|good", r"supply\s+(weak|good)", _supply),
    Form("step clock by -90 s", rf"step\s+clock\s+by\s+([+-]?)\s*{DURATION}", _step_clock),
    Form("clock from network|store|rtc|unset", r"clock\s+from\s+(network|store|rtc|unset)", _clock_source),
    Form("stall disk 5 s", rf"stall\s+disk\s+(?:for\s+)?{DURATION}", _stall),
    Form("disk read-only|writable", r"disk\s+(read-only|writable)", _writable),
    Form("fill disk to 10 MiB", rf"fill\s+disk\s+to\s+{AMOUNT}(?:\s+free)?", _fill),
    Form(
        "fail next append|sync|create|read|replace|names with EIO|ENOSPC|EROFS",
        r"fail\s+next\s+(append|sync|create|read|replace|names)\s+with\s+(\w+)",
        _fail,
    ),
    Form("power cut [for 40 s]", rf"power\s+cut(?:\s+for\s+{DURATION})?", _cut),
    Form(
        "power cut during next append|sync|create [for 40 s]",
        rf"power\s+cut\s+during\s+next\s+(append|sync|create)(?:\s+for\s+{DURATION})?",
        _cut_during,
    ),
    Form('note "…"', rf"note\s+{QUOTED}", _note),
)
