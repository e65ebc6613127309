"""The API of Tencent Cloud: signed (TC3-HMAC-SHA256), its refusals and lists, TCR's instances."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.extras import extra_missing
from transship.registry.credential import Credential
from transship.registry.http.answer import Answer, described
from transship.registry.service import ApiKeys, ApiRequest, JudgeAnswer, MakeRequest
from transship.text import counted, safe

_ALGORITHM = "TC3-HMAC-SHA256"
_SIGNED_FIELDS = "content-type;host"
_JSON = "application/json"

SignTc3 = Callable[[str, str, str, str], str]
"""The SDK's `Sign.sign_tc3`: of a secret key, a date, a service and what is to be signed."""


@dataclass(frozen=True, slots=True)
class SignedCall:
    """One call of an action. `service` and `version` are those of its product."""

    service: str
    version: str
    action: str
    region: str
    content: bytes


def signed(
    call: SignedCall, host: str, credential: Credential, now: float, sign_tc3: SignTc3
) -> ApiRequest:
    """Return the request that a call is, signed at `now` (seconds since the epoch)."""
    timestamp = int(now)
    date = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    scope = f"{date}/{call.service}/tc3_request"
    fields = f"content-type:{_JSON}\nhost:{host}\n"
    content = hashlib.sha256(call.content).hexdigest()
    request = f"POST\n/\n\n{fields}\n{_SIGNED_FIELDS}\n{content}"
    digest = hashlib.sha256(request.encode()).hexdigest()
    to_sign = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{digest}"
    signature = sign_tc3(credential.secret, date, call.service, to_sign)
    return ApiRequest(
        "POST",
        "/",
        {
            "authorization": (
                f"{_ALGORITHM} Credential={credential.username}/{scope}, "
                f"SignedHeaders={_SIGNED_FIELDS}, Signature={signature}"
            ),
            "content-type": _JSON,
            "host": host,
            "x-tc-action": call.action,
            "x-tc-version": call.version,
            "x-tc-timestamp": str(timestamp),
            "x-tc-region": call.region,
            "x-tc-language": "en-US",
        },
        call.content,
    )


_WORDS = 400
_T = TypeVar("_T")

_BY_CODE: Mapping[str, type[TransshipError]] = {
    "AuthFailure": errors.WrongCredential,
    "AuthFailure.UnauthorizedOperation": errors.NoRight,
    "UnauthorizedOperation": errors.NoRight,
    "FailedOperation.ErrorTcrUnauthorized": errors.NoRight,
    "InternalError.ErrUnauthorized": errors.NoRight,
    "InternalError.ErrorTcrUnauthorized": errors.NoRight,
    "RequestLimitExceeded": errors.RateLimited,
    "LimitExceeded": errors.QuotaExceeded,
    "OperationDenied.QuotaOverLimit": errors.QuotaExceeded,
    "InternalError.ErrorOverLimit": errors.QuotaExceeded,
    "ResourceNotFound": errors.CloudLacks,
    "InternalError.ErrNotExist": errors.CloudLacks,
    "InvalidParameter.ErrNamespaceExist": errors.CloudHasIt,
    "InvalidParameter.ErrRepoExist": errors.CloudHasIt,
    "InvalidParameter.ErrTriggerExist": errors.CloudHasIt,
    "InvalidParameter.ErrUserExist": errors.CloudHasIt,
    "InvalidParameter.ErrorNameExists": errors.CloudHasIt,
    "InvalidParameter.ReplicationExists": errors.CloudHasIt,
    "FailedOperation.ErrorTcrResourceConflict": errors.CloudHasIt,
    "InternalError.ErrorTcrResourceConflict": errors.CloudHasIt,
    "InternalError.ErrConflict": errors.CloudHasIt,
    "InternalError.ErrorConflict": errors.CloudHasIt,
    "InternalError": errors.ServerFailed,
    "ServiceUnavailable": errors.ServerFailed,
}
"""By the whole code, or else by the longest part of it that ends before a dot."""

_REMEDIES: Mapping[str, str] = {
    "AuthFailure.SignatureExpire": (
        "Check this machine's clock: what is signed holds for five minutes."
    ),
    "AuthFailure": "Check SecretId and SecretKey, and that the key isn't disabled.",
    "ResourceNotFound.ErrNoUser": "Switch the personal edition on in its console first.",
    "UnsupportedOperation.ErrNoUserInitialized": (
        "Switch the personal edition on in its console first."
    ),
}


