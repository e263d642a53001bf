"""What a session knows of its user, message by message."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assistants.junkjet.details import read_details
from assistants.junkjet.materials import MATERIALS
from assistants.junkjet.profile import MAX_BYTES, MAX_COUNT, fold, new_profile, public, recalled
from assistants.junkjet.understanding import read_message
from memory import Message, Turn

NOON = 1_700_000_000_000


def told(*messages: str, profile: dict[str, Any] | None = None) -> dict[str, Any]:
    profile = {} if profile is None else profile
    for message in messages:
        fold(profile, read_message(message), read_details(message), NOON)
    return profile


def turn(message: str) -> Turn:
    return Turn("t", NOON, NOON, 1, (Message("human", message), Message("ai", "ok")))


def test_nothing_is_known_of_a_greeting_but_that_it_came() -> None:
    assert told("hello") == new_profile() | {"lastInteraction": "2023-11-14T22:13:20.000Z"}


def test_an_unknown_user_is_a_household() -> None:
    assert told("hello")["userType"] == "phase1"


def test_each_message_counts_its_materials_once() -> None:
    profile = told("I want to sell plastic bottles and plastic bags", "plastic and paper")
    assert profile["preferences"] == {"plastic": 2, "paper": 1}


def test_a_count_stops_at_its_limit() -> None:
    profile = told("plastic")
    profile["preferences"]["plastic"] = MAX_COUNT
    assert told("plastic", profile=profile)["preferences"]["plastic"] == MAX_COUNT


def test_small_talk_does_not_change_the_intent() -> None:
    assert told("what is copper worth", "thanks")["currentIntent"] == "pricing"
    assert told("what is copper worth", "I want to sell it")["currentIntent"] == "selling"


def test_what_was_said_of_oneself_stays_until_something_else_is() -> None:
    profile = told("I am a scrap dealer", "buyers near me", "hello")
    assert (profile["userType"], profile["location"]) == ("phase2", "current")
    assert told("near my home", profile=profile)["location"] == "home"


def test_the_mood_is_that_of_the_last_message() -> None:
    assert told("this is useless", "copper")["sentiment"] == "neutral"


def test_an_amount_belongs_to_its_material() -> None:
    profile = told("I want to sell copper", "5 kg")
    assert (profile["material"], profile["amountKg"]) == ("copper", 5)
    assert "amountKg" not in told("and paper", profile=profile)


def test_a_bare_number_is_an_amount_only_where_one_is_awaited() -> None:
    assert told("I want to sell copper", "about 7")["amountKg"] == 7
    assert "amountKg" not in told("hello", "7")
    assert told("I want to sell 5 kg of copper", "7")["amountKg"] == 5


def test_an_unknown_thing_takes_the_place_of_the_last_material() -> None:
    assert "material" not in told("sell 5 kg copper", "sell my tyres")


def test_an_earlier_session_is_recalled_without_its_counts() -> None:
    earlier = [turn("my name is Asha, I run a scrap shop in Pune"), turn("sell 5 kg copper")]
    assert recalled(earlier) == {
        "userType": "phase2",
        "name": "Asha",
        "city": "Pune",
        "material": "copper",
        "amountKg": 5,
    }


def test_clients_see_the_schema_of_the_seed() -> None:
    seen = public(told("my name is Asha, I want to sell 3 kg of plastic near me"))
    assert seen == {
        "userType": "phase1",
        "location": "current",
        "preferences": {"plastic": 1},
        "currentIntent": "selling",
    }
    assert public({}) == {"userType": "phase1", "location": None, "preferences": {}, "currentIntent": "general"}


_SAID = st.text(max_size=60) | st.sampled_from(["my name is " + "ש" * 30, "in Satellite, Ahmedabad", *MATERIALS])


@given(st.lists(_SAID))
def test_the_document_stays_small(messages: list[str]) -> None:
    assert len(json.dumps(told(*messages)).encode()) <= MAX_BYTES


def test_the_fullest_document_stays_small() -> None:
    profile = told(
        "I am a large recycler, my name is " + "\U00010400" * 30,
        "find sellers of " + ", ".join(MATERIALS) + " near my home, it was awful",
        "I sell 123456.789 kg of electronics in Patancheru, Hyderabad",
    )
    profile["preferences"] = dict.fromkeys(MATERIALS, MAX_COUNT)
    assert len(json.dumps(profile).encode()) <= MAX_BYTES
