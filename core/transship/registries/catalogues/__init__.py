"""Catalogues: they say which registries hold a package, and hold no images themselves."""
