"""Training to a goal stops as soon as the goal is reached, and states the number."""

import pytest
import torch
from torch import nn

from modelprint.progress import ignore_progress
from modelprint.streams import stream
from modelprint.tamperings.goal import Goal, train_to_goal
from modelprint.training import Recipe, TensorBatches

BATCHES = TensorBatches(inputs=torch.ones(8, 1), labels=torch.zeros(8, dtype=torch.int64))
RECIPE = Recipe(learning_rate=1.0, batch=1, epochs=100)


def count_up(network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Raise the only weight by 1 in each step of learning rate 1."""
    loss = -network(inputs).sum()
    loss.backward()
    return loss


@pytest.mark.parametrize(("bound", "check_every", "steps"), [(7, 1, 7), (7, 5, 10), (0, 10, 0)])
def test_training_ends_at_the_first_check_that_finds_the_goal_reached(bound: int, check_every: int, steps: int) -> None:
    """The weight counts the steps; a goal that holds from the start takes none."""
    network = nn.Linear(1, 1, bias=False)
    network.weight.data.zero_()
    goal = Goal(text=f"weight at least {bound}", measure=weight_of, is_met=lambda weight: weight >= bound)

    result = train_to_goal(
        goal,
        network,
        BATCHES,
        RECIPE,
        stream(0),
        objective=count_up,
        most_steps=50,
        check_every=check_every,
        progress=ignore_progress,
    )

    assert (result.steps, result.goal_value, result.goal_reached) == (steps, float(steps), True)
    assert result.goal == f"weight at least {bound}"


def test_a_goal_out_of_reach_ends_after_the_most_steps() -> None:
    """The number reached is stated, and that it was not enough."""
    network = nn.Linear(1, 1, bias=False)
    network.weight.data.zero_()
    goal = Goal(text="weight at least 99", measure=weight_of, is_met=lambda weight: weight >= 99)

    result = train_to_goal(
        goal, network, BATCHES, RECIPE, stream(0), objective=count_up, most_steps=12, progress=ignore_progress
    )

    assert (result.steps, result.goal_value, result.goal_reached) == (12, 12.0, False)


def weight_of(network: nn.Module) -> float:
    """Return the only weight; measured in evaluation mode, without gradients."""
    assert not network.training
    assert not torch.is_grad_enabled()
    return next(network.parameters()).item()
