"""Flow files, read strictly; and where an image is in each stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from transship.errors import BadFile, BadReference, BadRequest
from transship.oci.reference import Reference, parse_reference
from transship.plans.flow import Flow, Image, Stage, parse_image, read_flow

FLOW = """\
version = 1
kind = "flow"

[[stages]]
name = "dev"
at = "old/dev"

[[stages]]
name = "test"
at = "old.example:5000/test"

[[stages]]
name = "prod"
at = "new.example"
"""
SHA = "sha256:" + "a" * 64


def resolve(text: str) -> Reference:
    return parse_reference(text.replace("old/", "old.example:5000/"))


def written(folder: Path, text: str, name: str = "shop.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str, name: str = "shop.toml") -> str:
    with pytest.raises(BadFile) as caught:
        read_flow(written(folder, text, name), resolve)
    return caught.value.detail


class TestTheFile:
    def test_stages_are_in_their_order_and_aliases_stand_for_hosts(self, tmp_path: Path) -> None:
        flow = read_flow(written(tmp_path, FLOW), resolve)

        assert flow == Flow(
            "shop",
            (
                Stage("dev", Reference("old.example:5000", "dev")),
                Stage("test", Reference("old.example:5000", "test")),
                Stage("prod", Reference("new.example")),
            ),
        )
        assert [place.registry for place in flow.places] == ["old.example:5000", "new.example"]

    def test_what_may_be_left_out(self, tmp_path: Path) -> None:
        more = FLOW.replace(
            '"flow"\n',
            '"flow"\nname = "all"\nreferrers = false\nrepositories = ["web", "api/v1"]\n',
        )

        flow = read_flow(written(tmp_path, more), resolve)

        assert (flow.name, flow.referrers) == ("all", False)
        assert flow.repositories == ("web", "api/v1")

    @pytest.mark.parametrize(
        ("before", "after", "line", "said"),
        [
            ('"flow"', '"plan"', 2, "another kind of file"),
            ("version = 1", "version = 2", 1, "version"),
            ('at = "old/dev"', 'registry = "old/dev"', 6, "was at meant?"),
            ('at = "old/dev"', "at = 7", 6, "not a text"),
            ('at = "old/dev"', 'at = "old/dev:1.0"', 6, "is one image"),
            ('at = "old/dev"', 'at = "me:hunter2@old.example/dev"', 6, "password"),
            ('name = "test"', 'name = "dev"', 9, "there is a stage dev already"),
            ('at = "old.example:5000/test"', 'at = "old/dev"', 10, "is the stage dev already"),
            ('name = "test"', 'name = "te st"', 9, "not a name"),
            ('"flow"\n', '"flow"\nrepositories = ["Web"]\n', 3, "not a repository name"),
            ('"flow"\n', '"flow"\nstage = 1\n', 3, "was stages meant?"),
            ('"flow"\n', '"flow"\nretries = 1\n', 3, "retries: belongs to a plan"),
            ('version = 1\nkind = "flow"', 'kind = "plan"', 1, "another kind of file"),
            ('"flow"\n', '"flow\n', 2, "Illegal character"),
        ],
    )
    def test_a_mistake_is_named_with_its_line(
        self, before: str, after: str, line: int, said: str, tmp_path: Path
    ) -> None:
        detail = refused(tmp_path, FLOW.replace(before, after, 1))

        assert f"shop.toml:{line}:" in detail
        assert said in detail
        assert "hunter2" not in detail

    def test_a_flow_without_stages_says_what_is_missing(self, tmp_path: Path) -> None:
        detail = refused(tmp_path, 'version = 1\nkind = "flow"\n')
        assert ":1: stages is missing; write one or more [[stages]]" in detail

    def test_one_stage_is_no_flow(self, tmp_path: Path) -> None:
        assert "two or more" in refused(tmp_path, FLOW[: FLOW.index('[[stages]]\nname = "test"')])

    def test_a_ledger_needs_a_name_that_can_be_one(self, tmp_path: Path) -> None:
        assert "name is missing" in refused(tmp_path, FLOW, "my shop.toml")

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(BadFile, match=r"none\.toml"):
            read_flow(tmp_path / "none.toml", resolve)


class TestImages:
    def test_are_named_as_all_stages_know_them(self) -> None:
        assert parse_image("team/web:1.4") == (Image("team/web", "1.4"), None)
        assert parse_image(f"web:1.4@{SHA}") == (Image("web", "1.4"), SHA)

    @pytest.mark.parametrize("text", ["web", f"web@{SHA}", "web:", ":1", "Web:1", "web:1@sha256:1"])
    def test_have_a_repository_and_a_tag(self, text: str) -> None:
        with pytest.raises(BadReference):
            parse_image(text)

    def test_are_below_the_path_of_each_stage(self) -> None:
        at_the_path = Stage("dev", Reference("old.example", "dev"))
        at_the_top = Stage("prod", Reference("new.example"))

        assert str(at_the_path.reference("team/web", "1")) == "old.example/dev/team/web:1"
        assert str(at_the_top.reference("team/web", "1")) == "new.example/team/web:1"
        assert at_the_path.below("dev/team/web") == "team/web"
        assert at_the_path.below("dev") is at_the_path.below("develop/web") is None
        assert at_the_top.below("team/web") == "team/web"


def test_a_repository_belongs_to_the_stage_with_the_longest_path() -> None:
    top, below = Stage("a", Reference("r.example")), Stage("b", Reference("r.example", "b"))
    flow = Flow("f", (top, below))

    assert flow.repository_at(top, "web") == "web"
    assert flow.repository_at(top, "b/web") is None
    assert flow.repository_at(below, "b/web") == "web"


def test_a_flow_with_repositories_has_no_others() -> None:
    stages = Stage("a", Reference("a.example")), Stage("b", Reference("b.example"))
    flow = Flow("f", stages, repositories=("web",))

    assert flow.repository_at(stages[0], "web") == "web"
    assert flow.repository_at(stages[0], "api") is None


def test_a_stage_that_is_not_there_is_answered_with_those_that_are() -> None:
    stages = Stage("a", Reference("a.example")), Stage("b", Reference("b.example"))

    with pytest.raises(BadRequest) as caught:
        Flow("f", stages).number_of("c")
    assert "a, b" in caught.value.remedy
