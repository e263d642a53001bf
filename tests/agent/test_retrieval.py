"""An index finds what a question is about, and says so when nothing is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.embedding import Vectors, unit
from agent.retrieval import Index, Passage

BRIDGE = Passage("a-0", "a", "Swing bridge closes", "The bridge over the Tarn is shut for eleven weeks.", topic="local")
REPAIR = Passage("a-1", "a", "Swing bridge closes", "Engineers renew its bearings of 1908, made in Brannock.", place=1)
OWLS = Passage(
    "b-0", "b", "Record number of owls", "Volunteers in Merrowdale counted 412 pairs.", published="2026-01-09"
)
FERRY = Passage(
    "c-0", "c", "Hydrogen ferry", "The ferry Aurelia sails to Sorrel.", published="2026-07-21", topic="tech"
)
CHORE = Passage(
    "d-0", "d", "Fire brigade band", "A solo by the tuba, and the band starts again.", published="2026-06-30"
)
INDEX = Index.build([BRIDGE, REPAIR, OWLS, FERRY, CHORE])


def found(question: str, **options: object) -> list[str]:
    return [hit.passage.id for hit in INDEX.search(question, **options)]  # type: ignore[arg-type]


def test_the_passage_that_has_the_words_comes_first() -> None:
    assert found("How many owls were counted?")[0] == "b-0"


def test_every_passage_knows_the_title_of_its_document() -> None:
    assert found("bridge bearings") == ["a-1", "a-0"]


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France?",
        "Who starts at Manchester United?",
        "pairs of shoes in my size please",
        "",
        "???",
        "and the of",
        "\ud800",
    ],
)
def test_nothing_relevant_is_an_outcome(question: str) -> None:
    assert found(question) == []


def test_one_shared_word_is_a_coincidence_but_the_subject_of_an_article_is_not() -> None:
    assert found("Does my washing machine start again after a power cut?") == []
    assert found("What about owls nowadays, generally?") == ["b-0"]


def test_a_word_that_is_all_that_is_asked_for_is_enough() -> None:
    assert found("tuba?") == ["d-0"]


def test_an_unknown_name_weighs_against_what_else_is_shared() -> None:
    assert found("Which ferry goes by steam or wind?") == ["c-0"]
    assert found("Which ferry goes to Calais, Dover or Ramsgate?") == []


def test_zero_coverage_takes_whatever_shares_a_word() -> None:
    assert found("start the washing machine", least_coverage=0) == ["d-0"]


def test_a_search_can_be_kept_to_some_documents() -> None:
    assert found("bridge ferry", within=["c"]) == ["c-0"]
    assert found("bridge ferry", within=[]) == []
    assert found("bridge ferry", within=["unknown"]) == []


def test_a_limit_is_kept() -> None:
    assert found("bridge bearings", limit=1) == ["a-1"]
    assert found("bridge", limit=0) == []


def test_equal_passages_come_in_the_order_of_the_index() -> None:
    twins = [Passage(f"{n}-0", str(n), "Twin", "the very same words") for n in range(9)]
    assert [hit.passage.document for hit in Index.build(twins).search("same words twin", limit=9)] == list("012345678")


def test_an_empty_index_finds_nothing() -> None:
    empty = Index.build([])
    assert empty.search("anything") == []
    assert empty.newest(5) == []
    assert empty.topics == []


def test_passages_without_words_do_no_harm() -> None:
    assert Index.build([Passage("a-0", "a", "", "…")]).search("anything") == []


def test_two_passages_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="same id"):
        Index.build([BRIDGE, BRIDGE])


def test_the_newest_come_first_and_the_undated_last() -> None:
    assert [passage.id for passage in INDEX.newest(10)] == ["c-0", "d-0", "b-0", "a-0"]
    assert [passage.id for passage in INDEX.newest(10, "tech")] == ["c-0"]


def test_a_document_is_given_in_the_order_of_its_text() -> None:
    assert [passage.id for passage in INDEX.document("a")] == ["a-0", "a-1"]
    assert INDEX.document("nope") == []


def test_ids_that_are_gone_are_left_out() -> None:
    assert INDEX.get(["b-0", "gone", "a-1"]) == [OWLS, REPAIR]


# --- with vectors -------------------------------------------------------------------------------------------------


def vectors(*rows: tuple[float, float]) -> Vectors:
    return unit(np.array(rows, dtype=np.float32))


MEANING = INDEX.with_vectors(vectors((1, 0), (1, 0.1), (0, 1), (0.6, 0.6), (0, 0)), "test:model")


def test_meaning_finds_what_shares_no_word() -> None:
    hits = MEANING.search("raptors", vector=vectors((0, 1)), least_similarity=0.9)
    assert [(hit.passage.id, hit.coverage) for hit in hits] == [("b-0", 0.0)]
    assert hits[0].similarity == pytest.approx(1.0)


def test_what_is_far_in_meaning_and_words_is_not_relevant() -> None:
    assert MEANING.search("raptors", vector=vectors((-1, 0)), least_similarity=0.3) == []


def test_who_is_good_in_both_rankings_wins() -> None:
    hits = MEANING.search("ferry bridge Tarn Sorrel", vector=vectors((0.7, 0.7)), least_similarity=0.3)
    assert hits[0].passage.id == "c-0"


def test_a_passage_without_a_vector_is_still_found_by_words() -> None:
    assert [hit.passage.id for hit in MEANING.search("tuba solo", vector=vectors((0, 1)), least_similarity=1.1)] == [
        "d-0"
    ]


def test_vectors_of_another_size_are_not_compared() -> None:
    other = unit(np.ones((1, 7), dtype=np.float32))
    assert [hit.passage.id for hit in MEANING.search("tuba", vector=other)] == ["d-0"]


def test_as_many_vectors_as_passages_are_needed() -> None:
    with pytest.raises(ValueError, match="5 passages"):
        INDEX.with_vectors(vectors((1, 0)), "test:model")


def test_broken_vectors_count_as_none() -> None:
    made = unit(np.array([[np.nan, np.nan], [np.inf, 1.0], [0.0, 0.0], [3.0, 4.0]], dtype=np.float32))
    assert np.allclose(np.linalg.norm(made, axis=1), [0, 1, 0, 1])


@given(st.text(max_size=8_000))
def test_any_question_is_safe(question: str) -> None:
    for hit in MEANING.search(question, vector=vectors((1, 1))):
        assert 0 <= hit.coverage <= 1
