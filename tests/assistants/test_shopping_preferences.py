"""Preferences: given through the API, or said in passing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from assistants.shopping import preferences
from assistants.shopping.preferences import BadPreference

SEED = {
    "budget_range": "500-1000",
    "preferred_brands": ["Apple", "Samsung"],
    "device_type": "smartphone",
    "shipping_preference": "express",
}


def test_the_preferences_of_the_seed_are_kept_as_given() -> None:
    document: dict[str, Any] = {}
    preferences.merge(document, SEED)
    assert document == {"preferences": SEED}
    read = preferences.of(document)
    assert read.budget is not None
    assert (read.budget.least, read.budget.most) == (Decimal(500), Decimal(1000))
    assert read.brands == ("Apple", "Samsung")
    assert read.category == "smartphone"


def test_fields_that_are_left_out_stay_and_empty_ones_go() -> None:
    document: dict[str, Any] = {}
    preferences.merge(document, SEED)
    preferences.merge(document, {"device_type": "laptop", "colour": "red"})
    assert document["preferences"] == {**SEED, "device_type": "laptop"}
    preferences.merge(document, {"budget_range": None, "preferred_brands": [], "shipping_preference": ""})
    assert document["preferences"] == {"device_type": "laptop"}


@pytest.mark.parametrize(
    ("given", "stored", "least", "most"),
    [
        ("500-1000", "500-1000", 500, 1000),
        ("5-15", "5-15", 5, 15),
        ("$500 - $1,000", "500-1000", 500, 1000),
        ("500 to 1000", "500-1000", 500, 1000),
        ("under 500", "under 500", None, 500),
        ("up to 99.50", "under 99.5", None, "99.50"),
        ("over 1000", "over 1000", 1000, None),
        ("1000+", "over 1000", 1000, None),
        ("800", "under 800", None, 800),
        (800, "under 800", None, 800),
    ],
)
def test_budgets_are_written_in_many_ways(given: Any, stored: str, least: Any, most: Any) -> None:
    document: dict[str, Any] = {}
    preferences.merge(document, {"budget_range": given})
    assert document["preferences"]["budget_range"] == stored
    budget = preferences.of(document).budget
    assert budget is not None
    assert budget.least == (None if least is None else Decimal(least))
    assert budget.most == (None if most is None else Decimal(most))
    preferences.merge(document, {"budget_range": stored})
    assert document["preferences"]["budget_range"] == stored


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("budget_range", "a lot"),
        ("budget_range", "1000-500"),
        ("budget_range", True),
        ("budget_range", [500, 1000]),
        ("budget_range", "9" * 500),
        ("preferred_brands", 7),
        ("preferred_brands", [""]),
        ("preferred_brands", ["Apple", 7]),
        ("preferred_brands", ["x" * 41]),
        ("preferred_brands", [f"brand {n}" for n in range(11)]),
        ("preferred_brands", [f"{n}" + "界" * 39 for n in range(10)]),
        ("device_type", 7),
        ("device_type", "x" * 41),
        ("shipping_preference", {"by": "air"}),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(field: str, value: Any) -> None:
    document: dict[str, Any] = {"preferences": dict(SEED)}
    with pytest.raises(BadPreference, match=field) as refused:
        preferences.merge(document, {"device_type": "tablet", field: value})
    assert refused.value.field == field
    assert document == {"preferences": SEED}


def test_a_brand_is_kept_once() -> None:
    assert preferences.checked({"preferred_brands": ["Apple", "apple", " Sony "]}) == {
        "preferred_brands": ["Apple", "Sony"]
    }
    assert preferences.checked({"preferred_brands": "Apple"}) == {"preferred_brands": ["Apple"]}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("I prefer Apple and Samsung", {"preferred_brands": ["Apple", "Samsung"]}),
        ("I really like sony", {"preferred_brands": ["Sony"]}),
        ("I'm a fan of Google", {"preferred_brands": ["Google"]}),
        ("my favourite brand is LG", {"preferred_brands": ["LG"]}),
        ("I love Bose headphones", {"preferred_brands": ["Bose"]}),
        ("my budget is 500 to 1000", {"budget_range": "500-1000"}),
        ("I have a budget of $800", {"budget_range": "under 800"}),
        ("I can spend up to 1.2k on it", {"budget_range": "under 1200"}),
        ("My budget is under 500. I prefer Sony!", {"budget_range": "under 500", "preferred_brands": ["Sony"]}),
        ("express shipping please", {"shipping_preference": "express"}),
        ("I'd like next-day delivery", {"shipping_preference": "overnight"}),
        ("I prefer laptops", {"device_type": "laptop"}),
        ("Can you help me? My budget is 300.", {"budget_range": "under 300"}),
        ("I prefer Apple, what do you have?", {"preferred_brands": ["Apple"]}),
        # Searches and questions are no preferences.
        ("smartphones under $500", {}),
        ("I want a Samsung phone", {}),
        ("I'd like to buy the iPhone", {}),
        ("I'd prefer a cheaper one", {}),
        ("what is my budget?", {}),
        ("do you offer express shipping?", {}),
        ("do you have something for a budget of 500?", {}),
        ("I like it", {}),
        ("", {}),
    ],
)
def test_preferences_are_read_from_the_chat(message: str, said: dict[str, Any]) -> None:
    assert preferences.said(message) == said


def test_likes_add_up_and_dislikes_take_away() -> None:
    stored = {"preferred_brands": ["Apple", "Samsung"]}
    assert preferences.said("I also like Sony", stored) == {"preferred_brands": ["Apple", "Samsung", "Sony"]}
    assert preferences.said("I don't like Apple", stored) == {"preferred_brands": ["Samsung"]}
    assert preferences.unwanted("I don't like Apple") == ["Apple"]
    assert preferences.unwanted("I don't want an Apple phone") == []
    assert preferences.unwanted("not Apple") == []


def test_a_brand_that_was_turned_down_is_welcome_again_when_preferred() -> None:
    document: dict[str, Any] = {}
    preferences.avoid(document, ["Apple", "LG"])
    preferences.merge(document, {"preferred_brands": ["apple"]})
    assert document["avoided"] == ["LG"]


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ({}, ""),
        (SEED, "budget $500 to $1,000, Apple and Samsung preferred, mostly smartphone, express shipping"),
        ({"budget_range": "over 1000"}, "budget from $1,000"),
    ],
)
def test_preferences_are_told_to_people(stored: dict[str, Any], told: str) -> None:
    assert preferences.described(stored) == told
