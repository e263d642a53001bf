"""OpenTelemetry traces, where ``OTEL_EXPORTER_OTLP_ENDPOINT`` says who collects them; else nothing of it is imported.

A request's span has those of its turn below it: begin, model, tool, finish. Attributes are routes, statuses and names
of assistants and tools; no ids, no words.
"""

from __future__ import annotations

from typing import Any

from flask import Response, g, request

from agent import trace


def start(version: str) -> Any:
    """Begin to trace in this process; the provider, whose ``shutdown`` sends what is left.

    The SDK reads OTEL_* itself. Call it after a fork: it starts a thread.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    ours = Resource({SERVICE_NAME: "parley", SERVICE_VERSION: version})
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.use(provider.get_tracer("parley"))
    return provider


def begin() -> None:
    """Before a request: its span, under the caller's where it sends ``traceparent``."""
    tracer = trace.tracer()
    if tracer is None:
        return
    from opentelemetry import context, propagate
    from opentelemetry.trace import SpanKind, set_span_in_context

    rule = request.url_rule.rule if request.url_rule else "-"
    span = tracer.start_span(
        f"{request.method} {rule}",
        context=propagate.extract({name.lower(): value for name, value in request.headers}),
        kind=SpanKind.SERVER,
        attributes={"http.request.method": request.method, "http.route": rule},
    )
    g.span, g.span_token = span, context.attach(set_span_in_context(span))


def end(response: Response) -> None:
    """After a request. What it streams goes on, and the spans of its turn stay below this one."""
    if (span := g.pop("span", None)) is None:
        return
    from opentelemetry import context
    from opentelemetry.trace import StatusCode

    span.set_attribute("http.response.status_code", response.status_code)
    if response.status_code >= 500:
        span.set_status(StatusCode.ERROR)
    span.end()
    context.detach(g.pop("span_token"))
