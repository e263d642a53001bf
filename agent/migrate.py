"""Brings conversations over from LangChain's older ``RedisChatMessageHistory`` into sessions.

    python -m agent.migrate --from redis://old:6379/0 --to redis://localhost:6379/0 --assistant weather

Each old history becomes the session of a user of the same name, its turns whole and in order; what is already there is
left alone, so it can be run again. The old histories stay where they are. The only file that imports
langchain-community, which is no longer maintained.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator

import redis
from langchain_community.chat_message_histories import RedisChatMessageHistory
from rich.console import Console
from rich.progress import track

from agent.registry import find
from memory import ParleyError, SessionChatMessageHistory, SessionEngine, open_store

PREFIX = "message_store:"
"""What the old histories' keys begin with, unless they were told otherwise."""


def subjects(url: str, prefix: str = PREFIX) -> Iterator[str]:
    """The session ids of the old histories, found in pieces."""
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter(match=f"{prefix}*", count=500):
            yield key.decode().removeprefix(prefix)


def migrate(url: str, engine: SessionEngine, subject: str, prefix: str = PREFIX) -> str:
    """Bring one history over: ``moved``, ``empty``, or ``kept`` where the subject has a session already."""
    if engine.session(subject) is not None:
        return "kept"
    messages = RedisChatMessageHistory(subject, url=url, key_prefix=prefix).messages
    if not messages:
        return "empty"
    SessionChatMessageHistory(engine, subject).add_messages(messages)
    return "moved"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--from", dest="source", required=True, help="URL of the Redis with the old histories")
    options.add_argument("--to", dest="target", required=True, help="URL of the store to bring them to")
    options.add_argument("--assistant", required=True, help="whose sessions they become")
    options.add_argument("--prefix", default=PREFIX, help=f"what the old keys begin with (default: {PREFIX})")
    chosen = options.parse_args()
    console, done = Console(), Counter[str]()
    try:
        engine = SessionEngine(open_store(chosen.target), find()[chosen.assistant].policy, namespace=chosen.assistant)
        for subject in track(list(subjects(chosen.source, chosen.prefix)), "Moving histories", console=console):
            done[migrate(chosen.source, engine, subject, chosen.prefix)] += 1
    except (ParleyError, LookupError, ValueError, redis.RedisError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    console.print(f"{done['moved']} moved, {done['kept']} had a session already, {done['empty']} were empty.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
