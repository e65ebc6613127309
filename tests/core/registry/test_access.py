from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from transship.errors import NotALayout
from transship.oci.reference import parse_reference
from transship.registry.access import Access, open_distribution, open_registry
from transship.registry.credential import Credential, Tls
from transship.registry.distribution import DistributionRegistry
from transship.registry.layout import LayoutRegistry

if TYPE_CHECKING:
    from pathlib import Path

ACCESS = Access(
    "registry.example.com:5000",
    tls=Tls(plain_http=True, ca_file="/srv/ключ.pem"),
    credential=Credential("<token>", "line\none", identity=True),
    service="harbor",
    repositories=("team/web", "team/api"),
)


@pytest.mark.parametrize("access", [ACCESS, Access("docker.io"), Access("layout:/srv/images")])
def test_an_access_goes_through_a_pipe_as_one_line(access: Access) -> None:
    line = access.encode()
    assert b"\n" not in line
    assert Access.decode(line) == access


@pytest.mark.parametrize("data", [b"", b'{"host": 3}', b"{}", ACCESS.encode()[:-1]])
def test_what_came_only_in_part_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError) as caught:
        Access.decode(data)
    assert "line" not in str(caught.value)


def test_the_secret_is_not_in_the_repr() -> None:
    assert "line" not in repr(ACCESS)


async def test_a_registry_is_opened_as_the_service_that_it_is() -> None:
    registry = open_distribution(ACCESS)
    assert (registry.name, registry.service.kind) == (ACCESS.host, "harbor")
    await registry.aclose()
    place = open_registry(parse_reference("public.ecr.example/x/y"))
    assert isinstance(place, DistributionRegistry)
    await place.aclose()


async def test_an_access_opens_its_own_registry_only() -> None:
    with pytest.raises(ValueError, match=r"not for other\.example"):
        open_registry(parse_reference("other.example/team/web"), ACCESS)


async def test_a_folder_is_opened_and_made_when_that_is_asked(tmp_path: Path) -> None:
    reference = parse_reference(f"layout:{tmp_path}/images//team/web")
    with pytest.raises(NotALayout):
        open_registry(reference)
    place = open_registry(reference, create=True)
    assert isinstance(place, LayoutRegistry)
    await place.aclose()
