"""A device key in a PKCS#11 token: a smart card, an HSM, or SoftHSM2 in tests.

Rules of this module: the private key is made inside the token, cannot be read out of it, and signs digests alone. A
token that was pulled and put back is logged into again, once for a call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from sealing.cose import Algorithm
from sealing.errors import TokenError

if TYPE_CHECKING:
    import pkcs11

Result = TypeVar("Result")

_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Pkcs11Place:
    """Where a key lies."""

    library: Path
    """The maker's PKCS#11 library, for example `/usr/lib/softhsm/libsofthsm2.so`."""
    token_label: str
    key_label: str
    pin: str = field(repr=False)


class Pkcs11Signer:
    """A P-256 device key in a token.

    Args:
        place: Where it lies; made there by `generate`.

    Raises:
        TokenError: Library, token or key are not there, the PIN is wrong, or the key is no P-256 key.
    """

    algorithm: Final = Algorithm.ESP256

    def __init__(self, place: Pkcs11Place) -> None:
        self._place = place
        self._session, self._key, self._public_der = _guarded(place, lambda: _open_key(place))

    @classmethod
    def generate(cls, place: Pkcs11Place) -> Pkcs11Signer:
        """Make the key inside the token: sensitive, not extractable, for signing alone.

        Raises:
            TokenError: As the constructor; or a key with this label is there already.
        """
        _guarded(place, lambda: _generate(place))
        return cls(place)

    @classmethod
    def obtain(cls, place: Pkcs11Place) -> Pkcs11Signer:
        """Open the key; make it first where the token has none with this label.

        Raises:
            TokenError: As the constructor.
        """
        if not _guarded(place, lambda: _is_there(place)):
            _guarded(place, lambda: _generate(place))
        return cls(place)

    def public_key_der(self) -> bytes:
        """SubjectPublicKeyInfo of the key."""
        return self._public_der

    def sign(self, message: bytes) -> bytes:
        """Sign a message; returns r ‖ s, 64 bytes.

        Raises:
            TokenError: The token did not sign, also after it was logged into again.
        """
        digest = hashlib.sha256(message).digest()
        try:
            return _guarded(self._place, lambda: self._sign(digest))
        except TokenError:
            self.close()
            self._session, self._key, found = _guarded(self._place, lambda: _open_key(self._place))
            if found != self._public_der:
                raise TokenError(
                    f"token {self._place.token_label} holds another key now; provision the unit again"
                ) from None
            return _guarded(self._place, lambda: self._sign(digest))

    def close(self) -> None:
        """Log out and give the session back. Idempotent; a token that is gone needs neither."""
        import pkcs11

        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except pkcs11.PKCS11Error:
                return

    def _sign(self, digest: bytes) -> bytes:
        import pkcs11

        signature = bytes(self._key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA))
        if len(signature) != _SIGNATURE_BYTES:
            raise TokenError(f"the token made a signature of {len(signature)} bytes, not {_SIGNATURE_BYTES}")
        return signature


def _token(place: Pkcs11Place) -> pkcs11.Token:
    import pkcs11

    return pkcs11.lib(str(place.library)).get_token(token_label=place.token_label)


def _open_key(place: Pkcs11Place) -> tuple[pkcs11.Session | None, pkcs11.PrivateKey, bytes]:
    import pkcs11
    from pkcs11.util.ec import encode_ec_public_key

    session = _token(place).open(user_pin=place.pin)
    try:
        key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=place.key_label)
        public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=place.key_label)
        der = bytes(encode_ec_public_key(public))
        _refuse_weak(key, der, place)
    except BaseException:
        session.close()
        raise
    return session, key, der


def _refuse_weak(key: pkcs11.PrivateKey, der: bytes, place: Pkcs11Place) -> None:
    """A key that could be copied is worth no more than a file, and must not pass for hardware."""
    import pkcs11
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    if key[pkcs11.Attribute.EXTRACTABLE] or not key[pkcs11.Attribute.SENSITIVE]:
        raise TokenError(f"key {place.key_label} can be read out of its token; make one with `generate`")
    public = load_der_public_key(der)
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise TokenError(f"key {place.key_label} is no P-256 key")


def _is_there(place: Pkcs11Place) -> bool:
    import pkcs11

    with _token(place).open(user_pin=place.pin) as session:
        return any(session.get_objects({pkcs11.Attribute.LABEL: place.key_label}))


def _generate(place: Pkcs11Place) -> None:
    import pkcs11
    from pkcs11.util.ec import encode_named_curve_parameters

    with _token(place).open(rw=True, user_pin=place.pin) as session:
        if any(session.get_objects({pkcs11.Attribute.LABEL: place.key_label})):
            raise TokenError(f"token {place.token_label} holds a key {place.key_label} already; use it or name another")
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
        )
        parameters.generate_keypair(
            mechanism=pkcs11.Mechanism.EC_KEY_PAIR_GEN,
            store=True,
            label=place.key_label,
            capabilities=pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
            private_template={pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False},
        )


def _guarded(place: Pkcs11Place, operation: Callable[[], Result]) -> Result:
    try:
        import pkcs11
    except ImportError as error:
        raise TokenError("python-pkcs11 is not installed here; install the extra `tokens`") from error
    try:
        return operation()
    except pkcs11.PKCS11Error as error:
        name = type(error).__name__
        raise TokenError(f"token {place.token_label}, key {place.key_label}: {name} {error}".rstrip()) from error
    except RuntimeError as error:
        raise TokenError(f"PKCS#11 library {place.library} cannot be used: {error}") from error
