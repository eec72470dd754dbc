"""Trying the unit's key and its way to the agency's store, for `recorder doctor`.

Rules of this module: signs a sentence of its own, asks the store for its time over the link's own certificates; sends
nothing that was recorded.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography import x509

from agent.config import AgentConfig, KeysTable
from agent.device_key import close_device_key
from agent.doctor_values import Finding, Outcome
from agent.errors import IdentityError
from agent.provisioning import UnitFolders, load_identity, load_recipients
from hal.drivers.system_clock import SystemClock
from sealing import cose
from sealing.errors import SealingError
from sealing.identity import DeviceIdentity
from sealing.limits import KEY_ID_BYTES
from sealing.receipts import receipt_key
from sync.errors import SyncError, WireError
from sync.unit.config import SyncPaths
from sync.unit.lines_to_store import line_to
from sync.unit.transport import Transport
from sync.witness import NONCE_BYTES, verify_time

_SENTENCE_BYTES: Final = 32
_DOCTOR: Final = cose.Context(b"recorder doctor")
"""So that what the doctor has signed can never stand for anything else."""
_ANSWER_SECONDS: Final = 10.0


def try_key(folders: UnitFolders, device_id: str, keys: KeysTable) -> Finding:
    """Sign something and verify it, and see that the agency's recipients can be used."""
    text = b"recorder doctor " + secrets.token_bytes(_SENTENCE_BYTES)
    try:
        identity = load_identity(folders, device_id, keys)
        recipients = load_recipients(folders)
        _sign(identity, text)
    except (IdentityError, SealingError) as error:
        return Finding("key", Outcome.FAIL, str(error))
    return Finding("key", Outcome.PASS, f"{keys.signer}: signed and verified; {len(recipients)} recipients")


def _sign(identity: DeviceIdentity, text: bytes) -> None:
    signer = identity.signer
    try:
        signed = cose.encode_sign1(signer.algorithm, bytes(KEY_ID_BYTES), text, _DOCTOR, signer.sign)
        public = identity.family.device_key(signer.public_key_der())
        cose.verify_sign1(cose.decode_sign1(signed), _DOCTOR, public)
    finally:
        close_device_key(signer)


def try_store(config: AgentConfig, answer_seconds: float = _ANSWER_SECONDS) -> Finding:
    """Ask the store for its time, over every line that is configured; each has so long to answer."""
    urls = [one for one in (config.sync.store_url, config.sync.mqtt_url) if one is not None]
    if not urls:
        return Finding("store", Outcome.SKIPPED, "sync.store_url is absent: the unit uploads nothing")
    paths = SyncPaths(config.unit.state_directory, config.unit.run_directory)
    now_ns, store_id = SystemClock().boottime_ns, ""
    for url in urls:
        try:
            store_id = _asked(line_to(url, config.unit.device_id, paths, now_ns, answer_seconds), paths)
        except (SyncError, SealingError, OSError, ValueError) as error:
            return Finding("store", Outcome.FAIL, f"{url}: {error}")
    return Finding("store", Outcome.PASS, f"{', '.join(urls)}: {store_id} answered with a time that it signed")


def _asked(client: Transport, paths: SyncPaths) -> str:
    """Ask for a fresh, signed time; gives the store's id."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    try:
        answer = client.time(nonce)
    finally:
        client.close()
    certificate = x509.load_pem_x509_certificate(paths.receipt_certificate.read_bytes())
    token = verify_time(answer, receipt_key(certificate))
    if token.nonce != nonce:
        raise WireError("the store answered an older question; nobody on the way may keep answers")
    return token.store_id
