"""Findings on the new registry, each made to appear for real."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cutovers.clean import finding, found, result
from cutovers.staging import BAD, GOOD, answered, having, run, together
from servers.authority import Authority
from servers.greeting import greeting
from servers.process import LOOPBACK, free_port, has_ipv6
from servers.scripted import Reply, ScriptedServer, scripted_server
from servers.storage import blob_storage
from transship.cutover.domain import Domain
from transship.cutover.evidence import Chain
from transship.cutover.finding import CheckOutcome
from transship.cutover.observe.endpoint import TargetLimits, TargetOptions, TrialCredential
from transship.registry.credential import Credential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cutovers.staging import Looks
    from servers.certificates import Certificates
    from servers.dns.lab import DnsLab
    from servers.docker_registry import DockerRegistry
    from servers.stored import Stored
    from servers.token_server import TokenServer

    Serve = Callable[..., DockerRegistry]
    Scripted = Callable[..., tuple[ScriptedServer, Domain]]

APP = "team/app"
ROBOT = TrialCredential(Credential("robot", "new secret"), in_use=False)


@pytest.fixture
def scripted(authority: Authority, domain: Domain) -> Iterator[Scripted]:
    """Start a server that answers as the test says under the domain's name, at LOOPBACK."""
    with ExitStack() as servers:

        def start(tls: Certificates | None = None) -> tuple[ScriptedServer, Domain]:
            issued = tls or authority.issue(domain.name)
            server = servers.enter_context(scripted_server(issued))
            return server, replace(domain, port=int(server.host.rpartition(":")[2]))

        yield start


