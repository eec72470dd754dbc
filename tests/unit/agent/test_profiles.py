"""What holds for every profile (`agent/PROFILE.md`)."""

import hashlib
from pathlib import Path

import pytest

from agent.citations import agency_settings, citations, uncited_values
from agent.errors import ProfileError
from agent.profile import PROFILE_BYTES_MAX, load_profile, parse_profile, shipped_profiles
from tests.support.profiles import MINIMAL

SHIPPED = ("dalian-jinpu", "huainan", "inner-mongolia", "wuhan", "wuhu")


def refused(text: str) -> str:
    with pytest.raises(ProfileError) as caught:
        parse_profile(text.encode(), "own.toml")
    return str(caught.value)


def test_five_agencies_ship() -> None:
    assert shipped_profiles() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_profile_loads_under_its_own_name(name: str) -> None:
    assert load_profile(name).profile.profile.id == name


@pytest.mark.parametrize("name", SHIPPED)
def test_pr_5_every_value_of_a_shipped_profile_names_its_clause(name: str) -> None:
    """PR-5."""
    assert not uncited_values(load_profile(name).profile)


@pytest.mark.parametrize("name", SHIPPED)
def test_pr_5_thresholds_are_nobodys_article_but_the_agencys_choice(name: str) -> None:
    """PR-5."""
    settings = agency_settings(load_profile(name).profile)
    assert {"capture.preflight.battery_percent_min", "capture.preflight.blocking"} <= set(settings)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.requirement("R1", "all")
def test_r1_no_text_lets_a_failed_check_stop_a_recording(name: str) -> None:
    assert load_profile(name).profile.capture.preflight.blocking is False


@pytest.mark.parametrize("name", SHIPPED)
def test_leftovers_of_other_texts_are_never_shown(name: str) -> None:
    data = Path(load_profile(name).source).name
    text = "".join(clause for _, clause in citations(load_profile(name).profile))
    assert data == f"{name}.toml"
    assert "云南" not in load_profile(name).profile.model_dump_json() + text
    assert "统计行政" not in load_profile(name).profile.model_dump_json()


def test_pr_1_the_hash_is_that_of_the_files_bytes(tmp_path: Path) -> None:
    """PR-1."""
    path = tmp_path / "own.toml"
    path.write_text(MINIMAL, encoding="utf-8")
    assert load_profile(str(path)).hash == hashlib.sha256(path.read_bytes()).digest()
    assert parse_profile(MINIMAL.encode() + b"\n", "own.toml").hash != load_profile(str(path)).hash


def test_pr_2_a_profile_that_is_too_large_or_no_toml_is_refused_unread() -> None:
    """PR-2."""
    with pytest.raises(ProfileError, match=f"at most {PROFILE_BYTES_MAX}"):
        parse_profile(b"#" * (PROFILE_BYTES_MAX + 1), "own.toml")
    assert "not a TOML file" in refused("[profile")
    with pytest.raises(ProfileError, match="UTF-8"):
        parse_profile(b"\xff", "own.toml")


def test_pr_3_what_a_profile_leaves_out_is_absent() -> None:
    """PR-3."""
    profile = parse_profile(MINIMAL.encode(), "own.toml").profile
    assert profile.capture.notice is None
    assert profile.capture.statement is None
    assert profile.capture.interruptions.explanation is None
    assert profile.sync.transfer.exception is None
    absent = (profile.exemption, profile.secrecy, profile.retention, profile.long_term, profile.evidence_copy)
    assert absent == (None,) * 5
    assert (profile.access, profile.inspection, profile.case_file, profile.repair, profile.custody) == (None,) * 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[capture]", "[capture]\ncolour = 1"), ["capture.colour = 1", "remove the key"]),
        (('agency = "某局"', ""), ["profile.agency", "add it"]),
        (("schema_version = 1", "schema_version = 2"), ["profile.schema_version = 2", "less than or equal to 1"]),
        (('id = "own"', 'id = "Own Rules"'), ["profile.id", "'Own Rules'"]),
        (("hours = 24", "hours = 24, working_days = 2"), ["sync.transfer.normal.limit", "remove the others"]),
        (("[capture]", "[capture.preflight]\nbattery_percent_min = 40"), ["battery_percent_low must not be below"]),
        (("[capture]", '[capture.notice]\nwording = "告知"\nname_slot = "×××"'), ["no name slot '×××'"]),
        (("[capture]", '[capture.marks]\nclauses = { colour = "1" }'), ["clauses names colour"]),
        (("[capture]", "[capture.marks]\nreminders = 3"), ["capture.marks.reminders = 3"]),
    ],
)
def test_pr_4_a_broken_rule_is_named_with_file_key_value_and_rule(change: tuple[str, str], words: list[str]) -> None:
    """PR-4."""
    said = refused(MINIMAL.replace(*change))
    assert all(word in said for word in ["own.toml", *words]), said


def test_pr_4_all_broken_rules_are_named_one_in_a_line() -> None:
    """PR-4."""
    said = refused(MINIMAL.replace("[capture]", "[capture]\ncolour = 1\nshape = 2"))
    assert len(said.splitlines()) == 2


GROUND = 'code = "a"\nzh = "甲"\nen = "A"\n'


