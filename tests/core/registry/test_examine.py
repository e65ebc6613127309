"""What is said of a registry after knocking: real ones, and answers that some services give."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from clients.opening import LOGIN, Access, access_to
from servers.images import push_image
from servers.scripted import Reply
from transship import errors
from transship.oci.digest import digest_of
from transship.registry.access import Access as Way
from transship.registry.capability_card import card_of
from transship.registry.distribution import DistributionRegistry
from transship.registry.examination import Examination, examine, look_into
from transship.registry.registry import Quota
from transship.registry.service import GENERIC, Can, all_services, service_named

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clients.opening import Connect
    from servers.docker_registry import DockerRegistry
    from servers.scripted import ScriptedServer
    from transship.oci.digest import Digest
    from transship.oci.manifest import Descriptor

HARBOR_SAYS = 'Bearer realm="{}/service/token",service="harbor-registry"'


async def test_an_open_registry_lists_and_has_no_referrers_api(
    open_registry: DockerRegistry, repository: str
) -> None:
    push_image(open_registry, repository, "v1")

    found = await examine(Way(open_registry.host))

    assert found == Examination(
        service=GENERIC,
        protection="this machine",
        signed_in=False,
        lists=True,
        referrers=False,
    )


async def test_every_real_registry_can_be_examined(access: Access) -> None:
    found = await examine(Way(access.host, access.tls, access.credential))

    assert found.usable, found.problem
    assert found.signed_in == (access.credential is not None)
    assert not found.proposed


async def test_a_wrong_password_is_the_problem(htpasswd_registry: DockerRegistry) -> None:
    found = await examine(Way(htpasswd_registry.host, credential=LOGIN))
    login = access_to(htpasswd_registry).credential
    right = await examine(Way(htpasswd_registry.host, credential=login))

    if login != LOGIN:
        assert isinstance(found.problem, errors.WrongCredential)
    assert right.problem is None


async def test_a_service_under_any_name_is_proposed(scripted: ScriptedServer) -> None:
    challenge = {"WWW-Authenticate": HARBOR_SAYS.format(scripted.url)}
    scripted.on("GET", "/v2/", Reply(401, challenge))

    found = await examine(Way(scripted.host))

    assert (found.service.kind, found.proposed) == ("harbor", True)
    assert found.problem is not None, "nobody has signed in yet"


async def test_what_the_operator_said_is_not_doubted(scripted: ScriptedServer) -> None:
    challenge = {"WWW-Authenticate": HARBOR_SAYS.format(scripted.url)}
    scripted.on("GET", "/v2/", Reply(401, challenge))

    found = await examine(Way(scripted.host, service="quay"))

    assert (found.service.kind, found.proposed) == ("quay", False)


async def test_to_recognise_a_service_no_password_is_sent(scripted: ScriptedServer) -> None:
    scripted.on("GET", "/v2/", Reply(401, {"WWW-Authenticate": HARBOR_SAYS.format(scripted.url)}))

    await examine(Way(scripted.host, credential=LOGIN))

    first = scripted.requests[0]
    assert (first.method, first.target) == ("GET", "/v2/")
    assert "authorization" not in first.headers


async def test_who_counts_what_is_read_is_asked_what_is_left(
    scripted: ScriptedServer, connect: Connect
) -> None:
    counts = {
        "RateLimit-Limit": "100;w=21600",
        "RateLimit-Remaining": "76;w=21600",
        "Docker-Content-Digest": digest_of(b"an image"),
        "Content-Type": "application/vnd.oci.image.manifest.v1+json",
    }
    body = b'{"repositories": ["acme/web"]}'
    scripted.on("GET", "/v2/_catalog.*", Reply(200, {"Content-Type": "application/json"}, body))
    scripted.on("HEAD", "/v2/acme/web/manifests/latest", Reply(200, counts))
    nothing = Examination(GENERIC, "this machine", signed_in=False, lists=None)

    silent = await look_into(connect(scripted.host), nothing)
    asked = len(scripted.asked("HEAD"))
    counting = replace(GENERIC, metered=True)
    found = await look_into(connect(scripted.host, service=counting), nothing)

    assert (silent.lists, silent.referrers, silent.quota, asked) == (True, False, None, 0)
    assert found.quota == Quota(76, 100, 21600)
    assert not scripted.asked("GET", ".*/manifests/.*"), "what is asked for isn't read"


class TestTheCard:
    def test_without_a_look_it_says_what_is_known_of_the_service(self) -> None:
        for service in all_services():
            rows = {row.title: row for row in card_of(service).rows}
            assert list(rows) == [
                "list", "create before push", "mount", "resume", "delete", "referrers", "path",
                "upload", "limits", "credential",
            ]  # fmt: skip
            assert not any(row.seen for row in rows.values())

    def test_every_no_says_what_it_means_for_a_migration(self) -> None:
        for service in all_services():
            for row in card_of(service).rows:
                means = row.fact.means
                assert means.endswith(".") if row.fact.can is Can.NO else True, row

    @pytest.mark.parametrize(("lists", "can"), [(True, Can.YES), (False, Can.NO)])
    def test_what_was_seen_goes_before_what_is_known(self, lists: bool, can: Can) -> None:
        for service in all_services():
            found = Examination(service, "verified", True, lists, referrers=lists)
            card = card_of(service, found)
            assert (card.row("list").fact.can, card.row("list").seen) == (can, True)
            assert (card.row("referrers").fact.can, card.row("referrers").seen) == (can, True)
            assert card.row("list").fact.means.endswith(".") is not lists

    def test_a_problem_tells_nothing_of_what_the_service_can(self) -> None:
        for service in all_services():
            found = Examination(service, "verified", False, None, errors.SignInNeeded("x"))
            assert card_of(service, found) == card_of(service)

    @pytest.mark.parametrize(
        ("kind", "path"),
        [
            ("registry", "any number of components"),
            ("docker-hub", "exactly 2 components"),
            ("harbor", "2 or more components"),
        ],
    )
    def test_it_says_the_shape_of_names(self, kind: str, path: str) -> None:
        service = service_named(kind)
        assert service is not None
        assert card_of(service).row("path").fact.how == path

    def test_what_is_left_of_a_quota_is_shown(self) -> None:
        found = Examination(GENERIC, "verified", True, True, quota=Quota(76, 100, 21600))
        spent = Examination(GENERIC, "verified", True, True, quota=Quota(0, 100, 21600))

        left = card_of(GENERIC, found).row("quota").fact
        none = card_of(GENERIC, spent).row("quota").fact

        assert left.how == "76 of 100 manifests may be read in 6 h"
        assert (none.can, none.means) == (
            Can.NO,
            "Nothing can be read before the registry gives more.",
        )


async def test_a_list_of_which_only_the_first_name_counts_is_closed_before_all_else(
    open_registry: DockerRegistry, repository: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_image(open_registry, repository, "v1")
    done: list[str] = []
    referrers = DistributionRegistry.referrers

    async def names(_: DistributionRegistry) -> AsyncIterator[str]:
        try:
            yield repository
            yield "another"
        finally:
            await asyncio.sleep(0)
            done.append("closed")

    async def asked(
        registry: DistributionRegistry, of: str, digest: Digest
    ) -> tuple[Descriptor, ...] | None:
        done.append("asked for referrers")
        return await referrers(registry, of, digest)

    monkeypatch.setattr(DistributionRegistry, "repositories", names)
    monkeypatch.setattr(DistributionRegistry, "referrers", asked)
    await examine(Way(open_registry.host))

    assert done == ["closed", "asked for referrers"]


async def test_an_api_that_doesnt_answer_now_is_no_problem_of_the_registry(
    open_registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def names(_: DistributionRegistry) -> AsyncIterator[str]:
        for name in ("team/web",):
            raise errors.ServerFailed("the API: 503")
            yield name

    monkeypatch.setattr(DistributionRegistry, "repositories", names)
    by_api = await examine(Way(open_registry.host, service="harbor"))
    by_catalog = await examine(Way(open_registry.host, service="generic"))

    assert (by_api.problem, by_api.lists) == (None, None)
    assert isinstance(by_catalog.problem, errors.ServerFailed)
