"""Which of redis-py's errors mean that Redis is away, hung, or takes no writes now. Anything else is a bug of ours."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import redis

from memory.errors import StoreUnavailable

REFUSALS: Final = (
    "READONLY", "OOM", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "LOADING", "BUSY", "TRYAGAIN", "NOPERM",
    "The user executing the script",
)  # fmt: skip
"""How the error replies begin that redis-py has no class for in every version. The last is NOPERM within a script."""

_REFUSED_IN_SCRIPT: Final = re.compile(rf"Error running script .*-({'|'.join(REFUSALS)}) ", re.DOTALL)
"""Before Redis 7 the reply to a script is an error of its own, with that of the refused command inside."""

_REFUSING = (
    redis.exceptions.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.NoPermissionError,
    redis.exceptions.AskError,
    redis.exceptions.TryAgainError,
)


class Trips:
    """How often this process has asked Redis so far."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def add(self) -> None:
        with self._lock:
            self.count += 1


TRIPS: Final = Trips()


@contextmanager
def answering() -> Iterator[None]:
    """Turns what redis-py raises when Redis is away, hung or refuses writes into ``StoreUnavailable``; counts it."""
    TRIPS.add()
    try:
        yield
    except (redis.exceptions.AuthenticationError, redis.exceptions.AuthorizationError) as error:
        raise StoreUnavailable("redis", "does not accept the user or password that it was given") from error
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError) as error:
        raise StoreUnavailable("redis") from error
    except redis.exceptions.ResponseError as error:
        text = str(error)
        if "unauthenticated" in text:  # what long commands are told before their sender has logged in
            raise StoreUnavailable("redis", "does not accept the user or password that it was given") from error
        if isinstance(error, _REFUSING) or text.startswith(REFUSALS) or _REFUSED_IN_SCRIPT.search(text):
            raise StoreUnavailable("redis", "refuses writes") from error
        raise
    except (redis.exceptions.RedisClusterException, redis.exceptions.ClusterError) as error:
        raise StoreUnavailable("redis", "has no working cluster") from error
    except redis.exceptions.InvalidResponse as error:
        raise StoreUnavailable("redis", "answers in another language than Redis'") from error
