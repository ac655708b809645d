"""Vertex AI online prediction of image models: base64 content, answered by names and confidences side by side."""

from typing import Literal

from pydantic import Field

from modelprint.errors import OracleError
from modelprint.oracles.http import IMAGE, RequestForm
from modelprint.oracles.replies import Reading, read_label, read_ranking, read_score
from modelprint.oracles.services.service import Service, find_member, read_answer

HINTS = ("deployedModelId", "modelVersionId")


class VertexAI(Service):
    """An endpoint of Vertex AI; `url` ends in `:predict`.

    Attributes:
        most_labels: How many labels a reply may have; ask for all classes where that is allowed.
    """

    kind: Literal["vertex-ai"] = "vertex-ai"
    most_labels: int = Field(default=10, ge=1, le=10_000)

    def build_url(self) -> str:
        """Return the address for predictions."""
        return self.url

    def build_request(self) -> RequestForm:
        """Return a request for every confidence: at the usual threshold a sample between classes gets no label."""
        parameters = {"confidenceThreshold": 0.0, "maxPredictions": self.most_labels}
        return RequestForm(body={"instances": [{"content": IMAGE}], "parameters": parameters})

    def find_answer(self, document: object) -> object:
        """Return the only prediction."""
        predictions = find_member(document, "predictions")
        if not isinstance(predictions, list) or len(predictions) != 1:
            raise OracleError("the reply has no list of one prediction")
        return predictions[0]

    def read(self, document: object, request_id: str) -> Reading:
        """Return names and confidences, with the model that answered; a container of one's own answers as it likes."""
        answer = self.find_answer(document)
        hints = {name: str(document[name]) for name in HINTS if isinstance(document, dict) and name in document}
        if not isinstance(answer, dict) or "displayNames" not in answer:
            return read_answer(answer)
        names, scores = answer["displayNames"], answer.get("confidences")
        if not isinstance(names, list) or not isinstance(scores, list) or len(names) != len(scores):
            raise OracleError("the reply has displayNames and confidences of different length")
        pairs = [(read_label(name), read_score(score)) for name, score in zip(names, scores, strict=True)]
        return read_ranking(pairs, hints=hints)
