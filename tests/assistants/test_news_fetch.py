"""Fetching what someone else chose: never somewhere private, never too much, never too long."""

from __future__ import annotations

import gzip
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistants.news.fetch import (
    AddressRefused,
    BadAnswer,
    FetchFailed,
    Limits,
    TooLarge,
    TooManyRedirects,
    TooSlow,
    fetch,
    refusal,
)
from tests.fakes.site import Page, Site
from tests.processes import program


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "240.0.0.1",
        "192.88.99.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.2.3",
        "::127.0.0.1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "2001:0:0:0:0:0:80ff:fffe",
        "nonsense",
    ],
)
def test_no_private_address_is_connected_to(address: str) -> None:
    assert refusal(address) is not None


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_fine(address: str) -> None:
    assert refusal(address) is None


def test_loopback_can_be_allowed_and_nothing_else_with_it() -> None:
    assert refusal("127.0.0.1", allow_loopback=True) is None
    assert refusal("::1", allow_loopback=True) is None
    assert refusal("10.0.0.1", allow_loopback=True) is not None


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://news.example/feed",
        "gopher://news.example/",
        "javascript:alert(1)",
        "//news.example/feed",
        "news.example/feed",
        "",
        "http://",
        "http://user:secret@news.example/",
        "http://news.example\r\nX-Bad: 1/",
        "http://\ud800.example/",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost/",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
def test_an_address_that_is_not_for_us_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        fetch(url)


def test_a_page_is_fetched(site: Site) -> None:
    site.pages["/feed"] = Page(b"<rss/>", "application/rss+xml; charset=utf-8")
    fetched = fetch(site.url("/feed"), allow_loopback=True)
    assert (fetched.body, fetched.content_type, fetched.url) == (
        b"<rss/>",
        "application/rss+xml; charset=utf-8",
        site.url("/feed"),
    )


