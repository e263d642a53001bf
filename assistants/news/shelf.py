"""The articles that this server answers from, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agent.embedding import DEFAULT_MODEL, LangChainEmbedder
from agent.library import Library
from agent.retrieval import Index
from assistants.news.passages import passages_of
from assistants.news.readers import read_file

SHIPPED: Final = Path(__file__).with_name("data") / "corpus"

INDEX_FOLDER: Final = "news-index"
"""Where in the data folder the index stands if no other place is named."""

SETTINGS: Final = {
    "NEWS_INDEX": "",
    "EMBEDDING_MODEL": "",
    "DATA_DIR": "./data",
    "OPENAI_API_KEY": "",
    "OPENAI_BASE_URL": "",
}
"""What it takes of the environment. ``NEWS_INDEX`` is the folder of the index (empty: ``news-index`` in ``DATA_DIR``),
``EMBEDDING_MODEL`` a ``provider:model`` or ``off`` (empty: OpenAI's small one where ``OPENAI_API_KEY`` is set). The
others are the server's own."""

SETTINGS_ABOUT: Final = {
    "NEWS_INDEX": "folder of the index; news-index in DATA_DIR where not set",
    "EMBEDDING_MODEL": "provider:model, or off; OpenAI's small one where OPENAI_API_KEY is set",
}


def shipped_index() -> Index:
    """The articles that come with the project, indexed."""
    return Index.build(passage for path in sorted(SHIPPED.glob("*.md")) for passage in passages_of(read_file(path)))


class Shelf:
    """Holds the library in force; ``configure`` puts another one in its place."""

    def __init__(self) -> None:
        self.library = Library(shipped_index, folder=_index_folder(SETTINGS))

    def configure(self, values: Mapping[str, str]) -> None:
        """Set it up from the values of ``SETTINGS``; names that are missing have their defaults."""
        given = {name: values.get(name) or default for name, default in SETTINGS.items()}
        self.library = Library(shipped_index, folder=_index_folder(given), embedder=_embedder(given))


def _index_folder(values: Mapping[str, str]) -> Path:
    return Path(values["NEWS_INDEX"] or Path(values["DATA_DIR"]) / INDEX_FOLDER)


def _embedder(values: Mapping[str, str]) -> LangChainEmbedder | None:
    model, key = values["EMBEDDING_MODEL"], values["OPENAI_API_KEY"]
    if model.lower() == "off" or not (model or key):
        return None
    if model and not model.startswith("openai:"):
        return LangChainEmbedder(model)
    return LangChainEmbedder(model or DEFAULT_MODEL, api_key=key, base_url=values["OPENAI_BASE_URL"])


SHELF: Final = Shelf()
