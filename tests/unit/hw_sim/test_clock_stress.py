"""Many threads, random waits and flags: no wake-up is lost and time never goes back, at any speed."""

from __future__ import annotations

import random
import threading
from functools import partial

import pytest

from hw_sim.clock import SimClock, Speed

THREADS = 6
TURNS = 300


class Crowd:
    """Threads that wait for each other's flags with random timeouts."""

    def __init__(self, clock: SimClock, seed: int) -> None:
        self.clock = clock
        self.flags = [clock.signal() for _ in range(THREADS)]
        self.seed = seed
        self.turns = [0] * THREADS
        self.backwards = 0
        self.lied = 0

    def body(self, number: int) -> None:
        chance = random.Random(self.seed * 100 + number)
        last_ns = 0
        for _ in range(TURNS):
            mine, other = self.flags[number], self.flags[chance.randrange(THREADS)]
            if chance.random() < 0.5:
                other.set()
            timeout = chance.choice((0.0001, 0.001, 0.01))
            begun_ns = self.clock.world_ns
            if self.clock.wait(mine, timeout):
                mine.clear()
            elif self.clock.world_ns < begun_ns + round(timeout * 1e9):
                self.lied += 1
            self.backwards += self.clock.world_ns < last_ns
            last_ns = self.clock.world_ns
            self.turns[number] += 1


@pytest.mark.parametrize("speed", ["max", 200.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_crowd_gets_through(speed: Speed, seed: int) -> None:
    clock = SimClock(speed, stall_seconds=60.0)
    crowd = Crowd(clock, seed)
    with clock.participate():
        threads = [clock.spawn(f"member-{number}", partial(crowd.body, number)) for number in range(4)]
    outsiders = [threading.Thread(target=crowd.body, args=(number,)) for number in (4, 5)]
    for outsider in outsiders:
        outsider.start()
    for thread in [*threads, *outsiders]:
        thread.join()
    clock.close()
    assert crowd.turns == [TURNS] * THREADS
    assert (crowd.backwards, crowd.lied) == (0, 0)


def test_the_speed_may_change_while_a_crowd_waits() -> None:
    clock = SimClock("max", stall_seconds=60.0)
    crowd = Crowd(clock, 9)
    with clock.participate():
        threads = [clock.spawn(f"member-{number}", partial(crowd.body, number)) for number in range(6)]
    while any(thread.is_alive() for thread in threads):
        for speed in (500.0, "max", 50.0):
            clock.set_speed(speed)
    clock.close()
    for thread in threads:
        thread.join()
    assert crowd.turns == [TURNS] * THREADS
    assert (crowd.backwards, crowd.lied) == (0, 0)
