"""The line commands that do what the screens do, safe to paste into a shell."""

from __future__ import annotations

import shlex
from itertools import takewhile
from typing import TYPE_CHECKING

from transship.app.provider_request import ProviderKind
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict
from transship.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from transship.accounts.registry_file import Account
    from transship.app.engines import (
        DomainRequest,
        NetworkRequest,
        PlanRequest,
        QuickTransferRequest,
        ReplicaRequest,
    )
    from transship.app.provider_request import ProviderRequest
    from transship.cutover.domain import Resolver, Subject
    from transship.cutover.status import CutoverStatus
    from transship.plans.plan import Plan

_WAYS = {
    ProviderKind.UPDATE: "rfc2136",
    ProviderKind.POWERDNS: "powerdns",
    ProviderKind.ROUTE53: "route53",
}
_SOURCES = {
    "": "--anonymous",
    "session": "--session",
    "environment": "--from-environment",
    "docker": "--from-docker",
}


def line(*words: str) -> str:
    """Return `transship` with these words, quoted where a shell would make more of them."""
    return " ".join(("transship", *map(_quoted, words)))


def ls_line(registry: str, repository: str = "") -> str:
    """Return the line that lists a registry, or the tags of a repository."""
    return line("ls", str(Reference(registry, repository)))


def inspect_line(image: str) -> str:
    """Return the line that shows one image, whatever the operator calls its place."""
    return line("inspect", image)


def login_line(account: Account) -> str:
    """Return the line that adds an account. It asks for the secret by itself."""
    tls = account.tls
    valued = (
        ("-u", account.username if account.secret_source in ("keyring", "session") else ""),
        ("--alias", account.alias),
        ("--service", account.service),
        ("--api", account.api),
        ("--ca", tls.ca_file),
        ("--client-cert", tls.client_cert),
        ("--client-key", tls.client_key),
        *(("--repository", name) for name in account.repositories),
    )
    options = [word for option, value in valued if value for word in (option, value)]
    options += [_SOURCES[account.secret_source]] if account.secret_source in _SOURCES else []
    options += ["--plain-http"] if tls.plain_http else []
    options += ["--insecure"] if tls.insecure else []
    return line("login", account.host, *options)


def plan_line(name: str) -> str:
    """Return the line that shows what a plan would do."""
    return line("plan", name)


def run_line(name: str, *, deletes: bool = False) -> str:
    """Return the line that carries a plan out, and `deletes` what vanished where that is meant."""
    return line("run", name, *(["--delete"] if deletes else []))


def drift_line(name: str) -> str:
    """Return the line that compares the targets of a plan with its sources."""
    return line("drift", name)


def flow_line(flow: str) -> str:
    """Return the line that shows the board of a flow."""
    return line("flow", flow)


def promote_line(flow: str, image: str, stage: str, *, overwrite: bool = False) -> str:
    """Return the line that promotes an image to a stage."""
    return line("promote", flow, image, "--to", stage, *(["--overwrite"] if overwrite else []))


def report_line(job: str) -> str:
    """Return the line that writes the report of a job."""
    return line("report", job, "-o", f"report-{job}.html")


def limit_line(
    job: str, registry: str, *, rate: str = "", concurrency: str = "", window: str = ""
) -> str:
    """Return the line that holds a job to a rate, so many requests at once, or a window."""
    valued = (("--rate", rate), ("--concurrency", concurrency), ("--window", window))
    options = [word for option, value in valued if value for word in (option, value)]
    return line("limit", job, registry, *options)


def undo_line(job: str) -> str:
    """Return the line that undoes a job."""
    return line("undo", job)


def check_line(subject: Subject) -> str:
    """Return the line that makes all checks of a cutover."""
    return line("check", subject.domain.host, *_about(subject))


def begin_line(subject: Subject, way: ProviderRequest) -> str:
    """Return the line that keeps a cutover and makes all checks. It asks for a secret by itself."""
    valued = (
        (f"--{_WAYS.get(way.kind, '')}", way.place),
        ("--zone", way.zone),
        ("--key", way.key),
    )
    options = [word for option, value in valued if value for word in (option, value)]
    changing = options if way.kind in _WAYS else []
    return line("cutover", "plan", subject.domain.host, *_about(subject), *changing)


def _about(subject: Subject) -> list[str]:
    """Return the options that say what a cutover is about."""
    valued = [("--to", subject.new), ("--from", subject.old), ("--record", subject.record)]
    valued += [("--resolver", resolver_words(each)) for each in subject.resolvers]
    valued += [("--repository", name) for name in subject.repositories]
    valued += [("--node-ca", subject.node_ca), ("--job", subject.job), ("--plan", subject.plan)]
    options = [word for option, value in valued if value for word in (option, value)]
    if not subject.public:
        options.append("--no-public")
    return options


def resolver_words(resolver: Resolver) -> str:
    """Return a resolver as an operator writes it."""
    address = f"[{resolver.address}]" if ":" in resolver.address else resolver.address
    if resolver.transport == "udp":
        return address if resolver.port == 53 else f"{address}:{resolver.port}"
    name = f"{resolver.hostname}@" if resolver.hostname else ""
    return f"{resolver.transport}://{name}{address}:{resolver.port}"


def cutover_line(domain: str, what: str = "status") -> str:
    """Return the line that does something with the cutover of a domain."""
    return line("cutover", what, domain)


def board_line(standing: CutoverStatus, part: str) -> str:
    """Return the line that does what a part of a cutover's board is about."""
    from transship.cutover.status import CHANGED_STATES  # Few lines are of a domain.

    changed, host = standing.state in CHANGED_STATES, standing.subject.domain.host
    match part:
        case "board":
            return cutover_line(host) if changed else check_line(standing.subject)
        case "grid":
            return cutover_line(host, "watch")
        case "change":
            return cutover_line(host, "rollback" if changed else "apply")
        case "step":
            return cutover_line(host, "delta")
    return cutover_line(host, "report")


