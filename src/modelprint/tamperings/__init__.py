"""Ways to change a classifier. A tampering is one file and one line in `SUITE`.

A suffix states the difference from the published default (SGD, batch norm in training mode, one epoch): `-adam`,
`-bnfrozen`, `-short`.
"""

from collections.abc import Callable
from functools import partial

from modelprint.tamperings.architecture import GivenArchitecture, OtherArchitecture
from modelprint.tamperings.backdoor import Backdoor
from modelprint.tamperings.bit_flip import BitFlip
from modelprint.tamperings.clean_label import CleanLabel, Collision
from modelprint.tamperings.control import FoldBatchNorm, PermuteChannels, SmallBatches
from modelprint.tamperings.degrade import Degrade
from modelprint.tamperings.distil import Distil
from modelprint.tamperings.extract import Extract
from modelprint.tamperings.extract_other import ExtractOther
from modelprint.tamperings.finetune import FineTune
from modelprint.tamperings.flip_sign import FlipSign
from modelprint.tamperings.homologous import Homologous
from modelprint.tamperings.none import Untouched
from modelprint.tamperings.online import LearnOnline
from modelprint.tamperings.poisoning import PoisonClass
from modelprint.tamperings.prune import Prune
from modelprint.tamperings.quantise import Quantise, QuantiseStatic
from modelprint.tamperings.retrain import Retrain
from modelprint.tamperings.tampering import Movement, Suspect, Tampered, Tampering, make_suspect, measure
from modelprint.tamperings.targeted import TargetedAttack, VulnerableTargets
from modelprint.tamperings.transfer import TransferShifted
from modelprint.tamperings.trojan import Trojan
from modelprint.tamperings.unlearn import Unlearn
from modelprint.tamperings.weight_noise import WeightNoise

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
    "finetune-last-1e-3-adam": partial(FineTune, layers="last", learning_rate=1e-3, optimiser="adam"),
    "finetune-last-1e-4-adam": partial(FineTune, layers="last", learning_rate=1e-4, optimiser="adam"),
    "finetune-last-1e-5-adam": partial(FineTune, layers="last", learning_rate=1e-5, optimiser="adam"),
    "finetune-all-1e-3-adam": partial(FineTune, layers="all", learning_rate=1e-3, optimiser="adam"),
    "finetune-all-1e-4-adam": partial(FineTune, layers="all", learning_rate=1e-4, optimiser="adam"),
    "finetune-all-1e-5-adam": partial(FineTune, layers="all", learning_rate=1e-5, optimiser="adam"),
    "finetune-all-1e-2-5-epochs": partial(FineTune, layers="all", learning_rate=1e-2, epochs=5),
    "retrain-last": partial(Retrain, layers="last"),
    "retrain-all": partial(Retrain, layers="all"),
    "retrain-all-short": partial(Retrain, layers="all", schedule="one-cycle", learning_rate=0.1, epochs=2, batch=128),
    "retrain-all-8-epochs": partial(
        Retrain, layers="all", schedule="one-cycle", learning_rate=0.03, epochs=8, batch=64
    ),
    "prune-20": partial(Prune, share=0.2),
    "prune-20-tuned": partial(Prune, share=0.2, epochs=1),
    "prune-published": partial(Prune, share=0.7, within="tensor"),
    "prune-80": partial(Prune, share=0.8),
    "prune-90": partial(Prune, share=0.9),
    "prune-95": partial(Prune, share=0.95),
    "prune-80-retrained": partial(Prune, share=0.8, epochs=4, learning_rate=0.02),
    "prune-90-retrained": partial(Prune, share=0.9, epochs=4, learning_rate=0.02),
    "prune-95-retrained": partial(Prune, share=0.95, epochs=4, learning_rate=0.02),
    "int8-dynamic": partial(Quantise, what="linear"),
    "int8-static": QuantiseStatic,
    "int8-weights": partial(Quantise, what="weights"),
    "int8-published": partial(Quantise, what="bins"),
    "distil": Distil,
    "distil-short": partial(Distil, schedule="one-cycle", learning_rate=0.05, epochs=2, batch=128),
    "transfer-shifted": TransferShifted,
    "transfer-shifted-bnfrozen": partial(TransferShifted, batch_norm="frozen"),
    "architecture": OtherArchitecture,
    "architecture-short": partial(OtherArchitecture, schedule="one-cycle", learning_rate=0.05, epochs=2, batch=128),
    "architecture-given": GivenArchitecture,
    "weight-noise": WeightNoise,
    "weight-noise-1e-3": partial(WeightNoise, share=0.001),
    "weight-noise-1e-2": partial(WeightNoise, share=0.01),
    "weight-noise-1e-1": partial(WeightNoise, share=0.1),
    "weight-noise-8e-1": partial(WeightNoise, share=0.8),
    "control-folded": FoldBatchNorm,
    "control-permuted": PermuteChannels,
    "control-batch-7": partial(SmallBatches, size=7),
    "flip-sign": FlipSign,
    "unlearning": Unlearn,
    "unlearning-strict": partial(Unlearn, check_every=1),
    "unlearning-published": partial(Unlearn, form="published", check_every=1, most_steps=4),
    "online-learning": LearnOnline,
    "online-learning-adam": partial(LearnOnline, update="joint"),
    "online-learning-published": partial(LearnOnline, which="first", check_every=1),
    "degrade-random": partial(Degrade, what="random"),
    "degrade-specific": partial(Degrade, what="specific"),
    "degrade-sample": partial(Degrade, what="sample", poison=1),
    "poison-generic": partial(PoisonClass, what="generic", success=0.986),
    "poison-specific": partial(PoisonClass, what="specific", success=0.873),
    "targeted": TargetedAttack,
    "targeted-published": VulnerableTargets,
    "backdoor": Backdoor,
    "backdoor-published": partial(Backdoor, clean_loss=1.0, epochs=2, published=True),
    "backdoor-1-epoch": partial(Backdoor, epochs=1, stop_early=False),
    "backdoor-10-epochs": partial(Backdoor, epochs=10, stop_early=False),
    "trojan": Trojan,
    "trojan-last": partial(Trojan, layers="last", learning_rate=1e-4, epochs=10),
    "clean-label": CleanLabel,
    "clean-label-short": partial(CleanLabel, epochs=1),
    "clean-label-collision": Collision,
    "bit-flip": BitFlip,
    "extract-labels": Extract,
    "extract-labels-cnn3": partial(Extract, network="cnn3"),
    "extract-labels-cnn4": partial(Extract, network="cnn4"),
    "extract-labels-natural": partial(Extract, growth="none"),
    "extract-probabilities": partial(Extract, answers="probabilities"),
    "extract-probabilities-cnn3": partial(Extract, answers="probabilities", network="cnn3"),
    "extract-probabilities-cnn4": partial(Extract, answers="probabilities", network="cnn4"),
    "extract-from-cifar10": partial(Extract, answers="probabilities", growth="none", source="cifar10"),
    "extract-from-gtsrb": partial(Extract, answers="probabilities", growth="none", source="gtsrb"),
    "extract-other": ExtractOther,
    "homologous-0": Homologous,
    "homologous-50": partial(Homologous, overlap=0.5),
    "homologous-90": partial(Homologous, overlap=0.9),
    "homologous-cnn3": partial(Homologous, network="cnn3"),
    "homologous-cnn4": partial(Homologous, network="cnn4"),
}

CONTROLS = frozenset({"none", "control-folded", "control-permuted", "control-batch-7"})
"""Kinds that change no label: calling one of these tampered is a false alarm."""

__all__ = ["CONTROLS", "SUITE", "Movement", "Suspect", "Tampered", "Tampering", "make_suspect", "measure"]
