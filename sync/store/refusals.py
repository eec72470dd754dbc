"""Answers that refuse something: status, code, and a body that says why.

Rules of this module: PROTOCOL.md's error table as code; no decisions.
"""

from __future__ import annotations

import errno
import logging
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from sync.errors import EngineUnavailableError, WireError
from sync.wire import REASON_HEADER, TUS_VERSION, Problem

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: Final = 5
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class RefusedError(Exception):
    """A request that the protocol refuses.

    Args:
        status: HTTP status.
        code: Code of PROTOCOL.md, section 6.
        detail: What was found, with values.
        headers: More headers for the answer.
    """

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or {}


def busy(detail: str) -> RefusedError:
    """503: try again in a moment."""
    return RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", detail, {"Retry-After": str(RETRY_AFTER_SECONDS)})


def no_room(detail: str) -> RefusedError:
    """507: the disk is full (SY-7)."""
    return RefusedError(HTTPStatus.INSUFFICIENT_STORAGE, "no-room", detail, {"Retry-After": str(RETRY_AFTER_SECONDS)})


def too_long(size_bytes: int) -> RefusedError:
    """413: bytes beyond what was declared (SY-10)."""
    return RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", f"bytes beyond the length of {size_bytes}")


def forbidden(code: str, detail: str) -> RefusedError:
    """403: not this unit, or no longer."""
    return RefusedError(HTTPStatus.FORBIDDEN, code, detail)


Explained: Final = (RefusedError, WireError, EngineUnavailableError, OSError)
"""Errors that the protocol has an answer for (`refusal_of`)."""


@web.middleware
async def answer_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors of handlers into the answers that the protocol has for them."""
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge as error:
        return _answer(request, RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", str(error)))
    except Explained as error:
        return _answer(request, refusal_of(error, f"{request.method} {request.path}"))


def refusal_of(error: RefusedError | WireError | EngineUnavailableError | OSError, asked: str) -> RefusedError:
    """What the protocol answers to an error, whatever line the question came by.

    Args:
        error: What went wrong.
        asked: The question, for the log.
    """
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, WireError):
        return RefusedError(HTTPStatus.BAD_REQUEST, "malformed", str(error))
    if isinstance(error, EngineUnavailableError):
        log.error("%s: %s", asked, error)
        return busy("the store's database or object store does not answer")
    if error.errno in _NO_ROOM:
        return no_room("the store's disk is full")
    log.error("%s failed", asked, exc_info=error)
    return RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "disk", "the store's disk failed")


def _answer(request: web.Request, error: RefusedError) -> web.Response:
    log.info("%s %s refused: %s", request.method, request.path, error)
    headers = {"Tus-Resumable": TUS_VERSION, REASON_HEADER: error.code, "Cache-Control": "no-store", **error.headers}
    body = Problem(code=error.code, detail=error.detail).model_dump_json()
    return web.Response(status=error.status, text=body, content_type="application/json", headers=headers)
