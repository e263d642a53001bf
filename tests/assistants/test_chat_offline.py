"""Conversations with the rules, in whole sentences."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.offline import Ask
from assistants.chat import smalltalk
from assistants.chat.offline import reply
from tests.assistants.chat_conversation import Conversation


@pytest.fixture
def talk() -> Conversation:
    return Conversation()


def test_somebody_introduces_themselves_and_is_remembered(talk: Conversation) -> None:
    assert talk.says("Hi!").startswith("Hello! I'm Parley's chat assistant.")
    assert talk.says("My name is Ada and I like tea, maths and long walks.") == (
        "Nice to meet you, **Ada**! Noted: you like tea, maths and long walks. What can I do for you?"
    )
    assert talk.says("I live in London") == "Noted: you live in London. I'll remember it."
    assert talk.says("What's my name?") == "Your name is **Ada**."
    assert talk.says("Where do I live?") == "You live in **London**."
    assert talk.says("What do I like?") == "You like **tea, maths and long walks**."
    assert talk.says("What do you know about me?") == (
        "This is what you told me:\n\n- Your name is Ada\n- You live in London\n- You like tea, maths and long walks"
    )
    assert talk.says("Thanks!") == "You're welcome, Ada!"
    assert talk.says("hello") == "Hello again, Ada! What can I do for you?"
    assert talk.says("bye").startswith("Goodbye, Ada!")


def test_what_was_not_told_is_not_made_up(talk: Conversation) -> None:
    assert talk.says("What is my name?").startswith("You haven't told me your name yet")
    assert talk.says("Where do I live?").startswith("You haven't told me that yet")
    assert talk.says("What do I like?").startswith("You haven't told me what you like yet")
    assert talk.says("What's my cat called?").startswith("You haven't told me about your cat yet")
    assert talk.says("What do you know about me?").startswith("Nothing yet")
    assert talk.says("Is my name Bob?") != ""
    assert talk.says("What is my name?").startswith("You haven't told me your name yet")


def test_what_is_no_longer_shown_is_not_remembered(talk: Conversation) -> None:
    talk.says("My name is Ada", *["2+2"] * 10)

    assert talk.says("What's my name?").startswith(
        "You haven't told me your name yet, at least not as far back as I can see"
    )


def test_what_is_said_later_counts(talk: Conversation) -> None:
    talk.says("I'm Anna and I live in Rome. I like coffee.")

    assert talk.says("Call me Annie") == "I'll call you **Annie** from now on. What can I do for you?"
    assert talk.says("I moved to Berlin", "where do I live?") == "You live in **Berlin**."
    assert talk.says("I don't like coffee any more", "do I like coffee?").startswith("No, you said")
    assert talk.says("My name is Annie") == "I remember: your name is Annie."


def test_things_of_somebodys_own_are_remembered(talk: Conversation) -> None:
    talk.says("My dog's name is Rex and my favourite colour is blue. My birthday is on 4 May.")

    assert talk.says("What is my dog's name?") == "Your dog's name is **Rex**."
    assert talk.says("what's my favorite color?") == "Your favorite color is **blue**."
    assert talk.says("When is my birthday?") == "Your birthday is **on 4 May**."
    assert talk.says("Remember that the meeting is on Friday", "What do you know about me?").endswith(
        "- You asked me to remember: the meeting is on Friday"
    )


def test_a_question_in_the_same_breath_is_answered(talk: Conversation) -> None:
    answer = talk.says("Hi! My name is Ana, I live in Rome and I like pasta. What can you do for me?")
    assert answer.startswith("Nice to meet you, **Ana**! Noted: you live in Rome; you like pasta.")
    assert "Here is what I can do" in answer
    assert talk.says("I'm a teacher, what is 12 times 12?") == "12 × 12 = **144**"
    assert talk.says("what do I do?") == "You are a teacher."


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("What is 2+2?", "2 + 2 = **4**"),
        ("15% of 80", "15% of 80 = **12**"),
        ("1/3", "1 ÷ 3 ≈ **0.3333333333**"),
        ("what is 5 divided by 0", "I can't work that out: nothing can be divided by zero."),
        ("9^9^9", "I can't work that out: the result is too large for me."),
        ("26.2 miles in km", "26.2 miles are about **42.16 kilometres**."),
        ("how many seconds are in a day?", "1 day = **86,400 seconds**."),
        ("5 kg in km", "Kilograms measure weight, and kilometres measure length: one can't become the other."),
        ("What time is it?", "It is **10:30 UTC** on Friday, 20 November 2026."),
        ("how many days until Christmas?", "**35 days** (5 weeks) until Friday, 25 December 2026."),
        ("how are you?", "I'm fine, thank you! And how are you?"),
        ("", "I didn't catch that: your message was empty. What would you like to talk about?"),
    ],
)
def test_small_questions_have_small_answers(talk: Conversation, asked: str, answer: str) -> None:
    assert talk.says(asked) == answer


def test_every_question_of_a_message_is_answered(talk: Conversation) -> None:
    assert talk.says("What is 12*12, and what's the capital of France?") == (
        "12 × 12 = **144**\n\n"
        "As for “what's the capital of France?”: that takes a language model, and I am the offline model."
    )
    assert talk.says("My name is Ada", "What did I ask you first? And what's my name?") == (
        "The first message that I can see is: “What is 12*12, and what's the capital of France?”\n\n"
        "Your name is **Ada**."
    )


def test_who_belongs_to_somebody_is_known_by_name_age_and_pronoun(talk: Conversation) -> None:
    assert talk.says("My dog is called Toby and he is 3 years old.") == (
        "Noted: your dog is Toby, 3 years old. I'll remember it."
    )
    assert talk.says("what is my dog called?") == "Your dog is **Toby**."
    assert talk.says("How old is Toby?") == "Toby is **3 years** old."
    assert talk.says("My sister's name is Anna. She is 30", "how old is she?") == "Your sister is **30 years** old."
    assert talk.says("whats my sisters name") == "Your sister's name is **Anna**."
    assert talk.says("who is Anna?") == "**Anna** is your sister."
    assert talk.says("how old is my brother").startswith("You haven't told me how old your brother is yet")


def test_a_sum_goes_on_from_the_last_one(talk: Conversation) -> None:
    talk.says("what is 7 percent of 250")
    assert talk.says("and of 300?") == "7% of 300 = **21**"
    assert talk.says("double that") == "2 × 21 = **42**"
    assert talk.says("plus 8") == "42 + 8 = **50**"
    assert talk.says("5 miles in km", "and in feet?") == "5 miles = **26,400 feet**."
    assert Conversation().says("double that") != ""


def test_it_says_what_parley_is(talk: Conversation) -> None:
    assert talk.says("What is Parley?").startswith("**Parley** is a server for conversational assistants")
    assert "offline model" in talk.says("Are you human?")
    assert "archive" in talk.says("How long do you remember this?")
    assert "database of this server" in talk.says("Is my data private?")
    assert "**delete**" in talk.says("Delete this conversation")


def test_no_joke_is_told_twice(talk: Conversation) -> None:
    told = [talk.says("Tell me a joke")] + [talk.says("another one") for _ in range(9)]

    assert len(set(told)) == 10
    assert set(told) <= set(smalltalk.JOKES)


def test_another_one_means_a_joke_only_after_a_joke(talk: Conversation) -> None:
    assert talk.says("2+2", "another one") not in smalltalk.JOKES


def test_dice_and_coins_stay_in_bounds(talk: Conversation) -> None:
    assert talk.says("flip a coin") in ("The coin shows **heads**.", "The coin shows **tails**.")
    assert talk.says("roll two dice").endswith("in all.")
    assert talk.says("roll 99 dice") == talk.says("roll a d999") == "I have up to 20 dice, with 2 to 100 sides each."


def test_the_conversation_can_be_asked_for(talk: Conversation) -> None:
    talk.says("2+2", "My name is Ada")

    assert talk.says("What did I just say?") == "You said: “My name is Ada”"
    assert talk.says("What was my first question?") == "The first message that I can see is: “2+2”"
    assert talk.says("What have we talked about?").startswith("So far you said:\n\n1. “2+2”\n2. “My name is Ada”")
    assert Conversation().says("What have we talked about?") == (
        "We have only just begun. What would you like to talk about?"
    )


def test_what_it_cannot_do_it_says_and_is_short_about_it_the_next_time(talk: Conversation) -> None:
    first = talk.says("Write a poem about spring")
    second = talk.says("Explain quantum physics")

    assert first.startswith(
        "Writing texts takes a language model, and I am the offline model: plain rules without one."
    )
    assert "Try “What is 15% of 80?”" in first
    assert second == (
        "Explaining things takes a language model, and I am the offline model: plain rules without one. "
        "Ask “What can you do?” to see what I can."
    )
    assert talk.says("What's the weather in London?") == (
        "For the weather there is an assistant of its own here: **weather**. I only chat."
    )


def test_a_starter_with_blanks_is_handed_back(talk: Conversation) -> None:
    assert talk.says("Draft a short, friendly email to [whom] about [what].") == (
        "Almost! Put your own words in place of [whom] and whatever else stands in brackets, and send it again."
    )


def test_without_a_running_turn_it_answers_too() -> None:
    answer = reply(Ask("What time is it?"))

    assert isinstance(answer, str)
    assert answer.endswith(".")


VOCABULARY = """
    my name is i like and live in what how many days until 5 km miles + ( ) ^ % don't have a remember that where do work
    as tell me joke the . , ? ! ’ [ ] \u0130 me's of 2026-02-30 x
"""
WORDS = st.sampled_from([*VOCABULARY.split(), "\n"])


@settings(max_examples=300, deadline=None)
@given(
    message=st.text(max_size=300) | st.lists(WORDS, max_size=60).map(" ".join), before=st.lists(st.text(), max_size=4)
)
@example(message="(" * 2_000, before=[])
@example(message="i like " * 500, before=["my my my my " * 500])
@example(message="1" * 5_000, before=[])
@example(message="how many miles in " + "9" * 300 + " km", before=[])
@example(message="what is " * 400, before=[])
@example(message="0000-00-00 what day is 32 january 0000", before=[])
@example(message="is 0000 a leap year", before=[])
@example(message="how long until 29 february 9999", before=[])
def test_whatever_is_said_is_answered_soon(message: str, before: list[str]) -> None:
    history = [(role, text) for place, text in enumerate(before) for role in [("human", "ai")[place % 2]]]
    started = time.perf_counter()

    answer = reply(Ask(message, history))

    assert isinstance(answer, str)
    assert answer.strip()
    assert time.perf_counter() - started < 2
