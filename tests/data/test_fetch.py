"""Fetching, against a real server on loopback that resumes, breaks off, redirects and lies."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import numpy as np
import pytest

from modelprint.data import fetch as fetching
from modelprint.data import load_data, sets
from modelprint.data.fetch import FIRST, KNOWN, LOCKED, STATED, FetchedFile, fetch
from modelprint.data.lock import LOCK
from modelprint.data.sets import Remote
from modelprint.errors import DataError

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Site:
    """What the server does; a test changes the fields before and between calls.

    Attributes:
        content: Bytes of the file.
        linked: State checksum and size of this content in the headers of a redirect, as the hub does; None states none.
        statuses: Answers to give first instead of the file.
        break_after: Bytes after which the connection is cut, once for each entry.
        ranges: Whether byte ranges are understood.
        requests: What was asked for: path and `Range` header.
    """

    content: bytes = CONTENT
    linked: bytes | None = None
    statuses: list[int] = field(default_factory=list)
    break_after: list[int] = field(default_factory=list)
    ranges: bool = True
    location: str = "/storage/file"
    length_header: bool = True
    base: str = ""
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def asked_ranges(self) -> list[str | None]:
        """Return the `Range` headers of the requests that got at the file."""
        return [asked for path, asked in self.requests if self.linked is None or path == "/storage/file"]


class Handler(BaseHTTPRequestHandler):
    """Answers as its server's `site` says."""

    site: Site

    def do_GET(self) -> None:
        site, wanted = self.site, self.headers.get("Range")
        site.requests.append((self.path, wanted))
        if site.linked is not None and not self.path.startswith("/storage/"):
            linked = hashlib.sha256(site.linked).hexdigest()
            headers = {"X-Linked-ETag": f'"{linked}"', "X-Linked-Size": str(len(site.linked))}
            self.answer(302, headers | {"Location": site.location})
        elif site.statuses:
            self.answer(site.statuses.pop(0), {})
        else:
            self.send_content(wanted)

    def send_content(self, wanted: str | None) -> None:
        site = self.site
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and site.ranges else 0
        if start >= len(site.content):
            self.answer(416, {"Content-Range": f"bytes */{len(site.content)}"})
            return
        body = site.content[start:]
        headers = {"Content-Length": str(len(body))} if site.length_header else {}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(site.content) - 1}/{len(site.content)}"
        self.answer(206 if start else 200, headers)
        self.wfile.write(body[: site.break_after.pop(0)] if site.break_after else body)
        self.close_connection = True

    def answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if status not in (200, 206):
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    """A running server that serves `CONTENT` until told otherwise."""
    site = Site()
    handler = type("SiteHandler", (Handler,), {"site": site})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        site.base = f"http://127.0.0.1:{server.server_address[1]}/"
        yield site
        server.shutdown()
        thread.join()


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes `cifar10` a set of one small file with the given knowledge about it."""

    def install(sha256: str | None = None, size: int | None = None) -> None:
        one = Remote(site="here", path="some/file", file="cifar10/file.parquet", sha256=sha256, size=size)
        monkeypatch.setitem(sets.SETS, "cifar10", replace(sets.SETS["cifar10"], remotes=(one,)))

    install()
    return install


class Fetcher:
    """Calls `fetch` with a client without proxies, and counts the waiting."""

    def __init__(self, folder: Path, site: Site, client: httpx.Client) -> None:
        self.folder, self.site, self.client = folder, site, client
        self.pauses: list[float] = []
        self.steps: list[tuple[str, int, int]] = []

    def __call__(self) -> FetchedFile:
        (fetched,) = fetch(
            "cifar10",
            self.folder,
            client=self.client,
            sites={"here": self.site.base},
            pause=self.pauses.append,
            progress=lambda phase, done, total: self.steps.append((phase, done, total)),
        )
        return fetched

    @property
    def path(self) -> Path:
        """The file once fetched."""
        return self.folder / "cifar10" / "file.parquet"

    @property
    def part(self) -> Path:
        """The file on its way."""
        return self.folder / "cifar10" / "file.parquet.part"

    @property
    def lock(self) -> Path:
        """The record."""
        return self.folder / "cifar10" / LOCK

    def leave_part(self, content: bytes) -> None:
        """Act as if a run had been killed."""
        self.part.parent.mkdir(parents=True, exist_ok=True)
        self.part.write_bytes(content)


@pytest.fixture
def get(tmp_path: Path, site: Site, remote: Callable[..., None]) -> Iterator[Fetcher]:
    """Fetches from `site` into an empty folder."""
    with httpx.Client(timeout=5, trust_env=False) as client:
        yield Fetcher(tmp_path / "data", site, client)


def test_a_known_file_is_fetched_and_recorded(get: Fetcher, remote: Callable[..., None]) -> None:
    """It is held against the checksum in the table; nothing but the file and the record stays."""
    remote(SHA256, len(CONTENT))

    fetched = get()

    assert fetched == FetchedFile(path=get.path, size=len(CONTENT), sha256=SHA256, checked=KNOWN, downloaded=True)
    assert get.path.read_bytes() == CONTENT
    assert sorted(path.name for path in get.path.parent.iterdir()) == [LOCK, "file.parquet"]
    assert json.loads(get.lock.read_text())["files"]["file.parquet"]["sha256"] == SHA256
    assert get.steps[0] == ("fetching cifar10/file.parquet", 0, len(CONTENT))
    assert get.steps[-1] == ("fetching cifar10/file.parquet", len(CONTENT), len(CONTENT))


def test_the_hubs_checksum_is_taken_from_the_redirect(get: Fetcher, site: Site) -> None:
    """The hub says the checksum on its way to the storage."""
    site.linked = CONTENT

    assert get().checked == STATED
    assert [path for path, _ in site.requests] == ["/some/file", "/storage/file"]


def test_a_file_without_checksum_is_trusted_once(get: Fetcher, site: Site) -> None:
    """The first download is recorded; the same bytes are accepted later, other bytes are not."""
    assert get().checked == FIRST

    get.path.unlink()
    assert get().checked == LOCKED

    get.path.unlink()
    site.content = CONTENT[::-1]
    with pytest.raises(DataError, match=r"expected 10240 bytes with .* \(the checksum in fetched\.json\)"):
        get()
    assert not get.path.exists()


def test_a_hub_that_has_another_file_now_is_refused(get: Fetcher, site: Site) -> None:
    """The record wins over what the site states; deleting the record accepts the new file."""
    site.linked = CONTENT
    get()
    get.path.unlink()
    site.content = site.linked = b"new edition"

    with pytest.raises(DataError, match=r"has another file now .* delete .*fetched\.json"):
        get()

    get.lock.unlink()
    assert get().checked == STATED
    assert get.path.read_bytes() == b"new edition"


def test_what_is_there_is_not_fetched_again(get: Fetcher, site: Site) -> None:
    """The second call only looks at the file."""
    get()
    site.requests.clear()

    again = get()

    assert not again.downloaded
    assert again.checked == LOCKED
    assert site.requests == []


def test_somebody_elses_file_is_left_alone(get: Fetcher, remote: Callable[..., None]) -> None:
    """A file that was not fetched, or was changed since, is neither overwritten nor taken for the real one."""
    get.path.parent.mkdir(parents=True)
    get.path.write_bytes(b"mine")

    with pytest.raises(DataError, match="was not fetched by modelprint; move it away"):
        get()
    remote(SHA256)
    with pytest.raises(DataError, match=r"is not the file at .* expected .*; move it away"):
        get()
    assert get.path.read_bytes() == b"mine"


@pytest.mark.parametrize("stated", [True, False])
def test_a_broken_download_goes_on_where_it_was(
    stated: bool, get: Fetcher, site: Site, remote: Callable[..., None]
) -> None:
    """After two cuts the rest is asked for by range, whether the checksum is known or stated."""
    if stated:
        site.linked = CONTENT
    else:
        remote(SHA256)
    site.break_after = [1000, 2000]

    get()

    assert get.path.read_bytes() == CONTENT
    assert site.asked_ranges() == [None, "bytes=1000-", "bytes=3000-"]
    assert get.pauses == [1.0, 2.0]


def test_an_interrupted_run_is_continued_by_the_next(get: Fetcher, site: Site, remote: Callable[..., None]) -> None:
    """Five cuts end the first run with an error that says so; the second run fetches only the rest."""
    remote(SHA256)
    site.break_after = [1000] * 5

    with pytest.raises(DataError, match=r"gave up after 5 attempts with 5000 bytes .* run the same command again"):
        get()
    assert not get.path.exists()

    site.requests.clear()
    get()
    assert site.asked_ranges() == ["bytes=5000-"]
    assert get.path.read_bytes() == CONTENT


def test_without_any_checksum_nothing_is_glued_together(get: Fetcher, site: Site) -> None:
    """Two halves might be of two editions, so the download starts anew."""
    site.break_after = [1000]

    get()

    assert site.asked_ranges() == [None, "bytes=1000-", None]
    assert get.path.read_bytes() == CONTENT


def test_a_part_of_an_older_edition_is_thrown_away(get: Fetcher, site: Site, remote: Callable[..., None]) -> None:
    """When the parts do not fit, the whole file is fetched again and found right."""
    remote(SHA256)
    get.leave_part(b"old edition")

    get()

    assert site.asked_ranges() == ["bytes=11-", None]
    assert get.path.read_bytes() == CONTENT


def test_a_finished_part_is_not_fetched_again(get: Fetcher, site: Site, remote: Callable[..., None]) -> None:
    """A run that ended between the last byte and the check is completed by looking."""
    remote(SHA256)
    get.leave_part(CONTENT)

    get()

    assert site.asked_ranges() == [f"bytes={len(CONTENT)}-"]
    assert get.path.read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(get: Fetcher, site: Site, remote: Callable[..., None]) -> None:
    """More bytes than the file has cannot be its beginning."""
    remote(SHA256)
    get.leave_part(CONTENT + b"more")

    get()

    assert get.path.read_bytes() == CONTENT


def test_a_site_without_ranges_sends_all_again(get: Fetcher, site: Site, remote: Callable[..., None]) -> None:
    """An answer from the first byte on replaces what was there."""
    remote(SHA256)
    site.ranges = False
    get.leave_part(CONTENT[:10])

    get()

    assert get.path.read_bytes() == CONTENT


@pytest.mark.parametrize("stated", [True, False])
def test_wrong_bytes_are_deleted(stated: bool, get: Fetcher, site: Site, remote: Callable[..., None]) -> None:
    """One flipped bit, and nothing is left under any name."""
    site.content = CONTENT[:-1] + b"\0"
    if stated:
        site.linked = CONTENT
    else:
        remote(SHA256)

    with pytest.raises(DataError, match=f"got 10240 bytes with SHA-256 .* with {SHA256}"):
        get()
    assert list(get.path.parent.iterdir()) == []
    assert get.pauses == []


def test_a_wrong_size_is_refused(get: Fetcher, site: Site, remote: Callable[..., None]) -> None:
    """Too many bytes are stopped at the limit, too few are counted."""
    remote(SHA256, len(CONTENT) - 1)
    with pytest.raises(DataError, match="longer than the expected 10239 bytes"):
        get()
    assert not get.part.exists()

    remote(SHA256, len(CONTENT) + 1)
    with pytest.raises(DataError, match=r"got 10240 bytes .* expected 10241 bytes"):
        get()


def test_an_endless_file_is_stopped(get: Fetcher, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a known size and without a stated length there is still a limit."""
    monkeypatch.setattr(fetching, "SIZE_LIMIT", 5000)
    site.length_header = False

    with pytest.raises(DataError, match="longer than the expected 5000 bytes"):
        get()


