"""``/api/v1/shopping``: the HTTP face of seed 004."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from flask import Blueprint, Response
from pydantic import AfterValidator, Field, WithJsonSchema

from agent.assistant import Change
from agent.conversation import Request
from agent.events import Done
from api import shapes, sse
from api.answers import STREAM
from api.chat import refuse_when_draining
from api.errors import ApiError, invalid, not_found, session_not_found
from api.identity import owner
from api.openapi import KEY, TURN, USER, describe, number
from api.parsing import WHOLE, Body, Id, MessageId, Text, idempotency_key, message_text, parse, query_number, subject_id
from api.services import Services
from api.session_ids import new_session_id
from assistants.shopping import cart, described, overview, preferences
from assistants.shopping.hooks import COUNT
from assistants.shopping.money import MOST
from assistants.shopping.retries import KeyReused, exact_key, first_of
from assistants.shopping.words import clean
from memory import View

NAME: Final = "shopping"
PREFIX: Final = "/api/v1/shopping"


def _readable(value: str) -> str:
    if not clean(value):
        raise ValueError("must not be empty")
    return value


def _sku(value: str) -> str:
    if not cart.is_sku(value):
        raise ValueError(cart.SKU_RULE)
    return value


READABLE: Final = {"type": "string", "pattern": r"[^\s\x00-\x1f\x7f-\x9f]"}
SKU: Final = {"type": "string", "pattern": f"^[A-Za-z0-9][A-Za-z0-9._:@+-]{{0,{cart.SKU_CHARS - 1}}}$"}

Readable = Annotated[str, AfterValidator(_readable), WithJsonSchema(READABLE)]


def _any_of(*schemas: dict[str, Any]) -> WithJsonSchema:
    """For what ``preferences.checked`` looks at; null, "" and [] clear."""
    return WithJsonSchema({"anyOf": [*schemas, {"type": "null"}, {"type": "array", "maxItems": 0}]})


class Query(Body):
    """A question. Without ``sessionId`` a new session is opened for it."""

    q: Text
    sessionId: Id | None = None
    messageId: MessageId | None = None


class Preferences(Body):
    """What is given is merged; null, "" and [] clear. What each may be, ``preferences.checked`` says."""

    budget_range: Annotated[Any, _any_of({"type": "string"}, {"type": "number"})] = None
    preferred_brands: Annotated[Any, _any_of({"type": "string"}, {"type": "array", "items": {"type": "string"}})] = None
    device_type: Annotated[Any, _any_of({"type": "string"})] = None
    shipping_preference: Annotated[Any, _any_of({"type": "string"})] = None


class Item(Body):
    """What goes into the cart; ``price`` is for one unit."""

    name: Readable
    price: Annotated[float, Field(ge=0, le=float(MOST))]
    category: Readable
    sku: Annotated[str, AfterValidator(_sku), WithJsonSchema(SKU)]
    quantity: Annotated[int, Field(ge=1, le=cart.MOST_UNITS), WHOLE] = 1
    messageId: MessageId | None = None


GONE: Final = ("session_not_found",)


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint(NAME, __name__, url_prefix=PREFIX)
    engine, conversation = services.engine(NAME), services.conversation(NAME)

    # --- talking ----------------------------------------------------------------------------------------------------

    def understand() -> Request:
        """The turn that the client asks for."""
        refuse_when_draining(services)
        asked, who = parse(Query), owner()
        key = idempotency_key(asked.messageId)
        session_id = asked.sessionId
        return Request(
            subject=new_session_id(services.config, NAME, who, key) if session_id is None else subject_id(session_id),
            message=message_text(asked.q, services.config.max_message_chars),
            key=key,
            owner=who,
        )

    @routes.post("/query")
    @describe(
        "Ask the shop assistant",
        described.ANSWER,
        body=Query,
        example={"q": "Smartphones under 300?"},
        parameters=(USER, KEY),
        errors=("session_not_found", *TURN),
    )
    def query() -> dict[str, Any]:
        return _answer(conversation.run(understand()))

    @routes.post("/query/stream")
    @describe(
        "Ask the shop assistant, and hear the answer as it is made",
        STREAM,
        about="Events as of `/chat/stream`; `done` is what `query` answers.",
        body=Query,
        example={"q": "Smartphones under 300?"},
        parameters=(USER, KEY),
        errors=("session_not_found", *TURN),
    )
    def stream() -> Response:
        asked = understand()
        view, events = conversation.stream(asked)
        first = {**shapes.view(view), "session_id": asked.subject}  # the only way to learn it if the stream breaks
        return sse.respond(sse.turn(first, events, _answer))

    # --- looking ----------------------------------------------------------------------------------------------------

    def look(session_id: str, turns: int = 0) -> View:
        """The live session with its newest turns, which looking does not extend; 404 where it is not the caller's."""
        view = engine.session(subject_id(session_id), owner=owner(), turns=turns)
        if view is None:
            raise session_not_found()
        return view

    @routes.get("/session/<session_id>/info")
    @describe("A session at a glance", described.INFO, parameters=(USER,), errors=GONE)
    def info(session_id: str) -> dict[str, Any]:
        view = look(session_id, engine.policy.keep_turns)
        return _data(
            session_info=overview.session_info(view.session),
            analytics=overview.analytics(view.session, overview.own_turns(view)),
        )

    @routes.get("/session/<session_id>/conversation")
    @describe(
        "What was said, oldest first",
        described.CONVERSATION,
        parameters=(number("limit", 20, 1, 100, "The newest that many messages."), USER),
        errors=GONE,
    )
    def history(session_id: str) -> dict[str, Any]:
        limit = query_number("limit", 20, 1, 100)
        said = shapes.messages(overview.own_turns(look(session_id, (limit + 1) // 2)), "role", "user", "assistant")
        newest = said[-limit:]
        return _data(session_id=session_id, conversation=newest, count=len(newest))

    @routes.get("/session/<session_id>/preferences")
    @describe("What the shopper prefers", described.PREFERENCES, parameters=(USER,), errors=GONE)
    def preferred(session_id: str) -> dict[str, Any]:
        return _preferred(look(session_id).session.attributes)

    @routes.get("/session/<session_id>/cart")
    @describe("The cart", described.CART, parameters=(USER,), errors=GONE)
    def cart_of(session_id: str) -> dict[str, Any]:
        return _data(**cart.view(look(session_id).session.attributes))

    # --- changing ---------------------------------------------------------------------------------------------------

    def changed(
        session_id: str, change: Change, *asked: object, key: str | None = None, create: bool = False
    ) -> Mapping[str, Any]:
        """The attributes after the change; with a ``key`` it is made once for what is ``asked``. 404 unless ``create``
        where there is no session, and the error of whatever else stands against it."""
        who = owner()
        try:
            if key is None:
                return engine.update(session_id, change, owner=who, create=create)
            exact = exact_key(key, *asked)
            return engine.update(session_id, first_of(key, change), key=exact, owner=who, create=create)
        except cart.CartError as error:
            raise _refused(error) from error
        except preferences.BadPreference as error:
            raise invalid(str(error), error.field) from error
        except KeyReused as error:
            raise ApiError(422, "idempotency_mismatch", str(error)) from error

    @routes.post("/session/<session_id>/preferences")
    @describe(
        "Say what the shopper prefers; what is not named stays",
        described.PREFERENCES,
        body=Preferences,
        example={"budget_range": "100-300", "preferred_brands": ["Samsung"]},
        parameters=(USER,),
        errors=(*GONE, "session_busy"),
    )
    def prefer(session_id: str) -> dict[str, Any]:
        given = parse(Preferences).model_dump(exclude_unset=True)

        def merged(document: dict[str, Any]) -> None:
            preferences.merge(document, given)

        return _preferred(changed(subject_id(session_id), merged, create=True))

    @routes.post("/session/<session_id>/cart/add")
    @describe(
        "Put something in the cart; the same SKU adds up",
        described.CART,
        body=Item,
        example={"name": "Galaxy A16", "price": 199.99, "category": "smartphones", "sku": "PHONE-A16", "quantity": 1},
        parameters=(USER, KEY),
        errors=(*GONE, "session_busy", "cart_full", "idempotency_mismatch"),
    )
    def add(session_id: str) -> dict[str, Any]:
        asked = parse(Item)
        item, key = asked.model_dump(exclude={"messageId"}), idempotency_key(asked.messageId)
        subject, now = subject_id(session_id), engine.store.now()

        def put_in(document: dict[str, Any]) -> None:
            cart.add(document, **item, now=now)

        return _data(**cart.view(changed(subject, put_in, "add", item, key=key, create=True)))

    @routes.delete("/session/<session_id>/cart/items/<sku>")
    @describe(
        "Take a line out of the cart",
        described.CART,
        parameters=(USER, KEY),
        path={"sku": SKU},
        errors=(*GONE, "not_found", "session_busy", "idempotency_mismatch"),
    )
    def remove(session_id: str, sku: str) -> dict[str, Any]:
        if not cart.is_sku(sku):
            raise ApiError(400, "invalid_id", f"A SKU {cart.SKU_RULE}", details={"field": "sku"})

        def taken_out(document: dict[str, Any]) -> None:
            cart.remove(document, sku)

        key = idempotency_key()
        return _data(**cart.view(changed(subject_id(session_id), taken_out, "remove", sku, key=key)))

    @routes.delete("/session/<session_id>/cart/clear")
    @describe(
        "Empty the cart",
        described.CART,
        parameters=(USER, KEY),
        errors=(*GONE, "session_busy", "idempotency_mismatch"),
    )
    def clear(session_id: str) -> dict[str, Any]:
        def cleared(document: dict[str, Any]) -> None:
            cart.clear(document)

        return _data(**cart.view(changed(subject_id(session_id), cleared, "clear", key=idempotency_key())))

    @routes.post("/session/<session_id>/cart/checkout")
    @describe(
        "Buy what is in the cart; no payment is taken",
        described.CHECKED_OUT,
        parameters=(USER, KEY),
        errors=(*GONE, "session_busy", "cart_empty", "idempotency_mismatch"),
    )
    def checkout(session_id: str) -> dict[str, Any]:
        """The empty cart, and with it the newest purchase. No payment is taken."""
        subject, key, now = subject_id(session_id), idempotency_key(), engine.store.now()

        def bought(document: dict[str, Any]) -> None:
            cart.checkout(document, now)

        document = changed(subject, bought, "checkout", key=key)
        return _data(**cart.view(document), purchase=next(iter(cart.purchases(document)), None))

    return routes


def _data(**data: Any) -> dict[str, Any]:
    return {"success": True, "data": data}


def _preferred(document: Mapping[str, Any]) -> dict[str, Any]:
    return _data(preferences=dict(document.get("preferences") or {}))


def _answer(done: Done) -> dict[str, Any]:
    """The answer to a question; a retry is given the same. ``conversation_count`` says which of its session it is."""
    finished = done.finished
    with_it = finished.turn.data
    data = {
        "answer": done.text,
        "session_id": finished.session.key.subject,
        "products": with_it.get("products", []),
        "sources": with_it.get("sources", []),
        "cached": with_it.get("cached", False),
        "conversation_count": with_it.get(COUNT, finished.session.turns),
    }
    return {"success": True, "data": data, **shapes.safety(finished)}


def _refused(error: cart.CartError) -> ApiError:
    match error:
        case cart.CartFull():
            return ApiError(409, "cart_full", str(error))
        case cart.CartEmpty():
            return ApiError(409, "cart_empty", str(error))
        case cart.NotInCart():
            return not_found(str(error))
        case _:
            return invalid(str(error), "quantity")
