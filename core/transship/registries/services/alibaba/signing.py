"""Alibaba Cloud's signature of a request, version 3 (ACS3-HMAC-SHA256). Pure.

It holds for APIs of both styles: RPC, where all is said in the query, and ROA, where paths name
things. The vendor's own packages would bring an HTTP client of their own, and a dozen more.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from transship.registries.credential import Credential

_ALGORITHM = "ACS3-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Action:
    """One call of an API: its name there, and the request that it is.

    A `path` is escaped already, a query not yet.
    """

    name: str
    version: str
    method: str = "POST"
    path: str = "/"
    query: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None

    @property
    def canonical_query(self) -> str:
        """The query as it is signed and sent: sorted by names, escaped as RFC 3986 has it."""
        return "&".join(
            f"{_escaped(name)}={_escaped(self.query[name])}" for name in sorted(self.query)
        )


def signed(
    action: Action, host: str, credential: Credential, now: float, nonce: str
) -> dict[str, str]:
    """Return the header fields of a request to `host`, its Authorization among them.

    `now` is in seconds since the epoch; the service takes it for a quarter of an hour. No two
    requests may have the same `nonce`.
    """
    content = action.content or b""
    fields = {
        "host": host,
        "x-acs-action": action.name,
        "x-acs-content-sha256": hashlib.sha256(content).hexdigest(),
        "x-acs-date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": action.version,
    }
    if action.content is not None:
        fields["content-type"] = "application/json"
    names = ";".join(sorted(fields))
    lines = [f"{name}:{fields[name]}\n" for name in sorted(fields)]
    canonical = "\n".join(
        [
            action.method,
            action.path,
            action.canonical_query,
            "".join(lines),
            names,
            fields["x-acs-content-sha256"],
        ]
    )
    text = f"{_ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(credential.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    fields["authorization"] = (
        f"{_ALGORITHM} Credential={credential.username},SignedHeaders={names},Signature={signature}"
    )
    return fields


def _escaped(text: str) -> str:
    return quote(text, safe="-_.~")
