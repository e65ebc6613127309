"""A sandbox with a domain: one name and one port for two registries, and DNS that leads there."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from transship.clock import SystemClock
from transship.cutover.domain import Domain, Subject
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observe.endpoint import (
    PinnedEndpoint,
    TargetOptions,
    TrialCredential,
    probe_endpoint,
)
from transship.cutover.observe.image_pulls import pull_by_name
from transship.registry.access import open_distribution
from transship.sandbox import sandbox as module
from transship.sandbox.name_server import DOMAIN, NEW, OLD, SandboxNames
from transship.sandbox.sandbox import Sandbox, has_two_addresses


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: the samples are made once."""
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture
async def sandbox(folder: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(folder, domain=True) as running:
        yield running


def way(sandbox: Sandbox, address: str) -> PinnedEndpoint:
    return PinnedEndpoint(
        Domain(DOMAIN, sandbox.port), address, SystemClock(), str(sandbox.ca_file)
    )


async def test_both_registries_answer_at_one_port_each_at_its_address(sandbox: Sandbox) -> None:
    assert sandbox.old.host == f"127.0.0.1:{sandbox.port}"
    assert sandbox.new.host == f"127.0.0.2:{sandbox.port}"


async def test_their_accesses_open_them_with_certificates_that_are_verified(
    sandbox: Sandbox,
) -> None:
    for alias, count in (("old", 6), ("new", 0)):
        access = sandbox.accesses[alias]
        assert not access.tls.insecure
        assert not access.tls.plain_http
        opened = open_distribution(access)
        assert len([name async for name in opened.repositories()]) == count
        await opened.aclose()


@pytest.mark.parametrize(("address", "own"), [("127.0.0.1", OLD), ("127.0.0.2", NEW)])
async def test_each_has_a_certificate_for_the_domain_and_for_its_own_name(
    sandbox: Sandbox, address: str, own: str
) -> None:
    context = ssl.create_default_context(cafile=sandbox.ca_file)
    async with httpx.AsyncClient(verify=context, trust_env=False) as http:
        for name in (DOMAIN, own, address):
            answer = await http.get(
                f"https://{address}:{sandbox.port}/v2/",
                headers={"Host": f"{name}:{sandbox.port}"},
                extensions={"sni_hostname": name},
            )
            assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


async def test_the_new_one_gives_tokens_under_the_name_by_which_it_was_asked(
    sandbox: Sandbox,
) -> None:
    sign_in = TrialCredential(sandbox.credential)
    seen = await probe_endpoint(way(sandbox, "127.0.0.2"), repository="team/web", sign_in=sign_in)

    assert seen.realm is not None
    assert seen.realm.host == f"{DOMAIN}:{sandbox.port}"
    assert seen.accepted
    assert seen.error == ""


async def test_a_pull_by_the_domain_goes_where_its_dns_leads(sandbox: Sandbox) -> None:
    assert sandbox.names is not None
    names = sandbox.names
    subject = Subject(
        Domain(DOMAIN, sandbox.port),
        sandbox.new.host,
        record=NEW,
        resolvers=names.resolvers,
        repositories=("team/web",),
        node_ca=str(sandbox.ca_file),
        served=names.served,
        system=False,
    )
    dns_client = DnsClient(SystemClock(), served=names.served)
    wishes = TargetOptions((TrialCredential(sandbox.credential),), ("team/web:1.4",))

    (pulled,) = await pull_by_name(subject, dns_client, subject.resolvers, wishes)

    assert (pulled.address, pulled.error) == ("127.0.0.1", "")
    assert pulled.by == tuple(each.name for each in names.resolvers)
    assert pulled.blobs > 1


async def test_nobody_else_can_have_the_port_before_the_registries_listen_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = Sandbox(folder, domain=True)
    start = SandboxNames.__aenter__
    refused: list[int | None] = []

    async def somebody_comes_first(names: SandboxNames) -> SandboxNames:
        for registry in (sandbox.old, sandbox.new):
            try:
                stack.enter_context(
                    socket.create_server((registry.door.address, registry.door.port))
                )
            except OSError as error:
                refused.append(error.errno)
        return await start(names)

    monkeypatch.setattr(SandboxNames, "__aenter__", somebody_comes_first)
    with ExitStack() as stack:
        async with sandbox:
            assert refused == [errno.EADDRINUSE] * 2


async def test_a_sandbox_without_a_domain_has_no_dns(folder: Path) -> None:
    sandbox = Sandbox(folder)

    assert sandbox.names is None
    assert sandbox.accesses["old"].tls.plain_http


def test_a_machine_with_one_loopback_address_is_told_from_one_with_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert has_two_addresses()
    # An address of documentation is no machine's own, as 127.0.0.2 isn't on macOS.
    monkeypatch.setattr(module, "SECOND_LOOPBACK", "192.0.2.1")
    assert not has_two_addresses()
