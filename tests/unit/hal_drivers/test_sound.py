"""Microphone and loudspeaker on ALSA: numbers, times, overruns, cards that are pulled out or stand still."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from hal.drivers.common.alsa import card_of
from hal.drivers.common.alsa_microphone import AlsaMicrophone
from hal.drivers.common.alsa_speaker import AlsaSpeaker
from hal.drivers.common.sample_times import SampleTimes
from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.ports import Signal
from hal.values import AudioBlock, MicrophoneSettings, SoundClip
from tests.support.clocks import ManualClock
from tests.unit.hal_drivers.sound_card import SoundCard

_SECOND_NS = 1_000_000_000
_RATE = 48_000


def microphone(card: SoundCard) -> AlsaMicrophone:
    return AlsaMicrophone(card.clock, "plughw:CARD=testcard,DEV=0", card.open)


def read_blocks(heard: AlsaMicrophone, count: int) -> list[AudioBlock]:
    blocks = [heard.read(1.0) for _ in range(count)]
    return [block for block in blocks if block is not None]


def test_blocks_follow_each_other_from_zero() -> None:
    """DR-23: numbered without a hole, of the size asked for."""
    heard = microphone(SoundCard(ManualClock()))
    heard.start(MicrophoneSettings())
    blocks = read_blocks(heard, 100)
    assert [block.first_sample for block in blocks] == [number * 960 for number in range(100)]
    assert {block.sample_count for block in blocks} == {960}
    assert all(block.lost_samples == 0 for block in blocks)


@pytest.mark.parametrize("ppm", [-200.0, 0.0, 200.0])
def test_times_follow_the_cards_own_rate(ppm: float) -> None:
    """DR-24: after a minute the stamps lie on the card's time, not on the nominal rate's."""
    clock = ManualClock()
    card = SoundCard(clock, ppm)
    late = random.Random(1)
    card.wake_late_ns = lambda: round(late.expovariate(1 / 2e6))
    heard = microphone(card)
    begun_ns = clock.boottime_ns()
    heard.start(MicrophoneSettings())
    blocks = read_blocks(heard, 3_000)
    for block in blocks[500:]:
        true_ns = begun_ns + block.first_sample / (_RATE * card.rate_factor) * _SECOND_NS
        assert abs(block.captured_boottime_ns - true_ns) < 3_000_000
    for early, late_block in pairwise(blocks[500:]):
        step_ns = late_block.captured_boottime_ns - early.captured_boottime_ns
        assert abs(step_ns - 20_000_000) < 2_000_000


def test_an_overrun_is_counted_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """DR-23: what the card lost while nobody read stands in `lost_samples` and the log, and the times go on right."""
    clock = ManualClock()
    heard = microphone(SoundCard(clock))
    heard.start(MicrophoneSettings())
    before = read_blocks(heard, 50)[-1]
    clock.advance(2.0)
    after = read_blocks(heard, 3)[0]
    assert after.first_sample == before.first_sample + before.sample_count + after.lost_samples
    gap_ns = after.captured_boottime_ns - before.captured_boottime_ns - 20_000_000
    assert abs(after.lost_samples - gap_ns * _RATE / _SECOND_NS) < 10
    assert abs(gap_ns - 2 * _SECOND_NS) < 60_000_000
    told = f"microphone: {after.lost_samples} samples were lost before sample {after.first_sample}"
    assert [line for line in caplog.messages if "lost" in line] == [told]


def test_a_suspended_card_gives_nothing_and_is_no_error() -> None:
    """DR-25: `read` comes back within its time; what was missed is told when sound comes again."""
    clock = ManualClock()
    card = SoundCard(clock)
    heard = microphone(card)
    heard.start(MicrophoneSettings())
    read_blocks(heard, 10)
    card.suspended = True
    begun_ns = clock.boottime_ns()
    assert heard.read(0.25) is None
    assert clock.boottime_ns() - begun_ns < 320_000_000
    clock.advance(6.0)
    card.suspended = False
    blocks = read_blocks(heard, 30)
    assert sum(block.lost_samples for block in blocks) > 5 * _RATE


def test_a_pulled_card_is_told_and_works_again_when_it_is_back() -> None:
    """DR-26: `read` raises, `start` refuses, and all is well afterwards."""
    card = SoundCard(ManualClock())
    heard = microphone(card)
    heard.start(MicrophoneSettings())
    card.plugged = False
    with pytest.raises(TransientHardwareError, match="plug it in"):
        heard.read(0.5)
    heard.stop()
    with pytest.raises(TransientHardwareError):
        heard.start(MicrophoneSettings())
    card.plugged = True
    heard.start(MicrophoneSettings())
    assert read_blocks(heard, 1)[0].first_sample == 0
    heard.stop()
    assert card.opened[-1].closed


def test_starting_twice_and_reading_a_stopped_microphone_is_refused() -> None:
    """DR-25: `stop` may come at any time and be repeated."""
    heard = microphone(SoundCard(ManualClock()))
    heard.stop()
    with pytest.raises(TransientHardwareError, match="not started"):
        heard.read(0.1)
    heard.start(MicrophoneSettings())
    with pytest.raises(TransientHardwareError, match="busy"):
        heard.start(MicrophoneSettings())
    heard.stop()
    heard.stop()
    with pytest.raises(PermanentHardwareError, match="blocks of 0"):
        heard.start(MicrophoneSettings(block_samples=0))


def test_a_description_names_the_card() -> None:
    """DR-4: nothing is opened for it."""
    card = SoundCard(ManualClock())
    assert microphone(card).describe().model == "testcard"
    assert card_of("default") == "default"
    assert card.opened == []


def clip(seconds: float) -> SoundClip:
    samples = b"".join((number % 30_000 + 1).to_bytes(2, "little") for number in range(round(seconds * 16_000)))
    return SoundClip(samples, 16_000, "numbers")


@pytest.mark.parametrize("seconds", [0.03, 1.5])
def test_a_clip_is_played_whole_and_timed_by_the_card(seconds: float) -> None:
    """DR-27: shorter than the card's buffer or longer, every sample is given, and the times are the card's."""
    clock = ManualClock()
    card = SoundCard(clock)
    begun_ns = clock.boottime_ns()
    playback = AlsaSpeaker(clock, "testspk", card.open).play(clip(seconds), clock.signal())
    assert playback.complete
    played_ns = playback.ended_boottime_ns - playback.started_boottime_ns
    assert abs(played_ns - seconds * _SECOND_NS) < 2_000_000
    assert begun_ns <= playback.started_boottime_ns <= playback.ended_boottime_ns <= clock.boottime_ns()
    assert b"".join(card.heard).startswith(clip(seconds).samples)
    assert card.opened[0].closed
    assert card.opened[0].request.rate_hz == 16_000


class RaisedAt:
    """A flag that goes up at a time of the clock."""

    def __init__(self, clock: ManualClock, at_ns: int) -> None:
        self._clock, self._at_ns = clock, at_ns

    def set(self) -> None:
        self._at_ns = 0

    def clear(self) -> None:
        self._at_ns = 1 << 62

    def is_set(self) -> bool:
        return self._clock.boottime_ns() >= self._at_ns


def test_a_raised_flag_ends_a_clip_at_once() -> None:
    """DR-28: within a moment, and it says that it was not complete."""
    clock = ManualClock()
    card = SoundCard(clock)
    stop = RaisedAt(clock, clock.boottime_ns() + 400_000_000)
    playback = AlsaSpeaker(clock, "testspk", card.open).play(clip(5.0), stop)
    assert not playback.complete
    assert 400_000_000 <= playback.ended_boottime_ns - playback.started_boottime_ns < 450_000_000
    assert card.opened[0].dropped


def pull_out(card: SoundCard) -> None:
    card.plugged = False


def stand_still(card: SoundCard) -> None:
    card.rate_factor = 0.0


@pytest.mark.parametrize(("fault", "words"), [(pull_out, "plug it in"), (stand_still, "takes no sound")])
def test_a_card_that_goes_or_stands_still_is_told(fault: Callable[[SoundCard], None], words: str) -> None:
    """DR-27: a loudspeaker that does not sound must not look as if it had."""
    clock = ManualClock()
    card = SoundCard(clock)
    fault(card)
    with pytest.raises(TransientHardwareError, match=words):
        AlsaSpeaker(clock, "testspk", card.open).play(clip(1.0), clock.signal())
    assert all(pcm.closed for pcm in card.opened)


class BusyClock(ManualClock):
    """One wait lasts half a second longer than it was to."""

    waits = 0

    def wait(self, signal: Signal, timeout_seconds: float | None = None) -> bool:
        self.waits += 1
        if self.waits == 10:
            self.advance(0.5)
        return super().wait(signal, timeout_seconds)


def test_a_hole_in_what_was_said_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """DR-27: a machine that is busy for longer than the card's buffer lasts; an idle one says nothing."""
    for clock in (ManualClock(), BusyClock()):
        AlsaSpeaker(clock, "testspk", SoundCard(clock).open).play(clip(1.5), clock.signal())
    assert [line for line in caplog.messages if "ran dry" in line] == [caplog.messages[-1]]


