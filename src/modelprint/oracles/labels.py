"""From the server's name of a class to its index in the fingerprint. An unknown label is never guessed."""

from collections.abc import Mapping
from dataclasses import dataclass

from modelprint.errors import EndpointError, OracleError
from modelprint.oracles.json_text import open_text
from modelprint.oracles.replies import Named


@dataclass(frozen=True)
class LabelMap:
    """Class names in index order, and what a server calls them.

    Attributes:
        class_names: Our names, in index order.
        table: Server label, as text, to class index; None when the server uses our names or indices.
    """

    class_names: tuple[str, ...]
    table: Mapping[str, int] | None = None

    @classmethod
    def of(cls, class_names: tuple[str, ...], labels: Mapping[str, str | int]) -> "LabelMap":
        """Check `labels` (server label to class name or index) against `class_names`; empty means no map.

        Raises:
            EndpointError: A class is unknown, or one has no label: its answers would be lost without a trace.
        """
        if not labels:
            return cls(class_names)
        table = {server: _find_class(server, ours, class_names) for server, ours in labels.items()}
        mapped = set(table.values())
        unmapped = [name for index, name in enumerate(class_names) if index not in mapped]
        if unmapped:
            listed = ", ".join(map(repr, unmapped[:5])) + (", ..." if len(unmapped) > 5 else "")
            raise EndpointError(f"labels: no server label stands for {listed}; map every class or leave labels out")
        return cls(class_names, table)

    def index(self, named: Named, width: int | None = None) -> int:
        """Return the class index of a server's label.

        Args:
            named: The label as the server wrote it.
            width: Length of the score vector it came from; None when the server named it.

        Raises:
            OracleError: The label stands for no class, or for more than one.
        """
        if self.table is not None:
            if str(named) not in self.table:
                named = _remove_quotes(named)
            if str(named) not in self.table:
                raise OracleError(f"the server's label {named!r} is not in the label map of the endpoint")
            return self.table[str(named)]
        if width is not None and width != len(self.class_names):
            raise OracleError(f"the server scores {width} classes, the fingerprint knows {len(self.class_names)}")
        return self._find_by_name(named) if width is None else int(named)

    def _find_by_name(self, named: Named) -> int:
        if str(named) not in self.class_names:
            named = _remove_quotes(named)
        places = [index for index, name in enumerate(self.class_names) if name == str(named)]
        number = int(named) if isinstance(named, int) or (named.isascii() and named.isdecimal()) else None
        if number is not None and 0 <= number < len(self.class_names) and (isinstance(named, int) or not places):
            places = sorted({*places, number})
        if not places:
            raise OracleError(f"the server's label {named!r} is no class name and no class index; add a label map")
        if len(places) > 1:
            raise OracleError(
                f"the server's label {named!r} may mean class {places[0]} or {places[1]}; add a label map"
            )
        return places[0]


def _remove_quotes(named: Named) -> Named:
    """Return the text inside a label that is a text of JSON itself, as from a service that encodes its answer twice."""
    opened = open_text(named)
    return opened if isinstance(opened, str) else named


def _find_class(server: str, ours: str | int, class_names: tuple[str, ...]) -> int:
    if isinstance(ours, int):
        if 0 <= ours < len(class_names):
            return ours
        raise EndpointError(f"labels.{server}: there is no class {ours}, indices run from 0 to {len(class_names) - 1}")
    if class_names.count(ours) != 1:
        found = "is no class" if ours not in class_names else "names more than one class, give its index"
        raise EndpointError(f"labels.{server}: {ours!r} {found}")
    return class_names.index(ours)
