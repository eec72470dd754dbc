"""A whole unit on the simulator: real recorder, real writer, real encoders; the test is one more who waits by the
clock.

The test's thread takes part in the world's time: while it acts, the world stands still; `wait` lets it go on. So every
test is exact, and as fast as the machine is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from capture.assignment import Assignment, Officer
from capture.caption import CaptionFacts
from capture.media.limits import FileLimits
from capture.profile import CaptureProfile, ExemptionGround
from capture.recorder import ProfileFacts, Recorder, first_snapshot
from capture.resume import replay
from capture.settings import RecorderSettings
from capture.shell.wardrobe import VoiceSettings
from capture.status import CheckStatus
from capture.voice.synthesiser import EspeakSynthesiser, Synthesiser
from hal.ports import Hardware
from hal.values import ButtonName
from hw_sim.drivers import SimDriverSet
from hw_sim.options import Option
from hw_sim.simulation import simulation
from hw_sim.world import World
from sealing.framing import RecordHeader, open_header
from sealing.identity import SoftwareFacts
from sealing.opener import OpenedSession, open_sealed
from sealing.reader import CutOffError, SealedFile
from sealing.report import Report
from sealing.service import CAPACITY_BYTES, SealingService
from sealing.verifier import verify_chain
from sealing.writer import ChainWriter
from tests.support.chains import agency, identity, policy
from tests.support.recordings import trust

Found = TypeVar("Found")

FACTS = ProfileFacts("sample", bytes(range(32)))
SOFTWARE = SoftwareFacts("0.1.0", "sim", simulated=True)
OFFICERS = Assignment((Officer("皖A0001", "甲某"), Officer("皖A0002", "乙某")), activity_id="activity-1")
SMALL: dict[str, Option] = {"width": 160, "height": 96, "frames_per_second": 15.0, "clock_source": "rtc"}
STEP_SECONDS = 0.1
NOTICE = "您好，我们是执法人员×××、×××，本次执法全程录音录像。"
CAUSES = [
    {"code": "device-fault", "zh": "设备故障", "en": "device fault", "covers": ["camera-fault", "crash"]},
    {"code": "bad-weather", "zh": "天气情况恶劣", "en": "bad weather"},
]


def sample_profile(**sections: object) -> CaptureProfile:
    """A profile with a notice, two causes and the duty to explain, but for the sections given."""
    base: dict[str, object] = {
        "notice": {"wording": NOTICE, "name_slot": "×××"},
        "interruptions": {"causes": CAUSES, "explanation": {"window_seconds": 8}},
        "recording": {"bitrate_bps": 400_000},
    }
    return CaptureProfile.model_validate({**base, **sections})


@dataclass
class Place:
    """Where a unit keeps itself; survives its processes."""

    directory: Path
    voice: Path
    profile: CaptureProfile
    options: dict[str, Option]
    queue_bytes: int = CAPACITY_BYTES
    grounds: tuple[ExemptionGround, ...] = ()
    caption: CaptionFacts = field(default_factory=CaptionFacts)
    file_limits: FileLimits = field(default_factory=FileLimits)
    synthesiser: Callable[[], Synthesiser] = EspeakSynthesiser

    @property
    def spool(self) -> Path:
        return self.directory / "spool"

    @property
    def handed_over(self) -> Path:
        """Copies of files that were freed, as a store keeps them."""
        return self.directory / "handed-over"


class Unit:
    """A running unit. Use it in a `with`; `crash` leaves it as a killed process would."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._stack = ExitStack()
        self._drivers = SimDriverSet(power_off=lambda: None)
        self.crashed = False

    def __enter__(self) -> Self:
        options: dict[str, Option] = {**SMALL, "speed": "max", **self.place.options}
        self.hardware: Hardware = self._drivers.open(options, str(self.place.spool))
        self._stack.callback(self._drivers.close)
        assert self._drivers.world is not None
        self.world: World = self._drivers.world
        self._stack.enter_context(self.hardware.clock.participate())
        # Or the world would run ahead between the test's leaving and its own end.
        self._stack.callback(self.world.clock.set_speed, 1.0)
        self.sealing = SealingService(self._start_writer, self.hardware.clock, self.place.queue_bytes)
        recovery = self.sealing.start()
        voice = VoiceSettings(self.place.voice, synthesiser=self.place.synthesiser)
        settings = RecorderSettings(
            voice,
            file_limits=self.place.file_limits,
            grounds=self.place.grounds,
            caption=self.place.caption,
            drain_path=self.place.directory / "drain",
        )
        self.recorder = Recorder(self.hardware, self.sealing, self.place.profile, FACTS, settings)
        self.recorder.start(recovery)
        return self

    def __exit__(self, *error: object) -> None:
        with self._stack:
            if not self.crashed:
                self.recorder.stop()
                self.sealing.stop("stop", 20.0)

    def standing(self) -> Sequence[CheckStatus]:
        """What an idle unit knows of itself, as soon as it has looked."""
        self._wait_until(lambda: self.recorder.status().standing, "a look at the parts", 60.0)
        return self.recorder.status().standing

    def crash(self) -> None:
        """End every thread without sealing anything more, as a killed process would."""
        self.crashed = True
        self.sealing.worker.request_stop()
        self.sealing.worker.join(20.0)
        for worker in self.recorder.workers:
            worker.request_stop()
        self.recorder.stop_threads()

    def cut_power(self, off_seconds: float) -> None:
        """Take the power away; what runs on behind it reaches no medium any more."""
        self.world.cut_power(off_seconds)
        self.crash()

    def _start_writer(self) -> ChainWriter:
        clock = self.hardware.clock
        return ChainWriter.start(
            self.hardware.storage,
            clock,
            identity(),
            policy(),
            SOFTWARE,
            first_snapshot(FACTS, clock.read().boot_id),
            replay=replay,
        )

    @property
    def state(self) -> str:
        return self.recorder.status().state

    def wait(self, seconds: float) -> None:
        """Let the world go on."""
        self.world.clock.sleep(seconds)

    def wait_for(self, state: str, within_seconds: float = 60.0) -> None:
        """Let the world go on until the recorder is in a state."""
        self._wait_until(lambda: self.state == state, f"state {state}", within_seconds)

    def wait_for_words(self, words: str, within_seconds: float = 60.0) -> None:
        """Let the world go on until the unit has said something, counted from the last call."""
        start = len(self.world.journal)
        self._wait_until(lambda: any(words in said for said in self.words(start)), f"words {words!r}", within_seconds)

    def _wait_until(self, condition: object, what: str, within_seconds: float) -> None:
        assert callable(condition)
        waited = 0.0
        while not condition():
            assert waited < within_seconds, f"{what} not within {within_seconds} s; now {self.state}: {self.words()}"
            self.wait(STEP_SECONDS)
            waited += STEP_SECONDS

    def words(self, start: int = 0) -> list[str]:
        """What the unit has said to its end."""
        happenings = self.world.journal.since(start)
        return [str(each["words"]) for each in happenings if each["kind"] == "spoken" and each.get("speaker") == "unit"]

    def press(self, button: str = "record", held_seconds: float = 0.12) -> None:
        """Press a button and let it go."""
        self.world.press(ButtonName(button), held_seconds)
        self.wait(held_seconds + 0.2)

    def hold(self, button: str = "record") -> None:
        """Hold a button for more than two seconds."""
        self.press(button, 2.3)

    def say(self, words: str = "刚才摄像头的线松了，现在已经重新插好，我们继续检查。") -> None:
        """Let an officer speak, to the end."""
        self.wait(self.world.say("甲某", words))

    def records(self) -> list[RecordHeader]:
        """Everything sealed so far, in chain order."""
        return list(headers(self.place.spool))


