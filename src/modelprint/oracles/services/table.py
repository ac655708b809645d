"""The table of named services."""

from modelprint.oracles.services.azure_ml import AzureML
from modelprint.oracles.services.bentoml import BentoML
from modelprint.oracles.services.hugging_face import HuggingFace
from modelprint.oracles.services.kserve_v1 import KServeV1
from modelprint.oracles.services.litserve import LitServe
from modelprint.oracles.services.mlflow import MLflow
from modelprint.oracles.services.sagemaker import SageMaker
from modelprint.oracles.services.service import Service
from modelprint.oracles.services.torchserve import TorchServe
from modelprint.oracles.services.vertex_ai import VertexAI

SERVICES: dict[str, type[Service]] = {
    "azure-ml": AzureML,
    "bentoml": BentoML,
    "hugging-face": HuggingFace,
    "kserve-v1": KServeV1,
    "litserve": LitServe,
    "mlflow": MLflow,
    "sagemaker": SageMaker,
    "torchserve": TorchServe,
    "vertex-ai": VertexAI,
}
