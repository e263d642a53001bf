"""Which pages may call from a browser: our own, and those of ``CORS_ORIGINS``, compared letter by letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from flask import Response, request

from api.errors import ApiError

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, X-Request-Id, X-User-Id, session-id"
_EXPOSED: Final = (
    "X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, session-id, Content-Disposition"
)


def refuse_foreign_pages(allowed: Sequence[str]) -> None:
    """403 for a write that another site's page has a browser send: it would come with our user's cookie.

    What sends no ``Origin`` and no ``Sec-Fetch-Site`` is no browser of today. A request with a key in its header is no
    cookie's; which page may read the answer is CORS' affair.
    """
    if request.method in SAFE or "Authorization" in request.headers:
        return
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin in allowed:
        return
    if site in (None, "same-origin", "none") and (origin is None or _is_own(origin)):
        return
    raise ApiError(403, "forbidden", "Pages of other sites may not call here; CORS_ORIGINS names those that may")


def _is_own(origin: str) -> bool:
    """Whether the page came from the host that is asked; a proxy in front may have changed the scheme."""
    return urlsplit(origin).netloc == request.host and origin != "null"


def is_preflight() -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def preflight() -> Response:
    """The answer to a browser that asks first; ``allow`` adds who may."""
    return Response(status=204)


def allow(response: Response, allowed: Sequence[str]) -> None:
    """Tell a browser whether the page may read this answer."""
    if not allowed:
        return
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin not in allowed:
        return
    response.headers["Access-Control-Allow-Origin"] = str(origin)
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    if is_preflight():
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
        response.headers["Access-Control-Allow-Headers"] = _HEADERS
        response.headers["Access-Control-Max-Age"] = "600"
