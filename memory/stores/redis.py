"""Sessions in Redis or Valkey (≥ 6.2): a single server, Sentinel or a cluster, with nothing but plain commands and Lua.

Keys are named in ``keys.py``, what is in them in ``codec.py``; the scripts in ``lua/`` compare, then set. Each public
method is one round trip unless it says otherwise.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import redis
from redis.cluster import RedisCluster

from memory.clock import now_ms
from memory.codec import (
    CorruptRow,
    decode_document,
    decode_ended,
    decode_turns,
    encode_document,
    encode_ended,
    encode_events,
)
from memory.session import EndedSession, Key, Session, Turn
from memory.stores import keys as names
from memory.stores import scripts
from memory.stores.base import (
    ENDED_KEPT,
    ENDED_KEPT_MS,
    LIVE_TURNS,
    SERIES_KEPT_MINUTES,
    Busy,
    Claimed,
    Closed,
    Closing,
    Commit,
    Committed,
    Counted,
    Durability,
    Known,
    Listener,
    Renewed,
    SessionStore,
    Snapshot,
    StoreStatus,
    Totals,
)
from memory.stores.batch import Command, batch
from memory.stores.refusals import answering
from memory.stores.subscription import Subscription

Client = redis.Redis | RedisCluster

BACKSTOP_MS: Final = 24 * 3_600_000
"""Keys expire by themselves this long after their time, should no sweep ever come."""

FORGET_MARGIN_MS: Final = 60_000

MOST_RECOUNTED: Final = 20_000
"""Sessions of a shard whose turns are counted in one script: some 20 ms of Redis' time."""

_RECOUNTS: Final = 5
"""Tries to count a shard: each fails where a session began or ended meanwhile."""

_NEAR: Final = 100
"""Sessions before a page that are read and passed over; where there are more, its beginning is searched for."""


def _no_shift() -> int:
    return 0


