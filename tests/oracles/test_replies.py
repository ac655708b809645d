import json
import math

import pytest

from modelprint.errors import OracleError
from modelprint.oracles.json_text import parse_json
from modelprint.oracles.replies import (
    read_complaint,
    read_document,
    read_label,
    read_ranking,
    read_score,
    read_vector,
)


@pytest.mark.parametrize(
    ("value", "label"), [("cat", "cat"), (3, 3), (3.0, 3), (0, 0), (["cat"], "cat"), ([[3]], 3), ('"cat"', '"cat"')]
)
def test_texts_and_whole_numbers_are_labels(value: object, label: str | int) -> None:
    """Some servers write class indices as floats, or leave an axis of length 1."""
    assert read_label(value) == label


@pytest.mark.parametrize("value", [None, True, 1.5, math.nan, math.inf, [], ["a", "b"], {}, "", "x" * 201, 2**70])
def test_other_things_are_no_labels(value: object) -> None:
    """A label of a strange type is no answer rather than a mismatch."""
    with pytest.raises(OracleError, match="the label is"):
        read_label(value)


@pytest.mark.parametrize(
    ("value", "score"), [("0.93", 0.93), (" -1.5e-3 ", -0.0015), ("7", 7.0), (".5", 0.5), (1, 1.0)]
)
def test_scores_may_be_written_as_texts(value: object, score: float) -> None:
    """The text shows a number, and nothing else."""
    assert read_score(value) == score


@pytest.mark.parametrize(
    "value",
    [None, True, "high", "", "0x10", "1_000", "nan", "inf", "٣", "1" * 100, "1e999", [], math.nan, math.inf, 10**400],
)
def test_scores_are_finite_numbers(value: object) -> None:
    """NaN and infinity order nothing, whether they are numbers or texts."""
    with pytest.raises(OracleError, match="a score is"):
        read_score(value)


def test_the_best_score_wins_whatever_the_order() -> None:
    """A server may list its classes in class order."""
    reading = read_ranking([(name, read_score(score)) for name, score in (("cat", 0.2), ("dog", 0.7), ("owl", 0.1))])

    assert reading.named == "dog"
    assert reading.ranking == (("dog", 0.7), ("cat", 0.2), ("owl", 0.1))
    assert not reading.tie


def test_two_equal_best_scores_are_a_tie() -> None:
    """Equal scores further down are none."""
    assert read_vector([0.5, 0.5, 0.0]).tie
    assert not read_vector([0.2, 0.6, 0.2]).tie


def test_a_vector_remembers_its_length_and_a_thousand_scores() -> None:
    """More of them would make transcripts of any size."""
    reading = read_vector(list(range(1200)))

    assert reading.named == 1199
    assert reading.width == 1200
    assert len(reading.ranking) == 1000


@pytest.mark.parametrize(
    ("reply", "texts"),
    [
        ("[0.10, 0.9000, 1e-3]", ["0.9000", "0.10", "1e-3"]),
        ('["0.10", " 0.90 ", "0"]', ["0.90", "0.10", "0"]),
        ("[3, 2.50, -1]", ["3", "2.50", "-1"]),
        ("[0." + "1" * 80 + ", 0.25]", ["0.25", "0.1111111111111111"]),
    ],
)
def test_scores_keep_the_digits_that_were_printed(reply: str, texts: list[str]) -> None:
    """Whether they are numbers or texts; what no float can hold is shortened."""
    values = parse_json(reply)
    assert isinstance(values, list)

    reading = read_vector(values)

    assert [score.text for _, score in reading.ranking] == texts


def test_a_vector_that_falls_is_marked() -> None:
    """As a list is that a server has sorted by score."""
    assert read_vector([0.7, 0.2, 0.1]).falling
    assert read_vector(["0.7", "0.2", "0.2"]).falling
    assert not read_vector([0.2, 0.7, 0.1]).falling


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ([{"label": "cat", "score": 0.1}, {"label": "dog", "score": "0.9"}], "dog"),
        ([[{"label": "cat", "score": 0.1}]], "cat"),
        ({"cat": 0.1, "dog": 0.9}, "dog"),
        ({"label": "owl", "version": [1, 2]}, "owl"),
        ([0.1, 0.9], 1),
        ([["owl"]], "owl"),
    ],
)
def test_documents_of_the_usual_forms_are_read(document: object, named: str | int) -> None:
    """As they stand in a text of a tensor."""
    assert read_document(document).named == named


@pytest.mark.parametrize("document", [[], {}, [{"score": 1}], {"a": "b"}, "cat", 3, None, [{"label": "cat"}, 3]])
def test_other_documents_are_no_answer(document: object) -> None:
    """They are not guessed."""
    with pytest.raises(OracleError):
        read_document(document)


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
