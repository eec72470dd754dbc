"""The store's answers to what a unit asks and tells over MQTT: the same as over HTTP, by the same code (section 9).

Rules of this module: blocking; bodies in, status and body out, or an error that `refusals` has an answer for.
"""

from __future__ import annotations

from http import HTTPStatus

from sync.mqtt.bodies import (
    DocumentQuestion,
    LogQuestion,
    PlaceQuestion,
    ReceiptQuestion,
    TimeQuestion,
    decode,
    encode,
)
from sync.mqtt.topics import Question
from sync.presence import decode_presence
from sync.store.clerk import Clerk, admit
from sync.store.desk import Desk
from sync.store.log_desk import LogDesk
from sync.store.presences import Presences
from sync.store.register import Register
from sync.store.vault import Name
from sync.wire import Inventory, RecordReport
from sync.witness import Witnessed

Answer = tuple[int, bytes]


class Answers:
    """Answers for one store.

    Args:
        clerk: Answers about files.
        register: Where what units tell is kept.
    """

    def __init__(self, clerk: Clerk, register: Register) -> None:
        self.clerk = clerk
        self._intake = clerk.intake
        self._register = register
        self._desk = Desk(clerk.intake, register)
        self._log = LogDesk(clerk.intake)
        self._presences = Presences(clerk.intake.ledger)

    def admit(self, device_id: str) -> None:
        """Let a unit in, and remember that it was heard (SY-36, SY-51). Raises RefusedError."""
        admit(self._intake.ledger, device_id)
        self._register.heard(device_id, self._intake.now_utc_ns())

    def present(self, device_id: str, body: bytes) -> None:
        """Keep what a unit says of itself. Raises RefusedError, WireError."""
        admit(self._intake.ledger, device_id)
        self._presences.tell(device_id, decode_presence(body), self._intake.now_utc_ns())

    def answer(self, device_id: str, question: Question, body: bytes) -> Answer:
        """Answer a question.

        Args:
            device_id: Who asks, by its topic.
            question: What.
            body: With which.

        Returns:
            Status and body.

        Raises:
            RefusedError: The protocol refuses it.
            WireError: The body is none of this question's.
            OSError: The disk failed.
        """
        self.admit(device_id)
        match question:
            case Question.INVENTORY:
                return _ok(encode(self.clerk.inventory(device_id, decode(Inventory, body))))
            case Question.HEAD:
                return _ok(self._desk.witnessed(device_id, Witnessed.HEAD, decode(RecordReport, body)))
            case Question.ALERT:
                return _ok(self._desk.witnessed(device_id, Witnessed.ALERT, decode(RecordReport, body)))
            case Question.TIME:
                nonce = bytes.fromhex(decode(TimeQuestion, body).nonce)
                return _ok(self._desk.witnesses.time(device_id, nonce))
            case Question.LOG:
                return _ok(encode(self._log.stands(decode(LogQuestion, body).from_size)))
            case Question.LOG_PLACE:
                asked = decode(PlaceQuestion, body)
                return _ok(encode(self._log.placed(device_id, bytes.fromhex(asked.file_id), asked.size)))
            case Question.DOCUMENT:
                return self._document(decode(DocumentQuestion, body))
            case Question.RECEIPT:
                return _ok(self.clerk.transparent_receipt(Name(device_id, decode(ReceiptQuestion, body).file_id)))

    def _document(self, asked: DocumentQuestion) -> Answer:
        """SY-40."""
        found = self._desk.newest(asked.kind)
        if found.digest.hex() in asked.known:
            return int(HTTPStatus.NOT_MODIFIED), b""
        return _ok(found.content)


def _ok(body: bytes) -> Answer:
    return int(HTTPStatus.OK), body
