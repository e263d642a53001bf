"""What is told of a city's weather: live, typical, or why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from assistants.weather.open_meteo import OpenMeteo
from assistants.weather.service import WeatherService
from tests.assistants.weather_conversation import NOBODY, NOW, QUICK, cut_off, service_of
from tests.fakes.open_meteo import FORECAST, SEARCH, OpenMeteoServer, Sky

NEW_YEARS_EVE = int(datetime(2026, 12, 31, 20, 0, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def meteo() -> Iterator[OpenMeteoServer]:
    with OpenMeteoServer() as server:
        yield server


@pytest.fixture
def service(meteo: OpenMeteoServer) -> Iterator[WeatherService]:
    with closing(service_of(meteo)) as service:
        yield service


def test_the_weather_of_the_moment(service: WeatherService) -> None:
    report = service.current("London", "celsius", now=NOW)
    assert report == {
        "live": True,
        "place": "London, United Kingdom",
        "local_time": "2026-11-20T10:30",
        "conditions": "cloudy",
        "temperature": 9,
        "feels_like": 7,
        "humidity": 81,
        "precipitation": 0.0,
        "wind_speed": 14,
        "wind_gusts": 31,
        "today": {
            "date": "2026-11-20",
            "weekday": "Friday",
            "conditions": "cloudy",
            "high": 11,
            "low": 5,
            "rain_chance": 20,
            "precipitation": 0.0,
            "wind_speed": 22,
            "sunrise": "07:25",
            "sunset": "16:05",
        },
        "units": {"temperature": "°C", "wind_speed": "km/h", "precipitation": "mm"},
    }


def test_fahrenheit_brings_miles_and_inches(service: WeatherService) -> None:
    report = service.forecast("London", 2, "fahrenheit", now=NOW)
    assert report["units"] == {"temperature": "°F", "wind_speed": "mph", "precipitation": "in"}
    tomorrow = report["days"][1]
    assert (tomorrow["high"], tomorrow["low"], tomorrow["wind_speed"], tomorrow["precipitation"]) == (54, 44, 16, 0.17)


@pytest.mark.parametrize("unit", ["fahrenheit", "Fahrenheit", "F", "°F", " f ", "imperial"])
def test_units_are_understood_as_models_write_them(service: WeatherService, unit: str) -> None:
    assert service.current("London", unit, now=NOW)["temperature"] == 49


@pytest.mark.parametrize("unit", ["celsius", "C", "", "kelvin", "🌡"])
def test_any_other_unit_is_celsius(service: WeatherService, unit: str) -> None:
    assert service.current("London", unit, now=NOW)["temperature"] == 9


def test_both_units_are_told_from_one_look_up(service: WeatherService, meteo: OpenMeteoServer) -> None:
    service.current("London", "celsius", now=NOW)
    service.forecast("London", 3, "fahrenheit", now=NOW)
    assert meteo.paths == [SEARCH, FORECAST]


@pytest.mark.parametrize(("days", "told"), [(1, 1), (3, 3), (8, 8), (30, 8), (0, 1), (-5, 1)])
def test_a_forecast_has_the_days_asked_for_within_its_reach(service: WeatherService, days: int, told: int) -> None:
    report = service.forecast("Oslo", days, "celsius", now=NOW)
    assert len(report["days"]) == told
    assert report["days"][0]["date"] == report["today"] == "2026-11-20"


def test_the_time_is_the_places_own(service: WeatherService, meteo: OpenMeteoServer) -> None:
    meteo.weather["Tokyo"] = Sky(utc_offset=9 * 3600)
    assert service.current("Tokyo", "celsius", now=NOW)["local_time"] == "2026-11-20T19:30"


def test_what_is_unknown_is_left_out(service: WeatherService, meteo: OpenMeteoServer) -> None:
    unknown = {name: [None] * 8 for name in ("weather_code", "precipitation_probability_max", "wind_speed_10m_max")}
    meteo.weather["London"] = Sky(feels_like=None, humidity=None, code=None, wind=None, gusts=None, days=unknown)
    text = json.dumps([service.current("London", "celsius", now=NOW), service.forecast("London", 8, "", now=NOW)])
    assert "null" not in text
    assert "rain_chance" not in text


def test_a_clear_sky_is_sunny_by_day_only(service: WeatherService, meteo: OpenMeteoServer) -> None:
    meteo.weather["London"] = Sky(code=0, is_day=1)
    meteo.weather["Oslo"] = Sky(code=0, is_day=0)
    assert service.current("London", "celsius", now=NOW)["conditions"] == "sunny"
    assert service.current("Oslo", "celsius", now=NOW)["conditions"] == "clear sky"


def test_where_the_sun_does_not_rise_no_sunrise_is_told(service: WeatherService, meteo: OpenMeteoServer) -> None:
    meteo.weather["Oslo"] = Sky(days={"sunrise": ["1970-01-01T01:00"] * 8, "sunset": ["1970-01-01T01:00"] * 8})
    assert "sunrise" not in service.current("Oslo", "celsius", now=NOW)["today"]


@pytest.mark.parametrize(
    ("city", "place"),
    [
        ("Paris", "Paris, France"),
        ("paris, texas", "Paris, Texas, United States"),
        ("Paris TX", "Paris, Texas, United States"),
        ("Paris, France", "Paris, France"),
        ("London, Ontario, Canada", "London, Ontario, Canada"),
        ("Springfield", "Springfield, Missouri, United States"),
        ("Springfield, Illinois", "Springfield, Illinois, United States"),
        ("NYC", "New York, United States"),
        ("Roma", "Rome, Italy"),
        ("Londres", "London, United Kingdom"),
        ("東京", "Tokyo, Japan"),
        ("bath", "Bath, United Kingdom"),
        ("Singapore", "Singapore"),
        ("White Plains NY", "White Plains, New York, United States"),
    ],
)
def test_a_city_is_found_and_named_with_its_country(service: WeatherService, city: str, place: str) -> None:
    assert service.current(city, "celsius", now=NOW)["place"] == place


@pytest.mark.parametrize(
    "city", ["Atlantis", "Paris, Narnia", "Xyzzy Plugh", "x", "🌧️", "**", "", "   ", "\ud800", "a" * 9_000]
)
def test_an_unknown_city_is_said_to_be_unknown(service: WeatherService, city: str) -> None:
    report = service.current(city, "celsius", now=NOW)
    assert report["live"] is False
    assert report["error"] in ("unknown_city", "no_city")
    assert report["message"]
    assert len(report["message"]) < 250


def test_an_unknown_city_comes_with_a_hint(service: WeatherService) -> None:
    message = service.current("Atlantis", "celsius", now=NOW)["message"]
    assert message.startswith("I don't know a place called “Atlantis”.")
    assert "country" in message


@pytest.mark.parametrize(
    ("area", "hint"), [("Germany", "Berlin"), ("UK", "London"), ("USA", "Boston"), ("Georgia", "Name a city")]
)
def test_a_country_is_too_large_for_one_weather(service: WeatherService, area: str, hint: str) -> None:
    report = service.current(area, "celsius", now=NOW)
    assert report["error"] == "too_wide"
    assert hint in report["message"]


def test_without_a_network_typical_values_are_told_as_such() -> None:
    report = cut_off().current("London", "celsius", now=NOW)
    assert report["live"] is False
    assert report["place"] == "London, United Kingdom"
    assert report["typical"] == [{"month": "November", "high": 11, "low": 5, "rain_days": 11, "days_in_month": 30}]
    assert "typical" in report["note"]
    assert "not live" in report["note"]


def test_typical_values_know_fahrenheit_and_the_local_time() -> None:
    report = cut_off().current("Tokyo", "fahrenheit", now=NOW)
    assert report["typical"][0]["high"] == 63
    assert report["units"] == {"temperature": "°F"}
    assert report["local_time"] == "2026-11-20T19:30"


def test_a_week_over_the_end_of_a_month_has_both_months() -> None:
    months = cut_off().forecast("London", 8, "celsius", now=NEW_YEARS_EVE)["typical"]
    assert [month["month"] for month in months] == ["December", "January"]


def test_the_month_is_that_of_the_place() -> None:
    # At 20:00 UTC the new year has begun in Auckland.
    assert cut_off().current("Auckland", "celsius", now=NEW_YEARS_EVE)["typical"][0]["month"] == "January"
    assert cut_off().current("London", "celsius", now=NEW_YEARS_EVE)["typical"][0]["month"] == "December"


@pytest.mark.parametrize("city", ["Bergen", "Paris, Texas", "Atlantis"])
def test_without_a_network_other_cities_cannot_be_looked_up(city: str) -> None:
    report = cut_off().forecast(city, 3, "celsius", now=NOW)
    assert report["error"] == "unreachable"
    assert f"I can't look up “{city}” right now" in report["message"]


def test_when_only_the_forecast_is_away_known_cities_are_typical(meteo: OpenMeteoServer) -> None:
    with closing(WeatherService(OpenMeteo(f"{NOBODY}/forecast", meteo.geocoding_url, limits=QUICK))) as service:
        assert service.current("Londres", "celsius", now=NOW)["typical"]
        report = service.current("Bergen", "celsius", now=NOW)
        assert report["error"] == "unreachable"
        assert "Bergen, Norway" in report["message"]
        assert service.current("Paris, Texas", "celsius", now=NOW)["error"] == "unreachable", "not the one in France"
        assert service.forecast("Bergen", 2, "celsius", now=NOW)["error"] == "unreachable"


def test_when_only_the_search_is_away_known_cities_are_live(meteo: OpenMeteoServer) -> None:
    with closing(WeatherService(OpenMeteo(meteo.forecast_url, f"{NOBODY}/search", limits=QUICK))) as service:
        report = service.current("London", "celsius", now=NOW)
    assert report["live"] is True
    assert report["place"] == "London, United Kingdom"


@pytest.mark.parametrize("how", [{"status": 500}, {"body": b"garbage"}, {"cut": True}, {"status": 429}])
def test_whatever_goes_wrong_there_is_an_answer(
    service: WeatherService, meteo: OpenMeteoServer, how: dict[str, Any]
) -> None:
    meteo.misbehave(**how)
    assert service.current("London", "celsius", now=NOW)["typical"]
    assert service.forecast("Bergen", 3, "celsius", now=NOW)["error"] == "unreachable"


def test_an_answer_without_days_is_no_forecast(service: WeatherService, meteo: OpenMeteoServer) -> None:
    meteo.misbehave(FORECAST, body=b'{"current": {"temperature_2m": 9.2}}')
    assert service.forecast("London", 3, "celsius", now=NOW)["typical"]
    assert service.forecast("Bergen", 3, "celsius", now=NOW)["error"] == "unreachable"
    assert service.current("London", "celsius", now=NOW)["temperature"] == 9, "the moment is known all the same"


def test_a_month_is_told_without_any_network() -> None:
    report = cut_off().typical("Rome", "july", "celsius", now=NOW)
    assert report["typical"][0]["month"] == "July"
    assert "not a forecast" in report["note"]


def test_a_month_is_known_for_the_table_only(service: WeatherService) -> None:
    report = service.typical("Bergen", "July", "celsius", now=NOW)
    assert "Bergen, Norway" in report["message"]
    assert service.typical("Rome", "Smarch", "celsius", now=NOW)["error"] == "unknown_month"
    assert service.typical("Rome", "", "celsius", now=NOW)["error"] == "unknown_month"


def test_other_addresses_can_be_set(meteo: OpenMeteoServer) -> None:
    with closing(cut_off()) as service:
        assert service.current("Bergen", "celsius", now=NOW)["live"] is False
        service.configure(forecast_url=meteo.forecast_url, geocoding_url=meteo.geocoding_url)
        assert service.current("Bergen", "celsius", now=NOW)["live"] is True
