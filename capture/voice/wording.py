"""Every fixed sentence of the unit, in Mandarin and English.

Rules of this module: tables only. An agency's own wording (notice, items of the statement, causes, the end event) comes
from its profile and never stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from capture.voice.language import Language


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence in every language."""

    zh: str
    en: str

    def said_in(self, language: Language) -> str:
        """The sentence in one language."""
        return self.zh if language is Language.CHINESE else self.en


class Line(StrEnum):
    """Sentences that never change; the value is the clip's key."""

    CHECKED_OUT = "checkout.done"
    TOO_FEW_OFFICERS = "checkout.too-few"
    CHECKED_IN = "checkin.done"
    NOT_CHECKED_OUT = "checkout.missing"
    PREFLIGHT_GOOD = "preflight.pass"
    PREFLIGHT_DEGRADED = "preflight.degraded"
    PREFLIGHT_FAIL = "preflight.fail"
    PREFLIGHT_BLOCKED = "preflight.blocked"
    STARTED = "recording.started"
    NOTICE_REPEATED = "notice.repeated"
    NOTICE_UNHEARD = "notice.unheard"
    NOTICE_BY_OFFICER = "notice.by-officer"
    STATEMENT_AGAIN = "statement.again"
    STATEMENT_HEARD = "statement.heard"
    STATEMENT_MISSING = "statement.missing"
    CHOOSE_CAUSE = "break.choose"
    BREAK_CANCELLED = "break.cancelled"
    CHOOSE_CATEGORY = "mark.choose"
    CHOOSE_GROUND = "exemption.choose"
    CHOOSE_ACTION = "action.choose"
    TWO_BUTTONS = "choose.two-buttons"
    ONE_BUTTON = "choose.one-button"
    ACTION_BREAK = "action.break"
    ACTION_NOTICE = "action.notice"
    ACTION_CATEGORY = "action.category"
    ACTION_GROUND = "action.ground"
    MEMO_REQUEST = "exemption.memo"
    REASON_REQUEST = "reason.request"
    REASON_AGAIN = "reason.again"
    REASON_HEARD = "reason.heard"
    REASON_MISSING = "reason.missing"
    PRESS_TO_RESUME = "resume.press"
    RESUMED_AFTER_CRASH = "resume.crash"
    RESUMED_AFTER_POWER_LOSS = "resume.power-loss"
    POWER_LOSS_PRESS = "resume.power-loss-press"
    MARKED = "mark.set"
    STILL_RECORDING = "recording.still"
    NOT_RECORDING = "recording.not"
    FINISHED = "recording.finished"
    CANNOT_CONTINUE = "recording.cannot-continue"
    CHAIN_LOST = "recording.chain-lost"
    REFUSED = "gesture.refused"
    DOCKED = "dock.in"
    UNDOCKED = "dock.out"
    ALL_UPLOADED = "dock.all-uploaded"
    NOT_ALL_UPLOADED = "dock.not-all-uploaded"
    BATTERY_LOW = "warning.battery"
    BATTERY_CRITICAL = "warning.battery-critical"
    STORAGE_LOW = "warning.storage"
    STORAGE_SLOW = "warning.storage-slow"
    SOUND_CLIPS = "warning.sound-clips"
    CLOCK_UNTRUSTED = "warning.clock"
    MICROPHONE_DEAD = "warning.microphone"
    MICROPHONE_CLIPPING = "warning.microphone-clipping"
    LENS_COVERED = "warning.lens"
    FRAMES_LOST = "warning.frames-lost"
    FRAMES_LATE = "warning.frames-late"
    SOUND_LOST = "warning.sound-lost"
    PICTURE_FROZEN = "warning.frozen"
    STORAGE_FAILS = "warning.storage-fault"
    TOO_HOT = "warning.heat"
    SUPPLY_WEAK = "warning.supply"
    CLOCK_STEPPED = "warning.clock-step"
    OVERDUE = "due.over"
    LABELS_MISSING = "labels.missing"
    LABELS_OVERDUE = "labels.over"


