"""What the small name server of the sandbox serves in its tests."""

from __future__ import annotations

import base64

from transship.cutover.change.provider import TsigKey

EXAMPLE = """
$TTL 60
@ SOA ns1 admin 7 3600 600 86400 5
@ NS ns1
ns1 A 127.0.0.11
old A 127.0.0.1
new A 127.0.0.2
images 20 CNAME old
away CNAME elsewhere.invalid.
loop CNAME loop
dangling CNAME gone
deep.below TXT "here"
many A 192.0.2.1
many A 192.0.2.2
big TXT "{}"
""".format('" "'.join("x" * 200 for _ in range(10)))
TEST = """
$TTL 60
@ SOA ns1.example admin 1 3600 600 86400 5
@ NS ns1.example
example NS ns1.example
ns1.example A 127.0.0.11
"""
SECRET = base64.b64encode(b"not a secret, but long enough....").decode()
KEY = TsigKey("transship", SECRET, "hmac-sha256")
