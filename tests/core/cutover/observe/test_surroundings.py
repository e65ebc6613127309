"""Wildcards, owners, slips, aliases and CAA around a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servers.dns.zones import NEW, OLD
from transship.cutover.evidence import Zone
from transship.cutover.observe.surroundings import (
    aliases,
    authorities,
    misspelt,
    ownership,
    wildcard,
)
from transship.cutover.observe.walking import walk

if TYPE_CHECKING:
    from transship.cutover.evidence import Answer
    from transship.cutover.observe.asking import Asker
    from transship.cutover.subject import Resolver

IMAGES = "images.example.test"


@pytest.fixture
async def zone(asker: Asker, plain: Resolver) -> Zone:
    return await walk(asker, IMAGES, [plain], kinds=())


def found(answers: tuple[Answer, ...], kind: str) -> dict[str, tuple[str, ...]]:
    return {a.question: records.values for a in answers if (records := a.of(kind))}


async def test_a_name_beside_the_domain_tells_of_a_wildcard(asker: Asker, zone: Zone) -> None:
    clean = await wildcard(asker, zone, IMAGES)
    apex = await wildcard(asker, zone, "example.test")
    caught = await wildcard(asker, zone, "made.wild.example.test")

    assert (clean.rcode, apex.rcode) == ("NXDOMAIN", "NXDOMAIN")
    assert apex.question.endswith(".example.test")
    record = caught.of("CNAME")
    assert record is not None
    assert record.values == (OLD,)


async def test_a_controller_that_manages_the_name_shows(asker: Asker, zone: Zone) -> None:
    owned = await ownership(asker, zone, "owned.example.test")
    free = await ownership(asker, zone, IMAGES)

    assert found(owned, "TXT") == {
        "cname-owned.example.test": ('"heritage=external-dns,external-dns/owner=usc1"',)
    }
    assert found(free, "TXT") == {}


async def test_names_with_a_forgotten_dot_are_looked_for(asker: Asker, zone: Zone) -> None:
    slips = await misspelt(asker, zone, IMAGES, "registry.newcloud.test")

    assert found(slips, "CNAME") == {f"{IMAGES}.example.test": (NEW,)}
    assert [a.question for a in slips][1] == "registry.newcloud.test.example.test"
    assert len(await misspelt(asker, zone, IMAGES, "192.0.2.1")) == 1


async def test_a_branch_with_another_name_shows(asker: Asker, zone: Zone) -> None:
    above = await aliases(asker, zone, "registry.branch.example.test")

    assert found(above, "DNAME") == {"branch.example.test": ("newcloud.test.",)}
    assert [a.question for a in above] == ["branch.example.test", "example.test"]


async def test_caa_is_looked_for_on_both_sides(asker: Asker, plain: Resolver) -> None:
    both = await authorities(asker, (IMAGES, "registry.newcloud.test"), [plain])

    asked = ["images.example.test", "example.test", "test"]
    assert [a.question for a in both] == [*asked, "registry.newcloud.test", "newcloud.test"]
    assert found(both, "CAA") == {
        "example.test": ('0 issue "letsencrypt.org"',),
        "registry.newcloud.test": ('0 issue "digicert.com"',),
    }


async def test_the_link_hides_the_zones_own_caa(asker: Asker, plain: Resolver) -> None:
    domain, *_ = await authorities(asker, (IMAGES,), [plain])

    assert [(r.name, r.values) for r in domain.records if r.type == "CAA"] == [
        ("registry.oldcloud.test", ('0 issue "digicert.com"',))
    ]


async def test_without_a_server_nothing_is_known(asker: Asker) -> None:
    nowhere = Zone("example.test", (), (), ())

    assert (await wildcard(asker, nowhere, IMAGES)).error == "no server of the zone answers"
