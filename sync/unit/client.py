"""The unit's HTTP client: tus over one connection that is kept, with one buffer that is used again.

Rules of this module: one request each, no retries, no waiting beyond the socket's timeout; what an answer means for the
file is decided in `courier`.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from sync.errors import ConfigurationError, SyncError, WireError
from sync.secrecy import Line
from sync.unit.config import SyncPaths
from sync.unit.lines import line_of
from sync.unit.pieces import PIECE_BYTES, PieceSender
from sync.unit.spool import SealedFile
from sync.unit.transport import Standing
from sync.unit.tuning import tune
from sync.wire import (
    JSON_BYTES_MAX,
    OFFSET_CONTENT_TYPE,
    REASON_HEADER,
    RECEIPT_BYTES_MAX,
    STATE_HEADER,
    TUS_VERSION,
    Inventory,
    InventoryAnswer,
    LogAnswer,
    LogPlace,
    Problem,
    RecordReport,
    UploadMetadata,
    encode_metadata,
    non_negative,
)
from sync.witness import Witnessed

TIMEOUT_SECONDS: Final = 20.0
_RETRY_AFTER_SECONDS_MAX: Final = 300


Model = TypeVar("Model", bound=BaseModel)


class LinkError(SyncError):
    """The line or the store failed; what arrived is kept there, and another attempt goes on from it."""


class StoppedError(SyncError):
    """Sending was told to stop; what arrived is kept at the store."""


class RefusedError(SyncError):
    """The store refused.

    Args:
        status: HTTP status.
        code: `Recorder-Reason`, empty when there was none.
        detail: Words for people.
        retry_after_seconds: What the store asked for, 0 when nothing.
    """

    def __init__(self, status: int, code: str, detail: str, retry_after_seconds: int) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    """Names in Title-Case, however the line spelled them."""
    body: bytes


class StoreClient:
    """Speaks to one store for one unit; one thread.

    Args:
        url: The store, `http://` or `https://`.
        device_id: This unit.
        tls: Needed for `https://`.
        rate_bytes_per_second: Pace of uploads, kept by the kernel; None: none.
        timeout_seconds: Longest stillness of the line.
    """

    def __init__(
        self,
        url: str,
        device_id: str,
        tls: ssl.SSLContext | None,
        rate_bytes_per_second: int | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        parts = urlsplit(url)
        if (
            parts.hostname is None
            or parts.scheme not in {"http", "https"}
            or (parts.scheme == "https") is (tls is None)
        ):
            raise ConfigurationError(
                f"store URL {url!r} is not http:// or https:// with a host; correct sync.store_url"
            )
        self._host, self._port = parts.hostname, parts.port
        self._base = f"{parts.path.rstrip('/')}/v1/{device_id}"
        self._tls = tls
        self._rate = rate_bytes_per_second
        self._timeout_seconds = timeout_seconds
        self._buffer = memoryview(bytearray(PIECE_BYTES))
        self._connection: http.client.HTTPConnection | None = None
        self._hurried = False
        self.sent_bytes = 0
        """Body bytes given to the line so far, repeated ones included."""

    @property
    def rate_bytes_per_second(self) -> int | None:
        """Pace that uploads are held to while there is time; None: none."""
        return self._rate

    def hurry(self, wanted: bool) -> None:
        """Lift the pace and the low class of the line, or put them back, on the open connection, too (SY-41)."""
        if wanted is self._hurried:
            return
        self._hurried = wanted
        if self._connection is not None and isinstance(self._connection.sock, socket.socket):
            tune(self._connection.sock, self._rate, hurried=wanted)

    def close(self) -> None:
        """Drop the connection. Idempotent."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def rest(self) -> None:
        """Nothing is to be said for now: as `close`."""
        self.close()

    def head(self, file: SealedFile) -> Standing | None:
        """Ask what the store has of a file; None when it never heard of it. Raises LinkError, RefusedError."""
        answer = self._request("HEAD", self._path("files", file))
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        _expect(answer, HTTPStatus.OK)
        offset, size = (_count(answer, name) for name in ("Upload-Offset", "Upload-Length"))
        return Standing(offset, size, answer.headers.get(STATE_HEADER) == "receipted")

    def create(self, file: SealedFile) -> None:
        """Create an upload, or declare it anew. Raises LinkError, RefusedError."""
        metadata = UploadMetadata(file_id=file.file_id.hex(), number=file.number, torn_bytes=file.torn_bytes)
        headers = {
            "Upload-Length": str(file.size_bytes),
            "Upload-Metadata": encode_metadata(metadata),
            "Content-Length": "0",
        }
        _expect(self._request("POST", f"{self._base}/files", headers), HTTPStatus.CREATED)

    def append(
        self, file: SealedFile, offset_bytes: int, may_send: Callable[[], bool], on_sent: Callable[[int], None]
    ) -> None:
        """Send the file from an offset to its end; with nothing left, ask the store to finish (SY-13).

        Args:
            file: What is sent.
            offset_bytes: Where the store stands.
            may_send: Asked before each buffer (SY-26).
            on_sent: Told the new offset after each buffer.

        Raises:
            StoppedError: `may_send` said no; the connection is gone.
            LinkError, RefusedError: As everywhere; LinkError also when the file fails in the middle.
            OSError: The file cannot be opened.
        """
        headers = {
            "Upload-Offset": str(offset_bytes),
            "Content-Type": OFFSET_CONTENT_TYPE,
            "Content-Length": str(file.size_bytes - offset_bytes),
        }
        descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            connection = self._begin("PATCH", self._path("files", file), headers)
            sender = PieceSender(connection.sock, descriptor, self._buffer)
            self._send_body(sender, (offset_bytes, file.size_bytes), may_send, on_sent)
        finally:
            os.close(descriptor)
        _expect(self._answer(connection), HTTPStatus.NO_CONTENT)

    def _send_body(
        self,
        sender: PieceSender,
        bounds: tuple[int, int],
        may_send: Callable[[], bool],
        on_sent: Callable[[int], None],
    ) -> None:
        offset, end = bounds
        while offset < end:
            if not may_send():
                self.close()
                raise StoppedError(f"stopped at byte {offset}")
            count = min(PIECE_BYTES, end - offset)
            try:
                sender.send(offset, count)
            except OSError as error:
                raise self._lost(error) from error
            offset += count
            self.sent_bytes += count
            on_sent(offset)

    def line(self) -> Line:
        """Over what kind of line the store is reached now; connects when there is no connection. Raises LinkError."""
        try:
            connection = self._connection or self._connect()
            own = connection.sock.getsockname()[0]
        except OSError as error:
            raise self._lost(error) from error
        return line_of(str(own))

    def inventory(self, held: Inventory) -> InventoryAnswer:
        """Tell the store what the unit holds, and hear what it has of it (SY-34). Raises LinkError, RefusedError."""
        answer = self._post(f"{self._base}/inventory", held.model_dump_json(exclude_none=True).encode())
        return _model(InventoryAnswer, answer)

    def report(self, seen_as: Witnessed, report: RecordReport) -> bytes:
        """Tell the store of one record; gives its signed statement. Raises LinkError, RefusedError."""
        return self._post(f"{self._base}/{seen_as.value}s", report.model_dump_json(exclude_none=True).encode()).body

    def time(self, nonce: bytes) -> bytes:
        """Ask for the store's time; gives a signed token. Raises LinkError, RefusedError."""
        answer = self._request("GET", f"{self._base}/time?nonce={nonce.hex()}")
        _expect(answer, HTTPStatus.OK)
        return answer.body

    def log(self, old_size: int) -> LogAnswer:
        """Ask how the log of receipts stands, and how it grew from a size (SY-42). Raises LinkError, RefusedError."""
        answer = self._request("GET", f"{self._base}/log?from={old_size}", body_bytes_max=JSON_BYTES_MAX)
        _expect(answer, HTTPStatus.OK)
        return _model(LogAnswer, answer)

    def log_place(self, file_id: bytes, size: int) -> LogPlace:
        """Ask where a file's receipt stands in the log of a size (SY-42). Raises LinkError, RefusedError."""
        answer = self._request("GET", f"{self._base}/log/{file_id.hex()}?size={size}", body_bytes_max=JSON_BYTES_MAX)
        _expect(answer, HTTPStatus.OK)
        return _model(LogPlace, answer)

    def document(self, kind: str, known: frozenset[str]) -> bytes | None:
        """Fetch the agency's newest document of a kind (SY-40).

        Args:
            kind: One of `sync.wire.DOCUMENT_KINDS`.
            known: SHA-256, hexadecimal, of those that need not be sent.

        Returns:
            The document; None when the newest is known.

        Raises:
            LinkError, RefusedError: As everywhere.
        """
        headers = {"If-None-Match": ", ".join(f'"{digest}"' for digest in sorted(known))} if known else {}
        answer = self._request("GET", f"{self._base}/documents/{kind}", headers)
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return None
        _expect(answer, HTTPStatus.OK)
        return answer.body

    def _post(self, path: str, body: bytes) -> Answer:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        connection = self._begin("POST", path, headers)
        try:
            connection.send(body)
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(error) from error
        answer = self._answer(connection, JSON_BYTES_MAX)
        _expect(answer, HTTPStatus.OK)
        return answer

    def receipt(self, file: SealedFile) -> bytes | None:
        """Fetch a file's receipt, transparent where the store can (SY-70). Raises LinkError, RefusedError."""
        answer = self._request("GET", f"{self._path('receipts', file)}?inclusion=1")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        _expect(answer, HTTPStatus.OK)
        return answer.body

    def _path(self, kind: str, file: SealedFile) -> str:
        return f"{self._base}/{kind}/{file.file_id.hex()}"

    def _request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body_bytes_max: int = RECEIPT_BYTES_MAX,
    ) -> Answer:
        return self._answer(self._begin(method, path, headers or {}), body_bytes_max)

    def _begin(self, method: str, path: str, headers: Mapping[str, str]) -> http.client.HTTPConnection:
        """Send a request's head, on the kept connection or, when that one is stale, on a new one."""
        try:
            connection = self._connection or self._connect()
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in {"Tus-Resumable": TUS_VERSION, **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(error) from error
        return connection

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_seconds)
        else:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout_seconds, context=self._tls
            )
        connection.connect()
        if isinstance(connection.sock, socket.socket):
            tune(connection.sock, self._rate, hurried=self._hurried)
        self._connection = connection
        return connection

    def _answer(self, connection: http.client.HTTPConnection, body_bytes_max: int = RECEIPT_BYTES_MAX) -> Answer:
        try:
            response = connection.getresponse()
            body = response.read(body_bytes_max + 1)
            headers = {name.title(): value for name, value in response.headers.items()}
            answer = Answer(response.status, headers, body)
            if not response.isclosed() or response.will_close:
                self.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._lost(error) from error
        return answer

    def _lost(self, error: Exception) -> LinkError:
        self.close()
        return LinkError(f"store {self._host}: {type(error).__name__} {error}")


