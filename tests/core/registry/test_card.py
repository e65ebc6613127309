"""The capability card: an answer to everything, and what each "no" means."""

from __future__ import annotations

from dataclasses import fields

import pytest

from transship.registry.capability_card import card_of
from transship.registry.service import Can, Fact, Facts, Service, all_services

every_service = pytest.mark.parametrize("service", all_services(), ids=lambda each: each.kind)


@every_service
def test_every_no_says_what_it_means_for_a_migration(service: Service) -> None:
    for row in card_of(service).rows:
        if row.fact.can in (Can.NO, Can.NOT_NEEDED):
            assert row.fact.means.endswith("."), row.title


@every_service
def test_what_is_bounded_says_by_what(service: Service) -> None:
    for row in card_of(service).rows:
        if row.fact.can is Can.PARTLY:
            assert row.fact.how, row.title


@every_service
def test_only_what_is_created_can_be_needless(service: Service) -> None:
    given = {field.name: getattr(service.facts, field.name) for field in fields(Facts)}
    needless = {
        name
        for name, fact in given.items()
        if isinstance(fact, Fact) and fact.can is Can.NOT_NEEDED
    }
    assert needless <= {"create"}


@every_service
def test_where_a_push_makes_the_repository_no_one_says_that_it_can_not_be_made(
    service: Service,
) -> None:
    create = service.facts.create
    assert "a push makes" not in create.means or create.can is Can.NOT_NEEDED
