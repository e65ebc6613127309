"""Raw evidence of a cutover: what was asked and what came back. Judges nothing.

Everything is plain data that goes into JSON and back unchanged (msgspec), because a cutover keeps
what it has seen. Times are in seconds since the epoch, TTLs in seconds, names absolute, in lower
case and without the dot at the end. Values of records are in the form of zone files.
"""

from __future__ import annotations

from dataclasses import dataclass

from transship.registry.attachment import Attachment


@dataclass(frozen=True, slots=True)
class RecordSet:
    """Records of one name and type (RFC 2181, 5). `ttl` as the server said it."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What one server said to one question, or why it said nothing.

    `rcode` is `NOERROR`, `NXDOMAIN`, ..., empty when no answer came, and `error` then says why:
    `timeout`, `refused` (nobody listens), `unreachable` (no way there from here), `closed` (ended
    without an answer), `malformed`, or other words. `authoritative` and `authentic` are the flags
    AA and AD. `extended` are Extended DNS Errors (RFC 8914), as `code text`. `transport` is the one
    that the answer came by; `cut` says that UDP's was cut. By TCP and not cut: UDP said nothing.
    """

    question: str
    type: str
    server: str
    address: str
    at: float
    transport: str = "udp"
    rcode: str = ""
    authoritative: bool = False
    authentic: bool = False
    cut: bool = False
    records: tuple[RecordSet, ...] = ()
    authority: tuple[RecordSet, ...] = ()
    extended: tuple[str, ...] = ()
    nsid: str = ""
    took: float = 0.0
    error: str = ""

    def of(self, kind: str) -> RecordSet | None:
        """Return the records of the question's own name and this type, None if there are none."""
        return next((r for r in self.records if (r.name, r.type) == (self.question, kind)), None)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of the type that was asked for, at the end of the chain that was given."""
        found = (r for r in self.records if r.type == self.type and r.type in ("A", "AAAA"))
        return tuple(value for records in found for value in records.values)


@dataclass(frozen=True, slots=True)
class NameServer:
    """One address of one of the zone's name servers, and what it said.

    `answers` has what it said of the domain (CNAME, A, AAAA, ...), `soa` of the zone by UDP alone,
    `soa_tcp` by TCP, and `ns` of the zone's name servers. A server that said nothing about the
    zone, by UDP and by TCP, isn't asked for more.
    """

    name: str
    address: str
    soa: DnsAnswer
    soa_tcp: DnsAnswer
    answers: tuple[DnsAnswer, ...] = ()
    ns: DnsAnswer | None = None


@dataclass(frozen=True, slots=True)
class ZoneEvidence:
    """The zone that holds the domain, as its parent and its own servers see it.

    `parent_servers` and `child_servers` are the names in the NS records above and at the zone's
    top. `unresolved` are servers whose names have no address. `signed` says that the parent holds
    DS records; `negative_ttl` is how long "no such name" is remembered (RFC 2308, 5), the longest
    that a server says. `delegation` and `ds` are what a server of `parent` said of the zone.
    """

    name: str
    parent_servers: tuple[str, ...]
    child_servers: tuple[str, ...]
    servers: tuple[NameServer, ...]
    unresolved: tuple[str, ...] = ()
    signed: bool = False
    negative_ttl: int = 0
    error: str = ""
    parent: str = ""
    delegation: DnsAnswer | None = None
    ds: DnsAnswer | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """What validation says of one server's answer for the domain's record (DNSSEC)."""

    address: str
    valid: bool
    expires: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class ResolverView:
    """What one resolver says of the domain. `samples` are asked in a row, the newest last."""

    resolver: str
    address: str
    transport: str
    origin: str
    samples: tuple[DnsAnswer, ...]
    ipv6: DnsAnswer | None = None
    unchecked: DnsAnswer | None = None
    """The same with checking disabled (CD): tells bogus from broken."""
    canary: DnsAnswer | None = None
    """A name that can't exist: an address for it says that answers are made up on the way."""

    @property
    def newest(self) -> DnsAnswer:
        """The newest sample."""
        return self.samples[-1]


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a name leads: each link of CNAMEs with its TTL, and the addresses at its end."""

    start: str
    links: tuple[RecordSet, ...]
    addresses: tuple[str, ...]
    rcode: str = "NOERROR"
    error: str = ""
    """`loop`, `too long`, or why an address wasn't found."""


