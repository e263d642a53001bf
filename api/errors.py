"""What clients are told when something goes wrong: one table from exception to status and code."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from agent.errors import ModelTimeout, ModelUnavailable, OverCapacity, TurnStopped
from agent.registry import UnknownAssistant
from memory import (
    IdempotencyMismatch,
    InvalidKey,
    SessionBusy,
    SessionNotFound,
    StaleTurn,
    StoreFull,
    StoreUnavailable,
    TooLarge,
)

log = logging.getLogger(__name__)


class ApiError(Exception):
    """An answer that is an error. ``message`` is one sentence that a person can act on."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details
        self.headers = headers or {}


def invalid(message: str, field: str | None = None) -> ApiError:
    """400: something in the request is missing or makes no sense; ``field`` names it."""
    return ApiError(400, "invalid_request", message, details={"field": field} if field else None)


def not_found(message: str = "There is no such thing here") -> ApiError:
    return ApiError(404, "not_found", message)


def session_not_found() -> ApiError:
    """404 for a session that is dead, foreign or was never there: they look alike."""
    return ApiError(404, "session_not_found", "There is no such session; it may have ended")


_TABLE: Final[Mapping[type[Exception], tuple[int, str]]] = {
    SessionNotFound: (404, "session_not_found"),
    SessionBusy: (409, "session_busy"),
    StaleTurn: (409, "session_ended"),
    TurnStopped: (409, "turn_stopped"),
    IdempotencyMismatch: (422, "idempotency_mismatch"),
    TooLarge: (413, "too_large"),
    InvalidKey: (400, "invalid_id"),
    UnknownAssistant: (400, "invalid_request"),
    StoreFull: (503, "over_capacity"),
    StoreUnavailable: (503, "over_capacity"),
    OverCapacity: (503, "over_capacity"),
    ModelUnavailable: (502, "model_unavailable"),
    ModelTimeout: (504, "model_timeout"),
}

_HTTP: Final[Mapping[int, tuple[str, str]]] = {
    400: ("invalid_request", "The request can't be read"),
    404: ("not_found", "There is nothing at this address"),
    405: ("method_not_allowed", "This address does not take that method"),
    413: ("too_large", "The request is larger than is accepted"),
    415: ("unsupported_media_type", "Send JSON, with the header Content-Type: application/json"),
    429: ("rate_limited", "Too many requests; wait a moment"),
}


DESCRIBED: Final[Mapping[str, tuple[int, str]]] = {
    "invalid_request": (400, "Something in the request is missing, malformed or out of range; `details` names it"),
    "invalid_id": (400, "An id has characters that ids have not, or more than 128 of them"),
    "unauthorized": (401, "No credentials, or wrong ones"),
    "forbidden": (403, "This is somebody else's, or for administrators"),
    "not_found": (404, "There is nothing at this address"),
    "model_not_found": (404, "There is no assistant of this name"),
    "session_not_found": (404, "There is no such session; it may have ended"),
    "method_not_allowed": (405, "This address does not take that method"),
    "request_timeout": (408, "The body did not arrive in time; the connection ends"),
    "session_busy": (409, "Another turn of this session is still running"),
    "session_ended": (409, "The session was ended while its turn was running; nothing of the turn was stored"),
    "session_exists": (409, "There is a conversation with this id already"),
    "turn_stopped": (409, "The turn was stopped before anything was said"),
    "cart_empty": (409, "There is nothing to check out"),
    "cart_full": (409, "The cart has as many lines as it can take"),
    "too_large": (413, "The body or the message is larger than is accepted"),
    "unsupported_media_type": (415, "The body is not said to be JSON"),
    "misdirected_request": (421, "The header `Host` has a name that this server does not go by"),
    "idempotency_mismatch": (422, "The idempotency key was used before, with another message"),
    "rate_limited": (429, "Too many requests; wait a moment"),
    "internal_error": (500, "Something went wrong on our side"),
    "model_unavailable": (502, "The model did not answer; nothing of the turn was stored"),
    "over_capacity": (503, "No room for this just now, or the store can't be reached; try again in a moment"),
    "shutting_down": (503, "This server is stopping; another one can take the request"),
    "model_timeout": (504, "The model took too long; nothing of the turn was stored"),
}
"""Every code, its status, and when clients see it: for the description of the endpoints."""


def to_api_error(error: Exception) -> ApiError:
    """The error as clients see it. What is not expected is logged with its trace and told as an internal error."""
    if isinstance(error, ApiError):
        return error
    for kind in type(error).__mro__:
        if kind in _TABLE:
            status, code = _TABLE[kind]
            retry = {"Retry-After": str(getattr(error, "retry_after", 1))} if status in (409, 503) else {}
            message = str(error) if not isinstance(error, StoreUnavailable) else _AWAY
            return ApiError(status, code, message, headers=retry)
    log.error("unexpected error", exc_info=error)
    return ApiError(500, "internal_error", "Something went wrong on our side; try again, and tell us the request id")


_AWAY: Final = "Sessions can't be reached right now; try again in a moment"


def body_of(error: ApiError) -> dict[str, Any]:
    """The error as JSON."""
    body: dict[str, Any] = {"success": False, "error": str(error), "code": error.code, "requestId": g.request_id}
    if error.details:
        body["details"] = error.details
    return body


def register(app: Flask) -> None:
    """Every error leaves as JSON."""

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        code, message = _HTTP.get(status, ("internal_error" if status >= 500 else "invalid_request", error.name))
        response = _respond(ApiError(status, code, message))
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def any_error(error: Exception) -> Response:
        return _respond(to_api_error(error))


def openai_body(error: ApiError) -> dict[str, Any]:
    """The error as OpenAI's clients understand it."""
    param = (error.details or {}).get("field")
    return {"error": {"message": str(error), "type": openai_kind(error.status), "param": param, "code": error.code}}


def openai_kind(status: int) -> str:
    """What OpenAI calls an error of this status."""
    kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    return kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")


def is_openai(path: str) -> bool:
    """Whether clients of this address speak OpenAI's language."""
    return path == "/v1" or path.startswith("/v1/")


def _respond(error: ApiError) -> Response:
    response = jsonify(openai_body(error) if is_openai(request.path) else body_of(error))
    response.status_code = error.status
    response.headers.extend(error.headers)
    return response
