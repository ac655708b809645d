"""An extraction from somebody else: it looks like a copy, and is none of the classifier's.

Our own, since no paper asks for it: an encoder that learns what copies are from extracted models, and what others are
from models that were trained on labels of people, may learn what extraction leaves behind, and accuse whoever extracted
another model.
"""

from dataclasses import dataclass, replace

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.progress import Progress
from modelprint.tamperings.extract import Extract
from modelprint.tamperings.homologous import Homologous
from modelprint.tamperings.tampering import Tampered


@dataclass(frozen=True, kw_only=True)
class ExtractOther(Extract):
    """Train another model for the task, and extract that one.

    All settings of `Extract` are there, for the extraction.

    Attributes:
        shared: Share of the other model's training images that the classifier learned from as well, 0..1; 1 for all of
            them, which is all there is where the data set has no spare images.
        other_epochs: Passes of the other model over its images.
        other_learning_rate: At the peak of its cycle.
    """

    shared: float = 1.0
    other_epochs: int = 10
    other_learning_rate: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.other

    @property
    def other(self) -> Homologous:
        """How the model that is extracted is made."""
        return Homologous(
            overlap=self.shared, epochs=self.other_epochs, learning_rate=self.other_learning_rate, batch=self.batch
        )

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the student of another model; TrainingError when there are too few images for either."""
        trained = self.other.apply(model, data, rng, progress)
        made = super().apply(model.with_network(trained.network.eval()), data, rng, progress)
        return replace(
            made,
            steps=trained.steps + made.steps,
            goal=made.goal.replace("the victim's label", "the other model's label"),
            notes=f"{made.notes}; extracted from a model of which {trained.notes}",
        )
