"""A streamed answer of OpenAI's kind, as its bytes come in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx2
import openai
import orjson

_DATA: Final = b"data:"
_DONE: Final = b"[DONE]"
_SPOKEN: Final = frozenset({"role", "content"})


class Chunks:
    """The chunks of a stream, those that say nothing but words joined into one: 50 tokens cost what one does.

    ``heard`` is told the words of each, which may be none; what it raises ends the stream.
    """

    def __init__(self, heard: Callable[[str], None]) -> None:
        self._heard = heard
        self._rest = b""
        self._chunks: list[dict[str, Any]] = []
        self._words: list[str] = []
        self._first: dict[str, Any] = {}

    def take(self, data: bytes) -> None:
        """What came in, cut wherever it happened to be."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(_DATA) and not (event := line[len(_DATA) :].strip()).startswith(_DONE):
                self.add(loaded(event))

    def add(self, chunk: dict[str, Any]) -> None:
        """The next chunk; raises ``APIError`` where it tells of one."""
        if error := chunk.get("error"):
            message = error.get("message") if isinstance(error, Mapping) else str(error)
            raise openai.APIError(message or "The stream broke off", httpx2.Request("POST", ""), body=error)
        said = _words(chunk)
        self._heard(said or "")
        if said is None:
            self._join()
            self._chunks.append(chunk)
        else:
            self._first = self._first or chunk
            self._words.append(said)

    def joined(self) -> list[dict[str, Any]]:
        """All of them, at the end."""
        self._join()
        return self._chunks

    @property
    def begun(self) -> bool:
        return bool(self._chunks or self._words)

    def _join(self) -> None:
        if self._words:
            choice = self._first["choices"][0]
            delta = {**choice["delta"], "content": "".join(self._words)}
            self._chunks.append({**self._first, "choices": [{**choice, "delta": delta}]})
            self._words, self._first = [], {}


def _words(chunk: Mapping[str, Any]) -> str | None:
    """What a chunk says, where it does nothing else."""
    choices = chunk.get("choices")
    if not choices or len(choices) > 1 or chunk.get("usage"):
        return None
    choice = choices[0]
    delta = choice.get("delta")
    if not delta or choice.get("finish_reason") or choice.get("logprobs") or not delta.keys() <= _SPOKEN:
        return None
    said = delta.get("content")
    return said if isinstance(said, str) else None


def loaded(data: bytes) -> Any:
    """JSON, also with a lone surrogate, which orjson does not take."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)
