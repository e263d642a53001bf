"""A database that can't is an error that says so, before anything is acknowledged; afterwards all is as it was."""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event

from memory.archive import Archive, ArchiveUnavailable
from memory.errors import StoreUnavailable
from tests.memory.archive.talk import NOON, ids, talk, turn
from tests.servers_postgres import PostgresServer


@pytest.fixture
def chats(sqlite_url: str) -> Iterator[Archive]:
    """An SQLite archive that does not wait long, with one conversation."""
    with closing(Archive(sqlite_url, busy_timeout=0.2)) as archive:
        archive.migrate()
        talk(archive, "s1", [("Hello", "Hi")])
        yield archive


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program is writing to the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


WRITES: dict[str, Callable[[Archive], object]] = {
    "record": lambda archive: archive.record("s1", "", turn("t9")),
    "record a new session": lambda archive: archive.record("s9", "", turn("t9")),
    "remove_turn": lambda archive: archive.remove_turn("s1", "s1-0"),
    "rename": lambda archive: archive.rename("s1", "Other"),
    "set_tags": lambda archive: archive.set_tags("s1", ["x"]),
    "clear": lambda archive: archive.clear("s1"),
    "delete": lambda archive: archive.delete("s1"),
    "cleanup": lambda archive: archive.cleanup(NOON * 2),
    "erase_owner": lambda archive: archive.erase_owner("alice"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_locked_file_is_told_soon_and_nothing_is_written(
    chats: Archive, tmp_path: Path, write: Callable[[Archive], object]
) -> None:
    before = chats.export("s1")
    with locked(tmp_path / "chats.db"):
        started = time.monotonic()
        with pytest.raises(ArchiveUnavailable, match="locked by another program"):
            write(chats)
        assert time.monotonic() - started < 2
        # Readers are not held up by a writer.
        assert chats.export("s1") == before
        chats.ping()

    assert chats.export("s1") == before
    assert ids(chats) == ["s1"]
    chats.record("s1", "", turn("t9", at=NOON + 5_000))
    assert chats.names()[0][0].message_count == 4


def test_the_error_is_a_store_that_is_unavailable(chats: Archive, tmp_path: Path) -> None:
    with locked(tmp_path / "chats.db"), pytest.raises(StoreUnavailable) as refused:
        chats.record("s1", "", turn("t9"))

    assert refused.value.store == "archive"
    assert str(refused.value) == "The archive store is locked by another program; try again"


def test_what_was_said_is_not_in_the_error_or_the_log(
    chats: Archive, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with locked(tmp_path / "chats.db"), pytest.raises(ArchiveUnavailable) as refused:
        chats.record("s1", "", turn("t9", "my secret", "kept"))

    told = "".join(map(str, [refused.value, refused.value.__cause__, caplog.text]))
    assert "secret" not in told
    assert "kept" not in told


def test_a_writer_that_is_soon_done_is_waited_for(sqlite_url: str, tmp_path: Path) -> None:
    with closing(Archive(sqlite_url, busy_timeout=5)) as archive:
        archive.migrate()
        other = sqlite3.connect(tmp_path / "chats.db", isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            pending = pool.apply_async(_record_in_child, (sqlite_url,))
            time.sleep(0.3)  # the writer's work, not a wait for an expiry
            other.execute("COMMIT")
            pending.get(timeout=30)
        other.close()
        assert archive.exists("child")


def _record_in_child(url: str) -> None:
    with closing(Archive(url, busy_timeout=5)) as archive:
        archive.record("child", "", turn("t"))


def test_a_full_disk_is_told_and_room_made_later_is_used(tmp_path: Path, sqlite_url: str) -> None:
    with closing(Archive(sqlite_url)) as archive:
        archive.migrate()
        talk(archive, "s1", [("Hello", "Hi")])
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        told, kept = pool.apply(_fill, (sqlite_url, str(tmp_path)))

    assert told is not None
    assert "can't be read or written" in told or "is full" in told
    with closing(Archive(sqlite_url)) as archive:
        assert kept > 0
        assert [f"t{n}" for n in range(kept)] == [known.id for known in archive.window("big", 10_000)]
        assert archive.session("big").message_count == 2 * kept  # type: ignore[union-attr]
        archive.record("big", "", turn("after", at=NOON + 10**6))
        assert len(archive.window("big", 10_000)) == kept + 1


def _fill(url: str, folder: str) -> tuple[str | None, int]:
    """Record until no file may grow any more; returns what was told, and how many turns were acknowledged."""
    limit = max(path.stat().st_size for path in Path(folder).iterdir()) + 300_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    with closing(Archive(url)) as archive:
        for n in range(10_000):
            try:
                archive.record("big", "", turn(f"t{n}", "Q", f"{n} " * 2_000, at=NOON + n * 10))
            except ArchiveUnavailable as error:
                return str(error), n
    return None, 10_000


def test_a_file_that_may_not_grow_is_full(chats: Archive, sqlite_url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "chats.db")) as other:
        pages = other.execute("PRAGMA page_count").fetchone()[0]
    limited = _limited(sqlite_url, pages)

    with closing(limited), pytest.raises(ArchiveUnavailable, match="is full: make room"):
        limited.record("s2", "", turn("t1", "Q", "long " * 5_000))

    assert ids(chats) == ["s1"]


def _limited(url: str, pages: int) -> Archive:
    """An archive whose connections let the file have so many pages."""
    archive = Archive(url)
    engine = archive._db._here().engine
    event.listen(engine, "connect", lambda driver, _: driver.execute(f"PRAGMA max_page_count={pages}"))
    return archive


def test_without_its_tables_it_says_what_to_do(archive_url: str) -> None:
    with closing(Archive(archive_url)) as archive:
        with pytest.raises(ArchiveUnavailable, match=r"Archive\.migrate"):
            archive.ping()
        with pytest.raises(ArchiveUnavailable, match=r"Archive\.migrate"):
            archive.record("s1", "", turn("t"))


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database at all, but long enough to be looked at " * 20)
    with closing(Archive(f"sqlite:///{tmp_path / 'notes.txt'}")) as archive:
        with pytest.raises(ArchiveUnavailable, match="not an SQLite database"):
            archive.migrate()
        with pytest.raises(ArchiveUnavailable, match="not an SQLite database"):
            archive.ping()


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'gone' / 'chats.db'}")

    with closing(archive), pytest.raises(ArchiveUnavailable, match="can't be opened"):
        archive.migrate()


def test_a_file_that_was_taken_away_is_no_empty_archive(chats: Archive, tmp_path: Path) -> None:
    chats.close()
    shutil.rmtree(tmp_path)

    with pytest.raises(ArchiveUnavailable):
        chats.names()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://root@localhost/x", "chats.db", ""])
def test_an_address_that_makes_no_sense_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="the archive"):
        Archive(url)


def test_a_mistake_of_ours_is_not_told_as_an_outage(chats: Archive) -> None:
    with pytest.raises(Exception, match="syntax error") as raised, chats._db.reading() as connection:
        connection.exec_driver_sql("SELEKT 1")

    assert not isinstance(raised.value, ArchiveUnavailable)


def test_a_killed_postgresql_is_told_and_used_again_when_it_is_back() -> None:
    with PostgresServer() as server, closing(Archive(server.url())) as archive:
        archive.migrate()
        talk(archive, "s1", [("Hello", "Hi")])

        server.kill()
        for _ in range(3):
            with pytest.raises(ArchiveUnavailable, match="did not answer"):
                archive.record("s1", "", turn("lost"))
        with pytest.raises(ArchiveUnavailable):
            archive.window("s1", 10)

        server.restart()
        archive.record("s1", "", turn("t2", at=NOON + 5_000))
        assert [kept.id for kept in archive.window("s1", 10)] == ["s1-0", "t2"]


def test_a_row_that_postgresql_keeps_locked_is_told_soon(postgres_url: str) -> None:
    with closing(Archive(postgres_url, busy_timeout=0.2)) as archive:
        archive.migrate()
        talk(archive, "s1", [("Hello", "Hi")])
        engine = create_engine(postgres_url)
        with engine.begin() as other:
            other.exec_driver_sql("SELECT * FROM chat_sessions FOR UPDATE")
            with pytest.raises(ArchiveUnavailable, match="locked"):
                archive.record("s1", "", turn("t2"))
            assert archive.cleanup(NOON * 2) == 0  # it is being written to, so it is not old
        engine.dispose()
        assert archive.names()[0][0].message_count == 2


def test_a_read_only_postgresql_is_told(postgres_url: str) -> None:
    with closing(Archive(postgres_url)) as archive:
        archive.migrate()
    with closing(Archive(f"{postgres_url}?options=-c default_transaction_read_only=on")) as archive:
        archive.ping()
        with pytest.raises(ArchiveUnavailable, match="read-only"):
            archive.record("s1", "", turn("t"))


def test_when_all_connections_are_in_use_it_says_so(postgres_url: str) -> None:
    with closing(Archive(postgres_url, busy_timeout=0.1, pool_size=1)) as archive:
        archive.migrate()
        refused = pytest.raises(ArchiveUnavailable, match="no free connection")
        with archive._db.reading(), archive._db.reading(), refused:
            archive.ping()
        archive.ping()


def test_a_forked_process_opens_connections_of_its_own(archive_url: str) -> None:
    with closing(Archive(archive_url)) as archive:
        archive.migrate()
        talk(archive, "parent", [("Hello", "Hi")])
        # A writer's lock that is held at the fork must not be held in the child for ever.
        with archive._db.reading():
            children = [_fork(archive, n) for n in range(3)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]

        assert codes == [0, 0, 0]
        talk(archive, "parent-again", [("Hello", "Hi")])
        assert sorted(ids(archive)) == ["child0", "child1", "child2", "parent", "parent-again"]
        for n in range(3):
            assert archive.names(q=f"fork{n}")[1] == 1


def _fork(archive: Archive, n: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        talk(archive, f"child{n}", [(f"fork{n}", "Hi"), ("again", "Hi")])
        archive.close()
        code = 0
    finally:
        os._exit(code)