def test_late_readers_do_not_look_like_losses() -> None:
    """DR-23: 60 ms of lateness is lateness, and so is a second that comes in a burst afterwards."""
    times = SampleTimes(_RATE, 0)
    times.block(960, 0)
    assert times.block(960, 20_000_000 + 60_000_000).lost_samples == 0
    burst = [times.block(960, 1_000_000_000) for _ in range(2, 50)]
    after = [times.block(960, number * 20_000_000) for number in range(50, 100)]
    assert all(stamp.lost_samples == 0 for stamp in burst + after)
    assert after[-1].first_sample == 99 * 960
    assert abs(after[-1].captured_ns - 99 * 20_000_000) < 5_000_000


def test_a_gap_that_no_card_tells_of_is_found_when_it_stays() -> None:
    """DR-23: half a second that never comes is told within a third of one, to the sample and a reader's lateness."""
    times = SampleTimes(_RATE, 0)
    for number in range(50):
        times.block(960, number * 20_000_000)
    stamps = [times.block(960, 500_000_000 + number * 20_000_000) for number in range(50, 80)]
    told = [number for number, stamp in enumerate(stamps) if stamp.lost_samples]
    assert told == [15]
    assert stamps[15].lost_samples == pytest.approx(24_000, abs=5)
    assert abs(stamps[15].captured_ns - (500_000_000 + 65 * 20_000_000)) < 1_000_000


def test_no_sample_is_older_than_the_start() -> None:
    """DR-24: a server that hands out what it had before cannot make sound from before the start."""
    assert SampleTimes(_RATE, 5_000).block(960, 1_000).captured_ns == 5_000
