"""Sealing and verifying against `openssl dgst -sha256` over the same bytes, and against what neither can do without.

A gigabyte of footage, sealed as a unit seals it: a file a minute. The peer reads the same bytes from the page cache, in
the same run and in turn with what it is compared with; at this size the start of its process does not count.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from tempfile import mkdtemp

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sealing.verifier import verify_chain
from tests.bench.measurement import Measurement, at_least, at_most, figure, medians
from tests.support.chains import close_facts, fragment, run_facts, start_writer
from tests.support.counting_storage import CountingStorage
from tests.support.recordings import trust

FRAGMENT_BYTES = 1_500_000
"""One second of 1080p30 at 12 Mbit/s."""
FRAGMENTS = 720
FRAGMENTS_PER_FILE = 43
"""A file ends at 64 MiB here, before it ends at 60 s."""
PIECES = 80
"""Different fragments, sealed again and again: more than the processor's own caches hold."""
CHUNK_BYTES = 1 << 18
SMALL_RECORDS = 3_000
SIGNED_BYTES = 300
"""About what is signed of a record."""


def measure() -> list[Measurement]:
    """Median of five rounds, CPU seconds, everything in one run."""
    folder = Path(mkdtemp(prefix="bench-sealing-"))
    try:
        return [*_big(folder), *_small(folder / "small")]
    finally:
        shutil.rmtree(folder)


def _big(folder: Path) -> list[Measurement]:
    pieces = [os.urandom(FRAGMENT_BYTES) for _ in range(PIECES)]
    plain, sealed = folder / "plain", folder / "sealed"
    with plain.open("wb") as file:
        file.writelines(_footage(pieces))
    _seal(sealed, pieces)
    files = sorted(sealed.iterdir())
    os.sync()
    seconds = medians(
        {
            "openssl": lambda: _openssl(plain),
            "seal": lambda: _seal(CountingStorage(), pieces),
            "sha256": lambda: _hash(pieces),
            "aes": lambda: _encrypt(pieces),
            "openssl of files": lambda: _openssl(*files),
            "verify": lambda: verify_chain([sealed], trust()),
            "sha256 of files": lambda: _hash_files(files),
            "signatures": _check_signatures,
        }
    )
    stored = sum(path.stat().st_size for path in files)
    shutil.rmtree(sealed)
    return [*_sealing(seconds, stored), *_to_files(folder, pieces, seconds["openssl"]), *_verifying(seconds, stored)]


def _sealing(seconds: dict[str, float], stored: int) -> list[Measurement]:
    clear = FRAGMENTS * FRAGMENT_BYTES
    both, taken = seconds["sha256"] + seconds["aes"], seconds["seal"]
    return [
        at_least("seal speed", seconds["openssl"] / taken, "ratio", "openssl dgst -sha256 of the same file, CPU", 0.75),
        figure("seal speed", both / taken, "ratio", "AES-256-GCM and SHA-256 of the same bytes in this process, CPU"),
        figure("seal speed", clear / taken / 1e6, "MB/s", "CPU seconds, into a counting sink"),
        at_most("seal overhead", (stored - clear) / clear * 100, "%", "fragments of 1.5 MB", 0.03),
    ]


def _to_files(folder: Path, pieces: Sequence[bytes], openssl_seconds: float) -> list[Measurement]:
    """What the kernel adds: copying into the page cache and putting each record on the medium."""
    spool = folder / "round"
    seconds = medians({"seal": lambda: _seal(spool, pieces), "clear": lambda: shutil.rmtree(spool)}, rounds=3)["seal"]
    speed = FRAGMENTS * FRAGMENT_BYTES / seconds / 1e6
    return [
        figure("seal speed to files", openssl_seconds / seconds, "ratio", "openssl dgst -sha256 of the same file, CPU"),
        figure("seal speed to files", speed, "MB/s", "CPU seconds, the kernel's writing and fdatasync included"),
    ]


def _verifying(seconds: dict[str, float], stored: int) -> list[Measurement]:
    """The last line says what any verifier needs that reads the format: one hash of all, one signature a record."""
    taken, least = seconds["verify"], seconds["sha256 of files"] + seconds["signatures"]
    peer = seconds["openssl of files"]
    return [
        at_least("verify speed", peer / taken, "ratio", "openssl dgst -sha256 of the same files, CPU", 1),
        figure("verify speed", stored / taken / 1e6, "MB/s", "CPU seconds, files in the page cache"),
        figure("verify speed at best", peer / least, "ratio", "hashes and signatures alone, against openssl, CPU"),
    ]


def _small(folder: Path) -> list[Measurement]:
    """Records almost without payload: what a record costs beside its bytes."""
    pieces = [os.urandom(64) for _ in range(SMALL_RECORDS)]
    _seal(folder, pieces, SMALL_RECORDS)
    seconds = medians({"verify": lambda: verify_chain([folder], trust())}, rounds=3)
    each = seconds["verify"] / SMALL_RECORDS * 1e6
    return [figure("verify a record", each, "µs", "headers and signatures, no payload to speak of, CPU")]


def _openssl(*paths: Path) -> None:
    """The reference program over files that the page cache holds."""
    subprocess.run(["openssl", "dgst", "-sha256", *paths], check=True, stdout=subprocess.DEVNULL)


def _footage(pieces: Sequence[bytes]) -> Iterator[bytes]:
    return islice(cycle(pieces), FRAGMENTS)


def _seal(spool: Path | CountingStorage, pieces: Sequence[bytes], fragments: int = FRAGMENTS) -> None:
    if isinstance(spool, Path):
        spool.mkdir(parents=True)
    writer = start_writer(spool)
    for number, piece in enumerate(islice(cycle(pieces), fragments)):
        if number % FRAGMENTS_PER_FILE == 0:
            if number:
                writer.close_footage(close_facts(number))
            run = run_facts(1, 30 * number, 48_000 * number)
            writer.open_footage(replace(run, run_file=number // FRAGMENTS_PER_FILE))
        writer.append_fragment(fragment(number), piece)
    writer.close_footage(close_facts(fragments))
    writer.halt("stop")


def _hash(pieces: Sequence[bytes]) -> None:
    for piece in _footage(pieces):
        hashlib.sha256(piece).digest()


def _hash_files(files: Sequence[Path]) -> None:
    chunk = memoryview(bytearray(CHUNK_BYTES))
    for path in files:
        hasher = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(chunk):
                hasher.update(chunk[:count])
        hasher.digest()


def _check_signatures() -> None:
    key = Ed25519PrivateKey.generate()
    message, public = bytes(SIGNED_BYTES), key.public_key()
    signature = key.sign(message)
    for _ in range(FRAGMENTS):
        public.verify(signature, message)


def _encrypt(pieces: Sequence[bytes]) -> None:
    cipher, room = AESGCM(os.urandom(32)), bytearray(FRAGMENT_BYTES + 16)
    for number, piece in enumerate(_footage(pieces)):
        cipher.encrypt_into(number.to_bytes(12, "big"), piece, b"", room)
