"""The variables by which a store is reached: plain http only where it is asked for, no value of
a key in a message."""

import pytest

from tuner_job.results.environment import check_environment


@pytest.mark.parametrize(
    ("scheme", "environment", "may_be_http"),
    [
        ("s3", {}, False),
        ("s3", {"AWS_ENDPOINT_URL": "https://host:9000"}, False),
        ("s3", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}, True),
        ("s3", {"AWS_ENDPOINT_URL": "http://[::1]:9000"}, True),
        ("s3", {"AWS_ENDPOINT_URL": "http://localhost:9000"}, True),
        ("s3", {"AWS_ENDPOINT_URL": "http://store:9000", "AWS_ALLOW_HTTP": "true"}, True),
        ("s3", {"AWS_ALLOW_HTTP": "True"}, True),
        ("gs", {"GOOGLE_BASE_URL": "http://127.0.0.1:4443"}, True),
        ("gs", {"GOOGLE_BASE_URL": "http://fake-gcs:4443", "GOOGLE_ALLOW_HTTP": "1"}, True),
        ("gs", {"AWS_ALLOW_HTTP": "true"}, False),
        ("az", {"AZURE_STORAGE_USE_EMULATOR": "true"}, True),
        (
            "az",
            {"AZURE_STORAGE_ENDPOINT": "http://azurite:10000/a", "AZURE_ALLOW_HTTP": "yes"},
            True,
        ),
    ],
)
def test_http_is_used_where_it_is_asked_for(
    scheme: str, environment: dict[str, str], may_be_http: bool
) -> None:
    assert check_environment(scheme, environment) is may_be_http


@pytest.mark.parametrize(
    ("scheme", "environment", "problem"),
    [
        (
            "s3",
            {"AWS_ENDPOINT_URL": "http://store:9000"},
            "begins with http://.*set AWS_ALLOW_HTTP=true",
        ),
        (
            "s3",
            {"AWS_ENDPOINT_URL": "http://127.0.0.1.org"},
            "begins with http://.*set AWS_ALLOW_HTTP=true",
        ),
        (
            "s3",
            {"AWS_ENDPOINT": "http://store"},
            "^AWS_ENDPOINT in the environment begins with http://",
        ),
        (
            "s3",
            {"AWS_ENDPOINT_URL": "http://store", "AWS_ALLOW_HTTP": "false"},
            "begins with http://",
        ),
        (
            "s3",
            {"AWS_ENDPOINT_URL": "http://store", "GOOGLE_ALLOW_HTTP": "true"},
            "begins with http://",
        ),
        ("gs", {"GOOGLE_BASE_URL": "http://fake"}, "set GOOGLE_ALLOW_HTTP=true"),
        ("az", {"AZURE_STORAGE_ENDPOINT": "http://azurite:10000"}, "set AZURE_ALLOW_HTTP=true"),
        ("s3", {"AWS_ENDPOINT_URL": ""}, "must be the address of a server.*got ''"),
        ("s3", {"AWS_ENDPOINT_URL": "store:9000"}, "must be the address of a server"),
        (
            "s3",
            {"AWS_ENDPOINT_URL": "https://me:h1dd3n@store"},
            "without user.*got 'https://store'",
        ),
        (
            "s3",
            {"AWS_ENDPOINT_URL": "https://store?token=h1dd3n"},
            "without user.*got 'https://store'",
        ),
        ("s3", {"AWS_ENDPOINT_URL": "https://store:port"}, "must be the address of a server"),
        (
            "s3",
            {"AWS_SECRET_ACCESS_KEY": "h1dd3n\n"},
            "^AWS_SECRET_ACCESS_KEY in the environment must be one word",
        ),
        ("s3", {"AWS_ACCESS_KEY_ID": ""}, "^AWS_ACCESS_KEY_ID in the environment must be one word"),
        ("s3", {"AWS_REGION": "eu west"}, "^AWS_REGION in the environment must be one word"),
        (
            "az",
            {"AZURE_STORAGE_SAS_TOKEN": "sig=h1dd3n\n"},
            "^AZURE_STORAGE_SAS_TOKEN in the environment must be",
        ),
    ],
)
def test_what_cannot_be_used_is_named(
    scheme: str, environment: dict[str, str], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        check_environment(scheme, environment)
    assert "h1dd3n" not in str(refused.value)