class _Error(msgspec.Struct, rename="pascal"):
    code: str = ""
    message: str = ""


class _Response(msgspec.Struct, rename="pascal"):
    error: _Error | None = None
    request_id: str = ""


class _Envelope(msgspec.Struct, rename="pascal"):
    response: _Response


def failure_of(action: str, answer: Answer) -> TransshipError | None:
    """Return what an answer stands for, None where it is a success. Raises UnexpectedAnswer."""
    if answer.status != HTTPStatus.OK:
        return _by_status(f"{action}: {described(answer)}", answer.status)
    said: _Response = answer.json(_Envelope).response
    if said.error is None:
        return None
    return refusal(action, said.error.code, said.error.message, said.request_id)


def refusal(action: str, code: str, message: str, request_id: str = "") -> TransshipError:
    """Return the error that a code stands for, with what the API says of it."""
    code = safe(code, limit=_WORDS)
    asked = f" (request {safe(request_id, limit=_WORDS)})" if request_id else ""
    detail = f"{action}: {code} {safe(message, limit=_WORDS)}{asked}"
    remedy = _found(_REMEDIES, code)
    kind = _found(_BY_CODE, code) or errors.CloudRefused
    if issubclass(kind, errors.CloudRefused):
        return kind(detail, code=code, remedy=remedy)
    if issubclass(kind, errors.RateLimited | errors.ServerFailed):
        return kind(detail)
    return kind(detail, remedy=remedy)


def _found(table: Mapping[str, _T], code: str) -> _T | None:
    """Return what is said of a code, or else of the longest part that it begins with."""
    while code not in table and code:
        code = code.rpartition(".")[0]
    return table.get(code)


def _by_status(detail: str, status: int) -> TransshipError:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return errors.RateLimited(detail)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.ServerFailed(detail)
    if 300 <= status < 400:
        return errors.RedirectRefused(detail)
    return errors.UnexpectedAnswer(detail)


_Data = TypeVar("_Data", bound=msgspec.Struct)

_PER_SECOND = 20.0
_RATES: Mapping[str, float] = {
    "CreateInstanceToken": 100.0,
    "DescribeImages": 100.0,
    "DescribeInstances": 100.0,
    "DescribeRepositories": 100.0,
    "DescribeImageManifests": 10.0,
    "CreateInstanceCustomizedDomain": 1.0,
    "DeleteInstanceCustomizedDomain": 1.0,
}
"""How often an action may be asked for in a second, where that isn't `_PER_SECOND`."""

_READS = ("Check", "Describe", "Validate")
"""How the names of actions begin that change nothing."""

_HOST = re.compile(
    r"(?P<product>[a-z]+)(\.(?P<region>[a-z]+-[a-z0-9-]+))?(?P<intl>\.intl)?\.tencentcloudapi\.com"
)


@dataclass(frozen=True, slots=True)
class Product:
    """One of the cloud's products. `models` is the module of the SDK with its actions' fields."""

    service: str
    version: str
    models: str


TCR = Product("tcr", "2019-09-24", "tencentcloud.tcr.v20190924.models")
SSL = Product("ssl", "2019-12-05", "tencentcloud.ssl.v20191205.models")


class Send(Protocol):
    """Sends requests to the host of the keys: `Ask.cloud`, or `registries.cloud.Cloud.ask`."""

    async def __call__(
        self,
        make: MakeRequest,
        judge: JudgeAnswer,
        *,
        per_second: float = 0,
        counted: str = "",
        repeats: bool = True,
    ) -> Answer:
        """Return the answer that `judge` is fine with."""


