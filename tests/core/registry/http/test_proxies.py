from __future__ import annotations

import pytest

from transship.errors import ProxyFailed
from transship.registry.http.proxy import proxy_for

HTTPS = "https://registry.example/v2/"
HTTP = "http://registry.example:5000/v2/"


def test_without_a_proxy_in_the_environment_there_is_none() -> None:
    assert proxy_for(HTTPS) is None


def test_each_scheme_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://one.example:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@two.example:3128")
    assert proxy_for(HTTP) == "http://one.example:3128"
    assert proxy_for(HTTPS) == "http://user:secret@two.example:3128"


def test_one_may_stand_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "proxy.example:3128")
    assert proxy_for(HTTP) == proxy_for(HTTPS) == "http://proxy.example:3128"


@pytest.mark.parametrize(
    "exceptions", ["registry.example", ".example", "x.example,registry.example", "*"]
)
def test_hosts_are_excepted(monkeypatch: pytest.MonkeyPatch, exceptions: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert proxy_for(HTTPS) is None
    assert proxy_for(HTTP) is None
    if exceptions != "*":
        assert proxy_for("https://registry.example.org/") is not None


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1:5000", "[::1]:5000"])
def test_loopback_needs_no_exception(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    assert proxy_for(f"http://{host}/v2/") is None


def test_a_proxy_of_another_kind_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:secret@proxy.example:1080")
    with pytest.raises(ProxyFailed, match="socks5") as caught:
        proxy_for(HTTPS)
    assert "secret" not in str(caught.value)
