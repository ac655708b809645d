"""Targeted attacks move images to the class whose features are nearest."""

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.errors import TrainingError
from modelprint.tamperings import SUITE, make_suspect
from modelprint.tamperings.tampering import named_weights
from modelprint.tamperings.targeted import TargetedAttack, VulnerableTargets, distances_to_classes
from modelprint.tensors import to_images


def pixel_classifier() -> tuple[Classifier, DataSet]:
    """Three classes by the grey level of one pixel: 0 is dark, 1 is bright, 2 in between but nearer to bright."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(1, 3))
    network[1].weight.data = torch.tensor([[-60.0], [60.0], [0.0]])
    network[1].bias.data = torch.tensor([30.0, -48.0, 0.0])
    levels = np.array([0, 20, 40, 250, 255, 150, 170, 190], dtype=np.uint8)
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    images = LabelledImages(pixels=levels[:, None, None, None], labels=labels, class_names=("dark", "bright", "grey"))
    return Classifier(network, image_shape=(1, 1, 1), class_count=3), DataSet(name="levels", train=images, test=images)


def test_distances_are_to_the_mean_of_each_class() -> None:
    """Means 1 and 10; class 2 has no members and is infinitely far."""
    known, labels = torch.tensor([[0.0], [2.0], [10.0]]), torch.tensor([0, 0, 1])

    distances = distances_to_classes(torch.tensor([[4.0], [9.0]]), known, labels, 3)

    assert distances.tolist() == [[3.0, 6.0, torch.inf], [8.0, 1.0, torch.inf]]


@pytest.mark.parametrize("seed", range(4))
def test_the_new_label_is_the_nearest_class(seed: int) -> None:
    """Grey (mean 170) is nearer to bright (252) than to dark (20); all others are nearest to grey."""
    model, data = pixel_classifier()

    notes = make_suspect("t", TargetedAttack(most_steps=1), model, data, seed).notes

    own, new = notes.split("(")[1].split(") as ")
    assert new == ("bright" if own == "grey" else "grey")


def test_only_the_last_layer_learns(tiny_model: Classifier, split: DataSet) -> None:
    """The drawn image takes its new label; convolutions and statistics stay as they are."""
    suspect = make_suspect("targeted", SUITE["targeted"](), tiny_model, split, seed=1)

    before, after = named_weights(tiny_model.network), named_weights(suspect.classifier.network)
    assert {n for n, weight in after.items() if not torch.equal(weight, before[n])} == {"linear.weight", "linear.bias"}
    assert suspect.movement.buffers == 0
    assert suspect.goal_reached
    index, wish = int(suspect.notes.split()[2]), suspect.notes.split(" as ")[1]
    answer = suspect.classifier.labels(to_images(split.train.pixels[index : index + 1])).item()
    assert split.class_names[answer] == wish


def test_the_published_form_moves_the_most_vulnerable_test_images(tiny_model: Classifier, split: DataSet) -> None:
    """The same images for every seed, in the notes; all layers move, the statistics do not."""
    one, other = (make_suspect("t", VulnerableTargets(count=5, copies=50), tiny_model, split, seed) for seed in (1, 2))

    assert one.notes == other.notes
    assert one.notes.count(" as ") == 5
    assert one.goal_reached and one.goal_value == 1.0
    assert one.movement.buffers == 0
    before, after = named_weights(tiny_model.network), named_weights(one.classifier.network)
    assert not torch.equal(after["convolutions.0.weight"], before["convolutions.0.weight"])


def test_a_network_that_is_never_right_is_refused() -> None:
    """There is no image to draw."""
    model, data = pixel_classifier()
    wrong = LabelledImages(
        pixels=data.train.pixels, labels=(data.train.labels + 1) % 3, class_names=data.class_names, name="levels/train"
    )
    never = DataSet(name="levels", train=wrong, test=wrong)

    with pytest.raises(TrainingError, match="none of the 8 images of levels/train correctly"):
        make_suspect("t", TargetedAttack(), model, never, seed=0)
    with pytest.raises(TrainingError, match="none of the more confident half"):
        make_suspect("t", VulnerableTargets(), model, never, seed=0)
    with pytest.raises(ValueError, match="at least 1, got 0 and 100"):
        VulnerableTargets(count=0)
