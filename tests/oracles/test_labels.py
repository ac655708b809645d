import pytest

from modelprint.errors import EndpointError, OracleError
from modelprint.oracles.labels import LabelMap

NAMES = ("cat", "dog", "owl")


@pytest.mark.parametrize(("named", "index"), [("dog", 1), (2, 2), ("2", 2)])
def test_names_and_indices_need_no_map(named: str | int, index: int) -> None:
    """Our own words are understood as they are."""
    assert LabelMap(NAMES).index(named) == index


@pytest.mark.parametrize("named", ["Dog", "cow", 3, -1, "-1", "²", "9" * 150])
def test_an_unknown_label_is_no_answer(named: str | int) -> None:
    """Case is not guessed and no index is bent into range."""
    with pytest.raises(OracleError, match="no class name and no class index"):
        LabelMap(NAMES).index(named)


def test_a_label_may_be_encoded_twice() -> None:
    """A service that calls `json.dumps` on its answer sends quotation marks; a class with such a name stays itself."""
    assert LabelMap(NAMES).index('"dog"') == 1
    assert LabelMap.of(NAMES, {"n01": "cat", "n02": "dog", "n03": "owl"}).index('"n02"') == 1
    assert LabelMap(("cat", '"cat"')).index('"cat"') == 1


def test_digits_in_another_order_are_ambiguous() -> None:
    """The number 1 may be a name or an index; the text "1" is the name."""
    digits = LabelMap(("1", "0"))

    assert digits.index("1") == 0
    with pytest.raises(OracleError, match="may mean class 0 or 1"):
        digits.index(1)
    with pytest.raises(OracleError, match="may mean class 0 or 1"):
        LabelMap(("same", "same")).index("same")


def test_digits_in_order_are_themselves() -> None:
    """Class "3" at index 3 is not ambiguous."""
    assert LabelMap(tuple(map(str, range(10)))).index(3) == 3


def test_a_map_translates_and_knows_nothing_else() -> None:
    """Several server labels may stand for one class; our own names are not tried when there is a map."""
    labels = LabelMap.of(NAMES, {"n01": "cat", "n02": "cat", "n03": 1, "7": "owl"})

    assert [labels.index(named) for named in ("n01", "n02", "n03", 7)] == [0, 0, 1, 2]
    with pytest.raises(OracleError, match="'cat' is not in the label map"):
        labels.index("cat")


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"a": "cat", "b": "dog"}, "no server label stands for 'owl'"),
        ({"a": "cow"}, "labels.a: 'cow' is no class"),
        ({"a": 3}, "labels.a: there is no class 3"),
        ({"a": -1}, "there is no class -1"),
    ],
)
def test_a_map_is_complete_or_refused(labels: dict[str, str | int], reason: str) -> None:
    """A class without a label would swallow the very answers that show tampering."""
    with pytest.raises(EndpointError, match=reason):
        LabelMap.of(NAMES, labels)


def test_a_name_that_stands_twice_is_mapped_by_index() -> None:
    """Two classes of one name cannot be told apart by it."""
    with pytest.raises(EndpointError, match="give its index"):
        LabelMap.of(("same", "same"), {"a": "same", "b": 1})


def test_a_vector_has_one_score_per_class() -> None:
    """Another length means another model or other classes, unless a map says which positions count."""
    assert LabelMap(NAMES).index(2, width=3) == 2
    with pytest.raises(OracleError, match="scores 4 classes, the fingerprint knows 3"):
        LabelMap(NAMES).index(2, width=4)
    assert LabelMap.of(NAMES, {"1": "cat", "2": "dog", "3": "owl"}).index(3, width=4) == 2
