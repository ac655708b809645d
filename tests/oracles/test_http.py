import base64
import contextlib
import email
import email.policy
import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelprint.errors import EndpointError, OracleError
from modelprint.oracles.endpoint import Endpoint
from modelprint.oracles.http import GenericHttp
from modelprint.oracles.remote import RemoteOracle
from modelprint.oracles.replies import Reading
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]


@pytest.mark.parametrize(
    ("image", "decode"),
    [
        ("png_base64", lambda sent: Picture(base64.b64decode(sent)).pixels),
        ("data_uri", lambda sent: Picture(base64.b64decode(sent.removeprefix("data:image/png;base64,"))).pixels),
        ("array_chw", lambda sent: np.array(sent)),
        ("array_hwc", lambda sent: np.array(sent).transpose(2, 0, 1)),
    ],
)
def test_a_picture_travels_in_json(
    image: str, decode: Callable[..., np.ndarray], oracle: Opening, stand_in: object, picture: Picture
) -> None:
    """Whatever the form, the pixels that arrive are the pixels of the sample."""
    stand_in.says({"label": "dog"})
    request = {"image": image, "body": {"instances": [{"pic": "$IMAGE"}], "k": 5}}

    answer = oracle(request=request).ask(picture)

    seen = stand_in.seen[0]
    assert seen.headers["content-type"] == "application/json"
    assert seen.json()["k"] == 5
    np.testing.assert_array_equal(decode(seen.json()["instances"][0]["pic"]), picture.pixels)
    assert (answer.label, answer.named, answer.status, answer.problem) == (1, "dog", 200, None)


