"""What a hosted service is: how it is recognised, signed in to, written to, and asked.

A service is one `Service`, in a file of `transship.services` or of a plugin (see
`transship.plugins`); every registry that speaks the distribution API works without one. `AskApi` is
the way to its API, and the protocols here say what that API can do: list, create, sign in, check
keys. `Facts` are for its capability card.

Services are imported when they are first asked for: what only follows a job needs none.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import urlsplit

from transship import plugins
from transship.errors import TransshipError, UnexpectedAnswer
from transship.registry.credential import Credential, Login, Tls
from transship.registry.http.answer import Answer
from transship.registry.http.authentication import Challenge, parse_challenges
from transship.registry.registry import Capabilities, CreationOptions, MissingTarget, Visibility

if TYPE_CHECKING:
    from transship.registry.sign_in_form import SignInForm


class Can(StrEnum):
    """Whether something can be done."""

    YES = "yes"
    NO = "no"
    NOT_NEEDED = "not needed"
    """It can't, and nobody misses it."""
    PARTLY = "partly"
    """It can, within bounds that are said."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fact:
    """One answer. `how` says in a few words how or within what bounds.

    `means` says in a sentence what it means for a migration; every "no" has one.
    """

    can: Can
    how: str = ""
    means: str = ""


def yes(how: str = "") -> Fact:
    """Return that it can be done."""
    return Fact(Can.YES, how)


def no(means: str, how: str = "") -> Fact:
    """Return that it can't be done, and what that means for a migration."""
    return Fact(Can.NO, how, means)


def partly(how: str, means: str = "") -> Fact:
    """Return within what bounds it can be done."""
    return Fact(Can.PARTLY, how, means)


def unknown(how: str = "") -> Fact:
    """Return that it isn't known before it is tried."""
    return Fact(Can.UNKNOWN, how)


def unneeded(how: str = "") -> Fact:
    """Return that nothing has to be created, and what is to be known of it all the same."""
    means = "Nothing has to be there before: a push makes the repository."
    return Fact(Can.NOT_NEEDED, how, means)


NO_LIST = (
    "Name the repositories yourself: in the account, or in the rules of a plan, without patterns."
)
NO_RESUME = "A large layer that breaks off is sent again from its beginning."
NO_REFERRERS = "Signatures and SBOMs are kept under fallback tags, which Transship writes."
NO_DELETE = "What a replication would delete stays; take it away with the service's own tools."


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a service before anybody has knocked.

    `create` is about what has to be there before a repository can be pushed to. `limits` says in
    words what it counts or bounds, `credential` how long what it is signed in to with lives; both
    are empty when nothing is known.
    """

    list: Fact = Fact(Can.UNKNOWN)
    create: Fact = Fact(Can.UNKNOWN)
    mount: Fact = Fact(Can.UNKNOWN)
    resume: Fact = Fact(Can.UNKNOWN)
    delete: Fact = Fact(Can.UNKNOWN)
    referrers: Fact = Fact(Can.UNKNOWN)
    limits: str = ""
    credential: str = ""


def no_registry(
    means: str, how: str = "holds no images", *, listing: str = "", limits: str, credential: str
) -> Facts:
    """Return the facts of what holds no images.

    Each "no" `means` the same, but for that to its list where `listing` says more.
    """
    nothing = no(means, how)
    return Facts(
        list=no(listing or means, how),
        create=nothing,
        mount=nothing,
        resume=nothing,
        delete=nothing,
        referrers=nothing,
        limits=limits,
        credential=credential,
    )


def of_keys(limits: str, credential: str) -> Facts:
    """Return the facts of an account of a cloud's API."""
    return no_registry(
        "Nothing is copied to here.",
        listing="Add the registry itself; these keys list and make its repositories.",
        limits=limits,
        credential=credential,
    )


