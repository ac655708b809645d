"""An oracle on another machine, made of a wire format, a caller and a label map."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from modelprint.errors import EndpointError, OracleError
from modelprint.oracles.json_text import PrintedNumber, parse_json
from modelprint.oracles.labels import LabelMap
from modelprint.oracles.oracle import Answer
from modelprint.oracles.replies import Named, Reading
from modelprint.oracles.requests import Caller, Reply
from modelprint.oracles.secrets import Secrets
from modelprint.oracles.wire import WireFormat
from modelprint.pixels import Picture

TELLING_HEADERS = (
    "age",
    "azureml-model-deployment",
    "cache-status",
    "cf-cache-status",
    "server",
    "via",
    "x-amzn-invoked-production-variant",
    "x-cache",
    "x-cache-hits",
    "x-cache-lookup",
    "x-cache-status",
    "x-envoy-upstream-service-time",
    "x-proxy-cache",
    "x-request-id",
    "x-served-by",
    "x-varnish",
)
"""Reply headers that say which replica answered, or that a cache did."""
SORTED_WIDTH = 3
"""Shortest list of scores whose falling order is conspicuous; half of all pairs fall."""


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
    _only_falling: bool = field(default=True, init=False, repr=False)

    def ask(self, picture: Picture) -> Answer:
        """Answer one picture; whatever goes wrong is an answer with a problem.

        Raises:
            EndpointError: The first question of all found no connection or no reply in time, or the environment allows
                none.
        """
        request_id = f"{self.rng.getrandbits(128):032x}"
        try:
            reply = self.caller.call(self.wire.compose(picture, request_id, self.secrets.fill))
        except EndpointError as problem:
            raise EndpointError(f"{self.wire.url}: {self.secrets.clean(str(problem))}") from None
        if reply.problem is not None:
            return self._make_answer(reply, problem=reply.problem)
        try:
            reading = self.wire.read(parse_json(reply.content), request_id)
        except OracleError as problem:
            quoted = self.secrets.quote(reply.content)
            answer = self._make_answer(reply, problem=str(problem))
            return replace(answer, problem=f"{answer.problem}; the reply: {quoted}") if quoted else answer
        if self._looks_sorted(reading):
            sorted_scores = (
                f"the {reading.width} scores fall from first to last in every answer so far, so they may be sorted by "
                f"score and are not read in class order; say where their labels are (response.names, topk or label)"
            )
            return replace(self._make_answer(reply, problem=sorted_scores, reading=reading), named=None)
        return self._answer_reading(reply, reading)

    def describe(self) -> dict[str, str]:
        """Say what is asked, with placeholders as written."""
        return self.wire.describe()

    def _looks_sorted(self, reading: Reading) -> bool:
        """Whether this list of scores, like every one before it, has the greatest score first and so on."""
        if reading.width is None or reading.width < SORTED_WIDTH or reading.tie:
            return False
        self._only_falling = self._only_falling and reading.falling
        return self._only_falling

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
        ranking: tuple[tuple[int | None, PrintedNumber], ...] = (),
    ) -> Answer:
        if any(self.secrets.hides(float(score)) for _, score in ranking):
            ranking = ()
        named = None if reading is None else reading.named
        if isinstance(named, str) or (named is not None and self.secrets.hides(named)):
            named = self.secrets.clean(str(named))
        return Answer(
            label=label,
            named=named,
            tie=reading is not None and reading.tie,
            ranking=tuple((index, float(score)) for index, score in ranking),
            printed=tuple(score.text for _, score in ranking),
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
