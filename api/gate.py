"""Where ``AUTH`` is on: from what a request brings to who asks. Everything is decided in this process."""

from __future__ import annotations

from dataclasses import dataclass

from api.config import ApiConfig
from api.key_store import EVERYBODY, KeyRing
from api.parsing import is_subject_id
from api.tokens import MAX_TOKEN, ProviderTokens, UserTokens


@dataclass(frozen=True, slots=True)
class Caller:
    """``user`` is the authenticated user or None. ``admin`` may do what only administrators may, ``chat`` everything
    else. ``key`` is the id of the key that was shown; ``refused``: credentials were wanted, and there were none."""

    user: str | None = None
    admin: bool = False
    chat: bool = True
    key: str = ""
    refused: bool = False


class Gate:
    """Keys set by hand or kept in a file, our own users' tokens, and a provider's where one is set."""

    def __init__(self, config: ApiConfig) -> None:
        self._ring = KeyRing(config.api_keys, config.keys_file)
        self.tokens = UserTokens(config.secret_key, self._ring.is_good)
        self._provider = (
            ProviderTokens(config.jwks_url, config.jwt_issuer, config.jwt_audience) if config.jwks_url else None
        )

    def who(self, secret: str) -> Caller | None:
        """Whose key or token this is; None where it is nobody's."""
        if not secret or len(secret) > MAX_TOKEN:
            return None
        if (key := self._ring.find(secret)) is not None:
            user = None if key.user == EVERYBODY else key.user
            return Caller(user, admin="admin" in key.scopes, chat="chat" in key.scopes, key=key.id)
        if secret.count(".") != 2:
            return None
        found = self.tokens.user(secret)
        if found is None and self._provider:
            found = self._provider.user(secret)
        return Caller(found, key="token") if found is not None and is_subject_id(found) else None
