"""Every service asks in its own words, and what is answered comes to the right sign-in."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.registry.service import Service, all_services, service_named, service_of
from transship.registry.service import Service as AnyService
from transship.registry.sign_in_form import (
    SignIn,
    SignInForm,
    SignInIdentity,
    sign_in_faults,
    sign_in_from,
)

LABEL_CELLS = 13
HELP_CELLS = 56 * 4
"""So much is shown of a question at once in the smallest window."""
ACCOUNTS = [service for service in all_services() if not service.catalogue]
IDENTITIES = [
    pytest.param(service, identity, id=f"{service.kind}-{identity.id}")
    for service in ACCOUNTS
    for identity in service.sign_in_form.identities
]


def asks(kind: str) -> SignInForm:
    service = service_named(kind)
    assert service is not None
    return service.sign_in_form


def signed_in(kind: str, identity: str = "", **answers: str) -> SignIn:
    chosen = asks(kind).identity(identity)
    assert chosen is not None
    told = {name.replace("_", "-"): answer for name, answer in answers.items()}
    assert list(sign_in_faults(asks(kind), chosen, told)) == []
    return sign_in_from(asks(kind), chosen, told)


@pytest.mark.parametrize("service", ACCOUNTS, ids=lambda service: service.kind)
def test_every_service_says_what_it_asks_and_where_that_is_found(service: Service) -> None:
    questions = [question for question, _ in service.sign_in_form.questions]
    for question in questions:
        assert len(question.label) <= LABEL_CELLS, question
        assert question.hint
        assert len(f"{question.label}: {question.hint}. {question.where}") <= HELP_CELLS, question
        assert not question.shape or question.is_what
    if service.kind != "registry":
        assert all(question.where for question in questions)


@pytest.mark.parametrize("service", ACCOUNTS, ids=lambda service: service.kind)
def test_the_examples_are_answers(service: Service) -> None:
    for question, _ in service.sign_in_form.questions:
        if question.example and not question.secret and "…" not in question.example:
            assert question.fault(question.example) == ""


@pytest.mark.parametrize(("service", "identity"), IDENTITIES)
def test_every_identity_asks_for_one_secret_that_no_line_may_hold(
    service: Service, identity: SignInIdentity
) -> None:
    ids = [question.id for question in identity.questions]
    assert [question.secret for question in identity.questions] == [False] * (len(ids) - 1) + [True]
    assert len(set(ids)) == len(ids)
    assert service.sign_in_form.identity(identity.id) is identity


@pytest.mark.parametrize("service", ACCOUNTS, ids=lambda service: service.kind)
def test_a_host_made_of_its_parts_is_recognised_and_taken_apart(service: Service) -> None:
    words = service.sign_in_form
    if words.at:
        assert service_of(words.at) is service
    if not words.parts:
        return
    answers = {question.id: question.example for question in words.parts}
    host = words.host_from(answers)
    assert service_of(host) is service
    assert words.parts_in(host) == answers
    assert words.parts_in(f"{host}:443") == answers


@pytest.mark.parametrize("service", ACCOUNTS, ids=lambda service: service.kind)
def test_a_default_host_is_the_services_own(service: Service) -> None:
    default = service.sign_in_form.host.default
    assert not default or service_of(default) is service


@pytest.mark.parametrize(
    ("kind", "identity", "answers", "host", "username"),
    [
        (
            "ecr",
            "",
            {"account": "123456789012", "region": "cn-north-1", "secret": "s"},
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "AWS",
        ),
        (
            "swr",
            "login",
            {"region": "eu-west-101", "user": "eu-west-101@AK", "secret": "s"},
            "swr.eu-west-101.myhuaweicloud.eu",
            "eu-west-101@AK",
        ),
        (
            "acr",
            "refresh-token",
            {"name": "Example", "secret": "s"},
            "example.azurecr.io",
            "00000000-0000-0000-0000-000000000000",
        ),
        (
            "harbor",
            "",
            {"host": "h.example", "user": "robot$a+b", "secret": "s"},
            "h.example",
            "robot$a+b",
        ),
        ("quay", "oauth-token", {"secret": "s"}, "quay.io", "$oauthtoken"),
        ("quay", "", {"user": "team+ci", "secret": "s"}, "quay.io", "team+ci"),
        ("gitlab", "", {"user": "me", "secret": "s"}, "registry.gitlab.com", "me"),
        ("ghcr", "", {"user": "me", "secret": "ghp_1"}, "ghcr.io", "me"),
        ("docker-hub", "", {"user": "me", "secret": "s"}, "docker.io", "me"),
        (
            "tcr",
            "",
            {"name": "ex", "user": "tcr$ci", "secret": "s"},
            "ex.tencentcloudcr.com",
            "tcr$ci",
        ),
        (
            "alibaba",
            "",
            {"region": "cn-hangzhou", "user": "u", "secret": "s"},
            "registry.cn-hangzhou.aliyuncs.com",
            "u",
        ),
        (
            "alibaba",
            "",
            {"region": "cn-hangzhou", "instance": "ex", "user": "u", "secret": "s"},
            "ex-registry.cn-hangzhou.cr.aliyuncs.com",
            "u",
        ),
        (
            "gar",
            "key-file",
            {"location": "europe", "key_file": "key.json"},
            "europe-docker.pkg.dev",
            "_json_key",
        ),
    ],
)
def test_the_answers_make_host_and_user(
    kind: str, identity: str, answers: dict[str, str], host: str, username: str
) -> None:
    made = signed_in(kind, identity, **answers)
    assert (made.host, made.username) == (host, username)


def test_a_login_key_is_made_of_the_secret_key_which_is_not_kept() -> None:
    made = signed_in("swr", region="cn-north-4", user="ACCESSKEY0001", secret="secret key")
    wanted = hmac.new(b"secret key", b"ACCESSKEY0001", hashlib.sha256).hexdigest()
    assert (made.username, made.secret) == ("cn-north-4@ACCESSKEY0001", wanted)


def test_the_region_of_a_login_is_known_from_the_host() -> None:
    host = "swr.cn-north-4.myhuaweicloud.com"
    made = signed_in("swr", host=host, user="ACCESSKEY0001", secret="s")
    assert made.username == "cn-north-4@ACCESSKEY0001"


@pytest.mark.parametrize(
    ("kind", "answers", "wrong"),
    [
        ("ecr", {"account": "12", "region": "eu-west-1", "secret": "s"}, ["account"]),
        ("ecr", {"region": "Europe"}, ["account", "region", "secret"]),
        ("ghcr", {"user": "me", "secret": "github_pat_1"}, ["secret"]),
        ("docker-hub", {"user": "me@example.com", "secret": "s"}, ["user"]),
        ("quay", {"user": "robot", "secret": "s"}, ["user"]),
        ("harbor", {}, ["host", "user", "secret"]),
        ("alibaba", {"region": "cn-hangzhou", "instance": "A_B"}, ["instance", "user", "secret"]),
    ],
)
def test_what_cannot_be_an_answer_is_told_by_its_question(
    kind: str, answers: dict[str, str], wrong: list[str]
) -> None:
    words = asks(kind)
    found = [question.id for question, _ in sign_in_faults(words, words.identities[0], answers)]
    assert found == wrong


def test_a_key_is_looked_at_once_it_is_read() -> None:
    question = asks("gar").identities[0].secret
    assert question.from_file
    assert question.fault("~/key.json") == ""
    assert question.fault_in('{"type": "service_account", "private_key": "x"}') == ""
    assert "service account" in question.fault_in("~/key.json")


@pytest.mark.parametrize(
    ("kind", "username", "identity"),
    [
        ("harbor", "robot$ci", "robot"),
        ("harbor", "alice", "user"),
        ("quay", "team+ci", "robot"),
        ("quay", "$oauthtoken", "oauth-token"),
        ("quay", "alice", "user"),
        ("gar", "oauth2accesstoken", "access-token"),
        ("acr", "00000000-0000-0000-0000-000000000000", "refresh-token"),
        ("acr", "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "principal"),
        ("acr", "reader", "token"),
        ("tcr", "100000000001", "token"),
        ("registry", "", "user"),
    ],
)
def test_a_user_name_tells_the_identity(kind: str, username: str, identity: str) -> None:
    assert asks(kind).identity_of(username).id == identity


def test_a_service_without_words_is_asked_for_what_is_known_of_it() -> None:
    words = AnyService("new", "New", username="key name", secret="key").sign_in_form
    assert [question.hint for question in words.identities[0].questions] == ["key name", "key"]


@given(st.dictionaries(st.sampled_from(["host", "user", "secret", "region", "name"]), st.text()))
def test_no_answer_breaks_it_and_no_secret_is_shown(answers: dict[str, str]) -> None:
    for service in all_services():
        words = service.sign_in_form
        for identity in words.identities:
            for question, why in sign_in_faults(words, identity, answers):
                assert why in ("is needed", f"isn't {question.is_what}")
            words.identity_of(answers.get("user", ""))
            words.parts_in(answers.get("host", ""))
    assert "hidden-one" not in repr(SignIn("h", "u", "hidden-one"))
