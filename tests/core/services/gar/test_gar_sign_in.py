"""Signing in to Google Artifact Registry: real google-auth, and `servers.google` for all else."""

from __future__ import annotations

import base64
import builtins
from typing import TYPE_CHECKING, Any

import pytest

from clients.asking import creator_of, look, names
from clients.opening import told
from servers.google import LOCATION, PROJECT, TOKEN, Gar, Google, Repository
from transship import errors
from transship.accounts.docker_config import DockerConfig
from transship.accounts.registry_file import Account, Accounts, is_handed_out
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources, sign_in_to
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import MissingTarget, TargetOutlook, TargetStatus
from transship.services.google import GAR, Token, fault_of, of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from clients.opening import Connect
    from transship.registry.service import Service

HOST = f"{LOCATION}-docker.pkg.dev"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class TestSigningIn:
    @pytest.mark.parametrize("user", ["_json_key", "_json_key_base64", "oauth2accesstoken"])
    async def test_each_kind_of_login_is_taken(
        self, user: str, google: Google, server: Gar, service: Service, connect: Connect
    ) -> None:
        google.repositories = {"shop": Repository()}
        secrets = {
            "_json_key": google.key(),
            "_json_key_base64": encoded(google.key()),
            "oauth2accesstoken": TOKEN,
        }
        login = Credential(user, secrets[user])
        registry = connect(server.host, credential=login, service=service)

        await registry.check_sign_in()
        outlook = await look(registry, f"{PROJECT}/shop/web")

        assert outlook == TargetOutlook({f"{PROJECT}/shop/web": TargetStatus()})

    @pytest.mark.parametrize(
        ("user", "change", "why"),
        [
            ("someone", str, "the user is _json_key"),
            ("_json_key", lambda key: key[:-10], "no JSON"),
            ("_json_key", lambda key: "{", "no JSON"),
            ("_json_key", lambda key: "[1]", "no JSON"),
            ("_json_key", lambda key: '{"type": "authorized_user"}', "service account"),
            ("_json_key", lambda key: key.replace("service_account", "external"), "whose type"),
            ("_json_key", lambda key: key.replace("PRIVATE KEY", "KEY"), "no private key"),
            ("_json_key", lambda key: key.replace("http://127.0.0.1", "http://a.example"), "https"),
            ("_json_key_base64", str, "isn't base64"),
            ("_json_key_base64", lambda key: encoded("{}"), "service account"),
        ],
    )
    async def test_what_can_not_be_a_key_is_said_before_it_goes_anywhere(
        self,
        user: str,
        change: Callable[[str], str],
        why: str,
        google: Google,
        server: Gar,
        connect: Connect,
    ) -> None:
        secret = change(google.key())
        registry = connect(server.host, credential=Credential(user, secret), service=GAR)

        with pytest.raises(errors.WrongCredential, match=why) as caught:
            await registry.check_sign_in()

        assert server.requests == []
        assert "BEGIN" not in told(caught.value)
        assert len(secret) < 20 or secret[:20] not in told(caught.value)

    def test_a_good_key_has_no_fault(self, google: Google) -> None:
        assert fault_of(Credential("_json_key", google.key())) == ""
        assert fault_of(Credential("_json_key_base64", encoded(google.key()))) == ""
        assert fault_of(Credential("oauth2accesstoken", "anything")) == ""

    async def test_an_account_with_a_bad_key_is_not_kept(self, server: Gar, tmp_path: Path) -> None:
        accounts = Accounts(tmp_path / "registries.toml")
        account = Account(server.host, username="_json_key", service="gar", secret_source="session")
        sources = Sources(SessionStore(), SessionStore(), DockerConfig({}), {})

        with pytest.raises(errors.WrongCredential, match="no JSON"):
            await sign_in_to(account, "{", accounts=accounts, sources=sources)
        assert accounts.find(server.host) is None

    @pytest.mark.usefixtures("ambient")
    async def test_a_login_is_handed_out_to_whoever_google_auth_finds(
        self, google: Google, server: Gar, service: Service, connect: Connect
    ) -> None:
        registry = connect(server.host, service=service, handed_out=True)

        await registry.check_sign_in()
        await registry.check_sign_in()

        assert len(google.assertions) == 1

    async def test_nobody_is_found_and_it_is_said_how_to_be(
        self,
        server: Gar,
        service: Service,
        connect: Connect,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        registry = connect(server.host, service=service, handed_out=True)

        with pytest.raises(errors.NoLogin, match="application-default login"):
            await registry.check_sign_in()
        assert capfd.readouterr() == ("", "")

    async def test_a_key_that_was_withdrawn_is_told(
        self, google: Google, registry: DistributionRegistry
    ) -> None:
        google.withdrawn = True

        with pytest.raises(errors.CatalogClosed, match="invalid_grant"):
            await names(registry)

    async def test_a_private_key_that_can_not_be_read_is_not_shown(self, google: Google) -> None:
        torn = google.key(private_key="-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END")

        with pytest.raises(errors.WrongCredential) as caught:
            await of(Credential("_json_key", torn))
        assert "c2VjcmV0" not in told(caught.value)

    async def test_without_the_extra_it_is_named(
        self, registry: DistributionRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = builtins.__import__

        def without_google(name: str, *more: Any, **named: Any) -> Any:
            if name.partition(".")[0] == "google":
                raise ImportError(name)
            return real(name, *more, **named)

        monkeypatch.setattr(builtins, "__import__", without_google)

        with pytest.raises(errors.ExtraMissing, match=r"transship\[google\]"):
            await creator_of(registry).has(MissingTarget("repository", f"{PROJECT}/shop"))
        await registry.check_sign_in()  # The registry itself needs none of it.

    @pytest.mark.parametrize(
        ("account", "handed_out"),
        [
            (Account(HOST), True),
            (Account(HOST, username="_json_key", secret_source="keyring"), False),
            (Account("gcr.io"), False),
        ],
    )
    def test_gcr_io_is_read_by_everybody_and_hands_out_nothing(
        self, account: Account, handed_out: bool
    ) -> None:
        assert is_handed_out(account) is handed_out

    def test_a_token_shows_no_secret(self) -> None:
        assert TOKEN not in repr(Token(TOKEN))
