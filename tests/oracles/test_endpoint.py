import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelprint.errors import EndpointError
from modelprint.oracles.endpoint import FILE_LIMIT, KINDS, load_endpoint, open_oracle, parse_endpoint
from modelprint.oracles.wire import Budget

GOOD: dict[str, Any] = {"kind": "http", "url": "https://api.example.org/v1", "response": {"label": "$.label"}}


def written(folder: Path, text: str) -> Path:
    """Return a description with `text` in `folder`."""
    path = folder / "endpoint.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_of_the_generic_description_is_read(tmp_path: Path) -> None:
    """The long form: `on` is a key and no truth value."""
    path = written(
        tmp_path,
        """
endpoint:
  kind: http
  url: https://api.example.org/v1/classify
  method: POST
  headers: {Authorization: "Bearer ${CLASSIFY_TOKEN}"}
  request:
    encoding: json
    image: png_base64
    body: {image: "$IMAGE", top_k: 5}
  response:
    label: $.result[0].name
    score: $.result[0].score
    topk: {items: "$.result[*]", label: $.name, score: $.score}
  labels: {no: cat, 1: dog, true: cat}
  limits: {max_bytes: 1500000, requests_per_second: 2, concurrency: 1, timeout_s: 30}
  retry: {attempts: 4, backoff_s: [1, 30], on: [408, 425, 429, 500, 502, 503, 504]}
  budget: {max_queries: 50, price_per_query: 0.0015}
""",
    )

    endpoint = load_endpoint(path, environ={"CLASSIFY_TOKEN": "hush-hush"})

    wire = endpoint.wire
    assert wire.retry.on == {408, 425, 429, 500, 502, 503, 504}
    assert wire.labels == {"no": "cat", "1": "dog", "true": "cat"}
    assert wire.limits.requests_per_second == 2
    assert endpoint.ceiling() == "at most 50 requests, at most 0.075 to pay"
    assert endpoint.describe() == {"kind": "http", "url": "https://api.example.org/v1/classify"}
    assert "hush" not in repr(endpoint) + str(endpoint)
    assert open_oracle(endpoint, ["cat", "dog"]).labels.index("no") == 0


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    """The process's own environment is the default."""
    document = {"endpoint": {**GOOD, "headers": {"Authorization": "Bearer ${MODELPRINT_TEST_ABSENT}"}}}

    with pytest.raises(EndpointError, match="the environment variable MODELPRINT_TEST_ABSENT is not set"):
        load_endpoint(written(tmp_path, yaml.safe_dump(document)))


def test_a_secret_may_stand_in_a_file_beside_the_description(tmp_path: Path) -> None:
    """Relative to the description, wherever the program was started."""
    (tmp_path / "token").write_text("hush-hush\n")
    document = {"endpoint": {**GOOD, "headers": {"X-API-Key": "${file:token}"}}}

    endpoint = load_endpoint(written(tmp_path, yaml.safe_dump(document)))

    assert endpoint.secrets.fill("${file:token}") == "hush-hush"


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"kind": "grpc"}, "endpoint.kind: expected one of http, open-inference"),
    ({"kind": ["http"]}, "endpoint.kind: expected one of"),
    ({"uri": "x"}, "endpoint.uri: unknown key; known keys are kind, url, headers, labels, limits"),
    ({"limits": {"max_byte": 1}}, "endpoint.limits.max_byte: unknown key; known keys are max_bytes, requests"),
    ({"response": {"topk": {"item": "$"}}}, "endpoint.response.topk.items: field required (and 1 more)"),
    ({"response": {"topk": {"items": "$", "x": 1}}}, "topk.x: unknown key; known keys are items, label, score"),
    ({"response": {"label": "label"}}, "endpoint.response.label: expected a path such as"),
    ({"response": {}}, "endpoint.response: one of label, topk and scores"),
    ({"response": None}, "endpoint.response: input should be"),
    ({"method": "DELETE"}, "endpoint.method: input should be 'POST' or 'PUT'"),
    ({"limits": {"concurrency": 4}}, "endpoint.limits.concurrency: input should be 1"),
    ({"limits": {"timeout_s": 0}}, "endpoint.limits.timeout_s: input should be greater than 0"),
    ({"limits": {"timeout_s": float("nan")}}, "endpoint.limits.timeout_s: input should be a finite number"),
    ({"retry": {"backoff_s": [3, 1]}}, "endpoint.retry.backoff_s: expected [shortest, longest]"),
    ({"retry": {"on": [200]}}, "endpoint.retry.on"),
    ({"budget": {"max_queries": 0}}, "endpoint.budget.max_queries"),
    ({"labels": {"a": 1.5}}, "endpoint.labels: a stands for 1.5"),
    ({"labels": {"a": True}}, "endpoint.labels: a stands for True"),
    ({"labels": ["a"]}, "endpoint.labels: input should be a valid dictionary"),
    ({"url": "ftp://example.org"}, "endpoint.url: expected a URL that starts with"),
    ({"url": "https://"}, "endpoint.url: expected a URL"),
    ({"url": "https://[::1"}, "endpoint.url: not a URL"),
    ({"url": "https://h:port/"}, "endpoint.url: not a URL"),
    ({"url": "https://h/a b"}, "endpoint.url: a URL holds visible ASCII"),
    ({"url": "https://h/#part"}, "endpoint.url: a URL with a fragment"),
    ({"url": "https://user:hush-hush@h/"}, "endpoint.url: a user name or password"),
    ({"url": "https://h/?api_key=hush-hush"}, "endpoint.url: the query parameter api_key holds its secret"),
    ({"url": "${BASE}/x"}, "endpoint.url: expected a URL"),
    (
        {"headers": {"Authorization": "Bearer hush-hush"}},
        "endpoint.headers: Authorization holds its secret in the text",
    ),
    ({"headers": {"x-goog-api-key": "hush-hush"}}, "endpoint.headers: x-goog-api-key holds its secret"),
    ({"headers": {"Cookie": "hush-hush"}}, "endpoint.headers: Cookie holds its secret"),
    ({"headers": {"Content-Length": 3}}, "endpoint.headers: Content-Length is set by the transport"),
    ({"headers": {"A B": "x"}}, "endpoint.headers: 'A B' is no header name"),
    ({"headers": {"A": "hush\r\nX: hush"}}, "endpoint.headers: the value of A holds a character"),
    ({"headers": {"A": "1", "a": "2"}}, "endpoint.headers: a header stands twice"),
    ({"headers": {"A": ["hush-hush"]}}, "endpoint.headers.A: input should be a valid string"),
]