@dataclass(frozen=True, slots=True)
class Unlisted:
    """All below a path, which is there and can't be listed, and why."""

    path: str
    why: TransshipError


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The account of a cloud's API, which is another than the registry's own.

    `host` is `host[:port]` of the API. They go to that host and nowhere else.
    """

    host: str
    credential: Credential
    tls: Tls


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request to the API of a cloud, as it goes out. `path` has its query."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)


MakeRequest = Callable[[ApiKeys, float], ApiRequest]
"""Makes a request with the keys, at a time in seconds since the epoch."""

JudgeAnswer = Callable[[Answer], TransshipError | None]
"""Says what an answer stands for, None when it is a success."""


class AskApi(Protocol):
    """Asks the service's own API as the account.

    A path is meant at the registry; a whole address may be at its token server, or at one of the
    service's `api_hosts`. Anywhere else nothing is sent.
    """

    async def __call__(
        self,
        path: str,
        *,
        method: str = "GET",
        body: object = None,
        form: Mapping[str, str] | None = None,
        authorization: str | None = None,
        missing: type[TransshipError] = UnexpectedAnswer,
    ) -> Answer:
        """Return the answer, which is a success. Raises `missing` for 404, or another error.

        A `body` goes as JSON, a `form` as it is. The password goes along as Basic, unless there is
        an `authorization` field to go in its place; nothing does where that is empty.
        """

    async def realm(self) -> str:
        """Return the address of the registry's token server, empty when it has none."""

    def credential(self) -> Credential:
        """Return what the registry is signed in to with. Raises SignInNeeded without one."""

    def keys(self) -> ApiKeys:
        """Return the account of the cloud's API. Raises ApiKeysNeeded when there is none."""

    async def cloud(
        self,
        make: MakeRequest,
        judge: JudgeAnswer,
        *,
        per_second: float = 0,
        counted: str = "",
        repeats: bool = True,
    ) -> Answer:
        """Ask the API of the cloud what `make` makes; return the answer `judge` is fine with.

        At most so often, where all that is `counted` under one name counts, and again while what
        it came to may pass. What never `repeats` goes out again only where the API says that it
        was asked too much. Raises what it came to, and ApiKeysNeeded.
        """


def bearer(token: str) -> str:
    """Return the Authorization field that shows a token (RFC 6750)."""
    return f"Bearer {token}"


@runtime_checkable
class Lister(Protocol):
    """Lists what the registry's own catalog doesn't."""

    def repositories(self) -> AsyncIterator[str | Unlisted]:
        """Give the names of the repositories that the account sees, as they come.

        As they are in references. Where it may not look, it says so. Raises what stands in the way
        of asking.
        """


@runtime_checkable
class Creator(Protocol):
    """Makes what has to be there before a repository can be written to.

    Only ever called where the operator's plan allows it.
    """

    def refusal(self, missing: MissingTarget, visibility: Visibility) -> str:
        """Return in words why this can't be made so, or an empty string. Asks nobody."""

    async def create(self, missing: MissingTarget, visibility: Visibility) -> None:
        """Make it. Raises why it can't be, also when it is there already."""

    async def has(self, missing: MissingTarget) -> bool:
        """Tell whether it is there, without believing anything that was asked before."""


@runtime_checkable
class TakesOptions(Creator, Protocol):
    """A creator that can be asked for more than who may pull."""

    def options_refusal(self, missing: MissingTarget, options: CreationOptions) -> str:
        """Return in words why it can't have these, or an empty string. Asks nobody."""

    async def create_with(
        self, missing: MissingTarget, visibility: Visibility, options: CreationOptions
    ) -> None:
        """Make it, as `create` does, with these options."""


def creation_refusal(
    creator: Creator, missing: MissingTarget, visibility: Visibility, options: CreationOptions
) -> str:
    """Return in words why this can't be made so, or an empty string. Asks nobody."""
    why = creator.refusal(missing, visibility)
    if why or not options:
        return why
    if isinstance(creator, TakesOptions):
        return creator.options_refusal(missing, options)
    return no_option(missing, "immutable tags" if options.immutable_tags else "resource tags")


