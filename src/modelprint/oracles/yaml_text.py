"""YAML without surprises: no code, no tags, no aliases, no doubled keys; keys, `on`, `no`, `2024-01-01` are texts."""

import re
from collections import Counter
from typing import Any

import yaml

from modelprint.errors import EndpointError

DEPTH_LIMIT = 50
NODE_LIMIT = 10_000
"""Most keys, values and lists: enough for the label map of a thousand classes many times over."""


LINE_LIMIT = 2 * NODE_LIMIT
"""Most lines: the reader takes its time for each, also for empty ones."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalar rules of YAML 1.2."""

    depth = 0
    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not supported")
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) not in (None, "!"):  # a tag could make a date or bytes, or fail in the reader
            raise yaml.MarkedYAMLError(problem="tags (!name) are not supported", problem_mark=event.start_mark)
        if not _is_text(getattr(event, "value", "")):
            raise yaml.MarkedYAMLError(problem="a lone surrogate is no character", problem_mark=event.start_mark)
        self.nodes += 1
        if self.nodes > NODE_LIMIT:
            raise yaml.YAMLError(f"more than {NODE_LIMIT} keys and values, which is no endpoint description")
        if self.depth == DEPTH_LIMIT:
            raise yaml.YAMLError(f"nested more than {DEPTH_LIMIT} levels deep")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        scalars = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in scalars:  # a key is the text as written: 1 and true would be the same key of a dict
            key.tag = "tag:yaml.org,2002:str"
        counts = Counter(key.value for key in scalars)
        doubled = next((key for key, count in counts.items() if count > 1), None)
        if doubled is not None:
            line = node.start_mark.line + 1
            raise yaml.YAMLError(f"the key {doubled!r} stands twice in the mapping that starts on line {line}")
        return super().construct_mapping(node, deep=deep)


_KEPT = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:float")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))


def read_yaml(text: str) -> object:
    """Return the document in `text`; EndpointError names the line but never repeats it: it may hold a secret."""
    lines = text.count("\n") + text.count("\r")
    if lines > LINE_LIMIT:
        raise EndpointError(f"not readable as YAML: {lines} lines, the limit is {LINE_LIMIT}")
    try:
        document: object = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise EndpointError(f"not readable as YAML: {place}{_first_words(problem)}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as problem:
        raise EndpointError(f"not readable as YAML: {str(problem).splitlines()[0]}") from None
    return document


def _is_text(value: str) -> bool:
    """Whether a text has no lone surrogates, which cannot be sent or printed."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _first_words(problem: yaml.MarkedYAMLError) -> str:
    return (problem.problem or problem.context or "syntax error").split(",")[0]
