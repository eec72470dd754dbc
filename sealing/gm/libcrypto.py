"""SM2 in the system's libcrypto, called through ctypes.

Rules of this module: bytes in, bytes out; every object that the library hands out is given back. Nothing is loaded
before it is needed: a system without SM2 is told apart by `LibcryptoError`, not by a failing import.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Final

from sealing.errors import BadSignatureError, KeyFileError, LibcryptoError, UndecryptableError

_NAMES: Final = ("libcrypto.so.3", "libcrypto.so.4")
_SM2: Final = b"SM2"
_POINTER: Final = ctypes.c_void_p
_SIGNATURE_ROOM: Final = 80
_CIPHERTEXT_ROOM: Final = 512
_SIGNATURES: Final = {
    "ERR_clear_error": (None,),
    "EVP_PKEY_Q_keygen": (_POINTER, _POINTER, ctypes.c_char_p, ctypes.c_char_p),
    "EVP_PKEY_free": (None, _POINTER),
    "EVP_PKEY_is_a": (ctypes.c_int, _POINTER, ctypes.c_char_p),
    "d2i_PUBKEY": (_POINTER, _POINTER, _POINTER, ctypes.c_long),
    "d2i_AutoPrivateKey": (_POINTER, _POINTER, _POINTER, ctypes.c_long),
    "i2d_PUBKEY": (ctypes.c_int, _POINTER, _POINTER),
    "EVP_PKEY2PKCS8": (_POINTER, _POINTER),
    "i2d_PKCS8_PRIV_KEY_INFO": (ctypes.c_int, _POINTER, _POINTER),
    "PKCS8_PRIV_KEY_INFO_free": (None, _POINTER),
    "EVP_sm3": (_POINTER,),
    "EVP_MD_CTX_new": (_POINTER,),
    "EVP_MD_CTX_free": (None, _POINTER),
    "EVP_MD_CTX_set_pkey_ctx": (None, _POINTER, _POINTER),
    "EVP_PKEY_CTX_new": (_POINTER, _POINTER, _POINTER),
    "EVP_PKEY_CTX_free": (None, _POINTER),
    "EVP_PKEY_CTX_set1_id": (ctypes.c_int, _POINTER, ctypes.c_char_p, ctypes.c_int),
    "EVP_DigestSignInit": (ctypes.c_int, _POINTER, _POINTER, _POINTER, _POINTER, _POINTER),
    "EVP_DigestSign": (ctypes.c_int, _POINTER, ctypes.c_char_p, _POINTER, ctypes.c_char_p, ctypes.c_size_t),
    "EVP_DigestVerifyInit": (ctypes.c_int, _POINTER, _POINTER, _POINTER, _POINTER, _POINTER),
    "EVP_DigestVerify": (
        *(ctypes.c_int, _POINTER, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t),
    ),
    "EVP_PKEY_encrypt_init": (ctypes.c_int, _POINTER),
    "EVP_PKEY_encrypt": (ctypes.c_int, _POINTER, ctypes.c_char_p, _POINTER, ctypes.c_char_p, ctypes.c_size_t),
    "EVP_PKEY_decrypt_init": (ctypes.c_int, _POINTER),
    "EVP_PKEY_decrypt": (ctypes.c_int, _POINTER, ctypes.c_char_p, _POINTER, ctypes.c_char_p, ctypes.c_size_t),
}


class Key:
    """An SM2 key of the library; given back when nobody uses it any more.

    Args:
        pointer: What the library handed out.
    """

    def __init__(self, pointer: int) -> None:
        self.pointer = pointer
        # Held here: at the end of the process nothing can be looked up any more.
        self._give_back = _library().EVP_PKEY_free

    def __del__(self) -> None:
        """Give it back."""
        self._give_back(self.pointer)


def generate() -> Key:
    """Make a private key. Raises LibcryptoError: the system has no SM2."""
    return Key(_made(_library().EVP_PKEY_Q_keygen(None, None, _SM2)))


def load_public(spki_der: bytes) -> Key:
    """Load a public key. Raises KeyFileError: it is no SM2 key; LibcryptoError."""
    return _load("d2i_PUBKEY", spki_der)


def load_private(der: bytes) -> Key:
    """Load a private key, PKCS#8. Raises KeyFileError: it is no SM2 key; LibcryptoError."""
    return _load("d2i_AutoPrivateKey", der)


def public_der(key: Key) -> bytes:
    """SubjectPublicKeyInfo of a key."""
    return _encoded("i2d_PUBKEY", key.pointer)


def private_der(key: Key) -> bytes:
    """PKCS#8 of a private key, not encrypted."""
    library = _library()
    info = _made(library.EVP_PKEY2PKCS8(key.pointer))
    try:
        return _encoded("i2d_PKCS8_PRIV_KEY_INFO", info)
    finally:
        library.PKCS8_PRIV_KEY_INFO_free(info)


