"""All tools: recognised by content, read by the strict reader, and no secret anywhere."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.configs import FOLDER, SECRET, from_text, imported
from transship.errors import BadFile, UsageError
from transship.oci.reference import Reference
from transship.plans.encode import document_text, encode_plan
from transship.plans.file import plan_in, read_plan, write_plan
from transship.plans.importers.draft import one_for_each
from transship.plans.importers.importer import import_files, tools
from transship.plans.plan import Plan

FILES = {
    ("transfer-rule.yaml",): "image-transfer",
    ("transfer-rule.yaml", "registry-secret.yaml"): "image-transfer",
    ("registry-secret.yaml",): "image-transfer",
    ("tencentcloud-secret.yaml",): "image-transfer",
    ("image-syncer-images.yaml",): "image-syncer",
    ("image-syncer-images.json", "image-syncer-auth.json"): "image-syncer",
    ("image-syncer-config.json",): "image-syncer",
    ("skopeo-sync.yaml",): "skopeo",
    ("regsync.yaml",): "regsync",
    ("dregsy.yaml",): "dregsy",
}


def test_every_sample_is_tried() -> None:
    assert {name for names in FILES for name in names} == {file.name for file in FOLDER.iterdir()}


@pytest.mark.parametrize(("names", "tool"), FILES.items())
def test_a_tool_is_recognised_by_what_is_in_its_files(names: tuple[str, ...], tool: str) -> None:
    assert imported(*names, to="new.example").tool == tool
    assert imported(*names, to="new.example", tool=tool).tool == tool


@pytest.mark.parametrize("names", FILES)
def test_the_plan_is_read_as_it_was_written(names: tuple[str, ...], tmp_path: Path) -> None:
    found = imported(*names, to="new.example/m")
    if found.plan is None:
        return
    path = tmp_path / "plan.toml"
    write_plan(path, found.plan)
    assert read_plan(path) == found.plan


@pytest.mark.parametrize("names", FILES)
def test_no_secret_is_in_the_plan_or_in_words(names: tuple[str, ...], tmp_path: Path) -> None:
    found = imported(*names, to="new.example/m")
    written = repr(found)
    if found.plan:
        write_plan(tmp_path / "plan.toml", found.plan)
        written += (tmp_path / "plan.toml").read_text()
    assert SECRET not in written
    assert "alice" not in written
    for login in found.secrets:
        assert login.secret not in written


@pytest.mark.parametrize("names", FILES)
def test_notes_stand_in_the_order_of_the_files(names: tuple[str, ...]) -> None:
    found = imported(*names, to="new.example/m")
    order = [(names.index(note.file), note.line) for note in found.notes]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("old.example/t/web: new.example/t/web", "image-transfer"),
        ('old.example/t/web: ""', "image-transfer"),
        ("old.example/t/web: [new.example/t/web]", "image-syncer"),
        ("old.example/t/web: new.example/t/web:1,2", "image-syncer"),
        ("old.example/t/web: $MIRROR/t/web", "image-syncer"),
        ("old.example/t/web:/v.*/: new.example/t/web", "image-syncer"),
        ("sync: []", "regsync"),
        ("tasks: []", "dregsy"),
    ],
)
def test_one_entry_may_tell(text: str, tool: str) -> None:
    assert from_text(text).tool == tool


@pytest.mark.parametrize("text", ["name: web", "[1, 2]", "text", "a: {b: {c: d}}", "sync: later"])
def test_what_is_of_no_tool_is_refused(text: str) -> None:
    with pytest.raises(BadFile, match="is no file of") as error:
        from_text(text)
    assert "--from" in error.value.remedy


def test_files_of_two_tools_are_refused() -> None:
    with pytest.raises(BadFile, match="different tools"):
        imported("regsync.yaml", "dregsy.yaml")


def test_an_account_has_one_sign_in() -> None:
    text = """
        old.example: {username: a, password: one}
        old.example/team: {username: b, password: two}
        new.example/team: {username: c, password: three}
        two.example/x: {username: d, password: four}
        two.example/y: {username: e, password: five}
        """
    chosen = one_for_each(from_text(text).secrets)
    assert {host: login and login.secret for host, login in chosen.items()} == {
        "old.example": "one",
        "new.example": "three",
        "two.example": None,
    }


WORDS = """
    old.example old.example/a/b new.example/c:1 a/b x:1 1.0 v.* ( true 1 $X {{x}} regex:a.*
    regex:a,b @ / linux/amd64 60 1h keep >=1 semver:^1 image repository registry
"""
words = st.sampled_from(["", f"sha256:{'a' * 64}", *WORDS.split()])
values = st.recursive(words | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=4)


def mapping(keys: str, inner: st.SearchStrategy[object] = values) -> st.SearchStrategy[object]:
    return st.dictionaries(st.sampled_from(keys.split()), values | inner, max_size=9)


tag_sets = mapping("semverRange allow deny")
steps = mapping(
    "source source target target type type tags tagSets repos platform platforms interval schedule",
    tag_sets | st.lists(tag_sets, max_size=2),
)
creds = mapping("registry user pass tls reqConcurrent")
ends = mapping("registry auth skip-tls-verify lister")
mappings = st.lists(mapping("from from to tags tags platform digests"), max_size=3)
tasks = mapping("name interval source source target target mappings mappings", ends | mappings)
registries = mapping(
    "images images-by-tag-regex images-by-semver credentials tls-verify",
    st.dictionaries(words, values, max_size=3),
)
documents = st.one_of(
    st.dictionaries(words, values, max_size=6),
    st.dictionaries(words, mapping("username password insecure"), max_size=3),
    st.fixed_dictionaries({"images": st.dictionaries(words, values, max_size=6)}),
    st.fixed_dictionaries({"sync": st.lists(steps, max_size=3), "creds": st.lists(creds)}),
    st.fixed_dictionaries({"tasks": st.lists(tasks, max_size=3)}),
    st.dictionaries(words, registries, max_size=3),
)


@given(documents, st.sampled_from(["", *tools()]))
def test_any_file_makes_a_plan_that_can_be_read_or_is_refused_in_words(
    document: dict[str, object], tool: str
) -> None:
    files = [("any.json", json.dumps(document).encode())]
    with suppress(UsageError):
        found = import_files(files, tool=tool, to=Reference("to.example", "m"))
        if found.plan is not None:
            text = document_text(encode_plan(found.plan))
            assert parsed(text) == found.plan


def parsed(text: str) -> Plan:
    """Return the plan in a text; what the strict reader refuses is a failure here."""
    try:
        return plan_in(text, Path("plan.toml"))
    except BadFile as error:
        raise AssertionError(f"{error.detail} in {text}") from error
