"""Downloading the named sets, with resuming and checking, into this user's data folder.

What a file is held against, in this order: the SHA-256 in our table, where the file never changes; the one in
`fetched.json` beside the data, which records what came the first time; the one that the hub states for each of its
large files in the header `X-Linked-ETag`. Where a site states none, the first download is taken on trust, recorded,
and every later one has to be the same. Nothing that fails a check gets the name under which it would be read.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from modelprint.data.decoded import file_sha256
from modelprint.data.lock import LOCK, Record, recorded, write_record
from modelprint.data.roots import user_folder
from modelprint.data.sets import HUB, MIRROR, SETS, Remote
from modelprint.errors import DataError
from modelprint.progress import Progress, silent

SITES: dict[str, str] = {
    HUB: "https://huggingface.co/datasets/",
    MIRROR: "https://ossci-datasets.s3.amazonaws.com/mnist/",
}
"""Addresses that the paths in `SETS` are below."""

ATTEMPTS = 5
REDIRECTS = 5
SIZE_LIMIT = 4 * 2**30
"""Most bytes of one file."""

SECONDS = 30.0
"""How long we wait for a connection, and for the next bytes."""

KNOWN = "the checksum known to modelprint"
LOCKED = f"the checksum in {LOCK}"
STATED = "the checksum stated by the site"
FIRST = "nothing: first download, recorded"


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """One file that is in place now.

    Attributes:
        path: Where it is.
        size: Bytes.
        sha256: Hexadecimal SHA-256 of its content.
        checked: What it was held against, in words.
        downloaded: False when it was there before.
    """

    path: Path
    size: int
    sha256: str
    checked: str
    downloaded: bool


def fetch(
    name: str,
    folder: Path | None = None,
    *,
    progress: Progress = silent,
    client: httpx.Client | None = None,
    sites: Mapping[str, str] = SITES,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Fetched, ...]:
    """Download the files of the set called `name`; what is there already is checked and kept.

    Interrupted downloads leave a `.part` file, from which the next call goes on.

    Args:
        name: A key of `SETS`.
        folder: Data folder; None is this user's.
        progress: Told after each piece, in bytes.
        client: Does the requests; None makes one with sensible time limits.
        sites: Addresses of the sites, to use a mirror.
        pause: Waits the seconds it is given between attempts.

    Raises:
        DataError: The set cannot be fetched, a site is out of reach, or a file is not what it should be.
    """
    if name not in SETS:
        raise DataError(f"there is no data set called {name!r}; there are {', '.join(SETS)}")
    if not SETS[name].remotes:
        raise DataError(f"data set {name} cannot be fetched: {_instead(name)}")
    target = user_folder() if folder is None else folder
    with client_or_own(client) as asking:
        return tuple(
            _fetch_file(_Download(remote, target, sites[remote.site] + remote.path, asking, progress, pause))
            for remote in SETS[name].remotes
        )


@contextmanager
def client_or_own(client: httpx.Client | None) -> Iterator[httpx.Client]:
    """Yield `client`, or one of our own that is closed afterwards."""
    if client is not None:
        yield client
        return
    with httpx.Client(timeout=SECONDS, headers={"User-Agent": "modelprint"}) as own:
        yield own


@dataclass(frozen=True)
class _Download:
    """One file on its way."""

    remote: Remote
    folder: Path
    url: str
    client: httpx.Client
    progress: Progress
    pause: Callable[[float], None]

    @property
    def path(self) -> Path:
        return self.folder / self.remote.file

    @property
    def part(self) -> Path:
        return self.path.with_name(self.path.name + ".part")


@dataclass(frozen=True)
class _Expected:
    """What a file is held against; `sha256` is None on first use."""

    sha256: str | None
    size: int | None
    why: str


class _BrokenOffError(Exception):
    """An attempt failed in a way that the next one may not."""


def _instead(name: str) -> str:
    return (
        "it is always there, it needs no files"
        if any(not way.files for way in SETS[name].layouts)
        else (SETS[name].source)
    )


def _fetch_file(download: _Download) -> Fetched:
    """Get one file into place.

    1. A file that is there must be the known or recorded one; anybody else's file is left alone.
    2. Download into the part file, going on where it ends, with a few attempts.
    3. Hold size and SHA-256 against what is expected; on a difference delete the part file.
    4. Record what came, then give the file its name.
    """
    try:
        record = recorded(download.path)
        if download.path.exists():
            return _present(download, record)  # (1)
        download.path.parent.mkdir(parents=True, exist_ok=True)
        expected, sha256 = _attempts(download, record)  # (2), (3)
        size = download.part.stat().st_size
        write_record(download.path, Record(url=download.url, size=size, sha256=sha256, checked=expected.why))  # (4)
        download.part.replace(download.path)
    except OSError as problem:
        raise DataError(f"{download.path}: cannot be read or written ({problem.strerror or problem})") from problem
    return Fetched(path=download.path, size=size, sha256=sha256, checked=expected.why, downloaded=True)


def _present(download: _Download, record: Record | None) -> Fetched:
    path, wanted = download.path, download.remote.sha256 or (record.sha256 if record else None)
    sha256 = file_sha256(path)
    if wanted is None:
        raise DataError(f"{path} is there, but was not fetched by modelprint; move it away to fetch {download.url}")
    if sha256 != wanted:
        raise DataError(
            f"{path} is there, but it is another file than {download.url}: its SHA-256 is {sha256}, expected {wanted}; "
            f"move it away to fetch it"
        )
    why = KNOWN if download.remote.sha256 else LOCKED
    return Fetched(path=path, size=path.stat().st_size, sha256=sha256, checked=why, downloaded=False)


def _attempts(download: _Download, record: Record | None) -> tuple[_Expected, str]:
    """Return what the part file was held against, and its SHA-256."""
    trouble = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            download.pause(2.0 ** (attempt - 1))
        try:
            expected, resumed = _transfer(download, record)
            return expected, _checked(download, expected, resumed)
        except (_BrokenOffError, httpx.TransportError) as problem:
            trouble = str(problem) or type(problem).__name__
    done = download.part.stat().st_size if download.part.exists() else 0
    raise DataError(
        f"{download.url}: {trouble}; gave up after {ATTEMPTS} attempts with {done} bytes in {download.part}; "
        f"run the same command again to go on"
    )


def _transfer(download: _Download, record: Record | None) -> tuple[_Expected, bool]:
    """Bring the part file to its end; say what to expect of it and whether it had a beginning already."""
    start = download.part.stat().st_size if download.part.exists() else 0
    response, headers = _asked(download, start)
    with closing(response):
        expected = _expected(download, record, headers)
        if response.status_code == 416 and response.headers.get("content-range") == f"bytes */{start}":
            return expected, True  # The last run ended between the last byte and the check.
        resumed = response.status_code == 206
        # Two versions of a file must not be glued together: without a checksum nobody would notice.
        if response.status_code == 416 or (resumed and (expected.sha256 is None or not _continues(response, start))):
            download.part.unlink()
            raise _BrokenOffError(f"cannot go on from byte {start}")
        _pour(download, response, start if resumed else 0, expected)
    return expected, resumed


def _asked(download: _Download, start: int) -> tuple[httpx.Response, dict[str, str]]:
    """Return the open response at the end of all redirects, and what the headers on the way said.

    The hub answers with a redirect to its storage, and only that first answer has the checksum.
    """
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    request = download.client.build_request("GET", download.url, headers=headers)
    said: dict[str, str] = {}
    for _ in range(REDIRECTS + 1):
        response = download.client.send(request, stream=True, follow_redirects=False)
        said = {key: value for key, value in response.headers.items() if key.startswith("x-linked-")} | said
        if response.next_request is None:
            break
        response.close()
        if request.url.scheme == "https" != response.next_request.url.scheme:
            raise DataError(f"{download.url}: it leads to an address without encryption, {response.next_request.url}")
        request = response.next_request
    else:
        raise DataError(f"{download.url}: more than {REDIRECTS} redirects")
    if response.status_code in (200, 206, 416):
        return response, said
    response.close()
    if response.status_code == 429 or response.status_code >= 500:
        raise _BrokenOffError(f"the site answered {response.status_code}")
    raise DataError(
        f"{download.url}: the site answered {response.status_code}; the file may have moved, "
        f"then put it at {download.path} by hand"
    )


def _expected(download: _Download, record: Record | None, headers: dict[str, str]) -> _Expected:
    stated = headers.get("x-linked-etag", "").strip('"').lower()
    stated_sha256 = stated if len(stated) == 64 and set(stated) <= set("0123456789abcdef") else None
    stated_size = headers.get("x-linked-size", "")
    size = int(stated_size) if stated_size.isascii() and stated_size.isdigit() else None
    if download.remote.sha256:
        return _Expected(download.remote.sha256, download.remote.size, KNOWN)
    if record is None:
        return _Expected(stated_sha256, size, STATED if stated_sha256 else FIRST)
    if stated_sha256 not in (None, record.sha256):
        raise DataError(
            f"{download.url}: the site has another file now (SHA-256 {stated_sha256}) than the one recorded "
            f"({record.sha256}); to accept it, delete {download.path.with_name(LOCK)}"
        )
    return _Expected(record.sha256, record.size, LOCKED)


def _continues(response: httpx.Response, start: int) -> bool:
    stated: str = response.headers.get("content-range", "")
    return stated.startswith(f"bytes {start}-")


def _pour(download: _Download, response: httpx.Response, start: int, expected: _Expected) -> None:
    """Write the body into the part file from byte `start` on."""
    limit = SIZE_LIMIT if expected.size is None else expected.size
    length = response.headers.get("content-length", "")
    total = start + int(length) if length.isascii() and length.isdigit() else limit
    phase, done = f"fetching {download.remote.file}", start
    with download.part.open("ab" if start else "wb") as file:
        download.progress(phase, done, total)
        for chunk in response.iter_raw():  # as it comes: collecting pieces would lose them when the line breaks
            done += len(chunk)
            if done > limit:
                break
            file.write(chunk)
            download.progress(phase, done, max(total, done))
        file.flush()
        os.fsync(file.fileno())
    if done > limit:
        download.part.unlink()
        raise DataError(f"{download.url}: it is longer than the expected {limit} bytes; what came was deleted")


def _checked(download: _Download, expected: _Expected, resumed: bool) -> str:
    """Return the SHA-256 of the part file, or delete it when it is not what is expected."""
    size, sha256 = download.part.stat().st_size, file_sha256(download.part)
    if expected.size in (None, size) and expected.sha256 in (None, sha256):
        return sha256
    download.part.unlink()
    if resumed:  # The beginning may have come from an older version; a whole download tells.
        raise _BrokenOffError("the parts of the download do not fit together")
    raise DataError(
        f"{download.url}: got {size} bytes with SHA-256 {sha256}, expected {expected.size or 'any number of'} bytes "
        f"with {expected.sha256} ({expected.why}); what came was deleted"
    )
