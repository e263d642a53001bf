"""Acknowledged turns on this machine's disk, in one SQLite file a process, so that a crash loses none of them.

A caller is told that its record is safe once the disk has it. Those who wait at the same time share one write: whoever
comes first writes for all. What need not be waited for (``later``) goes with the next write.

``journal-<pid>-<name>.db`` belongs to the process that holds the lock on ``….lock`` beside it; a start takes over the
files of processes that are gone (``adopt``). Folder and files are readable by their owner only.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from memory.codec import CorruptRow
from memory.session import Key
from memory.stores.record import Record, decode, encode
from memory.stores.seal import Seal, Unreadable
from memory.stores.unsynced import Mark

log = logging.getLogger(__name__)

PATIENCE: Final = 2.0
"""Seconds that a caller waits for the disk while another writes; then the journal counts as failed."""

QUEUE: Final = 10_000
"""How much that nobody waits for is kept for a disk that fails; what is lost of it is only done again later."""

PAGE: Final = 4_096
CHECK: Final = b"parley"

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    place BLOB NOT NULL,      -- of whom, as the seal names it
    turn TEXT NOT NULL,       -- id of the turn, or ''
    instance TEXT NOT NULL,   -- who did it, and as its how-manieth
    mark INTEGER NOT NULL,
    synced INTEGER NOT NULL,
    until INTEGER NOT NULL,   -- ms
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS journal_by_place ON journal (place, until, synced);
CREATE INDEX IF NOT EXISTS journal_unsynced ON journal (place) WHERE synced = 0;
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""

Write = Callable[[sqlite3.Connection], None]


class JournalFailed(Exception):
    """The disk is full, broken or does not answer: nothing was written."""


@dataclass(slots=True)
class _Waiting:
    """Something to write; ``later`` is tried again when it fails, as nobody is told. ``lone`` is one statement."""

    write: Write
    later: bool = False
    lone: bool = False
    done: bool = False
    error: Exception | None = None


@dataclass(slots=True)
class Adopted:
    """What the files of earlier processes held. ``unreadable`` files are left where they are."""

    files: int = 0
    rows: int = 0
    unreadable: int = 0
    about: list[dict[str, bytes]] = field(default_factory=list)


class Journal:
    """``folder`` is made where it is missing. Beyond ``max_bytes`` writes fail as on a full disk."""

    def __init__(self, folder: Path, seal: Seal, *, name: str, max_bytes: int = 1 << 30) -> None:
        self.folder = folder
        self.name = name
        self._seal = seal
        self._max_bytes = max_bytes
        self._path = folder / f"journal-{os.getpid()}-{name}.db"
        self._lock_file: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._queue: list[_Waiting] = []
        self._queued = threading.Lock()
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self.rows = 0
        self.failed: str = ""
        """Why the last write failed; empty when it did not."""

    # --- the file ---------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Make the file and lock it. Raises ``JournalFailed``."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.chmod(0o700)
            self._lock_file = _lock(_lock_path(self._path))
            if self._lock_file is None:
                raise JournalFailed(f"{self._path.name} belongs to another process")
            self._connection = _connect(self._path, self._max_bytes)
            self._connection.executescript(SCHEMA)
            self._reader = _connect(self._path, self._max_bytes)
            self._put_about(self._connection, "check", self._seal.close(CHECK, b""))
        except (OSError, sqlite3.Error) as error:
            self.failed = str(error)
            raise JournalFailed(f"the journal in {self.folder} can't be written: {error}") from error

    def close(self) -> None:
        """Write what waits. A journal without rows leaves no file behind."""
        with suppress(JournalFailed):
            self.write(lambda _: None)
        with self._writing, self._reading:
            if self._connection is None or self._reader is None:
                return
            empty = False
            with suppress(sqlite3.Error):
                empty = self._connection.execute("SELECT 1 FROM journal LIMIT 1").fetchone() is None
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._reader.close()
            self._connection.close()
            self._connection = self._reader = None
            if self._lock_file is not None:
                if empty:
                    _remove(self._path)
                os.close(self._lock_file)
                self._lock_file = None

    def abandon(self) -> None:
        """Let go of the file as a process does that is killed: what is on the disk stays as it is."""
        with self._writing, self._reading:
            for connection in (self._reader, self._connection):
                if connection:
                    connection.close()
            self._connection = self._reader = None
            if self._lock_file is not None:
                os.close(self._lock_file)
                self._lock_file = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        total = 0
        for path in (self._path, self._path.with_name(self._path.name + "-wal")):
            with suppress(OSError):
                total += path.stat().st_size
        return total

    # --- writing ----------------------------------------------------------------------------------------------------

    def append(self, record: Record) -> None:
        """Returns when the disk has it. Raises ``JournalFailed``."""
        row = self._row(record)
        self.write(lambda connection: self._insert(connection, [row]), lone=True)

    def replace(self, key: Key, records: Sequence[Record]) -> None:
        """All of a subject's records, anew; not waited for."""
        place, rows = self.place(key), [self._row(record) for record in records]

        def write(connection: sqlite3.Connection) -> None:
            self._delete(connection, "place = ?", place)
            self._insert(connection, rows)

        self.later(write)

    def forget(self, key: Key, *, wait: bool = False) -> None:
        """Erase what there is of a subject."""
        place = self.place(key)
        write: Write = lambda connection: self._delete(connection, "place = ?", place)  # noqa: E731
        self.write(write) if wait else self.later(write)

    def forget_turns(self, key: Key, turn_ids: Iterable[str]) -> None:
        """Turns that are kept no more, or that were not stored after all; not waited for."""
        place, ids = self.place(key), list(turn_ids)

        def write(connection: sqlite3.Connection) -> None:
            for turn_id in ids:
                self._delete(connection, "place = ? AND turn = ?", place, turn_id)

        self.later(write)

    def synced(self, key: Key, marks: Iterable[Mark]) -> None:
        """Redis has been told of these; not waited for."""
        place, told = self.place(key), list(marks)

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "UPDATE journal SET synced = 1 WHERE place = ? AND instance = ? AND mark = ? AND synced = 0",
                [(place, mark.instance, mark.number) for mark in told],
            )

        self.later(write)

    def undo(self, key: Key, mark: Mark) -> None:
        """It was not done after all; not waited for."""
        place = self.place(key)
        where = "place = ? AND instance = ? AND mark = ?"
        self.later(lambda connection: self._delete(connection, where, place, mark.instance, mark.number))

    def postpone(self, key: Key, until: int) -> None:
        """Nothing of a subject is to be forgotten before ``until`` (ms); not waited for."""
        place = self.place(key)
        self.later(lambda connection: _run(connection, "UPDATE journal SET until = ? WHERE place = ?", until, place))

    def remember(self, name: str, value: bytes) -> None:
        """Something about the whole file; not waited for."""
        self.later(lambda connection: self._put_about(connection, name, value))

    def later(self, write: Write) -> None:
        with self._queued:
            self._queue.append(_Waiting(write, later=True))

    def write(self, write: Write, *, lone: bool = False) -> None:
        """Do it, with all that waits, in one transaction; returns when the disk has it. Raises ``JournalFailed``."""
        waiting = _Waiting(write, lone=lone)
        with self._queued:
            self._queue.append(waiting)
        ours = self._writing.acquire(timeout=PATIENCE)
        try:
            if not ours and not waiting.done:
                self.failed = f"the disk did not answer within {PATIENCE:g} s"
                raise JournalFailed(self.failed)
            if not waiting.done:  # else it was written with another's, while many waited for their turn
                self._flush()
        finally:
            if ours:
                self._writing.release()
        if waiting.error:
            raise JournalFailed(str(waiting.error)) from waiting.error

    def flush(self) -> None:
        """Write what waits, if anything does. Raises ``JournalFailed``."""
        if self._queue:
            self.write(lambda _: None)

    def _flush(self) -> None:
        with self._queued:
            batch, self._queue = self._queue, []
        rows, error = self.rows, None
        try:
            if self._connection is None:
                raise JournalFailed("the journal is not open")
            alone = len(batch) == 1 and batch[0].lone  # then the statement is a transaction of its own
            with nullcontext() if alone else _transaction(self._connection):
                for each in batch:
                    each.write(self._connection)
        except (sqlite3.Error, OSError, JournalFailed) as failure:
            self.rows, error = rows, failure
        if error and not self.failed:
            log.error("the journal can't be written: %s", error)
        if self.failed and not error:
            log.info("the journal can be written again")
        self.failed = str(error) if error else ""
        for each in batch:
            each.error, each.done = error, True
        if error:
            with self._queued:
                self._queue[:0] = [each for each in batch if each.later][-QUEUE:]

    def _row(self, record: Record) -> tuple[object, ...]:
        place = self.place(record.key)
        turn_id = record.turn.id if record.turn else ""
        mark = record.mark
        body = self._seal.close(encode(record), place)
        return (place, turn_id, mark.instance, mark.number, int(record.synced), record.until, body)

    def _insert(self, connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
        for row in rows:
            connection.execute(
                "INSERT INTO journal (place, turn, instance, mark, synced, until, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        self.rows += len(rows)

    def _delete(self, connection: sqlite3.Connection, where: str, *values: object) -> None:
        self.rows -= connection.execute(f"DELETE FROM journal WHERE {where}", values).rowcount

    def _put_about(self, connection: sqlite3.Connection, name: str, value: bytes) -> None:
        connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def tidy(self) -> None:
        """Move the write-ahead log into the file and cut it off, so that nothing that was erased stays in it."""
        with self._writing, suppress(sqlite3.Error):
            if self._connection is not None:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # --- reading ----------------------------------------------------------------------------------------------------

    def place(self, key: Key) -> bytes:
        """What a subject is called in the file."""
        return self._seal.place(f"{key.namespace}\0{key.subject}".encode())

    def records(self, key: Key) -> list[Record]:
        """Those of a subject, in the order in which they were written."""
        return list(self._select("WHERE place = ? ORDER BY number", self.place(key)))

    def unsynced(self) -> dict[Key, list[Record]]:
        """All records of the subjects of which Redis was not told something."""
        return _by_key(self._select("WHERE place IN (SELECT place FROM journal WHERE synced = 0) ORDER BY number"))

    def subjects(self) -> Iterator[Key]:
        """Everybody of whom there is something."""
        newest = "SELECT max(number) FROM journal GROUP BY place"
        return (record.key for record in self._select(f"WHERE number IN ({newest})"))

    def over(self, now: int, limit: int) -> list[Key]:
        """Subjects of which nothing need be remembered after ``now`` (ms), and Redis knows everything."""
        newest = self._select(
            "WHERE number IN (SELECT max(number) FROM journal GROUP BY place"
            " HAVING max(until) <= ? AND min(synced) = 1 LIMIT ?)",
            now,
            limit,
        )
        return [record.key for record in newest]

    def about(self) -> dict[str, bytes]:
        with self._reading:
            return _about(self._reader) if self._reader else {}

    def _select(self, where: str, *values: object) -> Iterator[Record]:
        with self._reading:
            if self._reader is None:
                return
            try:
                rows = self._reader.execute(
                    f"SELECT place, instance, mark, synced, body FROM journal {where}", values
                ).fetchall()
            except sqlite3.Error as error:
                log.error("the journal can't be read: %s", error)
                return
        for place, instance, mark, synced, body in rows:
            try:
                yield decode(self._seal.open(body, place), Mark(instance, mark), synced=bool(synced))
            except (CorruptRow, Unreadable):
                log.error("a row of the journal can't be read and is passed over")

    # --- files of processes that are gone ---------------------------------------------------------------------------

    def adopt(self) -> Adopted:
        """Take over the rows of all files that no process holds. One that can't be read is left as it is, and named."""
        adopted = Adopted()
        for path in self.folder.glob("journal-*.lock"):
            if not path.with_suffix(".db").exists() and (lock := _lock(path)) is not None:
                path.unlink(missing_ok=True)
                os.close(lock)
        for path in sorted(self.folder.glob("journal-*.db")):
            if path == self._path:
                continue
            lock = _lock(_lock_path(path))
            if lock is None:
                continue
            try:
                if path.exists():
                    self._take(path, adopted)
            except Unreadable:
                adopted.unreadable += 1
                log.error(
                    "%s was written with another JOURNAL_KEY and is left as it is: a start with its key takes it over",
                    path.name,
                )
            except (sqlite3.Error, OSError) as error:
                adopted.unreadable += 1
                log.error("%s can't be read and is left as it is: %s", path.name, error)
            finally:
                os.close(lock)
        return adopted

    def _take(self, path: Path, adopted: Adopted) -> None:
        other = _connect(path, self._max_bytes)
        try:
            about = _about(other)
            if "check" in about and self._seal.open(about["check"], b"") != CHECK:
                raise Unreadable
            rows = other.execute(
                "SELECT place, turn, instance, mark, synced, until, body FROM journal ORDER BY number"
            ).fetchall()
            ours = [self._resealed(row) for row in rows]
            self.write(lambda connection: self._insert(connection, ours))
        except JournalFailed as error:
            raise OSError(str(error)) from error
        finally:
            other.close()
        _remove(path)
        adopted.files += 1
        adopted.rows += len(rows)
        adopted.about.append(about)

    def _resealed(self, row: tuple[bytes, str, str, int, int, int, bytes]) -> tuple[object, ...]:
        """A row under our seal: an earlier process may have had no key yet."""
        place, turn_id, instance, mark, synced, until, body = row
        text = self._seal.open(body, place)
        if self._seal.close(b"", b"")[:1] != body[:1]:
            key = decode(text, Mark(instance, mark), synced=bool(synced)).key
            place = self.place(key)
            body = self._seal.close(text, place)
        return (place, turn_id, instance, mark, synced, until, body)


def _by_key(records: Iterable[Record]) -> dict[Key, list[Record]]:
    found: dict[Key, list[Record]] = {}
    for record in records:
        found.setdefault(record.key, []).append(record)
    return found


def _connect(path: Path, max_bytes: int) -> sqlite3.Connection:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    os.close(descriptor)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=PATIENCE)
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = ON",
        f"max_page_count = {max(64, max_bytes // PAGE)}",
        "wal_autocheckpoint = 1000",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _run(connection: sqlite3.Connection, statement: str, *values: object) -> None:
    connection.execute(statement, values)


def _about(connection: sqlite3.Connection) -> dict[str, bytes]:
    return dict(connection.execute("SELECT name, value FROM about").fetchall())


def _lock_path(path: Path) -> Path:
    return path.with_suffix(".lock")


def _lock(path: Path) -> int | None:
    """An open, locked file; None where another process holds it, or just removed it."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _remove(path: Path) -> None:
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm"), _lock_path(path)):
        with suppress(FileNotFoundError):
            name.unlink()
