"""The description of all endpoints, OpenAPI 3.1, put together from what each view says of itself with ``describe``.

Addresses and methods come from the application's own route map, the bodies' schemas from the pydantic models that
parse them, the answers' from an example of each. Nothing is listed here a second time.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from flask import Flask
from pydantic import BaseModel
from werkzeug.routing import Rule

from api import examples, parsing
from api.errors import DESCRIBED, is_openai, openai_kind
from api.examples import Maybe, Named, OneOf, Shape
from api.hosts import PROBES
from api.identity import is_open
from api.services import Services

View = TypeVar("View", bound=Callable[..., Any])
Json = dict[str, Any]

ID: Final[Json] = {"$ref": "#/components/schemas/Id"}
SESSION_ID: Final[Json] = {"$ref": "#/components/schemas/SessionId"}
ASSISTANT: Final[Json] = {"$ref": "#/components/schemas/Assistant"}
LIVE_ASSISTANT: Final[Json] = {"$ref": "#/components/schemas/LiveAssistant"}
"""Those that keep nothing beyond their sessions."""
TEXT: Final[Json] = {"type": "string"}

TURN: Final = (
    "session_busy", "turn_stopped", "session_ended", "idempotency_mismatch", "model_unavailable", "model_timeout",
    "shutting_down", "over_capacity",
)  # fmt: skip
"""What can go wrong with a turn."""


@dataclass(frozen=True)
class Parameter:
    """One value of the query string or a header; ``schema`` is its JSON schema."""

    name: str
    schema: Json
    about: str = ""
    place: str = "query"
    example: Any = None


@dataclass(frozen=True)
class Content:
    """An answer that is no JSON."""

    kind: str
    example: str = ""


@dataclass(frozen=True)
class Description:
    """What a view says of itself; None where it is a file of the page, which no client calls."""

    summary: str
    about: str = ""
    body: type[BaseModel] | None = None
    body_example: Json | None = None
    optional_body: bool = False
    parameters: Sequence[Parameter] = ()
    path: Mapping[str, Json] = field(default_factory=dict)
    answers: Mapping[int, Shape] = field(default_factory=dict)
    errors: Sequence[str] = ()


def describe(
    summary: str,
    answer: Shape = None,
    *,
    about: str = "",
    body: type[BaseModel] | None = None,
    example: Json | None = None,
    optional_body: bool = False,
    parameters: Sequence[Parameter] = (),
    path: Mapping[str, Json] | None = None,
    answers: Mapping[int, Shape] | None = None,
    errors: Sequence[str] = (),
) -> Callable[[View], View]:
    """Describe a view. ``answer`` is the shape of its 200 (``api.examples``; several in a tuple, by their kind),
    ``example`` a body that works as it is.

    ``errors`` are codes besides those that any such endpoint may answer. ``path`` has the schemas of variables in the
    address that are no plain ids.
    """

    def described(view: View) -> View:
        view.parley_description = Description(  # type: ignore[attr-defined]
            summary, about, body, example, optional_body, parameters, path or {}, answers or {200: answer}, errors
        )
        return view

    return described


def unlisted(view: View) -> View:
    """A file of a page: nothing that a client calls, so it is not in the document."""
    view.parley_description = None  # type: ignore[attr-defined]
    return view


def number(name: str, default: int, least: int, most: int, about: str = "") -> Parameter:
    """A whole number in the query, as ``parsing.query_number`` reads it."""
    return Parameter(name, {"type": "integer", "minimum": least, "maximum": most, "default": default}, about)


def assistant(about: str = "Which assistant's; without it the default one's.") -> Parameter:
    return Parameter("assistant", ASSISTANT, about)


USER: Final = Parameter("X-User-Id", ID, "Who asks, where `AUTH` is off or the key acts for everybody.", "header")
KEY: Final = Parameter(
    "Idempotency-Key",
    {"type": "string", "pattern": parsing.KEY_PATTERN},
    "A retry with the same key is answered with the stored reply; `messageId` in the body does the same.",
    "header",
)

ERROR: Final = Named(
    "Error",
    {
        "success": OneOf(False),
        "error": "There is no such session; it may have ended",
        "code": "session_not_found",
        "requestId": "0b9c1f6e2f6d4a0e9f0e4f0b6a3c2d11",
        "details?": {"field?": "message"},
    },
)
OPENAI_ERROR: Final = Named(
    "OpenAIError",
    {
        "error": {
            "message": "There is no assistant 'gpt-4'; there are chat, weather",
            "type": OneOf(
                "invalid_request_error", "authentication_error", "permission_error", "rate_limit_error", "server_error"
            ),
            "param": Maybe("model"),
            "code": Maybe("model_not_found"),
        }
    },
)
FILES: Final = {"page"}
"""Blueprints of nothing but a page's files."""


