"""What SQLite in particular is made to do: WAL, indexes that are used, and text that is gone when it is deleted."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from memory.archive import Archive, ArchiveUnavailable
from tests.memory.archive.talk import DAY, NOON, ids, talk, turn

SECRETS = (b"marzipan", b"zebrafish", b"quetzal", b"xylophon")


@pytest.fixture
def chats(sqlite_url: str) -> Iterator[Archive]:
    with closing(Archive(sqlite_url)) as archive:
        archive.migrate()
        yield archive


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "chats.db"


def test_the_file_is_in_wal_mode_and_commits_reach_the_disk(chats: Archive, file: Path) -> None:
    talk(chats, "s1", [("Hello", "Hi")])

    with closing(sqlite3.connect(file)) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with chats._db.reading() as connection:
        for pragma, value in [("synchronous", 2), ("secure_delete", 1), ("foreign_keys", 1), ("busy_timeout", 2000)]:
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value, pragma


def test_the_tables_are_those_of_the_seed(chats: Archive, file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        columns = {
            table: {row[1]: row[5] for row in other.execute(f"PRAGMA table_info({table})")}
            for table in ("chat_sessions", "chat_messages")
        }

    assert columns["chat_sessions"]["session_id"] == 1  # the primary key
    assert {"chat_name", "created_at", "last_activity", "message_count"} <= columns["chat_sessions"].keys()
    assert columns["chat_messages"]["id"] == 1
    assert {"session_id", "sender", "content", "timestamp"} <= columns["chat_messages"].keys()


QUERIES: dict[str, Callable[[Archive], object]] = {
    "record": lambda archive: archive.record("s5", "u1", turn("new", at=NOON + 9)),
    "record again": lambda archive: archive.record("s5", "u1", turn("s5-0")),
    "record a first turn": lambda archive: archive.record("new", "u1", turn("new")),
    "window": lambda archive: archive.window("s5", 10),
    "find_turn": lambda archive: archive.find_turn("s5", "s5-0"),
    "history": lambda archive: archive.history("s5", limit=10, before=NOON * 2),
    "owner": lambda archive: archive.owner("s5"),
    "session": lambda archive: archive.session("s5"),
    "names": lambda archive: archive.names(limit=10, offset=5),
    "names of an owner": lambda archive: archive.names(owner="u1", limit=10),
    "names by tag": lambda archive: archive.names(tag="even", limit=10),
    "names by words": lambda archive: archive.names(q="about topic5", limit=10),
    "names of an owner by words": lambda archive: archive.names(owner="u1", q="top", limit=10),
    "sessions_of": lambda archive: archive.sessions_of("u1"),
    "export": lambda archive: archive.export("s5"),
    "rename": lambda archive: archive.rename("s5", "Other"),
    "set_tags": lambda archive: archive.set_tags("s5", ["odd"]),
    "clear": lambda archive: archive.clear("s5"),
    "delete": lambda archive: archive.delete("s5"),
    "remove_turn": lambda archive: archive.remove_turn("s5", "s5-0"),
    "count_older": lambda archive: archive.count_older(NOON - 30 * DAY),
    "cleanup": lambda archive: archive.cleanup(NOON - 55 * DAY),
    "erase_owner": lambda archive: archive.erase_owner("u1"),
}


@pytest.fixture(scope="module")
def sixty_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a conversation a day, and statistics for the query planner. Not to be changed."""
    file = tmp_path_factory.mktemp("archive") / "sixty.db"
    with closing(Archive(f"sqlite:///{file}")) as chats:
        chats.migrate()
        for n in range(60):
            talk(chats, f"s{n}", [(f"A question about topic{n}", "An answer")], owner=f"u{n % 3}", at=NOON - n * DAY)
            chats.set_tags(f"s{n}", ["even" if n % 2 == 0 else "odd"])
    with closing(sqlite3.connect(file)) as other:
        other.execute("ANALYZE")
    return file


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_queries_use_indexes(sixty_days: Path, file: Path, sqlite_url: str, query: Callable[[Archive], object]) -> None:
    shutil.copy(sixty_days, file)
    with closing(Archive(sqlite_url)) as chats:
        scans = [(step, statement) for statement, step in _plans(file, _said_by(chats, query)) if _is_full_scan(step)]

    assert scans == []


def test_a_query_without_an_index_would_be_noticed(sixty_days: Path) -> None:
    unindexed = "SELECT * FROM chat_messages WHERE content = 'x'"

    assert [_is_full_scan(step) for _, step in _plans(sixty_days, [(unindexed, ())])] == [True]


