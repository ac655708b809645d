"""What every wire format shares: credentials stay outside, headers and addresses are checked as written."""

from typing import Any

import pytest
from pydantic import ValidationError

from modelprint.oracles.open_inference import OpenInference
from modelprint.oracles.wire import Budget, Limits, Retry, check_url


def make(**change: Any) -> OpenInference:
    """Return a description with some keys changed."""
    return OpenInference(**{"url": "https://example.org", "model": "m"} | change)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://example.org/path?q=1", None),
        ("http://[::1]:8000", None),
        ("ftp://example.org", "starts with http:// or https://"),
        ("https:///path", "names a host"),
        ("https://user:word@example.org", "use an Authorization header"),
        ("https://example.org/#top", "fragment"),
        ("https://exämple.org", "visible ASCII characters only"),
        ("https://example.org:port", "not a URL"),
    ],
)
def test_an_address_is_plain_http(url: str, problem: str | None) -> None:
    """The message never repeats the address, which may hold a secret."""
    if problem is None:
        check_url(url)
        return
    with pytest.raises(ValueError, match=problem) as caught:
        check_url(url)
    assert url not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"headers": {"Authorization": "Bearer abc"}}, "Authorization holds its secret in the text"),
        ({"headers": {"Content-Length": "x"}}, "Content-Length is set by the transport"),
        ({"headers": {"X-Custom": "Bearer abc"}}, "X-Custom holds its secret in the text"),
        ({"headers": {"X Y": "x"}}, "'X Y' is no header name"),
        ({"headers": {"X": "a", "x": "b"}}, "a header stands twice"),
        ({"headers": {"X": "a\n"}}, "a character that no header can carry"),
        ({"url": "https://example.org?api_key=1"}, "the query parameter api_key holds its secret"),
        ({"url": "https://example.org?code=S3cret"}, "the query parameter code holds its secret"),
        ({"url": "https://example.org?sv=1&sig=S3cret"}, "the query parameter sig holds its secret"),
        ({"url": "https://example.org?key=S3cret"}, "the query parameter key holds its secret"),
        ({"url": "https://example.org?x=AKIAABCDEFGHIJKLMNOP"}, "the query parameter x holds its secret"),
        ({"labels": {"cat": True}}, "no class name and no class index"),
        ({"retry": {"backoff_s": (3.0, 1.0)}}, "shortest, longest"),
    ],
)
def test_a_mistake_in_a_shared_key_is_explained(change: dict[str, Any], problem: str) -> None:
    """Whatever the wire format."""
    with pytest.raises(ValidationError, match=problem):
        make(**change)


def test_labels_and_headers_written_as_numbers_are_texts() -> None:
    """YAML reads 1 and true as what they look like."""
    described = make(labels={2: "cat"}, headers={"X-Version": 3})

    assert described.labels == {"2": "cat"}
    assert described.headers == {"X-Version": "3"}


def test_what_only_resembles_a_credential_is_accepted() -> None:
    """A placeholder, and the code of a country."""
    described = make(url="https://example.org?code=${KEY}&country_code=DE&v=1")

    assert described.url.endswith("v=1")


def test_the_host_header_is_part_of_what_is_asked() -> None:
    """An ingress serves many models at one address."""
    assert make(headers={"host": "digits.example.org"}).describe()["host"] == "digits.example.org"
    assert "host" not in make().describe()


def test_headers_of_a_description_replace_ours() -> None:
    """By their names in any case; the others are added, with their secrets filled in."""
    described = make(headers={"accept": "text/plain", "X-Key": "${KEY}"})

    headers = described.build_headers("application/json", lambda text: text.replace("${KEY}", "secret"))

    assert headers == (("Content-Type", "application/json"), ("accept", "text/plain"), ("X-Key", "secret"))


def test_a_budget_says_what_a_run_costs_at_most() -> None:
    """In requests, and in money where a price is known."""
    assert Budget().ceiling() == "no ceiling on requests"
    assert Budget(max_queries=20).ceiling() == "at most 20 requests"
    assert Budget(max_queries=20, price_per_query=0.05).ceiling() == "at most 20 requests, at most 1 to pay"


def test_numbers_out_of_range_are_refused() -> None:
    """A time-out of zero, no attempt, a status that is no error."""
    for kind, change in ((Limits, {"timeout_s": 0}), (Retry, {"attempts": 0}), (Retry, {"on": {200}})):
        with pytest.raises(ValidationError):
            kind.model_validate(change)
