"""Cutovers on disk: found by their domain, read back as they were, held by one process."""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING

import pytest

from servers.dns.knot import KEY_SECRET
from transship import errors
from transship.cutover.change.settings import (
    ManualSettings,
    PowerDnsSettings,
    ProviderSettings,
    Rfc2136Settings,
    Route53Settings,
)
from transship.cutover.domain import Domain, Resolver, Subject
from transship.cutover.folder import CutoverFolder, CutoverStore
from transship.cutover.journal import EntryKind
from transship.operator import this_operator

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = Domain("images.example.com")
SHOP = Domain("shop.example.com", 5000, "shop.example.com")


@pytest.fixture
def cutovers(tmp_path: Path) -> CutoverStore:
    return CutoverStore(tmp_path / "deep" / "cutovers")


WAYS: list[ProviderSettings] = [
    ManualSettings(),
    Rfc2136Settings("example.com", "192.0.2.53", "migrator.", 5353, "hmac-sha512"),
    PowerDnsSettings("example.com", "https://dns.example.com:8081", "srv", "/etc/ca.pem"),
    Route53Settings("Z123", "work"),
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: type(way).__name__)
def test_a_cutover_is_read_back_as_it_was_made(
    cutovers: CutoverStore, way: ProviderSettings
) -> None:
    subject = Subject(
        SHOP,
        "registry.new.example",
        old="registry.old.example:5000",
        resolvers=(Resolver("dns", "192.0.2.1", 853, "tls", "dns.example"),),
        repositories=("team/app",),
        served=(("192.0.2.53", "127.0.0.1:5300"),),
        public=False,
    )

    made = cutovers.create(subject, way, at=12.0)

    again = CutoverFolder(made.folder)
    assert (again.subject(), again.way()) == (subject, way)
    with again.journal() as journal:
        (entry,) = journal.entries()
    assert (entry.kind, entry.at, entry.by) == (EntryKind.CREATED, 12.0, this_operator())
    assert entry.read(Subject) == subject
    assert made.folder.stat().st_mode & 0o777 == 0o700


def test_the_file_is_one_that_a_person_can_read(cutovers: CutoverStore) -> None:
    made = cutovers.create(Subject(IMAGES, "registry.new.example"), WAYS[1])

    text = (made.folder / "subject.toml").read_text()

    assert tomllib.loads(text) == {
        "version": 1,
        "subject": {
            "new": "registry.new.example",
            "window": 259200.0,
            "public": True,
            "system": True,
            "ttl": 60,
            "domain": {"name": "images.example.com", "port": 443},
        },
        "change": {
            "by": "rfc2136",
            "zone": "example.com",
            "address": "192.0.2.53",
            "key": "migrator.",
            "port": 5353,
            "algorithm": "hmac-sha512",
        },
    }
    assert KEY_SECRET not in text


def test_they_are_found_by_domain_and_by_the_beginning_of_their_id(cutovers: CutoverStore) -> None:
    assert cutovers.all() == []
    first = cutovers.create(Subject(IMAGES, "a.example"))
    os.utime(first.folder / "created", (1, 1))
    second = cutovers.create(Subject(IMAGES, "b.example"))
    shop = cutovers.create(Subject(SHOP, "c.example"))
    os.utime(shop.folder / "created", (2, 2))

    assert cutovers.all() == [second, shop, first]
    assert cutovers.of("images.example.com") == [second, first]
    assert cutovers.find("images.example.com") == second
    assert cutovers.find(first.id) == first
    assert cutovers.find("shop") == shop
    for unclear in ("images", "", "nothing"):
        with pytest.raises(errors.CutoverNotFound):
            cutovers.find(unclear)


def test_one_process_at_a_time_changes_and_one_watches(cutovers: CutoverStore) -> None:
    made = cutovers.create(Subject(IMAGES, "a.example"))

    with made.locked("change"), made.locked("watch"):
        assert made.is_held("change")
        with pytest.raises(errors.CutoverBusy, match="change"), made.locked("change"):
            pass
        with pytest.raises(errors.CutoverBusy):
            cutovers.put_away(made)
    assert not made.is_held("change")


def test_one_that_is_put_away_is_in_no_list_and_loses_nothing(cutovers: CutoverStore) -> None:
    made = cutovers.create(Subject(IMAGES, "a.example"))

    away = CutoverFolder(cutovers.put_away(made))

    assert cutovers.all() == []
    assert away.subject() == Subject(IMAGES, "a.example")
    with away.journal() as journal:
        assert len(journal.entries()) == 1


@pytest.mark.parametrize(
    "text", ["version = 1", "not toml", '[subject]\nnew = "x"\nwrong = 1', "version = 2"]
)
def test_a_file_that_makes_no_sense_is_named(cutovers: CutoverStore, text: str) -> None:
    made = cutovers.create(Subject(IMAGES, "a.example"))
    (made.folder / "subject.toml").write_text(text)

    with pytest.raises(errors.BadFile, match=r"subject\.toml"):
        made.subject()


@pytest.mark.parametrize("written", ["IMAGES.Example.com.", "images.example.com:443"])
def test_a_domain_is_found_however_it_is_written(cutovers: CutoverStore, written: str) -> None:
    made = cutovers.create(Subject(IMAGES, "registry.new.example"))

    assert cutovers.find(written) == made


def test_a_domain_with_another_port_is_another_one(cutovers: CutoverStore) -> None:
    cutovers.create(Subject(SHOP, "registry.new.example"))

    assert cutovers.find("shop.example.com:5000")
    with pytest.raises(errors.CutoverNotFound):
        cutovers.find("shop.example.com:443")
