"""A real PostgreSQL for tests: a private cluster on a free loopback port, gone with the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from uuid import uuid4

import psycopg

from tests.processes import LOOPBACK, ChildProcess, Service, free_port, program, wait_until

SUPERUSER = "postgres"
# Debian keeps the programs out of the path, by version.
FOLDERS = [str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
# A commit survives a SIGKILL without waiting for the disk: what was written is the kernel's by then.
QUICK_BUT_DURABLE = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=64MB")
START_TRIES = 50


class PostgresServer(Service):
    """One PostgreSQL; ``database()`` makes an empty database in it. Run by root, it runs as the user ``postgres``.

    ``port`` stays the same through ``restart``, so that a client sees one server that was away.
    """

    def __init__(self) -> None:
        self._initdb = program("initdb", *FOLDERS)
        self._binary = program("postgres", *FOLDERS)
        # PostgreSQL refuses to be root; setpriv becomes the program, so that signals reach it.
        self._as = [program("setpriv"), "--reuid", SUPERUSER, "--regid", SUPERUSER, "--clear-groups"]
        if os.geteuid() != 0:
            self._as = []
        # Not in pytest's folder, into which only the user who runs the tests can see.
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.port = free_port()
        self._process: ChildProcess | None = None

    def start(self) -> Self:
        if self._as:
            owner = pwd.getpwnam(SUPERUSER)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        subprocess.run(
            [
                *(*self._as, self._initdb, "--pgdata", str(self.folder / "data"), "--username", SUPERUSER),
                *("--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
        )
        self._launch()
        return self

    def stop(self) -> None:
        """End it at once, whoever is connected, and forget its data."""
        if self._process is not None:
            self._process.signal(signal.SIGINT)
            self._process.stop()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL: connections break, and new ones are refused."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        """Start it again, with its data, after ``kill``: as soon as the last process of the killed one is gone."""
        for left in reversed(range(START_TRIES)):
            try:
                self._launch()
            except RuntimeError:
                if left == 0:
                    raise
                time.sleep(0.1)
            else:
                return

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy's address of a database."""
        return f"postgresql+psycopg://{SUPERUSER}@{LOOPBACK}:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a new, empty database, dropped at the end."""
        name = f"test_{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        with self._connection() as connection:
            connection.execute(statement.encode())

    def _connection(self) -> psycopg.Connection:
        return psycopg.connect(
            host=LOOPBACK, port=self.port, user=SUPERUSER, dbname="postgres", autocommit=True, connect_timeout=2
        )

    def _launch(self) -> None:
        process = ChildProcess(
            [
                *(*self._as, self._binary, "-D", str(self.folder / "data"), "-p", str(self.port)),
                *("-c", f"listen_addresses={LOOPBACK}", "-c", "unix_socket_directories=", *QUICK_BUT_DURABLE),
            ],
            log=self.folder / "postgres.log",
            cwd=self.folder,
        )
        self._process = process
        wait_until(lambda: not process.running or self._answers(), f"PostgreSQL on port {self.port}")
        if not process.running:
            raise RuntimeError(f"postgres ended at its start:\n{process.last_words()}")

    def _answers(self) -> bool:
        try:
            self._connection().close()
        except psycopg.OperationalError:
            return False
        return True
