"""The configuration: what is taken, what is refused and with which words."""

from pathlib import Path

import pytest

from agent.config import CustodyTable, FreePolicy, KeysTable, Language, UnitPaths, load_config
from agent.config_writer import NewConfig, write_config
from agent.errors import ConfigError

MINIMAL = """
[unit]
device_id = "unit-7"
state_directory = "state"
run_directory = "run"
[hal]
driver_set = "sim"
[profile]
name = "huainan"
"""


def written(folder: Path, text: str, name: str = "agent.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_minimal_configuration_has_the_documented_defaults(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, MINIMAL))
    assert config.unit.language is Language.ZH
    assert (config.spool.free, config.spool.free_below_percent, config.spool.footage_seconds) == (
        FreePolicy.WHEN_NEEDED,
        20,
        60,
    )
    assert config.sync.store_url is None


def test_relative_paths_count_from_the_file(tmp_path: Path) -> None:
    text = MINIMAL.replace('"huainan"', '"rules/own.toml"') + '[hal.options]\nvideo = "./clip.mp4"\nspeed = "max"\n'
    config = load_config(written(tmp_path, text))
    paths = UnitPaths(config)
    assert paths.spool == tmp_path / "state" / "spool"
    assert paths.socket == tmp_path / "run" / "control.sock"
    assert config.profile.name == str(tmp_path / "rules/own.toml")
    assert config.hal.options == {"video": str(tmp_path / "clip.mp4"), "speed": "max"}


def test_drop_ins_are_merged_in_the_order_of_their_names(tmp_path: Path) -> None:
    main = written(tmp_path, MINIMAL)
    written(tmp_path, '[hal.options]\nwidth = 160\nseed = 1\n[unit]\nlanguage = "en"\n', "agent.d/10-first.toml")
    written(tmp_path, "[hal.options]\nseed = 2\n", "agent.d/20-second.toml")
    config = load_config(main)
    assert config.unit.language is Language.EN
    assert config.unit.device_id == "unit-7"
    assert config.hal.options == {"width": 160, "seed": 2}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINIMAL.replace("device_id", "devise_id"), ["unit.devise_id", "remove the key or correct its name"]),
        (MINIMAL.replace('device_id = "unit-7"', ""), ["unit.device_id", "Field required", "add it"]),
        (MINIMAL.replace('"unit-7"', '"unit 7"'), ["unit.device_id", "'unit 7'", "pattern"]),
        (MINIMAL + "[spool]\nfootage_seconds = 61\n", ["spool.footage_seconds", "61", "less than or equal to 60"]),
        (MINIMAL + '[sync]\nstore_url = "ftp://store"\n', ["sync.store_url", "ftp://store"]),
        (MINIMAL + "[spool\n", ["not a TOML file", "line"]),
        ("a = " + "[" * 20_000, ["not a TOML file", "correct that place"]),
        ("a = " + "9" * 5_000, ["not a TOML file", "correct that place"]),
        (MINIMAL + "[voice]\n", ["voice", "Extra inputs are not permitted"]),
    ],
)
def test_what_is_wrong_is_named_with_file_key_and_value(tmp_path: Path, text: str, words: list[str]) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert all(word in str(caught.value) for word in [str(path), *words]), caught.value


def test_a_missing_file_is_named_with_the_option_that_names_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read: No such file.*--config"):
        load_config(tmp_path / "nowhere.toml")


def test_a_file_that_is_no_text_and_one_that_is_too_large_are_refused(tmp_path: Path) -> None:
    binary = tmp_path / "agent.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_config(binary)
    binary.write_bytes(b"#" * (256 * 1024 + 1))
    with pytest.raises(ConfigError, match="larger than"):
        load_config(binary)


def test_a_broken_drop_in_is_the_file_that_is_named(tmp_path: Path) -> None:
    main = written(tmp_path, MINIMAL)
    written(tmp_path, "=", "agent.d/bad.toml")
    with pytest.raises(ConfigError, match=r"agent\.d/bad\.toml"):
        load_config(main)


@pytest.mark.requirement("R2", "all")
def test_the_standing_keeper_is_written_by_provisioning_and_read_back(tmp_path: Path) -> None:
    custody = CustodyTable(keeper_id="K-07", keeper_name='丙"某')
    path = tmp_path / "agent.toml"
    write_config(path, NewConfig("unit-7", tmp_path, tmp_path, "sim", "huainan", "http://store", KeysTable(), custody))
    assert load_config(path).custody == custody
    plain = tmp_path / "plain.toml"
    write_config(plain, NewConfig("unit-7", tmp_path, tmp_path, "sim", "huainan", "http://store", KeysTable()))
    assert load_config(plain).custody is None


def test_a_keeper_without_a_number_is_refused_with_the_key(tmp_path: Path) -> None:
    text = MINIMAL + '[custody]\nkeeper_id = "K 07"\nkeeper_name = "丙某"\n'
    with pytest.raises(ConfigError, match=r"custody\.keeper_id"):
        load_config(written(tmp_path, text))
