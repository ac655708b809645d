"""An oracle on another machine, made of a wire format, a caller and a label map."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from modelprint.errors import OracleError
from modelprint.oracles.labels import LabelMap
from modelprint.oracles.oracle import Answer
from modelprint.oracles.replies import Named, Reading, parse_json
from modelprint.oracles.requests import Caller, Reply
from modelprint.oracles.secrets import Secrets
from modelprint.oracles.wire import WireFormat
from modelprint.pixels import Picture

TELLING_HEADERS = (
    "age",
    "azureml-model-deployment",
    "server",
    "via",
    "x-amzn-invoked-production-variant",
    "x-cache",
    "x-envoy-upstream-service-time",
    "x-request-id",
)
"""Reply headers that say which replica answered, or that a cache did."""


@dataclass(kw_only=True)
class RemoteOracle:
    """Asks an endpoint, one picture per request.

    Attributes:
        wire: How to speak to it.
        secrets: Values behind the placeholders of its description.
        labels: What it calls our classes.
        caller: Sends the requests.
        rng: Source of request ids.
    """

    wire: WireFormat
    secrets: Secrets
    labels: LabelMap
    caller: Caller
    rng: random.Random = field(default_factory=random.Random, repr=False)

    def ask(self, picture: Picture) -> Answer:
        """Answer one picture; whatever goes wrong is an answer with a problem."""
        request_id = f"{self.rng.getrandbits(128):032x}"
        reply = self.caller.call(self.wire.compose(picture, request_id, self.secrets.fill))
        if reply.problem is not None:
            return self._make_answer(reply, problem=reply.problem)
        try:
            reading = self.wire.read(parse_json(reply.content), request_id)
        except OracleError as problem:
            return self._make_answer(reply, problem=str(problem))
        return self._answer_reading(reply, reading)

    def describe(self) -> dict[str, str]:
        """Say what is asked, with placeholders as written."""
        return self.wire.describe()

    def _answer_reading(self, reply: Reply, reading: Reading) -> Answer:
        try:
            label, problem = self.labels.index(reading.named, reading.width), None
        except OracleError as unknown:
            label, problem = None, str(unknown)
        ranking = tuple((self._find_index(named, reading.width), score) for named, score in reading.ranking)
        return self._make_answer(reply, label=label, problem=problem, reading=reading, ranking=ranking)

    def _find_index(self, named: Named, width: int | None) -> int | None:
        try:
            return self.labels.index(named, width)
        except OracleError:
            return None

    def _make_answer(
        self,
        reply: Reply,
        *,
        label: int | None = None,
        problem: str | None = None,
        reading: Reading | None = None,
        ranking: tuple[tuple[int | None, float], ...] = (),
    ) -> Answer:
        named = None if reading is None else reading.named
        return Answer(
            label=label,
            named=self.secrets.clean(named) if isinstance(named, str) else named,
            tie=reading is not None and reading.tie,
            ranking=ranking,
            problem=None if problem is None else self.secrets.clean(problem),
            server=self._collect_hints(reply.headers, {} if reading is None else reading.hints),
            status=reply.status,
            attempts=reply.attempts,
            latency_ms=reply.latency_ms,
        )

    def _collect_hints(self, headers: Mapping[str, str], read: Mapping[str, str]) -> dict[str, str]:
        hints = {name: headers[name] for name in TELLING_HEADERS if name in headers}
        if "set-cookie" in headers:  # a sticky session; its value may be a credential
            hints["set-cookie"] = headers["set-cookie"].split("=")[0]
        return {name: self.secrets.clean(value) for name, value in {**hints, **read}.items()}
