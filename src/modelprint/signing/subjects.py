"""The digests of model files, as the tool `model_signing` computes them. Needs no torch.

Source: sigstore/model-transparency, version 1.1: the digest of a model is the SHA-256 of the SHA-256 digests of its
files, one after the other, in the order of their names; a model of one file has one.
"""

import hashlib
from pathlib import Path

from modelprint.errors import SignatureError
from modelprint.files import open_regular


def digest_model(path: Path) -> str:
    """Return the hexadecimal digest that a signature of `model_signing` over the file at `path` is about.

    Raises:
        SignatureError: The file cannot be read.
    """
    with open_regular(path, SignatureError) as file:
        content = hashlib.file_digest(file, "sha256").digest()
    return hashlib.sha256(content).hexdigest()
