"""The wire: connections, TLS, proxies, authentication, retry policy and rate limiter.

A `RegistrySession` sends requests to one registry: signed in, in turn, retried where that is safe,
redirected with no credential to another host. An `Endpoint` does so for an API that is none.

Read `session` first, then `rate_limiter` (where a 429 is answered) and `authentication`.
"""
