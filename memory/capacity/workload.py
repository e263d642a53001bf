"""Who talks to whom, how much, and under which policies: all that a forecast is made from.

A user makes *visits*: a few turns with some seconds between them. Visits come at random (Poisson), by the hours of a
day. Every user keeps to one assistant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from memory.policy import Extension, SessionPolicy
from memory.summary import CARRY_OVER_BYTES, SUMMARY_BYTES

DAY_CURVE: Final = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 12, 12, 13, 13, 12, 12, 13, 14, 14, 12, 8, 4)
"""Turns of each hour of a day, in any unit: little at night, most from noon to evening. 1.64 × the mean at the most."""

FLAT: Final = (1,) * 24

MOST_CHARACTERS: Final = 100_000
"""Longer turns are not stored: they are more than a policy's ``max_bytes``."""

_FIELD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Mix:
    """An assistant: its policy, the share of all users that talk to it, and whose its sessions are.

    subject     ``user``: one session a user at a time, under the user's id; ``session``: every session has an id of its
                own (a UUID), and belongs to its user
    attributes  bytes of a session's own document (a cart, say), 0 for none; ``document`` has what the engine adds
    """

    name: str
    policy: SessionPolicy
    share: float = 1.0
    subject: Literal["user", "session"] = "user"
    attributes: int = 0

    def __post_init__(self) -> None:
        if not self.share > 0:
            raise ValueError(f"the share of {self.name} must be above 0, got {self.share!r}")
        if self.subject not in ("user", "session"):
            raise ValueError(f"subject of {self.name} must be user or session, got {self.subject!r}")

    @property
    def document(self) -> int:
        """Bytes of all attributes, where summaries are as long as they may be."""
        return self.attributes + self.policy.carry_over * CARRY_OVER_BYTES + self.policy.summarise * SUMMARY_BYTES


@dataclass(frozen=True, slots=True)
class Workload:
    """Times are seconds, lengths characters. ``turns_a_day`` is a user's mean, ``turns_a_visit`` that of a visit.

    gap            between a reply and the next message of a visit, on average
    model_seconds  how long a reply takes, on average
    message, reply, tools   mean lengths of what a user says, is told, and of what tools answered in between
    user_id        characters of a user's id
    keyed          share of clients that send an idempotency key with each message, as the project's own page does
    owners         sessions with an id of their own note whose they are
    cleanup        between two sweeps
    """

    mixes: tuple[Mix, ...]
    users: int = 10_000
    turns_a_day: float = 10.0
    turns_a_visit: float = 5.0
    gap: float = 60.0
    model_seconds: float = 3.0
    message: int = 80
    reply: int = 400
    tools: int = 0
    text: Literal["prose", "random"] = "prose"
    user_id: int = 24
    keyed: float = 1.0
    owners: bool = True
    cleanup: float = 300.0
    days: int = 14
    curve: tuple[float, ...] = DAY_CURVE

    def __post_init__(self) -> None:
        if not self.mixes:
            raise ValueError("name at least one policy")
        for name in ("users", "turns_a_day", "gap", "model_seconds", "message", "reply", "cleanup", "days", "user_id"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)!r}")
        for name in ("message", "reply", "tools"):
            if not 0 <= getattr(self, name) <= MOST_CHARACTERS:
                raise ValueError(f"{name} must be {MOST_CHARACTERS:,} characters at most, got {getattr(self, name)!r}")
        if self.turns_a_visit < 1:
            raise ValueError(f"turns_a_visit must be 1 or more, got {self.turns_a_visit!r}")
        if not 0 <= self.keyed <= 1:
            raise ValueError(f"keyed is a share from 0 to 1, got {self.keyed!r}")

    @property
    def visits_a_day(self) -> float:
        return self.turns_a_day / self.turns_a_visit

    def users_of(self, mix: Mix) -> int:
        return round(self.users * mix.share / sum(each.share for each in self.mixes))


def parse_policy(text: str) -> Mix:
    """``weather:duration=1800,inactivity=900,max_turns=20,share=0.4``; an extension is ``extension=6/120``: 120 s more
    from 6 turns on. ``ValueError`` says what is wrong."""
    name, _, rest = text.partition(":")
    fields = dict(part.partition("=")[::2] for part in rest.split(",") if part)
    about: dict[str, Any] = {}
    if "subject" in fields:
        about["subject"] = fields.pop("subject")
    for field, kind in (("share", float), ("attributes", int)):
        if field in fields:
            about[field] = _number(field, fields.pop(field), kind)
    return Mix(name, _policy(name, {field: _value(field, value) for field, value in fields.items()}), **about)


def _value(field: str, text: str) -> Any:
    if field == "extension":
        after, slash, seconds = text.partition("/")
        if not slash:
            raise ValueError(f"extension is TURNS/SECONDS, as 6/120, got {text!r}")
        return Extension(_number(field, after, int), _number(field, seconds, float))
    whole = ("max_turns", "keep_turns", "max_bytes", "shown_turns", "carry_over", "summarise")
    return _number(field, text, int if field in whole else float)


def _number(field: str, text: str, kind: type[int] | type[float]) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{field} must be a number, got {text!r}") from None


def read_policies(document: Mapping[str, Any]) -> list[Mix]:
    """From the JSON of ``GET /assistants``, or the ``policies`` of ``GET /system/status``. Shares are equal, and what a
    newer server says besides is passed over."""
    if "assistants" in document and "policies" not in document:
        return [replace(_mix(each["name"], each["policy"]), subject=each["subject"]) for each in document["assistants"]]
    if "policies" not in document:
        raise ValueError("expected the JSON of GET /assistants or of GET /system/status")
    return [_mix(name, fields) for name, fields in document["policies"].items()]


def _mix(name: str, told: Mapping[str, Any]) -> Mix:
    named = ((_FIELD.sub("_", field).lower(), value) for field, value in told.items())
    fields = {field: value for field, value in named if value is not None and field in SessionPolicy.__slots__}
    if "extension" in fields:
        fields["extension"] = Extension(fields["extension"]["afterTurns"], fields["extension"]["seconds"])
    return Mix(name, _policy(name, fields))


def _policy(name: str, fields: Mapping[str, Any]) -> SessionPolicy:
    try:
        return SessionPolicy(**fields)
    except TypeError:
        known = ", ".join(SessionPolicy.__slots__)
        raise ValueError(f"{name}: a policy has {known}; got {', '.join(fields)}") from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def with_shares(mixes: Iterable[Mix], shares: Mapping[str, float]) -> tuple[Mix, ...]:
    """The same with these shares of the users; ``ValueError`` names an assistant that is not among them."""
    found = tuple(replace(mix, share=shares.get(mix.name, mix.share)) for mix in mixes)
    if unknown := shares.keys() - {mix.name for mix in found}:
        raise ValueError(f"no policy is named {', '.join(sorted(unknown))}")
    return found
