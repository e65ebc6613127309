from __future__ import annotations

import random
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from clients.opening import Access, Connect
from samples.manifests import encode, read_blob, stream
from servers.scripted import Reply, ScriptedServer
from transship import errors
from transship.oci.digest import Digest, digest_of
from transship.registry.distribution import DistributionRegistry
from transship.registry.service import service_named
from transship.sandbox.registry_server import SandboxRegistry

if TYPE_CHECKING:
    from transship.registry.registry import Upload

CONTENT = random.Random(0).randbytes(600 * 1024)
DIGEST = digest_of(CONTENT)


async def begin(registry: DistributionRegistry, repository: str, digest: Digest = DIGEST) -> Upload:
    upload = await registry.start_upload(repository, digest)
    assert upload is not None
    return upload


STATE = "?_state=a%2Bb%2Fc%3D%3D-_~%7E&_nouploadcache=false"


async def test_the_address_of_an_upload_is_kept_to_the_letter(
    connect: Connect, scripted: ScriptedServer
) -> None:
    uploads = "/v2/team/web/blobs/uploads/"
    scripted.on("POST", uploads, Reply(202, {"Location": f"{uploads}1{STATE}"}))
    scripted.on("GET", f"{uploads}1.*", Reply(204, {"Range": "0-9"}))
    scripted.on("PATCH", f"{uploads}1.*", Reply(202, {"Location": f"{uploads}2{STATE}"}))
    scripted.on("PUT", f"{uploads}2.*", Reply(201))
    registry = connect(scripted.host)
    upload = await begin(registry, "team/web")
    assert upload.location == f"{scripted.url}{uploads}1{STATE}"
    resumed = await registry.resume_upload("team/web", upload.location)
    assert resumed.offset == 10
    await resumed.append(5, stream(b"12345"))
    await resumed.finish(DIGEST)
    await resumed.cancel()
    assert [(r.method, r.target) for r in scripted.requests[2:]] == [
        ("GET", f"{uploads}1{STATE}"),
        ("PATCH", f"{uploads}1{STATE}"),
        ("PUT", f"{uploads}2{STATE}&digest={DIGEST.replace(':', '%3A')}"),
        ("DELETE", f"{uploads}2{STATE}"),
    ]
    (patch,) = scripted.asked("PATCH")
    assert patch.headers["content-range"] == "10-14"
    assert patch.body == b"12345"


@pytest.mark.parametrize(
    "location",
    ["{other_scheme}://{host}/v2/x/1", "/v2/x/1", "1?a", "{scheme}://{host}/v2/x/1"],
)
async def test_a_location_leads_back_to_the_registry_with_its_login(
    connect: Connect, scripted_tls: ScriptedServer, access_tls: Access, location: str
) -> None:
    """Behind a proxy that ends TLS, a registry may name itself by http."""
    address = location.format(other_scheme="http", scheme="https", host=scripted_tls.host)
    scripted_tls.on("GET", "/v2/", Reply(401, {"WWW-Authenticate": 'Basic realm="x"'}))
    scripted_tls.on("POST", ".*/uploads/", Reply(202, {"Location": address}))
    scripted_tls.on("PUT", ".*", Reply(201))
    registry = connect(scripted_tls.host, credential=access_tls.credential, tls=access_tls.tls)
    upload = await begin(registry, "team/web")
    await upload.put(DIGEST, len(CONTENT), stream(CONTENT))
    (request,) = scripted_tls.asked("PUT")
    assert request.headers["authorization"].startswith("Basic ")
    assert parse_qs(urlsplit(request.target).query)["digest"] == [DIGEST]


async def test_an_upload_elsewhere_gets_no_login(
    connect: Connect, scripted: ScriptedServer, sandbox: SandboxRegistry, access_tls: Access
) -> None:
    scripted.on("GET", "/v2/", Reply(401, {"WWW-Authenticate": 'Basic realm="x"'}))
    elsewhere = scripted.url.replace("127.0.0.1", "localhost")
    scripted.on("POST", ".*/uploads/", Reply(202, {"Location": f"{elsewhere}/elsewhere"}))
    scripted.on("PUT", ".*", Reply(201))
    registry = connect(scripted.host, credential=access_tls.credential)
    upload = await begin(registry, "team/web")
    await upload.put(DIGEST, len(CONTENT), stream(CONTENT))
    assert "authorization" in scripted.asked("POST")[0].headers
    assert "authorization" not in scripted.asked("PUT")[0].headers


@pytest.mark.parametrize("location", ["http://elsewhere.example/x", "ftp://x/", "https://u:p@x/"])
async def test_bytes_go_to_no_unsafe_place(
    connect: Connect, scripted_tls: ScriptedServer, access_tls: Access, location: str
) -> None:
    scripted_tls.on("POST", ".*/uploads/", Reply(202, {"Location": location}))
    registry = connect(scripted_tls.host, tls=access_tls.tls)
    with pytest.raises(errors.RedirectRefused):
        await registry.start_upload("team/web", DIGEST)


