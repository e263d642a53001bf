"""OpenAI's wire format for chat completions and embeddings, as the real service writes it."""

from __future__ import annotations

import base64
import json
import math
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

import orjson

CREATED = 1_790_000_000
DIMENSIONS = 64
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The model's wish that a tool be called."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model does with one request.

    text, tools  what it says and which tools it wants called (both at once are possible)
    status       above 399: it fails with OpenAI's error for that status; ``retry_after`` in seconds goes with it
    think        seconds before the first byte
    drip         seconds between the pieces of a stream
    hang         it never answers
    cut_after    the connection breaks after that many pieces of a stream (half-way in a reply that is no stream);
                 0: before any byte
    """

    text: str = ""
    tools: Sequence[ToolUse] = ()
    status: int = 200
    retry_after: float | None = None
    think: float = 0.0
    drip: float = 0.0
    hang: bool = False
    cut_after: int | None = None


# status: (message, type, code)
_ERRORS = {
    400: ("The request is not valid.", "invalid_request_error", None),
    401: ("Incorrect API key provided: sk-****.", "invalid_request_error", "invalid_api_key"),
    404: ("The model does not exist or you do not have access to it.", "invalid_request_error", "model_not_found"),
    429: ("Rate limit reached for requests per minute.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request. Sorry about that!", "server_error", None),
    503: ("The engine is currently overloaded, please try again later.", "service_unavailable", None),
}


def error(status: int, message: str | None = None) -> bytes:
    """The body of a failure."""
    usual, kind, code = _ERRORS.get(status, _ERRORS[500])
    return orjson.dumps({"error": {"message": message or usual, "type": kind, "param": None, "code": code}})


def completion(reply: Reply, request: dict[str, Any]) -> bytes:
    """The body of a reply that is no stream."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None, "annotations": []}
    if reply.tools:
        message["tool_calls"] = [
            {"id": _tool_id(), "type": "function", "function": {"name": t.name, "arguments": _arguments(t)}}
            for t in reply.tools
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
    return _dumps({**_envelope("chat.completion", request), "choices": [choice], "usage": _usage(reply, request)})


def pieces(reply: Reply, request: dict[str, Any]) -> list[bytes]:
    """The events of a stream, one a token, the last one being ``[DONE]``."""
    with_usage = bool((request.get("stream_options") or {}).get("include_usage"))
    envelope = _envelope("chat.completion.chunk", request) | ({"usage": None} if with_usage else {})
    # Everything before the choices is the same in each event, so it is written once.
    start = b"data: " + orjson.dumps(envelope)[:-1] + b',"choices":['

    def event(delta: bytes, finish: str = "null") -> bytes:
        ending = b',"logprobs":null,"finish_reason":%b}]}\n\n' % finish.encode()
        return start + b'{"index":0,"delta":' + delta + ending

    content = b'""' if reply.text or not reply.tools else b"null"
    events = [event(b'{"role":"assistant","content":%b,"refusal":null}' % content)]
    events += [event(b'{"content":%b}' % token) for token in _tokens(reply.text)]
    for index, tool in enumerate(reply.tools):
        opening = {"id": _tool_id(), "type": "function", "function": {"name": tool.name, "arguments": ""}}
        events.append(event(_tool_delta(index, opening)))
        events += [
            event(_tool_delta(index, {"function": {"arguments": part}})) for part in _fragments(_arguments(tool))
        ]
    events.append(event(b"{}", f'"{_finish(reply)}"'))
    if with_usage:
        total = {**envelope, "choices": [], "usage": _usage(reply, request)}
        events.append(b"data: " + orjson.dumps(total) + b"\n\n")
    return [*events, b"data: [DONE]\n\n"]


def complaint(request: dict[str, Any]) -> str | None:
    """What the real service would refuse in the messages, or None: above all a tool call without its result."""
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        return "Invalid 'messages': empty array. Expected an array with minimum length 1."
    awaited: set[str] = set()
    for number, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in awaited:
                return (
                    f"Invalid parameter: messages[{number}] with role 'tool' must be a response to a preceding "
                    "message with 'tool_calls'."
                )
            awaited.remove(message["tool_call_id"])
        elif awaited:
            break
        else:
            awaited = {call["id"] for call in message.get("tool_calls") or ()}
    if awaited:
        return (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(sorted(awaited))}"
        )
    return None


def embeddings(request: dict[str, Any]) -> bytes:
    """Vectors of hashed words: texts that share words are near each other."""
    given = request["input"]
    inputs = given if isinstance(given, list) and not (given and isinstance(given[0], int)) else [given]
    vectors = [_vector(text) for text in inputs]
    as_base64 = request.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": i, "embedding": _packed(v) if as_base64 else v} for i, v in enumerate(vectors)
    ]
    words = sum(len(str(text).split()) for text in inputs)
    usage = {"prompt_tokens": words, "total_tokens": words}
    return orjson.dumps({"object": "list", "data": data, "model": request.get("model"), "usage": usage})


def _envelope(kind: str, request: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{next(_numbers):08d}",
        "object": kind,
        "created": CREATED,
        "model": request.get("model"),
        "service_tier": "default",
        "system_fingerprint": "fp_test",
    }


def _usage(reply: Reply, request: dict[str, Any]) -> dict[str, Any]:
    """Words stand for tokens."""
    asked = sum(len(str(message.get("content") or "").split()) for message in request["messages"])
    said = len(_tokens(reply.text)) + sum(len(_fragments(_arguments(tool))) for tool in reply.tools)
    return {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.tools else "stop"


def _tool_id() -> str:
    return f"call_{next(_numbers):08d}"


def _tool_delta(index: int, call: dict[str, Any]) -> bytes:
    return orjson.dumps({"tool_calls": [{"index": index, **call}]})


def _arguments(tool: ToolUse) -> str:
    return orjson.dumps(tool.arguments).decode()


@lru_cache(maxsize=256)
def _tokens(text: str) -> tuple[bytes, ...]:
    """The text's words with the space behind them, as JSON strings."""
    return tuple(_dumps(word) for word in re.findall(r"\S+\s*|^\s+", text))


def _dumps(value: Any) -> bytes:
    """As JSON; lone surrogates are escaped, as some models' servers do."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def _fragments(arguments: str) -> list[str]:
    """A few characters each, so that no fragment is JSON by itself."""
    return [arguments[start : start + 6] for start in range(0, len(arguments), 6)]


def _vector(text: str | list[int]) -> list[float]:
    words = [str(word) for word in text] if isinstance(text, list) else re.findall(r"\w+", text.lower())
    vector = [0.0] * DIMENSIONS
    for word in words:
        vector[zlib.crc32(word.encode()) % DIMENSIONS] += 1.0
    length = math.hypot(*vector) or 1.0
    return [value / length for value in vector]


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
