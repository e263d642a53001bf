"""The archive keeps conversations: the same story in SQLite and in PostgreSQL."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.archive import Archive, ArchivedChat, SessionExists
from memory.session import Message, Turn
from tests.memory.archive.talk import DAY, HOUR, NOON, ids, talk, turn

# What JSON gives back as it was.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
CONTENT = st.text() | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": st.text()}), max_size=3)
MESSAGES = st.builds(
    Message, st.sampled_from(["human", "ai", "tool", "system"]), CONTENT, st.dictionaries(st.text(), JSON, max_size=2)
)
TURNS = st.builds(
    Turn,
    id=st.text("abcdef0123456789:-", min_size=1, max_size=64),
    session_started=st.integers(0, 2**45),
    began=st.integers(0, 2**45),
    took=st.integers(0, 10**7),
    messages=st.lists(MESSAGES, max_size=6).map(tuple),
    data=st.dictionaries(st.text(), JSON, max_size=2),
    interrupted=st.booleans(),
)


def test_a_turn_comes_back_as_it_was_recorded(archive: Archive) -> None:
    tool_turn = Turn(
        id="k:weather-1",
        session_started=NOON - HOUR,
        began=NOON,
        took=1_250,
        messages=(
            Message("human", "Weather in Zürich?"),
            Message("ai", "", {"tool_calls": [{"name": "weather", "args": {"city": "Zürich"}, "id": "c1"}]}),
            Message("tool", '{"temp": 9}', {"tool_call_id": "c1"}),
            Message("ai", [{"type": "text", "text": "Cloudy, "}, {"type": "text", "text": "9 °C"}], {"id": "m2"}),
        ),
        data={"sources": [{"url": "https://example.org", "score": 0.5}]},
        interrupted=True,
    )

    archive.record("s1", "alice", tool_turn)

    assert archive.window("s1", 10) == [tool_turn]
    assert archive.find_turn("s1", "k:weather-1") == tool_turn
    assert archive.history("s1") == [
        ("Human", "Weather in Zürich?", NOON),
        ("AI", "Cloudy, 9 °C", NOON + 1_250),
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recorded=TURNS)
def test_any_turn_comes_back_as_it_was_recorded(archive: Archive, recorded: Turn) -> None:
    archive.delete("any")
    archive.record("any", "", recorded)

    assert archive.window("any", 1) == [recorded]
    assert archive.find_turn("any", recorded.id) == recorded
    assert archive.clear("any") == 2


def test_half_a_surrogate_pair_is_kept_for_the_turn_and_replaced_for_readers(archive: Archive) -> None:
    broken = turn("t1", "Hello \ud83d there", "NUL \x00 here")

    archive.record("s1", "", broken)

    assert archive.window("s1", 1) == [broken]
    assert [entry.content for entry in archive.history("s1")] == ["Hello \ufffd there", "NUL \ufffd here"]


def test_recording_again_doubles_nothing(archive: Archive) -> None:
    talk(archive, "s1", [("One", "1"), ("Two", "2")])

    talk(archive, "s1", [("One", "1"), ("Two", "2")])

    assert [entry.content for entry in archive.history("s1")] == ["One", "1", "Two", "2"]
    assert archive.names()[0][0].message_count == 4


def test_recording_again_with_other_words_replaces_them(archive: Archive) -> None:
    talk(archive, "s1", [("One", "an interrupted ans"), ("Two", "2")])

    archive.record("s1", "", turn("s1-0", "One", "the whole answer", took=900))

    assert [entry.content for entry in archive.history("s1")] == ["One", "the whole answer", "Two", "2"]
    assert archive.names()[0][0].message_count == 4
    assert ids(archive, q="whole") == ["s1"]
    assert ids(archive, q="interrupted") == []


def test_the_window_is_the_newest_turns_oldest_first(archive: Archive) -> None:
    talk(archive, "s1", [(f"Q{n}", f"A{n}") for n in range(5)])
    talk(archive, "s2", [("other", "other")])

    assert [kept.message for kept in archive.window("s1", 2)] == ["Q3", "Q4"]
    assert len(archive.window("s1", 50)) == 5
    assert archive.window("s1", 0) == []
    assert archive.window("unknown", 10) == []


def test_turns_that_come_late_are_put_in_their_place(archive: Archive) -> None:
    archive.record("s1", "", turn("b", "second", at=NOON + 1_000))
    archive.record("s1", "", turn("c", "third", at=NOON + 2_000))
    archive.record("s1", "", turn("a", "first", at=NOON))

    assert [kept.message for kept in archive.window("s1", 10)] == ["first", "second", "third"]
    row = archive.session("s1")
    assert row is not None
    assert (row.created_at, row.last_activity, row.message_count) == (NOON, NOON + 2_007, 6)


def test_history_is_paged_without_gaps_or_repeats(archive: Archive) -> None:
    # All in the same millisecond, answered in none: still every message has a timestamp of its own.
    for name in "abcdefg":
        archive.record("s1", "", turn(name, f"Q{name}", f"A{name}", at=NOON, took=0))
    whole = archive.history("s1")

    for size in (1, 2, 3, 5):
        collected: list[str] = []
        before: int | None = None
        while page := archive.history("s1", limit=size, before=before):
            collected[:0] = [entry.content for entry in page]
            before = page[0].timestamp
        assert collected == [entry.content for entry in whole]
    assert [entry.content for entry in whole] == [word for name in "abcdefg" for word in (f"Q{name}", f"A{name}")]


def test_a_conversation_is_named_after_its_first_forty_characters(archive: Archive) -> None:
    talk(
        archive, "long", [("  What is the\n capital of the Federated States of Micronesia?", "Palikir"), ("And?", "!")]
    )
    talk(archive, "blank", [(" \n ", "?")])

    assert archive.session("long").chat_name == "What is the capital of the Federated Sta"  # type: ignore[union-attr]
    assert archive.session("blank").chat_name == "New chat"  # type: ignore[union-attr]


def test_names_are_listed_by_newest_activity_in_pages(archive: Archive) -> None:
    for n in range(7):
        talk(archive, f"s{n}", [(f"Chat {n}", "ok")], at=NOON + n * 1_000, owner="alice" if n % 2 else "bob")
    talk(archive, "s0", [("again", "ok")] * 30)

    assert ids(archive) == ["s0", "s6", "s5", "s4", "s3", "s2", "s1"]
    first, total = archive.names(limit=3)
    second, _ = archive.names(limit=3, offset=3)
    assert total == 7
    assert [chat.session_id for chat in first + second] == ["s0", "s6", "s5", "s4", "s3", "s2"]
    assert archive.names(offset=1_000_000) == ([], 7)
    assert archive.names(owner="alice")[1] == 3
    assert ids(archive, owner="alice") == archive.sessions_of("alice") == ["s5", "s3", "s1"]
    assert archive.names(owner="nobody") == ([], 0)


def test_owner_and_existence(archive: Archive) -> None:
    talk(archive, "s1", [("Hello", "Hi")], owner="alice")
    talk(archive, "s2", [("Hello", "Hi")])

    assert archive.owner("s1") == "alice"
    assert archive.owner("s2") == ""
    assert archive.owner("s3") is None
    assert archive.exists("s2")
    assert not archive.exists("s3")


def test_the_first_turn_decides_whose_it_is_and_its_tags(archive: Archive) -> None:
    archive.record("s1", "alice", turn("a"), tags=["Work", "ideas", "work"])
    archive.record("s1", "mallory", turn("b", at=NOON + 1), tags=["other"])

    row = archive.session("s1")
    assert row is not None
    assert (row.owner, row.tags) == ("alice", ("ideas", "work"))


def test_clearing_keeps_the_session(archive: Archive) -> None:
    talk(archive, "s1", [("Pineapple", "sweet"), ("More", "ok")], owner="alice")
    talk(archive, "s2", [("Pineapple", "sweet")])

    assert archive.clear("s1") == 4

    row = archive.session("s1")
    assert row is not None
    assert (row.chat_name, row.message_count, row.owner) == ("Pineapple", 0, "alice")
    assert archive.history("s1") == []
    assert archive.window("s1", 10) == []
    assert ids(archive, q="sweet") == ["s2"]
    assert archive.clear("s1") == 0
    assert archive.clear("unknown") == 0
    talk(archive, "s1", [("Again", "yes")])
    assert archive.session("s1").message_count == 2  # type: ignore[union-attr]


def test_a_deleted_session_is_gone_everywhere(archive: Archive) -> None:
    talk(archive, "s1", [("Pineapple", "sweet")], owner="alice")
    archive.set_tags("s1", ["fruit"])

    assert archive.delete("s1")

    assert not archive.delete("s1")
    assert not archive.exists("s1")
    assert archive.history("s1") == []
    assert archive.names() == ([], 0)
    assert archive.names(q="pineapple") == ([], 0)
    assert archive.tags() == []
    talk(archive, "s1", [("New", "start")])
    assert archive.session("s1").chat_name == "New"  # type: ignore[union-attr]
    assert ids(archive, q="pineapple") == []


def test_a_turn_is_taken_back(archive: Archive) -> None:
    talk(archive, "s1", [("One", "1"), ("Two", "2")])

    assert archive.remove_turn("s1", "s1-1")
    assert not archive.remove_turn("s1", "s1-1")
    assert [entry.content for entry in archive.history("s1")] == ["One", "1"]
    assert archive.session("s1").message_count == 2  # type: ignore[union-attr]
    assert archive.remove_turn("s1", "s1-0")
    assert not archive.exists("s1")


def test_a_turn_that_is_taken_back_does_not_take_a_cleared_session_along(archive: Archive) -> None:
    talk(archive, "s1", [("One", "1")])
    archive.clear("s1")
    archive.record("s1", "", turn("late", at=NOON + HOUR))

    archive.remove_turn("s1", "late")

    assert archive.session("s1").message_count == 0  # type: ignore[union-attr]


def test_cleanup_deletes_what_is_older(archive: Archive) -> None:
    for n in range(120):
        talk(archive, f"old{n}", [("Old", "ok")], at=NOON - 40 * DAY)
    talk(archive, "edge", [("Edge", "ok")], at=NOON - 30 * DAY - 7)
    talk(archive, "new", [("New", "ok")])
    told: list[str] = []

    assert archive.count_older(NOON - 30 * DAY) == 120
    assert archive.cleanup(NOON - 30 * DAY, told.extend) == 120

    assert sorted(told) == sorted(f"old{n}" for n in range(120))
    assert ids(archive) == ["new", "edge"]
    assert archive.cleanup(NOON - 30 * DAY) == 0
    assert archive.count_older(NOON - 30 * DAY) == 0


def test_statistics_count_sessions_and_activity(archive: Archive) -> None:
    now = NOON + 30 * 60_000
    talk(archive, "s1", [("One", "1"), ("Two", "2")], at=NOON)
    talk(archive, "s2", [("One", "1")], at=NOON + 60_000)
    talk(archive, "s1", [("Yesterday", "1")] * 4, at=NOON - 23 * HOUR)
    talk(archive, "s3", [("Long ago", "1")], at=NOON - 29 * DAY)
    talk(archive, "s4", [("Longer ago", "1")], at=NOON - 300 * DAY)

    figures = archive.stats(now)

    assert (figures.total_sessions, figures.total_messages, figures.recent_sessions) == (4, 18, 2)
    hours = {(hour.start, hour.sessions, hour.messages) for hour in figures.by_hour if hour.messages}
    assert hours == {(NOON, 2, 6), (NOON - 23 * HOUR, 1, 8)}
    assert [hour.start for hour in figures.by_hour] == [NOON - n * HOUR for n in range(23, -1, -1)]
    midnight = NOON - 12 * HOUR
    days = {(day.start, day.sessions, day.messages) for day in figures.by_day if day.messages}
    assert days == {(midnight, 2, 6), (midnight - DAY, 1, 8), (midnight - 29 * DAY, 1, 2)}
    assert len(figures.by_day) == 30


def test_an_empty_archive_has_figures_too(archive: Archive) -> None:
    figures = archive.stats(NOON)

    assert (figures.total_sessions, figures.total_messages, figures.recent_sessions) == (0, 0, 0)
    assert len(figures.by_hour) == 24


def test_a_session_can_be_renamed(archive: Archive) -> None:
    talk(archive, "s1", [("Pineapple", "sweet")])

    assert archive.rename("s1", "  Fruit \n salad ")

    assert archive.session("s1").chat_name == "Fruit salad"  # type: ignore[union-attr]
    assert ids(archive, q="salad") == ["s1"]
    assert not archive.rename("unknown", "name")
    for wrong in ("", "  ", "x" * 81):
        with pytest.raises(ValueError, match="1 to 80 characters"):
            archive.rename("s1", wrong)


def test_tags_sort_conversations(archive: Archive) -> None:
    talk(archive, "s1", [("One", "1")], owner="alice")
    talk(archive, "s2", [("Two", "2")], owner="alice", at=NOON + HOUR)
    talk(archive, "s3", [("Three", "3")], owner="bob")
    archive.set_tags("s1", ["Work", " travel  plans "])
    archive.set_tags("s2", ["work"])
    archive.set_tags("s3", ["private"])

    assert archive.tags() == [("work", 2), ("private", 1), ("travel plans", 1)]
    assert archive.tags("alice") == [("work", 2), ("travel plans", 1)]
    assert ids(archive, tag="work") == ["s2", "s1"]
    assert archive.names(tag="work", owner="alice", q="one")[1] == 1
    assert archive.session("s1").tags == ("travel plans", "work")  # type: ignore[union-attr]
    archive.set_tags("s1", [])
    assert archive.tags() == [("private", 1), ("work", 1)]
    assert not archive.set_tags("unknown", ["x"])


@pytest.mark.parametrize("wrong", [[""], ["x" * 33], [str(n) for n in range(21)]])
def test_tags_out_of_bounds_are_refused(archive: Archive, wrong: list[str]) -> None:
    talk(archive, "s1", [("One", "1")])

    with pytest.raises(ValueError, match="tag"):
        archive.set_tags("s1", wrong)
    with pytest.raises(ValueError, match="tag"):
        archive.record("s2", "", turn("t"), tags=wrong)
    assert not archive.exists("s2")


def test_what_is_exported_is_imported_unchanged(archive: Archive) -> None:
    for n in range(20):
        archive.record("s1", "alice", turn(f"t{n}", f"Q{n} kiwi", f"A{n}", at=NOON + n // 3, took=n % 2))
    archive.rename("s1", "Renamed")
    archive.set_tags("s1", ["b", "a"])
    exported = archive.export("s1")
    assert exported is not None
    archive.delete("s1")

    archive.import_session(exported, "bob")

    again = archive.export("s1")
    assert again == replace(exported, session=replace(exported.session, owner="bob"))
    assert archive.owner("s1") == "bob"
    assert ids(archive, q="kiwi") == ids(archive, q="renamed") == ["s1"]
    assert archive.window("s1", 20) == list(exported.turns)
    assert archive.export("unknown") is None


def test_an_import_does_not_touch_a_session_that_is_there(archive: Archive) -> None:
    talk(archive, "s1", [("One", "1")], owner="alice")
    exported = archive.export("s1")
    assert exported is not None
    stranger = ArchivedChat(replace(exported.session, chat_name="Mine now"), ())

    with pytest.raises(SessionExists) as refused:
        archive.import_session(stranger, "mallory")

    assert refused.value.session_id == "s1"
    assert archive.export("s1") == exported


def test_an_empty_conversation_can_be_imported(archive: Archive) -> None:
    talk(archive, "s1", [("One", "1")])
    archive.clear("s1")
    exported = archive.export("s1")
    assert exported is not None
    archive.delete("s1")

    archive.import_session(exported, "")

    assert archive.export("s1") == exported


def test_all_of_an_owner_is_erased(archive: Archive) -> None:
    for n in range(110):
        talk(archive, f"a{n}", [("Pineapple", "sweet")], owner="alice")
    talk(archive, "b", [("Pineapple", "sweet")], owner="bob")

    assert archive.erase_owner("alice") == 110

    assert archive.sessions_of("alice") == []
    assert ids(archive, q="pineapple") == ["b"]
    assert archive.erase_owner("alice") == 0
    with pytest.raises(ValueError, match="nobody"):
        archive.erase_owner("")


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_done_the_archive_is_as_a_dictionary_would_be(archive: Archive, seed: int) -> None:
    luck = random.Random(seed)
    words = ["kiwi", "plum", "fig", "pear"]
    known: dict[str, dict[str, tuple[str, str]]] = {}
    names: dict[str, str] = {}

    for step in range(100):
        chat = f"s{luck.randrange(6)}"
        here = known.get(chat, {})
        match luck.randrange(10):
            case 0:
                assert archive.delete(chat) == (chat in known)
                known.pop(chat, None)
                names.pop(chat, None)
            case 1:
                assert archive.clear(chat) == 2 * len(here)
                here.clear()
            case 2:
                name = f"{luck.choice(words)} {step}"
                assert archive.rename(chat, name) == (chat in known)
                if chat in known:
                    names[chat] = name
            case 3 if here:
                exported = archive.export(chat)
                assert exported is not None
                archive.delete(chat)
                archive.import_session(exported, "")
            case _:
                turn_id, said = f"t{luck.randrange(8)}", (luck.choice(words), luck.choice(words))
                archive.record(chat, "", turn(turn_id, *said, at=NOON + luck.randrange(50)))
                names.setdefault(chat, said[0])
                known.setdefault(chat, {})[turn_id] = said

        row = archive.session(chat)
        assert (row is not None) == (chat in known)
        assert row is None or (row.message_count, row.chat_name) == (2 * len(known[chat]), names[chat])
    for chat, turns in known.items():
        assert {kept.id: (kept.message, kept.response) for kept in archive.window(chat, 100)} == turns
    assert sorted(ids(archive)) == sorted(known)
    for word in words:
        said_in = {chat for chat, turns in known.items() if any(word in pair for pair in turns.values())}
        said_in |= {chat for chat, name in names.items() if word in name}
        assert set(ids(archive, q=word)) == said_in


def test_an_import_out_of_bounds_is_refused(archive: Archive) -> None:
    talk(archive, "s1", [("One", "1")])
    exported = archive.export("s1")
    assert exported is not None

    for wrong in ({"chat_name": ""}, {"chat_name": "x" * 81}, {"tags": ("x" * 33,)}):
        stranger = ArchivedChat(replace(exported.session, session_id="s2", **wrong), exported.turns)
        with pytest.raises(ValueError, match="characters"):
            archive.import_session(stranger, "")
    assert ids(archive) == ["s1"]


def test_threads_that_record_at_once_lose_and_double_nothing(archive: Archive) -> None:
    start = threading.Barrier(8)

    def record(worker: int) -> None:
        start.wait()
        for n in range(12):
            archive.record("shared", "alice", turn(f"{worker}-{n}", "Q", "A", at=NOON + n))
            # Everybody also repeats the same turn.
            archive.record("shared", "alice", turn(f"same-{n}", "Q", "A", at=NOON + n))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(record, range(8)))

    row = archive.session("shared")
    assert row is not None
    assert row.message_count == len(archive.history("shared")) == 2 * (8 * 12 + 12)
    assert len({entry.timestamp for entry in archive.history("shared")}) == row.message_count
    assert archive.stats(NOON).total_messages == row.message_count


def test_recording_goes_on_while_old_sessions_are_deleted(archive: Archive) -> None:
    for n in range(120):
        talk(archive, f"old{n}", [("Old", "ok")], at=NOON - 40 * DAY)
    over = threading.Event()

    def record() -> int:
        count = 0
        while not over.is_set() or count < 20:
            archive.record("live", "", turn(f"t{count}", at=NOON + count))
            count += 1
        return count

    with ThreadPoolExecutor(1) as pool:
        recorded = pool.submit(record)
        try:
            assert archive.cleanup(NOON - 30 * DAY) == 120
        finally:
            over.set()
        count = recorded.result()
    assert archive.session("live").message_count == 2 * count  # type: ignore[union-attr]
