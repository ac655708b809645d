"""Digests of models agree with the tool that signs models."""

from pathlib import Path

from modelprint.signing.subjects import digest_model


def test_a_file_has_the_digest_that_model_signing_signs(tmp_path: Path) -> None:
    """The subject in a signature that model_signing 1.1.1 made of these bytes with an elliptic-curve key."""
    path = tmp_path / "w.bin"
    path.write_bytes(b"hello weights")

    assert digest_model(path) == "0f2469c3e5dee63f01c2a65d8198f8e507773953cee279b0479987cc4095186d"
