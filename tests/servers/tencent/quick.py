"""The actions that a move from the personal edition to an instance takes beside the usual ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servers.tencent.api import Refused
from servers.tencent.enterprise import Namespace, instance_of
from servers.tencent.pages import by_entries, by_page_in_offset
from servers.tencent.personal import Personal

if TYPE_CHECKING:
    from servers.registry import Registry
    from servers.tencent.api import Action, Call


@dataclass
class Images:
    """The tags of the personal edition by repository, the oldest first.

    `behind` is the registry behind an instance, by its id: its tags are asked for there.
    """

    tags: dict[str, list[str]] = field(default_factory=dict)
    behind: dict[str, Registry] = field(default_factory=dict)


def _personal_images(call: Call) -> dict[str, Any]:
    personal, name = call.api.of(Personal), call.need("RepoName")
    tags = call.api.of(Images).tags.get(name, [])
    # By name, as they come, and not by time.
    shown = [
        {
            "TagName": tag,
            "TagId": "sha256:0",
            "ImageId": "sha256:0",
            "Size": "1.0 kB",
            "SizeByte": 1000,
            "PushTime": f"2024-01-02 {tags.index(tag) // 60:02}:{tags.index(tag) % 60:02}:00",
            "Kind": "image",
        }
        for tag in by_entries(sorted(tags), call)
    ]
    server = personal.servers[call.region]
    data = {"TagCount": len(tags), "TagInfo": shown, "Server": server, "RepoName": name}
    return {"Data": data}


def _images(call: Call) -> dict[str, Any]:
    name = f"{call.need('NamespaceName')}/{call.need('RepositoryName')}"
    tags = _tags_behind(call, name)
    shown = [
        {"Digest": "sha256:0", "Size": 1, "ImageVersion": tag, "UpdateTime": "", "Kind": "Image"}
        for tag in by_page_in_offset(tags, call)
    ]
    return {"ImageInfoList": shown, "TotalCount": len(tags)}


def _tags_behind(call: Call, name: str) -> list[str]:
    registry = call.api.of(Images).behind.get(instance_of(call).id)
    if registry is None:
        return []
    answer = registry.http.get(f"/v2/{name}/tags/list")
    return sorted(answer.json().get("tags") or []) if answer.status_code == 200 else []


def _space(call: Call) -> Namespace:
    found = instance_of(call).namespaces.get(call.need("NamespaceName"))
    if found is None:
        raise Refused("ResourceNotFound.ErrNoNamespace")
    return found


def _create_repository(call: Call) -> dict[str, Any]:
    space, name = _space(call), call.need("RepositoryName")
    if name in space.repositories:
        raise Refused("InvalidParameter.ErrRepoExist")
    space.repositories.append(name)
    space.descriptions[name] = call.get("Description", "")
    return {}


def _modify_repository(call: Call) -> dict[str, Any]:
    space, name = _space(call), call.need("RepositoryName")
    if name not in space.repositories:
        raise Refused("ResourceNotFound.ErrNoRepo")
    space.descriptions[name] = call.get("Description", "")
    return {}


def _delete_repository(call: Call) -> dict[str, Any]:
    space, name = _space(call), call.need("RepositoryName")
    if name not in space.repositories:
        raise Refused("ResourceNotFound.ErrNoRepo")
    space.repositories.remove(name)
    space.descriptions.pop(name, None)
    return {}


def _modify_namespace(call: Call) -> dict[str, Any]:
    _space(call).public = bool(call.need("IsPublic"))
    return {}


def _delete_namespace(call: Call) -> dict[str, Any]:
    if _space(call).repositories:
        raise Refused("FailedOperation.PreconditionFailed", "The namespace isn't empty.")
    del instance_of(call).namespaces[call.need("NamespaceName")]
    return {}


ACTIONS: dict[str, Action] = {
    "CreateRepository": _create_repository,
    "DeleteNamespace": _delete_namespace,
    "DeleteRepository": _delete_repository,
    "DescribeImagePersonal": _personal_images,
    "DescribeImages": _images,
    "ModifyNamespace": _modify_namespace,
    "ModifyRepository": _modify_repository,
}
