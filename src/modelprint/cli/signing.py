"""Vouching for a file: `key new`, `key show`, `sign`, `check-signature`. Needs no torch."""

import os
from dataclasses import asdict
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated

import typer

from modelprint.cli.console import print_remark, show_json
from modelprint.cli.options import AsJson, FingerprintFile, Force, refuse_to_replace
from modelprint.cli.trust import load_any_fingerprint, require_trust

key_app = typer.Typer(no_args_is_help=True, help="Keys to sign fingerprints with.")


@key_app.command("new")
def make_key_pair(
    output: Annotated[
        Path, typer.Argument(metavar="FILE", help="The private key to write; FILE.pub is the public one.")
    ],
) -> None:
    """Make an Ed25519 key pair: FILE for you alone, FILE.pub for everyone who checks your fingerprints.

    When the environment variable MODELPRINT_KEY_PASSWORD is set, it encrypts the private key.

    Example: modelprint key new owner.pem
    """
    from modelprint.signing.keys import PASSWORD, make_key

    public = output.with_name(output.name + ".pub")
    for path in (output, public):
        refuse_to_replace(path, force=False)
    password = os.environ.get(PASSWORD)
    key = make_key(output, public, password)
    if not password:
        print_remark(f"the private key is not encrypted; {PASSWORD} sets a password")
    typer.echo(f"private key  {output}\npublic key   {public}\nidentifier   {key.keyid}")


@key_app.command("show")
def show_key(
    key: Annotated[Path, typer.Argument(metavar="FILE", help="A public key.")],
) -> None:
    """Print the identifier of a public key, to compare with what its owner says by other means.

    Example: modelprint key show owner.pem.pub
    """
    from modelprint.signing.keys import load_public_key

    typer.echo(load_public_key(key).keyid)


def sign(
    fingerprint: FingerprintFile,
    key: Annotated[Path, typer.Option(metavar="FILE", help="Your private key.")],
    output: Annotated[Path, typer.Option(metavar="FILE", help="The signed .mprint file to write.")],
    model_file: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A file of the model; its digest, as model_signing computes it, is signed too. May be given several "
            "times.",
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="DATE", help="Last day on which the signature holds, such as 2030-12-31.")
    ] = None,
    force: Force = False,
) -> None:
    """Sign a fingerprint, so that who checks a model knows whose fingerprint it is.

    The signature is an in-toto statement in a DSSE envelope. It names the digests of the fingerprint, of the weights,
    and of each --model-file. The digest of the fingerprint stays the same; an earlier signature is replaced. A key
    with a password is decrypted with the environment variable MODELPRINT_KEY_PASSWORD.

    Example: modelprint sign release.mprint --key owner.pem --output release.signed.mprint
    """
    refuse_to_replace(output, force)
    from modelprint.fingerprint.endorsement import sign_fingerprint
    from modelprint.signing.keys import PASSWORD, load_private_key
    from modelprint.signing.subjects import digest_model

    loaded = load_any_fingerprint(fingerprint)
    files = [(path.name, digest_model(path)) for path in model_file or []]
    private = load_private_key(key, os.environ.get(PASSWORD))
    sign_fingerprint(loaded, private, model_files=files, expires=_read_day(expires)).save(output)
    typer.echo(f"signed in    {output}\nfingerprint  {loaded.digest}")


def check_signature(
    fingerprint: FingerprintFile,
    trust: Annotated[
        list[Path], typer.Option(metavar="FILE", help="Public key of an owner you trust. May be given several times.")
    ],
    as_json: AsJson = False,
) -> None:
    """Check that a fingerprint is signed by a key that you trust, and say what the signature is about.

    A missing, wrong or expired signature is an error, with exit code 2. This says nothing about any model that is
    served; verify does, and takes the same --trust.

    Example: modelprint check-signature release.signed.mprint --trust owner.pem.pub
    """
    found = require_trust(load_any_fingerprint(fingerprint), trust)
    if as_json:
        statement = found.statement
        times = {
            "created": statement.created.isoformat(),
            "expires": statement.expires and statement.expires.isoformat(),
        }
        show_json(asdict(statement) | {"subjects": dict(statement.subjects), "signers": list(found.signers)} | times)
        return
    lines = [f"signed {found.summary()}", *(f"{digest}  {name}" for name, digest in found.statement.subjects)]
    typer.echo("\n".join(lines))


def _read_day(text: str | None) -> datetime | None:
    """Return the last second of a day in UTC."""
    if text is None:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as problem:
        raise ValueError(f"--expires is a day such as 2030-12-31, got {text!r}") from problem
    return datetime.combine(day, time(23, 59, 59), UTC)
