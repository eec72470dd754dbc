"""The store's HTTP side of the log of receipts: how it stands, and what is in it (SY-42).

Rules of this module: handlers only; what blocks runs in threads.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from sync.checkpoint import Checkpoint, origin_of, sign_checkpoint
from sync.errors import WireError
from sync.merkle import ProofError
from sync.store import receipt_log
from sync.store.intake import Intake, ReceiptSigner
from sync.store.refusals import RefusedError
from sync.wire import LogAnswer, LogPlace, file_id_of, non_negative


class LogDesk:
    """Handlers for the log of receipts.

    Args:
        intake: Has the database and the receipt key.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def routes(self) -> list[web.RouteDef]:
        """The paths that it answers."""
        return [
            web.get("/v1/{device}/log", self.log),
            web.get("/v1/{device}/log/{id}", self.place),
        ]

    async def log(self, request: web.Request) -> web.Response:
        """Say how the log stands, and prove that it grew out of what the unit saw before."""
        old_size = non_negative(request.query, "from")
        return _json((await asyncio.to_thread(self.stands, old_size)).model_dump_json())

    def stands(self, old_size: int) -> LogAnswer:
        """How the log stands, and that it grew out of its first so many. Blocks. Raises WireError."""
        with self._intake.ledger.transaction() as connection:
            grown = receipt_log.grown(connection, old_size)
        note = signed(self._intake.signer, grown)
        return LogAnswer(checkpoint=note.decode(), consistency=tuple(one.hex() for one in grown.proof))

    async def place(self, request: web.Request) -> web.Response:
        """Prove that a receipt is in the log of a size."""
        file_id = bytes.fromhex(file_id_of(request.match_info["id"]))
        size = non_negative(request.query, "size")
        found = await asyncio.to_thread(self.placed, request.match_info["device"], file_id, size)
        return _json(found.model_dump_json())

    def placed(self, device_id: str, file_id: bytes, size: int) -> LogPlace:
        """Where a file's receipt stands in the log of a size. Blocks. Raises WireError, RefusedError."""
        if size == 0:
            raise WireError("size is 0; an empty log holds no receipt")
        try:
            with self._intake.ledger.transaction() as connection:
                index, proof = receipt_log.inclusion(connection, device_id, file_id, size)
        except ProofError as error:
            raise RefusedError(HTTPStatus.NOT_FOUND, "no-receipt", str(error)) from error
        return LogPlace(leaf_index=index, size=size, inclusion=tuple(one.hex() for one in proof))


def signed(signer: ReceiptSigner, grown: receipt_log.Grown) -> bytes:
    """Sign how the log stands."""
    checkpoint = Checkpoint(origin_of(signer.store_id), grown.size, grown.root)
    return sign_checkpoint(
        checkpoint, signer.key.public_key(), lambda message: signer.key.sign(message, ec.ECDSA(SHA256()))
    )


def _json(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json", headers={"Cache-Control": "no-store"})
