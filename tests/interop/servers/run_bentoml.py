"""The linear classifier behind BentoML: `python run_bentoml.py PORT`."""

import os
import sys
from pathlib import Path

import bentoml
from linear import decode, rank


@bentoml.service(workers=1)
class Linear:
    """Takes a file."""

    @bentoml.api
    def classify(self, image: Path) -> list[dict]:
        """Return scored classes."""
        return rank(decode(image.read_bytes()))


if __name__ == "__main__":
    os.chdir(Path(__file__).parent)
    command = [sys.executable, "-m", "bentoml", "serve", "run_bentoml:Linear", "--port", sys.argv[1]]
    os.execv(sys.executable, [*command, "--host", "127.0.0.1"])
