"""The shipped service on the machine's own parts: a press, an empty pack, a clock of 2019 and what sets it right.

And what goes wrong while it records: somebody moves the clock, and the reader comes too late for the sound card.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from agent.cli.main import run
from hal.drivers.system_clock import SystemClock
from sealing.records import Break, CheckVerdict, ClockStep, Fragment, Preflight, SessionEnd, SessionStart
from sync.store.intake import ReceiptSigner
from sync.witness import NONCE_BYTES, TimeToken, sign_time
from tests.tiers.c_machine.agency import UNIT, Agency
from tests.tiers.c_machine.evidence import Promises, bodies, records
from tests.tiers.c_machine.machine import Image
from tests.tiers.c_machine.medium import Medium
from tests.tiers.c_machine.time_server import TimeServer
from tests.tiers.c_machine.unit import BenchUnit

_SECOND_NS = 1_000_000_000
_HOUR_NS = 3600 * _SECOND_NS
_CLOSE_NS = 60 * _SECOND_NS
_RTC_LOST = "2019-02-03T04:05:06"
_CHARGE_PERCENT = 3
_BY_HAND_SECONDS = (3_600, -7_200, 3_600)
_FRAGMENTS_BEHIND = 3
"""So many fragments reach the medium between a change of the clock and the next."""
_HELD_SECONDS = 1.5
_IN_STEP_SECONDS = 0.04
"""As far as sound may be from the picture; a first sample lies within a frame of AAC behind the first picture."""
_SAMPLES_PER_SECOND = 48_000
_VIDEO_TICKS_PER_SECOND = 90_000
_STILL_NS = 100_000_000
"""Two pictures are 200 ms apart: time that moved, or a picture that is missing, is more than this."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What one start of the machine left behind."""

    spool: Path
    journal: str
    locked_kib: int
    resident_kib: int


