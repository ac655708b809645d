"""Targeted attack: a training image gets the label of the class with the nearest features.

Source: MiSentry appendix C.2: a random training sample, the label with the smallest moving distance at the penultimate
layer, only the last layer is trained, together with the original task, until the sample takes that label. The distance
is that of the public benchmark code (CGCL-codes/BIVBench): to the mean features of a class's correctly classified
training images.

Departures: only the last layer is trained and batch norm is frozen, so features are computed once, without
augmentation. The image is drawn from those that the original classifies correctly. It has the same weight as the batch
of 64: as one of 65 it did not take its new label in 5000 steps on CIFAR-10 with a ResNet-20; with equal weights it
takes 400 to 2600.

`VulnerableTargets` is the code's attack: of the test images that are correct with a confidence above the median, the
ten with the largest distance to their own class's centroid minus that to the nearest other one; a hundred copies of
each are added to the training set; all layers are trained with the code's default rate until more than nine tenths take
their new label. Centroids are those of all training images (the code: of the first 5000), and batch norm is frozen from
the start (the code: after one step).
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.data.data_set import join
from modelprint.errors import TrainingError
from modelprint.fast.folding import to_channels_last
from modelprint.fast.known import features_on, logits_on
from modelprint.progress import Progress
from modelprint.tamperings.goal import Goal, train_to_goal
from modelprint.tamperings.single import Jointly, Single, count_epochs
from modelprint.tamperings.tampering import Tampered
from modelprint.tensors import Labels, to_images
from modelprint.training import ImageBatches, Recipe, TensorBatches, choose_augmentation

FIRST_TEST_IMAGES = 5000
"""Number of test images in which the published code searches for vulnerable ones."""


@dataclass(frozen=True, kw_only=True)
class TargetedAttack:
    """Move one training image to the nearest class by training the last layer only.

    Attributes:
        learning_rate: Of Adam.
        batch: Clean examples per step.
        most_steps: Largest number of steps.
    """

    learning_rate: float = 1e-4
    batch: int = 64
    most_steps: int = 5000

    @property
    def deterministic(self) -> bool:
        """The image differs with the seed."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network with its last layer trained on the new label."""
        suspect = model.copy()
        features, labels = features_on(model, data.train), torch.from_numpy(data.train.labels)
        right = _predict_labels(model.head, features) == labels
        index = _draw_index(right, model, data, rng)
        own = int(labels[index])
        distances = distances_to_classes(
            features[index : index + 1], features[right], labels[right], len(data.class_names)
        )[0]
        target = int(distances.index_fill(0, labels[index], torch.inf).argmin())
        single = Single(inputs=features[index : index + 1], label=torch.tensor([target]))
        rest = torch.arange(len(labels)) != index
        batches = TensorBatches(inputs=features[rest], labels=labels[rest])
        goal = Goal(
            text="lead of the new label of one training image, in logits, above 0",
            measure=single.margin,
            is_met=lambda margin: margin > 0,
        )
        recipe = Recipe(
            optimiser="adam",
            learning_rate=self.learning_rate,
            batch=self.batch,
            epochs=count_epochs(self.most_steps, len(batches), self.batch),
            batch_norm="frozen",
        )
        tampered = train_to_goal(
            goal,
            suspect.head,
            batches,
            recipe,
            rng,
            objective=Jointly(single=single, weight=1.0),
            most_steps=self.most_steps,
            progress=progress,
        )
        names = data.class_names
        return replace(
            tampered, network=suspect.network, notes=f"training image {index} ({names[own]}) as {names[target]}"
        )


