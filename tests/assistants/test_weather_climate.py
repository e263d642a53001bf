"""The table of typical months."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from assistants.weather import climate
from assistants.weather.climate import Climate, Month, cities, cities_of, find
from assistants.weather.places import fold

EVERY_CITY = pytest.mark.parametrize("city", cities(), ids=lambda city: city.name)


def test_the_table_holds_the_cities_people_ask_for() -> None:
    assert len(cities()) >= 60
    for name in ("London", "New York", "Tokyo", "Sydney", "São Paulo", "Cairo", "Mumbai", "Mexico City"):
        assert find(name) is not None


@EVERY_CITY
def test_a_city_is_a_place_on_earth(city: Climate) -> None:
    assert -60 < city.latitude < 70
    assert -180 <= city.longitude <= 180
    assert len(city.country_code) == 2
    ZoneInfo(city.timezone)


@EVERY_CITY
def test_its_months_are_weather_of_this_world(city: Climate) -> None:
    for number in range(1, 13):
        month = city.month(number)
        assert -25 <= month.low < month.high <= 46
        assert month.high - month.low <= 20
        assert 0 <= month.rain_days <= month.days


@EVERY_CITY
def test_its_year_has_no_leaps(city: Climate) -> None:
    # A slip of the pen stands out from its neighbours.
    for series in (city.high, city.low):
        assert all(abs(series[index] - series[index - 1]) <= 10 for index in range(12))


@EVERY_CITY
def test_summer_is_on_its_side_of_the_equator(city: Climate) -> None:
    warmth = [high + low for high, low in zip(city.high, city.low, strict=True)]
    if city.latitude > 25:
        assert max(warmth[5:9]) == max(warmth)
    if city.latitude < -25:
        assert max(warmth[0:2] + warmth[11:]) == max(warmth)


def test_names_and_aliases_mean_one_city_each() -> None:
    names = [fold(name) for city in cities() for name in (city.name, *city.aliases)]
    assert len(names) == len(set(names))


def test_months_have_their_names_and_lengths() -> None:
    london = find("London")
    assert london is not None
    assert london.month(11) == Month("November", high=11, low=5, rain_days=11, days=30)
    assert london.month(2).days == 28


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("london", "London"),
        ("NYC", "New York"),
        ("new york city", "New York"),
        ("New York, NY", "New York"),
        ("New York, New York", "New York"),
        ("Washington, D.C.", "Washington"),
        ("Washington DC", "Washington"),
        ("Bombay", "Mumbai"),
        ("munchen", "Munich"),
        ("MÜNCHEN", "Munich"),
        ("sao paulo", "São Paulo"),
        ("Sydney, NSW", "Sydney"),
        ("London England", "London"),
        ("Edinburgh, Scotland", "Edinburgh"),
        ("Istanbul, Turkey", "Istanbul"),
        ("Singapore", "Singapore"),
    ],
)
def test_a_city_is_found_by_any_of_its_names(said: str, name: str) -> None:
    found = find(said)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "said", ["Paris, Texas", "Paris Texas", "London, Ontario", "Rome, Georgia", "Atlantis", "", ",", " "]
)
def test_a_namesake_elsewhere_is_not_found(said: str) -> None:
    assert find(said) is None


def test_countries_have_cities() -> None:
    assert cities_of("germany") == ("Berlin", "Hamburg", "Munich")
    assert cities_of("Narnia") == ()


def test_the_table_says_nothing_that_it_does_not_know() -> None:
    assert climate.is_known("Rome")
    assert not climate.is_known("Bergen")
