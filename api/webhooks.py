"""The end of a session, told to other systems as a message of Standard Webhooks. None of its words are in it.

    {"type": "session_ended", "timestamp": "…", "data": {"assistant", "subject", "userId", "sessionId", "startTime",
     "endTime", "duration", "conversationCount", "endReason"}}

Whoever made an end tells of it; should another process tell of the same end again, it does so under the same id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

import orjson
from standardwebhooks import Webhook

from api import shapes
from api.delivery import Delivery, Message, Patience
from memory import EndedSession
from memory.clock import iso

TYPE: Final = "session_ended"


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """Where to tell of ends, the secrets that sign it (each makes a signature), and how many may wait an address."""

    urls: Sequence[str]
    secrets: Sequence[str]
    queue: int
    version: str
    patience: Patience = field(default_factory=Patience)


class Webhooks:
    """``by_user`` says of each assistant whether its subjects are users; ``count`` is told what became of a message:
    ``delivered``, ``failed`` or ``dropped``."""

    def __init__(self, config: WebhookConfig, by_user: Mapping[str, bool], count: Callable[[str], None]) -> None:
        self._by_user = by_user
        self._signers = [Webhook(secret) for secret in config.secrets]
        self._agent = f"Parley/{config.version}"
        self._deliveries = [
            Delivery(url, self._headers, size=config.queue, count=count, patience=config.patience)
            for url in config.urls
        ]

    def ended(self, namespace: str, record: EndedSession, owner: str) -> None:
        """Tell of an end; returns at once."""
        user = record.subject if self._by_user.get(namespace) else owner
        message = message_of(namespace, record, user)
        for delivery in self._deliveries:
            delivery.put(message)

    def start(self) -> None:
        """Start the threads, one an address; in the process that serves, after the fork."""
        for delivery in self._deliveries:
            delivery.start()

    def stop(self, seconds: float) -> None:
        """Tell what waits, once each, for at most so long."""
        deadline = time.monotonic() + seconds
        for delivery in self._deliveries:
            delivery.finish(deadline)
        for delivery in self._deliveries:
            delivery.join()

    def _headers(self, message: Message) -> dict[str, str]:
        """Signed anew for every attempt, since receivers refuse what is older than minutes."""
        now = datetime.now(UTC)
        body = message.body.decode()
        return {
            "content-type": "application/json",
            "user-agent": self._agent,
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signer.sign(message.id, now, body) for signer in self._signers),
        }


def message_of(namespace: str, record: EndedSession, user: str) -> Message:
    """``user`` is empty where it is nobody's session, or not known any more."""
    data: dict[str, Any] = {
        "assistant": namespace,
        "subject": record.subject,
        "userId": user or None,
        **shapes.ended(replace(record, carry_over="")),
    }
    return Message(id_of(namespace, record), orjson.dumps({"type": TYPE, "timestamp": iso(record.ended), "data": data}))


def id_of(namespace: str, record: EndedSession) -> str:
    """The same for the same end, whoever tells of it."""
    end = orjson.dumps([namespace, record.subject, record.started, record.ended, record.reason])
    return "msg_" + blake2b(end, digest_size=16).hexdigest()