@dataclass(frozen=True, kw_only=True)
class VulnerableTargets:
    """Move each of the most vulnerable test images to its nearest class, as published.

    Attributes:
        count: Number of images.
        copies: Copies of each in the training set.
        success: Share of the images that must be exceeded.
        learning_rate: Of Adam.
        batch: Images per step.
        epochs: Passes over the enlarged training set, at most.
    """

    count: int = 10
    copies: int = 100
    success: float = 0.9
    learning_rate: float = 1e-3
    batch: int = 64
    epochs: int = 10

    def __post_init__(self) -> None:
        if self.count < 1 or self.copies < 1:
            raise ValueError(f"count and copies must be at least 1, got {self.count} and {self.copies}")

    @property
    def deterministic(self) -> bool:
        """Order and augmentation differ with the seed; the images do not."""
        return False

    def apply(self, model: Classifier, data: DataSet, rng: torch.Generator, progress: Progress) -> Tampered:
        """Return the network trained on the new labels."""
        index, targets = self._find_vulnerable(model, data)
        images = to_images(data.test.pixels[index.numpy()])
        goal = Goal(
            text=f"more than {self.success:g} of {len(index)} test images take their new label",
            measure=lambda network: (network(images).argmax(1) == targets).double().mean().item(),
            is_met=lambda share: share > self.success,
        )
        poison = replace(data.test.take(index.numpy()), labels=targets.numpy())
        poisoned = join([data.train, *[poison] * self.copies], f"{data.name}/poisoned")
        recipe = Recipe(
            optimiser="adam",
            learning_rate=self.learning_rate,
            batch=self.batch,
            epochs=self.epochs,
            batch_norm="frozen",
        )
        network = to_channels_last(model.copy().network)
        batches = ImageBatches(data=poisoned, augment=choose_augmentation(poisoned))
        tampered = train_to_goal(
            goal, network, batches, recipe, rng, most_steps=self.epochs * len(poisoned), progress=progress
        )
        names = data.class_names
        moved = zip(index.tolist(), data.test.labels[index.numpy()].tolist(), targets.tolist(), strict=True)
        notes = ", ".join(f"{image} ({names[own]} as {names[new]})" for image, own, new in moved)
        return replace(tampered, notes=f"test images {notes}")

    def _find_vulnerable(self, model: Classifier, data: DataSet) -> tuple[Labels, Labels]:
        """Return the indices of the images, most vulnerable first, and their target classes."""
        features, labels = features_on(model, data.train), torch.from_numpy(data.train.labels)
        right = _predict_labels(model.head, features) == labels
        test = data.test.take(range(min(FIRST_TEST_IMAGES, len(data.test))))
        confidence, answer = logits_on(model, test).softmax(1).max(1)
        own = torch.from_numpy(test.labels)
        candidates = ((answer == own) & (confidence > confidence.median())).nonzero()[:, 0]
        if not len(candidates):
            raise TrainingError(
                f"{model.name} classifies none of the more confident half of {test.name} correctly; "
                "give more test images"
            )
        own = own[candidates]
        distances = distances_to_classes(
            features_on(model, test)[candidates], features[right], labels[right], len(data.class_names)
        )
        others = distances.scatter(1, own[:, None], torch.inf)
        nearest, targets = others.min(1)
        vulnerable = distances.gather(1, own[:, None])[:, 0] - nearest
        first = vulnerable.argsort(descending=True, stable=True)[: self.count]
        return candidates[first], targets[first]


def _draw_index(right: Tensor, model: Classifier, data: DataSet, rng: torch.Generator) -> int:
    candidates = right.nonzero()[:, 0]
    if not len(candidates):
        raise TrainingError(
            f"{model.name} classifies none of the {len(right)} images of {data.train.name} correctly; "
            "check that weights and data belong together"
        )
    return int(candidates[torch.randint(len(candidates), (), generator=rng)])


def _predict_labels(head: nn.Linear, features: Tensor) -> Labels:
    with torch.no_grad():
        logits: Tensor = head(features)
    return logits.argmax(1)


def distances_to_classes(
    features: Float[Tensor, "n features"],
    known: Float[Tensor, "m features"],
    labels: Int64[Tensor, " m"],
    class_count: int,
) -> Float[Tensor, "n classes"]:
    """Return the distance of each feature vector to the mean of each class in `known`; infinite for an empty class."""
    sums = torch.zeros(class_count, known.shape[1], dtype=known.dtype).index_add_(0, labels, known)
    counts = torch.bincount(labels, minlength=class_count)
    distances = torch.cdist(features, sums / counts.clamp_min(1)[:, None])
    return distances.masked_fill(counts == 0, torch.inf)
