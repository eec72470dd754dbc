"""Both ends of an upload over MQTT with a broker between them that loses, repeats, reorders and delays as it likes."""

import random
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.mqtt.bodies import UploadStanding
from sync.mqtt.receiver import Receiver, Verdict
from sync.mqtt.sender import Chunk, Done, Fin, Init, Lost, Sender, Wait

CHUNK = 10
WINDOW = 40
MS = 1_000_000


@dataclass
class Worker:
    """One process of the store: its part of the file, and the upload while it is open."""

    name: str
    content: bytes
    part: bytearray = field(default_factory=bytearray)
    open: Receiver | None = None
    round: int = 0
    promised: bool = False

    def standing(self) -> UploadStanding:
        state, offset = ("receipted", len(self.content)) if self.promised else ("partial", len(self.part))
        return UploadStanding(
            state=state,  # type: ignore[arg-type]
            offset_bytes=offset,
            size_bytes=len(self.content),
            window_bytes=WINDOW,
            worker=self.name,
        )

    def take(self, message: Init | Chunk | Fin) -> tuple[int, UploadStanding, bool] | None:
        """What the unit is told, if anything: round, standing, and whether it is about a gap."""
        if isinstance(message, Init):
            self.open = self.open or Receiver(len(self.content), len(self.part), WINDOW)
            self.round = message.round
            return (self.round, self.standing(), False)
        if self.open is None:
            return None
        if isinstance(message, Fin):
            return self._end()
        verdict = self.open.came(message.offset_bytes, message.size_bytes)
        if verdict is Verdict.TAKE:
            assert message.offset_bytes == len(self.part), "taken at another offset than what is held"
            self.part += self.content[message.offset_bytes : message.offset_bytes + message.size_bytes]
            return (self.round, self.standing(), False) if self.open.wrote(len(self.part)) else None
        return (self.round, self.standing(), True) if verdict is Verdict.DROP_AND_SAY else None

    def _end(self) -> tuple[int, UploadStanding, bool] | None:
        assert self.open is not None
        if self.promised or self.open.complete:
            assert self.promised or bytes(self.part) == self.content
            self.promised = True
            return (self.round, self.standing(), False)
        return (self.round, self.standing(), True) if self.open.misfit() is Verdict.DROP_AND_SAY else None


Message = TypeVar("Message")


@dataclass
class Line(Generic[Message]):
    """The way through a broker, in one direction."""

    rolled: random.Random
    trouble: float
    waiting: list[Message] = field(default_factory=list)

    def put(self, message: Message) -> None:
        luck = self.rolled.random()
        if luck < self.trouble:
            return
        self.waiting.append(message)
        if luck < 2 * self.trouble:
            self.waiting.append(message)

    def take(self) -> Message | None:
        if not self.waiting or self.rolled.random() < self.trouble:
            return None
        place = self.rolled.randrange(len(self.waiting)) if self.rolled.random() < self.trouble else 0
        return self.waiting.pop(place)


class World:
    """A unit, two processes of a store that share what they promised, and a broker."""

    def __init__(self, seed: int, size: int, trouble: float) -> None:
        self.rolled = random.Random(seed)
        self.content = self.rolled.randbytes(size)
        self.workers = {name: Worker(name, self.content) for name in ("a", "b")}
        self.up = Line[Init | Chunk | Fin](self.rolled, trouble)
        self.down = Line[tuple[int, UploadStanding, bool]](self.rolled, trouble)
        self.now = 0
        self.sender = Sender(size, 0, chunk_bytes=CHUNK)
        self.chunks = 0

    def turn(self) -> Done | Lost | None:
        """The unit does what it is told to, then a message or two arrive."""
        self.now += self.rolled.choice((1, 20, 300)) * MS
        step = self.sender.next(self.now)
        if isinstance(step, Done | Lost):
            return step
        assert self.sender.sent - self.sender.acknowledged <= WINDOW, "more under way than the window"
        if not isinstance(step, Wait):
            self.chunks += isinstance(step, Chunk)
            self.up.put(step)
        for _ in range(self.rolled.randrange(3)):
            self._deliver()
        return None

    def _deliver(self) -> None:
        if (message := self.up.take()) is not None:
            worker = self.workers[message.worker or self.rolled.choice(("a", "b"))]
            worker.promised = any(one.promised for one in self.workers.values())
            if (answer := worker.take(message)) is not None:
                self.down.put(answer)
        if (heard := self.down.take()) is not None:
            round_, standing, gap = heard
            self.sender.heard(round_, standing, self.now, gap=gap)

    def restart(self, name: str) -> None:
        """A process dies: what it had open is closed; what is in its file stays."""
        self.workers[name].open = None

    def lose(self, name: str) -> None:
        """A machine is lost, with all that it had of the file."""
        self.workers[name] = Worker(name, self.content, promised=self.workers[name].promised)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32), st.integers(1, 400), st.floats(0, 0.3), st.integers(0, 4))
