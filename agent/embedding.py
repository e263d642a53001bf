"""Embeddings for retrieval: texts into unit vectors, by whatever model LangChain can open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
"""One row a text, each of length 1, or all zero where a text has no vector."""

DEFAULT_MODEL: Final = "openai:text-embedding-3-small"
_BATCH: Final = 128


class EmbeddingUnavailable(Exception):
    """The embedding model gave no (usable) vectors; retrieval goes on by words alone."""

    def __init__(self, model: str, why: str) -> None:
        super().__init__(f"The embedding model {model} did not answer: {why}")
        self.model = model
        self.why = why


class Embedder(Protocol):
    """Anything that turns texts into vectors."""

    @property
    def model(self) -> str:
        """Its name, ``provider:model``; vectors of different names are never compared."""

    @property
    def least_similarity(self) -> float:
        """Cosine below which a passage is not about the question; depends on the model."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text. Raises ``EmbeddingUnavailable``."""


class LangChainEmbedder:
    """An ``Embedder`` over ``langchain.embeddings.init_embeddings``. The client is made at the first use.

    ``model`` is ``provider:model``; ``api_key`` and ``base_url`` go to the client where they are given, else it looks
    for its own. ``timeout`` (seconds) and ``retries`` bound a call. ``least_similarity`` fits OpenAI's third
    generation, where unrelated texts lie around 0.1 and related ones above 0.35.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        api_key: str = "",
        base_url: str = "",
        timeout: float = 5.0,
        retries: int = 0,
        least_similarity: float = 0.32,
    ) -> None:
        self._model = model
        self._least_similarity = least_similarity
        self._options: dict[str, Any] = {}
        if api_key:
            self._options["api_key"] = api_key
        if base_url:
            # A server of one's own (Ollama, vLLM) asks for no key, but the client wants one to be there.
            self._options |= {"base_url": base_url, "api_key": api_key or "none"}
        if model.startswith("openai:"):
            # Texts are short here. Checking their length would fetch a tokeniser over the network, and servers that
            # only speak OpenAI's protocol take strings, not its tokens.
            self._options |= {"timeout": timeout, "max_retries": retries, "check_embedding_ctx_length": False}
        self._client: Any = None

    @property
    def model(self) -> str:
        return self._model

    @property
    def least_similarity(self) -> float:
        return self._least_similarity

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text, in order. Raises ``EmbeddingUnavailable``, whatever the client raised."""
        rows: list[list[float]] = []
        try:
            if self._client is None:
                from langchain.embeddings import init_embeddings  # slow to import, and only needed with a key

                self._client = init_embeddings(self._model, **self._options)
            for batch in _batches(texts):
                rows.extend(self._client.embed_documents([_sendable(text) for text in batch]))
            matrix = np.asarray(rows, dtype=np.float32).reshape(len(texts), -1)
        # Each provider has its own tree of errors, and none of them may cost a user the answer.
        except Exception as error:
            raise EmbeddingUnavailable(self._model, f"{type(error).__name__}: {error}"[:500]) from error
        return unit(matrix)


def unit(matrix: Vectors) -> Vectors:
    """``matrix`` with each row brought to length 1; rows that are zero or not finite become zero."""
    finite = np.where(np.isfinite(matrix), matrix, np.float32(0))
    lengths = np.linalg.norm(finite, axis=1, keepdims=True)
    made: Vectors = np.divide(finite, lengths, out=np.zeros_like(finite), where=lengths > 0).astype(np.float32)
    return made


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    starts: Iterable[int] = range(0, len(texts), _BATCH)
    return (texts[start : start + _BATCH] for start in starts)


def _sendable(text: str) -> str:
    # Half a surrogate pair cannot be UTF-8, and an empty text is refused by OpenAI.
    return text.encode("utf-8", "replace").decode("utf-8")[:8_000].strip() or " "
