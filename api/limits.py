"""Rate limits: how often a user, a session and an address may ask.

They are counted in this process, so that they cost no round trip and hold while Redis is away. Behind sticky routing
that is exact; without it, n processes let through n times the limit at most.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import limits
import orjson
from flask import Flask, Response, g, request
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from api.config import ApiConfig
from api.errors import ApiError
from api.identity import caller, cookie_user, is_open
from api.parsing import MAX_BODY, is_subject_id

MOST_COUNTED: Final = 100_000
"""Windows that are remembered at once, about 200 bytes each; beyond it those that began first are forgotten."""


class Counters(Storage):
    """Counts in this process, bounded; a window begins with the first request in it."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float] = time.time, most: int = MOST_COUNTED) -> None:
        super().__init__()
        self._clock = clock
        self._most = most
        self._windows: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def base_exceptions(self) -> type[Exception]:
        return KeyError  # never raised: there is nothing here that can be away

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = self._clock()
        with self._lock:
            count, until = self._windows.get(key, (0, 0.0))
            if until <= now:
                self._windows.pop(key, None)
                count, until = 0, now + expiry
            self._windows[key] = (count + amount, until)
            if len(self._windows) > self._most:
                self._windows.popitem(last=False)
            return count + amount

    def get(self, key: str) -> int:
        count, until = self._windows.get(key, (0, 0.0))
        return count if until > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        now = self._clock()
        _, until = self._windows.get(key, (0, 0.0))
        return until if until > now else now

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            count = len(self._windows)
            self._windows.clear()
            return count

    def clear(self, key: str) -> None:
        with self._lock:
            self._windows.pop(key, None)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a client stands with the limit that it is closest to: ``seconds`` until its window is over."""

    limit: int
    window: int
    remaining: int
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.seconds),
            "RateLimit-Policy": f"{self.limit};w={self.window}",
        }


class RateLimits:
    """``per_user`` and ``per_address`` are limits such as ``120/minute``."""

    def __init__(self, per_user: str, per_address: str, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._counters = FixedWindowRateLimiter(Counters(clock))
        self._per_user = limits.parse(per_user)
        self._per_address = limits.parse(per_address) if per_address else None

    def check(self) -> None:
        """Count this request; 429 ``rate_limited`` where it is one too many."""
        for limit, key in self._applying():
            passed = self._counters.hit(limit, key)
            reset, remaining = self._counters.get_window_stats(limit, key)
            seconds = max(1, round(reset - self._clock()))
            standing = Standing(limit.amount, limit.get_expiry(), remaining, seconds)
            known: Standing | None = g.get("rate_standing")
            if known is None or not passed or standing.remaining < known.remaining:
                g.rate_standing = standing
            if not passed:
                raise ApiError(
                    429,
                    "rate_limited",
                    f"Too many requests: {limit.amount:,} in {limit.get_expiry():,} s are allowed; wait {seconds:,} s",
                    headers={"Retry-After": str(seconds)},
                )

    def _applying(self) -> Iterator[tuple[limits.RateLimitItem, str]]:
        """The limits on this request, each with whom it counts for."""
        who, address = caller(), request.remote_addr or ""
        if not who.key and self._per_address and not _is_loopback(address):
            yield self._per_address, f"all of {address}"
        if who.user is not None:
            yield self._per_user, f"user {who.user}"
        elif who.refused:  # whoever they say that they are: nobody else's share is used up by it
            yield self._per_user, f"address {address}"
        else:
            user, session = _named()
            if user:
                yield self._per_user, f"user {user}"
            if session:
                yield self._per_user, f"session {session}"
            if not user and not session:
                known = cookie_user()
                yield (
                    self._per_user,
                    f"user {known}" if known else f"key {who.key}" if who.key else f"address {address}",
                )


def _is_loopback(address: str) -> bool:
    """The operator, or a proxy that was not named in TRUSTED_PROXIES: everybody's address would be the same."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _named() -> tuple[str, str]:
    """The user and the session that a request names, in its address, headers or body; empty where it names none."""
    parts: dict[str, Any] = dict(request.view_args or {})
    body = _body()
    users = (parts.get("user"), body.get("userId"), body.get("user"), request.headers.get("X-User-Id"))
    sessions = (
        parts.get("session_id"), body.get("sessionId"), body.get("session_id"), request.headers.get("session-id"),
    )  # fmt: skip
    return _first_id(users), _first_id(sessions)


def _first_id(found: tuple[object, ...]) -> str:
    return next((each for each in found if isinstance(each, str) and is_subject_id(each)), "")


def _body() -> dict[str, Any]:
    """The JSON object of a body that is no larger than most; whatever else it is, the view tells the client."""
    length = request.content_length
    if not length or length > MAX_BODY or not request.is_json:
        return {}
    try:
        body = orjson.loads(request.get_data())  # kept, the view reads it again
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def of(config: ApiConfig, clock: Callable[[], float] = time.time) -> RateLimits | None:
    """The limits of these settings; None where there are none."""
    return RateLimits(config.rate_limit, config.rate_limit_address, clock) if config.rate_limit else None


def check(app: Flask) -> None:
    """Count this request, unless it is for what everybody may have at any time."""
    found: RateLimits | None = app.extensions.get("parley-limits")
    if found is not None and not is_open(request.path) and request.path != "/metrics":
        found.check()


def show(response: Response) -> None:
    """Tell the client how it stands."""
    standing: Standing | None = g.get("rate_standing")
    if standing is not None:
        response.headers.extend(standing.headers)
