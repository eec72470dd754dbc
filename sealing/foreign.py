"""Files of another chain in the spool: kept beside this unit's, under names that no chain has (`FORMAT.md`, SF-41).

Rules of this module: it renames, it never removes. Whose a file is, is what its first record says; another device key
counts only where it did certify the file, for a damaged file of this unit is no foreign one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

from cryptography import x509

from hal.ports import Storage
from sealing import epochs, framing, scan
from sealing.certificates import spki_of
from sealing.cose import PublicKey
from sealing.errors import ForeignSpoolError, MalformedError, SealingError
from sealing.framing import FILE_SUFFIX, RecordHeader
from sealing.identity import DeviceIdentity
from sealing.limits import LIST_ITEMS_MAX
from sealing.records import Open
from sealing.suites import suite

FOREIGN_FILES: Final = "foreign-files"
"""Code of the EVENT that says at each start which units' files lie beside the chain, and how many."""
_SUFFIX: Final = ".foreign"
_NAME: Final = re.compile(r"([0-9]{8})\.([A-Za-z0-9._-]{1,64})(?:~[0-9]+)?" + re.escape(_SUFFIX))


def is_foreign_name(name: str) -> bool:
    """Whether a file was set aside as another chain's."""
    return _NAME.fullmatch(name) is not None


def refuse_foreign(storage: Storage, number: int, identity: DeviceIdentity) -> None:
    """Refuse to continue somebody else's chain (SF-41).

    Raises:
        ForeignSpoolError: The file is of another unit, or of another device key of this one.
        OSError: The medium failed.
    """
    maker = _foreign_maker(storage, number, identity)
    if maker is None:
        return
    if maker != identity.device_id:
        raise ForeignSpoolError(
            f"the spool holds the chain of device {maker} (file {number}), this is {identity.device_id}; "
            "take the files to the store from the device that made them"
        )
    raise ForeignSpoolError(
        f"the spool holds a chain of {maker} (file {number}) that another device key made, not the one that it has "
        "now; send the files to the store"
    )


def has_own_files(storage: Storage, identity: DeviceIdentity) -> bool:
    """Whether any file that can be read is of this unit's chain.

    Raises:
        OSError: The medium failed.
    """
    return any(
        _readable(storage, each) and _foreign_maker(storage, each, identity) is None
        for each in sorted(_numbers(storage, FILE_SUFFIX), reverse=True)
    )


def set_aside(storage: Storage, identity: DeviceIdentity) -> None:
    """Give every file that is not of this unit's chain another name; done again, it goes on where it was cut off.

    Files that nobody can read go with the foreign ones where none of this unit's own stands behind them.

    Raises:
        OSError: The medium failed.
    """
    makers = {number: _foreign_maker(storage, number, identity) for number in _numbers(storage, FILE_SUFFIX)}
    foreign = {number: maker for number, maker in makers.items() if maker is not None}
    if not foreign:
        return
    own_last = max((each for each in makers if each not in foreign and _readable(storage, each)), default=0)
    newest = foreign[max(foreign)]
    named = [(framing.dropped_name(each), each, newest) for each in _numbers(storage, framing.DROPPED_SUFFIX)]
    named += [(framing.file_name(each), each, newest) for each in makers if each not in foreign]
    moves = [each for each in named if each[1] > own_last]
    moves += [(framing.file_name(each), each, maker) for each, maker in foreign.items()]
    for name, number, maker in moves:
        storage.replace(name, _free_name(storage, number, maker))


def files_beside(storage: Storage) -> tuple[tuple[str, int], ...]:
    """Units whose files lie beside the chain, with the number of their files.

    Raises:
        OSError: The medium failed.
    """
    found = Counter(match[2] for match in map(_NAME.fullmatch, storage.names()) if match is not None)
    return tuple(sorted(found.items()))[:LIST_ITEMS_MAX]


def _numbers(storage: Storage, wanted: str) -> Sequence[int]:
    found = []
    for name in storage.names():
        try:
            number, suffix = framing.parse_name(name)
        except MalformedError:
            continue
        if suffix == wanted:
            found.append(number)
    return found


def _free_name(storage: Storage, number: int, maker: str) -> str:
    taken = set(storage.names())
    name, again = f"{number:08d}.{maker}{_SUFFIX}", 1
    while name in taken:
        again += 1
        name = f"{number:08d}.{maker}~{again}{_SUFFIX}"
    return name


def _readable(storage: Storage, number: int) -> bool:
    return _opened(storage, number) is not None


def _opened(storage: Storage, number: int) -> RecordHeader | None:
    return scan.read_opened(partial(storage.read, framing.file_name(number)))


def _foreign_maker(storage: Storage, number: int, identity: DeviceIdentity) -> str | None:
    """Unit that another chain's file is of; None for a file of this unit's chain, and for one that nobody can read."""
    header = _opened(storage, number)
    if header is None:
        return None
    return header.device_id if header.device_id != identity.device_id or _of_other_key(header, identity) else None


def _of_other_key(header: RecordHeader, identity: DeviceIdentity) -> bool:
    """Tell a chain under another device key from one that is merely damaged."""
    opened = header.body
    if not isinstance(opened, Open) or opened.device_certificate == identity.certificate_der:
        return False
    if _certified_by(opened, identity.family.device_key(identity.signer.public_key_der())):
        return False
    return _certified_by(opened, _carried_key(opened))


def _certified_by(opened: Open, device_key: PublicKey | None) -> bool:
    if device_key is None:
        return False
    try:
        epochs.verify_certificate(opened.epoch_certificate, device_key)
    except SealingError:
        return False
    return True


def _carried_key(opened: Open) -> PublicKey | None:
    """The key in the device certificate that a file carries; None when there is none of the right kind."""
    try:
        spki = spki_of(x509.load_der_x509_certificate(opened.device_certificate))
        return suite(opened.suite).device_key(spki)
    except (ValueError, SealingError):
        return None
