"""The browser app at ``/``: the files that ``web/`` was built into; where there are none, how to get them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flask import Blueprint, Response, request
from markupsafe import escape
from werkzeug.security import safe_join

from api.errors import not_found
from api.identity import PAGES
from api.services import Services

DIST: Final = Path(__file__).resolve().parents[1] / "web" / "dist"

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""The Content-Security-Policy of the page: nothing from elsewhere, nothing inline, no text that becomes a script."""

_YEAR: Final = 31_536_000
_FRESH: Final = "no-cache"  # kept, but asked for anew each time: a new build is seen at the next visit


def blueprint(services: Services, dist: Path = DIST) -> Blueprint:
    """``/`` and the addresses of the app's own pages; its scripts, styles and fonts under ``/assets``."""
    routes = Blueprint("page", __name__)

    def page(**_: str) -> Response:
        if not (dist / "index.html").is_file():
            return _secured(Response(_MISSING.format(url=escape(request.host_url)), mimetype="text/html"))
        return _secured(_file(dist, "index.html", _FRESH))

    for path in PAGES:
        routes.add_url_rule(path, f"page {path}", page)
        if path != "/":
            routes.add_url_rule(f"{path}/<path:rest>", f"pages {path}", page)

    @routes.get("/assets/<path:name>")
    def asset(name: str) -> Response:
        # The names hold a hash of what is in them, so what they name never changes.
        return _file(dist / "assets", name, f"public, max-age={_YEAR}, immutable")

    return routes


def _file(folder: Path, name: str, cached: str) -> Response:
    """A file of the build, compressed where the build has it so and the client takes it."""
    path = safe_join(str(folder), name)
    if path is None or not Path(path).is_file():
        raise not_found("There is no such file")
    packed = Path(f"{path}.gz")
    takes = request.accept_encodings.quality("gzip") > 0 and packed.is_file()
    response = Response(
        (packed if takes else Path(path)).read_bytes(),
        mimetype=_TYPES.get(Path(path).suffix, "application/octet-stream"),
    )
    if takes:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Cache-Control"] = cached
    response.headers["Vary"] = "Accept-Encoding"
    response.add_etag()
    response.make_conditional(request)
    return response


def _secured(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    response.headers.setdefault("Cache-Control", _FRESH)
    return response


# Not left to the system's own table of types, which may be any.
_TYPES: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".json": "application/json",
}

_MISSING: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley</title>
<body>
<h1>Parley is running</h1>
<p>Its page has not been built yet. With Node.js 20 or newer installed, run this in Parley's folder and reload:</p>
<pre><code>./process-manager.sh setup</code></pre>
<p>Everything else works without it:</p>
<pre><code>curl {url}chat -H 'Content-Type: application/json' -d '{{"message": "Weather in London?"}}'</code></pre>
</body>
</html>
"""
