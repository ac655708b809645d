"""A mistake in the environment is an error that names the variable, never its value when that may hold a secret."""

import ssl
from pathlib import Path

import pytest

from modelprint.errors import EndpointError
from modelprint.oracles import environment
from modelprint.oracles.environment import check_environment, make_tls_context

URL = "https://models.example.org/classify"
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no certificate, whatever this machine has."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("SSL_CERT_FILE", "/absent/corp.pem", "SSL_CERT_FILE=/absent/corp.pem cannot be read; correct the path or"),
        ("SSL_CERT_FILE", "/", "SSL_CERT_FILE=/ cannot be read"),
        ("SSL_CERT_FILE", __file__, "holds no certificates"),
        ("SSL_CERT_DIR", "/absent", "SSL_CERT_DIR=/absent is no folder"),
        ("ALL_PROXY", "socks4://user:hush@127.0.0.1:9", "the proxy in ALL_PROXY starts with none of http://"),
        ("https_proxy", "hush", None),
        ("https_proxy", "ftp://hush", "the proxy in https_proxy starts with none of"),
        ("HTTP_PROXY", "http://hush:port", "the proxy in HTTP_PROXY is no address"),
        ("HTTP_PROXY", "http://", "the proxy in HTTP_PROXY is no address"),
        ("HTTPS_PROXY", "http://user:hush@proxy.example.org:3128", None),
        ("NO_PROXY", "localhost,[::1]", "NO_PROXY has '[::1]', which the HTTP library cannot read"),
        ("no_proxy", "localhost, ::1,10.0.0.0/8,.example.org,*", None),
        ("NO_PROXY", "http://h:port", "NO_PROXY has 'http://h:port'"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    name: str, value: str, problem: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what is wrong and what to do."""
    monkeypatch.setenv(name, value)

    if problem is None:
        check_environment(URL)
        return
    with pytest.raises(EndpointError) as caught:
        check_environment(URL)

    assert problem in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(("found", "refused"), [(None, True), ("there", False)])
def test_a_socks_proxy_needs_its_package(found: object, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names it."""
    monkeypatch.setattr(environment, "find_spec", lambda name: found)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:7890")

    if not refused:
        check_environment(URL)
        return
    with pytest.raises(EndpointError, match=r"ALL_PROXY is a SOCKS proxy.*pip install socksio, or unset ALL_PROXY"):
        check_environment(URL)


def test_the_loopback_needs_no_proxy_and_no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its TLS does need certificates."""
    monkeypatch.setenv("SSL_CERT_FILE", "/absent/corp.pem")
    monkeypatch.setenv("ALL_PROXY", "ftp://proxy")

    check_environment("http://127.0.0.1:8000")
    assert isinstance(make_tls_context("http://localhost"), ssl.SSLContext)
    with pytest.raises(EndpointError, match="SSL_CERT_FILE"):
        check_environment("https://localhost")
    monkeypatch.delenv("SSL_CERT_FILE")
    check_environment("https://localhost")


def test_a_folder_of_certificates_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here one without any."""
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    check_environment(URL)

    assert make_tls_context(URL).cert_store_stats()["x509_ca"] == 0
