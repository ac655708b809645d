"""Signing on the command line: keys, signatures, and refusals that say what was expected."""

import json
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"
FILE = GOLDEN / "format-2.mprint"


@pytest.fixture
def key(command: Any, tmp_path: Path) -> Path:
    """Return the file of a private key."""
    assert command("key", "new", tmp_path / "key").code == 0
    return tmp_path / "key"


@pytest.mark.parametrize("source", [FILE, GOLDEN / "ownership-views-1.mprint"], ids=["integrity", "ownership"])
def test_a_signed_file_is_trusted(command: Any, key: Path, tmp_path: Path, source: Path) -> None:
    """By the key that signed it, and inspect says so; without a key nothing is claimed."""
    signed, public = tmp_path / "signed.mprint", tmp_path / "key.pub"

    done = command("sign", source, "--key", key, "--output", signed, "--expires", "2099-12-31")
    checked = command("check-signature", signed, "--trust", public)
    seen, unchecked = command("inspect", signed, "--trust", public), command("inspect", signed)

    assert done.code == checked.code == seen.code == unchecked.code == 0
    assert "valid until 2099-12-31" in checked.out
    assert "valid until 2099-12-31" in seen.out
    assert "not checked; give the public key" in unchecked.out
    assert "signed       no" in command("inspect", source).out


def test_the_statement_as_json(command: Any, key: Path, tmp_path: Path) -> None:
    """With the digest of the model's file."""
    model, signed = tmp_path / "w.bin", tmp_path / "signed.mprint"
    model.write_bytes(b"hello weights")
    identifier = command("key", "show", tmp_path / "key.pub").out.strip()

    command("sign", FILE, "--key", key, "--model-file", model, "--output", signed)
    record = json.loads(command("check-signature", signed, "--trust", tmp_path / "key.pub", "--json").out)

    assert record["signers"] == [identifier]
    assert record["subjects"]["w.bin"].startswith("0f2469c3e5dee63f")
    assert record["expires"] is None


def test_an_unknown_signer_is_refused(command: Any, key: Path, tmp_path: Path) -> None:
    """With exit code 2, by each command that takes --trust, and before anything is asked."""
    signed = tmp_path / "signed.mprint"
    command("key", "new", tmp_path / "other")
    command("sign", FILE, "--key", key, "--output", signed)

    for name in ("check-signature", "inspect"):
        done = command(name, signed, "--trust", tmp_path / "other.pub")
        assert done.code == 2
        assert "not signed by a trusted key: expected a valid signature of" in done.err


def test_an_output_and_a_key_are_not_replaced(command: Any, key: Path, tmp_path: Path) -> None:
    """A key is never, since nothing brings it back."""
    assert "exists already" in command("sign", FILE, "--key", key, "--output", key).err
    assert command("key", "new", key).code == 2


@pytest.mark.parametrize("day", ["tomorrow", "2099-13-01", "2020-01-01"])
def test_a_last_day_lies_ahead(command: Any, key: Path, tmp_path: Path, day: str) -> None:
    """And is a day."""
    done = command("sign", FILE, "--key", key, "--output", tmp_path / "signed.mprint", "--expires", day)

    assert done.code == 2
    assert not (tmp_path / "signed.mprint").exists()


def test_a_password_stays_secret(command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes from the environment and is printed nowhere."""
    monkeypatch.setenv("MODELPRINT_KEY_PASSWORD", "canary-7f")
    made = command("key", "new", tmp_path / "key")
    signed = command("sign", FILE, "--key", tmp_path / "key", "--output", tmp_path / "signed.mprint")
    monkeypatch.delenv("MODELPRINT_KEY_PASSWORD")
    refused = command("sign", FILE, "--key", tmp_path / "key", "--output", tmp_path / "more.mprint")

    assert (made.code, signed.code, refused.code) == (0, 0, 2)
    assert "set MODELPRINT_KEY_PASSWORD" in refused.err
    assert "canary-7f" not in "".join(made.out + made.err + signed.out + signed.err)
    assert b"ENCRYPTED" in (tmp_path / "key").read_bytes()
