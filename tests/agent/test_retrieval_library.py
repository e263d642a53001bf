"""A library serves the index in force, notices a newer one, and goes on by words when embeddings fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.embedding import EmbeddingUnavailable, LangChainEmbedder
from agent.index_store import save
from agent.library import Library, add_vectors, missing_rows
from agent.retrieval import Index, Passage
from tests.fakes.openai_embeddings import OpenAIEmbeddings


@pytest.fixture
def service() -> Iterator[OpenAIEmbeddings]:
    with OpenAIEmbeddings() as running:
        yield running


def embedder(service: OpenAIEmbeddings) -> LangChainEmbedder:
    return LangChainEmbedder(api_key="sk-test", base_url=service.url, timeout=2, least_similarity=0.3)


def index_of(*texts: str) -> Index:
    return Index.build([Passage(f"{n}-0", str(n), "", text) for n, text in enumerate(texts)])


def ids(library: Library, question: str) -> list[str]:
    return [hit.passage.id for hit in library.search(question)]


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_without_a_folder_the_other_index_serves_and_is_built_once() -> None:
    built: list[int] = []

    def build() -> Index:
        built.append(1)
        return index_of("herring")

    library = Library(build)
    assert ids(library, "herring") == ["0-0"]
    assert library.index() is library.index()
    assert built == [1]


def test_an_index_that_appears_changes_or_goes_is_noticed_at_the_next_search(tmp_path: Path) -> None:
    library = Library(lambda: index_of("shipped"), folder=tmp_path)
    assert ids(library, "shipped") == ["0-0"]

    save(tmp_path, index_of("herring"))
    assert ids(library, "herring") == ["0-0"]
    assert ids(library, "shipped") == []

    save(tmp_path, index_of("herring", "owls"))
    assert ids(library, "owls") == ["1-0"]

    (tmp_path / "current.json").unlink()
    assert ids(library, "shipped") == ["0-0"]


def test_a_damaged_index_leaves_the_one_before_in_force(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(tmp_path, index_of("herring"))
    library = Library(lambda: index_of("shipped"), folder=tmp_path)
    library.index()

    (tmp_path / "current.json").write_text("{")

    assert ids(library, "herring") == ["0-0"]
    assert ids(library, "herring") == ["0-0"]
    assert len(caplog.records) == 1  # told once, not at each search


def test_an_index_damaged_from_the_start_leaves_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "current.json").write_text("{")
    assert ids(Library(lambda: index_of("shipped"), folder=tmp_path), "shipped") == ["0-0"]


def test_an_empty_index_is_an_index(tmp_path: Path) -> None:
    save(tmp_path, index_of())
    assert ids(Library(lambda: index_of("shipped"), folder=tmp_path), "shipped") == []


# --- embeddings, by OpenAI's protocol -----------------------------------------------------------------------------


def test_a_misspelt_word_is_found_by_embedding(service: OpenAIEmbeddings) -> None:
    library = Library(lambda: index_of("the herring quota", "owls in Merrowdale"), embedder=embedder(service))
    assert ids(library, "heringg quotta") == []  # the passages have no vectors yet; a thread is making them
    library.embed_missing()
    assert ids(library, "heringg quotta") == ["0-0"]
    assert service.keys == ["sk-test"] * service.requests
    assert library.embed_missing() == 0


def test_an_embedder_that_fails_costs_nobody_the_answer_and_is_left_in_peace(service: OpenAIEmbeddings) -> None:
    clock = Clock()
    library = Library(lambda: index_of("the herring quota"), embedder=embedder(service), clock=clock)
    library.embed_missing()
    service.status = 500
    asked = service.requests

    assert ids(library, "herring quota") == ["0-0"]
    assert ids(library, "herring quota") == ["0-0"]
    assert service.requests == asked + 1  # no retry, and no second try within half a minute

    service.status = 200
    clock.now += 31
    assert ids(library, "heringg quotta") == ["0-0"]


def test_vectors_of_another_model_are_not_compared(tmp_path: Path, service: OpenAIEmbeddings) -> None:
    save(tmp_path, index_of("the herring quota").with_vectors(np.ones((1, 512), dtype=np.float32), "other:model"))
    library = Library(lambda: index_of(), folder=tmp_path, embedder=embedder(service))
    assert library.embed_missing() == 1
    assert library.index().model == "openai:text-embedding-3-small"


def test_only_what_lacks_a_vector_is_embedded(service: OpenAIEmbeddings) -> None:
    model = embedder(service)
    half = index_of("herring", "owls").with_vectors(
        np.stack([np.ones(512), np.zeros(512)]).astype(np.float32), model.model
    )
    assert missing_rows(half, model.model) == [1]
    whole = add_vectors(half, model, [1])
    assert missing_rows(whole, model.model) == []
    assert [text.split()[-1] for text in service.texts] == ["owls"]


def test_many_texts_go_in_batches_and_come_back_in_order(service: OpenAIEmbeddings) -> None:
    texts = [f"text number {number}" for number in range(300)]
    made = embedder(service).embed(texts)
    assert made.shape == (300, 512)
    assert service.requests == 3
    assert np.allclose(made[257], embedder(service).embed(["text number 257"])[0])


def test_strange_texts_can_be_sent(service: OpenAIEmbeddings) -> None:
    made = embedder(service).embed(["\ud800 half a pair", "", " ", "x" * 100_000])
    assert made.shape[0] == 4
    assert max(map(len, service.texts)) == 8_000


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_whatever_goes_wrong_has_one_name(service: OpenAIEmbeddings, status: int) -> None:
    service.status = status
    with pytest.raises(EmbeddingUnavailable, match="text-embedding-3-small did not answer"):
        embedder(service).embed(["anything"])


def test_a_service_that_hangs_is_given_up(service: OpenAIEmbeddings) -> None:
    service.gate.clear()
    hanging = LangChainEmbedder(api_key="sk-test", base_url=service.url, timeout=0.2)
    with pytest.raises(EmbeddingUnavailable, match="Timeout"):
        hanging.embed(["anything"])


def test_a_provider_that_does_not_exist_is_told_at_the_first_use() -> None:
    with pytest.raises(EmbeddingUnavailable, match="nonsense"):
        LangChainEmbedder("nonsense:model").embed(["anything"])