def no_option(missing: MissingTarget, what: str) -> str:
    """Return in words that something can't be asked for what is made here."""
    return f"a {missing.kind} can't be made with {what} here; take them out of [create]"


@runtime_checkable
class SignsIn(Protocol):
    """Hands out a login to the registry that lives a while, to who has none for the registry."""

    async def login(self) -> Login:
        """Return a new login. Raises what stands in the way of asking."""


@runtime_checkable
class ChecksKeys(Protocol):
    """An API that can tell whether it takes its account."""

    async def check(self) -> None:
        """Prove that it is there and takes the account. Raises what stands in the way."""


@runtime_checkable
class Creating(Protocol):
    """A place in which something may have to be created before it is written to."""

    def creator(self) -> Creator | None:
        """Return who creates it, None when nobody can."""


@dataclass(frozen=True, slots=True)
class ServicePing:
    """By what a service is recognised in the answer of `/v2/`: both must match whole.

    `realm` is a regular expression for the path of the token server that the challenge names,
    `service` one for the service that it names; in it `{host}` is the registry's own host.
    """

    realm: str
    service: str


class Role(Enum):
    """What an account of a service opens."""

    REGISTRY = "registry"
    """A place that holds images."""
    API = "api"
    """The API of a cloud, by which its registries are asked for more than images."""
    CATALOGUE = "catalogue"
    """Nothing: it says who holds what, and has no accounts."""


@dataclass(frozen=True, slots=True)
class Service:
    """A vendor's registry service.

    `hosts` are regular expressions that its host names match whole; where it runs under any name,
    it is recognised by its `greeting`. `form` is what signing in asks; without one `username` and
    `secret` say in words what it takes.
    `lists` says whether `/v2/_catalog` can be relied on. `api_host` is where `/v2/` lives, when
    that is not the name in references. `api` opens the service's own API (see `services.api`) by
    the host of a registry; `api_hosts` are the hosts of that API to which the account's secret may
    go, beside the registry and its token server. `metered` says that it counts the manifests that
    are read, `hands_out` (as `hosts`) to which registries its API hands out logins. `fault` says
    in words what is wrong with a user name and secret that can't be right, before they go
    anywhere. With `lists_own` its list is of what belongs to the account, though that may read
    more. `facts` are for its capability card. Where a cloud's API needs an account of its own,
    `keys_at` are the hosts at which that is looked for; `{region}` in them is what the group
    `region` in `hosts` finds.
    """

    kind: str
    title: str
    form: SignInForm | None = None
    role: Role = Role.REGISTRY
    hosts: tuple[str, ...] = ()
    greeting: ServicePing | None = None
    username: str = "user name"
    secret: str = "password or token"
    lists: bool = True
    api_host: str = ""
    capabilities: Capabilities = field(default_factory=Capabilities)
    api: Callable[[str, AskApi], object] | None = None
    api_hosts: tuple[str, ...] = ()
    keys_at: tuple[str, ...] = ()
    lists_own: bool = False
    metered: bool = False
    hands_out: tuple[str, ...] = ()
    fault: Callable[[Credential], str] | None = None
    facts: Facts = field(default_factory=Facts)

    @property
    def sign_in_form(self) -> SignInForm:
        """What signing in asks."""
        # The words are for who signs in by a form, or on the line.
        from transship.registry.sign_in_form import REGISTRY_FORM, form_of_words

        if self is GENERIC:
            return REGISTRY_FORM
        return self.form or form_of_words(self.username, self.secret)

    @property
    def holds_images(self) -> bool:
        """Whether it is a registry."""
        return self.role is Role.REGISTRY

    @property
    def catalogue(self) -> bool:
        """Whether it only says who holds what."""
        return self.role is Role.CATALOGUE

    def runs_at(self, host: str) -> bool:
        """Tell whether `host` (without a port) is one of this service's names."""
        return any(re.fullmatch(pattern, host) for pattern in self.hosts)

    def hands_out_at(self, host: str, *, with_keys: bool = True) -> bool:
        """Tell whether its API hands out logins to the registry at `host[:port]`.

        Where that is the API of its cloud, it doesn't without keys (`with_keys`).
        """
        name = host.partition(":")[0]
        asked = with_keys or not self.keys_at
        return asked and any(re.fullmatch(pattern, name) for pattern in self.hands_out)

    def keys_for(self, host: str) -> tuple[str, ...]:
        """Return at which hosts the account of the cloud's API is looked for.

        It is that for the registry at `host[:port]`.
        """
        name = host.partition(":")[0]
        found = (re.fullmatch(pattern, name) for pattern in self.hosts)
        region = next((each.groupdict().get("region", "") for each in found if each), "")
        known = (each for each in self.keys_at if region or "{region}" not in each)
        return tuple(each.replace("{region}", region) for each in known)


