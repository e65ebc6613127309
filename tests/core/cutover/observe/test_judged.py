"""Findings on real evidence of a target: certificates, registries, sign-ins, paths and layers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cutovers.clean import found, result
from servers.docker_registry import PASSWORD, USERNAME
from servers.process import LOOPBACK
from servers.scripted import Reply, scripted_server
from servers.storage import blob_storage
from transship.cutover.domain import Domain, Subject
from transship.cutover.evidence import Chain
from transship.cutover.finding import CheckOutcome, Severity
from transship.cutover.observe.endpoint import TargetLimits, TargetOptions, TrialCredential
from transship.cutover.observe.target import observe_target
from transship.cutover.rules.case import Case
from transship.cutover.rules.checks import CHECKS, TARGET, run_checks
from transship.registry.credential import Credential

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from servers.authority import Authority
    from servers.certificates import Certificates
    from servers.dns.lab import DnsLab
    from servers.docker_registry import DockerRegistry
    from servers.stored import Stored
    from servers.token_server import TokenServer

    Serve = Callable[..., DockerRegistry]
    Look = Callable[..., Awaitable[Case]]

APP = "team/app"
QUICK = TargetLimits(connect=1.0, answer=2.0, paths=10.0, pull=10.0)
GOOD = TrialCredential(Credential(USERNAME, PASSWORD))
BAD = TrialCredential(Credential("old-robot", "old secret"))


@pytest.fixture
def look(domain: Domain, target: str, bundle: str) -> Look:
    """Look at the target with the observers, and return the case."""

    async def looked(
        *addresses: str,
        wishes: TargetOptions | None = None,
        node_ca: str = bundle,
        repository: str = APP,
    ) -> Case:
        new = "registry.newcloud.test"
        port = domain.port
        subject = Subject(
            domain,
            f"{new}:{port}",
            "registry.oldcloud.test",
            repositories=(repository,),
            node_ca=node_ca,
        )
        chain = Chain(new, (), addresses or (target,))
        seen = await observe_target(subject, chain, wishes, limits=QUICK)
        return Case(subject, replace(seen, target=chain), seen.taken)

    return looked


def grave(of: Case) -> dict[str, set[str]]:
    """What blocks or warns, of all that is known of the target."""
    mine = {check.id for check in CHECKS if TARGET in check.needs and check.id[0] == "P"}
    rows = run_checks(of.subject, of.evidence, of.now)
    return {
        row.check: names
        for row in rows
        if row.check in mine
        and (names := {f.id for f in row.findings if f.severity is not Severity.INFO})
    }


async def test_a_clean_target_raises_nothing(serve: Serve, look: Look, lab: DnsLab) -> None:
    old = lab.block.address("3.1")
    serve(auth="htpasswd")
    serve(auth="htpasswd", address=old)
    clean = await look(wishes=TargetOptions((GOOD,), old=(old,)))

    assert grave(clean) == {}
    for check in (10, 12, 13, 14, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 28, 29):
        assert result(clean, f"P-{check}").outcome is CheckOutcome.PASS, check
    assert result(clean, "R-04").outcome is CheckOutcome.PASS


@pytest.mark.parametrize(
    ("names", "outcome"),
    [
        (("registry.newcloud.test",), {"P-13": {"certificate-name-mismatch"}}),
        (("*.test",), {"P-13": {"certificate-name-mismatch"}, "P-14": {"wildcard-too-high"}}),
        (("*.example.test",), {}),
    ],
)
async def test_names_of_certificates(
    names: tuple[str, ...],
    outcome: dict[str, set[str]],
    serve: Serve,
    look: Look,
    authority: Authority,
) -> None:
    serve(tls=authority.issue(*names))

    assert grave(await look()) == outcome


async def test_a_certificate_with_a_common_name_alone(
    serve: Serve, look: Look, authority: Authority, domain: Domain
) -> None:
    serve(tls=authority.issue(common_name=domain.name))

    assert grave(await look())["P-14"] == {"certificate-without-names"}


async def test_a_missing_intermediate(
    serve: Serve, look: Look, authority: Authority, domain: Domain
) -> None:
    serve(tls=authority.issue(domain.name, below=True, alone=True))

    assert grave(await look()) == {"P-16": {"intermediate-missing"}}


@pytest.mark.parametrize(
    ("starts", "ends", "check", "name"),
    [
        (timedelta(days=-9), timedelta(hours=-1), "P-13", "certificate-expired"),
        (timedelta(hours=1), timedelta(days=99), "P-13", "certificate-not-yet-valid"),
        (timedelta(days=-1), timedelta(days=2), "P-15", "certificate-expires-in-window"),
        (timedelta(days=-1), timedelta(days=20), "P-15", "certificate-expires-soon"),
    ],
)
async def test_dates_of_certificates(
    starts: timedelta,
    ends: timedelta,
    check: str,
    name: str,
    serve: Serve,
    look: Look,
    authority: Authority,
    domain: Domain,
) -> None:
    serve(tls=authority.issue(domain.name, starts=starts, ends=ends))

    assert name in found(await look(), check)


async def test_an_authority_that_nobody_has(serve: Serve, look: Look) -> None:
    serve()
    unknown = await look(node_ca="")

    assert grave(unknown) == {"P-16": {"intermediate-missing"}}


async def test_an_authority_that_nobody_has_with_its_chain(
    serve: Serve, look: Look, authority: Authority, domain: Domain
) -> None:
    serve(tls=authority.issue(domain.name, below=True))

    assert grave(await look(node_ca="")) == {"P-17": {"authority-not-trusted"}}


async def test_nobody_listens(look: Look, lab: DnsLab) -> None:
    shut = await look(lab.block.address("3.9"))

    assert grave(shut) == {"P-12": {"target-shut"}}
    assert result(shut, "P-13").outcome is CheckOutcome.OPEN


async def test_a_dead_ipv6_address_beside_a_good_one(serve: Serve, look: Look, target: str) -> None:
    serve(auth="htpasswd")
    both = await look(target, "::1", wishes=TargetOptions((GOOD,)))

    assert found(both, "P-12") in ({"ipv6-shut": "warn"}, {"address-out-of-reach": "info"})
    assert found(both, "P-13") == {}


async def test_the_sign_in_that_nodes_use_is_refused(serve: Serve, look: Look, lab: DnsLab) -> None:
    serve(auth="htpasswd")
    refused = await look(wishes=TargetOptions((BAD,)))
    prepared = await look(wishes=TargetOptions((BAD, GOOD)))

    assert found(refused, "P-24") == {"sign-in-refused": "block"}
    assert found(prepared, "P-24") == {"some-sign-ins-refused": "info"}


async def test_a_repository_that_isnt_there(serve: Serve, look: Look) -> None:
    serve()

    assert found(await look(repository="app"), "P-26") == {"namespace-missing": "block"}
    assert found(await look(repository="team/gone"), "P-26") == {"path-missing": "block"}


async def test_layers_that_come_from_another_host(
    serve: Serve, look: Look, stored: Stored, certificates: Certificates
) -> None:
    with blob_storage(stored.storage, certificates) as elsewhere:
        serve(redirect_to=elsewhere.url)
        redirected = await look()

    assert found(redirected, "P-28") == {"more-hosts": "info"}
    assert "localhost:" in result(redirected, "P-28").seen


async def test_a_token_server_without_tls(
    serve: Serve, look: Look, signs_in: Callable[..., TokenServer], tmp_path: Any
) -> None:
    tokens = signs_in(tmp_path / "tokens")
    serve(auth="token", token_server=tokens)
    plain = await look(wishes=TargetOptions((GOOD,)))

    assert "realm-without-tls" in found(plain, "P-22")


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(404, {"Content-Type": "text/html"}, b"<h1>Not here</h1>"), "api-default-host"),
        (Reply(308, {"Location": "https://registry.newcloud.test/v2/"}), "api-redirect"),
        (Reply(403), "api-forbidden"),
        (Reply(503), "api-server-failed"),
        (Reply(401), "api-not-a-registry"),
    ],
)
async def test_what_answers_isnt_a_registry(
    reply: Reply, outcome: str, authority: Authority, bundle: str, domain: Domain
) -> None:
    with scripted_server(authority.issue(domain.name)) as server:
        server.on("GET", "/v2/", reply)
        port = int(server.url.rpartition(":")[2])
        subject = Subject(Domain(domain.name, port), f"new.test:{port}", node_ca=bundle)
        chain = Chain("new.test", (), (LOOPBACK,))
        seen = await observe_target(subject, chain, limits=QUICK)
    judged = Case(subject, replace(seen, target=chain), seen.taken)

    assert found(judged, "P-20") == {outcome: "block"}
    assert found(judged, "P-21") == ({"challenge-missing": "block"} if reply.status == 401 else {})
