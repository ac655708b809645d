"""The demo server: `serve`."""

import socket
from typing import Annotated

import typer

from modelprint.cli.console import print_remark
from modelprint.cli.options import (
    ImageShape,
    Mean,
    Network,
    Quiet,
    SearchPath,
    Std,
    Weights,
    parse_normalisation,
    parse_shape,
)


def serve(
    network: Network,
    weights: Weights = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the model in URLs. Default: the network's.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Take the class names from this data set.")
    ] = None,
    class_names: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Class names, in label order. Default: numbers.")
    ] = None,
    scores: Annotated[bool, typer.Option("--scores", help="Return logits too, not only labels.")] = False,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=1, max=65535, help="Port to listen on.")] = 8080,
    image_shape: ImageShape = None,
    mean: Mean = None,
    std: Std = None,
    search_path: SearchPath = None,
    quiet: Quiet = False,
) -> None:
    """Serve a classifier on this machine, for experiments.

    The server supports Open Inference Protocol v2 and PNG images posted to /classify. It has no authentication and no
    encryption. Stop it with Ctrl-C.

    Example: modelprint serve --network resnet20 --weights cifar10_resnet20.safetensors --data cifar10 --port 8080
    """
    if data is not None and class_names is not None:
        raise ValueError("--data and --class-names both name the classes; give only one")
    _check_port(host, port)
    from modelprint.data import load_data
    from modelprint.demo.server import build_app
    from modelprint.demo.server import serve as serve_until_stopped
    from modelprint.loading import load_classifier

    outside = parse_normalisation(mean, std)
    shape = parse_shape(image_shape)
    model = load_classifier(network, weights, image_shape=shape, search_path=search_path, normalisation=outside)
    names = None if class_names is None else tuple(part.strip() for part in class_names.split(","))
    if data is not None:
        names = load_data(data).class_names
    app = build_app(model, name=name, class_names=names, labels_only=not scores)
    print_remark(f"serving {name or model.name} at http://{host}:{port}; stop with Ctrl-C", quiet)
    serve_until_stopped(app, host, port)


def _check_port(host: str, port: int) -> None:
    """Raise ValueError when the port is not available: uvicorn would exit with 1, which means tampered."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as problem:
        raise ValueError(f"cannot listen on {host}:{port}: {problem.strerror or problem}") from None
