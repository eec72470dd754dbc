"""A recording with real film in it: real encoder, real media path, real writer."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from capture.media.limits import FileLimits
from capture.media.pipeline import MediaPipeline
from capture.media.values import CloseFacts, MediaSettings, Numbering
from hal.values import EncodedFrame
from sealing import records as r
from sealing.records import Fragment, RunFacts
from tests.support.chains import start_writer
from tests.support.clocks import ManualClock
from tests.support.media_source import SECOND, START_NS, delivered, film, listen
from tests.support.recordings import SESSION, Scene


@dataclass
class ScenePort:
    """A `MediaOutput` that seals."""

    scene: Scene

    def open_file(self, run: RunFacts) -> None:
        self.scene.run, self.scene.run_file = run.run, run.run_file
        self.scene.writer.set_state(self.scene.state())
        self.scene.writer.open_footage(run)

    def fragment(self, body: Fragment, data: bytes) -> None:
        self.scene.writer.append_fragment(body, data)
        self.scene.next_frame = body.first_frame + body.frame_count
        self.scene.next_sample = body.first_sample + body.sample_count

    def close_file(self, facts: CloseFacts) -> None:
        self.scene.writer.close_footage(
            r.Close(
                facts.reason,
                0,
                facts.next_frame,
                facts.next_sample,
                facts.audio_priming_samples,
                facts.audio_padding_samples,
                0,
            )
        )


@dataclass(frozen=True)
class Take:
    """One run that is to be filmed."""

    frames: int
    sound: bool = True
    ppm: float = 0.0


def record(spool: Path, takes: list[Take], fps: Fraction = Fraction(30), file_seconds: float = 2.0) -> Scene:
    """One session of several runs with a break of 20 s between them."""
    clock = ManualClock(boottime_ns=START_NS - 2 * SECOND)
    scene = Scene(start_writer(spool, clock), clock)
    scene.check_out()
    pressed = clock.now.boottime_ns
    scene.zero_ns = START_NS - SECOND
    scene.writer.set_state(scene.state("starting"))
    scene.writer.roll_ledger("session-start")
    scene.writer.seal(r.SessionStart(SESSION, 1, "test", bytes(32), pressed, 3, scene.zero_ns))
    settings = MediaSettings(SESSION, fps)
    pipeline = MediaPipeline(ScenePort(scene), FileLimits(seconds=file_seconds), Numbering(), scene.zero_ns, settings)
    begin, broken = START_NS, 0
    for index, take in enumerate(takes):
        move(clock, begin)
        if index:
            _resume(scene, broken, begin, pipeline.numbering.run + 1)
        last = index == len(takes) - 1
        _film_take(scene, pipeline, take, fps, begin)
        pipeline.end_run("session-end" if last else "break")
        if not last:
            broken = scene.seal_break("camera-fault", r.BreakOrigin.MACHINE)
        begin += round(take.frames / float(fps) * SECOND) + 20 * SECOND
    _end(scene)
    return scene


def _film_take(scene: Scene, pipeline: MediaPipeline, take: Take, fps: Fraction, begin: int) -> None:
    pipeline.begin_run()
    frames = film(take.frames, fps, start_ns=begin, first_number=scene.next_frame)
    frames = tuple(replace(each, sensor_sequence=scene.next_frame + each.sensor_sequence) for each in frames)
    blocks = listen(take.frames / float(fps), start_ns=begin, ppm=take.ppm) if take.sound else []
    for delivery in delivered(frames, blocks):
        move(scene.clock, delivery.at_ns)
        pipeline.tick(delivery.at_ns)
        if isinstance(delivery.item, EncodedFrame):
            pipeline.video(delivery.item)
        else:
            pipeline.audio(delivery.item)


def _resume(scene: Scene, broken: int, begin: int, run: int) -> None:
    scene.run = run - 1
    body = r.Resume(
        session_id=SESSION,
        break_sequence=broken,
        first_frame=scene.next_frame,
        first_frame_boottime_ns=begin,
        first_frame_utc_ns=scene.clock.now.utc_ns,
        media_time_ns=begin - scene.zero_ns,
        duration_ns=20 * SECOND,
        duration_certain=True,
        run=run,
        automatic=False,
    )
    scene.writer.seal(body)


def _end(scene: Scene) -> None:
    body = r.SessionEnd(
        session_id=SESSION,
        reason="button",
        runs=scene.run,
        frames=scene.next_frame,
        samples=scene.next_sample,
        marks=0,
        breaks=scene.breaks,
        unexplained_breaks=0,
        dropped_frames=0,
        ended_boottime_ns=scene.clock.now.boottime_ns,
        media_time_ns=scene.media_ns(),
    )
    scene.writer.seal(body)
    scene.writer.halt("stop")


def move(clock: ManualClock, boottime_ns: int) -> None:
    """Move the clock to a moment that is not behind it."""
    clock.advance(max(boottime_ns - clock.now.boottime_ns, 0) / SECOND)