FIXED: dict[Line, Words] = {
    Line.CHECKED_OUT: Words("已领用。", "Checked out."),
    Line.TOO_FEW_OFFICERS: Words("执法人员人数不足。", "Too few officers."),
    Line.CHECKED_IN: Words("已归还。", "Checked in."),
    Line.NOT_CHECKED_OUT: Words("未领用，本次录制没有登记执法人员。", "Not checked out. No officer is registered."),
    Line.PREFLIGHT_GOOD: Words("检查正常。", "All checks passed."),
    Line.PREFLIGHT_DEGRADED: Words("检查完成，有不足之处。", "Checks done, with shortcomings."),
    Line.PREFLIGHT_FAIL: Words("检查发现故障。", "A check failed."),
    Line.PREFLIGHT_BLOCKED: Words("检查发现故障，不能开始录制。", "A check failed. Recording cannot start."),
    Line.STARTED: Words("开始录制。", "Recording started."),
    Line.NOTICE_REPEATED: Words("告知未能确认，现再次告知。", "The notice was not confirmed. It is repeated now."),
    Line.NOTICE_UNHEARD: Words("告知未能确认，已记录。", "The notice could not be confirmed. This is on record."),
    Line.NOTICE_BY_OFFICER: Words("请执法人员口头告知当事人。", "Officer, please inform the party."),
    Line.STATEMENT_AGAIN: Words("没有听到说明，请再次说明。", "No statement was heard. Please state it again."),
    Line.STATEMENT_HEARD: Words("语音说明已记录。", "The statement is on record."),
    Line.STATEMENT_MISSING: Words("没有听到语音说明，已记录。", "No statement was heard. This is on record."),
    Line.CHOOSE_CAUSE: Words("请选择中断原因。", "Choose the cause."),
    Line.CHOOSE_CATEGORY: Words("请选择标记类别。", "Choose what the mark shows."),
    Line.CHOOSE_GROUND: Words("请选择不录制的情形。", "Choose why it is not recorded."),
    Line.CHOOSE_ACTION: Words("请选择操作。", "Choose what to do."),
    Line.TWO_BUTTONS: Words("按标记键切换，按录制键确认。", "Press mark for the next one, press record to confirm."),
    Line.ONE_BUTTON: Words("短按切换，长按确认。", "Press for the next one, hold to confirm."),
    Line.ACTION_BREAK: Words("中断录制。", "Interrupt the recording."),
    Line.ACTION_NOTICE: Words("再次告知当事人。", "Say the notice again."),
    Line.ACTION_CATEGORY: Words("选择标记类别。", "Say what the mark shows."),
    Line.ACTION_GROUND: Words("登记不录制的情形。", "Note why it is not recorded."),
    Line.MEMO_REQUEST: Words("已记录，请口述具体情况。", "This is on record. Please say what the circumstances are."),
    Line.BREAK_CANCELLED: Words("继续录制。", "Recording goes on."),
    Line.REASON_REQUEST: Words("请说明中断原因。", "Please explain the interruption."),
    Line.REASON_AGAIN: Words(
        "没有听到说明，请再次说明中断原因。", "No explanation was heard. Please explain the interruption again."
    ),
    Line.REASON_HEARD: Words("中断原因已记录。", "The explanation is on record."),
    Line.REASON_MISSING: Words("没有听到中断原因，已记录。", "No explanation was heard. This is on record."),
    Line.PRESS_TO_RESUME: Words("录制已中断，按录制键恢复录制。", "Recording is interrupted. Press record to resume."),
    Line.RESUMED_AFTER_CRASH: Words("设备已自动恢复录制。", "Recording was resumed automatically."),
    Line.RESUMED_AFTER_POWER_LOSS: Words(
        "断电后已自动恢复录制。", "Recording was resumed automatically after a power loss."
    ),
    Line.POWER_LOSS_PRESS: Words(
        "上次录制因断电中断，按录制键恢复录制。",
        "The last recording was interrupted by a power loss. Press record to resume.",
    ),
    Line.MARKED: Words("已标记。", "Marked."),
    Line.STILL_RECORDING: Words("正在录制。", "Recording."),
    Line.NOT_RECORDING: Words("当前没有录制。", "Not recording."),
    Line.FINISHED: Words("录制结束。", "Recording finished."),
    Line.CANNOT_CONTINUE: Words("无法继续录制，请立即报告。", "Recording cannot go on. Report at once."),
    Line.CHAIN_LOST: Words("存储故障，没有录制。", "The storage medium fails. Nothing is recorded."),
    Line.REFUSED: Words("现在不能执行。", "Not possible now."),
    Line.DOCKED: Words("已放入底座，开始上传。", "Docked. Uploading."),
    Line.UNDOCKED: Words("已取出底座。", "Taken out of the dock."),
    Line.ALL_UPLOADED: Words("全部上传完成。", "Everything is uploaded."),
    Line.NOT_ALL_UPLOADED: Words("上传尚未完成，请放回底座。", "The upload is not complete. Please put it back."),
    Line.BATTERY_LOW: Words("电池电量不足。", "Battery low."),
    Line.BATTERY_CRITICAL: Words("电池即将耗尽。", "Battery almost empty."),
    Line.STORAGE_LOW: Words("存储空间不足。", "Storage low."),
    Line.STORAGE_SLOW: Words("存储响应缓慢。", "Storage is slow."),
    Line.SOUND_CLIPS: Words("声音过大，录音失真。", "The sound is too loud and distorted."),
    Line.CLOCK_UNTRUSTED: Words("系统时间未校准。", "The clock is not synchronised."),
    Line.MICROPHONE_DEAD: Words("麦克风没有声音。", "The microphone is silent."),
    Line.MICROPHONE_CLIPPING: Words("声音过大，请远离声源。", "The sound is too loud. Move away from its source."),
    Line.LENS_COVERED: Words("镜头可能被遮挡。", "The lens may be covered."),
    Line.FRAMES_LOST: Words("画面有丢失，已记录。", "Pictures were lost. This is on record."),
    Line.FRAMES_LATE: Words("画面有延迟，已记录。", "Pictures came late. This is on record."),
    Line.SOUND_LOST: Words("声音有丢失，已记录。", "Sound was lost. This is on record."),
    Line.PICTURE_FROZEN: Words("画面停滞，请检查摄像头。", "The picture is frozen. Check the camera."),
    Line.STORAGE_FAILS: Words("存储故障，正在重试。", "The storage medium fails. Trying again."),
    Line.TOO_HOT: Words("设备温度过高，请避免日晒。", "The unit is hot. Keep it out of the sun."),
    Line.SUPPLY_WEAK: Words("供电不足，请检查电池和连接。", "The supply is weak. Check the battery and its contacts."),
    Line.OVERDUE: Words("录制资料已逾期未移交，请立即移交。", "Recordings are overdue. Hand them over at once."),
    Line.LABELS_MISSING: Words("录制资料尚缺标签。", "Recordings lack labels."),
    Line.LABELS_OVERDUE: Words("标签已逾期未补，请立即补齐。", "Labels are overdue. Give them at once."),
    Line.CLOCK_STEPPED: Words("系统时间已调整，已记录。", "The clock was moved. This is on record."),
}

