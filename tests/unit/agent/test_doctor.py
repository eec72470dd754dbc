"""`recorder doctor` on a simulated unit with every part sound, and with each broken."""

import base64
import errno
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from agent.cli.main import run
from agent.config import AgentConfig
from agent.doctor import Wishes, examine, try_buttons
from agent.doctor_battery import BatteryCurve
from agent.doctor_links import try_store
from agent.doctor_medium import SCRATCH_NAME, Syncs, judged
from agent.doctor_page import page
from agent.doctor_values import PARTS, REMEDIES, Diagnosis, Finding, Outcome
from agent.lock import only_agent
from hal.errors import TransientHardwareError
from hal.ports import Hardware
from hal.values import BatteryReading, ButtonName, TimeSource
from hw_sim.drivers import SimDriverSet
from hw_sim.world import World
from sync.store.authority import RECEIPT_CERTIFICATE
from tests.support.docks import STORE_ID, make_folder, make_unit, opened_store, served
from tests.support.provisioned_unit import SMALL, ProvisionedUnit, provision

Captured = pytest.CaptureFixture[str]
WRITE_SECONDS = 3


@dataclass
class Scene:
    hardware: Hardware
    world: World

    def examined(self) -> Diagnosis:
        fine = Finding("key", Outcome.PASS, "not this test's")
        return examine(
            self.hardware,
            "unit-7",
            Wishes(WRITE_SECONDS),
            lambda: fine,
            lambda: Finding("store", Outcome.SKIPPED, "not this test's"),
            lambda _: None,
        )


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    drivers = SimDriverSet(power_off=lambda: None)
    hardware = drivers.open({**SMALL, "speed": "max", "disk_mib": 256}, str(tmp_path / "spool"))
    assert drivers.world is not None
    with hardware.clock.participate():
        yield Scene(hardware, drivers.world)
        drivers.close()


def test_a_sound_unit_has_nothing_broken_and_shows_its_picture(scene: Scene) -> None:
    diagnosis = scene.examined()
    assert [found.part for found in diagnosis.findings] == list(PARTS)
    assert diagnosis.broken == ()
    told = {found.part: found for found in diagnosis.findings}
    for part in ("clock", "battery", "camera", "microphone", "speaker", "lamps", "vibration", "dock", "storage"):
        assert told[part].outcome is Outcome.PASS, told[part]
    assert told["buttons"].outcome is Outcome.SKIPPED
    assert diagnosis.picture_jpeg is not None
    with av.open(io.BytesIO(diagnosis.picture_jpeg), mode="r", format="mjpeg") as picture:
        frame = next(picture.decode(video=0))
    assert (frame.width, frame.height) == (160, 96)
    assert scene.hardware.storage.names() == []


