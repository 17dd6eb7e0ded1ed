"""Proofs of the errata, by topic; the numbers are those of `errata.toml`."""
