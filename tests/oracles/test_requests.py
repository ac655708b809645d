import asyncio
import contextlib
import datetime
import gzip
import logging
import socket
import ssl
import time
from collections.abc import Callable
from email.utils import format_datetime
from pathlib import Path

import pytest

from modelprint.errors import EndpointError
from modelprint.oracles.remote import RemoteOracle
from modelprint.oracles.requests import REPLY_LIMIT
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]
GOOD = {"label": "dog"}

# A key and a certificate for 127.0.0.1 that were made for these tests and serve no other purpose.
SELF_SIGNED = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKQS2hX8CKw5VcplN
pQKb+jIUmmW23Nt7HBJpTzZNFtOhRANCAAQovQy7YTYTLlrJ+4uo0i4rtFnuRShC
3AvvAN21dPwJ/zxTwNWBx4VlvdCoDySv5Tv6tQrKc05HaDp8gfAArQcw
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBdjCCAR2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAkxMjcuMC4w
LjEwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CTEyNy4wLjAuMTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCi9DLthNhMuWsn7
i6jSLiu0We5FKELcC+8A3bV0/An/PFPA1YHHhWW90KgPJK/lO/q1CspzTkdoOnyB
8ACtBzCjXjBcMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgKEMB0GA1Ud
DgQWBBSs1LDolIuZNu9A4zsF65ZY6ZfrVDAaBgNVHREEEzARhwR/AAABgglsb2Nh
bGhvc3QwCgYIKoZIzj0EAwIDRwAwRAIgeZr4+NoVM4K46vRJt/mFC0ASM+Lphudl
9jibM3hk7ZgCIDrD6RXmX6EaLooPGOrmvDQ/lELr8W1pVGCEq88AKm6j
-----END CERTIFICATE-----
"""


def test_a_failing_server_is_asked_again(
    oracle: Opening, stand_in: object, reply: object, patience: object, picture: Picture
) -> None:
    """Two failures and an answer are an answer; the waits double, with jitter between half and all of each."""
    stand_in.replies = [*[lambda _: reply({"error": "cold"}, 503)] * 2, lambda _: reply(GOOD)]

    answer = oracle(retry={"backoff_s": [1, 30]}).ask(picture)

    assert (answer.label, answer.attempts, answer.problem) == (1, 3, None)
    assert 0.5 <= patience.waits[0] <= 1
    assert 1 <= patience.waits[1] <= 2
    assert answer.latency_ms > 0


def test_patience_ends_with_the_attempts(oracle: Opening, stand_in: object, patience: object, picture: Picture) -> None:
    """The last failure is the problem; the wait never exceeds its longest."""
    stand_in.sends(b'{"error": "on fire"}', 500)

    answer = oracle(retry={"attempts": 5, "backoff_s": [1, 3]}).ask(picture)

    assert answer.problem == "HTTP 500: on fire (5 attempts)"
    assert (answer.status, answer.attempts, answer.label) == (500, 5, None)
    assert len(patience.waits) == 4
    assert max(patience.waits) <= 3


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422])
def test_a_mistake_of_ours_is_not_repeated(status: int, oracle: Opening, stand_in: object, picture: Picture) -> None:
    """What will fail again is asked once."""
    stand_in.sends(b"no", status)

    answer = oracle().ask(picture)

    assert answer.problem == f"HTTP {status}: no"
    assert answer.attempts == len(stand_in.seen) == 1


def test_the_statuses_worth_another_attempt_can_be_chosen(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """A gateway may say 404 while a model loads."""
    stand_in.sends(b"", 404)

    answer = oracle(retry={"attempts": 2, "on": [404]}).ask(picture)

    assert answer.problem == "HTTP 404 (2 attempts)"


def test_retry_after_is_respected(
    oracle: Opening, stand_in: object, reply: object, patience: object, picture: Picture
) -> None:
    """Seconds and dates are understood; nonsense leaves the usual wait."""
    later = format_datetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=100), usegmt=True)
    headers = ["7", later, "soon", "-3", "Thu, 01 Jan 1970 00:00:00 GMT"]
    stand_in.replies = [
        *[lambda _, value=value: reply({}, 429, retry_after=value) for value in headers],
        lambda _: reply(GOOD),
    ]

    answer = oracle(retry={"attempts": 6, "backoff_s": [1, 1]}).ask(picture)

    assert answer.label == 1
    assert patience.waits[0] == 7
    assert 95 <= patience.waits[1] <= 100
    assert max(patience.waits[2:]) <= 1


@pytest.mark.parametrize("asked", ["3600", "9" * 400])
def test_a_server_cannot_make_us_wait_for_ever(
    asked: str, oracle: Opening, stand_in: object, patience: object, picture: Picture
) -> None:
    """A longer wait than the description allows ends the question instead."""
    stand_in.sends(b"slow down", 429, retry_after=asked)

    answer = oracle(retry={"longest_wait_s": 60}).ask(picture)

    assert "longer than retry.longest_wait_s; before that: HTTP 429: slow down" in (answer.problem or "")
    assert patience.waits == []


def test_the_pace_is_kept(oracle: Opening, stand_in: object, patience: object, picture: Picture) -> None:
    """At two requests a second the next one waits for its turn."""
    stand_in.says(GOOD)
    slow = oracle(limits={"requests_per_second": 0.01})

    slow.ask(picture)
    slow.ask(picture)

    assert len(patience.waits) == 1
    assert 90 < patience.waits[0] <= 100


def test_the_budget_is_a_hard_ceiling(oracle: Opening, stand_in: object, reply: object, picture: Picture) -> None:
    """Retries count, since they are paid for as well."""
    stand_in.replies = [lambda _: reply(GOOD), lambda _: reply({}, 500)]
    poor = oracle(budget={"max_queries": 3, "price_per_query": 0.5})

    answers = [poor.ask(picture) for _ in range(3)]

    assert answers[0].label == 1
    assert answers[1].problem == "the budget is spent: budget.max_queries allows 3 requests; before that: HTTP 500"
    assert answers[2].problem == "the budget is spent: budget.max_queries allows 3 requests"
    assert answers[2].attempts == 0
    assert len(stand_in.seen) == 3


def test_a_large_request_is_not_sent(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """The problem says how large, and by how much too large."""
    answer = oracle(limits={"max_bytes": 50}).ask(picture)

    size = len(b'{"image": ""}') + 4 * -(-len(picture.png) // 3)
    assert answer.problem == f"not sent: the request is {size} bytes, {size - 50} more than limits.max_bytes allows 50"
    assert stand_in.seen == []


def test_every_request_has_a_connection_of_its_own(
    oracle: Opening, stand_in: object, reply: object, picture: Picture
) -> None:
    """No connection and no cookie keeps us at one replica; the cookie's name is recorded, its value is not."""
    stand_in.replies = [lambda _: reply(GOOD, set_cookie="replica=blue-7; Path=/")]
    asking = oracle()

    answers = [asking.ask(picture) for _ in range(3)]

    assert len({seen.port for seen in stand_in.seen}) == 3
    assert all("cookie" not in seen.headers for seen in stand_in.seen)
    assert answers[0].server["set-cookie"] == "replica"


