"""Plan files: what is written is read as the same, and what can't be meant is refused by line."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from hypothesis import given

from planning.any_plan import plans
from transship.errors import BadFile, SystemRefused
from transship.oci.platform import Platform
from transship.oci.reference import Reference, parse_reference
from transship.plans.file import plan_in, read_plan, write_plan
from transship.plans.plan import Kind, Plan, Terms, wanted
from transship.registry.registry import CreationOptions, Visibility

COPY_HEAD = 'version = 1\nkind = "copy"\n'
COPY = '[[copies]]\nfrom = "a.example/web"\nto = "b.example/web"\n'
HEAD = 'version = 1\nkind = "sync"\n'
RULE = '[[rules]]\nfrom = "a.example"\nto = "b.example"\n'
REPLICATION = f'version = 1\nkind = "replication"\n{RULE}'


def with_aliases(text: str) -> Reference:
    name, slash, rest = text.partition("/")
    hosts = {"old": "old.example:5000", "new": "new.example", "hub": "docker.io"}
    return parse_reference(hosts.get(name, name) + slash + rest)


def read(text: str, tmp_path: Path) -> Plan:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return read_plan(path, with_aliases)


def refused(text: str, tmp_path: Path) -> BadFile:
    with pytest.raises(BadFile) as error:
        read(text, tmp_path)
    assert str(tmp_path / "plan.toml") in error.value.detail
    return error.value


@given(plan=plans())
def test_a_plan_is_read_as_it_was_written(
    plan: Plan, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.toml"

    write_plan(path, plan)

    assert read_plan(path) == plan
    assert [file.name for file in path.parent.iterdir()] == ["plan.toml"]


def test_every_key_of_a_sync_plan_has_a_meaning(tmp_path: Path) -> None:
    plan = read(
        """
