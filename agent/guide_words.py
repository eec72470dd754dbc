"""What the officers' sheet says in its own words, Chinese and English side by side.

Rules of this module: tables only. What the unit says aloud comes from `capture.voice.wording`, what the agency's text
says from its profile; neither stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from capture.gestures import Meaning, Mode, Movement
from capture.voice.wording import Line, Words
from hal.values import ButtonName, LampColour
from sync.deadlines import StartEvent

BUTTONS: Final[Mapping[ButtonName, Words]] = {
    ButtonName.RECORD: Words("录制键", "record"),
    ButtonName.MARK: Words("标记键", "mark"),
}
MOVEMENTS: Final[Mapping[Movement, Words]] = {
    Movement.DOWN: Words("按一下{button}", "press {button}"),
    Movement.PRESS: Words("按一下{button}", "press {button}"),
    Movement.HOLD: Words("按住{button} {hold} 秒", "hold {button} for {hold} s"),
    Movement.PRESS_HOLD: Words(
        "按一下{button}，紧接着再按住 {hold} 秒", "press {button}, then at once hold it for {hold} s"
    ),
}
MODES: Final[Mapping[Mode, Words]] = {
    Mode.IDLE: Words("待机时", "Standing by"),
    Mode.CAPTURING: Words("录制时", "Recording"),
    Mode.ANNOUNCING: Words("选择时", "Choosing"),
    Mode.INTERRUPTED: Words("中断时", "Interrupted"),
}
"""Every mode in which a press means something."""

MEANINGS: Final[Mapping[tuple[Mode, Meaning], Words]] = {
    (Mode.IDLE, Meaning.START): Words("开始录制", "start recording"),
    (Mode.CAPTURING, Meaning.MARK): Words("标记当前画面", "mark this moment"),
    (Mode.CAPTURING, Meaning.CATEGORY): Words("标记并选择类别", "mark, and say what the mark shows"),
    (Mode.CAPTURING, Meaning.NOTICE): Words("又有人到场：再次告知", "another party has joined: give the notice again"),
    (Mode.CAPTURING, Meaning.GROUND): Words("登记不录制的情形", "note why something is not recorded"),
    (Mode.CAPTURING, Meaning.BREAK): Words("中断录制：选择原因", "interrupt: choose the cause"),
    (Mode.CAPTURING, Meaning.MENU): Words("打开菜单：{entries}", "open the menu: {entries}"),
    (Mode.CAPTURING, Meaning.FINISH): Words("结束录制", "end the recording"),
    (Mode.ANNOUNCING, Meaning.STEP): Words("下一项", "next entry"),
    (Mode.ANNOUNCING, Meaning.CONFIRM): Words("确认", "confirm"),
    (Mode.ANNOUNCING, Meaning.BREAK): Words("不选了，继续录制", "go back, recording goes on"),
    (Mode.ANNOUNCING, Meaning.FINISH): Words("结束录制", "end the recording"),
    (Mode.INTERRUPTED, Meaning.RESUME): Words("恢复录制", "resume"),
    (Mode.INTERRUPTED, Meaning.FINISH): Words("不再恢复，结束录制", "end the recording, do not resume"),
}
MENU_ENTRIES: Final[Mapping[Meaning, Words]] = {
    Meaning.BREAK: Words("中断录制", "interrupt"),
    Meaning.NOTICE: Words("再次告知", "notice again"),
    Meaning.CATEGORY: Words("标记类别", "category of the mark"),
    Meaning.GROUND: Words("不录制的情形", "why it is not recorded"),
}
"""What a unit with one button offers by its menu, in the menu's order."""

