"""Shares, exact intervals and the uniqueness score, on tables of labels made by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from modelprint.classifier import Classifier
from modelprint.intervals import exact_interval
from modelprint.ownership import CExamples, agreement, answers_of, uniqueness

LABELS = torch.tensor([0, 1, 2, 3])
COPIES = torch.tensor([[0, 1, 2, 3], [0, 1, 2, 0]])
OTHERS = torch.tensor([[0, 0, 0, 0], [3, 2, 1, 0]])


def test_shares_of_a_table_by_hand() -> None:
    """Copies give 4 and 3 of 4 labels, others 1 and 0: 87.5 - 12.5 = 75 points."""
    found = uniqueness(LABELS, COPIES, OTHERS)

    assert (found.robustness.counts, found.transferability.counts) == ((4, 3), (1, 0))
    assert (found.robustness.count, found.robustness.trials, found.robustness.share) == (7, 8, 0.875)
    assert found.transferability.share == 0.125
    assert found.score == 0.75
    assert "uniqueness +75.0 points" in found.summary()
    assert "7 of 8 answers, 2 models from 75 to 100 %" in found.summary()


def test_a_score_below_zero_means_false_claims() -> None:
    """When other models know the labels better than copies do."""
    assert uniqueness(LABELS, OTHERS, COPIES).score == -0.75


def test_one_model_has_the_plain_interval() -> None:
    """Several have the mean of wider ones, which hold together."""
    one = agreement(LABELS, COPIES[1:])
    two = agreement(LABELS, COPIES[[1, 1]])

    assert one.interval == exact_interval(3, 4)
    assert one.of(0) == (0.75, *exact_interval(3, 4))
    assert two.interval == pytest.approx(exact_interval(3, 4, 0.975))


def test_the_interval_of_a_mean_holds_when_models_answer_alike() -> None:
    """Five models that share every answer: the interval covers the truth, where 5 n independent answers would not."""
    rng, truth, covered, naive = np.random.default_rng(0), 0.7, 0, 0
    for count in rng.binomial(30, truth, size=400).tolist():
        answers = (torch.arange(30) >= count).long().repeat(5, 1)
        low, high = agreement(torch.zeros(30, dtype=torch.int64), answers).interval
        covered += low <= truth <= high
        low, high = exact_interval(5 * count, 150)
        naive += low <= truth <= high

    assert covered >= 0.95 * 400
    assert naive < 0.8 * 400


def test_the_interval_of_the_score_has_both_parts() -> None:
    """Each part at 97.5 %, so that both hold at 95 %; it holds the score."""
    found = uniqueness(LABELS, COPIES[:1], OTHERS[:1])

    low, high = found.interval
    copies, others = exact_interval(4, 4, 0.975), exact_interval(1, 4, 0.975)
    assert (low, high) == pytest.approx((copies[0] - others[1], copies[1] - others[0]))
    assert low < found.score < high


@pytest.mark.parametrize(
    ("labels", "answers", "complaint"),
    [
        (LABELS, COPIES[:0], "at least one model and one example"),
        (LABELS[:0], COPIES[:, :0], "at least one model and one example"),
        (LABELS, torch.tensor([[0, 1, 2, 3], [0, -1, 2, 3]]), "model 1 gave no answer to example 1"),
    ],
)
def test_tables_that_say_nothing_are_refused(labels: torch.Tensor, answers: torch.Tensor, complaint: str) -> None:
    """No model, no example, or silence."""
    with pytest.raises(ValueError, match=complaint):
        agreement(labels, answers)


def test_parts_of_a_score_must_be_about_the_same_examples() -> None:
    """Three examples here, four there: no score."""
    with pytest.raises(ValueError, match="the same examples, got 4 for the copies and 3 for the others"):
        type(uniqueness(LABELS, COPIES, OTHERS))(
            robustness=agreement(LABELS, COPIES), transferability=agreement(LABELS[:3], COPIES[:, :3])
        )


def test_the_model_itself_knows_all_labels(tiny_model: Classifier) -> None:
    """And a copy of it too; each model has a row."""
    examples = CExamples(steps=20).craft(tiny_model, 6, 0)

    answers = answers_of([tiny_model, tiny_model.copy()], examples)

    assert answers.shape == (2, len(examples))
    assert agreement(examples.labels, answers).share == 1


def test_models_that_cannot_be_compared_are_refused(tiny_model: Classifier) -> None:
    """Another number of classes, other images, or no model at all."""
    examples = CExamples(steps=20).craft(tiny_model, 4, 0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 7))

    with pytest.raises(ValueError, match=r"knows 7 classes; these examples .* are for 4"):
        answers_of([Classifier(network, image_shape=(1, 8, 8), class_count=7)], examples)
    with pytest.raises(ValueError, match=r"shape \(1, 4, 4\)"):
        answers_of([Classifier(network, image_shape=(1, 4, 4), class_count=4)], examples)
    with pytest.raises(ValueError, match="there is no model to ask"):
        answers_of([], examples)
