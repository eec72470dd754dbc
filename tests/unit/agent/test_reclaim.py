"""Which file goes next: never one without a receipt, never the newest, oldest first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import FreePolicy
from agent.reclaim import is_short, next_to_free
from hal.values import StorageReading
from sealing.references import SealedFile

ROOMY, FULL = (StorageReading(100, free, writable=True, life_percent=None) for free in (50, 19))


def file(number: int, *, freeable: bool) -> SealedFile:
    return SealedFile(number, f"{number:08d}.evs", b"r" if freeable else None, freeable)


FILES = (file(3, freeable=True), file(1, freeable=False), file(2, freeable=True), file(4, freeable=False))


@pytest.mark.parametrize(
    ("policy", "medium", "expected"),
    [
        (FreePolicy.WHEN_RECEIPTED, ROOMY, 2),
        (FreePolicy.WHEN_RECEIPTED, FULL, 2),
        (FreePolicy.WHEN_NEEDED, ROOMY, None),
        (FreePolicy.WHEN_NEEDED, FULL, 2),
    ],
)
def test_the_oldest_that_may_go_goes_when_the_policy_says_so(
    policy: FreePolicy, medium: StorageReading, expected: int | None
) -> None:
    assert next_to_free(FILES, medium, policy, 20) == expected


def test_the_border_is_below_the_share() -> None:
    assert not is_short(StorageReading(100, 20, writable=True, life_percent=None), 20)
    assert is_short(FULL, 20)


@given(
    st.lists(st.tuples(st.integers(1, 99), st.booleans()), unique_by=lambda each: each[0]),
    st.sampled_from(FreePolicy),
    st.integers(0, 100),
)
@pytest.mark.requirement("R10", "all")
def test_only_what_may_be_freed_is_ever_named(
    told: list[tuple[int, bool]], policy: FreePolicy, free_bytes: int
) -> None:
    files = [file(number, freeable=freeable) for number, freeable in told]
    medium = StorageReading(100, free_bytes, writable=True, life_percent=None)
    named = next_to_free(files, medium, policy, 20)
    assert named is None or named == min(each.number for each in files if each.freeable)
