"""A homologous model: trained independently for the same task, possibly on some of the same images.

Source: Z. Peng, S. Li, G. Chen, C. Zhang, H. Zhu and M. Xue, "Fingerprinting Deep Neural Networks Globally via
Universal Adversarial Perturbations", CVPR 2022, supplement C.2: twenty models whose training sets overlap with the
victim's by 0 to 90 %. In the paper's other experiments hyper-parameters and architectures may differ, too.

Departures: the paper states neither the size of the sets nor the training. Here a set is as large as the victim's by
default, and training is one short cycle of SGD, so that ten models take minutes.
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
    """Train a network from random weights, on some of the victim's training images and some it was not trained on.

    The latter are the spare part of the data set, e.g. of `fashion-mnist@0.5`. Without one, the overlap must be 1.

    Attributes:
        overlap: Share of its training images that the victim was trained on as well, 0..1.
        images: Number of training images; 0: as many as the victim.
        network: A name in NETWORKS; empty: the victim's architecture.
        learning_rate: Peak of its cycle.
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
            raise ValueError(
                f"images is a number of training images, or 0 for as many as the victim, got {self.images}"
            )

    @property
    def deterministic(self) -> bool:
        """Images and initial weights differ with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return a network that is independent of `model`; TrainingError when there are too few images."""
        images, shared = draw_overlapping(data, self.overlap, self.images or len(data.train), rng)
        network = make_untrained(self.network, model, rng)
        batches = ImageBatches(data=images, augment=choose_light_augmentation(images.image_shape))
        recipe = make_cycle_recipe(self.learning_rate, self.epochs, self.batch)
        steps = train(network, batches, recipe, rng, progress=progress)
        return Tampered(
            network=network,
            steps=steps,
            goal=f"an overlap of {self.overlap:g} with the images that the victim was trained on",
            goal_value=shared / len(images),
            architecture=self.network,
            notes=f"{self.network or model.name}; {shared} of {len(images)} training images are the victim's",
        )


def draw_overlapping(data: DataSet, overlap: float, count: int, rng: torch.Generator) -> tuple[LabelledImages, int]:
    """Draw a training set that shares `overlap` of its images with the victim's.

    Args:
        data: The victim's data set, with training and spare part.
        overlap: 0..1.
        count: Number of images to draw, each at most once.
        rng: Source of the draw.

    Returns:
        The images, and the number of them that are the victim's.

    Raises:
        TrainingError: One of the parts has too few images.
    """
    shared = round(overlap * count)
    if data.spare is None and shared < count:
        raise TrainingError(
            f"{data.name} has no spare images, so an overlap of {overlap:g} is impossible; "
            f"train the victim on a part, e.g. {data.name}@0.5, or set overlap to 1"
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
