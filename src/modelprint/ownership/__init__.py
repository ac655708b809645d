"""Is that model a copy of mine? Two ways to tell: labels that survive in copies, and answers to a perturbation.

The opposite of a fingerprint that guards integrity: pruning is a change there, and here the same model.
"""

from modelprint.ownership.c_examples import VARIANTS, CExamples, OwnedExamples
from modelprint.ownership.decision import Claim, Judge, OwnershipVerdict, needed_references
from modelprint.ownership.encoder import Contrastive, Encoder, similarities, similarity
from modelprint.ownership.probabilities import probabilities
from modelprint.ownership.scores import Agreement, Uniqueness, agreement, answers_of, uniqueness
from modelprint.ownership.separation import Separation
from modelprint.ownership.suspects import OWNERSHIP_SUSPECTS, Relation, kinds_of
from modelprint.ownership.uap import Perturbation, Universal
from modelprint.ownership.views import Clusters, Responses, Views

__all__ = [
    "OWNERSHIP_SUSPECTS",
    "VARIANTS",
    "Agreement",
    "CExamples",
    "Claim",
    "Clusters",
    "Contrastive",
    "Encoder",
    "Judge",
    "OwnedExamples",
    "OwnershipVerdict",
    "Perturbation",
    "Relation",
    "Responses",
    "Separation",
    "Uniqueness",
    "Universal",
    "Views",
    "agreement",
    "answers_of",
    "kinds_of",
    "needed_references",
    "probabilities",
    "similarities",
    "similarity",
    "uniqueness",
]
