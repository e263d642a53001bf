"""Open-Meteo on a free port of this machine: real HTTP in the wire format of its geocoding and forecast endpoints.

    with OpenMeteoServer() as meteo:
        meteo.weather["London"] = Sky(temperature=9.2, code=3)
        ...                                   # ask meteo.forecast_url and meteo.geocoding_url
        meteo.misbehave(delay=5.0)            # slow; or status=500, body=b"garbage", drip=0.2, cut=True
        assert meteo.paths == ["/v1/search", "/v1/forecast"]

As the real one, it leaves ``results`` out where nothing was found, and refuses variables that it doesn't know.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import orjson

from tests.fakes.threaded import ThreadedService

SEARCH: Final = "/v1/search"
FORECAST: Final = "/v1/forecast"
FRIDAY: Final = date(2026, 11, 20)
"""The present of the server, unless it is told another."""

Town = dict[str, Any]


def town(
    name: str,
    country: str,
    code: str,
    at: tuple[float, float],
    population: int | None,
    *,
    admin1: str | None = None,
    timezone: str = "GMT",
    feature: str = "PPL",
    also: tuple[str, ...] = (),
) -> Town:
    """A row of the geocoding database; ``also`` are its names in other languages, which are searched as well."""
    row = {
        "id": abs(hash((name, at))) % 10_000_000,
        "name": name,
        "latitude": at[0],
        "longitude": at[1],
        "elevation": 25.0,
        "feature_code": feature,
        "country_code": code,
        "timezone": timezone,
        "population": population,
        "country": country,
        "admin1": admin1,
        "also": also,
    }
    return {key: value for key, value in row.items() if value is not None}


TOWNS: Final = (
    town("London", "United Kingdom", "GB", (51.50853, -0.12574), 8_961_989, admin1="England", feature="PPLC",
         timezone="Europe/London", also=("Londres",)),
    town("London", "Canada", "CA", (42.98339, -81.23304), 422_324, admin1="Ontario", timezone="America/Toronto"),
    town("Paris", "France", "FR", (48.85341, 2.3488), 2_138_551, admin1="Île-de-France", feature="PPLC",
         timezone="Europe/Paris"),
    town("Paris", "United States", "US", (33.66094, -95.55551), 24_782, admin1="Texas", timezone="America/Chicago"),
    town("Rome", "Italy", "IT", (41.89193, 12.51133), 2_318_895, admin1="Lazio", feature="PPLC", timezone="Europe/Rome",
         also=("Roma",)),
    town("Roma", "Australia", "AU", (-26.57, 148.78), 6_838, admin1="Queensland", timezone="Australia/Brisbane"),
    town("Oslo", "Norway", "NO", (59.91273, 10.74609), 580_000, feature="PPLC", timezone="Europe/Oslo"),
    town("Bergen", "Norway", "NO", (60.39299, 5.32415), 213_585, admin1="Vestland", timezone="Europe/Oslo"),
    town("New York", "United States", "US", (40.71427, -74.00597), 8_804_190, admin1="New York",
         timezone="America/New_York"),
    town("New York", "United States", "US", (43.00035, -75.4999), 19_274_244, admin1="New York", feature="ADM1"),
    town("Springfield", "United States", "US", (37.21533, -93.29824), 166_810, admin1="Missouri",
         timezone="America/Chicago"),
    town("Springfield", "United States", "US", (39.80172, -89.64371), 116_250, admin1="Illinois",
         timezone="America/Chicago"),
    town("Bath", "United Kingdom", "GB", (51.3751, -2.36172), 94_782, admin1="England", timezone="Europe/London"),
    town("Bathinda", "India", "IN", (30.20747, 74.93893), 285_813, admin1="Punjab", timezone="Asia/Kolkata"),
    town("Nice", "France", "FR", (43.70313, 7.26608), 342_669, timezone="Europe/Paris"),
    town("Singapore", "Singapore", "SG", (1.28967, 103.85007), 3_547_809, feature="PPLC", timezone="Asia/Singapore"),
    town("Singapore", "Singapore", "SG", (1.36667, 103.8), 5_638_676, feature="PCLI", timezone="Asia/Singapore"),
    town("Georgia", "Georgia", "GE", (42.0, 43.5), 3_731_000, feature="PCLI", timezone="Asia/Tbilisi"),
    town("Georgia", "United States", "US", (44.73, -73.12), 4_515, admin1="Vermont", timezone="America/New_York"),
    town("Sydney", "Australia", "AU", (-33.86785, 151.20732), 4_627_345, admin1="New South Wales",
         timezone="Australia/Sydney"),
    town("Tokyo", "Japan", "JP", (35.6895, 139.69171), 9_733_276, feature="PPLC", timezone="Asia/Tokyo",
         also=("東京",)),
    town("Portland", "United States", "US", (45.52345, -122.67621), 652_503, admin1="Oregon",
         timezone="America/Los_Angeles"),
    town("White Plains", "United States", "US", (41.03399, -73.76291), 58_241, admin1="New York",
         timezone="America/New_York"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sky:
    """The weather of a town in °C, km/h, mm and %. ``days`` overrides what ``daily`` says, by variable."""

    temperature: float = 9.2
    feels_like: float | None = 6.6
    humidity: float | None = 81
    code: int | None = 3
    is_day: int = 1
    precipitation: float | None = 0.0
    wind: float | None = 14.1
    gusts: float | None = 31.3
    utc_offset: int = 0
    days: Mapping[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trouble:
    """How an endpoint misbehaves: seconds of ``delay`` before, or of ``drip`` between the bytes of, its answer."""

    status: int | None = None
    body: bytes | None = None
    delay: float = 0.0
    drip: float = 0.0
    cut: bool = False
    times: int | None = None


class OpenMeteoServer(ThreadedService):
    """The server, from ``with`` on. ``weather`` is by the name of a town; ``asked`` are the (path, query) so far."""

    def __init__(self, today: date = FRIDAY) -> None:
        self.today = today
        self.weather: dict[str, Sky] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._trouble: dict[str, Trouble] = {}
        super().__init__(_handler(self))

    @property
    def forecast_url(self) -> str:
        return self.base_url + FORECAST

    @property
    def geocoding_url(self) -> str:
        return self.base_url + SEARCH

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def misbehave(self, path: str | None = None, **how: Any) -> None:
        """From now on (or ``times``), on one endpoint or both. See ``Trouble``."""
        for which in (path,) if path else (SEARCH, FORECAST):
            self._trouble[which] = Trouble(**how)

    def behave(self) -> None:
        self._trouble.clear()

    def wait(self, seconds: float) -> None:
        """Waits, but not beyond the end of the server."""
        self.over.wait(seconds)

    def trouble(self, path: str) -> Trouble:
        """How this request is to go wrong, if it is."""
        now = self._trouble.get(path, Trouble())
        if now.times is None:
            return now
        if now.times == 0:
            return Trouble()
        self._trouble[path] = replace(now, times=now.times - 1)
        return now

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        if path == SEARCH:
            return HTTPStatus.OK, orjson.dumps(_search(query))
        if path == FORECAST:
            return self._forecast(query)
        return HTTPStatus.NOT_FOUND, b'{"error":true,"reason":"Not Found"}'

    def _forecast(self, query: dict[str, str]) -> tuple[int, bytes]:
        if "latitude" not in query or "longitude" not in query:
            return _refused("Parameter 'latitude' and 'longitude' must have the same number of elements")
        if "daily" in query and "timezone" not in query:
            return _refused("Timezone is required")
        at = float(query["latitude"]), float(query["longitude"])
        near = min(TOWNS, key=lambda row: abs(row["latitude"] - at[0]) + abs(row["longitude"] - at[1]))
        sky = self.weather.get(near["name"], Sky())
        answer: dict[str, Any] = {
            "latitude": at[0],
            "longitude": at[1],
            "generationtime_ms": 0.07,
            "utc_offset_seconds": sky.utc_offset,
            "timezone": near["timezone"],
            "timezone_abbreviation": "GMT",
            "elevation": 23.0,
        }
        for section, values in (("current", _current(sky, self.today)), ("daily", _daily(sky, self.today, query))):
            wanted = [name for name in query.get(section, "").split(",") if name]
            unknown = next((name for name in wanted if name not in values), None)
            if unknown is not None:
                kind = "SurfaceAndPressureVariable" if section == "current" else "ForecastVariableDaily"
                return _refused(
                    f"Data corrupted at path ''. Cannot initialize {kind} from invalid String value {unknown}."
                )
            if wanted:
                always = ("time", "interval") if section == "current" else ("time",)
                answer[f"{section}_units"] = {name: UNITS.get(name, "") for name in (*always, *wanted)}
                answer[section] = {name: values[name] for name in (*always, *wanted)}
        return HTTPStatus.OK, orjson.dumps(answer)


UNITS: Final = {
    "time": "iso8601",
    "interval": "seconds",
    "temperature_2m": "°C",
    "apparent_temperature": "°C",
    "temperature_2m_max": "°C",
    "temperature_2m_min": "°C",
    "relative_humidity_2m": "%",
    "precipitation_probability_max": "%",
    "precipitation": "mm",
    "precipitation_sum": "mm",
    "weather_code": "wmo code",
    "wind_speed_10m": "km/h",
    "wind_gusts_10m": "km/h",
    "wind_speed_10m_max": "km/h",
    "sunrise": "iso8601",
    "sunset": "iso8601",
}


def _current(sky: Sky, today: date) -> dict[str, Any]:
    return {
        "time": f"{today}T10:30",
        "interval": 900,
        "temperature_2m": sky.temperature,
        "apparent_temperature": sky.feels_like,
        "relative_humidity_2m": sky.humidity,
        "is_day": sky.is_day,
        "precipitation": sky.precipitation,
        "weather_code": sky.code,
        "wind_speed_10m": sky.wind,
        "wind_gusts_10m": sky.gusts,
    }


def _daily(sky: Sky, today: date, query: dict[str, str]) -> dict[str, list[Any]]:
    count = int(query.get("forecast_days", "7"))
    days = [today + timedelta(days=ahead) for ahead in range(count)]
    values: dict[str, list[Any]] = {
        "time": [day.isoformat() for day in days],
        "weather_code": [3, 61, 0, 63, 2, 80, 1, 3],
        "temperature_2m_max": [11.3, 12.0, 13.4, 9.8, 10.1, 10.0, 9.0, 8.0],
        "temperature_2m_min": [5.2, 6.4, 7.1, 4.0, 3.3, 4.1, 2.0, 1.0],
        "precipitation_sum": [0.0, 4.2, 0.0, 6.5, 0.1, 1.2, 0.0, 0.0],
        "precipitation_probability_max": [20, 80, 5, 90, 30, 55, 0, 10],
        "wind_speed_10m_max": [22.0, 25.4, 12.0, 30.0, 18.0, 15.0, 9.0, 11.0],
        "sunrise": [f"{day}T07:25" for day in days],
        "sunset": [f"{day}T16:05" for day in days],
    }
    values.update(sky.days)
    return {name: column[:count] for name, column in values.items()}


def _search(query: dict[str, str]) -> dict[str, Any]:
    """One character finds nothing, two only what is called just so, three also what begins so; likeliest first."""
    name, count = _plain(query.get("name", "")), int(query.get("count", "10"))
    found = [row for row in TOWNS if any(_matches(_plain(known), name) for known in (row["name"], *row["also"]))]
    found.sort(key=lambda row: (name not in map(_plain, (row["name"], *row["also"])), -row.get("population", 0)))
    rows = [{key: value for key, value in row.items() if key != "also"} for row in found[:count]]
    return {"results": rows, "generationtime_ms": 0.7} if rows else {"generationtime_ms": 0.7}


def _matches(known: str, name: str) -> bool:
    if len(name) < 2 and name.isascii():
        return False
    return known == name if len(name) < 3 else known.startswith(name)


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char)).strip()


def _refused(reason: str) -> tuple[int, bytes]:
    return HTTPStatus.BAD_REQUEST, orjson.dumps({"error": True, "reason": reason})


def _handler(meteo: OpenMeteoServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(address.query).items()}
            meteo.asked.append((address.path, query))
            trouble = meteo.trouble(address.path)
            meteo.wait(trouble.delay)
            if trouble.cut:
                self.close_connection = True
                return
            status, body = meteo.answer(address.path, query)
            status = trouble.status or status
            body = body if trouble.body is None else trouble.body
            with suppress(ConnectionError):  # the client has given up
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if not trouble.drip:
                    self.wfile.write(body)
                    return
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    meteo.wait(trouble.drip)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
            """Tests read ``asked`` instead."""

    return Handler
