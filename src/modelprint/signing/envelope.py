"""Signed statements: DSSE envelopes, by the library `securesystemslib`. Needs no torch.

Source: Dead Simple Signing Envelope, https://github.com/secure-systems-lab/dsse, version 1.0.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from modelprint.errors import SignatureError
from modelprint.signing.statement import PAYLOAD_TYPE, Statement, parse_statement

SIGNATURE_LIMIT = 16
"""Most signatures in one envelope."""


@dataclass(frozen=True, kw_only=True)
class Endorsement:
    """A statement and the trusted keys that signed it.

    Attributes:
        statement: What was signed.
        signers: Identifier of each trusted key whose signature is valid; at least one.
    """

    statement: Statement
    signers: tuple[str, ...]

    def summary(self) -> str:
        """Say in one line who signed it and when."""
        until = "" if self.statement.expires is None else f", valid until {self.statement.expires:%Y-%m-%d}"
        keys = " and ".join(signer[:16] for signer in self.signers)
        return f"by key {keys} on {self.statement.created:%Y-%m-%d}{until}"


def sign_statement(statement: Statement, key: Ed25519PrivateKey) -> bytes:
    """Return `statement` with a signature of `key`, as the JSON of a DSSE envelope."""
    envelope = Envelope(statement.encode(), PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(key))
    return json.dumps(envelope.to_dict(), sort_keys=True).encode()


def add_signature(content: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return the envelope in `content` with one more signature of the same statement.

    Raises:
        SignatureError: `content` is no envelope, or has as many signatures as it may.
    """
    envelope = _read(content)
    if len(envelope.signatures) >= SIGNATURE_LIMIT:
        raise SignatureError(f"the envelope has {SIGNATURE_LIMIT} signatures already, the most it may have")
    envelope.sign(CryptoSigner(key))
    return json.dumps(envelope.to_dict(), sort_keys=True).encode()


def check_signature(
    content: bytes, trusted: Sequence[SSlibKey], *, digest: str, predicate_type: str, now: datetime | None = None
) -> Endorsement:
    """Check that a trusted key signed a statement about `digest` that still holds.

    The signature is checked before anything in the statement is read.

    Args:
        content: JSON of a DSSE envelope.
        trusted: Public keys, any of which is enough; at least one.
        digest: Hexadecimal SHA-256 that the statement has to be about.
        predicate_type: The kind of statement that is wanted.
        now: The time at which it has to hold; the present when None.

    Raises:
        SignatureError: No trusted key signed it, or it is about something else, or it has expired; says what was
            expected.
    """
    envelope = _read(content)
    signers = tuple(key.keyid for key in trusted if _is_signed_by(envelope, key))
    if not signers:
        wanted = ", ".join(key.keyid[:16] for key in trusted)
        found = ", ".join(ascii(keyid)[1:-1][:16] for keyid in envelope.signatures) or "no key"
        raise SignatureError(f"not signed by a trusted key: expected a valid signature of {wanted}; it names {found}")
    statement = parse_statement(envelope.payload)
    if statement.predicate_type != predicate_type:
        raise SignatureError(
            f"the signature is on a statement of another kind: expected {predicate_type}, got "
            f"{ascii(statement.predicate_type)[1:-1][:80]}"
        )
    if digest not in statement.digests:
        found = ", ".join(sorted(ascii(one)[1:-1][:16] for one in statement.digests))
        raise SignatureError(f"the signature is about another file: expected SHA-256 {digest[:16]}, got {found}")
    if statement.expires is not None and statement.expires <= (now or datetime.now(UTC)):
        raise SignatureError(f"the signature expired on {statement.expires:%Y-%m-%d}; ask its owner for a new one")
    return Endorsement(statement=statement, signers=signers)


def _read(content: bytes) -> Envelope:
    """Return the envelope in `content`, none of which is trusted."""
    try:
        record = json.loads(content)
        if set(record) != {"payload", "payloadType", "signatures"} or len(record["signatures"]) > SIGNATURE_LIMIT:
            raise ValueError("it needs payload, payloadType and at most 16 signatures")
        envelope = Envelope.from_dict(record)
        known = isinstance(envelope.payload_type, str) and all(isinstance(keyid, str) for keyid in envelope.signatures)
        if not known or envelope.payload_type != PAYLOAD_TYPE:
            raise ValueError(f"its payload is not of type {PAYLOAD_TYPE}")
    except Exception as problem:  # the library raises many kinds on damaged input
        reason = " ".join(ascii(str(problem))[1:-1].split())[:120]
        raise SignatureError(f"not a signed statement (DSSE envelope): {reason}") from problem
    return envelope


def _is_signed_by(envelope: Envelope, key: SSlibKey) -> bool:
    try:
        envelope.verify([key], 1)
    except VerificationError:
        return False
    return True
