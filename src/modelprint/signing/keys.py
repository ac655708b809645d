"""Ed25519 keys in PEM files, by the library `cryptography`. Needs no torch."""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import SSlibKey

from modelprint.cache import write_bytes_atomically
from modelprint.errors import SignatureError
from modelprint.files import open_regular

KEY_BYTES = 16 * 1024
"""Largest key file that is read."""

OWNER_ONLY = 0o600

PASSWORD = "MODELPRINT_KEY_PASSWORD"
"""Environment variable with the password of a private key."""


def make_key(path: Path, public_path: Path, password: str | None) -> SSlibKey:
    """Make a key pair and write it: the private key readable by its owner alone, the public one by all.

    Args:
        path: Where the private key is written, as PKCS #8 in PEM; it must not exist.
        public_path: Where the public key is written, as SubjectPublicKeyInfo in PEM.
        password: Encrypts the private key; it is written in the clear when None.

    Returns:
        The public key with its identifier.

    Raises:
        SignatureError: The private key exists already or cannot be written.
    """
    private = Ed25519PrivateKey.generate()
    encryption: KeySerializationEncryption = NoEncryption()
    if password:
        encryption = BestAvailableEncryption(password.encode())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as file:
            file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    except OSError as problem:
        raise SignatureError(f"{path}: the key cannot be written: {problem.strerror or problem}") from problem
    public = private.public_key()
    write_bytes_atomically(public_path, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return SSlibKey.from_crypto(public)


def load_private_key(path: Path, password: str | None) -> Ed25519PrivateKey:
    """Read a private key.

    Args:
        path: A PEM file.
        password: Decrypts it; needed exactly when it is encrypted.

    Raises:
        SignatureError: It is no Ed25519 private key, or the password is missing or wrong.
    """
    content = _read(path)
    try:
        key = load_pem_private_key(content, password.encode() if password else None)
    except TypeError as problem:  # a password is missing, or one was given that is not needed
        set_it = f"it is encrypted; set {PASSWORD} to its password"
        needed = f"it is not encrypted, so give no password ({PASSWORD})" if password else set_it
        raise SignatureError(f"{path}: the private key cannot be read: {needed}") from problem
    except (ValueError, UnsupportedAlgorithm) as problem:
        why = "wrong password, or damaged" if password else "not a private key in PEM form"
        raise SignatureError(f"{path}: the private key cannot be read: {why}") from problem
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError(f"{path}: holds a key of another kind; make an Ed25519 key with: modelprint key new")
    return key


def load_public_key(path: Path) -> SSlibKey:
    """Read a public key with its identifier; a private key is refused, since it stays with its owner.

    Raises:
        SignatureError: It is no Ed25519 public key.
    """
    content = _read(path)
    if b"PRIVATE KEY" in content:
        raise SignatureError(
            f"{path}: is a private key; give the public one, which `modelprint key new` wrote beside it"
        )
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise SignatureError(f"{path}: is no public key in PEM form") from problem
    if not isinstance(key, Ed25519PublicKey):
        raise SignatureError(f"{path}: holds a key of another kind; an Ed25519 key is needed")
    return SSlibKey.from_crypto(key)


def _read(path: Path) -> bytes:
    with open_regular(path, SignatureError) as file:
        content = file.read(KEY_BYTES + 1)
    if len(content) > KEY_BYTES:
        raise SignatureError(f"{path}: has more than {KEY_BYTES} bytes, which is no key")
    return content
