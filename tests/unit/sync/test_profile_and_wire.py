"""Profile section, wire models and configuration: what is taken, what is refused."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sync.deadlines import Period, StartEvent
from sync.errors import ConfigurationError, WireError
from sync.profile import Limit, SyncProfile
from sync.unit.config import load_config
from sync.unit.link import read_link
from sync.wire import (
    UploadMetadata,
    decode_metadata,
    device_id_of,
    encode_metadata,
    file_id_of,
    non_negative,
)

WUHAN = """
[transfer.normal]
start = "recording-made"
limit = { working_days = 2, clause = "26¶2" }
[transfer.exception]
limit = { working_days = 1, clause = "26¶3" }
reasons = [{ code = "elsewhere", zh = "异地执法办案", en = "enforcement elsewhere" }]
[labels]
due_with_transfer = true
clause = "26¶2"
fields = [{ code = "case-number", zh = "案号", en = "case number" }]
"""
AT_ONCE = """
[transfer.normal]
start = "day-activity-end"
limit = { at_once = true, at_once_hours = 4, clause = "14" }
"""


def test_a_profile_becomes_a_rule() -> None:
    """R20, R22."""
    profile = SyncProfile.model_validate(tomllib.loads(WUHAN))
    rule = profile.transfer.rule()
    assert (rule.normal, rule.exception) == (Period(working_days=2), Period(working_days=1))
    assert rule.exception_reasons == {"elsewhere"}
    assert profile.labels is not None
    assert profile.labels.due_with_transfer


def test_at_once_stands_for_the_hours_that_the_agency_set() -> None:
    """R20: 第一时间."""
    rule = SyncProfile.model_validate(tomllib.loads(AT_ONCE)).transfer.rule()
    assert (rule.start, rule.normal, rule.exception) == (StartEvent.DAY_ACTIVITY_END, Period(hours=4), None)


@pytest.mark.parametrize(
    "limit",
    [{}, {"hours": 0}, {"hours": 1, "working_days": 1}, {"at_once": True}, {"hours": 2, "at_once_hours": 2}, {"h": 1}],
)
def test_a_limit_is_one_thing(limit: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Limit.model_validate(limit)


@given(st.integers(1, 99_999_999), st.integers(0, 10**6), st.binary(min_size=32, max_size=32))
def test_metadata_comes_back(number: int, torn_bytes: int, digest: bytes) -> None:
    metadata = UploadMetadata(file_id=digest.hex(), number=number, torn_bytes=torn_bytes)
    assert decode_metadata(encode_metadata(metadata)) == metadata
    assert decode_metadata(encode_metadata(metadata) + ",more eQ==") == metadata


@given(st.text(max_size=200))
def test_any_other_metadata_is_refused(text: str) -> None:
    with pytest.raises(WireError):
        decode_metadata(text)


@pytest.mark.parametrize("text", ["", ".", "..", "../x", "a/b", "a b", "-x", "_x", "甲", "a" * 65, "a\n", "a\x00"])
def test_device_ids_that_could_be_paths_are_refused(text: str) -> None:
    """SY-3."""
    with pytest.raises(WireError):
        device_id_of(text)


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 64 + "\n"])
def test_file_ids_are_64_digits(text: str) -> None:
    """SY-3."""
    with pytest.raises(WireError):
        file_id_of(text)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "01", "1e9", " 1", "٣", "9" * 20])
def test_counts_are_plain_decimals(text: str) -> None:
    with pytest.raises(WireError):
        non_negative({"Upload-Offset": text}, "Upload-Offset")


def test_the_agents_file_is_read_with_its_drop_ins(tmp_path: Path) -> None:
    main = tmp_path / "agent.toml"
    main.write_text('[unit]\ndevice_id = "u1"\nlanguage = "zh"\nstate_directory = "state"\n[hal]\ndriver_set = "x"\n')
    (tmp_path / "agent.d").mkdir()
    (tmp_path / "agent.d" / "10-store.toml").write_text('[sync]\nstore_url = "https://store:1"\n')
    config = load_config(main)
    assert config.sync.store_url == "https://store:1"
    assert config.paths.spool == tmp_path / "state" / "spool"
    assert config.paths.link_state == Path("/run/recorder/link.json")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[unit", "TOML"),
        ("a = " + "[" * 20_000, "not a TOML file"),
        ("[sync]\n", "unit"),
        ('[unit]\ndevice_id = "../x"\n', "unit.device_id"),
        ('[unit]\ndevice_id = "u"\n[sync]\nstore_url = "ftp://x"\n', "sync.store_url"),
        ('[unit]\ndevice_id = "u"\n[sync]\nstore = "x"\n', "sync.store"),
    ],
)
def test_a_bad_configuration_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=named):
        load_config(path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_config(tmp_path / "absent.toml")


def test_an_unreadable_link_state_means_not_now(tmp_path: Path) -> None:
    """SY-26."""
    path = tmp_path / "link.json"
    assert read_link(path).open_for_sending
    for text in ("", "[]", '{"docked": true}', '{"docked": 3, "session_open": false}'):
        path.write_text(text)
        assert not read_link(path).open_for_sending
