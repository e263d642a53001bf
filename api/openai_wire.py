"""OpenAI's wire format: what their clients send and expect, and how a turn looks in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import orjson
from langchain_core.messages.utils import count_tokens_approximately
from pydantic import Field, WithJsonSchema

from agent.events import Answered, Done, Event, Failed, Token
from api.errors import ApiError, invalid, openai_body, to_api_error
from api.parsing import WHOLE, AssistantName, Body, Id
from api.sse import gathered
from memory import Message, Turn
from memory.history import to_messages

TEXT_PARTS: Final = ("text", "input_text", "output_text")


class Part(Body):
    """A part of a message; parts that are no text can't be read by any assistant here."""

    type: Annotated[str, WithJsonSchema({"enum": list(TEXT_PARTS)})]
    text: str | None = None


class Said(Body):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


_WORDS: Final = {"x-component": "Text"}
_BY_THE_USER: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"const": "user"},
        "content": {
            "anyOf": [
                _WORDS,
                {
                    "type": "array",
                    "contains": {
                        "type": "object",
                        "required": ["type", "text"],
                        "properties": {"type": {"enum": list(TEXT_PARTS)}, "text": _WORDS},
                    },
                },
            ]
        },
    },
    "additionalProperties": True,
}


class StreamOptions(Body):
    include_usage: bool | None = None


class Completion(Body):
    """What is not named here (``temperature``, ``max_tokens``, ``seed`` …) is taken and ignored: the server's own model
    settings hold. ``model`` is the name of an assistant. With ``user`` the session of that user is used."""

    model: AssistantName
    messages: Annotated[list[Said], Field(min_length=1, json_schema_extra={"contains": _BY_THE_USER})]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: Id | None = None
    n: Annotated[int, Field(ge=1, le=1), WHOLE] | None = None


@dataclass(frozen=True, slots=True)
class Conversed:
    """``messages`` of a request as the server reads them: ``history`` in turns, oldest first, then the ``message``."""

    message: str
    history: tuple[Turn, ...]
    instructions: str


NOT_SERVED: Final[Mapping[str, Callable[[Any], bool]]] = {
    "tools": bool,
    "functions": bool,
    "response_format": lambda value: value is not None and value != {"type": "text"},
    "modalities": lambda value: value is not None and value != ["text"],
    "audio": bool,
    "logprobs": bool,
}
"""Parameters that would change what the client gets back, so that ignoring them would mislead it."""


def refuse_what_is_not_served(body: Mapping[str, Any]) -> None:
    """400 for a wish that an assistant can't fulfil."""
    for name, wished in NOT_SERVED.items():
        if wished(body.get(name)):
            raise invalid(f"{name} is not served: the assistants bring their own tools and answer in text", name)


def conversed(said: Sequence[Said]) -> Conversed:
    """The messages of a request. The last one of the user is the one to answer; what stands behind it (the beginning of
    a reply, say) is left out, and so are those of tools: the assistants call their own."""
    texts = [(each.role, _text(each)) for each in said]
    instructions = "\n\n".join(text for role, text in texts if role in ("system", "developer") and text.strip())
    spoken = [(role, text) for role, text in texts if role in ("user", "assistant") and text.strip()]
    last = max((at for at, (role, _) in enumerate(spoken) if role == "user"), default=None)
    if last is None:
        raise invalid("messages must have one of the user that says something", "messages")
    turns: list[list[Message]] = []
    for role, text in spoken[:last]:
        if role == "user" or not turns:
            turns.append([])
        turns[-1].append(Message("human" if role == "user" else "ai", text))
    history = tuple(Turn(str(at), 0, 0, 0, tuple(messages)) for at, messages in enumerate(turns))
    return Conversed(spoken[last][1], history, instructions)


def _text(said: Said) -> str:
    if isinstance(said.content, list):
        if any(part.type not in TEXT_PARTS for part in said.content):
            raise invalid("content must be text: pictures, sound and files can't be read here", "messages")
        return "\n".join(part.text for part in said.content if part.text)
    return said.content or ""


# --- answers --------------------------------------------------------------------------------------------------------


def messages_of(last: Done | Answered) -> Sequence[Message]:
    return last.finished.turn.messages if isinstance(last, Done) else last.messages


def usage(messages: Sequence[Message]) -> dict[str, int]:
    """Tokens of all model calls of a turn: as the provider counted them, else estimated (four characters each)."""
    counted = [record.rest["usage_metadata"] for record in messages if record.rest.get("usage_metadata")]
    if counted:
        asked, answered = (sum(each[name] for each in counted) for name in ("input_tokens", "output_tokens"))
    else:
        asked = count_tokens_approximately(to_messages(messages[:-1]))
        answered = count_tokens_approximately(to_messages(messages[-1:]))
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def finish_reason(messages: Sequence[Message]) -> str:
    """``stop``, unless the model was cut off."""
    return str(messages[-1].rest.get("response_metadata", {}).get("finish_reason") or "stop")


def completion(head: Mapping[str, Any], last: Done | Answered) -> dict[str, Any]:
    """The whole answer; ``head`` has ``id``, ``created`` and ``model``."""
    messages = messages_of(last)
    message = {"role": "assistant", "content": last.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(messages)}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage(messages)}


def chunks(head: Mapping[str, Any], events: Iterable[Event | None], *, with_usage: bool) -> Iterator[bytes]:
    """The answer in pieces, as server-sent events. An error after the first piece is an event of its own."""
    return gathered(_chunks(head, events, with_usage=with_usage))


def _chunks(head: Mapping[str, Any], events: Iterable[Event | None], *, with_usage: bool) -> Iterator[bytes]:
    def chunk(delta: Mapping[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return _data({**head, "object": "chat.completion.chunk", "choices": [choice]})

    yield chunk({"role": "assistant", "content": ""})
    yield b""
    for event in events:
        if event is None:
            yield b""
        elif isinstance(event, Token):
            yield chunk({"content": event.text})
        elif isinstance(event, Failed):
            yield _data(openai_body(to_api_error(event.error)))
        elif isinstance(event, Done | Answered):
            messages = messages_of(event)
            yield chunk({}, finish_reason(messages))
            if with_usage:
                yield _data({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage(messages)})
            yield b"data: [DONE]\n\n"


def _data(body: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"


def unknown_model(name: str, known: Iterable[str]) -> ApiError:
    """404, as OpenAI tells it."""
    return ApiError(
        404,
        "model_not_found",
        f"There is no assistant {name[:40]!r}; there are {', '.join(known)}",
        details={"field": "model"},
    )
