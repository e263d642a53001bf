"""Makes deleted text unreadable in SQLite's files, not only unfindable.

``secure_delete`` overwrites rows, but the words of a deleted message stay in older segments of the full-text index
until these are merged, and old pages stay in the file until the write-ahead log has been moved into it. Both cost more
than a deletion should hold the lock for (a second in all at 250,000 turns), so they are owed with it and settled right
after, in pieces. What is owed stands in the database (``user_version``), so that it outlives the process.

In PostgreSQL deleted rows stay on disk until VACUUM makes room for others: nothing can be done about it from here.
"""

from __future__ import annotations

import math
import time
from typing import Final

from sqlalchemy import Connection, text

from memory.archive.database import Database
from memory.archive.errors import ArchiveUnavailable

_PAGES: Final = 200
"""Index pages merged while the lock is held: some 20 ms."""

_PAUSE: Final = 0.002
"""Between pieces (s), so that writers who wait come in."""

_LARGEST: Final = 2**31 - 1


class Erasure:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._needed = database.dialect == "sqlite"

    def owe(self, connection: Connection) -> None:
        """Note, in the transaction that deletes, that there is something to settle."""
        if self._needed:
            _set(connection, _owed(connection) % _LARGEST + 1)

    def settle(self, seconds: float = math.inf) -> bool:
        """Erase what is owed. False when it takes longer than that: it is owed on, and continued the next time.

        Raises ``ArchiveUnavailable`` when the database is in use in a way that does not let it be finished now.
        """
        if not self._needed:
            return True
        deadline = time.monotonic() + seconds
        with self._database.reading() as connection:
            owed = _owed(connection)
        while owed:
            if not self._merge(deadline):
                return False
            if not self._database.checkpoint():
                raise ArchiveUnavailable("is being read, so deleted text is not overwritten yet; try again")
            with self._database.writing() as connection:
                # Unless more was deleted in the meantime.
                if _owed(connection) == owed:
                    _set(connection, 0)
                owed = _owed(connection)
        return True

    def _merge(self, deadline: float) -> bool:
        """Rewrite the index without what was deleted: all its segments become one. False when time is up before."""
        pages = -_PAGES  # below zero: begin with all segments, not only with those that are due
        while time.monotonic() < deadline:
            with self._database.writing() as connection:
                before = _changes(connection)
                connection.execute(
                    text("INSERT INTO chat_search (chat_search, rank) VALUES ('merge', :pages)"), {"pages": pages}
                )
                # SQLite's manual: fewer than two changes mean that nothing was left to do.
                if _changes(connection) - before < 2:
                    return True
            pages = _PAGES
            time.sleep(_PAUSE)
        return False


def _owed(connection: Connection) -> int:
    return int(connection.execute(text("PRAGMA user_version")).scalar_one())


def _set(connection: Connection, owed: int) -> None:
    connection.execute(text(f"PRAGMA user_version = {owed}"))


def _changes(connection: Connection) -> int:
    driver = connection.connection.driver_connection
    return int(driver.total_changes) if driver is not None else 0