def bearer(realm: str) -> Reply:
    return Reply(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="the registry"'})


def token_for(*actions: str) -> Reply:
    access = [{"type": "repository", "name": APP, "actions": actions}]
    payload = base64.urlsafe_b64encode(json.dumps({"access": access}).encode()).decode()
    return Reply(200, {}, json.dumps({"token": f"e30.{payload.rstrip('=')}.c2ln"}).encode())


# Whether it is there for the name


async def test_a_domain_that_isnt_attached(
    scripted: Scripted, looks: Looks, authority: Authority
) -> None:
    server, domain = scripted(authority.issue("registry.newcloud.test"))
    server.on("GET", "/v2/", Reply(404, {"Content-Type": "text/html"}, b"no such site"))
    seen = await looks.registry(LOOPBACK, domain=domain)

    assert found(seen, "P-10") == {"domain-not-attached": "block"}
    assert found(seen, "P-13") == {"certificate-name-mismatch": "block"}
    assert found(seen, "P-20") == {"api-default-host": "block"}


async def test_http_without_tls(serve: Serve, looks: Looks) -> None:
    serve(tls=None)
    seen = await looks.registry()

    assert found(seen, "P-13") == {"tls-failed": "block"}
    assert "HTTP without TLS" in finding(seen, "P-13", "tls-failed").means
    assert result(seen, "P-20").outcome is CheckOutcome.OPEN


async def test_a_name_that_tls_doesnt_know(looks: Looks, authority: Authority) -> None:
    context = authority.issue("registry.newcloud.test").server_context()
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    with greeting(context) as port:
        domain = replace(looks.domain, port=port)
        seen = await looks.registry(LOOPBACK, domain=domain)

    assert found(seen, "P-13") == {"tls-failed": "block"}
    assert "the domain isn't set up there" in finding(seen, "P-13", "tls-failed").means


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_a_version_of_tls_that_nodes_refuse(looks: Looks, authority: Authority) -> None:
    context = authority.issue(looks.domain.name).server_context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with greeting(context) as port:
        domain = replace(looks.domain, port=port)
        seen = await looks.registry(LOOPBACK, domain=domain)

    assert found(seen, "P-19") == {"tls-old": "info"}
    assert "TLSv1.1" in result(seen, "P-19").seen
    assert found(seen, "P-13") == {"tls-failed": "block"}


@pytest.mark.parametrize(
    ("date", "outcome"),
    [
        ("Thu, 01 Jan 2026 00:00:00 GMT", {"clock-differs": "warn"}),
        ("Fri, 01 Jan 2126 00:00:00 GMT", {"clock-differs": "warn"}),
        ("no date", {}),
    ],
)
async def test_a_clock_that_is_wrong(
    scripted: Scripted, looks: Looks, date: str, outcome: dict[str, str]
) -> None:
    server, domain = scripted()
    server.on("GET", "/v2/", Reply(200, {"Date": date}, b"{}"))
    seen = await looks.registry(LOOPBACK, domain=domain)

    assert found(seen, "P-13") == outcome


# Whom nodes trust


async def test_an_authority_that_this_machine_alone_trusts(
    serve: Serve,
    looks: Looks,
    authority: Authority,
    bundle: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve(tls=authority.issue(looks.domain.name, below=True))
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    seen = await looks.registry(node_ca="")

    assert found(seen, "P-17") == {"trusted-here-only": "warn"}
    assert found(seen, "P-15") == {"renewal-unknown": "info"}
    assert found(answered(seen, {"renewal": "automated"}), "P-15") == {}


async def test_what_a_node_says_of_the_certificate(
    serve: Serve, looks: Looks, authority: Authority, bundle: str
) -> None:
    serve(tls=authority.issue(looks.domain.name, below=True))
    seen = await looks.registry()
    strange = run("node-trust", seen)
    trusted = run("node-trust", seen, "s_client ", f"s_client -CAfile {bundle} ")

    assert found(answered(seen, {"node-trust": strange}), "P-17") == {
        "authority-not-trusted": "block"
    }
    assert found(answered(seen, {"node-trust": trusted}), "P-17") == {}


async def test_an_issuer_that_may_not_issue_after_the_change(
    serve: Serve, looks: Looks, lab: DnsLab, tmp_path: Path
) -> None:
    encrypting = Authority(tmp_path / "authority", organization="Let's Encrypt")
    serve(tls=encrypting.issue(looks.domain.name))
    registry = await looks.registry(node_ca=str(encrypting.ca_file))
    seen = together(await looks.names(looks.domain), registry)

    # What registry.newcloud.test says: digicert.com alone.
    assert found(seen, "P-18") == {"caa-forbids-issuer": "warn"}


# What answers


async def test_a_proxy_that_the_environment_names(
    serve: Serve, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    monkeypatch.setenv("HTTPS_PROXY", f"http://{LOOPBACK}:{free_port()}")
    seen = await looks.registry()

    assert found(seen, "P-20") == {"proxy-passed-by": "info"}
    assert found(seen, "P-21") == {"registry-open": "info"}


@pytest.mark.usefixtures("all_closed")
async def test_tls_and_then_nothing(scripted: Scripted, looks: Looks) -> None:
    server, domain = scripted()
    server.on("GET", "/v2/", Reply(hang=True))
    limits = TargetLimits(connect=2.0, answer=0.3, paths=1.0, pull=1.0)
    seen = await looks.registry(LOOPBACK, domain=domain, limits=limits)

    assert found(seen, "P-20") == {"api-no-answer": "block"}


# Tokens


@pytest.mark.parametrize(
    ("realm", "outcome"),
    [
        ("https://registry.oldcloud.test/token", {"realm-is-old", "realm-broken"}),
        (f"https://{LOOPBACK}:9/token", {"realm-broken"}),
        ("http://images.example.test/token", {"realm-without-tls", "realm-broken"}),
        ("/token", set()),
    ],
)
async def test_where_tokens_come_from(
    scripted: Scripted, looks: Looks, realm: str, outcome: set[str]
) -> None:
    server, domain = scripted()
    server.on("GET", "/v2/", bearer(realm))
    server.on("GET", "/token.*", token_for("pull"))
    seen = await looks.registry(LOOPBACK, domain=domain)

    assert set(found(seen, "P-22")) == outcome


async def test_tokens_from_where_the_domain_leads_today(scripted: Scripted, looks: Looks) -> None:
    server, domain = scripted()
    server.on("GET", "/v2/", bearer(f"https://localhost:{domain.port}/token"))
    seen = await looks.registry(LOOPBACK, domain=domain)
    realm = seen.evidence.probes[0].realm
    assert realm is not None
    today = Chain(domain.name, (), realm.addresses)
    elsewhere = Chain("registry.newcloud.test", (), ("127.0.0.9",))

    assert "realm-at-old" not in found(having(seen, today=today), "P-22")
    old = having(seen, today=today, target=elsewhere)
    assert found(old, "P-22")["realm-at-old"] == "warn"
    assert "where the domain leads today" in finding(old, "P-22", "realm-at-old").seen


async def test_a_token_that_allows_nothing(scripted: Scripted, looks: Looks) -> None:
    server, domain = scripted()
    server.on("GET", "/v2/", bearer("/token"))
    server.on("GET", "/token.*", token_for())
    seen = await looks.registry(LOOPBACK, domain=domain, wishes=TargetOptions((GOOD,), pull=False))

    assert found(seen, "P-23") == {"token-without-pull": "block"}


# Sign-ins


async def test_a_sign_in_that_nodes_dont_have(serve: Serve, looks: Looks) -> None:
    serve(auth="htpasswd")
    mine = replace(GOOD, in_use=False)
    seen = await looks.registry(wishes=TargetOptions((mine,)), told={"node-secrets": "no"})

    assert found(seen, "P-24") == {"sign-in-not-prepared": "block"}


async def test_a_new_sign_in_that_the_old_registry_refuses(
    serve: Serve,
    looks: Looks,
    lab: DnsLab,
    signs_in: Callable[..., TokenServer],
    certificates: Certificates,
    tmp_path: Path,
) -> None:
    old = lab.block.address("3.1")
    tokens = signs_in(tmp_path / "tokens", {"robot": "new secret"}, tls=certificates)
    serve(auth="token", token_server=tokens)
    serve(auth="htpasswd", address=old)
    seen = await looks.registry(wishes=TargetOptions((GOOD, ROBOT), old=(old,), pull=False))

    assert found(seen, "P-25") == {"refused-by-old": "warn"}
    assert found(seen, "P-24") == {"sign-in-refused": "block"}
    prepared = answered(seen, {"node-secrets": "both"})
    assert found(prepared, "P-25") == {"refused-by-old": "info"}
    assert found(prepared, "P-24") == {"some-sign-ins-refused": "info"}


# The way back


async def test_an_old_registry_that_is_gone(serve: Serve, looks: Looks, lab: DnsLab) -> None:
    serve()
    seen = await looks.registry(wishes=TargetOptions(old=(lab.block.address("3.9"),), pull=False))

    assert found(seen, "R-04") == {"old-gone": "block"}


async def test_an_old_registry_that_has_let_go_of_the_domain(
    serve: Serve, scripted: Scripted, looks: Looks
) -> None:
    server, domain = scripted()
    server.on("GET", "/v2/", Reply(404, {}, b"who?"))
    serve(port=domain.port)
    seen = await looks.registry(domain=domain, wishes=TargetOptions(old=(LOOPBACK,), pull=False))

    assert found(seen, "R-04") == {"old-unbound": "block"}


async def test_an_old_registry_that_refuses_what_nodes_have(
    serve: Serve, looks: Looks, lab: DnsLab
) -> None:
    old = lab.block.address("3.1")
    serve()
    serve(auth="htpasswd", address=old)
    seen = await looks.registry(wishes=TargetOptions((BAD,), old=(old,), pull=False))

    assert found(seen, "R-04") == {"old-sign-in-refused": "block"}


# Addresses


async def test_an_ipv6_address_where_nobody_listens(serve: Serve, looks: Looks) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    serve()
    seen = await looks.registry(looks.target, "::1", wishes=TargetOptions(pull=False))

    assert found(seen, "P-12") == {"ipv6-shut": "warn"}


async def test_an_address_to_which_there_is_no_way(serve: Serve, looks: Looks) -> None:
    serve()
    # Nobody connects to many at once: the system says that it is unreachable.
    seen = await looks.registry(looks.target, "224.0.0.1", wishes=TargetOptions(pull=False))

    assert found(seen, "P-12") == {"address-out-of-reach": "info"}


# Layers


async def test_layers_without_tls(serve: Serve, looks: Looks, stored: Stored) -> None:
    with blob_storage(stored.storage) as elsewhere:
        serve(redirect_to=elsewhere.url)
        seen = await looks.registry(repository=f"{APP}:small")

    assert "blobs-without-tls" in found(seen, "P-28")


async def test_layers_that_nodes_cannot_reach(
    serve: Serve, looks: Looks, stored: Stored, certificates: Certificates
) -> None:
    with blob_storage(stored.storage, certificates) as elsewhere:
        serve(redirect_to=elsewhere.url)
        seen = await looks.registry(repository=f"{APP}:small")
        open_ = run("node-egress", seen)
    shut = run("node-egress", seen)

    assert found(answered(seen, {"node-egress": open_}), "P-28") == {"more-hosts": "info"}
    assert found(answered(seen, {"node-egress": shut}), "P-28") == {
        "blob-host-shut-for-nodes": "block",
        "more-hosts": "info",
    }
    assert "not reached: localhost:" in result(answered(seen, {"node-egress": shut}), "P-28").seen


async def test_layers_from_where_nobody_listens(serve: Serve, looks: Looks) -> None:
    serve(redirect_to=f"https://{LOOPBACK}:{free_port()}")
    seen = await looks.registry(repository=f"{APP}:small")

    assert found(seen, "P-28") == {"blob-host-fails": "block", "more-hosts": "info"}
    assert found(seen, "P-29") == {"pull-fails": "block"}


async def test_a_layer_that_isnt_what_its_digest_says(
    serve: Serve, looks: Looks, stored: Stored, tmp_path: Path
) -> None:
    spoilt = tmp_path / "spoilt"
    shutil.copytree(stored.storage, spoilt)
    layer = stored.images["small"].blobs[-1].partition(":")[2]
    (file,) = spoilt.rglob(f"{layer}/data")
    file.write_bytes(bytes(file.stat().st_size))
    serve(storage=spoilt)
    seen = await looks.registry(repository=f"{APP}:small")

    assert found(seen, "P-29") == {"pull-fails": "block"}
    assert "digest" in result(seen, "P-29").seen


# Pushes


async def test_pushes_that_nobody_has_tried(serve: Serve, looks: Looks) -> None:
    serve()
    seen = await looks.registry(wishes=TargetOptions(pull=False), told={"push-path": "untried"})

    assert found(seen, "P-30") == {"push-untried": "warn"}


async def test_pushes(serve: Serve, looks: Looks) -> None:
    serve(readonly=True)
    refused = await looks.registry(wishes=TargetOptions(pull=False, push=APP))

    assert found(refused, "P-30") == {"push-fails": "warn"}


@pytest.mark.parametrize(
    ("host", "severity"), [("registry.oldcloud.test", "warn"), ("uploads.newcloud.test", "info")]
)
async def test_pushes_that_are_sent_elsewhere(
    scripted: Scripted, looks: Looks, host: str, severity: str
) -> None:
    server, domain = scripted()
    place = f"https://{host}/v2/{APP}/blobs/uploads/1"
    server.on("POST", ".*/uploads/.*", Reply(202, {"Location": place}))
    seen = await looks.registry(LOOPBACK, domain=domain, wishes=TargetOptions(pull=False, push=APP))
    push = seen.evidence.push
    assert push is not None

    assert found(seen, "P-30") == {"push-elsewhere": severity}
    assert push.location == f"https://{host}:443"
