"""Who is asking: the authenticated user, a named one, or an anonymous one with a signed cookie."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar
from uuid import uuid4

from flask import current_app, g, request
from itsdangerous import BadSignature, URLSafeSerializer

from api.config import ApiConfig
from api.errors import ApiError
from api.gate import Caller, Gate
from api.parsing import subject_id

COOKIE: Final = "parley_user"
OPEN: Final = frozenset({"/health", "/ready", "/api/health", "/openapi.json", "/docs"})

PAGES: Final = ("/", "/talk", "/conversations", "/dashboard")
"""The browser app's own addresses, each with what follows after a slash. They show nothing that needs a key."""


def identify() -> None:
    """Before each request: find out who asks, and refuse wrong credentials where ``AUTH`` is on."""
    config: ApiConfig = current_app.extensions["parley"].config
    if (named := request.headers.get("X-User-Id")) is not None and not is_open(request.path):
        subject_id(named)
    if not config.auth:
        g.caller = Caller(admin=True)
        return
    gate: Gate = current_app.extensions["parley-gate"]
    found = gate.who(request.headers.get("Authorization", "").removeprefix("Bearer ").strip())
    g.caller = found or Caller(refused=True)
    if found is not None and not found.chat and not is_open(request.path) and not _is_for_admins():
        raise ApiError(403, "forbidden", "This key has not the scope chat")
    if found is None and not is_open(request.path):
        raise ApiError(
            401,
            "unauthorized",
            "Send your key in the header Authorization: Bearer <key>",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _is_for_admins() -> bool:
    return hasattr(current_app.view_functions.get(request.endpoint or ""), "parley_admin")


def is_open(path: str) -> bool:
    """Whether anybody may ask for this path: health, description, and the page's files."""
    top = "/" + path.lstrip("/").partition("/")[0]
    return path in OPEN or top in PAGES or path.startswith(("/assets/", "/docs/"))


def caller() -> Caller:
    return g.caller  # type: ignore[no-any-return]


View = TypeVar("View", bound=Callable[..., Any])


def admin_only(view: View) -> View:
    """For administrators; everybody is one while ``AUTH`` is off."""

    @wraps(view)
    def guarded(*arguments: Any, **named: Any) -> Any:
        if not caller().admin:
            raise ApiError(403, "forbidden", "This is for administrators only")
        return view(*arguments, **named)

    guarded.parley_admin = True  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def own_user(user: str) -> str:
    """A user id of the path or body that the caller may act for: 400 where it is none, 403 where it is not theirs."""
    user = subject_id(user)
    who = caller()
    if who.user is not None and who.user != user and not who.admin:
        raise ApiError(403, "forbidden", "This user is not yours")
    return user


def acting_user(named: str | None = None) -> str:
    """The user of a request: the authenticated one, ``named`` (of the body), ``X-User-Id``, the cookie, a new one.

    A new one is ``anon-<uuid4>`` and gets its signed cookie with the response.
    """
    if named is not None:
        return own_user(named)
    if (user := caller().user) is not None:
        return user
    if (header := request.headers.get("X-User-Id")) is not None:
        return own_user(header)
    if known := cookie_user():
        return known
    g.new_user = f"anon-{uuid4()}"
    return str(g.new_user)


def own_subject(kind: str, subject: str) -> str:
    """A subject of the path that may be asked about. Whose a session is, its engine tells: ask it as ``owner()``."""
    return own_user(subject) if kind == "user" else subject_id(subject)


def cookie_user() -> str | None:
    """The anonymous user whom the request's cookie names, if one does."""
    if cookie := request.cookies.get(COOKIE):
        try:
            return subject_id(str(_serializer().loads(cookie)))
        except (BadSignature, ApiError):
            pass  # somebody else's handiwork, or an older key's: they get a new name
    return None


def owner() -> str | None:
    """Whose a session is that is opened now, and who asks for one: None acts for everybody (administrators)."""
    who = caller()
    if who.user is not None:
        return who.user
    if (header := request.headers.get("X-User-Id")) is not None:
        return subject_id(header)
    config: ApiConfig = current_app.extensions["parley"].config
    return None if config.auth and who.admin else ""


def set_cookie(response: Any) -> Any:
    """After each request: a new anonymous user is remembered."""
    if user := g.get("new_user"):
        response.set_cookie(
            COOKIE,
            _serializer().dumps(user),
            max_age=30 * 86_400,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure,
        )
    return response


def _serializer() -> URLSafeSerializer:
    config: ApiConfig = current_app.extensions["parley"].config
    return URLSafeSerializer(config.secret_key, salt="anonymous-user")
