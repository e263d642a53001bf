"""What a forecast speaks of, put into a real Redis through the store's own scripts, and weighed there."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final, cast
from uuid import UUID

import redis

from memory.capacity.forecast import Assistant, Costs, Forecast, forecast, kept_turns, key_tables, record_of
from memory.capacity.texts import rows, sample
from memory.capacity.workload import Workload
from memory.owners import NAMESPACE as OWNERS
from memory.session import Key, Session, Turn
from memory.stores import scripts
from memory.stores.base import Closing, Commit, Counted
from memory.stores.keys import index_keys, subject_keys
from memory.stores.redis import Client, RedisStore
from memory.stores.refusals import answering

AT_ONCE: Final = 500
"""Calls in one piece: about 30 ms of Redis' time, and other clients get theirs between them."""

USERS: Final = 3_000
"""Of each policy, for ``measure``: in two days they leave some 6 MB."""

FIRST: Final = 100
"""Of each policy, before it is weighed: Redis takes 20 kB for every command that is used for the first time."""


@dataclass(slots=True)
class _Step:
    """One commit of a subject: with a turn or without; ``ends`` by the turn itself, ``closes`` after it."""

    turn: Turn | None = None
    attributes: dict[str, Any] | None = None
    ends: bool = False
    closes: bool = False
    outlives: bool = False


@dataclass(slots=True)
class _Subject:
    key: Key
    owner: str = ""
    keyed: bool = False
    steps: list[_Step] = field(default_factory=list)


def measure(url: str, workload: Workload, costs: Costs) -> Costs:
    """``costs`` with the ratio of this Redis, a single server. Nothing that is there is touched; nothing stays.

    Others who write to it meanwhile are measured along. Raises what a store raises.
    """
    mark = f"capacity{secrets.token_hex(3)}"
    mixes = tuple(replace(mix, name=f"{mark}-{mix.name}", share=1.0) for mix in workload.mixes)
    some = replace(workload, mixes=mixes, users=USERS * len(mixes), days=2)
    told = forecast(some, most=1_000_000_000)
    first = forecast(replace(some, users=FIRST * len(mixes)))
    with answering(), redis.Redis.from_url(url, socket_timeout=30, socket_connect_timeout=2) as client:
        owners = f"{mark}-owners"
        filled: list[Key] = []
        try:
            for each in first.assistants:
                filled += fill(client, some, each, told.peak, owners=owners)
            before, keys_before = weigh(client), client.dbsize()
            for each in told.assistants:
                filled += fill(client, some, each, told.peak, owners=owners)
            grown, keys = weigh(client) - before, client.dbsize() - keys_before
        finally:
            _remove(client, filled, [mix.name for mix in mixes] + [owners])
    expected = told_bytes(told) - key_tables(keys) + key_tables(keys_before + keys) - key_tables(keys_before)
    return replace(costs, ratio=grown / expected)


def told_bytes(told: Forecast) -> float:
    """What the forecast says of sessions and their tables at its fullest minute: neither series nor connections."""
    return sum(float(each.bytes[told.peak]) for each in told.assistants) + told.shared["tables"]


def weigh(client: redis.Redis) -> int:
    """``used_memory``, without what connections and the file hold for a moment."""
    told: dict[str, Any] = client.info("memory")
    return int(told["used_memory"]) - int(told["mem_clients_normal"]) - int(told["mem_aof_buffer"])


def fill(client: redis.Redis, workload: Workload, each: Assistant, minute: int, *, owners: str = OWNERS) -> list[Key]:
    """Store what an assistant has at a minute; whose keys were written. The calls are the store's, sent in pieces."""
    chance = Random(f"{each.mix.name} {each.users}")  # other names for other sizes
    turns = sample(workload, seed=2)
    subjects = [*_subjects(each, workload, minute, turns, chance), *_owners(each, workload, minute, chance, owners)]
    for script in (scripts.CLAIM, scripts.COMMIT, scripts.CLOSE):
        client.script_load(script.source)
    writer = _Writer(client, each, workload, kept_turns(each.mix, rows(turns)))
    for begin in range(0, len(subjects), AT_ONCE):
        writer.write(subjects[begin : begin + AT_ONCE])
    return [subject.key for subject in subjects]


def _subjects(
    each: Assistant, workload: Workload, minute: int, turns: Sequence[Turn], chance: Random
) -> Iterator[_Subject]:
    """Subjects that have between them what the day says, however it was spread over them."""
    day, mix = each.day, each.mix
    lists = [rows for rows, some in enumerate(day.lists[:, minute]) for _ in range(round(float(some)))]
    ended = [count for count, some in enumerate(day.ended[:, minute]) for _ in range(round(float(some)))]
    chance.shuffle(lists)
    sessions, lasts = round(float(day.sessions[minute])), round(float(day.lasts[minute]))

    def subject() -> _Subject:
        name = _name(chance, workload, own_id=mix.subject == "session")
        owner = "o" * workload.user_id if mix.subject == "session" and workload.owners else ""
        return _Subject(Key(mix.name, name), owner, chance.random() < workload.keyed)

    def said(whose: _Subject) -> _Step:
        letters = chance.choices(string.ascii_letters, k=16 if whose.keyed else 11)
        return _Step(replace(chance.choice(turns), id="".join(letters)))

    document = {"cart": "x" * (mix.document - len('{"cart":""}'))} if mix.document else None
    for _ in range(sessions):
        one = subject()
        one.steps = [said(one) for _ in range(lists.pop())] if lists else [_Step()]
        one.steps[0].attributes = document
        yield one
    for count in ended:
        one = subject()
        one.steps = [_Step(closes=True) for _ in range(count)]
        if lists:  # turns that outlive their session
            one.steps[-1:] = [said(one) for _ in range(lists.pop())]
            one.steps[-1].closes = one.steps[-1].outlives = True
        elif lasts:
            lasts -= 1
            one.steps[-1] = said(one)
            one.steps[-1].ends = True
        yield one


