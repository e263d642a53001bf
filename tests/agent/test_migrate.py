"""Conversations of LangChain's older Redis history come over whole, once, and in order."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agent.registry import find
from memory import SessionChatMessageHistory, SessionEngine, SessionPolicy, open_store
from tests.servers import RedisServer

# The old package warns of itself.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TALK = [
    HumanMessage("Weather in Rome?"),
    AIMessage("", tool_calls=[{"name": "weather", "args": {"city": "Rome"}, "id": "1", "type": "tool_call"}]),
    ToolMessage("18 °C", tool_call_id="1"),
    AIMessage("Sunny, 18 °C"),
    HumanMessage("Thanks"),
    AIMessage("You are welcome"),
]


def test_old_histories_become_sessions_once(start_redis: Callable[..., RedisServer], redis_url: str) -> None:
    from langchain_community.chat_message_histories import RedisChatMessageHistory

    from agent.migrate import migrate, subjects

    old = start_redis().url()
    RedisChatMessageHistory("ada", url=old).add_messages(TALK)
    engine = SessionEngine(open_store(redis_url), SessionPolicy(inactivity=900), namespace="migrated")

    assert list(subjects(old)) == ["ada"]
    assert [migrate(old, engine, "ada"), migrate(old, engine, "ada"), migrate(old, engine, "nobody")] == [
        "moved",
        "kept",
        "empty",
    ]
    assert SessionChatMessageHistory(engine, "ada").messages == TALK
    assert [turn.response for turn in engine.history("ada")] == ["Sunny, 18 °C", "You are welcome"]


def test_the_command_says_what_it_did_and_what_is_wrong(own_redis: RedisServer) -> None:
    def run(target: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "ignore", "-m", "agent.migrate", "--assistant", min(find())]
        return subprocess.run(
            [*command, "--from", own_redis.url(), "--to", target],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=60,
        )

    done, wrong = run(own_redis.url()), run("mysql://x")

    assert (done.returncode, "0 moved" in done.stdout) == (0, True)
    assert (wrong.returncode, "a store URL begins with" in " ".join(wrong.stdout.split())) == (1, True)
