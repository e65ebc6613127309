"""HTTP/1.1 on asyncio, as lean as moving images wants it: many small requests, and much to stream.

A general client spends more on a request than the registry does on its answer. Heads and chunks are
parsed by llhttp; here is only what is between that and a socket. Nothing here knows of registries,
and only `transport` and its `causes` know what is here.
"""
