import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
import yaml

from modelprint.classifier import Classifier
from modelprint.data import LabelledImages
from modelprint.demo import server
from modelprint.demo.server import BATCH_LIMIT, build_app, run_in_background
from modelprint.oracles.endpoint import load_endpoint, open_oracle, parse_endpoint
from modelprint.pixels import Picture
from modelprint.tensors import to_images

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def model(_trained: Classifier) -> Classifier:
    """What the servers of this file serve."""
    return _trained.copy()


@pytest.fixture(scope="module")
def client(model: Classifier, tiny_data: LabelledImages) -> Iterator[httpx.Client]:
    """A server that gives labels only."""
    with (
        run_in_background(build_app(model, name="digits", class_names=tiny_data.class_names)) as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def open_client(model: Classifier) -> Iterator[httpx.Client]:
    """A server that gives logits too, under the classifier's own name and without class names."""
    with (
        run_in_background(build_app(model, labels_only=False)) as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        yield client


def request_of(pixels: np.ndarray, **changes: Any) -> dict[str, Any]:
    """Return an `infer` request about `pixels`, with some keys of its tensor changed."""
    tensor = {"name": "image", "datatype": "UINT8", "shape": list(pixels.shape), "data": pixels.tolist()}
    return {"id": "7", "inputs": [{**tensor, **changes}]}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v2", {"name": "modelprint", "version": "2", "extensions": []}),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/digits/ready", {"name": "digits", "ready": True}),
    ],
)
def test_the_server_introduces_itself(path: str, said: dict[str, object], client: httpx.Client) -> None:
    """The routes that clients of the protocol try first."""
    assert client.get(path).json() == said


def test_metadata_name_the_tensors(client: httpx.Client, open_client: httpx.Client) -> None:
    """Logits are only offered where they are given."""
    closed, opened = client.get("/v2/models/digits").json(), open_client.get("/v2/models/tiny").json()

    assert closed["inputs"] == [{"name": "image", "datatype": "UINT8", "shape": [-1, 1, 8, 8]}]
    assert [output["name"] for output in closed["outputs"]] == ["label"]
    assert [output["name"] for output in opened["outputs"]] == ["logits", "label"]


@pytest.mark.parametrize("path", ["/v2/models/digits/infer", "/v2/models/digits/versions/1/infer"])
def test_labels_are_the_classifiers(
    path: str, client: httpx.Client, model: Classifier, tiny_data: LabelledImages
) -> None:
    """A batch of grey levels comes back as one INT64 tensor with the request's id."""
    pixels = tiny_data.pixels[:5]

    reply = client.post(path, json=request_of(pixels)).json()

    expected = model.labels(to_images(pixels)).tolist()
    assert reply["id"] == "7"
    assert reply["outputs"] == [{"name": "label", "datatype": "INT64", "shape": [5], "data": expected}]


@pytest.mark.parametrize("flat", [True, False])
def test_fp32_and_uint8_give_the_same_logits(
    flat: bool, open_client: httpx.Client, model: Classifier, tiny_data: LabelledImages
) -> None:
    """The float form is the grey levels over 255; both are exactly the classifier's own logits."""
    pixels = tiny_data.pixels[:2]
    images = pixels.astype(np.float32) / np.float32(255)
    floats = request_of(pixels, datatype="FP32", data=(images.ravel() if flat else images).tolist())
    asked = {"outputs": [{"name": "logits"}]}

    replies = [
        open_client.post("/v2/models/tiny/infer", json=sent | asked).json() for sent in (floats, request_of(pixels))
    ]

    assert replies[0]["outputs"] == replies[1]["outputs"]
    assert replies[0]["outputs"][0]["shape"] == [2, 4]
    assert replies[0]["outputs"][0]["data"] == model.logits(to_images(pixels), batch=1).flatten().tolist()


