"""Small images and indexes as documents in memory; the same input, the same digests."""
