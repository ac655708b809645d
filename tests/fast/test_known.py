"""Outputs on a data set are computed once per content."""

import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.fast.folding import make_quick_copy
from modelprint.fast.known import features_on, logits_on


def test_known_answers_are_computed_once(tiny_model: Classifier, split: DataSet) -> None:
    """The same content gives the same tensor object; other weights another."""
    first = logits_on(tiny_model, split.test)

    assert logits_on(tiny_model.copy(), split.test) is first
    torch.testing.assert_close(
        make_quick_copy(tiny_model).head(features_on(tiny_model, split.test)), first, rtol=1e-5, atol=1e-5
    )
    tiny_model.head.bias.data += 1
    assert logits_on(tiny_model, split.test) is not first
