"""Observations of ownership: one line each, with the names that published runs have."""

import json
from collections.abc import Callable

import pytest

from modelprint.bench.ownership.observation import OWN, OwnershipObservation, read_line

Found = Callable[..., OwnershipObservation]


def test_a_line_keeps_the_names_of_published_runs(found: Found) -> None:
    """Whether encoders were trained on a suspect is called `learnt` there."""
    line = found("extract-labels", 0.5, in_training=True).to_line()

    assert json.loads(line)["learnt"] is True
    assert "in_training" not in json.loads(line)
    assert list(json.loads(line)) == sorted(json.loads(line))
    assert read_line(line).to_line() == line


def test_similarities_are_cosines(found: Found) -> None:
    """Of at least one view."""
    for values in ([], [1.2]):
        with pytest.raises(ValueError, match=f"similarities by {OWN} are cosines of at least one view"):
            found("none", 0.5, similarities={OWN: values})


def test_families_follow_from_relation_and_kind(found: Found) -> None:
    """Another victim's copy is a family of its own."""
    kinds = ("none", "prune-80-retrained", "extract-labels", "homologous-0")

    families = [found(kind, 0.5).family for kind in kinds]

    assert families == ["victim", "derived", "extracted", "unrelated"]
    assert found("extract-labels", 0.5, maker="digits-2").family == "another's copy"


Found = Callable[..., OwnershipObservation]


def test_a_line_can_be_read_again(found: Found) -> None:
    """As it was written."""
    one = found("extract-labels", 0.5)

    assert read_line(one.to_line()) == one
