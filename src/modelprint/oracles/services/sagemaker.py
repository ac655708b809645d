"""Amazon SageMaker endpoints: `InvokeEndpoint`, signed with Signature Version 4 by the library `botocore`."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from modelprint.oracles.http import IMAGE, RequestForm
from modelprint.oracles.secrets import has_placeholder
from modelprint.oracles.services.service import Numbers, Service
from modelprint.oracles.wire import Fill, Message
from modelprint.pixels import Picture


def _require_placeholder(text: str) -> str:
    if text and not has_placeholder(text):
        raise ValueError("a credential stands in the text; write ${NAME} or ${file:PATH} instead")
    return text


Credential = Annotated[str, AfterValidator(_require_placeholder)]


class SageMaker(Service):
    """A real-time or serverless endpoint of SageMaker; `url` is that of the runtime in its region.

    Attributes:
        endpoint_name: Name of the endpoint.
        region: Region, such as eu-west-1.
        input: How the picture becomes numbers under `instances`; None sends the PNG file as it is.
        content_type: What the container calls that file.
        access_key: Placeholder of the key's identifier.
        secret_key: Placeholder of the key.
        session_token: Placeholder of the token of temporary credentials; empty when there is none.
    """

    kind: Literal["sagemaker"] = "sagemaker"
    endpoint_name: str = Field(pattern=r"^[A-Za-z0-9](?:-*[A-Za-z0-9]){0,62}$")
    region: str = Field(pattern=r"^[a-z0-9-]{1,32}$")
    input: Numbers | None = None
    content_type: str = Field(default="application/x-image", pattern=r"^[\w.+-]+/[\w.+-]+$")
    access_key: Credential = "${AWS_ACCESS_KEY_ID}"
    secret_key: Credential = "${AWS_SECRET_ACCESS_KEY}"
    session_token: Credential = ""

    def build_url(self) -> str:
        """Return the address for invocations."""
        return f"{self.url.rstrip('/')}/endpoints/{self.endpoint_name}/invocations"

    def build_request(self) -> RequestForm:
        """Return the numbers of the picture as JSON, or the bare PNG file."""
        if self.input is not None:
            return self.input.request({"instances": [IMAGE]})
        return RequestForm(encoding="raw", image="png_bytes")

    def find_answer(self, document: object) -> object:
        """Return the predictions of a TensorFlow or PyTorch container, or the whole reply."""
        return document.get("predictions", document) if isinstance(document, dict) else document

    def list_texts(self) -> list[str]:
        """Return every text that may hold a placeholder, the credentials too."""
        return [*super().list_texts(), self.access_key, self.secret_key, self.session_token]

    def compose(self, picture: Picture, request_id: str, fill: Fill) -> Message:
        """Return the signed request."""
        message = super().compose(picture, request_id, fill)
        named = {"Content-Type": self.content_type} if self.input is None else {}
        return replace(message, headers=tuple(self._sign(message, dict(message.headers) | named, fill).items()))

    def _sign(self, message: Message, headers: dict[str, str], fill: Fill) -> dict[str, str]:
        """Return `headers` with a signature of the request."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        key = Credentials(fill(self.access_key), fill(self.secret_key), fill(self.session_token) or None)
        request = AWSRequest(message.method, message.url, headers=headers, data=message.content)
        SigV4Auth(key, "sagemaker", self.region).add_auth(request)
        return dict(request.headers.items())
