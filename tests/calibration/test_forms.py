"""The other forms of a classifier."""

import numpy as np
import pytest
import torch

from modelprint.calibration import PROFILES, Forms, measure
from modelprint.classifier import Classifier
from modelprint.data import DataSet


def test_a_form_is_made_once_per_call(tiny_model: Classifier) -> None:
    """Equal arguments give the same object, others another."""
    made: list[str] = []

    def make(forms: Forms, name: str) -> np.ndarray:
        made.append(name)
        return np.zeros(1)

    forms = Forms(tiny_model)
    same = [forms.make_once(make, name) for name in ("a", "a", "b")]

    assert made == ["a", "b"]
    assert same[0] is same[1]


def test_the_onnx_file_is_written_once_for_both_variants(
    tiny_model: Classifier, split: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forms that are passed in keep what was made for an earlier measurement."""
    exports = []
    export = torch.onnx.export
    monkeypatch.setattr(torch.onnx, "export", lambda *args, **kwargs: exports.append(1) or export(*args, **kwargs))
    forms, pixels = Forms(tiny_model), split.train.pixels[:20]

    measure(forms, pixels, PROFILES["fp32"])
    measure(forms, pixels, PROFILES["fp32"])

    assert len(exports) == 1


def test_a_program_for_one_image_is_computed_one_at_a_time(tiny_model: Classifier) -> None:
    """The network itself takes as many images as it was given to take."""
    program = torch.export.export(tiny_model.network, (torch.zeros(1, 1, 8, 8),)).module()

    assert Forms(tiny_model.with_network(program)).batch == 1
    assert Forms(tiny_model).batch > 1


def test_the_single_form_of_a_float32_classifier_is_itself(tiny_model: Classifier) -> None:
    """And that of a float64 one is float32; the float64 form answers in float64."""
    forms = Forms(tiny_model)

    assert forms.single is tiny_model
    assert Forms(tiny_model.double()).single.dtype == torch.float32
    assert forms.double.dtype == torch.float64
