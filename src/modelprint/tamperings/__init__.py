"""Ways to change a classifier. A tampering is one file and one line in `SUITE`.

A name says what departs from the published default (SGD, batch norm in training mode, one epoch): `-adam`, `-bnfrozen`,
`-short`.
"""

from collections.abc import Callable
from functools import partial

from modelprint.tamperings.finetune import FineTune
from modelprint.tamperings.flip_sign import FlipSign
from modelprint.tamperings.none import Untouched
from modelprint.tamperings.prune import Prune
from modelprint.tamperings.quantise import Quantise
from modelprint.tamperings.retrain import Retrain
from modelprint.tamperings.tampering import Movement, Suspect, Tampered, Tampering, make_suspect, measure

SUITE: dict[str, Callable[..., Tampering]] = {
    "none": Untouched,
    "finetune-last-1e-3": partial(FineTune, layers="last", learning_rate=1e-3),
    "finetune-last-1e-4": partial(FineTune, layers="last", learning_rate=1e-4),
    "finetune-last-1e-5": partial(FineTune, layers="last", learning_rate=1e-5),
    "finetune-all-1e-3": partial(FineTune, layers="all", learning_rate=1e-3),
    "finetune-all-1e-4": partial(FineTune, layers="all", learning_rate=1e-4),
    "finetune-all-1e-5": partial(FineTune, layers="all", learning_rate=1e-5),
    "finetune-last-1e-3-bnfrozen": partial(FineTune, layers="last", learning_rate=1e-3, batch_norm="frozen"),
    "finetune-last-1e-4-bnfrozen": partial(FineTune, layers="last", learning_rate=1e-4, batch_norm="frozen"),
    "finetune-last-1e-5-bnfrozen": partial(FineTune, layers="last", learning_rate=1e-5, batch_norm="frozen"),
    "finetune-all-1e-3-bnfrozen": partial(FineTune, layers="all", learning_rate=1e-3, batch_norm="frozen"),
    "finetune-all-1e-4-bnfrozen": partial(FineTune, layers="all", learning_rate=1e-4, batch_norm="frozen"),
    "finetune-all-1e-5-bnfrozen": partial(FineTune, layers="all", learning_rate=1e-5, batch_norm="frozen"),
    "finetune-last-1e-5-adam": partial(FineTune, layers="last", learning_rate=1e-5, optimiser="adam"),
    "finetune-all-1e-5-adam": partial(FineTune, layers="all", learning_rate=1e-5, optimiser="adam"),
    "retrain-last": partial(Retrain, layers="last"),
    "retrain-all": partial(Retrain, layers="all"),
    "retrain-all-short": partial(Retrain, layers="all", schedule="one-cycle", learning_rate=0.1, epochs=2, batch=128),
    "prune-20": partial(Prune, share=0.2),
    "int8-dynamic": partial(Quantise, what="linear"),
    "int8-weights": partial(Quantise, what="weights"),
    "flip-sign": FlipSign,
}

__all__ = ["SUITE", "Movement", "Suspect", "Tampered", "Tampering", "make_suspect", "measure"]
