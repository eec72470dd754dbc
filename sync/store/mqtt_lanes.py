"""Uploads over MQTT while they are open: what comes of each file, in order, into its part and at last to a promise.

Rules of this module: asyncio only; which bytes are taken is decided by `sync.mqtt.receiver`, what blocks runs in
threads, one thread at a time for each upload. An upload is held like one over HTTP (`uploads`), so that whichever line
speaks last has it, and goes on with what is there.
"""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from sync.errors import StoreError
from sync.mqtt.bodies import UploadOffer, UploadStanding, encode
from sync.mqtt.receiver import Receiver, Verdict
from sync.mqtt.window import UPLOADS_MAX, window_bytes
from sync.store.clerk import check_size
from sync.store.intake import Upload
from sync.store.mqtt_answers import Answers
from sync.store.refusals import Explained, RefusedError, busy, refusal_of
from sync.store.uploads import ActiveUploads
from sync.store.vault import Declaration, Name

_HELD_AS: Final = "mqtt"
_QUEUED_BEYOND_WINDOW_BYTES: Final = 1024 * 1024
_WAITING_MAX: Final = 4096
OF_A_UNIT_MAX: Final = 8
"""Uploads of one unit at a time: it sends one file after another, and what it left ends by itself."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a unit hears, and what it will know the answer by."""

    topic: str
    correlation: bytes


@dataclass(frozen=True, slots=True)
class _Init:
    box: Box
    offer: UploadOffer


@dataclass(frozen=True, slots=True)
class _Chunk:
    offset_bytes: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Fin:
    pass


Say = Callable[[Box, int, str, bytes], None]
"""Takes where to, status, reason and body."""
Refuse = Callable[[Box, RefusedError], None]


@dataclass
class _Lane:
    """One file's way."""

    name: Name
    waiting: deque[_Init | _Chunk | _Fin] = field(default_factory=deque)
    waiting_bytes: int = 0
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False
    box: Box = field(default_factory=lambda: Box("", b""))
    window: int = 0

    def put(self, item: _Init | _Chunk | _Fin) -> None:
        """Have something done when its turn comes; what is more than a window could bring is dropped."""
        if len(self.waiting) >= _WAITING_MAX:
            return
        if isinstance(item, _Chunk):
            if self.waiting_bytes + len(item.data) > self.window + _QUEUED_BEYOND_WINDOW_BYTES:
                return
            self.waiting_bytes += len(item.data)
        elif self.waiting and type(self.waiting[-1]) is type(item):
            # The same asked twice is answered once, where the newest wants it.
            self.waiting.pop()
        self.waiting.append(item)
        self.woken.set()

    def end(self) -> None:
        """Somebody else has the upload now."""
        self.ended = True
        self.woken.set()

    def offered(self) -> _Init | None:
        """The next `init` that waits; what stands before it belongs to an upload that has ended."""
        while self.waiting and not self.ended:
            item = self.waiting.popleft()
            if isinstance(item, _Init):
                return item
            if isinstance(item, _Chunk):
                self.waiting_bytes -= len(item.data)
        return None

    async def next(self, idle_seconds: float) -> _Init | _Fin | list[_Chunk] | None:
        """What is to be done next, bytes together; None when nothing came for so long, or it has ended."""
        try:
            async with asyncio.timeout(idle_seconds):
                while not self.waiting and not self.ended:
                    self.woken.clear()
                    await self.woken.wait()
        except TimeoutError:
            return None
        if self.ended:
            return None
        first = self.waiting.popleft()
        if not isinstance(first, _Chunk):
            return first
        found = [first]
        while self.waiting and isinstance(self.waiting[0], _Chunk):
            following = self.waiting.popleft()
            if isinstance(following, _Chunk):
                found.append(following)
        self.waiting_bytes -= sum(len(one.data) for one in found)
        return found