def test_a_redirect_is_not_followed(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """Credentials do not go to another address."""
    stand_in.sends(b"", 307, location=f"{stand_in.url}/elsewhere")

    answer = oracle().ask(picture)

    assert "a redirect, which is not followed" in (answer.problem or "")
    assert len(stand_in.seen) == 1


@pytest.mark.parametrize(
    ("content", "headers", "problem"),
    [
        (b"", {}, "the reply is empty"),
        (b"<html>oops</html>", {}, "the reply is not JSON"),
        (b"[" * 5000 + b"]" * 5000, {}, "the reply is nested too deeply"),
        (b'"' + b"x" * REPLY_LIMIT + b'"', {}, f"the reply is longer than {REPLY_LIMIT} bytes"),
        (gzip.compress(b"{}" * 10, mtime=0), {"content_encoding": "gzip"}, "the reply is compressed (gzip)"),
    ],
)
def test_garbage_is_a_problem(
    content: bytes, headers: dict[str, str], problem: str, oracle: Opening, stand_in: object, picture: Picture
) -> None:
    """Empty, no JSON, too deep, too long, or packed: one request, no label."""
    stand_in.sends(content, **headers)

    answer = oracle().ask(picture)

    assert (answer.problem or "").startswith(problem)
    assert answer.label is None
    assert stand_in.seen[0].headers["accept-encoding"] == "identity"


def trickle(connection: socket.socket) -> None:
    """Send a header that does not end, byte by byte."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    with contextlib.suppress(OSError):
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.02)


def silent(connection: socket.socket) -> None:
    """Listen and never answer."""
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


@pytest.mark.parametrize("treat", [trickle, silent])
@pytest.mark.parametrize(("attempts", "sent", "times"), [(1, 1, ""), (2, 2, ", 2 times"), (9, 2, ", 2 times")])
def test_a_server_that_is_silent_from_the_start_is_an_error(
    attempts: int,
    sent: int,
    times: str,
    treat: Callable[[socket.socket], None],
    oracle: Opening,
    raw_server: object,
    picture: Picture,
) -> None:
    """The time-out spans the whole attempt, so a trickle of bytes does not hold us; a second attempt is enough."""
    asking = oracle(url=raw_server(treat), limits={"timeout_s": 0.2}, retry={"attempts": attempts})

    with pytest.raises(EndpointError, match=rf"no reply within 0\.2 s{times}; check the .* limits\.timeout_s$"):
        asking.ask(picture)

    assert asking.caller.sent == sent


def test_a_model_that_is_ready_for_the_second_request_is_asked(
    oracle: Opening, raw_server: object, picture: Picture
) -> None:
    """The first request may have loaded it."""
    requests = []

    def treat(connection: socket.socket) -> None:
        requests.append(connection.recv(65536))
        if len(requests) == 1:
            silent(connection)
        else:
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"label": "dog"}')

    answer = oracle(url=raw_server(treat), limits={"timeout_s": 0.3}).ask(picture)

    assert (answer.label, answer.attempts) == (1, 2)


def test_a_server_that_becomes_silent_later_is_a_problem(oracle: Opening, raw_server: object, picture: Picture) -> None:
    """It may come back, so it is tried as often as allowed."""
    requests = []

    def treat(connection: socket.socket) -> None:
        requests.append(connection.recv(65536))
        if len(requests) == 1:
            connection.sendall(b"HTTP/1.1 500 Down\r\nContent-Length: 0\r\n\r\n")
        else:
            silent(connection)

    answer = oracle(url=raw_server(treat), limits={"timeout_s": 0.2}, retry={"attempts": 3}).ask(picture)

    assert (answer.problem, answer.attempts) == ("no reply within 0.2 s (3 attempts)", 3)


def test_no_connection_in_time_at_the_first_question_is_an_error(oracle: Opening, picture: Picture) -> None:
    """A full queue of connections is as silent as a firewall; nothing was sent, so nothing is spent or repeated."""
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        asking = oracle(url=f"http://127.0.0.1:{full.getsockname()[1]}", limits={"timeout_s": 0.2})

        with pytest.raises(EndpointError, match=r"no connection within 0\.2 s; check the URL, and the network"):
            asking.ask(picture)

    assert asking.caller.sent == 0


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_problem(said: bytes, oracle: Opening, raw_server: object, picture: Picture) -> None:
    """Closed connections, other protocols, short bodies and endless headers are no answers."""

    def treat(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)

    answer = oracle(url=raw_server(treat), retry={"attempts": 1}).ask(picture)

    assert (answer.problem or "").startswith("no reply: ")
    assert answer.label is None


@pytest.fixture
def closed() -> str:
    """A URL at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


def test_a_server_that_is_down_at_the_first_question_is_an_error(
    closed: str, oracle: Opening, patience: object, picture: Picture
) -> None:
    """Waiting will not help, and nothing is spent."""
    asking = oracle(url=closed, retry={"attempts": 3}, budget={"max_queries": 1})

    for _ in range(2):
        with pytest.raises(EndpointError, match=rf"^{closed}: the connection is refused; check that the server runs"):
            asking.ask(picture)

    assert (asking.caller.sent, patience.waits) == (0, [])


def test_a_server_that_goes_down_later_is_a_problem(
    raw_server: object, oracle: Opening, patience: object, picture: Picture
) -> None:
    """It may come back, so it is tried as often as allowed."""

    def treat(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    url = raw_server(treat)
    asking = oracle(url=url, retry={"attempts": 3})
    first = asking.ask(picture)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "wire", asking.wire.model_copy(update={"url": "http://127.0.0.1:9"}))

        answer = asking.ask(picture)

    assert first.status == 200
    assert (answer.problem or "").startswith("no reply: the connection is refused")
    assert (answer.problem or "").endswith("(3 attempts)")
    assert len(patience.waits) == 2


def test_a_host_without_an_address_is_an_error(
    oracle: Opening, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host may come from a placeholder, so it is not repeated."""

    def fail(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(EndpointError, match="cannot be resolved; check the URL") as caught:
        oracle(url="http://${TOKEN}.example.org/").ask(picture)

    assert "s3cret" not in str(caught.value)


def test_a_slow_name_server_does_not_exceed_the_time_out(
    oracle: Opening, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resolving cannot be interrupted, so it is left behind."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(5))
    started = time.monotonic()

    with pytest.raises(EndpointError, match=r"no connection within 0\.2 s"):
        oracle(url="http://slow.example.org/", limits={"timeout_s": 0.2}, retry={"attempts": 2}).ask(picture)

    assert time.monotonic() - started < 3


def test_a_slow_body_does_not_exceed_the_time_out(oracle: Opening, raw_server: object, picture: Picture) -> None:
    """A byte now and then does not extend it."""

    def treat(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(100):
                connection.sendall(b" ")
                time.sleep(0.02)

    started = time.monotonic()
    with pytest.raises(EndpointError, match=r"no reply within 0\.3 s"):
        oracle(url=raw_server(treat), limits={"timeout_s": 0.3}, retry={"attempts": 1}).ask(picture)

    assert time.monotonic() - started < 2


def test_a_certificate_that_is_not_trusted_is_an_error(
    oracle: Opening, raw_server: object, picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the environment names it; nothing is sent before."""
    (tmp_path / "both.pem").write_text(SELF_SIGNED)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "both.pem")

    def treat(connection: socket.socket) -> None:
        with tls.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"label": "dog"}')

    url = raw_server(treat).replace("http:", "https:")
    asking = oracle(url=url, retry={"attempts": 3})

    with pytest.raises(
        EndpointError, match=r"the certificate is not trusted \(self.signed certificate\).*SSL_CERT_FILE"
    ):
        asking.ask(picture)
    assert asking.caller.sent == 0
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "both.pem"))
    assert asking.ask(picture).label == 1


