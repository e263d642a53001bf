"""A conversation memory in the plainest words: what the engine promises, in seconds, without stores, fences or threads.

The properties compare it with the engine over real stores. It knows nothing of their code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from memory import SessionPolicy

BY_ITSELF = ("duration", "inactivity", "conversation_limit")
"""Of what somebody else ended, nothing is remembered beyond it."""


@dataclass
class Talk:
    """A session of the model. Times are seconds."""

    started: int
    last: int
    turns: int = 0
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Said:
    message: str
    session: int
    at: int
    key: str | None


@dataclass
class Running:
    """A turn that was begun; ``talk`` is None where it begins its session."""

    number: int
    message: str
    key: str | None
    began: int
    talk: Talk | None
    forget: bool
    until: int


@dataclass
class Person:
    """All that is known of one subject."""

    talk: Talk | None = None
    said: list[Said] = field(default_factory=list)
    ended: list[tuple[int, int, int, str]] = field(default_factory=list)  # started, ended, turns, reason
    last: Said | None = None
    running: Running | None = None


class Busy(Exception):
    """Another turn is running."""


class Mismatch(Exception):
    """The key was used with another message."""


class Stale(Exception):
    """The turn may not be stored any more."""


class Model:
    LEASE = 6

    def __init__(self, policy: SessionPolicy) -> None:
        self.policy = policy
        self.now = 0
        self.people: dict[str, Person] = {}
        self.counts: dict[str, int] = {}
        self._numbers = 0

    def person(self, subject: str) -> Person:
        return self.people.setdefault(subject, Person())

    def count(self, name: str, number: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + number

    # --- the rules --------------------------------------------------------------------------------------------------

    def over(self, talk: Talk) -> tuple[str, int] | None:
        """Why and when the session ended, or None."""
        ends: list[tuple[int, str]] = []
        if self.policy.duration is not None:
            ends.append((talk.started + int(self.policy.duration), "duration"))
        if self.policy.inactivity is not None:
            more = self.policy.extension
            extra = int(more.seconds) if more and talk.turns >= more.after_turns else 0
            ends.append((talk.last + int(self.policy.inactivity) + extra, "inactivity"))
        at, reason = min(ends, key=lambda end: end[0])
        return (reason, at) if self.now >= at else None

    def live(self, subject: str) -> Talk | None:
        person = self.person(subject)
        if person.talk and self.over(person.talk) and not self.leased(person):
            return None
        return person.talk

    def leased(self, person: Person) -> bool:
        return person.running is not None and person.running.until > self.now

    def remembered(self, person: Person, talk: Talk | None) -> list[Said]:
        if not person.said:
            return []
        if self.policy.history_ttl is not None:
            return person.said if self.now < person.said[-1].at + int(self.policy.history_ttl) else []
        return [each for each in person.said if talk is not None and each.session == talk.started]

    def close(self, person: Person, reason: str, at: int) -> None:
        talk = person.talk
        assert talk is not None
        person.ended.insert(0, (talk.started, at, talk.turns, reason))
        self.count("ended." + (reason if reason in BY_ITSELF else "manual"))
        person.talk = None
        if self.policy.history_ttl is None or reason not in BY_ITSELF:
            person.said = []

    # --- what people do ---------------------------------------------------------------------------------------------

    def begin(self, subject: str, message: str, key: str | None) -> Running | Said:
        """The turn that runs now, or the one that was said with this key."""
        person = self.person(subject)
        known = next((each for each in [*person.said, person.last] if key and each and each.key == key), None)
        if known:
            if known.message != message:
                raise Mismatch
            return known
        if self.leased(person):
            raise Busy
        if person.talk and (end := self.over(person.talk)):
            self.close(person, *end)
        remembered = self.remembered(person, person.talk)
        self._numbers += 1
        person.running = Running(
            self._numbers,
            message,
            key,
            self.now,
            person.talk,
            bool(person.said) and not remembered,
            self.now + self.LEASE,
        )
        return person.running

    def finish(self, subject: str, running: Running) -> Talk:
        """The session after the turn."""
        person = self.person(subject)
        if person.running is None or person.running.number != running.number:
            raise Stale
        person.running = None
        talk = running.talk
        if talk is None:
            talk = person.talk = Talk(running.began, running.began)
            self.count("started")
        if running.forget:
            person.said = []
        talk.turns += 1
        talk.last = running.began
        self.count("turns")
        said = Said(running.message, talk.started, talk.last, running.key)
        if self.policy.max_turns is not None and talk.turns >= self.policy.max_turns:
            person.last = said
        person.said = [*person.said, said][-self.policy.keep_turns :]
        if self.policy.max_turns is not None and talk.turns >= self.policy.max_turns:
            self.close(person, "conversation_limit", talk.last)
        return talk

    def abandon(self, subject: str, running: Running) -> None:
        person = self.person(subject)
        if person.running and person.running.number == running.number:
            person.running = None

    def end(self, subject: str, reason: str) -> bool:
        """True if there was a session to be ended."""
        person = self.person(subject)
        if person.talk is None:
            return False
        end = self.over(person.talk)
        person.running = None
        self.close(person, *(end or (reason, self.now)))
        return end is None

    def forget(self, subject: str) -> None:
        self.people.pop(subject, None)

    def open(self, subject: str) -> None:
        turn = self.begin(subject, "", None)
        assert isinstance(turn, Running)
        person = self.person(subject)
        person.running = None
        if turn.talk is None:
            person.talk = Talk(self.now, self.now)
            self.count("started")
            if turn.forget:
                person.said = []

    def touch(self, subject: str) -> bool:
        try:
            turn = self.begin(subject, "", None)
        except Busy:
            return True
        assert isinstance(turn, Running)
        person = self.person(subject)
        person.running = None
        if turn.talk is None:
            return False
        turn.talk.last = self.now
        if turn.forget:
            person.said = []
        return True

    def sweep(self) -> dict[str, int]:
        told: dict[str, int] = {}
        for person in self.people.values():
            if person.talk and not self.leased(person) and (end := self.over(person.talk)):
                person.running = None
                self.close(person, *end)
                told[end[0]] = told.get(end[0], 0) + 1
        return told
