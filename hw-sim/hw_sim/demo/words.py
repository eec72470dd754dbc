"""What is said in the demo's day, in Chinese and English.

Rules of this module: tables only. What the unit says is listed as far as the scenario waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Talk:
    """One language."""

    officers: tuple[str, str]
    """Fictitious names."""
    readings: tuple[str, str]
    """How the unit says them."""
    checked_out: str
    statement_request: str
    reason_request: str
    choose_cause: str
    press_to_resume: str
    resumed: str
    statement: str
    inspection: str
    camera_reason: str
    power_reason: str
    pauses: dict[str, tuple[str, str]]
    """Code of a cause → what is said at the announced break, and when the recording goes on."""
    other_pause: tuple[str, str]


TALK = {
    "zh": Talk(
        officers=("甲某", "乙某"),
        readings=("jia3 mou3", "yi3 mou3"),
        checked_out="已领用",
        statement_request="请语音说明",
        reason_request="请说明",
        choose_cause="请选择中断原因",
        press_to_resume="按录制键恢复录制",
        resumed="现恢复录制",
        statement="现在是上午九点，我们在某定点药店，执法人员甲某和乙某，对这家药店进行日常检查，重点记录药品台账和结算单据。",
        inspection="请把上个月的结算单据拿出来，我们核对一下。",
        camera_reason="刚才摄像头的线松了，已经重新插好，检查继续。",
        power_reason="刚才电池松脱断电，已经重新装好，检查继续。",
        pauses={
            "bad-weather": ("外面下起大雨了，先把设备收进屋里。", "雨已经小了，我们继续检查。"),
            "change-of-place": ("现在要换到二楼的库房检查。", "我们已经到了二楼库房，继续检查。"),
        },
        other_pause=("当事人要去取账册，先暂停一下。", "账册已经取来了，我们继续检查。"),
    ),
    "en": Talk(
        officers=("甲某", "乙某"),
        readings=("jia3 mou3", "yi3 mou3"),
        checked_out="Checked out",
        statement_request="state aloud",
        reason_request="explain the interruption",
        choose_cause="Choose the cause",
        press_to_resume="Press record to resume",
        resumed="It goes on now",
        statement="It is nine in the morning, we are two officers in a pharmacy and inspect its records.",
        inspection="Please show us the bills of last month, so that we can compare them.",
        camera_reason="The camera cable came loose and is plugged in again. We go on with the inspection.",
        power_reason="The battery came loose and is in its place again. We go on with the inspection.",
        pauses={
            "bad-weather": ("It started to rain hard, we carry the unit inside.", "The rain is over and we go on now."),
            "change-of-place": ("We are moving to the store room upstairs.", "We are in the store room and go on now."),
        },
        other_pause=("The owner has to fetch the ledgers, we wait here.", "The ledgers are here and we go on now."),
    ),
}
