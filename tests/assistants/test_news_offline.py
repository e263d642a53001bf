"""Replies without a model: from the articles, with their sources, and following up on what was said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.offline import Ask
from assistants.news import ASSISTANT
from assistants.news.ingest import ingest
from assistants.news.offline import inert
from tests.assistants.news_conversation import Conversation, configured


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path) -> Iterator[None]:
    with configured({"DATA_DIR": str(tmp_path)}):
        yield


@pytest.fixture
def chat() -> Conversation:
    return Conversation()


def test_an_answer_is_taken_from_an_article_and_names_it(chat: Conversation) -> None:
    assert chat.says("How much did the flood barrier cost?") == (
        "The barrier was finished in August and cost 520 million crowns. "
        "(Source: *Flood barrier closes for the first time in an emergency*, 20 October 2026)"
    )
    assert chat.sources[0] == {
        "title": "Flood barrier closes for the first time in an emergency",
        "url": "https://news.example/2026/10/20/flood-barrier",
        "published": "2026-10-20",
        "snippet": chat.sources[0]["snippet"],
    }
    assert "520 million" in chat.sources[0]["snippet"]


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("Who won the ice marathon?", "Ingrid Kettering-Voss"),
        ("How many pairs of owls were counted in Merrowdale?", "412"),
        ("Who discovered the comet?", "Kwabena Lindgren"),
        ("How heavy is the stolen bronze heron?", "84 kilograms"),
        ("Why is Lake Ormen pink?", "alga"),
        ("How long does the tram to the airport take?", "19 minutes"),
        ("What is the key interest rate of the central bank?", "2.25 per cent"),
        ("By how much was the herring quota cut?", "40 per cent"),
        ("Who composed the Rain Mass?", "Evander Nwosu"),
        ("What was the weak password at Corvid Systems?", '"summer"'),
    ],
)
def test_plain_questions_get_their_fact(chat: Conversation, question: str, fact: str) -> None:
    reply = chat.says(question)
    assert fact in reply
    assert "(Source: *" in reply


def test_the_latest_news_are_the_five_newest_headlines_with_dates(chat: Conversation) -> None:
    reply = chat.says("What are the latest news?")
    lines = [line for line in reply.splitlines() if line[:1].isdigit()]
    assert lines[0] == "1. *Stolen heron is back, with a suitcase full of postcards*, 16 November 2026"
    assert len(lines) == 5
    assert [source["published"] for source in chat.sources] == sorted(
        (source["published"] for source in chat.sources), reverse=True
    )


def test_the_latest_of_a_topic(chat: Conversation) -> None:
    assert chat.says("any sports news?").startswith("The latest news in sport:")
    assert "handball" in chat.titles[0]


def test_nothing_relevant_is_said_as_such_and_topics_are_offered(chat: Conversation) -> None:
    reply = chat.says("What is the capital of France?")
    assert reply.startswith("I found nothing relevant to that in the articles.")
    assert "science" in reply
    assert chat.sources == []
    assert "Nothing relevant was found" in chat.known


# --- following up -------------------------------------------------------------------------------------------------


def test_and_when_was_that(chat: Conversation) -> None:
    chat.says("Who won the Coast Tour?")
    reply = chat.says("and when was that?")
    assert "on Friday" in reply
    assert "10 April 2026" in reply
    assert len(chat.titles) == 1


def test_who_said_that(chat: Conversation) -> None:
    chat.says("How much did the flood barrier cost?")
    assert "Ebenezer Thackeray" in chat.says("Who said that it is like guarding a door?")


def test_a_short_question_is_about_what_was_spoken_of(chat: Conversation) -> None:
    chat.says("What's new with the hydrogen ferry?")
    assert "1 hour and 50 minutes" in chat.says("How long does the crossing take?")
    assert "12 crowns" in chat.says("and the ticket price?")


def test_tell_me_more_goes_on_and_ends(chat: Conversation) -> None:
    said = [chat.says("Who discovered the comet?")]
    for _ in range(8):
        said.append(chat.says("Tell me more"))
        if said[-1].startswith("That is all"):
            break
        assert said[-1] not in said[:-1]
    assert said[-1].startswith("That is all that the article says.")
    assert "71 million kilometres" in " ".join(said)


def test_one_of_the_headlines(chat: Conversation) -> None:
    chat.says("What are the latest news?")
    assert "eye clinic" in chat.says("Tell me more about the second one")
    assert chat.titles == ["Eye clinic on wheels visits villages without doctors"]
    chat.says("What are the latest news?")
    assert chat.says("the ninth one") == "I did not name that many articles. Which one do you mean?"


def test_the_next_of_the_headlines_after_one_of_them(chat: Conversation) -> None:
    chat.says("What are the latest news?")
    chat.says("Tell me more about the second one")
    chat.says("and the third?")
    assert chat.titles == ["Squirrel causes blackout in half of Quillhaven"]
    chat.says("Who won the Coast Tour?")
    assert chat.says("the third one") == "I did not name that many articles. Which one do you mean?"


@pytest.mark.parametrize(
    ("message", "start", "first"),
    [
        ("What happened last week?", "The news from 9 to 15 November 2026:", "Eye clinic on wheels"),
        ("any sport news since august?", "The news in sport since 1 August 2026:", "Twins in opposing goals"),
        ("news from october", "The news from October 2026:", "Airline Petrel Air"),
        ("What's new in tech?", "The latest news in technology:", "Squirrel causes blackout"),
        (
            "What happened since Thursday?",
            "I have no news since Thursday, 19 November 2026. The latest:",
            "Stolen heron is back",
        ),
        (
            "What about the comet, anything from last week?",
            "I found nothing on that from 9 to 15 November 2026. The closest that I have: ",
            "Night nurse",
        ),
    ],
)
def test_a_limit_of_time_is_kept_or_said_to_be_unmet(chat: Conversation, message: str, start: str, first: str) -> None:
    assert chat.says(message).startswith(start)
    assert chat.titles[0].startswith(first)


def test_every_question_of_a_message_is_answered(chat: Conversation) -> None:
    first, second = chat.says("What happened to the airline, and who won the Coast Tour?").split("\n\n")
    assert "Petrel Air" in first
    assert "Fitzwarren" in second
    assert [title.split()[0] for title in chat.titles] == ["Airline", "Fitzwarren"]
    assert "Nothing relevant" not in chat.known
    reply = chat.says("Who discovered the comet and what is the name of the ferry to Sorrel?")
    assert "Lindgren" in reply
    assert "Sorrel" in reply


def test_thanks_do_not_hide_a_question(chat: Conversation) -> None:
    assert "Lindgren" in chat.says("Thanks! Who discovered the comet?")
    assert chat.says("thanks, what did I ask you first?") == (
        "The first message that I can see is: “Thanks! Who discovered the comet?”"
    )
    assert chat.sources == []


def test_nothing_relevant_is_said_shorter_the_second_time(chat: Conversation) -> None:
    chat.says("Who is the prime minister of Norway?")
    assert chat.says("is there news on bitcoin") == (
        "The articles have nothing on that either. Ask me for the latest news, or name a topic."
    )


def test_where_it_came_from(chat: Conversation) -> None:
    chat.says("Who discovered the comet?")
    assert "https://news.example/2026/08/12/comet-amateur" in chat.says("What's the source?")


def test_what_the_article_does_not_say_is_not_made_up(chat: Conversation) -> None:
    chat.says("Who discovered the comet?")
    assert chat.says("How much did it cost?").startswith("The article gives no figure for that.")


def test_a_new_subject_is_not_a_follow_up(chat: Conversation) -> None:
    chat.says("How much did the flood barrier cost?")
    assert "Lindgren" in chat.says("What about the comet, who found it?")
    assert "nothing relevant" in chat.says("and what is the capital of France?")


def test_what_was_spoken_of_is_remembered_past_small_talk_and_misses(chat: Conversation) -> None:
    chat.says("Who discovered the comet?")
    chat.says("thanks!")
    chat.says("What is the capital of France?")
    assert "Brannock" in chat.says("where does he work?")


def test_pointing_back_to_nothing(chat: Conversation) -> None:
    for message in ("and when was that?", "tell me more", "who said that?", "the second one"):
        assert "mean" in chat.says(message)
        assert chat.sources == []


def test_what_is_remembered_is_bounded(chat: Conversation) -> None:
    for message in ("What are the latest news?", "Brannock Quillhaven Larkmouth ferry tram robot", "Tell me more"):
        chat.says(message)
        assert len(chat.attributes["documents"]) <= 5
        assert len(chat.sources) <= 5


def test_a_long_document_is_followed_from_where_the_answer_stood(chat: Conversation, tmp_path: Path) -> None:
    filler = "\n\n".join(
        f"Chapter {n} is about matters of no interest. " + "It drags on and on. " * 30 for n in range(40)
    )
    spot = "The walrus Hugo was crowned in 1999.\n\nHis crown was made of kelp. It weighed two kilograms."
    half = len(filler) // 2
    (tmp_path / "long.txt").write_text(f"A long report\n\n{filler[:half]}\n\n{spot}\n\n{filler[half:]}")
    ingest([str(tmp_path / "long.txt")], tmp_path / "news-index")
    assert "Hugo" in chat.says("Which walrus was crowned?")
    assert "two kilograms" in chat.says("How much did it weigh?")
    assert "1999" in chat.says("and when was that?")
    more = chat.says("tell me more")
    assert "It drags on" in more or "kelp" in more
    assert len(chat.attributes["documents"]) <= 5


def test_documents_that_are_gone_from_the_index_are_forgotten(chat: Conversation, tmp_path: Path) -> None:
    chat.says("Who discovered the comet?")
    (tmp_path / "one.txt").write_text("A walrus was seen in the harbour of Port Keel.")
    ingest([str(tmp_path / "one.txt")], tmp_path / "news-index")
    assert "mean" in chat.says("and when was that?")
    assert "walrus" in chat.says("What was seen in the harbour?")


# --- talk, and everything else --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "start"),
    [
        ("Hi!", "Hello! I know 69 news articles"),
        ("thanks", "You're welcome!"),
        ("bye", "Goodbye!"),
        ("help", "I know 69 news articles"),
        ("What time is it?", "I only know what stands in the news articles."),
    ],
)
def test_small_talk(chat: Conversation, message: str, start: str) -> None:
    assert chat.says(message).startswith(start)
    assert chat.sources == []
    assert chat.known == ""


def test_an_empty_index_is_told_as_such(chat: Conversation, tmp_path: Path) -> None:
    from agent.index_store import save
    from agent.retrieval import Index

    save(tmp_path / "news-index", Index.build([]))
    assert "no articles yet" in chat.says("What are the latest news?")
    assert "no articles yet" in chat.says("Hello")
    assert "nothing relevant" in chat.says("Who discovered the comet?")


def test_the_rules_answer_a_bare_model_call_too() -> None:
    first = ASSISTANT.offline(Ask("Who discovered the comet?"))
    assert isinstance(first, str)
    assert "Lindgren" in first
    history = [("human", "Who discovered the comet?"), ("ai", first)]
    second = ASSISTANT.offline(Ask("and where does he work?", history))
    assert isinstance(second, str)
    assert "Night nurse" in second


def test_articles_cannot_put_markup_into_a_reply(chat: Conversation, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text(
        "The *walrus* [report](javascript:alert(1))\n\n"
        "A walrus <img src=x onerror=alert(1)> was [seen](https://evil.example) in ![p](https://evil.example/p.png) "
        "port."
    )
    ingest([str(tmp_path / "bad.txt")], tmp_path / "news-index")
    reply = chat.says("Where was the walrus seen?")
    assert "walrus" in reply
    for bad in ("](", "<img", "javascript:"):
        assert bad not in reply


def test_inert_keeps_words() -> None:
    assert inert("a_b [x](y) *c* `d` <e> snake_case _it_") == "a_b x c d \u2039e\u203a snake_case it"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=2_000)
@given(st.lists(st.text(st.characters(), max_size=8_000), min_size=1, max_size=3))
def test_any_messages_are_answered(messages: list[str]) -> None:
    chat = Conversation()
    chat.says("Who discovered the comet?")
    for message in messages:
        assert chat.says(message)
        assert len(chat.sources) <= 5


@pytest.mark.parametrize(
    "piece", ["comet ", "that ", "\ud800", "tell me more ", "harbour ferry tram quota ", "'", "🦉"]
)
def test_long_messages_are_answered_in_time(chat: Conversation, piece: str) -> None:
    chat.says("Who discovered the comet?")
    started = time.perf_counter()
    assert chat.says(piece * (8_000 // len(piece)))
    assert time.perf_counter() - started < 2
