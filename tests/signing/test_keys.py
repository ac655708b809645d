"""Key files: what is written, what is read again, and what is refused."""

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from modelprint.errors import SignatureError
from modelprint.signing.keys import KEY_BYTES, load_private_key, load_public_key, make_key


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Return the files of a key pair."""
    private, public = tmp_path / "key", tmp_path / "key.pub"
    make_key(private, public, None)
    return private, public


def test_a_pair_belongs_together(pair: tuple[Path, Path]) -> None:
    """The public key in its file is that of the private one, with the identifier that was returned."""
    private, public = pair
    again = make_key(private.with_name("other"), public.with_name("other.pub"), None)

    key = load_private_key(private, None)

    assert load_public_key(public).keyval["public"] == key.public_key().public_bytes_raw().hex()
    assert load_public_key(public.with_name("other.pub")).keyid == again.keyid != load_public_key(public).keyid


def test_only_the_owner_can_read_the_private_key(pair: tuple[Path, Path]) -> None:
    """Whatever the mask of the process is."""
    assert stat.S_IMODE(pair[0].stat().st_mode) == 0o600


def test_no_key_is_replaced(pair: tuple[Path, Path]) -> None:
    """A lost key cannot be made again."""
    before = pair[0].read_bytes()

    with pytest.raises(SignatureError, match=r"key: the key cannot be written: File exists"):
        make_key(*pair, None)

    assert pair[0].read_bytes() == before


@pytest.mark.parametrize(
    ("password", "given", "message"),
    [
        ("right", None, "it is encrypted; set MODELPRINT_KEY_PASSWORD to its password"),
        ("right", "canary", "wrong password, or damaged"),
        (None, "canary", "it is not encrypted, so give no password"),
    ],
)
def test_a_password_is_needed_exactly_when_there_is_one(
    tmp_path: Path, password: str | None, given: str | None, message: str
) -> None:
    """The message never shows it."""
    make_key(tmp_path / "key", tmp_path / "key.pub", password)

    with pytest.raises(SignatureError, match=message) as refused:
        load_private_key(tmp_path / "key", given)

    assert "canary" not in str(refused.value)
    assert load_private_key(tmp_path / "key", password)


def test_keys_of_another_kind_are_refused(tmp_path: Path) -> None:
    """RSA is a good key, but not ours."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private, public = tmp_path / "rsa", tmp_path / "rsa.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    with pytest.raises(SignatureError, match="of another kind"):
        load_private_key(private, None)
    with pytest.raises(SignatureError, match="of another kind"):
        load_public_key(public)


def test_a_private_key_is_not_taken_for_a_public_one(pair: tuple[Path, Path]) -> None:
    """Its owner should notice that it was handed out."""
    with pytest.raises(SignatureError, match="is a private key; give the public one"):
        load_public_key(pair[0])


@pytest.mark.parametrize("content", [b"", b"ssh-ed25519 AAAA", b"\xff" * 100, b"-----BEGIN PUBLIC KEY-----\nAAAA\n"])
def test_anything_else_is_no_key(tmp_path: Path, content: bytes) -> None:
    """Whatever the bytes are."""
    path = tmp_path / "key"
    path.write_bytes(content)

    with pytest.raises(SignatureError, match="no public key in PEM form"):
        load_public_key(path)
    with pytest.raises(SignatureError, match="not a private key in PEM form"):
        load_private_key(path, None)


def test_large_files_and_pipes_are_not_read(tmp_path: Path) -> None:
    """A key has a few hundred bytes."""
    (tmp_path / "large").write_bytes(b" " * (KEY_BYTES + 1))
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(SignatureError, match="which is no key"):
        load_public_key(tmp_path / "large")
    with pytest.raises(SignatureError, match="is not a regular file"):
        load_public_key(tmp_path / "pipe")
