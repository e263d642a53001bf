"""``python -m assistants.news.ingest``: sources into an index, again and again."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fpdf import FPDF
from rich.console import Console

from agent.embedding import LangChainEmbedder
from agent.index_store import load, stamp, writing
from agent.retrieval import Index
from assistants.news.ingest import ingest, main
from tests.fakes.openai_embeddings import OpenAIEmbeddings
from tests.fakes.site import Page, Site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Articles of four kinds, and things that are none."""
    place = tmp_path / "articles"
    (place / "deep" / "er").mkdir(parents=True)
    (place / "owls.md").write_text("---\ntitle: Owls\npublished: 2026-01-09\n---\nVolunteers counted 412 owls.")
    (place / "ferry.html").write_text("<title>Ferry</title><p>The ferry Aurelia sails to Sorrel.</p>")
    (place / "deep" / "er" / "tuba.txt").write_text("The library lends a tuba to anyone.")
    document = FPDF()
    document.add_page()
    document.set_font("helvetica", size=12)
    document.multi_cell(0, 6, "The herring quota was cut by 40 per cent.")
    document.output(str(place / "herring.pdf"))
    (place / "copy.txt").write_text("volunteers counted   412 OWLS.")
    (place / "logo.png").write_bytes(b"\x89PNG")
    (place / ".hidden.txt").write_text("Nobody sees this.")
    (place / "circle").symlink_to(place)
    return place


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "index"


def loaded(out: Path) -> Index:
    index = load(out)
    assert index is not None
    return index


def titles(out: Path, question: str) -> list[str]:
    return [hit.passage.title for hit in loaded(out).search(question)]


def test_a_folder_is_read_with_what_is_in_it(folder: Path, out: Path) -> None:
    report = ingest([str(folder)], out)
    assert (report.added, report.updated, report.unchanged, report.removed) == (4, 0, 0, 0)
    assert dict(report.skipped) == {
        str(folder / "logo.png"): "it is not a Markdown, HTML, PDF or text file "
        "(.htm, .html, .markdown, .md, .pdf, .text, .txt, .xhtml)",
        str(folder / "owls.md"): "it has the same text as “Copy”",
    }
    assert titles(out, "How was the herring quota cut?")
    assert titles(out, "ferry Aurelia") == ["Ferry"]
    assert titles(out, "tuba") == ["Tuba"]


def test_it_can_be_run_again(folder: Path, out: Path) -> None:
    ingest([str(folder)], out)
    before = stamp(out)
    report = ingest([str(folder)], out)
    assert (report.added, report.updated, report.unchanged) == (0, 0, 4)
    assert stamp(out) == before  # nothing to reload


def test_what_changed_is_replaced_and_what_is_gone_goes(folder: Path, out: Path) -> None:
    ingest([str(folder)], out)
    (folder / "ferry.html").write_text("<title>Ferry</title><p>The ferry Aurelia stays in port.</p>")
    (folder / "deep" / "er" / "tuba.txt").rename(folder / "brass.txt")
    (folder / "herring.pdf").unlink()

    report = ingest([str(folder)], out)

    assert (report.added, report.updated, report.unchanged, report.removed) == (1, 1, 1, 2)
    assert "in port" in loaded(out).search("ferry Aurelia")[0].passage.text
    assert titles(out, "herring quota") == []
    assert titles(out, "tuba") == ["Brass"]


def test_other_sources_stay_when_one_is_read_again(folder: Path, out: Path, tmp_path: Path) -> None:
    ingest([str(folder)], out)
    (tmp_path / "more.txt").write_text("A comet is coming in November.")
    report = ingest([str(tmp_path / "more.txt")], out)
    assert (report.added, report.removed) == (1, 0)
    assert titles(out, "comet November") == ["More"]
    assert titles(out, "tuba") == ["Tuba"]