class TencentCloud:
    """The API of one product, as the account whose keys `send` has. `host` is that of the keys."""

    def __init__(self, send: Send, host: str, product: Product = TCR) -> None:
        self._send = send
        self._host = host
        self._product = product

    @property
    def region(self) -> str:
        """The region that is named where none has to be."""
        return region_of(self._host)

    async def call(
        self,
        action: str,
        kind: type[_Data],
        fields: Mapping[str, object] | None = None,
        *,
        region: str = "",
    ) -> _Data:
        """Call an action and return its answer as `kind`, the fields of it that are wanted.

        One that isn't there, or is null, has its default. Otherwise as `document`.
        """
        return converted(action, await self.document(action, fields, region=region), kind)

    async def document(
        self, action: str, fields: Mapping[str, object] | None = None, *, region: str = ""
    ) -> dict[str, object]:
        """Call an action and return its whole answer, without what is null.

        `fields` are those of the SDK's request model; ValueError names one that it doesn't have.
        `region` is where what is meant is. Raises WrongCredential, NoRight, RateLimited,
        QuotaExceeded, CloudLacks, CloudHasIt, CloudRefused, UnexpectedAnswer, ServerFailed,
        ExtraMissing, ApiKeysNeeded, and those of the network.
        """
        wanted = dict(fields or {})
        sdk = await asyncio.to_thread(_sdk, self._product)
        sdk.check(action, wanted)
        call = SignedCall(
            self._product.service,
            self._product.version,
            action,
            region or self.region,
            msgspec.json.encode(wanted),
        )

        def made(keys: ApiKeys, now: float) -> ApiRequest:
            return signed(call, keys.host, keys.credential, now, sdk.sign_tc3)

        answer = await self._send(
            made,
            partial(failure_of, action),
            per_second=_RATES.get(action, _PER_SECOND),
            counted=action,
            repeats=action.startswith(_READS),
        )
        return _document(action, answer)


@dataclass(frozen=True, slots=True)
class _Sdk:
    """What is used of the SDK for one product."""

    models: Any
    sign_tc3: SignTc3

    def check(self, action: str, fields: Mapping[str, object]) -> None:
        """Raise ValueError for an action, or a field of it, that the SDK doesn't know."""
        model = getattr(self.models, f"{action}Request", None)
        if model is None:
            raise ValueError(f"the SDK knows no action {action}")
        request = model()
        with warnings.catch_warnings():
            # The SDK warns of what it doesn't know, but not in every model.
            warnings.simplefilter("ignore")
            request.from_json_string(msgspec.json.encode(fields).decode())
        if unknown := next(_unknown(request, fields), ""):
            raise ValueError(f"{action} has no field {unknown}")


def _unknown(model: Any, fields: Mapping[str, object]) -> Iterator[str]:
    """Give the names of fields that a model of the SDK, filled with them, doesn't have."""
    known = vars(model)
    for name, value in fields.items():
        if f"_{name}" not in known:
            yield name
            continue
        values = value if isinstance(value, list) else [value]
        models = known[f"_{name}"] if isinstance(value, list) else [known[f"_{name}"]]
        for each, of in zip(values, models, strict=True):
            if isinstance(each, Mapping):
                yield from (f"{name}.{inner}" for inner in _unknown(of, each))


@lru_cache
def _sdk(product: Product) -> _Sdk:
    """Import the SDK. Raises ExtraMissing."""
    try:
        models = importlib.import_module(product.models)
        sign = importlib.import_module("tencentcloud.common.sign").Sign
    except ImportError as error:
        raise extra_missing("tencent", "the API of Tencent Cloud") from error
    return _Sdk(models, sign.sign_tc3)


def converted(action: str, value: object, kind: type[_Data]) -> _Data:
    """Return a part of an answer as `kind`; a number may be a string. Raises UnexpectedAnswer."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise errors.UnexpectedAnswer(f"{action}: {error}") from None


def _document(action: str, answer: Answer) -> dict[str, object]:
    try:
        found = msgspec.json.decode(answer.body, type=dict[str, dict[str, object]])["Response"]
    except (msgspec.MsgspecError, KeyError, RecursionError, UnicodeError) as error:
        raise errors.UnexpectedAnswer(f"{action}: {described(answer)}: {error}") from None
    return {name: _without_nulls(each) for name, each in found.items() if each is not None}


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value


def region_of(host: str) -> str:
    """Return the region that an API's host is of, or that of its site where any does."""
    found = _HOST.fullmatch(host)
    if found and found["region"]:
        return found["region"]
    return "ap-singapore" if found and found["intl"] else "ap-guangzhou"


def host_for(product: Product, host: str) -> str:
    """Return where the API of another product is, which the same keys open."""
    found = _HOST.fullmatch(host)
    return f"{product.service}{host[found.end('product') :]}" if found else host


_READINGS = 3
_MOST_ENTRIES = 200_000


