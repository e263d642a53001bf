"""Finding the passages that answer a question: by words (BM25), by meaning (embeddings) where there are any, fused.

An ``Index`` never changes once it is built, so threads share it freely; a newer one takes its place.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import bm25s
import numpy as np

from agent.embedding import Vectors
from agent.terms import Terms

# It turns its own debugging on when it is imported, whatever the program's level.
logging.getLogger("bm25s").setLevel(logging.WARNING)

FUSION_CONSTANT: Final = 60
"""The *k* of reciprocal rank fusion: how little the very first ranks outweigh the next (Cormack et al. 2009)."""

LEAST_COVERAGE: Final = 0.15
"""Share of a question's weight (see ``Weighed.share``) that a passage must hold, at the least, to be about it."""

_MOST_OF_IT: Final = 0.6
_GOOD_PART: Final = 0.3
_CANDIDATES: Final = 50
_MOST_QUERY_TERMS: Final = 256
_MOST_QUESTION: Final = 8_000


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document that is small enough to be read at once.

    ``id`` is short and unique in its index, ``document`` what all passages of a document share, ``place`` its position
    there (from 0). ``published`` is ISO 8601, a date or a time, or empty; ``url`` http(s) or empty.
    """

    id: str
    document: str
    title: str
    text: str
    url: str = ""
    published: str = ""
    topic: str = ""
    place: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found. ``score`` orders the hits of one search and means nothing beyond it.

    ``coverage`` is the share of the question's weight found in its words, ``similarity`` the cosine of its meaning
    (None without vectors).
    """

    passage: Passage
    score: float
    coverage: float
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """The terms of a question, each with its weight (its rarity in the index), and which of them are names."""

    weights: Mapping[str, float]
    names: frozenset[str]

    def share(self, present: Collection[str]) -> float:
        """How much of the question's weight is in these terms, 0 to 1: its coverage."""
        whole = sum(self.weights.values())
        return sum(weight for term, weight in self.weights.items() if term in present) / whole if whole else 0.0


