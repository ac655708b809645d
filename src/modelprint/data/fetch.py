"""Download the named data sets into the user's data folder, with resuming and verification.

The expected SHA-256 of a file comes from, in this order: our table, for files that never change; `fetched.json` beside
the data, which records the first download; the header `X-Linked-ETag`, in which the hub states it for each large file.
If there is none, the first download is trusted and recorded, and all later ones must equal it. A file gets its final
name only after all checks.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from modelprint.data.decoded import file_sha256
from modelprint.data.lock import LOCK, FetchRecord, read_record, write_record
from modelprint.data.roots import user_folder
from modelprint.data.sets import HUB, MIRROR, SETS, Remote
from modelprint.errors import DataError
from modelprint.progress import Progress, ignore_progress

SITES: dict[str, str] = {
    HUB: "https://huggingface.co/datasets/",
    MIRROR: "https://ossci-datasets.s3.amazonaws.com/mnist/",
}
"""Base addresses of the paths in `SETS`."""

ATTEMPTS = 5
REDIRECTS = 5
SIZE_LIMIT = 4 * 2**30
"""Largest file, in bytes."""

SECONDS = 30.0
"""Time limit for a connection, and for the next bytes."""

KNOWN = "the checksum known to modelprint"
LOCKED = f"the checksum in {LOCK}"
STATED = "the checksum stated by the site"
FIRST = "nothing: first download, recorded"


@dataclass(frozen=True, kw_only=True)
class FetchedFile:
    """One downloaded or already present file.

    Attributes:
        path: The file.
        size: Bytes.
        sha256: Hexadecimal SHA-256 of its content.
        checked: What it was compared with, in words.
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
    progress: Progress = ignore_progress,
    client: httpx.Client | None = None,
    sites: Mapping[str, str] = SITES,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[FetchedFile, ...]:
    """Download the files of the set called `name`; files that exist are checked and kept.

    An interrupted download leaves a `.part` file, which the next call continues.

    Args:
        name: A key of `SETS`.
        folder: Data folder; None is the user's.
        progress: Called after each chunk, in bytes.
        client: HTTP client; None makes one with time limits.
        sites: Addresses of the sites, to use a mirror.
        pause: Waits a number of seconds between attempts.

    Raises:
        DataError: The set cannot be fetched, a site cannot be reached, or a file fails its check.
    """
    if name not in SETS:
        raise DataError(f"there is no data set called {name!r}; there are {', '.join(SETS)}")
    if not SETS[name].remotes:
        raise DataError(f"data set {name} cannot be fetched: {_explain_alternative(name)}")
    target = user_folder() if folder is None else folder
    with open_client(client) as asking:
        return tuple(
            _fetch_file(_Download(remote, target, sites[remote.site] + remote.path, asking, progress, pause))
            for remote in SETS[name].remotes
        )


@contextmanager
def open_client(client: httpx.Client | None) -> Iterator[httpx.Client]:
    """Yield `client`, or a new one that is closed afterwards."""
    if client is not None:
        yield client
        return
    with httpx.Client(timeout=SECONDS, headers={"User-Agent": "modelprint"}) as own:
        yield own


@dataclass(frozen=True)
class _Download:
    """One file to download."""

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
    """Expected SHA-256 and size of a file, and their source; None when unknown."""

    sha256: str | None
    size: int | None
    why: str


class _RetryError(Exception):
    """A failed attempt that is worth repeating."""


def _explain_alternative(name: str) -> str:
    embedded = any(not layout.files for layout in SETS[name].layouts)
    return "it is built in and needs no files" if embedded else SETS[name].source


def _fetch_file(download: _Download) -> FetchedFile:
    """Download one file.

    1. A file that exists must be the known or recorded one; any other file is an error and left unchanged.
    2. Download into the part file, continuing where it ends, with several attempts.
    3. Compare size and SHA-256 with the expected ones; on a difference delete the part file.
    4. Record the download, then give the file its final name.
    """
    try:
        record = read_record(download.path)
        if download.path.exists():
            return _check_present(download, record)  # (1)
        download.path.parent.mkdir(parents=True, exist_ok=True)
        expected, sha256 = _try_download(download, record)  # (2), (3)
        size = download.part.stat().st_size
        arrived = FetchRecord(url=download.url, size=size, sha256=sha256, checked=expected.why)
        write_record(download.path, arrived)  # (4)
        download.part.replace(download.path)
    except OSError as problem:
        raise DataError(f"{download.path}: cannot be read or written ({problem.strerror or problem})") from problem
    return FetchedFile(path=download.path, size=size, sha256=sha256, checked=expected.why, downloaded=True)


def _check_present(download: _Download, record: FetchRecord | None) -> FetchedFile:
    path, wanted = download.path, download.remote.sha256 or (record.sha256 if record else None)
    sha256 = file_sha256(path)
    if wanted is None:
        raise DataError(f"{path} exists, but was not fetched by modelprint; move it away to fetch {download.url}")
    if sha256 != wanted:
        raise DataError(
            f"{path} exists, but is not the file at {download.url}: its SHA-256 is {sha256}, expected {wanted}; "
            f"move it away to fetch it"
        )
    why = KNOWN if download.remote.sha256 else LOCKED
    return FetchedFile(path=path, size=path.stat().st_size, sha256=sha256, checked=why, downloaded=False)


