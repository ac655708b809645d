"""A zoo is a recipe of tamperings, each copy made once."""

import pytest

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.tamperings.zoo import build_zoo, parse_recipe


def test_a_recipe_counts_copies_by_kind() -> None:
    """KIND*COUNT; the count is one when left out."""
    assert parse_recipe(("flip-sign*2", "prune-20")) == {"flip-sign": 2, "prune-20": 1}


@pytest.mark.parametrize("entry", ["flip-sign*0", "flip-sign*x", "no-such-kind*2"])
def test_a_wrong_entry_is_named(entry: str) -> None:
    """Unknown kinds and counts that are no numbers."""
    with pytest.raises(ValueError, match="KIND\\*COUNT"):
        parse_recipe((entry,))


def test_copies_lie_family_after_family(tiny_model: Classifier, split: DataSet) -> None:
    """Indices of the families point into `copies`; copies of a family differ."""
    zoo = build_zoo(tiny_model, split, ("flip-sign*2", "prune-20*1"), first_seed=10)

    assert zoo.members == ((0, 1), (2,))
    assert len({copy.digest() for copy in zoo.copies}) == 3
