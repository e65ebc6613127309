"""What the app says of keys follows the operator's own, wherever it is said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.content import Content
from textual.widgets import Static

import transship_tui
from fakes.screen import screen_text, until
from fakes.world import WAYS, full_world, walking
from transship_tui.app import TransshipApp
from transship_tui.keys import all_keys, key_of, with_keys

SOURCES = [
    path
    for path in sorted(Path(transship_tui.__file__).parent.rglob("*.py"))
    if path.parent.name != "commands" and path.name not in ("keys.py", "plain.py")
]
"""Everything that has words for the app; the line and the step by step mode have fixed keys."""

NAMED = re.compile(r"\{([a-z][a-z-]*(?:\.[a-z-]+)?)\}")
SAID = re.compile(
    r"(?:^|[ (\n;:])(?:[a-zA-Z]|[/*\]\[]|f\d|ctrl\+\w|enter|esc|space)"
    r" (?:shows?|lists?|looks?|adds?|marks?|copies|writes|goes|does|lets|begins|explains|changes)\b"
)
"""A key, and what it does."""

FIXED = ("esc closes",)


def words_in(path: Path) -> Iterator[str]:
    """Give the texts in a file, without what documents it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, described) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in documents:
                continue
            yield node.value


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_text_names_a_key_by_itself(path: Path) -> None:
    said = [match[0] for text in words_in(path) for match in SAID.finditer(text)]
    assert [words for words in said if not words.strip().startswith(("a ", *FIXED))] == []


def test_every_key_that_a_text_names_is_one() -> None:
    known = {key.id for key in all_keys()}
    named = {name for path in SOURCES for text in words_in(path) for name in NAMED.findall(text)}
    assert {"back", "plans.preview", "jobs.resume"} <= named
    assert {name for name in named if "." in name or name in ("back", "jobs")} <= known


def test_a_key_is_put_in_as_it_is_written_on_a_keyboard() -> None:
    words = "{browse.filter} finds, {back} shows all, {no} stays"
    assert with_keys(words.replace(", {no} stays", ""), {}) == "/ finds, esc shows all"
    assert with_keys("{browse.filter} finds", {"browse.filter": "f8,x"}) == "f8 finds"
    assert key_of("help", {}) == "?"


@pytest.mark.parametrize("name", ["plans", "drift", "board", "job-list", "repositories"])
async def test_the_help_of_a_screen_names_the_keys_that_were_chosen(name: str) -> None:
    async with walking(full_world(), WAYS[name]) as walk:
        app = walk.app
        app.chosen_keys = {"list.open": "f13", "list.mark": "f14"}
        await walk.press("question_mark")
        await until(walk.pilot, lambda: "Help" in screen_text(app), "the help")
        said = "\n".join(
            each.content.plain if isinstance(each.content, Content) else str(each.content)
            for each in app.screen.query(Static)
        )
        assert "f13 " in said
        assert not re.search(r"\benter (shows|opens|changes|goes|all)\b", said)
        assert not re.search(r"\{[a-z.-]+\}", said)


async def test_a_message_names_the_keys_that_were_chosen() -> None:
    async with walking(full_world(), WAYS["one-job"]) as walk:
        app: TransshipApp = walk.app
        app.chosen_keys = {"job.freeze": "f15"}
        await walk.press("z")
        await until(walk.pilot, lambda: "f15 lets it go on" in screen_text(app), "the message")
