"""The chat on the session engine and the archive: out of memory after an hour, back with the next message."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.assistant import TurnContext
from agent.conversation import Conversation, Request, Workers
from agent.models import Models, ModelSettings
from assistants.chat import ASSISTANT
from memory import FinishedTurn, SessionEngine, open_store
from memory.archive import Archive, ArchiveUnavailable
from tests.assistants.chat_conversation import NOW

MINUTE = 60_000


class Server:
    """The assistant on an in-process store whose clock is moved by hand, with an archive in a file."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.file = folder / "chats.db"
        self.archive = Archive(f"sqlite:///{self.file}", busy_timeout=0.1)
        self.archive.migrate()
        self.engine = SessionEngine(
            open_store("memory://", clock=lambda: self.now),
            ASSISTANT.policy,
            namespace=ASSISTANT.name,
            archive=self.archive,
        )
        self.workers = Workers(4)
        self._conversation = Conversation(ASSISTANT, self.engine, Models(ModelSettings()), self.workers)

    def says(self, message: str, *, after: int = 1_000, max_history: int | None = None) -> FinishedTurn:
        """Somebody says ``message`` in session s1, ``after`` so many milliseconds."""
        self.now += after
        return self._conversation.run(Request("s1", message, owner="ada", shown_turns=max_history)).finished

    def close(self) -> None:
        self.workers.drain(5)
        self.engine.leases.close()
        self.engine.store.close_store()
        self.archive.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with closing(Server(tmp_path)) as running:
        yield running


def test_a_turn_is_in_the_archive_when_it_is_told(server: Server) -> None:
    told = server.says("My name is Ada").turn

    assert told.response == "Nice to meet you, **Ada**! What can I do for you?"
    assert server.archive.window("s1", 1) == [told]
    row = server.archive.session("s1")
    assert row is not None
    assert (row.owner, row.chat_name, row.message_count) == ("ada", "My name is Ada", 2)


def test_after_an_hour_it_is_out_of_memory_and_back_with_the_next_message(server: Server) -> None:
    first = server.says("My name is Ada and I live in London")

    back = server.says("What is my name?", after=61 * MINUTE)

    assert back.session.started > first.session.started, "another session"
    assert back.turn.response == "Your name is **Ada**."
    assert server.says("Where do I live?").turn.response == "You live in **London**."
    assert server.archive.session("s1").message_count == 6  # type: ignore[union-attr]


def test_the_window_is_ten_turns_also_from_the_archive(server: Server) -> None:
    server.says("My name is Ada")
    for _ in range(9):
        server.says("2+2")

    assert server.says("What is my name?", after=61 * MINUTE).turn.response == "Your name is **Ada**."
    assert server.says("What is my name?", after=61 * MINUTE).turn.response.startswith("You haven't told me")
    assert server.says("What is my name?", max_history=50).turn.response == "Your name is **Ada**."
    assert server.says("What is my name?", max_history=0).turn.response.startswith("You haven't told me")


def test_a_cleared_conversation_is_not_remembered(server: Server) -> None:
    server.says("My name is Ada")
    server.archive.clear("s1")

    assert server.says("What is my name?", after=61 * MINUTE).turn.response.startswith("You haven't told me")


def test_a_locked_archive_is_told_before_anything_is_acknowledged(server: Server) -> None:
    server.says("My name is Ada")
    with closing(sqlite3.connect(server.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ArchiveUnavailable):
            server.says("I live in London")
        other.execute("ROLLBACK")

    assert server.says("Where do I live?").turn.response.startswith("You haven't told me"), "nothing of it was kept"
    assert server.says("What is my name?").turn.response == "Your name is **Ada**."
    assert server.archive.session("s1").message_count == 6  # type: ignore[union-attr]
    assert len(server.archive.history("s1")) == 6


def test_the_model_is_told_the_date() -> None:
    context = TurnContext(assistant="chat", subject="s1", message="Hi", now=NOW)

    assert ASSISTANT.before(context) == "Now it is Friday, 20 November 2026, 10:30 UTC."
