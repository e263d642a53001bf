"""What kind of message it is, from its words alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.terms import Terms
from assistants.news.questions import Question, read_question

TERMS = Terms()


def read(message: str) -> Question:
    return read_question(message, TERMS)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Hi!", "greeting"),
        ("hello there", "greeting"),
        ("Good morning, how are you?", "greeting"),
        ("Hi, what about the herring quota?", "question"),
        ("thanks a lot!", "thanks"),
        ("Great, thank you", "thanks"),
        ("bye", "goodbye"),
        ("help", "help"),
        ("What can you do?", "help"),
        ("Which topics do you cover?", "help"),
        ("", "help"),
        ("???", "help"),
        ("What time is it?", "offtopic"),
        ("Tell me a joke", "offtopic"),
        ("do you like music?", "offtopic"),
        ("What are the latest news?", "latest"),
        ("what's new?", "latest"),
        ("any news today?", "latest"),
        ("headlines please", "latest"),
        ("what happened this week", "latest"),
        ("What's the latest on the hydrogen ferry?", "question"),
        ("Who won the Coast Tour?", "question"),
        ("and when was that?", "question"),
        ("hi-fi shops", "question"),
    ],
)
def test_kinds(message: str, kind: str) -> None:
    assert read(message).kind == kind


@pytest.mark.parametrize(
    ("message", "wants"),
    [
        ("When was that?", "when"),
        ("who said that?", "who"),
        ("Where is it?", "where"),
        ("Why did it fail?", "why"),
        ("How many came?", "how many"),
        ("how much water is there?", "how many"),
        ("How much did it cost?", "how much"),
        ("and the ticket price?", "how much"),
        ("How much does she weigh?", "how heavy"),
        ("How long does it take?", "how long"),
        ("How far did he ride?", "how far"),
        ("How old is she?", "how old"),
        ("How quickly?", "how fast"),
        ("Tell me more", "more"),
        ("more details please", "more"),
        ("go on", "more"),
        ("What's your source?", "source"),
        ("where did you read that?", "source"),
        ("Can I have the link?", "source"),
        ("the herring quota", ""),
        ("What is the link between sleep and marks?", ""),
        ("Will the drought continue?", ""),
    ],
)
def test_what_would_answer_it(message: str, wants: str) -> None:
    assert read(message).wants == wants


@pytest.mark.parametrize(
    "message", ["and when was that?", "who said that?", "Tell me more", "does she like it?", "the second one"]
)
def test_what_points_back(message: str) -> None:
    assert read(message).refers


@pytest.mark.parametrize(
    "message", ["Who won the Coast Tour?", "herring quota", "What is the key rate?", "the reservoir above Elder Falls"]
)
def test_what_stands_for_itself(message: str) -> None:
    assert not read(message).refers


def test_the_subject_is_what_is_left_without_the_talk_around_it() -> None:
    assert read("Please tell me the latest news about the hydrogen ferry!").telling == ("hydrogen", "ferri")
    assert read("Is there any information on goats?").telling == ("goat",)


@pytest.mark.parametrize(
    ("message", "choice"),
    [
        ("tell me more about the second one", 1),
        ("the last one", -1),
        ("number 3", 2),
        ("article 5 please", 4),
        ("the 1st story", 0),
        ("the tenth headline", 9),
        ("the first mammoth", None),
    ],
)
def test_which_of_those_named_before(message: str, choice: int | None) -> None:
    assert read(message).choice == choice


@given(st.text(st.characters(), max_size=8_000))
def test_any_message_is_read(message: str) -> None:
    assert read(message).kind


@pytest.mark.parametrize(
    "piece", ["a", "tell me ", "the ", "and ", " ", "how much ", "good morning ", "thanks ", "\ud800", "what is ", "(("]
)
def test_strange_messages_take_no_time(piece: str) -> None:
    started = time.perf_counter()
    read(piece * (8_000 // len(piece)))
    assert time.perf_counter() - started < 1
