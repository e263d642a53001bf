"""The names of all keys in Redis: the one place where they are made.

    parley:<assistant>:{<shard>}:<subject>:session      hash    started, last, turns, bytes, rev, owner;
                                                                fence, lease, holder, stop, next, next_until;
                                                                edited, stamps (memory/stores/documents.py)
    parley:<assistant>:{<shard>}:<subject>:turns        list    one row a turn (memory/codec.py), oldest first
    parley:<assistant>:{<shard>}:<subject>:ids          set     ids of turns that a retry may ask for
    parley:<assistant>:{<shard>}:<subject>:attributes   string  JSON document of the session; _carried and _summary are
                                                                what it keeps of earlier talk (memory/summary.py)
    parley:<assistant>:{<shard>}:<subject>:last         string  the turn that used up the last session, for 10 minutes
    parley:<assistant>:{<shard>}:<subject>:ended        list    records of ended sessions, newest first
    parley:<assistant>:{<shard>}:deadlines              zset    live subjects by the time (ms) when they end
    parley:<assistant>:{<shard>}:histories              zset    subjects whose turns outlive the session, until when
    parley:<assistant>:{<shard>}:records                zset    subjects with records of ended sessions, until when
    parley:stats:{<shard>}:totals                       hash    counts since the beginning
    parley:stats:{<shard>}:minute:<minutes since 1970>  hash    counts of one minute, for 25 hours
    parley:epoch:{<shard>}                              string  a random word: another one means another dataset
    parley:merged:{<shard>}:<mark>                      hash    after an outage, for a day: what was told by whom
    parley:erased:{<shard>}                             zset    marks of erased subjects by the time, for a week
    parley:probe:{<shard>}                              string  written to see whether writes are taken

A subject belongs to one of 16 shards by a hash of its name. The shard is the hash tag, so a subject's keys, its index
entries and its counts lie in one slot of a cluster, and one script can change them together. The 16 tags are chosen so
that their slots are spread evenly. A mark is a keyed hash of a subject, which tells nobody who it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import quote
from zlib import crc32

from memory.session import Key

SHARDS = 16

PREFIX = "parley"
CHANNEL = f"{PREFIX}:events"
"""Where events are published."""

ERASURES = f"{PREFIX}:erasures"
"""Where it is published whose data was erased, so that every instance forgets it at once. Nothing of it is kept."""

_SAFE = "._:@+-"


TAGS = ("03", "21", "0b", "2d", "02", "20", "0c", "2a", "01", "23", "0d", "2b", "00", "22", "0a", "2c")
"""Each lies in another sixteenth of a cluster's 16,384 slots (a test says so)."""


def tag_of(subject: str) -> str:
    """The shard that a subject belongs to."""
    return TAGS[crc32(subject.encode()) % SHARDS]


@dataclass(frozen=True, slots=True)
class SubjectKeys:
    """The keys that belong to one subject of one namespace."""

    session: str
    turns: str
    ids: str
    attributes: str
    last: str
    ended: str
    deadlines: str
    histories: str
    records: str
    totals: str
    tag: str

    @property
    def of_session(self) -> tuple[str, ...]:
        """The keys that a session is read from, in the order of the scripts."""
        return (self.session, self.turns, self.ids, self.attributes, self.last)

    def all(self, at: int) -> tuple[str, ...]:
        """Every key, in the order of the scripts; the last is the counts of the minute of ``at`` (ms)."""
        indexes = (self.deadlines, self.histories, self.records)
        return (*self.of_session, self.ended, *indexes, self.totals, minute_key(self.tag, at // 60_000))

    def merging(self, mark: str, minutes: Iterable[int] = ()) -> tuple[str, ...]:
        """Every key, in the order of the scripts of a merge; the last are the counts of these minutes (since 1970)."""
        indexes = (self.deadlines, self.histories, self.records)
        merged = f"{PREFIX}:merged:{{{self.tag}}}:{mark}"
        counts = (minute_key(self.tag, minute) for minute in minutes)
        return (*self.of_session, self.ended, *indexes, self.totals, merged, erased_key(self.tag), *counts)


def subject_keys(key: Key) -> SubjectKeys:
    """All keys of a subject. What is not a plain character in an id is %-escaped, so it can't step out of its place."""
    tag = tag_of(key.subject)
    index = f"{PREFIX}:{key.namespace}:{{{tag}}}"
    own = f"{index}:{quote(key.subject, safe=_SAFE)}"
    return SubjectKeys(
        session=f"{own}:session",
        turns=f"{own}:turns",
        ids=f"{own}:ids",
        attributes=f"{own}:attributes",
        last=f"{own}:last",
        ended=f"{own}:ended",
        deadlines=f"{index}:deadlines",
        histories=f"{index}:histories",
        records=f"{index}:records",
        totals=totals_key(tag),
        tag=tag,
    )


def index_keys(namespace: str, index: str) -> list[str]:
    """The 16 parts of an index (``deadlines``, ``histories`` or ``records``) of a namespace."""
    return [f"{PREFIX}:{namespace}:{{{tag}}}:{index}" for tag in TAGS]


def totals_key(tag: str) -> str:
    return f"{PREFIX}:stats:{{{tag}}}:totals"


def minute_key(tag: str, minute: int) -> str:
    return f"{PREFIX}:stats:{{{tag}}}:minute:{minute}"


def epoch_key(tag: str) -> str:
    return f"{PREFIX}:epoch:{{{tag}}}"


def probe_key(tag: str) -> str:
    return f"{PREFIX}:probe:{{{tag}}}"


def erased_key(tag: str) -> str:
    return f"{PREFIX}:erased:{{{tag}}}"


def mark_of(key: Key, secret: bytes) -> str:
    """What a subject is called where nobody is to know who it is; the secret is the same in all instances."""
    return blake2b(f"{key.namespace}\0{key.subject}".encode(), digest_size=12, key=secret[:64]).hexdigest()
