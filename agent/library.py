"""A library: the index in force for an assistant, wherever it comes from, and searches in it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import numpy as np

from agent import index_store
from agent.embedding import Embedder, EmbeddingUnavailable, Vectors
from agent.retrieval import Hit, Index, indexed_text

log = logging.getLogger(__name__)

MOST_EMBEDDED_HERE: Final = 2_000
"""Passages without vectors that a running server still embeds by itself; more are left to the ingest."""

_REST_AFTER_FAILURE: Final = 30.0


class Library:
    """What an assistant searches: the index in ``folder`` if there is one, else the one that ``otherwise`` builds.

    A changed folder is read again at the next search; while one thread reads, the others go on with what they have.
    With an ``embedder`` the questions are embedded too; when that fails, words alone decide, and the embedder is left
    in peace for half a minute. ``clock`` is in seconds and only ever grows.
    """

    def __init__(
        self,
        otherwise: Callable[[], Index],
        *,
        folder: Path | None = None,
        embedder: Embedder | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._otherwise = otherwise
        self._folder = folder
        self._embedder = embedder
        self._clock = clock
        self._index: Index | None = None
        self._stamp: index_store.Stamp | None = None
        self._loading = threading.Lock()
        self._embedding = threading.Lock()
        self._embedder_rests_until = float("-inf")
        self._too_large: Index | None = None

    @property
    def folder(self) -> Path | None:
        return self._folder

    def index(self) -> Index:
        """The index in force."""
        found = index_store.stamp(self._folder) if self._folder is not None else None
        index = self._index
        if index is not None and found == self._stamp:
            return index
        # The first ones have to wait; later ones serve from the old index while another thread reads the new one.
        if not self._loading.acquire(blocking=index is None) and index is not None:
            return index
        try:
            if self._index is None or found != self._stamp:
                self._index = self._read(self._index)
                self._stamp = found
            return self._index
        finally:
            self._loading.release()

    def search(self, question: str, *, limit: int = 5, within: Collection[str] | None = None) -> list[Hit]:
        """The relevant passages, best first; empty where nothing here is about it. See ``Index.search``."""
        index = self.index()
        vector = self._vector(index, question)
        least = self._embedder.least_similarity if self._embedder is not None else 1.0
        return index.search(question, limit=limit, vector=vector, least_similarity=least, within=within)

    def embed_missing(self) -> int:
        """Give the passages in force the vectors that they lack, if they are few. Returns how many were made."""
        with self._embedding:
            index, embedder = self.index(), self._embedder
            if embedder is None:
                return 0
            missing = missing_rows(index, embedder.model)
            if not missing:
                return 0
            if len(missing) > MOST_EMBEDDED_HERE:
                self._too_large = index
                log.warning(
                    "%d passages have no vectors of %s; run the ingest with --embedding-model to add them",
                    len(missing),
                    embedder.model,
                )
                return 0
            made = add_vectors(index, embedder, missing)
            with self._loading:
                if self._index is index:  # else a newer one came meanwhile
                    self._index = made
            return len(missing)

    def _read(self, before: Index | None) -> Index:
        if self._folder is not None:
            try:
                loaded = index_store.load(self._folder)
            except index_store.IndexDamaged as error:
                log.error("%s; until then %s is used", error, "the one before" if before else "the shipped collection")
                if before is not None:
                    return before
            else:
                if loaded is not None:
                    return loaded
        return self._otherwise()

    def _vector(self, index: Index, question: str) -> Vectors | None:
        embedder = self._embedder
        if embedder is None or not question.strip() or self._clock() < self._embedder_rests_until:
            return None
        if index.model != embedder.model:
            if index is not self._too_large and not self._embedding.locked():
                threading.Thread(target=self._embed_quietly, name="embed-passages", daemon=True).start()
            return None
        try:
            return embedder.embed([question])
        except EmbeddingUnavailable as error:
            self._rest(error)
            return None

    def _embed_quietly(self) -> None:
        try:
            self.embed_missing()
        except EmbeddingUnavailable as error:
            self._rest(error)

    def _rest(self, error: EmbeddingUnavailable) -> None:
        log.warning("%s; searching by words alone", error)
        self._embedder_rests_until = self._clock() + _REST_AFTER_FAILURE


def missing_rows(index: Index, model: str) -> list[int]:
    """The rows of ``index`` that have no vector of ``model``."""
    if index.vectors is None or index.model != model:
        return list(range(len(index)))
    return [int(row) for row in np.flatnonzero(~index.vectors.any(axis=1))]


def add_vectors(
    index: Index, embedder: Embedder, rows: list[int], progress: Callable[[int], None] = lambda done: None
) -> Index:
    """``index`` with vectors for ``rows``; those that it has stay. Raises ``EmbeddingUnavailable``.

    ``progress`` is called with the number of passages done, now and then.
    """
    parts: list[Vectors] = []
    for start in range(0, len(rows), 128):
        batch = rows[start : start + 128]
        parts.append(embedder.embed([indexed_text(index.passages[row]) for row in batch]))
        progress(len(batch))
    made = np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.float32)
    if not len(made):
        return index
    keep = index.vectors is not None and index.model == embedder.model and index.vectors.shape[1] == made.shape[1]
    vectors = (
        index.vectors.copy()
        if keep and index.vectors is not None
        else np.zeros((len(index), made.shape[1]), dtype=np.float32)
    )
    vectors[rows] = made
    return index.with_vectors(vectors, embedder.model)
