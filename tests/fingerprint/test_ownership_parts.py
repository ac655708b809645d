"""Arrays are plain numbers of the promised kind and size, or refused before memory is taken."""

from collections.abc import Callable

import numpy as np
import pytest

from modelprint.fingerprint.ownership import OwnershipFingerprint
from modelprint.fingerprint.ownership_parts import ARRAYS, ByLabels, array_bytes, read_array


def headed(text: bytes, rest: bytes = b"") -> bytes:
    """Return a .npy file of this header."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + rest


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no .npy file"),
        (b"PK\x03\x04", "no .npy file"),
        (headed(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"), "holds object"),
        (headed(b"{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000,), }\n"), "promises (10000000000,)"),
        (headed(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }\n"), "of shape (-1,)"),
        (headed(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", b"1234"), "not spelled as we write it"),
        (headed(b"__import__('os').abort()\n"), "no .npy file"),
    ],
)
def test_a_hostile_array_is_refused_before_memory_is_taken(content: bytes, said: str) -> None:
    """Objects are never loaded, and sizes have to be borne out."""
    with pytest.raises(ValueError, match=r"arrays/hidden_bias\.npy") as caught:
        read_array("hidden_bias", content)

    assert said in str(caught.value)


def test_an_array_is_read_as_it_was_written() -> None:
    """Of each kind."""
    for name, (kind, axes) in ARRAYS.items():
        written = np.arange(2**axes).reshape((2,) * axes).astype(kind)
        np.testing.assert_array_equal(read_array(name, array_bytes(written)), written)


def test_evidence_of_examples_is_their_pictures(told_by_labels: Callable[..., OwnershipFingerprint]) -> None:
    """Its members are the pictures."""
    evidence = told_by_labels().evidence

    assert isinstance(evidence, ByLabels)
    assert list(evidence.contents) == [f"samples/{index:04d}.png" for index in range(4)]
