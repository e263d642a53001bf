"""What clients are told when something goes wrong: one table from exception to status and code."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from flask import Flask, Response, g, jsonify
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


def _respond(error: ApiError) -> Response:
    response = jsonify(body_of(error))
    response.status_code = error.status
    response.headers.extend(error.headers)
    return response
