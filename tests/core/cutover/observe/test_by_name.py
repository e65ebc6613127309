"""Pulls by the domain itself, from wherever the lab's caches lead at this moment."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from servers.dns.lab import EXAMPLE
from servers.dns.zones import IMAGES, NEW, OLD
from servers.docker_registry import PASSWORD, USERNAME
from transship import errors
from transship.cutover.domain import Domain, Resolver, Subject
from transship.cutover.evidence import THIS_MACHINE, NamedPull, Pull
from transship.cutover.observe import image_pulls
from transship.cutover.observe.endpoint import TargetLimits, TargetOptions, TrialCredential
from transship.cutover.observe.image_pulls import pull_by_name
from transship.oci.reference import Reference
from transship.registry.credential import Credential

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from servers.certificates import Certificates
    from servers.dns.lab import DnsLab
    from servers.docker_registry import DockerRegistry
    from servers.stored import Stored
    from servers.token_server import TokenServer
    from transship.cutover.observe.dns_queries import DnsClient
    from transship.cutover.observe.endpoint import PinnedEndpoint

    Serve = Callable[..., DockerRegistry]
    Pulls = Callable[..., Awaitable[tuple[NamedPull, ...]]]

APP = "team/app"
QUICK = TargetLimits(connect=1.0, answer=2.0, paths=10.0, pull=10.0)
GOOD = TrialCredential(Credential(USERNAME, PASSWORD), in_use=False)
OUTDATED = TrialCredential(Credential("puller", "old secret"))


@pytest.fixture
def subject(domain: Domain, bundle: str) -> Subject:
    """A domain of an inner network: this machine itself doesn't find it."""
    return Subject(
        domain, NEW.rstrip("."), OLD.rstrip("."), repositories=(APP,), node_ca=bundle, system=False
    )


@pytest.fixture
def pulls(impatient: DnsClient, cache: Callable[[str], Resolver], subject: Subject) -> Pulls:
    """Pull through the caches of these names."""

    async def pulled(
        *caches: str,
        subject: Subject = subject,
        wishes: TargetOptions | None = None,
        known: tuple[Pull, ...] = (),
    ) -> tuple[NamedPull, ...]:
        resolvers = [cache(each) for each in caches]
        return await pull_by_name(subject, impatient, resolvers, wishes, known=known, limits=QUICK)

    return pulled


@pytest.fixture
def old(lab: DnsLab) -> str:
    """The address of the old registry."""
    return lab.block.address("3.1")


async def test_one_pull_for_all_that_lead_to_one_place(
    serve: Serve, pulls: Pulls, old: str, stored: Stored, domain: Domain
) -> None:
    registry = serve(address=old)
    mark = registry.mark()

    (made,) = await pulls("plain", "forwarder")

    assert (made.by, made.address, made.error) == (("plain", "forwarder"), old, "")
    assert made.image.startswith(f"{domain.host}/{APP}:")
    assert made.blobs == 2
    assert len(made.fingerprint) == 64
    read = [each for each in registry.since(mark) if "/blobs/" in each.path]
    assert len(read) == 2
    assert {each.method for each in registry.since(mark)} <= {"GET", "HEAD"}
    assert msgspec.json.decode(msgspec.json.encode(made), type=NamedPull) == made


async def test_who_is_late_is_served_by_the_old_side(
    serve: Serve, pulls: Pulls, lab: DnsLab, old: str, target: str
) -> None:
    serve(address=old)
    serve()
    assert [each.address for each in await pulls("plain", "clamping")] == [old]
    lab.set(IMAGES, "CNAME", NEW)
    lab.caches["plain"].flush()

    made = {each.address: each for each in await pulls("plain", "clamping")}

    assert {address: each.by for address, each in made.items()} == {
        target: ("plain",),
        old: ("clamping",),
    }
    assert [each.error for each in made.values()] == ["", ""]
    assert made[old].fingerprint != made[target].fingerprint


async def test_what_was_pulled_before_is_pulled_again(
    serve: Serve, pulls: Pulls, old: str, domain: Domain, subject: Subject
) -> None:
    serve(address=old)
    large = Pull(f"{domain.host}/{APP}:large", old, 0.0, bytes=300_000)
    small = Pull(f"{domain.host}/{APP}:small", old, 0.0, bytes=1_000)
    broken = Pull(f"{domain.host}/{APP}:gone", old, 0.0, bytes=1, error="x")
    nothing = replace(subject, repositories=())

    (made,) = await pulls("plain", subject=nothing, known=(large, broken, small))

    assert (made.image, made.error) == (small.image, "")


async def test_what_was_pulled_before_and_is_gone_since_is_no_failure(
    serve: Serve, pulls: Pulls, old: str, domain: Domain
) -> None:
    serve(address=old)
    gone = Pull(f"{domain.host}/{APP}:gone", old, 0.0, bytes=1)

    (made,) = await pulls("plain", known=(gone,))

    assert made.error == ""
    assert made.image.startswith(f"{domain.host}/{APP}:")


async def test_a_repository_that_isnt_there_fails(
    serve: Serve, pulls: Pulls, old: str, subject: Subject
) -> None:
    serve(address=old)

    (made,) = await pulls("plain", subject=replace(subject, repositories=("team/gone",)))

    assert made.error.startswith("repository-not-found")


