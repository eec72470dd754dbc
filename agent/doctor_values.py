"""What `recorder doctor` finds: one finding for each part, with its remedy.

Rules of this module: values and words; asks no part. A part that could not be tried is told as such and never passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """How the trial of a part ended."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    DEGRADED = "degraded"
    FAIL = "fail"
    SKIPPED = "skipped"
    """Not tried; the figure says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the trial of one part showed."""

    part: str
    """One of `PARTS`."""
    outcome: Outcome
    figure: str
    """What was measured, or what went wrong."""


@dataclass(frozen=True, slots=True)
class BatteryPoint:
    """One reading of the gauge."""

    seconds: float
    """Since the first reading."""
    charge_percent: float
    voltage_mv: int


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, in the order of the trials."""

    device_id: str
    driver_set: str
    findings: tuple[Finding, ...]
    picture_jpeg: bytes | None
    """The picture that the camera took; None when there was none."""
    battery_curve: tuple[BatteryPoint, ...] = ()
    """The gauge before every trial, while the camera runs, and after the last."""

    @property
    def broken(self) -> tuple[str, ...]:
        """Parts that failed."""
        return tuple(found.part for found in self.findings if found.outcome is Outcome.FAIL)


PARTS: Final[Mapping[str, tuple[str, str]]] = {
    "key": ("签名密钥", "signing key"),
    "clock": ("时钟", "clock"),
    "battery": ("电池", "battery"),
    "camera": ("摄像头", "camera"),
    "microphone": ("麦克风", "microphone"),
    "speaker": ("扬声器", "loudspeaker"),
    "lamps": ("指示灯", "lamps"),
    "vibration": ("振动", "vibration"),
    "buttons": ("按键", "buttons"),
    "dock": ("底座", "dock"),
    "storage": ("存储", "storage"),
    "store": ("存储服务", "store"),
}

REMEDIES: Final[Mapping[str, tuple[str, str]]] = {
    "key": ("重新执行 recorder provision，核对密钥与证书", "provision the unit again: key and certificate must fit"),
    "clock": (
        "联网校时，或更换 RTC 电池；检查 chronyc sources",
        "let chrony reach its servers, or change the RTC's cell; see `chronyc sources`",
    ),
    "battery": (
        "检查电池接线与 hal.options.gauge；充电或更换电池",
        "check the pack's wiring and hal.options.gauge; charge or change the pack",
    ),
    "camera": (
        "重新插紧摄像头排线，擦净镜头；检查 rpicam-hello --list-cameras",
        "reseat the camera's cable, clean the lens; see `rpicam-hello --list-cameras`",
    ),
    "microphone": (
        "检查麦克风接线与 hal.options.microphone；arecord -L",
        "check the microphone's plug and hal.options.microphone; see `arecord -L`",
    ),
    "speaker": (
        "检查扬声器接线、音量与 hal.options.speaker；aplay -L",
        "check the loudspeaker's plug, its volume and hal.options.speaker; see `aplay -L`",
    ),
    "lamps": ("检查指示灯引脚设置", "check the pins of the lamps in hal.options"),
    "vibration": ("检查振动马达引脚设置", "check hal.options.vibration_pin"),
    "buttons": ("检查按键引脚与接线", "check the pins and the wiring of the buttons"),
    "dock": ("检查底座触点与引脚设置", "clean the dock's contacts, check hal.options.dock_pin"),
    "storage": (
        "更换存储卡（耐久型）；检查是否已满或只读",
        "change the card for an endurance type; see whether it is full or read-only",
    ),
    "store": (
        "检查网络、sync.store_url 与链路证书",
        "check the network, sync.store_url and the link certificate",
    ),
}
"""What to do, by part."""
