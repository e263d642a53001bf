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

    ``heard`` is told the words of each, which may be none; what it raises ends the stream. ``over``: nothing follows.
    """

    def __init__(self, heard: Callable[[str], None]) -> None:
        self.over = False
        self._heard = heard
        self._rest = b""
        self._aside: list[bytes] = []
        self._chunks: list[dict[str, Any]] = []
        self._words: list[str] = []
        self._first: dict[str, Any] = {}

    def take(self, data: bytes) -> None:
        """What came in, cut wherever it happened to be."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(_DATA):
                event = line[len(_DATA) :].strip()
                if event.startswith(_DONE):
                    self.over = True
                else:
                    self.add(loaded(event))
            elif line and not self.begun:
                self._aside.append(line)

    def add(self, chunk: dict[str, Any]) -> None:
        """The next chunk; raises ``APIError`` where it tells of one."""
        if error := chunk.get("error"):
            message = error.get("message") if isinstance(error, Mapping) else str(error)
            raise openai.APIError(message or "The stream broke off", httpx2.Request("POST", ""), body=error)
        said, only = _said(chunk)
        self._heard(said)
        if only:
            self._first = self._first or chunk
            self._words.append(said)
        else:
            self._join()
            self._chunks.append(chunk)

    def joined(self) -> list[dict[str, Any]]:
        """All of them, at the end."""
        self._join()
        return self._chunks

    @property
    def begun(self) -> bool:
        """Whether there was a chunk."""
        return bool(self._chunks or self._words)

    @property
    def aside(self) -> bytes:
        """What came before the first chunk, or instead of any: why there is no stream."""
        return b"\n".join([*self._aside, self._rest])

    def _join(self) -> None:
        if self._words:
            choice = self._first["choices"][0]
            delta = {**choice["delta"], "content": "".join(self._words)}
            self._chunks.append({**self._first, "choices": [{**choice, "delta": delta}]})
            self._words, self._first = [], {}


def _said(chunk: Mapping[str, Any]) -> tuple[str, bool]:
    """The words of a chunk, and whether they are all that it has."""
    choices = chunk.get("choices") or ()
    choice = choices[0] if choices else {}
    delta = choice.get("delta")
    if not delta or not isinstance(said := delta.get("content"), str):
        return "", False
    more = chunk.get("usage") or choice.get("finish_reason") or choice.get("logprobs") or choices[1:]
    return said, not more and delta.keys() <= _SPOKEN


def loaded(data: bytes) -> Any:
    """JSON, also with a lone surrogate, which orjson does not take."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)
