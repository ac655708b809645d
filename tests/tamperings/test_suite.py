"""Every tampering changes a copy, says how far it moved, and is repeatable."""

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.loading import load_like, save_weights
from modelprint.networks.int8 import Int8Linear
from modelprint.settings import build
from modelprint.tamperings import SUITE, make_suspect
from modelprint.tamperings.prune import Prune
from modelprint.tamperings.store import load_or_make_suspect
from modelprint.tamperings.tampering import Suspect, named_weights
from modelprint.tensors import to_images

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
    "degrade-sample": {"learning_rate": "1e-3"},
    "poison-generic": {"learning_rate": "1e-3", "most_steps": "100"},
    "poison-specific": {"learning_rate": "1e-3", "most_steps": "100"},
    "targeted-published": {"copies": "10"},
    "bit-flip": {"images": "8"},
    "trojan": {"patch_steps": "20"},
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


@pytest.mark.parametrize("rate", ["1e-3", "1e-5"])
def test_last_layer_kinds_move_the_head_alone_and_statistics_only_in_training_mode(
    rate: str, tiny_model: Classifier, split: DataSet
) -> None:
    """Frozen: no buffer moves. Training mode: running statistics of all layers do, though only the head learns."""
    kind = f"finetune-last-{rate}"

    loose = make_suspect(kind, SUITE[kind](), tiny_model, split, seed=0)
    frozen = make_suspect(f"{kind}-bnfrozen", SUITE[f"{kind}-bnfrozen"](), tiny_model, split, seed=0)

    for suspect in (loose, frozen):
        changed = {n for n, w in named_weights(suspect.classifier.network).items()
                   if not torch.equal(w, named_weights(tiny_model.network)[n])}  # fmt: skip
        assert changed <= {"linear.weight", "linear.bias"} and changed
    assert frozen.movement.buffers == 0 < loose.movement.buffers
    assert frozen.movement.parameters > 0


def test_pruning_zeroes_the_smallest_fifth(tiny_model: Classifier, split: DataSet) -> None:
    """Exactly the share asked for, and no weight that stays is smaller than one that went."""
    suspect = make_suspect("prune-20", SUITE["prune-20"](), tiny_model, split, seed=0)

    names = ("convolutions.0.weight", "convolutions.4.weight", "linear.weight")
    before = torch.cat([named_weights(tiny_model.network)[n].flatten() for n in names]).abs()
    after = torch.cat([named_weights(suspect.classifier.network)[n].flatten() for n in names])
    assert (after == 0).sum().item() == round(0.2 * len(before))
    assert before[after == 0].max() <= before[after != 0].min()
    with pytest.raises(ValueError, match=r"between 0 and 1, got 1\.5"):
        Prune(share=1.5)


def test_a_flipped_sign_changes_one_weight_to_its_negative(tiny_model: Classifier, split: DataSet) -> None:
    """One number, same size, other sign; the note says which."""
    suspect = make_suspect("flip-sign", SUITE["flip-sign"](), tiny_model, split, seed=3)

    before = torch.cat([w.flatten() for w in named_weights(tiny_model.network).values()])
    after = torch.cat([w.flatten() for w in named_weights(suspect.classifier.network).values()])
    changed = (before != after).nonzero()[:, 0]
    assert len(changed) == 1
    assert after[changed].item() == -before[changed].item()
    assert "is now" in suspect.notes


def test_int8_integers_are_those_of_pytorch() -> None:
    """Weights and answers agree with torch's own dynamic quantisation, image by image."""
    torch.manual_seed(0)
    linear, features = torch.nn.Linear(64, 10), torch.rand(20, 64) * 3
    ours = Int8Linear.of(linear)
    with warnings.catch_warnings(action="ignore"):  # deprecated since torch 2.10
        theirs = torch.ao.quantization.quantize_dynamic(torch.nn.Sequential(linear), {torch.nn.Linear})

    assert torch.equal(ours.weight_int8, theirs[0].weight().int_repr())
    expected = torch.cat([theirs(row[None]) for row in features])
    torch.testing.assert_close(ours(features), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("kind", ["int8-dynamic", "int8-weights", "finetune-all-1e-3"])
def test_a_saved_suspect_answers_as_before(kind: str, tiny_model: Classifier, split: DataSet, tmp_path: Path) -> None:
    """Weights and record go through a safetensors file, integer layers included."""
    suspect, images = make_suspect(kind, SUITE[kind](), tiny_model, split, seed=0), to_images(split.test.pixels)

    save_weights(suspect.classifier, tmp_path / "s.safetensors", suspect.record())
    loaded, record = load_like(tiny_model, tmp_path / "s.safetensors")

    assert torch.equal(loaded.logits(images), suspect.classifier.logits(images))
    assert record == suspect.record()


def test_a_stored_suspect_is_made_once_and_again_when_damaged(
    tiny_model: Classifier, split: DataSet, tmp_path: Path
) -> None:
    """The second call reads the file; a spoilt file is replaced."""
    arguments = ("flip-sign", SUITE["flip-sign"](), tiny_model, split, 5)

    first = load_or_make_suspect(*arguments, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    stamp = path.stat().st_mtime_ns
    second = load_or_make_suspect(*arguments, folder=tmp_path)
    assert path.stat().st_mtime_ns == stamp
    assert second.classifier.digest() == first.classifier.digest()
    assert second.movement == first.movement

    path.write_bytes(path.read_bytes()[:100])
    third = load_or_make_suspect(*arguments, folder=tmp_path)
    assert third.classifier.digest() == first.classifier.digest()


def test_movement_of_a_hand_made_change(tiny_model: Classifier, split: DataSet) -> None:
    """A bias raised by one moves one logit of every image by one: rms 1/sqrt(classes); all labels become that class."""
    from modelprint.tamperings import measure

    after = tiny_model.copy()
    after.head.bias.data[2] += 1
    movement = measure(tiny_model, after, split.test)

    assert movement.logit_rms == pytest.approx((1 / 4) ** 0.5, rel=1e-5)
    assert movement.buffers == 0
    size = sum(w.pow(2).sum().item() for w in named_weights(tiny_model.network).values()) ** 0.5
    assert movement.parameters == pytest.approx(1 / size, rel=1e-5)
