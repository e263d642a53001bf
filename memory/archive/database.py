"""The way to the database: connections, transactions, and its errors in our words. Knows no table."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event, exc, make_url, text

from memory.archive.errors import ArchiveUnavailable
from memory.archive.turnstile import Turnstile

_STATEMENT_MS: Final = 15_000
_MIGRATION_WAIT: Final = 60.0
_MIGRATION_LOCK: Final = 8_097_879_414_873_325
"""Any number would do for PostgreSQL's advisory lock, as long as nobody else uses it."""

_OLDEST_SQLITE: Final = (3, 35)  # RETURNING
_POLL: Final = 0.001
_WRITES_BY: Final = "archive_writes_by"
"""The option of a connection that is going to write: until when it waits for its turn (``time.monotonic``)."""

_LOCKED: Final = "is locked by another program; try again"
_FULL: Final = "is full: make room on its disk"
_NO_TABLES: Final = "has no tables yet: they are made by Archive.migrate()"

# Why a database refused, by SQLite's error name and by PostgreSQL's SQLSTATE.
_REASONS: Final = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_FULL": _FULL,
    "SQLITE_READONLY": "can't be written: check the rights of its file and folder",
    "SQLITE_CANTOPEN": "can't be opened: check the path and the rights of its file",
    "SQLITE_IOERR": "can't be read or written: check its disk",
    "SQLITE_CORRUPT": "is damaged: restore it from a backup",
    "SQLITE_NOTADB": "is not an SQLite database: check DATABASE_URL",
    "no such table": _NO_TABLES,
    "no such module": "needs FTS5, which this Python's SQLite was built without: use PostgreSQL, or another Python",
    "53100": _FULL,
    "53300": "has no free connection; try again",
    "55P03": _LOCKED,
    "57014": "took too long to answer; try again",
    "25006": "can't be written: it is read-only",
    "42P01": _NO_TABLES,
}

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Process:
    """What must not be shared with a forked process: connections, and a lock that may be held at that moment."""

    engine: Engine
    writers: Turnstile = field(default_factory=Turnstile)


class Database:
    """Connections to one SQLite file or PostgreSQL database, opened when first needed, and anew in a forked process.

    ``busy_timeout`` (s) bounds every wait for a lock or a free connection. Raises ``ValueError`` for other databases.
    """

    def __init__(self, url: str, *, busy_timeout: float, pool_size: int) -> None:
        self._url = _checked(url)
        self._busy_timeout = busy_timeout
        self._pool_size = pool_size
        # By process id: a child keeps its parent's entry, and thereby never closes what is not its own.
        self._processes: dict[int, _Process] = {}

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._url.get_backend_name()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads. SQLite shows one moment of the database to all of it."""
        with translated(), self._here().engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes: all of it is on disk when the block has ended, or none."""
        process = self._here()
        until = time.monotonic() + self._busy_timeout
        with (
            translated(),
            self._turn_to_write(process.writers),
            process.engine.connect() as connection,
            connection.execution_options(**{_WRITES_BY: until}).begin(),
        ):
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A transaction that changes tables: one at a time, whichever process asks, waiting up to a minute."""
        engine = self._engine(wait=_MIGRATION_WAIT, pooled=False)
        with translated(), engine.connect() as connection:
            if self.dialect == "sqlite":
                _write_ahead(_driver(connection))
            with connection.execution_options(**{_WRITES_BY: time.monotonic() + _MIGRATION_WAIT}).begin():
                if self.dialect == "postgresql":
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
                yield connection

    def checkpoint(self) -> bool:
        """Move SQLite's write-ahead log into the file and empty it. False while somebody reads an older state."""
        with translated(), self._here().engine.connect() as connection:
            driver = _driver(connection)
            driver.execute(f"PRAGMA busy_timeout = {round(self._busy_timeout * 1000)}")
            try:
                busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError:
                return False
            return not busy

    def close(self) -> None:
        """Close all connections of this process. Using it again opens new ones."""
        process = self._processes.pop(os.getpid(), None)
        if process is not None:
            process.engine.dispose()

    def _here(self) -> _Process:
        pid = os.getpid()
        found = self._processes.get(pid)
        if found is None:
            # Two threads may both get here: one engine is kept, the other was never connected.
            found = self._processes.setdefault(pid, _Process(self._engine(wait=self._busy_timeout, pooled=True)))
        return found

    @contextmanager
    def _turn_to_write(self, writers: Turnstile) -> Iterator[None]:
        """SQLite takes one writer at a time. The threads of this process line up here, and only the first one polls."""
        if self.dialect != "sqlite":
            yield
            return
        with writers.passing(self._busy_timeout) as ours:
            if not ours:
                raise ArchiveUnavailable(_LOCKED)
            yield

    def _engine(self, *, wait: float, pooled: bool) -> Engine:
        sqlite = self.dialect == "sqlite"
        options: dict[str, Any] = {"poolclass": NullPool}
        if pooled:
            options = {
                "poolclass": QueuePool,
                "pool_size": self._pool_size,
                # A connection to a file costs next to nothing; one to a server is the server's memory.
                "max_overflow": -1 if sqlite else self._pool_size,
                "pool_timeout": wait,
                "pool_pre_ping": not sqlite,
            }
        arguments: dict[str, Any] = {"timeout": wait}
        if not sqlite:
            arguments = {"connect_timeout": max(2, round(wait)), "keepalives_idle": 10, "keepalives_interval": 5}
        # Parameters are what people said: they must not get into a log with an error.
        engine = create_engine(self._url, connect_args=arguments, hide_parameters=True, **options)
        if sqlite:
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite(wait))
        else:
            event.listen(engine, "connect", _prepare_postgres(wait))
        return engine


