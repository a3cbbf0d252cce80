"""A store whose certificate no public authority has issued."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration.s3_server import S3Server, serve
from tuner_job.errors import StoreError
from tuner_job.results.store import Store

_PATIENCE = timedelta(seconds=1)


def _issue(folder: Path, host: str) -> tuple[Path, Path, Path]:
    """Make an authority, and a certificate of it for an address; return the authority's
    certificate, the other one and its key."""
    keys = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Ministry", "store")
    ]
    now = datetime.now(UTC)

    def certificate(n: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(names[n])
            .issuer_name(names[0])
            .public_key(keys[n].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=n == 0, path_length=None), critical=True)
        )

    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    made = [
        certificate(0).sign(keys[0], hashes.SHA256()),
        certificate(1).add_extension(alternative, critical=False).sign(keys[0], hashes.SHA256()),
    ]
    paths = folder / "ca.crt", folder / "store.crt", folder / "store.key"
    for path, one in zip(paths, made, strict=False):
        path.write_bytes(one.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    paths[2].write_bytes(
        keys[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return paths


@pytest.fixture
def issued(tmp_path: Path) -> tuple[Path, Path, Path]:
    return _issue(tmp_path, "127.0.0.1")


@pytest.fixture
def private(
    s3_server: S3Server,  # skips, or fails, where the server is not installed
    issued: tuple[Path, Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    root = tmp_path / "buckets"
    root.mkdir()
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with serve(root, certificate=issued[1:]) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_ALLOW_HTTP")
        yield server.make_bucket("private")


def test_a_named_authority_is_trusted(
    private: str, issued: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(issued[0]))
    store = Store(private, _PATIENCE)
    store.put("a", b"1")
    assert store.get("a") == b"1"


def test_an_unknown_authority_is_said_with_what_to_do(
    private: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.crt"))  # other tools look there
    with pytest.raises(StoreError, match="certificate is not trusted, as its authority is not"):
        Store(private, _PATIENCE).get("a")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.crt"))
    with pytest.raises(StoreError, match=r"none.crt, which SSL_CERT_FILE names, cannot be read"):
        Store(private, _PATIENCE).get("a")
    (tmp_path / "other").mkdir()
    other = _issue(tmp_path / "other", "127.0.0.1")[0]
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    with pytest.raises(StoreError, match=r"which SSL_CERT_FILE names, lacks its authority"):
        Store(private, _PATIENCE).get("a")
