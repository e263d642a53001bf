"""Journal rows at rest: as they are, or encrypted when a key is given. Each row stands alone (AES-256-GCM)."""

from __future__ import annotations

import hashlib
import os
from typing import Protocol

_NONCE = 12


class Unreadable(Exception):
    """A row that was sealed with another key, or is damaged."""


class Seal(Protocol):
    """``place`` is a name of the subject that tells nobody who it is, where there is a key."""

    def place(self, name: bytes) -> bytes: ...
    def close(self, body: bytes, place: bytes) -> bytes: ...
    def open(self, sealed: bytes, place: bytes) -> bytes: ...


class Plain:
    """No key: rows are readable, places are plain hashes."""

    def place(self, name: bytes) -> bytes:
        return hashlib.blake2b(name, digest_size=16).digest()

    def close(self, body: bytes, place: bytes) -> bytes:
        return b"P" + body

    def open(self, sealed: bytes, place: bytes) -> bytes:
        if sealed[:1] != b"P":
            raise Unreadable
        return sealed[1:]


class Sealed:
    """``key`` is any text: what is used is made from it slowly, so that a short one is not tried out quickly."""

    def __init__(self, key: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        derived = hashlib.scrypt(key.encode(), salt=b"parley journal", n=2**14, r=8, p=1, dklen=64)
        self._places = derived[32:]
        self._cipher = AESGCM(derived[:32])

    def place(self, name: bytes) -> bytes:
        return hashlib.blake2b(name, digest_size=16, key=self._places).digest()

    def close(self, body: bytes, place: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return b"S" + nonce + self._cipher.encrypt(nonce, body, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        if sealed[:1] != b"S":
            return Plain().open(sealed, place)
        nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return self._cipher.decrypt(nonce, text, place)
        except (InvalidTag, ValueError) as error:
            raise Unreadable from error


def seal_of(key: str) -> Seal:
    """The seal for a key; an empty one seals nothing."""
    return Sealed(key) if key else Plain()