def test_a_file_whose_address_was_changed_is_the_same_article(out: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("---\nurl: https://news.example/1\n---\nThe herring quota.")
    ingest([str(file)], out)
    file.write_text("---\nurl: https://news.example/2\n---\nThe herring quota.")
    report = ingest([str(file)], out)
    assert (report.added, report.updated, report.skipped) == (0, 1, [])
    assert [passage.url for passage in loaded(out).passages] == ["https://news.example/2"]


def test_fresh_begins_anew(folder: Path, out: Path, tmp_path: Path) -> None:
    ingest([str(folder)], out)
    (tmp_path / "more.txt").write_text("A comet is coming in November.")
    ingest([str(tmp_path / "more.txt")], out, fresh=True)
    assert [passage.title for passage in loaded(out).passages] == ["More"]


def test_fresh_with_nothing_to_read_keeps_what_is_there(folder: Path, out: Path) -> None:
    ingest([str(folder)], out)
    assert not ingest(["nowhere"], out, fresh=True).useful
    assert titles(out, "tuba") == ["Tuba"]


def test_feeds_are_fetched_and_their_entries_stay_when_the_feed_moves_on(out: Path) -> None:
    def rss(*items: tuple[str, str]) -> Page:
        entries = "".join(
            f"<item><title>{t}</title><link>https://n.example/{t}</link><description>{d}</description></item>"
            for t, d in items
        )
        return Page(f"<rss version='2.0'><channel>{entries}</channel></rss>".encode(), "application/rss+xml")

    with Site() as site:
        site.pages["/feed"] = rss(("Owls", "Owls are back."), ("Herring", "The herring quota."))
        sources = [site.url("/feed"), site.url("/missing"), "http://10.0.0.1/feed", "file:///etc/passwd"]
        first = ingest(sources, out, allow_loopback=True)
        site.pages["/feed"] = rss(("Herring", "The herring quota was cut."), ("Comet", "A comet comes."))
        second = ingest([site.url("/feed")], out, allow_loopback=True)

    assert first.added == 2
    assert [reason for _, reason in first.skipped] == [
        "its server answered 404",
        "it leads to 10.0.0.1, which is not a public address",
        "only http and https are fetched, not file",
    ]
    assert (second.added, second.updated, second.removed) == (1, 1, 0)
    assert sorted({passage.title for passage in loaded(out).passages}) == ["Comet", "Herring", "Owls"]


def test_loopback_is_private_too(out: Path) -> None:
    with Site() as site:
        site.pages["/feed"] = Page(b"<rss version='2.0'/>", "text/xml")
        assert "not a public address" in ingest([site.url("/feed")], out).skipped[0][1]
        assert site.asked == []


# --- embeddings -----------------------------------------------------------------------------------------------------


@pytest.fixture
def service() -> Iterator[OpenAIEmbeddings]:
    with OpenAIEmbeddings() as running:
        yield running


def test_vectors_are_stored_with_the_index_and_made_once(folder: Path, out: Path, service: OpenAIEmbeddings) -> None:
    embedder = LangChainEmbedder(api_key="sk-test", base_url=service.url)
    assert ingest([str(folder)], out, embedder=embedder).embedded == 4
    (folder / "brass.txt").write_text("A trombone was found.")
    assert ingest([str(folder)], out, embedder=embedder).embedded == 1
    assert len(service.texts) == 5
    index = loaded(out)
    assert index.model == "openai:text-embedding-3-small"
    hits = index.search("trombonne", vector=embedder.embed(["trombonne"]), least_similarity=0.3)
    assert [hit.passage.title for hit in hits] == ["Brass"]


def test_without_the_model_the_vectors_stay(folder: Path, out: Path, service: OpenAIEmbeddings) -> None:
    ingest([str(folder)], out, embedder=LangChainEmbedder(api_key="sk-test", base_url=service.url))
    (folder / "brass.txt").write_text("A trombone was found.")
    ingest([str(folder)], out)
    index = loaded(out)
    assert index.vectors is not None
    assert int(index.vectors.any(axis=1).sum()) == 4


def test_an_embedding_model_that_fails_is_told_and_costs_nothing_else(
    folder: Path, out: Path, service: OpenAIEmbeddings
) -> None:
    service.status = 500
    report = ingest([str(folder)], out, embedder=LangChainEmbedder(api_key="sk-test", base_url=service.url))
    assert report.added == 4
    assert "run again to add them" in report.skipped[-1][1]
    assert titles(out, "tuba") == ["Tuba"]
    service.status = 200
    again = ingest([str(folder)], out, embedder=LangChainEmbedder(api_key="sk-test", base_url=service.url))
    assert (again.unchanged, again.embedded) == (4, 4)


# --- the command ----------------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str]:
    said = io.StringIO()
    status = main(arguments, Console(file=said, width=200))
    return status, said.getvalue()


def test_the_command_tells_what_it_did_and_what_it_skipped_and_why(folder: Path, tmp_path: Path) -> None:
    status, said = run(str(folder), "nowhere.md", "--data-dir", str(tmp_path / "data"))
    assert status == 0
    assert "4 added, 0 updated, 0 unchanged, 0 removed, 3 skipped." in said
    assert f"skipped {folder / 'logo.png'}: it is not a Markdown" in said
    assert "skipped nowhere.md: there is no such file or folder" in said
    assert "Files" in said  # the progress bar
    assert loaded(tmp_path / "data" / "news-index")


def test_the_command_fails_where_nothing_came_of_it(tmp_path: Path) -> None:
    status, said = run("nowhere", "--out", str(tmp_path / "index"))
    assert status == 1
    assert "no source gave an article" in said


def test_the_command_does_not_write_beside_another(folder: Path, out: Path) -> None:
    with writing(out):
        status, said = run(str(folder), "--out", str(out))
    assert status == 3
    assert "Nothing was changed. Another process is writing" in said


def test_a_damaged_index_is_not_overwritten_unasked(folder: Path, out: Path) -> None:
    out.mkdir()
    (out / "current.json").write_text("{")
    status, said = run(str(folder), "--out", str(out))
    assert status == 3
    assert "--fresh" in said
    assert run(str(folder), "--out", str(out), "--fresh")[0] == 0


def test_names_with_markup_are_shown_as_they_are(tmp_path: Path) -> None:
    _, said = run("[bold]nowhere[/bold]", "--out", str(tmp_path / "index"))
    assert "skipped [bold]nowhere[/bold]: there is no such file or folder" in said


def test_it_runs_as_a_module(folder: Path, out: Path) -> None:
    command = [sys.executable, "-m", "assistants.news.ingest", str(folder), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "4 added" in done.stdout
    assert done.stderr == ""
