"""One place that holds images: a registry over HTTP, or an OCI layout folder on disk.

`Registry` is the protocol; `DistributionRegistry` speaks OCI's distribution specification,
`LayoutRegistry` keeps a folder as the image specification says. What goes in is an `Access`: host,
credential, TLS, limits. What comes out are manifests and blobs, byte by byte as they are kept.
`http` is the only room that knows the wire; `service` says what is special at a hosted service.

Read `registry` first, then `distribution`.
"""
