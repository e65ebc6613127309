"""The servers of the tests do what the tests believe of them."""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from servers import images, skopeo
from servers.loopback import serving
from servers.process import eventually, require, running
from servers.registry import Registry
from servers.storage import blob_storage
from servers.token_server import TokenServer, token_server
from servers.zuul import zuul_registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.certificates import Certificates
    from servers.docker_registry import DockerRegistry
    from servers.keyring_session import KeyringSession
    from servers.loopback import Exchange

    NewRegistry = Callable[..., DockerRegistry]


class TestPrograms:
    def test_that_end_early_say_why(self, tmp_path: Path) -> None:
        argv = ["sh", "-c", "echo no such option >&2; exit 3"]
        with (
            pytest.raises(RuntimeError, match="ended with 3: no such option"),
            running(argv, tmp_path / "log", ready=lambda: False),
        ):
            pass

    def test_that_never_become_ready_are_ended(self, tmp_path: Path) -> None:
        argv = ["sh", "-c", "echo $$ starting >&2; exec sleep 60"]
        with (
            pytest.raises(TimeoutError, match="starting") as raised,
            running(argv, tmp_path / "log", ready=lambda: False, deadline=0.2),
        ):
            pass
        pid = re.search(r"(\d+) starting", str(raised.value))
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid[1]), 0)

    def test_that_are_missing_fail_the_test(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        with pytest.raises(pytest.fail.Exception, match="apt-get install docker-registry"):
            require("docker-registry", "docker-registry")

    def test_of_our_own_do_not_fail_in_silence(self) -> None:
        async def handle(exchange: Exchange) -> None:
            raise ValueError(exchange.target)

        with (
            pytest.raises(ExceptionGroup) as raised,
            serving(handle) as server,
            pytest.raises(httpx.TransportError),
        ):
            httpx.get(f"http://127.0.0.1:{server.port}/path")
        assert raised.group_contains(ValueError, match="/path")


class TestRegistries:
    @pytest.mark.parametrize("kind", ["open", "htpasswd", "token", "tls"])
    def test_skopeo_and_the_set_up_see_the_same_image(
        self, kind: str, repository: str, request: pytest.FixtureRequest
    ) -> None:
        registry: DockerRegistry = request.getfixturevalue(f"{kind}_registry")
        image = images.push_image(registry, repository, "1.0")
        reference = f"docker://{registry.host}/{repository}:1.0"
        assert skopeo.inspect_raw(reference, registry) == image.content
        assert skopeo.digest(reference, registry) == image.digest
        assert skopeo.list_tags(f"docker://{registry.host}/{repository}", registry) == ["1.0"]

    @pytest.mark.parametrize("kind", ["htpasswd", "token"])
    def test_refuse_a_wrong_password(self, kind: str, request: pytest.FixtureRequest) -> None:
        registry: DockerRegistry = request.getfixturevalue(f"{kind}_registry")
        assert httpx.get(f"{registry.url}/v2/").status_code == 401
        stranger = Registry(registry.url, "operator", "wrong")
        with pytest.raises(skopeo.SkopeoError, match=r"unauthorized|authentication required"):
            skopeo.list_tags(f"docker://{registry.host}/tests/any", stranger)

    def test_ask_for_a_client_certificate(
        self, new_registry: NewRegistry, certificates: Certificates
    ) -> None:
        registry = new_registry(tls=certificates, client_certificates=True)
        with pytest.raises(httpx.TransportError):
            registry.http.get("/v2/")
        context = ssl.create_default_context(cafile=str(certificates.ca_file))
        context.load_cert_chain(certificates.client_certificate, certificates.client_key)
        assert httpx.get(f"{registry.url}/v2/", verify=context).status_code == 200

    def test_come_back_with_what_they_held(
        self, new_registry: NewRegistry, repository: str
    ) -> None:
        registry = new_registry()
        image = images.push_image(registry, repository, "1.0")
        registry.stop()
        with pytest.raises(httpx.ConnectError):
            registry.http.get("/v2/")
        registry.start()
        held = registry.http.head(f"/v2/{repository}/manifests/{image.digest}", headers=_ACCEPT)
        assert held.status_code == 200

    def test_log_what_they_were_asked(self, open_registry: DockerRegistry, repository: str) -> None:
        mark = open_registry.mark()
        url = f"/v2/{repository}/manifests/none"
        assert open_registry.http.get(url).status_code == 404
        image = images.push_image(open_registry, repository)
        layer = image.blobs[1]
        size = len(open_registry.http.get(f"/v2/{repository}/blobs/{layer}").content)
        log = open_registry.since(mark)
        assert (log[0].method, log[0].path, log[0].status) == ("GET", url, 404)
        assert [access.method for access in log[1:-1]] == ["POST", "PUT", "POST", "PUT", "PUT"]
        assert (log[-1].method, log[-1].status, log[-1].bytes) == ("GET", 200, size)

    def test_refuse_writes_when_they_are_read_only(
        self, new_registry: NewRegistry, repository: str
    ) -> None:
        with pytest.raises(httpx.HTTPStatusError, match="405"):
            images.push_image(new_registry(readonly=True), repository)

    def test_give_relative_locations_when_asked(
        self, new_registry: NewRegistry, repository: str
    ) -> None:
        registry = new_registry(relative_urls=True)
        started = registry.http.post(f"/v2/{repository}/blobs/uploads/")
        assert started.headers["Location"].startswith(f"/v2/{repository}/")
        images.push_image(registry, repository)

    def test_redirect_to_a_storage_that_refuses_logins(
        self, new_registry: NewRegistry, repository: str, tmp_path: Path
    ) -> None:
        folder = tmp_path / "blobs"
        folder.mkdir()
        with blob_storage(folder) as storage:
            registry = new_registry(auth="htpasswd", storage=folder, redirect_to=storage.url)
            image = images.push_image(registry, repository, "1.0", [images.random_layer(9000, 1)])
            blob = f"/v2/{repository}/blobs/{image.blobs[1]}"
            redirect = registry.http.get(blob)
            assert redirect.status_code == 307
            target = redirect.headers["Location"]
            whole = httpx.get(target).content
            part = httpx.get(target, headers={"Range": "bytes=10-19"})
            assert (part.status_code, part.content) == (206, whole[10:20])
            assert images.digest_of(whole) == image.blobs[1]
            assert httpx.get(target, headers={"Authorization": "Basic eA=="}).status_code == 400
            assert [seen.has_authorization for seen in storage.requests] == [False, False, True]
            skopeo.copy(
                f"docker://{registry.host}/{repository}:1.0", f"oci:{tmp_path}/out:1", registry
            )

    def test_zuul_is_awkward_in_the_known_ways(self, zuul: Registry, repository: str) -> None:
        image = images.push_image(zuul, repository, "1.0")
        reference = f"docker://{zuul.host}/{repository}:1.0"
        assert skopeo.digest(reference, zuul) == image.digest
        assert zuul.http.get("/v2/_catalog").status_code == 404
        blob = f"/v2/{repository}/blobs/{image.blobs[1]}"
        assert zuul.http.get(blob, headers={"Range": "bytes=0-0"}).status_code == 200
        started = zuul.http.post(f"/v2/{repository}/blobs/uploads/")
        assert zuul.http.get(started.headers["Location"]).status_code == 404

    def test_zuul_speaks_tls(
        self, tmp_path: Path, certificates: Certificates, repository: str
    ) -> None:
        with zuul_registry(tmp_path / "zuul", tls=certificates) as registry:
            image = images.push_image(registry, repository, "1.0")
            reference = f"docker://{registry.host}/{repository}:1.0"
            assert skopeo.digest(reference, registry) == image.digest


class TestTokens:
    def test_end_when_their_lifetime_ends(
        self, token_registry: DockerRegistry, token_server: TokenServer, repository: str
    ) -> None:
        token_server.lifetime = 0.5
        headers = {"Authorization": f"Bearer {_get_token(token_server, repository)['token']}"}
        url = f"{token_registry.url}/v2/{repository}/tags/list"
        assert httpx.get(url, headers=headers).status_code == 404
        eventually(lambda: httpx.get(url, headers=headers).status_code == 401)

    def test_can_be_dead_on_arrival(
        self, token_registry: DockerRegistry, token_server: TokenServer, repository: str
    ) -> None:
        token_server.lifetime, token_server.announced = -1, 300
        answer = _get_token(token_server, repository)
        assert answer["expires_in"] == 300
        headers = {"Authorization": f"Bearer {answer['token']}"}
        url = f"{token_registry.url}/v2/{repository}/tags/list"
        assert httpx.get(url, headers=headers).status_code == 401

    def test_of_a_reader_do_not_push(
        self, token_registry: DockerRegistry, token_server: TokenServer, repository: str
    ) -> None:
        answer = _get_token(token_server, repository, user="reader")
        headers = {"Authorization": f"Bearer {answer['token']}"}
        uploads = f"{token_registry.url}/v2/{repository}/blobs/uploads/"
        assert httpx.post(uploads, headers=headers).status_code == 401

    def test_come_by_refresh_token_until_it_is_revoked(self, token_server: TokenServer) -> None:
        scope = "repository:a/b:pull repository:c/d:pull,push"
        form = {
            "grant_type": "password",
            "username": "operator",
            "password": token_server.users["operator"],
            "service": "registry.example",
            "client_id": "story",
            "scope": scope,
            "access_type": "offline",
        }
        first = httpx.post(token_server.realm, data=form).json()
        again = {
            "grant_type": "refresh_token",
            "refresh_token": first["refresh_token"],
            "service": "registry.example",
            "client_id": "story",
            "scope": scope,
        }
        assert httpx.post(token_server.realm, data=again).json()["access_token"]
        token_server.revoke()
        assert httpx.post(token_server.realm, data=again).status_code == 401
        token_server.post_supported = False
        assert httpx.post(token_server.realm, data=again).status_code == 405
        seen = [(request.grant_type, request.user) for request in token_server.requests]
        assert seen[:2] == [("password", "operator"), ("refresh_token", "operator")]
        assert token_server.requests[0].scopes == tuple(scope.split())
        assert "correct horse" not in repr(token_server)

    def test_are_for_strangers_only_when_they_are_let_in(self, token_server: TokenServer) -> None:
        query = {"service": "registry.example", "scope": "repository:a/b:pull"}
        assert httpx.get(token_server.realm, params=query).status_code == 401
        token_server.anonymous_pull = True
        assert httpx.get(token_server.realm, params=query).status_code == 200
        assert [request.user for request in token_server.requests] == [None, None]

    def test_can_come_over_tls(self, tmp_path: Path, certificates: Certificates) -> None:
        context = ssl.create_default_context(cafile=str(certificates.ca_file))
        with token_server(tmp_path, tls=certificates) as server:
            assert server.realm.startswith("https://localhost:")
            assert httpx.get(server.realm, verify=context).status_code == 401


class TestImages:
    def test_are_the_same_each_time(
        self, open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str
    ) -> None:
        here = images.push_image(open_registry, repository, "1.0")
        there = images.push_image(other_registry, repository, "1.0")
        assert here == there

    @pytest.mark.parametrize("docker", [False, True])
    def test_of_many_platforms_are_copied_by_skopeo_unchanged(
        self,
        docker: bool,
        open_registry: DockerRegistry,
        other_registry: DockerRegistry,
        repository: str,
    ) -> None:
        children = [
            images.push_image(
                open_registry, repository, layers=[_SHARED], platform=name, docker=docker
            )
            for name in ("linux/amd64", "linux/arm64/v8")
        ]
        index = images.push_index(open_registry, repository, "1.0", children, docker=docker)
        here, there = (
            f"docker://{registry.host}/{repository}:1.0"
            for registry in (open_registry, other_registry)
        )
        skopeo.copy(here, there, open_registry, other_registry)
        assert skopeo.digest(there, other_registry) == index.digest

    def test_have_referrers_under_the_tag_of_their_digest(
        self, open_registry: DockerRegistry, repository: str
    ) -> None:
        image = images.push_image(open_registry, repository, "1.0")
        signature = images.push_referrer(open_registry, image)
        report = images.push_referrer(open_registry, image, b"a report", artifact_type="text/plain")
        tag = image.digest.replace(":", "-")
        reference = f"docker://{open_registry.host}/{repository}:{tag}"
        index = json.loads(skopeo.inspect_raw(reference, open_registry))
        listed = [(entry["digest"], entry["artifactType"]) for entry in index["manifests"]]
        assert listed == [
            (signature.digest, signature.artifact_type),
            (report.digest, "text/plain"),
        ]

    def test_are_pushed_by_the_hundred(self, new_registry: NewRegistry) -> None:
        registry = new_registry()
        for number in range(100):
            annotations = {"number": str(number)}
            images.push_image(
                registry, "tests/many", f"{number}", [_SHARED], annotations=annotations
            )
        tags = skopeo.list_tags(f"docker://{registry.host}/tests/many", registry)
        assert len(tags) == 100


@pytest.mark.secretservice
class TestKeyring:
    def test_keeps_a_secret_when_unlocked(self, unlocked_keyring: KeyringSession) -> None:
        unlocked_keyring.run_python(_SET).check_returncode()
        assert unlocked_keyring.run_python(_GET).stdout.strip() == "SecretService secret"

    def test_refuses_when_locked(self, locked_keyring: KeyringSession) -> None:
        done = locked_keyring.run_python(_GET)
        assert done.returncode == 1
        assert "KeyringLocked" in done.stderr

    def test_hangs_while_its_daemon_is_stopped(self, unlocked_keyring: KeyringSession) -> None:
        unlocked_keyring.hang()
        with pytest.raises(subprocess.TimeoutExpired):
            unlocked_keyring.run_python(_GET, timeout=1.5)
        unlocked_keyring.resume()
        assert unlocked_keyring.run_python(_GET).stdout.strip() == "SecretService None"


def test_nothing_of_the_machine_shows(tmp_path_factory: pytest.TempPathFactory) -> None:
    assert "DBUS_SESSION_BUS_ADDRESS" not in os.environ
    assert os.environ["HOME"].startswith(str(tmp_path_factory.getbasetemp()))
    assert time.tzname[0] == "UTC"


_ACCEPT = {"Accept": images.OCI_MANIFEST}
_SHARED = images.make_layer(b"a layer that many images share")
_SET = "import keyring; keyring.set_password('transship:test', 'operator', 'secret')"
_GET = """
import keyring
secret = keyring.get_password("transship:test", "operator")
print(type(keyring.get_keyring()).__module__.rpartition(".")[2], secret)
"""


def _get_token(server: TokenServer, repository: str, user: str = "operator") -> dict[str, Any]:
    query = {"service": "registry.example", "scope": f"repository:{repository}:pull,push"}
    answer = httpx.get(server.realm, params=query, auth=(user, server.users[user]))
    return dict(answer.raise_for_status().json())
