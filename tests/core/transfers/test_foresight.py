"""What targets would refuse is known before a byte moves: pure rules, and who is asked for what."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship import errors
from transship.oci.digest import digest_of
from transship.oci.manifest import Descriptor, Manifest
from transship.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict
from transship.registry.registry import (
    Capabilities,
    Immutable,
    MissingTarget,
    Registry,
    TargetOutlook,
    TargetStatus,
    UnknownTarget,
)
from transship.transfers.copies import Found, Verdict
from transship.transfers.preflight import Preflight, refusal
from transship.transfers.worklist import make_worklist

if TYPE_CHECKING:
    from transship.registry.registry import PreflightSource, Writes

TARGET, OTHER = "new.example", "plain.example"
NEW, OLD = digest_of(b"new"), digest_of(b"old")
ANY = Capabilities()
IMAGE = Manifest(
    OCI_MANIFEST, NEW, b"", config=Descriptor(OCI_CONFIG, digest_of(b"config"), 1), layers=()
)
INDEX = Manifest(OCI_INDEX, NEW, b"", entries=(Descriptor(OCI_MANIFEST, OLD, 1),))
PINNED = TargetStatus(immutable=(Immutable("v* never moves", lambda tag: tag.startswith("v")),))
MISSING = TargetStatus(missing=MissingTarget("project", "team"))
PROXY = TargetStatus(read_only="the project team is a proxy cache")


def found(
    tag: str = "v1", there: str | None = None, *, root: Manifest = IMAGE, at: str = TARGET
) -> Found:
    return Found(
        Reference("old.example", "team/web", tag),
        Reference(at, "team/web", tag),
        root.digest,
        there and digest_of(there.encode()),
        manifests=(root,),
    )


class Telling:
    """A target that says what it is told to, and counts what it was asked."""

    def __init__(self, *outlooks: TargetOutlook | errors.TransshipError, takes: Capabilities = ANY):
        self.capabilities = takes
        self.asked: list[dict[str, bool]] = []
        self._outlooks = list(outlooks)

    def foreseer(self) -> PreflightSource | None:
        return self

    async def look(self, writes: Writes) -> TargetOutlook:
        self.asked.append(dict(writes))
        outlook = self._outlooks.pop(0) if len(self._outlooks) > 1 else self._outlooks[0]
        if isinstance(outlook, errors.TransshipError):
            raise outlook
        return outlook


class Silent:
    """A target of which nothing can be asked, as an OCI layout folder."""

    capabilities = ANY


def foresight(target: Telling) -> Preflight:
    return Preflight({TARGET: cast("Registry", target), OTHER: cast("Registry", Silent())})


@pytest.mark.parametrize(
    ("item", "standing", "takes", "cause", "words"),
    [
        (found(), MISSING, ANY, errors.NamespaceMissing, "the project team isn't there"),
        (found(), PROXY, ANY, errors.ReadOnly, "the project team is a proxy cache"),
        (found(there="old"), PINNED, ANY, errors.ImmutableTag, "v* never moves; the target has"),
        (
            found(root=INDEX),
            TargetStatus(),
            Capabilities(refused=frozenset({OCI_INDEX})),
            errors.ManifestRejected,
            f"{OCI_INDEX} isn't taken here",
        ),
    ],
)
def test_a_refusal_names_the_target_and_the_reason(
    item: Found,
    standing: TargetStatus,
    takes: Capabilities,
    cause: type[errors.TransshipError],
    words: str,
) -> None:
    refused = refusal(item, standing, takes)

    assert type(refused) is cause
    assert refused.detail.startswith(f"{item.target}: ")
    assert words in refused.detail
    assert refused.remedy
    assert "registry's words" not in refused.remedy, "the registry hasn't said anything yet"


@pytest.mark.parametrize(
    "item",
    [
        found(),  # It isn't there yet: it may be written once.
        found("latest", "old"),
        replace(found(there="old"), target=Reference(TARGET, "team/web", digest=NEW)),
        found(there="new"),
    ],
)
def test_a_rule_about_tags_stops_only_tags_that_would_move(item: Found) -> None:
    assert refusal(item, PINNED, ANY) is None


def test_a_kind_that_is_refused_deep_in_a_tree_is_refused() -> None:
    takes = Capabilities(refused=frozenset({OCI_MANIFEST}))
    item = replace(found(root=INDEX), manifests=(IMAGE, INDEX))

    assert isinstance(refusal(item, TargetStatus(), takes), errors.ManifestRejected)


@pytest.mark.parametrize("try_refused", [False, True])
def test_a_kind_is_tried_all_the_same_where_the_plan_says_so(try_refused: bool) -> None:
    target = Silent()
    target.capabilities = Capabilities(refused=frozenset({OCI_INDEX}))
    seen = Preflight({TARGET: cast("Registry", target)}, try_refused=try_refused)

    refused = seen.refusal(found(root=INDEX))

    assert (refused is None) is try_refused
    if refused is not None:
        assert "`try_refused = true`" in refused.remedy


async def judged(target: Telling, *items: Found, on_conflict: OnConflict) -> list[Verdict]:
    seen = foresight(target)
    await seen.look(items)
    worklist = make_worklist(items, on_conflict, foresight=seen)
    return [copy.verdict for copy in worklist.copies]


@pytest.mark.parametrize(
    ("on_conflict", "verdict"),
    [
        (OnConflict.OVERWRITE, Verdict.BLOCKED),
        (OnConflict.SKIP, Verdict.SKIP),
        (OnConflict.FAIL, Verdict.CONFLICT),
    ],
)
async def test_a_tag_that_stays_by_the_plan_is_not_blocked_by_the_target(
    on_conflict: OnConflict, verdict: Verdict
) -> None:
    target = Telling(TargetOutlook({"team/web": PINNED}))

    assert await judged(target, found(there="old"), on_conflict=on_conflict) == [verdict]


@pytest.mark.parametrize(
    ("item", "verdict"),
    [
        (found(there="new"), Verdict.SAME),
        (replace(found(), unwanted="not asked for"), Verdict.SKIP),
        (replace(found(), vanished=True), Verdict.DELETE),
        (replace(found(), believed=True), Verdict.SAME),
        (replace(found(), problem=errors.TimedOut("slow")), Verdict.BLOCKED),
    ],
)
async def test_what_is_not_written_is_judged_as_ever_and_nobody_is_asked(
    item: Found, verdict: Verdict
) -> None:
    target = Telling(TargetOutlook({"team/web": MISSING}))

    assert await judged(target, item, on_conflict=OnConflict.OVERWRITE) == [verdict]
    assert target.asked == []


async def test_a_blocked_copy_needs_no_blobs_and_keeps_its_reason() -> None:
    seen = foresight(Telling(TargetOutlook({"team/web": MISSING})))
    await seen.look([found()])

    worklist = make_worklist([found()], foresight=seen)

    (copy,) = worklist.copies
    assert isinstance(copy.problem, errors.NamespaceMissing)
    assert copy.reason == str(copy.problem)
    assert len(worklist.blobs) == 0
    assert len(worklist.manifests) == 0


async def test_a_repository_is_asked_about_once_and_again_only_when_its_tags_move() -> None:
    target = Telling(TargetOutlook())
    seen = foresight(target)

    await seen.look([found("v1"), found("v2")])
    await seen.look([found("v3")])
    await seen.look([found("v4", "old"), found("v5")])
    await seen.look([found("v6", "old"), found("v7")])

    assert target.asked == [{"team/web": False}, {"team/web": True}]


class Slow(Telling):
    """A target whose answers come one after another, when the test lets them, and not before."""

    def __init__(self, *outlooks: TargetOutlook):
        super().__init__(*outlooks)
        self.answers: list[asyncio.Future[TargetOutlook]] = []

    async def look(self, writes: Writes) -> TargetOutlook:
        self.asked.append(dict(writes))
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]


async def test_who_comes_while_it_is_asked_waits_for_the_answer() -> None:
    target = Slow()
    seen = foresight(target)
    first = asyncio.create_task(seen.look([found("v1")]))
    second = asyncio.create_task(seen.look([found("v2")]))
    for _ in range(5):
        await asyncio.sleep(0)

    assert not second.done()
    (answer,) = target.answers
    answer.set_result(TargetOutlook({"team/web": MISSING}))
    await second

    assert seen.refusal(found("v2")) is not None
    await first


async def test_an_answer_that_says_less_comes_too_late_to_count() -> None:
    target = Slow()
    seen = foresight(target)
    looks = [asyncio.create_task(seen.look([found("v1", there)])) for there in (None, "old")]
    for _ in range(5):
        await asyncio.sleep(0)
    less, more = target.answers

    more.set_result(TargetOutlook({"team/web": PINNED}))
    await looks[1]
    less.set_result(TargetOutlook({"team/web": TargetStatus()}))
    await looks[0]

    assert isinstance(seen.refusal(found("v1", "old")), errors.ImmutableTag)


async def test_a_target_that_says_nothing_of_itself_refuses_nothing() -> None:
    seen = foresight(Telling(TargetOutlook({"team/web": MISSING})))
    item = found(at=OTHER)

    await seen.look([item])

    assert seen.refusal(item) is None
    assert seen.unknown == ()


async def test_what_can_not_be_known_is_named_once_per_target_and_stops_nothing() -> None:
    why = errors.NoRight("403")
    unknown = tuple(UnknownTarget("which tags are immutable", name, why) for name in "abcde")
    target = Telling(TargetOutlook(unknown=unknown), TargetOutlook(unknown=unknown[:1]))
    seen = foresight(target)

    await seen.look([found()])
    await seen.look([found(there="old")])

    (line,) = seen.unknown
    assert line.target == TARGET
    assert str(line) == ("which tags are immutable (a, b, c and 2 more): No right to do this: 403")
    assert seen.refusal(found(there="old")) is None


async def test_a_target_that_can_not_be_asked_at_all_is_named() -> None:
    seen = foresight(Telling(errors.ServerFailed("502")))

    await seen.look([found()])

    assert [str(line) for line in seen.unknown] == [
        "what it would refuse: The registry failed: 502"
    ]
    assert seen.refusal(found()) is None


standings = st.sampled_from([TargetStatus(), MISSING, PROXY, PINNED])
founds = st.builds(
    found,
    st.sampled_from(["v1", "latest"]),
    st.sampled_from([None, "new", "old"]),
    root=st.sampled_from([IMAGE, INDEX]),
)


@given(founds, standings, st.sampled_from(OnConflict))
async def test_only_what_would_be_written_is_ever_blocked_and_never_unblocked(
    item: Found, standing: TargetStatus, on_conflict: OnConflict
) -> None:
    plain = make_worklist([item], on_conflict).copies[0]
    seen = foresight(Telling(TargetOutlook({"team/web": standing})))
    await seen.look([item])

    copy = make_worklist([item], on_conflict, foresight=seen).copies[0]

    refused = refusal(item, standing, ANY)
    if plain.verdict.moves and refused is not None:
        assert (copy.verdict, copy.reason) == (Verdict.BLOCKED, str(refused))
    else:
        assert replace(copy, problem=None) == replace(plain, problem=None)
