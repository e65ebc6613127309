"""Paths, tags, layers and whole images."""

from __future__ import annotations

from dataclasses import replace

from cutovers.clean import (
    CLEAN,
    FLIPPED,
    NAME,
    SAID,
    case,
    finding,
    found,
    result,
    said,
    shake,
)
from transship.cutover.evidence import Parity, PathProbe, Pull, TagPair
from transship.cutover.finding import CheckOutcome

MISSING = TagPair("team/app", "1", "sha256:a", "")
OTHER = TagPair("team/app", "2", "sha256:a", "sha256:b")
NEWER = TagPair("team/app", "3", "", "sha256:c")


def test_a_path_without_a_namespace_cant_exist_at_the_target() -> None:
    flat = PathProbe("app", "1.0", error="repository-not-found: app")
    seen = finding(case(paths=(flat,)), "P-26", "namespace-missing")

    assert f"{NAME}/app has no namespace" in seen.seen
    assert f"{NAME}/NAMESPACE/app" in seen.remedy


def test_a_path_that_isnt_there_or_not_allowed_blocks() -> None:
    gone = PathProbe("team/app", "1.0", error="manifest-not-found")
    late = PathProbe("app", "sha256:0", error="timed-out")

    assert found(case(paths=(gone,)), "P-26") == {"path-missing": "block"}
    assert "team/app:1.0" in finding(case(paths=(gone,)), "P-26", "path-missing").seen
    assert found(case(paths=(late,)), "P-26") == {"path-missing": "block"}
    assert "app@sha256:0" in finding(case(paths=(late,)), "P-26", "path-missing").seen
    assert result(case(paths=()), "P-26").outcome is CheckOutcome.OPEN


def test_tags_that_are_missing_or_differ_block() -> None:
    all_three = case(parity=Parity(3, (MISSING, OTHER, NEWER)))

    assert found(all_three, "P-27") == {
        "tags-missing": "block",
        "tags-different": "block",
        "tags-only-new": "info",
    }
    assert (
        "1 tag is not at the new registry: team/app:1."
        in finding(all_three, "P-27", "tags-missing").seen
    )


def test_tags_that_couldnt_be_compared_stay_open() -> None:
    assert result(case(parity=Parity(3, (), error="no-right")), "P-27").outcome is CheckOutcome.OPEN
    assert result(case(parity=Parity(0, ())), "P-27").outcome is CheckOutcome.OPEN
    assert result(case(parity=None), "P-27").outcome is CheckOutcome.OPEN


def test_why_nothing_was_compared_is_said_where_the_comparison_is_missing() -> None:
    refused = result(case(parity=Parity(0, (), error="connection-refused: old.test")), "P-27")

    assert refused.needs.endswith("of both registries: connection-refused: old.test")


def pulled(**more: object) -> Pull:
    return replace(CLEAN.evidence.pulls[0], **more)  # type: ignore[arg-type]


def test_other_hosts_that_a_pull_needs_are_told_to_be_copied() -> None:
    other = pulled(hosts=(f"{NAME}:443", "blobs.cos.example:443"))
    seen = finding(case(pulls=(other,)), "P-28", "more-hosts")

    assert seen.severity.value == "info"
    assert seen.record == "blobs.cos.example:443"


def test_what_nodes_say_of_the_way_there_counts() -> None:
    other = (pulled(hosts=(f"{NAME}:443", "blobs.cos.example:443")),)
    shut = (*SAID, said("node-egress", "not reached: blobs.cos.example:443\ndone"))
    open_ = (*SAID, said("node-egress", "reached: blobs.cos.example:443\ndone"))

    assert found(case(pulls=other, statements=shut), "P-28") == {
        "blob-host-shut-for-nodes": "block",
        "more-hosts": "info",
    }
    assert found(case(pulls=other, statements=open_), "P-28") == {"more-hosts": "info"}


def test_layers_without_tls_or_from_a_host_that_fails_block() -> None:
    insecure = pulled(insecure_redirects=("http://blobs.example:80",))
    failing = replace(shake("9.9.9.9", error="timeout", chain=()), name="blobs.example")

    assert found(case(pulls=(insecure,)), "P-28") == {"blobs-without-tls": "block"}
    assert found(case(needed=(failing,)), "P-28") == {"blob-host-fails": "block"}
    assert found(case(needed=(failing, replace(failing, error=""))), "P-28") == {}


def test_a_pull_that_fails_blocks() -> None:
    assert found(case(pulls=(pulled(error="digest-mismatch: x"),)), "P-29") == {
        "pull-fails": "block"
    }
    assert result(case(pulls=()), "P-29").outcome is CheckOutcome.OPEN
    assert "P-26" not in result(case(pulls=()), "P-29").needs
    absent = (PathProbe("team/app", "1.4", error="NameNotFound: team/app"),)
    for check in ("P-28", "P-29"):
        needs = result(case(pulls=(), paths=absent), check).needs
        assert needs == "a whole image pulled from the target; none is there yet (P-26)"


def test_after_the_change_what_was_left_behind_is_asked_about() -> None:
    after = case(**FLIPPED, parity=Parity(3, (MISSING, OTHER, NEWER)))

    assert found(after, "V-03") == {
        "pushed-to-old": "warn",
        "pushed-to-both": "warn",
        "tags-only-new": "info",
    }
    assert "Nothing is overwritten" in finding(after, "V-03", "pushed-to-both").remedy
    assert result(case(), "V-03").outcome is CheckOutcome.OPEN


def test_where_rounds_tell_who_has_pushed_nobody_is_asked() -> None:
    known = Parity(3, (OTHER, NEWER), to_old=(OTHER,), to_new=(NEWER,))
    after = case(**FLIPPED, parity=known)

    assert found(after, "V-03") == {"pushed-to-old": "warn", "tags-only-new": "info"}
