"""The suspects that ownership fingerprints are measured on: which kinds are copies of the victim."""

from modelprint.fingerprint.ownership_parts import Relation

OWNERSHIP_SUSPECTS: dict[str, Relation] = {
    "none": "copy",
    "finetune-last-1e-3": "copy",
    "finetune-all-1e-3": "copy",
    "finetune-all-1e-2-5-epochs": "copy",
    "retrain-last": "copy",
    "int8-static": "copy",
    "prune-80": "copy",
    "prune-90": "copy",
    "prune-95": "copy",
    "prune-80-retrained": "copy",
    "prune-90-retrained": "copy",
    "prune-95-retrained": "copy",
    "distil-short": "copy",
    "extract-labels": "copy",
    "extract-labels-cnn3": "copy",
    "extract-labels-cnn4": "copy",
    "extract-labels-natural": "copy",
    "extract-probabilities": "copy",
    "extract-probabilities-cnn3": "copy",
    "extract-probabilities-cnn4": "copy",
    "extract-from-cifar10": "copy",
    "extract-from-gtsrb": "copy",
    "extract-other": "unrelated",
    "homologous-0": "unrelated",
    "homologous-50": "unrelated",
    "homologous-90": "unrelated",
    "homologous-cnn3": "unrelated",
    "homologous-cnn4": "unrelated",
    "retrain-all-short": "unrelated",
    "architecture-short": "unrelated",
}
"""Names in the table of tamperings. Commands and plans take them there, with all their settings."""


def kinds_of(relation: Relation) -> tuple[str, ...]:
    """Return the kinds that are copies, or those that are unrelated, in the table's order."""
    return tuple(kind for kind, is_to_victim in OWNERSHIP_SUSPECTS.items() if is_to_victim == relation)