class RedisStore(SessionStore):
    """``make_client`` is called at the first use; its client must not decode replies.

    ``secret`` keys the hashes that stay of erased subjects, the same in all instances. ``shift`` (ms) is added to the
    server's time, so that tests can move it.
    """

    kind = "redis"

    def __init__(
        self, make_client: Callable[[], Client], *, secret: bytes = b"", shift: Callable[[], int] = _no_shift
    ) -> None:
        self.secret = secret
        self._make_client = make_client
        self._client: Client | None = None
        self._making = threading.Lock()
        self._events = Subscription(lambda: self.client.pubsub(), names.CHANNEL)  # type: ignore[no-untyped-call]
        self.shift = shift
        self._opened = now_ms()

    @property
    def client(self) -> Client:
        """The redis-py client, made at the first use: after the fork, and only once Redis is needed."""
        if self._client is None:
            with self._making, answering():
                if self._client is None:
                    self._client = self._make_client()
        return self._client

    def reconnect(self) -> None:
        """Forget the connections to a server that was away and make a new client, in the caller's thread."""
        with self._making:
            client, self._client = self._client, None
        if isinstance(client, RedisCluster):
            client.close()
        elif client is not None:  # a connection in use is closed by whoever uses it
            client.connection_pool.disconnect(inuse_connections=False)
        _ = self.client

    # --- a turn -----------------------------------------------------------------------------------------------------

    def claim(self, key: Key, *, holder: str, lease_ms: int, turns: int, turn_id: str = "") -> Claimed | Busy | Known:
        own = names.subject_keys(key)
        with answering():
            reply = scripts.CLAIM.run(
                self.client, (*own.of_session, own.ended), self.shift(), holder, lease_ms, turn_id, turns
            )
        kind = reply[0]
        if kind == b"busy":
            return Busy(reply[1], reply[2])
        if kind == b"known":
            found = _snapshot(key, reply[1], *reply[2:])
            return Known(next(t for t in found.turns if t.id == turn_id), found)
        try:
            return Claimed(reply[2], _snapshot(key, reply[1], *reply[3:]))
        except CorruptRow:
            self.release(key, reply[2])
            raise

    def renew(self, leases: Sequence[tuple[Key, int]], lease_ms: int) -> list[Renewed]:
        """One round trip a lease; a renewal is rare (every 2 s of a running turn)."""
        return [self._renew(key, fence, lease_ms) for key, fence in leases]

    def _renew(self, key: Key, fence: int, lease_ms: int) -> Renewed:
        own = names.subject_keys(key)
        with answering():
            reply: bytes = scripts.RENEW.run(self.client, [own.session], self.shift(), fence, lease_ms)
        return Renewed(reply.decode())

    def commit(self, key: Key, fence: int, commit: Commit) -> Committed:
        own = names.subject_keys(key)
        session, turn, closing = commit.session, commit.turn, commit.closing
        expiry = commit.deadline - commit.counted.at + BACKSTOP_MS
        turns_expiry = expiry
        if commit.history_until is not None:
            turns_expiry = commit.history_until - commit.counted.at + FORGET_MARGIN_MS
        fields: dict[str, Any] = {
            "started": session.started,
            "last": session.last_activity,
            "turns": session.turns,
        }
        if commit.attributes is not None:  # else another's change, made while this turn ran, keeps its revision
            fields["rev"] = session.revision + 1
        if session.owner:
            fields["owner"] = session.owner
        with answering():
            reply: bytes = scripts.COMMIT.run(
                self.client,
                own.all(commit.counted.at),
                self.shift(),
                fence,
                turn.id if turn else "",
                commit.row,
                int(commit.replayable),
                int(commit.forget_turns),
                commit.keep_turns,
                commit.max_bytes,
                key.subject,
                commit.deadline,
                max(expiry, BACKSTOP_MS),
                max(turns_expiry, FORGET_MARGIN_MS),
                "" if commit.history_until is None else commit.history_until,
                b"" if commit.attributes is None else encode_document(commit.attributes),
                session.revision,
                encode_ended(closing.record) if closing else b"",
                *_counted(commit.counted),
                *(part for field in fields.items() for part in field),
            )
        return Committed(reply.decode())

    def release(self, key: Key, fence: int, counted: Counted | None = None) -> bool:
        counted = counted or Counted(0)
        _, _, *pairs = _counted(counted)
        with answering():
            return bool(
                scripts.RELEASE.run(self.client, names.subject_keys(key).all(counted.at), self.shift(), fence, *pairs)
            )

    def stop(self, key: Key) -> bool:
        with answering():
            return bool(scripts.STOP.run(self.client, [names.subject_keys(key).session], self.shift()))

    # --- a session --------------------------------------------------------------------------------------------------

    def read(self, key: Key, turns: int) -> Snapshot:
        with answering():
            reply = scripts.READ.run(self.client, names.subject_keys(key).of_session, self.shift(), turns)
        return _snapshot(key, *reply)

    def peek(self, keys: Sequence[Key]) -> list[Snapshot]:
        """One round trip a node, after one for the time."""
        now = self.now()
        own = [names.subject_keys(key) for key in keys]
        with answering():
            replies = batch(
                self.client, (each for of in own for each in (("HGETALL", of.session), ("GET", of.attributes)))
            )
        sessions = zip(keys, replies[::2], replies[1::2], strict=True)
        return [_snapshot(key, now, fields, attributes, []) for key, fields, attributes in sessions]

    def close(
        self, session: Session, closing: Closing, counted: Counted, *, fence: int | None = None, force: bool = False
    ) -> Closed:
        with answering():
            reply: bytes = scripts.CLOSE.run(
                self.client,
                names.subject_keys(session.key).all(counted.at),
                self.shift(),
                "" if fence is None else fence,
                int(force),
                session.started,
                session.turns,
                session.key.subject,
                encode_ended(closing.record),
                "" if closing.history_until is None else closing.history_until,
                *_counted(counted),
            )
        return Closed(reply.decode())

    def put_attributes(self, key: Key, started: int, revision: int, attributes: Mapping[str, Any]) -> bool:
        own = names.subject_keys(key)
        with answering():
            return bool(
                scripts.ATTRIBUTES.run(
                    self.client, own.of_session, self.shift(), started, revision, encode_document(attributes)
                )
            )

    def forget(self, key: Key) -> bool:
        mark = names.mark_of(key, self.secret)
        keys = names.subject_keys(key).merging(mark)
        with answering():
            return bool(
                scripts.FORGET.run(
                    self.client,
                    keys,
                    self.shift(),
                    key.subject,
                    f"{key.namespace}.{LIVE_TURNS}",
                    mark,
                    names.ERASURES,
                    key.namespace,
                )
            )

    def ended(self, key: Key) -> list[EndedSession]:
        """Two round trips where there are any: the records, and the time."""
        with answering():
            rows: list[bytes] = self.client.lrange(names.subject_keys(key).ended, 0, ENDED_KEPT - 1)  # type: ignore[assignment]
        records = [decode_ended(key.subject, row) for row in rows]
        if not records:
            return []
        oldest = self.now() - ENDED_KEPT_MS
        return [record for record in records if record.ended > oldest]

    # --- indexes ----------------------------------------------------------------------------------------------------

    def due(self, namespace: str, now: int, limit: int, skip: int = 0) -> list[str]:
        parts = self._ranges(namespace, "deadlines", lambda key: ("ZRANGEBYSCORE", key, "-inf", now), limit + skip)
        return [subject for _, subject in sorted(parts)][skip : skip + limit]

    def live(self, namespace: str, limit: int, offset: int = 0) -> list[Key]:
        """One round trip a node, after one for the time; some more where a page lies deep."""
        now = self.now()
        latest, before = self._beginning(namespace, now, offset)
        skip = offset - before
        parts = self._ranges(
            namespace, "deadlines", lambda key: ("ZREVRANGEBYSCORE", key, latest, f"({now}"), skip + limit
        )
        page = sorted(parts, reverse=True)[skip : skip + limit]
        return [Key(namespace, subject) for _, subject in page]

    def _beginning(self, namespace: str, now: int, offset: int) -> tuple[int | str, int]:
        """A deadline from which a page is near, and how many sessions end after it.

        Found by counting and halving: to read all that lies before a deep page would hold Redis up.
        """
        if offset <= _NEAR:
            return "+inf", 0
        keys = names.index_keys(namespace, "deadlines")
        with answering():
            tops = batch(self.client, (("ZREVRANGE", key, 0, 0, "WITHSCORES") for key in keys))
            early, late = now, max((int(score) for top in tops for _, score in pairs(top)), default=now)
            before = 0
            while late - early > 1 and offset - before > _NEAR:
                middle = (early + late) // 2
                count = sum(batch(self.client, (("ZCOUNT", key, f"({middle}", "+inf") for key in keys)))
                if count > offset:
                    early = middle
                else:
                    late, before = middle, count
        return late, before

    def _ranges(
        self, namespace: str, index: str, command: Callable[[str], tuple[Any, ...]], limit: int
    ) -> list[tuple[float, str]]:
        """(score, subject) from all parts of an index, at most ``limit`` of each."""
        parts = names.index_keys(namespace, index)
        with answering():
            replies = batch(self.client, ((*command(key), "WITHSCORES", "LIMIT", 0, limit) for key in parts))
        return [(float(score), member.decode()) for reply in replies for member, score in pairs(reply)]

    def postpone(self, key: Key, deadline: int | None) -> bool:
        own = names.subject_keys(key)
        with answering():
            if deadline is None:
                return bool(scripts.VANISHED.run(self.client, own.all(0), self.shift(), key.subject))
            was, _ = batch(
                self.client,
                [("ZSCORE", own.deadlines, key.subject), ("ZADD", own.deadlines, "XX", deadline, key.subject)],
            )
        return was is not None

    def totals(self, namespace: str) -> Totals:
        """One round trip a node, after one for the time."""
        now = self.now()
        commands: list[Command] = [("HGET", names.totals_key(tag), f"{namespace}.{LIVE_TURNS}") for tag in names.TAGS]
        for index in ("deadlines", "histories", "records"):
            commands += [("ZCOUNT", key, f"({now}", "+inf") for key in names.index_keys(namespace, index)]
        with answering():
            replies = [int(reply or 0) for reply in batch(self.client, commands)]
        parts = range(0, len(replies), names.SHARDS)
        turns, live, histories, ended = (sum(replies[at : at + names.SHARDS]) for at in parts)
        return Totals(live, turns, histories, ended)

    def recount(self, namespace: str) -> None:
        """Two round trips a shard; one of more than 20,000 sessions keeps its count, rather than hold Redis up."""
        for tag, index in zip(names.TAGS, names.index_keys(namespace, "deadlines"), strict=True):
            for _ in range(_RECOUNTS):
                with answering():
                    live: Any = self.client.zrange(index, 0, MOST_RECOUNTED)
                    subjects = [each.decode() for each in live]
                    sessions = [names.subject_keys(Key(namespace, subject)).session for subject in subjects]
                    if len(subjects) > MOST_RECOUNTED or scripts.RECOUNT.run(
                        self.client,
                        [names.totals_key(tag), index, *sessions],
                        self.shift(),
                        f"{namespace}.{LIVE_TURNS}",
                        *subjects,
                    ):
                        break

    def trim(self, namespace: str, now: int) -> None:
        keys = (key for index in ("histories", "records") for key in names.index_keys(namespace, index))
        with answering():
            batch(self.client, (("ZREMRANGEBYSCORE", key, "-inf", now) for key in keys))

    # --- counts -----------------------------------------------------------------------------------------------------

    def count(self, counted: Counted) -> None:
        tag = names.TAGS[0]
        minute = names.minute_key(tag, counted.at // 60_000)
        commands: list[Command] = []
        for name, delta in counted.deltas.items():
            commands += [("HINCRBY", names.totals_key(tag), name, delta), ("HINCRBY", minute, name, delta)]
        commands.append(("EXPIRE", minute, SERIES_KEPT_MINUTES * 60))
        with answering():
            batch(self.client, commands)
            if counted.events:
                self.client.publish(names.CHANNEL, encode_events(counted.events))

    def series(self, minutes: Iterable[int]) -> dict[int, dict[str, int]]:
        """One round trip for every hundred minutes."""
        wanted = list(minutes)
        found: dict[int, dict[str, int]] = {}
        for start in range(0, len(wanted), 100):
            chunk = wanted[start : start + 100]
            keys = (names.minute_key(tag, minute) for minute in chunk for tag in names.TAGS)
            with answering():
                replies = batch(self.client, (("HGETALL", key) for key in keys))
            for at, minute in enumerate(chunk):
                counts = _sum(replies[at * names.SHARDS : (at + 1) * names.SHARDS])
                if counts:
                    found[minute] = counts
        return found

    def counters(self) -> dict[str, int]:
        with answering():
            return _sum(batch(self.client, (("HGETALL", names.totals_key(tag)) for tag in names.TAGS)))

    def listen(self) -> Listener:
        """One connection and one thread for all listeners of the process; they come back to a Redis that was away."""
        return self._events.listen()

    def tell(self, listener: Listener, patience: float) -> Callable[[], None]:
        """Events go to this listener, too, until what is returned is called; Redis may take ``patience`` s to begin."""
        return self._events.join(listener, patience)

    # --- the server -------------------------------------------------------------------------------------------------

    def now(self) -> int:
        with answering():
            seconds, micros = scripts.TIME.run(self.client, [names.totals_key(names.TAGS[0])], 0)
        return int(seconds) * 1000 + int(micros) // 1000 + self.shift()

    def status(self) -> StoreStatus:
        return StoreStatus(self.kind, since=self._opened)

    def durability(self, namespace: str) -> Durability:
        return Durability.REDIS

    def usage(self) -> Mapping[str, Any]:
        """One round trip for every server that takes writes."""
        with answering():
            infos = of_servers(self.client, "memory")
        return {
            "used_bytes": sum(info["used_memory"] for info in infos),
            "max_bytes": sum(info["maxmemory"] for info in infos),
        }

    def bytes_of(self, keys: Sequence[Key]) -> int:
        """What Redis says the keys of these subjects take (MEMORY USAGE), their index entries left out."""
        own = (names.subject_keys(key) for key in keys)
        parts = (name for of in own for name in (of.session, of.turns, of.ids, of.attributes))
        with answering():
            return sum(reply or 0 for reply in batch(self.client, (("MEMORY USAGE", name) for name in parts)))

    def close_store(self) -> None:
        self._events.close()
        if self._client is not None:
            self._client.close()


def _counted(counted: Counted) -> list[Any]:
    """Channel, events, number of pairs, pairs: as the scripts take them."""
    events = encode_events(counted.events) if counted.events else b""
    pairs = [part for pair in counted.deltas.items() for part in pair]
    return [names.CHANNEL, events, len(counted.deltas), *pairs]


def of_servers(client: Client, section: str) -> list[dict[str, Any]]:
    """A section of INFO, of every server that takes writes."""
    if not isinstance(client, RedisCluster):
        return [client.info(section)]
    infos: dict[str, Any] = client.info(section, target_nodes=RedisCluster.PRIMARIES)
    # redis-py leaves out the names of the nodes where there is only one.
    return list(infos.values()) if isinstance(next(iter(infos.values()), None), dict) else [infos]


def pairs(flat: Any) -> Iterator[tuple[Any, Any]]:
    """Field and value of a flat reply, or of one that redis-py has paired already."""
    if isinstance(flat, Mapping):
        return iter(flat.items())
    if flat and isinstance(flat[0], (list, tuple)):  # redis-py parses some replies into pairs itself
        return iter(flat)
    return zip(flat[::2], flat[1::2], strict=True)


def _sum(hashes: Iterable[Mapping[bytes, bytes]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for values in hashes:
        for name, value in values.items():
            counts[name.decode()] = counts.get(name.decode(), 0) + int(value)
    return counts


def _snapshot(
    key: Key, now: int, fields: Sequence[bytes] | Mapping[bytes, bytes], attributes: bytes | None, rows: Sequence[bytes]
) -> Snapshot:
    values = fields if isinstance(fields, Mapping) else dict(pairs(fields))
    turns: tuple[Turn, ...] = decode_turns(rows)
    lease = values.get(b"lease")
    leased = lease is not None and int(lease) > now
    if b"started" not in values:
        return Snapshot(now, None, turns, leased)
    session = Session(
        key=key,
        started=int(values[b"started"]),
        last_activity=int(values[b"last"]),
        turns=int(values[b"turns"]),
        owner=values.get(b"owner", b"").decode(),
        attributes=decode_document(attributes),
        revision=int(values.get(b"rev", 0)),
        stored_bytes=int(values.get(b"bytes", 0)),
    )
    return Snapshot(now, session, turns, leased)
