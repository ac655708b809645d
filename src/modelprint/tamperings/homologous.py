"""A homologous model: the same task, learnt by somebody else from images that the classifier's owner may have as well.

Source: Z. Peng, S. Li, G. Chen, C. Zhang, H. Zhu and M. Xue, "Fingerprinting Deep Neural Networks Globally via
Universal Adversarial Perturbations", CVPR 2022, supplement C.2: twenty models whose training sets overlap with the
victim's by 0 to 90 %. In the paper's other experiments they may have other hyper-parameters and architectures, too.

Departures: the paper does not say how large the sets are, nor how the models are trained. Here a set is as large as the
victim's unless told otherwise, and training is one short cycle of SGD, so that ten models take minutes.
"""

from dataclasses import dataclass

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet, LabelledImages
from modelprint.data.data_set import join
from modelprint.errors import TrainingError
from modelprint.progress import Progress
from modelprint.tamperings.students import choose_light_augmentation, make_cycle_recipe, make_untrained
from modelprint.tamperings.tampering import Tampered
from modelprint.training import ImageBatches, train


@dataclass(frozen=True, kw_only=True)
class Homologous:
    """Train a network from a random start, on some images of the victim's and others that it never saw.

    The others are the spare part of the data set, e.g. of `fashion-mnist@0.5`. Without one, only a full overlap can be.

    Attributes:
        overlap: Share of its training images that the victim learned from as well, 0..1.
        images: How many training images it has; 0: as many as the victim.
        network: A name in NETWORKS; empty: the victim's architecture.
        learning_rate: At the peak of its cycle.
        epochs: Passes over its images.
        batch: Images per step.
    """

    overlap: float = 0.0
    images: int = 0
    network: str = ""
    learning_rate: float = 0.05
    epochs: int = 10
    batch: int = 64

    def __post_init__(self) -> None:
        if not 0 <= self.overlap <= 1:
            raise ValueError(f"overlap is a share of the training images, 0 to 1, got {self.overlap}")
        if self.images < 0:
            raise ValueError(f"images is how many to learn from, or 0 for as many as the victim, got {self.images}")

    @property
    def deterministic(self) -> bool:
        """Images and start differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return a network that owes nothing to `model`; TrainingError when there are too few images for it."""
        images, shared = draw_overlapping(data, self.overlap, self.images or len(data.train), rng)
        network = make_untrained(self.network, model, rng)
        batches = ImageBatches(data=images, augment=choose_light_augmentation(images.image_shape))
        recipe = make_cycle_recipe(self.learning_rate, self.epochs, self.batch)
        steps = train(network, batches, recipe, rng, progress=progress)
        return Tampered(
            network=network,
            steps=steps,
            goal=f"an overlap of {self.overlap:g} with the images that the victim learned from",
            goal_value=shared / len(images),
            architecture=self.network,
            notes=f"{self.network or model.name}; {shared} of {len(images)} training images are the victim's",
        )


def draw_overlapping(data: DataSet, overlap: float, count: int, rng: torch.Generator) -> tuple[LabelledImages, int]:
    """Draw a training set that shares `overlap` of its images with the one of the victim.

    Args:
        data: The victim's training part, and the spare part that it did not learn from.
        overlap: 0..1.
        count: How many images to draw, each at most once.
        rng: Which.

    Returns:
        The images, and how many of them are the victim's.

    Raises:
        TrainingError: There are not enough of either kind.
    """
    shared = round(overlap * count)
    if data.spare is None and shared < count:
        raise TrainingError(
            f"{data.name} has no images that the victim did not learn from, so an overlap of {overlap:g} cannot be; "
            f"take a victim that learned from a part, e.g. of {data.name}@0.5, or overlap 1"
        )
    parts = []
    for part, number, whose in ((data.train, shared, "the victim's"), (data.spare, count - shared, "the spare")):
        if part is None or not number:
            continue
        if number > len(part):
            raise TrainingError(
                f"an overlap of {overlap:g} in {count} images needs {number} of {whose} images, and "
                f"{part.name} has {len(part)}; ask for fewer images"
            )
        parts.append(part.take(torch.randperm(len(part), generator=rng)[:number].numpy()))
    return join(parts, f"{data.name}/homologous"), shared
