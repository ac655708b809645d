"""What every remote oracle shares: the description of an endpoint, the message that is sent, and the wire format.

A wire format is a pydantic model of its own YAML keys with two methods: `compose` turns a picture into one request,
`read` turns a reply's JSON into a `Reading`. Neither sees a socket, a retry or a class index.
"""

import math
import re
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from modelprint.oracles.replies import Reading
from modelprint.oracles.secrets import has_placeholder
from modelprint.pixels import Picture

Fill = Callable[[str], str]
"""Puts the value of every placeholder into a text (or `***`, for people)."""

RESERVED = ("accept-encoding", "connection", "content-length", "transfer-encoding")
"""Headers that belong to the transport."""

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CREDENTIAL = re.compile(r"auth|key|token|secret|passw|pwd|credential|cookie|signature|\bsig\b", re.IGNORECASE)
_QUERY_CREDENTIAL = re.compile(rf"{_CREDENTIAL.pattern}|^code$|^sas$", re.IGNORECASE)  # ?code= is a key of Azure
_BODY_CREDENTIAL = re.compile(
    r"(?:.*[^a-z])?(?:auth|authorization|apikey|key|token|secret|password|passwd|pwd|credentials?|signature|sig)_?\d*",
    re.IGNORECASE,
)
_CREDENTIAL_VALUE = re.compile(
    r"(?:Bearer|Basic)\s+\S"
    r"|(?:sk|hf|gh[pousr]|xox[abp]|glpat)[-_][\w-]{16}"
    r"|AKIA[0-9A-Z]{16}|AIza[\w-]{30}|eyJ[\w-]{8,}\.[\w-]{8,}\."
)


class Described(BaseModel):
    """A part of an endpoint description: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


class Limits(Described):
    """Limits on requests, and how long we wait.

    Attributes:
        max_bytes: Largest request body; a larger one is not sent.
        requests_per_second: Fastest pace; None means as fast as answers come.
        concurrency: Requests at the same time; only 1, a check asks about pictures one by one. `enrol` has its own.
        timeout_s: Seconds one attempt may take from connecting to the last byte.
    """

    max_bytes: int = Field(default=1_500_000, ge=1)
    requests_per_second: float | None = Field(default=None, gt=0)
    concurrency: Literal[1] = 1
    timeout_s: float = Field(default=30.0, gt=0, le=3600)


def _check_order(bounds: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= bounds[0] <= bounds[1]:
        raise ValueError("expected [shortest, longest] in seconds")
    return bounds


class Retry(Described):
    """When and how a request is repeated.

    Attributes:
        attempts: Most requests for one picture.
        backoff_s: Shortest and longest wait in seconds; it doubles from one attempt to the next, with jitter.
        on: HTTP statuses worth another attempt; no connection and no reply in time always are.
        longest_wait_s: Longest wait a `Retry-After` header may ask for, in seconds.
    """

    attempts: int = Field(default=4, ge=1, le=100)
    backoff_s: Annotated[tuple[float, float], AfterValidator(_check_order)] = (1.0, 30.0)
    on: frozenset[Annotated[int, Field(ge=400, le=599)]] = frozenset({408, 425, 429, 500, 502, 503, 504})
    longest_wait_s: float = Field(default=300.0, ge=0)


class Budget(Described):
    """A hard ceiling for one run.

    Attributes:
        max_queries: Most requests, retries included; None means no ceiling.
        price_per_query: Price of one request, in your currency.
    """

    max_queries: int | None = Field(default=None, ge=1)
    price_per_query: float | None = Field(default=None, ge=0)

    def ceiling(self) -> str:
        """Say what a run can cost at most."""
        if self.max_queries is None:
            return "no ceiling on requests"
        price = (
            "" if self.price_per_query is None else f", at most {self.max_queries * self.price_per_query:.10g} to pay"
        )
        return f"at most {self.max_queries} requests{price}"


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is no header name")
        if name.lower() in RESERVED:
            raise ValueError(f"{name} is set by the transport and cannot be given")
        if not value.isascii() or not value.isprintable():
            raise ValueError(f"the value of {name} holds a character that no header can carry")
        if (_CREDENTIAL.search(name) or _CREDENTIAL_VALUE.match(value)) and not has_placeholder(value):
            raise ValueError(f"{name} holds its secret in the text; write ${{NAME}} or ${{file:PATH}} instead")
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("a header stands twice")
    return headers


def _check_url_text(url: str) -> str:
    # The scheme and the host may come from a placeholder; the filled URL is checked again before use.
    if not has_placeholder(url):
        check_url(url)
    for name, value in parse_qsl(urlsplit(url).query):
        if (_QUERY_CREDENTIAL.search(name) or _CREDENTIAL_VALUE.match(value)) and not has_placeholder(value):
            raise ValueError(f"the query parameter {name} holds its secret in the text; write ${{NAME}} instead")
    return url


def check_body(template: object, name: str = "") -> None:
    """Raise ValueError when a body holds a credential as written text, or what JSON cannot say.

    Args:
        template: The body, or a part of it.
        name: The key that it stands under.
    """
    if isinstance(template, dict):
        for key, value in template.items():
            check_body(value, str(key))
    elif isinstance(template, list):
        for value in template:
            check_body(value, name)
    elif isinstance(template, str):
        named = template and _BODY_CREDENTIAL.fullmatch(_split_words(name))
        if (named or _CREDENTIAL_VALUE.match(template)) and not has_placeholder(template):
            place = f"the key {name!r} of the body" if name else "the body"
            raise ValueError(f"{place} holds its secret in the text; write ${{NAME}} or ${{file:PATH}} instead")
    elif template is not None and not isinstance(template, int) and not _is_finite(template):
        raise ValueError(f"the body holds {template!r}, which JSON cannot say")


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _split_words(name: str) -> str:
    """Return `apiKey` as `api_Key`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


