"""Idempotency keys of cart requests: a retry changes nothing, another request under the same key is refused."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Any, Final

import orjson

from agent.assistant import Change
from assistants.shopping.document import trim

KEPT: Final = 16
"""How many keys a session remembers as used, the newest."""


class KeyReused(ValueError):
    """The key was used before, for another request of the same session."""

    def __init__(self) -> None:
        super().__init__("This idempotency key was used before, for another change of the cart.")


def exact_key(key: str, *request: object) -> str:
    """The key together with what is asked under it: what the engine must see to know a retry."""
    return f"{key}\n{orjson.dumps(request).decode()}"


def first_of(key: str, change: Change) -> Change:
    """The change, unless the key is used already. The engine does not run it for an exact retry, so what comes here
    under a used key is another request: ``KeyReused``."""
    mark = urlsafe_b64encode(hashlib.blake2b(key.encode(), digest_size=6).digest()).decode()

    def apply(document: dict[str, Any]) -> None:
        used = document.get("keys") or []
        if mark in used:
            raise KeyReused
        change(document)
        document["keys"] = [*used, mark][-KEPT:]
        trim(document)

    return apply
