"""The architecture of suspects, without weights."""

from pathlib import Path

from modelprint.classifier import Classifier
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.loading import load_classifier
from modelprint.networks import NETWORKS


def load_architecture(
    fingerprint: Fingerprint,
    network: str | None,
    image_shape: tuple[int, int, int] | None,
    search_path: Path | None = None,
) -> Classifier:
    """Return an untrained classifier with the network called `network`, or with the one that the fingerprint names.

    Raises:
        ValueError: The fingerprint names no built-in network; code named by a file is never run.
    """
    named = network or fingerprint.provenance.network
    if named in NETWORKS:
        shape, classes = fingerprint.preprocessing.image_shape, len(fingerprint.class_names)
        module = NETWORKS[named].make(class_count=classes, channels=shape[0])
        return Classifier(module, image_shape=shape, class_count=classes, name=named)
    if network is None:
        raise ValueError(f"the fingerprint is of {named!r}, which is not a built-in network; give one with --network")
    shape = image_shape or fingerprint.preprocessing.image_shape
    contract = fingerprint.preprocessing
    outside = None if contract.mean is None or contract.std is None else (contract.mean, contract.std)
    return load_classifier(network, None, image_shape=shape, search_path=search_path, normalisation=outside)
