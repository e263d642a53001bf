"""Which place is meant by a name, and how it is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.weather.places import MAX_NAME, Place, best, fold, lies_in, needs_region, readings, tidy, titled

PARIS = Place("Paris", "France", 48.85, 2.35, "FR", "Île-de-France", "Europe/Paris", 2_138_551, "PPLC")
TEXAS = Place("Paris", "United States", 33.66, -95.56, "US", "Texas", "America/Chicago", 24_782)
PLACES = (PARIS, TEXAS)


def test_of_namesakes_the_largest_is_meant() -> None:
    assert best((TEXAS, PARIS), "paris") is PARIS


@pytest.mark.parametrize(
    "region", ["Texas", "texas", "TX", "T.X.", "US", "USA", "United States", "Texas, USA", "america"]
)
def test_a_region_says_which_one(region: str) -> None:
    assert best(PLACES, "Paris", region) is TEXAS


def test_a_region_where_none_lies_finds_none() -> None:
    assert best(PLACES, "Paris", "Narnia") is None
    assert best((), "Paris") is None


@pytest.mark.parametrize(
    ("country", "code", "said"),
    [
        ("United Kingdom", "GB", "UK"),
        ("Türkiye", "TR", "Turkey"),
        ("Turkey", "TR", "turkiye"),
        ("Netherlands", "NL", "Holland"),
        ("United Arab Emirates", "AE", "UAE"),
        ("South Korea", "KR", "Korea"),
        ("Czechia", "CZ", "Czech Republic"),
    ],
)
def test_countries_have_other_names(country: str, code: str, said: str) -> None:
    assert lies_in(Place("X", country, 0, 0, code), said)


def test_a_longer_name_is_not_meant_however_large() -> None:
    bath = Place("Bath", "United Kingdom", 51.4, -2.4, "GB", population=94_782)
    bathinda = Place("Bathinda", "India", 30.2, 74.9, "IN", population=285_813)
    assert best((bath, bathinda), "Bath") is bath


def test_a_city_is_found_by_its_name_in_another_language() -> None:
    rome = Place("Rome", "Italy", 41.9, 12.5, "IT", population=2_318_895, kind="PPLC")
    roma = Place("Roma", "Australia", -26.6, 148.8, "AU", population=6_838)
    assert best((rome, roma), "Roma") is rome


def test_a_city_comes_before_the_country_of_its_name() -> None:
    city = Place("Luxembourg", "Luxembourg", 49.6, 6.1, "LU", population=76_684, kind="PPLC")
    country = Place("Luxembourg", "Luxembourg", 49.8, 6.1, "LU", population=607_950, kind="PCLI")
    assert best((country, city), "Luxembourg") is city


def test_a_country_comes_before_a_hamlet_of_its_name() -> None:
    country = Place("Georgia", "Georgia", 42.0, 43.5, "GE", population=3_731_000, kind="PCLI")
    hamlet = Place("Georgia", "United States", 44.7, -73.1, "US", "Vermont", population=4_515)
    found = best((hamlet, country), "Georgia")
    assert found is country
    assert found.is_area


def test_a_place_is_named_with_its_country() -> None:
    assert PARIS.label() == "Paris, France"
    assert TEXAS.label(with_region=True) == "Paris, Texas, United States"
    assert Place("Singapore", "Singapore", 1.3, 103.9).label(with_region=True) == "Singapore"
    assert Place("New York", "United States", 40.7, -74, "US", "New York").label(with_region=True) == (
        "New York, United States"
    )
    assert Place("Atlantis", "", 0, 0).label(with_region=True) == "Atlantis"


def test_the_region_is_said_where_it_was_asked_for_or_namesakes_are_as_large() -> None:
    missouri = Place("Springfield", "United States", 37.2, -93.3, "US", "Missouri", population=166_810)
    illinois = Place("Springfield", "United States", 39.8, -89.6, "US", "Illinois", population=116_250)
    assert needs_region(missouri, (missouri, illinois))
    assert needs_region(TEXAS, PLACES, "TX")
    assert not needs_region(TEXAS, PLACES, "USA")
    assert not needs_region(PARIS, PLACES)


def test_names_without_a_comma_are_read_in_several_ways() -> None:
    assert readings("White Plains NY") == [("White Plains NY", ""), ("White Plains", "NY"), ("White", "Plains NY")]
    assert readings("Paris, Texas, USA") == [("Paris", "Texas, USA")]
    assert readings("Oslo") == [("Oslo", "")]


@pytest.mark.parametrize(
    ("said", "clean"),
    [
        ("  Rome  ", "Rome"),
        ("**Rome**", "Rome"),
        ("<b>Rome</b>", "b Rome b"),
        ("St. John's", "St. John's"),
        ("Paris,", "Paris"),
        ("R\x00o\nme", "R o me"),
        ("\ud800", ""),
        ("🌧️", ""),
        ("", ""),
    ],
)
def test_a_name_is_tidied_before_it_is_sent_or_said(said: str, clean: str) -> None:
    assert tidy(said).strip("️") == clean


@given(st.text())
def test_any_text_can_be_tidied(text: str) -> None:
    clean = tidy(text)
    assert len(clean) <= MAX_NAME
    clean.encode()
    assert not set(clean) & set("*_`<>[]()#|\\\n")


def test_names_are_compared_without_accents_and_case() -> None:
    assert fold("  SÃO   Paulo ") == fold("sao paulo")
    assert fold("Zürich") == fold("ZURICH")
    assert fold("St John’s") == "st john's"


def test_names_in_small_letters_are_written_properly() -> None:
    assert titled("new york") == "New York"
    assert titled("Rio de Janeiro") == "Rio de Janeiro"
