"""Plan files that a person and the app both write: what isn't changed stays, byte for byte."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.any_plan import plans, rules
from transship.errors import BadFile, FileChanged
from transship.oci.reference import Reference, parse_reference
from transship.plans.edit import rewritten
from transship.plans.encode import Spelling, document_text, encode_plan
from transship.plans.file import PlanFile, plan_in
from transship.plans.plan import Deletion, Kind, Limits, OnConflict, Plan, Rule, Schedule

TEXT = """\
# The shop's images.

version = 1
kind = "sync"
referrers=true    # signatures too

# What we build.
[[rules]]
to = ["new/mirror", "backup"]   # both
from = 'old'
repositories = [
    "team/**",    # ours
    "!team/tmp-*",
]
tags = { include = ["v*"], newest = 20 }  # enough

# What others build.
[[rules]]
from = "hub/library"
to = "new/hub"

[rules.tags]
since = 2026-01-31   # the freeze

# Not too often.
[schedule]
every = "600s"

# The old one is slow.
[limits.old]
concurrency = 8   # measured
window = "22:00-06:00"
# The end.
"""
ALIASES = {
    "old": "old.example:5000",
    "new": "new.example",
    "backup": "backup.example",
    "hub": "docker.io",
}


def with_aliases(text: str) -> Reference:
    name, slash, rest = text.partition("/")
    return parse_reference(ALIASES.get(name, name) + slash + rest)


def plan_file(text: str = TEXT) -> PlanFile:
    return PlanFile(Path("shop.toml"), text, plan_of(text), with_aliases)


def plan_of(text: str) -> Plan:
    return plan_in(text, Path("shop.toml"), with_aliases)


def lines_changed(before: str, after: str) -> tuple[set[str], set[str]]:
    """Return the lines that are in one text only."""
    old, new = set(before.splitlines()), set(after.splitlines())
    return old - new, new - old


def with_rule(plan: Plan, number: int, **changes: object) -> Plan:
    rules = list(plan.rules)
    rules[number] = replace(rules[number], **changes)
    return replace(plan, rules=tuple(rules))


def test_one_option_changes_one_line() -> None:
    file = plan_file()

    edited = file.replaced(replace(file.plan, on_conflict=OnConflict.SKIP, referrers=False))

    gone, come = lines_changed(TEXT, edited.text)
    assert gone == {"referrers=true    # signatures too"}
    assert come == {"referrers=false    # signatures too", 'on_conflict = "skip"'}
    assert edited.text.startswith("# The shop's images.\n\nversion = 1\n")


def test_a_rule_changes_where_it_stands_and_no_other_does() -> None:
    file = plan_file()
    tags = replace(file.plan.rules[0].tags, newest=5)

    edited = file.replaced(with_rule(file.plan, 0, tags=tags, repositories=("team/**", "!x")))

    gone, come = lines_changed(TEXT, edited.text)
    assert gone == {
        'tags = { include = ["v*"], newest = 20 }  # enough',
        '    "!team/tmp-*",',
    }
    assert come == {'tags = { include = ["v*"], newest = 5 }  # enough', '    "!x",'}


def test_new_places_are_called_as_the_file_calls_their_registry() -> None:
    file = plan_file()
    targets = (Reference("backup.example", "deep"), Reference("third.example"))

    edited = file.replaced(with_rule(file.plan, 1, targets=targets))
    assert 'to = ["backup/deep", "third.example"]' in edited.text

    named = file.replaced(
        with_rule(file.plan, 1, targets=targets), Spelling(lambda _: "third.example")
    )
    assert named.plan == edited.plan


def test_a_table_under_its_own_header_is_changed_there() -> None:
    file = plan_file()
    tags = replace(file.plan.rules[1].tags, include=("v*",))

    edited = file.replaced(with_rule(file.plan, 1, tags=tags))

    assert '[rules.tags]\nsince = 2026-01-31   # the freeze\ninclude = ["v*"]\n' in edited.text


def test_rules_move_with_their_comments() -> None:
    file = plan_file()
    first, second = file.plan.rules

    edited = file.replaced(replace(file.plan, rules=(second, first)))

    assert sorted(edited.text.split("\n")) == sorted(TEXT.split("\n"))
    assert edited.text.index("# What others build.\n[[rules]]") < edited.text.index(
        "# What we build.\n[[rules]]"
    )


def test_a_rule_goes_with_its_comment_and_the_next_one_keeps_its_own() -> None:
    file = plan_file()

    plan = replace(file.plan, rules=file.plan.rules[1:])
    with pytest.raises(BadFile, match=r"limits\.old: no rule reads from it"):
        file.replaced(plan)

    edited = file.replaced(plan.without_idle_limits())

    begins, ends = TEXT.index("# What others"), TEXT.index("# The old one")
    assert "# What we build." not in edited.text
    assert edited.text.rstrip().endswith(TEXT[begins:ends].rstrip())


def test_a_new_rule_stands_behind_the_others() -> None:
    file = plan_file()
    rule = Rule(Reference("old.example:5000", "more"), (Reference("new.example"),))

    edited = file.replaced(replace(file.plan, rules=(*file.plan.rules, rule)))

    added = '[[rules]]\nfrom = "old/more"\nto = "new"\n\n# Not too often.'
    assert added in edited.text
    assert lines_changed(TEXT, edited.text)[0] == set()


def test_policies_come_change_and_go() -> None:
    file = plan_file()
    limits = {**file.plan.limits, "new.example": Limits(rate=10**7)}

    edited = file.replaced(replace(file.plan, schedule=Schedule(cron="0 3 * * *"), limits=limits))
    assert '# Not too often.\n[schedule]\ncron = "0 3 * * *"\n' in edited.text
    assert edited.text.endswith('# The end.\n\n[limits.new]\nrate = "10 MB/s"\n')

    bare = edited.replaced(replace(edited.plan, schedule=None, limits={}))
    assert "[schedule]" not in bare.text
    assert "[limits" not in bare.text
    assert bare.text.startswith(TEXT[: TEXT.index("# Not too often.")].rstrip())

    again = bare.replaced(edited.plan)
    assert '[schedule]\ncron = "0 3 * * *"\n\n[limits.old]\n' in again.text


def test_what_is_written_without_headers_is_changed_there() -> None:
    text = (
        'version = 1\nkind = "sync"\nschedule.every = "10m"  # often\n'
        "rules = [\n"
        '  { from = "old/a", to = "new" },  # first\n'
        '  { from = "old/b", to = "new" },  # second\n'
        "]\n"
        'limits = { old = { rate = "1 MB/s" } }\n'
    )
    file = plan_file(text)
    plan = replace(
        file.plan,
        schedule=Schedule(every=60),
        limits={"old.example:5000": Limits(rate=2), "new.example": Limits(concurrency=1)},
    )

    edited = file.replaced(with_rule(plan, 1, map="flatten"))

    assert 'schedule.every = "1m"  # often' in edited.text
    assert '  { from = "old/a", to = "new" },  # first\n' in edited.text
    assert "# second" in edited.text
    assert edited.plan == plan_of(edited.text)


def test_a_plan_that_becomes_another_kind_is_written_as_one() -> None:
    file = plan_file()
    kept = tuple(
        replace(rule, tags=Rule(rule.source, rule.targets).tags) for rule in file.plan.rules
    )
    plan = replace(file.plan, kind=Kind.REPLICATION, rules=kept, delete=Deletion(0.1, ("x",)))

    edited = file.replaced(plan)

    assert edited.plan == plan == plan_of(edited.text)
    assert "# What others build.\n" in edited.text
    assert '[delete]\nat_most = "10%"\nprotect = ["x"]\n' in edited.text


def test_line_ends_stay_what_they_are() -> None:
    text = TEXT.replace("\n", "\r\n")
    file = plan_file(text)

    edited = file.replaced(replace(file.plan, retries=3, schedule=None))

    assert edited.text.count("\n") == edited.text.count("\r\n")


def test_tables_of_one_rule_that_stand_apart_are_left_to_their_writer() -> None:
    text = 'version = 1\nkind = "sync"\n[[rules]]\nfrom = "old"\nto = "new"\n'
    file = plan_file(text + '[schedule]\nevery = "1m"\n[rules.tags]\nnewest = 3\n')

    with pytest.raises(BadFile, match="stand apart") as refused:
        file.replaced(replace(file.plan, retries=3))
    assert "by hand" in refused.value.remedy


def test_a_plan_that_no_file_can_say_is_refused() -> None:
    file = plan_file()
    same = replace(file.plan.rules[0], targets=(file.plan.rules[0].source,))

    with pytest.raises(BadFile, match="from and to are the same"):
        file.replaced(replace(file.plan, rules=(same,)))


def test_the_same_plan_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode())
    before = path.stat()

    file = PlanFile.load(path, with_aliases)
    saved = file.replaced(plan_of(TEXT)).save()

    assert saved.is_saved
    assert path.read_bytes() == TEXT.replace("\n", "\r\n").encode()
    assert path.stat().st_ino == before.st_ino


def test_what_somebody_else_changed_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(TEXT)
    file = PlanFile.load(path, with_aliases)
    edited = file.replaced(replace(file.plan, retries=1))
    assert not edited.is_saved

    path.write_text(TEXT + "# mine\n")
    with pytest.raises(FileChanged):
        edited.save()
    assert path.read_text() == TEXT + "# mine\n"

    path.write_text(TEXT)
    assert edited.save().is_saved
    assert path.read_text() == edited.text
    assert PlanFile.load(path, with_aliases).plan == edited.plan


def commented(text: str) -> str:
    """Put a comment of its own behind each line, and one above each header."""
    lines = []
    for number, line in enumerate(text.splitlines()):
        if line.startswith("["):
            lines.append(f"# above {number}")
        lines.append(f"{line}  # beside {number}" if line else line)
    return "\n".join(lines) + "\n"


@settings(max_examples=50)
@given(plan=plans(), comments=st.booleans())
def test_saving_what_has_not_changed_gives_the_same_bytes(plan: Plan, comments: bool) -> None:
    text = document_text(encode_plan(plan))
    text = commented(text) if comments else text
    file = PlanFile(Path("shop.toml"), text, plan, parse_reference)

    assert file.replaced(replace(plan, retries=plan.retries)).text == text
    there = file.replaced(replace(plan, retries=plan.retries + 1))
    assert there.replaced(plan).plan == plan


@settings(max_examples=50)
@given(old=plans(), new=plans())
def test_any_plan_can_be_put_in_the_place_of_any_other(old: Plan, new: Plan) -> None:
    file = PlanFile(
        Path("shop.toml"), commented(document_text(encode_plan(old))), old, parse_reference
    )

    edited = file.replaced(new)

    assert edited.plan == new
    assert PlanFile.new(file.path, new).plan == new
    assert tomllib.loads(edited.text)


@settings(max_examples=50)
@given(old=plans(), new=plans())
def test_sections_can_be_written_anew_where_their_text_can_t_be_changed(
    old: Plan, new: Plan
) -> None:
    text = commented(document_text(encode_plan(old)))

    edited = rewritten(text, encode_plan(old), encode_plan(new), afresh=True)

    assert plan_in(edited, Path("shop.toml")) == new


def test_a_section_that_is_written_anew_keeps_the_comment_above_it() -> None:
    text = (
        '# Head.\nversion = 1\nkind = "sync"\n\n'
        '# First.\n[[rules]]\nfrom = "a.example"  # here\nto = "b.example"\n\n'
        '# Second.\n[[rules]]\nfrom = "c.example"  # there\nto = "b.example"\n'
    )
    old = plan_in(text, Path("shop.toml"))
    new = with_rule(replace(old, schedule=Schedule(every=60)), 0, map="flatten")

    edited = rewritten(text, encode_plan(old), encode_plan(new), afresh=True)

    assert (
        edited
        == text.replace("  # here", "").replace(
            'to = "b.example"\n\n', 'to = "b.example"\nmap = "flatten"\n\n'
        )
        + '\n[schedule]\nevery = "1m"\n'
    )


@settings(max_examples=50)
@given(plan=plans((Kind.SYNC,)), rule=rules(selecting=True), data=st.data())
def test_all_comments_of_other_rules_survive_a_change_of_one(
    plan: Plan, rule: Rule, data: st.DataObject
) -> None:
    plan = replace(plan, limits={})
    text = commented(document_text(encode_plan(plan)))
    file = PlanFile(Path("shop.toml"), text, plan, parse_reference)
    number = data.draw(st.integers(0, len(plan.rules) - 1))

    edited = file.replaced(
        replace(plan, rules=(*plan.rules[:number], rule, *plan.rules[number + 1 :]))
    )

    blocks = re.split(r"(?=# above)", text)
    others = [block for place, block in enumerate(blocks) if place != number + 1]
    kept = [block for block in others if block.rstrip() not in edited.text]
    assert not kept or plan.rules.count(plan.rules[number]) > 1
