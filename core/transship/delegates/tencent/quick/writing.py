"""The plan of a quick migration as the text of its file, which says what it lacks. Pure."""

from __future__ import annotations

from transship.delegates.tencent.quick.drawing import together
from transship.delegates.tencent.quick.wished import Quick
from transship.plans.encode import Spelling, document_text, encode
from transship.text import safe


def text_of(found: Quick, spelling: Spelling | None = None) -> str:
    """Return the plan's TOML, with what couldn't be listed as comments in front.

    Raises ValueError where there is no plan.
    """
    if found.plan is None:
        raise ValueError("there is no plan")
    text = document_text(encode(found.plan, spelling))
    if found.is_whole:
        return text
    lacks = "".join(f"#   {safe(each)}\n" for each in together(found.gaps))
    return f"# Not all of the account is in this plan. What couldn't be listed:\n{lacks}\n{text}"
