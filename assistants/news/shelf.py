"""The articles that this server answers from, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agent.embedding import DEFAULT_MODEL, LangChainEmbedder
from agent.library import Library
from agent.retrieval import Index
from assistants.news.ingest import INDEX_FOLDER
from assistants.news.passages import passages_of
from assistants.news.readers import read_file

SHIPPED: Final = Path(__file__).with_name("data") / "corpus"

SETTINGS: Final = {"NEWS_INDEX": "", "EMBEDDING_MODEL": ""}
"""What can be set: the folder of the index (empty: ``news-index`` in ``DATA_DIR``), and the model for embeddings,
``provider:model`` or ``off`` (empty: OpenAI's where its key is set)."""

_DEFAULT_DATA: Final = "./data"


def shipped_index() -> Index:
    """The articles that come with the project, indexed."""
    return Index.build(passage for path in sorted(SHIPPED.glob("*.md")) for passage in passages_of(read_file(path)))


class Shelf:
    """Holds the library in force; ``configure`` puts another one in its place."""

    def __init__(self) -> None:
        self.library = Library(shipped_index, folder=Path(_DEFAULT_DATA) / INDEX_FOLDER)

    def configure(self, values: Mapping[str, str]) -> None:
        """Set it up from the environment's values: ``SETTINGS``, ``DATA_DIR``, and OpenAI's key and address."""
        folder = values.get("NEWS_INDEX") or str(Path(values.get("DATA_DIR") or _DEFAULT_DATA) / INDEX_FOLDER)
        self.library = Library(shipped_index, folder=Path(folder), embedder=_embedder(values))


SHELF: Final = Shelf()


def _embedder(values: Mapping[str, str]) -> LangChainEmbedder | None:
    model, key = values.get("EMBEDDING_MODEL", ""), values.get("OPENAI_API_KEY", "")
    if model.lower() == "off" or not (model or key):
        return None
    if model and not model.startswith("openai:"):
        return LangChainEmbedder(model)
    return LangChainEmbedder(model or DEFAULT_MODEL, api_key=key, base_url=values.get("OPENAI_BASE_URL", ""))
