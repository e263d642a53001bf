"""The conversation starters are well-formed, and found by category and tag."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from assistants.chat.templates import categories, select, template, templates
from memory.archive import Archive
from tests.memory.archive.talk import turn


def test_there_are_starters_for_everybody() -> None:
    assert len(templates()) >= 20
    assert len({known.id for known in templates()}) == len(templates())
    assert sum(count for _, count in categories()) == len(templates())
    assert categories()[0] == ("Getting started", 2)


def test_a_starter_is_found_by_its_id() -> None:
    found = template("tell-a-joke")

    assert found is not None
    assert found.prompt == "Tell me a joke!"
    assert template("no-such-starter") is None


def test_starters_are_selected_by_category_and_tags() -> None:
    assert {known.category for known in select("programming")} == {"Programming"}
    assert {known.id for known in select(tags=["CODE", "learning"])} == {"explain-code"}
    assert select() == templates()
    assert select("no such category") == ()


def test_the_tags_of_all_starters_suit_the_archive(tmp_path: Path) -> None:
    with closing(Archive(f"sqlite:///{tmp_path / 'chats.db'}")) as archive:
        archive.migrate()
        for known in templates():
            archive.record(known.id, "", turn("t1", known.prompt), tags=known.tags)

        tagged = {chat.session_id: set(chat.tags) for chat in archive.names(limit=100)[0]}

    assert tagged == {known.id: set(known.tags) for known in templates()}
