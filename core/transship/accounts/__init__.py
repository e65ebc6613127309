"""Which registries the operator has, and where their secrets live."""
