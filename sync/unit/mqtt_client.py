"""The unit's end of the protocol over MQTT (PROTOCOL.md, section 9): files by go-back-N, questions one at a time.

Rules of this module: what to send next is decided by `sync.mqtt.sender`, the connection is `broker_link`'s; here both
are brought together with the file. No attempt is made twice beyond what the sender says.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, ValidationError

from sync.errors import WireError
from sync.mqtt import bodies, topics
from sync.mqtt.bodies import DocumentQuestion, LogQuestion, PlaceQuestion, ReceiptQuestion, TimeQuestion, UploadOffer
from sync.mqtt.sender import Chunk, Done, Fin, Init, Lost, Sender, Step, Wait
from sync.mqtt.topics import Question
from sync.secrecy import Line
from sync.unit.broker_link import BrokerLink, Heard
from sync.unit.client import LinkError, RefusedError, StoppedError
from sync.unit.spool import SealedFile
from sync.unit.transport import Standing
from sync.wire import Inventory, InventoryAnswer, LogAnswer, LogPlace, Problem, RecordReport
from sync.witness import Witnessed

ANSWER_SECONDS: Final = 10.0
"""Longest wait for the answer to a question."""
_PATIENCE_SECONDS: Final = 0.2
"""Longest wait before it is looked whether sending may go on (SY-26)."""
_CHUNK_BYTES_MIN: Final = 4 * 1024
_STEP_BYTES: Final = 256 * 1024
"""As often `may_send` is asked, and `on_sent` told."""
_NS: Final = 1_000_000_000
_UPLOAD: Final = b"f"
_QUESTION: Final = b"q"


class MqttStoreClient:
    """Speaks to one store for one unit through a broker; one thread.

    Args:
        link: The connection.
        device_id: This unit.
        now_ns: Monotonic time.
        answer_seconds: Longest wait for an answer.
    """

    def __init__(
        self,
        link: BrokerLink,
        device_id: str,
        now_ns: Callable[[], int],
        *,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._link = link
        self._device_id = device_id
        self._now_ns = now_ns
        self._answer_seconds = answer_seconds
        self._asked = 0
        self._round = 0
        self._box = ""
        self._unsent_bytes = 0
        self._upload: tuple[bytes, Sender] | None = None
        self._receipt: tuple[bytes, bytes] | None = None
        self._worker = (b"", "")
        self.sent_bytes = 0
        """Bytes of files given to the line so far, repeated ones included."""

    @property
    def rate_bytes_per_second(self) -> int | None:
        """Pace that uploads are held to while there is time; None: none."""
        return self._link.rate_bytes_per_second

    def hurry(self, wanted: bool) -> None:
        """Lift the pace and the low class of the line, or put them back (SY-41)."""
        self._link.hurry(wanted)

    def close(self) -> None:
        """Drop the connection. Idempotent."""
        self._upload = None
        self._link.close()

    def rest(self) -> None:
        """Nothing is to be said for now."""
        self.close()

    def line(self) -> Line:
        """Over what kind of line the broker is reached now; connects when there is no connection. Raises LinkError."""
        return self._link.line()

    def head(self, file: SealedFile) -> Standing | None:
        """Offer a file and hear what the store has of it (SY-48). Raises LinkError, RefusedError."""
        sender = self._begin(file)
        while (standing := sender.standing) is None:
            step = sender.next(self._now_ns())
            if isinstance(step, Done):
                return Standing(file.size_bytes, file.size_bytes, receipted=True)
            self._do(file, step)
            self._hear(file, sender)
        return Standing(standing.offset_bytes, standing.size_bytes, receipted=False)

    def create(self, file: SealedFile) -> None:
        """Nothing: over MQTT asking declares."""

    def append(
        self, file: SealedFile, offset_bytes: int, may_send: Callable[[], bool], on_sent: Callable[[int], None]
    ) -> None:
        """Send the file to its end and have the store finish (SY-13, SY-46).

        Args:
            file: What is sent.
            offset_bytes: Where the store stood; the store's own word governs where it has moved since.
            may_send: Asked at least every 256 KiB, and while waiting (SY-26).
            on_sent: Told the new offset as often.

        Raises:
            StoppedError: `may_send` said no; the connection is gone, with what waited in it.
            LinkError, RefusedError, OSError: As everywhere; OSError when the file cannot be read.
        """
        sender = self._going_on(file)
        descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        looked = -_STEP_BYTES
        try:
            while not isinstance(step := sender.next(self._now_ns()), Done):
                if not isinstance(step, Chunk) or not 0 <= step.offset_bytes - looked < _STEP_BYTES:
                    looked = step.offset_bytes if isinstance(step, Chunk) else looked
                    self._look(offset_bytes if looked < 0 else looked, may_send, on_sent)
                self._do(file, step, descriptor)
                self._drain(sender, may_send)
                self._hear(file, sender)
        finally:
            os.close(descriptor)
        on_sent(file.size_bytes)

    def receipt(self, file: SealedFile) -> bytes | None:
        """Give the receipt that came with the store's last word, or fetch it. Raises LinkError, RefusedError."""
        if self._receipt is not None and self._receipt[0] == file.file_id:
            return self._receipt[1]
        found = self._ask(Question.RECEIPT, ReceiptQuestion(file_id=file.file_id.hex()))
        if found.head.status == HTTPStatus.NOT_FOUND:
            return None
        return _expected(found)

    def inventory(self, held: Inventory) -> InventoryAnswer:
        """Tell the store what the unit holds, and hear what it has of it (SY-34). Raises LinkError, RefusedError."""
        return _body(InventoryAnswer, _expected(self._ask(Question.INVENTORY, held)))

    def report(self, seen_as: Witnessed, report: RecordReport) -> bytes:
        """Tell the store of one record; gives its signed statement. Raises LinkError, RefusedError."""
        question = Question.ALERT if seen_as is Witnessed.ALERT else Question.HEAD
        return _expected(self._ask(question, report))

    def time(self, nonce: bytes) -> bytes:
        """Ask for the store's time; gives a signed token. Raises LinkError, RefusedError."""
        return _expected(self._ask(Question.TIME, TimeQuestion(nonce=nonce.hex())))

    def log(self, old_size: int) -> LogAnswer:
        """Ask how the log of receipts stands, and how it grew from a size (SY-42). Raises LinkError, RefusedError."""
        return _body(LogAnswer, _expected(self._ask(Question.LOG, LogQuestion(from_size=old_size))))

    def log_place(self, file_id: bytes, size: int) -> LogPlace:
        """Ask where a file's receipt stands in the log of a size (SY-42). Raises LinkError, RefusedError."""
        asked = PlaceQuestion(file_id=file_id.hex(), size=size)
        return _body(LogPlace, _expected(self._ask(Question.LOG_PLACE, asked)))

    def document(self, kind: str, known: frozenset[str]) -> bytes | None:
        """Fetch the agency's newest document of a kind, unless it is known (SY-40). Raises LinkError, RefusedError."""
        found = self._ask(Question.DOCUMENT, DocumentQuestion(kind=kind, known=tuple(sorted(known))))
        return None if found.head.status == HTTPStatus.NOT_MODIFIED else _expected(found)

    def _begin(self, file: SealedFile) -> Sender:
        """SY-48: a connection's every upload begins with `init`, in a round that was not used on it before."""
        self._link.open()
        self._receipt = None
        if self._upload is not None:
            self._round = self._upload[1].round
        self._round += 1
        # At a pace that is set, no chunk takes longer than a second: a store closes what brings nothing for long.
        paced = max(_CHUNK_BYTES_MIN, self.rate_bytes_per_second or bodies.CHUNK_BYTES)
        chunk_bytes = min(bodies.CHUNK_BYTES, paced, self._link.limits.body_bytes)
        worker = self._worker[1] if self._worker[0] == file.file_id else None
        sender = Sender(file.size_bytes, self._now_ns(), self._round, chunk_bytes, worker)
        self._upload, self._box = (file.file_id, sender), self._link.box
        return sender

    def _going_on(self, file: SealedFile) -> Sender:
        """The sender that `head` has begun, as long as the connection is the same."""
        if self._upload is not None and self._upload[0] == file.file_id and self._box == self._link.box:
            return self._upload[1]
        return self._begin(file)

    def _do(self, file: SealedFile, step: Step, descriptor: int | None = None) -> None:
        match step:
            case Init(round=number, worker=worker):
                offer = UploadOffer(number=file.number, size_bytes=file.size_bytes, torn_bytes=file.torn_bytes)
                topic = topics.init_topic(self._device_id, worker or topics.ANY, file.file_id.hex())
                self._link.publish(topic, bodies.encode(offer), _correlation(number))
            case Chunk(worker=worker, offset_bytes=offset, size_bytes=count) if descriptor is not None:
                data = os.pread(descriptor, count, offset)
                if len(data) != count:
                    self.close()
                    raise LinkError(f"the file ends at byte {offset + len(data)}, before its size of {file.size_bytes}")
                self._link.publish(topics.chunk_topic(self._device_id, worker, file.file_id.hex(), offset), data)
                self.sent_bytes += count
            case Fin(round=number, worker=worker):
                topic = topics.fin_topic(self._device_id, worker, file.file_id.hex())
                self._link.publish(topic, b"", _correlation(number))
            case Wait(until_ns=until):
                self._link.pump(max(0.0, min(_PATIENCE_SECONDS, (until - self._now_ns()) / _NS)))
            case Lost():
                self.close()
                raise LinkError("the store does not answer through the broker")
            case _:
                return

    def _look(self, offset: int, may_send: Callable[[], bool], on_sent: Callable[[int], None]) -> None:
        """SY-26."""
        if not may_send():
            self.close()
            raise StoppedError(f"stopped at byte {offset}")
        if offset:
            on_sent(offset)

    def _drain(self, sender: Sender, may_send: Callable[[], bool]) -> None:
        """Let the kernel take what was handed over, so that little is lost when sending has to stop (SY-26)."""
        self._link.pump(0)
        self._watch(sender)
        while self._link.is_writing:
            self._link.pump(_PATIENCE_SECONDS)
            self._watch(sender)
            if not may_send():
                self.close()
                raise StoppedError("stopped while the line was full")

    def _watch(self, sender: Sender) -> None:
        """A line that takes bytes is alive, however long the store's word is on its way (SY-48)."""
        left = self._link.unsent_bytes()
        if left < self._unsent_bytes:
            sender.moved(self._now_ns())
        self._unsent_bytes = left

    def _hear(self, file: SealedFile, sender: Sender) -> None:
        """Take every answer that has come (SY-47)."""
        while self._link.heard:
            one = self._link.heard.popleft()
            if one.head.correlation == _correlation(sender.round):
                self._take(file, sender, one)

    def _take(self, file: SealedFile, sender: Sender, one: Heard) -> None:
        status, reason = one.head.status, one.head.reason
        if status == HTTPStatus.NOT_FOUND:
            sender.forgotten(sender.round)
            return
        gap = status == HTTPStatus.CONFLICT and reason == "offset"
        if status != HTTPStatus.OK and not gap:
            raise _refusal(one)
        standing = _body(bodies.UploadStanding, one.body)
        try:
            receipt = standing.receipt_bytes()
        except WireError as error:
            raise LinkError(f"the store's answer cannot be used: {error}") from error
        if receipt is not None:
            self._receipt = (file.file_id, receipt)
        self._worker = (file.file_id, standing.worker)
        sender.heard(sender.round, standing, self._now_ns(), gap=gap)

    def _ask(self, question: Question, body: BaseModel) -> Heard:
        """Ask, and wait for the answer; others' are dropped, for nobody waits for them any more. Raises LinkError."""
        self._link.open()
        self._asked += 1
        correlation = _QUESTION + self._asked.to_bytes(8)
        self._link.publish(topics.question_topic(self._device_id, question), bodies.encode(body), correlation)
        deadline_ns = self._now_ns() + int(self._answer_seconds * _NS)
        while (left := deadline_ns - self._now_ns()) > 0:
            self._link.pump(left / _NS)
            while self._link.heard:
                if (one := self._link.heard.popleft()).head.correlation == correlation:
                    return one
        self._link.close()
        raise LinkError(f"the store did not answer «{question.value}» within {self._answer_seconds:.0f} s")


def _correlation(number: int) -> bytes:
    return _UPLOAD + number.to_bytes(8)


def _expected(answer: Heard) -> bytes:
    if answer.head.status != HTTPStatus.OK:
        raise _refusal(answer)
    return answer.body


def _refusal(answer: Heard) -> RefusedError:
    try:
        detail = Problem.model_validate_json(answer.body).detail
    except ValidationError:
        detail = ""
    head = answer.head
    return RefusedError(head.status, head.reason, detail, head.retry_after_seconds)


def _body(kind: type[bodies.Model], data: bytes) -> bodies.Model:
    try:
        return bodies.decode(kind, data)
    except WireError as error:
        raise LinkError(f"the store's answer cannot be used: {error}") from error