def test_unit_arrays_are_grey_levels_over_255(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """The numbers are float32 quotients, the same as a classifier in our hands computes."""
    stand_in.says({"label": "cat"})

    oracle(request={"image": "array_chw", "values": "unit", "body": ["$IMAGE"]}).ask(picture)

    sent = np.array(json.loads(stand_in.seen[0].body)[0])
    np.testing.assert_array_equal(sent, (picture.pixels.astype(np.float32) / np.float32(255)).astype(float))


def test_arrays_are_sent_as_the_network_wants_them(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """Normalised, in another order of colours, channels last."""
    stand_in.says({"label": "cat"})
    form = {"values": "unit", "colours": "bgr", "mean": [0.4, 0.5, 0.6], "std": 0.25}

    with pytest.raises(EndpointError, match="mean has 3 numbers and std 1"):
        oracle(request={"image": "array_hwc", **form, "body": ["$IMAGE"]})
    oracle(request={"image": "array_hwc", **form, "std": [0.25] * 3, "body": ["$IMAGE"]}).ask(picture)
    oracle(request={"image": "array_chw", "colours": "bgr", "body": ["$IMAGE"]}).ask(picture)

    wanted = (picture.pixels[::-1] / 255 - np.array([0.4, 0.5, 0.6])[:, None, None]) / 0.25
    first, second = (np.array(json.loads(seen.body)[0]) for seen in stand_in.seen)
    np.testing.assert_allclose(first, wanted.transpose(1, 2, 0), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(second, picture.pixels[::-1])


def test_the_bare_file_is_the_stored_png(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """Not one byte of the file changes on its way."""
    stand_in.says({"label": "cat"})

    oracle(request={"encoding": "raw", "image": "png_bytes"}, method="PUT").ask(picture)

    assert stand_in.seen[0].method == "PUT"
    assert stand_in.seen[0].headers["content-type"] == "image/png"
    assert stand_in.seen[0].body == picture.png


def test_npy_is_an_array_with_channels_last(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """NumPy reads the body back."""
    stand_in.says({"label": "cat"})

    oracle(request={"encoding": "raw", "image": "npy"}, headers={"Content-Type": "application/x-numpy"}).ask(picture)

    array = np.load(io.BytesIO(stand_in.seen[0].body), allow_pickle=False)
    np.testing.assert_array_equal(array.transpose(2, 0, 1), picture.pixels)
    assert stand_in.seen[0].headers["content-type"] == "application/x-numpy"


def test_a_form_carries_the_file_and_its_fields(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """The standard library's mail parser reads the multipart body back."""
    stand_in.says({"label": "cat"})
    request = {"encoding": "multipart", "image": "png_bytes", "body": {"data": "$IMAGE", "top_k": 5, "key": "${TOKEN}"}}

    oracle(request=request).ask(picture)

    seen = stand_in.seen[0]
    head = f"Content-Type: {seen.headers['content-type']}\r\n\r\n".encode()
    form = email.message_from_bytes(head + seen.body, policy=email.policy.HTTP)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
    assert parts["top_k"].get_payload() == "5"
    assert parts["key"].get_payload() == "s3cret-t0ken"
    assert parts["data"].get_payload(decode=True) == picture.png
    assert parts["data"].get_content_type() == "image/png"
    assert parts["data"].get_filename() == "image.png"


ANSWERS = [
    ({"label": "$.result[0].name"}, {"result": [{"name": "owl"}]}, 2, ()),
    ({"label": "$"}, "dog", 1, ()),
    ({"label": "$[0]"}, [1.0], 1, ()),
    ({"label": "$.l", "score": "$.s"}, {"l": "dog", "s": 0.6}, 1, ((1, 0.6),)),
    ({"topk": "$[*]"}, [{"label": "cat", "score": 0.3}, {"label": "dog", "score": 0.6}], 1, ((1, 0.6), (0, 0.3))),
    ({"topk": "$[*]"}, [{"label": "dog", "score": 0.6}, {"label": "elf", "score": 0.3}], 1, ((1, 0.6), (None, 0.3))),
    (
        {"topk": {"items": "$.r[*]", "label": "$[0]", "score": "$[1]"}},
        {"r": [["owl", 2], ["cat", 1]]},
        2,
        ((2, 2), (0, 1)),
    ),
    ({"label": "$.l", "topk": "$.t[*]"}, {"l": "owl", "t": [{"label": "owl", "score": 1}]}, 2, ((2, 1),)),
    ({"scores": "$.predictions[0]"}, {"predictions": [[0.1, 0.2, 0.7]]}, 2, ((2, 0.7), (1, 0.2), (0, 0.1))),
    ({"scores": "$"}, {"cat": 0.9, "dog": 0.1}, 0, ((0, 0.9), (1, 0.1))),
    ({"scores": "$"}, {"cat": "0.9", "dog": "0.1"}, 0, ((0, 0.9), (1, 0.1))),
    ({"scores": "$"}, ["0.1", "0.2", "7e-1"], 2, ((2, 0.7), (1, 0.2), (0, 0.1))),
    ({"scores": "$.p"}, {"p": [[0.1, 0.2, 0.7]]}, 2, ((2, 0.7), (1, 0.2), (0, 0.1))),
    ({"scores": "$"}, [[[0.1]], [[0.2]], [[0.7]]], 2, ((2, 0.7), (1, 0.2), (0, 0.1))),
    ({"scores": "$"}, "[0.1, 0.2, 0.7]", 2, ((2, 0.7), (1, 0.2), (0, 0.1))),
    ({"scores": "$.s", "names": "$.n"}, {"n": ["owl", "cat"], "s": [0.7, 0.3]}, 2, ((2, 0.7), (0, 0.3))),
    ({"scores": "$.s", "names": "$.n"}, {"n": '["owl", "cat"]', "s": [["0.3", "0.7"]]}, 0, ((0, 0.7), (2, 0.3))),
    ({"scores": "$[*].s", "names": "$[*].n"}, [{"n": "owl", "s": 3}, {"n": 0, "s": 9}], 0, ((0, 9), (2, 3))),
    ({"label": "$.label"}, '{"label": "owl"}', 2, ()),
    ({"label": "$.body.label"}, {"statusCode": 200, "body": '{"label": "owl"}'}, 2, ()),
    ({"label": "$"}, '"owl"', 2, ()),
    ({"label": "$.label"}, {"label": ["owl"]}, 2, ()),
    ({"topk": "$[*]"}, '[{"label": "cat", "score": "0.3"}, {"label": "dog", "score": "0.6"}]', 1, ((1, 0.6), (0, 0.3))),
    (
        {"label": "$.l", "topk": "$.t[*]"},
        {"l": "cat", "t": [{"label": name, "score": 0.5} for name in ("owl", "cat")]},
        0,
        ((2, 0.5), (0, 0.5)),
    ),
]


@pytest.mark.parametrize(("response", "reply", "label", "ranking"), ANSWERS)
def test_an_answer_is_found_where_the_description_says(
    response: dict[str, object],
    reply: object,
    label: int,
    ranking: tuple[tuple[int | None, float], ...],
    oracle: Opening,
    stand_in: object,
    picture: Picture,
) -> None:
    """Labels, top lists, vectors and objects all end in one class index and a ranking, best first."""
    stand_in.says(reply)

    answer = oracle(response=response).ask(picture)

    assert (answer.label, answer.ranking, answer.problem) == (label, ranking, None)
    assert [float(text) for text in answer.printed] == [score for _, score in ranking]
    assert answer.usable


@pytest.mark.parametrize(
    ("response", "reply"),
    [
        ({"scores": "$"}, [0.4, 0.4, 0.2]),
        ({"scores": "$"}, {"cat": 0.5, "owl": 0.5}),
        ({"topk": "$[*]"}, [{"label": "dog", "score": 0.5}, {"label": "cat", "score": 0.5}]),
    ],
)
def test_equal_leading_scores_are_a_tie(
    response: dict[str, object], reply: object, oracle: Opening, stand_in: object, picture: Picture
) -> None:
    """The label is kept for the record, and the answer is not usable."""
    stand_in.says(reply)

    answer = oracle(response=response).ask(picture)

    assert answer.tie
    assert answer.label is not None
    assert not answer.usable


LABEL, TOPK, SCORES = {"label": "$.label"}, {"topk": "$.top[*]"}, {"scores": "$.scores"}
NO_ANSWERS = [
    (LABEL, {"lable": "cat"}, "no values at $.label"),
    (LABEL, {"label": None}, "the label is null"),
    (LABEL, {"label": ["cat", "dog"]}, "the label is a list"),
    (LABEL, {"label": True}, "the label is a truth value"),
    (LABEL, {"label": 1.5}, "expected a text or a whole number"),
    (LABEL, {"label": ""}, "0 characters"),
    (LABEL, {"label": "x" * 201}, "201 characters"),
    (LABEL, {"label": "wolf"}, "'wolf' is no class name"),
    (LABEL, {"label": 3}, "no class index"),
    (LABEL, [], "no values"),
    (TOPK, {"top": []}, "no scores"),
    (TOPK, {"top": [{"label": "cat"}]}, "no values at $.score"),
    (TOPK, {"top": [{"label": "cat", "score": "high"}]}, "a score is a text"),
    (SCORES, {"scores": [0.5, 0.5]}, "scores 2 classes, the fingerprint knows 3"),
    (SCORES, {"scores": []}, "0 scores"),
    (SCORES, {"scores": {}}, "no scores"),
    (SCORES, {"scores": "many"}, "neither a list nor an object"),
    (SCORES, {"scores": [[0.1, 0.2, 0.7]] * 2}, "a score is a list"),
    ({"scores": "$.s", "names": "$.n"}, {"n": ["cat"], "s": [0.4, 0.6]}, "1 names for 2 scores"),
    ({"scores": "$.s", "names": "$.n"}, {"s": [0.4, 0.6]}, "0 names for 2 scores"),
    (SCORES, {"scores": [0.1, None, 0.7]}, "a score is null"),
    ({"label": "$.l", "topk": "$.t[*]"}, {"l": "cat", "t": [{"label": "dog", "score": 1}]}, "the best score belongs"),
    (
        {"label": "$.l", "topk": "$.t[*]"},
        {"l": "cat", "t": [{"label": name, "score": 0.5} for name in ("owl", "dog")]},
        "the best score belongs",
    ),
]


@pytest.mark.parametrize(("response", "reply", "problem"), NO_ANSWERS)
def test_a_strange_reply_is_a_problem(
    response: dict[str, object], reply: object, problem: str, oracle: Opening, stand_in: object, picture: Picture
) -> None:
    """Nothing a server says in a wrong form becomes a label, so it cannot become a mismatch."""
    stand_in.says(reply)

    answer = oracle(response=response).ask(picture)

    assert problem in (answer.problem or "")
    assert answer.label is None
    assert len(stand_in.seen) == 1


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "1e999"])
def test_numbers_that_order_nothing_are_a_problem(
    constant: str, oracle: Opening, stand_in: object, picture: Picture
) -> None:
    """JSON has no NaN, servers have."""
    stand_in.sends(f'{{"scores": [0.1, {constant}, 0.2]}}'.encode())

    assert (oracle(response=SCORES).ask(picture).problem or "").startswith("a score is not a finite number; the reply")


def test_hints_are_taken_from_the_reply(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """A model version in the body is recorded beside the telling headers."""
    stand_in.says({"label": "cat", "v": {"id": 7}, "list": []})
    response = {"label": "$.label", "hints": {"model": "$.v.id", "absent": "$.w", "odd": "$.list"}}

    assert oracle(response=response).ask(picture).server == {"server": "uvicorn", "model": "7"}


@pytest.mark.parametrize(
    ("request_form", "reason"),
    [
        ({"image": "png_bytes"}, "encoding json takes an image as png_base64 or"),
        ({"encoding": "raw", "image": "array_hwc"}, "encoding raw takes"),
        ({"encoding": "raw", "image": "npy", "body": {}}, "has no body"),
        ({"body": {"a": "b"}}, 'holds "$IMAGE" 0 times'),
        ({"body": ["$IMAGE", "$IMAGE"]}, 'holds "$IMAGE" 2 times'),
        ({"body": "x,$IMAGE"}, "stands alone"),
        ({"values": "unit"}, "goes with an image as array"),
        ({"mean": 0.5}, "mean and std go with an image as array"),
        ({"encoding": "raw", "image": "npy", "colours": "bgr"}, "colours, mean and std go with an image as array"),
        ({"image": "array_hwc", "std": 0, "body": ["$IMAGE"]}, "greater than 0"),
        ({"encoding": "multipart", "image": "npy", "body": ["$IMAGE"]}, "maps field names"),
        ({"encoding": "multipart", "image": "npy", "body": {"a": [1], "b": "$IMAGE"}}, "maps field names"),
        ({"encoding": "multipart", "image": "npy", "body": {'a"': "$IMAGE"}}, "no field name"),
        ({"body": {"image": "$IMAGE", "api_key": "abc"}}, "the key 'api_key' of the body holds its secret in the text"),
        ({"body": {"image": "$IMAGE", "meta": {"functionKey": ["abc"]}}}, "the key 'functionKey' of the body holds"),
        ({"body": ["$IMAGE", "Bearer abc"]}, "the body holds its secret"),
        ({"body": {"image": "$IMAGE", "x": "sk-abcdefghijklmnop"}}, "the key 'x' of the body holds its secret"),
        (
            {"encoding": "multipart", "image": "npy", "body": {"file": "$IMAGE", "token": "abc"}},
            "the key 'token' of the body",
        ),
        ({"body": {"image": "$IMAGE", "x": float("inf")}}, "JSON cannot say"),
        ({"body": {"image": "$IMAGE", "x": b"abc"}}, "JSON cannot say"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(request_form: dict[str, object], reason: str) -> None:
    """The form of the picture fits the encoding, and there is one place for it."""
    with pytest.raises(ValueError, match=reason.replace("$", r"\$").replace("[", r"\[")):
        GenericHttp.model_validate(
            {"kind": "http", "url": "http://localhost", "request": request_form, "response": {"label": "$"}}
        )


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({}, "one of label, topk and scores"),
        ({"scores": "$", "label": "$"}, "scores stands alone"),
        ({"label": "$", "names": "$"}, "names are the labels of scores"),
        ({"topk": "$", "score": "$"}, "score is the score of label"),
        ({"label": "label"}, "expected a path"),
    ],
)
def test_a_reply_form_that_says_nothing_is_refused(response: dict[str, object], reason: str) -> None:
    """There is one place where the answer stands."""
    with pytest.raises(ValueError, match=reason):
        GenericHttp.model_validate({"kind": "http", "url": "http://localhost", "response": response})


@pytest.mark.parametrize(
    "body",
    [
        {"key": "$IMAGE"},
        {"image": "$IMAGE", "api_key": "${TOKEN}", "max_tokens": 5, "tokenizer": "bpe", "hotkeys": "a", "token": ""},
        {"image": "$IMAGE", "key": True, "country_code": "DE"},
    ],
)
def test_a_body_without_secrets_is_accepted(body: object) -> None:
    """A placeholder, a number and a name that only resembles a credential are no secrets."""
    GenericHttp.model_validate(
        {"kind": "http", "url": "http://localhost", "request": {"body": body}, "response": {"label": "$"}}
    )


def test_the_default_body_is_base64_under_image(described: Callable[..., Endpoint], picture: Picture) -> None:
    """A description without a request still sends something a common server takes."""
    message = described().wire.compose(picture, "0", str)

    assert json.loads(message.content) == {"image": base64.b64encode(picture.png).decode()}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["label", "score", "top", "scores"]), inner, max_size=4)
    ),
    max_leaves=20,
)


FORMS = [
    LABEL,
    TOPK,
    SCORES,
    {"label": "$.label", "topk": "$.top[*]"},
    {"scores": "$"},
    {"scores": "$.scores", "names": "$.top"},
]


@given(JSON, st.sampled_from(FORMS))
def test_any_document_is_a_reading_or_an_oracle_error(document: object, response: dict[str, object]) -> None:
    """No reply gets another exception out of a description."""
    wire = GenericHttp.model_validate({"kind": "http", "url": "http://localhost", "response": response})

    with contextlib.suppress(OracleError):
        assert isinstance(wire.read(document, "0"), Reading)
