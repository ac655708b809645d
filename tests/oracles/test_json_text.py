"""JSON from untrusted servers, also inside texts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelprint.errors import OracleError
from modelprint.oracles.json_text import TEXTS_LIMIT, open_text, parse_json, remove_single_axes


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<html>", "not JSON"),
        (b'{"a": ', "not JSON"),
        (b"\xff\xfe\xfd", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 40 + b"]" * 40, "nested more than 32"),
        (b"9" * 5000, "not JSON"),
    ],
)
def test_what_is_no_document_is_no_answer(content: bytes, reason: str) -> None:
    """Garbage, depth and absurd numbers all end in one kind of error."""
    with pytest.raises(OracleError, match=reason):
        parse_json(content)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_document_or_an_oracle_error(content: bytes) -> None:
    """Nothing a server sends gets another exception out of the parser."""
    try:
        parse_json(content)
    except OracleError:
        assert True


@pytest.mark.parametrize("document", [{"label": 3}, ["cat"], [1, [2]], "cat"])
@pytest.mark.parametrize("times", range(1, TEXTS_LIMIT + 1))
def test_a_text_that_is_json_is_opened(document: object, times: int) -> None:
    """Once for every `json.dumps` that a service called too often."""
    text = document
    for _ in range(times):
        text = json.dumps(text)

    assert open_text(text) == document


@pytest.mark.parametrize(
    "value", ["cat", "3", "null", "[unknown]", '{"a": ', '"', "", "[" * 5000, "[" * 40 + "]" * 40, 3, None, ["[1]"]]
)
def test_other_values_stay(value: object) -> None:
    """A name may begin with a bracket; a number in a text stays a text; texts inside lists are not opened."""
    assert open_text(value) == value


@given(st.text(max_size=40))
def test_any_text_can_be_opened(text: str) -> None:
    """It is a document, or it stays as it is."""
    opened = open_text(text)

    assert opened == text or not isinstance(opened, bytes)


@pytest.mark.parametrize(
    ("value", "squeezed"),
    [
        ([[1, 2]], [1, 2]),
        ([[[[1], [2]]]], [1, 2]),
        ([[[1]], [[2]]], [1, 2]),
        ([1, 2], [1, 2]),
        ([[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ([[[5]]], [5]),
        ([], []),
        ({"a": [[1]]}, {"a": [[1]]}),
        ("cat", "cat"),
    ],
)
def test_axes_of_length_1_are_removed(value: object, squeezed: object) -> None:
    """Before and after the classes; two rows stay two rows."""
    assert remove_single_axes(value) == squeezed
