"""Log lines: text or JSON, each with its request id; ids of users and sessions are hashed, words never logged."""

from __future__ import annotations

import hashlib
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import orjson

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The request that a line belongs to; ``-`` outside of any."""

_GIVEN: Final = re.compile(r"[A-Za-z0-9._:@+-]{1,128}", re.ASCII)


def taken_or_new(given: str | None) -> str:
    """A client's ``X-Request-Id`` where it is a plain word, else a new one."""
    return given if given and _GIVEN.fullmatch(given) else uuid4().hex


def hashed(identifier: str) -> str:
    """A short stand-in for an id in log lines: the same id gives the same word, the word does not give the id."""
    return hashlib.blake2b(identifier.encode(), digest_size=6, key=b"parley-log").hexdigest()


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "requestId": request_id.get(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.request = request_id.get()
        return super().format(record)


def configure(level: str, form: str) -> None:
    """One handler to standard error for everything in this process."""
    handler = logging.StreamHandler(sys.stderr)
    text = _Text("%(asctime)s %(levelname)-7s %(name)s [%(request)s] %(message)s")
    handler.setFormatter(_Json() if form == "json" else text)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore", "openai", "httpx2", "urllib3"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(level)))