def views(app: Flask) -> Iterator[tuple[str, str, Rule, Callable[..., Any]]]:
    """(path, method, rule, view) of every route; HEAD and OPTIONS, which Flask adds, left out."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            yield path, method.lower(), rule, app.view_functions[rule.endpoint]


def undescribed(app: Flask) -> list[str]:
    """Routes whose view says nothing of itself."""
    return [
        f"{method.upper()} {path}"
        for path, method, rule, view in views(app)
        if not hasattr(view, "parley_description") and rule.endpoint.partition(".")[0] not in FILES
    ]


def document(app: Flask, services: Services) -> Json:
    """The whole document."""
    composer = _Composer(app, services)
    paths: dict[str, Json] = {}
    for path, method, rule, view in views(app):
        if isinstance(said := getattr(view, "parley_description", None), Description):
            operation = composer.operation(path, method, rule, said, admin=hasattr(view, "parley_admin"))
            paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Parley",
            "version": services.config.version,
            "summary": "Assistants whose conversations live in bounded sessions",
            "description": _ABOUT,
        },
        "servers": [{"url": "/"}],
        "tags": composer.tags(),
        "paths": paths,
        "components": {
            "schemas": dict(sorted(composer.schemas.items())),
            "headers": _HEADERS,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, or a user's token, where the server has `AUTH=on`.",
                }
            },
        },
    }


class _Composer:
    def __init__(self, app: Flask, services: Services) -> None:
        self._app = app
        self._services = services
        self._models: dict[str, type[BaseModel]] = {}
        self._tags: dict[str, str] = {}
        self.schemas: dict[str, Any] = {
            "Id": {"type": "string", "pattern": parsing.ID_PATTERN, "examples": ["user123"]},
            "SessionId": {
                "type": "string",
                "pattern": parsing.SESSION_ID_PATTERN,
                "examples": ["session:user123:1732088400000"],
            },
            "Key": {"type": "string", "pattern": parsing.KEY_PATTERN},
            "Assistant": {"type": "string", "enum": list(services.registry)},
            "SessionAssistant": {
                "type": "string",
                "enum": [name for name, each in services.registry.items() if each.subject == "session"] or [""],
            },
            "LiveAssistant": {
                "type": "string",
                "enum": [name for name, each in services.engines.items() if not each.policy.archive] or [""],
            },
            "Json": _JSON,
            "Text": {
                "type": "string",
                "pattern": parsing.TEXT_PATTERN,
                "maxLength": services.config.max_message_chars,
            },
        }

    def tags(self) -> list[Json]:
        return [{"name": name, "description": about} for name, about in sorted(self._tags.items())]

    def operation(self, path: str, method: str, rule: Rule, said: Description, *, admin: bool) -> Json:
        guarded = not is_open(path)
        operation: Json = {
            "operationId": rule.endpoint.replace(".", "_"),
            "tags": [self._tag(rule)],
            "summary": said.summary,
            "responses": {},
        }
        about = [said.about, "For administrators only." if admin else ""]
        if text := " ".join(part for part in about if part):
            operation["description"] = text
        if parameters := self._parameters(rule, said):
            operation["parameters"] = parameters
        if said.body:
            media: Json = {"schema": self._model(said.body, self._tag(rule))}
            if said.body_example is not None:
                media["example"] = said.body_example
            operation["requestBody"] = {"required": not said.optional_body, "content": {"application/json": media}}
        if guarded and self._services.config.auth:
            operation["security"] = [{"key": []}]
        for good, answer in said.answers.items():
            operation["responses"][str(good)] = self._answer(answer)
        shape = OPENAI_ERROR if is_openai(path) else ERROR
        for status, codes in self._errors(rule, said, guarded=guarded, admin=admin).items():
            operation["responses"][status] = self._error(shape, codes)
        return operation

    def _tag(self, rule: Rule) -> str:
        """A route's blueprint; its module's first line tells what it is."""
        name = str(rule.endpoint).partition(".")[0]
        if blueprint := self._app.blueprints.get(name):
            about = (sys.modules[blueprint.import_name].__doc__ or "").partition("\n\n")[0]
            self._tags[name] = " ".join(about.replace("``", "`").split())
        return name

    def _parameters(self, rule: Rule, said: Description) -> list[Json]:
        found: list[Json] = [
            {"name": name, "in": "path", "required": True, "schema": said.path.get(name, ID)}
            for name in sorted(rule.arguments, key=rule.rule.index)
        ]
        for each in said.parameters:
            parameter: Json = {"name": each.name, "in": each.place, "required": False, "schema": each.schema}
            if each.about:
                parameter["description"] = each.about
            if each.example is not None:
                parameter["example"] = each.example
            found.append(parameter)
        return found

    def _model(self, model: type[BaseModel], tag: str) -> Json:
        """The schema by which a request is parsed, among the components."""
        name = f"{model.__name__}Body"
        if self._models.setdefault(name, model) is not model:
            name = f"{tag.title()}{name}"
            self._models[name] = model
        if name not in self.schemas:
            found = model.model_json_schema(ref_template="#/components/schemas/{model}")
            for inner, definition in found.pop("$defs", {}).items():
                self.schemas[inner] = _plain(definition)
            self.schemas[name] = _plain(found)
        return {"$ref": f"#/components/schemas/{name}"}

    def _answer(self, answer: Shape) -> Json:
        content: dict[str, Json] = {}
        for each in answer if isinstance(answer, tuple) else (answer,):
            if isinstance(each, Content):
                content[each.kind] = {"example": each.example} if each.example else {}
            else:
                found = examples.schema(each, self.schemas)
                content["application/json"] = {"schema": found, "example": examples.example(each)}
        return {"description": "As asked", "headers": _REQUEST_ID, "content": content}

    def _errors(self, rule: Rule, said: Description, *, guarded: bool, admin: bool) -> dict[str, list[str]]:
        """The codes of an endpoint by status."""
        codes = [*said.errors]
        if rule.arguments or any(p.schema in (ID, SESSION_ID) for p in said.parameters):
            codes.append("invalid_id")
        if said.body or any(p.place == "query" or p is KEY for p in said.parameters):
            codes.append("invalid_request")
        if said.body:
            codes += ["request_timeout", "too_large", "unsupported_media_type"]
        if guarded:
            codes += ["unauthorized", "forbidden", "rate_limited", "over_capacity", "internal_error"]
        if rule.rule not in PROBES:
            codes.append("misdirected_request")
        by_status: dict[str, list[str]] = {}
        for code in dict.fromkeys(codes):
            by_status.setdefault(str(DESCRIBED[code][0]), []).append(code)
        return dict(sorted(by_status.items()))

    def _error(self, shape: Named, codes: Sequence[str]) -> Json:
        status, when = DESCRIBED[codes[0]]
        shown = examples.example(shape)
        if shape is ERROR:
            shown = {**shown, "error": when, "code": codes[0]}
            if codes[0] != "invalid_request":
                shown.pop("details")
        else:
            shown = {"error": {"message": when, "type": openai_kind(status), "param": None, "code": codes[0]}}
        headers = {**_REQUEST_ID}
        if status in (409, 429, 503):
            headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
        return {
            "description": "; ".join(f"`{code}`: {DESCRIBED[code][1]}" for code in codes),
            "headers": headers,
            "content": {"application/json": {"schema": examples.schema(shape, self.schemas), "example": shown}},
        }


def openai_type(status: int) -> str:
    """What OpenAI calls an error of this status."""
    named = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    return named.get(status, "server_error" if status >= 500 else "invalid_request_error")


def _plain(found: Any) -> Any:
    """Without pydantic's titles, and with references to our own components in place."""
    if isinstance(found, list):
        return [_plain(item) for item in found]
    if not isinstance(found, dict):
        return found
    if name := found.get("x-component"):
        return {"$ref": f"#/components/schemas/{name}"}
    if found.get("type") == "object" and "properties" in found:
        found = {"additionalProperties": {"x-component": "Json"}, **found}
    return {name: _plain(item) for name, item in found.items() if name != "title" or not isinstance(item, str)}