def copy_line(plan: Plan, called: Callable[[str], str] = str) -> str:
    """Return the line that does what a plan says; a loop where it says more than one copy.

    `called` gives what the operator calls a place.
    """
    pairs = [(called(str(copy.source)), called(str(copy.target))) for copy in plan.copies]
    options = _options(plan)
    if len(pairs) > 1 and (loop := _loop(pairs, options)):
        return loop
    return " && ".join(line("copy", *pair, *options) for pair in pairs)


def _options(plan: Plan) -> list[str]:
    options = []
    if plan.on_conflict is not OnConflict.OVERWRITE:
        options += ["--on-conflict", str(plan.on_conflict)]
    if plan.create_missing is not None:
        options += ["--create-missing", str(plan.create_missing)]
    if plan.try_refused:
        options.append("--try-refused")
    if not plan.referrers:
        options.append("--no-referrers")
    for platform in plan.platforms:
        options += ["--platform", str(platform)]
    return options


def _loop(pairs: list[tuple[str, str]], options: list[str]) -> str:
    """Return a shell loop over what the pairs differ in, if that is the same on both sides."""
    source, target = (_stem(side) for side in zip(*pairs, strict=True))
    names = [one[len(source) :] for one, _ in pairs]
    if names != [other[len(target) :] for _, other in pairs]:
        return ""
    copy = f"transship copy {_quoted(source)}$x {_quoted(target)}$x"
    words = " ".join(map(_quoted, options))
    return f"for x in {' '.join(map(_quoted, names))}; do {copy}{words and ' '}{words}; done"


def _stem(references: tuple[str, ...]) -> str:
    """Return what all references begin with, up to a place where a name begins."""
    ends = zip(min(references), max(references), strict=False)
    common = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    return common[: max(common.rfind(mark) for mark in "/:@") + 1]


def _quoted(word: str) -> str:
    return shlex.quote(safe(word, limit=10_000))


def ways_line(plan: str) -> str:
    """Return the line that says who could move a plan."""
    return line("delegate", "ways", plan)


def engine_plan_line(wish: PlanRequest, what: str = "apply") -> str:
    """Return the line that shows or makes what a wish would; empty for a plan that isn't saved."""
    if not wish.saved:
        return ""
    options, terms = wish.options, wish.terms
    valued = [
        ("--harbor", options.harbor),
        ("--name", options.name),
        ("--begins", str(terms.begins or "")),
        ("--cron", terms.cron),
        ("--speed", str(terms.speed or "")),
        ("--via", options.via if options.via != type(options)().via else ""),
        ("--uin", options.uin),
        ("--instance", options.instance),
        ("--region", options.region),
    ]
    words = [word for option, value in valued if value for word in (option, value)]
    flags = (
        ("--delete", terms.deletion),
        ("--chunks", terms.copy_by_chunk),
        ("--single", terms.single_active),
    )
    words += [option for option, is_said in flags if is_said]
    return line("delegate", what, wish.saved, "--by", wish.who, *words)


def quick_line(wish: QuickTransferRequest) -> str:
    """Return the line that moves all of a personal account of TCR to an instance."""
    words = [] if wish.newest is None else ["--newest", str(wish.newest)]
    if wish.on_conflict is not OnConflict.FAIL:
        words += ["--on-conflict", str(wish.on_conflict)]
    words += [word for old, new in wish.names for word in ("--rename", f"{old}={new}")]
    words += [word for name in wish.leave_out for word in ("--leave-out", name)]
    if wish.incomplete:
        words.append("--incomplete")
    if wish.expose:
        words.append("--expose")
    return line("delegate", "quick", wish.source, wish.target, *words)


def delegations_line() -> str:
    """Return the line that lists what was delegated."""
    return line("delegate", "list")


def delegation_line(delegation: str, what: str = "status") -> str:
    """Return the line that does something with one delegation."""
    return line("delegate", what, delegation)


def task_log_line(delegation: str, task: str) -> str:
    """Return the line that prints the log of a task."""
    return line("delegate", "log", delegation, task)


def network_line(wish: NetworkRequest) -> str:
    """Return the line that explains, or changes, who gets through to an instance of TCR."""
    wishes = wish.wishes
    words = [] if wishes.public is None else ["--open" if wishes.public else "--close"]
    several = (
        ("--allow", wishes.allow),
        ("--disallow", wishes.disallow),
        ("--link", wishes.link),
        ("--unlink", wishes.unlink),
        ("--record", wishes.resolve),
        ("--unrecord", wishes.unresolve),
    )
    words += [word for option, values in several for value in values for word in (option, value)]
    words += ["--vpc-domain"] if wishes.vpc_domain else []
    words += ["--here", wish.here] if wish.here else []
    return line("delegate", "network", wish.host, *words)


def replica_line(wish: ReplicaRequest) -> str:
    """Return the line that replicates an instance of TCR to another region."""
    return line("delegate", "replica", wish.host, "--region", wish.region)


def domains_line(host: str) -> str:
    """Return the line that lists the custom domains of an instance of TCR."""
    return line("delegate", "domain", "list", host)


def domain_line(wish: DomainRequest) -> str:
    """Return the line that attaches or removes a custom domain."""
    if wish.remove:
        return line("delegate", "domain", "remove", wish.host, wish.name)
    words = ["--certificate", wish.certificate]
    if wish.files is not None:
        words = ["--upload", *map(str, wish.files)]
    return line("delegate", "domain", "add", wish.host, wish.name, *words)
