"""Random streams depend on their seed and names only."""

import hashlib

import torch

from modelprint.streams import derive, stream


def test_a_seed_is_the_first_63_bits_of_a_hash() -> None:
    """Of seed and names, separated by a character that no name has; a change would change every published sample."""
    digest = hashlib.sha256(b"7\x1fsamples\x1f3").hexdigest()

    assert derive(7, "samples", 3) == int(digest[:16], 16) >> 1
    assert derive(7, "samples", 3) < 2**63


def test_names_are_not_run_together() -> None:
    """Four streams, all different."""
    assert len({derive(1, "ab"), derive(1, "a", "b"), derive(11, "b"), derive(1, "1b")}) == 4


def test_equal_streams_give_equal_numbers_whatever_was_drawn_before() -> None:
    """The global generator plays no part."""
    first = torch.rand(3, generator=stream(5, "x"))
    torch.manual_seed(99)

    assert torch.equal(torch.rand(3, generator=stream(5, "x")), first)
    assert not torch.equal(torch.rand(3, generator=stream(5, "y")), first)
    assert not torch.equal(torch.rand(3, generator=stream(6, "x")), first)
