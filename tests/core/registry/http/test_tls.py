from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from servers.certificates import Certificates
from transship import errors
from transship.registry.credential import Tls
from transship.registry.http.tls import fingerprint, tls_cause, tls_context


def subjects(context: ssl.SSLContext) -> set[str]:
    return {str(authority["subject"]) for authority in context.get_ca_certs()}


def test_certificates_are_verified_unless_asked_otherwise() -> None:
    context = tls_context(Tls())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_verification_can_be_turned_off() -> None:
    context = tls_context(Tls(insecure=True))
    assert context.verify_mode is ssl.CERT_NONE


def test_an_authority_is_trusted_beside_those_of_the_system(certificates: Certificates) -> None:
    own = subjects(tls_context(Tls(ca_file=str(certificates.ca_file))))
    usual = subjects(tls_context(Tls()))
    assert usual < own
    assert any("trustme" in subject for subject in own - usual)


def test_without_any_authorities_those_of_certifi_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert len(subjects(tls_context(Tls()))) > 50


def test_authorities_in_a_folder_are_the_system_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificates: Certificates
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(certificates.ca_file.parent))
    assert subjects(tls_context(Tls())) == set()


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_without_certificates_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(errors.BadFile, match=r"ca\.pem"):
        tls_context(Tls(ca_file=str(file)))
    with pytest.raises(errors.BadFile, match=r"ca\.pem"):
        tls_context(Tls(client_cert=str(file)))


def test_a_client_certificate_is_loaded(certificates: Certificates) -> None:
    tls_context(
        Tls(
            client_cert=str(certificates.client_certificate),
            client_key=str(certificates.client_key),
        )
    )


def test_a_key_that_does_not_fit_is_named(certificates: Certificates) -> None:
    wrong = Tls(
        client_cert=str(certificates.client_certificate), client_key=str(certificates.server_key)
    )
    with pytest.raises(errors.BadFile, match=r"client\.pem"):
        tls_context(wrong)


def test_of_two_files_the_one_that_is_missing_is_named(
    tmp_path: Path, certificates: Certificates
) -> None:
    missing = str(tmp_path / "missing.pem")
    with pytest.raises(errors.BadFile, match=r"^A file.*: .*/missing\.pem: No such file"):
        tls_context(Tls(client_cert=str(certificates.client_certificate), client_key=missing))
    with pytest.raises(errors.BadFile, match=r"^A file.*: .*/missing\.pem: No such file"):
        tls_context(Tls(client_cert=missing, client_key=str(certificates.client_key)))


def test_an_encrypted_key_is_refused_and_not_asked_for(
    tmp_path: Path, certificates: Certificates
) -> None:
    key = serialization.load_pem_private_key(certificates.client_key.read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"a passphrase"),
        )
    )
    tls = Tls(client_cert=str(certificates.client_certificate), client_key=str(locked))
    with pytest.raises(errors.BadFile, match="unencrypted"):
        tls_context(tls)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("WRONG_VERSION_NUMBER", errors.PlainHttp),
        ("HTTP_REQUEST", errors.PlainHttp),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", errors.ClientCertificateRefused),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", errors.ClientCertificateRefused),
        ("TLSV1_ALERT_UNKNOWN_CA", errors.ClientCertificateRefused),
        ("UNEXPECTED_EOF_WHILE_READING", errors.ConnectionLost),
        ("", errors.ConnectionLost),
    ],
)
def test_a_handshake_fails_for_a_cause(reason: str, kind: type[errors.TransshipError]) -> None:
    error = ssl.SSLError(1, "[SSL] failed")
    error.reason = reason
    assert type(tls_cause(error, "registry.example")) is kind


async def test_nothing_is_said_of_a_certificate_that_cannot_be_had() -> None:
    assert await fingerprint("127.0.0.1:1") == ""