def test_a_server_without_tls_is_an_error(oracle: Opening, raw_server: object, picture: Picture) -> None:
    """The URL says https, the server speaks http."""

    def treat(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with pytest.raises(EndpointError, match=r"no TLS connection .*check whether the URL starts with http://"):
        oracle(url=raw_server(treat).replace("http:", "https:")).ask(picture)


def test_a_proxy_that_is_not_there_is_an_error(
    closed: str, oracle: Opening, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says that there may be one."""
    monkeypatch.setenv("HTTP_PROXY", closed)

    with pytest.raises(EndpointError, match=r"the connection is refused.*and the proxy if there is one"):
        oracle(url="http://models.example.org").ask(picture)


def test_a_proxy_that_refuses_is_an_error(
    raw_server: object, oracle: Opening, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has not passed on anything."""

    def treat(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    monkeypatch.setenv("HTTPS_PROXY", raw_server(treat))

    with pytest.raises(EndpointError, match=r"the proxy makes no connection \(407 .*check HTTPS_PROXY"):
        oracle(url="https://models.example.org").ask(picture)


def test_a_mistake_in_the_environment_is_an_error(
    oracle: Opening, stand_in: object, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found before the first question, and does not concern the loopback."""
    stand_in.says(GOOD)
    monkeypatch.setenv("SSL_CERT_FILE", "/absent/corp.pem")

    with pytest.raises(EndpointError, match=r"SSL_CERT_FILE=/absent/corp.pem cannot be read"):
        oracle(url="http://models.example.org").ask(picture)
    assert oracle().ask(picture).label == 1


def test_an_oracle_can_be_asked_inside_a_running_loop(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """As in a notebook."""
    stand_in.says(GOOD)
    asking = oracle()

    async def cell() -> int | None:
        return asking.ask(picture).label

    assert asyncio.run(cell()) == 1


def test_nothing_of_a_request_is_logged(
    oracle: Opening, stand_in: object, picture: Picture, caplog: pytest.LogCaptureFixture
) -> None:
    """The HTTP library would log addresses, which may hold keys."""
    stand_in.says(GOOD)
    caplog.set_level(logging.DEBUG)

    oracle(url="${HOST}/classify?key=${TOKEN}").ask(picture)

    assert "key=s3cret-t0ken" in stand_in.seen[0].path
    assert not [record for record in caplog.records if record.name.startswith("http")]


def test_a_proxy_is_not_asked_for_the_loopback(
    oracle: Opening, stand_in: object, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy in the environment cannot reach our own machine's servers."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    stand_in.says(GOOD)

    assert oracle(retry={"attempts": 1}).ask(picture).label == 1
