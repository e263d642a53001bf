"""How well the news assistant finds the article that answers: ``python -m benchmarks.retrieval``.

60 questions, worded unlike the articles, each with the one article that answers it; and 79 questions that no article
answers: 40 that were seen when the rules of relevance were chosen, and 39 that were not. Printed: recall@1 and recall@3
(how often the article is among the first 1 or 3 found), the mean reciprocal rank, the shares of both kinds of off-topic
questions for which (rightly) nothing was found, and the milliseconds of a search.

By words alone it needs nothing. ``--embedding-model`` adds embeddings and prints them fused; the client of the model
takes its key from its own variable (``OPENAI_API_KEY``), ``--base-url`` leads it to another server.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.embedding import Embedder, LangChainEmbedder
from agent.library import add_vectors
from agent.retrieval import LEAST_COVERAGE, Hit, Index
from assistants.news.passages import passages_of
from assistants.news.readers import read_file
from assistants.news.shelf import SHIPPED

DATA: Final = Path(__file__).with_name("data")
_DEPTH: Final = 10

Search = Callable[[str], Sequence[Hit]]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the document (id in the index) of the article that answers it."""

    text: str
    document: str


@dataclass(frozen=True, slots=True)
class Score:
    """What a way of searching achieved; all but the last from 0 to 1."""

    recall_at_1: float
    recall_at_3: float
    reciprocal_rank: float
    nothing_found_seen: float
    nothing_found_unseen: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class OffTopic:
    """Questions that no article answers."""

    seen: list[str]
    unseen: list[str]


def load() -> tuple[Index, list[Question], OffTopic]:
    """The shipped articles, indexed; the questions that they answer; questions that they do not."""
    articles = {path.stem: read_file(path) for path in sorted(SHIPPED.glob("*.md"))}
    index = Index.build(passage for article in articles.values() for passage in passages_of(article))
    answered = json.loads((DATA / "news_questions.json").read_text("utf-8"))
    questions = [Question(entry["question"], articles[entry["article"]].id) for entry in answered]
    return index, questions, OffTopic(**json.loads((DATA / "news_off_topic.json").read_text("utf-8")))


def score(search: Search, questions: Sequence[Question], off_topic: OffTopic) -> Score:
    """Ask everything once."""
    started = time.perf_counter()
    ranks = [rank(search(question.text), question.document) for question in questions]
    seen = [not search(text) for text in off_topic.seen]
    unseen = [not search(text) for text in off_topic.unseen]
    spent = time.perf_counter() - started
    return Score(
        recall_at_1=sum(found == 1 for found in ranks) / len(ranks),
        recall_at_3=sum(0 < found <= 3 for found in ranks) / len(ranks),
        reciprocal_rank=sum(1 / found for found in ranks if found) / len(ranks),
        nothing_found_seen=sum(seen) / len(seen),
        nothing_found_unseen=sum(unseen) / len(unseen),
        milliseconds=1_000 * spent / (len(ranks) + len(seen) + len(unseen)),
    )


def rank(hits: Sequence[Hit], document: str) -> int:
    """The place (from 1) of ``document`` among the documents of the hits, or 0."""
    found = list(dict.fromkeys(hit.passage.document for hit in hits))
    return found.index(document) + 1 if document in found else 0


def by_words(index: Index, least_coverage: float = LEAST_COVERAGE) -> Search:
    return lambda text: index.search(text, limit=_DEPTH, least_coverage=least_coverage)


def fused(index: Index, embedder: Embedder, least_coverage: float = LEAST_COVERAGE) -> Search:
    least = embedder.least_similarity if least_coverage > 0 else -1.0
    return lambda text: index.search(
        text,
        limit=_DEPTH,
        vector=embedder.embed([text]),
        least_similarity=least,
        least_coverage=least_coverage,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Recall of the news assistant's retrieval.")
    parser.add_argument("--embedding-model", default="", metavar="PROVIDER:MODEL", help="also fused with embeddings")
    parser.add_argument("--base-url", default="", help="where that model is served")
    options = parser.parse_args()
    index, questions, off_topic = load()
    ways = {
        "BM25, whatever shares a word": by_words(index, 0),
        "BM25, relevant only (in use)": by_words(index),
    }
    if options.embedding_model:
        embedder = LangChainEmbedder(options.embedding_model, base_url=options.base_url, timeout=60, retries=4)
        whole = add_vectors(index, embedder, list(range(len(index))))
        ways["fused, whatever is near"] = fused(whole, embedder, 0)
        ways["fused, relevant only (in use)"] = fused(whole, embedder)
    print(f"{index.documents} articles in {len(index)} passages, {len(questions)} questions")
    print(f"{'':32}recall@1  recall@3    MRR  off topic: seen  unseen      ms")
    for name, search in ways.items():
        found = score(search, questions, off_topic)
        print(
            f"{name:32}{found.recall_at_1:8.3f}{found.recall_at_3:10.3f}{found.reciprocal_rank:7.3f}"
            f"{found.nothing_found_seen:17.3f}{found.nothing_found_unseen:8.3f}{found.milliseconds:8.2f}"
        )


if __name__ == "__main__":
    main()