class Index:
    """Passages, searchable. Build one with ``Index.build``; ``agent.index_store`` keeps it in a folder."""

    def __init__(
        self,
        passages: Sequence[Passage],
        terms: Terms,
        bm25: bm25s.BM25 | None,
        vectors: Vectors | None = None,
        model: str = "",
    ) -> None:
        self.passages = tuple(passages)
        self.terms = terms
        self.bm25 = bm25
        self.vectors = vectors
        self.model = model
        self._row = {passage.id: row for row, passage in enumerate(self.passages)}
        self._rows_of: dict[str, list[int]] = {}
        for row, passage in enumerate(self.passages):
            self._rows_of.setdefault(passage.document, []).append(row)
        self._vocabulary: Mapping[str, int] = bm25.vocab_dict if bm25 is not None else {}

    @classmethod
    def build(cls, passages: Iterable[Passage], terms: Terms | None = None) -> Index:
        """An index by words. Raises ``ValueError`` where two passages have one id."""
        kept = list(passages)
        if len({passage.id for passage in kept}) < len(kept):
            raise ValueError("two passages have the same id")
        terms = terms or Terms()
        return cls(kept, terms, _bm25([terms(indexed_text(passage)) for passage in kept]))

    def with_vectors(self, vectors: Vectors, model: str) -> Index:
        """The same index with meaning added: ``vectors`` has a row for each passage, made by ``model``."""
        if len(vectors) != len(self.passages):
            raise ValueError(f"{len(self.passages)} passages need as many vectors, got {len(vectors)}")
        return Index(self.passages, self.terms, self.bm25, vectors, model)

    def __len__(self) -> int:
        return len(self.passages)

    def get(self, ids: Iterable[str]) -> list[Passage]:
        """The passages with these ids, in this order; ids that are unknown (any more) are left out."""
        return [self.passages[self._row[each]] for each in ids if each in self._row]

    def document(self, document: str) -> list[Passage]:
        """All passages of a document, in the order of its text; empty where it is unknown."""
        rows = self._rows_of.get(document, ())
        return sorted((self.passages[row] for row in rows), key=lambda passage: passage.place)

    def newest(self, limit: int, topic: str = "") -> list[Passage]:
        """The opening passages of the ``limit`` newest documents (of ``topic``, if given), newest first.

        Those without a date come last.
        """
        openings = (min((self.passages[row] for row in rows), key=lambda p: p.place) for rows in self._rows_of.values())
        wanted = (passage for passage in openings if not topic or passage.topic == topic)
        return sorted(wanted, key=lambda passage: passage.published, reverse=True)[:limit]

    @cached_property
    def topics(self) -> list[str]:
        """The topics of the documents, those of most passages first."""
        counted = Counter(passage.topic for passage in self.passages if passage.topic)
        return [topic for topic, _ in counted.most_common()]

    @property
    def documents(self) -> int:
        """How many documents the passages come from."""
        return len(self._rows_of)

    def document_coverage(self, question: Weighed, document: str) -> float:
        """How much of the question's weight is anywhere in a document, 0 to 1."""
        present = self._present(question.weights, self._rows_of.get(document, ()))
        return question.share(frozenset().union(*present.values()))

    def search(
        self,
        question: str,
        *,
        limit: int = 5,
        vector: Vectors | None = None,
        least_similarity: float = 0.32,
        least_coverage: float = LEAST_COVERAGE,
        within: Collection[str] | None = None,
    ) -> list[Hit]:
        """The relevant passages, best first, at most ``limit``; an empty list says that nothing here is about it.

        ``vector`` is the question's embedding by ``self.model`` (shape ``(1, d)``). ``within`` keeps the search to
        some documents. A passage is relevant if its words cover enough of the question (see ``_judge``) or its meaning
        is near enough. ``least_coverage=0`` takes whatever shares a word.
        """
        if not self.passages or limit < 1:
            return []
        allowed = self._allowed(within)
        weighed = self.weigh(question)
        by_words = self._rank_by_words(weighed.weights, allowed)
        by_meaning, similarity = self._rank_by_meaning(vector, allowed)
        scores: dict[int, float] = {}
        for ranking in (by_words, by_meaning):
            for rank, row in enumerate(ranking):
                scores[row] = scores.get(row, 0.0) + 1 / (FUSION_CONSTANT + rank + 1)
        present = self._present(weighed.weights, scores)
        hits = []
        for row, score in sorted(scores.items(), key=lambda item: (-item[1], item[0])):
            passage = self.passages[row]
            covered, about = self._judge(weighed, passage, present[row], least_coverage)
            near = float(similarity[row]) if similarity is not None else None
            if about or (near is not None and near >= least_similarity):
                hits.append(Hit(passage, score, covered, near))
                if len(hits) == limit:
                    break
        return hits

    def _allowed(self, within: Collection[str] | None) -> Any:
        if within is None:
            return None
        mask = np.zeros(len(self.passages), dtype=bool)
        for document in within:
            mask[self._rows_of.get(document, [])] = True
        return mask

    def weigh(self, question: str) -> Weighed:
        """The terms of ``question`` with their weights in this index."""
        # A term that no passage has is as telling as the rarest one that is known: half a question about nothing that
        # stands here is a question about something else. A name that is unknown says so twice.
        count = len(self.passages)
        names = frozenset(self.terms(" ".join(_names(question))))
        weights: dict[str, float] = {}
        for term in self.terms(question):
            if term not in weights:
                having = len(self._rows_with(term))
                weight = _rarity(count, having)
                if term in self.terms.everyday:
                    weight /= 2
                elif not having and term in names:
                    weight *= 2
                weights[term] = weight
                if len(weights) == _MOST_QUERY_TERMS:
                    break
        return Weighed(weights, names)

    def _judge(self, question: Weighed, passage: Passage, present: Collection[str], least: float) -> tuple[float, bool]:
        """The passage's coverage, and whether its words make it relevant.

        One shared word is a coincidence, unless it is nearly all that was asked for, or what the document is about.
        So words are counted as evidence: 1 for one that tells, half for an everyday one, 1.5 for a name.
        """
        covered = question.share(present)
        shared = [term for term in question.weights if term in present]
        if least <= 0:
            return covered, bool(shared)
        telling = [term for term in shared if term not in self.terms.everyday]
        if covered < least or not telling:
            return covered, False
        evidence = len(telling) + (len(shared) - len(telling)) / 2 + sum(term in question.names for term in telling) / 2
        if evidence >= 2 or covered >= _MOST_OF_IT:
            return covered, True
        in_title = telling[0] in self.terms(passage.title)
        return covered, covered >= _GOOD_PART and (evidence >= 1.5 or in_title)

    def _rows_with(self, term: str) -> Any:
        """The rows whose passages have ``term`` (an integer array): a column of the BM25 matrix."""
        number = self._vocabulary.get(term)
        if number is None or self.bm25 is None:
            return np.empty(0, dtype=np.int32)
        starts = self.bm25.scores["indptr"]
        return self.bm25.scores["indices"][starts[number] : starts[number + 1]]

    def _present(self, terms: Iterable[str], rows: Iterable[int]) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {row: set() for row in rows}
        looked_at = np.fromiter(found, dtype=np.int32, count=len(found))
        for term in terms:
            for row in looked_at[np.isin(looked_at, self._rows_with(term))]:
                found[int(row)].add(term)
        return found

    def _rank_by_words(self, weights: Mapping[str, float], allowed: Any) -> list[int]:
        known = [term for term in weights if term in self._vocabulary]
        if self.bm25 is None or not known:
            return []
        scores = self.bm25.get_scores(known)
        if allowed is not None:
            scores = np.where(allowed, scores, 0)
        return _best(scores, above=0.0)

    def _rank_by_meaning(self, vector: Vectors | None, allowed: Any) -> tuple[list[int], Vectors | None]:
        if vector is None or self.vectors is None or vector.shape[-1] != self.vectors.shape[1]:
            return [], None
        similarity: Vectors = self.vectors @ vector.reshape(-1)
        ranked = similarity if allowed is None else np.where(allowed, similarity, -1)
        return _best(ranked, above=0.0), similarity