version = 1
kind = "sync"
on_conflict = "skip"
referrers = false
retries = 2
[[rules]]
from = "old/team"
repositories = ["**", "!tmp-*"]
tags = { include = ["v*"], exclude = ["*-rc*"], semver = ">=1.2 <3", newest = 20, since = "90d" }
platforms = ["linux/amd64"]
artifacts = ["images", "charts"]
to = ["new/mirror", "backup.example"]
map = "{name}"
immutable = ["v*"]
[schedule]
every = "10m"
[limits.old]
concurrency = 8
rate = "50 MiB/s"
window = "22:00-06:00"
""",
        tmp_path,
    )
    (rule,) = plan.rules

    assert plan.kind is Kind.SYNC
    assert (plan.on_conflict, plan.referrers, plan.retries) == ("skip", False, 2)
    assert rule.source == Reference("old.example:5000", "team")
    assert rule.targets == (Reference("new.example", "mirror"), Reference("backup.example"))
    assert rule.repositories == ("**", "!tmp-*")
    assert (rule.tags.include, rule.tags.exclude) == (("v*",), ("*-rc*",))
    assert (rule.tags.semver, rule.tags.newest, rule.tags.since) == (">=1.2 <3", 20, 90 * 86_400)
    assert (rule.map, rule.immutable, rule.artifacts) == ("{name}", ("v*",), {"image", "chart"})
    assert plan.schedule is not None
    assert plan.schedule.every == 600
    limits = plan.limits["old.example:5000"]
    assert limits.window is not None
    assert (limits.concurrency, limits.rate) == (8, 50 * 2**20)
    assert (limits.window.begins, limits.window.ends) == (22 * 60, 6 * 60)


def test_a_rule_s_path_on_docker_hub_is_what_it_says(tmp_path: Path) -> None:
    text = f'{HEAD}[[rules]]\nfrom = "hub/acme"\nto = "docker.io/mirror"\n'
    (rule,) = read(text, tmp_path).rules

    assert (rule.source.repository, rule.targets[0].repository) == ("acme", "mirror")


def test_a_copy_s_own_terms_stand_beside_those_of_the_plan(tmp_path: Path) -> None:
    plan = read(
        f'{COPY_HEAD}platforms = ["linux/amd64"]\n{COPY}{COPY}immutable = true\n'
        f"{COPY}platforms = []\n",
        tmp_path,
    )

    assert [copy.terms for copy in plan.copies] == [
        None,
        Terms((Platform("linux", "amd64"),), immutable=True),
        Terms(),
    ]


def test_a_copy_may_replace_one_thing_only(tmp_path: Path) -> None:
    digest = f"sha256:{'a' * 64}"
    tagged = COPY.replace("/web", "/web:1")
    text = f'{COPY_HEAD}{tagged}replaces = "nothing"\n{tagged}replaces = "{digest}"\n{COPY}'
    plan = read(text, tmp_path)
    assert [copy.replaces for copy in plan.copies] == ["", digest, None]
    for wrong in (f'{tagged}replaces = "latest"\n', f'{COPY}replaces = "nothing"\n'):
        assert "replaces" in refused(f"{COPY_HEAD}{wrong}", tmp_path).detail


def test_the_target_may_be_left_incomplete(tmp_path: Path) -> None:
    plan = read(f'{COPY_HEAD}[[copies]]\nfrom = "old/x:1"\nto = "new/y"\n', tmp_path)

    assert str(plan.copies[0].target) == "new.example/y:1"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version = one", ":1:11: "),
        ('version = 2\nkind = "sync"\n', ":1: version: .* version 2, and .* reads version 1"),
        ('kind = "sync"\n', ":1: version is missing"),
        (f"version = 1\n{RULE}", "kind is missing; write one of copy, sync, replication"),
        ('version = 1\nkind = "move"\n', ":2: kind: is 'move'; write copy, sync or replication"),
        ('version = 1\nkind = "flow"\n', ":2: kind: a flow is no plan"),
        (f"{COPY_HEAD}copies = []\n", ":3: copies: is an empty list"),
        (COPY_HEAD, "copies"),
        (f"{COPY_HEAD}{RULE}", ":3: rules: needs kind sync"),
        (f"{HEAD}{COPY}", ":3: copies: belongs to a copy plan"),
        (f'{COPY_HEAD}speed = "high"\n{COPY}', ":3: speed: unknown key; there are"),
        (f'{COPY_HEAD}retires = "high"\n{COPY}', ":3: retires: unknown key; was retries meant"),
        (f'{COPY_HEAD}on_conflict = "ask"\n{COPY}', ":3: on_conflict: .* overwrite, skip or fail"),
        (f'{COPY_HEAD}referrers = "yes"\n{COPY}', ":3: referrers: .* true or false"),
        (f"{COPY_HEAD}retries = true\n{COPY}", ":3: retries: is true; write a whole number"),
        (f'{COPY_HEAD}platforms = ["linux"]\n{COPY}', r":3: platforms\[0\]: Not a platform"),
        (
            f'{COPY_HEAD}{COPY}[[copies]]\nfrom = "web"\nto = "b.example/web"\n',
            r":7: copies\[1\]\.from: .*no registry",
        ),
        (f'{COPY_HEAD}[[copies]]\nfrom = "a.example/x"\nto = "b.example/X"\n', r":5: .*lower case"),
        (f'{COPY_HEAD}[[copies]]\nfrom = "a.example/x"\n', r":3: copies\[0\]: to is missing"),
        (
            f'{COPY_HEAD}[[copies]]\nfrom = "a.example/x"\nto = "b.example/x:1"\n',
            r":3: copies\[0\]: .*all its tags",
        ),
        (f'{HEAD}[[rules]]\nfrom = "old"\nto = "old"\n', ":5: .*from and to are the same"),
        (f'{HEAD}[[rules]]\nfrom = "old"\nto = []\n', ":5: .*empty list; name a place"),
        (f'{HEAD}[[rules]]\nfrom = "old/x:1"\nto = "new"\n', ":4: .*tags = { ... } says which"),
        (f'{HEAD}[[rules]]\nsource = "old"\nto = "new"\n', ":4: .*was from meant"),
        (f'{HEAD}[[rules]]\nfrom = "odl"\nto = "new"\n', ":4: .*names no registry"),
        (f"{HEAD}{RULE}newest = 3\n", ":6: .*stands inside tags"),
        (f"{HEAD}{RULE}tags = {{ newest = 0 }}\n", r":6: rules\[0\].tags.newest: is 0"),
        (f"{HEAD}{RULE}[rules.tags]\n\nlatest = 3\n", ":8: .*was newest meant"),
        (f'{HEAD}{RULE}tags.by = "version"\n', ":6: .*there is no newest"),
        (f"{HEAD}{RULE}tags = {{ prereleases = true }}\n", ":6: .*only with semver"),
        (f'{HEAD}{RULE}tags = {{ semver = ">=one" }}\n', ":6: .*semver: "),
        (f'{HEAD}{RULE}tags = {{ include = [\n"v*",\n"regex:(",\n] }}\n', r":8: .*include\[1\]: "),
        (f'{HEAD}{RULE}tags = {{ exclude = ["!x"] }}\n', ":6: .*no meaning here"),
        (f'{HEAD}{RULE}tags = {{ since = "soon" }}\n', ":6: .*neither a day"),
        (f'{HEAD}{RULE}tags = {{ within = "90d" }}\n', ':6: .*was since = "90d" meant'),
        (f'{HEAD}{RULE}tags = {{ since = "90" }}\n', ":6: .*write 10s, 5m"),
        (f'{HEAD}{RULE}tags = {{ since = "0d" }}\n', ":6: .*no time at all"),
        (f"{HEAD}{RULE}tags = {{ since = 2026-01-31T10:00:00 }}\n", ":6: .*offset from UTC"),
        (f'{HEAD}{RULE}tags = {{ exact = ["v*"] }}\n', ":6: .*patterns go into include"),
        (f'{HEAD}{RULE}tags = {{ digests = ["sha256:12"] }}\n', ":6: .*digest"),
        (f'{HEAD}{RULE}map = "{{foo}}"\n', ":6: .*map: "),
        (f'{HEAD}{RULE}artifacts = ["image"]\n', ":6: .*there are images, charts"),
        (f'{HEAD}{RULE}repositories = ["a["]\n', ":6: .*repositories"),
        (f'{HEAD}platforms = ["linux/amd64"]\n{RULE}', ":3: .*each of the"),
        (f"{HEAD}{RULE}[delete]\n", ":6: delete: only a replication deletes"),
        (f"{REPLICATION}tags = {{ newest = 3 }}\n", ":6: .*keeps everything; to select"),
        (f'{REPLICATION}platforms = ["linux/amd64"]\n', ":6: .*keeps everything; to select"),
        (f'{REPLICATION}artifacts = ["images"]\n', ":6: .*keeps everything; to select"),
        (f'{REPLICATION}[delete]\nat_most = "0%"\n', ":7: .*not a share"),
        (f"{REPLICATION}[delete]\nat_most = 5\n", ":7: .*is 5, not a text"),
        (f'{REPLICATION}[delete]\nprotect = ["a["]\n', ":7: .*protect"),
        (f'{HEAD}{RULE}[schedule]\nevery = "5m"\ncron = "* * * * *"\n', ":6: .*either every or"),
        (f"{HEAD}{RULE}[schedule]\n", ":6: .*either every or cron"),
        (f'{HEAD}{RULE}[schedule]\ncron = "* * *"\n', ":7: .*five"),
        (f'{HEAD}{RULE}[limits.odl]\nrate = "1 MB/s"\n', ":6: limits.odl: .*no registry"),
        (f'{HEAD}{RULE}[limits.new]\nrate = "1 MB/s"\n', ":6: .*there are a.example, b.example"),
        (f'{HEAD}{RULE}[limits."a.example/x"]\nrate = "1 MB/s"\n', ":6: .*a whole registry"),
        (f'{HEAD}{RULE}[limits."a.example"]\n', ":6: .*says nothing"),
        (
            f'{HEAD}{RULE}[limits."a.example"]\nrate = "1 MB/s"\n'
            '[limits."A.example"]\nrate = "2 MB/s"\n',
            ":8: .*already",
        ),
        (f'{HEAD}{RULE}[limits."a.example"]\nwindow = "06:00-06:00"\n', ":7: .*no time in it"),
        (f'{HEAD}{RULE}[limits."a.example"]\nrate = "5 Mbit/s"\n', ":7: .*in bytes"),
        (f"{HEAD}rules = 3\n", ":3: rules: is 3"),
        (HEAD, ":1: rules is missing; write one or more"),
        *(
            (f"{REPLICATION}[delete]\nprotect = ['{text}']\n", rf":7: delete.protect\[0\]: .*{why}")
            for text, why in (
                ("!x", "no meaning here"),
                ("Team/**", "no capitals"),
                ("a:b:c", "a tag has no ':'"),
                ("a:b/c", "a tag has no '/'"),
                ("a@b", "no '@'"),
            )
        ),
        *(
            (f"{HEAD}{RULE}{text}\n", f":6: {why}")
            for text, why in (
                ('immutable = ["!v*"]', ".*no meaning here"),
                ('repositories = ["Team/**"]', ".*no capitals"),
                ('repositories = ["team/web:v1"]', ".*no ':'"),
                ('repositories = ["!**"]', ".*no repository is left"),
                ('repositories = ["team/**", "!team/**"]', ".*no repository is left"),
                ('tags.include = ["a:b"]', ".*a tag has no ':'"),
                ('tags.exclude = ["**"]', ".*tags.exclude: no tag is left"),
                ('tags.exclude = ["regex:.*"]', ".*no tag is left"),
                ('tags.include = ["!*"]', ".*tags.include: no tag is left"),
                ('tags = { include = ["v*"], exclude = ["v*"] }', ".*is left out again"),
                ('tags.semver = ">2 <1"', ".*no version is in '>2 <1'"),
                ('tags.semver = "1.x || >2 <2"', ".*no version is in '>2 <2'"),
            )
        ),
        (f"{HEAD}rules = [3]\n", r":3: rules\[0\]: is 3, not a table"),
        (f'{HEAD}{RULE}tags = "v*"\n', ":6: .*not a table"),
        (f'{HEAD}{RULE}repositories = "v*"\n', ":6: .*not a list"),
    ],
)
def test_what_can_t_be_meant_is_refused_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    error = refused(text, tmp_path)

    assert re.search(f"plan.toml{says}" if says[0] == ":" else says, error.detail)


@pytest.mark.parametrize(
    "text",
    [
        'tags = { exclude = ["**"], exact = ["v1"] }',
        'tags.include = ["[!A-Z]*", "**/v1"]',
        'repositories = ["[a-z]*", "regex:[A-Z]+", "!*"]',
        'tags = { semver = ">1.2.3 <1.2.4", prereleases = true }',
        'tags.semver = "1.2.3"',
    ],
)
def test_what_may_select_something_is_left_alone(text: str, tmp_path: Path) -> None:
    assert read(f"{HEAD}{RULE}{text}\n", tmp_path).rules


def test_only_who_is_about_to_run_it_cares_what_lies_in_the_future(tmp_path: Path) -> None:
    read(f'{HEAD}{RULE}tags.since = "2030-01-01"\n', tmp_path)

    path = tmp_path / "plan.toml"
    with pytest.raises(BadFile, match=r":6: .*lies in the future"):
        read_plan(path, with_aliases, now=1.8e9)
    assert read_plan(path, with_aliases, now=2e9).rules


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    detail = refused(f'{HEAD}retires = 3\n{RULE}tag = "v1"\nmap = 3\n', tmp_path).detail

    assert [
        part.split("plan.toml:")[1][0] for part in detail.split("; ") if "plan.toml" in part
    ] == [
        "3",
        "7",
        "8",
    ]


def test_all_mistakes_are_kept_and_a_sentence_names_the_first_few(tmp_path: Path) -> None:
    error = refused(HEAD + "".join(f"x{n} = 1\n" for n in range(500)) + RULE, tmp_path)

    assert "and 492 more" in error.detail
    assert len(error.detail) <= 2000
    assert [mistake.line for mistake in error.mistakes] == list(range(3, 503))


def test_each_mistake_says_what_was_meant(tmp_path: Path) -> None:
    error = refused(f'{HEAD}retires = 3\n{RULE}tags.semver = ">2 <1"\nmap = 3\n', tmp_path)

    assert [(each.line, each.meant, each.remedy) for each in error.mistakes] == [
        (3, "retries", None),
        (7, None, "For one or the other, write '>2 || <1'."),
        (8, None, None),
    ]
    assert error.remedy == "Mend the named places in the file, then try again."


def test_without_a_version_the_rest_is_looked_at_too(tmp_path: Path) -> None:
    detail = refused('kind = "move"\n', tmp_path).detail

    assert "version is missing" in detail
    assert "kind: is 'move'" in detail


@pytest.mark.parametrize("key", ["password", "token", "registry_password", "apiKey", "auth"])
def test_a_secret_is_refused_with_where_secrets_live(key: str, tmp_path: Path) -> None:
    detail = refused(f'{HEAD}{RULE}{key} = "hunter2"\n', tmp_path).detail

    assert "`transship login HOST` puts them into the keyring" in detail
    assert "hunter2" not in detail


@pytest.mark.parametrize("place", ["u:hunter2@old.example/x", "https://u:hunter2@old.example"])
@pytest.mark.parametrize("kind", ["rules", "copies", "limits"])
def test_a_password_in_a_place_is_refused_and_not_repeated(
    place: str, kind: str, tmp_path: Path
) -> None:
    texts = {
        "rules": f'{HEAD}[[rules]]\nfrom = "{place}"\nto = "new"\n',
        "copies": f'{COPY_HEAD}[[copies]]\nfrom = "{place}"\nto = "new/x"\n',
        "limits": f'{COPY_HEAD}{COPY}[limits."{place}"]\nconcurrency = 1\n',
    }
    error = refused(texts[kind], tmp_path)

    assert "user name and a password" in error.detail
    assert "transship login" in error.remedy


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "9" * 10_000,
        "x = " + "[" * 100_000,
        "x" + ".x" * 100_000 + " = 1",
        "x = {" + "a.a" + ".a" * 1000 + " = 1}",
        "x = '" + "\x00" + "'",
    ],
)
def test_hostile_files_fail_in_words(text: str, tmp_path: Path) -> None:
    assert len(refused(text, tmp_path).detail) <= 2000


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    with path.open("wb") as file:
        file.truncate(2**30)

    with pytest.raises(BadFile, match="64 MiB"):
        read_plan(path)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    with pytest.raises(BadFile, match="No such file"):
        read_plan(path)
    path.write_bytes(b"\n\n\xff\xfe")
    with pytest.raises(BadFile, match=r"plan.toml:3: .*UTF-8"):
        read_plan(path)


def test_a_link_stays_one_and_a_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "kept.toml"
    path.write_text("")
    path.chmod(0o640)
    link = tmp_path / "plan.toml"
    link.symlink_to(path)
    plan = plan_in(COPY_HEAD + COPY, path)

    write_plan(link, plan)

    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert read_plan(path) == plan


def test_a_plan_that_can_t_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    copy = wanted(parse_reference("a.example/x"), parse_reference("b.example/x"))

    with pytest.raises(SystemRefused):
        write_plan(tmp_path / "missing" / "plan.toml", Plan((copy,)))
    (tmp_path / "plan.toml").mkdir()
    with pytest.raises(SystemRefused):
        write_plan(tmp_path / "plan.toml", Plan((copy,)))

    assert [path.name for path in tmp_path.iterdir()] == ["plan.toml"]


def test_the_examples_in_the_manual_are_plans() -> None:
    manual = Path(__file__).parents[3].joinpath("docs", "plans.md")
    examples = re.findall(r"```toml\n(version = .*?)```", manual.read_text(), re.DOTALL)

    def resolve(text: str) -> Reference:
        return with_aliases(text.replace("backup", "backup.example"))

    assert [plan_in(text, manual, resolve).kind for text in examples] == [
        "sync",
        "replication",
        "copy",
    ]


@pytest.mark.parametrize("visibility", Visibility)
def test_a_plan_may_allow_to_create_what_is_missing(visibility: Visibility, tmp_path: Path) -> None:
    assert read(f'{HEAD}create_missing = "{visibility}"\n{RULE}', tmp_path).create_missing is (
        visibility
    )
    assert read(HEAD + RULE, tmp_path).create_missing is None


def test_a_plan_may_say_what_that_is_to_have(tmp_path: Path) -> None:
    said = read(
        f'{HEAD}{RULE}[create]\nimmutable_tags = true\n[create.resource_tags]\nteam = "web"\n',
        tmp_path,
    ).create

    assert said == CreationOptions(immutable_tags=True, resource_tags=(("team", "web"),))
    assert not read(f"{HEAD}{RULE}", tmp_path).create


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ("immutable_tags = 1", "true or false"),
        ("immutable = true", "immutable_tags"),
        ('tags = { team = "web" }', "resource_tags"),
        ("resource_tags = { team = 1 }", "a text in quotes"),
        ('visibility = "private"', "create_missing"),
    ],
)
def test_what_that_is_to_have_is_read_strictly(table: str, what: str, tmp_path: Path) -> None:
    error = refused(f"{HEAD}{RULE}[create]\n{table}\n", tmp_path)

    assert what in error.detail


@pytest.mark.parametrize("value", ["true", '"yes"', '""', "1"])
def test_what_is_created_must_be_said_to_be_private_or_public(value: str, tmp_path: Path) -> None:
    error = refused(f"{HEAD}create_missing = {value}\n{RULE}", tmp_path)

    assert "private or public" in error.detail
    assert ":3" in error.detail
