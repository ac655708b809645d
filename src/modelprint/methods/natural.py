"""Natural images as they are: the baseline that every method has to beat.

Source: the comparison that every paper on fingerprints makes, natural images chosen at random. Every sample is its own
source and expects its label.

Departures: none. The caller chooses the sources, classes in turn.
"""

from dataclasses import dataclass
from typing import ClassVar

from modelprint.methods.method import Card
from modelprint.methods.transform import Transform
from modelprint.tensors import Images


@dataclass(frozen=True, kw_only=True)
class Natural(Transform):
    """Return the sources unchanged."""

    name: ClassVar[str] = "natural"
    card: ClassVar[Card] = Card(
        title="Natural images", source="the floor of every comparison", needs=("labels",), cost="nothing"
    )

    def change(self, images: Images, seed: int) -> Images:
        """Return the sources."""
        return images
