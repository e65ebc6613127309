"""Artifact Hub is asked which registries hold a package. `servers.artifact_hub` stands in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from servers.artifact_hub import ArtifactHub as Server
from servers.artifact_hub import artifact_hub
from servers.scripted import Reply, ScriptedServer
from transship import errors
from transship.accounts.registry_file import Account, Accounts
from transship.registry.access import Access
from transship.registry.examination import examine
from transship.registry.http.exchange_log import Recorder
from transship.registry.service import service_of
from transship.services.package_catalogue import KINDS, ArtifactHub
from transship.text import safe

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[Server]:
    with artifact_hub() as server:
        yield server


@pytest.fixture
async def catalogue(server: Server, clock: FakeClock) -> AsyncIterator[ArtifactHub]:
    async with aclosing(ArtifactHub(server.host, clock=clock)) as catalogue:
        yield catalogue


async def test_a_chart_in_a_registry_is_named_with_the_images_that_it_uses(
    server: Server, catalogue: ArtifactHub
) -> None:
    server.add(
        "web",
        "1.2.3+b1",
        repository={"url": "oci://ghcr.io/acme/charts/web"},
        content_url="oci://ghcr.io/acme/charts/web:1.2.3_b1",
        containers_images=[{"name": "web", "image": "quay.io/acme/web:1.2.3"}, {"image": "redis"}],
    )

    found = await catalogue.find("web")

    (package,) = found.packages
    assert [(str(h.reference), h.holds.value) for h in package.holdings] == [
        ("ghcr.io/acme/charts/web:1.2.3_b1", "package"),
        ("quay.io/acme/web:1.2.3", "image"),
        ("docker.io/library/redis:latest", "image"),
    ]
    assert (package.name, package.version, package.kind) == ("web", "1.2.3+b1", "helm")
    assert (package.publisher, package.verified, package.content) == ("Acme", True, "")
    assert package.address == f"https://{server.host}/packages/helm/charts/web"
    assert found.total == 1


async def test_a_chart_in_an_archive_is_in_no_registry(
    server: Server, catalogue: ArtifactHub
) -> None:
    server.add("web", content_url="https://charts.example.com/web-1.0.0.tgz")

    (package,) = (await catalogue.find("web")).packages

    assert package.holdings == ()
    assert package.content == "https://charts.example.com/web-1.0.0.tgz"


async def test_an_image_is_at_the_address_of_its_repository(
    server: Server, catalogue: ArtifactHub
) -> None:
    server.add("web", "v2", kind="container", repository={"url": "oci://ghcr.io/acme/web"})

    (package,) = (await catalogue.find("web", kinds=("container",))).packages

    assert [str(h.reference) for h in package.holdings] == ["ghcr.io/acme/web:v2"]
    assert "kind=12" in server.asked[0]


async def test_no_more_is_asked_than_is_wanted(server: Server, catalogue: ArtifactHub) -> None:
    for number in range(25):
        server.add(f"web-{number}")

    found = await catalogue.find("web", most=3)

    assert [package.name for package in found.packages] == ["web-0", "web-1", "web-2"]
    assert found.total == 25
    assert len(server.asked) == 1 + 3


async def test_words_and_names_are_escaped(server: Server, catalogue: ArtifactHub) -> None:
    server.add("a/../b?c", "1/2")

    (package,) = (await catalogue.find("a/../b?c")).packages

    assert server.asked[1].endswith("/packages/helm/charts/a%2F..%2Fb%3Fc/1%2F2")
    assert package.name == "a/../b?c"


async def test_a_kind_that_is_not_known_yet_still_tells_its_address(
    server: Server, catalogue: ArtifactHub
) -> None:
    server.add("web", kind="later", repository={"url": "oci://ghcr.io/acme/web"})

    (package,) = (await catalogue.find("web")).packages

    assert (package.kind, package.address) == ("", "")
    assert "kind" in str(package.problem)
    assert [str(h.reference) for h in package.holdings] == ["ghcr.io/acme/web:1.0.0"]


async def test_nothing_of_what_strangers_write_can_steer_a_terminal(
    server: Server, catalogue: ArtifactHub
) -> None:
    evil = "web\x1b[2J\u202e\x07"
    server.add(
        evil,
        f"1{evil}",
        normalized_name="web",
        description=evil * 500,
        repository={"organization_display_name": evil, "url": f"https://{evil}"},
        containers_images=[{"image": evil}, {"image": f"quay.io/{evil}"}],
    )

    (package,) = (await catalogue.find("web")).packages

    said = (package.name, package.version, package.publisher, package.description, package.content)
    assert all(text == safe(text) for text in (*said, *package.unread, package.address))
    assert package.holdings == ()
    assert len(package.unread) == 2
    assert len(package.description) <= 300


async def test_nothing_is_signed_in_to_and_all_is_recorded(
    server: Server, clock: FakeClock
) -> None:
    server.add("web")
    recorder = Recorder(clock)
    async with aclosing(ArtifactHub(server.host, clock=clock, recorder=recorder)) as catalogue:
        await catalogue.find("web")

    assert all("authorization" not in fields for fields in server.fields)
    assert [each.status for each in recorder.exchanges()][-2:] == [200, 200]


async def test_it_waits_where_it_is_asked_to(server: Server, catalogue: ArtifactHub) -> None:
    server.add("web")
    server.broken = [429, 503]

    assert len((await catalogue.find("web")).packages) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"Content-Type": "text/html"}, b"<html>"),
        Reply(200, {}, b'{"packages": [{"name": 1}]}'),
        Reply(302, {"Location": "https://elsewhere.example"}),
        Reply(400, {}, b'{"message": "bad"}'),
    ],
)
async def test_what_is_no_catalogue_is_said(
    reply: Reply, scripted: ScriptedServer, clock: FakeClock
) -> None:
    scripted.on("GET", "/api/.*", reply)

    async with aclosing(ArtifactHub(scripted.host, clock=clock)) as catalogue:
        with pytest.raises(errors.UnexpectedAnswer):
            await catalogue.find("web")


def test_every_kind_has_its_number() -> None:
    assert (KINDS.index("helm"), KINDS.index("container"), KINDS.index("radius")) == (0, 12, 26)


class TestAsARegistry:
    """Somebody may take it for one."""

    def test_it_is_known_by_its_name(self) -> None:
        assert service_of("artifacthub.io").kind == "artifact-hub"

    @pytest.mark.parametrize(
        "account", [Account("artifacthub.io"), Account("hub.example.com", service="artifact-hub")]
    )
    def test_it_can_be_no_account(self, account: Account, tmp_path: Path) -> None:
        accounts = Accounts(tmp_path / "registries.toml")

        with pytest.raises(errors.CatalogueOnly, match="Artifact Hub") as caught:
            accounts.check(account)
        assert "transship find" in caught.value.remedy

    async def test_who_examines_it_is_told_what_it_is(self) -> None:
        seen = await examine(Access("artifacthub.io"))

        assert isinstance(seen.problem, errors.CatalogueOnly)
