"""What the zones of the lab hold. Names have short TTLs, so that caches forget soon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.dns.staged import Signer

if TYPE_CHECKING:
    from servers.dns.block import Block

TTL = 4
NEGATIVE_TTL = 3
IMAGES = "images.example.test."
OLD = "registry.oldcloud.test."
NEW = "registry.newcloud.test."

# Refreshes are so rare that only NOTIFY brings a secondary on.
_SOA = f"SOA {{server}} admin.{{zone}} 1 3600 600 86400 {NEGATIVE_TTL}"
_LINKS = 12


def root_zone(block: Block) -> str:
    """Return the root, which knows `test.` alone."""
    return _zone(
        ".",
        "a.root.",
        [
            "@ NS a.root.",
            f"a.root. A {block.address('1.1')}",
            "test. NS ns.test.",
            f"ns.test. A {block.address('1.2')}",
            # A name by which a provider is known.
            f"ada.ns.cloudflare.com. A {block.address('4.1')}",
        ],
    )


def test_zone(block: Block, ds: str) -> str:
    """Return `test.`, with `ds` as the DS record of `example.test.`."""
    primary, secondary = block.address("1.3"), block.address("1.4")
    records = [
        "@ NS ns.test.",
        f"ns A {block.address('1.2')}",
        "example NS ns1.example",
        "example NS ns2.example",
        f"example DS {ds}",
        f"ns1.example A {primary}",
        f"ns2.example A {secondary}",
        "power NS ns.power",
        f"ns.power A {block.address('1.5')}",
        # One server serves it, one refers upward, one refuses, one has no address.
        "lame NS ns1.lame",
        "lame NS ns2.lame",
        "lame NS ns3.lame",
        "lame NS ns4.nowhere.test.",
        f"ns1.lame A {primary}",
        f"ns2.lame A {block.address('1.1')}",
        f"ns3.lame A {secondary}",
        # Nobody serves it at all.
        "dead NS ns.dead",
        f"ns.dead A {secondary}",
        # Tests serve these by themselves (`staged`).
        "staged NS ns1.staged",
        "staged NS ns2.staged",
        f"ns1.staged A {block.address('4.1')}",
        f"ns2.staged A {block.address('4.2')}",
        "flat NS ada.ns.cloudflare.com.",
        "signed NS ns.signed",
        f"signed DS {Signer().ds}",
        f"ns.signed A {block.address('4.3')}",
    ]
    for zone in ("oldcloud", "newcloud"):
        records += [f"{zone} NS ns.{zone}", f"ns.{zone} A {primary}"]
    return _zone("test.", "ns.test.", records)


def example_zone(block: Block) -> str:
    """Return `example.test.`: the domain, and names with every trouble."""
    old = block.address("3.1")
    records = [
        "@ NS ns1",
        "@ NS ns2",
        f"ns1 A {block.address('1.3')}",
        f"ns2 A {block.address('1.4')}",
        f"@ A {old}",
        '@ CAA 0 issue "letsencrypt.org"',
        f"images CNAME {OLD}",
        "loop-a CNAME loop-b",
        "loop-b CNAME loop-a",
        f"*.wild CNAME {OLD}",
        f"made.wild CNAME {OLD}",
        "dangling CNAME gone.newcloud.test.",
        f"dual A {old}",
        "dual AAAA ::1",
        'words TXT "nothing but words"',
        f"owned CNAME {OLD}",
        'cname-owned TXT "heritage=external-dns,external-dns/owner=usc1"',
        # The dot at its end was forgotten.
        "dotless CNAME registry.newcloud.test",
        f"{IMAGES.rstrip('.')} CNAME {NEW}",
        "branch DNAME newcloud.test.",
        *(f"chain{i} CNAME chain{i + 1}" for i in range(_LINKS)),
        f"chain{_LINKS} A {old}",
        *(f'big TXT "{i:02} {"x" * 200}"' for i in range(10)),
    ]
    return _zone("example.test.", "ns1.example.test.", records)


def cloud_zone(block: Block, zone: str) -> str:
    """Return the zone of a registry service, `oldcloud.test.` or `newcloud.test.`."""
    address = block.address("3.1" if zone == "oldcloud.test." else "3.2")
    records = ["@ NS ns", f"ns A {block.address('1.3')}", f"registry A {address}"]
    records += ['registry CAA 0 issue "digicert.com"', "branch AAAA ::1"]
    return _zone(zone, f"ns.{zone}", records)


def lame_zone(block: Block) -> str:
    """Return `lame.test.` as the one server that serves it has it."""
    names = ["@ NS ns1", "@ NS ns2", "@ NS ns3", "@ NS ns4.nowhere.test."]
    addresses = [f"ns1 A {block.address('1.3')}", f"ns2 A {block.address('1.1')}"]
    rest = [f"ns3 A {block.address('1.4')}", f"images CNAME {OLD}"]
    return _zone("lame.test.", "ns1.lame.test.", [*names, *addresses, *rest])


def _zone(zone: str, server: str, records: list[str]) -> str:
    soa = "@ " + _SOA.format(server=server, zone=zone.lstrip("."))
    return "\n".join([f"$ORIGIN {zone}", f"$TTL {TTL}", soa, *records, ""])
