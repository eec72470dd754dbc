"""The daemon as a process: it comes up, answers, hands over, records, and goes down in order."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable

import pytest

from sealing.records import Boot, Halt
from sealing.verifier import verify_chain
from tests.support.provisioned_unit import SMALL, ProvisionedUnit, running
from tests.support.store_process import StoreProcess

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]

OFFICERS = ("--officer", "张某:A001", "--officer", "李某:A002:li3 mou3")


def recorder(unit: ProvisionedUnit, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from agent.cli.main import main; main()", "--config", str(unit.config_path)]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=250, check=False)


def answer(unit: ProvisionedUnit, *arguments: str) -> dict[str, object]:
    done = recorder(unit, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_it_comes_up_answers_hands_over_and_goes_down_in_order(unit: ProvisionedUnit) -> None:
    watched = {"WATCHDOG_USEC": "3000000"}
    with running(unit, watched) as daemon:
        assert stat.S_IMODE(unit.paths.socket.stat().st_mode) == 0o660
        idle = answer(unit, "status")
        assert (idle["device_id"], idle["session_open"], idle["docked"]) == ("unit-7", False, False)
        assert idle["unhealthy"] == []
        assert answer(unit, "check")["verdict"] == "pass"

        handed = answer(unit, "checkout", *OFFICERS, "--category", "daily-inspection", "--activity", "act-1")
        assert isinstance(handed["sequence"], int)
        assert handed["remarks"] == []
        held = answer(unit, "status")["recorder"]
        assert isinstance(held, dict)
        assert held["officer_ids"] == ["A001", "A002"]
        assert (held["category"], held["activity_id"]) == ("daily-inspection", "act-1")
        assert "张某" not in json.dumps(held, ensure_ascii=False)
        assert answer(unit, "checkin") == {}

        daemon.wait_for("WATCHDOG=1")
        daemon.wait_for("STATUS=idle")
        assert json.loads(unit.paths.link.read_text()) == {"docked": False, "session_open": False}
        assert daemon.terminate() == 0, daemon.tail()

    assert daemon.said[-1] == "STOPPING=1"
    assert not unit.paths.socket.exists()
    report = verify_chain([unit.paths.spool], unit.trust)
    assert [entry.code for entry in report.timeline][-1] == Halt.TYPE.name


def test_what_cannot_be_done_is_refused_with_the_documented_code(unit: ProvisionedUnit) -> None:
    with running(unit) as daemon:
        for arguments, code, words in (
            (("checkout",), 64, "no officers"),
            (("checkout", "--officer", "张某"), 64, "姓名:证号"),
            (("checkout", *OFFICERS, "--category", "fishing"), 64, "daily-inspection"),
            (("checkout", *OFFICERS, "--label", "trade-secrets"), 64, "trade-secret"),
            (("checkin",), 69, "nobody has checked the unit out"),
        ):
            done = recorder(unit, *arguments)
            assert done.returncode == code, done.stderr
            assert words in done.stderr
            assert done.stderr.startswith("recorder: error: ")
        assert daemon.terminate() == 0
    gone = recorder(unit, "status")
    assert gone.returncode == 69
    assert "is recorder-agent running" in gone.stderr


def test_a_second_start_after_an_orderly_end_is_clean(unit: ProvisionedUnit) -> None:
    for number in (1, 2):
        with running(unit) as daemon:
            boot = answer(unit, "status")["boot"]
            assert isinstance(boot, dict)
            assert (boot["number"], boot["clean"]) == (number, True)
            assert daemon.terminate() == 0
    report = verify_chain([unit.paths.spool], unit.trust)
    assert [entry.code for entry in report.timeline].count(Boot.TYPE.name) == 2
    assert "UNCLEAN_STOP" not in report.verdicts


def test_an_open_session_ends_in_order_when_the_agent_is_told_to_end(unit: ProvisionedUnit) -> None:
    unit.set_options({**SMALL, "speed": 2}, "press record\nafter 6 s\nend\n")
    with running(unit) as daemon:
        assert daemon.ended() == 0, daemon.tail()
    (session,) = verify_chain([unit.paths.spool], unit.trust).sessions
    assert session.end_reason == "stop"
    assert session.frames > 0
    assert json.loads(unit.paths.link.read_text()) == {"docked": False, "session_open": False}


RECORD_AND_DOCK = """
press record
wait for lamp "recording"
after 6 s: press mark
after 2 s: hold record 2 s
wait for lamp "idle"
after 1 s: dock
after 5 h
"""


@pytest.mark.requirement("R13", "all")
@pytest.mark.requirement("R21", "all")
def test_what_the_store_has_is_sealed_as_receipted_and_then_freed(unit: ProvisionedUnit) -> None:
    """The unit deletes nothing without a checked receipt: what is left are the newest files."""
    store = StoreProcess(unit.store)
    (unit.root / "agent.d" / "store.toml").write_text(
        f'[sync]\nstore_url = "{store.url}"\n[spool]\nfree = "when-receipted"\nfootage_seconds = 3\n', encoding="utf-8"
    )
    unit.set_options({**SMALL, "speed": 6}, RECORD_AND_DOCK)
    store.start()
    try:
        with running(unit) as daemon:
            wait_for(unit, daemon.listen_for, lambda link: link == {"docked": True, "session_open": False})
            sealed = {path.name for path in unit.paths.spool.glob("*.evs")}
            assert sync_once(unit).returncode == 0
            wait_for(unit, daemon.listen_for, lambda _: few_files_and_no_receipt_waiting(unit))
            assert daemon.terminate() == 0, daemon.tail()
    finally:
        store.stop()
    left = {path.name for path in unit.paths.spool.glob("*.evs")}
    assert left < sealed | left
    report = verify_chain([unit.paths.spool], unit.trust)
    assert report.pruned
    assert "PRUNED" in report.verdicts
    assert not list(unit.paths.inbox.glob("*.receipt"))
    assert not unit.paths.rejected.exists() or not list(unit.paths.rejected.iterdir())


def few_files_and_no_receipt_waiting(unit: ProvisionedUnit) -> bool:
    few = len(list(unit.paths.spool.glob("*.evs"))) <= 3
    return few and not list(unit.paths.inbox.glob("*.receipt"))


def sync_once(unit: ProvisionedUnit) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from sync.unit_main import main; main()", "--config", str(unit.config_path)]
    return subprocess.run(
        [*command, "--once", "--give-up-after", "200"], capture_output=True, text=True, timeout=250, check=False
    )


def wait_for(unit: ProvisionedUnit, pause: Callable[[float], None], reached: Callable[[object], bool]) -> None:
    """Look at what the agent says of itself until it is as wanted."""
    for _ in range(3000):
        try:
            said = json.loads(unit.paths.link.read_text())
        except FileNotFoundError:
            said = {}
        if reached(said):
            return
        pause(0.1)
    raise AssertionError(f"not reached: {(unit.root / 'agent.log').read_text()[-3000:]}")
