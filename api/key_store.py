"""API keys in a file: made once, kept as hashes, read again by running servers when the file changed."""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memory.clock import now_ms

FILE: Final = "keys.db"
PREFIX: Final = "parley_"
SCOPES: Final = ("chat", "admin")
EVERYBODY: Final = "*"
"""The user of keys that act for every user."""

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, user TEXT NOT NULL, "
    "scopes TEXT NOT NULL, note TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER, revoked INTEGER)"
)
_COLUMNS: Final = "id, digest, user, scopes, note, created, expires, revoked"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. Times are in ms; ``expires`` and ``revoked`` None where it does not and is not."""

    id: str
    digest: str
    user: str
    scopes: tuple[str, ...]
    note: str = ""
    created: int = 0
    expires: int | None = None
    revoked: int | None = None

    def good(self, now: int) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


def digest(key: str) -> str:
    """What is kept of a key. A plain hash will do: 256 random bits can't be guessed, however quick guessing is."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


class KeyStore:
    """The file ``path``, for whoever makes and revokes keys. Made with mode 0600 at the first key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(
        self, user: str, scopes: tuple[str, ...] = ("chat",), *, note: str = "", expires: int | None = None
    ) -> tuple[str, ApiKey]:
        """A new key and what is kept of it. The key itself is shown here and never again."""
        secret = PREFIX + secrets.token_urlsafe(32)
        hashed = digest(secret)
        key = ApiKey(hashed[:12], hashed, user, scopes, note, now_ms(), expires)
        with closing(self._open()) as database, database:
            database.execute(
                f"INSERT INTO keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                (key.id, key.digest, key.user, " ".join(key.scopes), key.note, key.created, key.expires),
            )
        return secret, key

    def revoke(self, key_id: str) -> bool:
        """End a key for good; False where there is none of this id, or it was revoked before."""
        with closing(self._open()) as database, database:
            changed = database.execute(
                "UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL", (now_ms(), key_id)
            )
            return changed.rowcount == 1

    def all(self) -> list[ApiKey]:
        """Every key that was ever made, oldest first."""
        if not self.path.exists():
            return []
        with closing(sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True, timeout=1.0)) as database:
            rows = database.execute(f"SELECT {_COLUMNS} FROM keys ORDER BY created, id").fetchall()
        return [ApiKey(row[0], row[1], row[2], tuple(row[3].split()), *row[4:]) for row in rows]

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        self.path.chmod(0o600)
        database = sqlite3.connect(self.path, timeout=10.0)
        database.execute(_TABLE)
        return database


class KeyRing:
    """The good keys by their hashes: those set by hand, and those of the file, which is looked at once a second.

    It asks nobody else, so a revoked key is refused while Redis is away, too.
    """

    def __init__(
        self,
        by_hand: Mapping[str, str],
        path: Path | None,
        *,
        every: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._by_hand = {hashed: _by_hand(hashed, user) for key, user in by_hand.items() for hashed in (digest(key),)}
        self._store = KeyStore(path) if path else None
        self._every = every
        self._clock = clock
        self._looked = float("-inf")
        self._seen: tuple[int, ...] | None = None
        self._keys: dict[str, ApiKey] = dict(self._by_hand)
        self._ids: dict[str, ApiKey] = {key.id: key for key in self._keys.values()}
        self._lock = threading.Lock()

    def find(self, secret: str) -> ApiKey | None:
        """The good key that this is. What is compared is its hash, so time tells nothing of the key."""
        self._refresh()
        key = self._keys.get(digest(secret))
        return key if key and key.good(now_ms()) else None

    def is_good(self, key_id: str) -> bool:
        """Whether the key of this id may still be used."""
        self._refresh()
        key = self._ids.get(key_id)
        return key is not None and key.good(now_ms())

    def _refresh(self) -> None:
        if self._store is None or self._clock() - self._looked < self._every:
            return
        with self._lock:
            if self._clock() - self._looked < self._every:
                return
            self._looked = self._clock()
            seen = _signature(self._store.path)
            if seen == self._seen:
                return
            try:
                found = self._store.all()
            except sqlite3.OperationalError:  # somebody is writing to it: the next look will do
                return
            keys = {key.digest: key for key in found} | self._by_hand
            self._keys, self._ids, self._seen = keys, {key.id: key for key in keys.values()}, seen


def _by_hand(hashed: str, user: str) -> ApiKey:
    return ApiKey(hashed[:12], hashed, user, SCOPES if user == EVERYBODY else ("chat",), "API_KEYS")


def _signature(path: Path) -> tuple[int, ...]:
    """Changes with the file; () where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)
