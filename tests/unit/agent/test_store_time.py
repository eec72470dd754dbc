"""The store's signed time: what may move a unit's clock, and how far (SY-35)."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from agent.cli.main import run
from agent.cli.time_command import apply_store_time
from agent.errors import StoreTimeError
from agent.store_time import (
    FRESH_NS,
    WORTH_NS,
    Arrival,
    Situation,
    bounds_of,
    last_applied_ns,
    note_applied,
    read_arrival,
    step_ns,
)
from hal.drivers.common.clock_kernel import KernelTime
from sync.inbox import put_time
from sync.store.intake import ReceiptSigner
from sync.witness import NONCE_BYTES, TimeToken, sign_time
from tests.support.provisioned_unit import UNIT, ProvisionedUnit, provision

SECOND_NS = 1_000_000_000
TODAY_NS = 1_780_000_000 * SECOND_NS
YEAR_NS = 365 * 86_400 * SECOND_NS
LOST = KernelTime(synchronised=False, max_error_ns=16 * SECOND_NS)
TOKEN = TimeToken("store", UNIT, TODAY_NS, bytes(NONCE_BYTES))


def arrived(civil_ns: int, utc_ns: int = TODAY_NS) -> Arrival:
    return Arrival(replace(TOKEN, utc_ns=utc_ns), civil_ns)


def situation(civil_ns: int) -> Situation:
    """A machine that is up for an hour and was enrolled a month ago."""
    earliest_ns, latest_ns = TODAY_NS - YEAR_NS // 12, TODAY_NS + YEAR_NS
    return Situation(civil_ns, 3600 * SECOND_NS, LOST, earliest_ns, latest_ns, 0)


def test_a_clock_of_years_ago_is_moved_to_the_store_s_time() -> None:
    """SY-35: what passed between the token's coming and its use is kept."""
    civil_ns = TODAY_NS - 7 * YEAR_NS
    assert step_ns(arrived(civil_ns), situation(civil_ns + 5 * SECOND_NS)) == 7 * YEAR_NS


def test_a_clock_ahead_is_moved_back() -> None:
    civil_ns = TODAY_NS + 40 * 86_400 * SECOND_NS
    assert step_ns(arrived(civil_ns), situation(civil_ns)) == -40 * 86_400 * SECOND_NS


def test_where_the_network_vouches_nothing_is_moved() -> None:
    civil_ns = TODAY_NS - YEAR_NS
    vouched = replace(situation(civil_ns), kernel=KernelTime(synchronised=True, max_error_ns=1_000))
    assert step_ns(arrived(civil_ns), vouched) is None


@pytest.mark.parametrize("off_ns", [0, WORTH_NS, -WORTH_NS])
def test_a_little_is_not_worth_a_step(off_ns: int) -> None:
    civil_ns = TODAY_NS + off_ns
    assert step_ns(arrived(civil_ns), situation(civil_ns)) is None
    assert step_ns(arrived(civil_ns + 3 * WORTH_NS), situation(civil_ns + 3 * WORTH_NS)) is not None


def test_a_token_that_lay_too_long_or_comes_from_another_boot_moves_nothing() -> None:
    civil_ns = TODAY_NS - YEAR_NS
    assert step_ns(arrived(civil_ns), situation(civil_ns + FRESH_NS)) == YEAR_NS
    for age_ns in (FRESH_NS + 1, -1):
        with pytest.raises(StoreTimeError, match="has lain"):
            step_ns(arrived(civil_ns), situation(civil_ns + age_ns))
    just_up = replace(situation(civil_ns + 60 * SECOND_NS), boottime_ns=30 * SECOND_NS)
    with pytest.raises(StoreTimeError, match="has lain"):
        step_ns(arrived(civil_ns), just_up)


def test_a_token_is_applied_once_and_never_an_older_one() -> None:
    civil_ns = TODAY_NS - YEAR_NS
    for applied_ns in (TODAY_NS, TODAY_NS + 1):
        with pytest.raises(StoreTimeError, match="not newer"):
            step_ns(arrived(civil_ns), replace(situation(civil_ns), applied_ns=applied_ns))
    assert step_ns(arrived(civil_ns), replace(situation(civil_ns), applied_ns=TODAY_NS - 1)) == YEAR_NS


