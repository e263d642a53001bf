"""Open-Meteo over HTTP: search a place, get its weather. Bounded in time, bytes, attempts and in what is cached."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import httpx
from cachetools import TTLCache, cached
from pydantic import BaseModel, ValidationError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_fixed

from assistants.weather.errors import BadAnswer, Unreachable
from assistants.weather.patience import Seconds, Silence, within
from assistants.weather.places import Place, fold
from assistants.weather.wire import FORECAST_DAYS, Current, Daily, ForecastAnswer, SearchAnswer, Weather

FORECAST_URL: Final = "https://api.open-meteo.com/v1/forecast"
GEOCODING_URL: Final = "https://geocoding-api.open-meteo.com/v1/search"

CACHE_SECONDS: Final = 600.0
CACHE_ENTRIES: Final = 1024
MAX_BYTES: Final = 1_000_000
ATTEMPTS: Final = 2
PAUSE: Final = 0.1
"""Seconds before the second attempt."""

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to connect, between two pieces of an answer, and in all for one question with its second attempt."""

    connect: float = 2.0
    read: float = 3.0
    total: float = 5.0


class OpenMeteo:
    """Asks Open-Meteo. Safe to share between threads; after a fork each process opens its own connections.

    ``search`` and ``weather`` raise a ``WeatherError``; what they answer is remembered for ten minutes, failures not.
    """

    def __init__(
        self,
        forecast_url: str = FORECAST_URL,
        geocoding_url: str = GEOCODING_URL,
        *,
        limits: Limits | None = None,
        clock: Seconds = time.monotonic,
    ) -> None:
        self._forecast_url = forecast_url
        self._geocoding_url = geocoding_url
        self._limits = limits or Limits()
        self._silence = Silence(clock, self._limits.total)
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._pid = 0
        places: TTLCache[object, tuple[Place, ...]] = TTLCache(CACHE_ENTRIES, CACHE_SECONDS, timer=clock)
        weathers: TTLCache[object, Weather] = TTLCache(CACHE_ENTRIES, CACHE_SECONDS, timer=clock)
        # The condition: of several threads that want to know the same, one asks and the others wait for its answer.
        self._search = cached(places, _same_name, condition=threading.Condition())(self._ask_search)
        self._weather = cached(weathers, condition=threading.Condition())(self._ask_weather)

    def search(self, name: str, *, count: int = 20) -> tuple[Place, ...]:
        """Places called ``name``, at most ``count``, the likeliest first; none where it is unknown."""
        return self._search(name, count)

    def weather(self, latitude: float, longitude: float) -> Weather:
        """The weather at a point of the map."""
        return self._weather(round(latitude, 3), round(longitude, 3))

    def close(self) -> None:
        """Hang up. The next question connects anew."""
        with self._lock:
            if self._client is not None and self._pid == os.getpid():
                self._client.close()
            self._client = None

    def _ask_search(self, name: str, count: int) -> tuple[Place, ...]:
        query: dict[str, str | float] = {"name": name, "count": count, "language": "en", "format": "json"}
        answer = self._ask(self._geocoding_url, query, SearchAnswer)
        return tuple(found.place() for found in answer.results)

    def _ask_weather(self, latitude: float, longitude: float) -> Weather:
        query: dict[str, str | float] = {
            "latitude": latitude,
            "longitude": longitude,
            "current": ",".join(Current.asked()),
            "daily": ",".join(Daily.asked()),
            "timezone": "auto",
            "forecast_days": FORECAST_DAYS,
        }
        return self._ask(self._forecast_url, query, ForecastAnswer).weather()

    def _ask(self, url: str, query: Mapping[str, str | float], kind: type[Answer]) -> Answer:
        with self._silence.around(url):
            body = within(self._limits.total, lambda: self._attempts(url, query))
            try:
                return kind.model_validate_json(body)
            except ValidationError as error:
                raise BadAnswer(url) from error

    def _attempts(self, url: str, query: Mapping[str, str | float]) -> bytes:
        until = time.monotonic() + self._limits.total
        attempts = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_fixed(PAUSE),
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        try:
            return attempts(self._get, url, query, until)
        except httpx.HTTPError as error:
            raise Unreachable(f"{url} can't be reached: {type(error).__name__}") from error

    def _get(self, url: str, query: Mapping[str, str | float], until: float) -> bytes:
        body = bytearray()
        with self._connected().stream("GET", url, params=query) as response:
            if response.status_code != httpx.codes.OK:
                raise BadAnswer(url, response.status_code)
            for piece in response.iter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    raise BadAnswer(url)
                if time.monotonic() > until:
                    raise Unreachable(f"{url} answers too slowly")
        return bytes(body)

    def _connected(self) -> httpx.Client:
        with self._lock:
            # Connections must not be shared with the process that this one was forked from.
            if self._client is None or self._pid != os.getpid():
                timeout = httpx.Timeout(self._limits.read, connect=self._limits.connect)
                self._client = httpx.Client(timeout=timeout, headers={"User-Agent": "parley"})
                self._pid = os.getpid()
            return self._client


def _same_name(name: str, count: int) -> tuple[str, int]:
    return fold(name), count


def _may_pass(error: BaseException) -> bool:
    """Whether a second attempt is worth it: a lost connection or a stumbling server, but not another wait."""
    if isinstance(error, BadAnswer):
        return error.status is not None and error.status >= httpx.codes.INTERNAL_SERVER_ERROR
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.TimeoutException)