def headers(spool: Path) -> Iterator[RecordHeader]:
    """Headers of every record in a spool that counts."""
    yield from headers_of(sorted(spool.glob("*.evs")))


def headers_of(paths: Iterable[Path]) -> Iterator[RecordHeader]:
    """Headers of every record that counts in files in their order.

    A file that a fault or a cut ended may hold whole records that were never synced; the next file begins with the
    number of the first of them.
    """
    files: list[list[RecordHeader]] = []
    for path in paths:
        with SealedFile(path) as file:
            file.check_magic()
            files.append(list(_headers_of(file)))
    begun = [records for records in files if records]
    for place, records in enumerate(begun):
        following = begun[place + 1][0].sequence if place + 1 < len(begun) else None
        yield from (header for header in records if following is None or header.sequence < following)


def _headers_of(file: SealedFile) -> Iterator[RecordHeader]:
    while True:
        try:
            record = file.next_record()
        except CutOffError:
            return
        if record is None:
            return
        yield open_header(record.header)[1]


def bodies(spool: Path, kind: type[Found]) -> list[Found]:
    """Every sealed body of a kind."""
    return [header.body for header in headers(spool) if isinstance(header.body, kind)]


def verified(spool: Path) -> Report:
    """The verifier's report; raises when anything is wrong."""
    return verify_chain([spool], trust())


def opened(spool: Path, target: Path) -> tuple[OpenedSession, ...]:
    """What the custodian's key opens."""
    return open_sealed([spool], trust(), [agency().custodian], target)


def copy_of(voice: Path, directory: Path) -> Path:
    """A voice directory of one's own with clips that are rendered already."""
    return Path(shutil.copytree(voice, directory / "voice"))


def truth(place: Place, kind: str) -> Any:  # noqa: ANN401 - a part of a JSON document
    """What really happened in the world, one part of `simulation.json`."""
    return simulation(place.directory / "world")[kind]


def only(spool: Path, kind: type[Found]) -> Found:
    """The one sealed body of a kind."""
    (found,) = bodies(spool, kind)
    return found
