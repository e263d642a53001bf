"""An index in a folder survives a restart, whole or not at all."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from agent import index_store
from agent.index_store import IndexBusy, IndexDamaged, load, load_ledger, save, stamp, writing
from agent.retrieval import Index, Passage
from agent.terms import Terms


def index_of(*texts: str, language: str = "english") -> Index:
    passages = [Passage(f"{n}-0", str(n), f"Title {n}", text, published="2026-05-03") for n, text in enumerate(texts)]
    return Index.build(passages, Terms(language))


def test_what_was_saved_is_found_again(tmp_path: Path) -> None:
    before = index_of("herring quota", "owls in Merrowdale")
    vectors = np.eye(2, dtype=np.float32)
    save(tmp_path, before.with_vectors(vectors, "test:model"), {"noted": 1})

    after = load(tmp_path)

    assert after is not None
    assert after.passages == before.passages
    assert after.search("owls Merrowdale") == before.search("owls Merrowdale")
    assert after.model == "test:model"
    assert after.vectors is not None
    assert np.array_equal(after.vectors, vectors)
    assert load_ledger(tmp_path) == {"noted": 1}


def test_an_empty_index_and_another_language_are_kept_too(tmp_path: Path) -> None:
    save(tmp_path, index_of(language="german"))
    after = load(tmp_path)
    assert after is not None
    assert (len(after), after.terms.language) == (0, "german")


def test_where_nothing_was_saved_there_is_nothing(tmp_path: Path) -> None:
    assert load(tmp_path / "none") is None
    assert stamp(tmp_path / "none") is None
    assert load_ledger(tmp_path / "none") == {}


def test_the_stamp_changes_with_each_save(tmp_path: Path) -> None:
    save(tmp_path, index_of("one"))
    first = stamp(tmp_path)
    save(tmp_path, index_of("one"))
    assert first is not None
    assert stamp(tmp_path) != first


def test_the_generation_before_stays_for_its_readers_and_older_ones_go(tmp_path: Path) -> None:
    for text in ("one", "two", "three"):
        save(tmp_path, index_of(text))
    assert len(list(tmp_path.glob("generation-*"))) == 2


def test_a_lost_or_foreign_bm25_matrix_is_made_again(tmp_path: Path) -> None:
    save(tmp_path, index_of("herring quota", "owls"))
    matrix = next(tmp_path.glob("generation-*/bm25/params.index.json"))
    written = json.loads(matrix.read_text())
    matrix.write_text(json.dumps(written | {"version": "0.0.1"}))
    first = load(tmp_path)
    for file in matrix.parent.iterdir():
        file.unlink()
    second = load(tmp_path)
    for after in (first, second):
        assert after is not None
        assert [hit.passage.id for hit in after.search("herring")] == ["0-0"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 99, "generation": "x"}', '{"format": 1, "generation": "gone"}']
)
def test_a_damaged_index_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "current.json").write_text(text)
    with pytest.raises(IndexDamaged, match="--fresh"):
        load(tmp_path)


def test_damaged_passages_are_told_as_such(tmp_path: Path) -> None:
    save(tmp_path, index_of("one"))
    next(tmp_path.glob("generation-*/passages.jsonl")).write_text('{"id": 1}\n')
    with pytest.raises(IndexDamaged):
        load(tmp_path)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with writing(tmp_path), pytest.raises(IndexBusy, match="wait until it is done"), writing(tmp_path):
        pass
    with writing(tmp_path):
        pass  # the lock is free again


def test_readers_never_see_half_an_index(tmp_path: Path) -> None:
    save(tmp_path, index_of("start"))
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            loaded = index_store.load(tmp_path)
            assert loaded is not None
            seen.append(len(loaded))

    reader = threading.Thread(target=read)
    reader.start()
    for size in range(1, 40):
        save(tmp_path, index_of(*(f"text {n}" for n in range(size))))
    done.set()
    reader.join()
    assert seen
    assert seen == sorted(seen)
