"""From what a package says of itself to references: rules, and what strangers may write."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transship.oci.reference import is_repository, parse_reference
from transship.services.package_catalogue import Holding, Holds, artifact_of, holdings_of, image_of
from transship.text import safe

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.31.0", "docker.io/library/nginx:1.31.0"),
        ("acme/web:1", "docker.io/acme/web:1"),
        ("acme/team/web:1", "docker.io/acme/team/web:1"),
        ("index.docker.io/acme/web:1", "docker.io/acme/web:1"),
        ("quay.io/acme/web", "quay.io/acme/web:latest"),
        ("quay.io/acme/web:v0.2.0", "quay.io/acme/web:v0.2.0"),
        ("localhost/web:1", "localhost/web:1"),
        ("registry.example.com:5000/web:1", "registry.example.com:5000/web:1"),
        (f"ghcr.io/acme/web@{DIGEST}", f"ghcr.io/acme/web@{DIGEST}"),
        (f"ghcr.io/acme/web:1@{DIGEST}", f"ghcr.io/acme/web:1@{DIGEST}"),
    ],
)
def test_an_image_is_named_as_a_runtime_takes_it(text: str, meant: str) -> None:
    reference = image_of(text)

    assert str(reference) == meant
    assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{{ .Values.image }}",
        "$IMAGE:1",
        "acme/Web:1",
        "https://quay.io/acme/web:1",
        "layout:/etc",
        "layout:/etc//web:1",
        "docker://quay.io/acme/web",
        "quay.io/:1",
        "quay.io/web:1 --insecure",
        "quay.io/web@sha256:short",
        "quay.io/\x1b[2Jweb",
        "a" * 1000,
        "user:password@quay.io/web",
        "../../etc/passwd",
    ],
)
def test_what_names_no_image_is_none(text: str) -> None:
    assert image_of(text) is None


@pytest.mark.parametrize(
    ("address", "version", "meant"),
    [
        ("oci://ghcr.io/acme/charts/web:1.2.3", "9", "ghcr.io/acme/charts/web:1.2.3"),
        ("oci://ghcr.io/acme/charts/web", "1.2.3", "ghcr.io/acme/charts/web:1.2.3"),
        ("oci://ghcr.io/acme/charts/web/", "1.2.3+b1", "ghcr.io/acme/charts/web:1.2.3_b1"),
        (f"oci://ghcr.io/acme/web@{DIGEST}", "1", f"ghcr.io/acme/web@{DIGEST}"),
        ("https://charts.example.com/web-1.2.3.tgz", "1.2.3", "None"),
        ("oci://ghcr.io", "1", "None"),
        ("oci://ghcr.io/acme/web", "not a tag", "None"),
        ("oci://ghcr.io/acme/web", "", "None"),
        ("oci://layout:/etc", "1", "None"),
        ("", "1", "None"),
    ],
)
def test_a_package_in_a_registry_is_at_its_address(address: str, version: str, meant: str) -> None:
    assert str(artifact_of(address, version)) == meant


def test_the_package_comes_before_its_images_and_nothing_comes_twice() -> None:
    own = "oci://ghcr.io/acme/web"
    images = ["nginx", "docker.io/library/nginx:latest", "ghcr.io/acme/web:1", "{{ x }}", "{{ x }}"]

    holdings, unread = holdings_of("1", ["https://elsewhere", own], images)

    assert holdings == (
        Holding(parse_reference("ghcr.io/acme/web:1"), Holds.PACKAGE),
        Holding(parse_reference("docker.io/library/nginx:latest"), Holds.IMAGE),
    )
    assert unread == ("{{ x }}",)


@given(st.text(max_size=80))
@example("\u202e/evil")
@example("a.b/\x00")
def test_whatever_a_stranger_writes_becomes_a_reference_or_nothing(text: str) -> None:
    for reference in (image_of(text), artifact_of(f"oci://{text}", "1"), artifact_of(text, text)):
        if reference is not None:
            assert is_repository(reference.repository)
            assert reference.version
            assert reference.layout is None
            assert parse_reference(str(reference)) == reference
            assert str(reference) == safe(str(reference))
    _, unread = holdings_of("1", [], [text])
    assert all(each == safe(each) for each in unread)
