"""Who is let in: the token realm, and the guard in front of the registry."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from urllib.parse import parse_qs

from aiohttp import hdrs, web

from transship.oci.reference import is_repository
from transship.sandbox.answers import Code, Refusal, json_answer
from transship.sandbox.bodies import read_body
from transship.sandbox.tokens import CATALOG, Scope, Tokens, parse_scopes, repository_scope

REALM = "/token"
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_FORM_LIMIT = 64 * 1024
_ACTIONS = {
    hdrs.METH_GET: ("pull",),
    hdrs.METH_HEAD: ("pull",),
    hdrs.METH_POST: ("pull", "push"),
    hdrs.METH_PUT: ("pull", "push"),
    hdrs.METH_PATCH: ("pull", "push"),
    hdrs.METH_DELETE: ("delete",),
}


class Realm:
    """Gives tokens by GET and by OAuth2's POST, and asks every other request for one."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        """Return what is answered where."""
        return [web.get(REALM, self._get, allow_head=False), web.post(REALM, self._post)]

    async def _get(self, request: web.Request) -> web.Response:
        user = self._user(request)
        offline = request.query.get("offline_token") == "true"
        return self._grant(user, " ".join(request.query.getall("scope", [])), offline=offline)

    async def _post(self, request: web.Request) -> web.Response:
        form = await _form(request)
        grant = form.get("grant_type", "")
        if grant == "password":
            user = form.get("username", "")
            if not self._tokens.is_user(user, form.get("password", "")):
                raise Refusal(Code.UNAUTHORIZED)
        elif grant == "refresh_token":
            known = self._tokens.read_refresh(form.get("refresh_token", ""))
            if known is None:
                raise Refusal(Code.UNAUTHORIZED)
            user = known
        else:
            raise Refusal(Code.UNSUPPORTED, {"grant_type": grant}, status=400)
        offline = form.get("access_type") == "offline" or grant == "refresh_token"
        return self._grant(user, form.get("scope", ""), offline=offline)

    def _grant(self, user: str, scopes: str, *, offline: bool) -> web.Response:
        token = self._tokens.access(user, parse_scopes(scopes))
        document = {
            "token": token,
            "access_token": token,
            "expires_in": int(self._tokens.lifetime),
        }
        if offline and user:
            document["refresh_token"] = self._tokens.refresh(user)
        return json_answer(document)

    def _user(self, request: web.Request) -> str:
        """Return the user of a Basic credential, or nothing if there is none."""
        header = request.headers.get(hdrs.AUTHORIZATION)
        if header is None:
            return ""
        try:
            scheme, _, encoded = header.partition(" ")
            user, _, password = b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeError):
            raise Refusal(Code.UNAUTHORIZED) from None
        if scheme.lower() != "basic" or not self._tokens.is_user(user, password):
            raise Refusal(Code.UNAUTHORIZED)
        return user

    def admit(self, request: web.Request) -> None:
        """Raise Refusal with a challenge unless the request carries a token that allows it.

        The realm is named as the registry was: a name that comes to lead here works at once.
        """
        wanted = _wanted(request)
        scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        error = ""
        if scheme.lower() == "bearer":
            note = self._tokens.read_access(token)
            if note and note.allows(wanted):
                return
            error = "insufficient_scope" if note else "invalid_token"
        host = request.host
        if not _HOST.fullmatch(host):
            raise Refusal(Code.UNSUPPORTED, {"host": host}, status=400)
        challenge = f'Bearer realm="{request.scheme}://{host}{REALM}",service="{host}"'
        if wanted:
            challenge += f',scope="{" ".join(str(scope) for scope in wanted)}"'
        if error:
            challenge += f',error="{error}"'
        raise Refusal(Code.UNAUTHORIZED, headers={hdrs.WWW_AUTHENTICATE: challenge})


def _wanted(request: web.Request) -> list[Scope]:
    """Return the scopes that a request needs; none for those that name no repository."""
    name = request.match_info.get("name")
    if name is None:
        return [CATALOG] if request.path == "/v2/_catalog" else []
    # Who may push may also give up an upload of their own.
    cancels = request.method == hdrs.METH_DELETE and "session" in request.match_info
    actions = ("pull", "push") if cancels else _ACTIONS[request.method]
    scopes = [repository_scope(name, *actions)]
    source = request.query.get("from", "")
    if "mount" in request.query and is_repository(source):
        scopes.append(repository_scope(source, "pull"))
    return scopes


async def _form(request: web.Request) -> dict[str, str]:
    body = await read_body(request, _FORM_LIMIT)
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}
