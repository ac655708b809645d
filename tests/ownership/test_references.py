"""Models of known relation are made as asked, and none is there twice or learnt from."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.ownership import Models
from modelprint.ownership import references as module
from modelprint.ownership.references import TRAINING_OFFSET, Relatives, first_seed, spread, unrelated_kinds
from modelprint.tamperings.tampering import Suspect


def test_models_are_spread_over_the_kinds() -> None:
    """Each kind has as many as the others, or one more; a kind without any is left out."""
    assert spread(("a", "b", "c"), 8) == {"a": 3, "b": 3, "c": 2}
    assert spread(("a", "b"), 1) == {"a": 1}


def test_spare_images_are_used_where_they_are(split: DataSet) -> None:
    """Without them unrelated models learn from the same images."""
    assert unrelated_kinds(split) == ("retrain-all-short",)
    assert unrelated_kinds(replace(split, spare=split.train)) == ("homologous-0", "retrain-all-short")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"unrelated": {"prune-80": 1}}, "prune-80 makes models that are not unrelated"),
        ({"unrelated": {}, "copies": {"homologous-0": 1}}, "homologous-0 makes models that are not copies"),
        ({"unrelated": {}, "copies": {"prune-80": 2}}, "prune-80 gives the same model whatever the seed; ask for one"),
        (
            {"unrelated": {}, "copies": {"prune-80": 1}, "learnt_copies": {"prune-80": 1}},
            "prune-80 gives the same model whatever the seed; it is for training or a reference",
        ),
        ({"unrelated": {}, "settings": {"prune-80": {"share": "0.5"}}}, "there are settings for prune-80, but no"),
        ({"unrelated": {"retrain-al": 1}}, "there is no 'retrain-al'"),
    ],
)
def test_what_cannot_be_made_is_refused(asked: dict[str, dict[str, int]], said: str) -> None:
    """Before anything is made."""
    with pytest.raises(ValueError, match=said):
        Models(**asked)


def test_references_are_strangers_to_those_that_are_learnt_from(
    tiny_model: Classifier, split: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other seeds, other models; made once, and found again."""
    monkeypatch.setenv("MODELPRINT_CACHE", str(tmp_path))
    models = Models(unrelated={"retrain-all-short": 2}, copies={"prune-80": 1}, learnt_unrelated={"retrain-all": 2},
                    settings={"retrain-all": {"epochs": "1"}})  # fmt: skip
    relatives = Relatives(model=tiny_model, data=split, models=models, seed=3)

    references, learnt = list(relatives.make_references()), list(relatives.make_training_models("unrelated"))

    assert [one.reference.relation for one in references] == ["unrelated", "unrelated", "copy"]
    assert [one.reference.seed for one in references] == [first_seed(3), first_seed(3) + 1, 0]
    assert [one.reference.seed for one in learnt] == [
        first_seed(3) + TRAINING_OFFSET,
        first_seed(3) + TRAINING_OFFSET + 1,
    ]
    assert len({one.reference.model_sha256 for one in [*references, *learnt]}) == 5
    assert "2 (retrain-all-short*2), 2 of them in the cache" in models.summary(tiny_model, split, 3)
    assert "2 (retrain-all-short*2), 0 of them in the cache" in models.summary(tiny_model, split, 4)


def test_a_model_that_missed_its_goal_is_replaced(
    tiny_model: Classifier, split: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By that of the next seed, and when too many miss it that is said."""
    models = Models(unrelated={}, copies={"finetune-all-1e-3": 2})
    relatives, real = Relatives(model=tiny_model, data=split, models=models, seed=0), module.load_or_make_suspect
    missing: Iterator[bool] = iter([True, False, True, False])

    def fails_at_times(*arguments: object, **named: object) -> Suspect:
        made = real(*arguments, **named)  # type: ignore[arg-type]
        return replace(made, goal_reached=not next(missing), goal="more", goal_value=0.25)

    monkeypatch.setattr(module, "load_or_make_suspect", fails_at_times)

    assert [one.reference.seed for one in relatives.make_references()] == [first_seed(0) + 1, first_seed(0) + 3]
    missing = iter([True] * 5)
    with pytest.raises(CraftingError, match=r"only 0 of 5 models of kind finetune-all-1e-3 .* \(more, .* 0.25\)"):
        list(relatives.make_references())
