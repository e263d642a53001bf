"""The journal: what was acknowledged is on the disk, survives the process, and leaves it when its time is over."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory import Key, SessionEngine, SessionPolicy, Turn, open_failover_store, open_store
from memory.leases import LeaseKeeper
from memory.session import EndedSession, Session
from memory.stores.documents import ABSENT, Change
from memory.stores.failover import FailoverStore
from memory.stores.journal import Journal, JournalFailed
from memory.stores.record import Record, decode, encode, remember
from memory.stores.seal import Sealed, Unreadable, seal_of
from memory.stores.unsynced import Mark
from tests.memory.harness import HOUR_MS, NOON, ON_DISK, turn_of
from tests.processes import free_port, wait_until
from tests.servers import RedisServer

KEY = Key("test", "ada-lovelace")
SESSION = Session(KEY, NOON, NOON, 1)
POLICY = SessionPolicy(duration=3_600, inactivity=1_800, max_turns=50, shown_turns=20, keep_turns=20)

_numbers = iter(range(1, 1 << 30))


def record(text: str = "hello", key: Key = KEY, *, synced: bool = True, until: int = NOON + HOUR_MS) -> Record:
    """A turn of a session that remembers its text, too: rows are packed, attributes are not."""
    number = next(_numbers)
    session = Session(key, NOON, NOON, number, attributes={"note": text})
    return Record(key, Mark("x", number), synced, until, session, turn=turn_of(session, f"t{number}", text))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def open_journal(folder: Path) -> Iterator[Callable[..., Journal]]:
    """Opens journals in one folder, as processes do."""
    with ExitStack() as stack:

        def make(name: str, key: str = "", **options: Any) -> Journal:
            journal = Journal(folder, seal_of(key), name=name, **options)
            stack.callback(journal.abandon)
            journal.open()
            return journal

        yield make


def texts(journal: Journal, key: Key = KEY) -> list[str]:
    return [each.turn.message for each in journal.records(key) if each.turn]


def fill(journal: Journal) -> None:
    for _ in range(1_000):
        journal.append(record("x" * 10_000))


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


# --- writing --------------------------------------------------------------------------------------------------------


def test_what_was_appended_is_there(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal("a")
    written = [record("one"), record("two"), record("other", Key("test", "bob"))]
    for each in written:
        journal.append(each)

    assert journal.records(KEY) == written[:2]
    assert journal.rows == 3
    assert journal.size > 0


def test_those_who_wait_at_the_same_time_share_a_write(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal("a")
    writes: list[str] = []

    def work() -> None:
        for number in range(50):
            journal.append(record(str(number)))

    assert journal._connection is not None
    journal._connection.set_trace_callback(writes.append)
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(texts(journal)) == 400
    assert writes.count("COMMIT") < 400


def test_folder_and_files_are_for_their_owner_only(folder: Path, open_journal: Callable[..., Journal]) -> None:
    folder.mkdir(mode=0o755)
    open_journal("a").append(record())

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_full_journal_says_so_and_works_again_when_there_is_room(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal("a", max_bytes=64 * 4_096)
    with pytest.raises(JournalFailed):
        fill(journal)
    written = len(texts(journal))
    assert journal.failed
    assert journal.rows == written

    journal.forget(KEY, wait=True)
    journal.append(record("y"))

    assert not journal.failed
    assert texts(journal) == ["y"]


def test_what_nobody_waits_for_is_tried_again(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal("a")
    journal.append(record("one", synced=False))
    marks = [each.mark for each in journal.records(KEY)]
    failing = iter([True, False])

    def fails_once(connection: sqlite3.Connection) -> None:
        if next(failing):
            raise sqlite3.OperationalError("disk I/O error")

    journal.synced(KEY, marks)
    with pytest.raises(JournalFailed):
        journal.write(fails_once)
    assert journal.unsynced()
    journal.flush()

    assert not journal.unsynced()


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(JournalFailed, match="can't be written"):
        Journal(tmp_path / "file", seal_of(""), name="a").open()


# --- forgetting -----------------------------------------------------------------------------------------------------


def test_what_is_erased_is_not_in_the_file_any_more(folder: Path, open_journal: Callable[..., Journal]) -> None:
    journal = open_journal("a")
    for number in range(200):
        journal.append(record(f"a long secret number {number}" * 20))
    journal.append(record("something else", Key("test", "bob")))
    assert b"long secret" in on_disk(folder)

    journal.forget(KEY, wait=True)
    journal.tidy()

    assert b"long secret" not in on_disk(folder)
    assert b"ada-lovelace" not in on_disk(folder)
    assert texts(journal, Key("test", "bob")) == ["something else"]


def test_turns_that_are_kept_no_more_go_one_by_one(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal("a")
    written = [record(str(number)) for number in range(5)]
    for each in written:
        journal.append(each)

    journal.forget_turns(KEY, [each.turn.id for each in written[:3] if each.turn])
    journal.undo(KEY, written[4].mark)
    journal.flush()

    assert texts(journal) == ["3"]


def test_what_is_over_is_named_once_redis_knows_it(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal("a")
    bob, eve = Key("test", "bob"), Key("test", "eve")
    journal.append(record("early", until=NOON))
    journal.append(record("late", until=NOON + HOUR_MS))
    journal.append(record("over", bob, until=NOON))
    journal.append(record("not told", eve, until=NOON, synced=False))

    assert journal.over(NOON + 1, 10) == [bob]
    journal.postpone(bob, NOON + HOUR_MS)
    journal.flush()
    assert journal.over(NOON + 1, 10) == []
    assert set(journal.over(NOON + HOUR_MS, 10)) == {KEY, bob}


def test_a_journal_without_rows_leaves_no_file(folder: Path, open_journal: Callable[..., Journal]) -> None:
    journal = open_journal("a")
    journal.append(record())
    journal.forget(KEY)
    journal.close()

    assert list(folder.iterdir()) == []


# --- adoption -------------------------------------------------------------------------------------------------------


def test_a_start_takes_over_what_processes_left_that_are_gone(
    folder: Path, open_journal: Callable[..., Journal]
) -> None:
    gone, running = open_journal("a"), open_journal("b")
    gone.append(record("one"))
    gone.remember("dataset", b"words")
    gone.flush()
    running.append(record("two"))
    gone.abandon()

    journal = open_journal("c")
    adopted = journal.adopt()

    assert (adopted.files, adopted.rows, adopted.unreadable) == (1, 1, 0)
    assert adopted.about[0]["dataset"] == b"words"
    assert texts(journal) == ["one"]
    assert {path.suffix for path in folder.glob("*-a*")} == set()
    assert texts(running) == ["two"]


def test_no_two_starts_take_over_the_same(folder: Path, open_journal: Callable[..., Journal]) -> None:
    for name in "abcdefgh":
        journal = open_journal(name)
        journal.append(record(name))
        journal.abandon()
    starters = [open_journal(f"start{number}") for number in range(4)]
    threads = [threading.Thread(target=each.adopt) for each in starters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = [text for each in starters for text in texts(each)]
    assert sorted(found) == list("abcdefgh")


def test_a_journal_of_another_key_is_left_as_it_is_and_taken_over_with_its_own(
    open_journal: Callable[..., Journal], caplog: pytest.LogCaptureFixture
) -> None:
    gone = open_journal("a", "the first key")
    gone.append(record("one"))
    gone.abandon()

    wrong = open_journal("b", "another key")
    assert wrong.adopt().unreadable == 1
    assert "another JOURNAL_KEY" in caplog.text
    none = open_journal("c")
    assert none.adopt().unreadable == 1

    right = open_journal("d", "the first key")
    assert right.adopt().files == 1
    assert texts(right) == ["one"]


def test_a_journal_without_a_key_is_taken_over_and_sealed(folder: Path, open_journal: Callable[..., Journal]) -> None:
    gone = open_journal("a")
    gone.append(record("my secret"))
    gone.abandon()

    journal = open_journal("b", "a key")
    assert journal.adopt().files == 1
    journal.tidy()

    assert texts(journal) == ["my secret"]
    assert b"my secret" not in on_disk(folder)


def test_a_file_that_is_no_journal_is_left_as_it_is(
    folder: Path, open_journal: Callable[..., Journal], caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_journal("a")
    broken = folder / "journal-1-broken.db"
    broken.write_bytes(b"no database" * 1_000)

    assert journal.adopt().unreadable == 1
    assert "journal-1-broken.db can't be read" in caplog.text
    assert broken.exists()


# --- at rest --------------------------------------------------------------------------------------------------------


def test_with_a_key_nothing_on_the_disk_can_be_read(folder: Path, open_journal: Callable[..., Journal]) -> None:
    journal = open_journal("a", "a key")
    journal.append(record("my secret"))

    assert texts(journal) == ["my secret"]
    assert b"secret" not in on_disk(folder)
    assert b"ada-lovelace" not in on_disk(folder)


def test_a_row_can_not_be_moved_to_another_subject() -> None:
    seal = Sealed("a key")
    sealed = seal.close(b"text", seal.place(b"ada"))

    assert seal.open(sealed, seal.place(b"ada")) == b"text"
    with pytest.raises(Unreadable):
        seal.open(sealed, seal.place(b"bob"))
    with pytest.raises(Unreadable):
        Sealed("another key").open(sealed, seal.place(b"ada"))


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    turn=st.booleans(),
    ended=st.booleans(),
    live=st.booleans(),
    attributes=st.dictionaries(st.text(max_size=5), json, max_size=3),
    changes=st.dictionaries(
        st.lists(st.text(max_size=5), min_size=1, max_size=2).map(tuple),
        st.builds(Change, st.integers(0, NOON), st.just(ABSENT) | json, st.just(ABSENT) | json),
        max_size=3,
    ),
    in_redis=st.none() | st.integers(0, NOON),
)
def test_a_record_reads_as_it_was_written(
    turn: bool, ended: bool, live: bool, attributes: Any, changes: Any, in_redis: int | None
) -> None:
    session = Session(KEY, NOON, NOON + 5, 3, "owner", attributes, 7)
    written = Record(
        KEY,
        Mark("instance", 12),
        synced=False,
        until=NOON,
        session=session if live else None,
        in_redis=in_redis,
        agreed=5,
        deadline=6,
        history_until=7,
        keep_turns=8,
        max_bytes=9,
        turn=turn_of(session, "id", "text") if turn else None,
        replayable=turn,
        ended=EndedSession(KEY.subject, NOON, NOON + 1, 3, "duration", "what is left", "owner") if ended else None,
        erased=10,
        changes=changes,
        minute=11,
        deltas={"test.turns": 1},
    )

    assert decode(encode(written), written.mark, synced=False) == written


# --- with the store -------------------------------------------------------------------------------------------------


class Process:
    """A server process, as far as its store is concerned."""

    def __init__(self, url: str, folder: Path, stack: ExitStack, key: str = "", policy: SessionPolicy = POLICY) -> None:
        store = open_failover_store(url, durability_of=ON_DISK, journal_dir=folder, journal_key=key)
        assert isinstance(store, FailoverStore)
        self.store = store
        keeper = LeaseKeeper(store)
        self.engine = SessionEngine(store, policy, namespace="test", leases=keeper, turn_wait=1.0)
        stack.callback(store.close_store)
        stack.callback(keeper.close)

    def say(self, message: str, user: str = "ada", **changes: Any) -> Turn:
        turn = self.engine.begin_turn(user, message)
        edit = [lambda document: document.update(changes)] if changes else ()
        return self.engine.finish_turn(turn, message.upper(), changes=edit).turn

    def texts(self, user: str = "ada") -> list[str]:
        return [turn.message for turn in self.engine.history(user, 1_000)]

    @property
    def journal(self) -> Journal:
        assert self.store._journal is not None
        return self.store._journal

    def recovered(self) -> None:
        self.store.now()
        wait_until(lambda: self.store.status().state == "closed", "the recovery", 5)


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Process]]:
    with ExitStack() as stack:
        yield lambda url, **options: Process(url, folder, stack, **options)


def observed(url: str, user: str = "ada", policy: SessionPolicy = POLICY) -> list[str]:
    store = open_store(url)
    try:
        return [turn.message for turn in SessionEngine(store, policy, namespace="test").history(user, 100_000)]
    finally:
        store.close_store()


@pytest.mark.parametrize("key", ["", "a key"], ids=["plain", "encrypted"])
def test_a_process_that_was_killed_in_an_outage_goes_on_where_it_was(
    own_redis: RedisServer, start: Callable[..., Process], key: str
) -> None:
    killed = start(own_redis.url(), key=key)
    killed.say("one", colour="red")
    own_redis.kill()
    killed.say("two", size=2)
    killed.store.vanish()

    restarted = start(own_redis.url(), key=key)
    restarted.say("three")
    assert restarted.texts() == ["one", "two", "three"]
    own_redis.restart(keep_data=False)
    restarted.recovered()

    assert observed(own_redis.url()) == ["one", "two", "three"]
    view = restarted.engine.session("ada")
    assert view
    assert view.session.attributes == {"colour": "red", "size": 2}
    assert view.session.turns == 3


def test_a_process_that_was_killed_gives_redis_back_what_it_had_acknowledged(
    own_redis: RedisServer, start: Callable[..., Process]
) -> None:
    killed = start(own_redis.url())
    for number in range(3):
        killed.say(str(number))
    killed.store.vanish()
    own_redis.restart(keep_data=False)

    start(own_redis.url()).recovered()

    assert observed(own_redis.url()) == ["0", "1", "2"]


def test_what_was_told_already_is_not_told_twice_after_a_restart(
    own_redis: RedisServer, start: Callable[..., Process]
) -> None:
    killed = start(own_redis.url())
    killed.say("one")
    own_redis.kill()
    killed.say("two")
    own_redis.restart()
    killed.recovered()
    killed.store.vanish()  # perhaps before the disk knows that Redis was told

    restarted = start(own_redis.url())
    restarted.recovered()
    restarted.say("three")

    assert observed(own_redis.url()) == ["one", "two", "three"]


def test_a_session_that_ended_while_its_process_was_gone_stays_ended(
    own_redis: RedisServer, start: Callable[..., Process]
) -> None:
    killed = start(own_redis.url())
    killed.say("one")
    killed.store.vanish()
    other = open_store(own_redis.url())
    assert SessionEngine(other, POLICY, namespace="test").end("ada")
    other.close_store()

    restarted = start(own_redis.url())
    restarted.recovered()

    assert restarted.texts() == []
    assert observed(own_redis.url()) == []


def test_an_end_in_an_outage_outlasts_the_process(own_redis: RedisServer, start: Callable[..., Process]) -> None:
    killed = start(own_redis.url())
    killed.say("one")
    own_redis.kill()
    assert killed.engine.end("ada")
    killed.store.vanish()
    own_redis.restart()

    restarted = start(own_redis.url())
    restarted.recovered()

    assert observed(own_redis.url()) == []
    assert [record.reason for record in restarted.engine.list("ada")[1]] == ["manual"]


def test_an_erasure_in_an_outage_outlasts_the_process(
    own_redis: RedisServer, start: Callable[..., Process], folder: Path
) -> None:
    killed = start(own_redis.url())
    killed.say("my secret")
    own_redis.kill()
    assert killed.engine.forget("ada")
    killed.store.vanish()
    assert b"secret" not in on_disk(folder)
    own_redis.restart()

    start(own_redis.url()).recovered()

    assert observed(own_redis.url()) == []


def test_the_journal_forgets_a_session_when_it_is_over(own_redis: RedisServer, start: Callable[..., Process]) -> None:
    process = start(own_redis.url())
    for number in range(30):
        process.say(str(number))
    process.say("hello", user="bob")
    assert [each.turn.message for each in process.journal.records(Key("test", "ada")) if each.turn] == [
        str(number) for number in range(10, 30)
    ], "only what is kept"

    process.engine.end("ada")
    process.journal.flush()

    assert [each.turn for each in process.journal.records(Key("test", "ada"))] == [None], "that it ended"
    assert process.journal.rows == 2


def test_nothing_is_pruned_that_lives_on_in_redis_by_another_instances_doing(
    own_redis: RedisServer, start: Callable[..., Process], folder: Path
) -> None:
    process = start(own_redis.url())
    process.say("one")
    process.say("hello", user="bob")
    process.engine.end("bob")
    far = process.store.now() + 30 * 24 * HOUR_MS
    assert set(process.journal.over(far, 10)) == {Key("test", "ada"), Key("test", "bob")}
    process.store._clock.assume(30 * 24 * HOUR_MS)

    process.store._watch._prune(process.journal)

    assert process.journal.rows == 1
    assert process.journal.records(Key("test", "ada"))


def test_a_journal_that_fails_while_redis_serves_costs_nobody_anything(
    own_redis: RedisServer, start: Callable[..., Process], caplog: pytest.LogCaptureFixture
) -> None:
    process = start(own_redis.url())
    process.say("one")
    caplog.set_level(logging.INFO, "memory")
    process.journal._connection.execute("PRAGMA query_only = ON")  # type: ignore[union-attr]

    process.say("two")
    process.say("three")
    assert process.store.status().detail["journalError"]
    process.journal._connection.execute("PRAGMA query_only = OFF")  # type: ignore[union-attr]
    process.say("four")

    assert not process.store.status().detail["journalError"]
    assert caplog.text.count("the journal can't be written") == 1
    assert caplog.text.count("the journal can be written again") == 1
    assert observed(own_redis.url()) == ["one", "two", "three", "four"]


steps = st.lists(
    st.one_of(
        st.just(("say",)),
        st.tuples(st.just("set"), st.sampled_from(["colour", "size"]), st.integers(0, 3)),
        st.tuples(st.just("update"), st.sampled_from(["colour", "size"]), st.integers(0, 3)),
        st.just(("end",)),
        st.just(("erase",)),
        st.just(("abandon",)),
    ),
    max_size=15,
)


def _set(name: str, value: int, document: dict[str, Any]) -> None:
    document[name] = value


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_the_journal_remembers_exactly_what_the_memory_knows(
    start: Callable[..., Process], done: list[tuple[Any, ...]]
) -> None:
    process = start(f"redis://127.0.0.1:{free_port()}")
    for number, (what, *more) in enumerate(done):
        if what == "say":
            process.say(str(number))
        elif what == "set":
            process.say(str(number), **{more[0]: more[1]})
        elif what == "update":
            process.engine.update("ada", partial(_set, *more), create=True)
        elif what == "end":
            process.engine.end("ada")
        elif what == "erase":
            process.engine.forget("ada")
        else:
            process.engine.abandon_turn(process.engine.begin_turn("ada", "never mind"), failed=True)
    process.journal.flush()
    key = Key("test", "ada")
    known, _, _ = process.store._shadow.export(key)
    remembered = remember(process.journal.records(key))

    sessions = [ours.content.session and replace(ours.content.session, stored_bytes=0) for ours in (remembered, known)]
    assert sessions[0] == sessions[1]
    assert remembered.content.turns == known.content.turns
    assert remembered.content.ended == known.content.ended
    assert remembered.unsynced.turns.keys() >= known.unsynced.turns.keys()
    assert remembered.unsynced.ends.keys() == known.unsynced.ends.keys()
    assert {p: c.value for p, c in remembered.unsynced.changes.items()} == {
        p: c.value for p, c in known.unsynced.changes.items()
    }
    assert remembered.unsynced.erased == known.unsynced.erased
    process.store.vanish()


TALKER = """
import sys
from pathlib import Path
from memory import SessionEngine, SessionPolicy, open_failover_store
store = open_failover_store(sys.argv[1], durability_of={"test": "disk"}, journal_dir=Path(sys.argv[2]))
engine = SessionEngine(store, SessionPolicy(inactivity=3600, keep_turns=10000, max_bytes=10**8), namespace="test")
for number in range(10**6):
    engine.finish_turn(engine.begin_turn("ada", str(number)), "done")
    print(number, flush=True)
