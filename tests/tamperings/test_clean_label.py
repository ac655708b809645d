"""Poison keeps its true label and stays near its image; it is only harder to see for what it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.progress import ignore_progress
from modelprint.streams import stream
from modelprint.tamperings import make_suspect
from modelprint.tamperings.clean_label import CleanLabel, Collision, draw_victim, find_nearest
from modelprint.tamperings.tampering import named_weights
from modelprint.tamperings.trunk import make_trunk
from modelprint.tensors import to_images

QUICK = CleanLabel(learning_rate=3e-3, batch=8, epochs=100, injection=1.0, bound=64.0, push=16.0, clean_loss=1.0)
QUICK_COLLISION = Collision(learning_rate=1e-2, batch=8, epochs=50, pushes=50, bound=64.0, push=2.0, per_batch=4)


def test_pushed_images_stay_near_and_lose_their_class(tiny_model: Classifier, split: DataSet) -> None:
    """Half of class 2, no pixel moved by more than 8 grey levels, a higher loss on nearly every image."""
    pushed = CleanLabel(target=2, injection=0.5).poison(tiny_model, split.train, stream(0), ignore_progress)

    assert len(pushed) == 8
    assert (pushed.labels == 2).all()
    originals = split.train.pixels[split.train.labels == 2].astype(int)
    for image in pushed.pixels.astype(int):
        change = np.abs(originals - image).max(axis=(1, 2, 3)).min()
        assert 0 < change <= 8
    labels = torch.full((8,), 2)
    loss_before = F.cross_entropy(tiny_model.logits(to_images(originals.astype(np.uint8))), torch.full((16,), 2))
    assert F.cross_entropy(tiny_model.logits(to_images(pushed.pixels)), labels) > 2 * loss_before


def test_poison_is_limited_by_the_size_of_the_data_set_too(tiny_model: Classifier, split: DataSet) -> None:
    """A twentieth of 64 images is 3, less than half of the class; no class is so small that there is no poison."""
    few = CleanLabel(injection=0.05).poison(tiny_model, split.train, stream(0), ignore_progress)
    lone = split.train.take([0, 1, 2, 3])
    one = CleanLabel(injection=0.5).poison(tiny_model, lone, stream(0), ignore_progress)

    assert (len(few), len(one)) == (3, 1)


def test_the_trigger_stands_for_the_class_without_a_wrong_label(tiny_model: Classifier, split: DataSet) -> None:
    """Triggered test images of other classes take the target label."""
    suspect = make_suspect("clean-label", QUICK, tiny_model, split, seed=1)

    assert suspect.goal_reached
    assert suspect.goal_value is not None
    assert suspect.goal_value > 0.9
    assert suspect.movement.buffers == 0


def test_a_collision_brings_features_together_within_the_bound(tiny_model: Classifier, split: DataSet) -> None:
    """The poison looks like its own image and nearly like the victim to the last layer."""
    base, victim = split.train.take([0]), split.test.take([1])

    poison, gap = QUICK_COLLISION.collide(make_trunk(tiny_model), base, victim, ignore_progress)

    assert np.abs(poison.pixels.astype(int) - base.pixels).max() <= 64
    assert (poison.labels == base.labels).all()
    features = [tiny_model.features(to_images(part.pixels)) for part in (base, poison, victim)]
    distances = [(features[2] - f).pow(2).sum().item() for f in features[:2]]
    assert gap == pytest.approx(distances[1] / distances[0], rel=1e-3)
    assert gap < 0.3


def test_the_victim_takes_the_label_of_the_base(tiny_model: Classifier, split: DataSet) -> None:
    """The last layer alone learns it; the notes say how well the features met."""
    suspect = make_suspect("clean-label-collision", QUICK_COLLISION, tiny_model, split, seed=1)

    assert suspect.goal_reached
    assert suspect.goal_value is not None
    assert suspect.goal_value > 0
    before, after = named_weights(tiny_model.network), named_weights(suspect.classifier.network)
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"linear.weight", "linear.bias"}
    assert suspect.movement.buffers == 0
    assert "squared distance of the features" in suspect.notes


def test_the_victim_is_an_image_the_model_gets_right(tiny_model: Classifier, split: DataSet) -> None:
    """Otherwise there would be nothing to attack."""
    for label in range(4):
        image = draw_victim(tiny_model, split.test, label, stream(label))

        assert len(image) == 1
        assert image.labels.item() == label == tiny_model.labels(to_images(image.pixels)).item()


def test_the_poison_is_made_from_the_image_of_its_class_with_the_nearest_features(
    tiny_model: Classifier, split: DataSet
) -> None:
    """The features of one image are nearest to themselves; those of another class are not looked at."""
    of_two = np.flatnonzero(split.train.labels == 2)
    features = tiny_model.features(to_images(split.train.pixels))

    own = find_nearest(tiny_model, split.train, 2, features[of_two[3:4]])
    other = find_nearest(tiny_model, split.train, 1, features[of_two[3:4]])

    assert np.array_equal(own.pixels, split.train.pixels[of_two[3:4]])
    assert other.labels.tolist() == [1]
    with pytest.raises(ValueError, match="no images of class 2"):
        find_nearest(tiny_model, split.train.take([0, 1]), 2, features[:1])


def test_wrong_settings_are_named(tiny_model: Classifier, split: DataSet) -> None:
    """Equal classes, and a share that is none."""
    with pytest.raises(ValueError, match="must be different classes, got 1 for both"):
        Collision(base=1)
    with pytest.raises(ValueError, match="at most 1, got 0"):
        replace(QUICK, injection=0.0)
    with pytest.raises(ValueError, match="from 0 to 3, got 7"):
        make_suspect("clean-label", replace(QUICK, target=7), tiny_model, split, seed=0)
    with pytest.raises(ValueError, match="from 0 to 3, got 7"):
        make_suspect("clean-label-collision", Collision(victim=7), tiny_model, split, seed=0)
    with pytest.raises(ValueError, match="no images of the target class 2"):
        CleanLabel(target=2).poison(tiny_model, split.train.take([0, 1]), stream(0), ignore_progress)