@contextmanager
def translated() -> Iterator[None]:
    """Turns SQLAlchemy's "the database can't" into ``ArchiveUnavailable``; mistakes of ours stay what they are."""
    try:
        yield
    except exc.TimeoutError as error:
        raise ArchiveUnavailable("has no free connection; try again") from error
    except (exc.DatabaseError, exc.InterfaceError) as error:
        code = _code(error)
        if code not in _REASONS and _is_ours(error):
            raise
        log.warning("the archive refused: %s", code or type(error.orig).__name__)
        raise ArchiveUnavailable(_REASONS.get(code, "did not answer")) from error


def _code(error: exc.DBAPIError) -> str:
    """SQLite's error name without its extension (``SQLITE_IOERR_WRITE``), PostgreSQL's SQLSTATE, or nothing."""
    name: str | None = getattr(error.orig, "sqlite_errorname", None)
    if name == "SQLITE_ERROR":
        return next((told for told in ("no such table", "no such module") if told in str(error.orig)), name)
    if name:
        return "_".join(name.split("_")[:2])
    return getattr(error.orig, "sqlstate", None) or ""


def _is_ours(error: exc.DBAPIError) -> bool:
    """A statement or a value that is wrong, whatever the state of the database."""
    mistakes = (exc.IntegrityError, exc.DataError, exc.NotSupportedError, exc.ProgrammingError)
    return isinstance(error, mistakes) or _code(error) == "SQLITE_ERROR"


def _checked(address: str) -> URL:
    try:
        url = make_url(address)
    except exc.ArgumentError as error:
        raise ValueError("the archive's address must be an SQLAlchemy URL, such as sqlite:///chats.db") from error
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise ValueError(f"the archive can be in SQLite or PostgreSQL, got {url.drivername!r}")
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        oldest = ".".join(map(str, _OLDEST_SQLITE))
        raise ValueError(f"the archive needs SQLite {oldest} or newer; this Python has {sqlite3.sqlite_version}")
    if not url.database or url.database == ":memory:":
        raise ValueError("the archive must be a file, such as sqlite:///chats.db: in memory it would not last")
    return url


def _driver(connection: Connection) -> Any:
    """The driver's own connection, for what SQLAlchemy would do in a transaction."""
    return connection.connection.driver_connection


def _prepare_sqlite(connection: Any, record: object) -> None:
    # Transactions are begun below, not by Python's driver.
    connection.isolation_level = None
    for pragma in (
        "synchronous=FULL",  # a commit is on disk
        "foreign_keys=ON",
        "secure_delete=ON",  # what is deleted is overwritten …
        "temp_store=MEMORY",  # … and was not copied elsewhere
        "cache_size=-8000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(wait: float) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        driver = _driver(connection)
        until = connection.get_execution_options().get(_WRITES_BY)
        if until is None:
            driver.execute(f"PRAGMA busy_timeout = {round(wait * 1000)}")
            connection.exec_driver_sql("BEGIN")
            return
        # SQLite waits longer and longer between its attempts, up to 0.1 s, and so loses to other processes that come
        # and go: under load for ever. Asking each millisecond is fair enough.
        driver.execute("PRAGMA busy_timeout = 0")
        while True:
            try:
                # At once, not with the first write: one that read before would fail when another wrote in between.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except exc.OperationalError as error:
                if _code(error) != "SQLITE_BUSY" or time.monotonic() > until:
                    raise
                time.sleep(_POLL)
            else:
                return

    return begin


def _write_ahead(driver: Any) -> None:
    """Put the file into WAL mode, for good. SQLite does not wait here when two do so at once, so this does."""
    deadline = time.monotonic() + _MIGRATION_WAIT
    while True:
        try:
            driver.execute("PRAGMA journal_mode=WAL")
        except sqlite3.DatabaseError as error:
            name = error.sqlite_errorname
            if name != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise ArchiveUnavailable(_REASONS.get("_".join(name.split("_")[:2]), "did not answer")) from error
            time.sleep(0.02)
        else:
            return


def _prepare_postgres(wait: float) -> Callable[[Any, object], None]:
    def prepare(connection: Any, record: object) -> None:
        connection.autocommit = True
        connection.execute(f"SET lock_timeout = {round(wait * 1000)}")
        connection.execute(f"SET statement_timeout = {max(_STATEMENT_MS, round(wait * 1000))}")
        connection.autocommit = False

    return prepare