def test_a_png_is_classified(
    client: httpx.Client, open_client: httpx.Client, model: Classifier, tiny_data: LabelledImages
) -> None:
    """The plain route takes the file and names the class; logits come only where they are given."""
    picture = Picture.of(tiny_data.pixels[3])
    index = int(model.labels(to_images(picture.pixels[None]))[0])

    closed = client.post("/classify", content=picture.png).json()
    opened = open_client.post("/classify", content=picture.png).json()

    assert closed == {"label": tiny_data.class_names[index], "index": index}
    assert (opened["label"], len(opened["logits"])) == (str(index), 4)


GREY = np.zeros((1, 1, 8, 8), dtype=np.uint8)
REFUSED: list[tuple[Any, str]] = [
    ([], "not a JSON object"),
    ({"id": 3}, "id must be a string"),
    ({}, "exactly one input"),
    ({"inputs": []}, "exactly one input"),
    ({"inputs": [1]}, "exactly one input"),
    (request_of(GREY, name="x"), "the input must be called 'image'"),
    (request_of(GREY, shape=[1, 3, 8, 8]), "expected the shape [n, 1, 8, 8]"),
    (request_of(GREY, shape=None), "expected the shape"),
    (request_of(GREY, shape=[]), "expected the shape"),
    (request_of(GREY, shape=[True, 1, 8, 8]), "expected the shape"),
    (request_of(GREY, shape=[0, 1, 8, 8]), "1 to 64 images"),
    (request_of(GREY, shape=[BATCH_LIMIT + 1, 1, 8, 8]), "1 to 64 images"),
    (request_of(GREY, data=[0]), "expected 64 numbers"),
    (request_of(GREY, data=[[0, 1], [2]]), "list of numbers"),
    (request_of(GREY, data=None), "expected 64 numbers"),
    (request_of(GREY, data=[256] * 64), "whole numbers from 0 to 255"),
    (request_of(GREY, data=[-1] * 64), "whole numbers from 0 to 255"),
    (request_of(GREY, data=[0.5] * 64), "whole numbers from 0 to 255"),
    (request_of(GREY, data=["0"] * 64), "whole numbers from 0 to 255"),
    (request_of(GREY, data=[2**80] * 64), "whole numbers from 0 to 255"),
    (request_of(GREY, data=[True] * 64), "whole numbers from 0 to 255"),
    (request_of(GREY, datatype="FP32", data=[1.5] * 64), "numbers from 0 to 1"),
    (request_of(GREY, datatype="FP32", data=[float("nan")] * 64), "numbers from 0 to 1"),
    (request_of(GREY, datatype="INT8"), "expected UINT8"),
    ({**request_of(GREY), "outputs": [{"name": "logits"}]}, "no output 'logits'; outputs are label"),
    ({**request_of(GREY), "outputs": [{}]}, "no output None"),
    ({**request_of(GREY), "outputs": [{"name": []}]}, "no output []"),
    ({**request_of(GREY), "outputs": "label"}, "list of objects"),
]


@pytest.mark.parametrize(("document", "reason"), REFUSED)
def test_a_malformed_request_is_refused(document: Any, reason: str, client: httpx.Client) -> None:
    """With 400 and one sentence."""
    reply = client.post("/v2/models/digits/infer", content=json.dumps(document))

    assert reply.status_code == 400
    assert reason in reply.json()["error"]


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_refused(content: bytes, client: httpx.Client) -> None:
    """Depth included."""
    reply = client.post("/v2/models/digits/infer", content=content)

    assert (reply.status_code, reply.json()) == (400, {"error": "the body is not JSON"})


