"""How a request is sent to an endpoint: at a limited rate, within a budget, and repeated when that may help.

Every attempt has a connection of its own, so that replicas behind one address get their chance and no cookie keeps
us at one of them. Redirects are not followed: they would carry credentials and pictures to another place.

When the very first attempt makes no connection (refused, unknown host, certificate, proxy, time-out), nothing was sent,
waiting will not help, and the description or the environment is at fault: that is an EndpointError. A first request
that was sent and gets no reply in time is sent once more, since a model may have had to be loaded; no reply to that is
an EndpointError too. After the first reply of any kind, silence is a problem of that answer.
"""

import asyncio
import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from modelprint.errors import EndpointError
from modelprint.oracles.environment import check_environment, is_loopback, make_tls_context
from modelprint.oracles.replies import read_complaint
from modelprint.oracles.wire import Budget, Limits, Message, Retry

REPLY_LIMIT = 1024 * 1024
"""Longest reply we read, in bytes."""
FIRST_ATTEMPTS = 2
"""How often the first request is sent when no reply comes in time."""
SENDING = "send_request_headers.started"
"""How the HTTP library ends the name of the event after which a request counts as sent."""
TRANSPORT_HEADERS = {"Accept-Encoding": "identity"}  # a compressed reply could unfold to any size


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The result of one call. Secrets are not masked in it yet.

    Attributes:
        problem: Why there is no reply to read; None when there is one.
        status: HTTP status of the last attempt; None when none arrived.
        headers: Reply headers of the last attempt, lower-case names.
        content: Reply body of the last attempt.
        attempts: Requests that were sent.
        latency_ms: Duration of the last attempt in milliseconds.
        again: Whether another attempt may help.
        unsent: Whether no connection was made, so that no request can have been counted or billed.
        late: Whether the time-out ended the last attempt.
    """

    problem: str | None = field(default=None, repr=False)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes = field(default=b"", repr=False)
    attempts: int = 0
    latency_ms: float = 0.0
    again: bool = False
    unsent: bool = False
    late: bool = False


@dataclass(kw_only=True)
class Caller:
    """Sends messages to one endpoint within its limits; counts them and remembers the time of the last one.

    Several threads may call; they share the pace and the budget.

    Attributes:
        limits: Limits on requests.
        retry: When a request is repeated.
        budget: Ceiling on requests.
        sleep: Waits for some seconds.
        clock: Seconds that only go forward.
        now: Seconds since 1970, to read dates in `Retry-After`.
        rng: Source of jitter.
        sent: Requests sent so far.
    """

    limits: Limits = field(default_factory=Limits)
    retry: Retry = field(default_factory=Retry)
    budget: Budget = field(default_factory=Budget)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    rng: random.Random = field(default_factory=random.Random)
    sent: int = 0
    _free_at: float = field(default=float("-inf"), init=False)
    _replied: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def call(self, message: Message) -> Reply:
        """Send `message` until it is answered or another attempt cannot help.

        Raises:
            EndpointError: The environment allows no request, or the first request of all made no connection or got no
                reply in time.
        """
        excess = len(message.content) - self.limits.max_bytes
        if excess > 0:
            allowed = f"limits.max_bytes allows {self.limits.max_bytes}"
            return Reply(problem=f"not sent: the request is {len(message.content)} bytes, {excess} more than {allowed}")
        if not self._replied:
            check_environment(message.url)
        reply = Reply()
        for attempt in range(1, self.retry.attempts + 1):
            if not self._reserve():
                spent = f"the budget is spent: budget.max_queries allows {self.budget.max_queries} requests"
                return replace(reply, problem=f"{spent}{_append_earlier(reply)}")
            reply = replace(self._attempt(message), attempts=attempt)
            self._refuse_silent_start(reply, attempt)
            if reply.problem is None or not reply.again:
                return reply
            wait, asked = self._wait(reply, attempt)
            if asked > self.retry.longest_wait_s:
                longer = f"the server asks to wait {asked:.0f} s, longer than retry.longest_wait_s"
                return replace(reply, problem=f"{longer}{_append_earlier(reply)}")
            if attempt < self.retry.attempts:
                self.sleep(wait)
        return replace(reply, problem=f"{reply.problem} ({reply.attempts} attempts)")

    def _refuse_silent_start(self, reply: Reply, attempt: int) -> None:
        """Raise EndpointError while nothing has ever replied and another attempt would be a waste of time."""
        if self._replied:
            return
        if reply.unsent:
            with self._lock:
                self.sent -= 1
            raise EndpointError((reply.problem or "").removeprefix("no reply: "))
        self._replied = not reply.late
        if reply.late and attempt == min(FIRST_ATTEMPTS, self.retry.attempts):
            times = f", {attempt} times" if attempt > 1 else ""
            raise EndpointError(
                f"{reply.problem}{times}; check the address, or give a model that is slow to load more time with "
                "limits.timeout_s"
            )

    def _reserve(self) -> bool:
        """Count one request before it is sent; False when the budget allows no more."""
        with self._lock:
            if self.sent == self.budget.max_queries:
                return False
            self.sent += 1
            return True

    def _attempt(self, message: Message) -> Reply:
        self._pace()
        started = self.clock()
        reply = _send(message, self.limits.timeout_s)
        again = reply.again or reply.status in self.retry.on
        return replace(reply, again=again, latency_ms=(self.clock() - started) * 1000)

    def _pace(self) -> None:
        if self.limits.requests_per_second is None:
            return
        with self._lock:
            now = self.clock()
            start = max(now, self._free_at)
            self._free_at = start + 1 / self.limits.requests_per_second
        if start > now:
            self.sleep(start - now)

    def _wait(self, reply: Reply, attempt: int) -> tuple[float, float]:
        """Return how long to wait before the next attempt, and how long the server asked for, in seconds."""
        shortest, longest = self.retry.backoff_s
        backoff = min(longest, shortest * 2 ** (attempt - 1)) * self.rng.uniform(0.5, 1.0)
        asked = _read_retry_after(reply.headers.get("retry-after", ""), self.now())
        return max(backoff, asked), asked


def _append_earlier(reply: Reply) -> str:
    return "" if reply.problem is None else f"; before that: {reply.problem}"


def _read_retry_after(value: str, now: float) -> float:
    """Return the seconds a `Retry-After` header asks for; 0 when it says nothing readable."""
    if value.isascii() and value.isdecimal():
        return float(value[:12])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0


def _send(message: Message, timeout_s: float) -> Reply:
    hushed = _hushed.set(True)
    events: set[str] = set()
    try:
        return _judge(_run(_exchange(message, timeout_s, events)))
    except (TimeoutError, httpx.TimeoutException):
        if any(event.endswith(SENDING) for event in events):
            return Reply(problem=f"no reply within {timeout_s:g} s", again=True, late=True)
        problem = f"no reply: no connection within {timeout_s:g} s; check the URL, and the network or its firewall"
        return Reply(problem=problem, again=True, late=True, unsent=True)
    except _EndlessReplyError as problem:
        return Reply(problem=str(problem))
    except (httpx.ConnectError, httpx.ProxyError) as problem:
        return Reply(problem=f"no reply: {_explain_connection(problem)}", again=True, unsent=True)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as problem:
        return Reply(problem=f"no reply: {problem or type(problem).__name__}", again=True)
    finally:
        _hushed.reset(hushed)


def _explain_connection(problem: httpx.TransportError) -> str:
    """Say why there was no connection, and what to check."""
    if isinstance(problem, httpx.ProxyError):
        return f"the proxy makes no connection ({problem}); check HTTPS_PROXY and ALL_PROXY"
    for cause in _list_causes(problem):
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = cause.verify_message or "unknown reason"
            return f"the certificate is not trusted ({reason}); name its issuer's certificate file in SSL_CERT_FILE"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS connection ({cause.reason or cause}); check whether the URL starts with http:// or https://"
        if isinstance(cause, socket.gaierror):
            return "the name of the host cannot be resolved; check the URL, and whether a proxy is needed or in the way"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection is refused; check that the server runs, its port, and the proxy if there is one"
    return f"no connection ({problem or type(problem).__name__}); check the URL and the network"


def _list_causes(problem: BaseException) -> Iterator[BaseException]:
    """Yield `problem` and the errors that led to it."""
    open_ends: list[BaseException | None] = [problem]
    seen: set[int] = set()
    while open_ends:
        one = open_ends.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        open_ends += [one.__cause__, one.__context__, *(one.exceptions if isinstance(one, BaseExceptionGroup) else ())]


def _judge(reply: Reply) -> Reply:
    status = reply.status or 0
    encoding = reply.headers.get("content-encoding", "identity")
    if 300 <= status < 400:
        return replace(reply, problem=f"HTTP {status}: a redirect, which is not followed; give the final address")
    if encoding.lower() not in ("identity", ""):
        return replace(reply, problem=f"the reply is compressed ({encoding}), which was not asked for")
    if not 200 <= status < 300:
        return replace(reply, problem=f"HTTP {status}: {read_complaint(reply.content)}".rstrip(": "))
    return reply


class _EndlessReplyError(Exception):
    """A reply that does not end."""


async def _exchange(message: Message, timeout_s: float, events: set[str]) -> Reply:
    """Make one attempt on a connection of its own; the time-out spans all of it, so a trickle of bytes ends too.

    The names of what happened on the connection are added to `events`.
    """

    async def note(event: str, _: object) -> None:
        events.add(event)

    asyncio.get_running_loop().set_default_executor(_Unattended())
    # A proxy from the environment has no way to our own loopback.
    trust_env = not is_loopback(message.url)
    headers = [*message.headers, *TRANSPORT_HEADERS.items()]
    async with (
        asyncio.timeout(timeout_s),
        httpx.AsyncClient(verify=make_tls_context(message.url), timeout=timeout_s, trust_env=trust_env) as client,
        client.stream(
            message.method, message.url, headers=headers, content=message.content, extensions={"trace": note}
        ) as response,
    ):
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > REPLY_LIMIT:
                raise _EndlessReplyError(f"the reply is longer than {REPLY_LIMIT} bytes")
        return Reply(status=response.status_code, headers=dict(response.headers), content=bytes(content))


class _Unattended(ThreadPoolExecutor):
    """Runs each call in a daemon thread that is not waited for: resolving a name can take longer than the time-out."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work(*arguments, **named))
            except BaseException as problem:  # handed over to the loop that waits for it
                future.set_exception(problem)

        threading.Thread(target=run, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False)  # the threads of `submit` are not its own


def _run(work: Coroutine[Any, Any, Reply]) -> Reply:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:  # a notebook already runs a loop in this thread
        return pool.submit(copy_context().run, asyncio.run, work).result()


_hushed: ContextVar[bool] = ContextVar("hushed", default=False)


class _Hush(logging.Filter):
    """Keeps addresses and headers of our requests, which may hold secrets, out of the log of the HTTP library."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _hushed.get()


for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_Hush())
