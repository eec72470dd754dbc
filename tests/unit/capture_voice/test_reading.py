"""What the voice must not guess is written out; the real espeak-ng then reads it right."""

import re
from collections.abc import Sequence

import pytest

from capture.voice.errors import ReadingError
from capture.voice.language import Language
from capture.voice.names import CHARACTER_READINGS, GIVEN_NAME_READINGS, SURNAME_READINGS
from capture.voice.reading import SpokenOfficer, check_reading, name_reading, speakable, spell
from capture.voice.synthesiser import WORKER, EspeakSynthesiser

HOMOPHONES = {
    "贾": "甲",
    "肖": "消",
    "傅": "付",
    "伍": "五",
    "戚": "七",
    "巴": "八",
    "楚": "储",
    "宁": "咛",
    "粘": "年",
    "相": "象",
    "哈斯": "铪斯",
    "那仁": "纳人",
    "皇甫": "黄府",
    "诸葛": "朱葛",
    "单": "善",
    "仇": "求",
    "曾": "增",
    "解": "谢",
    "查": "渣",
    "任": "人",
    "华": "化",
    "区": "欧",
    "缪": "妙",
    "朴": "瓢",
    "尉迟": "玉池",
    "令狐": "零湖",
    "盖": "钙",
    "翟": "宅",
    "覃": "琴",
}
"""Surname → characters that everybody reads like it."""


_COMMON = """
王wang2 李li3 张zhang1 刘liu2 陈chen2 杨yang2 赵zhao4 黄huang2 周zhou1 吴wu2 徐xu2 孙sun1 胡hu2 朱zhu1
高gao1 林lin2 何he2 郭guo1 马ma3 罗luo2 梁liang2 宋song4 郑zheng4 谢xie4 韩han2 唐tang2 冯feng2 于yu2
董dong3 萧xiao1 程cheng2 曹cao2 袁yuan2 邓deng4 许xu3 沈shen3 曾zeng1 彭peng2 吕lü3 苏su1 卢lu2 蒋jiang3
蔡cai4 丁ding1 魏wei4 薛xue1 叶ye4 阎yan2 余yu2 潘pan1 杜du4 戴dai4 夏xia4 钟zhong1 汪wang1 田tian2
任ren2 姜jiang1 范fan4 方fang1 石shi2 姚yao2 谭tan2 廖liao4 邹zou1 熊xiong2 金jin1 陆lu4 郝hao3 孔kong3
白bai2 崔cui1 康kang1 毛mao2 邱qiu1 秦qin2 江jiang1 史shi3 顾gu4 侯hou2 邵shao4 孟meng4 龙long2 万wan4
段duan4 雷lei2 钱qian2 汤tang1 尹yin3 黎li2 易yi4 常chang2 武wu3 乔qiao2 贺he4 赖lai4 龚gong1 文wen2
盛sheng4 庞pang2 樊fan2 殷yin1 施shi1 陶tao2 洪hong2 翟zhai2 安an1 颜yan2 倪ni2 严yan2 牛niu2 温wen1
季ji4 俞yu2 章zhang1 鲁lu3 葛ge3 毕bi4 聂nie4 焦jiao1 向xiang4 柳liu3 邢xing2 岳yue4 齐qi2 梅mei2 莫mo4
庄zhuang1 辛xin1 管guan3 祝zhu4 左zuo3 谷gu3 时shi2 舒shu1 耿geng3 牟mu4 卜bu3 路lu4 詹zhan1 关guan1
苗miao2 凌ling2 费fei4 纪ji3 靳jin4 欧ou1 甘gan1 项xiang4 曲qu1 成cheng2 游you2 阳yang2 裴pei2 席xi2
屈qu1 鲍bao4 覃qin2 霍huo4 翁weng1 隋sui2 植zhi2 景jing3 薄bo2 柯ke1 阮ruan3 桂gui4 闵min3 佘she2 池chi2
卫wei4 谌chen2 冉ran3 卞bian4 蒙meng2 阚kan4 瞿qu2 仇qiu2 单shan4 查zha1 解xie4 盖gai4 区ou1 尉迟yu4_chi2
欧阳ou1_yang2 上官shang4_guan1 司徒si1_tu2 夏侯xia4_hou2 慕容mu4_rong2 呼延hu1_yan2 鲜于xian1_yu2
端木duan1_mu4 公孙gong1_sun1
"""
COMMON_SURNAMES = {
    name: reading.replace("_", " ") for name, reading in re.findall(r"([^\sa-z]+?)([a-zü][a-zü\d_]*)", _COMMON)
}
"""Surname → its reading: the commonest of the land, and some of two characters."""


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("2026年11月21日", "二零二六年十一月二十一日"),
        ("于10:32中断", "于十点三十二分中断"),
        ("于09:05中断", "于九点零五分中断"),
        ("10点32分", "十点三十二分"),
        ("证号34010012", "证号三四零一零零一二"),
        ("证号：1234", "证号：一二三四"),
        ("皖D12345", "皖 D 一二三四五"),
        ("编号AB-007", "编号 A  B 零零七"),
        ("电量8%", "电量百分之八"),
        ("电量7.5%", "电量百分之七点五"),
        ("剩余2分钟", "剩余两分钟"),
        ("剩余90分钟", "剩余九十分钟"),
        ("2月2日", "二月二日"),
        ("版本1.25", "版本一点二五"),
        ("序列0071", "序列零零七一"),
        ("１２人", "十二人"),
    ],
)
def test_numbers_are_written_as_they_are_to_be_read(text: str, spoken: str) -> None:
    assert speakable(text) == spoken


