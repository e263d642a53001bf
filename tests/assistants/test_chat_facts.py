"""What people tell about themselves is read from plain sentences, and not from questions."""

from __future__ import annotations

import pytest

from assistants.chat.facts import told_in


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("My name is Ada", "Ada"),
        ("my name is ada lovelace.", "Ada Lovelace"),
        ("Hi, my name’s Bob and I'm from Rome", "Bob"),
        ("my name is Anna nice to meet you", "Anna"),
        ("My name is Bob by the way", "Bob"),
        ("Call me Ishmael", "Ishmael"),
        ("I'm Anna", "Anna"),
        ("Hello, I'm Anna and I live in Rome", "Anna"),
        ("hi i'm anna", "Anna"),
        ("My name is O'Brien-Smith", "O'Brien-Smith"),
        ("My name is Zoë Öztürk", "Zoë Öztürk"),
        ("Меня зовут Иван. My name is Иван", "Иван"),
        ("I'm tired", ""),
        ("I'm German", ""),
        ("I'm Polish.", ""),
        ("call me later", ""),
        ("my name is not Bob", ""),
        ("Is my name Bob?", ""),
        ("What is my name", ""),
        ("I am in a hurry", ""),
    ],
)
def test_a_name(said: str, name: str) -> None:
    assert told_in([said]).name == name


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("I live in New York City.", ["You live in New York City"]),
        ("I live in Rome, Italy, and I work as a nurse", ["You live in Rome", "You work as a nurse"]),
        ("I moved to Berlin last year", ["You live in Berlin last year"]),
        ("I'm from Spain but I live in Oslo", ["You live in Oslo", "You come from Spain"]),
        ("I'm a teacher.", ["You are a teacher"]),
        ("I am 34 years old", ["You are 34 years old"]),
        ("I turned 41, hooray", ["You are 41 years old"]),
        ("I'm 5 feet tall", []),
        ("I'm 1,80 m", []),
        ("I'm a bit tired", []),
        ("I like tea, books, and long walks", ["You like tea, books and long walks"]),
        ("I really love my job because it is fun", ["You like my job"]),
        ("I like tea but I hate coffee", ["You like tea", "You don't like coffee"]),
        ("I am a big fan of jazz", ["You like jazz"]),
        ("I like it", []),
        ("I don't live in Paris", []),
        ("Do you know that I like tea?", []),
        ("I have two cats and a dog", ["You have two cats and a dog"]),
        ("I have a question", []),
        ("My sister is called Eva", ["Your sister is Eva"]),
        ("My shoes are red", ["Your shoes are red"]),
        ("my email is a@b.com", ["Your email is a@b.com"]),
        ("Remember that I live in Rome", ["You live in Rome"]),
        ("remember: buy milk", ["You asked me to remember: buy milk"]),
        ("", []),
    ],
)
def test_facts(said: str, facts: list[str]) -> None:
    assert told_in([said]).sentences() == facts


def test_things_change_sides() -> None:
    assert told_in(["I like tea and coffee", "I don't like Coffee"]).sentences() == [
        "You like tea",
        "You don't like Coffee",
    ]
    assert told_in(["I hate tea", "I like tea"]).sentences() == ["You like tea"]
