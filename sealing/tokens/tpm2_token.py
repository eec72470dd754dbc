"""A device key and a counter in a TPM 2.0 (a chip, or swtpm in tests).

Rules of this module: one restricted signing key, derived anew from the TPM's own seed at each start, so that nothing
of it lies on the card. Restricted, it signs what the TPM hashed itself, and never something that begins as an
attestation: an attested counter is the TPM's own word even to who runs the unit (`FORMAT.md`, SF-44). One thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from sealing.cose import Algorithm, raw_signature
from sealing.errors import TokenError
from sealing.records import CounterKind
from sealing.ticks import Attested
from sealing.tpm_attestation import COUNTER_ATTRIBUTES, COUNTER_INDEX

if TYPE_CHECKING:
    import tpm2_pytss as tpm

Result = TypeVar("Result")

_MESSAGE_BYTES_MAX: Final = 1_024
"""What a TPM hashes in one call; what a device key signs is shorter."""
_COUNTER_BYTES: Final = 8


class Tpm:
    """An open TPM: device key and counter of one unit.

    Args:
        tcti: How it is reached: `device:/dev/tpmrm0`, `swtpm:path=/run/swtpm.sock`.

    Raises:
        TokenError: It does not answer, or will not make the key.
    """

    algorithm: Final = Algorithm.ESP256
    kind: Final = CounterKind.TPM_NV

    def __init__(self, tcti: str) -> None:
        self._tcti = tcti
        self._esys: tpm.ESAPI | None = self._guarded(lambda: _open(tcti))
        self._key, self._public_der = self._guarded(lambda: _make_key(self._open))

    @classmethod
    def obtain(cls, tcti: str) -> Tpm:
        """Open the TPM; make the unit's counter first where it has none.

        Raises:
            TokenError: As the constructor; or the counter cannot be made.
        """
        chip = cls(tcti)
        if not chip._guarded(chip._has_counter):
            chip.define_counter()
        return chip

    def close(self) -> None:
        """Forget the key and give the TPM back. Idempotent."""
        esys, self._esys = self._esys, None
        if esys is not None:
            try:
                self._guarded(lambda: esys.flush_context(self._key))
            finally:
                esys.close()

    def public_key_der(self) -> bytes:
        """SubjectPublicKeyInfo of the device key."""
        return self._public_der

    def sign(self, message: bytes) -> bytes:
        """Sign a message that the TPM hashes itself; returns r ‖ s, 64 bytes.

        Raises:
            TokenError: The TPM did not sign, or the message is longer than 1 024 bytes.
        """
        if len(message) > _MESSAGE_BYTES_MAX:
            raise TokenError(f"a message of {len(message)} bytes; the device key signs up to {_MESSAGE_BYTES_MAX}")
        return self._guarded(lambda: self._sign(message))

    def define_counter(self) -> None:
        """Make the unit's counter, once in its life, and raise it for the first time.

        Raises:
            TokenError: The TPM refused, or the counter is there already.
        """
        self._guarded(self._define)
        self.advance()

    def attest(self, binding: bytes) -> Attested:
        """Let the TPM attest the counter's value, bound to 32 bytes.

        Raises:
            TokenError: The TPM did not answer, or has no counter of this unit.
        """
        return self._guarded(lambda: self._attest(binding))

    def advance(self) -> None:
        """Raise the counter by one.

        Raises:
            TokenError: The TPM did not answer, or has no counter of this unit.
        """
        self._guarded(lambda: self._open.nv_increment(self._counter()))

    @property
    def _open(self) -> tpm.ESAPI:
        if self._esys is None:
            raise TokenError(f"TPM {self._tcti} was closed")
        return self._esys

    def _has_counter(self) -> bool:
        import tpm2_pytss as tpm

        _, found = self._open.get_capability(tpm.TPM2_CAP.HANDLES, COUNTER_INDEX, 1)
        return COUNTER_INDEX in [int(each) for each in found.data.handles]

    def _counter(self) -> tpm.ESYS_TR:
        handle = self._open.tr_from_tpmpublic(COUNTER_INDEX)
        self._open.tr_set_auth(handle, b"")
        return handle

    def _sign(self, message: bytes) -> bytes:
        import tpm2_pytss as tpm

        digest, ticket = self._open.hash(message, tpm.TPM2_ALG.SHA256, tpm.ESYS_TR.OWNER)
        signature = self._open.sign(self._key, digest, tpm.TPMT_SIG_SCHEME(scheme=tpm.TPM2_ALG.NULL), ticket)
        return raw_signature(bytes(signature))

    def _attest(self, binding: bytes) -> Attested:
        import tpm2_pytss as tpm

        scheme = tpm.TPMT_SIG_SCHEME(scheme=tpm.TPM2_ALG.NULL)
        certified, signature = self._open.nv_certify(
            self._key, self._counter(), tpm.TPM2B_DATA(binding), scheme, _COUNTER_BYTES, 0
        )
        attested = tpm.TPMS_ATTEST.unmarshal(bytes(certified))[0]
        value = int.from_bytes(bytes(attested.attested.nv.nvContents), "big")
        return Attested(value, bytes(certified), raw_signature(bytes(signature)))

    def _define(self) -> None:
        import tpm2_pytss as tpm

        public = tpm.TPMS_NV_PUBLIC(
            nvIndex=COUNTER_INDEX,
            nameAlg=tpm.TPM2_ALG.SHA256,
            attributes=tpm.TPMA_NV(COUNTER_ATTRIBUTES),
            dataSize=_COUNTER_BYTES,
        )
        self._open.nv_define_space(tpm.TPM2B_AUTH(), tpm.TPM2B_NV_PUBLIC(nvPublic=public))

    def _guarded(self, operation: Callable[[], Result]) -> Result:
        try:
            import tpm2_pytss as tpm
        except ImportError as error:
            raise TokenError("tpm2-pytss is not installed here; install the extra `tokens`") from error
        try:
            return operation()
        except tpm.TSS2_Exception as error:
            raise TokenError(f"TPM {self._tcti}: {error}") from error


def _open(tcti: str) -> tpm.ESAPI:
    import tpm2_pytss as tpm

    return tpm.ESAPI(tcti)


def _make_key(esys: tpm.ESAPI) -> tuple[tpm.ESYS_TR, bytes]:
    """Derive the restricted device key from the TPM's seed: the same template always gives the same key."""
    import tpm2_pytss as tpm

    attributes = (
        tpm.TPMA_OBJECT.USERWITHAUTH
        | tpm.TPMA_OBJECT.SIGN_ENCRYPT
        | tpm.TPMA_OBJECT.RESTRICTED
        | tpm.TPMA_OBJECT.FIXEDTPM
        | tpm.TPMA_OBJECT.FIXEDPARENT
        | tpm.TPMA_OBJECT.SENSITIVEDATAORIGIN
    )
    template = tpm.TPMT_PUBLIC.parse("ecc:ecdsa-sha256:null", objectAttributes=attributes)
    handle, public, *_ = esys.create_primary(
        tpm.TPM2B_SENSITIVE_CREATE(), tpm.TPM2B_PUBLIC(publicArea=template), tpm.ESYS_TR.OWNER
    )
    key = load_pem_public_key(public.to_pem())
    return handle, key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
