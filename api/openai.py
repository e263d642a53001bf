"""``/v1``: the assistants as the models of an OpenAI server, for other people's clients."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request

from agent.conversation import Request
from agent.events import Answered, Failed
from api import sse
from api.chat import refuse_when_draining
from api.errors import to_api_error
from api.examples import Maybe, Named, OneOf
from api.identity import acting_user, own_user, owner
from api.openai_wire import (
    Completion,
    chunks,
    completion,
    conversed,
    refuse_what_is_not_served,
    unknown_model,
)
from api.openapi import KEY, TEXT, TURN, USER, Content, describe
from api.parsing import idempotency_key, message_text, parse_object, validated
from api.services import Services
from memory.clock import now_ms

MAX_BODY: Final = 1 << 20
"""Bytes. Clients that keep the history themselves send all of it with every message."""

MODEL: Final = Named(
    "Model",
    {
        "id": "weather",
        "object": OneOf("model"),
        "created": 1_763_000_000,
        "owned_by": "parley",
        "name": "weather",
        "description": "Weather anywhere, now and in the days to come.",
    },
)
COMPLETION: Final = Named(
    "ChatCompletion",
    {
        "id": "chatcmpl-6f2f6d4a0e9f0e4f0b6a3c2d110b9c1f",
        "object": OneOf("chat.completion"),
        "created": 1_763_000_000,
        "model": "weather",
        "choices": [
            {
                "index": 0,
                "message": {"role": OneOf("assistant"), "content": "Cloudy, 9 °C.", "refusal": Maybe("")},
                "logprobs": OneOf(None),
                "finish_reason": OneOf("stop", "length", "content_filter"),
            }
        ],
        "usage": {"prompt_tokens": 120, "completion_tokens": 8, "total_tokens": 128},
    },
)
_ASKED: Final = {"model": "weather", "messages": [{"role": "user", "content": "Weather in London?"}]}
_STREAM: Final = (
    'data: {"id":"chatcmpl-6f2f","object":"chat.completion.chunk","created":1763000000,"model":"weather",'
    '"choices":[{"index":0,"delta":{"content":"Cloudy"},"logprobs":null,"finish_reason":null}]}\n\ndata: [DONE]\n\n'
)


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("openai", __name__)

    def model(name: str) -> dict[str, Any]:
        return {
            "id": name,
            "object": "model",
            "created": services.started // 1000,
            "owned_by": "parley",
            "name": name,
            "description": services.registry[name].summary,
        }

    @routes.get("/v1/models")
    @describe("The assistants, as models", {"object": OneOf("list"), "data": [MODEL]})
    def models() -> dict[str, Any]:
        return {"object": "list", "data": [model(name) for name in services.registry]}

    @routes.get("/v1/models/<name>")
    @describe("One assistant, as a model", MODEL, path={"name": TEXT}, errors=["model_not_found"])
    def one(name: str) -> dict[str, Any]:
        if name not in services.conversations:
            raise unknown_model(name, services.registry)
        return model(name)

    @routes.post("/v1/chat/completions")
    @describe(
        "Chat with an assistant in OpenAI's wire format",
        about="With `user` (or the header `X-User-Id`) the session of that user is the memory, and of `messages` only "
        "the last one counts, besides the system's. Without, the call is stateless: `messages` are all there is, and "
        "nothing is stored. With `stream` the answer comes as server-sent events.",
        body=Completion,
        example=_ASKED,
        parameters=(USER, KEY),
        answers={200: (COMPLETION, Content("text/event-stream", _STREAM))},
        errors=("model_not_found", *TURN),
    )
    def completions() -> Response:
        refuse_when_draining(services)
        request.max_content_length = MAX_BODY
        raw = parse_object()
        asked = validated(Completion, raw)
        refuse_what_is_not_served(raw)
        if asked.model not in services.conversations:
            raise unknown_model(asked.model, services.registry)
        conversation = services.conversation(asked.model)
        said = conversed(asked.messages)
        most = services.config.max_message_chars
        message_text(said.message, most)
        message_text(said.instructions, most)
        head = {"id": f"chatcmpl-{uuid4().hex}", "created": now_ms() // 1000, "model": asked.model}
        key = idempotency_key()
        user = own_user(asked.user) if asked.user is not None else None
        if user is None and "X-User-Id" in request.headers:
            user = acting_user()
        if user is None:
            events = conversation.answer(said.history, said.message, instructions=said.instructions)
        else:
            turn = Request(
                subject=user,
                message=said.message,
                key=key,
                owner=owner() if conversation.assistant.subject == "session" else None,
                instructions=said.instructions,
            )
            if not asked.stream:
                return jsonify(completion(head, conversation.run(turn)))
            _, events = conversation.stream(turn)
        if asked.stream:
            with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
            return sse.respond(chunks(head, events, with_usage=with_usage))
        for event in events:
            if isinstance(event, Failed):
                raise to_api_error(event.error)
            if isinstance(event, Answered):
                return jsonify(completion(head, event))
        raise RuntimeError("a turn ended without an end")

    return routes
