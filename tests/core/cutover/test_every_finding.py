"""Every finding has a test that makes it appear for real, or a reason why that can't be had here.

Real means that observers have looked at servers that run: name servers and caches of the lab,
registries, token servers. What an operator pastes is real where the command has really been run.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from transship.cutover import rules

HERE = Path(__file__).parent

SHOWN: dict[str, dict[str, tuple[str, ...]]] = {
    "observe/test_judged.py": {
        "test_names_of_certificates": ("wildcard-too-high",),
        "test_dates_of_certificates": (
            "certificate-expired",
            "certificate-expires-in-window",
            "certificate-expires-soon",
            "certificate-not-yet-valid",
        ),
        "test_a_certificate_with_a_common_name_alone": ("certificate-without-names",),
        "test_a_missing_intermediate": ("intermediate-missing",),
        "test_a_repository_that_isnt_there": (
            "namespace-missing",
            "path-missing",
        ),
        "test_what_answers_isnt_a_registry": (
            "api-forbidden",
            "api-not-a-registry",
            "api-redirect",
            "api-server-failed",
            "challenge-missing",
        ),
        "test_nobody_listens": ("target-shut",),
    },
    "rules/test_lab.py": {
        "test_a_record_that_went_missing": ("record-gone",),
        "test_a_forgotten_dot_at_either_end": ("target-doubled",),
        "test_a_record_that_leads_elsewhere_than_the_new_registry": ("record-elsewhere",),
        "test_names_that_go_round_in_a_circle": ("chain-broken",),
        "test_an_aaaa_left_over": (
            "ipv6-behind",
            "ipv6-left",
        ),
        "test_what_exists_through_a_wildcard_alone": ("wildcard-only",),
        "test_a_branch_with_another_name": ("dname-above",),
        "test_a_resolver_that_lengthens_ttls": ("resolver-clamps",),
        "test_a_zone_that_nobody_serves": (
            "record-unreadable",
            "resolver-fails",
        ),
        "test_lame_servers": (
            "lame-server",
            "server-without-address",
        ),
        "test_signatures_that_a_resolver_refuses": ("bogus",),
        "test_a_target_that_doesnt_exist": ("target-missing",),
        "test_the_top_of_a_zone": ("apex",),
    },
    "staged/test_moved.py": {
        "test_an_old_registry_that_is_still_used_and_then_is_not": (
            "clear-up",
            "old-still-used",
            "ttl-still-low",
        ),
        "test_pulls_that_the_old_registry_answers": (
            "other-side-answers",
            "same-certificate",
        ),
        "test_pulls_that_somebody_else_answers": ("unknown-side",),
        "test_a_certificate_that_fails_now": ("certificate-fails-now",),
        "test_an_address_that_nobody_has_tried": ("address-unprobed",),
        "test_tags_that_differ": (
            "tags-different",
            "tags-missing",
            "tags-only-new",
        ),
        "test_tags_that_were_pushed_meanwhile": (
            "pushed-to-both",
            "pushed-to-old",
            "would-change-tags",
            "would-hide-tags",
        ),
        "test_a_reason_to_go_back": ("go-back",),
    },
    "staged/test_resolvers.py": {
        "test_a_private_view_of_the_name": ("private-view",),
        "test_a_resolver_that_makes_answers_up": ("answers-made-up",),
        "test_answers_that_depend_on_the_place": ("answers-by-place",),
        "test_a_cache_that_is_late": (
            "flush",
            "stragglers",
        ),
        "test_a_cache_that_answers_with_what_has_expired": ("serves-expired",),
        "test_a_private_zone_that_the_operator_tells_of": ("private-view-told",),
        "test_resolvers_that_say_nothing": (
            "resolver-refuses",
            "resolver-silent",
        ),
        "test_how_long_the_way_back_takes": ("way-back-takes",),
        "test_a_file_that_goes_before_dns": ("hosts-line",),
        "test_what_a_node_has_of_its_own": ("node-overrides",),
        "test_others_that_use_the_name": ("consumers-unknown",),
    },
    "staged/test_sides.py": {
        "test_pulls_that_fail_at_the_new_side": (
            "pull-fails-for-one",
            "pull-fails-now",
        ),
        "test_a_cache_that_leads_to_the_old_side_still": ("still-old",),
        "test_an_old_side_with_an_authority_that_is_pinned_on_nodes": ("old-authority-private",),
        "test_an_old_side_whose_certificate_ends": ("old-certificate-ends",),
    },
    "staged/test_targets.py": {
        "test_http_without_tls": ("tls-failed",),
        "test_a_domain_that_isnt_attached": (
            "api-default-host",
            "certificate-name-mismatch",
            "domain-not-attached",
        ),
        "test_a_clock_that_is_wrong": ("clock-differs",),
        "test_an_authority_that_this_machine_alone_trusts": (
            "renewal-unknown",
            "trusted-here-only",
        ),
        "test_what_a_node_says_of_the_certificate": ("authority-not-trusted",),
        "test_a_version_of_tls_that_nodes_refuse": ("tls-old",),
        "test_layers_that_nodes_cannot_reach": ("blob-host-shut-for-nodes",),
        "test_layers_without_tls": ("blobs-without-tls",),
        "test_layers_from_where_nobody_listens": (
            "blob-host-fails",
            "more-hosts",
            "pull-fails",
        ),
        "test_a_new_sign_in_that_the_old_registry_refuses": (
            "refused-by-old",
            "sign-in-refused",
            "some-sign-ins-refused",
        ),
        "test_a_sign_in_that_nodes_dont_have": ("sign-in-not-prepared",),
        "test_an_issuer_that_may_not_issue_after_the_change": ("caa-forbids-issuer",),
        "test_tls_and_then_nothing": ("api-no-answer",),
        "test_a_proxy_that_the_environment_names": (
            "proxy-passed-by",
            "registry-open",
        ),
        "test_tokens_from_where_the_domain_leads_today": ("realm-at-old",),
        "test_a_token_that_allows_nothing": ("token-without-pull",),
        "test_where_tokens_come_from": (
            "realm-broken",
            "realm-is-old",
            "realm-without-tls",
        ),
        "test_an_old_registry_that_is_gone": ("old-gone",),
        "test_an_old_registry_that_has_let_go_of_the_domain": ("old-unbound",),
        "test_an_old_registry_that_refuses_what_nodes_have": ("old-sign-in-refused",),
        "test_pushes_that_nobody_has_tried": ("push-untried",),
        "test_pushes_that_are_sent_elsewhere": ("push-elsewhere",),
        "test_pushes": ("push-fails",),
        "test_an_address_to_which_there_is_no_way": ("address-out-of-reach",),
        "test_an_ipv6_address_where_nobody_listens": ("ipv6-shut",),
    },
    "staged/test_zones.py": {
        "test_a_change_that_stops_half_way": (
            "half-changed",
            "new-ttl-high",
            "serial-behind",
        ),
        "test_a_change_to_another_target": (
            "dangling",
            "other-target",
        ),
        "test_an_a_left_over": ("ipv4-left",),
        "test_a_doubled_name_that_nobody_asks_for": ("owner-doubled",),
        "test_a_cname_beside_other_records": ("cname-and-other",),
        "test_who_may_issue_changes_with_the_record": ("caa-changes",),
        "test_a_tag_that_no_authority_knows": ("caa-critical",),
        "test_a_ttl_that_is_lowered_and_has_to_run_out": (
            "ttl-draining",
            "ttl-high",
        ),
        "test_ttls": (
            "ttl-rather-high",
            "ttl-very-low",
        ),
        "test_a_name_and_its_port": (
            "international-name",
            "port-differs",
            "port-in-name",
        ),
        "test_a_provider_that_shows_addresses_for_a_name": ("maybe-flattened",),
        "test_a_wildcard_beside_a_record_of_its_own": ("wildcard-beside",),
        "test_a_record_that_octodns_owns": ("managed",),
        "test_what_is_no_name": ("not-a-name",),
        "test_a_server_that_says_nothing": ("silent-server",),
        "test_a_server_that_is_shut_for_tcp": ("one-transport-only",),
        "test_a_zone_that_names_other_servers_than_its_parent": ("servers-differ",),
        "test_a_server_to_which_there_is_no_way": ("server-out-of-reach",),
        "test_two_providers_whose_copies_are_their_own": ("several-primaries",),
        "test_signatures": (
            "signature-invalid",
            "signatures-end-soon",
        ),
        "test_a_target_that_leads_back": ("target-leads-back",),
        "test_where_the_target_leads": (
            "target-chain-too-long",
            "target-loop",
            "target-without-address",
        ),
        "test_a_target_without_ipv6_and_one_inside": (
            "ipv6-lost",
            "target-private",
        ),
        "test_an_address_that_a_resolver_made_up": ("dns64",),
        "test_a_server_that_lacks_the_record": ("name-missing",),
        "test_servers_that_answer_differently": ("answers-differ",),
        "test_servers_that_dont_know_some_types": ("snapshot-incomplete",),
        "test_a_long_memory_of_no_such_name": ("negative-ttl-long",),
        "test_a_name_in_no_zone": ("zone-not-found",),
    },
    "../../tui/commands/test_cutover_service.py": {
        "test_a_service_that_cannot_be_asked_fails_nothing_and_says_what_to_do": (
            "service-not-asked",
        ),
    },
}
"""The findings that each test makes appear, by its file."""

NOT_HERE = {
    "local-differs": "needs a name service of the machine's own before DNS (nsswitch.conf, VPN)",
}
"""Why a finding is only known from evidence that was made up."""

BUILT = {
    "f'api-{kind}'": tuple(
        f"api-{kind}"
        for kind in (
            "no-answer",
            "redirect",
            "default-host",
            "forbidden",
            "server-failed",
            "not-a-registry",
        )
    ),
    "f'{family.lower()}-left'": ("ipv4-left", "ipv6-left"),
}
"""Ids that are put together, by how."""

_MAKERS = {"block", "blocking", "warn", "info", "severe"}


def functions(path: Path) -> dict[str, str]:
    """The source of each test of a file, with what stands in front of it."""
    text = path.read_text()
    lines = text.splitlines()
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


def ids() -> set[str]:
    """Every id that a rule gives a finding."""
    found: set[str] = set()
    for path in Path(rules.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and _makes_a_finding(node.func):
                found |= _named(node.args[0])
    return found


def _makes_a_finding(function: ast.expr) -> bool:
    if isinstance(function, ast.IfExp):
        return _makes_a_finding(function.body)
    return isinstance(function, ast.Name) and function.id in _MAKERS


def _named(argument: ast.expr) -> set[str]:
    if isinstance(argument, ast.Constant):
        return {str(argument.value)}
    if isinstance(argument, ast.IfExp):
        return _named(argument.body) | _named(argument.orelse)
    if isinstance(argument, ast.JoinedStr):
        return set(BUILT[ast.unparse(argument)])
    assert ast.unparse(argument) == "name", f"how is {ast.unparse(argument)} put together?"
    return set()


def test_every_finding_is_made_to_appear_or_has_a_reason_why_not() -> None:
    shown = {name for tests in SHOWN.values() for names in tests.values() for name in names}

    assert ids() - shown - NOT_HERE.keys() == set(), "without a test on real evidence"
    assert (shown | NOT_HERE.keys()) - ids() == set(), "no rule has these"
    assert shown & NOT_HERE.keys() == set()


@pytest.mark.parametrize("file", SHOWN)
def test_the_tests_that_are_named_speak_of_these_findings(file: str) -> None:
    sources = functions(HERE / file)

    for test, names in SHOWN[file].items():
        assert test in sources
        assert [name for name in names if f'"{name}"' not in sources[test]] == [], test
