"""The numbers that two papers print on ownership, to stand beside ours.

Sources: S. Wang et al., "High-Robustness, Low-Transferability Fingerprinting of Neural Networks",
https://arxiv.org/abs/2105.07078, Table 2: a network of 13 convolutions on CIFAR-10, 100 examples of each setting,
twenty other networks of its architecture. Z. Peng et al., "Fingerprinting Deep Neural Networks Globally via Universal
Adversarial Perturbations", CVPR 2022, https://arxiv.org/abs/2202.08602, abstract and supplement E (Fashion-MNIST).
"""

from dataclasses import dataclass

from modelprint.ownership import CExamples


@dataclass(frozen=True)
class PublishedExamples:
    """A row of Table 2, in per cent and points.

    Attributes:
        transfer: Share of the examples that keep their label in other networks.
        scores: Uniqueness score of networks pruned by 80, 90 and 95 %.
    """

    transfer: int
    scores: tuple[int, int, int]


AUC = 1.0
"""Of the UAP fingerprint, over models."""

SIMILARITIES = (0.85, 0.33)
"""Mean similarity of extracted and of unrelated models, by the encoder of another victim; by its own, "slightly" more
apart."""

TABLE_2 = {
    (0, 0.0): PublishedExamples(68, (17, 5, -30)),
    (0, 0.01): PublishedExamples(74, (26, 18, -5)),
    (0, 0.03): PublishedExamples(78, (22, 16, 2)),
    (0, 0.05): PublishedExamples(94, (6, 6, 3)),
    (0, 0.07): PublishedExamples(96, (4, 4, 2)),
    (1, 0.0): PublishedExamples(59, (39, 20, -5)),
    (1, 0.01): PublishedExamples(64, (35, 18, -9)),
    (1, 0.03): PublishedExamples(78, (21, 15, 1)),
    (1, 0.05): PublishedExamples(80, (11, 6, -9)),
    (1, 0.07): PublishedExamples(83, (10, 5, -3)),
    (2, 0.0): PublishedExamples(28, (42, 40, 35)),
    (2, 0.01): PublishedExamples(31, (48, 44, 38)),
    (2, 0.03): PublishedExamples(51, (49, 48, 43)),
    (2, 0.05): PublishedExamples(61, (39, 36, 35)),
    (2, 0.07): PublishedExamples(69, (31, 31, 30)),
    (3, 0.0): PublishedExamples(36, (20, 19, 15)),
    (3, 0.01): PublishedExamples(39, (25, 21, 17)),
    (3, 0.03): PublishedExamples(60, (15, 13, 9)),
    (3, 0.05): PublishedExamples(71, (13, 9, 4)),
    (3, 0.07): PublishedExamples(75, (12, 9, -3)),
}
"""By band (0: no filter) and largest change of a weight."""


def published_examples(settings: CExamples) -> PublishedExamples | None:
    """Return the row of Table 2 with these settings; None where it has none."""
    return None if settings.draws > 1 or settings.relative else TABLE_2.get((settings.band, settings.noise))
