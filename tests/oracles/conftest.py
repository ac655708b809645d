"""A real server on the loopback that answers as each test tells it to, and records what it was asked."""

import contextlib
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from fastapi import FastAPI, Request, Response

from modelprint.demo.server import run_in_background
from modelprint.oracles.endpoint import Endpoint, open_oracle, parse_endpoint
from modelprint.oracles.remote import RemoteOracle
from modelprint.oracles.requests import Caller
from modelprint.pixels import Picture

CLASSES = ("cat", "dog", "owl")


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int

    def json(self) -> dict[str, object]:
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document


Answering = Callable[[Seen], Response]


@dataclass
class StandIn:
    """Answers each request with the next of `replies`; the last one stays."""

    url: str = ""
    replies: list[Answering] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def says(self, *documents: object) -> None:
        """Answer these JSON documents, one after the other."""
        self.replies = [lambda _, said=said: json_reply(said) for said in documents]

    def sends(self, content: bytes, status: int = 200, **headers: str) -> None:
        """Answer these bytes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies = [lambda _: Response(content, status, named)]

    def answer(self, seen: Seen) -> Response:
        self.seen.append(seen)
        return self.replies[min(len(self.seen), len(self.replies)) - 1](seen)


def json_reply(document: object, status: int = 200, **headers: str) -> Response:
    """Return a JSON response; underscores in header names become hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps(document), status, named, "application/json")


@pytest.fixture(scope="session")
def shared_stand_in() -> Iterator[StandIn]:
    """The one server of the session."""
    stand_in = StandIn()
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT"])
    async def everything(request: Request) -> Response:
        client = request.client
        path = f"{request.scope['raw_path'].decode()}?{request.url.query}".rstrip("?")
        port = client.port if client else 0
        return stand_in.answer(Seen(request.method, path, dict(request.headers), await request.body(), port))

    with run_in_background(app) as url:
        stand_in.url = url
        yield stand_in


@pytest.fixture
def stand_in(shared_stand_in: StandIn) -> StandIn:
    """The server, with nothing to say and nothing seen."""
    shared_stand_in.replies.clear()
    shared_stand_in.seen.clear()
    return shared_stand_in


@pytest.fixture
def reply() -> Callable[..., Response]:
    """Makes a JSON response with a status and headers."""
    return json_reply


@pytest.fixture
def picture() -> Picture:
    """A colour picture of 2 x 3 pixels, every value different."""
    return Picture.of(np.arange(0, 180, 10, dtype=np.uint8).reshape(3, 2, 3))


@dataclass
class Patience:
    """Records waits instead of waiting."""

    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def patience() -> Patience:
    """Waits that take no time."""
    return Patience()


@pytest.fixture
def described(stand_in: StandIn) -> Callable[..., Endpoint]:
    """Makes an endpoint description of the stand-in: generic HTTP, answering under "label", unless told otherwise."""

    def describe(**changes: object) -> Endpoint:
        described = {
            "kind": "http",
            "url": f"{stand_in.url}/classify",
            "response": {"label": "$.label"},
            "limits": {"timeout_s": 5},
            **changes,
        }
        if described["kind"] != "http":
            described.pop("response")
            described["url"] = changes.get("url", stand_in.url)
        return parse_endpoint({"endpoint": described}, environ={"TOKEN": "s3cret-t0ken", "HOST": stand_in.url})

    return describe


@pytest.fixture
def oracle(described: Callable[..., Endpoint], patience: Patience) -> Callable[..., RemoteOracle]:
    """Opens an oracle on the stand-in that waits in no time; classes are cat, dog and owl."""

    def open_it(**changes: object) -> RemoteOracle:
        endpoint = described(**changes)
        wire, rng = endpoint.wire, random.Random(0)
        caller = Caller(limits=wire.limits, retry=wire.retry, budget=wire.budget, sleep=patience.sleep, rng=rng)
        return open_oracle(endpoint, CLASSES, caller=caller, rng=rng)

    return open_it


@pytest.fixture
def raw_server() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Starts a server that treats each connection as told, below HTTP; yields a function that returns its URL."""
    stop = threading.Event()
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(treat: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.05)
        listeners.append(listener)
        threads.append(threading.Thread(target=_accept, args=(listener, treat, stop), daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    stop.set()
    for thread in threads:
        thread.join()
    for listener in listeners:
        listener.close()


def _accept(listener: socket.socket, treat: Callable[[socket.socket], None], stop: threading.Event) -> None:
    while not stop.is_set():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(2)
                treat(connection)
