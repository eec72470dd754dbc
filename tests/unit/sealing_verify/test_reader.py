"""The reader holds one header and one chunk, whatever lengths a file claims (SF-10)."""

import os
import tracemalloc
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from sealing.errors import MalformedError, NotSealedError
from sealing.framing import encode_prefix, file_name
from sealing.limits import FILE_BYTES_MAX, MAGIC, PAYLOAD_BYTES_MAX
from sealing.reader import CutOffError, SealedFile, beginning, in_order, number_of, sealed_files
from sealing.report import ChainError
from sealing.suites import SUITE_1
from sealing.verifier import verify_chain
from tests.support.forging import records_of, signed, write
from tests.support.recordings import trust

MIB = 1 << 20


def peak_bytes(spool: Path) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(ChainError):
            verify_chain([spool], trust())
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("header", "payload"), [(2**32 - 1, 0), (100, 2**32 - 1), (2**32 - 1, 2**32 - 1)])
def test_four_gibibytes_that_are_only_claimed_take_no_memory(film_copy: Path, header: int, payload: int) -> None:
    path = film_copy / file_name(3)
    data = bytearray(path.read_bytes())
    data[8:16] = header.to_bytes(4, "big") + payload.to_bytes(4, "big")
    path.write_bytes(data)
    assert peak_bytes(film_copy) < 8 * MIB


def test_a_payload_as_long_as_allowed_is_hashed_in_chunks(film_copy: Path) -> None:
    path = film_copy / file_name(3)
    found = records_of(path)
    write(path, found[:1])
    with path.open("ab") as file:
        file.write(encode_prefix(len(found[1].header), PAYLOAD_BYTES_MAX) + found[1].header)
        file.truncate(file.tell() + PAYLOAD_BYTES_MAX)
    assert peak_bytes(film_copy) < 8 * MIB


def test_a_file_that_never_ends_is_refused_at_its_size(film_copy: Path) -> None:
    path = film_copy / file_name(9)
    os.truncate(path, FILE_BYTES_MAX + 1)
    assert peak_bytes(film_copy) < 8 * MIB


def test_a_big_honest_fragment_keeps_its_hash(film_copy: Path, tmp_path: Path) -> None:
    record = records_of(film_copy / file_name(3))[1]
    big = signed(record.read, os.urandom(3 * MIB + 17), ed25519.Ed25519PrivateKey.generate())
    path = tmp_path / "00000001.evs"
    write(path, [big])
    with SealedFile(path) as file:
        file.check_magic()
        found = file.next_record()
        assert found is not None
        assert file.payload_hash(found, SUITE_1) == SUITE_1.digest(big.payload)
        assert file.payload(found) == big.payload
        assert file.next_record() is None


def test_a_record_that_is_cut_off_is_said_to_be_so(film_copy: Path) -> None:
    path = film_copy / file_name(3)
    path.write_bytes(path.read_bytes()[: len(MAGIC) + 4])
    with SealedFile(path) as file, pytest.raises(CutOffError, match="4 bytes into the framing"):
        file.next_record()


def test_zero_and_too_long_lengths_are_malformed(tmp_path: Path) -> None:
    path = tmp_path / "00000001.evs"
    path.write_bytes(MAGIC + bytes(8))
    with SealedFile(path) as file, pytest.raises(MalformedError, match="header length 0"):
        file.next_record()


def test_a_beginning_that_cannot_be_read_is_none(tmp_path: Path, film_copy: Path) -> None:
    for content in (b"", MAGIC, MAGIC + bytes(100), b"hello"):
        path = tmp_path / "00000001.evs"
        path.write_bytes(content)
        assert beginning(path) is None
    found = beginning(film_copy / file_name(1))
    assert found is not None
    assert found.opened.file_number == 1


def test_files_stand_by_their_numbers_whatever_they_are_called(film_copy: Path) -> None:
    odd = film_copy.parent / "evidence.bin"
    (film_copy / file_name(3)).rename(odd)
    assert number_of(odd) == 3
    paths = in_order([odd, *sealed_files(film_copy)])
    assert paths[2] == odd
    assert verify_chain(list(paths), trust()).intact


def test_other_files_beside_the_chain_are_left_alone(film_copy: Path) -> None:
    (film_copy / "note.txt").write_text("hello")
    (film_copy / "00000011.torn").write_bytes(b"xx")
    assert verify_chain([film_copy], trust()).findings == ()


def test_a_missing_path_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        verify_chain([tmp_path / "nothing.evs"], trust())


def test_a_text_file_is_not_sealed(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(NotSealedError):
        verify_chain([path], trust())