@pytest.mark.parametrize(
    "doubled",
    [
        "[[activities.categories]]\nmust = true\n" + GROUND,
        "[[capture.interruptions.causes]]\n" + GROUND,
        "[[exemption.grounds]]\n" + GROUND,
        "[[secrecy.classes]]\n" + GROUND,
        "[[sync.labels.fields]]\n" + GROUND,
    ],
)
def test_pr_6_codes_stand_once_in_their_list(doubled: str) -> None:
    """PR-6."""
    assert "each code may stand once" in refused(MINIMAL + doubled * 2)
    parse_profile((MINIMAL + doubled).encode(), "own.toml")


def test_pr_6_a_cause_and_a_ground_have_different_codes() -> None:
    """PR-6."""
    both = "[[capture.interruptions.causes]]\n" + GROUND + "[[exemption.grounds]]\n" + GROUND
    assert "capture.interruptions.causes and exemption.grounds: each code may stand once" in refused(MINIMAL + both)


def test_pr_6_a_code_that_names_no_entry_is_refused() -> None:
    """PR-6."""
    section = '[secrecy]\nnot_over_radio = ["b"]\n[[secrecy.classes]]\n'
    assert "not_over_radio names 'b', which is no class" in refused(MINIMAL + section + GROUND)


def test_pr_8_a_sentence_must_contain_what_the_text_rules() -> None:
    """PR-8."""
    notice = '[capture.notice]\nwording = "您好。"\ncontains = "全程录音录像"\n'
    assert "wording must contain '全程录音录像'" in refused(MINIMAL.replace("[capture]", notice))


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("[capture.preflight]\nbattery_minutes_low = 5", "battery_minutes_low must not be below battery_minutes_min"),
        ("[capture.preflight]\nbattery_minutes_min = -1", "capture.preflight.battery_minutes_min = -1"),
        ("[capture.preflight]\nstorage_minutes_low = 5", "storage_minutes_low must not be below storage_minutes_min"),
        ("[capture.warnings]\nbattery_alarm_minutes = 9", "capture.warnings.battery_alarm_minutes = 9"),
        ("[capture.warnings]\nbattery_alarm_minutes = 31", "capture.warnings.battery_alarm_minutes = 31"),
        ("[capture.warnings]\nbattery_end_minutes = 10", "capture.warnings.battery_end_minutes = 10"),
        ("[capture.warnings]\nbattery_end_minutes = 0", "capture.warnings.battery_end_minutes = 0"),
        ("[capture.warnings]\nstorage_alarm_minutes = 0", "capture.warnings.storage_alarm_minutes = 0"),
        ("[capture.warnings]\nheat_alarm_celsius = 90", "heat_end_celsius must be above heat_alarm_celsius"),
        ("[capture.warnings]\nheat_end_celsius = 130", "capture.warnings.heat_end_celsius = 130"),
        ('[capture.warnings]\nbreak_on = ["camera-fault"]', "break_on names camera-fault"),
        ('[capture.warnings]\nbreak_on = ["boredom"]', "break_on names boredom"),
    ],
)
def test_pr_9_a_threshold_out_of_order_or_out_of_range_is_refused(section: str, words: str) -> None:
    """PR-9."""
    assert words in refused(MINIMAL.replace("[capture]", section))


@pytest.mark.parametrize("name", SHIPPED)
def test_pr_9_alarms_and_minutes_are_stated_by_every_shipped_profile_as_the_agencys_choice(name: str) -> None:
    """PR-9: R1, R8; no article gives a figure."""
    profile = load_profile(name).profile
    warnings, checks = profile.capture.warnings, profile.capture.preflight
    assert (warnings.battery_alarm_minutes, warnings.battery_end_minutes) == (20, 2)
    assert (warnings.storage_alarm_minutes, warnings.break_on) == (15, ())
    assert (warnings.heat_alarm_celsius, warnings.heat_end_celsius) == (80, 90)
    assert (checks.battery_minutes_low, checks.battery_minutes_min) == (60, 10)
    wanted = {f"capture.warnings.{key}" for key in type(warnings).model_fields} - {"capture.warnings.clauses"}
    wanted |= {"capture.preflight.battery_minutes_low", "capture.preflight.battery_minutes_min"}
    assert wanted <= set(agency_settings(profile))


@pytest.mark.parametrize("name", SHIPPED)
def test_pr_9_r7_no_shipped_profile_reminds_unasked_and_says_whose_choice_that_is(name: str) -> None:
    """PR-9: HN 10, DL 12, WH 19, NM 10 give the content; WU has none of its own."""
    profile = load_profile(name).profile
    marks = profile.capture.marks
    assert not marks.reminders
    assert ("capture.marks.reminders" in agency_settings(profile)) is bool(marks.key_content)


def test_a_name_that_is_neither_shipped_nor_a_file_is_answered_with_what_there_is() -> None:
    with pytest.raises(ProfileError, match="dalian-jinpu, huainan, inner-mongolia, wuhan, wuhu"):
        load_profile("shanghai")
    with pytest.raises(ProfileError, match=r"nowhere\.toml: cannot be read"):
        load_profile("nowhere.toml")


def test_a_value_without_a_clause_is_found_wherever_it_stands() -> None:
    text = (
        MINIMAL
        + '[secrecy]\n[[secrecy.classes]]\ncode = "a"\nzh = "甲"\nen = "A"\n[repair]\nhours = 24\nstarts = "x"\n'
    )
    found = uncited_values(parse_profile(text.encode(), "own.toml").profile)
    assert found == ("repair.hours", "repair.starts", "secrecy.classes.0.zh")
