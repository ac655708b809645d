"""Which generator a method uses: its name, its settings and the seed of its training."""

from dataclasses import dataclass

from modelprint.data import DataSet
from modelprint.generators import GENERATORS, GeneratorNetwork, GeneratorRecipe
from modelprint.generators.store import load_or_train_generator
from modelprint.progress import Progress
from modelprint.settings import build, parse_assignments


@dataclass(frozen=True, kw_only=True)
class GeneratorChoice:
    """A generator of natural-looking images and its training.

    Attributes:
        name: In GENERATORS.
        settings: Those that differ from the defaults, each as NAME=VALUE.
        seed: Of its training.
    """

    name: str
    settings: tuple[str, ...] = ()
    seed: int = 0

    def build(self) -> GeneratorRecipe:
        """Return its recipe; ValueError names a wrong setting."""
        return build(GENERATORS, self.name, parse_assignments(self.settings))

    def load_or_train(self, data: DataSet, progress: Progress) -> GeneratorNetwork:
        """Return the generator from the cache, or train it on the training images of `data`."""
        return load_or_train_generator(self.name, self.build(), data, self.seed, progress)
