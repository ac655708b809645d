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
    trust: bool = False,
) -> Classifier:
    """Return an untrained classifier with the network called `network`, or with the one that the fingerprint names.

    Args:
        fingerprint: The file, whose author chose the name in it.
        network: The network to use instead of the one in the file.
        image_shape: Of the images; that of the fingerprint when None.
        search_path: Folder to import a factory from.
        trust: Whether a factory that only the file names may be called; it is code.

    Raises:
        ValueError: The fingerprint names a factory and is not trusted, or nothing that can be loaded.
    """
    named = network or fingerprint.provenance.network
    if named in NETWORKS:
        shape, classes = fingerprint.preprocessing.image_shape, len(fingerprint.class_names)
        module = NETWORKS[named].make(class_count=classes, channels=shape[0])
        return Classifier(module, image_shape=shape, class_count=classes, name=named)
    if network is None and not (trust and ":" in named):
        raise ValueError(_explain_unknown(named))
    shape = image_shape or fingerprint.preprocessing.image_shape
    contract = fingerprint.preprocessing
    outside = None if contract.mean is None or contract.std is None else (contract.mean, contract.std)
    return load_classifier(named, None, image_shape=shape, search_path=search_path, normalisation=outside)


def _explain_unknown(named: str) -> str:
    """Say how to give the network that a file names."""
    if ":" in named:
        return (
            f"the fingerprint is of {named!r}, a factory, which is code; it is called with --trust-network, or when it "
            "is given as --network"
        )
    return f"the fingerprint is of {named!r}, which is not a built-in network; give one with --network"
