"""The whole of it: iteration works from the lab's own root, so that only resolvers are named.

```
127.N.1.1  root      nsd                127.N.2.1  plain      unbound, validates
127.N.1.2  test.     nsd                127.N.2.2  clamping   unbound, cache-min-ttl
127.N.1.3  primary   knot, signs        127.N.2.3  forwarder  dnsmasq, asks plain
127.N.1.4  secondary nsd                127.N.2.4  bogus      unbound, wrong trust anchor
127.N.1.5  power     PowerDNS           127.N.2.5  stale      unbound, serve-expired
127.N.3.x  for registries               127.N.2.6  encrypted  unbound, DoT and DoH
127.N.4.x  for servers of a test's own; those of its zones are named in `test.`
```
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from servers.dns import zones
from servers.dns.asked import values
from servers.dns.block import Block, own_block
from servers.dns.caches import Beneath, Cache, dnsmasq, unbound
from servers.dns.knot import Knot
from servers.dns.nsd import nsd_secondary, nsd_with_zone
from servers.dns.powerdns import PowerDns, powerdns
from servers.process import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from servers.certificates import Certificates

EXAMPLE = "example.test."
MINIMUM_TTL = 90
"""What the clamping cache keeps everything for, at least."""

STAGES = ("4.1", "4.2", "4.3")
"""Where tests serve the zones of their own: the name servers of `staged.test.`, `signed.test.`."""

_ENDS = {"root": "1.1", "test": "1.2", "primary": "1.3", "secondary": "1.4", "power": "1.5"}
_WRONG_DS = "1 13 2 " + "00" * 32
_STALE = """
  serve-expired: yes
  serve-expired-ttl: 3600
  serve-expired-reply-ttl: 30
  serve-expired-client-timeout: 0
  ede-serve-expired: yes
"""


@dataclass(frozen=True, slots=True)
class DnsLab:
    """The servers, while they run. `ca_file` has the authority of the encrypted cache."""

    block: Block
    primary: Knot
    power: PowerDns
    caches: Mapping[str, Cache]
    ca_file: Path
    is_of_one_mind: Callable[[], bool]
    """Whether the secondary answers with one version of its zone; not so while it takes another."""

    @property
    def secondary(self) -> str:
        """The address of the secondary."""
        return self.block.address(_ENDS["secondary"])

    @property
    def served(self) -> tuple[tuple[str, str], ...]:
        """Where each name server is asked, by its address; empty if it is at port 53."""
        if self.block.privileged:
            return ()
        places = [self.block.address(end) for end in (*_ENDS.values(), *STAGES)]
        return tuple((place, f"{place}:{self.block.port}") for place in places)

    def set(self, name: str, kind: str, *contents: str, ttl: int = zones.TTL) -> None:
        """Let a name of `example.test.` hold these records, and wait until both servers do."""
        self.primary.set(EXAMPLE, name, kind, *contents, ttl=ttl)
        self.settle()

    def remove(self, name: str) -> None:
        """Take a name of `example.test.` away, and wait until both servers have."""
        self.primary.remove(EXAMPLE, name)
        self.settle()

    def settle(self) -> None:
        """Wait until the secondary has what the primary has, and nothing else."""
        eventually(lambda: self.serial(self.primary.address) == self.serial(self.secondary))
        eventually(self.is_of_one_mind, "one version of the zone at the secondary")

    @contextmanager
    def stuck_secondary(self) -> Iterator[None]:
        """Keep the secondary from what changes at the primary until the block ends."""
        self.primary.allow_transfers(EXAMPLE, allowed=False)
        try:
            yield
        finally:
            self.primary.allow_transfers(EXAMPLE, allowed=True)
            self.settle()

    def flush(self) -> None:
        """Make every cache forget everything."""
        for cache in self.caches.values():
            cache.flush()

    def reset(self) -> None:
        """Put back what a test has changed, and make the caches forget it."""
        if self.primary.reset():
            self.settle()
            self.flush()

    def serial(self, address: str) -> int:
        """Return the serial of `example.test.` at a server, -1 if it doesn't answer."""
        (soa,) = values(EXAMPLE, "SOA", address, self.block.port) or ("",)
        return int(soa.split()[2]) if soa else -1


