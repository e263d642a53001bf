"""A conversation out of the archive: as JSON, which can be imported again unchanged, and for people."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistants.chat.documents import to_markdown
from assistants.chat.pdf import to_pdf
from memory.archive import ArchivedChat, ChatSession
from memory.clock import iso
from memory.session import Message, Turn

__all__ = ["MAX_BYTES", "Exported", "InvalidExport", "from_json", "to_json", "to_markdown", "to_pdf"]

FORMAT: Final = "parley-chat"
MAX_BYTES: Final = 10_000_000


class InvalidExport(ValueError):
    """What was given is not an export of ours, or was changed so that it contradicts itself.

    ``field`` names the place (``turns.3.began``), or is empty where it can't be read at all.
    """

    def __init__(self, why: str, field: str = "") -> None:
        super().__init__(f"This is not an exported conversation: {f'{field}: ' if field else ''}{why}")
        self.field = field


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


Time = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$")]
Text = dict[str, Any] | str


class _Message(_Strict):
    role: Annotated[str, Field(pattern=r"^[a-z_]{1,16}$")]
    content: str | list[Text]
    rest: dict[str, Any] = {}

    @model_validator(mode="after")
    def _blocks_say_text(self) -> Self:
        if isinstance(self.content, list):
            for block in self.content:
                if isinstance(block, dict) and not isinstance(block.get("text", ""), str):
                    raise ValueError("the text of a block must be text")
        return self


class _Turn(_Strict):
    id: Annotated[str, Field(pattern=r"^[!-~]{1,256}$")]
    session_started: Time
    began: Time
    took_ms: Annotated[int, Field(ge=0, le=86_400_000)]
    interrupted: bool = False
    data: dict[str, Any] = {}
    messages: Annotated[list[_Message], Field(max_length=1_000)]


class Exported(_Strict):
    """A conversation as it is exported."""

    format: Literal["parley-chat"]
    version: Literal[1]
    session_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$")]
    chat_name: Annotated[str, Field(min_length=1, max_length=80)]
    created_at: Time
    last_activity: Time
    message_count: int
    tags: Annotated[list[Annotated[str, Field(min_length=1, max_length=32)]], Field(max_length=20)] = []
    turns: list[_Turn]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.message_count != 2 * len(self.turns):
            raise ValueError(f"message_count must be {2 * len(self.turns)}, two for each turn")
        if len({turn.id for turn in self.turns}) != len(self.turns):
            raise ValueError("two turns have the same id")
        if self.last_activity < self.created_at:
            raise ValueError("last_activity must not be before created_at")
        return self


def to_json(chat: ArchivedChat) -> bytes:
    """The conversation as UTF-8 JSON, indented; the same conversation gives the same bytes. The owner is not in it."""
    session = chat.session
    document = {
        "format": FORMAT,
        "version": 1,
        "session_id": session.session_id,
        "chat_name": session.chat_name,
        "created_at": iso(session.created_at),
        "last_activity": iso(session.last_activity),
        "message_count": 2 * len(chat.turns),
        "tags": list(session.tags),
        "turns": [_turn_out(turn) for turn in chat.turns],
    }
    written = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    # Half a surrogate pair has no UTF-8; its backslash escape is JSON's own.
    return written.encode("utf-8", "backslashreplace") + b"\n"


def from_json(raw: bytes, max_bytes: int = MAX_BYTES) -> ArchivedChat:
    """The conversation of ``to_json``, owned by nobody yet. Raises ``InvalidExport`` for anything else."""
    if len(raw) > max_bytes:
        raise InvalidExport(f"it has {len(raw):,} bytes; at most {max_bytes:,} are read")
    try:
        document = json.loads(raw.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_without_repeats)
    except UnicodeDecodeError as error:
        raise InvalidExport("it must be UTF-8") from error
    except RecursionError as error:
        raise InvalidExport("it is nested too deeply") from error
    except ValueError as error:
        raise InvalidExport(str(error)) from error
    try:
        known = Exported.model_validate(document)
        return _chat_in(known)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidExport(_sentence(first["msg"]), ".".join(map(str, first["loc"]))) from error


def _turn_out(turn: Turn) -> dict[str, Any]:
    return {
        "id": turn.id,
        "session_started": iso(turn.session_started),
        "began": iso(turn.began),
        "took_ms": turn.took,
        "interrupted": turn.interrupted,
        "data": dict(turn.data),
        "messages": [{"role": said.role, "content": said.content, "rest": dict(said.rest)} for said in turn.messages],
    }


def _chat_in(known: Exported) -> ArchivedChat:
    session = ChatSession(
        session_id=known.session_id,
        owner="",
        chat_name=known.chat_name,
        created_at=_ms(known.created_at, "created_at"),
        last_activity=_ms(known.last_activity, "last_activity"),
        message_count=known.message_count,
        tags=tuple(known.tags),
    )
    turns = tuple(
        Turn(
            id=turn.id,
            session_started=_ms(turn.session_started, f"turns.{place}.session_started"),
            began=_ms(turn.began, f"turns.{place}.began"),
            took=turn.took_ms,
            messages=tuple(Message(said.role, said.content, said.rest) for said in turn.messages),
            data=turn.data,
            interrupted=turn.interrupted,
        )
        for place, turn in enumerate(known.turns)
    )
    return ArchivedChat(session, turns)


def _ms(text: str, field: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidExport("there is no such day or time", field) from error
    return int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a field stands twice in the same object")
    return document


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")
