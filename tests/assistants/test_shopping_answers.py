"""The answer cache: the same question in the same context, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from assistants.shopping import answers, cart, preferences
from tests.assistants.shopping_conversation import Shop

QUESTION = "What smartphones do you have?"


@pytest.fixture
def shop() -> Iterator[Shop]:
    server = Shop()
    yield server
    server.close()


def test_a_question_is_answered_again_from_the_cache(shop: Shop) -> None:
    first = shop.hears(QUESTION)
    products = shop.data["products"]
    assert "cached" not in shop.data
    assert shop.hears_again("what  smartphones do you HAVE") == first
    assert shop.data["cached"] is True
    assert shop.data["products"] == products
    assert shop.last is not None
    assert shop.last.session.turns == 2
    assert answers.counts(shop.document()) == {"hits": 1, "misses": 1}


def test_ordinals_mean_the_cached_products_again(shop: Shop) -> None:
    shop.hears(QUESTION)
    second = shop.shown()[1]
    shop.hears("show me cameras")
    assert shop.hears_again(QUESTION)
    shop.hears("add the second one")
    assert shop.cart() == {second: 1}


def test_more_of_the_cached_answer_can_be_asked_for(shop: Shop) -> None:
    shop.hears(QUESTION)
    shop.hears("show more")
    more = shop.shown()
    shop.hears("show me cameras")
    assert shop.hears_again(QUESTION)
    shop.hears("show more")
    assert shop.shown() == more


def test_it_means_what_it_meant_after_the_cached_answer(shop: Shop) -> None:
    shop.hears("Which is the best smartphone?")
    phone = shop.shown()[0]
    shop.hears("show me cameras")
    assert shop.hears_again("Which is the best smartphone?")
    shop.hears("add it")
    assert shop.cart() == {phone: 1}


def test_an_answer_that_showed_nothing_leaves_the_list_as_it_is(shop: Shop) -> None:
    shop.hears("What payment methods does the shop accept?")
    shop.hears(QUESTION)
    second = shop.shown()[1]
    assert shop.hears_again("What payment methods does the shop accept?")
    shop.hears("add the second one")
    assert shop.cart() == {second: 1}


@pytest.mark.parametrize(
    "change",
    ["I prefer Sony", "my budget is 300 to 700", "I don't like Apple", "add a Pixel 8a", "express shipping please"],
)
def test_it_is_answered_anew_when_the_context_changed(shop: Shop, change: str) -> None:
    shop.hears(QUESTION)
    shop.hears(change)
    assert shop.hears_again(QUESTION) is None
    shop.hears(QUESTION)
    assert shop.hears_again(QUESTION)


def test_an_emptied_cart_after_an_order_is_another_context(shop: Shop) -> None:
    shop.hears("what did I think about tablets")
    document: dict[str, Any] = {}
    before = answers.key(QUESTION, document)
    cart.add(document, sku="A", name="A", price=1, category="a", now=1)
    assert answers.key(QUESTION, document) != before
    cart.remove(document, "A")
    assert answers.key(QUESTION, document) == before
    cart.add(document, sku="A", name="A", price=1, category="a", now=1)
    cart.checkout(document, 1)
    assert answers.key(QUESTION, document) != before


@pytest.mark.parametrize(
    "question",
    [
        "how much is the first one?",
        "is it in stock?",
        "show me more",
        "anything cheaper?",
        "and from Sony?",
        "what about tablets?",
        "what's my name?",
        "what did I buy?",
        "add the iPhone 15 to my cart",
        "remove the case",
        "checkout",
        "hello",
        "yes",
        "ok",
        "?",
        "",
        "🎧",
    ],
)
def test_what_refers_back_or_does_something_is_never_cached(shop: Shop, question: str) -> None:
    assert answers.key(question, {}) is None
    shop.hears(QUESTION)
    if question:
        shop.hears(question)
        assert shop.hears_again(question) is None


def test_a_question_that_tells_a_preference_is_cached_in_the_context_it_makes(shop: Shop) -> None:
    question = "My preferred maker is Sony, which headphones suit travel? I can spend up to 300"
    assert preferences.said("I can spend up to 300")
    shop.hears(question)
    assert shop.hears_again(question)


def test_answers_are_forgotten_with_the_history_before_the_session_ends(shop: Shop) -> None:
    shop.hears("add an iPhone 15 Pro")
    shop.hears(QUESTION)
    assert shop.hears_again(QUESTION, after=7_199)
    assert shop.hears_again(QUESTION, after=7_201) is None
    assert shop.cart() == {"IPH15PRO-256": 1}


def test_sessions_do_not_share_answers(shop: Shop) -> None:
    shop.hears(QUESTION, session="a")
    assert shop.hears_again(QUESTION, session="b") is None


def test_an_ended_session_takes_its_answers_along(shop: Shop) -> None:
    shop.hears(QUESTION)
    shop.engine.end("s1", "manual")
    assert shop.hears_again(QUESTION) is None


def test_the_newest_twenty_answers_are_kept() -> None:
    document: dict[str, Any] = {}
    for number in range(30):
        answers.remember(document, f"{number:016}")
    answers.remember(document, f"{15:016}")
    assert document["answers"][-1] == f"{15:016}"
    assert len(document["answers"]) == answers.KEPT
    assert f"{9:016}" not in document["answers"]


def test_long_questions_that_differ_late_are_different() -> None:
    start = "smartphones " * 500
    assert answers.key(start + "red", {}) != answers.key(start + "blue", {})
