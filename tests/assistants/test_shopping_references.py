"""What a message points at, and how many are meant."""

from __future__ import annotations

from typing import Any

import pytest

from assistants.shopping.lines import line_meant
from assistants.shopping.quantities import counted
from assistants.shopping.references import MOST_RESULTS, last_results, point_at, refers_back, resolve, show
from assistants.shopping.words import normal

LIST = ["IPH15PRO-256", "GALS24-256", "PIX8-128", "GALA55-128", "NOTH2A-128"]
FIVE: dict[str, Any] = {"last_results": LIST}
PAIR: dict[str, Any] = {"last_results": LIST, "focus": ["GALS24-256", "PIX8-128"]}
ONE: dict[str, Any] = {"last_results": LIST, "focus": ["PIX8-128"]}


@pytest.mark.parametrize(
    ("message", "document", "skus"),
    [
        ("add the first one", FIVE, LIST[:1]),
        ("the second", FIVE, LIST[1:2]),
        ("the 3rd one", FIVE, LIST[2:3]),
        ("number 2", FIVE, LIST[1:2]),
        ("#4 please", FIVE, LIST[3:4]),
        ("the last one", FIVE, LIST[4:]),
        ("the first two", FIVE, LIST[:2]),
        ("compare the first and the third", FIVE, [LIST[0], LIST[2]]),
        ("the tenth one", FIVE, []),
        ("the cheaper one", FIVE, ["NOTH2A-128"]),
        ("the cheaper one", PAIR, ["PIX8-128"]),
        ("the most expensive one", FIVE, ["IPH15PRO-256"]),
        ("the best one of them", PAIR, ["GALS24-256"]),
        ("the samsung one", FIVE, ["GALS24-256"]),
        ("the 200 inch one", FIVE, None),
        ("it", ONE, ["PIX8-128"]),
        ("add that one", ONE, ["PIX8-128"]),
        ("it", FIVE, []),
        ("both", PAIR, ["GALS24-256", "PIX8-128"]),
        ("both", FIVE, []),
        ("add these", PAIR, ["GALS24-256", "PIX8-128"]),
        ("them", FIVE, LIST),
        ("it", {}, []),
        ("the first one", {}, []),
        ("show me laptops", FIVE, None),
        ("that's all", ONE, None),
        ("forget it", ONE, None),
        ("last month", FIVE, None),
        ("", FIVE, None),
    ],
)
def test_pointing(message: str, document: dict[str, Any], skus: list[str] | None) -> None:
    assert resolve(message, document) == skus


def test_pronouns_can_be_left_out() -> None:
    assert resolve("add it", ONE, pronouns=False) is None
    assert resolve("add the first one", ONE, pronouns=False) == LIST[:1]


def test_a_list_of_one_is_what_it_means_and_a_longer_list_is_not() -> None:
    document: dict[str, Any] = {}
    show(document, ["PIX8-128"])
    assert resolve("it", document) == ["PIX8-128"]
    show(document, LIST)
    assert resolve("it", document) == []
    point_at(document, ["GALS24-256"])
    assert resolve("it", document) == ["GALS24-256"]
    assert resolve("the first one", document) == LIST[:1]


def test_what_is_remembered_is_bounded() -> None:
    document: dict[str, Any] = {}
    show(document, [f"SKU-{n}" for n in range(100)])
    assert len(last_results(document)) == MOST_RESULTS


@pytest.mark.parametrize(
    ("question", "back"),
    [
        ("What smartphones do you have?", False),
        ("laptops under 500", False),
        ("How much is the iPhone 15?", False),
        ("how much is the first one?", True),
        ("is it in stock?", True),
        ("show me more", True),
        ("anything cheaper?", True),
        ("and the other ones?", True),
        ("number 3", True),
        ("what's my name?", True),
        ("what did I ask before?", True),
    ],
)
def test_questions_that_refer_back_are_told_apart(question: str, back: bool) -> None:
    assert refers_back(question) is back


@pytest.mark.parametrize(
    ("piece", "units", "rest"),
    [
        ("add two of these", 2, "these"),
        ("add 3 of it", 3, "it"),
        ("2 x iphone 15", 2, "iphone 15"),
        ("iphone 15 x 2", 2, "iphone 15"),
        ("please add a couple of these", 2, "these"),
        ("a dozen", 12, ""),
        ("i'll take two", 2, ""),
        ("remove one", 1, ""),
        ("remove one of the cases", 1, "the cases"),
        ("add two more", 2, ""),
        ("add the iphone 15", None, "add the iphone 15"),
        ("add a pair of headphones", None, "add a pair of headphones"),
        ("the second one", None, "the second one"),
        ("add 0 of it", None, "add 0 of it"),
    ],
)
def test_how_many(piece: str, units: int | None, rest: str) -> None:
    assert counted(piece) == (units, rest)


def line(name: str, category: str, at: int) -> dict[str, Any]:
    return {"name": name, "price": "1.00", "category": category, "quantity": 1, "added_at": at}


CART: dict[str, Any] = {
    "cart": {
        "SPG24-CLR": line("Spigen Galaxy S24 Hybrid Case", "accessory", 3),
        "IPH15PRO-256": line("Apple iPhone 15 Pro", "smartphone", 1),
        "APC15P-CLR": line("Apple iPhone 15 Pro Clear Case", "accessory", 2),
        "OWN-1": line("Hand-knitted sleeve", "Wool", 4),
    }
}


@pytest.mark.parametrize(
    ("message", "sku"),
    [
        ("remove the phone", "IPH15PRO-256"),
        ("remove the iphone 15 pro", "IPH15PRO-256"),
        ("take the galaxy case out", "SPG24-CLR"),
        ("remove the clear case", "APC15P-CLR"),
        ("remove the sleeve", "OWN-1"),
        ("remove OWN-1", "OWN-1"),
        ("delete the first one", "IPH15PRO-256"),
        ("remove the last one", "OWN-1"),
        ("remove the case", None),
        ("remove the laptop", None),
        ("remove it", None),
    ],
)
def test_which_line_of_the_cart(message: str, sku: str | None) -> None:
    assert line_meant(normal(message), CART) == sku


def test_it_is_the_line_that_was_spoken_of_or_the_only_one() -> None:
    assert line_meant("remove it", {**CART, "focus": ["SPG24-CLR"]}) == "SPG24-CLR"
    assert line_meant("remove the case", {**CART, "focus": ["SPG24-CLR"]}) == "SPG24-CLR"
    assert line_meant("remove it", {"cart": {"OWN-1": CART["cart"]["OWN-1"]}}) == "OWN-1"
    assert line_meant("remove it", {}) is None


def test_a_number_of_the_last_list_comes_before_the_number_in_the_cart() -> None:
    document = {**CART, "last_results": ["PIX8-128", "SPG24-CLR"]}
    assert line_meant("remove the second one", document) == "SPG24-CLR"
    assert line_meant("remove the first one", document) == "IPH15PRO-256"