@contextmanager
def dns_lab(
    folder: Path, certificates: Certificates, *, port: int | None = None
) -> Iterator[DnsLab]:
    """Run the lab until the block ends. `port`: see `own_block`."""
    with ExitStack() as servers:
        block = servers.enter_context(own_block(port))
        primary, ds = _primary(servers, folder / "primary", block)
        is_of_one_mind = _tree(servers, folder, block, ds)
        power = servers.enter_context(
            powerdns(folder / "power", block.address(_ENDS["power"]), block.port)
        )
        caches = _caches(servers, folder, block, ds, certificates)
        yield DnsLab(block, primary, power, caches, certificates.ca_file, is_of_one_mind)


def _primary(servers: ExitStack, folder: Path, block: Block) -> tuple[Knot, str]:
    folder.mkdir(parents=True)
    address, secondary = block.address(_ENDS["primary"]), block.address(_ENDS["secondary"])
    primary = Knot(folder, address, block.port, secondary)
    files = {zone: zones.cloud_zone(block, zone) for zone in ("oldcloud.test.", "newcloud.test.")}
    files |= {EXAMPLE: zones.example_zone(block), "lame.test.": zones.lame_zone(block)}
    ds = primary.prepare(files, EXAMPLE)
    servers.enter_context(primary.serving())
    return primary, ds


def _tree(servers: ExitStack, folder: Path, block: Block, ds: str) -> Callable[[], bool]:
    port = block.port
    texts = {"root": (".", zones.root_zone(block)), "test": ("test.", zones.test_zone(block, ds))}
    for name, (zone, text) in texts.items():
        address = block.address(_ENDS[name])
        servers.enter_context(nsd_with_zone(folder / name, address, port, zone, text))
    return servers.enter_context(
        nsd_secondary(
            folder / "secondary",
            block.address(_ENDS["secondary"]),
            port,
            EXAMPLE,
            block.address(_ENDS["primary"]),
        )
    )


def _caches(
    servers: ExitStack, folder: Path, block: Block, ds: str, certificates: Certificates
) -> dict[str, Cache]:
    stubs = {} if block.privileged else _stubs(block)
    root = block.address(_ENDS["root"])
    trusting = Beneath(root, block.port, f"{EXAMPLE} DS {ds}", stubs)
    misled = Beneath(root, block.port, f"{EXAMPLE} DS {_WRONG_DS}", stubs)
    careless = Beneath(root, block.port, "", stubs)
    minimum = f"  cache-min-ttl: {MINIMUM_TTL}"
    makers = {
        "plain": unbound(folder / "plain", block.address("2.1"), trusting),
        "clamping": unbound(folder / "clamping", block.address("2.2"), careless, minimum),
        "bogus": unbound(folder / "bogus", block.address("2.4"), misled),
        "stale": unbound(folder / "stale", block.address("2.5"), careless, _STALE),
        "encrypted": unbound(
            folder / "encrypted", block.address("2.6"), trusting, tls=certificates
        ),
    }
    caches = {name: servers.enter_context(maker) for name, maker in makers.items()}
    forwarder = dnsmasq(
        folder / "forwarder", block.address("2.3"), block.port, block.address("2.1")
    )
    caches["forwarder"] = servers.enter_context(forwarder)
    return caches


def _stubs(block: Block) -> dict[str, str]:
    """Return who has which zone, for caches that can't iterate at port 53."""
    # A cache asks those of its hints for the root, at port 53, whatever stub there is.
    at_root = ("cloudflare.com.", "nosuch.")
    at_primary = ("example.test.", "oldcloud.test.", "newcloud.test.", "lame.test.")
    stubs = {zone: block.address(_ENDS["primary"]) for zone in at_primary}
    stubs |= {zone: block.address(_ENDS["root"]) for zone in at_root}
    return stubs | {
        ".": block.address(_ENDS["root"]),
        "test.": block.address(_ENDS["test"]),
        "power.test.": block.address(_ENDS["power"]),
        "dead.test.": block.address(_ENDS["secondary"]),
        "staged.test.": block.address(STAGES[0]),
        "flat.test.": block.address(STAGES[0]),
        "signed.test.": block.address(STAGES[2]),
    }
