"""A message with all that a rule may want to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agent.offline import Ask
from assistants.shopping import preferences, references, smalltalk
from assistants.shopping.catalogue import Product, catalogue
from assistants.shopping.naming import Named, named
from assistants.shopping.query import Query
from assistants.shopping.understanding import understand
from assistants.shopping.words import normal, words


@dataclass(frozen=True)
class Talk:
    """What is known of a message and its session; each is worked out when first asked for."""

    ask: Ask

    @cached_property
    def document(self) -> Mapping[str, Any]:
        return self.ask.turn.attributes if self.ask.turn else {}

    @cached_property
    def text(self) -> str:
        return normal(self.ask.message)

    @cached_property
    def words(self) -> tuple[str, ...]:
        return words(self.text)

    @cached_property
    def query(self) -> Query:
        return understand(self.ask.message)

    @cached_property
    def firm(self) -> list[str] | None:
        """What is pointed at by place, rank or a mark."""
        return references.resolve(self.ask.message, self.document, pronouns=False)

    @cached_property
    def pointed(self) -> list[str] | None:
        """What is pointed at in any way; ``it`` counts only where the message names no kind of product."""
        if self.firm is not None or self.query.category or self.query.must:
            return self.firm
        return references.resolve(self.ask.message, self.document)

    @cached_property
    def named(self) -> list[Named]:
        near = [*references.last_results(self.document), *self.document.get("cart", {})]
        return named(self.ask.message, near)

    @cached_property
    def shown(self) -> list[Product]:
        return catalogue().known(references.last_results(self.document))

    @cached_property
    def said(self) -> dict[str, Any]:
        """The preferences that the message states."""
        return preferences.said(self.ask.message, self.document.get("preferences", {}))

    @property
    def last_reply(self) -> str:
        return next((text for role, text in reversed(self.ask.history) if role == "ai"), "")

    @cached_property
    def name(self) -> str | None:
        return smalltalk.known_name(self.document, self.ask.history)
