"""The same images as the tool would copy: imported plans, tried on what a registry lists."""

from __future__ import annotations

from samples.configs import DIGEST, from_text, imported
from transship.plans.catalogue import Catalogue
from transship.plans.importers.draft import Imported
from transship.plans.selection import select_tags

TAGS = ("latest", "v1.0", "v1.2.0", "v1.2.0-rc.1", "v2.0.0", "3.12.1", "3.11.0", "edge", "dev")


def selected(found: Imported, **repositories: tuple[str, ...]) -> set[str]:
    """Return the pairs that a plan selects from one registry, shortened to what is after hosts."""
    assert found.plan
    [source] = found.plan.sources
    tags = {name.replace("__", "/"): listed for name, listed in repositories.items()}
    selection = select_tags(found.plan, {source.registry: Catalogue(source.registry, tags)}, 0.0)
    assert not selection.needed + selection.impossible + selection.missing
    pairs = (each.wanted for each in selection.chosen)
    return {f"{pair.source} {pair.target}".replace(".example", "") for pair in pairs}


def test_regsync_takes_a_union_of_sets_and_denies_within_each() -> None:
    found = from_text(
        """
        sync:
          - source: old.example/t/web
            target: new.example/m/web
            type: repository
            tags: {semverRange: [">=1.0.0 <2.0.0"], deny: [".*-rc.*"]}
            tagSets: [{allow: [latest, "ed.*"]}, {semverRange: ["^2"]}]
        """
    )
    assert selected(found, t__web=TAGS, t__api=TAGS) == {
        f"old/t/web:{tag} new/m/web:{tag}" for tag in ("v1.0", "v1.2.0", "latest", "edge", "v2.0.0")
    }


def test_regsync_takes_a_registry_but_for_what_is_denied() -> None:
    found = from_text(
        """
        sync:
          - source: old.example
            target: new.example
            type: registry
            repos: {allow: ["team/.*", base], deny: [".*-tmp"]}
        """
    )
    listed = selected(
        found,
        team__web=("1",),
        team__web__x=("1",),
        **{"team__a-tmp": ("1",)},
        base=("1",),
        b=("1",),
    )
    assert listed == {f"old/{name}:1 new/{name}:1" for name in ("team/web", "team/web/x", "base")}


def test_skopeo_keeps_the_last_part_of_a_name() -> None:
    found = from_text(
        """
        old.example:
          images: {team/web: [], team/db: [v1.0]}
          images-by-tag-regex: {team/api: '^v1\\.'}
          images-by-semver: {team/base: ">= 3.12.0"}
        """,
        to="new.example/m",
    )
    assert selected(
        found, team__web=("a", "b"), team__db=TAGS, team__api=TAGS, team__base=TAGS
    ) == {
        "old/team/web:a new/m/web:a",
        "old/team/web:b new/m/web:b",
        "old/team/db:v1.0 new/m/db:v1.0",
        "old/team/api:v1.0 new/m/api:v1.0",
        "old/team/api:v1.2.0 new/m/api:v1.2.0",
        "old/team/api:v1.2.0-rc.1 new/m/api:v1.2.0-rc.1",
        "old/team/base:3.12.1 new/m/base:3.12.1",
    }


def test_image_syncer_gives_tags_new_names_in_order() -> None:
    found = from_text(
        """
        old.example/t/api:v1.0,edge: new.example/t/api:rel,next
        old.example/t/job:/v[0-9]/: [new.example/t/job, new.example/jobs/j]
        """
    )
    assert selected(found, t__api=TAGS, t__job=("dev", "v1", "rv2")) == {
        "old/t/api:v1.0 new/t/api:rel",
        "old/t/api:edge new/t/api:next",
        "old/t/job:v1 new/t/job:v1",
        "old/t/job:rv2 new/t/job:rv2",
        "old/t/job:v1 new/jobs/j:v1",
        "old/t/job:rv2 new/jobs/j:rv2",
    }


def test_image_transfer_takes_tags_and_whole_repositories() -> None:
    found = from_text(
        """
        old.example/t/web:v1.0,edge: new.example/x/web
        old.example/t/api: ""
        old.example/t/flat:dev: new.example/flatten:stable
        """,
        to="new.example/m",
    )
    assert selected(found, t__web=TAGS, t__api=("a", "b"), t__flat=TAGS, other=TAGS) == {
        "old/t/web:v1.0 new/x/web:v1.0",
        "old/t/web:edge new/x/web:edge",
        "old/t/api:a new/m/t/api:a",
        "old/t/api:b new/m/t/api:b",
        "old/t/flat:dev new/flatten:stable",
    }


def test_dregsy_takes_what_any_of_its_filters_takes() -> None:
    found = from_text(
        f"""
        tasks:
          - name: x
            source: {{registry: old.example}}
            target: {{registry: new.example}}
            mappings:
              - {{from: t/web, tags: ['semver: >=1.0.0 <2.0.0', 'regex: ed.*', dev], platform: all}}
              - {{from: 'regex:team/.*', to: m, tags: ['regex: !v.*'], platform: all}}
              - {{from: t/pin, digests: ['{DIGEST}'], platform: all}}
        """
    )
    # A digest is taken unlisted.
    assert selected(found, t__web=TAGS, team__a__b=("v1", "1"), t__pin=("1",)) == {
        *(f"old/t/web:{tag} new/t/web:{tag}" for tag in ("v1.0", "v1.2.0", "v1.2.0-rc.1")),
        "old/t/web:edge new/t/web:edge",
        "old/t/web:dev new/t/web:dev",
        "old/team/a/b:1 new/m/team/a/b:1",
        f"old/t/pin@{DIGEST} new/t/pin@{DIGEST}",
    }


def test_the_samples_select_without_a_clash() -> None:
    found = imported("image-syncer-images.json")
    assert len(selected(found, t__web=("1",), t__api=("v1", "v2", "v3"))) == 4
