"""A target is the same classifier every time, whether it was given, trained or kept."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from modelprint.bench import targets
from modelprint.bench.targets import TARGETS, Target, target_facts, target_model, target_path
from modelprint.data import SETS, load_data
from modelprint.errors import DataError
from modelprint.loading import load_classifier, save_weights
from modelprint.networks import NETWORKS
from modelprint.training import Recipe

SHORT = Target(name="short", network="digits", data="digits", recipe=Recipe(epochs=1, batch=128), accuracy=0.1)
PAGE = (Path(__file__).parents[2] / "docs" / "targets.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TARGETS)
def test_network_and_data_of_every_target_fit_together(name: str) -> None:
    """Known names, the same images and as many classes."""
    target = TARGETS[name]
    network, data = NETWORKS[target.network], SETS[target.data.partition("@")[0]]

    assert target.name == name
    assert network.image_shape == data.image_shape
    assert network.class_count == data.class_count
    assert target.accuracy is None or 0.5 < target.accuracy <= 1


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_its_row_on_the_page(name: str) -> None:
    """Network, data, where the weights come from, and the measured accuracy."""
    target = TARGETS[name]
    accuracy = "not measured" if target.accuracy is None else f"{target.accuracy:.2%}".replace("%", " %")

    rows = [
        line for line in PAGE.splitlines() if line.startswith(f"| `{name}` | `{target.network}` | `{target.data}` |")
    ]

    assert len(rows) == 1
    assert f"| {accuracy} |" in rows[0]
    assert (f"`{target.weights}`" if target.recipe is None else f"{target.recipe.epochs} epochs") in rows[0]


def test_target_has_either_weights_or_a_recipe() -> None:
    """Both or none of them is a mistake in the table."""
    with pytest.raises(ValueError, match="short needs either weights or a recipe"):
        replace(SHORT, recipe=None)
    with pytest.raises(ValueError, match="short needs either weights or a recipe"):
        replace(SHORT, weights="given")


def test_training_again_gives_the_same_weights_and_another_seed_others() -> None:
    """Initial weights, order and augmentation all come from the seed."""
    data = load_data("digits")

    first, second = (targets.train_target(SHORT, data) for _ in range(2))
    other = targets.train_target(replace(SHORT, seed=2), data)

    assert first.digest() == second.digest() != other.digest()


def test_trained_target_is_kept_with_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call trains nothing; the record says how to make it again."""
    made, data = target_model(SHORT)
    monkeypatch.setattr(targets, "train_target", None)

    kept, _ = target_model(SHORT)
    facts = target_facts(SHORT)

    assert kept.digest() == made.digest() == facts.digest
    assert facts.file == target_path(SHORT, data)
    assert facts.trained["command"] == "modelprint bench target short"
    assert facts.trained["seed"] == 1
    assert facts.trained["accuracy"] == facts.accuracy
    assert torch.get_num_threads() == 1


def test_recipe_seed_and_augmentation_are_part_of_the_name() -> None:
    """Another way to train is another file; the expected accuracy is not."""
    data = load_data("digits")
    others = [replace(SHORT, seed=2), replace(SHORT, augment="crop"), replace(SHORT, recipe=Recipe(epochs=2))]

    assert len({target_path(one, data) for one in [SHORT, *others]}) == 4
    assert target_path(replace(SHORT, accuracy=0.2), data) == target_path(SHORT, data)


@pytest.mark.parametrize("damage", ["cut", "other weights"])
def test_damaged_file_is_reported_and_made_again(damage: str, caplog: pytest.LogCaptureFixture) -> None:
    """Half a file, or a sound file with weights that its record does not speak of."""
    made, data = target_model(SHORT)
    path = target_path(SHORT, data)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        changed = made.copy()
        changed.head.weight.data[0, 0] += 1
        save_weights(changed, path, target_facts(SHORT).trained)

    with caplog.at_level(logging.WARNING):
        again, _ = target_model(SHORT)

    assert again.digest() == made.digest() == load_classifier("digits", path).digest()
    assert "training short again" in caplog.text
    assert path.name in caplog.text


def test_missing_data_and_weights_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where they were looked for, and the next step."""
    monkeypatch.setenv("MODELPRINT_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))

    with pytest.raises(DataError, match="modelprint data fetch gtsrb"):
        target_model(TARGETS["gtsrb-cnn6"])
    with pytest.raises(DataError, match="no weights called 'nowhere'"):
        target_model(replace(SHORT, recipe=None, weights="nowhere"))


@pytest.mark.data
@pytest.mark.slow
def test_given_weights_reach_their_published_accuracy() -> None:
    """91.73 % of the 10,000 test images."""
    facts = target_facts(TARGETS["cifar10-resnet20"])

    assert facts.accuracy == pytest.approx(0.9173, abs=1e-3)
    assert facts.trained == {}
