"""The subtlest possible change: look every few steps whether the goal is met, and stop as soon as it is.

Source: MiSentry appendix C.2: goals are checked every 10 steps.

Departures: the goal is also looked at before the first step, so a suspect whose goal the original meets already takes
none and says so.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from modelprint.progress import Progress
from modelprint.tamperings.tampering import Tampered
from modelprint.training import Batches, Objective, Recipe, cross_entropy, train

CHECK_EVERY = 10


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A number of a network and when it is good enough.

    Attributes:
        text: What the number is and what it has to be, e.g. "success on triggered test images above 0.9".
        measure: Returns the number; the network is in evaluation mode, gradients are off.
        is_met: Whether a number is good enough.
    """

    text: str
    measure: Callable[[nn.Module], float]
    is_met: Callable[[float], bool]


def train_to_goal(
    goal: Goal,
    network: nn.Module,
    batches: Batches,
    recipe: Recipe,
    rng: torch.Generator,
    *,
    objective: Objective = cross_entropy,
    most_steps: int,
    check_every: int = CHECK_EVERY,
    progress: Progress,
) -> Tampered:
    """Train `network`, in place, until the goal is met or `most_steps` are taken; say which, and the number reached.

    The recipe's epochs bound the steps as well: whichever comes first.
    """

    def is_finished(steps: int) -> bool:
        if steps >= most_steps:
            return True
        if steps % check_every:
            return False
        return goal.is_met(_measure_goal(goal, network))

    steps = train(network, batches, recipe, rng, objective=objective, is_finished=is_finished, progress=progress)
    value = _measure_goal(goal, network)
    return Tampered(network=network, steps=steps, goal=goal.text, goal_value=value, goal_reached=goal.is_met(value))


def _measure_goal(goal: Goal, network: nn.Module) -> float:
    network.eval()
    with torch.no_grad():
        return goal.measure(network)