async def test_anybody_may_pull_with_the_token_that_anybody_gets(
    serve: Serve,
    pulls: Pulls,
    old: str,
    signs_in: Callable[..., TokenServer],
    tmp_path: Path,
    certificates: Certificates,
) -> None:
    tokens = signs_in(tmp_path / "tokens", tls=certificates)
    tokens.anonymous_pull = True
    serve(address=old, auth="token", token_server=tokens)

    (made,) = await pulls("plain")

    assert (made.error, made.blobs) == ("", 2)


async def test_without_an_image_the_side_is_told_all_the_same(
    serve: Serve, pulls: Pulls, old: str, subject: Subject
) -> None:
    serve(address=old)

    (made,) = await pulls("plain", subject=replace(subject, repositories=()))

    assert (made.address, made.image, made.error) == (old, "", "")
    assert made.fingerprint


async def test_the_sign_in_that_is_taken_is_used(serve: Serve, pulls: Pulls, old: str) -> None:
    serve(address=old, auth="htpasswd")

    (made,) = await pulls("plain", wishes=TargetOptions((OUTDATED, GOOD)))

    assert (made.error, made.blobs) == ("", 2)


async def test_a_sign_in_that_nodes_use_and_that_is_refused_fails_the_pull(
    serve: Serve, pulls: Pulls, old: str
) -> None:
    serve(address=old, auth="htpasswd")

    (made,) = await pulls("plain", wishes=TargetOptions((OUTDATED,)))

    assert made.error.startswith("wrong-credential: ")
    assert "old secret" not in repr(made)


@pytest.mark.parametrize("sign_ins", [(), (replace(OUTDATED, in_use=False),)])
async def test_without_a_sign_in_of_the_nodes_nothing_is_said_of_them(
    serve: Serve, pulls: Pulls, old: str, sign_ins: tuple[TrialCredential, ...]
) -> None:
    serve(address=old, auth="htpasswd")

    (made,) = await pulls("plain", wishes=TargetOptions(sign_ins))

    assert (made.address, made.image, made.error) == (old, "", "")


async def test_nobody_answers_at_the_address(pulls: Pulls, old: str) -> None:
    (made,) = await pulls("plain")

    assert made.address == old
    assert made.error.startswith("connection-refused: ")


async def test_a_certificate_that_nodes_dont_trust(
    serve: Serve, pulls: Pulls, old: str, subject: Subject
) -> None:
    serve(address=old)

    (made,) = await pulls("plain", subject=replace(subject, node_ca=""))

    assert made.error.startswith("certificate-not-trusted: ")
    assert made.fingerprint


async def test_a_name_that_is_gone_and_a_resolver_that_is(
    pulls: Pulls, impatient: DnsClient, lab: DnsLab, subject: Subject
) -> None:
    lab.primary.set(EXAMPLE, "brief.example.test.", "CNAME", OLD, ttl=4)
    gone = replace(subject, domain=Domain("gone.example.test", subject.domain.port))
    closed = Resolver("closed", lab.block.address("4.9"), 5399)

    (made,) = await pulls("plain", subject=gone)

    assert (made.by, made.address) == (("plain",), "")
    assert made.error == "name-not-found: gone.example.test: NXDOMAIN"
    assert await pull_by_name(subject, impatient, [closed], limits=QUICK) == ()


async def test_this_machine_counts_as_any_program_here_finds_the_name(
    serve: Serve, pulls: Pulls, old: str, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(address=old)

    async def led(_: Subject) -> tuple[tuple[str, ...], str]:
        return (old,), ""

    monkeypatch.setattr(image_pulls, "own_addresses", led)

    (made,) = await pulls("plain", subject=replace(subject, system=True))

    assert made.by == (THIS_MACHINE, "plain")


async def test_a_name_that_this_machine_doesnt_find(pulls: Pulls, subject: Subject) -> None:
    nowhere = replace(subject, domain=Domain("images.invalid"), system=True)

    (made,) = await pulls(subject=nowhere)

    assert made.by == (THIS_MACHINE,)
    assert made.error.startswith("name-not-found: images.invalid: ")


async def test_what_is_no_reference_is_the_operators_own(pulls: Pulls, subject: Subject) -> None:
    with pytest.raises(errors.BadReference):
        await pulls("plain", subject=replace(subject, repositories=("Team/App",)))


async def test_a_list_of_which_only_the_first_tag_counts_is_closed_before_the_registry() -> None:
    done: list[str] = []

    class Fake:
        async def tags(self, _: str) -> AsyncIterator[str]:
            try:
                yield "v1"
                yield "v2"
            finally:
                await asyncio.sleep(0)
                done.append("list closed")

    class FakeWay:
        @asynccontextmanager
        async def registry(self, _: Credential | None) -> AsyncIterator[Fake]:
            yield Fake()
            done.append("registry closed")

    first = await image_pulls._first_tag(
        cast("PinnedEndpoint", FakeWay()), None, Reference("a.example", APP)
    )

    assert first == Reference("a.example", APP, "v1")
    assert done == ["list closed", "registry closed"]