@pytest.mark.parametrize("text", ["2026年10:32证号34010012", "皖D12345", "电量8%", "剩余90分钟"])
def test_no_digit_is_left_for_the_voice_to_guess(text: str) -> None:
    assert not any(sign.isdigit() for sign in speakable(text))


def test_a_text_with_nothing_special_stays_as_it_is() -> None:
    assert speakable("请说明中断原因。") == "请说明中断原因。"


def test_plates_are_spelled_sign_by_sign() -> None:
    assert spell("皖D1-2").split() == ["皖", "D", "一二"]


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_cannot_be_said(text: str) -> None:
    with pytest.raises(ReadingError, match="empty"):
        speakable(text)


@pytest.mark.parametrize("text", ["执法人员×××", "执法人员＊＊＊", "执法人员{officers}"])
def test_an_open_name_slot_is_never_read_out(text: str) -> None:
    with pytest.raises(ReadingError, match="open slot"):
        speakable(text)


def test_a_stated_reading_goes_before_the_table() -> None:
    assert name_reading(SpokenOfficer("单某", "1", "dan1 mou3")).strip() == "dan1 mou3"
    assert name_reading(SpokenOfficer("单某", "1")).strip() == "shan4 某"


@pytest.mark.parametrize("reading", ["lü3 mou3", "lu:3 mou3", "lv3 mou3", "LÜ3  Mou3", "ｌü３　ｍｏｕ３"])
def test_a_reading_with_u_umlaut_is_taken_however_it_is_typed(reading: str) -> None:
    assert check_reading("吕某", reading) == "lv3 mou3"


def test_u_is_written_without_dots_behind_j_q_x_and_y() -> None:
    assert check_reading("许玉", "xü3 yv4") == "xu3 yu4"


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        ("shan", "not pinyin"),
        ("shan4", "1 syllables for 2 characters"),
        ("shan4 mou3 mou3", "3 syllables"),
        ("善 某", "not pinyin"),
        ("wong1 mou3", "'wong1' is not pinyin"),
        ("shan4 mo5u", "not pinyin"),
        ("a:b mou3", "not pinyin"),
    ],
)
def test_a_wrong_reading_is_refused_with_what_is_wrong(reading: str, message: str) -> None:
    with pytest.raises(ReadingError, match=message):
        name_reading(SpokenOfficer("单某", "1", reading))


@pytest.mark.parametrize("name", ["", "  ", "某" * 33])
def test_a_name_that_cannot_be_spoken_is_refused(name: str) -> None:
    with pytest.raises(ReadingError, match="cannot be spoken"):
        name_reading(SpokenOfficer(name, "1"))


@pytest.mark.parametrize("rare", ["\U0002cb4e", "\U00031350", "\ue863", "㛃"])
def test_a_rare_character_counts_as_one_in_a_stated_reading(rare: str) -> None:
    assert check_reading(f"某{rare}", "mou3 hong2") == "mou3 hong2"


def test_names_of_other_peoples_are_long_and_have_dots() -> None:
    name = "阿卜杜热合曼·阿卜杜克热木江"
    reading = "a1 bo2 du4 re4 he2 man4 a1 bo2 du4 ke4 re4 mu4 jiang1"
    assert name_reading(SpokenOfficer(name, "1", reading)).split() == reading.split()


