"""The curve of covertness from the command line: what is refused before any work."""

from pathlib import Path
from typing import Any

import pytest

NAMED = ("--network", "resnet20", "--weights", "cifar10_resnet20.safetensors", "--data", "cifar10")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "k=3"), "k has an option of its own: --k"),
        (("--set", "covert=p10"), "covert has an option of its own: --percentiles"),
        (("--percentiles", "60"), "60"),
        (("--k", 1), "k"),
    ],
)
def test_a_setting_with_an_option_of_its_own_is_refused(
    options: tuple[Any, ...], message: str, command: Any, world: Path
) -> None:
    """So that a curve cannot have two settings of one name; so is a point that does not exist."""
    done = command("tradeoff", *NAMED, "--tampering", "flip-sign", *options, "--output", "curve")

    assert (done.code, done.out) == (2, "")
    assert message in done.err and done.err.count("\n") == 1
    assert not (world / "curve").exists()


def test_a_file_is_not_taken_as_the_folder_of_the_report(command: Any, world: Path) -> None:
    """Nothing is written over it."""
    (world / "curve").write_text("mine")

    done = command("tradeoff", *NAMED, "--tampering", "flip-sign", "--output", "curve")

    assert (done.code, done.err) == (2, "error: curve is a file; name a folder\n")
    assert (world / "curve").read_text() == "mine"
