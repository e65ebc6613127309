"""Huawei Cloud Software Repository for Container.

Its repositories are listed, and its organizations asked for and made, with the login of the
registry itself.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from urllib.parse import quote

import msgspec

from transship import errors
from transship.oci.media_types import OCI_INDEX
from transship.registry.registry import (
    Capabilities,
    MissingTarget,
    PreflightAnswers,
    TargetOutlook,
    TargetStatus,
    Visibility,
    Writes,
)
from transship.registry.service import AskApi, Facts, Service, yes
from transship.registry.sign_in_form import Answers, SignInForm, SignInIdentity, SignInQuestion

_EUROPE = "eu-west-101"
"""The region of Huawei Cloud EU, whose names end otherwise."""


def _joined(answers: Answers) -> str:
    region = answers["region"]
    return f"swr.{region}.myhuaweicloud.{'eu' if region == _EUROPE else 'com'}"


def _username(answers: Answers) -> str:
    user, region = answers.get("user", ""), answers.get("region", "")
    return user if "@" in user or not (user and region) else f"{region}@{user}"


def _login_key(answers: Answers) -> str:
    """Return the long-term login key, of the access key without its region."""
    return login_key(answers.get("user", "").rpartition("@")[2], answers.get("secret", ""))


_FORM = SignInForm(
    also="cloud",
    parts=(
        SignInQuestion(
            "region",
            "Region",
            "the region that the repositories are in",
            "In the console of SWR at the top left; its code stands in the pull command of every "
            "image, after swr.",
            example="cn-north-4",
            shape=r"[a-z]{2}(-[a-z]+)+-\d+",
            is_what="a region's code, like cn-north-4",
        ),
    ),
    joined=_joined,
    name=r"swr\.(?P<region>[a-z0-9-]+)\.myhuaweicloud\.(com|eu)",
    identities=(
        SignInIdentity(
            "access-key",
            "access key and secret key",
            SignInQuestion(
                "secret",
                "Secret key",
                "secret access key (SK)",
                "In the file credentials.csv that the access key came with. A login key is made "
                "of it; the secret key itself isn't kept.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "Access key",
                "access key ID (AK)",
                "In the console: your name at the top right, My Credentials, Access Keys.",
                example="EXAMPLEACCESSKEY0000",
                shape=r"([a-z0-9-]+@)?[A-Z0-9]{10,}",
                is_what="an access key ID (capital letters and digits)",
            ),
            username=_username,
            password=_login_key,
        ),
        SignInIdentity(
            "login",
            "login command of the console",
            SignInQuestion(
                "secret",
                "Login key",
                "what follows -p in the login command",
                "In the console of SWR: Generate Login Command. A temporary one lives 24 hours at "
                "most; a long-term one as long as its access key.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "User",
                "what follows -u in the login command",
                "In the console of SWR: Dashboard, Generate Login Command. It is the region, @, "
                "and the access key.",
                example="cn-north-4@EXAMPLEACCESSKEY0000",
                shape=r"[a-z0-9-]+@\S+",
                is_what="REGION@ACCESS-KEY",
            ),
            known_by=r".+@.+",
        ),
    ),
)


class _Organization(msgspec.Struct):
    name: str = ""


class _Organizations(msgspec.Struct):
    namespaces: list[_Organization]


class _Repository(msgspec.Struct):
    namespace: str
    name: str
    total_range: int = 0
    """How many there are in all, where it is said."""


_PAGE = 100


def login_key(access_key: str, secret_key: str) -> str:
    """Return the password of a long-term login, as `REGION@ACCESS-KEY`, of an access key.

    The service computes it in the same way; the secret key itself goes nowhere.
    """
    return hmac.new(secret_key.encode(), access_key.encode(), hashlib.sha256).hexdigest()


class _Api:
    """Asks which organizations aren't there, as a push makes none, and lists what is in them."""

    def __init__(self, host: str, ask: AskApi) -> None:  # noqa: ARG002 - a path is enough
        self._ask = ask
        self._seen = PreflightAnswers[frozenset[str]]()
        self._absent = PreflightAnswers[bool](gives_up=True)

    async def look(self, writes: Writes) -> TargetOutlook:
        """Return which repositories have no organization to be in."""
        seen = await self._seen.once("", self._list)
        standings: dict[str, TargetStatus] = {}
        for repository in writes:
            name = repository.partition("/")[0]
            if name not in seen and await self._is_absent(name):
                missing = MissingTarget("organization", name, hidden=True)
                standings[repository] = TargetStatus(missing=missing)
        return TargetOutlook(standings)

    async def repositories(self) -> AsyncIterator[str]:
        """Give the account's own repositories, page by page, until nothing new comes.

        Raises ListIncomplete when fewer have come by then than there are said to be.
        """
        seen: set[str] = set()
        total = 0
        while True:
            # Offset and limit are a part of the filter (SWR's API, "Querying image repositories").
            wanted = f"center::self|offset::{len(seen)}|limit::{_PAGE}"
            answer = await self._ask(f"/dockyard/v2/repositories?filter={quote(wanted, safe=':')}")
            page: list[_Repository] = answer.json(list[_Repository])
            names = dict.fromkeys(f"{each.namespace}/{each.name}" for each in page)
            new = [name for name in names if name not in seen]
            if not new:
                break
            for name in new:
                yield name
            seen.update(new)
            total = max(total, *(each.total_range for each in page))
        if len(seen) < total:
            raise errors.ListIncomplete(f"{len(seen)} of {total} repositories came")

    def refusal(self, missing: MissingTarget, visibility: Visibility) -> str:
        """Return that what is pushed to a new organization can't be public at once."""
        if visibility is Visibility.PUBLIC:
            return f"repositories of a new {missing.kind} are private at this service"
        return ""

    async def create(self, missing: MissingTarget, visibility: Visibility) -> None:  # noqa: ARG002
        """Make an organization. What is pushed to it is private."""
        organization = {"namespace": missing.name}
        await self._ask("/dockyard/v2/namespaces", method="POST", body=organization)

    async def has(self, missing: MissingTarget) -> bool:
        """Tell whether an organization is there."""
        return not await self._knows_none(missing.name)

    async def _list(self) -> frozenset[str]:
        answer = await self._ask("/dockyard/v2/visible/namespaces")
        seen: _Organizations = answer.json(_Organizations)
        return frozenset(organization.name for organization in seen.namespaces)

    async def _is_absent(self, name: str) -> bool:
        """Ask for one that isn't in the list by its name: only if both say so it is absent."""
        return await self._absent.once(name, lambda: self._knows_none(name))

    async def _knows_none(self, name: str) -> bool:
        """Return whether the service knows no organization of this name."""
        try:
            path = f"/dockyard/v2/namespaces/{quote(name, safe='')}"
            answer = await self._ask(path, missing=errors.RepositoryNotFound)
        except errors.RepositoryNotFound:
            return True
        found: _Organization = answer.json(_Organization)
        return found.name != name


# An OCI index is refused as no readable manifest; Docker's manifest list is taken.
SWR = Service(
    kind="swr",
    title="Huawei SWR",
    form=_FORM,
    hosts=(r"swr\.[a-z0-9-]+\.myhuaweicloud\.(com|eu)",),
    username="REGION@ACCESS-KEY",
    secret="login key",
    lists=False,
    capabilities=Capabilities(parts=(2, 0), refused=frozenset({OCI_INDEX})),
    api=_Api,
    lists_own=True,
    facts=Facts(
        list=yes("by its API, the account's own"),
        create=yes("organization, by its API; its repositories are private"),
        limits="5 organizations by default, names unique in the region; layers to 10 GB",
        credential="a login key lives until its access key ends, a temporary one 12 to 24 hours",
    ),
)
