import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelprint.errors import EndpointError
from modelprint.oracles.yaml_text import read_yaml


def test_words_stay_words() -> None:
    """`on`, `no`, dates and numbers with a leading zero are texts, as people who write class names expect."""
    text = "{on: [408, 2.5], no: off, day: 2024-01-01, id: 010, time: 12:30, big: 1_0, yes: true, nothing: null}"

    assert read_yaml(text) == {
        "on": [408, 2.5],
        "no": "off",
        "day": "2024-01-01",
        "id": "010",
        "time": "12:30",
        "big": "1_0",
        "yes": True,
        "nothing": None,
    }


def test_keys_are_texts_as_written() -> None:
    """So that 1, 1.0 and true are three server labels, and << is one as well."""
    assert read_yaml("{1: a, 1.0: b, true: c, ~: d, <<: e}") == {"1": "a", "1.0": "b", "true": "c", "~": "d", "<<": "e"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &x 1\nb: *x", "aliases"),
        ("a: 1\nb: {c: 1, c: 2}", "'c' stands twice in the mapping that starts on line 2"),
        ("a: !!python/object:os.system 1", "line 1, column 4: tags (!name) are not supported"),
        ("a: !!int ''", "line 1, column 4: tags"),
        ("a: !!timestamp x", "line 1, column 4: tags"),
        ("a: !!binary aGk=", "line 1, column 4: tags"),
        ("a: !mine {b: 1}", "line 1, column 4: tags"),
        ("!!set {b}", "line 1, column 1: tags"),
        ('a: "\\ud800"', "line 1, column 4: a lone surrogate"),
        ('a: "\\UFFFFFFFF"', "not readable"),
        ("a: 1:" + "59:" * 400 + "0.5", "not readable"),
        ("a: " + "9" * 5000, "not readable"),
        ("? [a, b]\n: 1", "line 1, column 3"),
        ("[" + "a," * 10_001 + "]", "more than 10000 keys and values"),
        ("a: [1", "line 1"),
        ("a: b: hush-hush", "line 1, column 5"),
        ("[" * 100_000, "nested more than 50 levels deep"),
        ("a: \x00", "not readable"),
        ("1\n---\n2", "line 2"),
    ],
)
def test_trouble_is_placed_but_not_repeated(text: str, reason: str) -> None:
    """The message says where and what, in one line and without the text, which may hold a secret."""
    with pytest.raises(EndpointError) as caught:
        read_yaml(text)

    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_many_keys_take_linear_time() -> None:
    """Four thousand keys are read at once; 200 KB of them are refused as quickly."""
    many = "{" + ",".join(f"{key:x}" for key in range(4_000)) + "}"
    more = "{" + ",".join(f"{key:x}" for key in range(40_000)) + "}"

    started = time.process_time()
    document = read_yaml(many)
    with pytest.raises(EndpointError, match="keys and values"):
        read_yaml(more)

    assert isinstance(document, dict)
    assert len(document) == 4_000
    assert time.process_time() - started < 10


@given(st.text(max_size=40) | st.text(alphabet="{}[]:,-?|>&*!%@`'\"#\\ \n\tabuxU019.~<=_", max_size=60))
def test_any_text_is_a_document_or_an_endpoint_error(text: str) -> None:
    """Nothing in a file gets another exception out of the reader."""
    with contextlib.suppress(EndpointError):
        read_yaml(text)


def test_many_lines_are_refused_before_they_are_read() -> None:
    """Empty ones take their time too."""
    with pytest.raises(EndpointError, match="120000 lines, the limit is"):
        read_yaml("a\n" * 120_000)
