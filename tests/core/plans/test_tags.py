"""Which tags a filter takes, and why not the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadPattern, BadRange
from transship.oci.artifact import Artifact
from transship.oci.digest import digest_of, fallback_tag
from transship.plans.catalogue import TagFacts
from transship.plans.plan import NewestBy, TagFilter
from transship.plans.tag_filter import Sifted, TagSieve, is_referrer_tag

NOW = 1_700_000_000.0
DAY = 86_400.0
FALLBACK = fallback_tag(digest_of(b"an image"))
ODD = ["latest", "Latest", "LATEST", "1.0,1.1", "9" * 120, "007", "1.02", "1.2", "v1.2", "_x"]


def sift(
    tags: list[str],
    wanted: TagFilter,
    facts: Mapping[str, TagFacts] | None = None,
    *,
    artifacts: frozenset[Artifact] = frozenset(),
) -> Sifted:
    known = {("web", tag): fact for tag, fact in (facts or {}).items()}
    return TagSieve(wanted, NOW, artifacts=artifacts).sift("web", tags, known)


def reasons(sifted: Sifted) -> dict[str, str]:
    return {tag: reason.why for tag, reason in sifted.dropped.items()}


def days_old(**ages: float) -> dict[str, TagFacts]:
    return {tag: TagFacts(created=NOW - age * DAY) for tag, age in ages.items()}


def test_an_empty_filter_takes_every_tag_however_odd() -> None:
    assert sift(ODD, TagFilter()).kept == tuple(ODD)


def test_each_step_gives_its_reason() -> None:
    wanted = TagFilter(include=("v*", "r*"), exclude=("*-rc*",), semver=">=1.2 <3")
    tags = ["v1.2", "latest", "v1.3-rc1", "rolling", "v3.0", "v2.0-beta", "v1.5_b7"]
    sifted = sift(tags, wanted)
    assert sifted.kept == ("v1.2", "v1.5_b7")
    assert reasons(sifted) == {
        "latest": "isn't v*, r*",
        "v1.3-rc1": "excluded by *-rc*",
        "rolling": "not a version",
        "v3.0": "outside >=1.2 <3",
        "v2.0-beta": "a pre-release",
    }


def test_prereleases_come_along_when_asked_for() -> None:
    assert sift(["2.0-beta"], TagFilter(semver=">=1", prereleases=True)).kept == ("2.0-beta",)


def test_case_counts() -> None:
    assert sift(ODD, TagFilter(include=("L*",))).kept == ("Latest", "LATEST")


def test_a_mark_in_include_leaves_out() -> None:
    sifted = sift(["v1", "v1-rc"], TagFilter(include=("v*", "!*-rc")))
    assert (sifted.kept, reasons(sifted)) == (("v1",), {"v1-rc": "excluded by *-rc"})


def test_what_is_named_is_taken_beside_the_rest() -> None:
    wanted = TagFilter(include=("v*",), exact=("latest", "v1-rc"), exclude=("*-rc",))
    assert sift(["v1", "v1-rc", "latest", "edge"], wanted).kept == ("v1", "v1-rc", "latest")


@pytest.mark.parametrize(
    "wanted",
    [TagFilter(exact=("latest",)), TagFilter(digests=(digest_of(b"x"),), exact=("latest",))],
)
def test_a_filter_with_nothing_but_names_takes_nothing_else(wanted: TagFilter) -> None:
    sifted = sift(["latest", "v1"], wanted)
    assert (sifted.kept, reasons(sifted)) == (("latest",), {"v1": "not among what is named"})


def test_a_comma_tag_is_no_list() -> None:
    assert sift(["1.0,1.1", "1.0"], TagFilter(exact=("1.0",))).kept == ("1.0",)
    with pytest.raises(BadPattern, match="several"):
        TagSieve(TagFilter(include=("1.0,1.1",)), NOW)


@pytest.mark.parametrize("suffix", ["", ".sig", ".att", ".sbom"])
def test_what_is_about_an_image_goes_with_it(suffix: str) -> None:
    tag = FALLBACK + suffix
    assert is_referrer_tag(tag)
    sifted = sift(["v1", tag], TagFilter())
    assert (sifted.kept, reasons(sifted)) == (
        ("v1",),
        {tag: "goes with the image that it is about"},
    )
    assert sift([tag], TagFilter(exact=(tag,))).kept == (tag,)


def test_where_referrers_stay_it_is_said() -> None:
    sifted = TagSieve(TagFilter(), NOW, referrers=False).sift("web", [FALLBACK], {})
    assert reasons(sifted) == {FALLBACK: "is about an image, and referrers stay"}


@pytest.mark.parametrize("tag", ["sha256-abc", "sha256", f"v1-{FALLBACK}", FALLBACK.upper()])
def test_what_only_looks_like_it_is_a_tag_like_others(tag: str) -> None:
    assert not is_referrer_tag(tag)
    assert sift([tag], TagFilter()).kept == (tag,)


def test_a_rule_for_signatures_alone_takes_their_tags() -> None:
    tags = [f"{FALLBACK}.sig", f"{FALLBACK}.sbom", FALLBACK]
    sifted = sift(tags, TagFilter(), artifacts=frozenset({Artifact.SIGNATURE}))
    assert sifted.kept == (f"{FALLBACK}.sig",)


def test_the_wrong_sort_of_artifact_is_dropped_when_it_is_known() -> None:
    facts = {"v1": TagFacts(artifact=Artifact.CHART), "v2": TagFacts(artifact=Artifact.IMAGE)}
    sifted = sift(["v1", "v2", "v3"], TagFilter(), facts, artifacts=frozenset({Artifact.IMAGE}))
    assert (sifted.kept, reasons(sifted)) == (("v2", "v3"), {"v1": "is a Helm chart"})


def test_who_asks_for_sboms_alone_is_told_that_those_attached_to_an_image_go_with_it() -> None:
    facts = {"v1": TagFacts(artifact=Artifact.IMAGE), "bom": TagFacts(artifact=Artifact.SBOM)}
    sifted = sift(["v1", "bom"], TagFilter(), facts, artifacts=frozenset({Artifact.SBOM}))
    words = "is an image; what is attached to it goes only with it"
    assert (sifted.kept, reasons(sifted)) == (("bom",), {"v1": words})


@pytest.mark.parametrize(
    ("since", "words"),
    [(90 * DAY, "90 days"), (DAY, "1 day"), (7200.0, "2 hours"), (60.0, "1 minute"), (1.5, "1.5")],
)
def test_too_old_is_said_as_it_was_asked(since: float, words: str) -> None:
    facts = {"old": TagFacts(created=NOW - since - 1), "new": TagFacts(created=NOW - since)}
    sifted = sift(["old", "new"], TagFilter(since=since), facts)
    assert sifted.kept == ("new",)
    assert reasons(sifted)["old"].startswith(f"older than {words}")


def test_since_can_be_a_moment() -> None:
    wanted = TagFilter(since=1_577_836_800.0, since_is_moment=True)
    facts = {"old": TagFacts(created=1_577_836_799.0), "new": TagFacts(created=1_577_836_800.0)}
    assert reasons(sift(["old", "new"], wanted, facts)) == {"old": "created before 2020-01-01"}
    later = replace(wanted, since=1_577_840_400.0)
    assert reasons(sift(["old"], later, facts)) == {"old": "created before 2020-01-01 01:00 UTC"}


def test_what_is_not_known_is_needed_and_what_cant_be_known_is_dropped() -> None:
    sifted = sift(["a", "b"], TagFilter(since=DAY), {"b": TagFacts(examined=True)})
    assert sifted.needed == ("a",)
    assert reasons(sifted) == {"b": "doesn't say when it was created"}


def test_only_what_the_name_lets_through_is_needed() -> None:
    wanted = TagFilter(include=("v*",), since=DAY)
    sifted = sift(["v1", "latest"], wanted)
    assert (sifted.needed, set(sifted.dropped)) == (("v1",), {"latest"})


def test_the_newest_by_creation() -> None:
    sifted = sift(["a", "b", "c"], TagFilter(newest=2), days_old(a=3, b=1, c=2))
    assert (sifted.kept, reasons(sifted)) == (("b", "c"), {"a": "not among the newest 2"})


def test_what_has_no_time_is_the_oldest() -> None:
    facts = {**days_old(a=3), "b": TagFacts(examined=True)}
    assert sift(["b", "a"], TagFilter(newest=1), facts).kept == ("a",)


def test_the_newest_need_no_look_when_all_are_taken() -> None:
    assert sift(["a", "b"], TagFilter(newest=2)).kept == ("a", "b")


def test_the_newest_wait_for_those_that_may_be_newer() -> None:
    facts = days_old(a=1, b=2, c=3)
    sifted = sift(["a", "b", "c", "x"], TagFilter(newest=2), facts)
    assert sifted.kept == ("a",)
    assert set(sifted.dropped) == {"c"}
    assert sifted.needed == ("b", "x")


def test_the_newest_by_version() -> None:
    wanted = TagFilter(newest=2, newest_by=NewestBy.VERSION)
    sifted = sift(["v1.9", "v1.10", "latest", "v2-rc", "1.2.3"], wanted)
    assert sifted.kept == ("v1.9", "v1.10")
    assert reasons(sifted) == {
        "latest": "not a version",
        "v2-rc": "a pre-release",
        "1.2.3": "not among the newest 2",
    }


def test_huge_numbers_and_leading_zeros_are_ordered_as_numbers() -> None:
    wanted = TagFilter(newest=2, newest_by=NewestBy.VERSION)
    assert sift(["9" * 120, "007", "8"], wanted).kept == ("9" * 120, "8")


def test_of_the_same_version_the_one_that_says_more_is_newer() -> None:
    wanted = TagFilter(newest=1, newest_by=NewestBy.VERSION)
    assert sift(["1", "1.0.0", "1.0"], wanted).kept == ("1.0.0",)


def test_what_is_named_doesnt_count_among_the_newest() -> None:
    wanted = TagFilter(newest=1, exact=("a",))
    assert sift(["a", "b", "c"], wanted, days_old(a=1, b=2, c=3)).kept == ("a", "b")


def test_the_newest_by_version_of_those_young_enough() -> None:
    wanted = TagFilter(newest=1, newest_by=NewestBy.VERSION, since=5 * DAY)
    facts = {"1": TagFacts(created=NOW), "3": TagFacts(created=NOW - 9 * DAY)}
    sifted = sift(["1", "2", "3"], wanted, facts)
    assert (set(sifted.dropped), sifted.needed) == ({"3"}, ("1", "2"))
    facts["2"] = TagFacts(created=NOW)
    assert sift(["1", "2", "3"], wanted, facts).kept == ("2",)


def test_a_bad_filter_is_refused_at_once() -> None:
    with pytest.raises(BadRange):
        TagSieve(TagFilter(semver="newest"), NOW)
    with pytest.raises(BadPattern):
        TagSieve(TagFilter(exclude=("[",)), NOW)


TAGS = st.lists(
    st.sampled_from([*ODD, "v1", "v2", "v2-rc", "v10", "a", "b", FALLBACK, f"{FALLBACK}.sig"]),
    unique=True,
)
FACTS = st.builds(
    TagFacts,
    created=st.none() | st.integers(0, 20).map(lambda days: NOW - days * DAY),
    examined=st.booleans(),
    artifact=st.none() | st.sampled_from(Artifact),
)
PATTERNS = st.lists(st.sampled_from(["v*", "*-rc", "[a-z]", "regex:.*1", "!v1"]), max_size=2)
FILTERS = st.builds(
    TagFilter,
    include=PATTERNS.map(tuple),
    exclude=PATTERNS.map(tuple),
    semver=st.sampled_from(["", "", ">=1", "<3 || >=9"]),
    prereleases=st.booleans(),
    newest=st.none() | st.integers(0, 4),
    newest_by=st.sampled_from(NewestBy),
    since=st.none() | st.integers(0, 20).map(lambda days: days * DAY),
    exact=st.lists(st.sampled_from(["v1", "b", "gone"]), max_size=2).map(tuple),
)
CASES = st.tuples(TAGS, FILTERS, st.dictionaries(st.sampled_from([*ODD, "v1", "v2", "a"]), FACTS))
KINDS = st.frozensets(st.sampled_from(Artifact), max_size=2)


@given(CASES, KINDS)
def test_each_tag_is_kept_dropped_or_needed(
    case: tuple[list[str], TagFilter, dict[str, TagFacts]], artifacts: frozenset[Artifact]
) -> None:
    tags, wanted, facts = case
    sifted = sift(tags, wanted, facts, artifacts=artifacts)
    parts = [*sifted.kept, *sifted.dropped, *sifted.needed]
    assert sorted(parts) == sorted(tags)
    assert list(sifted.kept) == [tag for tag in tags if tag in sifted.kept]
    assert {tag for tag in tags if tag in wanted.exact} <= set(sifted.kept)


@given(CASES, st.data())
def test_knowing_more_changes_nothing_that_was_decided(
    case: tuple[list[str], TagFilter, dict[str, TagFacts]], data: st.DataObject
) -> None:
    tags, wanted, facts = case
    before = sift(tags, wanted, facts)
    more = dict(facts)
    for tag in before.needed:
        if not facts.get(tag, TagFacts()).examined and facts.get(tag, TagFacts()).created is None:
            more[tag] = replace(data.draw(FACTS), examined=True)
    after = sift(tags, wanted, more)
    assert not after.needed
    assert set(before.kept) <= set(after.kept)
    assert set(before.dropped) <= set(after.dropped)


@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_tags_decides_nothing(
    case: tuple[list[str], TagFilter, dict[str, TagFacts]], random: object
) -> None:
    tags, wanted, facts = case
    mixed = list(tags)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    one, other = sift(tags, wanted, facts), sift(mixed, wanted, facts)
    assert set(one.kept) == set(other.kept)
    assert reasons(one) == reasons(other)
