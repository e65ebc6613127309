"""The use cases: what an operator can have done, as a Python API that every face stands on.

`Application` is the one place where they start; its parts are by subject: `registries`, `plans`,
`flows`, `jobs`, `cutovers`, `engines`. In go references, plans and names; out come jobs, views'
states and proofs. What reaches out is asynchronous and raises `TransshipError`; the rest reads
Transship's own files and is quick. No part knows who shows what it gives.

Read `application` first, then `jobs`.
"""
