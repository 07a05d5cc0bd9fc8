"""Quality of providers: what evaluations say, and the steps by which a provider or a stale record leaves."""
