"""Words for the format's codes, Chinese and English.

Rules of this module: tables and plain formatting only. A code that stands in no table is shown as it is: profiles bring
their own codes, and none may disappear from a timeline because nobody translated it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sealing.rule_words import ACTIVITIES, CAUSES, MARKS, SECRETS, Pairs


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages."""

    zh: str
    en: str


def _both(pairs: Pairs) -> Mapping[str, Words]:
    return {code: Words(*pair) for code, pair in pairs.items()}


_CAUSES: Final[Mapping[str, Words]] = {
    "camera-fault": Words("摄像头故障", "camera fault"),
    "microphone-fault": Words("麦克风故障", "microphone fault"),
    "device-fault": Words("设备故障、损坏", "device fault or damage"),
    "bad-weather": Words("天气情况恶劣", "bad weather"),
    "weather": Words("天气情况恶劣", "bad weather"),
    "battery-storage": Words("电量、存储空间不足", "battery or storage exhausted"),
    "battery": Words("电量不足", "battery exhausted"),
    "storage": Words("存储空间不足", "storage exhausted"),
    "storage-fault": Words("存储介质故障", "storage fault"),
    "storage-full": Words("存储空间不足", "storage full"),
    "camera-black": Words("画面全黑", "black picture"),
    "camera-frozen": Words("画面停滞", "frozen picture"),
    "clock-step": Words("系统时间变动", "change of the clock"),
    "stop": Words("设备关机", "shutdown"),
    "change-of-place": Words("检查场所变化", "change of the place inspected"),
    "obstruction": Words("现场有关人员阻挠", "obstruction on site"),
    "other-objective": Words("其他客观原因", "another objective cause"),
    "overheating": Words("设备过热", "overheating"),
    "crash": Words("程序异常重启", "software restarted"),
    "watchdog": Words("程序无响应，已自动重启", "software hung and was restarted"),
    "power-loss": Words("断电", "power loss"),
    "unclassified": Words("原因未分类", "cause not classified"),
    **_both(CAUSES),
}
_PROMPTS: Final[Mapping[str, Words]] = {
    "notice": Words("告知", "Notice"),
    "statement-request": Words("提示语音说明", "Statement asked for"),
    "break-marker": Words("播报中断", "Break announced"),
    "resume-marker": Words("播报恢复", "Resumption announced"),
    "reason-request": Words("询问中断原因", "Reason asked for"),
    "reminder": Words("提醒", "Reminder"),
    "end": Words("播报结束", "End announced"),
    "status": Words("状态播报", "Status spoken"),
}
_WINDOWS: Final[Mapping[str, Words]] = {
    "statement": Words("语音说明", "Statement"),
    "explanation": Words("中断原因说明", "Explanation"),
    "break-reason": Words("中断前说明", "Reason before the break"),
    "notice-by-officer": Words("执法人员口头告知", "Notice by the officer"),
    "memo": Words("不录制情形口述", "Memo on not recording"),
}
_CHECKS: Final[Mapping[str, Words]] = {
    "battery": Words("电池", "battery"),
    "storage": Words("存储", "storage"),
    "clock": Words("时钟", "clock"),
    "camera": Words("摄像头", "camera"),
    "microphone": Words("麦克风", "microphone"),
    "speaker": Words("扬声器", "speaker"),
    "key": Words("签名密钥", "signing key"),
    "spool": Words("封存区", "spool"),
    "caption": Words("画面字幕", "line in the picture"),
}
_VERDICTS: Final[Mapping[str, Words]] = {
    "pass": Words("通过", "passed"),
    "degraded": Words("有不足", "degraded"),
    "fail": Words("未通过", "failed"),
}
_UNITS: Final[Mapping[str, Words]] = {
    "percent": Words("%", "%"),
    "minutes": Words(" 分钟", " min"),
    "ms": Words(" 毫秒", " ms"),
    "luma": Words(" 亮度", " luma"),
    "luma-deviation": Words(" 亮度差", " luma deviation"),
    "frames": Words(" 帧", " frames"),
    "equal-pictures": Words(" 帧画面相同", " equal pictures"),
    "dbfs": Words(" dBFS", " dBFS"),
    "permille": Words("‰", "‰"),
    "ok": Words("", ""),
    "offset-ms": Words(" 毫秒（与时间服务器）", " ms off the time server"),
    "rtc-ms": Words(" 毫秒（与实时时钟）", " ms off the RTC"),
    "source-network": Words(" 网络校时", " network"),
    "source-store": Words(" 存储端校时", " store"),
    "source-rtc": Words(" 本机时钟", " own clock"),
    "source-unset": Words(" 未校时", " not set"),
}
_ENDS: Final[Mapping[str, Words]] = {
    "button": Words("按键结束", "by the button"),
    "cannot-continue": Words("无法继续", "could not go on"),
    "stop": Words("程序停止", "the agent was stopped"),
    "blocked": Words("自检未通过，未开始", "blocked by the checks"),
}
_BOOTS: Final[Mapping[str, Words]] = {
    "clean": Words("上次正常停止", "orderly stop before"),
    "crash": Words("上次异常中止", "crash before"),
    "watchdog": Words("上次程序无响应", "hung before"),
    "power-loss": Words("上次断电", "power loss before"),
    "first-start": Words("首次启动", "first start"),
}
_EVENTS: Final[Mapping[str, Words]] = {
    "notice-not-heard": Words("告知未能确认听到", "The notice could not be confirmed as heard"),
    "notice-repeated": Words("再次告知（另有当事人到场）", "Notice asked for again: another party"),
    "exemption": Words("记录不录制的情形", "Exemption from recording"),
    "profile-in-force": Words("生效的规则序号", "Number of the profile in force"),
    "break-withdrawn": Words("取消中断，继续录制", "Break withdrawn, recording goes on"),
    "break-unclassified": Words("中断原因未分类，待补充", "Cause of the break not classified, to be completed"),
    "officers-too-few": Words("执法人员人数不足", "Too few officers"),
    "battery-low": Words("电量即将耗尽", "Battery almost empty"),
    "storage-slow": Words("存储响应缓慢", "Storage slow"),
    "heat-high": Words("设备温度过高", "Unit hot"),
    "microphone-clipping": Words("声音过大失真", "Sound too loud"),
    "frames-lost": Words("画面有丢失", "Pictures lost"),
    "frames-late": Words("画面有延迟", "Pictures late"),
    "sound-lost": Words("声音有丢失", "Sound lost"),
    "supply-weak": Words("供电不足", "Supply weak"),
    "storage-low": Words("存储空间即将用完", "Storage almost full"),
    "foreign-files": Words(
        "存储卡上另有其他设备的文件，保留未动", "Files of another unit lie on the card, kept as they are"
    ),
}
_PARTS: Final[Mapping[str, Words]] = {**_CHECKS, "vibration": Words("振动器", "vibration")}
_SOURCES: Final[Mapping[str, Words]] = {
    "network": Words("网络校时", "network"),
    "store": Words("存储端校时", "store"),
    "rtc": Words("本机时钟", "own clock"),
    "unset": Words("未校时", "clock not set"),
}
_GRADES: Final[Mapping[str, Words]] = {
    "simulated": Words("模拟设备（不可作为证据）", "SIMULATED (no evidence)"),
    "soft": Words("软件密钥", "SOFT (key file)"),
    "hardware": Words("硬件密钥", "HARDWARE (token)"),
}
_ORIGINS: Final[Mapping[str, Words]] = {
    "machine": Words("设备发现", "found by the unit"),
    "announced": Words("执法人员声明", "announced"),
}
_TABLES: Final[Mapping[str, Mapping[str, Words]]] = {
    "boot": _BOOTS,
    "activity": _both(ACTIVITIES),
    "cause": _CAUSES,
    "check": _CHECKS,
    "end": _ENDS,
    "event": _EVENTS,
    "grade": _GRADES,
    "mark": _both(MARKS),
    "origin": _ORIGINS,
    "part": _PARTS,
    "prompt": _PROMPTS,
    "secrecy": _both(SECRETS),
    "source": _SOURCES,
    "unit": _UNITS,
    "verdict": _VERDICTS,
    "window": _WINDOWS,
}