def tls_context(paths: SyncPaths) -> ssl.SSLContext:
    """Make the unit's end of mutual TLS 1.3, trusting the agency's CA alone (SY-1); raises ConfigurationError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_verify_locations(paths.agency_ca)
        context.load_cert_chain(paths.link_certificate, paths.link_key)
    except (OSError, ssl.SSLError) as error:
        detail = f"{paths.agency_ca}, {paths.link_certificate}, {paths.link_key}: {error}"
        raise ConfigurationError(f"link key or certificates cannot be used ({detail}); enrol the unit") from error
    return context


def _count(answer: Answer, name: str) -> int:
    try:
        return non_negative(answer.headers, name)
    except WireError as error:
        raise LinkError(f"the store's answer cannot be used: {error}") from error


def _model(kind: type[Model], answer: Answer) -> Model:
    try:
        return kind.model_validate_json(answer.body)
    except ValidationError as error:
        raise LinkError(f"the store's {kind.__name__} cannot be used: {error}") from error


def _expect(answer: Answer, status: HTTPStatus) -> None:
    if answer.status == status:
        return
    try:
        detail = Problem.model_validate_json(answer.body).detail
    except ValidationError:
        detail = ""
    raise RefusedError(answer.status, answer.headers.get(REASON_HEADER, ""), detail, _retry_after(answer))


def _retry_after(answer: Answer) -> int:
    try:
        return min(non_negative(answer.headers, "Retry-After"), _RETRY_AFTER_SECONDS_MAX)
    except WireError:
        return 0