def indexed_text(passage: Passage) -> str:
    """What of a passage is searched: its document's title and topic too, so that every piece knows its subject."""
    return f"{passage.title}\n{passage.topic}\n{passage.text}"


def _bm25(documents: list[list[str]]) -> bm25s.BM25 | None:
    if not any(documents):
        return None
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.6)
    index.index(documents, show_progress=False)
    return index


def _best(scores: Any, above: float) -> list[int]:
    """The rows with the highest scores, best first; equal ones in the order of the index, so that runs agree."""
    count = min(_CANDIDATES, len(scores))
    rows = np.argpartition(-scores, count - 1)[:count] if count < len(scores) else np.arange(len(scores))
    ordered = sorted((int(row) for row in rows), key=lambda row: (-float(scores[row]), row))
    return [row for row in ordered if scores[row] > above]


def _rarity(count: int, having: int) -> float:
    """Lucene's inverse document frequency, with "in none" counted as "in one"."""
    having = max(1, having)
    return float(np.log(1 + (count - having + 0.5) / (having + 0.5)))


_WORD = re.compile(r"[^\W\d_]\w*")


def _names(question: str) -> list[str]:
    """The words that are written with a capital inside a sentence; none where most words are (shouting, a headline)."""
    words = list(_WORD.finditer(question[:_MOST_QUESTION]))
    capital = [word for word in words if word[0][0].isupper()]
    if len(capital) * 2 > len(words) + 1:
        return []
    return [word[0] for word in capital if not _opens_a_sentence(question, word.start())]


def _opens_a_sentence(question: str, at: int) -> bool:
    before = question[max(0, at - 3) : at].rstrip(" \"'\u201c\u2018(")
    return not before or before[-1] in ".!?:\n"
