"""Ids of new sessions, for clients that bring none."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final
from uuid import UUID, uuid4

from api.config import ApiConfig

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def new_session_id(config: ApiConfig, namespace: str, who: str | None, key: str | None) -> str:
    """A UUID v4 for a session that ``who`` (``identity.owner``) opens with a message of this idempotency key.

    A client that lost the answer does not know the session that was made for it. Where its idempotency key is a UUID,
    unique by itself, the session's id is made from it, so that the retry finds the turn; nobody else can work it out.
    """
    if key is None or not _UUID.fullmatch(key):
        return str(uuid4())
    said = f"{namespace}-session\n{who or ''}\n{key}"
    digest = hmac.new(config.secret_key.encode(), said.encode(), hashlib.sha256).digest()
    return str(UUID(bytes=digest[:16], version=4))
