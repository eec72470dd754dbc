import random

import pytest

from capture.media.audio_clock import AudioClock

ZERO_NS = 77_000_000_000
RATE = 48_000
HOURS_3 = 3 * 3_600


def captured_ns(seconds: float) -> int:
    return ZERO_NS + round((1 + seconds) * 1e9)


def test_first_measurement_sets_the_clock() -> None:
    clock = AudioClock(ZERO_NS)
    assert clock.observe(5_000, captured_ns(0.25)) == 0
    assert clock.pts(5_000) == RATE + RATE // 4
    assert clock.pts(5_001) == clock.pts(5_000) + 1


def test_clock_without_a_measurement_says_so() -> None:
    with pytest.raises(ValueError, match="observe a block first"):
        AudioClock(0).pts(0)


@pytest.mark.parametrize("ppm", [-500, -200, 0, 200, 500])
def test_hours_of_a_wrong_card_stay_within_milliseconds(ppm: int) -> None:
    clock, rate, noise = AudioClock(ZERO_NS), RATE * (1 + ppm / 1e6), random.Random(ppm)
    worst = previous = 0
    card = 0
    while card < HOURS_3 * rate:
        if card % 9_216 == 0:
            assert clock.observe(card, captured_ns(card / rate) + noise.randint(0, 2_000_000)) == 0
        clock.slew()
        error = clock.pts(card) - round((1 + card / rate) * RATE)
        worst = max(worst, abs(error))
        assert card == 0 or abs(clock.pts(card) - previous - 1_024) <= 1
        previous = clock.pts(card)
        card += 1_024
    assert worst <= 5 * RATE // 1_000


def test_slew_is_at_most_one_millisecond_in_a_fragment() -> None:
    clock = AudioClock(ZERO_NS)
    clock.observe(0, captured_ns(0))
    for index in range(1, 60):
        clock.observe(index * 960, captured_ns(index * 0.02 + 0.02))
    before = clock.pts(0)
    for _ in range(48):
        clock.slew()
    assert clock.pts(0) - before == 48
    assert clock.error_ticks() == 960 - 48


def test_one_late_measurement_moves_nothing() -> None:
    clock = AudioClock(ZERO_NS)
    for index in range(20):
        late = 0.15 if index == 10 else 0.0
        assert clock.observe(index * 960, captured_ns(index * 0.02 + late)) == 0
        clock.slew()
    assert clock.pts(0) == RATE


def test_error_that_stays_is_lost_sound() -> None:
    clock = AudioClock(ZERO_NS)
    for index in range(10):
        clock.observe(index * 960, captured_ns(index * 0.02))
    lost = [clock.observe(index * 960, captured_ns(index * 0.02 + 0.1)) for index in range(10, 16)]
    assert lost == [0, 0, 4_800, 0, 0, 0]
    assert clock.pts(16 * 960) == RATE + 16 * 960 + 4_800


def test_long_silence_of_the_card_is_lost_sound_at_once() -> None:
    clock = AudioClock(ZERO_NS)
    clock.observe(0, captured_ns(0))
    assert clock.observe(960, captured_ns(1.02)) == RATE
    assert clock.pts(960) == 2 * RATE + 960


def test_sound_ahead_of_time_is_never_thrown_away_only_slewed() -> None:
    clock = AudioClock(ZERO_NS)
    for index in range(60):
        assert clock.observe(index * 960, captured_ns(index * 0.02 - (0.5 if index else 0))) == 0
    clock.slew()
    assert clock.pts(0) == RATE - 1


def test_new_count_keeps_the_time() -> None:
    clock = AudioClock(ZERO_NS)
    clock.observe(90_000, captured_ns(2))
    before = clock.pts(96_000)
    clock.recount(96_000, 0)
    assert clock.pts(0) == before
    assert clock.error_ticks() == 0


def test_nothing_is_slewed_before_the_first_measurement() -> None:
    clock = AudioClock(ZERO_NS)
    clock.recount(5, 0)
    clock.slew()
    assert clock.error_ticks() == 0
    clock.observe(0, captured_ns(0))
    assert clock.pts(0) == RATE
