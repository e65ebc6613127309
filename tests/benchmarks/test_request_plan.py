"""How many requests the side-by-side benchmark allows: the numbers here are counted by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from sidebyside import scenarios
from sidebyside.images import MEBIBYTE, Image, Noise
from sidebyside.request_plan import Requests, plan_of, planned

from transship.registry.registry import Capabilities

if TYPE_CHECKING:
    from random import Random

BASE, OWN, OTHER, NEW = (Noise(name, 1000) for name in ("base", "own", "other", "new"))
V1 = Image("app", "v1", (BASE, OWN))
V2 = Image("app", "v2", (BASE, OTHER))
MOVED = Image("app", "v2", (BASE, NEW))
BESIDE = Image("beside", "v1", (BASE, OWN))


def test_what_is_new_is_read_once_and_written_once() -> None:
    plan = plan_of([V1, V2])

    # Who is there, the API for referrers, one list of tags, two manifests; three layers and two
    # configs.
    assert plan.source == 1 + 1 + 1 + 2 + 5
    # Who is there, what each tag is; five blobs begun and ended, two manifests.
    assert plan.target == 1 + 2 + 5 * 2 + 2


def test_a_blob_of_two_repositories_is_sent_to_one_and_mounted_into_the_other() -> None:
    plan = plan_of([V1, BESIDE])

    assert plan.source == 1 + 1 + 2 + 2 + 4
    # Two layers and a config of each go up; the same two layers are mounted.
    assert plan.target == 1 + 2 + 4 * 2 + 2 + 2


def test_what_is_unchanged_is_asked_for_once_at_each_side() -> None:
    plan = plan_of([V1, V2, BESIDE], [V1, V2, BESIDE])

    assert plan == Requests(source=1 + 1 + 2 + 3, target=1 + 3)


def test_a_tag_that_has_moved_is_read_again_and_each_of_its_blobs_is_asked_for() -> None:
    plan = plan_of([V1, MOVED], [V1, V2])

    # Two tags, the manifest of the one that moved, its new layer and its new config.
    assert plan.source == 1 + 1 + 1 + 2 + 1 + 2
    # Two tags; is the base, the layer, the config there? Two aren't. The manifest.
    assert plan.target == 1 + 2 + 3 + 2 + 1


def test_a_tag_that_the_target_lacks_is_read_and_not_asked_for_first() -> None:
    plan = plan_of([V1, V2], [V1])

    assert plan.source == 1 + 1 + 1 + 2 + 2
    assert plan.target == 1 + 2 + 3 + 2 + 1


def test_an_index_takes_its_children_and_its_signature_along() -> None:
    plan = plan_of([Image("app", "v1", (BASE,), platforms=2, signed=True)])

    # The base; a layer and a config for each platform; the signature and its config of nothing.
    blobs = 1 + 2 * 2 + 2
    # The index and two children; the list of referrers and the signature that it lists.
    assert plan.source == 1 + 1 + 1 + (1 + 2) + (1 + 1) + blobs
    # The tag and the signature are asked for; index, children and signature are written; so is the
    # list, once it was read.
    assert plan.target == 1 + 2 + blobs * 2 + (1 + 2 + 1) + 2


def test_a_large_blob_takes_a_request_for_each_piece() -> None:
    takes = Capabilities(whole_limit=64 * MEBIBYTE, piece=32 * MEBIBYTE)
    whole, pieces = (Image("app", "v1", (Noise("it", size * MEBIBYTE),)) for size in (63, 100))

    # A hundred are three pieces, and what is left.
    assert plan_of([pieces], takes=takes).target == plan_of([whole], takes=takes).target + 4
    assert plan_of([pieces], takes=takes).source == plan_of([whole], takes=takes).source


def test_where_blobs_go_up_in_one_request_no_piece_is_counted() -> None:
    small, large = (Image("app", "v1", (Noise("it", size * MEBIBYTE),)) for size in (1, 512))
    takes = Capabilities(piece=0)

    assert plan_of([large], takes=takes) == plan_of([small], takes=takes)


def test_the_scenarios_need_as_many_requests_as_the_reference_says() -> None:
    small, again, delta = (
        next(each for each in scenarios.full() if each.name == name)
        for name in ("small", "again", "delta")
    )

    # 300 repositories, 900 tags; a layer of each repository, two of each tag, and its config.
    blobs = 300 + 900 * 3
    assert planned(small, trusts=False) == Requests(
        2 + 300 + 900 + blobs, 1 + 900 + 2 * blobs + 900
    )
    assert planned(again, trusts=False) == Requests(2 + 300 + 900, 1 + 900)
    assert planned(again, trusts=True) == Requests(2 + 300 + 900, 0)
    # 45 tags have moved, each with a layer and a config that are new, of four blobs.
    assert planned(delta, trusts=False) == Requests(
        2 + 300 + 900 + 45 + 45 * 2, 1 + 900 + 45 * (4 + 2 + 1)
    )


images = st.lists(
    st.builds(
        Image,
        st.sampled_from(["app", "beside"]),
        st.sampled_from(["v1", "v2", "v3"]),
        st.lists(st.sampled_from([BASE, OWN, OTHER, NEW]), min_size=1, max_size=3).map(tuple),
        st.integers(1, 3),
        st.booleans(),
    ),
    unique_by=lambda image: (image.repository, image.tag),
)


@given(images, images, st.randoms())
def test_the_order_of_the_images_changes_nothing(
    wanted: list[Image], there: list[Image], order: Random
) -> None:
    plan = plan_of(wanted, there)

    order.shuffle(wanted)
    order.shuffle(there)

    assert plan_of(wanted, there) == plan


@given(images, st.data())
def test_the_more_the_target_has_the_less_is_to_be_asked(
    wanted: list[Image], data: st.DataObject
) -> None:
    there = data.draw(st.lists(st.sampled_from(wanted), unique=True)) if wanted else []
    plan, whole = plan_of(wanted, there), plan_of(wanted)

    assert plan.source <= whole.source
    assert plan.target <= whole.target


@given(images)
def test_a_second_run_asks_for_no_blob_and_writes_nothing(wanted: list[Image]) -> None:
    plan = plan_of(wanted, wanted)

    signatures = sum(image.signed for image in wanted)
    repositories = {image.repository for image in wanted}
    assert plan.source == 2 + len(repositories) + len(wanted) + signatures
    assert plan.target == 1 + len(wanted) + 2 * signatures
