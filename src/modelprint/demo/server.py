"""A demo server: a classifier behind the Open Inference Protocol v2 and a route from PNG to label.

    GET  /v2, /v2/health/live, /v2/health/ready, /v2/models/{name}, /v2/models/{name}/ready
    POST /v2/models/{name}/infer     one tensor `image`, UINT8 grey levels or FP32 in [0, 1], n c h w
    POST /classify                   the bytes of a PNG -> {"label": "cat", "index": 3}

Every error is {"error": "..."}. By default only labels are returned, as by a careful provider.
"""

import json
import math
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException

from modelprint.classifier import Classifier
from modelprint.pixels import decode_png
from modelprint.tensors import Images, Logits, to_images

BODY_LIMIT = 16 * 1024 * 1024
"""Largest request body, in bytes."""
BATCH_LIMIT = 64
"""Largest number of images in one request."""
START_LIMIT_S = 30.0

INPUT = "image"
LABEL = "label"
LOGITS = "logits"


def build_app(
    model: Classifier, *, name: str | None = None, class_names: Sequence[str] | None = None, labels_only: bool = True
) -> FastAPI:
    """Return the application that serves `model`.

    Args:
        model: The classifier.
        name: Name of the model in URLs; by default the classifier's name.
        class_names: One name per class; by default the indices.
        labels_only: Return labels only; otherwise logits too.

    Raises:
        ValueError: The number of names is not the number of classes.
    """
    names = tuple(map(str, range(model.class_count)) if class_names is None else class_names)
    if len(names) != model.class_count:
        raise ValueError(f"{model.name} has {model.class_count} classes, but {len(names)} names were given")
    app = FastAPI(title="modelprint demo server", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(StarletteHTTPException, _handle_refusal)
    app.add_exception_handler(Exception, _handle_failure)
    _add_inference_routes(app, Served(model, name or model.name, names, labels_only))
    return app


class Served:
    """A classifier and how it is served.

    Attributes:
        model: The classifier.
        name: Its name in URLs.
        class_names: One name per class.
        labels_only: Whether only labels are returned.
    """

    def __init__(self, model: Classifier, name: str, class_names: tuple[str, ...], labels_only: bool) -> None:
        self.model = model
        self.name = name
        self.class_names = class_names
        self.labels_only = labels_only

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the output tensors that may be requested."""
        return (LABEL,) if self.labels_only else (LOGITS, LABEL)

    def metadata(self) -> dict[str, object]:
        """Describe the model as the Open Inference Protocol does."""
        shape = [-1, *self.model.image_shape]
        described = {
            LOGITS: {"name": LOGITS, "datatype": "FP32", "shape": [-1, self.model.class_count]},
            LABEL: {"name": LABEL, "datatype": "INT64", "shape": [-1]},
        }
        return {
            "name": self.name,
            "versions": ["1"],
            "platform": "pytorch",
            "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": shape}],
            "outputs": [described[output] for output in self.outputs],
        }

    def infer(self, content: bytes) -> dict[str, object]:
        """Answer one `infer` request; HTTPException when it is invalid."""
        document = _parse_document(content)
        images = _parse_images(document, self.model.image_shape)
        asked = _select_outputs(document, self.outputs)
        logits = self.logits(images)
        tensors = {
            LOGITS: {"datatype": "FP32", "shape": list(logits.shape), "data": logits.flatten().tolist()},
            LABEL: {"datatype": "INT64", "shape": [len(logits)], "data": logits.argmax(1).tolist()},
        }
        outputs = [{"name": output, **tensors[output]} for output in asked]
        return {"model_name": self.name, "model_version": "1", "id": document.get("id"), "outputs": outputs}

    def classify(self, content: bytes) -> dict[str, object]:
        """Answer one PNG; HTTPException when it is invalid."""
        try:
            pixels = decode_png(content)
        except ValueError as problem:
            raise HTTPException(400, str(problem)) from None
        if tuple(pixels.shape) != self.model.image_shape:
            raise HTTPException(400, f"expected an image of shape {self.model.image_shape}, got {tuple(pixels.shape)}")
        logits = self.logits(to_images(pixels[None]))[0]
        index = int(logits.argmax())
        scores = {} if self.labels_only else {LOGITS: logits.tolist()}
        return {"label": self.class_names[index], "index": index, **scores}

    def logits(self, images: Images) -> Logits:
        """Return float32 logits, image by image: an answer must not depend on other images in a batch."""
        return self.model.logits(images, batch=1).float()


def _add_inference_routes(app: FastAPI, served: Served) -> None:
    @app.get("/v2")
    def get_server() -> dict[str, object]:
        return {"name": "modelprint", "version": "2", "extensions": []}

    @app.get("/v2/health/live")
    def get_live() -> dict[str, object]:
        return {"live": True}

    @app.get("/v2/health/ready")
    def get_ready() -> dict[str, object]:
        return {"ready": True}

    @app.get("/v2/models/{model}")
    def get_metadata(model: str) -> dict[str, object]:
        _check_name(model, served)
        return served.metadata()

    @app.get("/v2/models/{model}/ready")
    def get_model_ready(model: str) -> dict[str, object]:
        _check_name(model, served)
        return {"name": served.name, "ready": True}

    for version in ("", "/versions/1"):
        path = "/v2/models/{model}" + version + "/infer"
        app.add_api_route(path, _make_route(served.infer, served), methods=["POST"])
    app.add_api_route("/classify", _make_route(served.classify, served), methods=["POST"])


def _make_route(answer: Callable[[bytes], dict[str, object]], served: Served) -> Callable[..., Any]:
    async def route(request: Request) -> dict[str, object]:
        _check_name(request.path_params.get("model", served.name), served)
        return await run_in_threadpool(answer, await _read_body(request))

    return route


def _check_name(model: str, served: Served) -> None:
    if model != served.name:
        raise HTTPException(404, f"there is no model {model!r} here, only {served.name!r}")


async def _read_body(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > BODY_LIMIT:
            raise HTTPException(413, f"a request body is at most {BODY_LIMIT} bytes")
    return bytes(content)


def _parse_document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is not JSON") from None
    if not isinstance(document, dict):
        raise HTTPException(400, "the body is not a JSON object")
    if not isinstance(document.get("id"), str | None):
        raise HTTPException(400, "id must be a string")
    return document


def _parse_images(document: dict[str, Any], image_shape: tuple[int, int, int]) -> Images:
    """Return the images of a request after checking name, type, shape and range."""
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise HTTPException(400, "expected exactly one input")
    tensor = inputs[0]
    if tensor.get("name") != INPUT:
        raise HTTPException(400, f"the input must be called {INPUT!r}")
    shape = tensor.get("shape")
    if not isinstance(shape, list) or shape[1:] != list(image_shape) or type(shape[0]) is not int:
        raise HTTPException(400, f"expected the shape [n, {', '.join(map(str, image_shape))}], got {shape}")
    if not 1 <= shape[0] <= BATCH_LIMIT:
        raise HTTPException(400, f"a request holds 1 to {BATCH_LIMIT} images, got {shape[0]}")
    return _parse_tensor(tensor.get("datatype"), tensor.get("data"), shape)


def _parse_tensor(datatype: object, data: object, shape: list[int]) -> Images:
    try:
        values = np.asarray(data)
    except ValueError:
        raise HTTPException(400, "data must be a list of numbers, flat or nested like the shape") from None
    if values.size != math.prod(shape) or values.shape not in ((values.size,), tuple(shape)):
        raise HTTPException(400, f"data has the shape {list(values.shape)}, expected {math.prod(shape)} numbers")
    values = values.reshape(shape)
    if datatype == "UINT8" and values.dtype.kind == "i" and values.min() >= 0 and values.max() <= 255:
        return to_images(values.astype(np.uint8))
    if datatype == "FP32" and values.dtype.kind in "if" and bool(((values >= 0) & (values <= 1)).all()):
        return torch.from_numpy(values.astype(np.float32))
    raise HTTPException(400, "expected UINT8 whole numbers from 0 to 255, or FP32 numbers from 0 to 1")


def _select_outputs(document: dict[str, Any], offered: tuple[str, ...]) -> list[str]:
    outputs = document.get("outputs")
    if outputs is None or outputs == []:
        return list(offered)
    if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
        raise HTTPException(400, "outputs must be a list of objects with a name")
    names = [output.get("name") for output in outputs]
    unknown = next((name for name in names if name not in offered), None)
    if unknown is not None or None in names:
        raise HTTPException(400, f"there is no output {unknown!r}; outputs are {', '.join(offered)}")
    return list(dict.fromkeys(map(str, names)))


def _handle_refusal(request: Request, problem: Exception) -> JSONResponse:
    status = problem.status_code if isinstance(problem, StarletteHTTPException) else 500
    detail = problem.detail if isinstance(problem, StarletteHTTPException) else "internal error"
    return JSONResponse({"error": detail}, status_code=status)


def _handle_failure(request: Request, problem: Exception) -> JSONResponse:
    return JSONResponse({"error": "internal error"}, status_code=500)


def serve(app: FastAPI, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve `app` until the process is stopped."""
    uvicorn.run(app, host=host, port=port, log_level="warning", lifespan="off", ws="none")


@contextmanager
def run_in_background(app: FastAPI) -> Iterator[str]:
    """Serve `app` on a free port of the loopback interface inside the block; yields the base URL."""
    config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", ws="none", log_config=None)
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            _await_start(server, thread)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    for _ in range(int(START_LIMIT_S / 0.01)):
        if server.started:
            return
        if not thread.is_alive():
            break
        thread.join(0.01)
    raise RuntimeError("the server did not start")
