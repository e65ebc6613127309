from __future__ import annotations

from transship.registries.credential import Credential, Tls


def test_the_secret_is_not_in_the_repr() -> None:
    credential = Credential("operator", "correct horse battery")
    assert "correct" not in repr(credential)
    assert "operator" in repr(credential)


def test_the_way_is_protected_unless_asked_otherwise() -> None:
    assert Tls() == Tls(plain_http=False, insecure=False, ca_file="", client_cert="", client_key="")
