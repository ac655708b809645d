"""An ONNX file as an oracle, run by ONNX Runtime on the CPU."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from modelprint.errors import OracleError, advise_extra
from modelprint.oracles.onnx_session import make_options
from modelprint.oracles.oracle import Answer, answer_logits
from modelprint.oracles.pixel_form import PixelForm
from modelprint.pixels import Picture

DATATYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
"""Input types we feed: images in [0, 1] unless another form is asked for, or grey levels."""
BATCH_LIMIT = 1024
"""Largest fixed batch that is filled with copies of one image."""


class OnnxOracle:
    """Answers with the arg-max of a model's only output, and the greatest logits.

    Attributes:
        path: The file; its output is one row of logits per image.
        form: How its input takes pixels: by default in [0, 1], or as grey levels when it is uint8, n c h w.
        digest: Hexadecimal SHA-256 of the file, or of its hash and those of the files with external weights that it
            names.
    """

    def __init__(self, path: Path, form: PixelForm | None = None) -> None:
        self.path, self.form = path, form or PixelForm()
        runtime = _import_runtime()
        self.digest, size = _digest_model(path)
        self._session = _open_session(path, runtime, size)
        self._input = _take_only(path, "input", self._session.get_inputs())
        self._output = _take_only(path, "output", self._session.get_outputs())
        if self._input.type not in DATATYPES:
            raise OracleError(f"{path}: the input is {self._input.type}, expected one of {', '.join(DATATYPES)}")
        if not self.takes_floats and self.form.normalises:
            raise OracleError(f"{path}: the input is tensor(uint8), which takes no mean and std")

    @property
    def takes_floats(self) -> bool:
        """Whether the input takes numbers that can be scaled, and not grey levels."""
        return bool(self._input.type != "tensor(uint8)")

    def ask(self, picture: Picture) -> Answer:
        """Answer one picture; two equal greatest logits are a tie."""
        pixels = self.form.compute(picture) if self.takes_floats else self.form.arrange(picture)
        image = pixels.astype(DATATYPES[self._input.type])
        sides = self._input.shape
        if self.form.layout.startswith("n"):
            image = _fill_batch(image, sides)
        if not _accepts_shape(sides, image.shape):
            return Answer(problem=f"the model takes images of shape {sides}, this one has {list(image.shape)}")
        try:
            logits = np.asarray(self._session.run([self._output.name], {self._input.name: image})[0])
        except Exception as problem:  # ONNX Runtime has a family of its own for what a graph can do wrong
            return Answer(problem=f"ONNX Runtime failed: {' '.join(str(problem).split())[:200]}")
        return _read_answer(logits, image.shape[0] if self.form.layout.startswith("n") else 1)

    def describe(self) -> dict[str, str]:
        """Say which file is asked, and in which form when it is another than the usual one."""
        asked = {name: str(value) for name, value in self.form.model_dump(exclude_defaults=True).items()}
        return {"kind": "onnx", "name": self.path.name, "digest": self.digest} | asked


def _accepts_shape(sides: list[int | str | None], shape: tuple[int, ...]) -> bool:
    """Whether an image of `shape` goes into an input whose free axes have a name or nothing instead of a number."""
    if len(sides) != len(shape):
        return False
    return all(not isinstance(side, int) or side == given for side, given in zip(sides, shape, strict=True))


def _fill_batch(image: np.ndarray, sides: list[int | str | None]) -> np.ndarray:
    """Repeat a batch of one image as often as a model of a fixed batch takes it."""
    size = sides[0] if len(sides) == image.ndim else None
    return np.repeat(image, size, axis=0) if isinstance(size, int) and 1 < size <= BATCH_LIMIT else image


def _read_answer(logits: np.ndarray, count: int) -> Answer:
    """Return the answer in the first of `count` rows, which are about the same image."""
    if logits.ndim != 2 or logits.shape[0] != count or logits.shape[1] < 2 or logits.dtype.kind != "f":
        return Answer(problem=f"the model's output is {logits.dtype} of shape {list(logits.shape)}, expected logits")
    row = logits[0].astype(np.float32)
    if not np.isfinite(row).all():
        return Answer(problem="the model's logits are not finite")
    return answer_logits(row)


def _digest_model(path: Path) -> tuple[str, int]:
    """Return the SHA-256 and the bytes of everything that ONNX Runtime loads for the file at `path`."""
    try:
        digest = _digest_file(path)
        external = {place: _digest_file(path.parent / place) for place in sorted(set(_list_external_files(path)))}
        size = sum(place.stat().st_size for place in (path, *(path.parent / name for name in external)))
    except OSError as problem:
        raise OracleError(f"{problem.filename or path}: {problem.strerror or problem}") from None
    if not external:
        return digest, size
    lines = [digest, *(f"{sha256} {place}" for place, sha256 in external.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest(), size


def _digest_file(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise OracleError(f"{path}: not a regular file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _list_external_files(path: Path) -> Iterator[str]:
    """Yield the place, relative to the folder of the file, of each file with external weights that the graph names.

    Raises:
        OracleError: It is no ONNX file, or a place is outside its folder.
    """
    try:
        import onnx
    except ImportError:
        raise OracleError(_explain_missing()) from None
    try:
        model = onnx.load(path, format="protobuf", load_external_data=False)
    except OSError:
        raise
    except Exception as problem:  # protobuf has a family of its own
        raise OracleError(f"{path}: not a usable ONNX file: {' '.join(str(problem).split())[:200]}") from None
    folders = (path.parent.resolve(), path.resolve().parent)
    for place in _list_locations(model):
        if isinstance(place, bytes):  # so protobuf returns a text that is no UTF-8
            raise OracleError(f"{path}: names weights in a file whose name is no text: {place[:200]!r}")
        # A cache of downloads may keep both files as links into one folder elsewhere.
        if _leads_outside(place) or not any((path.parent / place).resolve().is_relative_to(one) for one in folders):
            raise OracleError(f"{path}: names weights outside its folder: {place[:200]!r}; they are not read")
        yield place


def _leads_outside(place: str) -> bool:
    return not place or "\0" in place or Path(place).is_absolute() or os.path.normpath(place).startswith("..")


def _list_locations(message: Any) -> Iterator[str | bytes]:
    """Yield the location of every external tensor anywhere in a message of ONNX: graphs, attributes, functions."""
    if message.DESCRIPTOR.name == "TensorProto":
        if message.data_location == message.EXTERNAL:
            # Should there be several, we need not know which one ONNX Runtime takes.
            yield from [entry.value for entry in message.external_data if entry.key == "location"] or [""]
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in (value,) if hasattr(value, "ListFields") else value:
                yield from _list_locations(inner)


def _explain_missing() -> str:
    return f"an ONNX file needs ONNX Runtime, which is not installed; {advise_extra('onnx')}"


def _import_runtime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise OracleError(_explain_missing()) from None
    return onnxruntime


def _open_session(path: Path, runtime: Any, size: int) -> Any:
    options = make_options(runtime, size)
    try:
        # Without a fallback, which would print to our standard output and try the same again.
        return runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as problem:  # see ask
        raise OracleError(f"{path}: not a usable ONNX file: {' '.join(str(problem).split())[:200]}") from None


def _take_only(path: Path, role: str, tensors: list[Any]) -> Any:
    if len(tensors) != 1:
        raise OracleError(f"{path}: the model has {len(tensors)} {role}s, expected 1")
    return tensors[0]