class Contract(Enum):
    """What the two numbers in a request for a page mean."""

    ENTRIES = "entries"
    """`Offset` is how many entries to leave out, `Limit` how many to give."""
    PAGES_IN_OFFSET = "pages-in-offset"
    """`Offset` is the number of the page, from 1, `Limit` how many entries a page has."""
    PAGES = "pages"
    """`Page` is the number of the page, from 1, `PageSize` how many entries it has."""

    def fields(self, page: int, came: int, size: int) -> dict[str, int]:
        """Return what asks for the page after `page` pages, in which `came` entries came."""
        match self:
            case Contract.ENTRIES:
                return {"Offset": came, "Limit": size}
            case Contract.PAGES_IN_OFFSET:
                return {"Offset": page + 1, "Limit": size}
            case Contract.PAGES:
                return {"Page": page + 1, "PageSize": size}


@dataclass(frozen=True, slots=True)
class ListContract:
    """How an action lists: its contract, and where in an answer what is.

    `entries` and `total` are fields, with those above them before a dot; an empty `total` says
    that what the API calls so can't be counted by. `key` are the fields that tell entries apart.
    `also` are further entries of a page, which are read over, but make it no empty one.
    """

    action: str
    contract: Contract
    entries: str
    key: tuple[str, ...]
    total: str = "TotalCount"
    size: int = 100
    also: str = ""


def _listings(*listings: ListContract) -> Mapping[str, ListContract]:
    return {listing.action: listing for listing in listings}


# The rules for immutable tags are kept by namespace, and those without any are listed beside them:
# what `Total` counts isn't said, and in the API's own example it is neither.
LISTINGS = _listings(
    ListContract("DescribeInstances", Contract.ENTRIES, "Registries", ("RegistryId",)),
    ListContract(
        "DescribeInstanceCustomizedDomain", Contract.ENTRIES, "DomainInfoList", ("DomainName",)
    ),
    ListContract("DescribeInstanceToken", Contract.ENTRIES, "Tokens", ("Id",)),
    ListContract(
        "DescribeReplicationInstances",
        Contract.ENTRIES,
        "ReplicationRegistries",
        ("ReplicationRegistryId", "ReplicationRegionId"),
    ),
    ListContract("DescribeServiceAccounts", Contract.ENTRIES, "ServiceAccounts", ("Name",)),
    ListContract("DescribeNamespaces", Contract.PAGES_IN_OFFSET, "NamespaceList", ("Name",)),
    ListContract("DescribeRepositories", Contract.PAGES_IN_OFFSET, "RepositoryList", ("Name",)),
    ListContract("DescribeImages", Contract.PAGES_IN_OFFSET, "ImageInfoList", ("ImageVersion",)),
    ListContract(
        "DescribeImmutableTagRules",
        Contract.PAGES,
        "Rules",
        ("NsName", "RuleId"),
        total="",
        also="EmptyNs",
    ),
    ListContract(
        "DescribeReplicationPolicies", Contract.PAGES, "ReplicationPolicyInfoList", ("ID",)
    ),
    ListContract(
        "DescribeReplicationExecutions",
        Contract.PAGES,
        "ReplicationExecutionList",
        ("ExecutionID",),
    ),
    ListContract(
        "DescribeReplicationTasks",
        Contract.PAGES,
        "ReplicationTaskList",
        ("JobID", "SrcResource", "DstResource"),
    ),
    ListContract(
        "DescribeNamespacePersonal",
        Contract.ENTRIES,
        "Data.NamespaceInfo",
        ("Namespace",),
        total="Data.NamespaceCount",
    ),
    ListContract(
        "DescribeRepositoryOwnerPersonal",
        Contract.ENTRIES,
        "Data.RepoInfo",
        ("RepoName",),
        total="Data.TotalCount",
    ),
    ListContract(
        "DescribeImagePersonal",
        Contract.ENTRIES,
        "Data.TagInfo",
        ("TagName",),
        total="Data.TagCount",
    ),
    ListContract("DescribeCertificates", Contract.ENTRIES, "Certificates", ("CertificateId",)),
)
"""By the name of the action."""


