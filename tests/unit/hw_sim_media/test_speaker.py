"""The simulated loudspeaker, alone and heard by the microphone."""

import pytest

from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.values import Playback
from hal.worker import Worker
from hw_sim.media import waveforms
from hw_sim.media.speaker import SimSpeaker
from tests.unit.hw_sim_media.support import SECOND_NS, Listener, SmallWorld, call, lag_samples, noise_clip


def play(world: SmallWorld, seconds: float, speaker: SimSpeaker, clip_seconds: float) -> Playback:
    done: list[Playback] = []
    clip = noise_clip(clip_seconds, label="现在开始录音录像")
    call(world, lambda: done.append(speaker.play(clip, world.clock.signal())), seconds)
    return done[0]


def test_playing_takes_as_long_as_the_clip_by_the_worlds_clock() -> None:
    world = SmallWorld()
    world.clock.step_by(1.0)
    playback = play(world, 2.6, SimSpeaker(world), 2.5)
    assert playback == Playback(SECOND_NS, 3_500_000_000, complete=True)
    assert world.notes.words == [("unit", "现在开始录音录像", True)]


def test_the_microphone_hears_it_after_the_delay() -> None:
    world = SmallWorld()
    listener = Listener(world)
    listener.start()
    world.clock.step_by(1.0)
    clip = noise_clip(1.0)
    playback = play(world, 2.0, SimSpeaker(world), 1.0)
    listener.stop()
    place = lag_samples(listener.heard(), waveforms.from_s16(clip.samples))
    delay_ns = listener.time_ns(place) - playback.started_boottime_ns
    assert delay_ns / SECOND_NS == pytest.approx(world.air.room.speaker_delay_seconds, abs=0.000_1)


def test_stop_ends_it_at_once() -> None:
    world = SmallWorld()
    speaker, stop, done = SimSpeaker(world), world.clock.signal(), []
    worker = Worker("player", world.clock, lambda _: done.append(speaker.play(noise_clip(5.0), stop)))
    worker.start()
    world.clock.step_by(1.0)
    stop.set()
    world.clock.settle()
    assert done == [Playback(0, SECOND_NS, complete=False)]
    assert world.notes.words == [("unit", "noise", False)]
    assert waveforms.level_dbfs(world.air.render(2 * 48_000, 48_000)) < -55


def test_one_clip_at_a_time() -> None:
    world = SmallWorld()
    speaker, stop, done = SimSpeaker(world), world.clock.signal(), []
    worker = Worker("player", world.clock, lambda _: done.append(speaker.play(noise_clip(1.0), stop)))
    worker.start()
    world.clock.step_by(0.5)
    with pytest.raises(TransientHardwareError, match="busy"):
        speaker.play(noise_clip(1.0), stop)
    world.clock.step_by(1.0)
    assert worker.join(0)
    assert [playback.complete for playback in done] == [True]


def test_unplugged_while_playing() -> None:
    world = SmallWorld()
    speaker, errors = SimSpeaker(world), []

    def body(_: Worker) -> None:
        try:
            speaker.play(noise_clip(2.0), world.clock.signal())
        except TransientHardwareError as error:
            errors.append(str(error))

    Worker("player", world.clock, body).start()
    world.clock.step_by(0.55)
    world.faults.speaker_plugged = False
    world.clock.step_by(0.1)
    assert errors == ["loudspeaker went away while it played 'noise'"]
    assert world.notes.words == [("unit", "noise", False)]


def test_missing_loudspeaker() -> None:
    world = SmallWorld()
    world.faults.speaker_plugged = False
    with pytest.raises(TransientHardwareError, match="unplugged"):
        SimSpeaker(world).play(noise_clip(0.1), world.clock.signal())
    world.faults.speaker_fitted = False
    with pytest.raises(PermanentHardwareError, match="no loudspeaker"):
        SimSpeaker(world).play(noise_clip(0.1), world.clock.signal())
