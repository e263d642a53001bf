"""Units of everyday are converted, and only these."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.chat.units import UNITS, Conversion, convert


@pytest.mark.parametrize(
    ("asked", "given", "result", "approximate"),
    [
        ("convert 5 km to miles", "5 kilometres", "3.11 miles", True),
        ("How many kilometres are 26.2 miles?", "26.2 miles", "42.16 kilometres", True),
        ("how many feet in a mile", "1 mile", "5,280 feet", False),
        ("how many seconds are there in a day?", "1 day", "86,400 seconds", False),
        ("what is 5 in in cm", "5 inches", "12.7 centimetres", False),
        ("half a mile in metres", "0.5 miles", "804.67 metres", True),
        ("1,000 grams in ounces", "1,000 grams", "35.27 ounces", True),
        ("72 °F in °C", "72 °F", "22.22 °C", True),
        ("20 degrees celsius in fahrenheit", "20 °C", "68 °F", False),
        ("-40 f to c", "−40 °F", "−40 °C", False),
        ("0 celsius in kelvin", "0 °C", "273.15 K", False),
        ("36 km/h in m/s", "36 kilometres per hour", "10 metres per second", False),
        ("60 mph to km/h", "60 miles per hour", "96.56 kilometres per hour", True),
        ("1.5 GB in MB", "1.5 gigabytes", "1,500 megabytes", False),
        ("1 mm in km", "1 millimetre", "0.000001 kilometres", False),
        ("2 cups to ml", "2 cups", "473.18 millilitres", True),
    ],
)
def test_a_conversion(asked: str, given: str, result: str, approximate: bool) -> None:
    assert convert(asked) == Conversion(given, result, approximate)


@pytest.mark.parametrize(
    "said", ["I live 5 km to the north", "meet me in 5 minutes", "2 + 2", "", "I'm 5 feet tall", "10 in the morning"]
)
def test_what_is_no_conversion_is_none(said: str) -> None:
    assert convert(said) is None


def test_what_cannot_be_converted_is_told() -> None:
    assert convert("5 kg in km") == (
        "Kilograms measure weight, and kilometres measure length: one can't become the other."
    )
    assert convert("-300 c to f") == "That is below absolute zero (−273.15 °C); nothing gets that cold."


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.integers(0, 10**15 - 1))
def test_every_unit_is_converted_or_told_why_not(one: str, other: str, number: int) -> None:
    told = convert(f"{number} {one} in {other}")

    same = UNITS[one].kind == UNITS[other].kind
    assert isinstance(told, Conversion if same else str)


@pytest.mark.parametrize("name", sorted(UNITS))
def test_one_of_a_unit_is_one_of_itself(name: str) -> None:
    told = convert(f"1 {name} in {name}")

    assert isinstance(told, Conversion)
    assert told.given == told.result
    assert not told.approximate
