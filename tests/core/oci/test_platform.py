"""Platforms: what the operator asks for, and what indexes say."""

from __future__ import annotations

import pytest

from transship.errors import BadPlatform
from transship.oci.platform import Platform, parse_platform


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", "linux/amd64"),
        ("Linux/AMD64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm/v7", "linux/arm/v7"),
        ("windows/amd64", "windows/amd64"),
    ],
)
def test_a_platform_is_written_with_slashes(text: str, expected: str) -> None:
    assert str(parse_platform(text)) == expected


@pytest.mark.parametrize("text", ["", "amd64", "linux/", "/amd64", "linux//v7", "a/b/c/d", "\x1b"])
def test_what_is_no_platform_is_refused(text: str) -> None:
    with pytest.raises(BadPlatform):
        parse_platform(text)


@pytest.mark.parametrize(
    ("image", "wanted", "matches"),
    [
        (Platform("linux", "amd64"), "linux/amd64", True),
        (Platform("linux", "amd64"), "linux/arm64", False),
        (Platform("windows", "amd64"), "linux/amd64", False),
        (Platform("linux", "arm64", "v8"), "linux/arm64", True),
        (Platform("linux", "arm64"), "linux/arm64/v8", True),
        (Platform("linux", "aarch64"), "linux/arm64", True),
        (Platform("linux", "x86_64"), "linux/x86_64", True),
        (Platform("linux", "arm", "v7"), "linux/arm", True),
        (Platform("linux", "arm", "v6"), "linux/arm/v7", False),
        (Platform("linux", "arm"), "linux/arm/v7", True),
        (Platform("linux", "amd64", "v3"), "linux/amd64", True),
        (Platform("linux", "amd64"), "linux/amd64/v3", False),
        (Platform("linux", ""), "linux/amd64", False),
        (Platform("unknown", "unknown"), "linux/amd64", False),
    ],
)
def test_an_image_is_for_the_platform_that_is_asked_for(
    image: Platform, wanted: str, matches: bool
) -> None:
    assert image.matches(parse_platform(wanted)) is matches


def test_platforms_are_listed_in_order() -> None:
    names = ["windows/amd64", "linux/arm/v7", "linux/arm64", "linux/amd64", "linux/arm/v6"]

    assert [str(p) for p in sorted(map(parse_platform, names))] == [
        "linux/amd64",
        "linux/arm/v6",
        "linux/arm/v7",
        "linux/arm64",
        "windows/amd64",
    ]
