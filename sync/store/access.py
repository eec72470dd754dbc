"""Who may ask: enrolled units, each for its own paths.

Rules of this module: decides from path, certificate and ledger; touches no upload.
"""

from __future__ import annotations

import asyncio
import ssl

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from cryptography import x509
from cryptography.x509.oid import NameOID

from sealing.oids import EKU_LINK
from sync.store.clerk import admit
from sync.store.ports import PromiseLedger
from sync.store.refusals import forbidden
from sync.store.register import Register
from sync.wire import device_id_of


def unit_access(ledger: PromiseLedger, register: Register) -> Middleware:
    """Make the middleware that lets units at their own paths only (SY-2, SY-3, SY-36)."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        named = request.match_info.get("device")
        if named is not None:
            device_id = device_id_of(named)
            der = _check_certificate(request, device_id)
            if der is not None and await asyncio.to_thread(register.is_denied, der):
                raise forbidden("revoked", "the link certificate stands on the deny list")
            await asyncio.to_thread(admit, ledger, device_id)
        return await handler(request)

    return check


def _check_certificate(request: web.Request, device_id: str) -> bytes | None:
    """Check the link certificate; gives it in DER, or None on a line without TLS."""
    transport = request.transport
    tls = None if transport is None else transport.get_extra_info("ssl_object")
    if not isinstance(tls, ssl.SSLObject):
        return None
    der = tls.getpeercert(binary_form=True)
    if der is None:
        raise forbidden("wrong-unit", "no client certificate was shown")
    certificate = x509.load_der_x509_certificate(der)
    names = [name.value for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [device_id]:
        raise forbidden("wrong-unit", f"the certificate is made out to {names}, the path to {device_id}")
    if EKU_LINK not in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value:
        raise forbidden("wrong-unit", "the certificate is not a link certificate")
    return der
