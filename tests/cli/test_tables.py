"""The lists of methods and tamperings."""

import json
from typing import Any

import pytest

from modelprint.cli.tables import describe_needs, format_default


def test_methods_are_listed_with_what_they_need(command: Any) -> None:
    """Source, needs and cost of each, then its settings; as JSON the same facts by name."""
    told, listed = command("methods").out.splitlines(), json.loads(command("methods", "--json").out)

    assert told[0].split() == ["name", "title", "source", "needs", "cost", "of", "a", "sample"]
    assert "labels only, training data" in next(line for line in told if line.startswith("bisection"))
    assert listed["ibsf"]["needs"] == ["gradients"]
    assert listed["ibsf"]["settings"]["form"] == "repaired"
    assert all({"title", "source", "needs", "cost", "settings"} == set(method) for method in listed.values())


def test_tamperings_are_listed_with_their_own_defaults(command: Any) -> None:
    """A partial shows what it sets; a kind without settings has dashes."""
    listed = json.loads(command("tamperings", "--json").out)
    lines = command("tamperings").out.splitlines()

    assert listed["finetune-all-1e-5"]["learning_rate"] == 1e-5
    assert listed["none"] == {}
    assert lines[0].split() == ["name", "setting", "type", "default"]
    assert lines[1].split() == ["none", "-", "-", "-"]


@pytest.mark.parametrize(
    ("value", "text"),
    [((0.5, 1.0), "0.5,1"), (None, "none"), (True, "true"), (1e-5, "1e-05"), (12, "12"), ("all", "all")],
)
def test_defaults_are_written_as_set_takes_them(value: object, text: str) -> None:
    """So that a line of the table can be copied."""
    assert format_default(value) == text


def test_labels_alone_are_labels_only() -> None:
    """The other needs are named as they are."""
    assert describe_needs(["labels", "training data"]) == "labels only, training data"
    assert describe_needs(["gradients"]) == "gradients"
