"""Fetches what the agency hands down: signed documents, into the inbox, once each (SY-40).

Rules of this module: carries, and judges nothing but the size: whether a document is the agency's, and newer, is the
agent's matter. What lies on the unit already, accepted, waiting or rejected, is not fetched again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

from sync import inbox
from sync.unit.client import LinkError, RefusedError
from sync.unit.config import SyncPaths
from sync.unit.transport import Transport
from sync.wire import DOCUMENT_BYTES_MAX, DOCUMENT_KINDS

log = logging.getLogger(__name__)


def fetch_documents(client: Transport, paths: SyncPaths) -> tuple[str, ...]:
    """Ask for each kind of document; a line that is down costs nothing, the next docking asks again.

    Returns:
        The kinds that came.
    """
    came: list[str] = []
    for kind in DOCUMENT_KINDS:
        try:
            data = client.document(kind, frozenset(_held(paths, kind)))
            if data is not None:
                inbox.put_document(paths.inbox, kind, data)
                came.append(kind)
        except (LinkError, OSError) as error:
            log.info("the document «%s» was not fetched: %s", kind, error)
            return tuple(came)
        except RefusedError as error:
            log.debug("the store has no document «%s»: %s", kind, error)
    return tuple(came)


def _held(paths: SyncPaths, kind: str) -> Iterator[str]:
    """Digests of the documents of a kind that lie on the unit."""
    name = inbox.document_name(kind)
    for path in (paths.inbox / name, paths.rejected / name, paths.documents[kind]):
        data = _bytes(path)
        if data is not None:
            yield hashlib.sha256(data).hexdigest()


def _bytes(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(DOCUMENT_BYTES_MAX)
    except OSError:
        return None