async def test_an_upload_without_an_address_cannot_be_used(
    connect: Connect, scripted: ScriptedServer
) -> None:
    scripted.on("POST", ".*/uploads/", Reply(202))
    with pytest.raises(errors.UnexpectedAnswer, match="Location"):
        await connect(scripted.host).start_upload("team/web", DIGEST)


@pytest.mark.parametrize(
    "refused",
    [
        Reply(400, {}, encode({"errors": [{"code": "UNSUPPORTED"}]})),
        Reply(401, {"WWW-Authenticate": 'Basic realm="x"'}),
        Reply(403, {}, encode({"errors": [{"code": "DENIED"}]})),
        Reply(404, {}, encode({"errors": [{"code": "BLOB_UNKNOWN"}]})),
        Reply(404),
        Reply(405),
        Reply(202),
    ],
    ids=lambda reply: f"{reply.status} {reply.body.decode()}".strip(),
)
async def test_every_refusal_to_mount_leads_to_an_upload(
    connect: Connect, scripted: ScriptedServer, refused: Reply
) -> None:
    scripted.on("POST", r".*/uploads/\?mount=.*", refused)
    scripted.on("POST", ".*/uploads/", Reply(202, {"Location": "/v2/x/1"}))
    registry = connect(scripted.host)
    upload = await registry.start_upload("team/web", DIGEST, mount_from="team/base")
    assert upload is not None
    assert scripted.asked("POST")[0].target == (
        f"/v2/team/web/blobs/uploads/?mount={DIGEST.replace(':', '%3A')}&from=team%2Fbase"
    )
    assert scripted.asked("POST")[-1].headers["content-length"] == "0"


async def test_a_mount_that_only_failed_is_no_refusal(
    connect: Connect, scripted: ScriptedServer
) -> None:
    scripted.on("POST", ".*", Reply(500))
    with pytest.raises(errors.ServerFailed):
        await connect(scripted.host).start_upload("team/web", DIGEST, mount_from="team/base")


@pytest.mark.parametrize(
    ("status", "headers", "offset"),
    [
        (204, {"Range": "0-99"}, 100),
        (204, {"Range": "bytes=0-99"}, 100),
        (202, {"Range": "0-99"}, 100),
        (204, {"Range": "0-0"}, 0),
        (204, {"Range": "0--1"}, 0),
    ],
)
async def test_what_an_upload_holds_is_read(
    connect: Connect, scripted: ScriptedServer, status: int, headers: dict[str, str], offset: int
) -> None:
    scripted.on("GET", "/v2/x/1", Reply(status, headers))
    upload = await connect(scripted.host).resume_upload("team/web", f"{scripted.url}/v2/x/1")
    assert upload.offset == offset
    assert upload.location == f"{scripted.url}/v2/x/1"


@pytest.mark.parametrize(("said", "offset"), [("0--1", 0), ("0-0", 0), ("0-100", 100)])
async def test_a_byte_too_many_is_taken_off_where_a_service_is_known_to_say_it(
    connect: Connect, scripted: ScriptedServer, said: str, offset: int
) -> None:
    scripted.on("GET", "/v2/x/1", Reply(204, {"Range": f"bytes={said}"}))
    registry = connect(scripted.host, service=service_named("quay"))

    upload = await registry.resume_upload("team/web", f"{scripted.url}/v2/x/1")

    assert upload.offset == offset


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (204, {}),
        (204, {"Range": "100-199"}),
        (204, {"Range": "nothing"}),
        (404, {}),
        (400, {}),
        (405, {}),
        (403, {}),
    ],
)
async def test_in_any_doubt_an_upload_is_lost(
    connect: Connect, scripted: ScriptedServer, status: int, headers: dict[str, str]
) -> None:
    scripted.on("GET", "/v2/x/1", Reply(status, headers))
    with pytest.raises(errors.UploadLost):
        await connect(scripted.host).resume_upload("team/web", "/v2/x/1")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(206, {}, b"part"),
        Reply(206, {"Content-Range": "bytes 5-8/*"}, b"part"),
        Reply(206, {"Content-Range": "bytes 9-12/20"}, b"part"),
        Reply(200, {}, CONTENT, unsized=True),
    ],
    ids=["no range", "no size", "too far", "no length"],
)
async def test_a_part_that_cannot_be_placed_is_refused(
    connect: Connect, scripted: ScriptedServer, reply: Reply
) -> None:
    scripted.on("GET", ".*/blobs/.*", reply)
    with pytest.raises(errors.UnexpectedAnswer):
        await read_blob(connect(scripted.host), "team/web", DIGEST, 5)


async def test_a_part_may_begin_earlier_than_asked(
    connect: Connect, scripted: ScriptedServer
) -> None:
    headers = {"Content-Range": f"bytes 4-{len(CONTENT) - 1}/{len(CONTENT)}"}
    scripted.on("GET", ".*/blobs/.*", Reply(206, headers, CONTENT[4:]))
    async with connect(scripted.host).read_blob("team/web", DIGEST, 5) as blob:
        assert (blob.offset, blob.size) == (4, len(CONTENT))
    assert scripted.asked("GET", ".*/blobs/.*")[0].headers["range"] == "bytes=5-"
