"""Judged by others: Knot's clients ask and update it, and unbound resolves by it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import dns.message
import dns.rcode
import pytest

from servers.dns.small import SECRET
from servers.process import LOOPBACK, comes_true, require
from transship.cutover.change.provider import TsigKey
from transship.sandbox.name_server import Listener

Ask = Callable[..., Awaitable[dns.message.Message]]
Run = Callable[..., Awaitable[str]]
PACKAGE = "knot-dnsutils"


@pytest.fixture
async def run() -> Run:
    """Run a program with a text as its input; return what it says."""

    async def ran(*argv: str, text: str = "") -> str:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate(text.encode())
        return said.decode()

    return ran


@pytest.fixture
def kdig(run: Run, authority: Listener) -> Run:
    async def asked(*words: str, port: int = 0) -> str:
        place = f"@{LOOPBACK}", "-p", str(port or authority.port)
        return await run(require("kdig", PACKAGE), *place, *words)

    return asked


@pytest.fixture
def update(run: Run, authority: Listener) -> Run:
    """Send an update by knsupdate, with a key or without one; return what it says."""

    async def sent(*lines: str, key: TsigKey | None = None) -> str:
        keyed = [f"key {key.algorithm}:{key.name} {key.secret}"] if key else []
        place = f"server {LOOPBACK} {authority.port}", "zone example.test."
        text = "\n".join([*place, *keyed, *lines, "send", "answer", ""])
        return await run(require("knsupdate", PACKAGE), "-v", text=text)

    return sent


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
async def test_kdig_understands_every_answer(kdig: Run, transport: str) -> None:
    found = await kdig("images.example.test", "A", "+norec", "+edns", "+nsid", transport)
    assert "WARNING" not in found
    assert "status: NOERROR" in found
    assert "Flags: qr aa;" in found
    assert "images.example.test.\t20\tIN\tCNAME\told.example.test." in found
    assert "old.example.test.   \t60\tIN\tA\t127.0.0.1" in found
    assert '"ns1"' in found

    missing = await kdig("nobody.example.test", "A", "+norec", transport)
    assert "status: NXDOMAIN" in missing
    assert "SOA" in missing


async def test_kdig_takes_the_signature_of_an_answer(kdig: Run) -> None:
    signed = await kdig("images.example.test", "CNAME", "-y", f"hmac-sha256:transship:{SECRET}")
    assert "status: NOERROR" in signed
    assert "TSIG PSEUDOSECTION" in signed
    assert ";; ERROR" not in signed

    unknown = await kdig("images.example.test", "CNAME", "-y", f"hmac-sha256:other:{SECRET}")
    assert "BADKEY" in unknown


async def test_knsupdate_moves_the_record_if_it_is_what_it_was(update: Run, ask: Ask) -> None:
    key = TsigKey("transship", SECRET)
    lines = (
        "prereq yxrrset images.example.test. CNAME old.example.test.",
        "update add images.example.test. 30 CNAME new.example.test.",
    )

    said = await update(*lines, key=key)
    assert "status: NOERROR" in said, said
    (moved,) = (await ask("images.example.test", "CNAME")).answer
    assert moved.to_text() == "images.example.test. 30 IN CNAME new.example.test."

    assert "NXRRSET" in await update(*lines, key=key)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (None, "REFUSED"),
        (TsigKey("other", SECRET), "BADKEY"),
        (TsigKey("transship", "d3Jvbmc="), "BADSIG"),
    ],
)
async def test_nobody_else_changes_anything(
    update: Run, ask: Ask, key: TsigKey | None, why: str
) -> None:
    said = await update("update delete images.example.test.", key=key)

    assert why in said or "NOTAUTH" in said, said
    assert len((await ask("images.example.test", "CNAME")).answer) == 1


@pytest.fixture
async def unbound(authority: Listener, tmp_path: Path) -> AsyncIterator[int]:
    """Unbound, which asks the name server for everything below `test.`; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    config = tmp_path / "unbound.conf"
    config.write_text(f"""
server:
  interface: {LOOPBACK}@{port}
  port: {port}
  do-ip6: no
  username: ""
  chroot: ""
  directory: "{tmp_path}"
  pidfile: "{tmp_path}/pid"
  use-syslog: no
  logfile: "{tmp_path}/log"
  num-threads: 1
  do-not-query-localhost: no
  local-zone: "test." nodefault
  module-config: "iterator"
  harden-referral-path: yes
  qname-minimisation-strict: yes
stub-zone:
  name: "test."
  stub-addr: {LOOPBACK}@{authority.port}
stub-zone:
  name: "example.test."
  stub-addr: {LOOPBACK}@{authority.port}
remote-control:
  control-enable: no
""")
    process = await asyncio.create_subprocess_exec(
        require("unbound", "unbound"), "-d", "-c", str(config)
    )
    try:
        yield port
    finally:
        process.terminate()
        await process.wait()


async def test_unbound_resolves_by_it(unbound: int, ask: Ask, kdig: Run) -> None:
    found = ""

    async def look() -> None:
        nonlocal found
        while "status: NOERROR" not in found:
            found = await kdig("images.example.test", "A", "+timeout=1", "+retry=0", port=unbound)

    looking = asyncio.create_task(look())
    await comes_true(looking.done, "an answer of unbound")
    looking.result()
    assert "old.example.test." in found
    assert "127.0.0.1" in found
    missing = await ask("nobody.example.test", "A", port=unbound, recurse=True)
    assert missing.rcode() == dns.rcode.NXDOMAIN