def test_whatever_the_broker_does_the_file_completes_or_waits(
    seed: int, size: int, trouble: float, accidents: int
) -> None:
    """SY-46, SY-47, SY-48."""
    world = World(seed, size, trouble)
    moments = sorted(world.rolled.randrange(400) for _ in range(accidents))
    for turn in range(20_000):
        if moments and turn >= moments[0]:
            moments.pop(0)
            world.rolled.choice((world.restart, world.lose))(world.rolled.choice("ab"))
        found = world.turn()
        if isinstance(found, Lost):
            # As the unit does on a new connection; numbers of rounds are not used again.
            world.sender = Sender(size, world.now, world.sender.round + 1, CHUNK)
        if isinstance(found, Done):
            break
    else:
        raise AssertionError("it neither completed nor gave the line up")
    promised = [one for one in world.workers.values() if one.promised and one.part]
    assert all(bytes(one.part) == world.content for one in promised if len(one.part) == size)
    assert any(one.promised for one in world.workers.values())


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 400))
def test_a_line_that_loses_nothing_carries_each_byte_once(seed: int, size: int) -> None:
    """SY-47."""
    world = World(seed, size, 0.0)
    while not isinstance(world.turn(), Done):
        assert world.now < 120_000 * MS
    assert world.chunks == -(-size // CHUNK)


def test_a_store_that_never_answers_is_given_up_and_not_asked_without_end() -> None:
    """SY-48."""
    sender, now, asked = Sender(100, 0), 0, 0
    while not isinstance(step := sender.next(now), Lost):
        asked += isinstance(step, Init)
        now = step.until_ns if isinstance(step, Wait) else now + MS
    assert asked == 10
    assert now == 20_000 * MS


def test_a_line_that_still_moves_is_not_given_up() -> None:
    """SY-48: at 1 KiB/s a window takes minutes."""
    sender = Sender(100, 0, chunk_bytes=CHUNK)
    assert sender.next(0) == Init(1, None)
    standing = UploadStanding(state="partial", offset_bytes=0, size_bytes=100, window_bytes=WINDOW, worker="a")
    sender.heard(1, standing, 0)
    assert [sender.next(0) for _ in range(5)] == [*(Chunk("a", one, CHUNK) for one in (0, 10, 20, 30)), Wait(2000 * MS)]
    for second in range(1, 60):
        sender.moved(second * 1000 * MS)
        assert isinstance(sender.next(second * 1000 * MS), Wait)
    assert sender.next(61_000 * MS) == Init(2, "a") or isinstance(sender.next(61_500 * MS), Lost)


def test_who_has_bytes_of_the_file_is_asked_first_and_anybody_after_that() -> None:
    """SY-48."""
    sender = Sender(100, 0, first_round=7, chunk_bytes=CHUNK, worker="a")
    assert sender.next(0) == Init(7, "a")
    assert sender.next(2000 * MS) == Init(7, None)


def test_an_offset_that_went_back_leads_to_a_question_and_an_old_rounds_answer_to_nothing() -> None:
    """SY-47."""
    sender = Sender(100, 0, chunk_bytes=CHUNK)

    def standing(offset: int) -> UploadStanding:
        return UploadStanding(state="partial", offset_bytes=offset, size_bytes=100, window_bytes=WINDOW, worker="a")

    assert sender.next(0) == Init(1, None)
    sender.heard(1, standing(50), 0)
    assert sender.next(0) == Chunk("a", 50, CHUNK)
    sender.heard(1, standing(40), 0)
    assert sender.next(0) == Init(2, "a")
    sender.heard(1, standing(60), 0)
    assert sender.standing is None
    sender.heard(2, standing(20), 0)
    assert sender.next(0) == Chunk("a", 20, CHUNK)
