"""The MLflow scoring server and Databricks model serving: `POST /invocations` with `inputs`."""

from typing import Literal
from urllib.parse import quote

from pydantic import Field

from modelprint.oracles.http import IMAGE, RequestForm
from modelprint.oracles.services.service import NumbersService, find_member
from modelprint.oracles.wire import Text


class MLflow(NumbersService):
    """A model behind `mlflow models serve`, or behind a serving endpoint of Databricks.

    Attributes:
        serving_endpoint: Name of the serving endpoint on Databricks; None for MLflow's own server.
    """

    kind: Literal["mlflow"] = "mlflow"
    serving_endpoint: Text | None = Field(default=None, min_length=1)

    def build_url(self) -> str:
        """Return the address for scoring."""
        name = self.serving_endpoint
        place = "" if name is None else f"/serving-endpoints/{quote(name, safe='')}"
        return f"{self.url.rstrip('/')}{place}/invocations"

    def build_request(self) -> RequestForm:
        """Return a request with one input."""
        return self.input.request({"inputs": [IMAGE]})

    def find_answer(self, document: object) -> object:
        """Return the predictions; a model in ONNX format names its output tensor in them."""
        return find_member(document, "predictions")