def test_a_busy_site_is_asked_again(get: Fetcher, site: Site) -> None:
    """500, 503 and 429 pass; the wait doubles."""
    site.statuses = [500, 503, 429]

    get()

    assert get.pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("status", [404, 403, 401, 410])
def test_a_missing_file_is_an_error_at_once(status: int, get: Fetcher, site: Site) -> None:
    """Asking again would not help; the error says where the file goes."""
    site.statuses = [status]

    with pytest.raises(
        DataError, match=rf"answered {status}; if the file has moved, download it yourself to .*file\.parquet"
    ):
        get()
    assert get.pauses == []


def test_redirects_have_an_end(get: Fetcher, site: Site) -> None:
    """A site that leads in circles is left."""
    site.linked, site.location = CONTENT, "/some/file"

    with pytest.raises(DataError, match="more than 5 redirects"):
        get()


def test_encryption_is_not_given_up(tmp_path: Path, remote: Callable[..., None]) -> None:
    """An https address that leads to http is not followed."""
    transport = httpx.MockTransport(lambda request: httpx.Response(302, headers={"Location": "http://other/file"}))

    with httpx.Client(transport=transport) as client, pytest.raises(DataError, match="unencrypted address"):
        fetch("cifar10", tmp_path, client=client, sites={"here": "https://example.org/"})