CHECK_NAMES: dict[str, Words] = {
    "battery": Words("电池", "battery"),
    "storage": Words("存储空间", "storage"),
    "clock": Words("系统时间", "clock"),
    "camera": Words("摄像头", "camera"),
    "microphone": Words("麦克风", "microphone"),
    "speaker": Words("扬声器", "loudspeaker"),
    "key": Words("签名密钥", "signing key"),
    "spool": Words("封存区", "spool"),
    "caption": Words("画面字幕", "line in the picture"),
}
"""Codes of `CheckResult.check`."""

CHECK_DEGRADED: dict[str, Words] = {
    "battery": Words("电池电量偏低或不明。", "The battery is low, or its charge is unknown."),
    "storage": Words("存储空间偏少。", "There is little room left."),
    "clock": Words("系统时间准确度不足。", "The clock is not accurate enough."),
    "camera": Words("摄像头画面未能检查。", "The camera's picture could not be checked."),
    "microphone": Words("声音过大，录音可能失真。", "The sound is too loud and may be distorted."),
    "speaker": Words("没有听到扬声器的提示音。", "The loudspeaker was not heard."),
    "key": Words("签名密钥未能确认。", "The signing key could not be confirmed."),
    "spool": Words("封存区未能确认。", "The spool could not be confirmed."),
    "caption": Words("画面字幕无法显示。", "The line cannot be written into the picture."),
}
"""What each check that is degraded comes to: `capture.preflight` knows one reason, or two, for each."""
CHECK_FAILED = Words("{check}检查未通过。", "The {check} check failed.")

