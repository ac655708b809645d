"""Settings given as text reach the object, or are refused with a line that says what there is."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import pytest

from modelprint.settings import Setting, build, convert, parse_assignments, settings_of


@dataclass(frozen=True, kw_only=True)
class Tea:
    """A thing with one setting of each type."""

    cups: int = 1
    sugar: float = 0.5
    milk: bool = False
    kind: Literal["green", "black"] = "green"
    guests: tuple[str, ...] = ()
    limit: int | None = None


TABLE = {"tea": Tea, "strong": partial(Tea, cups=3)}


def test_every_type_of_setting_is_read_from_text() -> None:
    """Numbers, truth values, choices, tuples and none."""
    overrides = {"cups": "2", "sugar": "1e-3", "milk": "yes", "kind": "black", "guests": "a, b", "limit": "4"}

    made = build(TABLE, "tea", overrides)

    assert made == Tea(cups=2, sugar=1e-3, milk=True, kind="black", guests=("a", "b"), limit=4)
    assert build(TABLE, "tea", {"limit": "none"}) == Tea()


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("coffee", {}, "there is no 'coffee'; choose one of tea, strong"),
        ("tea", {"spoon": "1"}, "tea has no setting 'spoon'; its settings are cups, sugar"),
        ("tea", {"cups": "two"}, "cups is a whole number, got 'two'"),
        ("tea", {"milk": "perhaps"}, "milk is true or false, got 'perhaps'"),
        ("tea", {"kind": "red"}, "kind is one of green, black, got 'red'"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_choices(name: str, overrides: dict[str, str], message: str) -> None:
    """The message names the value and what would be right."""
    with pytest.raises(ValueError, match=message):
        build(TABLE, name, overrides)


def test_a_partial_shows_its_own_defaults() -> None:
    """The table's value, not the class's, is what people are told."""
    assert settings_of(TABLE["strong"])[0] == Setting(name="cups", type="a whole number", default=3)
    assert [s.type for s in settings_of(Tea)][3:] == ["green | black", "text, ...", "a whole number or none"]


def test_assignments_are_name_equals_value() -> None:
    """Anything else is named in the error."""
    assert parse_assignments(["a=1", "b = x=y"]) == {"a": "1", "b": "x=y"}
    with pytest.raises(ValueError, match="NAME=VALUE, got 'steps'"):
        parse_assignments(["steps"])


def test_a_number_that_no_float_can_hold_is_refused() -> None:
    """TOML and JSON have whole numbers of any length."""
    with pytest.raises(ValueError, match="share is a number that is too large"):
        convert(10**400, float, "share")
