import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from modelprint.oracles.endpoint import Endpoint, preview_request
from modelprint.oracles.remote import RemoteOracle
from modelprint.pixels import Picture

Opening = Callable[..., RemoteOracle]
TOKEN = "s3cret-t0ken"


def test_telling_headers_are_recorded(oracle: Opening, stand_in: object, reply: object, picture: Picture) -> None:
    """Which replica answered, or that a cache did, is kept with the answer; other headers are not."""
    stand_in.replies = [lambda _: reply({"label": "cat"}, x_request_id="r-1", x_cache="HIT", age="3", x_other="o")]

    answer = oracle().ask(picture)

    assert answer.server == {"age": "3", "server": "uvicorn", "x-cache": "HIT", "x-request-id": "r-1"}


def test_a_label_map_translates_answers(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """The server's own word is kept; a word outside the map is a problem that names it."""
    stand_in.says({"label": "n02"}, {"label": "cat"})
    mapped = oracle(labels={"n01": "cat", "n02": "dog", "n03": 2})

    known, unknown = mapped.ask(picture), mapped.ask(picture)

    assert (known.label, known.named) == (1, "n02")
    assert (unknown.label, unknown.named) == (None, "cat")
    assert unknown.problem == "the server's label 'cat' is not in the label map of the endpoint"


@pytest.mark.parametrize(
    "answering",
    [
        lambda seen, reply: reply({"error": f"bad token {seen.headers['authorization']}"}, 401),
        lambda seen, reply: reply({"label": seen.headers["authorization"]}),
        lambda seen, reply: reply({"label": f"cat\x1b[2J{seen.headers['authorization']}"}),
        lambda seen, reply: reply({"label": "cat", "who": seen.headers["authorization"]}),
        lambda seen, reply: reply({"label": "cat"}, x_request_id=seen.headers["authorization"]),
        lambda seen, reply: reply({"label": "cat"}, 302, location=seen.path),
        lambda seen, reply: reply({"label": "cat"}, content_encoding=seen.headers["authorization"][7:]),
        lambda seen, reply: reply("x" * 295 + TOKEN, 500),
    ],
)
def test_a_secret_never_leaves_an_oracle(
    answering: Callable[..., object],
    oracle: Opening,
    stand_in: object,
    reply: object,
    picture: Picture,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A server that echoes the credential in a label, an error or a header finds it masked everywhere."""
    caplog.set_level("DEBUG")
    stand_in.replies = [lambda seen: answering(seen, reply)]
    asking = oracle(
        url="${HOST}/classify?key=${TOKEN}",
        headers={"Authorization": "Bearer ${TOKEN}"},
        response={"label": "$.label", "hints": {"who": "$.who"}},
        retry={"attempts": 1},
    )

    answer = asking.ask(picture)

    assert stand_in.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    shown = [repr(answer), json.dumps(asdict(answer)), repr(asking), str(asking.describe()), caplog.text]
    assert not [text for text in shown if TOKEN in text or TOKEN[:8] in text]


def test_a_description_shows_placeholders(oracle: Opening) -> None:
    """What goes into transcripts and reports is the address as written."""
    assert oracle(url="${HOST}/c?key=${TOKEN}").describe() == {"kind": "http", "url": "${HOST}/c?key=${TOKEN}"}


def test_a_dry_run_is_the_request_that_is_sent(
    described: Callable[..., Endpoint], oracle: Opening, stand_in: object, picture: Picture
) -> None:
    """Method, headers and body are those that arrive later, with stars for secrets; nothing is sent."""
    changes = {
        "headers": {"Authorization": "Bearer ${TOKEN}", "X-Team": "audit"},
        "url": "${HOST}/classify?key=${TOKEN}",
    }

    text = preview_request(described(**changes), picture)

    assert stand_in.seen == []
    assert TOKEN not in text
    head, body = text.split("\n\n")
    assert head.splitlines()[0] == "POST ***/classify?key=*** HTTP/1.1"
    assert "Authorization: Bearer ***" in head
    assert "X-Team: audit" in head
    stand_in.says({"label": "cat"})
    oracle(**changes).ask(picture)
    seen = stand_in.seen[0]
    assert seen.body.decode() == body
    for line in head.splitlines()[1:]:
        name, value = line.split(": ", 1)
        assert seen.headers[name.lower()] == value.replace("***", TOKEN)


@pytest.mark.parametrize("encoding", ["raw", "multipart"])
def test_a_dry_run_names_a_file_instead_of_printing_it(
    encoding: str, described: Callable[..., Endpoint], picture: Picture
) -> None:
    """The hash says which sample it is."""
    text = preview_request(described(request={"encoding": encoding, "image": "png_bytes"}), picture)

    assert f"<{len(picture.png)} bytes of image/png, sha256 {picture.sha256}>" in text
    assert text.isascii()


def test_secrets_in_a_body_are_filled_and_masked(
    described: Callable[..., Endpoint], oracle: Opening, stand_in: object, picture: Picture
) -> None:
    """Some services want their key in the document."""
    request = {"body": {"image": "$IMAGE", "auth": ["${TOKEN}"]}}
    stand_in.says({"label": "cat"})

    oracle(request=request).ask(picture)

    assert stand_in.seen[0].json()["auth"] == [TOKEN]
    assert '"auth": ["***"]' in preview_request(described(request=request), picture)
