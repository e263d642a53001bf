"""The articles that ship with the project, and how well they are found."""

from __future__ import annotations

import re
from datetime import date

import pytest

from assistants.news.readers import read_file
from assistants.news.shelf import SHIPPED
from benchmarks.retrieval import by_words, fused, load, score
from tests.fakes.openai_embeddings import OpenAIEmbeddings

FILES = sorted(SHIPPED.glob("*.md"))


def test_there_are_some_sixty_articles_all_different() -> None:
    articles = [read_file(path) for path in FILES]
    assert 55 <= len(articles) <= 75
    for distinct in ({a.title for a in articles}, {a.url for a in articles}, {a.digest for a in articles}):
        assert len(distinct) == len(articles)
    assert {a.topic for a in articles} == {"local", "technology", "science", "sport", "culture", "economy"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_article_is_short_dated_and_fictional(path: object) -> None:
    article = read_file(path)  # type: ignore[arg-type]
    assert 120 <= len(article.text.split()) <= 250
    assert date.fromisoformat(article.published).year == 2026
    assert re.fullmatch(r"https://news\.example/2026/\d\d/\d\d/[a-z0-9-]+", article.url)


def test_recall_by_words() -> None:
    index, questions, off_topic = load()
    assert len(questions) == 60
    found = score(by_words(index), questions, off_topic)
    assert found.recall_at_3 >= 0.9
    assert found.reciprocal_rank >= 0.85
    assert found.nothing_found_seen >= 0.95
    assert found.nothing_found_unseen >= 0.85


def test_questions_are_worded_unlike_the_articles() -> None:
    """No question repeats five words of its article in a row."""
    index, questions, _ = load()
    for question in questions:
        words = re.findall(r"\w+", question.text.lower())
        text = " ".join(re.findall(r"\w+", " ".join(p.text.lower() for p in index.document(question.document))))
        runs = [" ".join(words[start : start + 5]) for start in range(len(words) - 4)]
        assert not [run for run in runs if run in text], question.text


def test_recall_with_embeddings_by_openais_protocol() -> None:
    """The vectors are hashed letters and know no meaning; that they do no harm is what can be shown without a model."""
    from agent.embedding import LangChainEmbedder
    from agent.library import add_vectors

    index, questions, off_topic = load()
    with OpenAIEmbeddings() as service:
        embedder = LangChainEmbedder(api_key="sk-test", base_url=service.url, least_similarity=0.45)
        whole = add_vectors(index, embedder, list(range(len(index))))
        found = score(fused(whole, embedder), questions, off_topic)
    assert found.recall_at_3 >= 0.88
    assert found.nothing_found_unseen >= 0.85
