"""Tokens that name a user: ours, which a server with a key makes for its users, and those of an identity provider."""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jwt
import orjson

from memory.clock import now_ms

log = logging.getLogger(__name__)

ISSUER: Final = "parley"
AUDIENCE: Final = "parley-user"
_OURS: Final = "HS256"
_THEIRS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""What an identity provider may sign with: a key of its own that we only verify with. Never ``none``, never a secret
that we would share."""

MAX_TOKEN: Final = 8_192
"""Characters of a token that are looked at."""


class UserTokens:
    """Short-lived tokens, signed with a key that is derived from ``secret``. They end with the key that made them."""

    def __init__(self, secret: str, still_good: Callable[[str], bool]) -> None:
        self._key = hmac.new(secret.encode(), b"user-token", hashlib.sha256).digest()
        self._still_good = still_good

    def make(self, user: str, seconds: int, made_by: str) -> tuple[str, int]:
        """A token, and when it expires (ms). ``made_by`` is the id of the key that asks for it."""
        now = now_ms() // 1000
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now, "exp": now + seconds, "by": made_by}
        return jwt.encode(claims, self._key, algorithm=_OURS), (now + seconds) * 1000

    def user(self, token: str) -> str | None:
        """The user of a token of ours that is good, else None."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_OURS],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": ["exp", "iat", "sub", "by"]},
            )
        except jwt.PyJWTError:
            return None
        return str(claims["sub"]) if self._still_good(str(claims["by"])) else None


class ProviderTokens:
    """An identity provider's JWTs, verified with the public keys at ``url`` (JWKS).

    The keys are kept for ``keep`` seconds, and asked for again when a token names one that is not known, at most once
    in ``pause`` seconds. A provider that is away or slow costs ``timeout`` seconds once in a while, and the keys that
    are known go on to be used.
    """

    def __init__(
        self,
        url: str,
        issuer: str,
        audience: str,
        *,
        keep: float = 600.0,
        pause: float = 30.0,
        timeout: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._issuer = issuer
        self._audience = audience
        self._keep = keep
        self._pause = pause
        self._timeout = timeout
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._lock = threading.Lock()

    def user(self, token: str) -> str | None:
        """The subject of a token that is good, else None."""
        try:
            head = jwt.get_unverified_header(token)
            key = self._key(str(head.get("kid", "")))
            if key is None or head.get("alg") not in _THEIRS:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=list(_THEIRS),
                issuer=self._issuer,
                audience=self._audience,
                leeway=30,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError):  # a key of another kind than the token's algorithm
            return None
        return str(claims["sub"])

    def _key(self, kid: str) -> jwt.PyJWK | None:
        now = self._clock()
        if kid not in self._keys or now - self._fetched > self._keep:
            with self._lock:
                if now - self._tried >= self._pause:
                    self._tried = now
                    self._fetch()
        return self._keys.get(kid)

    def _fetch(self) -> None:
        try:
            found = self._download()
            keys = jwt.PyJWKSet.from_dict(found).keys
        except (httpx.HTTPError, jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError) as error:
            log.warning("the identity provider's keys could not be read: %s", type(error).__name__)
            return
        self._keys = {str(key.key_id): key for key in keys if key.key_id}
        self._fetched = self._clock()

    def _download(self) -> dict[str, Any]:
        """The document, from this address and no other, of a size that is plausible."""
        deadline = time.monotonic() + self._timeout
        options: dict[str, Any] = {"timeout": self._timeout, "follow_redirects": False, "trust_env": False}
        with httpx.Client(**options) as client, client.stream("GET", self._url) as answer:
            answer.raise_for_status()
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if len(body) > 262_144 or time.monotonic() > deadline:
                    raise ValueError("the document is too large, or too slow in coming")
        found = orjson.loads(body)
        if not isinstance(found, dict):
            raise TypeError("a document of keys is an object")
        return found


def is_safe_address(url: str) -> bool:
    """Whether keys may be fetched from there: over TLS, or from this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in ("127.0.0.1", "localhost")))