def _try_download(download: _Download, record: FetchRecord | None) -> tuple[_Expected, str]:
    """Download and check the part file, in several attempts; return what was expected, and its SHA-256."""
    trouble = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            download.pause(2.0 ** (attempt - 1))
        try:
            expected, resumed = _transfer(download, record)
            return expected, _check_part(download, expected, resumed)
        except (_RetryError, httpx.TransportError) as problem:
            trouble = str(problem) or type(problem).__name__
    done = download.part.stat().st_size if download.part.exists() else 0
    raise DataError(
        f"{download.url}: {trouble}; gave up after {ATTEMPTS} attempts with {done} bytes in {download.part}; "
        f"run the same command again to go on"
    )


def _transfer(download: _Download, record: FetchRecord | None) -> tuple[_Expected, bool]:
    """Complete the part file; return what is expected of it, and whether an earlier part was continued."""
    start = download.part.stat().st_size if download.part.exists() else 0
    response, headers = _send_request(download, start)
    with closing(response):
        expected = _find_expected(download, record, headers)
        if response.status_code == 416 and response.headers.get("content-range") == f"bytes */{start}":
            return expected, True  # The previous run was stopped between the last byte and the check.
        resumed = response.status_code == 206
        # Never join parts of two versions of a file: without a checksum this would go unnoticed.
        unsafe = expected.sha256 is None or not _is_continuation(response, start)
        if response.status_code == 416 or (resumed and unsafe):
            download.part.unlink()
            raise _RetryError(f"cannot continue from byte {start}")
        _write_body(download, response, start if resumed else 0, expected)
    return expected, resumed


def _send_request(download: _Download, start: int) -> tuple[httpx.Response, dict[str, str]]:
    """Return the open response after all redirects, and the `X-Linked-*` headers of all responses.

    The hub redirects to its storage, and only its first response has the checksum.
    """
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    request = download.client.build_request("GET", download.url, headers=headers)
    stated: dict[str, str] = {}
    for _ in range(REDIRECTS + 1):
        response = download.client.send(request, stream=True, follow_redirects=False)
        stated = {key: value for key, value in response.headers.items() if key.startswith("x-linked-")} | stated
        if response.next_request is None:
            break
        response.close()
        if request.url.scheme == "https" != response.next_request.url.scheme:
            raise DataError(f"{download.url}: redirects to an unencrypted address, {response.next_request.url}")
        request = response.next_request
    else:
        raise DataError(f"{download.url}: more than {REDIRECTS} redirects")
    if response.status_code in (200, 206, 416):
        return response, stated
    response.close()
    if response.status_code == 429 or response.status_code >= 500:
        raise _RetryError(f"the site answered {response.status_code}")
    raise DataError(
        f"{download.url}: the site answered {response.status_code}; if the file has moved, "
        f"download it yourself to {download.path}"
    )


def _find_expected(download: _Download, record: FetchRecord | None, headers: dict[str, str]) -> _Expected:
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


def _is_continuation(response: httpx.Response, start: int) -> bool:
    stated: str = response.headers.get("content-range", "")
    return stated.startswith(f"bytes {start}-")


def _write_body(download: _Download, response: httpx.Response, start: int, expected: _Expected) -> None:
    """Write the body into the part file, from byte `start` on."""
    limit = SIZE_LIMIT if expected.size is None else expected.size
    length = response.headers.get("content-length", "")
    total = start + int(length) if length.isascii() and length.isdigit() else limit
    phase, done = f"fetching {download.remote.file}", start
    with download.part.open("ab" if start else "wb") as file:
        download.progress(phase, done, total)
        for chunk in response.iter_raw():  # unbuffered, so that an interrupted transfer loses nothing
            done += len(chunk)
            if done > limit:
                break
            file.write(chunk)
            download.progress(phase, done, max(total, done))
        file.flush()
        os.fsync(file.fileno())
    if done > limit:
        download.part.unlink()
        raise DataError(f"{download.url}: longer than the expected {limit} bytes; the download was deleted")


def _check_part(download: _Download, expected: _Expected, resumed: bool) -> str:
    """Return the SHA-256 of the part file; delete the file when size or SHA-256 are not as expected."""
    size, sha256 = download.part.stat().st_size, file_sha256(download.part)
    if expected.size in (None, size) and expected.sha256 in (None, sha256):
        return sha256
    download.part.unlink()
    if resumed:  # The earlier part may be of an older version; a complete download decides.
        raise _RetryError("the parts of the download do not fit together")
    raise DataError(
        f"{download.url}: got {size} bytes with SHA-256 {sha256}, expected {expected.size or 'any number of'} bytes "
        f"with {expected.sha256} ({expected.why}); the download was deleted"
    )
