"""The public names are a promise."""

import json
import subprocess
import sys

import pytest

import modelprint

PROMISED = {
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
}

HEAVY = {"fastapi", "httpx", "numpy", "onnx", "onnxruntime", "pydantic", "pyarrow", "rich", "sklearn", "torch", "typer"}

FOR_CHECKERS = [
    "Answer",
    "Fingerprint",
    "LabelledImages",
    "ModelprintError",
    "Oracle",
    "Outcome",
    "Picture",
    "Transcript",
]
FOR_CHECKERS += ["Verdict", "load_data", "load_endpoint", "open_oracle", "replay", "verify"]


def imported_by(code: str) -> set[str]:
    """Return the top-level modules a fresh interpreter has after running `code`."""
    report = "import sys, json; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_the_public_names_are_these() -> None:
    """Nothing is added to or taken from the public surface by accident."""
    assert set(modelprint.__all__) == PROMISED


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_every_public_name_leads_somewhere(name: str) -> None:
    """Each name can be had, and a second time it is the same thing."""
    assert getattr(modelprint, name) is not None
    assert name in dir(modelprint)
    assert getattr(modelprint, name) == getattr(modelprint, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails like in any module."""
    with pytest.raises(AttributeError, match="module 'modelprint' has no attribute 'verfy'"):
        modelprint.verfy  # noqa: B018 - the access is the test


def test_importing_the_package_imports_nothing_heavy() -> None:
    """`import modelprint` costs next to nothing."""
    assert imported_by("import modelprint") & HEAVY == set()


def test_names_for_checking_need_no_torch() -> None:
    """Whoever inspects, verifies and replays never waits for an extra's packages, nor needs them."""
    modules = imported_by(f"import modelprint\nfor name in {FOR_CHECKERS!r}: getattr(modelprint, name)")

    assert modules & {"fastapi", "onnx", "onnxruntime", "pyarrow", "sklearn", "torch"} == set()
