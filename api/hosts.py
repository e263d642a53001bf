"""For whom a request says that it is: on one's own machine, a name of somebody else's is no mistake but an attack.

A page of another site can have its name resolve to 127.0.0.1 and would then speak to this server as to its own
(DNS rebinding). The browser still sends the name by which it came.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from flask import request

from api.errors import ApiError

PROBES: Final = frozenset({"/health", "/ready", "/api/health"})
"""Asked by whatever address a probe knows; they tell nobody anything."""

OWN: Final = ("localhost", "127.0.0.1", "[::1]")

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?", re.ASCII)


def name_of(host: str) -> str:
    """The name or address of a ``Host`` header in small letters, without its port; empty where it is none."""
    found = _HOST.fullmatch(host.lower())
    return found[1].removesuffix(".") if found else ""


def refuse_foreign_names(allowed: Sequence[str]) -> None:
    """421 where a request names a host that is not ``allowed``; nothing allowed is everything. What names none at all
    comes from no browser."""
    if not allowed or request.path in PROBES:
        return
    named = request.headers.get("Host")
    if named is not None and name_of(named) not in allowed:
        raise ApiError(
            421,
            "misdirected_request",
            "This server does not go by the name that it was asked by; ALLOWED_HOSTS says which names it has",
        )