"""


@pytest.mark.parametrize("redis_is_there", [True, False], ids=["with Redis", "without"])
def test_kill_9_loses_nothing_that_was_acknowledged(
    own_redis: RedisServer, start: Callable[..., Process], folder: Path, redis_is_there: bool
) -> None:
    url = own_redis.url()
    if not redis_is_there:
        own_redis.kill()
    talker = subprocess.Popen(
        [sys.executable, "-c", TALKER, url, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert talker.stdout is not None
    acknowledged = [talker.stdout.readline().strip() for _ in range(50)]
    talker.send_signal(signal.SIGKILL)
    acknowledged += talker.stdout.read().split()
    talker.wait()
    talker.stdout.close()

    own_redis.restart(keep_data=False)
    start(url).recovered()

    found = observed(url, policy=SessionPolicy(inactivity=3_600))
    assert found[: len(acknowledged)] == acknowledged
    assert len(found) <= len(acknowledged) + 1


def test_who_waited_too_long_for_their_turn_is_safe_once_another_wrote_for_them(
    open_journal: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.stores.journal.PATIENCE", 0.3)
    journal, failures = open_journal("one"), list[BaseException]()

    def append() -> None:
        try:
            journal.append(record("written by another"))
        except JournalFailed as error:
            failures.append(error)

    with journal._writing:  # somebody else is writing, and never lets go
        waiting = threading.Thread(target=append)
        waiting.start()
        wait_until(lambda: bool(journal._queue), "it to wait", 5)
        journal._flush()
        waiting.join(5)
        assert not waiting.is_alive()
        assert not failures
        assert len(journal.records(KEY)) == 1

        journal.later(lambda _: None)
        append()

    assert "did not answer" in str(failures)
