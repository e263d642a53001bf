"""What is made of turns in a few words: bounded, cut at a character, and never the same turn twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory import Key, Message, Session, SessionPolicy, Turn
from memory import summary as summaries
from memory.session import CARRIED, SUMMARY

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KEY = Key("test", "ada")
POLICY = SessionPolicy(inactivity=900, shown_turns=3)


def turn(number: int, message: str = "hello", reply: str = "Hello!") -> Turn:
    return Turn(f"t{number}", 1_000, 1_000 + number, 1, (Message("human", message), Message("ai", reply)))


def turns(count: int) -> list[Turn]:
    return [turn(number, f"question {number}", f"answer {number}") for number in range(count)]


def session(**attributes: object) -> Session:
    return Session(KEY, 1_000, 2_000, turns=9, attributes=attributes)


def size(text: str) -> int:
    return len(text.encode())


# --- texts ----------------------------------------------------------------------------------------------------------


@given(TEXT, st.integers(0, 80))
def test_a_cut_text_has_at_most_so_many_bytes_and_whole_characters(text: str, limit: int) -> None:
    cut = summaries.cut(text, limit)
    assert size(cut) <= limit
    assert text.startswith(cut.removesuffix("…"))
    assert cut == text or size(text) > limit


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("One two. Three four five.", 12, "One two."),
        ("One two three four", 13, "One two…"),
        ("Ein. Donaudampfschifffahrt", 20, "Ein. Donaudampfsc…"),
        ("日本語のとても長い文章です", 16, "日本語の…"),
        ("👩‍👩‍👧", 5, ""),
        ("👩‍👩‍👧", 9, "👩…"),
        ("short", 5, "short"),
    ],
)
def test_a_text_is_cut_at_a_sentence_a_word_or_a_character(text: str, limit: int, expected: str) -> None:
    assert summaries.cut(text, limit) == expected


def test_a_lone_surrogate_does_no_harm() -> None:
    assert summaries.cut("a\ud83d", 100) == "a?"


def test_without_rules_of_its_own_an_assistant_keeps_how_messages_and_replies_begin() -> None:
    long = turn(1, "Where  is\nit? " * 40, "There it is. " * 40)
    (line,) = summaries.extract("", [long], 600).splitlines()
    assert line.startswith("- “Where is it? Where is it?")
    assert "→ “There it is. There" in line
    assert size(line) < 250


def test_the_oldest_lines_go_first() -> None:
    text = summaries.extract(summaries.extract("", turns(5), 600), [turn(9, "the newest")], 100)
    assert size(text) <= 100
    assert "the newest" in text
    assert "question 0" not in text
    assert "question 4" in text


def test_what_a_model_wrote_keeps_half_of_the_room_beside_newer_lines() -> None:
    text = summaries.extract("Ada lives in Bergen. " * 40, turns(40), 600)
    assert size(text) <= 600
    told, *lines = text.splitlines()
    assert 280 <= size(told) <= 330
    assert told.endswith("Bergen.")
    assert lines[-1] == "- “question 39” → “answer 39”"


@given(TEXT, st.lists(st.tuples(TEXT, TEXT), max_size=8), st.integers(40, 600))
def test_whatever_was_said_fits(previous: str, said: list[tuple[str, str]], limit: int) -> None:
    made = summaries.extract(previous, [turn(n, *each) for n, each in enumerate(said)], limit)
    assert size(summaries.cut(made, limit)) <= limit


# --- a session's ----------------------------------------------------------------------------------------------------


def names(previous: str, said: Sequence[Turn], limit: int, /) -> str:
    return " ".join([*previous.split(), *(each.id for each in said)])


def test_a_turn_goes_into_the_summary_once() -> None:
    said, now = turns(5), session()
    for upto in (2, 2, 4):
        now = session(**summaries.summarised(now, said[:upto], names, 600))
    assert (now.summary, now.summarised) == ("t0 t1 t2 t3", "t3")
    assert summaries.unsummarised(now, said) == said[4:]
    assert summaries.summarised(now, said, names, 600, oldest=2) == now.attributes
    assert summaries.left_behind(now, said, names) == "t0 t1 t2 t3 t4"


def test_a_summary_goes_on_from_what_was_carried_over() -> None:
    now = session(**{CARRIED: "before"})
    assert summaries.left_behind(now, turns(1), names) == "before t0"
    now = session(**summaries.summarised(now, turns(1), names, 600))
    assert (now.carried_over, now.summary) == ("before", "before t0")
    assert summaries.left_behind(now, turns(1), names) == "before t0"


def test_the_summary_is_told_only_where_the_policy_has_it() -> None:
    now = session(**{CARRIED: "before", SUMMARY: ["t1", "of now"]})
    assert summaries.earlier(POLICY, now) == "before"
    assert summaries.earlier(SessionPolicy(inactivity=900, summarise=True), now) == "of now"


@pytest.mark.parametrize("broken", [None, 7, "text", [], ["t1"], ["t1", 5], {"text": "x"}])
def test_an_attribute_that_is_no_summary_is_none(broken: object) -> None:
    now = session(**{SUMMARY: broken, CARRIED: ["x"]})
    assert (now.summary, now.summarised, now.carried_over) == ("", "", "")


def test_what_makes_too_much_of_it_is_cut() -> None:
    now = session(**summaries.summarised(session(), turns(1), lambda *_: "ä" * 9_000, summaries.SUMMARY_BYTES))
    assert size(now.summary) <= 1_200
    left = summaries.left_behind(session(), turns(1), lambda *_: "日本" * 900)
    assert 590 <= size(left) <= 600


# --- the window -----------------------------------------------------------------------------------------------------


def test_the_next_model_is_not_shown_what_is_beyond_the_window() -> None:
    said = turns(5)
    assert summaries.not_shown(POLICY, said) == 2
    assert summaries.not_shown(POLICY, said[:3]) == 0
    fewer = SessionPolicy(inactivity=900, shown_turns=3, keep_turns=2)
    assert summaries.not_shown(fewer, said) == 3


def test_what_the_model_had_no_room_for_is_not_shown_either() -> None:
    said = turns(4)
    assert summaries.not_shown(POLICY, said, 2) == 2
    assert summaries.not_shown(POLICY, said, 0) == 1


def test_turns_that_are_dropped_for_their_bytes_are_not_shown_any_more() -> None:
    small = SessionPolicy(inactivity=900, shown_turns=3, max_bytes=1)
    said = turns(3)
    assert summaries.not_shown(small, said, stored_bytes=2) == 2
    assert summaries.not_shown(small, said, stored_bytes=1) == 0
