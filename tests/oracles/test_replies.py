import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelprint.errors import OracleError
from modelprint.oracles.replies import parse_json, read_complaint, read_label, read_ranking, read_score, read_vector


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


@pytest.mark.parametrize(("value", "label"), [("cat", "cat"), (3, 3), (3.0, 3), (0, 0)])
def test_texts_and_whole_numbers_are_labels(value: object, label: str | int) -> None:
    """Some servers write class indices as floats."""
    assert read_label(value) == label


@pytest.mark.parametrize("value", [None, True, 1.5, math.nan, math.inf, [], {}, "", "x" * 201, 2**70])
def test_other_things_are_no_labels(value: object) -> None:
    """A label of a strange type is no answer rather than a mismatch."""
    with pytest.raises(OracleError, match="the label is"):
        read_label(value)


@pytest.mark.parametrize("value", [None, True, "0.5", [], math.nan, math.inf, -math.inf, 10**400])
def test_scores_are_finite_numbers(value: object) -> None:
    """NaN and infinity order nothing."""
    with pytest.raises(OracleError, match="a score is"):
        read_score(value)


def test_the_best_score_wins_whatever_the_order() -> None:
    """A server may list its classes in class order."""
    reading = read_ranking([("cat", 0.2), ("dog", 0.7), ("owl", 0.1)])

    assert reading.named == "dog"
    assert reading.ranking == (("dog", 0.7), ("cat", 0.2), ("owl", 0.1))
    assert not reading.tie


def test_two_equal_best_scores_are_a_tie() -> None:
    """Equal scores further down are none."""
    assert read_vector([0.5, 0.5, 0.0]).tie
    assert not read_vector([0.2, 0.6, 0.2]).tie


def test_a_vector_remembers_its_length_and_a_few_scores() -> None:
    """A thousand classes leave ten scores in an answer."""
    reading = read_vector(list(range(1000)))

    assert reading.named == 999
    assert reading.width == 1000
    assert len(reading.ranking) == 10


def test_one_number_is_no_vector() -> None:
    """A single score says nothing about classes."""
    with pytest.raises(OracleError, match="1 scores"):
        read_vector([0.3])
    with pytest.raises(OracleError, match="no scores"):
        read_ranking([])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps({"error": "cold", "estimated_time": 20}).encode(), "cold"),
        (json.dumps({"detail": [{"loc": 1}], "message": "no"}).encode(), 'no; [{"loc": 1}]'),
        (b'"plain"', "plain"),
        (b"[1]", ""),
        (b"Bad Gateway", "Bad Gateway"),
    ],
)
def test_the_human_part_of_an_error_is_found(content: bytes, said: str) -> None:
    """The usual members of an error object, or its text."""
    assert read_complaint(content) == said
