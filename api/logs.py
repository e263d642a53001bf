"""Log lines: text or JSON, each with its request id; ids of users and sessions are hashed, words never logged.

Errors are told by their kind and by where they came from. Their own words are not: they quote what was being worked on.
"""

from __future__ import annotations

import hashlib
import logging
import random
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Final

import orjson

log = logging.getLogger(__name__)

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The request that a line belongs to; ``-`` outside of any."""

_GIVEN: Final = re.compile(r"[A-Za-z0-9._:@+-]{1,128}", re.ASCII)


def taken_or_new(given: str | None) -> str:
    """A client's ``X-Request-Id`` where it is a plain word, else a new one."""
    if given and _GIVEN.fullmatch(given):
        return given
    return f"{random.getrandbits(128):032x}"  # no secret: a system call less


def hashed(identifier: str) -> str:
    """A short stand-in for an id in log lines: the same id gives the same word, the word does not give the id."""
    return hashlib.blake2b(identifier.encode(), digest_size=6, key=b"parley-log").hexdigest()


_MOST_ERRORS: Final = 10
_MOST_FRAMES: Final = 40

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def told(error: BaseException) -> str:
    """An error and those that led to it, newest first: what kind each is and the lines of code that it came through."""
    lines: list[str] = []
    for each in _chain(error):
        number = f" [errno {each.errno}]" if isinstance(each, OSError) and each.errno is not None else ""
        lines.append(f"{type(each).__module__}.{type(each).__qualname__}{number}, from")
        lines += (line.rstrip() for line in traceback.format_tb(each.__traceback__)[-_MOST_FRAMES:])
    return "\n".join(lines)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting and len(seen) < _MOST_ERRORS:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
        before = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
        if before is not None:
            waiting.append(before)


class _Told(logging.Formatter):
    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's own name
        return told(ei[1]) if ei[1] is not None else ""


class _Json(_Told):
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


class _Text(_Told):
    def format(self, record: logging.LogRecord) -> str:
        record.request = request_id.get()
        record.exc_text = None  # as another handler may have written it
        return super().format(record)


def formatter(form: str) -> logging.Formatter:
    """``text`` or ``json``."""
    return _Json() if form == "json" else _Text("%(asctime)s %(levelname)-7s %(name)s [%(request)s] %(message)s")


def of_thread(found: threading.ExceptHookArgs) -> None:
    """``threading.excepthook``: Python's own prints an error's words."""
    if found.exc_value is not None and found.exc_type is not SystemExit:
        log.error("a thread ended with an error", exc_info=found.exc_value)


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    log.error("an error that nobody could be told of", exc_info=found.exc_value)


def configure(level: str, form: str) -> None:
    """One handler to standard error for everything in this process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.raiseExceptions = False  # a line that can't be written would be told with its arguments
    threading.excepthook = of_thread
    sys.unraisablehook = _unraisable
    for chatty in ("httpx", "httpcore", "openai", "httpx2", "urllib3"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(level)))
