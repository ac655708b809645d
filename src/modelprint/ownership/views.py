"""What a victim's copies are recognised by: pictures from all over its output space, before and after a perturbation.

Source: Z. Peng et al., "Fingerprinting Deep Neural Networks Globally via Universal Adversarial Perturbations", CVPR
2022, https://arxiv.org/abs/2202.08602, its supplement (B), and the public code
(pengzirui/Model-fingerprinting-and-ownership-verification), read as a description: it cannot be run. Outputs of the
victim are clustered; one image of each cluster is a point; the j-th of its neighbours belongs to view j. What the paper
calls the fingerprint of a model, its probabilities at all points of a view before and after the victim's perturbation,
one behind the other, is called its responses here, since a fingerprint is a file in this house.

Departures: clusters and neighbours are found among logits, since probabilities of a well-trained network are all but
equal inside a class; `space` takes the probabilities. A point is its own nearest neighbour even where another image has
the very same outputs, so view 0 is the points themselves. Pictures that several views share are asked about once.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int64
from sklearn.cluster import KMeans
from torch import Tensor

from modelprint.classifier import Classifier
from modelprint.data import LabelledImages
from modelprint.errors import CraftingError
from modelprint.fast.known import logits_on
from modelprint.oracles.local import check_model
from modelprint.ownership.probabilities import Suspected, ask_probabilities, identify_suspect
from modelprint.ownership.rankings import Scores
from modelprint.ownership.uap import Perturbation
from modelprint.pixels import Pixels
from modelprint.progress import Progress, ignore_progress
from modelprint.streams import derive, stream

Embedding = Float[Tensor, "n classes"]
"""Where the victim's outputs put each image."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Views:
    """Pictures that a suspect is asked about, and in which order its answers form views.

    Attributes:
        pixels: All pictures before the perturbation, each once.
        index: Row in `pixels` of each point in each view.
        perturbation: The victim's.
        class_count: Number of classes of the victim.
    """

    pixels: Pixels
    index: Int64[np.ndarray, "views points"]
    perturbation: Perturbation
    class_count: int

    def __post_init__(self) -> None:
        if not self.index.size:
            raise ValueError(f"views need at least one view of one point, got {self.index.shape}")
        if not 0 <= self.index.min() <= self.index.max() < len(self.pixels):
            raise ValueError(
                f"views point to pictures {self.index.min()} to {self.index.max()}, but there are {len(self.pixels)}"
            )
        if self.class_count < 2:
            raise ValueError(f"a classifier knows at least 2 classes, got {self.class_count}")
        if self.pixels.shape[1:] != self.perturbation.levels.shape:
            raise ValueError(
                f"pictures have shape {self.pixels.shape[1:]}, the perturbation {self.perturbation.levels.shape}"
            )

    def __len__(self) -> int:
        """How many views there are."""
        return len(self.index)

    @property
    def points(self) -> int:
        """How many points a view has."""
        return int(self.index.shape[1])

    @property
    def length(self) -> int:
        """How many probabilities the responses of one view are: two at each point, for each class."""
        return 2 * self.points * self.class_count

    @property
    def questions(self) -> int:
        """How many pictures a suspect is asked about."""
        return 2 * len(self.pixels)

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of all that is asked."""
        content = hashlib.sha256(repr((self.pixels.shape, self.index.shape, self.class_count)).encode())
        for array in (self.pixels, self.index, self.perturbation.levels):
            content.update(np.ascontiguousarray(array).data)
        return content.hexdigest()

    def first(self, count: int) -> "Views":
        """Return the first `count` views with the pictures they need, to spend fewer questions on a suspect."""
        if not 1 <= count <= len(self):
            raise ValueError(f"count is 1 to {len(self)}, the number of views, got {count}")
        needed, index = np.unique(self.index[:count], return_inverse=True)
        return replace(self, pixels=self.pixels[needed], index=index.reshape(count, -1).astype(np.int64))

    def ask(
        self, suspect: Suspected, *, scores: Scores = "probabilities", progress: Progress = ignore_progress
    ) -> "Responses":
        """Return what `suspect` answers, view by view.

        Args:
            suspect: A classifier, or an oracle that gives the scores of all classes.
            scores: What the scores of an oracle are.
            progress: Called after every answer of an oracle.

        Raises:
            ValueError: The classifier takes other images or knows another number of classes.
            OracleError: An answer is missing or incomplete; says for which picture.
        """
        asked = np.concatenate([self.pixels, self.perturbation.on(self.pixels)])
        found = ask_probabilities(suspect, asked, self.class_count, scores=scores, progress=progress)
        before, after = (part[torch.from_numpy(self.index)] for part in found.split(len(self.pixels)))
        both = torch.stack([before, after], dim=2)  # views, points, 2, classes
        return Responses(
            values=both.flatten(1).float(), points=self.points, views=self.digest, model=identify_suspect(suspect)
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return the views as tensors, to be saved; `from_tensors` is the inverse."""
        made = self.perturbation
        counts = [self.class_count, made.fooled, made.tested]
        return {
            "pixels": torch.from_numpy(np.ascontiguousarray(self.pixels)),
            "index": torch.from_numpy(np.ascontiguousarray(self.index)),
            "levels": torch.from_numpy(np.ascontiguousarray(made.levels)),
            "counts": torch.tensor(counts, dtype=torch.int64),
            "wanted": torch.tensor(made.wanted, dtype=torch.float64),
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> "Views":
        """Return the views in `tensors`; ValueError when there are none."""
        try:
            pixels, index, levels = (tensors[name].numpy() for name in ("pixels", "index", "levels"))
            class_count, fooled, tested = map(int, tensors["counts"])
            wanted = float(tensors["wanted"])
        except (KeyError, TypeError, ValueError) as problem:
            raise ValueError(f"these tensors are no views: {problem}") from None
        _expect(pixels, "pixels", np.uint8, 4)
        _expect(index, "index", np.int64, 2)
        _expect(levels, "levels", np.int16, 3)
        made = Perturbation(levels=levels, fooled=fooled, tested=tested, wanted=wanted)
        return cls(pixels=pixels, index=index, perturbation=made, class_count=class_count)


def _expect(array: np.ndarray, name: str, kind: type, axes: int) -> None:
    if array.dtype != kind or array.ndim != axes:
        raise ValueError(
            f"these tensors are no views: {name} is {array.dtype} with {array.ndim} axes, expected "
            f"{np.dtype(kind)} with {axes}"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Responses:
    """What one model answered: the paper's fingerprint of a model.

    Attributes:
        values: Probabilities. In each view, for each point: those of all classes before the perturbation, then those of
            all classes after it.
        points: Points of a view.
        views: Digest of what was asked.
        model: Which model answered: the digest of its weights, or a hash of what the oracle says it is.
    """

    values: Float[Tensor, "views length"]
    points: int
    views: str
    model: str

    def __len__(self) -> int:
        """How many views there are."""
        return len(self.values)

    @property
    def class_count(self) -> int:
        """Classes that were scored."""
        return self.values.shape[1] // (2 * self.points)


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """Choose one image of each cluster of the victim's outputs, and its neighbours.

    Attributes:
        points: Clusters of the victim's outputs, and so points of a view; the code's example has 200.
        views: Neighbours of each point, itself included, and so views; the code's example has 100.
        pick: Which image of a cluster is its point: one at random, as in the code, or the one at its centre.
        space: Outputs that are clustered.
    """

    points: int = 200
    views: int = 100
    pick: Literal["random", "central"] = "random"
    space: Literal["logits", "probabilities"] = "logits"

    def __post_init__(self) -> None:
        if self.points < 1 or self.views < 1:
            raise ValueError(f"points and views must be at least 1, got {self.points} and {self.views}")

    def choose(self, model: Classifier, images: LabelledImages, perturbation: Perturbation, seed: int) -> Views:
        """Return pictures from all over the output space of `model`.

        Args:
            model: The victim.
            images: What points are chosen from, usually its training images.
            perturbation: The victim's.
            seed: Equal seeds give equal views on one machine.

        Raises:
            ValueError: The images do not fit the model, or there are fewer of them than points or views.
            CraftingError: Too few different outputs for so many clusters.
        """
        check_model(model, images.image_shape, len(images.class_names))
        if len(images) < max(self.points, self.views):
            raise ValueError(
                f"{self.points} points with {self.views} neighbours need as many images, and {images.name} has "
                f"{len(images)}"
            )
        logits = logits_on(model, images).double()
        places = logits if self.space == "logits" else logits.softmax(1)
        neighbours = nearest(places, self.representatives(places, seed), self.views)
        needed, index = np.unique(neighbours.T.numpy(), return_inverse=True)
        return Views(
            pixels=images.pixels[needed],
            index=index.reshape(self.views, self.points).astype(np.int64),
            perturbation=perturbation,
            class_count=model.class_count,
        )

    def representatives(self, places: Embedding, seed: int) -> Int64[Tensor, " points"]:
        """Return one image of each of `points` clusters, in the order of the clusters."""
        different = len(torch.unique(places, dim=0))
        if different < self.points:
            raise CraftingError(
                f"{len(places)} images have only {different} different outputs, too few for {self.points} points; give "
                "other images, or ask for fewer points"
            )
        clusters = KMeans(self.points, n_init=1, random_state=derive(seed, "views", "clusters") % 2**32)
        cluster = torch.from_numpy(clusters.fit(places.numpy()).labels_)
        distances = torch.from_numpy(clusters.transform(places.numpy()))
        rng = stream(seed, "views", "points")
        chosen = []
        for number in range(self.points):
            members = (cluster == number).nonzero().flatten()
            if not len(members):
                raise CraftingError(f"cluster {number} of {self.points} is empty; ask for fewer points")
            drawn = int(torch.randint(len(members), (), generator=rng))
            place = drawn if self.pick == "random" else int(distances[members, number].argmin())
            chosen.append(int(members[place]))
        return torch.tensor(chosen)


def nearest(places: Embedding, points: Int64[Tensor, " points"], count: int) -> Int64[Tensor, "points count"]:
    """Return the `count` nearest images to each point by the distance of their outputs, nearest first, itself at once.

    Of images that are equally far the first comes first.
    """
    # Differences and not products of the outputs: those lose what is small against the outputs themselves.
    distances = torch.cdist(places[points], places, compute_mode="donot_use_mm_for_euclid_dist")
    distances[torch.arange(len(points)), points] = -1
    return distances.argsort(dim=1, stable=True)[:, :count]