@dataclass(frozen=True, slots=True)
class TlsCertificate:
    """One certificate as a server sent it. `names` are its subjectAltNames."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: float
    not_after: float
    fingerprint: str
    """SHA-256 of the whole, in hex."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """A TLS handshake with one address under the domain's name.

    `verify_code` is OpenSSL's X509_V_ERR number, 0 when the certificate was trusted. `trust` says
    whose authorities judged: `system`, `certifi` (Mozilla's) or the path of a file; it is empty
    when it didn't come to that. `error` says why there was no handshake at all: `refused`,
    `timeout` (no connection), `unreachable`, `silent` (connected, and then no answer to TLS),
    `closed` (connected, and then cut), `unrecognized name`, `plain http`, or other words.
    """

    address: str
    port: int
    name: str
    at: float
    trust: str = "system"
    verify_code: int = 0
    verify_message: str = ""
    chain: tuple[TlsCertificate, ...] = ()
    version: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class TokenRealm:
    """The token server that a registry names, and what became of asking it.

    `host` is `host[:port]`, and `addresses` where that is from here; the domain's own is the one
    that was probed. `granted` are the actions in the token for `repository`, None when they can't
    be read. `error` begins with the cause's name (`TransshipError.cause`).
    """

    url: str
    service: str
    host: str
    repository: str = ""
    status: int = 0
    granted: tuple[str, ...] | None = None
    error: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiProbe:
    """`GET /v2/` at one address under the domain's name, and what follows from it.

    `headers` are those that matter, names in lower case. `credential` says whose sign-in was tried,
    never the secret; `accepted` what came of it, None when none was tried or it didn't come to an
    answer. `side` says whose address it is, `new` or `old`; `in_use`, whether the credential is one
    that nodes hold today. Where the certificate isn't trusted (`verified`), the question was asked
    once more without verifying, and without a credential. `proxy` is the one that the environment
    names for the domain (`host:port`): it was passed by. `error` begins with the cause's name.
    """

    address: str
    at: float
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    registry: bool = False
    challenge: str = ""
    realm: TokenRealm | None = None
    credential: str = ""
    accepted: bool | None = None
    error: str = ""
    side: str = "new"
    in_use: bool = False
    verified: bool = True
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class PathProbe:
    """One repository asked for at the target under the domain's name.

    `reference` is the tag or digest; of a repository without one, its first tag, and empty where
    there is none. `error` begins with the cause's name.
    """

    repository: str
    reference: str
    digest: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Pull:
    """A whole image pulled through a pinned address, each blob hashed.

    `hosts` are all that a pull needs, redirects included, as `host:port`. `insecure_redirects` are
    the places (`http://host:port`) that it was sent to without TLS. `bytes` and `blobs` are what
    came. `error` begins with the cause's name.
    """

    image: str
    address: str
    at: float
    bytes: int = 0
    blobs: int = 0
    hosts: tuple[str, ...] = ()
    insecure_redirects: tuple[str, ...] = ()
    error: str = ""


THIS_MACHINE = "this machine"
"""Who gives an address that any program on this machine gets, by /etc/hosts and all."""


@dataclass(frozen=True, slots=True)
class NamedPull:
    """An image pulled by the domain itself, each blob hashed, from an address that DNS gave for it.

    `by` says who gave the address: names of resolvers, and THIS_MACHINE for its own resolution.
    Without an `address` they gave none, and `error` says why; without an `image` there was none to
    be pulled, or no sign-in, and only `/v2/` was asked for. `fingerprint` is that of the
    certificate shown there. `error` begins with the cause's name.
    """

    by: tuple[str, ...]
    at: float
    address: str = ""
    image: str = ""
    fingerprint: str = ""
    bytes: int = 0
    blobs: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class UploadProbe:
    """An upload begun through a pinned address, and given up at once.

    `location` is where the registry wants the bytes (`https://host:port`). `error` begins with the
    cause's name.
    """

    repository: str
    address: str
    at: float
    location: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class TagPair:
    """One tag whose digest isn't the same on both sides; a digest is empty where it isn't there."""

    repository: str
    tag: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """What the service behind the new registry says of the domain, by its own API.

    `service` is what it is called. Where it couldn't be asked, there is no `attachment`, `error`
    begins with the cause's name, and `remedy` is what to do about it.
    """

    service: str
    at: float
    attachment: Attachment | None = None
    error: str = ""
    remedy: str = ""


LISTED = "listed"
"""Where the tags of a comparison came from that has listed both registries."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How many tags were compared between old and new, and those that differ."""

    compared: int
    different: tuple[TagPair, ...]
    source: str = LISTED
    """Where the list of tags came from: `LISTED`, the id of a job, or the path of a plan."""
    error: str = ""
    at: float | None = None
    """When the comparison began, where that isn't when all was looked at."""
    had: tuple[TagPair, ...] = ()
    """Those that only the new registry had before the change as well: a way back hides none."""
    to_old: tuple[TagPair, ...] = ()
    """Those that only the old registry has pushed since both were the same, as far as is known."""
    to_new: tuple[TagPair, ...] = ()
    """Those that only the new registry has."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What can't be seen from here, and what the operator said of it.

    `answer` is the choice or the pasted output; empty when it is still open.
    """

    question: str
    answer: str
    at: float
    by: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known of one cutover at one moment."""

    taken: float
    zone: ZoneEvidence | None = None
    signatures: tuple[Signature, ...] = ()
    resolvers: tuple[ResolverView, ...] = ()
    today: Chain | None = None
    """Where the domain leads now."""
    target: Chain | None = None
    """Where what it is to point at leads."""
    named: Chain | None = None
    """Where the new registry's own name leads, if the record is to hold another."""
    wildcard: DnsAnswer | None = None
    """What a name beside the domain that nobody has made gets."""
    ownership: tuple[DnsAnswer, ...] = ()
    """TXT records by which a controller says that it manages the name."""
    authorities: tuple[DnsAnswer, ...] = ()
    """CAA of the domain, of what it is to point at, and of the names above them."""
    misspelt: tuple[DnsAnswer, ...] = ()
    """The names that a forgotten dot at the end would have made."""
    aliases: tuple[DnsAnswer, ...] = ()
    """DNAME of the names between the domain and the top of its zone."""
    local: tuple[str, ...] = ()
    """The addresses that this machine's own resolution gives, /etc/hosts included."""
    local_error: str = ""
    hosts: tuple[str, ...] = ()
    """Lines of this machine's /etc/hosts that name the domain."""
    handshakes: tuple[Handshake, ...] = ()
    probes: tuple[ApiProbe, ...] = ()
    paths: tuple[PathProbe, ...] = ()
    pulls: tuple[Pull, ...] = ()
    needed: tuple[Handshake, ...] = ()
    """Handshakes with the other hosts that pulls were sent to, at each of their addresses."""
    push: UploadProbe | None = None
    service: ServiceReport | None = None
    """What the new registry's service says of the domain, where it has an API that knows."""
    by_name: tuple[NamedPull, ...] = ()
    """Pulls by the domain itself, made after the change."""
    parity: Parity | None = None
    statements: tuple[Statement, ...] = ()
