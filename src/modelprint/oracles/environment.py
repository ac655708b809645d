"""What the environment says about connections, checked before the first question: proxies and certificates.

The HTTP library reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and `SSL_CERT_DIR`. A
mistake in one of them concerns every request alike, so it is an error and never the silence of an endpoint. Values are
not repeated: a proxy may have a password in its address.
"""

import ipaddress
import os
import ssl
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import httpx

from modelprint.errors import EndpointError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


def is_loopback(url: str) -> bool:
    """Whether `url` is on this machine, where no proxy of the environment has a way to."""
    return httpx.URL(url).host in LOOPBACK


def check_environment(url: str) -> None:
    """Raise EndpointError when the environment makes every request to `url` impossible; the message says what to do."""
    if is_loopback(url) and httpx.URL(url).scheme == "http":
        return  # neither a proxy nor a certificate
    _check_certificates()
    if is_loopback(url):
        return
    for name in PROXIES:
        _check_proxy(*_look_up(name))
    name, value = _look_up("NO_PROXY")
    hosts = [host for host in map(str.strip, value.split(",")) if host]
    for host in () if "*" in hosts else hosts:  # with * no proxy is used at all
        if not _may_read_host(host):
            raise EndpointError(f"{name} has {host[:100]!r}, which the HTTP library cannot read; correct or remove it")


def make_tls_context(url: str) -> ssl.SSLContext:
    """Return the certificates to trust for `url`; those of the environment, where it names any."""
    if is_loopback(url) and httpx.URL(url).scheme == "http":
        return _make_context("", "")
    return _make_context(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))


@cache
def _make_context(cert_file: str, cert_dir: str) -> ssl.SSLContext:
    """Return a context that trusts `cert_file`, or else `cert_dir`, or else the usual issuers."""
    if cert_file:
        return ssl.create_default_context(cafile=cert_file)
    if cert_dir:
        return ssl.create_default_context(capath=cert_dir)
    return httpx.create_ssl_context(trust_env=False)


def _check_certificates() -> None:
    cert_file, cert_dir = os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")
    if cert_file:
        try:
            if not Path(cert_file).is_file():
                raise FileNotFoundError(2, "no such file")
            _make_context(cert_file, "")
        except (OSError, ValueError) as problem:  # SSLError is an OSError
            reason = "holds no certificates" if isinstance(problem, ssl.SSLError) else "cannot be read"
            raise EndpointError(f"SSL_CERT_FILE={cert_file} {reason}; correct the path or unset it") from None
    elif cert_dir and not Path(cert_dir).is_dir():
        raise EndpointError(f"SSL_CERT_DIR={cert_dir} is no folder; correct the path or unset it")


def _check_proxy(name: str, value: str) -> None:
    if not value:
        return
    scheme = value.partition("://")[0].lower() if "://" in value else "http"
    if scheme not in PROXY_SCHEMES:
        raise EndpointError(
            f"the proxy in {name} starts with none of {', '.join(f'{known}://' for known in PROXY_SCHEMES)}; "
            f"correct or unset it"
        )
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise EndpointError(
            f"the proxy in {name} is a SOCKS proxy, which needs one more package; pip install socksio, or unset {name}"
        )
    try:
        host = httpx.URL(value if "://" in value else f"http://{value}").host
    except httpx.InvalidURL:
        host = ""
    if not host:
        raise EndpointError(f"the proxy in {name} is no address; correct or unset it")


def _look_up(name: str) -> tuple[str, str]:
    """Return the name and the value of a variable; in lower case it counts more, as in the HTTP library."""
    chosen = name.lower() if os.environ.get(name.lower()) else name
    return chosen, os.environ.get(chosen, "")


def _may_read_host(host: str) -> bool:
    """Whether the HTTP library can read this entry of `NO_PROXY`."""
    try:
        ipaddress.ip_address(host.split("/")[0])
    except ValueError:
        try:
            httpx.URL(host if "://" in host else f"all://*{host}")
        except httpx.InvalidURL:
            return False
    return True