def test_a_name_with_one_private_address_is_refused_before_anything_is_sent(site: Site) -> None:
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        fetch(site.url(host="news.test"), resolve=lambda host, port: ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(AddressRefused):
        fetch(site.url(host="news.test"), resolve=lambda host, port: ["127.0.0.1"])
    assert site.asked == []


def test_the_address_that_was_checked_is_the_one_connected_to(site: Site) -> None:
    """A name that answers otherwise the second time gains nothing: it is asked once for each connection."""
    site.pages["/"] = Page(b"hello")
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    fetched = fetch(site.url(host="news.test"), allow_loopback=True, resolve=resolve)

    assert fetched.body == b"hello"
    assert asked == ["news.test"]
    assert site.hosts == [f"news.test:{site.port}"]


def test_each_redirect_is_checked_anew(site: Site) -> None:
    site.pages["/out"] = Page(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
    site.pages["/file"] = Page(status=301, headers={"Location": "file:///etc/passwd"})
    site.pages["/name"] = Page(status=307, headers={"Location": site.url("/", host="inside.test")})
    for path in ("/out", "/file", "/name"):
        with pytest.raises(AddressRefused):
            fetch(
                site.url(path, host="news.test"),
                allow_loopback=True,
                resolve=lambda host, port: ["127.0.0.1" if host == "news.test" else "192.168.0.1"],
            )


def test_redirects_are_followed_relative_ones_too_but_not_for_ever(site: Site) -> None:
    for number in range(1, 6):
        site.pages[f"/{number}"] = Page(status=308, headers={"Location": f"{number - 1}"})
    site.pages["/0"] = Page(b"arrived")
    site.pages["/round"] = Page(status=302, headers={"Location": "/round"})
    fetched = fetch(site.url("/5"), allow_loopback=True)
    assert (fetched.body, fetched.url) == (b"arrived", site.url("/0"))
    with pytest.raises(TooManyRedirects, match="more than 5"):
        fetch(site.url("/round"), allow_loopback=True)
    assert site.asked.count("/round") == 6


@pytest.mark.parametrize(
    "page",
    [
        Page(b"x" * 2_000),
        Page(b"x" * 100, endless=True),
        Page(b"x", headers={"Content-Length": "999999999999"}),
        Page(gzip.compress(b"0" * 5_000_000), headers={"Content-Encoding": "gzip"}),
    ],
    ids=["long", "endless", "said to be long", "a small archive of much"],
)
def test_no_more_than_the_limit_is_read(site: Site, page: Page) -> None:
    site.pages["/"] = page
    with pytest.raises(TooLarge, match="1,000"):
        fetch(site.url(), allow_loopback=True, limits=Limits(bytes=1_000))


def test_what_was_packed_is_unpacked(site: Site) -> None:
    site.pages["/"] = Page(gzip.compress(b"hello " * 100), headers={"Content-Encoding": "gzip"})
    assert fetch(site.url(), allow_loopback=True).body == b"hello " * 100


@pytest.mark.parametrize(
    "page",
    [
        Page(b"x" * 1_000, drip=0.05),
        Page(silent=True),
        Page(b"x" * 10_000, endless=True, drip=0.01),
    ],
    ids=["drips", "silent", "endless drip"],
)
def test_the_whole_fetch_has_one_deadline(site: Site, page: Page) -> None:
    site.pages["/"] = page
    started = time.monotonic()
    with pytest.raises(TooSlow, match=r"0\.4 seconds"):
        fetch(site.url(), allow_loopback=True, limits=Limits(seconds=0.4))
    assert time.monotonic() - started < 2


def test_redirects_share_the_deadline(site: Site) -> None:
    """The clock is moved on by 8 s at each look, so that the second connection has nothing left of 20."""
    site.pages["/"] = Page(status=302, headers={"Location": "/"})
    now = iter(range(0, 1_000, 8))
    with pytest.raises(TooSlow):
        fetch(site.url(), allow_loopback=True, clock=lambda: float(next(now)))
    assert len(site.asked) <= 1


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Page(b"gone", status=404), "answered 404"),
        (Page(b"broken", status=500), "answered 500"),
        (Page(b"later", status=304), "answered 304"),
        (Page(b"??", headers={"Content-Encoding": "br"}), "packed in a way"),
        (Page(b"not gzip", headers={"Content-Encoding": "gzip"}), "gzip is broken"),
        (Page(gzip.compress(b"news " * 99)[:-9], headers={"Content-Encoding": "gzip"}), "broke off"),
        (Page(b"half", headers={"Content-Length": "99"}), "could not be fetched"),
    ],
)
def test_a_bad_answer_is_told_as_such(site: Site, page: Page, reason: str) -> None:
    site.pages["/"] = page
    with pytest.raises(BadAnswer, match=reason):
        fetch(site.url(), allow_loopback=True)


def test_a_name_that_does_not_resolve_and_a_port_where_nobody_listens(site: Site) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError(f"the name {host!r} does not resolve")

    with pytest.raises(BadAnswer, match="does not resolve"):
        fetch("http://news.test/", resolve=unknown)
    with pytest.raises(BadAnswer):
        fetch("http://news.test/", resolve=lambda host, port: [])
    with pytest.raises(FetchFailed):
        fetch("http://127.0.0.1:1/", allow_loopback=True)


def test_an_encrypted_page_is_checked_against_its_name_and_not_its_address(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    names = ["-subj", "/CN=news.test", "-addext", "subjectAltName=DNS:news.test"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([program("openssl"), "req", "-x509", *kind, *files, *names], check=True, capture_output=True)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with Site(serving) as site:
        site.pages["/"] = Page(b"secret news")

        def get(host: str, tls: ssl.SSLContext | None) -> bytes:
            url = site.url(host=host)
            return fetch(url, allow_loopback=True, resolve=lambda name, port: ["127.0.0.1"], tls=tls).body

        assert get("news.test", trusting) == b"secret news"
        for host, tls in (("other.test", trusting), ("news.test", None)):
            with pytest.raises(BadAnswer, match="certificate"):
                get(host, tls)
