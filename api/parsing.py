"""From the raw bytes of a request to a pydantic model: strict, and a clear error for everything that is none."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Final, TypeVar

import orjson
from flask import request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema
from werkzeug.exceptions import RequestEntityTooLarge

from api.errors import ApiError, invalid

MAX_BODY: Final = 65_536
_MAX_DEPTH: Final = 32
MAX_NUMBER: Final = 1e15
ID_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$"
SESSION_ID_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,160}$"
KEY_PATTERN: Final = "^[!-~]{1,255}$"
TEXT_PATTERN: Final = r"^[^\x00]*[^\s\x00][^\x00]*$"
"""As clients are told them; ``fullmatch`` is what makes their ends hold."""

_ID: Final = re.compile(ID_PATTERN, re.ASCII)
_SESSION_ID: Final = re.compile(SESSION_ID_PATTERN, re.ASCII)
_KEY: Final = re.compile(KEY_PATTERN, re.ASCII)

Model = TypeVar("Model", bound=BaseModel)


class Body(BaseModel):
    """Base of all request bodies: no coercion, unknown fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")


def subject_id(value: str) -> str:
    """A user's or session's id from outside, or 400 ``invalid_id``."""
    if not _ID.fullmatch(value):
        raise ApiError(
            400,
            "invalid_id",
            "An id begins with a letter or digit and has at most 128 of the characters A-Z a-z 0-9 . _ : @ + -",
        )
    return value


def is_subject_id(value: str) -> bool:
    """Whether ``subject_id`` would take it."""
    return _ID.fullmatch(value) is not None


def full_session_id(value: str) -> str:
    """A ``session:<user>:<start>`` id, which may be longer than the user's, or 400 ``invalid_id``."""
    if not _SESSION_ID.fullmatch(value):
        raise ApiError(400, "invalid_id", "A session id looks like session:user123:1732088400000")
    return value


def not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


Text = Annotated[str, AfterValidator(not_blank), WithJsonSchema({"x-component": "Text"})]
"""Text that says something."""

Id = Annotated[str, AfterValidator(subject_id), WithJsonSchema({"x-component": "Id"})]
"""A user's or session's id; 400 ``invalid_id`` where it is none."""


def message_id(value: str) -> str:
    """An idempotency key, or 400."""
    if not _KEY.fullmatch(value):
        raise invalid("An idempotency key is 1 to 255 visible ASCII characters", "messageId")
    return value


MessageId = Annotated[str, AfterValidator(message_id), WithJsonSchema({"x-component": "Key"})]

AssistantName = Annotated[str, WithJsonSchema({"x-component": "Assistant"})]
"""A name that the registry is asked for."""


def whole(value: object) -> object:
    """``2.0`` is a whole number in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE: Final = BeforeValidator(whole)
"""For fields: ``Annotated[int, Field(ge=1), WHOLE]``, in this order, so that the bounds are described."""


def parse(model: type[Model], *, optional: bool = False) -> Model:
    """The request's body as ``model``. With ``optional`` no body at all is an empty object."""
    return validated(model, parse_object(optional=optional))


def parse_object(*, optional: bool = False) -> dict[str, Any]:
    """The request's body as a JSON object."""
    raw = whole_body()
    if not raw and optional:
        return {}
    kind = request.mimetype
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ApiError(415, "unsupported_media_type", "Send JSON, with the header Content-Type: application/json")
    return read_object(raw)


def whole_body() -> bytes:
    """The request's body: 413 where it is too large, 400 where less came than was announced."""
    raw = request.get_data(cache=False)
    announced, most = request.content_length, request.max_content_length
    if announced is None and most is not None and len(raw) >= most:  # one in chunks is read so far and no further
        raise RequestEntityTooLarge
    if announced is not None and len(raw) < announced:
        raise invalid("The body ended before all of it had come")
    return raw


def read_object(raw: bytes) -> dict[str, Any]:
    """A JSON object from bytes, or 400: no BOM, nothing but UTF-8, no lone surrogates, numbers and depth in reason."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise invalid("The body must be a JSON object in UTF-8") from error
    if not isinstance(value, dict):
        raise invalid("The body must be a JSON object")
    _check(value, 0)
    return value


def _check(value: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise invalid(f"The body is nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, str):
        if "\x00" in value:
            raise invalid("The body has a NUL character, which no text needs")
    elif isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > MAX_NUMBER:
            raise invalid("The body has a number beyond reason")
    elif isinstance(value, dict):
        for name, item in value.items():
            _check(name, depth + 1)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def validated(model: type[Model], value: dict[str, Any]) -> Model:
    """The object as ``model``, or 400 naming the first field that is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        reason = first["msg"].removeprefix("Value error, ")
        raise invalid(f"{field}: {reason[:1].lower()}{reason[1:]}", field) from error


def message_text(text: str, most: int) -> str:
    """A user's message, or 413 ``too_large``."""
    if len(text) > most:
        raise ApiError(413, "too_large", f"A message has at most {most:,} characters; this one has {len(text):,}")
    return text


def idempotency_key(from_body: str | None = None) -> str | None:
    """The header ``Idempotency-Key``, else ``messageId`` of the body, else None; 400 where it is malformed."""
    key = request.headers.get("Idempotency-Key", from_body)
    return None if key is None else message_id(key)


def query_number(name: str, default: int, least: int, most: int) -> int:
    """A whole number from the query string within its bounds, or 400."""
    text = request.args.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?[0-9]{1,12}", text) or not least <= int(text) <= most:
        raise invalid(f"{name} must be a whole number from {least:,} to {most:,}", name)
    return int(text)
