"""A profile as one signed file of the agency, and which one binds the unit (PR-10 to PR-12).

Rules of this module: the envelope is `sealing.agency_document`, of the kind `profile`; what it carries is the profile's
TOML file, byte for byte, so that its hash (PR-1) is the same signed or not. Nothing of a file counts before its
signature is found good.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from agent.config import ProfileTable, UnitPaths
from agent.errors import ProfileError, SpoolError
from agent.profile import SIGNED_SUFFIX, LoadedProfile, load_profile, parse_profile
from sealing.agency_document import KIND_PROFILE, sign_document, verify_document
from sealing.errors import DocumentError
from sealing.keys import Signer
from sync.durable import write_file

log = logging.getLogger(__name__)

SIGNED_BYTES_MAX: Final = 64 * 1024
"""PR-10: a larger file is refused unread."""
_MARK_BYTES_MAX: Final = 1024
_MARK_MODE: Final = 0o600


class ProfileSignatureError(ProfileError):
    """The file is no profile that the agency signed."""


class UnsignedProfileError(ProfileError):
    """A unit that takes only signed profiles was given another one."""


class OlderProfileError(ProfileError):
    """The file is older than a profile that was in force on this unit already."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest profile that was ever in force on the unit."""

    number: int
    sha256: str
    """Of the signed file, hexadecimal."""


def sign_profile(loaded: LoadedProfile, number: int, issued_utc_ns: int, key: Signer, certificate_der: bytes) -> bytes:
    """Make the signed file of a profile (PR-10).

    Args:
        loaded: The profile, checked as a whole.
        number: Counts the agency's profiles for its units, from 1.
        issued_utc_ns: When it is signed, UTC in ns.
        key: The agency CA's key, or one that the CA certified for documents.
        certificate_der: That key's certificate.

    Raises:
        ProfileSignatureError: Key and certificate do not fit, or the file would be too large.
    """
    try:
        return sign_document(KIND_PROFILE, number, issued_utc_ns, loaded.content, key, certificate_der)
    except DocumentError as error:
        raise ProfileSignatureError(f"{loaded.source}: {error}; nothing was signed") from error


def read_signed(data: bytes, source: str, agency_ca_ders: Sequence[bytes]) -> LoadedProfile:
    """Verify a signed file and check the profile in it (PR-10).

    Raises:
        ProfileSignatureError: Too large, malformed, of another kind, or not signed by the agency.
        ProfileError: The profile in it breaks a rule.
    """
    if len(data) > SIGNED_BYTES_MAX:
        raise ProfileSignatureError(f"{source}: more than {SIGNED_BYTES_MAX} bytes; no signed profile is so large")
    try:
        document = verify_document(data, KIND_PROFILE, agency_ca_ders, SIGNED_BYTES_MAX)
    except DocumentError as error:
        raise ProfileSignatureError(f"{source}: {error}; take the file that the agency signed") from error
    return replace(parse_profile(document.payload, source), document=document)


def load_signed(path: Path, agency_ca_ders: Sequence[bytes]) -> LoadedProfile:
    """Load a signed file. Raises as `read_signed`, and ProfileError when it cannot be read."""
    return read_signed(_bytes_of(path, SIGNED_BYTES_MAX), str(path), agency_ca_ders)


def load_any(name: str, ca_files: Sequence[Path]) -> LoadedProfile:
    """Load a profile by id, or by the path of a `.toml` or a signed file; the latter against these CA certificates.

    Raises:
        ProfileError: It cannot be used; or it is signed, and no CA was given.
    """
    if not name.endswith(SIGNED_SUFFIX):
        return load_profile(name)
    if not ca_files:
        raise ProfileSignatureError(f"{name}: signed, and no CA certificate to check it with; name it with --ca")
    return load_signed(Path(name), agency_cas(*ca_files))


def agency_cas(*files: Path) -> tuple[bytes, ...]:
    """CA certificates in PEM files, as DER.

    Raises:
        ProfileSignatureError: A file is missing or holds none.
    """
    found: list[bytes] = []
    for file in files:
        try:
            found += [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(file.read_bytes())]
        except (OSError, ValueError) as error:
            raise ProfileSignatureError(f"{file}: no CA certificate in PEM: {error}; name the agency's") from error
    return tuple(found)


