"""Services under any name are recognised by what their registry answers, and by nothing less."""

from __future__ import annotations

import pytest

from transship.registry.service import service_answering


@pytest.mark.parametrize(
    ("challenge", "kind"),
    [
        (
            'Bearer realm="https://images.example.com/service/token",service="harbor-registry"',
            "harbor",
        ),
        ('Bearer realm="https://git.example.com/jwt/auth",service="container_registry"', "gitlab"),
        (
            'Bearer realm="https://example.com/gitlab/jwt/auth",service="container_registry"',
            "gitlab",
        ),
        (
            'Bearer realm="https://images.example.com/v2/auth",service="images.example.com"',
            "quay",
        ),
        (
            'Bearer realm="https://auth.example.com/auth",service="registry.aliyuncs.com:cn-x:1"',
            "alibaba",
        ),
        ('Bearer realm="https://images.example.com/v2/auth",service="other.example"', ""),
        ('Bearer realm="https://images.example.com/service/token",service="registry"', ""),
        ('Bearer realm="https://images.example.com/token",service="harbor-registry"', ""),
        ('Basic realm="harbor-registry"', ""),
        ('Bearer service="harbor-registry"', ""),
        ("", ""),
    ],
)
def test_a_challenge_tells_the_service(challenge: str, kind: str) -> None:
    found = service_answering("images.example.com", [challenge])

    assert (found.kind if found else "") == kind


def test_the_host_is_no_pattern() -> None:
    challenge = 'Bearer realm="https://a.example/v2/auth",service="axexample"'

    assert service_answering("a.example", [challenge]) is None
