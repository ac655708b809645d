"""The training loop does what its recipe says, and nothing else."""

import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import TrainingError
from modelprint.streams import stream
from modelprint.training import (
    ImageBatches,
    Recipe,
    TensorBatches,
    choose_augmentation,
    hold_out,
    shift_and_flip,
    train,
)


def test_one_sgd_step_is_the_one_worked_out_by_hand() -> None:
    """Two classes, weight zero: the gradient is (softmax - one-hot) x input, so each weight moves by rate * x / 2."""
    layer = nn.Linear(1, 2, bias=False)
    layer.weight.data.zero_()
    batches = TensorBatches(inputs=torch.tensor([[3.0]]), labels=torch.tensor([0]))

    steps = train(layer, batches, Recipe(learning_rate=0.1), stream(0))

    assert steps == 1
    torch.testing.assert_close(layer.weight.data, torch.tensor([[0.15], [-0.15]]))


@pytest.mark.parametrize("mode", ["train", "frozen"])
def test_running_statistics_move_only_in_training_mode(mode: str, tiny_model: Classifier, split: DataSet) -> None:
    """Frozen batch norm means evaluation mode throughout."""
    norm = next(m for m in tiny_model.network.modules() if isinstance(m, nn.BatchNorm2d))
    before = norm.running_mean.clone()

    train(tiny_model.network, ImageBatches(data=split.train), Recipe(batch_norm=mode), stream(0))  # type: ignore[arg-type]

    assert torch.equal(norm.running_mean, before) == (mode == "frozen")
    assert not tiny_model.network.training


def test_plateau_ends_two_tenths_after_the_loss_stops_falling() -> None:
    """Patience 5, twice from 1e-3 to 1e-5, and below that it stops: epoch 1 is the best, then 3 times 6 more."""
    layer = nn.Linear(1, 2)
    batches = TensorBatches(inputs=torch.ones(4, 1), labels=torch.tensor([0, 1, 0, 1]))
    recipe = Recipe(optimiser="adam", schedule="plateau", epochs=100, batch=4)

    steps = train(layer, batches, recipe, stream(0), validation=lambda: 1.0)

    assert steps == 1 + 3 * 6
    with pytest.raises(ValueError, match="validation loss"):
        train(layer, batches, recipe, stream(0))


def test_one_cycle_learns_and_ends_near_zero(split: DataSet) -> None:
    """Progress is told step by step; the whole cycle is used."""
    seen: list[int] = []
    layer = nn.Linear(2, 2)
    batches = TensorBatches(inputs=torch.eye(2).repeat(20, 1), labels=torch.tensor([0, 1]).repeat(20))
    recipe = Recipe(learning_rate=1.0, momentum=0.9, schedule="one-cycle", epochs=3, batch=10)

    train(layer, batches, recipe, stream(0), progress=lambda _, done, total: seen.append(total - done))

    assert layer(torch.eye(2)).argmax(1).tolist() == [0, 1]
    assert seen[0] == 12 and seen[-1] == 0


def test_a_loss_that_is_no_number_stops_with_a_hint() -> None:
    """No network full of NaN is handed back in silence."""
    batches = TensorBatches(inputs=torch.full((2, 1), torch.inf), labels=torch.tensor([0, 1]))

    with pytest.raises(TrainingError, match="after 0 steps; try a smaller learning rate"):
        train(nn.Linear(1, 2), batches, Recipe(), stream(0))


def test_shifts_stay_within_an_eighth_and_flips_mirror() -> None:
    """A single bright pixel ends at most one pixel away on 8x8 images, mirrored or not."""
    pixels = torch.zeros(200, 1, 8, 8, dtype=torch.uint8)
    pixels[:, 0, 4, 2] = 9

    plain = shift_and_flip(pixels, flip=False, rng=stream(0)).nonzero()
    mirrored = shift_and_flip(pixels, flip=True, rng=stream(0)).nonzero()

    assert set(plain[:, 2].tolist()) == {3, 4, 5}
    assert set(plain[:, 3].tolist()) == {1, 2, 3}
    assert set(mirrored[:, 3].tolist()) == {1, 2, 3, 4, 5, 6}


def test_an_epoch_shows_every_image_once(split: DataSet) -> None:
    """Without augmentation the pixels come back, in another order."""
    batches = ImageBatches(data=split.train)

    seen = torch.cat([images for images, _ in batches.epoch(10, stream(1))])

    sums = (seen * 255).sum((1, 2, 3)).round().int().tolist()
    assert sorted(sums) == sorted(split.train.pixels.sum((1, 2, 3)).tolist())
    assert choose_augmentation(split.train) == "crop"


def test_held_out_indices_are_the_rest() -> None:
    """A partition of all indices."""
    rest, held = hold_out(10, 0.3, stream(0))

    assert sorted(rest.tolist() + held.tolist()) == list(range(10))
    assert len(held) == 3


@pytest.mark.parametrize("wrong", [{"learning_rate": 0.0}, {"batch": 0}, {"epochs": 0}])
def test_impossible_recipes_are_refused(wrong: dict[str, float]) -> None:
    """Before any training."""
    with pytest.raises(ValueError, match="must be"):
        Recipe(**wrong)  # type: ignore[arg-type]
