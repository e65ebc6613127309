"""An authority that signs what a test wants to see: wrong names, old dates, broken chains."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import trustme

from servers.certificates import Certificates

if TYPE_CHECKING:
    from pathlib import Path

_count = itertools.count(1)


class Authority:
    """A root with one authority below it; `ca_file` has the root, and `between` the other.

    `organization` is whose they say they are.
    """

    def __init__(self, folder: Path, *, organization: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._root = trustme.CA(organization_name=organization)
        self._between = self._root.create_child_ca()
        self.ca_file = folder / "root.pem"
        self.between = folder / "between.pem"
        self._root.cert_pem.write_to_path(str(self.ca_file))
        self._between.cert_pem.write_to_path(str(self.between))

    def issue(
        self,
        *names: str,
        below: bool = False,
        alone: bool = False,
        common_name: str | None = None,
        starts: timedelta = timedelta(days=-1),
        ends: timedelta = timedelta(days=90),
    ) -> Certificates:
        """Sign a server certificate that is valid from `starts` to `ends`, counted from this day.

        `below`: let the authority below the root sign it; `alone`: the server then sends only its
        own certificate. The client's files are those of the server.
        """
        now = datetime.now(UTC)
        leaf = (self._between if below else self._root).issue_cert(
            *names, common_name=common_name, not_before=now + starts, not_after=now + ends
        )
        stem = self._folder / f"server-{next(_count)}"
        certificate, key = stem.with_suffix(".pem"), stem.with_suffix(".key")
        sent = leaf.cert_chain_pems[:1] if alone else leaf.cert_chain_pems
        certificate.write_bytes(b"".join(pem.bytes() for pem in sent))
        leaf.private_key_pem.write_to_path(str(key))
        return Certificates(self.ca_file, certificate, key, certificate, key)
