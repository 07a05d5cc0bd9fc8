"""Kinds of records by declaration: one TOML file per kind says what it holds, and everything else is made from it."""
