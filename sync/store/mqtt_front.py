"""The store's MQTT side: every message of a unit to whom it concerns, every answer to where it is wanted (section 9).

Rules of this module: asyncio only; reads topics and heads, decides nothing else. Who a message is from is what its
topic says, which the broker's ACL holds (SY-51); what it proves is proved by its own signatures.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Final, Protocol

from sync.errors import StoreError, WireError
from sync.mqtt import topics
from sync.mqtt.bodies import MESSAGE_BYTES_MAX, UploadOffer, decode
from sync.mqtt.properties import AnswerHead
from sync.mqtt.topics import Asked, Ended, Offered, Present, Sent
from sync.store.mqtt_answers import Answers
from sync.store.mqtt_lanes import Box, Lanes
from sync.store.refusals import Explained, RefusedError, busy, refusal_of
from sync.store.uploads import ActiveUploads
from sync.store.vault import Name
from sync.wire import Problem

log = logging.getLogger(__name__)

QUESTIONS_MAX: Final = 512
"""Questions that are being answered at a time; beyond it 503."""
_PRESENCES_MAX: Final = 512
_METHOD: Final = "MQTT"
_CHUNKS_ARE_SLOWER: Final = 4


class Speaker(Protocol):
    """Sends answers."""

    @property
    def is_up(self) -> bool:
        """Whether units are heard now."""
        ...

    def publish(self, topic: str, body: bytes, head: AnswerHead) -> None:
        """Send one; a broken line loses it, and the unit asks again."""
        ...


class MqttFront:
    """Takes what comes from units.

    Args:
        answers: The store's answers.
        uploads: Who has which upload, over whichever line.
        worker: This process's name.
        speaker: Sends answers.
        idle_seconds: Longest stillness of a body over HTTP; an upload here is closed after four times that.
    """

    def __init__(
        self, answers: Answers, uploads: ActiveUploads, worker: str, speaker: Speaker, idle_seconds: float
    ) -> None:
        self._answers = answers
        self._speaker = speaker
        self._tasks: set[asyncio.Task[None]] = set()
        self.answered: Counter[tuple[str, int, str]] = Counter()
        """Questions and refusals by method, status and reason; what is said while bytes come is not counted."""
        # A body of HTTP trickles; of a chunk nothing is seen before its last byte.
        self.lanes = Lanes(answers, uploads, worker, self._say, self._refuse, _CHUNKS_ARE_SLOWER * idle_seconds)

    @property
    def is_up(self) -> bool:
        """Whether units are heard now."""
        return self._speaker.is_up

    @property
    def received_bytes(self) -> int:
        """Bytes of files taken."""
        return self.lanes.received_bytes

    def take(self, topic: str, body: bytes, wanted: tuple[str, bytes] | None) -> None:
        """Take a message (SY-44, SY-45).

        Args:
            topic: Where it came.
            body: What it carries.
            wanted: Response Topic and Correlation Data; None: no answer is wanted.
        """
        try:
            self._dispatch(topics.read_upward(topic), body, wanted)
        except WireError as error:
            log.info("a message was dropped: %s", error)

    async def close(self) -> None:
        """Bring to an end what goes on."""
        await self.lanes.close()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _dispatch(self, said: topics.Upward, body: bytes, wanted: tuple[str, bytes] | None) -> None:
        if isinstance(said, Sent):
            self.lanes.chunk(Name(said.device_id, said.file_id), said.offset_bytes, body)
            return
        if isinstance(said, Present):
            if body and len(self._tasks) < _PRESENCES_MAX:
                self._start(self._present(said, body))
            return
        if wanted is None:
            raise WireError(f"{type(said).__name__} of {said.device_id} names no place for an answer")
        box = Box(topics.check_box(said.device_id, wanted[0]), wanted[1])
        if isinstance(said, Offered):
            self._offered(said, body, box)
        elif isinstance(said, Ended):
            if not self.lanes.fin(Name(said.device_id, said.file_id)):
                self._refuse(
                    box, RefusedError(HTTPStatus.NOT_FOUND, "no-upload", f"no upload {said.file_id} is open here")
                )
        elif len(self._tasks) >= QUESTIONS_MAX:
            self._refuse(box, busy(f"{QUESTIONS_MAX} questions are being answered"))
        else:
            self._start(self._answer(said, body, box))

    def _offered(self, said: Offered, body: bytes, box: Box) -> None:
        try:
            offer = decode(UploadOffer, body)
        except WireError as error:
            self._refuse(box, refusal_of(error, "init"))
            return
        self.lanes.init(Name(said.device_id, said.file_id), box, offer)

    async def _answer(self, asked: Asked, body: bytes, box: Box) -> None:
        try:
            if len(body) > MESSAGE_BYTES_MAX:
                raise WireError(f"{len(body)} bytes are more than {MESSAGE_BYTES_MAX}")
            status, said = await asyncio.to_thread(self._answers.answer, asked.device_id, asked.question, body)
        except StoreError as error:
            self._refuse(box, RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "store", str(error)))
        except Explained as error:
            self._refuse(box, refusal_of(error, f"«{asked.question.value}» of {asked.device_id}"))
        else:
            self.answered[_METHOD, status, ""] += 1
            self._say(box, status, "", said)

    async def _present(self, said: Present, body: bytes) -> None:
        try:
            await asyncio.to_thread(self._answers.present, said.device_id, body)
        except Explained as error:
            log.info("the presence of %s was dropped: %s", said.device_id, error)

    def _say(self, box: Box, status: int, reason: str, body: bytes) -> None:
        self._speaker.publish(box.topic, body, AnswerHead(box.correlation, status, reason))

    def _refuse(self, box: Box, refused: RefusedError) -> None:
        log.info("refused over MQTT: %s", refused)
        self.answered[_METHOD, refused.status, refused.code] += 1
        wait = int(refused.headers.get("Retry-After", "0"))
        body = Problem(code=refused.code, detail=refused.detail).model_dump_json().encode()
        self._speaker.publish(box.topic, body, AnswerHead(box.correlation, refused.status, refused.code, wait))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