GENERIC = Service(
    kind="registry",
    title="Registry",
    facts=Facts(
        list=partly("by _catalog, where the account may"),
        create=unneeded(),
        mount=yes("within the registry, where the account may read both repositories"),
        resume=yes("from the last piece"),
        delete=partly("where the registry allows it"),
    ),
)


def recognised(host: str, challenges: Iterable[str], services: Iterable[Service]) -> Service | None:
    """Return the service whose greeting this is, or None.

    `challenges` are the WWW-Authenticate fields of the answer, `host` is the registry's
    `host[:port]`.
    """
    offered = parse_challenges(challenges)
    for service in services:
        greeting = service.greeting
        if greeting and any(_is(greeting, challenge, host) for challenge in offered):
            return service
    return None


def _is(greeting: ServicePing, challenge: Challenge, host: str) -> bool:
    wanted = greeting.service.replace("{host}", re.escape(host))
    return (
        challenge.scheme == "bearer"
        and re.fullmatch(greeting.realm, urlsplit(challenge.realm).path) is not None
        and re.fullmatch(wanted, challenge.service) is not None
    )


_NOWHERE = "a-registry-of-nobody.invalid"


def _why_not(added: Service) -> str:
    """Return in words why a plugin's service can't be taken.

    What it is asked for, and whose secrets it gets, is then only what it is meant for.
    """
    if added.title in {each.title for each in _SERVICES.built_in}:
        return f"Transship has a service called {added.title} itself"
    if added.keys_at or added.hands_out:
        return "only Transship's own services may use the keys of other accounts"
    patterns = (*added.hosts, *added.api_hosts)
    if any(re.fullmatch(pattern, _NOWHERE) for pattern in patterns):
        return "its hosts are any there are: it would be given the secrets of other registries"
    if added.greeting is not None:
        re.compile(added.greeting.realm + added.greeting.service)
    return ""


_SERVICES = plugins.PluginGroup(plugins.SERVICES, Service, lambda service: service.kind, _why_not)


def _in_turn() -> Iterator[Service]:
    """Give all as they are tried; whoever is content with one before doesn't load plugins."""
    yield from (each for each in _SERVICES.built_in if each is not GENERIC)
    yield from _SERVICES.added


@lru_cache(maxsize=1)
def all_services() -> tuple[Service, ...]:
    """Return all that are known; the last one stands for every other registry."""
    return (*_in_turn(), GENERIC)


def service_of(host: str) -> Service:
    """Return the service that runs at `host[:port]`, as far as the name tells."""
    return _runs_at(host.partition(":")[0])


# Screens ask for each key that they have, and rules for each copy.
@lru_cache(maxsize=1024)
def _runs_at(name: str) -> Service:
    return next((each for each in _in_turn() if each.runs_at(name)), GENERIC)


def service_answering(host: str, challenges: Iterable[str]) -> Service | None:
    """Return the service that answers so to `/v2/`, as far as that tells; None when it doesn't.

    `challenges` are the WWW-Authenticate fields of the answer.
    """
    return recognised(host, challenges, _in_turn())


def service_named(kind: str) -> Service | None:
    """Return the service of this kind (`harbor`, `ecr`, ...), or None."""
    return _SERVICES.get(kind) if kind else None