COLOURS: Final[Mapping[LampColour, Words]] = {
    LampColour.GREEN: Words("绿", "green"),
    LampColour.YELLOW: Words("黄", "yellow"),
    LampColour.RED: Words("红", "red"),
    LampColour.BLUE: Words("蓝", "blue"),
}
STEADY: Final = Words("{colour}灯常亮", "{colour}, steady")
BLINKING: Final = Words("{colour}灯：亮 {on} 秒，灭 {off} 秒", "{colour}: {on} s on, {off} s off")
STATES: Final[Mapping[str, Words]] = {
    "idle": Words("待机，没有录制", "standing by, not recording"),
    "starting": Words("正在自检", "checking itself"),
    "notice": Words("正在录制：告知当事人", "recording: the party is told"),
    "statement": Words("正在录制：请说话", "recording: please speak"),
    "recording": Words("正在录制", "recording"),
    "announcing": Words("正在录制：请选择中断原因", "recording: choose the cause of the break"),
    "choosing": Words("正在录制：请选择菜单项", "recording: choose from the menu"),
    "interrupted": Words("录制已中断，没有录制", "interrupted, not recording"),
    "resuming": Words("已恢复录制：请说明中断原因", "recording again: explain the break"),
    "finishing": Words("正在结束，请稍候", "ending, please wait"),
    "fault": Words("存储故障，没有录制", "the medium fails, nothing is recorded"),
    "uploading": Words("在底座上：正在上传", "in the dock: uploading"),
    "uploaded": Words("在底座上：全部上传完成", "in the dock: everything is uploaded"),
}
"""States of the session machine, and what the lamp shows in the dock."""

WARNINGS: Final[Mapping[Line, Words]] = {
    Line.NOT_CHECKED_OUT: Words("照常录制，尽快补办领用", "go on; have the unit checked out"),
    Line.BATTERY_CRITICAL: Words(
        "约 {battery} 分钟后断电：更换电池或接通电源", "about {battery} minutes are left: charge"
    ),
    Line.STORAGE_LOW: Words(
        "约可再录 {storage} 分钟：尽快结束并放入底座", "about {storage} minutes fit: end, then dock"
    ),
    Line.TOO_HOT: Words("避开日晒和热源，否则会中断", "out of the sun, or the recording breaks off"),
    Line.LENS_COVERED: Words("移开遮挡，擦净镜头", "uncover the lens, wipe it"),
    Line.PICTURE_FROZEN: Words("摄像头故障：报告", "the camera is at fault: report it"),
    Line.MICROPHONE_DEAD: Words(
        "不要遮住麦克风；仍无声则报告", "uncover the microphone; report it if that does not help"
    ),
    Line.SOUND_CLIPS: Words("离声源远一些", "move away from its source"),
    Line.CLOCK_STEPPED: Words("无须操作，已自动登记", "nothing to do, it is on record"),
    Line.SUPPLY_WEAK: Words(
        "检查电池和连接；仍有提示则报告", "look at the battery's contacts; report it if that does not help"
    ),
    Line.STORAGE_SLOW: Words("无须操作；反复出现则报告", "nothing to do; report it if it comes back"),
    Line.STORAGE_FAILS: Words(
        "暂存在内存中，撑不了多久：尽快结束并报告", "it is held in memory, not for long: end soon, report"
    ),
    Line.FRAMES_LOST: Words("无须操作，已自动登记；反复出现则报告", "nothing to do; report it if it comes back"),
    Line.FRAMES_LATE: Words("无须操作，已自动登记；反复出现则报告", "nothing to do; report it if it comes back"),
    Line.SOUND_LOST: Words("无须操作，已自动登记；反复出现则报告", "nothing to do; report it if it comes back"),
    Line.OVERDUE: Words("立即放入底座", "dock the unit at once"),
}
"""What the unit warns of → what to do."""
CHECK_FAILS: Final = Words("听清哪一项，照常录制，事后报告", "listen which; go on, report it afterwards")
WHICHEVER: Final = Words("（某项）", "(which)")

STARTS: Final[Mapping[StartEvent, Words]] = {
    StartEvent.RECORDING_MADE: Words("每次录制结束后", "after the end of each recording"),
    StartEvent.ACTIVITY_END: Words("每次执法活动结束后", "after the end of each activity"),
    StartEvent.DAY_ACTIVITY_END: Words("当天执法活动结束后", "after the day's last activity"),
}
HOURS: Final = Words("{count} 小时内移交", "hand over within {count} hours")
WORKING_DAYS: Final = Words("{count} 个工作日内移交", "hand over within {count} working days")
AT_ONCE: Final = Words(
    "第一时间移交（本机关定为 {count} 小时内）", "hand over at once (the agency says: {count} hours)"
)
EXCEPTION: Final = Words(
    "{reasons}：领用时登记，返回单位后，{limit}", "{reasons}: said at check-out; then {limit}, from the return"
)
