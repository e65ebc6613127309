"""What refers to an image: what is asked for it, and whose problem is whose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moving.memory import FakeClock, MemoryPlace
from samples.manifests import artifact, image
from transship import errors
from transship.oci.reference import parse_reference
from transship.plans.plan import Plan, Wanted
from transship.transfers.inventory import take_inventory

if TYPE_CHECKING:
    from transship.oci.digest import Digest
    from transship.oci.manifest import Descriptor, Manifest
    from transship.registry.registry import ManifestHead
    from transship.transfers.copies import Found

SOURCE, TARGET = "old.example", "new.example"
SIGNED = image("signed").manifest
SIGNATURES = [artifact(f"signature {number}").manifest for number in range(3)]


class Listing(MemoryPlace):
    """A place with the API for referrers, which notes the digests that it is asked for by HEAD."""

    def __init__(self, name: str, *, lists: list[Manifest], holds: list[Manifest]) -> None:
        super().__init__(name)
        self.heads: list[str] = []
        self._lists = [manifest.descriptor() for manifest in lists]
        self.manifests["app"] |= {"v1": SIGNED} | {each.digest: each for each in (SIGNED, *holds)}

    async def referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...]:
        """Return the list."""
        return tuple(self._lists) if (repository, digest) == ("app", SIGNED.digest) else ()

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
        """Return what is there."""
        self.heads.append(reference)
        return await super().head_manifest(repository, reference)


async def found_between(source: MemoryPlace, target: MemoryPlace) -> list[Found]:
    """Look at the one tag, and what refers to it."""
    pair = Wanted(parse_reference(f"{SOURCE}/app:v1"), parse_reference(f"{TARGET}/app:v1"))
    places = {SOURCE: source, TARGET: target}
    return list((await take_inventory(Plan((pair,)), places, FakeClock())).found)


async def test_what_the_source_lists_is_asked_for_at_the_target_only() -> None:
    source = Listing(SOURCE, lists=SIGNATURES, holds=SIGNATURES)
    target = Listing(TARGET, lists=SIGNATURES[:2], holds=SIGNATURES[:2])

    found = await found_between(source, target)

    assert source.heads == ["v1"]
    assert sorted(target.heads) == sorted(["v1", *(each.digest for each in SIGNATURES)])
    assert [item.target_digest == item.digest for item in found] == [True, True, True, False]
    assert [item.media_type for item in found[1:]] == [each.media_type for each in SIGNATURES]


async def test_one_that_only_the_target_has_and_does_not_list_leaves_the_others_alone() -> None:
    lost, *kept = SIGNATURES
    source = Listing(SOURCE, lists=SIGNATURES, holds=kept)
    target = Listing(TARGET, lists=[], holds=SIGNATURES)

    _, *referrers = await found_between(source, target)

    assert [item.digest for item in referrers] == [each.digest for each in SIGNATURES]
    assert [type(item.problem) for item in referrers] == [
        errors.ManifestNotFound,
        type(None),
        type(None),
    ]
    assert lost.digest == referrers[0].digest
