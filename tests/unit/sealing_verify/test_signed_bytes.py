"""What a signature covers is CBOR that anybody can make with any encoder."""

import pytest

from sealing import cose, encoding


@pytest.mark.parametrize("length", [0, 1, 23, 24, 255, 256, 65_535, 65_536, 70_000])
def test_signed_bytes_are_the_deterministic_encoding(length: int) -> None:
    """SF-5."""
    payload, protected = bytes(length), bytes(min(length, 64))
    written = cose._message(protected, cose.RECORD, payload)
    assert written == encoding.encode(["Signature1", protected, bytes(cose.RECORD), payload])
