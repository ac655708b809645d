"""Named, independent random streams: numbers depend on seed and name only, not on what was drawn before."""

import hashlib

import torch


def derive(seed: int, *names: str | int) -> int:
    """Return a 63-bit seed for the stream called `names` under `seed`."""
    text = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stream(seed: int, *names: str | int) -> torch.Generator:
    """Return the CPU generator of the stream called `names` under `seed`."""
    return torch.Generator().manual_seed(derive(seed, *names))