MACHINE_CAUSES: dict[str, Words] = {
    "camera-fault": Words("摄像头故障", "camera fault"),
    "camera-frozen": Words("画面停滞", "frozen picture"),
    "camera-black": Words("画面全黑", "black picture"),
    "microphone-fault": Words("麦克风故障", "microphone fault"),
    "storage-full": Words("存储空间不足", "full storage"),
    "storage-fault": Words("存储故障", "storage fault"),
    "battery": Words("电量不足", "low battery"),
    "overheating": Words("设备过热", "overheating"),
    "power-loss": Words("设备断电", "power loss"),
    "crash": Words("程序异常", "a program fault"),
    "watchdog": Words("程序无响应", "a stalled program"),
    "clock-step": Words("系统时间变动", "a change of the clock"),
    "stop": Words("设备关机", "shutdown"),
    "unclassified": Words("未说明的原因", "a cause not stated"),
}
"""Causes that the unit finds by itself; a profile's cause of the same code replaces the words."""
OTHER_CAUSE = "unclassified"

BREAK_MARKER = Words("{cause}，录制中断。", "Recording interrupted, {cause}.")
CAUSE_IN_MARKER = Words("因{cause}中断，", "was interrupted by {cause}.")
CAUSE_NAME = Words("{cause}。", "{cause}.")
RECORDED_AT = Words("录制于", "The recording at")
YESTERDAY = Words("昨日", "yesterday")
EARLIER_DAY = Words("此前某日", "an earlier day")
NOW_RESUMING = Words("现恢复录制。", "It goes on now.")
STATEMENT_REQUEST = Words("请语音说明{items}。", "Please state aloud: {items}.")
OFFICER = Words("执法人员{name}，证号{number}。", "Officer {name}, certificate {number}.")
REMINDER = Words("请注意记录{item}。", "Remember to record: {item}.")
DUE: dict[str, Words] = {
    "due.at": Words("录制资料应于", "Recordings have to be handed over by"),
    "due:today": Words("今日", "today,"),
    "due:tomorrow": Words("明日", "tomorrow,"),
    "due:day-after": Words("后日", "the day after tomorrow,"),
    "due:days": Words("日后", "days from now,"),
    "due.by": Words("前移交。", "at the latest."),
    "labels.at": Words("标签应于", "Labels have to be given by"),
    "labels.by": Words("前补齐。", "at the latest."),
}
"""By when: day, hour and minute are joined."""
LABEL = Words("{label}。", "{label}.")
REPORT = Words("无法继续录制，请立即向{addressee}报告。", "Recording cannot go on. Report at once.")
REMAINING = Words("还可录制", "Recording time left,")
MINUTES = Words("分钟。", "minutes.")
BATTERY_AT = Words("电量百分之", "Battery at")
PERCENT_END = Words("", "percent.")
HUNDREDS = Words("百", "hundred")
