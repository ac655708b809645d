"""Signatures of `.mprint` files: what is signed about a fingerprint, and whether a trusted key did. Needs no torch."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import SSlibKey

from modelprint.errors import SignatureError
from modelprint.fingerprint.envelope import Envelope
from modelprint.fingerprint.parts import UNKNOWN_MODEL
from modelprint.signing.envelope import Endorsement, check_signature, sign_statement
from modelprint.signing.statement import FINGERPRINT_PREDICATE, Statement

PayloadT = TypeVar("PayloadT", bound=Envelope[Any])


def sign_fingerprint(
    fingerprint: PayloadT,
    key: Ed25519PrivateKey,
    *,
    model_files: Sequence[tuple[str, str]] = (),
    expires: datetime | None = None,
    created: datetime | None = None,
) -> PayloadT:
    """Return `fingerprint` with a signature of `key` in place of any other; its digest stays the same.

    Args:
        fingerprint: Of integrity or of ownership.
        key: The private key of its owner.
        model_files: Name and digest of files of the model, so that the signature ties them to the fingerprint.
        expires: When the signature ceases to hold; never when None.
        created: When it is signed; now when None.
    """
    made = fingerprint.provenance
    model = [] if made.model_sha256 == UNKNOWN_MODEL else [(f"weights of {made.network}", made.model_sha256)]
    statement = Statement(
        subjects=[("fingerprint", fingerprint.digest), *model, *model_files],
        predicate_type=FINGERPRINT_PREDICATE,
        facts={"kind": fingerprint.kind, "network": made.network, "method": made.method, "sealed": made.created},
        tool=f"modelprint {version('modelprint')}",
        created=created or datetime.now(UTC),
        expires=expires,
    )
    return fingerprint.with_signature(sign_statement(statement, key))


def check_fingerprint(
    fingerprint: Envelope[Any], trusted: Sequence[SSlibKey], now: datetime | None = None
) -> Endorsement:
    """Return who of `trusted` signed `fingerprint`.

    Raises:
        SignatureError: It is not signed by a trusted key, or the signature is about another file or has expired.
    """
    if fingerprint.signature is None:
        wanted = ", ".join(key.keyid[:16] for key in trusted)
        raise SignatureError(f"the fingerprint is not signed; expected a signature of {wanted}")
    return check_signature(
        fingerprint.signature, trusted, digest=fingerprint.digest, predicate_type=FINGERPRINT_PREDICATE, now=now
    )
