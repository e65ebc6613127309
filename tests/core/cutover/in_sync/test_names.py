"""What a tag is called on the other side."""

from __future__ import annotations

from transship.cutover.in_sync import TargetNames
from transship.oci.reference import Reference


def names(**copied: str) -> TargetNames:
    """Return the names of copies, given as `source=target`, both `repository:tag`."""

    def tag(host: str, text: str) -> Reference:
        repository, _, name = text.partition(":")
        return Reference(host, repository, name)

    return TargetNames.of((tag("old", old), tag("new", new)) for old, new in copied.items())


def test_without_another_name_all_names_are_the_same() -> None:
    assert TargetNames().at_old(("team/app", "1")) == ("team/app", "1")
    assert names(**{"a:1": "a:1"}).at_old(("team/app", "1")) == ("team/app", "1")


def test_a_tag_that_is_pushed_later_follows_its_repository() -> None:
    known = names(**{"shop/web:1": "mirror/web:1"})
    assert known.at_old(("mirror/web", "1")) == ("shop/web", "1")
    assert known.at_old(("mirror/web", "2")) == ("shop/web", "2")
    assert known.at_old(("elsewhere", "2")) is None


def test_what_several_repositories_became_can_not_be_told_apart() -> None:
    known = names(**{"a/web:1": "web:1", "b/web:2": "web:2"})
    assert known.at_old(("web", "2")) == ("b/web", "2")
    assert known.at_old(("web", "3")) is None


def test_where_tags_have_other_names_a_new_one_has_none() -> None:
    known = names(**{"web:1": "all:web-1"})
    assert known.at_old(("all", "web-1")) == ("web", "1")
    assert known.at_old(("all", "web-2")) is None
