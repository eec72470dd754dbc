"""A unit whose clock is wrong cannot judge a certificate's dates: it asks for the store's signed time first (SY-35).

Rules of this module: one question on a connection that checks everything but the dates; what comes is judged by the
store's receipt key, for this unit and this question, and handed down. Nobody sets the clock here.
"""

from __future__ import annotations

import logging
import secrets
import ssl
from pathlib import Path
from typing import Final

from sealing.cose import PublicKey
from sync import inbox
from sync.errors import WireError
from sync.unit.client import LinkError, RefusedError, tls_context
from sync.unit.config import SyncPaths
from sync.unit.transport import Transport
from sync.witness import NONCE_BYTES, TimeToken, verify_time

log = logging.getLogger(__name__)

_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_NO_CHECK_TIME: Final = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME."""


def is_about_dates(error: BaseException) -> bool:
    """Tell whether a connection failed because of a certificate's dates alone."""
    cause = error.__cause__
    return isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code in {_NOT_YET_VALID, _EXPIRED}


def undated_context(paths: SyncPaths) -> ssl.SSLContext:
    """The unit's end of mutual TLS, without a look at dates. Raises ConfigurationError."""
    context = tls_context(paths)
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    return context


def fetch_time(client: Transport, store_key: PublicKey, device_id: str, inbox_directory: Path) -> TimeToken | None:
    """Bring the store's time into the inbox; None when it cannot be had now.

    Args:
        client: Speaks without a look at dates; closed when this returns.
        store_key: The store's receipt key, which the unit was enrolled with.
        device_id: This unit.
        inbox_directory: Where the token goes.

    Raises:
        OSError: The inbox cannot be written.
    """
    nonce = secrets.token_bytes(NONCE_BYTES)
    try:
        data = client.time(nonce)
        token = _own(verify_time(data, store_key), device_id, nonce)
    except (LinkError, RefusedError, WireError) as error:
        log.warning("the store's time cannot be had: %s", error)
        return None
    finally:
        client.close()
    inbox.put_time(inbox_directory, data)
    return token


def _own(token: TimeToken, device_id: str, nonce: bytes) -> TimeToken:
    if (token.device_id, token.nonce) != (device_id, nonce):
        raise WireError(f"the time token is for {token.device_id}, or answers another question")
    return token
