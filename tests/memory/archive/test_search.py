"""Search finds what a person would expect, whatever is typed, and the same in both databases."""

from __future__ import annotations

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from memory.archive import Archive
from memory.archive.models import parts
from tests.memory.archive.talk import HOUR, NOON, ids, talk, turn


def test_names_and_messages_are_searched(archive: Archive) -> None:
    talk(archive, "paris", [("Plan a trip to Paris", "With pleasure"), ("Is the Louvre open on Monday?", "Yes")])
    talk(archive, "bread", [("How do I bake bread?", "Flour, water, salt, and patience")])
    archive.rename("bread", "Sourdough notes")

    assert ids(archive, q="louvre") == ["paris"]
    assert ids(archive, q="patience") == ["bread"]
    assert ids(archive, q="sourdough") == ["bread"]
    assert ids(archive, q="rome") == []


def test_all_words_must_be_in_one_turn_or_in_the_name(archive: Archive) -> None:
    talk(archive, "s1", [("Which city is the capital of Peru?", "Lima"), ("And of Chile?", "Santiago")])

    assert ids(archive, q="peru lima") == ["s1"]
    assert ids(archive, q="lima PERU capital") == ["s1"]
    assert ids(archive, q="peru santiago") == []


def test_the_last_word_may_be_only_begun(archive: Archive) -> None:
    talk(archive, "s1", [("Tell me about photosynthesis in plants", "Light becomes sugar")])

    assert ids(archive, q="photo") == ["s1"]
    assert ids(archive, q="p") == ["s1"]
    assert ids(archive, q="plants photosyn") == ["s1"]
    assert ids(archive, q="photosyn plants") == []


def test_case_and_accents_do_not_matter(archive: Archive) -> None:
    talk(archive, "s1", [("Où est le CAFÉ de Zürich?", "Straße des Ⅳ. Juli")])

    for q in ("cafe", "café", "CAFE\u0301", "zurich", "ZÜRICH", "strasse", "STRASSE", "iv"):
        assert ids(archive, q=q) == ["s1"], q


def test_scripts_without_spaces_are_searched_by_character(archive: Archive) -> None:
    talk(archive, "zh", [("今天天气怎么样？", "北京今天晴")])
    talk(archive, "hi", [("आज मौसम कैसा है?", "धूप है")])
    talk(archive, "ru", [("Какая сегодня погода?", "Солнечно")])

    assert ids(archive, q="天气") == ["zh"]
    assert ids(archive, q="北京") == ["zh"]
    assert ids(archive, q="मौसम") == ["hi"]
    assert ids(archive, q="ПОГОДА") == ["ru"]
    assert ids(archive, q="上海") == []


def test_text_without_words_finds_nothing_and_no_text_finds_all(archive: Archive) -> None:
    talk(archive, "s1", [("Hello", "Hi")])

    assert archive.names(q="?!...") == ([], 0)
    assert ids(archive, q="   ") == ["s1"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(q=st.text(max_size=60) | st.text("\"'*():^-+ ANDORNTE|&!<>\\%_$\x00{}a", max_size=30))
@example(q='"')
@example(q="NEAR(a b)")
@example(q="words:hello")
@example(q="hello OR 1=1 --")
@example(q="'; DROP TABLE chat_sessions; --")
@example(q=":* & !")
@example(q="x" * 5_000)
@example(q="\ud800")
def test_nothing_that_is_typed_is_syntax(archive: Archive, q: str) -> None:
    archive.record("s1", "", turn("t"))

    rows, total = archive.names(q=q)

    assert len(rows) == total <= 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.text(min_size=1, max_size=80))
@example(said="½ ﷺ ﬁne İstanbul ǅ ß")
def test_what_was_said_is_found_by_saying_it_again(archive: Archive, said: str) -> None:
    archive.delete("s1")
    archive.record("s1", "", turn("t", "Q", said))

    found = ids(archive, q=said)

    assert found == ["s1"] or not any(character.isalnum() for character in said)


def test_a_very_long_message_is_found_by_its_beginning(archive: Archive) -> None:
    told = " ".join(f"word{n}" for n in range(200_000))
    talk(archive, "s1", [("Count", told)])

    assert ids(archive, q="word17") == ["s1"]
    assert archive.history("s1")[1].content == told


def test_what_was_found_is_marked(archive: Archive) -> None:
    told = "Well. " * 60 + "The Zürich tram runs every seven minutes, and in Zürich it is on time. " + "So. " * 60
    talk(archive, "s1", [("Trams in ZURICH?", told)])

    found = archive.names(q="zurich")[0][0]
    assert [piece for piece, marked in parts(found.chat_name, found.name_marks) if marked] == ["ZURICH"]

    found = archive.names(q="minutes zur")[0][0]
    assert found.snippet is not None
    assert len(found.snippet.text) < 200
    assert found.snippet.text.startswith("… ")
    assert found.snippet.text.endswith(" …")
    pieces = list(parts(found.snippet.text, found.snippet.marks))
    assert "".join(piece for piece, _ in pieces) == found.snippet.text
    assert [piece for piece, marked in pieces if marked] == ["Zürich", "minutes", "Zürich"]


def test_the_snippet_shows_the_newest_turn_and_the_better_half(archive: Archive) -> None:
    talk(archive, "s1", [("kiwi one", "kiwi two"), ("kiwi three", "kiwi apple four"), ("nothing", "here")])

    shown = archive.names(q="apple kiwi")[0][0].snippet
    assert shown is not None
    assert shown.text == "kiwi apple four"
    shown = archive.names(q="kiwi")[0][0].snippet
    assert shown is not None
    assert shown.text == "kiwi three"


def test_a_session_found_by_its_name_alone_has_no_snippet(archive: Archive) -> None:
    talk(archive, "s1", [("Hello", "Hi")])
    archive.rename("s1", "Greetings")

    found = archive.names(q="greet")[0][0]

    assert found.snippet is None
    assert found.name_marks == ((0, 9),)


def test_a_search_is_paged_and_filtered_like_the_list(archive: Archive) -> None:
    for n in range(9):
        owner = "alice" if n % 3 else "bob"
        talk(archive, f"s{n}", [("Where is the Zebra?", "In the zoo")] * 2, owner=owner, at=NOON + n * HOUR)
    archive.set_tags("s4", ["animals"])
    archive.set_tags("s6", ["animals"])

    first, total = archive.names(q="zebra", limit=4)
    rest, _ = archive.names(q="zebra", limit=10, offset=4)
    assert total == 9
    assert [chat.session_id for chat in first + rest] == [f"s{n}" for n in range(8, -1, -1)]
    assert ids(archive, q="zebra zoo", owner="bob") == ["s6", "s3", "s0"]
    assert ids(archive, q="zebra", tag="animals") == ["s6", "s4"]
    assert ids(archive, q="zebra", tag="animals", owner="alice") == ["s4"]
    assert archive.names(q="zebra", offset=9) == ([], 9)
