"""The sandbox's authority: what it signs is right by the strictest reading, and no key is left."""

from __future__ import annotations

import asyncio
import ssl
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import verification

from transship.sandbox.certificates import SandboxAuthority

NAMES = ("old.example.test", "images.example.test", "127.0.0.1")


@pytest.fixture
def authority(tmp_path: Path) -> SandboxAuthority:
    return SandboxAuthority(tmp_path)


@pytest.fixture
async def port(authority: SandboxAuthority) -> AsyncIterator[int]:
    """A server that does nothing but shake hands."""
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=authority.server(*NAMES)
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


def strict(authority: SandboxAuthority) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


async def shake(port: int, name: str, context: ssl.SSLContext) -> bytes:
    """Return the certificate that is shown under a name."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return shown


@pytest.mark.parametrize("name", NAMES)
async def test_a_server_is_trusted_under_each_of_its_names(
    authority: SandboxAuthority, port: int, name: str
) -> None:
    assert await shake(port, name, strict(authority))


async def test_it_is_trusted_under_no_other_name_and_by_nobody_else(
    authority: SandboxAuthority, port: int, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = SandboxAuthority(tmp_path / "other")
    for name, context in (("new.example.test", strict(authority)), (NAMES[0], strict(other))):
        with pytest.raises(ssl.SSLCertVerificationError):
            await shake(port, name, context)


async def test_another_verifier_and_the_dates_agree(authority: SandboxAuthority, port: int) -> None:
    leaf = x509.load_der_x509_certificate(await shake(port, NAMES[0], strict(authority)))
    root = x509.load_pem_x509_certificate(authority.ca_file.read_bytes())
    store = verification.Store([root])
    verifier = verification.PolicyBuilder().store(store)
    verifier.build_server_verifier(x509.DNSName(NAMES[1])).verify(leaf, [])

    now = datetime.now(UTC)
    assert leaf.not_valid_before_utc < now - timedelta(minutes=30)
    assert leaf.not_valid_after_utc > now + timedelta(days=60), "P-15 warns of less than 30"


def test_no_private_key_stays_on_disk(authority: SandboxAuthority, tmp_path: Path) -> None:
    authority.server(*NAMES)

    assert [path.name for path in tmp_path.iterdir()] == ["ca.pem"]
    assert b"PRIVATE" not in authority.ca_file.read_bytes()
    assert stat.S_ISREG(authority.ca_file.stat().st_mode)
