"""``/openapi.json`` and ``/docs``: what all endpoints are, and a page to try them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, current_app

from api.errors import not_found
from api.examples import Free
from api.openapi import Content, describe, document, unlisted
from api.services import Services

_FOLDER: Final = Path(__file__).parent / "docs_page"
_TYPES: Final = {"docs.js": "text/javascript; charset=utf-8", "docs.css": "text/css; charset=utf-8"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("description", __name__)
    made: dict[str, Any] = {}
    making = threading.Lock()

    @routes.get("/openapi.json")
    @describe("This description, OpenAPI 3.1", Free({"openapi": "3.1.0"}))
    def openapi() -> dict[str, Any]:
        with making:
            if not made:
                made.update(document(current_app, services))
        return made

    @routes.get("/docs")
    @describe("A page to read this description and to try what it describes", Content("text/html"))
    def docs() -> Response:
        response = _file("index.html", "text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @routes.get("/docs/<name>")
    @unlisted
    def file(name: str) -> Response:
        if name not in _TYPES:
            raise not_found("There is no such file")
        return _file(name, _TYPES[name])

    return routes


def _file(name: str, kind: str) -> Response:
    return Response((_FOLDER / name).read_bytes(), content_type=kind, headers={"Cache-Control": "no-cache"})
