"""A student learns the victim from its answers alone, and every question counts."""

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.data.data_set import set_aside
from modelprint.errors import TrainingError
from modelprint.streams import stream
from modelprint.tamperings import extract, make_suspect
from modelprint.tamperings.extract import Answered, Extract, ask, fit_images, move_images
from modelprint.tensors import to_images


def brighter_right() -> Classifier:
    """Two pixels: the class says whether the right one is brighter; the probability depends on by how much."""
    linear = nn.Linear(2, 2)
    linear.weight.data = torch.tensor([[4.0, -4.0], [-4.0, 4.0]])
    linear.bias.data.zero_()
    return Classifier(nn.Sequential(nn.Flatten(), linear), image_shape=(1, 1, 2), class_count=2, name="linear")


def pairs(count: int, *, apart: int = 0) -> LabelledImages:
    """Return random pairs of pixels that differ by `apart` at least, labelled as `brighter_right` does."""
    pixels = np.random.default_rng(apart).integers(0, 256, (50 * count, 1, 1, 2), dtype=np.uint8)
    difference = pixels[:, 0, 0, 1].astype(int) - pixels[:, 0, 0, 0]
    kept = (np.abs(difference) > apart).nonzero()[0][:count]
    labels = (difference[kept] > 0).astype(np.int64)
    return LabelledImages(pixels=pixels[kept], labels=labels, class_names=("left", "right"), name="pairs")


@pytest.mark.parametrize("answers", ["labels", "probabilities"])
def test_a_linear_victim_is_recovered_to_the_label(answers: str) -> None:
    """Where the pixels differ by a twentieth of the range, the student says what the victim says, every time."""
    data = DataSet(name="pairs", train=pairs(400), test=pairs(500, apart=13))
    tampering = Extract(answers=answers, queries=800, seeds=400, learning_rate=0.5, epochs=5, batch=16, agreement=1.0)

    suspect = make_suspect("e", tampering, brighter_right(), data, seed=1)

    assert suspect.goal_reached
    assert suspect.goal_value == 1 - suspect.movement.labels_changed == 1
    assert suspect.movement.accuracy_after == 1