@pytest.mark.parametrize("utc_ns", [TODAY_NS - YEAR_NS, TODAY_NS + 2 * YEAR_NS])
def test_a_time_outside_of_the_certificates_dates_moves_nothing(utc_ns: int) -> None:
    civil_ns = TODAY_NS - 7 * YEAR_NS
    with pytest.raises(StoreTimeError, match="look at the store's clock"):
        step_ns(arrived(civil_ns, utc_ns), situation(civil_ns))


@pytest.fixture(name="unit", scope="module")
def unit_fixture(tmp_path_factory: pytest.TempPathFactory) -> ProvisionedUnit:
    unit = provision(tmp_path_factory.mktemp("time"))
    unit.paths.inbox.mkdir()
    return unit


def signed(unit: ProvisionedUnit, token: TimeToken) -> bytes:
    key = load_pem_private_key((unit.store / "keys/receipt.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signer = ReceiptSigner(token.store_id, key)
    return sign_time(token, signer.key_id, signer.signature)


def test_the_token_is_the_store_s_and_the_unit_s(unit: ProvisionedUnit) -> None:
    """SY-35: the receipt key's signature, for this unit."""
    put_time(unit.paths.inbox, signed(unit, TOKEN))
    assert read_arrival(unit.paths, UNIT).token == TOKEN
    with pytest.raises(StoreTimeError, match="is for unit"):
        read_arrival(unit.paths, "unit-8")
    data = bytearray(signed(unit, TOKEN))
    data[-1] ^= 1
    put_time(unit.paths.inbox, bytes(data))
    with pytest.raises(StoreTimeError, match="not a statement"):
        read_arrival(unit.paths, UNIT)


def test_a_token_s_age_cannot_be_made_up(unit: ProvisionedUnit) -> None:
    """Whoever writes the inbox may set a file's times, but not its inode's."""
    put_time(unit.paths.inbox, signed(unit, TOKEN))
    before_ns = read_arrival(unit.paths, UNIT).civil_ns
    os.utime(unit.paths.inbox / "store.time", ns=(0, 0))
    assert read_arrival(unit.paths, UNIT).civil_ns >= before_ns


def test_no_token_and_no_certificate_are_said(unit: ProvisionedUnit) -> None:
    (unit.paths.inbox / "store.time").unlink(missing_ok=True)
    with pytest.raises(StoreTimeError, match="no time of the store"):
        read_arrival(unit.paths, UNIT)
    earliest_ns, latest_ns = bounds_of(unit.paths)
    assert earliest_ns < latest_ns
    moved = unit.paths.certificates / "link.pem"
    kept = moved.read_bytes()
    moved.unlink()
    try:
        with pytest.raises(StoreTimeError, match="enrol the unit"):
            bounds_of(unit.paths)
    finally:
        moved.write_bytes(kept)


def test_what_was_applied_is_kept(tmp_path: Path) -> None:
    assert last_applied_ns(tmp_path) == 0
    note_applied(tmp_path, TOKEN)
    assert last_applied_ns(tmp_path) == TODAY_NS
    (tmp_path / "applied").write_text("soon", encoding="ascii")
    with pytest.raises(StoreTimeError, match="cannot be used"):
        last_applied_ns(tmp_path)


def test_the_whole_way_but_for_the_clock_itself(unit: ProvisionedUnit, tmp_path: Path) -> None:
    """SY-35: a store whose clock is a day ahead of this machine's, which nobody vouches for or somebody does."""
    earliest_ns, _ = bounds_of(unit.paths)
    ahead_ns = earliest_ns + 2 * 86_400 * SECOND_NS
    put_time(unit.paths.inbox, signed(unit, replace(TOKEN, utc_ns=ahead_ns)))
    arrival, moves = read_arrival(unit.paths, UNIT), list[int]()
    step = apply_store_time(unit.paths, UNIT, tmp_path, moves.append, lambda: LOST)
    assert moves == [step] == [ahead_ns - arrival.civil_ns]
    assert last_applied_ns(tmp_path) == ahead_ns
    with pytest.raises(StoreTimeError, match="not newer"):
        apply_store_time(unit.paths, UNIT, tmp_path, moves.append, lambda: LOST)
    assert len(moves) == 1


def test_the_command_says_in_one_line_what_is_missing(unit: ProvisionedUnit, tmp_path: Path) -> None:
    (unit.paths.inbox / "store.time").unlink(missing_ok=True)
    assert run(["--config", str(unit.config_path), "clock", "--notes", str(tmp_path)]) == StoreTimeError.exit_code