def _owners(each: Assistant, workload: Workload, minute: int, chance: Random, namespace: str) -> Iterator[_Subject]:
    """Documents that list as many sessions between them."""
    some, listed = (round(float(count[minute])) for count in (each.day.owners, each.day.owned))
    for left in range(some, 0, -1):
        count = round(listed / left)
        listed -= count
        ids = {_name(chance, workload, own_id=True): 1_790_000_000_000 for _ in range(count)}
        step = _Step(attributes={"sessions": {each.mix.name: ids}})
        yield _Subject(Key(namespace, _name(chance, workload, own_id=False)), steps=[step])


def _name(chance: Random, workload: Workload, *, own_id: bool) -> str:
    if own_id:
        return str(UUID(bytes=chance.randbytes(16), version=4))
    return "".join(chance.choices(string.ascii_lowercase + string.digits, k=workload.user_id))


class _Noting:
    """Stands in for a client: notes what a store asks for, and says that it went well. ``send`` asks in one piece."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._calls: list[tuple[tuple[Any, ...], bytes]] = []
        self.answer = b""

    def execute_command(self, *command: Any) -> bytes:
        self._calls.append((command, self.answer))
        return self.answer

    def send(self) -> None:
        replies = _piped(self._client, [command for command, _ in self._calls])
        if replies != [answer for _, answer in self._calls]:
            raise RuntimeError("this Redis answered otherwise than it should: does anybody else use these keys?")
        self._calls.clear()


def _piped(client: redis.Redis, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
    with client.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)  # type: ignore[no-untyped-call]
        return list(pipe.execute())


class _Writer:
    """Takes the steps of many subjects at a time: all their leases, then all their commits."""

    def __init__(self, client: redis.Redis, each: Assistant, workload: Workload, keep: int) -> None:
        self._client = client
        self._noting = _Noting(client)
        self._store = RedisStore(lambda: cast("Client", self._noting))
        self._mix, self._policy = each.mix, each.mix.policy
        self._keep = keep
        seconds, micros = client.time()
        self._now = int(seconds) * 1000 + int(micros) // 1000

    def write(self, subjects: Sequence[_Subject]) -> None:
        for number in range(max(len(subject.steps) for subject in subjects)):
            these = [subject for subject in subjects if number < len(subject.steps)]
            for subject, fence in zip(these, self._claim(these), strict=True):
                self._step(subject, fence, number)
            self._noting.send()

    def _claim(self, subjects: Sequence[_Subject]) -> list[int]:
        """The fences of their leases."""
        self._noting.answer = b""
        calls = []
        for subject in subjects:
            own = subject_keys(subject.key)
            keys = (*own.of_session, own.ended)
            calls.append(("EVALSHA", scripts.CLAIM.digest, len(keys), *keys, 0, "capacity", 60_000, "", 0))
        return [int(reply[2]) for reply in _piped(self._client, calls)]

    def _step(self, subject: _Subject, fence: int, number: int) -> None:
        step, now = subject.steps[number], self._now
        session = Session(subject.key, now, now, number + 1, subject.owner)
        record = record_of(self._mix, subject.owner, now)
        until = None if self._policy.history_ttl is None else now + round(self._policy.history_ttl * 1000)
        commit = Commit(
            session=session,
            turn=step.turn,
            deadline=now + 3_600_000,
            keep_turns=self._keep,
            max_bytes=self._policy.max_bytes,
            counted=Counted(now),
            replayable=subject.keyed and step.turn is not None,
            history_until=None if step.ends or step.turn is None else until,
            attributes=step.attributes,
            closing=Closing(record) if step.ends else None,
        )
        self._noting.answer = b"stored"
        self._store.commit(subject.key, fence, commit)
        if step.closes:
            self._noting.answer = b"closed"
            closing = Closing(record, until if step.outlives else None)
            self._store.close(session, closing, Counted(now))


def _remove(client: redis.Redis, keys: Iterable[Key], namespaces: Iterable[str]) -> None:
    names = [name for key in keys for own in (subject_keys(key),) for name in (*own.of_session, own.ended)]
    for namespace in namespaces:
        for index in ("deadlines", "histories", "records"):
            names += index_keys(namespace, index)
    for begin in range(0, len(names), AT_ONCE):
        client.unlink(*names[begin : begin + AT_ONCE])