class Lanes:
    """The uploads that go on over MQTT.

    Args:
        answers: Lets units in and answers about files.
        uploads: Who has which upload, over whichever line.
        worker: This process's name.
        say: Sends an answer.
        refuse: Sends a refusal.
        idle_seconds: An upload on which nothing comes for so long is closed; what came is kept.
    """

    def __init__(
        self,
        answers: Answers,
        uploads: ActiveUploads,
        worker: str,
        say: Say,
        refuse: Refuse,
        idle_seconds: float,
    ) -> None:
        self._answers = answers
        self._clerk = answers.clerk
        self._uploads = uploads
        self._worker = worker
        self._say = say
        self._refuse = refuse
        self._idle_seconds = idle_seconds
        self._lanes: dict[Name, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.received_bytes = 0

    def init(self, name: Name, box: Box, offer: UploadOffer) -> None:
        """A unit offers a file, or asks again where it is (SY-48)."""
        lane = self._lanes.get(name)
        if lane is None or lane.ended:
            if sum(one.device_id == name.device_id for one in self._lanes) >= OF_A_UNIT_MAX:
                self._refuse(box, busy(f"{OF_A_UNIT_MAX} uploads of {name.device_id} go on already"))
                return
            if len(self._tasks) >= 2 * UPLOADS_MAX:
                self._refuse(box, busy(f"{UPLOADS_MAX} uploads go on already"))
                return
            lane = self._lanes[name] = _Lane(name)
            task = asyncio.get_running_loop().create_task(self._run(lane), name=f"mqtt-{name.file_id[:8]}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        lane.put(_Init(box, offer))

    def chunk(self, name: Name, offset_bytes: int, data: bytes) -> None:
        """Bytes came; of a file that is not open here they are dropped, which the unit finds out (SY-48)."""
        if (lane := self._lanes.get(name)) is not None:
            lane.put(_Chunk(offset_bytes, data))

    def fin(self, name: Name) -> bool:
        """Every byte was sent; says whether the upload is open here."""
        lane = self._lanes.get(name)
        if lane is not None:
            lane.put(_Fin())
        return lane is not None

    async def close(self) -> None:
        """End all of them; what came is kept."""
        for lane in self._lanes.values():
            lane.end()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, lane: _Lane) -> None:
        try:
            while (first := lane.offered()) is not None:
                await self._upload(lane, first)
        finally:
            if self._lanes.get(lane.name) is lane:
                del self._lanes[lane.name]

    async def _upload(self, lane: _Lane, first: _Init) -> None:
        """From `init` to the promise, or until something is in the way."""
        lane.box = first.box
        try:
            if await asyncio.to_thread(self._settled, lane.name, first.offer):
                await self._tell_receipt(lane)
                return
            async with self._uploads.held(lane.name, lane.end, _HELD_AS, UPLOADS_MAX):
                upload = await asyncio.to_thread(self._open, lane.name, first.offer)
                try:
                    await self._serve(lane, upload)
                finally:
                    upload.close()
        except StoreError as error:
            self._refuse(lane.box, RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "store", str(error)))
        except Explained as error:
            self._refuse(lane.box, refusal_of(error, f"upload of {lane.name.file_id}"))

    def _settled(self, name: Name, offer: UploadOffer) -> bool:
        self._answers.admit(name.device_id)
        check_size(offer.size_bytes)
        return self._clerk.settled(name, offer.size_bytes)

    def _open(self, name: Name, offer: UploadOffer) -> Upload:
        wanted = Declaration(size_bytes=offer.size_bytes, number=offer.number, torn_bytes=offer.torn_bytes)
        self._clerk.declare(name, wanted)
        return self._clerk.open(name)

    async def _serve(self, lane: _Lane, upload: Upload) -> None:
        lane.window = 0
        lane.window = window_bytes(sum(one.window > 0 for one in self._lanes.values()) + 1)
        receiver = Receiver(upload.declaration.size_bytes, upload.offset, lane.window)
        self._tell(lane, upload)
        while (item := await lane.next(self._idle_seconds)) is not None:
            if isinstance(item, _Init):
                if item.offer.size_bytes != upload.declaration.size_bytes:
                    lane.waiting.appendleft(item)
                    return
                lane.box = item.box
                self._tell(lane, upload)
            elif isinstance(item, list):
                await self._take(lane, upload, receiver, item)
            elif receiver.complete:
                await asyncio.to_thread(self._clerk.finish, upload)
                await self._tell_receipt(lane)
                return
            elif receiver.misfit() is Verdict.DROP_AND_SAY:
                self._tell(lane, upload, gap=True)

    async def _take(self, lane: _Lane, upload: Upload, receiver: Receiver, chunks: list[_Chunk]) -> None:
        """SY-47."""
        pieces, gap = [], False
        for one in chunks:
            verdict = receiver.came(one.offset_bytes, len(one.data))
            if verdict is Verdict.TAKE:
                pieces.append(one.data)
            gap = verdict is Verdict.DROP_AND_SAY or (gap and verdict is Verdict.DROP)
        if pieces:
            await asyncio.to_thread(upload.append, *pieces)
            self.received_bytes += sum(map(len, pieces))
        if receiver.wrote(upload.offset) or gap:
            self._tell(lane, upload, gap=gap)

    def _tell(self, lane: _Lane, upload: Upload, *, gap: bool = False) -> None:
        standing = UploadStanding(
            state="partial",
            offset_bytes=upload.offset,
            size_bytes=upload.declaration.size_bytes,
            window_bytes=lane.window,
            worker=self._worker,
        )
        status, reason = (HTTPStatus.CONFLICT, "offset") if gap else (HTTPStatus.OK, "")
        self._say(lane.box, int(status), reason, encode(standing))

    async def _tell_receipt(self, lane: _Lane) -> None:
        """The promise itself, so that nobody has to ask for it (SY-23)."""
        receipt = await asyncio.to_thread(self._clerk.transparent_receipt, lane.name)
        size = await asyncio.to_thread(self._clerk.receipted_size, lane.name) or 0
        standing = UploadStanding(
            state="receipted",
            offset_bytes=size,
            size_bytes=size,
            worker=self._worker,
            receipt=base64.b64encode(receipt).decode(),
        )
        self._say(lane.box, int(HTTPStatus.OK), "", encode(standing))