class ListReading:
    """One reading of a list from its beginning, page by page.

    It has `ended` with an empty page, with one that has nothing new, or with as many entries as
    the list is said to have. `fault` says in words what then keeps it from being the whole list.
    """

    def __init__(self, listing: ListContract) -> None:
        self._listing = listing
        self._entries: dict[tuple[str, ...], dict[str, Any]] = {}
        self._further: set[str] = set()
        self._pages = 0
        self._came = 0
        self._total: int | None = None
        self.ended = False
        self.fault = ""

    @property
    def entries(self) -> tuple[dict[str, Any], ...]:
        """What has come, each once."""
        return tuple(self._entries.values())

    @property
    def fields(self) -> dict[str, int]:
        """What asks for the next page."""
        return self._listing.contract.fields(self._pages, self._came, self._listing.size)

    def take(self, answer: Mapping[str, Any]) -> None:
        """Take in a page. Raises UnexpectedAnswer for what is none."""
        listing = self._listing
        page = _list_at(answer, listing.entries)
        further = {str(each) for each in _list_at(answer, listing.also)} if listing.also else set()
        total = _total_of(answer, listing)
        new = {_key(each, listing.key): each for each in page}
        known = len(new.keys() & self._entries.keys()) + len(page) - len(new)
        grows = bool(new.keys() - self._entries.keys() or further - self._further)
        if total is not None:
            self._look(total, known)
        self._entries |= new
        self._further |= further
        self._pages += 1
        self._came += len(page)
        whole = total is not None and len(self._entries) >= total
        self.ended = whole or not grows or bool(self.fault)
        if self.ended and total is not None and len(self._entries) != total:
            self.fault = self.fault or f"{len(self._entries):,} of {total:,} entries came"
        if self._came > _MOST_ENTRIES:
            raise errors.UnexpectedAnswer(f"{listing.action}: more than {_MOST_ENTRIES:,} entries")

    def _look(self, total: int, known: int) -> None:
        """See whether the list is still the one that the reading began with."""
        if self._total not in (None, total):
            self.fault = f"{self._total:,} entries became {total:,}"
        elif known:
            self.fault = f"{known:,} entries came twice"
        self._total = total


async def listed(
    cloud: TencentCloud,
    action: str,
    kind: type[_Data],
    fields: Mapping[str, object] | None = None,
    *,
    region: str = "",
) -> list[_Data]:
    """Return a whole list, each entry decoded as `kind`.

    One that changes while it is read is read again. Raises ListIncomplete when it doesn't come
    whole, and what `TencentCloud.call` raises: a page that fails is never taken for the end.
    """
    listing = LISTINGS[action]
    for _ in range(_READINGS):
        reading = ListReading(listing)
        while not reading.ended:
            wanted = {**(fields or {}), **reading.fields}
            reading.take(await cloud.document(action, wanted, region=region))
        if not reading.fault:
            return [converted(action, entry, kind) for entry in reading.entries]
    raise errors.ListIncomplete(f"{action}: {reading.fault}")


def _at(answer: Mapping[str, Any], path: str) -> Any:
    found: Any = answer
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _list_at(answer: Mapping[str, Any], path: str) -> list[Any]:
    found = _at(answer, path)
    if found is None:
        return []
    if not isinstance(found, list):
        raise errors.UnexpectedAnswer(f"{path} is no list")
    return found


def _total_of(answer: Mapping[str, Any], listing: ListContract) -> int | None:
    if not listing.total:
        return None
    total = _at(answer, listing.total)
    if total is None and not _list_at(answer, listing.entries):
        return 0
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise errors.UnexpectedAnswer(f"{listing.action}: {listing.total} is no count")
    return total


