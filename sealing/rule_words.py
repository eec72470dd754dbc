"""Words for the codes that the shipped profiles bring, Chinese and English: short ones, for timelines and pictures.

Rules of this module: tables only. A code means the same whoever uses it; a text's own words, which differ from agency
to agency, stand in its profile and in the payload of what was spoken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Pairs = Mapping[str, tuple[str, str]]
"""Code → Chinese, English."""

CAUSES: Final[Pairs] = {
    "device-damage": ("设备损坏", "device damage"),
    "other": ("其他原因", "another reason"),
    "secrets-privacy": ("涉及国家秘密、商业秘密或者个人隐私", "state secrets, trade secrets or privacy"),
    "privacy-trade-secret": ("涉及个人隐私及商业秘密", "privacy and trade secrets"),
    "emergency": ("情况紧急", "an emergency"),
    "objective-cause": ("客观原因", "an objective cause"),
    "natural-cause": ("天气等自然原因", "weather or another natural cause"),
    "force-majeure": ("不可抗力", "force majeure"),
    "written-record-suffices": ("文字记录能够全面有效记录", "a written record shows it fully"),
}
"""Causes of a break and grounds for not recording."""
ACTIVITIES: Final[Pairs] = {
    "daily-inspection": ("日常执法检查", "routine inspection"),
    "site-inspection": ("现场检查", "inspection on site"),
    "complaints": ("处置投诉、举报案件", "complaints and reports"),
    "investigation": ("调查取证", "taking evidence"),
    "registered-preservation": ("先行登记保存", "registering evidence for preservation"),
    "statement-defence": ("陈述、申辩", "statement and defence of the party"),
    "correction-check": ("责令改正核查", "check of an ordered correction"),
    "uncooperative-party": ("当事人不配合调查", "party that does not cooperate"),
    "service": ("执法文书送达", "service of documents"),
    "window-service": ("公共服务窗口送达", "service at the public counter"),
    "lien-service": ("留置送达", "service by leaving the document"),
    "postal-service": ("邮寄送达", "service by post"),
    "direct-service": ("直接送达", "service in person"),
    "public-notice": ("公告送达", "service by public notice"),
    "other-field-work": ("其他现场执法办案活动", "other enforcement in the field"),
    "life-health-property": ("涉及生命健康、重大财产权益的执法", "enforcement that touches life, health or property"),
    "hearing": ("听证", "hearing"),
    "compulsory-measures": ("行政强制措施", "compulsory measures"),
    "other-disputed": ("其他容易引发争议的执法", "other enforcement that may lead to dispute"),
    "seizure": ("查封扣押财产", "seizure"),
    "field-enforcement": ("现场执法", "enforcement on site"),
    "destruction": ("销毁没收物品", "destruction of confiscated goods"),
    "disputed-evidence": ("证据提存", "deposit of evidence"),
    "enforcement": ("行政执法", "enforcement"),
}
MARKS: Final[Pairs] = {
    "certificates-shown": ("出示执法证件", "certificates shown"),
    "scene": ("执法现场", "the scene"),
    "surroundings": ("现场环境", "the site"),
    "persons": ("人员言行", "persons"),
    "words-and-deeds": ("当事人言行", "words and deeds of the party"),
    "exhibits": ("物证", "exhibits"),
    "measures": ("采取措施", "measures"),
    "service": ("送达文书", "service of documents"),
    "service-and-measures": ("送达文书和采取措施", "service and measures"),
    "other": ("其他重要内容", "other important contents"),
}
SECRETS: Final[Pairs] = {
    "state-secret": ("国家秘密", "state secret"),
    "trade-secret": ("商业秘密", "trade secret"),
    "work-secret": ("工作秘密", "work secret"),
    "privacy": ("个人隐私", "privacy"),
}
