"""An operator's accounts as core sees them: what it takes to open each host."""

from __future__ import annotations

from dataclasses import dataclass, field

from servers.tencent.api import SECRET_ID, SECRET_KEY
from transship.clock import Clock, SystemClock
from transship.engines.reach import AccountReach
from transship.registry.access import Access
from transship.registry.credential import Credential, Tls
from transship.registry.http.rate_limiter import RetryPolicy

SOON = RetryPolicy(attempts=2, seconds=5)


@dataclass
class Known:
    """The accesses by their hosts; `asked` are the hosts that were asked for."""

    accesses: dict[str, Access] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def add(
        self, host: str, login: Credential | None = None, service: str = "", api: str = ""
    ) -> None:
        """Add an account; `api` is the host of the cloud's API, which takes the tests' keys."""
        keys = Access(api, credential=Credential(SECRET_ID, SECRET_KEY), service="tencent-api")
        self.accesses[host] = Access(
            host, Tls(plain_http=True), login, service=service, api=keys if api else None
        )

    async def access(self, host: str) -> Access:
        """Return what it takes to open a host; one without an account is used anonymously."""
        self.asked.append(host)
        return self.accesses.get(host) or Access(host, Tls(plain_http=True))

    def reached(self, clock: Clock | None = None) -> AccountReach:
        """Open them as they are asked for."""
        return AccountReach(self.access, clock or SystemClock(), patience=SOON)
