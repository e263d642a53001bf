"""Tables are made and brought up to date at every start, by however many processes start."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text

from memory.archive import Archive, ArchiveUnavailable
from memory.archive.tables import metadata
from tests.memory.archive.talk import NOON, ids, talk

ROOT = Path(__file__).parents[3]

DETAIL = f'{{"started":1,"began":{NOON},"took":9,"messages":[["human"],["ai"]]}}'
FIRST_REVISION_ROWS = [
    f"""INSERT INTO chat_sessions (session_id, number, owner, chat_name, created_at, last_activity, message_count)
        VALUES ('old', 7, 'alice', 'An old friend', {NOON}, {NOON + 9}, 2)""",
    f"""INSERT INTO chat_messages (session_id, turn_id, sender, content, timestamp, detail)
        VALUES ('old', 't1', 'Human', 'Where are the flamingos?', {NOON}, NULL),
               ('old', 't1', 'AI', 'At the lake', {NOON + 9}, '{DETAIL}')""",
]


def run_sql(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_second_start_changes_nothing(archive_url: str) -> None:
    with closing(Archive(archive_url)) as archive:
        archive.migrate()
        talk(archive, "s1", [("Hello", "Hi")])
        before = archive.export("s1")

        archive.migrate()

        assert archive.export("s1") == before


def test_an_older_database_keeps_its_conversations_and_finds_them(archive_url: str) -> None:
    with closing(Archive(archive_url)) as archive:
        archive.migrate("0001")
        run_sql(archive_url, *FIRST_REVISION_ROWS)

        archive.migrate()

        assert [entry.content for entry in archive.history("old")] == ["Where are the flamingos?", "At the lake"]
        assert archive.window("old", 1)[0].response == "At the lake"
        assert ids(archive, q="flamingo") == ids(archive, q="friend") == ["old"]
        talk(archive, "new", [("And the flamingos?", "Gone")])
        assert sorted(ids(archive, q="flamingos")) == ["new", "old"]
        assert archive.delete("old")
        assert ids(archive, q="lake") == []


def test_migrations_make_the_tables_that_queries_expect(archive_url: str) -> None:
    with closing(Archive(archive_url)) as archive:
        archive.migrate()
    engine = create_engine(archive_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [
            difference
            for difference in compare_metadata(context, metadata)
            if "chat_search" not in repr(difference)  # each database's own, made by hand
        ]
    engine.dispose()

    assert differences == []


def test_processes_that_start_at_once_make_the_tables_once_and_share_them(archive_url: str) -> None:
    program = (
        "import sys; from memory.archive import Archive; from tests.memory.archive.talk import talk, turn\n"
        "url, me = sys.argv[1:]; archive = Archive(url); archive.migrate()\n"
        "talk(archive, me, [('Hello', 'Hi')])\n"
        "for n in range(30): archive.record('shared', '', turn(f'{me}-{n}', at=n))\n"
        "archive.close()"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, archive_url, f"s{n}"], cwd=ROOT, stderr=subprocess.PIPE)
        for n in range(3)
    ]

    failures = [error.decode() for process in started if (error := process.communicate(timeout=60)[1])]

    assert failures == []
    with closing(Archive(archive_url)) as archive:
        assert sorted(ids(archive)) == ["s0", "s1", "s2", "shared"]
        assert len(archive.history("shared")) == archive.names()[0][-1].message_count == 3 * 30 * 2


def test_threads_that_start_at_once_make_the_tables_once(archive_url: str) -> None:
    with closing(Archive(archive_url)) as archive, ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(archive.migrate) for _ in range(6)]:
            done.result()

        archive.ping()


def test_a_database_of_a_newer_version_is_left_alone(archive_url: str) -> None:
    with closing(Archive(archive_url)) as archive:
        archive.migrate()
        run_sql(archive_url, "UPDATE alembic_version SET version_num = '9999'")

        with pytest.raises(ArchiveUnavailable, match="newer version"):
            archive.migrate()


def test_a_failed_migration_leaves_the_database_as_it_was(sqlite_url: str) -> None:
    with closing(Archive(sqlite_url)) as archive:
        archive.migrate("0001")
        run_sql(sqlite_url, *FIRST_REVISION_ROWS, "CREATE TABLE chat_search (in_the_way integer)")

        with pytest.raises(Exception, match="chat_search"):
            archive.migrate()

        engine = create_engine(sqlite_url)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "0001"
            assert connection.execute(text("SELECT count(*) FROM sqlite_master WHERE name = 'chat_tags'")).scalar() == 0
        engine.dispose()
        run_sql(sqlite_url, "DROP TABLE chat_search")
        archive.migrate()
        assert ids(archive, q="flamingos") == ["old"]
