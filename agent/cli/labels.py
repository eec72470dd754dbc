"""Words for what the agent says in codes, Chinese and English side by side.

Rules of this module: data and look-ups; a code without words is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import JsonValue

from agent.cli.surroundings import Surroundings

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

_FIELDS: Final[tuple[tuple[str, str, str], ...]] = (
    ("device_id", "设备", "Unit"),
    ("version", "软件版本", "Software"),
    ("driver_set", "硬件驱动", "Driver set"),
    ("profile.id", "规则", "Profile"),
    ("recorder.state", "状态", "State"),
    ("session_open", "录制会话", "Session open"),
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
    ("spool.free_bytes", "剩余空间（字节）", "Free bytes"),
    ("sealing.waiting_bytes", "待写（字节）", "Waiting bytes"),
    ("sealing.fault", "写入故障", "Medium fault"),
    ("unhealthy", "停滞的线程", "Stalled threads"),
)


def label_of(code: str, surroundings: Surroundings) -> str:
    """Words for a code; the code itself where it has none."""
    return surroundings.words(*_CODES.get(code, (code, code)))


def status_rows(status: Mapping[str, JsonValue], surroundings: Surroundings) -> Iterator[tuple[str, str]]:
    """The lines of `recorder status`."""
    for path, zh, en in _FIELDS:
        value = _looked_up(status, path)
        if value is not None and value != []:
            yield surroundings.words(zh, en), _shown(value, surroundings)


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
