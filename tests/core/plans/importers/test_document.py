"""YAML and JSON of others: text stays text, every value has its line, and nothing blows up."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadFile
from transship.plans.importers.document import MOST_BYTES, DocumentValue, read_document


def read(text: str | bytes) -> DocumentValue:
    return read_document("file.yaml", text.encode() if isinstance(text, str) else text)


def refused(text: str | bytes) -> str:
    with pytest.raises(BadFile) as error:
        read(text)
    assert error.value.detail.startswith("file.yaml")
    return error.value.detail


@pytest.mark.parametrize("tag", ["1.10", "1e3", "0x10", "010", "on", "2024-01-01", "1_000", "~x"])
def test_a_tag_stays_as_it_is_written(tag: str) -> None:
    assert read(f"tags: [{tag}, '{tag}']").get("tags").texts() == (tag, tag)


def test_every_value_knows_its_place() -> None:
    value = read("a: 1\nsync:\n  - source: x\n    tags:\n      allow: [y, z]\n")
    deny = value.get("sync").sequence()[0].get("tags").get("allow").sequence()[1]
    assert (deny.line, deny.path) == (5, "sync[0].tags.allow[1]")
    assert value.get("sync").line == 2
    assert value.get("sync").sequence()[0].get("tags").get("nothing").is_empty


def test_an_anchor_stands_where_it_is_used_and_merges_fill_in() -> None:
    value = read("x: &a {one: 1, two: 2}\ny:\n  <<: *a\n  two: 3\nz: *a\n")
    assert {key: each.words() for key, each in value.get("y").mapping().items()} == {
        "one": "1",
        "two": "3",
    }
    assert value.get("z").line == 5


def test_of_several_merges_the_first_counts() -> None:
    value = read("a: &a {n: 1}\nb: &b {n: 2, m: 2}\nc: {<<: [*a, *b]}\n")
    assert value.get("c").get("n").words() == "1"
    assert value.get("c").get("m").words() == "2"


def test_json_may_be_indented_with_tabs() -> None:
    value = read('{\n\t"auth":\t{"a": "x\\ty", "b": "\\ud83d\\ude00\\/"}\n}')
    assert value.get("auth").get("a").words() == "x\ty"
    assert value.get("auth").get("b").words() == "😀/"
    assert value.get("auth").line == 2


# YAML takes no bare DEL or C1 controls, which JSON writers leave as they are.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"))


# A key that is longer than 1,024 characters, escapes included, is none to YAML.
keys = texts.filter(lambda key: key != "<<" and len(json.dumps(key)) < 1000)


@given(st.dictionaries(keys, texts, max_size=5))
def test_json_is_read_as_json_reads_it(document: dict[str, str]) -> None:
    value = read(json.dumps(document, indent="\t"))
    assert {key: each.words() for key, each in value.mapping().items()} == document


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\na: 2\n", "line 2: the same key stands there twice"),
        ("a: [1\n", "line 2"),
        ("a: *nobody\n", "line 1: found undefined alias …"),
        ("a: [b, c\nd: e\n", "line 2: expected ',' or ']', but got ':'"),
        ("a:\n  - b\n c", "line 3: expected <block end>, but found '<scalar>'"),
        ("a: !secret x\n", "line 1: a YAML tag that isn't allowed"),
        ("a: !!python/object/apply:os.system [x]\n", "line 1: a YAML tag that isn't allowed"),
        ("? [a, b]\n: c\n", "line 1: a key that isn't text"),
        ("a: {<<: 1}\n", "line 1: << takes mappings only"),
        ("a: 1\n---\nb: 2\n", "line 2"),
        ("", "it is empty"),
        ("a: \x00", "characters that YAML doesn't allow"),
        (b"a: \xff", "it isn't text (byte 3)"),
        ("[" * 5000, "nested too deeply"),
        (f"a: {'[' * 60}{']' * 60}", "nested too deeply"),
        ("a: &a [*a]", "nested too deeply"),
        ("a: &a {<<: *a}", "nested too deeply"),
        (b"a" * (MOST_BYTES + 1), "more than 2 MiB"),
    ],
)
def test_what_can_t_be_read_is_refused_in_words(text: str | bytes, why: str) -> None:
    assert why in refused(text)


@pytest.mark.parametrize("template", ["a{0}: &a{0} [{1}]\n", "a{0}: &a{0} {{<<: [{1}]}}\n"])
def test_anchors_that_multiply_are_stopped(template: str) -> None:
    bomb = "a0: &a0 {x: x}\n" + "".join(
        template.format(n, ", ".join([f"*a{n - 1}"] * 9)) for n in range(1, 30)
    )
    assert "more than 200,000 values" in refused(bomb)


@pytest.mark.parametrize(
    "text",
    [
        "a: *hunter2",
        "a: !hunter2 x",
        "pass: 'x\nb: hunter2",
        "hunter2: @",
        "{a: hunter2",
        "- hunter2: - x",
    ],
)
def test_no_message_quotes_a_value(text: str) -> None:
    assert "hunter2" not in refused(text)


@pytest.mark.parametrize(
    ("text", "ask", "why"),
    [
        ("a: [1]", "words", "line 1: a has to be text"),
        ("a: {b: 1}", "sequence", "line 1: a has to be a list"),
        ("a: secret", "mapping", "line 1: a has to be a mapping"),
        ("a: secret", "flag", "line 1: a has to be true or false"),
        ("a: [[1]]", "texts", "line 1: a[0] has to be text"),
    ],
)
def test_a_value_of_another_kind_is_an_error_with_its_place(text: str, ask: str, why: str) -> None:
    with pytest.raises(BadFile) as error:
        getattr(read(text).get("a"), ask)()
    assert why in error.value.detail
    assert "secret" not in error.value.detail


def test_nothing_reads_as_nothing() -> None:
    value = read("a:\nb: ''\n").get("a")
    assert (value.words("x"), value.texts(), value.sequence(), dict(value.mapping())) == (
        "x",
        (),
        (),
        {},
    )
    assert value.flag(default=True)
    assert read("a: Yes").get("a").flag()


def test_the_repr_of_a_value_hides_what_it_says() -> None:
    assert "hunter2" not in repr(read("a: hunter2\nb: [hunter2]"))


@given(st.text(alphabet="ab:- {}[]&*!|>'\"%@#\n\t,", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadFile):
        read(text)
