"""What the environment says of a store, checked before the client reads it."""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from tuner_job.public import public
from tuner_job.wording import shown

_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "AZURITE_BLOB_STORAGE_URL"),
}
_ALLOW_HTTP = {"s3": "AWS_ALLOW_HTTP", "gs": "GOOGLE_ALLOW_HTTP", "az": "AZURE_ALLOW_HTTP"}
_OF_ONE_WORD: dict[str, tuple[str, ...]] = {
    "s3": (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    ),
    "gs": (),
    "az": ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN"),
}
"""The client ends without a message where one of these holds a line end, as a Secret made of a
file does."""
_WORD = re.compile(r"[!-~]+")


def check_environment(scheme: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Check the variables by which a store is reached; return whether it may be reached by plain
    http.

    It may where that is asked for (AWS_ALLOW_HTTP=true, and so on), and on this machine, which the
    data do not leave.

    Raises
    ------
    ValueError
        One cannot be used; the message names the variable and no secret.
    """
    for name in _OF_ONE_WORD[scheme]:
        if name in environment and not _WORD.fullmatch(environment[name]):
            raise ValueError(
                f"{name} in the environment must be one word of ASCII, without blanks or line "
                "ends; it is not, or is empty"
            )
    asked_for = _is_yes(environment, _ALLOW_HTTP[scheme])
    plain = [
        name
        for name in _ENDPOINTS[scheme]
        if name in environment and _is_plain_http(name, environment[name])
    ]
    for name in plain:
        if not (asked_for or _is_this_machine(environment[name])):
            raise ValueError(
                f"{name} in the environment begins with http://, which sends data unprotected: use "
                f"https://, or set {_ALLOW_HTTP[scheme]}=true there if that is meant; got "
                f"{shown(public(environment[name]))}"
            )
    emulated = scheme == "az" and _is_yes(environment, "AZURE_STORAGE_USE_EMULATOR")
    return asked_for or emulated or bool(plain)


def _is_yes(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "").lower() in ("1", "true", "yes", "on", "y")


def _is_plain_http(name: str, value: str) -> bool:
    """Whether an endpoint is reached by http and not https; ValueError if it is no endpoint."""
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if (
        not sound
        or "@" in parts.netloc
        or parts.query
        or parts.fragment
        or not _WORD.fullmatch(value)
    ):
        raise ValueError(
            f"{name} in the environment must be the address of a server, https://server:9000, "
            f"without user, keys, ? or #; got {shown(public(value))}"
        )
    return parts.scheme == "http"


def _is_this_machine(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