def _said_by(chats: Archive, query: Callable[[Archive], object]) -> list[tuple[str, Any]]:
    """The statements that a call executes, each with the parameters of its first execution."""
    said: list[tuple[str, Any]] = []
    event.listen(
        chats._db._here().engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, parameters, *_: said.append((statement, _first(parameters))),
    )

    query(chats)
    assert said
    return said


def _plans(file: Path, said: list[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """(statement, step of its plan), for each statement that reads or writes a table."""
    with closing(sqlite3.connect(file)) as other:
        for statement, parameters in said:
            if re.match(r"SELECT|UPDATE|DELETE|INSERT", statement):
                for row in other.execute(f"EXPLAIN QUERY PLAN {statement}", parameters):
                    yield statement, row[3]


def _first(parameters: Any) -> Any:
    """The parameters of the first execution, where a statement is executed many times."""
    return parameters[0] if parameters and isinstance(parameters[0], tuple) else parameters


def _is_full_scan(step: str) -> bool:
    """Whether a step walks a table of ours; an index in its own order is no such walk, nor is what a search found."""
    fine = r"USING (COVERING )?INDEX|VIRTUAL TABLE|SCAN (hits|\(subquery-)|CONSTANT ROW"
    return step.startswith("SCAN") and not re.search(fine, step)


def remains(file: Path) -> dict[str, list[bytes]]:
    """Which secret words can still be read in the files of the database."""
    return {
        path.name: [word for word in SECRETS if word in path.read_bytes().lower()]
        for path in file.parent.glob(f"{file.name}*")
    }


def _tell_secrets(archive: Archive) -> None:
    for n in range(40):
        talk(archive, f"other{n}", [(f"Something else {n}", "Fine " * n)], owner="bob", at=NOON + n)
    long = "The Zebrafish swims. " * 500
    talk(archive, "s1", [("My marzipan recipe", long), ("And the quetzal?", "In the xylophone")], owner="alice")


REMOVALS: dict[str, Callable[[Archive], object]] = {
    "delete": lambda archive: archive.delete("s1"),
    "cleanup": lambda archive: archive.cleanup(NOON * 2),
    "erase_owner": lambda archive: archive.erase_owner("alice"),
    "clear": lambda archive: archive.rename("s1", "Nothing") and archive.clear("s1"),
    "taken back and tidied": lambda archive: (
        archive.remove_turn("s1", "s1-1") and archive.remove_turn("s1", "s1-0") and archive.cleanup(0)
    ),
}


@pytest.mark.parametrize("remove", REMOVALS.values(), ids=REMOVALS.keys())
def test_deleted_text_can_not_be_read_in_the_files(
    chats: Archive, file: Path, remove: Callable[[Archive], object]
) -> None:
    _tell_secrets(chats)
    assert any(remains(file).values())

    remove(chats)

    assert remains(file) == {path.name: [] for path in file.parent.glob(f"{file.name}*")}
    with closing(sqlite3.connect(file)) as other:
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        other.execute("INSERT INTO chat_search (chat_search) VALUES ('integrity-check')")
    if chats.exists("other1"):
        assert ids(chats, q="something") != []


def test_while_somebody_reads_erasure_is_refused_and_finished_later(chats: Archive, file: Path) -> None:
    _tell_secrets(chats)
    impatient = Archive(f"sqlite:///{file}", busy_timeout=0.1)
    with closing(impatient), closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM chat_messages").fetchone()
        with pytest.raises(ArchiveUnavailable, match="not overwritten yet"):
            impatient.erase_owner("alice")
        assert impatient.sessions_of("alice") == []
        reader.execute("COMMIT")

        assert any(remains(file).values())
        assert impatient.erase_owner("alice") == 0
        assert not any(remains(file).values())


def test_a_deletion_succeeds_while_somebody_reads_and_is_tidied_by_the_next_cleanup(chats: Archive, file: Path) -> None:
    _tell_secrets(chats)
    impatient = Archive(f"sqlite:///{file}", busy_timeout=0.1)
    with closing(impatient), closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM chat_messages").fetchone()
        assert impatient.delete("s1")
        reader.execute("COMMIT")
        assert any(remains(file).values())

    assert chats.cleanup(0) == 0

    assert not any(remains(file).values())


def test_in_a_large_archive_overwriting_is_put_off_and_tidied(
    chats: Archive, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tell_secrets(chats)
    monkeypatch.setattr("memory.archive.archive._OVERWRITE_SECONDS", 0)
    assert chats.delete("s1")
    assert any(remains(file).values())

    assert chats.tidy()

    assert not any(remains(file).values())
    assert chats.tidy()
