"""Order of the queue, waits between attempts, and what refusals mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.backoff import Backoff
from sync.queue import Item, Standing, must_hurry, next_item, outstanding_bytes
from sync.unit.outcome import Action, action_for

items = st.builds(
    Item,
    number=st.integers(1, 1000),
    size_bytes=st.integers(1, 10**8),
    standing=st.sampled_from(Standing),
    flagged=st.booleans(),
    due_utc_ns=st.none() | st.integers(0, 10**18),
)


def test_flagged_goes_first_then_the_earliest_deadline_then_the_chain() -> None:
    """SY-21."""
    queue = [
        Item(1, 10),
        Item(2, 10, due_utc_ns=200),
        Item(3, 10, due_utc_ns=100),
        Item(4, 10, flagged=True),
        Item(5, 10, flagged=True, due_utc_ns=900),
    ]
    order = []
    while (item := next_item(queue)) is not None:
        order.append(item.number)
        queue.remove(item)
    assert order == [5, 4, 3, 2, 1]


@given(st.lists(items, max_size=20))
def test_only_waiting_files_are_picked_and_none_is_forgotten(queue: list[Item]) -> None:
    """SY-16, SY-21."""
    picked = next_item(queue)
    waiting = [item for item in queue if item.standing is Standing.WAITING]
    assert (picked is None) is (not waiting)
    if picked is not None:
        assert picked in waiting
    assert outstanding_bytes(queue) == sum(item.size_bytes for item in waiting)


@given(st.integers(1, 10**6), st.floats(0, 1), st.floats(0, 10**6))
def test_waits_are_bounded_and_never_end_the_attempts(failures: int, fraction: float, asked: float) -> None:
    """SY-20."""
    backoff = Backoff()
    delay = backoff.delay_seconds(failures, fraction, asked)
    assert 0 <= delay <= 300
    assert delay >= min(asked, 300)
    assert delay <= max(asked, backoff.ceiling_seconds(failures))


def test_the_ceiling_doubles_from_one_second_to_five_minutes() -> None:
    """SY-20."""
    ceilings = [Backoff().ceiling_seconds(failures) for failures in range(1, 12)]
    assert ceilings == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@pytest.mark.parametrize(
    ("status", "code", "action"),
    [
        (400, "malformed", Action.COUNT),
        (403, "revoked", Action.WAIT),
        (409, "offset", Action.WAIT),
        (409, "size-differs", Action.COUNT),
        (412, "tus-version", Action.WAIT),
        (413, "too-large", Action.COUNT),
        (418, "new", Action.WAIT),
        (422, "parked", Action.PARKED),
        (460, "file-id", Action.DECLARE_AGAIN),
        (503, "busy", Action.WAIT),
        (507, "no-room", Action.WAIT),
    ],
)
def test_every_refusal_is_classified(status: int, code: str, action: Action) -> None:
    """SY-20."""
    assert action_for(status, code) is action


@pytest.mark.parametrize(
    ("rate", "seconds_left", "hurry"),
    [(1_000, 200, False), (1_000, 134, False), (1_000, 133, True), (1_000, -5, True), (None, -5, False)],
)
def test_the_pace_is_lifted_when_it_endangers_a_due_time(rate: int | None, seconds_left: int, hurry: bool) -> None:
    """SY-41: what goes before the due file counts, what goes behind it does not."""
    now = 10**18
    due = now + seconds_left * 10**9
    items = (
        Item(1, 40_000, flagged=True),
        Item(2, 60_000, due_utc_ns=due),
        Item(3, 10**9),
        Item(4, 10**9, Standing.PARKED, due_utc_ns=now),
    )
    assert must_hurry(items, now, rate) is hurry
