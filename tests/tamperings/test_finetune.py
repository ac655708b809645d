"""Fine-tuning moves the layers it is asked to move."""

import pytest
import torch

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.tamperings import SUITE, make_suspect
from modelprint.tamperings.finetune import FineTune
from modelprint.tamperings.tampering import named_weights


@pytest.mark.parametrize("rate", ["1e-3", "1e-5"])
def test_last_layer_kinds_move_the_head_alone_and_statistics_only_in_training_mode(
    rate: str, tiny_model: Classifier, split: DataSet
) -> None:
    """Frozen: no buffer moves. Training mode: running statistics of all layers do, though only the head learns."""
    kind = f"finetune-last-{rate}"

    loose = make_suspect(kind, SUITE[kind](), tiny_model, split, seed=0)
    frozen = make_suspect(f"{kind}-bnfrozen", SUITE[f"{kind}-bnfrozen"](), tiny_model, split, seed=0)

    for suspect in (loose, frozen):
        changed = {n for n, w in named_weights(suspect.classifier.network).items()
                   if not torch.equal(w, named_weights(tiny_model.network)[n])}  # fmt: skip
        assert changed <= {"linear.weight", "linear.bias"} and changed
    assert frozen.movement.buffers == 0 < loose.movement.buffers
    assert frozen.movement.parameters > 0


@pytest.mark.parametrize(("batch", "steps"), [(16, 8), (64, 2)])
def test_every_epoch_is_counted_in_steps(batch: int, steps: int, tiny_model: Classifier, split: DataSet) -> None:
    """64 images in batches of 16 or 64, twice."""
    tampering = FineTune(layers="all", batch=batch, epochs=2)

    assert make_suspect("finetune", tampering, tiny_model, split, seed=0).steps == steps
