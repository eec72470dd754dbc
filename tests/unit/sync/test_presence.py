"""What units say of themselves, what may be said, and what the store makes of it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import WireError
from sync.presence import (
    EVERY_NS,
    LOST_NS,
    PRESENCE_BYTES_MAX,
    Link,
    Presence,
    decode_presence,
    encode_presence,
    gone,
    is_due,
    link_of,
    presence_of,
)
from sync.rules import Radio
from sync.secrecy import Line
from sync.store.fleet_commands import fleet
from sync.store.fleet_metrics import fleet_lines
from sync.store.presences import Presences
from sync.unit.presence import Announcer, read_presence
from tests.support.clocks import START_UTC_NS
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, make_unit, served
from tests.unit.sync.test_courier import run_once

S_NS = 1_000_000_000
DAY_NS = 86_400 * S_NS
NAMES = ("甲某", "110101", "active-7", "5e55")
STATUS = {
    "version": "1.2.3",
    "profile": {"id": "huainan", "sha256": "ab", "number": 4},
    "docked": True,
    "session_open": True,
    "recorder": {
        "state": "recording",
        "session_id": "5e55",
        "officer_ids": ["甲某", "110101"],
        "activity_id": "active-7",
        "label": "secret",
        "standing_verdict": "degraded",
    },
    "battery": {"charge_percent": 81, "charging": True, "voltage_mv": 7400},
    "spool": {"files": 9, "receipted": 4, "free_bytes": 1 << 33, "total_bytes": 1 << 36, "writable": True},
    "due": {"due_utc_ns": START_UTC_NS, "overdue": True},
    "clock": {"utc_ns": START_UTC_NS, "source": "network"},
    "unhealthy": ["encoder"],
}
BOUND = Radio(headers_forbidden=("secret",))


def test_what_is_told_of_a_unit_is_figures_and_no_names() -> None:
    """SY-53."""
    told = presence_of(STATUS, Line.WIRE, Radio(), "c1")
    assert (told.state, told.verdict, told.docked, told.unhealthy) == ("recording", "degraded", True, 1)
    assert (told.battery_percent, told.charging, told.free_bytes) == (81, True, 1 << 33)
    assert (told.files, told.receipted, told.due_utc_ns, told.overdue) == (9, 4, START_UTC_NS, True)
    assert not [name for name in NAMES if name in encode_presence(told).decode()]


def test_over_radio_a_label_keeps_state_and_due_time_to_itself() -> None:
    """SY-37, SY-53: the state of a labelled recording, and a due time that may be a labelled recording's."""
    told = presence_of(STATUS, Line.RADIO, BOUND)
    assert (told.state, told.due_utc_ns, told.overdue) == (None, None, None)
    assert told.battery_percent == 81
    open_status = {**STATUS, "recorder": {**dict.fromkeys(("label",)), "state": "idle"}}
    told = presence_of(open_status, Line.RADIO, BOUND)
    assert (told.state, told.due_utc_ns) == ("idle", None)
    assert presence_of(STATUS, Line.WIRE, BOUND).state == "recording"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*STATUS, "state"]), inner),
    max_leaves=12,
)


@given(status=st.dictionaries(st.sampled_from([*STATUS, "odd"]), JSON))
def test_a_status_of_any_shape_leads_to_a_presence_that_can_be_read_again(status: dict[str, object]) -> None:
    """SY-53."""
    told = presence_of(status, Line.WIRE, Radio(), "c1")
    assert decode_presence(encode_presence(told)) == told


@pytest.mark.parametrize("data", [b"", b"{}", b'{"online": true, "officer": "x"}', b" " * (PRESENCE_BYTES_MAX + 1)])
def test_what_is_no_presence_is_refused(data: bytes) -> None:
    """SY-53."""
    with pytest.raises(WireError):
        decode_presence(data)


def test_a_change_of_state_is_told_at_once_and_a_figure_with_its_minute() -> None:
    """SY-53."""
    before = presence_of(STATUS, Line.WIRE, Radio(), "c1")
    assert is_due(before, 0, None, 0)
    emptier = before.model_copy(update={"battery_percent": 80})
    assert not is_due(emptier, EVERY_NS - 1, before, 0)
    assert is_due(emptier, EVERY_NS, before, 0)
    assert is_due(before.model_copy(update={"state": "idle"}), 1, before, 0)


def test_the_announcer_says_each_thing_once(tmp_path: Path) -> None:
    """SY-53."""
    status = tmp_path / "status.json"
    announcer = Announcer(status, "c1")
    assert decode_presence(announcer.due(0, Line.WIRE, Radio()) or b"").battery_percent is None
    status.write_text(json.dumps(STATUS))
    assert decode_presence(announcer.due(1, Line.WIRE, Radio()) or b"").battery_percent == 81
    assert announcer.due(2, Line.WIRE, Radio()) is None
    assert decode_presence(announcer.last_will) == gone("c1")


