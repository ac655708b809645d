"""Every tampering changes a copy, says how far it moved, and is repeatable."""

from collections.abc import Callable
from functools import cache

import pytest

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.settings import build
from modelprint.tamperings import SUITE, make_suspect
from modelprint.tamperings.tampering import Suspect

STUDENTS = [(form, student) for form in ("labels", "probabilities") for student in ("", "-cnn3", "-cnn4")]

# What keeps a kind to a second or so on the tiny network; small batches, so that an epoch is more than one step.
QUICK = {
    "retrain-last": {"epochs": "2"},
    "retrain-all": {"epochs": "2"},
    "retrain-all-short": {"epochs": "1"},
    "distil": {"epochs": "2"},
    "architecture": {"network": "resnet20", "epochs": "1"},
    "architecture-short": {"network": "resnet20", "epochs": "1"},
    "online-learning": {"batch": "16"},
    "online-learning-adam": {"batch": "16", "epochs": "20"},
    "online-learning-published": {"batch": "16"},
    "unlearning": {"most_steps": "40"},
    "unlearning-strict": {"most_steps": "40"},
    "degrade-random": {"learning_rate": "1e-3", "most_steps": "40"},
    "degrade-specific": {"learning_rate": "1e-3", "most_steps": "40"},
    "degrade-sample": {"learning_rate": "1e-3"},
    "poison-generic": {"learning_rate": "1e-3", "most_steps": "40"},
    "poison-specific": {"learning_rate": "1e-3", "most_steps": "40"},
    "targeted": {"learning_rate": "1e-3", "most_steps": "40"},
    "targeted-published": {"copies": "10"},
    "bit-flip": {"images": "8"},
    "trojan": {"patch_steps": "20"},
    "trojan-last": {"patch_steps": "20"},
    "clean-label-collision": {"pushes": "20"},
    **{f"extract-{form}{student}": {"queries": "64", "seeds": "16", "epochs": "1"} for form, student in STUDENTS},
    "extract-labels-natural": {"queries": "64", "epochs": "1"},
    "extract-from-cifar10": {"source": "digits", "queries": "64", "epochs": "1"},
    "extract-from-gtsrb": {"source": "digits", "queries": "64", "epochs": "1"},
    "extract-other": {"queries": "64", "seeds": "16", "epochs": "1", "other_epochs": "1"},
    **{kind: {"overlap": "1", "epochs": "1"} for kind in SUITE if kind.startswith("homologous")},
    **{kind: {"batch": "16"} for kind in SUITE if "finetune" in kind},
}

# There are no given weights for the tiny data; its own test brings some.
KINDS = [kind for kind in SUITE if kind != "architecture-given"]


@pytest.fixture(scope="module")
def of_seed_1(_trained: Classifier, split: DataSet) -> Callable[[str], Suspect]:
    """Return a function of a kind: a suspect of seed 1, made once for all tests of this file."""

    @cache
    def make(kind: str) -> Suspect:
        return make_suspect(kind, build(SUITE, kind, QUICK.get(kind)), _trained.copy(), split, seed=1)

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_the_original_stays_as_it_was_and_equal_seeds_give_equal_suspects(
    kind: str, of_seed_1: Callable[[str], Suspect], tiny_model: Classifier, split: DataSet
) -> None:
    """The model is copied, every random draw comes from the seed, and a goal that is missed is stated with a number."""
    tampering, before = build(SUITE, kind, QUICK.get(kind)), tiny_model.digest()

    first, again = of_seed_1(kind), make_suspect(kind, tampering, tiny_model, split, seed=1)

    assert tiny_model.digest() == before
    assert first.classifier.digest() == again.classifier.digest()
    assert (first.classifier.digest() == before) == (kind == "none")
    assert first.goal_reached == again.goal_reached
    assert first.goal_reached or (first.goal and first.goal_value is not None)


@pytest.mark.parametrize("kind", KINDS)
def test_another_seed_matters_exactly_when_the_tampering_draws(
    kind: str, of_seed_1: Callable[[str], Suspect], tiny_model: Classifier, split: DataSet
) -> None:
    """`deterministic` tells the truth."""
    tampering = build(SUITE, kind, QUICK.get(kind))

    other = make_suspect(kind, tampering, tiny_model, split, seed=2)

    assert (of_seed_1(kind).classifier.digest() == other.classifier.digest()) == tampering.deterministic