@pytest.mark.parametrize(("change", "reason"), MISTAKES)
def test_a_mistake_is_placed_in_one_line(change: dict[str, Any], reason: str) -> None:
    """The key's path, what is wrong, and never a value that could be a secret."""
    with pytest.raises(EndpointError) as caught:
        parse_endpoint({"endpoint": {**GOOD, **change}}, environ={"BASE": "hush-hush"})

    assert str(caught.value).startswith(reason) or reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "document", [None, [], "x", {}, {"endpoint": None}, {"endpoint": GOOD, "x": 1}, {"endpoint": {1: 2}}]
)
def test_the_description_stands_below_endpoint(document: object) -> None:
    """Anything else at the top is refused."""
    with pytest.raises(EndpointError, match="expected one top-level key, endpoint"):
        parse_endpoint(document)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe", "not a UTF-8 text"),
        (b"endpoint: [", "not readable as YAML"),
        (b"#" * (FILE_LIMIT + 1), "longer than"),
        (b"endpoint: {kind: http}", "endpoint.url: field required"),
        (
            b"endpoint: {kind: http, url: 'http://h', response: {label: $}, request: {body: "
            + b"[" * 900
            + b"]" * 900
            + b"}}",
            "nested more than 50 levels deep",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(content: bytes, reason: str, tmp_path: Path) -> None:
    """One line with the file's path."""
    path = tmp_path / "endpoint.yaml"
    path.write_bytes(content)

    with pytest.raises(EndpointError, match=reason) as caught:
        load_endpoint(path)

    assert str(caught.value).startswith(f"{path}: ")


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    """It would be waited for without end."""
    os.mkfifo(tmp_path / "endpoint.yaml")

    with pytest.raises(EndpointError, match=r"endpoint.yaml: not a regular file"):
        load_endpoint(tmp_path / "endpoint.yaml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """As the system says it."""
    with pytest.raises(EndpointError, match=r"absent.yaml: No such file"):
        load_endpoint(tmp_path / "absent.yaml")


def test_a_secret_of_an_odd_value_is_not_repeated() -> None:
    """A URL that only goes wrong once filled is refused without showing it."""
    for value in ("http://h\u00e9", "http://user:pass-word@h", "http://h/a b", "http://[", "ftp://pass-word"):
        with pytest.raises(EndpointError) as caught:
            parse_endpoint({"endpoint": {**GOOD, "url": "${BASE}"}}, environ={"BASE": value})
        assert "pass-word" not in str(caught.value)
        assert value not in str(caught.value)


def test_the_table_names_its_kinds() -> None:
    """A kind in a description is a key of the table."""
    for kind, wire in KINDS.items():
        assert wire.model_fields["kind"].default == kind


def test_a_ceiling_can_be_said() -> None:
    """Before a run a person reads what it may cost."""
    assert Budget().ceiling() == "no ceiling on requests"
    assert Budget(max_queries=7).ceiling() == "at most 7 requests"


KEYS = [
    "kind",
    "url",
    "headers",
    "labels",
    "request",
    "response",
    "body",
    "image",
    "encoding",
    "mean",
    "std",
    "input",
    "topk",
    "items",
    "label",
    "scores",
    "names",
    "retry",
    "on",
    "backoff_s",
    "limits",
    "timeout_s",
    "model",
    "x",
]
PARTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["$", "$IMAGE", "${A}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(KINDS)), st.dictionaries(st.sampled_from(KEYS), PARTS, max_size=5))
def test_any_description_is_an_endpoint_or_an_endpoint_error(kind: str, described: dict[str, Any]) -> None:
    """No value of a key gets another exception out of it."""
    base = (
        {"url": "http://localhost", "response": {"label": "$"}} if kind == "http" else {"url": "http://h", "model": "m"}
    )
    with contextlib.suppress(EndpointError):
        parse_endpoint({"endpoint": {**base, **described, "kind": kind}}, environ={"A": "abcd"})
