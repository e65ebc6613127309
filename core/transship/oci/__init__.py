"""What the OCI specifications say, as pure data. Nothing here does I/O."""