@pytest.mark.parametrize(
    ("tampering", "asked"),
    [
        (Extract(queries=40, seeds=10, epochs=1), [10, 10, 20]),
        (Extract(queries=35, seeds=10, epochs=1), [10, 10, 15]),
        (Extract(queries=10, seeds=10, epochs=1), [10]),
        (Extract(queries=35, growth="none", epochs=1), [35]),
        (Extract(queries=35, growth="none", source="digits", epochs=1), [35]),
    ],
)
def test_the_budget_is_spent_to_the_last_query(
    tampering: Extract,
    asked: list[int],
    tiny_model: Classifier,
    split: DataSet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each round doubles what was asked, the last one as far as the budget goes; the student adds no query."""
    counts = []

    def counting(victim: Classifier, pixels: np.ndarray, form: str) -> Answered:
        counts.append(len(pixels))
        return ask(victim, pixels, form)

    monkeypatch.setattr(extract, "ask", counting)

    suspect = make_suspect("e", tampering, tiny_model, split, seed=1)

    assert counts == asked
    assert f"{sum(asked)} queries for labels, {asked[0]} of them images of" in suspect.notes
    assert f"in {len(asked) - 1} rounds" in suspect.notes
    assert suspect.goal_value == pytest.approx(1 - suspect.movement.labels_changed)


def test_images_move_along_the_sign_of_the_students_gradient_for_the_victims_label() -> None:
    """Towards the class the victim names, in either pixel by as many levels, and not past black and white."""
    pixels = np.array([[100, 100], [100, 100], [10, 250]], np.uint8).reshape(3, 1, 1, 2)
    asked = Answered(pixels=pixels, answers=torch.tensor([[1.0, 0.0], [0.2, 0.8], [0.4, 0.6]]))

    after = move_images(brighter_right().network, asked, levels=26)

    assert after.reshape(3, 2).tolist() == [[126, 74], [74, 126], [0, 255]]


def test_a_round_keeps_the_old_images_and_adds_one_near_each(tiny_model: Classifier, split: DataSet) -> None:
    """Twice as many, the first half unchanged, no pixel of the second further away than the step."""
    first = ask(tiny_model, split.train.pixels, "labels")

    whole = first.join(ask(tiny_model, move_images(tiny_model.network, first, levels=26), "labels"))

    assert len(whole) == 2 * len(first)
    assert np.array_equal(whole.pixels[:64], first.pixels)
    distance = np.abs(whole.pixels[64:].astype(int) - first.pixels)
    assert distance.max() == 26
    assert (distance == 26).mean() > 0.8


@pytest.mark.parametrize("form", ["labels", "probabilities"])
def test_the_victim_gives_away_what_the_form_says(form: str, tiny_model: Classifier, split: DataSet) -> None:
    """A one at the label and zeros, or the softmax of its logits."""
    answered = ask(tiny_model, split.test.pixels, form)

    logits = tiny_model.logits(to_images(split.test.pixels))
    expected = torch.eye(4)[logits.argmax(1)] if form == "labels" else logits.softmax(1)
    torch.testing.assert_close(answered.answers, expected, rtol=1e-4, atol=1e-6)


def test_batches_keep_images_and_answers_together() -> None:
    """In any order, the position that comes with an image is its own."""
    pixels = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    answered = Answered(pixels=pixels, answers=torch.eye(10))

    batches = list(answered.epoch(4, stream(0)))

    assert [len(index) for _, index in batches] == [4, 4, 2]
    for images, index in batches:
        assert torch.equal((images.flatten() * 255).round().long(), index)
    drawn = answered.draw(3, stream(1))
    assert drawn.answers.argmax(1).tolist() == drawn.pixels.flatten().tolist()
    assert len(set(drawn.pixels.flatten().tolist())) == 3


def test_seeds_are_images_that_the_victim_did_not_learn_from(tiny_model: Classifier, split: DataSet) -> None:
    """Where a part was set aside the notes name it; it bounds what can be drawn."""
    data = set_aside(split, 0.5)
    tampering = Extract(queries=32, seeds=32, epochs=1)

    assert "32 of them images of tiny@0.5/spare" in make_suspect("e", tampering, tiny_model, data, seed=1).notes
    with pytest.raises(TrainingError, match=r"tiny@0\.5/spare has 32 images, but 33 are needed; set seeds lower"):
        make_suspect("e", Extract(queries=40, seeds=33), tiny_model, data, seed=1)
    with pytest.raises(TrainingError, match=r"40 are needed; set queries lower"):
        make_suspect("e", Extract(queries=40, growth="none"), tiny_model, data, seed=1)


def test_images_of_another_kind_are_made_to_fit() -> None:
    """Colours become their mean, grey becomes three equal channels, sizes are those asked for; the rest stays."""
    colour = np.zeros((2, 3, 8, 8), np.uint8) + np.array([30, 60, 90], np.uint8).reshape(3, 1, 1)

    grey = fit_images(colour, (1, 4, 4))

    assert grey.shape == (2, 1, 4, 4)
    assert (grey == 60).all()
    assert (fit_images(grey, (3, 8, 8)) == 60).all()
    assert fit_images(grey, (3, 8, 8)).shape == (2, 3, 8, 8)
    assert fit_images(colour, (3, 8, 8)) is colour


def test_a_student_of_another_architecture_bears_its_name(tiny_model: Classifier, split: DataSet) -> None:
    """A network by name; one that takes no such images is refused with those that do."""
    suspect = make_suspect("e", Extract(queries=16, seeds=8, epochs=1, network="cnn3"), tiny_model, split, seed=1)

    assert suspect.classifier.name == "cnn3"
    assert suspect.notes.startswith("cnn3; 16 queries")
    with pytest.raises(
        TrainingError, match=r"vgg11 is not a network for images of shape \(1, 8, 8\); choose one of .*cnn3"
    ):
        make_suspect("e", Extract(queries=16, seeds=8, network="vgg11"), tiny_model, split, seed=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"queries": 0}, "queries must be at least 1, got 0"),
        ({"queries": 10, "seeds": 11}, "seeds are some of the 10 queries, at least 1, got 11"),
        ({"seeds": 0}, "at least 1, got 0"),
        ({"step": 0.0}, "step is at least one grey level"),
        ({"step": 1.5}, "at most 1, got 1.5"),
        ({"agreement": 0.0}, "agreement is a share of the test images"),
        ({"source": "photos"}, "source is the name of a data set, one of digits, .*, got 'photos'"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, object], message: str) -> None:
    """Each with what it is and what was given."""
    with pytest.raises(ValueError, match=message):
        Extract(**settings)