Break = Callable[[World], object]
BREAKS: dict[str, tuple[str, Break, str]] = {
    "camera pulled": ("camera", lambda world: world.plug_camera(plugged=False), "camera"),
    "lens covered": ("camera", lambda world: world.cover_camera(covered=True), "covered or dark"),
    "microphone pulled": ("microphone", lambda world: world.plug_microphone(plugged=False), "microphone"),
    "loudspeaker pulled": ("speaker", lambda world: world.plug_speaker(plugged=False), ""),
    "battery empty": ("battery", lambda world: world.exchange_battery(2.4), "2 %"),
    "clock unset": ("clock", lambda world: world.set_clock_source(TimeSource.UNSET), "vouches"),
    "medium full": ("storage", lambda world: world.fill_storage(1_000_000), "full"),
    "medium read-only": ("storage", lambda world: world.write_protect_storage(protected=True), "read-only"),
    "medium failing": ("storage", lambda world: world.fail_storage("sync", errno.EIO), "EIO"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_part_is_named_with_its_remedy(scene: Scene, name: str) -> None:
    part, spoil, word = BREAKS[name]
    spoil(scene.world)
    diagnosis = scene.examined()
    assert diagnosis.broken == (part,)
    found = next(found for found in diagnosis.findings if found.part == part)
    assert word in found.figure
    shown = page(diagnosis, lambda _, en: en)
    assert REMEDIES[part][1].split(";")[0].replace("'", "&#x27;") in shown


def test_a_scratch_file_that_a_cut_left_is_removed_and_nothing_else(scene: Scene) -> None:
    storage = scene.hardware.storage
    for name in (SCRATCH_NAME, "00000001.evs"):
        file = storage.create(name)
        file.append(b"evidence")
        file.sync()
        file.close()
    scene.examined()
    assert storage.names() == ["00000001.evs"]
    assert storage.read("00000001.evs", 0, 100) == b"evidence"


def test_buttons_are_felt_one_by_one(scene: Scene) -> None:
    def press() -> None:
        scene.world.press(ButtonName.RECORD)

    def told(asked: str) -> None:
        if asked == "press:record":
            scene.world.timeline.plan(0, press)

    found = try_buttons(scene.hardware, Wishes(1, press_buttons=True), told)
    assert found.outcome is Outcome.FAIL
    assert found.figure.endswith("mark"), "the record button was felt, the mark button was not"


def test_slow_media_are_told_from_bad_ones() -> None:
    assert judged(Syncs((0.1,) * 60)).outcome is Outcome.PASS
    assert judged(Syncs((0.1,) * 58 + (1.5, 1.6))).outcome is Outcome.DEGRADED
    assert judged(Syncs((0.1,) * 59 + (6.0,))).outcome is Outcome.FAIL
    assert Syncs(tuple(number / 100 for number in range(100))).p99_seconds == 0.98


def test_the_battery_is_followed_over_the_whole_examination(scene: Scene) -> None:
    diagnosis = scene.examined()
    points = diagnosis.battery_curve
    assert len(points) == len(PARTS)
    assert [point.seconds for point in points] == sorted(point.seconds for point in points)
    assert points[-1].seconds > WRITE_SECONDS
    (found,) = [found for found in diagnosis.findings if found.part == "battery"]
    assert "mV at rest" in found.figure
    shown = page(diagnosis, lambda _, en: en)
    (drawn,) = re.findall(r'points="([^"]+)"', shown)
    assert len(drawn.split()) == len(points)


@pytest.mark.parametrize(
    ("readings", "outcome", "words"),
    [
        ([(80, 4000), (80, 3900)], Outcome.PASS, "3900 mV under load"),
        ([(80, 4000), (79, 3500)], Outcome.DEGRADED, "sags by 12 %"),
        ([(80, 4000), (60, 3950)], Outcome.DEGRADED, "jumps by 20 %"),
        ([(15, 3500), (15, 3480)], Outcome.DEGRADED, "15 %"),
        ([(30, 3500), (30, 2400)], Outcome.FAIL, "2400 mV"),
        ([(80, 4000), None], Outcome.FAIL, "no answer"),
    ],
)
def test_a_worn_pack_and_a_lost_gauge_are_told(
    scene: Scene, readings: list[tuple[int, int] | None], outcome: Outcome, words: str
) -> None:
    curve = BatteryCurve(replace(scene.hardware, battery=Gauge(readings)))
    for _ in readings:
        curve.note()
    found = curve.finding()
    assert (found.outcome, words in found.figure) == (outcome, True), found


class Gauge:
    """Says what it is told to."""

    def __init__(self, readings: list[tuple[int, int] | None]) -> None:
        self._left = list(readings)

    def read(self) -> BatteryReading:
        said = self._left.pop(0)
        if said is None:
            raise TransientHardwareError("no answer from the gauge")
        return BatteryReading(float(said[0]), said[1], charging=False, draw_mw=None, capacity_mwh=None)


def test_what_comes_from_outside_is_escaped() -> None:
    shown = page(Diagnosis("<b>", "pi", (Finding("camera", Outcome.FAIL, "<script>"),), b"\xff"), lambda zh, _: zh)
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert base64.b64encode(b"\xff").decode() in shown


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> ProvisionedUnit:
    made = provision(tmp_path_factory.mktemp("doctor"))
    made.set_options({**SMALL, "speed": "max"})
    return made


def test_the_command_tries_key_and_store_and_ends_with_1(
    unit: ProvisionedUnit, tmp_path: Path, capsys: Captured
) -> None:
    shown = tmp_path / "doctor.html"
    command = ["--config", str(unit.config_path), "doctor", "--write-seconds", "1", "--html", str(shown)]
    capsys.readouterr()
    assert run([*command, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["broken"] == ["store"], "nobody listens at the store's address"
    outcomes = {each["part"]: each["outcome"] for each in told["parts"]}
    assert outcomes["key"] == "pass"
    assert next(each["remedy"] for each in told["parts"] if each["part"] == "store")
    assert re.search(r'<img alt=[^>]*src="data:image/jpeg;base64,/9j/', shown.read_text(encoding="utf-8"))
    assert run(command) == 1
    assert "存储服务" in capsys.readouterr().out


class SpoiledDriverSet(SimDriverSet):
    """A unit one part of which breaks as soon as it is opened."""

    def __init__(self, spoil: Break) -> None:
        super().__init__(power_off=lambda: None)
        self._spoil = spoil

    def open(self, options: dict[str, str | int | float | bool], spool_directory: str) -> Hardware:
        """Open, then break."""
        hardware = super().open(options, spool_directory)
        assert self.world is not None
        self._spoil(self.world)
        return hardware


@pytest.mark.parametrize(
    "name", ["camera pulled", "microphone pulled", "battery empty", "clock unset", "medium read-only"]
)
def test_the_command_names_each_broken_part_and_its_remedy(
    tmp_path: Path, unit: ProvisionedUnit, name: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, spoil, word = BREAKS[name]
    monkeypatch.setattr("agent.cli.doctor_command.load_driver_set", lambda _: SpoiledDriverSet(spoil))
    unit.set_options({**SMALL, "speed": "max", "world_directory": str(tmp_path / "world")})
    command = ["--lang", "en", "--config", str(unit.config_path), "doctor", "--write-seconds", "1", "--json"]
    capsys.readouterr()
    assert run(command) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["broken"] == [part, "store"], "the store is away in all of them"
    (found,) = [each for each in told["parts"] if each["part"] == part]
    assert word in found["figure"]
    assert found["remedy"] == REMEDIES[part][1]


def test_a_foreign_key_is_named(unit: ProvisionedUnit, tmp_path: Path, capsys: Captured) -> None:
    other = provision(tmp_path / "other")
    other.set_options({**SMALL, "speed": "max"})
    (other.paths.keys / "device.key").write_bytes((unit.paths.keys / "device.key").read_bytes())
    capsys.readouterr()
    assert run(["--config", str(other.config_path), "doctor", "--write-seconds", "1", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["broken"] == ["key", "store"]


def test_it_keeps_away_while_an_agent_runs(unit: ProvisionedUnit, capsys: Captured) -> None:
    with only_agent(unit.paths.state):
        assert run(["--config", str(unit.config_path), "doctor"]) == 75
    assert "stop that one first" in capsys.readouterr().err


def test_a_store_that_answers_and_one_that_is_another_agencys(tmp_path: Path) -> None:
    with opened_store(tmp_path / "store") as store, served(store) as url:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        config = AgentConfig.model_validate(
            {
                "unit": {"device_id": unit.device_id, "state_directory": unit.state, "run_directory": unit.state},
                "hal": {"driver_set": "sim"},
                "profile": {"name": "huainan"},
                "sync": {"store_url": url},
            }
        )
        found = try_store(config, answer_seconds=100)
        assert (found.outcome, STORE_ID in found.figure) == (Outcome.PASS, True)
        other = make_folder(tmp_path / "other").certificate(RECEIPT_CERTIFICATE)
        unit.paths.receipt_certificate.write_bytes(other.public_bytes(Encoding.PEM))
        assert try_store(config).outcome is Outcome.FAIL
