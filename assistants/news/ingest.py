"""``python -m assistants.news.ingest SOURCE…``: files, folders and feeds into the index that the assistant searches.

It can be run again and again: what is unchanged stays as it is, what changed is replaced, what stood in a folder and
is gone there goes from the index. Nothing counts before the end, so a run that is broken off changes nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agent import index_store
from agent.embedding import Embedder, EmbeddingUnavailable, LangChainEmbedder
from agent.library import add_vectors, missing_rows
from agent.retrieval import Index, Passage, indexed_text
from agent.terms import LANGUAGES, Terms
from assistants.news.feeds import articles_of
from assistants.news.fetch import FetchFailed, fetch
from assistants.news.passages import Article, passages_of
from assistants.news.readers import Unreadable, read_file
from assistants.news.shelf import INDEX_FOLDER


@dataclass(slots=True)
class Report:
    """What became of the sources. ``skipped`` holds (name, reason), in the order in which they were met."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    passages: int = 0
    embedded: int = 0

    @property
    def useful(self) -> bool:
        """Whether any source gave anything."""
        return bool(self.added or self.updated or self.unchanged)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger knows of an article: enough to tell whether it changed."""

    source: str
    digest: str
    title: str


class Collection:
    """The articles of an index while it is being renewed."""

    def __init__(self, index: Index | None, ledger: dict[str, Any], report: Report) -> None:
        self._passages: dict[str, list[Passage]] = {}
        for passage in index.passages if index is not None else ():
            self._passages.setdefault(passage.document, []).append(passage)
        articles = ledger.get("articles", {})
        self._known = {key: _Known(**known) for key, known in articles.items() if key in self._passages}
        self._by_digest = {known.digest: key for key, known in self._known.items()}
        self._by_source = {known.source: key for key, known in self._known.items()}
        self._report = report

    def take(self, article: Article, name: str) -> None:
        """Put ``article`` in, unless it is there already; the report says which."""
        moved = self._by_source.get(article.source)
        if moved is not None and moved != article.id:  # its address was changed in the file
            self._forget(moved)
        known = self._known.get(article.id)
        twin = self._by_digest.get(article.digest)
        if twin is not None and twin != article.id:
            title = self._known[twin].title
            self._report.skipped.append((name, f"it has the same text as “{title}”"))
            return
        fresh = passages_of(article)
        if known is not None and self._passages[article.id] == fresh:
            self._report.unchanged += 1
        elif known is not None or moved is not None:
            self._report.updated += 1
        else:
            self._report.added += 1
        if known is not None:
            self._forget(article.id)
        self._passages[article.id] = fresh
        self._known[article.id] = _Known(article.source, article.digest, article.title)
        self._by_digest[article.digest] = article.id
        self._by_source[article.source] = article.id

    def drop(self, gone: Callable[[str], bool]) -> None:
        """Take out the articles of the sources that are ``gone``."""
        for key, known in list(self._known.items()):
            if gone(known.source):
                self._forget(key)
                self._report.removed += 1

    def _forget(self, key: str) -> None:
        known = self._known.pop(key)
        del self._passages[key]
        self._by_digest.pop(known.digest, None)
        self._by_source.pop(known.source, None)

    def passages(self) -> list[Passage]:
        return [passage for passages in self._passages.values() for passage in passages]

    def ledger(self) -> dict[str, Any]:
        """What the next run needs to know."""
        return {"articles": {key: asdict(known) for key, known in self._known.items()}}


def ingest(
    sources: Sequence[str],
    out: Path,
    *,
    embedder: Embedder | None = None,
    language: str = "",
    fresh: bool = False,
    allow_loopback: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Read ``sources`` into the index in ``out``. Raises ``IndexBusy`` and ``IndexDamaged``; all else is reported.

    ``language`` is Snowball's name for it; empty keeps the one of the index, at first English.
    """
    report = Report()
    with index_store.writing(out):
        before = None if fresh else index_store.load(out)
        collection = Collection(before, {} if fresh else index_store.load_ledger(out), report)
        files, feeds = _sort(sources, report)
        collection.drop(_missing_from([Path(source) for source in sources if not _is_address(source)]))
        _read_files(files, collection, report, progress)
        _read_feeds(feeds, collection, report, progress, allow_loopback)
        terms = Terms(language or (before.terms.language if before is not None else "english"))
        index = Index.build(collection.passages(), terms)
        if before is not None:
            index = carry_vectors(before, index)
        if embedder is not None:
            index = _embed(index, embedder, report, progress)
        report.passages = len(index)
        stays = before is not None and before.passages == index.passages and before.terms.language == terms.language
        if report.embedded or not (stays or (before is None and not report.useful)):
            index_store.save(out, index, collection.ledger())
    return report


def carry_vectors(before: Index, index: Index) -> Index:
    """``index`` with the vectors that ``before`` had for the same texts; embedding costs time and money."""
    if before.vectors is None:
        return index
    had = {indexed_text(passage): row for row, passage in enumerate(before.passages)}
    rows = [had.get(indexed_text(passage), -1) for passage in index.passages]
    vectors = np.zeros((len(index), before.vectors.shape[1]), dtype=np.float32)
    kept = [row for row, old in enumerate(rows) if old >= 0]
    vectors[kept] = before.vectors[[rows[row] for row in kept]]
    return index.with_vectors(vectors, before.model)


