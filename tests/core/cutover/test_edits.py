"""The exact edit and its reverse, in lines and in the words of each provider."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from cutovers.any_evidence import any_case, spoilt_case
from cutovers.clean import (
    CLEAN,
    NAME,
    NEW,
    NEW_AT,
    NS1,
    OLD,
    OLD_AT,
    SUBJECT,
    ZONE,
    at_both,
    case,
    record,
    server,
    zone,
)
from transship.cutover.change.records import Edit, EditKind, plan_edit
from transship.cutover.domain import Domain
from transship.cutover.evidence import RecordSet
from transship.cutover.rules.case import Case

FORWARD = f"{NAME}. 60 IN CNAME {NEW}"
BACK = f"{NAME}. 60 IN CNAME {OLD}"


def made(of: Case) -> Edit:
    found = plan_edit(of.subject, of.evidence)
    assert found is not None
    return found


def at(provider: str, *records: RecordSet) -> Edit:
    names = {
        "route53": "ns-1.awsdns-01.co.uk",
        "cloudflare": "ada.ns.cloudflare.com",
        "dnspod": "f1g1ns1.dnspod.net",
        "alidns": "dns1.hichina.com",
        "azure": "ns1-01.azure-dns.com",
        "google": "ns-cloud-a1.googledomains.com",
        "gandi": "ns-1-a.gandi.net",
        "ovh": "dns10.ovh.net",
        "generic": "ns1.example.com",
    }
    there = server((names[provider], "9.1.1.1"), *(records or (record("CNAME", OLD),)))
    return made(case(zone=zone(there)))


def test_from_one_name_to_another_only_the_value_changes() -> None:
    found = made(CLEAN)

    assert found.kind is EditKind.VALUE
    assert (found.forward.remove, found.forward.add) == ((BACK,), (FORWARD,))
    assert (found.reverse.remove, found.reverse.add) == ((FORWARD,), (BACK,))
    assert found.lost == ()
    assert "never delete the record first" in found.notes[0]


def test_the_new_record_has_the_ttl_that_the_subject_wants_for_it() -> None:
    found = made(case(replace(SUBJECT, ttl=2)))

    assert found.forward.add == (FORWARD.replace(" 60 ", " 2 "),)
    assert found.reverse.add == (BACK,), "the way back has the old one's"


@pytest.mark.parametrize(("served", "made_of_it"), [(4, 4), (60, 60), (3600, 60)])
def test_the_new_ttl_is_never_higher_than_the_one_that_is_served(
    served: int, made_of_it: int
) -> None:
    found = made(case(zone=at_both(record("CNAME", OLD, ttl=served))))

    assert found.forward.add == (FORWARD.replace(" 60 ", f" {made_of_it} "),)
    assert found.reverse.add == (BACK.replace(" 60 ", f" {served} "),)
    assert [each.ttl for each in found.takes] == [served]


def test_from_addresses_to_a_name_everything_else_goes_away_and_is_listed() -> None:
    there = at_both(
        record("A", OLD_AT, "1.2.3.5"),
        record("AAAA", "2606:4700::1", ttl=300),
        record("TXT", '"proof=1"'),
        record("CAA", '0 issue "ca.net"'),
    )
    found = made(case(zone=there))

    assert found.kind is EditKind.TO_CNAME
    assert found.forward.add == (FORWARD,)
    assert len(found.forward.remove) == 5
    assert found.lost == (
        f'{NAME}. 60 IN TXT "proof=1"',
        f'{NAME}. 60 IN CAA 0 issue "ca.net"',
    )
    assert found.reverse.add == found.forward.remove
    assert f"{NAME}. 300 IN AAAA 2606:4700::1" in found.reverse.add
    assert any("TXT, CAA at this name go away too" in note for note in found.notes)


def test_to_an_address_both_families_are_changed_and_the_rest_stays() -> None:
    there = at_both(record("A", OLD_AT), record("AAAA", "2606:4700::1"), record("TXT", '"x"'))
    found = made(case(replace(SUBJECT, record=NEW_AT), zone=there))

    assert found.kind is EditKind.TO_ADDRESSES
    assert found.forward.add == (f"{NAME}. 60 IN A {NEW_AT}",)
    assert len(found.forward.remove) == 2
    assert found.lost == ()


def test_at_the_top_of_a_zone_an_alias_or_addresses() -> None:
    top = record("A", OLD_AT, name=ZONE)
    mail = record("MX", "10 mail.example.com.", name=ZONE)
    apex = case(replace(SUBJECT, domain=Domain(ZONE)), zone=zone(server(NS1, top, mail, name=ZONE)))
    found = made(apex)

    assert found.kind is EditKind.APEX
    assert found.forward.add == (f"{ZONE}. 60 IN ALIAS {NEW}",)
    assert found.forward.remove == (f"{ZONE}. 60 IN A {OLD_AT}",)
    assert any("or A and AAAA with the target's addresses" in note for note in found.notes)


def test_what_is_there_already_needs_no_edit_and_what_isnt_there_is_made() -> None:
    assert made(case(zone=at_both(record("CNAME", NEW)))).kind is EditKind.NOTHING
    nothing = made(case(zone=at_both()))
    assert (nothing.kind, nothing.forward.remove) == (EditKind.CREATE, ())
    assert plan_edit(SUBJECT, case(zone=None).evidence) is None


@pytest.mark.parametrize(
    ("provider", "title", "words"),
    [
        ("cloudflare", "Cloudflare", "DNS only (grey cloud)"),
        ("dnspod", "Tencent Cloud DNSPod", "Edit the CNAME record of images"),
        ("alidns", "Alibaba Cloud DNS", "Value: registry.newcloud.org (it was registry.oldcloud"),
        ("azure", "Azure DNS", "-z example.com -n images -c registry.newcloud.org --ttl 60"),
        ("google", "Google Cloud DNS", "--type=CNAME --ttl=60 --rrdatas=registry.newcloud.org."),
        ("gandi", "Gandi", "Value: registry.newcloud.org. (it was"),
        ("ovh", "OVHcloud", "Value: registry.newcloud.org. (it was"),
        ("generic", "a DNS server of your own", "pdnsutil replace-rrset example.com images CNAME"),
    ],
)
def test_each_provider_has_its_own_words(provider: str, title: str, words: str) -> None:
    found = at(provider)

    assert found.provider.title == title
    assert words in "\n".join(found.words)
    assert "registry.oldcloud.net" in "\n".join(found.reverse_words)


def test_route_53_takes_one_batch_that_fails_if_the_record_isnt_what_it_was() -> None:
    line = next(line for line in at("route53").words if line.startswith("aws route53 change"))
    batch = json.loads(shlex.split(line)[-1])

    assert [change["Action"] for change in batch["Changes"]] == ["DELETE", "CREATE"]
    deleted, created = (change["ResourceRecordSet"] for change in batch["Changes"])
    assert deleted["ResourceRecords"] == [{"Value": OLD}]
    assert (created["Name"], created["TTL"]) == (f"{NAME}.", 60)


def test_an_update_adds_only_and_happens_only_if_the_old_record_is_there() -> None:
    words = at("generic").words

    assert f"prereq yxrrset {NAME}. IN CNAME {OLD}" in words
    assert f"update add {NAME}. 60 IN CNAME {NEW}" in words
    assert not any("update delete" in line for line in words)
    from_address = at("generic", record("A", OLD_AT)).words
    assert f"update delete {NAME}." in from_address


def test_google_takes_a_transaction_where_the_type_changes() -> None:
    words = at("google", record("A", OLD_AT), record("AAAA", "2606:4700::1")).words

    assert sum("transaction remove" in line for line in words) == 2
    assert words[-1].startswith("gcloud dns record-sets transaction execute")


@given(any_case() | spoilt_case())
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_the_reverse_undoes_the_edit_whatever_is_there(of: Case) -> None:
    found = plan_edit(of.subject, of.evidence)
    if found is None:
        return
    assert (found.forward.remove, found.forward.add) == (found.reverse.add, found.reverse.remove)
    assert set(found.lost) <= set(found.forward.remove)
    assert (found.kind is EditKind.NOTHING) == (not found.forward.add)