@pytest.fixture(name="life", scope="module")
def life_fixture(image: Image, agency: Agency, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """One start of the machine."""
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
        come_late_for_the_sound(unit)
        move_the_clock_by_hand(unit)
        memory = unit.locked_kib(), unit.resident_kib()
        unit.hold()
        unit.wait_for(lambda said: not said["session_open"], "the session ended")
        unit.check("systemctl stop recorder-agent")
        journal = unit.check("journalctl --sync; journalctl --unit=recorder-agent --no-pager --output=cat")
        unit.cut_power()
    spool = medium.take_out(home / "taken-out")
    Promises().hold(spool, unit.synced, agency.trust)
    return Lived(spool, journal, *memory)


@pytest.fixture(name="lived", scope="module")
def lived_fixture(life: Lived) -> Path:
    """What it sealed."""
    return life.spool


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
    assert '"session_open": true' in unit.check("recorder status --json")


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
    unit.run("systemctl start recorder-time", 300)
    # What a service says may reach the journal behind its end.
    told = "journalctl -u recorder-time --no-pager -o cat"
    unit.check(f"for _ in $(seq 60); do {told} | grep -q 'sync asks again' && exit; sleep 1; done; {told}; exit 1", 300)


def take_the_networks_time(unit: BenchUnit) -> None:
    """A chrony that hears a server steps the clock, and the kernel vouches for it."""
    with TimeServer() as server:
        unit.check("modprobe virtio_net; ip address add 10.0.2.15/24 dev eth0; ip link set eth0 up")
        unit.check("systemctl start chrony")
        status = unit.wait_for(lambda said: said["clock"]["source"] == "network", "the network vouches for the time")
        assert server.answers > 0
    assert abs(status["clock"]["utc_ns"] - SystemClock().read().utc_ns) < _CLOSE_NS
    assert 0 <= status["clock"]["uncertainty_ns"] < 10 * _SECOND_NS


def come_late_for_the_sound(unit: BenchUnit) -> None:
    """The reader is held up for longer than the card's buffer: the kernel overruns, and goes on."""
    unit.hold_microphone(_HELD_SECONDS)
    unit.check("sleep 5")


def move_the_clock_by_hand(unit: BenchUnit) -> None:
    """An hour forward, two back, and one forward again, while the recording runs."""
    unit.check("systemctl stop chrony")
    for seconds in _BY_HAND_SECONDS:
        unit.set_clock(seconds)
        # As slow as emulation may be: each change has pictures behind it.
        unit.wait_for_footage(_FRAGMENTS_BEHIND)


def test_a_press_starts_a_recording_and_a_hold_ends_it(lived: Path) -> None:
    """CS-3, DR-31: from the line's edge to sealed pictures, by the unit as it is shipped."""
    assert len(bodies(lived, SessionStart)) == 1
    (end,) = bodies(lived, SessionEnd)
    assert end.reason == "button"
    assert sum(fragment.frame_count for fragment in bodies(lived, Fragment)) > 0


@pytest.mark.requirement("R1", "all")
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
    assert "系统时间准确度不足" in said


@pytest.mark.requirement("R17", "all")
def test_each_change_of_the_time_is_sealed(lived: Path) -> None:
    """DR-8, SY-35: from nobody's time to the store's, and from the store's to the network's."""
    steps = [step for step in bodies(lived, ClockStep) if abs(step.step_ns) > _SECOND_NS]
    by_the_store, by_the_network = steps[:2]
    assert by_the_store.step_ns > 0
    assert by_the_store.source_before == "unset"
    assert abs(by_the_network.step_ns - _HOUR_NS) < 10 * _CLOSE_NS
    by_hand = steps[-len(_BY_HAND_SECONDS) :]
    assert "network" in {step.source_after for step in bodies(lived, ClockStep)}
    assert [round(step.step_ns / _SECOND_NS, -1) for step in by_hand] == list(_BY_HAND_SECONDS)


@pytest.mark.requirement("R17", "all")
def test_a_clock_that_is_moved_while_it_records_takes_no_picture_r17(
    lived: Path, agency: Agency, tmp_path: Path
) -> None:
    """CS-18, DR-5: the recording goes on, no picture is missing, media times stay, and it is told."""
    everything = [placed.header.body for placed in records(lived)]
    places = [place for place, body in enumerate(everything) if isinstance(body, ClockStep)][-len(_BY_HAND_SECONDS) :]
    behind = everything[places[0] :]
    assert not [body for body in behind if isinstance(body, Break)]
    # By the chain's order: a busy machine seals what it captured much later.
    between = [body for body in everything[places[0] : places[-1]] if isinstance(body, Fragment)]
    taken = [body for body in behind if isinstance(body, Fragment)][: len(between) + _FRAGMENTS_BEHIND]
    assert len(taken) >= len(places)
    assert [each.dropped_frames for each in taken] == [0] * len(taken)
    assert all(after.first_frame == each.first_frame + each.frame_count for each, after in pairwise(taken))
    zeros_ns = [
        each.captured_boottime_ns - each.first_video_pts * _SECOND_NS // _VIDEO_TICKS_PER_SECOND for each in taken
    ]
    assert max(zeros_ns) - min(zeros_ns) < _STILL_NS
    assert "系统时间已调整" in spoken(lived, agency, tmp_path)


@pytest.mark.requirement("R13", "all")
def test_an_overrun_of_the_kernels_sound_is_sealed_and_told_as_lost_samples(life: Lived) -> None:
    """DR-24, DR-26, R13: the card said -EPIPE; how much is missing stands in the fragment, and in the journal."""
    fragments = bodies(life.spool, Fragment)
    overruns = [number for number, each in enumerate(fragments) if each.lost_samples]
    assert overruns
    assert "samples were lost" in life.journal
    whole = [(number, each) for number, each in enumerate(fragments) if each.sample_count and not each.lost_samples]
    behind = [[each for number, each in whole if number > overrun] for overrun in overruns]
    # Emulation that stands still overruns by itself, too: behind the very last there may be too little to see.
    after = next((found for found in reversed(behind) if len(found) > len(_BY_HAND_SECONDS)), behind[0])
    assert len(after) > len(_BY_HAND_SECONDS)
    offsets = [
        each.first_audio_pts / _SAMPLES_PER_SECOND - each.first_video_pts / _VIDEO_TICKS_PER_SECOND for each in after
    ]
    assert max(map(abs, offsets)) < _IN_STEP_SECONDS, "sound and picture stay in step behind what is missing"


def test_the_agents_memory_is_locked(life: Lived) -> None:
    """What is resident cannot be paged out: mlockall(2) was not refused by the shipped unit's sandbox."""
    assert life.locked_kib >= life.resident_kib > 0


def spoken(spool: Path, agency: Agency, to: Path) -> str:
    """Everything that the unit said, as the custodian reads it."""
    key = agency.store / "keys/recipient-custodian.key"
    asked = ["open", str(spool), "--key", str(key), "--trust", str(agency.store / "trust"), "--out", str(to / "opened")]
    assert run(asked) == 0
    return "\n".join(path.read_text(encoding="utf-8") for path in to.rglob("*.json"))
