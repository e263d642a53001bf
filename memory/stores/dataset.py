"""Which dataset a Redis holds, and whether it takes writes: what a probe finds out.

A Redis that comes back may be another one: emptied, restored from an older copy, or a replica that was promoted without
the last writes. Its run id tells the process, and a random word in each shard, written once, tells the data.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
import redis
from redis.cluster import RedisCluster

from memory.codec import decode_events, encode_events
from memory.errors import StoreUnavailable
from memory.session import Key
from memory.stores import keys as names
from memory.stores import scripts
from memory.stores.batch import batch
from memory.stores.redis import Client, of_servers, pairs
from memory.stores.refusals import answering


@dataclass(frozen=True, slots=True)
class Dataset:
    """``words`` by shard; ``runs`` are the run ids of the servers that take writes."""

    words: Mapping[str, str]
    runs: frozenset[str]

    def encode(self) -> bytes:
        return orjson.dumps([dict(self.words), sorted(self.runs)])

    @classmethod
    def decode(cls, raw: bytes) -> Dataset:
        words, runs = orjson.loads(raw)
        return cls(words, frozenset(runs))


@dataclass(frozen=True, slots=True)
class Sighting:
    """``now`` is Redis' time (ms), ``begun`` when it was asked (monotonic s)."""

    dataset: Dataset
    now: int
    begun: float


Erasures = Mapping[tuple[str, str], int]
"""When (ms) a subject was erased, by shard and mark (``keys.mark_of``)."""

_HEARD_AT_ONCE: Final = 1_000

_DEAF: Final = 1.0
"""Seconds until it is tried again to hear of erasures, after that failed."""

ERASURES_KEPT_MS: Final = 7 * 24 * 3_600_000
"""How long it is remembered that a subject was erased: no instance that was away for less brings it back."""


class Prober:
    """Has a client of its own, so that its probes neither wait for requests nor hold them up. For one thread."""

    def __init__(self, make_client: Callable[[], Client]) -> None:
        self._make_client = make_client
        self._client: Client | None = None
        self._erased: Any = None
        self._deaf_until = 0.0

    def probe(self) -> Sighting:
        """A write in every shard, and what dataset it is. Raises ``StoreUnavailable``."""
        with answering():
            if self._client is None:
                self._client = self._make_client()
            return look(self._client)

    def erasures(self, since: int) -> Erasures:
        """Those not before ``since`` (ms). Raises ``StoreUnavailable``."""
        with answering():
            if self._client is None:
                self._client = self._make_client()
            keys = (names.erased_key(tag) for tag in names.TAGS)
            replies = batch(self._client, (("ZRANGEBYSCORE", key, since, "+inf", "WITHSCORES") for key in keys))
        found: dict[tuple[str, str], int] = {}
        for tag, reply in zip(names.TAGS, replies, strict=True):
            found.update({(tag, mark.decode()): int(float(at)) for mark, at in pairs(reply)})
        return found

    def tell_erasures(self, erasures: Erasures) -> None:
        """Redis has forgotten them, being another dataset; the other instances are told to look at them again.

        Raises ``StoreUnavailable``.
        """
        if not erasures:
            return
        tags = {tag for tag, _ in erasures}
        with answering():
            if self._client is None:
                self._client = self._make_client()
            told = (("ZADD", names.erased_key(tag), "GT", at, mark) for (tag, mark), at in erasures.items())
            batch(self._client, [*told, *(("PEXPIRE", names.erased_key(tag), ERASURES_KEPT_MS) for tag in tags)])
            self._client.publish(names.ERASURES, encode_events([{"at": str(min(erasures.values()))}]))

    def heard(self) -> list[tuple[Key | None, int]]:
        """Whose data was erased since this was last asked, and when (ms); nothing is waited for. None in place of a
        subject: look again at all erasures from then on.

        Raises ``StoreUnavailable``; what is said until it is asked again after that is not heard.
        """
        found: list[tuple[Key | None, int]] = []
        if time.monotonic() < self._deaf_until:
            return found
        try:
            if self._client is None:
                self._client = self._make_client()
            if self._erased is None:
                self._erased = self._client.pubsub()  # type: ignore[no-untyped-call]
                self._erased.subscribe(names.ERASURES)
            while len(found) < _HEARD_AT_ONCE and (message := self._erased.get_message(timeout=0)) is not None:
                if message["type"] == "message":
                    found += [
                        (Key(*said["key"]) if "key" in said else None, int(said["at"]))
                        for said in decode_events(message["data"])
                    ]
        except (redis.exceptions.RedisError, OSError) as error:
            self.deafen()
            self._deaf_until = time.monotonic() + _DEAF
            raise StoreUnavailable("redis") from error
        return found

    def deafen(self) -> None:
        """Forget the connection over which erasures are heard: it may be dead without a word."""
        self._deaf_until = 0.0
        if self._erased is not None:
            self._erased.close()
            self._erased = None

    def close(self) -> None:
        self.deafen()
        if self._client is not None:
            self._client.close()
            self._client = None


def look(client: Client) -> Sighting:
    """Two round trips; one a shard and one a server in a cluster."""
    begun = time.monotonic()
    cluster = isinstance(client, RedisCluster)
    now, words = 0, {}
    for tag in names.TAGS if cluster else names.TAGS[:1]:
        keys = [names.probe_key(tag), names.epoch_key(tag)]
        now, word = scripts.PROBE.run(client, keys, 0, secrets.token_hex(8))
        words[tag] = word.decode()
    return Sighting(Dataset(words, frozenset(info["run_id"] for info in of_servers(client, "server"))), now, begun)
