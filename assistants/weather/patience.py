"""How long an address is waited for, and how long one that didn't answer is left alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final, TypeVar

from assistants.weather.errors import BadAnswer, Unreachable, WeatherError

SILENT_SECONDS: Final = 30.0
"""How long an address that couldn't be reached is left alone."""

TOO_MANY_REQUESTS: Final = 429

Seconds = Callable[[], float]
"""Returns seconds that only grow. Tests hand in one that is moved by hand."""

Result = TypeVar("Result")


class Silence:
    """Remembers for a while which addresses couldn't be reached, so that not everyone waits for them in vain.

    When the while is over, one question tries again; the others leave the address alone until that one knows.
    """

    def __init__(self, clock: Seconds, probe_seconds: float) -> None:
        self._clock = clock
        self._probe_seconds = probe_seconds
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def around(self, url: str) -> Iterator[None]:
        """Wraps a question to ``url``, and remembers how it went. Raises ``Unreachable`` while it is left alone."""
        self._enter(url)
        try:
            yield
        except Unreachable:
            self._leave_alone(url)
            raise
        except WeatherError as error:
            if isinstance(error, BadAnswer) and error.status == TOO_MANY_REQUESTS:
                self._leave_alone(url)
            else:
                self._forget(url)
            raise
        else:
            self._forget(url)

    def _enter(self, url: str) -> None:
        with self._lock:
            until = self._until.get(url)
            if until is None:
                return
            if self._clock() < until:
                raise Unreachable(f"{url} could not be reached a moment ago")
            self._until[url] = self._clock() + self._probe_seconds

    def _leave_alone(self, url: str) -> None:
        with self._lock:
            self._until[url] = self._clock() + SILENT_SECONDS

    def _forget(self, url: str) -> None:
        with self._lock:
            self._until.pop(url, None)


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """The result of ``work``, or ``Unreachable`` after ``seconds``.

    Finding the address of a name has no time-out of its own, and an answer may come byte by byte: only another thread
    can be left behind when the time is over. It ends by itself, unheard, and keeps no process alive.
    """
    result: Future[Result] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that asked
            result.set_exception(error)

    threading.Thread(target=run, name="weather-question", daemon=True).start()
    try:
        return result.result(timeout=seconds)
    except TimeoutError as error:
        raise Unreachable(f"no answer within {seconds:g} s") from error
