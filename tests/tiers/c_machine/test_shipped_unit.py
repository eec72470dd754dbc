"""The shipped service on the machine's own parts: a press, an empty pack, a clock of 2019 and what sets it right."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from agent.cli.main import run
from hal.drivers.system_clock import SystemClock
from sealing.records import CheckVerdict, ClockStep, Fragment, Preflight, SessionEnd, SessionStart
from sync.store.intake import ReceiptSigner
from sync.witness import NONCE_BYTES, TimeToken, sign_time
from tests.tiers.c_machine.agency import UNIT, Agency
from tests.tiers.c_machine.evidence import Promises, bodies
from tests.tiers.c_machine.machine import Image
from tests.tiers.c_machine.medium import Medium
from tests.tiers.c_machine.time_server import TimeServer
from tests.tiers.c_machine.unit import BenchUnit

_SECOND_NS = 1_000_000_000
_HOUR_NS = 3600 * _SECOND_NS
_CLOSE_NS = 60 * _SECOND_NS
_RTC_LOST = "2019-02-03T04:05:06"
_CHARGE_PERCENT = 3


@pytest.fixture(name="lived", scope="module")
def lived_fixture(image: Image, agency: Agency, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One start of the machine: what happened stands in the spool that is given back."""
    home = tmp_path_factory.mktemp("lived")
    medium = Medium(home / "medium.img")
    agency.make_medium(medium.path, image)
    with BenchUnit(image, medium, home / "machine", rtc=_RTC_LOST) as unit:
        unit.wait_ready()
        assert unit.status()["clock"]["source"] == "unset"
        unit.set_charge(_CHARGE_PERCENT)
        unit.wait_for(lambda said: said["battery"]["charge_percent"] == _CHARGE_PERCENT, "the gauge's charge is seen")
        press_and_record(unit)
        take_the_stores_time(unit, agency)
        take_the_networks_time(unit)
        unit.hold()
        unit.wait_for(lambda said: not said["session_open"], "the session ended")
        unit.check("systemctl stop recorder-agent", 120)
        unit.cut_power()
    spool = medium.take_out(home / "taken-out")
    Promises().hold(spool, unit.synced, agency.trust)
    return spool


def press_and_record(unit: BenchUnit) -> None:
    """The button's line goes to ground; the lamp's lines and the status tell of it."""
    red, _, _ = unit.lamp()
    assert not red
    unit.press()
    unit.wait_for(lambda said: bool(said["session_open"]), "a session is open")
    for _ in range(100):
        if unit.lamp()[0]:
            break
        unit.pass_time(0.2)
    else:
        raise AssertionError(f"the lamp does not turn red\n{unit.journal()}")
    unit.wait_until_recording()
    assert '"session_open": true' in unit.check("recorder status --json", 300)


def take_the_stores_time(unit: BenchUnit, agency: Agency) -> None:
    """What sync brings lies in the inbox: the store's word, an hour behind the network's to tell them apart."""
    key = load_pem_private_key((agency.store / "keys/receipt.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signer = ReceiptSigner("store", key)
    told_ns = SystemClock().read().utc_ns - _HOUR_NS
    token = sign_time(TimeToken("store", UNIT, told_ns, bytes(NONCE_BYTES)), signer.key_id, signer.signature)
    inbox, text = "/var/lib/recorder/inbox", base64.b64encode(token).decode()
    unit.check(f"echo {text} | base64 -d >{inbox}/.t && chown recorder-sync:recorder {inbox}/.t")
    unit.check(f"mv {inbox}/.t {inbox}/store.time")
    unit.wait_for(lambda said: abs(said["clock"]["utc_ns"] - told_ns) < 10 * _CLOSE_NS, "the store's time is in force")
    unit.check('while [ "$(systemctl is-active recorder-time)" = activating ]; do sleep 1; done', 300)
    again = unit.run("systemctl start recorder-time; journalctl -u recorder-time --no-pager -o cat", 300)
    assert "sync asks again" in again.out, again.out


def take_the_networks_time(unit: BenchUnit) -> None:
    """A chrony that hears a server steps the clock, and the kernel vouches for it."""
    with TimeServer() as server:
        unit.check("modprobe virtio_net; ip address add 10.0.2.15/24 dev eth0; ip link set eth0 up")
        unit.check("systemctl start chrony", 120)
        status = unit.wait_for(lambda said: said["clock"]["source"] == "network", "the network vouches for the time")
        assert server.answers > 0
    assert abs(status["clock"]["utc_ns"] - SystemClock().read().utc_ns) < _CLOSE_NS
    assert 0 <= status["clock"]["uncertainty_ns"] < 10 * _SECOND_NS


def test_a_press_starts_a_recording_and_a_hold_ends_it(lived: Path) -> None:
    """CS-3, DR-31: from the line's edge to sealed pictures, by the unit as it is shipped."""
    assert len(bodies(lived, SessionStart)) == 1
    (end,) = bodies(lived, SessionEnd)
    assert end.reason == "button"
    assert sum(fragment.frame_count for fragment in bodies(lived, Fragment)) > 0


def test_an_empty_pack_and_a_lost_clock_are_sealed_and_announced(lived: Path, agency: Agency, tmp_path: Path) -> None:
    """CS-5, DR-8, DR-9: the kernel's gauge says 3 %, and nothing vouches for the time."""
    (preflight,) = bodies(lived, Preflight)
    (battery,) = (check for check in preflight.checks if check.check == "battery")
    assert (battery.verdict, battery.figure) == (CheckVerdict.FAIL, _CHARGE_PERCENT)
    clock = [check for check in preflight.checks if check.check == "clock"]
    assert CheckVerdict.PASS not in {check.verdict for check in clock if check.unit in {"ms", "rtc-ms"}}
    assert preflight.verdict is CheckVerdict.FAIL
    said = spoken(lived, agency, tmp_path)
    assert "电池检查未通过" in said
    assert "系统时间不理想" in said


def test_each_change_of_the_time_is_sealed(lived: Path) -> None:
    """DR-8, SY-35: from nobody's time to the store's, and from the store's to the network's."""
    steps = [step for step in bodies(lived, ClockStep) if abs(step.step_ns) > _SECOND_NS]
    by_the_store, by_the_network = steps[0], steps[-1]
    assert by_the_store.step_ns > 0
    assert by_the_store.source_before == "unset"
    assert abs(by_the_network.step_ns - _HOUR_NS) < 10 * _CLOSE_NS
    assert bodies(lived, ClockStep)[-1].source_after == "network"


def spoken(spool: Path, agency: Agency, to: Path) -> str:
    """Everything that the unit said, as the custodian reads it."""
    key = agency.store / "keys/recipient-custodian.key"
    asked = ["open", str(spool), "--key", str(key), "--trust", str(agency.store / "trust"), "--out", str(to / "opened")]
    assert run(asked) == 0
    return "\n".join(path.read_text(encoding="utf-8") for path in to.rglob("*.json"))
