"""A process that seals until it is killed: `python -m tests.support.endless_writer DIRECTORY`.

It reports each record on its output once the call has returned: `<sequence> <hash>`.
"""

import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hal.drivers.system_clock import SystemClock
from sealing.identity import DeviceIdentity
from sealing.keys import FileKeySigner
from sealing.records import Event
from sealing.references import RecordReference
from tests.support import chains


def make_identity(directory: Path) -> DeviceIdentity:
    """Make a unit's key and certificate and keep them in the directory."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "device.pem").write_bytes(pem)
    (directory / "device.der").write_bytes(chains.agency().device_certificate(chains.DEVICE_ID, key.public_key()))
    return load_identity(directory)


def load_identity(directory: Path) -> DeviceIdentity:
    """Load what `make_identity` kept."""
    signer = FileKeySigner.from_pem(directory / "device.pem")
    return DeviceIdentity(chains.DEVICE_ID, signer, (directory / "device.der").read_bytes())


def main() -> None:
    """Start, and seal footage and events for ever."""
    directory = Path(sys.argv[1])
    writer = chains.start_writer(directory / "spool", SystemClock(), unit=load_identity(directory))
    number = 0
    while True:
        report(writer.seal(Event("tick", None, (("number", number),)), {"name": "甲某"}))
        writer.open_footage(chains.run_facts(number + 1, 30 * number, 48_000 * number))
        report(writer.append_fragment(chains.fragment(number), chains.media(number, 20_000)))
        number += 1
        report(writer.close_footage(chains.close_facts(number)))


def report(reference: RecordReference) -> None:
    """Say that a record is sealed."""
    sys.stdout.write(f"{reference.sequence} {reference.hash.hex()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