def words(table: str, code: str) -> Words:
    """Words for a code; the code itself where the table has none.

    Args:
        table: activity, boot, cause, check, end, event, grade, mark, origin, part, prompt, secrecy, source, unit,
            verdict or window.
        code: As it stands in the record.
    """
    return _TABLES[table].get(code, Words(code, code))


def figure_words(figure: int, unit: str) -> Words:
    """A check's figure with its unit; where the unit says it all (`ok`, the clock's source), no figure.

    A negative charge or uncertainty is one that nothing told.
    """
    said = words("unit", unit)
    if figure < 0 and unit in {"percent", "ms"}:
        return Words(" 不明", " unknown")
    if unit == "ok" or unit.startswith("source-"):
        return said
    return Words(f" {figure}{said.zh}", f" {figure}{said.en}")


def duration(nanoseconds: int) -> Words:
    """A length of time in words, to the tenth of a second."""
    tenths = abs(nanoseconds) // 100_000_000
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 10}.{rest % 10}" if not minutes and not hours else f"{rest // 10}"
    parts = [(hours, "小时", "h"), (minutes, "分", "min")]
    zh = "".join(f"{count}{unit}" for count, unit, _ in parts if count)
    en = " ".join(f"{count} {unit}" for count, _, unit in parts if count)
    return Words(f"{zh}{seconds}秒", f"{en} {seconds} s".strip())


def media_time(nanoseconds: int) -> str:
    """Session time as h:mm:ss.t."""
    tenths = max(nanoseconds, 0) // 100_000_000
    minutes, rest = divmod(tenths, 600)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest // 10:02d}.{rest % 10}"
