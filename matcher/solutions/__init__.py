"""Solutions of several parts for one demand: candidates per role, chosen together by an integer programme."""
