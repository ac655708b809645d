"""Build an object from a table, a name and settings given as text. The only module that reads dataclass fields."""

import functools
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

Thing = TypeVar("Thing")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting of a method or tampering: its name, its type in words, and its default."""

    name: str
    type: str
    default: object


def build(table: Mapping[str, Callable[..., Thing]], name: str, overrides: Mapping[str, object] | None = None) -> Thing:
    """Return the object called `name` in `table`; `overrides`, text or values, replace defaults.

    Raises:
        ValueError: Unknown name or setting, or something that is not a value of the setting's type; lists the choices.
    """
    if name not in table:
        raise ValueError(f"there is no {name!r}; choose one of {', '.join(table)}")
    factory = table[name]
    hints = _read_hints(factory)
    values = {}
    for setting, value in (overrides or {}).items():
        if setting not in hints:
            known = ", ".join(hints) or "none"
            raise ValueError(f"{name} has no setting {setting!r}; its settings are {known}")
        values[setting] = convert(value, hints[setting], setting)
    return factory(**values)


def _format_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(_format_value, value)) if isinstance(value, list | tuple) else str(value)


def settings_of(factory: Callable[..., object]) -> tuple[Setting, ...]:
    """Return the settings of a dataclass, or of a partial of one with its own defaults."""
    given = factory.keywords if isinstance(factory, functools.partial) else {}
    hints = _read_hints(factory)
    return tuple(
        Setting(name=f.name, type=_describe_type(hints[f.name]), default=given.get(f.name, _read_default(f)))
        for f in fields(_find_dataclass(factory))
    )


def parse_assignments(assignments: Sequence[str]) -> dict[str, str]:
    """Return ["a=1", "b=x"] as a mapping; ValueError names the first that has another form."""
    pairs = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"a setting is written NAME=VALUE, got {assignment!r}")
        pairs[name.strip()] = value.strip()
    return pairs


def convert(value: object, kind: Any, name: str) -> object:
    """Return a value of TOML or JSON, or a text, as a value of the type `kind`; ValueError when it is none."""
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(value, str):
        return parse(value, kind, name)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return convert(value, next(a for a in arguments if a is not type(None)), name)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(convert(part, arguments[0], name) for part in value)
    if kind is float and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{name} is a number that is too large") from None
    if kind in (bool, int, float) and type(value) is kind:
        return value
    # The message is that of the same value as text.
    return parse(_format_value(value), kind, name)


def parse(text: str, kind: Any, name: str) -> object:
    """Return `text` as a value of the type `kind`: bool, int, float, str, Literal, optional, or a tuple of one."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if text.lower() == "none" and type(None) in arguments:
            return None
        return parse(text, next(a for a in arguments if a is not type(None)), name)
    if origin is Literal:
        if text not in arguments:
            raise ValueError(f"{name} is one of {', '.join(map(str, arguments))}, got {text!r}")
        return text
    if origin is tuple:
        return tuple(parse(part.strip(), arguments[0], name) for part in text.split(",") if part.strip())
    if kind is bool:
        return _parse_bool(text, name)
    try:
        return kind(text)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {_describe_type(kind)}, got {text!r}") from None


def _parse_bool(text: str, name: str) -> bool:
    if text.lower() not in {"true", "false", "yes", "no", "1", "0"}:
        raise ValueError(f"{name} is true or false, got {text!r}")
    return text.lower() in {"true", "yes", "1"}


_WORDS = {type(None): "none", str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _find_dataclass(factory: Callable[..., object]) -> type:
    made = factory.func if isinstance(factory, functools.partial) else factory
    if not (isinstance(made, type) and is_dataclass(made)):
        raise ValueError(f"{made!r} is not a dataclass, so its settings cannot be read")
    return made


def _read_hints(factory: Callable[..., object]) -> dict[str, Any]:
    made = _find_dataclass(factory)
    hints = typing.get_type_hints(made)
    return {f.name: hints[f.name] for f in fields(made) if f.init}


def _read_default(field: Any) -> object:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else None


def _describe_type(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(_describe_type(a) for a in arguments)
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin is tuple:
        return f"{_describe_type(arguments[0])}, ..."
    return _WORDS.get(kind, str(kind))
