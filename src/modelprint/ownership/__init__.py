"""Is that model a copy of mine? Examples whose labels survive in copies and fail in models of others.

The opposite of a fingerprint that guards integrity: pruning is a change there, and here the same model.
"""

from modelprint.ownership.c_examples import VARIANTS, CExamples, OwnedExamples
from modelprint.ownership.scores import Agreement, Uniqueness, agreement, answers_of, uniqueness
from modelprint.ownership.suspects import OWNERSHIP_SUSPECTS, Relation, kinds_of

__all__ = [
    "OWNERSHIP_SUSPECTS",
    "VARIANTS",
    "Agreement",
    "CExamples",
    "OwnedExamples",
    "Relation",
    "Uniqueness",
    "agreement",
    "answers_of",
    "kinds_of",
    "uniqueness",
]