def load_for_unit(table: ProfileTable, paths: UnitPaths) -> LoadedProfile:
    """Find the profile that binds this unit (PR-11, PR-12). Reads only; `remember` writes.

    Args:
        table: What the configuration names.
        paths: Where the unit keeps its agency's CA, what was delivered, and the mark of the newest.

    Raises:
        UnsignedProfileError: Only signed ones are taken here, and this is none.
        ProfileSignatureError: It is not signed by the unit's own agency.
        OlderProfileError: A newer one was in force before.
        ProfileError: It breaks a rule, or cannot be read.
    """
    if not table.takes_signed_only:
        return load_profile(table.name)
    if not table.name.endswith(SIGNED_SUFFIX):
        raise UnsignedProfileError(
            f"profile.name = {table.name!r}: this unit takes only a file *{SIGNED_SUFFIX} that the agency signed"
        )
    authorities = agency_cas(paths.agency_ca)
    found = load_signed(Path(table.name), authorities)
    if paths.delivered_profile.exists():
        found = _newer(found, load_signed(paths.delivered_profile, authorities))
    _refuse_older(found, read_mark(paths.profile_mark))
    return found


def accept_delivered(data: bytes, paths: UnitPaths) -> LoadedProfile:
    """Take a profile that came over sync: it binds the unit from the next start on (PR-12).

    Raises:
        ProfileError: It is not good, or not newer than what was in force; nothing was changed.
        SpoolError: It cannot be kept.
    """
    found = read_signed(data, "delivered profile", agency_cas(paths.agency_ca))
    _refuse_older(found, read_mark(paths.profile_mark))
    _write(paths.delivered_profile, data, 0o640)
    log.info("profile %s, number %d, is in force with the next start", found.profile.profile.id, _number(found))
    return found


def remember(loaded: LoadedProfile, paths: UnitPaths) -> None:
    """Note the number of the profile in force, so that an older one is refused from now on (PR-12).

    Raises:
        SpoolError: It cannot be kept.
    """
    document = loaded.document
    mark = read_mark(paths.profile_mark)
    if document is None or (mark is not None and mark.number >= document.number):
        return
    text = json.dumps({"number": document.number, "sha256": document.digest.hex()})
    _write(paths.profile_mark, text.encode() + b"\n", _MARK_MODE)


def read_mark(path: Path) -> Mark | None:
    """The newest profile that was in force; None on a unit that had none.

    Raises:
        ProfileError: The mark is there and cannot be read: nothing says then which profiles are too old.
    """
    try:
        table = json.loads(_bytes_of(path, _MARK_BYTES_MAX)) if path.exists() else None
        return None if table is None else Mark(int(table["number"]), str(table["sha256"]))
    except (ValueError, TypeError, KeyError) as error:
        raise ProfileError(f"{path}: not the mark of a profile ({error!r}); provision the unit again") from error


def _newer(configured: LoadedProfile, delivered: LoadedProfile) -> LoadedProfile:
    if _number(delivered) > _number(configured):
        log.info("the delivered profile (number %d) replaces the configured one", _number(delivered))
        return delivered
    return configured


def _refuse_older(found: LoadedProfile, mark: Mark | None) -> None:
    if mark is None or found.document is None:
        return
    number, digest = found.document.number, found.document.digest.hex()
    if number < mark.number:
        raise OlderProfileError(
            f"{found.source}: number {number}, and number {mark.number} was in force here already; take a newer one"
        )
    if number == mark.number and digest != mark.sha256:
        raise OlderProfileError(
            f"{found.source}: another profile with the number {number} was in force here; have it signed with a new one"
        )


def _number(loaded: LoadedProfile) -> int:
    return 0 if loaded.document is None else loaded.document.number


def _bytes_of(path: Path, bytes_max: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(bytes_max + 1)
    except OSError as error:
        raise ProfileError(f"profile {path}: cannot be read: {error.strerror}; check the path") from error


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        write_file(path, data, mode)
    except OSError as error:
        raise SpoolError(f"{path}: cannot be written: {error.strerror}; check owner and medium") from error
