"""Operators' sign-in: sessions, OpenID Connect and guards."""
