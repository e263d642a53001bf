"""Articles into sentences and passages."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistants.news.passages import MOST_CHARACTERS, Article, passages_of, sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ('"It jammed," she said. It did.', ['"It jammed," she said.', "It did."]),
        ('"Stop!" he cried. "Now."', ['"Stop!" he cried.', '"Now."']),
        (
            "Dr. Hale of St. Brannoc's came at 5 p.m. on Monday.",
            ["Dr. Hale of St. Brannoc's came at 5 p.m. on Monday."],
        ),
        ("It costs 6.4 million. No. 4 is shut.", ["It costs 6.4 million.", "No. 4 is shut."]),
        ("E. M. Forster wrote it. So they say…", ["E. M. Forster wrote it.", "So they say…"]),
        ("一つ。二つ。", ["一つ。", "二つ。"]),
        ("  no   end ", ["no end"]),
        ("", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


def test_passages_are_whole_sentences_in_order() -> None:
    text = "\n\n".join(f"Paragraph {n} opens here. " + "It goes on for a while. " * 8 for n in range(6))
    passages = passages_of(Article("file:///a", "Title", text, "https://news.example/a", "2026-05-03", "local"))
    assert len(passages) > 1
    assert [passage.place for passage in passages] == list(range(len(passages)))
    assert " ".join(" ".join(p.text.split()) for p in passages) == " ".join(text.split())
    assert all(passage.text.endswith(".") for passage in passages)
    assert {(p.title, p.url, p.published, p.topic) for p in passages} == {
        ("Title", "https://news.example/a", "2026-05-03", "local")
    }


def test_an_article_keeps_its_ids_as_long_as_it_keeps_its_address() -> None:
    one = Article("file:///a", "T", "Text.", "https://news.example/a")
    two = Article("file:///b", "T2", "Other text.", "https://news.example/a")
    three = Article("file:///a", "T", "Text.")
    assert one.id == two.id != three.id
    assert [passage.id for passage in passages_of(one)] == [f"{one.id}-0"]


def test_the_same_words_have_the_same_digest() -> None:
    assert Article("a", "x", "The  Owls\n\nreturn.").digest == Article("b", "y", "the owls return.").digest


@given(st.text(max_size=8_000))
def test_any_text_is_cut_without_loss_into_passages_of_bounded_length(text: str) -> None:
    passages = passages_of(Article("file:///a", "", text))
    assert "".join("".join(p.text.split()) for p in passages) == "".join(text.split())
    assert all(0 < len(p.text) <= MOST_CHARACTERS for p in passages)


@pytest.mark.parametrize("text", ["word " * 80_000, "x" * 400_000, "A. " * 100_000, "End. " * 80_000, '."' * 100_000])
def test_long_texts_take_no_time(text: str) -> None:
    started = time.perf_counter()
    passages_of(Article("file:///a", "", text))
    assert time.perf_counter() - started < 3
