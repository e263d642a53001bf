"""Whose sessions are whose: so that all of an owner's sessions can be found, shown and erased.

For every owner the store holds a small document, kept as the attributes of a session in a namespace of its own:
outages, merges and erasures treat it as any other. It is written when a session with an owner opens, never by a turn.

    {"sessions": {"news": {"<session id>": <when it was opened, ms>}}, "more": true}

At most 500 sessions of an owner are listed. ``more`` says that there were more live ones than that: then all live
sessions are looked through.
"""

from __future__ import annotations

import copy
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Final

from memory.errors import SessionBusy
from memory.policy import INACTIVITY
from memory.session import EndedSession, Key, Session
from memory.stores.base import Claimed, Closing, Commit, Committed, Counted, SessionStore

NAMESPACE: Final = "owners"

MOST: Final = 500
LOOKED_AT_AGAIN_MS: Final = 48 * 3_600_000
"""How often a sweep drops from a document what is over; it keeps it if anything is left."""

_PATIENCE: Final = 2.0
_LEASE_MS: Final = 3_000
_PAGE: Final = 500

Document = dict[str, Any]


class Owners:
    """The documents of a store. Safe for threads and for several instances."""

    def __init__(self, store: SessionStore) -> None:
        self.store = store
        self._holder = f"owners-{secrets.token_hex(4)}"

    def add(self, owner: str, key: Key) -> None:
        """Note that this session is the owner's. One round trip where that is known, else three."""
        place = Key(NAMESPACE, owner)
        if key.subject in _of(self._read(place), key.namespace):
            return

        def added(document: Document, now: int) -> None:
            document.setdefault("sessions", {}).setdefault(key.namespace, {})[key.subject] = now
            if sum(map(len, document["sessions"].values())) > MOST:
                self._prune(document)
                document["more"] = _cut(document) or document.get("more", False)

        self._edit(place, added)

    def keys(self, owner: str, namespaces: Collection[str]) -> list[Key]:
        """The owner's sessions of these namespaces, as far as they may still be in the store; newest first."""
        document = self._read(Key(NAMESPACE, owner))
        listed = [
            (at, Key(namespace, subject))
            for namespace in namespaces
            for subject, at in _of(document, namespace).items()
        ]
        found = dict.fromkeys(key for _, key in sorted(listed, key=lambda each: -each[0]))
        if document.get("more"):
            found |= dict.fromkeys(self._walk(owner, namespaces))
        return list(found)

    def forget(self, owner: str) -> bool:
        """Erase the document, which names the owner."""
        return self.store.forget(Key(NAMESPACE, owner))

    def sweep(self, batch: int = 200, stopped: Callable[[], bool] = lambda: False) -> int:
        """Drop from the documents whose time has come what is over; how many documents went with it."""
        gone, now = 0, self.store.now()
        for subject in self.store.due(NAMESPACE, now, batch):
            if stopped():
                break
            gone += self._tidy(Key(NAMESPACE, subject))
        self.store.trim(NAMESPACE, now)
        return gone

    # --- one document -----------------------------------------------------------------------------------------------

    def _read(self, place: Key) -> Document:
        session = self.store.read(place, 0).session
        return dict(session.attributes) if session else {}

    def _edit(self, place: Key, change: Callable[[Document, int], None]) -> None:
        """Under the document's lease, so that nothing that others add meanwhile is lost."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            claimed = self._claim(place)
            if claimed is None:
                time.sleep(0.005 + secrets.randbelow(10) / 1000)
                continue
            try:
                found, now = claimed.found.session, claimed.found.now
                document: Document = copy.deepcopy(dict(found.attributes)) if found else {}
                change(document, now)
                if self._commit(place, claimed, document) is Committed.STORED:
                    return
            except BaseException:
                self.store.release(place, claimed.fence)
                raise
            self.store.release(place, claimed.fence)
        raise SessionBusy(_PATIENCE)

    def _claim(self, place: Key) -> Claimed | None:
        claimed = self.store.claim(place, holder=self._holder, lease_ms=_LEASE_MS, turns=1)
        return claimed if isinstance(claimed, Claimed) else None

    def _commit(self, place: Key, claimed: Claimed, document: Document, *, tidied: bool = False) -> Committed:
        found, now = claimed.found.session, claimed.found.now
        # That a session is added puts the next look off no further: who opens many is looked at as often as others.
        looked = now if found is None or tidied else found.last_activity
        session = Session(
            place, found.started if found else now, looked, turns=0, revision=found.revision if found else 0
        )
        return self.store.commit(
            place,
            claimed.fence,
            Commit(
                session=session,
                turn=None,
                deadline=looked + LOOKED_AT_AGAIN_MS,
                keep_turns=1,
                max_bytes=1,
                counted=Counted(now),
                attributes=document,
            ),
        )

    def _tidy(self, place: Key) -> bool:
        """Drop what is over from one document, or the document, if nothing is left."""
        claimed = self._claim(place)
        if claimed is None:
            return False
        found, now = claimed.found.session, claimed.found.now
        if found is None:
            self.store.release(place, claimed.fence)
            self.store.postpone(place, None)
            return True
        document: Document = copy.deepcopy(dict(found.attributes))
        self._prune(document)
        listed = document.get("sessions", {})
        if document.get("more"):
            for key in self._walk(place.subject, tuple(listed)):
                listed[key.namespace].setdefault(key.subject, now)
            document["more"] = _cut(document)
        if any(listed.values()):
            self._commit(place, claimed, document, tidied=True)
            return False
        record = EndedSession(place.subject, found.started, now, 0, INACTIVITY)
        self.store.close(found, Closing(record), Counted(now), fence=claimed.fence)
        self.store.release(place, claimed.fence)
        return True

    def _prune(self, document: Document) -> None:
        """Drop the sessions of which the store holds nothing any more."""
        for namespace, listed in document.get("sessions", {}).items():
            keys = [Key(namespace, subject) for subject in listed]
            for key, found in zip(keys, self.store.peek(keys), strict=True):
                if found.session is None and not found.leased and not self.store.ended(key):
                    del listed[key.subject]

    def _walk(self, owner: str, namespaces: Iterable[str]) -> Iterator[Key]:
        """All live sessions of an owner, found by looking at everybody's."""
        for namespace in namespaces:
            offset = 0
            while page := self.store.live(namespace, _PAGE, offset):
                for found in self.store.peek(page):
                    if found.session and found.session.owner == owner:
                        yield found.session.key
                offset += len(page)


def _of(document: Document, namespace: str) -> dict[str, int]:
    listed: dict[str, int] = document.get("sessions", {}).get(namespace, {})
    return listed


def _cut(document: Document) -> bool:
    """Drop the oldest beyond what a document may list; whether there were any of them."""
    listed = sorted(
        (at, namespace, subject) for namespace, each in document["sessions"].items() for subject, at in each.items()
    )
    for _, namespace, subject in listed[: max(0, len(listed) - MOST)]:
        del document["sessions"][namespace][subject]
    return len(listed) > MOST
