import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelprint.errors import OracleError
from modelprint.oracles.jsonpath import JsonPath

REPLY = {
    "result": [{"name": "cat", "top class": 1}, {"name": "dog"}],
    "id": 7,
    "n-1": {"a": 1, "b": 2},
    "body": '{"top": "[{\\"name\\": \\"owl\\"}]"}',
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$", [REPLY]),
        ("$.id", [7]),
        ("$.result[0].name", ["cat"]),
        ("$.result[*].name", ["cat", "dog"]),
        ("$.result[9].name", []),
        ('$.result[0]["top class"]', [1]),
        ("$['id']", [7]),
        ("$.n-1[*]", [1, 2]),
        ("$.body.top[0].name", ["owl"]),
        ("$.body.top[*].name", ["owl"]),
        ("$.body.top", ['[{"name": "owl"}]']),
        ("$.result[0].name.x", []),
        ("$.id[0]", []),
        ("$.id[*]", []),
        ("$.result.name", []),
        ("$[0]", []),
    ],
)
def test_a_path_reaches_the_values_it_names(path: str, values: list[object]) -> None:
    """Members, elements and every child; what does not fit is not reached."""
    assert JsonPath.parse(path).find_all(REPLY) == values


@pytest.mark.parametrize("path", ["", "result", "$.", "$[", "$[-1]", "$..a", "$.a b", "$[?(@.a)]", "$[0", 3, None])
def test_what_is_no_path_is_refused(path: object) -> None:
    """Filters, slices and recursion do not exist here."""
    with pytest.raises(ValueError, match="path"):
        JsonPath.parse(path)


@pytest.mark.parametrize(("path", "count"), [("$.nothing", "no"), ("$.result[*]", "2")])
def test_one_value_means_exactly_one(path: str, count: str) -> None:
    """No value and several values are both no answer."""
    with pytest.raises(OracleError, match=f"{count} values at"):
        JsonPath.parse(path).find_one(REPLY)


def test_a_path_is_parsed_once() -> None:
    """What is a path already stays the same path."""
    path = JsonPath.parse("$.id")

    assert JsonPath.parse(path) is path


@given(st.text(max_size=40))
def test_any_text_is_a_path_or_a_value_error(text: str) -> None:
    """Parsing ends in one of two ways, and a path remembers its text."""
    try:
        path = JsonPath.parse("$" + text)
    except ValueError:
        return
    assert path.text == "$" + text
    assert isinstance(path.find_all(REPLY), list)
