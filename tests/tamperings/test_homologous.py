"""A homologous model shares images with the victim, exactly as many as asked, and nothing else."""

import pytest

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.data.data_set import set_aside
from modelprint.errors import TrainingError
from modelprint.streams import stream
from modelprint.tamperings import make_suspect
from modelprint.tamperings.homologous import Homologous, draw_overlapping


def contents(images: LabelledImages) -> set[bytes]:
    """Return the pixels of each image."""
    return {one.tobytes() for one in images.pixels}


@pytest.mark.parametrize(("overlap", "shared"), [(0.0, 0), (0.25, 8), (0.9, 29), (1.0, 32)])
def test_the_overlap_is_exact(overlap: float, shared: int, split: DataSet) -> None:
    """So many images are the victim's, the others are none of them, and none comes twice."""
    data = set_aside(split, 0.5)

    images, counted = draw_overlapping(data, overlap, 32, stream(1))

    assert counted == shared
    assert len(contents(images)) == len(images) == 32
    assert len(contents(images) & contents(data.train)) == shared
    assert data.spare is not None
    assert len(contents(images) & contents(data.spare)) == 32 - shared


def test_the_record_says_which_overlap_was_used(tiny_model: Classifier, split: DataSet) -> None:
    """A third of ten images is three, and the number that counts is 0.3."""
    tampering = Homologous(overlap=1 / 3, images=10, epochs=1)

    suspect = make_suspect("h", tampering, tiny_model, set_aside(split, 0.5), seed=1)

    assert suspect.goal_value == 0.3
    assert suspect.goal_reached
    assert suspect.notes == "tiny; 3 of 10 training images are the victim's"


def test_it_owes_nothing_to_the_victims_weights(tiny_model: Classifier, split: DataSet) -> None:
    """Another victim of the same data and architecture, the same homologous model."""
    other = tiny_model.copy()
    for weight in other.network.parameters():
        weight.data.add_(1.0)
    data, tampering = set_aside(split, 0.5), Homologous(overlap=0.5, epochs=1)

    first, second = (make_suspect("h", tampering, victim, data, seed=1) for victim in (tiny_model, other))

    assert first.classifier.digest() == second.classifier.digest()


def test_it_learns_the_task_in_another_architecture(tiny_model: Classifier, split: DataSet) -> None:
    """Every test image right, from images that the victim did not see."""
    tampering = Homologous(network="cnn3", epochs=40, batch=16)

    suspect = make_suspect("h", tampering, tiny_model, set_aside(split, 0.5), seed=1)

    assert suspect.classifier.name == "cnn3"
    assert suspect.movement.accuracy_after > 0.9


def test_without_spare_images_only_a_full_overlap_can_be(tiny_model: Classifier, split: DataSet) -> None:
    """The refusal says how to get some."""
    with pytest.raises(TrainingError, match=r"tiny has no spare images.*e\.g\. tiny@0"):
        make_suspect("h", Homologous(overlap=0.5), tiny_model, split, seed=1)

    images, shared = draw_overlapping(split, 1.0, 64, stream(1))

    assert contents(images) == contents(split.train)
    assert shared == 64


def test_more_images_than_there_are_is_refused(split: DataSet) -> None:
    """Of either kind, with the numbers."""
    data = set_aside(split, 0.5)

    with pytest.raises(TrainingError, match=r"needs 36 of the victim's images, and tiny@0\.5/train has 32"):
        draw_overlapping(data, 0.9, 40, stream(1))
    with pytest.raises(TrainingError, match=r"needs 40 of the spare images, and tiny@0\.5/spare has 32"):
        draw_overlapping(data, 0.0, 40, stream(1))


def test_settings_that_mean_nothing_are_refused() -> None:
    """An overlap is a share, images are counted."""
    with pytest.raises(ValueError, match=r"overlap is a share of the training images, 0 to 1, got 1\.1"):
        Homologous(overlap=1.1)
    with pytest.raises(ValueError, match="images is a number of training images"):
        Homologous(images=-1)