def check_url(url: str) -> None:
    """Raise ValueError, without repeating it, when `url` is no plain http(s) address."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("not a URL") from None
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("a URL holds visible ASCII characters only")
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("expected a URL that starts with http:// or https:// and names a host")
    if "@" in parts.netloc:
        raise ValueError("a user name or password does not belong into the URL; use an Authorization header")
    if parts.fragment:
        raise ValueError("a URL with a fragment (#...) cannot be asked")


def _check_labels(labels: object) -> object:
    if not isinstance(labels, dict):
        return labels
    for server, ours in labels.items():
        if isinstance(ours, bool) or not isinstance(ours, str | int):
            raise ValueError(f"{server} stands for {ours!r}, which is no class name and no class index")
    return {_write_as_text(server): ours for server, ours in labels.items()}


def _write_as_text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_write_as_text)]
"""A text that may have been written as a number, such as a version."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One request, ready to be sent. Its address and headers may hold secrets and are never printed.

    Attributes:
        method: HTTP method.
        url: Full address.
        headers: Header names and values.
        content: The body.
        preview: The body as text, or what it is when it is no text; for people.
    """

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    content: bytes = field(repr=False)
    preview: str = field(repr=False)


class WireFormat(Described):
    """One way to speak to an endpoint; the fields are the keys that every kind has.

    Attributes:
        kind: Name of the wire format.
        url: Address, perhaps with `${NAME}` placeholders.
        headers: Extra request headers; credentials only as placeholders.
        labels: Server label to class name or class index; empty when the server uses ours.
        limits: What the endpoint is spared.
        retry: When a request is repeated.
        budget: Ceiling of one run.
    """

    kind: str
    url: Annotated[str, AfterValidator(_check_url_text)]
    headers: Annotated[dict[str, Text], AfterValidator(_check_headers)] = {}
    labels: Annotated[dict[str, str | int], BeforeValidator(_check_labels)] = {}
    limits: Limits = Limits()
    retry: Retry = Retry()
    budget: Budget = Budget()

    @abstractmethod
    def compose(self, picture: Picture, request_id: str, fill: Fill) -> Message:
        """Return the request that asks about `picture`."""

    @abstractmethod
    def read(self, document: object, request_id: str) -> Reading:
        """Return what the reply says; OracleError when it says nothing usable."""

    def list_texts(self) -> list[str]:
        """Return every text that may hold a placeholder."""
        return [self.url, *self.headers.values()]

    def describe(self) -> dict[str, str]:
        """Say what is asked, with placeholders as written; a header `Host` chooses among the models at one address."""
        hosts = [value for name, value in self.headers.items() if name.lower() == "host"]
        return {"kind": self.kind, "url": self.url} | ({"host": hosts[0]} if hosts else {})

    def build_headers(self, content_type: str, fill: Fill) -> tuple[tuple[str, str], ...]:
        """Return the headers of a request: ours, replaced or joined by the description's."""
        ours = {"Content-Type": content_type, "Accept": "application/json"}
        given = {name.lower() for name in self.headers}
        kept = [(name, value) for name, value in ours.items() if name.lower() not in given]
        return (*kept, *((name, fill(value)) for name, value in self.headers.items()))
