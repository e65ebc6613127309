"""What the tests of transfers share beside the registries of all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.api_registry import api_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.registry import Registry


@pytest.fixture(scope="package", name="api_registry")
def registry_with_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with a referrers API."""
    with api_registry(tmp_path_factory.mktemp("api")) as registry:
        yield registry


@pytest.fixture(scope="package")
def other_api_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Another one."""
    with api_registry(tmp_path_factory.mktemp("other-api")) as registry:
        yield registry
