"""skopeo judges the sandbox: it reads the samples, and carries them from the old to the new."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import skopeo
from servers.registry import Registry
from transship.oci.digest import digest_of
from transship.sandbox.sandbox import Sandbox, sandbox_in_thread


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_in_thread(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(scope="module")
def old(sandbox: Sandbox) -> Registry:
    return Registry(f"http://{sandbox.old.host}")


@pytest.fixture(scope="module")
def new(sandbox: Sandbox) -> Registry:
    credential = sandbox.accesses["new"].credential
    assert credential is not None
    return Registry(f"http://{sandbox.new.host}", credential.username, credential.secret)


def test_it_reads_every_tag(sandbox: Sandbox, old: Registry) -> None:
    store = sandbox.old.store
    for repository in store.repositories():
        place = f"docker://{old.host}/{repository}"
        assert skopeo.list_tags(place, old) == store.tags(repository)
        for tag in store.tags(repository):
            manifest = store.find_manifest(repository, tag)
            assert manifest is not None
            assert skopeo.inspect_raw(f"{place}:{tag}", old) == manifest.body


@pytest.mark.parametrize(
    "image", ["team/web:2.0", "team/web:1.4.1", "docs/site:latest", "tools/chart:0.3.1"]
)
def test_it_carries_an_image_from_the_old_to_the_new(
    old: Registry, new: Registry, image: str
) -> None:
    source, target = (f"docker://{registry.host}/{image}" for registry in (old, new))

    skopeo.copy(source, target, old, new)

    assert skopeo.inspect_raw(target, new) == skopeo.inspect_raw(source, old)


def test_it_brings_what_it_wrote_back_to_a_folder(
    old: Registry, new: Registry, tmp_path: Path
) -> None:
    source = f"docker://{old.host}/team/api:1.0"
    target = f"docker://{new.host}/copies/api:1.0"
    skopeo.copy(source, target, old, new)

    skopeo.copy(target, f"oci:{tmp_path}/layout:1.0", new)

    index = json.loads((tmp_path / "layout" / "index.json").read_bytes())
    assert index["manifests"][0]["digest"] == digest_of(skopeo.inspect_raw(source, old))


def test_it_is_not_let_in_without_the_password(new: Registry) -> None:
    stranger = Registry(new.url)
    intruder = Registry(new.url, new.username, "wrong")

    for registry in (stranger, intruder):
        with pytest.raises(skopeo.SkopeoError):
            skopeo.list_tags(f"docker://{new.host}/team/web", registry)


def test_it_mounts_what_is_there(sandbox: Sandbox, old: Registry, new: Registry) -> None:
    source = f"docker://{old.host}/base/runtime:3.12"
    skopeo.copy(source, f"docker://{new.host}/base/runtime:3.12", old, new)
    before = len(sandbox.new.requests)

    skopeo.copy(f"docker://{new.host}/base/runtime:3.12", f"docker://{new.host}/base/copy:1", new)

    sent = list(sandbox.new.requests)[before:]
    assert any(request.status == 201 and "mount=" in request.query for request in sent)
