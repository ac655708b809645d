"""SageMaker: the request is signed as the service checks it, and no credential is shown."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from modelprint.errors import EndpointError
from modelprint.oracles.endpoint import Endpoint, preview_request
from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]
KEYS = {
    "kind": "sagemaker",
    "endpoint_name": "clf-1",
    "region": "eu-west-1",
    "access_key": "${TOKEN}",
    "secret_key": "${TOKEN}",
}


def check_signature(seen: Any, url: str) -> bool:
    """Sign what arrived as the service does, and compare."""
    authorization = dict(part.split("=", 1) for part in seen.headers["authorization"].split(" ", 1)[1].split(", "))
    names = authorization["SignedHeaders"].split(";")
    request = AWSRequest(seen.method, url + seen.path, {name: seen.headers[name] for name in names}, seen.body)
    request.context["timestamp"] = seen.headers["x-amz-date"]
    signer = SigV4Auth(Credentials("s3cret-t0ken", "s3cret-t0ken"), "sagemaker", "eu-west-1")
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return bool(signature == authorization["Signature"])


def test_a_question_and_its_answer(oracle: Opening, stand_in: Any, picture: Picture) -> None:
    """The file, signed, at the address of the endpoint; the variant that answered is a hint."""
    stand_in.sends(b'{"predictions": [[0.1, 0.2, 0.7]]}', x_amzn_invoked_production_variant="blue")

    answer = oracle(**KEYS).ask(picture)

    seen = stand_in.seen[0]
    assert (seen.path, seen.body, answer.label) == ("/endpoints/clf-1/invocations", picture.png, 2)
    assert seen.headers["content-type"] == "application/x-image"
    assert answer.server["x-amzn-invoked-production-variant"] == "blue"
    assert check_signature(seen, stand_in.url)


def test_numbers_are_signed_too(oracle: Opening, stand_in: Any, picture: Picture) -> None:
    """As JSON under `instances`."""
    stand_in.says([[0.1, 0.7, 0.2]])

    answer = oracle(**KEYS, input={"values": "grey"}).ask(picture)

    seen = stand_in.seen[0]
    assert answer.label == 1
    assert seen.headers["content-type"] == "application/json"
    np.testing.assert_array_equal(np.array(seen.json()["instances"]), picture.pixels[None])
    assert check_signature(seen, stand_in.url)


def test_a_temporary_credential_sends_its_token(oracle: Opening, stand_in: Any, picture: Picture) -> None:
    """In its own header."""
    stand_in.says({"label": "cat"})

    oracle(**KEYS, session_token="${TOKEN}").ask(picture)

    assert stand_in.seen[0].headers["x-amz-security-token"] == "s3cret-t0ken"


def test_no_credential_is_shown(described: Callable[..., Endpoint], picture: Picture) -> None:
    """Neither in the preview nor in the description."""
    endpoint = described(**KEYS, session_token="${TOKEN}")

    assert "s3cret" not in preview_request(endpoint, picture) + repr(endpoint) + str(endpoint.describe())


@pytest.mark.parametrize("key", ["access_key", "secret_key", "session_token"])
def test_a_written_credential_is_refused(described: Callable[..., Endpoint], key: str) -> None:
    """And not repeated."""
    with pytest.raises(EndpointError, match=rf"endpoint\.{key}: a credential stands in the text") as refused:
        described(**KEYS | {key: "canary"})

    assert "canary" not in str(refused.value)
