"""Whose fingerprint it is: the option --trust of the checking commands. Needs no torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelprint.fingerprint.envelope import Envelope
    from modelprint.signing.envelope import Endorsement


def load_any_fingerprint(path: Path) -> "Envelope[Any]":
    """Return the fingerprint in a file, of integrity or of ownership.

    Raises:
        FingerprintError: It is damaged or no fingerprint.
    """
    from modelprint.fingerprint.integrity import Fingerprint
    from modelprint.fingerprint.manifest import OWNERSHIP, read_kind
    from modelprint.fingerprint.ownership import OwnershipFingerprint

    kind = OwnershipFingerprint if read_kind(path) == OWNERSHIP else Fingerprint
    return kind.load(path)


def require_trust(fingerprint: "Envelope[Any]", trust: Sequence[Path]) -> "Endorsement":
    """Return who of the public keys in the files `trust` signed `fingerprint`.

    Raises:
        SignatureError: None of them did, a file is no public key, or the signature has expired.
    """
    from modelprint.fingerprint.endorsement import check_fingerprint
    from modelprint.signing.keys import load_public_key

    return check_fingerprint(fingerprint, [load_public_key(path) for path in trust])


def describe_signature(fingerprint: "Envelope[Any]", trust: Sequence[Path] | None) -> str:
    """Say in one line who signed `fingerprint`: a key in `trust`, or that it was not checked or not signed.

    Raises:
        SignatureError: Keys are given and none of them signed it, or the signature has expired.
    """
    if trust:
        return require_trust(fingerprint, trust).summary()
    if fingerprint.signature is None:
        return "no"
    return "not checked; give the public key of its owner with --trust"
