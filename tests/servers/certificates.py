"""A certificate authority of the tests' own, and what it has signed."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: an authority, a server certificate for loopback, and a client certificate."""

    ca_file: Path
    server_certificate: Path
    server_key: Path
    client_certificate: Path
    client_key: Path

    def server_context(self) -> ssl.SSLContext:
        """Return the context of a server that shows the loopback certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server_certificate, self.server_key)
        return context


def make_certificates(folder: Path) -> Certificates:
    """Create a new authority in `folder` and let it sign one server and one client."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    server = authority.issue_cert("localhost", "127.0.0.1", "::1")
    client = authority.issue_cert("operator@example.com", common_name="operator")
    server_certificate, server_key = _write(server, folder, "server")
    client_certificate, client_key = _write(client, folder, "client")
    return Certificates(ca_file, server_certificate, server_key, client_certificate, client_key)


def _write(leaf: trustme.LeafCert, folder: Path, name: str) -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(str(key))
    return certificate, key
