"""Sealing and verifying against what they cannot do without: SHA-256 and AES-256-GCM over the same bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sealing.records import Fragment
from sealing.verifier import verify_chain
from sealing.writer import ChainWriter
from tests.bench.measurement import Measurement, at_least, at_most, figure, medians
from tests.support.chains import close_facts, fragment, run_facts, start_writer
from tests.support.counting_storage import CountingStorage
from tests.support.recordings import trust

FRAGMENTS = 80
FRAGMENT_BYTES = 1_500_000
"""One second of 1080p30 at 12 Mbit/s."""
CHUNK_BYTES = 1 << 20
SMALL_RECORDS = 3_000


def measure() -> list[Measurement]:
    """Median of five rounds, CPU seconds, everything in one run."""
    folder = Path(mkdtemp(prefix="bench-sealing-"))
    try:
        return [*_big(folder), *_small(folder / "small")]
    finally:
        shutil.rmtree(folder)


def _big(folder: Path) -> list[Measurement]:
    pieces = [os.urandom(FRAGMENT_BYTES) for _ in range(FRAGMENTS)]
    sealed = folder / "sealed"
    _seal(sealed, pieces)
    plain = folder / "plain"
    plain.write_bytes(b"".join(pieces))
    numbers = count()
    seconds = medians(
        {
            "sha256": lambda: _hash(pieces),
            "aes": lambda: _encrypt(pieces),
            "openssl": lambda: _openssl(plain),
            "seal": lambda: _seal(CountingStorage(), pieces),
            "seal to files": lambda: _seal(folder / f"round-{next(numbers)}", pieces),
            "sha256 of files": lambda: _hash_files(sealed),
            "verify": lambda: verify_chain([sealed], trust()),
        }
    )
    clear = FRAGMENTS * FRAGMENT_BYTES
    stored = sum(path.stat().st_size for path in sealed.iterdir())
    both = seconds["sha256"] + seconds["aes"]
    speed, on_files = clear / seconds["seal"] / 1e6, clear / seconds["seal to files"] / 1e6
    return [
        at_least(
            "seal speed",
            seconds["openssl"] / seconds["seal"],
            "ratio",
            "openssl dgst -sha256 of the same bytes, CPU",
            0.75,
        ),
        figure("seal speed", seconds["sha256"] / seconds["seal"], "ratio", "SHA-256 in this process, CPU"),
        figure("seal speed", seconds["aes"] / seconds["seal"], "ratio", "AES-256-GCM of the same bytes, CPU"),
        figure("seal speed", both / seconds["seal"], "ratio", "AES-256-GCM and SHA-256 of the same bytes, CPU"),
        figure("seal speed", speed, "MB/s", "CPU seconds, into a counting sink"),
        figure(
            "seal speed to files", seconds["openssl"] / seconds["seal to files"], "ratio", "openssl dgst -sha256, CPU"
        ),
        figure("seal speed to files", on_files, "MB/s", "CPU seconds, the kernel's writing and fdatasync included"),
        at_least(
            "verify speed", seconds["sha256 of files"] / seconds["verify"], "ratio", "SHA-256 of the files, CPU", 1
        ),
        figure("verify speed", seconds["aes"] / seconds["verify"], "ratio", "AES-256-GCM of the same bytes, CPU"),
        figure("verify speed", stored / seconds["verify"] / 1e6, "MB/s", "CPU seconds, files in the page cache"),
        at_most("seal overhead", (stored - clear) / clear * 100, "%", "fragments of 1.5 MB", 0.03),
    ]


def _small(folder: Path) -> list[Measurement]:
    """Records almost without payload: what a record costs beside its bytes."""
    pieces = [os.urandom(64) for _ in range(SMALL_RECORDS)]
    _seal(folder, pieces)
    seconds = medians({"verify": lambda: verify_chain([folder], trust())}, rounds=3)
    each = seconds["verify"] / SMALL_RECORDS * 1e6
    return [figure("verify a record", each, "µs", "headers and signatures, no payload to speak of, CPU")]


def _openssl(path: Path) -> None:
    """The reference program over a file that the page cache holds."""
    subprocess.run(["openssl", "dgst", "-sha256", path], check=True, stdout=subprocess.DEVNULL)


def _seal(spool: Path | CountingStorage, pieces: list[bytes]) -> None:
    if isinstance(spool, Path):
        spool.mkdir(parents=True)
    writer = start_writer(spool)
    writer.open_footage(run_facts())
    for number, piece in enumerate(pieces):
        writer.append_fragment(_body(number), piece)
    _end(writer, len(pieces))


def _body(number: int) -> Fragment:
    return fragment(number)


def _end(writer: ChainWriter, fragments: int) -> None:
    writer.close_footage(close_facts(fragments))
    writer.halt("stop")


def _hash(pieces: list[bytes]) -> None:
    hasher = hashlib.sha256()
    for piece in pieces:
        hasher.update(piece)
    hasher.digest()


def _hash_files(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        hasher = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK_BYTES):
                hasher.update(chunk)
        hasher.digest()


def _encrypt(pieces: list[bytes]) -> None:
    cipher = AESGCM(os.urandom(32))
    for number, piece in enumerate(pieces):
        cipher.encrypt(number.to_bytes(12, "big"), piece, b"")
