"""Custom domains of a TCR, by line: listed, added, waited for and removed, each status in words."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from delegating.desk import Soon
from delegating.line import Operator, line
from delegating.tencent import HOST, NAME
from servers.tencent import Instance, Instances, TencentApi, tencent_api
from servers.tencent import domains as domain_actions
from servers.tencent.domains import Custom
from transship.app.engines import DomainRequest
from transship_tui.commands import engine
from transship_tui.lines import domain_line, domains_line

if TYPE_CHECKING:
    from collections.abc import Iterator

LATER = "2099-01-01 07:59:59"


@pytest.fixture
def api() -> Iterator[TencentApi]:
    with tencent_api(domain_actions.ACTIONS) as api:
        yield api


@pytest.fixture
def instance(api: TencentApi) -> Instance:
    return api.of(Instances).add("team", HOST, region="eu-frankfurt")


@pytest.fixture
def custom(api: TencentApi) -> Custom:
    """Certificates, and domains that are ready when they are first looked at."""
    custom = api.of(Custom)
    custom.looks = 0
    custom.hold("cert-wild", ["*.example.com"], ends=LATER)
    custom.hold("cert-exact", [NAME], ends=LATER)
    custom.hold("cert-other", ["other.example.net"], ends=LATER)
    return custom


@pytest.fixture(autouse=True)
def operator(
    monkeypatch: pytest.MonkeyPatch, api: TencentApi, instance: Instance, custom: Custom
) -> Operator:
    assert instance.domains == {}
    assert custom.held
    operator = Operator(monkeypatch)
    operator.add_keys(api.host)
    operator.add(HOST, service="tcr", api=api.host)
    return operator


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch, api: TencentApi) -> Soon:
    """A clock on which waiting passes little time."""
    clock = Soon()
    api.now = clock.now
    monkeypatch.setattr(engine, "SystemClock", lambda: clock)
    return clock


def domain(command: str, *words: object) -> Any:
    return line("delegate", "domain", command, HOST, *words)


def changing(api: TencentApi) -> list[str]:
    return [action for action in api.actions() if not action.startswith("Describe")]


class TestAdding:
    def test_it_is_added_waited_for_listed_and_taken_back(
        self, instance: Instance, operator: Operator
    ) -> None:
        assert "has no custom domain" in domain("list").err
        made = domain("add", NAME, "--certificate", "cert-wild", "--yes")
        assert made.status == 0, made.err
        assert f"+ create custom domain {NAME}" in made.err
        assert f"{NAME} works at the instance, with the certificate cert-wild." in made.err
        assert "DNS isn't changed by it" in made.err
        listed = domain("list")
        assert listed.out.splitlines()[1].split() == [NAME, "works", "cert-wild", "2098-12-31"]

        back = line("delegate", "undo", made.out.strip(), "--yes")
        assert back.status == 0, back.err
        assert "Move the name in DNS first." in back.err
        assert domain("list").out == ""
        assert instance.domains == {}
        operator.gave_away_nothing(made, listed, back)

    def test_how_it_comes_along_is_said_until_it_works(self, custom: Custom, soon: Soon) -> None:
        custom.looks = 3
        made = domain("add", NAME, "--certificate", "cert-exact", "--yes", "--json")
        assert made.status == 0, made.err
        assert f"{NAME} is being attached (CREATING); that takes 1 to 2 minutes." in made.err
        found = made.document["domain"]
        assert {*found} == {"name", "state", "said", "words", "certificate"}
        assert {*found["certificate"]} == {"id", "names", "expires"}
        assert found["state"] == "works"
        assert made.document["delegation"]["state"] == "made"
        assert soon.monotonic() > 0

    def test_one_that_fails_says_what_to_do(self, custom: Custom) -> None:
        custom.fails.add("cert-exact")
        made = domain("add", NAME, "--certificate", "cert-exact", "--yes")
        assert made.status == 1
        assert "couldn't be attached (FAILURE). Remove it" in made.err
        assert "failed" in domain("list").out
        again = domain("add", NAME, "--certificate", "cert-exact", "--yes")
        assert again.status == 3

    def test_without_a_certificate_those_that_would_do_are_named(self, api: TencentApi) -> None:
        ended = domain("add", NAME, "--yes")
        assert ended.status == 3
        assert "cert-wild" in ended.err
        assert "cert-exact" in ended.err
        assert "cert-other" not in ended.err
        assert changing(api) == []

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (("--certificate", "cert-other"), "is for other.example.net, not for"),
            (("--certificate", "cert-none"), "has no server certificate cert-none"),
        ],
    )
    def test_one_that_would_not_do_is_refused(
        self, words: tuple[str, ...], says: str, api: TencentApi
    ) -> None:
        ended = domain("add", NAME, *words, "--yes", "--json")
        assert ended.status == 3
        assert says in ended.document["refusals"][0]["detail"]
        assert changing(api) == []

    def test_a_certificate_is_replaced_with_an_outage_that_is_said(self, custom: Custom) -> None:
        domain("add", NAME, "--certificate", "cert-wild", "--yes")
        made = domain("add", NAME, "--certificate", "cert-exact", "--yes")
        assert made.status == 0, made.err
        assert "every pull and push by it fails" in " ".join(made.err.split())
        assert [*custom.certificates_of.values()] == ["cert-exact"]

    def test_without_a_yes_nothing_is_made(self, api: TencentApi) -> None:
        assert domain("add", NAME, "--certificate", "cert-wild").status == 2
        shown = domain("add", NAME, "--certificate", "cert-wild", "--dry-run")
        assert (shown.status, "+ create custom domain" in shown.out) == (0, True)
        assert changing(api) == []

    def test_one_that_is_there_is_waited_for_as_it_is(
        self, instance: Instance, custom: Custom, soon: Soon, api: TencentApi
    ) -> None:
        custom.looks = 3
        words = (NAME, "--certificate", "cert-wild", "--yes")
        left = domain("add", *words, "--no-wait")
        assert (left.status, instance.domains[NAME]) == (0, "CREATING")
        changes = changing(api)

        again = domain("add", *words, "--json")

        assert again.status == 0, again.err
        assert again.document["domain"]["state"] == "works"
        assert changing(api) == changes
        assert "nothing to be made" in domain("add", *words, "--no-wait").err
        assert soon.monotonic() > 0

    def test_it_can_be_left_to_itself(self, custom: Custom) -> None:
        custom.looks = -1
        made = domain("add", NAME, "--certificate", "cert-wild", "--no-wait", "--yes")
        assert made.status == 0, made.err
        assert line("delegate", "status", made.out.strip()).status == 0

    @pytest.mark.parametrize(
        ("wish", "status"),
        [
            (DomainRequest(HOST, NAME, "cert-wild"), 0),
            (DomainRequest(HOST, NAME, files=(Path("chain.pem"), Path("key.pem"))), 2),
            (DomainRequest(HOST, NAME, remove=True), 3),
        ],
    )
    def test_the_lines_that_the_app_shows_are_lines(self, wish: DomainRequest, status: int) -> None:
        words = shlex.split(domain_line(wish))
        ended = line(*words[1:], "--dry-run")
        assert ended.status == status
        assert "Usage" not in ended.err
        assert line(*shlex.split(domains_line(HOST))[1:]).status == 0


class TestUploading:
    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[Path, Path]:
        authority = trustme.CA()
        leaf = authority.issue_cert(NAME)
        chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
        pems = (*leaf.cert_chain_pems, authority.cert_pem)
        chain.write_bytes(b"".join(each.bytes() for each in pems))
        leaf.private_key_pem.write_to_path(str(key))
        return chain, key

    def test_a_certificate_goes_with_its_key_which_is_kept_nowhere(
        self, files: tuple[Path, Path], custom: Custom, operator: Operator
    ) -> None:
        operator.secrets.append(files[1].read_text().splitlines()[1])
        made = domain("add", NAME, "--upload", *files, "--yes")
        assert made.status == 0, made.err
        assert "with its private key, and keeps both" in " ".join(made.err.split())
        assert custom.held[-1].key == files[1].read_text()

        back = line("delegate", "undo", made.out.strip(), "--yes", "--json")
        stood = line("delegate", "status", made.out.strip(), "--json")
        operator.gave_away_nothing(made, back, stood)

    def test_a_key_that_is_another_ones_is_refused_before_anything_is_asked(
        self, files: tuple[Path, Path], tmp_path: Path, api: TencentApi, operator: Operator
    ) -> None:
        other = tmp_path / "other.pem"
        trustme.CA().issue_cert(NAME).private_key_pem.write_to_path(str(other))
        operator.secrets.append(other.read_text().splitlines()[1])
        ended = domain("add", NAME, "--upload", files[0], other, "--yes")
        assert ended.status == 2
        assert "isn't that of the first certificate" in ended.err
        assert api.actions() == []
        operator.gave_away_nothing(ended)

    def test_what_was_broken_off_takes_the_files_again(
        self, files: tuple[Path, Path], api: TencentApi, operator: Operator
    ) -> None:
        api.refuses["UploadCertificate"] = ["FailedOperation"]
        assert domain("add", NAME, "--upload", *files, "--yes").status == 1
        [kept] = operator.delegations()
        resumed = line("delegate", "resume", kept.id)
        assert resumed.status == 3
        assert "Give the files of the certificate and its key again." in resumed.err
        assert domain("add", NAME, "--upload", *files, "--yes").status == 0


class TestWaiting:
    def test_one_that_never_works_is_given_up(
        self, instance: Instance, custom: Custom, soon: Soon
    ) -> None:
        instance.domains[NAME] = "CREATING"
        custom.left[instance.id, NAME] = -1
        begun = soon.monotonic()
        ended = domain("wait", NAME, "--within", 400)
        assert ended.status == 1
        assert "That is mostly a problem of the certificate" in ended.err
        assert "given up" in ended.err
        assert soon.monotonic() - begun >= 400

    def test_one_that_is_not_there_is_named(self) -> None:
        ended = domain("wait", NAME, "--json")
        assert ended.status == 1
        assert ended.document["domain"]["state"] == "absent"
        assert f"{NAME} isn't at the instance." in ended.err

    def test_a_word_that_is_not_known_is_told_as_it_is(self, instance: Instance) -> None:
        instance.domains[NAME] = "SLEE\x1b[2JPING"
        listed = domain("list")
        assert "isn't a word that is known" in listed.out
        assert "\x1b" not in listed.out
        [found] = domain("list", "--json").document["domains"]
        assert found["state"] == "unknown"


class TestRemoving:
    def test_it_goes_and_can_be_put_back(self, instance: Instance) -> None:
        domain("add", NAME, "--certificate", "cert-wild", "--yes")
        unsaid = domain("remove", NAME)
        gone = domain("remove", NAME, "--yes")
        assert (unsaid.status, gone.status) == (2, 0), gone.err
        assert "Move the name in DNS first." in unsaid.err
        assert domain("list").out == ""
        assert line("delegate", "undo", gone.out.strip(), "--yes").status == 0
        assert instance.domains == {NAME: "CREATING"} or instance.domains == {NAME: "SUCCESS"}

    def test_one_that_is_not_there_is_refused(self) -> None:
        ended = domain("remove", NAME, "--yes")
        assert ended.status == 3
        assert f"no custom domain {NAME}" in ended.err
