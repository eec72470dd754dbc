"""Coverage-guided fuzzing of parser and verifier: `python -m tests.support.fuzz_target CORPUS [libFuzzer flags]`.

The first byte of an input says what the others are: bytes for the parsers; a whole file in the place of one of a good
chain; or what a genuine unit that has gone over to the enemy signs, so that what stands behind the signature is reached
as well. Whatever is not the chain itself has to be refused or found at fault. libFuzzer adds: no crash, no hang, no
unbounded memory.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["sealing"]):
    from sealing import codec, cose, encoding, epochs, framing
    from sealing.agency_document import KIND_POLICY, verify_document
    from sealing.errors import NotSealedError, SealingError
    from sealing.initsegment import init_segment
    from sealing.limits import BYTES_MAX, HEADER_BYTES_MAX, PRIVATE_BYTES_MAX
    from sealing.receipts import read_receipt
    from sealing.records import RecordType
    from sealing.timetokens import anchor_of_stamp, read_statement
    from sealing.tpm_attestation import verify as verify_attestation
    from sealing.verifier import examine_chain

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from sealing.cose import Algorithm
from tests.support.chains import start_writer
from tests.support.clocks import ManualClock
from tests.support.forging import Raw, records_of, write
from tests.support.recordings import Scene, trust

_ATTEST_KEY = ec.generate_private_key(ec.SECP256R1()).public_key()


@dataclass(frozen=True)
class Base:
    """A good chain, its files in memory, and the key of its only epoch."""

    folder: Path
    files: tuple[tuple[Path, bytes, tuple[Raw, ...]], ...]
    key: ed25519.Ed25519PrivateKey


def make_base(folder: Path) -> Base:
    """A day with a session, by the real writer."""
    clock = ManualClock()
    scene = Scene(start_writer(folder, clock), clock, fragment_bytes=200)
    key = scene.writer._output._sealer._epoch._key
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    scene.check_out()
    scene.press()
    scene.begin_run()
    scene.record(3)
    scene.next_file()
    scene.record(2)
    scene.finish()
    scene.writer.halt("stop")
    paths = sorted(folder.iterdir())
    assert not examine_chain([folder], trust()).findings
    return Base(folder, tuple((path, path.read_bytes(), tuple(records_of(path))) for path in paths), key)


PARSERS: tuple[Callable[[bytes], object], ...] = (
    framing.open_header,
    framing.decode_header,
    framing.decode_prefix,
    cose.decode_sign1,
    lambda data: encoding.decode(data, HEADER_BYTES_MAX),
    lambda data: encoding.decode(data, BYTES_MAX),
    codec.decode_private,
    epochs.open_certificate,
    read_receipt,
    lambda data: read_statement(data, _ATTEST_KEY),
    lambda data: anchor_of_stamp(data, 1, bytes(32), ()),
    init_segment,
    lambda data: verify_document(data, KIND_POLICY, ()),
    lambda data: verify_attestation(data[64:], data[:64], _ATTEST_KEY),
    *(lambda data, kind=kind: codec.decode_body(kind, encoding.decode(data, PRIVATE_BYTES_MAX)) for kind in RecordType),
)


def parse(data: bytes) -> None:
    """Every parser refuses by a SealingError, or reads."""
    for parser in PARSERS:
        with suppress(SealingError):
            parser(data)


class Target:
    """What libFuzzer calls.

    Args:
        base: The good chain.
        blind: Take the verifier away, to see that this is noticed.
    """

    def __init__(self, base: Base, *, blind: bool) -> None:
        self._base = base
        self._blind = blind

    def __call__(self, data: bytes) -> None:
        if len(data) < 3:
            return
        kind, which, rest = data[0] % 3, data[1], data[2:]
        if kind == 0:
            parse(rest)
        elif kind == 1:
            self._replaced(which, rest)
        else:
            self._signed(which, rest)

    def seeds(self) -> list[bytes]:
        """Inputs to begin with."""
        found = []
        for number, (_, whole, records) in enumerate(self._base.files):
            found.append(bytes((1, number)) + whole)
            for place, record in enumerate(records):
                payload = cose.decode_sign1(record.header).payload
                found += [bytes((0, 0)) + record.header, bytes((0, 0)) + payload]
                found.append(bytes((2, number * 16 + place)) + payload)
        return found

    def _replaced(self, which: int, data: bytes) -> None:
        path, whole, _ = self._base.files[which % len(self._base.files)]
        path.write_bytes(data)
        self._judge(path, whole, same=data == whole)

    def _signed(self, which: int, payload: bytes) -> None:
        number, place = divmod(which, 16)
        path, whole, records = self._base.files[number % len(self._base.files)]
        old = records[place % len(records)]
        # Behind a unit's last word stands nothing that could belie it.
        last_word = old is self._base.files[-1][2][-1]
        message = cose.decode_sign1(old.header)
        header = cose.encode_sign1(Algorithm.ED25519, message.key_id, payload, cose.RECORD, self._base.key.sign)
        changed = [Raw(header, each.payload) if each is old else each for each in records]
        if len(header) <= HEADER_BYTES_MAX:
            write(path, changed)
            self._judge(path, whole, same=payload == message.payload, believed=last_word)

    def _judge(self, path: Path, whole: bytes, *, same: bool, believed: bool = False) -> None:
        try:
            report = examine_chain([self._base.folder], trust())
            if not same and not believed and (self._blind or not report.findings):
                raise AssertionError(f"a changed {path.name} was called clean")
            report.to_json()
        except NotSealedError:
            assert not same
        finally:
            path.write_bytes(whole)


def main() -> None:
    """Fuzz until libFuzzer's flags say that it is enough."""
    arguments = [each for each in sys.argv if each != "--blind"]
    corpus = Path(arguments[1])
    with TemporaryDirectory(prefix="fuzz-") as name:
        target = Target(make_base(Path(name)), blind=arguments != sys.argv)
        corpus.mkdir(exist_ok=True)
        for number, seed in enumerate(target.seeds()):
            (corpus / f"seed-{number:03d}").write_bytes(seed)
        atheris.Setup(arguments, target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