def _key(entry: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(entry, dict):
        raise errors.UnexpectedAnswer("an entry of a list is no object")
    return tuple(str(entry.get(name, "")) for name in names)


RUNNING = "Running"
_SHUT = frozenset(
    {
        "Pending",
        "Deploying",
        "FailedCreated",
        "Isolate",
        "Deleting",
        "DeleteFailed",
        "DeleteBucketFailed",
    }
)
"""How an instance is called that isn't made yet, or is on its way out."""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class TcrEdition:
    """What an edition lets an instance have. `syncs` is by rules, `replicates` to replicas."""

    namespaces: int
    repositories: int
    vpcs: int
    service_accounts: int
    syncs: bool
    replicates: bool


EDITIONS: Mapping[str, TcrEdition] = {
    "basic": TcrEdition(50, 1000, 5, 10, syncs=False, replicates=False),
    "standard": TcrEdition(100, 3000, 10, 20, syncs=True, replicates=False),
    "premium": TcrEdition(500, 5000, 20, 100, syncs=True, replicates=True),
}
"""By the service's own word for it. The cloud raises the counts for who asks it to."""


@dataclass(frozen=True, slots=True)
class TcrInstance:
    """One instance, as the API tells of it.

    `edition` is `basic`, `standard`, `premium` or a word that isn't known here, `status` the API's
    own. `region` is a name (`ap-guangzhou`), `region_id` its number. `expires` is when what was
    paid for ends, as the API writes it, empty where it is paid by use.
    """

    id: str
    name: str
    edition: str
    status: str
    region: str
    region_id: int
    public_domain: str
    internal_endpoint: str = ""
    expires: str = ""

    @property
    def runs(self) -> bool:
        """Whether all is well with it."""
        return self.status == RUNNING

    @property
    def shut(self) -> bool:
        """Whether nothing can be pushed to it. One that isn't well may take it all the same."""
        return self.status in _SHUT

    @property
    def limits(self) -> TcrEdition | None:
        """What its edition lets it have, None for one that isn't known."""
        return EDITIONS.get(self.edition)

    def answers_at(self, host: str) -> bool:
        """Tell whether `host` (`host[:port]`) is a domain that it has of itself.

        In a VPC that is its public one, or one that is called after it.
        """
        name, dot, rest = self.public_domain.partition(".")
        return bool(host) and host in (
            self.public_domain,
            f"{name}-vpc{dot}{rest}",
            self.internal_endpoint,
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.id}, {self.region})"


class _Registry(msgspec.Struct, rename="pascal"):
    registry_id: str
    registry_name: str = ""
    registry_type: str = ""
    status: str = ""
    region_name: str = ""
    region_id: int = 0
    public_domain: str = ""
    internal_endpoint: str = ""
    expired_at: str = ""


class _Domain(msgspec.Struct, rename="pascal"):
    domain_name: str = ""


async def instances(cloud: TencentCloud) -> list[TcrInstance]:
    """Return all instances that the keys see, in every region."""
    found = await listed(cloud, "DescribeInstances", _Registry, {"AllRegion": True})
    return [_instance(each) for each in found]


async def instance_at(cloud: TencentCloud, host: str) -> TcrInstance:
    """Return the instance that `host` (`host[:port]`) is a domain of.

    Custom domains are looked at where it isn't one that an instance has of itself. Raises
    NoInstance and SeveralInstances, and what `TencentCloud.call` raises.
    """
    every = await instances(cloud)
    found = [each for each in every if each.answers_at(host)]
    hidden: list[TcrInstance] = []
    if not found:
        for each in every:
            try:
                if host in await custom_domains(cloud, each):
                    found.append(each)
            except (errors.NoRight, errors.CloudRefused):
                hidden.append(each)
    if not found:
        raise errors.NoInstance(f"{safe(host)}: {_seen(every)}{_unseen(hidden)}")
    if len(found) > 1:
        raise errors.SeveralInstances(f"{safe(host)}: {_names(found)}")
    return found[0]


async def custom_domains(cloud: TencentCloud, instance: TcrInstance) -> set[str]:
    """Return the custom domains of an instance, in whatever state they are."""
    found = await listed(
        cloud,
        "DescribeInstanceCustomizedDomain",
        _Domain,
        {"RegistryId": instance.id},
        region=instance.region,
    )
    return {each.domain_name.lower() for each in found}


def _instance(found: _Registry) -> TcrInstance:
    return TcrInstance(
        id=found.registry_id,
        name=safe(found.registry_name),
        edition=safe(found.registry_type).lower(),
        status=safe(found.status),
        region=safe(found.region_name),
        region_id=found.region_id,
        public_domain=found.public_domain.lower(),
        internal_endpoint=found.internal_endpoint.lower(),
        expires=safe(found.expired_at),
    )


def _seen(every: list[TcrInstance]) -> str:
    if not every:
        return "the keys see no instance"
    return f"the keys see {counted(len(every), 'instance')}: {_names(every)}"


def _unseen(hidden: list[TcrInstance]) -> str:
    return f"; not the custom domains of {_names(hidden)}" if hidden else ""


def _names(some: Iterable[TcrInstance]) -> str:
    names = [str(each) for each in some]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
