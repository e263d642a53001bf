"""Spans of a turn, for OpenTelemetry where a tracer is set; nothing at all, and nothing imported, where none is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

_NOTHING: Final = nullcontext()
_tracer: Any = None


def use(tracer: Any) -> None:
    """Make spans with this tracer from now on; with None, none."""
    global _tracer
    _tracer = tracer


def tracer() -> Any:
    return _tracer


def span(name: str, **attributes: str | int) -> AbstractContextManager[Any]:
    """A span under the one that is current in this thread. No words and no ids go into attributes."""
    if _tracer is None:
        return _NOTHING
    found: AbstractContextManager[Any] = _tracer.start_as_current_span(name, attributes=attributes)
    return found


def carried(work: Callable[[], None]) -> Callable[[], None]:
    """``work``, to be run in another thread under the span that is current here."""
    if _tracer is None:
        return work
    from opentelemetry import context

    here = context.get_current()

    def run() -> None:
        token = context.attach(here)
        try:
            work()
        finally:
            context.detach(token)

    return run
