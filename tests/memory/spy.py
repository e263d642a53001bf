"""What a Redis server was asked: the commands of clients and those of scripts, as MONITOR tells them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from tests.servers import RedisServer


@dataclass(slots=True)
class Asked:
    """``commands``: names, upper-case, in order, each of which a client sent; ``inner``: those that scripts called."""

    commands: list[str] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)


@contextmanager
def watching(servers: Sequence[RedisServer]) -> Iterator[Asked]:
    """Everything that is asked within the block; filled in at its end."""
    asked = Asked()
    with ExitStack() as stack:
        watched = []
        for server in servers:
            watcher = stack.enter_context(server.client(socket_timeout=10))
            teller = stack.enter_context(server.client())
            teller.ping()
            watched.append((stack.enter_context(watcher.monitor()), teller))
        yield asked
        for monitor, teller in watched:
            mark = uuid4().hex
            teller.execute_command("ECHO", mark)
            while True:
                told = monitor.next_command()
                command = told["command"]
                if command == f"ECHO {mark}":
                    break
                name = command.split(" ", 1)[0].upper()
                (asked.inner if told["client_type"] == "lua" else asked.commands).append(name)
