"""An extraction of another model: extracted like a copy, but unrelated to the classifier.

Our own test, not from a paper: an encoder that is trained with extracted models as copies, and with models trained on
human labels as unrelated ones, may learn to recognise extraction itself, and so call an extraction of another model a
copy.
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
    """Train another model for the same task and extract it.

    The settings of `Extract` apply to the extraction.

    Attributes:
        shared: Share of the other model's training images that the classifier was trained on as well, 0..1; must be 1
            if the data set has no spare images.
        other_epochs: Passes of the other model over its images.
        other_learning_rate: Peak learning rate of the other model.
    """

    shared: float = 1.0
    other_epochs: int = 10
    other_learning_rate: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.other

    @property
    def other(self) -> Homologous:
        """The tampering that makes the other model."""
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
