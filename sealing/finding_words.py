"""What each kind of finding means, in Chinese, for those who read a report and not the format.

Rules of this module: a table, one entry for each code. Findings say the particulars themselves, in English; the code
and this sentence stand in front of them on a Chinese page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sealing.findings import Code, Place

MEANINGS_ZH: Final[Mapping[Code, str]] = {
    Code.NOT_SEALED: "不是封存文件",
    Code.MALFORMED: "格式不符",
    Code.TORN_TAIL: "末尾有来历不明的残缺数据",
    Code.BAD_SIGNATURE: "签名不符，内容可能被改动",
    Code.UNTRUSTED_KEY: "签名证书不可信",
    Code.SUITE_FORBIDDEN: "使用了不允许的密码套件",
    Code.RECIPIENT_MISMATCH: "接收方与机关规定不符",
    Code.WRONG_DEVICE: "混有其他设备的记录",
    Code.EPOCH_ORDER: "签名密钥的次序不符",
    Code.EPOCH_MISBOUND: "签名密钥与设备证书不符",
    Code.HEAD_MISSING: "开头的记录缺失",
    Code.GAP: "中间的记录缺失",
    Code.REPLAY_OR_REORDER: "记录重复，或次序被改动",
    Code.PAYLOAD_MODIFIED: "内容被改动",
    Code.CONTINUITY: "录像前后不连续",
    Code.CLOCK_INCONSISTENT: "时间前后矛盾",
    Code.ROLLBACK: "被退回到以前的状态",
    Code.COUNTER_MISBOUND: "计数凭证与记录不符",
    Code.TIME_TOKEN_REPLAY: "时间凭证与记录不符",
    Code.POLICY_VIOLATION: "回执或释放不合规则",
    Code.UNDECRYPTABLE: "不能用所给私钥解密",
    Code.TAIL_MISSING_VS_WITNESS: "末尾缺失：存储服务收到过更后的记录",
    Code.FORK_VS_WITNESS: "与存储服务收到的内容不同",
    Code.PARTIAL: "仅为链的一部分，前后未作判断",
    Code.CLOCK_WRONG: "时间可能不准",
    Code.TORN_CHANGED: "残缺数据与登记的不同",
    Code.COUNTS_DIFFER: "帧数与登记的不同",
    Code.STALE: "超过约定的间隔没有动静",
    Code.UNCLEAN_STOP: "上一次没有正常关机",
    Code.MEDIUM_FAULT: "存储介质出过故障",
    Code.TAIL_OPEN: "末尾没有正常关机的记录",
    Code.PRUNED: "已有回执的文件已释放",
}


def place_zh(place: Place) -> str:
    """Name a place for people."""
    sequence = "" if place.sequence is None else f"，第 {place.sequence} 条记录"
    offset = "" if place.offset_bytes is None else f"，第 {place.offset_bytes} 字节"
    return f"{place.file}{sequence}{offset}"
