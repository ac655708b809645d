"""The smallest sufficient change: check the goal every few steps, and stop as soon as it is reached.

Source: MiSentry appendix C.2: goals are checked every 10 steps.

Departures: the goal is also checked before the first step; if the original already meets it, no step is taken, and the
record says so.
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
    """A number measured on a network, and the condition it must fulfil.

    Attributes:
        text: The number and its condition in words, e.g. "success on triggered test images above 0.9".
        measure: Returns the number; the network is in evaluation mode, gradients are off.
        is_met: Returns whether a number fulfils the condition.
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
    """Train `network`, in place, until the goal is met or `most_steps` are taken, and return the result.

    The recipe's epochs limit the steps as well.
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
