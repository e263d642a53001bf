"""Which of redis-py's errors mean that Redis is away, hung, or takes no writes now. Anything else is a bug of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import redis

from memory.errors import StoreUnavailable

REFUSALS: Final = (
    "READONLY", "OOM", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "LOADING", "BUSY", "TRYAGAIN", "NOPERM",
)  # fmt: skip
"""How the error replies begin that redis-py has no class for in every version."""

_REFUSING = (
    redis.exceptions.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.NoPermissionError,
    redis.exceptions.MovedError,
    redis.exceptions.TryAgainError,
)


@contextmanager
def answering() -> Iterator[None]:
    """Turns what redis-py raises when Redis is away, hung or refuses writes into ``StoreUnavailable``."""
    try:
        yield
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError) as error:
        raise StoreUnavailable("redis") from error
    except redis.exceptions.RedisClusterException as error:
        raise StoreUnavailable("redis", "has no working cluster") from error
    except redis.exceptions.ResponseError as error:
        if isinstance(error, _REFUSING) or str(error).startswith(REFUSALS):
            raise StoreUnavailable("redis", "refuses writes") from error
        raise
