"""Telling the init segment from the fragment behind it."""

import pytest

from sealing.initsegment import init_segment
from tests.support import chains

MOOF = b"\x00\x00\x00\x08moof"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (chains.INIT + MOOF + b"rest", chains.INIT),
        (MOOF + b"rest", b""),
        (b"", b""),
        (b"\x00\x00", b""),
        (b"\x00\x00\x00\x04moov" + MOOF, b""),
        (b"\xff\xff\xff\xffmoov" + MOOF, b""),
        (chains.INIT, chains.INIT),
    ],
)
def test_boxes_in_front_of_the_first_moof(data: bytes, expected: bytes) -> None:
    assert init_segment(data) == expected
