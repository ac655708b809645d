"""The architecture of suspects comes from the fingerprint or from the command line, never from code in a file."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from modelprint.cli.architectures import load_architecture
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.networks.digits import DigitsNet

GOLDEN = Path(__file__).parents[1] / "golden" / "format-1.mprint"


def named(network: str) -> Fingerprint:
    """Return a fingerprint that says it is of `network`."""
    fingerprint = Fingerprint.load(GOLDEN)
    return replace(fingerprint, provenance=replace(fingerprint.provenance, network=network))


@pytest.mark.parametrize(("file", "option"), [("digits", None), ("somebody:code", "digits")])
def test_a_built_in_network_takes_shape_and_classes_from_the_file(file: str, option: str | None) -> None:
    """The option wins over the file."""
    fingerprint = named(file)

    model = load_architecture(fingerprint, option, None)

    assert isinstance(model.network, DigitsNet)
    assert (model.name, model.class_count) == ("digits", len(fingerprint.class_names))
    assert model.image_shape == fingerprint.preprocessing.image_shape


def test_code_that_a_file_names_is_not_run() -> None:
    """The error says which options allow it; a file of another kind is never opened because a fingerprint names it."""
    with pytest.raises(ValueError, match=r"'os:getcwd', a factory, which is code; it is called with --trust-network,"):
        load_architecture(named("os:getcwd"), None, None)
    for trust in (False, True):
        with pytest.raises(ValueError, match=r"'our\.pt2', which is not a built-in network; give one with --network"):
            load_architecture(named("our.pt2"), None, None, trust=trust)


def test_a_factory_comes_from_the_folder_that_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the image shape of the fingerprint."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "suspects_of_ours.py").write_text(
        "from torch import nn\ndef make():\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4))\n"
    )
    name = "suspects_of_ours:make"
    given, trusted = named("digits"), named(name)

    for model in (
        load_architecture(given, name, None, tmp_path),
        load_architecture(trusted, None, None, tmp_path, trust=True),
    ):
        assert model.image_shape == given.preprocessing.image_shape
        assert (model.class_count, model.name) == (4, name)
