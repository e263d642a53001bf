"""The search index, ``chat_search``: which words are in which turn. FTS5 in SQLite, ``tsvector`` in PostgreSQL.

A document is a turn, question and answer, under the id of the AI's message; or the name of a session, as message 0.
Both databases are given the same words (``words``) and none of their own rules, so that they find the same. Neither
keeps the text itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Subquery, column, func, literal_column, select, table, text

from memory.archive.words import Query, words

NAME: Final = 0
"""The message id under which a session's name is indexed."""

Document = tuple[int, str]
"""(message id, text)"""


def document(message_id: int, asked: str, told: str) -> Document:
    """A turn as a document: the id of the AI's message, and what both messages say."""
    return message_id, f"{asked}\n{told}"


class SearchIndex(ABC):
    """Keeps the index in step with the messages, in the transaction that changes them."""

    @abstractmethod
    def create(self, connection: Connection) -> None:
        """Make the empty index (for migrations)."""

    @abstractmethod
    def put(self, connection: Connection, number: int, documents: Iterable[Document]) -> None:
        """Index documents of the session with this number, which were not in the index before."""

    @abstractmethod
    def drop(self, connection: Connection, number: int, documents: Iterable[Document]) -> None:
        """Take documents out. The texts must be those that were put in."""

    @abstractmethod
    def hits(self, searched: Query) -> Subquery:
        """The sessions with a match as rows (number, message): the newest turn that has one, 0 if only the name."""


class Fts5Index(SearchIndex):
    """SQLite's FTS5 without content. A document's rowid is the session's number × 2³² + the message's id, so that the
    sessions of a million matches are told without reading their messages."""

    _SHIFT: Final = 32

    def create(self, connection: Connection) -> None:
        connection.execute(
            text(
                # Words come separated by spaces and folded already; 'ascii' only splits them. No positions are kept:
                # phrases are not searched for, and snippets are found in the text.
                "CREATE VIRTUAL TABLE chat_search USING "
                "fts5(words, content='', columnsize=0, detail=none, prefix='2', tokenize='ascii')"
            )
        )

    def put(self, connection: Connection, number: int, documents: Iterable[Document]) -> None:
        if rows := self._rows(number, documents):
            connection.execute(text("INSERT INTO chat_search (rowid, words) VALUES (:place, :words)"), rows)

    def drop(self, connection: Connection, number: int, documents: Iterable[Document]) -> None:
        if rows := self._rows(number, documents):
            connection.execute(
                text("INSERT INTO chat_search (chat_search, rowid, words) VALUES ('delete', :place, :words)"), rows
            )

    def hits(self, searched: Query) -> Subquery:
        match = " ".join([*(f'"{word}"' for word in searched.whole), f'"{searched.prefix}" *'])
        number: Any = literal_column(f"chat_search.rowid >> {self._SHIFT}", BigInteger).label("number")
        message: Any = literal_column(f"chat_search.rowid & {(1 << self._SHIFT) - 1}", BigInteger)
        return (
            select(number, func.max(message).label("message"))
            .select_from(table("chat_search"))
            .where(text("chat_search MATCH :match").bindparams(match=match))
            .group_by(number)
            .subquery("hits")
        )

    def _rows(self, number: int, documents: Iterable[Document]) -> list[dict[str, Any]]:
        found = ((message, " ".join(words(content))) for message, content in documents)
        return [{"place": (number << self._SHIFT) | message, "words": line} for message, line in found if line]


class TsvectorIndex(SearchIndex):
    """PostgreSQL: a table of ``tsvector`` with a GIN index. The words are lexemes as they are, no dictionary."""

    _MOST_BYTES: Final = 500_000
    """A tsvector holds 1 MiB at most; words beyond half of that are not found."""

    def create(self, connection: Connection) -> None:
        connection.execute(
            text(
                "CREATE TABLE chat_search (number bigint NOT NULL, message bigint NOT NULL, words tsvector NOT NULL, "
                "PRIMARY KEY (number, message))"
            )
        )
        connection.execute(text("CREATE INDEX chat_search_words ON chat_search USING gin (words)"))

    def put(self, connection: Connection, number: int, documents: Iterable[Document]) -> None:
        rows = [{"number": number, "message": message, "words": self._lexemes(t)} for message, t in documents]
        if rows:
            connection.execute(
                text("INSERT INTO chat_search VALUES (:number, :message, array_to_tsvector(CAST(:words AS text[])))"),
                rows,
            )

    def drop(self, connection: Connection, number: int, documents: Iterable[Document]) -> None:
        ids = [message for message, _ in documents]
        connection.execute(
            text("DELETE FROM chat_search WHERE number = :number AND message = ANY(:messages)"),
            {"number": number, "messages": ids},
        )

    def hits(self, searched: Query) -> Subquery:
        match = " & ".join([*(f"'{word}'" for word in searched.whole), f"'{searched.prefix}':*"])
        number: Any = column("number", BigInteger)
        message: Any = column("message", BigInteger)
        return (
            select(number, func.max(message).label("message"))
            .select_from(table("chat_search"))
            .where(text("chat_search.words @@ CAST(:match AS tsquery)").bindparams(match=match))
            .group_by(number)
            .subquery("hits")
        )

    def _lexemes(self, content: str) -> list[str]:
        kept: list[str] = []
        size = 0
        for word in words(content):
            size += len(word.encode()) + 8
            if size > self._MOST_BYTES:
                break
            kept.append(word)
        return kept


def index_for(dialect: str) -> SearchIndex:
    """The index of a database (``sqlite`` or ``postgresql``)."""
    return Fts5Index() if dialect == "sqlite" else TsvectorIndex()