def _embed(index: Index, embedder: Embedder, report: Report, progress: Progress | None) -> Index:
    missing = missing_rows(index, embedder.model)
    task = progress.add_task("Embeddings", total=len(missing)) if progress and missing else None

    def advance(done: int) -> None:
        if progress and task is not None:
            progress.advance(task, done)

    try:
        embedded = add_vectors(index, embedder, missing, advance)
    except EmbeddingUnavailable as error:
        report.skipped.append(("embeddings", f"{error}. The index works by words; run again to add them"))
        return index
    report.embedded = len(missing)
    return embedded


def _sort(sources: Sequence[str], report: Report) -> tuple[list[Path], list[str]]:
    """Files (those in folders too) and addresses, each once, in the order given."""
    files: dict[Path, None] = {}
    feeds: dict[str, None] = {}
    for source in sources:
        if _is_address(source):
            feeds[source] = None
        elif Path(source).is_dir():
            files.update(dict.fromkeys(_walk(Path(source), report)))
        elif Path(source).exists():
            files[Path(source)] = None
        else:
            report.skipped.append((source, "there is no such file or folder"))
    return list(files), list(feeds)


def _walk(folder: Path, report: Report) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        report.skipped.append((str(error.filename), f"it cannot be read ({error.strerror})"))

    # Links to folders are not followed: they may lead in a circle, or out of what was meant.
    for here, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here, name) for name in sorted(names) if not name.startswith("."))


def _missing_from(folders: Sequence[Path]) -> Callable[[str], bool]:
    """Whether a source was a file in one of ``folders`` and is no longer there."""
    prefixes = tuple(folder.resolve().as_uri() + "/" for folder in folders if folder.is_dir())

    def missing(source: str) -> bool:
        return source.startswith(prefixes) and not Path(unquote(urlsplit(source).path)).exists()

    return missing


def _is_address(source: str) -> bool:
    return "://" in source


def _read_files(files: Sequence[Path], collection: Collection, report: Report, progress: Progress | None) -> None:
    task = progress.add_task("Files", total=len(files)) if progress and files else None
    for path in files:
        try:
            collection.take(read_file(path), str(path))
        except Unreadable as error:
            report.skipped.append((str(path), error.reason))
        if progress and task is not None:
            progress.advance(task)


def _read_feeds(
    feeds: Sequence[str], collection: Collection, report: Report, progress: Progress | None, allow_loopback: bool
) -> None:
    task = progress.add_task("Feeds", total=len(feeds)) if progress and feeds else None
    for address in feeds:
        try:
            fetched = fetch(address, allow_loopback=allow_loopback)
            for article in articles_of(fetched, lambda name, reason: report.skipped.append((name, reason))):
                collection.take(article, article.url or f"{address} ({article.title})")
        except (FetchFailed, Unreadable) as error:
            report.skipped.append((address, error.reason))
        if progress and task is not None:
            progress.advance(task)


def main(arguments: Sequence[str] | None = None, console: Console | None = None) -> int:
    """The command. Returns 0, or 1 where no source gave anything, or 3 where the index could not be written."""
    options = _parser().parse_args(arguments)
    out = options.out or options.data_dir / INDEX_FOLDER
    console = console or Console()
    embedder = LangChainEmbedder(options.embedding_model, timeout=60, retries=4) if options.embedding_model else None
    bars = Progress(
        TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    try:
        with bars:
            report = ingest(
                options.sources,
                out,
                embedder=embedder,
                language=options.language,
                fresh=options.fresh,
                allow_loopback=options.allow_loopback,
                progress=bars,
            )
    except (index_store.IndexBusy, index_store.IndexDamaged, OSError) as error:
        console.print(f"[red]Nothing was changed.[/red] {escape(str(error))}")
        return 3
    _tell(report, out, console)
    return 0 if report.useful else 1


def _tell(report: Report, out: Path, console: Console) -> None:
    counts = f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged, {report.removed} removed"
    console.print(f"[bold]{counts}[/bold], {len(report.skipped)} skipped.")
    for name, reason in report.skipped:
        console.print(f"  skipped [cyan]{escape(name)}[/cyan]: {escape(reason)}", soft_wrap=True, highlight=False)
    if report.embedded:
        console.print(f"{report.embedded} passages were given vectors.")
    if report.passages:
        console.print(f"The index in {escape(str(out))} has {report.passages} passages.", soft_wrap=True)
        console.print("A running server takes it at the next question.")
    else:
        console.print("Nothing was indexed: no source gave an article.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m assistants.news.ingest",
        description="Read articles into the index of the news assistant. It can be run again: what is unchanged stays.",
    )
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="a Markdown, HTML, PDF or text file, a folder of them, or the http(s) address of a feed or page",
    )
    parser.add_argument(
        "--data-dir", type=Path, default=Path("./data"), help=f"the index goes to {INDEX_FOLDER} in it (default ./data)"
    )
    parser.add_argument("--out", type=Path, help="another folder for the index; tell the server as NEWS_INDEX")
    parser.add_argument(
        "--embedding-model",
        default="",
        metavar="PROVIDER:MODEL",
        help="add embeddings, e.g. openai:text-embedding-3-small; its client takes the key from OPENAI_API_KEY",
    )
    parser.add_argument(
        "--language",
        default="",
        choices=("", *LANGUAGES),
        metavar="NAME",
        help="of the articles (default: as before, at first english)",
    )
    parser.add_argument("--fresh", action="store_true", help="begin a new index instead of adding to the one there is")
    parser.add_argument("--allow-loopback", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