def test_a_strange_file_is_refused(client: httpx.Client) -> None:
    """No PNG, or one of another size."""
    small = Picture.of(np.zeros((3, 8, 8), dtype=np.uint8)).png

    assert "not a readable PNG" in client.post("/classify", content=b"GIF89a").json()["error"]
    assert client.post("/classify", content=small).json() == {
        "error": "expected an image of shape (1, 8, 8), got (3, 8, 8)"
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/classify", 405),
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/other/ready", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("GET", "/docs", 404),
    ],
)
def test_what_is_not_there_is_said_as_an_error(method: str, path: str, status: int, client: httpx.Client) -> None:
    """Every error has the same form."""
    reply = client.request(method, path)

    assert reply.status_code == status
    assert list(reply.json()) == ["error"]


def test_a_body_has_a_limit(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused while it arrives, whatever its header says."""
    monkeypatch.setattr(server, "BODY_LIMIT", 1000)

    reply = client.post("/classify", content=iter([b"x" * 800] * 2))

    assert (reply.status_code, reply.json()) == (413, {"error": "a request body is at most 1000 bytes"})


def test_a_failing_model_says_nothing_about_itself(tiny_model: Classifier, capsys: pytest.CaptureFixture[str]) -> None:
    """The reply is an internal error, without a trace."""
    tiny_model.network.forward = None  # type: ignore[assignment]
    content = Picture.of(GREY[0]).png

    with run_in_background(build_app(tiny_model)) as url:
        reply = httpx.post(f"{url}/classify", content=content, trust_env=False)

    assert (reply.status_code, reply.json()) == (500, {"error": "internal error"})


def test_there_is_one_name_per_class(tiny_model: Classifier) -> None:
    """A server that would name the wrong class does not start."""
    with pytest.raises(ValueError, match="tiny has 4 classes, but 1 names were given"):
        build_app(tiny_model, class_names=["only"])


def test_a_server_stops_with_its_block(tiny_model: Classifier) -> None:
    """The port is free again."""
    with run_in_background(build_app(tiny_model)) as url:
        assert httpx.get(f"{url}/v2", trust_env=False).status_code == 200

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/v2", trust_env=False)


def test_a_server_that_cannot_start_is_an_error(tiny_model: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of waiting for ever."""
    monkeypatch.setattr(uvicorn.Server, "run", lambda *_, **__: None)

    with pytest.raises(RuntimeError, match="did not start"), run_in_background(build_app(tiny_model)):
        pass


def test_serve_listens_where_it_is_told(tiny_model: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Host and port reach the server."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    servers: list[uvicorn.Server] = []
    real = uvicorn.Server.__init__
    monkeypatch.setattr(uvicorn.Server, "__init__", lambda self, config: (servers.append(self), real(self, config))[1])
    thread = threading.Thread(target=server.serve, args=(build_app(tiny_model), "127.0.0.1", port), daemon=True)

    thread.start()
    for _ in range(500):
        if servers and servers[0].started:
            break
        time.sleep(0.01)

    assert httpx.get(f"http://127.0.0.1:{port}/v2/health/live", trust_env=False).status_code == 200
    servers[0].should_exit = True
    thread.join()


@pytest.mark.parametrize("name", ["endpoint-http.yaml", "endpoint-open-inference.yaml"])
def test_the_examples_ask_the_demo_server(
    name: str, client: httpx.Client, model: Classifier, tiny_data: LabelledImages
) -> None:
    """Both descriptions load as they stand and, at this server's address, get the classifier's labels."""
    load_endpoint(EXAMPLES / name)
    document = yaml.safe_load((EXAMPLES / name).read_text().replace(" on:", ' "on":'))
    assert document["endpoint"]["url"].startswith("http://127.0.0.1:8080")
    document["endpoint"]["url"] = document["endpoint"]["url"].replace("http://127.0.0.1:8080", str(client.base_url))
    oracle = open_oracle(parse_endpoint(document), tiny_data.class_names)

    answers = [oracle.ask(Picture.of(pixels)) for pixels in tiny_data.pixels[:4]]

    assert [answer.problem for answer in answers] == [None] * 4
    assert [answer.label for answer in answers] == model.labels(to_images(tiny_data.pixels[:4])).tolist()
