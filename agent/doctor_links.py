"""Trying the unit's key and its way to the agency's store, for `recorder doctor`.

Rules of this module: signs a sentence of its own, asks the store for its time over the link's own certificates; sends
nothing that was recorded.
"""

from __future__ import annotations

import secrets
import ssl
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from agent.config import AgentConfig
from agent.doctor_values import Finding, Outcome
from agent.errors import IdentityError
from agent.provisioning import UnitFolders, load_identity, load_recipients
from sealing.cose import der_signature
from sealing.errors import SealingError
from sealing.receipts import receipt_key
from sync.errors import SyncError, WireError
from sync.unit.client import StoreClient, tls_context
from sync.unit.config import SyncPaths
from sync.witness import NONCE_BYTES, verify_time

_SENTENCE_BYTES: Final = 32
_ANSWER_SECONDS: Final = 10.0


def try_key(folders: UnitFolders, device_id: str) -> Finding:
    """Sign something and verify it, and see that the agency's recipients can be used."""
    text = b"recorder doctor " + secrets.token_bytes(_SENTENCE_BYTES)
    try:
        signer = load_identity(folders, device_id).signer
        recipients = load_recipients(folders)
        signature = der_signature(signer.sign(text))
        public = load_der_public_key(signer.public_key_der())
        if not isinstance(public, ec.EllipticCurvePublicKey):
            return Finding("key", Outcome.FAIL, "the device key is not on an elliptic curve")
        public.verify(signature, text, ec.ECDSA(SHA256()))
    except (IdentityError, SealingError) as error:
        return Finding("key", Outcome.FAIL, str(error))
    except InvalidSignature:
        return Finding("key", Outcome.FAIL, "what the device key signed does not verify")
    return Finding("key", Outcome.PASS, f"signed and verified; {len(recipients)} recipients")


def try_store(config: AgentConfig) -> Finding:
    """Ask the store for its time."""
    url = config.sync.store_url
    if url is None:
        return Finding("store", Outcome.SKIPPED, "sync.store_url is absent: the unit uploads nothing")
    paths = SyncPaths(config.unit.state_directory, config.unit.run_directory)
    try:
        store_id = _asked(StoreClient(url, config.unit.device_id, _tls(url, paths), None, _ANSWER_SECONDS), paths)
    except (SyncError, SealingError, OSError, ValueError) as error:
        return Finding("store", Outcome.FAIL, f"{url}: {error}")
    return Finding("store", Outcome.PASS, f"{url}: {store_id} answered with a time that it signed")


def _asked(client: StoreClient, paths: SyncPaths) -> str:
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


def _tls(url: str, paths: SyncPaths) -> ssl.SSLContext | None:
    return tls_context(paths) if url.startswith("https:") else None
