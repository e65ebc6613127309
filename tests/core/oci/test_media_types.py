"""Media types: the kinds don't overlap, and what is asked for can be told apart."""

from __future__ import annotations

import pytest

from transship.oci.media_types import (
    ACCEPTED,
    CONFIGS,
    FOREIGN_LAYERS,
    IMAGES,
    INDEXES,
    MANIFESTS,
    SCHEMA1,
    UNSUPPORTED,
    bare,
)


def test_the_kinds_do_not_overlap() -> None:
    kinds = [IMAGES, INDEXES, UNSUPPORTED, CONFIGS, FOREIGN_LAYERS]

    assert sum(map(len, kinds)) == len(frozenset().union(*kinds))


def test_everything_that_can_be_read_or_named_is_asked_for() -> None:
    assert set(ACCEPTED) == MANIFESTS | SCHEMA1
    assert len(set(ACCEPTED)) == len(ACCEPTED)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.index.v1+json; charset=utf-8",
        " Application/VND.oci.image.index.v1+JSON ;x",
    ],
)
def test_parameters_and_case_do_not_matter(content_type: str) -> None:
    assert bare(content_type) in INDEXES
