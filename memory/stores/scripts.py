"""The Lua scripts of the Redis store, each documented in the head of its file under ``lua/``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

import redis


class Script:
    """Lua files with ``common.lua`` in front, run by their digest; a server that lost them is given them again."""

    def __init__(self, *names: str) -> None:
        folder = resources.files("memory.stores") / "lua"
        self.source = "".join((folder / f"{name}.lua").read_text() for name in ("common", *names))
        self.digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: Any, keys: Sequence[str], *arguments: Any) -> Any:
        try:
            return client.execute_command("EVALSHA", self.digest, len(keys), *keys, *arguments)
        except redis.exceptions.NoScriptError:
            return client.execute_command("EVAL", self.source, len(keys), *keys, *arguments)


CLAIM, COMMIT, CLOSE, RENEW = Script("claim"), Script("commit"), Script("close"), Script("renew")
RELEASE, STOP, READ = Script("release"), Script("stop"), Script("read")
ATTRIBUTES, FORGET, VANISHED = Script("attributes"), Script("forget"), Script("vanished")
TIME, PROBE, RECOUNT = Script("time"), Script("probe"), Script("recount")
CONTENT, MERGE = Script("merging", "content"), Script("merging", "merge")