def test_a_site_out_of_reach_is_said_so(get: Fetcher, site: Site) -> None:
    """No connection after all attempts is one clear error."""
    site.base = "http://127.0.0.1:9/"

    with pytest.raises(DataError, match=r"http://127\.0\.0\.1:9/some/file: .* gave up after 5 attempts with 0 bytes"):
        get()
    assert len(get.pauses) == 4


def test_a_folder_that_cannot_be_written_is_said_so(get: Fetcher) -> None:
    """A file where the folder should be is named."""
    get.folder.write_text("in the way")

    with pytest.raises(DataError, match="cannot be read or written"):
        get()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "delete it"),
        ("[]", "not a record of format 1"),
        ('{"format": 2, "files": {}}', "not a record of format 1"),
        ('{"format": 1, "files": {"file.parquet": {"url": "x"}}}', "entry file.parquet"),
        ('{"format": 1, "files": {"file.parquet": 7}}', "entry file.parquet"),
        (
            '{"format": 1, "files": {"file.parquet": {"url": "x", "size": 1, "sha256": "?", "checked": ""}}}',
            "no size or no SHA-256",
        ),
    ],
)
def test_a_damaged_record_is_named(text: str, reason: str, get: Fetcher) -> None:
    """A record that cannot be read is not passed over, since it is what protects later downloads."""
    get.lock.parent.mkdir(parents=True)
    get.lock.write_text(text)

    with pytest.raises(DataError, match=rf"fetched\.json: .*{reason}"):
        get()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nothing", "there is no data set called 'nothing'; there are digits, cifar10"),
        ("digits", "digits cannot be fetched: it is built in and needs no files"),
        ("faces", "faces cannot be fetched: no permanent public address is known"),
        ("imagenet-sample", "imagenet-sample cannot be fetched: it cannot be downloaded in this form"),
    ],
)
def test_what_cannot_be_fetched_says_why(name: str, reason: str, tmp_path: Path) -> None:
    """The error says what to do instead."""
    with pytest.raises(DataError, match=reason):
        fetch(name, tmp_path)