def test_a_character_that_is_only_typed_otherwise_is_the_usual_one() -> None:
    assert name_reading(SpokenOfficer("⾦某", "1")) == "金某"
    assert speakable("证号Ａ０１") == speakable("证号A01") == "证号 A 零一"
    assert spell("皖Ａ①") == " 皖  A 一"


def test_only_the_surname_is_read_as_a_surname() -> None:
    assert name_reading(SpokenOfficer("李单", "1")) == "李单"
    assert name_reading(SpokenOfficer("单于某", "1")).split() == ["chan2", "yu2", "某"]


@pytest.fixture(scope="module", params=["the program", "the wheel"])
def voice(request: pytest.FixtureRequest, espeak: EspeakSynthesiser) -> EspeakSynthesiser:
    """Every version of espeak-ng that is here: Debian's 1.51 or 1.52, and the wheel's 1.52."""
    if request.param == "the program":
        return espeak
    pytest.importorskip("espeakng_loader", reason="the extra espeak is not installed")
    return EspeakSynthesiser(WORKER)


def sounds(voice: EspeakSynthesiser, texts: Sequence[str]) -> list[str]:
    """What the voice says for each text, without stress: it is another one where words are known as a pair."""
    read = voice.phonemes("\n".join(f"{text}。" for text in texts), Language.CHINESE).splitlines()
    assert len(read) == len(texts)
    return [re.sub(r"['|_ ]", "", line) for line in read]


def as_called(name: str, reading: str | None = None) -> str:
    officer = SpokenOfficer(name, "1", reading)
    return speakable(f"执法人员{name}", [officer])


@pytest.mark.parametrize("surname", sorted(HOMOPHONES))
def test_the_voice_reads_polyphonic_surnames_as_names(espeak: EspeakSynthesiser, surname: str) -> None:
    read = sounds(espeak, [as_called(f"{surname}某"), f"执法人员{HOMOPHONES[surname]}某"])
    assert read[0] == read[1]


def test_every_surname_of_the_table_sounds_as_its_pinyin(voice: EspeakSynthesiser) -> None:
    names = [as_called(f"{surname}某") for surname in SURNAME_READINGS]
    stated = [as_called(f"{surname}某", f"{reading} mou3") for surname, reading in SURNAME_READINGS.items()]
    assert sounds(voice, names) == sounds(voice, stated)
    assert "(en)" not in "".join(sounds(voice, names))


def test_common_surnames_that_need_no_table_are_read_right(voice: EspeakSynthesiser) -> None:
    names = [as_called(f"{surname}某") for surname in COMMON_SURNAMES]
    stated = [as_called(f"{surname}某", f"{reading} mou3") for surname, reading in COMMON_SURNAMES.items()]
    assert sounds(voice, names) == sounds(voice, stated)


def test_every_character_of_a_given_name_has_its_tone(voice: EspeakSynthesiser) -> None:
    readings = GIVEN_NAME_READINGS | CHARACTER_READINGS
    for pattern in ("张{}", "张某{}"):
        stated = f"zhang1 {'mou3 ' if '某' in pattern else ''}"
        names = [as_called(pattern.format(sign)) for sign in readings]
        wanted = [as_called(pattern.format(sign), f"{stated}{reading}") for sign, reading in readings.items()]
        assert sounds(voice, names) == sounds(voice, wanted)
        assert not [name for name, sound in zip(readings, sounds(voice, names), strict=True) if "(en)" in sound]


def test_no_reading_of_the_tables_is_anything_but_pinyin() -> None:
    tables = SURNAME_READINGS | GIVEN_NAME_READINGS | CHARACTER_READINGS
    for name, reading in tables.items():
        check_reading(name, reading)


@pytest.mark.parametrize(("word", "alike"), [("重新", "虫新"), ("更换", "耕换"), ("执法行为", "执法形围")])
def test_words_of_the_trade_are_read_right(espeak: EspeakSynthesiser, word: str, alike: str) -> None:
    read = espeak.phonemes(speakable(f"{word}。"), Language.CHINESE)
    assert read == espeak.phonemes(f"{alike}。", Language.CHINESE)


def test_a_year_is_not_read_in_thousands(espeak: EspeakSynthesiser) -> None:
    read = espeak.phonemes(speakable("2026年"), Language.CHINESE)
    assert read == espeak.phonemes("二零二六年", Language.CHINESE)
    assert read != espeak.phonemes("2026年", Language.CHINESE)
