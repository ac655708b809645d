"""Knowledge distillation: a student of the same architecture is trained on the teacher's outputs, from random weights.

Source: MiSentry appendix C.2 (alpha 1.0, temperature 3.0, the schedule of retraining; the student is not specified) and
G. Hinton, O. Vinyals and J. Dean, "Distilling the Knowledge in a Neural Network", 2015: the divergence of the softened
probabilities, times the squared temperature. With alpha 1 the true labels are not used.

Departures: `schedule="one-cycle"` is a shortened form for machines without accelerator, as in retraining.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody uses
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fast.folding import make_quick_copy
from modelprint.fast.known import agreement_on
from modelprint.progress import Progress
from modelprint.tamperings.retrain import Schedule, make_start_recipe, reset, train_on_images
from modelprint.tamperings.tampering import Tampered
from modelprint.tensors import Labels, Logits


@dataclass(frozen=True, kw_only=True)
class Distil:
    """Reset all weights and train on the original's outputs.

    Attributes:
        temperature: Divisor of the logits of both networks.
        schedule: "plateau" (the paper's, Adam) or "one-cycle" (shortened, SGD with momentum).
        learning_rate: First, or peak, learning rate.
        epochs: Passes over the data, at most.
        batch: Images per step.
    """

    temperature: float = 3.0
    schedule: Schedule = "plateau"
    learning_rate: float = 1e-3
    epochs: int = 100
    batch: int = 64

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"temperature must be positive, got {self.temperature}")

    @property
    def deterministic(self) -> bool:
        """The initial weights differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the student."""
        teacher, student = make_quick_copy(model), model.copy()
        reset(student.network, rng)

        def loss(logits: Logits, inputs: Tensor, labels: Labels) -> Tensor:
            return divergence(teacher.logits(inputs), logits, self.temperature)

        recipe = make_start_recipe(self.schedule, self.learning_rate, self.epochs, self.batch)
        steps = train_on_images(student.network, data.train, recipe, rng, loss=loss, progress=progress)
        agreement = agreement_on(data.test, student, model)
        return Tampered(
            network=student.network, steps=steps, notes=f"agrees with its teacher on {agreement:.2%} of the test images"
        )


def divergence(teacher: Logits, student: Logits, temperature: float) -> Tensor:
    """Return KL(teacher || student) of the softened probabilities, averaged over images, times temperature squared."""
    expected, given = (F.log_softmax(logits / temperature, dim=1) for logits in (teacher, student))
    return temperature**2 * F.kl_div(given, expected, reduction="batchmean", log_target=True)
