"""Is that model a copy of mine? Two ways to tell: labels that survive in copies, and answers to a perturbation.

The opposite of a fingerprint that guards integrity: pruning is a change there, and here the same model.
"""

from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import Reference, Relation
from modelprint.ownership.c_examples import VARIANTS, CExamples, OwnedExamples
from modelprint.ownership.checking import Finding, check
from modelprint.ownership.decision import Claim, Judge, OwnershipVerdict, needed_references
from modelprint.ownership.encoder import Contrastive, Encoder, similarities, similarity
from modelprint.ownership.methods import OWNERSHIP_METHODS, OwnershipMethod, Uap, build_method
from modelprint.ownership.probabilities import probabilities
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
    "Finding",
    "Judge",
    "Models",
    "OwnedExamples",
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
    "build_method",
    "check",
    "kinds_of",
    "needed_references",
    "probabilities",
    "seal",
    "similarities",
    "similarity",
    "uniqueness",
]