@pytest.mark.parametrize(
    ("online", "told_s", "heard_s", "now_s", "link"),
    [
        (True, 100, 0, 100, Link.UP),
        (True, 100, 0, 100 + LOST_NS // S_NS, Link.UP),
        (True, 100, 0, 101 + LOST_NS // S_NS, Link.LOST),
        (False, 100, 0, 101, Link.DOWN),
        (None, 100, 0, 101, Link.DOWN),
        (None, None, 100, 101, Link.DOWN),
        (None, None, 100, 1101, Link.SILENT),
        (True, 100, 0, 1101, Link.SILENT),
        (True, 100, 1000, 1101, Link.LOST),
    ],
)
def test_how_a_unit_stands(online: bool | None, told_s: int | None, heard_s: int, now_s: int, link: Link) -> None:
    told_ns = None if told_s is None else told_s * S_NS
    assert link_of(online, told_ns, heard_s * S_NS, now_s * S_NS, 1000 * S_NS) is link


def up(connection: str, at_s: int = 0, percent: int = 50) -> Presence:
    return Presence(online=True, connection=connection, battery_percent=percent, utc_ns=START_UTC_NS + at_s * S_NS)


def link_now(store: StoreOnDisk, at_s: int) -> Link:
    (one,) = Presences(store.ledger).fleet(START_UTC_NS + at_s * S_NS, DAY_NS)
    return one.link


def test_a_late_last_will_of_an_earlier_connection_does_not_end_the_present_one(
    store: StoreOnDisk, unit: UnitOnDisk
) -> None:
    """SY-53: a broker finds out about a half-open line long after the unit is back on another one."""
    kept = Presences(store.ledger)
    for at_s, said in enumerate([up("a"), up("b", 1), gone("a")]):
        kept.tell(unit.device_id, said, START_UTC_NS + at_s * S_NS)
    assert link_now(store, 3) is Link.UP
    kept.tell(unit.device_id, gone("b"), START_UTC_NS + 4 * S_NS)
    assert link_now(store, 5) is Link.DOWN
    told = kept.told()[unit.device_id]
    assert (told.presence.battery_percent, told.changed_utc_ns) == (50, START_UTC_NS + 4 * S_NS)
    kept.tell(unit.device_id, gone("b"), START_UTC_NS + 9 * S_NS)
    assert kept.told()[unit.device_id] == told


def test_a_flood_of_words_writes_little(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    kept = Presences(store.ledger)
    for number in range(100):
        kept.tell(unit.device_id, up("a", number, number), START_UTC_NS + number * S_NS // 100)
    assert kept.told()[unit.device_id].presence.battery_percent == 0
    kept.tell(unit.device_id, up("a", 200, 100), START_UTC_NS + 3 * S_NS)
    assert kept.told()[unit.device_id].presence.battery_percent == 100


def test_over_http_the_inventory_brings_it_and_the_line_is_left_as_it_was(store: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-34, SY-53: the unit's own loop against the store's own server."""
    fill_spool(unit)
    unit.paths.status.write_text(json.dumps(STATUS))
    kept = Presences(store.ledger)
    kept.tell(unit.device_id, up("a"), START_UTC_NS - S_NS)
    with served(store) as url:
        run_once(unit, url)
    told = kept.told()[unit.device_id]
    assert (told.presence.battery_percent, told.presence.state) == (81, "recording")
    assert (told.online, told.presence.connection) == (True, "a")


def test_gauges_say_what_is_known_and_nothing_else(store: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path) -> None:
    make_unit(store.authority, store.ledger, tmp_path / "other", "unit-other")
    Presences(store.ledger).tell(unit.device_id, presence_of(STATUS, Line.RADIO, BOUND, "a"), START_UTC_NS)
    text = "".join(fleet_lines(Presences(store.ledger).fleet(START_UTC_NS, DAY_NS)))
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    own = f'{{device_id="{unit.device_id}"}}'
    assert values[f"recorder_store_unit_battery_percent{own}"] == "81"
    assert values[f"recorder_store_unit_waiting_files{own}"] == "5"
    assert f"recorder_store_unit_overdue{own}" not in values
    assert values['recorder_store_units_by_link{link="up"}'] == "1"
    assert values['recorder_store_units_by_link{link="down"}'] == "1"
    assert "unit-other" not in text


def test_without_a_status_a_unit_says_that_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("[1, 2")
    for name in ("missing.json", "broken.json"):
        assert read_presence(tmp_path / name, Line.WIRE, Radio()) == Presence(online=True)


def test_the_command_lists_the_fleet_and_what_is_in_trouble(
    store: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path
) -> None:
    """A unit that never said anything, and one whose last word says that something is overdue, after its line ended."""
    make_unit(store.authority, store.ledger, tmp_path / "other", "unit-other")
    late = presence_of({**STATUS, "unhealthy": []}, Line.WIRE, Radio(), "a")
    for said in (late, gone("a")):
        Presences(store.ledger).tell(unit.device_id, said, START_UTC_NS)
    listed = fleet_rows(store, "--silent-days", "100000")
    assert [one["device_id"] for one in listed] == [unit.device_id, "unit-other"]
    assert [one["link"] for one in listed] == ["down", "down"]
    assert (listed[0]["battery_percent"], listed[0]["overdue"], listed[0]["state"]) == (81, True, "recording")
    assert [one["device_id"] for one in fleet_rows(store, "--silent-days", "100000", "--trouble")] == [unit.device_id]
    assert {one["link"] for one in fleet_rows(store, "--trouble", "--silent-days", "0")} == {"silent"}
    table = CliRunner(env={"COLUMNS": "200"}).invoke(fleet, [str(store.directory)], catch_exceptions=False)
    assert "81 % +" in table.output


def fleet_rows(store: StoreOnDisk, *options: str) -> list[dict[str, object]]:
    done = CliRunner().invoke(fleet, [str(store.directory), "--json", *options], catch_exceptions=False)
    return [json.loads(line) for line in done.output.splitlines()]
