"""What is done to a simulated unit, as a bystander would say it.

Rules of this module: a table; its keys are the parts and states that the world's journal notes. What is not in it is
shown as the journal has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hw_sim.demo.telling import Both
from hw_sim.files import Entry

MIB: Final = 1024 * 1024

BAD: Final[Mapping[tuple[str, str], Both]] = {
    ("camera", "unplugged"): Both("摄像头被拔下", "camera pulled"),
    ("camera", "covered"): Both("镜头被遮住", "lens covered"),
    ("camera", "frozen: stops"): Both("摄像头卡住，不再出画面", "camera hangs, no picture comes"),
    ("camera", "frozen: repeats"): Both("画面停滞", "picture frozen"),
    ("camera", "drops frames"): Both("丢失画面：{count} 帧", "{count} pictures lost"),
    ("camera", "late frame"): Both("一帧画面迟到 {seconds:g} 秒", "a picture {seconds:g} s late"),
    ("microphone", "unplugged"): Both("麦克风被拔下", "microphone pulled"),
    ("microphone", "dead: zeros"): Both("麦克风失灵，没有声音", "microphone dies, no sound"),
    ("microphone", "dead: silent"): Both("麦克风没有数据", "microphone falls silent"),
    ("microphone", "loses samples"): Both("丢失声音：{count} 个采样", "{count} samples lost"),
    ("microphone", "detuned"): Both("麦克风时钟偏差 {ppm:+g} ppm", "microphone's clock off by {ppm:+g} ppm"),
    ("speaker", "unplugged"): Both("扬声器被拔下", "loudspeaker pulled"),
    ("network", "down"): Both("网络断开", "network down"),
    ("storage", "stalled"): Both("存储卡住 {seconds:g} 秒", "medium hangs for {seconds:g} s"),
    ("storage", "filled"): Both("存储只剩 {free_mib:g} MiB", "medium filled to {free_mib:g} MiB"),
    ("storage", "read-only"): Both("存储变为只读", "medium read-only"),
    ("board", "heat"): Both("主板温度 {celsius:g} °C", "board at {celsius:g} °C"),
    ("board", "weak supply"): Both("供电不足", "supply weak"),
    ("clock", "stepped"): Both("时钟被拨动 {seconds:+g} 秒", "clock moved by {seconds:+g} s"),
}
GOOD: Final[Mapping[tuple[str, str], Both]] = {
    ("camera", "plugged"): Both("摄像头插回", "camera put back"),
    ("camera", "uncovered"): Both("镜头不再遮住", "lens uncovered"),
    ("camera", "frozen: no"): Both("画面恢复", "camera recovers"),
    ("microphone", "plugged"): Both("麦克风插回", "microphone put back"),
    ("microphone", "dead: no"): Both("麦克风恢复", "microphone recovers"),
    ("speaker", "plugged"): Both("扬声器插回", "loudspeaker put back"),
    ("network", "up"): Both("网络恢复", "network up"),
    ("storage", "writable"): Both("存储恢复可写", "medium writable"),
    ("board", "good supply"): Both("供电恢复", "supply good"),
}
FAILING_OPERATION: Final = Both("存储下一次 {operation} 将出错", "the medium's next {operation} fails")


def told(entry: Entry) -> tuple[Both, bool]:
    """What a fault of the journal is, and whether it is one that ends."""
    key = (str(entry["part"]), str(entry["state"]))
    if key in GOOD:
        return GOOD[key], True
    values = {**entry, "free_mib": float(entry.get("free_bytes") or 0) / MIB}
    if (operation := _failing(key)) is not None:
        return _filled(FAILING_OPERATION, {"operation": operation}), False
    if key in BAD:
        return _filled(BAD[key], values), False
    return Both(": ".join(key), ": ".join(key)), False


def _failing(key: tuple[str, str]) -> str | None:
    part, state = key
    if part != "storage" or not state.startswith("next "):
        return None
    return state.removeprefix("next ").removesuffix(" fails")


def _filled(both: Both, values: Mapping[str, object]) -> Both:
    return Both(both.zh.format_map(values), both.en.format_map(values))