@pytest.mark.parametrize("name", [name for name, named in sets.SETS.items() if named.remotes])
def test_fetched_files_are_where_the_set_is_looked_for(name: str) -> None:
    """For every set that can be fetched, one layout is exactly its files, and every site has an https address."""
    named = sets.SETS[name]

    assert {remote.file for remote in named.remotes} in [set(layout.files) for layout in named.layouts]
    assert all(fetching.SITES[remote.site].startswith("https://") for remote in named.remotes)


def test_a_fetched_set_can_be_loaded(
    tmp_path: Path,
    site: Site,
    write_parquet: Callable[..., Path],
    image_file: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the empty folder to images by name, with the hub's column names; the client is our own."""
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    upstream = write_parquet(tmp_path / "up.parquet", [image_file(pixels)] * 2, [0, 9], columns=("img", "label"))
    site.content = upstream.read_bytes()
    monkeypatch.setenv("MODELPRINT_DATA", str(tmp_path / "data"))
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)

    fetched = fetch("cifar10", tmp_path / "data", sites={"hub": site.base})

    data = load_data("cifar10")
    assert [one.path.name for one in fetched] == ["train.parquet", "test.parquet"]
    assert np.array_equal(data.test.pixels[1], pixels.transpose(2, 0, 1))
    assert data.train.labels.tolist() == [0, 9]
