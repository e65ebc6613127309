"""References say where something is, in one way only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadReference
from transship.oci.digest import Digest, digest_of
from transship.oci.reference import Reference, is_repository, is_tag, parse_host, parse_reference

D256 = digest_of(b"web")
D512 = digest_of(b"web", "sha512")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("old.example:5000/team/web:1.4", Reference("old.example:5000", "team/web", "1.4")),
        ("old.example/web", Reference("old.example", "web")),
        ("old.example", Reference("old.example")),
        ("old.example/", Reference("old.example")),
        ("old.example:5000", Reference("old.example:5000")),
        ("localhost/web", Reference("localhost", "web")),
        ("LOCALHOST:5000/web:V1", Reference("localhost:5000", "web", "V1")),
        ("Old.Example/web", Reference("old.example", "web")),
        ("127.0.0.1:5000/web", Reference("127.0.0.1:5000", "web")),
        ("[::1]:5000/team/web:1", Reference("[::1]:5000", "team/web", "1")),
        ("[2001:DB8::1]/web", Reference("[2001:db8::1]", "web")),
        ("registry:5000/web", Reference("registry:5000", "web")),
        ("xn--bcher-kva.example/web", Reference("xn--bcher-kva.example", "web")),
        ("docker://old.example/web:1", Reference("old.example", "web", "1")),
        ("  old.example/web:1\n", Reference("old.example", "web", "1")),
        (f"old.example/web@{D256}", Reference("old.example", "web", "", D256)),
        (f"old.example/web:1.4@{D512}", Reference("old.example", "web", "1.4", D512)),
        ("old.example/a.b/c__d/e--f/g_h:_", Reference("old.example", "a.b/c__d/e--f/g_h", "_")),
    ],
)
def test_a_place_in_a_registry(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker.io/nginx:1.27", "docker.io/library/nginx:1.27"),
        ("index.docker.io/nginx", "docker.io/library/nginx"),
        ("registry-1.docker.io/team/web", "docker.io/team/web"),
        ("DOCKER.IO/library/nginx", "docker.io/library/nginx"),
        ("docker.io", "docker.io"),
        (f"docker.io/nginx@{D256}", f"docker.io/library/nginx@{D256}"),
        ("docker.io:443/nginx", "docker.io:443/nginx"),
        ("quay.io/nginx", "quay.io/nginx"),
    ],
)
def test_docker_hub_keeps_its_own_images_under_library(text: str, expected: str) -> None:
    assert str(parse_reference(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("layout:images", Reference("layout:images")),
        ("layout:./images/", Reference("layout:images")),
        ("layout:/srv//images//team/web:1", Reference("layout:/srv/images", "team/web", "1")),
        ("layout:images//web", Reference("layout:images", "web")),
        ("layout:images//", Reference("layout:images")),
        ("layout:images//:1.4", Reference("layout:images", "", "1.4")),
        (f"layout:images//@{D256}", Reference("layout:images", "", "", D256)),
        ("layout:my images:v2//web:1", Reference("layout:my images:v2", "web", "1")),
        ("layout:../Bücher//web", Reference("layout:../Bücher", "web")),
        ("layout:.", Reference("layout:.")),
    ],
)
def test_a_place_in_a_folder(text: str, expected: Reference) -> None:
    found = parse_reference(text)

    assert found == expected
    assert found.layout == expected.registry.removeprefix("layout:")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a host name"),
        ("/web", "not a host name"),
        ("https://old.example/web", "leave https:// out"),
        ("oci://old.example/web", "leave oci:// out"),
        ("old.example/Web", "repositories are in lower case"),
        ("old.example/team/", "not a repository name"),
        ("old.example//web", "not a repository name"),
        ("old.example/web:", "'' in"),
        ("old.example/web:1:2", "not a tag"),
        ("old.example/web:-1", "not a tag"),
        ("old.example/web:" + "x" * 129, "not a tag"),
        ("old.example/web@sha256:abc", "not a sha256 or sha512 digest"),
        (f"old.example/web@{D256}@{D256}", "not a sha256 or sha512 digest"),
        ("old.example/web@", "not a sha256 or sha512 digest"),
        ("old.example/:1.4", "has no repository"),
        (f"old.example/@{D256}", "has no repository"),
        ("old.example/" + "x" * 256, "not a repository name"),
        ("old.example/wéb", "not a repository name"),
        ("old.example/we b", "not a repository name"),
        ("bücher.example/web", "not a host name"),
        ("old_example:5000/web", "not a host name"),
        ("old.example./web", "not a host name"),
        ("-old.example/web", "not a host name"),
        ("old.example:0/web", "not a host name"),
        ("old.example:65536/web", "not a host name"),
        ("old.example:٥٠٠٠/web", "not a host name"),
        ("::1/web", "not a host name"),
        ("user:secret@old.example/web", "not a host name"),
        ("layout:", "has no path"),
        ("layout://web", "has no path"),
        ("layout:///srv/images", "has no path"),
        ("layout:images//Web", "repositories are in lower case"),
    ],
)
def test_what_can_not_be_read_says_why(text: str, says: str) -> None:
    with pytest.raises(BadReference, match=says):
        parse_reference(text)


@pytest.mark.parametrize("text", ["nginx", "team/web:1.4"])
def test_a_missing_host_is_asked_for_and_not_guessed(text: str) -> None:
    with pytest.raises(BadReference) as caught:
        parse_reference(text)

    assert f"docker.io/{text}" in caught.value.remedy


def test_a_refused_reference_can_not_steer_the_terminal() -> None:
    with pytest.raises(BadReference) as caught:
        parse_reference("old.example/web\x1b[2J\u202e:1")

    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


def test_a_reference_moves_to_another_version_of_its_repository() -> None:
    web = parse_reference(f"old.example/web:1.4@{D256}")

    assert web.version == D256
    assert str(web.at("1.5")) == "old.example/web:1.5"
    assert str(web.at(D512)) == f"old.example/web@{D512}"
    assert parse_reference("old.example/web:1.4").version == "1.4"
    assert parse_reference("old.example/web").version == ""


def test_a_host_alone_is_parsed_in_the_same_way() -> None:
    assert parse_host("Old.Example:5000") == "old.example:5000"
    with pytest.raises(BadReference):
        parse_host("old.example/web")


_ALNUM = "abcdefghijklmnopqrstuvwxyz0123456789"
_WORD = st.text(_ALNUM, min_size=1, max_size=8)
_SEPARATOR = st.sampled_from([".", "_", "__", "-", "---"])
_PART = st.builds(lambda a, s, b: a + s + b, _WORD, _SEPARATOR, _WORD) | _WORD
_REPOSITORIES = st.lists(_PART, min_size=1, max_size=4).map("/".join)
_TAGS = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", fullmatch=True)
_PORTS = st.just("") | st.integers(1, 65535).map(lambda port: f":{port}")
_HOSTS = st.builds(
    lambda host, port: host + port,
    st.sampled_from(["old.example", "localhost", "10.0.0.1", "[::1]", "a-b.c.example"]),
    _PORTS,
)
_PATHS = st.lists(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)
    .map(str.strip)
    .filter(lambda part: part not in ("", ".")),
    min_size=1,
    max_size=4,
).map("/".join)
_PLACES = _HOSTS | _PATHS.map(lambda path: f"layout:{path}")
_DIGESTS = st.none() | st.sampled_from([D256, D512])


@given(_PLACES, _REPOSITORIES, st.just("") | _TAGS, _DIGESTS)
def test_what_is_written_reads_the_same(
    registry: str, repository: str, tag: str, digest: Digest | None
) -> None:
    reference = Reference(registry, repository, tag, digest)

    assert parse_reference(str(reference)) == reference


@given(_PLACES)
def test_a_whole_place_reads_the_same(registry: str) -> None:
    assert parse_reference(str(Reference(registry))) == Reference(registry)


@given(st.text())
def test_any_text_is_a_reference_or_is_refused(text: str) -> None:
    try:
        reference = parse_reference(text)
    except BadReference:
        return
    assert parse_reference(str(reference)) == reference


@given(_REPOSITORIES, _TAGS)
def test_repositories_and_tags_are_known_by_their_form(repository: str, tag: str) -> None:
    assert is_repository(repository) == (len(repository) <= 255)
    assert is_tag(tag)
    assert not is_repository(repository + "/")
    assert not is_repository(repository.upper() + "X")
    assert not is_tag(tag + "\n")


def test_a_hostile_name_is_refused_quickly() -> None:
    assert not is_repository("a-" * 100_000)
    with pytest.raises(BadReference):
        parse_reference("a-" * 100_000 + "/x")
    with pytest.raises(BadReference):
        parse_reference("a." * 100_000 + "/x")
