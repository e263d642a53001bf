"""The HTTP side: ``create_app`` puts the blueprints together; every endpoint stands in exactly one of them."""

from __future__ import annotations

import logging
import time

import orjson
from flask import Flask, Response, g, request
from flask.json.provider import JSONProvider

from api import (
    about,
    chat,
    description,
    errors,
    hosts,
    identity,
    limits,
    logs,
    metrics,
    openai,
    origins,
    overview,
    page,
    parsing,
    proxies,
    sessions,
    slow_bodies,
    system,
    token_routes,
    tracing,
    users,
)
from api.config import ApiConfig
from api.gate import Caller, Gate
from api.services import Services

__all__ = ["ApiConfig", "Services", "create_app"]

log = logging.getLogger(__name__)


class _Json(JSONProvider):
    """orjson for Flask's ``jsonify``."""

    def dumps(self, obj: object, **_: object) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_: object) -> object:
        return orjson.loads(s)


class _Parley(Flask):
    json_provider_class = _Json

    def wsgi_app(self, environ, start_response):  # type: ignore[no-untyped-def]
        """A trailing slash is optional everywhere, and a trusted proxy's word of the client is believed."""
        proxies.believe(environ, self.extensions["parley-proxies"])
        self.extensions["parley-bodies"].watch(environ)
        path = environ.get("PATH_INFO", "")
        if len(path) > 1 and path.endswith("/"):
            environ["PATH_INFO"] = path.rstrip("/") or "/"
        return super().wsgi_app(environ, start_response)


def create_app(services: Services) -> Flask:
    """The WSGI application of these services. Starts no thread: ``services.start`` does."""
    app = _Parley(__name__, static_folder=None)
    config = services.config
    app.extensions["parley"] = services
    app.extensions["parley-proxies"] = proxies.networks(config.trusted_proxies)
    app.extensions["parley-bodies"] = slow_bodies.SlowBodies(config.request_timeout)
    app.extensions["parley-limits"] = limits.of(config)
    app.extensions["parley-gate"] = Gate(config)
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = parsing.MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    errors.register(app)

    @app.before_request
    def begin() -> Response | None:
        g.begun = time.monotonic()
        g.request_id = logs.taken_or_new(request.headers.get("X-Request-Id"))
        logs.request_id.set(g.request_id)
        tracing.begin()
        g.caller = Caller(refused=True)
        hosts.refuse_foreign_names(config.allowed_hosts)
        if origins.is_preflight():
            return origins.preflight()
        try:
            origins.refuse_foreign_pages(config.cors_origins)
            identity.identify()
        finally:  # who is refused is counted, too
            limits.check(app)
        return None

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Cache-Control", "no-store")
        limits.show(response)
        origins.allow(response, config.cors_origins)
        took = round((time.monotonic() - g.begun) * 1000)
        rule = request.url_rule.rule if request.url_rule else "-"  # the rule, not the path: paths have ids in them
        services.metrics.requested(request.method, rule, response.status_code)
        log.info("%s %s %d %d ms", request.method, rule, response.status_code, took)
        tracing.end(response)
        return identity.set_cookie(response)  # type: ignore[no-any-return]

    for module in (chat, sessions, system, overview, about, users, openai, token_routes, metrics, description, page):
        app.register_blueprint(module.blueprint(services))
    for package in services.registry.packages.values():
        if hasattr(package, "blueprint"):
            app.register_blueprint(package.blueprint(services))
    return app
