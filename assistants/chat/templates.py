"""Conversation starters: ready-made first messages, by category, with the tags that a chat begun with one gets."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Tag = Annotated[str, Field(pattern=r"^[a-z][a-z -]{0,31}$")]

_FILE: Final = Path(__file__).parent / "data" / "templates.json"


class Template(BaseModel):
    """One starter. ``prompt`` is the first message; ``[…]`` in it is for the person to fill in."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    title: Annotated[str, Field(min_length=1, max_length=40)]
    description: Annotated[str, Field(min_length=1, max_length=120)]
    category: Annotated[str, Field(min_length=1, max_length=24)]
    tags: Annotated[tuple[Tag, ...], Field(min_length=1, max_length=5)]
    prompt: Annotated[str, Field(min_length=1, max_length=1_000)]


@cache
def templates() -> tuple[Template, ...]:
    """All starters, in the order in which they are shown."""
    found = TypeAdapter(tuple[Template, ...]).validate_json(_FILE.read_bytes())
    if len({template.id for template in found}) != len(found):
        raise ValueError(f"two starters in {_FILE.name} have the same id")
    return found


def template(template_id: str) -> Template | None:
    """The starter with this id, or None."""
    return next((known for known in templates() if known.id == template_id), None)


def select(category: str | None = None, tags: Iterable[str] = ()) -> tuple[Template, ...]:
    """The starters of a category (None: of all) that have all these tags, without regard to case."""
    wanted = {tag.lower() for tag in tags}
    return tuple(
        known
        for known in templates()
        if (category is None or known.category.lower() == category.lower()) and wanted <= set(known.tags)
    )


def categories() -> tuple[tuple[str, int], ...]:
    """Every category with its number of starters, in the order in which they are shown."""
    counts: dict[str, int] = {}
    for known in templates():
        counts[known.category] = counts.get(known.category, 0) + 1
    return tuple(counts.items())