_ANY: Final[Json] = {"$ref": "#/components/schemas/Json"}
_JSON: Final[Json] = {
    "description": "Any JSON whose numbers are within reason; what no endpoint knows is ignored.",
    "anyOf": [
        {"type": ["null", "boolean"]},
        {"type": "string", "pattern": "^[^\\x00]*$"},
        {"type": "number", "minimum": -parsing.MAX_NUMBER, "maximum": parsing.MAX_NUMBER},
        {"type": "array", "items": _ANY},
        {"type": "object", "additionalProperties": _ANY},
    ],
}
_REQUEST_ID: Final[Json] = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
_HEADERS: Final[Json] = {
    "RequestId": {
        "description": "The id of this request: the client's own `X-Request-Id`, or a new one. Log lines have it too.",
        "required": True,
        "schema": {"type": "string"},
    },
    "RetryAfter": {"description": "Seconds to wait before another try.", "schema": {"type": "string"}},
}
_ABOUT: Final = (
    "Chat with assistants whose conversations live in sessions that end by themselves. JSON in UTF-8; times are "
    "ISO-8601 in UTC with milliseconds; a trailing slash is optional; unknown fields of a body are ignored. An error "
    "is told as one sentence and a `code`. A message with an `Idempotency-Key` can be sent again safely."
)
