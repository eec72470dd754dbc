"""Words for what the agent says in codes, Chinese and English side by side.

Rules of this module: data and look-ups; a code without words is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final

from pydantic import JsonValue

from agent.cli.surroundings import Surroundings
from sealing.labels import figure_words, words

VERDICTS: Final[Mapping[str, tuple[str, str]]] = {
    "pass": ("合格", "pass"),
    "degraded": ("不足", "degraded"),
    "fail": ("不合格", "fail"),
}

_CODES: Final[Mapping[str, tuple[str, str]]] = {
    "battery": ("电池", "battery"),
    "storage": ("存储", "storage"),
    "clock": ("时钟", "clock"),
    "camera": ("摄像头", "camera"),
    "microphone": ("麦克风", "microphone"),
    "speaker": ("扬声器", "loudspeaker"),
    "key": ("签名密钥", "signing key"),
    "spool": ("封存区", "spool"),
    "caption": ("画面字幕", "line in the picture"),
    "idle": ("待机", "idle"),
    "starting": ("正在启动", "starting"),
    "notice": ("正在告知", "giving the notice"),
    "statement": ("正在语音说明", "voice statement"),
    "recording": ("正在录制", "recording"),
    "choosing": ("正在选择", "choosing from a menu"),
    "announcing": ("正在选择中断原因", "choosing the cause of a break"),
    "interrupted": ("录制中断", "interrupted"),
    "resuming": ("正在恢复录制", "resuming"),
    "finishing": ("正在结束", "finishing"),
    "fault": ("故障", "fault"),
}

_STEP: Final = 1024
_STANDING: Final = "recorder.standing"
_COUNTS: Final = "recorder.counts"
"""Stands in no status: marks and breaks of the recording that is open."""
_RARE: Final = "due.awaiting_return"
_TABLES: Final[Mapping[str, str]] = {"boot.reason": "boot", "recorder.pending_break": "cause"}
"""Values whose words are those of the timeline."""
_NOBODY: Final = ("未领用", "not checked out")

_FIELDS: Final[tuple[tuple[str, str, str], ...]] = (
    ("device_id", "设备", "Unit"),
    ("version", "软件版本", "Software"),
    ("driver_set", "硬件驱动", "Driver set"),
    ("profile.id", "规则", "Profile"),
    ("recorder.state", "状态", "State"),
    ("recorder.pending_break", "中断原因", "Broken off by"),
    ("recorder.officer_ids", "执法人员", "Officers"),
    ("recorder.activity_id", "执法活动", "Activity"),
    ("session_open", "录制会话", "Session open"),
    (_COUNTS, "本次录制", "This recording"),
    (_STANDING, "自检", "Checks"),
    ("battery.charging", "正在充电", "Charging"),
    ("docked", "在底座上", "Docked"),
    ("due.sessions", "待移交录制", "Recordings to hand over"),
    ("due.due_local", "移交期限", "To be handed over by"),
    ("due.overdue", "已逾期", "Overdue"),
    ("due.labels_missing", "尚缺标签", "Labels missing"),
    ("due.labels_local", "标签补齐期限", "Labels due by"),
    ("due.awaiting_return", "返回单位后移交", "Due after the return"),
    ("upload.receipted_to", "已有回执至", "Receipted to"),
    ("upload.files_left", "待上传文件", "Files to upload"),
    ("upload.waits_for", "上传说明", "Upload waits for"),
    ("upload.contact_local", "上次联系存储", "Store answered last"),
    ("upload.contradiction", "存储端前后矛盾", "The store contradicts itself"),
    ("boot.number", "启动次数", "Starts"),
    ("boot.reason", "上次结束", "Last run ended by"),
    ("spool.files", "封存文件", "Sealed files"),
    ("spool.receipted", "已有回执", "Receipted"),
    ("spool.free_bytes", "剩余空间", "Free room"),
    ("sealing.waiting_bytes", "待写数据", "Waiting to be written"),
    ("sealing.fault", "写入故障", "Medium fault"),
    ("unhealthy", "停滞的线程", "Stalled threads"),
)


def label_of(code: str, surroundings: Surroundings) -> str:
    """Words for a code; the code itself where it has none."""
    return surroundings.words(*_CODES.get(code, (code, code)))


def status_rows(status: Mapping[str, JsonValue], surroundings: Surroundings) -> Iterator[tuple[str, str]]:
    """The lines of `recorder status`."""
    for path, zh, en in _FIELDS:
        text = _told(path, status, surroundings)
        if text:
            yield surroundings.words(zh, en), text


def _told(path: str, status: Mapping[str, JsonValue], surroundings: Surroundings) -> str:
    value = _looked_up(status, path)
    if path == "recorder.officer_ids" and value == []:
        return surroundings.words(*_NOBODY)
    if path == _COUNTS and status.get("session_open") is True:
        return _counts(status, surroundings)
    if value is None or value == [] or (value == 0 and path == _RARE):
        return ""
    if path == _STANDING:
        return _standing(value, surroundings)
    if path.endswith("_bytes"):
        return _room(float(str(value)))
    if path in _TABLES:
        both = words(_TABLES[path], str(value))
        return surroundings.words(both.zh, both.en)
    return _shown(value, surroundings)


def _counts(status: Mapping[str, JsonValue], surroundings: Surroundings) -> str:
    marks, breaks = (_looked_up(status, f"recorder.{name}") for name in ("marks", "breaks"))
    return surroundings.words(f"标记 {marks}，中断 {breaks}", f"{marks} marks, {breaks} breaks")


def _standing(checks: JsonValue, surroundings: Surroundings) -> str:
    """What was measured last, part by part, with the verdict where it is not good."""
    listed = [each for each in checks if isinstance(each, dict)] if isinstance(checks, list) else []
    parts = [
        f"{label_of(name, surroundings)} "
        + surroundings.words("，", ", ").join(_figure_and_verdict(each, surroundings) for each in same)
        for name, same in groupby(listed, lambda each: str(each["check"]))
    ]
    return surroundings.words("；", "; ").join(parts)


def _figure_and_verdict(check: Mapping[str, JsonValue], surroundings: Surroundings) -> str:
    verdict = str(check["verdict"])
    if check["unit"] == "ok":
        return surroundings.words(*VERDICTS[verdict])
    remark = (
        ""
        if verdict == "pass"
        else surroundings.words("（{}）", " ({})").format(surroundings.words(*VERDICTS[verdict]))
    )
    return f"{figure_text(check, surroundings)}{remark}"


def figure_text(check: Mapping[str, JsonValue], surroundings: Surroundings) -> str:
    """A check's figure with its unit; empty where it has none but yes and no."""
    both = figure_words(int(str(check["figure"])), str(check["unit"]))
    return surroundings.words(both.zh, both.en).strip()


def _room(size_bytes: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size_bytes < _STEP:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= _STEP
    return f"{size_bytes:.1f} GiB"


def _looked_up(status: Mapping[str, JsonValue], path: str) -> JsonValue:
    found: JsonValue = dict(status)
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _item(item: JsonValue, surroundings: Surroundings) -> str:
    """An entry of a list; one that brings its own words is one of the profile's."""
    if isinstance(item, dict) and {"zh", "en"} <= item.keys():
        return surroundings.words(str(item["zh"]), str(item["en"]))
    return str(item)


def _shown(value: JsonValue, surroundings: Surroundings) -> str:
    if isinstance(value, bool):
        return surroundings.words("是", "yes") if value else surroundings.words("否", "no")
    if isinstance(value, list):
        return surroundings.words("、", ", ").join(_item(item, surroundings) for item in value)
    return label_of(str(value), surroundings)