def sign(key: Key, message: bytes, identity: bytes) -> bytes:
    """Sign with SM2 and SM3 (GB/T 32918.2); returns DER.

    Raises:
        LibcryptoError: The library refused.
    """
    library = _library()
    with _digest_context(key, identity) as context:
        _good(library.EVP_DigestSignInit(context, None, library.EVP_sm3(), None, key.pointer))
        room, length = ctypes.create_string_buffer(_SIGNATURE_ROOM), ctypes.c_size_t(_SIGNATURE_ROOM)
        _good(library.EVP_DigestSign(context, room, ctypes.byref(length), message, len(message)))
        return room.raw[: length.value]


def verify(key: Key, signature: bytes, message: bytes, identity: bytes) -> None:
    """Check a signature in DER.

    Raises:
        BadSignatureError: It does not verify.
        LibcryptoError: The library refused.
    """
    library = _library()
    with _digest_context(key, identity) as context:
        _good(library.EVP_DigestVerifyInit(context, None, library.EVP_sm3(), None, key.pointer))
        if library.EVP_DigestVerify(context, signature, len(signature), message, len(message)) != 1:
            library.ERR_clear_error()
            raise BadSignatureError("SM2 signature does not verify")


def encrypt(key: Key, plaintext: bytes) -> bytes:
    """Encrypt a short message (GB/T 32918.4); returns DER of C1, C3, C2. Raises LibcryptoError."""
    library = _library()
    with _key_context(key) as context:
        _good(library.EVP_PKEY_encrypt_init(context))
        room, length = ctypes.create_string_buffer(_CIPHERTEXT_ROOM), ctypes.c_size_t(_CIPHERTEXT_ROOM)
        _good(library.EVP_PKEY_encrypt(context, room, ctypes.byref(length), plaintext, len(plaintext)))
        return room.raw[: length.value]


def decrypt(key: Key, ciphertext: bytes) -> bytes:
    """Decrypt a short message.

    Raises:
        UndecryptableError: It was not made for this key, or was changed.
        LibcryptoError: The library refused.
    """
    library = _library()
    with _key_context(key) as context:
        _good(library.EVP_PKEY_decrypt_init(context))
        room, length = ctypes.create_string_buffer(_CIPHERTEXT_ROOM), ctypes.c_size_t(_CIPHERTEXT_ROOM)
        if library.EVP_PKEY_decrypt(context, room, ctypes.byref(length), ciphertext, len(ciphertext)) != 1:
            library.ERR_clear_error()
            raise UndecryptableError("the SM2 ciphertext does not open with this key")
        return room.raw[: length.value]


@cache
def _library() -> ctypes.CDLL:
    for name in (*_NAMES, ctypes.util.find_library("crypto")):
        if name is None:
            continue
        try:
            library = ctypes.CDLL(name)
            for function, (result, *arguments) in _SIGNATURES.items():
                found = getattr(library, function)
                found.restype, found.argtypes = result, arguments
        except (OSError, AttributeError):
            continue
        return library
    raise LibcryptoError("no libcrypto of OpenSSL 3 is installed; suite 3 (国密) needs it: install libssl3")


def _load(function: str, der: bytes) -> Key:
    library = _library()
    data = ctypes.create_string_buffer(der, len(der))
    at = _POINTER(ctypes.addressof(data))
    pointer = getattr(library, function)(None, ctypes.byref(at), len(der))
    if not pointer:
        library.ERR_clear_error()
        raise KeyFileError("not a key that the system's libcrypto can read")
    key = Key(pointer)
    if at.value != ctypes.addressof(data) + len(der) or library.EVP_PKEY_is_a(pointer, _SM2) != 1:
        raise KeyFileError("not an SM2 key, or bytes behind it")
    return key


def _encoded(function: str, pointer: int) -> bytes:
    encode = getattr(_library(), function)
    length = encode(pointer, None)
    if length <= 0:
        _good(0)
    data = ctypes.create_string_buffer(length)
    at = _POINTER(ctypes.addressof(data))
    encode(pointer, ctypes.byref(at))
    return data.raw


@contextmanager
def _digest_context(key: Key, identity: bytes) -> Iterator[int]:
    library = _library()
    with ExitStack() as stack:
        context = _made(library.EVP_MD_CTX_new())
        inner = _made(library.EVP_PKEY_CTX_new(key.pointer, None))
        stack.callback(library.EVP_PKEY_CTX_free, inner)
        stack.callback(library.EVP_MD_CTX_free, context)
        _good(library.EVP_PKEY_CTX_set1_id(inner, identity, len(identity)))
        library.EVP_MD_CTX_set_pkey_ctx(context, inner)
        yield context


@contextmanager
def _key_context(key: Key) -> Iterator[int]:
    library = _library()
    context = _made(library.EVP_PKEY_CTX_new(key.pointer, None))
    try:
        yield context
    finally:
        library.EVP_PKEY_CTX_free(context)


def _good(result: int) -> None:
    if result != 1:
        _library().ERR_clear_error()
        raise LibcryptoError("the system's libcrypto refused an SM2 operation; is SM2 built into it?")


def _made(pointer: int | None) -> int:
    if not pointer:
        _good(0)
        raise LibcryptoError("the system's libcrypto made nothing")
    return pointer
