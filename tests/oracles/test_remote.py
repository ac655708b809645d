import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from modelprint.oracles.endpoint import Endpoint, open_oracle, parse_endpoint, preview_request
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
        lambda seen, reply: reply({"error": f"x{seen.headers['authorization']}"}),
        lambda seen, reply: reply({"error": "s3cret\n-t0ken"}, 500),
        lambda seen, reply: reply("x" * 170 + TOKEN),
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


def test_a_secret_never_leaves_as_a_number(
    described: Callable[..., Endpoint], stand_in: object, picture: Picture
) -> None:
    """As a label, a score, or a score of another class."""
    stand_in.says(
        {"label": 2718281828, "score": 1}, {"label": "cat", "score": 2718281828.0}, {"label": "cat", "score": 0.5}
    )
    document = {
        "kind": "http",
        "url": f"{stand_in.url}/?key=${{PIN}}",
        "response": {"label": "$.label", "score": "$.score"},
    }
    asking = open_oracle(parse_endpoint({"endpoint": document}, environ={"PIN": "2718281828"}), ("cat", "dog", "owl"))

    answers = [asking.ask(picture) for _ in range(3)]

    assert "2718281828" not in repr(answers)
    assert answers[0].named == "***"
    assert (answers[1].label, answers[1].ranking, answers[1].printed) == (0, (), ())
    assert (answers[2].ranking, answers[2].printed) == (((0, 0.5),), ("0.5",))


@pytest.mark.parametrize(
    ("content", "quoted"),
    [
        (b'{"success": false, "error": "model is not ready"}', '{"success": false, "error": "model is not ready"}'),
        (b"<!DOCTYPE html>\n<title>Sign in</title>", "<!DOCTYPE html> <title>Sign in</title>"),
        (b"busy\x1b[2J" + b"x" * 300, "busy\\x1b[2J" + "x" * 189 + "..."),
    ],
)
def test_a_reply_that_is_no_answer_is_quoted(
    content: bytes, quoted: str, oracle: Opening, stand_in: object, picture: Picture
) -> None:
    """Its first 200 characters, so that a person sees what a gateway said with status 200."""
    stand_in.sends(content)

    problem = oracle().ask(picture).problem or ""

    assert problem.endswith(f"; the reply: {quoted}")


def test_scores_in_order_of_score_are_not_read_in_class_order(
    oracle: Opening, stand_in: object, picture: Picture
) -> None:
    """As long as every list falls it is pointed out; after one that does not, a falling list is in class order."""
    stand_in.says([0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7], [0.7, 0.2, 0.1])
    asking = oracle(response={"scores": "$"})

    answers = [asking.ask(picture) for _ in range(5)]

    for answer in answers[:2]:
        assert (answer.label, answer.named, answer.ranking) == (None, None, ())
        assert "the 3 scores fall from first to last in every answer so far" in (answer.problem or "")
        assert "response.names" in (answer.problem or "")
    assert answers[2].tie
    assert [answer.label for answer in answers[3:]] == [2, 0]


def test_a_pair_of_scores_is_in_class_order(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """Half of all pairs fall, which says nothing."""
    stand_in.says([0.7, 0.3])
    asking = oracle(response={"scores": "$"}, labels={"0": "cat", "1": "dog", "2": "owl"})

    assert asking.ask(picture).label == 0


@pytest.mark.parametrize("name", ["age", "cf-cache-status", "x-cache", "x-cache-status", "cache-status"])
def test_signs_of_a_cache_are_recorded(
    name: str, oracle: Opening, stand_in: object, reply: object, picture: Picture
) -> None:
    """A verdict can name the cache that answered."""
    stand_in.replies = [lambda _: reply({"label": "cat"}, **{name.replace("-", "_"): "HIT"})]

    assert oracle().ask(picture).server[name] == "HIT"


def test_the_host_header_is_sent(oracle: Opening, stand_in: object, picture: Picture) -> None:
    """A model behind an ingress is asked by its address and its name."""
    stand_in.says({"label": "cat"})

    asking = oracle(headers={"Host": "digits.example.org"})
    asking.ask(picture)

    assert stand_in.seen[0].headers["host"] == "digits.example.org"
    assert asking.describe()["host"] == "digits.example.org"


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
