"""The new registry as clusters will find it, in one look."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from servers.docker_registry import PASSWORD, USERNAME
from servers.process import free_port
from servers.storage import blob_storage
from transship import errors
from transship.cutover.domain import Domain, Subject
from transship.cutover.evidence import Chain, Evidence
from transship.cutover.observe.endpoint import TargetLimits, TargetOptions, TrialCredential
from transship.cutover.observe.resolvers import follow_chain
from transship.cutover.observe.target import observe_target, with_target
from transship.cutover.observe.tls import is_trusted
from transship.registry.credential import Credential

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.authority import Authority
    from servers.certificates import Certificates
    from servers.dns.lab import DnsLab
    from servers.docker_registry import DockerRegistry
    from servers.stored import Stored
    from transship.cutover.domain import Resolver
    from transship.cutover.observe.dns_queries import DnsClient

    Serve = Callable[..., DockerRegistry]

APP = "team/app"
IN_USE = TrialCredential(Credential("puller", "old secret"))
COMING = TrialCredential(Credential(USERNAME, PASSWORD), in_use=False)
QUICK = TargetLimits(connect=1.0, answer=2.0, paths=10.0, pull=10.0)


@pytest.fixture
def subject(domain: Domain, bundle: str) -> Subject:
    return Subject(domain, "registry.newcloud.test", repositories=(APP,), node_ca=bundle)


def chain(*addresses: str) -> Chain:
    return Chain("registry.newcloud.test", (), addresses)


async def test_all_is_seen_before_the_domain_leads_there(
    serve: Serve,
    subject: Subject,
    target: str,
    lab: DnsLab,
    dns_client: DnsClient,
    plain: Resolver,
    stored: Stored,
    certificates: Certificates,
) -> None:
    old = lab.block.address("3.1")
    steps: list[str] = []
    came: list[int] = []
    with blob_storage(stored.storage, certificates) as elsewhere:
        serve(auth="htpasswd", redirect_to=elsewhere.url)
        serve(auth="htpasswd", address=old)
        leads = await follow_chain(dns_client, subject.points_at, [plain])
        wishes = TargetOptions((IN_USE, COMING), old=(old,))
        seen = await observe_target(
            subject, leads, wishes, limits=QUICK, step=steps.append, came=came.append
        )

    assert leads.addresses == (target,)
    trusted = [(each.address, each.trust) for each in seen.handshakes if is_trusted(each)]
    assert trusted == [(target, subject.node_ca), (old, subject.node_ca)]
    probes = [(each.address, each.side, each.credential, each.accepted) for each in seen.probes]
    assert probes == [
        (target, "new", "", None),
        (target, "new", "puller", False),
        (target, "new", USERNAME, True),
        (old, "old", "", None),
        (old, "old", "puller", False),
        (old, "old", USERNAME, True),
    ]
    (path,) = seen.paths
    assert (path.repository, path.error) == (APP, "")
    assert [(each.blobs, each.error) for each in seen.pulls] == [(2, ""), (2, "")]
    assert sum(came) == sum(each.bytes for each in seen.pulls)
    assert {each.name for each in seen.needed} == {"localhost"}
    assert seen.push is None
    assert steps == ["handshakes", "sign-ins", "paths", "pulls"]
    text = msgspec.json.encode(seen)
    assert PASSWORD.encode() not in text
    assert b"old secret" not in text
    assert msgspec.json.decode(text, type=Evidence) == seen


async def test_one_of_two_addresses_is_wrong(
    serve: Serve, subject: Subject, target: str, lab: DnsLab, authority: Authority
) -> None:
    second = lab.block.address("3.3")
    serve(tls=authority.issue("registry.newcloud.test"))
    serve(address=second)
    seen = await observe_target(subject, chain(target, second, "::1"), limits=QUICK)

    assert {each.address for each in seen.handshakes if is_trusted(each)} == {second}
    assert {each.address for each in seen.handshakes if each.verify_code == 62} == {target}
    (dead,) = [each for each in seen.handshakes if each.address == "::1"]
    assert dead.error in ("refused", "unreachable")
    assert [(each.address, each.verified) for each in seen.probes] == [
        (target, False),
        (second, True),
    ]
    assert {each.address for each in seen.pulls} == {second}


async def test_nothing_more_is_tried_where_no_registry_is(subject: Subject, target: str) -> None:
    closed = Subject(
        Domain(subject.domain.name, free_port()), subject.new, repositories=subject.repositories
    )
    seen = await observe_target(closed, chain(target, target), limits=QUICK)

    assert [each.error for each in seen.handshakes] == ["refused"]
    assert (seen.probes, seen.paths, seen.pulls) == ((), (), ())


async def test_a_target_without_an_address(subject: Subject) -> None:
    seen = await observe_target(subject, chain(), limits=QUICK)

    assert (seen.handshakes, seen.probes, seen.parity) == ((), (), None)


async def test_only_what_is_wished_for_is_tried(
    serve: Serve, subject: Subject, target: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    serve(storage=tmp_path_factory.mktemp("own"))
    wishes = TargetOptions(references=("team/gone:1",), pull=False, push=APP)
    seen = await observe_target(subject, chain(target), wishes, limits=QUICK)

    assert [each.reference for each in seen.paths] == ["1"]
    assert seen.pulls == ()
    assert seen.push is not None
    assert (seen.push.error, seen.push.repository) == ("", APP)


async def test_a_reference_that_is_none_is_said_at_once(subject: Subject) -> None:
    with pytest.raises(errors.BadReference):
        await observe_target(subject, chain(), TargetOptions(references=("Not one",)))


@pytest.mark.usefixtures("all_closed")
async def test_a_look_can_be_given_up(serve: Serve, subject: Subject, target: str) -> None:
    serve()
    pulling = asyncio.Event()
    looking = asyncio.create_task(
        observe_target(subject, chain(target), limits=QUICK, came=lambda _: pulling.set())
    )
    await pulling.wait()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking


async def test_a_look_takes_the_place_of_the_last_one(subject: Subject) -> None:
    before = Evidence(1.0, local=("192.0.2.1",), paths=())
    seen = await observe_target(subject, chain(), limits=QUICK)
    merged = with_target(before, seen)

    assert (merged.taken, merged.local) == (1.0, ("192.0.2.1",))
    assert (merged.handshakes, merged.push) == (seen.handshakes, None)
