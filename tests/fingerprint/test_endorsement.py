"""Signed fingerprints: the same identity, and a refusal that says what was expected."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import SSlibKey

from modelprint.errors import FingerprintError, SignatureError
from modelprint.fingerprint.container import read_members, write_members
from modelprint.fingerprint.endorsement import check_fingerprint, sign_fingerprint
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.ownership import OwnershipFingerprint

GOLDEN = Path(__file__).parents[1] / "golden"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = SSlibKey.from_crypto(KEY.public_key())
TIME = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def fingerprint() -> Fingerprint:
    """Return a small one."""
    return Fingerprint.load(GOLDEN / "format-2.mprint")


def test_signing_keeps_the_identity(fingerprint: Fingerprint, tmp_path: Path) -> None:
    """The digest stays, through a file as well, and so do the samples."""
    path = tmp_path / "signed.mprint"

    sign_fingerprint(fingerprint, KEY, model_files=[("w.bin", "ab" * 32)]).save(path)
    loaded = Fingerprint.load(path)
    found = check_fingerprint(loaded, [PUBLIC])

    assert loaded.digest == fingerprint.digest
    assert loaded.samples == fingerprint.samples
    assert found.signers == (PUBLIC.keyid,)
    assert found.statement.digests == {fingerprint.digest, fingerprint.provenance.model_sha256, "ab" * 32}


def test_equal_signings_give_equal_files(fingerprint: Fingerprint, tmp_path: Path) -> None:
    """Signed at the same time."""
    for name in ("one", "two"):
        sign_fingerprint(fingerprint, KEY, created=TIME).save(tmp_path / name)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_ownership_is_signed_in_the_same_way(tmp_path: Path) -> None:
    """The statement says which kind it is."""
    path = tmp_path / "signed.mprint"

    sign_fingerprint(OwnershipFingerprint.load(GOLDEN / "ownership-labels-1.mprint"), KEY).save(path)

    assert check_fingerprint(OwnershipFingerprint.load(path), [PUBLIC]).statement.facts["kind"] == "ownership"


def test_no_signature_is_no_endorsement(fingerprint: Fingerprint) -> None:
    """Who was expected is named."""
    with pytest.raises(SignatureError, match=f"is not signed; expected a signature of {PUBLIC.keyid[:16]}"):
        check_fingerprint(fingerprint, [PUBLIC])


def test_a_signature_cannot_move_to_another_file(fingerprint: Fingerprint, tmp_path: Path) -> None:
    """One label less, or the signature put beside other samples."""
    signed = sign_fingerprint(fingerprint, KEY)
    shorter = replace(signed, samples=signed.samples[:-1], releases=())

    with pytest.raises(SignatureError, match="is about another file"):
        check_fingerprint(shorter, [PUBLIC])


def test_a_signature_is_small(fingerprint: Fingerprint, tmp_path: Path) -> None:
    """A file with a large one is refused before it is read as JSON."""
    path = tmp_path / "large.mprint"
    sign_fingerprint(fingerprint, KEY).save(path)
    members = read_members(path)

    with pytest.raises(FingerprintError, match=r"signature\.json has 65537 bytes, the limit is 65536"):
        write_members(path, members | {"signature.json": b" " * 65537})


def test_a_damaged_signature_is_found_by_who_asks_for_it(fingerprint: Fingerprint, tmp_path: Path) -> None:
    """The fingerprint itself stays readable: it is its digest that counts."""
    path = tmp_path / "damaged.mprint"
    sign_fingerprint(fingerprint, KEY).save(path)
    write_members(path, read_members(path) | {"signature.json": b"{}"})

    loaded = Fingerprint.load(path)

    assert loaded.digest == fingerprint.digest
    with pytest.raises(SignatureError, match="not a signed statement"):
        check_fingerprint(loaded, [PUBLIC])
