"""Names, amounts, places and unknown things in a message."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.junkjet.details import MAX_KG, MAX_NAME, read_details
from assistants.junkjet.words import MAX_CHARS, Words, expand


@pytest.mark.parametrize(
    ("text", "kg"),
    [
        ("5 kg", 5),
        ("about 12kgs", 12),
        ("2.5 kg", 2.5),
        ("2,5 kilos", 2.5),
        ("1,000 kg", 1000),
        ("1,00,000 kg", 100_000),
        ("500 grams", 0.5),
        ("2 tonnes", 2000),
        ("3 quintals", 300),
        ("10 lbs", 4.536),
        ("half a kilo", 0.5),
        ("a kilo of copper", 1),
        ("ten kilos", 10),
        ("5 kg, no, 6 kg", 6),
        ("\u0665 kg", None),  # an Arabic digit
        ("at home", None),
        ("a t-shirt", None),
        ("a 5G phone", None),
        ("20 bottles", None),
        ("Rs 20 per 1 kg", None),
        ("two hundred kg", None),
        ("0 kg", None),
        ("99999999 kg", None),
        ("kg", None),
    ],
)
def test_amounts_are_kilograms(text: str, kg: float | None) -> None:
    assert read_details(text).amount_kg == kg


@pytest.mark.parametrize(
    ("text", "number"), [("about 5", 5), ("12", 12), ("I am 12 years old now", None), ("5 or 6", None)]
)
def test_a_message_that_is_hardly_more_than_a_number(text: str, number: float | None) -> None:
    assert read_details(text).bare_number == number


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my name is asha", "Asha"),
        ("Hi, my name is Asha Rao and I sell paper", "Asha Rao"),
        ("call me Ravi", "Ravi"),
        ("I'm Ravi.", "Ravi"),
        ("I am José, from Kochi", "José"),
        ("my name is not important", None),
        ("call me later", None),
        ("I'm Looking for copper", None),
        ("I'm from Pune", None),
        ("I am Copper", None),
        ("I'm selling", None),
    ],
)
def test_names(text: str, name: str | None) -> None:
    assert read_details(text).name == name


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("buyers in Pune", "Pune"),
        ("bombay", "Mumbai"),
        ("I live near Kothrud", "Kothrud, Pune"),
        ("Andheri, Mumbai", "Andheri, Mumbai"),
        ("not in Pune but in Delhi", "Delhi"),
        ("I watch satellite TV", None),
        ("in Satellite, Ahmedabad", "Satellite, Ahmedabad"),
        ("in Paris", None),
    ],
)
def test_places_of_the_directory(text: str, place: str | None) -> None:
    found = read_details(text).place
    assert (found.name if found else None) == place


def test_places_that_are_not_in_the_directory_are_told_apart() -> None:
    assert read_details("buyers in Paris").unknown_place == "Paris"
    assert read_details("buyers in Pune").unknown_place is None
    assert read_details("I sell in March").unknown_place is None


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("I want to sell my car tyres", "car tyres"),
        ("price of gold", "gold"),
        ("sell 5 old mattresses please", "mattresses"),
        ("sell my copper", None),
        ("sell it", None),
        ("I want to sell some stuff", None),
        ("I don't want to sell tyres", None),
        ("where can I sell", None),
    ],
)
def test_things_without_a_price_are_noticed(text: str, thing: str | None) -> None:
    assert read_details(text).unknown_thing == thing


@pytest.mark.parametrize(
    ("text", "unsure"), [("no idea", True), ("I'm not sure", True), ("I don't know", True), ("sure", False)]
)
def test_who_does_not_know(text: str, unsure: bool) -> None:
    assert read_details(text).unsure is unsure


@given(st.text(max_size=400))
def test_any_text_gives_bounded_details(text: str) -> None:
    found = read_details(text)
    assert found.name is None or (len(found.name) <= MAX_NAME and all(c.isalpha() or c == " " for c in found.name))
    assert found.amount_kg is None or 0 < found.amount_kg <= MAX_KG
    assert found.bare_number is None or 0 < found.bare_number <= MAX_KG
    assert len(found.unknown_thing or "") <= 3 * MAX_NAME + 2


@pytest.mark.parametrize(
    "piece", ["I'm Bob      ", "1.1,", "half a ", "in Aa ", "my name is ", "sell my ", "9" * 20, " ", "not in Pune "]
)
def test_eight_thousand_characters_take_no_time(piece: str) -> None:
    text = (piece * MAX_CHARS)[:MAX_CHARS]
    began = time.perf_counter()
    read_details(text)
    assert time.perf_counter() - began < 0.5


def test_patterns_of_a_vocabulary_are_written_out() -> None:
    assert set(expand("who (will|wants_to)? buy")) == {
        ("who", "buy"),
        ("who", "will", "buy"),
        ("who", "wants", "to", "buy"),
    }


@pytest.mark.parametrize(
    ("sentence", "denied"),
    [
        ("I do not want to sell", True),
        ("I never sell", True),
        ("rather than sell", True),
        ("I don't think I will sell", True),
        ("no, I sell", False),
        ("not only sell", False),
        ("why not sell", False),
        ("don't you sell", False),
        ("won't they sell", False),
        ("not now but later sell", False),
    ],
)
def test_a_negation_reaches_its_words_and_no_further(sentence: str, denied: bool) -> None:
    words = Words.of(sentence)
    assert words.negated[words.tokens.index("sell")] is denied
