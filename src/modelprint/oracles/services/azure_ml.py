"""Azure Machine Learning online endpoints with an MLflow model: `input_data`, answered by the bare predictions."""

from typing import Literal

from modelprint.oracles.http import IMAGE, RequestForm
from modelprint.oracles.services.service import NumbersService


class AzureML(NumbersService):
    """An online endpoint of Azure Machine Learning; `url` is its scoring URI.

    The header `azureml-model-deployment` asks one deployment and bypasses the traffic split; leave it out to check what
    users get.
    """

    kind: Literal["azure-ml"] = "azure-ml"

    def build_url(self) -> str:
        """Return the scoring URI."""
        return self.url

    def build_request(self) -> RequestForm:
        """Return a request with one input."""
        return self.input.request({"input_data": [IMAGE]})

    def find_answer(self, document: object) -> object:
        """Return the whole reply."""
        return document
