"""The archive of conversations: what is asked of it, each call a transaction of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import ColumnElement, delete, func, select, update

from memory.archive import listing, session_rows, statistics, turn_rows
from memory.archive.database import Database
from memory.archive.encoding import encode
from memory.archive.erasure import Erasure
from memory.archive.errors import ArchiveUnavailable, SessionExists
from memory.archive.models import ArchivedChat, ArchiveStats, ChatEntry, ChatSession
from memory.archive.search import NAME, index_for
from memory.archive.tables import sessions
from memory.archive.tables import tags as tags_table
from memory.session import Turn

_PIECE: Final = 100
"""Sessions deleted in one transaction."""

_OVERWRITE_SECONDS: Final = 0.25
"""How long the deletion of a session may go on to overwrite its text."""

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
# Alembic keeps the running migration in module globals.
_alembic = threading.Lock()

log = logging.getLogger(__name__)


class Archive:
    """Conversations in an SQL database, shared by all threads of a process and by several processes.

    ``url`` is SQLAlchemy's (``sqlite:///chats.db``, ``postgresql+psycopg://…``). ``busy_timeout`` (s) bounds the wait
    for a lock or a connection, ``pool_size`` the connections that are kept open (PostgreSQL: at most twice as many).
    Nothing is opened before the first call, and nothing is shared with a forked process.

    What a call has written is on disk when it returns. Every call may raise ``ArchiveUnavailable``, and has then
    written nothing (the bulk ones, ``cleanup`` and ``erase_owner``: whole sessions only). Times are milliseconds.
    """

    def __init__(self, url: str, *, busy_timeout: float = 2.0, pool_size: int = 5) -> None:
        self._db = Database(url, busy_timeout=busy_timeout, pool_size=pool_size)
        self._index = index_for(self._db.dialect)
        self._erasure = Erasure(self._db)

    # The database as a whole

    def migrate(self, revision: str = "head") -> None:
        """Make the tables, or bring those of an older version up to date with their rows. Safe to call at every start
        and by several processes at once: one does it, the others wait for it."""
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        head = ScriptDirectory.from_config(config).get_current_head()
        with self._db.reading() as connection:
            if MigrationContext.configure(connection).get_current_revision() == head:
                return
        with _alembic, self._db.migrating() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, revision)
            except CommandError as error:
                raise ArchiveUnavailable("was written by a newer version of this program: update it") from error

    def ping(self) -> None:
        """Returns if the archive answers and has its tables."""
        with self._db.reading() as connection:
            connection.execute(select(sessions.c.session_id).limit(1)).first()

    def close(self) -> None:
        """Give back this process's connections."""
        self._db.close()

    # Turns

    def record(self, session_id: str, owner: str, turn: Turn, tags: Iterable[str] = ()) -> None:
        """Store a turn, whole and once: the same turn id again replaces its text and doubles nothing.

        The first turn opens the session: its owner is ``owner``, its tags are ``tags``, and it is named after the first
        40 characters of the message.
        """
        with self._db.writing() as connection:
            row = session_rows.locked(connection, session_id)
            if row is None:
                row = session_rows.opened(connection, self._index, session_rows.begun(session_id, owner, turn, tags))
            grown = turn_rows.put(connection, self._index, session_id, row.number, turn)
            connection.execute(
                update(sessions)
                .where(sessions.c.session_id == session_id)
                .values(
                    # A turn from before an outage may come after later ones.
                    created_at=min(row.created_at, turn.began),
                    last_activity=max(row.last_activity, turn.ended),
                    message_count=row.message_count + grown,
                )
            )

    def window(self, session_id: str, turns: int) -> list[Turn]:
        """The newest turns, oldest first, equal to what was recorded. Empty where the session is unknown."""
        with self._db.reading() as connection:
            return turn_rows.newest(connection, session_id, max(0, turns))

    def find_turn(self, session_id: str, turn_id: str) -> Turn | None:
        with self._db.reading() as connection:
            return turn_rows.find(connection, session_id, turn_id)

    def history(self, session_id: str, limit: int | None = None, before: int | None = None) -> list[ChatEntry]:
        """Messages as people see them, oldest first: the newest ``limit`` (None: all) ahead of ``before`` (a timestamp,
        exclusive). Empty where the session is unknown; ``exists`` tells."""
        with self._db.reading() as connection:
            return turn_rows.entries(connection, session_id, limit, before)

    # Sessions

    def exists(self, session_id: str) -> bool:
        return self.owner(session_id) is not None

    def owner(self, session_id: str) -> str | None:
        """Whose session it is (perhaps nobody's: ""), or None where it is unknown."""
        with self._db.reading() as connection:
            wanted = select(sessions.c.owner).where(sessions.c.session_id == session_id)
            return connection.execute(wanted).scalar_one_or_none()

    def session(self, session_id: str) -> ChatSession | None:
        """Its row with its tags, or None where it is unknown."""
        with self._db.reading() as connection:
            return listing.one(connection, session_id)

    def names(
        self, owner: str | None = None, q: str = "", limit: int = 50, offset: int = 0, tag: str | None = None
    ) -> tuple[list[ChatSession], int]:
        """A page of the sessions, newest activity first, and the number of all that match.

        ``owner`` None: everybody's. ``q`` is any text: it finds sessions whose name, or a turn of which (question and
        answer together), has all its words, without regard to case and accents; the last word may be only begun. What
        was found is marked.
        """
        with self._db.reading() as connection:
            return listing.page(connection, self._index, owner=owner, q=q, tag=tag, limit=limit, offset=offset)

    def sessions_of(self, owner: str) -> list[str]:
        """The ids of an owner's sessions, newest activity first."""
        with self._db.reading() as connection:
            wanted = select(sessions.c.session_id).where(sessions.c.owner == owner)
            return list(connection.execute(wanted.order_by(sessions.c.last_activity.desc())).scalars())

    def rename(self, session_id: str, name: str) -> bool:
        """Give it another name, of 1 to 80 characters (``ValueError``). False where the session is unknown."""
        name = session_rows.checked_name(name)
        with self._db.writing() as connection:
            row = session_rows.locked(connection, session_id)
            if row is None:
                return False
            self._index.drop(connection, row.number, [(NAME, row.chat_name)])
            self._index.put(connection, row.number, [(NAME, name)])
            connection.execute(update(sessions).where(sessions.c.session_id == session_id).values(chat_name=name))
            return True

    def set_tags(self, session_id: str, tags: Iterable[str]) -> bool:
        """Replace its tags: at most 20, each of 1 to 32 characters (``ValueError``), kept in lower case. False where
        the session is unknown."""
        wanted = session_rows.checked_tags(tags)
        with self._db.writing() as connection:
            if session_rows.locked(connection, session_id) is None:
                return False
            connection.execute(delete(tags_table).where(tags_table.c.session_id == session_id))
            session_rows.insert_tags(connection, session_id, wanted)
            return True

    def tags(self, owner: str | None = None) -> list[tuple[str, int]]:
        """Every tag with the number of sessions that have it, most used first."""
        count = func.count().label("used")
        used = select(tags_table.c.tag, count).group_by(tags_table.c.tag).order_by(count.desc(), tags_table.c.tag)
        if owner is not None:
            used = used.join(sessions).where(sessions.c.owner == owner)
        with self._db.reading() as connection:
            return [(row.tag, row.used) for row in connection.execute(used)]

    def stats(self, now: int) -> ArchiveStats:
        """Totals, and the activity of the last 24 hours and 30 days."""
        with self._db.reading() as connection:
            return statistics.stats(connection, now)

    # Out and in

    def export(self, session_id: str) -> ArchivedChat | None:
        """All of a conversation, or None where it is unknown."""
        with self._db.reading() as connection:
            row = listing.one(connection, session_id)
            return None if row is None else ArchivedChat(row, tuple(turn_rows.newest(connection, session_id, None)))

    def import_session(self, chat: ArchivedChat, owner: str) -> None:
        """Add an exported conversation as ``owner``'s. Raises ``SessionExists``, or ``ValueError`` for a name or tags
        that are out of bounds."""
        given = replace(chat.session, owner=owner, chat_name=session_rows.checked_name(chat.session.chat_name))
        taken: set[int] = set()
        rows: list[dict[str, Any]] = []
        for turn in sorted(chat.turns, key=lambda turn: (turn.began, turn.id)):
            pair = encode(turn, taken)
            taken.update(row["timestamp"] for row in pair)
            rows.extend(pair)
        with self._db.writing() as connection:
            row = session_rows.insert(connection, self._index, replace(given, message_count=len(rows)))
            if row is None:
                raise SessionExists(given.session_id)
            if rows:
                turn_rows.insert_rows(connection, self._index, given.session_id, row.number, rows)

    # Gone

    def clear(self, session_id: str) -> int:
        """Delete its messages; the session stays, with its name. Returns how many there were (0 also where it is
        unknown)."""
        with self._db.writing() as connection:
            row = session_rows.locked(connection, session_id)
            if row is None or not row.message_count:
                return 0
            count = turn_rows.clear(connection, self._index, session_id, row.number)
            connection.execute(update(sessions).where(sessions.c.session_id == session_id).values(message_count=0))
            self._erasure.owe(connection)
        self._overwrite_soon()
        return count

    def remove_turn(self, session_id: str, turn_id: str) -> bool:
        """Take back a turn that could not be told to the client, and its session if it was opened with it."""
        with self._db.writing() as connection:
            row = session_rows.locked(connection, session_id)
            turn = turn_rows.find(connection, session_id, turn_id)
            if row is None or turn is None:
                return False
            turn_rows.remove(connection, self._index, session_id, row.number, turn_id)
            left = row.message_count - 2
            if left == 0 and row.created_at == turn.began:
                session_rows.remove(connection, self._index, [row])
            else:
                values = {"message_count": left}
                connection.execute(update(sessions).where(sessions.c.session_id == session_id).values(values))
            self._erasure.owe(connection)
        return True

    def delete(self, session_id: str) -> bool:
        """Delete a session with all its messages. False where it is unknown."""
        with self._db.writing() as connection:
            row = session_rows.locked(connection, session_id)
            if row is None:
                return False
            session_rows.remove(connection, self._index, [row])
            self._erasure.owe(connection)
        self._overwrite_soon()
        return True

    def count_older(self, older_than_ms: int) -> int:
        """How many sessions ``cleanup`` would delete."""
        with self._db.reading() as connection:
            old = select(func.count()).select_from(sessions).where(sessions.c.last_activity < older_than_ms)
            return connection.execute(old).scalar_one()

    def cleanup(self, older_than_ms: int, deleted: Callable[[Sequence[str]], None] | None = None) -> int:
        """Delete the sessions whose last activity was before ``older_than_ms``, in pieces between which others write.

        Returns how many; ``deleted`` is told their ids piece by piece.
        """
        # A session that is being written to is not old.
        count = self._remove_all(sessions.c.last_activity < older_than_ms, deleted, skip_locked=True)
        self.tidy()
        return count

    def tidy(self) -> bool:
        """SQLite: finish overwriting the text of what was deleted, where ``delete`` and ``clear`` put that off because
        the archive is large or was in use. False when it is in use now too. Costs nothing where all is done.
        """
        try:
            return self._erasure.settle()
        except ArchiveUnavailable as error:
            log.warning("deleted text is not overwritten yet: the archive %s", error.why)
            return False

    def erase_owner(self, owner: str) -> int:
        """Delete all sessions of an owner, and in SQLite leave no trace of their text in its files; returns how many.

        Nobody's sessions (owner "") can't be erased in this way: ``ValueError``.
        """
        if not owner:
            raise ValueError("sessions that belong to nobody can only be deleted one by one, or by age")
        count = self._remove_all(sessions.c.owner == owner)
        self._erasure.settle()
        return count

    def _remove_all(
        self,
        condition: ColumnElement[bool],
        deleted: Callable[[Sequence[str]], None] | None = None,
        *,
        skip_locked: bool = False,
    ) -> int:
        count = 0
        while True:
            with self._db.writing() as connection:
                piece = select(sessions).where(condition).order_by(sessions.c.last_activity).limit(_PIECE)
                rows = connection.execute(piece.with_for_update(skip_locked=skip_locked)).all()
                if rows:
                    session_rows.remove(connection, self._index, rows)
                    self._erasure.owe(connection)
            if not rows:
                return count
            count += len(rows)
            if deleted is not None:
                deleted([row.session_id for row in rows])

    def _overwrite_soon(self) -> None:
        """The text is deleted already, so that neither a slow nor a busy archive is a failure of the deletion."""
        try:
            self._erasure.settle(_OVERWRITE_SECONDS)
        except ArchiveUnavailable as error:
            log.info("deleted text will be overwritten by the next tidy(): the archive %s", error.why)
