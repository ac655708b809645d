"""Envelopes: a trusted key signed this statement about this digest, and it still holds; or it is refused."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import SSlibKey

from modelprint.errors import SignatureError
from modelprint.signing.envelope import SIGNATURE_LIMIT, Endorsement, add_signature, check_signature, sign_statement
from modelprint.signing.statement import FINGERPRINT_PREDICATE, VERDICT_PREDICATE, Statement

TIME = datetime(2026, 1, 31, 12, tzinfo=UTC)
Make = Callable[..., Statement]
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)


def public(key: Ed25519PrivateKey) -> SSlibKey:
    """Return the public key with its identifier."""
    return SSlibKey.from_crypto(key.public_key())


def check(content: bytes, *keys: Ed25519PrivateKey, digest: str = "ab" * 32, **changes: Any) -> Endorsement:
    """Check a fingerprint's signature at the time it was made."""
    wanted = {"predicate_type": FINGERPRINT_PREDICATE, "now": TIME} | changes
    return check_signature(content, [public(key) for key in keys], digest=digest, **wanted)


def test_what_was_signed_is_read_again(make_statement: Make) -> None:
    """By any of the trusted keys; either subject will do."""
    content = sign_statement(make_statement(), KEY)

    found = check(content, OTHER, KEY, digest="cd" * 32)

    assert found == Endorsement(statement=make_statement(), signers=(public(KEY).keyid,))
    assert found.summary() == f"by key {public(KEY).keyid[:16]} on 2026-01-31, valid until 2026-02-01"


def test_equal_statements_get_equal_signatures(make_statement: Make) -> None:
    """Ed25519 takes no random number."""
    assert sign_statement(make_statement(), KEY) == sign_statement(make_statement(), KEY)


def test_the_signature_is_over_the_encoding_of_the_specification(make_statement: Make) -> None:
    """DSSE version 1: the lengths of type and payload before each."""
    record = json.loads(sign_statement(make_statement(), KEY))
    payload = base64.b64decode(record["payload"])
    encoding = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)

    assert KEY.sign(encoding) == base64.b64decode(record["signatures"][0]["sig"])


@pytest.mark.parametrize(
    ("keys", "changes", "message"),
    [
        ((OTHER,), {}, "not signed by a trusted key: expected a valid signature of"),
        ((KEY,), {"digest": "ef" * 32}, "about another file: expected SHA-256 efefefefefefefef, got abab"),
        (
            (KEY,),
            {"predicate_type": VERDICT_PREDICATE},
            "expected urn:modelprint:verdict:v1, got urn:modelprint:finger",
        ),
        ((KEY,), {"now": TIME + timedelta(days=2)}, "expired on 2026-02-01"),
    ],
)
def test_what_is_missing_is_said(
    make_statement: Make, keys: tuple[Ed25519PrivateKey, ...], changes: Any, message: str
) -> None:
    """With what was expected and what was found."""
    with pytest.raises(SignatureError, match=message):
        check(sign_statement(make_statement(), KEY), *keys, **changes)


def test_no_bit_can_change(make_statement: Make) -> None:
    """Neither of the statement nor of the signature; the payload's type is covered as well."""
    record = json.loads(sign_statement(make_statement(), KEY))
    for part, holder in (("payload", record), ("sig", record["signatures"][0])):
        right = holder[part]
        content = bytearray(base64.b64decode(right))
        for position in range(0, len(content), 7):
            content[position] ^= 1
            holder[part] = base64.b64encode(content).decode()
            with pytest.raises(SignatureError, match="not signed by a trusted key"):
                check(json.dumps(record).encode(), KEY)
            content[position] ^= 1
        holder[part] = right
    assert check(json.dumps(record).encode(), KEY)


def test_an_identifier_alone_is_no_signature(make_statement: Make) -> None:
    """A stranger may write any identifier beside his own signature."""
    record = json.loads(sign_statement(make_statement(), OTHER))
    record["signatures"][0]["keyid"] = public(KEY).keyid

    with pytest.raises(SignatureError, match="not signed by a trusted key"):
        check(json.dumps(record).encode(), KEY)


def test_several_may_sign(make_statement: Make) -> None:
    """Each trusted one is named; there is a limit."""
    content = add_signature(sign_statement(make_statement(), KEY), OTHER)

    assert set(check(content, KEY, OTHER).signers) == {public(KEY).keyid, public(OTHER).keyid}
    assert check(content, OTHER).signers == (public(OTHER).keyid,)
    for index in range(SIGNATURE_LIMIT - 2):
        content = add_signature(content, Ed25519PrivateKey.from_private_bytes(bytes([index]) * 32))
    with pytest.raises(SignatureError, match="has 16 signatures already"):
        add_signature(content, Ed25519PrivateKey.generate())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[1]",
        b"{}",
        b'{"payload": "", "payloadType": "", "signatures": []}',
        b'{"payload": 3, "payloadType": "application/vnd.in-toto+json", "signatures": []}',
        b'{"payload": "", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "\\u20ac"}]}',
        b'{"payload": "", "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "", "keyid": []}]}',
        b'{"payload": "", "payloadType": ["x"], "signatures": [], "more": 1}',
        b"[" * 100_000,
    ],
)
def test_other_bytes_are_no_envelope(content: bytes) -> None:
    """In one printable line."""
    with pytest.raises(SignatureError, match="not a signed statement") as refused:
        check(content, KEY)

    assert str(refused.value).isprintable()


def test_a_signed_stranger_is_refused(make_statement: Make) -> None:
    """A trusted key may have signed something that is no statement of ours."""
    statement = make_statement()
    foreign = Statement(**{**vars(statement), "predicate_type": "https://slsa.dev/provenance/v1"})

    with pytest.raises(SignatureError, match=r"of another kind: expected .*, got https://slsa.dev"):
        check(sign_statement(foreign, KEY), KEY)
