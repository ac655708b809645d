"""Is that model a copy of mine? Two methods: labels that survive in copies, and answers to a perturbation.

This is the opposite of a fingerprint for integrity: there a pruned model is a changed one, here it is the same model.
Every name is imported when it is first used, so that checking labels never needs torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelprint.fingerprint.ownership import OwnershipFingerprint
    from modelprint.fingerprint.ownership_parts import Reference, Relation
    from modelprint.ownership.c_examples import VARIANTS, CExamples, OwnedExamples
    from modelprint.ownership.checking import check
    from modelprint.ownership.comparison import judge_responses
    from modelprint.ownership.decision import Claim, Judge, OwnershipCheck, OwnershipVerdict, needed_references
    from modelprint.ownership.encoder import Contrastive, Encoder, similarities, similarity
    from modelprint.ownership.methods import OWNERSHIP_METHODS, OwnershipMethod, Uap, build_method
    from modelprint.ownership.probabilities import ask_probabilities
    from modelprint.ownership.references import Models
    from modelprint.ownership.scores import Agreement, Uniqueness, agreement, answers_of, uniqueness
    from modelprint.ownership.sealing import seal
    from modelprint.ownership.separation import Separation
    from modelprint.ownership.suspects import OWNERSHIP_SUSPECTS, kinds_of
    from modelprint.ownership.uap import Perturbation, Universal
    from modelprint.ownership.views import Clusters, Responses, Views

__all__ = [
    "OWNERSHIP_METHODS",
    "OWNERSHIP_SUSPECTS",
    "VARIANTS",
    "Agreement",
    "CExamples",
    "Claim",
    "Clusters",
    "Contrastive",
    "Encoder",
    "Judge",
    "Models",
    "OwnedExamples",
    "OwnershipCheck",
    "OwnershipFingerprint",
    "OwnershipMethod",
    "OwnershipVerdict",
    "Perturbation",
    "Reference",
    "Relation",
    "Responses",
    "Separation",
    "Uap",
    "Uniqueness",
    "Universal",
    "Views",
    "agreement",
    "answers_of",
    "ask_probabilities",
    "build_method",
    "check",
    "judge_responses",
    "kinds_of",
    "needed_references",
    "seal",
    "similarities",
    "similarity",
    "uniqueness",
]

_HOMES = {
    "Agreement": "modelprint.ownership.scores",
    "CExamples": "modelprint.ownership.c_examples",
    "Claim": "modelprint.ownership.decision",
    "Clusters": "modelprint.ownership.views",
    "Contrastive": "modelprint.ownership.encoder",
    "Encoder": "modelprint.ownership.encoder",
    "Judge": "modelprint.ownership.decision",
    "Models": "modelprint.ownership.references",
    "OWNERSHIP_METHODS": "modelprint.ownership.methods",
    "OWNERSHIP_SUSPECTS": "modelprint.ownership.suspects",
    "OwnedExamples": "modelprint.ownership.c_examples",
    "OwnershipCheck": "modelprint.ownership.decision",
    "OwnershipFingerprint": "modelprint.fingerprint.ownership",
    "OwnershipMethod": "modelprint.ownership.methods",
    "OwnershipVerdict": "modelprint.ownership.decision",
    "Perturbation": "modelprint.ownership.uap",
    "Reference": "modelprint.fingerprint.ownership_parts",
    "Relation": "modelprint.fingerprint.ownership_parts",
    "Responses": "modelprint.ownership.views",
    "Separation": "modelprint.ownership.separation",
    "Uap": "modelprint.ownership.methods",
    "Uniqueness": "modelprint.ownership.scores",
    "Universal": "modelprint.ownership.uap",
    "VARIANTS": "modelprint.ownership.c_examples",
    "Views": "modelprint.ownership.views",
    "agreement": "modelprint.ownership.scores",
    "answers_of": "modelprint.ownership.scores",
    "ask_probabilities": "modelprint.ownership.probabilities",
    "build_method": "modelprint.ownership.methods",
    "check": "modelprint.ownership.checking",
    "judge_responses": "modelprint.ownership.comparison",
    "kinds_of": "modelprint.ownership.suspects",
    "needed_references": "modelprint.ownership.decision",
    "seal": "modelprint.ownership.sealing",
    "similarities": "modelprint.ownership.encoder",
    "similarity": "modelprint.ownership.encoder",
    "uniqueness": "modelprint.ownership.scores",
}
"""The module each name lives in."""


def __getattr__(name: str) -> object:
    """Import a name at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'modelprint.ownership' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
