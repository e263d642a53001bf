"""Other people's ways to keep a conversation, as their documentation has it: LangChain's histories, LangGraph's savers.

What is not installed, or wants a server that is not there, is named with the reason.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from importlib import import_module
from pathlib import Path
from typing import Any

import redis
from langchain_community.chat_message_histories import RedisChatMessageHistory
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from benchmarks.contenders import Contender, Place, text, used

TTL = 86_400


class NotHere(Exception):
    """Why a peer can't be measured on this machine."""


def peers(place: Place, stack: ExitStack, missing: dict[str, str]) -> Iterator[Contender]:
    """Those that can be measured; the others go into ``missing`` with the reason."""
    makers: dict[str, Callable[[str, Place, ExitStack], Contender]] = {
        "langchain-community, reused": _community_reused,
        "langchain-community, made per turn": _community_made,
        "langchain-redis": _langchain_redis,
        "LangGraph, no saver": _without_saver,
        "LangGraph, memory": _memory,
        "LangGraph, SQLite": _sqlite,
        "LangGraph, Postgres": _postgres,
        "LangGraph, Redis": _redis("langgraph.checkpoint.redis", "RedisSaver"),
        "LangGraph, Redis, shallow": _redis("langgraph.checkpoint.redis.shallow", "ShallowRedisSaver"),
    }
    for name, make in makers.items():
        try:
            yield make(name, place, stack)
        except NotHere as reason:
            missing[name] = str(reason)


def said(messages: int) -> list[BaseMessage]:
    """A conversation of so many messages."""
    return [AIMessage(text()) if number % 2 else HumanMessage(text()) for number in range(messages)]


# --- histories --------------------------------------------------------------------------------------------------------


def _history(name: str, history: Callable[[str], Any], held: Callable[[], int] | None) -> Contender:
    def turn(subject: str) -> None:
        own = history(subject)
        _ = own.messages
        own.add_messages(said(2))

    return Contender(name, turn, lambda subject, messages: history(subject).add_messages(said(messages)), held)


def _community_reused(name: str, place: Place, stack: ExitStack) -> Contender:
    kept: dict[str, RedisChatMessageHistory] = {}

    def history(subject: str) -> RedisChatMessageHistory:
        if subject not in kept:
            kept[subject] = RedisChatMessageHistory(subject, place.redis_url, key_prefix="community:", ttl=TTL)
        return kept[subject]

    return _history(name, history, None)  # each has a connection of its own, whose buffers outweigh what it keeps


def _community_made(name: str, place: Place, stack: ExitStack) -> Contender:
    def history(subject: str) -> RedisChatMessageHistory:
        return RedisChatMessageHistory(subject, place.redis_url, key_prefix="made:", ttl=TTL)

    return _history(name, history, used(place))


def _langchain_redis(name: str, place: Place, stack: ExitStack) -> Contender:
    _ask_for_modules(place)
    made = _installed("langchain_redis", "langchain-redis").RedisChatMessageHistory
    client = redis.Redis.from_url(place.redis_url)
    stack.callback(client.close)
    return _history(name, lambda subject: made(subject, redis_client=client, ttl=TTL), used(place))


# --- LangGraph --------------------------------------------------------------------------------------------------------


def _graph(saver: Any) -> Any:
    """The smallest graph that answers, so that nearly all of a turn is LangGraph's own."""
    builder: Any = StateGraph(MessagesState)
    builder.add_node("model", lambda _: {"messages": [AIMessage(text())]})
    builder.add_edge(START, "model")
    return builder.compile(checkpointer=saver)


def _saved(name: str, saver: Any, held: Callable[[], int] | None, *, remote: bool) -> Contender:
    graph = _graph(saver)

    def turn(subject: str) -> None:
        graph.invoke({"messages": [HumanMessage(text())]}, {"configurable": {"thread_id": subject}})

    def fill(subject: str, messages: int) -> None:
        if messages:
            graph.update_state({"configurable": {"thread_id": subject}}, {"messages": said(messages)})

    return Contender(name, turn, fill, held, remote)


def _without_saver(name: str, place: Place, stack: ExitStack) -> Contender:
    """What the graph itself costs, the program keeping the messages in a dictionary."""
    graph = _graph(None)
    kept: dict[str, list[BaseMessage]] = {}

    def turn(subject: str) -> None:
        kept[subject] = graph.invoke({"messages": [*kept.get(subject, []), HumanMessage(text())]})["messages"]

    return Contender(name, turn, lambda subject, messages: kept.update({subject: said(messages)}), remote=False)


def _memory(name: str, place: Place, stack: ExitStack) -> Contender:
    return _saved(name, InMemorySaver(), None, remote=False)


def _sqlite(name: str, place: Place, stack: ExitStack) -> Contender:
    saver = _installed("langgraph.checkpoint.sqlite", "langgraph-checkpoint-sqlite").SqliteSaver
    file = place.folder / "langgraph.sqlite"
    return _saved(
        name, stack.enter_context(saver.from_conn_string(str(file))), lambda: _size_of_sqlite(file), remote=False
    )


def _size_of_sqlite(file: Path) -> int:
    if file.exists():
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file.stat().st_size if file.exists() else 0


def _postgres(name: str, place: Place, stack: ExitStack) -> Contender:
    saver = _installed("langgraph.checkpoint.postgres", "langgraph-checkpoint-postgres").PostgresSaver
    if place.postgres_url is None:
        raise NotHere("needs a PostgreSQL, and none is installed")
    pool_class = _installed("psycopg_pool", "psycopg-pool").ConnectionPool
    rows = import_module("psycopg.rows")
    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": rows.dict_row}
    pool = stack.enter_context(pool_class(place.postgres_url, min_size=1, max_size=8, kwargs=options))
    made = saver(pool)
    made.setup()

    def held() -> int:
        with pool.connection() as connection:
            found = connection.execute("SELECT pg_database_size(current_database()) AS bytes").fetchone()
        return int(found["bytes"])

    return _saved(name, made, held, remote=True)


def _redis(module: str, saver: str) -> Callable[[str, Place, ExitStack], Contender]:
    def make(name: str, place: Place, stack: ExitStack) -> Contender:
        _ask_for_modules(place)
        made = getattr(_installed(module, "langgraph-checkpoint-redis"), saver)(redis_url=place.redis_url)
        made.setup()
        return _saved(name, made, used(place), remote=True)

    return make


# --- what is there ----------------------------------------------------------------------------------------------------


def _ask_for_modules(place: Place) -> None:
    """Redis 8 has them; before it they were Redis Stack's."""
    with redis.Redis.from_url(place.redis_url) as client:
        modules: Any = client.module_list()
        if not any(module[b"name"] == b"search" for module in modules):
            version = client.info("server")["redis_version"]
            raise NotHere(f"needs RediSearch, which this Redis {version} does not have")


def _installed(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise NotHere(f"{package} is not installed") from error
