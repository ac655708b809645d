"""All errors of the package have one base, and the tree in the module's docstring is complete."""

import inspect

from modelprint import errors
from modelprint.errors import MESSAGE_LIMIT, ModelprintError

OURS = [one for _, one in inspect.getmembers(errors, inspect.isclass) if one.__module__ == errors.__name__]


def test_every_error_has_the_base_and_no_wrong_argument_is_one() -> None:
    """A command line that catches the base catches all; `ValueError` stays what it is."""
    assert len(OURS) == 10
    assert all(issubclass(one, ModelprintError) for one in OURS)
    assert not any(issubclass(one, ValueError | OSError) for one in OURS)


def test_the_tree_names_every_error() -> None:
    """The docstring is the documentation of the family."""
    assert [one.__name__ for one in OURS if f"{one.__name__} " not in f"{errors.__doc__} "] == ["ModelprintError"]
    assert "    ModelprintError\n" in (errors.__doc__ or "")


def test_a_message_has_a_longest_length() -> None:
    """A name in a hostile file may be as long as the file."""
    assert str(ModelprintError("short")) == "short"
    assert len(str(ModelprintError("x" * 10**6))) == MESSAGE_LIMIT + len("...")
