"""What can go wrong, named after what happened.

ParleyError
├── InvalidKey            a namespace or subject that no store should see
├── StoreUnavailable      the store did not answer; nothing is said about what it holds
├── StoreFull             no room left for another byte (in-memory store, Redis at maxmemory)
├── SessionNotFound       there is no live session of that subject
├── SessionBusy           another turn of the session is still running after the wait
├── StaleTurn             the session was ended, or the lease lost, while its turn was running
├── IdempotencyMismatch   the key was used before, with another message
└── TooLarge              attributes or a turn beyond what the policy keeps
"""

from __future__ import annotations


class ParleyError(Exception):
    """Base of all errors that the session engine raises on purpose."""


class InvalidKey(ParleyError):
    def __init__(self, what: str, value: str) -> None:
        super().__init__(f"{what} must be 1 to 256 characters of text, got {value[:40]!r}")
        self.what = what


class StoreUnavailable(ParleyError):
    """``store`` is its kind (``redis``), never its address: the message may reach a log line."""

    def __init__(self, store: str, why: str = "did not answer") -> None:
        super().__init__(f"The {store} store {why}")
        self.store = store


class StoreFull(ParleyError):
    def __init__(self, store: str, limit_bytes: int | None = None) -> None:
        limit = f" ({limit_bytes:,} bytes)" if limit_bytes else ""
        super().__init__(f"The {store} store is full{limit}; try again when sessions have ended")
        self.store = store
        self.limit_bytes = limit_bytes


class SessionNotFound(ParleyError):
    def __init__(self, subject: str) -> None:
        super().__init__("There is no such session")
        self.subject = subject


class SessionBusy(ParleyError):
    """``retry_after`` is in seconds."""

    def __init__(self, waited: float, retry_after: int = 1) -> None:
        super().__init__(f"Another turn of this session is still running after {waited:g} s")
        self.waited = waited
        self.retry_after = retry_after


class StaleTurn(ParleyError):
    def __init__(self) -> None:
        super().__init__("The session was ended while this turn was running; nothing of the turn was stored")


class IdempotencyMismatch(ParleyError):
    def __init__(self) -> None:
        super().__init__("This idempotency key was used before, with another message")


class TooLarge(ParleyError):
    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(f"{what} would take {size:,} bytes; at most {limit:,} are kept")
        self.what = what
        self.size = size
        self.limit = limit
