"""Many commands in one round trip a server, that fail as fast as a single one.

redis-py's own pipeline for clusters asks again for every command of a node that hangs, one after the other: for a page
of sessions that is a minute. Here each node has a plain pipeline, and a node that does not answer is told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import redis
from redis.cluster import ClusterNode, RedisCluster

Command = tuple[Any, ...]


def batch(client: redis.Redis | RedisCluster, commands: Iterable[Command]) -> list[Any]:
    """The replies to commands that name their key first, as ``("HGETALL", key)``, in their order.

    Raises what the client raises; what was written until then stays.
    """
    wanted = list(commands)
    if not isinstance(client, RedisCluster):
        return _pipelined(client, wanted)
    try:
        return _spread(client, wanted)
    except redis.exceptions.MovedError:  # the slots lie elsewhere by now
        client.nodes_manager.initialize()
        return _spread(client, wanted)


def _spread(cluster: RedisCluster, commands: Sequence[Command]) -> list[Any]:
    parts: dict[str, tuple[ClusterNode, list[int]]] = {}
    for at, command in enumerate(commands):
        slot = cluster.keyslot(command[1])  # type: ignore[no-untyped-call]
        node = cluster.nodes_manager.get_node_from_slot(slot)
        parts.setdefault(node.name, (node, []))[1].append(at)
    replies: list[Any] = [None] * len(commands)
    for node, places in parts.values():
        answers = _pipelined(cluster.get_redis_connection(node), [commands[at] for at in places])
        for at, answer in zip(places, answers, strict=True):
            replies[at] = answer
    return replies


def _pipelined(client: redis.Redis, commands: Sequence[Command]) -> list[Any]:
    with client.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)  # type: ignore[no-untyped-call]
        return list(pipe.execute())
