"""An ONNX file as an oracle, run by ONNX Runtime on the CPU."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from modelprint.errors import OracleError
from modelprint.oracles.oracle import Answer
from modelprint.oracles.replies import RANKING_LIMIT
from modelprint.pixels import Picture

DATATYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}
"""Input types we feed: images in [0, 1], or grey levels."""


class OnnxOracle:
    """Answers with the arg-max of a model's only output, and the greatest logits.

    Attributes:
        path: The file; its input is float32 in [0, 1] or uint8, n c h w, its output one row of logits per image.
        digest: Hexadecimal SHA-256 of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            content = path.read_bytes()
        except OSError as problem:
            raise OracleError(f"{path}: {problem.strerror}") from None
        self.digest = hashlib.sha256(content).hexdigest()
        self._session = _open_session(path)
        self._input = _take_only(path, "input", self._session.get_inputs())
        self._output = _take_only(path, "output", self._session.get_outputs())
        if self._input.type not in DATATYPES:
            raise OracleError(f"{path}: the input is {self._input.type}, expected one of {', '.join(DATATYPES)}")

    def ask(self, picture: Picture) -> Answer:
        """Answer one picture; two equal greatest logits are a tie."""
        pixels = picture.pixels[None]
        sides = self._input.shape
        if not _accepts_shape(sides, pixels.shape):
            return Answer(problem=f"the model takes images of shape {sides}, this one has {list(pixels.shape)}")
        image = pixels if self._input.type == "tensor(uint8)" else pixels.astype(np.float32) / np.float32(255)
        try:
            logits = np.asarray(self._session.run([self._output.name], {self._input.name: image})[0])
        except Exception as problem:  # ONNX Runtime has a family of its own for what a graph can do wrong
            return Answer(problem=f"ONNX Runtime failed: {' '.join(str(problem).split())[:200]}")
        return _read_answer(logits)

    def describe(self) -> dict[str, str]:
        """Say which file is asked."""
        return {"kind": "onnx", "name": self.path.name, "digest": self.digest}


def _accepts_shape(sides: list[int | str | None], shape: tuple[int, ...]) -> bool:
    """Whether an image of `shape` goes into an input whose free axes have a name or nothing instead of a number."""
    if len(sides) != len(shape):
        return False
    return all(not isinstance(side, int) or side == given for side, given in zip(sides, shape, strict=True))


def _read_answer(logits: np.ndarray) -> Answer:
    if logits.ndim != 2 or logits.shape[0] != 1 or logits.shape[1] < 2 or logits.dtype.kind != "f":
        return Answer(problem=f"the model's output is {logits.dtype} of shape {list(logits.shape)}, expected logits")
    row = logits[0].astype(np.float32)
    if not np.isfinite(row).all():
        return Answer(problem="the model's logits are not finite")
    label = int(row.argmax())
    best = np.argsort(-row, kind="stable")[:RANKING_LIMIT]
    ranking = tuple((int(index), float(row[index])) for index in best)
    return Answer(label=label, named=label, tie=int((row == row[label]).sum()) > 1, ranking=ranking)


def _open_session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise OracleError('an ONNX file needs ONNX Runtime; install it with pip install "modelprint[onnx]"') from None
    try:
        return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as problem:  # see ask
        raise OracleError(f"{path}: not a usable ONNX file: {' '.join(str(problem).split())[:200]}") from None


def _take_only(path: Path, role: str, tensors: list[Any]) -> Any:
    if len(tensors) != 1:
        raise OracleError(f"{path}: the model has {len(tensors)} {role}s, expected 1")
    return tensors[0]
