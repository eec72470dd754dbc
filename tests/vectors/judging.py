"""Both verifiers over a file set, each given what lies beside it."""

from pathlib import Path

from cryptography import x509

from sealing.keys import load_recipient_key
from sealing.report import Report
from sealing.trust import Trust
from sealing.verifier import Asked, examine_chain
from tests.vectors.generate import AUTHORITY, VECTORS
from tests.vectors.second_records import Fault
from tests.vectors.second_verifier import verify
from tests.vectors.witnesses import RECIPIENT_KEY, TRUST


def authority(folder: Path = VECTORS) -> x509.Certificate:
    """The certificate that the sets of a folder share."""
    return x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())


def said(folder: Path, name: str) -> str:
    """A line of a set's header."""
    lines = (folder / "expect.txt").read_text("utf-8").splitlines()
    return next(line.removeprefix(f"{name}: ") for line in lines if line.startswith(f"{name}: "))


def expected(folder: Path) -> set[str]:
    """Codes that belong to a set."""
    return set(said(folder, "expect").split()) - {"OK"}


def is_part(folder: Path) -> bool:
    """Whether whoever judges it is told that it is a part of a chain."""
    return said(folder, "given") == "a part"


def by_the_first(folder: Path, shared: x509.Certificate | None = None, *, every_signature: bool = False) -> Report:
    """What the product says."""
    own, key = folder / TRUST, folder / RECIPIENT_KEY
    trust = Trust.load(own) if own.exists() else Trust((shared or authority(folder.parent),))
    keys = (load_recipient_key(key),) if key.exists() else ()
    return examine_chain([folder], trust, asked=Asked(is_part(folder), keys, every_signature))


def by_the_second(folder: Path, shared: x509.Certificate | None = None) -> list[Fault]:
    """What the verifier says that was written from the page."""
    return verify(folder, shared or authority(folder.parent), part=is_part(folder))
