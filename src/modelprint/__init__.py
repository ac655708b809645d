"""modelprint: check with a few sealed images whether an endpoint still serves the model you tested.

    from pathlib import Path
    from modelprint import Fingerprint, load_endpoint, open_oracle, verify

    fingerprint = Fingerprint.load(Path("release.mprint"))
    oracle = open_oracle(load_endpoint(Path("endpoint.yaml")), fingerprint.class_names)
    print(verify(oracle, fingerprint).summary())

Each name is imported when it is first used, so `import modelprint` is fast, and checking never needs torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelprint.calibration import PROFILES
    from modelprint.classifier import Classifier
    from modelprint.data import load_data
    from modelprint.data.labelled_images import LabelledImages
    from modelprint.errors import ModelprintError
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.generation.from_weights import generate
    from modelprint.loading import load_classifier
    from modelprint.methods import METHODS
    from modelprint.networks import NETWORKS
    from modelprint.oracles.endpoint import load_endpoint, open_oracle
    from modelprint.oracles.oracle import Answer, Oracle
    from modelprint.pixels import Picture
    from modelprint.tamperings import SUITE
    from modelprint.verification.transcript import Transcript
    from modelprint.verification.verdict import Outcome, Verdict
    from modelprint.verification.verifier import replay, verify

    __version__: str

__all__ = [
    "METHODS",
    "NETWORKS",
    "PROFILES",
    "SUITE",
    "Answer",
    "Classifier",
    "Fingerprint",
    "LabelledImages",
    "ModelprintError",
    "Oracle",
    "Outcome",
    "Picture",
    "Transcript",
    "Verdict",
    "__version__",
    "generate",
    "load_classifier",
    "load_data",
    "load_endpoint",
    "open_oracle",
    "replay",
    "verify",
]

_HOMES = {
    "METHODS": "modelprint.methods",
    "NETWORKS": "modelprint.networks",
    "PROFILES": "modelprint.calibration",
    "SUITE": "modelprint.tamperings",
    "Answer": "modelprint.oracles.oracle",
    "Classifier": "modelprint.classifier",
    "Fingerprint": "modelprint.fingerprint.integrity",
    "LabelledImages": "modelprint.data.labelled_images",
    "ModelprintError": "modelprint.errors",
    "Oracle": "modelprint.oracles.oracle",
    "Outcome": "modelprint.verification.verdict",
    "Picture": "modelprint.pixels",
    "Transcript": "modelprint.verification.transcript",
    "Verdict": "modelprint.verification.verdict",
    "generate": "modelprint.generation.from_weights",
    "load_classifier": "modelprint.loading",
    "load_data": "modelprint.data",
    "load_endpoint": "modelprint.oracles.endpoint",
    "open_oracle": "modelprint.oracles.endpoint",
    "replay": "modelprint.verification.verifier",
    "verify": "modelprint.verification.verifier",
}
"""The module that defines each public name."""


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name == "__version__":
        return import_module("importlib.metadata").version("modelprint")
    if name not in _HOMES:
        raise AttributeError(f"module 'modelprint' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
