"""What happens around the model: reading, routing, hints and fallback replies."""

from __future__ import annotations

from typing import Any

import pytest

from agent.assistant import TurnContext
from assistants.junkjet import ASSISTANT
from assistants.junkjet.hooks import LONG_CONVERSATION, after, before
from memory import Message, Turn

NOON = 1_700_000_000_000


def context(message: str, *, turns: int = 0, history: tuple[Turn, ...] = (), **attributes: Any) -> TurnContext:
    return TurnContext("junkjet", "user123", message, NOON, turns=turns, history=history, attributes=attributes)


def read(*messages: str) -> TurnContext:
    """The context of the last of ``messages``, said one after the other."""
    attributes: dict[str, Any] = {}
    for turns, message in enumerate(messages):
        running = context(message, turns=turns, **attributes)
        before(running)
        attributes = running.attributes
    return running


def test_a_message_is_read_into_the_session() -> None:
    running = context("I want to sell plastic bottles")
    before(running)
    assert running.attributes["currentIntent"] == "selling"
    assert running.attributes["preferences"] == {"plastic": 1}
    assert len(running.changes) == 1


def test_the_change_holds_on_a_document_that_has_moved_on() -> None:
    running = context("I want to sell plastic bottles")
    before(running)
    newer: dict[str, Any] = {"userType": "phase2", "preferences": {"plastic": 4}}
    running.changes[0](newer)
    assert newer["preferences"] == {"plastic": 5}
    assert newer["userType"] == "phase2"


def test_the_change_is_the_same_however_often_it_is_made() -> None:
    running = context("I want to sell plastic bottles")
    before(running)
    documents: list[dict[str, Any]] = [{}, {}]
    for document in documents:
        running.changes[0](document)
    assert documents[0] == documents[1] == running.attributes


def test_the_model_is_told_what_is_known() -> None:
    running = context("my name is Asha, I sell 5 kg of copper in Pune, near my home")
    known = before(running)
    for fact in ("Asha", "phase 1", "copper (1x)", "5 kg", "Pune", "selling", "home address", "message 1"):
        assert fact in known


@pytest.mark.parametrize(
    ("messages", "flag"),
    [
        (["find copper buyers near me"], "current"),
        (["who buys glass near my home?"], "home"),
        (["I want to sell plastic near me"], "current"),
        (["where can I buy cardboard nearby?"], "current"),
        (["find copper buyers", "near me"], "current"),
        (["I want to sell copper", "at home"], "home"),
        (["I am at home", "find buyers of paper"], "home"),
        (["find copper buyers"], None),
        (["find copper buyers in Pune"], None),
        (["near me"], None),
        (["what is copper worth near me"], None),
        (["find copper buyers near me", "thanks"], None),
        (["find copper buyers near me", "find buyers in Pune"], None),
    ],
)
def test_who_looks_for_people_around_them_is_routed(messages: list[str], flag: str | None) -> None:
    assert read(*messages).data.get("locationFlag") == flag


def test_a_returning_user_is_recognised_from_the_history() -> None:
    earlier = Turn("t", NOON - 500_000, NOON - 450_000, 1, (Message("human", "I'm Asha, sell 5 kg copper in Pune"),))
    running = context("hello again", history=(earlier,))
    known = before(running)
    assert running.attributes["name"] == "Asha"
    assert running.attributes["preferences"] == {}
    assert running.attributes["currentIntent"] == "general"
    assert "back after a break" in known


@pytest.mark.parametrize(
    ("turns", "hinted"), [(0, False), (LONG_CONVERSATION - 2, False), (LONG_CONVERSATION - 1, True)]
)
def test_long_conversations_are_offered_something_new(turns: int, hinted: bool) -> None:
    reply = after(context("x", turns=turns), "Copper is up.")
    assert reply.startswith("Copper is up.")
    assert ("something new" in reply) is hinted


def test_a_hint_is_given_once_a_reply() -> None:
    running = context("x", turns=20)
    assert after(running, after(running, "Hi")) == after(running, "Hi")


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (
            ["I want to sell 5 kg of copper in Pune"],
            ["**₹3,200–3,700** for 5 kg", "Buyers of **copper** nearest to Pune"],
        ),
        (["I want to sell copper"], ["₹640–740 per kg", "I need a city"]),
        (["I want to sell"], ["Selling takes four steps"]),
        (["I want to buy paper in Delhi"], ["Sellers of **paper** nearest to Delhi"]),
        (["I want to buy"], ["To buy, name the material"]),
        (["find buyers in Kochi"], ["Buyers nearest to Kochi"]),
        (["find suppliers of glass"], ["To list sellers of glass, I need a city"]),
        (["how much is steel"], ["stainless steel: ₹60–95 per kg"]),
        (["price list"], ["- plastic: ₹6–28 per kg"]),
        (["how do I get paid"], ["pays you directly"]),
        (["hello"], ["JunkJet brings scrap"]),
        (["my name is Asha", "sell copper"], ["at the moment, Asha", "₹640–740"]),
    ],
)
def test_a_failing_model_leaves_a_reply_for_the_intent(messages: list[str], expected: list[str]) -> None:
    running = read(*messages)
    reply = ASSISTANT.fallback(running)
    assert reply is not None
    for part in expected:
        assert part in reply
    assert running.data["fallback"] is True


def test_a_fallback_reply_has_the_hint_of_long_conversations_too() -> None:
    running = read(*["sell copper"] * LONG_CONVERSATION)
    assert "something new" in (ASSISTANT.fallback(running) or "")
